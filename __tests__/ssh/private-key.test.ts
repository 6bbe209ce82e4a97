/** Private keys: their wire format, making new ones, and halves that do not belong together. */
import { describe, expect, test } from '@jest/globals'
import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import {
  generatePrivateKey,
  parseKeySpec,
  privateKeyFrom,
  readCertifiedPrivateKey,
  readPrivateKey,
  writePrivateKey,
  type KeySpec,
} from '../../src/ssh/private-key'
import {
  decodePublicKey,
  isEcdsa,
  KEY_TYPES,
  rsaBits,
  type KeyType,
} from '../../src/ssh/public-key'
import { mpint, Reader, string } from '../../src/ssh/wire'
import {
  errorOf,
  makeCertificate,
  newEc,
  newRsa,
  sample,
  samples,
  throwsOnlyTrustErrors,
  truncations,
} from './samples'

const read = (bytes: Buffer): ReturnType<typeof readPrivateKey> => readPrivateKey(new Reader(bytes))
const written = (key: KeyObject, comment = 'me'): Buffer =>
  writePrivateKey(privateKeyFrom(key, comment))

/** The fields of a written private key, and back. */
function split(bytes: Buffer): Buffer[] {
  const reader = new Reader(bytes)
  const fields: Buffer[] = []
  while (reader.remaining > 0) fields.push(reader.string())
  return fields
}
const join = (fields: readonly Buffer[]): Buffer =>
  Buffer.concat(fields.map((field) => string(field)))

const fieldsOf = (type: KeyType, which?: string): Buffer[] =>
  split(written(sample(type, which).privateKey))
const none = Buffer.alloc(0)

describe.each(samples())('a key of type $type', ({ type, blob, privateKey }) => {
  const whole = written(privateKey)

  test('is written and read again', () => {
    const reader = new Reader(Buffer.concat([whole, Buffer.from('more')]))
    const key = readPrivateKey(reader)
    expect(key).toMatchObject({ type, comment: 'me' })
    expect(key.publicKey).toEqual(blob)
    expect(key.key.equals(privateKey)).toBe(true)
    expect(writePrivateKey(key)).toEqual(whole)
    expect(reader.rest().toString()).toBe('more')
  })

  test('signs when read again', () => {
    const data = Buffer.from('data')
    const digest = type === 'ssh-ed25519' ? null : 'sha256'
    const signature = sign(digest, data, read(whole).key)
    expect(verify(digest, data, decodePublicKey(blob).key, signature)).toBe(true)
  })

  test('that is cut short anywhere is refused', () => {
    const codes = truncations(whole).map((short) => errorOf(() => read(short)).code)
    expect(new Set(codes)).toEqual(new Set(['malformed']))
  })

  test('throws nothing but a TrustError when damaged', () => {
    throwsOnlyTrustErrors([whole], read, 150)
  })

  test('does not print', () => {
    const key = privateKeyFrom(privateKey, 'me')
    const { d = '' } = privateKey.export({ format: 'jwk' })
    const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key)
    expect(d).not.toBe('')
    for (const encoding of ['base64url', 'base64', 'hex'] as const) {
      expect(shown).not.toContain(Buffer.from(d, 'base64url').toString(encoding).slice(0, 20))
    }
  })

  test('has the public half of the KeyObject', () => {
    expect(privateKeyFrom(privateKey)).toEqual({
      type,
      key: privateKey,
      publicKey: blob,
      comment: '',
    })
  })
})

describe('the wire format of RFC 9987', () => {
  const jwk = (key: KeyObject) => {
    const values = key.export({ format: 'jwk' })
    return (name: 'd' | 'n' | 'e' | 'p' | 'q' | 'qi' | 'x'): Buffer =>
      Buffer.from(values[name] ?? '', 'base64url')
  }

  test('of ed25519 is A, then k and A', () => {
    const part = jwk(sample().privateKey)
    const fields = ['ssh-ed25519', part('x'), Buffer.concat([part('d'), part('x')]), 'me']
    expect(written(sample().privateKey)).toEqual(Buffer.concat(fields.map(string)))
  })

  test.each(KEY_TYPES.filter(isEcdsa))('of %s is the public key, then d', (type) => {
    const { privateKey, blob } = sample(type)
    const d = mpint(jwk(privateKey)('d'))
    expect(written(privateKey)).toEqual(Buffer.concat([blob, d, string('me')]))
  })

  test('of RSA is n, e, d, iqmp, p, q', () => {
    const { privateKey } = sample('ssh-rsa')
    const numbers = (['n', 'e', 'd', 'qi', 'p', 'q'] as const).map(jwk(privateKey)).map(mpint)
    const expected = Buffer.concat([string('ssh-rsa'), ...numbers, string('me')])
    expect(written(privateKey)).toEqual(expected)
  })

  test('of ECDSA drops leading zeros of d, and they come back', () => {
    let key = newEc('P-256')
    while (jwk(key)('d').readUInt16BE() > 0x7f) key = newEc('P-256')
    expect(split(written(key))[3]?.length).toBeLessThan(32)
    expect(read(written(key)).key.equals(key)).toBe(true)
  })
})

describe('halves that do not belong together', () => {
  /** The public half of one key with the private half of another. */
  function mixed(type: KeyType): Buffer {
    const [first, second] = [fieldsOf(type), fieldsOf(type, 'second')]
    if (type === 'ssh-rsa') return join([...first.slice(0, 3), ...second.slice(3)])
    return join([...first.slice(0, -2), ...second.slice(-2)])
  }
  function refused(bytes: Buffer): void {
    const error = errorOf(() => read(bytes))
    expect(error.code).toBe('key-unreadable')
    expect(error.message).toMatch(/do not (belong together|make a valid key)/)
  }

  test('of ssh-ed25519 are refused', () => {
    refused(mixed('ssh-ed25519'))
  })

  test.each(KEY_TYPES.filter(isEcdsa))('of %s are refused', (type) => {
    refused(mixed(type))
  })

  test.each([
    ['both', mixed('ssh-rsa')],
    ['the modulus', join(fieldsOf('ssh-rsa').with(1, fieldsOf('ssh-rsa', 'second')[1] ?? none))],
    ['the exponent', join(fieldsOf('ssh-rsa').with(3, fieldsOf('ssh-rsa', 'second')[3] ?? none))],
    ['a prime', join(fieldsOf('ssh-rsa').with(5, fieldsOf('ssh-rsa', 'second')[5] ?? none))],
  ])('of ssh-rsa, %s of another, are refused', (_, bytes) => {
    refused(bytes)
  })

  test('of ed25519 within the private field are of no account', () => {
    // OpenSSH writes the public half twice; the second is not looked at.
    const fields = split(written(sample().privateKey))
    const secret = Buffer.concat([fields[2]?.subarray(0, 32) ?? Buffer.alloc(0), Buffer.alloc(32)])
    expect(read(join(fields.with(2, secret))).publicKey).toEqual(sample().blob)
  })
})

describe.each(samples())('a certified key of type $type', (subject) => {
  const { type, blob, privateKey } = subject
  const certificate = makeCertificate({ subject, role: 1 })
  const certifiedType = Buffer.from(`${type}-cert-v01@openssh.com`)
  const readCertified = (bytes: Buffer): ReturnType<typeof readCertifiedPrivateKey> =>
    readCertifiedPrivateKey(new Reader(bytes))

  /** As OpenSSH's sshkey_private_serialize writes it: only ed25519 says its public half again. */
  function certified(fields: readonly Buffer[], stated = certificate): Buffer {
    return join([certifiedType, stated, ...fields.slice(type === 'ssh-ed25519' ? 1 : 3)])
  }
  const whole = certified(fieldsOf(type))

  test('is read, and what follows is left', () => {
    const {
      privateKey: key,
      certificate: found,
      rest,
    } = readCertified(Buffer.concat([whole, Buffer.from('more')]))
    expect(key).toMatchObject({ type, comment: 'me', publicKey: blob })
    expect(key.key.equals(privateKey)).toBe(true)
    expect(found).toEqual(certificate)
    expect(rest.rest().toString()).toBe('more')
  })

  test('is read plain, too', () => {
    const plain = readCertified(Buffer.concat([written(privateKey), Buffer.from('more')]))
    expect(plain).not.toHaveProperty('certificate')
    expect(plain.privateKey.publicKey).toEqual(blob)
    expect(plain.rest.rest().toString()).toBe('more')
  })

  test('is read from where the reader stands', () => {
    const reader = new Reader(Buffer.concat([Buffer.of(17), whole]))
    reader.byte()
    expect(readCertifiedPrivateKey(reader).privateKey.publicKey).toEqual(blob)
  })

  test('does not keep the memory that its certificate came in', () => {
    const bytes = Buffer.from(whole)
    const { certificate: found } = readCertified(bytes)
    bytes.fill(0)
    expect(found).toEqual(certificate)
  })

  test('that is cut short anywhere is refused', () => {
    const codes = truncations(whole).map((short) => errorOf(() => readCertified(short)).code)
    expect(new Set(codes)).toEqual(new Set(['malformed']))
  })

  test('throws nothing but a TrustError when damaged', () => {
    throwsOnlyTrustErrors([whole], readCertified, 150)
  })

  test("with another key's private half is refused, or is seen to be another key", () => {
    const mixed = certified(fieldsOf(type, 'second'))
    // Of ed25519 both halves stand behind the certificate: that they are its own is for others to see.
    if (type === 'ssh-ed25519') {
      expect(readCertified(mixed).privateKey.publicKey).toEqual(sample(type, 'second').blob)
    } else {
      expect(errorOf(() => readCertified(mixed)).code).toBe('key-unreadable')
    }
  })

  test('whose certificate is of another type is refused', () => {
    const other = sample(type === 'ssh-rsa' ? 'ssh-ed25519' : 'ssh-rsa')
    const stated = makeCertificate({ subject: other, role: 1 })
    expect(errorOf(() => readCertified(certified(fieldsOf(type), stated))).code).toBe('malformed')
    expect(errorOf(() => readCertified(certified(fieldsOf(type), blob))).code).toBe('malformed')
  })
})

test.each(['ssh-dss', 'sk-ssh-ed25519@openssh.com'])(
  'a certified key of the type %s is refused',
  (name) => {
    const type = Buffer.from(`${name.replace('@openssh.com', '')}-cert-v01@openssh.com`)
    const bytes = join([type, join([type, none]), none])
    const error = errorOf(() => readCertifiedPrivateKey(new Reader(bytes)))
    expect(error.code).toBe('key-type-unsupported')
  },
)

test.each([
  ['DSA', join([Buffer.from('ssh-dss')]), 'key-type-unsupported', 'DSA keys are not accepted.'],
  [
    'a security key',
    join([Buffer.from('sk-ssh-ed25519@openssh.com')]),
    'key-type-unsupported',
    'sk-ssh-ed25519@openssh.com',
  ],
  [
    'a certificate',
    join([Buffer.from('ssh-rsa-cert-v01@openssh.com')]),
    'key-type-unsupported',
    'ssh-rsa-cert-v01@openssh.com',
  ],
  ['RSA of 1024 bits', rsa1024(), 'key-too-small', '1024 bits'],
  [
    'ed25519 of 63 bytes',
    join(fieldsOf('ssh-ed25519').with(2, Buffer.alloc(63))),
    'malformed',
    'has 64 bytes',
  ],
  [
    'RSA without primes',
    join(fieldsOf('ssh-rsa').fill(Buffer.alloc(0), 5, 7)),
    'malformed',
    'primes',
  ],
  [
    'a point off the curve',
    join(
      fieldsOf('ecdsa-sha2-nistp256').with(2, Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])),
    ),
    'key-unreadable',
    'do not make a valid key',
  ],
  [
    'a private number that is too long',
    join(fieldsOf('ecdsa-sha2-nistp256').with(3, Buffer.alloc(34, 1))),
    'malformed',
    'at most 33',
  ],
])('%s is refused', (_, bytes, code, message) => {
  const error = errorOf(() => read(bytes))
  expect(error.code).toBe(code)
  expect(error.message).toContain(message)
})

/** RSA of 1024 bits in wire format, which `writePrivateKey` can't be brought to write. */
function rsa1024(): Buffer {
  const jwk = newRsa(1024).export({ format: 'jwk' })
  const numbers = (['n', 'e', 'd', 'qi', 'p', 'q'] as const).map((name) =>
    mpint(Buffer.from(jwk[name] ?? '', 'base64url')),
  )
  return Buffer.concat([string('ssh-rsa'), ...numbers, string('')])
}

test.each([
  [
    'DSA',
    generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey,
    'key-type-unsupported',
    'DSA',
  ],
  ['secp256k1', newEc('secp256k1'), 'key-type-unsupported', '"secp256k1"'],
  ['P-224', newEc('secp224r1'), 'key-type-unsupported', '"secp224r1"'],
  ['brainpool', newEc('brainpoolP256r1'), 'key-type-unsupported', '"brainpoolP256r1"'],
  ['ed448', generateKeyPairSync('ed448').privateKey, 'key-type-unsupported', '"ed448"'],
  ['x25519', generateKeyPairSync('x25519').privateKey, 'key-type-unsupported', '"x25519"'],
  [
    'RSA-PSS',
    generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
    'key-type-unsupported',
    '"rsa-pss"',
  ],
  ['RSA-1024', newRsa(1024), 'key-too-small', '1024 bits'],
])('privateKeyFrom refuses %s', (_, key, code, message) => {
  const error = errorOf(() => privateKeyFrom(key))
  expect(error.code).toBe(code)
  expect(error.message).toContain(message)
})

describe('parseKeySpec', () => {
  test.each<[string, KeySpec]>([
    ['ed25519', { type: 'ssh-ed25519' }],
    [' ED25519\n', { type: 'ssh-ed25519' }],
    ['ecdsa', { type: 'ecdsa-sha2-nistp256' }],
    ['ecdsa-256', { type: 'ecdsa-sha2-nistp256' }],
    ['ecdsa-384', { type: 'ecdsa-sha2-nistp384' }],
    ['ECDSA-521', { type: 'ecdsa-sha2-nistp521' }],
    ['rsa', { type: 'ssh-rsa', bits: 3072 }],
    ['rsa-2048', { type: 'ssh-rsa', bits: 2048 }],
    ['rsa-4096', { type: 'ssh-rsa', bits: 4096 }],
    ['rsa-16384', { type: 'ssh-rsa', bits: 16384 }],
  ])('%j is taken', (text, spec) => {
    expect(parseKeySpec(text)).toEqual(spec)
  })

  test.each([
    ['', 'input-invalid', '""'],
    ['ed448', 'input-invalid', '"ed448"'],
    ['ed25519-256', 'input-invalid', '"ed25519-256"'],
    ['ecdsa-512', 'input-invalid', '"ecdsa-512"'],
    ['ecdsa-nistp256', 'input-invalid', '"ecdsa-nistp256"'],
    ['rsa-', 'input-invalid', '"rsa-"'],
    ['rsa-16385', 'input-invalid', '"rsa-16385"'],
    ['rsa-100000', 'input-invalid', '"rsa-100000"'],
    ['rsa -4096', 'input-invalid', '"rsa -4096"'],
    ['rsa-2047', 'key-too-small', '2047 bits is too small'],
    ['rsa-0', 'key-too-small', '0 bits is too small'],
    ['dsa', 'key-type-unsupported', 'DSA'],
    ['DSA-1024', 'key-type-unsupported', 'DSA'],
  ])('%j is refused: %s', (text, code, message) => {
    const error = errorOf(() => parseKeySpec(text))
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
  })
})

test.each<[string, KeySpec]>([
  ['ed25519', { type: 'ssh-ed25519' }],
  ['ecdsa-256', { type: 'ecdsa-sha2-nistp256' }],
  ['ecdsa-384', { type: 'ecdsa-sha2-nistp384' }],
  ['ecdsa-521', { type: 'ecdsa-sha2-nistp521' }],
  ['rsa-2048', { type: 'ssh-rsa', bits: 2048 }],
  ['rsa-2304', { type: 'ssh-rsa', bits: 2304 }],
])('a new %s is one of its own, and whole', (_, spec) => {
  const [key, other] = [generatePrivateKey(spec, 'a comment'), generatePrivateKey(spec, '')]
  expect(key).toMatchObject({ type: spec.type, comment: 'a comment' })
  expect(key.publicKey.equals(other.publicKey)).toBe(false)
  expect(read(writePrivateKey(key)).publicKey).toEqual(key.publicKey)
  expect(spec.bits === undefined || rsaBits(key.publicKey) === spec.bits).toBe(true)
})
