/**
 * A Unix socket as Cygwin and MSYS emulate it, so that the ssh of Git for Windows reaches the agent: a
 * TCP port on 127.0.0.1, and a file that tells the port and a secret. Whoever can read the file can
 * connect, and nothing else guards it: it has to lie where only its user can read.
 *
 * The reference is Cygwin's winsup/cygwin/fhandler/socket_local.cc, which MSYS2 and Git for Windows
 * have unchanged: bind() writes the file, get_inet_addr_local() reads it, af_local_connect() and
 * af_local_accept() are the two sides of the handshake.
 */
import { execFile } from 'node:child_process'
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { closeSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { win32 } from 'node:path'
import { promisify } from 'node:util'
import { systemCode, TrustError } from '../errors'

const LOOPBACK = '127.0.0.1'

/** Four words; on the wire little-endian, in the file as hexadecimal numbers. */
const SECRET_LENGTH = 16

/** struct ucred: pid, uid, gid, each a little-endian uint32. */
const CREDENTIALS_LENGTH = 12

/** Connections that have not shown the secret; one more, and the oldest of them is closed. */
const MAX_STRANGERS = 64

/** Time for a whole handshake, in milliseconds. A client needs one or two. */
const HANDSHAKE_TIMEOUT = 10_000

/** What bind() writes: `!<socket >PORT s WORD-WORD-WORD-WORD` and a zero byte. */
export function formatSocketFile(port: number, secret: Buffer): string {
  // Upper case, as Cygwin writes it; the client of npm's ssh2 takes no other.
  const words = [0, 4, 8, 12].map((offset) =>
    secret.readUInt32LE(offset).toString(16).padStart(8, '0').toUpperCase(),
  )
  return `!<socket >${port} s ${words.join('-')}\0`
}

/** What to do when bytes have come from a client. */
export interface HandshakeStep {
  verdict: 'incomplete' | 'accepted' | 'refused'
  /** To be sent now; often empty. */
  reply: Buffer
  /** What came after the handshake; empty unless it is accepted. */
  surplus: Buffer
}

const NOTHING = Buffer.alloc(0)

/**
 * The server's side of a handshake. The function returned takes what the client sends, in whatever
 * pieces, until its verdict is not `incomplete` any more.
 *
 * @param pid of this process, which the client is told
 */
export function startHandshake(secret: Buffer, pid: number): (chunk: Buffer) => HandshakeStep {
  let pending = NOTHING
  let proven = false
  return (chunk) => {
    pending = Buffer.concat([pending, chunk])
    const replies: Buffer[] = []
    if (!proven) {
      if (pending.length < SECRET_LENGTH) return step('incomplete')
      if (!timingSafeEqual(pending.subarray(0, SECRET_LENGTH), secret)) return step('refused')
      proven = true
      pending = pending.subarray(SECRET_LENGTH)
      replies.push(secret)
    }
    if (pending.length < CREDENTIALS_LENGTH) return step('incomplete', replies)
    // Node knows no Cygwin ids. Who has the secret is this very user: its uid and gid are ours.
    const credentials = Buffer.from(pending.subarray(0, CREDENTIALS_LENGTH))
    credentials.writeUInt32LE(pid, 0)
    return step('accepted', [...replies, credentials], pending.subarray(CREDENTIALS_LENGTH))
  }
}

function step(
  verdict: HandshakeStep['verdict'],
  replies: readonly Buffer[] = [],
  surplus = NOTHING,
): HandshakeStep {
  return { verdict, reply: Buffer.concat(replies), surplus }
}

/** A listening socket; `close` stops it and removes its file, and leaves served connections alone. */
export interface CygwinListener {
  close: () => void
}

/**
 * Listens on a port of its own and makes the socket file `file` (mode 0600) for it.
 *
 * @param serve gets each connection after its handshake, half-open and flowing: it is to listen at
 *   once, to end its side where the client has, and to bound how many it serves
 * @throws the system's error, `EEXIST` where `file` is there; TrustError `agent-start` where Windows
 *   does not let it be a socket file
 */
export async function listenCygwin(
  file: string,
  serve: (socket: Socket) => void,
  { timeout = HANDSHAKE_TIMEOUT }: { timeout?: number } = {},
): Promise<CygwinListener> {
  const secret = randomBytes(SECRET_LENGTH)
  const strangers = new Set<Socket>()
  // Half-open, as the agent's own socket: a client may send no more, and still wait for answers.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const [oldest] = strangers
    if (oldest !== undefined && strangers.size >= MAX_STRANGERS) {
      strangers.delete(oldest)
      oldest.destroy()
    }
    strangers.add(socket)
    socket.once('close', () => strangers.delete(socket))
    greet(socket, startHandshake(secret, process.pid), timeout, () => {
      strangers.delete(socket)
      serve(socket)
    })
  })
  const port = await listenOnLoopback(server)
  const close = (): void => {
    server.close()
    for (const stranger of strangers) stranger.destroy()
    removeFile(file)
  }
  let descriptor: number
  try {
    descriptor = openSync(file, 'wx', 0o600)
  } catch (error) {
    server.close() // and `file`, if it is there, is somebody else's
    throw error
  }
  try {
    writeAndClose(descriptor, formatSocketFile(port, secret))
    if (process.platform === 'win32') await markAsSocket(file)
  } catch (error) {
    close()
    throw error
  }
  return { close }
}

async function listenOnLoopback(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: LOOPBACK, port: 0 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.on('error', () => undefined) // a connection that could not be taken; the next one may be
  return (server.address() as AddressInfo).port
}

/** Shakes hands; then `accepted` is called, with nothing lost of what the client has sent since. */
function greet(
  socket: Socket,
  handshake: (chunk: Buffer) => HandshakeStep,
  timeout: number,
  accepted: () => void,
): void {
  // Not socket.setTimeout(), which a client that sends a byte now and then would never meet.
  const timer = setTimeout(() => socket.destroy(), timeout)
  socket.once('close', () => {
    clearTimeout(timer)
  })
  socket.on('error', () => socket.destroy())
  const onEnd = (): void => void socket.destroy()
  const onData = (chunk: Buffer): void => {
    const { verdict, reply, surplus } = handshake(chunk)
    if (verdict === 'refused') {
      socket.destroy()
      return
    }
    if (reply.length > 0) socket.write(reply)
    if (verdict === 'incomplete') return
    clearTimeout(timer)
    socket.off('data', onData)
    socket.off('end', onEnd)
    if (surplus.length > 0) socket.unshift(surplus)
    accepted()
  }
  socket.on('data', onData)
  socket.once('end', onEnd)
}

function writeAndClose(descriptor: number, content: string): void {
  try {
    writeSync(descriptor, content)
  } finally {
    closeSync(descriptor)
  }
}

function removeFile(file: string): void {
  try {
    unlinkSync(file) // rmSync can fail on Windows where a file is read-only
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}

/**
 * The program and arguments that make a file a socket file: Cygwin takes only one with the attribute
 * SYSTEM. And READONLY: Win32-OpenSSH takes the file for its pipe, and would write its request over
 * the port and secret (github.com/dlech/KeeAgent/issues/217).
 */
export function attributeCommand(file: string, systemRoot: string): [string, string[]] {
  // attrib takes what begins with a slash for an option.
  const path = win32.resolve(file)
  return [win32.join(systemRoot, 'System32', 'attrib.exe'), ['+R', '+S', path]]
}

async function markAsSocket(file: string): Promise<void> {
  const [program, args] = attributeCommand(file, process.env['SystemRoot'] ?? 'C:\\Windows')
  let cause: unknown
  try {
    await promisify(execFile)(program, args, { windowsHide: true })
  } catch (error) {
    cause = error
  }
  // attrib can fail with exit code 0. Node shows READONLY, and both are set at once.
  if (cause === undefined && (statSync(file).mode & 0o200) === 0) return
  throw new TrustError('agent-start', `${program} could not make ${file} a socket file.`, { cause })
}
