/**
 * The one temp directory that the test support of a process works in, and what is left of it when
 * the process ends: nothing. Directories and processes of jobs that a test forgot go then. (The
 * daemons of sshd.ts end by themselves: they watch this process.)
 */
import { chmodSync, lstatSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { runInThisContext } from 'node:vm'
import { killProcesses, processesWith } from './processes'

interface Shared {
  root: string
  /** RSA host keys made so far: they take a second each, so later test files use them again. */
  rsaHostKeys: string[]
}

/**
 * Jest gives every test file a copy of `globalThis` and of `process`, whose 'exit' event never
 * fires. The real ones are those of the main context.
 */
const outer = runInThisContext('globalThis') as typeof globalThis & { sshTrustSupport?: Shared }

function start(): Shared {
  // Resolved, as macOS has it behind a link; short, as sockets will live below it.
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'st-'))
  const realProcess = outer.process
  realProcess.on('exit', () => {
    killProcesses(processesWith(`RUNNER_TRACKING_ID=${trackingPrefix(root)}`))
    removeDirectory(root)
  })
  // An interrupt alone would end it without the event.
  for (const [signal, number] of [
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    realProcess.once(signal, () => realProcess.exit(128 + number))
  }
  return { root, rsaHostKeys: [] }
}

export const shared: Shared = (outer.sshTrustSupport ??= start())

function trackingPrefix(root: string): string {
  return `github_${basename(root)}_`
}

/** A RUNNER_TRACKING_ID as only `suffix` has it. Who carries one is killed when this process ends. */
export function trackingId(suffix: string): string {
  return trackingPrefix(shared.root) + suffix
}

/** A new empty directory, mode 0700. Its path is real, short, and without spaces. */
export function makeDirectory(name = 'd'): string {
  return mkdtempSync(join(shared.root, `${name}-`))
}

/** Removes `path` and all below, whatever its modes. */
export function removeDirectory(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    // Tests of modes leave directories behind that only root could empty.
    openDirectories(path)
    rmSync(path, { recursive: true, force: true })
  }
}

function openDirectories(path: string): void {
  if (!lstatSync(path).isDirectory()) return
  chmodSync(path, 0o700)
  for (const name of readdirSync(path)) openDirectories(join(path, name))
}
