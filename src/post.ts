/** The action's post step: takes everything back. Without state it does nothing. */
import { explainFailedJob } from './action/diagnosis'
import { fail } from './action/failure'
import { readState } from './action/state'
import { logTeardown, writeSummary } from './action/summary'
import { tearDown } from './trust/teardown'

async function post(): Promise<void> {
  const { journal, token } = readState()
  const report = await tearDown(journal, token === '' ? undefined : token)
  if (report === undefined) return
  logTeardown(report)
  await writeSummary(report)
  await explainFailedJob() // last: nothing that it meets may keep anything from being taken back
}

post().catch(fail)
