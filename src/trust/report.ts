/**
 * What a job did, as data: the log, the job summary, the `report` output and the command line's JSON
 * all tell it from this.
 */
import type { AuditEntry } from '../agent/audit'
import type { PolicyMode } from '../agent/policy'

export interface HostReport {
  name: string
  host: string
  port: number
  status: 'ok'
  /** Of the proven key, as ssh-keygen -l names it: `ED25519`, `ED25519-CERT`. */
  keyType: string
  fingerprint: string
  /** What vouches for it: `SHA256:…`, or `CA SHA256:…`. */
  pin: string
  /** Fingerprints that the server holds too and that no pin matches. */
  stale: string[]
}

export interface KeyReport {
  type: string
  fingerprint: string
  comment: string
  /** One line: the key as it stands in authorized_keys, or the certificate as in a -cert.pub file. */
  publicKey: string
  certificate: boolean
  origin: 'loaded' | 'generated'
}

/** Something that was done outside the job's directory, and what became of it. */
export interface EffectReport {
  kind: string
  target: string
  outcome: 'undone' | 'nothing to undo' | 'failed'
  detail?: string
}

export interface TrustReport {
  version: 1
  policy: PolicyMode
  hosts: HostReport[]
  keys: KeyReport[]
  /** What was repaired in the texts of keys. */
  repairs: string[]
  warnings: string[]
}

/** What teardown adds. */
export interface TeardownReport {
  /** Absent if the job's own report could not be read. */
  report?: TrustReport
  /** What was asked of the agent, and how many entries its audit had no room for. */
  audit: { entries: AuditEntry[]; omitted: number }
  effects: EffectReport[]
}

/**
 * `text` without control characters: names and comments come from whoever asked the agent or made a
 * key, and no line of theirs may pass for a line of ours, or for a command to the runner.
 */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}
