/** The doctor as an administrator: it looks at another account, each time with one fault. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { appendFileSync, chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parsePrivateKeys } from '../../../src/ssh/key-file'
import { diagnose, type Finding } from '../../../src/trust/doctor/doctor'
import { parseHosts } from '../../../src/trust/hosts'
import { startAgent, type RunningAgent } from './agent-fixture'
import { makeHome, type Home } from '../../support/home'
import { makeKey, type Key } from '../../support/keys'
import { describeWith } from '../../support/programs'
import { makeDirectory } from '../../support/scratch'
import { startSshd, type Sshd } from '../../support/sshd'

const UID = 64_242

/** A PATH with stand-ins for programs that this machine need not have. */
function standIns(programs: Readonly<Record<string, string>>): string {
  const directory = makeDirectory('bin')
  chmodSync(directory, 0o755)
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(directory, name), 0o755)
  }
  return `${directory}:/usr/bin:/bin`
}

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

describeWith(
  ['sshd', 'ssh', 'ssh-agent', 'ssh-add', 'nss_wrapper', 'root', 'linux'],
  '--as root',
  () => {
    let key: Key
    let admin: Key
    let agent: RunningAgent
    let home: Home
    /** Of deploy, an account that only this home knows. */
    let place: string

    beforeAll(async () => {
      const directory = makeDirectory('keys')
      key = await makeKey(directory, 'ed25519', { comment: 'of the job' })
      admin = await makeKey(directory, 'ed25519', { comment: 'of root' })
      agent = await startAgent([key])
    })
    afterAll(async () => {
      await agent.stop()
    })

    interface Deploy {
      shell?: string
      /** The second and eighth field of shadow(5). */
      password?: string
      expires?: string
      groups?: string
      /** Lines of authorized_keys. */
      lines?: readonly string[]
    }

    async function serve(
      deploy: Deploy = {},
      config: readonly string[] = [],
      programs: Readonly<Record<string, string>> = {},
    ): Promise<Sshd> {
      home = await makeHome()
      if (Object.keys(programs).length > 0) home.env['PATH'] = standIns(programs)
      undo.push(home.remove)
      const base = dirname(home.directory)
      for (const path of [dirname(base), base, home.directory]) chmodSync(path, 0o711)
      place = join(home.directory, 'deploy')
      mkdirSync(join(place, '.ssh'), { recursive: true })
      const file = join(place, '.ssh', 'authorized_keys')
      const { lines = [key.publicKey] } = deploy
      writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
      for (const path of [place, join(place, '.ssh'), file]) {
        chmodSync(path, path === file ? 0o600 : 0o700)
        chownSync(path, UID, UID)
      }
      const { NSS_WRAPPER_PASSWD: passwd = '', NSS_WRAPPER_GROUP: group = '' } = home.env
      appendFileSync(passwd, `deploy:x:${UID}:${UID}::${place}:${deploy.shell ?? '/bin/sh'}\n`)
      appendFileSync(group, `deploy:x:${UID}:\n${deploy.groups ?? ''}`)
      const shadow = join(base, 'shadow')
      const { password = '*', expires = '' } = deploy
      writeFileSync(
        shadow,
        `root:*:19000:0:99999:7:::\ndeploy:${password}:19000:0:99999:7::${expires}:\n`,
      )
      home.env['NSS_WRAPPER_SHADOW'] = shadow
      const found = config.findIndex((line) => line.startsWith('Match'))
      const match = found < 0 ? config.length : found
      const sshd = await startSshd({
        home,
        authorizedKeys: [admin.publicKey],
        extraConfig: [
          ...config.slice(0, match),
          ...(config.some((line) => /^AuthorizedKeysFile/.test(line))
            ? []
            : ['AuthorizedKeysFile .ssh/authorized_keys']),
          `AuthorizedKeysCommand /bin/sh -c "test %u = root && cat ${join(base, 'admin')}"`,
          'AuthorizedKeysCommandUser root',
          'StrictModes yes',
          ...config.slice(match),
        ],
      })
      writeFileSync(join(base, 'admin'), `${admin.publicKey}\n`)
      undo.push(sshd.stop)
      return sshd
    }

    async function look(
      sshd: Sshd,
      user = 'deploy',
      as = 'root',
      socket = agent.socket,
    ): Promise<Finding[]> {
      const [inner] = parsePrivateKeys(admin.privateKey).keys
      if (inner === undefined) throw new Error('no key')
      return diagnose({
        hosts: parseHosts(`web=${user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`).hosts,
        env: { PATH: process.env['PATH'], SSH_AUTH_SOCK: socket },
        timeout: 10_000,
        credentials: { kind: 'key', key: inner },
        as,
      })
    }

    /** What is wrong inside, by check and code. */
    const problems = (all: readonly Finding[]): string[] =>
      all.filter(({ status }) => status === 'problem').map(({ check, code }) => `${check} ${code}`)

    const evidenceOf = (all: readonly Finding[], code: string): string =>
      all.find((finding) => finding.code === code)?.evidence ?? ''

    test('all is well, nothing is changed, and other accounts are looked at', async () => {
      const sshd = await serve()
      const before = home.snapshot()
      const all = await look(sshd)
      expect(all.filter(({ status }) => status !== 'ok')).toEqual([])
      expect(all.find(({ check }) => check === 'inspection')?.finding).toBe('deploy, seen by root.')
      expect(home.snapshot()).toEqual(before)
    })

    interface Case {
      deploy?: Deploy
      config?: readonly string[]
      mend?: () => void
      /** By check and code, besides the login. */
      expected: readonly string[]
      evidence: string | RegExp
    }

    const at = (name: string): string => join(place, name)

    test.each<[string, Case]>([
      [
        'AllowUsers leaves it out',
        {
          config: ['AllowUsers root somebody'],
          expected: ['sshd-config allow-users', 'log allow-users'],
          evidence: 'allowusers root somebody',
        },
      ],
      [
        'DenyUsers names it',
        {
          config: ['DenyUsers dep*'],
          expected: ['sshd-config deny-users', 'log deny-users'],
          evidence: 'denyusers dep*',
        },
      ],
      [
        'AllowGroups has none of its groups',
        {
          config: ['AllowGroups root wheel'],
          expected: ['sshd-config allow-groups', 'log allow-groups'],
          evidence: 'allowgroups root wheel',
        },
      ],
      [
        'DenyGroups has a group that it is in besides',
        {
          deploy: { groups: 'guests:x:64243:deploy\n' },
          config: ['DenyGroups guests'],
          expected: ['sshd-config deny-groups', 'log deny-groups'],
          evidence: 'denygroups guests',
        },
      ],
      [
        'a Match block for it',
        {
          config: ['Match User deploy', 'PubkeyAuthentication no', 'PasswordAuthentication yes'],
          expected: ['sshd-config publickey-off'],
          evidence: 'pubkeyauthentication no',
        },
      ],
      [
        'no key of this type',
        {
          config: ['Match User deploy', 'PubkeyAcceptedAlgorithms rsa-sha2-512,ecdsa-*'],
          expected: ['sshd-config algorithm-not-accepted', 'log algorithm-not-accepted'],
          evidence: 'pubkeyacceptedalgorithms rsa-sha2-512,ecdsa-sha2-nistp256',
        },
      ],
      [
        'the account is locked',
        {
          deploy: { password: '!$6$locked' },
          expected: ['account account-locked', 'log account-locked'],
          evidence: 'a ! before the password',
        },
      ],
      [
        'the account has expired',
        {
          deploy: { expires: '18000' },
          expected: ['account account-expired', 'log account-expired'],
          evidence: 'expires 2019-04-14',
        },
      ],
      [
        'the shell is not there',
        {
          deploy: { shell: '/no/such/shell' },
          expected: ['account account-no-shell', 'log account-no-shell'],
          evidence: '/no/such/shell',
        },
      ],
      [
        'the home is not there',
        {
          mend: () => {
            rmSync(place, { recursive: true })
          },
          expected: ['account account-no-home'],
          evidence: '',
        },
      ],
      [
        'AuthorizedKeysFile is elsewhere',
        {
          config: ['AuthorizedKeysFile /etc/ssh/keys/%u'],
          expected: ['authorized-keys authorized-keys-elsewhere'],
          evidence: 'authorizedkeysfile /etc/ssh/keys/%u',
        },
      ],
      [
        'the file belongs to another user',
        {
          mend: () => {
            chownSync(at('.ssh/authorized_keys'), 1, 1)
          },
          expected: ['modes owned-by-other', 'log authorized-keys-unreadable'],
          evidence: /^-rw------- 1 .*authorized_keys$/,
        },
      ],
      [
        'others can write to the home',
        {
          mend: () => {
            chmodSync(place, 0o777)
          },
          expected: ['modes writable-by-others', 'log writable-by-others'],
          evidence: /^drwxrwxrwx 64242 /,
        },
      ],
    ])('%s', async (_, { deploy = {}, config = [], mend, expected, evidence }) => {
      const sshd = await serve(deploy, config)
      mend?.()
      const before = home.snapshot()
      const all = await look(sshd)
      const [login, ...inside] = problems(all)
      expect(login).toMatch(/^login login-(key-refused|without-keys|failed)$/)
      expect(inside).toEqual(expected)
      const [, code = ''] = expected[0]?.split(' ') ?? []
      expect(evidenceOf(all, code)).toMatch(evidence)
      for (const finding of all.filter(({ status }) => status === 'problem')) {
        expect(finding.hint).not.toBe('')
      }
      expect(home.snapshot()).toEqual(before)
    })

    test.each(['/usr/sbin/nologin', '/bin/false'])(
      'the shell %s: the login works',
      async (shell) => {
        const all = await look(await serve({ shell }))
        const login = all.find(({ check }) => check === 'login')
        expect(login).toMatchObject({ code: 'login-command-fails' })
        expect(login?.status).toBe(shell === '/bin/false' ? 'warning' : 'problem')
        expect(problems(all)).toContain('account account-no-shell')
        expect(evidenceOf(all, 'account-no-shell')).toBe(shell)
      },
    )

    test('a user that is not there', async () => {
      const all = await look(await serve(), 'no-such-user')
      expect(problems(all)).toEqual([
        'login login-key-refused',
        'account account-absent',
        'log account-absent',
      ])
      expect(evidenceOf(all, 'account-absent')).toContain('no-such-user')
    })

    test('the key is in the file of another account', async () => {
      const sshd = await serve({ lines: [admin.publicKey] })
      const mine = join(home.directory, 'other')
      mkdirSync(join(mine, '.ssh'), { recursive: true })
      writeFileSync(join(mine, '.ssh', 'authorized_keys'), `${key.publicKey}\n`)
      appendFileSync(home.env['NSS_WRAPPER_PASSWD'] ?? '', `other:x:1:1::${mine}:/bin/sh\n`)
      const all = await look(sshd)
      expect(problems(all)).toEqual([
        'login login-key-refused',
        'authorized-keys key-not-authorized',
      ])
      expect(all.find(({ code }) => code === 'authorized-keys-of-other-account')).toMatchObject({
        status: 'warning',
        evidence: join(mine, '.ssh', 'authorized_keys'),
      })
    })

    test('the password in shadow(5) is nowhere in what is found', async () => {
      const all = await look(await serve({ password: '!$6$salt$SecretHash' }))
      expect(JSON.stringify(all)).not.toContain('SecretHash')
    })

    test('an RSA key, and a server that takes SHA-1 alone', async () => {
      const rsa = await makeKey(makeDirectory('keys'), 'rsa', { bits: 2048 })
      const holder = await startAgent([rsa])
      undo.push(holder.stop)
      const config = ['Match User deploy', 'PubkeyAcceptedAlgorithms ssh-rsa']
      const sshd = await serve({ lines: [rsa.publicKey] }, config)
      expect(problems(await look(sshd, 'deploy', 'root', holder.socket))).toEqual([
        'login login-key-refused',
        'sshd-config rsa-sha1-only',
        'log algorithm-not-accepted',
      ])
    })

    describe('somebody who may use sudo', () => {
      /** Of the other account, whose keys the job has none of. */
      const lines = (): string[] => [admin.publicKey]

      test('looks by sudo without a password (a stand-in), at files, modes and the journal', async () => {
        const line = '2026-01-01T00:00:00+0000 web sshd[1]: Invalid user web from 10.9.9.9 port 1'
        const sshd = await serve({ lines: lines() }, [], {
          // It makes nobody root; what is asked of it is what counts.
          sudo: 'test "$1" = -n || exit 9; shift; exec "$@"',
          journalctl: `echo '${line}'; echo "$(date +%Y-%m-%dT%H:%M:%S%z) web sshd[2]: User web not allowed because account is locked"`,
        })
        const web = join(home.directory, 'web')
        mkdirSync(join(web, '.ssh'), { recursive: true })
        writeFileSync(join(web, '.ssh', 'authorized_keys'), `${admin.publicKey}\n`)
        for (const path of [web, join(web, '.ssh')]) chmodSync(path, 0o755)
        appendFileSync(home.env['NSS_WRAPPER_PASSWD'] ?? '', `web:x:64243:0::${web}:/bin/sh\n`)
        const all = await look(sshd, 'web', 'deploy')
        expect(all.find(({ check }) => check === 'inspection')).toMatchObject({
          status: 'ok',
          finding: 'web, seen by deploy.',
        })
        expect(problems(all)).toEqual([
          'login login-key-refused',
          'authorized-keys key-not-authorized',
          'log account-locked',
        ])
      })

      test('a password is needed: that is said, and no more', async () => {
        const sudo = 'echo "sudo: a password is required" >&2; exit 1'
        const all = await look(await serve({ lines: lines() }, [], { sudo }), 'root', 'deploy')
        expect(all.at(-1)).toMatchObject({ status: 'unknown', code: 'inspection-failed' })
        expect(all.at(-1)?.evidence).toContain('sudo: a password is required')
        expect(all.at(-1)?.hint).toContain('sudo without a password')
      })
    })
  },
)
