/**
 * What is different on Windows, as far as another platform can be it: paths with drives, programs of
 * System32 that are scripts, and the real ssh in the place of each of Windows' two.
 */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import fc from 'fast-check'
import * as fs from 'node:fs'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { runInThisContext } from 'node:vm'
import type { ProvenHost, SshPaths } from '../../src/local/ssh-config'
import { parsePin } from '../../src/ssh/pin'
import { generatePrivateKey } from '../../src/ssh/private-key'
import { fingerprint } from '../../src/ssh/public-key'
import { describeWith, program, testWith } from '../support/programs'
import { run } from '../support/run'
import { makeDirectory } from '../support/scratch'

/** Errors that the next calls of a function of node:fs throw. */
const failures = new Map<string, string[]>()

/** node:fs with those errors; all modules under test get it. */
function failingFs(): typeof fs {
  const failing = (name: 'renameSync' | 'rmSync' | 'openSync') => ({
    [name]: (...args: unknown[]): unknown => {
      const code = failures.get(name)?.shift()
      if (code !== undefined) throw Object.assign(new Error(code), { code })
      return (fs[name] as (...all: unknown[]) => unknown)(...args)
    },
  })
  return { ...fs, ...failing('renameSync'), ...failing('rmSync'), ...failing('openSync') }
}
jest.unstable_mockModule('node:fs', failingFs)
const { editFile, isHeldOpen } = await import('../../src/local/files')
const { sshDirectories } = await import('../../src/local/home')
const { isJournalPath, openJournal, readJournal, removeJobDirectory } =
  await import('../../src/local/journal')
const { addBlock, homeBlock, removeBlock, thisMachine } = await import('../../src/local/home-block')
const { renderSshConfig, renderSshFiles } = await import('../../src/local/ssh-config')

// Programs are looked up with the environment of the real process; Jest gives tests a copy.
const real = runInThisContext('process') as NodeJS.Process
const undo: (() => void)[] = []
afterEach(() => {
  failures.clear()
  for (const step of undo.splice(0).toReversed()) step()
})

describe('openJournal on Windows', () => {
  const SID = 'S-1-5-21-1004336348-1177238915-682003330-500'
  let directory = ''

  /** A directory with `D:`, which is the working directory: to Linux `D:/a` is a path below it. */
  beforeEach(() => {
    directory = makeDirectory()
    mkdirSync(join(directory, 'D:', 'a', '_temp'), { recursive: true })
    const [before, path] = [process.cwd(), real.env['PATH']]
    process.chdir(directory)
    real.env['PATH'] = `${directory}:/usr/bin:/bin`
    process.env['SystemRoot'] = 'W:\\'
    undo.push(() => {
      process.chdir(before)
      real.env['PATH'] = path
      delete process.env['SystemRoot']
    })
    system32('whoami', `echo '"runner\\jürgen, \"","${SID}"'`)
    system32('icacls', `ls -A D:/*/*/*/ >${directory}/held || :`)
  })

  /** A script in the place of a program of System32; what it was asked goes to a file of its name. */
  function system32(name: string, script: string): void {
    const lines = ['#!/bin/sh', `printf '%s\\n' "$@" >'${join(directory, name)}'`, script, '']
    writeFileSync(join(directory, `W:\\System32\\${name}.exe`), lines.join('\n'), { mode: 0o700 })
  }
  const asked = (name: string): string[] =>
    readFileSync(join(directory, name), 'utf8').trimEnd().split('\n')

  test.each(['D:\\a\\_temp', 'D:\\a\\_temp\\', 'D:/a/_temp'])(
    'its directory in %s is told with slashes, and is for this user alone',
    (temporary) => {
      const journal = openJournal(temporary, 'win32')
      expect(journal.directory).toMatch(/^D:\/a\/_temp\/ssh-trust-[A-Za-z0-9]{6}$/)
      expect(journal.path).toBe(`${journal.directory}/journal.jsonl`)
      expect(journal.id).toHaveLength(6)
      expect(isJournalPath(journal.path)).toBe(true)
      expect(readJournal(journal.path)).toEqual([])
      expect(asked('whoami')).toEqual(['/user', '/fo', 'csv', '/nh'])
      expect(asked('icacls')).toEqual([
        journal.directory.replaceAll('/', '\\'),
        '/inheritance:r',
        '/grant:r',
        `*${SID}:(OI)(CI)F`,
      ])
      expect(readFileSync(join(directory, 'held'), 'utf8')).toBe('') // nothing was in it before
    },
  )

  describe.each([
    ['whoami is not there', 'whoami', undefined],
    ['whoami fails', 'whoami', 'exit 1'],
    ['whoami tells no SID', 'whoami', 'echo \'"runner","S-1-5-x"\''],
    ['whoami tells more than one line', 'whoami', `echo '"a","${SID}"'; echo '"b","c"'`],
    ['icacls is not there', 'icacls', undefined],
    ['icacls fails', 'icacls', 'echo no >&2; exit 5'],
  ])('where %s', (_, name, script) => {
    test('there is no job, and no directory', () => {
      if (script === undefined) fs.rmSync(join(directory, `W:\\System32\\${name}.exe`))
      else system32(name, script)
      expect(() => openJournal('D:\\a\\_temp', 'win32')).toThrow(
        expect.objectContaining({
          code: 'temp-unusable',
          message: expect.stringContaining("D:/a/_temp: can't be made private"),
        }),
      )
      expect(readdirSync('D:/a/_temp')).toEqual([])
    })
  })

  // "/ssh-trust-XXXXXX/agent.sock" has 28 characters, of 107.
  const long = (length: number): string => `D:\\${'x'.repeat(length - 3)}`

  test('takes the longest path in which Win32-OpenSSH finds a socket', () => {
    mkdirSync(long(79).replace('\\', '/'))
    const journal = openJournal(long(79), 'win32')
    expect(`${journal.directory}/agent.sock`).toHaveLength(107)
  })

  test.each([
    ['is too long', long(80), 'too long'],
    ['has a space', 'C:\\Program Files', 'has a space or special character'],
    ['has a percent sign', 'C:\\%TEMP%', 'has a space or special character'],
    ['has an equals sign', 'C:\\a=b', 'has a space or special character'],
    ['is on a network', '\\\\server\\share', 'has a space or special character'],
    ['is that of a device', '\\\\.\\D:\\temp', 'has a space or special character'],
    ['has no drive', '\\temp', 'has a space or special character'],
    ['is relative to a drive', 'D:temp', 'has a space or special character'],
  ])('takes none that %s, and no /tmp in its place', (_, temporary, problem) => {
    expect(() => openJournal(temporary, 'win32')).toThrow(
      expect.objectContaining({
        code: 'temp-unusable',
        message: expect.stringContaining(`: ${problem}`),
      }),
    )
    expect(existsSync(join(directory, 'whoami'))).toBe(false)
  })

  test('has short names in it, as Windows’ own temporary directory', () => {
    mkdirSync('D:/RUNNER~1/Temp', { recursive: true })
    expect(openJournal('D:\\RUNNER~1\\Temp', 'win32').directory).toMatch(/^D:\/RUNNER~1\/Temp\//)
  })

  test('goes with a socket in it that is read-only', () => {
    const { path, directory: made } = openJournal('D:\\a\\_temp', 'win32')
    writeFileSync(`${made}/agent.sock`, '')
    chmodSync(`${made}/agent.sock`, 0o400)
    removeJobDirectory(path)
    expect(existsSync(made)).toBe(false)
  })
})

describe('a file that another program holds', () => {
  test.each([
    ['EPERM', 'win32', true],
    ['EACCES', 'win32', true],
    ['EBUSY', 'win32', true],
    ['EEXIST', 'win32', false],
    ['ENOSPC', 'win32', false],
    ['EPERM', 'linux', false],
    ['EBUSY', 'darwin', false],
  ] as const)('%s on %s: %j', (code, platform, held) => {
    expect(isHeldOpen(Object.assign(new Error(), { code }), platform)).toBe(held)
  })

  test('an error without a code is none', () => {
    expect(isHeldOpen(new Error('boom'), 'win32')).toBe(false)
    expect(isHeldOpen('EPERM', 'win32')).toBe(false)
  })

  function onWindows(): void {
    const platform = Object.getOwnPropertyDescriptor(process, 'platform') ?? {}
    undo.push(() => Object.defineProperty(process, 'platform', platform))
    Object.defineProperty(process, 'platform', { value: 'win32' })
  }

  /** A file of this text, edited. */
  async function edit(text: string | undefined, to: string | undefined): Promise<string[]> {
    const path = join(makeDirectory(), 'config')
    if (text !== undefined) writeFileSync(path, text)
    await editFile(path, 'id', () => to)
    if (to !== undefined) expect(readFileSync(path, 'utf8')).toBe(to)
    return readdirSync(dirname(path))
  }

  test('is replaced as soon as it is free', async () => {
    onWindows()
    failures.set('renameSync', ['EPERM', 'EACCES', 'EBUSY'])
    expect(await edit('old', 'new')).toEqual(['config'])
    expect(failures.get('renameSync')).toEqual([])
  })

  test('is removed as soon as it is free, and so is the lock', async () => {
    onWindows()
    failures.set('rmSync', ['EBUSY', 'EPERM'])
    expect(await edit('old', undefined)).toEqual([])
    expect(failures.get('rmSync')).toEqual([])
  })

  test('is locked as soon as the lock before is gone for good', async () => {
    onWindows()
    failures.set('openSync', ['EPERM', 'EBUSY'])
    expect(await edit(undefined, 'new')).toEqual(['config'])
  })

  test('is an error where it does not get free', async () => {
    onWindows()
    failures.set('renameSync', Array<string>(10_000).fill('EPERM'))
    await expect(edit('old', 'new')).rejects.toMatchObject({ code: 'EPERM' })
    failures.clear()
    failures.set('openSync', Array<string>(10_000).fill('EPERM'))
    await expect(edit('old', 'new')).rejects.toMatchObject({ code: 'EPERM' })
  })

  test.each(['renameSync', 'openSync'])('is an error at once elsewhere: %s', async (name) => {
    failures.set(name, ['EBUSY'])
    await expect(edit('old', 'new')).rejects.toMatchObject({ code: 'EBUSY' })
  })
})

describe('sshDirectories', () => {
  const profile = join(userInfo().homedir, '.ssh')

  test('is one where all ssh go by the passwd entry', () => {
    expect(sshDirectories('linux', { HOME: makeDirectory() })).toEqual([profile])
    expect(sshDirectories('darwin', {})).toEqual([profile])
  })

  test('is one on Windows where HOME is the profile, or is not set', () => {
    expect(sshDirectories('win32', {})).toEqual([profile])
    expect(sshDirectories('win32', { HOME: '' })).toEqual([profile])
    expect(sshDirectories('win32', { HOME: `${userInfo().homedir}/` })).toEqual([profile])
  })

  test('are two on Windows where HOME is elsewhere: Git’s ssh looks there', () => {
    const HOME = makeDirectory()
    expect(sshDirectories('win32', { HOME })).toEqual([profile, join(HOME, '.ssh')])
  })

  test('says so where HOME is nothing', () => {
    const HOME = join(makeDirectory(), 'none')
    expect(() => sshDirectories('win32', { HOME })).toThrow(
      expect.objectContaining({ code: 'home-unsafe', message: expect.stringContaining(HOME) }),
    )
  })
})

const JOB = 'D:/a/_temp/ssh-trust-aB3dE6'
const PIPE = '//./pipe/ssh-trust-00ff'
const PATHS: SshPaths = {
  knownHosts: `${JOB}/known_hosts`,
  config: `${JOB}/config`,
  socket: `${JOB}/agent.sock`,
  pipe: PIPE,
}
const SINCE = new Date('2026-11-22T10:00:00Z')
const BLOCK = [
  `# >>> ssh-trust aB3dE6 on ${thisMachine()} since 2026-11-22T10:00:00.000Z`,
  `Include ${JOB}/home-win32`,
  'Include /proc/cygdrive/d/a/_temp/ssh-trust-aB3dE6/home-msys',
  '# <<< ssh-trust aB3dE6',
]
const hostKey = generatePrivateKey({ type: 'ssh-ed25519', bits: 256 }, '').publicKey
const web: ProvenHost = {
  ...{ alias: 'Web', user: 'deploy', host: 'web.example', port: 2222, forward: true },
  ...{ hostKey, pin: parsePin(fingerprint(hostKey)) },
}

describe('files for two kinds of ssh', () => {
  const files = new Map(
    renderSshFiles([web], PATHS).map(([path, text]) => [basename(path), text] as const),
  )

  test('lie in the job’s directory, the ssh_config last', () => {
    expect(renderSshFiles([web], PATHS).every(([path]) => dirname(path) === JOB)).toBe(true)
    expect([...files.keys()]).toEqual([
      ...['known_hosts', 'agent-win32', 'home-win32', 'agent-msys', 'home-msys', 'config'],
    ])
  })

  test('one names the pipe, one the socket, for every name of a host', () => {
    const agent = (address: string): string =>
      `Host Web web\n    IdentityAgent ${address}\n\nHost web.example\n    IdentityAgent ${address}\n`
    expect(files.get('agent-win32')).toBe(agent(PIPE))
    expect(files.get('agent-msys')).toBe(agent(`${JOB}/agent.sock`))
  })

  test('each has a condition in the language of its shell', () => {
    expect(files.get('home-win32')).toBe(
      `Match exec "if x%%SSH_AUTH_SOCK%% NEQ x${JOB}/agent.sock if x%%SSH_AUTH_SOCK%% NEQ x${PIPE} exit 1"
    Include ${JOB}/config
`,
    )
    expect(files.get('home-msys')).toBe(
      `Match exec "case $SSH_AUTH_SOCK in ${JOB}/agent.sock|${PIPE}) ;; *) exit 1 ;; esac"
    Include /proc/cygdrive/d/a/_temp/ssh-trust-aB3dE6/config
`,
    )
  })

  test('the ssh_config includes both first, and is else as everywhere, without an agent of its own', () => {
    const lines = renderSshConfig([web], PATHS).split('\n')
    expect(files.get('config')?.split('\n')).toEqual([
      `Include ${JOB}/agent-win32`,
      'Include /proc/cygdrive/d/a/_temp/ssh-trust-aB3dE6/agent-msys',
      ...lines
        .filter((line) => !line.includes('IdentityAgent'))
        .map((line) => line.replace(/(ForwardAgent) .*/, '$1 yes')),
    ])
  })

  test('without hosts there is nothing but what is included', () => {
    const empty = new Map(renderSshFiles([], PATHS))
    expect(empty.get(`${JOB}/agent-win32`)).toBe('')
    expect(empty.get(`${JOB}/config`)).toMatch(/^(Include \S+\n){2}$/)
  })

  test('where there is no pipe there are two files, as they are rendered alone', () => {
    const { knownHosts, config, socket } = PATHS
    const paths = { knownHosts, config, socket }
    expect(renderSshFiles([web], paths)).toEqual([
      [PATHS.knownHosts, expect.stringContaining('[web.example]:2222 ssh-ed25519')],
      [PATHS.config, renderSshConfig([web], paths)],
    ])
  })
})

describe('the block in ~/.ssh/config', () => {
  test('has a file for each kind of ssh, in the form that is absolute for it alone', () => {
    expect(homeBlock('aB3dE6', PATHS, SINCE)).toEqual(BLOCK)
  })

  test('taken out again, every byte is as it was', () => {
    const line = fc.constantFrom(
      'Match all',
      'Host x',
      `Include ${JOB}/home-win322`,
      '',
      '# >>> ssh-trust',
    )
    const end = fc.constantFrom('\n', '\r\n', '\r', '')
    fc.assert(
      fc.property(fc.array(fc.tuple(line, end)), (pairs) => {
        const text = pairs.flat().join('')
        expect(removeBlock(addBlock(text, BLOCK), BLOCK).text).toBe(text)
        expect(removeBlock(addBlock(text, BLOCK).replaceAll(/\r?\n/g, '\r\n'), BLOCK).text).toBe(
          text.replaceAll(/\r?\n/g, '\r\n'),
        )
      }),
    )
  })
})

describeWith(['ssh'], 'as ssh reads them', () => {
  /** The forms of an absolute path: each kind of ssh finds its own, and the other's nowhere. */
  const FORMS = { win32: JOB, msys: '/proc/cygdrive/d/a/_temp/ssh-trust-aB3dE6' }
  const AGENTS = { win32: PIPE, msys: `${JOB}/agent.sock` }

  /** A home and a job whose files this ssh reads as that one does. */
  function makeJob(kind: keyof typeof FORMS): { home: string; config: string } {
    const directory = makeDirectory()
    const here = (text: string): string =>
      text.replaceAll(new RegExp(`(Include )${FORMS[kind]}`, 'g'), `$1${directory}`)
    for (const [path, text] of renderSshFiles([web], PATHS)) {
      writeFileSync(join(directory, basename(path)), here(text))
    }
    const home = join(directory, 'home-config')
    writeFileSync(
      home,
      here(addBlock('Host web\n    Port 77\n', homeBlock('aB3dE6', PATHS, SINCE))),
    )
    return { home, config: join(directory, 'config') }
  }

  /** What ssh finds in `file` for a host; `SHELL` stands for cmd.exe. */
  async function settings(
    file: string,
    env: Record<string, string | undefined>,
    name = 'web',
  ): Promise<Map<string, string>> {
    const { code, stdout, stderr } = await run(program('ssh'), ['-G', '-F', file, name], {
      env: { ...process.env, SHELL: '/bin/sh', ...env },
    })
    expect(code === 0 ? '' : stderr).toBe('')
    return new Map(stdout.split('\n').map((line) => line.split(/ (.*)/, 2) as [string, string]))
  }

  test.each(['win32', 'msys'] as const)(
    'with -F, %s uses its own agent and forwards it',
    async (kind) => {
      const { config } = makeJob(kind)
      for (const name of ['Web', 'web', 'web.example']) {
        const found = await settings(config, { SSH_AUTH_SOCK: undefined }, name)
        expect(found.get('identityagent')).toBe(AGENTS[kind])
        expect(found.get('hostname')).toBe('web.example')
        expect(found.get('userknownhostsfile')).toBe(`${JOB}/known_hosts`)
        expect(found.get('forwardagent')).toBe(name === 'web.example' ? 'no' : 'yes')
      }
      const other = await settings(config, {}, 'elsewhere.example')
      expect(other.get('identityagent')).not.toBe(AGENTS[kind])
    },
  )

  test.each<[string, string | undefined, boolean]>([
    ['the job’s socket', `${JOB}/agent.sock`, true],
    ['the job’s pipe', PIPE, true],
    ['another socket', 'D:/a/_temp/ssh-trust-zZ9yY8/agent.sock', false],
    ['one that only begins as ours', `${JOB}/agent.sock2`, false],
    ['one with blanks', 'C:/Program Files/agent', false],
    ['an empty one', '', false],
    ['none', undefined, false],
  ])('msys, with %s', async (_, socket, ours) => {
    const found = await settings(makeJob('msys').home, { SSH_AUTH_SOCK: socket })
    expect(found.get('port')).toBe(ours ? '2222' : '77')
    expect(found.get('user') === 'deploy').toBe(ours)
    expect(found.get('identityagent') === AGENTS.msys).toBe(ours)
  })

  test.each([
    [0, '2222'],
    [1, '77'],
  ])('win32 has cmd.exe say %i', async (code, port) => {
    const { home } = makeJob('win32')
    const shell = join(dirname(home), 'cmd.exe')
    writeFileSync(shell, `#!/bin/sh\nprintf %s "$2" >'${home}.asked'\nexit ${code}\n`, {
      mode: 0o700,
    })
    const found = await settings(home, { SHELL: shell })
    expect(found.get('port')).toBe(port)
    expect(found.get('identityagent') === PIPE).toBe(code === 0)
    expect(readFileSync(`${home}.asked`, 'utf8')).toBe(
      `if x%SSH_AUTH_SOCK% NEQ x${JOB}/agent.sock if x%SSH_AUTH_SOCK% NEQ x${PIPE} exit 1`,
    )
  })

  testWith(['ssh'], 'what follows the block applies whether it matched or not', async () => {
    const { home } = makeJob('msys')
    writeFileSync(home, 'Host other\n    Port 78\nHost *\n    User late\n', { flag: 'a' })
    const found = await settings(home, { SSH_AUTH_SOCK: 'none' }, 'other')
    expect([found.get('port'), found.get('user')]).toEqual(['78', 'late'])
  })
})
