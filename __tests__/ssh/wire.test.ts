/** SSH's data types: the examples of RFC 4251 §5, round trips, and bounds. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TrustError } from '../../src/errors'
import * as wire from '../../src/ssh/wire'
import { errorOf } from './samples'

const { Reader } = wire
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const reader = (text: string): wire.Reader => new Reader(hex(text))
const bytes = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array))

describe('the examples of RFC 4251', () => {
  test.each([
    ['uint32', wire.uint32(699921578), '29 b7 f4 aa'],
    ['string', wire.string('testing'), '00 00 00 07 74 65 73 74 69 6e 67'],
    ['mpint of 0', wire.mpint(hex('')), '00 00 00 00'],
    ['mpint', wire.mpint(hex('09a378f9b2e332a7')), '00 00 00 08 09 a3 78 f9 b2 e3 32 a7'],
    ['mpint with its high bit set', wire.mpint(hex('80')), '00 00 00 02 00 80'],
    ['empty name-list', wire.nameList([]), '00 00 00 00'],
    ['name-list of one', wire.nameList(['zlib']), '00 00 00 04 7a 6c 69 62'],
    ['name-list', wire.nameList(['zlib', 'none']), '00 00 00 09 7a 6c 69 62 2c 6e 6f 6e 65'],
  ])('%s is written as it stands there', (_, written, expected) => {
    expect(written).toEqual(hex(expected))
  })

  test.each([
    ['0', '00 00 00 00', ''],
    ['9a378f9b2e332a7', '00 00 00 08 09 a3 78 f9 b2 e3 32 a7', '09a378f9b2e332a7'],
    ['80', '00 00 00 02 00 80', '80'],
    ['80 with more zeros than it needs', '00 00 00 04 00 00 00 80', '80'],
    ['0 of one byte', '00 00 00 01 00', ''],
  ])('the mpint %s is read', (_, encoded, magnitude) => {
    expect(reader(encoded).mpint()).toEqual(hex(magnitude))
  })

  test.each([
    ['-1234', '00 00 00 02 ed cc'],
    ['-deadbeef', '00 00 00 05 ff 21 52 41 11'],
  ])('the negative mpint %s is refused', (_, encoded) => {
    expect(errorOf(() => reader(encoded).mpint())).toMatchObject({
      code: 'malformed',
      message: 'Malformed SSH data: a negative number.',
    })
  })
})

test('what is written is read again', () => {
  const names = fc.array(fc.stringMatching(/^[a-z0-9@.-]+$/))
  const all = fc.tuple(
    ...[fc.nat(255), fc.boolean(), fc.nat(0xffffffff), fc.bigInt(0n, 0xffff_ffff_ffff_ffffn)],
    ...[bytes, fc.string({ unit: 'grapheme' }), bytes, names, bytes],
  )
  fc.assert(
    fc.property(all, ([byte, boolean, uint32, uint64, string, text, number, list, rest]) => {
      const written = Buffer.concat([
        ...[wire.byte(byte), wire.boolean(boolean), wire.uint32(uint32), wire.uint64(uint64)],
        ...[wire.string(string), wire.string(text), wire.mpint(number), wire.nameList(list), rest],
      ])
      const read = new Reader(written)
      expect(read.byte()).toBe(byte)
      expect(read.boolean()).toBe(boolean)
      expect(read.uint32()).toBe(uint32)
      expect(read.uint64()).toBe(uint64)
      expect(read.string()).toEqual(string)
      expect(read.text()).toBe(text)
      const start = number.findIndex((digit) => digit !== 0)
      expect(read.mpint()).toEqual(start < 0 ? Buffer.alloc(0) : number.subarray(start))
      expect(read.nameList()).toEqual(list)
      expect(read.offset).toBe(written.length - rest.length)
      expect(read.rest()).toEqual(rest)
      expect(read.remaining).toBe(0)
      read.end('all')
    }),
  )
})

test('every byte but 0 is true', () => {
  const values = Array.from({ length: 256 }, (_, value) => new Reader(Buffer.of(value)).boolean())
  expect(values.indexOf(true)).toBe(1)
  expect(values.lastIndexOf(false)).toBe(0)
})

test.each<[string, () => unknown, string]>([
  ['a byte of nothing', () => reader('').byte(), '1 bytes wanted, 0 left'],
  ['a cut uint32', () => reader('00 00 01').uint32(), '4 bytes wanted, 3 left'],
  ['a cut uint64', () => reader('00 00 00 00 00 00 01').uint64(), '8 bytes wanted, 7 left'],
  ['a cut string', () => reader('00 00 00 02 61').string(), '2 bytes wanted, 1 left'],
  [
    'a string of 4 GiB',
    () => reader('ff ff ff ff 61').string(),
    'a string of 4294967295 bytes, at most 262144 allowed',
  ],
  [
    'a string over the bound',
    () => reader('00 00 00 02 61 61').text(1),
    'a string of 2 bytes, at most 1 allowed',
  ],
  [
    'a number over the bound',
    () => reader('00 00 00 02 61 61').mpint(1),
    'a string of 2 bytes, at most 1 allowed',
  ],
  [
    'a list over the bound',
    () => reader('00 00 00 02 61 61').nameList(1),
    'a string of 2 bytes, at most 1 allowed',
  ],
  [
    'bytes after the end',
    () => {
      reader('00 00').end('a thing')
    },
    '2 bytes too many after a thing',
  ],
])('%s is malformed', (_, action, what) => {
  expect(errorOf(action)).toMatchObject({
    code: 'malformed',
    message: `Malformed SSH data: ${what}.`,
  })
})

test('a string of just the bound is read', () => {
  const longest = Buffer.alloc(wire.MAX_STRING, 'x')
  expect(new Reader(wire.string(longest)).string()).toEqual(longest)
})

test('no bytes make it throw anything but a TrustError, or read beyond them', () => {
  const calls = fc.array(
    fc.constantFrom<(from: wire.Reader) => unknown>(
      ...[(from: wire.Reader) => from.byte(), (from: wire.Reader) => from.boolean()],
      ...[(from: wire.Reader) => from.uint32(), (from: wire.Reader) => from.uint64()],
      ...[(from: wire.Reader) => from.string(), (from: wire.Reader) => from.text()],
      ...[(from: wire.Reader) => from.mpint(), (from: wire.Reader) => from.nameList()],
    ),
  )
  // Mostly small bytes: lengths that fit.
  const input = fc.array(fc.oneof(fc.constant(0), fc.nat(6), fc.nat(255)), { maxLength: 40 })
  fc.assert(
    fc.property(input, calls, (values, reads) => {
      const from = new Reader(Buffer.from(values))
      for (const read of reads) {
        try {
          read(from)
        } catch (error) {
          if (!(error instanceof TrustError)) throw error
        }
        expect(from.offset + from.remaining).toBe(values.length)
        expect(from.remaining).toBeGreaterThanOrEqual(0)
      }
    }),
  )
})
