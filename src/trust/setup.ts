/**
 * The main step: hosts proven, agent started, files written. Whatever fails takes back what was done.
 */
import { mkdirSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { giveCertificate, type AgentAddress } from '../agent/control'
import { launchAgent } from '../agent/launch'
import type { Ready } from '../agent/settings'
import { TrustError } from '../errors'
import { editFile, statOf, writeNewFile } from '../local/files'
import { sshDirectory } from '../local/home'
import { openJournal, type Journal } from '../local/journal'
import { addBlock, homeBlock, renderKnownHosts, renderSshConfig } from '../local/ssh-config'
import { identify } from '../process-identity'
import { isCertificateType, plainKey } from '../ssh/certificate'
import { displayType, fingerprint, formatPublicKey, typeOfBlob } from '../ssh/public-key'
import { certify } from './certificates'
import type { Config } from './config'
import { policyHost, provenHost, proveHosts, reportHost } from './proven-hosts'
import type { KeyReport, TrustReport } from './report'
import { tearDown } from './teardown'

/** What the job is run in and by; nothing of it is the user's configuration. */
export interface Surroundings {
  /** The runner's RUNNER_TEMP. */
  temporary: string | undefined
  /** The bundles of the agent, and of the program that takes trust back if the runner dies. */
  agentFile: string
  teardownFile: string
  /** Environment of the latter, for a given journal and token. */
  teardownEnv: (journal: string, token: string) => Record<string, string>
  /** Pid of the runner. */
  runner: number
  /** Called before the first effect: what teardown must be given. */
  saveState: (journal: string, token: string) => void
}

export interface Trust {
  socket: string
  knownHosts: string
  sshConfig: string
  report: TrustReport
}

/** @throws TrustError */
export async function setUp(config: Config, surroundings: Surroundings): Promise<Trust> {
  if (process.platform === 'win32') {
    throw new TrustError('platform-unsupported', 'Windows is not supported yet.', {
      hint: 'Run this job on ubuntu or macos.',
    })
  }
  const journal = openJournal(surroundings.temporary)
  const token = randomBytes(32).toString('hex')
  surroundings.saveState(journal.path, token)
  try {
    return await make(config, surroundings, journal, token)
  } catch (error) {
    await tearDown(journal.path, token).catch(() => undefined) // post tries again
    throw error
  }
}

async function make(
  config: Config,
  surroundings: Surroundings,
  journal: Journal,
  token: string,
): Promise<Trust> {
  const paths = {
    socket: join(journal.directory, 'agent.sock'),
    auditFile: join(journal.directory, 'audit.jsonl'),
    knownHosts: join(journal.directory, 'known_hosts'),
    config: join(journal.directory, 'config'),
    report: join(journal.directory, 'report.json'),
  }
  // The agent's process boots while the hosts are asked; it holds nothing until it gets its settings.
  journal.append({ kind: 'agent', target: paths.socket })
  const launching = launchAgent(surroundings.agentFile, [`${journal.directory}/`])
  const proven = await proveHosts(config.hosts, config.connectTimeout).catch((error: unknown) => {
    launching.abandon()
    throw error
  })
  const watch = identify(surroundings.runner)
  const ready = await launching.ready({
    socket: paths.socket,
    auditFile: paths.auditFile,
    token,
    policy: { ...config.policy, hosts: proven.map(policyHost) },
    ...(config.lifetime === undefined ? {} : { lifetime: config.lifetime }),
    keys: config.keys,
    ...(config.generate === undefined ? {} : { generate: config.generate }),
    ...(watch === undefined ? {} : { watch }),
    orphaned: {
      file: surroundings.teardownFile,
      env: surroundings.teardownEnv(journal.path, token),
    },
  })
  const agent = identify(ready.pid)
  if (agent !== undefined) {
    journal.append({ kind: 'agent-process', target: paths.socket, process: agent })
  }

  const identities = [
    ...(await certifyGenerated(config, ready, { socket: paths.socket, token })),
    ...ready.identities,
  ]
  const hosts = proven.map(({ line, result }) => provenHost(line, result))
  writeNewFile(paths.knownHosts, renderKnownHosts(hosts))
  writeNewFile(paths.config, renderSshConfig(hosts, paths))
  if (config.home) await includeInHome(journal, paths)

  const report: TrustReport = {
    version: 1,
    policy: config.policy.mode,
    hosts: proven.map(reportHost),
    keys: identities.map(reportKey),
    repairs: config.repairs,
    warnings: config.warnings,
  }
  writeNewFile(paths.report, `${JSON.stringify(report)}\n`)
  return {
    socket: paths.socket,
    knownHosts: paths.knownHosts,
    sshConfig: paths.config,
    report,
  }
}

/** Has the user's authority certify the generated key, where that was asked for. */
async function certifyGenerated(
  { certification }: Config,
  ready: Ready,
  agent: AgentAddress,
): Promise<Ready['identities']> {
  const generated = ready.identities.find((identity) => identity.generated)
  if (certification === undefined || generated === undefined) return []
  const key = Buffer.from(generated.blob, 'base64')
  const certificate = certify(key, certification, Date.now() / 1000)
  await giveCertificate(agent, certificate)
  return [{ ...generated, blob: certificate.toString('base64') }]
}

/** Puts the block into ~/.ssh/config that includes the job's own ssh_config. */
async function includeInHome(
  journal: Journal,
  paths: { socket: string; config: string },
): Promise<void> {
  const directory = sshDirectory()
  if (statOf(directory) === undefined) {
    journal.append({ kind: 'directory', target: directory })
    mkdirSync(directory, { mode: 0o700 })
  }
  const target = join(directory, 'config')
  const lines = homeBlock(journal.id, paths)
  const created = statOf(target) === undefined
  journal.append({ kind: 'home-block', target, id: journal.id, lines, created })
  await editFile(target, journal.id, (text) => addBlock(text, lines))
}

function reportKey({ blob, comment, generated }: Ready['identities'][number]): KeyReport {
  const bytes = Buffer.from(blob, 'base64')
  return {
    type: displayType(typeOfBlob(bytes)),
    fingerprint: fingerprint(plainKey(bytes)),
    comment,
    publicKey: formatPublicKey(bytes, comment),
    certificate: isCertificateType(typeOfBlob(bytes)),
    origin: generated ? 'generated' : 'loaded',
  }
}
