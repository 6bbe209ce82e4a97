/** Patterns of ssh_config, against a table and against regular expressions. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { matchPattern } from '../../src/ssh/pattern'

test.each([
  ['host.example', 'host.example', true],
  ['host.example', 'Host.example', false],
  ['host.example', 'host.exampl', false],
  ['host.example', 'ost.example', false],
  ['host.example', '*', true],
  ['host.example', '*.example', true],
  ['a.b.example', '*.example', true],
  ['.example', '*.example', true],
  ['example', '*.example', false],
  ['host.example.evil', '*.example', false],
  ['host1', 'host?', true],
  ['host', 'host?', false],
  ['host12', 'host?', false],
  ['aab', '*ab', true],
  ['abcabd', '*abd*', true],
  ['a*b', 'a*b', true],
  ['*ab', '*b', true],
  ['a?b', 'a\\?b', false],
  ['abc', 'a**c', true],
  ['abc', 'abc*', true],
  ['host.example', 'host[.]example', false],
  ['hostxexample', 'host.example', false],
  ['', '', true],
  ['', '*', true],
  ['', '?', false],
  ['a', '', false],
  ['a.example', '!a.example', false],
])('%j against %j: %j', (text, pattern, matches) => {
  expect(matchPattern(text, pattern)).toBe(matches)
})

test('it agrees with a regular expression', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 })
  fc.assert(
    fc.property(text, pattern, (value, glob) => {
      const source = glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
      expect(matchPattern(value, glob)).toBe(new RegExp(`^${source}$`).test(value))
    }),
    { numRuns: 1000 },
  )
})

test('a pattern made to be slow ends', () => {
  expect(matchPattern('a'.repeat(4000), `${'*a'.repeat(1000)}*b`)).toBe(false)
})
