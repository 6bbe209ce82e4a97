/** Certificates made here: read by ssh-keygen -L, and taken or refused by a real sshd. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  EXTENSIONS,
  signCertificate,
  type CertificateOptions,
} from '../../src/ssh/certificate-signing'
import { parseCertificate } from '../../src/ssh/certificate'
import { encodeOpenSshKey } from '../../src/ssh/openssh-key'
import { generatePrivateKey, privateKeyFrom, type PrivateKey } from '../../src/ssh/private-key'
import { displayType, fingerprint, formatPublicKey, KEY_TYPES } from '../../src/ssh/public-key'
import { signatureAlgorithm, verifySignature } from '../../src/ssh/signature'
import { string } from '../../src/ssh/wire'
import { describeWith, program } from '../support/programs'
import { mustRun, run, type Finished } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { startSshd, type Sshd } from '../support/sshd'
import { errorOf, sample } from './samples'

const authority = privateKeyFrom(sample('ssh-ed25519', 'authority').privateKey)

function keyOf(type: (typeof KEY_TYPES)[number]): PrivateKey {
  return privateKeyFrom(sample(type).privateKey)
}

function optionsWith(options: Partial<CertificateOptions> = {}): CertificateOptions {
  const now = BigInt(Math.floor(Date.now() / 1000))
  return {
    key: sample().blob,
    authority,
    keyId: 'owner/repo run 7',
    principals: ['deploy'],
    validAfter: now - 60n,
    validBefore: now + 600n,
    ...options,
  }
}

describe.each(KEY_TYPES)('a certificate of %s', (type) => {
  test.each(KEY_TYPES)('by an authority of %s is whole', (authorityType) => {
    const signer = keyOf(authorityType)
    const blob = signCertificate(
      optionsWith({ key: sample(type).blob, authority: signer, serial: 2n ** 64n - 1n }),
    )
    const certificate = parseCertificate(blob)
    expect(certificate).toMatchObject({
      keyType: type,
      role: 'user',
      keyId: 'owner/repo run 7',
      serial: 2n ** 64n - 1n,
      principals: ['deploy'],
      criticalOptions: [],
      extensions: [],
    })
    expect(certificate.key).toEqual(sample(type).blob)
    expect(certificate.authority).toEqual(signer.publicKey)
    const { signature, signed } = certificate
    expect(verifySignature(signer.publicKey, signature, signed)).toBe(true)
    const expected = authorityType === 'ssh-rsa' ? 'rsa-sha2-512' : authorityType
    expect(signatureAlgorithm(signature)).toBe(expected)
  })
})

test('options come in the order of their bytes, each once', () => {
  const certificate = parseCertificate(
    signCertificate(
      optionsWith({
        criticalOptions: { 'source-address': '192.0.2.1', 'force-command': 'true' },
        extensions: [...EXTENSIONS, ...EXTENSIONS].reverse(),
      }),
    ),
  )
  expect(certificate.criticalOptions).toEqual(['force-command', 'source-address'])
  expect(certificate.extensions).toEqual([
    'no-touch-required',
    'permit-X11-forwarding',
    'permit-agent-forwarding',
    'permit-port-forwarding',
    'permit-pty',
    'permit-user-rc',
  ])
})

test('no two are the same', () => {
  const options = optionsWith()
  expect(signCertificate(options)).not.toEqual(signCertificate(options))
})

describe('is refused:', () => {
  test.each<[string, Partial<CertificateOptions>, string]>([
    ['no principal', { principals: [] }, 'A certificate needs 1 to 256 principals.'],
    [
      'too many principals',
      { principals: Array.from({ length: 257 }, (_, i) => `p${String(i)}`) },
      'A certificate needs 1 to 256 principals.',
    ],
    [
      'an empty principal',
      { principals: ['a', ''] },
      'A principal of a certificate has 1 to 4096 bytes, and no zero byte.',
    ],
    ['a comma', { principals: ['a,root'] }, 'The principal "a,root" has a comma in it.'],
    [
      'a zero byte',
      { keyId: 'a\0b' },
      'A key id of a certificate has 1 to 4096 bytes, and no zero byte.',
    ],
    [
      'too long a key id',
      { keyId: 'é'.repeat(2049) },
      'A key id of a certificate has 1 to 4096 bytes, and no zero byte.',
    ],
    [
      'an end before its beginning',
      { validAfter: 5n, validBefore: 5n },
      'The certificate would end before it begins.',
    ],
    ['a negative serial', { serial: -1n }, '-1 is no number that a certificate can hold.'],
    [
      'a serial too large',
      { serial: 2n ** 64n },
      '18446744073709551616 is no number that a certificate can hold.',
    ],
    [
      'an empty command',
      { criticalOptions: { 'force-command': '' } },
      'A force-command of a certificate has 1 to 4096 bytes, and no zero byte.',
    ],
    [
      'an unknown critical option',
      {
        criticalOptions: { 'verify-magic': 'x' } as CertificateOptions['criticalOptions'] & object,
      },
      '"verify-magic" is no critical option of a user certificate.',
    ],
    [
      'an unknown extension',
      { extensions: ['permit-all'] as unknown as CertificateOptions['extensions'] & object },
      '"permit-all" is no extension of a certificate.',
    ],
  ])('%s', (_, options, message) => {
    const error = errorOf(() => signCertificate(optionsWith(options)))
    expect(error).toMatchObject({ code: 'input-invalid', message })
  })

  test('a key that is not supported, or damaged', () => {
    const sign = (key: Buffer) => () => signCertificate(optionsWith({ key }))
    const unsupported = { code: 'key-type-unsupported' }
    expect(errorOf(sign(string('ssh-dss')))).toMatchObject(unsupported)
    expect(errorOf(sign(signCertificate(optionsWith())))).toMatchObject(unsupported)
    expect(errorOf(sign(sample().blob.subarray(0, -1)))).toMatchObject({ code: 'malformed' })
  })
})

/** What sshd takes (its `addr_match_cidr_list`), and what not. */
const ADDRESSES: readonly [string, boolean][] = [
  ['127.0.0.1', true],
  ['127.0.0.0/8', true],
  ['0.0.0.0/0', true],
  ['192.0.2.0/24,127.0.0.1/32', true],
  ['::1,127.0.0.1', true],
  ['2001:db8::/32,127.0.0.1', true],
  ['2001:db8:0:1:2:3:4:5/128,127.0.0.1', true],
  ['::ffff:10.0.0.0/104,127.0.0.1', true],
  ['::/0,127.0.0.1', true],
  ['', false],
  ['127.0.0.1/8', false],
  ['127.0.0.1,10.0.0.1/8', false],
  ['127.0.0.1,2001:db8::1/32', false],
  ['127.0.0.1, 10.0.0.0/8', false],
  ['127.0.0.1,', false],
  ['127.0.0.0/33', false],
  ['127.0.0.1,::/129', false],
  ['127.0.0.0/-1', false],
  ['127.0.0.0/8/8', false],
  ['127.0.0.*', false],
  ['localhost', false],
  ['127.0.0.1,fe80::1%lo', false],
]

test.each(ADDRESSES)('source-address %j: %j', (address, allowed) => {
  const sign = (): Buffer =>
    signCertificate(optionsWith({ criticalOptions: { 'source-address': address } }))
  if (allowed) expect(sign).not.toThrow()
  else expect(errorOf(sign)).toMatchObject({ code: 'input-invalid' })
})

function writeCertificate(blob: Buffer): string {
  const file = join(makeDirectory(), 'key-cert.pub')
  writeFileSync(file, `${formatPublicKey(blob, 'made here')}\n`)
  return file
}

describeWith(['ssh-keygen'], 'ssh-keygen -L reads', () => {
  test.each(KEY_TYPES)('a certificate of %s as it was meant', async (type) => {
    const key = keyOf(type)
    const blob = signCertificate(
      optionsWith({
        key: key.publicKey,
        authority: keyOf('ssh-rsa'),
        serial: 42n,
        principals: ['deploy', 'backup'],
        validAfter: 1_700_000_000n,
        validBefore: 0xffff_ffff_ffff_ffffn,
        criticalOptions: { 'source-address': '192.0.2.0/24', 'force-command': 'rsync "a b"' },
        extensions: ['permit-user-rc', 'permit-X11-forwarding', 'permit-pty'],
      }),
    )
    const told = await mustRun(program('ssh-keygen'), ['-L', '-f', writeCertificate(blob)], {
      env: { ...process.env, TZ: 'UTC' },
    })
    const name = displayType(type)
    const lines = told.split('\n').map((line) => line.trim())
    expect(lines.slice(1)).toEqual([
      `Type: ${type}-cert-v01@openssh.com user certificate`,
      `Public key: ${name}-CERT ${fingerprint(key.publicKey)}`,
      `Signing CA: RSA ${fingerprint(keyOf('ssh-rsa').publicKey)} (using rsa-sha2-512)`,
      'Key ID: "owner/repo run 7"',
      'Serial: 42',
      'Valid: after 2023-11-14T22:13:20',
      'Principals:',
      ...['deploy', 'backup'],
      'Critical Options:',
      ...['force-command rsync "a b"', 'source-address 192.0.2.0/24'],
      'Extensions:',
      ...['permit-X11-forwarding', 'permit-pty', 'permit-user-rc'],
      '',
    ])
  })
})

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function sshd(signer: PrivateKey): Promise<Sshd> {
  const trusted = join(makeDirectory(), 'ca.pub')
  writeFileSync(trusted, `${formatPublicKey(signer.publicKey)}\n`)
  const server = await startSshd({ extraConfig: [`TrustedUserCAKeys ${trusted}`] })
  undo.push(server.stop)
  return server
}

/** Logs in with a new key and a certificate for it, and runs `command`. */
async function login(
  server: Sshd,
  options: Partial<CertificateOptions>,
  command = 'echo in',
  { key = generatePrivateKey({ type: 'ssh-ed25519' }, ''), terminal = false } = {},
): Promise<Finished> {
  const blob = signCertificate(
    optionsWith({ principals: [server.user], key: key.publicKey, ...options }),
  )
  const directory = makeDirectory()
  const [identity, knownHosts] = [join(directory, 'id'), join(directory, 'known_hosts')]
  writeFileSync(identity, encodeOpenSshKey(key), { mode: 0o600 })
  writeFileSync(knownHosts, server.knownHosts())
  return run(program('ssh'), [
    ...['-F', 'none', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes'],
    ...['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'GlobalKnownHostsFile=/dev/null'],
    ...['-o', 'IdentityAgent=none', '-o', 'IdentitiesOnly=yes'],
    ...['-i', identity, '-o', `CertificateFile=${writeCertificate(blob)}`],
    ...(terminal ? ['-tt'] : []),
    ...['-p', String(server.port), `${server.user}@${server.address}`, command],
  ])
}

describeWith(['sshd', 'ssh', 'ssh-keygen', 'account'], 'sshd with TrustedUserCAKeys', () => {
  test.each(KEY_TYPES)('takes a certificate by an authority of %s', async (type) => {
    const signer = keyOf(type)
    const server = await sshd(signer)
    const result = await login(server, { authority: signer, serial: 77n })
    expect(result).toMatchObject({ code: 0, stdout: 'in\n' })
    expect(server.log()).toContain('ID owner/repo run 7 (serial 77) CA')
  })

  test.each(KEY_TYPES)('takes a certificate of %s', async (type) => {
    const server = await sshd(authority)
    expect(await login(server, {}, 'echo in', { key: keyOf(type) })).toMatchObject({
      stdout: 'in\n',
    })
  })

  test('keeps to what the certificate says', async () => {
    const server = await sshd(authority)
    const now = BigInt(Math.floor(Date.now() / 1000))
    const refused = { code: 255, stdout: '' }
    expect(await login(server, { principals: ['somebody-else'] })).toMatchObject(refused)
    expect(await login(server, { validBefore: now - 1n })).toMatchObject(refused)
    expect(await login(server, { validAfter: now + 300n })).toMatchObject(refused)
    expect(await login(server, { authority: keyOf('ssh-rsa') })).toMatchObject(refused)
    const elsewhere = { 'source-address': '192.0.2.0/24,2001:db8::/32' }
    expect(await login(server, { criticalOptions: elsewhere })).toMatchObject(refused)
    const forced = { criticalOptions: { 'force-command': 'echo "forced: $SSH_ORIGINAL_COMMAND"' } }
    const result = await login(server, forced, 'echo mine')
    expect(result).toMatchObject({ code: 0, stdout: 'forced: echo mine\n' })
  })

  test('takes every source-address that is not refused here', async () => {
    const server = await sshd(authority)
    for (const [address, allowed] of ADDRESSES) {
      if (!allowed) continue
      const result = await login(server, { criticalOptions: { 'source-address': address } })
      expect([address, result.stdout, result.stderr]).toEqual([address, 'in\n', ''])
    }
  })

  test('gives a terminal with permit-pty alone', async () => {
    const server = await sshd(authority)
    const withTerminal = (options: Partial<CertificateOptions>): Promise<Finished> =>
      login(server, options, 'test -t 1 && echo terminal', { terminal: true })
    expect((await withTerminal({})).stderr).toContain('PTY allocation request failed')
    const allowed = await withTerminal({ extensions: ['permit-pty'] })
    expect(allowed.stdout.trim()).toBe('terminal')
  })
})
