/**
 * What the agent signs, and for whom. `decide` is a pure function of the policy, the identity, what
 * the connection is bound to, and the data; everything else in the agent only carries its verdict out.
 */
import { plainKey } from '../ssh/certificate'
import { judgeHostKey, type Pin } from '../ssh/pin'
import { parseUserauthRequest, type UserauthRequest } from '../ssh/userauth'
import type { Identity } from './keyring'
import type { Binding, Bindings } from './session-binding'

export const POLICY_MODES = ['pinned', 'warn', 'any'] as const

/**
 * - `pinned`: signs for logins at pinned hosts, on connections that prove which host it is.
 * - `warn`: signs on connections that prove nothing, too, and says so in the audit.
 * - `any`: an ordinary agent.
 */
export type PolicyMode = (typeof POLICY_MODES)[number]

export interface PolicyHost {
  /** How the job calls the host: its alias, or its name. */
  name: string
  /** The name that a host certificate must be for. */
  hostname: string
  /** Preferred where several lines pin the same key; no restriction. */
  user?: string
  pins: readonly Pin[]
  /** Fingerprints or comments of the only keys that may be used there; absent: all keys. */
  keys?: readonly string[]
  /** Whether the agent may be used from that host, forwarded. */
  forward: boolean
}

export interface Policy {
  mode: PolicyMode
  hosts: readonly PolicyHost[]
}

/** Why the agent did, or did not, what it was asked. docs/SECURITY.md explains each. */
export type Reason =
  // signed
  | 'host-pinned'
  | 'unbound-allowed'
  | 'any-allowed'
  // refused
  | 'unbound'
  | 'bind-failed'
  | 'not-userauth'
  | 'forwarding-hop'
  | 'session-mismatch'
  | 'host-key-mismatch'
  | 'host-not-pinned'
  | 'host-revoked'
  | 'key-not-for-host'
  | 'forward-not-allowed'
  | 'forward-not-hostbound'
  | 'key-unknown'
  | 'sha1'

export interface Verdict {
  allowed: boolean
  reason: Reason
  /** Name of the host that the signature is for, where it is known. */
  host?: string
  user?: string
  forwarded: boolean
}

/**
 * Whether the login is with this pair of keys, plain or certified: ssh offers a certificate and then
 * asks for the signature of the plain key, where the agent lists both.
 */
function isFor({ key }: UserauthRequest, { privateKey }: Identity): boolean {
  try {
    return plainKey(key).equals(privateKey.publicKey)
  } catch {
    return false // no key, or none of a type that is held here
  }
}

function allows(host: PolicyHost, identity: Identity): boolean {
  return (
    host.keys === undefined ||
    host.keys.includes(identity.fingerprint) ||
    host.keys.includes(identity.comment)
  )
}

/** The hosts whose pins a proven host key satisfies; `revoked` if any host revokes it. */
function hostsWithKey(policy: Policy, hostKey: Buffer, now: number): PolicyHost[] | 'revoked' {
  const matching: PolicyHost[] = []
  for (const host of policy.hosts) {
    const { verdict } = judgeHostKey(host.pins, host.hostname, hostKey, now)
    if (verdict === 'revoked') return 'revoked'
    if (verdict === 'ok') matching.push(host)
  }
  return matching
}

/**
 * Whether `identity` may sign `data` on a connection with these bindings.
 *
 * @param now seconds since 1970, for host certificates
 */
export function decide(
  policy: Policy,
  identity: Identity,
  bindings: Bindings,
  data: Buffer,
  now: number,
): Verdict {
  const request = parseUserauthRequest(data)
  const forwarded = bindings.list.length > 1
  const user = request === undefined ? {} : { user: request.user }
  const refuse = (reason: Reason, host?: PolicyHost): Verdict => ({
    allowed: false,
    reason,
    ...user,
    ...(host === undefined ? {} : { host: host.name }),
    forwarded,
  })

  if (policy.mode === 'any') {
    return { allowed: true, reason: 'any-allowed', ...user, forwarded }
  }
  if (bindings.failed) return refuse('bind-failed')
  if (request === undefined || !isFor(request, identity)) return refuse('not-userauth')
  const last = bindings.list.at(-1)
  if (last === undefined) {
    if (policy.mode === 'pinned') return refuse('unbound')
    return { allowed: true, reason: 'unbound-allowed', ...user, forwarded }
  }

  const mismatch = sessionMismatch(request, last)
  if (mismatch !== undefined) return refuse(mismatch)
  const hosts = hostsWithKey(policy, last.hostKey, now)
  if (hosts === 'revoked') return refuse('host-revoked')
  if (hosts.length === 0) return refuse('host-not-pinned')
  // Several lines may pin the same key: the line for this very user speaks first.
  hosts.sort((a, b) => Number(b.user === request.user) - Number(a.user === request.user))
  const host = hosts.find((candidate) => allows(candidate, identity))
  if (host === undefined) return refuse('key-not-for-host', hosts[0])
  if (forwarded) {
    // PROTOCOL, publickey-hostbound: without it a forwarded signature could be for any host.
    if (request.hostKey === undefined) return refuse('forward-not-hostbound', host)
    const blocking = blockingHop(policy, bindings.list.slice(0, -1), identity, now)
    if (blocking !== undefined) return refuse('forward-not-allowed', blocking.host ?? host)
  }
  return { allowed: true, reason: 'host-pinned', ...user, host: host.name, forwarded }
}

function sessionMismatch(request: UserauthRequest, last: Binding): Reason | undefined {
  if (last.forwarding) return 'forwarding-hop'
  if (!request.sessionId.equals(last.sessionId)) return 'session-mismatch'
  if (request.hostKey !== undefined && !request.hostKey.equals(last.hostKey)) {
    return 'host-key-mismatch'
  }
  return undefined
}

/** The first hop of a path that may not use the agent, with this key, onwards; undefined: all may. */
function blockingHop(
  policy: Policy,
  path: readonly Binding[],
  identity: Identity,
  now: number,
): { host?: PolicyHost } | undefined {
  for (const hop of path) {
    const hosts = hostsWithKey(policy, hop.hostKey, now)
    if (hosts === 'revoked') return {}
    if (hop.forwarding && hosts.some((host) => host.forward && allows(host, identity))) continue
    return hosts[0] === undefined ? {} : { host: hosts[0] }
  }
  return undefined
}

/**
 * The identities that a connection gets to see: all on an unbound one (public keys are public), on a
 * bound one those that could be used there, so that a server is offered no useless key.
 */
export function visible(
  policy: Policy,
  identities: readonly Identity[],
  bindings: Bindings,
  now: number,
): { identities: readonly Identity[]; withheld?: Reason; host?: string } {
  if (policy.mode === 'any') return { identities }
  if (bindings.failed) return { identities: [], withheld: 'bind-failed' }
  const last = bindings.list.at(-1)
  if (last === undefined) return { identities }
  const hosts = hostsWithKey(policy, last.hostKey, now)
  if (hosts === 'revoked') return { identities: [], withheld: 'host-revoked' }
  if (hosts.length === 0 && !last.forwarding) return { identities: [], withheld: 'host-not-pinned' }
  const path = last.forwarding ? bindings.list : bindings.list.slice(0, -1)
  const shown = identities.filter(
    (identity) =>
      (last.forwarding || hosts.some((host) => allows(host, identity))) &&
      blockingHop(policy, path, identity, now) === undefined,
  )
  if (shown.length > 0 || identities.length === 0) return { identities: shown }
  const name = hosts[0]?.name
  const someFitThere = identities.some(
    (identity) => last.forwarding || hosts.some((host) => allows(host, identity)),
  )
  return {
    identities: [],
    withheld: someFitThere ? 'forward-not-allowed' : 'key-not-for-host',
    ...(name === undefined ? {} : { host: name }),
  }
}
