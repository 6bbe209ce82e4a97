/**
 * A client of an SSH agent that speaks plain bytes, so that what it sends may be wrong in any way. The
 * numbers of the protocol (RFC 9987 §5) stand here once more: a wrong one in src must not go unseen.
 */
import { connect } from 'node:net'
import { frame, FrameReader } from '../../src/agent/messages'
import { byte, Reader, string, uint32 } from '../../src/ssh/wire'

export const REMOVE_ALL_V1 = 9
export const LIST = 11
export const SIGN = 13
export const ADD = 17
export const REMOVE = 18
export const REMOVE_ALL = 19
export const ADD_CARD = 20
export const REMOVE_CARD = 21
export const LOCK = 22
export const UNLOCK = 23
export const ADD_CONSTRAINED = 25
export const ADD_CARD_CONSTRAINED = 26
export const EXTENSION = 27

export interface AgentClient {
  /** Sends one message; its answer. Several may be in flight. Rejects if the connection ends first. */
  ask: (message: Buffer) => Promise<Buffer>
  /** The next answer that nobody waits for yet. Rejects if the connection ends first. */
  answer: () => Promise<Buffer>
  /** Sends bytes as they are; resolves when the kernel has them, or wants no more of them. */
  write: (bytes: Buffer) => Promise<void>
  /** Resolves when the agent has ended the connection. */
  closed: Promise<void>
  close: () => void
}

interface Waiting {
  resolve: (answer: Buffer) => void
  reject: (error: Error) => void
}

/** Connects to the agent at a Unix socket. Rejects if nobody listens there. */
export async function connectAgent(path: string): Promise<AgentClient> {
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const reader = new FrameReader()
  const waiting: Waiting[] = []
  let open = true
  const handOut = (): void => {
    while (waiting.length > 0) {
      const answer = reader.next()
      if (answer === undefined) return
      waiting.shift()?.resolve(Buffer.from(answer))
    }
  }
  socket.on('error', () => undefined) // 'close' follows
  socket.on('data', (chunk) => {
    reader.push(chunk)
    try {
      handOut()
    } catch {
      socket.destroy() // no answer can be so long: whoever waits is told
    }
  })
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      open = false
      for (const { reject } of waiting.splice(0)) reject(new Error('the agent hung up'))
      resolve()
    })
  })
  const write = (bytes: Buffer): Promise<void> =>
    new Promise((resolve) => {
      socket.write(bytes, () => {
        resolve()
      })
    })
  const answer = (): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      if (!open) reject(new Error('the agent hung up'))
      waiting.push({ resolve, reject })
      handOut()
    })
  return {
    ask: (message) => {
      void write(frame(message))
      return answer()
    },
    answer,
    write,
    closed,
    close: () => socket.destroy(),
  }
}

/** A message of this type. */
export function message(type: number, ...contents: readonly Buffer[]): Buffer {
  return Buffer.concat([byte(type), ...contents])
}

export function signMessage(key: Buffer, data: Buffer | string, flags = 0): Buffer {
  return message(SIGN, string(key), string(data), uint32(flags))
}

export function extensionMessage(name: string, contents: Buffer = Buffer.alloc(0)): Buffer {
  return message(EXTENSION, string(name), contents)
}

/** The identities in an answer to LIST. */
export function identitiesIn(answer: Buffer): { blob: Buffer; comment: Buffer }[] {
  const reader = new Reader(answer)
  if (reader.byte() !== 12) throw new Error(`no list of identities: ${answer.toString('hex')}`)
  const identities = Array.from({ length: reader.uint32() }, () => ({
    blob: reader.string(),
    comment: reader.string(),
  }))
  reader.end('the identities')
  return identities
}

/** The signature in an answer to SIGN. */
export function signatureIn(answer: Buffer): Buffer {
  const reader = new Reader(answer)
  if (reader.byte() !== 14) throw new Error(`no signature: ${answer.toString('hex')}`)
  const signature = reader.string()
  reader.end('the signature')
  return signature
}

const STATUS: Readonly<Record<number, string>> = {
  5: 'FAILURE',
  6: 'SUCCESS',
  28: 'EXTENSION_FAILURE',
}

/** An answer in one word or two: `FAILURE`, `IDENTITIES 3`, `SIGNED rsa-sha2-512`; else in hex. */
export function nameOf(answer: Buffer): string {
  const [type = -1] = answer
  const status = STATUS[type]
  if (answer.length === 1 && status !== undefined) return status
  if (type === 12) return `IDENTITIES ${identitiesIn(answer).length}`
  if (type === 14) return `SIGNED ${new Reader(signatureIn(answer)).text()}`
  if (type === 29) return `RESPONSE ${new Reader(answer.subarray(1)).text()}`
  return answer.toString('hex')
}
