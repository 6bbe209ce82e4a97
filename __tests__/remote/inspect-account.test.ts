/** What the look inside finds out on real servers, with the shells that they may have. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspectAccount, parseFacts, type AccountFacts } from '../../src/remote/inspect-account'
import { connectTo, type Connection } from '../../src/remote/connect'
import { parsePublicKey } from '../../src/ssh/public-key'
import { account, loginShell } from '../support/account'
import { describeWith, program, testWith } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { lineOf, newKey, startHost, type Host, type HostOptions } from './fixtures'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** A directory for PATH with stand-ins for programs that this machine need not have. */
function standIns(programs: Readonly<Record<string, string>>): string {
  const directory = makeDirectory('bin')
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(directory, name), 0o755)
  }
  return `${directory}:/usr/local/bin:/usr/bin:/bin`
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describeWith(['sshd', 'nss_wrapper', 'account'], 'inspectAccount', () => {
  let host: Host

  async function start(options: HostOptions = {}): Promise<void> {
    host = await startHost(options)
    undo.push(host.stop)
    mkdirSync(dirname(host.file), { mode: 0o700 })
  }

  const me = account()

  /** The facts; nothing in the home is changed by finding them out. */
  async function look(keys: readonly Buffer[] = []): Promise<AccountFacts> {
    const before = host.home.snapshot()
    const facts = await inspectAccount(await host.connect(), { keys })
    expect(host.home.snapshot()).toEqual(before)
    return facts
  }

  describe.each(['bash', 'dash', 'busybox', 'mksh'] as const)('with %s as sh', (sh) => {
    testWith([sh], 'tells the account, the configuration and the files', async () => {
      await start({ sh })
      const content = Buffer.from('# mine\r\n\0\xff not UTF-8\nno newline at the end', 'latin1')
      writeFileSync(host.file, content, { mode: 0o600 })
      const facts = await look([newKey().publicKey])
      expect(facts).toMatchObject({
        user: me.username,
        seenBy: me.username,
        exists: true,
        uid: me.uid,
        home: host.home.directory,
        client: '127.0.0.1',
        configFile: join(host.sshd.directory, 'sshd_config'),
      })
      expect(facts.groups).not.toEqual([])
      expect(Math.abs((facts.clock ?? 0) - Date.now())).toBeLessThan(600_000)
      expect(facts.keyFiles.map(({ path, missing }) => [path, missing])).toEqual([
        [host.sshd.authorizedKeysFile, false],
        [host.file, false],
      ])
      expect(facts.keyFiles[1]?.content).toEqual(content)
      expect(facts.keyFiles[1]?.chain).toEqual([
        { path: host.file, mode: expect.stringMatching(/^-rw-------/), owner: me.uid },
        { path: dirname(host.file), mode: expect.stringMatching(/^drwx------/), owner: me.uid },
        { path: host.home.directory, mode: expect.stringMatching(/^drwx------/), owner: me.uid },
      ])
      expect(facts.unusedFiles).toEqual([])
      expect(facts.labels).toEqual([])
    })
  })

  test('a link to the file is followed, and one that leads nowhere is no file', async () => {
    await start()
    const real = join(host.home.directory, 'real')
    writeFileSync(real, 'x\n', { mode: 0o600 })
    symlinkSync(real, host.file)
    expect((await look()).keyFiles[1]).toMatchObject({ path: real, missing: false })
    rmSync(real)
    expect((await look()).keyFiles[1]).toMatchObject({ missing: true })
  })

  test('AuthorizedKeysFile elsewhere: the usual file is told as one that is not used', async () => {
    const keys = join(makeDirectory('keys'), '%u')
    await start({ config: [`AuthorizedKeysFile ${keys}`] })
    const line = readFileSync(host.sshd.authorizedKeysFile)
    writeFileSync(keys.replace('%u', me.username), line, { mode: 0o600 })
    writeFileSync(host.file, 'unused\n')
    const { keyFiles, unusedFiles } = await look()
    expect(keyFiles.map(({ path }) => path)).toEqual([keys.replace('%u', me.username)])
    expect(unusedFiles).toEqual([
      { path: host.file, missing: false, chain: [], content: Buffer.from('unused\n') },
    ])
  })

  test('no file at all', async () => {
    await start()
    const { keyFiles } = await look()
    expect(keyFiles[1]).toMatchObject({ path: host.file, missing: true })
    expect(keyFiles[1]?.content).toBeUndefined()
  })

  testWith(['linux'], 'the log is the file that sshd writes its standard error to', async () => {
    await start()
    const { log } = await look()
    expect(log?.source).toBe(join(host.sshd.directory, 'log'))
    expect(log?.lines).toContainEqual(
      expect.stringMatching(`^Accepted publickey for ${me.username} from 127.0.0.1`),
    )
    expect(log?.lines.length).toBeLessThanOrEqual(400)
  })

  test('labels, where SELinux is enforced (stand-ins for its programs)', async () => {
    const PATH = standIns({
      getenforce: 'echo Enforcing',
      matchpathcon: 'echo system_u:object_r:ssh_home_t:s0',
      ls: 'case $1 in -Zd) echo "u:r:default_t:s0 $2" ;; *) exec /bin/ls "$@" ;; esac',
    })
    await start({ env: { PATH } })
    writeFileSync(host.file, 'x\n')
    const { labels } = await look()
    expect(labels).toContainEqual({
      path: host.file,
      context: 'u:r:default_t:s0',
      expected: 'system_u:object_r:ssh_home_t:s0',
    })
  })

  testWith(
    ['dropbear', 'dropbearkey', 'linux', 'root'],
    'dropbear has no sshd_config',
    async () => {
      await start()
      const directory = makeDirectory('dropbear')
      const hostKey = join(directory, 'host_key')
      const made = await mustRun(program('dropbearkey'), ['-t', 'ed25519', '-f', hostKey])
      const { blob } = parsePublicKey(/^ssh-ed25519 \S+/m.exec(made)?.[0] ?? '')
      writeFileSync(host.file, `${lineOf(host.key)}\n`, { mode: 0o600 })
      const port = await freePort()
      const daemon = spawn(
        program('dropbear'),
        ['-F', '-E', '-r', hostKey, '-p', `127.0.0.1:${port}`, '-P', join(directory, 'pid')],
        { env: { PATH: process.env['PATH'], ...host.home.env }, stdio: 'ignore' },
      )
      undo.push(() => daemon.kill())
      const credentials = { kind: 'key', key: host.key } as const
      const { user } = host.sshd
      const at = { host: '127.0.0.1', port, user, hostKey: blob, credentials, timeout: 10_000 }
      let client: Connection | undefined
      while (client === undefined) {
        await sleep(20)
        client = await connectTo(at).catch(() => undefined)
      }
      const facts = await inspectAccount(client)
      client.end()
      expect(facts).toMatchObject({ configFrom: 'nowhere', configFile: '', user })
      expect(facts.dropbear).toContain(`-p 127.0.0.1:${port}`)
      expect(facts.keyFiles.map(({ path }) => path)).toEqual([host.file])
    },
  )

  test('a name with an end in it never gets to the host', async () => {
    await start()
    const client = await host.connect()
    await expect(inspectAccount(client, { user: 'x\nid' })).rejects.toThrow('a name for a script')
  })

  testWith(['root'], 'root is told of accounts that are not there', async () => {
    await start()
    const client = await host.connect()
    const facts = await inspectAccount(client, { user: "no-such'user; echo uid 0 $(id)" })
    expect(facts).toMatchObject({ exists: false, uid: -1, home: '', seenBy: 'root' })
  })

  testWith(['root'], 'root is told of the shell and the lock of the account', async () => {
    await start()
    const { shell, shellRuns } = await look()
    expect({ shell, shellRuns }).toEqual({ shell: loginShell(me) ?? '/bin/sh', shellRuns: true })
  })
})

describe('parseFacts', () => {
  const START = 'user me\nuid 1\n'

  test.each([
    ['nothing', ''],
    ['no user', 'uid 1\n'],
    ['no id', 'user me\n'],
    ['an id that is none', 'user me\nuid x\n'],
  ])('%s is refused', (_, text) => {
    expect(() => parseFacts(Buffer.from(text))).toThrow('does not say what the account is')
  })

  test('what a file holds is never taken for facts', () => {
    const content = 'uid 0\nuser root\nkeys /x\nlog x\n'
    const text = `${START}keys /f\ncontent ${content.length}\n${content}\n`
    const facts = parseFacts(Buffer.from(text))
    expect(facts).toMatchObject({ user: 'me', uid: 1 })
    expect(facts.keyFiles).toHaveLength(1)
    expect(facts.keyFiles[0]?.content?.toString()).toBe(content)
  })

  test('what is told twice counts as it was told first', () => {
    expect(parseFacts(Buffer.from(`${START}user root\nuid 0\n`))).toMatchObject({
      user: 'me',
      uid: 1,
    })
  })

  test.each([
    ['content x', undefined],
    ['content 99999999', ''],
    ['content 5', 'abc'],
  ])('a size that is wrong: %s', (line, expected) => {
    const facts = parseFacts(Buffer.from(`${START}keys /f\n${line}\nabc`))
    expect(facts.keyFiles[0]?.content?.toString()).toBe(expected ?? '')
  })

  test('lines may end with CR, as sshd -e writes them', () => {
    const facts = parseFacts(Buffer.from(`${START}log-from /f\nlog one\r\nlog t\rwo\r\n`))
    expect(facts.log).toEqual({ source: '/f', lines: ['one', 't\rwo'] })
  })
})
