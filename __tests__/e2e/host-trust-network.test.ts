/**
 * Trust between hosts with addresses of their own, on port 22: what known_hosts and from= say there,
 * and that from= holds against a key that was carried off.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeHome, type Home } from '../support/home'
import {
  describeWithNamespaces,
  makeNetwork,
  startSshdAt,
  type Network,
  type NetworkHost,
  type NetworkSshd,
} from '../support/namespaces'
import { describeWith } from '../support/programs'
import { run } from '../support/run'
import type { StepResult } from '../support/runner'
import { MAIN, makeScene, POST, type Scene } from './fixtures'

const NAMES = ['a', 'b', 'c'] as const
type Name = (typeof NAMES)[number]

const STEP = 60_000
const TEST = 120_000

interface Host extends NetworkHost {
  home: Home
  sshd: NetworkSshd
  before: ReturnType<Home['snapshot']>
}

describeWith(
  ['sshd', 'ssh', 'account', 'root', 'linux'],
  'hosts with addresses of their own',
  () => {
    describeWithNamespaces('in network namespaces', () => {
      let network: Network
      let scene: Scene
      let hosts: Record<Name, Host>

      beforeAll(() => {
        network = makeNetwork(NAMES)
      })
      afterAll(() => {
        network.remove()
      })
      beforeEach(async () => {
        scene = await makeScene()
        const made = await Promise.all(
          NAMES.map(async (name) => {
            const place = network.hosts[name]
            if (place === undefined) throw new Error(`no host ${name}`)
            const home = await makeHome()
            const sshd = await startSshdAt(place, home, [scene.key.publicKey])
            return [name, { ...place, home, sshd, before: home.snapshot() }] as const
          }),
        )
        hosts = Object.fromEntries(made) as Record<Name, Host>
      }, TEST)
      afterEach(async () => {
        for (const { home, sshd } of Object.values(hosts)) {
          await sshd.stop()
          home.remove()
        }
        await scene.end()
      })

      const trust = async (text: string): Promise<StepResult> =>
        scene.job.run(
          MAIN,
          {
            'ssh-private-key': scene.key.privateKey,
            hosts: NAMES.map((name) => {
              const { address, sshd } = hosts[name]
              return `${name}=${sshd.user}@${address} ${sshd.fingerprint}`
            }).join('\n'),
            trust: text,
          },
          { node: network.node, timeout: STEP },
        )
      const post = async ({ state }: StepResult): Promise<StepResult> =>
        scene.job.run(POST, {}, { state, node: network.node, timeout: STEP })
      const outcome = ({ code, annotations }: StepResult): unknown => ({ code, annotations })
      const ok = { code: 0, annotations: [] }
      const file = (name: Name, path: string): string =>
        readFileSync(join(hosts[name].home.directory, '.ssh', path), 'utf8')
      const logIn = async (from: Name, to: Name): Promise<string> => {
        const { namespace, home } = hosts[from]
        const options = ['-o', 'BatchMode=yes', '-o', 'UpdateHostKeys=no']
        const { stdout, stderr } = await run(
          'ip',
          [
            'netns',
            'exec',
            namespace,
            'ssh',
            ...options,
            hosts[to].address,
            'echo $SSH_CONNECTION',
          ],
          { env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, ...home.env } },
        )
        return stdout + stderr
      }
      const expectNothingLeft = (): void => {
        for (const name of NAMES) {
          expect([name, hosts[name].home.snapshot()]).toEqual([name, hosts[name].before])
        }
      }

      test(
        'a <-> b from: each line names the address that the other logs in from, and no other gets in',
        async () => {
          const main = await trust('a <-> b from\nc -> a from=10.77.0.0/24,!10.77.0.12')
          expect(outcome(main)).toEqual(ok)
          expect(file('a', 'authorized_keys')).toMatch(/^from="10\.77\.0\.12",expiry-time=/m)
          expect(file('a', 'authorized_keys')).toMatch(/^from="10\.77\.0\.0\/24,!10\.77\.0\.12",/m)
          expect(file('b', 'authorized_keys')).toMatch(/^from="10\.77\.0\.11",expiry-time=/)
          expect(file('a', 'known_hosts')).toMatch(
            /^10\.77\.0\.12 ssh-ed25519 \S+ ssh-trust:\S+\n$/,
          )
          expect(hosts.b.sshd.log()).toMatch(/Accepted publickey for \S+ from 10\.77\.0\.11 /)

          expect(await logIn('a', 'b')).toMatch(/^10\.77\.0\.11 \d+ 10\.77\.0\.12 22\n/)
          expect(await logIn('c', 'a')).toMatch(/^10\.77\.0\.13 \d+ 10\.77\.0\.11 22\n/)
          // The key of a, carried off to c.
          const stolen = join(hosts.c.home.directory, '.ssh')
          mkdirSync(stolen, { recursive: true })
          const own = file('c', 'id_ed25519')
          writeFileSync(join(stolen, 'id_ed25519'), file('a', 'id_ed25519'))
          const known = file('c', 'known_hosts')
          writeFileSync(join(stolen, 'known_hosts'), file('a', 'known_hosts'))
          expect(await logIn('c', 'b')).toContain('Permission denied (publickey')
          writeFileSync(join(stolen, 'id_ed25519'), own)
          writeFileSync(join(stolen, 'known_hosts'), known)

          expect(outcome(await post(main))).toEqual(ok)
          expectNothingLeft()
        },
        TEST,
      )

      test(
        'from= with another address: the login fails, and all is taken back',
        async () => {
          const main = await trust('a -> b from=10.77.0.13')
          expect(main.code).toBe(1)
          expect(main.log).toContain('[trust-unproven]')
          expect(main.log).toContain('Permission denied')
          expectNothingLeft()
        },
        TEST,
      )
    })
  },
)
