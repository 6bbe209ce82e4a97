/**
 * Private keys in PEM: PKCS#1, SEC1 and PKCS#8 (RFC 8017 A.1.2, RFC 5915, RFC 5958), plain or
 * encrypted (RFC 1421's headers, RFC 8018's PBES2). node:crypto reads them; here is what it does not
 * do: bounding the work, and saying what is wrong.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { systemCode, TrustError } from '../errors'
import { privateKeyFrom, type PrivateKey } from './private-key'

/** What stands between a BEGIN and an END line. */
export interface PemBlock {
  /** `RSA PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`, … */
  label: string
  /** RFC 1421 headers: `Proc-Type: 4,ENCRYPTED`, `DEK-Info: …`. */
  headers: readonly string[]
  /** Base64 without white space. */
  body: string
}

/** Iterations of PBKDF2 that are worked off: some five seconds. OpenSSL writes 2,048; guides say 600,000. */
const MAX_PBKDF2 = 10_000_000
/** Cost N·r·p of scrypt: some five seconds. OpenSSL writes 2^17. */
const MAX_SCRYPT = 2 ** 24
/** OpenSSL's SCRYPT_MAX_MEM, above which it says only that something is unsupported. */
const MAX_SCRYPT_MEMORY = 32 * 1024 * 1024

export function isEncryptedPem({ label, headers }: PemBlock): boolean {
  return (
    label.startsWith('ENCRYPTED') || headers.some((line) => /^Proc-Type:.*ENCRYPTED/.test(line))
  )
}

/**
 * @param passphrase not looked at where none is needed
 * @throws TrustError `key-encrypted` (a passphrase is needed), `key-passphrase-wrong`,
 *   `key-unreadable`, `key-type-unsupported`, `key-too-small`
 */
export function decodePemKey(block: PemBlock, passphrase?: string): PrivateKey {
  const encrypted = isEncryptedPem(block)
  if (encrypted && (passphrase === undefined || passphrase === '')) {
    throw new TrustError('key-encrypted', 'The PEM key is encrypted with a passphrase.', {
      hint: 'Give its passphrase too.',
    })
  }
  requireBoundedWork(block)
  const lines = block.body.match(/.{1,64}/g) ?? []
  // OpenSSL takes no others than these two, and these as a pair.
  const headers = block.headers.filter((line) => /^(?:Proc-Type|DEK-Info): /.test(line))
  const head = headers.length === 0 ? [] : [...headers, '']
  const pem = [
    `-----BEGIN ${block.label}-----`,
    ...head,
    ...lines,
    `-----END ${block.label}-----`,
    '',
  ]
  let key: KeyObject
  try {
    key = createPrivateKey({ key: pem.join('\n'), ...(encrypted ? { passphrase } : {}) })
  } catch (error) {
    throw encrypted ? encryptedDefect(block, error) : damaged(block, error)
  }
  return privateKeyFrom(key)
}

function damaged({ label }: PemBlock, cause?: unknown): TrustError {
  const message = `The contents of the ${label} are damaged, or of a kind that is not known.`
  return new TrustError('key-unreadable', message, {
    hint: 'Try it with: ssh-keygen -y -f FILE. If that fails too, the file itself is broken.',
    cause,
  })
}

function encryptedDefect(block: PemBlock, cause: unknown): TrustError {
  const code = systemCode(cause) ?? ''
  // What a wrong passphrase decrypts to is noise: it fails in the padding, or (one in 256) as no
  // ASN.1, which is ERR_OSSL_UNSUPPORTED, of the decoder. A cipher is missing from EVP alone.
  if (/EVP_UNSUPPORTED|UNSUPPORTED_(?:CIPHER|ENCRYPTION)|UNKNOWN_(?:CIPHER|PBE)/.test(code)) {
    const message = 'The PEM key is encrypted with a cipher that OpenSSL 3 does not have any more.'
    return new TrustError('key-unreadable', message, {
      hint: 'Encrypt a copy anew: ssh-keygen -p -f COPY.',
      cause,
    })
  }
  return new TrustError('key-passphrase-wrong', 'The passphrase of the PEM key is wrong.', {
    hint: 'Try it with: ssh-keygen -y -f FILE. (A damaged file looks the same.)',
    cause,
  })
}

/** Content octets of object identifiers: PBKDF2 (RFC 8018 A.2), scrypt (RFC 7914 §7). */
const PBKDF2 = Buffer.from('2a864886f70d01050c', 'hex')
const SCRYPT = Buffer.from('2b06010401da47040b', 'hex')
/** PKCS#12's own, with iterations too (RFC 7292 appendix C): all but the last octet. */
const PKCS12 = Buffer.from('2a864886f70d010c01', 'hex')

/** Refuses a PKCS#8 whose passphrase check would take forever: its cost stands in the clear. */
function requireBoundedWork(block: PemBlock): void {
  if (block.label !== 'ENCRYPTED PRIVATE KEY') return
  const bytes = Buffer.from(block.body, 'base64')
  const numbersAfter = (oid: Buffer, more = 0): bigint[] => {
    const start = bytes.indexOf(oid)
    if (start < 0) return []
    const numbers = derIntegers(bytes.subarray(start + oid.length + more))
    // OpenSSL may read BER where this does not, so it must not get to see it.
    if (numbers === undefined) throw damaged(block)
    return numbers
  }
  const iterations = [...numbersAfter(PBKDF2), ...numbersAfter(PKCS12, 1)]
  const [n = 0n, r = 0n, p = 0n] = numbersAfter(SCRYPT)
  if (iterations.some((count) => count > MAX_PBKDF2) || n * r * p > MAX_SCRYPT) {
    const message = 'Checking the passphrase of the PEM key would take too long.'
    throw new TrustError('key-unreadable', message, {
      hint: 'Encrypt a copy with less: openssl pkcs8 -topk8 -iter 600000 -in FILE -out COPY.',
    })
  }
  // RFC 7914 §6: V of 128·r·N bytes, B of 128·r·p, and what OpenSSL needs besides.
  if (128n * r * (n + p + 2n) > MAX_SCRYPT_MEMORY) {
    const message =
      'The PEM key wants more memory for scrypt than the 32 MiB that OpenSSL gives it.'
    throw new TrustError('key-unreadable', message, {
      hint: 'Write the key anew, where it was made, with N=16384 and r=8, or in another format.',
    })
  }
}

/**
 * The integers of the parameters behind an algorithm's identifier: SEQUENCE { OCTET STRING salt,
 * INTEGER… }, in DER (X.690 §10); undefined for anything else.
 */
function derIntegers(der: Buffer): bigint[] | undefined {
  let at = 0
  /** The length of the next element, if it is of this type. */
  const enter = (tag: number): number | undefined => {
    const first = der[at + 1] ?? 0xff
    const octets = first < 0x80 ? 0 : first & 0x7f
    const start = at + 2 + octets
    if (der[at] !== tag || first === 0x80 || octets > 4 || start > der.length) return undefined
    at = start
    return octets === 0 ? first : der.readUIntBE(start - octets, octets)
  }
  const sequence = enter(0x30)
  if (sequence === undefined) return undefined
  const end = at + sequence
  const salt = enter(0x04)
  if (salt === undefined) return undefined
  at += salt
  const integers: bigint[] = []
  while (at < end && der[at] === 0x02) {
    const size = enter(0x02)
    if (size === undefined || at + size > end) return undefined
    integers.push(BigInt(`0x0${der.subarray(at, at + size).toString('hex')}`))
    at += size
  }
  return integers.length === 0 ? undefined : integers
}
