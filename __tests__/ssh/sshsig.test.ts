/** What ssh-keygen -Y sign has signed: the namespace, and what is no such data. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { sshsigNamespace } from '../../src/ssh/sshsig'
import { string } from '../../src/ssh/wire'
import { damaged, truncations } from './samples'

interface Parts {
  magic?: string
  namespace?: string
  reserved?: string
  algorithm?: string
  hash?: Buffer
}

/** PROTOCOL.sshsig, section 3. */
function signed({
  magic = 'SSHSIG',
  namespace = 'git',
  reserved = '',
  algorithm = 'sha512',
  hash = Buffer.alloc(64, 1),
}: Parts = {}): Buffer {
  const parts = [namespace, reserved, algorithm, hash]
  return Buffer.concat([Buffer.from(magic), ...parts.map(string)])
}

const whole = signed()

test.each<[string, Parts, string]>([
  ['git', {}, 'git'],
  ['a file', { namespace: 'file' }, 'file'],
  [
    'a namespace with blanks and umlauts',
    { namespace: 'für uns@example.com' },
    'für uns@example.com',
  ],
  ['the longest namespace', { namespace: 'n'.repeat(1024) }, 'n'.repeat(1024)],
  ['the shorter hash', { algorithm: 'sha256', hash: Buffer.alloc(32) }, 'git'],
  ['something reserved', { reserved: 'x' }, 'git'],
])('%s is told', (_, parts, namespace) => {
  expect(sshsigNamespace(signed(parts))).toBe(namespace)
})

test.each<[string, Buffer]>([
  ['nothing', Buffer.alloc(0)],
  ['another magic', signed({ magic: 'SSHSIg' })],
  ['a magic behind something', Buffer.concat([Buffer.of(0), whole])],
  ['an empty namespace', signed({ namespace: '' })],
  ['a namespace that is too long', signed({ namespace: 'n'.repeat(1025) })],
  ['a name of its hash that is too long', signed({ algorithm: 'x'.repeat(65) })],
  ['a hash that is too long', signed({ hash: Buffer.alloc(65) })],
  ['something behind it', Buffer.concat([whole, Buffer.of(0)])],
  // The file of a signature begins alike, but a version follows, not a namespace.
  [
    'a signature itself',
    Buffer.concat([Buffer.from('SSHSIG'), Buffer.of(0, 0, 0, 1), string('x')]),
  ],
])('%s is none', (_, data) => {
  expect(sshsigNamespace(data)).toBeUndefined()
})

describe('what is damaged', () => {
  test('by being cut short anywhere is none', () => {
    const told = truncations(whole).map(sshsigNamespace)
    expect(told.filter((namespace) => namespace !== undefined)).toEqual([])
  })

  test('never throws, and what is told is what is there', () => {
    fc.assert(
      fc.property(damaged(whole), (bytes) => {
        const namespace = sshsigNamespace(bytes)
        if (namespace === undefined) return
        expect(namespace).not.toBe('')
        expect(bytes.subarray(0, 6).toString()).toBe('SSHSIG')
        // Bytes that are no UTF-8 are told as U+FFFD.
        const length = bytes.readUInt32BE(6)
        expect(bytes.subarray(10, 10 + length).toString()).toBe(namespace)
      }),
      { numRuns: 500 },
    )
  })
})
