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
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isNativeError } from 'node:util/types'
import { explain, systemCode, TrustError } from '../errors'
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

const REMEDY = 'Mend that, or set home: false and use the ssh-config output (ssh -F).'

/**
 * Makes a file that did not exist, mode 0600, and writes it through to the disk.
 *
 * @throws an error with a system's code; where it is thrown there is no file, not even half of one
 */
export function writeNewFile(path: string, content: string | Buffer): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const descriptor = openSync(path, flags, 0o600)
  const bytes = Buffer.from(content)
  let written = false
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done)
    fsyncSync(descriptor)
    written = true
  } catch (error) {
    // As those of open() do; a full disk is only met here.
    if (isNativeError(error)) error.message += ` '${path}'`
    throw error
  } finally {
    closeSync(descriptor)
    if (!written) rmSync(path, { force: true })
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
 * this account take. `edit` may be called more than once.
 *
 * @param id of this job: names the temporary file, so that a later undo of the job finds it
 * @throws TrustError `file-locked`, `file-unsafe`; the file is as it was then
 */
export async function editFile(path: string, id: string, edit: Edit): Promise<void> {
  try {
    await editLocked(path, id, edit)
  } catch (error) {
    // What can't be edited may need no edit: a disk is full, and what is taken back was never done.
    if (!staysAsItIs(path, edit)) throw notEdited(path, error)
  }
}

/** Whether the edit would change nothing. A directory, or a link in a circle, has no text. */
function staysAsItIs(path: string, edit: Edit): boolean {
  let text: string | undefined
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    if ((stat?.size ?? 0) > MAX_FILE) return false
    if (stat?.isFile() === true) text = readFileSync(path, 'latin1')
  } catch (error) {
    if (systemCode(error) !== 'ELOOP') return false
  }
  return edit(text) === text
}

/** What the user can mend if a file can't be edited for it. */
const MENDABLE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'ELOOP', 'EIO']

/** What the system says of a file (`ENOSPC: …`), as an error that says what to do. */
function notEdited(path: string, error: unknown): unknown {
  const code = systemCode(error)
  if (!MENDABLE.includes(code ?? '') || isHeldOpen(error)) return error
  return new TrustError('file-unsafe', `${path} can't be edited: ${explain(error)}.`, {
    hint: `It is as it was. ${REMEDY}`,
    cause: error,
  })
}

async function editLocked(path: string, id: string, edit: Edit): Promise<void> {
  const target = resolveTarget(path)
  const release = await takeLock(`${target}.ssh-trust-lock`)
  const temporary = `${target}.${TEMPORARY}${id}`
  try {
    removeTemporaries(target)
    const before = statSync(target, { throwIfNoEntry: false })
    requireSafe(target, before)
    const text = before === undefined ? undefined : readFileSync(target, 'latin1')
    const edited = edit(text)
    if (edited === text) return
    // A link that stays must not come to lead to nothing.
    if (edited === undefined && !isLink(path)) {
      await whenFree(() => {
        rmSync(target)
      })
      return
    }
    rmSync(temporary, { force: true })
    writeNewFile(temporary, Buffer.from(edited ?? '', 'latin1'))
    if (before !== undefined) keepOwnerAndMode(temporary, before)
    await whenFree(() => {
      renameSync(temporary, target)
    })
  } finally {
    rmSync(temporary, { force: true })
    await whenFree(release)
  }
}

/** What a file is called while it is written; the id of the job stands behind. */
const TEMPORARY = 'ssh-trust-new-'

/** Under the lock nobody else is writing: what lies there was left by one that was killed. */
function removeTemporaries(target: string): void {
  const prefix = `${basename(target)}.${TEMPORARY}`
  for (const name of readdirSync(dirname(target))) {
    const id = name.startsWith(prefix) ? name.slice(prefix.length) : ''
    if (/^[A-Za-z0-9]{6}$/.test(id)) rmSync(join(dirname(target), name), { force: true })
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
    // The system would make a file where the link leads, or say that the file is missing.
    const dangling = [path, dirname(path)].find(isLinkToNothing)
    if (dangling !== undefined) {
      throw new TrustError('file-unsafe', `${dangling} is a symbolic link to nothing.`)
    }
    return path
  }
}

function isLink(path: string): boolean {
  return statOf(path)?.isSymbolicLink() === true
}

function isLinkToNothing(path: string): boolean {
  return isLink(path) && statSync(path, { throwIfNoEntry: false }) === undefined
}

function requireSafe(path: string, stat: Stats | undefined): void {
  if (stat === undefined) return
  if (!stat.isFile()) throw new TrustError('file-unsafe', `${path} is not a regular file.`)
  if (stat.size > MAX_FILE) throw new TrustError('file-unsafe', `${path} is too large to edit.`)
  const user = process.geteuid?.()
  if (user !== undefined && stat.uid !== user) {
    throw new TrustError('file-unsafe', `${path} belongs to another user.`, {
      hint: `Its owner is uid ${stat.uid}, and you are ${user}. ${REMEDY}`,
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
  const content = JSON.stringify(thisHolder())
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

/**
 * Removes a lock that a dead process left. Whoever does that holds a second lock: else what was looked
 * at may have been removed by another meanwhile, and a third have taken the lock anew.
 */
function removeStaleLock(path: string): void {
  if (!isStaleLock(path)) return
  const breaking = `${path}-stale`
  try {
    writeNewFile(breaking, JSON.stringify(thisHolder()))
  } catch {
    // Held for the moment that this takes; so one that is stale is of a process killed just then.
    if (isStaleLock(breaking)) rmSync(breaking, { force: true })
    return
  }
  try {
    if (isStaleLock(path)) rmSync(path, { force: true })
  } finally {
    rmSync(breaking, { force: true })
  }
}

function isStaleLock(path: string): boolean {
  const content = readText(path)
  const stat = statOf(path)
  if (content === undefined || stat === undefined) return false
  return isStale(content, Date.now() - stat.mtimeMs)
}

function thisHolder(): LockHolder {
  return { ...(identify(process.pid) ?? { pid: process.pid }), host: hostname() }
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

/** The text of a file, or undefined where it can't be read. (A pipe could be read for ever.) */
export function readText(path: string): string | undefined {
  try {
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined
  } catch {
    return undefined
  }
}

/** Removes a directory that may be gone, or hold what others have put there: then it stays. */
export function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // no matter of ours
  }
}
