/**
 * Servers that break the protocol on purpose, at every phase of a connection: each ends with its own
 * error, after a bounded number of bytes or within the time that was given, and no secret is told.
 */
import { afterEach, describe, expect, test } from '@jest/globals'
import type { Socket } from 'node:net'
import type { ServerChannel, Session } from 'ssh2'
import { TrustError } from '../../src/errors'
import { listenForAnnouncedKeys } from '../../src/remote/announced-keys'
import {
  connectTo,
  openSftp,
  runScript,
  type Connection,
  type ConnectOptions,
} from '../../src/remote/connect'
import { proveHostKey } from '../../src/remote/prove'
import { verifyHost } from '../../src/remote/verify-hosts'
import { hostKeyAlgorithms } from '../../src/ssh/key-exchange'
import { generatePrivateKey } from '../../src/ssh/private-key'
import { fingerprint, KEY_TYPES } from '../../src/ssh/public-key'
import { encodePacket } from '../../src/ssh/transport'
import { byte, string, uint32 } from '../../src/ssh/wire'
import {
  debug,
  disconnect,
  exchangeKeys,
  flood,
  floodWith,
  honestStart,
  ignore,
  kexInit,
  listen,
  MESSAGE,
  send,
  times,
  VERSION,
  type KeyExchange,
  type Listener,
  type ServerSide,
} from '../support/hostile-server'
import { newKey } from './fixtures'

let closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.reverse()) await close()
  closers = []
})

async function start(serve: (socket: Socket, connection: number) => void): Promise<Listener> {
  const listener = await listen(serve)
  closers.push(listener.stop)
  return listener
}

/** In milliseconds: for servers that are to be given up, and for those that are to be seen through. */
const SHORT = 300
const LONG = 20_000

/** What the system holds between the two of us, and more than any client should take before a login. */
const BOUND = 32 * 1024 * 1024

const PASSWORD = 'correct horse battery'
const KEY = newKey()
const OTHER = newKey()
const ECDSA = generatePrivateKey({ type: 'ecdsa-sha2-nistp256', bits: 256 }, '')

/** What a terminal would take for orders, and an end of line. */
const ORDERS = '\u001b[2J\u001b]0;owned\u0007\r\n::error::owned\u009b31m\u0000'

async function errorOf(work: Promise<unknown>): Promise<TrustError> {
  try {
    await work
  } catch (error) {
    if (error instanceof TrustError) return error
    throw error
  }
  throw new Error('nothing failed')
}

async function prove(port: number, timeout: number): Promise<TrustError> {
  const algorithms = hostKeyAlgorithms('ssh-ed25519')
  return errorOf(proveHostKey({ host: '127.0.0.1', port }, algorithms, timeout))
}

function loginAt(port: number, timeout: number, hostKey = KEY.publicKey): ConnectOptions {
  const credentials = { kind: 'password', password: PASSWORD } as const
  return { host: '127.0.0.1', port, user: 'me', hostKey, credentials, timeout }
}

async function login(port: number, timeout: number): Promise<TrustError> {
  return errorOf(connectTo(loginAt(port, timeout)))
}

const raw = (...parts: (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))

const versioned = (...payloads: Buffer[]): Buffer =>
  raw(`${VERSION}\r\n`, ...payloads.map(encodePacket))

const keys =
  (exchange: Partial<KeyExchange> = {}) =>
  (socket: Socket): void => {
    exchangeKeys(socket, { key: KEY, ...exchange })
  }

interface Case {
  name: string
  serve: (socket: Socket) => void
  /** The codes of the proof and of a login. */
  codes: [string, string]
  timeout?: number
}

const write =
  (...parts: (Buffer | string)[]) =>
  (socket: Socket): void => {
    socket.write(raw(...parts))
  }

const BEFORE_THE_KEY: Case[] = [
  {
    name: 'says nothing',
    serve: () => undefined,
    codes: ['host-timeout', 'host-timeout'],
    timeout: SHORT,
  },
  {
    name: 'talks in lines without end before its version',
    serve: (socket) => {
      flood(socket, 'x\r\n'.repeat(1000))
    },
    codes: ['host-not-ssh', 'host-protocol'],
  },
  {
    name: 'says a line without end',
    serve: (socket) => {
      flood(socket, 'x'.repeat(1000))
    },
    codes: ['host-not-ssh', 'host-protocol'],
  },
  {
    name: 'has a version of 1 MiB',
    serve: write(`SSH-2.0-${'x'.repeat(1024 * 1024)}\r\n`),
    codes: ['host-not-ssh', 'host-protocol'],
  },
  {
    name: 'has a version without end',
    serve: (socket) => {
      socket.write('SSH-2.0-')
      flood(socket, 'x'.repeat(1000))
    },
    codes: ['host-not-ssh', 'host-protocol'],
  },
  {
    name: 'stalls in the middle of its version',
    serve: write('SSH-2.0-host'),
    codes: ['host-timeout', 'host-timeout'],
    timeout: SHORT,
  },
  {
    name: 'stalls after its version',
    serve: write(`${VERSION}\r\n`),
    codes: ['host-timeout', 'host-timeout'],
    timeout: SHORT,
  },
  ...[0, 1, 0x7fffffff, 0xffffffff, 256 * 1024 + 1].map((length): Case => ({
    name: `sends a packet of ${length} bytes`,
    serve: write(`${VERSION}\r\n`, uint32(length), byte(4), Buffer.alloc(64)),
    codes: ['host-protocol', 'host-protocol'],
  })),
  {
    name: 'sends a packet with more padding than there is packet',
    serve: write(`${VERSION}\r\n`, uint32(12), byte(200), Buffer.alloc(64)),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'stalls in the middle of a packet',
    serve: write(versioned(kexInit()).subarray(0, 100)),
    codes: ['host-timeout', 'host-timeout'],
    timeout: SHORT,
  },
  {
    name: 'ends in the middle of a packet',
    serve: (socket) => socket.end(versioned(kexInit()).subarray(0, 100)),
    codes: ['host-closed', 'host-closed'],
  },
  {
    name: 'sends a negotiation that is cut off',
    serve: write(versioned(kexInit().subarray(0, 40))),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'sends a negotiation with a list longer than itself',
    serve: write(versioned(raw(kexInit().subarray(0, 17), uint32(0xffffffff), 'a,b'))),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'offers 100,000 methods in a packet of that size',
    serve: write(versioned(kexInit({ methods: new Array<string>(100_000).fill('a') }))),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'stalls after the negotiation',
    serve: write(versioned(kexInit())),
    codes: ['host-timeout', 'host-timeout'],
    timeout: SHORT,
  },
  {
    name: 'stalls once it is to prove its key',
    serve: keys({ onInit: () => undefined }),
    codes: ['host-timeout', 'host-timeout'],
    timeout: SHORT,
  },
  {
    name: 'closes once it is to prove its key',
    serve: keys({ onInit: (socket) => socket.end() }),
    codes: ['host-closed', 'host-closed'],
  },
  {
    name: 'negotiates again and again',
    serve: keys({
      onInit: (socket) => {
        flood(socket, encodePacket(kexInit()))
      },
    }),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'answers with a message that is none',
    serve: keys({ onInit: write(encodePacket(byte(MESSAGE.kexReply))) }),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'answers with an empty packet',
    serve: keys({ onInit: write(uint32(12), byte(11), Buffer.alloc(11)) }),
    codes: ['host-protocol', 'host-timeout'],
    timeout: 1000,
  },
  {
    name: 'ignores without end',
    serve: (socket) => {
      socket.write(versioned(kexInit()))
      flood(socket, times(100, encodePacket(ignore(8))))
    },
    codes: ['host-protocol', 'host-timeout'],
    timeout: 1000,
  },
  {
    name: 'debugs without end',
    serve: (socket) => {
      socket.write(versioned(kexInit()))
      flood(socket, encodePacket(debug('x'.repeat(30_000))))
    },
    codes: ['host-protocol', 'host-timeout'],
    timeout: 1000,
  },
  {
    name: 'disconnects with 1 MiB of reasons',
    serve: write(versioned(disconnect('x'.repeat(1024 * 1024)))),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'disconnects with 30,000 bytes of orders to a terminal',
    serve: write(versioned(disconnect(ORDERS.repeat(1000)))),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'disconnects with a few of them',
    serve: write(versioned(disconnect(ORDERS))),
    codes: ['host-closed', 'host-protocol'],
  },
  {
    name: 'shows the pinned key with the signature of another',
    serve: keys({ key: OTHER, shown: KEY.publicKey }),
    codes: ['host-key-unproven', 'host-protocol'],
  },
  {
    name: 'shows the pinned key with a signature of zeros',
    serve: keys({ signature: (right) => raw(right.subarray(0, -64), Buffer.alloc(64)) }),
    codes: ['host-key-unproven', 'host-protocol'],
  },
  {
    name: 'shows the pinned key with an empty signature',
    serve: keys({ signature: () => Buffer.alloc(0) }),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'shows the pinned key with a signature of 30,000 bytes',
    serve: keys({ signature: () => raw(string('ssh-ed25519'), string(Buffer.alloc(30_000))) }),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'shows a key of another type than it said',
    serve: keys({ key: ECDSA, offer: { hostKeys: ['ssh-ed25519'] } }),
    codes: ['host-key-unproven', 'host-protocol'],
  },
  {
    name: 'shows a key of 1 MiB',
    serve: keys({ shown: raw(string('ssh-ed25519'), string(Buffer.alloc(1024 * 1024))) }),
    codes: ['host-protocol', 'host-protocol'],
  },
  {
    name: 'shows a key of 30,000 bytes',
    serve: keys({ shown: raw(string('ssh-ed25519'), string(Buffer.alloc(30_000))) }),
    codes: ['host-protocol', 'host-key-changed'],
  },
  {
    name: 'shows no key',
    serve: keys({ shown: Buffer.alloc(0) }),
    codes: ['host-protocol', 'host-protocol'],
  },
]

/** Their words stand in the message. */
const WORDS: Case[] = [
  {
    name: 'offers 15,000 methods',
    serve: write(versioned(kexInit({ methods: new Array<string>(15_000).fill('a') }))),
    codes: ['host-no-common-algorithm', 'host-no-common-algorithm'],
  },
  {
    name: 'offers methods that are orders to a terminal',
    serve: write(versioned(kexInit({ methods: [ORDERS] }))),
    codes: ['host-no-common-algorithm', 'host-no-common-algorithm'],
  },
  {
    name: 'offers kinds of key that are orders to a terminal',
    serve: write(versioned(kexInit({ hostKeys: [ORDERS] }))),
    codes: ['host-key-type-absent', 'host-key-changed'],
  },
  {
    name: 'shows a key whose type is orders to a terminal',
    serve: keys({ shown: raw(string(ORDERS), string(Buffer.alloc(32))) }),
    codes: ['host-key-unproven', 'host-protocol'],
  },
]

function expectTame({ message, hint = '' }: TrustError): void {
  expect(`${message} ${hint}`).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  expect(message.length).toBeLessThan(1000)
}

async function expectUnproven({ serve, codes, timeout = LONG }: Case): Promise<void> {
  const { port, taken } = await start(serve)
  const error = await prove(port, timeout)
  expect({ code: error.code, message: error.message }).toMatchObject({ code: codes[0] })
  expect(taken()).toBeLessThan(BOUND)
  expectTame(error)
}

/** A server's half of a connection, and what it hears. */
async function startHearing(
  serve: (socket: Socket) => void,
): Promise<{ port: number; heard: () => Buffer }> {
  const heard: Buffer[] = []
  const { port } = await start((socket) => {
    socket.on('data', (chunk: Buffer) => heard.push(chunk))
    serve(socket)
  })
  return { port, heard: () => Buffer.concat(heard) }
}

describe('a server that', () => {
  test.each(BEFORE_THE_KEY)('$name proves nothing', expectUnproven)

  // Until printable() is around these words too.
  test.each(WORDS)('$name proves nothing, and its words are tamed', expectUnproven)

  test.each([...BEFORE_THE_KEY, ...WORDS])(
    '$name is told no password',
    async ({ serve, codes, timeout = LONG }) => {
      const { port, heard } = await startHearing(serve)
      const error = await login(port, timeout)
      expect({ code: error.code, message: error.message }).toMatchObject({ code: codes[1] })
      expectTame(error)
      expect(heard().includes(PASSWORD)).toBe(false)
    },
  )

  test.each([
    ['says nothing more', () => undefined, 'host-timeout', 1000],
    ['closes', (socket: Socket) => socket.end(), 'login-refused', LONG],
    [
      'goes on without encryption',
      write(encodePacket(byte(6)), Buffer.alloc(64)),
      'login-refused',
      LONG,
    ],
    [
      'sends noise without end',
      (socket: Socket) => {
        flood(socket, Buffer.alloc(1000, 0x5a))
      },
      'login-refused',
      LONG,
    ],
  ] as const)('has proven its key and then %s lets nobody in', async (_, then, code, timeout) => {
    const { port, heard } = await startHearing(keys({ then: (socket) => void then(socket) }))
    const error = await login(port, timeout)
    expect({ code: error.code, message: error.message }).toMatchObject({ code })
    expectTame(error)
    expect(heard().includes(PASSWORD)).toBe(false)
  })
})

describe('a server whose keys change', () => {
  const target = (port: number): Parameters<typeof verifyHost>[0] => ({
    host: '127.0.0.1',
    port,
    pins: [{ kind: 'fingerprint', fingerprint: fingerprint(KEY.publicKey) }],
  })

  test('has another key for each connection: changed, after one connection for each kind', async () => {
    const { port, connections } = await start((socket) => {
      exchangeKeys(socket, { key: newKey() })
    })
    expect(await verifyHost(target(port), LONG)).toMatchObject({ status: 'changed' })
    expect(connections()).toBeLessThanOrEqual(6)
  })

  test('and offers every kind each time: no more connections than there are kinds', async () => {
    const { port, connections } = await start((socket) => {
      exchangeKeys(socket, {
        key: newKey(),
        offer: { hostKeys: KEY_TYPES.flatMap((type) => hostKeyAlgorithms(type)) },
      })
    })
    const result = await verifyHost(target(port), LONG)
    expect(result.status).not.toBe('ok')
    expect(connections()).toBeLessThanOrEqual(6)
  })

  test('proves the pinned key and then stalls each time: the time is for all connections', async () => {
    const { port } = await start(() => undefined)
    expect(await verifyHost(target(port), SHORT)).toMatchObject({
      status: 'unreachable',
      error: { code: 'host-timeout' },
    })
  })

  test('proves the pinned key, and shows another at the login: no login, no password', async () => {
    const heard: Buffer[] = []
    const { port } = await start((socket, connection) => {
      socket.on('data', (chunk: Buffer) => heard.push(chunk))
      exchangeKeys(socket, { key: connection === 0 ? KEY : OTHER })
    })
    expect(await verifyHost(target(port), LONG)).toMatchObject({ status: 'ok' })
    const error = await login(port, LONG)
    expect(error.code).toBe('host-key-changed')
    expect(Buffer.concat(heard).includes(PASSWORD)).toBe(false)
  })
})

/** Starts an honest server up to the key exchange; gives what it takes to log in there. */
async function startHonest(serve: (side: ServerSide) => void): Promise<ConnectOptions> {
  const { port } = await start(honestStart(ECDSA, serve))
  return loginAt(port, LONG, ECDSA.publicKey)
}

describe('a server that has proven its key, and during the login', () => {
  test.each<[string, (side: ServerSide) => void, string, number]>([
    ['says nothing', () => undefined, 'host-timeout', 500],
    [
      'sends banners without end',
      (side) => {
        floodWith(side, raw(byte(MESSAGE.banner), string(ORDERS.repeat(500)), string('')))
      },
      'host-timeout',
      1000,
    ],
    [
      'ignores without end',
      (side) => {
        floodWith(side, ignore(8))
      },
      'host-timeout',
      1000,
    ],
    [
      'debugs without end',
      (side) => {
        floodWith(side, debug('x'.repeat(30_000)))
      },
      'host-timeout',
      1000,
    ],
    [
      'disconnects with orders to a terminal',
      (side) => {
        send(side, disconnect(ORDERS.repeat(500)))
      },
      'login-refused',
      LONG,
    ],
    [
      'sends a message that is none',
      (side) => {
        send(side, raw(byte(MESSAGE.authFailure), uint32(0xffffffff)))
      },
      'login-refused',
      LONG,
    ],
    [
      'closes',
      (side) => {
        side.end()
      },
      'login-refused',
      LONG,
    ],
  ])('%s', async (_, misbehave, code, timeout) => {
    const options = await startHonest((side) => {
      side.on('authentication', () => {
        misbehave(side)
      })
    })
    const error = await errorOf(connectTo({ ...options, timeout }))
    expect({ code: error.code, message: error.message }).toMatchObject({ code })
    expectTame(error)
  })

  // Until printable() is around these words too.
  test('offers methods that are orders to a terminal: they are tamed', async () => {
    const options = await startHonest((side) => {
      side.on('authentication', () => {
        send(side, raw(byte(MESSAGE.authFailure), string(ORDERS.repeat(500)), byte(0)))
      })
    })
    const error = await errorOf(connectTo(options))
    expect(error.code).toBe('login-method-absent')
    expectTame(error)
  })

  test('asks for more without end: it ends in time, and the password was told once', async () => {
    const answers: string[] = []
    const options = await startHonest((side) => {
      side.on('authentication', (context) => {
        if (context.method !== 'keyboard-interactive') {
          context.reject(['keyboard-interactive'])
          return
        }
        const ask = (): void => {
          context.prompt([{ prompt: 'Password: ', echo: false }], (given) => {
            answers.push(...given)
            setImmediate(ask)
          })
        }
        ask()
      })
    })
    const error = await errorOf(connectTo({ ...options, timeout: 1000 }))
    expect(error.code).toBe('host-timeout')
    expect(answers.filter((answer) => answer === PASSWORD)).toHaveLength(1)
  })
})

async function loggedIn(serve: (side: ServerSide) => void): Promise<Connection> {
  const options = await startHonest((side) => {
    side.on('authentication', (context) => {
      context.accept()
    })
    side.once('ready', () => {
      serve(side)
    })
  })
  const client = await connectTo(options)
  closers.push(() => {
    client.destroy()
  })
  return client
}

/** What a server does with a script once it has all of it. */
type Play = (channel: ServerChannel, mark: string, side: ServerSide) => void

async function playing(play: Play): Promise<Connection> {
  return loggedIn((side) => {
    onSession(side, (session) => {
      session.on('exec', (accept) => {
        const channel = accept()
        channel.on('error', () => undefined)
        let text = ''
        channel.on('data', (chunk: Buffer) => {
          const before = text
          text += chunk.toString()
          const mark = /mark=([0-9a-f]+)/.exec(text)?.[1]
          if (mark !== undefined && !before.includes('mark=')) play(channel, mark, side)
        })
      })
    })
  })
}

function onSession(side: ServerSide, serve: (session: Session) => void): void {
  side.on('session', (accept) => {
    serve(accept())
  })
}

const begin = (channel: ServerChannel, mark: string): void => {
  channel.write(`\n${mark} begin\n`)
}

/** SSH_MSG_GLOBAL_REQUEST (RFC 4254 §4) of PROTOCOL, section 2.5, of OpenSSH. */
function announcement(blobs: readonly Buffer[]): Buffer {
  const name = string('hostkeys-00@openssh.com')
  return raw(byte(MESSAGE.globalRequest), name, byte(0), ...blobs.map(string))
}

/** Bytes on a channel, whatever its window says (RFC 4254 §5.2): the only channel has the number 0. */
const data = (bytes: Buffer): Buffer => raw(byte(MESSAGE.channelData), uint32(0), string(bytes))

/** The same on its standard error (SSH_EXTENDED_DATA_STDERR). */
const complaint = (text: string): Buffer =>
  raw(byte(MESSAGE.channelExtendedData), uint32(0), uint32(1), string(text))

describe('a server that has let us in, and during a script', () => {
  test.each<[string, Play, string]>([
    ['says nothing', () => undefined, 'remote-shell'],
    ['begins and says no more', begin, 'host-timeout'],
    [
      'talks without end and never begins',
      (_, __, side) => {
        floodWith(side, data(Buffer.alloc(30_000, 0x78)))
      },
      'remote-shell',
    ],
    [
      'talks without end in the script',
      (channel, mark, side) => {
        begin(channel, mark)
        floodWith(side, data(Buffer.alloc(30_000, 0x78)))
      },
      'remote-shell',
    ],
    [
      'complains without end and never begins',
      (_, __, side) => {
        floodWith(side, complaint(ORDERS.repeat(500)))
      },
      'remote-shell',
    ],
    [
      'complains without end in the script',
      (channel, mark, side) => {
        begin(channel, mark)
        floodWith(side, complaint(ORDERS.repeat(500)))
      },
      'host-timeout',
    ],
    [
      'ignores without end',
      (channel, mark, side) => {
        begin(channel, mark)
        floodWith(side, ignore(8))
      },
      'host-timeout',
    ],
    [
      'ends the script but not the channel',
      (channel, mark) => {
        begin(channel, mark)
        channel.write(`out\n${mark} end 0\n`)
      },
      'host-timeout',
    ],
    [
      'announces host keys without end',
      (channel, mark, side) => {
        begin(channel, mark)
        floodWith(side, announcement(new Array<Buffer>(500).fill(KEY.publicKey)))
      },
      'host-timeout',
    ],
    [
      'closes the channel in the script',
      (channel, mark) => {
        begin(channel, mark)
        channel.exit(0)
        channel.close()
      },
      'host-closed',
    ],
    [
      'closes the channel before it',
      (channel) => {
        channel.write(ORDERS.repeat(100))
        channel.close()
      },
      'remote-shell',
    ],
    [
      'closes the connection',
      (channel, mark, side) => {
        begin(channel, mark)
        side.end()
      },
      'host-closed',
    ],
    [
      'disconnects with orders to a terminal',
      (_, __, side) => {
        send(side, disconnect(ORDERS.repeat(500)))
      },
      'host-closed',
    ],
    [
      'claims an exit code that is none',
      (channel, mark) => {
        begin(channel, mark)
        channel.write(`\n${mark} end x\n`)
        channel.close()
      },
      'host-closed',
    ],
  ])('%s', async (_, play, code) => {
    const client = await playing(play)
    const limits = { timeout: 1000, maxOutput: 1024 * 1024 }
    const error = await errorOf(runScript(client, 'true', Buffer.alloc(0), limits))
    expect({ code: error.code, message: error.message }).toMatchObject({ code })
    expectTame(error)
  })

  test('keeps the first of what it complains, and no more', async () => {
    const client = await playing((channel, mark) => {
      begin(channel, mark)
      for (let line = 0; line < 100; line += 1) channel.stderr.write('x'.repeat(10_000))
      channel.stderr.write('', () => {
        channel.write(`\n${mark} end 3\n`)
        channel.exit(0)
        channel.close()
      })
    })
    const { code, stderr } = await runScript(client, 'true', Buffer.alloc(0))
    expect(code).toBe(3)
    expect(stderr.length).toBeLessThanOrEqual(32 * 1024)
  })

  test.each<[string, (side: ServerSide) => void, string]>([
    [
      'does not open a session',
      (side) => {
        side.on('session', () => undefined)
      },
      'host-timeout',
    ],
    [
      'opens one and does not answer',
      (side) => {
        onSession(side, (session) => session.on('exec', () => undefined))
      },
      'host-timeout',
    ],
    [
      'refuses one',
      (side) => {
        side.on('session', (_, refuse) => {
          refuse()
        })
      },
      'remote-shell',
    ],
    [
      'refuses programs',
      (side) => {
        onSession(side, (session) => {
          session.on('exec', (_, refuse) => {
            refuse()
          })
        })
      },
      'remote-shell',
    ],
  ])('%s', async (_, serve, code) => {
    const client = await loggedIn((side) => {
      serve(side)
    })
    const error = await errorOf(runScript(client, 'true', Buffer.alloc(0), { timeout: 500 }))
    expect({ code: error.code, message: error.message }).toMatchObject({ code })
  })

  test.each<[string, (side: ServerSide) => void, string]>([
    [
      'does not open a session',
      (side) => {
        side.on('session', () => undefined)
      },
      'host-timeout',
    ],
    [
      'opens a session and does not answer',
      (side) => {
        onSession(side, (session) => session.on('sftp', () => undefined))
      },
      'host-timeout',
    ],
    [
      'opens SFTP and says nothing',
      (side) => {
        onSession(side, (session) => {
          session.on('subsystem', (accept) => {
            accept()
          })
        })
      },
      'host-timeout',
    ],
    [
      'speaks something else there',
      (side) => {
        onSession(side, (session) => {
          session.on('subsystem', (accept) => {
            accept().write(raw(uint32(0xffffffff), Buffer.alloc(64)))
          })
        })
      },
      'host-closed',
    ],
  ])('%s', async (_, serve, code) => {
    const client = await loggedIn(serve)
    const error = await errorOf(openSftp(client, 500))
    expect({ code: error.code, message: error.message }).toMatchObject({ code })
    expectTame(error)
  })
})

describe('a server that announces host keys', () => {
  test('more than a packet holds: the connection ends, and none is believed', async () => {
    const client = await loggedIn((side) => {
      send(side, announcement(new Array<Buffer>(10_000).fill(KEY.publicKey)))
    })
    const { proven } = listenForAnnouncedKeys(client)
    await new Promise<void>((resolve) =>
      client.once('close', () => {
        resolve()
      }),
    )
    expect(await proven(LONG)).toEqual([])
  })

  test('as many as a packet holds, and proves none: none is believed', async () => {
    const client = await loggedIn((side) => {
      const many = Array.from({ length: 600 }, () => newKey().publicKey)
      send(side, announcement(many))
    })
    expect(await listenForAnnouncedKeys(client).proven(SHORT)).toEqual([])
  })

  test('that are no keys: none is believed', async () => {
    const client = await loggedIn((side) => {
      send(
        side,
        announcement([Buffer.alloc(0), Buffer.alloc(100), raw(string(ORDERS), string(''))]),
      )
    })
    expect(await listenForAnnouncedKeys(client).proven(SHORT)).toEqual([])
  })
})
