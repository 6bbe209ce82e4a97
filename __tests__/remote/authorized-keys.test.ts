/** Editing authorized_keys on real hosts: real sshd, real shells, real file systems. */
import { afterAll, afterEach, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { Client } from 'ssh2'
import {
  editAuthorizedKeys,
  type EditOptions,
  type EditResult,
} from '../../src/remote/authorized-keys'
import { connectTo, runScript } from '../../src/remote/connect'
import { addAuthorizedKey, removeAuthorizedKey } from '../../src/ssh/authorized-keys'
import { parsePublicKey } from '../../src/ssh/public-key'
import { describeWith, program, testWith } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { startSshd } from '../support/sshd'
import {
  addressOf,
  lineOf,
  makeProgram,
  newKey,
  startHost,
  type Host,
  type HostOptions,
} from './fixtures'

/** SFTP is used where the shell is none. */
const SFTP_ONLY: HostOptions = { config: ['ForceCommand internal-sftp'] }
const PLAIN: HostOptions = {}
const WAYS = [
  ['shell', PLAIN],
  ['sftp', SFTP_ONLY],
] as const

let hosts: Host[] = []
/** Hosts that many tests use, one after another. */
const shared = new Map<HostOptions, Host>()

let closers: (() => void)[] = []

afterEach(async () => {
  for (const close of closers) close()
  closers = []
  for (const one of hosts) await one.stop()
  hosts = []
  for (const { home } of shared.values()) {
    chmodSync(home.directory, 0o700)
    for (const name of readdirSync(home.directory)) {
      rmSync(join(home.directory, name), { recursive: true })
    }
  }
})

afterAll(async () => {
  for (const one of shared.values()) await one.stop()
})

/** A host with an empty home. */
async function start(options: HostOptions = PLAIN): Promise<Host> {
  const known = shared.get(options)
  if (known !== undefined) return known
  const started = await startHost(options)
  if (options === PLAIN || options === SFTP_ONLY) shared.set(options, started)
  else hosts.push(started)
  return started
}

const key = newKey('deploy')
const line = lineOf(key)

async function add(
  client: Client,
  host: Host,
  text = line,
  options: Partial<EditOptions> = {},
): Promise<EditResult> {
  const all = { user: host.sshd.user, ...options }
  return editAuthorizedKeys(client, all, (content) => addAuthorizedKey(content, text).content)
}

async function take(
  client: Client,
  host: Host,
  text = line,
  options: Partial<EditOptions> = {},
): Promise<EditResult> {
  const all = { user: host.sshd.user, mend: false, ...options }
  return editAuthorizedKeys(client, all, (content) => removeAuthorizedKey(content, text).content)
}

/** Puts a file where authorized_keys is. */
function put(host: Host, content: string | Buffer, mode = 0o600): void {
  mkdirSync(dirname(host.file), { recursive: true, mode: 0o700 })
  writeFileSync(host.file, content)
  chmodSync(host.file, mode)
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8)
}

/** What stands beside the file. */
function beside(host: Host): string[] {
  return readdirSync(dirname(host.file)).filter((name) => name !== 'authorized_keys')
}

describeWith(['sshd', 'nss_wrapper'], 'a file that is not there', () => {
  test.each(WAYS)('is made, and goes again, over %s', async (via, options) => {
    const host = await start(options)
    const client = await host.connect()
    const made = await add(client, host)
    const directory = dirname(host.file)
    const expected = { path: host.file, via, changed: true, empty: false, mends: [], warnings: [] }
    expect(made).toEqual({ ...expected, created: [directory, host.file], removed: [] })
    expect(readFileSync(host.file, 'utf8')).toBe(`${line}\n`)
    expect([modeOf(directory), modeOf(host.file)]).toEqual(['700', '600'])
    expect(beside(host)).toEqual([])

    const gone = await take(client, host, line, { removeIfEmpty: made.created })
    expect(gone).toMatchObject({ empty: true, created: [], removed: [host.file, directory] })
    expect([...host.home.snapshot().keys()]).toEqual(['.'])
  })

  test.each(WAYS)(
    'is told of beforehand, with what is made for it, over %s',
    async (_, options) => {
      const host = await start(options)
      const client = await host.connect()
      const told: (readonly string[])[] = []
      const edit = async (path?: string): Promise<EditResult> =>
        editAuthorizedKeys(
          client,
          { user: host.sshd.user, ...(path === undefined ? {} : { path }) },
          (content, missing) => {
            told.push(missing)
            return addAuthorizedKey(content, line).content
          },
        )
      const made = [await edit(), await edit('.ssh/a/b/keys'), await edit('.ssh/other')]
      const directory = dirname(host.file)
      expect(told).toEqual([
        [directory, host.file],
        [join(directory, 'a'), join(directory, 'a/b'), join(directory, 'a/b/keys')],
        [join(directory, 'other')],
      ])
      expect(made.map(({ created }) => created)).toEqual(told)
      await editAuthorizedKeys(client, { user: host.sshd.user }, (_content, missing) => {
        expect(missing).toEqual([])
        return undefined
      })
    },
  )

  test.each(WAYS)('stays away where there is nothing to add, over %s', async (_, options) => {
    const host = await start(options)
    const result = await editAuthorizedKeys(
      await host.connect(),
      { user: host.sshd.user },
      () => undefined,
    )
    expect(result).toMatchObject({ changed: false, empty: true, created: [] })
    expect([...host.home.snapshot().keys()]).toEqual(['.'])
  })

  test.each(WAYS)(
    'leaves its directory where that was there before, over %s',
    async (_, options) => {
      const host = await start(options)
      mkdirSync(dirname(host.file), { mode: 0o700 })
      const client = await host.connect()
      const made = await add(client, host)
      expect(made.created).toEqual([host.file])
      await take(client, host, line, { removeIfEmpty: made.created })
      expect([...host.home.snapshot().keys()]).toEqual(['.', '.ssh'])
    },
  )

  test.each(WAYS)('leaves its directory where that has more in it, over %s', async (_, options) => {
    const host = await start(options)
    const client = await host.connect()
    const made = await add(client, host)
    writeFileSync(join(dirname(host.file), 'config'), '')
    const gone = await take(client, host, line, { removeIfEmpty: made.created })
    expect(gone.removed).toEqual([host.file])
    expect(beside(host)).toEqual(['config'])
  })

  test.each(WAYS)('stays, empty, where it is not ours to remove, over %s', async (_, options) => {
    const host = await start(options)
    put(host, `${line}\n`)
    const gone = await take(await host.connect(), host)
    expect(gone).toMatchObject({ changed: true, empty: true, removed: [] })
    expect(readFileSync(host.file, 'utf8')).toBe('')
  })
})

describeWith(['sshd', 'nss_wrapper'], 'a file that is there', () => {
  test.each(WAYS)('gets back every byte, over %s', async (_, options) => {
    const host = await start(options)
    const client = await host.connect()
    const content = fc
      .tuple(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('', '\n', '\r\n', '# \\ $x `y` %s\n'),
      )
      .map(([data, end]) => Buffer.concat([Buffer.from(data), Buffer.from(end)]))
    await fc.assert(
      fc.asyncProperty(content, async (before) => {
        put(host, before)
        let newlineMended: string | undefined
        const all = { user: host.sshd.user }
        await editAuthorizedKeys(client, all, (old) => {
          const addition = addAuthorizedKey(old, line)
          if (addition.status === 'added') newlineMended = addition.newlineMended
          return addition.content
        })
        expect(readFileSync(host.file, 'latin1')).toContain(line)
        await editAuthorizedKeys(
          client,
          all,
          (old) => removeAuthorizedKey(old, line, { newlineMended }).content,
        )
        expect(readFileSync(host.file).equals(before)).toBe(true)
      }),
      { numRuns: 12 },
    )
  })

  test.each(WAYS)('of a megabyte is edited, over %s', async (_, options) => {
    const host = await start(options)
    const before = `${lineOf(newKey('x'))}\n`.repeat(12_000)
    put(host, before)
    await add(await host.connect(), host)
    expect(readFileSync(host.file, 'utf8') === `${before}${line}\n`).toBe(true)
  })

  test.each([
    ['shell', PLAIN, 0o640],
    ['shell', PLAIN, 0o444],
    ['shell', PLAIN, 0o700],
    ['sftp', SFTP_ONLY, 0o640],
    ['sftp', SFTP_ONLY, 0o444],
  ] as const)('keeps its mode, over %s: %j %d', async (_, options, mode) => {
    const host = await start(options)
    put(host, '# x\n', mode)
    await add(await host.connect(), host)
    expect(readFileSync(host.file, 'utf8')).toBe(`# x\n${line}\n`)
    expect(statSync(host.file).mode & 0o7777).toBe(mode)
  })

  for (const [via, options] of WAYS) {
    testWith(['root'], `keeps its group, over ${via}`, async () => {
      const host = await start(options)
      put(host, '# x\n')
      chownSync(host.file, 0, 4242)
      await add(await host.connect(), host)
      expect(statSync(host.file)).toMatchObject({ uid: 0, gid: 4242 })
    })

    testWith(['root'], `of another user is not touched, over ${via}`, async () => {
      const host = await start(options)
      put(host, '# x\n')
      chownSync(host.file, 4242, 0)
      await expect(add(await host.connect(), host)).rejects.toMatchObject({
        code: 'remote-file-unsafe',
        message: expect.stringContaining('belongs to another user, with the id 4242') as unknown,
      })
      expect(readFileSync(host.file, 'utf8')).toBe('# x\n')
      expect(beside(host)).toEqual([])
    })
  }

  test.each(WAYS)('is not written where nothing changes, over %s', async (_, options) => {
    const host = await start(options)
    put(host, `restrict ${line}`)
    const before = statSync(host.file)
    expect(await add(await host.connect(), host)).toMatchObject({ changed: false, empty: false })
    expect(statSync(host.file)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs })
  })

  test.each(WAYS)('stays where the edit fails, over %s', async (_, options) => {
    const host = await start(options)
    put(host, '# x\n')
    const all = { user: host.sshd.user }
    const edit = editAuthorizedKeys(await host.connect(), all, () => {
      throw new RangeError('no')
    })
    await expect(edit).rejects.toThrow('no')
    expect(readFileSync(host.file, 'utf8')).toBe('# x\n')
  })
})

describe('shells', () => {
  for (const shell of ['bash', 'dash', 'busybox', 'mksh', 'tcsh', 'fish'] as const) {
    testWith(['sshd', 'nss_wrapper', shell], `login shell ${shell}`, async () => {
      await addAndTake(await start({ shell }))
    })
  }
  for (const sh of ['bash', 'dash', 'busybox', 'mksh'] as const) {
    testWith(['sshd', 'nss_wrapper', sh], `sh is ${sh}`, async () => {
      await addAndTake(await start({ sh }))
    })
  }

  testWith(['sshd', 'nss_wrapper'], 'without cmp, chcon, restorecon, find, readlink', async () => {
    const bin = makeDirectory('few')
    const names =
      'sh cat dd wc cksum ls mkdir rmdir rm cp mv chmod uname id dirname basename sed sleep'
    for (const name of names.split(' ')) {
      symlinkSync((await mustRun('/bin/sh', ['-c', `command -v ${name}`])).trim(), join(bin, name))
    }
    const host = await start({ env: { PATH: bin } })
    // Scripts put the directories of daemons behind the PATH; there is none of these there.
    await addAndTake(host)
    const client = await host.connect()
    const { stdout } = await runScript(client, 'command -v cmp find readlink', Buffer.alloc(0))
    expect(stdout.toString()).toBe('')
  })
})

async function addAndTake(host: Host): Promise<void> {
  const before = Buffer.from(`# x\r\n${lineOf(newKey('y'))} \x80\xff`, 'latin1')
  const real = join(host.home.directory, 'real keys')
  mkdirSync(dirname(host.file), { mode: 0o775 })
  chmodSync(dirname(host.file), 0o775)
  writeFileSync(real, before, { mode: 0o600 })
  symlinkSync('../real keys', host.file)
  const client = await host.connect()
  const made = await add(client, host)
  expect(made).toMatchObject({ path: real, via: 'shell', created: [] })
  expect(readFileSync(real).equals(Buffer.concat([before, Buffer.from(`\r\n${line}\r\n`)]))).toBe(
    true,
  )
  await take(client, host)
  expect(readFileSync(real).equals(Buffer.concat([before, Buffer.from('\r\n')]))).toBe(true)
  expect(readlinkSync(host.file)).toBe('../real keys')
  expect(readdirSync(host.home.directory).sort()).toContain('real keys')
  expect(readdirSync(host.home.directory).filter((name) => name.includes('ssh-trust'))).toEqual([])
  rmSync(dirname(host.file), { recursive: true })
  const fresh = await add(client, host)
  await take(client, host, line, { removeIfEmpty: fresh.created })
  expect(existsSync(dirname(host.file))).toBe(false)
}

describeWith(['sshd', 'nss_wrapper'], 'a symbolic link', () => {
  test.each(WAYS)('stays, and its file is edited, over %s', async (via, options) => {
    const host = await start(options)
    const real = join(host.home.directory, 'dotfiles/keys')
    mkdirSync(dirname(real))
    writeFileSync(real, '# x\n')
    put(host, '')
    rmSync(host.file)
    symlinkSync('link', host.file)
    symlinkSync(real, join(dirname(host.file), 'link'))
    expect(await add(await host.connect(), host)).toMatchObject({ path: real, via })
    expect(readFileSync(real, 'utf8')).toBe(`# x\n${line}\n`)
    expect(readlinkSync(host.file)).toBe('link')
    expect(readdirSync(dirname(real))).toEqual(['keys'])
  })

  test.each(WAYS)('for ~/.ssh is followed, over %s', async (_, options) => {
    const host = await start(options)
    const real = join(host.home.directory, 'dot')
    mkdirSync(real, { mode: 0o700 })
    symlinkSync('dot', dirname(host.file))
    const { path } = await add(await host.connect(), host)
    expect(path).toBe(join(real, 'authorized_keys'))
    expect(lstatSync(dirname(host.file)).isSymbolicLink()).toBe(true)
  })

  const wrong: [string, (file: string) => void, string][] = [
    [
      'to nothing',
      (file) => {
        symlinkSync('nothing', file)
      },
      'and there is nothing',
    ],
    [
      'to itself',
      (file) => {
        symlinkSync('authorized_keys', file)
      },
      'round in a circle',
    ],
    [
      'to a directory',
      (file) => {
        symlinkSync('..', file)
      },
      'is not a regular file',
    ],
    [
      'to a device',
      (file) => {
        symlinkSync('/dev/null', file)
      },
      'is not a regular file',
    ],
  ]
  test.each(WAYS.flatMap(([via, options]) => wrong.map((one) => [via, options, ...one] as const)))(
    'over %s %j %s is refused',
    async (_via, options, _name, make, words) => {
      const host = await start(options)
      put(host, '')
      rmSync(host.file)
      make(host.file)
      await expect(add(await host.connect(), host)).rejects.toMatchObject({
        code: 'remote-file-unsafe',
        message: expect.stringContaining(words) as unknown,
      })
      expect(beside(host)).toEqual([])
    },
  )
})

describeWith(['sshd', 'nss_wrapper'], 'instead of a file', () => {
  test.each(WAYS)('a directory is refused, over %s', async (_, options) => {
    const host = await start(options)
    mkdirSync(host.file, { recursive: true })
    await expect(add(await host.connect(), host)).rejects.toMatchObject({
      code: 'remote-file-unsafe',
    })
  })

  test.each(WAYS)('a fifo is refused, and not waited for, over %s', async (_, options) => {
    const host = await start(options)
    mkdirSync(dirname(host.file))
    await mustRun('mkfifo', [host.file])
    await expect(add(await host.connect(), host)).rejects.toMatchObject({
      code: 'remote-file-unsafe',
    })
  })

  test.each(WAYS)('a file called .ssh is told, over %s', async (_, options) => {
    const host = await start(options)
    writeFileSync(dirname(host.file), '')
    await expect(add(await host.connect(), host)).rejects.toMatchObject({
      code: 'remote-file-failed',
    })
  })
})

describeWith(['sshd', 'nss_wrapper'], 'StrictModes', () => {
  async function logsIn(host: Host): Promise<boolean> {
    const strict = await startSshd({ home: host.home, extraConfig: ['StrictModes yes'] })
    try {
      const credentials = { kind: 'key', key } as const
      const client = await connectTo({ ...addressOf(strict), credentials, timeout: 10_000 })
      client.end()
      return true
    } catch {
      return false
    } finally {
      await strict.stop()
    }
  }

  test.each(WAYS)('gets the modes that it wants, and no more, over %s', async (_, options) => {
    const host = await start(options)
    put(host, '# x\n', 0o666)
    chmodSync(dirname(host.file), 0o2775)
    chmodSync(host.home.directory, 0o777)
    const client = await host.connect()
    const { mends, warnings } = await add(client, host)
    expect(warnings).toEqual([])
    expect([...mends].sort()).toEqual(
      [
        `made ${host.home.directory} 0755, was 0777`,
        `made ${dirname(host.file)} 2755, was 2775`,
        `made ${host.file} 0644, was 0666`,
      ].sort(),
    )
    expect(await logsIn(host)).toBe(true)
  })

  test.each(WAYS)('gets them too where the key is there already, over %s', async (_, options) => {
    const host = await start(options)
    put(host, `${line}\n`, 0o666)
    expect(await logsIn(host)).toBe(false)
    const result = await add(await host.connect(), host)
    expect(result).toMatchObject({ changed: false, mends: [`made ${host.file} 0644, was 0666`] })
    expect(await logsIn(host)).toBe(true)
  })

  test.each(WAYS)('is left alone when told so, over %s', async (_, options) => {
    const host = await start(options)
    put(host, '# x\n', 0o664)
    const result = await add(await host.connect(), host, line, { mend: false })
    expect(result).toMatchObject({
      mends: [],
      warnings: [`${host.file} can be written by other users`],
    })
    expect(modeOf(host.file)).toBe('664')
  })

  test.each(WAYS)('a new file and directory please it, over %s', async (_, options) => {
    const host = await start(options)
    await add(await host.connect(), host)
    expect(await logsIn(host)).toBe(true)
  })

  testWith(['root'], 'a directory of another user is warned of', async () => {
    const host = await start()
    put(host, '# x\n')
    chownSync(dirname(host.file), 4242, 0)
    expect(await add(await host.connect(), host)).toMatchObject({
      warnings: [`${dirname(host.file)} belongs to another user, with the id 4242`],
    })
  })
})

describeWith(['sshd', 'nss_wrapper'], 'the path', () => {
  test.each([
    ['keys', 'keys'],
    ['./a/../keys', undefined],
    ['~/keys', 'keys'],
    ['%h/.config/ssh/%u.keys', '.config/ssh/USER.keys'],
    ['100%%', '100%'],
    ['it\'s $HOME `x` \\ "y"', 'it\'s $HOME `x` \\ "y"'],
    ['%k', undefined],
    ['a%h', undefined],
    ['a\nb', undefined],
    ['keys/', undefined],
    ['.', undefined],
    ['', undefined],
  ])('%j is %j in the home', async (path, expected) => {
    const host = await start()
    const work = add(await host.connect(), host, line, { path })
    if (expected === undefined) {
      await expect(work).rejects.toMatchObject({ code: 'input-invalid' })
      return
    }
    const file = join(host.home.directory, expected.replace('USER', host.sshd.user))
    expect((await work).path).toBe(file)
    expect(readFileSync(file, 'utf8')).toBe(`${line}\n`)
  })

  test.each(WAYS)('can be absolute, where the directory is there, over %s', async (_, options) => {
    const host = await start(options)
    const directory = makeDirectory('keys')
    const client = await host.connect()
    const there = await add(client, host, line, { path: join(directory, '%u') })
    const file = join(directory, host.sshd.user)
    expect(there).toMatchObject({ path: file, created: [file] })
    await expect(add(client, host, line, { path: join(directory, 'no/%u') })).rejects.toMatchObject(
      {
        code: 'remote-file-unsafe',
        message: expect.stringContaining('is not there') as unknown,
      },
    )
  })
})

describeWith(['sshd', 'nss_wrapper'], 'editors at once', () => {
  test('lose nothing: eight of them, over shells and SFTP', async () => {
    const host = await start()
    // The same home, by another way in.
    const other = await startSshd({
      home: host.home,
      authorizedKeys: [lineOf(host.key)],
      extraConfig: ['ForceCommand internal-sftp'],
    })
    put(host, '# x')
    const lines = [...Array(8).keys()].map((number) => lineOf(newKey(`key ${number}`)))
    try {
      const results = await Promise.all(
        lines.map(async (text, index) => {
          const sshd = index % 4 === 3 ? other : host.sshd
          const credentials = { kind: 'key', key: host.key } as const
          const client = await connectTo({ ...addressOf(sshd), credentials, timeout: 20_000 })
          const { via } = await add(client, host, text)
          client.end()
          return via
        }),
      )
      expect(results.filter((via) => via === 'sftp')).toHaveLength(2)
    } finally {
      await other.stop()
    }
    const [first, ...rest] = readFileSync(host.file, 'utf8').trimEnd().split('\n')
    expect(first).toBe('# x')
    expect(rest.sort()).toEqual(lines.sort())
    expect(beside(host)).toEqual([])
  }, 60_000)

  test.each(WAYS)('do not overwrite what vi has saved meanwhile, over %s', async (_, options) => {
    const host = await start(options)
    put(host, '# old\n')
    let calls = 0
    await editAuthorizedKeys(await host.connect(), { user: host.sshd.user }, (content) => {
      calls += 1
      if (calls === 1) writeFileSync(host.file, '# new\n')
      return addAuthorizedKey(content, line).content
    })
    expect(calls).toBe(2)
    expect(readFileSync(host.file, 'utf8')).toBe(`# new\n${line}\n`)
  })

  test.each(WAYS)(
    'give up on a file that never rests, over %s',
    async (_, options) => {
      const host = await start(options)
      put(host, '0')
      const edit = editAuthorizedKeys(await host.connect(), { user: host.sshd.user }, (content) => {
        writeFileSync(host.file, `${content.toString()}0`)
        return Buffer.from('mine')
      })
      await expect(edit).rejects.toMatchObject({ code: 'remote-file-changed' })
      expect(readFileSync(host.file, 'utf8')).toMatch(/^0+$/)
      expect(beside(host)).toEqual([])
    },
    60_000,
  )
})

/** Tools that a script uses, in the order in which it needs them to replace a file. */
const TOOLS = ['cat', 'wc', 'mkdir', 'dd', 'cmp', 'cp', 'chmod', 'ls', 'mv', 'rm', 'rmdir']

describeWith(['sshd', 'nss_wrapper', 'linux'], 'a script that is killed', () => {
  test.each(TOOLS)('at its call of %s leaves the old file or the new one', async (tool) => {
    const bin = makeDirectory('bin')
    const trap = join(bin, 'trap')
    const real = (await mustRun('/bin/sh', ['-c', `command -v ${tool}`])).trim()
    // The shell that runs the script has its marks in no argument; it is the session's only `sh`.
    const text = `#!/bin/sh
if [ -e ${trap} ]; then
  /bin/rm -f ${trap}
  shell=$(ps -o ppid= -p $$ | tr -d ' ')
  kill -9 "$shell" $(ps -o ppid= -p "$shell" | tr -d ' ')
  sleep 0.1
  exit 1
fi
exec ${real} "$@"
`
    writeFileSync(join(bin, tool), text, { mode: 0o755 })
    const host = await start({ shell: 'dash', env: { PATH: `${bin}:/usr/bin:/bin` } })
    put(host, '# x\n')
    const client = await host.connect()
    const all = { user: host.sshd.user }
    const killed = editAuthorizedKeys(client, all, (content) => {
      writeFileSync(trap, '') // from here on: reading is over
      return addAuthorizedKey(content, line).content
    })
    // Where a subshell was hit, the script could still tell that it failed.
    await killed.catch((error: unknown) => {
      expect(error).toMatchObject({
        code: expect.stringMatching(/^(?:host-closed|remote-file-failed)$/) as unknown,
      })
    })
    expect(existsSync(trap)).toBe(false)
    expect(['# x\n', `# x\n${line}\n`]).toContain(readFileSync(host.file, 'utf8'))
    // And the next one is not kept waiting for what the dead one has left.
    const again = await host.connect()
    await add(again, host)
    const other = lineOf(newKey('other'))
    await add(again, host, other)
    expect(readFileSync(host.file, 'utf8')).toBe(`# x\n${line}\n${other}\n`)
    expect(existsSync(`${host.file}.ssh-trust-lock`)).toBe(false)
  })

  test('a lock that somebody living holds is waited for', async () => {
    const host = await start()
    put(host, '# x\n')
    const lock = `${host.file}.ssh-trust-lock`
    mkdirSync(lock)
    const node = (await mustRun('uname', ['-n'])).trim()
    const uid = String(process.getuid?.() ?? 0)
    writeFileSync(join(lock, 'owner'), `${node} ${process.pid} ${uid} cafe\n`)
    let settled = false
    const client = await host.connect()
    const work = add(client, host).finally(() => (settled = true))
    // It has come to the lock when its data are on the host.
    while (!beside(host).some((name) => name.endsWith('-data'))) await nextTurn()
    expect(settled).toBe(false)
    expect(readFileSync(host.file, 'utf8')).toBe('# x\n')
    rmSync(lock, { recursive: true })
    await work
    expect(readFileSync(host.file, 'utf8')).toBe(`# x\n${line}\n`)
  })
})

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

describeWith(['sshd', 'nss_wrapper', 'linux', 'root', 'unshare'], 'on a full disk', () => {
  /** A login shell that gives each session a small disk at ~/.ssh, filled but for some kilobytes. */
  function fullDisk(free: number): HostOptions {
    return {
      shell: makeProgram(`#!/bin/sh
exec unshare -m /bin/sh -c '
mount -t tmpfs -o size=64k,nr_inodes=20 tmpfs "$HOME/.ssh" || exit 99
cp -p "$HOME/seed" "$HOME/.ssh/authorized_keys"
head -c $((64 * 1024 - 4096 * (2 + ${free}))) /dev/zero >"$HOME/.ssh/filler"
sh
cp -p "$HOME/.ssh/authorized_keys" "$HOME/after"
ls -A "$HOME/.ssh" >"$HOME/listing"
'
`),
    }
  }

  test.each([0, 1, 2, 3, 4])('with %d blocks free the file is old or new', async (free) => {
    const host = await start(fullDisk(free))
    put(host, '')
    const before = '# xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n'.repeat(90)
    writeFileSync(join(host.home.directory, 'seed'), before, { mode: 0o600 })
    const error: unknown = await add(await host.connect(), host).then(
      () => undefined,
      (failure: unknown) => failure,
    )
    if (error !== undefined) expect(error).toMatchObject({ code: 'remote-file-failed' })
    const after = readFileSync(join(host.home.directory, 'after'), 'utf8')
    expect(after).toBe(error === undefined ? `${before}${line}\n` : before)
    expect(readFileSync(join(host.home.directory, 'listing'), 'utf8').trim().split('\n')).toEqual([
      'authorized_keys',
      'filler',
    ])
    if (free < 2) expect(error).toBeDefined()
  })
})

describeWith(['sshd', 'nss_wrapper'], 'an account without a shell', () => {
  const nologin = '#!/bin/sh\necho This account is currently not available.\nexit 1\n'

  test('is edited over SFTP', async () => {
    const host = await start({ shell: makeProgram(nologin) })
    expect(await add(await host.connect(), host)).toMatchObject({ via: 'sftp' })
    expect(readFileSync(host.file, 'utf8')).toBe(`${line}\n`)
  })

  test('and without SFTP is told', async () => {
    const host = await start({
      shell: makeProgram(nologin),
      config: ['Subsystem sftp /bin/false'],
    })
    await expect(add(await host.connect(), host)).rejects.toMatchObject({
      code: 'remote-shell',
      message: expect.stringContaining('currently not available') as unknown,
    })
  })

  testWith(['root'], 'in a chroot is edited where its home is there', async () => {
    // sshd wants root's own directories all the way, so /tmp can't be above it.
    const root = mkdtempSync('/root/ssh-trust-test-')
    try {
      const config = [`ChrootDirectory ${root}`, 'ForceCommand internal-sftp']
      const host = await start({ config })
      const ssh = join(root, host.home.directory, '.ssh')
      mkdirSync(join(root, host.home.directory), { recursive: true })
      const { via, path } = await add(await host.connect(), host)
      expect({ via, path }).toEqual({ via: 'sftp', path: host.file })
      expect(readFileSync(join(ssh, 'authorized_keys'), 'utf8')).toBe(`${line}\n`)
    } finally {
      rmSync(root, { recursive: true })
    }
  })
})

describeWith(
  ['dropbear', 'dropbearkey', 'nss_wrapper', 'unshare', 'linux', 'root'],
  'dropbear',
  () => {
    /** Starts dropbear with a home, and files of its own over those of /etc. */
    async function dropbear(etc: Readonly<Record<string, string>>): Promise<{
      host: Host
      etc: string
      address: ReturnType<typeof addressOf>
    }> {
      const host = await start()
      const directory = makeDirectory('dropbear')
      const [upper, work] = [join(directory, 'etc'), join(directory, 'work')]
      for (const one of [upper, work, join(upper, 'dropbear')]) mkdirSync(one, { mode: 0o755 })
      for (const [name, text] of Object.entries(etc)) {
        writeFileSync(join(upper, name), text, { mode: 0o600 })
      }
      const hostKey = join(directory, 'host_key')
      const made = await mustRun(program('dropbearkey'), ['-t', 'ed25519', '-f', hostKey])
      const text = /^ssh-ed25519 \S+/m.exec(made)?.[0] ?? ''
      const port = await freePort()
      const script = `mount -t overlay -o lowerdir=/etc,upperdir=${upper},workdir=${work} overlay /etc &&
exec "$@"`
      const args = ['-m', '/bin/sh', '-c', script, 'sh', program('dropbear'), '-F', '-E']
      const child = spawn(
        program('unshare'),
        [...args, '-r', hostKey, '-p', `127.0.0.1:${port}`, '-P', join(directory, 'pid')],
        { env: { PATH: process.env['PATH'], ...host.home.env }, stdio: 'ignore' },
      )
      closers.push(() => child.kill())
      await listens(port)
      const hostKeyBlob = parsePublicKey(text).blob
      const address = { host: '127.0.0.1', port, user: host.sshd.user, hostKey: hostKeyBlob }
      return { host, etc: upper, address }
    }

    test('on OpenWrt: root has /etc/dropbear/authorized_keys', async () => {
      const before = `${lineOf(key)}\n`
      const started = await dropbear({
        openwrt_release: "DISTRIB_ID='OpenWrt'\n",
        'dropbear/authorized_keys': before,
      })
      // Debian's dropbear looks into the home; OpenWrt's is patched to look here.
      put(started.host, before)
      const credentials = { kind: 'key', key } as const
      const client = await connectTo({ ...started.address, credentials, timeout: 20_000 })
      const other = lineOf(newKey('other'))
      expect(await add(client, started.host, other)).toMatchObject({
        path: '/etc/dropbear/authorized_keys',
        via: 'shell',
      })
      client.end()
      const file = join(started.etc, 'dropbear/authorized_keys')
      expect(readFileSync(file, 'utf8')).toBe(`${before}${other}\n`)
      expect(readFileSync(started.host.file, 'utf8')).toBe(before)
    })

    test('elsewhere: the home, and CRLF is no trouble', async () => {
      const started = await dropbear({})
      put(started.host, `# x\r\n${lineOf(newKey('x'))}\r\n`)
      const editor = await started.host.connect()
      await add(editor, started.host)
      expect(readFileSync(started.host.file, 'utf8')).toMatch(/deploy\r\n$/)
      const credentials = { kind: 'key', key } as const
      const client = await connectTo({ ...started.address, credentials, timeout: 20_000 })
      const path = started.host.file
      expect(await add(client, started.host, lineOf(newKey('y')))).toMatchObject({ path })
      client.end()
    })
  },
)

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Waits until something listens on a port. */
async function listens(port: number): Promise<void> {
  const open = await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
  if (!open) await listens(port)
}
