/** Main and post against servers that misbehave: both end, with the right verdict, and nothing is left. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { generatePrivateKey } from '../../src/ssh/private-key'
import { fingerprint } from '../../src/ssh/public-key'
import { encodePacket } from '../../src/ssh/transport'
import { byte, string, uint32 } from '../../src/ssh/wire'
import { makeHome } from '../support/home'
import {
  debug,
  disconnect,
  flood,
  floodWith,
  honestStart,
  kexInit,
  listen,
  MESSAGE,
  send,
  VERSION,
  type Listener,
  type ServerSide,
} from '../support/hostile-server'
import { makeKey } from '../support/keys'
import { describeWith } from '../support/programs'
import { startSshd } from '../support/sshd'
import { MAIN, makeScene, type Scene } from './fixtures'

/** Honest only in what it looks like. */
const KEY = generatePrivateKey({ type: 'ecdsa-sha2-nistp256', bits: 256 }, '')
const OTHER = generatePrivateKey({ type: 'ecdsa-sha2-nistp256', bits: 256 }, '')

const PASSWORD = 'correct-horse-battery'
const ORDERS = '\u001b[2J\u001b]0;owned\u0007\r\n::error::owned\u009b31m'

/** Main has about 100 MiB by itself; a server that could fill it would go far beyond this. */
const MOST_MEMORY = 600 * 1024

let scene: Scene
let listener: Listener | undefined
beforeEach(async () => {
  scene = await makeScene()
})
afterEach(async () => {
  await listener?.stop()
  listener = undefined
  await scene.end()
})

/** Most that a process has had in memory, in KiB (proc_pid_status(5), VmHWM). */
function peakMemory(pid: number): number {
  try {
    return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0 // it has ended
  }
}

interface Verdict {
  code: number | null
  log: string
  message: string
  peak: number
}

/** Main with a password for bootstrap at a server, which is to be refused. */
async function mainAt(serve: (socket: Socket, connection: number) => void): Promise<Verdict> {
  listener = await listen(serve)
  let peak = 0
  let look: NodeJS.Timeout | undefined
  const main = await scene.job.run(
    MAIN,
    {
      'generate-key': 'ed25519',
      'bootstrap-password': PASSWORD,
      'connect-timeout': '2',
      hosts: `web=me@127.0.0.1:${listener.port} ${fingerprint(KEY.publicKey)} bootstrap`,
    },
    {
      timeout: 60_000,
      onStart: ({ pid = 0 }) => {
        look = setInterval(() => {
          peak = Math.max(peak, peakMemory(pid))
        }, 50)
      },
    },
  )
  clearInterval(look)
  return { code: main.code, log: main.log, message: main.annotations[0]?.message ?? '', peak }
}

/** A server that is honest until somebody logs in. */
function atLogin(misbehave: (side: ServerSide) => void): (socket: Socket) => void {
  return honestStart(KEY, (side) => {
    side.on('authentication', () => {
      misbehave(side)
    })
  })
}

/** One that lets everybody in, and is told the client's channel of each program that it is to run. */
function atProgram(
  misbehave: (side: ServerSide, channel: number) => void,
): (socket: Socket) => void {
  return honestStart(KEY, (side) => {
    side.on('authentication', (context) => {
      context.accept()
    })
    side.on('session', (accept) => {
      accept().on('exec', (run) => {
        const channel = run()
        channel.on('error', () => undefined)
        const { outgoing } = channel as unknown as { outgoing: { id: number } }
        misbehave(side, outgoing.id)
      })
    })
  })
}

async function expectRefused(serve: (socket: Socket) => void, code: string): Promise<void> {
  const before = scene.home.snapshot()
  const main = await mainAt((socket) => {
    serve(socket)
  })
  expect({ code: main.code, message: main.message }).toEqual({
    code: 1,
    message: expect.stringContaining(`[${code}]`) as unknown,
  })
  expect(main.log).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
  expect(main.log).not.toContain(PASSWORD)
  expect(main.peak).toBeLessThan(MOST_MEMORY)
  expect(scene.home.snapshot()).toEqual(before)
  expect(scene.job.processes()).toEqual([])
  expect(readdirSync(scene.job.temp)).toEqual(['_runner_file_commands'])
}

const versioned = (payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${VERSION}\r\n`), encodePacket(payload)])

describeWith(
  ['linux', 'nss_wrapper'],
  'main fails, in time and with nothing left, at a server that',
  () => {
    test.each<[string, (socket: Socket) => void, string]>([
      [
        'talks without end before its version',
        (socket) => {
          flood(socket, 'x\r\n'.repeat(1000))
        },
        'host-not-ssh',
      ],
      ['stalls after its version', (socket) => socket.write(`${VERSION}\r\n`), 'host-timeout'],
      [
        'debugs without end',
        (socket) => {
          socket.write(versioned(kexInit()))
          flood(socket, encodePacket(debug('x'.repeat(30_000))))
        },
        'host-protocol',
      ],
      [
        'disconnects with orders to a terminal',
        (socket) => socket.write(versioned(disconnect(ORDERS))),
        'host-closed',
      ],
      [
        'says at the login, in a disconnect, what a terminal takes for orders',
        atLogin((side) => {
          send(side, disconnect(ORDERS.repeat(500)))
        }),
        'login-refused',
      ],
      [
        'sends banners at the login without end',
        atLogin((side) => {
          const banner = [byte(MESSAGE.banner), string(ORDERS.repeat(500)), string('')]
          floodWith(side, Buffer.concat(banner))
        }),
        'host-timeout',
      ],
    ])('%s', async (_, serve, code) => {
      await expectRefused(serve, code)
    })

    test('answers each script with output without end', async () => {
      const serve = atProgram((side, channel) => {
        // Whatever the window of the channel says (RFC 4254 §5.2).
        const data = string(Buffer.alloc(30_000, 0x78))
        floodWith(side, Buffer.concat([byte(MESSAGE.channelData), uint32(channel), data]))
      })
      await expectRefused(serve, 'remote-shell')
    }, 90_000)

    test('proves the pinned key and logs us in with another: it is never told the password', async () => {
      const asked: string[] = []
      const logins = (side: ServerSide): void => {
        side.on('authentication', (context) => {
          asked.push(context.method)
          context.reject(['password'])
        })
      }
      const honest = honestStart(KEY, logins)
      const stranger = honestStart(OTHER, logins)
      const main = await mainAt((socket, connection) => {
        if (connection === 0) honest(socket)
        else stranger(socket)
      })
      expect(main.message).toContain('[host-key-changed]')
      expect(asked).toEqual([])
      expect(scene.job.processes()).toEqual([])
    })
  },
)

describe('a server that never closes a connection', () => {
  describeWith(['sshd', 'ssh', 'nss_wrapper', 'account'], 'else it is honest', () => {
    // Until connect.ts destroys a connection that the other side does not close.
    test('does not keep main and post from ending', async () => {
      const remote = await makeHome()
      const admin = await makeKey(remote.directory, 'ed25519', { file: 'admin' })
      const sshd = await startSshd({ home: remote, authorizedKeys: [admin.publicKey] })
      listener = await listen((socket) => {
        const server = connect(sshd.port, '127.0.0.1')
        server.on('error', () => undefined)
        socket.pipe(server)
        server.pipe(socket, { end: false })
      })
      try {
        const hosts = `web=${sshd.user}@127.0.0.1:${listener.port} ${sshd.fingerprint()} bootstrap`
        const inputs = { 'generate-key': 'ed25519', 'bootstrap-key': admin.privateKey, hosts }
        const main = await scene.job.run(MAIN, inputs, { timeout: 15_000 })
        expect({ code: main.code, timedOut: main.timedOut }).toEqual({ code: 0, timedOut: false })
        const post = await scene.post(main)
        expect({ code: post.code, timedOut: post.timedOut }).toEqual({ code: 0, timedOut: false })
      } finally {
        await sshd.stop()
        remote.remove()
      }
    })
  })
})
