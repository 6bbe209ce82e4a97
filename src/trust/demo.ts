/**
 * `ssh-trust demo`: the main job from end to end on this machine alone. The bundles of main and post
 * run as the runner runs them, against servers in this process; each step says what it did and
 * whether it went as it should.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { styleText } from 'node:util'
import { parseAudit } from '../agent/audit'
import { agentStatus } from '../agent/control'
import { explain } from '../errors'
import { findProgram, runProgram, type ProgramResult } from '../local/programs'
import { startDemoServer, type DemoServer } from '../remote/demo-server'
import { uploadFile } from '../remote/upload'
import { encodePublicKey, fingerprint } from '../ssh/public-key'
import { logInWithJobKey } from './job-login'

/** First OpenSSH whose scp speaks SFTP, which is all that the demo's server can do. */
const OPENSSH_NEEDED = 9

export interface DemoOptions {
  /** Bundles of the action. */
  mainFile: string
  postFile: string
  say: (line: string) => void
  /** Whether to use colour. */
  colour: boolean
}

interface Key {
  privateKey: KeyObject
  /** The public half in wire format. */
  blob: Buffer
  fingerprint: string
}

/** How the demo speaks; `check` also keeps the score. */
interface Voice {
  title: (text: string) => void
  note: (text: string) => void
  check: (right: boolean, text: string) => void
}

/** A run of main or post, and what it left in the runner's files. */
interface Run extends ProgramResult {
  state: Record<string, string>
  env: Record<string, string>
  outputs: Record<string, string>
  summary: string
}

interface Stage extends Voice {
  directory: string
  /** RUNNER_TEMP of the steps. */
  temporary: string
  runMain: () => Promise<Run>
  runPost: (state: Record<string, string>) => Promise<Run>
  startServer: (hostKey: Key, port?: number) => Promise<DemoServer>
  deployKey: Key
  hostKey: Key
  server: DemoServer
  /** The real ssh and scp, where they are new enough. */
  clients: { ssh: string; scp: string } | undefined
}

/** Runs the demo; true if every step went as it should. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { say } = options
  const paint = (style: 'bold' | 'dim' | 'green' | 'red', text: string): string =>
    options.colour ? styleText(style, text) : text
  const wrong: string[] = []
  const voice: Voice = {
    title: (text) => {
      say(`\n${paint('bold', text)}`)
    },
    note: (text) => {
      for (const line of text.trimEnd().split('\n'))
        if (line !== '') say(paint('dim', `    ${line}`))
    },
    check: (right, text) => {
      if (!right) wrong.push(text)
      say(`  ${right ? paint('green', '✓') : paint('red', '✗ WRONG:')} ${text}`)
    },
  }
  const directory = mkdtempSync(join(tmpdir(), 'ssh-trust-demo-'))
  const servers: DemoServer[] = []
  try {
    const stage = await prepare(options, voice, directory, servers)
    const main = await pinnedHost(stage)
    if (main.code === 0) {
      await copyFile(stage, main)
      await changedKey(stage, main)
      await unpinnedHost(stage, main)
      await takeBack(stage, main)
    }
  } catch (error) {
    voice.check(false, explain(error))
  } finally {
    for (const server of servers) await server.close()
    rmSync(directory, { recursive: true, force: true })
  }
  const good = wrong.length === 0
  say(
    good
      ? paint('green', '\nEverything went as it should.')
      : paint('red', '\nSomething is wrong.'),
  )
  return good
}

async function prepare(
  { mainFile, postFile }: DemoOptions,
  voice: Voice,
  directory: string,
  servers: DemoServer[],
): Promise<Stage> {
  const deployKey = keyOf(generateKeyPairSync('ed25519').privateKey)
  const hostKey = newHostKey()
  const startServer: Stage['startServer'] = async (key, port) => {
    const server = await startDemoServer(key.privateKey, deployKey.blob, port)
    servers.push(server)
    return server
  }
  const server = await startServer(hostKey)
  const temporary = join(directory, 'temp')
  mkdirSync(temporary)
  const hosts = `web=demo@127.0.0.1:${server.port} ${hostKey.fingerprint}`
  const secret = deployKey.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const inputs = {
    'INPUT_SSH-PRIVATE-KEY': secret,
    INPUT_HOSTS: hosts,
    INPUT_HOME: 'false', // the demo touches nothing of yours
  }

  voice.title('1. A server, and a deploy key that it accepts')
  voice.note(`server  127.0.0.1:${server.port}, host key RSA ${hostKey.fingerprint}`)
  voice.note(`key     ED25519 ${deployKey.fingerprint}`)
  voice.title('2. The action, with that key as ssh-private-key and one pinned host')
  voice.note(`hosts: ${hosts}`)
  return {
    ...voice,
    directory,
    temporary,
    runMain: async () => runStep(mainFile, directory, temporary, inputs),
    runPost: async (state) => {
      const entries = Object.entries(state).map(([name, value]) => [`STATE_${name}`, value])
      return runStep(postFile, directory, temporary, Object.fromEntries(entries) as typeof state)
    },
    startServer,
    deployKey,
    hostKey,
    server,
    clients: await findClients(),
  }
}

async function pinnedHost({ runMain, note, check }: Stage): Promise<Run> {
  const main = await runMain()
  note(withoutCommands(main.stdout))
  check(main.code === 0, 'the host proved the pinned key, and the agent holds the deploy key')
  return main
}

async function copyFile(stage: Stage, main: Run): Promise<void> {
  const { title, note, check, server, clients } = stage
  title('3. A later step copies a file')
  const file = join(stage.directory, 'release.txt')
  writeFileSync(file, 'version 1\n')
  if (clients === undefined) {
    note(
      `There is no scp of OpenSSH ${OPENSSH_NEEDED} or later; an SFTP client uses the agent instead.`,
    )
    await uploadThroughAgent(stage, server, stage.hostKey, main)
  } else {
    note('$ scp -F "$SSH_CONFIG" release.txt web:/release.txt')
    const args = ['-q', ...sshOptions(main), file, 'web:/release.txt']
    note((await runProgram(clients.scp, args, { env: clientEnv(main) })).stderr)
  }
  const arrived = server.files.get('/release.txt')?.toString() === 'version 1\n'
  check(arrived, 'the file is on the server, and nobody typed a password')
}

async function changedKey(stage: Stage, main: Run): Promise<void> {
  const { title, note, check, server, clients, hostKey } = stage
  title("4. The server's host key changes")
  await server.close()
  const otherKey = newHostKey()
  const other = await stage.startServer(otherKey, server.port)
  note(`server  127.0.0.1:${other.port}, host key RSA ${otherKey.fingerprint}`)
  if (clients !== undefined) {
    note('$ ssh -F "$SSH_CONFIG" web true')
    const args = [...sshOptions(main), 'web', 'true']
    const { code, stderr } = await runProgram(clients.ssh, args, { env: clientEnv(main) })
    note(/^Host key verification failed.*$/m.exec(stderr)?.[0] ?? stderr)
    check(code !== 0 && other.logins() === 0, 'ssh refuses to connect')
  }
  const again = await stage.runMain()
  note(withoutCommands(again.stdout))
  const named = [hostKey, otherKey].every((key) => again.stdout.includes(key.fingerprint))
  check(
    again.code === 1 && named,
    'the action fails the job: it names the pinned key and the offered one',
  )
}

async function unpinnedHost(stage: Stage, main: Run): Promise<void> {
  const { title, note, check, clients } = stage
  title('5. A host that nobody pinned')
  const strangerKey = newHostKey()
  const stranger = await stage.startServer(strangerKey)
  if (clients === undefined) {
    const refusal = await uploadThroughAgent(stage, stranger, strangerKey, main).catch(explain)
    note(refusal ?? 'no refusal')
  } else {
    note(`$ ssh -o StrictHostKeyChecking=no -p ${stranger.port} demo@127.0.0.1 true`)
    const careless = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes']
    const options = careless.flatMap((option) => ['-o', option])
    const args = ['-F', 'none', ...options, '-p', String(stranger.port), 'demo@127.0.0.1', 'true']
    const { stderr } = await runProgram(clients.ssh, args, { env: clientEnv(main) })
    note(/^.*Permission denied.*$/m.exec(stderr)?.[0] ?? stderr)
  }
  check(stranger.logins() === 0, 'the agent signed nothing, so there was no login')
  const audit = join(dirname(main.state['journal'] ?? ''), 'audit.jsonl')
  const last = parseAudit(readFileSync(audit, 'utf8')).entries.at(-1)
  check(last?.reason === 'host-not-pinned', `the audit says why: ${last?.reason ?? 'nothing'}`)
}

async function takeBack(stage: Stage, main: Run): Promise<void> {
  const { title, note, check } = stage
  title('6. The job ends, and post takes everything back')
  const post = await stage.runPost(main.state)
  note(withoutCommands(post.stdout))
  check(post.code === 0 && post.summary.includes('SSH trust'), 'post wrote the job summary')
  check(readdirSync(stage.temporary).length === 0, 'no file is left')
  const socket = main.env['SSH_AUTH_SOCK'] ?? ''
  const gone = await agentStatus({ socket, token: '' })
    .then(() => false)
    .catch(() => true)
  check(gone, 'no agent is left')
  const again = await stage.runPost(main.state)
  check(again.code === 0 && again.stdout === '', 'post a second time finds nothing to do')
}

function keyOf(privateKey: KeyObject): Key {
  const { blob } = encodePublicKey(createPublicKey(privateKey))
  return { privateKey, blob, fingerprint: fingerprint(blob) }
}

/** RSA, since ssh2 reads host keys as PKCS#1 but not as PKCS#8. */
function newHostKey(): Key {
  return keyOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
}

async function findClients(): Promise<Stage['clients']> {
  const ssh = await findProgram('ssh')
  const scp = await findProgram('scp')
  if (ssh === undefined || scp === undefined) return undefined
  const { stderr } = await runProgram(ssh, ['-V'], { env: {} })
  const version = Number(/OpenSSH_(?:for_Windows_)?([0-9]+)/.exec(stderr)?.[1] ?? 0)
  return version >= OPENSSH_NEEDED ? { ssh, scp } : undefined
}

function sshOptions(main: Run): string[] {
  return ['-F', main.outputs['ssh-config'] ?? '', '-o', 'BatchMode=yes']
}

function clientEnv(main: Run): Record<string, string> {
  return { ...main.env, PATH: process.env['PATH'] ?? '' }
}

/** Uploads with ssh2, where there is no ssh. */
async function uploadThroughAgent(
  { deployKey }: Stage,
  server: DemoServer,
  hostKey: Key,
  main: Run,
): Promise<undefined> {
  const agent = { socket: main.env['SSH_AUTH_SOCK'] ?? '', token: main.state['token'] ?? '' }
  const address = { host: '127.0.0.1', port: server.port, user: 'demo', timeout: 10_000 }
  const client = await logInWithJobKey({ ...address, hostKey: hostKey.blob }, deployKey.blob, agent)
  await uploadFile(client, '/release.txt', Buffer.from('version 1\n'))
  client.end()
}

/** Runs a bundle with the files that the runner gives a step, and reads what it wrote there. */
async function runStep(
  bundle: string,
  directory: string,
  temporary: string,
  variables: Record<string, string>,
): Promise<Run> {
  const names = ['STATE', 'OUTPUT', 'ENV', 'STEP_SUMMARY'] as const
  const file = (name: (typeof names)[number]): string => join(directory, name)
  for (const name of names) writeFileSync(file(name), '')
  const env = {
    ...Object.fromEntries(names.map((name) => [`GITHUB_${name}`, file(name)])),
    RUNNER_TEMP: temporary,
    ...variables,
  }
  const result = await runProgram(process.execPath, [bundle], { env })
  return {
    ...result,
    state: readPairs(file('STATE')),
    outputs: readPairs(file('OUTPUT')),
    env: readPairs(file('ENV')),
    summary: readFileSync(file('STEP_SUMMARY'), 'utf8'),
  }
}

/** The runner's file commands: `name<<delimiter`, the value, the delimiter. */
function readPairs(file: string): Record<string, string> {
  const pairs = readFileSync(file, 'utf8').matchAll(/^(.+?)<<(.+)\n([\s\S]*?)\n\2$/gm)
  return Object.fromEntries([...pairs].map(([, name = '', , value = '']) => [name, value]))
}

/** A step's log as the runner shows it: errors as words, masks and debug lines not at all. */
function withoutCommands(log: string): string {
  return log
    .split('\n')
    .filter((line) => !/^::(add-mask|debug)::/.test(line))
    .map((line) => line.replace(/^::(error|warning)::/, '$1: ').replaceAll('%0A', '\n'))
    .join('\n')
}
