/** The control channel: what the holder of the token gets from an agent that listens, and errors. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import {
  agentStatus,
  giveCertificate,
  signForProvenHost,
  stopAgent,
  type AgentAddress,
} from '../../src/agent/control'
import { listen } from '../../src/agent/server'
import type { AgentState } from '../../src/agent/state'
import { signatureAlgorithm, verifySignature } from '../../src/ssh/signature'
import { runProgram } from '../local/compiled'
import { makeDirectory } from '../support/scratch'
import {
  certificateOf,
  identityOf,
  keyOf,
  policyHost,
  SESSION,
  stateOf,
  userauth,
} from './fixtures'

const web = keyOf('web')
const me = identityOf('me')
const rsa = identityOf('rsa', 'ssh-rsa')
const pinned = { mode: 'pinned', hosts: [policyHost(web)] } as const
const proven = { hostKey: web.publicKey, sessionId: SESSION }
const unproven = { hostKey: me.blob, sessionId: SESSION }

const undo: (() => unknown)[] = []
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step()
})

async function serve(state: AgentState): Promise<AgentAddress> {
  const socket = join(makeDirectory(), 'agent.sock')
  const server = await listen(socket, state)
  undo.push(() => server.close())
  return { socket, token: state.token }
}

const refused = { code: 'agent-control' }

describe('signForProvenHost', () => {
  test.each([
    ['ed25519', me, 0, 'ssh-ed25519'],
    ['rsa-sha2-256', rsa, 2, 'rsa-sha2-256'],
    ['rsa-sha2-512', rsa, 4, 'rsa-sha2-512'],
  ])('a signature that verifies, for a pinned host: %s', async (_, identity, flags, algorithm) => {
    const state = stateOf({ identities: [me, rsa], policy: pinned })
    const agent = await serve(state)
    const data = userauth({ key: identity.blob })
    const signature = await signForProvenHost(agent, proven, identity.blob, data, flags)
    expect(signatureAlgorithm(signature)).toBe(algorithm)
    expect(verifySignature(identity.blob, signature, data)).toBe(true)
    expect(state.audit.entries).toMatchObject([
      { verdict: 'signed', reason: 'host-pinned', host: 'web' },
    ])
  })

  test.each([
    ['a host that is not pinned', unproven, userauth({ key: me.blob }), 'host-not-pinned'],
    [
      'another session',
      proven,
      userauth({ key: me.blob, sessionId: Buffer.of(1) }),
      'session-mismatch',
    ],
    ['what is no login', proven, Buffer.from('data'), 'not-userauth'],
  ])('refused for %s, and told', async (_, host, data, reason) => {
    const state = stateOf({ identities: [me], policy: pinned })
    const agent = await serve(state)
    await expect(signForProvenHost(agent, host, me.blob, data, 0)).rejects.toMatchObject(refused)
    expect(state.audit.entries).toMatchObject([{ verdict: 'refused', reason }])
  })

  test('refused without the token: the bind already, so nothing is signed even in warn', async () => {
    const policy = { mode: 'warn', hosts: [policyHost(web)] } as const
    const agent = { ...(await serve(stateOf({ identities: [me], policy }))), token: 'guess' }
    const signed = signForProvenHost(agent, proven, me.blob, userauth({ key: me.blob }), 0)
    await expect(signed).rejects.toThrow('The agent refused to bind the connection.')
  })
})

test('agentStatus tells mode, identities and counts; not without the token', async () => {
  const agent = await serve(stateOf({ identities: [me], policy: pinned }))
  expect(await agentStatus(agent)).toEqual({
    pid: process.pid,
    mode: 'pinned',
    locked: false,
    signatures: 0,
    identities: [{ fingerprint: me.fingerprint, comment: 'me' }],
    audit: { written: 0, omitted: 0 },
  })
  await expect(agentStatus({ ...agent, token: '' })).rejects.toMatchObject(refused)
})

test('agentStatus tells of a locked agent', async () => {
  const state = stateOf({ identities: [me] })
  await state.lock.lock(Buffer.from('secret'))
  expect(await agentStatus(await serve(state))).toMatchObject({ locked: true })
})

describe('giveCertificate', () => {
  const certificate = certificateOf(me.privateKey)

  test('serves it before its key', async () => {
    const state = stateOf({ identities: [me] })
    await giveCertificate(await serve(state), certificate)
    expect(state.identities.map(({ blob }) => blob)).toEqual([certificate, me.blob])
  })

  test.each([
    ["a stranger's", certificateOf(keyOf('stranger')), 'token'],
    ['half of one', certificate.subarray(0, -1), 'token'],
    ['one without the token', certificate, 'guess'],
  ])('is refused %s', async (_, given, token) => {
    const state = stateOf({ identities: [me] })
    const agent = { ...(await serve(state)), token }
    await expect(giveCertificate(agent, given)).rejects.toMatchObject({
      ...refused,
      message: 'The agent refused to take the certificate.',
    })
    expect(state.identities).toEqual([me])
  })
})

test('stopAgent calls stop, once; not without the token', async () => {
  let stops = 0
  const state = stateOf({
    stop: () => {
      stops += 1
    },
  })
  const agent = await serve(state)
  await expect(stopAgent({ ...agent, token: 'guess' })).rejects.toMatchObject(refused)
  expect(stops).toBe(0)
  await stopAgent(agent)
  await agentStatus(agent) // one more round trip: stop comes after the answer
  expect(stops).toBe(1)
})

describe('what is no agent', () => {
  const path = (): string => join(makeDirectory(), 'agent.sock')

  /** Something that answers `reply` to whatever comes, and hangs up. */
  async function impostor(reply: string | Buffer): Promise<AgentAddress> {
    const socket = path()
    const server = createServer((connection) => {
      connection.on('error', () => undefined)
      connection.once('data', () => connection.end(reply))
    })
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    undo.push(() => server.close())
    return { socket, token: 'token' }
  }

  test('nobody there', async () => {
    const socket = path()
    await expect(stopAgent({ socket, token: '' })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining("can't be reached"),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    })
    writeFileSync(socket, '')
    await expect(stopAgent({ socket, token: '' })).rejects.toMatchObject(refused)
  })

  test('somebody who hangs up, or answers half a message', async () => {
    for (const reply of ['', Buffer.of(0, 0, 0, 9, 6)]) {
      await expect(stopAgent(await impostor(reply))).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining('closed the connection'),
      })
    }
  })

  test('somebody who says only FAILURE', async () => {
    const agent = await impostor(Buffer.of(0, 0, 0, 1, 5))
    await expect(stopAgent(agent)).rejects.toMatchObject(refused)
    await expect(agentStatus(agent)).rejects.toMatchObject(refused)
  })

  test('somebody who speaks another protocol', async () => {
    // In a process of its own: the frame reader throws inside the socket's event, past all catches.
    const { socket } = await impostor('HTTP/1.1 400\r\n')
    const program = `load('agent/control').stopAgent({ socket: args[0], token: '' })
      .catch((error) => console.log(error.code))`
    expect(await runProgram(program, socket)).toMatchObject({ code: 0, stdout: 'agent-control\n' })
  })

  test('somebody whose status is none', async () => {
    await expect(agentStatus(await impostor(Buffer.of(0, 0, 0, 1, 29)))).rejects.toMatchObject(
      refused,
    )
  })
})
