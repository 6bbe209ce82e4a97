/** Trust between hosts that are not all OpenSSH with a shell: dropbear, and an account for SFTP alone. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeHome, type Home } from '../support/home'
import { fingerprintOf } from '../support/keys'
import { describeWith, program } from '../support/programs'
import { run } from '../support/run'
import type { StepResult } from '../support/runner'
import { makeDirectory } from '../support/scratch'
import { startSshd, type Sshd } from '../support/sshd'
import { makeScene, type Scene } from './fixtures'

interface Host {
  /** Its line of `hosts`. */
  line: string
  home: Home
  before: ReturnType<Home['snapshot']>
}

const ok = { code: 0, annotations: [] }
const outcome = ({ code, annotations }: StepResult): unknown => ({ code, annotations })

let scene: Scene
let plain: Sshd
let hosts: Record<string, Host>
let closers: (() => Promise<void> | void)[]

async function addSshd(name: string, extraConfig: string[]): Promise<Sshd> {
  const home = await makeHome()
  const sshd = await startSshd({ home, extraConfig, authorizedKeys: [scene.key.publicKey] })
  closers.push(async () => {
    await sshd.stop()
    home.remove()
  })
  const line = `${name}=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`
  hosts[name] = { line, home, before: home.snapshot() }
  return sshd
}

async function setUp(): Promise<void> {
  scene = await makeScene()
  hosts = {}
  closers = []
  plain = await addSshd('plain', [])
}

async function end(): Promise<void> {
  for (const close of closers.toReversed()) await close()
  await scene.end()
}

const trust = async (text: string, more: Record<string, string> = {}): Promise<StepResult> =>
  scene.main(
    Object.values(hosts)
      .map(({ line }) => line)
      .join('\n'),
    { trust: text, ...more },
  )

const table = (main: StepResult): string[][] =>
  (JSON.parse(main.outputs['report'] ?? '{}') as { hostTrust: { table: string[][] } }).hostTrust
    .table

function expectNothingLeft(): void {
  for (const [name, { home, before }] of Object.entries(hosts)) {
    expect([name, home.snapshot()]).toEqual([name, before])
  }
}

const file = (name: string, path: string): string =>
  join(hosts[name]?.home.directory ?? '', '.ssh', path)

describeWith(['sshd', 'ssh', 'account', 'nss_wrapper'], 'an account for SFTP alone', () => {
  beforeEach(async () => {
    await setUp()
    await addSshd('files', ['ForceCommand internal-sftp'])
  })
  afterEach(end)

  test('is a target: written over SFTP, proven by the login, taken back', async () => {
    const main = await trust('plain -> files')
    expect(outcome(main)).toEqual(ok)
    expect(table(main)[1]?.[1]).toBe('✓')
    expect(readFileSync(file('files', 'authorized_keys'), 'utf8')).toMatch(/@plain\n$/)
    expect(outcome(await scene.post(main))).toEqual(ok)
    expectNothingLeft()
  })

  test('is no source: an error before anything is changed, that says which it is', async () => {
    const main = await trust('plain -> files\nfiles -> plain')
    expect(main.code).toBe(1)
    expect(main.log).toContain(`${plain.user}@files: It can't log in to other hosts:`)
    expect(main.log).toContain('[remote-shell]')
    expectNothingLeft()
  })
})

describeWith(['sshd', 'ssh', 'account', 'dropbear', 'dropbearkey'], 'dropbear', () => {
  beforeEach(async () => {
    await setUp()
    await addDropbear('small')
  })
  afterEach(end)

  async function addDropbear(name: string): Promise<void> {
    const home = await makeHome()
    const directory = makeDirectory('dropbear')
    const [hostKey, port] = [join(directory, 'key'), await freePort()]
    const made = await run(program('dropbearkey'), ['-t', 'ed25519', '-f', hostKey])
    const publicKey = /^ssh-ed25519 \S+/m.exec(made.stdout)?.[0] ?? ''
    writeFileSync(`${hostKey}.pub`, `${publicKey}\n`)
    mkdirSync(join(home.directory, '.ssh'), { mode: 0o700 })
    const keys = join(home.directory, '.ssh', 'authorized_keys')
    writeFileSync(keys, scene.key.publicKey, { mode: 0o600 }) // without its newline
    const child = spawn(
      program('dropbear'),
      ['-F', '-E', '-r', hostKey, '-p', `127.0.0.1:${port}`, '-P', join(directory, 'pid')],
      { env: { PATH: process.env['PATH'], ...home.env }, stdio: 'ignore' },
    )
    const ended = new Promise((resolve) => child.once('exit', resolve))
    closers.push(async () => {
      child.kill()
      await ended
      home.remove()
    })
    // It writes the file when it listens.
    for (let waited = 0; !existsSync(join(directory, 'pid')) && waited < 20_000; waited += 10) {
      await sleep(10)
    }
    const pin = await fingerprintOf(`${hostKey}.pub`)
    const line = `${name}=${plain.user}@127.0.0.1:${port} ${pin}`
    hosts[name] = { line, home, before: home.snapshot() }
  }

  test('is a target and a source, where it may go without an expiry', async () => {
    const main = await trust('plain <-> small', { 'trust-expiry': 'optional' })
    expect(outcome(main)).toEqual(ok)
    expect(
      table(main)
        .flat()
        .filter((cell) => cell === '✓'),
    ).toHaveLength(2)
    expect(readFileSync(file('small', 'authorized_keys'), 'utf8')).toMatch(
      /\nssh-ed25519 \S+ \S+@plain\n$/,
    )
    expect(readFileSync(file('plain', 'authorized_keys'), 'utf8')).toMatch(/^expiry-time=/)
    expect(outcome(await scene.post(main))).toEqual(ok)
    expectNothingLeft()
  })

  describe('is refused before it is given what it does not know', () => {
    test.each([
      ['an expiry', 'plain -> small', {}, '[expiry-unsupported]'],
      ['from=', 'plain -> small from', { 'trust-expiry': 'optional' }, 'is served by dropbear'],
    ])('%s', async (_, text, more, words) => {
      const main = await trust(text, more)
      expect(main.code).toBe(1)
      expect(main.log).toContain(words)
      expectNothingLeft()
    })
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
