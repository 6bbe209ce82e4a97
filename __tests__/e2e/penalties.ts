/**
 * A front before an sshd that keeps account as sshd itself does since 9.8 (sshd_config(5),
 * PerSourcePenalties, with its defaults): who connects too often without a login is refused for a while.
 */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sshd } from '../support/sshd'

/** Seconds. */
const PENALTIES = { authfail: 5, noauth: 1 }
const MIN = 15
const MAX = 600

export interface Front {
  port: number
  /** Penalties that were given, in their order. */
  given: (keyof typeof PENALTIES)[]
  /** How many connections were refused for them. */
  refused: () => number
  /** Most seconds of penalty that stood at any time. */
  most: () => number
  connections: () => number
  stop: () => Promise<void>
}

/** @param sshd with LogLevel VERBOSE: its log says what became of a connection */
export async function startFront(sshd: Sshd): Promise<Front> {
  const given: Front['given'] = []
  const sockets = new Set<Socket>()
  let expiry = 0
  let active = false
  let [refused, most, connections] = [0, 0, 0]

  const penalise = (kind: keyof typeof PENALTIES): void => {
    const now = Date.now() / 1000
    given.push(kind)
    if (expiry <= now) active = false
    expiry = Math.min(Math.max(expiry, now) + PENALTIES[kind], now + MAX)
    most = Math.max(most, expiry - now)
    if (expiry - now > MIN) active = true
  }
  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    if (active && expiry > Date.now() / 1000) {
      refused += 1
      socket.resume().end('Not allowed at this time\r\n')
      return
    }
    const upstream = connect({ host: sshd.address, port: sshd.port })
    let port = 0
    sockets.add(upstream)
    upstream.on('error', () => undefined)
    upstream.once('connect', () => {
      port = (upstream.address() as AddressInfo).port
    })
    socket.pipe(upstream)
    upstream.pipe(socket)
    socket.once('close', () => upstream.end())
    upstream.once('close', () => {
      sockets.delete(upstream)
      socket.destroy()
      void endOf(sshd, port).then((kind) => {
        if (kind !== undefined) penalise(kind)
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    given,
    refused: () => refused,
    most: () => most,
    connections: () => connections,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** What the connection from a port cost, once sshd has logged its end. */
async function endOf(sshd: Sshd, port: number): Promise<keyof typeof PENALTIES | undefined> {
  const deadline = Date.now() + 20_000
  for (;;) {
    // A port may have been used before.
    const [, ...rest] = sshd.log().split(new RegExp(`Connection from .* port ${port} on `))
    const lines = (rest.at(-1) ?? '').split('\n').filter((line) => line.includes(`port ${port}`))
    if (lines.some((line) => line.startsWith('Accepted '))) return undefined
    const over = lines.some((line) => line.includes('[preauth]') && /closed|disconnect/i.test(line))
    if (over || Date.now() > deadline) {
      return lines.some((line) => line.startsWith('Failed ')) ? 'authfail' : 'noauth'
    }
    await sleep(20)
  }
}
