/** What the agent knows and may do; every request is answered from it. */
import type { Audit } from './audit'
import type { Identity } from './keyring'
import type { Lock } from './lock'
import type { Policy } from './policy'

/** What one use of the action in a job has asked of the agent, for the keys that it brought. */
export interface Part {
  /** Who shows this token is the job itself: it may ask, bind and stop. */
  token: string
  policy: Policy
  /** Signatures made so far. */
  signatures: number
  /** Its keys, by their blob in base64. */
  keys: Set<string>
  /** Set when its lifetime is over: it serves no key any more. */
  over?: boolean
  /** Set when it has been taken back, and others still need the agent. */
  left?: boolean
  /** What the program that takes its trust back is to find in its environment. */
  orphanedEnv?: Record<string, string>
}

/** Itself the part that started the agent. Its policy also holds for keys that are added later. */
export interface AgentState extends Part {
  identities: Identity[]
  /** Further uses of the action in the same job, in their order. */
  joined: Part[]
  /** The job's directory, in which those who may join leave a word; absent: nobody may. */
  directory?: string
  audit: Audit
  /** Called when the last part has been taken back. */
  stop: () => void
  lock: Lock
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
