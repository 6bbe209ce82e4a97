/**
 * Taking back what host-to-host trust has made in accounts besides lines of authorized_keys: key pairs
 * and lines of known_hosts. By a login with a key of the job, as in revocation.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentAddress } from '../agent/control'
import { explain, TrustError } from '../errors'
import type { Effect } from '../local/journal'
import type { Connection } from '../remote/connect'
import { logInWithJobKey } from './job-login'
import type { EffectReport } from './report'

export type HostTrustEffect = Extract<Effect, { kind: 'remote-file' | 'known-host' }>

type Outcome = Pick<EffectReport, 'outcome' | 'detail'>

/** Milliseconds for a login; a cancelled job has little time. */
const LOGIN_TIMEOUT = 10_000

/** Milliseconds before each further try, where the host can't be reached. */
const BACKOFF = [500, 2000]

const UNREACHABLE = ['host-refused', 'host-unreachable', 'host-timeout', 'host-closed']

/** @throws TrustError with what is left, where it can't be undone */
export async function undoHostTrust(
  effect: HostTrustEffect,
  agent: AgentAddress | undefined,
): Promise<Outcome> {
  if (!effect.revoke) return { outcome: 'nothing to undo', detail: 'it stays, as asked' }
  if (agent === undefined) throw notUndone(effect, 'The agent is gone.')
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await undoByLogin(effect, agent)
    } catch (error) {
      const wait = BACKOFF[attempt]
      const again = error instanceof TrustError && UNREACHABLE.includes(error.code)
      if (!again || wait === undefined) throw notUndone(effect, explain(error), error)
      await sleep(wait)
    }
  }
}

async function undoByLogin(effect: HostTrustEffect, agent: AgentAddress): Promise<Outcome> {
  const { host, port, user } = effect
  const client = await logInWithJobKey(
    { host, port, user, hostKey: Buffer.from(effect.hostKey, 'base64'), timeout: LOGIN_TIMEOUT },
    Buffer.from(effect.key, 'base64'),
    agent,
  )
  try {
    return await undoOver(client, effect)
  } finally {
    client.end()
  }
}

/** Undoes it over a connection that is there. */
export async function undoOver(client: Connection, effect: HostTrustEffect): Promise<Outcome> {
  const { KNOWN_HOSTS, removeGeneratedKey, removeKnownHost } = await import('../remote/account')
  if (effect.kind === 'remote-file') {
    const { path, comment, madeDirectory } = effect
    const result = await removeGeneratedKey(client, path, comment, madeDirectory)
    if (result === 'removed') return { outcome: 'undone' }
    const detail = result === 'gone' ? 'it was gone' : 'somebody has changed it; it stays'
    return { outcome: 'nothing to undo', detail }
  }
  const { editAuthorizedKeys } = await import('../remote/authorized-keys')
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
