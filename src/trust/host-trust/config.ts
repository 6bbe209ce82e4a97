/** The inputs of trust from host to host, and what they ask for. */
import { TrustError } from '../../errors'
import { readTrustLifetime } from '../bootstrap-config'
import { hostName, type HostLine } from '../hosts'
import { parseRelations, type Account, type Relation } from './relations'

/** The inputs that are for it. */
export interface HostTrust {
  relations: readonly Relation[]
  /** Seconds until the lines in authorized_keys expire; absent: never. */
  lifetime?: number
  /** Whether a server that knows no expiry is an error. */
  expiryRequired: boolean
  /** `never`: what is made stays after the job, for as long as it lives. */
  revoke: 'auto' | 'never'
}

/** Inputs as texts; empty or absent stands for not given. */
export interface HostTrustInputs {
  trust?: string
  dryRun?: string
}

/** Relations and how long they last. Those inputs are also bootstrap's, which tells what is wrong with them. */
export function readHostTrust(
  inputs: HostTrustInputs & { trustLifetime: string; trustExpiry: string; revoke: string },
  hosts: readonly HostLine[],
  errors: TrustError[],
): HostTrust | undefined {
  const { trust = '', trustLifetime, trustExpiry, revoke } = inputs
  if (trust.trim() === '') return undefined
  const accounts = hosts.map((line): Account => ({
    name: hostName(line),
    ...(line.user === undefined ? {} : { user: line.user }),
  }))
  const { relations, errors: wrong } = parseRelations(trust, accounts)
  errors.push(...wrong)
  if (errors.length > 0) return undefined
  return {
    relations,
    ...readTrustLifetime(trustLifetime),
    expiryRequired: trustExpiry !== 'optional',
    revoke: revoke === 'never' ? 'never' : 'auto',
  }
}
