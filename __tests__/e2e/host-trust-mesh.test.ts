/**
 * A mesh of six hosts as a workflow sees it: each a real sshd with a home of its own, not two alike.
 * Every login is tried by the hosts' own ssh; post leaves every file of every account as it was, also
 * where main is killed half-way.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeHome, type Home } from '../support/home'
import { describeWith, program } from '../support/programs'
import { run } from '../support/run'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd, type SshdOptions } from '../support/sshd'
import { MAIN, makeScene, POST, type Scene } from './fixtures'

/** For a step with many logins, on a machine that has other things to do. */
const STEP = 60_000
const TEST = 150_000

interface Host {
  name: string
  home: Home
  sshd: Sshd
  before: ReturnType<Home['snapshot']>
}

/** How each differs from the others: its server, and what its account has already. */
const HOSTS: Record<string, { server?: SshdOptions; files?: Record<string, string> }> = {
  plain: {},
  ecdsa: { server: { hostKeys: ['ecdsa'] }, files: { authorized_keys: '# mine, without an end' } },
  both: {
    server: { hostKeys: ['ed25519', 'ecdsa'] },
    files: { known_hosts: '# windows\r\nexample.org ssh-ed25519 AAAA\r\n' },
  },
  careful: {
    server: { extraConfig: ['MaxStartups 10:30:100', 'MaxAuthTries 2', 'MaxSessions 5'] },
    files: { authorized_keys: '', known_hosts: '\n\n', config: 'Host *\n  BatchMode no\n' },
  },
  noisy: { server: { extraConfig: [`Banner ${join(process.cwd(), 'LICENSE')}`] } },
  quiet: { server: { extraConfig: ['PermitTTY no', 'AllowTcpForwarding no'] } },
}

describeWith(['sshd', 'ssh', 'account'], 'a mesh of six hosts', () => {
  let scene: Scene
  let hosts: Host[]

  beforeAll(async () => {
    hosts = await Promise.all(
      Object.entries(HOSTS).map(async ([name, { server = {}, files = {} }]) => {
        const home = await makeHome()
        for (const [path, text] of Object.entries(files)) {
          mkdirSync(join(home.directory, '.ssh'), { recursive: true, mode: 0o700 })
          writeFileSync(join(home.directory, '.ssh', path), text, { mode: 0o600 })
        }
        const sshd = await startSshd({ ...server, home })
        return { name, home, sshd, before: home.snapshot() }
      }),
    )
  }, TEST)
  afterAll(async () => {
    for (const { home, sshd } of hosts) {
      await sshd.stop()
      home.remove()
    }
  })
  beforeEach(async () => {
    scene = await makeScene()
    for (const { sshd } of hosts) await sshd.setAuthorizedKeys([scene.key.publicKey])
  })
  afterEach(async () => {
    await scene.end()
  })

  const inputs = (more: Record<string, string> = {}): Record<string, string> => ({
    'ssh-private-key': scene.key.privateKey,
    hosts: hosts
      .map(({ name, sshd }) => `${name}=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`)
      .join('\n'),
    trust: `mesh(${Object.keys(HOSTS).join()})`,
    ...more,
  })
  const post = async ({ state }: StepResult): Promise<StepResult> =>
    scene.job.run(POST, {}, { state, timeout: STEP })
  const ok = { code: 0, annotations: [] }
  const outcome = ({ code, annotations }: StepResult): unknown => ({ code, annotations })
  /** What a host was in the middle of when main was killed ends by itself. */
  const expectNothingLeft = async (): Promise<void> => {
    const differs = ({ home, before }: Host): boolean =>
      JSON.stringify([...home.snapshot()]) !== JSON.stringify([...before])
    for (let waited = 0; waited < 60_000 && hosts.some(differs); waited += 50) await sleep(50)
    for (const { name, home, before } of hosts) {
      expect([name, home.snapshot()]).toEqual([name, before])
    }
  }
  /** The account's own ssh. By itself it would write further keys of a host into known_hosts. */
  const logIn = async (from: Host, to: Host): Promise<string> => {
    const { stdout, stderr } = await run(
      program('ssh'),
      [
        '-o',
        'BatchMode=yes',
        '-o',
        'UpdateHostKeys=no',
        '-p',
        String(to.sshd.port),
        '127.0.0.1',
        'echo "$HOME"',
      ],
      { env: { PATH: process.env['PATH'], ...from.home.env }, timeout: STEP },
    )
    return stdout === '' ? stderr : stdout.trim()
  }

  test(
    'is made, measured, used, and taken back to the byte',
    async () => {
      const main = await scene.job.run(MAIN, inputs(), { timeout: STEP })
      expect(outcome(main)).toEqual(ok)
      const labels = hosts.map(({ name, sshd }) => `${sshd.user}@${name}`)
      const { hostTrust } = JSON.parse(main.outputs['report'] ?? '') as {
        hostTrust: { table: string[][] }
      }
      const [[corner, ...columns] = [], ...rows] = hostTrust.table
      expect(corner).toBe('from \\ to')
      expect([...columns].sort()).toEqual([...labels].sort())
      expect(rows.map(([label]) => label).sort()).toEqual([...labels].sort())
      for (const [label, ...cells] of rows) {
        expect(cells).toEqual(columns.map((column) => (column === label ? '–' : '✓')))
      }

      for (const from of hosts) {
        const others = hosts.filter((to) => to !== from)
        const answers = await Promise.all(others.map(async (to) => logIn(from, to)))
        expect([from.name, answers]).toEqual([from.name, others.map((to) => to.home.directory)])
      }

      const after = await post(main)
      expect(outcome(after)).toEqual(ok)
      expect(after.summary).toContain('✓')
      await expectNothingLeft()
    },
    TEST,
  )

  const has =
    (path: string, text: string) =>
    (host: Host): boolean => {
      const file = join(host.home.directory, '.ssh', path)
      if (!existsSync(file)) return false
      return text === '' || readFileSync(file, 'utf8').includes(text)
    }
  test.each<[string, string, Record<string, string>, (host: Host) => boolean]>([
    // A directory, and a key that takes its time: it must not come into being after post.
    ['it makes a key', 'quiet', { trust: 'quiet -> plain key=rsa-4096' }, has('.', '')],
    ['all keys are made', 'quiet', {}, has('id_ed25519.pub', 'ssh-ed25519')],
    ['it writes authorized_keys', 'plain', {}, has('authorized_keys', '@noisy')],
    ['it writes known_hosts', 'both', {}, has('known_hosts', 'ssh-trust:')],
    ['hosts log in', 'noisy', {}, ({ sshd }) => sshd.log().split('Accepted publickey').length > 2],
  ])(
    'killed while %s (%s), forever at that: post leaves nothing',
    async (_, name, more, isThere) => {
      const host = hosts.find((one) => one.name === name)
      if (host === undefined) throw new Error(`no host ${name}`)
      const seen = host.sshd.log().length
      const main = await scene.job.run(MAIN, inputs({ 'trust-lifetime': 'forever', ...more }), {
        timeout: STEP,
        onStart: (child) => {
          const timer = setInterval(() => {
            const { log } = host.sshd
            const since = { ...host, sshd: { ...host.sshd, log: () => log().slice(seen) } }
            if (!isThere(since)) return
            clearInterval(timer)
            child.kill('SIGKILL')
          }, 2)
          child.once('exit', () => {
            clearInterval(timer)
          })
        },
      })
      expect(main.signal).toBe('SIGKILL')
      expect(main.timedOut).toBe(false)
      expect(outcome(await post(main))).toEqual(ok)
      await expectNothingLeft()
    },
    TEST,
  )
})
