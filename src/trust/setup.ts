/**
 * The main step: hosts proven, agent started, files written. Whatever fails takes back what was done.
 */
import { mkdirSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { launchAgent, type Launching } from '../agent/launch'
import type { PolicyHost } from '../agent/policy'
import type { Ready } from '../agent/settings'
import { TrustError } from '../errors'
import { editFile, statOf, writeNewFile } from '../local/files'
import { sshDirectory } from '../local/home'
import { openJournal, type Journal } from '../local/journal'
import {
  addBlock,
  homeBlock,
  renderKnownHosts,
  renderSshConfig,
  type ProvenHost,
} from '../local/ssh-config'
import { identify } from '../process-identity'
import { verifyHosts, type HostResult } from '../remote/verify-hosts'
import { plainKey } from '../ssh/certificate'
import { parsePin, pinFingerprint, type Pin } from '../ssh/pin'
import { displayType, fingerprint, formatPublicKey, typeOfBlob } from '../ssh/public-key'
import { combine, type Config } from './config'
import { hostName, type HostLine } from './hosts'
import type { HostReport, KeyReport, TrustReport } from './report'
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
  journal: Journal
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
    await tearDown(journal.path, token)
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
  const launching = launchAgent(surroundings.agentFile)
  const proven = await prove(config, launching)
  const watch = identify(surroundings.runner)
  const ready = await launching.ready({
    socket: paths.socket,
    auditFile: paths.auditFile,
    token,
    policy: { mode: config.policy, hosts: proven.map(policyHost) },
    keys: config.keys.map((privateKey) => ({ privateKey })),
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

  const hosts = proven.map(({ line, result }) => provenHost(line, result))
  writeNewFile(paths.knownHosts, renderKnownHosts(hosts))
  writeNewFile(paths.config, renderSshConfig(hosts, paths))
  if (config.home) await includeInHome(journal, paths)

  const report: TrustReport = {
    version: 1,
    policy: config.policy,
    hosts: proven.map(reportHost),
    keys: ready.identities.map(reportKey),
  }
  writeNewFile(paths.report, `${JSON.stringify(report)}\n`)
  return {
    journal,
    socket: paths.socket,
    knownHosts: paths.knownHosts,
    sshConfig: paths.config,
    report,
  }
}

type Proven = { line: HostLine; result: Extract<HostResult, { status: 'ok' }> }

/** All hosts held against their pins; whatever is not right with any of them stops the job. */
async function prove(config: Config, launching: Launching): Promise<Proven[]> {
  try {
    // Lines for one server (other users, other keys) share one connection, and all their pins hold.
    const servers = new Map<string, { host: string; port: number; pins: Pin[] }>()
    for (const { host, port, pins } of config.hosts) {
      const server = servers.get(address(host, port))
      if (server === undefined) servers.set(address(host, port), { host, port, pins: [...pins] })
      else server.pins.push(...pins)
    }
    const results = await verifyHosts([...servers.values()], config.connectTimeout)
    const byServer = new Map([...servers.keys()].map((key, index) => [key, results[index]]))
    const proven: Proven[] = []
    const errors: TrustError[] = []
    for (const line of config.hosts) {
      const result = byServer.get(address(line.host, line.port))
      if (result?.status === 'ok') proven.push({ line, result })
      else if (result !== undefined) errors.push(hostError(line, result))
    }
    if (errors.length > 0) throw combine(errors)
    return proven
  } catch (error) {
    launching.abandon()
    throw error
  }
}

function address(host: string, port: number): string {
  return `[${host.toLowerCase()}]:${port}`
}

function describeKey(hostKey: Buffer): string {
  return `${displayType(typeOfBlob(hostKey))} ${fingerprint(plainKey(hostKey))}`
}

function describePin(pin: Pin): string {
  const type =
    pin.kind === 'fingerprint'
      ? pin.type === undefined
        ? ''
        : `${displayType(pin.type)} `
      : `${displayType(pin.key.type)} `
  const role = pin.kind === 'cert-authority' ? 'CA ' : pin.kind === 'revoked' ? 'revoked ' : ''
  return `${role}${type}${pinFingerprint(pin)}`
}

/** What is wrong with a host, in words a person can act on. */
function hostError(line: HostLine, result: Exclude<HostResult, { status: 'ok' }>): TrustError {
  const name = hostName(line)
  const input = line.position
  if (result.status === 'unreachable') {
    const { code, message, hint } = result.error
    const details = { input, cause: result.error, ...(hint === undefined ? {} : { hint }) }
    return new TrustError(code, `${name} (port ${line.port}): ${message}`, details)
  }
  const offered = result.offered.map(describeKey).join(', ')
  const [firstOffered] = result.offered
  const offeredType =
    firstOffered === undefined ? '*' : displayType(typeOfBlob(plainKey(firstOffered))).toLowerCase()
  if (result.status === 'revoked') {
    return new TrustError(
      'host-key-revoked',
      `${name} (port ${line.port}) offered a key that is pinned as revoked: ${offered}.`,
      {
        input,
        hint: 'Somebody else may hold that key. Do not connect; find out who answers there.',
      },
    )
  }
  const pinned = line.pins
    .filter((pin) => pin.kind !== 'revoked')
    .map(describePin)
    .join(', ')
  const defect =
    result.defect === undefined ? '' : ` Its certificate was not taken: ${result.defect}.`
  return new TrustError(
    'host-key-changed',
    `The host key of ${name} (port ${line.port}) is not the pinned one. Pinned: ${pinned}. Offered: ${offered}.${defect}`,
    {
      input,
      hint: `If the server was reinstalled or its key was rotated, confirm the new fingerprint on the server itself (ssh-keygen -lf /etc/ssh/ssh_host_${offeredType}_key.pub) and change the pin. If not, somebody may be in between: do not go on.`,
    },
  )
}

function policyHost({ line, result }: Proven): PolicyHost {
  const revoked = line.pins.filter((pin) => pin.kind === 'revoked')
  const proven: Pin =
    result.pin.kind === 'cert-authority' ? result.pin : parsePin(formatPublicKey(result.hostKey))
  return {
    name: hostName(line),
    hostname: line.host,
    pins: [proven, ...revoked],
    forward: line.forward,
    ...(line.user === undefined ? {} : { user: line.user }),
    ...(line.keys === undefined ? {} : { keys: line.keys }),
  }
}

function provenHost(line: HostLine, { hostKey, pin }: Proven['result']): ProvenHost {
  const { alias, user, host, port, forward } = line
  return {
    host,
    port,
    forward,
    hostKey,
    pin,
    ...(alias === undefined ? {} : { alias }),
    ...(user === undefined ? {} : { user }),
  }
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

function reportHost({ line, result }: Proven): HostReport {
  const { hostKey, pin, stale } = result
  return {
    name: hostName(line),
    host: line.host,
    port: line.port,
    status: 'ok',
    keyType: displayType(typeOfBlob(hostKey)),
    fingerprint: fingerprint(plainKey(hostKey)),
    pin: describePin(pin),
    stale: stale.map(describeKey),
  }
}

function reportKey({ blob, comment, generated }: Ready['identities'][number]): KeyReport {
  const bytes = Buffer.from(blob, 'base64')
  return {
    type: displayType(typeOfBlob(bytes)),
    fingerprint: fingerprint(plainKey(bytes)),
    comment,
    publicKey: formatPublicKey(bytes, comment),
    origin: generated ? 'generated' : 'loaded',
  }
}
