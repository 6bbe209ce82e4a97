/**
 * Writing files that others use too: one writer at a time, replaced whole or not at all, mode and
 * owner kept. And private files of the job's own.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode, TrustError } from '../errors'
import { identify, stillRuns, type ProcessIdentity } from '../process-identity'

/** How long to wait for another job that is writing the same file. */
const LOCK_TIMEOUT = 20_000
/**
 * Age at which a lock is stale whose holder can't be asked: it is on another machine or container, or
 * of a platform that does not tell when a process started.
 */
const FOREIGN_LOCK_AGE = 60_000
/** How long a file may be held open by another program (an ssh that reads it, a virus scanner). */
const HELD_OPEN_TIMEOUT = 2000
/** Largest file that is edited; an ssh_config or known_hosts is far smaller. */
const MAX_FILE = 16 * 1024 * 1024

/** Makes a file that did not exist, mode 0600, and writes it through to the disk. */
export function writeNewFile(path: string, content: string | Buffer): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const descriptor = openSync(path, flags, 0o600)
  const bytes = Buffer.from(content)
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** What `lstat` says, or undefined where there is nothing. */
export function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false })
}

/** From the text of a file to its new text; undefined stands for a file that is not there. */
export type Edit = (text: string | undefined) => string | undefined

/**
 * Edits a text file (latin1, so that every byte survives) under a lock that all ssh-trust jobs of
 * this account take.
 *
 * @param id of this job: names the temporary file, so that a later undo of the job finds it
 * @throws TrustError `file-locked`, `file-unsafe`
 */
export async function editFile(path: string, id: string, edit: Edit): Promise<void> {
  const target = resolveTarget(path)
  const release = await takeLock(`${target}.ssh-trust-lock`)
  const temporary = `${target}.ssh-trust-${id}`
  try {
    const before = statSync(target, { throwIfNoEntry: false })
    requireSafe(target, before)
    const text = before === undefined ? undefined : readFileSync(target, 'latin1')
    const edited = edit(text)
    if (edited === text) return
    if (edited === undefined) {
      await whenFree(() => {
        rmSync(target)
      })
      return
    }
    rmSync(temporary, { force: true })
    writeNewFile(temporary, Buffer.from(edited, 'latin1'))
    if (before !== undefined) keepOwnerAndMode(temporary, before)
    await whenFree(() => {
      renameSync(temporary, target)
    })
  } finally {
    rmSync(temporary, { force: true })
    await whenFree(release)
  }
}

/** Does what needs a file to itself; again for a while where another program holds it. */
async function whenFree(action: () => void): Promise<void> {
  const start = Date.now()
  for (;;) {
    try {
      action()
      return
    } catch (error) {
      if (!isHeldOpen(error) || Date.now() - start > HELD_OPEN_TIMEOUT) throw error
    }
    await sleep(20)
  }
}

/**
 * Whether an error may be over in a moment: Windows denies access to a file that another program has
 * open, or that is removed but still open somewhere. Elsewhere that is no error.
 */
export function isHeldOpen(error: unknown, platform = process.platform): boolean {
  return platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(systemCode(error) ?? '')
}

/** The file that a symbolic link stands for: dotfiles are often linked, and the link is to stay. */
function resolveTarget(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    if (statOf(path)?.isSymbolicLink() === true) {
      throw new TrustError('file-unsafe', `${path} is a symbolic link to nothing.`)
    }
    return path
  }
}

function requireSafe(path: string, stat: Stats | undefined): void {
  if (stat === undefined) return
  if (!stat.isFile()) throw new TrustError('file-unsafe', `${path} is not a regular file.`)
  if (stat.size > MAX_FILE) throw new TrustError('file-unsafe', `${path} is too large to edit.`)
  const user = process.geteuid?.()
  if (user !== undefined && stat.uid !== user) {
    throw new TrustError('file-unsafe', `${path} belongs to another user.`, {
      hint: 'Mend its owner, or set home: false and use the ssh-config output (ssh -F).',
    })
  }
}

function keepOwnerAndMode(path: string, { mode, uid, gid }: Stats): void {
  if (statSync(path).gid !== gid || statSync(path).uid !== uid) chownSync(path, uid, gid)
  chmodSync(path, mode & 0o7777)
}

interface LockHolder extends ProcessIdentity {
  host: string
}

/** Takes a lock file; gives the function that lets it go. A lock of a dead process is taken over. */
async function takeLock(path: string): Promise<() => void> {
  const me: LockHolder = { ...(identify(process.pid) ?? { pid: process.pid }), host: hostname() }
  const content = JSON.stringify(me)
  const start = Date.now()
  for (;;) {
    try {
      writeNewFile(path, content)
      return () => {
        if (readText(path) === content) rmSync(path, { force: true })
      }
    } catch (error) {
      const passing = isHeldOpen(error) && Date.now() - start < HELD_OPEN_TIMEOUT
      if (systemCode(error) !== 'EEXIST' && !passing) throw error
    }
    removeStaleLock(path)
    if (Date.now() - start > LOCK_TIMEOUT) {
      throw new TrustError(
        'file-locked',
        `Another job keeps ${path} since ${LOCK_TIMEOUT / 1000} s.`,
        {
          hint: 'If no other job is running, remove that file.',
        },
      )
    }
    await sleep(5 + Math.random() * 20)
  }
}

function removeStaleLock(path: string): void {
  const content = readText(path)
  const stat = statOf(path)
  if (content === undefined || stat === undefined) return
  const age = Date.now() - stat.mtimeMs
  if (!isStale(content, age)) return
  // Two may come to this together: the rename makes sure that one of them removes it, and that what
  // was removed is what was looked at.
  const aside = `${path}-${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  if (readText(aside) !== content && statOf(path) === undefined) renameSync(aside, path)
  rmSync(aside, { force: true })
}

function isStale(content: string, age: number): boolean {
  const holder = parseHolder(content)
  if (holder === undefined) return age > 2000 // its maker died between making and filling it
  if (holder.host === hostname() && !stillRuns(holder)) return true
  // Elsewhere, or perhaps another process with the same pid.
  const known = holder.host === hostname() && holder.start !== undefined
  return !known && age > FOREIGN_LOCK_AGE
}

function parseHolder(content: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(content) as Partial<LockHolder> | null
    const { pid, host, start } = holder ?? {}
    if (pid === undefined || host === undefined) return undefined
    return { pid, host, ...(start === undefined ? {} : { start }) }
  } catch {
    return undefined
  }
}

/** The text of a file, or undefined where it can't be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
