/**
 * Private keys as text, the way people paste them into a secret: in any of the formats, one or many,
 * with what copying does to them. What is certain is repaired, and told; what is not is named.
 */
import { TrustError } from '../errors'
import { certificateOnLine } from './certificate'
import { decodeOpenSshKey, isEncryptedOpenSshKey } from './openssh-key'
import { decodePemKey, isEncryptedPem, type PemBlock } from './pem-key'
import type { PrivateKey } from './private-key'
import { isKeyType, unsupportedType } from './public-key'
import { decodePuttyKey, isEncryptedPuttyKey } from './putty-key'

/** Largest text that is looked at: some sixty RSA-4096 keys; GitHub's own limit for a secret is 48 KB. */
const MAX_TEXT = 256 * 1024
/** Each encrypted key may cost seconds. */
const MAX_KEYS = 64

export interface KeyText {
  keys: PrivateKey[]
  /** Certificates that stand beside the keys, in wire format. */
  certificates: Buffer[]
  /** What was repaired, in words. */
  repairs: string[]
}

type Segment =
  | { format: 'pem'; block: PemBlock }
  | { format: 'putty'; text: string }
  | { format: 'certificate'; blob: Buffer }
  | { format: 'public' }

/**
 * All private keys in `text`, in their order.
 *
 * @param passphrases one for all, or one for each encrypted key, in their order
 * @throws TrustError `key-empty`, `key-is-public`, `key-unreadable`, `key-encrypted`,
 *   `key-passphrase-wrong`, `key-type-unsupported`, `key-too-small`, `platform-unsupported`,
 *   `input-invalid` (not as many passphrases as encrypted keys)
 */
export function parsePrivateKeys(text: string, passphrases: readonly string[] = []): KeyText {
  if (text.length > MAX_TEXT) {
    const message = `This is too long for private keys (${text.length} characters).`
    throw new TrustError('key-unreadable', message)
  }
  if (text.trim() === '') {
    throw new TrustError('key-empty', 'There is no key: the value is empty.')
  }
  const repairs: string[] = []
  const segments = split(repair(text, repairs), repairs)
  const secret = segments.filter(({ format }) => format === 'pem' || format === 'putty')
  if (secret.length === 0) throw notAKey(text, segments)
  if (segments.some(({ format }) => format === 'public')) {
    repairs.push('a public key beside the private one was left out')
  }
  return {
    keys: decodeAll(secret, passphrases),
    certificates: segments.flatMap((segment) =>
      segment.format === 'certificate' ? [segment.blob] : [],
    ),
    repairs,
  }
}

/** Decodes each key, and says which one an error is about where there are several. */
function decodeAll(segments: readonly Segment[], passphrases: readonly string[]): PrivateKey[] {
  if (segments.length > MAX_KEYS) {
    const message = `These are ${segments.length} keys; ${MAX_KEYS} are the most.`
    throw new TrustError('key-unreadable', message)
  }
  const encrypted = segments.filter(isEncrypted)
  if (passphrases.length > 1 && passphrases.length !== encrypted.length) {
    const counts = `${passphrases.length} passphrases, and ${encrypted.length} encrypted keys`
    throw new TrustError('input-invalid', `There are ${counts}.`, {
      input: 'passphrase',
      hint: 'Give one passphrase for all, or one a line for each encrypted key, in their order.',
    })
  }
  return segments.map((segment, index) => {
    const own = passphrases.length > 1 ? passphrases[encrypted.indexOf(segment)] : passphrases[0]
    try {
      return decode(segment, own)
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      const { code, hint, cause } = error
      const which = segments.length === 1 ? '' : `Key ${index + 1} of ${segments.length}: `
      // What stands where a name should may be a piece of the key.
      const message = error.message.replace(/[A-Za-z0-9+/=]{16,}/g, '…')
      const details = { cause, ...(hint === undefined ? {} : { hint }) }
      throw new TrustError(code, `${which}${message}`, details)
    }
  })
}

function isEncrypted(segment: Segment): boolean {
  if (segment.format === 'putty') return isEncryptedPuttyKey(segment.text)
  if (segment.format !== 'pem') return false
  const { block } = segment
  return block.label === 'OPENSSH PRIVATE KEY'
    ? isEncryptedOpenSshKey(Buffer.from(block.body, 'base64'))
    : isEncryptedPem(block)
}

function decode(segment: Segment, passphrase: string | undefined): PrivateKey {
  if (segment.format === 'putty') return decodePuttyKey(segment.text, passphrase)
  if (segment.format !== 'pem') throw new Error('not a private key')
  const { block } = segment
  requirePrivateKey(block)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(block.body)) {
    const message = `What stands between BEGIN and END ${block.label} is not base64.`
    throw new TrustError('key-unreadable', message, {
      hint: 'Paste the file again as it is; nothing may be added, replaced or left out.',
    })
  }
  return block.label === 'OPENSSH PRIVATE KEY'
    ? decodeOpenSshKey(Buffer.from(block.body, 'base64'), passphrase)
    : decodePemKey(block, passphrase)
}

function requirePrivateKey({ label }: PemBlock): void {
  if (/^PGP /.test(label)) {
    throw new TrustError('key-unreadable', 'This is a PGP key; SSH has keys of its own.', {
      hint: 'Make an SSH key: ssh-keygen -t ed25519.',
    })
  }
  if (label === 'DSA PRIVATE KEY') throw unsupportedType('ssh-dss')
  if (!/PRIVATE KEY$/.test(label)) {
    throw new TrustError('key-unreadable', `This is no private key: it says BEGIN ${label}.`)
  }
}

// --- repairs ---------------------------------------------------------------------------------

const MARKS = /-----BEGIN |-----END |---- BEGIN SSH2 |PuTTY-User-Key-File-/

/** Undoes what copying and secret stores do to a text as a whole. */
function repair(text: string, repairs: string[]): string {
  const step = (before: string, after: string, told: string): string => {
    if (after !== before) repairs.push(told)
    return after
  }
  const unwrap = (before: string): string =>
    unquote(step(before, before.replace(/^\uFEFF/, ''), 'a byte order mark was taken off'), step)
  let now = unwrap(text)
  if (!MARKS.test(now)) {
    const decoded = decodeWhole(now)
    if (decoded !== undefined && MARKS.test(decoded)) {
      now = unwrap(step(now, decoded, 'the whole was base64, and was decoded once'))
    }
  }
  now = step(now, withNewlines(now), 'literal \\n were turned into line ends')
  now = step(now, now.replace(/\r\n|\r/g, '\n'), 'line ends of Windows or old Macs were changed')
  now = step(now, unfold(now), 'line ends around BEGIN and END were put back')
  if (!now.endsWith('\n')) now = step(now, `${now}\n`, 'the last line end was put back')
  return now
}

function unquote(text: string, step: (b: string, a: string, told: string) => string): string {
  const inner = /^\s*(["'])([\s\S]*)\1\s*$/.exec(text)?.[2]
  return inner === undefined ? text : step(text, inner, 'quotes around it were taken off')
}

/** The text that `text` is the base64 of, if it is base64. */
function decodeWhole(text: string): string | undefined {
  const compact = text.replace(/\s+/g, '')
  if (!/^[A-Za-z0-9+/]{40,}={0,2}$/.test(compact)) return undefined
  return Buffer.from(compact, 'base64').toString('utf8')
}

/** `\n` written out, as JSON and some secret stores leave it. */
function withNewlines(text: string): string {
  const writtenOut = /-----BEGIN [A-Z0-9 ]+-----\s*\\[rn]/.test(text) || !text.trim().includes('\n')
  return writtenOut ? text.replace(/(\\r)?\\n|\\r/g, '\n') : text
}

/** A PEM block of one line, or with its BEGIN or END on a line with something else. */
function unfold(text: string): string {
  return text
    .replace(/(-----(?:BEGIN|END) [A-Z0-9 ]+-----)[ \t]*(?=\S)/g, '$1\n')
    .replace(/(\S)[ \t]*(-----(?:BEGIN|END) [A-Z0-9 ]+-----)/g, '$1\n$2')
    .replace(/^[ \t]*(Proc-Type: \S+)[ \t]+(DEK-Info: \S+)[ \t]*/gm, '$1\n$2\n\n')
    .replace(/^[ \t]*(DEK-Info: \S+)[ \t]+(?=\S)/gm, '$1\n\n')
}

// --- segments --------------------------------------------------------------------------------

/** The keys in a repaired text, and notes on what else is in it. */
function split(text: string, repairs: string[]): Segment[] {
  const lines = text.split('\n')
  const segments: Segment[] = []
  let indented = false
  let spaced = false
  let strange = false
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? ''
    const bare = line.trim()
    if (bare === '') continue
    const label = /^-----BEGIN ([A-Z0-9 ]+)-----$/.exec(bare)?.[1]
    if (label !== undefined) {
      const end = endOf(lines, i, label)
      const block = readPem(label, lines.slice(i + 1, end))
      indented ||= lines.slice(i, end + 1).some((each) => /^[ \t]/.test(each))
      spaced ||= lines.slice(i + 1, end).some(hasBlanksInBase64)
      if (/PUBLIC KEY$/.test(label)) segments.push({ format: 'public' })
      // openssl ecparam -genkey writes the curve's name first, in a block of its own.
      else if (label !== 'EC PARAMETERS') segments.push({ format: 'pem', block })
      i = end
    } else if (bare.startsWith('PuTTY-User-Key-File-')) {
      const count = puttyLines(lines.slice(i))
      // Indentation alone may go: blanks of the comment are in the file's MAC.
      const own = lines.slice(i, i + count).map((each) => each.replace(/^[ \t]+/, ''))
      indented ||= own.some((each, index) => each !== lines[i + index])
      segments.push({ format: 'putty', text: own.join('\n') })
      i += count - 1
    } else if (bare.startsWith('---- BEGIN SSH2 ')) {
      if (bare.includes('PRIVATE')) throw ssh2PrivateKey()
      segments.push({ format: 'public' })
      while (i < lines.length - 1 && !MARKS.test(lines[i + 1] ?? '')) {
        i += 1
        if ((lines[i] ?? '').trim().startsWith('---- END')) break
      }
    } else if (bare.startsWith('-----END ')) {
      // Of a damaged line nothing is shown: it may have the key on it.
      const shown = /^-----END [A-Z0-9 ]+-----$/.test(bare) ? bare : '-----END …'
      throw new TrustError('key-unreadable', `There is a line ${shown} without its BEGIN line.`, {
        hint: 'Paste the whole file, from BEGIN to END.',
      })
    } else {
      const segment = publicLine(bare)
      if (segment === undefined) strange = true
      else segments.push(segment)
    }
  }
  if (indented) repairs.push('indentation was taken off')
  if (spaced) repairs.push('blanks inside of a key were taken out')
  if (strange && segments.length > 0) repairs.push('text outside of the keys was left out')
  return segments
}

function endOf(lines: readonly string[], start: number, label: string): number {
  for (let i = start + 1; i < lines.length; i += 1) {
    const line = (lines[i] ?? '').trim()
    if (line === `-----END ${label}-----`) return i
    if (line.startsWith('-----BEGIN ')) break
  }
  throw new TrustError('key-unreadable', `The line -----END ${label}----- is missing.`, {
    hint: 'The key was cut short when it was copied. Paste the whole file, from BEGIN to END.',
  })
}

const PEM_HEADER = /^[A-Za-z0-9-]+: /

function readPem(label: string, content: readonly string[]): PemBlock {
  const lines = content.map((line) => line.trim())
  const headers = lines.filter((line) => PEM_HEADER.test(line))
  const body = lines.filter((line) => !PEM_HEADER.test(line))
  return { label, headers, body: body.join('').replace(/[ \t]+/g, '') }
}

function hasBlanksInBase64(line: string): boolean {
  return !PEM_HEADER.test(line.trim()) && /[ \t]/.test(line.trim())
}

/** How many lines a PuTTY file has: up to its last, Private-MAC. */
function puttyLines(lines: readonly string[]): number {
  const last = lines.findIndex((line) => line.trim().startsWith('Private-MAC:'))
  return last < 0 ? lines.length : last + 1
}

function publicLine(line: string): Segment | undefined {
  const blob = certificateOnLine(line)
  if (blob !== undefined) return { format: 'certificate', blob }
  const words = line.split(/[ \t]+/)
  const isKey = (name: string): boolean =>
    isKeyType(name) || name === 'ssh-dss' || name.startsWith('sk-')
  // Options of authorized_keys, or host names of known_hosts, may stand before it.
  const known = words.some(
    (word, i) => isKey(word) && (i === 0 || words[i + 1]?.startsWith('AAAA')),
  )
  return known ? { format: 'public' } : undefined
}

// --- defects ---------------------------------------------------------------------------------

function notAKey(text: string, segments: readonly Segment[]): TrustError {
  if (segments.some(({ format }) => format === 'public')) return publicKeyGiven()
  if (segments.some(({ format }) => format === 'certificate')) {
    return new TrustError(
      'key-is-public',
      'This is a certificate; its private key is needed beside it.',
      {
        hint: 'Paste the private key (the file without -cert.pub) before it.',
      },
    )
  }
  const twice = decodeWhole(decodeWhole(text) ?? '') ?? ''
  if (MARKS.test(twice)) {
    return new TrustError('key-unreadable', 'This is base64 of base64; only one is undone.', {
      hint: 'Encode the file once, or paste it as it is.',
    })
  }
  if (/^[A-Za-z0-9+/=\s]{64,}$/.test(text.trim())) {
    return new TrustError(
      'key-unreadable',
      'This looks like the inside of a key without its BEGIN and END lines.',
      {
        hint: 'Paste the whole file, with the lines -----BEGIN … PRIVATE KEY----- and -----END … PRIVATE KEY-----.',
      },
    )
  }
  return new TrustError(
    'key-unreadable',
    'This is not a private key: it has no line -----BEGIN … PRIVATE KEY-----.',
    {
      hint: 'Paste the whole private key file (for example ~/.ssh/id_ed25519), with its BEGIN and END lines.',
    },
  )
}

function publicKeyGiven(): TrustError {
  return new TrustError('key-is-public', 'This is a public key; a private key is needed.', {
    hint: 'The private key is the file without .pub; it begins with -----BEGIN. The public key belongs into authorized_keys on the server.',
  })
}

function ssh2PrivateKey(): TrustError {
  return new TrustError(
    'key-unreadable',
    'This is a private key of SSH Communications’ own format, which is not read.',
    {
      hint: 'Convert it where it was made: ssh-keygen-g3 --export-private-key, or load it into PuTTYgen and export it as OpenSSH.',
    },
  )
}
