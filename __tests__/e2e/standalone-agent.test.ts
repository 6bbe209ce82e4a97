/**
 * `ssh-trust agent` side by side with the real ssh-agent: what it prints, how it ends, what it leaves
 * behind; and what it does beyond that one, with a policy. Runs the built bundle, dist/cli/index.js.
 */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAudit, type AuditEntry } from '../../src/agent/audit'
import { identify } from '../../src/process-identity'
import { parsePublicKey } from '../../src/ssh/public-key'
import { SESSION, userauth } from '../agent/fixtures'
import { connectAgent, nameOf, signMessage } from '../support/agent-client'
import { makeKey, type Key } from '../support/keys'
import { killProcesses, processesWith, type LiveProcess } from '../support/processes'
import { describeWith, program, testWith } from '../support/programs'
import { run, type Finished, type RunOptions } from '../support/run'
import { makeDirectory, trackingId } from '../support/scratch'
import { startSshd, type Sshd } from '../support/sshd'

type Kind = 'ours' | 'real'

const OURS = [process.execPath, join(process.cwd(), 'dist', 'cli', 'index.js'), 'agent']

const TRACKED = `RUNNER_TRACKING_ID=${trackingId('standalone')}`

/** What agents are made of that a test has started, and where they were told to be. */
let pids: number[] = []
let temporary = ''
const undo: (() => unknown)[] = []

afterEach(async () => {
  killProcesses(pids.map((pid) => ({ pid })))
  killProcesses(processesWith(TRACKED))
  pids = []
  temporary = ''
  for (const step of undo.splice(0).reverse()) await step()
})

/** What a test has started and still runs, but for the real agents: with a command they stay a while. */
function ourProcesses(): LiveProcess[] {
  return processesWith(TRACKED).filter(({ command }) => command[0] !== program('ssh-agent'))
}

/** The directory that agents of this test make theirs in. */
function temporaryDirectory(): string {
  if (temporary === '') temporary = makeDirectory('tmp')
  return temporary
}

function command(kind: Kind, args: readonly string[]): [string, string[]] {
  const [file = '', ...rest] = kind === 'ours' ? OURS : [program('ssh-agent')]
  return [file, [...rest, ...args]]
}

/** The environment of a user who has no agent. */
function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    TMPDIR: temporaryDirectory(),
    RUNNER_TRACKING_ID: trackingId('standalone'),
    ...more,
  }
}

/** Runs one of the two agents' programs to its end. An agent that it starts is gone after the test. */
async function agent(
  kind: Kind,
  args: readonly string[],
  { env, ...options }: RunOptions = {},
): Promise<Finished> {
  const finished = await run(...command(kind, args), { ...options, env: environment(env) })
  if (!args.includes('-k')) noteAgent(finished.stdout)
  return finished
}

async function both(args: readonly string[], options?: RunOptions): Promise<[Finished, Finished]> {
  return [await agent('ours', args, options), await agent('real', args, options)]
}

function noteAgent(printed: string): void {
  const [, pid] = /^echo Agent pid (\d+);$/m.exec(printed) ?? []
  if (pid !== undefined) pids.push(Number(pid))
}

interface Background {
  socket: string
  pid: number
}

/** An agent in the background. */
async function startAgent(
  kind: Kind,
  args: readonly string[] = [],
  options?: RunOptions,
): Promise<Background> {
  const { stdout, stderr } = await agent(kind, ['-s', ...args], options)
  const [, socket] = /^SSH_AUTH_SOCK=(.*); export SSH_AUTH_SOCK;$/m.exec(stdout) ?? []
  const [, pid] = /^SSH_AGENT_PID=(\d+); export SSH_AGENT_PID;$/m.exec(stdout) ?? []
  if (socket === undefined || pid === undefined) throw new Error(`no agent: ${stdout}${stderr}`)
  if (kind === 'real') await answering(socket)
  return { socket, pid: Number(pid) }
}

/**
 * ssh-agent prints its lines before it sees to signals, so that one that comes at once kills it (and
 * leaves its socket). Once it has answered, it sees to them. Ours does both before it prints.
 */
async function answering(socket: string): Promise<void> {
  await until(async () => (await keysOf(socket)) !== undefined)
}

interface Foreground {
  child: ChildProcess
  socket: string
  stdout: string
  stderr: () => string
  /** Exit code or signal. */
  ended: Promise<number | NodeJS.Signals | null>
}

/** An agent in the foreground; resolves when it has said where it is. */
async function startForeground(
  kind: Kind,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Foreground> {
  const child = spawn(...command(kind, args), { env: environment(env) })
  if (child.pid !== undefined) pids.push(child.pid)
  const { stdout, stderr, ended } = follow(child)
  await until(() => /^echo Agent pid \d+;\n/m.test(stdout()) || child.exitCode !== null)
  const [, socket] = /SSH_AUTH_SOCK[= ](\S+);/.exec(stdout()) ?? []
  if (socket === undefined) throw new Error(`no agent: ${stdout()}${stderr()}`)
  if (kind === 'real') await answering(socket)
  return { child, socket, stdout: stdout(), stderr, ended }
}

interface Followed {
  stdout: () => string
  stderr: () => string
  ended: Promise<number | NodeJS.Signals | null>
}

function follow(child: ChildProcess): Followed {
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => (texts[name] += chunk))
  }
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(code ?? signal)
    })
  })
  return { stdout: () => texts.stdout, stderr: () => texts.stderr, ended }
}

/** Waits until `condition` holds; the test's own time limit is the deadline. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20)
}

const runs = (pid: number): boolean => identify(pid) !== undefined

/** Paths and pids, which differ from agent to agent, by what they are. */
function withoutNames(text: string): string {
  return text.replace(/\/\S+\/agent\.\d+(?=;)/g, 'SOCKET').replace(/\b\d+(?= killed|;)/g, 'PID')
}

function sshAdd(socket: string, ...args: string[]): Promise<Finished> {
  return run(program('ssh-add'), args, {
    env: { SSH_AUTH_SOCK: socket, PATH: process.env['PATH'] },
  })
}

/** How many keys an agent has; undefined if there is no agent. */
async function keysOf(socket: string): Promise<number | undefined> {
  const { code, stdout } = await sshAdd(socket, '-l')
  if (code === 1) return 0
  return code === 0 ? stdout.trim().split('\n').length : undefined
}

async function add(socket: string, key: Key, ...flags: string[]): Promise<void> {
  const { code, stderr } = await sshAdd(socket, '-q', ...flags, key.privateKeyFile)
  if (code !== 0) throw new Error(`ssh-add: ${stderr}`)
}

/** Whether the agent signs by `ssh-keygen -Y sign`. */
async function signs(socket: string, key: Key, namespace = 'git'): Promise<boolean> {
  const { code } = await run(
    program('ssh-keygen'),
    ['-Y', 'sign', '-n', namespace, '-f', key.publicKeyFile],
    { input: 'text', env: { SSH_AUTH_SOCK: socket, PATH: process.env['PATH'] } },
  )
  return code === 0
}

function auditIn(text: string): AuditEntry[] {
  return parseAudit(text).entries
}

/** A script of sh, its words after the script as $1 and so on. */
function sh(script: string, ...words: string[]): [string, string[]] {
  return ['/bin/sh', ['-c', script, 'sh', ...words]]
}

/** A program of the C shell's kind, if there is one. */
function cShell(): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((directory) => [join(directory, 'tcsh'), join(directory, 'csh')])
    .find((path) => existsSync(path))
}

/** `test` for the C shell. */
function testWithCsh(name: string, body: (shell: string) => Promise<void>): void {
  const shell = cShell()
  if (shell === undefined) {
    test.skip(`${name} [skipped: needs csh, package tcsh]`, () => undefined)
  } else test(name, () => body(shell))
}

function quoted([file, args]: [string, string[]]): string {
  return [file, ...args].map((word) => `'${word}'`).join(' ')
}

describeWith(['ssh-agent', 'ssh-add', 'ssh-keygen', 'linux'], 'ssh-trust agent', () => {
  let key: Key
  let other: Key
  beforeAll(async () => {
    const directory = makeDirectory('keys')
    key = await makeKey(directory, 'ed25519', { comment: 'first' })
    other = await makeKey(directory, 'ed25519', { comment: 'second' })
  })

  describe('prints the lines of ssh-agent', () => {
    test.each([
      { args: ['-s'], shell: '/bin/csh' },
      { args: ['-c'], shell: '/bin/sh' },
      { args: [], shell: '/bin/bash' },
      { args: [], shell: '/bin/csh' },
      { args: [], shell: '/usr/bin/tcsh' },
      { args: [], shell: '/usr/bin/fish' },
      { args: [], shell: '/opt/csh/zsh' },
      { args: [], shell: '' },
      { args: [], shell: undefined },
    ])('for $args where SHELL is $shell', async ({ args, shell }) => {
      const [ours, real] = await both(args, { env: { SHELL: shell } })
      expect(withoutNames(ours.stdout)).toBe(withoutNames(real.stdout))
      expect(ours).toMatchObject({ code: 0, stderr: '', pipesHeld: false })
    })

    test('that sh takes, from start to end', async () => {
      const script = `
        eval "$("$@" -s)"; ssh-add -l; echo "list $?"
        kill -0 "$SSH_AGENT_PID" && test -S "$SSH_AUTH_SOCK" && echo up
        eval "$("$@" -k -s)"; echo "\${SSH_AUTH_SOCK-none} \${SSH_AGENT_PID-none}"`
      const told = async (kind: Kind): Promise<string> => {
        const [file, args] = command(kind, [])
        const { stdout } = await run(...sh(script, file, ...args), { env: environment() })
        return stdout.replaceAll(/\d+(?=$| killed)/gm, 'PID')
      }
      const ours = await told('ours')
      expect(ours).toBe(await told('real'))
      expect(ours).toMatch(
        /^Agent pid PID\n.*no identities.*\nlist PID\nup\n.* killed\nnone none\n$/,
      )
    })

    testWithCsh('that csh takes, from start to end', async (shell) => {
      const told = async (kind: Kind): Promise<string> => {
        const script = `
          eval \`${quoted(command(kind, ['-c']))}\`; ssh-add -l; echo "list $status"
          kill -0 $SSH_AGENT_PID && test -S $SSH_AUTH_SOCK && echo up
          eval \`${quoted(command(kind, ['-c', '-k']))}\`; echo $?SSH_AUTH_SOCK $?SSH_AGENT_PID`
        const { stdout } = await run(shell, ['-f', '-c', script], { env: environment() })
        return stdout.replaceAll(/\d+(?=$| killed)/gm, 'PID')
      }
      const ours = await told('ours')
      expect(ours).toBe(await told('real'))
      expect(ours).toMatch(/\nup\n.* killed\n0 PID\n$/)
    })
  })

  describe('-k', () => {
    test.each(['-s', '-c'])('%s ends the agent and prints what ssh-agent prints', async (style) => {
      const end = async (kind: Kind): Promise<string> => {
        const { pid, socket } = await startAgent(kind)
        const env = { SSH_AGENT_PID: String(pid) }
        const { code, stdout, stderr } = await agent(kind, ['-k', style], { env })
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        await until(() => !runs(pid) && !existsSync(dirname(socket)))
        return stdout.replaceAll(String(pid), 'PID')
      }
      expect(await end('ours')).toBe(await end('real'))
    })

    test.each([
      ['ours', 'real'],
      ['real', 'ours'],
    ] as const)('of %s ends an agent of the other program', async (kind, owner) => {
      const { pid } = await startAgent(owner)
      expect(await agent(kind, ['-k'], { env: { SSH_AGENT_PID: String(pid) } })).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^unset SSH_AUTH_SOCK;\nunset SSH_AGENT_PID;\n/),
      })
      await until(() => !runs(pid))
    })

    test.each([undefined, '', 'x', '0', '1', '-7', '1.5', '12x', '99999999999'])(
      'refuses an SSH_AGENT_PID of %p in the words of ssh-agent',
      async (pid) => {
        const [ours, real] = await both(['-k', '-s'], { env: { SSH_AGENT_PID: pid } })
        expect(ours).toMatchObject({ code: 1, stdout: '' })
        expect(real).toMatchObject({ code: 1, stdout: '' })
        // The real one adds what about it is not good.
        const [words = ''] = real.stderr.trim().split(': ')
        expect(words).toMatch(/SSH_AGENT_PID/)
        expect(ours.stderr).toContain(words)
      },
    )

    test('fails for a process that is gone', async () => {
      let gone = 0
      await run('/bin/true', [], { onStart: ({ pid = 0 }) => (gone = pid) })
      const results = await both(['-k', '-s'], { env: { SSH_AGENT_PID: String(gone) } })
      for (const result of results) {
        expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/\S/) })
      }
    })
  })

  describe('-a', () => {
    test('takes a relative path with a space, in words for the shell', async () => {
      const directory = makeDirectory('my sockets')
      const script = `
        eval "$("$@" -s -a 'sub/my socket')"; ssh-add -l; echo "list $?"
        echo "$SSH_AUTH_SOCK"; eval "$("$@" -k)"`
      mkdirSync(join(directory, 'sub'))
      const { stdout } = await run(...sh(script, ...OURS), { cwd: directory, env: environment() })
      expect(stdout).toMatch(/\nlist 1\nsub\/my socket\nAgent pid \d+ killed\n$/)
      await until(() => readdirSync(join(directory, 'sub')).length === 0)
      expect(readdirSync(temporaryDirectory())).toEqual([])
    })

    test.each(["it's", 'a;touch b', '$(touch b)', 'a"b`c`', 'ü\\n', '-x'])(
      'takes %p, which a shell would take for more than a word',
      async (name) => {
        const directory = makeDirectory()
        const script =
          'eval "$("$@" -s -a "./$0")" && ssh-add -l; echo "list $?"; eval "$("$@" -k)"'
        const { stdout } = await run('/bin/sh', ['-c', script, name, ...OURS], {
          cwd: directory,
          env: environment(),
        })
        expect(stdout).toContain('\nlist 1\n')
        await until(() => readdirSync(directory).length === 0)
      },
    )

    test('in the style of csh is a line of ssh-agent too', async () => {
      const cwd = makeDirectory()
      const [ours, real] = [
        await agent('ours', ['-c', '-a', 'a.sock'], { cwd }),
        await agent('real', ['-c', '-a', 'b.sock'], { cwd }),
      ]
      const [line] = ours.stdout.split('\n')
      expect(line).toBe('setenv SSH_AUTH_SOCK a.sock;')
      expect(real.stdout.split('\n')[0]).toBe(line?.replace('a.sock', 'b.sock'))
    })

    test.each(['ours', 'real'] as const)('leaves alone what is there: %s', async (kind) => {
      const path = join(makeDirectory(), 'file')
      writeFileSync(path, 'precious')
      const { code, stdout, stderr } = await agent(kind, ['-s', '-a', path])
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/address already in use/i)
      expect(stderr).toContain(path)
      expect(readFileSync(path, 'utf8')).toBe('precious')
      await until(() => ourProcesses().length === 0)
    })

    test('leaves alone the socket of another agent', async () => {
      const { socket, pid } = await startAgent('ours')
      await add(socket, key)
      expect(await agent('ours', ['-s', '-a', socket])).toMatchObject({ code: 1, stdout: '' })
      expect(await keysOf(socket)).toBe(1)
      await until(() => ourProcesses().every((one) => one.pid === pid))
    })

    test('leaves alone a socket that nobody listens on any more', async () => {
      const path = join(makeDirectory(), 'stale')
      const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
      await run(process.execPath, ['-e', script])
      const results = await both(['-s', '-a', path])
      expect(results.map(({ code }) => code)).toEqual([1, 1])
      expect(lstatSync(path).isSocket()).toBe(true)
    })

    // Node binds what fits of the path, and nobody takes that away again.
    test('of more bytes than a socket has leaves nothing behind', async () => {
      const directory = join(makeDirectory(), 'd'.repeat(100))
      mkdirSync(directory)
      const { code, stderr } = await agent('ours', ['-s', '-a', join(directory, 'socket')])
      expect(code).toBe(1)
      expect(stderr).toMatch(/long/)
      expect(readdirSync(dirname(directory))).toEqual(['d'.repeat(100)])
    })

    test('where there is no such directory: an error, and no agent', async () => {
      const path = join(makeDirectory(), 'missing', 'socket')
      for (const result of await both(['-s', '-a', path])) {
        expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(path) })
      }
      await until(() => ourProcesses().length === 0)
    })
  })

  describe('-t', () => {
    test('is the life of keys that are added without one', async () => {
      const { socket } = await startAgent('ours', ['-t', '1'])
      await add(socket, other, '-t', '1h')
      await add(socket, key)
      await until(async () => (await keysOf(socket)) === 1)
      expect((await sshAdd(socket, '-L')).stdout.trim()).toBe(other.publicKey)
    })

    test.each(['nonsense', '-5', '5x', '1.5', ''])('%p: exit code 1, no agent', async (life) => {
      for (const { code, stdout } of await both(['-s', '-t', life])) {
        // The real one takes an empty text for none.
        if (life !== '') expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      }
      expect(readdirSync(temporaryDirectory())).toEqual(life === '' ? expect.anything() : [])
    })

    test('0 is no limit, as for ssh-agent', async () => {
      const [ours, real] = await both(['-s', '-t', '0'])
      expect(withoutNames(ours.stdout)).toBe(withoutNames(real.stdout))
    })
  })

  describe('in the foreground', () => {
    test.each([[['-D']], [['-D', '-c']], [['-d', '-s']], [['-Dc']]])(
      'prints the lines of ssh-agent and its own pid: %p',
      async (args) => {
        const [ours, real] = [
          await startForeground('ours', args),
          await startForeground('real', args),
        ]
        expect(ours.stdout).toContain(`echo Agent pid ${String(ours.child.pid)};\n`)
        expect(withoutNames(ours.stdout)).toBe(withoutNames(real.stdout))
        expect(await keysOf(ours.socket)).toBe(0)
      },
    )

    test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
      '%s ends it as ssh-agent: with 2, and the socket is gone',
      async (signal) => {
        for (const kind of ['ours', 'real'] as const) {
          const { child, socket, ended } = await startForeground(kind, ['-D'])
          child.kill(signal)
          expect([kind, await ended]).toEqual([kind, 2])
          expect(existsSync(dirname(socket))).toBe(false)
        }
      },
    )

    test('with -a only the socket goes', async () => {
      const directory = makeDirectory()
      const { child, ended } = await startForeground('ours', ['-Da', join(directory, 'socket')])
      expect(readdirSync(directory)).toEqual(['socket'])
      child.kill()
      expect(await ended).toBe(2)
      expect(readdirSync(directory)).toEqual([])
    })

    test('ends with the process that stands for it, be that killed', async () => {
      const { child, socket } = await startForeground('ours', ['-D'])
      child.kill('SIGKILL')
      await until(() => ourProcesses().length === 0 && !existsSync(dirname(socket)))
    })

    test('SIGUSR1 drops the keys', async () => {
      const { child, socket } = await startForeground('ours', ['-D'])
      await add(socket, key)
      child.kill('SIGUSR1')
      await until(async () => (await keysOf(socket)) === 0)
      await add(socket, key)
      expect(await keysOf(socket)).toBe(1)
    })

    test('-d writes the audit to stderr, -D nothing', async () => {
      const use = async (flag: string): Promise<string> => {
        const { child, socket, stderr, ended } = await startForeground('ours', [flag])
        await add(socket, key)
        expect(await signs(socket, key)).toBe(true)
        child.kill()
        await ended
        return stderr()
      }
      expect(auditIn(await use('-d'))).toEqual([
        expect.objectContaining({ request: 'add', verdict: 'done', key: key.fingerprint }),
        expect.objectContaining({ verdict: 'signed', reason: 'any-allowed', key: key.fingerprint }),
      ])
      expect(await use('-D')).toBe('')
    })
  })

  test('SIGUSR1 drops the keys of an agent in the background', async () => {
    const { socket, pid } = await startAgent('ours')
    await add(socket, key)
    process.kill(pid, 'SIGUSR1')
    await until(async () => (await keysOf(socket)) === 0)
  })

  test('SIGINT ends none in the background, as with ssh-agent', async () => {
    for (const kind of ['real', 'ours'] as const) {
      const { socket, pid } = await startAgent(kind)
      process.kill(pid, 'SIGINT')
      const answers = [await keysOf(socket), await keysOf(socket), await keysOf(socket)]
      expect([kind, ...answers]).toEqual([kind, 0, 0, 0])
    }
  })

  // Else it holds keys for nobody, at an address that nobody was told.
  test('where the lines cannot be written: one line of why, and no agent', async () => {
    const { stderr } = await run(...sh('"$@" -s >/dev/full', ...OURS), { env: environment() })
    expect(stderr).toMatch(/^ssh-trust: .*\n$/)
    await until(() => ourProcesses().length === 0)
  })

  describe('with a command', () => {
    test.each(['exit 0', 'exit 3', 'exit 255', 'kill -TERM $$', 'kill -KILL $$', 'kill -ABRT $$'])(
      'ends as it does, for a shell: %s',
      async (script) => {
        const code = async (kind: Kind): Promise<string> => {
          const [file, args] = command(kind, ['/bin/sh', '-c', script])
          const { stdout } = await run(...sh('"$@"; echo "$?"', file, ...args), {
            env: environment(),
          })
          return stdout
        }
        expect(await code('ours')).toBe(await code('real'))
      },
    )

    test.each(['/nonexistent/program', 'no-such-program', '/etc/passwd', '/'])(
      'that cannot be run, %s: 1, its name on stderr, and no agent stays',
      async (name) => {
        for (const result of await both([name, 'argument'])) {
          expect(result).toMatchObject({ code: 1, stdout: '', pipesHeld: false })
          expect(result.stderr).toContain(name)
        }
        await until(() => ourProcesses().length === 0)
        expect(readdirSync(temporaryDirectory())).toEqual([])
      },
    )

    test('hands its streams on, and its environment with the agent in it', async () => {
      const script = `
        cat; echo oops >&2; echo "$MINE"; echo "$SSH_AUTH_SOCK"; echo "$SSH_AGENT_PID"
        ssh-add -l >/dev/null; echo "list $?"; kill -0 "$SSH_AGENT_PID" && echo up`
      const { code, stdout, stderr, pipesHeld } = await agent('ours', ['sh', '-c', script], {
        input: 'in\0put\n',
        env: { MINE: 'my own', SSH_AUTH_SOCK: '/other', SSH_AGENT_PID: '1' },
      })
      expect({ code, stderr, pipesHeld }).toEqual({ code: 0, stderr: 'oops\n', pipesHeld: false })
      expect(stdout).toMatch(
        /^in\0put\nmy own\n\/\S+\/ssh-trust-\w+\/agent\.\d+\n\d+\nlist 1\nup\n$/,
      )
    })

    test('hands bytes on as they are', async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
      const { stdout } = await agent('ours', ['od', '-An', '-v', '-tx1'], { input: bytes })
      expect(stdout.replaceAll(/\s/g, '')).toBe(bytes.toString('hex'))
    })

    test.each([
      [['echo', '-s', '-k', '--hosts', 'x', '-h', '--', '-a'], '-s -k --hosts x -h -- -a\n'],
      [['--', 'echo', '-c'], '-c\n'],
      [['-t', '1h', 'echo', '-t', 'x'], '-t x\n'],
      [['echo', 'two words', ''], 'two words \n'],
    ])('%p: what stands after it is its own', async (args, printed) => {
      for (const result of await both(args)) {
        expect(result).toMatchObject({ code: 0, stdout: printed, stderr: '' })
      }
    })

    test('takes -a and -t before it', async () => {
      const cwd = makeDirectory()
      const script = 'echo "$SSH_AUTH_SOCK"; ssh-add -q "$0" && ssh-add -T "$0.pub"; echo "$?"'
      const args = ['-a', 'here', '-t', '1h', 'sh', '-c', script, key.privateKeyFile]
      const { stdout } = await agent('ours', args, { cwd })
      expect(stdout).toMatch(/^here\n(.*\n)?0\n$/)
      await until(() => readdirSync(cwd).length === 0)
    })

    test('and then ends', async () => {
      const { stdout } = await agent('ours', ['sh', '-c', 'echo "$SSH_AGENT_PID $SSH_AUTH_SOCK"'])
      const [pid, socket = ''] = stdout.trim().split(' ')
      await until(() => !runs(Number(pid)))
      expect(existsSync(dirname(socket))).toBe(false)
      expect(readdirSync(temporaryDirectory())).toEqual([])
    })

    test('and ends when the process between them is killed', async () => {
      const child = spawn(
        ...command('ours', ['sh', '-c', 'echo "$SSH_AGENT_PID $SSH_AUTH_SOCK"; exec sleep 60']),
        { env: environment() },
      )
      const { stdout } = follow(child)
      await until(() => stdout().includes('\n'))
      const [pid, socket = ''] = stdout().trim().split(' ')
      expect(runs(Number(pid))).toBe(true)
      child.kill('SIGKILL')
      await until(() => !runs(Number(pid)) && !existsSync(dirname(socket)))
    })

    test.each(['HUP', 'INT', 'TERM', 'USR1', 'USR2'] as const)(
      'passes SIG%s on to it, and lives until it has ended',
      async (signal) => {
        const script = `trap 'echo got ${signal}; exit 7' ${signal}; echo up; while :; do sleep 0.05; done`
        const child = spawn(...command('ours', ['sh', '-c', script]), { env: environment() })
        const { stdout, ended } = follow(child)
        await until(() => stdout() === 'up\n')
        child.kill(`SIG${signal}`)
        expect(await ended).toBe(7)
        expect(stdout()).toBe(`up\ngot ${signal}\n`)
      },
    )
  })

  test.each([
    [['-c', '-s']],
    [['-s', '-c']],
    [['-d', '-D']],
    [['-D', '-d']],
    [['-k', 'true']],
    [['-c', 'true']],
    [['-s', 'true']],
    [['-D', 'true']],
    [['-d', 'true']],
    [['-x']],
    [['-a']],
    [['-t']],
  ])('%p: exit code 1, an explanation, no agent', async (args) => {
    for (const result of await both(args)) {
      expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/\S/) })
    }
    expect(ourProcesses()).toEqual([])
    expect(readdirSync(temporaryDirectory())).toEqual([])
  })

  describe('keeps to itself', () => {
    test.each(['000', '022', '027', '077'])('under a umask of %s: modes', async (mask) => {
      const modes = async (kind: Kind): Promise<string[]> => {
        const [file, args] = command(kind, ['-s'])
        const { stdout } = await run(...sh('umask "$1"; shift; exec "$@"', mask, file, ...args), {
          env: environment(),
        })
        noteAgent(stdout)
        const [, socket = ''] = /=(.*?);/.exec(stdout) ?? []
        return [socket, dirname(socket)].map((path) => lstatSync(path).mode.toString(8))
      }
      const ours = await modes('ours')
      expect(ours).toEqual(['140600', '40700'])
      expect(await modes('real')).toEqual(ours)
    })

    test.each(['s', 'D', 'command'])(
      'nothing of the environment comes to the agent, no directory, no argument: %s',
      async (how) => {
        const env = { SECRET: 'token', NODE_OPTIONS: '--no-warnings', DISPLAY: ':0' }
        const args = ['-t', '77', ...(how === 'command' ? ['sleep', '60'] : [`-${how}`])]
        const child = spawn(...command('ours', args), { env: environment(env), cwd: '/usr' })
        undo.push(() => child.kill())
        let found: { pid: number }[] = []
        await until(() => {
          found = processesWith(TRACKED).filter(({ command }) =>
            command.join(' ').startsWith('ssh-trust-agent'),
          )
          return found.length > 0
        })
        const proc = `/proc/${String(found[0]?.pid)}`
        await until(() => readFileSync(`${proc}/environ`, 'utf8') !== '')
        expect(readFileSync(`${proc}/environ`, 'utf8').split('\0').filter(Boolean)).toEqual([
          TRACKED,
        ])
        expect(readlinkSync(`${proc}/cwd`)).toBe('/')
        expect(readFileSync(`${proc}/cmdline`, 'utf8')).not.toMatch(/77|token/)
      },
    )

    test('no pipe that the caller reads stays open', async () => {
      const script = '"$@" -s 2>&1 | cat; echo closed'
      const { stdout, timedOut, pipesHeld } = await run(...sh(script, ...OURS), {
        env: environment(),
        input: 'in',
      })
      noteAgent(stdout)
      expect({ timedOut, pipesHeld }).toEqual({ timedOut: false, pipesHeld: false })
      expect(stdout).toMatch(/\nclosed\n$/)
    })

    /** Whether an agent keeps a file open that its caller has open as this descriptor. */
    async function keeps(descriptor: number): Promise<boolean> {
      const file = join(makeDirectory(), 'held')
      const held = openSync(file, 'w')
      const stdio: StdioOptions = ['ignore', 'pipe', 'inherit']
      while (stdio.length < descriptor) stdio.push('ignore')
      const child = spawn(...command('ours', ['-s']), {
        env: environment(),
        stdio: [...stdio, held],
      })
      closeSync(held)
      const { stdout, ended } = follow(child)
      expect(await ended).toBe(0)
      noteAgent(stdout())
      const fds = `/proc/${String(pids.at(-1))}/fd`
      return readdirSync(fds).some((fd) => readlinkSync(join(fds, fd)) === file)
    }

    test('no low descriptor of the caller stays open', async () => {
      expect([await keeps(3), await keeps(9)]).toEqual([false, false])
    })

    // As in `exec 200>lock; flock 200`. Node closes those alone that no unused number stands before.
    test('no high descriptor of the caller stays open', async () => {
      expect(await keeps(200)).toBe(false)
    })

    test('a session of its own, which no terminal interrupts', async () => {
      const { pid } = await startAgent('ours')
      // proc(5): after the name come the state, the parent, the process group and the session.
      const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      const [, , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      expect([group, session]).toEqual([String(pid), String(pid)])
    })
  })

  describe('asks by SSH_ASKPASS before it uses a key that was added with -c', () => {
    /** A program that notes what it was asked. */
    function askpass(answer: string): { file: string; asked: () => string } {
      const directory = makeDirectory()
      const [file, log] = [join(directory, 'askpass'), join(directory, 'log')]
      writeFileSync(file, `#!/bin/sh\necho "$SSH_ASKPASS_PROMPT: $*" >>'${log}'\n${answer}\n`)
      chmodSync(file, 0o755)
      writeFileSync(log, '')
      return { file, asked: () => readFileSync(log, 'utf8') }
    }

    test.each([
      { answer: 'exit 0', env: { SSH_ASKPASS_REQUIRE: 'force' }, signed: true, asked: true },
      { answer: 'exit 1', env: { SSH_ASKPASS_REQUIRE: 'force' }, signed: false, asked: true },
      { answer: 'echo yes', env: { SSH_ASKPASS_REQUIRE: 'force' }, signed: true, asked: true },
      { answer: 'echo no', env: { SSH_ASKPASS_REQUIRE: 'force' }, signed: false, asked: true },
      { answer: 'kill -9 $$', env: { SSH_ASKPASS_REQUIRE: 'force' }, signed: false, asked: true },
      { answer: 'exit 0', env: { DISPLAY: ':0' }, signed: true, asked: true },
      {
        answer: 'exit 0',
        env: { DISPLAY: ':0', SSH_ASKPASS_REQUIRE: 'never' },
        signed: false,
        asked: false,
      },
      { answer: 'exit 0', env: {}, signed: false, asked: false },
      { answer: 'exit 0', env: { DISPLAY: '' }, signed: false, asked: false },
      { answer: 'exit 0', env: { SSH_ASKPASS_REQUIRE: 'prefer' }, signed: false, asked: false },
    ])('$answer with $env', async ({ answer, env, signed, asked }) => {
      const outcome = async (kind: Kind): Promise<[boolean, string]> => {
        const asker = askpass(answer)
        const { socket } = await startAgent(kind, [], { env: { SSH_ASKPASS: asker.file, ...env } })
        await add(socket, key, '-c')
        return [await signs(socket, key), asker.asked()]
      }
      const ours = await outcome('ours')
      expect(ours).toEqual(await outcome('real'))
      expect(ours).toEqual([signed, asked ? expect.stringContaining(key.fingerprint) : ''])
    })

    test('and the audit says who denied it', async () => {
      const audit = join(makeDirectory(), 'audit')
      const env = { SSH_ASKPASS: askpass('exit 1').file, SSH_ASKPASS_REQUIRE: 'force' }
      const { socket } = await startAgent('ours', ['--audit', audit], { env })
      await add(socket, key, '-c')
      expect(await signs(socket, key)).toBe(false)
      expect(auditIn(readFileSync(audit, 'utf8')).at(-1)).toMatchObject({
        verdict: 'refused',
        reason: 'confirmation-denied',
      })
    })
  })

  describe('with a policy', () => {
    let pinned: Sshd
    let stranger: Sshd
    beforeAll(async () => {
      const authorizedKeys = [key.publicKey]
      pinned = await startSshd({ authorizedKeys })
      stranger = await startSshd({ authorizedKeys })
      return async () => {
        await pinned.stop()
        await stranger.stop()
      }
    })

    const hostLine = ({ address, port, fingerprint }: Sshd): string =>
      `box=${address}:${String(port)} ${fingerprint()}\n`

    function hostsFile(text = hostLine(pinned)): string {
      const file = join(makeDirectory(), 'hosts')
      writeFileSync(file, text)
      return file
    }

    /** An agent with the key, and its audit so far. */
    async function withKey(
      ...args: string[]
    ): Promise<Background & { audit: () => AuditEntry[]; auditFile: string }> {
      const auditFile = join(makeDirectory(), 'audit.jsonl')
      const started = await startAgent('ours', ['--audit', auditFile, ...args])
      await add(started.socket, key)
      return { ...started, auditFile, audit: () => auditIn(readFileSync(auditFile, 'utf8')) }
    }

    function login(socket: string, { user, address, port }: Sshd): Promise<Finished> {
      const options = [
        'IdentityFile=none',
        'StrictHostKeyChecking=no',
        'UserKnownHostsFile=/dev/null',
        'BatchMode=yes',
      ]
      return run(
        program('ssh'),
        [
          ...['-q', '-F', 'none', ...options.flatMap((option) => ['-o', option])],
          ...['-p', String(port), `${user}@${address}`, 'echo in'],
        ],
        { env: { ...environment(), SSH_AUTH_SOCK: socket } },
      )
    }

    /** What it answers when a client that has not said which host it is for asks to sign. */
    async function unbound(socket: string, data: Buffer): Promise<string> {
      const client = await connectAgent(socket)
      try {
        return nameOf(await client.ask(signMessage(blob(), data)))
      } finally {
        client.close()
      }
    }
    const blob = (): Buffer => parsePublicKey(key.publicKey).blob

    testWith(['sshd', 'ssh'], '--hosts: logs in at a pinned host, nowhere else', async () => {
      const { socket, audit, auditFile } = await withKey('--hosts', hostsFile())
      expect(await login(socket, pinned)).toMatchObject({ code: 0, stdout: 'in\n' })
      expect(await login(socket, stranger)).toMatchObject({ code: 255, stdout: '' })
      expect(audit()).toEqual([
        expect.objectContaining({ request: 'add', verdict: 'done', comment: 'first' }),
        expect.objectContaining({ verdict: 'signed', reason: 'host-pinned', host: 'box' }),
        expect.objectContaining({
          verdict: 'refused',
          reason: 'host-not-pinned',
          hostKey: stranger.fingerprint(),
        }),
      ])
      expect(lstatSync(auditFile).mode & 0o777).toBe(0o600)
    })

    testWith(['sshd', 'ssh'], '--hosts - reads them from standard input', async () => {
      const { socket } = await startAgent('ours', ['--hosts', '-'], { input: hostLine(pinned) })
      await add(socket, key)
      expect(await login(socket, pinned)).toMatchObject({ code: 0 })
      expect(await login(socket, stranger)).toMatchObject({ code: 255 })
    })

    testWith(['sshd', 'ssh'], '-D and a command keep to it as well', async () => {
      const hosts = ['--hosts', hostsFile()]
      const { socket } = await startForeground('ours', ['-D', ...hosts])
      await add(socket, key)
      expect(await login(socket, stranger)).toMatchObject({ code: 255 })
      const script = 'ssh-add -q "$0" && ssh-keygen -Y sign -n git -f "$0.pub" <"$0.pub"; echo "$?"'
      const { stdout } = await agent('ours', [...hosts, 'sh', '-c', script, key.privateKeyFile])
      expect(stdout).toBe('255\n')
    })

    test.each([
      ['pinned', 'FAILURE', 'unbound'],
      ['warn', 'SIGNED ssh-ed25519', 'unbound-allowed'],
      ['any', 'SIGNED ssh-ed25519', 'any-allowed'],
    ])('--policy %s: a login that proves no host gets %s', async (mode, answer, reason) => {
      const { socket, audit } = await withKey('--hosts', hostsFile(), '--policy', mode)
      expect(await unbound(socket, userauth({ key: blob() }))).toBe(answer)
      expect(audit().at(-1)).toMatchObject({ request: 'sign', reason })
    })

    test('--max-signatures: no more than that', async () => {
      const { socket, audit } = await withKey('--max-signatures', '2')
      const made = [await signs(socket, key), await signs(socket, key), await signs(socket, key)]
      expect(made).toEqual([true, true, false])
      expect(audit().at(-1)).toMatchObject({ verdict: 'refused', reason: 'signatures-used-up' })
    })

    test.each([
      [[], { git: false, file: false }],
      [['--namespaces', 'git'], { git: true, file: false }],
      [['--namespaces', 'git,file'], { git: true, file: true }],
    ])('%p: the namespaces that it signs for are %p', async (args, expected) => {
      const { socket, audit } = await withKey('--hosts', hostsFile(), ...args)
      const git = await signs(socket, key, 'git')
      expect({ git, file: await signs(socket, key, 'file') }).toEqual(expected)
      expect(audit().at(-1)?.reason).toBe(
        expected.file ? 'namespace-allowed' : 'namespace-not-allowed',
      )
    })

    test.each([
      [[], 'FAILURE', 'not-userauth'],
      [['--sign-other-data'], 'SIGNED ssh-ed25519', 'other-data-allowed'],
    ])('%p: data that is no login gets %s', async (args, answer, reason) => {
      const { socket, audit } = await withKey('--hosts', hostsFile(), ...args)
      expect(await unbound(socket, SESSION)).toBe(answer)
      expect(audit().at(-1)).toMatchObject({ reason })
    })

    test('--lifetime: then no key is served and none taken', async () => {
      const { socket, audit, pid } = await withKey('--lifetime', '4s')
      await until(async () => (await keysOf(socket)) === 0)
      expect(audit()).toContainEqual(
        expect.objectContaining({ request: 'expire', reason: 'lifetime-over' }),
      )
      expect(await sshAdd(socket, '-q', key.privateKeyFile)).toMatchObject({ code: 1 })
      expect(audit().at(-1)).toMatchObject({ verdict: 'refused', reason: 'lifetime-over' })
      expect(runs(pid)).toBe(true)
    })

    test('--audit appends to a file that is there, and follows no link', async () => {
      const directory = makeDirectory()
      const [file, link] = [join(directory, 'audit'), join(directory, 'link')]
      writeFileSync(file, 'before\n')
      const { socket } = await startAgent('ours', ['--audit', 'audit'], { cwd: directory })
      await add(socket, key)
      expect(readFileSync(file, 'utf8')).toMatch(/^before\n\{.*\}\n$/)
      await run('/bin/ln', ['-s', file, link])
      expect(await agent('ours', ['-s', '--audit', link])).toMatchObject({ code: 1, stdout: '' })
    })

    test('hosts that are wrong: each line is named, exit code 1, no agent', async () => {
      const text = `# ours\n${hostLine(pinned)}one.example\ntwo.example SHA256:short\n`
      for (const args of [['-s'], ['-D'], ['true']]) {
        const { code, stdout, stderr } = await agent('ours', ['--hosts', hostsFile(text), ...args])
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
        expect(stderr).toMatch(/hosts:3: .*\n.*hosts:4:13: /)
      }
      expect(ourProcesses()).toEqual([])
      expect(readdirSync(temporaryDirectory())).toEqual([])
    })

    test.each([
      [['--policy', 'strict'], /strict/],
      [['--policy', 'pinned'], /hosts/],
      [['--policy', 'warn'], /hosts/],
      [['--max-signatures', 'many'], /max-signatures/],
      [['--max-signatures', '-1'], /max-signatures/],
      [['--lifetime', 'soon'], /soon/],
      [['--lifetime', '99w'], /24 days/],
      [['--hosts', '/nonexistent/hosts'], /\/nonexistent\/hosts/],
      [['--hosts', '/'], /directory/],
      [['--audit', '/nonexistent/audit'], /\/nonexistent\/audit/],
    ])('%p: exit code 1, an explanation, no agent', async (args, words) => {
      const { code, stdout, stderr } = await agent('ours', ['-s', ...args])
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(words)
      await until(() => ourProcesses().length === 0)
      expect(readdirSync(temporaryDirectory())).toEqual([])
    })
  })
})
