/**
 * Signatures a second of our agent with its policy on, beside OpenSSH's ssh-agent and, where Go and
 * its x/crypto are installed (Debian: golang-go golang-golang-x-crypto-dev), Go's agent: the same
 * client, one after the other in each round. See README.md.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
  },
})
const seconds = Number(options.seconds)
const rounds = Number(options.rounds)

const cli = join(import.meta.dirname, '..', 'dist', 'cli', 'index.js')
const directory = mkdtempSync(join(tmpdir(), 'bench-'))

function string(value) {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

// ------------------------------------------------------- what an ssh client sends: bind, list, sign

const hostPair = generateKeyPairSync('ed25519')
const hostPoint = Buffer.from(hostPair.publicKey.export({ format: 'jwk' }).x, 'base64url')
const hostKey = Buffer.concat([string('ssh-ed25519'), string(hostPoint)])
const sessionId = randomBytes(32)

/** PROTOCOL.agent section 1. */
const BIND = string(
  Buffer.concat([
    Buffer.of(27),
    string('session-bind@openssh.com'),
    string(hostKey),
    string(sessionId),
    string(
      Buffer.concat([string('ssh-ed25519'), string(sign(null, sessionId, hostPair.privateKey))]),
    ),
    Buffer.of(0),
  ]),
)
const LIST = string(Buffer.of(11))

/** RFC 9987 §5.6 with the data of RFC 4252 §7; RSA with SHA-512. */
function signRequest(type, publicKey) {
  const data = Buffer.concat([
    string(sessionId),
    Buffer.of(50),
    ...['deploy', 'ssh-connection', 'publickey'].map(string),
    Buffer.of(1),
    string(type === 'rsa' ? 'rsa-sha2-512' : publicKey.subarray(4, 4 + publicKey.readUInt32BE(0))),
    string(publicKey),
  ])
  const flags = Buffer.of(0, 0, 0, type === 'rsa' ? 4 : 0)
  return string(Buffer.concat([Buffer.of(13), string(publicKey), string(data), flags]))
}

/** One connection: `ask` sends a request and waits for the answer's type. */
async function dial(path) {
  const socket = connect(path)
  let pending = Buffer.alloc(0)
  let waiting
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    if (pending.length < 4 || pending.length < 4 + pending.readUInt32BE(0)) return
    const type = pending[4]
    pending = pending.subarray(4 + pending.readUInt32BE(0))
    waiting(type)
  })
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    ask: (request, expected) =>
      new Promise((resolve, reject) => {
        waiting = (type) => {
          if (expected.includes(type)) resolve()
          else reject(new Error(`the agent answered ${type}`))
        }
        socket.write(request)
      }),
    close: () => socket.destroy(),
  }
}

// ---------------------------------------------------------------------------------------- the agents

const KEYS = {
  ed25519: ['-t', 'ed25519'],
  ecdsa: ['-t', 'ecdsa', '-b', '256'],
  rsa: ['-t', 'rsa', '-b', '3072'],
}
const publicKeys = {}
for (const [type, args] of Object.entries(KEYS)) {
  const file = join(directory, type)
  execFileSync('ssh-keygen', ['-q', ...args, '-N', '', '-C', type, '-f', file])
  publicKeys[type] = Buffer.from(readFileSync(`${file}.pub`, 'utf8').split(' ')[1], 'base64')
}
const hosts = join(directory, 'hosts')
const pin = createHash('sha256').update(hostKey).digest('base64').replace(/=$/, '')
writeFileSync(hosts, `deploy@web.example SHA256:${pin}\n`)

/** The Go agent's program, or undefined where it can't be built. */
function goAgent() {
  const program = join(directory, 'go-agent')
  const env = {
    ...process.env,
    GO111MODULE: 'off',
    GOPATH: '/usr/share/gocode',
    GOCACHE: join(directory, 'go-cache'),
    CGO_ENABLED: '0',
  }
  try {
    const source = join(import.meta.dirname, 'go-agent.go')
    execFileSync('go', ['build', '-o', program, source], { env, stdio: 'ignore' })
    return program
  } catch {
    return undefined
  }
}

const go = goAgent()
const AGENTS = {
  'ssh-trust': (path) => [process.execPath, [cli, 'agent', '--hosts', hosts, '-D', '-a', path]],
  'ssh-agent': (path) => ['ssh-agent', ['-D', '-a', path]],
  ...(go === undefined ? {} : { 'x/crypto': (path) => [go, [path]] }),
}

/** Starts an agent with all keys. `ready`: milliseconds until it answered a list. */
async function start(name) {
  const path = join(directory, `${name.replace('/', '-')}.sock`)
  const began = performance.now()
  const child = spawn(...AGENTS[name](path), { stdio: 'ignore' })
  let connection
  while (connection === undefined) {
    connection = await dial(path).catch(() => undefined) // not there yet, or nobody listens yet
    if (connection === undefined) await sleep(1)
  }
  await connection.ask(LIST, [12])
  connection.close()
  const ready = performance.now() - began
  for (const type of Object.keys(KEYS)) {
    const env = { ...process.env, SSH_AUTH_SOCK: path }
    execFileSync('ssh-add', ['-q', join(directory, type)], { env })
  }
  return { name, path, child, ready }
}

function memory({ name, child }) {
  const pid =
    name === 'ssh-trust'
      ? execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).trim()
      : child.pid
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(kib) * 1024) / 1e6
}

// ------------------------------------------------------------------------------------- what is measured

/** Success, failure, extension failure: agents without session-bind go on all the same. */
const BIND_ANSWERS = [6, 5, 28]

async function signAll(path, request, connections) {
  const latencies = []
  const end = performance.now() + seconds * 1000
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const connection = await dial(path)
      await connection.ask(BIND, BIND_ANSWERS)
      for (let now = performance.now(); now < end;) {
        await connection.ask(request, [14])
        const then = performance.now()
        latencies.push(then - now)
        now = then
      }
      connection.close()
    }),
  )
  latencies.sort((a, b) => a - b)
  const at = (part) => latencies[Math.floor(latencies.length * part)]
  return { rate: latencies.length / seconds, p50: at(0.5), p99: at(0.99) }
}

/** What ssh does at a login: connect, bind, list, sign. */
async function logins(path) {
  const request = signRequest('ed25519', publicKeys.ed25519)
  const end = performance.now() + seconds * 1000
  let count = 0
  for (; performance.now() < end; count += 1) {
    const connection = await dial(path)
    await connection.ask(BIND, BIND_ANSWERS)
    await connection.ask(LIST, [12])
    await connection.ask(request, [14])
    connection.close()
  }
  return { rate: count / seconds }
}

const results = new Map()
function note(what, name, result) {
  const row = results.get(what) ?? new Map()
  results.set(what, row.set(name, [...(row.get(name) ?? []), result]))
}

try {
  for (let round = 0; round < rounds; round += 1) {
    for (const name of Object.keys(AGENTS)) {
      const agent = await start(name)
      try {
        for (const type of Object.keys(KEYS)) {
          const request = signRequest(type, publicKeys[type])
          await signAll(agent.path, request, 1) // warm
          for (const connections of [1, 4]) {
            const what = `${type}, ${connections} connection${connections > 1 ? 's' : ''}`
            note(what, name, await signAll(agent.path, request, connections))
          }
        }
        note('logins', name, await logins(agent.path))
        note('start, ms', name, { rate: agent.ready })
        note('memory, MB', name, { rate: memory(agent) })
      } finally {
        agent.child.kill()
        rmSync(agent.path, { force: true })
      }
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
const names = Object.keys(AGENTS)
const cells = (row, of) => names.map((name) => of(row.get(name) ?? []).padStart(22)).join('')
const version = execFileSync('sh', ['-c', 'ssh -V 2>&1'], { encoding: 'utf8' }).trim()
console.log(`Node ${process.version}, ${version}, ${rounds} rounds of ${seconds} s; medians`)
console.log(
  `${'a second (p50, p99 in ms)'.padEnd(26)}${names.map((name) => name.padStart(22)).join('')}`,
)
for (const [what, row] of results) {
  const text = cells(row, (list) => {
    const rate = Math.round(median(list.map((one) => one.rate))).toString()
    if (list[0]?.p50 === undefined) return rate
    const of = (key) => median(list.map((one) => one[key])).toFixed(2)
    return `${rate} (${of('p50')}, ${of('p99')})`
  })
  console.log(what.padEnd(26) + text)
}
