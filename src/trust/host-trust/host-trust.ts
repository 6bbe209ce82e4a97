/**
 * Trust from host to host: what the relations of the `trust` input ask for is observed, planned, told,
 * and done, from the job's own logins to the accounts; each relation is proven by a login from its
 * source to its target. What fails half-way is taken back at once, what ends with the job in teardown.
 */
import { combine } from '../../errors'
import { endAll, openAccounts, type HostTrustJob } from './accounts'
import { observe } from './facts'
import { carryOut } from './steps'
import { renderTrustTable, trustRows } from './table'
import { beginWork, settle, takeBack } from './work'
import type { Proven } from '../proven-hosts'
import { planRelations, renderPlan } from './plan'
import type { Relation } from './relations'
import type { GrantReport, HostTrustReport } from '../report'

export { readHostTrust, type HostTrust, type HostTrustInputs } from './config'

/** What was written into authorized_keys goes to the other grants. */
export interface EstablishedTrust extends HostTrustReport {
  grants: GrantReport[]
}

/**
 * @returns the plan, and where it was carried out the table of measured logins
 * @throws TrustError; what was done until then has been taken back, or is left to teardown
 */
export async function establishTrust(
  relations: readonly Relation[],
  proven: readonly Proven[],
  job: HostTrustJob,
): Promise<EstablishedTrust> {
  const accounts = await openAccounts(relations, proven, job)
  try {
    const facts = await observe(relations, accounts, proven)
    const permanent = job.config.lifetime === undefined
    const plan = planRelations(relations, facts, { permanent })
    if (plan.errors.length > 0) throw combine(plan.errors)
    const lines = [...renderPlan(plan), ending(job)]
    for (const line of lines) job.say(line)
    const report = { plan: lines, dryRun: job.dryRun }
    if (job.dryRun) return { ...report, table: [], grants: [] }

    const work = beginWork(accounts, job)
    try {
      await carryOut(plan, facts, work)
    } catch (error) {
      if (work.measured.length > 0) {
        for (const line of ['logins, as measured:', ...renderTrustTable(work.measured)]) {
          job.say(line)
        }
      }
      await takeBack(work)
      throw error
    }
    settle(work)
    return { ...report, table: trustRows(work.measured), grants: work.grants }
  } finally {
    endAll(accounts)
  }
}

/** How long the trust lasts, in so many words. */
function ending({ config: { lifetime, revoke }, dryRun }: HostTrustJob): string {
  if (dryRun) return 'dry-run: nothing was done on the hosts'
  if (lifetime === undefined) {
    return 'this trust is permanent (trust-lifetime: forever): post takes nothing of it back; the same lines with a minus in front take it away'
  }
  if (revoke === 'never') {
    return 'this trust outlives the job (revoke: never): the new lines of authorized_keys expire, keys and known_hosts stay'
  }
  return 'this trust ends with the job: post takes back all that is made here, and the new lines of authorized_keys expire'
}
