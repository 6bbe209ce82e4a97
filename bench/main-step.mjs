/**
 * Times the main step beside what people use instead, in one run: `node bench/main-step.mjs`.
 * bench/README.md says what is compared and why so. It uses dist/ and nothing that needs an install.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism, homedir, loadavg, tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    node: { type: 'string', default: process.execPath },
  },
})
const rounds = Number(options.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds wants a number from 1 up')
const node = options.node

const scratch = mkdtempSync(join(tmpdir(), 'bench-'))
// A copy: a build in between must not make two things of what is measured as one.
const dist = join(scratch, 'dist')
cpSync(join(import.meta.dirname, '..', 'dist'), dist, { recursive: true })
const mainFile = join(dist, 'main', 'index.js')
const postFile = join(dist, 'post', 'index.js')
const agentFile = join(dist, 'agent', 'index.js')

/** The flags that main always gives the agent; the bundle is not minified. */
const AGENT_FLAGS = /const flags = \[([^\]]*)/
  .exec(readFileSync(mainFile, 'utf8'))?.[1]
  .match(/'--[^']*'/g)
  ?.map((flag) => flag.slice(1, -1))
if (AGENT_FLAGS === undefined) throw new Error('launch.ts gives its flags in another way now')
const LIST_REQUESTS = 200

// ---------------------------------------------------------------- what must not outlive this process

const children = new Set()
/** Agents that put themselves into the background. */
const strays = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  for (const pid of strays) kill(pid)
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

function kill(pid) {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // gone already
  }
}

function start(program, args, settings) {
  const child = spawn(program, args, settings)
  children.add(child)
  child.once('close', () => children.delete(child))
  return child
}

/** Ends a process and waits until it is gone, so that it takes no time from the next one. */
async function end(child) {
  const closed = once(child, 'close')
  if (child.exitCode === null && child.signalCode === null) {
    child.kill()
    await closed
  }
}

async function endStray(pid) {
  kill(pid)
  while (existsSync(`/proc/${pid}`)) await sleep(2)
  strays.delete(pid)
}

// ------------------------------------------------------------------------------- surroundings

function find(program) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']
  const path = directories.map((directory) => join(directory, program)).find(existsSync)
  if (path === undefined) throw new Error(`${program} is needed for this comparison`)
  return path
}

function versionOf(program, flag) {
  // `ssh -V` writes to standard error; it is the same text whatever else happens.
  const output = execFileSync('/bin/sh', ['-c', '"$0" "$1" 2>&1', program, flag])
  return output.toString().trim().split('\n')[0]
}

/**
 * A temporary home. Programs take it from the passwd entry, not from $HOME, so it needs nss_wrapper;
 * without that library, undefined.
 */
function temporaryHome() {
  if (process.platform !== 'linux') return undefined
  const library = ['/usr/lib', '/usr/lib64', '/usr/local/lib']
    .filter(existsSync)
    .flatMap((base) => [
      base,
      ...readdirSync(base, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && entry.name.endsWith('-linux-gnu'))
        .map((entry) => join(base, entry.name)),
    ])
    .map((directory) => join(directory, 'libnss_wrapper.so'))
    .find(existsSync)
  if (library === undefined) return undefined
  const directory = join(scratch, 'home')
  mkdirSync(directory, { mode: 0o700 })
  const { username, uid, gid, shell } = userInfo()
  const lines = (file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
  const passwd = [
    [username, 'x', uid, gid, '', directory, shell ?? '/bin/sh'].join(':'),
    ...lines('/etc/passwd').filter((line) => line.split(':')[2] !== String(uid)),
  ]
  writeFileSync(join(scratch, 'passwd'), `${passwd.join('\n')}\n`)
  writeFileSync(join(scratch, 'group'), `${lines('/etc/group').join('\n')}\n`)
  const env = {
    HOME: directory,
    LD_PRELOAD: library,
    NSS_WRAPPER_PASSWD: join(scratch, 'passwd'),
    NSS_WRAPPER_GROUP: join(scratch, 'group'),
  }
  // Nothing here may touch the real home: see that the library does what is asked of it.
  const told = execFileSync(node, ['-p', 'os.userInfo().homedir'], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  })
  return told.trim() === directory ? { directory, env } : undefined
}

function makeKey(name) {
  const file = join(scratch, name)
  execFileSync(find('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-C', 'bench', '-f', file])
  return file
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** A real sshd on loopback, with a configuration and a host key of its own. */
async function startSshd() {
  const program = find('sshd')
  const hostKey = makeKey('ssh_host_ed25519_key')
  const port = await freePort()
  // Since 9.8 sshd locks out who connects often without a login; older ones don't know the option.
  const [, major, minor] = /OpenSSH_(\d+)\.(\d+)/.exec(versionOf(find('ssh'), '-V')) ?? []
  const penalties = Number(major) > 9 || (Number(major) === 9 && Number(minor) >= 8)
  const config = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${hostKey}`,
    'PidFile none',
    'UsePAM no',
    'UseDNS no',
    'StrictModes no',
    'AuthorizedKeysFile none',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'MaxStartups 1000',
    ...(penalties ? ['PerSourcePenalties no'] : []),
  ]
  writeFileSync(join(scratch, 'sshd_config'), `${config.join('\n')}\n`)
  // Debian's sshd wants it at every start; its service makes it.
  if (process.getuid() === 0 && process.platform === 'linux') {
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  }
  const logFile = join(scratch, 'sshd.log')
  const log = openSync(logFile, 'w')
  const child = start(program, ['-D', '-e', '-f', join(scratch, 'sshd_config')], {
    stdio: ['ignore', 'ignore', log],
  })
  closeSync(log)
  while (!readFileSync(logFile, 'utf8').includes('Server listening')) {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${readFileSync(logFile, 'utf8')}`)
    await sleep(5)
  }
  const [, fingerprint] = execFileSync(find('ssh-keygen'), ['-lf', `${hostKey}.pub`])
    .toString()
    .split(' ')
  const publicKey = readFileSync(`${hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
  return { child, port, fingerprint, publicKey }
}

// ----------------------------------------------------------------------------------- timing

const milliseconds = (from) => Number(process.hrtime.bigint() - from) / 1e6

/** Runs a program to its end. It must succeed: half a run is no measurement. */
async function timed(program, args, env) {
  const from = process.hrtime.bigint()
  const child = start(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => (output += chunk))
  }
  const closed = once(child, 'close')
  const [code] = await once(child, 'exit')
  const time = milliseconds(from)
  await closed
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${code}\n${output}`)
  return { time, output }
}

/** `name=value` lines and `name<<delimiter` blocks. */
function fileCommand(path) {
  const text = readFileSync(path, 'utf8')
  const blocks = text.matchAll(/^([^=\n]+?)<<(.+)\n([^]*?)\n\2$/gm)
  return Object.fromEntries([...blocks].map(([, name, , value]) => [name, value]))
}

/** Runs one step of an action as the runner does. */
async function step(file, extra) {
  const commands = mkdtempSync(join(scratch, 'commands-'))
  const path = (name) => join(commands, name)
  const files = {
    GITHUB_ENV: path('env'),
    GITHUB_OUTPUT: path('output'),
    GITHUB_PATH: path('path'),
    GITHUB_STATE: path('state'),
    GITHUB_STEP_SUMMARY: path('summary'),
  }
  for (const name of Object.values(files)) writeFileSync(name, '')
  const { time, output } = await timed(node, [file], { ...baseEnv, ...files, ...extra })
  const result = {
    time,
    output,
    state: fileCommand(files.GITHUB_STATE),
    env: fileCommand(files.GITHUB_ENV),
  }
  rmSync(commands, { recursive: true })
  return result
}

// -------------------------------------------------------------------------------- contestants

const home = temporaryHome()
const runnerTemp = join(scratch, 'temp')
mkdirSync(runnerTemp)
const baseEnv = {
  PATH: process.env.PATH,
  HOME: homedir(),
  CI: 'true',
  GITHUB_ACTIONS: 'true',
  GITHUB_JOB: 'bench',
  GITHUB_REPOSITORY: 'owner/repository',
  GITHUB_RUN_ATTEMPT: '1',
  GITHUB_RUN_ID: '1',
  GITHUB_WORKFLOW: 'bench',
  GITHUB_WORKSPACE: scratch,
  RUNNER_TEMP: runnerTemp,
  RUNNER_TRACKING_ID: 'bench',
  ...home?.env,
}

const sshd = await startSshd()
const userKeyFile = makeKey('key')
const userKey = readFileSync(userKeyFile, 'utf8')

/** Times by name, one of each a round. */
const times = new Map()
function note(name, time) {
  times.set(name, [...(times.get(name) ?? []), time])
}

function check(condition, message) {
  if (!condition) throw new Error(`this was no whole run: ${message}`)
}

async function ours(name, homeInput) {
  const main = await step(mainFile, {
    'INPUT_SSH-PRIVATE-KEY': userKey,
    'INPUT_GENERATE-KEY': '',
    INPUT_HOSTS: `127.0.0.1:${sshd.port} ${sshd.fingerprint}`,
    'INPUT_AGENT-POLICY': '',
    INPUT_HOME: homeInput,
    'INPUT_CONNECT-TIMEOUT': '10',
  })
  const { journal } = main.state
  check(existsSync(main.env.SSH_AUTH_SOCK ?? ''), 'main left no agent')
  if (homeInput === 'true') check(existsSync(join(home.directory, '.ssh', 'config')), 'no block')
  const state = Object.entries(main.state).map(([key, value]) => [`STATE_${key}`, value])
  const post = await step(postFile, Object.fromEntries(state))
  check(!existsSync(journal), 'post left the journal')
  note(name, main.time)
  note(`${name}, post`, post.time)
}

const RECIPE = `eval "$(ssh-agent -s)"
echo "$SSH_PRIVATE_KEY" | ssh-add -
ssh-keyscan -p "$PORT" "$HOST" >> "$KNOWN_HOSTS"
`

/** As the runner runs a \`run:\` step. */
async function recipe(name) {
  const script = join(scratch, 'recipe.sh')
  const knownHosts = join(scratch, 'recipe_known_hosts')
  writeFileSync(script, RECIPE)
  const { time, output } = await timed('bash', ['--noprofile', '--norc', '-e', script], {
    ...baseEnv,
    SSH_PRIVATE_KEY: userKey,
    HOST: '127.0.0.1',
    PORT: String(sshd.port),
    KNOWN_HOSTS: knownHosts,
  })
  const pid = Number(/Agent pid (\d+)/.exec(output)?.[1])
  strays.add(pid)
  check(readFileSync(knownHosts, 'utf8').includes(sshd.publicKey), `no host key: ${output}`)
  rmSync(knownHosts)
  note(name, time)
  await endStray(pid)
}

async function webfactory(name) {
  const { time, env } = await step(join(process.env.WEBFACTORY_SSH_AGENT, 'dist', 'index.js'), {
    'INPUT_SSH-PRIVATE-KEY': userKey,
    'INPUT_LOG-PUBLIC-KEY': 'true',
    'INPUT_SSH-AUTH-SOCK': '',
    'INPUT_SSH-AGENT-CMD': '',
    'INPUT_SSH-ADD-CMD': '',
    'INPUT_GIT-CMD': '',
  })
  const pid = Number(env.SSH_AGENT_PID)
  check(pid > 0, 'it left no agent')
  strays.add(pid)
  note(name, time)
  await endStray(pid)
}

// --------------------------------------------------------------------------------- the agent

/** The settings line that main gives the agent (src/agent/settings.ts). */
function agentSettings(socket) {
  return JSON.stringify({
    socket,
    auditFile: `${socket}.audit`,
    token: '0'.repeat(64),
    policy: {
      mode: 'pinned',
      hosts: [{ name: '127.0.0.1', hostname: '127.0.0.1', pins: [sshd.publicKey], forward: false }],
    },
    keys: [{ privateKey: wireKey(userKey).toString('base64') }],
    watch: { pid: process.pid },
  })
}

/** The one key of an unencrypted OpenSSH key file as RFC 9987 writes it (PROTOCOL.key). */
function wireKey(text) {
  const bytes = Buffer.from(text.replace(/-----.*-----|\s/g, ''), 'base64')
  const skip = (offset) => offset + 4 + bytes.readUInt32BE(offset)
  let offset = 'openssh-key-v1\0'.length
  for (const _field of ['cipher', 'kdf', 'kdf options']) offset = skip(offset)
  offset = skip(offset + 4) // how many keys; the public key
  const from = offset + 4 + 8 // length of the private part; two check numbers
  let to = from
  for (const _field of ['type', 'public key', 'private key', 'comment']) to = skip(to)
  return bytes.subarray(from, to)
}

/** Asks the agent for its keys, as `ssh-add -l` does: a connection for each request. */
async function listRequest(path) {
  const socket = connect(path)
  socket.write(Buffer.from([0, 0, 0, 1, 11]))
  const [answer] = await once(socket, 'data')
  check(answer[4] === 12, 'the agent did not list')
  socket.destroy()
  await once(socket, 'close')
}

/** Resident memory in MB: all of it, and what no file backs (the program's own, shared with none). */
function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const megabytes = (field) =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6
  return { all: megabytes('VmRSS'), own: megabytes('RssAnon') }
}

const memories = new Map()
function noteMemory(name, pid) {
  if (process.platform !== 'linux') return
  memories.set(name, [...(memories.get(name) ?? []), memory(pid)])
}

async function firstLine(stream) {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    text += chunk
    if (text.endsWith('\n')) break
  }
  return text
}

async function agentAlone() {
  const socket = join(scratch, 'agent.sock')
  const from = process.hrtime.bigint()
  const child = start(node, [...AGENT_FLAGS, agentFile], {
    detached: true,
    env: { RUNNER_TRACKING_ID: 'bench' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.end(`${agentSettings(socket)}\n`)
  const line = await firstLine(child.stdout)
  note('agent', milliseconds(from))
  check(JSON.parse(line).identities?.length === 1, `the agent said: ${line}`)
  noteMemory('our agent, ready', child.pid)
  for (let count = 0; count < LIST_REQUESTS; count++) await listRequest(socket)
  noteMemory(`our agent, after ${LIST_REQUESTS} lists`, child.pid)
  await end(child)
}

async function othersAlone() {
  note('node -e 0', (await timed(node, ['-e', '0'], baseEnv)).time)

  const waiting = start(node, ['-e', 'console.log(0); process.stdin.resume()'], {
    env: baseEnv,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  await firstLine(waiting.stdout)
  noteMemory('node that waits', waiting.pid)
  await end(waiting)

  const socket = join(scratch, 'openssh.sock')
  const agent = start(find('ssh-agent'), ['-D', '-a', socket], { env: baseEnv, stdio: 'ignore' })
  while (!existsSync(socket)) await sleep(2)
  const env = { ...baseEnv, SSH_AUTH_SOCK: socket }
  execFileSync(find('ssh-add'), ['-q', userKeyFile], { env })
  noteMemory("OpenSSH's agent, with the key", agent.pid)
  for (let count = 0; count < LIST_REQUESTS; count++) await listRequest(socket)
  noteMemory(`OpenSSH's agent, after ${LIST_REQUESTS} lists`, agent.pid)
  await end(agent)
}

// ------------------------------------------------------------------------------------ the run

const HOME_FALSE = 'main, home: false'
const HOME_TRUE = 'main, home: true'
const RECIPE_NAME = 'recipe (ssh-agent, ssh-add, ssh-keyscan)'
const WEBFACTORY = 'webfactory/ssh-agent, main'

const contestants = [[HOME_FALSE, (name) => ours(name, 'false')]]
const skipped = []
if (home === undefined) skipped.push(`${HOME_TRUE}: no libnss_wrapper to give it a home of its own`)
else contestants.push([HOME_TRUE, (name) => ours(name, 'true')])
contestants.push([RECIPE_NAME, recipe])
if (process.env.WEBFACTORY_SSH_AGENT === undefined) {
  skipped.push(`${WEBFACTORY}: set WEBFACTORY_SSH_AGENT to a checkout of it`)
} else if (home === undefined && !existsSync(join(userInfo().homedir, '.ssh'))) {
  skipped.push(`${WEBFACTORY}: it would make ~/.ssh, and there is no libnss_wrapper`)
} else contestants.push([WEBFACTORY, webfactory])

const load = loadavg()
for (let round = 0; round <= rounds; round++) {
  for (const [name, run] of contestants) {
    await run(name)
    // All find the temporary home as a fresh runner has it.
    if (home !== undefined) rmSync(join(home.directory, '.ssh'), { recursive: true, force: true })
  }
  await agentAlone()
  await othersAlone()
  if (round === 0) {
    times.clear()
    memories.clear()
  }
}
await end(sshd.child)

// --------------------------------------------------------------------------------- the report

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const medianOf = (name) => median(times.get(name))
const round = (number) => number.toFixed(0)

function table(title, head, rows) {
  const all = [[title, ...head], ...rows]
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)))
  for (const row of all) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]),
    )
    console.log(cells.join('   ').trimEnd())
  }
  console.log()
}

console.log(
  `Node ${versionOf(node, '--version')}, ${versionOf(find('ssh'), '-V')}, ${process.platform} ` +
    `${process.arch}, ${availableParallelism()} CPUs, load ${load[0].toFixed(1)} before and ` +
    `${loadavg()[0].toFixed(1)} after, ${rounds} rounds${home === undefined ? '' : ', home by nss_wrapper'}\n`,
)

table(
  'Whole processes, ms',
  ['median', 'min', 'max'],
  [...times].map(([name, all]) => [
    name === 'agent' ? 'our agent, spawn to ready line' : name,
    round(medianOf(name)),
    round(Math.min(...all)),
    round(Math.max(...all)),
  ]),
)

const names = contestants.map(([name]) => name)
const variants = names.filter((name) => name === HOME_FALSE || name === HOME_TRUE)
const peers = names.filter((name) => !variants.includes(name))
const ratio = (name, peer) => medianOf(name) / medianOf(peer)
table(
  'Ratios',
  ['of medians', 'median of pairs'],
  variants.flatMap((name) =>
    peers.map((peer) => [
      `${name} / ${peer.split(/,? /)[0]}`,
      ratio(name, peer).toFixed(2),
      median(times.get(name).map((time, index) => time / times.get(peer)[index])).toFixed(2),
    ]),
  ),
)

if (memories.size > 0) {
  const column = (all, field) => all.map((one) => one[field])
  table(
    'Resident memory, MB',
    ['median', 'max', 'of it its own'],
    [...memories].map(([name, all]) => [
      name,
      median(column(all, 'all')).toFixed(1),
      Math.max(...column(all, 'all')).toFixed(1),
      median(column(all, 'own')).toFixed(1),
    ]),
  )
}
for (const line of skipped) console.log(`Skipped: ${line}`)
if (skipped.length > 0) console.log()

console.log('Aims, in this run, by medians:')
function aim(text, held, figure) {
  console.log(`  ${text}: ${held ? 'held' : 'NOT held'} (${figure})`)
}
for (const name of variants) {
  const versus = (peer) => `${round(medianOf(name))} ms to ${round(medianOf(peer))} ms`
  aim(`${name} under the recipe's time`, ratio(name, RECIPE_NAME) < 1, versus(RECIPE_NAME))
  if (peers.includes(WEBFACTORY)) {
    const held = ratio(name, WEBFACTORY) <= 2
    aim(`${name} at most twice webfactory/ssh-agent's`, held, versus(WEBFACTORY))
  } else console.log(`  ${name} at most twice webfactory/ssh-agent's: not measured`)
  const post = medianOf(`${name}, post`)
  aim(`post after ${name} about 0.1 s (up to 120 ms)`, post <= 120, `${round(post)} ms`)
}
aim('agent ready in 60 ms', medianOf('agent') <= 60, `${round(medianOf('agent'))} ms`)
if (memories.size > 0) {
  const most = Math.max(
    ...[...memories].flatMap(([name, all]) =>
      name.startsWith('our agent') ? all.map((one) => one.all) : [],
    ),
  )
  aim('agent at most 60 MB resident (the most it ever had)', most <= 60, `${most.toFixed(1)} MB`)
} else console.log('  agent at most 60 MB resident: not measured, there is no /proc')
