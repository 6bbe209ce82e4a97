/**
 * Makes OpenSSH user certificates, version 01 (OpenSSH's PROTOCOL.certkeys), with the key of a
 * certificate authority. What sshd would refuse later, and tell the user nothing, is refused here.
 */
import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { TrustError } from '../errors'
import { certificateType } from './certificate'
import type { PrivateKey } from './private-key'
import { decodePublicKey, requireRsaSize } from './public-key'
import { makeSignature } from './signature'
import { Reader, string, uint32, uint64 } from './wire'

/** PROTOCOL.certkeys: SSH_CERT_TYPE_USER. */
const USER = 1

/** OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS. */
const MAX_PRINCIPALS = 256

/** As long as what `parseCertificate` reads. */
const MAX_TEXT = 4096

/** As many random bytes as ssh-keygen takes; they keep the authority from signing what others chose. */
const NONCE_BYTES = 32

/** PROTOCOL.certkeys, "Critical options", those with a value. */
export const CRITICAL_OPTIONS = ['force-command', 'source-address'] as const

/** PROTOCOL.certkeys, "Extensions". */
export const EXTENSIONS = [
  'no-touch-required',
  'permit-X11-forwarding',
  'permit-agent-forwarding',
  'permit-port-forwarding',
  'permit-pty',
  'permit-user-rc',
] as const

export type CriticalOption = (typeof CRITICAL_OPTIONS)[number]
export type Extension = (typeof EXTENSIONS)[number]

export interface CertificateOptions {
  /** The key to certify: plain, in wire format. */
  key: Buffer
  authority: PrivateKey
  /** What sshd logs at each login. */
  keyId: string
  /** The accounts (or names of AuthorizedPrincipalsFile) that it is for: at least one. */
  principals: readonly string[]
  /** Seconds since 1970; it is valid from here on, … */
  validAfter: bigint
  /** … and until just before. */
  validBefore: bigint
  /** 0 (none) if left out. */
  serial?: bigint
  criticalOptions?: Readonly<Partial<Record<CriticalOption, string>>>
  /** None if left out: no terminal, no forwarding. */
  extensions?: readonly Extension[]
}

/**
 * A certificate in wire format; `formatPublicKey` makes the line of a `-cert.pub` file of it.
 *
 * @throws TrustError `input-invalid`, `key-type-unsupported`, `key-too-small`, `malformed`
 */
export function signCertificate(options: CertificateOptions): Buffer {
  const { key, authority, keyId, principals, validAfter, validBefore } = options
  const { serial = 0n, criticalOptions = {}, extensions = [] } = options
  const { type } = decodePublicKey(key)
  if (type === 'ssh-rsa') requireRsaSize(key)
  requireText('key id', keyId)
  if (principals.length === 0 || principals.length > MAX_PRINCIPALS) {
    throw invalid(`A certificate needs 1 to ${MAX_PRINCIPALS} principals.`, {
      hint: 'Name the accounts that it is for. One without principals would be good for every account, or for none, as the version of sshd has it.',
    })
  }
  for (const principal of principals) {
    requireText('principal', principal)
    // ssh-keygen parts names at commas, and so do sshd's lists of principals.
    if (principal.includes(',')) {
      throw invalid(`The principal ${JSON.stringify(principal)} has a comma in it.`)
    }
  }
  for (const number of [serial, validAfter, validBefore]) requireUint64(number)
  if (validAfter >= validBefore) {
    throw invalid('The certificate would end before it begins.')
  }
  const reader = new Reader(key)
  reader.string() // the type, which the certificate has with its suffix
  const signed = Buffer.concat([
    string(certificateType(type)),
    string(randomBytes(NONCE_BYTES)),
    reader.rest(),
    uint64(serial),
    uint32(USER),
    string(keyId),
    string(Buffer.concat(principals.map((principal) => string(principal)))),
    uint64(validAfter),
    uint64(validBefore),
    string(writeCritical(criticalOptions)),
    string(writeExtensions(extensions)),
    string(''), // reserved
    string(authority.publicKey),
  ])
  // RSA: rsa-sha2-512, as ssh-keygen; sshd's CASignatureAlgorithms has no SHA-1.
  const signature = makeSignature(authority.type, authority.key, signed, 'sha512')
  return Buffer.concat([signed, string(signature)])
}

function invalid(message: string, details: { hint?: string } = {}): TrustError {
  return new TrustError('input-invalid', message, details)
}

/** sshd reads texts up to a zero byte, and refuses a certificate with one inside. */
function requireText(what: string, text: string): void {
  if (text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= MAX_TEXT) return
  throw invalid(`A ${what} of a certificate has 1 to ${MAX_TEXT} bytes, and no zero byte.`)
}

function requireUint64(number: bigint): void {
  if (number >= 0n && number < 1n << 64n) return
  throw invalid(`${number.toString()} is no number that a certificate can hold.`)
}

/** Both lists are ordered by name, by its bytes, and have each name once (PROTOCOL.certkeys). */
function writeCritical(options: Readonly<Partial<Record<CriticalOption, string>>>): Buffer {
  const present = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))
  return Buffer.concat(
    present.map(([name, value]) => {
      if (!(CRITICAL_OPTIONS as readonly string[]).includes(name)) {
        // sshd refuses a certificate with a critical option that it does not know.
        throw invalid(`${JSON.stringify(name)} is no critical option of a user certificate.`, {
          hint: `There are ${CRITICAL_OPTIONS.join(' and ')}.`,
        })
      }
      requireText(name, value)
      if (name === 'source-address') requireAddresses(value)
      return Buffer.concat([string(name), string(string(value))])
    }),
  )
}

function writeExtensions(extensions: readonly string[]): Buffer {
  const known: readonly string[] = EXTENSIONS
  const present = [...new Set(extensions)].sort((a, b) => (a < b ? -1 : 1))
  return Buffer.concat(
    present.map((name) => {
      if (!known.includes(name)) {
        throw invalid(`${JSON.stringify(name)} is no extension of a certificate.`, {
          hint: `There are ${known.join(', ')}.`,
        })
      }
      return Buffer.concat([string(name), string('')])
    }),
  )
}

/** sshd refuses the whole certificate where one entry is no address or CIDR block without host bits. */
function requireAddresses(list: string): void {
  for (const entry of list.split(',')) {
    const [address = '', length, ...more] = entry.split('/')
    const bits = isIP(address) === 4 ? 32 : 128
    const wrong = isIP(address) === 0 || address.includes('%') || more.length > 0
    if (wrong || (length !== undefined && !(/^\d{1,3}$/.test(length) && Number(length) <= bits))) {
      throw invalid(`source-address: ${JSON.stringify(entry)} is no address or CIDR block.`, {
        hint: 'Separate several with commas, without blanks: 192.0.2.0/24,2001:db8::/32.',
      })
    }
    const hostBits = BigInt(bits - Number(length ?? bits))
    if (addressNumber(address) % (1n << hostBits) !== 0n) {
      throw invalid(`source-address: ${entry} has bits set after its first ${length ?? ''}.`, {
        hint: 'sshd refuses that. Give the first address of the block: 10.0.0.0/8, not 10.1.2.3/8.',
      })
    }
  }
}

function addressNumber(address: string): bigint {
  if (isIP(address) === 4) {
    return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
  }
  // URLs are written with the address in its canonical form: groups in hexadecimal, at most one "::".
  const [head = '', tail] = new URL(`ssh://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text = ''): string[] => (text === '' ? [] : text.split(':'))
  const before = groups(head)
  const after = groups(tail)
  const zeros = new Array<string>(8 - before.length - after.length).fill('0')
  return [...before, ...zeros, ...after].reduce(
    (sum, part) => sum * 65536n + BigInt(`0x${part}`),
    0n,
  )
}
