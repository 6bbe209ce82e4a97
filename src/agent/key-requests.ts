/** Requests that change which keys the agent holds, or lock it: RFC 9987 §5.2, §5.4, §5.7. */
import { explain, TrustError } from '../errors'
import { readCertifiedPrivateKey } from '../ssh/private-key'
import { fingerprint } from '../ssh/public-key'
import type { Reader } from '../ssh/wire'
import { readConstraints } from './constraints'
import {
  certifiedIdentity,
  findIdentity,
  plainIdentity,
  withIdentity,
  type Identity,
} from './keyring'
import { FAILURE, SUCCESS } from './messages'
import { mayAllChange } from './parts'
import { isPermitted, type Reason } from './policy'
import type { Bindings } from './session-binding'
import { dropExpired, now, type AgentState } from './state'

/** Longest time that a timer of Node can wait, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1

/** The same for keys with and without constraints, as in OpenSSH's agent. */
export function addIdentity(reader: Reader, bindings: Bindings, state: AgentState): Buffer {
  const refuse = (detail: string, key?: string): Buffer => {
    const about = key === undefined ? {} : { key }
    state.audit.write({
      request: 'add',
      verdict: 'refused',
      reason: state.over === true ? 'lifetime-over' : 'key-refused',
      detail,
      ...about,
    })
    return FAILURE
  }
  let identity: Identity
  try {
    identity = readIdentity(reader, state.defaultLifetime)
  } catch (error) {
    return refuse(explain(error))
  }
  const { fingerprint: key, comment } = identity
  if (state.over === true) return refuse("the agent's lifetime is over", key)
  if (!mayAllChange(bindings, state)) return refuse('forwarded, unasked for', key)
  // A key that is not seen on this connection must not be replaced over it, and freed so.
  const known = findIdentity(state.identities, identity.blob)
  if (known !== undefined && !isPermitted(known, bindings, now())) {
    return refuse('it is here, for other destinations', key)
  }
  const identities = withIdentity(state.identities, identity)
  if (identities === undefined) return refuse('the agent is full', key)
  state.identities = identities
  expireInTime(state)
  state.audit.write({ request: 'add', verdict: 'done', reason: 'as-asked', key, comment })
  return SUCCESS
}

/** One timer for the key that goes next: keys can be added any number of times. */
function expireInTime(state: AgentState): void {
  clearTimeout(state.nextExpiry)
  const next = Math.min(...state.identities.map(({ expires = Infinity }) => expires))
  if (next === Infinity) return
  const time = Math.min(Math.max(next - performance.now(), 0) + 1, MAX_TIMER)
  const drop = (): void => {
    dropExpired(state)
    expireInTime(state)
  }
  state.nextExpiry = setTimeout(drop, time).unref()
}

function readIdentity(reader: Reader, defaultLifetime: number | undefined): Identity {
  const { privateKey, certificate, rest } = readCertifiedPrivateKey(reader)
  // OpenSSH's clients take no list with such a comment in it.
  if (privateKey.comment.includes('\0'))
    throw new TrustError('malformed', 'A zero byte in a comment.')
  const { lifetime = defaultLifetime, confirm, destinations } = readConstraints(rest)
  return {
    ...(certificate === undefined
      ? plainIdentity(privateKey)
      : certifiedIdentity(privateKey, certificate)),
    ...(lifetime === undefined ? {} : { expires: performance.now() + lifetime * 1000 }),
    ...(confirm === undefined ? {} : { confirm }),
    ...(destinations === undefined ? {} : { destinations }),
  }
}

export function removeIdentity(reader: Reader, bindings: Bindings, state: AgentState): Buffer {
  const blob = reader.string()
  reader.end('a remove request')
  const identity = findIdentity(state.identities, blob)
  const refused = reasonToKeep(identity, bindings, state)
  state.audit.write({
    request: 'remove',
    verdict: refused === undefined ? 'done' : 'refused',
    reason: refused ?? 'as-asked',
    key: identity?.fingerprint ?? fingerprint(blob),
  })
  if (refused !== undefined) return FAILURE
  state.identities = state.identities.filter((other) => other !== identity)
  return SUCCESS
}

function reasonToKeep(
  identity: Identity | undefined,
  bindings: Bindings,
  state: AgentState,
): Reason | undefined {
  if (!mayAllChange(bindings, state)) return 'forward-not-allowed'
  if (identity === undefined) return 'key-unknown'
  return isPermitted(identity, bindings, now()) ? undefined : 'destination-not-permitted'
}

export function removeAllIdentities(bindings: Bindings, state: AgentState): Buffer {
  if (!mayAllChange(bindings, state)) {
    state.audit.write({
      request: 'remove-all',
      verdict: 'refused',
      reason: 'forward-not-allowed',
    })
    return FAILURE
  }
  dropAllKeys(state)
  return SUCCESS
}

export function dropAllKeys(state: AgentState): void {
  state.identities = []
  state.audit.write({ request: 'remove-all', verdict: 'done', reason: 'as-asked' })
}

export async function lockAgent(
  reader: Reader,
  bindings: Bindings,
  state: AgentState,
): Promise<Buffer> {
  const allowed = mayAllChange(bindings, state)
  const locked = allowed && (await state.lock.lock(reader.string()))
  if (!locked) return FAILURE // forwarded; empty; or another connection was first
  state.audit.write({ request: 'lock', verdict: 'done', reason: 'as-asked' })
  return SUCCESS
}

export async function unlockAgent(reader: Reader, state: AgentState): Promise<Buffer> {
  if (!state.lock.isLocked()) return FAILURE
  const unlocked = await state.lock.unlock(reader.string())
  state.audit.write({
    request: 'unlock',
    verdict: unlocked ? 'done' : 'refused',
    reason: unlocked ? 'as-asked' : 'passphrase-wrong',
  })
  return unlocked ? SUCCESS : FAILURE
}
