/** The command line, `ssh-trust`. */
import { join } from 'node:path'
import { program } from 'commander'
import { explain } from './errors'
import { runDemo } from './trust/demo'

const dist = join(__dirname, '..')

/** Colour on a terminal alone, and not where https://no-color.org says so. */
function wantsColour(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
}

program
  .name('ssh-trust')
  .description('Gives a job exactly the SSH trust it needs, proves it, and takes it all back.')

program
  .command('demo')
  .description('run the main job on this machine alone, against a server in this process')
  .action(async () => {
    const good = await runDemo({
      mainFile: join(dist, 'main', 'index.js'),
      postFile: join(dist, 'post', 'index.js'),
      say: (line) => process.stdout.write(`${line}\n`),
      colour: wantsColour(),
    })
    process.exitCode = good ? 0 : 1
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exitCode = 1
})
