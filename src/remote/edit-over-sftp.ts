/**
 * Editing a file of authorized keys over SFTP, for accounts that have no shell: the same rules as in
 * edit-over-shell.ts, and the same lock.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { posix } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { utils, type Attributes, type SFTPWrapper, type Stats } from 'ssh2'
import { TrustError } from '../errors'
import {
  changedTooOften,
  MAX_FILE,
  MAX_TRIES,
  mendInWords,
  stillLocked,
  type EditContent,
  type EditOptions,
  type EditResult,
  type Place,
} from './file-edit'

/** How long a lock is waited for, and when one counts as left behind, in milliseconds. */
const LOCK_WAIT = 60_000
const LOCK_STALE = 20_000
/** The same for one that does not say whose it is: that is so for a moment only. */
const LOCK_NAMELESS = 5_000
const LOCK_POLL = 100
/** One answer of the server, in milliseconds. */
const ANSWER = 30_000

const { NO_SUCH_FILE, PERMISSION_DENIED, OP_UNSUPPORTED } = utils.sftp.STATUS_CODE
const WRITTEN_BY_OTHERS = 0o022

type Callback<T> = (error: Error | null | undefined, value: T) => void

/** One request, answered in time. */
async function ask<T>(send: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new TrustError('host-timeout', `SFTP did not answer within ${ANSWER / 1000} s.`))
    }, ANSWER)
    const done: Callback<T> = (error, value) => {
      clearTimeout(timer)
      if (error === null || error === undefined) resolve(value)
      else reject(error)
    }
    try {
      send(done)
    } catch (error) {
      done(error as Error, undefined as T)
    }
  })
}

function statusOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

/** Undefined where the server says that there is no such file. */
async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (statusOf(error) === NO_SUCH_FILE) return undefined
    throw error
  }
}

async function done(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  )
}

/** Whatever the server refuses becomes `remote-file-failed`. */
function failed(error: unknown, path: string): TrustError {
  if (error instanceof TrustError) return error
  const why =
    statusOf(error) === PERMISSION_DENIED
      ? 'permission denied'
      : error instanceof Error
        ? error.message
        : String(error)
  return new TrustError('remote-file-failed', `${path} can't be edited over SFTP: ${why}.`, {
    hint: 'The account may be confined to a directory that is not its own, or the disk full.',
    cause: error,
  })
}

interface Found {
  home: string
  path: string
  directory: string
}

/** @throws TrustError as `editAuthorizedKeys` */
export async function editOverSftp(
  sftp: SFTPWrapper,
  place: Place,
  { mend = true, removeIfEmpty = [] }: EditOptions,
  edit: EditContent,
): Promise<EditResult> {
  const created: string[] = []
  try {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const found = await find(sftp, place)
      const before = await readFile(sftp, found.path)
      const content = before ?? Buffer.alloc(0)
      const missing = before === undefined ? await missingOf(sftp, found) : []
      const after = edit(content, missing)
      const result = { path: found.path, via: 'sftp' as const, created, removed: [] as string[] }
      if (after === undefined || after.equals(content)) {
        const empty = content.length === 0
        return { ...result, changed: false, empty, ...(await strict(sftp, found, mend)) }
      }
      created.push(...(await makeDirectories(sftp, found)))
      const remove = after.length === 0 && removeIfEmpty.includes(found.path)
      if (await replace(sftp, found.path, before, remove ? undefined : after)) {
        if (remove)
          result.removed.push(found.path, ...(await removeAll(sftp, found, removeIfEmpty)))
        else if (before === undefined) created.push(found.path)
        const empty = after.length === 0
        return { ...result, changed: true, empty, ...(await strict(sftp, found, mend)) }
      }
    }
    throw changedTooOften()
  } catch (error) {
    for (const directory of created.toReversed()) await done(removeDirectory(sftp, directory))
    throw failed(error, place.path)
  }
}

/** The directories that are not there, the one above first, and the file. */
async function missingOf(sftp: SFTPWrapper, { path, directory }: Found): Promise<string[]> {
  const missing = [path]
  let above = directory
  while (above !== posix.dirname(above) && (await lstat(sftp, above)) === undefined) {
    missing.unshift(above)
    above = posix.dirname(above)
  }
  return missing
}

async function realpath(sftp: SFTPWrapper, path: string): Promise<string> {
  return ask((done) => {
    sftp.realpath(path, done)
  })
}

async function lstat(sftp: SFTPWrapper, path: string): Promise<Stats | undefined> {
  return orAbsent(
    ask((done) => {
      sftp.lstat(path, done)
    }),
  )
}

async function find(sftp: SFTPWrapper, place: Place): Promise<Found> {
  const home = await realpath(sftp, '.')
  let path = place.from === 'root' ? place.path : posix.join(home, place.path)
  let stats = await lstat(sftp, path)
  let links = 0
  while (stats?.isSymbolicLink() === true) {
    links += 1
    if (links > 20) throw unsafe(`${path} is a symbolic link that leads round in a circle`)
    const link = path
    const target: string = await ask((done) => {
      sftp.readlink(link, done)
    })
    path = posix.resolve(posix.dirname(path), target)
    stats = await lstat(sftp, path)
  }
  if (stats === undefined && links > 0) {
    throw unsafe(`The file is a symbolic link to ${path}, and there is nothing`)
  }
  if (stats !== undefined && !stats.isFile()) throw unsafe(`${path} is not a regular file`)
  if ((stats?.size ?? 0) > MAX_FILE) throw unsafe(`${path} is too large to edit`)
  const directory = await orAbsent(realpath(sftp, posix.dirname(path)))
  // OpenSSH's realpath fails where a directory is missing; other servers just tidy up the path.
  const real = directory ?? posix.dirname(path)
  return { home, path: posix.join(real, posix.basename(path)), directory: real }
}

function unsafe(words: string): TrustError {
  return new TrustError('remote-file-unsafe', `${words}.`)
}

async function readFile(sftp: SFTPWrapper, path: string): Promise<Buffer | undefined> {
  return orAbsent(
    ask<Buffer>((done) => {
      sftp.readFile(path, (error, content) => {
        done(error, content)
      })
    }),
  )
}

/** Makes what is missing of the directory, if it is in the home. */
async function makeDirectories(sftp: SFTPWrapper, { home, directory }: Found): Promise<string[]> {
  if ((await lstat(sftp, directory)) !== undefined) return []
  if (!`${directory}/`.startsWith(home === '/' ? '/' : `${home}/`) || directory === home) {
    throw unsafe(`The directory ${directory} is not there`)
  }
  const above = await makeDirectories(sftp, { home, path: '', directory: posix.dirname(directory) })
  const made = await done(
    ask((callback) => {
      sftp.mkdir(directory, { mode: 0o700 } as Attributes, (error) => {
        callback(error, undefined)
      })
    }),
  )
  if (!made && (await lstat(sftp, directory)) === undefined) {
    throw new TrustError('remote-file-failed', `The directory ${directory} can't be made.`)
  }
  return made ? [...above, directory] : above
}

/** Replaces the file (removes it) if it still is `before`; false if it is not. */
async function replace(
  sftp: SFTPWrapper,
  path: string,
  before: Buffer | undefined,
  after: Buffer | undefined,
): Promise<boolean> {
  const mark = randomBytes(16).toString('hex')
  const lock = await takeLock(sftp, `${path}.ssh-trust-lock`, `sftp 0 0 ${mark}`)
  const temporary = `${path}.ssh-trust-${mark}-new`
  try {
    const stats = await lstat(sftp, path)
    const now = stats === undefined ? undefined : await readFile(sftp, path)
    const same = now === undefined ? before === undefined : before?.equals(now) === true
    if (!same || stats?.isSymbolicLink() === true) return false
    if (stats !== undefined && stats.uid !== lock.uid) {
      throw unsafe(`${path} belongs to another user, with the id ${stats.uid}`)
    }
    if (after === undefined) {
      await remove(sftp, path)
      return true
    }
    await writeTemporary(sftp, temporary, after, stats)
    if (!(await lock.isHeld())) return false
    await renameOver(sftp, temporary, path)
    return true
  } finally {
    await done(remove(sftp, temporary))
    await lock.release()
  }
}

async function remove(sftp: SFTPWrapper, path: string): Promise<void> {
  return ask((callback) => {
    sftp.unlink(path, (error) => {
      callback(error, undefined)
    })
  })
}

async function writeTemporary(
  sftp: SFTPWrapper,
  path: string,
  content: Buffer,
  like: Stats | undefined,
): Promise<void> {
  const handle = await ask<Buffer>((callback) => {
    sftp.open(path, 'wx', 0o600, callback)
  })
  const set = async (attributes: Partial<Attributes>): Promise<void> =>
    ask((callback) => {
      sftp.fsetstat(handle, attributes, (error) => {
        callback(error, undefined)
      })
    })
  try {
    const size = 32 * 1024
    for (let start = 0; start < content.length; start += size) {
      const length = Math.min(size, content.length - start)
      await ask((callback) => {
        sftp.write(handle, content, start, length, start, (error) => {
          callback(error, undefined)
        })
      })
    }
    // Without order: the server's umask may have changed what open was told.
    if (like !== undefined) await done(set({ uid: like.uid, gid: like.gid }))
    await set({ mode: like === undefined ? 0o600 : like.mode & 0o7777 })
    await done(
      ask((callback) => {
        sftp.ext_openssh_fsync(handle, (error) => {
          callback(error, undefined)
        })
      }),
    )
  } finally {
    await ask((callback) => {
      sftp.close(handle, (error) => {
        callback(error, undefined)
      })
    })
  }
}

/** PROTOCOL of OpenSSH §4.3: the plain rename of SFTP replaces nothing. */
async function renameOver(sftp: SFTPWrapper, from: string, to: string): Promise<void> {
  try {
    await ask((callback) => {
      sftp.ext_openssh_rename(from, to, (error) => {
        callback(error, undefined)
      })
    })
  } catch (error) {
    const words = error instanceof Error ? error.message : ''
    if (statusOf(error) !== OP_UNSUPPORTED && !/not support/i.test(words)) throw error
    throw new TrustError(
      'remote-file-failed',
      'The SFTP server can not replace a file in one step (posix-rename@openssh.com).',
      { cause: error },
    )
  }
}

interface Lock {
  /** Who owns what this account makes. */
  uid: number
  isHeld: () => Promise<boolean>
  release: () => Promise<void>
}

async function takeLock(sftp: SFTPWrapper, path: string, ours: string): Promise<Lock> {
  const owner = `${path}/owner`
  const holder = async (): Promise<string> =>
    (await readFile(sftp, owner).catch(() => undefined))?.toString('utf8').trim() ?? ''
  const deadline = Date.now() + LOCK_WAIT
  let last = ''
  let since = Date.now()
  for (let missing = 0; ;) {
    const made = ask<undefined>((callback) => {
      sftp.mkdir(path, { mode: 0o700 } as Attributes, (error) => {
        callback(error, undefined)
      })
    })
    if (await done(made)) break
    if ((await lstat(sftp, path)) === undefined) {
      missing += 1
      if (missing > 5) await made
      continue
    }
    const held = await holder()
    if (held !== last) [last, since] = [held, Date.now()]
    if (Date.now() - since > (held === '' ? LOCK_NAMELESS : LOCK_STALE)) {
      await breakLock(sftp, path, held)
      since = Date.now()
    } else if (Date.now() > deadline) throw stillLocked(path)
    else await sleep(LOCK_POLL)
  }
  const release = async (): Promise<void> => {
    if ((await holder()) !== ours) return
    await done(remove(sftp, owner))
    await done(removeDirectory(sftp, path))
  }
  try {
    await ask((callback) => {
      sftp.writeFile(owner, `${ours}\n`, { mode: 0o600 }, (error) => {
        callback(error, undefined)
      })
    })
    const stats = await lstat(sftp, path)
    return { uid: stats?.uid ?? 0, isHeld: async () => (await holder()) === ours, release }
  } catch (error) {
    await done(remove(sftp, owner))
    await done(removeDirectory(sftp, path))
    throw error
  }
}

/** As break_lock in edit-over-shell.ts. */
async function breakLock(sftp: SFTPWrapper, path: string, meant: string): Promise<void> {
  const aside = `${path}-${randomBytes(16).toString('hex')}`
  const rename = async (from: string, to: string): Promise<boolean> =>
    done(
      ask((callback) => {
        sftp.rename(from, to, (error) => {
          callback(error, undefined)
        })
      }),
    )
  if (!(await rename(path, aside))) return
  const held = await readFile(sftp, `${aside}/owner`).catch(() => undefined)
  const isMeant = (held?.toString('utf8').trim() ?? '') === meant
  if (!isMeant && (await rename(aside, path))) return
  await done(remove(sftp, `${aside}/owner`))
  await done(removeDirectory(sftp, aside))
}

async function removeDirectory(sftp: SFTPWrapper, path: string): Promise<void> {
  return ask((callback) => {
    sftp.rmdir(path, (error) => {
      callback(error, undefined)
    })
  })
}

/** Removes directories that are empty, the innermost first; tells which. */
async function removeAll(
  sftp: SFTPWrapper,
  { path }: Found,
  made: readonly string[],
): Promise<string[]> {
  const removed: string[] = []
  for (const one of made.filter((other) => other !== path).reverse()) {
    if (await done(removeDirectory(sftp, one))) removed.push(one)
  }
  return removed
}

/** Looks after what StrictModes wants, from the file up to the home. */
async function strict(
  sftp: SFTPWrapper,
  { home, path, directory }: Found,
  mend: boolean,
): Promise<{ mends: string[]; warnings: string[] }> {
  const mends: string[] = []
  const warnings: string[] = []
  const user = (await lstat(sftp, home))?.uid ?? 0
  const parts = [path]
  for (let up = directory; ; up = posix.dirname(up)) {
    parts.push(up)
    if (up === home || up === '/') break
  }
  for (const part of parts) {
    const stats = await lstat(sftp, part)
    if (stats === undefined) continue
    if (stats.uid !== user && stats.uid !== 0) {
      warnings.push(`${part} belongs to another user, with the id ${stats.uid}`)
      continue
    }
    if ((stats.mode & WRITTEN_BY_OTHERS) === 0) continue
    const mode = stats.mode & 0o7777 & ~WRITTEN_BY_OTHERS
    const inHome = `${part}/`.startsWith(home === '/' ? '/' : `${home}/`)
    const mended =
      mend &&
      inHome &&
      (await done(
        ask((callback) => {
          sftp.chmod(part, mode, (error) => {
            callback(error, undefined)
          })
        }),
      ))
    if (mended) mends.push(mendInWords(part, octal(stats.mode), octal(mode)))
    else warnings.push(`${part} can be written by other users`)
  }
  return { mends, warnings }
}

function octal(mode: number): string {
  return (mode & 0o7777 & ~constants.S_IFMT).toString(8).padStart(4, '0')
}
