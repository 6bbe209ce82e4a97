/** The agent protocol on the wire: frames in arbitrary pieces, bounds, the layout of answers. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  extensionRequest,
  extensionResponse,
  frame,
  FrameReader,
  identitiesAnswer,
  MAX_MESSAGE,
  signResponse,
} from '../../src/agent/messages'
import { uint32 } from '../../src/ssh/wire'

/** `stream` cut at `cuts`. */
function pieces(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]
  return at.map((end, index) => stream.subarray(at[index - 1] ?? 0, end))
}

function drain(reader: FrameReader): Buffer[] {
  const messages: Buffer[] = []
  for (let next = reader.next(); next !== undefined; next = reader.next()) messages.push(next)
  return messages
}

const message = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes))

describe('FrameReader', () => {
  test('gives back the messages, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.nat()), (messages, cuts) => {
        const reader = new FrameReader()
        const read = pieces(Buffer.concat(messages.map(frame)), cuts).flatMap((piece) => {
          reader.push(piece)
          return drain(reader).map((bytes) => Buffer.from(bytes))
        })
        expect(read).toEqual(messages)
      }),
    )
  })

  test('gives a message only when its last byte has come', () => {
    const reader = new FrameReader()
    const stream = frame(Buffer.from('abc'))
    for (const octet of stream.subarray(0, -1)) {
      reader.push(Buffer.of(octet))
      expect(reader.next()).toBeUndefined()
    }
    reader.push(stream.subarray(-1))
    expect(reader.next()).toEqual(Buffer.from('abc'))
    expect(reader.next()).toBeUndefined()
  })

  test('takes a message of the greatest length', () => {
    const reader = new FrameReader()
    reader.push(frame(Buffer.alloc(MAX_MESSAGE, 9)))
    expect(reader.next()?.equals(Buffer.alloc(MAX_MESSAGE, 9))).toBe(true)
  })

  test.each([0, MAX_MESSAGE + 1, 0xffff_ffff])(
    'refuses a frame of %i bytes by its head',
    (size) => {
      const reader = new FrameReader()
      reader.push(Buffer.concat([frame(Buffer.of(11)), uint32(size)]))
      expect(reader.next()).toEqual(Buffer.of(11))
      expect(() => reader.next()).toThrow(expect.objectContaining({ code: 'malformed' }))
      reader.push(frame(Buffer.of(11)))
      expect(() => reader.next()).toThrow(`An agent message of ${size} bytes.`)
    },
  )
})

describe('answers', () => {
  const hex = (buffer: Buffer): string => buffer.toString('hex')

  test.each([
    ['no identities', identitiesAnswer([]), '0c00000000'],
    [
      'identities',
      identitiesAnswer([
        { blob: Buffer.from('K1'), comment: 'é' },
        { blob: Buffer.from('K'), comment: '' },
      ]),
      `0c00000002000000024b3100000002c3a9000000014b00000000`,
    ],
    ['a signature', signResponse(Buffer.from('S')), '0e0000000153'],
    ['an extension', extensionResponse('q', Buffer.of(1, 2)), '1d00000001710102'],
    ['a request of an extension', extensionRequest('q', Buffer.of(1, 2)), '1b00000001710102'],
  ])('the layout of %s is that of RFC 9987', (_, answer, expected) => {
    expect(hex(answer)).toBe(expected)
  })
})
