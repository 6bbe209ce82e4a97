/** What a job that was killed with its runner and its agent has left, the next job takes back. */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeKey } from '../support/keys'
import { describeWith } from '../support/programs'
import type { Finished } from '../support/run'
import { createJob, type StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { makeScene, MAIN, POST, type Scene } from './fixtures'

describeWith(['sshd', 'ssh', 'nss_wrapper'], 'the next job', () => {
  let scene: Scene
  let sshd: Sshd
  let before: ReturnType<Scene['home']['snapshot']>

  beforeEach(async () => {
    scene = await makeScene()
    sshd = await startSshd({ authorizedKeys: [scene.key.publicKey], home: scene.home })
    before = scene.home.snapshot()
  })

  afterEach(async () => {
    await sshd.stop()
    await scene.end()
  })

  const hosts = (): string => `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`
  const config = (): string => join(scene.home.directory, '.ssh', 'config')
  const left = (): string[] =>
    readdirSync(scene.job.temp).filter((name) => name.startsWith('ssh-trust'))

  /** A job whose main, runner and agent are killed, in that order, so that nobody takes it back. */
  async function killedJob(inputs: Record<string, string> = {}): Promise<Finished> {
    const script = `require('node:child_process')
      .spawnSync(process.execPath, [process.argv[1]], { stdio: 'inherit' })
      process.kill(process.pid, 'SIGKILL')`
    const all = { 'ssh-private-key': scene.key.privateKey, hosts: hosts(), ...inputs }
    const env = Object.entries(all).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])
    const runner = await scene.job.exec(
      process.env['SSH_TRUST_NODE'] ?? process.execPath,
      ['-e', script, MAIN],
      { env: Object.fromEntries(env) as Record<string, string> },
    )
    for (const { pid } of scene.job.processes()) process.kill(pid, 'SIGKILL')
    expect(runner.signal).toBe('SIGKILL')
    return runner
  }

  const outcome = ({ code, annotations }: StepResult): unknown => ({ code, annotations })
  const ok = { code: 0, annotations: [] }

  test('takes back its files, and its directory', async () => {
    await killedJob()
    const [dead = ''] = left()
    expect(readFileSync(config(), 'utf8')).toContain(dead)
    const main = await scene.main(hosts())
    expect(outcome(main)).toEqual(ok)
    expect(main.log).toContain(`! ${dead}, a job that was killed, was taken back`)
    expect(left()).not.toContain(dead)
    expect(readFileSync(config(), 'utf8')).not.toContain(dead)
    await scene.post(main)
    expect(scene.home.snapshot()).toEqual(before)
    expect(left()).toEqual([])
  })

  test('takes its lines out where the runner has emptied RUNNER_TEMP meanwhile', async () => {
    await killedJob()
    const [dead = ''] = left()
    rmSync(join(scene.job.temp, dead), { recursive: true })
    const main = await scene.main(hosts())
    expect(main.log).toContain(`lines of ${dead}, a job that was killed: out of ~/.ssh/config`)
    await scene.post(main)
    expect(scene.home.snapshot()).toEqual(before)
  })

  test('does so among lines of others, whichever came between', async () => {
    mkdirSync(join(scene.home.directory, '.ssh'), { mode: 0o700 })
    writeFileSync(config(), 'Host own\r\n  Port 1\nHost last', { mode: 0o640 })
    await killedJob()
    await killedJob()
    const blocks = readFileSync(config(), 'utf8')
    writeFileSync(config(), `Host first\n${blocks}`)
    for (const dead of left()) rmSync(join(scene.job.temp, dead), { recursive: true })
    const main = await scene.main(hosts())
    expect(outcome(main)).toEqual(ok)
    await scene.post(main)
    expect(readFileSync(config(), 'latin1')).toBe('Host first\nHost own\r\n  Port 1\nHost last')
  })

  test('leaves what it finds where home is false', async () => {
    await killedJob()
    const [dead = ''] = left()
    rmSync(join(scene.job.temp, dead), { recursive: true })
    const main = await scene.main(hosts(), { home: 'false' })
    expect(outcome(main)).toEqual(ok)
    expect(readFileSync(config(), 'utf8')).toContain(dead)
  })

  test('leaves a job alone that still runs, be its own agent dead', async () => {
    const alive = await scene.main(hosts())
    const other = createJob({ home: scene.home })
    try {
      for (const { pid } of scene.job.processes()) process.kill(pid, 'SIGKILL')
      const block = readFileSync(config(), 'utf8')
      const inputs = { 'ssh-private-key': scene.key.privateKey, hosts: hosts() }
      const main = await other.run(MAIN, inputs)
      expect(outcome(main)).toEqual(ok)
      expect(readFileSync(config(), 'utf8')).toContain(block)
      expect((await other.exec('ssh', ['web', 'true'])).code).toBe(0)
      await other.run(POST, {}, { state: main.state })
      expect(readFileSync(config(), 'utf8')).toBe(block)
      expect(outcome(await scene.post(alive))).toEqual(ok)
      expect(scene.home.snapshot()).toEqual(before)
    } finally {
      await other.cleanup()
    }
  })

  test.each([
    ['of another machine stay', new Date(), true],
    ['of another machine go when they are older than any job', new Date('2020-01-01'), false],
  ])('lines %s', async (_, since, stays) => {
    await killedJob()
    const [dead = ''] = left()
    rmSync(join(scene.job.temp, dead), { recursive: true })
    const text = readFileSync(config(), 'utf8')
    const line = / on \S+ since \S+$/m
    writeFileSync(config(), text.replace(line, ` on somewhere-else since ${since.toISOString()}`))
    const main = await scene.main(hosts())
    await scene.post(main)
    expect(existsSync(config()) && readFileSync(config(), 'utf8').includes(dead)).toBe(stays)
  })

  test('what is on hosts can’t be taken back without its key: it is told, once', async () => {
    const remote = await makeKey(scene.directory, 'ed25519', { comment: 'admin', file: 'admin' })
    await sshd.setAuthorizedKeys([remote.publicKey])
    await killedJob({
      'ssh-private-key': '',
      'generate-key': 'ed25519',
      'bootstrap-key': remote.privateKey,
      hosts: `${hosts()} bootstrap`,
    })
    const authorized = join(scene.home.directory, '.ssh', 'authorized_keys')
    const granted = readFileSync(authorized, 'utf8')
    expect(granted).toContain('expiry-time=')
    await sshd.setAuthorizedKeys([scene.key.publicKey])
    const main = await scene.main(hosts())
    expect(main.code).toBe(0)
    expect(main.annotations).toEqual([
      expect.objectContaining({
        level: 'warning',
        message: expect.stringContaining(granted.trim()),
      }),
    ])
    await scene.post(main)
    expect(readFileSync(authorized, 'utf8')).toBe(granted)
    const next = await scene.main(hosts())
    expect(outcome(next)).toEqual(ok)
    await scene.post(next)
  })

  test('takes back nothing of a directory that is only called so', async () => {
    const strange = join(scene.job.temp, 'ssh-trust-aB3dE6')
    mkdirSync(strange)
    writeFileSync(join(strange, 'file'), 'of somebody')
    await killedJob()
    const [dead = ''] = left().filter((name) => !strange.endsWith(name))
    renameSync(join(scene.job.temp, dead), join(scene.job.temp, 'ssh-trust-moved'))
    const main = await scene.main(hosts())
    expect(outcome(main)).toEqual(ok)
    expect(existsSync(join(strange, 'file'))).toBe(true)
    expect(existsSync(join(scene.job.temp, 'ssh-trust-moved', 'journal.jsonl'))).toBe(true)
    await scene.post(main)
    expect(scene.home.snapshot()).toEqual(before)
  })
})
