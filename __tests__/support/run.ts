/** Runs a program as a subprocess, never through a shell, and tells how it ended. */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

export interface RunOptions {
  /** The whole environment; that of this process if left out. */
  env?: NodeJS.ProcessEnv
  /** For its standard input, which is empty if left out. */
  input?: string | Buffer
  cwd?: string
  /** Milliseconds until it is killed; 20 seconds if left out, less than a test has. */
  timeout?: number
  /** Called when it has started, to watch it or to send it signals. */
  onStart?: (child: ChildProcess) => void
  /** Called for every line of both streams, in the order they came in. */
  onLine?: (line: string) => void
}

export interface Finished {
  /** The exit code; null if a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  timedOut: boolean
  /** A process that outlives this one still held its stdout or stderr: a runner would wait. */
  pipesHeld: boolean
}

/** How long a runner waits for the streams of a process that has ended. */
const STREAMS_GRACE = 5_000

export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
  })
  const stdout = collect(child.stdout, options.onLine)
  const stderr = collect(child.stderr, options.onLine)
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve([code, signal])
    })
  })
  const closed = new Promise<true>((resolve) => {
    child.once('close', () => {
      resolve(true)
    })
  })
  // It may end without having read its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input)
  child.once('spawn', () => options.onStart?.(child))

  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    child.kill('SIGKILL')
  }, options.timeout ?? 20_000)
  const grace = new AbortController()
  try {
    const [code, signal] = await ended
    const graceOver = sleep(STREAMS_GRACE, false, { signal: grace.signal }).catch(() => false)
    const pipesHeld = !(await Promise.race([closed, graceOver]))
    return { code, signal, stdout: stdout(), stderr: stderr(), timedOut, pipesHeld }
  } finally {
    clearTimeout(timer)
    grace.abort()
    child.stdout.destroy()
    child.stderr.destroy()
  }
}

/** Like `run`, for preparations: its output, or an error if it fails. */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { code, signal, stdout, stderr } = await run(program, args, options)
  if (code !== 0) {
    const how = signal ?? `code ${String(code)}`
    throw new Error(`${[program, ...args].join(' ')}: ${how}\n${stdout}${stderr}`)
  }
  return stdout
}

/** Gathers what `stream` brings. The function returned gives it, and the last line if unfinished. */
function collect(stream: Readable, onLine?: (line: string) => void): () => string {
  let text = ''
  let passedOn = 0
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('\n', passedOn); end >= 0; end = text.indexOf('\n', passedOn)) {
      onLine?.(text.slice(passedOn, end).replace(/\r$/, ''))
      passedOn = end + 1
    }
  })
  return () => {
    if (passedOn < text.length) onLine?.(text.slice(passedOn))
    passedOn = text.length
    return text
  }
}
