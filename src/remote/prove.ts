/**
 * One connection to a server, as far as it takes to prove its host key: connect, versions, key
 * exchange, signature, goodbye. No login is tried and nothing is encrypted.
 */
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { TrustError } from '../errors'
import { kexInit, parseKexInit, SSH_MSG_KEXDH_REPLY, startExchange } from '../ssh/key-exchange'
import { requireRsaSize, typeOfBlob } from '../ssh/public-key'
import {
  disconnectMessage,
  disconnectReason,
  encodePacket,
  printable,
  SSH_MSG_DEBUG,
  SSH_MSG_DISCONNECT,
  SSH_MSG_IGNORE,
  SSH_MSG_KEXINIT,
  TransportReader,
} from '../ssh/transport'
import { noteNoLogin } from './penalties'
import { socketError } from './socket-error'

const VERSION = 'SSH-2.0-sshtrust'

/** More than any honest server needs for its half; an endless one is cut off here. */
const MAX_BYTES = 256 * 1024

export interface Proof {
  /** The host key, or host certificate, in wire format: proven. */
  hostKey: Buffer
  /** All host key algorithms of the server: claimed, not proven. */
  algorithms: string[]
  serverVersion: string
}

export interface Address {
  host: string
  port: number
}

/**
 * Proves one host key of the server at `address`.
 *
 * @param algorithms host key algorithms to ask for, best first
 * @param timeout for all of it, in milliseconds
 * @throws TrustError `host-not-found`, `host-refused`, `host-unreachable`, `host-timeout`,
 *   `host-closed`, `host-not-ssh`, `host-protocol`, `host-no-common-algorithm`, `host-key-type-absent`,
 *   `host-key-unproven`, `key-too-small`
 */
export async function proveHostKey(
  address: Address,
  algorithms: readonly string[],
  timeout: number,
): Promise<Proof> {
  const deadline = Date.now() + timeout
  const stream = await dial(address, timeout)
  return exchange(stream, algorithms, Math.max(1, deadline - Date.now()), (software) => {
    noteNoLogin(address, software)
  })
}

/** A TCP connection. */
async function dial({ host, port }: Address, timeout: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(
        new TrustError('host-timeout', `No answer within ${timeout / 1000} s.`, {
          hint: 'A firewall may be dropping the connection, or the machine is down. Check host, port, and the firewall rules for the address that this job comes from.',
        }),
      )
    }, timeout)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      resolve(socket)
    })
    socket.once('error', (error) => {
      clearTimeout(timer)
      reject(socketError(error, () => closed(undefined, error)))
    })
  })
}

function closed(said: string | undefined, cause?: unknown): TrustError {
  const words = said === undefined ? '' : ` It said: "${printable(said)}".`
  return new TrustError(
    'host-closed',
    `The server closed the connection before it proved its key.${words}`,
    {
      hint: 'Often MaxStartups, PerSourcePenalties, fail2ban or TCP wrappers on the server. Wait, then look at its log.',
      cause,
    },
  )
}

/**
 * The SSH part, over any byte stream. Always destroys the stream.
 *
 * @param onVersion told the server's version line, `SSH-2.0-…`
 */
async function exchange(
  stream: Duplex,
  algorithms: readonly string[],
  timeout: number,
  onVersion: (serverVersion: string) => void,
): Promise<Proof> {
  const reader = new TransportReader()
  const ourInit = kexInit(algorithms)
  let phase = 'its version line'
  let received = 0
  let serverVersion: string | undefined
  let kex: ReturnType<typeof startExchange> | undefined
  let offered: string[] = []

  /** Handles one packet; gives the proof once the server has given it. */
  const handle = (payload: Buffer, version: string): Proof | undefined => {
    const type = payload[0]
    if (type === SSH_MSG_IGNORE || type === SSH_MSG_DEBUG) return undefined
    if (type === SSH_MSG_DISCONNECT) throw closed(disconnectReason(payload))
    if (type === SSH_MSG_KEXINIT && kex === undefined) {
      offered = parseKexInit(payload).hostKeys
      kex = startExchange({ client: VERSION, server: version }, ourInit, payload, algorithms)
      stream.write(encodePacket(kex.init))
      phase = 'the key exchange'
      return undefined
    }
    if (kex?.ignoreNext === true) {
      kex.ignoreNext = false
      return undefined
    }
    if (type === SSH_MSG_KEXDH_REPLY && kex !== undefined) {
      const hostKey = kex.finish(payload)
      if (typeOfBlob(hostKey) === 'ssh-rsa') requireRsaSize(hostKey)
      return { hostKey, algorithms: offered, serverVersion: version }
    }
    throw new TrustError(
      'host-protocol',
      `The server sent the unexpected message ${type ?? 'none'}.`,
    )
  }

  const work = new Promise<Proof>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new TrustError(
          'host-timeout',
          `The server accepted the connection but did not finish ${phase} within ${Math.ceil(timeout / 1000)} s.`,
          {
            hint: 'It may be overloaded, or not an SSH server. Raise connect-timeout if it is only slow.',
          },
        ),
      )
    }, timeout)
    const settle = (): void => {
      clearTimeout(timer)
    }
    stream.on('data', (chunk: Buffer) => {
      try {
        received += chunk.length
        if (received > MAX_BYTES) {
          throw new TrustError(
            'host-protocol',
            `The server sent more than ${MAX_BYTES} bytes without proving its key.`,
          )
        }
        reader.push(chunk)
        if (serverVersion === undefined) {
          serverVersion = reader.version()
          if (serverVersion === undefined) return
          onVersion(serverVersion)
          phase = 'the negotiation'
        }
        for (let packet = reader.packet(); packet !== undefined; packet = reader.packet()) {
          const proof = handle(packet, serverVersion)
          if (proof === undefined) continue
          settle()
          stream.end(encodePacket(disconnectMessage('host key proven, thank you')))
          resolve(proof)
          return
        }
      } catch (error) {
        settle()
        reject(
          error instanceof TrustError && error.code === 'malformed'
            ? new TrustError('host-protocol', `The server broke the protocol. ${error.message}`, {
                cause: error,
              })
            : error instanceof Error
              ? error
              : new Error(String(error)),
        )
      }
    })
    const gone = (error?: Error): void => {
      settle()
      const line = reader.firstLine
      const notSsh = serverVersion === undefined && line !== undefined
      reject(
        notSsh && /^HTTP\//.test(line)
          ? new TrustError(
              'host-not-ssh',
              `What answers there is not an SSH 2 server: it says "${printable(line)}".`,
              { hint: 'Check the host name and the port.' },
            )
          : closed(line, error),
      )
    }
    stream.once('error', gone)
    stream.once('close', () => {
      gone()
    })
    stream.once('end', () => {
      gone()
    })
    stream.write(`${VERSION}\r\n`)
    stream.write(encodePacket(ourInit))
  })
  try {
    return await work
  } finally {
    // The disconnect message still goes out; then the server need not wait for us.
    stream.on('error', () => undefined)
    stream.end(() => {
      stream.destroy()
    })
  }
}
