/** The inputs that say how the job's key is to get into authorized_keys, and out again. */
import { TrustError } from '../errors'
import type { Credentials } from '../remote/connect'
import { parseKeyOptions, type KeyMatch, type KeyOption } from '../ssh/authorized-keys'
import { parsePrivateKeys } from '../ssh/key-file'
import type { PrivateKey } from '../ssh/private-key'
import { parseDuration } from './duration'
import { hostName, type HostLine } from './hosts'
import { readLines, type collectErrors } from './input-values'
import { readRevokeKeys } from './key-matches'

/** Inputs as texts; empty stands for not given. */
export interface BootstrapInputs {
  bootstrapPassword: string
  bootstrapKey: string
  bootstrapPassphrase: string
  authorizedKeysOptions: string
  trustLifetime: string
  trustExpiry: string
  bootstrapFailure: string
  revoke: string
  revokeKeys: string
  /** A variable of the job's environment that `password-env=` names. */
  secretOf: (name: string) => string | undefined
}

export interface Bootstrap {
  /** What to log in with, by host; the first that is accepted counts. */
  credentials: ReadonlyMap<HostLine, readonly Credentials[]>
  options: readonly KeyOption[]
  /** Seconds until the line in authorized_keys expires; absent: never. */
  lifetime?: number
  /** Whether a server that knows no expiry is an error. */
  expiryRequired: boolean
  onFailure: 'fail' | 'continue'
  revoke: 'auto' | 'always' | 'never'
  /** What is to go from those hosts, of trust that was made earlier. */
  revokeKeys: readonly KeyMatch[]
}

const DEFAULT_LIFETIME = '6h'

/** @returns undefined where no host asks for it, or `attempt` has noted an error */
export function readBootstrap(
  inputs: BootstrapInputs,
  hosts: readonly HostLine[],
  attempt: ReturnType<typeof collectErrors>['attempt'],
): Bootstrap | undefined {
  const wanted = hosts.filter(({ bootstrap }) => bootstrap)
  const options = attempt('authorized-keys-options', () =>
    parseKeyOptions(inputs.authorizedKeysOptions),
  )
  const lifetime = attempt('trust-lifetime', () => readTrustLifetime(inputs.trustLifetime))
  const expiry = attempt('trust-expiry', () =>
    readWord(inputs.trustExpiry, ['required', 'optional']),
  )
  const onFailure = attempt('bootstrap-failure', () =>
    readWord(inputs.bootstrapFailure, ['fail', 'continue']),
  )
  const revoke = attempt('revoke', () => readWord(inputs.revoke, ['auto', 'always', 'never']))
  const revokeKeys = attempt('revoke-keys', () => {
    const matches = readRevokeKeys(inputs.revokeKeys)
    if (matches.length > 0 && wanted.length === 0) throw nowhereToRevoke()
    return matches
  })
  const key = attempt('bootstrap-key', () => readKey(inputs))
  const credentials = new Map<HostLine, Credentials[]>()
  for (const line of wanted) {
    const found = attempt(line.position, () => credentialsFor(line, inputs, key))
    if (found !== undefined) credentials.set(line, found)
  }
  if (wanted.length === 0 || credentials.size < wanted.length) return undefined
  if (!options || !lifetime || !expiry || !onFailure || !revoke || !revokeKeys) return undefined
  return {
    credentials,
    options,
    ...lifetime,
    expiryRequired: expiry === 'required',
    onFailure,
    revoke,
    revokeKeys,
  }
}

function nowhereToRevoke(): TrustError {
  return new TrustError('input-invalid', 'No host is named to revoke keys on.', {
    hint: 'Write bootstrap behind those hosts in hosts.',
  })
}

function readWord<const Word extends string>(
  text: string,
  words: readonly [Word, ...Word[]],
): Word {
  if (text === '') return words[0]
  const word = words.find((candidate) => candidate === text)
  if (word !== undefined) return word
  throw new TrustError('input-invalid', `${JSON.stringify(text)} is not known here.`, {
    hint: `Use one of: ${words.join(', ')}.`,
  })
}

/** `forever` has to be said in so many words. */
export function readTrustLifetime(text: string): { lifetime?: number } {
  if (text === 'forever') return {}
  return { lifetime: parseDuration(text === '' ? DEFAULT_LIFETIME : text) }
}

function readKey({ bootstrapKey, bootstrapPassphrase }: BootstrapInputs): PrivateKey | undefined {
  if (bootstrapKey.trim() === '') return undefined
  const { keys } = parsePrivateKeys(bootstrapKey, readLines(bootstrapPassphrase))
  const [key, ...others] = keys
  if (key !== undefined && others.length === 0) return key
  throw new TrustError('key-unreadable', `There are ${keys.length} keys; one is wanted.`)
}

/** What a host's own line says goes first, then the key, then the password for all. */
function credentialsFor(
  line: HostLine,
  { bootstrapPassword, secretOf }: BootstrapInputs,
  key: PrivateKey | undefined,
): Credentials[] {
  if (line.user === undefined) {
    throw new TrustError('input-invalid', `${hostName(line)} has to say whose account it is.`, {
      hint: 'Write user@ before the host.',
    })
  }
  if (line.passwordEnv !== undefined) {
    const password = secretOf(line.passwordEnv) ?? ''
    if (password !== '') return [{ kind: 'password', password }]
    throw new TrustError('input-invalid', `The variable ${line.passwordEnv} is not set.`, {
      hint: `Give the step env: ${line.passwordEnv}, from a secret.`,
    })
  }
  const credentials: Credentials[] = []
  if (key !== undefined) credentials.push({ kind: 'key', key })
  if (bootstrapPassword !== '') credentials.push({ kind: 'password', password: bootstrapPassword })
  if (credentials.length > 0) return credentials
  throw new TrustError('input-invalid', `There is nothing to log in to ${hostName(line)} with.`, {
    hint: 'Set bootstrap-password or bootstrap-key, or password-env=NAME on its line.',
  })
}
