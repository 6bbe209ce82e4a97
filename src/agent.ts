/** The agent's process. Settings come as one line on standard input; without them it just ends. */
import { url as inspectorUrl } from 'node:inspector'
import { runAgent } from './agent/run'
import { MAX_SETTINGS } from './agent/settings'
import { explain } from './errors'

process.title = 'ssh-trust-agent'
// Without a handler SIGUSR1 opens Node's inspector, into the memory of this process. (The flag
// --disable-sigusr1 blocks the signal for good, and the agent wants it: to drop its keys.)
process.on('SIGUSR1', () => undefined)

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
