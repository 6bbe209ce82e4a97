/**
 * Bootstrap of many hosts in one job, and of a few whose main, or runner, is killed in the middle: in
 * the end every authorized_keys is to the byte what it was, and nothing is left here.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeKey, type Key } from '../support/keys'
import { describeWith } from '../support/programs'
import type { StepResult } from '../support/runner'
import { makeDirectory } from '../support/scratch'
import { startAccounts, type Accounts } from './accounts'
import { MAIN, makeScene, POST, type Scene } from './fixtures'

const OTHERS = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIpoXW6G5sM3mGqgGzXvYyEfzdnfqgpP1fLtwuyRk0b+ a'

/** What accounts can have before: no ~/.ssh, a file, one that ends without newline, no text at all. */
const BEFORE = [undefined, `# mine\n${OTHERS}\n`, OTHERS, '', '# \xff\xfe\r\n\0', undefined]

/** Two busy CPUs, for both sides of a hundred logins. */
const SLOW = { timeout: 90_000 }

describeWith(['sshd', 'ssh', 'nss_wrapper', 'account', 'root'], 'bootstrap', () => {
  let scene: Scene
  let admin: Key
  let servers: Accounts[]
  let before: Map<string, string>[]

  beforeAll(async () => {
    admin = await makeKey(makeDirectory('admin'), 'ed25519', { comment: 'admin' })
    servers = []
    for (let index = 0; index < 5; index += 1) {
      servers.push(await startAccounts(10, { authorizedKeys: [admin.publicKey] }))
    }
  })
  afterAll(async () => {
    for (const server of servers) await server.stop()
  })
  beforeEach(async () => {
    scene = await makeScene()
    before = servers.map(({ users, reset }, index) => {
      const files = new Map<string, string>()
      users.forEach((user, at) => {
        const content = BEFORE[(index + at) % BEFORE.length]
        if (content !== undefined) files.set(user, content)
      })
      reset(files)
      return files
    })
  })
  afterEach(async () => {
    await scene.end()
  })

  const linesOf = (used: readonly Accounts[], accounts: number): string =>
    used
      .flatMap(({ sshd, users }, index) =>
        users
          .slice(0, accounts)
          .map(
            (user) =>
              `host${index}-${user}=${user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()} bootstrap`,
          ),
      )
      .join('\n')
  const inputs = (hosts: string): Record<string, string> => ({
    'generate-key': 'ed25519',
    'bootstrap-key': admin.privateKey,
    hosts,
  })
  const ok = { code: 0, annotations: [] }
  const outcome = ({ code, annotations }: StepResult): unknown => ({ code, annotations })
  const directories = (): string[] =>
    readdirSync(scene.job.temp).filter((name) => name.startsWith('ssh-trust-'))
  const expectNothingLeft = (): void => {
    servers.forEach((server, index) => {
      expect(server.files()).toEqual(before[index])
      const withDirectory = server.users.filter((user) => server.hasDirectory(user))
      expect(withDirectory).toEqual([...(before[index]?.keys() ?? [])])
    })
    expect(directories()).toEqual([])
    expect(scene.job.processes()).toEqual([])
  }

  // sshd and its shells take most of it.
  test('of fifty hosts at once: each lets the key in, and is then as it was', async () => {
    const main = await scene.job.run(MAIN, inputs(linesOf(servers, 10)), SLOW)
    expect(outcome(main)).toEqual(ok)
    expect(main.log.match(/login with it proven/g)).toHaveLength(50)
    const [, blob = ''] = (main.outputs['public-key'] ?? '').split(' ')
    servers.forEach((server, index) => {
      for (const [user, content] of server.files()) {
        expect(content.startsWith(before[index]?.get(user) ?? '')).toBe(true)
        expect(content.split(blob)).toHaveLength(2)
      }
      expect(server.files().size).toBe(10)
    })
    expect(await scene.job.exec('ssh', ['host4-account9', 'echo in'])).toMatchObject({
      code: 0,
      stdout: 'in\n',
    })

    const post = await scene.job.run(POST, {}, { ...SLOW, state: main.state })
    expect(outcome(post)).toEqual(ok)
    expect(post.log.match(/authorized-key .*: undone/g)).toHaveLength(50)
    expectNothingLeft()
  }, 200_000)

  /** Points of a bootstrap of 2 × 4 hosts: what is to be seen when it is killed. */
  const POINTS: [string, () => boolean][] = [
    ['nothing is done yet', () => recorded('agent') >= 1],
    ['the first host is recorded', () => recorded() >= 1],
    ['the first host has the key', () => changed() >= 1],
    ['the first host has said so', () => recorded('written') >= 1],
    ['half of the hosts have the key', () => changed() >= 4],
    ['all hosts have the key', () => changed() === 8],
  ]
  const some = (): Accounts[] => servers.slice(0, 2)
  const changed = (): number =>
    some()
      .flatMap((server, index) => [...server.files()].map(([user, now]) => ({ index, user, now })))
      .filter(({ index, user, now }) => before[index]?.get(user) !== now).length
  const recorded = (word = 'authorized-key'): number =>
    directories()
      .map((name) => join(scene.job.temp, name, 'journal.jsonl'))
      .filter((path) => existsSync(path))
      .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
      .filter((line) => line.includes(`"${word}"`)).length

  describe('that is killed when', () => {
    test.each(POINTS)('%s: post leaves nothing', async (_, reached) => {
      const main = await scene.job.run(MAIN, inputs(linesOf(some(), 4)), {
        onStart: (child) => {
          const timer = setInterval(() => {
            if (!reached()) return
            clearInterval(timer)
            child.kill('SIGKILL')
          }, 2)
          child.once('exit', () => {
            clearInterval(timer)
          })
        },
      })
      // On a busy machine it may be through before we have seen that it is time.
      expect(main.signal === 'SIGKILL' || main.code === 0).toBe(true)
      expect(outcome(await scene.post(main))).toEqual(ok)
      expectNothingLeft()
    })
  })

  describe('whose runner is killed with it when', () => {
    /** A runner that runs main, and dies with it. */
    const RUNNER = `
      const { spawn } = require('node:child_process')
      const main = spawn(process.execPath, [process.argv[1]], { stdio: ['ignore', 'inherit', 'inherit'] })
      process.once('SIGUSR2', () => {
        main.kill('SIGKILL')
        process.kill(process.pid, 'SIGKILL')
      })
      main.once('exit', () => setInterval(() => {}, 1000))`

    // Before it has its settings the agent knows of no runner, and ends with main alone.
    test.each(POINTS.slice(2))('%s: the agent takes all back', async (_, reached) => {
      const node = process.env['SSH_TRUST_NODE'] ?? process.execPath
      const given = Object.entries(inputs(linesOf(some(), 4))).map(([name, value]) => [
        `INPUT_${name.toUpperCase()}`,
        value,
      ])
      const runner = await scene.job.exec(node, ['-e', RUNNER, MAIN], {
        env: Object.fromEntries(given) as Record<string, string>,
        onStart: (child) => {
          const timer = setInterval(() => {
            if (!reached()) return
            clearInterval(timer)
            child.kill('SIGUSR2')
          }, 2)
          child.once('exit', () => {
            clearInterval(timer)
          })
        },
      })
      expect(runner.signal).toBe('SIGKILL')
      const deadline = Date.now() + 30_000
      while (scene.job.processes().length + directories().length > 0 && Date.now() < deadline) {
        await sleep(20)
      }
      expectNothingLeft()
    })
  })
})
