/**
 * Taking everything back: the journal replayed in reverse. Each undo is idempotent and stands alone;
 * what fails is told and does not stop the rest.
 */
import { rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAudit } from '../agent/audit'
import { agentStatus, stopAgent, type AgentAddress } from '../agent/control'
import { explain, systemCode, TrustError } from '../errors'
import { editFile, readText, statOf } from '../local/files'
import { isJournalPath, readJournal, removeJobDirectory, type Effect } from '../local/journal'
import { removeBlock } from '../local/ssh-config'
import { stillRuns, type ProcessIdentity } from '../process-identity'
import { undoHostTrust, type HostTrustEffect } from './host-trust-undo'
import { revoke, type Granted } from './revocation'
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
  const attempt = async (effect: Effect): Promise<void> => {
    const { kind, target } = effect
    try {
      results.push({ kind, target, ...(await undo(effect, agentOf(effects, token), token)) })
    } catch (error) {
      results.push({ kind, target, outcome: 'failed', detail: explain(error) })
    }
  }
  const granted = latestOf(effects.filter(isOnHost))
  // The agent must still be there, and hosts need not wait for one another.
  await Promise.all(
    [...new Set(granted.map(({ target }) => target))].map(async (host) => {
      for (const effect of granted.filter(({ target }) => target === host)) await attempt(effect)
    }),
  )
  for (const effect of effects.toReversed()) {
    if (!isOnHost(effect)) await attempt(effect)
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

type OnHost = Granted | HostTrustEffect

function isOnHost(effect: Effect): effect is OnHost {
  return ['authorized-key', 'remote-file', 'known-host'].includes(effect.kind)
}

/** The latest record of each line and file on a host, the latest line first. */
function latestOf(records: readonly OnHost[]): OnHost[] {
  const what = (one: OnHost): string => (one.kind === 'remote-file' ? one.path : one.line)
  const latest = new Map(records.map((one) => [`${one.kind} ${one.target} ${what(one)}`, one]))
  return [...latest.values()].filter(({ undone }) => undone !== true).toReversed()
}

/** Where the job's agent is to be asked. */
function agentOf(effects: readonly Effect[], token: string | undefined): AgentAddress | undefined {
  const agent = effects.find(({ kind }) => kind === 'agent')
  return agent === undefined || token === undefined ? undefined : { socket: agent.target, token }
}

async function undo(
  effect: Effect,
  agent: AgentAddress | undefined,
  token: string | undefined,
): Promise<Outcome> {
  switch (effect.kind) {
    case 'authorized-key':
      return revoke(effect, agent)
    case 'remote-file':
    case 'known-host':
      return undoHostTrust(effect, agent)
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
  if (token === undefined) return NOTHING
  try {
    await stopAgent({ socket, token })
    return UNDONE
  } catch (error) {
    if (isNobody(error)) return NOTHING
    throw error
  }
}

/** Nobody listens: an agent that was killed leaves its socket, which goes with the directory. */
function isNobody(error: unknown): boolean {
  const cause = error instanceof TrustError ? error.cause : undefined
  return ['ECONNREFUSED', 'ENOENT'].includes(systemCode(cause) ?? '')
}

async function endProcess(
  agent: ProcessIdentity,
  socket: string,
  token: string | undefined,
): Promise<Outcome> {
  const address = token === undefined ? undefined : { socket, token }
  if (!(await agentRuns(agent, address))) return NOTHING
  const told =
    address !== undefined &&
    (await stopAgent(address).then(
      () => true,
      () => false,
    ))
  // By pid alone, and perhaps after its end, it may be somebody else's process that a signal ends.
  if (!told && agent.start !== undefined) process.kill(agent.pid, 'SIGTERM')
  for (let waited = 0; waited < AGENT_END; waited += 5) {
    if (!stillRuns(agent)) return UNDONE
    await sleep(5)
  }
  if (!(await agentRuns(agent, address))) return UNDONE
  process.kill(agent.pid, 'SIGKILL')
  return { outcome: 'undone', detail: 'it had to be killed' }
}

/**
 * Whether the agent's process still runs. Where the platform does not tell when a process started
 * (Windows), that pid is the agent's if the agent itself says so.
 *
 * @throws TrustError `agent-control` where it can't be known
 */
async function agentRuns(
  agent: ProcessIdentity,
  address: AgentAddress | undefined,
): Promise<boolean> {
  if (!stillRuns(agent)) return false
  if (agent.start !== undefined) return true
  if (address === undefined) {
    throw new TrustError('agent-control', `Without a token process ${agent.pid} can't be known.`)
  }
  try {
    return (await agentStatus(address)).pid === agent.pid
  } catch (error) {
    if (isNobody(error)) return false
    throw error
  }
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
