/**
 * The plan of host-to-host trust: its steps and words for what was observed, and, in a simulated
 * world, that the steps lead to what was asked for and nowhere else. And the table of measured logins.
 */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { ErrorCode } from '../../../src/errors'
import type { KnownHostState } from '../../../src/remote/account-known-hosts'
import { fingerprint } from '../../../src/ssh/public-key'
import { mpint, string } from '../../../src/ssh/wire'
import { sameFrom } from '../../../src/trust/host-trust/from'
import {
  planRelations,
  renderPlan,
  type AccountFacts,
  type AuthorizedLine,
  type HostKey,
  type KeyFile,
  type Plan,
  type PlanOptions,
  type RelationFacts,
  type Step,
} from '../../../src/trust/host-trust/plan'
import {
  formatAccount,
  formatKeySpec,
  parseRelations,
  type Account,
  type Relation,
} from '../../../src/trust/host-trust/relations'

/** Keys in wire format that nobody holds: the plan looks at their type and size alone. */
const ed25519 = (seed: number): Buffer =>
  Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(32, seed))])
const rsa = (bits: number, seed = 1): Buffer =>
  Buffer.concat([
    ...[string('ssh-rsa'), mpint(Buffer.of(1, 0, 1))],
    mpint(Buffer.concat([Buffer.of(0x80), Buffer.alloc(bits / 8 - 1, seed)])),
  ])
const ecdsa = (curve: string, seed: number): Buffer =>
  Buffer.concat([
    ...[string(`ecdsa-sha2-${curve}`), string(curve)],
    string(Buffer.concat([Buffer.of(4), Buffer.alloc(64, seed)])),
  ])

const [WEB1_KEY, WEB2_KEY, DB1_HOST, STALE] = [ed25519(1), ed25519(2), ed25519(100), ed25519(101)]
const WEB1_FILE: KeyFile = { path: '~/.ssh/id_ed25519', publicKey: WEB1_KEY }
const PINNED: KnownHostState = { pinned: true, ours: false, others: [] }
const OURS: KnownHostState = { pinned: true, ours: true, others: [] }
const STALE_LINE = { lineNumber: 3, fingerprint: fingerprint(STALE), sameType: true }
const OTHER: KnownHostState = { pinned: false, ours: false, others: [STALE_LINE] }
/** A key of another type: nobody can say whether it is stale. */
const OTHER_TYPE: KnownHostState = { ...OTHER, others: [{ ...STALE_LINE, sameType: false }] }

const HOSTS: Account[] = ['web1', 'web2', 'db1', 'db2'].map((name) => ({ name }))

function relationsOf(text: string, hosts: readonly Account[] = HOSTS): Relation[] {
  const { relations, errors } = parseRelations(text, hosts)
  expect(errors.map((error) => error.explain())).toEqual([])
  return relations
}

interface Observed extends Partial<Omit<AccountFacts, 'knownHosts'>> {
  knownHosts?: Record<string, KnownHostState>
}

function factsOf(
  observed: Record<string, Observed>,
  hostKeys: Record<string, HostKey> = {},
): RelationFacts {
  const accounts = new Map<string, AccountFacts>()
  for (const { name } of HOSTS) accounts.set(name, account({}))
  for (const [label, facts] of Object.entries(observed)) accounts.set(label, account(facts))
  const keys = HOSTS.map(({ name }): [string, HostKey] => [name, { key: DB1_HOST }])
  return { accounts, hostKeys: new Map([...keys, ...Object.entries(hostKeys)]) }
}

function account({ knownHosts = {}, ...facts }: Observed): AccountFacts {
  return { keys: [], authorized: [], ...facts, knownHosts: new Map(Object.entries(knownHosts)) }
}

function planOf(text: string, facts: RelationFacts, options?: PlanOptions): Plan {
  const plan = planRelations(relationsOf(text), facts, options)
  expect(plan.errors.map((error) => error.explain())).toEqual([])
  return plan
}

/** The steps in short: `authorize web1 db1`. */
function stepsOf(text: string, facts: RelationFacts, options?: PlanOptions): string[] {
  return planOf(text, facts, options).steps.map(
    ({ kind, source, target }) => `${kind} ${formatAccount(source)} ${formatAccount(target)}`,
  )
}

const listed = (publicKey: Buffer, from?: string[]): Observed => ({
  authorized: [from === undefined ? { publicKey } : { publicKey, from }],
})
const ready: Observed = { keys: [WEB1_FILE], knownHosts: { db1: PINNED } }

describe('trust that is added', () => {
  test.each<[string, Record<string, Observed>, string[]]>([
    [
      'nothing is there',
      {},
      ['generate-key web1 db1', 'authorize web1 db1', 'add-known-host web1 db1', 'prove web1 db1'],
    ],
    [
      'a key is there',
      { web1: { keys: [WEB1_FILE] } },
      ['authorize web1 db1', 'add-known-host web1 db1', 'prove web1 db1'],
    ],
    ['the host is known, too', { web1: ready }, ['authorize web1 db1', 'prove web1 db1']],
    [
      'the key is listed',
      { web1: { keys: [WEB1_FILE] }, db1: listed(WEB1_KEY) },
      ['add-known-host web1 db1', 'prove web1 db1'],
    ],
    [
      'another key is listed',
      { web1: ready, db1: listed(WEB2_KEY) },
      ['authorize web1 db1', 'prove web1 db1'],
    ],
    ['all is there', { web1: ready, db1: listed(WEB1_KEY) }, []],
    [
      'a key of another type is there',
      {
        web1: {
          keys: [{ path: '~/.ssh/id_rsa', publicKey: rsa(3072) }],
          knownHosts: { db1: OURS },
        },
      },
      ['generate-key web1 db1', 'authorize web1 db1', 'prove web1 db1'],
    ],
  ])('%s', (_, observed, steps) => {
    expect(stepsOf('web1 -> db1', factsOf(observed))).toEqual(steps)
  })

  test('what the steps say and carry, where nothing was there', () => {
    const plan = planOf('# x\nweb1 -> db1 key=rsa-4096 from=10.0.0.0/8', factsOf({}))
    const base = { source: { name: 'web1' }, target: { name: 'db1' }, position: 'trust:2' }
    const key = { path: '~/.ssh/id_rsa' }
    const hostKey = { key: DB1_HOST }
    expect(plan.steps).toEqual([
      {
        ...base,
        kind: 'generate-key',
        path: '~/.ssh/id_rsa',
        keyType: { type: 'ssh-rsa', bits: 4096 },
        description: 'on web1: make ~/.ssh/id_rsa (there is no key of that type)',
      },
      {
        ...base,
        kind: 'authorize',
        key,
        from: ['10.0.0.0/8'],
        description:
          'on db1: add the key of web1 (the new ~/.ssh/id_rsa) to authorized_keys, from 10.0.0.0/8 only',
      },
      {
        ...base,
        kind: 'add-known-host',
        hostKey,
        description: `on web1: add the pinned key of db1 (${fingerprint(DB1_HOST)}) to known_hosts`,
      },
      { ...base, kind: 'prove', key, hostKey, description: 'prove that web1 can log in to db1' },
    ])
  })

  test('a stale known_hosts line goes where that is asked for', () => {
    const facts = factsOf({ web1: { keys: [WEB1_FILE], knownHosts: { db1: OTHER } } })
    const plan = planOf('web1 -> db1 replace-stale', facts)
    expect(plan.steps.map(({ kind }) => kind)).toEqual(['authorize', 'replace-known-host', 'prove'])
    expect(plan.steps[1]).toMatchObject({
      stale: [STALE_LINE],
      hostKey: { key: DB1_HOST },
      description: `on web1: replace the stale key of db1 (${fingerprint(STALE)}) in known_hosts by the pinned key of db1 (${fingerprint(DB1_HOST)})`,
    })
  })

  test('replace-stale does nothing where the host is known or unknown', () => {
    const facts = factsOf({ web1: ready })
    expect(stepsOf('web1 -> db1 replace-stale', facts)).toEqual([
      'authorize web1 db1',
      'prove web1 db1',
    ])
    expect(stepsOf('web2 -> db1 replace-stale', facts)).toContain('add-known-host web2 db1')
  })

  test('where a CA is pinned, known_hosts gets the CA', () => {
    const ca: HostKey = { key: STALE, marker: '@cert-authority' }
    const { steps } = planOf('web1 -> db1', factsOf({}, { db1: ca }))
    expect(steps[2]).toMatchObject({
      hostKey: ca,
      description: `on web1: add the pinned CA of db1 (${fingerprint(STALE)}) to known_hosts`,
    })
  })

  test('one key for many targets, one known_hosts line for many users', () => {
    const facts = factsOf({ 'ann@db1': {}, 'bob@db1': {} })
    const text = 'web1 -> ann@db1\nweb1 -> bob@db1\nweb1 -> db2'
    expect(stepsOf(text, facts)).toEqual([
      ...['generate-key web1 ann@db1', 'authorize web1 ann@db1', 'add-known-host web1 ann@db1'],
      ...['prove web1 ann@db1', 'authorize web1 bob@db1', 'prove web1 bob@db1'],
      ...['authorize web1 db2', 'add-known-host web1 db2', 'prove web1 db2'],
    ])
  })

  test('one key for each type, and for each account', () => {
    const facts = factsOf({ 'x@web1': {} })
    const text = 'web1 -> db1\nweb1 -> db2 key=ecdsa-384\nx@web1 -> db1'
    const made = planOf(text, facts).steps.flatMap((step) =>
      step.kind === 'generate-key'
        ? [`${formatAccount(step.source)} ${step.path} ${formatKeySpec(step.keyType)}`]
        : [],
    )
    expect(made).toEqual([
      'web1 ~/.ssh/id_ed25519 ed25519',
      'web1 ~/.ssh/id_ecdsa ecdsa-384',
      'x@web1 ~/.ssh/id_ed25519 ed25519',
    ])
  })

  test('who is listed already is proven where a line before makes the host known', () => {
    const facts = factsOf({
      web1: { keys: [WEB1_FILE] },
      'ann@db1': {},
      'bob@db1': listed(WEB1_KEY),
    })
    expect(stepsOf('web1 -> ann@db1\nweb1 -> bob@db1', facts)).toEqual([
      ...['authorize web1 ann@db1', 'add-known-host web1 ann@db1', 'prove web1 ann@db1'],
      'prove web1 bob@db1',
    ])
  })

  test('of several keys that one which is listed, of none listed the first that can be used', () => {
    const locked = { path: '~/.ssh/a', publicKey: ed25519(7), encrypted: true }
    const second = { path: '~/.ssh/b', publicKey: WEB2_KEY }
    const web1 = { keys: [locked, WEB1_FILE, second], knownHosts: { db1: PINNED } }
    expect(stepsOf('web1 -> db1', factsOf({ web1, db1: listed(WEB2_KEY) }))).toEqual([])
    expect(planOf('web1 -> db1', factsOf({ web1 })).steps[0]).toMatchObject({ key: WEB1_FILE })
  })

  test('an RSA key that is longer than asked for will do', () => {
    const keys = [{ path: '~/.ssh/id_rsa', publicKey: rsa(4096) }]
    expect(stepsOf('web1 -> db1 key=rsa', factsOf({ web1: { keys } }))[0]).toBe(
      'authorize web1 db1',
    )
  })

  test('from is the addresses of the source', () => {
    const addresses = ['192.0.2.7', '2001:db8::7']
    const facts = factsOf({ web1: { ...ready, addresses } })
    expect(planOf('web1 -> db1 from', facts).steps[0]).toMatchObject({ from: addresses })
    const db1 = listed(WEB1_KEY, [...addresses].reverse())
    const done = factsOf({ web1: { ...ready, addresses }, db1 })
    expect(stepsOf('web1 -> db1 from', done)).toEqual([])
  })

  test('two sources with one key get one line', () => {
    const facts = factsOf({ web1: ready, web2: ready })
    expect(stepsOf('web1 -> db1\nweb2 -> db1', facts)).toEqual([
      ...['authorize web1 db1', 'prove web1 db1', 'prove web2 db1'],
    ])
  })
})

describe('a line for the key that does not do', () => {
  const dead = 'expired at 2026-01-01T00:00:00.000Z'
  const ends = new Date('2030-01-01T00:00:00Z')
  const lines = (...authorized: Omit<AuthorizedLine, 'publicKey'>[]): Observed => ({
    authorized: authorized.map((line) => ({ publicKey: WEB1_KEY, ...line })),
  })

  test('an expired one is not trust: a new line stands beside it', () => {
    const plan = planOf('web1 -> db1', factsOf({ web1: ready, db1: lines({ dead }) }))
    expect(plan.steps.map(({ kind }) => kind)).toEqual(['authorize', 'prove'])
    expect(plan.steps[0]).toMatchObject({ beside: dead })
    expect(plan.steps[0]?.description).toBe(
      `on db1: add the key of web1 (${fingerprint(WEB1_KEY)}) to authorized_keys (the line there ${dead}, and stays)`,
    )
  })

  test('one that lives is enough, whatever else there is', () => {
    const facts = factsOf({ web1: ready, db1: lines({ dead }, {}, { dead: 'x' }) })
    expect(stepsOf('web1 -> db1', facts)).toEqual([])
  })

  test('its from= counts for nothing', () => {
    const facts = factsOf({ web1: ready, db1: lines({ dead, from: ['192.0.2.1'] }) })
    expect(planOf('web1 -> db1 from=10.0.0.0/8', facts).steps[0]).toMatchObject({
      kind: 'authorize',
      from: ['10.0.0.0/8'],
      beside: dead,
    })
  })

  test('of two keys the one with a living line is used', () => {
    const second = { path: '~/.ssh/b', publicKey: WEB2_KEY }
    const facts = factsOf({
      web1: { ...ready, keys: [WEB1_FILE, second] },
      db1: { authorized: [{ publicKey: WEB1_KEY, dead }, { publicKey: WEB2_KEY }] },
    })
    expect(stepsOf('web1 -> db1', facts)).toEqual([])
  })

  test('it is taken away with a minus all the same', () => {
    const facts = factsOf({ web1: ready, db1: lines({ dead }) })
    expect(stepsOf('- web1 -> db1', facts)).toEqual([
      'deauthorize web1 db1',
      'prove-refused web1 db1',
    ])
  })

  test('where trust is to be permanent, one that ends does not do; else it is told', () => {
    const facts = factsOf({ web1: ready, db1: lines({ ends }) })
    expect(planOf('web1 -> db1', facts, { permanent: true }).steps[0]).toMatchObject({
      kind: 'authorize',
      beside: 'expires at 2030-01-01T00:00:00.000Z',
    })
    expect(renderPlan(planOf('web1 -> db1', facts))).toEqual([
      'web1 -> db1: already trusted, until 2030-01-01T00:00:00.000Z',
    ])
  })

  test.each<[string, Observed, string]>([
    [
      'a from= that keeps the source out',
      lines({ from: ['192.0.2.1'] }),
      'from 192.0.2.1 only, which keeps out 10.0.0.1, the address of web1',
    ],
    ['a from= that lets it in', lines({ from: ['10.0.0.0/8'] }), 'from 10.0.0.0/8 only'],
    ['a command', lines({ command: true }), 'for the command= of its line alone'],
  ])('%s is told, also where more is to be done', (_, db1, words) => {
    const web1 = { ...ready, addresses: ['10.0.0.1'] }
    const told = (observed: Observed): string | undefined =>
      renderPlan(planOf('web1 -> db1', factsOf({ web1: observed, db1 })))[0]
    expect(told(web1)).toBe(`web1 -> db1: already trusted, ${words}`)
    expect(told({ ...web1, knownHosts: {} })).toBe(`web1 -> db1: its key is listed, ${words}`)
  })
})

describe('a key of another type in known_hosts', () => {
  const web1 = { keys: [WEB1_FILE], knownHosts: { db1: OTHER_TYPE } }

  test('may be good: it stays, and the pinned one is added', () => {
    expect(stepsOf('web1 -> db1', factsOf({ web1 }))).toEqual([
      'authorize web1 db1',
      'add-known-host web1 db1',
      'prove web1 db1',
    ])
  })

  test.each([
    ['alone', OTHER_TYPE],
    ['beside the pinned one', { ...OTHER_TYPE, pinned: true }],
  ])('goes on request, %s', (_, state) => {
    const facts = factsOf({ web1: { ...web1, knownHosts: { db1: state } } })
    expect(stepsOf('web1 -> db1 replace-stale', facts)).toContain('replace-known-host web1 db1')
  })
})

describe('trust that is taken away', () => {
  const trusted = { web1: { keys: [WEB1_FILE], knownHosts: { db1: OURS } }, db1: listed(WEB1_KEY) }

  test.each<[string, Record<string, Observed>, PlanOptions, string[]]>([
    ['the line goes', trusted, {}, ['deauthorize web1 db1', 'prove-refused web1 db1']],
    [
      'our known_hosts line, too, where asked for, after the proof',
      trusted,
      { forgetHosts: true },
      ['deauthorize web1 db1', 'prove-refused web1 db1', 'remove-known-host web1 db1'],
    ],
    [
      'never one of others',
      { ...trusted, web1: ready },
      { forgetHosts: true },
      ['deauthorize web1 db1', 'prove-refused web1 db1'],
    ],
    ['nor a stale one', { web1: { knownHosts: { db1: OTHER } } }, { forgetHosts: true }, []],
    [
      'what an earlier try has left',
      { ...trusted, db1: {} },
      { forgetHosts: true },
      ['remove-known-host web1 db1'],
    ],
    ['nothing is listed', { web1: ready, db1: listed(WEB2_KEY) }, {}, []],
    ['there is no key', { db1: listed(WEB1_KEY) }, {}, []],
    [
      'a key that could not be used goes all the same',
      { web1: { keys: [{ ...WEB1_FILE, encrypted: true }] }, db1: listed(WEB1_KEY) },
      {},
      ['deauthorize web1 db1', 'prove-refused web1 db1'],
    ],
    [
      'all keys of the type go',
      {
        web1: { keys: [WEB1_FILE, { path: '~/.ssh/b', publicKey: WEB2_KEY }] },
        db1: { authorized: [{ publicKey: WEB2_KEY }, { publicKey: WEB1_KEY }] },
      },
      {},
      ['deauthorize web1 db1', 'deauthorize web1 db1', 'prove-refused web1 db1'],
    ],
    [
      'keys of other types stay',
      {
        web1: { keys: [{ path: '~/.ssh/id_rsa', publicKey: rsa(2048) }] },
        db1: listed(rsa(2048)),
      },
      {},
      [],
    ],
  ])('%s', (_, observed, options, steps) => {
    expect(stepsOf('- web1 -> db1', factsOf(observed), options)).toEqual(steps)
  })

  test('what the steps say and carry', () => {
    const { steps } = planOf('- web1 -> db1', factsOf(trusted), { forgetHosts: true })
    expect(steps).toMatchObject([
      {
        publicKey: WEB1_KEY,
        description: `on db1: take the key of web1 (${fingerprint(WEB1_KEY)}) out of authorized_keys`,
      },
      {
        keys: [WEB1_FILE],
        hostKey: { key: DB1_HOST },
        description: 'prove that web1 can no longer log in to db1',
      },
      {
        hostKey: { key: DB1_HOST },
        description: `on web1: take the pinned key of db1 (${fingerprint(DB1_HOST)}) out of known_hosts`,
      },
    ])
  })

  test('a known_hosts line that another relation needs stays; of two that do not, one deletes it', () => {
    const forgetHosts = true
    const web1 = { keys: [WEB1_FILE], knownHosts: { db1: OURS } }
    const facts = factsOf({ web1, 'ann@db1': listed(WEB1_KEY), 'bob@db1': listed(WEB1_KEY) })
    for (const text of [
      '- web1 -> ann@db1\nweb1 -> bob@db1',
      'web1 -> bob@db1\n- web1 -> ann@db1',
    ]) {
      expect(stepsOf(text, facts, { forgetHosts })).not.toContain('remove-known-host web1 ann@db1')
    }
    expect(stepsOf('- web1 -> ann@db1\n- web1 -> bob@db1', facts, { forgetHosts })).toEqual([
      ...['deauthorize web1 ann@db1', 'prove-refused web1 ann@db1'],
      ...['remove-known-host web1 ann@db1'],
      ...['deauthorize web1 bob@db1', 'prove-refused web1 bob@db1'],
    ])
  })

  test('two sources with one key lose one line', () => {
    const facts = factsOf({ web1: ready, web2: ready, db1: listed(WEB1_KEY) })
    expect(stepsOf('- web1 -> db1\n- web2 -> db1', facts)).toEqual([
      ...['deauthorize web1 db1', 'prove-refused web1 db1', 'prove-refused web2 db1'],
    ])
  })
})

describe('what must not be done is an error, and then there are no steps', () => {
  test.each<[string, string, Record<string, Observed>, ErrorCode, string[]]>([
    [
      'another host key is known',
      'web1 -> db1',
      { web1: { keys: [WEB1_FILE], knownHosts: { db1: OTHER } } },
      'host-key-changed',
      [
        `On web1 line 3 of ~/.ssh/known_hosts has another key for db1: ${fingerprint(STALE)}. Pinned is ${fingerprint(DB1_HOST)}.`,
        'add replace-stale to the line',
      ],
    ],
    [
      'another host key is known, of a trusted account',
      'web1 -> db1',
      { web1: { keys: [WEB1_FILE], knownHosts: { db1: OTHER } }, db1: listed(WEB1_KEY) },
      'host-key-changed',
      ['On web1'],
    ],
    [
      'a file that is no such key stands in the way',
      'web1 -> db1',
      { web1: { keys: [{ path: '~/.ssh/id_ed25519' }] } },
      'input-invalid',
      ['On web1 ~/.ssh/id_ed25519 is no ed25519 key, and it is not overwritten.'],
    ],
    [
      'so does a key on another curve',
      'web1 -> db1 key=ecdsa-384',
      { web1: { keys: [{ path: '~/.ssh/id_ecdsa', publicKey: ecdsa('nistp256', 1) }] } },
      'input-invalid',
      ['~/.ssh/id_ecdsa is no ecdsa-384 key'],
    ],
    [
      'a key with a passphrase',
      'web1 -> db1',
      { web1: { keys: [{ ...WEB1_FILE, encrypted: true }] } },
      'key-encrypted',
      ['On web1 ~/.ssh/id_ed25519 has a passphrase'],
    ],
    [
      'a short key',
      'web1 -> db1 key=rsa',
      { web1: { keys: [{ path: '~/.ssh/id_rsa', publicKey: rsa(2048) }] } },
      'key-too-small',
      ['~/.ssh/id_rsa has 2048 bits; asked for is rsa-3072.', 'key=rsa-2048'],
    ],
    [
      'a line that lets in from anywhere, where from is asked for',
      'web1 -> db1 from=10.0.0.0/8',
      { web1: ready, db1: listed(WEB1_KEY) },
      'input-invalid',
      ['db1 lists the key of web1', 'already, from anywhere; asked for is from=10.0.0.0/8.'],
    ],
    [
      'one such line of two',
      'web1 -> db1 from=10.0.0.0/8',
      {
        web1: ready,
        db1: {
          authorized: [{ publicKey: WEB1_KEY, from: ['10.0.0.0/8'] }, { publicKey: WEB1_KEY }],
        },
      },
      'input-invalid',
      ['from 10.0.0.0/8 only and from anywhere'],
    ],
    [
      'no addresses for from',
      'web1 -> db1 from\nweb1 -> db2',
      { web1: ready },
      'input-invalid',
      ['The addresses of web1 are not known (none was found)', 'from=192.0.2.7'],
    ],
    [
      'what says it is an address and is none',
      'web1 -> db1 from',
      { web1: { ...ready, addresses: ['10.0.0.1",command="x\n'] } },
      'input-invalid',
      ['(10.0.0.1",command="x )'],
    ],
    [
      'a key of two sources, added for one and taken away for the other',
      '- web1 -> db1\nweb2 -> db1',
      { web1: ready, web2: ready, db1: listed(WEB1_KEY) },
      'input-invalid',
      ['web2 and web1 (trust:1) hold the same key', fingerprint(WEB1_KEY)],
    ],
    [
      'a key of two sources, for one of them from there only',
      'web1 -> db1 from=10.0.0.1\nweb2 -> db1',
      { web1: ready, web2: ready },
      'input-invalid',
      ["so db1 can't tell them apart"],
    ],
    [
      'two other host keys are known',
      'web1 -> db1',
      {
        web1: {
          knownHosts: {
            db1: { ...OTHER, others: [STALE_LINE, { ...STALE_LINE, lineNumber: 7 }] },
          },
        },
      },
      'host-key-changed',
      ['On web1 lines 3, 7 of ~/.ssh/known_hosts have other keys for db1'],
    ],
    [
      'a source without a client',
      'web1 -> db1',
      { web1: { lacks: 'there is no ssh-keygen' } },
      'input-invalid',
      ["web1 can't log in to any host: there is no ssh-keygen."],
    ],
    [
      'from= where dropbear serves',
      'web1 -> db1 from=10.0.0.0/8',
      { db1: { software: 'dropbear_2022.83' } },
      'input-invalid',
      ['db1 is served by dropbear, which refuses a line with from='],
    ],
    [
      'a name of a file that would begin a line of ours',
      'web1 -> db1',
      { web1: { keys: [{ path: '~/.ssh/a\n::b', publicKey: WEB1_KEY, encrypted: true }] } },
      'key-encrypted',
      ['~/.ssh/a ::b has'],
    ],
  ])('%s', (_, text, observed, code, words) => {
    const { steps, errors } = planRelations(relationsOf(text), factsOf(observed))
    expect(steps).toEqual([])
    expect(errors).toMatchObject([{ code, input: expect.stringMatching(/^trust:[12]$/) }])
    for (const part of words) expect(errors[0]?.explain()).toContain(part)
  })

  test('all are told, once each', () => {
    const web = { keys: [WEB1_FILE], knownHosts: { db1: OTHER } }
    const facts = factsOf({ web1: web, web2: web, 'ann@db1': {} })
    const text = 'web1 -> db1\nweb2 -> db1\nweb2 -> ann@db1\nweb1 -> db2\nmesh(db1, db2, web1) from'
    const { relations, errors } = planRelations(relationsOf(text.slice(0, -5)), facts)
    expect(errors.map(({ input }) => input)).toEqual(['trust:1', 'trust:2', 'trust:3'])
    expect(relations.map(({ relation }) => relation.position)).toContain('trust:4')
    const mesh = planRelations(relationsOf('mesh(db1, db2, web2) from'), facts)
    expect(mesh.errors.map(({ message }) => message.slice(0, 20))).toEqual([
      ...['The addresses of db1', 'The addresses of db2', 'The addresses of web'],
    ])
  })

  test('what was not observed is a mistake of the caller', () => {
    const nothing: RelationFacts = { accounts: new Map(), hostKeys: new Map() }
    expect(() => planRelations(relationsOf('web1 -> db1'), nothing)).toThrow('no host key of db1')
    const hostKeys = factsOf({}).hostKeys
    expect(() => planRelations(relationsOf('web1 -> db1'), { ...nothing, hostKeys })).toThrow(
      'nothing was observed of web1',
    )
  })
})

describe('the printed plan', () => {
  test('each relation with its steps, or that there is nothing to do', () => {
    const facts = factsOf({
      web1: ready,
      web2: { keys: [{ path: '~/.ssh/id_ed25519', publicKey: WEB2_KEY }] },
      db1: { ...listed(WEB1_KEY), keys: [] },
      db2: listed(WEB2_KEY),
    })
    const text = 'web1 -> db1\nweb2 -> db1\n- web2 -> db2\n- web1 -> db2\n- db1 -> db2 key=rsa'
    expect(renderPlan(planOf(text, facts))).toEqual([
      'web1 -> db1: already trusted',
      'web2 -> db1',
      `  on db1: add the key of web2 (${fingerprint(WEB2_KEY)}) to authorized_keys`,
      `  on web2: add the pinned key of db1 (${fingerprint(DB1_HOST)}) to known_hosts`,
      '  prove that web2 can log in to db1',
      '- web2 -> db2',
      `  on db2: take the key of web2 (${fingerprint(WEB2_KEY)}) out of authorized_keys`,
      '  prove that web2 can no longer log in to db2',
      '- web1 -> db2: not trusted, nothing to take away',
      '- db1 -> db2: not trusted, nothing to take away (db1 has no rsa key)',
    ])
  })

  test('where trust is narrower than asked for, that is said, on one line', () => {
    const facts = factsOf({ web1: ready, db1: listed(WEB1_KEY, ['10.0.0.1', 'x\n::y']) })
    expect(renderPlan(planOf('web1 -> db1', facts))).toEqual([
      'web1 -> db1: already trusted, from 10.0.0.1,x ::y only',
    ])
  })

  test('of no relations nothing is said', () => {
    expect(renderPlan(planRelations([], factsOf({})))).toEqual([])
  })
})

test('a mesh of 200 hosts that trust each other already', () => {
  const hosts = Array.from({ length: 200 }, (_, i) => ({ name: `host${i}` }))
  const keys = hosts.map((_, i) => rsa(2048, i))
  const authorized = keys.map((publicKey) => ({ publicKey }))
  const knownHosts = new Map(hosts.map(({ name }) => [name, PINNED]))
  const facts: RelationFacts = {
    accounts: new Map(
      hosts.map(({ name }, i): [string, AccountFacts] => [
        name,
        {
          keys: [{ path: '~/.ssh/id_rsa', publicKey: keys[i] ?? rsa(2048) }],
          knownHosts,
          authorized,
        },
      ]),
    ),
    hostKeys: new Map(hosts.map(({ name }) => [name, { key: DB1_HOST }])),
  }
  const text = `mesh(${hosts.map(({ name }) => name).join()}) key=rsa-2048`
  const { relations, steps, errors } = planRelations(relationsOf(text, hosts), facts)
  expect(relations).toHaveLength(200 * 199)
  expect([steps, errors]).toEqual([[], []])
})

test('a mesh of 50 hosts is planned at once: 2,450 relations, each with its proof', () => {
  const hosts = Array.from({ length: 50 }, (_, i) => ({ name: `host${i}` }))
  const nothing: AccountFacts = { keys: [], knownHosts: new Map(), authorized: [] }
  const facts: RelationFacts = {
    accounts: new Map(hosts.map(({ name }) => [name, nothing])),
    hostKeys: new Map(hosts.map(({ name }) => [name, { key: DB1_HOST }])),
  }
  const text = `mesh(${hosts.map(({ name }) => name).join()})`
  const { relations, steps } = planRelations(relationsOf(text, hosts), facts)
  const count = (kind: Step['kind']): number => steps.filter((step) => step.kind === kind).length
  expect(relations).toHaveLength(2450)
  expect([count('generate-key'), count('authorize'), count('add-known-host')]).toEqual([
    50, 2450, 2450,
  ])
  expect(count('prove')).toBe(2450)
})

/** The accounts of some hosts, as the steps change them. What a step must not do, it refuses. */
interface World {
  accounts: Map<
    string,
    {
      keys: KeyFile[]
      knownHosts: Map<string, KnownHostState>
      authorized: AuthorizedLine[]
      addresses: string[]
    }
  >
  hostKeys: Map<string, HostKey>
}

let nextKey = 0

/** A key that no other call has made. */
function newKey(kind: string, bits = 2048): Buffer {
  nextKey += 1
  const seed = Buffer.alloc(4)
  seed.writeUInt32BE(nextKey)
  const blob = kind === 'rsa' ? rsa(bits) : kind === 'ecdsa' ? ecdsa('nistp256', 0) : ed25519(0)
  return Buffer.concat([blob.subarray(0, -4), seed])
}

function apply(world: World, step: Step): void {
  const accountOf = (account: Account): NonNullable<ReturnType<World['accounts']['get']>> => {
    const found = world.accounts.get(formatAccount(account))
    if (found === undefined) throw new Error(`no account ${formatAccount(account)}`)
    return found
  }
  const source = accountOf(step.source)
  const target = accountOf(step.target)
  const fileOf = (path: string): Buffer => {
    const key = source.keys.find((file) => file.path === path)?.publicKey
    if (key === undefined) throw new Error(`no key at ${path}`)
    return key
  }
  const linesOf = (key: Buffer): AuthorizedLine[] =>
    target.authorized.filter(({ publicKey }) => publicKey.equals(key))
  const known = source.knownHosts.get(step.target.name)
  switch (step.kind) {
    case 'generate-key':
      expect(source.keys.map(({ path }) => path)).not.toContain(step.path)
      source.keys.push({
        path: step.path,
        publicKey: newKey(formatKeySpec(step.keyType).replace(/-.*/, ''), step.keyType.bits),
      })
      break
    case 'authorize': {
      const publicKey = fileOf(step.key.path)
      if (step.key.publicKey !== undefined) expect(step.key.publicKey).toEqual(publicKey)
      expect(linesOf(publicKey)).toEqual([])
      const from = step.from === undefined ? {} : { from: step.from }
      target.authorized.push({ publicKey, ...from })
      break
    }
    case 'add-known-host':
      expect(known).toBeUndefined()
      source.knownHosts.set(step.target.name, OURS)
      break
    case 'replace-known-host':
      expect(known?.others).toEqual(step.stale)
      source.knownHosts.set(step.target.name, OURS)
      break
    case 'prove':
      expect(known?.pinned).toBe(true)
      expect(linesOf(fileOf(step.key.path)).length).toBeGreaterThan(0)
      break
    case 'deauthorize':
      expect(linesOf(step.publicKey).length).toBeGreaterThan(0)
      target.authorized = target.authorized.filter(
        ({ publicKey }) => !publicKey.equals(step.publicKey),
      )
      break
    case 'prove-refused':
      expect(step.keys.length).toBeGreaterThan(0)
      for (const { path } of step.keys) expect(linesOf(fileOf(path))).toEqual([])
      break
    case 'remove-known-host':
      expect(known).toEqual(OURS)
      source.knownHosts.delete(step.target.name)
      break
  }
}

describe('in a simulated world', () => {
  const NAMES = ['a', 'b', 'c', 'd']
  const LABELS = NAMES.flatMap((name) => [name, `x@${name}`])
  const hosts = NAMES.map((name) => ({ name }))
  const KINDS = { ed25519: 'id_ed25519', ecdsa: 'id_ecdsa', rsa: 'id_rsa' }

  /** A world drawn from numbers: which keys each account has, knows and lists. */
  const world = (stale: boolean): fc.Arbitrary<() => World> =>
    fc
      .record({
        keys: fc.array(fc.subarray(['ed25519', 'ecdsa', 'rsa'] as const), {
          minLength: LABELS.length,
          maxLength: LABELS.length,
        }),
        known: fc.array(fc.constantFrom(undefined, PINNED, ...(stale ? [OURS, OTHER] : [])), {
          minLength: LABELS.length * NAMES.length,
          maxLength: LABELS.length * NAMES.length,
        }),
        lists: fc.array(
          fc.tuple(
            fc.constantFrom(...LABELS),
            fc.constantFrom(...LABELS),
            fc.constantFrom(undefined, ['10.0.0.0/8']),
          ),
          { maxLength: stale ? 12 : 0 },
        ),
        clones: stale ? fc.boolean() : fc.constant(false),
      })
      .map(({ keys, known, lists, clones }) => () => {
        const made: World = { accounts: new Map(), hostKeys: new Map() }
        for (const name of NAMES) made.hostKeys.set(name, { key: newKey('ed25519') })
        LABELS.forEach((label, i) => {
          const knownHosts = new Map<string, KnownHostState>()
          NAMES.forEach((name, j) => {
            const fact = known[i * NAMES.length + j]
            if (fact !== undefined) knownHosts.set(name, fact)
          })
          made.accounts.set(label, {
            keys: (keys[i] ?? []).map((kind) => ({
              path: `~/.ssh/${KINDS[kind]}`,
              publicKey: newKey(kind),
            })),
            knownHosts,
            authorized: [{ publicKey: newKey('ed25519') }],
            addresses: [`192.0.2.${i}`],
          })
        })
        const [first, second] = [made.accounts.get('a'), made.accounts.get('b')]
        if (clones && first !== undefined && second !== undefined) second.keys = [...first.keys]
        for (const [target, source, from] of lists) {
          const publicKey = made.accounts.get(source)?.keys[0]?.publicKey
          if (publicKey === undefined) continue
          made.accounts
            .get(target)
            ?.authorized.push({ publicKey, ...(from === undefined ? {} : { from }) })
        }
        return made
      })

  /** Relations of each pair once, in one spelling; `remove` says whether there may be a minus. */
  const relations = (remove: boolean): fc.Arbitrary<Relation[]> =>
    fc
      .uniqueArray(
        fc.record({
          pair: fc
            .tuple(fc.constantFrom(...LABELS), fc.constantFrom(...LABELS))
            .filter(([source, target]) => source.slice(-1) !== target.slice(-1)),
          minus: remove ? fc.boolean() : fc.constant(false),
          key: fc.constantFrom('ed25519', 'ecdsa-256', 'rsa-2048'),
          from: fc.constantFrom('', ' from', ' from=10.0.0.0/8'),
          replace: fc.constantFrom('', ' replace-stale'),
        }),
        { selector: ({ pair }) => pair.join(' '), maxLength: 12 },
      )
      .map((lines) => {
        const text = lines.map(({ pair, minus, key, from, replace }) => {
          const options = minus ? '' : `${from}${replace}`
          return `${minus ? '- ' : ''}${pair.join(' -> ')} key=${key}${options}`
        })
        return relationsOf(text.join('\n'), hosts)
      })

  const options = fc.record({ forgetHosts: fc.boolean() })

  /** Plans those of `wanted` that may be done, and does it. */
  function carryOut(made: World, wanted: readonly Relation[], how: PlanOptions): Relation[] {
    let rest = [...wanted]
    let plan = planRelations(rest, made, how)
    // Each line has one relation: those with an error are left out until there is none.
    while (plan.errors.length > 0) {
      expect(plan.steps).toEqual([])
      const wrong = new Set(plan.errors.map(({ input }) => input))
      rest = rest.filter(({ position }) => !wrong.has(position))
      plan = planRelations(rest, made, how)
    }
    for (const step of plan.steps) apply(made, step)
    return rest
  }

  /** Whether the source may log in to the target by the key and from the places that are asked for. */
  function mayLogIn(made: World, { source, target, keyType, from }: Relation): boolean {
    const from_ = made.accounts.get(formatAccount(source))
    const to = made.accounts.get(formatAccount(target))
    const wanted = from === 'source' ? from_?.addresses : from
    return (from_?.keys ?? []).some(
      ({ publicKey, path }) =>
        path.endsWith(formatKeySpec(keyType).replace(/-.*/, '')) &&
        to?.authorized.some(
          (line) =>
            publicKey !== undefined &&
            line.publicKey.equals(publicKey) &&
            (wanted === undefined || sameFrom(line.from, wanted)),
        ),
    )
  }

  test('the steps lead to what was asked for, and then there is nothing to do', () => {
    let done = 0
    fc.assert(
      fc.property(world(true), relations(true), options, (make, wanted, how) => {
        const made = make()
        const rest = carryOut(made, wanted, how)
        done += rest.length
        for (const relation of rest) expect(mayLogIn(made, relation)).toBe(!relation.remove)
        const again = planRelations(rest, made, how)
        expect(again.errors.map((error) => error.explain())).toEqual([])
        expect(again.steps).toEqual([])
        expect(again.relations.every(({ note }) => note !== undefined)).toBe(true)
      }),
      { numRuns: 400 },
    )
    expect(done).toBeGreaterThan(400)
  })

  /** An account in texts, to compare. */
  function tell(made: World, label: string): { keys: string[]; rest: unknown } {
    const account = made.accounts.get(label)
    return {
      keys: (account?.keys ?? []).map((file) => `${file.path} ${file.publicKey?.toString('hex')}`),
      rest: {
        knownHosts: [...(account?.knownHosts ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)),
        authorized: (account?.authorized ?? []).map(
          ({ publicKey, from }) => `${from?.join() ?? '*'} ${publicKey.toString('hex')}`,
        ),
      },
    }
  }

  const tellAll = (made: World): Map<string, ReturnType<typeof tell>> =>
    new Map(LABELS.map((label) => [label, tell(made, label)]))

  test('taking away what was added gives the world as it was, but for new keys', () => {
    fc.assert(
      fc.property(world(false), relations(false), (make, wanted) => {
        const made = make()
        const before = tellAll(made)
        expect(carryOut(made, wanted, {})).toEqual(wanted)
        const reverse = wanted.map((relation) => ({ ...relation, remove: true }))
        expect(carryOut(made, reverse, { forgetHosts: true })).toHaveLength(wanted.length)
        for (const [label, was] of before) {
          const { keys, rest } = tell(made, label)
          expect(rest).toEqual(was.rest)
          expect(keys.slice(0, was.keys.length)).toEqual(was.keys)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('what relations do not name stays as it is', () => {
    fc.assert(
      fc.property(world(true), relations(true), options, (make, wanted, how) => {
        const made = make()
        const before = tellAll(made)
        const strangers = LABELS.map((label) => made.accounts.get(label)?.authorized[0])
        const done = carryOut(made, wanted, how)
        const named = new Set(
          done.flatMap(({ source, target }) => [source, target].map(formatAccount)),
        )
        for (const label of LABELS) {
          if (!named.has(label)) expect(tell(made, label)).toEqual(before.get(label))
        }
        // A line whose key none of the sources has is never touched.
        expect(LABELS.map((label) => made.accounts.get(label)?.authorized[0])).toEqual(strangers)
      }),
      { numRuns: 100 },
    )
  })
})
