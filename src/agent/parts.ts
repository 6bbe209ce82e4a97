/**
 * Several uses of the action in one job share the agent. Each brings its own keys and its own policy for
 * them: what joins later can loosen nothing for the keys that were there before.
 */
import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { TrustError } from '../errors'
import { makePrivateKey } from '../ssh/private-key'
import { plainIdentity, withIdentity, type Identity } from './keyring'
import { mayChangeKeys, POLICY_MODES, type Policy } from './policy'
import type { Bindings } from './session-binding'
import {
  decodeKeys,
  decodePart,
  identitiesOf,
  readyWith,
  type EncodedKey,
  type Ready,
} from './settings'
import { now, type AgentState, type Part } from './state'

/** Most uses of the action in one job that join the first. */
const MAX_PARTS = 32

/** Longest word of one that joins: ten thousand hosts. */
const MAX_WORD = 16 * 1024 * 1024

export function blobName(blob: Buffer): string {
  return blob.toString('base64')
}

/** The parts that still need the agent. */
export function remaining(state: AgentState): Part[] {
  return [state, ...state.joined].filter(({ left }) => left !== true)
}

/** The parts whose word counts for what no part has brought: the agent's own for as long as it runs. */
function ofJob(state: AgentState): Part[] {
  return [state, ...state.joined.filter(({ left }) => left !== true)]
}

/** The policy for keys that no part has brought: the agent's own, and all hosts of the job. */
export function jobPolicy(state: AgentState): Policy {
  const parts = ofJob(state)
  if (parts.length === 1) return state.policy
  const mode = POLICY_MODES.find((name) => parts.some(({ policy }) => policy.mode === name))
  return {
    ...state.policy,
    mode: mode ?? state.policy.mode, // the strictest, which comes first
    hosts: parts.flatMap(({ policy }) => policy.hosts),
  }
}

/** Whether keys may be added, removed or locked over a connection: no part may have it against it. */
export function mayAllChange(bindings: Bindings, state: AgentState): boolean {
  return ofJob(state).every(({ policy }) => mayChangeKeys(policy, bindings, now()))
}

/** The parts that have brought an identity, and whose time is not over. */
function bringersOf({ blob }: Identity, state: AgentState): Part[] {
  const name = blobName(blob)
  return remaining(state).filter(({ keys, over }) => over !== true && keys.has(name))
}

/**
 * By what an identity may be used: the parts that have brought it, each with its policy. Any of them
 * will do. Signatures of keys that were added later count for the agent's own part.
 *
 * @param by the part that asks, over the control channel: it may use what it has brought, and no more
 */
export function partsFor(
  identity: Identity,
  state: AgentState,
  by?: object,
): { part: Part; policy: Policy }[] {
  const brought = bringersOf(identity, state)
  const own: Part = state
  const parts =
    brought.length === 0
      ? [{ part: own, policy: jobPolicy(state) }]
      : brought.map((part) => ({ part, policy: part.policy }))
  return by === undefined ? parts : parts.filter(({ part }) => part === by)
}

/** The identities by the policy that they are shown under; each stands once, in the agent's order. */
export function byPolicy(state: AgentState): { policy: Policy; identities: Identity[] }[] {
  const groups = new Map<Policy, Identity[]>()
  const later = jobPolicy(state)
  for (const identity of state.identities) {
    const brought = bringersOf(identity, state)
    for (const policy of brought.length === 0 ? [later] : brought.map((part) => part.policy)) {
      const group = groups.get(policy)
      if (group === undefined) groups.set(policy, [identity])
      else group.push(identity)
    }
  }
  if (groups.size === 0) return [{ policy: later, identities: [] }]
  return [...groups].map(([policy, identities]) => ({ policy, identities }))
}

/** What a further use of the action says over the control channel. The rest is in its word. */
export interface JoinRequest {
  /** Of the word, `join-…` in the job's directory. */
  id: string
  keys: EncodedKey[]
  orphanedEnv: Record<string, string>
}

/**
 * Takes another use of the action in. Whoever joins shows that it is a process of this user on this
 * machine, and no host that the agent is forwarded to, by a file in the job's directory, which nobody
 * else may enter. The file holds no secret: a digest of the token, and the policy.
 *
 * @param token that will be the part's own
 * @throws TrustError `agent-control`
 */
export async function join(
  { id, keys, orphanedEnv }: JoinRequest,
  token: Buffer,
  state: AgentState,
): Promise<Ready> {
  const word = takeWord(id, state)
  if (word.digest !== digestOf(token)) throw refused('the word is for another token')
  const { policy, generate, lifetime } = decodePart(word.part)
  const loaded = decodeKeys(keys).flatMap(identitiesOf)
  const env = readOrphanedEnv(orphanedEnv)
  // In a thread: an RSA key takes seconds, and others need not wait.
  const made =
    generate === undefined ? [] : [plainIdentity(await makePrivateKey(generate, generate.comment))]
  const brought = [...loaded, ...made]
  if (state.joined.length >= MAX_PARTS) throw refused('too many have joined')
  let identities = state.identities
  for (const identity of brought) {
    // One that is here stays as it is: a part must not change the bounds of another's key.
    if (identities.some(({ blob }) => blob.equals(identity.blob))) continue
    const more = withIdentity(identities, identity)
    if (more === undefined) throw refused('the agent is full')
    identities = more
  }
  state.identities = identities
  const part: Part = {
    token: token.toString('latin1'),
    policy,
    signatures: 0,
    keys: new Set(brought.map(({ blob }) => blobName(blob))),
    orphanedEnv: env,
  }
  state.joined.push(part)
  if (lifetime !== undefined) endLater(part, lifetime, state)
  return readyWith(brought, loaded.length)
}

/** Nothing but what the program that takes trust back asks for: the agent runs it with that, unseen. */
function readOrphanedEnv(env: Record<string, unknown>): Record<string, string> {
  const read: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (
      !/^STATE_(journal|token)$/.test(name) ||
      typeof value !== 'string' ||
      value.includes('\0')
    ) {
      throw refused('its environment is not that of a teardown')
    }
    read[name] = value
  }
  return read
}

export function digestOf(token: Buffer | string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** Name of the file in the job's directory that lets one join. */
export function wordName(id: string): string {
  return `join-${id}`
}

function takeWord(id: string, { directory }: AgentState): { digest: string; part: string } {
  if (directory === undefined) throw refused('this agent is for one alone')
  if (!/^[A-Za-z0-9]{6}$/.test(id)) throw refused('that is no id of a job')
  const path = joinPath(directory, wordName(id))
  const text = readFileSync(path, 'utf8')
  rmSync(path, { force: true })
  if (text.length > MAX_WORD) throw refused('the word is too long')
  return JSON.parse(text) as { digest: string; part: string }
}

function refused(why: string): TrustError {
  return new TrustError('agent-control', `The agent takes nobody in: ${why}.`)
}

/**
 * When the time of a part is over the agent drops its keys, but stays: it still watches the runner, and
 * its audit says why nothing is signed any more.
 */
export function endLater(part: Part, lifetime: number, state: AgentState): void {
  const end = (): void => {
    part.over = true
    dropKeysOf(part, state)
    state.audit.write({ request: 'expire', verdict: 'done', reason: 'lifetime-over' })
  }
  setTimeout(end, lifetime * 1000).unref()
}

/** Takes a part out, with the keys that it alone has brought; the agent ends with the last. */
export function leave(part: Part, state: AgentState): number {
  part.left = true
  const left = remaining(state).length
  if (left === 0)
    setImmediate(state.stop) // after the reply has been handed to the socket
  else dropKeysOf(part, state)
  return left
}

/** Drops what no other part has brought; with the agent's own part also what was added later. */
function dropKeysOf(part: Part, state: AgentState): void {
  const others = remaining(state).filter((other) => other !== part && other.over !== true)
  state.identities = state.identities.filter(({ blob }) => {
    const name = blobName(blob)
    if (others.some(({ keys }) => keys.has(name))) return true
    return part !== state && !part.keys.has(name)
  })
}
