/**
 * Bootstrap and revocation as a workflow sees them: main puts the job's key into authorized_keys of a
 * real sshd's account, post takes it out, and the file is to the byte what it was.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeHome, type Home } from '../support/home'
import { makeKey, type Key } from '../support/keys'
import { describeWith } from '../support/programs'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { MAIN, makeScene, type Scene } from './fixtures'

describeWith(['sshd', 'ssh', 'account'], 'bootstrap', () => {
  let scene: Scene
  let remote: Home
  let sshd: Sshd
  let admin: Key
  let file: string

  beforeAll(async () => {
    remote = await makeHome()
    admin = await makeKey(remote.directory, 'ed25519', { comment: 'admin', file: 'admin' })
    sshd = await startSshd({ home: remote, authorizedKeys: [admin.publicKey] })
    file = join(remote.directory, '.ssh', 'authorized_keys')
  })
  afterAll(async () => {
    await sshd.stop()
    remote.remove()
  })
  beforeEach(async () => {
    scene = await makeScene()
    rmSync(join(remote.directory, '.ssh'), { recursive: true, force: true })
  })
  afterEach(async () => {
    await scene.end()
  })

  const line = (options = ''): string =>
    `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()} bootstrap ${options}`

  const generate = async (hosts: string, more: Record<string, string> = {}): Promise<StepResult> =>
    scene.job.run(MAIN, {
      'generate-key': 'ed25519',
      'bootstrap-key': admin.privateKey,
      hosts,
      ...more,
    })

  test.each([
    ['no file', undefined],
    ['an empty file', ''],
    [
      'others’ keys',
      '# mine\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIpoXW6G5sM3mGqgGzXvYyEfzdnfqgpP1fLtwuyRk0b+ a\n',
    ],
    ['a last line without its end', '# no end'],
  ])('where there is %s: the key works, and goes without a trace', async (_, before) => {
    if (before !== undefined) {
      mkdirSync(join(remote.directory, '.ssh'), { mode: 0o700 })
      writeFileSync(file, before, { mode: 0o600 })
    }
    const main = await generate(line())
    expect({ code: main.code, annotations: main.annotations }).toEqual({ code: 0, annotations: [] })
    const [, blob = ''] = (main.outputs['public-key'] ?? '').split(' ')
    const added = readFileSync(file, 'utf8')
    expect(added).toMatch(/^expiry-time="\d{14}Z?" ssh-ed25519 /m)
    expect(added.split(blob)).toHaveLength(2)
    expect(added.startsWith(before ?? '')).toBe(true)
    expect(main.log).toContain('login with it proven')
    expect(await scene.job.exec('ssh', ['web', 'echo in'])).toMatchObject({
      code: 0,
      stdout: 'in\n',
    })

    const post = await scene.post(main)
    expect({ code: post.code, annotations: post.annotations }).toEqual({ code: 0, annotations: [] })
    if (before === undefined) expect(existsSync(join(remote.directory, '.ssh'))).toBe(false)
    else expect(readFileSync(file, 'utf8')).toBe(before)
    expect(scene.job.processes()).toEqual([])
  })

  test('a key of the user stays, unless revoke is always', async () => {
    const more = { 'bootstrap-key': admin.privateKey }
    const first = await scene.main(line(), more)
    expect(first.code).toBe(0)
    const added = readFileSync(file, 'utf8')
    expect((await scene.post(first)).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe(added)

    const second = await scene.main(line(), { ...more, revoke: 'always' })
    expect(second.log).toContain('is there already')
    await scene.post(second)
    expect(readFileSync(file, 'utf8')).toBe(added)

    rmSync(file)
    const third = await scene.main(line(), { ...more, revoke: 'always' })
    expect(third.code).toBe(0)
    expect((await scene.post(third)).annotations).toEqual([])
    expect(existsSync(file)).toBe(false)
  })

  test('options and a lifetime stand in the line; forever is said in so many words', async () => {
    const main = await generate(line(), {
      'authorized-keys-options': 'restrict,from="127.0.0.1"',
      'trust-lifetime': 'forever',
    })
    expect(main.code).toBe(0)
    expect(readFileSync(file, 'utf8')).toMatch(/^restrict,from="127.0.0.1" ssh-ed25519 /)
    expect(main.log).toContain('permanent')
    await scene.post(main)
  })

  test('another file, by path=', async () => {
    const main = await generate(line('path=.ssh/others'))
    expect(main.code).toBe(1) // this sshd does not read it
    expect(main.log).toContain('[bootstrap-unproven]')
    expect(existsSync(join(remote.directory, '.ssh'))).toBe(false)
  })

  describe('that fails', () => {
    test('fails the job, with everything taken back', async () => {
      const stranger = await makeKey(scene.directory, 'ed25519', {
        comment: 'no',
        file: 'stranger',
      })
      const main = await generate(line(), { 'bootstrap-key': stranger.privateKey })
      expect(main.code).toBe(1)
      expect(main.log).toContain('[login-refused]')
      expect(existsSync(file)).toBe(false)
      expect(scene.job.processes()).toEqual([])
    })

    test('is a warning where the job is to continue', async () => {
      const stranger = await makeKey(scene.directory, 'ed25519', {
        comment: 'no',
        file: 'stranger',
      })
      const main = await generate(line(), {
        'bootstrap-key': stranger.privateKey,
        'bootstrap-failure': 'continue',
      })
      expect(main.code).toBe(0)
      expect(main.annotations).toMatchObject([{ level: 'warning' }])
      await scene.post(main)
    })
  })

  test('a host that is gone at the end is a warning with the line to remove', async () => {
    const own = await startSshd({ home: remote, authorizedKeys: [admin.publicKey] })
    const host = `web=${own.user}@127.0.0.1:${own.port} ${own.fingerprint()} bootstrap`
    const main = await generate(host)
    expect(main.code).toBe(0)
    await own.stop()
    const post = await scene.post(main)
    expect(post.code).toBe(0)
    expect(post.annotations).toMatchObject([{ level: 'warning' }])
    expect(post.log).toContain(readFileSync(file, 'utf8').trim())
    expect(post.log).toContain('[revocation-failed]')
  })

  test('an agent that is locked, or has made its last signature, does not stop revocation', async () => {
    const main = await generate(line(), { 'max-signatures': '1' })
    expect(main.code).toBe(0)
    expect(await scene.job.exec('ssh', ['web', 'true'])).toMatchObject({ code: 0 })
    expect(await scene.job.exec('ssh', ['web', 'true'])).toMatchObject({ code: 255 })
    const post = await scene.post(main)
    expect(post.log).toContain('authorized-key')
    expect(existsSync(file)).toBe(false)
  })

  test('the modes that StrictModes wants are made, and told', async () => {
    mkdirSync(join(remote.directory, '.ssh'), { mode: 0o700 })
    writeFileSync(file, '', { mode: 0o600 })
    await scene.job.exec('chmod', ['0775', join(remote.directory, '.ssh')])
    const main = await generate(line())
    expect(main.code).toBe(0)
    expect(statSync(join(remote.directory, '.ssh')).mode & 0o777).toBe(0o755)
    expect(main.log).toMatch(/made .*\.ssh 0755, was 0775/)
    await scene.post(main)
  })

  test('no secret is in any file or in the log', async () => {
    const main = await generate(line())
    const secret = admin.privateKey.split('\n')[2] ?? ''
    expect(main.log).not.toContain(secret)
    const journal = readFileSync(main.state['journal'] ?? '', 'utf8')
    expect(journal).not.toContain(secret)
    expect(main.masks.some((mask) => mask === secret)).toBe(true)
    await scene.post(main)
  })
})
