/** Bad input: each is one clear error, as an annotation and the step's failure, before any effect. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { makeKey } from '../support/keys'
import { describeWith } from '../support/programs'
import { MAIN, makeScene, type Scene } from './fixtures'

const PIN = `SHA256:${'A'.repeat(43)}`

function pem(type: 'rsa' | 'dsa', modulusLength: number): string {
  const { privateKey } =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength })
      : generateKeyPairSync('dsa', { modulusLength, divisorLength: 160 })
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

describeWith(['ssh-keygen', 'nss_wrapper'], 'bad input', () => {
  let scene: Scene

  beforeAll(async () => {
    scene = await makeScene()
  })

  afterAll(async () => {
    await scene.end()
  })

  /** Runs main and expects one error with all of `parts`; nothing done, nothing left. */
  const refuses = async (
    inputs: Record<string, string>,
    parts: readonly string[],
  ): Promise<void> => {
    const before = scene.home.snapshot()
    const main = await scene.job.run(MAIN, inputs)
    expect({ code: main.code, levels: main.annotations.map(({ level }) => level) }).toEqual({
      code: 1,
      levels: ['error'],
    })
    for (const part of parts) expect(main.annotations[0]?.message).toContain(part)
    // Nothing was begun: no state for post, no output, no process, no file.
    expect({ state: main.state, outputs: main.outputs, env: main.env }).toEqual({
      state: {},
      outputs: {},
      env: {},
    })
    expect(scene.job.processes()).toEqual([])
    expect(scene.home.snapshot()).toEqual(before)
    expect(readdirSync(scene.job.temp).filter((name) => name.startsWith('ssh-trust'))).toEqual([])
  }

  test.each<[string, () => Promise<string> | string, string[]]>([
    ['an empty secret', () => '', ['ssh-private-key:', 'forks', '[key-empty]']],
    ['only white space', () => ' \n ', ['[key-empty]']],
    [
      'a public key',
      () => scene.key.publicKey,
      ['ssh-private-key: This is a public key', 'without .pub', '[key-is-public]'],
    ],
    ['garbage', () => 'hunter2', ['not a private key', '-----BEGIN', '[key-unreadable]']],
    [
      'a key without its end',
      () => scene.key.privateKey.split('\n').slice(0, 4).join('\n'),
      ['-----END OPENSSH PRIVATE KEY----- is missing', '[key-unreadable]'],
    ],
    [
      'an encrypted key',
      async () =>
        (await makeKey(scene.directory, 'ed25519', { passphrase: 'p', file: 'enc' })).privateKey,
      ['passphrase', '[key-encrypted]'],
    ],
    ['a DSA key', () => pem('dsa', 1024), ['DSA keys are not accepted', '[key-type-unsupported]']],
    ['RSA under 2048 bits', () => pem('rsa', 1024), ['1024 bits is too small', '[key-too-small]']],
  ])('ssh-private-key: %s', async (_name, value, parts) => {
    await refuses({ 'ssh-private-key': await value(), hosts: `h ${PIN}` }, parts)
  })

  test.each<[string, string, string[]]>([
    ['a host with no pin', 'web.example', ['hosts:1:', 'ssh-keygen -lf', '[hosts-pin-missing]']],
    [
      'an unknown option',
      `# first\nweb.example ${PIN} colour=blue`,
      [
        'hosts:2:64: "colour=blue"',
        'key=SHA256:…|comment, users=NAME,…, forward',
        '[hosts-option-unknown]',
      ],
    ],
    [
      'an MD5 pin',
      `web.example MD5:${'ab:'.repeat(15)}ab`,
      ['hosts:1:13:', 'MD5', 'SHA256', '[hosts-pin-md5]'],
    ],
    [
      'a pin cut short',
      `web.example SHA256:abc`,
      ['hosts:1:13:', '43 characters', '[hosts-pin-invalid]'],
    ],
    ['a DSA pin', 'web.example ssh-dss AAAAB3NzaC1kc3M=', ['DSA', '[key-type-unsupported]']],
    [
      'IPv6 without brackets',
      `2001:db8::1 ${PIN}`,
      ['brackets', '[2001:db8::1]', '[hosts-syntax]'],
    ],
    ['a port that is none', `web.example:99999 ${PIN}`, ['99999', '[hosts-syntax]']],
    [
      'a key= of no key',
      `web.example ${PIN} key=nobody`,
      ['key=nobody', 'deploy', '[hosts-option-unknown]'],
    ],
  ])('hosts: %s', async (_name, hosts, parts) => {
    await refuses({ 'ssh-private-key': scene.key.privateKey, hosts }, parts)
  })

  test.each<[string, string, string[]]>([
    ['generate-key', 'dsa', ['generate-key: DSA', '[key-type-unsupported]']],
    ['generate-key', 'rsa-1024', ['1024', '[key-too-small]']],
    ['generate-key', 'quantum', ['ed25519, ecdsa-256', '[input-invalid]']],
    ['agent-policy', 'strict', ['pinned, warn, any', '[input-invalid]']],
    ['home', 'maybe', ['neither true nor false', '[input-invalid]']],
    ['connect-timeout', '0', ['1 to 300', '[input-invalid]']],
    ['connect-timeout', 'soon', ['1 to 300', '[input-invalid]']],
  ])('%s: %s', async (name, value, parts) => {
    await refuses(
      { 'ssh-private-key': scene.key.privateKey, hosts: `h ${PIN}`, [name]: value },
      parts,
    )
  })

  test('all that is wrong is told at once', async () => {
    await refuses({ 'ssh-private-key': 'x', hosts: 'a\nb', home: 'perhaps' }, [
      '4 things are wrong',
      'ssh-private-key:',
      'hosts:1:',
      'hosts:2:',
      'home:',
    ])
  })
})
