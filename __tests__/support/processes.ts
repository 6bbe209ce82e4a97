/**
 * What runs on this machine, as /proc tells it: who carries a variable, who descends from whom.
 * Where there is no /proc, nobody is found.
 */
import { readdirSync, readFileSync } from 'node:fs'

export interface LiveProcess {
  pid: number
  command: string[]
}

/** Whether processes can be found here at all. */
export const canFindProcesses = process.platform === 'linux'

function pids(): number[] {
  if (!canFindProcesses) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** The text of a file in /proc/`pid`; empty if the process is gone, a zombie, or somebody else's. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

/**
 * The live processes that were started with a variable that begins with `start` (`NAME=value`).
 * Processes that forbid dumps of themselves (ssh-agent, sftp-server) are seen by root only.
 */
export function processesWith(start: string): LiveProcess[] {
  return pids()
    .filter((pid) =>
      readProc(pid, 'environ')
        .split('\0')
        .some((entry) => entry.startsWith(start)),
    )
    .map((pid) => ({ pid, command: readProc(pid, 'cmdline').split('\0').slice(0, -1) }))
}

/** All live processes below `ancestor`, parents first. */
export function descendants(ancestor: number): number[] {
  const children = new Map<number, number[]>()
  for (const pid of pids()) {
    // "pid (name) state ppid …", where the name may hold blanks and brackets.
    const stat = readProc(pid, 'stat')
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found = [ancestor]
  // The list grows while it is walked.
  for (const pid of found) found.push(...(children.get(pid) ?? []))
  return found.slice(1)
}

export function killProcesses(processes: readonly { pid: number }[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself meanwhile.
    }
  }
}
