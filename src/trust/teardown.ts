/**
 * Taking everything back: the journal replayed in reverse. Each undo is idempotent and stands alone;
 * what fails is told and does not stop the rest.
 */
import { rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseAudit, type AuditEntry } from '../agent/audit'
import type { AgentAddress } from '../agent/control'
import { explain, systemCode } from '../errors'
import { readText } from '../local/files'
import { noteLeft } from '../local/job-record'
import {
  appendToJournal,
  freeSpace,
  isJournalPath,
  readJournal,
  removeEmptyJobDirectory,
  removeJobDirectory,
  type Effect,
} from '../local/journal'
import { takeOutOfHome, type TakenOut } from './home-config'
import { undoHostTrust, type HostTrustEffect } from './host-trust/undo'
import { openRecordedLogins, type RecordedLogins } from './job-login'
import { endAgent, endAgentProcess, leaveAgent, type AgentOutcome } from './job-agent'
import { revoke, type Granted } from './revocation'
import type { EffectReport, TeardownReport, TrustReport } from './report'

type Outcome = AgentOutcome

const UNDONE: Outcome = { outcome: 'undone' }
const NOTHING: Outcome = { outcome: 'nothing to undo' }

/**
 * Takes back what the job with this journal did.
 *
 * @param journalPath as main saved it in the state
 * @param token of the agent's control channel; without it the agent is ended by a signal
 * @param hostsToo whether what is left on hosts is reason to keep the journal; it is told in any case
 * @returns undefined where there is no journal: nothing was done, or it has been taken back before
 */
export async function tearDown(
  journalPath: string,
  token?: string,
  hostsToo = true,
): Promise<TeardownReport | undefined> {
  if (!isJournalPath(journalPath)) return undefined
  const effects = readJournal(journalPath)
  if (effects === undefined) {
    removeEmptyJobDirectory(journalPath)
    return undefined
  }
  const directory = dirname(journalPath)
  const report = readReport(join(directory, 'report.json'))

  const agent = agentOf(effects, token)
  const logins = agent === undefined ? undefined : openRecordedLogins(agent)
  const append = (effect: Effect): void => {
    try {
      appendToJournal(journalPath, effect)
    } catch {
      // The disk is full: then a teardown that begins again may tell of what is gone. This one goes on.
    }
  }
  const results = new Map<Effect, EffectReport>()
  const shared: Effect[] = []
  const attempt = async (effect: Effect): Promise<void> => {
    const { kind, target } = effect
    try {
      const { shared: stays, ...outcome } = await undo(effect, agent, logins, append)
      // Whoever has to begin again, since this was killed, must not ask hosts for what is gone.
      if (isOnHost(effect)) append({ ...effect, undone: true })
      if (stays === true) shared.push(effect)
      results.set(effect, { kind, target, ...outcome })
    } catch (error) {
      results.set(effect, { kind, target, outcome: 'failed', detail: explain(error) })
    }
  }
  const hasFailed = (effect: Effect): boolean => results.get(effect)?.outcome === 'failed'

  const granted = latestOf(effects.filter(isOnHost))
  // The agent must still be there, and hosts need not wait for one another.
  await Promise.all(
    [...new Set(granted.map(accountOf))].map(async (account) => {
      for (const effect of granted.filter((one) => accountOf(one) === account)) {
        await attempt(effect)
      }
    }),
  )
  logins?.end()
  const part = effects.find((effect) => effect.kind === 'agent-part')
  const signed = part === undefined ? [] : signedBy(dirname(part.journal), report)
  const here = effects.toReversed().filter((effect) => !isOnHost(effect))
  for (const effect of here) await attempt(effect)
  const audit = part === undefined ? readAudit(directory) : { entries: signed, omitted: 0 }
  const inFiles = here.filter(({ kind }) => kind === 'home-block' || kind === 'directory')
  if (inFiles.some(hasFailed)) {
    // The disk may be full, and our own files, which nobody needs by now, be what fills it.
    freeSpace(journalPath)
    for (const effect of inFiles.filter(hasFailed)) await attempt(effect)
  }
  // What could not be undone may be later: then the journal is needed again.
  const failed = effects.filter(hasFailed)
  if (shared.length > 0) noteLeft(directory)
  else if (!failed.some((effect) => hostsToo || !isOnHost(effect))) removeJobDirectory(journalPath)
  return { audit, effects: [...results.values()], ...(report === undefined ? {} : { report }) }
}

function readAudit(directory: string): TeardownReport['audit'] {
  return parseAudit(readText(join(directory, 'audit.jsonl')) ?? '')
}

/**
 * The signatures with the keys of a call that had joined another's agent. The post of that other call
 * tells of everything, refusals too.
 */
function signedBy(directory: string, report: TrustReport | undefined): AuditEntry[] {
  const keys = (report?.keys ?? []).map(({ fingerprint }) => fingerprint)
  return readAudit(directory).entries.filter(
    ({ key, verdict }) => verdict === 'signed' && key !== undefined && keys.includes(key),
  )
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

const ON_HOST = ['authorized-key', 'remote-file', 'known-host']

function isOnHost(effect: Effect): effect is OnHost {
  return ON_HOST.includes(effect.kind)
}

/** The account that something was done in, whatever the job calls its host. */
function accountOf({ user, host, port }: OnHost): string {
  return `${user}@[${host.toLowerCase()}]:${port}`
}

/** The latest record of each line and file on a host, the latest line first. */
function latestOf(records: readonly OnHost[]): OnHost[] {
  const what = (one: OnHost): string =>
    one.kind === 'remote-file'
      ? one.path
      : `${one.kind === 'authorized-key' ? (one.path ?? '') : ''} ${one.line}`
  const latest = new Map(records.map((one) => [`${one.kind} ${accountOf(one)} ${what(one)}`, one]))
  return [...latest.values()].filter(({ undone }) => undone !== true).toReversed()
}

/** Where the job's agent is to be asked. */
function agentOf(effects: readonly Effect[], token: string | undefined): AgentAddress | undefined {
  const agent = effects.find(({ kind }) => kind === 'agent' || kind === 'agent-part')
  return agent === undefined || token === undefined ? undefined : { socket: agent.target, token }
}

const FOUND: Record<TakenOut, Outcome> = {
  whole: UNDONE,
  changed: { ...UNDONE, detail: 'somebody has edited our lines; what is not ours stays' },
  nothing: { ...NOTHING, detail: 'our lines are not there' },
}

async function undo(
  effect: Effect,
  agent: AgentAddress | undefined,
  logins: RecordedLogins | undefined,
  append: (effect: Effect) => void,
): Promise<Outcome> {
  switch (effect.kind) {
    case 'authorized-key':
      return revoke(effect, logins, append)
    case 'remote-file':
    case 'known-host':
      return undoHostTrust(effect, logins)
    case 'agent':
      return endAgent(agent)
    case 'agent-process':
      return endAgentProcess(effect.process, agent)
    case 'agent-part':
      return leaveAgent(agent, effect.journal)
    case 'directory':
      return removeDirectory(effect.target)
    case 'home-block':
      return FOUND[await takeOutOfHome(effect)]
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
