/**
 * The data that a client signs to log in: RFC 4252 §7, and OpenSSH's
 * publickey-hostbound-v00@openssh.com (OpenSSH's PROTOCOL, section 3.1), which adds the host key.
 */
import { Reader } from './wire'

/** RFC 4252 §6. */
const SSH_MSG_USERAUTH_REQUEST = 50

/** Longest user name that is told in the audit and compared; Linux allows 32, others 256. */
const MAX_USER = 1024

export interface UserauthRequest {
  sessionId: Buffer
  user: string
  service: string
  method: 'publickey' | 'publickey-hostbound-v00@openssh.com'
  algorithm: string
  /** The key that is to sign, in wire format. */
  key: Buffer
  /** The server's host key, where the method carries it. */
  hostKey?: Buffer
}

/** What `data` asks for, or undefined where it is anything but a whole request for a signature. */
export function parseUserauthRequest(data: Buffer): UserauthRequest | undefined {
  try {
    const reader = new Reader(data)
    const sessionId = reader.string(128)
    const message = reader.byte()
    const user = reader.text(MAX_USER)
    const service = reader.text(256)
    const method = reader.text(256)
    const signatureFollows = reader.boolean()
    const algorithm = reader.text(256)
    const key = reader.string()
    const hostbound = method === 'publickey-hostbound-v00@openssh.com'
    const hostKey = hostbound ? reader.string() : undefined
    reader.end('a userauth request')
    if (sessionId.length === 0 || message !== SSH_MSG_USERAUTH_REQUEST || !signatureFollows) {
      return undefined
    }
    if (service !== 'ssh-connection' || (method !== 'publickey' && !hostbound)) return undefined
    const request = { sessionId, user, service, algorithm, key }
    return hostKey === undefined
      ? { ...request, method: 'publickey' }
      : { ...request, method: 'publickey-hostbound-v00@openssh.com', hostKey }
  } catch {
    return undefined // short or overlong: not a userauth request
  }
}

/** Whether `data` could be taken for a login by some server, whole or not, of any method or service. */
export function beginsAsUserauth(data: Buffer): boolean {
  try {
    const reader = new Reader(data)
    reader.string()
    return reader.byte() === SSH_MSG_USERAUTH_REQUEST
  } catch {
    return false
  }
}
