/** The `shard` input: what is one, and which hosts it has. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseShard, takeShard } from '../../src/trust/shard'

describe('what a shard is', () => {
  test.each([
    ['', undefined],
    ['  ', undefined],
    ['1/1', { number: 1, of: 1 }],
    ['2/8', { number: 2, of: 8 }],
    [' 08 / 08 ', { number: 8, of: 8 }],
    ['1000/1000', { number: 1000, of: 1000 }],
  ])('%j', (text, shard) => {
    expect(parseShard(text)).toEqual(shard)
  })

  test.each([
    '0/8',
    '9/8',
    '1/0',
    '1/1001',
    '-1/8',
    '1.5/8',
    '2',
    '/8',
    '2/',
    '2/8/9',
    'a/b',
    '1e0/2',
  ])('%j is none', (text) => {
    expect(() => parseShard(text)).toThrow(
      expect.objectContaining({ code: 'input-invalid', hint: expect.stringContaining('2/8') }),
    )
  })
})

describe('the hosts of a shard', () => {
  test('are every eighth, beginning with the second', () => {
    const hosts = Array.from({ length: 20 }, (_, index) => index + 1)
    expect(takeShard(hosts, { number: 2, of: 8 })).toEqual([2, 10, 18])
  })

  test('are, over all shards, each host once, and as many in each but for one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(200), (of, more) => {
        const hosts = Array.from({ length: of + more }, (_, index) => index)
        const shards = Array.from({ length: of }, (_, index) =>
          takeShard(hosts, { number: index + 1, of }),
        )
        expect(shards.flat().sort((a, b) => a - b)).toEqual(hosts)
        const sizes = shards.map(({ length }) => length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test.each([
    [0, 'List the hosts in hosts or hosts-file.'],
    [1, 'Have no more than 1 shards in the matrix.'],
    [2, 'Have no more than 2 shards in the matrix.'],
  ])('of %i are an error for the third shard', (length, hint) => {
    const hosts = Array.from({ length }, (_, index) => index)
    expect(() => takeShard(hosts, { number: 3, of: 3 })).toThrow(
      expect.objectContaining({ code: 'input-invalid', hint }),
    )
  })
})
