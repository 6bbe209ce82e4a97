/**
 * Real clients and the job's agent: who gets a signature, at a pinned host and at one that is not.
 * All of them take any host key, so that nothing but the agent stands between them and a login.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describeWith, program, type Need } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { startSshd, type Sshd } from '../support/sshd'
import { makeScene, type Scene } from './fixtures'

interface Client {
  name: string
  needs: readonly Need[]
  /** Whether it says, by session-bind@openssh.com, which server the agent is to sign for. */
  binds: boolean
  /** A login, and something that is done there. */
  command: (sshd: Sshd, files: Files) => string[] | Promise<string[]>
  env?: (sshd: Sshd) => Record<string, string>
  /** What it prints when it is done; the line `in` if left out. */
  prints?: string
  /** Prints nothing, but copies `sample` to `fresh`. */
  copies?: true
}

interface Files {
  /** A file that holds the line `in`. */
  sample: string
  /** A path where nothing is yet. */
  fresh: string
}

const CLIENTS = join(process.cwd(), '__tests__', 'fixtures', 'clients')

/** Debian's own, which find the modules that Debian has packages for. */
const PYTHON = '/usr/bin/python3'
const RUBY = '/usr/bin/ruby'

/** With an empty build cache Go compiles its own library too. */
const COMPILE_TIMEOUT = 240_000

const ANY_HOST_KEY = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null']

const at = ({ user, address }: Sshd): string => `${user}@${address}`
const sshCommand = ({ port }: Sshd): string =>
  [program('ssh'), '-q', ...ANY_HOST_KEY, '-p', String(port)].join(' ')
/** What the clients in fixtures/clients take. */
const login = ({ address, port, user }: Sshd): string[] => [address, String(port), user, 'echo in']

const clients: readonly Client[] = [
  {
    name: 'ssh',
    needs: ['ssh'],
    binds: true,
    command: (sshd) => ['ssh', '-q', ...ANY_HOST_KEY, '-p', String(sshd.port), at(sshd), 'echo in'],
  },
  {
    name: 'scp',
    needs: ['scp'],
    binds: true,
    command: (sshd, { sample, fresh }) => [
      ...['scp', '-q', ...ANY_HOST_KEY, '-P', String(sshd.port)],
      ...[`${at(sshd)}:${sample}`, fresh],
    ],
    copies: true,
  },
  {
    name: 'sftp',
    needs: ['sftp'],
    binds: true,
    command: (sshd, { sample, fresh }) => {
      writeFileSync(fresh, `ls -1 ${dirname(sample)}\n`)
      return ['sftp', '-q', ...ANY_HOST_KEY, '-P', String(sshd.port), '-b', fresh, at(sshd)]
    },
    prints: 'sample',
  },
  {
    name: 'rsync',
    needs: ['rsync', 'ssh'],
    binds: true,
    command: (sshd, { sample, fresh }) => [
      ...['rsync', '--rsh', sshCommand(sshd), `${at(sshd)}:${sample}`, fresh],
    ],
    copies: true,
  },
  {
    name: 'git',
    needs: ['git', 'ssh'],
    binds: true,
    command: async (sshd) => ['git', 'ls-remote', `${at(sshd)}:${await repository()}`],
    env: (sshd) => ({ GIT_SSH_COMMAND: sshCommand(sshd) }),
    prints: 'refs/heads/main',
  },
  {
    name: "PuTTY's plink",
    needs: ['plink'],
    binds: false,
    command: (sshd) => [
      ...['plink', '-batch', '-agent', '-hostkey', sshd.fingerprint(), '-P', String(sshd.port)],
      ...[at(sshd), 'echo in'],
    ],
  },
  {
    name: "Dropbear's dbclient",
    needs: ['dbclient'],
    binds: false,
    command: (sshd) => ['dbclient', '-y', '-y', '-p', String(sshd.port), at(sshd), 'echo in'],
  },
  {
    name: 'curl, SFTP by libssh2 or libssh',
    needs: ['curl'],
    binds: false,
    command: ({ address, port, user }, { sample }) => [
      ...['curl', '-sS', '--insecure', '--user', `${user}:`, `sftp://${address}:${port}${sample}`],
    ],
  },
  {
    name: 'libgit2 (pygit2), over libssh2',
    needs: ['pygit2', 'git'],
    binds: false,
    command: async ({ address, port, user }, { fresh }) => [
      ...[PYTHON, join(CLIENTS, 'pygit2-clone.py')],
      ...[`ssh://${user}@${address}:${port}${await repository()}`, fresh],
    ],
    prints: 'refs/heads/main',
  },
  {
    name: 'libssh',
    needs: ['libssh', 'python3'],
    binds: false,
    command: (sshd) => [
      ...[PYTHON, join(CLIENTS, 'libssh-login.py'), program('libssh'), ...login(sshd)],
    ],
  },
  {
    name: 'paramiko',
    needs: ['paramiko'],
    binds: false,
    command: (sshd) => [PYTHON, join(CLIENTS, 'paramiko-login.py'), ...login(sshd)],
  },
  {
    name: 'asyncssh',
    needs: ['asyncssh'],
    binds: false,
    command: (sshd) => [PYTHON, join(CLIENTS, 'asyncssh-login.py'), ...login(sshd)],
  },
  {
    name: 'golang.org/x/crypto/ssh',
    needs: ['go', 'x-crypto'],
    binds: false,
    command: async (sshd) => [await xCryptoLogin(), ...login(sshd)],
  },
  {
    name: 'the npm package ssh2',
    needs: [],
    binds: false,
    command: (sshd) => [process.execPath, join(CLIENTS, 'ssh2-login.mjs'), ...login(sshd)],
  },
  {
    name: 'net-ssh',
    needs: ['net-ssh'],
    binds: false,
    command: (sshd) => [RUBY, join(CLIENTS, 'net-ssh-login.rb'), ...login(sshd)],
  },
]

let repositoryMade: Promise<string> | undefined

/** A git repository with a branch `main`, made once. */
function repository(): Promise<string> {
  const make = async (): Promise<string> => {
    const directory = makeDirectory('repository')
    const git = program('git')
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org']
    const commit = ['commit', '-q', '--allow-empty', '-m', 'first', '--no-gpg-sign']
    await mustRun(git, ['init', '-q', '-b', 'main', directory])
    await mustRun(git, ['-C', directory, ...identity, ...commit])
    return directory
  }
  return (repositoryMade ??= make())
}

let xCryptoMade: Promise<string> | undefined

/** The program of fixtures/clients/x-crypto-login.go, compiled once, from the sources that Debian has. */
function xCryptoLogin(): Promise<string> {
  const build = async (): Promise<string> => {
    const binary = join(makeDirectory('go'), 'x-crypto-login')
    const source = join(CLIENTS, 'x-crypto-login.go')
    const env = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode', CGO_ENABLED: '0', GOFLAGS: '' }
    await mustRun(program('go'), ['build', '-o', binary, source], {
      env: { ...process.env, ...env },
      timeout: COMPILE_TIMEOUT,
    })
    return binary
  }
  return (xCryptoMade ??= build())
}

interface Outcome {
  /** What the client complains of, where it does not say that it worked. */
  complaint: string | undefined
  /** Whether the server let it in. */
  loggedIn: boolean
  /** Whether it has done there what it was to do. */
  done: boolean
  /** What the agent told meanwhile, each thing once: some clients try again. */
  audit: unknown[]
}

describeWith(['sshd', 'ssh-keygen', 'nss_wrapper'], 'clients and the agent', () => {
  describe.each(['pinned', 'warn'] as const)('under agent-policy: %s', (policy) => {
    let scene: Scene
    let web: Sshd
    let other: Sshd
    let auditFile: string
    let sample: string
    let count = 0

    beforeAll(async () => {
      scene = await makeScene()
      const options = { authorizedKeys: [scene.key.publicKey], home: scene.home }
      web = await startSshd(options)
      other = await startSshd(options)
      const hosts = `web=${at(web)}:${web.port} ${web.fingerprint()}`
      const main = await scene.main(hosts, { 'agent-policy': policy })
      if (main.code !== 0) throw new Error(main.log)
      auditFile = join(dirname(main.outputs['ssh-auth-sock'] ?? ''), 'audit.jsonl')
      sample = join(makeDirectory('sample'), 'sample')
      writeFileSync(sample, 'in\n')
    })

    afterAll(async () => {
      await web.stop()
      await other.stop()
      await scene.end()
    })

    const audit = (): string[] => readFileSync(auditFile, 'utf8').split('\n').slice(0, -1)

    async function use(client: Client, sshd: Sshd): Promise<Outcome> {
      const before = { audit: audit().length, log: sshd.log().length }
      const fresh = join(scene.directory, `fresh-${String(++count)}`)
      const [name = '', ...args] = await client.command(sshd, { sample, fresh })
      const env = client.env?.(sshd) ?? {}
      const { code, signal, stdout, stderr } = await scene.job.exec(name, args, { env })
      const told = audit()
        .slice(before.audit)
        .map((line) => line.replace(/"time":"[^"]*",/, ''))
      return {
        complaint: code === 0 ? undefined : `${signal ?? `code ${String(code)}`}: ${stderr}`,
        loggedIn: sshd.log().slice(before.log).includes(`Accepted publickey for ${sshd.user} `),
        done:
          client.copies === true
            ? contentOf(fresh) === 'in\n'
            : stdout.includes(client.prints ?? 'in\n'),
        audit: [...new Set(told)].map((line): unknown => JSON.parse(line)),
      }
    }

    const worked = { complaint: undefined, loggedIn: true, done: true }
    // A signal: it was stopped because it took too long.
    const failed = { complaint: expect.stringMatching(/^code /), loggedIn: false, done: false }
    const sign = (verdict: string, reason: string, host?: string): object => ({
      request: 'sign',
      verdict,
      reason,
      key: scene.key.fingerprint,
      user: web.user,
      ...(host === undefined ? {} : { host }),
      forwarded: false,
    })

    for (const client of clients) {
      describeWith(client.needs, client.name, () => {
        if (client.binds) {
          test('logs in at the pinned host, and the agent knows which it is', async () => {
            expect(await use(client, web)).toEqual({
              ...worked,
              audit: [sign('signed', 'host-pinned', 'web')],
            })
          })

          test('is not even told of the key at another host', async () => {
            expect(await use(client, other)).toEqual({
              ...failed,
              audit: [
                {
                  request: 'list',
                  verdict: 'refused',
                  reason: 'host-not-pinned',
                  hostKey: other.fingerprint(),
                },
              ],
            })
          })
          return
        }

        test.each([
          ['the pinned host', () => web],
          ['another host', () => other],
        ])(
          policy === 'pinned'
            ? 'says not where it logs in, and is refused at %s'
            : 'says not where it logs in, and gets in at %s all the same',
          async (_, sshd) => {
            expect(await use(client, sshd())).toEqual(
              policy === 'pinned'
                ? { ...failed, audit: [sign('refused', 'unbound')] }
                : { ...worked, audit: [sign('signed', 'unbound-allowed')] },
            )
          },
          client.needs.includes('go') ? COMPILE_TIMEOUT : undefined,
        )
      })
    }
  })
})

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
