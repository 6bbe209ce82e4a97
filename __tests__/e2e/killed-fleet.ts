/**
 * A job that leaves as much as it can, here and on two hosts, and that is killed at a given point: what
 * the tests of that share.
 */
import { expect } from '@jest/globals'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeHome, type Home } from '../support/home'
import { makeKey } from '../support/keys'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { MAIN, makeScene, type Scene } from './fixtures'

const KILL_AT = join(process.cwd(), '__tests__', 'support', 'kill-at.cjs')

/** Where main is killed; kill-at.cjs explains the words. */
export type Point = `${'before' | 'after' | 'journal' | 'effect'}:${number}`

interface Counts {
  call: number
  record: number
}

export interface Fleet {
  scene: Scene
  /** Main as the runner runs it, killed at `point`; it has succeeded where there is no such point. */
  main: (inputs: Record<string, string>, point?: Point) => Promise<StepResult>
  /** The same under a runner that dies with it. */
  mainAndRunner: (inputs: Record<string, string>, point: Point) => Promise<void>
  /** Post with the state of that main, killed at `point`. */
  post: (main: StepResult, point?: Point) => Promise<StepResult>
  /** How many points there are. */
  count: (inputs: Record<string, string>) => Promise<{ main: Counts; post: Counts }>
  /** A deploy key and a pinned host: nothing is done but here. */
  here: Record<string, string>
  /** A generated key for two hosts, and trust between them. */
  everywhere: Record<string, string>
  /** An agent that nobody waits for, since main died before it served, takes a moment to end. */
  agentEnds: () => Promise<void>
  /** A script on a host may outlive for a moment the login that has started it. */
  hostsRest: () => Promise<void>
  /** What differs from before: here, on the hosts, and processes. */
  left: () => string[]
  /** The lines that are new in authorized_keys and known_hosts of the hosts. */
  newOnHosts: () => string[]
  /** Puts the hosts' files back. */
  resetHosts: () => void
  jobDirectories: () => string[]
  /** How many records the job's journal has. */
  records: () => number
  removeJobDirectories: () => void
  end: () => Promise<void>
}

interface Host {
  name: string
  home: Home
  sshd: Sshd
  before: ReturnType<Home['snapshot']>
}

export async function makeFleet(): Promise<Fleet> {
  const scene = await makeScene()
  const own = join(scene.home.directory, '.ssh')
  mkdirSync(own, { mode: 0o700 })
  // Somebody's own config without a newline at its end, and with a mode of its own.
  writeFileSync(join(own, 'config'), 'Host other\r\n  User somebody\nHost last', { mode: 0o640 })
  const admin = await makeKey(scene.directory, 'ed25519', { comment: 'admin', file: 'admin' })
  const hosts: Host[] = []
  for (const name of ['web', 'db']) {
    const home = await makeHome()
    const authorizedKeys = [admin.publicKey, scene.key.publicKey]
    const sshd = await startSshd({ home, authorizedKeys, extraConfig: ['MaxStartups 100'] })
    hosts.push({ name, home, sshd, before: home.snapshot() })
  }
  const before = scene.home.snapshot()
  const lines = hosts.map(
    ({ name, sshd }) => `${name}=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`,
  )
  const { job } = scene
  const jobDirectories = (): string[] =>
    readdirSync(job.temp).filter((name) => name.startsWith('ssh-trust'))

  /** Runs a step with kill-at.cjs, told these variables. */
  const watched = async (
    variables: Record<string, string>,
    step: () => Promise<StepResult>,
  ): Promise<StepResult> => {
    Object.assign(job.env, { NODE_OPTIONS: `--require=${KILL_AT}`, ...variables })
    try {
      return await step()
    } finally {
      for (const name of ['NODE_OPTIONS', ...Object.keys(variables)]) {
        Reflect.deleteProperty(job.env, name)
      }
    }
  }
  const atPoint = async (
    point: Point | undefined,
    step: () => Promise<StepResult>,
  ): Promise<StepResult> => (point === undefined ? step() : watched({ KILL_AT: point }, step))
  const counted = async (step: () => Promise<StepResult>): Promise<[Counts, StepResult]> => {
    const file = join(scene.directory, 'counts')
    const result = await watched({ KILL_COUNT: file }, step)
    expect({ code: result.code, annotations: result.annotations }).toEqual({
      code: 0,
      annotations: [],
    })
    return [JSON.parse(readFileSync(file, 'utf8')) as Counts, result]
  }

  return {
    scene,
    main: async (inputs, point) => atPoint(point, async () => job.run(MAIN, inputs)),
    post: async (main, point) => atPoint(point, async () => scene.post(main)),
    here: { 'ssh-private-key': scene.key.privateKey, hosts: lines[0] ?? '' },
    everywhere: {
      'generate-key': 'ed25519',
      'bootstrap-key': admin.privateKey,
      hosts: lines.map((line) => `${line} bootstrap`).join('\n'),
      trust: 'web <-> db',
    },
    mainAndRunner: async (inputs, point) => {
      const script = `const [, main, required] = process.argv
        require('node:child_process').spawnSync(process.execPath, ['--require', required, main], {
          stdio: 'inherit', env: { ...process.env, KILL_AT: process.env.POINT, KILL_PARENT: '1' } })`
      const entries = Object.entries(inputs).map(([name, value]) => [
        `INPUT_${name.toUpperCase()}`,
        value,
      ])
      const env = { ...(Object.fromEntries(entries) as Record<string, string>), POINT: point }
      const node = process.env['SSH_TRUST_NODE'] ?? process.execPath
      const { signal } = await job.exec(node, ['-e', script, MAIN, KILL_AT], { env })
      expect([point, signal]).toEqual([point, 'SIGKILL'])
    },
    count: async (inputs) => {
      const [inMain, main] = await counted(async () => job.run(MAIN, inputs))
      const [inPost] = await counted(async () => scene.post(main))
      return { main: inMain, post: inPost }
    },
    hostsRest: async () => {
      const look = (): string => JSON.stringify(hosts.map(({ home }) => [...snapshotOf(home)]))
      for (let before = ''; before !== look();) {
        before = look()
        await sleep(200)
      }
    },
    agentEnds: async () => {
      const deadline = Date.now() + 10_000
      while (job.processes().length > 0 && Date.now() < deadline) await sleep(20)
    },
    left: () => [
      ...differences('here', before, scene.home.snapshot()),
      ...hosts.flatMap((host) => differences(host.name, host.before, snapshotOf(host.home))),
      ...job.processes().map(({ command }) => `process ${command.join(' ')}`),
    ],
    newOnHosts: () =>
      hosts.flatMap(({ home, before: was }) =>
        [...snapshotOf(home)].flatMap(([path, { type, content }]) => {
          if (!/(authorized_keys|known_hosts)$/.test(path)) return []
          if (type !== 'file' || content === was.get(path)?.content) return []
          return Buffer.from(content, 'base64').toString().split('\n').filter(Boolean)
        }),
      ),
    resetHosts: () => {
      // Before a job nothing is there: tests give accounts no files of their own.
      for (const { home } of hosts) {
        for (const name of readdirSync(home.directory)) {
          rmSync(join(home.directory, name), { recursive: true })
        }
      }
    },
    jobDirectories,
    records: () =>
      jobDirectories()
        .map((name) => readText(join(job.temp, name, 'journal.jsonl')))
        .join('')
        .split('\n').length - 1,
    removeJobDirectories: () => {
      for (const name of jobDirectories()) rmSync(join(job.temp, name), { recursive: true })
    },
    end: async () => {
      for (const { home, sshd } of hosts) {
        await sshd.stop()
        home.remove()
      }
      await scene.end()
    },
  }
}

function differences(
  where: string,
  before: ReturnType<Home['snapshot']>,
  after: ReturnType<Home['snapshot']>,
): string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => JSON.stringify(before.get(path)) !== JSON.stringify(after.get(path)))
    .map((path) => `${where}: ${path}`)
}

/** Again where a file has gone while it was looked at. */
function snapshotOf(home: Home): ReturnType<Home['snapshot']> {
  for (;;) {
    try {
      return home.snapshot()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** All points in the order in which they come: the first kind before the second. */
export function points(kinds: readonly string[], number: number): Point[] {
  return Array.from({ length: number }, (_, index) =>
    kinds.map((kind) => `${kind}:${index + 1}` as Point),
  ).flat()
}
