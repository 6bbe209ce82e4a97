/** What the tests of the agent share: keys, userauth data, bound connections, an agent's state. */
import { readFileSync } from 'node:fs'
import type { Audit, AuditEntry } from '../../src/agent/audit'
import { plainIdentity, type Identity } from '../../src/agent/keyring'
import { openLock } from '../../src/agent/lock'
import type { PolicyHost, Reason } from '../../src/agent/policy'
import { answer } from '../../src/agent/requests'
import type { AgentState } from '../../src/agent/state'
import type { Binding, Bindings } from '../../src/agent/session-binding'
import { parsePrivateKeys } from '../../src/ssh/key-file'
import { parsePin } from '../../src/ssh/pin'
import { generatePrivateKey, writePrivateKey, type PrivateKey } from '../../src/ssh/private-key'
import { formatPublicKey, typeOfBlob, type KeyType } from '../../src/ssh/public-key'
import { makeSignature } from '../../src/ssh/signature'
import { boolean, byte, Reader, string, uint32 } from '../../src/ssh/wire'
import { makeCertificate, sampleOf } from '../ssh/samples'
import { ADD, ADD_CONSTRAINED, message } from '../support/agent-client'
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

/** All reasons; the agent's server gives those that are no matter of policy. */
export const REASONS: Record<Reason, 'decide' | 'server'> = {
  'host-pinned': 'decide',
  'unbound-allowed': 'decide',
  'any-allowed': 'decide',
  'namespace-allowed': 'decide',
  'other-data-allowed': 'decide',
  'as-asked': 'server',
  unbound: 'decide',
  'bind-failed': 'decide',
  'not-userauth': 'decide',
  'namespace-not-allowed': 'decide',
  'forwarding-hop': 'decide',
  'session-mismatch': 'decide',
  'host-key-mismatch': 'decide',
  'host-not-pinned': 'decide',
  'host-revoked': 'decide',
  'key-not-for-host': 'decide',
  'user-not-allowed': 'decide',
  'destination-not-permitted': 'decide',
  'confirmation-denied': 'server',
  'signatures-used-up': 'decide',
  'lifetime-over': 'server',
  locked: 'server',
  'passphrase-wrong': 'server',
  'key-refused': 'server',
  'forward-not-allowed': 'decide',
  'forward-not-hostbound': 'decide',
  'key-unknown': 'server',
  sha1: 'server',
}

/** What `ssh-keygen -Y sign` has signed: PROTOCOL.sshsig, section 3. */
export function sshsig(namespace: string, hash = 'sha512'): Buffer {
  const parts = [namespace, '', hash, Buffer.alloc(64, 1)]
  return Buffer.concat([Buffer.from('SSHSIG'), ...parts.map(string)])
}

export const SSHSIG = sshsig('git')

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
  return {
    identities: [],
    policy: { mode: 'any', hosts: [] },
    token: 'token',
    stop: () => undefined,
    signatures: 0,
    keys: new Set(),
    joined: [],
    lock: openLock(() => Promise.resolve()),
    ...changes,
    audit: memoryAudit(),
  }
}

/** The answer to a message where nobody has to be asked and nobody waits. */
export function reply(request: Buffer, bindings: Bindings, state: AgentState): Buffer {
  const answered = answer(request, bindings, state)
  if (answered instanceof Promise) throw new Error('the answer is a promise')
  return answered
}

/** A user certificate for a key, by an authority of the tests. */
export function certificateOf({ key }: PrivateKey): Buffer {
  return makeCertificate({ subject: sampleOf(key), role: 1, principals: ['deploy'] })
}

/** The strings that `bytes` is made of. */
export function strings(bytes: Buffer): Buffer[] {
  const reader = new Reader(bytes)
  const found: Buffer[] = []
  while (reader.remaining > 0) found.push(reader.string())
  return found
}

/** What RFC 9987 §5.2 has between the type of the message and the constraints. */
export function keyBody(key: PrivateKey, certificate?: Buffer): Buffer {
  if (certificate === undefined) return writePrivateKey(key)
  // OpenSSH's sshkey_private_serialize leaves out what the certificate says; not so of ed25519.
  const stated = key.type === 'ssh-ed25519' ? 1 : 3
  const parts = strings(writePrivateKey(key)).slice(stated)
  return Buffer.concat([typeOfBlob(certificate), certificate, ...parts].map(string))
}

/** A request to add a key; of constraints, if any are given. */
export function addRequest(
  key: PrivateKey,
  { certificate, constraints = [] }: { certificate?: Buffer; constraints?: Buffer[] } = {},
): Buffer {
  const type = constraints.length === 0 ? ADD : ADD_CONSTRAINED
  return message(type, keyBody(key, certificate), ...constraints)
}

/** RFC 9987 §5.2.7. */
export const CONFIRM = byte(2)

export function lifetime(seconds: number): Buffer {
  return Buffer.concat([byte(1), uint32(seconds)])
}

export function constraintExtension(name: string, contents: Buffer): Buffer {
  return Buffer.concat([byte(255), string(name), string(contents)])
}

/** One side of a step that a key may go, on the wire: PROTOCOL.agent section 2. */
export interface WireHop {
  user?: string
  hostname?: string
  keys?: readonly { blob: Buffer; authority?: boolean }[]
  extensions?: string
}

function wireHop({ user = '', hostname = '', keys = [], extensions = '' }: WireHop): Buffer {
  const specs = keys.map(({ blob, authority = false }) => [string(blob), boolean(authority)])
  return Buffer.concat([...[user, hostname, extensions].map(string), ...specs.flat()])
}

/** One step that a key may go, on the wire. */
export function step(from: WireHop, to: WireHop, extensions = ''): Buffer {
  return string(Buffer.concat([...[wireHop(from), wireHop(to), extensions].map(string)]))
}

/** A host by its plain key, for `step`; without one it is where the agent runs. */
export function hopTo(host: PrivateKey, changes: WireHop = {}): WireHop {
  return { hostname: host.comment, keys: [{ blob: host.publicKey }], ...changes }
}

/** The constraint that a key is for these steps only. */
export function restrict(...steps: Buffer[]): Buffer {
  return constraintExtension('restrict-destination-v00@openssh.com', Buffer.concat(steps))
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
