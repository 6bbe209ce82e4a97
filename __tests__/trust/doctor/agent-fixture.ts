/** The real ssh-agent, for what is under test to log in with. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Key } from '../../support/keys'
import { program } from '../../support/programs'
import { mustRun, run } from '../../support/run'
import { makeDirectory } from '../../support/scratch'

export interface RunningAgent {
  socket: string
  stop: () => Promise<void>
}

/** An agent with these keys. The caller ends it. */
export async function startAgent(keys: readonly Key[]): Promise<RunningAgent> {
  const socket = join(makeDirectory('agent'), 'socket')
  const agent = spawn(program('ssh-agent'), ['-D', '-a', socket], { stdio: 'ignore' })
  const env = { ...process.env, SSH_AUTH_SOCK: socket }
  // The socket is there a little before the agent listens: only an answer tells.
  while ((await run(program('ssh-add'), ['-l'], { env })).code === 2) await sleep(5)
  for (const { privateKeyFile } of keys) {
    await mustRun(program('ssh-add'), ['-q', privateKeyFile], { env })
  }
  const ended = new Promise<void>((resolve) =>
    agent.once('exit', () => {
      resolve()
    }),
  )
  return {
    socket,
    stop: () => {
      agent.kill()
      return ended
    },
  }
}
