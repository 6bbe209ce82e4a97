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
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentStatus, signForProvenHost, stopAgent } from '../../src/agent/control'
import { parseAudit, type AuditEntry } from '../../src/agent/audit'
import { launchAgent, type Launching } from '../../src/agent/launch'
import { encodeSettings, type AgentSettings, type Ready } from '../../src/agent/settings'
import { TrustError } from '../../src/errors'
import { identify } from '../../src/process-identity'
import { parseKeySpec } from '../../src/ssh/private-key'
import { fingerprint, rsaBits, typeOfBlob } from '../../src/ssh/public-key'
import { verifySignature } from '../../src/ssh/signature'
import { runProgram } from '../local/compiled'
import {
  connectAgent,
  LIST,
  message,
  nameOf,
  signMessage,
  type AgentClient,
} from '../support/agent-client'
import { descendants, killProcesses } from '../support/processes'
import { describeWith } from '../support/programs'
import { makeDirectory, trackingId } from '../support/scratch'
import { addRequest, CONFIRM, keyOf, lifetime, policyHost, SESSION, userauth } from './fixtures'

const BUNDLE = join(process.cwd(), 'dist', 'agent', 'index.js')
const web = keyOf('web')

const undo: (() => unknown)[] = []
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step()
})

/** Waits until `condition` holds; the test's own time limit is the deadline. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20, undefined, { ref: false })
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
  const launching = launchAgent(file, [`${tmpdir()}/`])
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

/** A client of the agent that speaks the plain protocol. */
async function clientOf({ settings }: { settings: AgentSettings }): Promise<AgentClient> {
  const client = await connectAgent(settings.socket)
  undo.push(client.close)
  return client
}

function auditOf({ settings }: { settings: AgentSettings }): AuditEntry[] {
  return parseAudit(readFileSync(settings.auditFile ?? '', 'utf8')).entries
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
    expect(readFileSync(settings.auditFile ?? '', 'utf8')).toMatch(/"reason":"host-pinned"/)

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

  test.each(['SIGTERM', 'SIGHUP'] as const)('takes its socket away at %s', async (signal) => {
    const { pid, settings } = await start()
    process.kill(pid, signal)
    await until(() => !runs(pid))
    expect(existsSync(settings.socket)).toBe(false)
  })
})

describe('its end', () => {
  /** Starts the agent as a child of this process, to see its exit code and its stderr. */
  async function startChild(changes: Partial<AgentSettings> = {}) {
    const settings = settingsOf(changes)
    const child = spawn(process.execPath, [BUNDLE], { stdio: 'pipe' })
    undo.push(() => child.kill('SIGKILL'))
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    child.stdin.end(`${encodeSettings(settings)}\n`)
    let ready = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) ready += chunk as string
    expect(JSON.parse(ready) as Ready).toMatchObject({ pid: child.pid })
    return { child, settings, ended, stderr: () => stderr }
  }

  test.each(['SIGTERM', 'SIGHUP'] as const)('by %s has exit code 2', async (signal) => {
    const { child, ended } = await startChild()
    child.kill(signal)
    expect(await ended).toBe(2)
  })

  test('by the control channel has exit code 0', async () => {
    const { settings, ended } = await startChild()
    await stopAgent(settings)
    expect(await ended).toBe(0)
  })

  test('takes the directory of its socket along, if it is the agent’s own', async () => {
    for (const stop of ['control', 'signal']) {
      const socketDirectory = makeDirectory()
      const socket = join(socketDirectory, 'agent.sock')
      const { child, settings, ended } = await startChild({ socket, socketDirectory })
      expect(readdirSync(socketDirectory)).toEqual(['agent.sock'])
      if (stop === 'control') await stopAgent(settings)
      else child.kill('SIGTERM')
      await ended
      expect(existsSync(socketDirectory)).toBe(false)
    }
  })

  test('leaves a directory in which there is something else, and one that is not its own', async () => {
    const mine = makeDirectory()
    writeFileSync(join(mine, 'mine'), '')
    for (const changes of [{ socketDirectory: mine }, {}]) {
      const { settings, ended } = await startChild({ socket: join(mine, 'agent.sock'), ...changes })
      await stopAgent(settings)
      expect(await ended).toBe(0)
      expect(readdirSync(mine)).toEqual(['mine'])
    }
  })

  test('an audit of stderr goes there', async () => {
    const { settings, ended, stderr } = await startChild({ auditFile: 'stderr' })
    const client = await clientOf({ settings })
    expect(nameOf(await client.ask(signMessage(keyOf('me').publicKey, 'x')))).toBe('FAILURE')
    await stopAgent(settings)
    expect(await ended).toBe(0)
    expect(parseAudit(stderr()).entries).toMatchObject([
      { request: 'sign', verdict: 'refused', reason: 'not-userauth' },
    ])
    expect(existsSync(join(process.cwd(), 'stderr'))).toBe(false)
  })

  test('without an audit nothing is written', async () => {
    const { socket, token, policy, keys } = settingsOf()
    const settings = { socket, token, policy, keys }
    const { pid } = await launch().launching.ready(settings)
    expect(await agentStatus(settings)).toMatchObject({ audit: { written: 0, omitted: 0 } })
    expect(nameOf(await (await clientOf({ settings })).ask(message(LIST)))).toBe('IDENTITIES 1')
    await stopAgent(settings)
    await until(() => !runs(pid))
  })
})

describe('keys of an agent', () => {
  test('go when the lifetime of the agent is over; it stays, and takes no more', async () => {
    const started = await start({ lifetime: 1, policy: { mode: 'any', hosts: [] } })
    await until(async () => (await agentStatus(started.settings)).identities.length === 0)
    const client = await clientOf(started)
    expect(nameOf(await client.ask(message(LIST)))).toBe('IDENTITIES 0')
    expect(nameOf(await client.ask(signMessage(keyOf('me').publicKey, 'x')))).toBe('FAILURE')
    expect(nameOf(await client.ask(addRequest(keyOf('new'))))).toBe('FAILURE')
    expect(auditOf(started)).toMatchObject([
      { request: 'expire', verdict: 'done', reason: 'lifetime-over' },
      { request: 'list', verdict: 'refused', reason: 'lifetime-over' },
      { request: 'sign', verdict: 'refused', reason: 'lifetime-over' },
      { request: 'add', verdict: 'refused', reason: 'lifetime-over' },
    ])
    expect(await agentStatus(started.settings)).toMatchObject({ pid: started.pid })
  })

  test('that are added get the default lifetime; those that it began with do not', async () => {
    const started = await start({ defaultLifetime: 1 })
    const client = await clientOf(started)
    expect(nameOf(await client.ask(addRequest(keyOf('new'))))).toBe('SUCCESS')
    const constraints = [lifetime(600)]
    expect(nameOf(await client.ask(addRequest(keyOf('longer'), { constraints })))).toBe('SUCCESS')
    const comments = async (): Promise<string[]> =>
      (await agentStatus(started.settings)).identities.map(({ comment }) => comment)
    await until(async () => (await comments()).length === 2)
    expect(await comments()).toEqual(['me', 'longer'])
    expect(auditOf(started).at(-1)).toMatchObject({
      request: 'expire',
      reason: 'lifetime-over',
      key: fingerprint(keyOf('new').publicKey),
    })
  })

  test('that are added sign in the plain protocol', async () => {
    const started = await start({ policy: { mode: 'any', hosts: [] } })
    const client = await clientOf(started)
    expect(nameOf(await client.ask(addRequest(keyOf('new'))))).toBe('SUCCESS')
    const request = signMessage(keyOf('new').publicKey, 'x')
    expect(nameOf(await client.ask(request))).toBe('SIGNED ssh-ed25519')
    expect(await agentStatus(started.settings)).toMatchObject({ signatures: 1 })
  })

  describe('to be confirmed', () => {
    const key = keyOf('careful')
    const request = signMessage(key.publicKey, 'x')

    /** An agent with this askpass, and what came of a signature. */
    async function confirmBy(file: string, env: Record<string, string> = {}): Promise<string> {
      const policy = { mode: 'any', hosts: [] } as const
      const started = await start({ policy, askpass: { file, env } })
      const client = await clientOf(started)
      await client.ask(addRequest(key, { constraints: [CONFIRM] }))
      const name = nameOf(await client.ask(request))
      const reason = name === 'FAILURE' ? 'confirmation-denied' : 'any-allowed'
      expect(auditOf(started).at(-1)).toMatchObject({ request: 'sign', reason })
      return name
    }

    function askpass(text: string): string {
      const file = join(makeDirectory(), 'askpass')
      writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o700 })
      return file
    }

    test('are asked about by the askpass, in its own environment', async () => {
      const out = join(makeDirectory(), 'out')
      const file = askpass(
        'printf "%s\\n" "$#" "$1" "$SSH_ASKPASS_PROMPT" "$RUNNER_TRACKING_ID" > "$OUT"',
      )
      expect(await confirmBy(file, { OUT: out })).toBe('SIGNED ssh-ed25519')
      expect(readFileSync(out, 'utf8')).toBe(
        `1\nAllow use of key careful?\nKey fingerprint ${fingerprint(key.publicKey)}.\nconfirm\n\n`,
      )
    })

    test.each([
      ['an exit with 0', 'exit 0', true],
      ['an empty line', 'echo', true],
      ['yes', 'echo yes', true],
      ['Yes, and more lines', 'echo Yes; echo no', true],
      ['no', 'echo no', false],
      ['yes with more', 'echo "yes please"', false],
      ['yes, but an exit with 1', 'echo yes; exit 1', false],
      ['a signal', 'kill -9 $$', false],
      ['no end of words', 'echo; exec yes', false],
    ])('after %s', async (_, text, signs) => {
      expect(await confirmBy(askpass(text))).toBe(signs ? 'SIGNED ssh-ed25519' : 'FAILURE')
    })

    test('are not used where the askpass is not there', async () => {
      expect(await confirmBy('/nonexistent/askpass')).toBe('FAILURE')
    })

    test('are not used where there is no askpass; other keys are', async () => {
      const started = await start({ policy: { mode: 'any', hosts: [] } })
      const client = await clientOf(started)
      await client.ask(addRequest(key, { constraints: [CONFIRM] }))
      expect(nameOf(await client.ask(request))).toBe('FAILURE')
      const free = signMessage(keyOf('me').publicKey, 'x')
      expect(nameOf(await client.ask(free))).toBe('SIGNED ssh-ed25519')
    })

    test('hold up no other client while the askpass asks', async () => {
      const go = join(makeDirectory(), 'go')
      const file = askpass('while [ ! -e "$GO" ]; do /bin/sleep 0.05; done')
      const policy = { mode: 'any', hosts: [] } as const
      const started = await start({ policy, askpass: { file, env: { GO: go } } })
      const [slow, other] = [await clientOf(started), await clientOf(started)]
      await slow.ask(addRequest(key, { constraints: [CONFIRM] }))
      const signed = slow.ask(request)
      expect(nameOf(await other.ask(message(LIST)))).toBe('IDENTITIES 2')
      writeFileSync(go, '')
      expect(nameOf(await signed)).toBe('SIGNED ssh-ed25519')
    })
  })
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
    expect(auditOf({ settings })).toMatchObject([
      { request: 'remove-all', verdict: 'done', reason: 'as-asked' },
      { request: 'sign', verdict: 'refused', reason: 'key-unknown' },
    ])
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
      const settings = settingsOf({ auditFile: join(makeDirectory(), 'none', 'audit.jsonl') })
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
    mkdirSync(settings[name] ?? '')
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
    const program = `load('agent/launch').launchAgent(args[0], ['/tmp/'])
      .ready({ policy: { hosts: [] }, keys: [] }).catch((error) => console.log(error.code))`
    const file = script("console.log('Debugger attached.'); process.exit(1)")
    expect(await runProgram(program, file)).toMatchObject({ code: 0, stdout: 'agent-start\n' })
  })
})
