/** `hosts-file` and `shard` among the other inputs: whose hosts a job has, and whose errors it tells. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TrustError } from '../../src/errors'
import { loadConfig, readConfig, type Config, type Inputs } from '../../src/trust/config'
import { hostName } from '../../src/trust/hosts'
import { makeDirectory } from '../support/scratch'

const FP = `SHA256:${'A'.repeat(43)}`
const directory = makeDirectory()

const EMPTY: Inputs = {
  sshPrivateKey: '',
  passphrase: '',
  sshCertificate: '',
  certificateAuthorityKey: '',
  certificateAuthorityPassphrase: '',
  certificatePrincipals: '',
  certificateValidity: '',
  certificateKeyId: '',
  certificateOptions: '',
  generateKey: 'ed25519',
  hosts: '',
  agentPolicy: '',
  agentLifetime: '',
  maxSignatures: '',
  signatureNamespaces: '',
  signOtherData: '',
  bootstrapPassword: 'b',
  bootstrapKey: '',
  bootstrapPassphrase: '',
  authorizedKeysOptions: '',
  trustLifetime: '',
  trustExpiry: '',
  bootstrapFailure: '',
  revoke: '',
  revokeKeys: '',
  secretOf: () => undefined,
  home: '',
  connectTimeout: '',
  keyComment: 'job 7',
}

beforeAll(() => {
  writeFileSync(
    join(directory, 'fleet.ini'),
    `[web]\nweb[1:4] ansible_user=me\nlocalhost ansible_connection=local\n[web:vars]\nssh_trust_pins=${FP}\nssh_trust_options=bootstrap\n`,
  )
  writeFileSync(join(directory, 'wrong'), `a ${FP}\nb\nc ${FP} key=none\n`)
})

const load = (changes: Partial<Inputs>): Promise<Config> =>
  loadConfig({ ...EMPTY, ...changes }, directory)

async function failure(changes: Partial<Inputs>): Promise<string> {
  const error: unknown = await load(changes).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof TrustError) return error.explain()
  throw new Error('no TrustError')
}

describe('hosts-file', () => {
  test('adds its hosts to those of hosts; the policy goes by them; warnings tell what was left out', async () => {
    const { hosts, policy, warnings } = await load({ hosts: `db ${FP}`, hostsFile: 'fleet.ini' })
    expect(hosts.map(hostName)).toEqual(['db', 'web1', 'web2', 'web3', 'web4'])
    expect(policy.mode).toBe('pinned')
    expect(warnings).toEqual([expect.stringContaining('localhost')])
  })

  test('alone makes the policy pinned', async () => {
    expect((await load({ hostsFile: 'fleet.ini' })).policy.mode).toBe('pinned')
  })

  test('must not give a name that hosts has', async () => {
    expect(await failure({ hosts: `web2=db ${FP}`, hostsFile: 'fleet.ini' })).toBe(
      'hosts-file fleet.ini:2: The name web2 is taken by hosts:1. Give every alias once. [hosts-syntax]',
    )
  })

  test('that is absent is told beside what else is wrong', async () => {
    const message = await failure({ hosts: 'db', hostsFile: 'none', home: 'what' })
    expect(message).toContain('hosts-file: The file none is not there.')
    expect(message).toContain('hosts:1: db has no pin')
    expect(message).toContain('home: "what"')
  })

  test('that nobody has read is no configuration', () => {
    expect(() => readConfig({ ...EMPTY, hostsFile: 'fleet.ini' })).toThrow('has not been read')
  })
})

describe('shard', () => {
  test('has its part of all hosts, and only those', async () => {
    const inputs = { hosts: `db ${FP}`, hostsFile: 'fleet.ini' }
    const parts = await Promise.all(
      ['1/2', '2/2'].map(async (shard) => (await load({ ...inputs, shard })).hosts.map(hostName)),
    )
    expect(parts).toEqual([
      ['db', 'web2', 'web4'],
      ['web1', 'web3'],
    ])
  })

  test('tells the errors of all hosts, whichever it is', async () => {
    const messages = await Promise.all(
      ['1/3', '2/3', '3/3'].map((shard) => failure({ hostsFile: 'wrong', shard })),
    )
    expect(new Set(messages).size).toBe(1)
    expect(messages[0]).toContain('hosts-file wrong:2')
    expect(messages[0]).toContain('hosts-file wrong:3')
  })

  test('has the credentials of its own hosts', async () => {
    const { hosts, bootstrap } = await load({ hostsFile: 'fleet.ini', shard: '3/4' })
    expect(hosts.map(hostName)).toEqual(['web3'])
    expect(hosts.every((line) => bootstrap?.credentials.has(line) === true)).toBe(true)
  })

  test.each([
    [{ hostsFile: 'fleet.ini', shard: '5/5' }, 'shard: There are 4 hosts, so shard 5/5 has none.'],
    [{ shard: '1/1' }, 'shard: There are 0 hosts, so shard 1/1 has none.'],
    [{ hosts: `db ${FP}`, shard: '2' }, 'shard: "2" is not a shard.'],
    [
      { hostsFile: 'fleet.ini', shard: '1/2', trust: 'web1 -> web2' },
      '"web2" is none of the hosts. They are: web1, web3.',
    ],
  ])('%j is wrong', async (changes, message) => {
    expect(await failure(changes)).toContain(message)
  })
})
