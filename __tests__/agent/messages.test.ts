/** The agent protocol on the wire: frames in arbitrary pieces, bounds, the layout of answers. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as messages from '../../src/agent/messages'
import {
  extensionRequest,
  extensionResponse,
  frame,
  FrameReader,
  identitiesAnswer,
  MAX_MESSAGE,
  signRequest,
  signResponse,
} from '../../src/agent/messages'
import { uint32 } from '../../src/ssh/wire'
import * as numbers from '../support/agent-client'

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

  test('tells how many bytes wait for the rest of their message', () => {
    const reader = new FrameReader()
    const stream = Buffer.concat([
      frame(Buffer.from('abc')),
      frame(Buffer.from('de')).subarray(0, 5),
    ])
    const pending = Array.from(stream, (octet) => {
      reader.push(Buffer.of(octet))
      drain(reader)
      return reader.pending
    })
    expect(pending).toEqual([1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5])
  })

  test('takes a message that comes in a quarter of a million pieces', () => {
    const whole = frame(Buffer.alloc(MAX_MESSAGE, 7))
    const reader = new FrameReader()
    const read: Buffer[] = []
    for (let at = 0; at < whole.length; at += 1) {
      reader.push(whole.subarray(at, at + 1))
      const next = reader.next()
      if (next !== undefined) read.push(next)
    }
    expect(read.map(({ length }) => length)).toEqual([MAX_MESSAGE])
    expect(reader.pending).toBe(0)
  })

  test('holds the pieces of a message in little more memory than the message', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = (): number => {
      collect()
      const { external, heapUsed } = process.memoryUsage()
      return external + heapUsed
    }
    const before = used()
    const reader = new FrameReader()
    // As a socket gives them: each with memory of its own.
    for (const octet of uint32(MAX_MESSAGE)) reader.push(Buffer.of(octet))
    for (let n = 1; n < MAX_MESSAGE; n += 1) {
      reader.push(Buffer.allocUnsafeSlow(1))
      reader.next()
    }
    expect(used() - before).toBeLessThan(8 * MAX_MESSAGE)
    expect(reader.pending).toBe(MAX_MESSAGE + 3)
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

describe('messages', () => {
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
    [
      'a request to sign',
      signRequest(Buffer.from('K'), Buffer.from('D'), 4),
      '0d000000014b000000014400000004',
    ],
    [
      'a request to sign without flags',
      signRequest(Buffer.from('K'), Buffer.from('')),
      '0d000000014b0000000000000000',
    ],
    ['FAILURE', messages.FAILURE, '05'],
    ['SUCCESS', messages.SUCCESS, '06'],
    ['EXTENSION_FAILURE', messages.EXTENSION_FAILURE, '1c'],
    ['a request of an extension', extensionRequest('q', Buffer.of(1, 2)), '1b00000001710102'],
  ])('the layout of %s is that of RFC 9987', (_, answer, expected) => {
    expect(hex(answer)).toBe(expected)
  })
})

test('the numbers of the messages are those of RFC 9987 §5', () => {
  expect({
    REMOVE_ALL_V1: messages.SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES,
    LIST: messages.SSH_AGENTC_REQUEST_IDENTITIES,
    SIGN: messages.SSH_AGENTC_SIGN_REQUEST,
    ADD: messages.SSH_AGENTC_ADD_IDENTITY,
    REMOVE: messages.SSH_AGENTC_REMOVE_IDENTITY,
    REMOVE_ALL: messages.SSH_AGENTC_REMOVE_ALL_IDENTITIES,
    ADD_CARD: messages.SSH_AGENTC_ADD_SMARTCARD_KEY,
    REMOVE_CARD: messages.SSH_AGENTC_REMOVE_SMARTCARD_KEY,
    LOCK: messages.SSH_AGENTC_LOCK,
    UNLOCK: messages.SSH_AGENTC_UNLOCK,
    ADD_CONSTRAINED: messages.SSH_AGENTC_ADD_ID_CONSTRAINED,
    ADD_CARD_CONSTRAINED: messages.SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED,
    EXTENSION: messages.SSH_AGENTC_EXTENSION,
  }).toEqual(
    Object.fromEntries(Object.entries(numbers).filter(([, value]) => typeof value === 'number')),
  )
})
