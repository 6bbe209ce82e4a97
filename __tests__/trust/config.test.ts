/** From inputs to a configuration: defaults, every input's errors, several errors told at once. */
import { describe, expect, test } from '@jest/globals'
import type { ErrorCode } from '../../src/errors'
import { combine, TrustError } from '../../src/errors'
import { generatePrivateKey } from '../../src/ssh/private-key'
import { fingerprint } from '../../src/ssh/public-key'
import { readConfig, type Config, type Inputs } from '../../src/trust/config'

const privateKey = generatePrivateKey({ type: 'ecdsa-sha2-nistp256' }, '')
const PEM = privateKey.key.export({ type: 'pkcs8', format: 'pem' }).toString()
const FP = fingerprint(privateKey.publicKey)
const HOST = `web.example ${FP}`

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
  generateKey: '',
  hosts: '',
  agentPolicy: '',
  agentLifetime: '',
  maxSignatures: '',
  signatureNamespaces: '',
  signOtherData: '',
  bootstrapPassword: '',
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
const read = (changes: Partial<Inputs>): Config =>
  readConfig({ ...EMPTY, sshPrivateKey: PEM, ...changes })

function failure(changes: Partial<Inputs>): TrustError {
  try {
    read(changes)
  } catch (error) {
    if (error instanceof TrustError) return error
    throw error
  }
  throw new Error('no error')
}

describe('what is not given', () => {
  test('has its default', () => {
    const { keys, ...rest } = read({})
    expect(rest).toStrictEqual({
      hosts: [],
      policy: { mode: 'any' },
      home: true,
      connectTimeout: 10_000,
      repairs: [],
      warnings: [],
    })
    expect(keys.map(({ privateKey: { publicKey } }) => publicKey)).toEqual([privateKey.publicKey])
  })

  test('the policy is pinned as soon as there are hosts', () => {
    expect(read({ hosts: HOST }).policy).toEqual({ mode: 'pinned' })
  })
})

describe('what is given', () => {
  test.each<[Partial<Inputs>, Partial<Config>]>([
    [{ agentPolicy: 'any' }, { policy: { mode: 'any' } }],
    [{ hosts: HOST, agentPolicy: 'any' }, { policy: { mode: 'any' } }],
    [{ hosts: HOST, agentPolicy: 'warn' }, { policy: { mode: 'warn' } }],
    [{ hosts: HOST, agentPolicy: 'pinned' }, { policy: { mode: 'pinned' } }],
    [{ agentLifetime: '8h' }, { lifetime: 28_800 }],
    [{ maxSignatures: '3' }, { policy: { mode: 'any', maxSignatures: 3 } }],
    [{ hosts: HOST, signOtherData: 'true' }, { policy: { mode: 'pinned', otherData: true } }],
    [
      { hosts: HOST, signatureNamespaces: 'git,file' },
      { policy: { mode: 'pinned', namespaces: ['git', 'file'] } },
    ],
    [{ home: 'true' }, { home: true }],
    [{ home: 'TRUE' }, { home: true }],
    [{ home: 'false' }, { home: false }],
    [{ home: 'False' }, { home: false }],
    [{ connectTimeout: '1' }, { connectTimeout: 1000 }],
    [{ connectTimeout: '2.5' }, { connectTimeout: 2500 }],
    [{ connectTimeout: '300' }, { connectTimeout: 300_000 }],
    [{ generateKey: 'ed25519' }, { generate: { type: 'ssh-ed25519', comment: 'job 7' } }],
    [{ generateKey: 'rsa-4096' }, { generate: { type: 'ssh-rsa', bits: 4096, comment: 'job 7' } }],
  ])('%j', (inputs, expected) => {
    expect(read(inputs)).toMatchObject(expected)
  })

  test('a key that is to be generated is enough', () => {
    const config = read({ sshPrivateKey: ' \n', generateKey: 'ecdsa-384' })
    expect(config).toMatchObject({ keys: [], generate: { type: 'ecdsa-sha2-nistp384' } })
  })

  test('keys without a comment get one that says which they are', () => {
    const { keys } = read({ sshPrivateKey: `${PEM}\n${PEM}` })
    expect(keys.map(({ privateKey: { comment } }) => comment)).toEqual([
      'ssh-private-key-1',
      'ssh-private-key-2',
    ])
  })

  test.each([
    ['a fingerprint', `key=${FP}`, {}],
    ['a comment', 'key=ssh-private-key-1', {}],
    ['a key to be generated', 'key=made', { generateKey: 'ed25519', keyComment: 'made' }],
  ])('key= may name %s', (_, option, changes) => {
    const { hosts } = read({ hosts: `${HOST} ${option}`, ...changes })
    expect(hosts[0]?.keys).toEqual([option.slice(4)])
  })
})

describe('errors', () => {
  const cut = PEM.split('\n').slice(0, 2).join('\n')

  test.each<[Partial<Inputs>, ErrorCode, string, RegExp]>([
    [{ sshPrivateKey: '' }, 'key-empty', 'ssh-private-key', /secret/],
    [{ sshPrivateKey: '\r\n' }, 'key-empty', 'ssh-private-key', /generate-key/],
    [{ sshPrivateKey: cut }, 'key-unreadable', 'ssh-private-key', /END PRIVATE KEY/],
    [{ sshPrivateKey: 'ssh-ed25519 AAAA' }, 'key-is-public', 'ssh-private-key', /public key/],
    [{ generateKey: 'dsa' }, 'key-type-unsupported', 'generate-key', /DSA/],
    [{ generateKey: 'rsa-1024' }, 'key-too-small', 'generate-key', /2048/],
    [{ generateKey: 'yes' }, 'input-invalid', 'generate-key', /"yes"/],
    [{ hosts: 'web.example' }, 'hosts-pin-missing', 'hosts:1', /no pin/],
    [{ hosts: HOST, agentPolicy: 'strict' }, 'input-invalid', 'agent-policy', /pinned, warn, any/],
    [{ hosts: HOST, agentPolicy: 'Pinned' }, 'input-invalid', 'agent-policy', /no policy/],
    [{ agentPolicy: 'pinned' }, 'input-invalid', 'agent-policy', /hosts is empty/],
    [{ agentPolicy: 'warn' }, 'input-invalid', 'agent-policy', /hosts is empty/],
    [{ agentLifetime: '25d' }, 'input-invalid', 'agent-lifetime', /24 days/],
    [{ agentLifetime: 'long' }, 'input-invalid', 'agent-lifetime', /no span of time/],
    [{ maxSignatures: '0' }, 'input-invalid', 'max-signatures', /from 1 to 999999999/],
    [{ signOtherData: 'yes' }, 'input-invalid', 'sign-other-data', /neither true nor false/],
    [{ home: 'yes' }, 'input-invalid', 'home', /neither true nor false/],
    [{ connectTimeout: '0' }, 'input-invalid', 'connect-timeout', /from 1 to 300/],
    [{ connectTimeout: '301' }, 'input-invalid', 'connect-timeout', /from 1 to 300/],
    [{ connectTimeout: '-5' }, 'input-invalid', 'connect-timeout', /from 1 to 300/],
    [{ connectTimeout: '5s' }, 'input-invalid', 'connect-timeout', /"5s"/],
    [{ connectTimeout: ' ' }, 'input-invalid', 'connect-timeout', /" "/],
    [{ connectTimeout: 'Infinity' }, 'input-invalid', 'connect-timeout', /Infinity/],
    [{ hosts: `${HOST} key=other` }, 'hosts-option-unknown', 'hosts:1', /key=other is none/],
    [
      { hosts: `\n${HOST} key=me`, generateKey: 'ed25519' },
      'hosts-option-unknown',
      'hosts:2',
      /job 7/,
    ],
  ])('%j', (changes, code, input, words) => {
    const error = failure(changes)
    expect(error).toMatchObject({ code, input })
    expect(error.explain()).toMatch(words)
  })

  test('a hint for key= tells the names that there are, and no secret', () => {
    const { hint } = failure({ hosts: `${HOST} key=x` })
    expect(hint).toBe(`They are: ${FP}, ssh-private-key-1.`)
  })

  test('all at once, each with its input; the first gives the code', () => {
    const error = failure({
      ...{ sshPrivateKey: '', hosts: `web\n${HOST}\ndb what`, agentPolicy: 'x' },
      ...{ agentLifetime: 'x', maxSignatures: 'x', signOtherData: 'x' },
      ...{ home: 'y', connectTimeout: 'z' },
    })
    expect(error.code).toBe('key-empty')
    const [head, ...list] = error.message.split('\n- ')
    expect(head).toBe('9 things are wrong:')
    expect(list.map((text) => text.split(': ')[0])).toEqual([
      ...['ssh-private-key', 'hosts:1', 'hosts:3:4'],
      ...['agent-policy', 'agent-lifetime', 'max-signatures', 'sign-other-data'],
      ...['home', 'connect-timeout'],
    ])
  })

  test('hosts that are all wrong are not called empty', () => {
    expect(failure({ hosts: 'web', agentPolicy: 'pinned' })).toMatchObject({ input: 'hosts:1' })
  })

  test('a generate-key that is wrong makes no key= wrong', () => {
    const changes = { generateKey: 'x', keyComment: 'made', hosts: `${HOST} key=made` }
    expect(failure(changes)).toMatchObject({ input: 'generate-key' })
  })
})

test('combine: one error stays itself, none is a mistake', () => {
  const error = new TrustError('malformed', 'Bad.', { input: 'x' })
  expect(combine([error])).toBe(error)
  expect(combine([error, error])).toMatchObject({
    code: 'malformed',
    input: undefined,
    cause: error,
  })
  expect(() => combine([])).toThrow('no error')
})
