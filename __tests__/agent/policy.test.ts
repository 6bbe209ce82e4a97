/**
 * What the agent signs and shows: decide() as a table in which every Reason of the policy occurs, and
 * visible() for each kind of connection.
 */
import { afterAll, describe, expect, test } from '@jest/globals'
import {
  decide,
  isPermitted,
  POLICY_MODES,
  visible,
  type Policy,
  type PolicyHost,
  type PolicyMode,
  type Reason,
  type Verdict,
} from '../../src/agent/policy'
import type { Destination } from '../../src/agent/constraints'
import { certifiedIdentity, type Identity } from '../../src/agent/keyring'
import { noBindings, type Binding, type Bindings } from '../../src/agent/session-binding'
import { fingerprint } from '../../src/ssh/public-key'
import { parsePin } from '../../src/ssh/pin'
import type { PrivateKey } from '../../src/ssh/private-key'
import { boolean, byte, string } from '../../src/ssh/wire'
import { describeWith } from '../support/programs'
import {
  binding,
  bound,
  certificateOf,
  identityOf,
  keyOf,
  NOW,
  pinOf,
  policyHost,
  REASONS,
  realHostCertificate,
  SESSION,
  SSHSIG,
  sshsig,
  userauth,
  type Login,
} from './fixtures'

const web = keyOf('web')
const db = keyOf('db')
const hop = keyOf('hop')
const stranger = keyOf('stranger')
const me = identityOf('me')
const you = identityOf('you')

const onWeb = policyHost(web)
const onDb = policyHost(db, { name: 'db', hostname: 'db.example' })
const viaHop = policyHost(hop, { name: 'hop', hostname: 'hop.example', forward: true })
const noForward = { ...viaHop, forward: false }

const sid = (n: number): Buffer => Buffer.alloc(32, n)
const throughHop = binding(hop, { sessionId: sid(1), forwarding: true })
const secondHop = binding(db, { sessionId: sid(2), forwarding: true })

const plain = userauth({ key: me.blob })
const hostbound = userauth({ key: me.blob, hostKey: web.publicKey })

/** What a case changes of a plain login of `me` as `deploy`, bound to the pinned host `web`. */
interface Given extends Partial<Omit<Policy, 'hosts'>> {
  hosts?: PolicyHost[]
  bindings?: Bindings
  data?: Buffer
  /** The only destinations of the key. */
  destinations?: Destination[]
  /** Made before. */
  signatures?: number
}

/** What the verdict tells besides its reason; the user is `deploy` unless told. */
type Told = Partial<Omit<Verdict, 'reason' | 'user'>> & { user?: string | undefined }

type Case = readonly [name: string, given: Given, reason: Reason, told?: Told]

const unbound = noBindings()
const onStranger = bound(binding(stranger))
const poisoned: Bindings = { list: [binding(web)], failed: true }
const warn = { mode: 'warn' } as const
const any = { mode: 'any' } as const
const signed: Told = { allowed: true, host: 'web' }
const yes: Told = { allowed: true }
const noUser: Told = { user: undefined }

/** Lines for the host `web`, one for each of the changes. */
function lines(...changes: Partial<PolicyHost>[]): { hosts: PolicyHost[] } {
  return { hosts: changes.map((change) => policyHost(web, change)) }
}

/** `web` behind these hops, by lines for the hops. */
function over(hosts: PolicyHost[], path: Binding[], data = hostbound): Given {
  return { hosts: [onWeb, ...hosts], bindings: bound(...path, binding(web)), data }
}

function login(changes: Partial<Login>): { data: Buffer } {
  return { data: userauth({ key: me.blob, ...changes }) }
}

/** A key for these steps only: to a host, over another one, as one user. */
function only(...steps: [to: PrivateKey, from?: PrivateKey | undefined, user?: string][]): {
  destinations: Destination[]
} {
  const side = (host: PrivateKey): Destination['to'] => ({
    hostname: host.comment,
    keys: [{ blob: host.publicKey, authority: false }],
  })
  return {
    destinations: steps.map(([to, from, user]) => ({
      to: side(to),
      ...(from === undefined ? {} : { from: side(from) }),
      ...(user === undefined ? {} : { user }),
    })),
  }
}

const yesNoUser: Told = { ...yes, ...noUser }
const commits = { namespaces: ['git'], data: SSHSIG }
const others = { otherData: true, data: Buffer.from('bf4cf7d5b1e44a0d9a1c', 'hex') }

const onDbForward = { ...onDb, forward: true }
const signedOver: Told = { ...signed, forwarded: true }
const asRoot = { name: 'as-root', user: 'root' }
const asDeploy = { name: 'as-deploy', user: 'deploy' }
const revoked = pinOf(web, '@revoked')
const byFingerprint = parsePin(fingerprint(web.publicKey))
const HOSTBOUND = 'publickey-hostbound-v00@openssh.com'

const CASES: readonly Case[] = [
  // pinned hosts
  ['a plain login', {}, 'host-pinned', signed],
  ['a hostbound login', { data: hostbound }, 'host-pinned', signed],
  ['a pin by fingerprint', lines({ pins: [byFingerprint] }), 'host-pinned', signed],
  ['one pin of several', lines({ pins: [pinOf(db), pinOf(web)] }), 'host-pinned', signed],
  ['in warn', warn, 'host-pinned', signed],
  ['no hosts at all', { hosts: [] }, 'host-not-pinned'],
  ['a stranger', { bindings: onStranger }, 'host-not-pinned'],
  ['a stranger, in warn', { ...warn, bindings: onStranger }, 'host-not-pinned'],
  ['a plain key, a CA pin', lines({ pins: [pinOf(web, '@cert-authority')] }), 'host-not-pinned'],
  ['a revoked key', lines({ pins: [pinOf(web), revoked] }), 'host-revoked'],
  ['revoked by another line', lines({}, { pins: [pinOf(db), revoked] }), 'host-revoked'],

  // the connection
  ['unbound', { bindings: unbound }, 'unbound'],
  ['unbound, in warn', { ...warn, bindings: unbound }, 'unbound-allowed', yes],
  [
    'unbound hostbound, in warn',
    { ...warn, bindings: unbound, data: hostbound },
    'unbound-allowed',
    yes,
  ],
  ['poisoned', { bindings: poisoned }, 'bind-failed'],
  ['poisoned, in warn', { ...warn, bindings: poisoned }, 'bind-failed'],
  [
    'poisoned with no bind, in warn',
    { ...warn, bindings: { list: [], failed: true } },
    'bind-failed',
  ],
  ['another session', { bindings: bound(binding(web, { sessionId: sid(9) })) }, 'session-mismatch'],
  ['a part of the session id', login({ sessionId: SESSION.subarray(1) }), 'session-mismatch'],
  [
    'another host key in the data',
    { hosts: [onWeb, onDb], ...login({ hostKey: db.publicKey }) },
    'host-key-mismatch',
  ],
  [
    'bound for forwarding',
    { bindings: bound(binding(web, { forwarding: true })) },
    'forwarding-hop',
  ],

  // the data
  ['no data', { data: Buffer.alloc(0) }, 'not-userauth', noUser],
  ['random data', { data: Buffer.from('bf4cf7d5b1e44a0d9a1c', 'hex') }, 'not-userauth', noUser],
  ['a login with another key', login({ key: you.blob }), 'not-userauth'],
  ['a login cut short', { data: plain.subarray(0, -1) }, 'not-userauth', noUser],
  ['a byte behind a login', { data: Buffer.concat([plain, byte(0)]) }, 'not-userauth', noUser],
  ['another message number', login({ message: 51 }), 'not-userauth', noUser],
  ['another service', login({ service: 'ssh-userauth' }), 'not-userauth', noUser],
  ['host-based login', login({ method: 'hostbased' }), 'not-userauth', noUser],
  ['hostbound, no host key', login({ method: HOSTBOUND }), 'not-userauth', noUser],
  [
    'publickey, a host key',
    login({ method: 'publickey', hostKey: web.publicKey }),
    'not-userauth',
    noUser,
  ],
  ['a query without signature', login({ follows: false }), 'not-userauth', noUser],
  ['an empty session id', login({ sessionId: Buffer.alloc(0) }), 'not-userauth', noUser],

  // other data
  ['a commit', { data: SSHSIG }, 'namespace-not-allowed', noUser],
  [
    'a commit, in warn',
    { ...warn, bindings: unbound, data: SSHSIG },
    'namespace-not-allowed',
    noUser,
  ],
  ['a commit, unbound', { ...commits, bindings: unbound }, 'namespace-allowed', yesNoUser],
  [
    'a commit, unbound, in warn',
    { ...warn, ...commits, bindings: unbound },
    'namespace-allowed',
    yesNoUser,
  ],
  [
    'one namespace of several',
    { ...commits, namespaces: ['file', 'git'], bindings: unbound },
    'namespace-allowed',
    yesNoUser,
  ],
  ...['gi', 'gitx', 'Git', ' git', 'git,file'].map((name): Case => [
    `the namespace ${JSON.stringify(name)}`,
    { ...commits, namespaces: [name], bindings: unbound },
    'namespace-not-allowed',
    noUser,
  ]),
  [
    'another namespace',
    { ...commits, data: sshsig('file'), bindings: unbound },
    'namespace-not-allowed',
    noUser,
  ],
  [
    'a namespace, where other data is allowed',
    { otherData: true, data: SSHSIG, bindings: unbound },
    'namespace-not-allowed',
    noUser,
  ],
  [
    'no namespaces at all',
    { ...commits, namespaces: [], bindings: unbound },
    'namespace-not-allowed',
    noUser,
  ],
  ['a commit, poisoned', { ...commits, bindings: poisoned }, 'bind-failed', noUser],
  // Over a connection that is bound for a login nothing else is asked for.
  ['a commit, on a login', commits, 'forward-not-allowed', noUser],
  [
    'a commit, over a hop that may',
    { ...commits, hosts: [viaHop], bindings: bound(throughHop) },
    'namespace-allowed',
    yesNoUser,
  ],
  [
    'a commit, over a hop that may not',
    { ...commits, hosts: [noForward], bindings: bound(throughHop) },
    'forward-not-allowed',
    noUser,
  ],
  [
    'a commit, over a stranger',
    { ...commits, bindings: bound(throughHop) },
    'forward-not-allowed',
    noUser,
  ],
  [
    'a commit, over two hops that may',
    { ...commits, hosts: [viaHop, onDbForward], bindings: bound(throughHop, secondHop) },
    'namespace-allowed',
    { ...yesNoUser, forwarded: true },
  ],
  [
    'a commit, over two hops of which one may not',
    { ...commits, hosts: [viaHop, onDb], bindings: bound(throughHop, secondHop) },
    'forward-not-allowed',
    { ...noUser, forwarded: true },
  ],
  [
    'a commit with a key for other uses of the hop',
    { ...commits, hosts: [{ ...viaHop, keys: ['you'] }], bindings: bound(throughHop) },
    'forward-not-allowed',
    noUser,
  ],
  ['other data', { ...others, bindings: unbound }, 'other-data-allowed', yesNoUser],
  [
    'no data, as other data',
    { ...others, data: Buffer.alloc(0), bindings: unbound },
    'other-data-allowed',
    yesNoUser,
  ],
  [
    'other data, in warn',
    { ...warn, ...others, bindings: unbound },
    'other-data-allowed',
    yesNoUser,
  ],
  ['other data, poisoned', { ...others, bindings: poisoned }, 'bind-failed', noUser],
  ['other data, on a login', others, 'forward-not-allowed', noUser],
  [
    'other data, over a hop that may',
    { ...others, hosts: [viaHop], bindings: bound(throughHop) },
    'other-data-allowed',
    yesNoUser,
  ],
  [
    'other data, where namespaces are allowed',
    { namespaces: ['git'], data: others.data, bindings: unbound },
    'not-userauth',
    noUser,
  ],
  [
    'other data, said to be no',
    { ...others, otherData: false, bindings: unbound },
    'not-userauth',
    noUser,
  ],
  // What some server could take for a login is no other data.
  ...(
    [
      ['another service', { service: 'ssh-userauth' }],
      ['another method', { method: 'hostbased' }],
      ['no signature to follow', { follows: false }],
      ['an empty session id', { sessionId: Buffer.alloc(0) }],
      ['a long session id', { sessionId: Buffer.alloc(129) }],
      ['a long user name', { user: 'x'.repeat(1025) }],
    ] as const
  ).map(([name, changes]): Case => {
    return [
      `other data that is a login with ${name}`,
      { ...others, ...login(changes), bindings: unbound },
      'not-userauth',
      noUser,
    ]
  }),
  [
    'other data that begins a login',
    { ...others, data: plain.subarray(0, 37), bindings: unbound },
    'not-userauth',
    noUser,
  ],
  [
    'other data that is a login and more',
    { ...others, data: Buffer.concat([plain, byte(0)]), bindings: unbound },
    'not-userauth',
    noUser,
  ],
  [
    "other data that is another key's login",
    { ...others, ...login({ key: you.blob }), bindings: unbound },
    'not-userauth',
  ],
  [
    'a login, where other data is allowed',
    { ...others, data: plain, bindings: unbound },
    'unbound',
  ],
  [
    'other data of another message',
    { ...others, ...login({ message: 51 }), bindings: unbound },
    'other-data-allowed',
    yesNoUser,
  ],

  // signatures
  ['the last signature', { maxSignatures: 3, signatures: 2 }, 'host-pinned', signed],
  ['one more than the last', { maxSignatures: 3, signatures: 3 }, 'signatures-used-up'],
  ['far more than the last', { maxSignatures: 3, signatures: 9 }, 'signatures-used-up'],
  ['no signatures at all', { maxSignatures: 0 }, 'signatures-used-up'],
  ['any number of signatures', { signatures: 1e9 }, 'host-pinned', signed],
  [
    'any: one more than the last',
    { ...any, maxSignatures: 1, signatures: 1 },
    'signatures-used-up',
  ],
  [
    'used up, poisoned, no login',
    { maxSignatures: 0, bindings: poisoned, data: SSHSIG },
    'signatures-used-up',
    noUser,
  ],

  // users=
  ['users= with the user', lines({ users: ['root', 'deploy'] }), 'host-pinned', signed],
  ['users= without the user', lines({ users: ['root'] }), 'user-not-allowed', { host: 'web' }],
  ['users= nobody', lines({ users: [] }), 'user-not-allowed', { host: 'web' }],
  ['users= in another case', lines({ users: ['Deploy'] }), 'user-not-allowed', { host: 'web' }],
  ['users= is no pattern', lines({ users: ['*', 'deploy*'] }), 'user-not-allowed', { host: 'web' }],
  [
    'users= in warn',
    { ...warn, ...lines({ users: ['root'] }) },
    'user-not-allowed',
    { host: 'web' },
  ],
  [
    'users= unbound, in warn',
    { ...warn, ...lines({ users: ['root'] }), bindings: unbound },
    'unbound-allowed',
    yes,
  ],
  ['users= any', { ...any, ...lines({ users: ['root'] }) }, 'any-allowed', yes],
  [
    'users= of two lines, the second',
    lines({ ...asRoot, users: ['root'] }, { name: 'open', users: ['deploy'] }),
    'host-pinned',
    { ...yes, host: 'open' },
  ],
  [
    'users= of two lines, neither: told is the preferred one',
    lines({ ...asRoot, users: ['root'] }, { ...asDeploy, users: ['git'] }),
    'user-not-allowed',
    { host: 'as-deploy' },
  ],
  [
    'users= of the line for this user without it, a line for all',
    lines({ ...asDeploy, users: ['root'] }, { name: 'open' }),
    'host-pinned',
    { ...yes, host: 'open' },
  ],
  [
    'users= of a line for another key does not count',
    lines({ ...asDeploy, keys: ['you'] }, { name: 'open', users: ['root'] }),
    'user-not-allowed',
    { host: 'open' },
  ],
  [
    'users= over a hop',
    { ...over([viaHop], [throughHop]), hosts: [{ ...onWeb, users: ['root'] }, viaHop] },
    'user-not-allowed',
    { host: 'web', forwarded: true },
  ],
  [
    'users= of a hop does not count',
    over([{ ...viaHop, users: ['nobody'] }], [throughHop]),
    'host-pinned',
    signedOver,
  ],

  // the key's own destinations
  ['a destination', only([web]), 'host-pinned', signed],
  ['a destination, not pinned', { ...only([web]), hosts: [] }, 'host-not-pinned'],
  ['another destination', only([db]), 'destination-not-permitted'],
  ['a destination as the user', only([web, undefined, 'dep*']), 'host-pinned', signed],
  ['a destination as another user', only([web, undefined, 'root']), 'destination-not-permitted'],
  [
    'a destination, over a hop',
    { ...over([viaHop], [throughHop]), ...only([hop], [web, hop]) },
    'host-pinned',
    signedOver,
  ],
  [
    'a destination, not over this hop',
    { ...over([viaHop], [throughHop]), ...only([hop], [web, db]) },
    'destination-not-permitted',
    { forwarded: true },
  ],
  ...(['pinned', 'warn', 'any'] as const).flatMap((mode): Case[] => [
    [
      `${mode}: a destination, unbound`,
      { mode, ...only([web]), bindings: unbound },
      'destination-not-permitted',
    ],
    [
      `${mode}: a destination, poisoned`,
      { mode, ...only([web]), bindings: poisoned },
      'destination-not-permitted',
    ],
    [`${mode}: another destination`, { mode, ...only([db]) }, 'destination-not-permitted'],
    [
      `${mode}: a commit by a key with destinations`,
      { mode, ...commits, ...only([web]), bindings: unbound },
      'destination-not-permitted',
      noUser,
    ],
    [
      `${mode}: other data by a key with destinations`,
      { mode, ...others, ...only([web]) },
      'destination-not-permitted',
      noUser,
    ],
    [
      `${mode}: another key's login`,
      { mode, ...only([web]), ...login({ key: you.blob }) },
      'destination-not-permitted',
    ],
    [
      `${mode}: a destination, bound for forwarding`,
      { mode, ...only([web], [db, web]), bindings: bound(binding(web, { forwarding: true })) },
      'destination-not-permitted',
    ],
    [
      `${mode}: a destination, another session`,
      { mode, ...only([web]), ...login({ sessionId: sid(9) }) },
      'session-mismatch',
    ],
    [
      `${mode}: a destination, another host key in the data`,
      { mode, ...only([web]), ...login({ hostKey: db.publicKey }) },
      'host-key-mismatch',
    ],
    [
      `${mode}: a destination over a hop, plain publickey`,
      { mode, ...over([viaHop], [throughHop], plain), ...only([hop], [web, hop]) },
      'forward-not-hostbound',
      { forwarded: true },
    ],
  ]),
  ['any: a destination', { ...any, ...only([web]) }, 'any-allowed', yes],
  [
    'any: a destination, over a hop',
    { ...any, ...over([], [throughHop]), ...only([hop], [web, hop]) },
    'any-allowed',
    { ...yes, forwarded: true },
  ],

  // key=
  ['key= by fingerprint', lines({ keys: [me.fingerprint] }), 'host-pinned', signed],
  ['key= by comment', lines({ keys: ['other', 'me'] }), 'host-pinned', signed],
  [
    "key= another's fingerprint",
    lines({ keys: [you.fingerprint] }),
    'key-not-for-host',
    { host: 'web' },
  ],
  ["key= another's comment", lines({ keys: ['you'] }), 'key-not-for-host', { host: 'web' }],
  ['key= a part of the comment', lines({ keys: ['m'] }), 'key-not-for-host', { host: 'web' }],

  // two lines for one key
  [
    'two lines, the first user',
    { ...lines(asRoot, asDeploy), ...login({ user: 'root' }) },
    'host-pinned',
    { ...yes, host: 'as-root', user: 'root' },
  ],
  [
    'two lines, the second user',
    lines(asRoot, asDeploy),
    'host-pinned',
    { ...yes, host: 'as-deploy' },
  ],
  [
    'two lines, a third user',
    { ...lines(asRoot, asDeploy), ...login({ user: 'git' }) },
    'host-pinned',
    { ...yes, host: 'as-root', user: 'git' },
  ],
  [
    "two lines, this user's for another key",
    lines({ ...asDeploy, keys: ['you'] }, { name: 'open' }),
    'host-pinned',
    { ...yes, host: 'open' },
  ],
  [
    'two lines for another key',
    lines({ ...asRoot, keys: ['you'] }, { ...asDeploy, keys: ['you'] }),
    'key-not-for-host',
    { host: 'as-deploy' },
  ],

  // forwarding
  ['a hop that may', over([viaHop], [throughHop]), 'host-pinned', signedOver],
  [
    'two hops that may',
    over([viaHop, onDbForward], [throughHop, secondHop]),
    'host-pinned',
    signedOver,
  ],
  [
    'a hop with this key',
    over([{ ...viaHop, keys: ['me'] }], [throughHop]),
    'host-pinned',
    signedOver,
  ],
  [
    'a hop of two lines, one of which may',
    over([noForward, viaHop], [throughHop]),
    'host-pinned',
    signedOver,
  ],
  [
    'a hop, plain publickey',
    over([viaHop], [throughHop], plain),
    'forward-not-hostbound',
    { host: 'web', forwarded: true },
  ],
  // Told is the hop that is in the way, where it has a name.
  ...(
    [
      ['a hop that may not', over([noForward], [throughHop]), 'hop'],
      ['a hop that is not pinned', over([], [throughHop]), undefined],
      [
        'a hop that is revoked',
        over([{ ...viaHop, pins: [pinOf(hop, '@revoked')] }], [throughHop]),
        undefined,
      ],
      ['a hop that was a login', over([viaHop], [{ ...throughHop, forwarding: false }]), 'hop'],
      ['a hop with another key', over([{ ...viaHop, keys: ['you'] }], [throughHop]), 'hop'],
      ['a hop of two lines', over([noForward, { ...viaHop, keys: ['you'] }], [throughHop]), 'hop'],
      ['two hops, not the first', over([noForward, onDbForward], [throughHop, secondHop]), 'hop'],
      ['two hops, not the second', over([viaHop, onDb], [throughHop, secondHop]), 'db'],
    ] as const
  ).map(([name, given, at]): Case => {
    const host = at === undefined ? {} : { host: at }
    return [name, given, 'forward-not-allowed', { ...host, forwarded: true }]
  }),
  [
    'over a hop to a stranger',
    { ...over([], [throughHop]), hosts: [viaHop] },
    'host-not-pinned',
    { forwarded: true },
  ],
  [
    'over a hop, its own session',
    { ...over([viaHop], [throughHop]), ...login({ sessionId: sid(1), hostKey: hop.publicKey }) },
    'session-mismatch',
    { forwarded: true },
  ],

  // any
  ['any: unbound', { ...any, bindings: unbound }, 'any-allowed', yes],
  ['any: poisoned', { ...any, bindings: poisoned }, 'any-allowed', yes],
  ['any: a commit', { ...any, data: SSHSIG }, 'any-allowed', yesNoUser],
  [
    'any: what begins as a login',
    { ...any, data: plain.subarray(0, 60) },
    'any-allowed',
    yesNoUser,
  ],
  ["any: another key's login", { ...any, ...login({ key: you.blob }) }, 'any-allowed', yes],
  ['any: a revoked host', { ...any, ...lines({ pins: [revoked] }) }, 'any-allowed', yes],
]

describe('decide', () => {
  const seen = new Set<Reason>()
  afterAll(() => {
    const wanted = Object.entries(REASONS).filter(([, by]) => by === 'decide')
    expect([...seen].sort()).toEqual(wanted.map(([reason]) => reason).sort())
  })

  test.each(CASES)('%s', (_, given, reason, told = {}) => {
    const {
      bindings = bound(binding(web)),
      data = plain,
      signatures,
      destinations,
      ...rest
    } = given
    const policy: Policy = { mode: 'pinned', hosts: [onWeb], ...rest }
    const identity = destinations === undefined ? me : { ...me, destinations }
    const verdict = decide(policy, identity, bindings, data, NOW, signatures)
    seen.add(verdict.reason)
    const { user, ...facts } = { allowed: false, forwarded: false, user: 'deploy', ...told }
    expect(verdict).toStrictEqual({ reason, ...facts, ...(user === undefined ? {} : { user }) })
  })

  test('changes neither policy nor bindings', () => {
    const policy: Policy = {
      mode: 'pinned',
      hosts: [
        policyHost(web, { name: 'a', user: 'root' }),
        policyHost(web, { name: 'b', user: 'deploy' }),
      ],
    }
    const bindings = bound(throughHop, binding(web))
    const before = structuredClone({ hosts: policy.hosts.map(({ name }) => name), bindings })
    decide(policy, me, bindings, hostbound, NOW)
    expect(policy.hosts.map(({ name }) => name)).toEqual(before.hosts)
    expect(bindings).toEqual(before.bindings)
  })
})

test.each([
  ['a namespace that is too long to tell', sshsig('x'.repeat(1025))],
  ['no namespace', sshsig('')],
  ['a long name of its hash', sshsig('file', 'x'.repeat(65))],
  ['something behind it', Buffer.concat([sshsig('file'), byte(0)])],
  ['nothing behind its magic', Buffer.from('SSHSIG')],
])('what begins as an SSH signature is no other data: one with %s', (_, data) => {
  const policy: Policy = { mode: 'pinned', hosts: [], namespaces: ['git'], otherData: true }
  expect(decide(policy, me, unbound, data, NOW).allowed).toBe(false)
})

test('a login with a certificate is signed by its plain key, too, and the other way round', () => {
  const certificate = certificateOf(me.privateKey)
  const certified = certifiedIdentity(me.privateKey, certificate)
  const policy: Policy = { mode: 'pinned', hosts: [onWeb] }
  for (const identity of [me, certified]) {
    for (const key of [me.blob, certificate]) {
      const verdict = decide(policy, identity, bound(binding(web)), userauth({ key }), NOW)
      expect(verdict.reason).toBe('host-pinned')
    }
    const others = userauth({ key: certificateOf(you.privateKey) })
    expect(decide(policy, identity, bound(binding(web)), others, NOW).reason).toBe('not-userauth')
  }
})

test('a login with a key that is none is refused, with no exception', () => {
  const policy: Policy = { mode: 'pinned', hosts: [onWeb] }
  for (const key of [string('x'), certificateOf(me.privateKey).subarray(0, 60)]) {
    const data = userauth({ key })
    expect(decide(policy, me, bound(binding(web)), data, NOW).reason).toBe('not-userauth')
  }
})

describeWith(['ssh-keygen'], 'a host with a certificate', () => {
  test('is pinned by its authority for its principals, for now, and by its plain key', async () => {
    const { host, certificate, authority } = await realHostCertificate('20250101:20260101')
    const reason = (changes: Partial<PolicyHost>, key = certificate, now = NOW): Reason =>
      decide(
        { mode: 'pinned', hosts: [policyHost(web, { pins: [authority], ...changes })] },
        me,
        bound(binding(key)),
        userauth({ key: me.blob, hostKey: key }),
        now,
      ).reason
    expect(reason({})).toBe('host-pinned')
    expect(reason({ hostname: 'other.example' })).toBe('host-not-pinned')
    expect(reason({}, host.publicKey)).toBe('host-not-pinned')
    expect(reason({ pins: [pinOf(web, '@cert-authority')] })).toBe('host-not-pinned')
    expect(reason({ pins: [pinOf(host)] })).toBe('host-pinned')
    expect(reason({ pins: [authority, pinOf(host, '@revoked')] })).toBe('host-revoked')
    expect(reason({}, certificate, NOW + 365 * 86_400)).toBe('host-not-pinned')
    expect(reason({}, certificate, NOW - 365 * 86_400)).toBe('host-not-pinned')
  })

  test('whose certificate is damaged is refused with a reason, not with an exception', async () => {
    const { host, certificate } = await realHostCertificate()
    const cut = certificate.subarray(0, -1)
    // bindSession takes it: the certified key is whole, and its signature is good.
    const policy: Policy = { mode: 'pinned', hosts: [policyHost(host)] }
    expect(decide(policy, me, bound(binding(cut)), plain, NOW).reason).toBe('host-not-pinned')
    const restricted = { ...me, ...only([host]) }
    expect(decide(policy, restricted, bound(binding(cut)), plain, NOW).reason).toBe(
      'destination-not-permitted',
    )
  })
})

describe('visible', () => {
  const all = [me, you]
  const onlyYou = policyHost(web, { keys: ['you'] })
  const onlyMe = policyHost(web, { keys: ['me'] })
  const revokedWeb = policyHost(web, { pins: [revoked] })
  const nobody = policyHost(web, { keys: ['nobody'] })
  const hopBound = bound(throughHop)
  const forwardedLogin = bound(throughHop, binding(web))

  type Shown = ReturnType<typeof visible>

  const shown = (...identities: Identity[]): Shown => ({ identities })
  const withheld = (reason: Reason, host?: string): Shown => ({
    identities: [],
    withheld: reason,
    ...(host === undefined ? {} : { host }),
  })

  test.each<[string, PolicyMode, PolicyHost[], Bindings, Shown]>([
    ['unbound', 'pinned', [onWeb], unbound, shown(me, you)],
    ['unbound, in warn', 'warn', [onWeb], unbound, shown(me, you)],
    ['bound to a pinned host', 'pinned', [onWeb], bound(binding(web)), shown(me, you)],
    ['with key=', 'pinned', [onlyYou], bound(binding(web)), shown(you)],
    ['with two lines of key=', 'pinned', [onlyYou, onlyMe], bound(binding(web)), shown(me, you)],
    [
      'with key= of no key',
      'pinned',
      [nobody],
      bound(binding(web)),
      withheld('key-not-for-host', 'web'),
    ],
    ['bound to a stranger', 'pinned', [onWeb], onStranger, withheld('host-not-pinned')],
    ['bound to a stranger, in warn', 'warn', [onWeb], onStranger, withheld('host-not-pinned')],
    [
      'bound to a revoked host',
      'pinned',
      [revokedWeb],
      bound(binding(web)),
      withheld('host-revoked'),
    ],
    ['a failed bind', 'pinned', [onWeb], poisoned, withheld('bind-failed')],
    ['a failed bind, in warn', 'warn', [onWeb], poisoned, withheld('bind-failed')],
    ['any: a failed bind', 'any', [], poisoned, shown(me, you)],
    ['a hop that forwards', 'pinned', [viaHop], hopBound, shown(me, you)],
    ['a hop that forwards one key', 'pinned', [{ ...viaHop, keys: ['me'] }], hopBound, shown(me)],
    ['a hop that may not', 'pinned', [noForward], hopBound, withheld('forward-not-allowed', 'hop')],
    ['a hop that is not pinned', 'pinned', [onWeb], hopBound, withheld('forward-not-allowed')],
    ['a login over a hop', 'pinned', [onlyYou, viaHop], forwardedLogin, shown(you)],
    [
      'a login over a hop that may not',
      'pinned',
      [onWeb, noForward],
      forwardedLogin,
      withheld('forward-not-allowed', 'hop'),
    ],
    [
      'a login over a hop, at a stranger',
      'pinned',
      [viaHop],
      forwardedLogin,
      withheld('host-not-pinned'),
    ],
  ])('%s', (_, mode, hosts, bindings, expected) => {
    expect(visible({ mode, hosts }, all, bindings, NOW)).toStrictEqual(expected)
  })

  describe.each(POLICY_MODES)('in %s, keys with destinations', (mode) => {
    const policy: Policy = { mode, hosts: [onWeb, onDb, viaHop] }
    const toWeb = { ...me, ...only([web]) }
    const overHop = { ...you, ...only([hop], [web, hop]) }
    const see = (bindings: Bindings, ...identities: Identity[]): Shown =>
      visible(policy, identities, bindings, NOW)

    test('are all shown where the agent runs', () => {
      expect(see(unbound, toWeb, overHop)).toStrictEqual(shown(toWeb, overHop))
    })

    test('are shown where they may go, beside those that may go everywhere', () => {
      const free = identityOf('free')
      expect(see(bound(binding(web)), toWeb, overHop, free)).toStrictEqual(shown(toWeb, free))
      expect(see(bound(throughHop), toWeb, overHop, free)).toStrictEqual(shown(overHop, free))
      expect(see(forwardedLogin, toWeb, overHop, free)).toStrictEqual(shown(overHop, free))
    })

    test('are withheld where none may go', () => {
      expect(see(bound(binding(db)), toWeb, overHop)).toStrictEqual(
        withheld('destination-not-permitted'),
      )
      expect(see(poisoned, toWeb)).toStrictEqual(withheld('destination-not-permitted'))
    })
  })

  test('withholds, of keys with destinations, those that the policy does not let go', () => {
    const policy: Policy = { mode: 'pinned', hosts: [onlyYou] }
    const toWeb = { ...me, ...only([web]) }
    expect(visible(policy, [toWeb], bound(binding(web)), NOW)).toStrictEqual(
      withheld('key-not-for-host', 'web'),
    )
    expect(visible(policy, [toWeb, you], bound(binding(web)), NOW)).toStrictEqual(shown(you))
  })

  test('withholds nothing where there is nothing', () => {
    const policy: Policy = { mode: 'pinned', hosts: [nobody] }
    expect(visible(policy, [], bound(binding(web)), NOW)).toStrictEqual({ identities: [] })
  })

  test('behind a hop that may forward, key= of the last host is the reason', () => {
    const policy: Policy = { mode: 'pinned', hosts: [nobody, viaHop] }
    expect(visible(policy, all, forwardedLogin, NOW).withheld).toBe('key-not-for-host')
  })

  test('shows a key exactly where decide() would let it be used', () => {
    for (const hosts of [[onWeb], [onlyYou], [onlyYou, viaHop], [onWeb, noForward], [viaHop], []]) {
      for (const bindings of [bound(binding(web)), forwardedLogin, poisoned]) {
        const policy: Policy = { mode: 'pinned', hosts }
        const usable = all.filter(
          (identity) =>
            decide(
              policy,
              identity,
              bindings,
              userauth({ key: identity.blob, hostKey: web.publicKey }),
              NOW,
            ).allowed,
        )
        expect(visible(policy, all, bindings, NOW).identities).toEqual(usable)
      }
    }
  })
})

test('isPermitted asks the destinations alone', () => {
  for (const bindings of [unbound, bound(binding(web)), poisoned, onStranger]) {
    expect(isPermitted(me, bindings, NOW)).toBe(true)
  }
  const toWeb = { ...me, ...only([web, undefined, 'root']) }
  expect(isPermitted(toWeb, unbound, NOW)).toBe(true)
  expect(isPermitted(toWeb, bound(binding(web)), NOW)).toBe(true)
  expect(isPermitted(toWeb, onStranger, NOW)).toBe(false)
  expect(isPermitted(toWeb, poisoned, NOW)).toBe(false)
})

test('userauth data is built as RFC 4252 §7 has it', () => {
  // The fixture itself, against the layout written out: all the cases above rest on it.
  expect(plain).toEqual(
    Buffer.concat([
      ...[
        string(SESSION),
        byte(50),
        string('deploy'),
        string('ssh-connection'),
        string('publickey'),
      ],
      ...[boolean(true), string('ssh-ed25519'), string(me.blob)],
    ]),
  )
})
