/**
 * Editing a file of authorized keys on a host: over its shell, or over SFTP where the account has no
 * shell.
 */
import type { Client } from 'ssh2'
import { TrustError } from '../errors'
import { openSftp, serverSoftware } from './connect'
import { editOverSftp } from './edit-over-sftp'
import { editOverShell } from './edit-over-shell'
import type { EditContent, EditOptions, EditResult, Place } from './file-edit'

export type { EditContent, EditOptions, EditResult } from './file-edit'

/**
 * Edits the file. `edit` may be called several times, each time with what the file then is.
 *
 * @throws TrustError `input-invalid` (the path), `remote-shell` (neither a shell nor SFTP),
 *   `remote-file-unsafe`, `remote-file-failed`, `remote-file-locked`, `remote-file-changed`,
 *   `host-timeout`, `host-closed`; and what `edit` throws
 */
export async function editAuthorizedKeys(
  client: Client,
  options: EditOptions,
  edit: EditContent,
): Promise<EditResult> {
  const place = placeOf(options, /^dropbear/i.test(serverSoftware(client)))
  try {
    return await editOverShell(client, place, options, edit)
  } catch (error) {
    if (!(error instanceof TrustError) || error.code !== 'remote-shell') throw error
    const sftp = await openSftp(client).catch(() => {
      throw error
    })
    try {
      return await editOverSftp(sftp, place, options, edit)
    } finally {
      sftp.end()
    }
  }
}

function placeOf({ path, user }: EditOptions, dropbear: boolean): Place {
  if (path === undefined) {
    return { from: dropbear ? 'dropbear' : 'home', path: '.ssh/authorized_keys' }
  }
  const bad = (why: string): TrustError =>
    new TrustError(
      'input-invalid',
      `${JSON.stringify(path)} is no path for authorized keys: ${why}.`,
      {
        hint: 'Write it as AuthorizedKeysFile in sshd_config, as one absolute path or one relative to the home.',
      },
    )
  const inHome = path.replace(/^(?:%h|~)(?=\/)/, '.')
  const tokens = inHome.match(/%./g) ?? []
  if (tokens.some((token) => token !== '%u' && token !== '%%')) {
    throw bad('only %h at its start, %u and %% can stand in it')
  }
  const full = inHome.replace(/%[u%]/g, (token) => (token === '%u' ? user : '%'))
  // A newline would be the end of it for the scripts.
  if (full.length > 4000 || /[\0-\x1f\x7f]/.test(full)) throw bad('it is too long or unprintable')
  const parts = full.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.length === 0 || parts.includes('..') || full.endsWith('/')) {
    throw bad('it has to name a file, without ..')
  }
  return full.startsWith('/')
    ? { from: 'root', path: `/${parts.join('/')}` }
    : { from: 'home', path: parts.join('/') }
}
