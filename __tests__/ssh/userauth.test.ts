/** Requests to log in (RFC 4252 §7, and OpenSSH's hostbound method), whole, short, long and others. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { beginsAsUserauth, parseUserauthRequest } from '../../src/ssh/userauth'
import { boolean, byte, string } from '../../src/ssh/wire'
import { damaged, sample, truncations } from './samples'

const HOSTBOUND = 'publickey-hostbound-v00@openssh.com'
const sessionId = Buffer.alloc(32, 7)
const key = sample().blob
const hostKey = sample('ecdsa-sha2-nistp256').blob

interface Parts {
  sessionId?: Buffer
  message?: number
  user?: string
  service?: string
  method?: string
  signatureFollows?: boolean
  rest?: Buffer
}

function request(parts: Parts): Buffer {
  return Buffer.concat([
    ...[string(parts.sessionId ?? sessionId), byte(parts.message ?? 50)],
    ...[string(parts.user ?? 'git'), string(parts.service ?? 'ssh-connection')],
    ...[string(parts.method ?? 'publickey'), boolean(parts.signatureFollows ?? true)],
    ...[string('ssh-ed25519'), string(key), parts.rest ?? Buffer.alloc(0)],
  ])
}

const plain = request({})
const hostbound = request({ method: HOSTBOUND, rest: string(hostKey) })
const asked = { sessionId, user: 'git', service: 'ssh-connection', algorithm: 'ssh-ed25519', key }

test('a publickey request is read', () => {
  expect(parseUserauthRequest(plain)).toEqual({ ...asked, method: 'publickey' })
})

test('a hostbound request is read, with its host key', () => {
  expect(parseUserauthRequest(hostbound)).toEqual({ ...asked, method: HOSTBOUND, hostKey })
})

describe.each([
  ['publickey', plain],
  ['hostbound', hostbound],
])('a %s request', (_, whole) => {
  test('that is cut short anywhere is none', () => {
    const read = truncations(whole).map(parseUserauthRequest)
    expect(read.filter((result) => result !== undefined)).toEqual([])
  })

  test('with anything after it is none', () => {
    for (const more of [byte(0), byte(255), string(''), string(hostKey)]) {
      expect(parseUserauthRequest(Buffer.concat([whole, more]))).toBeUndefined()
    }
  })

  test('that is damaged never throws, and is never taken for a request to sign something else', () => {
    fc.assert(
      fc.property(damaged(whole), (bytes) => {
        const read = parseUserauthRequest(bytes)
        if (read === undefined) return
        expect(['publickey', HOSTBOUND]).toContain(read.method)
        expect(read.hostKey === undefined).toBe(read.method === 'publickey')
        expect(read.service).toBe('ssh-connection')
        expect(read.sessionId.length).toBeGreaterThan(0)
      }),
      { numRuns: 500 },
    )
  })
})

test.each<[string, Parts]>([
  ['another message', { message: 51 }],
  ['another service', { service: 'ssh-userauth' }],
  ['another method', { method: 'hostbased' }],
  ['no method', { method: '' }],
  ['a method that only begins alike', { method: 'publickey-hostbound', rest: string(hostKey) }],
  ['a hostbound method without a host key', { method: HOSTBOUND }],
  ['a publickey method with a host key', { rest: string(hostKey) }],
  ['no signature to follow', { signatureFollows: false }],
  ['no session id', { sessionId: Buffer.alloc(0) }],
  ['a session id that is too long', { sessionId: Buffer.alloc(129) }],
  ['a user name that is too long', { user: 'x'.repeat(1025) }],
  ['a service name that is too long', { service: 'x'.repeat(257) }],
])('%s: undefined', (_, parts) => {
  expect(parseUserauthRequest(request(parts))).toBeUndefined()
})

test.each<[string, Parts]>([
  ['the longest session id', { sessionId: Buffer.alloc(128) }],
  ['the longest user name', { user: 'x'.repeat(1024) }],
  ['an empty user name', { user: '' }],
])('%s is taken', (_, parts) => {
  expect(parseUserauthRequest(request(parts))).toMatchObject(parts)
})

test.each([
  ['nothing', ''],
  ['an SSHSIG of git', 'SSHSIG\0\0\0\x03git\0\0\0\0\0\0\0\x06sha512'],
  ['text', 'SSH-2.0-OpenSSH_10.0'],
])('%s is no request', (_, data) => {
  expect(parseUserauthRequest(Buffer.from(data, 'latin1'))).toBeUndefined()
})

describe('what begins as a request to log in', () => {
  test.each<[string, Parts]>([
    ['a whole one', {}],
    ['of another service', { service: 'ssh-userauth' }],
    ['of another method', { method: 'hostbased' }],
    ['without a signature', { signatureFollows: false }],
    ['without a session id', { sessionId: Buffer.alloc(0) }],
    ['with a session id that is too long', { sessionId: Buffer.alloc(129) }],
    ['with a user name that is too long', { user: 'x'.repeat(1025) }],
    ['with something behind it', { rest: string('x') }],
  ])('%s', (_, parts) => {
    expect(beginsAsUserauth(request(parts))).toBe(true)
  })

  test('is told by its first two parts', () => {
    const begun = truncations(hostbound).map(beginsAsUserauth)
    const least = string(sessionId).length + 1
    expect(begun).toEqual(Array.from(hostbound, (_, length) => length >= least))
  })

  test.each<[string, Buffer]>([
    ['another message', request({ message: 51 })],
    ['nothing', Buffer.alloc(0)],
    ['an SSHSIG of git', Buffer.from('SSHSIG\0\0\0\x03git', 'latin1')],
    ['a certificate', string('ssh-ed25519-cert-v01@openssh.com')],
    ['a length that is more than there is', Buffer.of(0, 0, 0, 2, 50, 50)],
    ['a length beyond all', Buffer.of(0xff, 0xff, 0xff, 0xff, 50, 50)],
  ])('is not %s', (_, data) => {
    expect(beginsAsUserauth(data)).toBe(false)
  })

  test('is all that parses as one', () => {
    fc.assert(
      fc.property(fc.constantFrom(plain, hostbound).chain(damaged), (bytes) => {
        if (parseUserauthRequest(bytes) !== undefined) expect(beginsAsUserauth(bytes)).toBe(true)
      }),
    )
  })
})
