/** What the tests of the agent share: keys, userauth data, bound connections, an agent's state. */
import { readFileSync } from 'node:fs'
import type { Audit, AuditEntry } from '../../src/agent/audit'
import { plainIdentity, type Identity } from '../../src/agent/keyring'
import type { PolicyHost, Reason } from '../../src/agent/policy'
import type { AgentState } from '../../src/agent/server'
import type { Binding, Bindings } from '../../src/agent/session-binding'
import { parsePrivateKeys } from '../../src/ssh/key-file'
import { parsePin } from '../../src/ssh/pin'
import { generatePrivateKey, type PrivateKey } from '../../src/ssh/private-key'
import { formatPublicKey, typeOfBlob, type KeyType } from '../../src/ssh/public-key'
import { makeSignature } from '../../src/ssh/signature'
import { boolean, byte, string, uint32 } from '../../src/ssh/wire'
import { makeCa, makeKey } from '../support/keys'
import { makeDirectory } from '../support/scratch'

const made = new Map<string, PrivateKey>()

/** A key by its name: the same in all tests of a file, for RSA keys take long. */
export function keyOf(name: string, type: KeyType = 'ssh-ed25519'): PrivateKey {
  const known = made.get(`${type} ${name}`)
  if (known !== undefined) return known
  const key = generatePrivateKey({ type, bits: 2048 }, name)
  made.set(`${type} ${name}`, key)
  return key
}

/** An identity of the agent; the name is its comment. */
export function identityOf(name: string, type?: KeyType): Identity {
  return plainIdentity(keyOf(name, type))
}

export const SESSION = Buffer.alloc(32, 7)
export const NOW = 1_750_000_000

export interface Login {
  key: Buffer
  sessionId?: Buffer
  user?: string
  service?: string
  message?: number
  method?: string
  follows?: boolean
  /** Makes it publickey-hostbound-v00@openssh.com. */
  hostKey?: Buffer
}

/** What a client signs to log in: RFC 4252 §7, or OpenSSH's PROTOCOL section 3.1. */
export function userauth(login: Login): Buffer {
  const { key, sessionId = SESSION, user = 'deploy', hostKey } = login
  const method = hostKey === undefined ? 'publickey' : 'publickey-hostbound-v00@openssh.com'
  return Buffer.concat([
    string(sessionId),
    byte(login.message ?? 50),
    string(user),
    string(login.service ?? 'ssh-connection'),
    string(login.method ?? method),
    boolean(login.follows ?? true),
    string(typeOfBlob(key)),
    string(key),
    ...(hostKey === undefined ? [] : [string(hostKey)]),
  ])
}

/** All reasons; the agent's server gives the two that are no matter of policy. */
export const REASONS: Record<Reason, 'decide' | 'server'> = {
  'host-pinned': 'decide',
  'unbound-allowed': 'decide',
  'any-allowed': 'decide',
  unbound: 'decide',
  'bind-failed': 'decide',
  'not-userauth': 'decide',
  'forwarding-hop': 'decide',
  'session-mismatch': 'decide',
  'host-key-mismatch': 'decide',
  'host-not-pinned': 'decide',
  'host-revoked': 'decide',
  'key-not-for-host': 'decide',
  'forward-not-allowed': 'decide',
  'forward-not-hostbound': 'decide',
  'key-unknown': 'server',
  sha1: 'server',
}

/** What `ssh-keygen -Y sign` has signed: PROTOCOL.sshsig, section 2. */
export const SSHSIG = Buffer.concat([
  Buffer.from('SSHSIG'),
  ...['git', '', 'sha512', Buffer.alloc(64, 1)].map(string),
])

/** Contents of a session-bind message whose signature is `host`'s, unless `changes` says else. */
export function bindContents(
  host: PrivateKey,
  changes: { sessionId?: Buffer; signed?: Buffer; hostKey?: Buffer; forwarding?: boolean } = {},
): Buffer {
  const { sessionId = SESSION, hostKey = host.publicKey, forwarding = false } = changes
  const signature = makeSignature(host.type, host.key, changes.signed ?? sessionId, 'sha512')
  return Buffer.concat([...[hostKey, sessionId, signature].map(string), boolean(forwarding)])
}

export function binding(host: PrivateKey | Buffer, changes: Partial<Binding> = {}): Binding {
  const hostKey = Buffer.isBuffer(host) ? host : host.publicKey
  return { hostKey, sessionId: SESSION, forwarding: false, ...changes }
}

/** A connection with these bindings, the latest last. */
export function bound(...list: Binding[]): Bindings {
  return { list, failed: false }
}

/** A pin of the plain key `host`; with a marker `@revoked` or `@cert-authority`. */
export function pinOf(host: PrivateKey, marker = ''): ReturnType<typeof parsePin> {
  return parsePin(`${marker} ${formatPublicKey(host.publicKey)}`.trimStart())
}

/** A line of `hosts` that pins the key `host`. */
export function policyHost(host: PrivateKey, changes: Partial<PolicyHost> = {}): PolicyHost {
  return { name: 'web', hostname: 'web.example', pins: [pinOf(host)], forward: false, ...changes }
}

export interface MemoryAudit extends Audit {
  entries: Omit<AuditEntry, 'time'>[]
}

export function memoryAudit(): MemoryAudit {
  const entries: MemoryAudit['entries'] = []
  return {
    entries,
    write: (entry) => entries.push(entry),
    counts: () => ({ written: entries.length, omitted: 0 }),
    close: () => undefined,
  }
}

export function stateOf(changes: Partial<AgentState> = {}): AgentState & { audit: MemoryAudit } {
  const state = { identities: [], policy: { mode: 'any', hosts: [] } as const, token: 'token' }
  return { ...state, stop: () => undefined, ...changes, audit: memoryAudit() }
}

/** An SSH_AGENTC_SIGN_REQUEST. */
export function signRequest(key: Buffer, data: Buffer, flags = 0): Buffer {
  return Buffer.concat([byte(13), string(key), string(data), uint32(flags)])
}

/** A host key with its certificate for web.example, and the authority's pin: by real ssh-keygen. */
export async function realHostCertificate(
  validity?: string,
): Promise<{ host: PrivateKey; certificate: Buffer; authority: ReturnType<typeof parsePin> }> {
  const directory = makeDirectory()
  const [ca, key] = await Promise.all([makeCa(directory), makeKey(directory, 'ed25519')])
  const file = await ca.sign(key.publicKeyFile, {
    host: true,
    principals: ['web.example'],
    ...(validity === undefined ? {} : { validity }),
  })
  const [host] = parsePrivateKeys(key.privateKey).keys
  if (host === undefined) throw new Error('no key')
  const certificate = Buffer.from(readFileSync(file, 'utf8').split(' ')[1] ?? '', 'base64')
  return { host, certificate, authority: parsePin(`@cert-authority ${ca.publicKey}`) }
}
