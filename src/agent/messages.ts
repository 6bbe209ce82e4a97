/**
 * The agent protocol on the wire: message numbers, frames, replies (RFC 9987 §5; OpenSSH's
 * PROTOCOL.agent for the extensions).
 */
import { TrustError } from '../errors'
import { byte, string, uint32 } from '../ssh/wire'

/** RFC 9987 §5, requests. The first is of protocol 1: OpenSSH's agent still takes it, and so do we. */
export const SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES = 9
export const SSH_AGENTC_REQUEST_IDENTITIES = 11
export const SSH_AGENTC_SIGN_REQUEST = 13
export const SSH_AGENTC_ADD_IDENTITY = 17
export const SSH_AGENTC_REMOVE_IDENTITY = 18
export const SSH_AGENTC_REMOVE_ALL_IDENTITIES = 19
export const SSH_AGENTC_ADD_SMARTCARD_KEY = 20
export const SSH_AGENTC_REMOVE_SMARTCARD_KEY = 21
export const SSH_AGENTC_LOCK = 22
export const SSH_AGENTC_UNLOCK = 23
export const SSH_AGENTC_ADD_ID_CONSTRAINED = 25
export const SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED = 26
export const SSH_AGENTC_EXTENSION = 27

/** RFC 9987 §5, replies. */
export const SSH_AGENT_FAILURE = 5
export const SSH_AGENT_SUCCESS = 6
export const SSH_AGENT_IDENTITIES_ANSWER = 12
export const SSH_AGENT_SIGN_RESPONSE = 14
export const SSH_AGENT_EXTENSION_FAILURE = 28
export const SSH_AGENT_EXTENSION_RESPONSE = 29

/** RFC 9987 §5.6.1, flags of a sign request. */
export const SSH_AGENT_RSA_SHA2_256 = 2
export const SSH_AGENT_RSA_SHA2_512 = 4

/** RFC 9987 §5.2.7, constraints of a key that is added. */
export const SSH_AGENT_CONSTRAIN_LIFETIME = 1
export const SSH_AGENT_CONSTRAIN_CONFIRM = 2
export const SSH_AGENT_CONSTRAIN_EXTENSION = 255

/** Extensions: RFC 9987 §5.8.1, PROTOCOL.agent section 1, and our own. */
export const QUERY = 'query'
export const SESSION_BIND = 'session-bind@openssh.com'
export const CONTROL = 'control@ssh-trust-action'

/** The one constraint extension that is known here: PROTOCOL.agent section 2. */
export const RESTRICT_DESTINATION = 'restrict-destination-v00@openssh.com'

/** Longest message; OpenSSH's AGENT_MAX_LEN. */
export const MAX_MESSAGE = 256 * 1024

export const FAILURE = byte(SSH_AGENT_FAILURE)
export const SUCCESS = byte(SSH_AGENT_SUCCESS)
export const EXTENSION_FAILURE = byte(SSH_AGENT_EXTENSION_FAILURE)

/** One message as a frame: its length, then itself (RFC 9987 §5). */
export const frame = string

/** Pieces below this size are joined: the memory of each is far more than its bytes. */
const SMALL_PIECE = 4096

/** Takes frames apart, in whatever pieces they arrive. */
export class FrameReader {
  #chunks: Buffer[] = []
  #pending = 0

  /** Bytes that wait for the rest of their message. */
  get pending(): number {
    return this.#pending
  }

  push(chunk: Buffer): void {
    this.#pending += chunk.length
    let last = chunk
    // As the digits of a binary counter: each byte is copied some twelve times at most.
    for (let before = this.#chunks.at(-1); before !== undefined; before = this.#chunks.at(-1)) {
      if (last.length >= SMALL_PIECE || before.length > last.length) break
      this.#chunks.pop()
      last = Buffer.concat([before, last])
    }
    this.#chunks.push(last)
  }

  /**
   * The next whole message, or undefined until there is one.
   *
   * @throws TrustError `malformed`: too long or empty. The stream can't be read on after that.
   */
  next(): Buffer | undefined {
    if (this.#pending < 4) return undefined
    const length = this.#length()
    if (length === 0 || length > MAX_MESSAGE) {
      throw new TrustError('malformed', `An agent message of ${length} bytes.`)
    }
    if (this.#pending < 4 + length) return undefined
    const joined = this.#join()
    this.#chunks = joined.length === 4 + length ? [] : [joined.subarray(4 + length)]
    this.#pending -= 4 + length
    return joined.subarray(4, 4 + length)
  }

  /** The four bytes in front, which may have come in as many pieces. */
  #length(): number {
    if ((this.#chunks[0]?.length ?? 0) < 4) this.#chunks = [this.#join()]
    return this.#chunks[0]?.readUInt32BE(0) ?? 0
  }

  #join(): Buffer {
    const [first] = this.#chunks
    return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)
  }
}

/** RFC 9987 §5.5. */
export function identitiesAnswer(identities: readonly { blob: Buffer; comment: string }[]): Buffer {
  const keys = identities.flatMap(({ blob, comment }) => [string(blob), string(comment)])
  return Buffer.concat([byte(SSH_AGENT_IDENTITIES_ANSWER), uint32(identities.length), ...keys])
}

/** RFC 9987 §5.6. */
export function signResponse(signature: Buffer): Buffer {
  return Buffer.concat([byte(SSH_AGENT_SIGN_RESPONSE), string(signature)])
}

/** RFC 9987 §5.8. */
export function extensionResponse(name: string, contents: Buffer): Buffer {
  return Buffer.concat([byte(SSH_AGENT_EXTENSION_RESPONSE), string(name), contents])
}

/** RFC 9987 §5.6. */
export function signRequest(key: Buffer, data: Buffer, flags = 0): Buffer {
  return Buffer.concat([byte(SSH_AGENTC_SIGN_REQUEST), string(key), string(data), uint32(flags)])
}

/** RFC 9987 §5.8. */
export function extensionRequest(name: string, contents: Buffer): Buffer {
  return Buffer.concat([byte(SSH_AGENTC_EXTENSION), string(name), contents])
}
