/**
 * What the agent signs and shows: decide() as a table in which every Reason of the policy occurs, and
 * visible() for each kind of connection.
 */
import { afterAll, describe, expect, test } from '@jest/globals'
import {
  decide,
  visible,
  type Policy,
  type PolicyHost,
  type PolicyMode,
  type Reason,
  type Verdict,
} from '../../src/agent/policy'
import type { Identity } from '../../src/agent/keyring'
import { noBindings, type Binding, type Bindings } from '../../src/agent/session-binding'
import { fingerprint } from '../../src/ssh/public-key'
import { parsePin } from '../../src/ssh/pin'
import { boolean, byte, string } from '../../src/ssh/wire'
import { describeWith } from '../support/programs'
import {
  binding,
  bound,
  identityOf,
  keyOf,
  NOW,
  pinOf,
  policyHost,
  REASONS,
  realHostCertificate,
  SESSION,
  SSHSIG,
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
interface Given {
  mode?: PolicyMode
  hosts?: PolicyHost[]
  bindings?: Bindings
  data?: Buffer
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
  ['an SSH signature (git commit)', { data: SSHSIG }, 'not-userauth', noUser],
  [
    'an SSH signature, in warn',
    { ...warn, bindings: unbound, data: SSHSIG },
    'not-userauth',
    noUser,
  ],
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
      ['a hop that is not pinned', over([], [throughHop]), 'web'],
      [
        'a hop that is revoked',
        over([{ ...viaHop, pins: [pinOf(hop, '@revoked')] }], [throughHop]),
        'web',
      ],
      ['a hop that was a login', over([viaHop], [{ ...throughHop, forwarding: false }]), 'hop'],
      ['a hop with another key', over([{ ...viaHop, keys: ['you'] }], [throughHop]), 'hop'],
      ['a hop of two lines', over([noForward, { ...viaHop, keys: ['you'] }], [throughHop]), 'hop'],
      ['two hops, not the first', over([noForward, onDbForward], [throughHop, secondHop]), 'hop'],
      ['two hops, not the second', over([viaHop, onDb], [throughHop, secondHop]), 'db'],
    ] as const
  ).map(([name, given, at]): Case => {
    return [name, given, 'forward-not-allowed', { host: at, forwarded: true }]
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
  ['any: an SSH signature', { ...any, data: SSHSIG }, 'any-allowed', { ...yes, ...noUser }],
  ['any: a revoked host', { ...any, ...lines({ pins: [revoked] }) }, 'any-allowed', yes],
]

describe('decide', () => {
  const seen = new Set<Reason>()
  afterAll(() => {
    const wanted = Object.entries(REASONS).filter(([, by]) => by === 'decide')
    expect([...seen].sort()).toEqual(wanted.map(([reason]) => reason).sort())
  })

  test.each(CASES)('%s', (_, given, reason, told = {}) => {
    const { mode = 'pinned', hosts = [onWeb], bindings = bound(binding(web)), data = plain } = given
    const verdict = decide({ mode, hosts }, me, bindings, data, NOW)
    seen.add(verdict.reason)
    const { user, ...rest } = { allowed: false, forwarded: false, user: 'deploy', ...told }
    expect(verdict).toStrictEqual({ reason, ...rest, ...(user === undefined ? {} : { user }) })
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
      withheld('forward-not-allowed', 'web'),
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
