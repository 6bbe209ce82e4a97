/** Starting the agent as a process of its own, which outlives the one that starts it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { normalize, parse } from 'node:path'
import { TrustError } from '../errors'
import { encodeSettings, type AgentSettings, type Ready } from './settings'

/** Time for the agent to answer: it may be generating an RSA key of many bits, which takes minutes. */
const READY_TIMEOUT = 900_000

/** Longest answer; far more than any number of identities needs. */
const MAX_READY = 1024 * 1024

/**
 * Bytes of OpenSSL's secure heap: locked in memory and left out of core dumps. Node keeps ed25519 keys
 * there. It must hold as many as the keyring does: OpenSSL ends the process when it is full.
 */
const SECURE_HEAP = 2 * 1024 * 1024

/**
 * Node's permission model: the agent reads its bundle and /proc, and writes in its own directory. It may
 * start processes, for the teardown and for ssh-askpass. Without leave for the inspector Node 24 blocks
 * SIGUSR1, which drops the keys; the entry sees to it that no inspector opens. Node 20 has the model as
 * an experiment alone; later ones want leave for the network, which sockets belong to.
 */
function permissions(file: string, writable: readonly string[]): string[] {
  if (Number.parseInt(process.versions.node) < 24) return []
  return [
    '--permission',
    '--allow-child-process',
    ...['--allow-inspector', '--allow-net'].filter((flag) =>
      process.allowedNodeEnvironmentFlags.has(flag),
    ),
    `--allow-fs-read=${file}`,
    '--allow-fs-read=/proc/',
    // The model compares letter by letter: on Windows no slashes may stand among backslashes.
    ...writable
      .map(normalize)
      .flatMap((path) => [`--allow-fs-read=${path}`, `--allow-fs-write=${path}`]),
  ]
}

/**
 * What the agent's environment is made of. RUNNER_TRACKING_ID lets the runner kill the agent at the
 * end of a job in which post never ran; the others are what Windows needs to start a process.
 */
const ENVIRONMENT = ['RUNNER_TRACKING_ID', 'SystemRoot', 'SystemDrive', 'TEMP', 'TMP']

/** An agent process that has started but has no settings yet. Without them it ends by itself. */
export interface Launching {
  process: ChildProcess
  /** Gives the agent its settings; resolves when it serves its socket. */
  ready: (settings: AgentSettings) => Promise<Ready>
  /** Lets it end without ever having served. */
  abandon: () => void
}

/**
 * Starts the agent's process, so that it boots while the caller is still checking hosts.
 *
 * @param file the agent's bundle, `dist/agent/index.js`
 * @param writable where its socket and its audit are: files, or directories that end in a slash
 * @param stderr whether it may write there, for its audit
 */
export function launchAgent(
  file: string,
  writable: readonly string[],
  stderr: 'ignore' | 'inherit' = 'ignore',
): Launching {
  const flags = [
    '--max-old-space-size=128',
    '--max-semi-space-size=1',
    ...(process.platform === 'win32' ? [] : [`--secure-heap=${SECURE_HEAP}`]),
    ...permissions(file, writable),
  ]
  const env: Record<string, string> = {}
  for (const name of ENVIRONMENT) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  const child = spawn(process.execPath, [...flags, file], {
    detached: true,
    cwd: parse(process.execPath).root, // so that it keeps no directory from being removed
    env,
    stdio: ['pipe', 'pipe', stderr],
    windowsHide: true,
  })
  keepOutOfDumps(child.pid)
  child.stdin.on('error', () => undefined) // told by the exit, below
  const answer = readAnswer(child)
  answer.catch(() => undefined) // whoever calls ready() hears of it
  return {
    process: child,
    ready: async (settings) => {
      child.stdin.end(`${encodeSettings(settings)}\n`)
      const ready = await answer
      child.unref()
      return ready
    },
    abandon: () => {
      child.stdin.end()
      child.unref()
    },
  }
}

/**
 * core(5): nothing of the process's memory goes into a core dump. Keys pass through Node's own memory
 * when they come in, and their traces stay there. On Linux alone.
 */
function keepOutOfDumps(pid: number | undefined): void {
  if (process.platform !== 'linux' || pid === undefined) return
  try {
    writeFileSync(`/proc/${pid}/coredump_filter`, '0')
  } catch {
    // It has ended, or the kernel makes no dumps.
  }
}

/** The first line that the agent writes, whole. */
async function readAnswer(child: ChildProcess): Promise<Ready> {
  const { stdout } = child
  return new Promise((resolve, reject) => {
    let text = ''
    const fail = (message: string, cause?: unknown): void => {
      clearTimeout(timer)
      reject(new TrustError('agent-start', `The agent did not start: ${message}.`, { cause }))
    }
    const timer = setTimeout(() => {
      child.kill()
      fail(`no answer within ${READY_TIMEOUT / 1000} s`)
    }, READY_TIMEOUT)
    timer.unref()
    child.once('error', (error) => {
      fail(error.message, error)
    })
    child.once('close', (code, signal) => {
      fail(`it ended with ${signal ?? `exit code ${code ?? 'unknown'}`}`)
    })
    stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.length > MAX_READY) fail('its answer is too long')
      if (!text.endsWith('\n')) return
      clearTimeout(timer)
      stdout.destroy()
      try {
        const parsed = JSON.parse(text) as Ready | { error: string }
        if ('error' in parsed) fail(parsed.error)
        else resolve(parsed)
      } catch (error) {
        fail('its answer is none', error)
      }
    })
  })
}
