/**
 * The text of an authorized_keys file (sshd(8), AUTHORIZED_KEYS FILE FORMAT): adding a key and taking
 * it out again, byte for byte. Nothing here reads or writes files. What sshd skips (comments, blank
 * lines, lines that it does not understand) is never touched.
 */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { TrustError } from '../errors'
import { isCertificateType } from './certificate'
import { matchPattern } from './pattern'
import { fingerprint, formatPublicKey } from './public-key'
import { Reader } from './wire'

/** Longest line, sshd(8): "up to a limit of 8 kilobytes". Newer ones take longer lines. */
const MAX_LINE = 8 * 1024

/** One key of a file. */
export interface AuthorizedKey {
  /** From 1. */
  lineNumber: number
  /** As they stand there: `restrict`, `from="10.0.0.0/8"`. */
  options: readonly string[]
  /** Name of the key type, which need not be one that this project knows: `sk-ssh-ed25519@openssh.com`. */
  type: string
  /** The key in wire format. */
  blob: Buffer
  comment: string
  /** The whole line without its end, for showing. */
  text: string
}

/** An option in front of a key; `value` is without its quotes. */
export interface KeyOption {
  name: string
  value?: string
}

interface Line {
  start: number
  /** Where its newline is, or the content ends. */
  end: number
  /** Where the next line starts. */
  next: number
}

const NEWLINE = 0x0a
const RETURN = 0x0d

function splitLines(content: Buffer): Line[] {
  const lines: Line[] = []
  for (let start = 0; start < content.length;) {
    const found = content.indexOf(NEWLINE, start)
    const end = found < 0 ? content.length : found
    const next = found < 0 ? end : end + 1
    lines.push({ start, end, next })
    start = next
  }
  return lines
}

/** Where sshd sees UTF-8 or nothing at all, we see bytes; people see UTF-8. */
function shown(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}

/**
 * The key on one line, by sshd's grammar; undefined for a comment, a blank line, and whatever sshd
 * does not take for a key.
 */
export function parseAuthorizedKey(line: Buffer, lineNumber = 1): AuthorizedKey | undefined {
  // sshd reads lines as C strings.
  const [seen = ''] = line.toString('latin1').split('\0', 1)
  const text = seen.replace(/^[ \t]+/, '')
  if (text === '' || text.startsWith('#')) return undefined
  const plain = readKey(text)
  const found = plain === undefined ? readOptionsAndKey(text) : { ...plain, options: [] }
  if (found === undefined) return undefined
  const { options, type, blob, comment } = found
  return {
    lineNumber,
    options: options.map(shown),
    type,
    blob,
    comment: shown(comment),
    text: shown(seen.replace(/\r$/, '')),
  }
}

/** All keys of a file, in their order. */
export function parseAuthorizedKeys(content: Buffer): AuthorizedKey[] {
  return keyLines(content).map(({ key }) => key)
}

function keyLines(content: Buffer): (Line & { key: AuthorizedKey })[] {
  return splitLines(content).flatMap((line, index) => {
    const key = parseAuthorizedKey(content.subarray(line.start, line.end), index + 1)
    return key === undefined ? [] : [{ ...line, key }]
  })
}

interface Key {
  type: string
  blob: Buffer
  comment: string
}

/** `type base64 [comment]`, as OpenSSH's sshkey_read does: the type inside must be the same. */
function readKey(text: string): Key | undefined {
  const [, type, run, rest = ''] = /^([^ \t]+)[ \t]+([^ \t]+)(?:[ \t]+(.*))?$/s.exec(text) ?? []
  if (type === undefined || run === undefined) return undefined
  // OpenSSH's decoder passes over white space: in a file with CRLF the run ends with a CR.
  const base64 = run.replace(/[\r\v\f]/g, '')
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  const blob = Buffer.from(base64, 'base64')
  try {
    const reader = new Reader(blob)
    if (reader.text(64) !== type || reader.remaining === 0) return undefined
    // All plain keys are strings to their end; one that was cut short is no key for sshd.
    while (!isCertificateType(type) && reader.remaining > 0) reader.string()
  } catch {
    return undefined
  }
  return { type, blob, comment: rest.trimEnd() }
}

function readOptionsAndKey(text: string): (Key & { options: string[] }) | undefined {
  const { options, end, balanced } = splitOptions(text)
  if (!balanced) return undefined
  const key = readKey(text.slice(end).replace(/^[ \t]+/, ''))
  return key === undefined ? undefined : { ...key, options }
}

/** As OpenSSH's sshkey_advance_past_options: up to the first blank that is not in quotes. */
function splitOptions(text: string): { options: string[]; end: number; balanced: boolean } {
  const options: string[] = []
  let quoted = false
  let start = 0
  let end = 0
  for (; end < text.length && (quoted || !/[ \t]/.test(text.charAt(end))); end += 1) {
    const char = text.charAt(end)
    if (char === '\\' && text.charAt(end + 1) === '"') end += 1
    else if (char === '"') quoted = !quoted
    else if (char === ',' && !quoted) {
      options.push(text.slice(start, end))
      start = end + 1
    }
  }
  options.push(text.slice(start, end))
  return { options, end, balanced: !quoted }
}

/** Whether two keys in wire format are the same for sshd: RSA numbers may have leading zeros. */
function isSameKey(a: Buffer, b: Buffer): boolean {
  if (a.equals(b)) return true
  const [left, right] = [rsaNumbers(a), rsaNumbers(b)]
  return left !== undefined && left === right
}

function rsaNumbers(blob: Buffer): string | undefined {
  try {
    const reader = new Reader(blob)
    if (reader.text(64) !== 'ssh-rsa') return undefined
    return `${reader.mpint().toString('hex')} ${reader.mpint().toString('hex')}`
  } catch {
    return undefined
  }
}

export type Addition =
  | {
      status: 'added'
      content: Buffer
      /**
       * The file did not end with a newline and has one now, without which the key would have joined
       * the last line. To be given to `removeAuthorizedKey`: the SHA-256 of the content as it was.
       */
      newlineMended?: string
    }
  | {
      /** The key is there already: nothing was added. */
      status: 'present'
      content: Buffer
      /** The first line with this key. Its options may be others: it may be expired, or a CA. */
      existing: AuthorizedKey
    }

/**
 * Appends `line` (without newline) unless the same key is there, with whatever options. The new
 * line ends as the last one of the file does, with LF or CRLF; sshd and dropbear take both.
 *
 * @throws TrustError `input-invalid` if `line` is not the line of a key
 */
export function addAuthorizedKey(content: Buffer, line: string): Addition {
  const { blob } = requireKeyLine(line)
  const existing = parseAuthorizedKeys(content).find((key) => isSameKey(key.blob, blob))
  if (existing !== undefined) return { status: 'present', content, existing }
  const newline = lineEnd(content)
  if (content.length === 0 || content.at(-1) === NEWLINE) {
    return { status: 'added', content: Buffer.concat([content, Buffer.from(line + newline)]) }
  }
  const added = Buffer.from(newline + line + newline)
  return {
    status: 'added',
    content: Buffer.concat([content, added]),
    newlineMended: digest(content),
  }
}

function requireKeyLine(line: string): AuthorizedKey {
  const key = parseAuthorizedKey(Buffer.from(line))
  if (key === undefined || /[\r\n\0]/.test(line) || Buffer.byteLength(line) > MAX_LINE) {
    throw new TrustError('input-invalid', 'This is not a line for authorized_keys.')
  }
  return key
}

function lineEnd(content: Buffer): '\n' | '\r\n' {
  const last = content.lastIndexOf(NEWLINE)
  return last > 0 && content[last - 1] === RETURN ? '\r\n' : '\n'
}

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}

export interface Removal {
  content: Buffer
  removed: AuthorizedKey[]
  /** Lines with the same key that still stand there, because somebody has changed them. */
  left: AuthorizedKey[]
}

export interface RemovalOptions {
  /** What `addAuthorizedKey` has told. */
  newlineMended?: string | undefined
  /** Removes lines with the same key too whose options or comment are no longer ours. */
  changed?: boolean
}

/**
 * Removes the line that `addAuthorizedKey` has added, wherever it stands now; every other byte stays.
 * The newline that was mended goes too if what was there before is just as it was, and nothing follows.
 *
 * @throws TrustError `input-invalid` if `line` is not the line of a key
 */
export function removeAuthorizedKey(
  content: Buffer,
  line: string,
  { newlineMended, changed = false }: RemovalOptions = {},
): Removal {
  const { blob } = requireKeyLine(line)
  const ours = Buffer.from(line)
  const same = keyLines(content).filter(({ key }) => isSameKey(key.blob, blob))
  const isExact = ({ start, end }: Line): boolean =>
    withoutReturn(content.subarray(start, end)).equals(ours)
  const removed = changed ? same : same.filter(isExact)
  const rest = withoutLines(content, removed)
  const last = removed.at(-1)
  const wasLast = last?.next === content.length && removed.length === 1
  return {
    content: wasLast && newlineMended !== undefined ? withoutMend(rest, newlineMended) : rest,
    removed: removed.map(({ key }) => key),
    left: same.filter((one) => !removed.includes(one)).map(({ key }) => key),
  }
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}

function withoutLines(content: Buffer, lines: readonly Line[]): Buffer {
  const kept: Buffer[] = []
  let from = 0
  for (const { start, next } of lines) {
    kept.push(content.subarray(from, start))
    from = next
  }
  return Buffer.concat([...kept, content.subarray(from)])
}

/** `content` without its last newline, if that gives what was there before the newline was mended. */
function withoutMend(content: Buffer, before: string): Buffer {
  const candidates = [Buffer.from('\n'), Buffer.from('\r\n')]
    .filter((newline) => content.subarray(-newline.length).equals(newline))
    .map((newline) => content.subarray(0, content.length - newline.length))
  return candidates.find((candidate) => digest(candidate) === before) ?? content
}

/** What is to be revoked. */
export type KeyMatch =
  | { kind: 'key'; /** In wire format. */ blob: Buffer }
  | { kind: 'fingerprint'; /** `SHA256:…` */ fingerprint: string }
  | { kind: 'comment'; /** With `*` and `?`, for the whole comment. */ pattern: string }

/** Removes all keys that match any of `matches`; every other byte stays. */
export function removeKeys(
  content: Buffer,
  matches: readonly KeyMatch[],
): { content: Buffer; removed: AuthorizedKey[] } {
  const removed = keyLines(content).filter(({ key }) =>
    matches.some((match) => isMatch(key, match)),
  )
  return { content: withoutLines(content, removed), removed: removed.map(({ key }) => key) }
}

function isMatch(key: AuthorizedKey, match: KeyMatch): boolean {
  if (match.kind === 'key') return isSameKey(key.blob, match.blob)
  if (match.kind === 'comment') return matchPattern(key.comment, match.pattern)
  return fingerprint(key.blob) === match.fingerprint.replace(/=+$/, '')
}

/**
 * A line for authorized_keys, without newline.
 *
 * @throws TrustError `input-invalid` for options that sshd would refuse, and for a comment or a line
 *   that can't stand there
 */
export function formatAuthorizedKey(key: {
  options?: readonly KeyOption[]
  /** In wire format. */
  blob: Buffer
  comment?: string
}): string {
  const options = key.options ?? []
  checkOptions(options)
  const comment = key.comment ?? ''
  if (hasControls(comment)) throw invalid('The comment of a key can have no control characters.')
  const text = options.map(formatOption).join(',')
  const line = `${text}${text === '' ? '' : ' '}${formatPublicKey(key.blob, comment.trim())}`
  if (Buffer.byteLength(line) > MAX_LINE) {
    throw invalid(`A line of authorized_keys can't be longer than ${MAX_LINE} bytes.`)
  }
  return line
}

function formatOption({ name, value }: KeyOption): string {
  return value === undefined ? name : `${name}="${value.replaceAll('"', '\\"')}"`
}

function invalid(message: string, hint?: string): TrustError {
  return new TrustError('input-invalid', message, hint === undefined ? {} : { hint })
}

/** Control characters but the tab, which sshd allows between quotes. */
function hasControls(text: string): boolean {
  return /[\0-\x08\x0a-\x1f\x7f]/.test(text)
}

/** Options without value; those that begin with `no-` mean the contrary. */
const FLAGS = [
  'restrict',
  'cert-authority',
  ...[
    'agent-forwarding',
    'port-forwarding',
    'pty',
    'touch-required',
    'user-rc',
    'verify-required',
    'x11-forwarding',
  ].flatMap((name) => [name, `no-${name}`]),
]

/** Options with a value: what is wrong with one, or undefined. */
const VALUES: Readonly<Record<string, (value: string) => string | undefined>> = {
  command: (value) => (value.trim() === '' ? 'is empty' : undefined),
  environment: (value) =>
    /^[A-Za-z0-9_]+=/.test(value)
      ? undefined
      : 'is not NAME=value with a name of letters, digits, _',
  'expiry-time': (value) =>
    isTime(value) ? undefined : 'is not a time: YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]',
  from: (value) => value.split(',').map(wrongPattern).find(isText),
  permitlisten: (value) =>
    isAddress(value.includes(':') ? value : `*:${value}`) ? undefined : 'is not [host:]port',
  permitopen: (value) => (isAddress(value) ? undefined : 'is not host:port'),
  principals: (value) =>
    value.split(',').every((name) => name !== '') ? undefined : 'has an empty name in its list',
  tunnel: (value) => (/^(?:any|\d+)$/i.test(value) ? undefined : 'is neither a number nor any'),
}

/** OpenSSH refuses a line that has one of these twice. */
const ONCE = ['command', 'from', 'principals']

/**
 * Options as people write them in front of a key: `restrict,from="10.0.0.0/8"`. Quotes may be left
 * out where the value has neither comma, blank nor quote.
 *
 * @throws TrustError `input-invalid` for what sshd would not understand: it would refuse the line
 */
export function parseKeyOptions(text: string): KeyOption[] {
  const trimmed = text.trim()
  if (trimmed === '') return []
  const { options, end, balanced } = splitOptions(trimmed)
  if (!balanced) throw invalid('The options for the key have a quote that does not end.')
  if (end < trimmed.length) {
    throw invalid(
      'Options for a key have no blanks between them.',
      'Put commas between the options, and double quotes around a value with blanks.',
    )
  }
  const parsed = options.map(parseOption)
  checkOptions(parsed)
  return parsed
}

function parseOption(text: string): KeyOption {
  const equals = text.indexOf('=')
  if (equals < 0) return { name: text }
  const name = text.slice(0, equals)
  const value = text.slice(equals + 1)
  if (!value.includes('"')) return { name, value }
  if (!/^"(?:\\"|[^"])*"$/.test(value)) {
    throw invalid(
      `The value of ${name} has quotes in odd places.`,
      'Quotes stand around the whole value; one inside it is written as \\".',
    )
  }
  return { name, value: value.slice(1, -1).replaceAll('\\"', '"') }
}

function checkOptions(options: readonly KeyOption[]): void {
  const names = options.map(({ name }) => name.toLowerCase())
  for (const option of options) checkOption(option)
  const twice = ONCE.find((name) => names.filter((other) => other === name).length > 1)
  if (twice !== undefined) throw invalid(`The option ${twice} stands there twice.`)
  if (names.includes('principals') && !names.includes('cert-authority')) {
    throw invalid('The option principals is for cert-authority keys only.')
  }
}

function checkOption({ name, value }: KeyOption): void {
  const lower = name.toLowerCase()
  const isFlag = FLAGS.includes(lower)
  const check = Object.hasOwn(VALUES, lower) ? VALUES[lower] : undefined
  if (!isFlag && check === undefined) {
    throw invalid(
      `${JSON.stringify(name)} is no option of authorized_keys.`,
      `There are ${[...FLAGS, ...Object.keys(VALUES).map((known) => `${known}=`)].sort().join(', ')}.`,
    )
  }
  if (check === undefined) {
    if (value !== undefined) throw invalid(`The option ${lower} takes no value.`)
    return
  }
  if (value === undefined) throw invalid(`The option ${lower} needs a value: ${lower}="…".`)
  if (hasControls(value)) throw invalid(`The value of ${lower} has control characters in it.`)
  // sshd would take the backslash and the closing quote for a quote in the value.
  if (value.endsWith('\\')) throw invalid(`The value of ${lower} can't end with a backslash.`)
  const wrong = check(value)
  if (wrong !== undefined)
    throw invalid(`The value of ${lower} ${wrong}: ${JSON.stringify(value)}.`)
}

function isText(value: string | undefined): value is string {
  return value !== undefined
}

/** `host:port`, `[address]:port`; the port is a number, a service, or `*`. */
function isAddress(text: string): boolean {
  const [, port] = /^(?:\[[0-9A-Fa-f:.*?]+\]|[^:[\]\s]+):([^:]+)$/.exec(text) ?? []
  if (port === undefined) return false
  if (/^\d+$/.test(port)) return Number(port) >= 1 && Number(port) <= 65535
  return port === '*' || /^[a-z][a-z0-9-]*$/i.test(port)
}

/** What is wrong with one pattern of `from`. sshd lets nobody in where one of them is malformed. */
function wrongPattern(pattern: string): string | undefined {
  const text = pattern.replace(/^!/, '')
  if (text === '') return 'has an empty pattern in its list'
  if (/\s/.test(text)) return 'has a blank in a pattern'
  if (!text.includes('/')) return undefined
  const [address = '', length = ''] = text.split('/', 2)
  const bits = addressBits(address)
  if (bits === undefined || !/^\d{1,3}$/.test(length) || Number(length) > bits.length) {
    return 'has a malformed network'
  }
  return bits.slice(Number(length)).includes('1')
    ? 'has a network with bits behind its length'
    : undefined
}

function addressBits(address: string): string | undefined {
  const version = isIP(address)
  if (version === 0 || address.includes('%')) return undefined
  if (version === 4) return bitsOf(address.split('.').map(Number), 8)
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [head = '', tail] = hex.split('::', 2)
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => parseInt(group, 16))
  const [left, right] = [groups(head), groups(tail ?? '')]
  const zeros = new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0)
  return bitsOf([...left, ...zeros, ...right], 16)
}

function bitsOf(numbers: readonly number[], width: number): string {
  return numbers.map((number) => number.toString(2).padStart(width, '0')).join('')
}

/** As OpenSSH's parse_absolute_time. */
function isTime(text: string): boolean {
  const [, digits] = /^(\d{8}|\d{12}|\d{14})(?:Z|UTC)?$/i.exec(text) ?? []
  if (digits === undefined) return false
  const at = (start: number, length = 2): number => Number(digits.slice(start, start + length))
  const day = new Date(Date.UTC(at(0, 4), at(4) - 1, at(6)))
  return (
    at(0, 4) >= 1970 && // Date.UTC takes 0 to 99 for 1900 to 1999
    day.getUTCMonth() === at(4) - 1 &&
    day.getUTCDate() === at(6) &&
    at(8) < 24 &&
    at(10) < 60 &&
    at(12) < 60
  )
}

/** How `expiry-time` is written for a server. */
export type ExpiryForm =
  | 'utc'
  /** In the server's own time zone: its distance from UTC at that time, in minutes, east positive. */
  | { offset: number }

/**
 * The option `expiry-time`, whole seconds. With a `Z` it is UTC, for OpenSSH since 9.1 (2022-10-04);
 * without it is in the time zone of the server, since 7.7 (2018-04-02), when the option came.
 *
 * @throws TrustError `input-invalid` if `date` can't be written so
 */
export function expiryTime(date: Date, form: ExpiryForm): KeyOption {
  const shift = form === 'utc' ? 0 : form.offset * 60_000
  const time = new Date(date.getTime() + shift)
  if (
    Number.isNaN(time.getTime()) ||
    time.getUTCFullYear() < 1970 ||
    time.getUTCFullYear() > 9999
  ) {
    throw invalid('A key can expire between the years 1970 and 9999 only.')
  }
  const digits = time.toISOString().slice(0, 19).replace(/\D/g, '')
  return { name: 'expiry-time', value: form === 'utc' ? `${digits}Z` : digits }
}

/**
 * What a server makes of `expiry-time`, by the software that its version line names
 * (`OpenSSH_9.2p1 Debian-2`). `none`: it would refuse the whole line, as it does with an option that
 * it does not know.
 */
export function expirySupport(software: string): 'utc' | 'server-time' | 'none' | 'unknown' {
  if (/^dropbear/i.test(software)) return 'none'
  const [, major, minor] = /^OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/.exec(software) ?? []
  if (major === undefined) return 'unknown'
  const version = Number(major) * 1000 + Number(minor)
  if (version >= 9001) return 'utc'
  return version >= 7007 ? 'server-time' : 'none'
}
