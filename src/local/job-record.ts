/**
 * Who a job is: beside the journal, so that others can tell whether it is still there, and whether they
 * belong to it.
 */
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { identify, type ProcessIdentity } from '../process-identity'
import { readText, writeNewFile } from './files'
import { thisMachine } from './home-block'

const NAME = 'job.json'
const LEFT = 'left'

export interface JobRecord {
  host: string
  /** The process that sets the job's trust up; it ends when that is done. */
  main: ProcessIdentity
  /** The runner; absent where it can't be seen, from within a container. */
  runner?: ProcessIdentity
}

export function recordJob(directory: string, runner: ProcessIdentity | undefined): void {
  const record: JobRecord = {
    host: thisMachine(),
    main: identify(process.pid) ?? { pid: process.pid },
    ...(runner === undefined ? {} : { runner }),
  }
  writeNewFile(posix.join(directory, NAME), `${JSON.stringify(record)}\n`)
}

/** Undefined where there is none that can be read. */
export function readJob(directory: string): JobRecord | undefined {
  try {
    const record = JSON.parse(readText(posix.join(directory, NAME)) ?? '') as Partial<JobRecord>
    const { host, main, runner } = record
    if (host === undefined || main === undefined) return undefined
    return { host, main, ...(runner === undefined ? {} : { runner }) }
  } catch {
    return undefined
  }
}

/** Says that all of the job was taken back but the directory, with the agent that others still use. */
export function noteLeft(directory: string): void {
  if (!hasLeft(directory)) writeNewFile(posix.join(directory, LEFT), '')
}

export function hasLeft(directory: string): boolean {
  return existsSync(posix.join(directory, LEFT))
}
