/** The life of the agent process: settings in, keys made, socket served, end. */
import { execFile, spawn } from 'node:child_process'
import { rmdirSync, rmSync } from 'node:fs'
import { stillRuns, type ProcessIdentity } from '../process-identity'
import { generatePrivateKey } from '../ssh/private-key'
import { NO_AUDIT, openAudit } from './audit'
import { dropAllKeys } from './key-requests'
import { plainIdentity } from './keyring'
import { openLock } from './lock'
import { blobName, endLater } from './parts'
import { serveAt } from './server'
import { decodeSettings, identitiesOf, readyWith, type AgentSettings, type Ready } from './settings'
import type { AgentState } from './state'

/** How often the agent looks whether the runner still lives, in milliseconds. */
const WATCH_INTERVAL = 2000

/** Exit code of ssh-agent when a signal ends it. */
const ENDED_BY_SIGNAL = 2

/** Starts serving with the settings of one line. */
export async function runAgent(line: string): Promise<Ready> {
  const settings = decodeSettings(line)
  const identities = settings.keys.flatMap(identitiesOf)
  const given = identities.length
  if (settings.generate !== undefined) {
    identities.push(plainIdentity(generatePrivateKey(settings.generate, settings.generate.comment)))
  }
  const { auditFile, askpass, policy, token, defaultLifetime } = settings
  const audit = auditFile === undefined ? NO_AUDIT : openAudit(auditFile)

  let stopServing = (): void => {
    rmSync(settings.socket, { force: true })
  }
  const end = (code = 0): never => {
    audit.close()
    stopServing()
    if (settings.socketDirectory !== undefined) removeIfEmpty(settings.socketDirectory)
    process.exit(code)
  }
  const state: AgentState = {
    identities,
    policy,
    audit,
    token,
    keys: new Set(identities.map(({ blob }) => blobName(blob))),
    joined: [],
    stop: end,
    signatures: 0,
    ...(settings.directory === undefined ? {} : { directory: settings.directory }),
    lock: openLock(),
    ...(defaultLifetime === undefined ? {} : { defaultLifetime }),
    ...(askpass === undefined ? {} : { confirm: (question) => ask(askpass, question) }),
  }
  // As OpenSSH's agent does. (The entry's own handler stays: without any, the signal ends a process.)
  // On Windows none of these signals comes: only the control channel ends it so that it tidies up.
  process.on('SIGUSR1', () => {
    dropAllKeys(state)
  })
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => end(ENDED_BY_SIGNAL))
  }
  // As ssh-agent: in the background an interrupt is not for it.
  const inForeground = settings.watch !== undefined && settings.orphaned === undefined
  process.on('SIGINT', () => (inForeground ? end(ENDED_BY_SIGNAL) : undefined))

  stopServing = await serveAt(settings, state)
  if (settings.lifetime !== undefined) endLater(state, settings.lifetime, state)
  watchRunner(settings, state, end)
  return readyWith(identities, given)
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // somebody else has put something there
  }
}

/** Asks by an ssh-askpass(1): yes is an exit with 0 and an answer that is empty or `yes`. */
async function ask(
  { file, env }: { file: string; env: Record<string, string> },
  question: string,
): Promise<boolean> {
  // readpass.c: the hint lets the program show two buttons instead of a field for a passphrase.
  const options = { env: { ...env, SSH_ASKPASS_PROMPT: 'confirm' }, maxBuffer: 1024 }
  return new Promise((resolve) => {
    execFile(file, [question], options, (error, answer) => {
      resolve(error === null && /^(yes)?$/i.test(answer.split(/[\r\n]/, 1)[0] ?? ''))
    })
  })
}

/**
 * If the runner dies, post never runs: then the agent starts the program that takes the job's trust
 * back, the latest part of it first, and that program stops the agent. Where the runner can't be seen (it is outside the
 * container) there is nothing to watch; the end of the container ends the agent.
 */
function watchRunner(
  { watch, orphaned }: AgentSettings,
  state: AgentState,
  end: () => never,
): void {
  if (watch === undefined) return
  const runner: ProcessIdentity = watch
  const timer = setInterval(() => {
    if (stillRuns(runner)) return
    clearInterval(timer)
    if (orphaned === undefined) end()
    const parts = [orphaned.env, ...state.joined.map(({ orphanedEnv = {} }) => orphanedEnv)]
    const takeNextBack = (): void => {
      const env = parts.pop()
      if (env === undefined) end() // what has failed may be: the keys go all the same
      try {
        takeBack(env)
      } catch {
        takeNextBack()
      }
    }
    const takeBack = (env: Record<string, string> | undefined): void => {
      // Node hands the permission model on to its children, unless it finds that word among their
      // arguments. For the program it means nothing.
      const child = spawn(process.execPath, [orphaned.file, '--permission'], {
        detached: true,
        env,
        stdio: 'ignore',
        windowsHide: true,
      })
      child.once('error', takeNextBack)
      child.once('exit', takeNextBack)
    }
    takeNextBack()
  }, WATCH_INTERVAL)
}
