/** The agent's lock: what opens it, and how long wrong passphrases make wait. */
import { describe, expect, test } from '@jest/globals'
import { openLock, type Lock } from '../../src/agent/lock'

const text = (passphrase: string): Buffer => Buffer.from(passphrase)

/** A lock that is locked with `secret`, and the times that it has waited. */
async function locked(): Promise<{ lock: Lock; waits: number[] }> {
  const waits: number[] = []
  const lock = openLock((milliseconds) => {
    waits.push(milliseconds)
    return Promise.resolve()
  })
  expect(await lock.lock(text('secret'))).toBe(true)
  return { lock, waits }
}

test('a new lock is open, and there is nothing to open', async () => {
  const lock = openLock()
  expect(lock.isLocked()).toBe(false)
  expect(await lock.unlock(text('secret'))).toBe(false)
  expect(await lock.unlock(text(''))).toBe(false)
})

test('an empty passphrase locks nothing', async () => {
  const lock = openLock()
  expect(await lock.lock(text(''))).toBe(false)
  expect(lock.isLocked()).toBe(false)
})

test('the passphrase opens it, any number of times, and a new one counts then', async () => {
  const { lock, waits } = await locked()
  expect(await lock.unlock(text('secret'))).toBe(true)
  expect(lock.isLocked()).toBe(false)
  expect(await lock.lock(text('other'))).toBe(true)
  expect(await lock.unlock(text('secret'))).toBe(false)
  expect(await lock.unlock(text('other'))).toBe(true)
  expect(waits).toEqual([100])
})

test.each(['', 'Secret', 'secret ', 'secre', 'secret\0', 'x'.repeat(10_000)])(
  '%j does not open it',
  async (passphrase) => {
    const { lock } = await locked()
    expect(await lock.unlock(text(passphrase))).toBe(false)
    expect(lock.isLocked()).toBe(true)
  },
)

test('bytes that are no text lock and open', async () => {
  const lock = openLock(() => Promise.resolve())
  expect(await lock.lock(Buffer.of(0xff, 0, 0xfe))).toBe(true)
  expect(await lock.unlock(Buffer.of(0xfe, 0, 0xff))).toBe(false)
  expect(await lock.unlock(Buffer.of(0xff, 0, 0xfe))).toBe(true)
})

test('locked, it is not locked again', async () => {
  const { lock } = await locked()
  expect(await lock.lock(text('other'))).toBe(false)
  expect(await lock.unlock(text('secret'))).toBe(true)
})

describe('wrong passphrases', () => {
  test('make wait a tenth of a second more each time, up to ten seconds', async () => {
    const { lock, waits } = await locked()
    for (let n = 0; n < 102; n += 1) expect(await lock.unlock(text('wrong'))).toBe(false)
    const growing = Array.from({ length: 100 }, (_, n) => (n + 1) * 100)
    expect(waits).toEqual([...growing, 10_000, 10_000])
  }, 120_000) // each attempt is meant to cost time

  test('are forgotten when it is opened', async () => {
    const { lock, waits } = await locked()
    await lock.unlock(text('wrong'))
    await lock.unlock(text('wrong'))
    await lock.unlock(text('secret'))
    await lock.lock(text('secret'))
    await lock.unlock(text('wrong'))
    expect(waits).toEqual([100, 200, 100])
  })

  test('at once wait in turn, the right one behind them too', async () => {
    const ends: (() => void)[] = []
    const lock = openLock(
      () =>
        new Promise<void>((resolve) => {
          ends.push(resolve)
        }),
    )
    await lock.lock(text('secret'))
    const order: string[] = []
    const attempt = async (passphrase: string): Promise<void> => {
      const opened = await lock.unlock(text(passphrase))
      order.push(`${passphrase} ${String(opened)}`)
    }
    const attempts = ['first', 'second', 'secret'].map(attempt)
    for (let waiting = 1; waiting <= 2; waiting += 1) {
      while (ends.length < waiting) await new Promise(setImmediate)
      // Nobody is served while one waits.
      for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate)
      expect(ends).toHaveLength(waiting)
      expect(lock.isLocked()).toBe(true)
      ends.at(-1)?.()
    }
    await Promise.all(attempts)
    expect(order).toEqual(['first false', 'second false', 'secret true'])
  })

  test('a wait that fails fails its attempt alone', async () => {
    let waits = 0
    const lock = openLock(() => {
      waits += 1
      return waits === 1 ? Promise.reject(new Error('no timer')) : Promise.resolve()
    })
    await lock.lock(text('secret'))
    await expect(lock.unlock(text('wrong'))).rejects.toThrow('no timer')
    expect(await lock.unlock(text('secret'))).toBe(true)
  })
})
