/**
 * The audit: one JSON line for each request that used, or would have used, a key. Public facts only.
 * The types are the contract between the agent, which writes, and the report, which reads.
 */
import { closeSync, fstatSync, openSync, writeSync, constants } from 'node:fs'
import type { Reason } from './policy'

export interface AuditEntry {
  /** ISO 8601, UTC. */
  time: string
  /** `list` is told only where keys were withheld, `bind` only where it failed. */
  request: 'sign' | 'list' | 'bind'
  verdict: 'signed' | 'refused'
  reason: Reason
  /** Fingerprint of the key that was to sign. */
  key?: string
  /** The pinned host, as the job calls it. */
  host?: string
  /** Fingerprint of the bound host key, where it is no pinned host's. */
  hostKey?: string
  user?: string
  forwarded?: boolean
  /** More about the reason, in words. */
  detail?: string
}

export interface Audit {
  write: (entry: Omit<AuditEntry, 'time'>) => void
  /** Entries written, and entries left out because the file is full. */
  counts: () => { written: number; omitted: number }
  close: () => void
}

/** Size at which the audit stops growing; some 20,000 lines. */
const MAX_BYTES = 4 * 1024 * 1024

/** Opens the audit file, made new (mode 0600) or appended to. */
export function openAudit(file: string): Audit {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW
  const descriptor = openSync(file, flags, 0o600)
  let bytes = fstatSync(descriptor).size
  let written = 0
  let omitted = 0
  return {
    write: (entry) => {
      const line = `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`
      if (bytes + line.length > MAX_BYTES) {
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
      closeSync(descriptor)
    },
  }
}

/** The entries of an audit file's text; a line that is torn is left out. */
export function parseAudit(text: string): AuditEntry[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as AuditEntry]
    } catch {
      return []
    }
  })
}
