/**
 * The agent as its clients meet it: answer() for every kind of message, and listen() on a real
 * socket, with plain bytes and with the real ssh-add.
 */
import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { statSync, writeFileSync } from 'node:fs'
import { connect, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import {
  CONTROL,
  EXTENSION_FAILURE,
  extensionRequest,
  extensionResponse,
  FAILURE,
  frame,
  FrameReader,
  identitiesAnswer,
  QUERY,
  SESSION_BIND,
  SUCCESS,
} from '../../src/agent/messages'
import { answer, listen, type AgentState } from '../../src/agent/server'
import { noBindings, type Bindings } from '../../src/agent/session-binding'
import { fingerprint, formatPublicKey, KEY_TYPES } from '../../src/ssh/public-key'
import { signatureAlgorithm, verifySignature } from '../../src/ssh/signature'
import { byte, Reader, string, uint32 } from '../../src/ssh/wire'
import { program, testWith } from '../support/programs'
import { run } from '../support/run'
import { makeDirectory } from '../support/scratch'
import {
  bindContents,
  binding,
  bound,
  identityOf,
  keyOf,
  policyHost,
  SESSION,
  signRequest,
  stateOf,
  userauth,
} from './fixtures'

const LIST = byte(11)
const web = keyOf('web')
const me = identityOf('me')
const you = identityOf('you')
const pinned = { mode: 'pinned', hosts: [policyHost(web)] } as const

function controlRequest(request: unknown, token = 'token'): Buffer {
  const text = typeof request === 'string' ? request : JSON.stringify(request)
  return extensionRequest(CONTROL, Buffer.concat([string(token), string(text)]))
}

/** The signature in a SIGN_RESPONSE. */
function signatureIn(reply: Buffer): Buffer {
  const reader = new Reader(reply)
  expect(reader.byte()).toBe(14)
  const signature = reader.string()
  reader.end('the response')
  return signature
}

describe('answer: list', () => {
  test('all identities, in their order, with no word in the audit', () => {
    const state = stateOf({ identities: [me, you], policy: pinned })
    expect(answer(LIST, noBindings(), state)).toEqual(identitiesAnswer([me, you]))
    expect(answer(LIST, bound(binding(web)), state)).toEqual(identitiesAnswer([me, you]))
    expect(state.audit.entries).toEqual([])
  })

  test.each([
    [
      'at a stranger',
      bound(binding(you.blob)),
      { reason: 'host-not-pinned', hostKey: you.fingerprint },
    ],
    ['after a failed bind', { list: [], failed: true }, { reason: 'bind-failed' }],
    ['at a host for other keys', bound(binding(web)), { reason: 'key-not-for-host', host: 'web' }],
  ])('none %s, which is told', (_, bindings: Bindings, told) => {
    const policy = { mode: 'pinned', hosts: [policyHost(web, { keys: ['other'] })] } as const
    const state = stateOf({ identities: [me], policy })
    expect(answer(LIST, bindings, state)).toEqual(identitiesAnswer([]))
    expect(state.audit.entries).toEqual([{ request: 'list', verdict: 'refused', ...told }])
  })
})

describe('answer: sign', () => {
  const ALGORITHMS = ['FAILURE', 'rsa-sha2-256', 'rsa-sha2-512'] as const

  test.each(KEY_TYPES.flatMap((type) => [0, 2, 4].map((flags, index) => ({ type, flags, index }))))(
    '$type, flags $flags',
    ({ type, flags, index }) => {
      const identity = identityOf('signer', type)
      const state = stateOf({ identities: [me, identity], policy: pinned })
      const data = userauth({ key: identity.blob, hostKey: web.publicKey })
      const reply = answer(signRequest(identity.blob, data, flags), bound(binding(web)), state)
      const algorithm = type === 'ssh-rsa' ? ALGORITHMS[index] : type
      const told = {
        request: 'sign',
        key: identity.fingerprint,
        user: 'deploy',
        host: 'web',
        forwarded: false,
      }
      if (algorithm === 'FAILURE') {
        expect(reply).toEqual(FAILURE)
        expect(state.audit.entries).toEqual([{ ...told, verdict: 'refused', reason: 'sha1' }])
        return
      }
      const signature = signatureIn(reply)
      expect(signatureAlgorithm(signature)).toBe(algorithm)
      expect(verifySignature(identity.blob, signature, data)).toBe(true)
      expect(state.audit.entries).toEqual([{ ...told, verdict: 'signed', reason: 'host-pinned' }])
    },
  )

  test('a refusal is FAILURE, and told with the key of the host', () => {
    const state = stateOf({ identities: [me], policy: pinned })
    const data = userauth({ key: me.blob })
    expect(answer(signRequest(me.blob, data), bound(binding(you.blob)), state)).toEqual(FAILURE)
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
  })

  test('a key that is not there is told', () => {
    const state = stateOf({ identities: [me] })
    expect(answer(signRequest(you.blob, Buffer.from('x')), noBindings(), state)).toEqual(FAILURE)
    const key = fingerprint(you.blob)
    expect(state.audit.entries).toEqual([
      { request: 'sign', verdict: 'refused', reason: 'key-unknown', key },
    ])
  })

  test('a request cut short at any length, or with a byte behind it, is FAILURE', () => {
    const whole = signRequest(me.blob, userauth({ key: me.blob }))
    const state = stateOf({ identities: [me] })
    for (let length = 0; length < whole.length; length += 1) {
      expect(answer(whole.subarray(0, length), noBindings(), state)).toEqual(FAILURE)
    }
    expect(answer(Buffer.concat([whole, byte(0)]), noBindings(), state)).toEqual(FAILURE)
    expect(state.audit.entries).toEqual([])
    expect(answer(whole, noBindings(), state)[0]).toBe(14)
  })
})

describe('answer: extensions', () => {
  const ask = (name: string, contents: Buffer, bindings = noBindings()): Buffer =>
    answer(extensionRequest(name, contents), bindings, stateOf())

  test('query names session-bind', () => {
    const reply = ask(QUERY, Buffer.alloc(0))
    expect(reply).toEqual(extensionResponse('query', string('session-bind@openssh.com')))
  })

  test('an unknown one is FAILURE', () => {
    expect(ask('restrict-everything@example.com', Buffer.from('x'))).toEqual(FAILURE)
    expect(answer(byte(27), noBindings(), stateOf())).toEqual(FAILURE)
  })

  test('session-bind binds', () => {
    const bindings = noBindings()
    expect(ask(SESSION_BIND, bindContents(web), bindings)).toEqual(SUCCESS)
    expect(bindings).toEqual(bound(binding(web)))
  })

  test('a session-bind that fails is told, and spoils the connection', () => {
    const bindings = noBindings()
    const state = stateOf({ identities: [me], policy: pinned })
    const contents = bindContents(web, { signed: Buffer.from('other') })
    expect(answer(extensionRequest(SESSION_BIND, contents), bindings, state)).toEqual(
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
    const sign = signRequest(me.blob, userauth({ key: me.blob }))
    expect(answer(sign, bindings, state)).toEqual(FAILURE)
    expect(answer(LIST, bindings, state)).toEqual(identitiesAnswer([]))
  })
})

describe('answer: control', () => {
  const bind = {
    op: 'bind',
    hostKey: web.publicKey.toString('base64'),
    sessionId: SESSION.toString('base64'),
  }

  test('status', () => {
    const state = stateOf({ identities: [me], policy: pinned })
    const reader = new Reader(answer(controlRequest({ op: 'status' }), noBindings(), state))
    expect([reader.byte(), reader.text()]).toEqual([29, CONTROL])
    expect(JSON.parse(reader.text())).toEqual({
      pid: process.pid,
      mode: 'pinned',
      identities: [{ fingerprint: me.fingerprint, comment: 'me' }],
      audit: { written: 0, omitted: 0 },
    })
    expect(reader.remaining).toBe(0)
  })

  test('stop: SUCCESS first, then the end', async () => {
    const order: string[] = []
    await new Promise<void>((resolve) => {
      const stop = (): void => {
        order.push('stop')
        resolve()
      }
      const reply = answer(controlRequest({ op: 'stop' }), noBindings(), stateOf({ stop }))
      expect(reply).toEqual(SUCCESS)
      order.push('reply')
    })
    expect(order).toEqual(['reply', 'stop'])
  })

  test('bind: as a session-bind, with the token for a signature', () => {
    const bindings = noBindings()
    const state = stateOf({ identities: [me], policy: pinned })
    expect(answer(controlRequest(bind), bindings, state)).toEqual(SUCCESS)
    expect(bindings).toEqual(bound(binding(web)))
    expect(answer(controlRequest(bind), bindings, state)).toEqual(EXTENSION_FAILURE)
  })

  test.each(['', 'Token', 'token ', 'x'.repeat(64)])('the wrong token %j gets nothing', (token) => {
    for (const request of [{ op: 'status' }, { op: 'stop' }, bind]) {
      const bindings = noBindings()
      const state = stateOf({
        stop: () => {
          throw new Error('stopped')
        },
      })
      expect(answer(controlRequest(request, token), bindings, state)).toEqual(EXTENSION_FAILURE)
      expect(bindings).toEqual(noBindings())
    }
  })

  test.each([
    ['no JSON', 'garbage'],
    ['torn JSON', '{"op":"status"'],
    ['null', 'null'],
    ['a bind without keys', '{"op":"bind"}'],
  ])('%s is FAILURE', (_, text) => {
    const bindings = noBindings()
    expect(answer(controlRequest(text), bindings, stateOf())).toEqual(FAILURE)
    expect(bindings).toEqual(noBindings())
  })

  test.each([Buffer.alloc(0), string('token'), Buffer.concat([string('token'), uint32(9)])])(
    'cut short it is FAILURE (%#)',
    (contents) => {
      const reply = answer(extensionRequest(CONTROL, contents), noBindings(), stateOf())
      expect(reply).toEqual(FAILURE)
    },
  )

  test.each(['{"op":"grow"}', '{}', '7'])('the unknown request %s is refused', (text) => {
    const reply: unknown = answer(controlRequest(text), noBindings(), stateOf())
    expect(Buffer.isBuffer(reply)).toBe(true)
  })
})

test('every other message type is FAILURE, with any body', () => {
  const state = stateOf({ identities: [me] })
  for (let type = 0; type <= 255; type += 1) {
    if ([11, 13, 27].includes(type)) continue
    for (const body of [Buffer.alloc(0), string('x'), Buffer.alloc(300, 0xff)]) {
      expect(answer(Buffer.concat([byte(type), body]), noBindings(), state)).toEqual(FAILURE)
    }
  }
  expect(state.identities).toEqual([me])
})

test('arbitrary messages get an answer', () => {
  const state = stateOf({ identities: [me], policy: pinned })
  const types = fc.constantFrom(11, 13, 27)
  fc.assert(
    fc.property(types, fc.uint8Array({ maxLength: 200 }), (type, body) => {
      const reply = answer(Buffer.concat([byte(type), body]), noBindings(), state)
      expect(reply.length).toBeGreaterThan(0)
      expect(reply[0]).not.toBe(14)
    }),
  )
})

describe('listen', () => {
  const undo: (() => unknown)[] = []
  afterEach(() => {
    for (const step of undo.splice(0).reverse()) step()
  })

  async function serve(state: AgentState): Promise<{ path: string; server: Server }> {
    const path = join(makeDirectory(), 'agent.sock')
    const server = await listen(path, state)
    undo.push(() => server.close())
    return { path, server }
  }

  interface Client {
    socket: Socket
    /** The next `count` answers. */
    answers: (count: number) => Promise<Buffer[]>
    closed: Promise<void>
  }

  function client(path: string): Client {
    const socket = connect(path)
    undo.push(() => socket.destroy())
    const reader = new FrameReader()
    let wake = (): void => undefined
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      reader.push(chunk)
      wake()
    })
    return {
      socket,
      closed: new Promise((resolve) => {
        socket.once('close', () => {
          resolve()
        })
      }),
      answers: async (count) => {
        const answers: Buffer[] = []
        while (answers.length < count) {
          const next = reader.next()
          if (next !== undefined) answers.push(Buffer.from(next))
          else {
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          }
        }
        return answers
      },
    }
  }

  test.each([0o000, 0o022, 0o777])(
    'its socket is the owner’s alone, with umask %o',
    async (mask) => {
      const directory = makeDirectory()
      const umask = process.umask(mask)
      try {
        const path = join(directory, 'agent.sock')
        const server = await listen(path, stateOf())
        undo.push(() => server.close())
        expect(process.umask(mask)).toBe(mask)
        expect(statSync(path).mode & 0o777).toBe(0o600)
        expect(statSync(path).isSocket()).toBe(true)
      } finally {
        process.umask(umask)
      }
    },
  )

  test('where something else stands it fails, and leaves it', async () => {
    const path = join(makeDirectory(), 'agent.sock')
    writeFileSync(path, 'mine')
    const umask = process.umask(0o027)
    await expect(listen(path, stateOf())).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(process.umask(umask)).toBe(0o027)
    expect(statSync(path).isFile()).toBe(true)
  })

  test('several messages in one write are answered in their order', async () => {
    const { path } = await serve(stateOf({ identities: [me] }))
    const { socket, answers } = client(path)
    const sign = signRequest(me.blob, Buffer.from('x'))
    socket.write(
      Buffer.concat([LIST, byte(200), sign, extensionRequest('no', LIST), LIST].map(frame)),
    )
    const [first, second, third, fourth, fifth] = await answers(5)
    expect([first, second, fourth, fifth]).toEqual([
      identitiesAnswer([me]),
      FAILURE,
      FAILURE,
      identitiesAnswer([me]),
    ])
    expect(verifySignature(me.blob, signatureIn(third ?? FAILURE), Buffer.from('x'))).toBe(true)
  })

  test('a message that comes byte by byte is answered', async () => {
    const { path } = await serve(stateOf({ identities: [me] }))
    const { socket, answers } = client(path)
    socket.setNoDelay(true)
    for (const octet of frame(LIST)) {
      await new Promise((resolve) => socket.write(Buffer.of(octet), resolve))
    }
    expect(await answers(1)).toEqual([identitiesAnswer([me])])
  })

  test.each([0, 256 * 1024 + 1, 0xffff_ffff])(
    'a frame of %i bytes ends its connection, and no other',
    async (size) => {
      const { path } = await serve(stateOf({ identities: [me] }))
      const [good, bad] = [client(path), client(path)]
      good.socket.write(frame(LIST))
      await good.answers(1)
      bad.socket.write(Buffer.concat([uint32(size), frame(LIST)]))
      await bad.closed
      good.socket.write(frame(LIST))
      expect(await good.answers(1)).toEqual([identitiesAnswer([me])])
      const late = client(path)
      late.socket.write(frame(LIST))
      expect(await late.answers(1)).toEqual([identitiesAnswer([me])])
    },
  )

  test('a client that goes in the middle of a message harms nobody', async () => {
    const { path, server } = await serve(stateOf({ identities: [me] }))
    const rude = client(path)
    const gone = new Promise((resolve) => {
      server.once('connection', (socket) => socket.once('close', resolve))
    })
    rude.socket.end(frame(LIST).subarray(0, 3))
    await gone
    const next = client(path)
    next.socket.write(frame(LIST))
    expect(await next.answers(1)).toEqual([identitiesAnswer([me])])
  })

  test('what one connection is bound to is not what another is', async () => {
    const { path } = await serve(stateOf({ identities: [me], policy: pinned }))
    const [first, second] = [client(path), client(path)]
    const bind = extensionRequest(SESSION_BIND, bindContents(web))
    const sign = signRequest(me.blob, userauth({ key: me.blob, hostKey: web.publicKey }))
    first.socket.write(Buffer.concat([bind, sign].map(frame)))
    second.socket.write(frame(sign))
    expect((await first.answers(2)).map((reply) => reply[0])).toEqual([6, 14])
    expect(await second.answers(1)).toEqual([FAILURE])
  })

  /** Sends `count` list requests at once and reads none of the answers; the agent's own socket. */
  async function flood(count: number): Promise<{ agentSide: Socket; flooder: Client }> {
    const { path, server } = await serve(
      stateOf({ identities: Array.from({ length: 64 }, () => me) }),
    )
    const connection = new Promise<Socket>((resolve) => server.once('connection', resolve))
    const flooder = client(path)
    flooder.socket.pause()
    const agentSide = await connection
    const first = new Promise((resolve) => agentSide.once('data', resolve))
    flooder.socket.write(Buffer.concat(Array.from({ length: count }, () => frame(LIST))))
    await first
    return { agentSide, flooder }
  }

  test('a client that reads late gets all its answers', async () => {
    const { flooder } = await flood(500)
    flooder.socket.resume()
    const answers = await flooder.answers(500)
    expect(new Set(answers.map((reply) => reply.toString('hex'))).size).toBe(1)
  })

  test('a client that does not read makes the agent store no heap of answers', async () => {
    const { agentSide } = await flood(10_000)
    expect(agentSide.listenerCount('drain')).toBeLessThan(3)
    expect(agentSide.writableLength).toBeLessThan(1024 * 1024)
  })

  testWith(['ssh-add'], 'ssh-add lists the keys', async () => {
    const identities = KEY_TYPES.map((type) => identityOf('a key', type))
    const { path } = await serve(stateOf({ identities, policy: pinned }))
    const env = { ...process.env, SSH_AUTH_SOCK: path }
    const [long, short] = await Promise.all(
      ['-L', '-l'].map((flag) => run(program('ssh-add'), [flag], { env })),
    )
    expect(long).toMatchObject({ code: 0, stderr: '' })
    expect(long?.stdout).toBe(
      identities.map(({ blob }) => `${formatPublicKey(blob, 'a key')}\n`).join(''),
    )
    expect(short).toMatchObject({ code: 0, stderr: '' })
    expect(short?.stdout.match(/SHA256:\S+/g)).toEqual(identities.map((one) => one.fingerprint))
  })

  testWith(
    ['ssh-add', 'ssh-keygen'],
    'ssh-add can neither add, remove, lock nor test',
    async () => {
      const state = stateOf({ identities: [me], policy: pinned })
      const { path } = await serve(state)
      const directory = makeDirectory()
      const file = join(directory, 'me.pub')
      writeFileSync(file, `${formatPublicKey(me.blob)}\n`)
      const env = { ...process.env, SSH_AUTH_SOCK: path }
      for (const args of [['-D'], ['-d', file], ['-T', file]]) {
        expect(await run(program('ssh-add'), args, { env })).toMatchObject({ code: 1 })
      }
      expect(state.identities).toEqual([me])
      expect(state.audit.entries.map(({ reason }) => reason)).toEqual(['not-userauth'])
      expect(await run(program('ssh-add'), ['-l'], { env })).toMatchObject({ code: 0 })
    },
  )
})
