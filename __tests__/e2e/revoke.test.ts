/**
 * Trust that was made earlier, taken back: by `ssh-trust revoke` with a key and with the running agent,
 * and by the action's `revoke-keys`; and the coming host keys that a bootstrap tells of.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeHome, type Home } from '../support/home'
import { makeKey, type Key } from '../support/keys'
import { describeWith, program, testWith } from '../support/programs'
import { run } from '../support/run'
import { startSshd, type Sshd } from '../support/sshd'
import { startAccounts } from './accounts'
import { MAIN, makeScene, type Scene } from './fixtures'

const CLI = join(process.cwd(), 'dist', 'cli', 'index.js')
const NODE = process.env['SSH_TRUST_NODE'] ?? process.execPath

describeWith(['sshd', 'ssh', 'ssh-agent', 'ssh-add', 'account'], 'revocation', () => {
  let scene: Scene
  let remote: Home
  let sshd: Sshd
  let admin: Key
  let old: Key
  let file: string
  let pins: string

  beforeAll(async () => {
    remote = await makeHome()
    admin = await makeKey(remote.directory, 'ed25519', { comment: 'admin', file: 'admin' })
    old = await makeKey(remote.directory, 'ed25519', { comment: 'ssh-trust:old', file: 'old' })
    sshd = await startSshd({
      home: remote,
      hostKeys: ['ed25519', 'ecdsa'],
      authorizedKeys: [admin.publicKey],
    })
    file = join(remote.directory, '.ssh', 'authorized_keys')
  })
  afterAll(async () => {
    await sshd.stop()
    remote.remove()
  })
  beforeEach(async () => {
    scene = await makeScene()
    rmSync(join(remote.directory, '.ssh'), { recursive: true, force: true })
    mkdirSync(join(remote.directory, '.ssh'), { mode: 0o700 })
    writeFileSync(file, `# mine\n${old.publicKey}\n`, { mode: 0o600 })
    pins = join(scene.directory, 'pins.txt')
    writeFileSync(pins, `${line()}\n`)
  })
  afterEach(async () => {
    await scene.end()
  })

  const line = (): string =>
    `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint('ed25519')} (ED25519)`
  const revoke = async (args: string[], env: NodeJS.ProcessEnv = {}): ReturnType<typeof run> =>
    run(NODE, [CLI, 'revoke', '--hosts', pins, ...args], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
    })

  describe('by the command line', () => {
    test('with a key: told by a dry run, done, and nothing left to do', async () => {
      const keyFile = join(remote.directory, 'admin')
      const args = ['--key', old.publicKey, '--key-file', keyFile]
      const dry = await revoke([...args, '--dry-run'])
      expect(dry).toMatchObject({ code: 0, stderr: '' })
      expect(dry.stdout).toContain(`1 would be removed from ${file}\n  - ${old.publicKey}\n`)
      expect(readFileSync(file, 'utf8')).toBe(`# mine\n${old.publicKey}\n`)

      const done = await revoke([...args, '--json'])
      expect(JSON.parse(done.stdout)).toEqual({
        version: 1,
        dryRun: false,
        hosts: [{ host: 'web', user: sshd.user, file, removed: [old.publicKey], kept: [] }],
      })
      expect(readFileSync(file, 'utf8')).toBe('# mine\n')
      expect((await revoke(args)).stdout).toContain('0 removed from')
    })

    test('with the running agent', async () => {
      const socket = join(scene.directory, 'agent')
      const { stdout } = await run(program('ssh-agent'), ['-s', '-a', socket])
      const [, pid = ''] = /SSH_AGENT_PID=(\d+)/.exec(stdout) ?? []
      try {
        const env = { SSH_AUTH_SOCK: socket }
        const empty = await revoke(['--comment', 'ssh-trust:*'], env)
        expect(empty).toMatchObject({ code: 1 })
        expect(empty.stderr).toContain('has no keys')
        await run(program('ssh-add'), [join(remote.directory, 'admin')], {
          env: { ...process.env, ...env },
        })
        const done = await revoke(['--comment', 'ssh-trust:*', 'web'], env)
        expect(done).toMatchObject({ code: 0, stderr: '' })
        expect(readFileSync(file, 'utf8')).toBe('# mine\n')
      } finally {
        process.kill(Number(pid))
      }
    })

    testWith(['openssl', 'nss_wrapper', 'root'], 'with a password', async () => {
      const password = 'correct horse "battery" $taple'
      const server = await startAccounts(2, {
        password,
        extraConfig: ['PasswordAuthentication yes'],
      })
      try {
        server.reset(new Map(server.users.map((user) => [user, `# mine\n${old.publicKey}\n`])))
        const lines = server.users.map(
          (user) => `${user}=${user}@127.0.0.1:${server.sshd.port} ${server.sshd.fingerprint()}\n`,
        )
        writeFileSync(pins, lines.join(''))
        const args = ['--key', old.publicKey, '--password-env', 'LOGIN']
        const wrong = await revoke(args, { LOGIN: 'wrong' })
        expect(wrong).toMatchObject({ code: 1 })
        expect(wrong.stdout.match(/✗ .*the password was not accepted/g)).toHaveLength(2)
        const done = await revoke(args, { LOGIN: password })
        expect(done).toMatchObject({ code: 0, stderr: '' })
        expect([...server.files().values()]).toEqual(['# mine\n', '# mine\n'])
      } finally {
        await server.stop()
      }
    })

    test('a host that fails is exit code 1, and the others are done', async () => {
      const other = line().replace(/web=.*?:\d+/, `gone=${sshd.user}@127.0.0.1:1`)
      writeFileSync(pins, `${other}\n${line()}\n`)
      const keyFile = join(remote.directory, 'admin')
      const done = await revoke(['--key', join(remote.directory, 'old.pub'), '--key-file', keyFile])
      expect(done).toMatchObject({ code: 1 })
      expect(done.stdout).toMatch(/^✗ .*@gone: .*\[host-refused\]$/m)
      expect(done.stdout).toMatch(/^✓ .*@web: 1 removed/m)
    })

    test.each([
      [['--comment', '*'], 'every key would go'],
      [[], 'Nothing says which keys'],
      [['--fingerprint', 'SHA256:x'], 'not a whole SHA256 fingerprint'],
      [['--comment', 'a*', 'nowhere'], 'There is no host nowhere'],
      [['--comment', 'a*'], 'nothing to log in with'],
    ])('%j is refused', async (args, message) => {
      const { code, stderr } = await revoke(args)
      expect(code).toBe(1)
      expect(stderr).toContain(message)
    })
  })

  test('by the action, after bootstrap: the job’s key stays until post', async () => {
    const main = await scene.job.run(MAIN, {
      'generate-key': 'ed25519',
      'bootstrap-key': admin.privateKey,
      hosts: `${line()} bootstrap`,
      'revoke-keys': 'comment=ssh-trust:*',
    })
    expect({ code: main.code, annotations: main.annotations }).toEqual({ code: 0, annotations: [] })
    expect(main.log).toContain(`removed ${old.publicKey}`)
    expect(main.log).toContain('kept, since this job uses it: expiry-time=')
    expect(readFileSync(file, 'utf8')).not.toContain(old.publicKey)
    expect(await scene.job.exec('ssh', ['web', 'true'])).toMatchObject({ code: 0 })
    await scene.post(main)
    expect(readFileSync(file, 'utf8')).toBe('# mine\n')
  })

  test('by the action, with a host that lets nobody in: told once each, and the others are done', async () => {
    const closed = await startSshd({ home: await makeHome() })
    try {
      const main = await scene.job.run(MAIN, {
        'generate-key': 'ed25519',
        'bootstrap-key': admin.privateKey,
        'bootstrap-failure': 'continue',
        hosts: `${line()} bootstrap\nshut=${closed.user}@127.0.0.1:${closed.port} ${closed.fingerprint()} bootstrap`,
        'revoke-keys': 'comment=ssh-trust:*',
      })
      expect(main.code).toBe(0)
      expect(main.annotations.map(({ message }) => message)).toEqual([
        expect.stringMatching(/@shut did not get the key: .*no key was accepted/),
        expect.stringMatching(/@shut: keys were not revoked: .*no key was accepted/),
      ])
      expect(readFileSync(file, 'utf8')).not.toContain(old.publicKey)
      const post = await scene.post(main)
      expect({ code: post.code, annotations: post.annotations }).toEqual({
        code: 0,
        annotations: [],
      })
      expect(readFileSync(file, 'utf8')).toBe('# mine\n')
      expect(post.summary).toContain('✓ removed')
      expect(post.summary).toContain('✗ failed')
      await closed.stop()
      // The one refusal was not asked for again.
      expect(closed.log().match(/Connection from/g)).toHaveLength(2)
    } finally {
      await closed.stop()
    }
  })

  test('a host key that is pinned as revoked and still held is warned of', async () => {
    const main = await scene.job.run(MAIN, {
      'generate-key': 'ed25519',
      'bootstrap-key': admin.privateKey,
      hosts: `${line()} @revoked ${sshd.publicKey('ecdsa')} bootstrap`,
    })
    expect(main.code).toBe(0)
    const warning = `web still holds the host key ECDSA ${sshd.fingerprint('ecdsa')}, which is pinned as revoked.`
    expect(main.log).toContain(warning)
    expect(main.log).not.toContain('also holds')
    const post = await scene.post(main)
    expect(post.annotations).toMatchObject([
      { level: 'warning', message: expect.stringContaining(warning) as unknown },
    ])
    expect(post.summary).toContain(warning)
  })

  test('a bootstrap tells of a host key that is held, proven, and not pinned', async () => {
    const main = await scene.job.run(MAIN, {
      'generate-key': 'ed25519',
      'bootstrap-key': admin.privateKey,
      hosts: `${line()} bootstrap`,
    })
    const coming = sshd.fingerprint('ecdsa')
    expect(main.annotations).toEqual([])
    expect(main.log).toContain(`web also holds ECDSA ${coming}; proven.`)
    const report = JSON.parse(main.outputs['report'] ?? '') as { hosts: { coming: unknown }[] }
    expect(report.hosts[0]?.coming).toEqual([{ keyType: 'ECDSA', fingerprint: coming }])
    expect(readFileSync(main.outputs['known-hosts'] ?? '', 'utf8')).not.toContain('ecdsa')
    await scene.post(main)

    const pinned = await scene.job.run(MAIN, {
      'generate-key': 'ed25519',
      'bootstrap-key': admin.privateKey,
      hosts: `${line()} ${coming} bootstrap`,
    })
    expect(pinned.log).not.toContain('also holds')
    await scene.post(pinned)
  })

  test('revoke-keys without a host to revoke on is an error', async () => {
    const main = await scene.main(line(), { 'revoke-keys': 'comment=a*' })
    expect(main.code).toBe(1)
    expect(main.log).toContain('No host is named to revoke keys on')
  })
})
