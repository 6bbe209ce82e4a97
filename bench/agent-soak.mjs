/**
 * A million requests (`--requests`) to the agent, lists and ed25519 signatures in turn over eight
 * connections, with its memory at the start and at the end; then fewer (`--compare`) to it and to
 * OpenSSH's ssh-agent, which is the slower one. See README.md.
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    compare: { type: 'string', default: '10000' },
  },
})
const requests = Number(values.requests)
const compared = Number(values.compare)
const CONNECTIONS = 8
const IN_FLIGHT = 8
const WARM_UP = 2_000

const cli = join(import.meta.dirname, '..', 'dist', 'cli', 'index.js')
const directory = mkdtempSync(join(tmpdir(), 'soak-'))

function string(bytes) {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** RFC 9987 §5.5 and §5.6. */
function requestsFor(publicKey) {
  const sign = [Buffer.of(13), string(publicKey), string(Buffer.alloc(200, 7)), Buffer.alloc(4)]
  return [string(Buffer.of(11)), string(Buffer.concat(sign))]
}

/** Sends `count` requests over one connection, some in flight at a time. Throws on a refusal. */
async function converse(path, kinds, count) {
  const socket = connect(path)
  let sent = 0
  let answered = 0
  let pending = Buffer.alloc(0)
  const send = () => {
    if (sent < count) socket.write(kinds[sent++ % kinds.length])
  }
  await new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the agent closed the connection')))
    socket.once('connect', () => {
      for (let i = 0; i < IN_FLIGHT; i += 1) send()
    })
    socket.on('data', (chunk) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
        if (pending[4] === 5) reject(new Error('the agent refused'))
        pending = pending.subarray(4 + pending.readUInt32BE(0))
        answered += 1
        if (answered === count) resolve()
        else send()
      }
    })
  })
  socket.destroy()
}

async function soak(path, kinds, count) {
  const each = Math.ceil(count / CONNECTIONS)
  await Promise.all(Array.from({ length: CONNECTIONS }, () => converse(path, kinds, each)))
}

/** Resident memory of a process, in MB of 10^6 bytes. */
function memory(pid) {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (Number(kib) * 1024) / 1e6
}

/** Starts an agent in the foreground, with a new ed25519 key. */
async function start(name, program, args) {
  const path = join(directory, name)
  const child = spawn(program, [...args, '-D', '-a', path], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  while (!existsSync(path)) await sleep(10)
  const key = join(directory, `${name}.key`)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', key])
  const env = { ...process.env, SSH_AUTH_SOCK: path }
  execFileSync('ssh-add', ['-q', key], { env })
  const publicKey = Buffer.from(readFileSync(`${key}.pub`, 'utf8').split(' ')[1], 'base64')
  return { name, child, path, kinds: requestsFor(publicKey) }
}

/** The agent itself is a child of the command line. */
function agentPid({ name, child }) {
  if (name === 'ssh-agent') return child.pid
  return Number(execFileSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).trim())
}

const agents = [
  await start('ssh-trust', process.execPath, [cli, 'agent']),
  await start('ssh-agent', 'ssh-agent', []),
]
/** Seconds that the requests take, and resident memory around them. */
async function measure(agent, count) {
  const pid = agentPid(agent)
  await soak(agent.path, agent.kinds, WARM_UP)
  const before = memory(pid)
  const began = performance.now()
  await soak(agent.path, agent.kinds, count)
  const seconds = (performance.now() - began) / 1000
  const after = memory(pid)
  await sleep(2000)
  console.log(
    `${agent.name}: ${count} requests in ${seconds.toFixed(1)} s; memory ${before.toFixed(1)} MB ` +
      `before, ${after.toFixed(1)} MB after, ${memory(pid).toFixed(1)} MB at rest`,
  )
  return seconds
}

try {
  await measure(agents[0], requests)
  const [ours, theirs] = [await measure(agents[0], compared), await measure(agents[1], compared)]
  console.log(`time of ssh-agent / ssh-trust: ${(theirs / ours).toFixed(1)}`)
} finally {
  for (const { child } of agents) child.kill()
  rmSync(directory, { recursive: true, force: true })
}
