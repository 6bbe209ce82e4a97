/** What came of a login, from what ssh said. */
import { expect, test } from '@jest/globals'
import { readLogin, type LoginOutcome } from '../../src/remote/account-login'

const CHANGED = [
  '@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@',
  '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
  '@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@',
  'The fingerprint for the ED25519 key sent by the remote host is',
  'SHA256:x.',
  'Offending ED25519 key in .ssh/known_hosts:7',
  'Host key verification failed.',
]

test.each<[string, string | undefined, string[], LoginOutcome]>([
  ['a command that ran', '0', [], { outcome: 'works', words: '' }],
  [
    'a login, and no command: SFTP only, or a command of the key',
    '1',
    ['Authenticated to 10.0.0.1 ([10.0.0.1]:22) using "publickey".', 'This service allows sftp.'],
    { outcome: 'works', words: 'This service allows sftp.' },
  ],
  [
    'a login, and a command that ends as ssh does when it fails',
    '255',
    ['Authenticated to x ([::1]:22).', 'Transferred: sent 1, received 2', 'Bytes per second: 1'],
    { outcome: 'works', words: '' },
  ],
  [
    'a key that is refused',
    '255',
    ['root@10.0.0.1: Permission denied (publickey).'],
    { outcome: 'refused', words: 'root@10.0.0.1: Permission denied (publickey).' },
  ],
  [
    'a server that has enough',
    '255',
    ['Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures'],
    {
      outcome: 'refused',
      words: 'Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures',
    },
  ],
  [
    'another host key',
    '255',
    CHANGED,
    { outcome: 'host-key', words: 'line 7 of ~/.ssh/known_hosts has another ED25519 key' },
  ],
  [
    'no host key',
    '255',
    ['No ED25519 host key is known for db1 and you have requested strict checking.'].concat(
      'Host key verification failed.',
    ),
    {
      outcome: 'host-key',
      words:
        'No ED25519 host key is known for db1 and you have requested strict checking. Host key verification failed.',
    },
  ],
  [
    'nobody there',
    '255',
    ['ssh: connect to host 10.0.0.1 port 22: Connection refused'],
    { outcome: 'failed', words: 'ssh: connect to host 10.0.0.1 port 22: Connection refused' },
  ],
  ['nothing that was said', '124', [], { outcome: 'failed', words: '' }],
  ['nothing at all', undefined, [], { outcome: 'failed', words: '' }],
])('%s', (_, code, said, outcome) => {
  expect(readLogin(code, said)).toEqual(outcome)
})

test('endless words are cut', () => {
  expect(readLogin('255', ['x'.repeat(10_000)]).words).toHaveLength(500)
})
