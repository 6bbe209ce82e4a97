/**
 * What main tells the agent process through its standard input, and what the agent answers: one JSON
 * line each way. Private keys go this way alone; never through argv, environment or a file.
 */
import type { ProcessIdentity } from '../process-identity'
import { formatPin, parsePin, type Pin } from '../ssh/pin'
import { readPrivateKey, writePrivateKey, type KeySpec, type PrivateKey } from '../ssh/private-key'
import { Reader } from '../ssh/wire'
import { certifiedIdentity, plainIdentity, type Identity } from './keyring'
import type { Policy } from './policy'

/** Longest settings line: some hundred RSA keys and ten thousand hosts. */
export const MAX_SETTINGS = 16 * 1024 * 1024

export interface LoadedKey {
  privateKey: PrivateKey
  /** Its certificate in wire format. */
  certificate?: Buffer
}

/** What one use of the action asks of the agent, but for its private keys. */
export interface PartSettings {
  policy: Policy
  /** A key to be made in the agent, which never leaves it. */
  generate?: KeySpec & { comment: string }
  /** Seconds after which the agent serves no key of this part any more. */
  lifetime?: number
}

export interface AgentSettings extends PartSettings {
  socket: string
  /** On Windows: a named pipe besides; the socket is then one as Cygwin makes them. */
  pipe?: string
  /** A path, or `stderr`; absent: no audit. */
  auditFile?: string
  token: string
  keys: readonly LoadedKey[]
  /** The job's directory, if further uses of the action may join. */
  directory?: string
  /** Lifetime, in seconds, of keys that are added without one. */
  defaultLifetime?: number
  /** A program that asks a question on the screen, as ssh-askpass(1), and its environment. */
  askpass?: { file: string; env: Record<string, string> }
  /** The directory that the socket is in, if it was made for it alone: it goes with the agent. */
  socketDirectory?: string
  /** When this process is gone, `orphaned` is run and the agent ends. */
  watch?: ProcessIdentity
  /** A Node program (its path and environment) that takes the job's trust back. */
  orphaned?: { file: string; env: Record<string, string> }
}

/** What the agent says once it serves: its identities in their order, generated ones last. */
export interface Ready {
  pid: number
  identities: { blob: string; comment: string; generated: boolean }[]
}

interface EncodedPart extends Omit<PartSettings, 'policy'> {
  policy: Omit<Policy, 'hosts'> & {
    hosts: (Omit<Policy['hosts'][number], 'pins'> & { pins: string[] })[]
  }
}

export interface EncodedKey {
  privateKey: string
  certificate?: string
}

type Encoded = EncodedPart & Omit<AgentSettings, 'policy' | 'keys'> & { keys: EncodedKey[] }

export function encodeSettings(settings: AgentSettings): string {
  const encoded: Encoded = {
    ...settings,
    policy: encodePolicy(settings.policy),
    keys: encodeKeys(settings.keys),
  }
  return JSON.stringify(encoded)
}

export function decodeSettings(line: string): AgentSettings {
  const encoded = JSON.parse(line) as Encoded
  return { ...encoded, policy: decodePolicy(encoded.policy), keys: decodeKeys(encoded.keys) }
}

/** Holds no secret. */
export function encodePart(part: PartSettings): string {
  const encoded: EncodedPart = { ...part, policy: encodePolicy(part.policy) }
  return JSON.stringify(encoded)
}

export function decodePart(text: string): PartSettings {
  const encoded = JSON.parse(text) as EncodedPart
  return { ...encoded, policy: decodePolicy(encoded.policy) }
}

function encodePolicy(policy: Policy): EncodedPart['policy'] {
  const encodePins = (pins: readonly Pin[]): string[] => pins.map(formatPin)
  return {
    ...policy,
    hosts: policy.hosts.map((host) => ({ ...host, pins: encodePins(host.pins) })),
  }
}

function decodePolicy(policy: EncodedPart['policy']): Policy {
  return {
    ...policy,
    hosts: policy.hosts.map((host) => ({ ...host, pins: host.pins.map(parsePin) })),
  }
}

export function encodeKeys(keys: readonly LoadedKey[]): EncodedKey[] {
  return keys.map(({ privateKey, certificate }) => ({
    privateKey: writePrivateKey(privateKey).toString('base64'),
    ...(certificate === undefined ? {} : { certificate: certificate.toString('base64') }),
  }))
}

export function decodeKeys(keys: readonly EncodedKey[]): LoadedKey[] {
  return keys.map(({ privateKey, certificate }) => ({
    privateKey: readPrivateKey(new Reader(Buffer.from(privateKey, 'base64'))),
    ...(certificate === undefined ? {} : { certificate: Buffer.from(certificate, 'base64') }),
  }))
}

/** A key is served with its certificate, where it has one, and plain. */
export function identitiesOf({ privateKey, certificate }: LoadedKey): Identity[] {
  const plain = plainIdentity(privateKey)
  return certificate === undefined ? [plain] : [certifiedIdentity(privateKey, certificate), plain]
}

/** @param given how many of the identities, the first ones, were not made here */
export function readyWith(identities: readonly Identity[], given: number): Ready {
  return {
    pid: process.pid,
    identities: identities.map(({ blob, comment }, index) => ({
      blob: blob.toString('base64'),
      comment,
      generated: index >= given,
    })),
  }
}
