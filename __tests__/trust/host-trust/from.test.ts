/** The patterns of from=: compared, and held against an address as sshd does. */
import { expect, test } from '@jest/globals'
import { admits, sameFrom } from '../../../src/trust/host-trust/from'
import type { Relation } from '../../../src/trust/host-trust/relations'

test.each<[Relation['from'], Relation['from'], boolean]>([
  [undefined, undefined, true],
  ['source', 'source', true],
  [['a', 'b'], ['b', 'a'], true],
  [['a'], ['a', 'a'], true],
  [undefined, 'source', false],
  [undefined, [], false],
  ['source', ['source'], false],
  [['a'], ['a', 'b'], false],
])('sameFrom(%j, %j) is %j', (a, b, same) => {
  expect(sameFrom(a, b)).toBe(same)
})

test.each<[string, string, boolean | undefined]>([
  ['192.0.2.7', '192.0.2.7', true],
  ['192.0.2.7', '192.0.2.70', false],
  ['192.0.2.*', '192.0.2.70', true],
  ['192.0.2.?', '192.0.2.70', false],
  ['*', '192.0.2.7', true],
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.0.0.0/8', '::ffff:a00:1', false],
  ['0.0.0.0/0', '11.0.0.1', true],
  ['2001:db8::/32', '2001:db8:1::7', true],
  ['2001:db8::/32', '2001:db9::7', false],
  ['2001:DB8::7', '2001:db8::7', true],
  ['10.0.0.0/8,!10.0.0.1', '10.0.0.1', false],
  ['!10.0.0.1,10.0.0.0/8', '10.0.0.2', true],
  ['192.0.2.1,192.0.2.2', '192.0.2.2', true],
  // Names are looked up by sshd, if UseDNS is set; we can't say.
  ['*.example.com', '192.0.2.7', undefined],
  ['*.example.com,192.0.2.7', '192.0.2.7', true],
  ['*.example.com,!192.0.2.7', '192.0.2.7', false],
  // Nor what is malformed, of which sshd refuses the whole list.
  ['10.0.0.1/8', '10.0.0.1', undefined],
  ['10.0.0.0/99', '10.0.0.1', undefined],
])('from=%s lets %s in: %j', (patterns, address, admitted) => {
  expect(admits(patterns.split(','), address)).toBe(admitted)
})
