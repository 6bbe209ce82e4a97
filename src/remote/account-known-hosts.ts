/**
 * The text of an account's known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): what it says of a host,
 * a line put in and taken out again. Nothing here reads or writes files. What ssh skips (comments,
 * lines that it does not understand) is never touched; every other byte stays.
 */
import { TrustError } from '../errors'
import { matchKnownHostsNames } from '../ssh/known-hosts'
import { fingerprint, typeOfBlob } from '../ssh/public-key'

/** Longest row that is understood, in bytes: far beyond any key. */
const MAX_ROW = 64 * 1024

/** A line of known_hosts. */
interface KnownLine {
  /** From 1, as ssh counts. */
  lineNumber: number
  marker: string | undefined
  names: string
  blob: Buffer
  comment: string
}

/** A key that stands there for a host and is not the wanted one. */
export interface OtherKey {
  lineNumber: number
  fingerprint: string
  /** Whether it is of the wanted key's type: then one of the two is wrong. */
  sameType: boolean
}

/** What known_hosts says of a host. */
export interface KnownHostState {
  /** Whether the wanted key stands there. */
  pinned: boolean
  /** Whether with our mark. */
  ours: boolean
  others: OtherKey[]
}

/** Of a comment that we put behind a key in known_hosts. */
const MARK = 'ssh-trust:'

export function markOf(id: string): string {
  return `${MARK}${id}`
}

/** Whether `blob` is a key in wire format, of the type with that name. */
export function isKeyOfType(blob: Buffer, type: string | undefined): boolean {
  try {
    return typeOfBlob(blob) === type
  } catch {
    return false
  }
}

function parseRow(row: string, lineNumber: number): KnownLine | undefined {
  if (row.length > MAX_ROW) return undefined
  const words = row.split(/[ \t\r]+/).filter((word, index) => word !== '' || index > 0)
  const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined
  const [names = '', type, base64 = '', ...comment] = words
  if (names === '' || names.startsWith('#') || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    return undefined
  }
  const blob = Buffer.from(base64, 'base64')
  if (!isKeyOfType(blob, type)) return undefined
  return { lineNumber, marker, names, blob, comment: comment.join(' ').trim() }
}

/** Rows are taken byte for byte: each character is one. */
function rowsOf(content: Buffer): string[] {
  return content.toString('latin1').split('\n')
}

/** The lines that ssh understands, for `knownHostState`. */
export function parseKnownHosts(content: Buffer): KnownLine[] {
  return rowsOf(content).flatMap((row, index) => parseRow(row, index + 1) ?? [])
}

/**
 * What known_hosts says of a host.
 *
 * @param lines as `parseKnownHosts` gives them
 * @param name as ssh looks it up: `knownHostsName`
 * @param wanted the key that is to stand there, or the CA with its marker
 * @returns undefined where it says nothing that counts beside the wanted key
 * @throws TrustError `host-key-revoked` if that key is revoked there
 */
export function knownHostState(
  lines: readonly KnownLine[],
  name: string,
  wanted: { key: Buffer; marker?: string },
): KnownHostState | undefined {
  const forHost = lines.filter(({ names }) => matchKnownHostsNames(names, name) !== undefined)
  const same = forHost.filter(({ blob }) => blob.equals(wanted.key))
  const revoked = same.find(({ marker }) => marker === '@revoked')
  if (revoked !== undefined) {
    const message = `Line ${revoked.lineNumber} of ~/.ssh/known_hosts has the pinned key of ${name} (${fingerprint(wanted.key)}) as revoked.`
    throw new TrustError('host-key-revoked', message, {
      hint: 'Find out who revoked it, and why. If the key is good, take that line out; if not, the host needs another key, and the pin too.',
    })
  }
  const pinned = same.filter(({ marker }) => marker === wanted.marker)
  // A host whose CA is known may show a certificate, whatever plain keys stand there.
  const others =
    wanted.marker === undefined
      ? forHost.filter(({ marker, blob }) => marker === undefined && !blob.equals(wanted.key))
      : []
  if (pinned.length === 0 && others.length === 0) return undefined
  const type = typeOfBlob(wanted.key)
  return {
    pinned: pinned.length > 0,
    ours: pinned.some(({ comment }) => comment.startsWith(MARK)),
    others: others.map(({ blob, lineNumber }) => ({
      lineNumber,
      fingerprint: fingerprint(blob),
      sameType: typeOfBlob(blob) === type,
    })),
  }
}

/** A row of known_hosts that gave way. */
export interface ReplacedRow {
  /** Among the rows as they were, from 0. */
  index: number
  was: string
  /** What is left of it, where it is for other names too. */
  rest?: string
}

/**
 * `line` put at the end, and the rows of the host with a key in `stale` taken out.
 *
 * @param line without newline
 * @param stale fingerprints
 * @throws TrustError `host-key-changed` for a stale row with a pattern that other hosts match too
 */
export function addKnownHost(
  content: Buffer,
  name: string,
  line: string,
  stale: readonly string[] = [],
): { content: Buffer; replaced: ReplacedRow[]; newlineMended: boolean } {
  const rows = rowsOf(content)
  const newlineMended = content.length > 0 && rows.at(-1) !== ''
  if (!newlineMended) rows.pop() // what is behind the last newline
  const replaced =
    stale.length === 0 ? [] : rows.flatMap((row, index) => staleRow(row, index, name, stale))
  const changes = new Map(replaced.map((one) => [one.index, one.rest]))
  const kept = rows.flatMap((row, index) => {
    const rest = changes.get(index)
    return !changes.has(index) ? [row] : rest === undefined ? [] : [rest]
  })
  const text = `${[...kept, line].join('\n')}\n`
  return { content: Buffer.from(text, 'latin1'), replaced, newlineMended }
}

function staleRow(
  row: string,
  index: number,
  name: string,
  stale: readonly string[],
): ReplacedRow[] {
  const line = parseRow(row, index + 1)
  if (line === undefined || line.marker !== undefined) return []
  const match = matchKnownHostsNames(line.names, name)
  if (match === undefined || !stale.includes(fingerprint(line.blob))) return []
  if (match === 'pattern') {
    throw new TrustError(
      'host-key-changed',
      `The stale key of ${name} in known_hosts stands behind a pattern, ${line.names}, that is for other hosts too.`,
      { hint: `Change that line yourself (line ${index + 1} of ~/.ssh/known_hosts).` },
    )
  }
  const names = line.names.startsWith('|') ? [] : line.names.split(',')
  const others = names.filter((one) => one.toLowerCase() !== name)
  // Names that are only excluded match nothing.
  if (others.every((one) => one.startsWith('!'))) return [{ index, was: row }]
  return [{ index, was: row, rest: row.replace(line.names, () => others.join(',')) }]
}

/**
 * Undoes `addKnownHost`: our line goes, rows that gave way come back; every other byte stays.
 *
 * @returns undefined where our line is not there
 */
export function removeKnownHost(
  content: Buffer,
  line: string,
  { replaced = [], newlineMended = false }: Partial<ReturnType<typeof addKnownHost>>,
): Buffer | undefined {
  const rows = rowsOf(content)
  const at = rows.lastIndexOf(line)
  if (at < 0) return undefined
  const wasLast = at === rows.length - 2
  rows.splice(at, 1)
  for (const { index, was, rest } of replaced) {
    const left = rest === undefined ? -1 : rows.indexOf(rest)
    if (left >= 0) rows[left] = was
    else if (rest === undefined) rows.splice(Math.min(index, rows.length - 1), 0, was)
  }
  if (wasLast && newlineMended && rows.at(-1) === '') rows.pop()
  return Buffer.from(rows.join('\n'), 'latin1')
}
