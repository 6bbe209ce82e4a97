/**
 * From the texts that a user gave (inputs of the action, flags of the command line) to a configuration
 * that is whole and right, before anything is done.
 */
import { POLICY_MODES, type PolicyMode } from '../agent/policy'
import type { LoadedKey } from '../agent/settings'
import { combine, TrustError } from '../errors'
import { certificateOnLine } from '../ssh/certificate'
import { parsePrivateKeys } from '../ssh/key-file'
import { parseKeySpec, type KeySpec, type PrivateKey } from '../ssh/private-key'
import { fingerprint } from '../ssh/public-key'
import {
  matchCertificates,
  readCertification,
  type Certification,
  type CertificationInputs,
} from './certificates'
import { parseHosts, type HostLine } from './hosts'
import { oneLine } from './report'

/** Inputs as texts, by the names of action.yml in camel case. Empty stands for not given. */
export interface Inputs extends CertificationInputs {
  sshPrivateKey: string
  passphrase: string
  sshCertificate: string
  generateKey: string
  hosts: string
  agentPolicy: string
  home: string
  connectTimeout: string
  /** Comment of a generated key: says which job made it. */
  keyComment: string
}

export interface Config {
  keys: LoadedKey[]
  generate?: KeySpec & { comment: string }
  /** How the generated key is to be certified. */
  certification?: Certification
  /** What was repaired in the keys that were given, and what to know about them. */
  repairs: string[]
  warnings: string[]
  hosts: HostLine[]
  policy: PolicyMode
  /** Whether ~/.ssh/config gets the block that includes the job's ssh_config. */
  home: boolean
  /** For each host, in milliseconds. */
  connectTimeout: number
}

/**
 * Checks all inputs, and tells of everything that is wrong in one error.
 *
 * @throws TrustError
 */
export function readConfig(inputs: Inputs): Config {
  const errors: TrustError[] = []
  const attempt = <T>(input: string, read: () => T): T | undefined => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      errors.push(error.about(input))
      return undefined
    }
  }

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
  const { hosts, errors: hostErrors } = parseHosts(inputs.hosts)
  errors.push(...hostErrors)
  const generate = spec === undefined ? {} : { generate: { ...spec, comment: inputs.keyComment } }
  const policy = attempt('agent-policy', () =>
    readPolicy(inputs.agentPolicy, hosts.length + hostErrors.length > 0),
  )
  const home = attempt('home', () => readBoolean(inputs.home))
  const connectTimeout = attempt('connect-timeout', () => readSeconds(inputs.connectTimeout))
  if (loaded !== undefined) errors.push(...unknownKeys(hosts, loaded.keys, inputs))

  if (
    errors.length > 0 ||
    loaded === undefined ||
    policy === undefined ||
    home === undefined ||
    connectTimeout === undefined
  ) {
    throw combine(errors)
  }
  return {
    ...loaded,
    ...generate,
    ...(certification === undefined ? {} : { certification }),
    hosts,
    policy,
    home,
    connectTimeout,
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
  const { keys, certificates, repairs } = parsePrivateKeys(sshPrivateKey, lines(inputs.passphrase))
  const named = keys.map((key, index) => ({ ...key, comment: commentOf(key, index) }))
  const given = [...certificates, ...lines(sshCertificate).map(readCertificateLine)]
  return { repairs, ...matchCertificates(named, given, Date.now() / 1000) }
}

/** PEM has no comments; `key=` needs something to name a key by, and a line of the log is one line. */
function commentOf({ comment }: PrivateKey, index: number): string {
  const clean = oneLine(comment).trim()
  return clean === '' ? `ssh-private-key-${index + 1}` : clean
}

/** Lines that are not empty. A passphrase's blanks are its own. */
function lines(text: string): string[] {
  return text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '')
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

function readPolicy(text: string, pinned: boolean): PolicyMode {
  if (text === '') return pinned ? 'pinned' : 'any'
  const mode = POLICY_MODES.find((name) => name === text)
  if (mode === undefined) {
    throw new TrustError('input-invalid', `${JSON.stringify(text)} is no policy.`, {
      hint: `Use one of: ${POLICY_MODES.join(', ')}.`,
    })
  }
  if (mode !== 'any' && !pinned) {
    throw new TrustError(
      'input-invalid',
      `The policy ${mode} needs hosts to go by, and hosts is empty.`,
      {
        hint: 'List the hosts of the job, one a line, each with the fingerprint of its key.',
      },
    )
  }
  return mode
}

function readBoolean(text: string): boolean {
  // The YAML 1.2 core schema's booleans, as @actions/core takes them.
  if (['', 'true', 'True', 'TRUE'].includes(text)) return true
  if (['false', 'False', 'FALSE'].includes(text)) return false
  throw new TrustError('input-invalid', `${JSON.stringify(text)} is neither true nor false.`)
}

function readSeconds(text: string): number {
  const seconds = text === '' ? 10 : Number(text)
  if (Number.isFinite(seconds) && seconds >= 1 && seconds <= 300) return seconds * 1000
  throw new TrustError(
    'input-invalid',
    `${JSON.stringify(text)} is not a number of seconds from 1 to 300.`,
  )
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
