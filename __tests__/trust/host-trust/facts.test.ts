/** What a line of authorized_keys does for a login with its key, beside sshd's own judgement. */
import { describe, expect, test } from '@jest/globals'
import { parseAuthorizedKey } from '../../../src/ssh/authorized-keys'
import { formatPublicKey } from '../../../src/ssh/public-key'
import { string } from '../../../src/ssh/wire'
import { authorizedLine } from '../../../src/trust/host-trust/facts'
import type { AuthorizedLine } from '../../../src/trust/host-trust/plan'

const KEY = Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(32, 1))])
const NOW = new Date('2026-06-15T12:00:00.500Z')

function lineOf(options: string, zone?: number): Omit<AuthorizedLine, 'publicKey'> {
  const key = parseAuthorizedKey(Buffer.from(`${options} ${formatPublicKey(KEY)}`))
  if (key === undefined) throw new Error('no key')
  const { publicKey, ...line } = authorizedLine(key, NOW, zone)
  expect(publicKey).toEqual(KEY)
  return line
}

const expired = (time: string): { dead: string } => ({ dead: `expired at ${time}.000Z` })
const ends = (time: string): { ends: Date } => ({ ends: new Date(`${time}Z`) })

describe('a line', () => {
  test.each<[string, Omit<AuthorizedLine, 'publicKey'>]>([
    ['', {}],
    ['restrict,pty', {}],
    ['from="10.0.0.0/8,!10.0.0.1"', { from: ['10.0.0.0/8', '!10.0.0.1'] }],
    ['FROM="192.0.2.7"', { from: ['192.0.2.7'] }],
    ['command="echo \\"a b\\""', { command: true }],
    ['cert-authority,principals="x"', { dead: 'is for certificates that the key has signed' }],
    ['no-such-option', { dead: 'has options that sshd refuses' }],
    ['expiry-time="x"', { dead: 'has options that sshd refuses' }],
    ['from="a",from="b"', { dead: 'has options that sshd refuses' }],
    ['expiry-time="20260615Z"', expired('2026-06-15T00:00:00')],
    ['expiry-time="202606151159Z"', expired('2026-06-15T11:59:00')],
    ['expiry-time="20260615115959UTC"', expired('2026-06-15T11:59:59')],
    // sshd counts in whole seconds: it expires after the one that is told.
    ['expiry-time="20260615120000Z"', ends('2026-06-15T12:00:00')],
    ['expiry-time="20300101Z"', ends('2030-01-01T00:00:00')],
    ['expiry-time="20300101Z",expiry-time="20200101Z"', expired('2020-01-01T00:00:00')],
    [
      'from="10.0.0.1",command="x",expiry-time="20300101Z"',
      { from: ['10.0.0.1'], command: true, ...ends('2030-01-01T00:00:00') },
    ],
  ])('with %j', (options, line) => {
    expect(lineOf(options)).toEqual(line)
  })

  test.each<[number, Omit<AuthorizedLine, 'publicKey'>]>([
    [0, ends('2026-06-15T12:30:00')],
    [60, expired('2026-06-15T11:30:00')],
    [-330, ends('2026-06-15T18:00:00')],
  ])('that expires at 12:30 in the zone of the host, %d minutes east', (zone, line) => {
    expect(lineOf('expiry-time="202606151230"', zone)).toEqual(line)
  })

  test('in a zone that is not known counts as good', () => {
    expect(lineOf('expiry-time="20200101"')).toEqual({})
  })
})
