/** Private keys as text: every format that ssh-keygen and node write, and every defect by its name. */
import { describe, expect, test } from '@jest/globals'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { parsePrivateKeys } from '../../src/ssh/key-file'
import { privateKeyFrom, writePrivateKey, type PrivateKey } from '../../src/ssh/private-key'
import { fingerprint, formatPublicKey, parsePublicKey } from '../../src/ssh/public-key'
import { string, uint32 } from '../../src/ssh/wire'
import { makeKey, type KeyOptions, type KeyType } from '../support/keys'
import { describeWith } from '../support/programs'
import { makeDirectory } from '../support/scratch'
import {
  errorOf,
  KEYGEN,
  newEc,
  newRsa,
  sample,
  samples,
  throwsOnlyTrustErrors,
  truncations,
} from './samples'

const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8'): string =>
  key.export({ format: 'pem', type }).toString()
const block = (label: string, body: Buffer): string =>
  `-----BEGIN ${label}-----\n${body.toString('base64').replace(/.{70}/g, '$&\n')}\n-----END ${label}-----\n`

interface OpenSshParts {
  magic?: string
  cipher?: string
  kdf?: string
  count?: number
  checks?: readonly [number, number]
  privateKey?: Buffer
  padding?: Buffer
  after?: Buffer
}

/** OpenSSH's format (PROTOCOL.key), written anew for the test. */
function openSshBytes(key: PrivateKey, parts: OpenSshParts = {}): Buffer {
  const [first, second] = parts.checks ?? [5, 5]
  const content = Buffer.concat([
    ...[uint32(first), uint32(second), parts.privateKey ?? writePrivateKey(key)],
  ])
  const length = 8 - (content.length % 8)
  const padding = Buffer.from(Array.from({ length }, (_, index) => index + 1))
  return Buffer.concat([
    Buffer.from(parts.magic ?? 'openssh-key-v1\0'),
    ...[string(parts.cipher ?? 'none'), string(parts.kdf ?? 'none'), string('')],
    ...[uint32(parts.count ?? 1), string(key.publicKey)],
    ...[string(Buffer.concat([content, parts.padding ?? padding]))],
    parts.after ?? Buffer.alloc(0),
  ])
}
const openSsh = (key: PrivateKey, parts: OpenSshParts = {}): string =>
  block('OPENSSH PRIVATE KEY', openSshBytes(key, parts))

const keyOf = (type?: Parameters<typeof sample>[0], which?: string): PrivateKey =>
  privateKeyFrom(sample(type, which).privateKey, 'a comment')
const ed25519 = keyOf()
const ecdsa = keyOf('ecdsa-sha2-nistp256')
const rsa = keyOf('ssh-rsa')
const whole = openSsh(ed25519)
const publicKeys = (text: string): Buffer[] => parsePrivateKeys(text).map((key) => key.publicKey)

describeWith(['ssh-keygen'], 'the key that ssh-keygen makes', () => {
  const ALL = [...KEYGEN, ['rsa-3072', 'rsa', { bits: 3072 }, 'ssh-rsa'] as const]
  const rows = ALL.flatMap(([name, type, options]) =>
    (['OPENSSH', 'PEM', 'PKCS8'] as const)
      .filter((format) => type !== 'ed25519' || format === 'OPENSSH')
      .map((format): [string, string, KeyType, KeyOptions] => [
        name,
        format,
        type,
        { ...options, format, comment: 'me @ home' },
      ]),
  )

  test.each(rows)('%s in %s is read', async (_, format, type, options) => {
    const made = await makeKey(makeDirectory(), type, options)
    const [key, ...more] = parsePrivateKeys(made.privateKey)
    expect(more).toEqual([])
    if (key === undefined) throw new Error('no key')
    const comment = format === 'OPENSSH' ? 'me @ home' : ''
    expect(key.comment).toBe(comment)
    expect(key.publicKey).toEqual(parsePublicKey(made.publicKey).blob)
    expect(fingerprint(key.publicKey)).toBe(made.fingerprint)
    expect(privateKeyFrom(key.key).publicKey).toEqual(key.publicKey)
  })

  test.each(rows.filter(([name]) => name !== 'rsa-3072'))(
    '%s in %s with a passphrase is told so',
    async (_, _format, type, options) => {
      const made = await makeKey(makeDirectory(), type, { ...options, passphrase: 'secret' })
      const error = errorOf(() => parsePrivateKeys(made.privateKey))
      expect(error.code).toBe('key-encrypted')
      expect(error.message).toBe('The private key is encrypted with a passphrase.')
      expect(error.hint).toContain('ssh-keygen -p')
    },
  )
})

describe('what node:crypto writes is read', () => {
  const rows = samples().flatMap(({ type, privateKey, blob }) => {
    const own = { ssh: 'pkcs1', ecd: 'sec1' }[type.slice(0, 3)] as 'pkcs1' | 'sec1'
    const formats = type === 'ssh-ed25519' ? (['pkcs8'] as const) : (['pkcs8', own] as const)
    return formats.map((format): [string, string, KeyObject, Buffer] => [
      type,
      format,
      privateKey,
      blob,
    ])
  })
  test.each(rows)('%s in %s', (_, format, key, blob) => {
    expect(publicKeys(pem(key, format as 'pkcs8'))).toEqual([blob])
  })
})

test.each(samples())(
  '$type in OpenSSH format is read, with its comment',
  ({ privateKey, blob }) => {
    const key = privateKeyFrom(privateKey, 'ünï @ c')
    const [parsed] = parsePrivateKeys(openSsh(key))
    expect(parsed?.comment).toBe('ünï @ c')
    expect(parsed?.publicKey).toEqual(blob)
    expect(parsed?.key.equals(privateKey)).toBe(true)
  },
)

describe('what people paste is read', () => {
  const lines = whole.trim().split('\n')
  const ecParameters = block('EC PARAMETERS', Buffer.from('06082a8648ce3d030107', 'hex'))
  test.each<[string, string, Buffer[]]>([
    ['CR LF', whole.replaceAll('\n', '\r\n'), [ed25519.publicKey]],
    ['CR alone', whole.replaceAll('\n', '\r'), [ed25519.publicKey]],
    ['CR LF in PEM', pem(rsa.key, 'pkcs1').replaceAll('\n', '\r\n'), [rsa.publicKey]],
    ['no last line end', whole.trimEnd(), [ed25519.publicKey]],
    ['blank lines around', `\n\n  \n${whole}\n\t\n`, [ed25519.publicKey]],
    ['blank lines within', lines.join('\n\n'), [ed25519.publicKey]],
    ['indentation', lines.map((line) => `    ${line}  `).join('\n'), [ed25519.publicKey]],
    ['a byte order mark', `\ufeff${whole}`, [ed25519.publicKey]],
    ['words around', `my key:\n${whole}that was it\n`, [ed25519.publicKey]],
    [
      'its public key after it',
      `${whole}${formatPublicKey(ed25519.publicKey)}\n`,
      [ed25519.publicKey],
    ],
    [
      'lines of another width',
      `${lines[0] ?? ''}\n${lines.slice(1, -1).join('')}\n${lines.at(-1) ?? ''}`,
      [ed25519.publicKey],
    ],
    [
      'PEM headers',
      pem(ecdsa.key, 'sec1').replace('KEY-----\n', 'KEY-----\nComment: mine\n\n'),
      [ecdsa.publicKey],
    ],
    [
      'several keys in their order',
      `${pem(rsa.key)}\n${whole}${pem(ecdsa.key, 'sec1')}`,
      [rsa.publicKey, ed25519.publicKey, ecdsa.publicKey],
    ],
    ['one key twice', whole + whole, [ed25519.publicKey, ed25519.publicKey]],
  ])('%s', (_, text, keys) => {
    expect(publicKeys(text)).toEqual(keys)
  })

  test('an EC key with its parameters before it', () => {
    expect(publicKeys(ecParameters + pem(ecdsa.key, 'sec1'))).toEqual([ecdsa.publicKey])
  })
})

describe('a defect is named', () => {
  const encryptedPem = pem(rsa.key, 'pkcs1').replace(
    'KEY-----\n',
    'KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n',
  )
  const encryptedPkcs8 = ed25519.key
    .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString()
  const dsa = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey
  const small = newRsa(1024)
  const publicPem = createPublicKey(rsa.key).export({ format: 'pem', type: 'spki' }).toString()
  const header = '-----BEGIN OPENSSH PRIVATE KEY-----'
  const footer = '-----END OPENSSH PRIVATE KEY-----'
  const body = whole.split('\n').slice(1, -2)
  const own = (text: string): Buffer => Buffer.concat([string(text), string('rest')])

  test.each([
    // not a key at all
    ['empty', '', 'key-empty', 'the value is empty'],
    ['white space', ' \r\n\t\n', 'key-empty', 'the value is empty'],
    ['a byte order mark alone', '\ufeff\n', 'key-empty', 'the value is empty'],
    ['garbage', 'hunter2', 'key-unreadable', 'no line -----BEGIN … PRIVATE KEY-----'],
    ['a path', '/root/.ssh/id_ed25519', 'key-unreadable', 'no line -----BEGIN'],
    ['BEGIN missing', whole.slice(header.length), 'key-unreadable', 'no line -----BEGIN'],
    ['far too long', 'x'.repeat(256 * 1024 + 1), 'key-unreadable', '(262145 characters)'],
    // something else
    ...samples().map(({ type, blob }) => [
      `a public key of type ${type}`,
      `\n${formatPublicKey(blob, 'me')}\n`,
      'key-is-public',
      'This is a public key; a private key is needed.',
    ]),
    ['a public DSA key', 'ssh-dss AAAAB3NzaC1kc3M= me', 'key-is-public', 'public key'],
    ['a public key in PEM', publicPem, 'key-is-public', 'public key'],
    [
      'a certificate in PEM',
      block('CERTIFICATE', Buffer.from('x')),
      'key-unreadable',
      'This is no private key: it says BEGIN CERTIFICATE.',
    ],
    [
      'a signature',
      block('SSH SIGNATURE', Buffer.from('x')),
      'key-unreadable',
      'BEGIN SSH SIGNATURE',
    ],
    // cut or damaged text
    [
      'END missing',
      `${header}\n${body.join('\n')}\n`,
      'key-unreadable',
      `The line ${footer} is missing.`,
    ],
    [
      'END of another kind',
      whole.replace('END OPENSSH', 'END RSA'),
      'key-unreadable',
      `The line ${footer} is missing.`,
    ],
    ['END cut', whole.slice(0, -4), 'key-unreadable', `The line ${footer} is missing.`],
    [
      'END missing of the second',
      `${pem(rsa.key)}${header}\n${body.join('\n')}`,
      'key-unreadable',
      'is missing',
    ],
    ['END missing of the first', `${header}\n${body.join('\n')}\n${whole}`, 'key-unreadable', ''],
    ['nothing within', `${header}\n${footer}`, 'key-unreadable', 'is not base64'],
    ['stars within', whole.replace(/\n.{9}/, '\n***'), 'key-unreadable', 'is not base64'],
    [
      'a middle line missing',
      [header, ...body.slice(1), footer].join('\n'),
      'key-unreadable',
      'does not begin with openssh-key-v1',
    ],
    [
      'the last line missing',
      [header, ...body.slice(0, -1), footer].join('\n'),
      'key-unreadable',
      'is cut short or damaged',
    ],
    [
      'RSA cut',
      pem(rsa.key, 'pkcs1').replace(/\n.{64}\n/, '\n'),
      'key-unreadable',
      'The contents of the RSA PRIVATE KEY are damaged',
    ],
    [
      'a label that is not known',
      whole.replaceAll('OPENSSH', 'FUNNY'),
      'key-unreadable',
      'The contents of the FUNNY PRIVATE KEY are damaged',
    ],
    // passphrases
    ['an encrypted PEM', encryptedPem, 'key-encrypted', 'encrypted with a passphrase'],
    ['an encrypted PKCS#8', encryptedPkcs8, 'key-encrypted', 'encrypted with a passphrase'],
    [
      'an encrypted OpenSSH key',
      openSsh(ed25519, { cipher: 'aes256-ctr', kdf: 'bcrypt' }),
      'key-encrypted',
      'encrypted with a passphrase',
    ],
    [
      'a key derivation without a cipher',
      openSsh(ed25519, { kdf: 'bcrypt' }),
      'key-encrypted',
      'encrypted',
    ],
    // kinds
    [
      'DSA in PEM',
      block('DSA PRIVATE KEY', Buffer.from('x')),
      'key-type-unsupported',
      'DSA keys are not accepted.',
    ],
    ['DSA in PKCS#8', pem(dsa), 'key-type-unsupported', 'DSA keys are not accepted.'],
    [
      'DSA in OpenSSH format',
      openSsh(ed25519, { privateKey: own('ssh-dss') }),
      'key-type-unsupported',
      'DSA keys are not accepted.',
    ],
    [
      'a security key',
      openSsh(ed25519, { privateKey: own('sk-ssh-ed25519@openssh.com') }),
      'key-type-unsupported',
      'sk-ssh-ed25519@openssh.com',
    ],
    ['RSA-1024 in PEM', pem(small, 'pkcs1'), 'key-too-small', '1024 bits'],
    ['RSA-1024 in PKCS#8', pem(small), 'key-too-small', '1024 bits'],
    ['secp256k1 in SEC1', pem(newEc('secp256k1'), 'sec1'), 'key-type-unsupported', '"secp256k1"'],
    ['secp256k1 in PKCS#8', pem(newEc('secp256k1')), 'key-type-unsupported', '"secp256k1"'],
    ['ed448', pem(generateKeyPairSync('ed448').privateKey), 'key-type-unsupported', '"ed448"'],
    ['a good key, then a bad one', whole + pem(small), 'key-too-small', '1024 bits'],
    ['a good key, then a public one', whole + publicPem, 'key-is-public', 'public key'],
    // OpenSSH's format within
    [
      'another magic',
      openSsh(ed25519, { magic: 'openssh-key-v2\0' }),
      'key-unreadable',
      'does not begin with openssh-key-v1',
    ],
    [
      'no keys inside',
      openSsh(ed25519, { count: 0 }),
      'key-unreadable',
      'says that it holds 0 keys',
    ],
    [
      'two keys inside',
      openSsh(ed25519, { count: 2 }),
      'key-unreadable',
      'says that it holds 2 keys',
    ],
    [
      'check numbers',
      openSsh(ed25519, { checks: [1, 2] }),
      'key-unreadable',
      'check numbers of the OpenSSH key do not match',
    ],
    [
      'padding',
      openSsh(ed25519, { padding: Buffer.of(1, 2, 4) }),
      'key-unreadable',
      'wrong padding',
    ],
    [
      'bytes at the end',
      openSsh(ed25519, { after: Buffer.of(0) }),
      'key-unreadable',
      'cut short or damaged',
    ],
  ] as [string, string, string, string][])('%s', (_, text, code, message) => {
    const error = errorOf(() => parsePrivateKeys(text))
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
  })

  test('without the secret in it', () => {
    const secret = body.join('\n').slice(10, 40)
    for (const text of [
      `${header}\n${body.join('\n')}\n`,
      whole.replace('b3Bl', '****'),
      body.join('\n'),
      body.join(''),
    ]) {
      const error = errorOf(() => parsePrivateKeys(text))
      expect(`${error.explain()} ${error.stack ?? ''}`).not.toContain(secret)
    }
  })
})

describe('nothing but a TrustError comes out of', () => {
  const codes = (texts: string[]): Set<string> =>
    new Set(texts.map((text) => errorOf(() => parsePrivateKeys(text)).code))

  test('text that is cut short anywhere', () => {
    const texts = truncations(Buffer.from(whole.trimEnd())).map(String)
    expect(codes(texts)).toEqual(new Set(['key-empty', 'key-unreadable']))
  })

  test('OpenSSH keys that are cut short anywhere', () => {
    const texts = truncations(openSshBytes(ecdsa)).map((bytes) =>
      block('OPENSSH PRIVATE KEY', bytes),
    )
    expect(codes(texts)).toEqual(new Set(['key-unreadable']))
  })

  test.each([
    [
      'the OpenSSH format',
      'OPENSSH PRIVATE KEY',
      [ed25519, ecdsa, rsa].map((key) => openSshBytes(key)),
    ],
    [
      'PKCS#8',
      'PRIVATE KEY',
      [ed25519, ecdsa, rsa].map(({ key }) => key.export({ format: 'der', type: 'pkcs8' })),
    ],
    ['PKCS#1', 'RSA PRIVATE KEY', [rsa.key.export({ format: 'der', type: 'pkcs1' })]],
    ['SEC1', 'EC PRIVATE KEY', [ecdsa.key.export({ format: 'der', type: 'sec1' })]],
  ])('damaged bytes in %s', (_, label, wholes) => {
    throwsOnlyTrustErrors(wholes, (bytes) => parsePrivateKeys(block(label, bytes)), 250)
  })

  test('damaged text', () => {
    const texts = [whole, pem(ecdsa.key, 'sec1'), whole + pem(rsa.key)].map((text) =>
      Buffer.from(text),
    )
    throwsOnlyTrustErrors(texts, (bytes) => parsePrivateKeys(bytes.toString('latin1')), 250)
  })
})
