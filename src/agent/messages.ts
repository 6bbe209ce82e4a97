/**
 * The agent protocol on the wire: message numbers, frames, replies (RFC 9987 §5; OpenSSH's
 * PROTOCOL.agent for the extensions).
 */
import { TrustError } from '../errors'
import { byte, string, uint32 } from '../ssh/wire'

/** RFC 9987 §5, requests. */
export const SSH_AGENTC_REQUEST_IDENTITIES = 11
export const SSH_AGENTC_SIGN_REQUEST = 13
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

/** Extensions: RFC 9987 §5.8.1, PROTOCOL.agent section 1, and our own. */
export const QUERY = 'query'
export const SESSION_BIND = 'session-bind@openssh.com'
export const CONTROL = 'control@ssh-trust-action'

/** Longest message; OpenSSH's AGENT_MAX_LEN. */
export const MAX_MESSAGE = 256 * 1024

export const FAILURE = byte(SSH_AGENT_FAILURE)
export const SUCCESS = byte(SSH_AGENT_SUCCESS)
export const EXTENSION_FAILURE = byte(SSH_AGENT_EXTENSION_FAILURE)

/** One message as a frame: its length, then itself (RFC 9987 §5). */
export const frame = string

/** Takes frames apart, in whatever pieces they arrive. */
export class FrameReader {
  #chunks: Buffer[] = []
  #length = 0

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /**
   * The next whole message, or undefined until there is one.
   *
   * @throws TrustError `malformed`: too long or empty. The stream can't be read on after that.
   */
  next(): Buffer | undefined {
    if (this.#length < 4) return undefined
    const pending = this.#join()
    const length = pending.readUInt32BE(0)
    if (length === 0 || length > MAX_MESSAGE) {
      throw new TrustError('malformed', `An agent message of ${length} bytes.`)
    }
    if (pending.length < 4 + length) return undefined
    this.#chunks = [pending.subarray(4 + length)]
    this.#length = pending.length - 4 - length
    return pending.subarray(4, 4 + length)
  }

  #join(): Buffer {
    const [first] = this.#chunks
    if (this.#chunks.length === 1 && first !== undefined) return first
    const joined = Buffer.concat(this.#chunks)
    this.#chunks = [joined]
    return joined
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

/** RFC 9987 §5.8. */
export function extensionRequest(name: string, contents: Buffer): Buffer {
  return Buffer.concat([byte(SSH_AGENTC_EXTENSION), string(name), contents])
}
