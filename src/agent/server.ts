/**
 * The agent itself: serves connections on its socket. Requests of one connection are answered in
 * their order; what is not understood is answered FAILURE and the stream goes on.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { plainKey } from '../ssh/certificate'
import { fingerprint } from '../ssh/public-key'
import { Reader, string } from '../ssh/wire'
import type { Audit } from './audit'
import { certifiedIdentity, findIdentity, signWith, type Identity } from './keyring'
import {
  CONTROL,
  EXTENSION_FAILURE,
  extensionResponse,
  FAILURE,
  frame,
  FrameReader,
  identitiesAnswer,
  QUERY,
  SESSION_BIND,
  signResponse,
  SSH_AGENTC_EXTENSION,
  SSH_AGENTC_REQUEST_IDENTITIES,
  SSH_AGENTC_SIGN_REQUEST,
  SUCCESS,
} from './messages'
import { decide, visible, type Policy } from './policy'
import { bindSession, noBindings, record, type Bindings } from './session-binding'

/** Connections beyond this many are closed at once; the kernel's limit of open files is often 1,024. */
const MAX_CONNECTIONS = 512

export interface AgentState {
  identities: Identity[]
  policy: Policy
  audit: Audit
  /** Who shows this token is the job itself: it may ask, bind and stop. */
  token: string
  /** Called when the holder of the token asks the agent to end. */
  stop: () => void
}

/** What the holder of the token may ask for; `bind` is for hosts that it has proven itself. */
export type ControlRequest =
  | { op: 'status' }
  | { op: 'stop' }
  | { op: 'bind'; hostKey: string; sessionId: string }
  /** A certificate (wire format, base64) for a key that the agent holds. */
  | { op: 'certify'; certificate: string }

export interface AgentStatus {
  pid: number
  mode: Policy['mode']
  identities: { fingerprint: string; comment: string }[]
  audit: { written: number; omitted: number }
}

/** Listens on `path` (mode 0600 whatever the umask is). Resolves when connections are taken. */
export async function listen(path: string, state: AgentState): Promise<Server> {
  const server = createServer((socket) => {
    serveConnection(socket, state)
  })
  server.maxConnections = MAX_CONNECTIONS
  const umask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(umask)
  }
  chmodSync(path, 0o600)
  return server
}

function serveConnection(socket: Socket, state: AgentState): void {
  const bindings = noBindings()
  const reader = new FrameReader()
  socket.on('error', () => socket.destroy())
  const answerAll = (): void => {
    try {
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        if (socket.write(frame(answer(message, bindings, state)))) continue
        // A client that does not read its answers gets to ask nothing more until it does.
        socket.pause()
        socket.once('drain', () => {
          socket.resume()
          answerAll()
        })
        return
      }
    } catch {
      socket.destroy() // a frame that can't be: nothing after it can be trusted
    }
  }
  socket.on('data', (chunk) => {
    reader.push(chunk)
    answerAll()
  })
}

/** The reply to one message. Never throws: whatever is wrong with a message is its own FAILURE. */
export function answer(message: Buffer, bindings: Bindings, state: AgentState): Buffer {
  try {
    const reader = new Reader(message)
    switch (reader.byte()) {
      case SSH_AGENTC_REQUEST_IDENTITIES:
        return listIdentities(bindings, state)
      case SSH_AGENTC_SIGN_REQUEST:
        return sign(reader, bindings, state)
      case SSH_AGENTC_EXTENSION:
        return extension(reader, bindings, state)
      default:
        return FAILURE
    }
  } catch {
    return FAILURE
  }
}

function now(): number {
  return Date.now() / 1000
}

function listIdentities(bindings: Bindings, state: AgentState): Buffer {
  const { identities, withheld, host } = visible(state.policy, state.identities, bindings, now())
  if (withheld !== undefined) {
    state.audit.write({
      request: 'list',
      verdict: 'refused',
      reason: withheld,
      ...(host === undefined ? boundKey(bindings) : { host }),
    })
  }
  return identitiesAnswer(identities)
}

function boundKey(bindings: Bindings): { hostKey?: string } {
  const last = bindings.list.at(-1)
  return last === undefined ? {} : { hostKey: fingerprint(plainKey(last.hostKey)) }
}

function sign(reader: Reader, bindings: Bindings, state: AgentState): Buffer {
  const blob = reader.string()
  const data = reader.string()
  const flags = reader.uint32()
  reader.end('a sign request')
  const identity = findIdentity(state.identities, blob)
  if (identity === undefined) {
    state.audit.write({
      request: 'sign',
      verdict: 'refused',
      reason: 'key-unknown',
      key: fingerprint(blob),
    })
    return FAILURE
  }
  const { allowed, reason, ...facts } = decide(state.policy, identity, bindings, data, now())
  const signature = allowed ? signWith(identity, data, flags) : undefined
  state.audit.write({
    request: 'sign',
    verdict: signature === undefined ? 'refused' : 'signed',
    reason: allowed && signature === undefined ? 'sha1' : reason,
    key: identity.fingerprint,
    ...(facts.host === undefined ? boundKey(bindings) : {}),
    ...facts,
  })
  return signature === undefined ? FAILURE : signResponse(signature)
}

function extension(reader: Reader, bindings: Bindings, state: AgentState): Buffer {
  const name = reader.text(256)
  const contents = reader.rest()
  if (name === QUERY) return extensionResponse(QUERY, string(SESSION_BIND))
  if (name === SESSION_BIND) {
    const defect = bindSession(bindings, contents)
    if (defect === undefined) return SUCCESS
    state.audit.write({
      request: 'bind',
      verdict: 'refused',
      reason: 'bind-failed',
      detail: defect,
    })
    return EXTENSION_FAILURE
  }
  if (name === CONTROL) return control(contents, bindings, state)
  return FAILURE // RFC 9987 §5.8: an extension that is not known
}

function control(contents: Buffer, bindings: Bindings, state: AgentState): Buffer {
  const reader = new Reader(contents)
  const token = reader.string(256)
  const request = JSON.parse(reader.text()) as ControlRequest
  const digest = (text: Buffer | string): Buffer => createHash('sha256').update(text).digest()
  if (!timingSafeEqual(digest(token), digest(state.token))) return EXTENSION_FAILURE
  switch (request.op) {
    case 'status':
      return extensionResponse(CONTROL, string(JSON.stringify(status(state))))
    case 'stop':
      setImmediate(state.stop) // after the reply has been handed to the socket
      return SUCCESS
    case 'bind': {
      const hostKey = Buffer.from(request.hostKey, 'base64')
      const sessionId = Buffer.from(request.sessionId, 'base64')
      const defect = record(bindings, { hostKey, sessionId, forwarding: false })
      return defect === undefined ? SUCCESS : EXTENSION_FAILURE
    }
    case 'certify':
      return certify(Buffer.from(request.certificate, 'base64'), state)
        ? SUCCESS
        : EXTENSION_FAILURE
    default:
      return EXTENSION_FAILURE // the types promise an op; what came over the socket does not
  }
}

/** Serves a certificate beside its key, and before it: where one is asked for, no other will do. */
function certify(certificate: Buffer, state: AgentState): boolean {
  const key = plainKey(certificate)
  const index = state.identities.findIndex(({ blob }) => blob.equals(key))
  const identity = state.identities[index]
  if (identity === undefined) return false
  state.identities.splice(index, 0, certifiedIdentity(identity.privateKey, certificate))
  return true
}

function status(state: AgentState): AgentStatus {
  return {
    pid: process.pid,
    mode: state.policy.mode,
    identities: state.identities.map(({ fingerprint, comment }) => ({ fingerprint, comment })),
    audit: state.audit.counts(),
  }
}
