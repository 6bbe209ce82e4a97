/**
 * The bundles where the surroundings are odd: homes, temporary directories, users and file systems as
 * containers, act and Forgejo have them. A job works there, plain ssh and all, or main refuses in clear
 * words; afterwards every file is as it was, with its mode and owner.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeHome, type Home } from '../support/home'
import {
  describeWithMounts,
  makeCommand,
  makeMounts,
  runAs,
  treeOf,
  type Mounts,
} from '../support/mounts'
import { describeWith, program, testWith } from '../support/programs'
import { mustRun, type Finished } from '../support/run'
import type { StepResult } from '../support/runner'
import { makeDirectory, shared } from '../support/scratch'
import { startSshd, type Sshd } from '../support/sshd'
import { makeScene, type Scene } from './fixtures'

const { SSH_TRUST_NODE: NODE = process.execPath } = process.env

/** Names that shells, ssh_config and workflow commands each take for something else. */
const ODD_NAME = `a b'c"d$HOME%d\\e;f#g`

/** What a test may change before main runs. */
interface Setting {
  scene: Scene
  /** The home of the passwd entry, and the directory around it, which is looked at too. */
  home: string
  base: string
  /** Of the job's steps. */
  env: Record<string, string>
}

interface Options {
  arrange?: (setting: Setting) => unknown
  /** Runs its arguments as the job's steps are to run. */
  command?: string
  /** Instead of `command`: a script and its arguments, which mount what the job's steps see. */
  mount?: (setting: Setting) => [script: string, ...args: string[]]
  /** Takes back what nobody could remove. */
  restore?: (setting: Setting) => unknown
  inputs?: Record<string, string>
  node?: string
}

interface Course {
  main: StepResult
  /** A login in a later step. */
  login: Finished | undefined
  post: StepResult
  /** Modes of the job's directory and what is in it, while the job runs. */
  modes: Record<string, string>
  before: Record<string, string>
  between: Record<string, string>
  after: Record<string, string>
}

const PROGRAMS = ['sshd', 'ssh', 'nss_wrapper', 'bash', 'linux'] as const

let remote: Home
let sshd: Sshd
let dist: string
let accepted: string[]

/** One server for all; it knows each job's key. */
function serve(): void {
  beforeAll(async () => {
    remote = await makeHome()
    sshd = await startSshd({ home: remote })
    accepted = []
    // For whoever the steps run as.
    for (const path of [shared.root, remote.directory, dirname(remote.directory)]) {
      chmodSync(path, 0o711)
    }
    dist = makeDirectory('dist')
    chmodSync(dist, 0o755)
    cpSync(join(process.cwd(), 'dist'), dist, { recursive: true })
  })
  afterAll(async () => {
    await sshd.stop()
    remote.remove()
  })
}

/** Main, a login, post. */
async function run(options: Options): Promise<Course> {
  const { arrange, mount, restore, inputs = {}, node = NODE } = options
  const scene = await makeScene()
  const base = dirname(scene.home.directory)
  const setting: Setting = { scene, home: scene.home.directory, base, env: scene.job.env }
  let mounts: Mounts | undefined
  try {
    accepted.push(scene.key.publicKey)
    await sshd.setAuthorizedKeys(accepted)
    await arrange?.(setting)
    if (mount !== undefined) mounts = await makeMounts(...mount(setting))
    const command = mounts?.inside ?? options.command
    const reach = mounts?.reach ?? ((path) => path)
    const look = (path = base): Record<string, string> => treeOf(reach(path))
    const step = command === undefined ? node : makeCommand(`exec ${command} ${node} "$@"`)

    const before = look()
    const hosts = `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`
    const main = await scene.job.run(
      join(dist, 'main', 'index.js'),
      { 'ssh-private-key': scene.key.privateKey, hosts, ...inputs },
      { node: step },
    )
    const between = look()
    const config = main.outputs['ssh-config'] ?? ''
    const modes = main.code === 0 ? modesOf(look(dirname(config))) : {}
    const flags = inputs['home'] === 'false' ? ['-F', config] : []
    const ssh = [program('ssh'), ...flags, 'web', 'echo in']
    const [first = '', ...args] = command === undefined ? ssh : [command, ...ssh]
    const login = main.code === 0 ? await scene.job.exec(first, args) : undefined
    const post = await scene.job.run(
      join(dist, 'post', 'index.js'),
      {},
      { node: step, state: main.state },
    )
    // An agent that nobody waits for takes a moment to end.
    const deadline = Date.now() + 10_000
    while (scene.job.processes().length > 0 && Date.now() < deadline) await sleep(10)
    expect(scene.job.processes()).toEqual([])
    const { journal } = main.state
    if (journal !== undefined) expect(existsSync(reach(dirname(journal)))).toBe(false)
    return { main, login, post, modes, before, between, after: look() }
  } finally {
    mounts?.stop()
    await restore?.(setting)
    await scene.end()
  }
}

function modesOf(tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tree).map(([name, told]) => [name, told.split(' ', 1)[0] ?? '']),
  )
}

async function expectWorks(options: Options): Promise<Course> {
  const course = await run(options)
  const { main, login, post } = course
  expect({ code: main.code, annotations: main.annotations }).toEqual({ code: 0, annotations: [] })
  expect({ code: login?.code, stdout: login?.stdout, stderr: login?.stderr }).toEqual({
    code: 0,
    stdout: 'in\n',
    stderr: '',
  })
  expect({ code: post.code, annotations: post.annotations }).toEqual({ code: 0, annotations: [] })
  expect(post.log).toContain('Signatures made: 1.')
  expect(course.after).toEqual(course.before)
  return course
}

/** Main says why; nothing is changed, and post has nothing to say. */
async function expectRefused(options: Options, why: RegExp): Promise<void> {
  const { main, post, before, between, after } = await run(options)
  expect(main.annotations).toEqual([
    { level: 'error', message: expect.stringMatching(why), properties: {} },
  ])
  expect(main.code).toBe(1)
  expect(between).toEqual(before)
  expect({ code: post.code, annotations: post.annotations }).toEqual({ code: 0, annotations: [] })
  expect(after).toEqual(before)
}

/** Refused, and possible without the home. */
async function expectNeedsHome(options: Options, why: RegExp): Promise<void> {
  await expectRefused(options, why)
  const { before, between } = await expectWorks({ ...options, inputs: { home: 'false' } })
  expect(between).toEqual(before)
}

function makeSsh({ home }: Setting, mode = 0o700): string {
  const directory = join(home, '.ssh')
  mkdirSync(directory)
  chmodSync(directory, mode)
  return directory
}

/** Somebody's config, not in UTF-8, with no newline at its end. */
function makeConfig(path: string, mode = 0o600): string {
  writeFileSync(path, Buffer.from('Host other\r\n  User s\xf8me\nHost last', 'latin1'))
  chmodSync(path, mode)
  return path
}

/** A directory of busybox's programs, for a PATH. */
async function makeBusybox(): Promise<string> {
  const bin = makeDirectory('bin')
  await mustRun(program('busybox'), ['--install', '-s', bin])
  // Alpine's busybox has this one, Debian's has not.
  const printenv = join(bin, 'printenv')
  rmSync(printenv, { force: true })
  const script = `#!${bin}/sh\nenv | sed -n "s/^$1=//p"\n`
  writeFileSync(printenv, script, { mode: 0o755 })
  return bin
}

/** Gives the account of the job's steps another home. */
function moveHome({ scene, base }: Setting, name: string | Buffer): void {
  const file = scene.home.env['NSS_WRAPPER_PASSWD'] ?? ''
  const [first = '', ...others] = readFileSync(file, 'latin1').split('\n')
  const fields = first.split(':')
  const path = Buffer.concat([Buffer.from(`${base}/`), Buffer.from(name)])
  fields[5] = path.toString('latin1')
  writeFileSync(file, [fields.join(':'), ...others].join('\n'), 'latin1')
  if (typeof name === 'string') mkdirSync(path, { mode: 0o700 })
}

describeWith(PROGRAMS, 'where the home is odd', () => {
  serve()

  test.each<[string, (setting: Setting) => unknown]>([
    [
      '$HOME of a container, which is not that of the passwd entry',
      ({ env, base }) => {
        mkdirSync((env['HOME'] = join(base, 'github')))
        mkdirSync(join(env['HOME'], '.ssh'))
        makeConfig(join(env['HOME'], '.ssh', 'config'))
      },
    ],
    ['no $HOME', ({ env }) => delete env['HOME']],
    ['a relative $HOME', ({ env }) => (env['HOME'] = 'home')],
    ['a $HOME with a newline and more', ({ env }) => (env['HOME'] = `/tmp/\n${ODD_NAME}`)],
    [
      'a home with an odd name',
      (setting) => {
        moveHome(setting, ODD_NAME)
      },
    ],
    [
      'a home with a name in UTF-8',
      (setting) => {
        moveHome(setting, 'hôme')
      },
    ],
    [
      'a home behind a symbolic link',
      (setting) => {
        moveHome(setting, 'real')
        rmSync(setting.home, { recursive: true })
        symlinkSync('real', setting.home)
        moveHomeBack(setting)
      },
    ],
    ['no ~/.ssh', () => undefined],
    [
      '~/.ssh behind a symbolic link',
      ({ home, base }) => {
        mkdirSync(join(base, 'dotfiles'), { mode: 0o750 })
        makeConfig(join(base, 'dotfiles', 'config'))
        symlinkSync('../dotfiles', join(home, '.ssh'))
      },
    ],
    [
      'a config behind symbolic links',
      (setting) => {
        makeConfig(join(setting.base, 'dotfile'), 0o640)
        symlinkSync(join(setting.base, 'dotfile'), join(setting.base, 'link'))
        symlinkSync('../../link', join(makeSsh(setting), 'config'))
      },
    ],
    [
      'an empty config, mode 0400',
      (setting) => {
        writeFileSync(join(makeSsh(setting), 'config'), '', { mode: 0o400 })
      },
    ],
    [
      'known_hosts a directory',
      (setting) => {
        const ssh = makeSsh(setting)
        makeConfig(join(ssh, 'config'))
        mkdirSync(join(ssh, 'known_hosts'))
      },
    ],
    [
      'known_hosts with another key for the host',
      (setting) => {
        const line = `[127.0.0.1]:${String(sshd.port)} ${setting.scene.key.publicKey}\n`
        writeFileSync(join(makeSsh(setting), 'known_hosts'), line, { mode: 0o600 })
      },
    ],
  ])('%s: it works', async (_, arrange) => {
    await expectWorks({ arrange })
  })

  /** The passwd entry names the home as at first. */
  function moveHomeBack({ scene, home, base }: Setting): void {
    const file = scene.home.env['NSS_WRAPPER_PASSWD'] ?? ''
    writeFileSync(file, readFileSync(file, 'utf8').replace(`${base}/real`, home))
  }

  test.each<[string, RegExp, (setting: Setting) => unknown]>([
    [
      'that is not there',
      /home directory .* does not exist.*\[home-unsafe\]/,
      ({ home }) => {
        rmSync(home, { recursive: true })
      },
    ],
    [
      'whose path is not UTF-8',
      /is not UTF-8.*\[home-unsafe\]/,
      (setting) => {
        moveHome(setting, Buffer.from('h\xf8me', 'latin1'))
      },
    ],
    [
      'that is a file',
      /home directory .* does not exist.*\[home-unsafe\]/,
      ({ home }) => {
        rmSync(home, { recursive: true })
        writeFileSync(home, '')
      },
    ],
    [
      'with a file for ~/.ssh',
      /\.ssh is not a directory.*\[home-unsafe\]/,
      ({ home }) => {
        writeFileSync(join(home, '.ssh'), 'mine')
      },
    ],
    [
      'with a link to nothing for ~/.ssh',
      /\.ssh is not a directory.*\[home-unsafe\]/,
      ({ home }) => {
        symlinkSync('nowhere', join(home, '.ssh'))
      },
    ],
    [
      'with a directory for config',
      /config is not a regular file.*\[file-unsafe\]/,
      (setting) => {
        mkdirSync(join(makeSsh(setting), 'config'))
      },
    ],
    [
      'with a pipe for config',
      /config is not a regular file.*\[file-unsafe\]/,
      async (setting) => {
        await mustRun('mkfifo', [join(makeSsh(setting), 'config')])
      },
    ],
    [
      'with a link to nothing for config',
      /symbolic link to nothing.*\[file-unsafe\]/,
      (setting) => {
        symlinkSync('nowhere', join(makeSsh(setting), 'config'))
      },
    ],
    [
      'with a link in a circle for config',
      /ELOOP.*\[file-unsafe\]/,
      (setting) => {
        symlinkSync('config', join(makeSsh(setting), 'config'))
      },
    ],
  ])('a home %s is refused', async (_, why, arrange) => {
    await expectRefused({ arrange }, why)
  })
})

describeWith(PROGRAMS, 'where the temporary directory is odd', () => {
  serve()

  test.each<[string, (setting: Setting) => string | undefined]>([
    ['with a trailing slash', ({ scene }) => `${scene.job.temp}//`],
    [
      'a symbolic link',
      ({ scene }) => {
        symlinkSync(scene.job.temp, join(scene.directory, 'link'))
        return join(scene.directory, 'link')
      },
    ],
  ])('RUNNER_TEMP %s: it is used', async (_, choose) => {
    let chosen = ''
    const arrange = (setting: Setting): void => {
      setting.env['RUNNER_TEMP'] = chosen = choose(setting) ?? ''
    }
    const { main } = await expectWorks({ arrange })
    expect(main.outputs['ssh-auth-sock']).toContain(chosen.replace(/\/+$/, '/'))
  })

  test.each<[string, (setting: Setting) => string | undefined]>([
    ['not set', () => undefined],
    ['relative', () => '.'],
    ['not there', () => '/nonexistent/temp'],
    ['too long for a socket', ({ scene }) => make(join(scene.directory, 'long'.repeat(25)))],
    ['with an odd name', ({ scene }) => make(join(scene.directory, ODD_NAME))],
    ['with a newline', ({ scene }) => make(join(scene.directory, 'a\nb'))],
    ['with a letter that is not ASCII', ({ scene }) => make(join(scene.directory, 'témp'))],
  ])('RUNNER_TEMP %s: TMPDIR is used instead', async (_, choose) => {
    let tmp = ''
    const arrange = (setting: Setting): void => {
      const chosen = choose(setting)
      if (chosen === undefined) delete setting.env['RUNNER_TEMP']
      else setting.env['RUNNER_TEMP'] = chosen
      setting.env['TMPDIR'] = tmp = make(join(setting.scene.directory, 'tmpdir'))
    }
    const { main } = await expectWorks({ arrange })
    expect(dirname(dirname(main.outputs['ssh-auth-sock'] ?? ''))).toBe(tmp)
  })

  test('no RUNNER_TEMP, and a TMPDIR of no use: /tmp is used', async () => {
    const { main } = await expectWorks({
      arrange: ({ env }) => {
        delete env['RUNNER_TEMP']
        env['TMPDIR'] = ODD_NAME
      },
    })
    expect(main.outputs['ssh-auth-sock']).toMatch(/^\/tmp\/ssh-trust-\w{6}\/agent\.sock$/)
  })

  function make(path: string): string {
    mkdirSync(path)
    return path
  }

  test.each(['000', '077'])('umask %s: what is made is for the user alone', async (umask) => {
    const command = makeCommand(`umask ${umask}; exec "$@"`)
    const { modes, between } = await expectWorks({ command })
    expect(modes).toEqual(
      Object.fromEntries(
        Object.keys(modes).map((name) => [
          name,
          name === '.' ? '40700' : name === 'agent.sock' ? '140600' : '100600',
        ]),
      ),
    )
    expect(Object.keys(modes)).toContain('journal.jsonl')
    const inHome = modesOf(between)
    expect([inHome['home/.ssh'], inHome['home/.ssh/config']]).toEqual(['40700', '100600'])
  })

  testWith(['busybox'], 'busybox alone, and its shell: it works', async () => {
    const bin = await makeBusybox()
    await expectWorks({
      arrange: ({ env }) => {
        Object.assign(env, { PATH: bin, SHELL: join(bin, 'sh') })
      },
    })
  })
})

describeWith([...PROGRAMS, 'root', 'unshare'], 'as another user', () => {
  serve()
  const who = { uid: 12_345, gid: 12_346 }
  let command: string
  let node: string

  beforeAll(() => {
    command = runAs(who)
    node = NODE
    try {
      // By a shell: setpriv itself may still enter what the user may not.
      execFileSync(command, ['sh', '-c', '"$0" --version', NODE], { stdio: 'pipe' })
    } catch {
      // It may be below a home that is closed.
      node = join(makeDirectory('node'), 'node')
      chmodSync(dirname(node), 0o755)
      cpSync(NODE, node)
    }
  })

  /** Opens the way to the job's files; gives the user those that a runner gives. */
  function giveAway({ scene, base, home }: Setting, entry = true): void {
    for (const path of [base, scene.directory, scene.job.directory]) chmodSync(path, 0o711)
    for (const path of [home, scene.job.temp]) chownSync(path, who.uid, who.gid)
    const file = scene.home.env['NSS_WRAPPER_PASSWD'] ?? ''
    const others = readFileSync(file, 'utf8')
    const [first = ''] = others.split('\n', 1)
    const mine = entry ? `ci:x:${String(who.uid)}:${String(who.gid)}::${home}:/bin/sh\n` : ''
    // The account that the entry was for lives elsewhere.
    writeFileSync(file, mine + others.replace(first, first.replace(home, '/nonexistent')))
  }

  const own = (path: string): void => {
    chownSync(path, who.uid, who.gid)
  }

  test.each<[string, (setting: Setting) => unknown]>([
    ['with nothing in its home', () => undefined],
    [
      'with a config, its group and mode',
      (setting) => {
        const ssh = makeSsh(setting)
        own(ssh)
        own(makeConfig(join(ssh, 'config'), 0o640))
      },
    ],
    [
      'with ~/.ssh of root that others may write',
      (setting) => {
        makeSsh(setting, 0o777)
      },
    ],
    [
      'with RUNNER_TEMP of root',
      ({ scene }) => {
        chownSync(scene.job.temp, 0, 0)
      },
    ],
  ])('%s: it works', async (_, arrange) => {
    const both = (setting: Setting): void => {
      giveAway(setting)
      arrange(setting)
    }
    await expectWorks({ arrange: both, command, node })
  })

  test.each<[string, RegExp, (setting: Setting) => unknown]>([
    [
      'with a home of root',
      /\.ssh can't be made: EACCES.*home: false.*\[home-unsafe\]/,
      ({ home }) => {
        chownSync(home, 0, 0)
        chmodSync(home, 0o755)
      },
    ],
    [
      'with ~/.ssh of root',
      /EACCES.*home: false.*\[file-unsafe\]/,
      (setting) => {
        makeSsh(setting, 0o755)
      },
    ],
    [
      'with ~/.ssh of root, closed',
      /\.ssh can't be entered: EACCES.*home: false.*\[home-unsafe\]/,
      (setting) => {
        makeConfig(join(makeSsh(setting), 'config'))
      },
    ],
    [
      'with a config of root',
      /config belongs to another user.*uid 0.*\[file-unsafe\]/,
      (setting) => {
        const ssh = makeSsh(setting)
        own(ssh)
        makeConfig(join(ssh, 'config'), 0o644)
      },
    ],
    [
      'with a config that it may not read',
      /config can't be read: EACCES.*home: false.*\[home-unsafe\]/,
      (setting) => {
        const ssh = makeSsh(setting)
        own(ssh)
        own(makeConfig(join(ssh, 'config'), 0))
      },
    ],
  ])('%s: refused, and not needed', async (_, why, arrange) => {
    const both = (setting: Setting): void => {
      giveAway(setting)
      arrange(setting)
    }
    await expectNeedsHome({ arrange: both, command, node }, why)
  })

  test('without a passwd entry it is refused, as ssh itself would do', async () => {
    const arrange = (setting: Setting): void => {
      giveAway(setting, false)
    }
    await expectRefused({ arrange, command, node }, /no passwd entry.*\[home-unsafe\]/)
    const course = await run({ arrange, command, node, inputs: { home: 'false' } })
    expect(course.main.code).toBe(0) // the agent serves other programs
    expect(course.login).toMatchObject({
      code: 255,
      stderr: expect.stringContaining(`No user exists for uid ${String(who.uid)}`),
    })
    expect(course.post.annotations).toEqual([])
    expect(course.after).toEqual(course.before)
  })
})

/** Whether this file system has attributes, and we may set them. */
function mayChangeAttributes(): boolean {
  const path = join(makeDirectory(), 'file')
  writeFileSync(path, '')
  try {
    for (const change of ['+i', '-i']) execFileSync('chattr', [change, path], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

describeWithMounts(PROGRAMS, 'where file systems are odd', () => {
  serve()

  test.each<[string, RegExp, NonNullable<Options['mount']>, boolean?]>([
    [
      'the home read-only',
      /\.ssh can't be made: EROFS.*home: false.*\[home-unsafe\]/,
      ({ home }) => ['mount --bind -o ro "$1" "$1"', home],
    ],
    [
      'the home read-only, with a config',
      /EROFS.*home: false.*\[file-unsafe\]/,
      ({ home }) => ['mount --bind -o ro "$1" "$1"', home],
      true,
    ],
    [
      '~/.ssh read-only',
      /EROFS.*home: false.*\[file-unsafe\]/,
      ({ home }) => ['mount --bind -o ro "$1/.ssh" "$1/.ssh"', home],
      true,
    ],
    [
      'the config a mount of its own',
      /EBUSY/,
      ({ home }) => ['mount --bind "$1/.ssh/config" "$1/.ssh/config"', home],
      true,
    ],
  ])('%s: refused, and not needed', async (_, why, mount, config = false) => {
    const arrange = (setting: Setting): void => {
      if (config) makeConfig(join(makeSsh(setting), 'config'))
    }
    await expectNeedsHome({ arrange, mount }, why)
  })

  test.each<[string, NonNullable<Options['mount']>]>([
    [
      'temporary directory and home noexec',
      ({ env, home }) => [
        'for place; do mount -t tmpfs -o noexec,nosuid,nodev,mode=700 none "$place"; done',
        ...[env['RUNNER_TEMP'] ?? '', home],
      ],
    ],
    [
      'a home on another file system, sticky and open to all',
      ({ home }) => ['mount -t tmpfs -o mode=1777 none "$1"', home],
    ],
    [
      'RUNNER_TEMP read-only',
      ({ env }) => ['mount --bind -o ro "$1" "$1"', env['RUNNER_TEMP'] ?? ''],
    ],
  ])('%s: it works', async (_, mount) => {
    // Not where the runner's own files are.
    const arrange = ({ scene, env }: Setting): void => {
      mkdirSync((env['RUNNER_TEMP'] = join(scene.directory, 'temp')))
    }
    await expectWorks({ arrange, mount })
  })

  test('no place for the job’s directory at all: main says what it has tried', async () => {
    await expectRefused(
      {
        arrange: ({ env }) => {
          Object.assign(env, { RUNNER_TEMP: '/nonexistent', TMPDIR: ODD_NAME })
        },
        // Only what the test itself has in /tmp stays.
        mount: () => [
          `keep=$(mktemp -d -p "$1"); mount --bind "$1" "$keep"
          case $1 in /tmp/*) ;; *) exit 0 ;; esac
          mount -t tmpfs none /mnt; mkdir /mnt/keep; mount --move "$keep" /mnt/keep
          mount -t tmpfs none /tmp; mkdir "$1"; mount --move /mnt/keep "$1"; mount -o remount,ro /tmp`,
          shared.root,
        ],
      },
      /no usable temporary directory \(\/nonexistent: ENOENT; .*: has a space.*; \/tmp: EROFS\).*\[temp-unusable\]/,
    )
  })

  const name = 'attributes'
  if (!mayChangeAttributes()) {
    test.skip(`${name} [skipped: needs a file system with chattr +i]`, () => undefined)
  } else {
    test.each<[string, string]>([
      ['~/.ssh', '.ssh'],
      ['config', '.ssh/config'],
    ])('%s immutable: refused, and not needed', async (_, path) => {
      const change = async (how: string, { home }: Setting): Promise<unknown> =>
        mustRun('chattr', [how, join(home, path)])
      await expectNeedsHome(
        {
          arrange: async (setting) => {
            makeConfig(join(makeSsh(setting), 'config'))
            await change('+i', setting)
          },
          restore: async (setting) => change('-i', setting),
        },
        /EPERM.*home: false.*\[file-unsafe\]/,
      )
    })
  }

  // A Node for musl, as Alpine has it; and the C library (ld-musl-*.so.1) where that is not installed.
  const { SSH_TRUST_MUSL_NODE: muslNode, SSH_TRUST_MUSL_LOADER: loader = '' } = process.env
  if (muslNode === undefined) {
    test.skip('musl [skipped: needs SSH_TRUST_MUSL_NODE, the path of such a Node]', () => undefined)
  } else {
    test('a Node for musl, and busybox alone: it works', async () => {
      // The C library of nss_wrapper is another: this Node sees the passwd entry in /etc/passwd itself.
      const node = makeCommand(`unset LD_PRELOAD; exec ${muslNode} "$@"`)
      await expectWorks({
        node,
        arrange: async ({ env }) => {
          const bin = await makeBusybox()
          Object.assign(env, { PATH: bin, SHELL: join(bin, 'sh') })
        },
        mount: ({ scene }) => [
          `mount --bind "$1" /etc/passwd
          [ -n "$2" ] || exit 0
          mount -t tmpfs none /mnt; mkdir /mnt/up /mnt/work; cp "$2" /mnt/loader
          mount -t overlay -o lowerdir=/usr/lib,upperdir=/mnt/up,workdir=/mnt/work overlay /usr/lib
          cp /mnt/loader "/usr/lib/ld-musl-$(uname -m).so.1"`,
          ...[scene.home.env['NSS_WRAPPER_PASSWD'] ?? '', loader],
        ],
      })
    })
  }
})
