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
  /** Further host keys that it proved after a login and that are not pinned; none is trusted for that. */
  coming?: ComingKey[]
}

/** A host key that may be that of a rotation to come. */
export interface ComingKey {
  /** As in HostReport. */
  keyType: string
  fingerprint: string
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

/** A key that a host was asked to take. */
export interface GrantReport {
  host: string
  user: string
  /** Fingerprint. */
  key: string
  /** `present`: it was there before, and stays. */
  status: 'added' | 'present' | 'failed'
  /** Path on the host. */
  file?: string
  /** ISO 8601, or `never`. */
  expires?: string
  /** What was mended on the host, and what else to know. */
  notes: string[]
  /** What somebody has to see to; among the notes, too. */
  warnings?: string[]
  error?: string
}

/** What was taken out of authorized_keys on a host, of trust that was made earlier. */
export interface RevocationReport {
  host: string
  user: string
  /** Path on the host. */
  file?: string
  /** Lines that were removed, or would be in a dry run. */
  removed: string[]
  /** Lines that match and stay, since their key is in use for this. */
  kept: string[]
  error?: string
}

/** Trust from host to host. */
export interface HostTrustReport {
  /** What was to be done, in words. */
  plan: string[]
  /** Whether it was left at that. */
  dryRun: boolean
  /** Who can log in where, as measured: a heading row, then a row for each source. */
  table: string[][]
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
  /** What was written into authorized_keys of hosts. */
  grants: GrantReport[]
  /** What `revoke-keys` took out of them. */
  revocations?: RevocationReport[]
  /** Where the `trust` input asks for any. */
  hostTrust?: HostTrustReport
  /** What earlier jobs had left on this machine, and this one has taken back. */
  swept?: string[]
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
