/**
 * The agent by itself, in the place of ssh-agent(1): the same lines to evaluate, the same exit codes.
 * Without a policy it signs whatever it is asked to, as that one does.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { STDERR } from '../agent/audit'
import { launchAgent } from '../agent/launch'
import { combine, TrustError } from '../errors'
import { identify } from '../process-identity'
import { parseHosts } from './hosts'
import { collectErrors } from './input-values'
import { readPolicy, type PolicyInputs } from './policy'
import { pinnedHost } from './proven-hosts'

export interface StandaloneOptions extends PolicyInputs {
  /** The agent's bundle. */
  agentFile: string
  /** ssh-agent's -a: path of the socket. */
  socket?: string
  /** ssh-agent's -t: lifetime, in seconds, of keys that are added without one. */
  defaultLifetime?: number
  /** Text of hosts, as the action's input. */
  hosts: string
  /** A file for the audit, or `stderr`. */
  audit?: string
  /** Ends with this process. */
  tied: boolean
}

export interface StandaloneAgent {
  socket: string
  process: ChildProcess
  pid: number
}

/** @throws TrustError */
export async function startStandaloneAgent(options: StandaloneOptions): Promise<StandaloneAgent> {
  const { errors, attempt } = collectErrors()
  const { hosts, errors: hostErrors } = parseHosts(options.hosts)
  errors.push(...hostErrors)
  const bounds = readPolicy(options, hosts.length + hostErrors.length > 0, attempt)
  if (errors.length > 0 || bounds === undefined) throw combine(errors)

  const made = options.socket === undefined ? mkdtempSync(join(tmpdir(), 'ssh-trust-')) : undefined
  const socket = options.socket ?? join(made ?? '', `agent.${process.pid}`)
  const auditFile =
    options.audit === undefined || options.audit === STDERR ? options.audit : resolve(options.audit)
  requireShort(resolve(socket))
  const place = made === undefined ? resolve(socket) : `${made}/`
  const writable = auditFile === undefined ? [place] : [place, auditFile]
  const stderr = auditFile === STDERR ? 'inherit' : 'ignore'
  const launching = launchAgent(options.agentFile, writable, stderr)
  const watch = options.tied ? identify(process.pid) : undefined
  const askpass = askpassOf(process.env)
  try {
    const { pid } = await launching.ready({
      socket: resolve(socket),
      token: randomBytes(32).toString('hex'), // nobody is told: its control channel is shut
      policy: { ...bounds.policy, hosts: hosts.map(pinnedHost) },
      keys: [],
      ...(bounds.lifetime === undefined ? {} : { lifetime: bounds.lifetime }),
      ...(auditFile === undefined ? {} : { auditFile }),
      ...(made === undefined ? {} : { socketDirectory: made }),
      ...(options.defaultLifetime === undefined
        ? {}
        : { defaultLifetime: options.defaultLifetime }),
      ...(askpass === undefined ? {} : { askpass }),
      ...(watch === undefined ? {} : { watch }),
    })
    return { socket, process: launching.process, pid }
  } catch (error) {
    if (made !== undefined) rmSync(made, { recursive: true, force: true })
    throw error
  }
}

/** Node would cut a longer path off, and listen at what is left. Linux takes 107 bytes, macOS 103. */
function requireShort(socket: string): void {
  const longest = process.platform === 'linux' ? 107 : 103
  if (Buffer.byteLength(socket) <= longest) return
  throw new TrustError('agent-start', `The path ${socket} is too long for a socket.`, {
    hint: `At most ${longest} bytes; choose another with -a, or another TMPDIR.`,
  })
}

/**
 * The program that asks for confirmation, as ssh-agent chooses it: ssh(1), SSH_ASKPASS and
 * SSH_ASKPASS_REQUIRE. Like there, without a display and without `force` nobody is asked.
 */
function askpassOf(
  env: NodeJS.ProcessEnv,
): { file: string; env: Record<string, string> } | undefined {
  const { SSH_ASKPASS = '', SSH_ASKPASS_REQUIRE = '' } = env
  const display = (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== ''
  const require = SSH_ASKPASS_REQUIRE.toLowerCase()
  const allowed = require === 'force' || (display && require !== 'never')
  if (SSH_ASKPASS === '' || !allowed) return undefined
  const given = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return { file: SSH_ASKPASS, env: Object.fromEntries(given) }
}

/** Whose commands are printed. */
export type ShellFamily = 'sh' | 'csh'

/** Of the user's shell, as ssh-agent tells it: by the last letters of $SHELL. */
export function shellFamily(shell: string | undefined): ShellFamily {
  return shell !== undefined && basename(shell).endsWith('csh') ? 'csh' : 'sh'
}

/** A command of the shell that sets a variable, as ssh-agent prints it. */
export function setVariable(shell: ShellFamily, name: string, value: string): string {
  const word = quoteWord(value)
  return shell === 'csh' ? `setenv ${name} ${word};\n` : `${name}=${word}; export ${name};\n`
}

/** A command that takes it back. */
export function unsetVariable(shell: ShellFamily, name: string): string {
  return shell === 'csh' ? `unsetenv ${name};\n` : `unset ${name};\n`
}

/** ssh-agent's argv_assemble: quoted only where the shell would not take it as it stands. */
function quoteWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/**
 * Ends the agent that SSH_AGENT_PID names, as `ssh-agent -k`. Returns its pid.
 *
 * @throws TrustError `agent-control`
 */
export function killAgent(pidText: string | undefined): number {
  if (pidText === undefined) {
    throw new TrustError('agent-control', 'SSH_AGENT_PID not set, cannot kill agent')
  }
  const pid = Number(pidText)
  if (!/^[0-9]{1,10}$/.test(pidText) || pid < 2) {
    throw new TrustError('agent-control', `SSH_AGENT_PID="${pidText}", which is not a good PID`)
  }
  try {
    process.kill(pid, 'SIGTERM')
  } catch (cause) {
    throw new TrustError('agent-control', `The process ${pid} can't be ended.`, { cause })
  }
  return pid
}

/** Signals that are passed on to whom this process stands for. */
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const

/**
 * Starts a process that stands in the place of this one, and waits for it. The handlers are there
 * first: an early SIGUSR1 would open Node's inspector.
 *
 * @param interrupts whether SIGINT is passed on; a terminal gives it to a child by itself
 * @returns what this process is to exit with
 */
export async function standIn(start: () => ChildProcess, interrupts: boolean): Promise<number> {
  const child: { running?: ChildProcess } = {}
  for (const signal of SIGNALS) process.on(signal, () => child.running?.kill(signal))
  process.on('SIGINT', () => {
    if (interrupts) child.running?.kill('SIGINT')
  })
  const running = start()
  child.running = running
  running.ref()
  return new Promise((done, reject) => {
    running.once('error', reject)
    running.once('exit', (code, signal) => {
      // As a shell tells it of a process that a signal ended.
      done(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

/**
 * Runs a command that uses the agent; the agent ends with it.
 *
 * @returns the command's exit code
 * @throws TrustError `input-invalid` where it can't be run
 */
export async function runUnderAgent(
  agent: StandaloneAgent,
  [command = '', ...args]: readonly string[],
): Promise<number> {
  const env = {
    ...process.env,
    SSH_AUTH_SOCK: agent.socket,
    SSH_AGENT_PID: String(agent.pid),
  }
  try {
    const start = (): ChildProcess => spawn(command, args, { stdio: 'inherit', env })
    return await standIn(start, !process.stdin.isTTY)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TrustError('input-invalid', `${command} can't be run: ${reason}`, { cause })
  } finally {
    agent.process.kill()
  }
}
