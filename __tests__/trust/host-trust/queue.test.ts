/** Many things at a time, but not too many at one host. */
import { describe, expect, test } from '@jest/globals'
import { TrustError } from '../../../src/errors'
import { AT_ONCE, forAll, LOGINS } from '../../../src/trust/host-trust/queue'

const turn = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

interface Login {
  source: number
  target: number
}

const mesh = (size: number): Login[] => {
  const hosts = [...Array(size).keys()]
  return hosts.flatMap((source) =>
    hosts.filter((target) => target !== source).map((target) => ({ source, target })),
  )
}

describe('a mesh of 50 hosts', () => {
  test('2,450 logins are done, 16 at a time, 4 from and 4 to each host', async () => {
    const done: string[] = []
    const running = new Map<string, number>()
    const most = { all: 0, host: 0 }
    const count = (names: string[], change: number): void => {
      for (const name of names) running.set(name, (running.get(name) ?? 0) + change)
    }
    const hostsOf = ({ source, target }: Login): string[] => [`from ${source}`, `to ${target}`]
    await forAll(
      mesh(50),
      async (login) => {
        const names = [...hostsOf(login), 'all']
        count(names, 1)
        most.all = Math.max(most.all, running.get('all') ?? 0)
        for (const name of hostsOf(login)) {
          most.host = Math.max(most.host, running.get(name) ?? 0)
        }
        await turn()
        count(names, -1)
        done.push(`${login.source} ${login.target}`)
      },
      { ...LOGINS, with: hostsOf },
    )
    expect(new Set(done).size).toBe(2450)
    expect(done).toHaveLength(2450)
    expect(most).toEqual({ all: AT_ONCE, host: 4 })
  })
})

describe('what fails', () => {
  const bad = (words: string): TrustError => new TrustError('host-timeout', words)

  test('ends it: nothing more is begun, and what is under way is waited for', async () => {
    const begun: number[] = []
    const ended: number[] = []
    const work = async (item: number): Promise<void> => {
      begun.push(item)
      if (item === 1) throw bad('one')
      await turn()
      await turn()
      ended.push(item)
    }
    await expect(forAll([0, 1, 2, 3, 4, 5], work, { atOnce: 3 })).rejects.toThrow('one')
    expect(begun).toEqual([0, 1, 2])
    expect(ended).toEqual([0, 2])
  })

  test('is told together, up to a limit', async () => {
    const begun: number[] = []
    const work = async (item: number): Promise<void> => {
      begun.push(item)
      await turn()
      throw bad(`no ${item}`)
    }
    await expect(forAll([...Array(100).keys()], work, { atOnce: 1, failures: 10 })).rejects.toThrow(
      /^10 things are wrong:\n- no 0 .*\n(.*\n)*- no 9 /,
    )
    expect(begun).toHaveLength(10)
  })

  test('and is no error of ours comes out as it is', async () => {
    const work = async (item: number): Promise<void> => {
      await turn()
      throw item === 0 ? bad('x') : new RangeError('a mistake')
    }
    await expect(forAll([0, 1], work)).rejects.toThrow(RangeError)
  })

  test('of nothing is nothing', async () => {
    await expect(forAll([], async () => turn())).resolves.toBeUndefined()
  })
})
