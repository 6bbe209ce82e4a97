/** What the tests of src/ssh share: keys and certificates made by node:crypto, and damaged bytes. */
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { TrustError } from '../../src/errors'
import { CURVES, encodePublicKey, isEcdsa, KEY_TYPES, type KeyType } from '../../src/ssh/public-key'
import { makeSignature } from '../../src/ssh/signature'
import { nameList, string, uint32, uint64 } from '../../src/ssh/wire'
import type { KeyOptions, KeyType as KeygenType } from '../support/keys'

/** The key types as ssh-keygen makes them: name, `-t`, `-b`, type on the wire. */
export const KEYGEN: readonly [string, KeygenType, KeyOptions, KeyType][] = [
  ['ed25519', 'ed25519', {}, 'ssh-ed25519'],
  ['ecdsa-256', 'ecdsa', { bits: 256 }, 'ecdsa-sha2-nistp256'],
  ['ecdsa-384', 'ecdsa', { bits: 384 }, 'ecdsa-sha2-nistp384'],
  ['ecdsa-521', 'ecdsa', { bits: 521 }, 'ecdsa-sha2-nistp521'],
  ['rsa-2048', 'rsa', { bits: 2048 }, 'ssh-rsa'],
]

export interface Sample {
  type: KeyType
  privateKey: KeyObject
  publicKey: KeyObject
  /** The public key in wire format. */
  blob: Buffer
}

export function sampleOf(privateKey: KeyObject): Sample {
  const publicKey = createPublicKey(privateKey)
  return { ...encodePublicKey(publicKey), privateKey, publicKey }
}

export function newRsa(modulusLength: number): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey
}

export function newEc(namedCurve: string): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey
}

function newKey(type: KeyType): KeyObject {
  if (type === 'ssh-ed25519') return generateKeyPairSync('ed25519').privateKey
  return isEcdsa(type) ? newEc(CURVES[type].jwk) : newRsa(2048)
}

const made = new Map<string, Sample>()

/** A key of `type`, made once; `which` tells several of one type apart. */
export function sample(type: KeyType = 'ssh-ed25519', which = 'first'): Sample {
  const name = `${type} ${which}`
  const known = made.get(name) ?? sampleOf(newKey(type))
  made.set(name, known)
  return known
}

export function samples(): Sample[] {
  return KEY_TYPES.map((type) => sample(type))
}

/** A signature in the SSH format with SHA-1, as old servers make it. */
export function sha1Signature(key: Sample, data: Buffer, algorithm = 'ssh-rsa'): Buffer {
  return Buffer.concat([string(algorithm), string(sign('sha1', data, key.privateKey))])
}

export interface CertificateParts {
  subject?: Sample
  /** Type name that the certificate begins with; that of the subject's if left out. */
  type?: string
  authority?: Sample
  /** 1 user, 2 host. */
  role?: number
  principals?: readonly string[]
  validAfter?: bigint
  validBefore?: bigint
  criticalOptions?: readonly string[]
  extensions?: readonly string[]
  sign?: (data: Buffer, authority: Sample) => Buffer
}

/** A host certificate for host.example by the sample ed25519 key `authority`. */
export function makeCertificate(parts: CertificateParts = {}): Buffer {
  const { subject = sample(), authority = sample('ssh-ed25519', 'authority') } = parts
  const { role = 2, principals = ['host.example'], validAfter = 1000n, validBefore = 2000n } = parts
  const options = (names: readonly string[] = []): Buffer =>
    string(Buffer.concat(names.flatMap((name) => [string(name), string('')])))
  const type = parts.type ?? `${subject.type}-cert-v01@openssh.com`
  const data = Buffer.concat([
    ...[string(type), string('a nonce')],
    subject.blob.subarray(4 + subject.type.length),
    ...[uint64(7n), uint32(role), string('an id')],
    ...[string(Buffer.concat(principals.map((name) => string(name))))],
    ...[uint64(validAfter), uint64(validBefore)],
    ...[options(parts.criticalOptions), options(parts.extensions), nameList([])],
    string(authority.blob),
  ])
  const signature =
    parts.sign?.(data, authority) ??
    makeSignature(authority.type, authority.privateKey, data, 'sha512')
  return Buffer.concat([data, string(signature)])
}

/** The TrustError that `action` throws. Anything else that it does is an error. */
export function errorOf(action: () => unknown): TrustError {
  let result: unknown
  try {
    result = action()
  } catch (error) {
    if (error instanceof TrustError) return error
    throw new Error(`not a TrustError: ${inspect(error)}`, { cause: error })
  }
  throw new Error(`no error, but ${inspect(result)}`)
}

/** `whole` cut short, at every place. */
export function truncations(whole: Buffer): Buffer[] {
  return Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length))
}

/** `whole` with the byte at `index` changed. */
export function flipped(whole: Buffer, index: number, bits = 1): Buffer {
  const copy = Buffer.from(whole)
  copy.writeUInt8(copy.readUInt8(index) ^ bits, index)
  return copy
}

function damage(whole: Buffer): fc.Arbitrary<Buffer> {
  if (whole.length < 4) return fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes))
  const place = fc.nat(whole.length - 1)
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 9 })
  const lengths = fc.oneof(fc.nat(300), fc.constantFrom(0xffffffff, 0x7fffffff, 0x40000, 35000))
  return fc.oneof(
    place.map((at) => whole.subarray(0, at)),
    fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([at, bits]) => flipped(whole, at, bits)),
    fc
      .tuple(place, bytes)
      .map(([at, more]) => Buffer.concat([whole.subarray(0, at), more, whole.subarray(at)])),
    fc
      .tuple(place, fc.nat(40))
      .map(([at, less]) => Buffer.concat([whole.subarray(0, at), whole.subarray(at + less)])),
    fc.tuple(fc.nat(whole.length - 4), lengths).map(([at, length]) => {
      return Buffer.concat([whole.subarray(0, at), uint32(length), whole.subarray(at + 4)])
    }),
  )
}

/** `whole`, damaged once to three times: cut, bits flipped, bytes put in or taken out, lengths forged. */
export function damaged(whole: Buffer): fc.Arbitrary<Buffer> {
  return fc.oneof(
    damage(whole),
    damage(whole).chain(damage),
    damage(whole).chain(damage).chain(damage),
  )
}

/** Holds `parse` to throwing nothing but a TrustError, whatever is done to `wholes`. */
export function throwsOnlyTrustErrors(
  wholes: readonly Buffer[],
  parse: (bytes: Buffer) => unknown,
  numRuns = 400,
): void {
  const attempt = (bytes: Buffer): void => {
    try {
      parse(bytes)
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
    }
  }
  for (const whole of wholes) truncations(whole).forEach(attempt)
  fc.assert(fc.property(fc.constantFrom(...wholes).chain(damaged), attempt), { numRuns })
}
