/** What a run has done so far on the hosts: recorded before it is done, taken back or settled at the end. */
import { explain } from '../../errors'
import type { HostTrustJob, OpenAccount, OpenAccounts } from './accounts'
import { forAll } from './queue'
import { undoOver, type HostTrustEffect } from './undo'
import type { MeasuredLogin } from './table'
import type { SourceKey } from './plan'
import { formatAccount, type Account } from './relations'
import type { GrantReport } from '../report'
import { removeGranted, type Granted } from '../revocation'

/** Latest records of what was done. */
type Made = Granted | HostTrustEffect

export interface Work {
  accounts: OpenAccounts
  job: HostTrustJob
  made: Made[]
  /** Keys that were made, by account and path. */
  keys: Map<string, Buffer>
  grants: GrantReport[]
  measured: MeasuredLogin[]
}

export function beginWork(accounts: OpenAccounts, job: HostTrustJob): Work {
  return { accounts, job, made: [], keys: new Map(), grants: [], measured: [] }
}

/** Until all is proven, all is to be undone, however long it may stay then. */
export function inAccount({
  label,
  destination,
  key,
}: OpenAccount): Pick<Made, 'target' | 'host' | 'port' | 'user' | 'hostKey' | 'key' | 'revoke'> {
  if (key === undefined) throw new Error('only a dry run logs in without a key of the job')
  const { host, port, user, hostKey } = destination
  return {
    target: label,
    host,
    port,
    user,
    hostKey: hostKey.toString('base64'),
    key: key.toString('base64'),
    revoke: true,
  }
}

/** The key that a source logs in with, in wire format: it may have been made in this run. */
export function publicKeyOf({ path, publicKey }: SourceKey, source: Account, work: Work): Buffer {
  const key = publicKey ?? work.keys.get(`${formatAccount(source)} ${path}`)
  if (key === undefined) throw new Error(`the key ${path} was not made`)
  return key
}

/** Undoes what this run did, over the connections that are there; what fails is left to teardown. */
export async function takeBack({ made, accounts, job }: Work): Promise<void> {
  await forAll([...accounts.values()], async ({ label, client }) => {
    for (const effect of made.filter(({ target }) => target === label).toReversed()) {
      try {
        if (effect.kind === 'authorized-key') await removeGranted(client, effect)
        else await undoOver(client, effect)
        job.journal.append({ ...effect, undone: true })
      } catch (error) {
        job.say(`could not take back ${effect.kind} ${effect.target} yet: ${explain(error)}`)
      }
    }
  })
}

/** All is proven: from now on what was made stays as long as it was asked for. */
export function settle({ made, job: { config, journal } }: Work): void {
  const revoke = config.lifetime !== undefined && config.revoke !== 'never'
  for (const effect of made) {
    // The rows that gave way were stale: they come back only if the run fails.
    journal.append(
      effect.kind === 'known-host' ? { ...effect, revoke, replaced: [] } : { ...effect, revoke },
    )
  }
}
