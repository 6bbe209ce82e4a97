/** The transport before encryption: version lines and packets, in whatever pieces they arrive. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TrustError } from '../../src/errors'
import {
  disconnectMessage,
  disconnectReason,
  encodePacket,
  printable,
  TransportReader,
} from '../../src/ssh/transport'
import { string, uint32 } from '../../src/ssh/wire'
import { errorOf, throwsOnlyTrustErrors } from './samples'

/** Feeds `text` in pieces of `size`, asking after each. */
function versionOf(text: string, size = text.length): string | undefined {
  const reader = new TransportReader()
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.subarray(at, at + size))
    const version = reader.version()
    if (version !== undefined) return version
  }
  return undefined
}

const longest = `SSH-2.0-${'x'.repeat(245)}`

describe('the version line', () => {
  const GOOD: [string, string, string][] = [
    ['with CR LF', 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n', 'SSH-2.0-OpenSSH_9.2p1 Debian-2'],
    ['with LF alone', 'SSH-2.0-dropbear_2022.83\n', 'SSH-2.0-dropbear_2022.83'],
    ['of a server that speaks 1 too', 'SSH-1.99-Cisco-1.25\r\n', 'SSH-1.99-Cisco-1.25'],
    ['after a banner', 'Welcome!\r\n\r\nno entry\nSSH-2.0-x\r\n', 'SSH-2.0-x'],
    ['after 1024 lines', `${'\n'.repeat(1024)}SSH-2.0-x\r\n`, 'SSH-2.0-x'],
    ['after nearly 16 KiB', `${'x'.repeat(16300)}\nSSH-2.0-x\r\n`, 'SSH-2.0-x'],
    ['of 255 bytes', `${longest}\r\n`, longest],
    ['of no words', 'SSH-2.0-\r\n', 'SSH-2.0-'],
  ]
  test.each(GOOD)('%s is read', (_, text, version) => {
    expect(versionOf(text)).toBe(version)
  })
  test.each(GOOD)('%s is read in one-byte pieces', (_, text, version) => {
    expect(versionOf(text, 1)).toBe(version)
  })

  const full = `${'x'.repeat(16383)}\nSSH-2.0-x\r\n`
  test('after just 16 KiB is read, if it arrives at once', () => {
    expect(versionOf(full)).toBe('SSH-2.0-x')
  })

  test('after just 16 KiB is read in pieces, too', () => {
    expect(versionOf(full, 16386)).toBe('SSH-2.0-x')
  })

  const BAD: [string, string, string][] = [
    ['SSH 1', 'SSH-1.5-old\r\n', 'SSH-1.5-old'],
    ['SSH 3', 'SSH-3.0-new\r\n', 'SSH-3.0-new'],
    ['a version like 2.0', 'SSH-2.00-x\r\n', 'SSH-2.00-x'],
    ['a version without a dash after it', 'SSH-2.0\r\n', 'SSH-2.0'],
    ['more than 255 bytes', `${longest}x\r\n`, `${longest.slice(0, 100)}…`],
    ['more than 1024 lines', `first\n${'\n'.repeat(1024)}`, 'first'],
    ['more than 16 KiB of lines', `first\n${`${'x'.repeat(999)}\n`.repeat(17)}`, 'first'],
    ['16 KiB without a line end', 'x'.repeat(16385), `${'x'.repeat(100)}…`],
    ['a line, then 16 KiB without an end', `first\n${'x'.repeat(16385)}`, 'first'],
    ['control characters', 'SSH-1.5-\x1b[31m\x00\xe9red\r\n', 'SSH-1.5- [31m red'],
  ]
  test.each(BAD)('%s: not an SSH 2 server, told by its words', (_, text, words) => {
    const error = errorOf(() => versionOf(text))
    expect(error).toMatchObject({
      code: 'host-not-ssh',
      message: `What answers there is not an SSH 2 server: it says "${words}".`,
      hint: 'Check the host name and the port.',
    })
  })
  test.each(BAD)('%s, in pieces: the same', (_, text) => {
    expect(errorOf(() => versionOf(text, 7)).code).toBe('host-not-ssh')
  })

  test.each([
    ['nothing', ''],
    ['a part of it', 'SSH-2.0-Open'],
    ['all but the line end', 'SSH-2.0-OpenSSH_9.2\r'],
    ['16 KiB without a line end, no more', 'x'.repeat(16384)],
  ])('%s is waited on', (_, text) => {
    expect(versionOf(text)).toBeUndefined()
  })

  test('the first line of an HTTP answer is kept', () => {
    const reader = new TransportReader()
    reader.push(Buffer.from('HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>'))
    expect(reader.version()).toBeUndefined()
    expect(reader.firstLine).toBe('HTTP/1.1 400 Bad Request')
  })

  test('a server that says its version at once has no first line before it', () => {
    const reader = new TransportReader()
    reader.push(Buffer.from('SSH-2.0-x\r\n'))
    reader.version()
    expect(reader.firstLine).toBeUndefined()
  })
})

describe('packets', () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes))

  test('are as RFC 4253 §6 has them', () => {
    for (let length = 1; length < 40; length += 1) {
      const packet = encodePacket(Buffer.alloc(length, 1))
      const padding = packet.readUInt8(4)
      expect(packet.length % 8).toBe(0)
      expect(packet.readUInt32BE()).toBe(packet.length - 4)
      expect(padding).toBeGreaterThanOrEqual(4)
      expect(packet.length).toBe(5 + length + padding)
    }
  })

  test('come out whole and in order, however the bytes are split', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 })
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 5 }), cuts, (payloads, sizes) => {
        const sent = Buffer.concat([
          Buffer.from('hello\r\nSSH-2.0-x\r\n'),
          ...payloads.map(encodePacket),
        ])
        const reader = new TransportReader()
        const read: Buffer[] = []
        let version: string | undefined
        for (let at = 0, turn = 0; at < sent.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1
          reader.push(sent.subarray(at, at + size))
          at += size
          version ??= reader.version()
          if (version === undefined) continue
          for (let one = reader.packet(); one !== undefined; one = reader.packet()) read.push(one)
        }
        expect(version).toBe('SSH-2.0-x')
        expect(read).toEqual(payloads)
      }),
    )
  })

  const packet = (length: number, padding: number, more = 0): Buffer =>
    Buffer.concat([uint32(length), Buffer.of(padding), Buffer.alloc(more)])

  test.each([
    ['nothing', 0, 0],
    ['padding alone', 5, 4],
    ['more padding than packet', 12, 200],
    ['more than 35000 bytes', 35001, 4],
    ['4 GiB', 0xffffffff, 4],
  ])('of %s are impossible, and told so before the rest has come', (_, length, padding) => {
    const reader = new TransportReader()
    reader.push(packet(length, padding))
    expect(errorOf(() => reader.packet())).toMatchObject({
      code: 'host-protocol',
      message: `The server sent a packet of impossible length (${length}).`,
    })
  })

  test.each([
    ['the shortest', 6, 4, 1],
    ['the longest', 35000, 4, 34995],
    ['the one with most padding', 300, 255, 44],
  ])('%s is taken', (_, length, padding, size) => {
    const reader = new TransportReader()
    reader.push(packet(length, padding, length - 2))
    expect(reader.packet()).toBeUndefined()
    reader.push(Buffer.alloc(1))
    expect(reader.packet()).toHaveLength(size)
    expect(reader.packet()).toBeUndefined()
  })

  test('a payload stays as it is when more arrives', () => {
    const reader = new TransportReader()
    const chunk = encodePacket(Buffer.from('first'))
    reader.push(chunk)
    const first = reader.packet()
    chunk.fill(0)
    expect(first?.toString()).toBe('first')
  })

  test('no bytes make it throw anything but a TrustError', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        const reader = new TransportReader()
        try {
          for (const chunk of chunks) {
            reader.push(Buffer.from(chunk))
            reader.packet()
          }
        } catch (error) {
          if (!(error instanceof TrustError)) throw error
        }
      }),
    )
  })
})

describe('disconnect messages', () => {
  test('say their reason', () => {
    expect(disconnectReason(disconnectMessage('thank you'))).toBe('thank you')
  })

  test('are as RFC 4253 §11.1 has them', () => {
    const expected = [Buffer.of(1), uint32(11), string('why'), string('')]
    expect(disconnectMessage('why')).toEqual(Buffer.concat(expected))
  })

  test('are read without a language tag, as some servers send them', () => {
    const short = Buffer.concat([Buffer.of(1), uint32(2), string('Too many\r\nfailures\x07')])
    expect(disconnectReason(short)).toBe('Too many failures')
  })

  test('throw nothing but a TrustError when damaged', () => {
    throwsOnlyTrustErrors([disconnectMessage('a reason')], disconnectReason)
  })
})

test.each([
  ['plain text', 'plain text'],
  ['  \t trimmed\r\n', 'trimmed'],
  ['two\nlines', 'two lines'],
  ['\x1b]0;title\x07', ']0;title'],
  ['::set-output name=a::b\n::error::c', '::set-output name=a::b ::error::c'],
  ['é', ''],
])('%j is printed as %j', (text, shown) => {
  expect(printable(text)).toBe(shown)
})

test('only the first 100 characters are printed', () => {
  expect(printable('x'.repeat(100))).toBe('x'.repeat(100))
  expect(printable('x'.repeat(101))).toBe(`${'x'.repeat(100)}…`)
})
