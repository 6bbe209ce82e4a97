/** Several uses of the action that share an agent: who may join, and what each part may do. */
import { describe, expect, test } from '@jest/globals'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentStatus, stopAgent } from '../../src/agent/control'
import { joinAgent } from '../../src/agent/join'
import { digestOf, jobPolicy, wordName } from '../../src/agent/parts'
import { answer } from '../../src/agent/requests'
import { listen } from '../../src/agent/server'
import { encodeKeys, encodePart } from '../../src/agent/settings'
import { noBindings } from '../../src/agent/session-binding'
import type { AgentState } from '../../src/agent/state'
import { writeNewFile } from '../../src/local/files'
import { Reader, string } from '../../src/ssh/wire'
import { extensionMessage, LIST, message, REMOVE_ALL, SIGN } from '../support/agent-client'
import { makeDirectory } from '../support/scratch'
import {
  addRequest,
  binding,
  bound,
  certificateOf,
  identityOf,
  keyOf,
  policyHost,
  reply,
  SESSION,
  stateOf,
  userauth,
} from './fixtures'

const web = keyOf('web')
const db = keyOf('db')
const me = identityOf('me')
const you = identityOf('you')
const pinned = { mode: 'pinned', hosts: [policyHost(web)] } as const
const forDb = {
  mode: 'pinned',
  hosts: [policyHost(db, { name: 'db', hostname: 'db.example' })],
} as const
const CONTROL = 'control@ssh-trust-action'

/** An agent of a job, which others may join. */
function jobState(
  changes: Partial<AgentState> = {},
): ReturnType<typeof stateOf> & { directory: string } {
  const directory = makeDirectory()
  const keys = new Set([me.blob.toString('base64')])
  return { ...stateOf({ identities: [me], policy: pinned, keys, ...changes }), directory }
}

function leaveWord(
  { directory }: { directory: string },
  { id = 'aB3dE6', token = 'second', part = encodePart({ policy: forDb }) } = {},
): string {
  const path = join(directory, wordName(id))
  writeFileSync(path, JSON.stringify({ digest: digestOf(token), part }))
  return path
}

function joinRequest({ id = 'aB3dE6', token = 'second', keys = [you.privateKey] } = {}): Buffer {
  const request = {
    op: 'join',
    id,
    keys: encodeKeys(keys.map((privateKey) => ({ privateKey }))),
    orphanedEnv: {},
  }
  return extensionMessage(CONTROL, Buffer.concat([string(token), string(JSON.stringify(request))]))
}

/** The answer to a request to join, which may take a thread. */
async function tryToJoin(request: Buffer, state: AgentState): Promise<Buffer> {
  return answer(request, noBindings(), state)
}

async function joined(changes: Partial<AgentState> = {}): Promise<ReturnType<typeof jobState>> {
  const state = jobState(changes)
  leaveWord(state)
  expect((await tryToJoin(joinRequest(), state))[0]).toBe(29)
  return state
}

const control = (token: string, op: string): Buffer =>
  extensionMessage(CONTROL, Buffer.concat([string(token), string(JSON.stringify({ op }))]))

const names = ({ identities }: AgentState): string[] => identities.map(({ comment }) => comment)

function signs(state: AgentState, identity: typeof me, host: typeof web): boolean {
  const data = userauth({ key: identity.blob })
  const request = message(
    SIGN,
    Buffer.concat([string(identity.blob), string(data), Buffer.alloc(4)]),
  )
  return reply(request, bound(binding(host)), state)[0] === 14
}

function listed(state: AgentState, host: typeof web): number {
  const reader = new Reader(reply(message(LIST), bound(binding(host)), state))
  reader.byte()
  return reader.uint32()
}

describe('joining', () => {
  test('brings the keys in, and the word is gone', async () => {
    const state = jobState()
    const word = leaveWord(state)
    const reader = new Reader(await tryToJoin(joinRequest(), state))
    expect([reader.byte(), reader.text()]).toEqual([29, CONTROL])
    expect(JSON.parse(reader.text())).toEqual({
      pid: process.pid,
      identities: [{ blob: you.blob.toString('base64'), comment: 'you', generated: false }],
    })
    expect(names(state)).toEqual(['me', 'you'])
    expect(existsSync(word)).toBe(false)
  })

  test('makes a key, if one is asked for', async () => {
    const state = jobState()
    const generate = { type: 'ssh-ed25519', bits: 256, comment: 'made' } as const
    leaveWord(state, { part: encodePart({ policy: forDb, generate }) })
    await tryToJoin(joinRequest({ keys: [] }), state)
    expect(names(state)).toEqual(['me', 'made'])
  })

  test.each<
    [string, (state: ReturnType<typeof jobState>) => void, Parameters<typeof joinRequest>[0]]
  >([
    ['there is no word', () => undefined, {}],
    ['the word is for another token', (state) => leaveWord(state, { token: 'third' }), {}],
    ['the word is another’s', (state) => leaveWord(state, { id: 'zZ9yY8' }), {}],
    ['the id leads elsewhere', (state) => leaveWord(state), { id: '../aaa' }],
    ['the word is torn', (state) => leaveWord(state, { part: '{"pol' }), {}],
    [
      'nobody may, for the agent is no job’s',
      (state) => {
        leaveWord(state)
        delete (state as Partial<AgentState>).directory
      },
      {},
    ],
    [
      'too many have joined',
      (state) => {
        leaveWord(state)
        for (let n = 0; n < 32; n += 1) {
          state.joined.push({ token: `t${n}`, policy: forDb, signatures: 0, keys: new Set() })
        }
      },
      {},
    ],
  ])('is refused where %s', async (_, prepare, request) => {
    const state = jobState()
    prepare(state)
    expect(await tryToJoin(joinRequest(request), state)).toEqual(Buffer.from([5]))
    expect(names(state)).toEqual(['me'])
  })

  test('over the socket: a word is left, and none stays', async () => {
    const state = jobState()
    const socket = join(state.directory, 'agent.sock')
    const server = await listen(socket, state)
    const address = { socket, token: 'second' }
    const settings = { id: 'aB3dE6', policy: forDb, keys: [], orphanedEnv: {} }
    try {
      const ready = await joinAgent(
        address,
        state.directory,
        { ...settings, keys: [{ privateKey: you.privateKey }] },
        writeNewFile,
      )
      expect(ready.identities).toMatchObject([{ comment: 'you' }])
      expect(await agentStatus(address)).toMatchObject({ pid: process.pid })
      const again = { ...settings, id: 'zZ9yY8' }
      const many = Array.from({ length: 2000 }, () => ({ privateKey: you.privateKey }))
      await expect(
        joinAgent(address, state.directory, { ...again, keys: many }, writeNewFile),
      ).rejects.toMatchObject({ code: 'agent-control' })
      await expect(joinAgent(address, makeDirectory(), again, writeNewFile)).rejects.toMatchObject({
        code: 'agent-control',
      })
      expect(existsSync(join(state.directory, wordName('zZ9yY8')))).toBe(false)
      expect(await stopAgent(address)).toBe(1)
      await expect(stopAgent({ socket, token: 'nobody' })).rejects.toMatchObject({
        code: 'agent-control',
      })
    } finally {
      server.close()
    }
  })
})

describe('a part', () => {
  test('signs with its own keys for its own hosts', async () => {
    const state = await joined()
    expect([signs(state, me, web), signs(state, me, db)]).toEqual([true, false])
    expect([signs(state, you, web), signs(state, you, db)]).toEqual([false, true])
    expect([listed(state, web), listed(state, db)]).toEqual([1, 1])
  })

  test('with a key that is there already, adds its hosts for it', async () => {
    const state = jobState()
    leaveWord(state)
    await tryToJoin(joinRequest({ keys: [me.privateKey] }), state)
    expect(names(state)).toEqual(['me'])
    expect([signs(state, me, web), signs(state, me, db)]).toEqual([true, true])
    reply(control('second', 'stop'), noBindings(), state)
    expect([signs(state, me, web), signs(state, me, db)]).toEqual([true, false])
  })

  test('can’t use another part’s key by its own policy: no certificate, no bind of its own', async () => {
    const state = jobState()
    leaveWord(state, { part: encodePart({ policy: { mode: 'any', hosts: [] } }) })
    await tryToJoin(joinRequest({ keys: [] }), state)
    const say = (request: object, bindings = noBindings()): Buffer =>
      reply(
        extensionMessage(
          CONTROL,
          Buffer.concat([string('second'), string(JSON.stringify(request))]),
        ),
        bindings,
        state,
      )
    const certificate = certificateOf(me.privateKey).toString('base64')
    expect(say({ op: 'certify', certificate })).toEqual(Buffer.from([28]))
    expect(names(state)).toEqual(['me'])
    const bindings = noBindings()
    say(
      {
        op: 'bind',
        hostKey: web.publicKey.toString('base64'),
        sessionId: SESSION.toString('base64'),
      },
      bindings,
    )
    const sign = Buffer.concat([
      string(me.blob),
      string(userauth({ key: me.blob })),
      Buffer.alloc(4),
    ])
    expect(reply(message(SIGN, sign), bindings, state)).toEqual(Buffer.from([5]))
    expect(signs(state, me, web)).toBe(true)
  })

  test('whose time is over lends its hosts to no key that another has brought too', async () => {
    const state = jobState()
    leaveWord(state)
    await tryToJoin(joinRequest({ keys: [me.privateKey] }), state)
    state.over = true
    expect([signs(state, me, web), signs(state, me, db)]).toEqual([false, true])
  })

  test('keeps a host, to which only another lets the agent be forwarded, from dropping keys', async () => {
    const state = jobState()
    const hosts = [policyHost(db, { name: 'db', hostname: 'db.example', forward: true })]
    leaveWord(state, { part: encodePart({ policy: { mode: 'pinned', hosts } }) })
    await tryToJoin(joinRequest(), state)
    const hop = bound(binding(db, { forwarding: true }))
    expect(reply(message(REMOVE_ALL), hop, state)).toEqual(Buffer.from([5]))
    expect(names(state)).toEqual(['me', 'you'])
  })

  test('counts its own signatures', async () => {
    const state = jobState()
    leaveWord(state, { part: encodePart({ policy: { ...forDb, maxSignatures: 1 } }) })
    await tryToJoin(joinRequest(), state)
    expect([signs(state, you, db), signs(state, you, db)]).toEqual([true, false])
    expect(signs(state, me, web)).toBe(true)
  })

  test('keys that are added later are for all hosts of the job, under its strictest policy', async () => {
    const state = await joined({ policy: { ...pinned, mode: 'any' } })
    expect(jobPolicy(state)).toMatchObject({
      mode: 'pinned',
      hosts: [{ name: 'web' }, { name: 'db' }],
    })
    const late = identityOf('late')
    reply(addRequest(late.privateKey), noBindings(), state)
    expect([web, db, keyOf('elsewhere')].map((host) => signs(state, late, host))).toEqual([
      true,
      true,
      false,
    ])
  })
})

describe('leaving', () => {
  const answersToStop = async (state: AgentState, tokens: string[]): Promise<unknown[]> => {
    let stopped = false
    state.stop = () => {
      stopped = true
    }
    const answers: unknown[] = []
    for (const token of tokens) {
      const reader = new Reader(reply(control(token, 'stop'), noBindings(), state))
      const remaining = reader.byte() === 29 ? (reader.text(), reader.text()) : 'none'
      await new Promise((resolve) => setImmediate(resolve))
      answers.push([remaining, stopped, names(state)])
    }
    return answers
  }

  test('latest first: its keys go, the agent ends with the last', async () => {
    expect(await answersToStop(await joined(), ['second', 'token'])).toEqual([
      ['1', false, ['me']],
      ['none', true, ['me']],
    ])
  })

  test('the agent’s own part first', async () => {
    expect(await answersToStop(await joined(), ['token', 'second'])).toEqual([
      ['1', false, ['you']],
      ['none', true, ['you']],
    ])
  })

  test('a second time changes nothing', async () => {
    expect(await answersToStop(await joined(), ['second', 'second', 'token'])).toEqual([
      ['1', false, ['me']],
      ['1', false, ['me']],
      ['none', true, ['me']],
    ])
  })
})
