/**
 * `session-bind@openssh.com` (PROTOCOL.agent section 1): which SSH session, to which host key, a
 * connection to the agent serves. The rules are those of OpenSSH's process_ext_session_bind.
 */
import { isCertificateType, isSigned, parseCertificate, plainKey } from '../ssh/certificate'
import { typeOfBlob } from '../ssh/public-key'
import { verifySignature } from '../ssh/signature'
import { Reader } from '../ssh/wire'

/** OpenSSH's AGENT_MAX_SID_LEN and AGENT_MAX_SESSION_IDS. */
const MAX_SESSION_ID = 128
const MAX_BINDINGS = 16

export interface Binding {
  /** The server's host key, or host certificate, in wire format. */
  hostKey: Buffer
  sessionId: Buffer
  /** Bound for forwarding to that host, not for logging in to it. */
  forwarding: boolean
}

/** What an agent connection is bound to. A failed bind poisons it for good. */
export interface Bindings {
  list: Binding[]
  failed: boolean
  /**
   * The part of the job that has said itself which host this is, for the keys that it brought: bounds
   * for later steps do not count.
   */
  byControl?: object
}

export function noBindings(): Bindings {
  return { list: [], failed: false }
}

/** Handles the contents of a session-bind message. Returns the defect, in words, or undefined. */
export function bindSession(bindings: Bindings, contents: Buffer): string | undefined {
  const defect = tryBind(bindings, contents)
  if (defect !== undefined) bindings.failed = true
  return defect
}

function tryBind(bindings: Bindings, contents: Buffer): string | undefined {
  try {
    const reader = new Reader(contents)
    const hostKey = Buffer.from(reader.string())
    const sessionId = Buffer.from(reader.string())
    const signature = reader.string()
    const forwarding = reader.boolean()
    reader.end('a session-bind message')
    if (sessionId.length === 0 || sessionId.length > MAX_SESSION_ID) {
      return `a session id of ${sessionId.length} bytes`
    }
    if (isCertificateType(typeOfBlob(hostKey)) && !isSigned(parseCertificate(hostKey))) {
      return "the signature of the host certificate's authority is not valid"
    }
    if (!verifySignature(plainKey(hostKey), signature, sessionId)) {
      return "the host key's signature is not valid"
    }
    return record(bindings, { hostKey, sessionId, forwarding })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Records a binding whose host key is proven. Returns the defect, in words, or undefined. */
export function record(bindings: Bindings, binding: Binding): string | undefined {
  for (const known of bindings.list) {
    if (!known.forwarding) return 'the connection was bound for a login before'
    if (known.sessionId.equals(binding.sessionId)) {
      return known.hostKey.equals(binding.hostKey)
        ? undefined
        : 'the session was bound to another host key before'
    }
  }
  if (bindings.list.length >= MAX_BINDINGS) return `more than ${MAX_BINDINGS} sessions`
  bindings.list.push(binding)
  return undefined
}
