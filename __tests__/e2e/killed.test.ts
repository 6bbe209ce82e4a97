/** Main or post killed at any point, then post: nothing is left, here or on the hosts. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { tellFaults } from '../support/faults'
import { describeWith } from '../support/programs'
import type { StepResult } from '../support/runner'
import { MAIN } from './fixtures'
import { makeFleet, points, type Fleet, type Point } from './killed-fleet'

/** Milliseconds for all points of a test: each is a job of a second or two, more on a busy machine. */
const LONG = 900_000

describeWith(['sshd', 'ssh', 'account'], 'main or post killed, then post', () => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await makeFleet()
  })
  afterAll(async () => {
    await fleet.end()
  })

  /** One job and its fault; the step that should have died by it, and the post that comes after. */
  type Job = (point: Point) => Promise<{ main: StepResult; killed: StepResult; post: StepResult }>

  /** What was not as it should be, point by point. */
  async function defects(fault: string, all: readonly Point[], job: Job): Promise<unknown[]> {
    const found: unknown[] = []
    let tried = 0
    for (const point of all) {
      const { main, killed, post } = await job(point)
      // What post does takes now a call more, now one less: some wait for the agent's end.
      const reached = killed.signal === 'SIGKILL'
      if (reached) tried += 1
      const { code, annotations } = post
      // Before the state is saved post knows of nothing; nothing is done then but the directory made.
      if (main.state['journal'] === undefined) fleet.removeJobDirectories()
      await fleet.agentEnds()
      if (fleet.left().length > 0) await fleet.hostsRest()
      const left = [...fleet.left(), ...fleet.jobDirectories()]
      if (code !== 0 || annotations.length > 0 || left.length > 0) {
        found.push({ point, signal: killed.signal, code, annotations, left, log: post.log })
      }
    }
    expect(tried).toBeGreaterThan(0.8 * all.length)
    tellFaults({ fault, recovery: 'post', tried, survived: tried - found.length })
    return found
  }

  const inMain =
    (inputs: Record<string, string>): Job =>
    async (point) => {
      const main = await fleet.main(inputs, point)
      return { main, killed: main, post: await fleet.post(main) }
    }
  const inPost =
    (inputs: Record<string, string>): Job =>
    async (point) => {
      const main = await fleet.main(inputs)
      const killed = await fleet.post(main, point)
      return { main, killed, post: await fleet.post(main) }
    }

  test(
    'main, before and after each call that changes something here',
    async () => {
      const { call } = (await fleet.count(fleet.here)).main
      expect(call).toBeGreaterThan(20)
      const fault = 'main killed, before and after each call that changes something on this machine'
      expect(await defects(fault, points(['before', 'after'], call), inMain(fleet.here))).toEqual(
        [],
      )
    },
    LONG,
  )

  test(
    'main, after each record of the journal, and after what it stands for, on the hosts too',
    async () => {
      const { record } = (await fleet.count(fleet.everywhere)).main
      expect(record).toBeGreaterThan(8)
      const all = points(['journal', 'effect'], record).slice(0, -1)
      const fault =
        'main killed, after each record of the journal and after what it stands for, with `bootstrap` and `trust` on two hosts'
      expect(await defects(fault, all, inMain(fleet.everywhere))).toEqual([])
    },
    LONG,
  )

  test(
    'post, before and after each call that changes something',
    async () => {
      const { call } = (await fleet.count(fleet.here)).post
      expect(call).toBeGreaterThan(10)
      const fault = 'post killed, before and after each call that changes something'
      expect(await defects(fault, points(['before', 'after'], call), inPost(fleet.here))).toEqual(
        [],
      )
    },
    LONG,
  )

  test(
    'post, after each call that changes something, on the hosts too',
    async () => {
      const { call } = (await fleet.count(fleet.everywhere)).post
      const fault =
        'post killed, after each call that changes something, with `bootstrap` and `trust` on two hosts'
      expect(await defects(fault, points(['after'], call), inPost(fleet.everywhere))).toEqual([])
    },
    LONG,
  )

  test('the agent: nothing is left here, and each line on a host is told', async () => {
    const main = await fleet.main(fleet.everywhere)
    for (const { pid } of fleet.scene.job.processes()) process.kill(pid, 'SIGKILL')
    const lines = fleet.newOnHosts()
    expect(lines.length).toBeGreaterThan(4)
    const post = await fleet.post(main)
    const told = post.annotations.map(({ message }) => message).join('\n')
    expect(lines.filter((line) => !told.includes(line))).toEqual([])
    expect(fleet.left().filter((one) => !/^(web|db):/.test(one))).toEqual([])
    fleet.resetHosts()
    fleet.removeJobDirectories()
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'main by %s, as a cancelled job has it',
    async (signal) => {
      for (const record of [3, 5, 9]) {
        const main = await fleet.scene.job.run(MAIN, fleet.everywhere, {
          onStart: (child) => {
            const timer = setInterval(() => {
              if (fleet.records() < record) return
              clearInterval(timer)
              child.kill(signal)
            }, 5)
            child.once('exit', () => {
              clearInterval(timer)
            })
          },
        })
        expect(main.signal).toBe(signal)
        const { code, annotations } = await fleet.post(main)
        await fleet.agentEnds()
        expect({ code, annotations, left: fleet.left() }).toEqual({
          code: 0,
          annotations: [],
          left: [],
        })
      }
    },
  )
})
