/**
 * The agent of a job: started by the first use of the action in it, joined by further ones, and ended by
 * the last that is taken back.
 */
import { connect } from 'node:net'
import { lstatSync } from 'node:fs'
import { basename, posix } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentStatus, stopAgent, type AgentAddress } from '../agent/control'
import { systemCode, TrustError } from '../errors'
import { hasLeft, readJob } from '../local/job-record'
import { isJournalPath, readJournal, removeJobDirectory } from '../local/journal'
import { thisMachine } from '../local/home-block'
import { stillRuns, type ProcessIdentity } from '../process-identity'
import type { EffectReport } from './report'

/** An agent that an earlier use of the action in this job has started. */
export interface JobAgent {
  /** As SSH_AUTH_SOCK has it. */
  socket: string
  /** Where we ask it ourselves: on Windows its pipe. */
  control: string
  /** Of the use that started it. */
  journal: string
}

/**
 * The agent that SSH_AUTH_SOCK names, if it is of this very job: of this user, on this machine, under
 * the same runner, and serving.
 */
export async function findJobAgent(
  authSock: string | undefined,
  runner: ProcessIdentity | undefined,
): Promise<JobAgent | undefined> {
  const socket = (authSock ?? '').replaceAll('\\', '/')
  const directory = posix.dirname(socket)
  const journal = posix.join(directory, 'journal.jsonl')
  if (basename(socket) !== 'agent.sock' || !isJournalPath(journal)) return undefined
  const stat = lstatSync(directory, { throwIfNoEntry: false })
  if (stat?.isDirectory() !== true || !isOwn(stat.uid) || hasLeft(directory)) return undefined
  const job = readJob(directory)
  if (job?.host !== thisMachine() || !isSame(job.runner, runner)) return undefined
  const control = readJournal(journal)?.find(({ kind }) => kind === 'agent-process')?.target
  if (control === undefined || !(await answers(control))) return undefined
  return { socket, control, journal }
}

function isOwn(uid: number): boolean {
  return process.geteuid === undefined || process.geteuid() === uid
}

function isSame(one: ProcessIdentity | undefined, other: ProcessIdentity | undefined): boolean {
  return one?.pid === other?.pid && one?.start === other?.start
}

async function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}

type Outcome = Pick<EffectReport, 'outcome' | 'detail'>

/** `shared`: the agent stays, for others of the job. */
export interface AgentOutcome extends Outcome {
  shared?: boolean
}

const UNDONE: Outcome = { outcome: 'undone' }
const NOTHING: Outcome = { outcome: 'nothing to undo' }
const SHARED: AgentOutcome = {
  outcome: 'undone',
  detail: 'the agent stays for others of this job',
  shared: true,
}

/** How long an agent that was told to end may take, in milliseconds. */
const AGENT_END = 2000

/** An agent that serves but whose process is not in the journal yet: main died in between. */
export async function endAgent(address: AgentAddress | undefined): Promise<AgentOutcome> {
  if (address === undefined) return NOTHING
  try {
    return (await stopAgent(address)) > 0 ? SHARED : UNDONE
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

/** Ends the agent's process, by a signal if it can't be told; unless others of the job still need it. */
export async function endAgentProcess(
  agent: ProcessIdentity,
  address: AgentAddress | undefined,
): Promise<AgentOutcome> {
  if (!(await agentRuns(agent, address))) return NOTHING
  const remaining =
    address === undefined ? undefined : await stopAgent(address).catch(() => undefined)
  if (remaining !== undefined && remaining > 0) return SHARED
  // By pid alone, and perhaps after its end, it may be somebody else's process that a signal ends.
  if (remaining === undefined && agent.start !== undefined) process.kill(agent.pid, 'SIGTERM')
  if (await hasEnded(agent)) return UNDONE
  if (!(await agentRuns(agent, address))) return UNDONE
  process.kill(agent.pid, 'SIGKILL')
  return { outcome: 'undone', detail: 'it had to be killed' }
}

async function hasEnded(agent: ProcessIdentity): Promise<boolean> {
  for (let waited = 0; waited < AGENT_END; waited += 5) {
    if (!stillRuns(agent)) return true
    await sleep(5)
  }
  return false
}

/**
 * Takes our keys out of an agent that another use of the action has started. If we are the last, and
 * the other was taken back before us, its directory goes with the agent.
 *
 * @param journal of the other
 */
export async function leaveAgent(
  address: AgentAddress | undefined,
  journal: string,
): Promise<Outcome> {
  const { outcome, detail, shared } = await endAgent(address)
  if (shared === true) return detail === undefined ? { outcome } : { outcome, detail }
  if (isJournalPath(journal) && hasLeft(posix.dirname(journal))) {
    const agent = readJournal(journal)?.find((effect) => effect.kind === 'agent-process')
    if (agent === undefined || (await hasEnded(agent.process))) removeJobDirectory(journal)
  }
  return { outcome }
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
