/** The doctor against real servers and agents, each with one fault; and its judgements as tables. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseFacts } from '../../src/remote/inspect-account'
import { parsePrivateKeys } from '../../src/ssh/key-file'
import {
  diagnose,
  expiryOf,
  findKnownHosts,
  formatFindings,
  fromMatches,
  hasProblem,
  judgeAccount,
  judgeVersion,
  readAgentKeys,
  readTrace,
  type Check,
  type Finding,
} from '../../src/trust/doctor'
import { parseHosts } from '../../src/trust/hosts'
import { account } from '../support/account'
import { makeHome, type Home } from '../support/home'
import { makeKey, type Key } from '../support/keys'
import { describeWith, program } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { startSshd, type Sshd, type SshdOptions } from '../support/sshd'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** The real ssh-agent, with these keys. */
async function startAgent(
  keys: readonly Key[],
): Promise<{ socket: string; stop: () => Promise<void> }> {
  const socket = join(makeDirectory('agent'), 'socket')
  const agent = spawn(program('ssh-agent'), ['-D', '-a', socket], { stdio: 'ignore' })
  while (!existsSync(socket)) await sleep(5)
  const env = { ...process.env, SSH_AUTH_SOCK: socket }
  for (const { privateKeyFile } of keys) {
    await mustRun(program('ssh-add'), ['-q', privateKeyFile], { env })
  }
  const ended = new Promise<void>((resolve) =>
    agent.once('exit', () => {
      resolve()
    }),
  )
  return {
    socket,
    stop: () => {
      agent.kill()
      return ended
    },
  }
}

describeWith(['sshd', 'ssh', 'ssh-agent', 'ssh-add', 'nss_wrapper', 'account'], 'diagnose', () => {
  let home: Home
  let file: string
  let key: Key
  let other: Key
  let agent: Awaited<ReturnType<typeof startAgent>>

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
        'AuthorizedKeysCommandUser root',
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
  }

  async function findings(
    hosts: string,
    { inside = false, password, env }: Given = {},
  ): Promise<Finding[]> {
    const parsed = parseHosts(hosts)
    expect(parsed.errors).toEqual([])
    const [inner] = parsePrivateKeys(other.privateKey).keys
    if (inner === undefined) throw new Error('no key')
    return diagnose({
      hosts: parsed.hosts,
      env: { PATH: process.env['PATH'], SSH_AUTH_SOCK: agent.socket, ...env },
      timeout: 10_000,
      ...(password === undefined ? {} : { credentials: { kind: 'password', password } as const }),
      ...(inside ? { credentials: { kind: 'key', key: inner } as const } : {}),
    })
  }

  const troubles = (all: readonly Finding[]): [Check, string][] =>
    all.filter(({ status }) => status === 'problem').map(({ check, finding }) => [check, finding])

  test('finds nothing where all is well, from outside and from inside', async () => {
    const sshd = await serve(key.publicKey)
    const all = await findings(at(sshd), { inside: true })
    expect(all.filter(({ status }) => status !== 'ok' && status !== 'unknown')).toEqual([])
    expect(all.map(({ check }) => check)).toEqual([
      'ssh',
      'agent',
      'connection',
      'key-exchange',
      'host-key',
      'login',
      'inspection',
      'clock',
      'sshd-config',
      'authorized-keys',
      'modes',
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
      expect(all.at(-1)?.hint).toContain('openssh-server')
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
      ['no file', () => undefined, 'authorized-keys', 'There is no such file'],
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
      expect(refused(all)).toEqual([['modes', expect.stringContaining(words)]])
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

  test('a forced command is told, and is no problem', async () => {
    const sshd = await serve(`command="exit 3",restrict ${key.publicKey}`)
    const all = await findings(at(sshd), { inside: true })
    expect(troubles(all)).toEqual([])
    const warnings = all.filter(({ status }) => status === 'warning')
    expect(warnings.map(({ check }) => check)).toEqual(['login', 'key-options'])
    expect(warnings[0]?.finding).toContain('exits with 3')
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

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIpoXW6G5sM3mGqgGzXvYyEfzdnfqgpP1fLtwuyRk0b+'

describe('judgements', () => {
  test.each([
    ['OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19', 'ok'],
    ['OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2', 'ok'],
    ['OpenSSH_8.9p1', 'ok'],
    ['OpenSSH_8.8p1', 'warning'],
    ['OpenSSH_10.0p2', 'ok'],
    ['Sun_SSH_1.1', 'warning'],
  ])('version %s: %s', (version, status) => {
    expect(judgeVersion(version).status).toBe(status)
  })

  test.each([
    ['10.0.0.0/8', '10.1.2.3', 'yes'],
    ['10.0.0.0/8', '11.1.2.3', 'no'],
    ['10.0.0.0/8,!10.1.2.3', '10.1.2.3', 'no'],
    ['10.1.?.*', '10.1.2.3', 'yes'],
    ['2001:db8::/32', '2001:DB8::1', 'yes'],
    ['2001:db8::/32', '10.1.2.3', 'no'],
    ['10.0.0.0/99', '10.1.2.3', 'no'],
    ['*.example.org', '10.1.2.3', 'unknown'],
    ['*.example.org,10.1.2.3', '10.1.2.3', 'yes'],
  ])('from="%s" and %s: %s', (list, address, answer) => {
    expect(fromMatches(list, address)).toBe(answer)
  })

  test.each([
    ['20260102', 60, Date.UTC(2026, 0, 1, 23)],
    ['202601020304', -90, Date.UTC(2026, 0, 2, 4, 34)],
    ['20260102030405Z', 60, Date.UTC(2026, 0, 2, 3, 4, 5)],
  ])('expiry-time %s at UTC+%d min', (text, offset, time) => {
    expect(expiryOf(text, offset)).toBe(time)
  })

  test.each([
    ['plain', `[h]:22 ${KEY}`, '[h]:22', true],
    ['one of a list', `a,b ${KEY} c`, 'b', true],
    ['a pattern', `*.example.org ${KEY}`, 'www.example.org', true],
    ['one left out', `*.example.org,!www.* ${KEY}`, 'www.example.org', false],
    ['another port', `h ${KEY}`, '[h]:2222', false],
    ['a comment', `# h ${KEY}`, 'h', false],
    ['no key', 'h ssh-ed25519 AAAA', 'h', false],
    ['a mark', `@revoked h ${KEY}`, 'h', true],
  ])('known_hosts: %s', (_, line, name, found) => {
    expect(findKnownHosts('f', `\n${line}\n`, name).map(({ lineNumber }) => lineNumber)).toEqual(
      found ? [2] : [],
    )
  })

  test('a server that talks between ssh’s own lines adds nothing to the trace', () => {
    const trace = readTrace('debug1: Authentications that can continue: publickey,x\r\nhello\r\n')
    expect(trace).toMatchObject({ methods: ['publickey', 'x'], offered: [], last: 'hello' })
  })

  const facts = (more: string): Buffer =>
    Buffer.from(`user deploy\nuid 1000\nhome /home/deploy\nclient 10.0.0.1\n${more}`)
  const keyFile = `keys /home/deploy/.ssh/authorized_keys\ncontent ${KEY.length + 1}\n${KEY}\n\n`
  const judged = (more: string): string[] =>
    judgeAccount(parseFacts(facts(more)), readAgentKeys(KEY), 0)
      .filter(({ status }) => status === 'problem')
      .map(({ finding }) => finding)

  test.each([
    ['config allowusers root admin@10.*', 'AllowUsers leaves out deploy'],
    ['config allowusers deploy@192.168.*', 'AllowUsers leaves out deploy'],
    ['config DenyUsers dep*', 'DenyUsers names deploy'],
    ['config pubkeyauthentication no', 'PubkeyAuthentication is no'],
    ['config authenticationmethods publickey,password', 'AuthenticationMethods wants more'],
  ])('%s', (line, words) => {
    expect(judged(`config-from sshd\n${line}\n${keyFile}`)).toEqual([
      expect.stringContaining(words),
    ])
  })

  test.each([
    ['config allowusers deploy@10.0.0.*'],
    ['config authenticationmethods any'],
    ['config permitrootlogin no'],
  ])('%s is no problem', (line) => {
    expect(judged(`config-from sshd\n${line}\n${keyFile}`)).toEqual([])
  })

  test('a file of another user', () => {
    const file = 'keys /f\nmode -rw------- 33 /f\n'
    expect(judged(`${file}content ${KEY.length}\n${KEY}\n`)).toEqual([
      '/f belongs to the user with the id 33: sshd ignores the keys.',
    ])
  })

  test('facts that are cut off anywhere are read as far as they go', () => {
    const whole = facts(`config-from sshd\n${keyFile}`)
    for (let length = 0; length < whole.length; length += 1) {
      const cut = whole.subarray(0, length)
      if (/^user .+\nuid \d+/.test(cut.toString())) expect(parseFacts(cut).user).toBe('deploy')
      else expect(() => parseFacts(cut)).toThrow('does not say what the account is')
    }
  })
})

describe('formatFindings', () => {
  const some: Finding[] = [
    { status: 'ok', check: 'ssh', finding: 'Good.' },
    { status: 'problem', check: 'login', host: 'web', finding: 'Bad\x1b[2J.', hint: 'Do it.' },
  ]

  test('aligns, and lets no control character through', () => {
    expect(formatFindings(some, false)).toBe(
      'ok            ssh    Good.\nproblem  web  login  Bad [2J.\n                     → Do it.\n',
    )
  })

  test('colours the status alone', () => {
    expect(formatFindings(some.slice(0, 1), true)).toBe('\x1b[32mok     \x1b[0m  ssh  Good.\n')
  })

  test('only a problem is one', () => {
    expect(hasProblem(some)).toBe(true)
    expect(hasProblem(some.slice(0, 1))).toBe(false)
  })
})
