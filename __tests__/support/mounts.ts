/**
 * Mounts that only the programs of a test see: small, full, read-only or noexec file systems. They
 * live in a mount namespace, which a process keeps open; when that ends, by whatever cause, they are
 * gone, and there is nothing to unmount.
 */
import { test } from '@jest/globals'
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { join, relative } from 'node:path'
import { describeWith, program, type Need } from './programs'
import { mustRun } from './run'
import { makeDirectory } from './scratch'

export interface Mounts {
  /** A program that runs its arguments as a command inside, where the mounts are. */
  inside: string
  /** Runs a script of /bin/sh inside, as who runs the tests; its output. */
  sh: (script: string, ...args: readonly string[]) => Promise<string>
  /** The path by which the test itself reaches what is at `path` inside. */
  reach: (path: string) => string
  stop: () => void
}

/** Who a program runs as, without further groups. */
export interface Who {
  uid: number
  gid: number
}

/** Opens a namespace. `script`, of /bin/sh and with `args`, is the first to run inside. */
export async function makeMounts(script = '', ...args: readonly string[]): Promise<Mounts> {
  // It waits for the end of its standard input: that of this process, however it ends.
  const keep = 'echo ready; exec cat >/dev/null'
  const child = spawn('unshare', ['--mount', '--propagation=private', 'sh', '-c', keep], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => {
      reject(new Error('unshare: no mount namespace'))
    })
    child.stdout.once('data', () => {
      resolve()
    })
  })
  child.unref()
  const pid = String(child.pid)
  const enter = ['nsenter', `--mount=/proc/${pid}/ns/mnt`]
  const mounts: Mounts = {
    inside: makeCommand(`exec ${enter.join(' ')} -- "$@"`),
    sh: (text, ...more) =>
      mustRun('nsenter', [...enter.slice(1), '--', 'sh', '-euc', text, 'sh', ...more]),
    reach: (path) => `/proc/${pid}/root${path}`,
    stop: () => {
      child.kill('SIGKILL')
    },
  }
  if (script !== '') await mounts.sh(script, ...args)
  return mounts
}

/** A program that runs its arguments as somebody else. Files that a runner would make are theirs. */
export function runAs({ uid, gid }: Who): string {
  const who = `--reuid=${String(uid)} --regid=${String(gid)} --clear-groups`
  return makeCommand(
    `for file in "$GITHUB_ENV" "$GITHUB_OUTPUT" "$GITHUB_PATH" "$GITHUB_STATE" "$GITHUB_STEP_SUMMARY"
do [ -z "$file" ] || chown ${String(uid)}:${String(gid)} "$file"; done
exec setpriv ${who} -- "$@"`,
  )
}

/**
 * A program with this text for bash, for anybody to run. (Of the shells bash alone hands on variables
 * whose names have a dash, as those of inputs do.)
 */
export function makeCommand(text: string): string {
  const directory = makeDirectory('command')
  chmodSync(directory, 0o755)
  const path = join(directory, 'command')
  writeFileSync(path, `#!${program('bash')}\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

/** All below `root`, to the byte, by relative path: kind, mode, owner and content of each. */
export function treeOf(root: string): Record<string, string> {
  const found: Record<string, string> = {}
  const visit = (path: string): void => {
    const stat = lstatSync(path)
    const owner = `${String(stat.uid)}:${String(stat.gid)}`
    found[relative(root, path) || '.'] =
      `${(stat.mode & 0o177777).toString(8)} ${owner} ${contentOf(path, stat)}`
    if (!stat.isDirectory()) return
    for (const name of readdirSync(path).sort()) visit(join(path, name))
  }
  visit(root)
  return found
}

function contentOf(path: string, stat: Stats): string {
  if (stat.isSymbolicLink()) return `-> ${readlinkSync(path)}`
  return stat.isFile() ? readFileSync(path, 'latin1') : ''
}

/** Whether this account may mount: root often may not in a container. */
function mayMount(): boolean {
  const { status } = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'])
  return status === 0
}

/** `describe` for tests with mounts; skipped by name where they are not permitted. */
export function describeWithMounts(needs: readonly Need[], name: string, body: () => void): void {
  if (process.platform === 'linux' && process.geteuid?.() === 0 && !mayMount()) {
    const told = 'needs mounts: root with CAP_SYS_ADMIN'
    if (process.env['SSH_TRUST_REQUIRE'] !== 'all') {
      test.skip(`${name} [skipped: ${told}]`, () => undefined)
      return
    }
    test(name, () => {
      throw new Error(told)
    })
    return
  }
  describeWith(['linux', 'root', 'unshare', 'bash', ...needs], name, body)
}
