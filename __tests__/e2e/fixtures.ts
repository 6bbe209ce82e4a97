/** What the end-to-end tests share: the bundles, and a job that has trust to one server. */
import { join } from 'node:path'
import { makeHome, type Home } from '../support/home'
import { makeKey, type Key } from '../support/keys'
import { createJob, type Job, type StepResult } from '../support/runner'
import { makeDirectory, removeDirectory } from '../support/scratch'

const dist = join(process.cwd(), 'dist')

export const MAIN = join(dist, 'main', 'index.js')
export const POST = join(dist, 'post', 'index.js')

/** A job with a home of its own and a deploy key; `end` removes whatever is left of it. */
export interface Scene {
  home: Home
  job: Job
  key: Key
  directory: string
  /** Main with the deploy key and these hosts. */
  main: (hosts: string, more?: Record<string, string>) => Promise<StepResult>
  /** Post with the state of that main. */
  post: (main: StepResult) => Promise<StepResult>
  end: () => Promise<void>
}

export async function makeScene(): Promise<Scene> {
  const home = await makeHome()
  const job = createJob({ home })
  const directory = makeDirectory('e2e')
  const key = await makeKey(directory, 'ed25519', { comment: 'deploy' })
  return {
    home,
    job,
    key,
    directory,
    main: async (hosts, more = {}) =>
      job.run(MAIN, { 'ssh-private-key': key.privateKey, hosts, ...more }),
    post: async (main) => job.run(POST, {}, { state: main.state }),
    end: async () => {
      await job.cleanup()
      home.remove()
      removeDirectory(directory)
    },
  }
}
