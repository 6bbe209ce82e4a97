/**
 * The agent at two addresses, as on Windows: a pipe (here a Unix socket has its place) and a socket as
 * Cygwin makes them. And its end, where the platform does not tell when a process started.
 */
import { afterEach, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CygwinAgent, type ParsedKey } from 'ssh2'
import { agentStatus, stopAgent } from '../../src/agent/control'
import { serveAt } from '../../src/agent/server'
import { encodeSettings } from '../../src/agent/settings'
import { openJournal, type Effect } from '../../src/local/journal'
import { tearDown } from '../../src/trust/teardown'
import type { TeardownReport } from '../../src/trust/report'
import { string } from '../../src/ssh/wire'
import { runProgram } from '../local/compiled'
import { connectAgent, LIST, message, nameOf } from '../support/agent-client'
import type { Finished } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { identityOf, stateOf } from './fixtures'

const undo: (() => unknown)[] = []
afterEach(() => {
  for (const step of undo.splice(0)) step()
})

const TOKEN = 'token'

function addresses(): { socket: string; pipe: string } {
  const directory = makeDirectory()
  return { socket: join(directory, 'agent.sock'), pipe: join(directory, 'pipe') }
}

/** Comments of what a Cygwin client lists: ssh2's own, which has never seen this code. */
async function listByCygwin(socket: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    new CygwinAgent(socket).getIdentities((error, keys) => {
      if (error) reject(error)
      else resolve(((keys ?? []) as unknown as ParsedKey[]).map(({ comment }) => comment))
    })
  })
}

describe('serveAt', () => {
  test('serves one agent at a pipe and at a Cygwin socket', async () => {
    const { socket, pipe } = addresses()
    const state = stateOf({ identities: [identityOf('one')] })
    undo.push(await serveAt({ socket, pipe }, state))
    const client = await connectAgent(pipe)
    undo.push(client.close)
    expect(nameOf(await client.ask(message(LIST)))).toBe('IDENTITIES 1')
    state.identities.push(identityOf('two'))
    expect(nameOf(await client.ask(message(LIST)))).toBe('IDENTITIES 2')
    expect(await listByCygwin(socket)).toHaveLength(2)
  })

  test('what it gives removes the socket file', async () => {
    for (const address of [addresses(), { socket: addresses().socket }]) {
      const stop = await serveAt(address, stateOf())
      expect(existsSync(address.socket)).toBe(true)
      stop()
      expect(existsSync(address.socket)).toBe(false)
      stop() // again, as a signal may come twice
    }
  })

  test('makes no socket file where there is no pipe', async () => {
    const { socket } = addresses()
    await expect(serveAt({ socket, pipe: '/nonexistent/pipe' }, stateOf())).rejects.toBeDefined()
    expect(existsSync(socket)).toBe(false)
  })
})

interface Running {
  socket: string
  pipe: string
  pid: number
  ended: Promise<Finished>
}

/** Our agent as a process, without keys. */
async function startAgent(): Promise<Running> {
  const { socket, pipe } = addresses()
  const policy = { mode: 'any', hosts: [] } as const
  const line = encodeSettings({ socket, pipe, token: TOKEN, policy, keys: [] })
  const ended = runProgram(`load('agent/run').runAgent(args[0])`, line)
  for (;;) {
    const status = await agentStatus({ socket: pipe, token: TOKEN }).catch(() => undefined)
    if (status === undefined) await sleep(10)
    else {
      undo.push(async () => stopAgent({ socket: pipe, token: TOKEN }).catch(() => undefined))
      return { socket, pipe, pid: status.pid, ended }
    }
  }
}

test('an agent that is stopped over its pipe takes its socket file along', async () => {
  const { socket, pipe, ended } = await startAgent()
  expect(existsSync(socket)).toBe(true)
  await stopAgent({ socket: pipe, token: TOKEN })
  expect((await ended).code).toBe(0)
  expect(existsSync(socket)).toBe(false)
})

describe('an agent of which only the pid is known', () => {
  /** A process that is not the agent. */
  function bystander(): { pid: number; lives: () => boolean } {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
    undo.push(() => child.kill('SIGKILL'))
    return {
      pid: child.pid ?? 0,
      lives: () => child.exitCode === null && child.signalCode === null,
    }
  }

  /** Takes back a job whose agent has that pid and answers at that pipe. */
  async function tearDownAgent(
    pid: number,
    pipe: string,
    token: string | undefined = TOKEN,
  ): Promise<{ report: TeardownReport | undefined; left: boolean }> {
    const journal = openJournal(makeDirectory())
    const effects: Effect[] = [
      { kind: 'agent', target: pipe },
      { kind: 'agent-process', target: pipe, process: { pid } },
    ]
    for (const effect of effects) journal.append(effect)
    const report = await tearDown(journal.path, token)
    return { report, left: existsSync(journal.directory) }
  }
  const outcomes = (report: TeardownReport | undefined): string[] =>
    (report?.effects ?? []).map(({ kind, outcome }) => `${kind}: ${outcome}`)

  /** A server that answers each message with the next of these, or hangs up. */
  async function serveAnswers(answers: (Buffer | undefined)[]): Promise<string> {
    const { pipe } = addresses()
    const server = createServer((connection) => {
      connection.once('data', () => {
        const answer = answers.shift()
        if (answer === undefined) connection.destroy()
        else {
          const length = Buffer.alloc(4)
          length.writeUInt32BE(answer.length)
          connection.end(Buffer.concat([length, answer]))
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(pipe, resolve))
    undo.push(() => server.close())
    return pipe
  }
  const statusOf = (pid: number): Buffer =>
    Buffer.concat([
      Buffer.of(29),
      string('control@ssh-trust-action'),
      string(JSON.stringify({ pid })),
    ])
  const SUCCESS = Buffer.of(6)

  test('is stopped where it says itself that it has that pid', async () => {
    const { pid, pipe, ended } = await startAgent()
    const { report, left } = await tearDownAgent(pid, pipe)
    expect(outcomes(report)).toEqual(['agent-process: undone', 'agent: nothing to undo'])
    expect((await ended).code).toBe(0)
    expect(left).toBe(false)
  })

  test('is gone where nobody answers, and who has its pid by now is left alone', async () => {
    const { pid, lives } = bystander()
    const { report, left } = await tearDownAgent(pid, addresses().pipe)
    expect(outcomes(report)).toEqual(['agent-process: nothing to undo', 'agent: nothing to undo'])
    expect(lives()).toBe(true)
    expect(left).toBe(false)
  })

  test('is stopped by its pipe alone where it says another pid', async () => {
    const { pid, lives } = bystander()
    const { pipe, ended } = await startAgent()
    const { report } = await tearDownAgent(pid, pipe)
    expect(outcomes(report)).toEqual(['agent-process: nothing to undo', 'agent: undone'])
    expect((await ended).code).toBe(0)
    expect(lives()).toBe(true)
  })

  test.each([
    ['hangs up', []],
    ['says no', [Buffer.of(28), Buffer.of(28)]],
  ])('is left where it %s, and that is told', async (_, answers) => {
    const { pid, lives } = bystander()
    const { report, left } = await tearDownAgent(pid, await serveAnswers([...answers]))
    expect(outcomes(report)).toEqual(['agent-process: failed', 'agent: failed'])
    expect(lives()).toBe(true)
    expect(left).toBe(true)
  })

  test('is left without a token, and that is told', async () => {
    const { pid, pipe } = await startAgent()
    const journal = openJournal(makeDirectory())
    journal.append({ kind: 'agent-process', target: pipe, process: { pid } })
    const report = await tearDown(journal.path)
    expect(report?.effects).toMatchObject([
      { outcome: 'failed', detail: expect.stringContaining('token') },
    ])
    expect(await agentStatus({ socket: pipe, token: TOKEN })).toMatchObject({ pid })
    expect(readdirSync(journal.directory)).toEqual(['journal.jsonl'])
  })

  test('is killed where it goes on saying so after it was told to end', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
    const ended = new Promise((resolve) =>
      child.once('exit', (_, signal) => {
        resolve(signal)
      }),
    )
    const pid = child.pid ?? 0
    const pipe = await serveAnswers([statusOf(pid), SUCCESS, statusOf(pid)])
    const { report } = await tearDownAgent(pid, pipe)
    expect(report?.effects[0]).toMatchObject({ outcome: 'undone', detail: 'it had to be killed' })
    expect(await ended).toBe('SIGKILL')
  })

  test('is not killed where another process has its pid after its end', async () => {
    const { pid, lives } = bystander()
    const pipe = await serveAnswers([statusOf(pid), SUCCESS, statusOf(pid + 1)])
    const { report } = await tearDownAgent(pid, pipe)
    expect(report?.effects[0]).toMatchObject({ kind: 'agent-process', outcome: 'undone' })
    expect(report?.effects[0]?.detail).toBeUndefined()
    expect(lives()).toBe(true)
  })
})
