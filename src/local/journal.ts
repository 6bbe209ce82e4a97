/**
 * The journal: before every effect outside the job's directory a line is written and synced; teardown
 * replays the lines in reverse. It holds no secret.
 */
import {
  closeSync,
  constants,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { systemCode, TrustError } from '../errors'
import type { ProcessIdentity } from '../process-identity'

/** What was about to be done, with all that is needed to undo it. */
export type Effect =
  /** The agent's process, serving on the socket `target`. */
  | { kind: 'agent'; target: string }
  /** That process is `process`. */
  | { kind: 'agent-process'; target: string; process: ProcessIdentity }
  /** The directory `target`, which did not exist. */
  | { kind: 'directory'; target: string }
  /** Marked lines in the file `target`; `created` if there was no such file. */
  | { kind: 'home-block'; target: string; id: string; lines: string[]; created: boolean }

const PREFIX = 'ssh-trust-'

/** Name of the journal in the job's directory. */
const NAME = 'journal.jsonl'

/** Longest Unix socket path: 107 bytes on Linux, 103 on macOS (sun_path, with its terminating zero). */
const MAX_SOCKET_PATH = 103

export interface Journal {
  path: string
  /** Of the job: part of every name and marker that it leaves anywhere. */
  id: string
  /** The job's directory, mode 0700. */
  directory: string
  append: (effect: Effect) => void
}

/**
 * Makes the job's directory and opens its journal.
 *
 * The directory is the first of `RUNNER_TEMP`, the system's temporary directory and /tmp in which the
 * agent's socket has a path that is short enough and needs no quoting in an ssh_config.
 *
 * @throws TrustError `temp-unusable`
 */
export function openJournal(runnerTemp: string | undefined): Journal {
  const directory = makeDirectory([runnerTemp, tmpdir(), '/tmp'])
  const path = join(directory, NAME)
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND
  closeSync(openSync(path, flags, 0o600))
  return {
    path,
    id: basename(directory).slice(PREFIX.length),
    directory,
    append: (effect) => {
      const descriptor = openSync(path, constants.O_WRONLY | constants.O_APPEND)
      try {
        writeSync(descriptor, `${JSON.stringify(effect)}\n`)
        fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
    },
  }
}

function makeDirectory(candidates: readonly (string | undefined)[]): string {
  const problems: string[] = []
  for (const parent of candidates) {
    if (parent === undefined || parent === '') continue
    const longest = join(parent, `${PREFIX}XXXXXX`, 'agent.sock')
    if (!/^\/[A-Za-z0-9/._+-]*$/.test(parent))
      problems.push(`${parent}: has a space or special character`)
    else if (Buffer.byteLength(longest) > MAX_SOCKET_PATH) problems.push(`${parent}: too long`)
    else {
      try {
        return mkdtempSync(join(parent, PREFIX)) // mode 0700
      } catch (error) {
        problems.push(`${parent}: ${systemCode(error) ?? String(error)}`)
      }
    }
  }
  throw new TrustError(
    'temp-unusable',
    `There is no usable temporary directory (${problems.join('; ')}).`,
    {
      hint: 'Set RUNNER_TEMP, or TMPDIR, to a directory that can be written and has a short plain path.',
    },
  )
}

/**
 * The effects in a journal, in their order. A torn last line is left out: its effect never happened.
 *
 * @returns undefined where there is no journal
 */
export function readJournal(path: string): Effect[] | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Effect]
    } catch {
      return []
    }
  })
}

/** Whether `path` can be a journal of ours: teardown removes the directory around it. */
export function isJournalPath(path: string): boolean {
  return basename(path) === NAME && /^ssh-trust-[A-Za-z0-9]{6}$/.test(basename(dirname(path)))
}

/** Removes the job's directory, journal and all. */
export function removeJobDirectory(journalPath: string): void {
  rmSync(dirname(journalPath), { recursive: true, force: true })
}
