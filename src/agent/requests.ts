/**
 * The answer to each message. Whatever is wrong with a message is its own FAILURE; what is not
 * understood is answered FAILURE too, and the stream goes on.
 */
import { plainKey } from '../ssh/certificate'
import { fingerprint } from '../ssh/public-key'
import { Reader, string } from '../ssh/wire'
import { control } from './control-requests'
import {
  addIdentity,
  lockAgent,
  removeAllIdentities,
  removeIdentity,
  unlockAgent,
} from './key-requests'
import { findIdentity, signWith, type Identity } from './keyring'
import {
  CONTROL,
  EXTENSION_FAILURE,
  extensionResponse,
  FAILURE,
  identitiesAnswer,
  QUERY,
  SESSION_BIND,
  signResponse,
  SSH_AGENTC_ADD_ID_CONSTRAINED,
  SSH_AGENTC_ADD_IDENTITY,
  SSH_AGENTC_ADD_SMARTCARD_KEY,
  SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED,
  SSH_AGENTC_EXTENSION,
  SSH_AGENTC_LOCK,
  SSH_AGENTC_REMOVE_ALL_IDENTITIES,
  SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES,
  SSH_AGENTC_REMOVE_IDENTITY,
  SSH_AGENTC_REMOVE_SMARTCARD_KEY,
  SSH_AGENTC_REQUEST_IDENTITIES,
  SSH_AGENTC_SIGN_REQUEST,
  SSH_AGENTC_UNLOCK,
  SUCCESS,
} from './messages'
import { blobName, byPolicy, partsFor, remaining } from './parts'
import { decide, visible, type Verdict } from './policy'
import { bindSession, type Bindings } from './session-binding'
import { dropExpired, now, type AgentState, type Part } from './state'

/** The reply to one message; a promise where somebody has to be asked or to wait. Never throws. */
export function answer(
  message: Buffer,
  bindings: Bindings,
  state: AgentState,
): Buffer | Promise<Buffer> {
  try {
    const reply = dispatch(new Reader(message), bindings, state)
    return reply instanceof Promise ? reply.catch(() => FAILURE) : reply
  } catch {
    return FAILURE
  }
}

function dispatch(reader: Reader, bindings: Bindings, state: AgentState): Buffer | Promise<Buffer> {
  dropExpired(state)
  const type = reader.byte()
  if (type === SSH_AGENTC_EXTENSION) return extension(reader, bindings, state)
  if (type === SSH_AGENTC_UNLOCK) return unlockAgent(reader, state)
  // The job revokes its keys by logins with them, whatever a step has done to the agent.
  const byJob = bindings.byControl !== undefined && type === SSH_AGENTC_SIGN_REQUEST
  if (state.lock.isLocked() && !byJob) return refuseLocked(type, state)
  switch (type) {
    case SSH_AGENTC_REQUEST_IDENTITIES:
      return listIdentities(bindings, state)
    case SSH_AGENTC_SIGN_REQUEST:
      return sign(reader, bindings, state)
    case SSH_AGENTC_ADD_IDENTITY:
    case SSH_AGENTC_ADD_ID_CONSTRAINED:
      return addIdentity(reader, bindings, state)
    case SSH_AGENTC_REMOVE_IDENTITY:
      return removeIdentity(reader, bindings, state)
    case SSH_AGENTC_REMOVE_ALL_IDENTITIES:
    case SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES:
      return removeAllIdentities(bindings, state)
    case SSH_AGENTC_LOCK:
      return lockAgent(reader, bindings, state)
    case SSH_AGENTC_ADD_SMARTCARD_KEY:
    case SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED:
    case SSH_AGENTC_REMOVE_SMARTCARD_KEY:
      return FAILURE // a PKCS#11 library would be code of somebody else's in this process
    default:
      return FAILURE
  }
}

/** RFC 9987 §5.7: a locked agent tells of no key, and does nothing but be unlocked. */
function refuseLocked(type: number, { identities, audit }: AgentState): Buffer {
  const listed = type === SSH_AGENTC_REQUEST_IDENTITIES
  if (listed ? identities.length > 0 : type === SSH_AGENTC_SIGN_REQUEST) {
    audit.write({ request: listed ? 'list' : 'sign', verdict: 'refused', reason: 'locked' })
  }
  return listed ? identitiesAnswer([]) : FAILURE
}

function listIdentities(bindings: Bindings, state: AgentState): Buffer {
  const shown = shownTo(bindings, state)
  const withheld = isOver(state) ? 'lifetime-over' : shown.withheld
  if (withheld !== undefined) {
    state.audit.write({
      request: 'list',
      verdict: 'refused',
      reason: withheld,
      ...(shown.host === undefined ? boundKey(bindings) : { host: shown.host }),
    })
  }
  return identitiesAnswer(shown.identities)
}

/** What each part of the job shows; withheld is only what none of them shows. */
function shownTo(bindings: Bindings, state: AgentState): ReturnType<typeof visible> {
  const views = byPolicy(state).map(({ policy, identities }) =>
    visible(policy, identities, bindings, now()),
  )
  const [first] = views
  const seen = new Set(views.flatMap(({ identities }) => identities))
  const identities = state.identities.filter((identity) => seen.has(identity))
  return identities.length > 0 || first === undefined ? { identities } : first
}

/** Whether a key, or where none is left any key, is missed since the time of its part is over. */
function isOver(state: AgentState, blob?: Buffer): boolean {
  const parts = remaining(state)
  if (blob === undefined) {
    return state.identities.length === 0 && parts.some(({ over }) => over === true)
  }
  const brought = parts.filter(({ keys }) => keys.has(blobName(blob)))
  return (brought.length === 0 ? [state] : brought).some(({ over }) => over === true)
}

function boundKey(bindings: Bindings): { hostKey?: string } {
  const last = bindings.list.at(-1)
  return last === undefined ? {} : { hostKey: fingerprint(plainKey(last.hostKey)) }
}

function sign(reader: Reader, bindings: Bindings, state: AgentState): Buffer | Promise<Buffer> {
  const blob = reader.string()
  const data = reader.string()
  const flags = reader.uint32()
  reader.end('a sign request')
  const identity = findIdentity(state.identities, blob)
  if (identity === undefined) {
    state.audit.write({
      request: 'sign',
      verdict: 'refused',
      reason: isOver(state, blob) ? 'lifetime-over' : 'key-unknown',
      key: fingerprint(blob),
    })
    return FAILURE
  }
  const judge = (): Judged => judgeByParts(identity, bindings, data, state)
  const reply = ({ allowed, reason, ...facts }: Verdict, signature: Buffer | undefined): Buffer => {
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
  const carryOut = ({ verdict, part }: Judged): Buffer | Promise<Buffer> => {
    const signature = verdict.allowed ? signWith(identity, data, flags) : undefined
    // Counted before it is made: others may be asked for meanwhile.
    if (signature !== undefined && bindings.byControl === undefined) part.signatures += 1
    return signature instanceof Promise
      ? signature.then((made) => reply(verdict, made))
      : reply(verdict, signature)
  }
  const first = judge()
  const { verdict } = first
  if (!verdict.allowed || identity.confirm !== true) return carryOut(first)
  return confirm(identity, verdict, state).then((confirmed) => {
    // While somebody thought about it, the key may have gone and the last signature been made.
    const held = !state.lock.isLocked() && state.identities.includes(identity)
    if (confirmed && held) return carryOut(judge())
    return reply({ ...verdict, allowed: false, reason: 'confirmation-denied' }, undefined)
  })
}

interface Judged {
  verdict: Verdict
  /** The part of the job by which it is. */
  part: Part
}

/** The verdict of a part of the job that lets the identity sign, else that of the first. */
function judgeByParts(
  identity: Identity,
  bindings: Bindings,
  data: Buffer,
  state: AgentState,
): Judged {
  const verdicts = partsFor(identity, state, bindings.byControl).map(({ part, policy }) => {
    const signatures = bindings.byControl === undefined ? part.signatures : 0
    return { verdict: decide(policy, identity, bindings, data, now(), signatures), part }
  })
  const [first] = verdicts
  if (first === undefined) throw new Error('another part of the job has brought the key')
  return verdicts.find(({ verdict }) => verdict.allowed) ?? first
}

/** The words of ssh-agent's own question, with the user and host where they are known. */
async function confirm(
  { comment, fingerprint }: Identity,
  { user, host }: Verdict,
  state: AgentState,
): Promise<boolean> {
  const purpose =
    user === undefined ? '' : `\nLogin as ${user}${host === undefined ? '' : ` at ${host}`}`
  const question = `Allow use of key ${comment}?\nKey fingerprint ${fingerprint}.${purpose}`
  return (await state.confirm?.(question)) ?? false
}

function extension(
  reader: Reader,
  bindings: Bindings,
  state: AgentState,
): Buffer | Promise<Buffer> {
  const name = reader.text(256)
  const contents = reader.rest()
  // The job itself may ask and stop, and a new channel be bound, while the agent is locked.
  if (name === CONTROL) return control(contents, bindings, state)
  if (name === SESSION_BIND) return bind(contents, bindings, state)
  if (name === QUERY && !state.lock.isLocked()) {
    return extensionResponse(QUERY, string(SESSION_BIND))
  }
  return FAILURE // RFC 9987 §5.8: an extension that is not known
}

function bind(contents: Buffer, bindings: Bindings, state: AgentState): Buffer {
  const defect = bindSession(bindings, contents)
  if (defect === undefined) return SUCCESS
  state.audit.write({ request: 'bind', verdict: 'refused', reason: 'bind-failed', detail: defect })
  return EXTENSION_FAILURE
}
