/**
 * A server in this process that breaks the protocol where a test wants it to: raw bytes before the
 * encryption, a key exchange of its own with whatever key and signature, and after the login messages
 * that no honest server sends. It counts what it got rid of, which is what the client has taken.
 */
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Server as SshServer, type Connection as ServerSide } from 'ssh2'
import type { PrivateKey } from '../../src/ssh/private-key'
import { makeSignature } from '../../src/ssh/signature'
import { encodePacket, TransportReader } from '../../src/ssh/transport'
import { byte, mpint, nameList, Reader, string, uint32 } from '../../src/ssh/wire'

export const VERSION = 'SSH-2.0-hostile'

/** RFC 4253 §12, RFC 4252 §6, RFC 4254 §9. */
export const MESSAGE = {
  disconnect: 1,
  ignore: 2,
  debug: 4,
  kexInit: 20,
  newKeys: 21,
  kexReply: 31,
  authFailure: 51,
  banner: 53,
  globalRequest: 80,
  channelData: 94,
  channelExtendedData: 95,
} as const

export interface Listener {
  port: number
  /** How many connections there were. */
  connections: () => number
  /** Bytes that clients, and the buffers of the system between us, have taken. */
  taken: () => number
  stop: () => Promise<void>
}

/** Listens on a free port; `serve` is told the number of the connection, from 0. */
export async function listen(
  serve: (socket: Socket, connection: number) => void,
): Promise<Listener> {
  const sockets: Socket[] = []
  // It does not close because the client does: a client that waits for that would wait for ever.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.resume() // else the end of the client would go unnoticed
    serve(socket, sockets.length - 1)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.length,
    taken: () =>
      sockets.reduce((sum, { bytesWritten, writableLength }) => {
        return sum + bytesWritten - writableLength
      }, 0),
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
    },
  }
}

/** Writes the same again and again, as fast as the client takes it, until it has gone. */
export function flood(socket: Socket, chunk: Buffer | string): void {
  pour(socket, () => socket.write(chunk))
}

/** Calls `write` for as long as the socket takes more. */
function pour(socket: Socket, write: () => void): void {
  const talk = (): void => {
    // No more than that in one turn, or the client, in the same process, never has its own.
    for (let round = 0; round < 64 && !socket.writableNeedDrain; round += 1) {
      if (socket.destroyed || !socket.writable) return
      write()
    }
    if (!socket.writableNeedDrain) setImmediate(talk)
  }
  socket.on('drain', talk)
  talk()
}

/** Many copies of a packet: a flood of small ones costs the client more than it costs us. */
export function times(count: number, packet: Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => packet))
}

export interface Offer {
  methods?: readonly string[]
  hostKeys?: readonly string[]
}

/** Payload of SSH_MSG_KEXINIT (RFC 4253 §7.1). */
export function kexInit({
  methods = ['curve25519-sha256'],
  hostKeys = ['ssh-ed25519'],
}: Offer = {}): Buffer {
  const ciphers = ['aes128-gcm@openssh.com', 'aes256-ctr']
  const macs = ['hmac-sha2-256']
  const lists = [methods, hostKeys, ciphers, ciphers, macs, macs, ['none'], ['none'], [], []]
  return Buffer.concat([
    byte(MESSAGE.kexInit),
    Buffer.alloc(16),
    ...lists.map(nameList),
    byte(0),
    uint32(0),
  ])
}

/** Payload of SSH_MSG_DISCONNECT (RFC 4253 §11.1). */
export function disconnect(description: string): Buffer {
  return Buffer.concat([byte(MESSAGE.disconnect), uint32(2), string(description), string('')])
}

/** Payloads that may come at any time and mean nothing (RFC 4253 §11.2, §11.3). */
export function ignore(size: number): Buffer {
  return Buffer.concat([byte(MESSAGE.ignore), string(Buffer.alloc(size))])
}

export function debug(text: string): Buffer {
  return Buffer.concat([byte(MESSAGE.debug), byte(1), string(text), string('')])
}

export interface KeyExchange {
  key: PrivateKey
  offer?: Offer
  /** What stands in the reply for the host key, if not the public half of `key`. */
  shown?: Buffer
  /** Makes another signature of the one that is right. */
  signature?: (right: Buffer) => Buffer
  /** Instead of the reply. */
  onInit?: (socket: Socket) => void
  /** After the reply and SSH_MSG_NEWKEYS: nothing that follows is encrypted by us. */
  then?: (socket: Socket) => void
}

/** The server's part of curve25519-sha256 (RFC 8731, RFC 5656 §4), up to SSH_MSG_NEWKEYS. */
export function exchangeKeys(socket: Socket, exchange: KeyExchange): void {
  const { key, shown = key.publicKey, signature = (right: Buffer): Buffer => right } = exchange
  const reader = new TransportReader()
  const ourInit = kexInit({ hostKeys: [algorithmOf(key)], ...exchange.offer })
  let version: string | undefined
  let theirInit: Buffer | undefined
  let over = false
  const take = (payload: Buffer): void => {
    if (payload[0] === MESSAGE.kexInit) theirInit = payload
    if (over || payload[0] !== 30 || theirInit === undefined) return
    over = true
    if (exchange.onInit !== undefined) {
      exchange.onInit(socket)
      return
    }
    const theirs = new Reader(payload.subarray(1)).string()
    const { ours, secret } = agree(theirs)
    const hash = createHash('sha256')
    const parts = [version ?? '', VERSION, theirInit, ourInit, shown, theirs, ours]
    for (const part of parts) hash.update(string(part))
    hash.update(mpint(secret))
    const right = makeSignature(key.type, key.key, hash.digest(), 'sha512')
    const reply = [string(shown), string(ours), string(signature(right))]
    socket.write(encodePacket(Buffer.concat([byte(MESSAGE.kexReply), ...reply])))
    socket.write(encodePacket(byte(MESSAGE.newKeys)))
    exchange.then?.(socket)
  }
  socket.on('data', (chunk: Buffer) => {
    if (over) return
    reader.push(chunk)
    version ??= reader.version()
    if (version === undefined) return
    for (let next = reader.packet(); next !== undefined; next = reader.packet()) take(next)
  })
  socket.write(`${VERSION}\r\n`)
  socket.write(encodePacket(ourInit))
}

function algorithmOf({ type }: PrivateKey): string {
  return type === 'ssh-rsa' ? 'rsa-sha2-512' : type
}

/** Our half of X25519, and the secret. */
function agree(theirs: Buffer): { ours: Buffer; secret: Buffer } {
  const pair = generateKeyPairSync('x25519')
  const ours = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const jwk = { kty: 'OKP', crv: 'X25519', x: theirs.toString('base64url') }
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  return { ours, secret: diffieHellman({ privateKey: pair.privateKey, publicKey }) }
}

export type { ServerSide }

/** What ssh2's server has inside: it sends nothing that breaks the protocol by itself. */
interface Inside {
  _sock: Socket
  _protocol: {
    _packetRW: { write: { alloc: (size: number) => Buffer; allocStart: number } }
    _cipher: { encrypt: (packet: unknown) => void }
  }
}

/** Sends any payload, encrypted. */
export function send(side: ServerSide, payload: Buffer): void {
  const { _protocol: protocol } = side as unknown as Inside
  const { write } = protocol._packetRW
  const packet = write.alloc(payload.length)
  payload.copy(packet, write.allocStart)
  protocol._cipher.encrypt(packet)
}

/** Sends a payload again and again. */
export function floodWith(side: ServerSide, payload: Buffer): void {
  pour((side as unknown as Inside)._sock, () => {
    send(side, payload)
  })
}

/**
 * Takes over connections as an honest SSH server up to the end of the key exchange; what it does
 * after that is told to `serve`.
 *
 * @param key an ECDSA or RSA key: those ssh2 reads in a format that Node writes
 */
export function honestStart(
  key: PrivateKey,
  serve: (side: ServerSide) => void,
): (socket: Socket) => void {
  const type = key.type === 'ssh-rsa' ? 'pkcs1' : 'sec1'
  const pem = key.key.export({ format: 'pem', type })
  const server = new SshServer({ hostKeys: [pem], ident: 'OpenSSH_9.9' }, (side) => {
    side.on('error', () => undefined)
    serve(side)
  })
  return (socket) => {
    server.injectSocket(socket)
  }
}
