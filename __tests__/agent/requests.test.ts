/** The answer to each kind of message: lists, signatures, extensions, and what is not understood. */
import { describe, expect, test } from '@jest/globals'
import { EXTENSION_FAILURE, FAILURE, identitiesAnswer, SUCCESS } from '../../src/agent/messages'
import { answer } from '../../src/agent/requests'
import { noBindings, type Bindings } from '../../src/agent/session-binding'
import type { AgentState } from '../../src/agent/state'
import { fingerprint, KEY_TYPES } from '../../src/ssh/public-key'
import { signatureAlgorithm, verifySignature } from '../../src/ssh/signature'
import { byte, string } from '../../src/ssh/wire'
import {
  ADD,
  ADD_CARD,
  ADD_CARD_CONSTRAINED,
  ADD_CONSTRAINED,
  EXTENSION,
  extensionMessage,
  identitiesIn,
  LIST,
  LOCK,
  message,
  nameOf,
  REMOVE,
  REMOVE_ALL,
  REMOVE_ALL_V1,
  REMOVE_CARD,
  SIGN,
  signatureIn,
  signMessage,
  UNLOCK,
} from '../support/agent-client'
import {
  addRequest,
  bindContents,
  binding,
  bound,
  certificateOf,
  identityOf,
  keyOf,
  policyHost,
  reply,
  SSHSIG,
  stateOf,
  userauth,
  type MemoryAudit,
} from './fixtures'

const list = message(LIST)
const web = keyOf('web')
const me = identityOf('me')
const you = identityOf('you')
const pinned = { mode: 'pinned', hosts: [policyHost(web)] } as const
const poisoned: Bindings = { list: [], failed: true }
const SESSION_BIND = 'session-bind@openssh.com'

const onlyAt = (host: typeof web) => [
  { to: { hostname: host.comment, keys: [{ blob: host.publicKey, authority: false }] } },
]

async function lock(state: AgentState): Promise<void> {
  expect(await answer(message(LOCK, string('secret')), noBindings(), state)).toEqual(SUCCESS)
}

describe('a list', () => {
  test('has all identities, in their order, with no word in the audit', () => {
    const state = stateOf({ identities: [me, you], policy: pinned })
    expect(reply(list, noBindings(), state)).toEqual(identitiesAnswer([me, you]))
    expect(reply(list, bound(binding(web)), state)).toEqual(identitiesAnswer([me, you]))
    expect(state.audit.entries).toEqual([])
  })

  test('of an agent that holds none is empty, with no word in the audit', () => {
    const state = stateOf({ policy: pinned })
    expect(reply(list, noBindings(), state)).toEqual(identitiesAnswer([]))
    expect(state.audit.entries).toEqual([])
  })

  test('is given whatever follows the request', () => {
    const state = stateOf({ identities: [me] })
    expect(reply(message(LIST, string('x')), noBindings(), state)).toEqual(identitiesAnswer([me]))
  })

  test.each<[string, Bindings, object]>([
    [
      'at a stranger',
      bound(binding(you.blob)),
      { reason: 'host-not-pinned', hostKey: you.fingerprint },
    ],
    ['after a failed bind', poisoned, { reason: 'bind-failed' }],
    ['at a host for other keys', bound(binding(web)), { reason: 'key-not-for-host', host: 'web' }],
  ])('has none %s, which is told', (_, bindings, told) => {
    const policy = { mode: 'pinned', hosts: [policyHost(web, { keys: ['other'] })] } as const
    const state = stateOf({ identities: [me], policy })
    expect(reply(list, bindings, state)).toEqual(identitiesAnswer([]))
    expect(state.audit.entries).toEqual([{ request: 'list', verdict: 'refused', ...told }])
  })

  test('leaves out keys for other destinations; where none is left it is told', () => {
    const elsewhere = { ...me, destinations: onlyAt(keyOf('db')) }
    const state = stateOf({ identities: [elsewhere, you] })
    expect(reply(list, noBindings(), state)).toEqual(identitiesAnswer([elsewhere, you]))
    expect(reply(list, bound(binding(web)), state)).toEqual(identitiesAnswer([you]))
    expect(state.audit.entries).toEqual([])
    state.identities = [elsewhere]
    expect(reply(list, bound(binding(web)), state)).toEqual(identitiesAnswer([]))
    expect(state.audit.entries).toEqual([
      {
        request: 'list',
        verdict: 'refused',
        reason: 'destination-not-permitted',
        hostKey: fingerprint(web.publicKey),
      },
    ])
  })

  test('leaves out what has expired, which is told', () => {
    const state = stateOf({ identities: [{ ...me, expires: performance.now() }, you] })
    expect(reply(list, noBindings(), state)).toEqual(identitiesAnswer([you]))
    expect(state.identities).toEqual([you])
    expect(state.audit.entries).toEqual([
      { request: 'expire', verdict: 'done', reason: 'lifetime-over', key: me.fingerprint },
    ])
  })

  test('over a host certificate that is damaged is answered, even with keys for destinations', () => {
    // A certificate that is cut short can be bound: its key is whole, and its signature is good.
    const certificate = certificateOf(web)
    const damaged = bound(binding(certificate.subarray(0, -1)))
    const state = stateOf({ identities: [{ ...me, destinations: onlyAt(web) }, you] })
    expect(reply(list, damaged, state)).toEqual(identitiesAnswer([you]))
  })
})

describe('a signature', () => {
  const ALGORITHMS = ['FAILURE', 'rsa-sha2-256', 'rsa-sha2-512'] as const

  test.each(KEY_TYPES.flatMap((type) => [0, 2, 4].map((flags, index) => ({ type, flags, index }))))(
    '$type, flags $flags',
    async ({ type, flags, index }) => {
      const identity = identityOf('signer', type)
      const state = stateOf({ identities: [me, identity], policy: pinned })
      const data = userauth({ key: identity.blob, hostKey: web.publicKey })
      const message = signMessage(identity.blob, data, flags)
      const answered = await answer(message, bound(binding(web)), state)
      const algorithm = type === 'ssh-rsa' ? ALGORITHMS[index] : type
      const told = {
        request: 'sign',
        key: identity.fingerprint,
        user: 'deploy',
        host: 'web',
        forwarded: false,
      }
      if (algorithm === 'FAILURE') {
        expect(answered).toEqual(FAILURE)
        expect(state.audit.entries).toEqual([{ ...told, verdict: 'refused', reason: 'sha1' }])
        expect(state.signatures).toBe(0)
        return
      }
      const signature = signatureIn(answered)
      expect(signatureAlgorithm(signature)).toBe(algorithm)
      expect(verifySignature(identity.blob, signature, data)).toBe(true)
      expect(state.audit.entries).toEqual([{ ...told, verdict: 'signed', reason: 'host-pinned' }])
      expect(state.signatures).toBe(1)
    },
  )

  test('with both flags of RSA is one of SHA-256', async () => {
    const rsa = identityOf('signer', 'ssh-rsa')
    const answered = await answer(
      signMessage(rsa.blob, 'x', 6),
      noBindings(),
      stateOf({ identities: [rsa] }),
    )
    expect(nameOf(answered)).toBe('SIGNED rsa-sha2-256')
  })

  test('that is refused is FAILURE, and told with the key of the host', () => {
    const state = stateOf({ identities: [me], policy: pinned })
    const request = signMessage(me.blob, userauth({ key: me.blob }))
    expect(reply(request, bound(binding(you.blob)), state)).toEqual(FAILURE)
    expect(state.audit.entries).toEqual([
      {
        request: 'sign',
        verdict: 'refused',
        reason: 'host-not-pinned',
        key: me.fingerprint,
        hostKey: you.fingerprint,
        user: 'deploy',
        forwarded: false,
      },
    ])
    expect(state.signatures).toBe(0)
  })

  test('at a host with a certificate is told with the fingerprint of its plain key', () => {
    const state = stateOf({ identities: [me], policy: pinned })
    const request = signMessage(me.blob, userauth({ key: me.blob }))
    expect(reply(request, bound(binding(certificateOf(keyOf('db')))), state)).toEqual(FAILURE)
    expect(state.audit.entries).toMatchObject([{ hostKey: fingerprint(keyOf('db').publicKey) }])
  })

  test('by a key that is not there is told', () => {
    const state = stateOf({ identities: [me] })
    expect(reply(signMessage(you.blob, 'x'), noBindings(), state)).toEqual(FAILURE)
    const key = fingerprint(you.blob)
    expect(state.audit.entries).toEqual([
      { request: 'sign', verdict: 'refused', reason: 'key-unknown', key },
    ])
  })

  test('by a key that has expired is one by a key that is not there', () => {
    const state = stateOf({ identities: [{ ...me, expires: performance.now() }] })
    expect(reply(signMessage(me.blob, 'x'), noBindings(), state)).toEqual(FAILURE)
    expect(state.audit.entries.map(({ reason }) => reason)).toEqual([
      'lifetime-over',
      'key-unknown',
    ])
  })

  test('cut short at any length, or with a byte behind it, is FAILURE', () => {
    const whole = signMessage(me.blob, userauth({ key: me.blob }))
    const state = stateOf({ identities: [me] })
    for (let length = 0; length < whole.length; length += 1) {
      expect(reply(whole.subarray(0, length), noBindings(), state)).toEqual(FAILURE)
    }
    expect(reply(Buffer.concat([whole, byte(0)]), noBindings(), state)).toEqual(FAILURE)
    expect(state.audit.entries).toEqual([])
    expect(nameOf(reply(whole, noBindings(), state))).toBe('SIGNED ssh-ed25519')
  })

  test('is one of so many as the policy allows; what is refused does not count', () => {
    const policy = { ...pinned, maxSignatures: 2 }
    const state = stateOf({ identities: [me], policy })
    const login = signMessage(me.blob, userauth({ key: me.blob }))
    const names = [noBindings(), bound(binding(web)), bound(binding(web)), bound(binding(web))].map(
      (bindings) => nameOf(reply(login, bindings, state)),
    )
    expect(names).toEqual(['FAILURE', 'SIGNED ssh-ed25519', 'SIGNED ssh-ed25519', 'FAILURE'])
    expect(state.signatures).toBe(2)
    expect(state.audit.entries.map(({ reason }) => reason)).toEqual([
      'unbound',
      'host-pinned',
      'host-pinned',
      'signatures-used-up',
    ])
  })

  test('for a commit is told with its reason', () => {
    const state = stateOf({ identities: [me], policy: { ...pinned, namespaces: ['git'] } })
    const signature = signatureIn(reply(signMessage(me.blob, SSHSIG), noBindings(), state))
    expect(verifySignature(me.blob, signature, SSHSIG)).toBe(true)
    expect(state.audit.entries).toEqual([
      {
        request: 'sign',
        verdict: 'signed',
        reason: 'namespace-allowed',
        key: me.fingerprint,
        forwarded: false,
      },
    ])
  })
})

describe('a key of which each use is to be confirmed', () => {
  const careful = { ...me, confirm: true }
  const login = signMessage(me.blob, userauth({ key: me.blob }))
  const told = { request: 'sign', key: me.fingerprint, forwarded: false, user: 'deploy' }
  const denied = { ...told, host: 'web', verdict: 'refused', reason: 'confirmation-denied' }

  /** Asks for a signature at `web`; `meanwhile` happens before the question is answered. */
  async function askFor(
    confirmed: boolean,
    meanwhile: (state: AgentState) => unknown = () => undefined,
    changes: Partial<AgentState> = {},
  ): Promise<{ name: string; entries: MemoryAudit['entries']; questions: string[] }> {
    const questions: string[] = []
    const state = stateOf({
      identities: [careful, you],
      policy: pinned,
      confirm: async (question) => {
        questions.push(question)
        await meanwhile(state)
        return confirmed
      },
      ...changes,
    })
    const name = nameOf(await answer(login, bound(binding(web)), state))
    return { name, entries: state.audit.entries, questions }
  }

  test('signs after a yes', async () => {
    const { name, entries, questions } = await askFor(true)
    expect(name).toBe('SIGNED ssh-ed25519')
    expect(entries).toEqual([{ ...told, host: 'web', verdict: 'signed', reason: 'host-pinned' }])
    expect(questions).toEqual([
      `Allow use of key me?\nKey fingerprint ${me.fingerprint}.\nLogin as deploy at web`,
    ])
  })

  test('does not sign after a no', async () => {
    const { name, entries } = await askFor(false)
    expect(name).toBe('FAILURE')
    expect(entries).toEqual([denied])
  })

  test('does not sign where nobody can be asked, or asking fails', async () => {
    const state = stateOf({ identities: [careful], policy: pinned })
    expect(await answer(login, bound(binding(web)), state)).toEqual(FAILURE)
    expect(state.audit.entries).toEqual([denied])
    const { name } = await askFor(true, () => Promise.reject(new Error('no screen')))
    expect(name).toBe('FAILURE')
  })

  test.each<[string, Partial<AgentState>, Bindings, Buffer, string]>([
    ['a login at no host', {}, noBindings(), login, '\nLogin as deploy'],
    ['what is no login', {}, noBindings(), signMessage(me.blob, 'x'), ''],
  ])('the question about %s leaves out what is not known', async (_, __, on, request, purpose) => {
    const questions: string[] = []
    const confirm = (question: string): Promise<boolean> => {
      questions.push(question)
      return Promise.resolve(true)
    }
    const state = stateOf({ identities: [careful], confirm })
    expect(nameOf(await answer(request, on, state))).toBe('SIGNED ssh-ed25519')
    expect(questions).toEqual([
      `Allow use of key me?\nKey fingerprint ${me.fingerprint}.${purpose}`,
    ])
  })

  test('nobody is asked about what is refused anyway', async () => {
    const { name, entries, questions } = await askFor(true, undefined, {
      policy: { ...pinned, maxSignatures: 0 },
    })
    expect(name).toBe('FAILURE')
    expect(entries).toMatchObject([{ reason: 'signatures-used-up' }])
    expect(questions).toEqual([])
  })

  test.each<[string, (state: AgentState) => unknown]>([
    ['is removed', (state) => reply(message(REMOVE, string(me.blob)), noBindings(), state)],
    ['goes with all keys', (state) => reply(message(REMOVE_ALL), noBindings(), state)],
    ['is added anew', (state) => reply(addRequest(keyOf('me')), noBindings(), state)],
    ['is locked in', lock],
  ])('does not sign when it %s before the yes', async (_, meanwhile) => {
    const { name, entries } = await askFor(true, meanwhile)
    expect(name).toBe('FAILURE')
    expect(entries.at(-1)).toEqual(denied)
  })

  test('does not sign when another signature was the last one before the yes', async () => {
    const { name, entries } = await askFor(
      true,
      (state) => {
        const other = signMessage(you.blob, userauth({ key: you.blob }))
        expect(nameOf(reply(other, bound(binding(web)), state))).toBe('SIGNED ssh-ed25519')
      },
      { policy: { ...pinned, maxSignatures: 1 } },
    )
    expect(name).toBe('FAILURE')
    expect(entries.map(({ reason }) => reason)).toEqual(['host-pinned', 'signatures-used-up'])
  })

  test('does not sign when its connection was poisoned before the yes', async () => {
    const bindings = bound(binding(web))
    const state = stateOf({
      identities: [careful],
      policy: pinned,
      confirm: () => {
        reply(extensionMessage(SESSION_BIND, Buffer.of(1)), bindings, state)
        return Promise.resolve(true)
      },
    })
    expect(await answer(login, bindings, state)).toEqual(FAILURE)
    expect(state.audit.entries.at(-1)).toMatchObject({ reason: 'bind-failed', verdict: 'refused' })
  })
})

describe('an extension', () => {
  test('query names session-bind', () => {
    const answered = reply(extensionMessage('query'), noBindings(), stateOf())
    const expected = Buffer.concat([byte(29), ...['query', SESSION_BIND].map(string)])
    expect(answered).toEqual(expected)
  })

  test('that is unknown is FAILURE', () => {
    const unknown = extensionMessage('restrict-everything@example.com', Buffer.from('x'))
    expect(reply(unknown, noBindings(), stateOf())).toEqual(FAILURE)
    expect(reply(message(EXTENSION), noBindings(), stateOf())).toEqual(FAILURE)
  })

  test('session-bind binds', () => {
    const bindings = noBindings()
    const bind = extensionMessage(SESSION_BIND, bindContents(web))
    expect(reply(bind, bindings, stateOf())).toEqual(SUCCESS)
    expect(bindings).toEqual(bound(binding(web)))
  })

  test('session-bind that fails is told, and spoils the connection', () => {
    const bindings = noBindings()
    const state = stateOf({ identities: [me], policy: pinned })
    const contents = bindContents(web, { signed: Buffer.from('other') })
    expect(reply(extensionMessage(SESSION_BIND, contents), bindings, state)).toEqual(
      EXTENSION_FAILURE,
    )
    expect(state.audit.entries).toEqual([
      {
        request: 'bind',
        verdict: 'refused',
        reason: 'bind-failed',
        detail: "the host key's signature is not valid",
      },
    ])
    const sign = signMessage(me.blob, userauth({ key: me.blob }))
    expect(reply(sign, bindings, state)).toEqual(FAILURE)
    expect(reply(list, bindings, state)).toEqual(identitiesAnswer([]))
  })
})

describe('a locked agent', () => {
  const others = [ADD, ADD_CONSTRAINED, REMOVE, REMOVE_ALL, REMOVE_ALL_V1, LOCK, ADD_CARD, 200]

  test('lists nothing and signs nothing, and tells so', async () => {
    const state = stateOf({ identities: [me] })
    await lock(state)
    expect(reply(list, noBindings(), state)).toEqual(identitiesAnswer([]))
    expect(reply(signMessage(me.blob, 'x'), noBindings(), state)).toEqual(FAILURE)
    expect(state.audit.entries.slice(1)).toEqual([
      { request: 'list', verdict: 'refused', reason: 'locked' },
      { request: 'sign', verdict: 'refused', reason: 'locked' },
    ])
  })

  test('without keys has none to withhold', async () => {
    const state = stateOf()
    await lock(state)
    expect(reply(list, noBindings(), state)).toEqual(identitiesAnswer([]))
    expect(state.audit.entries).toHaveLength(1)
  })

  test.each(others)('refuses a message of type %i', async (type) => {
    const state = stateOf({ identities: [me] })
    await lock(state)
    for (const body of [addRequest(keyOf('new')).subarray(1), string(me.blob), string('secret')]) {
      expect(await answer(message(type, body), noBindings(), state)).toEqual(FAILURE)
    }
    expect(state.identities).toEqual([me])
    expect(state.lock.isLocked()).toBe(true)
    expect(state.audit.entries).toHaveLength(1)
  })

  test('answers no query, but binds', async () => {
    const state = stateOf()
    await lock(state)
    expect(reply(extensionMessage('query'), noBindings(), state)).toEqual(FAILURE)
    const bindings = noBindings()
    const bind = extensionMessage(SESSION_BIND, bindContents(web))
    expect(reply(bind, bindings, state)).toEqual(SUCCESS)
    expect(bindings).toEqual(bound(binding(web)))
  })

  test('still drops what expires', async () => {
    const state = stateOf({ identities: [{ ...me, expires: performance.now() }, you] })
    await lock(state)
    reply(list, noBindings(), state)
    expect(state.identities).toEqual([you])
  })

  test('once opened has what it had', async () => {
    const state = stateOf({ identities: [me, you] })
    await lock(state)
    expect(await answer(message(UNLOCK, string('secret')), noBindings(), state)).toEqual(SUCCESS)
    expect(reply(list, noBindings(), state)).toEqual(identitiesAnswer([me, you]))
  })
})

test('an agent whose lifetime is over says so of lists and signatures', () => {
  const state = stateOf({ over: true, policy: pinned })
  expect(reply(list, noBindings(), state)).toEqual(identitiesAnswer([]))
  expect(reply(signMessage(me.blob, 'x'), noBindings(), state)).toEqual(FAILURE)
  expect(state.audit.entries).toEqual([
    { request: 'list', verdict: 'refused', reason: 'lifetime-over' },
    { request: 'sign', verdict: 'refused', reason: 'lifetime-over', key: me.fingerprint },
  ])
})

test('smartcards are refused: their library would be code of somebody else’s', () => {
  const state = stateOf({ identities: [me] })
  const card = [string('/usr/lib/opensc-pkcs11.so'), string('1234')]
  for (const type of [ADD_CARD, REMOVE_CARD, ADD_CARD_CONSTRAINED]) {
    expect(reply(message(type, ...card), noBindings(), state)).toEqual(FAILURE)
  }
  expect(state.identities).toEqual([me])
})

test('every other message type is FAILURE, with any body', () => {
  const state = stateOf({ identities: [me] })
  const known = [LIST, SIGN, ADD, ADD_CONSTRAINED, REMOVE, REMOVE_ALL, REMOVE_ALL_V1, LOCK, UNLOCK]
  for (let type = 0; type <= 255; type += 1) {
    if (type === EXTENSION || known.includes(type)) continue
    for (const body of [Buffer.alloc(0), string('x'), Buffer.alloc(300, 0xff)]) {
      expect(reply(message(type, body), noBindings(), state)).toEqual(FAILURE)
    }
  }
  expect(state.identities).toEqual([me])
  expect(state.audit.entries).toEqual([])
})

test('an identity list is what a client reads', () => {
  const state = stateOf({ identities: [me, you] })
  expect(identitiesIn(reply(list, noBindings(), state))).toEqual([
    { blob: me.blob, comment: Buffer.from('me') },
    { blob: you.blob, comment: Buffer.from('you') },
  ])
})
