/** Many servers at once: all side by side within a bound, and never two connections to one. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { verifyHosts, type HostResult, type Target } from '../../src/remote/verify-hosts'
import { parsePin } from '../../src/ssh/pin'
import { describeWith, testWith } from '../support/programs'
import { startSshd } from '../support/sshd'

const PIN = parsePin(`SHA256:${'A'.repeat(43)}`)
const servers: Server[] = []

afterEach(async () => {
  await Promise.all(
    servers.splice(0).map(async (server) => new Promise((resolve) => server.close(resolve))),
  )
})

/** A server on every loopback address that lets clients wait, and counts them. */
async function silent(
  address: string,
): Promise<{ port: number; most: () => number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  let most = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    most = Math.max(most, sockets.size)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.resume()
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return { port: (server.address() as AddressInfo).port, most: () => most, sockets }
}

const codes = (results: readonly HostResult[]): string[] =>
  results.map((result) => (result.status === 'unreachable' ? result.error.code : result.status))

describe('servers that do not answer', () => {
  testWith(['linux'], 'are waited for side by side, 64 at the most', async () => {
    const { port, most } = await silent('0.0.0.0')
    const targets = Array.from({ length: 100 }, (_, i) => ({
      host: `127.0.1.${i + 1}`,
      port,
      pins: [PIN],
    }))
    const results = await verifyHosts(targets, 1000)
    expect(codes(results)).toEqual(targets.map(() => 'host-timeout'))
    // The server hears of a connection's end a little after the next has begun.
    expect(most()).toBeGreaterThanOrEqual(64)
    expect(most()).toBeLessThan(72)
  })

  test('are asked one after another where they are one host', async () => {
    const here = await Promise.all([1, 2, 3].map(async () => silent('127.0.0.1')))
    const atOnce: number[] = []
    const timer = setInterval(() => {
      atOnce.push(here.reduce((sum, { sockets }) => sum + sockets.size, 0))
    }, 10)
    const targets = here.map(({ port }) => ({ host: '127.0.0.1', port, pins: [PIN] }))
    const results = await verifyHosts(targets, 300)
    clearInterval(timer)
    expect(codes(results)).toEqual(['host-timeout', 'host-timeout', 'host-timeout'])
    expect(Math.max(...atOnce)).toBe(1)
  })

  test('no targets: no results', async () => {
    expect(await verifyHosts([], 1000)).toEqual([])
  })
})

describeWith(['sshd'], 'among real servers', () => {
  test('one that does not answer keeps nobody else from being proven, in the order asked', async () => {
    const sshd = await startSshd({ hostKeys: ['ed25519', 'rsa'] })
    const mute = await silent('127.0.0.1')
    try {
      const address = { host: '127.0.0.1', port: sshd.port }
      const targets: Target[] = [
        { host: 'localhost', port: mute.port, pins: [PIN] },
        { ...address, pins: [parsePin(sshd.fingerprint('rsa'))] },
        { ...address, pins: [PIN] },
        { ...address, pins: [parsePin(sshd.publicKey('rsa').split(' ', 2).join(' '))] },
      ]
      const results = await verifyHosts(targets, 3000)
      expect(codes(results)).toEqual(['host-timeout', 'ok', 'changed', 'ok'])
      // A server with two kinds of key was asked for both before it was called changed.
      expect(results[2]).toMatchObject({ offered: { length: 2 } })
      // A bare fingerprint says no type, so the ed25519 key that came first makes no pin stale.
      expect(results[1]).toMatchObject({ stale: [] })
    } finally {
      await sshd.stop()
    }
  })
})
