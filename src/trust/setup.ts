/**
 * The main step: hosts proven, agent started, files written. Whatever fails takes back what was done.
 */
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { giveCertificate, type AgentAddress } from '../agent/control'
import { joinAgent } from '../agent/join'
import { launchAgent } from '../agent/launch'
import { newPipePath, pipePathForConfig } from '../agent/pipe'
import type { PartSettings, Ready } from '../agent/settings'
import { writeNewFile } from '../local/files'
import { recordJob } from '../local/job-record'
import { openJournal, type Journal } from '../local/journal'
import { renderSshFiles, type SshPaths } from '../local/ssh-config'
import { identify, type ProcessIdentity } from '../process-identity'
import { isCertificateType, plainKey } from '../ssh/certificate'
import { displayType, fingerprint, formatPublicKey, typeOfBlob } from '../ssh/public-key'
import { bootstrapHosts, type JobKey } from './bootstrap'
import { certify } from './certificates'
import type { Config } from './config'
import { includeInHome } from './home-config'
import { establishTrust } from './host-trust/host-trust'
import { findJobAgent, type JobAgent } from './job-agent'
import { policyHost, provenHost, proveHosts, reportHost, type Proven } from './proven-hosts'
import type { HostTrustReport, KeyReport, TrustReport } from './report'
import { revokeEarlierTrust } from './revoke-keys'
import { sweep } from './sweep'
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
  /** SSH_AUTH_SOCK: perhaps the agent of an earlier use of the action in this job. */
  authSock: string | undefined
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
  try {
    surroundings.saveState(journal.path, token) // the disk that it is on may be full
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
  const runner = identify(surroundings.runner)
  recordJob(journal.directory, runner)
  const swept = await sweep(surroundings.temporary, journal.id, config.home)
  const jobAgent = await findJobAgent(surroundings.authSock, runner)
  const work = { config, surroundings, journal, token, runner }
  const { control, ready, proven, paths } =
    jobAgent === undefined ? await startAgent(work) : await bringToAgent(jobAgent, work)

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
    swept: swept.done,
    warnings: [...config.warnings, ...swept.failed],
  }
  writeNewFile(`${journal.directory}/report.json`, `${JSON.stringify(report)}\n`)
  return {
    socket: paths.socket,
    ...(paths.pipe === undefined ? {} : { pipe: paths.pipe }),
    knownHosts: paths.knownHosts,
    sshConfig: paths.config,
    report,
  }
}

interface Work {
  config: Config
  surroundings: Surroundings
  journal: Journal
  token: string
  runner: ProcessIdentity | undefined
}

interface Served {
  /** Where we ask the agent ourselves: Node knows no Cygwin sockets. */
  control: string
  ready: Ready
  proven: Proven[]
  paths: SshPaths
}

/** Paths in the job's directory, with slashes on Windows too, where a shell takes others for escapes. */
function pathsIn({ directory }: Journal): Omit<SshPaths, 'socket'> {
  return { knownHosts: `${directory}/known_hosts`, config: `${directory}/config` }
}

/** The agent's process boots while the hosts are asked; it holds nothing until it gets its settings. */
async function startAgent({ config, surroundings, journal, token, runner }: Work): Promise<Served> {
  const socket = `${journal.directory}/agent.sock`
  const pipe = process.platform === 'win32' ? newPipePath() : undefined
  const control = pipe ?? socket
  journal.append({ kind: 'agent', target: control })
  const launching = launchAgent(surroundings.agentFile, [`${journal.directory}/`])
  const proven = await proveHosts(config.hosts, config.connectTimeout).catch((error: unknown) => {
    launching.abandon()
    throw error
  })
  const ready = await launching.ready({
    socket,
    ...(pipe === undefined ? {} : { pipe }),
    directory: journal.directory,
    auditFile: `${journal.directory}/audit.jsonl`,
    token,
    ...partOf(config, proven),
    keys: config.keys,
    ...(runner === undefined ? {} : { watch: runner }),
    orphaned: {
      file: surroundings.teardownFile,
      env: surroundings.teardownEnv(journal.path, token),
    },
  })
  const agent = identify(ready.pid)
  if (agent !== undefined) {
    journal.append({ kind: 'agent-process', target: control, process: agent })
  }
  const inConfig = pipe === undefined ? {} : { pipe: pipePathForConfig(pipe) }
  return { control, ready, proven, paths: { ...pathsIn(journal), socket, ...inConfig } }
}

/** A further use of the action in the job brings its keys, with its hosts for them, into the agent. */
async function bringToAgent(
  { control, socket, journal: first }: JobAgent,
  { config, surroundings, journal, token }: Work,
): Promise<Served> {
  const proven = await proveHosts(config.hosts, config.connectTimeout)
  journal.append({ kind: 'agent-part', target: control, journal: first })
  const ready = await joinAgent(
    { socket: control, token },
    dirname(first),
    {
      id: journal.id,
      ...partOf(config, proven),
      keys: config.keys,
      orphanedEnv: surroundings.teardownEnv(journal.path, token),
    },
    writeNewFile,
  )
  const inConfig = process.platform === 'win32' ? { pipe: pipePathForConfig(control) } : {}
  return { control, ready, proven, paths: { ...pathsIn(journal), socket, ...inConfig } }
}

/** What this use of the action asks of the agent. */
function partOf(config: Config, proven: readonly Proven[]): PartSettings {
  return {
    policy: { ...config.policy, hosts: proven.map(policyHost) },
    ...(config.lifetime === undefined ? {} : { lifetime: config.lifetime }),
    ...(config.generate === undefined ? {} : { generate: config.generate }),
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
