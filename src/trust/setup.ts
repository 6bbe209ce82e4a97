/**
 * The main step: hosts proven, agent started, files written. Whatever fails takes back what was done.
 */
import { mkdirSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { giveCertificate, type AgentAddress } from '../agent/control'
import { launchAgent } from '../agent/launch'
import { newPipePath, pipePathForConfig } from '../agent/pipe'
import type { Ready } from '../agent/settings'
import { editFile, statOf, writeNewFile } from '../local/files'
import { sshDirectories } from '../local/home'
import { openJournal, type Journal } from '../local/journal'
import { addBlock, homeBlock, renderSshFiles, type SshPaths } from '../local/ssh-config'
import { identify } from '../process-identity'
import { isCertificateType, plainKey } from '../ssh/certificate'
import { displayType, fingerprint, formatPublicKey, typeOfBlob } from '../ssh/public-key'
import { bootstrapHosts, type JobKey } from './bootstrap'
import { certify } from './certificates'
import type { Config } from './config'
import { policyHost, provenHost, proveHosts, reportHost } from './proven-hosts'
import { establishTrust } from './host-trust'
import type { HostTrustReport, KeyReport, TrustReport } from './report'
import { revokeEarlierTrust } from './revoke-keys'
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
  /** Tells the plan of trust between hosts before it is carried out; absent: the report alone tells it. */
  say?: (line: string) => void
}

export interface Trust {
  socket: string
  /** On Windows: the agent's pipe, in the form that ssh takes everywhere. */
  pipe?: string
  knownHosts: string
  sshConfig: string
  report: TrustReport
}

/** @throws TrustError */
export async function setUp(config: Config, surroundings: Surroundings): Promise<Trust> {
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
  // With slashes on Windows too, where a shell or an ssh_config takes backslashes for escapes.
  const inJob = (name: string): string => `${journal.directory}/${name}`
  const socket = inJob('agent.sock')
  const pipe = process.platform === 'win32' ? newPipePath() : undefined
  const paths: SshPaths = {
    knownHosts: inJob('known_hosts'),
    config: inJob('config'),
    socket,
    ...(pipe === undefined ? {} : { pipe: pipePathForConfig(pipe) }),
  }
  // Where we ask the agent ourselves: Node knows no Cygwin sockets.
  const control = pipe ?? socket
  // The agent's process boots while the hosts are asked; it holds nothing until it gets its settings.
  journal.append({ kind: 'agent', target: control })
  const launching = launchAgent(surroundings.agentFile, [`${journal.directory}/`])
  const proven = await proveHosts(config.hosts, config.connectTimeout).catch((error: unknown) => {
    launching.abandon()
    throw error
  })
  const watch = identify(surroundings.runner)
  const ready = await launching.ready({
    socket,
    ...(pipe === undefined ? {} : { pipe }),
    auditFile: inJob('audit.jsonl'),
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
    journal.append({ kind: 'agent-process', target: control, process: agent })
  }

  const identities = [
    ...(await certifyGenerated(config, ready, { socket: control, token })),
    ...ready.identities,
  ]
  const bootstrapped =
    config.bootstrap === undefined || config.dryRun === true
      ? undefined
      : await bootstrapHosts(proven, {
          keys: jobKeys(ready.identities),
          config: config.bootstrap,
          journal,
          agent: { socket: control, token },
          timeout: config.connectTimeout,
        })
  const revocations =
    config.bootstrap === undefined || config.dryRun === true
      ? []
      : await revokeEarlierTrust(proven, config.bootstrap, {
          keep: jobKeys(ready.identities).map(({ blob }) => blob),
          timeout: config.connectTimeout,
        })
  if (config.dryRun === true) surroundings.say?.('dry-run: bootstrap and revoke-keys are left out')
  const established =
    config.hostTrust === undefined
      ? undefined
      : await establishTrust(config.hostTrust.relations, proven, {
          keys: jobKeys(ready.identities),
          config: config.hostTrust,
          journal,
          agent: { socket: control, token },
          timeout: config.connectTimeout,
          dryRun: config.dryRun === true,
          say: surroundings.say ?? (() => undefined),
          ...(config.bootstrap === undefined ? {} : { credentials: config.bootstrap.credentials }),
        })
  const hosts = proven.map(({ line, result }) => provenHost(line, result))
  for (const [path, text] of renderSshFiles(hosts, paths)) writeNewFile(path, text)
  if (config.home) await includeInHome(journal, paths)

  const report: TrustReport = {
    version: 1,
    policy: config.policy.mode,
    hosts: proven.map((host) => reportHost(host, bootstrapped?.coming.get(host.line))),
    keys: identities.map(reportKey),
    grants: [...(bootstrapped?.grants ?? []), ...(established?.grants ?? [])],
    ...(established === undefined ? {} : { hostTrust: reportHostTrust(established) }),
    revocations,
    repairs: config.repairs,
    warnings: config.warnings,
  }
  writeNewFile(inJob('report.json'), `${JSON.stringify(report)}\n`)
  return {
    socket,
    ...(paths.pipe === undefined ? {} : { pipe: paths.pipe }),
    knownHosts: paths.knownHosts,
    sshConfig: paths.config,
    report,
  }
}

function reportHostTrust({ plan, dryRun, table }: HostTrustReport): HostTrustReport {
  return { plan, dryRun, table }
}

/** The keys that hosts are to take: the generated one, else those that the user brought. */
function jobKeys(identities: Ready['identities']): JobKey[] {
  const plain = identities
    .map(({ blob, ...rest }) => ({ blob: Buffer.from(blob, 'base64'), ...rest }))
    .filter(({ blob }) => !isCertificateType(typeOfBlob(blob)))
  const generated = plain.filter((key) => key.generated)
  return generated.length > 0 ? generated : plain
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
async function includeInHome(journal: Journal, paths: SshPaths): Promise<void> {
  const lines = homeBlock(journal.id, paths)
  for (const directory of sshDirectories()) {
    if (statOf(directory) === undefined) {
      journal.append({ kind: 'directory', target: directory })
      mkdirSync(directory, { mode: 0o700 })
    }
    const target = join(directory, 'config')
    const created = statOf(target) === undefined
    journal.append({ kind: 'home-block', target, id: journal.id, lines, created })
    await editFile(target, journal.id, (text) => addBlock(text, lines))
  }
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
