/**
 * A disk that is full at each write in turn: the one of the job's temporary directory, and the one of
 * the home. Main does its work or says why not; afterwards every file is as it was, and nothing of the
 * job is left.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeHome, type Home } from '../support/home'
import { tellFaults } from '../support/faults'
import { describeWithMounts, makeCommand, makeMounts, treeOf, type Mounts } from '../support/mounts'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { MAIN, makeScene, POST, type Scene } from './fixtures'

/** More than one page, so that a write can come half way; its last line has no end. */
const CONFIG = `${'# what is here stays\r\n'.repeat(300)}Host other\n  User s\xf8mebody`

/** Leaves so many pages, or inodes, in the file system at a path. */
const LEAVE = {
  pages: `set -- "$1" "$2" $(stat -f -c '%b %f' "$1")
    mount -o remount,size=$((($3 - $4 + $2) * 4096)) "$1"`,
  inodes: `set -- "$1" "$2" $(stat -f -c '%c %d' "$1")
    mount -o remount,nr_inodes=$(($3 - $4 + $2)) "$1"`,
}

describeWithMounts(['sshd', 'ssh', 'nss_wrapper'], 'a full disk', () => {
  let scene: Scene
  let remote: Home
  let sshd: Sshd
  let mounts: Mounts
  let node: string
  let places: Record<'temp' | 'home', string>

  beforeAll(async () => {
    scene = await makeScene()
    remote = await makeHome()
    sshd = await startSshd({ authorizedKeys: [scene.key.publicKey], home: remote })
    places = { temp: join(scene.directory, 'temp'), home: scene.home.directory }
    // A page and an inode are in use, so that there can be a size with none left: 0 is no limit.
    mounts = await makeMounts(
      `mkdir "$1"
      mount -t tmpfs -o mode=700 none "$1"
      mount -t tmpfs -o mode=700 none "$2"
      for place; do echo other >"$place/other"; done`,
      places.temp,
      places.home,
    )
    const { SSH_TRUST_NODE = process.execPath } = process.env
    node = makeCommand(`exec ${mounts.inside} ${SSH_TRUST_NODE} "$@"`)
    Object.assign(scene.job.env, { RUNNER_TEMP: places.temp, TMPDIR: '/nonexistent' })
  })
  afterAll(async () => {
    await sshd.stop()
    await scene.end()
    mounts.stop()
    remote.remove()
  })

  /** Room for all; in the home a config, or nothing. */
  async function start(config: string | undefined): Promise<Record<string, unknown>> {
    for (const place of Object.values(places)) {
      await mounts.sh('mount -o remount,size=1m,nr_inodes=100 "$1"', place)
    }
    await mounts.sh('rm -rf "$1/.ssh"', places.home)
    if (config !== undefined) {
      const encoded = Buffer.from(config, 'latin1').toString('base64')
      await mounts.sh(
        'umask 077; mkdir "$1/.ssh"; echo "$2" | base64 -d >"$1/.ssh/config"; chmod 640 "$1/.ssh/config"',
        places.home,
        encoded,
      )
    }
    return look()
  }

  const look = (): Record<string, unknown> => ({
    temp: treeOf(mounts.reach(places.temp)),
    home: treeOf(mounts.reach(places.home)),
  })

  const leave = async (
    place: keyof typeof places,
    what: keyof typeof LEAVE,
    left: number,
  ): Promise<string> => mounts.sh(LEAVE[what], places[place], String(left))

  const main = async (): Promise<StepResult> => {
    delete scene.job.env['SSH_AUTH_SOCK']
    const hosts = `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`
    return scene.job.run(MAIN, { 'ssh-private-key': scene.key.privateKey, hosts }, { node })
  }
  const post = async ({ state }: StepResult): Promise<StepResult> =>
    scene.job.run(POST, {}, { node, state })
  const ssh = async (command: string): Promise<unknown> => {
    const { code, stdout } = await scene.job.exec(mounts.inside, ['ssh', 'web', command])
    return { code, stdout }
  }

  /** An agent that nobody waits for takes a moment to end. */
  async function expectNoProcess(): Promise<void> {
    const deadline = Date.now() + 10_000
    while (scene.job.processes().length > 0 && Date.now() < deadline) await sleep(10)
    expect(scene.job.processes()).toEqual([])
  }

  test.each([
    ['temp', 'pages', 'a config', CONFIG],
    ['temp', 'inodes', 'a config', CONFIG],
    ['home', 'pages', 'a config', CONFIG],
    ['home', 'inodes', 'a config', CONFIG],
    ['home', 'pages', 'no ~/.ssh', undefined],
    ['home', 'inodes', 'no ~/.ssh', undefined],
  ] as const)(
    '%s: with ever more %s left, and %s, main fails in clear words, and at last it works',
    async (place, what, content, config) => {
      // Where no directory can be made at all, the job's comes to be in /tmp.
      let done = false
      let tried = 0
      for (let left = 0; left < 20 && !done; left++) {
        tried += 1
        const before = await start(config)
        await leave(place, what, left)
        const step = await main()
        if (step.code === 0) {
          expect(await ssh('echo in')).toEqual({ code: 0, stdout: 'in\n' })
          done = step.state['journal']?.startsWith(`${places.temp}/`) === true
        } else {
          expect(step.annotations).toMatchObject([
            {
              level: 'error',
              message: expect.stringMatching(/ENOSPC: no space left|agent did not start/),
            },
          ])
          expect({ left, ...look() }).toEqual({ left, ...before })
        }
        const end = await post(step)
        expect({ left, code: end.code, annotations: end.annotations }).toEqual({
          left,
          code: 0,
          annotations: [],
        })
        expect({ left, ...look() }).toEqual({ left, ...before })
        expect(existsSync(mounts.reach(dirname(step.state['journal'] ?? '/nonexistent/x')))).toBe(
          false,
        )
        await expectNoProcess()
      }
      expect(done).toBe(true)
      tellFaults({
        fault: `a full disk: ever more ${what} left in ${place === 'temp' ? 'RUNNER_TEMP' : 'the home'}, with ${content}, until main succeeds`,
        recovery: 'main and post',
        tried,
        survived: tried,
      })
    },
    60_000,
  )

  test('temp: full after main, logins go on, and post takes everything back', async () => {
    const before = await start(CONFIG)
    const step = await main()
    await leave('temp', 'pages', 0)
    await leave('temp', 'inodes', 0)
    expect(await ssh('echo in')).toEqual({ code: 0, stdout: 'in\n' })
    const end = await post(step)
    expect({ code: end.code, annotations: end.annotations }).toEqual({ code: 0, annotations: [] })
    expect(look()).toEqual(before)
    await expectNoProcess()
  })

  test.each(['pages', 'inodes'] as const)(
    'home: with no %s left after main, post says so and ends the agent; with room it takes the rest back',
    async (what) => {
      const before = await start(CONFIG)
      const step = await main()
      await leave('home', what, 0)
      const after = look()
      const end = await post(step)
      expect(end.code).toBe(0)
      expect(end.annotations).toMatchObject([
        { level: 'warning', message: expect.stringMatching(/home-block .*\/config: .*ENOSPC: /) },
      ])
      await expectNoProcess()
      // Our lines are still there, and all that is the user's.
      expect(look()['home']).toEqual(after['home'])
      expect(readFileSync(mounts.reach(join(places.home, '.ssh', 'config')), 'latin1')).toMatch(
        new RegExp(`^# >>> ssh-trust [^]*${CONFIG.slice(-100)}$`),
      )

      await mounts.sh('mount -o remount,size=1m,nr_inodes=100 "$1"', places.home)
      const again = await post(step)
      expect({ code: again.code, annotations: again.annotations }).toEqual({
        code: 0,
        annotations: [],
      })
      expect(look()).toEqual(before)
    },
  )
})
