/** The agent's process. Settings come as one line on standard input; without them it just ends. */
import { url as inspectorUrl } from 'node:inspector'
import { closeSync, readdirSync, readFileSync } from 'node:fs'
import { runAgent } from './agent/run'
import { MAX_SETTINGS } from './agent/settings'
import { explain } from './errors'

process.title = 'ssh-trust-agent'
// Without a handler SIGUSR1 opens Node's inspector, into the memory of this process. (The flag
// --disable-sigusr1 blocks the signal for good, and the agent wants it: to drop its keys.)
process.on('SIGUSR1', () => undefined)
closeInherited()

let line = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk: string) => {
  line += chunk
  if (line.length > MAX_SETTINGS) process.exit(1)
})
process.stdin.on('end', () => {
  if (line === '') process.exit(0)
  // A signal that came before the handler may have opened it: then no key gets in here.
  if (inspectorUrl() !== undefined) process.exit(1)
  runAgent(line).then(
    (ready) => {
      process.stdout.end(`${JSON.stringify(ready)}\n`)
    },
    (error: unknown) => {
      process.stdout.end(`${JSON.stringify({ error: explain(error) })}\n`, () => process.exit(1))
    },
  )
  line = ''
})

/**
 * Closes what whoever started this has left open (a lock, a pipe), which would stay so with the agent.
 * Node closes the low ones of them; its own are marked as none to be handed on. On Linux alone.
 */
function closeInherited(): void {
  if (process.platform !== 'linux') return
  const CLOSE_ON_EXEC = 0o2000000 // open(2), O_CLOEXEC
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      const flags = /^flags:\s*([0-7]+)/m.exec(
        readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'),
      )?.[1]
      const inherited = (Number.parseInt(flags ?? '', 8) & CLOSE_ON_EXEC) === 0
      if (Number(name) > 2 && inherited) closeSync(Number(name))
    } catch {
      // that of the listing itself, which is closed by now
    }
  }
}
