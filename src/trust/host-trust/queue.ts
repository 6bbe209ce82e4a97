/** Doing many things on hosts at a time, but not too many at one host. */
import { combine, TrustError } from '../../errors'

/** Things done at a time. */
export const AT_ONCE = 16

/** And of these with one host: sshd takes 10 sessions of a connection, and 10 logins that are not done yet. */
const AT_ONE = 4

/** Failures after which nothing more is begun. */
const MAX_FAILURES = 10

interface Limits<Item> {
  atOnce?: number
  /** Whom it is done with, by any name; of each at most `atOne` at a time. */
  with?: (item: Item) => readonly string[]
  atOne?: number
  /** Failures after which nothing more is begun; 1 if left out. */
  failures?: number
}

/** For logins, which take nothing away from one another: several failures are told together. */
export const LOGINS = { atOne: AT_ONE, failures: MAX_FAILURES }

/**
 * Does `work` for each item, in their order as far as the limits let it. It returns when nothing is
 * under way any more, also where something failed: so all can be taken back then.
 *
 * @throws TrustError that tells of every failure
 */
export async function forAll<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
  { atOnce = AT_ONCE, with: hostsOf = () => [], atOne = 1, failures = 1 }: Limits<Item> = {},
): Promise<void> {
  const waiting = [...items]
  const load = new Map<string, number>()
  const errors: unknown[] = []
  const loadOf = (host: string): number => load.get(host) ?? 0
  const isFree = (item: Item): boolean => hostsOf(item).every((host) => loadOf(host) < atOne)
  const count = (item: Item, change: number): void => {
    for (const host of hostsOf(item)) load.set(host, loadOf(host) + change)
  }
  /** The first that may begin, or undefined. */
  const next = (): Item | undefined => {
    if (errors.length >= failures) return undefined
    const index = waiting.findIndex(isFree)
    return index < 0 ? undefined : waiting.splice(index, 1)[0]
  }
  const running = new Set<Promise<void>>()
  for (;;) {
    while (running.size < atOnce) {
      const item = next()
      if (item === undefined) break
      count(item, 1)
      const one: Promise<void> = work(item)
        .catch((error: unknown) => {
          errors.push(error)
        })
        .finally(() => {
          count(item, -1)
          running.delete(one)
        })
      running.add(one)
    }
    if (running.size === 0) break
    await Promise.race(running)
  }
  const other = errors.find((error) => !(error instanceof TrustError))
  if (other !== undefined) throw other as Error
  if (errors.length > 0) throw combine(errors as TrustError[])
}
