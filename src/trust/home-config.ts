/** ~/.ssh/config: the job's block put in, taken out, and those of jobs that are no more. */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemCode } from '../errors'
import { editFile, readText, removeIfEmpty, statOf } from '../local/files'
import { addBlock, findBlocks, homeBlock, removeBlock, thisMachine } from '../local/home-block'
import { sshDirectories } from '../local/home'
import type { Effect, Journal } from '../local/journal'
import type { SshPaths } from '../local/ssh-config'

/** Puts the block into ~/.ssh/config that includes the job's own ssh_config. */
export async function includeInHome(journal: Journal, paths: SshPaths): Promise<void> {
  const lines = homeBlock(journal.id, paths)
  for (const directory of sshDirectories()) {
    const target = join(directory, 'config')
    for (let attempt = 1; ; attempt += 1) {
      try {
        const made = statOf(directory) === undefined ? 'directory' : 'file'
        if (made === 'directory') {
          journal.append({ kind: 'directory', target: directory })
          mkdirSync(directory, { mode: 0o700 })
        }
        if (attempt === 1) journal.append({ kind: 'home-block', target, id: journal.id, lines })
        await editFile(target, journal.id, (text) => addBlock(text, lines, made))
        break
      } catch (error) {
        // Another job makes the directory, or removes the one that it had made, at this moment.
        const passing = ['EEXIST', 'ENOENT'].includes(systemCode(error) ?? '')
        if (!passing || attempt === ATTEMPTS) throw error
      }
    }
  }
}

/** How often the block is tried to be put in. */
const ATTEMPTS = 5

/** What there was to take out: `changed` where somebody has edited our lines. */
export type TakenOut = 'whole' | 'changed' | 'nothing'

export async function takeOutOfHome({
  target,
  id,
  lines,
}: Pick<Extract<Effect, { kind: 'home-block' }>, 'target' | 'id' | 'lines'>): Promise<TakenOut> {
  const directory = dirname(target)
  if (statOf(directory) === undefined) return 'nothing'
  const removed: { lines: TakenOut; directory: boolean } = { lines: 'nothing', directory: false }
  await editFile(target, id, (text) => {
    if (text === undefined) return undefined
    const without = removeBlock(text, lines)
    const whole = text.replaceAll('\r\n', '\n').includes(lines.join('\n'))
    removed.lines = without.text === text ? 'nothing' : whole ? 'whole' : 'changed'
    removed.directory = without.text === undefined && without.made === 'directory'
    return without.text
  })
  if (removed.directory) removeIfEmpty(directory)
  return removed.lines
}

/** Age, in milliseconds, at which no job can still be running: GitHub ends them after five days. */
const LONGEST_JOB = 7 * 24 * 3600 * 1000

/**
 * Takes out the blocks of jobs that ended without a teardown, and whose directory is gone: runners
 * empty RUNNER_TEMP. Those whose directory is there are a matter for its journal. A block of another
 * machine, which shares this home, must be older than any job.
 *
 * @param id of this job
 * @returns the ids of those jobs
 */
export async function sweepHome(id: string): Promise<string[]> {
  const swept: string[] = []
  for (const directory of sshDirectories()) {
    const target = join(directory, 'config')
    for (const block of findBlocks(readText(target) ?? '')) {
      const here = block.host === thisMachine()
      const old = Date.now() - block.since.getTime() > LONGEST_JOB
      if (here ? existsSync(block.directory) : !old) continue
      const taken = await takeOutOfHome({ target, id, lines: block.lines })
      if (taken !== 'nothing') swept.push(block.id)
    }
  }
  return swept
}
