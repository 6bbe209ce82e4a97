/** The action's main step. */
import { join } from 'node:path'
import { explainFailure } from './action/diagnosis'
import { fail } from './action/failure'
import { readInputs } from './action/inputs'
import { logPlan, logTrust, writeOutputs } from './action/outputs'
import { saveState, stateEnv } from './action/state'
import { loadConfig } from './trust/config'
import { setUp } from './trust/setup'

// Bundles lie side by side in dist; only here is known where this one is.
const dist = join(__dirname, '..')

async function main(): Promise<void> {
  const config = await loadConfig(readInputs())
  const trust = await setUp(config, {
    temporary: process.env['RUNNER_TEMP'],
    agentFile: join(dist, 'agent', 'index.js'),
    teardownFile: join(dist, 'post', 'index.js'),
    teardownEnv: stateEnv,
    runner: process.ppid,
    authSock: process.env['SSH_AUTH_SOCK'],
    saveState,
    say: logPlan,
  }).catch(async (error: unknown) => {
    await explainFailure(config, error)
    throw error
  })
  logTrust(trust)
  writeOutputs(trust)
}

main().catch(fail)
