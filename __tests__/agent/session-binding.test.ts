/** session-bind@openssh.com: each rule of OpenSSH's process_ext_session_bind, and poisoning. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { bindSession, noBindings, record, type Bindings } from '../../src/agent/session-binding'
import { KEY_TYPES } from '../../src/ssh/public-key'
import { string } from '../../src/ssh/wire'
import { testWith } from '../support/programs'
import { bindContents, binding, keyOf, realHostCertificate, SESSION } from './fixtures'

const host = keyOf('host')
const other = keyOf('other')
const sid = (n: number): Buffer => Buffer.alloc(32, n)

function bindAll(...contents: Buffer[]): { bindings: Bindings; defects: (string | undefined)[] } {
  const bindings = noBindings()
  return { bindings, defects: contents.map((one) => bindSession(bindings, one)) }
}

describe('a valid bind', () => {
  test.each(KEY_TYPES)('is recorded with its host key, session and purpose: %s', (type) => {
    const key = keyOf('host', type)
    for (const forwarding of [false, true]) {
      const { bindings, defects } = bindAll(bindContents(key, { forwarding }))
      expect(defects).toEqual([undefined])
      expect(bindings).toEqual({
        list: [{ hostKey: key.publicKey, sessionId: SESSION, forwarding }],
        failed: false,
      })
    }
  })

  testWith(['ssh-keygen'], 'holds for a host certificate, by its key', async () => {
    const { host: certified, certificate } = await realHostCertificate()
    const good = bindAll(bindContents(certified, { hostKey: certificate }))
    expect(good.defects).toEqual([undefined])
    expect(good.bindings.list.map(({ hostKey }) => hostKey)).toEqual([certificate])
    const bad = bindAll(bindContents(other, { hostKey: certificate }))
    expect(bad.defects).toEqual(["the host key's signature is not valid"])
  })

  test.each([1, 128])('may have a session id of %i bytes', (length) => {
    const { defects } = bindAll(bindContents(host, { sessionId: Buffer.alloc(length, 5) }))
    expect(defects).toEqual([undefined])
  })

  test('does not keep the memory that the message came in', () => {
    const contents = bindContents(host)
    const { bindings } = bindAll(contents)
    contents.fill(0)
    expect(bindings.list).toEqual([binding(host)])
  })
})

describe('several binds', () => {
  const hop = bindContents(host, { sessionId: sid(1), forwarding: true })
  const sameAgain = bindContents(host, { sessionId: sid(1) })
  const login = bindContents(other, { sessionId: sid(2) })

  test.each<[string, Buffer[], (string | undefined)[], number]>([
    ['a hop, then a login', [hop, login], [undefined, undefined], 2],
    ['the same twice counts once', [hop, hop], [undefined, undefined], 1],
    [
      'a login in a session that was bound as a hop stays a hop',
      [hop, sameAgain],
      [undefined, undefined],
      1,
    ],
    [
      'another session with a host key seen before',
      [hop, bindContents(host, { sessionId: sid(3), forwarding: true })],
      [undefined, undefined],
      2,
    ],
    [
      'a session bound to another key before',
      [hop, bindContents(other, { sessionId: sid(1), forwarding: true })],
      [undefined, 'the session was bound to another host key before'],
      1,
    ],
    [
      'anything after a login',
      [login, hop],
      [undefined, 'the connection was bound for a login before'],
      1,
    ],
    [
      'the same login again',
      [login, login],
      [undefined, 'the connection was bound for a login before'],
      1,
    ],
  ])('%s', (_, contents, expected, recorded) => {
    const { bindings, defects } = bindAll(...contents)
    expect(defects).toEqual(expected)
    expect(bindings.list).toHaveLength(recorded)
    expect(bindings.list[0]?.forwarding).toBe(contents[0] === hop)
    expect(bindings.failed).toBe(expected.some((defect) => defect !== undefined))
  })

  test('sixteen sessions are taken, the seventeenth is not', () => {
    const hops = Array.from({ length: 17 }, (_, n) =>
      bindContents(host, { sessionId: sid(n), forwarding: true }),
    )
    const { bindings, defects } = bindAll(...hops)
    expect(defects.slice(0, 16).every((defect) => defect === undefined)).toBe(true)
    expect(defects[16]).toBe('more than 16 sessions')
    expect(bindings.list).toHaveLength(16)
    expect(bindings.failed).toBe(true)
  })
})

describe('a bind that fails', () => {
  const dss = Buffer.concat([string('ssh-dss'), string('x')])
  const cases: readonly (readonly [string, Buffer, string | RegExp])[] = [
    ['another signature', bindContents(host, { signed: sid(9) }), /signature is not valid/],
    ["another host's signature", bindContents(other, { hostKey: host.publicKey }), /not valid/],
    ['an empty session id', bindContents(host, { sessionId: Buffer.alloc(0) }), /id of 0 bytes/],
    ['a long session id', bindContents(host, { sessionId: Buffer.alloc(129) }), /id of 129 bytes/],
    ['a host key that is none', bindContents(host, { hostKey: Buffer.from('x') }), /Malformed/],
    ['an empty host key', bindContents(host, { hostKey: Buffer.alloc(0) }), /Malformed/],
    ['a DSA host key', bindContents(host, { hostKey: dss }), /DSA/],
    ['something behind it', Buffer.concat([bindContents(host), Buffer.of(0)]), /1 bytes too many/],
    ['nothing in it', Buffer.alloc(0), /Malformed/],
  ]

  test.each(cases)('%s: tells the defect, poisons, records nothing', (_, contents, defect) => {
    const { bindings, defects } = bindAll(contents)
    expect(defects).toEqual([expect.stringMatching(defect)])
    expect(bindings).toEqual({ list: [], failed: true })
  })

  test('cut short at any length, it fails and does not throw', () => {
    const whole = bindContents(host)
    for (let length = 0; length < whole.length; length += 1) {
      const { bindings, defects } = bindAll(whole.subarray(0, length))
      expect(defects).toEqual([expect.any(String)])
      expect(bindings).toEqual({ list: [], failed: true })
    }
  })

  test('arbitrary contents fail and do not throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const { bindings, defects } = bindAll(Buffer.from(bytes))
        expect(defects).toEqual([expect.any(String)])
        expect(bindings.failed).toBe(true)
      }),
    )
  })

  test('poisons for good: what was bound stays, a good bind after it does not heal', () => {
    const hop = bindContents(host, { sessionId: sid(1), forwarding: true })
    const { bindings, defects } = bindAll(hop, Buffer.of(1), bindContents(other))
    expect(defects).toEqual([undefined, expect.any(String), undefined])
    expect(bindings.failed).toBe(true)
    expect(bindings.list).toHaveLength(2)
  })
})

test('record() asks for no signature, and its defects do not poison', () => {
  const bindings = noBindings()
  expect(record(bindings, binding(host))).toBeUndefined()
  expect(record(bindings, binding(other))).toBe('the connection was bound for a login before')
  expect(bindings).toEqual({ list: [binding(host)], failed: false })
})
