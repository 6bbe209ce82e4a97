/**
 * The agent against whatever can be sent: random bytes, damaged messages of every type, any split of
 * the stream. Every message is answered once and in its order, and what is refused changes no key.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { NO_AUDIT } from '../../src/agent/audit'
import type { Lock } from '../../src/agent/lock'
import { frame } from '../../src/agent/messages'
import type { Policy } from '../../src/agent/policy'
import { answer } from '../../src/agent/requests'
import { listen } from '../../src/agent/server'
import { noBindings } from '../../src/agent/session-binding'
import type { AgentState } from '../../src/agent/state'
import { KEY_TYPES } from '../../src/ssh/public-key'
import { parseUserauthRequest } from '../../src/ssh/userauth'
import { Reader, string } from '../../src/ssh/wire'
import { damaged } from '../ssh/samples'
import {
  connectAgent,
  extensionMessage,
  identitiesIn,
  LIST,
  LOCK,
  message,
  nameOf,
  REMOVE,
  REMOVE_ALL,
  REMOVE_ALL_V1,
  signMessage,
  UNLOCK,
  type AgentClient,
} from '../support/agent-client'
import { makeDirectory } from '../support/scratch'
import {
  addRequest,
  bindContents,
  certificateOf,
  CONFIRM,
  hopTo,
  identityOf,
  keyOf,
  lifetime,
  policyHost,
  restrict,
  SESSION,
  SSHSIG,
  stateOf,
  step,
  userauth,
} from './fixtures'

const web = keyOf('web')
const me = identityOf('me')
const you = identityOf('you')
const key = keyOf('new')
const CONTROL = 'control@ssh-trust-action'
const BIND = 'session-bind@openssh.com'

const control = (request: object): Buffer =>
  extensionMessage(CONTROL, Buffer.concat(['token', JSON.stringify(request)].map(string)))

/** One good message at least of every type. */
const MESSAGES: readonly Buffer[] = [
  message(LIST),
  signMessage(me.blob, userauth({ key: me.blob })),
  signMessage(you.blob, userauth({ key: you.blob, hostKey: web.publicKey })),
  signMessage(me.blob, SSHSIG),
  ...KEY_TYPES.flatMap((type) => {
    const typed = keyOf('new', type)
    return [addRequest(typed), addRequest(typed, { certificate: certificateOf(typed) })]
  }),
  addRequest(key, {
    constraints: [
      lifetime(600),
      CONFIRM,
      restrict(step({}, hopTo(web)), step(hopTo(web), hopTo(key))),
    ],
  }),
  message(REMOVE, string(me.blob)),
  message(REMOVE_ALL),
  message(REMOVE_ALL_V1),
  message(LOCK, string('secret')),
  message(UNLOCK, string('secret')),
  extensionMessage('query'),
  extensionMessage(BIND, bindContents(web)),
  extensionMessage(BIND, bindContents(web, { forwarding: true })),
  control({ op: 'status' }),
  control({ op: 'bind', hostKey: web.publicKey.toString('base64'), sessionId: 'AAAA' }),
  control({ op: 'certify', certificate: certificateOf(me.privateKey).toString('base64') }),
  ...[20, 21, 26].map((type) => message(type, string('library'), string('1234'))),
]

/** The real one takes a twentieth of a second for each attempt. */
function quickLock(): Lock {
  let passphrase: Buffer | undefined
  return {
    isLocked: () => passphrase !== undefined,
    lock: (attempt) => {
      if (passphrase !== undefined || attempt.length === 0) return Promise.resolve(false)
      passphrase = Buffer.from(attempt)
      return Promise.resolve(true)
    },
    unlock: (attempt) => {
      if (passphrase?.equals(attempt) !== true) return Promise.resolve(false)
      passphrase = undefined
      return Promise.resolve(true)
    },
  }
}

const POLICIES: readonly Policy[] = [
  { mode: 'any', hosts: [] },
  { mode: 'pinned', hosts: [policyHost(web, { forward: true })], namespaces: ['git'] },
  { mode: 'warn', hosts: [policyHost(web)], otherData: true, maxSignatures: 3 },
]

function freshState(policy: Policy): AgentState {
  const confirm = (question: string): Promise<boolean> => Promise.resolve(question.length % 2 === 0)
  return stateOf({ identities: [me, you], policy, lock: quickLock(), confirm })
}

const anyPolicy = fc.constantFrom(...POLICIES)
const damagedMessage = fc.constantFrom(...MESSAGES).chain(damaged)
const randomMessage = fc
  .tuple(fc.nat(255), fc.uint8Array({ maxLength: 200 }))
  .map(([type, body]) => message(type, Buffer.from(body)))
const anyMessage = fc
  .oneof(fc.constantFrom(...MESSAGES), damagedMessage, randomMessage)
  .filter(({ length }) => length > 0)

/** FAILURE, SUCCESS, IDENTITIES_ANSWER, SIGN_RESPONSE, EXTENSION_FAILURE, EXTENSION_RESPONSE. */
const ANSWERS = [5, 6, 12, 14, 28, 29]

describe('answer', () => {
  test('every message of the samples has an effect, or says why not', async () => {
    const names = await Promise.all(
      MESSAGES.map(async (sent) =>
        nameOf(await answer(sent, noBindings(), freshState(POLICIES[0] as Policy))),
      ),
    )
    // UNLOCK of what is not locked, and three of smartcards.
    expect(names.filter((name) => name === 'FAILURE')).toHaveLength(4)
    expect(names.filter((name) => name === 'EXTENSION_FAILURE')).toEqual([])
  })

  test('never throws; what is refused changes no key', async () => {
    await fc.assert(
      fc.asyncProperty(anyPolicy, fc.array(anyMessage, { maxLength: 12 }), async (policy, sent) => {
        const state = freshState(policy)
        const bindings = noBindings()
        for (const one of sent) {
          const before = [...state.identities]
          const answered = await answer(one, bindings, state)
          expect(ANSWERS).toContain(answered[0])
          if (answered[0] === 6 || answered[0] === 29) continue
          expect(state.identities).toHaveLength(before.length)
          expect(state.identities.every((identity, index) => identity === before[index])).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('a damaged message signs nothing in pinned but the whole login at a pinned host', async () => {
    const login = signMessage(me.blob, userauth({ key: me.blob }))
    await fc.assert(
      fc.asyncProperty(damaged(login), async (sent) => {
        const state = freshState({ mode: 'pinned', hosts: [policyHost(web)] })
        const bindings = noBindings()
        await answer(extensionMessage(BIND, bindContents(web)), bindings, state)
        const answered = await answer(sent, bindings, state)
        if (answered[0] !== 14) return
        const reader = new Reader(sent.subarray(1))
        expect(reader.string()).toEqual(me.blob)
        expect(parseUserauthRequest(reader.string())).toMatchObject({
          sessionId: SESSION,
          key: me.blob,
          service: 'ssh-connection',
        })
      }),
      { numRuns: 500 },
    )
  })
})

describe('a connection', () => {
  let server: Server
  let path: string
  const state = freshState(POLICIES[0] as Policy)
  const clients: AgentClient[] = []

  beforeAll(async () => {
    path = join(makeDirectory(), 'agent.sock')
    server = await listen(path, state)
  })
  afterAll(() => {
    server.close()
  })
  afterEach(() => {
    for (const { close } of clients.splice(0)) close()
  })

  async function newClient(): Promise<AgentClient> {
    const client = await connectAgent(path)
    clients.push(client)
    return client
  }

  /** `stream` cut at `cuts`. */
  function pieces(stream: Buffer, cuts: readonly number[]): Buffer[] {
    const at = [...cuts.map((cut) => cut % stream.length).sort((a, b) => a - b), stream.length]
    return at.map((end, index) => stream.subarray(at[index - 1] ?? 0, end))
  }

  test('with twenty thousand requests leaves no more memory in use than before', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = async (): Promise<number> => {
      for (let n = 0; n < 3; n += 1) {
        collect()
        await nextTurn() // finalizers
      }
      const { external, heapUsed } = process.memoryUsage()
      return external + heapUsed
    }
    Object.assign(state, freshState(POLICIES[0] as Policy), { audit: NO_AUDIT })
    const client = await newClient()
    const requests = [
      message(LIST),
      signMessage(me.blob, userauth({ key: me.blob })),
      addRequest(key),
      message(REMOVE, string(key.publicKey)),
      extensionMessage('query'),
      control({ op: 'status' }),
      signMessage(me.blob, Buffer.alloc(10_000)),
      addRequest(key).subarray(0, 100),
      message(200, Buffer.alloc(1000)),
      message(LOCK, string('')),
    ]
    const send = async (rounds: number): Promise<void> => {
      for (let n = 0; n < rounds; n += 1) {
        const [first = Buffer.alloc(0)] = await Promise.all(requests.map(client.ask))
        expect(first[0]).toBe(12)
      }
    }
    await send(500)
    const before = await used()
    await send(2000)
    expect((await used()) - before).toBeLessThan(3 * 1024 * 1024)
    expect(state.identities).toEqual([me, you])
  })

  test('answers every message once, in its order, and as it does without a socket', async () => {
    const cuts = fc.array(fc.nat(), { maxLength: 8 })
    const messages = fc.array(anyMessage, { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(anyPolicy, messages, cuts, async (policy, sent, where) => {
        Object.assign(state, freshState(policy))
        const [twin, bindings] = [freshState(policy), noBindings()]
        const all = [...sent, message(LIST)]
        const expected: Buffer[] = []
        for (const one of all) expected.push(await answer(one, bindings, twin))

        const client = await newClient()
        const answers = all.map(() => client.answer())
        for (const piece of pieces(Buffer.concat(all.map(frame)), where)) await client.write(piece)
        // Signatures with ed25519 are the same each time.
        expect(await Promise.all(answers)).toEqual(expected)
        client.close()
      }),
      { numRuns: 300 },
    )
  })

  test('with random bytes ends, or waits for more; others are served', async () => {
    Object.assign(state, freshState(POLICIES[0] as Policy))
    const other = await newClient()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2000 }), async (bytes) => {
        const client = await newClient()
        await client.write(Buffer.from(bytes))
        expect(identitiesIn(await other.ask(message(LIST)))).toHaveLength(2)
        client.close()
      }),
      { numRuns: 200 },
    )
  })
})
