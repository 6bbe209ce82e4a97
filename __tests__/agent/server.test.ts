/**
 * The agent's socket: who may open it, how messages come in and answers go out, and that no
 * connection can stop the others, be it slow, silent, huge, or one of thousands.
 */
import { afterEach, describe, expect, test } from '@jest/globals'
import { statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLock } from '../../src/agent/lock'
import { FAILURE, frame, FrameReader, identitiesAnswer, SUCCESS } from '../../src/agent/messages'
import { connectionServer, listen, type Limits } from '../../src/agent/server'
import type { AgentState } from '../../src/agent/state'
import { formatPublicKey, KEY_TYPES } from '../../src/ssh/public-key'
import { verifySignature } from '../../src/ssh/signature'
import { string, uint32 } from '../../src/ssh/wire'
import {
  connectAgent,
  extensionMessage,
  LIST,
  LOCK,
  message,
  nameOf,
  signatureIn,
  signMessage,
  UNLOCK,
  type AgentClient,
} from '../support/agent-client'
import { program, testWith } from '../support/programs'
import { run } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { bindContents, identityOf, keyOf, policyHost, stateOf, userauth } from './fixtures'

const list = message(LIST)
const unknown = message(200)
const web = keyOf('web')
const me = identityOf('me')
const pinned = { mode: 'pinned', hosts: [policyHost(web)] } as const
const LISTED = identitiesAnswer([me])

/** Generous; a test makes the one smaller that it is about. */
const LIMITS: Limits = { connections: 100, pending: 1e9, fairShare: 1000, stalled: 20_000 }

const undo: (() => unknown)[] = []
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step()
})

interface Served {
  path: string
  server: Server
  /** The agent's own ends of its connections, in their order. */
  sockets: Socket[]
  connectTo: () => Promise<AgentClient>
}

async function serve(
  state: AgentState = stateOf({ identities: [me] }),
  limits: Partial<Limits> = {},
): Promise<Served> {
  const path = join(makeDirectory(), 'agent.sock')
  const server = await listen(path, state, { ...LIMITS, ...limits })
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => sockets.push(socket))
  undo.push(() => server.close())
  undo.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  const connectTo = async (): Promise<AgentClient> => {
    const client = await connectAgent(path)
    undo.push(client.close)
    return client
  }
  return { path, server, sockets, connectTo }
}

/** A client that reads nothing unless told. */
async function deafClient({ path }: Served): Promise<Socket> {
  const socket = connect(path).on('error', () => undefined)
  undo.push(() => socket.destroy())
  socket.pause()
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** Waits until `condition` holds; the test's own time limit is the deadline. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5, undefined, { ref: false })
}

/** A `confirm` that is answered by hand. */
function questions(): {
  confirm: () => Promise<boolean>
  asked: () => number
  answerAll: (yes: boolean) => void
} {
  const open: ((yes: boolean) => void)[] = []
  let asked = 0
  return {
    confirm: () =>
      new Promise((resolve) => {
        asked += 1
        open.push(resolve)
      }),
    asked: () => asked,
    answerAll: (yes) => {
      for (const resolve of open.splice(0)) resolve(yes)
    },
  }
}

const careful = { ...me, confirm: true }
const sign = signMessage(me.blob, 'x')

describe('its socket', () => {
  test.each([0o000, 0o022, 0o777])('is the owner’s alone, with umask %o', async (mask) => {
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
  })

  test('is not made where something else stands, which is left', async () => {
    const path = join(makeDirectory(), 'agent.sock')
    writeFileSync(path, 'mine')
    const umask = process.umask(0o027)
    await expect(listen(path, stateOf())).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(process.umask(umask)).toBe(0o027)
    expect(statSync(path).isFile()).toBe(true)
  })
})

describe('messages', () => {
  test('in one write are answered in their order', async () => {
    const { connectTo } = await serve()
    const { write, answer } = await connectTo()
    await write(Buffer.concat([list, unknown, sign, extensionMessage('no'), list].map(frame)))
    const answers = await Promise.all([answer(), answer(), answer(), answer(), answer()])
    const [first, second, third, fourth, fifth] = answers
    expect([first, second, fourth, fifth]).toEqual([LISTED, FAILURE, FAILURE, LISTED])
    expect(verifySignature(me.blob, signatureIn(third), Buffer.from('x'))).toBe(true)
  })

  test('that come byte by byte are answered', async () => {
    const { connectTo } = await serve()
    const { write, answer } = await connectTo()
    for (const octet of frame(list)) await write(Buffer.of(octet))
    expect(await answer()).toEqual(LISTED)
  })

  test('of the greatest length are answered', async () => {
    const { connectTo } = await serve()
    const { ask } = await connectTo()
    expect(await ask(Buffer.alloc(256 * 1024, 200))).toEqual(FAILURE)
  })

  test.each([0, 256 * 1024 + 1, 0xffff_ffff])(
    'of %i bytes end their connection, and no other',
    async (size) => {
      const { connectTo } = await serve()
      const [good, bad] = [await connectTo(), await connectTo()]
      expect(await good.ask(list)).toEqual(LISTED)
      await bad.write(Buffer.concat([uint32(size), frame(list)]))
      await bad.closed
      expect(await good.ask(list)).toEqual(LISTED)
      expect(await (await connectTo()).ask(list)).toEqual(LISTED)
    },
  )

  test('before one that can not be are answered', async () => {
    const { connectTo } = await serve()
    const client = await connectTo()
    const answered = client.answer()
    await client.write(Buffer.concat([frame(list), uint32(0)]))
    expect(await answered).toEqual(LISTED)
    await client.closed
  })

  test('bind their own connection only', async () => {
    const { connectTo } = await serve(stateOf({ identities: [me], policy: pinned }))
    const [first, second] = [await connectTo(), await connectTo()]
    const login = signMessage(me.blob, userauth({ key: me.blob, hostKey: web.publicKey }))
    const bind = extensionMessage('session-bind@openssh.com', bindContents(web))
    expect(await first.ask(bind)).toEqual(SUCCESS)
    expect(nameOf(await first.ask(login))).toBe('SIGNED ssh-ed25519')
    expect(await second.ask(login)).toEqual(FAILURE)
  })

  test('are answered on whatever serves connections', async () => {
    const serveConnection = connectionServer(stateOf({ identities: [me] }))
    const server = createServer({ allowHalfOpen: true }, serveConnection)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    undo.push(() => server.close())
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    undo.push(() => socket.destroy())
    socket.end(frame(list))
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks)).toEqual(frame(LISTED))
  })
})

describe('a client that goes', () => {
  test('in the middle of a message harms nobody', async () => {
    const served = await serve()
    const rude = await served.connectTo()
    await rude.write(frame(list).subarray(0, 3))
    await until(() => served.sockets[0]?.bytesRead === 3)
    rude.close()
    await until(() => served.sockets[0]?.destroyed === true)
    expect(await (await served.connectTo()).ask(list)).toEqual(LISTED)
  })

  test('while somebody is asked about its request harms nobody', async () => {
    const { confirm, asked, answerAll } = questions()
    const state = stateOf({ identities: [careful], confirm })
    const { connectTo, sockets } = await serve(state)
    const rude = await connectTo()
    await rude.write(frame(sign))
    await until(() => asked() === 1)
    rude.close()
    answerAll(true)
    await until(() => sockets[0]?.destroyed === true)
    expect(await (await connectTo()).ask(unknown)).toEqual(FAILURE)
  })

  test.each([
    ['one request', [list], [LISTED]],
    ['several', [unknown, list, unknown, list], [FAILURE, LISTED, FAILURE, LISTED]],
    [
      'more than are answered in a row',
      Array<Buffer>(50).fill(list),
      Array<Buffer>(50).fill(LISTED),
    ],
  ])('half, after %s, gets its answers, and then the end', async (_, requests, expected) => {
    const socket = await deafClient(await serve())
    socket.end(Buffer.concat(requests.map(frame)))
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks)).toEqual(Buffer.concat(expected.map(frame)))
  })

  test('half, while somebody is asked about its request, gets its answer', async () => {
    const { confirm, asked, answerAll } = questions()
    const socket = await deafClient(await serve(stateOf({ identities: [careful], confirm })))
    socket.end(Buffer.concat([sign, list].map(frame)))
    await until(() => asked() === 1)
    answerAll(false)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks)).toEqual(
      Buffer.concat([FAILURE, identitiesAnswer([careful])].map(frame)),
    )
  })

  test('half, after half a message, gets the end', async () => {
    const socket = await deafClient(await serve())
    socket.end(Buffer.concat([frame(list), frame(list).subarray(0, 4)]))
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks)).toEqual(frame(LISTED))
  })
})

describe('a client whose request waits', () => {
  test('holds up no other', async () => {
    const { confirm, asked, answerAll } = questions()
    const { connectTo } = await serve(stateOf({ identities: [careful], confirm }))
    const [slow, other] = [await connectTo(), await connectTo()]
    const signed = slow.ask(sign)
    await until(() => asked() === 1)
    for (let n = 0; n < 20; n += 1) {
      expect(nameOf(await other.ask(list))).toBe('IDENTITIES 1')
    }
    answerAll(true)
    expect(nameOf(await signed)).toBe('SIGNED ssh-ed25519')
  })

  test('for the lock holds up no other', async () => {
    let free = (): void => undefined
    const lock = openLock(
      () =>
        new Promise<void>((resolve) => {
          free = resolve
        }),
    )
    const { connectTo } = await serve(stateOf({ identities: [me], lock }))
    const [slow, other] = [await connectTo(), await connectTo()]
    expect(await slow.ask(message(LOCK, string('secret')))).toEqual(SUCCESS)
    const refused = slow.ask(message(UNLOCK, string('wrong')))
    expect(nameOf(await other.ask(list))).toBe('IDENTITIES 0')
    await until(() => free.length === 1)
    expect(nameOf(await other.ask(list))).toBe('IDENTITIES 0')
    free()
    expect(await refused).toEqual(FAILURE)
    expect(await other.ask(message(UNLOCK, string('secret')))).toEqual(SUCCESS)
  })

  test('has what it asks meanwhile answered after it, in its order, however it arrives', async () => {
    const { confirm, asked, answerAll } = questions()
    const { connectTo, sockets } = await serve(stateOf({ identities: [careful], confirm }))
    const client = await connectTo()
    const answers = [client.ask(sign)]
    await until(() => asked() === 1)
    for (const request of [list, unknown, list, unknown]) {
      const before = sockets[0]?.bytesRead ?? 0
      answers.push(client.ask(request))
      // Each in a piece of its own.
      await until(() => (sockets[0]?.bytesRead ?? 0) > before)
    }
    answerAll(true)
    expect((await Promise.all(answers)).map(nameOf)).toEqual([
      'SIGNED ssh-ed25519',
      'IDENTITIES 1',
      'FAILURE',
      'IDENTITIES 1',
      'FAILURE',
    ])
  })
})

describe('too many connections', () => {
  test('end the one that was idle longest', async () => {
    const { connectTo } = await serve(undefined, { connections: 3 })
    const [first, second, third] = [await connectTo(), await connectTo(), await connectTo()]
    for (const client of [first, second, third, first]) await client.ask(list)
    const fourth = await connectTo()
    await second.closed
    for (const client of [first, third, fourth]) expect(await client.ask(list)).toEqual(LISTED)
  })

  test('do not end one that is at work', async () => {
    const { connectTo, sockets } = await serve(undefined, { connections: 3 })
    const active = await connectTo()
    for (let n = 0; n < 30; n += 1) {
      expect(await active.ask(list)).toEqual(LISTED)
      await connectTo()
    }
    await until(() => sockets.length === 31)
    expect(await active.ask(list)).toEqual(LISTED)
    expect(sockets.filter(({ destroyed }) => !destroyed)).toHaveLength(3)
  })

  test('make room again when they go', async () => {
    const { connectTo, sockets } = await serve(undefined, { connections: 2 })
    const first = await connectTo()
    await first.ask(list)
    for (let n = 1; n <= 5; n += 1) {
      const next = await connectTo()
      await next.ask(list)
      next.close()
      await until(() => sockets[n]?.closed === true)
    }
    expect(await first.ask(list)).toEqual(LISTED)
  })
})

describe('a client that stalls', () => {
  test('in the middle of a message is cut off; one that is silent between messages is not', async () => {
    const { connectTo } = await serve(undefined, { stalled: 50 })
    const [quiet, stalling] = [await connectTo(), await connectTo()]
    expect(await quiet.ask(list)).toEqual(LISTED)
    await stalling.write(Buffer.concat([frame(list), frame(list).subarray(0, 2)]))
    expect(await stalling.answer()).toEqual(LISTED)
    await stalling.closed
    expect(await quiet.ask(list)).toEqual(LISTED)
  })

  test('with a byte now and then is cut off, too', async () => {
    const { connectTo, sockets } = await serve(undefined, { stalled: 100 })
    const client = await connectTo()
    await client.write(uint32(100_000))
    await until(() => {
      void client.write(Buffer.of(0))
      return sockets[0]?.destroyed === true
    })
    await client.closed
    expect(await (await connectTo()).ask(list)).toEqual(LISTED)
  })

  test('never, but always has half a message underway, is served', async () => {
    const { connectTo } = await serve(undefined, { stalled: 1000 })
    const client = await connectTo()
    const [head, tail] = [frame(list).subarray(0, 3), frame(list).subarray(3)]
    await client.write(head)
    const end = Date.now() + 1500
    while (Date.now() < end) {
      await client.write(Buffer.concat([tail, head]))
      expect(await client.answer()).toEqual(LISTED)
    }
  })

  test('while somebody is asked about its request is not cut off', async () => {
    const { confirm, asked, answerAll } = questions()
    const state = stateOf({ identities: [careful], confirm })
    const { connectTo } = await serve(state, { stalled: 50 })
    const [client, stalling] = [await connectTo(), await connectTo()]
    // The beginning of a message stalls behind the request that waits, and that one first.
    const signed = client.ask(sign)
    await until(() => asked() === 1)
    await stalling.write(frame(list).subarray(0, 2))
    await stalling.closed
    answerAll(true)
    expect(nameOf(await signed)).toBe('SIGNED ssh-ed25519')
    expect(nameOf(await client.ask(list))).toBe('IDENTITIES 1')
  })
})

describe('a client that does not read its answers', () => {
  const many = stateOf({ identities: Array.from({ length: 64 }, () => me) })
  const flood = (count: number): Buffer => Buffer.concat(Array<Buffer>(count).fill(frame(list)))

  test('gets all of them, reading late', async () => {
    const served = await serve(many)
    const socket = await deafClient(served)
    socket.end(flood(500))
    await until(() => (served.sockets[0]?.writableLength ?? 0) > 0)
    const reader = new FrameReader()
    const answers: string[] = []
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk)
      for (let next = reader.next(); next !== undefined; next = reader.next()) {
        answers.push(next.toString('hex'))
      }
    })
    socket.resume()
    await new Promise((resolve) => socket.once('end', resolve))
    expect(answers).toHaveLength(500)
    expect(new Set(answers).size).toBe(1)
  })

  test('makes the agent store no heap of them', async () => {
    const served = await serve(many)
    const socket = await deafClient(served)
    socket.write(flood(10_000))
    await until(() => (served.sockets[0]?.writableLength ?? 0) > 0)
    const [agentSide] = served.sockets
    await (await served.connectTo()).ask(list)
    expect(agentSide?.listenerCount('drain')).toBeLessThan(3)
    expect(agentSide?.writableLength).toBeLessThan(1024 * 1024)
    expect(agentSide?.readableLength).toBeLessThan(1024 * 1024)
  })

  test('is cut off; the others are served meanwhile', async () => {
    const served = await serve(many, { stalled: 300 })
    const other = await served.connectTo()
    await other.ask(list)
    const socket = await deafClient(served)
    socket.write(flood(10_000))
    await until(() => (served.sockets[1]?.writableLength ?? 0) > 0)
    expect(nameOf(await other.ask(list))).toBe('IDENTITIES 64')
    await until(() => served.sockets[1]?.destroyed === true)
    expect(nameOf(await other.ask(list))).toBe('IDENTITIES 64')
  })
})

describe('too many bytes of unfinished messages', () => {
  const limits = { pending: 100_000, fairShare: 10_000 }
  /** A message that is refused, of about `size` bytes. */
  const large = (size: number): Buffer => frame(Buffer.alloc(size, 200))

  /** Sends the beginning of a message, and waits until the agent has it. */
  async function begin(served: Served, whole: Buffer, bytes: number) {
    const client = await served.connectTo()
    await client.ask(unknown)
    const agentSide = served.sockets.at(-1)
    const before = agentSide?.bytesRead ?? 0
    await client.write(whole.subarray(0, bytes))
    await until(() => agentSide?.bytesRead === before + bytes || agentSide?.destroyed === true)
    expect(agentSide?.destroyed).toBe(false)
    return { client, finish: () => client.write(whole.subarray(bytes)) }
  }

  test('end the connection that has most of them, when it sends more; small ones stay', async () => {
    const served = await serve(undefined, limits)
    const big = await begin(served, large(200_000), 90_000)
    const small = []
    for (let n = 0; n < 4; n += 1) small.push(await begin(served, large(20_000), 5000))
    void big.finish()
    await big.client.closed
    for (const { client, finish } of small) {
      void finish()
      expect(await client.answer()).toEqual(FAILURE)
    }
  })

  test('are none where one message alone is large', async () => {
    const served = await serve(undefined, limits)
    const { client, finish } = await begin(served, large(90_000), 80_000)
    void finish()
    expect(await client.answer()).toEqual(FAILURE)
  })

  test('are counted no longer when their message is whole, or their connection gone', async () => {
    const served = await serve(undefined, limits)
    for (let n = 0; n < 5; n += 1) {
      const done = await begin(served, large(80_000), 70_000)
      void done.finish()
      expect(await done.client.answer()).toEqual(FAILURE)
      const gone = await begin(served, large(80_000), 70_000)
      gone.client.close()
      await until(() => served.sockets.at(-1)?.closed === true)
    }
  })

  test('are counted no longer of connections that went while somebody was asked', async () => {
    const { confirm, asked, answerAll } = questions()
    const state = stateOf({ identities: [careful], confirm })
    const served = await serve(state, limits)
    for (let n = 1; n <= 5; n += 1) {
      const client = await served.connectTo()
      await client.write(Buffer.concat([frame(sign), large(80_000).subarray(0, 40_000)]))
      await until(() => asked() === n || served.sockets.at(-1)?.destroyed === true)
      expect(asked()).toBe(n)
      client.close()
      const agentSide = served.sockets.at(-1)
      // It may not see the end before it reads on.
      await Promise.race([sleep(100), until(() => agentSide?.closed === true)])
      answerAll(false)
      await until(() => agentSide?.closed === true)
    }
    const { client, finish } = await begin(served, large(80_000), 40_000)
    void finish()
    expect(await client.answer()).toEqual(FAILURE)
  })
})

test('a client with many requests lets others have their turn', async () => {
  const { path, connectTo } = await serve()
  const other = await connectTo()
  await other.ask(list)
  const socket = connect(path)
  undo.push(() => socket.destroy())
  const count = 20_000
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  socket.write(Buffer.concat(Array<Buffer>(count).fill(frame(list))))
  await until(() => bytes > 0)
  expect(await other.ask(list)).toEqual(LISTED)
  const whole = count * frame(LISTED).length
  expect(bytes).toBeLessThan(whole)
  await until(() => bytes === whole)
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
