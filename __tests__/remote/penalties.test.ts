/** Logins that fail, one after another: their penalties never reach what sshd refuses an address for. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { noteNoLogin, withRoomToFail } from '../../src/remote/penalties'

const NEW = 'OpenSSH_9.8p1'
let port = 0
beforeEach(() => {
  jest.useFakeTimers()
  port += 1
})
afterEach(() => {
  jest.useRealTimers()
})

/** sshd's own account, of one address (srclimit.c). */
function sshd(): { penalise: (seconds: number) => void; most: () => number } {
  let [expiry, most] = [0, 0]
  return {
    penalise: (seconds) => {
      const now = Date.now() / 1000
      expiry = Math.max(expiry, now) + seconds
      most = Math.max(most, expiry - now)
    },
    most: () => most,
  }
}

const server = (): { host: string; port: number } => ({ host: 'penalised.example.org', port })

async function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

/** Tries so many logins at once that all fail; how long that took, in milliseconds. */
async function failing(
  count: number,
  software: string,
  { penalise }: ReturnType<typeof sshd>,
): Promise<number> {
  const start = Date.now()
  const logins = Array.from({ length: count }, async () =>
    withRoomToFail(
      server(),
      () => software,
      async () => {
        await later(200)
        setTimeout(() => {
          penalise(5) // when its process is reaped
        }, 100)
        throw new Error('refused')
      },
    ).catch((error: unknown) => error),
  )
  const all = Promise.all(logins)
  await jest.runAllTimersAsync()
  expect(await all).toHaveLength(count)
  return Date.now() - start
}

describe('logins that fail', () => {
  test.each([2, 3, 10, 20])('%d: never more than 15 s of penalty', async (count) => {
    const account = sshd()
    const time = await failing(count, NEW, account)
    expect(account.most()).toBeLessThanOrEqual(15)
    // No longer than it takes for the penalties to pass.
    expect(time).toBeLessThanOrEqual(count * 5000)
  })

  test('behind connections without a login, which count too', async () => {
    const account = sshd()
    for (let count = 0; count < 6; count += 1) {
      noteNoLogin(server(), `SSH-2.0-${NEW}`)
      account.penalise(1)
    }
    await failing(6, NEW, account)
    expect(account.most()).toBeLessThanOrEqual(15)
  })

  test.each(['OpenSSH_9.7p1', 'OpenSSH_for_Windows_9.5', 'dropbear_2024.86', ''])(
    'at %j wait for nothing',
    async (software) => {
      expect(await failing(20, software, sshd())).toBeLessThan(5000)
    },
  )
})

test('logins that succeed wait for nothing, two at a time', async () => {
  let [now, most] = [0, 0]
  const logins = Array.from({ length: 20 }, async () =>
    withRoomToFail(
      server(),
      () => NEW,
      async () => {
        now += 1
        most = Math.max(most, now)
        await later(100)
        now -= 1
      },
    ),
  )
  const all = Promise.all(logins)
  const start = Date.now()
  await jest.runAllTimersAsync()
  await all
  expect(most).toBe(2)
  expect(Date.now() - start).toBe(1000)
})

test('servers do not wait for one another', async () => {
  const account = sshd()
  await failing(4, NEW, account)
  port += 1
  const start = Date.now()
  const login = withRoomToFail(
    server(),
    () => NEW,
    async () => later(1),
  )
  await jest.runAllTimersAsync()
  await login
  expect(Date.now() - start).toBe(1)
})
