/**
 * Runs an action's JavaScript file as the GitHub runner does: a subprocess with the runner's
 * environment and file commands; and the job's later steps after it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChildProcess } from 'node:child_process'
import { account } from './account'
import type { Home } from './home'
import { canFindProcesses, killProcesses, processesWith, type LiveProcess } from './processes'
import { run, type Finished, type RunOptions } from './run'
import { makeDirectory, removeDirectory, trackingId } from './scratch'

export type { LiveProcess } from './processes'

export interface JobOptions {
  env?: Readonly<Record<string, string>>
  /**
   * The home of the job. Without it $HOME is an empty directory, but the passwd entry's home, where
   * ssh looks, is the real one: then run only what leaves that alone.
   */
  home?: Home
}

export interface StepOptions {
  /** What an earlier step of the action has saved: its `state`. */
  state?: Readonly<Record<string, string>>
  /** Node's binary; if left out that of SSH_TRUST_NODE, or the one that runs this. */
  node?: string
  timeout?: number
  onStart?: (child: ChildProcess) => void
}

export interface Annotation {
  level: 'error' | 'warning' | 'notice'
  message: string
  properties: Record<string, string>
}

export interface StepResult extends Finished {
  state: Record<string, string>
  outputs: Record<string, string>
  /** What it has set for later steps by GITHUB_ENV. */
  env: Record<string, string>
  /** What it has put on the PATH of later steps. */
  path: string[]
  summary: string
  annotations: Annotation[]
  masks: string[]
  /** Both streams as the runner shows them, but nothing is masked, and no line that adds a mask. */
  log: string
}

export interface Job {
  directory: string
  /** RUNNER_TEMP */
  temp: string
  /** GITHUB_WORKSPACE */
  workspace: string
  trackingId: string
  /** The environment of the next step. */
  env: Record<string, string>
  /** Runs a JavaScript file as a step. */
  run: (
    file: string,
    inputs?: Readonly<Record<string, string>>,
    options?: StepOptions,
  ) => Promise<StepResult>
  /** Runs a program as a later step does. */
  exec: (
    program: string,
    args?: readonly string[],
    options?: Omit<RunOptions, 'env'> & { env?: Readonly<Record<string, string>> },
  ) => Promise<Finished>
  /** The job's processes that are still alive. */
  processes: () => LiveProcess[]
  cleanup: () => Promise<void>
}

export function createJob(options: JobOptions = {}): Job {
  const directory = makeDirectory('job')
  const temp = join(directory, '_temp')
  const workspace = join(directory, 'repo', 'repo')
  const noHome = join(directory, 'home')
  const commands = join(temp, '_runner_file_commands')
  for (const path of [workspace, noHome, commands]) mkdirSync(path, { recursive: true })
  const id = trackingId(randomUUID())
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    LANG: 'C.UTF-8',
    USER: account().username,
    HOME: noHome,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: '__octo_ssh-trust-action',
    GITHUB_ACTOR: 'octocat',
    GITHUB_API_URL: 'https://api.github.com',
    GITHUB_EVENT_NAME: 'push',
    GITHUB_JOB: 'deploy',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_REPOSITORY: 'octo/repo',
    GITHUB_REPOSITORY_OWNER: 'octo',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_RUN_ID: '1234567890',
    GITHUB_RUN_NUMBER: '42',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
    GITHUB_WORKFLOW: 'CI',
    GITHUB_WORKSPACE: workspace,
    RUNNER_ARCH: process.arch === 'arm64' ? 'ARM64' : 'X64',
    RUNNER_ENVIRONMENT: 'self-hosted',
    RUNNER_NAME: 'test-runner',
    RUNNER_OS: process.platform === 'darwin' ? 'macOS' : 'Linux',
    RUNNER_TEMP: temp,
    RUNNER_TRACKING_ID: id,
    ...options.home?.env,
    ...options.env,
  }
  const processes = (): LiveProcess[] => {
    if (!canFindProcesses) throw new Error('needs /proc')
    return processesWith(`RUNNER_TRACKING_ID=${id}`)
  }

  const runStep: Job['run'] = async (file, inputs = {}, stepOptions = {}) => {
    const fileOf = (command: string): string => join(commands, `${command}_${randomUUID()}`)
    const files = {
      GITHUB_ENV: fileOf('set_env'),
      GITHUB_OUTPUT: fileOf('set_output'),
      GITHUB_PATH: fileOf('add_path'),
      GITHUB_STATE: fileOf('save_state'),
      GITHUB_STEP_SUMMARY: fileOf('step_summary'),
    }
    for (const path of Object.values(files)) writeFileSync(path, '')
    const { state = {}, node, timeout, onStart } = stepOptions
    const lines: string[] = []
    const finished = await run(node ?? process.env['SSH_TRUST_NODE'] ?? process.execPath, [file], {
      cwd: workspace,
      env: {
        ...env,
        ...prefixed('STATE_', state),
        ...prefixed('INPUT_', inputs, (name) => name.replaceAll(' ', '_').toUpperCase()),
        ...files,
      },
      onLine: (line) => lines.push(line),
      ...(timeout === undefined ? {} : { timeout }),
      ...(onStart === undefined ? {} : { onStart }),
    })

    const read = (name: keyof typeof files): string => readFileSync(files[name], 'utf8')
    const result: StepResult = {
      ...finished,
      state: parseFileCommand(read('GITHUB_STATE')),
      outputs: parseFileCommand(read('GITHUB_OUTPUT')),
      env: parseFileCommand(read('GITHUB_ENV')),
      path: read('GITHUB_PATH')
        .split(/\r?\n/)
        .filter((line) => line !== ''),
      summary: read('GITHUB_STEP_SUMMARY'),
      ...parseLog(lines),
    }
    if ('NODE_OPTIONS' in result.env) throw new Error('GITHUB_ENV: a runner takes no NODE_OPTIONS')
    Object.assign(env, result.env)
    for (const path of result.path) env['PATH'] = `${path}:${env['PATH'] ?? ''}`
    return result
  }

  return {
    directory,
    temp,
    workspace,
    trackingId: id,
    env,
    run: runStep,
    exec: (program, args = [], execOptions = {}) =>
      run(program, args, {
        cwd: workspace,
        ...execOptions,
        env: { ...env, ...execOptions.env },
      }),
    processes,
    cleanup: async () => {
      if (canFindProcesses) {
        const deadline = Date.now() + 10_000
        for (let left = processes(); left.length > 0; left = processes()) {
          if (Date.now() > deadline) throw new Error(`still alive: ${JSON.stringify(left)}`)
          killProcesses(left)
          await sleep(5)
        }
      }
      removeDirectory(directory)
    },
  }
}

function prefixed(
  prefix: string,
  values: Readonly<Record<string, string>>,
  rename = (name: string): string => name,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [prefix + rename(name), value]),
  )
}

/**
 * Reads a file of `name=value` lines and `name<<delimiter` blocks, as strictly as the runner: what
 * it would fail the step for is an error.
 */
export function parseFileCommand(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  const lines = text.split(/\r?\n/)
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (line === '') continue
    // Whichever comes first decides, as either may be part of the value.
    const [, name, sign, rest = ''] = /^(.*?)(=|<<)(.*)$/.exec(line) ?? []
    if (name === undefined || name === '') throw new Error(`file command: invalid line '${line}'`)
    if (sign === '=') {
      values[name] = rest
      continue
    }
    const end = rest === '' ? -1 : lines.indexOf(rest, index + 1)
    if (end < 0) throw new Error(`file command: no end of '${line}'`)
    values[name] = lines.slice(index + 1, end).join('\n')
    index = end
  }
  return values
}

/** Finds the workflow commands among the lines of a step. */
export function parseLog(
  lines: readonly string[],
): Pick<StepResult, 'annotations' | 'masks' | 'log'> {
  const annotations: Annotation[] = []
  const masks: string[] = []
  const shown: string[] = []
  // While commands are stopped, only this one counts: it starts them again.
  let resume: string | undefined
  for (const line of lines) {
    const [, name, properties = '', data = ''] =
      /^\s*::([^\s:]+)(?: (.*?))?::(.*)$/.exec(line) ?? []
    if (resume !== undefined) {
      if (name === resume) resume = undefined
    } else if (name === 'stop-commands') {
      resume = data
    } else if (name === 'add-mask') {
      masks.push(unescapeData(data))
      continue
    } else if (name === 'error' || name === 'warning' || name === 'notice') {
      const message = unescapeData(data)
      annotations.push({ level: name, message, properties: parseProperties(properties) })
    }
    shown.push(line)
  }
  return { annotations, masks, log: shown.map((line) => `${line}\n`).join('') }
}

function parseProperties(text: string): Record<string, string> {
  const pairs = text
    .split(',')
    .map((pair) => /^\s*([^=]+)=(.*)$/.exec(pair))
    .filter((match) => match !== null)
  return Object.fromEntries(
    pairs.map(([, name = '', value = '']) => [
      name,
      unescapeData(value.replaceAll('%3A', ':').replaceAll('%2C', ',')),
    ]),
  )
}

/** %25 last: `%250A` is the text `%0A`. */
function unescapeData(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%')
}
