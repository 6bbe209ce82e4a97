/**
 * The job's hosts held against their pins: what is proven of each, and, in words a person can act on,
 * what is wrong. What the agent, the ssh_config and the report need of a host is derived here.
 */
import type { PolicyHost } from '../agent/policy'
import { combine, TrustError } from '../errors'
import type { ProvenHost } from '../local/ssh-config'
import { verifyHosts, type HostResult } from '../remote/verify-hosts'
import { plainKey } from '../ssh/certificate'
import { parsePin, pinFingerprint, type Pin } from '../ssh/pin'
import { displayType, fingerprint, formatPublicKey, typeOfBlob } from '../ssh/public-key'
import { hostName, type HostLine } from './hosts'
import type { ComingKey, HostReport } from './report'

/** A line of `hosts` whose server has proven a pinned key. */
export interface Proven {
  line: HostLine
  result: Extract<HostResult, { status: 'ok' }>
}

/**
 * Holds all hosts against their pins; whatever is not right with any of them is an error.
 *
 * @param timeout for each host, in milliseconds
 * @throws TrustError
 */
export async function proveHosts(lines: readonly HostLine[], timeout: number): Promise<Proven[]> {
  // Lines for one server (other users, other keys) share one connection, and all their pins hold.
  const servers = new Map<string, { host: string; port: number; pins: Pin[] }>()
  for (const { host, port, pins } of lines) {
    const server = servers.get(address(host, port))
    if (server === undefined) servers.set(address(host, port), { host, port, pins: [...pins] })
    else server.pins.push(...pins)
  }
  const results = await verifyHosts([...servers.values()], timeout)
  const byServer = new Map([...servers.keys()].map((key, index) => [key, results[index]]))
  const proven: Proven[] = []
  const errors: TrustError[] = []
  for (const line of lines) {
    const result = byServer.get(address(line.host, line.port))
    if (result?.status === 'ok') proven.push({ line, result })
    else if (result !== undefined) errors.push(hostError(line, result))
  }
  if (errors.length > 0) throw combine(errors)
  return proven
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

/** What the agent is told of a proven host: the proven key alone, though more may be pinned. */
export function policyHost({ line, result }: Proven): PolicyHost {
  const revoked = line.pins.filter((pin) => pin.kind === 'revoked')
  const proven: Pin =
    result.pin.kind === 'cert-authority' ? result.pin : parsePin(formatPublicKey(result.hostKey))
  return pinnedHost({ ...line, pins: [proven, ...revoked] })
}

/** What an agent is told of a host that it is to take by its pins. */
export function pinnedHost(line: HostLine): PolicyHost {
  return {
    name: hostName(line),
    hostname: line.host,
    pins: line.pins,
    forward: line.forward,
    ...(line.user === undefined ? {} : { user: line.user }),
    ...(line.keys === undefined ? {} : { keys: line.keys }),
    ...(line.users === undefined ? {} : { users: line.users }),
  }
}

export function provenHost(line: HostLine, { hostKey, pin }: Proven['result']): ProvenHost {
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

/** @param coming what a login there has shown, if there was one */
export function reportHost({ line, result }: Proven, coming?: readonly ComingKey[]): HostReport {
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
    ...(coming === undefined ? {} : { coming: [...coming] }),
  }
}
