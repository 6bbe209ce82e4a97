/**
 * Public keys as people have them: a line of OpenSSH with or without authorized_keys options
 * (sshd(8), AUTHORIZED_KEYS FILE FORMAT), RFC 4716, and PEM with SPKI (RFC 5280 §4.1.2.7) or PKCS#1
 * (RFC 8017 appendix A.1.1) in it. Read whichever it is, and written in each.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { TrustError } from '../errors'
import { isCertificateType } from './certificate'
import {
  decodePublicKey,
  encodePublicKey,
  parsePublicKey,
  requireRsaSize,
  unsupportedType,
  typeOfBlob,
  type PublicKey,
} from './public-key'

/** Longest text that is looked at; an RSA key of 16384 bits has 3 KB. */
const MAX_TEXT = 64 * 1024

export type PublicKeyFormat = 'openssh' | 'rfc4716' | 'spki' | 'pkcs1'

export interface PublicKeyFile extends PublicKey {
  format: PublicKeyFormat
  /** Options of an authorized_keys line, as they stand there: `restrict`, `from="10.0.0.0/8"`. */
  options: readonly string[]
  /** Headers of RFC 4716 by their tags in lower case: `comment`, `subject`, `x-…`. */
  headers: ReadonlyMap<string, string>
}

/**
 * The one public key in `text`, in whatever format.
 *
 * @throws TrustError `key-empty`, `key-unreadable`, `key-type-unsupported`, `key-too-small`
 */
export function parsePublicKeyText(text: string): PublicKeyFile {
  if (text.length > MAX_TEXT) throw unreadable('This is too long for a public key.')
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((line) => line.trimEnd())
  const used = lines.filter((line) => line !== '' && !/^\s*#/.test(line))
  const first = used[0]?.trimStart()
  if (first === undefined) throw new TrustError('key-empty', 'There is no public key.')
  try {
    if (first.startsWith('-----BEGIN ')) return parsePem(used)
    if (first.startsWith('---- ')) return parseRfc4716(used)
    if (used.length > 1 && !first.startsWith('PuTTY-User-Key-File-')) {
      throw unreadable(`There are ${used.length} lines where one public key is expected.`, {
        hint: 'A public key of OpenSSH is one line: type, base64, comment. If it was broken when it was copied, join it again.',
      })
    }
    return parseLine(first)
  } catch (error) {
    if (!(error instanceof TrustError) || error.code !== 'malformed') throw error
    throw unreadable('The public key is cut short or damaged.', {
      hint: 'Copy it again, the whole of it.',
      cause: error,
    })
  }
}

function unreadable(message: string, details: { hint?: string; cause?: unknown } = {}): TrustError {
  return new TrustError('key-unreadable', message, details)
}

function privateKeyGiven(): TrustError {
  return unreadable('This is a private key; a public key is needed.', {
    hint: 'Its public key: ssh-keygen -y -f FILE, or for a .ppk file puttygen FILE -L. If the private key was seen by others here, replace it.',
  })
}

/** sshd(8): options first, if any; they have blanks in double quotes only. */
function parseLine(line: string): PublicKeyFile {
  if (line.startsWith('PuTTY-User-Key-File-')) throw privateKeyGiven()
  const { options, key } = isTypeName(line.split(/[ \t]/, 1)[0] ?? '')
    ? { options: [], key: line }
    : splitOptions(line)
  const [type = '', base64] = key.split(/[ \t]+/)
  if (isCertificateType(type)) {
    throw unreadable('This is a certificate; a plain public key is needed.', {
      hint: 'It is the file without -cert in its name.',
    })
  }
  if (isTypeName(type) && base64 === undefined) {
    throw unreadable(`There is no key after ${type}.`)
  }
  return { ...parsePublicKey(key), format: 'openssh', options, headers: new Map() }
}

/** Looks like the name of a key type (RFC 4253 §6.6, RFC 5656, and OpenSSH's own); no option does. */
function isTypeName(word: string): boolean {
  return /^(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+$/.test(word)
}

function splitOptions(line: string): { options: string[]; key: string } {
  const options: string[] = []
  let quoted = false
  let start = 0
  let end = 0
  for (; end < line.length && (quoted || !/[ \t]/.test(line.charAt(end))); end += 1) {
    const char = line.charAt(end)
    if (char === '\\' && line.charAt(end + 1) === '"') end += 1
    else if (char === '"') quoted = !quoted
    else if (char === ',' && !quoted) {
      options.push(line.slice(start, end))
      start = end + 1
    }
  }
  options.push(line.slice(start, end))
  if (quoted) throw unreadable('The options before the key have a quote that does not end.')
  const key = line.slice(end).trimStart()
  if (key === '' || !options.every((option) => /^[A-Za-z0-9-]+(?:=".*")?$/.test(option))) {
    throw unreadable('This is not a public key: it begins with no key type that is known.', {
      hint: 'Give the line of the .pub file (ssh-ed25519 AAAA…), an RFC 4716 file, or PEM. Options before it are those of authorized_keys; a line of known_hosts needs its host names taken off.',
    })
  }
  return { options, key }
}

/** RFC 4716 §3.2; `ssh-keygen -i` is as lax about the blanks. */
const RFC4716_BEGIN = '---- BEGIN SSH2 PUBLIC KEY ----'
const RFC4716_END = '---- END SSH2 PUBLIC KEY ----'
/** RFC 4716 §3.3, in bytes. */
const MAX_TAG = 64
const MAX_VALUE = 1024
const MAX_LINE = 72

function parseRfc4716(lines: readonly string[]): PublicKeyFile {
  const begin = lines[0]?.trim() ?? ''
  const rest = lines.slice(1)
  if (begin !== RFC4716_BEGIN) {
    if (begin.includes('PRIVATE KEY')) throw privateKeyGiven()
    throw unreadable(`This does not begin with ${RFC4716_BEGIN}.`)
  }
  const end = rest.findIndex((line) => line.trim() === RFC4716_END)
  if (end < 0) throw endMissing(RFC4716_END)
  if (end !== rest.length - 1) throw textAfterEnd()
  const { headers, body } = readHeaders(rest.slice(0, end))
  const blob = decodeBase64(body.map((line) => line.trim()).join(''))
  const comment = unquoted(headers.get('comment') ?? '')
  return { ...publicKeyOf(blob, comment), format: 'rfc4716', options: [], headers }
}

/** RFC 4716 §3.3: `tag: value` until a line has no colon; a backslash continues a line. */
function readHeaders(lines: readonly string[]): { headers: Map<string, string>; body: string[] } {
  const headers = new Map<string, string>()
  let next = 0
  while (next < lines.length && lines[next]?.includes(':') === true) {
    let line = ''
    let more = true
    while (more) {
      const part = lines[next] ?? ''
      next += 1
      more = part.endsWith('\\') && next < lines.length
      line += more ? part.slice(0, -1) : part
    }
    const colon = line.indexOf(':')
    const tag = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (tag === '' || tag.length > MAX_TAG || Buffer.byteLength(value) > MAX_VALUE) {
      throw unreadable(
        `A header of the key has a tag of more than ${MAX_TAG} or a value of more than ${MAX_VALUE} bytes.`,
      )
    }
    headers.set(tag, value)
  }
  return { headers, body: lines.slice(next) }
}

/** RFC 4716 §3.3.2: quotes around a comment are no part of it. PuTTY escapes those inside. */
function unquoted(comment: string): string {
  return /^".*"$/.test(comment) ? comment.slice(1, -1).replace(/\\(["\\])/g, '$1') : comment
}

function endMissing(end: string): TrustError {
  return unreadable(`The line ${end} is missing.`, {
    hint: 'The key was cut short when it was copied. Copy the whole file.',
  })
}

function textAfterEnd(): TrustError {
  return unreadable('There is more after the END line; one public key is expected.')
}

function decodeBase64(body: string): Buffer {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) {
    throw unreadable('What stands between BEGIN and END is not base64.', {
      hint: 'Copy the file again as it is.',
    })
  }
  return Buffer.from(body, 'base64')
}

function publicKeyOf(blob: Buffer, comment: string): PublicKey {
  if (isCertificateType(typeOfBlob(blob))) {
    throw unreadable('This is a certificate; a plain public key is needed.')
  }
  const { type } = decodePublicKey(blob)
  if (type === 'ssh-rsa') requireRsaSize(blob)
  return { type, blob, comment }
}

const PEM_TYPES: ReadonlyMap<string, 'spki' | 'pkcs1'> = new Map([
  ['PUBLIC KEY', 'spki'],
  ['RSA PUBLIC KEY', 'pkcs1'],
])

function parsePem(lines: readonly string[]): PublicKeyFile {
  const [begin = '', ...rest] = lines.map((line) => line.trim())
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----$/.exec(begin)?.[1]
  if (label === undefined) throw unreadable('The line -----BEGIN …----- is damaged.')
  if (/PRIVATE KEY/.test(label)) throw privateKeyGiven()
  if (label === 'DSA PUBLIC KEY') throw unsupportedType('ssh-dss')
  const format = PEM_TYPES.get(label)
  if (format === undefined) {
    throw unreadable(`This is a ${label.toLowerCase()}, not a public key of SSH.`)
  }
  const end = rest.indexOf(`-----END ${label}-----`)
  if (end < 0) throw endMissing(`-----END ${label}-----`)
  if (end !== rest.length - 1) throw textAfterEnd()
  const der = decodeBase64(rest.slice(0, end).join(''))
  const { blob } = encodePublicKey(readDer(der, format))
  return { ...publicKeyOf(blob, ''), format, options: [], headers: new Map() }
}

function readDer(der: Buffer, type: 'spki' | 'pkcs1'): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey({ key: der, format: 'der', type })
  } catch (cause) {
    throw unreadable('The public key is cut short or damaged, or of a kind that is not known.', {
      hint: 'Try it with: openssl pkey -pubin -noout -text -in FILE.',
      cause,
    })
  }
  const kind = key.asymmetricKeyType ?? 'unknown'
  if (kind === 'dsa') throw unsupportedType('ssh-dss')
  if (kind === 'ec') {
    const curve = key.asymmetricKeyDetails?.namedCurve ?? 'unknown'
    if (!['prime256v1', 'secp384r1', 'secp521r1'].includes(curve)) throw unsupportedType(curve)
  } else if (kind !== 'ed25519' && kind !== 'rsa') {
    throw unsupportedType(kind)
  }
  if (derLength(der) !== der.length) throw unreadable('There are bytes too many after the key.')
  return key
}

/** The length of the SEQUENCE that `der` is, with its head (ITU-T X.690 §8.1.3). */
function derLength(der: Buffer): number {
  const short = der[1] ?? 0
  if (short < 0x80) return 2 + short
  const bytes = short & 0x7f
  return bytes < 1 || bytes > 4 || der.length < 2 + bytes ? 0 : 2 + bytes + der.readUIntBE(2, bytes)
}

/**
 * A key in wire format as RFC 4716 has it, with a Comment header if there is one. A comment is cut
 * to what fits its line: RFC 4716 §3.3 would have it continued, and PuTTY can't read that.
 */
export function formatRfc4716(blob: Buffer, comment = ''): string {
  const header = comment === '' ? [] : [commentHeader(comment.replace(/[\r\n]+/g, ' '))]
  const body = blob.toString('base64').match(/.{1,70}/g) ?? [] // as many columns as ssh-keygen
  return [RFC4716_BEGIN, ...header, ...body, RFC4716_END, ''].join('\n')
}

function commentHeader(comment: string): string {
  let header = 'Comment: "'
  for (const char of comment) {
    if (Buffer.byteLength(header + char) >= MAX_LINE) break // the second quote has to go in
    header += char
  }
  return `${header}"`
}

/** A key in wire format as PEM, SubjectPublicKeyInfo (`BEGIN PUBLIC KEY`). */
export function formatSpki(blob: Buffer): string {
  return decodePublicKey(blob).key.export({ format: 'pem', type: 'spki' }).toString()
}

/**
 * A key in wire format as PEM, PKCS#1 (`BEGIN RSA PUBLIC KEY`).
 *
 * @throws TrustError `key-type-unsupported` (PKCS#1 is for RSA alone)
 */
export function formatPkcs1(blob: Buffer): string {
  const { type, key } = decodePublicKey(blob)
  if (type !== 'ssh-rsa') {
    throw new TrustError('key-type-unsupported', `PKCS#1 holds RSA keys only, not ${type}.`, {
      hint: 'Use SPKI (BEGIN PUBLIC KEY) for it.',
    })
  }
  return key.export({ format: 'pem', type: 'pkcs1' }).toString()
}
