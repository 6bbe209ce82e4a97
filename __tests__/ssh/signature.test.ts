/** Signatures: against node:crypto and ssh-keygen -Y, and what is not taken for one. */
import { describe, expect, test } from '@jest/globals'
import { createHash, sign, verify } from 'node:crypto'
import { writeFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { TrustError } from '../../src/errors'
import { CURVES, fingerprint, isEcdsa, parsePublicKey } from '../../src/ssh/public-key'
import {
  makeSignature,
  signatureAlgorithm,
  verifySignature,
  type RsaHash,
} from '../../src/ssh/signature'
import { mpint, Reader, string, uint32 } from '../../src/ssh/wire'
import { makeKey } from '../support/keys'
import { describeWith, program } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import {
  damaged,
  errorOf,
  KEYGEN,
  sample,
  samples,
  sha1Signature,
  throwsOnlyTrustErrors,
  truncations,
  type Sample,
} from './samples'

const data: Buffer = Buffer.from('what is signed')
/** Every algorithm: the key, and the hash where there is a choice. */
const ALGORITHMS: [string, Sample, RsaHash][] = [
  ['ssh-ed25519', sample('ssh-ed25519'), 'sha256'],
  ['ecdsa-sha2-nistp256', sample('ecdsa-sha2-nistp256'), 'sha256'],
  ['ecdsa-sha2-nistp384', sample('ecdsa-sha2-nistp384'), 'sha256'],
  ['ecdsa-sha2-nistp521', sample('ecdsa-sha2-nistp521'), 'sha256'],
  ['rsa-sha2-256', sample('ssh-rsa'), 'sha256'],
  ['rsa-sha2-512', sample('ssh-rsa'), 'sha512'],
]
const made = (key: Sample, hash: RsaHash = 'sha512', what = data): Buffer =>
  makeSignature(key.type, key.privateKey, what, hash)
const encoded = (algorithm: string, ...bytes: Buffer[]): Buffer =>
  Buffer.concat([string(algorithm), string(Buffer.concat(bytes))])

function verifies(blob: Buffer, signature: Buffer, what = data): boolean {
  return verifySignature(blob, signature, what)
}

/** DER of two numbers: what node:crypto takes without being asked for anything else. */
function der(...numbers: Buffer[]): Buffer {
  const wrap = (tag: number, body: Buffer): Buffer =>
    Buffer.concat([Buffer.of(tag, ...(body.length > 127 ? [0x81] : []), body.length), body])
  const integers = numbers.map((digits) => wrap(2, mpint(digits).subarray(4)))
  return wrap(0x30, Buffer.concat(integers))
}

describe.each(ALGORITHMS)('%s', (algorithm, key, hash) => {
  const signature = made(key, hash)
  const other = sample(key.type, 'second')

  test('is made and verified', () => {
    expect(signatureAlgorithm(signature)).toBe(algorithm)
    expect(verifies(key.blob, signature)).toBe(true)
  })

  test('is a signature to node:crypto', () => {
    const reader = new Reader(signature)
    expect(reader.text()).toBe(algorithm)
    let bytes: Buffer = reader.string()
    expect(reader.remaining).toBe(0)
    if (isEcdsa(key.type)) {
      const numbers = new Reader(bytes)
      bytes = der(numbers.mpint(), numbers.mpint())
      expect(numbers.remaining).toBe(0)
    }
    const digest = {
      'ssh-ed25519': null,
      'ecdsa-sha2-nistp256': 'sha256',
      'ecdsa-sha2-nistp384': 'sha384',
      'ecdsa-sha2-nistp521': 'sha512',
      'ssh-rsa': hash,
    }[key.type]
    expect(verify(digest, data, key.publicKey, bytes)).toBe(true)
  })

  test('is refused for another key, or other data', () => {
    expect(verifies(other.blob, signature)).toBe(false)
    expect(verifies(key.blob, signature, Buffer.from('what is signe'))).toBe(false)
    expect(verifies(key.blob, signature, Buffer.alloc(0))).toBe(false)
  })

  test('is refused under the name of any other algorithm', () => {
    const reader = new Reader(signature)
    reader.string()
    const bytes = reader.string()
    const names = [...ALGORITHMS.map(([name]) => name), 'ssh-rsa', 'ssh-dss', '']
    const taken = names.filter((name) => verifies(key.blob, encoded(name, bytes)))
    expect(taken).toEqual([algorithm])
  })

  test('is refused for a key of any other type', () => {
    for (const { blob } of samples().filter(({ type }) => type !== key.type)) {
      expect(verifies(blob, signature)).toBe(false)
    }
  })

  test('that is cut short anywhere is malformed', () => {
    const codes = truncations(signature).map((short) => errorOf(() => verifies(key.blob, short)))
    expect(new Set(codes.map(({ code }) => code))).toEqual(new Set(['malformed']))
  })

  test('with a byte too many is malformed', () => {
    const more = Buffer.concat([signature, Buffer.of(0)])
    expect(errorOf(() => verifies(key.blob, more)).message).toContain('1 bytes too many')
  })

  test('that is damaged is never taken, unless it is the same number written otherwise', () => {
    fc.assert(
      fc.property(damaged(signature), (bytes) => {
        fc.pre(!bytes.equals(signature))
        try {
          if (!verifies(key.blob, bytes)) return
        } catch (error) {
          if (!(error instanceof TrustError)) throw error
          return
        }
        // An ECDSA number may have more leading zeros than it needs.
        expect(isEcdsa(key.type)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

test('nothing but a TrustError comes out, whatever the key, the signature and the data', () => {
  for (const key of samples()) {
    const signature = made(key)
    throwsOnlyTrustErrors([key.blob], (blob) => verifies(blob, signature), 150)
  }
  throwsOnlyTrustErrors([made(sample())], signatureAlgorithm, 100)
})

describe('SHA-1', () => {
  const key = sample('ssh-rsa')
  test.each([
    ['under its own name', sha1Signature(key, data)],
    ['called SHA-256', sha1Signature(key, data, 'rsa-sha2-256')],
    ['called SHA-512', sha1Signature(key, data, 'rsa-sha2-512')],
    ['in name alone', encoded('ssh-rsa', sign('sha512', data, key.privateKey))],
    ['called ssh-rsa with SHA-256', encoded('ssh-rsa', sign('sha256', data, key.privateKey))],
  ])('%s is refused', (_, signature) => {
    expect(verifies(key.blob, signature)).toBe(false)
  })
})

describe('ECDSA', () => {
  const type = 'ecdsa-sha2-nistp256'
  const { blob, privateKey } = sample(type)
  const zero = mpint(Buffer.alloc(0))
  const one = mpint(Buffer.of(1))
  const tooLarge = mpint(Buffer.alloc(33, 1))
  const negative = string(Buffer.alloc(32, 0xff))
  const all = mpint(Buffer.alloc(32, 0xff))

  test.each([
    ['two zeros', [zero, zero]],
    ['r of zero', [zero, one]],
    ['s of zero', [one, zero]],
    ['two ones', [one, one]],
    ['numbers beyond the order', [all, all]],
  ])('refuses %s', (_, numbers) => {
    expect(verifies(blob, encoded(type, ...numbers))).toBe(false)
  })

  test.each([
    ['a number larger than the curve', [tooLarge, one], 'a number that is too large'],
    ['a negative number', [one, negative], 'a negative number'],
    ['one number', [one], '4 bytes wanted'],
    ['three numbers', [one, one, one], 'bytes too many after an ECDSA signature'],
    ['nothing', [], '4 bytes wanted'],
  ])('finds %s malformed', (_, numbers, message) => {
    const error = errorOf(() => verifies(blob, encoded(type, ...numbers)))
    expect(error.code).toBe('malformed')
    expect(error.message).toContain(message)
  })

  test.each<[string, (first: Buffer) => boolean]>([
    ['begins with a zero byte', (raw) => raw[0] === 0],
    ['has its high bit set', (raw) => (raw[0] ?? 0) > 0x7f],
    ['needs no padding', (raw) => raw[0] !== 0 && (raw[0] ?? 0) < 0x80],
  ])('makes and takes numbers of which the first %s', (_, wanted) => {
    const found = Array.from({ length: 20_000 }, (_, n) => uint32(n)).some((text) => {
      const signature = makeSignature(type, privateKey, text, 'sha256')
      const reader = new Reader(signature)
      reader.string()
      const r = new Reader(reader.string()).mpint()
      const raw = Buffer.concat([Buffer.alloc(CURVES[type].bytes - r.length), r])
      if (!wanted(raw)) return false
      expect(verifies(blob, signature, text)).toBe(true)
      return true
    })
    expect(found).toBe(true)
  })
})

test.each([
  ['no bytes', 0],
  ['63 bytes', 63],
  ['64 zeros', 64],
  ['65 bytes', 65],
])('ed25519 refuses %s', (_, length) => {
  expect(verifies(sample().blob, encoded('ssh-ed25519', Buffer.alloc(length)))).toBe(false)
})

test('RSA takes a signature without its leading zero byte', () => {
  const { blob, privateKey } = sample('ssh-rsa')
  let text: Buffer = Buffer.alloc(4)
  let raw = sign('sha512', text, privateKey)
  for (let n = 0; raw[0] !== 0; n += 1) {
    text = uint32(n)
    raw = sign('sha512', text, privateKey)
  }
  expect(verifies(blob, encoded('rsa-sha2-512', raw), text)).toBe(true)
  expect(verifies(blob, encoded('rsa-sha2-512', raw.subarray(1)), text)).toBe(true)
})

test('a certificate is no key to verify with', () => {
  const blob = string('ssh-ed25519-cert-v01@openssh.com')
  const error = errorOf(() => verifies(blob, made(sample())))
  expect(error.code).toBe('key-type-unsupported')
})

// OpenSSH's PROTOCOL.sshsig: a signature in a wrapping of its own.
const NAMESPACE = 'test'
const MAGIC = Buffer.from('SSHSIG')
function toBeSigned(message: Buffer): Buffer {
  const digest = createHash('sha512').update(message).digest()
  return Buffer.concat([MAGIC, ...[NAMESPACE, '', 'sha512', digest].map(string)])
}
function wrapped(blob: Buffer, signature: Buffer): string {
  const fields = [blob, NAMESPACE, '', 'sha512', signature].map(string)
  const base64 = Buffer.concat([MAGIC, uint32(1), ...fields]).toString('base64')
  const lines = base64.match(/.{1,70}/g) ?? []
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n')
}
function unwrapped(text: string): Buffer {
  const reader = new Reader(Buffer.from(text.replace(/-----.*-----/g, ''), 'base64'))
  expect(reader.bytes(6)).toEqual(MAGIC)
  reader.uint32()
  for (let field = 0; field < 4; field += 1) reader.string()
  return reader.string()
}

describeWith(['ssh-keygen'], 'ssh-keygen -Y', () => {
  test.each(ALGORITHMS)('takes what is made with %s', async (_, key, hash) => {
    const file = join(makeDirectory(), 'signature')
    writeFileSync(file, wrapped(key.blob, made(key, hash, toBeSigned(data))))
    const args = ['-Y', 'check-novalidate', '-n', NAMESPACE, '-s', file]
    const told = await mustRun(program('ssh-keygen'), args, { input: data })
    expect(told).toContain(`Good "${NAMESPACE}" signature`)
    expect(told).toContain(fingerprint(key.blob))
  })

  test.each(KEYGEN)('makes with %s what is taken', async (_, type, options) => {
    const directory = makeDirectory()
    const key = await makeKey(directory, type, options)
    const file = join(directory, 'message')
    writeFileSync(file, data)
    const args = ['-Y', 'sign', '-q', '-n', NAMESPACE, '-f', key.privateKeyFile, file]
    await mustRun(program('ssh-keygen'), args)
    const signature = unwrapped(readFileSync(`${file}.sig`, 'utf8'))
    const { blob } = parsePublicKey(key.publicKey)
    expect(verifies(blob, signature, toBeSigned(data))).toBe(true)
    expect(verifies(blob, signature)).toBe(false)
  })
})
