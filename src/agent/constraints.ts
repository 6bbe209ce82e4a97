/**
 * What a key was added with: lifetime, confirmation (RFC 9987 §5.2.7), and the destinations that it
 * may be used for (`restrict-destination-v00@openssh.com`, PROTOCOL.agent section 2). The rules of the
 * latter are those of OpenSSH's identity_permitted.
 */
import { TrustError } from '../errors'
import {
  hostCertificateDefect,
  isCertificateType,
  parseCertificate,
  plainKey,
} from '../ssh/certificate'
import { matchPattern } from '../ssh/pattern'
import { decodePublicKey, typeOfBlob } from '../ssh/public-key'
import { Reader } from '../ssh/wire'
import {
  RESTRICT_DESTINATION,
  SSH_AGENT_CONSTRAIN_CONFIRM,
  SSH_AGENT_CONSTRAIN_EXTENSION,
  SSH_AGENT_CONSTRAIN_LIFETIME,
} from './messages'
import type { Binding, Bindings } from './session-binding'

/** OpenSSH's AGENT_MAX_DEST_CONSTRAINTS and AGENT_USER_CONSTRAINT_MAX_LEN. */
const MAX_DESTINATIONS = 1024
const MAX_USER_PATTERN = 256
const MAX_HOSTNAME = 1024

export interface Constraints {
  /** Seconds from now on. */
  lifetime?: number
  /** Each use is to be confirmed by whoever sits at the agent. */
  confirm?: true
  /** The only uses that are allowed; absent: all. */
  destinations?: readonly Destination[]
}

/** One step of a way that a key may go: from a host, or from where the agent runs, to a host. */
export interface Destination {
  /** Absent: where the agent runs. */
  from?: Hop
  /** A pattern of user names there; absent: all. */
  user?: string
  to: Hop
}

interface Hop {
  hostname: string
  keys: { blob: Buffer; authority: boolean }[]
}

/**
 * Reads constraints to the end of the message.
 *
 * @throws TrustError `malformed`, also for constraints that are not known: a key must not be added
 *   with less protection than was asked for
 */
export function readConstraints(reader: Reader): Constraints {
  const constraints: Constraints = {}
  const once = (name: keyof Constraints): void => {
    if (constraints[name] !== undefined) throw malformed(`${name} is given twice`)
  }
  while (reader.remaining > 0) {
    const type = reader.byte()
    switch (type) {
      case SSH_AGENT_CONSTRAIN_LIFETIME:
        once('lifetime')
        constraints.lifetime = reader.uint32()
        break
      case SSH_AGENT_CONSTRAIN_CONFIRM:
        once('confirm')
        constraints.confirm = true
        break
      case SSH_AGENT_CONSTRAIN_EXTENSION: {
        // sk-provider and associated-certs are for hardware, of which there is none here.
        const name = reader.text(256)
        if (name !== RESTRICT_DESTINATION) throw malformed(`the extension ${name} is not known`)
        once('destinations')
        constraints.destinations = readDestinations(reader.string())
        break
      }
      default:
        throw malformed(`the type ${type} is not known`)
    }
  }
  return constraints
}

function malformed(what: string): TrustError {
  return new TrustError('malformed', `A constraint can't be kept: ${what}.`)
}

function readDestinations(contents: Buffer): Destination[] {
  const reader = new Reader(contents)
  const destinations: Destination[] = []
  while (reader.remaining > 0) {
    if (destinations.length >= MAX_DESTINATIONS) throw malformed('too many destinations')
    destinations.push(readDestination(new Reader(reader.string())))
  }
  // OpenSSH's agent takes this for no restriction at all.
  if (destinations.length === 0) throw malformed('a restriction to no destination')
  return destinations
}

function readDestination(reader: Reader): Destination {
  const from = readHop(new Reader(reader.string()))
  const to = readHop(new Reader(reader.string()))
  if (reader.string().length > 0) throw malformed('a destination with unknown parts')
  reader.end('a destination')
  const { hop: source, user: sourceUser } = from
  if (sourceUser !== '') throw malformed('a user at the source')
  if ((source.hostname === '') !== (source.keys.length === 0)) throw malformed('half a source')
  if (to.hop.hostname === '' || to.hop.keys.length === 0) throw malformed('half a destination')
  return {
    ...(source.hostname === '' ? {} : { from: source }),
    ...(to.user === '' ? {} : { user: to.user }),
    to: to.hop,
  }
}

function readHop(reader: Reader): { hop: Hop; user: string } {
  const user = reader.text(MAX_USER_PATTERN)
  const hostname = reader.text(MAX_HOSTNAME)
  if (/\0/.test(user + hostname)) throw malformed('a name with a zero byte')
  if (reader.string().length > 0) throw malformed('a host with unknown parts')
  const keys: Hop['keys'] = []
  while (reader.remaining > 0) {
    keys.push({ blob: readHostKey(reader), authority: reader.boolean() })
  }
  return { hop: { hostname, keys }, user }
}

/** A host key of any type: one that is not known here (a FIDO key) is kept, and never met. */
function readHostKey(reader: Reader): Buffer {
  const blob = Buffer.from(reader.string())
  try {
    decodePublicKey(plainKey(blob))
  } catch (error) {
    if (!(error instanceof TrustError && error.code === 'key-type-unsupported')) throw error
  }
  return blob
}

/**
 * Whether a key with these destinations may be used on a connection with these bindings.
 *
 * @param user to log in as; undefined where the key is not to sign but to be listed or removed
 * @param now seconds since 1970, for host certificates
 */
export function destinationsPermit(
  destinations: readonly Destination[],
  bindings: Bindings,
  user: string | undefined,
  now: number,
): boolean {
  if (bindings.failed) return false
  const path = bindings.list
  const last = path.at(-1)
  if (last === undefined) return user === undefined // at the agent's own machine: listed, not used
  if (last.forwarding && user !== undefined) return false
  const permitted = path.every((binding, index) => {
    if (index < path.length - 1 && !binding.forwarding) return false
    const asUser = binding === last ? user : undefined
    return allowsStep(destinations, path[index - 1], binding, asUser, now)
  })
  if (!permitted) return false
  // A key that may be used at this host but not beyond it is not shown to the host.
  return !last.forwarding || allowsStep(destinations, last, undefined, undefined, now)
}

function allowsStep(
  destinations: readonly Destination[],
  from: Binding | undefined,
  to: Binding | undefined,
  user: string | undefined,
  now: number,
): boolean {
  return destinations.some(
    (destination) =>
      (from === undefined
        ? destination.from === undefined
        : destination.from !== undefined && isHop(destination.from, from.hostKey, now)) &&
      (to === undefined || isHop(destination.to, to.hostKey, now)) &&
      (destination.user === undefined ||
        user === undefined ||
        matchPattern(user, destination.user)),
  )
}

function isHop({ hostname, keys }: Hop, hostKey: Buffer, now: number): boolean {
  if (!isCertificateType(typeOfBlob(hostKey))) {
    return keys.some(({ blob, authority }) => !authority && blob.equals(hostKey))
  }
  const authorities = keys.filter(({ authority }) => authority).map(({ blob }) => blob)
  try {
    const certificate = parseCertificate(hostKey)
    return hostCertificateDefect(certificate, hostname, authorities, now) === undefined
  } catch {
    return false // damaged: it can be bound, for its key is whole
  }
}
