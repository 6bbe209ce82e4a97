/**
 * Taking everything back: the journal replayed in reverse. Each undo is idempotent and stands alone;
 * what fails is told and does not stop the rest.
 */
import { rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAudit } from '../agent/audit'
import { stopAgent } from '../agent/control'
import { explain, systemCode, TrustError } from '../errors'
import { editFile, readText, statOf } from '../local/files'
import { isJournalPath, readJournal, removeJobDirectory, type Effect } from '../local/journal'
import { removeBlock } from '../local/ssh-config'
import { stillRuns, type ProcessIdentity } from '../process-identity'
import type { EffectReport, TeardownReport, TrustReport } from './report'

type Outcome = Pick<EffectReport, 'outcome' | 'detail'>

const UNDONE: Outcome = { outcome: 'undone' }
const NOTHING: Outcome = { outcome: 'nothing to undo' }

/** How long an agent that was told to end may take. */
const AGENT_END = 2000

/**
 * Takes back what the job with this journal did.
 *
 * @param journalPath as main saved it in the state
 * @param token of the agent's control channel; without it the agent is ended by a signal
 * @returns undefined where there is no journal: nothing was done, or it has been taken back before
 */
export async function tearDown(
  journalPath: string,
  token?: string,
): Promise<TeardownReport | undefined> {
  if (!isJournalPath(journalPath)) return undefined
  const effects = readJournal(journalPath)
  if (effects === undefined) return undefined
  const directory = dirname(journalPath)
  const report = readReport(join(directory, 'report.json'))

  const results: EffectReport[] = []
  for (const effect of effects.toReversed()) {
    const { kind, target } = effect
    try {
      results.push({ kind, target, ...(await undo(effect, token)) })
    } catch (error) {
      results.push({ kind, target, outcome: 'failed', detail: explain(error) })
    }
  }
  const audit = parseAudit(readText(join(directory, 'audit.jsonl')) ?? '')
  // What could not be undone may be later: then the journal is needed again.
  if (results.every(({ outcome }) => outcome !== 'failed')) removeJobDirectory(journalPath)
  return { audit, effects: results, ...(report === undefined ? {} : { report }) }
}

function readReport(path: string): TrustReport | undefined {
  const text = readText(path)
  try {
    return text === undefined ? undefined : (JSON.parse(text) as TrustReport)
  } catch {
    return undefined
  }
}

async function undo(effect: Effect, token: string | undefined): Promise<Outcome> {
  switch (effect.kind) {
    case 'agent':
      return endAgent(effect.target, token)
    case 'agent-process':
      return endProcess(effect.process, effect.target, token)
    case 'directory':
      return removeDirectory(effect.target)
    case 'home-block':
      return takeBlockOut(effect)
  }
}

/** An agent that serves but whose process is not in the journal yet: main died in between. */
async function endAgent(socket: string, token: string | undefined): Promise<Outcome> {
  if (token === undefined || statOf(socket) === undefined) return NOTHING
  try {
    await stopAgent({ socket, token })
    return UNDONE
  } catch (error) {
    // Nobody listens: an agent that was killed leaves its socket, which goes with the directory.
    const cause = error instanceof TrustError ? error.cause : undefined
    if (['ECONNREFUSED', 'ENOENT'].includes(systemCode(cause) ?? '')) return NOTHING
    throw error
  }
}

async function endProcess(
  agent: ProcessIdentity,
  socket: string,
  token: string | undefined,
): Promise<Outcome> {
  if (!stillRuns(agent)) return NOTHING
  if (token === undefined) process.kill(agent.pid, 'SIGTERM')
  else await stopAgent({ socket, token }).catch(() => process.kill(agent.pid, 'SIGTERM'))
  for (let waited = 0; waited < AGENT_END; waited += 5) {
    if (!stillRuns(agent)) return UNDONE
    await sleep(5)
  }
  process.kill(agent.pid, 'SIGKILL')
  return { outcome: 'undone', detail: 'it had to be killed' }
}

function removeDirectory(path: string): Outcome {
  try {
    rmdirSync(path)
    return UNDONE
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return NOTHING
    if (code === 'ENOTEMPTY') {
      return { outcome: 'nothing to undo', detail: 'others have put files there; it stays' }
    }
    throw error
  }
}

async function takeBlockOut(effect: Extract<Effect, { kind: 'home-block' }>): Promise<Outcome> {
  const { target, id, lines, created } = effect
  let outcome = NOTHING
  if (statOf(dirname(target)) === undefined) return outcome
  await editFile(target, id, (text) => {
    if (text === undefined) return undefined
    const without = removeBlock(text, lines)
    if (without !== text) outcome = UNDONE
    return without === '' && created ? undefined : without
  })
  return outcome
}
