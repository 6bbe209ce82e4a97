/** One process told from another that has its pid later; zombies and strangers. */
import { describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify, stillRuns, type ProcessIdentity } from '../src/process-identity'

/** Larger than any pid of Linux (PID_MAX_LIMIT, 2^22) and macOS. */
const NOBODY = 2 ** 22 + 1
const onLinux = process.platform === 'linux' ? test : test.skip

function identityOf(pid: number | undefined): ProcessIdentity {
  const identity = identify(pid ?? NOBODY)
  if (identity === undefined) throw new Error('no process')
  return identity
}

describe('a live process', () => {
  test('has an identity, the same each time, and runs', () => {
    const me = identityOf(process.pid)
    expect(me.pid).toBe(process.pid)
    expect(identify(process.pid)).toEqual(me)
    expect(stillRuns(me)).toBe(true)
    expect(stillRuns(JSON.parse(JSON.stringify(me)) as ProcessIdentity)).toBe(true)
  })

  test('without a start time it is told by its pid', () => {
    expect(stillRuns({ pid: process.pid })).toBe(true)
    expect(stillRuns({ pid: NOBODY })).toBe(false)
  })

  onLinux('has the start time of /proc, whatever its name is', async () => {
    // The name, in brackets, is the one field that may hold blanks and brackets.
    const code = "process.title = 'a) S 1 ('; process.stdout.write('.'); process.stdin.resume()"
    const child = spawn(process.execPath, ['-e', code])
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const { pid, start } = identityOf(child.pid)
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    expect(stat).toContain('(a) S 1 ()')
    expect(start).toBe(stat.split('(a) S 1 () ')[1]?.split(' ')[19])
    expect(start).toMatch(/^\d+$/)
    child.kill('SIGKILL')
  })

  test('of somebody else runs too', () => {
    expect(identityOf(1).pid).toBe(1)
  })
})

test.each([NOBODY, 0, -1])('there is no process %i', (pid) => {
  expect(identify(pid)).toBeUndefined()
})

test('a pid with another start time is another process', () => {
  const me = identityOf(process.pid)
  if (me.start === undefined) return // the platform does not tell
  expect(stillRuns({ ...me, start: `${me.start}1` })).toBe(false)
})

test('a process that has ended does not run', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
  const identity = identityOf(child.pid)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  expect(stillRuns(identity)).toBe(false)
  expect(identify(identity.pid)).toBeUndefined()
})

onLinux('a zombie does not run', async () => {
  // The shell becomes a sleep, which never waits for the child it has.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60'])
  try {
    const pid = Number(await new Promise<Buffer>((resolve) => parent.stdout.once('data', resolve)))
    const state = (): string =>
      readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0] ?? ''
    while (state() !== 'Z') await sleep(10)
    expect(identify(pid)).toBeUndefined()
    expect(stillRuns({ pid })).toBe(false)
  } finally {
    parent.kill('SIGKILL')
  }
})
