/**
 * Signatures in the SSH format: `string algorithm, string blob` (RFC 4253 §6.6, RFC 5656 §3.1.2,
 * RFC 8332 §3, RFC 8709 §6). SHA-1 (`ssh-rsa` as a signature algorithm) is neither made nor accepted.
 */
import { sign, verify, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { TrustError } from '../errors'
import { CURVES, decodePublicKey, isEcdsa, rsaBits, type KeyType } from './public-key'
import { mpint, Reader, string } from './wire'

export type RsaHash = 'sha256' | 'sha512'

/** RFC 8332 §3. */
const RSA_ALGORITHMS = { sha256: 'rsa-sha2-256', sha512: 'rsa-sha2-512' } as const

/** Signs `data`; `rsaHash` is looked at for RSA keys alone. */
export function makeSignature(
  type: KeyType,
  key: KeyObject,
  data: Buffer,
  rsaHash: RsaHash,
): Buffer {
  if (type === 'ssh-ed25519') {
    return Buffer.concat([string(type), string(sign(null, data, key))])
  }
  if (isEcdsa(type)) {
    const curve = CURVES[type]
    const raw = sign(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' })
    const r = mpint(raw.subarray(0, curve.bytes))
    const s = mpint(raw.subarray(curve.bytes))
    return Buffer.concat([string(type), string(Buffer.concat([r, s]))])
  }
  return Buffer.concat([string(RSA_ALGORITHMS[rsaHash]), string(sign(rsaHash, data, key))])
}

/** An RSA signature made by a thread of its own: it takes as long as dozens of the other kinds. */
export async function makeRsaSignature(
  key: KeyObject,
  data: Buffer,
  hash: RsaHash,
): Promise<Buffer> {
  const blob = await signInThread(hash, data, key)
  return Buffer.concat([string(RSA_ALGORITHMS[hash]), string(blob)])
}

const signInThread = promisify(sign)

/** Name of the algorithm of a signature. */
export function signatureAlgorithm(signature: Buffer): string {
  return new Reader(signature).text(64)
}

/**
 * Whether `signature` is one over `data` by the plain key `blob`. False, too, for SHA-1 and for an
 * algorithm that is not the key's.
 *
 * @throws TrustError `malformed`, `key-type-unsupported`
 */
export function verifySignature(blob: Buffer, signature: Buffer, data: Buffer): boolean {
  const { type, key } = decodePublicKey(blob)
  const reader = new Reader(signature)
  const algorithm = reader.text(64)
  const bytes = reader.string(4096)
  reader.end('a signature')

  if (type === 'ssh-ed25519') return algorithm === type && verify(null, data, key, bytes)
  if (isEcdsa(type)) {
    if (algorithm !== type) return false
    const curve = CURVES[type]
    const parts = new Reader(bytes)
    const raw = Buffer.concat([
      leftPad(parts.mpint(), curve.bytes),
      leftPad(parts.mpint(), curve.bytes),
    ])
    parts.end('an ECDSA signature')
    return verify(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, raw)
  }
  const hash =
    algorithm === 'rsa-sha2-256' ? 'sha256' : algorithm === 'rsa-sha2-512' ? 'sha512' : undefined
  // RFC 8017 §8.2.2 wants the length of the modulus; some peers strip leading zeros, as OpenSSH allows.
  return hash !== undefined && verify(hash, data, key, leftPad(bytes, Math.ceil(rsaBits(blob) / 8)))
}

function leftPad(number: Buffer, length: number): Buffer {
  if (number.length > length) {
    throw new TrustError('malformed', 'A signature with a number that is too large.')
  }
  return Buffer.concat([Buffer.alloc(length - number.length), number])
}
