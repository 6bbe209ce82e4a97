/**
 * Times the proof of many hosts' keys beside ssh-keyscan, in one run: `node bench/verify-hosts.mjs`.
 * bench/README.md says what is compared. It uses dist/, and nothing that needs an install.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, cpSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    hosts: { type: 'string', default: '1,10,100,1000' },
    rounds: { type: 'string', default: '5' },
    /** ssh-keyscan, which takes minutes for more, is asked for no more hosts, and once for so many. */
    most: { type: 'string', default: '100' },
    /** Milliseconds of a round trip that are added, one figure for each table. */
    delays: { type: 'string', default: '0,50' },
    node: { type: 'string', default: process.execPath },
    /** Internal: this process is the delaying proxy. */
    proxy: { type: 'string' },
  },
})

/**
 * A proxy that hands on each piece of a connection, in both directions, after half of the delay; in a
 * process of its own, so that nobody who is measured does its work. `ADDRESS:PORT DELAY` of the server.
 */
async function serveProxy([target, milliseconds]) {
  const half = Number(milliseconds) / 2
  const late = (from, to) => {
    from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), half))
    from.on('end', () => setTimeout(() => to.end(), half))
    from.on('error', () => to.destroy())
    from.on('close', () => setTimeout(() => to.destroy(), half))
  }
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    // The handshake of TCP is the kernel's, and takes no time: what is sent first waits for it too.
    const upstream = connect({ host: '127.0.0.1', port: Number(target), noDelay: true })
    setTimeout(() => {
      late(socket, upstream)
      late(upstream, socket)
    }, half)
  })
  server.listen({ host: '0.0.0.0', port: 0, backlog: 2048 })
  await once(server, 'listening')
  console.log(server.address().port)
}

const OURS = 'main, whole'

if (options.proxy !== undefined) {
  await serveProxy(options.proxy.split(','))
} else {
  await bench()
}

async function bench() {
  const counts = options.hosts.split(',').map(Number)
  const delays = options.delays.split(',').map(Number)
  const rounds = Number(options.rounds)
  const most = Number(options.most)
  if (![...counts, rounds].every((number) => Number.isInteger(number) && number > 0)) {
    throw new Error('--hosts and --rounds want numbers from 1 up')
  }
  const scratch = mkdtempSync(join(tmpdir(), 'bench-'))
  // A copy: a build in between must not make two things of what is measured as one.
  const dist = join(scratch, 'dist')
  cpSync(join(import.meta.dirname, '..', 'dist'), dist, { recursive: true })

  const children = new Set()
  process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(scratch, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))
  const start = (program, args, settings) => {
    const child = spawn(program, args, settings)
    children.add(child)
    child.once('close', () => children.delete(child))
    return child
  }

  /** A real sshd on every address of this machine, with the three host keys that Debian makes. */
  const startSshd = async () => {
    const port = await freePort()
    const hostKeys = ['ed25519', 'ecdsa', 'rsa'].map((type) => {
      const file = join(scratch, `host_${type}`)
      execFileSync(find('ssh-keygen'), ['-q', '-t', type, '-N', '', '-f', file])
      return file
    })
    const [, major, minor] = /OpenSSH_(\d+)\.(\d+)/.exec(versionOf(find('ssh'), '-V')) ?? []
    const penalties = Number(major) > 9 || (Number(major) === 9 && Number(minor) >= 8)
    const config = [
      `ListenAddress 0.0.0.0:${port}`,
      ...hostKeys.map((file) => `HostKey ${file}`),
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
    const configFile = join(scratch, 'sshd_config')
    writeFileSync(configFile, `${config.join('\n')}\n`)
    // Debian's sshd wants it at every start; its service makes it.
    if (process.getuid() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
    const logFile = join(scratch, 'log')
    const log = openSync(logFile, 'w')
    const child = start(find('sshd'), ['-D', '-e', '-f', configFile], {
      stdio: ['ignore', 'ignore', log],
    })
    closeSync(log)
    while (!readFileSync(logFile, 'utf8').includes('Server listening')) {
      if (child.exitCode !== null) throw new Error(`sshd ended: ${readFileSync(logFile, 'utf8')}`)
      await sleep(5)
    }
    const publicKey = readFileSync(`${hostKeys[0]}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
    return { port, publicKey }
  }

  const startProxy = async (port, delay) => {
    const child = start(process.execPath, [import.meta.filename, '--proxy', `${port},${delay}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(child.stdout, 'data')
    return Number(String(line))
  }

  /** Runs a program to its end, which has to be a good one. */
  const timed = async (program, args, env = process.env) => {
    const from = process.hrtime.bigint()
    const child = start(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk) => (errors += chunk))
    const closed = once(child, 'close')
    const [code] = await once(child, 'exit')
    const time = Number(process.hrtime.bigint() - from) / 1e6
    await closed
    if (code !== 0) throw new Error(`${program}: exit ${code}\n${errors.slice(-500)}`)
    return { time, output }
  }

  /** Runs one step of an action as the runner does. */
  const step = async (name, extra) => {
    const commands = mkdtempSync(join(scratch, 'commands-'))
    const files = Object.fromEntries(
      ['ENV', 'OUTPUT', 'PATH', 'STATE', 'STEP_SUMMARY'].map((file) => [
        `GITHUB_${file}`,
        join(commands, file),
      ]),
    )
    for (const file of Object.values(files)) writeFileSync(file, '')
    const env = {
      PATH: process.env.PATH,
      HOME: scratch,
      GITHUB_ACTIONS: 'true',
      GITHUB_JOB: 'bench',
      RUNNER_TEMP: scratch,
      RUNNER_TRACKING_ID: 'bench',
      ...files,
      ...extra,
    }
    const { time, output } = await timed(options.node, [join(dist, name, 'index.js')], env)
    return { time, output, state: fileCommand(files.GITHUB_STATE) }
  }

  const { port, publicKey } = await startSshd()
  execFileSync(find('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-f', join(scratch, 'key')])
  const userKey = readFileSync(join(scratch, 'key'), 'utf8')
  const address = (index) => `127.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`
  const expect = (condition, what) => {
    if (!condition) throw new Error(`this was no whole run: ${what}`)
  }

  const contestants = {
    /** Whole: with its agent, the key in it, ssh_config and known_hosts. Post is not timed. */
    [OURS]: async (count, at) => {
      const lines = Array.from(
        { length: count },
        (_, index) => `${address(index)}:${at} ${publicKey}`,
      )
      const main = await step('main', {
        'INPUT_SSH-PRIVATE-KEY': userKey,
        INPUT_HOSTS: lines.join('\n'),
      })
      const proven = main.output.split('host key proven').length - 1
      const state = Object.entries(main.state).map(([key, value]) => [`STATE_${key}`, value])
      await step('post', Object.fromEntries(state))
      expect(proven === count, `${proven} of ${count} hosts proven`)
      return main.time
    },
    'ssh-keyscan -t ed25519': (count, at) => keyscan(count, at, ['-t', 'ed25519'], 1),
    'ssh-keyscan': (count, at) => keyscan(count, at, [], 3),
  }
  /** It believes whatever answers. Of one server it asks the kinds of key in connections of their own. */
  const keyscan = async (count, at, args, kinds) => {
    const file = join(scratch, 'addresses')
    const lines = Array.from({ length: count }, (_, index) => address(index))
    writeFileSync(file, `${lines.join('\n')}\n`)
    const all = ['-p', String(at), ...args, '-f', file]
    const { time, output } = await timed(find('ssh-keyscan'), all)
    const found = output.split('\n').filter((line) => /^\[/.test(line)).length
    expect(found === count * kinds, `${found} keys of ${count} hosts`)
    return time
  }

  const load = loadavg()
  const results = []
  for (const delay of delays) {
    const at = delay === 0 ? port : await startProxy(port, delay)
    const times = new Map()
    for (const count of counts) {
      for (let round = 0; round <= rounds; round += 1) {
        for (const [name, run] of Object.entries(contestants)) {
          // Three times the other one, which takes long enough with a delay.
          if (delay > 0 && name === 'ssh-keyscan') continue
          const slow = name !== OURS && count >= most
          if (slow && (count > most || round !== 1)) continue
          const time = await run(count, at)
          const id = `${count} ${name}`
          if (round > 0) times.set(id, [...(times.get(id) ?? []), time])
        }
      }
    }
    results.push({ delay, times })
  }

  console.log(
    `Node ${versionOf(options.node, '--version')}, ${versionOf(find('ssh'), '-V')}, ` +
      `${availableParallelism()} CPUs, load ${load[0].toFixed(1)} before and ` +
      `${loadavg()[0].toFixed(1)} after, ${rounds} rounds`,
  )
  const names = Object.keys(contestants)
  for (const { delay, times } of results) {
    const of = (count, name) => times.get(`${count} ${name}`)
    const row = (title, cell) =>
      console.log(title.padEnd(36) + counts.map((count) => cell(count).padStart(24)).join(''))
    console.log(`\n${delay} ms of round trip added`)
    row('ms, median (min, max)', (count) => `${count} hosts`)
    for (const name of names) {
      row(name, (count) => {
        const all = of(count, name)
        if (all === undefined) return '-'
        const figures = [median(all), Math.min(...all), Math.max(...all)]
        const [middle, least, most] = figures.map((figure) => figure.toFixed(0))
        return `${middle} (${least}, ${most})`
      })
    }
    for (const name of names.slice(1)) {
      row(`${name} / ours`, (count) => {
        const all = of(count, name)
        return all === undefined ? '-' : (median(all) / median(of(count, OURS))).toFixed(2)
      })
    }
    row('ours, ms a host', (count) => (median(of(count, OURS)) / count).toFixed(2))
    const [least] = counts
    row(`ours, ms a host above ${least}`, (count) => {
      if (count === least) return ''
      return ((median(of(count, OURS)) - median(of(least, OURS))) / (count - least)).toFixed(2)
    })
  }
  // The servers would keep this process waiting.
  process.exit(0)
}

/** `name=value` lines and `name<<delimiter` blocks. */
function fileCommand(path) {
  const text = readFileSync(path, 'utf8')
  const blocks = text.matchAll(/^([^=\n]+?)<<(.+)\n([^]*?)\n\2$/gm)
  return Object.fromEntries([...blocks].map(([, name, , value]) => [name, value]))
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

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

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
