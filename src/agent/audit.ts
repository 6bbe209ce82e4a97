/**
 * The audit: one JSON line for each request that used a key, would have used one, or changed which keys
 * there are. Public facts only.
 * The types are the contract between the agent, which writes, and the report, which reads.
 */
import { closeSync, fstatSync, openSync, writeSync, constants } from 'node:fs'
import type { Reason } from './policy'

export interface AuditEntry {
  /** ISO 8601, UTC. */
  time: string
  /** `list` is told only where keys were withheld, `bind` only where it failed. */
  request: 'sign' | 'list' | 'bind' | 'add' | 'remove' | 'remove-all' | 'expire' | 'lock' | 'unlock'
  verdict: 'signed' | 'done' | 'refused'
  reason: Reason
  /** Fingerprint of the key that the request is about. */
  key?: string
  /** Its comment, where a key is added. */
  comment?: string
  /** The pinned host, as the job calls it. */
  host?: string
  /** Fingerprint of the bound host key, where it is no pinned host's. */
  hostKey?: string
  user?: string
  forwarded?: boolean
  /** More about the reason, in words. */
  detail?: string
}

/** What the last line of an audit says that had to leave entries out. */
interface Omission {
  time: string
  omitted: number
}

export interface Audit {
  write: (entry: Omit<AuditEntry, 'time'>) => void
  /** Entries written, and entries left out because the file is full. */
  counts: () => { written: number; omitted: number }
  /** Ends the file with the number of entries that were left out, if any were. */
  close: () => void
}

/** Size at which the audit stops growing; some 20,000 lines. */
const MAX_BYTES = 4 * 1024 * 1024

/** Room for the last line, which says what was left out. */
const OMISSION_BYTES = 128

/** Refusals stop here: whoever can ask must not be able to fill the file and then go unseen. */
const MAX_REFUSAL_BYTES = MAX_BYTES / 2

/** Opens the audit file, made new (mode 0600) or appended to; `stderr` is that. */
export function openAudit(file: string): Audit {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW
  const descriptor = file === STDERR ? 2 : openSync(file, flags, 0o600)
  let bytes = file === STDERR ? 0 : fstatSync(descriptor).size
  let written = 0
  let omitted = 0
  return {
    write: (entry) => {
      const line = `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`
      const limit = entry.verdict === 'refused' ? MAX_REFUSAL_BYTES : MAX_BYTES - OMISSION_BYTES
      if (bytes + Buffer.byteLength(line) > limit) {
        omitted += 1
        return
      }
      try {
        bytes += writeSync(descriptor, line)
        written += 1
      } catch {
        omitted += 1 // a full disk must not stop the agent; the count says that lines are missing
      }
    },
    counts: () => ({ written, omitted }),
    close: () => {
      const omission: Omission = { time: new Date().toISOString(), omitted }
      const line = `${JSON.stringify(omission)}\n`
      try {
        if (omitted > 0 && bytes + line.length <= MAX_BYTES) writeSync(descriptor, line)
        if (file !== STDERR) closeSync(descriptor)
      } catch {
        // a full disk: nothing more can be told
      }
    },
  }
}

/** For an agent that nobody audits. */
export const NO_AUDIT: Audit = {
  write: () => undefined,
  counts: () => ({ written: 0, omitted: 0 }),
  close: () => undefined,
}

/** A name for openAudit. */
export const STDERR = 'stderr'

/** The entries of an audit file's text, and how many it says were left out. Torn lines are dropped. */
export function parseAudit(text: string): { entries: AuditEntry[]; omitted: number } {
  const lines = text.split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line) as AuditEntry | Omission | null
      return typeof entry === 'object' && entry !== null ? [entry] : []
    } catch {
      return []
    }
  })
  return {
    entries: lines.filter((line) => 'request' in line),
    omitted: lines.reduce((sum, line) => sum + ('omitted' in line ? line.omitted : 0), 0),
  }
}
