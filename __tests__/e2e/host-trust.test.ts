/**
 * Trust between hosts as a workflow sees it: three real sshds with homes of their own, whose accounts
 * come to log in to each other; post takes it back to the byte.
 */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { makeHome, type Home } from '../support/home'
import { makeKey } from '../support/keys'
import { describeWith } from '../support/programs'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { MAIN, makeScene, type Scene } from './fixtures'

const NAMES = ['web1', 'web2', 'db1'] as const
type Name = (typeof NAMES)[number]

interface Host {
  home: Home
  sshd: Sshd
  before: ReturnType<Home['snapshot']>
}

describeWith(['sshd', 'ssh', 'account'], 'trust between hosts', () => {
  let scene: Scene
  let hosts: Record<Name, Host>

  beforeEach(async () => {
    scene = await makeScene()
    const made = await Promise.all(
      NAMES.map(async (name) => {
        const home = await makeHome()
        const sshd = await startSshd({ home, authorizedKeys: [scene.key.publicKey] })
        return [name, { home, sshd, before: home.snapshot() }] as const
      }),
    )
    hosts = Object.fromEntries(made) as Record<Name, Host>
  })
  afterEach(async () => {
    for (const { home, sshd } of Object.values(hosts)) {
      await sshd.stop()
      home.remove()
    }
    await scene.end()
  })

  const lines = (): string =>
    NAMES.map((name) => {
      const { sshd } = hosts[name]
      return `${name}=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`
    }).join('\n')
  const trust = async (text: string, more: Record<string, string> = {}): Promise<StepResult> =>
    scene.main(lines(), { trust: text, ...more })
  const ok = { code: 0, annotations: [] }
  const outcome = ({ code, annotations }: StepResult): unknown => ({ code, annotations })
  const table = (main: StepResult): string[][] =>
    (JSON.parse(main.outputs['report'] ?? '{}') as { hostTrust: { table: string[][] } }).hostTrust
      .table
  const file = (name: Name, path: string): string => join(hosts[name].home.directory, '.ssh', path)
  const write = (name: Name, path: string, content: string, mode = 0o600): void => {
    mkdirSync(join(hosts[name].home.directory, '.ssh'), { recursive: true, mode: 0o700 })
    writeFileSync(file(name, path), content, { mode })
  }
  const remember = (): void => {
    for (const host of Object.values(hosts)) host.before = host.home.snapshot()
  }
  const expectNothingLeft = (): void => {
    for (const name of NAMES) {
      expect([name, hosts[name].home.snapshot()]).toEqual([name, hosts[name].before])
    }
  }
  const account = (name: Name): string => `${hosts[name].sshd.user}@${name}`

  test('one way: key, line with an expiry, and host key; proven; taken back without a trace', async () => {
    const main = await trust('web1 -> db1')
    expect(outcome(main)).toEqual(ok)
    expect(main.log).toContain(`prove that ${account('web1')} can log in to ${account('db1')}`)
    expect(main.log).toContain('ends with the job')
    expect(table(main)).toEqual([
      ['from \\ to', account('db1')],
      [account('web1'), '✓'],
    ])
    expect(readFileSync(file('db1', 'authorized_keys'), 'utf8')).toMatch(
      /^expiry-time="\d{14}Z?" ssh-ed25519 \S+ \S+@web1\n$/,
    )
    expect(readFileSync(file('web1', 'known_hosts'), 'utf8')).toContain(
      `[127.0.0.1]:${hosts.db1.sshd.port} ${hosts.db1.sshd.publicKey()} ssh-trust:`,
    )
    expect(existsSync(file('db1', 'id_ed25519'))).toBe(false)

    const post = await scene.post(main)
    expect(outcome(post)).toEqual(ok)
    expect(post.summary).toContain('✓')
    expectNothingLeft()
  })

  test('both ways, with what others wrote kept byte for byte', async () => {
    write('web1', 'authorized_keys', '# mine, without an end')
    write('web2', 'known_hosts', 'example.org ssh-ed25519 AAAA')
    remember()
    const main = await trust('web1 <-> web2')
    expect(outcome(main)).toEqual(ok)
    expect(table(main)).toHaveLength(3)
    expect(outcome(await scene.post(main))).toEqual(ok)
    expectNothingLeft()
  })

  test('a mesh of three', async () => {
    const main = await trust('mesh(web1, web2, db1)')
    expect(outcome(main)).toEqual(ok)
    expect(
      table(main)
        .flat()
        .filter((cell) => cell === '✓'),
    ).toHaveLength(6)
    expect(outcome(await scene.post(main))).toEqual(ok)
    expectNothingLeft()
  })

  test('what stands is told and measured; a minus takes it away', async () => {
    const forever = { 'trust-lifetime': 'forever' }
    const first = await trust('web1 -> db1', forever)
    expect(outcome(first)).toEqual(ok)
    expect(first.log).toContain('this trust is permanent (trust-lifetime: forever)')
    const line = readFileSync(file('db1', 'authorized_keys'), 'utf8')
    expect(line).toMatch(/^ssh-ed25519 /)
    expect(outcome(await scene.post(first))).toEqual(ok)
    expect(readFileSync(file('db1', 'authorized_keys'), 'utf8')).toBe(line)

    remember()
    const second = await trust('web1 -> db1')
    expect(second.log).toContain('already trusted')
    expect(table(second)[1]?.[1]).toBe('✓')
    await scene.post(second)
    expectNothingLeft()

    const third = await trust('- web1 -> db1')
    expect(outcome(third)).toEqual(ok)
    expect(third.log).toContain('can no longer log in')
    expect(table(third)[1]?.[1]).toBe('✗')
    expect(readFileSync(file('db1', 'authorized_keys'), 'utf8')).toBe('')
    await scene.post(third)
  })

  test('a dry run tells the plan and changes nothing', async () => {
    const main = await trust('mesh(web1, web2, db1)', { 'dry-run': 'true' })
    expect(outcome(main)).toEqual(ok)
    expect(main.log).toContain('make ~/.ssh/id_ed25519')
    expect(main.log).toContain('dry-run: nothing was done on the hosts')
    expectNothingLeft()
    await scene.post(main)
    expectNothingLeft()
  })

  test('a dry run looks by the means of bootstrap, and bootstraps nothing', async () => {
    const admin = await makeKey(scene.directory, 'ed25519', { comment: 'admin', file: 'admin' })
    for (const { sshd } of Object.values(hosts)) await sshd.setAuthorizedKeys([admin.publicKey])
    const main = await scene.job.run(MAIN, {
      'generate-key': 'ed25519',
      'bootstrap-key': admin.privateKey,
      hosts: lines().replaceAll(/$/gm, ' bootstrap'),
      trust: 'web1 -> db1',
      'dry-run': 'true',
    })
    expect(outcome(main)).toEqual(ok)
    expect(main.log).toContain('make ~/.ssh/id_ed25519')
    expectNothingLeft()
    await scene.post(main)
  })

  test('after bootstrap, with the generated key; all goes, the job’s own line last', async () => {
    const admin = await makeKey(scene.directory, 'ed25519', { comment: 'admin', file: 'admin' })
    for (const { sshd } of Object.values(hosts)) await sshd.setAuthorizedKeys([admin.publicKey])
    const main = await scene.job.run(MAIN, {
      'generate-key': 'ed25519',
      'bootstrap-key': admin.privateKey,
      hosts: lines().replaceAll(/$/gm, ' bootstrap'),
      trust: 'web1 <-> db1',
    })
    expect(outcome(main)).toEqual(ok)
    expect(outcome(await scene.post(main))).toEqual(ok)
    expectNothingLeft()
  })

  test('a login that does not come about takes everything back, also where it was to be forever', async () => {
    write('web1', 'authorized_keys', '# mine')
    remember()
    const main = await trust('web1 <-> db1\nweb2 -> db1 from=192.0.2.7', {
      'trust-lifetime': 'forever',
    })
    expect(main.code).toBe(1)
    expect(main.log).toContain('[trust-unproven]')
    expectNothingLeft()
  })

  test.each([
    ['web1', 'id_ed25519.pub'],
    ['web2', 'authorized_keys'],
    ['web1', 'known_hosts'],
    ['db1', 'authorized_keys'],
  ] as const)(
    'killed in a mesh once %s has %s, forever at that: post leaves nothing',
    async (name, path) => {
      const main = await scene.job.run(
        MAIN,
        {
          'ssh-private-key': scene.key.privateKey,
          hosts: lines(),
          trust: 'mesh(web1, web2, db1)',
          'trust-lifetime': 'forever',
        },
        {
          onStart: (child) => {
            const timer = setInterval(() => {
              if (!existsSync(file(name, path))) return
              clearInterval(timer)
              child.kill('SIGKILL')
            }, 5)
            child.once('exit', () => {
              clearInterval(timer)
            })
          },
        },
      )
      expect(main.code).not.toBe(0)
      expect(existsSync(file(name, path))).toBe(true)
      const post = await scene.post(main)
      expect(outcome(post)).toEqual(ok)
      expectNothingLeft()
    },
  )

  describe('a stale line of known_hosts', () => {
    let line: string
    beforeEach(async () => {
      const stale = await makeKey(scene.directory, 'ed25519', { comment: 'x', file: 'stale' })
      const [type = '', key = ''] = stale.publicKey.split(' ')
      line = `[127.0.0.1]:${hosts.db1.sshd.port},other ${type} ${key}\n# end`
      write('web1', 'known_hosts', line)
      remember()
    })

    test('is an error', async () => {
      const main = await trust('web1 -> db1')
      expect(main.code).toBe(1)
      expect(main.log).toContain('[host-key-changed]')
      expect(main.log).toContain('replace-stale')
      expectNothingLeft()
    })

    test('gives way on request, for that name alone', async () => {
      const main = await trust('web1 -> db1 replace-stale')
      expect(outcome(main)).toEqual(ok)
      const text = readFileSync(file('web1', 'known_hosts'), 'utf8')
      expect(text).toMatch(/^other ssh-ed25519 \S+\n# end\n\[127/)
      await scene.post(main)
      expect(readFileSync(file('web1', 'known_hosts'), 'utf8')).toMatch(
        /^other ssh-ed25519 \S+\n# end$/,
      )
    })

    test('comes back where the run fails', async () => {
      const main = await trust('web1 -> db1 replace-stale\nweb2 -> db1 from=192.0.2.7')
      expect(main.code).toBe(1)
      expectNothingLeft()
    })
  })

  test('from: the address of the source stands in the line', async () => {
    const main = await trust('web1 -> db1 from')
    expect(outcome(main)).toEqual(ok)
    expect(readFileSync(file('db1', 'authorized_keys'), 'utf8')).toMatch(
      /^from="127\.0\.0\.1",expiry-time="\d{14}Z?" /,
    )
    await scene.post(main)
    expectNothingLeft()
  })

  test('an expired line is no trust: a living one stands beside it, for the time of the job', async () => {
    const own = await makeKey(scene.directory, 'ed25519', { comment: 'own', file: 'own' })
    write('web1', 'id_ed25519', own.privateKey)
    write('db1', 'authorized_keys', `expiry-time="20200101Z" ${own.publicKey}`)
    remember()
    const main = await trust('web1 -> db1')
    expect(outcome(main)).toEqual(ok)
    expect(main.log).toContain('the line there expired at 2020-01-01T00:00:00.000Z, and stays')
    expect(table(main)[1]?.[1]).toBe('✓')
    expect(outcome(await scene.post(main))).toEqual(ok)
    expectNothingLeft()
  })

  test('a pinned key that the source has as revoked is an error that names the line', async () => {
    const { port, publicKey } = hosts.db1.sshd
    write('web1', 'known_hosts', `# mine\n@revoked [127.0.0.1]:${port} ${publicKey()}\n`)
    remember()
    const main = await trust('web1 -> db1')
    expect(main.code).toBe(1)
    expect(main.log).toContain(
      `${account('web1')}: Line 2 of ~/.ssh/known_hosts has the pinned key`,
    )
    expect(main.log).toContain('[host-key-revoked]')
    expectNothingLeft()
  })

  test('a key that is there is used, and stays', async () => {
    const own = await makeKey(scene.directory, 'ed25519', { comment: 'own', file: 'own' })
    write('web1', 'id_ed25519', own.privateKey)
    remember()
    const main = await trust('web1 -> db1')
    expect(outcome(main)).toEqual(ok)
    expect(main.log).not.toContain('make ~/.ssh')
    expect(readFileSync(file('db1', 'authorized_keys'), 'utf8')).toContain(
      own.publicKey.split(' ')[1],
    )
    await scene.post(main)
    expectNothingLeft()
  })
})
