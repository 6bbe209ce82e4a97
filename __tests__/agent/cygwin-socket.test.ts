/**
 * The socket file and handshake of Cygwin: the bytes by themselves, a server met by plain bytes, and
 * npm ssh2's own client for Cygwin's agent, which has never seen this code, in front of a real
 * ssh-agent.
 */
import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runInThisContext } from 'node:vm'
import { CygwinAgent, type ParsedKey } from 'ssh2'
import {
  attributeCommand,
  formatSocketFile,
  listenCygwin,
  startHandshake,
  type CygwinListener,
  type HandshakeStep,
} from '../../src/agent/cygwin-socket'
import { connectionServer } from '../../src/agent/server'
import { makeKey } from '../support/keys'
import { program, testWith } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { identityOf, stateOf } from './fixtures'

const SECRET = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const PID = 0x01020304
/** A client with the pid 7, the uid 197609, the gid 513. */
const CREDENTIALS = words(7, 197_609, 513)
const ANSWER = words(PID, 197_609, 513)
const GREETING = Buffer.concat([SECRET, CREDENTIALS])

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index))
  return bytes
}

const undo: (() => void)[] = []
afterEach(() => {
  for (const step of undo.splice(0).toReversed()) step()
})

describe('formatSocketFile', () => {
  test('is what Cygwin’s bind() writes', () => {
    expect(formatSocketFile(49_152, SECRET)).toBe(
      '!<socket >49152 s 03020100-07060504-0B0A0908-0F0E0D0C\0',
    )
  })

  test('words keep their leading zeros, ports have none', () => {
    const secret = words(0, 1, 0xffffffff, 0x00ab0000)
    expect(formatSocketFile(80, secret)).toBe(
      '!<socket >80 s 00000000-00000001-FFFFFFFF-00AB0000\0',
    )
  })

  test('fits the 128 bytes that Cygwin reads of it', () => {
    expect(formatSocketFile(65_535, SECRET).length).toBeLessThan(128)
  })
})

/** All steps of a handshake for these pieces; pieces after its end are not given to it. */
function stepsFor(pieces: readonly Buffer[]): HandshakeStep[] {
  const handshake = startHandshake(SECRET, PID)
  const steps: HandshakeStep[] = []
  for (const piece of pieces) {
    steps.push(handshake(piece))
    if (steps.at(-1)?.verdict !== 'incomplete') break
  }
  return steps
}

describe('startHandshake', () => {
  test('answers the secret with the secret, and credentials with its pid and the client’s ids', () => {
    expect(stepsFor([SECRET, CREDENTIALS])).toEqual([
      { verdict: 'incomplete', reply: SECRET, surplus: Buffer.alloc(0) },
      { verdict: 'accepted', reply: ANSWER, surplus: Buffer.alloc(0) },
    ])
  })

  test('hands over what came after the handshake', () => {
    expect(stepsFor([Buffer.concat([GREETING, Buffer.from('early')])])).toEqual([
      {
        verdict: 'accepted',
        reply: Buffer.concat([SECRET, ANSWER]),
        surplus: Buffer.from('early'),
      },
    ])
  })

  test('is incomplete for every part of a greeting, and says nothing before the whole secret', () => {
    for (let length = 0; length < GREETING.length; length += 1) {
      const [step] = stepsFor([GREETING.subarray(0, length)])
      expect(step?.verdict).toBe('incomplete')
      expect(step?.reply).toEqual(length < SECRET.length ? Buffer.alloc(0) : SECRET)
    }
  })

  test('takes the greeting in whatever pieces', () => {
    const sent = Buffer.concat([GREETING, Buffer.from('surplus')])
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: GREETING.length })), (points) => {
        const cuts = [0, ...points.toSorted((a, b) => a - b), sent.length]
        const pieces = cuts.slice(1).map((end, index) => sent.subarray(cuts[index], end))
        const steps = stepsFor(pieces)
        expect(steps.at(-1)?.verdict).toBe('accepted')
        expect(Buffer.concat(steps.map(({ reply }) => reply))).toEqual(
          Buffer.concat([SECRET, ANSWER]),
        )
        const rest = [...steps.map(({ surplus }) => surplus), ...pieces.slice(steps.length)]
        expect(Buffer.concat(rest)).toEqual(Buffer.from('surplus'))
      }),
    )
  })

  test('refuses a secret with any bit wrong, with no word in reply', () => {
    for (let bit = 0; bit < 8 * SECRET.length; bit += 1) {
      const wrong = Buffer.from(GREETING)
      wrong.writeUInt8(wrong.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      expect(stepsFor([wrong])).toEqual([
        { verdict: 'refused', reply: Buffer.alloc(0), surplus: Buffer.alloc(0) },
      ])
    }
  })

  test('does not tell by its verdict how much of a secret is right', () => {
    for (const wrong of [Buffer.alloc(15, 0xff), SECRET.subarray(0, 15)]) {
      expect(stepsFor([wrong])[0]?.verdict).toBe('incomplete')
    }
  })

  test('takes the secret in the order of the words’ bytes, not as it is read', () => {
    const asRead = Buffer.from('03020100070605040b0a09080f0e0d0c', 'hex')
    expect(stepsFor([asRead])[0]?.verdict).toBe('refused')
  })
})

describe('attributeCommand', () => {
  test.each([
    ['D:/a/_temp/ssh-trust-a/agent.sock', 'D:\\a\\_temp\\ssh-trust-a\\agent.sock'],
    ['C:\\temp\\agent.sock', 'C:\\temp\\agent.sock'],
  ])('%s has no slash left that attrib would take for an option', (file, path) => {
    expect(attributeCommand(file, 'C:\\Windows')).toEqual([
      'C:\\Windows\\System32\\attrib.exe',
      ['+R', '+S', path],
    ])
  })
})

/** What a socket file says, read as Cygwin's get_inet_addr_local() reads it. */
function readSocketFile(file: string): { port: number; secret: Buffer } {
  const text = readFileSync(file, 'latin1')
  const [, port, ...hex] =
    /^!<socket >(\d+) s ([\dA-F]{8})-([\dA-F]{8})-([\dA-F]{8})-([\dA-F]{8})\0$/.exec(text) ?? []
  expect(hex).toHaveLength(4)
  return { port: Number(port), secret: words(...hex.map((word) => parseInt(word, 16))) }
}

interface Client {
  socket: Socket
  /** All that it has received. */
  received: () => Buffer
  /** Resolves when it has received that many bytes. */
  receive: (length: number) => Promise<Buffer>
  /** Resolves when the connection is over. */
  closed: Promise<void>
}

async function connectTo(port: number, host = '127.0.0.1'): Promise<Client> {
  const socket = connect({ port, host })
  undo.push(() => socket.destroy())
  let received = Buffer.alloc(0)
  let look = (): void => undefined
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve()
    })
  })
  socket.on('error', () => undefined) // a reset, where the other side did not read all
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    look()
  })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return {
    socket,
    received: () => received,
    receive: async (length) => {
      await new Promise<void>((resolve, reject) => {
        look = () => {
          if (received.length >= length) resolve()
        }
        look()
        void closed.then(() => {
          reject(new Error(`closed after ${received.length} bytes`))
        })
      })
      return received
    },
    closed,
  }
}

interface Listening extends CygwinListener {
  file: string
  port: number
  secret: Buffer
  /** How many connections have been served. */
  served: () => number
}

/** An echo server behind a Cygwin socket, unless `serve` is another. */
async function listen(
  serve: (socket: Socket) => void = (socket) => socket.pipe(socket),
  options?: { timeout: number },
): Promise<Listening> {
  const file = join(makeDirectory(), 'agent.sock')
  let served = 0
  const sockets: Socket[] = []
  const count = (socket: Socket): void => {
    served += 1
    sockets.push(socket)
    serve(socket)
  }
  const { close } = await listenCygwin(file, count, options)
  undo.push(() => {
    close()
    for (const socket of sockets) socket.destroy()
  })
  return { ...readSocketFile(file), file, close, served: () => served }
}

/** A client that has shaken hands. */
async function greet({ port, secret }: Listening): Promise<Client> {
  const client = await connectTo(port)
  client.socket.write(secret)
  expect(await client.receive(16)).toEqual(secret)
  client.socket.write(CREDENTIALS)
  await client.receive(28)
  return client
}

describe('listenCygwin', () => {
  test('does not touch a file that is there', async () => {
    const file = join(makeDirectory(), 'agent.sock')
    writeFileSync(file, 'precious')
    // The first of these tests: no server of an earlier one is still about to end.
    const servers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length
    const before = servers()
    const listening = listenCygwin(file, (socket) => socket.destroy())
    await expect(listening).rejects.toMatchObject({ code: 'EEXIST' })
    expect(readFileSync(file, 'utf8')).toBe('precious')
    while (servers() > before) await sleep(1) // nor does it go on listening
  })

  test('makes a private file that tells port and secret', async () => {
    const { file, port } = await listen()
    expect(statSync(file).mode & 0o7777).toBe(0o600)
    expect(port).toBeGreaterThan(0)
  })

  test('has a port and a secret for each socket', async () => {
    const [one, two] = [await listen(), await listen()]
    expect(one.port).not.toBe(two.port)
    expect(one.secret).not.toEqual(two.secret)
  })

  test('shakes hands, then serves', async () => {
    const listening = await listen()
    const client = await greet(listening)
    expect(client.received()).toEqual(
      Buffer.concat([listening.secret, words(process.pid, 197_609, 513)]),
    )
    client.socket.write('hello')
    expect((await client.receive(33)).subarray(28).toString()).toBe('hello')
  })

  test('serves what is glued to the handshake', async () => {
    const { port, secret } = await listen()
    const client = await connectTo(port)
    client.socket.write(Buffer.concat([secret, CREDENTIALS, Buffer.from('early')]))
    expect((await client.receive(33)).subarray(28).toString()).toBe('early')
    client.socket.write(', late')
    expect((await client.receive(39)).subarray(28).toString()).toBe('early, late')
  })

  test('serves a listener for data as it serves a pipe', async () => {
    const { port, secret } = await listen((socket) => {
      socket.on('data', (chunk) => socket.write(chunk.toString().toUpperCase()))
    })
    const client = await connectTo(port)
    client.socket.write(Buffer.concat([secret, CREDENTIALS, Buffer.from('early')]))
    expect((await client.receive(33)).subarray(28).toString()).toBe('EARLY')
    client.socket.write('late')
    expect((await client.receive(37)).subarray(33).toString()).toBe('LATE')
  })

  test('takes a handshake in pieces', async () => {
    const { port, secret } = await listen()
    const { socket, receive } = await connectTo(port)
    socket.setNoDelay(true)
    const send = async (bytes: Buffer): Promise<void> => {
      await new Promise((resolve) => socket.write(bytes, resolve))
    }
    await send(secret.subarray(0, 9))
    await send(secret.subarray(9))
    await receive(16)
    await send(CREDENTIALS.subarray(0, 1))
    await send(Buffer.concat([CREDENTIALS.subarray(1), Buffer.from('!')]))
    expect((await receive(29)).subarray(28).toString()).toBe('!')
  })

  test.each([
    ['the secret alone', (secret: Buffer) => secret],
    ['a whole greeting', (secret: Buffer) => Buffer.concat([secret, CREDENTIALS])],
  ])('closes without an answer where %s is wrong', async (_, greeting) => {
    const { port, secret, served } = await listen()
    const wrong = Buffer.from(secret)
    wrong.writeUInt8(wrong.readUInt8(15) ^ 1, 15)
    const client = await connectTo(port)
    client.socket.write(greeting(wrong))
    await client.closed
    expect(client.received()).toEqual(Buffer.alloc(0))
    expect(served()).toBe(0)
  })

  test.each([
    ['says nothing', () => Buffer.alloc(0)],
    ['stops in the secret', (secret: Buffer) => secret.subarray(0, 15)],
    [
      'stops in the credentials',
      (secret: Buffer) => Buffer.concat([secret, CREDENTIALS]).subarray(0, 27),
    ],
  ])('closes the connection of a client that %s', async (_, greeting) => {
    const { port, secret, served } = await listen(undefined, { timeout: 20 })
    const client = await connectTo(port)
    client.socket.write(greeting(secret))
    await client.closed
    expect(served()).toBe(0)
  })

  test('closes the connection of a client that keeps sending, but too slowly', async () => {
    const { port, secret, served } = await listen(undefined, { timeout: 100 })
    const client = await connectTo(port)
    const states: string[] = []
    for (let sent = 0; sent < 15; sent += 1) {
      if (client.socket.writable) client.socket.write(secret.subarray(sent, sent + 1))
      await sleep(50)
      states.push(client.socket.readyState)
    }
    // Both clocks are this process's: fifteen times 50 ms are over after the one of 100 ms.
    expect(states.at(-1)).toBe('closed')
    expect(served()).toBe(0)
  })

  test('leaves a served connection alone, however long it is silent', async () => {
    const listening = await listen(undefined, { timeout: 20 })
    const client = await greet(listening)
    // A stranger that came later has been closed: the first one's time, too, would be over.
    await (
      await connectTo(listening.port)
    ).closed
    client.socket.write('still here')
    expect((await client.receive(38)).subarray(28).toString()).toBe('still here')
  })

  test('closes the connection of a client that ends within the handshake', async () => {
    const { port, secret, served } = await listen()
    const client = await connectTo(port)
    client.socket.end(secret)
    await client.closed
    expect(client.received()).toEqual(secret)
    expect(served()).toBe(0)
  })

  test('serves a client that has sent all it had, and still listens', async () => {
    const { port, secret } = await listen((socket) => {
      const heard: Buffer[] = []
      socket.on('data', (chunk) => heard.push(chunk))
      socket.once('end', () => setTimeout(() => socket.end(Buffer.concat(heard)), 10))
    })
    const client = await connectTo(port)
    client.socket.end(Buffer.concat([secret, CREDENTIALS, Buffer.from('last words')]))
    await client.closed
    expect(client.received().subarray(28).toString()).toBe('last words')
  })

  test('has room for those who know the secret, whoever holds connections open', async () => {
    const listening = await listen()
    const strangers = await Promise.all(
      Array.from({ length: 100 }, () => connectTo(listening.port)),
    )
    const client = await greet(listening)
    client.socket.write('hello')
    expect((await client.receive(33)).subarray(28).toString()).toBe('hello')
    const over = strangers.map(({ closed }) => closed)
    await Promise.any(over)
  })

  testWith(['linux'], 'listens on 127.0.0.1 alone', async () => {
    const { port } = await listen()
    await expect(connectTo(port, '127.0.0.2')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('close removes the file, ends what is not served, and takes nothing new', async () => {
    const listening = await listen()
    const [client, stranger] = [await greet(listening), await connectTo(listening.port)]
    listening.close()
    expect(existsSync(listening.file)).toBe(false)
    await stranger.closed
    await expect(connectTo(listening.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    client.socket.write('served')
    expect((await client.receive(34)).subarray(28).toString()).toBe('served')
    listening.close() // once more is no error
  })
})

async function identities(agent: CygwinAgent): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    agent.getIdentities((error, keys) => {
      if (error) reject(error)
      else resolve((keys ?? []) as unknown as ParsedKey[])
    })
  })
}

describe('listenCygwin on Windows, as far as Linux can be it', () => {
  // Programs are looked up with the environment of the real process; Jest gives tests a copy.
  const { env } = runInThisContext('process') as NodeJS.Process

  /** Listens with this shell script for attrib.exe, or none. Its argument is `$3`, with slashes. */
  async function listenWith(script: string | undefined): Promise<{ file: string; asked: string }> {
    const directory = makeDirectory()
    const { PATH } = env
    const platform = Object.getOwnPropertyDescriptor(process, 'platform') ?? {}
    undo.push(() => {
      env['PATH'] = PATH
      delete process.env['SystemRoot']
      Object.defineProperty(process, 'platform', platform)
    })
    if (script !== undefined) {
      const lines = [
        '#!/bin/sh',
        `printf '%s,' "$@" >${directory}/asked`,
        `file=$(printf %s "$3" | tr '\\\\' /)`,
      ]
      const attrib = join(directory, 'W:\\System32\\attrib.exe')
      writeFileSync(attrib, [...lines, script, ''].join('\n'), { mode: 0o700 })
    }
    env['PATH'] = `${directory}:/usr/bin:/bin`
    process.env['SystemRoot'] = 'W:\\'
    Object.defineProperty(process, 'platform', { value: 'win32' })
    const file = join(directory, 'agent.sock')
    const { close } = await listenCygwin(file, (socket) => socket.destroy())
    undo.push(close)
    return { file, asked: readFileSync(join(directory, 'asked'), 'utf8') }
  }

  testWith(['linux'], 'has attrib make its file one of SYSTEM, read-only', async () => {
    const { file, asked } = await listenWith('chmod 400 "$file"')
    expect(asked).toBe(`+R,+S,${file.replaceAll('/', '\\')},`)
    expect(readSocketFile(file).port).toBeGreaterThan(0)
  })

  describe.each([
    ['says so', 'chmod 400 "$file"; exit 1'],
    ['only says that it did', 'exit 0'],
    ['is not there', undefined],
  ])('where attrib fails and %s', (_, script) => {
    testWith(['linux'], 'there is no socket', async () => {
      const failing = listenWith(script)
      await expect(failing).rejects.toMatchObject({ code: 'agent-start' })
      expect(readdirSync(env['PATH']?.split(':')[0] ?? '')).not.toContain('agent.sock')
    })
  })
})

describe('ssh2’s client for Cygwin', () => {
  /** A real ssh-agent with one key; gives its Unix socket, and the key's wire format. */
  async function startAgent(): Promise<{ socket: string; blob: Buffer; type: string }> {
    const directory = makeDirectory()
    const socket = join(directory, 'real.sock')
    const child = spawn(program('ssh-agent'), ['-D', '-a', socket], { stdio: 'ignore' })
    undo.push(() => child.kill())
    while (!existsSync(socket)) await sleep(5)
    const key = await makeKey(directory, 'ed25519')
    await mustRun(program('ssh-add'), ['-q', key.privateKeyFile], {
      env: { ...process.env, SSH_AUTH_SOCK: socket },
    })
    const [type = '', base64 = ''] = key.publicKey.split(' ')
    return { socket, blob: Buffer.from(base64, 'base64'), type }
  }

  testWith(['ssh-agent', 'ssh-add', 'ssh-keygen'], 'has a real ssh-agent sign', async () => {
    const real = await startAgent()
    const { file, served } = await listen((socket) => {
      const behind = connect(real.socket)
      socket.pipe(behind).pipe(socket)
      socket.once('close', () => behind.destroy())
    })
    const agent = new CygwinAgent(file)
    const [key] = await identities(agent)
    expect(key?.type).toBe(real.type)
    expect(key?.getPublicSSH()).toEqual(real.blob)

    const data = Buffer.from('to be signed')
    const signature = await new Promise<Buffer | undefined>((resolve, reject) => {
      agent.sign(key as unknown as string, data, (error, made) => {
        if (error) reject(error)
        else resolve(made)
      })
    })
    expect(key?.verify(data, signature ?? Buffer.alloc(0))).toBe(true)
    // It connects twice for each: once with ids of zero, then with those that it was told.
    expect(served()).toBe(4)
  })

  test('lists the keys of our own agent', async () => {
    const state = stateOf({ identities: [identityOf('one'), identityOf('two', 'ssh-rsa')] })
    const { file } = await listen(connectionServer(state))
    const listed = (await identities(new CygwinAgent(file))).map((key) => key.getPublicSSH())
    expect(listed).toEqual(state.identities.map(({ blob }) => blob))
  })

  test('gets no connection with another secret', async () => {
    const { file, port, secret, served } = await listen()
    const other = join(makeDirectory(), 'other.sock')
    secret.writeUInt8(secret.readUInt8(0) ^ 1, 0)
    writeFileSync(other, formatSocketFile(port, secret))
    expect(existsSync(file)).toBe(true)
    await expect(identities(new CygwinAgent(other))).rejects.toThrow('security')
    expect(served()).toBe(0)
  })
})
