/** The doctor against real servers and agents, each with one fault. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { parsePrivateKeys } from '../../../src/ssh/key-file'
import { diagnose } from '../../../src/trust/doctor/doctor'
import type { Check, Finding } from '../../../src/trust/doctor/finding'
import { parseHosts } from '../../../src/trust/hosts'
import { account } from '../../support/account'
import { startAgent, type RunningAgent } from './agent-fixture'
import { makeHome, type Home } from '../../support/home'
import { makeKey, type Key } from '../../support/keys'
import { describeWith, program, testWith } from '../../support/programs'
import { mustRun } from '../../support/run'
import { makeDirectory } from '../../support/scratch'
import { startSshd, type Sshd, type SshdOptions } from '../../support/sshd'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

describeWith(['sshd', 'ssh', 'ssh-agent', 'ssh-add', 'nss_wrapper', 'account'], 'diagnose', () => {
  let home: Home
  /** Of the home on the server, if there is one. */
  let snapshot: () => unknown = () => undefined
  let file: string
  let key: Key
  let other: Key
  let agent: RunningAgent

  beforeAll(async () => {
    const directory = makeDirectory('keys')
    key = await makeKey(directory, 'ed25519', { comment: 'of the job' })
    other = await makeKey(directory, 'ed25519', { comment: 'to look inside' })
    agent = await startAgent([key])
  })
  afterAll(async () => {
    await agent.stop()
  })

  /** A server that takes the other key whatever the files are like, and the key if its line says so. */
  async function serve(
    line: string | undefined,
    { env, ...options }: SshdOptions & { env?: Record<string, string> } = {},
  ): Promise<Sshd> {
    const made = await makeHome()
    home = { ...made, env: { ...made.env, ...env } }
    snapshot = made.snapshot
    undo.push(() => {
      snapshot = () => undefined
    })
    undo.push(home.remove)
    mkdirSync(join(home.directory, '.ssh'), { mode: 0o700 })
    file = join(home.directory, '.ssh', 'authorized_keys')
    if (line !== undefined) writeFileSync(file, `# mine\n${line}\n`, { mode: 0o600 })
    const { extraConfig = [], ...rest } = options
    const sshd = await startSshd({
      home,
      ...rest,
      extraConfig: [
        ...extraConfig,
        'StrictModes yes',
        'AuthorizedKeysFile .ssh/authorized_keys',
        // StrictModes is no matter of this one.
        `AuthorizedKeysCommand /bin/echo ${other.publicKey.split(' ', 2).join(' ')}`,
        `AuthorizedKeysCommandUser ${account().username}`,
      ],
    })
    undo.push(sshd.stop)
    return sshd
  }

  const at = ({ port, user, fingerprint }: Sshd, pin = fingerprint()): string =>
    `web=${user}@127.0.0.1:${port} ${pin}`

  interface Given {
    inside?: boolean
    /** To look inside with, instead of the other key. */
    password?: string
    env?: NodeJS.ProcessEnv
    timeout?: number
    canPrompt?: boolean
  }

  async function findings(
    hosts: string,
    { inside = false, password, env, timeout = 10_000, canPrompt }: Given = {},
  ): Promise<Finding[]> {
    const parsed = parseHosts(hosts)
    expect(parsed.errors).toEqual([])
    const [inner] = parsePrivateKeys(other.privateKey).keys
    if (inner === undefined) throw new Error('no key')
    const before = snapshot()
    const all = await diagnose({
      hosts: parsed.hosts,
      ...(canPrompt === undefined ? {} : { canPrompt }),
      env: { PATH: process.env['PATH'], SSH_AUTH_SOCK: agent.socket, ...env },
      timeout,
      ...(password === undefined ? {} : { credentials: { kind: 'password', password } as const }),
      ...(inside ? { credentials: { kind: 'key', key: inner } as const } : {}),
    })
    // It only looks.
    expect(snapshot()).toEqual(before)
    return all
  }

  /** Without what the server's log has: these tests can read it, and others have it apart. */
  const troubles = (all: readonly Finding[]): [Check, string][] =>
    all
      .filter(({ status, check }) => status === 'problem' && check !== 'log')
      .map(({ check, finding }) => [check, finding])

  const codes = (all: readonly Finding[]): string[] =>
    all.filter(({ status }) => status === 'problem').map(({ code }) => code)

  test('finds nothing where all is well, from outside and from inside', async () => {
    const sshd = await serve(key.publicKey)
    const all = await findings(at(sshd), { inside: true })
    expect(all.filter(({ status }) => status === 'problem' || status === 'warning')).toEqual([])
    expect(all.every(({ status, check, code }) => status !== 'ok' || code === `${check}-ok`)).toBe(
      true,
    )
    expect(all.map(({ check }) => check)).toEqual([
      'ssh',
      'agent',
      'client-config',
      'connection',
      'key-exchange',
      'host-key',
      'login',
      'inspection',
      'clock',
      'account',
      'sshd-config',
      'authorized-keys',
      'modes',
      'log',
    ])
    expect(all.find(({ check }) => check === 'authorized-keys')?.finding).toContain(`${file}:2`)
  })

  describe('the way to the host', () => {
    test('nothing listens', async () => {
      const sshd = await serve(key.publicKey)
      const line = at(sshd)
      await sshd.stop()
      const all = await findings(line)
      expect(troubles(all)).toEqual([['connection', expect.stringContaining('Nothing listens')]])
      expect(all.at(-1)).toMatchObject({ code: 'connection-refused', evidence: 'ECONNREFUSED' })
      const steps = all.at(-1)?.steps ?? []
      for (const system of [
        'Debian',
        'Fedora',
        'Alpine',
        'Arch',
        'openSUSE',
        'OpenWrt',
        'macOS',
        'Windows',
      ]) {
        expect(steps.filter((step) => step.startsWith(system))).toHaveLength(1)
      }
    })

    test('no such name', async () => {
      const all = await findings('web=me@no-such-host.invalid SHA256:' + 'A'.repeat(43))
      expect(troubles(all)).toEqual([['name', expect.stringMatching(/no-such-host\.invalid/)]])
    })

    test('not an SSH server', async () => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined)
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      undo.push(() => server.close())
      const { port } = server.address() as AddressInfo
      const all = await findings(`me@127.0.0.1:${port} SHA256:${'A'.repeat(43)}`)
      expect(troubles(all)).toEqual([['server', expect.stringContaining('HTTP/1.1 400')]])
      expect(codes(all)).toEqual(['server-not-ssh'])
    })

    test('a server that says nothing', async () => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined)
        undo.push(() => socket.destroy())
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      undo.push(() => server.close())
      const { port } = server.address() as AddressInfo
      const line = `me@127.0.0.1:${port} SHA256:${'A'.repeat(43)}`
      const all = await findings(line, { timeout: 500 })
      expect(codes(all)).toEqual(['server-silent'])
      expect(all.find(({ check }) => check === 'connection')?.status).toBe('ok')
    })

    test('MaxStartups: the server closes at once, and what it says is told', async () => {
      const sshd = await serve(key.publicKey, { extraConfig: ['MaxStartups 1:100:1'] })
      const held: Socket = connect(sshd.port, '127.0.0.1')
      held.on('error', () => undefined)
      undo.push(() => held.destroy())
      await new Promise((resolve) => held.once('data', resolve))
      const all = await findings(at(sshd))
      expect(codes(all)).toEqual(['server-closed'])
      const steps = all.at(-1)?.steps ?? []
      for (const cause of ['MaxStartups', 'PerSourcePenalties', 'fail2ban', 'TCP wrappers']) {
        expect(steps.filter((step) => step.startsWith(cause))).toHaveLength(1)
      }
    })

    test('no common algorithm', async () => {
      const sshd = await serve(key.publicKey, {
        extraConfig: ['KexAlgorithms diffie-hellman-group14-sha1'],
      })
      const all = await findings(at(sshd))
      expect(codes(all)).toEqual(['no-common-algorithm'])
      expect(all.at(-1)?.hint).toContain('KexAlgorithms')
    })
  })

  describe('the host key', () => {
    test('a wrong pin: both keys are named, and nobody logs in', async () => {
      const sshd = await serve(key.publicKey)
      const all = await findings(at(sshd, other.fingerprint), { inside: true })
      expect(troubles(all)).toEqual([['host-key', expect.stringContaining(sshd.fingerprint())]])
      expect(all.at(-1)?.finding).toContain(`hosts:1 pins ${other.fingerprint}`)
      expect(sshd.log()).not.toContain('Accepted')
    })

    test('a revoked pin', async () => {
      const sshd = await serve(key.publicKey)
      const all = await findings(`${at(sshd)} @revoked ${sshd.publicKey()}`)
      expect(troubles(all)).toEqual([['host-key', expect.stringContaining('@revoked')]])
    })

    test.each([
      ['the right pin', true, ['known-hosts']],
      ['a stale pin too', false, ['host-key', 'known-hosts']],
    ])('a stale known_hosts line and %s', async (_, right, checks) => {
      const sshd = await serve(key.publicKey)
      const name = `[127.0.0.1]:${sshd.port}`
      const mine = await makeHome()
      undo.push(mine.remove)
      mkdirSync(join(mine.directory, '.ssh'), { mode: 0o700 })
      const knownHosts = join(mine.directory, '.ssh', 'known_hosts')
      const blob = other.publicKey.split(' ', 2).join(' ')
      writeFileSync(knownHosts, `# mine\nelse ${blob}\n${name} ${blob}\n`)
      await mustRun(program('ssh-keygen'), ['-H', '-f', knownHosts])
      writeFileSync(join(mine.directory, '.ssh', 'config'), `UserKnownHostsFile ${knownHosts}\n`)
      const line = at(sshd, right ? sshd.fingerprint() : other.fingerprint)
      const all = await findings(line, { env: mine.env })
      expect(troubles(all).map(([check]) => check)).toEqual(checks)
      const stale = all.find(({ check }) => check === 'known-hosts')
      expect(stale?.finding).toContain(`${knownHosts}:3 on this machine is stale`)
      expect(stale?.finding.includes('as is the pin on hosts:1')).toBe(!right)
      expect(stale?.hint).toContain(`ssh-keygen -f '${knownHosts}' -R '${name}'`)
    })

    test('a known_hosts line with the server’s key of another type is not stale', async () => {
      const sshd = await serve(key.publicKey, { hostKeys: ['ed25519', 'ecdsa'] })
      const mine = await makeHome()
      undo.push(mine.remove)
      mkdirSync(join(mine.directory, '.ssh'), { mode: 0o700 })
      const knownHosts = join(mine.directory, '.ssh', 'known_hosts')
      writeFileSync(knownHosts, `[127.0.0.1]:${sshd.port} ${sshd.publicKey('ecdsa')}\n`)
      writeFileSync(join(mine.directory, '.ssh', 'config'), `UserKnownHostsFile ${knownHosts}\n`)
      const pin = `${sshd.fingerprint('ed25519')} (ED25519)`
      expect(troubles(await findings(at(sshd, pin), { env: mine.env }))).toEqual([])
    })

    test('known_hosts has the new key already: the pin is the stale side', async () => {
      const sshd = await serve(key.publicKey)
      const mine = await makeHome()
      undo.push(mine.remove)
      mkdirSync(join(mine.directory, '.ssh'), { mode: 0o700 })
      const knownHosts = join(mine.directory, '.ssh', 'known_hosts')
      writeFileSync(knownHosts, sshd.knownHosts())
      writeFileSync(join(mine.directory, '.ssh', 'config'), `UserKnownHostsFile ${knownHosts}\n`)
      const all = await findings(at(sshd, other.fingerprint), { env: mine.env })
      expect(troubles(all).map(([check]) => check)).toEqual(['host-key'])
      expect(all.find(({ check }) => check === 'known-hosts')?.finding).toContain(
        'the pin on hosts:1 is the stale side',
      )
    })
  })

  describe('the key is refused', () => {
    const refused = (all: readonly Finding[]): [Check, string][] => {
      const [first, ...rest] = troubles(all)
      expect(first).toEqual(['login', expect.stringContaining('The server refuses the key')])
      return rest
    }

    test.each<[string, (line: string) => string | undefined, Check, string]>([
      ['no file', () => undefined, 'authorized-keys', 'There is no file'],
      ['not in the file', () => other.publicKey, 'authorized-keys', 'None of the agent’s keys'],
      ['expired', (line) => `expiry-time="20200101" ${line}`, 'key-options', 'has expired'],
      ['from elsewhere', (line) => `from="10.0.0.0/8" ${line}`, 'key-options', '127.0.0.1'],
      ['from all but this', (line) => `from="*,!127.0.0.1" ${line}`, 'key-options', 'leaves this'],
      ['an unknown option', (line) => `no-such ${line}`, 'key-options', 'no-such'],
      ['an authority', (line) => `cert-authority ${line}`, 'key-options', 'as an authority'],
    ])('%s', async (_, change, check, words) => {
      const sshd = await serve(change(key.publicKey))
      const all = await findings(at(sshd), { inside: true })
      expect(refused(all)).toEqual([[check, expect.stringContaining(words)]])
    })

    test.each([
      ['home 0777', '.', 0o777, 'drwxrwxrwx'],
      ['.ssh 0777', '.ssh', 0o777, 'drwxrwxrwx'],
      ['file 0666', '.ssh/authorized_keys', 0o666, '-rw-rw-rw-'],
    ])('StrictModes: %s', async (_, path, mode, words) => {
      const sshd = await serve(key.publicKey)
      const bad = join(home.directory, path)
      chmodSync(bad, mode)
      const all = await findings(at(sshd), { inside: true })
      expect(refused(all)).toEqual([['modes', expect.stringContaining('Others can write to')]])
      expect(all.find(({ check }) => check === 'modes')?.evidence).toContain(words)
      expect(all.find(({ check }) => check === 'modes')?.hint).toContain(`chmod go-w '${bad}'`)
      // What it says to do helps.
      await mustRun('chmod', ['go-w', bad])
      expect(troubles(await findings(at(sshd), { inside: true }))).toEqual([])
    })

    // Debian's sshd lets the user's own group write, others do not.
    test('StrictModes, .ssh 0775: a problem unless the login works all the same', async () => {
      const sshd = await serve(key.publicKey)
      chmodSync(join(home.directory, '.ssh'), 0o775)
      const all = await findings(at(sshd), { inside: true })
      const statusOf = (wanted: Check): string | undefined =>
        all.find(({ check }) => check === wanted)?.status
      expect(statusOf('modes')).toBe(statusOf('login') === 'ok' ? 'warning' : 'problem')
    })

    test('the key stands twice, and one line is good', async () => {
      const sshd = await serve(`from="10.0.0.1" ${key.publicKey}\n${key.publicKey}`)
      expect(troubles(await findings(at(sshd), { inside: true }))).toEqual([])
    })

    test('AllowUsers without the user: no other key gets in either, and that is said', async () => {
      const sshd = await serve(key.publicKey, { extraConfig: ['AllowUsers nobody-else'] })
      const all = await findings(at(sshd), { inside: true })
      expect(refused(all)).toEqual([])
      expect(all.at(-1)).toMatchObject({ status: 'unknown', check: 'inspection' })
      expect(all.at(-1)?.hint).toContain('AllowUsers')
    })

    test('a wrong user', async () => {
      const sshd = await serve(key.publicKey)
      const all = await findings(at({ ...sshd, user: 'no-such-user' }))
      expect(refused(all)).toEqual([])
      expect(troubles(all)[0]?.[1]).toContain('no-such-user@127.0.0.1')
      expect(all.at(-1)?.hint).toContain('--key FILE')
    })
  })

  test.each([
    ['nobody is there', '', undefined, ['client-prompts']],
    ['somebody is there', '', true, []],
    ['BatchMode yes', 'BatchMode yes\n', undefined, []],
  ])('what ssh would ask where the key is refused: %s', async (_, config, canPrompt, expected) => {
    const sshd = await serve(undefined)
    const mine = await makeHome()
    undo.push(mine.remove)
    mkdirSync(join(mine.directory, '.ssh'), { mode: 0o700 })
    writeFileSync(join(mine.directory, '.ssh', 'config'), config)
    const given = { env: mine.env, ...(canPrompt === undefined ? {} : { canPrompt }) }
    const all = await findings(at(sshd), given)
    const told = all.filter(({ check }) => check === 'client-config' || check === 'login')
    const wrong = told.filter(({ status }) => status !== 'ok').map(({ code }) => code)
    expect(wrong).toEqual(['login-key-refused', ...expected])
  })

  test('PubkeyAuthentication no: only the password is left', async () => {
    const sshd = await serve(key.publicKey, {
      extraConfig: ['PubkeyAuthentication no', 'PasswordAuthentication yes'],
    })
    const all = await findings(at(sshd))
    expect(troubles(all)).toEqual([['login', expect.stringContaining('only password')]])
  })

  describeWith(['openssl', 'root'], 'with a password', () => {
    /** Makes sshd know a password, without the machine's accounts. */
    async function shadow(password: string): Promise<Record<string, string>> {
      const hash = await mustRun(program('openssl'), ['passwd', '-6', '-stdin'], {
        input: password,
      })
      const passwords = join(makeDirectory('shadow'), 'shadow')
      writeFileSync(passwords, `${account().username}:${hash.trim()}:19000:0:99999:7:::\n`)
      return { NSS_WRAPPER_SHADOW: passwords }
    }
    const config = ['PubkeyAuthentication no', 'PasswordAuthentication yes']

    test('sshd’s own configuration is found out from inside', async () => {
      const sshd = await serve(key.publicKey, { extraConfig: config, env: await shadow('secret') })
      const all = await findings(at(sshd), { password: 'secret' })
      expect(troubles(all)).toEqual([
        ['login', expect.stringContaining('only password')],
        ['sshd-config', 'PubkeyAuthentication is no.'],
      ])
      expect(all.find(({ check }) => check === 'sshd-config')?.hint).toContain(sshd.directory)
      expect(JSON.stringify(all)).not.toContain('secret')
    })

    test('a wrong password leaves the inside unknown', async () => {
      const sshd = await serve(key.publicKey, { extraConfig: config, env: await shadow('secret') })
      const all = await findings(at(sshd), { password: 'wrong' })
      expect(all.at(-1)).toMatchObject({ status: 'unknown', check: 'inspection' })
    })
  })

  test('too many keys', async () => {
    const directory = makeDirectory('keys')
    const many = [await makeKey(directory, 'ed25519'), await makeKey(directory, 'ed25519'), other]
    const full = await startAgent([...many, key])
    undo.push(full.stop)
    const sshd = await serve(key.publicKey, {
      extraConfig: ['MaxAuthTries 2', 'AuthorizedKeysCommand none'],
    })
    const all = await findings(at(sshd), { env: { SSH_AUTH_SOCK: full.socket } })
    expect(troubles(all)).toEqual([['login', expect.stringContaining('Too many')]])
    expect(all.find(({ check }) => check === 'login')?.hint).toContain('key=SHA256:')
  })

  test('ForceCommand is told, and is no problem', async () => {
    const sshd = await serve(key.publicKey, {
      extraConfig: ['ForceCommand test "$SSH_ORIGINAL_COMMAND" = sh && sh'],
    })
    const all = await findings(at(sshd), { inside: true })
    expect(codes(all)).toEqual([])
    expect(all.find(({ check }) => check === 'login')).toMatchObject({
      status: 'warning',
      code: 'login-command-fails',
    })
    expect(all.find(({ check }) => check === 'sshd-config')).toMatchObject({
      code: 'forced-command',
      evidence: expect.stringContaining('forcecommand test'),
    })
  })

  testWith(['linux'], 'hosts are looked at side by side, and told in their order', async () => {
    // They answer when both have been called: one after the other would find them silent.
    const waiting: Socket[] = []
    const ports: number[] = []
    for (const address of ['127.0.0.1', '127.0.0.2']) {
      const server = createServer((socket) => {
        socket.on('error', () => undefined)
        waiting.push(socket)
        if (waiting.length < 2) return
        for (const one of waiting) one.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      })
      await new Promise<void>((resolve) => server.listen(0, address, resolve))
      undo.push(() => server.close())
      ports.push((server.address() as AddressInfo).port)
    }
    const pin = `SHA256:${'A'.repeat(43)}`
    const hosts = ports.map((port, index) => `h${index}=me@127.0.0.${index + 1}:${port} ${pin}\n`)
    const all = await findings(hosts.join(''))
    expect(codes(all)).toEqual(['server-not-ssh', 'server-not-ssh'])
    const names = all.flatMap(({ host }) => host ?? [])
    expect(names).toEqual([...names].sort())
  })

  test('a forced command is told, and is no problem', async () => {
    const sshd = await serve(`command="exit 3",restrict ${key.publicKey}`)
    const all = await findings(at(sshd), { inside: true })
    expect(troubles(all)).toEqual([])
    const warnings = all.filter(({ status }) => status === 'warning')
    expect(warnings.map(({ check }) => check)).toEqual(['login', 'key-options'])
    expect(warnings[0]?.finding).toContain('exits with 3')
    expect(warnings[1]).toMatchObject({ code: 'forced-command', evidence: 'command="exit 3"' })
  })

  describe('the agent', () => {
    test.each<[string, () => Promise<string | undefined>, string]>([
      ['none', () => Promise.resolve(undefined), 'SSH_AUTH_SOCK is not set'],
      ['gone', () => Promise.resolve('/no/such/socket'), 'there is nothing'],
      [
        'dead',
        () => {
          const path = join(makeDirectory(), 'socket')
          writeFileSync(path, '')
          return Promise.resolve(path)
        },
        'does not answer',
      ],
      [
        'empty',
        async () => {
          const empty = await startAgent([])
          undo.push(empty.stop)
          return empty.socket
        },
        'holds no key',
      ],
    ])('%s', async (_, make, words) => {
      const sshd = await serve(key.publicKey)
      const socket = await make()
      const all = await findings(at(sshd), { env: { SSH_AUTH_SOCK: socket } })
      expect(troubles(all)).toEqual([['agent', expect.stringContaining(words)]])
      expect(all.find(({ check }) => check === 'host-key')?.status).toBe('ok')
    })
  })
})
