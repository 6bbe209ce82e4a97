/** `ssh-trust doctor` as a person runs it: the built bundle, dist/cli/index.js, and a real sshd. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from '../../src/trust/doctor/doctor'
import { makeHome, type Home } from '../support/home'
import { makeKey, type Key } from '../support/keys'
import { describeWith, program, testWith } from '../support/programs'
import { run, type Finished } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { startSshd, type Sshd } from '../support/sshd'

const CLI = [process.execPath, join(process.cwd(), 'dist', 'cli', 'index.js')] as const

describeWith(['sshd', 'ssh', 'ssh-add', 'nss_wrapper', 'account'], 'ssh-trust doctor', () => {
  let sshd: Sshd
  let home: Home
  let key: Key
  let admin: Key
  let directory: string

  beforeAll(async () => {
    home = await makeHome()
    const keys = makeDirectory('keys')
    key = await makeKey(keys, 'ed25519', { comment: 'of the job' })
    admin = await makeKey(keys, 'ed25519', { comment: 'admin' })
    sshd = await startSshd({ home, authorizedKeys: [admin.publicKey] })
  })
  afterAll(async () => {
    await sshd.stop()
    home.remove()
  })
  beforeEach(() => {
    directory = makeDirectory('doctor')
    authorize(key.publicKey)
  })

  function authorize(line: string): void {
    const ssh = join(home.directory, '.ssh')
    mkdirSync(ssh, { recursive: true, mode: 0o700 })
    writeFileSync(join(ssh, 'authorized_keys'), `${line}\n`, { mode: 0o600 })
  }

  function write(name: string, text: string): string {
    const file = join(directory, name)
    writeFileSync(file, text)
    return file
  }

  const web = (rest = ''): string =>
    `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()} ${rest}\n`

  const ENV = { PATH: process.env['PATH'], HOME: process.env['HOME'] }

  /** The doctor, under an agent of ours that has the key and was told of other hosts, if any. */
  async function doctor(
    args: readonly string[],
    agentHosts = '',
    env: NodeJS.ProcessEnv = {},
  ): Promise<Finished> {
    const hosts = agentHosts === '' ? [] : ['--hosts', write('agent-hosts', agentHosts)]
    const script = '"$1" -q "$2" && shift 2 && exec "$@"'
    return run(
      CLI[0],
      [
        ...[CLI[1], 'agent', '--audit', join(directory, 'audit'), ...hosts],
        ...['sh', '-c', script, 'sh', program('ssh-add'), key.privateKeyFile],
        ...[...CLI, 'doctor', ...args],
      ],
      { env: { ...ENV, ...env, TMPDIR: directory } },
    )
  }

  const read = ({ stdout }: Finished): Finding[] =>
    (JSON.parse(stdout) as { version: 1; findings: Finding[] }).findings
  const problems = (finished: Finished): string[] =>
    read(finished)
      .filter(({ status }) => status === 'problem')
      .map(({ check, finding, hint }) => `${check}: ${finding} ${hint ?? ''}`)

  test('all is well: a table, no colour in a pipe, code 0', async () => {
    const { code, stdout, stderr } = await doctor(['--hosts', write('hosts', web())], web())
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).not.toContain('\x1b')
    expect(stdout).toMatch(/^ok {7}web {2}login {10}Login as /m)
    expect(stdout).toContain(key.fingerprint)
  })

  test('a key that is not there: code 1, and what to add once it can look inside', async () => {
    authorize(admin.publicKey)
    const hosts = write('hosts', web())
    const outside = await doctor(['--hosts', hosts, '--json'])
    expect(outside.code).toBe(1)
    expect(problems(outside)).toEqual([expect.stringMatching(/^login: The server refuses the key/)])
    const inside = await doctor(['--hosts', hosts, '--json', '--key', admin.privateKeyFile, 'web'])
    expect(problems(inside)[1]).toContain(key.publicKey)
    expect(inside.stdout + inside.stderr).not.toContain('PRIVATE KEY')
  })

  testWith(['root'], '--as root looks at the account', async () => {
    authorize(admin.publicKey)
    const args = ['--hosts', write('hosts', web()), '--json', '--key', admin.privateKeyFile]
    const { stdout } = await doctor([...args, '--as', 'root'])
    const findings = (JSON.parse(stdout) as { findings: Finding[] }).findings
    expect(findings.filter(({ status }) => status === 'problem').map(({ code }) => code)).toEqual([
      'login-key-refused',
      'key-not-authorized',
    ])
    expect(findings.find(({ check }) => check === 'inspection')?.status).toBe('ok')
  })

  test('with --json each finding has a code, and nothing but what is documented', async () => {
    authorize(admin.publicKey)
    const args = ['--hosts', write('hosts', web()), '--json', '--key', admin.privateKeyFile]
    const before = home.snapshot()
    for (const finding of read(await doctor(args))) {
      expect(finding).toMatchObject({ status: expect.any(String), code: expect.any(String) })
      expect(['status', 'check', 'code', 'host', 'finding', 'evidence', 'hint', 'steps']).toEqual(
        expect.arrayContaining(Object.keys(finding)),
      )
    }
    expect(home.snapshot()).toEqual(before)
  })

  describe('an agent of ours that refuses says why', () => {
    test.each([
      [
        'the user',
        (): string => web().replace(`${sshd.user}@`, ''),
        'users=somebody-else',
        'user-not-allowed',
      ],
      ['the key', web, `key=SHA256:${'A'.repeat(43)}`, 'key-not-for-host'],
    ])('for %s', async (_, line, option, reason) => {
      const policy = line().replace('\n', ` ${option}\n`)
      const args = ['--hosts', write('hosts', web()), '--audit', join(directory, 'audit'), '--json']
      const finished = await doctor(args, policy)
      expect(finished.code).toBe(1)
      expect(problems(finished)).toEqual([expect.stringMatching(`^login: .*agent .*${reason}`)])
    })

    test('for the host', async () => {
      const policy = `elsewhere=${sshd.user}@127.0.0.2 ${admin.fingerprint}\n`
      const args = ['--hosts', write('hosts', web()), '--audit', join(directory, 'audit'), '--json']
      const finished = await doctor(args, policy)
      expect(finished.code).toBe(1)
      expect(problems(finished)).toEqual([expect.stringMatching('^login: .*host-not-pinned')])
    })
  })

  test.each<[string, () => string[], string]>([
    ['no --hosts', () => [], '--hosts'],
    ['an unknown option', () => ['--hosts', write('hosts', web()), '--no-such'], '--no-such'],
    ['hosts that can’t be read', () => ['--hosts', '/no/such/file'], '/no/such/file'],
    ['a line without pin', () => ['--hosts', write('hosts', 'example.org\n')], 'hosts-pin-missing'],
    ['an empty file', () => ['--hosts', write('hosts', '# none\n')], 'There are no hosts'],
    ['an unknown name', () => ['--hosts', write('hosts', web()), 'db'], 'There is no host db'],
    [
      'no such variable',
      () => ['--hosts', write('hosts', web()), '--password-env', 'NO_SUCH'],
      'NO_SUCH is not set',
    ],
    [
      'an administrator and nothing to log in with',
      () => ['--hosts', write('hosts', web()), '--as', 'root'],
      '--as needs --key or --password-env',
    ],
    [
      'two ways to look inside',
      () => ['--hosts', write('hosts', web()), '--password-env', 'A', '--key', 'b'],
      'cannot be used with',
    ],
  ])('wrong usage ends with 2: %s', async (_, args, words) => {
    const { code, stdout, stderr } = await run(CLI[0], [CLI[1], 'doctor', ...args()], { env: ENV })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
  })
})
