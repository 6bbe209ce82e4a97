/** Public keys: against real ssh-keygen and node:crypto, and what is refused. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { createECDH, generateKeyPairSync } from 'node:crypto'
import {
  decodePublicKey,
  displayType,
  encodePublicKey,
  fingerprint,
  formatPublicKey,
  isEcdsa,
  isKeyType,
  KEY_TYPES,
  MAX_RSA_BITS,
  parsePublicKey,
  requireRsaSize,
  rsaBits,
  typeOfBlob,
} from '../../src/ssh/public-key'
import { mpint, string } from '../../src/ssh/wire'
import { makeKey, type Key } from '../support/keys'
import { describeWith, program } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import {
  errorOf,
  KEYGEN,
  newRsa,
  sample,
  sampleOf,
  samples,
  throwsOnlyTrustErrors,
  truncations,
} from './samples'

const ED25519 = 'ssh-ed25519'
const P256 = 'ecdsa-sha2-nistp256'

describeWith(['ssh-keygen'], 'the key that ssh-keygen makes', () => {
  describe.each([...KEYGEN, ['rsa-3072', 'rsa', { bits: 3072 }, 'ssh-rsa'] as const])(
    '%s',
    (_, keygenType, options, type) => {
      let key: Key
      beforeAll(async () => {
        key = await makeKey(makeDirectory(), keygenType, { ...options, comment: 'me @ home' })
      })

      test('is read, and written as it was', () => {
        const parsed = parsePublicKey(`${key.publicKey}\n`)
        expect(parsed).toMatchObject({ type, comment: 'me @ home' })
        expect(formatPublicKey(parsed.blob, parsed.comment)).toBe(key.publicKey)
        expect(typeOfBlob(parsed.blob)).toBe(type)
        expect(decodePublicKey(parsed.blob).type).toBe(type)
      })

      test('has the fingerprint, the size and the kind that ssh-keygen -l prints', async () => {
        const { blob } = parsePublicKey(key.publicKey)
        const told = await mustRun(program('ssh-keygen'), ['-l', '-f', key.publicKeyFile])
        const [bits, print] = told.split(' ')
        expect(fingerprint(blob)).toBe(print)
        expect(told).toContain(`(${displayType(type)})`)
        if (type === 'ssh-ed25519' || isEcdsa(type)) return
        expect(rsaBits(blob)).toBe(Number(bits))
      })
    },
  )
})

describe.each(samples())('a key of type $type', ({ type, blob, publicKey }) => {
  test('is the same to node:crypto', () => {
    expect(decodePublicKey(blob).key.equals(publicKey)).toBe(true)
    expect(encodePublicKey(decodePublicKey(blob).key)).toEqual({ type, blob })
  })

  test('is read with tabs, blanks and line ends around', () => {
    const text = `  ${type}\t ${blob.toString('base64')} \ta comment  \r\n`
    expect(parsePublicKey(text)).toEqual({ type, blob, comment: 'a comment' })
    expect(parsePublicKey(formatPublicKey(blob))).toEqual({ type, blob, comment: '' })
  })

  test('that is cut short anywhere is malformed', () => {
    const codes = truncations(blob).map((short) => errorOf(() => decodePublicKey(short)).code)
    // A cut in the type's name leaves the length standing, so it is never another type.
    expect(new Set(codes)).toEqual(new Set(['malformed']))
  })

  test('with a byte too many is malformed', () => {
    const more = Buffer.concat([blob, Buffer.of(0)])
    expect(errorOf(() => decodePublicKey(more)).message).toContain('1 bytes too many')
  })

  test('has its type told and known', () => {
    expect(isKeyType(type)).toBe(true)
    expect(isEcdsa(type)).toBe(type.startsWith('ecdsa'))
  })
})

test('nothing but a TrustError comes out of damaged keys', () => {
  throwsOnlyTrustErrors(
    samples().map(({ blob }) => blob),
    (bytes) => {
      const { type } = decodePublicKey(bytes)
      if (type === 'ssh-rsa') rsaBits(bytes)
    },
  )
})

const line = (type: string, ...fields: Buffer[]): string =>
  `${type} ${Buffer.concat([string(type), ...fields]).toString('base64')}`
const ecLine = (curve: string, point: Buffer): string => line(P256, string(curve), string(point))
const point = createECDH('prime256v1').generateKeys()
const compressed = Buffer.from(createECDH('prime256v1').generateKeys('hex', 'compressed'), 'hex')
const rsaLine = (n: Buffer): string => line('ssh-rsa', mpint(Buffer.of(1, 0, 1)), mpint(n))
const rawBase64 = sample().blob.toString('base64')

test.each([
  ['nothing', '', 'key-type-unsupported', 'Keys of type "" are not supported.'],
  ['a word', 'hello', 'key-type-unsupported', '"hello"'],
  ['DSA', line('ssh-dss'), 'key-type-unsupported', 'DSA keys are not accepted.'],
  ['a security key', line('sk-ssh-ed25519@openssh.com'), 'key-type-unsupported', 'sk-ssh-ed25519'],
  ['a certificate', line(`${ED25519}-cert-v01@openssh.com`), 'key-type-unsupported', 'cert-v01'],
  ['another case', `SSH-ED25519 ${rawBase64}`, 'key-type-unsupported', 'SSH-ED25519'],
  ['no base64', ED25519, 'malformed', 'is not base64'],
  ['other characters', `${ED25519} AAAA*`, 'malformed', 'is not base64'],
  ['base64url', `${ED25519} AAAA-_==`, 'malformed', 'is not base64'],
  ['padding within', `${ED25519} AA==AAAA`, 'malformed', 'is not base64'],
  ['a cut line', `${ED25519} ${rawBase64.slice(0, -4)}`, 'malformed', 'bytes wanted'],
  ['another type inside', `ssh-rsa ${rawBase64}`, 'malformed', 'says ssh-rsa, the key itself ssh-'],
  [
    'an unknown type inside',
    `${ED25519} ${string('ssh-xyz').toString('base64')}`,
    'key-type-unsupported',
    'ssh-xyz',
  ],
  ['31 bytes of ed25519', line(ED25519, string(Buffer.alloc(31))), 'malformed', 'has 32 bytes'],
  ['33 bytes of ed25519', line(ED25519, string(Buffer.alloc(33))), 'malformed', 'at most 32'],
  ['another curve', ecLine('nistp384', point), 'malformed', 'names the curve nistp384'],
  ['a compressed point', ecLine('nistp256', compressed), 'malformed', 'malformed point'],
  ['the point at infinity', ecLine('nistp256', Buffer.of(0)), 'malformed', 'malformed point'],
  ['a short point', ecLine('nistp256', point.subarray(0, 64)), 'malformed', 'malformed point'],
  [
    'a point off the curve',
    ecLine('nistp256', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])),
    'malformed',
    'not valid',
  ],
  ['RSA of 1024 bits', formatPublicKey(sampleOf(newRsa(1024)).blob), 'key-too-small', '1024 bits'],
  ['RSA of 2047 bits', rsaLine(Buffer.alloc(256, 0x7f)), 'key-too-small', '2047 bits'],
  ['RSA of 0 bits', rsaLine(Buffer.alloc(0)), 'key-too-small', '0 bits'],
  ['RSA of 16400 bits', rsaLine(Buffer.alloc(2050, 0x7f)), 'malformed', 'at most 2049'],
  [
    'a negative modulus',
    line('ssh-rsa', mpint(Buffer.of(3)), string(Buffer.alloc(256, 0xff))),
    'malformed',
    'a negative number',
  ],
  [
    'an exponent of 80 bits',
    line('ssh-rsa', string(Buffer.alloc(10, 1)), mpint(Buffer.alloc(256, 0xff))),
    'malformed',
    'at most 9',
  ],
])('%s is refused', (_, text, code, message) => {
  const error = errorOf(() => parsePublicKey(text))
  expect(error.code).toBe(code)
  expect(error.message).toContain(message)
})

test.each([
  ['2048', Buffer.alloc(256, 0xff), 2048],
  ['2048, just', Buffer.concat([Buffer.of(0x80), Buffer.alloc(255, 1)]), 2048],
  ['2049', Buffer.concat([Buffer.of(1), Buffer.alloc(256, 1)]), 2049],
  ['the most', Buffer.alloc(MAX_RSA_BITS / 8, 0xff), MAX_RSA_BITS],
])('RSA of %s bits is taken, and its bits counted', (_, n, bits) => {
  const { blob } = parsePublicKey(rsaLine(n))
  expect(rsaBits(blob)).toBe(bits)
  expect(() => {
    requireRsaSize(blob)
  }).not.toThrow()
})

test.each([
  ['ed448', generateKeyPairSync('ed448').publicKey, 'Ed448'],
  ['x25519', generateKeyPairSync('x25519').publicKey, 'X25519'],
  ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey, 'secp256k1'],
])('a key of %s has no SSH format', (_, key, name) => {
  const error = errorOf(() => encodePublicKey(key))
  expect(error.code).toBe('key-type-unsupported')
  expect(error.message).toContain(name)
  expect(error.hint).toContain(KEY_TYPES.join(', '))
})

test.each([
  ['ssh-ed25519', 'ED25519'],
  ['ecdsa-sha2-nistp521', 'ECDSA'],
  ['ssh-rsa', 'RSA'],
  ['rsa-sha2-512', 'RSA'],
  ['ssh-dss', 'DSA'],
  ['ssh-ed25519-cert-v01@openssh.com', 'ED25519-CERT'],
  ['ecdsa-sha2-nistp256-cert-v01@openssh.com', 'ECDSA-CERT'],
  ['rsa-sha2-256-cert-v01@openssh.com', 'RSA-CERT'],
  ['ssh-dss-cert-v01@openssh.com', 'DSA-CERT'],
  ['ssh-xyz', 'ssh-xyz'],
])('%s is shown as %s', (name, shown) => {
  expect(displayType(name)).toBe(shown)
})
