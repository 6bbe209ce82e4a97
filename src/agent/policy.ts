/**
 * What the agent signs, and for whom. `decide` is a pure function of the policy, the identity, what
 * the connection is bound to, and the data; everything else in the agent only carries its verdict out.
 */
import { plainKey } from '../ssh/certificate'
import { judgeHostKey, type Pin } from '../ssh/pin'
import { beginsAsSshsig, sshsigNamespace } from '../ssh/sshsig'
import { beginsAsUserauth, parseUserauthRequest, type UserauthRequest } from '../ssh/userauth'
import { destinationsPermit } from './constraints'
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
  /** The only users to log in as; absent: all. */
  users?: readonly string[]
  /** Whether the agent may be used from that host, forwarded. */
  forward: boolean
}

export interface Policy {
  mode: PolicyMode
  hosts: readonly PolicyHost[]
  /** Namespaces that `ssh-keygen -Y sign` may sign for: `git` is for commits and tags. */
  namespaces?: readonly string[]
  /** Whether data is signed that is neither a login nor an SSHSIG: host keys and CA keys do that. */
  otherData?: boolean
  /** Most signatures that the agent makes in its life. */
  maxSignatures?: number
}

/** Why the agent did, or did not, what it was asked. docs/SECURITY.md explains each. */
export type Reason =
  // signed
  | 'host-pinned'
  | 'unbound-allowed'
  | 'any-allowed'
  | 'namespace-allowed'
  | 'other-data-allowed'
  // done, of requests that are no signatures
  | 'as-asked'
  // refused
  | 'unbound'
  | 'bind-failed'
  | 'not-userauth'
  | 'namespace-not-allowed'
  | 'forwarding-hop'
  | 'session-mismatch'
  | 'host-key-mismatch'
  | 'host-not-pinned'
  | 'host-revoked'
  | 'key-not-for-host'
  | 'user-not-allowed'
  | 'destination-not-permitted'
  | 'confirmation-denied'
  | 'signatures-used-up'
  | 'lifetime-over'
  | 'locked'
  | 'passphrase-wrong'
  | 'key-refused'
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
 * @param signatures that the agent has made so far
 */
export function decide(
  policy: Policy,
  identity: Identity,
  bindings: Bindings,
  data: Buffer,
  now: number,
  signatures = 0,
): Verdict {
  const request = parseUserauthRequest(data)
  const forwarded = bindings.list.length > 1
  const facts = { forwarded, ...(request === undefined ? {} : { user: request.user }) }
  const allow = (reason: Reason): Verdict => ({ allowed: true, reason, ...facts })
  const refuse = (reason: Reason): Verdict => ({ allowed: false, reason, ...facts })

  if (policy.maxSignatures !== undefined && signatures >= policy.maxSignatures) {
    return refuse('signatures-used-up')
  }
  const outside = outsideDestinations(identity, request, bindings, now)
  if (outside !== undefined) return refuse(outside)
  if (policy.mode === 'any') return allow('any-allowed')
  if (bindings.failed) return refuse('bind-failed')
  if (request === undefined) {
    const reason = judgeOtherData(policy, data)
    if (!reason.allowed) return refuse(reason.reason)
    const blocked = blockingHop(policy, bindings.list, identity, now) !== undefined
    return blocked ? refuse('forward-not-allowed') : allow(reason.reason)
  }
  if (!isFor(request, identity)) return refuse('not-userauth')
  const last = bindings.list.at(-1)
  if (last === undefined) {
    return policy.mode === 'pinned' ? refuse('unbound') : allow('unbound-allowed')
  }
  const mismatch = sessionMismatch(request, last)
  if (mismatch !== undefined) return refuse(mismatch)
  const path = bindings.list.slice(0, -1)
  const { reason, host } = judgeLogin(policy, identity, path, last, request, now)
  const verdict = reason === 'host-pinned' ? allow(reason) : refuse(reason)
  return host === undefined ? verdict : { ...verdict, host: host.name }
}

/** What a key's own destinations say, whatever the policy is: the rules of OpenSSH's agent. */
function outsideDestinations(
  identity: Identity,
  request: UserauthRequest | undefined,
  bindings: Bindings,
  now: number,
): Reason | undefined {
  if (identity.destinations === undefined) return undefined
  const last = bindings.list.at(-1)
  if (
    last === undefined ||
    request === undefined ||
    !isFor(request, identity) ||
    !destinationsPermit(identity.destinations, bindings, request.user, now)
  ) {
    return 'destination-not-permitted'
  }
  const mismatch = sessionMismatch(request, last)
  if (mismatch !== undefined) return mismatch
  return bindings.list.length > 1 && request.hostKey === undefined
    ? 'forward-not-hostbound'
    : undefined
}

/** Data that is no login: signed files and commits, tests, certificates, host keys at work. */
function judgeOtherData(policy: Policy, data: Buffer): { allowed: boolean; reason: Reason } {
  const namespace = sshsigNamespace(data)
  if (namespace !== undefined) {
    return policy.namespaces?.includes(namespace) === true
      ? { allowed: true, reason: 'namespace-allowed' }
      : { allowed: false, reason: 'namespace-not-allowed' }
  }
  // A login in a form that is not known here is no other data.
  return policy.otherData === true && !beginsAsUserauth(data) && !beginsAsSshsig(data)
    ? { allowed: true, reason: 'other-data-allowed' }
    : { allowed: false, reason: 'not-userauth' }
}

/** A login on a connection that is bound to the session of the login, over the hops of `path`. */
function judgeLogin(
  policy: Policy,
  identity: Identity,
  path: readonly Binding[],
  last: Binding,
  request: UserauthRequest,
  now: number,
): { reason: Reason; host?: PolicyHost } {
  const hosts = hostsWithKey(policy, last.hostKey, now)
  if (hosts === 'revoked') return { reason: 'host-revoked' }
  // Several lines may pin the same key: the line for this very user speaks first.
  hosts.sort((a, b) => Number(b.user === request.user) - Number(a.user === request.user))
  const [anyHost] = hosts
  if (anyHost === undefined) return { reason: 'host-not-pinned' }
  const [forKey, ...others] = hosts.filter((candidate) => allows(candidate, identity))
  if (forKey === undefined) return { reason: 'key-not-for-host', host: anyHost }
  const host = [forKey, ...others].find(({ users }) => users?.includes(request.user) ?? true)
  if (host === undefined) return { reason: 'user-not-allowed', host: forKey }
  if (path.length === 0) return { reason: 'host-pinned', host }
  // PROTOCOL, publickey-hostbound: without it a forwarded signature could be for any host.
  if (request.hostKey === undefined) return { reason: 'forward-not-hostbound', host }
  const blocking = blockingHop(policy, path, identity, now)
  if (blocking === undefined) return { reason: 'host-pinned', host }
  const { host: hop } = blocking
  return { reason: 'forward-not-allowed', ...(hop === undefined ? {} : { host: hop }) }
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
  const within = identities.filter((identity) => isPermitted(identity, bindings, now))
  const none = (withheld: Reason, host?: PolicyHost): ReturnType<typeof visible> => ({
    identities: [],
    withheld,
    ...(host === undefined ? {} : { host: host.name }),
  })
  if (within.length === 0 && identities.length > 0) return none('destination-not-permitted')
  if (policy.mode === 'any') return { identities: within }
  if (bindings.failed) return none('bind-failed')
  const last = bindings.list.at(-1)
  if (last === undefined) return { identities: within }
  const hosts = hostsWithKey(policy, last.hostKey, now)
  if (hosts === 'revoked') return none('host-revoked')
  if (hosts.length === 0 && !last.forwarding) return none('host-not-pinned')
  const path = last.forwarding ? bindings.list : bindings.list.slice(0, -1)
  const fitting = within.filter(
    (identity) => last.forwarding || hosts.some((host) => allows(host, identity)),
  )
  const shown = fitting.filter((identity) => blockingHop(policy, path, identity, now) === undefined)
  if (shown.length > 0 || within.length === 0) return { identities: shown }
  const [blocked] = fitting
  if (blocked === undefined) return none('key-not-for-host', hosts[0])
  return none('forward-not-allowed', blockingHop(policy, path, blocked, now)?.host)
}

/** Whether a key's own destinations let it be seen, and removed, on a connection. */
export function isPermitted({ destinations }: Identity, bindings: Bindings, now: number): boolean {
  return destinations === undefined || destinationsPermit(destinations, bindings, undefined, now)
}

/**
 * Whether keys may be added, removed or locked over a connection: not from a host that may not use the
 * agent.
 */
export function mayChangeKeys(policy: Policy, bindings: Bindings, now: number): boolean {
  if (policy.mode === 'any') return true
  return (
    !bindings.failed &&
    bindings.list.every((hop) => hop.forwarding && forwardingHosts(policy, hop, now).length > 0)
  )
}

/** The hosts with `forward` that a hop can be; none if a host revokes its key. */
function forwardingHosts(policy: Policy, hop: Binding, now: number): PolicyHost[] {
  const hosts = hostsWithKey(policy, hop.hostKey, now)
  return hosts === 'revoked' ? [] : hosts.filter(({ forward }) => forward)
}
