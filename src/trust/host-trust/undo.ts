/**
 * Taking back what host-to-host trust has made in accounts besides lines of authorized_keys: key pairs
 * and lines of known_hosts. By a login with a key of the job, as in revocation.ts.
 */
import { explain, TrustError } from '../../errors'
import type { Effect } from '../../local/journal'
import type { Connection } from '../../remote/connect'
import type { RecordedLogins } from '../job-login'
import type { EffectReport } from '../report'

export type HostTrustEffect = Extract<Effect, { kind: 'remote-file' | 'known-host' }>

type Outcome = Pick<EffectReport, 'outcome' | 'detail'>

/** @throws TrustError with what is left, where it can't be undone */
export async function undoHostTrust(
  effect: HostTrustEffect,
  logins: RecordedLogins | undefined,
): Promise<Outcome> {
  if (!effect.revoke) return { outcome: 'nothing to undo', detail: 'it stays, as asked' }
  if (logins === undefined) throw notUndone(effect, 'The agent is gone.')
  try {
    return await logins.over(effect, async (client) => undoOver(client, effect))
  } catch (error) {
    throw notUndone(effect, explain(error), error)
  }
}

/** Undoes it over a connection that is there. */
export async function undoOver(client: Connection, effect: HostTrustEffect): Promise<Outcome> {
  if (effect.kind === 'remote-file') {
    const { removeGeneratedKey } = await import('../../remote/account-keys')
    const { path, comment, madeDirectory } = effect
    const result = await removeGeneratedKey(client, path, comment, madeDirectory)
    if (result === 'removed') return { outcome: 'undone' }
    const detail = result === 'gone' ? 'it was gone' : 'somebody has changed it; it stays'
    return { outcome: 'nothing to undo', detail }
  }
  const { KNOWN_HOSTS } = await import('../../remote/account')
  const { removeKnownHost } = await import('../../remote/account-known-hosts')
  const { editAuthorizedKeys } = await import('../../remote/authorized-keys')
  const { user, line, created } = effect
  let found = 0
  await editAuthorizedKeys(
    client,
    { user, path: KNOWN_HOSTS, mend: false, removeIfEmpty: created },
    (content) => {
      const rest = removeKnownHost(content, line, effect)
      found = rest === undefined ? 0 : 1
      return rest
    },
  )
  return found > 0
    ? { outcome: 'undone' }
    : { outcome: 'nothing to undo', detail: 'the line was gone' }
}

function notUndone(effect: HostTrustEffect, why: string, cause?: unknown): TrustError {
  const { user, host } = effect
  const [what, hint] =
    effect.kind === 'remote-file'
      ? [`The key ${effect.path}`, `Remove ${effect.path} and ${effect.path}.pub there.`]
      : ['A line of known_hosts', `Remove this line there: ${effect.line}`]
  const message = `${what} is still with ${user} at ${host}. ${why}`
  return new TrustError('revocation-failed', message, { hint, cause })
}
