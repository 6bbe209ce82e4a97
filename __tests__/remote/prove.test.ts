/** Servers that don't prove their key: each way of failing is its own error, in bounded time and memory. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { TrustError } from '../../src/errors'
import { hostKeyAlgorithms } from '../../src/ssh/key-exchange'
import { encodePacket } from '../../src/ssh/transport'
import { byte, nameList, string, uint32 } from '../../src/ssh/wire'
import { proveHostKey } from '../../src/remote/prove'
import { describeWith } from '../support/programs'
import { startSshd, type Sshd } from '../support/sshd'

const VERSION = 'SSH-2.0-test\r\n'
const servers: Server[] = []

afterEach(async () => {
  await Promise.all(
    servers.splice(0).map(async (server) => new Promise((resolve) => server.close(resolve))),
  )
})

/** A server that does `serve` with each connection; its port. */
async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.resume() // else the end of the client would go unnoticed
    serve(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function failure(port: number, timeout = 5000, host = '127.0.0.1'): Promise<TrustError> {
  try {
    await proveHostKey({ host, port }, hostKeyAlgorithms('ssh-ed25519'), timeout)
  } catch (error) {
    if (error instanceof TrustError) return error
    throw error
  }
  throw new Error('nothing failed')
}

/** A server's KEXINIT (RFC 4253 §7.1). */
function kexInit(methods: string[], hostKeys: string[]): Buffer {
  const lists = [methods, hostKeys, ...new Array<string[]>(8).fill([])].map(nameList)
  return encodePacket(Buffer.concat([byte(20), Buffer.alloc(16), ...lists, byte(0), uint32(0)]))
}

describe('a server that does not prove its key', () => {
  test.each<[string, (socket: Socket) => void, string, string]>([
    [
      'speaks HTTP',
      (s) => s.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'host-not-ssh',
      'HTTP/1.1 400',
    ],
    ['speaks SSH 1', (s) => s.write('SSH-1.5-old\r\n'), 'host-not-ssh', 'SSH-1.5-old'],
    ['closes at once', (s) => s.end(), 'host-closed', 'closed the connection'],
    [
      'says why it closes',
      (s) => s.end('Exceeded MaxStartups\r\n'),
      'host-closed',
      'It said: "Exceeded MaxStartups"',
    ],
    ['resets', (s) => s.resetAndDestroy(), 'host-closed', 'closed the connection'],
    [
      'talks without end before its version',
      (s) => {
        const talk = (): void => {
          while (!s.destroyed && s.write('x'.repeat(1000) + '\r\n'));
        }
        s.on('drain', talk)
        talk()
      },
      'host-not-ssh',
      'xxx',
    ],
    [
      'disconnects',
      (s) => {
        s.write(VERSION)
        const text = Buffer.concat([byte(1), uint32(11), string('go away'), string('')])
        s.write(encodePacket(text))
      },
      'host-closed',
      'go away',
    ],
    [
      'sends a packet that is too long',
      (s) => s.write(Buffer.concat([Buffer.from(VERSION), uint32(0x7fffffff), byte(4)])),
      'host-protocol',
      'impossible length',
    ],
    [
      'sends debug messages without end',
      (s) => {
        s.write(VERSION)
        const debug = encodePacket(
          Buffer.concat([byte(4), byte(0), string('x'.repeat(9000)), string('')]),
        )
        const talk = (): void => {
          while (!s.destroyed && s.write(debug));
        }
        s.on('drain', talk)
        talk()
      },
      'host-protocol',
      'bytes without proving',
    ],
    [
      'sends a truncated negotiation',
      (s) => s.write(Buffer.concat([Buffer.from(VERSION), encodePacket(Buffer.from([20, 1, 2]))])),
      'host-protocol',
      'broke the protocol',
    ],
    [
      'has no key exchange in common',
      (s) =>
        s.write(
          Buffer.concat([
            Buffer.from(VERSION),
            kexInit(['diffie-hellman-group1-sha1'], ['ssh-ed25519']),
          ]),
        ),
      'host-no-common-algorithm',
      'diffie-hellman-group1-sha1',
    ],
    [
      'has no key of the kind',
      (s) =>
        s.write(Buffer.concat([Buffer.from(VERSION), kexInit(['curve25519-sha256'], ['ssh-rsa'])])),
      'host-key-type-absent',
      'ssh-rsa',
    ],
    [
      'answers the exchange with nonsense',
      (s) => {
        s.write(
          Buffer.concat([Buffer.from(VERSION), kexInit(['curve25519-sha256'], ['ssh-ed25519'])]),
        )
        s.write(encodePacket(Buffer.concat([byte(31), string('a'), string('b'), string('c')])))
      },
      'host-protocol',
      'exchange',
    ],
    [
      'sends an unexpected message',
      (s) => s.write(Buffer.concat([Buffer.from(VERSION), encodePacket(byte(99))])),
      'host-protocol',
      '99',
    ],
  ])('%s', async (_name, serve, code, words) => {
    const error = await failure(await listen(serve))
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
  })

  test.each<[string, (socket: Socket) => void, string]>([
    ['the version', () => undefined, 'its version line'],
    ['the negotiation', (s) => s.write(VERSION), 'the negotiation'],
    [
      'the key exchange',
      (s) =>
        s.write(
          Buffer.concat([Buffer.from(VERSION), kexInit(['curve25519-sha256'], ['ssh-ed25519'])]),
        ),
      'the key exchange',
    ],
  ])('stalls before %s: a timeout that says so', async (_name, serve, phase) => {
    const error = await failure(await listen(serve), 300)
    expect(error.code).toBe('host-timeout')
    expect(error.message).toContain(phase)
  })

  test('nothing listens', async () => {
    const port = await listen(() => undefined)
    const [server] = servers.splice(0)
    await new Promise((resolve) => server?.close(resolve))
    expect((await failure(port)).code).toBe('host-refused')
  })

  test('there is no such name', async () => {
    // RFC 6761 §6.4: .invalid never resolves.
    expect((await failure(22, 5000, 'nothing.invalid')).code).toBe('host-not-found')
  })
})

describeWith(['sshd'], 'a real server proves its key', () => {
  test.each([
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
  ])('by %s', async (method) => {
    const sshd: Sshd = await startSshd({ extraConfig: [`KexAlgorithms ${method}`] })
    try {
      const address = { host: '127.0.0.1', port: sshd.port }
      const proof = await proveHostKey(address, hostKeyAlgorithms('ssh-ed25519'), 10_000)
      expect(proof.hostKey.toString('base64')).toBe(sshd.publicKey().split(' ')[1])
    } finally {
      await sshd.stop()
    }
  })
})
