/** Many jobs at once on one account: each sees its own trust alone, and together they leave nothing. */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { makeHome, type Home } from '../support/home'
import { makeKey, type Key } from '../support/keys'
import { tellFaults } from '../support/faults'
import { describeWith } from '../support/programs'
import { createJob, type Job, type StepResult } from '../support/runner'
import { makeDirectory, removeDirectory } from '../support/scratch'
import { startSshd, type Sshd } from '../support/sshd'
import { MAIN, POST } from './fixtures'

const JOBS = 20
const SERVERS = 4

/** Milliseconds for twenty jobs, on a machine that may be busy. */
const LONG = 180_000

describeWith(['sshd', 'ssh', 'nss_wrapper'], 'twenty jobs on one account', () => {
  let home: Home
  let directory: string
  let servers: Sshd[]
  let jobs: { job: Job; key: Key; sshd: Sshd }[]

  beforeEach(async () => {
    home = await makeHome()
    directory = makeDirectory('side-by-side')
    const keys = await Promise.all(
      Array.from({ length: JOBS }, async (_, index) =>
        makeKey(directory, 'ed25519', { comment: `job ${index}`, file: `key-${index}` }),
      ),
    )
    const extraConfig = ['MaxStartups 100']
    servers = []
    for (let index = 0; index < SERVERS; index += 1) {
      const authorizedKeys = keys
        .filter((_, job) => job % SERVERS === index)
        .map(({ publicKey }) => publicKey)
      servers.push(await startSshd({ home, authorizedKeys, extraConfig }))
    }
    jobs = keys.map((key, index) => {
      const sshd = servers[index % SERVERS]
      if (sshd === undefined) throw new Error('no server')
      return { job: createJob({ home }), key, sshd }
    })
  }, LONG)

  afterEach(async () => {
    await Promise.all(jobs.map(async ({ job }) => job.cleanup()))
    await Promise.all(servers.map(async (sshd) => sshd.stop()))
    home.remove()
    removeDirectory(directory)
  })

  /** All with the same name for their different servers. */
  const setUpAll = async (): Promise<StepResult[]> =>
    Promise.all(
      jobs.map(async ({ job, key, sshd }) =>
        job.run(MAIN, {
          'ssh-private-key': key.privateKey,
          hosts: `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`,
        }),
      ),
    )
  const takeAllBack = async (mains: readonly StepResult[]): Promise<StepResult[]> =>
    Promise.all(
      jobs.map(async ({ job }, index) => job.run(POST, {}, { state: mains[index]?.state ?? {} })),
    )
  const outcomes = (results: readonly StepResult[]): unknown[] =>
    results.map(({ code, annotations }) => ({ code, annotations }))
  const allWell = Array.from({ length: JOBS }, () => ({ code: 0, annotations: [] }))

  const tellJobs = (fault: string): void => {
    tellFaults({ fault, recovery: 'post', tried: JOBS, survived: JOBS })
  }

  /** The port of the server that each job’s ssh came to. */
  const whereTo = async (): Promise<string[]> =>
    Promise.all(
      jobs.map(async ({ job }) => {
        const { stdout, stderr } = await job.exec('ssh', ['web', 'echo "$SSH_CONNECTION"'])
        return stdout.trim().split(' ')[3] ?? stderr
      }),
    )
  const expected = (): string[] => jobs.map(({ sshd }) => String(sshd.port))

  test(
    'there was no ~/.ssh: each comes to its own server, and there is none after',
    async () => {
      const before = home.snapshot()
      const mains = await setUpAll()
      expect(outcomes(mains)).toEqual(allWell)
      expect(await whereTo()).toEqual(expected())
      expect(outcomes(await takeAllBack(mains))).toEqual(allWell)
      expect(home.snapshot()).toEqual(before)
      expect(jobs.flatMap(({ job }) => job.processes())).toEqual([])
      tellJobs('jobs at once on one account, the same names for different servers')
    },
    LONG,
  )

  test(
    'in a config of the user’s, which others edit meanwhile, behind a dead job’s lock',
    async () => {
      const config = join(home.directory, '.ssh', 'config')
      mkdirSync(join(home.directory, '.ssh'), { mode: 0o700 })
      writeFileSync(config, 'Host own\r\n  Port 1\r\n', { mode: 0o640 })
      const before = home.snapshot()
      const lock = { pid: 2 ** 22 + 1, start: '1', host: hostname() }
      writeFileSync(`${config}.ssh-trust-lock`, JSON.stringify(lock))
      writeFileSync(`${config}.ssh-trust-new-aB3dE6`, 'torn')

      const mains = await setUpAll()
      expect(outcomes(mains)).toEqual(allWell)
      writeFileSync(config, `${readFileSync(config, 'latin1')}Host late\n`)
      expect(await whereTo()).toEqual(expected())
      expect(outcomes(await takeAllBack(mains))).toEqual(allWell)
      expect(readFileSync(config, 'latin1')).toBe('Host own\r\n  Port 1\r\nHost late\n')
      writeFileSync(config, 'Host own\r\n  Port 1\r\n')
      expect(home.snapshot()).toEqual(before)
      tellJobs('the same, behind a lock and a torn file of a dead job')
    },
    LONG,
  )
})
