/**
 * Private keys: their wire format, which the agent protocol (RFC 9987 §5.2) and OpenSSH's key files
 * (PROTOCOL.key) share, and making new ones. Keys are held as `KeyObject`s, which do not print.
 */
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import { TrustError } from '../errors'
import { isCertificateType, kindOfKey, plainKey } from './certificate'
import {
  CURVES,
  encodePublicKey,
  isEcdsa,
  isKeyType,
  MAX_RSA_BITS,
  MIN_RSA_BITS,
  readPublicParts,
  requireRsaSize,
  typeOfBlob,
  unsupportedType,
  type KeyType,
} from './public-key'
import { mpint, Reader, string } from './wire'

export interface PrivateKey {
  type: KeyType
  key: KeyObject
  /** The public half in wire format. */
  publicKey: Buffer
  comment: string
}

/**
 * A private key from a `KeyObject`.
 *
 * @param stated both halves as its file states them
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `key-unreadable` (halves that do not
 *   belong together)
 */
export function privateKeyFrom(key: KeyObject, comment = '', stated?: JsonWebKey): PrivateKey {
  if (key.asymmetricKeyType === 'dsa') throw unsupportedType('ssh-dss')
  if (!['ed25519', 'ec', 'rsa'].includes(key.asymmetricKeyType ?? '')) {
    throw unsupportedType(key.asymmetricKeyType ?? 'unknown')
  }
  if (key.asymmetricKeyType === 'ec') {
    const curve = key.asymmetricKeyDetails?.namedCurve ?? 'unknown'
    if (!['prime256v1', 'secp384r1', 'secp521r1'].includes(curve)) throw unsupportedType(curve)
  }
  const { type, blob } = encodePublicKey(createPublicKey(key))
  if (type === 'ssh-rsa') requireRsaSize(blob)
  requireMatchingHalves(type, blob, stated ?? key.export({ format: 'jwk' }))
  return { type, key, publicKey: blob, comment }
}

/** `key-type, key-specific fields, comment`: the contents of SSH_AGENTC_ADD_IDENTITY (RFC 9987 §5.2). */
export function writePrivateKey({ type, key, publicKey, comment }: PrivateKey): Buffer {
  const jwk = key.export({ format: 'jwk' })
  const part = (name: 'd' | 'p' | 'q' | 'qi' | 'n' | 'e'): Buffer =>
    Buffer.from(jwk[name] ?? '', 'base64url')
  let fields: Buffer[]
  if (type === 'ssh-ed25519') {
    const reader = new Reader(publicKey)
    reader.string()
    const point = reader.string(32)
    fields = [string(point), string(Buffer.concat([part('d'), point]))] // RFC 9987 §5.2.3: k || ENC(A)
  } else if (isEcdsa(type)) {
    const reader = new Reader(publicKey)
    reader.string()
    fields = [reader.rest(), mpint(part('d'))] // §5.2.2: curve name, Q, d
  } else {
    // §5.2.4: n, e, d, iqmp, p, q
    fields = [part('n'), part('e'), part('d'), part('qi'), part('p'), part('q')].map(mpint)
  }
  return Buffer.concat([string(type), ...fields, string(comment)])
}

/**
 * Reads what `writePrivateKey` writes, up to and with the comment.
 *
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `key-unreadable` (halves that do not
 *   belong together), `malformed`
 */
export function readPrivateKey(reader: Reader): PrivateKey {
  const type = reader.text(64)
  if (!isKeyType(type)) throw unsupportedType(type)
  const jwk = type === 'ssh-rsa' ? readRsa(reader) : readCurve(type, reader)
  const comment = reader.text(4096)
  let key: KeyObject
  try {
    key = createPrivateKey({ key: jwk, format: 'jwk' })
  } catch (cause) {
    throw new TrustError(
      'key-unreadable',
      'The numbers of the private key do not make a valid key.',
      { cause },
    )
  }
  return privateKeyFrom(key, comment, jwk)
}

/**
 * Reads a private key that may be stated as a certificate with the private parts behind it, as ssh-add
 * sends it (OpenSSH's sshkey_private_serialize): what the certificate holds is not said again.
 *
 * @returns the key, its certificate in wire format if there is one, and a reader of what follows
 * @throws TrustError as `readPrivateKey`
 */
export function readCertifiedPrivateKey(reader: Reader): {
  privateKey: PrivateKey
  certificate?: Buffer
  rest: Reader
} {
  const message = reader.rest()
  const whole = new Reader(message)
  if (!isCertificateType(typeOfBlob(message))) {
    return { privateKey: readPrivateKey(whole), rest: whole }
  }
  whole.string()
  const certificate = Buffer.from(whole.string())
  if (typeOfBlob(certificate) !== typeOfBlob(message)) {
    throw new TrustError('malformed', 'A certificate of another type than its private key.')
  }
  const { type } = kindOfKey(certificate)
  const rest = new Reader(Buffer.concat([statedParts(type, plainKey(certificate)), whole.rest()]))
  const privateKey = readPrivateKey(rest)
  return { privateKey, certificate, rest }
}

/** What stands before the private parts where no certificate says it. */
function statedParts(type: KeyType, publicKey: Buffer): Buffer {
  if (type === 'ssh-ed25519') return string(type) // its public half is said again all the same
  if (isEcdsa(type)) return publicKey
  const reader = new Reader(publicKey)
  reader.string()
  const e = reader.mpint()
  return Buffer.concat([string(type), mpint(reader.mpint()), mpint(e)]) // n, e: the other way round
}

/** Throws unless the stated public half is the one that the private half gives. */
function requireMatchingHalves(type: KeyType, publicKey: Buffer, stated: JsonWebKey): void {
  if (halvesMatch(type, publicKey, stated)) return
  const message = 'The private and the public half of the key do not belong together.'
  throw new TrustError('key-unreadable', message)
}

function halvesMatch(type: KeyType, publicKey: Buffer, stated: JsonWebKey): boolean {
  const part = (name: 'd' | 'e' | 'n' | 'p' | 'q' | 'qi' | 'x'): Buffer =>
    Buffer.from(stated[name] ?? '', 'base64url')
  // Node derives an ed25519 public half itself; of the others it keeps what it is told.
  if (type === 'ssh-ed25519') {
    return publicKey.equals(Buffer.concat([string(type), string(part('x'))]))
  }
  if (isEcdsa(type)) {
    const exchange = createECDH(ECDH_NAMES[type])
    try {
      exchange.setPrivateKey(part('d'))
    } catch {
      return false // zero, or not below the order of the curve
    }
    const point = string(exchange.getPublicKey())
    return publicKey.subarray(-point.length).equals(point)
  }
  // RFC 8017 §3.2: n = pq, ed = 1 (mod p-1) and (mod q-1), q·qInv = 1 (mod p)
  const [n, e, d, p, q, qi] = (['n', 'e', 'd', 'p', 'q', 'qi'] as const).map((name) =>
    number(part(name)),
  ) as [bigint, bigint, bigint, bigint, bigint, bigint]
  if (p < 3n || q < 3n) return false
  return (
    p * q === n && (e * d) % (p - 1n) === 1n && (e * d) % (q - 1n) === 1n && (q * qi) % p === 1n
  )
}

/** OpenSSL's names of the curves, which createECDH wants. */
const ECDH_NAMES = {
  'ecdsa-sha2-nistp256': 'prime256v1',
  'ecdsa-sha2-nistp384': 'secp384r1',
  'ecdsa-sha2-nistp521': 'secp521r1',
} as const

function readCurve(type: Exclude<KeyType, 'ssh-rsa'>, reader: Reader): JsonWebKey {
  const parts = readPublicParts(type, reader)
  if (!isEcdsa(type)) {
    const secret = reader.string(64)
    if (secret.length !== 64)
      throw new TrustError('malformed', 'An ed25519 private key has 64 bytes.')
    return { ...parts, d: secret.subarray(0, 32).toString('base64url') }
  }
  const { bytes } = CURVES[type]
  const d = reader.mpint(bytes + 1)
  const padded = Buffer.concat([Buffer.alloc(Math.max(0, bytes - d.length)), d])
  return { ...parts, d: padded.toString('base64url') }
}

function readRsa(reader: Reader): JsonWebKey {
  const max = MAX_RSA_BITS / 8 + 1
  const n = reader.mpint(max)
  const e = reader.mpint(9)
  const d = reader.mpint(max)
  const qi = reader.mpint(max)
  const p = reader.mpint(max)
  const q = reader.mpint(max)
  const text = (number: Buffer): string => number.toString('base64url')
  return {
    kty: 'RSA',
    n: text(n),
    e: text(e),
    d: text(d),
    p: text(p),
    q: text(q),
    qi: text(qi),
    dp: text(reduce(d, p)),
    dq: text(reduce(d, q)),
  }
}

/** d mod (prime - 1): the exponents of RFC 8017 §3.2, which the wire format leaves out. */
function reduce(d: Buffer, prime: Buffer): Buffer {
  const modulus = number(prime) - 1n
  if (modulus <= 1n) throw new TrustError('malformed', 'An RSA key without its primes.')
  const hex = (number(d) % modulus).toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

function number(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`)
}

/** What can be generated: a type, and for RSA the length of the modulus in bits. */
export interface KeySpec {
  type: KeyType
  bits?: number
}

/**
 * `ed25519`, `ecdsa` (256), `ecdsa-384`, `ecdsa-521`, `rsa` (3072), `rsa-4096`, …
 *
 * @throws TrustError `input-invalid`, `key-type-unsupported`, `key-too-small`
 */
export function parseKeySpec(text: string): KeySpec {
  const [, name = '', size] =
    /^([a-z0-9]+?)(?:-([0-9]{1,5}))?$/.exec(text.trim().toLowerCase()) ?? []
  if (name === 'dsa') throw unsupportedType('ssh-dss')
  if (name === 'ed25519' && size === undefined) return { type: 'ssh-ed25519' }
  if (name === 'ecdsa') {
    const type = `ecdsa-sha2-nistp${size ?? '256'}`
    if (isKeyType(type)) return { type }
  }
  if (name === 'rsa') {
    const bits = Number(size ?? '3072')
    if (bits < MIN_RSA_BITS) {
      throw new TrustError(
        'key-too-small',
        `RSA with ${bits} bits is too small: ${MIN_RSA_BITS} are the least.`,
        {
          hint: 'Use ed25519, or rsa-3072.',
        },
      )
    }
    if (bits <= MAX_RSA_BITS) return { type: 'ssh-rsa', bits }
  }
  throw new TrustError(
    'input-invalid',
    `${JSON.stringify(text)} is no kind of key that can be generated.`,
    {
      hint: 'Use ed25519, ecdsa-256, ecdsa-384, ecdsa-521, or rsa-2048 to rsa-16384 (rsa alone is rsa-3072).',
    },
  )
}

/** A new key from the platform's random numbers. */
export function generatePrivateKey({ type, bits }: KeySpec, comment: string): PrivateKey {
  if (type === 'ssh-ed25519')
    return privateKeyFrom(generateKeyPairSync('ed25519').privateKey, comment)
  if (isEcdsa(type)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: CURVES[type].jwk })
    return privateKeyFrom(privateKey, comment)
  }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits ?? 3072 })
  return privateKeyFrom(privateKey, comment)
}

/** The same; an RSA key, which takes seconds or minutes, is made in a thread. */
export async function makePrivateKey(spec: KeySpec, comment: string): Promise<PrivateKey> {
  if (spec.type !== 'ssh-rsa') return generatePrivateKey(spec, comment)
  const make = promisify(generateKeyPair)
  const { privateKey } = await make('rsa', { modulusLength: spec.bits ?? 3072 })
  return privateKeyFrom(privateKey, comment)
}
