/**
 * Many accounts of one server, as a workflow has them, before an sshd that penalises connections
 * without a login: neither proof, nor bootstrap, nor revocation, nor post may come to be locked out.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeKey, type Key } from '../support/keys'
import { describeWith } from '../support/programs'
import type { StepResult } from '../support/runner'
import { makeDirectory } from '../support/scratch'
import { startAccounts, type Accounts } from './accounts'
import { MAIN, makeScene, POST, type Scene } from './fixtures'
import { startFront, type Front } from './penalties'

const PASSWORD = 'correct horse "battery" $taple'
const OTHERS =
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIpoXW6G5sM3mGqgGzXvYyEfzdnfqgpP1fLtwuyRk0b+ old'
const SLOW = { timeout: 60_000 }

describeWith(['sshd', 'ssh', 'openssl', 'nss_wrapper', 'root'], 'a server that penalises', () => {
  let scene: Scene
  let server: Accounts
  let front: Front
  let stranger: Key

  beforeEach(async () => {
    scene = await makeScene()
    stranger = await makeKey(makeDirectory('stranger'), 'ed25519', { comment: 'stranger' })
    await serve()
  })
  const serve = async (...config: string[]): Promise<void> => {
    server = await startAccounts(20, {
      password: PASSWORD,
      hostKeys: ['ed25519', 'ecdsa'],
      extraConfig: ['PasswordAuthentication yes', 'MaxStartups 10:30:100', ...config],
    })
    front = await startFront(server.sshd)
  }
  afterEach(async () => {
    await front.stop()
    await server.stop()
    await scene.end()
  })

  const lines = (count: number): string =>
    server.users
      .slice(0, count)
      .map((user) => {
        const pin = server.sshd.publicKey('ecdsa')
        return `${user}=${user}@127.0.0.1:${front.port} ${pin} bootstrap`
      })
      .join('\n')
  const outcome = ({ code, annotations }: StepResult): unknown => ({ code, annotations })
  const ok = { code: 0, annotations: [] }
  /** Once the log has told of all connections. */
  const penalties = async (count: number): Promise<string[]> => {
    const deadline = Date.now() + 10_000
    while (front.given.length < count && Date.now() < deadline) await sleep(20)
    return [...front.given]
  }

  test.each([1, 5, 20])(
    'sees one connection without a login, for %d accounts: proof, bootstrap, revocation, post',
    async (count) => {
      const used = new Map(server.users.slice(0, count).map((user) => [user, `${OTHERS}\n`]))
      server.reset(used)
      const main = await scene.job.run(
        MAIN,
        {
          'generate-key': 'ed25519',
          // The server does not take it: the password is told in the same connection.
          'bootstrap-key': stranger.privateKey,
          'bootstrap-password': PASSWORD,
          'revoke-keys': 'comment=old',
          hosts: lines(count),
        },
        SLOW,
      )
      expect(outcome(main)).toEqual(ok)
      expect(main.log.match(/login with it proven/g)).toHaveLength(count)
      expect(main.log.match(/1 keys revoked/g)).toHaveLength(count)
      expect(await scene.job.exec('ssh', ['account0', 'echo in'])).toMatchObject({ stdout: 'in\n' })
      const post = await scene.job.run(POST, {}, { ...SLOW, state: main.state })
      expect(outcome(post)).toEqual(ok)
      expect([...server.files().values()].join('')).toBe('')
      expect(await penalties(1)).toEqual(['noauth'])
      expect(front.refused()).toBe(0)
    },
    150_000,
  )

  test('is asked again where it takes one try in a connection', async () => {
    await front.stop()
    await server.stop()
    await serve('MaxAuthTries 1')
    const main = await scene.job.run(MAIN, {
      'generate-key': 'ed25519',
      'bootstrap-key': stranger.privateKey,
      'bootstrap-password': PASSWORD,
      hosts: lines(1),
    })
    expect(outcome(main)).toEqual(ok)
    expect(outcome(await scene.post(main))).toEqual(ok)
    expect((await penalties(2)).toSorted()).toEqual(['authfail', 'noauth'])
  })

  test('takes in those whose password is right, though that of two others is wrong', async () => {
    const wrong = ['account1', 'account3']
    const hosts = lines(6)
      .split('\n')
      .map((line, index) => (index % 2 === 1 && index < 4 ? `${line} password-env=WRONG` : line))
      .join('\n')
    scene.job.env['WRONG'] = 'wrong'
    const main = await scene.job.run(
      MAIN,
      {
        'generate-key': 'ed25519',
        'bootstrap-password': PASSWORD,
        'bootstrap-failure': 'continue',
        'revoke-keys': 'comment=old',
        hosts,
      },
      SLOW,
    )
    expect(main.code).toBe(0)
    expect(main.log.match(/login with it proven/g)).toHaveLength(4)
    const warnings = main.annotations.map(({ message }) => message)
    for (const user of wrong) {
      expect(warnings.filter((message) => message.startsWith(`${user}@${user}`))).not.toEqual([])
    }
    expect(await scene.job.exec('ssh', ['account0', 'echo in'])).toMatchObject({ stdout: 'in\n' })
    expect(outcome(await scene.post(main))).toEqual(ok)
    expect(front.refused()).toBe(0)
    expect(server.files().size).toBe(0)
  }, 60_000)
})
