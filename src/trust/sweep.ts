/**
 * What earlier jobs of this user left on this machine, because they were killed with all that could have
 * taken it back: their runner and their agent. A job that may still be running is left alone.
 */
import { lstatSync } from 'node:fs'
import { posix } from 'node:path'
import { explain } from '../errors'
import { readJob } from '../local/job-record'
import { findJournals, readJournal } from '../local/journal'
import { thisMachine } from '../local/home-block'
import { stillRuns } from '../process-identity'
import { sweepHome } from './home-config'
import { tearDown } from './teardown'

/** Age, in milliseconds, of a directory that holds no record of its job: it was killed in between. */
const WITHOUT_RECORD = 3600 * 1000

export interface Swept {
  /** What was taken back, in words. */
  done: string[]
  /** What could not be, and what to do. */
  failed: string[]
}

/**
 * Takes back what dead jobs left. Their keys are gone, so what they put on hosts stays there until it
 * expires: that is told once.
 *
 * @param temporary the runner's RUNNER_TEMP
 * @param id of this job, whose own files are left alone
 * @param home whether ~/.ssh/config may be touched
 */
export async function sweep(
  temporary: string | undefined,
  id: string,
  home: boolean,
): Promise<Swept> {
  const swept: Swept = { done: [], failed: [] }
  for (const journal of findJournals(temporary)) {
    if (journal.includes(`ssh-trust-${id}/`)) continue
    const name = posix.basename(posix.dirname(journal))
    try {
      if (!isDead(journal)) continue
      const report = await tearDown(journal, undefined, false)
      if (report === undefined) continue // it had done nothing
      swept.done.push(`${name}, a job that was killed, was taken back`)
      for (const { target, outcome, detail } of report.effects) {
        if (outcome === 'failed') swept.failed.push(`${name}: ${target}: ${detail ?? ''}`)
      }
    } catch (error) {
      swept.failed.push(`${name}: ${explain(error)}`)
    }
  }
  if (home) {
    try {
      for (const gone of await sweepHome(id)) {
        swept.done.push(`lines of ssh-trust-${gone}, a job that was killed: out of ~/.ssh/config`)
      }
    } catch (error) {
      swept.failed.push(`~/.ssh/config: ${explain(error)}`)
    }
  }
  return swept
}

/** Whether nobody is left who could be using, or taking back, what the job did. */
function isDead(journal: string): boolean {
  const directory = posix.dirname(journal)
  const job = readJob(directory)
  if (job === undefined) {
    const age = Date.now() - (lstatSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Infinity)
    return age > WITHOUT_RECORD
  }
  if (job.host !== thisMachine()) return false
  const agents = (readJournal(journal) ?? []).flatMap((effect) =>
    effect.kind === 'agent-process' ? [effect.process] : [],
  )
  const processes = [job.main, ...(job.runner === undefined ? [] : [job.runner]), ...agents]
  return !processes.some(stillRuns)
}
