/**
 * Tells one process from another that got the same pid later. Below all layers, like errors.ts: the
 * agent's watch and the locks of shared files both need it.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { systemCode } from './errors'

export interface ProcessIdentity {
  pid: number
  /**
   * When it started, in the platform's own form; absent where the platform does not tell: Windows does
   * through slow programs only.
   */
  start?: string
}

/** The identity of a live process, or undefined if there is none with that pid. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (pid <= 0) return undefined // a parent outside this container, which has no pid in here
  if (!isAlive(pid)) return undefined
  const start = startTime(pid)
  return start === undefined ? { pid } : { pid, start }
}

/** Whether that very process still runs. */
export function stillRuns({ pid, start }: ProcessIdentity): boolean {
  if (!isAlive(pid)) return false
  return start === undefined || startTime(pid) === start
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return systemCode(error) === 'EPERM'
  }
  return startTime(pid) !== 'zombie'
}

function startTime(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      // proc(5): field 3 is the state, field 22 the start; the name, field 2, may hold anything but
      // ends at the last parenthesis.
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' ? 'zombie' : fields[19]
    }
    if (process.platform === 'darwin') {
      // An environment of its own: the same words whoever asks, and nothing of ours handed on.
      const env = { LC_ALL: 'C', TZ: 'UTC' }
      const args = ['-o', 'lstart=', '-p', String(pid)]
      return execFileSync('/bin/ps', args, { encoding: 'utf8', env }).trim()
    }
  } catch {
    // gone in between, or not to be told
  }
  return undefined
}
