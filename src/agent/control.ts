/**
 * The control channel: our own extension on the agent's socket, for those who hold the job's token.
 * Everybody else speaks the plain agent protocol.
 */
import { connect } from 'node:net'
import { TrustError } from '../errors'
import { Reader, string } from '../ssh/wire'
import {
  CONTROL,
  extensionRequest,
  frame,
  FrameReader,
  SSH_AGENT_EXTENSION_RESPONSE,
  signRequest,
  SSH_AGENT_SIGN_RESPONSE,
  SSH_AGENT_SUCCESS,
} from './messages'
import type { AgentStatus, ControlRequest } from './control-requests'

const TIMEOUT = 5000

export interface AgentAddress {
  socket: string
  token: string
}

/**
 * Sends messages over one connection, each after the answer to the one before; gives the answers.
 *
 * @param timeout in milliseconds, for each answer
 * @throws TrustError `agent-control`
 */
export async function converse(
  path: string,
  messages: readonly Buffer[],
  timeout = TIMEOUT,
): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    const reader = new FrameReader()
    const answers: Buffer[] = []
    const fail = (message: string, cause?: unknown): void => {
      socket.destroy()
      reject(new TrustError('agent-control', `The agent at ${path} ${message}.`, { cause }))
    }
    const sendNext = (): void => {
      const message = messages[answers.length]
      if (message !== undefined) socket.write(frame(message))
      else {
        socket.end()
        resolve(answers)
      }
    }
    socket.setTimeout(timeout, () => {
      fail(`did not answer within ${timeout / 1000} s`)
    })
    socket.once('error', (error) => {
      fail(`can't be reached: ${error.message}`, error)
    })
    socket.once('close', () => {
      fail('closed the connection')
    })
    socket.once('connect', sendNext)
    socket.on('data', (chunk) => {
      reader.push(chunk)
      try {
        for (let answer = reader.next(); answer !== undefined; answer = reader.next()) {
          answers.push(Buffer.from(answer))
          sendNext()
        }
      } catch (cause) {
        fail('does not speak the agent protocol', cause)
      }
    })
  })
}

export function controlMessage(token: string, request: ControlRequest): Buffer {
  return extensionRequest(CONTROL, Buffer.concat([string(token), string(JSON.stringify(request))]))
}

function requireSuccess(answer: Buffer | undefined, what: string): void {
  if (answer?.[0] === SSH_AGENT_SUCCESS) return
  throw new TrustError('agent-control', `The agent refused to ${what}.`)
}

/** @throws TrustError `agent-control` */
export async function agentStatus({ socket, token }: AgentAddress): Promise<AgentStatus> {
  const [answer] = await converse(socket, [controlMessage(token, { op: 'status' })])
  const reader = new Reader(answer ?? Buffer.alloc(0))
  if (reader.byte() !== SSH_AGENT_EXTENSION_RESPONSE) {
    throw new TrustError('agent-control', 'The agent refused to tell its status.')
  }
  try {
    reader.text(256)
    return JSON.parse(reader.text()) as AgentStatus
  } catch (cause) {
    throw new TrustError('agent-control', 'The agent told a status that is none.', { cause })
  }
}

/**
 * Takes the caller's part of the job out of the agent, which ends with the last one.
 *
 * @returns how many parts still need the agent; with none it ends
 * @throws TrustError `agent-control`
 */
export async function stopAgent({ socket, token }: AgentAddress): Promise<number> {
  const [answer] = await converse(socket, [controlMessage(token, { op: 'stop' })])
  const reader = new Reader(answer ?? Buffer.alloc(0))
  if (reader.remaining > 0 && reader.byte() === SSH_AGENT_EXTENSION_RESPONSE) {
    reader.text(256)
    return Number(reader.text(16))
  }
  requireSuccess(answer, 'stop')
  return 0
}

/**
 * Gives the agent a certificate (wire format) for a key that it holds.
 *
 * @throws TrustError `agent-control`
 */
export async function giveCertificate(
  { socket, token }: AgentAddress,
  certificate: Buffer,
): Promise<void> {
  const request = { op: 'certify', certificate: certificate.toString('base64') } as const
  const [answer] = await converse(socket, [controlMessage(token, request)])
  requireSuccess(answer, 'take the certificate')
}

/**
 * A signature for a login at a host that the caller has proven itself: for our own clients, which can
 * send no session-bind because their SSH library does not show them the signature of the exchange.
 * The agent's policy decides as for everybody else.
 *
 * @param hostKey in wire format
 * @param key the identity that is to sign, in wire format
 * @param flags RFC 9987 §5.6.1
 * @returns the signature in the SSH format
 * @throws TrustError `agent-control`
 */
export async function signForProvenHost(
  { socket, token }: AgentAddress,
  host: { hostKey: Buffer; sessionId: Buffer },
  key: Buffer,
  data: Buffer,
  flags: number,
): Promise<Buffer> {
  const bind = controlMessage(token, {
    op: 'bind',
    hostKey: host.hostKey.toString('base64'),
    sessionId: host.sessionId.toString('base64'),
  })
  const [bound, answer] = await converse(socket, [bind, signRequest(key, data, flags)])
  requireSuccess(bound, 'bind the connection')
  const reader = new Reader(answer ?? Buffer.alloc(0))
  if (reader.byte() !== SSH_AGENT_SIGN_RESPONSE) {
    throw new TrustError(
      'agent-control',
      'The agent refused to sign for this host; its audit says why.',
    )
  }
  return Buffer.from(reader.string())
}
