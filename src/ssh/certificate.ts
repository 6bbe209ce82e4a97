/**
 * OpenSSH certificates, version 01 (OpenSSH's PROTOCOL.certkeys): reading, and checking a host
 * certificate against a certificate authority. The rules are those of OpenSSH's
 * sshkey_cert_check_host, with its newest reading of an empty principals list: it matches nobody.
 */
import { TrustError } from '../errors'
import {
  CERTIFICATE_SUFFIX,
  isKeyType,
  readPublicParts,
  unsupportedType,
  typeOfBlob,
  type KeyType,
} from './public-key'
import { verifySignature } from './signature'
import { matchPattern } from './pattern'
import { Reader, string } from './wire'

/** PROTOCOL.certkeys: SSH_CERT_TYPE_USER, SSH_CERT_TYPE_HOST. */
const ROLES: Record<number, 'user' | 'host'> = { 1: 'user', 2: 'host' }

/** OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS. */
const MAX_PRINCIPALS = 256

/** PROTOCOL.certkeys: all ones in `valid before` means no end. */
export const FOREVER = 0xffff_ffff_ffff_ffffn

export interface Certificate {
  /** Type of the key that is certified. */
  keyType: KeyType
  /** That key, plain, in wire format. */
  key: Buffer
  role: 'user' | 'host'
  serial: bigint
  keyId: string
  principals: string[]
  /** Seconds since 1970. */
  validAfter: bigint
  validBefore: bigint
  criticalOptions: string[]
  extensions: string[]
  /** The authority's key, plain, in wire format. */
  authority: Buffer
  /** What the authority signed, and its signature. */
  signed: Buffer
  signature: Buffer
}

export function isCertificateType(name: string): boolean {
  return name.endsWith(CERTIFICATE_SUFFIX)
}

export function certificateType(type: KeyType): string {
  return `${type}${CERTIFICATE_SUFFIX}`
}

/** A kind of key: its type, plain or certified. */
export interface KeyKind {
  type: KeyType
  certified: boolean
}

/**
 * The kind of a key, or certificate, in wire format.
 *
 * @throws TrustError `key-type-unsupported`, `malformed`
 */
export function kindOfKey(blob: Buffer): KeyKind {
  const name = typeOfBlob(blob)
  const certified = isCertificateType(name)
  const type = certified ? name.slice(0, -CERTIFICATE_SUFFIX.length) : name
  if (!isKeyType(type)) throw unsupportedType(name)
  return { type, certified }
}

/** The certificate (wire format) on a line as `*-cert.pub` files have it; undefined for other lines. */
export function certificateOnLine(line: string): Buffer | undefined {
  const [type = '', base64 = ''] = line.trim().split(/[ \t]+/)
  return isCertificateType(type) ? Buffer.from(base64, 'base64') : undefined
}

/** The plain key (wire format) of `blob`: the certified one if it is a certificate, else itself. */
export function plainKey(blob: Buffer): Buffer {
  if (!isCertificateType(typeOfBlob(blob))) return blob
  return readCertifiedKey(new Reader(blob), blob).key
}

function readCertifiedKey(reader: Reader, blob: Buffer): { keyType: KeyType; key: Buffer } {
  const { type: keyType, certified } = kindOfKey(blob)
  const name = reader.text(64)
  if (!certified) throw unsupportedType(name)
  reader.string(1024) // nonce
  const start = reader.offset
  readPublicParts(keyType, reader)
  return { keyType, key: Buffer.concat([string(keyType), blob.subarray(start, reader.offset)]) }
}

/** @throws TrustError `malformed`, `key-type-unsupported` */
export function parseCertificate(blob: Buffer): Certificate {
  const reader = new Reader(blob)
  const { keyType, key } = readCertifiedKey(reader, blob)
  const serial = reader.uint64()
  const roleNumber = reader.uint32()
  const role = ROLES[roleNumber]
  if (role === undefined) {
    throw new TrustError('malformed', `A certificate of the unknown type ${roleNumber}.`)
  }
  const keyId = reader.text(4096)
  const principals = strings(reader.string())
  if (principals.length > MAX_PRINCIPALS) {
    throw new TrustError('malformed', `A certificate with ${principals.length} principals.`)
  }
  const validAfter = reader.uint64()
  const validBefore = reader.uint64()
  const criticalOptions = optionNames(reader.string())
  const extensions = optionNames(reader.string())
  reader.string() // reserved
  const authority = reader.string()
  const signed = blob.subarray(0, reader.offset)
  const signature = reader.string()
  reader.end('a certificate')
  return {
    keyType,
    key,
    role,
    serial,
    keyId,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    extensions,
    authority,
    signed,
    signature,
  }
}

/**
 * Whether the authority that a certificate names has signed it.
 *
 * @throws TrustError `malformed`, `key-type-unsupported`
 */
export function isSigned({ authority, signature, signed }: Certificate): boolean {
  return verifySignature(authority, signature, signed)
}

function strings(list: Buffer): string[] {
  const reader = new Reader(list)
  const texts: string[] = []
  while (reader.remaining > 0) texts.push(reader.text())
  return texts
}

/** Names of the options of a list of (name, data) pairs. */
function optionNames(list: Buffer): string[] {
  return strings(list).filter((_, index) => index % 2 === 0)
}

/**
 * Why a host certificate does not stand for `hostname` under one of `authorities` (keys in wire
 * format) at `now` (seconds since 1970), in words; undefined where it does.
 */
export function hostCertificateDefect(
  certificate: Certificate,
  hostname: string,
  authorities: readonly Buffer[],
  now: number,
): string | undefined {
  if (!authorities.some((key) => key.equals(certificate.authority))) {
    return 'it is signed by an authority that is not pinned'
  }
  if (!isSigned(certificate)) return "the authority's signature is not valid"
  if (certificate.role !== 'host') return 'it is a user certificate, not a host certificate'
  const outOfTime = validityDefect(certificate, now)
  if (outOfTime !== undefined) return `it ${outOfTime}`
  if (certificate.principals.length === 0) return 'it names no principals'
  const name = hostname.toLowerCase()
  if (!certificate.principals.some((pattern) => matchPattern(name, pattern))) {
    return `it is for ${certificate.principals.join(', ')}, not for ${name}`
  }
  if (certificate.criticalOptions.length > 0) {
    return `it has critical options that are not known: ${certificate.criticalOptions.join(', ')}`
  }
  return undefined
}

/** Why a certificate is not valid at `now` (seconds since 1970), in words; undefined where it is. */
export function validityDefect(
  { validAfter, validBefore }: Certificate,
  now: number,
): string | undefined {
  const time = BigInt(Math.floor(now))
  if (time < validAfter) return `is valid only from ${isoTime(validAfter)}`
  return time >= validBefore ? `expired at ${isoTime(validBefore)}` : undefined
}

/** A certificate's time (seconds since 1970), to be read. */
export function isoTime(seconds: bigint): string {
  // ECMAScript's largest time; a certificate's can lie far beyond it.
  const milliseconds = Number(seconds) * 1000
  return milliseconds > 8.64e15 ? 'the far future' : new Date(milliseconds).toISOString()
}
