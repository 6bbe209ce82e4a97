/**
 * A home directory of one's own. ssh takes the home from the passwd entry, not from $HOME, so a
 * test must replace the entry: nss_wrapper, a library put before the C library's functions, reads
 * it from a file. It works for all programs that are dynamically linked.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { account, loginShell } from './account'
import { program } from './programs'
import { makeDirectory, removeDirectory } from './scratch'

export interface HomeOptions {
  /** Names that resolve, for node and ssh alike, besides the real ones: name → address. */
  hosts?: Readonly<Record<string, string>>
}

export interface HomeEntry {
  type: 'file' | 'directory' | 'symlink' | 'other'
  /** Octal, `600`. */
  mode: string
  /** Of a file in base64 (empty if it is not readable), of a symlink its target. */
  content: string
}

export interface Home {
  directory: string
  /** Variables to add to an environment: under them this is the user's home. */
  env: Record<string, string>
  /** Everything in the home by relative path; the home itself is `.`. */
  snapshot: () => Map<string, HomeEntry>
  remove: () => void
}

export async function makeHome(options: HomeOptions = {}): Promise<Home> {
  const base = makeDirectory('home')
  const directory = join(base, 'home')
  await mkdir(directory, { mode: 0o700 })
  const me = account()
  const { username, uid, gid } = me
  const entry = [username, 'x', uid, gid, '', directory, loginShell(me) ?? '/bin/sh'].join(':')

  // The other entries stay: sshd asks for its own user, and tests may ask for others.
  const passwd = [
    entry,
    ...(await lines('/etc/passwd')).filter((line) => {
      const [otherName, , otherUid] = line.split(':')
      return otherName !== username && otherUid !== String(uid)
    }),
  ]
  const groups = await lines('/etc/group')
  if (!groups.some((line) => line.split(':')[2] === String(gid))) {
    groups.push(`${username}:x:${String(gid)}:`)
  }

  const env: Record<string, string> = {
    HOME: directory,
    LD_PRELOAD: program('nss_wrapper'),
    NSS_WRAPPER_PASSWD: await write(base, 'passwd', passwd),
    NSS_WRAPPER_GROUP: await write(base, 'group', groups),
  }
  if (options.hosts !== undefined) {
    const hosts = Object.entries(options.hosts).map(([name, address]) => `${address} ${name}`)
    env['NSS_WRAPPER_HOSTS'] = await write(base, 'hosts', hosts)
  }
  return {
    directory,
    env,
    snapshot: () => snapshot(directory),
    remove: () => {
      removeDirectory(base)
    },
  }
}

/** The entries of a system file. No comments: nss_wrapper takes none. */
async function lines(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8')
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

async function write(directory: string, name: string, content: readonly string[]): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, content.map((line) => `${line}\n`).join(''))
  return path
}

function snapshot(root: string): Map<string, HomeEntry> {
  const found = new Map<string, HomeEntry>()
  const visit = (path: string): void => {
    const entry = entryOf(path)
    found.set(relative(root, path) || '.', entry)
    if (entry.type !== 'directory') return
    for (const name of readdirSync(path).sort()) visit(join(path, name))
  }
  visit(root)
  return found
}

function entryOf(path: string): HomeEntry {
  const stat = lstatSync(path)
  const mode = (stat.mode & 0o7777).toString(8)
  if (stat.isDirectory()) return { type: 'directory', mode, content: '' }
  if (stat.isSymbolicLink()) return { type: 'symlink', mode, content: readlinkSync(path) }
  if (stat.isFile()) return { type: 'file', mode, content: readBase64(path) }
  return { type: 'other', mode, content: '' }
}

function readBase64(path: string): string {
  try {
    return readFileSync(path, 'base64')
  } catch {
    return ''
  }
}
