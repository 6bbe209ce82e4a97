/**
 * The agent's connections: requests of one are answered in their order, and none can stop the others,
 * be it slow, silent, huge, or one of thousands.
 */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { listenCygwin } from './cygwin-socket'
import { frame, FrameReader } from './messages'
import { isPipePath } from './pipe'
import { answer } from './requests'
import { noBindings } from './session-binding'
import type { AgentState } from './state'

/** What one agent bears. Replaced in tests. */
export interface Limits {
  /** The kernel's limit of open files is often 1,024. Beyond it the longest idle connection goes. */
  connections: number
  /** Bytes of unfinished messages, of all connections together. */
  pending: number
  /** What a connection may hold of them when there are too many. */
  fairShare: number
  /** Milliseconds for a message to be sent whole, and for an answer to be read. */
  stalled: number
}

const LIMITS: Limits = {
  connections: 512,
  pending: 16 * 1024 * 1024,
  fairShare: 16 * 1024,
  stalled: 30_000,
}

/** Answers in a row, before other connections get their turn. */
const ANSWERS_IN_A_ROW = 16

/**
 * Serves the agent at its address: a Unix socket, or on Windows a pipe and a socket as Cygwin makes
 * them, for its two kinds of ssh. Resolves when connections are taken, to what ends that and removes
 * what it has made.
 */
export async function serveAt(
  { socket, pipe }: { socket: string; pipe?: string },
  state: AgentState,
): Promise<() => void> {
  const serve = connectionServer(state)
  const server = await listenOn(pipe ?? socket, serve)
  if (pipe === undefined) {
    return () => {
      server.close()
      rmSync(socket, { force: true })
    }
  }
  const cygwin = await listenCygwin(socket, serve)
  return () => {
    server.close()
    cygwin.close()
  }
}

/** Listens on `path` (mode 0600 whatever the umask is). Resolves when connections are taken. */
export async function listen(path: string, state: AgentState, limits = LIMITS): Promise<Server> {
  return listenOn(path, connectionServer(state, limits))
}

async function listenOn(path: string, serve: (socket: Socket) => void): Promise<Server> {
  // A client may say that it asks no more, and still wait for its answers.
  const server = createServer({ allowHalfOpen: true }, serve)
  const umask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(umask)
  }
  if (!isPipePath(path)) chmodSync(path, 0o600)
  return server
}

/** What serves the agent on a connection, whatever it listens on. */
export function connectionServer(state: AgentState, limits = LIMITS): (socket: Socket) => void {
  /** The longest idle one comes first. */
  const connections = new Set<Socket>()
  const shared = { pending: 0 }

  return (socket) => {
    if (connections.size >= limits.connections) {
      const [idle] = connections
      idle?.destroy()
      if (idle !== undefined) connections.delete(idle)
    }
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    const onActivity = (): void => {
      connections.delete(socket)
      connections.add(socket)
    }
    serveConnection(socket, state, limits, shared, onActivity)
  }
}

function serveConnection(
  socket: Socket,
  state: AgentState,
  limits: Limits,
  shared: { pending: number },
  onActivity: () => void,
): void {
  const bindings = noBindings()
  const reader = new FrameReader()
  let counted = 0
  let answering = false
  let ended = false
  let stall: NodeJS.Timeout | undefined

  const count = (): void => {
    const held = socket.destroyed ? 0 : reader.pending
    shared.pending += held - counted
    counted = held
  }
  const giveUpLater = (): NodeJS.Timeout =>
    setTimeout(() => socket.destroy(), limits.stalled).unref()

  /** A client that waits for an answer, or does not read its answers, gets to ask nothing more. */
  const waiting = async <T>(promise: Promise<T>): Promise<T> => {
    socket.pause()
    try {
      return await promise
    } finally {
      socket.resume()
    }
  }
  const answerAll = async (): Promise<void> => {
    for (let answers = 1; !socket.destroyed; answers += 1) {
      const message = reader.next()
      if (message === undefined) return
      clearTimeout(stall)
      stall = undefined
      const reply = answer(message, bindings, state)
      const taken = socket.write(frame(reply instanceof Promise ? await waiting(reply) : reply))
      if (!taken) await waiting(drained(socket, giveUpLater()))
      if (answers % ANSWERS_IN_A_ROW === 0) await waiting(nextTurn())
    }
  }
  const work = async (): Promise<void> => {
    if (answering) return
    answering = true
    try {
      // More may come in the moment in which it ends: a stream gives all that it has kept at once.
      for (let before = -1; reader.pending !== before && !socket.destroyed;) {
        before = reader.pending
        await answerAll()
      }
    } catch {
      socket.destroy() // a frame that can't be: nothing after it can be trusted
    }
    answering = false
    count()
    if (ended) socket.end()
    else if (reader.pending > 0) stall ??= giveUpLater()
  }

  socket.on('error', () => socket.destroy())
  socket.once('close', () => {
    clearTimeout(stall)
    shared.pending -= counted
    counted = 0
  })
  socket.once('end', () => {
    ended = true
    if (!answering) socket.end()
  })
  socket.on('data', (chunk) => {
    onActivity()
    reader.push(chunk)
    count()
    if (shared.pending > limits.pending && reader.pending > limits.fairShare) socket.destroy()
    else void work()
  })
}

/** Waits until a connection takes more, or is gone. */
async function drained(socket: Socket, giveUp: NodeJS.Timeout): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once('drain', resolve)
    socket.once('close', resolve)
  })
  clearTimeout(giveUp)
}
