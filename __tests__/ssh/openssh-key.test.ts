/** OpenSSH's private key files: against the real ssh-keygen with every cipher, and every defect. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { TrustError } from '../../src/errors'
import { decodeOpenSshKey, encodeOpenSshKey, MAX_ROUNDS } from '../../src/ssh/openssh-key'
import {
  generatePrivateKey,
  privateKeyFrom,
  writePrivateKey,
  type PrivateKey,
} from '../../src/ssh/private-key'
import { formatPublicKey, KEY_TYPES, parsePublicKey } from '../../src/ssh/public-key'
import { makeSignature, verifySignature } from '../../src/ssh/signature'
import { mpint, Reader, string, uint32 } from '../../src/ssh/wire'
import { makeKey, type Key } from '../support/keys'
import { describeWith, program } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { damaged, errorOf, flipped, KEYGEN, sample, throwsOnlyTrustErrors } from './samples'

const PASSPHRASE = 'corréct horse'

/** All that `ssh-keygen -Z` takes. */
const CIPHERS = [
  '3des-cbc',
  ...['aes128-cbc', 'aes192-cbc', 'aes256-cbc', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
  ...['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'],
]

/** Those that tell by a tag of their own that a passphrase is wrong. */
const WITH_TAG = CIPHERS.filter((cipher) => cipher.includes('@'))

function bytesOf(text: string): Buffer {
  return Buffer.from(text.replace(/-----.*-----|\s/g, ''), 'base64')
}

function decode(text: string, passphrase?: string | Buffer): PrivateKey {
  return decodeOpenSshKey(bytesOf(text), passphrase)
}

/** Holds what was read to what ssh-keygen says of the key, also with a signature. */
function expectKey(key: PrivateKey, publicKey: string): void {
  const { type, blob, comment } = parsePublicKey(publicKey)
  expect(key).toMatchObject({ type, comment })
  expect(key.publicKey.equals(blob)).toBe(true)
  const data = Buffer.from('signed')
  expect(verifySignature(blob, makeSignature(type, key.key, data, 'sha512'), data)).toBe(true)
}

/** Has ssh-keygen encrypt a copy of `key` anew. */
async function encrypted(key: Key, cipher: string, rounds = 1): Promise<string> {
  const file = join(makeDirectory(), 'key')
  copyFileSync(key.privateKeyFile, file)
  await mustRun(program('ssh-keygen'), [
    ...['-q', '-p', '-f', file, '-P', '', '-N', PASSPHRASE],
    ...['-Z', cipher, '-a', String(rounds)],
  ])
  return readFileSync(file, 'utf8')
}

/** What `ssh-keygen -y` prints: the public key. Only the private section has the comment. */
async function readBack(text: string, passphrase = ''): Promise<string> {
  const file = join(makeDirectory(), 'key')
  writeFileSync(file, text, { mode: 0o600 })
  return (await mustRun(program('ssh-keygen'), ['-y', '-P', passphrase, '-f', file])).trim()
}

describeWith(['ssh-keygen'], 'a key that ssh-keygen writes', () => {
  describe.each(KEYGEN)('%s', (_, keygenType, options) => {
    let key: Key
    beforeAll(async () => {
      key = await makeKey(makeDirectory(), keygenType, { ...options, comment: 'me @ hömé' })
    })

    test('without a passphrase is read, and one that is given is not looked at', () => {
      expectKey(decode(key.privateKey), key.publicKey)
      expectKey(decode(key.privateKey, 'not needed'), key.publicKey)
    })

    test.each(CIPHERS)('with %s is read with its passphrase alone', async (cipher) => {
      const text = await encrypted(key, cipher)
      expectKey(decode(text, PASSPHRASE), key.publicKey)
      expect(errorOf(() => decode(text))).toMatchObject({ code: 'key-encrypted' })
      expect(errorOf(() => decode(text, ''))).toMatchObject({ code: 'key-encrypted' })
      expect(errorOf(() => decode(text, 'wrong'))).toMatchObject({
        code: 'key-passphrase-wrong',
        message: 'The passphrase of the OpenSSH key is wrong.',
      })
    })

    test('is written as ssh-keygen writes it', () => {
      const written = encodeOpenSshKey(decode(key.privateKey))
      // All but the check numbers, which are random, is the same.
      expect(written.split('\n').map((line) => line.length)).toEqual(
        key.privateKey.split('\n').map((line) => line.length),
      )
      expectKey(decode(written), key.publicKey)
    })

    test('is read by ssh-keygen when it was written here', async () => {
      const read = decode(key.privateKey)
      expect(await readBack(encodeOpenSshKey(read))).toBe(key.publicKey)
      const text = encodeOpenSshKey(read, PASSPHRASE, 2)
      expect(await readBack(text, PASSPHRASE)).toBe(key.publicKey)
      expectKey(decode(text, PASSPHRASE), key.publicKey)
    })
  })

  test.each([1, 2, 16, 33])('with %i rounds is read', async (rounds) => {
    const key = await makeKey(makeDirectory(), 'ed25519')
    expectKey(decode(await encrypted(key, 'aes256-ctr', rounds), PASSPHRASE), key.publicKey)
  })

  test('is read with a passphrase in a buffer, which stays as it is', async () => {
    const key = await makeKey(makeDirectory(), 'ed25519')
    const passphrase = Buffer.from(PASSPHRASE)
    expectKey(decode(await encrypted(key, 'aes256-ctr'), passphrase), key.publicKey)
    expect(passphrase.toString()).toBe(PASSPHRASE)
  })

  test('written with as many rounds as ssh-keygen takes is read by it', async () => {
    const key = generatePrivateKey({ type: 'ssh-ed25519' }, 'made here')
    const text = encodeOpenSshKey(key, PASSPHRASE)
    const told = formatPublicKey(key.publicKey, 'made here')
    expect(await readBack(text, PASSPHRASE)).toBe(told)
    await expect(readBack(text, 'wrong')).rejects.toThrow('incorrect passphrase')
  })
})

const key = privateKeyFrom(sample().privateKey, 'a comment')
const plainText = encodeOpenSshKey(key)
const plain = bytesOf(plainText)

interface Parts {
  cipher?: string
  kdf?: string
  kdfOptions?: Buffer
  count?: number
  publicKey?: Buffer
  section?: Buffer
  after?: Buffer
}

/** PROTOCOL.key, section 1. */
function container(parts: Parts = {}): Buffer {
  const { cipher = 'none', kdf = 'none', kdfOptions = Buffer.alloc(0), count = 1 } = parts
  const { publicKey = key.publicKey, section = sectionOf(), after = Buffer.alloc(0) } = parts
  return Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[string(cipher), string(kdf), string(kdfOptions), uint32(count)],
    ...[string(publicKey), string(section), after],
  ])
}

/** PROTOCOL.key, section 3, for no cipher. */
function sectionOf(fields = writePrivateKey(key), checks = [7, 7]): Buffer {
  const bytes = Buffer.concat([...checks.map(uint32), fields])
  const missing = (8 - (bytes.length % 8)) % 8
  return Buffer.concat([bytes, Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, missing))])
}

function bcrypt(rounds: number, salt = Buffer.alloc(16, 1)): Buffer {
  return Buffer.concat([string(salt), uint32(rounds)])
}

const AES = { cipher: 'aes256-ctr', kdf: 'bcrypt' }
const SECTION_32 = Buffer.alloc(32)

function ecdsaFields(d: Buffer): Buffer {
  const { type, publicKey } = privateKeyFrom(sample('ecdsa-sha2-nistp256').privateKey)
  const reader = new Reader(publicKey)
  reader.string()
  return Buffer.concat([string(type), reader.rest(), mpint(d), string('')])
}

/** An RSA key with one of its numbers replaced. */
function rsaFields(replaced: 'd' | 'qi' | 'p' | 'q', by: Buffer): Buffer {
  const jwk = sample('ssh-rsa').privateKey.export({ format: 'jwk' })
  const fields = (['n', 'e', 'd', 'qi', 'p', 'q'] as const).map((name) =>
    mpint(name === replaced ? by : Buffer.from(jwk[name] ?? '', 'base64url')),
  )
  return Buffer.concat([string('ssh-rsa'), ...fields, string('')])
}

const rsa = { publicKey: sample('ssh-rsa').blob }
const ecdsa = { publicKey: sample('ecdsa-sha2-nistp256').blob }
const NOT_TOGETHER = 'The private and the public half of the key do not belong together.'

test('the files of the defects below are well but for them', () => {
  expect(decodeOpenSshKey(container()).publicKey).toEqual(key.publicKey)
})

test.each<[string, Buffer, string, string]>([
  [
    'other bytes',
    Buffer.from('-----BEGIN'),
    'key-unreadable',
    'The OpenSSH key does not begin with openssh-key-v1.',
  ],
  [
    'none',
    Buffer.alloc(0),
    'key-unreadable',
    'The OpenSSH key does not begin with openssh-key-v1.',
  ],
  [
    'a body cut short',
    plain.subarray(0, -20),
    'key-unreadable',
    'The OpenSSH key is cut short or damaged.',
  ],
  [
    'bytes after the end',
    container({ after: Buffer.alloc(3) }),
    'key-unreadable',
    'The OpenSSH key has 3 bytes too many at its end.',
  ],
  [
    'two keys',
    container({ count: 2 }),
    'key-unreadable',
    'The OpenSSH key file says that it holds 2 keys; one is expected.',
  ],
  [
    'no keys',
    container({ count: 0 }),
    'key-unreadable',
    'The OpenSSH key file says that it holds 0 keys; one is expected.',
  ],
  [
    'an unknown cipher',
    container({ ...AES, cipher: 'rot13', kdfOptions: bcrypt(1) }),
    'key-unreadable',
    'The OpenSSH key is encrypted with the unknown cipher "rot13".',
  ],
  [
    'an unknown key derivation',
    container({ ...AES, kdf: 'scrypt', kdfOptions: bcrypt(1) }),
    'key-unreadable',
    'The OpenSSH key is encrypted with the unknown key derivation "scrypt".',
  ],
  [
    'a cipher without key derivation',
    container({ ...AES, kdf: 'none' }),
    'key-unreadable',
    'The OpenSSH key names the cipher aes256-ctr with the key derivation none.',
  ],
  [
    'key derivation without a cipher',
    container({ ...AES, cipher: 'none', kdfOptions: bcrypt(1) }),
    'key-unreadable',
    'The OpenSSH key names the cipher none with the key derivation bcrypt.',
  ],
  [
    'no rounds',
    container({ ...AES, section: SECTION_32, kdfOptions: bcrypt(0) }),
    'key-unreadable',
    'The OpenSSH key has no salt, or no rounds, for bcrypt.',
  ],
  [
    'no salt',
    container({ ...AES, section: SECTION_32, kdfOptions: bcrypt(1, Buffer.alloc(0)) }),
    'key-unreadable',
    'The OpenSSH key has no salt, or no rounds, for bcrypt.',
  ],
  [
    'a salt that is too long',
    container({ ...AES, section: SECTION_32, kdfOptions: bcrypt(1, Buffer.alloc(65)) }),
    'key-unreadable',
    'The OpenSSH key is cut short or damaged.',
  ],
  [
    'rounds without end',
    container({ ...AES, section: SECTION_32, kdfOptions: bcrypt(0xffffffff) }),
    'key-unreadable',
    `The OpenSSH key wants 4294967295 rounds of bcrypt; ${String(MAX_ROUNDS)} are the most that are worked off.`,
  ],
  [
    'one round too many',
    container({ ...AES, section: SECTION_32, kdfOptions: bcrypt(MAX_ROUNDS + 1) }),
    'key-unreadable',
    'The OpenSSH key wants 513 rounds of bcrypt; 512 are the most that are worked off.',
  ],
  [
    'half a block',
    container({ ...AES, section: Buffer.alloc(40), kdfOptions: bcrypt(1) }),
    'key-unreadable',
    'The OpenSSH key has a private section of 40 bytes, which is no multiple of 16.',
  ],
  [
    'no private section',
    container({ section: Buffer.alloc(0) }),
    'key-unreadable',
    'The OpenSSH key has a private section of 0 bytes, which is no multiple of 8.',
  ],
  [
    'a DSA key',
    container({ ...AES, kdfOptions: bcrypt(1), publicKey: string('ssh-dss') }),
    'key-type-unsupported',
    'DSA keys are not accepted.',
  ],
  [
    'a key of an unknown type',
    container({ publicKey: string('sk-ssh-ed25519@openssh.com') }),
    'key-type-unsupported',
    'Keys of type "sk-ssh-ed25519@openssh.com" are not supported.',
  ],
  [
    'check numbers that differ',
    container({ section: sectionOf(undefined, [7, 8]) }),
    'key-unreadable',
    'The OpenSSH key has two check numbers that differ: it is damaged.',
  ],
  [
    'wrong padding',
    container({ section: flipped(sectionOf(), sectionOf().length - 1) }),
    'key-unreadable',
    'The OpenSSH key has wrong padding: it is damaged.',
  ],
  [
    'the public key of another',
    container({ publicKey: sample('ssh-ed25519', 'other').blob }),
    'key-unreadable',
    'The OpenSSH key names another public key than that of its private key.',
  ],
  [
    'an ECDSA key with the private half of another',
    container({ ...ecdsa, section: sectionOf(ecdsaFields(Buffer.from([5]))) }),
    'key-unreadable',
    NOT_TOGETHER,
  ],
  [
    'an RSA key with another exponent',
    container({ ...rsa, section: sectionOf(rsaFields('d', Buffer.from([5]))) }),
    'key-unreadable',
    NOT_TOGETHER,
  ],
  [
    'an RSA key with another coefficient',
    container({ ...rsa, section: sectionOf(rsaFields('qi', Buffer.from([5]))) }),
    'key-unreadable',
    NOT_TOGETHER,
  ],
  [
    'an RSA key with another prime',
    container({ ...rsa, section: sectionOf(rsaFields('p', Buffer.from([5]))) }),
    'key-unreadable',
    NOT_TOGETHER,
  ],
])('%s: the defect is named', (_, bytes, code, message) => {
  const started = Date.now()
  expect(errorOf(() => decodeOpenSshKey(bytes, PASSPHRASE))).toMatchObject({ code, message })
  expect(Date.now() - started).toBeLessThan(1000)
})

test.each([Buffer.alloc(0), Buffer.alloc(32, 0xff)])(
  'an ECDSA key with a private half that no key of its curve has is refused',
  (d) => {
    const bytes = container({ ...ecdsa, section: sectionOf(ecdsaFields(d)) })
    expect(errorOf(() => decodeOpenSshKey(bytes))).toMatchObject({ code: 'key-unreadable' })
  },
)

test('an RSA key of 1024 bits is refused', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const jwk = privateKey.export({ format: 'jwk' })
  const part = (name: 'n' | 'e' | 'd' | 'qi' | 'p' | 'q'): Buffer =>
    mpint(Buffer.from(jwk[name] ?? '', 'base64url'))
  const publicKey = Buffer.concat([string('ssh-rsa'), part('e'), part('n')])
  const numbers = (['n', 'e', 'd', 'qi', 'p', 'q'] as const).map(part)
  const section = sectionOf(Buffer.concat([string('ssh-rsa'), ...numbers, string('')]))
  const error = errorOf(() => decodeOpenSshKey(container({ publicKey, section })))
  expect(error).toMatchObject({ code: 'key-too-small' })
})

test.each([0, -1, 1.5, MAX_ROUNDS + 1])('%d rounds are not written', (rounds) => {
  const error = errorOf(() => encodeOpenSshKey(key, PASSPHRASE, rounds))
  expect(error).toMatchObject({ code: 'input-invalid' })
})

test('a file that is read stays as it is', () => {
  const copy = Buffer.from(plain)
  decodeOpenSshKey(copy)
  expect(copy.equals(plain)).toBe(true)
})

test('no two encrypted files of a key are the same', () => {
  expect(encodeOpenSshKey(key, 'a', 1)).not.toBe(encodeOpenSshKey(key, 'a', 1))
})

/** Comments, and the public key where a section repeats it, can be damaged without anybody's notice. */
function expectSameKeyOrError(read: () => PrivateKey, whole: KeyObject): void {
  let key: KeyObject
  try {
    key = read().key
  } catch (error) {
    expect(error).toBeInstanceOf(TrustError)
    return
  }
  expect(key.equals(whole)).toBe(true)
}

describe('damage', () => {
  const files = KEY_TYPES.map((type) => {
    return bytesOf(encodeOpenSshKey(privateKeyFrom(sample(type).privateKey, 'me')))
  })

  test('of a file without a passphrase makes nothing but TrustErrors', () => {
    throwsOnlyTrustErrors(files, decodeOpenSshKey)
  })

  test('of a file without a passphrase never gives another key', () => {
    for (const file of files) {
      const { key: whole } = decodeOpenSshKey(file)
      const attempt = (bytes: Buffer): void => {
        expectSameKeyOrError(() => decodeOpenSshKey(bytes), whole)
      }
      // At places spread over the file, and at random ones.
      for (let at = 0; at < file.length; at += 7) attempt(flipped(file, at))
      fc.assert(fc.property(damaged(file), attempt), { numRuns: 60 })
    }
  })

  test('of the frame of an encrypted file makes nothing but TrustErrors', () => {
    // Without a passphrase: damaged rounds may be up to ten seconds of work.
    throwsOnlyTrustErrors([bytesOf(encodeOpenSshKey(key, 'pass', 1))], (bytes) =>
      decodeOpenSshKey(bytes),
    )
  })
})

describeWith(['ssh-keygen'], 'damage of the encrypted section', () => {
  test.each(CIPHERS)('with %s makes nothing but TrustErrors', async (cipher) => {
    const made = await makeKey(makeDirectory(), 'ed25519')
    const bytes = bytesOf(await encrypted(made, cipher))
    const { blob } = parsePublicKey(made.publicKey)
    const { key: whole } = decode(made.privateKey)
    const from = bytes.indexOf(blob) + blob.length + 4
    const places = fc.integer({ min: from, max: bytes.length - 1 })
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const attempt = (): PrivateKey => decodeOpenSshKey(flipped(bytes, at, bits), PASSPHRASE)
        // A tag tells all damage. Without one the check numbers, the key and the padding do.
        if (!WITH_TAG.includes(cipher)) expectSameKeyOrError(attempt, whole)
        else expect(errorOf(attempt)).toMatchObject({ code: 'key-passphrase-wrong' })
      }),
      { numRuns: 12 },
    )
  })
})
