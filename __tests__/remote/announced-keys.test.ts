/** Host keys that a server announces after a login: proven ones count, and nothing else. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { generateKeyPairSync } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { Server as SshServer, type Connection as ServerSide } from 'ssh2'
import { listenForAnnouncedKeys } from '../../src/remote/announced-keys'
import { connectTo, type Connection } from '../../src/remote/connect'
import { encodePublicKey, formatPublicKey, parsePublicKey } from '../../src/ssh/public-key'
import { makeSignature } from '../../src/ssh/signature'
import { string } from '../../src/ssh/wire'
import { describeWith } from '../support/programs'
import { startSshd, type Sshd } from '../support/sshd'
import { addressOf, newKey } from './fixtures'

let closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.reverse()) await close()
  closers = []
})

const PATIENCE = 10_000

describeWith(['sshd'], 'keys that sshd announces', () => {
  async function announced(sshd: Sshd, accept: string): Promise<Connection> {
    closers.push(async () => sshd.stop())
    const key = newKey()
    await sshd.setAuthorizedKeys([formatPublicKey(key.publicKey), accept])
    const credentials = { kind: 'key', key } as const
    const client = await connectTo({ ...addressOf(sshd), credentials, timeout: 20_000 })
    closers.push(() => {
      client.end()
    })
    return client
  }

  test('all of its kinds are proven', async () => {
    const sshd = await startSshd({ hostKeys: ['ed25519', 'ecdsa', 'rsa'] })
    const keys = listenForAnnouncedKeys(await announced(sshd, ''))
    const found = await keys.proven(PATIENCE)
    const types = ['ed25519', 'ecdsa', 'rsa'] as const
    const wanted = types.map((type) => parsePublicKey(sshd.publicKey(type)).blob.toString('base64'))
    expect(found.map((blob) => blob.toString('base64')).sort()).toEqual(wanted.sort())
  })

  test('a second key of one type, which no key exchange has shown', async () => {
    const sshd = await startSshd({ hostKeys: ['ed25519', 'ed25519'] })
    const keys = listenForAnnouncedKeys(await announced(sshd, ''))
    expect(await keys.proven(PATIENCE)).toHaveLength(2)
  })

  test('a server that is gone announces nothing more', async () => {
    const sshd = await startSshd()
    const client = await announced(sshd, '')
    const keys = listenForAnnouncedKeys(client)
    client.end()
    expect((await keys.proven(PATIENCE)).length).toBeLessThanOrEqual(1)
  })
})

/** What ssh2's server has inside: it knows neither the announcement nor the proof. */
interface Inside {
  _protocol: {
    _packetRW: { write: { alloc: (size: number) => Buffer; allocStart: number } }
    _handlers: {
      GLOBAL_REQUEST: (protocol: unknown, name: string, reply: boolean, data: unknown) => void
    }
    _kex: { sessionID: Buffer }
    _cipher: { encrypt: (packet: unknown) => void }
    requestSuccess: (data: Buffer) => void
    requestFailure: () => void
  }
}

type Proof = 'right' | 'of another session' | 'by another key' | 'empty' | 'none'

describe('a server in this process', () => {
  const key = newKey()
  const further = generateKeyPairSync('ed25519')
  const stranger = generateKeyPairSync('ed25519')
  const { blob } = encodePublicKey(further.publicKey)

  function proofOf(kind: Proof, sessionId: Buffer): Buffer | undefined {
    if (kind === 'none') return undefined
    if (kind === 'empty') return string(Buffer.alloc(0))
    const session = kind === 'of another session' ? Buffer.alloc(sessionId.length, 1) : sessionId
    const signer = kind === 'by another key' ? stranger : further
    // PROTOCOL of OpenSSH, section 2.5.
    const data = [string('hostkeys-prove-00@openssh.com'), string(session), string(blob)]
    return string(makeSignature('ssh-ed25519', signer.privateKey, Buffer.concat(data), 'sha512'))
  }

  async function loggedIn(proof: Proof): Promise<Connection> {
    const host = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = host.privateKey.export({ format: 'pem', type: 'pkcs1' }).toString()
    const server = new SshServer({ hostKeys: [pem], ident: 'OpenSSH_9.9' }, (side: ServerSide) => {
      side.on('error', () => undefined)
      side.on('authentication', (context) => {
        context.accept()
      })
      side.once('ready', () => {
        const { _protocol: protocol } = side as unknown as Inside
        const handle = protocol._handlers.GLOBAL_REQUEST
        protocol._handlers.GLOBAL_REQUEST = (self, name, reply, data) => {
          if (name !== 'hostkeys-prove-00@openssh.com') {
            handle(self, name, reply, data)
            return
          }
          const answer = proofOf(proof, protocol._kex.sessionID)
          if (answer === undefined) protocol.requestFailure()
          else protocol.requestSuccess(answer)
        }
        announce(protocol, blob)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => {
      server.close()
    })
    const client = await connectTo({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      user: 'somebody',
      hostKey: encodePublicKey(host.publicKey).blob,
      credentials: { kind: 'key', key },
      timeout: 10_000,
    })
    closers.push(() => {
      client.end()
    })
    return client
  }

  /** SSH_MSG_GLOBAL_REQUEST (RFC 4254 §4) without a reply. */
  function announce(protocol: Inside['_protocol'], hostKey: Buffer): void {
    const payload = Buffer.concat([
      Buffer.from([80]),
      string('hostkeys-00@openssh.com'),
      Buffer.from([0]),
      string(hostKey),
    ])
    const { write } = protocol._packetRW
    const packet = write.alloc(payload.length)
    payload.copy(packet, write.allocStart)
    protocol._cipher.encrypt(packet)
  }

  test('is believed where the proof is right', async () => {
    expect(await listenForAnnouncedKeys(await loggedIn('right')).proven(PATIENCE)).toEqual([blob])
  })

  test.each<Proof>(['of another session', 'by another key', 'empty', 'none'])(
    'is not believed where the proof is %s',
    async (proof) => {
      expect(await listenForAnnouncedKeys(await loggedIn(proof)).proven(500)).toEqual([])
    },
  )
})
