/** The `shard` input: one part of a fleet for each job of a matrix. */
import { TrustError } from '../errors'

/** One part of so many: `2/8` is the second of eight. */
export interface Shard {
  /** From 1. */
  number: number
  of: number
}

/** Far more than the 256 jobs that a matrix may have. */
const MAX_SHARDS = 1000

/**
 * @returns undefined for an empty text
 * @throws TrustError `input-invalid`
 */
export function parseShard(text: string): Shard | undefined {
  if (text.trim() === '') return undefined
  const [, number, of] = /^\s*([0-9]{1,4})\s*\/\s*([0-9]{1,4})\s*$/.exec(text) ?? []
  const shard = { number: Number(number), of: Number(of) }
  if (shard.number >= 1 && shard.number <= shard.of && shard.of <= MAX_SHARDS) return shard
  throw new TrustError('input-invalid', `${JSON.stringify(text)} is not a shard.`, {
    hint: `Write 2/8 for the second of eight; there may be ${MAX_SHARDS} of them.`,
  })
}

/**
 * Every host whose turn it is, in the order of the list: of eight shards, the second has the 2nd, the
 * 10th, the 18th …. So no shard has more than one host more than another.
 *
 * @throws TrustError `input-invalid` where that is none: a job without hosts has an agent that signs for all
 */
export function takeShard<Host>(hosts: readonly Host[], { number, of }: Shard): Host[] {
  const taken = hosts.filter((_, index) => index % of === number - 1)
  if (taken.length > 0) return taken
  const there = hosts.length === 1 ? 'There is 1 host' : `There are ${hosts.length} hosts`
  throw new TrustError('input-invalid', `${there}, so shard ${number}/${of} has none.`, {
    hint:
      hosts.length === 0
        ? 'List the hosts in hosts or hosts-file.'
        : `Have no more than ${hosts.length} shards in the matrix.`,
  })
}
