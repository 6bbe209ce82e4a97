/** Main and its runner killed, so that post never runs: the agent takes everything back, or the next job. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { tellFaults } from '../support/faults'
import { describeWith } from '../support/programs'
import { makeFleet, points, type Fleet, type Point } from './killed-fleet'

/** Milliseconds for all points of a test: each is a job of some seconds, more on a busy machine. */
const LONG = 900_000

const FAULT =
  'main and runner killed, after each record of the journal and after what it stands for, with `bootstrap` and `trust` on two hosts'

describeWith(['sshd', 'ssh', 'account'], 'main and its runner killed', () => {
  let fleet: Fleet
  let all: Point[]
  beforeAll(async () => {
    fleet = await makeFleet()
    const { record } = (await fleet.count(fleet.everywhere)).main
    all = points(['journal', 'effect'], record).slice(0, -1)
  })
  afterAll(async () => {
    await fleet.end()
  })

  test(
    'the agent alone leaves nothing, wherever that was',
    async () => {
      const found: unknown[] = []
      for (const point of all) {
        await fleet.mainAndRunner(fleet.everywhere, point)
        // The test's own time limit is the deadline.
        const agents = (): unknown[] => fleet.scene.job.processes()
        while (agents().length > 0) await sleep(50)
        const left = fleet.left()
        if (left.length > 0) found.push({ point, left })
        fleet.removeJobDirectories()
      }
      tellFaults({
        fault: FAULT,
        recovery: 'the agent alone',
        tried: all.length,
        survived: all.length - found.length,
      })
      expect(found).toEqual([])
    },
    LONG,
  )

  test(
    'the next job leaves nothing here, and tells of each line that it can’t remove on hosts',
    async () => {
      const found: unknown[] = []
      for (const point of all) {
        await fleet.mainAndRunner(fleet.everywhere, point)
        for (const { pid } of fleet.scene.job.processes()) process.kill(pid, 'SIGKILL')
        await fleet.hostsRest()
        const lines = fleet.newOnHosts()
        const next = await fleet.main(fleet.here)
        await fleet.scene.post(next)
        const told = next.annotations.map(({ message }) => message).join('\n')
        const untold = lines.filter((line) => !told.includes(line))
        const left = fleet
          .left()
          .filter((one) => one.startsWith('here') || one.startsWith('process'))
        if (next.code !== 0 || untold.length > 0 || left.length > 0) {
          found.push({ point, code: next.code, untold, told, left })
        }
        fleet.resetHosts()
      }
      tellFaults({
        fault: FAULT,
        recovery: 'the next job, here; lines on hosts are told',
        tried: all.length,
        survived: all.length - found.length,
      })
      expect(found).toEqual([])
    },
    LONG,
  )
})
