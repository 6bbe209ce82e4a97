/**
 * Times the job's key on its way to many hosts, beside ssh-copy-id and ssh in a loop, in one run:
 * `node bench/bootstrap.mjs`. bench/README.md says what is compared. It uses dist/, and nothing that
 * needs an install.
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
import { createServer } from 'node:net'
import { availableParallelism, loadavg, tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    hosts: { type: 'string', default: '1,10,50' },
    rounds: { type: 'string', default: '5' },
    node: { type: 'string', default: process.execPath },
  },
})
const counts = options.hosts.split(',').map(Number)
const rounds = Number(options.rounds)
if (![...counts, rounds].every((number) => Number.isInteger(number) && number > 0)) {
  throw new Error('--hosts and --rounds want numbers from 1 up')
}

const scratch = mkdtempSync(join(tmpdir(), 'bench-'))
// A copy: a build in between must not make two things of what is measured as one.
const dist = join(scratch, 'dist')
cpSync(join(import.meta.dirname, '..', 'dist'), dist, { recursive: true })

// ---------------------------------------------------------------- what must not outlive this process

const children = new Set()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

function start(program, args, settings) {
  const child = spawn(program, args, settings)
  children.add(child)
  child.once('close', () => children.delete(child))
  return child
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

/** nss_wrapper: programs take the home from the passwd entry, not from $HOME. */
const wrapper = ['/usr/lib', '/usr/lib64', '/usr/local/lib']
  .filter(existsSync)
  .flatMap((base) => [
    base,
    ...readdirSync(base, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.endsWith('-linux-gnu'))
      .map((entry) => join(base, entry.name)),
  ])
  .map((directory) => join(directory, 'libnss_wrapper.so'))
  .find(existsSync)
if (wrapper === undefined) throw new Error('libnss_wrapper gives each host a home of its own')

const { username, uid, gid, shell } = userInfo()

/** A home of its own, and the environment that makes it the account's. */
function makeHome(name) {
  const base = join(scratch, name)
  const directory = join(base, 'home')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const lines = (file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
  const passwd = [
    [username, 'x', uid, gid, '', directory, shell ?? '/bin/sh'].join(':'),
    ...lines('/etc/passwd').filter((line) => line.split(':')[2] !== String(uid)),
  ]
  writeFileSync(join(base, 'passwd'), `${passwd.join('\n')}\n`)
  writeFileSync(join(base, 'group'), `${lines('/etc/group').join('\n')}\n`)
  const env = {
    HOME: directory,
    LD_PRELOAD: wrapper,
    NSS_WRAPPER_PASSWD: join(base, 'passwd'),
    NSS_WRAPPER_GROUP: join(base, 'group'),
  }
  return { base, directory, env }
}

function makeKey(directory, name) {
  const file = join(directory, name)
  execFileSync(find('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file])
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

/** A real sshd on loopback with a home of its own, where the administrator's key logs in. */
async function startHost(index, adminFile) {
  const home = makeHome(`host${index}`)
  const hostKey = makeKey(home.base, 'host_key')
  const port = await freePort()
  const [, major, minor] = /OpenSSH_(\d+)\.(\d+)/.exec(versionOf(find('ssh'), '-V')) ?? []
  const penalties = Number(major) > 9 || (Number(major) === 9 && Number(minor) >= 8)
  const session = Object.entries(home.env).map(([name, value]) => `"${name}=${value}"`)
  const config = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${adminFile}.pub .ssh/authorized_keys`,
    `SetEnv ${session.join(' ')}`,
    'PidFile none',
    'UsePAM no',
    'UseDNS no',
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PrintMotd no',
    'PrintLastLog no',
    'Subsystem sftp internal-sftp',
    ...(penalties ? ['PerSourcePenalties no'] : []),
  ]
  writeFileSync(join(home.base, 'sshd_config'), `${config.join('\n')}\n`)
  // Debian's sshd wants it at every start; its service makes it.
  if (process.getuid() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const logFile = join(home.base, 'log')
  const log = openSync(logFile, 'w')
  const child = start(find('sshd'), ['-D', '-e', '-f', join(home.base, 'sshd_config')], {
    env: { PATH: process.env.PATH, ...home.env },
    stdio: ['ignore', 'ignore', log],
  })
  closeSync(log)
  while (!readFileSync(logFile, 'utf8').includes('Server listening')) {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${readFileSync(logFile, 'utf8')}`)
    await sleep(5)
  }
  const publicKey = readFileSync(`${hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
  return { port, publicKey, ssh: join(home.directory, '.ssh') }
}

// ----------------------------------------------------------------------------------- timing

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
  const time = Number(process.hrtime.bigint() - from) / 1e6
  await closed
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${code}\n${output}`)
  return { time, output }
}

const times = new Map()
function note(name, time) {
  times.set(name, [...(times.get(name) ?? []), time])
}

function check(condition, message) {
  if (!condition) throw new Error(`this was no whole run: ${message}`)
}

// -------------------------------------------------------------------------------- contestants

const client = makeHome('client')
const runnerTemp = join(scratch, 'temp')
mkdirSync(runnerTemp)
const env = { PATH: process.env.PATH, ...client.env }
const adminFile = makeKey(scratch, 'admin')
const newFile = makeKey(scratch, 'new')
const hosts = []
for (let index = 0; index < Math.max(...counts); index += 1) {
  hosts.push(await startHost(index, adminFile))
}
const knownHosts = join(scratch, 'known_hosts')
writeFileSync(
  knownHosts,
  hosts.map(({ port, publicKey }) => `[127.0.0.1]:${port} ${publicKey}\n`).join(''),
)
/** Peers log in with the same key, and know the same host keys. */
const SSH_OPTIONS = [
  ...['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'StrictHostKeyChecking=yes'],
  ...['-o', `IdentityFile=${adminFile}`, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
]

function reset() {
  for (const { ssh } of hosts) rmSync(ssh, { recursive: true, force: true })
}

function checkAll(used, what) {
  for (const { ssh } of used) {
    const text = readFileSync(join(ssh, 'authorized_keys'), 'utf8')
    check(text.split('ssh-ed25519 ').length === 2, `${what} added no key`)
  }
}

/** `name=value` lines and `name<<delimiter` blocks. */
function fileCommand(path) {
  const text = readFileSync(path, 'utf8')
  const blocks = text.matchAll(/^([^=\n]+?)<<(.+)\n([^]*?)\n\2$/gm)
  return Object.fromEntries([...blocks].map(([, name, , value]) => [name, value]))
}

/** Runs one step of an action as the runner does. */
async function step(name, extra) {
  const commands = mkdtempSync(join(scratch, 'commands-'))
  const files = Object.fromEntries(
    ['ENV', 'OUTPUT', 'PATH', 'STATE', 'STEP_SUMMARY'].map((file) => [
      `GITHUB_${file}`,
      join(commands, file),
    ]),
  )
  for (const file of Object.values(files)) writeFileSync(file, '')
  const { time, output } = await timed(options.node, [join(dist, name, 'index.js')], {
    ...env,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_JOB: 'bench',
    GITHUB_REPOSITORY: 'owner/repository',
    GITHUB_RUN_ID: '1',
    GITHUB_WORKSPACE: scratch,
    RUNNER_TEMP: runnerTemp,
    RUNNER_TRACKING_ID: 'bench',
    ...files,
    ...extra,
  })
  return { time, output, state: fileCommand(files.GITHUB_STATE) }
}

/** Main and post, whole: host keys proven, agent, key, login with it proven; then all taken back. */
async function ours(used) {
  const main = await step('main', {
    'INPUT_GENERATE-KEY': 'ed25519',
    'INPUT_BOOTSTRAP-KEY': readFileSync(adminFile, 'utf8'),
    INPUT_HOSTS: used
      .map(({ port, publicKey }, index) => {
        return `host${index}=${username}@127.0.0.1:${port} ${publicKey} bootstrap`
      })
      .join('\n'),
  })
  const proofs = main.output.split('login with it proven').length - 1
  check(proofs === used.length, `${proofs} logins proven`)
  checkAll(used, 'main')
  const state = Object.entries(main.state).map(([key, value]) => [`STATE_${key}`, value])
  const post = await step('post', Object.fromEntries(state))
  check(!used.some(({ ssh }) => existsSync(ssh)), `post left something: ${post.output}`)
  note(`${used.length} ours, main`, main.time)
  note(`${used.length} ours, post`, post.time)
}

const shellWord = (word) => `'${word.replaceAll("'", `'\\''`)}'`

async function script(name, used, text) {
  const { time } = await timed('/bin/sh', ['-ec', text], env)
  checkAll(used, name)
  note(`${used.length} ${name}`, time)
}

/**
 * With -f: it would take the login that the administrator's key makes for the new key's, and do nothing.
 * It puts its scratch directory into ~/.ssh.
 */
async function sshCopyId(used) {
  const words = SSH_OPTIONS.map(shellWord).join(' ')
  const lines = used.map(
    ({ port }) =>
      `${find('ssh-copy-id')} -f -i ${newFile}.pub ${words} -p ${port} ${username}@127.0.0.1`,
  )
  mkdirSync(join(client.directory, '.ssh'), { recursive: true, mode: 0o700 })
  await script('ssh-copy-id', used, lines.join('\n'))
}

const APPEND = 'umask 077; mkdir -p .ssh; cat >>.ssh/authorized_keys'

async function xargs(used, name, check = '') {
  const words = SSH_OPTIONS.map(shellWord).join(' ')
  const command = `ssh ${words} -p "$1" ${username}@127.0.0.1 ${shellWord(APPEND)} <${newFile}.pub${check}`
  const ports = used.map(({ port }) => port).join('\\n')
  await script(name, used, `printf '${ports}\\n' | xargs -P4 -n1 sh -ec ${shellWord(command)} sh`)
}

/** The same, and then the login with the new key, that ours proves too. */
async function xargsProven(used) {
  const words = SSH_OPTIONS.map((word) => word.replace(adminFile, newFile))
    .map(shellWord)
    .join(' ')
  await xargs(used, 'xargs -P4, proven', ` && ssh ${words} -p "$1" ${username}@127.0.0.1 true`)
}

// ------------------------------------------------------------------------------------ the run

const contestants = [ours, sshCopyId, async (used) => xargs(used, 'xargs -P4'), xargsProven]
const load = loadavg()
for (let round = 0; round <= rounds; round += 1) {
  // What is warmed up is warm for many hosts, too.
  for (const count of round === 0 ? counts.slice(0, 1) : counts) {
    for (const contestant of contestants) {
      reset()
      await contestant(hosts.slice(0, count))
    }
  }
  if (round === 0) times.clear()
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

console.log(
  `Node ${versionOf(options.node, '--version')}, ${versionOf(find('ssh'), '-V')}, ` +
    `${availableParallelism()} CPUs, load ${load[0].toFixed(1)} before and ` +
    `${loadavg()[0].toFixed(1)} after, ${rounds} rounds\n`,
)
console.log(
  'ms, median (min, max)'.padEnd(40) + counts.map((n) => `${n} hosts`.padStart(22)).join(''),
)
const names = [...new Set([...times.keys()].map((key) => key.replace(/^\d+ /, '')))]
for (const name of names) {
  const cells = counts.map((count) => {
    const all = times.get(`${count} ${name}`)
    const [middle, least, most] = [median(all), Math.min(...all), Math.max(...all)]
    return `${middle.toFixed(0)} (${least.toFixed(0)}, ${most.toFixed(0)})`.padStart(22)
  })
  console.log(name.padEnd(40) + cells.join(''))
}
console.log('\nmain / peer, of medians')
for (const name of names.filter((one) => !one.startsWith('ours'))) {
  const cells = counts.map((count) => {
    const ratio = median(times.get(`${count} ours, main`)) / median(times.get(`${count} ${name}`))
    return ratio.toFixed(2).padStart(22)
  })
  console.log(name.padEnd(40) + cells.join(''))
}

// The servers would keep this process waiting.
process.exit(0)
