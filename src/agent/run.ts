/** The life of the agent process: settings in, keys made, socket served, end. */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { stillRuns, type ProcessIdentity } from '../process-identity'
import { generatePrivateKey } from '../ssh/private-key'
import { openAudit } from './audit'
import { plainIdentity } from './keyring'
import { listen } from './server'
import { decodeSettings, identitiesOf, type AgentSettings, type Ready } from './settings'

/** How often the agent looks whether the runner still lives, in milliseconds. */
const WATCH_INTERVAL = 2000

/** Starts serving with the settings of one line. */
export async function runAgent(line: string): Promise<Ready> {
  const settings = decodeSettings(line)
  const identities = settings.keys.flatMap(identitiesOf)
  const given = identities.length
  if (settings.generate !== undefined) {
    identities.push(plainIdentity(generatePrivateKey(settings.generate, settings.generate.comment)))
  }
  const audit = openAudit(settings.auditFile)

  const end = (): never => {
    rmSync(settings.socket, { force: true })
    process.exit(0)
  }
  // As OpenSSH's agent does. (The entry's own handler stays: without any, the signal ends a process.)
  process.on('SIGUSR1', () => {
    state.identities = []
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end)

  const state = { identities, policy: settings.policy, audit, token: settings.token, stop: end }
  await listen(settings.socket, state)
  watchRunner(settings, end)
  return {
    pid: process.pid,
    identities: identities.map(({ blob, comment }, index) => ({
      blob: blob.toString('base64'),
      comment,
      generated: index >= given,
    })),
  }
}

/**
 * If the runner dies, post never runs: then the agent starts the program that takes the job's trust
 * back, and that program stops the agent. Where the runner can't be seen (it is outside the
 * container) there is nothing to watch; the end of the container ends the agent.
 */
function watchRunner({ watch, orphaned }: AgentSettings, end: () => never): void {
  if (watch === undefined) return
  const runner: ProcessIdentity = watch
  const timer = setInterval(() => {
    if (stillRuns(runner)) return
    clearInterval(timer)
    if (orphaned === undefined) end()
    const child = spawn(process.execPath, [orphaned.file], {
      detached: true,
      env: orphaned.env,
      stdio: 'ignore',
    })
    child.once('error', end)
    // It stops this agent over the control channel; if it fails, the keys go all the same.
    child.once('exit', end)
  }, WATCH_INTERVAL)
}
