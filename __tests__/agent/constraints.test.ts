/** Constraints of keys: read from the wire, whole, short and wrong; and what destinations permit. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  destinationsPermit,
  readConstraints,
  type Constraints,
  type Destination,
} from '../../src/agent/constraints'
import type { Binding, Bindings } from '../../src/agent/session-binding'
import { boolean, byte, Reader, string, uint32 } from '../../src/ssh/wire'
import {
  damaged,
  errorOf,
  makeCertificate,
  sample,
  sampleOf,
  throwsOnlyTrustErrors,
  truncations,
} from '../ssh/samples'
import {
  binding,
  bound,
  CONFIRM,
  constraintExtension,
  hopTo,
  keyOf,
  lifetime,
  restrict,
  step,
} from './fixtures'

const [a, b, c] = ['a', 'b', 'c'].map((name) => keyOf(name)) as [
  ReturnType<typeof keyOf>,
  ReturnType<typeof keyOf>,
  ReturnType<typeof keyOf>,
]
const here = {}
const toA = step(here, hopTo(a))
const none = Buffer.alloc(0)

const read = (...parts: Buffer[]): Constraints => readConstraints(new Reader(Buffer.concat(parts)))
const plain = (key: typeof a) => ({
  hostname: key.comment,
  keys: [{ blob: key.publicKey, authority: false }],
})

describe('constraints are read', () => {
  const FIDO = string('sk-ssh-ed25519@openssh.com')

  test.each<[string, Buffer[], Constraints]>([
    ['none', [], {}],
    ['a lifetime', [lifetime(60)], { lifetime: 60 }],
    ['no lifetime at all', [lifetime(0)], { lifetime: 0 }],
    ['the longest lifetime', [lifetime(0xffff_ffff)], { lifetime: 0xffff_ffff }],
    ['confirmation', [CONFIRM], { confirm: true }],
    ['a destination', [restrict(toA)], { destinations: [{ to: plain(a) }] }],
    [
      'a destination with a user',
      [restrict(step(here, hopTo(a, { user: 'dep*' })))],
      { destinations: [{ user: 'dep*', to: plain(a) }] },
    ],
    [
      'a step between hosts',
      [restrict(step(hopTo(a), hopTo(b)))],
      { destinations: [{ from: plain(a), to: plain(b) }] },
    ],
    [
      'several destinations',
      [restrict(toA, step(hopTo(a), hopTo(b)))],
      { destinations: [{ to: plain(a) }, { from: plain(a), to: plain(b) }] },
    ],
    [
      'a host with several keys, one of them an authority',
      [
        restrict(
          step(here, {
            hostname: 'x',
            keys: [{ blob: a.publicKey }, { blob: b.publicKey, authority: true }],
          }),
        ),
      ],
      {
        destinations: [
          {
            to: {
              hostname: 'x',
              keys: [
                { blob: a.publicKey, authority: false },
                { blob: b.publicKey, authority: true },
              ],
            },
          },
        ],
      },
    ],
    [
      'a host key of a type that is not known here',
      [restrict(step(here, { hostname: 'x', keys: [{ blob: FIDO }] }))],
      { destinations: [{ to: { hostname: 'x', keys: [{ blob: FIDO, authority: false }] } }] },
    ],
    [
      'all of them, in any order',
      [CONFIRM, restrict(toA), lifetime(1)],
      { confirm: true, lifetime: 1, destinations: [{ to: plain(a) }] },
    ],
  ])('%s', (_, parts, expected) => {
    expect(read(...parts)).toStrictEqual(expected)
  })

  test('with memory of their own', () => {
    const bytes = restrict(toA)
    const { destinations } = read(bytes)
    bytes.fill(0)
    expect(destinations).toEqual([{ to: plain(a) }])
  })

  test('up to 1,024 destinations', () => {
    expect(read(restrict(...Array<Buffer>(1024).fill(toA))).destinations).toHaveLength(1024)
  })

  test('with the longest names', () => {
    const to = hopTo(a, { user: 'u'.repeat(256), hostname: 'h'.repeat(1024) })
    expect(read(restrict(step(here, to))).destinations).toMatchObject([
      { user: 'u'.repeat(256), to: { hostname: 'h'.repeat(1024) } },
    ])
  })
})

describe('constraints are refused', () => {
  test.each<[string, Buffer[], RegExp]>([
    ['of type 0', [byte(0)], /type 0 is not known/],
    ['of type 3 (maxsign)', [byte(3), uint32(9)], /type 3 is not known/],
    ['a lifetime twice', [lifetime(1), CONFIRM, lifetime(0)], /lifetime is given twice/],
    ['confirmation twice', [CONFIRM, CONFIRM], /confirm is given twice/],
    ['destinations twice', [restrict(toA), restrict(toA)], /destinations is given twice/],
    ['of a FIDO library', [constraintExtension('sk-provider@openssh.com', string('x'))], /sk-prov/],
    [
      'certificates of a smartcard',
      [constraintExtension('associated-certs-v00@openssh.com', boolean(true))],
      /associated-certs/,
    ],
    ['an extension without a name', [constraintExtension('', none)], /not known/],
    ['an extension with a long name', [constraintExtension('x'.repeat(257), none)], /Malformed/],
    ['no destination', [restrict()], /to no destination/],
    ['too many destinations', [restrict(...Array<Buffer>(1025).fill(toA))], /too many/],
    ['a user at the source', [restrict(step(hopTo(a, { user: 'x' }), hopTo(b)))], /at the source/],
    ['a user where the agent runs', [restrict(step({ user: 'x' }, hopTo(b)))], /at the source/],
    ['a source without keys', [restrict(step({ hostname: 'a' }, hopTo(b)))], /half a source/],
    [
      'a source without a name',
      [restrict(step({ keys: [{ blob: a.publicKey }] }, hopTo(b)))],
      /half a source/,
    ],
    ['a host without keys', [restrict(step(here, { hostname: 'a' }))], /half a destination/],
    ['a host without a name', [restrict(step(here, hopTo(a, { hostname: '' })))], /half a dest/],
    ['a nowhere', [restrict(step(here, here))], /half a destination/],
    ['unknown parts of a step', [restrict(step(here, hopTo(a), 'x'))], /with unknown parts/],
    [
      'unknown parts of a source',
      [restrict(step(hopTo(a, { extensions: 'x' }), hopTo(b)))],
      /with unknown parts/,
    ],
    [
      'unknown parts of a host',
      [restrict(step(here, hopTo(a, { extensions: 'x' })))],
      /with unknown parts/,
    ],
    ['a key that is none', [restrict(step(here, hopTo(a, { keys: [{ blob: byte(1) }] })))], /Malf/],
    ['a long user', [restrict(step(here, hopTo(a, { user: 'u'.repeat(257) })))], /at most 256/],
    ['a long name', [restrict(step(here, hopTo(a, { hostname: 'h'.repeat(1025) })))], /at most 10/],
    [
      'something behind a step',
      [restrict(string(Buffer.concat([new Reader(toA).string(), byte(0)])))],
      /too many/,
    ],
    ['a good destination and half of one', [restrict(toA, toA.subarray(0, -1))], /Malformed/],
  ])('%s', (_, parts, message) => {
    const error = errorOf(() => read(...parts))
    expect(error.code).toBe('malformed')
    expect(error.message).toMatch(message)
  })

  test('cut short anywhere, but between two of them', () => {
    const parts = [lifetime(60), CONFIRM, restrict(toA, step(hopTo(a), hopTo(b)))]
    const ends = parts.map((_, index) => Buffer.concat(parts.slice(0, index)).length)
    for (const short of truncations(Buffer.concat(parts))) {
      if (ends.includes(short.length)) expect(() => read(short)).not.toThrow()
      else expect(errorOf(() => read(short)).code).toBe('malformed')
    }
  })

  test('with any damage by a TrustError, or they restrict all the same', () => {
    const whole = restrict(step(hopTo(a), hopTo(b, { user: 'x' })))
    throwsOnlyTrustErrors([whole], read, 500)
    fc.assert(
      fc.property(damaged(whole.subarray(1)), (bytes) => {
        try {
          // The type of the constraint is whole: no damage behind it may lose the restriction.
          expect(read(byte(255), bytes).destinations?.length).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toMatchObject({ code: 'malformed' })
        }
      }),
    )
  })
})

describe('destinations permit', () => {
  const to = (host: typeof a, changes: Partial<Destination> = {}): Destination => ({
    to: plain(host),
    ...changes,
  })
  const between = (from: typeof a, host: typeof a, user?: string): Destination =>
    to(host, { from: plain(from), ...(user === undefined ? {} : { user }) })
  const login = (host: typeof a | Buffer): Binding => binding(host)
  const hop = (host: typeof a | Buffer): Binding =>
    binding(host, { sessionId: Buffer.from('hop'), forwarding: true })

  /** Whether the key is listed there; and whether it signs for the user `deploy`. */
  type Case = [string, Destination[], Bindings, { listed: boolean; signs: boolean }]
  const both = { listed: true, signs: true }
  const neither = { listed: false, signs: false }
  const listed = { listed: true, signs: false }

  test.each<Case>([
    ['the list where the agent runs, no signature', [to(a)], bound(), listed],
    ['nothing after a failed bind', [to(a)], { list: [], failed: true }, neither],
    ['nothing on a poisoned login', [to(a)], { list: [login(a)], failed: true }, neither],
    ['a login there', [to(a)], bound(login(a)), both],
    ['no login elsewhere', [to(a)], bound(login(b)), neither],
    ['one of several', [to(b), to(a)], bound(login(a)), both],
    [
      'no login from where the agent runs, if it is from a host',
      [between(b, a)],
      bound(login(a)),
      neither,
    ],
    ['the list alone for another user', [to(a, { user: 'root' })], bound(login(a)), listed],
    ['a login as that user', [to(a, { user: 'deploy' })], bound(login(a)), both],
    ['a login as a user of a pattern', [to(a, { user: 'd?pl*' })], bound(login(a)), both],
    ['no list of patterns', [to(a, { user: 'root,deploy' })], bound(login(a)), listed],
    ['the user of another line', [to(a, { user: 'root' }), to(a)], bound(login(a)), both],

    ['nothing at a hop from which nothing goes on', [to(a)], bound(hop(a)), neither],
    ['the list at a hop from which it goes on', [to(a), between(a, b)], bound(hop(a)), listed],
    ['nothing at a hop that is not reached', [between(a, b)], bound(hop(a)), neither],
    [
      'nothing at a hop from which another one goes on',
      [to(a), between(c, b)],
      bound(hop(a)),
      neither,
    ],
    ['a login over a hop', [to(a), between(a, b)], bound(hop(a), login(b)), both],
    ['no login over another hop', [to(a), between(a, b)], bound(hop(c), login(b)), neither],
    [
      'no login over a hop to another host',
      [to(a), between(a, b)],
      bound(hop(a), login(c)),
      neither,
    ],
    ['no login over a hop that is not reached', [between(a, b)], bound(hop(a), login(b)), neither],
    [
      'no login at a host to which it goes directly',
      [to(a), to(b)],
      bound(hop(a), login(b)),
      neither,
    ],
    ['no login over what was a login', [to(a), between(a, b)], bound(login(a), login(b)), neither],
    [
      'another user of the last host',
      [to(a), between(a, b, 'root')],
      bound(hop(a), login(b)),
      listed,
    ],
    ['any user of a hop', [to(a, { user: 'root' }), between(a, b)], bound(hop(a), login(b)), both],
    [
      'a login over two hops',
      [to(a), between(a, b), between(b, c)],
      bound(hop(a), hop(b), login(c)),
      both,
    ],
    [
      'nothing over two hops of which the second is not for it',
      [to(a), between(b, c)],
      bound(hop(a), hop(b), login(c)),
      neither,
    ],
    ['nothing of no destination', [], bound(login(a)), neither],
  ])('%s', (_, destinations, bindings, expected) => {
    const ask = (user?: string): boolean => destinationsPermit(destinations, bindings, user, 1500)
    expect({ listed: ask(), signs: ask('deploy') }).toEqual(expected)
  })

  describe('a host with a certificate', () => {
    const authority = sample('ssh-ed25519', 'authority')
    const certificate = makeCertificate({ subject: sampleOf(a.key), principals: ['*.example'] })
    const by = (blob: Buffer, hostname: string, isAuthority = true): Destination[] => [
      { to: { hostname, keys: [{ blob, authority: isAuthority }] } },
    ]
    const permits = (destinations: Destination[], hostKey = certificate, now = 1500): boolean =>
      destinationsPermit(destinations, bound(login(hostKey)), 'deploy', now)

    test('by its authority, for its name, in its time', () => {
      expect(permits(by(authority.blob, 'a.example'))).toBe(true)
      expect(permits(by(authority.blob, 'a.other'))).toBe(false)
      expect(permits(by(authority.blob, 'a.example'), certificate, 999)).toBe(false)
      expect(permits(by(authority.blob, 'a.example'), certificate, 2000)).toBe(false)
      expect(permits(by(b.publicKey, 'a.example'))).toBe(false)
    })

    test('not by its own key, nor by its authority as a plain key', () => {
      expect(permits(by(a.publicKey, 'a.example', false))).toBe(false)
      expect(permits(by(authority.blob, 'a.example', false))).toBe(false)
    })

    test('no plain key by its authority', () => {
      expect(permits(by(a.publicKey, 'a.example'), a.publicKey)).toBe(false)
    })

    test('that is damaged is permitted nothing, with no exception', () => {
      const destinations = by(authority.blob, 'a.example')
      for (const cut of [certificate.subarray(0, -1), certificate.subarray(0, 120)]) {
        expect(permits(destinations, cut)).toBe(false)
      }
    })
  })
})
