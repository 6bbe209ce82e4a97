/** What edits of a file of authorized keys have in common, whatever they go over. */
import { TrustError } from '../errors'

/** Largest file that is edited. */
export const MAX_FILE = 16 * 1024 * 1024
/** How often an edit is made anew because the file was changed meanwhile. */
export const MAX_TRIES = 30

export interface EditOptions {
  /** Who is logged in, for `%u`. */
  user: string
  /**
   * As AuthorizedKeysFile of sshd_config(5): absolute, or relative to the home; with `%h` at its
   * start, `%u`, `%%`. `.ssh/authorized_keys` if left out, and /etc/dropbear/authorized_keys for
   * root on OpenWrt with dropbear.
   */
  path?: string
  /**
   * Whether modes of the file, its directory and the home are mended that keep sshd from using the
   * file (StrictModes), also where the edit changes nothing. True if left out.
   */
  mend?: boolean
  /** `created` of an earlier edit: what of that is empty after this one is removed. */
  removeIfEmpty?: readonly string[]
}

/**
 * From the file (empty if there is none) to its new content; undefined to leave it as it is.
 * `missing`: what `created` of the result will be if it is written.
 */
export type EditContent = (content: Buffer, missing: readonly string[]) => Buffer | undefined

export interface EditResult {
  /** The file itself, where symbolic links lead to it. */
  path: string
  via: 'shell' | 'sftp'
  /** Whether the file was written or removed. */
  changed: boolean
  /** Whether the file is empty now, or absent. */
  empty: boolean
  /** Absolute paths of directories and the file that were not there before, in order of making. */
  created: string[]
  /** What `removeIfEmpty` has removed. */
  removed: string[]
  /** What was mended, in words: `made /home/x/.ssh 0755, was 0775`. */
  mends: string[]
  /** What StrictModes does not like and is not ours to mend, in words. */
  warnings: string[]
}

/** Where the file is. */
export interface Place {
  /** `dropbear`: in the home, unless this is OpenWrt. */
  from: 'root' | 'home' | 'dropbear'
  path: string
}

export function changedTooOften(): TrustError {
  return new TrustError(
    'remote-file-changed',
    `The file was changed by others ${MAX_TRIES} times while it was being edited.`,
    { hint: 'Find out what writes it all the time, or try again later.' },
  )
}

export function stillLocked(lock: string): TrustError {
  return new TrustError('remote-file-locked', `Another job keeps ${lock} on the host.`, {
    hint: 'If no other job is running, remove that directory.',
  })
}

export function mendInWords(path: string, was: string, is: string): string {
  return `made ${path} ${is}, was ${was}`
}
