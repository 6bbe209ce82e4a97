/** What the agent knows and may do; every request is answered from it. */
import type { Audit } from './audit'
import type { Identity } from './keyring'
import type { Lock } from './lock'
import type { Policy } from './policy'

export interface AgentState {
  identities: Identity[]
  policy: Policy
  audit: Audit
  /** Who shows this token is the job itself: it may ask, bind and stop. */
  token: string
  /** Called when the holder of the token asks the agent to end. */
  stop: () => void
  /** Signatures made so far. */
  signatures: number
  lock: Lock
  /** Set when the agent's own lifetime is over: it serves no key any more. */
  over?: boolean
  /** Lifetime, in seconds, of keys that are added without one. */
  defaultLifetime?: number
  /** Drops the key that goes next. */
  nextExpiry?: NodeJS.Timeout
  /** Asks whoever sits at the agent; absent where nobody does: then the answer is no. */
  confirm?: (question: string) => Promise<boolean>
}

/** Seconds since 1970, for certificates and the audit. */
export function now(): number {
  return Date.now() / 1000
}

/** Drops the keys whose lifetime is over. */
export function dropExpired(state: AgentState): void {
  const time = performance.now()
  const expired = state.identities.filter(({ expires = Infinity }) => expires <= time)
  if (expired.length === 0) return
  state.identities = state.identities.filter((identity) => !expired.includes(identity))
  for (const { fingerprint } of expired) {
    state.audit.write({
      request: 'expire',
      verdict: 'done',
      reason: 'lifetime-over',
      key: fingerprint,
    })
  }
}
