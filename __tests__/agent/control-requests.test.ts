/** The agent's side of the control channel: what the holder of the token gets, and nobody else. */
import { describe, expect, test } from '@jest/globals'
import { control } from '../../src/agent/control-requests'
import { EXTENSION_FAILURE, FAILURE, SUCCESS } from '../../src/agent/messages'
import { noBindings } from '../../src/agent/session-binding'
import type { AgentState } from '../../src/agent/state'
import { Reader, string, uint32 } from '../../src/ssh/wire'
import { extensionMessage, LIST, message } from '../support/agent-client'
import {
  binding,
  bound,
  certificateOf,
  identityOf,
  keyOf,
  policyHost,
  reply,
  SESSION,
  stateOf,
} from './fixtures'

const CONTROL = 'control@ssh-trust-action'
const web = keyOf('web')
const me = identityOf('me')
const you = identityOf('you')
const pinned = { mode: 'pinned', hosts: [policyHost(web)] } as const
const certificate = certificateOf(me.privateKey)

const bind = {
  op: 'bind',
  hostKey: web.publicKey.toString('base64'),
  sessionId: SESSION.toString('base64'),
}
const certify = { op: 'certify', certificate: certificate.toString('base64') }

function request(op: unknown, token = 'token'): Buffer {
  const text = typeof op === 'string' ? op : JSON.stringify(op)
  return extensionMessage(CONTROL, Buffer.concat([string(token), string(text)]))
}

describe('status', () => {
  function statusOf(state: AgentState): unknown {
    const reader = new Reader(reply(request({ op: 'status' }), noBindings(), state))
    expect([reader.byte(), reader.text()]).toEqual([29, CONTROL])
    const status: unknown = JSON.parse(reader.text())
    reader.end('the status')
    return status
  }
  const status = {
    pid: process.pid,
    mode: 'pinned',
    locked: false,
    signatures: 3,
    identities: [{ fingerprint: me.fingerprint, comment: 'me' }],
    audit: { written: 0, omitted: 0 },
  }

  test('tells mode, lock, signatures, identities and counts', () => {
    expect(statusOf(stateOf({ identities: [me], policy: pinned, signatures: 3 }))).toEqual(status)
  })

  test('is told by a locked agent, too', async () => {
    const state = stateOf({ identities: [me], policy: pinned, signatures: 3 })
    await state.lock.lock(Buffer.from('secret'))
    expect(statusOf(state)).toEqual({ ...status, locked: true })
  })

  test('leaves out what has expired', () => {
    const gone = { ...you, expires: performance.now() }
    expect(statusOf(stateOf({ identities: [gone, me] }))).toMatchObject({
      identities: status.identities,
      audit: { written: 1 },
    })
  })
})

test('stop: SUCCESS first, then the end', async () => {
  const order: string[] = []
  await new Promise<void>((resolve) => {
    const stop = (): void => {
      order.push('stop')
      resolve()
    }
    expect(reply(request({ op: 'stop' }), noBindings(), stateOf({ stop }))).toEqual(SUCCESS)
    order.push('reply')
  })
  expect(order).toEqual(['reply', 'stop'])
})

test('bind: as a session-bind, with the token for a signature', () => {
  const bindings = noBindings()
  const state = stateOf({ identities: [me], policy: pinned })
  expect(reply(request(bind), bindings, state)).toEqual(SUCCESS)
  expect(bindings).toEqual({ ...bound(binding(web)), byControl: state })
  expect(reply(request(bind), bindings, state)).toEqual(EXTENSION_FAILURE)
  expect(bindings).toEqual({ ...bound(binding(web)), byControl: state })
})

describe('certify', () => {
  const send = (state: AgentState, bytes = certificate): Buffer =>
    reply(request({ ...certify, certificate: bytes.toString('base64') }), noBindings(), state)

  test('serves the certificate before its key', () => {
    const state = stateOf({ identities: [you, me] })
    expect(send(state)).toEqual(SUCCESS)
    expect(state.identities).toEqual([you, { ...me, blob: certificate }, me])
  })

  test.each([
    ['confirmation', { confirm: true }],
    ['a lifetime', { expires: performance.now() + 1e6 }],
    [
      'destinations',
      {
        destinations: [
          { to: { hostname: 'web', keys: [{ blob: web.publicKey, authority: false }] } },
        ],
      },
    ],
  ])('what is asked of the key holds for its certificate: %s', (_, constraints) => {
    const state = stateOf({ identities: [{ ...me, ...constraints }] })
    expect(send(state)).toEqual(SUCCESS)
    expect(state.identities).toEqual([
      { ...me, ...constraints, blob: certificate },
      { ...me, ...constraints },
    ])
  })

  test.each<[string, Buffer, Buffer]>([
    ["a stranger's certificate", certificateOf(keyOf('stranger')), EXTENSION_FAILURE],
    ['a certificate that is cut short', certificate.subarray(0, -1), FAILURE],
    ['a plain key', me.blob, FAILURE],
    ['nothing', Buffer.alloc(0), FAILURE],
  ])('refuses %s', (_, bytes, expected) => {
    const state = stateOf({ identities: [me] })
    expect(send(state, bytes)).toEqual(expected)
    expect(state.identities).toEqual([me])
  })

  test('refuses what has no key any more', () => {
    const state = stateOf({ over: true })
    expect(send(state)).toEqual(EXTENSION_FAILURE)
    expect(state.identities).toEqual([])
  })
})

describe('without the token', () => {
  test.each(['', 'Token', 'token ', 'x'.repeat(64)])('%j gets nothing', (token) => {
    for (const op of [{ op: 'status' }, { op: 'stop' }, bind, certify]) {
      const bindings = noBindings()
      const state = stateOf({
        identities: [me],
        stop: () => {
          throw new Error('stopped')
        },
      })
      expect(reply(request(op, token), bindings, state)).toEqual(EXTENSION_FAILURE)
      expect(bindings).toEqual(noBindings())
      expect(state.identities).toEqual([me])
    }
  })

  test('a token that is too long is FAILURE', () => {
    expect(reply(request(bind, 'x'.repeat(257)), noBindings(), stateOf())).toEqual(FAILURE)
  })
})

describe('a request that can not be read', () => {
  test.each([
    ['no JSON', 'garbage'],
    ['torn JSON', '{"op":"status"'],
    ['null', 'null'],
    ['a bind without keys', '{"op":"bind"}'],
    ['a bind of a number', '{"op":"bind","hostKey":7,"sessionId":7}'],
    ['a certificate that is a number', '{"op":"certify","certificate":7}'],
  ])('%s is FAILURE', (_, text) => {
    const bindings = noBindings()
    expect(reply(request(text), bindings, stateOf())).toEqual(FAILURE)
    expect(bindings).toEqual(noBindings())
  })

  test.each([Buffer.alloc(0), string('token'), Buffer.concat([string('token'), uint32(9)])])(
    'cut short it is FAILURE (%#)',
    (contents) => {
      expect(reply(extensionMessage(CONTROL, contents), noBindings(), stateOf())).toEqual(FAILURE)
      expect(() => control(contents, noBindings(), stateOf())).toThrow('Malformed')
    },
  )

  test.each(['{"op":"grow"}', '{}', '7', '"stop"', '[]'])('%s is refused', (text) => {
    expect(reply(request(text), noBindings(), stateOf())).toEqual(EXTENSION_FAILURE)
  })
})

test('nothing of it is a secret to the plain protocol: the list is the same after it', () => {
  const state = stateOf({ identities: [me] })
  const before = reply(message(LIST), noBindings(), state)
  reply(request(certify, 'guess'), noBindings(), state)
  reply(request(bind, 'guess'), noBindings(), state)
  expect(reply(message(LIST), noBindings(), state)).toEqual(before)
  expect(state.audit.entries).toEqual([])
})
