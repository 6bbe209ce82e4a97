/** Requests that change which keys the agent holds, or lock it, as messages and their answers. */
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { FAILURE, SUCCESS } from '../../src/agent/messages'
import { answer } from '../../src/agent/requests'
import { noBindings, type Bindings } from '../../src/agent/session-binding'
import type { AgentState } from '../../src/agent/state'
import { generatePrivateKey } from '../../src/ssh/private-key'
import { fingerprint, KEY_TYPES, type KeyType } from '../../src/ssh/public-key'
import { verifySignature } from '../../src/ssh/signature'
import { byte, string } from '../../src/ssh/wire'
import { flipped, truncations } from '../ssh/samples'
import {
  ADD,
  ADD_CONSTRAINED,
  LIST,
  LOCK,
  message,
  nameOf,
  REMOVE,
  REMOVE_ALL,
  REMOVE_ALL_V1,
  signatureIn,
  signMessage,
  UNLOCK,
} from '../support/agent-client'
import {
  addRequest,
  binding,
  bound,
  certificateOf,
  CONFIRM,
  constraintExtension,
  hopTo,
  identityOf,
  keyBody,
  keyOf,
  lifetime,
  reply,
  restrict,
  stateOf,
  step,
  strings,
} from './fixtures'

const unbound = noBindings()
const web = keyOf('web')
const db = keyOf('db')
const me = identityOf('me')
const you = identityOf('you')
const key = keyOf('new')
const onlyDb = restrict(step({}, hopTo(db)))
const destinations = [{ to: { hostname: 'db', keys: [{ blob: db.publicKey, authority: false }] } }]
const NEXT = message(LIST)

afterEach(() => {
  jest.useRealTimers()
  jest.restoreAllMocks()
})

interface Kind {
  name: string
  type: KeyType
  certified: boolean
}

const KINDS: Kind[] = KEY_TYPES.flatMap((type) => [
  { name: type, type, certified: false },
  { name: `${type}-cert-v01@openssh.com`, type, certified: true },
])

/** A key of a kind as a body to add, and what it is to be named by. */
function ofKind({ type, certified }: Kind) {
  const made = keyOf('nëw', type)
  const certificate = certified ? certificateOf(made) : undefined
  return { made, blob: certificate ?? made.publicKey, body: keyBody(made, certificate) }
}

describe.each(KINDS)('a key of type $name', (kind) => {
  const { made, blob, body } = ofKind(kind)
  const told = { key: fingerprint(made.publicKey), comment: 'nëw' }

  test('is added behind the others, told, and signs', async () => {
    const state = stateOf({ identities: [me] })
    expect(reply(message(ADD, body), unbound, state)).toEqual(SUCCESS)
    expect(state.identities[0]).toBe(me)
    const [, added] = state.identities
    expect(added).toEqual({
      blob,
      comment: 'nëw',
      fingerprint: told.key,
      privateKey: expect.objectContaining({ type: kind.type, publicKey: made.publicKey }),
    })
    expect(state.audit.entries).toEqual([
      { request: 'add', verdict: 'done', reason: 'as-asked', ...told },
    ])
    const signature = signatureIn(await answer(signMessage(blob, 'x', 4), unbound, state))
    expect(verifySignature(made.publicKey, signature, Buffer.from('x'))).toBe(true)
  })

  test('keeps its constraints', () => {
    const state = stateOf()
    const request = message(ADD_CONSTRAINED, body, lifetime(3600), CONFIRM, onlyDb)
    const before = performance.now()
    expect(reply(request, unbound, state)).toEqual(SUCCESS)
    expect(state.identities).toMatchObject([{ blob, confirm: true, destinations }])
    const { expires = 0 } = state.identities[0] ?? {}
    expect(expires).toBeGreaterThanOrEqual(before + 3_600_000)
    expect(expires).toBeLessThanOrEqual(performance.now() + 3_600_000)
  })

  test('cut short anywhere is FAILURE, and changes nothing', () => {
    const state = stateOf({ identities: [me] })
    const before = [...state.identities]
    for (const type of [ADD, ADD_CONSTRAINED]) {
      for (const short of truncations(body)) {
        expect(reply(message(type, short), unbound, state)).toEqual(FAILURE)
      }
    }
    expect(state.identities).toEqual(before)
    expect(state.audit.entries).toHaveLength(2 * body.length)
    for (const entry of state.audit.entries) {
      expect(entry).toEqual({
        request: 'add',
        verdict: 'refused',
        reason: 'key-refused',
        detail: expect.any(String),
      })
    }
  })

  test('whose halves do not belong together is refused', () => {
    const other = generatePrivateKey({ type: kind.type, bits: 2048 }, 'other')
    const [mine, theirs] = [strings(body), strings(keyBody(other))]
    // The private part alone is another key's: k || A of ed25519, d of the others.
    const at = kind.certified
      ? kind.type === 'ssh-ed25519'
        ? 3
        : 2
      : kind.type === 'ssh-ed25519'
        ? 2
        : 3
    const from = kind.type === 'ssh-ed25519' ? 2 : 3
    const mixed = Buffer.concat(mine.with(at, theirs[from] ?? Buffer.alloc(0)).map(string))
    const state = stateOf({ identities: [me] })
    expect(reply(message(ADD, mixed), unbound, state)).toEqual(FAILURE)
    expect(state.identities).toEqual([me])
    expect(state.audit.entries).toMatchObject([{ verdict: 'refused', reason: 'key-refused' }])
  })
})

describe('a certificate that is added', () => {
  const certificate = certificateOf(key)

  function refusalOf(body: Buffer): string | undefined {
    const state = stateOf({ identities: [me] })
    expect(reply(message(ADD, body), unbound, state)).toEqual(FAILURE)
    expect(state.identities).toEqual([me])
    expect(state.audit.entries).toMatchObject([{ request: 'add', reason: 'key-refused' }])
    return state.audit.entries[0]?.detail
  }

  test('of another key is refused', () => {
    expect(refusalOf(keyBody(key, certificateOf(keyOf('other'))))).toMatch(/not one for this/)
  })

  test('whose type is not the one that was said is refused', () => {
    const [, ...parts] = strings(keyBody(key, certificate))
    const type = 'ecdsa-sha2-nistp256-cert-v01@openssh.com'
    expect(refusalOf(Buffer.concat([type, ...parts].map(string)))).toMatch(/another type/)
  })

  test('that is a plain key is refused', () => {
    const parts = strings(keyBody(key, certificate)).with(1, key.publicKey)
    expect(refusalOf(Buffer.concat(parts.map(string)))).toMatch(/another type/)
  })

  test('that is damaged is refused', () => {
    expect(refusalOf(keyBody(key, certificate.subarray(0, -1)))).toMatch(/Malformed/)
    // Its length in front is one too short: the last byte hangs over.
    expect(refusalOf(keyBody(key, Buffer.concat([certificate, byte(0)])))).toMatch(/too many/)
  })

  test('stands beside its plain key', () => {
    const state = stateOf()
    for (const request of [addRequest(key), addRequest(key, { certificate })]) {
      expect(reply(request, unbound, state)).toEqual(SUCCESS)
    }
    expect(state.identities.map(({ blob }) => blob)).toEqual([key.publicKey, certificate])
  })
})

describe('what is no key that can be held', () => {
  const fields = strings(keyBody(key))
  const none = Buffer.alloc(0)

  test.each<[string, Buffer, RegExp]>([
    ['nothing', none, /Malformed/],
    ['DSA', Buffer.concat(['ssh-dss', 'p', 'q'].map(string)), /DSA/],
    ['a security key', string('sk-ssh-ed25519@openssh.com'), /not supported/],
    [
      'a certificate of DSA',
      Buffer.concat(Array(2).fill(string('ssh-dss-cert-v01@openssh.com'))),
      /malformed/i,
    ],
    ['a comment that is too long', keyBody({ ...key, comment: 'x'.repeat(4097) }), /Malformed/],
    [
      'another public half',
      Buffer.concat(fields.with(1, you.blob.subarray(-32)).map(string)),
      /belong together/,
    ],
    ['a byte behind it', Buffer.concat([keyBody(key), byte(0)]), /type 0 is not known/],
  ])('%s is refused, with the reason in words', (_, body, detail) => {
    const state = stateOf({ identities: [me] })
    expect(reply(message(ADD, body), unbound, state)).toEqual(FAILURE)
    expect(state.identities).toEqual([me])
    expect(state.audit.entries).toEqual([
      {
        request: 'add',
        verdict: 'refused',
        reason: 'key-refused',
        detail: expect.stringMatching(detail),
      },
    ])
  })

  test('the audit tells nothing of its private half', () => {
    const state = stateOf()
    const secret = fields[2] ?? none
    for (let index = 0; index < keyBody(key).length; index += 1) {
      reply(message(ADD, flipped(keyBody(key), index)), unbound, state)
    }
    const told = JSON.stringify(state.audit.entries)
    for (const encoding of ['hex', 'base64', 'latin1', 'utf8'] as const) {
      expect(told).not.toContain(secret.toString(encoding).slice(0, 12))
    }
  })
})

describe('constraints that can not be kept', () => {
  test.each<[string, Buffer[], RegExp]>([
    ['an unknown type', [byte(3)], /type 3 is not known/],
    ['an unknown extension', [constraintExtension('x@example.com', byte(1))], /x@example.com/],
    ['a lifetime twice', [lifetime(9), lifetime(9)], /lifetime is given twice/],
    ['a destination that is none', [restrict(string(''))], /Malformed/],
    ['half a lifetime', [lifetime(9).subarray(0, 3)], /Malformed/],
  ])('refuse the key: %s', (_, constraints, detail) => {
    for (const type of [ADD, ADD_CONSTRAINED]) {
      const state = stateOf({ identities: [me] })
      const request = message(type, keyBody(key), ...constraints)
      expect(reply(request, unbound, state)).toEqual(FAILURE)
      expect(state.identities).toEqual([me])
      expect(state.audit.entries).toMatchObject([
        { reason: 'key-refused', detail: expect.stringMatching(detail) },
      ])
    }
  })

  test('constraints are kept in the message that is not for them, as in ssh-agent', () => {
    const state = stateOf()
    expect(reply(message(ADD, keyBody(key), CONFIRM), unbound, state)).toEqual(SUCCESS)
    expect(state.identities).toMatchObject([{ confirm: true }])
  })
})

describe('a key with a lifetime', () => {
  const expired = {
    request: 'expire',
    verdict: 'done',
    reason: 'lifetime-over',
    key: fingerprint(key.publicKey),
  }

  test('goes when it is over, with no request, and is told', () => {
    jest.useFakeTimers()
    const state = stateOf({ identities: [me] })
    const request = addRequest(key, { constraints: [lifetime(2)] })
    expect(reply(request, unbound, state)).toEqual(SUCCESS)
    jest.advanceTimersByTime(1999)
    expect(state.identities).toHaveLength(2)
    jest.advanceTimersByTime(10)
    expect(state.identities).toEqual([me])
    expect(state.audit.entries.slice(1)).toEqual([expired])
  })

  test('of no seconds is gone at the next request', () => {
    const state = stateOf({ identities: [me] })
    const request = addRequest(key, { constraints: [lifetime(0)] })
    expect(reply(request, unbound, state)).toEqual(SUCCESS)
    expect(nameOf(reply(NEXT, unbound, state))).toBe('IDENTITIES 1')
    expect(state.audit.entries.slice(1)).toEqual([expired])
  })

  test('that is added without one gets the default', () => {
    jest.useFakeTimers()
    const state = stateOf({ defaultLifetime: 60 })
    expect(reply(addRequest(key), unbound, state)).toEqual(SUCCESS)
    expect(state.identities[0]?.expires).toBe(performance.now() + 60_000)
    jest.advanceTimersByTime(60_010)
    expect(state.identities).toEqual([])
  })

  test('of its own keeps it, longer or shorter than the default', () => {
    jest.useFakeTimers()
    const state = stateOf({ defaultLifetime: 60 })
    reply(addRequest(key, { constraints: [lifetime(10)] }), unbound, state)
    reply(addRequest(db, { constraints: [lifetime(100)] }), unbound, state)
    const times = state.identities.map(({ expires = 0 }) => expires - performance.now())
    expect(times).toEqual([10_000, 100_000])
  })

  test('that is longer than a timer can be stays, and its timer is one that can be', () => {
    const timers = jest.spyOn(globalThis, 'setTimeout')
    const state = stateOf()
    reply(addRequest(key, { constraints: [lifetime(0xffff_ffff)] }), unbound, state)
    expect(nameOf(reply(NEXT, unbound, state))).toBe('IDENTITIES 1')
    // Node takes more than this for one millisecond, and warns.
    for (const [, delay = 0] of timers.mock.calls) expect(delay).toBeLessThan(2 ** 31)
    for (const { value } of timers.mock.results) clearTimeout(value as NodeJS.Timeout)
  })

  test('added again without one has none, and outlives the first', () => {
    jest.useFakeTimers()
    const state = stateOf()
    reply(addRequest(key, { constraints: [lifetime(2)] }), unbound, state)
    reply(addRequest(key), unbound, state)
    jest.advanceTimersByTime(60_000)
    expect(state.identities).toHaveLength(1)
  })

  test('added again and again leaves no heap of timers', () => {
    jest.useFakeTimers()
    const state = stateOf()
    const request = addRequest(key, { constraints: [lifetime(3600)] })
    for (let n = 0; n < 50; n += 1) reply(request, unbound, state)
    expect(jest.getTimerCount()).toBe(1)
  })

  test('removed before it is over is not told as expired', () => {
    jest.useFakeTimers()
    const state = stateOf()
    reply(addRequest(key, { constraints: [lifetime(2)] }), unbound, state)
    reply(message(REMOVE, string(key.publicKey)), unbound, state)
    jest.advanceTimersByTime(60_000)
    expect(state.audit.entries.map(({ request }) => request)).toEqual(['add', 'remove'])
  })
})

describe('a key that is here', () => {
  test('is replaced where it stands: its comment and constraints are the new ones', () => {
    const state = stateOf({ identities: [me, identityOf('new'), you] })
    const request = addRequest({ ...key, comment: 'again' }, { constraints: [CONFIRM] })
    expect(reply(request, unbound, state)).toEqual(SUCCESS)
    expect(state.identities.map(({ comment }) => comment)).toEqual(['me', 'again', 'you'])
    expect(state.identities[1]).toMatchObject({ confirm: true })
    expect(reply(addRequest(key), unbound, state)).toEqual(SUCCESS)
    expect(state.identities[1]).not.toHaveProperty('confirm')
  })

  describe('for other destinations than where the connection goes', () => {
    const hidden = { ...identityOf('new'), destinations }
    const atWeb = bound(binding(web))

    test('is not replaced, and freed so', () => {
      const state = stateOf({ identities: [hidden] })
      expect(reply(addRequest(key), atWeb, state)).toEqual(FAILURE)
      expect(state.identities).toEqual([hidden])
      expect(state.audit.entries).toEqual([
        {
          request: 'add',
          verdict: 'refused',
          reason: 'key-refused',
          detail: 'it is here, for other destinations',
          key: hidden.fingerprint,
        },
      ])
    })

    test('is not removed', () => {
      const state = stateOf({ identities: [hidden] })
      const request = message(REMOVE, string(hidden.blob))
      expect(reply(request, atWeb, state)).toEqual(FAILURE)
      expect(state.identities).toEqual([hidden])
      expect(state.audit.entries).toEqual([
        {
          request: 'remove',
          verdict: 'refused',
          reason: 'destination-not-permitted',
          key: hidden.fingerprint,
        },
      ])
    })

    test.each<[string, Bindings]>([
      ['where the agent runs', unbound],
      ['at its destination', bound(binding(db))],
    ])('is both %s', (_, bindings) => {
      const state = stateOf({ identities: [hidden] })
      expect(reply(addRequest(key), bindings, state)).toEqual(SUCCESS)
      expect(state.identities[0]).not.toHaveProperty('destinations')
      state.identities = [hidden]
      expect(reply(message(REMOVE, string(hidden.blob)), bindings, state)).toEqual(SUCCESS)
      expect(state.identities).toEqual([])
    })

    test('goes with all', () => {
      const state = stateOf({ identities: [hidden] })
      expect(reply(message(REMOVE_ALL), atWeb, state)).toEqual(SUCCESS)
      expect(state.identities).toEqual([])
    })
  })
})

test('a full agent takes no more keys, but replaces those that it has', () => {
  const full = Array.from({ length: 2047 }, (_, n) => ({ ...me, blob: Buffer.from(`key ${n}`) }))
  const state = stateOf({ identities: full })
  expect(reply(addRequest(key), unbound, state)).toEqual(SUCCESS)
  expect(reply(addRequest(db), unbound, state)).toEqual(FAILURE)
  expect(state.identities).toHaveLength(2048)
  expect(state.audit.entries.at(-1)).toEqual({
    request: 'add',
    verdict: 'refused',
    reason: 'key-refused',
    detail: 'the agent is full',
    key: fingerprint(db.publicKey),
  })
  expect(reply(addRequest({ ...key, comment: 'again' }), unbound, state)).toEqual(SUCCESS)
  expect(state.identities.at(-1)).toMatchObject({ comment: 'again' })
})

test('an agent whose lifetime is over takes no keys, and says so', () => {
  const state = stateOf({ over: true })
  expect(reply(addRequest(key), unbound, state)).toEqual(FAILURE)
  expect(reply(message(ADD, Buffer.of(1)), unbound, state)).toEqual(FAILURE)
  expect(state.identities).toEqual([])
  const told = { request: 'add', verdict: 'refused', reason: 'lifetime-over' }
  expect(state.audit.entries).toEqual([
    { ...told, key: fingerprint(key.publicKey), detail: "the agent's lifetime is over" },
    { ...told, detail: expect.stringMatching(/Malformed/) },
  ])
})

describe('removing', () => {
  test('takes the one key of that name, plain or certified, and tells it', () => {
    const certificate = certificateOf(key)
    const state = stateOf({ identities: [me] })
    reply(addRequest(key), unbound, state)
    reply(addRequest(key, { certificate }), unbound, state)
    expect(reply(message(REMOVE, string(key.publicKey)), unbound, state)).toEqual(SUCCESS)
    expect(state.identities.map(({ blob }) => blob)).toEqual([me.blob, certificate])
    expect(reply(message(REMOVE, string(certificate)), unbound, state)).toEqual(SUCCESS)
    expect(state.identities).toEqual([me])
    const told = { request: 'remove', verdict: 'done', reason: 'as-asked' }
    const entry = { ...told, key: fingerprint(key.publicKey) }
    expect(state.audit.entries.slice(2)).toEqual([entry, entry])
  })

  test('a key that is not here is told', () => {
    const state = stateOf({ identities: [me] })
    expect(reply(message(REMOVE, string(you.blob)), unbound, state)).toEqual(FAILURE)
    expect(state.identities).toEqual([me])
    expect(state.audit.entries).toEqual([
      { request: 'remove', verdict: 'refused', reason: 'key-unknown', key: you.fingerprint },
    ])
  })

  test('cut short at any length, or with a byte behind it, removes nothing', () => {
    const state = stateOf({ identities: [me] })
    const whole = message(REMOVE, string(me.blob))
    for (const request of [...truncations(whole), Buffer.concat([whole, byte(0)])]) {
      expect(reply(request, unbound, state)).toEqual(FAILURE)
    }
    expect(state.identities).toEqual([me])
    expect(state.audit.entries).toEqual([])
  })

  test.each([REMOVE_ALL, REMOVE_ALL_V1])('all, by message %i, tells it', (type) => {
    for (const identities of [[me, you], []]) {
      const state = stateOf({ identities })
      expect(reply(message(type), unbound, state)).toEqual(SUCCESS)
      expect(state.identities).toEqual([])
      expect(state.audit.entries).toEqual([
        { request: 'remove-all', verdict: 'done', reason: 'as-asked' },
      ])
    }
  })
})

describe('locking', () => {
  const ask = async (type: number, passphrase: string, state: AgentState): Promise<string> =>
    nameOf(await answer(message(type, string(passphrase)), unbound, state))

  test('and unlocking are told; what is wrong changes nothing', async () => {
    const state = stateOf({ identities: [me] })
    expect(await ask(UNLOCK, 'secret', state)).toBe('FAILURE') // it is not locked
    expect(await ask(LOCK, '', state)).toBe('FAILURE')
    expect(state.audit.entries).toEqual([])
    expect(await ask(LOCK, 'secret', state)).toBe('SUCCESS')
    expect(await ask(LOCK, 'other', state)).toBe('FAILURE')
    expect(await ask(UNLOCK, 'other', state)).toBe('FAILURE')
    expect(await ask(UNLOCK, '', state)).toBe('FAILURE')
    expect(state.lock.isLocked()).toBe(true)
    expect(await ask(UNLOCK, 'secret', state)).toBe('SUCCESS')
    expect(state.lock.isLocked()).toBe(false)
    expect(state.audit.entries).toEqual([
      { request: 'lock', verdict: 'done', reason: 'as-asked' },
      { request: 'unlock', verdict: 'refused', reason: 'passphrase-wrong' },
      { request: 'unlock', verdict: 'refused', reason: 'passphrase-wrong' },
      { request: 'unlock', verdict: 'done', reason: 'as-asked' },
    ])
    expect(state.identities).toEqual([me])
  })

  test('twice at once, with two passphrases, succeeds once', async () => {
    const state = stateOf()
    const names = await Promise.all([ask(LOCK, 'first', state), ask(LOCK, 'second', state)])
    expect(names).toEqual(['SUCCESS', 'FAILURE'])
    expect(await ask(UNLOCK, 'second', state)).toBe('FAILURE')
    expect(await ask(UNLOCK, 'first', state)).toBe('SUCCESS')
  })

  test.each([LOCK, UNLOCK])(
    'message %i cut short is FAILURE, and changes nothing',
    async (type) => {
      const state = stateOf()
      if (type === UNLOCK) await ask(LOCK, 'secret', state)
      for (const request of truncations(message(type, string('secret')))) {
        expect(await answer(request, unbound, state)).toEqual(FAILURE)
      }
      expect(state.lock.isLocked()).toBe(type === UNLOCK)
    },
  )
})
