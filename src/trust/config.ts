/**
 * From the texts that a user gave (inputs of the action, flags of the command line) to a configuration
 * that is whole and right, before anything is done.
 */
import type { LoadedKey } from '../agent/settings'
import { combine, TrustError } from '../errors'
import { certificateOnLine } from '../ssh/certificate'
import { parsePrivateKeys } from '../ssh/key-file'
import { parseKeySpec, type KeySpec, type PrivateKey } from '../ssh/private-key'
import { fingerprint } from '../ssh/public-key'
import { readBootstrap, type Bootstrap, type BootstrapInputs } from './bootstrap-config'
import {
  matchCertificates,
  readCertification,
  type Certification,
  type CertificationInputs,
} from './certificates'
import { readHostTrust, type HostTrust, type HostTrustInputs } from './host-trust/host-trust'
import { nameClashes, parseHosts, type HostLine } from './hosts'
import { collectErrors, readBoolean, readLines, readTimeout } from './input-values'
import { readInventory, type InventoryHosts } from './inventory'
import { readPolicy, type AgentBounds, type PolicyInputs } from './policy'
import { oneLine } from './report'
import { parseShard, takeShard } from './shard'

/** Inputs as texts, by the names of action.yml in camel case. Empty stands for not given. */
export interface Inputs
  extends CertificationInputs, PolicyInputs, BootstrapInputs, HostTrustInputs {
  sshPrivateKey: string
  passphrase: string
  sshCertificate: string
  generateKey: string
  hosts: string
  /** Path of a file with more of them. */
  hostsFile?: string
  /** Which part of the hosts is this job's. */
  shard?: string
  home: string
  connectTimeout: string
  /** Comment of a generated key: says which job made it. */
  keyComment: string
}

export interface Config extends AgentBounds {
  keys: LoadedKey[]
  generate?: KeySpec & { comment: string }
  /** How the generated key is to be certified. */
  certification?: Certification
  /** How hosts are to take the job's key, where any is. */
  bootstrap?: Bootstrap
  /** Trust between hosts, where any is asked for. */
  hostTrust?: HostTrust
  /** Whether nothing is to be done on the hosts. */
  dryRun?: true
  /** What was repaired in the keys that were given, and what to know about them. */
  repairs: string[]
  warnings: string[]
  hosts: HostLine[]
  /** Whether ~/.ssh/config gets the block that includes the job's ssh_config. */
  home: boolean
  /** For each host, in milliseconds. */
  connectTimeout: number
}

/**
 * The same as readConfig, with the hosts of `hosts-file`.
 *
 * @param directory what that path is relative to
 * @throws TrustError
 */
export async function loadConfig(
  inputs: Inputs,
  directory = process.env['GITHUB_WORKSPACE'] ?? process.cwd(),
): Promise<Config> {
  const { hostsFile = '' } = inputs
  if (hostsFile === '') return readConfig(inputs)
  const inventory = await readInventory(hostsFile, directory).catch((error: unknown) => {
    if (!(error instanceof TrustError)) throw error
    return { hosts: [], errors: [error], notes: [] }
  })
  return readConfig(inputs, inventory)
}

/**
 * Checks all inputs, and tells of everything that is wrong in one error.
 *
 * @param inventory what `hosts-file` holds
 * @throws TrustError
 */
export function readConfig(inputs: Inputs, inventory?: InventoryHosts): Config {
  // Without its hosts the job would have an agent that signs for any.
  if (inventory === undefined && (inputs.hostsFile ?? '') !== '') {
    throw new Error('hosts-file has not been read')
  }
  const { errors, attempt } = collectErrors()
  const loaded = attempt('ssh-private-key', () => readKeys(inputs))
  const spec =
    inputs.generateKey === ''
      ? undefined
      : attempt('generate-key', () => parseKeySpec(inputs.generateKey))
  const certification = attempt('certificate-authority-key', () => {
    const { generateKey, keyComment } = inputs
    const read = readCertification(inputs, keyComment)
    if (read !== undefined && generateKey === '') throw nothingToCertify()
    return read
  })
  const { hosts: all, errors: hostErrors } = readHosts(inputs, inventory)
  errors.push(...hostErrors)
  const generate = spec === undefined ? {} : { generate: { ...spec, comment: inputs.keyComment } }
  const bounds = readPolicy(inputs, all.length + hostErrors.length > 0, attempt)
  const bootstrap = readBootstrap(inputs, all, attempt)
  // Whichever its shard is, each job has told of what is wrong with any host.
  const hosts = attempt('shard', () => {
    const shard = parseShard(inputs.shard ?? '')
    return shard === undefined || hostErrors.length > 0 ? all : takeShard(all, shard)
  })
  const hostTrust = readHostTrust(inputs, hosts ?? all, errors)
  const dryRun = attempt('dry-run', () => readBoolean(inputs.dryRun ?? '', false))
  const home = attempt('home', () => readBoolean(inputs.home, true))
  const connectTimeout = attempt('connect-timeout', () => readTimeout(inputs.connectTimeout, 10))
  if (loaded !== undefined) errors.push(...unknownKeys(all, loaded.keys, inputs))

  if (
    errors.length > 0 ||
    loaded === undefined ||
    hosts === undefined ||
    bounds === undefined ||
    home === undefined ||
    connectTimeout === undefined
  ) {
    throw combine(errors)
  }
  return {
    ...loaded,
    warnings: [...loaded.warnings, ...(inventory?.notes ?? [])],
    ...generate,
    ...(certification === undefined ? {} : { certification }),
    ...(bootstrap === undefined ? {} : { bootstrap }),
    ...(hostTrust === undefined ? {} : { hostTrust }),
    ...(dryRun === true ? { dryRun } : {}),
    hosts,
    ...bounds,
    home,
    connectTimeout,
  }
}

function readHosts(inputs: Inputs, inventory?: InventoryHosts): ReturnType<typeof parseHosts> {
  const { hosts, errors } = parseHosts(inputs.hosts)
  if (inventory === undefined) return { hosts, errors }
  const clashes = nameClashes(inventory.hosts, hosts)
  return {
    hosts: [...hosts, ...inventory.hosts],
    errors: [...errors, ...inventory.errors, ...clashes],
  }
}

function readKeys(inputs: Inputs): Pick<Config, 'keys' | 'repairs' | 'warnings'> {
  const { sshPrivateKey, sshCertificate, generateKey } = inputs
  if (sshPrivateKey.trim() === '') {
    if (generateKey !== '') return { keys: [], repairs: [], warnings: [] }
    throw new TrustError(
      'key-empty',
      'There is no key: ssh-private-key is empty, and generate-key is not set.',
      {
        hint: 'Is the name of the secret right? Secrets are not passed to workflows of pull requests from forks, nor to Dependabot’s.',
      },
    )
  }
  const { keys, certificates, repairs } = parsePrivateKeys(
    sshPrivateKey,
    readLines(inputs.passphrase),
  )
  const named = keys.map((key, index) => ({ ...key, comment: commentOf(key, index) }))
  const given = [...certificates, ...readLines(sshCertificate).map(readCertificateLine)]
  return { repairs, ...matchCertificates(named, given, Date.now() / 1000) }
}

/** PEM has no comments; `key=` needs something to name a key by, and a line of the log is one line. */
function commentOf({ comment }: PrivateKey, index: number): string {
  const clean = oneLine(comment).trim()
  return clean === '' ? `ssh-private-key-${index + 1}` : clean
}

function readCertificateLine(line: string): Buffer {
  const certificate = certificateOnLine(line)
  if (certificate !== undefined) return certificate
  throw new TrustError('certificate-invalid', 'This is not a certificate of OpenSSH.', {
    input: 'ssh-certificate',
    hint: 'Paste the *-cert.pub file: its line begins with ssh-ed25519-cert-v01@openssh.com or the like.',
  })
}

function nothingToCertify(): TrustError {
  return new TrustError('input-invalid', 'There is no generated key to certify.', {
    hint: 'Set generate-key, for example to ed25519. A key of your own brings its certificate in ssh-certificate.',
  })
}

/** An error for each `key=` that names no key of the job. */
function unknownKeys(
  hosts: readonly HostLine[],
  keys: readonly LoadedKey[],
  { generateKey, keyComment }: Inputs,
): TrustError[] {
  const names = keys.flatMap(({ privateKey: { publicKey, comment } }) => [
    fingerprint(publicKey),
    comment,
  ])
  if (generateKey !== '') names.push(keyComment)
  return hosts.flatMap(({ keys: wanted = [], position }) =>
    wanted
      .filter((name) => !names.includes(name))
      .map(
        (name) =>
          new TrustError('hosts-option-unknown', `key=${name} is none of the job's keys.`, {
            input: position,
            hint: `They are: ${names.join(', ')}.`,
          }),
      ),
  )
}
