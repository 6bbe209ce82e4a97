/**
 * Taking the job's key out of authorized_keys again: by a login with the key itself, through the
 * agent's control channel, so that no password is kept.
 */
import { explain, TrustError } from '../errors'
import type { Effect } from '../local/journal'
import type { Connection } from '../remote/connect'
import { removeAuthorizedKey } from '../ssh/authorized-keys'
import type { RecordedLogins } from './job-login'
import type { EffectReport } from './report'

export type Granted = Extract<Effect, { kind: 'authorized-key' }>

type Outcome = Pick<EffectReport, 'outcome' | 'detail'>

/**
 * @param append to the journal: that the line is being taken out
 * @throws TrustError with the line that is left, where it can't be removed
 */
export async function revoke(
  granted: Granted,
  logins: RecordedLogins | undefined,
  append: (effect: Effect) => void,
): Promise<Outcome> {
  if (!granted.revoke) {
    return { outcome: 'nothing to undo', detail: `it stays, as asked; ${endOf(granted)}` }
  }
  if (logins === undefined) throw notRevoked(granted, 'the agent is gone')
  // Main has died, or failed, between its record and the host's word. (Of host trust it is another key.)
  const perhaps = granted.written !== true && granted.line.includes(granted.key)
  try {
    return await logins.over(
      granted,
      async (client) => {
        append({ ...granted, leaving: true })
        return removeGranted(client, granted)
      },
      perhaps,
    )
  } catch (error) {
    const refused = error instanceof TrustError && error.code === 'login-refused'
    if (refused && granted.leaving === true) {
      return { outcome: 'nothing to undo', detail: 'it was taken out before' }
    }
    if (refused && perhaps) {
      return { outcome: 'nothing to undo', detail: 'the key does not log in: it was not added yet' }
    }
    throw notRevoked(granted, explain(error), error)
  }
}

function endOf({ expires }: Granted): string {
  return expires === undefined ? 'it never expires' : `it expires at ${expires}`
}

/** A host that refuses the key has perhaps lost the line by somebody else's hand. */
function notRevoked(granted: Granted, why: string, cause?: unknown): TrustError {
  const { user, host, path = '~/.ssh/authorized_keys', line } = granted
  const refused = cause instanceof TrustError && cause.code === 'login-refused'
  const still = refused ? 'does not log in any more, and may still be' : 'is still'
  return new TrustError(
    'revocation-failed',
    `The key ${still} in ${path} of ${user} at ${host}; ${endOf(granted)}. ${why}`,
    { hint: `Remove this line there${refused ? ', if it is there' : ''}: ${line}`, cause },
  )
}

/** Removes the line over a connection that is there, with what was made for it. */
export async function removeGranted(client: Connection, granted: Granted): Promise<Outcome> {
  const { editAuthorizedKeys } = await import('../remote/authorized-keys') // ssh2 takes long to load
  const { user, line, newlineMended, generated, created, path } = granted
  let removed = 0
  let left = 0
  await editAuthorizedKeys(
    client,
    { user, mend: false, removeIfEmpty: created, ...(path === undefined ? {} : { path }) },
    (content) => {
      // Whatever line holds a key that was made for this job is ours.
      const removal = removeAuthorizedKey(content, line, { newlineMended, changed: generated })
      removed = removal.removed.length
      left = removal.left.length
      return removed === 0 ? undefined : removal.content
    },
  )
  if (removed > 0) return { outcome: 'undone' }
  const detail = left > 0 ? 'somebody has changed the line; it stays' : 'the line was gone'
  return { outcome: 'nothing to undo', detail }
}
