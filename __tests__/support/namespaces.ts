/**
 * Hosts with addresses of their own: network namespaces, joined by a bridge that stands in the
 * namespace of the runner, so that nothing is made in the machine's own network.
 */
import { describe, test } from '@jest/globals'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { accessSync, closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { account } from './account'
import type { Home } from './home'
import { makeKey } from './keys'
import { program } from './programs'
import { makeDirectory } from './scratch'

/** Ends sshd when the process that runs the tests does, however that ends: as in sshd.ts. */
const TIED_TO_US =
  'exec 3<&0; pid=$$; { read -r _ <&3 || kill "$pid"; } >/dev/null 2>&1 & exec "$@" 3<&-'

function ip(...args: string[]): void {
  execFileSync('ip', args, { env: { PATH: PATHS }, stdio: ['ignore', 'pipe', 'pipe'] })
}

const PATHS = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`

function hasIp(): boolean {
  return PATHS.split(':').some((directory) => {
    try {
      accessSync(join(directory, 'ip'), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function isPermitted(): boolean {
  const name = `st-${process.pid}-try`
  try {
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'add', 'br0', 'type', 'bridge')
    return true
  } catch {
    return false
  } finally {
    removeNamespace(name)
  }
}

/**
 * `describe` for tests that need network namespaces. A machine that does not permit them skips them
 * by name; where iproute2 is missing, SSH_TRUST_REQUIRE=all makes that a failure.
 */
export function describeWithNamespaces(name: string, body: () => void): void {
  const missing = !hasIp()
  if (!missing && isPermitted()) {
    describe(name, body)
  } else if (missing && process.env['SSH_TRUST_REQUIRE'] === 'all') {
    test(name, () => {
      throw new Error('needs ip: install iproute2')
    })
  } else {
    const need = missing ? 'ip, package iproute2' : 'network namespaces, CAP_NET_ADMIN'
    test.skip(`${name} [skipped: needs ${need}]`, () => undefined)
  }
}

export interface NetworkHost {
  address: string
  namespace: string
}

export interface Network {
  hosts: Record<string, NetworkHost>
  /** A program that runs Node in the runner's namespace. */
  node: string
  remove: () => void
}

/** A network with a host for each name, 10.77.0.11 and on, and a runner, 10.77.0.1. */
export function makeNetwork(names: readonly string[]): Network {
  const made: string[] = []
  const add = (label: string): string => {
    const name = `st-${process.pid}-${label}`
    made.push(name)
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
    return name
  }
  const remove = (): void => {
    for (const name of made.splice(0)) removeNamespace(name)
  }
  try {
    const runner = add('runner')
    ip('-n', runner, 'link', 'add', 'br0', 'type', 'bridge')
    ip('-n', runner, 'addr', 'add', '10.77.0.1/24', 'dev', 'br0')
    ip('-n', runner, 'link', 'set', 'br0', 'up')
    const hosts: Record<string, NetworkHost> = {}
    for (const [index, label] of names.entries()) {
      const namespace = add(label)
      const [address, port] = [`10.77.0.${11 + index}`, `port${index}`]
      const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]
      ip('-n', runner, 'link', 'add', port, ...peer)
      ip('-n', runner, 'link', 'set', port, 'master', 'br0', 'up')
      ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
      ip('-n', namespace, 'link', 'set', 'eth0', 'up')
      hosts[label] = { address, namespace }
    }
    const node = join(makeDirectory('node'), 'node')
    const real = process.env['SSH_TRUST_NODE'] ?? process.execPath
    const command = `PATH=$PATH:/usr/sbin:/sbin exec ip netns exec ${runner} '${real}' "$@"`
    // Other shells drop variables whose names have a hyphen, as INPUT_SSH-PRIVATE-KEY.
    writeFileSync(node, `#!/bin/bash\n${command}\n`, { mode: 0o755 })
    return { hosts, node, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** With its interfaces; a pair of them goes as a whole. */
function removeNamespace(name: string): void {
  try {
    ip('netns', 'del', name)
  } catch {
    // It was never made.
  }
}

export interface NetworkSshd {
  /** Who can log in. */
  user: string
  fingerprint: string
  log: () => string
  stop: () => Promise<void>
}

/** An sshd on port 22 of a host, whose logins land in a home. */
export async function startSshdAt(
  { address, namespace }: NetworkHost,
  home: Home,
  authorizedKeys: readonly string[],
): Promise<NetworkSshd> {
  const directory = makeDirectory('sshd')
  const key = await makeKey(directory, 'ed25519', { file: 'host_key' })
  const [config, keys, log] = ['sshd_config', 'keys', 'log'].map((name) =>
    join(directory, name),
  ) as [string, string, string]
  writeFileSync(keys, authorizedKeys.map((line) => `${line}\n`).join(''), { mode: 0o600 })
  const env = Object.entries({ SHLVL: '1', ...home.env }).map(
    ([name, value]) => `"${name}=${value}"`,
  )
  const lines = [
    `ListenAddress ${address}:22`,
    `HostKey ${key.privateKeyFile}`,
    `AuthorizedKeysFile ${keys} .ssh/authorized_keys`,
    'StrictModes no',
    'PidFile none',
    'UsePAM no',
    'UseDNS no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'Subsystem sftp internal-sftp',
    `SetEnv ${env.join(' ')}`,
    'LogLevel VERBOSE',
  ]
  writeFileSync(config, lines.map((line) => `${line}\n`).join(''))
  execFileSync('mkdir', ['-p', '-m', '755', '/run/sshd'])
  const logFd = openSync(log, 'w', 0o600)
  const inNamespace = ['ip', 'netns', 'exec', namespace]
  const child = spawn(
    '/bin/sh',
    ['-c', TIED_TO_US, 'sh', ...inNamespace, program('sshd'), '-D', '-e', '-f', config],
    { cwd: '/', env: { PATH: PATHS, ...home.env }, stdio: ['pipe', 'ignore', logFd] },
  )
  closeSync(logFd)
  child.stdin?.on('error', () => undefined)
  const read = (): string => readFileSync(log, 'utf8')
  for (let waited = 0; !/^Server listening on /m.test(read()); waited += 10) {
    if (waited > 20_000 || child.exitCode !== null)
      throw new Error(`sshd does not start: ${read()}`)
    await sleep(10)
  }
  const { fingerprint } = key
  return { user: account().username, fingerprint, log: read, stop: async () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM')
    await ended
  }
  child.stdin?.end('ended\n')
}
