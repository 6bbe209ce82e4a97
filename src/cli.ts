/** The command line, `ssh-trust`. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Option, program } from 'commander'
import { STDERR } from './agent/audit'
import { POLICY_MODES } from './agent/policy'
import { combine, explain, TrustError } from './errors'
import { writeNewFile } from './local/files'
import type { Credentials } from './remote/connect'
import { parsePrivateKeys } from './ssh/key-file'
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
import { diagnose, formatFindings, hasProblem, type DoctorOptions } from './trust/doctor/doctor'
import { parseDuration } from './trust/duration'
import { hostName, parseHosts, type HostLine } from './trust/hosts'
import type { RevocationReport } from './trust/report'
import { matchesOfKeys, matchOfComment, matchOfFingerprint } from './trust/key-matches'
import { formatRevocations, revocationCredentials, revokeOnHosts } from './trust/revoke-keys'
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

interface DoctorCommandOptions {
  hosts: string
  json?: true
  passwordEnv?: string
  key?: string
  passphraseFile?: string
  as?: string
  audit?: string
}

/** For each step with each host, in milliseconds. */
const DOCTOR_TIMEOUT = 10_000

/** What a wrong command line ends with: 1 stands for a problem that was found. */
const WRONG_USAGE = 2

program
  .command('doctor')
  .description('find out why a login fails, and say what to do')
  .argument('[name...]', 'hosts to look at, as the file calls them; all of them if left out')
  .requiredOption('--hosts <file>', "the hosts, as in the action's input; - is standard input")
  .option('--json', 'print the findings as JSON')
  .addOption(
    new Option(
      '--password-env <name>',
      'variable with a password to look at the accounts with',
    ).conflicts(['key']),
  )
  .option('--key <file>', 'private key that is accepted there, to look at the accounts with')
  .option('--passphrase-file <file>', 'holds the passphrase of that key')
  .option('--as <user>', 'look as this administrator: root, or who may use sudo without a password')
  .option('--audit <file>', "the agent's audit, which says why it refused")
  .exitOverride(({ exitCode }) => {
    process.exit(exitCode === 0 ? 0 : WRONG_USAGE)
  })
  .addHelpText(
    'after',
    `
Exit code: 0 if no problem was found, 1 if one was, 2 for a wrong command line.

Examples:
  ssh-trust doctor --hosts pins.txt
  ssh-trust doctor --hosts pins.txt web --password-env WEB_PASSWORD
  ssh-trust doctor --hosts pins.txt web --as root --key ~/.ssh/admin`,
  )
  .action(async (names: string[], options: DoctorCommandOptions) => {
    let order: DoctorOptions
    try {
      order = readDoctorOrder(names, options)
    } catch (error) {
      process.stderr.write(`ssh-trust: ${explain(error)}\n`)
      process.exitCode = WRONG_USAGE
      return
    }
    const findings = await diagnose(order)
    await say(
      options.json === true
        ? `${JSON.stringify({ version: 1, findings }, undefined, 2)}\n`
        : formatFindings(findings, wantsColour()),
    )
    process.exitCode = hasProblem(findings) ? 1 : 0
  })

function readDoctorOrder(
  names: readonly string[],
  { hosts: file, audit, as, ...secrets }: DoctorCommandOptions,
): DoctorOptions {
  const { hosts, errors } = parseHosts(read(file))
  if (errors.length > 0) throw combine(errors)
  const credentials = readCredentials(secrets)
  if (as !== undefined && credentials === undefined) {
    throw new TrustError('input-invalid', '--as needs --key or --password-env to log in with.')
  }
  return {
    hosts: chooseHosts(hosts, names),
    env: process.env,
    timeout: DOCTOR_TIMEOUT,
    canPrompt: process.stdin.isTTY,
    ...(credentials === undefined ? {} : { credentials }),
    ...(as === undefined ? {} : { as }),
    ...(audit === undefined ? {} : { auditFile: audit }),
  }
}

function chooseHosts(hosts: readonly HostLine[], names: readonly string[]): readonly HostLine[] {
  const isCalled = (line: HostLine, name: string): boolean =>
    [hostName(line), line.host].some((other) => other.toLowerCase() === name.toLowerCase())
  const absent = names.find((name) => !hosts.some((line) => isCalled(line, name)))
  if (absent !== undefined || hosts.length === 0) {
    const message = absent === undefined ? 'There are no hosts.' : `There is no host ${absent}.`
    const hint = `There are: ${hosts.map(hostName).join(', ')}.`
    throw new TrustError('input-invalid', message, hosts.length === 0 ? {} : { hint })
  }
  return names.length === 0
    ? hosts
    : hosts.filter((line) => names.some((name) => isCalled(line, name)))
}

function readCredentials({
  passwordEnv,
  key: file,
  passphraseFile,
}: Pick<DoctorCommandOptions, 'passwordEnv' | 'key' | 'passphraseFile'>): Credentials | undefined {
  if (passwordEnv !== undefined) {
    const password = process.env[passwordEnv] ?? ''
    if (password !== '') return { kind: 'password', password }
    throw new TrustError('input-invalid', `The variable ${passwordEnv} is not set.`)
  }
  if (file === undefined) return undefined
  const passphrase = readPassphrase(passphraseFile)
  const { keys } = parsePrivateKeys(read(file), passphrase === undefined ? [] : [passphrase])
  const [key] = keys
  if (key !== undefined && keys.length === 1) return { kind: 'key', key }
  throw new TrustError('key-unreadable', `${file} has ${keys.length} keys; one is wanted.`)
}

interface RevokeCommandOptions {
  hosts: string
  key: string[]
  fingerprint: string[]
  comment: string[]
  dryRun?: true
  includingOwn?: true
  json?: true
  passwordEnv?: string
  keyFile?: string
  passphraseFile?: string
}

/** For each server, in milliseconds. */
const REVOKE_TIMEOUT = 10_000

/** For options that can be given several times. */
function collect(value: string, before: string[]): string[] {
  return [...before, value]
}

program
  .command('revoke')
  .description('take trust that was made earlier out of authorized_keys, on many hosts')
  .argument('[name...]', 'the hosts, as the file calls them; all of them if left out')
  .requiredOption('--hosts <file>', "the hosts, as in the action's input; - is standard input")
  .option('--key <key>', 'a public key: its file, or its line', collect, [])
  .option('--fingerprint <fingerprint>', 'SHA256:… of a key', collect, [])
  .option('--comment <pattern>', 'for the whole comment, with * and ?', collect, [])
  .option('--dry-run', 'print what would be removed, and write nothing')
  .option('--including-own', 'remove the key too that this logs in with')
  .option('--json', 'print what was done as JSON')
  .addOption(
    new Option('--password-env <name>', 'variable with the password to log in with').conflicts([
      'keyFile',
    ]),
  )
  .option('--key-file <file>', 'private key to log in with; else the agent of SSH_AUTH_SOCK')
  .option('--passphrase-file <file>', 'holds the passphrase of that key')
  .addHelpText(
    'after',
    `
Exit code: 0 if all hosts were done, 1 if one was not.

Examples:
  ssh-trust revoke --hosts pins.txt --key old.pub --dry-run
  ssh-trust revoke --hosts pins.txt --comment 'ssh-trust:org/app/*' --key-file admin
  ssh-trust revoke --hosts pins.txt --fingerprint SHA256:… web db`,
  )
  .action(async (names: string[], options: RevokeCommandOptions) => {
    const dryRun = options.dryRun === true
    const reports = await runRevoke(names, options)
    await say(
      options.json === true
        ? `${JSON.stringify({ version: 1, dryRun, hosts: reports }, undefined, 2)}\n`
        : formatRevocations(reports, dryRun),
    )
    process.exitCode = reports.some(({ error }) => error !== undefined) ? 1 : 0
  })

async function runRevoke(
  names: readonly string[],
  options: RevokeCommandOptions,
): Promise<RevocationReport[]> {
  const { hosts: file, key, fingerprint, comment, passwordEnv, keyFile, passphraseFile } = options
  const matches = [
    ...key.flatMap((text) => matchesOfKeys(existsSync(text) ? read(text) : text)),
    ...fingerprint.map(matchOfFingerprint),
    ...comment.map(matchOfComment),
  ]
  if (matches.length === 0) {
    throw new TrustError('input-invalid', 'Nothing says which keys are to go.', {
      hint: 'Give --key, --fingerprint or --comment.',
    })
  }
  const { hosts: all, errors } = parseHosts(read(file))
  if (errors.length > 0) throw combine(errors)
  const hosts = chooseHosts(all, names)
  const given = readCredentials({
    ...(passwordEnv === undefined ? {} : { passwordEnv }),
    ...(keyFile === undefined ? {} : { key: keyFile }),
    ...(passphraseFile === undefined ? {} : { passphraseFile }),
  })
  return revokeOnHosts(hosts, {
    matches,
    credentials: await revocationCredentials(hosts, given, process.env),
    includingOwn: options.includingOwn === true,
    dryRun: options.dryRun === true,
    timeout: REVOKE_TIMEOUT,
  })
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`ssh-trust: ${explain(error)}\n`)
  process.exitCode = 1
})
