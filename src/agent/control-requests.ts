/** The agent's side of the control channel: what the holder of the job's token may ask for. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { plainKey } from '../ssh/certificate'
import { Reader, string } from '../ssh/wire'
import { certifiedIdentity, findIdentity } from './keyring'
import { CONTROL, EXTENSION_FAILURE, extensionResponse, SUCCESS } from './messages'
import { blobName, join, leave, partsFor, type JoinRequest } from './parts'
import type { Policy } from './policy'
import { record, type Bindings } from './session-binding'
import type { AgentState, Part } from './state'

/** `bind` is for hosts that the holder has proven itself. */
export type ControlRequest =
  | { op: 'status' }
  /** Takes the holder's part back; the agent ends with the last one. */
  | { op: 'stop' }
  /** For whoever holds no token yet: it brings one of its own. */
  | ({ op: 'join' } & JoinRequest)
  | { op: 'bind'; hostKey: string; sessionId: string }
  /** A certificate (wire format, base64) for a key that the agent holds. */
  | { op: 'certify'; certificate: string }

export interface AgentStatus {
  pid: number
  mode: Policy['mode']
  locked: boolean
  signatures: number
  identities: { fingerprint: string; comment: string }[]
  audit: { written: number; omitted: number }
}

/** The answer to the contents of a control message. Throws, or rejects, where they are not right. */
export function control(
  contents: Buffer,
  bindings: Bindings,
  state: AgentState,
): Buffer | Promise<Buffer> {
  const reader = new Reader(contents)
  const token = reader.string(256)
  const request = JSON.parse(reader.text()) as ControlRequest
  if (request.op === 'join') {
    return join(request, token, state).then((ready) =>
      extensionResponse(CONTROL, string(JSON.stringify(ready))),
    )
  }
  const part = holderOf(token, state)
  if (part === undefined) return EXTENSION_FAILURE
  switch (request.op) {
    case 'status':
      return extensionResponse(CONTROL, string(JSON.stringify(status(state))))
    case 'stop': {
      const remaining = leave(part, state)
      return remaining === 0 ? SUCCESS : extensionResponse(CONTROL, string(String(remaining)))
    }
    case 'bind': {
      const hostKey = Buffer.from(request.hostKey, 'base64')
      const sessionId = Buffer.from(request.sessionId, 'base64')
      const defect = record(bindings, { hostKey, sessionId, forwarding: false })
      if (defect !== undefined) return EXTENSION_FAILURE
      bindings.byControl = part
      return SUCCESS
    }
    case 'certify':
      return certify(Buffer.from(request.certificate, 'base64'), part, state)
        ? SUCCESS
        : EXTENSION_FAILURE
    default:
      return EXTENSION_FAILURE // the types promise an op; what came over the socket does not
  }
}

function holderOf(token: Buffer, state: AgentState): Part | undefined {
  const digest = (text: Buffer | string): Buffer => createHash('sha256').update(text).digest()
  const given = digest(token)
  return [state, ...state.joined].find((part) => timingSafeEqual(given, digest(part.token)))
}

/** Serves a certificate beside its key, and before it: where one is asked for, no other will do. */
function certify(certificate: Buffer, part: Part, state: AgentState): boolean {
  const key = plainKey(certificate)
  const index = state.identities.findIndex(({ blob }) => blob.equals(key))
  const identity = state.identities[index]
  // Else the certificate would be a way to use the key of another part under one's own policy.
  if (identity === undefined || partsFor(identity, state, part).length === 0) return false
  // What was asked of the key holds for its certificate, too.
  const { blob } = certifiedIdentity(identity.privateKey, certificate)
  if (findIdentity(state.identities, blob) !== undefined) return true // a second time
  state.identities.splice(index, 0, { ...identity, blob })
  part.keys.add(blobName(blob))
  return true
}

function status(state: AgentState): AgentStatus {
  const { identities, policy, lock, signatures, audit } = state
  return {
    pid: process.pid,
    mode: policy.mode,
    locked: lock.isLocked(),
    signatures,
    identities: identities.map(({ fingerprint, comment }) => ({ fingerprint, comment })),
    audit: audit.counts(),
  }
}
