/** Work on many hosts at once, within a bound. */

/**
 * Runs `work` for each, some at a time; the results in the order of `items`.
 *
 * @throws what the first `work` that fails throws; others that have begun go on meanwhile
 */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const entries = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  return results
}
