/** The agent's process. Settings come as one line on standard input; without them it just ends. */
import { runAgent } from './agent/run'
import { MAX_SETTINGS } from './agent/settings'
import { explain } from './errors'

process.title = 'ssh-trust-agent'

let line = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk: string) => {
  line += chunk
  if (line.length > MAX_SETTINGS) process.exit(1)
})
process.stdin.on('end', () => {
  if (line === '') process.exit(0)
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
