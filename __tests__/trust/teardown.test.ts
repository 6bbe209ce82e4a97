/** Taking back, from journals made by hand: each kind of effect, in reverse, once and again. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { openJournal, type Effect, type Journal } from '../../src/local/journal'
import { addBlock, homeBlock } from '../../src/local/home-block'
import { identify, type ProcessIdentity } from '../../src/process-identity'
import { tearDown } from '../../src/trust/teardown'
import { runProgram } from '../local/compiled'
import { makeDirectory } from '../support/scratch'

const undo: (() => unknown)[] = []
afterEach(() => {
  for (const step of undo.splice(0)) step()
})

function journalOf(...effects: Effect[]): Journal {
  const journal = openJournal(makeDirectory())
  for (const effect of effects) journal.append(effect)
  return journal
}

async function startProcess(
  code = 'process.stdin.resume()',
): Promise<{ identity: ProcessIdentity; ended: Promise<unknown> }> {
  const child = spawn(process.execPath, ['-e', `${code};process.stdout.write('.')`])
  undo.push(() => child.kill('SIGKILL'))
  const ended = new Promise((resolve) => {
    child.once('exit', (code_, signal) => {
      resolve(signal ?? code_)
    })
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  const identity = identify(child.pid ?? 0)
  if (identity === undefined) throw new Error('no process')
  return { identity, ended }
}

const BLOCK = homeBlock('aB3dE6', { socket: '/t/agent.sock', config: '/t/config' })
const block = (target: string): Effect => ({
  ...{ kind: 'home-block', target, id: 'aB3dE6', lines: BLOCK },
})

describe('a journal', () => {
  test('that is none, or is gone, is nothing to take back', async () => {
    const journal = journalOf()
    expect(await tearDown(join(makeDirectory(), 'journal.jsonl'))).toBeUndefined()
    expect(await tearDown('')).toBeUndefined()
    expect(
      await tearDown(join(makeDirectory(), 'ssh-trust-aB3dE6', 'journal.jsonl')),
    ).toBeUndefined()
    expect(await tearDown(journal.path)).toEqual({
      audit: { entries: [], omitted: 0 },
      effects: [],
    })
    expect(existsSync(journal.directory)).toBe(false)
    expect(await tearDown(journal.path)).toBeUndefined()
  })

  test('elsewhere than in a job’s directory is left alone, with its directory', async () => {
    const path = join(makeDirectory(), 'journal.jsonl')
    const directory = makeDirectory()
    writeFileSync(path, `${JSON.stringify({ kind: 'directory', target: directory })}\n`)
    expect(await tearDown(path)).toBeUndefined()
    expect(existsSync(path) && existsSync(directory)).toBe(true)
  })

  test('is taken back from its end, and a torn line does not count', async () => {
    const outer = makeDirectory()
    const inner = join(outer, 'inner')
    mkdirSync(inner)
    const journal = journalOf(
      { kind: 'directory', target: outer },
      { kind: 'directory', target: inner },
    )
    writeFileSync(journal.path, '{"kind":"directory","target":"/', { flag: 'a' })
    const report = await tearDown(journal.path)
    expect(report?.effects).toEqual(
      [inner, outer].map((target) => ({ kind: 'directory', target, outcome: 'undone' })),
    )
    expect(existsSync(outer)).toBe(false)
  })

  test('comes with the job’s report and audit; torn ones do no harm', async () => {
    const job = { version: 1, policy: 'pinned', hosts: [], keys: [] }
    const use = { time: 't', request: 'sign', verdict: 'refused', reason: 'unbound' }
    const journal = journalOf()
    writeFileSync(join(journal.directory, 'report.json'), JSON.stringify(job))
    writeFileSync(join(journal.directory, 'audit.jsonl'), `${JSON.stringify(use)}\n{"ti`)
    expect(await tearDown(journal.path)).toEqual({
      report: job,
      audit: { entries: [use], omitted: 0 },
      effects: [],
    })

    const torn = journalOf()
    writeFileSync(join(torn.directory, 'report.json'), '{"version":')
    expect(await tearDown(torn.path)).toEqual({ audit: { entries: [], omitted: 0 }, effects: [] })
  })
})

describe('a directory', () => {
  const outcomeOf = async (target: string): Promise<unknown> =>
    (await tearDown(journalOf({ kind: 'directory', target }).path))?.effects[0]

  test('that others use by now stays, and is told', async () => {
    const target = makeDirectory()
    writeFileSync(join(target, 'theirs'), '')
    expect(await outcomeOf(target)).toMatchObject({
      outcome: 'nothing to undo',
      detail: expect.stringContaining('it stays'),
    })
    expect(existsSync(join(target, 'theirs'))).toBe(true)
  })

  test('that is gone is nothing', async () => {
    const target = join(makeDirectory(), 'gone')
    expect(await outcomeOf(target)).toEqual({
      kind: 'directory',
      target,
      outcome: 'nothing to undo',
    })
  })

  test('that is a link by now stays; the failure stops nothing else, and keeps the journal', async () => {
    const real = makeDirectory()
    const [link, other] = [join(makeDirectory(), 'link'), makeDirectory()]
    symlinkSync(real, link)
    const journal = journalOf(
      { kind: 'directory', target: other },
      { kind: 'directory', target: link },
    )
    const report = await tearDown(journal.path)
    expect(report?.effects).toMatchObject([
      { target: link, outcome: 'failed', detail: expect.stringContaining('ENOTDIR') },
      { target: other, outcome: 'undone' },
    ])
    expect(existsSync(real)).toBe(true)
    rmSync(link)
    const again = await tearDown(journal.path) // what failed can be tried again
    expect(again?.effects.map(({ outcome }) => outcome)).toEqual([
      'nothing to undo',
      'nothing to undo',
    ])
    expect(existsSync(journal.directory)).toBe(false)
  })
})

describe('a block in a file', () => {
  const file = (): string => join(makeDirectory(), 'config')

  test.each<[string, string | undefined, string | undefined, string]>([
    ['in front of others’ lines', addBlock('Host x\r\n\xe9', BLOCK), 'Host x\r\n\xe9', 'undone'],
    ['alone, in a file of ours', addBlock(undefined, BLOCK), undefined, 'undone'],
    ['alone, in a file that was empty', addBlock('', BLOCK), '', 'undone'],
    [
      'in a file of ours with others’ lines',
      `${addBlock(undefined, BLOCK)}Host x\n`,
      'Host x\n',
      'undone',
    ],
    ['that is gone', 'Host x\n', 'Host x\n', 'nothing to undo'],
    ['whose file is gone', undefined, undefined, 'nothing to undo'],
  ])('%s', async (_, before, after, outcome) => {
    const target = file()
    if (before !== undefined) writeFileSync(target, before, { encoding: 'latin1', mode: 0o640 })
    const report = await tearDown(journalOf(block(target)).path)
    const detail = outcome === 'undone' ? {} : { detail: 'our lines are not there' }
    expect(report?.effects).toEqual([{ kind: 'home-block', target, outcome, ...detail }])
    expect(existsSync(target) ? readFileSync(target, 'latin1') : undefined).toBe(after)
    if (after !== undefined) expect(statSync(target).mode & 0o777).toBe(0o640)
  })

  test('whose directory is gone is nothing', async () => {
    const report = await tearDown(journalOf(block(join(makeDirectory(), 'gone', 'config'))).path)
    expect(report?.effects).toMatchObject([{ outcome: 'nothing to undo' }])
  })

  test('in a directory of ours: both go', async () => {
    const directory = join(makeDirectory(), '.ssh')
    mkdirSync(directory)
    const target = join(directory, 'config')
    writeFileSync(target, addBlock(undefined, BLOCK, 'directory'))
    const report = await tearDown(
      journalOf({ kind: 'directory', target: directory }, block(target)).path,
    )
    expect(report?.effects.map(({ outcome }) => outcome)).toEqual(['undone', 'nothing to undo'])
    expect(existsSync(directory)).toBe(false)
  })
})

describe('an agent', () => {
  const agent = (identity: ProcessIdentity, target = '/nonexistent/agent.sock'): Effect => ({
    ...{ kind: 'agent-process', target, process: identity },
  })

  test.each([[undefined], ['token']])(
    'that does not answer on its socket is ended by a signal (token %p)',
    async (token) => {
      const { identity, ended } = await startProcess()
      const report = await tearDown(journalOf(agent(identity)).path, token)
      expect(report?.effects).toMatchObject([{ kind: 'agent-process', outcome: 'undone' }])
      expect(await ended).toBe('SIGTERM')
    },
  )

  test('that will not end is killed, and that is told', async () => {
    const { identity, ended } = await startProcess(
      "process.on('SIGTERM', () => 0);process.stdin.resume()",
    )
    const report = await tearDown(journalOf(agent(identity)).path)
    expect(report?.effects).toMatchObject([{ outcome: 'undone', detail: 'it had to be killed' }])
    expect(await ended).toBe('SIGKILL')
  })

  test('that is dead, or whose pid another process has by now, is nothing', async () => {
    const { identity, ended } = await startProcess()
    const journal = journalOf(agent({ pid: identity.pid, start: '1' }), agent({ pid: 2 ** 22 + 1 }))
    const report = await tearDown(journal.path)
    expect(report?.effects.map(({ outcome }) => outcome)).toEqual([
      'nothing to undo',
      'nothing to undo',
    ])
    expect(await Promise.race([ended, Promise.resolve('runs')])).toBe('runs')
  })

  test('that never served is nothing', async () => {
    const journal = journalOf({ kind: 'agent', target: '/nonexistent/agent.sock' })
    expect((await tearDown(journal.path, 'token'))?.effects).toMatchObject([
      { outcome: 'nothing to undo' },
    ])
  })

  test('that is not in the journal yet is told to stop, with the token', async () => {
    const socket = join(makeDirectory(), 'agent.sock')
    let asked = ''
    const server = createServer((connection) => {
      connection.once('data', (chunk) => {
        asked = chunk.toString('latin1')
        connection.end(Buffer.of(0, 0, 0, 1, 6))
      })
    })
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    undo.push(() => server.close())
    const report = await tearDown(journalOf({ kind: 'agent', target: socket }).path, 'the token')
    expect(report?.effects).toMatchObject([{ kind: 'agent', outcome: 'undone' }])
    expect(asked).toContain('the token')
    expect(asked).toContain('"op":"stop"')
  })

  test('that was killed leaves its socket: that is nothing, and the job’s directory goes', async () => {
    const journal = journalOf()
    const socket = join(journal.directory, 'agent.sock')
    journal.append({ kind: 'agent', target: socket })
    // A socket file that nobody listens on: made by a process that is killed.
    const program = `require('net').createServer().listen(args[0], () => process.kill(process.pid, 'SIGKILL'))`
    await runProgram(program, socket)
    if (!existsSync(socket)) return // then this test should fail as passing
    const report = await tearDown(journal.path, 'token')
    expect(report?.effects).toMatchObject([{ outcome: 'nothing to undo' }])
    expect(existsSync(journal.directory)).toBe(false)
  })
})
