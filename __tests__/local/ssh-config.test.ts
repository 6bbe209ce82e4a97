/**
 * The job's ssh_config and known_hosts as they are written and as the real ssh reads them; and the
 * block in ~/.ssh/config, which leaves every other byte as it was.
 */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  addBlock,
  homeBlock,
  removeBlock,
  renderKnownHosts,
  renderSshConfig,
  type ProvenHost,
} from '../../src/local/ssh-config'
import { parsePin } from '../../src/ssh/pin'
import { generatePrivateKey } from '../../src/ssh/private-key'
import { fingerprint, formatPublicKey, type KeyType } from '../../src/ssh/public-key'
import { string } from '../../src/ssh/wire'
import { describeWith, program } from '../support/programs'
import { run } from '../support/run'
import { makeDirectory } from '../support/scratch'

const PATHS = { knownHosts: '/t/known_hosts', socket: '/t/agent.sock' }

function publicKey(type: KeyType): Buffer {
  return generatePrivateKey({ type, bits: 2048 }, '').publicKey
}
const ed25519 = publicKey('ssh-ed25519')
const ecdsa = publicKey('ecdsa-sha2-nistp256')
const rsa = publicKey('ssh-rsa')
/** Only its type is looked at. */
const certificate = Buffer.concat([string('ssh-rsa-cert-v01@openssh.com'), string('…')])
const authority = parsePin(`@cert-authority ${formatPublicKey(ecdsa, 'the CA')}`)

function host(changes: Partial<ProvenHost> = {}): ProvenHost {
  const { hostKey = ed25519 } = changes
  const pin = parsePin(fingerprint(hostKey))
  return { host: 'web.example', port: 22, forward: false, hostKey, pin, ...changes }
}
const certified = host({ hostKey: certificate, pin: authority })

describe('renderKnownHosts', () => {
  const line = (name: string, key: Buffer): string => `${name} ${formatPublicKey(key)}\n`

  test.each<[string, ProvenHost[], string]>([
    ['no host', [], ''],
    ['a host', [host()], line('web.example', ed25519)],
    ['an alias is no name', [host({ alias: 'web' })], line('web.example', ed25519)],
    ['another port', [host({ port: 2222 })], line('[web.example]:2222', ed25519)],
    ['capitals', [host({ host: 'Web.Example' })], line('web.example', ed25519)],
    ['an IPv6 address', [host({ host: '2001:db8::1' })], line('2001:db8::1', ed25519)],
    ['an IPv6 address with a port', [host({ host: '::1', port: 23 })], line('[::1]:23', ed25519)],
    ['a host CA', [certified], `@cert-authority ${line('web.example', ecdsa)}`],
    ['lines for one key', [host({ user: 'a' }), host({ user: 'b' })], line('web.example', ed25519)],
    [
      'keys in their order',
      [host(), host({ hostKey: rsa })],
      line('web.example', ed25519) + line('web.example', rsa),
    ],
  ])('%s', (_, hosts, expected) => {
    expect(renderKnownHosts(hosts)).toBe(expected)
  })
})

describe('renderSshConfig', () => {
  test('says all that decides about trust, and no more than is needed', () => {
    expect(renderSshConfig([host()], PATHS)).toBe(`Host web.example
    Port 22
    UserKnownHostsFile /t/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    CheckHostIP no
    UpdateHostKeys no
    HostKeyAlgorithms ssh-ed25519
    IdentityAgent /t/agent.sock
`)
    expect(renderSshConfig([], PATHS)).toBe('')
  })

  test('a block for the alias with everything, one for the real name without port and user', () => {
    const proven = host({ alias: 'web', user: 'deploy', port: 2222, forward: true })
    const [alias = '', name = '', ...more] = renderSshConfig([proven], PATHS).split('\n\n')
    expect(more).toEqual([])
    const words = (block: string): string[] => block.split('\n').map((one) => one.trim())
    expect(words(alias)).toEqual(
      expect.arrayContaining([
        ...['Host web', 'HostName web.example', 'Port 2222', 'User deploy'],
        'ForwardAgent /t/agent.sock',
      ]),
    )
    expect(words(name)[0]).toBe('Host web.example')
    expect(name).not.toMatch(/HostName|Port|User |ForwardAgent/)
    expect(name).toMatch(/StrictHostKeyChecking yes/)
  })
})

describeWith(['ssh'], 'ssh reads in it', () => {
  async function settings(hosts: ProvenHost[], name: string): Promise<Map<string, string>> {
    const file = join(makeDirectory(), 'config')
    writeFileSync(file, renderSshConfig(hosts, PATHS))
    const { code, stdout, stderr } = await run(program('ssh'), ['-G', '-F', file, name])
    expect(code === 0 ? '' : stderr).toBe('')
    return new Map(
      stdout.split('\n').map((line) => [line.split(' ')[0] ?? '', line.replace(/^\S+ ?/, '')]),
    )
  }

  const SAFE = {
    userknownhostsfile: '/t/known_hosts',
    globalknownhostsfile: '/dev/null',
    stricthostkeychecking: 'true',
    checkhostip: 'no',
    updatehostkeys: 'false',
    identityagent: '/t/agent.sock',
  }
  const v6 = host({ host: '2001:db8::1', port: 2222, user: 'root' })
  const twoLines = [host({ user: 'git', port: 2222 }), host({ user: 'root', hostKey: rsa })]
  const aliases = [
    host({ alias: 'a', user: 'git' }),
    host({ alias: 'b', user: 'root', hostKey: ecdsa }),
  ]

  test.each<[string, ProvenHost[], string, Record<string, string>]>([
    [
      'a plain host',
      [host()],
      'web.example',
      { hostname: 'web.example', port: '22', hostkeyalgorithms: 'ssh-ed25519' },
    ],
    [
      'a user and a port',
      [host({ user: 'git', port: 29418 })],
      'web.example',
      { user: 'git', port: '29418' },
    ],
    ['a Windows user', [host({ user: 'CORP\\deploy' })], 'web.example', { user: 'CORP\\deploy' }],
    ['a machine account', [host({ user: 'runner$' })], 'web.example', { user: 'runner$' }],
    [
      'an alias',
      [host({ alias: 'web', user: 'git', port: 99 })],
      'web',
      { hostname: 'web.example', user: 'git', port: '99' },
    ],
    [
      'the name behind an alias',
      [host({ alias: 'web', port: 99 })],
      'web.example',
      { hostname: 'web.example', port: '22' },
    ],
    [
      'an IPv6 address',
      [v6],
      '2001:db8::1',
      { hostname: '2001:db8::1', port: '2222', user: 'root' },
    ],
    [
      'an alias of an IPv6 address',
      [{ ...v6, alias: 'six' }],
      'six',
      { hostname: '2001:db8::1', port: '2222' },
    ],
    [
      'RSA',
      [host({ hostKey: rsa })],
      'web.example',
      { hostkeyalgorithms: 'rsa-sha2-512,rsa-sha2-256' },
    ],
    [
      'a host CA',
      [certified],
      'web.example',
      { hostkeyalgorithms: 'rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com' },
    ],
    ['two lines for one host', twoLines, 'web.example', { user: 'git', port: '2222' }],
    ['the first of two aliases', aliases, 'a', { user: 'git', hostkeyalgorithms: 'ssh-ed25519' }],
    [
      'the second of two aliases',
      aliases,
      'b',
      { user: 'root', hostkeyalgorithms: 'ecdsa-sha2-nistp256' },
    ],
    ['no forwarding', [host()], 'web.example', { forwardagent: 'no' }],
    ['forwarding', [host({ forward: true })], 'web.example', { forwardagent: '/t/agent.sock' }],
  ])('%s', async (_, hosts, name, expected) => {
    const found = await settings(hosts, name)
    const wanted = { ...SAFE, ...expected }
    expect(Object.fromEntries(Object.keys(wanted).map((key) => [key, found.get(key)]))).toEqual(
      wanted,
    )
  })

  test.each([
    ['two lines', twoLines],
    ['two aliases', aliases],
  ])('the type is left to known_hosts where one name has keys of several: %s', async (_, hosts) => {
    const algorithms = (await settings(hosts, 'web.example')).get('hostkeyalgorithms')
    expect(algorithms).toMatch(/ssh-ed25519.*ecdsa-sha2-nistp256.*rsa-sha2-256/)
  })

  test('other hosts: nothing', async () => {
    const found = await settings([host()], 'elsewhere.example')
    expect(found.get('userknownhostsfile')).not.toBe('/t/known_hosts')
    expect(found.get('identityagent')).not.toBe('/t/agent.sock')
  })

  // ssh lowers the name before it looks for its block, and it does so only where it is given.
  test('a name that hosts has with capitals, called without', async () => {
    const found = await settings([host({ host: 'Web.Example', port: 2222 })], 'web.example')
    expect(found.get('port')).toBe('2222')
  })

  test('an alias of an IPv6 address with a zone (HostName expands %)', async () => {
    const found = await settings([host({ alias: 'link', host: 'fe80::1%eth0' })], 'link')
    expect(found.get('hostname')).toBe('fe80::1%eth0')
  })

  test('an alias that is another line’s host name does not stand for that line', async () => {
    const hosts = [
      host({ alias: 'web.example', host: 'other.example', port: 99 }),
      host({ port: 22 }),
    ]
    const found = await settings(hosts, 'web.example')
    expect(found.get('hostname')).toBe('other.example')
  })
})

describe('the block in ~/.ssh/config', () => {
  const LINES = homeBlock('aB3dE6', { socket: '/t/agent.sock', config: '/t/config' })
  const OTHER = homeBlock('zZ9yY8', { socket: '/u/agent.sock', config: '/u/config' })

  test('includes the job’s file where the job’s agent is in use, and ends its scope', () => {
    expect(LINES).toEqual([
      '# >>> ssh-trust aB3dE6',
      'Match exec "printenv SSH_AUTH_SOCK | grep -qxF /t/agent.sock"',
      '    Include /t/config',
      'Match all',
      '# <<< ssh-trust aB3dE6',
    ])
    expect(addBlock(undefined, LINES)).toBe(`${LINES.join('\n')}\n`)
    expect(addBlock('Host x\n', LINES)).toBe(`${LINES.join('\n')}\nHost x\n`)
  })

  /** Text of lines that are like ours, with all kinds of ends. */
  const common = ['Match all', 'Host x', '    Include /x', '', '# >>> ssh-trust']
  const end = fc.constantFrom('\n', '\r\n', '\r', '')
  const linesOf = (choice: readonly string[]): fc.Arbitrary<string> =>
    fc.array(fc.tuple(fc.constantFrom(...choice), end)).map((pairs) => pairs.flat().join(''))
  const bytes = fc.uint8Array().map((array) => Buffer.from(array).toString('latin1'))

  test('taken out again, every byte is as it was', () => {
    fc.assert(
      fc.property(
        fc.oneof(linesOf([...common, ...OTHER]), bytes, fc.string({ unit: 'binary' })),
        (text) => {
          expect(removeBlock(addBlock(text, LINES), LINES)).toBe(text)
          expect(removeBlock(text, LINES)).toBe(text)
        },
      ),
    )
  })

  test('blocks of two jobs go in any order, and leave each other', () => {
    fc.assert(
      fc.property(linesOf(common), (text) => {
        const both = addBlock(addBlock(text, LINES), OTHER)
        expect(removeBlock(both, OTHER)).toBe(addBlock(text, LINES))
        expect(removeBlock(both, LINES)).toBe(addBlock(text, OTHER))
      }),
    )
  })

  const block = LINES.map((line) => `${line}\n`)
  const text = block.join('')

  test.each<[string, string, string]>([
    ['moved down', `Host a\n${text}Host b\n`, 'Host a\nHost b\n'],
    ['moved to the end, its last newline gone', `Host a\n${text.trimEnd()}`, 'Host a\n'],
    ['twice', `${text}Host a\n${text}`, 'Host a\n'],
    ['turned into CRLF', `${text}Host a\n`.replaceAll('\n', '\r\n'), 'Host a\r\n'],
    ['in front of a CRLF file', `${text}Host a\r\n\tPort 1\r\n`, 'Host a\r\n\tPort 1\r\n'],
    ['in front of a last line without newline', `${text}Host a`, 'Host a'],
    ['alone', text, ''],
    ['lines put in between', block.join('Host between\n'), 'Host between\n'.repeat(4)],
    ['its begin gone', block.slice(1).join(''), 'Match all\n'],
    ['a Match all behind it', `${text}Match all\nHost a\n`, 'Match all\nHost a\n'],
    ['a Match all before it', `Match all\n${text}`, 'Match all\n'],
    [
      'a line that only begins as ours',
      `${text}    Include /t/config2\n`,
      '    Include /t/config2\n',
    ],
  ])('%s', (_, given, expected) => {
    expect(removeBlock(given, LINES)).toBe(expected)
  })

  test('its end gone, no Match all of somebody else is taken', () => {
    const given = `${block.slice(0, 4).join('')}Host a\nMatch all\n    Port 1\n`
    expect(removeBlock(given, LINES)).toBe('Host a\nMatch all\n    Port 1\n')
  })

  describeWith(['ssh'], 'as ssh reads it', () => {
    test.each([
      ['the job’s agent', '/t/agent.sock', '2222'],
      ['another agent', '/u/agent.sock', '77'],
      ['no agent', undefined, '77'],
    ])('with %s', async (_, socket, port) => {
      const directory = makeDirectory()
      const [job, home] = [join(directory, 'job'), join(directory, 'config')]
      writeFileSync(job, 'Host web\n    Port 2222\n')
      const paths = { socket: '/t/agent.sock', config: job }
      writeFileSync(
        home,
        addBlock('Port 77\nHost web\n    User late\n', homeBlock('aB3dE6', paths)),
      )
      const env = { ...process.env, SSH_AUTH_SOCK: socket }
      const { stdout } = await run(program('ssh'), ['-G', '-F', home, 'web'], {
        env,
      })
      expect(stdout).toContain(`\nport ${port}\n`)
      expect(stdout).toContain('\nuser late\n')
    })
  })
})
