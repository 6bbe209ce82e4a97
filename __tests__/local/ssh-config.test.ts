/** The job's ssh_config and known_hosts as they are written and as the real ssh reads them. */
import { describe, expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderKnownHosts, renderSshConfig, type ProvenHost } from '../../src/local/ssh-config'
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
