/**
 * Public keys: the wire format (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4), the one-line text of
 * authorized_keys and known_hosts, and fingerprints as `ssh-keygen -l` prints them.
 */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { TrustError } from '../errors'
import { mpint, Reader, string } from './wire'

/** The key types that are taken, in the order in which a server is asked for them. */
export const KEY_TYPES = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
] as const

export type KeyType = (typeof KEY_TYPES)[number]

/** What the type of a certificate, and a host key algorithm for one, ends with (PROTOCOL.certkeys). */
export const CERTIFICATE_SUFFIX = '-cert-v01@openssh.com'

/** Names of the elliptic curves: RFC 5656 §10.1, JWK, bytes of a coordinate, digest (RFC 5656 §6.2.1). */
export const CURVES = {
  'ecdsa-sha2-nistp256': { name: 'nistp256', jwk: 'P-256', bytes: 32, hash: 'sha256' },
  'ecdsa-sha2-nistp384': { name: 'nistp384', jwk: 'P-384', bytes: 48, hash: 'sha384' },
  'ecdsa-sha2-nistp521': { name: 'nistp521', jwk: 'P-521', bytes: 66, hash: 'sha512' },
} as const

export type EcdsaType = keyof typeof CURVES

/** Smallest RSA modulus that is accepted, in bits: OpenSSH's RequiredRSASize is 1024, NIST's floor is this. */
export const MIN_RSA_BITS = 2048
/** Largest, as OpenSSH's OPENSSL_RSA_MAX_MODULUS_BITS: bounds the time of one verification. */
export const MAX_RSA_BITS = 16384

export interface PublicKey {
  type: KeyType
  /** The key in wire format. */
  blob: Buffer
  comment: string
}

export function isKeyType(name: string): name is KeyType {
  return (KEY_TYPES as readonly string[]).includes(name)
}

export function isEcdsa(type: KeyType): type is EcdsaType {
  return type in CURVES
}

/** What a key of type `name` is called by `ssh-keygen -l`: `ED25519`, `ECDSA`, `RSA`; `…-CERT` for certificates. */
export function displayType(name: string): string {
  const certified = name.endsWith(CERTIFICATE_SUFFIX)
  const plain = certified ? name.slice(0, -CERTIFICATE_SUFFIX.length) : name
  const cert = certified ? '-CERT' : ''
  if (plain === 'ssh-ed25519') return `ED25519${cert}`
  if (plain.startsWith('ecdsa-sha2-')) return `ECDSA${cert}`
  if (plain === 'ssh-rsa' || plain.startsWith('rsa-sha2-')) return `RSA${cert}`
  if (plain === 'ssh-dss') return `DSA${cert}`
  return `${plain}${cert}`
}

/** SHA-256 fingerprint of a key in wire format, as OpenSSH prints it: `SHA256:` and unpadded base64. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

/** The type name that a key in wire format begins with. Does not look further. */
export function typeOfBlob(blob: Buffer): string {
  return new Reader(blob).text(64)
}

/** The public parts of a key, as JWK names them, read from where `type` has just been read. */
export function readPublicParts(type: KeyType, reader: Reader): JsonWebKey {
  if (type === 'ssh-ed25519') {
    const x = reader.string(32)
    if (x.length !== 32) throw new TrustError('malformed', 'An ed25519 public key has 32 bytes.')
    return { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') }
  }
  if (isEcdsa(type)) {
    const curve = CURVES[type]
    const name = reader.text(32)
    const point = reader.string(1 + 2 * 66)
    if (name !== curve.name) {
      throw new TrustError('malformed', `A key of type ${type} names the curve ${name}.`)
    }
    // SEC 1 §2.3.3: 04 says that both coordinates follow, uncompressed (RFC 5656 §3.1).
    if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) {
      throw new TrustError('malformed', `A key of type ${type} has a malformed point.`)
    }
    return {
      kty: 'EC',
      crv: curve.jwk,
      x: point.subarray(1, 1 + curve.bytes).toString('base64url'),
      y: point.subarray(1 + curve.bytes).toString('base64url'),
    }
  }
  const e = reader.mpint(9)
  const n = reader.mpint(MAX_RSA_BITS / 8 + 1)
  return { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') }
}

/**
 * A public key from its wire format, for verifying.
 *
 * @throws TrustError `key-type-unsupported`, `malformed`
 */
export function decodePublicKey(blob: Buffer): { type: KeyType; key: KeyObject } {
  const reader = new Reader(blob)
  const type = reader.text(64)
  if (!isKeyType(type)) throw unsupportedType(type)
  const parts = readPublicParts(type, reader)
  reader.end('a public key')
  try {
    return { type, key: createPublicKey({ key: parts, format: 'jwk' }) }
  } catch (cause) {
    throw new TrustError('malformed', `A public key of type ${type} that is not valid.`, { cause })
  }
}

export function unsupportedType(type: string): TrustError {
  if (type === 'ssh-dss') {
    return new TrustError('key-type-unsupported', 'DSA keys are not accepted.', {
      hint: 'DSA is limited to 1024 bits and SHA-1, and OpenSSH 10 removed it. Make an ed25519 key: ssh-keygen -t ed25519.',
    })
  }
  return new TrustError(
    'key-type-unsupported',
    `Keys of type ${JSON.stringify(type)} are not supported.`,
    {
      hint: `Supported are ${KEY_TYPES.join(', ')}.`,
    },
  )
}

/** Modulus length of an RSA key in wire format, in bits. */
export function rsaBits(blob: Buffer): number {
  const reader = new Reader(blob)
  reader.string(64)
  reader.mpint(9)
  const n = reader.mpint(MAX_RSA_BITS / 8 + 1)
  return n.length === 0 ? 0 : n.length * 8 - (Math.clz32(n[0] ?? 0) - 24)
}

/** Size of a plain key (wire format) as ssh-keygen -l tells it, in bits. */
export function keyBits(blob: Buffer): number {
  const { type } = decodePublicKey(blob)
  if (type === 'ssh-rsa') return rsaBits(blob)
  // The digits of a curve's name are its size.
  return isEcdsa(type) ? Number(CURVES[type].name.replace('nistp', '')) : 256
}

/**
 * A key from `type base64 [comment]`. The type of the text and the type inside must agree, and the
 * key must be whole.
 *
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `malformed`
 */
export function parsePublicKey(text: string): PublicKey {
  const [type = '', base64 = '', ...comment] = text.trim().split(/[ \t]+/)
  if (!isKeyType(type)) throw unsupportedType(type)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw new TrustError('malformed', `The key after ${type} is not base64.`)
  }
  const blob = Buffer.from(base64, 'base64')
  const inner = decodePublicKey(blob).type
  if (inner !== type) {
    throw new TrustError('malformed', `The line says ${type}, the key itself ${inner}.`)
  }
  if (type === 'ssh-rsa') requireRsaSize(blob)
  return { type, blob, comment: comment.join(' ') }
}

/** Throws `key-too-small` for an RSA key under `MIN_RSA_BITS`. */
export function requireRsaSize(blob: Buffer): void {
  const bits = rsaBits(blob)
  if (bits >= MIN_RSA_BITS) return
  throw new TrustError(
    'key-too-small',
    `An RSA key of ${bits} bits is too small: ${MIN_RSA_BITS} are the least.`,
    {
      hint: 'Make an ed25519 key: ssh-keygen -t ed25519 (or ssh-keygen -t rsa -b 3072).',
    },
  )
}

/** `type base64[ comment]`, as in authorized_keys and `*.pub` files. Takes certificates too. */
export function formatPublicKey(blob: Buffer, comment = ''): string {
  const line = `${typeOfBlob(blob)} ${blob.toString('base64')}`
  return comment === '' ? line : `${line} ${comment}`
}

/** The wire format of a public key. */
export function encodePublicKey(key: KeyObject): { type: KeyType; blob: Buffer } {
  const jwk = key.export({ format: 'jwk' })
  const part = (name: 'x' | 'y' | 'n' | 'e'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url')
  if (jwk.crv === 'Ed25519') {
    return { type: 'ssh-ed25519', blob: Buffer.concat([string('ssh-ed25519'), string(part('x'))]) }
  }
  if (jwk.kty === 'RSA') {
    const blob = Buffer.concat([string('ssh-rsa'), mpint(part('e')), mpint(part('n'))])
    return { type: 'ssh-rsa', blob }
  }
  const type = KEY_TYPES.find((name) => isEcdsa(name) && CURVES[name].jwk === jwk.crv)
  if (type === undefined || !isEcdsa(type)) {
    throw unsupportedType(jwk.crv ?? jwk.kty ?? key.asymmetricKeyType ?? 'unknown')
  }
  const point = Buffer.concat([Buffer.of(4), part('x'), part('y')])
  return { type, blob: Buffer.concat([string(type), string(CURVES[type].name), string(point)]) }
}
