/** The action used more than once in one job: one agent, to each use its own keys and hosts. */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeKey, type Key } from '../support/keys'
import { describeWith } from '../support/programs'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { makeScene, MAIN, type Scene } from './fixtures'

describeWith(['sshd', 'ssh', 'ssh-add', 'nss_wrapper'], 'two uses in one job', () => {
  let scene: Scene
  let other: Key
  let web: Sshd
  let db: Sshd
  let before: ReturnType<Scene['home']['snapshot']>

  beforeEach(async () => {
    scene = await makeScene()
    other = await makeKey(scene.directory, 'ed25519', { comment: 'other', file: 'other' })
    // Both servers would take either key: what keeps them apart is the agent.
    const authorizedKeys = [scene.key.publicKey, other.publicKey]
    web = await startSshd({ authorizedKeys, home: scene.home })
    db = await startSshd({ authorizedKeys, home: scene.home })
    before = scene.home.snapshot()
  })

  afterEach(async () => {
    await Promise.all([web.stop(), db.stop()])
    await scene.end()
  })

  const line = (name: string, sshd: Sshd): string =>
    `${name}=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`
  const first = (more?: Record<string, string>): Promise<StepResult> =>
    scene.main(line('web', web), more)

  /** With the SSH_AUTH_SOCK that the runner hands on. */
  const second = (hosts = line('db', db), key = other.privateKey): Promise<StepResult> =>
    scene.job.run(MAIN, { 'ssh-private-key': key, hosts })

  const ends = async (main: StepResult): Promise<void> => {
    const post = await scene.post(main)
    expect({ code: post.code, annotations: post.annotations }).toEqual({ code: 0, annotations: [] })
  }

  const logsIn = async (name: string, ...options: string[]): Promise<boolean> =>
    (await scene.job.exec('ssh', ['-o', 'BatchMode=yes', ...options, name, 'true'])).code === 0

  const keys = async (): Promise<string[]> => {
    const { stdout } = await scene.job.exec('ssh-add', ['-l'])
    return stdout.split('\n').flatMap((row) => row.split(' ')[2] ?? [])
  }

  const leftInTemp = (): string[] =>
    readdirSync(scene.job.temp).filter((name) => name.startsWith('ssh-trust'))

  const expectNothingLeft = (): void => {
    expect(scene.home.snapshot()).toEqual(before)
    expect(scene.job.processes()).toEqual([])
    expect(leftInTemp()).toEqual([])
  }

  test('the second joins the agent, each post undoes its own part, the last ends the agent', async () => {
    const one = await first()
    const agents = scene.job.processes().map(({ pid }) => pid)
    const two = await second()
    expect({ code: two.code, annotations: two.annotations }).toEqual({ code: 0, annotations: [] })
    expect(two.env).toEqual(one.env)
    expect(scene.job.processes().map(({ pid }) => pid)).toEqual(agents)
    expect(await keys()).toEqual(['deploy', 'other'])
    expect([await logsIn('web'), await logsIn('db')]).toEqual([true, true])

    await ends(two)
    expect(await keys()).toEqual(['deploy'])
    expect([await logsIn('web'), await logsIn('db')]).toEqual([true, false])

    await ends(one)
    expectNothingLeft()
  })

  test('taken back in the other order: what the first leaves is there until the second has gone', async () => {
    const [one, two] = [await first(), await second()]
    await ends(one)
    expect(await keys()).toEqual(['other'])
    expect([await logsIn('web'), await logsIn('db')]).toEqual([false, true])
    await ends(two)
    expectNothingLeft()
  })

  test('a key is for the hosts of its own use alone', async () => {
    await first()
    await second()
    const only = (key: Key): string[] => [...['-o', 'IdentitiesOnly=yes', '-i', key.publicKeyFile]]
    expect(await logsIn('web', ...only(scene.key))).toBe(true)
    expect(await logsIn('db', ...only(scene.key))).toBe(false)
    expect(await logsIn('web', ...only(other))).toBe(false)
    expect(await logsIn('db', ...only(other))).toBe(true)
  })

  test('the same key in both is for the hosts of both, until the second has gone', async () => {
    const one = await first()
    const two = await second(line('db', db), scene.key.privateKey)
    expect(await keys()).toEqual(['deploy'])
    expect([await logsIn('web'), await logsIn('db')]).toEqual([true, true])
    await ends(two)
    expect([await logsIn('web'), await logsIn('db')]).toEqual([true, false])
    await ends(one)
    expectNothingLeft()
  })

  test('a second that fails takes its own part back alone', async () => {
    const one = await first()
    const two = await second(`db=${db.user}@127.0.0.1:${db.port} ${web.fingerprint()}`)
    expect(two).toMatchObject({ code: 1 })
    expect(two.log).toContain('[host-key-changed]')
    expect(await logsIn('web')).toBe(true)
    await ends(one)
    expectNothingLeft()
  })

  test('where the agent was killed the second has one of its own', async () => {
    const one = await first()
    for (const { pid } of scene.job.processes()) process.kill(pid, 'SIGKILL')
    const two = await second()
    expect(two.env).not.toEqual(one.env)
    expect([await keys(), await logsIn('db')]).toEqual([['other'], true])
    await ends(two)
    await ends(one)
    expectNothingLeft()
  })

  test('five uses, taken back latest first', async () => {
    const mains = [await first()]
    for (const comment of ['b', 'c', 'd', 'e']) {
      const key = await makeKey(scene.directory, 'ed25519', { comment, file: comment })
      mains.push(await second(line(comment, db), key.privateKey))
    }
    expect(await keys()).toEqual(['deploy', 'b', 'c', 'd', 'e'])
    for (const main of mains.toReversed()) await ends(main)
    expectNothingLeft()
  })

  test('another job on the account has an agent of its own', async () => {
    const one = await first()
    const runner = await scene.job.exec(
      process.env['SSH_TRUST_NODE'] ?? process.execPath,
      [
        '-e',
        "require('node:child_process').spawnSync(process.execPath, [process.argv[1]], { stdio: 'inherit' })",
        MAIN,
      ],
      { env: { 'INPUT_SSH-PRIVATE-KEY': other.privateKey, INPUT_HOSTS: line('db', db) } },
    )
    expect(runner.code).toBe(0)
    expect(await keys()).toEqual(['deploy'])
    await ends(one)
  })

  test('when the runner dies, the agent takes both back', async () => {
    const script = `const { spawnSync } = require('node:child_process')
      const { readFileSync } = require('node:fs')
      const [main, keys, hosts] = process.argv.slice(1).map((text, n) => n ? JSON.parse(text) : text)
      for (const n of [0, 1]) {
        const env = { ...process.env, 'INPUT_SSH-PRIVATE-KEY': readFileSync(keys[n], 'utf8'), INPUT_HOSTS: hosts[n] }
        spawnSync(process.execPath, [main], { env })
        const set = readFileSync(process.env.GITHUB_ENV, 'utf8')
        process.env.SSH_AUTH_SOCK = /^SSH_AUTH_SOCK<<.*\\n(.*)$/m.exec(set)[1]
      }
      process.kill(process.pid, 'SIGKILL')`
    const commands = join(scene.directory, 'set-env')
    writeFileSync(commands, '')
    const runner = await scene.job.exec(
      process.env['SSH_TRUST_NODE'] ?? process.execPath,
      [
        ...['-e', script, MAIN],
        JSON.stringify([scene.key.privateKeyFile, other.privateKeyFile]),
        JSON.stringify([line('web', web), line('db', db)]),
      ],
      { env: { GITHUB_ENV: commands } },
    )
    expect(runner.signal).toBe('SIGKILL')
    expect(leftInTemp()).toHaveLength(2)
    expect(scene.job.processes()).toHaveLength(1)
    while (scene.job.processes().length + leftInTemp().length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expectNothingLeft()
  })
})
