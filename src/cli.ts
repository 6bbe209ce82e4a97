/** The command line, `ssh-trust`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Option, program } from 'commander'
import { STDERR } from './agent/audit'
import { POLICY_MODES } from './agent/policy'
import { explain, TrustError } from './errors'
import { writeNewFile } from './local/files'
import {
  convertPrivateKey,
  convertPublicKey,
  describeKey,
  PRIVATE_FORMATS,
  PUBLIC_FORMATS,
  type PrivateFormat,
  type PublicFormat,
} from './trust/convert'
import { runDemo } from './trust/demo'
import { parseDuration } from './trust/duration'
import {
  killAgent,
  runUnderAgent,
  setVariable,
  shellFamily,
  standIn,
  startStandaloneAgent,
  unsetVariable,
} from './trust/standalone-agent'

const dist = join(__dirname, '..')

/** Colour on a terminal alone, and not where https://no-color.org says so. */
function wantsColour(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
}

/** The text of a file, or of standard input for `-`. */
function read(file: string): string {
  return readFileSync(file === '-' ? 0 : file, 'utf8')
}

/** The first line of a file with a passphrase; undefined where there is no such file. */
function readPassphrase(file: string | undefined): string | undefined {
  return file === undefined ? undefined : read(file).split(/\r?\n/, 1)[0]
}

program
  .name('ssh-trust')
  .description('Gives a job exactly the SSH trust it needs, proves it, and takes it all back.')
  .enablePositionalOptions()

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

interface ConvertOptions {
  to: PrivateFormat | PublicFormat
  out?: string
  passphraseFile?: string
  newPassphraseFile?: string
}

function isPrivateFormat(format: string): format is PrivateFormat {
  return (PRIVATE_FORMATS as readonly string[]).includes(format)
}

program
  .command('convert')
  .description(
    'write a key in another format: private ones as openssh, pkcs8 or ppk, the rest public',
  )
  .argument('[file]', 'a private or public key in any format; - is standard input', '-')
  .addOption(
    new Option('--to <format>', 'format to write')
      .choices([...PRIVATE_FORMATS, ...PUBLIC_FORMATS])
      .makeOptionMandatory(),
  )
  .option(
    '--out <file>',
    'a file that does not exist yet (made with mode 0600); else standard output',
  )
  .option('--passphrase-file <file>', 'holds the passphrase of the key')
  .option('--new-passphrase-file <file>', 'holds the passphrase to encrypt the result with')
  .addHelpText(
    'after',
    `
Examples:
  ssh-trust convert key.ppk --to openssh --out id_ed25519
  ssh-trust convert id_ed25519.pub --to rfc4716
  ssh-trust convert id_rsa --to ppk --new-passphrase-file secret.txt --out id_rsa.ppk`,
  )
  .action((file: string, { to, out, passphraseFile, newPassphraseFile }: ConvertOptions) => {
    const passphrase = readPassphrase(passphraseFile)
    const text = read(file)
    const result = isPrivateFormat(to)
      ? convertPrivateKey(text, to, passphrase, readPassphrase(newPassphraseFile))
      : convertPublicKey(text, to, passphrase)
    if (out === undefined) process.stdout.write(result)
    else writeNewFile(out, result)
  })

program
  .command('fingerprint')
  .description('print the SHA256 fingerprint of a key, as ssh-keygen -l does')
  .argument('[file]', 'a private or public key in any format; - is standard input', '-')
  .option('--art', 'with the picture that ssh-keygen -lv prints, to compare by eye')
  .option('--passphrase-file <file>', 'holds the passphrase of the key')
  .action((file: string, { art, passphraseFile }: { art?: true; passphraseFile?: string }) => {
    const passphrase = readPassphrase(passphraseFile)
    process.stdout.write(describeKey(read(file), passphrase, art === true))
  })

interface AgentOptions {
  a?: string
  c?: true
  s?: true
  D?: true
  d?: true
  k?: true
  t?: string
  E?: string
  O?: string[]
  P?: string
  hosts?: string
  policy?: string
  lifetime?: string
  maxSignatures?: string
  namespaces?: string
  signOtherData?: true
  audit?: string
}

program
  .command('agent')
  .description(
    'an agent in the place of ssh-agent(1), which can be told what to sign and audits what it did',
  )
  .argument('[command...]', 'run this with the agent, which ends with it')
  .passThroughOptions()
  .option('-a <path>', 'path of the socket')
  .addOption(new Option('-c', 'print commands for csh').conflicts(['s']))
  .option('-s', 'print commands for sh')
  .addOption(new Option('-D', 'stay in the foreground').conflicts(['d']))
  .option('-d', 'stay in the foreground and write the audit to standard error')
  .option('-k', 'end the agent that SSH_AGENT_PID names')
  .option('-t <life>', 'lifetime of keys that are added without one: 90s, 15m, 1h30m')
  .option('-E <hash>', 'of ssh-agent: without effect, fingerprints are SHA256')
  .option('-O <option...>', 'of ssh-agent: without effect, there are no security keys')
  .option('-P <providers>', 'of ssh-agent: without effect, no library is ever loaded')
  .option('--hosts <file>', "the hosts to sign for, as in the action's input; - is standard input")
  .addOption(
    new Option('--policy <mode>', 'pinned with hosts, else any').choices([...POLICY_MODES]),
  )
  .option('--lifetime <life>', 'how long the agent serves keys at all')
  .option('--max-signatures <count>', 'the most signatures that it makes')
  .option('--namespaces <names>', 'what ssh-keygen -Y sign may sign for under a policy: git, file')
  .option('--sign-other-data', 'sign what is neither a login nor of a namespace')
  .option('--audit <file>', 'a line of JSON for each use of a key')
  .addHelpText(
    'after',
    `
Examples:
  eval "$(ssh-trust agent)"                     as ssh-agent
  ssh-trust agent ssh-add -l                    for the time of one command
  ssh-trust agent --hosts pins.txt make deploy  signs for the hosts in pins.txt alone`,
  )
  .action(async (command: string[], options: AgentOptions) => {
    process.exitCode = await runAgentCommand(command, options)
  })

async function runAgentCommand(command: string[], options: AgentOptions): Promise<number> {
  const { a, c, s, D, d, k, t, hosts, audit } = options
  const shell =
    c === true ? 'csh' : s === true || command.length > 0 ? 'sh' : shellFamily(process.env['SHELL'])
  if (command.length > 0 && [c, s, D, d, k].includes(true)) {
    program.error('error: a command goes with none of -c, -s, -D, -d and -k')
  }
  if (k === true) {
    const pid = killAgent(process.env['SSH_AGENT_PID'])
    const names = ['SSH_AUTH_SOCK', 'SSH_AGENT_PID']
    await say(names.map((name) => unsetVariable(shell, name)).join(''))
    await say(`echo Agent pid ${pid} killed;\n`)
    return 0
  }
  const foreground = D === true || d === true
  const auditFile = audit ?? (d === true ? STDERR : undefined)
  const agent = await startStandaloneAgent({
    agentFile: join(dist, 'agent', 'index.js'),
    tied: foreground || command.length > 0,
    hosts: hosts === undefined ? '' : read(hosts),
    agentPolicy: options.policy ?? '',
    agentLifetime: options.lifetime ?? '',
    maxSignatures: options.maxSignatures ?? '',
    signatureNamespaces: options.namespaces ?? '',
    signOtherData: options.signOtherData === true ? 'true' : '',
    ...(a === undefined ? {} : { socket: a }),
    ...(t === undefined || t === '0' ? {} : { defaultLifetime: parseDuration(t) }),
    ...(auditFile === undefined ? {} : { audit: auditFile }),
  })
  if (command.length > 0) return runUnderAgent(agent, command)
  // In the foreground this process stands for the agent: signals to it are passed on.
  const pid = foreground ? process.pid : agent.pid
  const ended = foreground ? standIn(() => agent.process, true) : undefined
  const lines = [
    setVariable(shell, 'SSH_AUTH_SOCK', agent.socket),
    ...(foreground ? [] : [setVariable(shell, 'SSH_AGENT_PID', String(agent.pid))]),
    `echo Agent pid ${pid};\n`,
  ]
  await say(lines.join('')).catch((error: unknown) => {
    agent.process.kill() // nobody would know its address
    throw error
  })
  return ended ?? 0
}

/** Writes to standard output. */
async function say(text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error): void => {
      reject(
        new TrustError('agent-control', `Nobody takes the output: ${cause.message}`, { cause }),
      )
    }
    process.stdout.on('error', fail) // for good: a full disk is told by an event, after the callback
    process.stdout.write(text, (error) => {
      if (error === null || error === undefined) resolve()
      else fail(error)
    })
  })
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`ssh-trust: ${explain(error)}\n`)
  process.exitCode = 1
})
