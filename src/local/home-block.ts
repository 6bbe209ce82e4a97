/**
 * The job's block in ~/.ssh/config. It says of itself whose it is, and the file says whether we made it:
 * so whoever comes last can leave things as they were, be the job's own directory gone or not.
 */
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { posix } from 'node:path'
import { includeLines, type SshPaths } from './ssh-config'

/** Names in a file that we made: by the last of these, with its directory. */
const MADE = {
  file: '# ssh-trust made this file',
  directory: '# ssh-trust made this file and .ssh',
}

export type Made = keyof typeof MADE

const BEGIN = /^# >>> ssh-trust (?<id>[A-Za-z0-9]{6}) on (?<host>\S+) since (?<since>\S+)$/

/** This machine, or container, in one word: pids mean something only within it. */
export function thisMachine(): string {
  const name = hostname().replace(/[^A-Za-z0-9._-]/g, '_')
  if (process.platform !== 'linux') return name
  try {
    return `${name}/${/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''}`
  } catch {
    return name
  }
}

/** The block of a job. It goes first, and what follows keeps its old meaning. */
export function homeBlock(
  id: string,
  paths: Omit<SshPaths, 'knownHosts'>,
  since = new Date(),
): string[] {
  return [
    `# >>> ssh-trust ${id} on ${thisMachine()} since ${since.toISOString()}`,
    ...includeLines(paths),
    `# <<< ssh-trust ${id}`,
  ]
}

/**
 * `text` with the block in front.
 *
 * @param text undefined where there is no such file
 * @param made what there was not, either, before the first block
 */
export function addBlock(
  text: string | undefined,
  lines: readonly string[],
  made: Made = 'file',
): string {
  return `${lines.join('\n')}\n${text ?? `${MADE[made]}\n`}`
}

/**
 * `text` without the block. Lines that somebody put between ours stay, and so does whatever else is
 * there, to the byte. With the last block goes the word that we made the file, and with nothing else in
 * it the file itself.
 *
 * @returns `text` is undefined where the file is to go; `made` says with what else
 */
export function removeBlock(
  text: string,
  lines: readonly string[],
): { text: string | undefined; made?: Made } {
  const rest = withoutLines(text, lines)
  if (rest === text || /^# >>> ssh-trust /m.test(rest)) return { text: rest }
  for (const made of ['file', 'directory'] as const) {
    // Split after each newline, so that joining gives back every byte.
    const others = linesOf(rest).filter((line) => bare(line) !== MADE[made])
    const left = others.join('')
    if (left === rest) continue
    return left === '' ? { text: undefined, made } : { text: left, made }
  }
  return { text: rest }
}

function linesOf(text: string): string[] {
  return text.split(/(?<=\n)/)
}

function bare(line: string): string {
  return line.replace(/\r?\n$/, '')
}

function withoutLines(text: string, lines: readonly string[]): string {
  const [begin, ...rest] = lines
  const end = rest.at(-1)
  const ended = end !== undefined && text.includes(end)
  const kept: string[] = []
  let inside = false
  let condition = false // of somebody else, among our lines
  let closing: number | undefined
  for (const whole of linesOf(text)) {
    const line = bare(whole)
    if (line === begin) {
      inside = true
      condition = false
      closing = undefined
    }
    // `Match all` alone is no mark of ours: it is ours only inside the block.
    const ours = lines.includes(line) && (inside || line !== 'Match all')
    if (inside && !ours && /^\s*(host|match)[\s=]/i.test(line)) {
      condition = true
      if (closing !== undefined) kept.splice(closing, 1)
      closing = undefined
    }
    // What follows must not come to depend on a condition that stays, such as ours changed by hand.
    const closes = ours && line === 'Match all' && condition
    if (closes) closing = kept.length
    if (!ours || closes) kept.push(whole)
    // Where the end is gone, the block ends with the first line that is not ours, or `Match all`.
    if (line === end || (!ended && (!ours || line === 'Match all'))) inside = false
  }
  return kept.join('')
}

const OURS = [
  /^Match exec "printenv SSH_AUTH_SOCK \| grep -qxF \S+"$/,
  /^    Include \S+\/ssh-trust-[A-Za-z0-9]{6}\/config$/,
  /^Match all$/,
  /^Include \S+\/ssh-trust-[A-Za-z0-9]{6}\/home-(win32|msys)$/,
  /^# <<< ssh-trust [A-Za-z0-9]{6}$/,
]

/** A block that stands in a file, as it says itself. */
export interface FoundBlock {
  id: string
  host: string
  since: Date
  /** The job's directory. */
  directory: string
  lines: string[]
}

/** The whole blocks in `text`: what is not in the form that we write is nobody's. */
export function findBlocks(text: string): FoundBlock[] {
  const lines = linesOf(text).map(bare)
  return lines.flatMap((line, index) => {
    const { id, host, since } = BEGIN.exec(line)?.groups ?? {}
    if (id === undefined || host === undefined || since === undefined) return []
    const size = lines.slice(index).indexOf(`# <<< ssh-trust ${id}`) + 1
    const block = lines.slice(index, index + size)
    const config = block.map((one) => /^ *Include (\S+)$/.exec(one)?.[1]).find(Boolean)
    if (config === undefined) return []
    // Only lines in the very form that we write: what others put between them is theirs.
    const ours = block.filter((one) => one === line || OURS.some((form) => form.test(one)))
    const directory = posix.dirname(config)
    return [{ id, host, since: new Date(since), directory, lines: ours }]
  })
}
