/**
 * The agent as a process: what launchAgent starts, what is in its environment, and how it ends. Runs
 * the built bundle, dist/agent/index.js.
 */
import { afterEach, describe, expect, test } from '@jest/globals'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentStatus, signForProvenHost, stopAgent } from '../../src/agent/control'
import { launchAgent, type Launching } from '../../src/agent/launch'
import type { AgentSettings } from '../../src/agent/settings'
import { TrustError } from '../../src/errors'
import { identify } from '../../src/process-identity'
import { parseKeySpec } from '../../src/ssh/private-key'
import { fingerprint, rsaBits, typeOfBlob } from '../../src/ssh/public-key'
import { verifySignature } from '../../src/ssh/signature'
import { runProgram } from '../local/compiled'
import { descendants, killProcesses } from '../support/processes'
import { describeWith } from '../support/programs'
import { makeDirectory, trackingId } from '../support/scratch'
import { keyOf, policyHost, SESSION, userauth } from './fixtures'

const BUNDLE = join(process.cwd(), 'dist', 'agent', 'index.js')
const web = keyOf('web')

const undo: (() => unknown)[] = []
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step()
})

/** Waits until `condition` holds; the test's own time limit is the deadline. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20)
}

interface Started {
  pid: number
  settings: AgentSettings
  identities: { blob: Buffer; comment: string; generated: boolean }[]
}

/** Launches; whatever process that started is gone after the test. */
function launch(file = BUNDLE): { launching: Launching; pid: () => number | undefined } {
  const tracking = process.env['RUNNER_TRACKING_ID']
  process.env['RUNNER_TRACKING_ID'] = trackingId('agent')
  const before = new Set(descendants(process.pid))
  const launching = launchAgent(file)
  if (tracking === undefined) delete process.env['RUNNER_TRACKING_ID']
  else process.env['RUNNER_TRACKING_ID'] = tracking
  const pid = descendants(process.pid).find((child) => !before.has(child))
  undo.push(() => {
    launching.abandon()
    if (pid !== undefined) killProcesses([{ pid }])
  })
  return { launching, pid: () => pid }
}

function settingsOf(changes: Partial<AgentSettings> = {}): AgentSettings {
  const directory = makeDirectory()
  return {
    socket: join(directory, 'agent.sock'),
    auditFile: join(directory, 'audit.jsonl'),
    token: 'token',
    policy: { mode: 'pinned', hosts: [policyHost(web)] },
    keys: [{ privateKey: keyOf('me') }],
    ...changes,
  }
}

async function start(changes: Partial<AgentSettings> = {}): Promise<Started> {
  const settings = settingsOf(changes)
  const { pid, identities } = await launch().launching.ready(settings)
  undo.push(() => {
    killProcesses([{ pid }])
  })
  const decoded = identities.map((one) => ({ ...one, blob: Buffer.from(one.blob, 'base64') }))
  return { pid, settings, identities: decoded }
}

const runs = (pid: number): boolean => identify(pid) !== undefined

describe('an agent that is ready', () => {
  test('serves: it tells its status, signs for pinned hosts, writes its audit, stops', async () => {
    const { pid, settings, identities } = await start()
    const key = keyOf('me').publicKey
    expect(pid).not.toBe(process.pid)
    expect(identities).toEqual([{ blob: key, comment: 'me', generated: false }])
    expect(await agentStatus(settings)).toMatchObject({ pid, mode: 'pinned' })
    expect(statSync(settings.socket).mode & 0o777).toBe(0o600)

    const data = userauth({ key })
    const proven = { hostKey: web.publicKey, sessionId: SESSION }
    const signature = await signForProvenHost(settings, proven, key, data, 0)
    expect(verifySignature(key, signature, data)).toBe(true)
    expect(readFileSync(settings.auditFile, 'utf8')).toMatch(/"reason":"host-pinned"/)

    await stopAgent(settings)
    await until(() => !runs(pid))
    expect(existsSync(settings.socket)).toBe(false)
  })

  test.each([
    ['ed25519', 'ssh-ed25519', 0],
    ['ecdsa-384', 'ecdsa-sha2-nistp384', 0],
    ['rsa-2048', 'ssh-rsa', 2],
  ])('holds a key that it has made: %s', async (spec, type, flags) => {
    const generate = { ...parseKeySpec(spec), comment: 'made here' }
    const { settings, identities } = await start({ generate })
    expect(identities.map(({ comment, generated }) => ({ comment, generated }))).toEqual([
      { comment: 'me', generated: false },
      { comment: 'made here', generated: true },
    ])
    const blob = identities[1]?.blob ?? Buffer.alloc(0)
    expect(typeOfBlob(blob)).toBe(type)
    if (type === 'ssh-rsa') expect(rsaBits(blob)).toBe(2048)
    expect((await agentStatus(settings)).identities[1]?.fingerprint).toBe(fingerprint(blob))
    const data = userauth({ key: blob })
    const proven = { hostKey: web.publicKey, sessionId: SESSION }
    const signature = await signForProvenHost(settings, proven, blob, data, flags)
    expect(verifySignature(blob, signature, data)).toBe(true)
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'takes its socket away at %s',
    async (signal) => {
      const { pid, settings } = await start()
      process.kill(pid, signal)
      await until(() => !runs(pid))
      expect(existsSync(settings.socket)).toBe(false)
    },
  )
})

describeWith(['linux'], 'its process, as /proc shows it', () => {
  const proc = (pid: number, name: string): string[] =>
    readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').slice(0, -1)

  /** Where a file descriptor leads; empty if it is closed. */
  function link(pid: number | string, fd: string): string {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return ''
    }
  }

  /** The ports that a process listens on. */
  function ports(pid: number): number[] {
    const inodes = new Set(
      readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(link(pid, fd))?.[1]),
    )
    return ['tcp', 'tcp6']
      .map((name) => `/proc/${pid}/net/${name}`)
      .filter((file) => existsSync(file))
      .flatMap((file) => readFileSync(file, 'utf8').trim().split('\n').slice(1))
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && inodes.has(fields[9]))
      .map((fields) => parseInt(fields[1]?.split(':')[1] ?? '', 16))
  }

  test('its environment has allowlisted variables only, its arguments no secret', async () => {
    process.env['INPUT_SSH-PRIVATE-KEY'] = 'a secret'
    undo.push(() => delete process.env['INPUT_SSH-PRIVATE-KEY'])
    const { pid } = await start()
    const names = proc(pid, 'environ').map((entry) => entry.split('=')[0])
    const allowed = ['RUNNER_TRACKING_ID', 'SystemRoot', 'SystemDrive', 'TEMP', 'TMP']
    expect(names.filter((name) => !allowed.includes(name ?? ''))).toEqual([])
    expect(proc(pid, 'environ')).toContain(`RUNNER_TRACKING_ID=${trackingId('agent')}`)
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toMatch(/token|secret|PRIVATE/)
  })

  test('it leads a session of its own, and holds none of our pipes', async () => {
    const { pid } = await start()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    expect(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])).toBe(pid)
    const mine = readdirSync('/proc/self/fd').map((fd) => link('self', fd))
    const standard = ['0', '1', '2'].map((fd) => link(pid, fd)).filter((to) => to !== '/dev/null')
    expect(standard.filter((to) => mine.includes(to))).toEqual([])
  })

  test('SIGUSR1 opens no inspector', async () => {
    const { pid, settings } = await start()
    process.kill(pid, 'SIGUSR1')
    for (let n = 0; n < 20; n += 1) {
      await agentStatus(settings) // the agent has had its turn, and goes on
      expect(ports(pid)).toEqual([])
      await sleep(20)
    }
  })

  test('SIGUSR1 drops all keys', async () => {
    const { pid, settings } = await start()
    expect((await agentStatus(settings)).identities).toHaveLength(1)
    process.kill(pid, 'SIGUSR1')
    let left = 1
    for (let n = 0; left > 0 && n < 150; n += 1) {
      await sleep(20)
      left = (await agentStatus(settings)).identities.length
    }
    expect(left).toBe(0)
    const key = keyOf('me').publicKey
    const proven = { hostKey: web.publicKey, sessionId: SESSION }
    const signed = signForProvenHost(settings, proven, key, userauth({ key }), 0)
    await expect(signed).rejects.toMatchObject({ code: 'agent-control' })
    expect(readFileSync(settings.auditFile, 'utf8')).toMatch(/"reason":"key-unknown"/)
  })

  test('abandoned it ends, and nothing is left', async () => {
    const { launching, pid } = launch()
    const child = pid()
    if (child === undefined) throw new Error('no process')
    expect(runs(child)).toBe(true)
    launching.abandon()
    await until(() => !existsSync(`/proc/${child}`)) // not even as a zombie
  })
})

describe('when the watched process dies', () => {
  function sleeper(): ChildProcess {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'])
    undo.push(() => child.kill('SIGKILL'))
    return child
  }

  /** A process that ran and is gone. */
  async function dead(): Promise<{ pid: number; start?: string }> {
    const child = sleeper()
    const watch = identify(child.pid ?? 0)
    if (watch === undefined) throw new Error('no process')
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    return watch
  }

  test('the agent runs the program for orphans in its environment, then ends', async () => {
    const child = sleeper()
    const watch = identify(child.pid ?? 0)
    if (watch === undefined) throw new Error('no process')
    const directory = makeDirectory()
    const [file, out] = [join(directory, 'orphaned.js'), join(directory, 'out')]
    writeFileSync(
      file,
      `require('fs').writeFileSync(process.env.OUT, JSON.stringify(Object.keys(process.env)))`,
    )
    const { pid, settings } = await start({ watch, orphaned: { file, env: { OUT: out } } })
    expect(await agentStatus(settings)).toMatchObject({ pid })
    child.kill('SIGKILL')
    await until(() => !runs(pid))
    expect(existsSync(settings.socket)).toBe(false)
    expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual(['OUT'])
  })

  test.each([
    ['no program', undefined],
    ['a program that fails', 'process.exit(1)'],
  ])('it ends all the same with %s', async (_, text) => {
    const child = sleeper()
    const watch = identify(child.pid ?? 0)
    if (watch === undefined) throw new Error('no process')
    const file = join(makeDirectory(), 'orphaned.js')
    if (text !== undefined) writeFileSync(file, text)
    const { pid, settings } = await start({
      watch,
      ...(text === undefined ? {} : { orphaned: { file, env: {} } }),
    })
    child.kill('SIGKILL')
    await until(() => !runs(pid))
    expect(existsSync(settings.socket)).toBe(false)
  })

  test('a pid that another process has by now is not the one watched', async () => {
    const watch = { pid: process.pid, start: '1' }
    const { pid } = await start({ watch })
    await until(() => !runs(pid))
  })

  test('one that was gone before the first look is gone: the agent ends', async () => {
    const { pid } = await start({ watch: await dead() })
    await until(() => !runs(pid))
  })
})

describe('an agent that can not start', () => {
  const script = (text: string): string => {
    const file = join(makeDirectory(), 'script.js')
    writeFileSync(file, text)
    return file
  }

  test('tells why, each time', async () => {
    for (let n = 0; n < 4; n += 1) {
      const settings = settingsOf({ auditFile: '/nonexistent/audit.jsonl' })
      await expect(launch().launching.ready(settings)).rejects.toMatchObject({
        code: 'agent-start',
        message: expect.stringContaining('ENOENT'),
      })
    }
  })

  test.each([
    ['the audit is a directory', 'auditFile', /EISDIR/],
    ['the socket is a directory', 'socket', /EADDRINUSE/],
  ] as const)('where %s', async (_, name, message) => {
    const settings = settingsOf()
    mkdirSync(settings[name])
    const error = await launch()
      .launching.ready(settings)
      .then(String, (reason: unknown) => reason)
    expect(error).toBeInstanceOf(TrustError)
    expect(error).toMatchObject({ code: 'agent-start', message: expect.stringMatching(message) })
  })

  test.each([
    ['the bundle is not there', '/nonexistent/agent.js', /exit code 1/],
    ['it ends in silence', script('process.exit(0)'), /exit code 0/],
    ['it is killed', script("process.kill(process.pid, 'SIGKILL')"), /SIGKILL/],
    [
      'it says no end of things',
      script("process.stdout.write('x'.repeat(3e6)); setTimeout(() => 0, 3000)"),
      /too long/,
    ],
  ])('where %s', async (_, file, message) => {
    await expect(launch(file).launching.ready(settingsOf())).rejects.toMatchObject({
      code: 'agent-start',
      message: expect.stringMatching(message),
    })
  })

  test('where what it says is no JSON', async () => {
    // In a process of its own: the parser throws inside the stream's event, past all catches.
    const program = `load('agent/launch').launchAgent(args[0])
      .ready({ policy: { hosts: [] }, keys: [] }).catch((error) => console.log(error.code))`
    const file = script("console.log('Debugger attached.'); process.exit(1)")
    expect(await runProgram(program, file)).toMatchObject({ code: 0, stdout: 'agent-start\n' })
  })
})
