/**
 * The journal: before every effect outside the job's directory a line is written and synced; teardown
 * replays the lines in reverse. It holds no secret.
 */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, posix, win32 } from 'node:path'
import { isNativeError } from 'node:util/types'
import { explain, systemCode, TrustError } from '../errors'
import type { ProcessIdentity } from '../process-identity'
import { removeIfEmpty } from './files'

/** Where something was done in an account on a host, for a login with a key of the job. */
interface InAccount {
  /** `user@name`, for messages. */
  target: string
  host: string
  port: number
  user: string
  /** What the host has proven, and the key to log in with: wire format, base64. */
  hostKey: string
  key: string
  /** Whether post is to undo it. */
  revoke: boolean
  /** It was undone already. The latest record counts. */
  undone?: true
}

/** What was about to be done, with all that is needed to undo it. */
export type Effect =
  /** A line in a host's authorized_keys. It is taken out by a login with its own key. */
  | (InAccount & {
      kind: 'authorized-key'
      line: string
      /** Of authorized_keys, where it is not where it always is. */
      path?: string
      /** As `addAuthorizedKey` tells it. */
      newlineMended?: string
      /** What was made for it on the host. */
      created: string[]
      /** Whether the key was made for this job alone. */
      generated: boolean
      /** ISO 8601; absent: never. */
      expires?: string
      /** The host has said that the line is in the file. Until then it may be there, or not. */
      written?: true
      /** Teardown has begun to take the line out, and with it the way to see whether it is. */
      leaving?: true
    })
  /** A key pair made in an account's ~/.ssh. It is known again by its comment. */
  | (InAccount & { kind: 'remote-file'; path: string; comment: string; madeDirectory: boolean })
  /** A line put into an account's known_hosts, and the rows that gave way to it. */
  | (InAccount & {
      kind: 'known-host'
      line: string
      replaced: { index: number; was: string; rest?: string }[]
      newlineMended: boolean
      created: string[]
    })
  /** The agent's process, answering us at `target`: its socket, or on Windows its pipe. */
  | { kind: 'agent'; target: string }
  /** That process is `process`. */
  | { kind: 'agent-process'; target: string; process: ProcessIdentity }
  /** Keys brought into the agent at `target`, which another use of the action, with `journal`, started. */
  | { kind: 'agent-part'; target: string; journal: string }
  /** The directory `target`, which did not exist. */
  | { kind: 'directory'; target: string }
  /** Marked lines in the file `target`. */
  | { kind: 'home-block'; target: string; id: string; lines: string[] }

const PREFIX = 'ssh-trust-'

/** How often a removal is tried again, each after 100 ms more: scanners of Windows hold files open. */
const RETRIES = 5

/** Name of the journal in the job's directory. */
const NAME = 'journal.jsonl'

/** Of the agent's socket, in the job's directory. */
const SOCKET = 'agent.sock'

interface PathRules {
  /** Paths that need no quotes in an ssh_config, nor in a shell. */
  plain: RegExp
  /** Longest path of a socket, in bytes. */
  longest: number
  /** Tried when all else is unusable. */
  last: string | undefined
}

const RULES: Record<'posix' | 'win32', PathRules> = {
  // 107 bytes on Linux, 103 on macOS (sun_path, with its terminating zero).
  posix: { plain: /^\/[A-Za-z0-9/._+-]*$/, longest: 103, last: '/tmp' },
  // On a drive, since Cygwin's name for the path begins with that. Win32-OpenSSH cuts off what is longer.
  win32: { plain: /^[A-Za-z]:\/[A-Za-z0-9/._+~-]*$/, longest: 107, last: undefined },
}

export interface Journal {
  path: string
  /** Of the job: part of every name and marker that it leaves anywhere. */
  id: string
  /** The job's directory, that only this user may enter. With slashes on Windows too. */
  directory: string
  append: (effect: Effect) => void
}

/** Where jobs may have their directories. */
function parents(runnerTemp: string | undefined, platform: NodeJS.Platform): string[] {
  const { last } = RULES[platform === 'win32' ? 'win32' : 'posix']
  const candidates = [runnerTemp, tmpdir(), last]
  return [...new Set(candidates.filter((path) => path !== undefined && path !== ''))] as string[]
}

/** The directories of jobs on this machine that belong to this user: their journals' paths. */
export function findJournals(runnerTemp: string | undefined): string[] {
  const user = process.geteuid?.()
  return parents(runnerTemp, process.platform).flatMap((parent) => {
    let names: string[]
    try {
      names = readdirSync(parent)
    } catch {
      return [] // not there, or not to be read
    }
    return names
      .map((name) => posix.join(parent, name, NAME))
      .filter((path) => {
        if (!isJournalPath(path)) return false
        const stat = lstatSync(dirname(path), { throwIfNoEntry: false })
        return stat?.isDirectory() === true && (user === undefined || stat.uid === user)
      })
  })
}

/**
 * Makes the job's directory and opens its journal.
 *
 * The directory is the first of `RUNNER_TEMP`, the system's temporary directory and /tmp in which the
 * agent's socket has a path that is short enough and needs no quoting in an ssh_config.
 *
 * @throws TrustError `temp-unusable`
 */
export function openJournal(runnerTemp: string | undefined, platform = process.platform): Journal {
  const directory = makeDirectory(parents(runnerTemp, platform), platform)
  const path = posix.join(directory, NAME)
  return {
    path,
    id: basename(directory).slice(PREFIX.length),
    directory,
    append: (effect) => {
      appendToJournal(path, effect)
    },
  }
}

/** Writes a record through to the disk; whole, or not at all. */
export function appendToJournal(path: string, effect: Effect): void {
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_APPEND)
  const line = Buffer.from(`${JSON.stringify(effect)}\n`)
  const { size } = fstatSync(descriptor)
  try {
    for (let done = 0; done < line.length;) done += writeSync(descriptor, line, done)
    fsyncSync(descriptor)
  } catch (error) {
    ftruncateSync(descriptor, size) // half a line would spoil the next one
    if (isNativeError(error)) error.message += ` '${path}'`
    throw error
  } finally {
    closeSync(descriptor)
  }
}

function makeDirectory(candidates: readonly string[], platform: NodeJS.Platform): string {
  const windows = platform === 'win32'
  const rules = windows ? RULES.win32 : RULES.posix
  const problems: string[] = []
  for (const candidate of candidates) {
    const parent = windows ? candidate.replaceAll('\\', '/') : candidate
    const longest = posix.join(parent, `${PREFIX}XXXXXX`, SOCKET)
    if (!rules.plain.test(parent)) problems.push(`${parent}: has a space or special character`)
    else if (Buffer.byteLength(longest) > rules.longest) problems.push(`${parent}: too long`)
    else {
      try {
        const made = mkdtempSync(posix.join(parent, PREFIX)) // mode 0700
        const directory = posix.join(parent, basename(made))
        if (windows) restrictToUser(directory)
        startJournal(directory)
        return directory
      } catch (error) {
        problems.push(`${parent}: ${systemCode(error) ?? explain(error)}`)
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

/** On a disk that is full there may be room for the directory alone: then it goes again. */
function startJournal(directory: string): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
  try {
    closeSync(openSync(posix.join(directory, NAME), flags, 0o600))
  } catch (error) {
    rmdirSync(directory)
    throw error
  }
}

/** A program of Windows itself, whatever is on the PATH. */
function system32(name: string): string {
  return win32.join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', name)
}

/**
 * Windows knows no modes: what lies in a temporary directory may be open to others. The directory,
 * still empty, gets this user as the only one with any access, to all that will be in it too.
 *
 * @throws an error where that fails; the directory is gone then
 */
function restrictToUser(directory: string): void {
  try {
    const options = { encoding: 'latin1', windowsHide: true, stdio: 'pipe' } as const
    const sid = parseSid(execFileSync(system32('whoami.exe'), WHOAMI_ARGUMENTS, options))
    execFileSync(system32('icacls.exe'), icaclsArguments(directory, sid), options)
  } catch (error) {
    rmdirSync(directory)
    throw new Error(`can't be made private: ${explain(error).trim()}`, { cause: error })
  }
}

const WHOAMI_ARGUMENTS = ['/user', '/fo', 'csv', '/nh']

/** The SID of what whoami prints, `"machine\user","S-1-…"`. Names can be of any language, a SID not. */
function parseSid(line: string): string {
  const sid = /,"(S-1-[0-9-]+)"\s*$/.exec(line)?.[1]
  if (sid === undefined) throw new Error('whoami told no SID')
  return sid
}

/** Nothing is inherited from above; the user has full access, inherited (`OI`, `CI`) by what is below. */
function icaclsArguments(directory: string, sid: string): string[] {
  return [win32.resolve(directory), '/inheritance:r', '/grant:r', `*${sid}:(OI)(CI)F`]
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
      const effect: unknown = line === '' ? null : JSON.parse(line)
      return typeof effect === 'object' && effect !== null ? [effect as Effect] : []
    } catch {
      return []
    }
  })
}

/** Whether `path` can be a journal of ours: teardown removes the directory around it. */
export function isJournalPath(path: string): boolean {
  return basename(path) === NAME && /^ssh-trust-[A-Za-z0-9]{6}$/.test(basename(dirname(path)))
}

/** Removes the job's directory; the journal last, so that whoever is killed meanwhile can begin again. */
export function removeJobDirectory(journalPath: string): void {
  const directory = dirname(journalPath)
  const options = { recursive: true, force: true, maxRetries: RETRIES }
  // First and by itself: on Windows an agent that was killed leaves it read-only.
  try {
    unlinkSync(posix.join(directory, SOCKET))
  } catch {
    // not there; what else there may be is told of the whole
  }
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    if (name !== NAME) rmSync(posix.join(directory, name), options)
  }
  rmSync(directory, options)
}

/** Removes what ssh alone needs of the job's directory. */
export function freeSpace(journalPath: string): void {
  for (const name of ['known_hosts', 'config']) {
    rmSync(posix.join(dirname(journalPath), name), { force: true })
  }
}

/** Removes the job's directory if that is all that is left of it. */
export function removeEmptyJobDirectory(journalPath: string): void {
  removeIfEmpty(dirname(journalPath))
}
