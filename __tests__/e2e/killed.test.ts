/** Main killed at any point, then post: nothing is left, here or on the hosts. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../support/programs'
import { MAIN } from './fixtures'
import { makeFleet, points, type Fleet, type Point } from './killed-fleet'

/** Milliseconds for all points of a test: each is a job of a second or two, more on a busy machine. */
const LONG = 900_000

describeWith(['sshd', 'ssh', 'account'], 'main killed, then post', () => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await makeFleet()
  })
  afterAll(async () => {
    await fleet.end()
  })

  /** Kills main at each point; what was not as it should be after post. */
  async function defects(
    inputs: Record<string, string>,
    all: readonly Point[],
  ): Promise<unknown[]> {
    const found: unknown[] = []
    for (const point of all) {
      const main = await fleet.main(inputs, point)
      const post = await fleet.scene.post(main)
      const { code, annotations } = post
      // Before the state is saved post knows of nothing; nothing is done then but the directory made.
      if (main.state['journal'] === undefined) fleet.removeJobDirectories()
      const left = [...fleet.left(), ...fleet.jobDirectories()]
      if (main.signal !== 'SIGKILL' || code !== 0 || annotations.length > 0 || left.length > 0) {
        found.push({ point, signal: main.signal, code, annotations, left, log: post.log })
      }
    }
    return found
  }

  test(
    'before and after each call that changes something here',
    async () => {
      const { call } = (await fleet.count(fleet.here)).main
      expect(call).toBeGreaterThan(20)
      expect(await defects(fleet.here, points(['before', 'after'], call))).toEqual([])
    },
    LONG,
  )

  test(
    'after each record of the journal, and after what it stands for, on the hosts too',
    async () => {
      const { record } = (await fleet.count(fleet.everywhere)).main
      expect(record).toBeGreaterThan(8)
      expect(
        await defects(fleet.everywhere, points(['journal', 'effect'], record).slice(0, -1)),
      ).toEqual([])
    },
    LONG,
  )

  test.each(['here', 'everywhere'] as const)(
    'post killed before and after each call that changes something, then post again: %s',
    async (inputs) => {
      const { call } = (await fleet.count(fleet[inputs])).post
      expect(call).toBeGreaterThan(10)
      const found: unknown[] = []
      for (const point of points(inputs === 'here' ? ['before', 'after'] : ['after'], call)) {
        const main = await fleet.main(fleet[inputs])
        const killed = await fleet.post(main, point)
        const { code, annotations } = await fleet.post(main)
        const left = [...fleet.left(), ...fleet.jobDirectories()]
        if (
          killed.signal !== 'SIGKILL' ||
          code !== 0 ||
          annotations.length > 0 ||
          left.length > 0
        ) {
          found.push({ point, signal: killed.signal, code, annotations, left })
        }
      }
      expect(found).toEqual([])
    },
    LONG,
  )

  test('the agent killed: nothing is left here, and each line on a host is told', async () => {
    const main = await fleet.main(fleet.everywhere)
    for (const { pid } of fleet.scene.job.processes()) process.kill(pid, 'SIGKILL')
    const lines = fleet.newOnHosts().filter((line) => /(^| )ssh-ed25519 /.test(line))
    expect(lines.length).toBeGreaterThan(4)
    const post = await fleet.post(main)
    const told = post.annotations.map(({ message }) => message).join('\n')
    expect(lines.filter((line) => !told.includes(line))).toEqual([])
    expect(fleet.left().filter((one) => !/^(web|db):/.test(one))).toEqual([])
    fleet.resetHosts()
    fleet.removeJobDirectories()
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'a cancelled job: %s during main, then post',
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
        expect({ code, annotations, left: fleet.left() }).toEqual({
          code: 0,
          annotations: [],
          left: [],
        })
      }
    },
  )
})
