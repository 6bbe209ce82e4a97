/** Runs a real OpenSSH sshd on loopback, with a configuration and keys of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { account } from './account'
import type { Home } from './home'
import { fingerprintOf, makeKey, publicKeyOf, signKey, type KeyType } from './keys'
import { descendants, killProcesses } from './processes'
import { program } from './programs'
import { run } from './run'
import { makeDirectory, removeDirectory, shared } from './scratch'

export interface SshdOptions {
  /** For each a type, and a new key is made; or the path of a private key. `['ed25519']` if left out. */
  hostKeys?: readonly string[]
  /** Has the host keys signed by a CA, and presents the certificates too. */
  hostCertificate?: { caKeyPath: string; principals?: readonly string[]; validity?: string }
  address?: '127.0.0.1' | '::1'
  /** A free one if left out. */
  port?: number
  /** Lines of the fixture's own authorized_keys. */
  authorizedKeys?: readonly string[]
  /** Lines for sshd_config, instead of the fixture's with the same keyword. `Match` blocks stand last. */
  extraConfig?: readonly string[]
  logLevel?: 'VERBOSE' | 'DEBUG1' | 'DEBUG2' | 'DEBUG3'
  /**
   * Logins land in this home, whose ~/.ssh/authorized_keys counts too, and what they run there
   * sees it as well. Without it they land in the real home of the account.
   */
  home?: Home
}

export interface Sshd {
  port: number
  address: string
  /** Who can log in. */
  user: string
  /** Gone after `stop`. */
  directory: string
  /** The private host keys. Those made here outlive `stop`, for another sshd as the same server. */
  hostKeyFiles: string[]
  /** Certificates of the host keys, in their order, if there are any. */
  hostCertificateFiles: string[]
  authorizedKeysFile: string
  /** `SHA256:…` of the first host key, or of the one of a type. */
  fingerprint: (type?: KeyType) => string
  /** `ssh-ed25519 AAAA…` of the first host key, or of the one of a type. */
  publicKey: (type?: KeyType) => string
  /** All host keys as lines of a known_hosts file. */
  knownHosts: () => string
  /** The log so far; all of it after `stop`. */
  log: () => string
  setAuthorizedKeys: (lines: readonly string[]) => Promise<void>
  /** Ends the daemon and all its sessions. May be called again. */
  stop: () => Promise<void>
}

interface HostKey {
  file: string
  publicKey: string
  fingerprint: string
}

const KEY_TYPES: readonly string[] = ['ed25519', 'ecdsa', 'rsa'] satisfies KeyType[]

/**
 * sshd takes the place of the shell, so that signals and the exit code are its own. What stays of
 * the shell waits for the end of standard input, that is of the process that runs the tests, however
 * it ends, and then ends sshd. A line on standard input tells it that sshd has ended already.
 */
const TIED_TO_US =
  'exec 3<&0; pid=$$; { read -r _ <&3 || kill "$pid"; } >/dev/null 2>&1 & exec "$@" 3<&-'

/** A port that was free a moment ago. */
async function freePort(address: string): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, address, () => {
      const bound = server.address()
      server.close(() => {
        if (bound === null || typeof bound === 'string') reject(new Error('no port'))
        else resolve(bound.port)
      })
    })
  })
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const directory = makeDirectory('sshd')
  const address = options.address ?? '127.0.0.1'
  const { username } = account()
  const hostKeys: HostKey[] = []
  for (const wanted of options.hostKeys ?? ['ed25519']) hostKeys.push(await hostKey(wanted))

  const hostCertificateFiles: string[] = []
  if (options.hostCertificate !== undefined) {
    const { caKeyPath, ...rest } = options.hostCertificate
    for (const [index, key] of hostKeys.entries()) {
      const file = join(directory, `host_key_${String(index)}.pub`)
      await writeFile(file, `${key.publicKey}\n`)
      hostCertificateFiles.push(await signKey(caKeyPath, file, { ...rest, host: true }))
    }
  }

  const authorizedKeysFile = join(directory, 'authorized_keys')
  const setAuthorizedKeys = (lines: readonly string[]): Promise<void> =>
    writeFile(authorizedKeysFile, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
  await setAuthorizedKeys(options.authorizedKeys ?? [])

  const extra = options.extraConfig ?? []
  const match = extra.findIndex((line) => keyword(line) === 'match')
  const global = match < 0 ? extra : extra.slice(0, match)
  const given = new Set(global.map(keyword))
  const defaults = [
    `AuthorizedKeysFile ${authorizedKeysFile}${options.home === undefined ? '' : ' .ssh/authorized_keys'}`,
    // Temp directories are below /tmp, which is writable for all.
    'StrictModes no',
    'PidFile none',
    'UsePAM no',
    'UseDNS no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitUserRC no',
    'PrintMotd no',
    'PrintLastLog no',
    // Tests connect often, and many at once.
    'MaxStartups 1000',
    ...((await knowsPenalties()) ? ['PerSourcePenalties no'] : []),
    'Subsystem sftp internal-sftp',
    `SetEnv ${sessionEnv(options.home)}`,
    `LogLevel ${options.logLevel ?? 'VERBOSE'}`,
  ]
  const config = (port: number): string[] => [
    `ListenAddress ${address.includes(':') ? `[${address}]` : address}:${String(port)}`,
    ...hostKeys.map(({ file }) => `HostKey ${file}`),
    ...hostCertificateFiles.map((file) => `HostCertificate ${file}`),
    ...global,
    ...defaults.filter((line) => !given.has(keyword(line))),
    ...(match < 0 ? [] : extra.slice(match)),
  ]

  // Debian's sshd wants it at every start; its service makes it, and /run is empty after a boot.
  if (process.getuid?.() === 0 && process.platform === 'linux') {
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  }

  const logFile = join(directory, 'log')
  let lastLog: string | undefined
  let stopped: Promise<void> | undefined
  const log = (): string => lastLog ?? readFileSync(logFile, 'utf8')
  const env = {
    PATH: process.env['PATH'],
    ...options.home?.env,
  }
  let port = options.port ?? (await freePort(address))
  let daemon = await launch(directory, logFile, config(port), env)
  // Between our look and its start somebody may have taken the port.
  for (let tries = 0; daemon === 'port taken' && options.port === undefined && tries < 5; tries++) {
    port = await freePort(address)
    daemon = await launch(directory, logFile, config(port), env)
  }
  if (daemon === 'port taken') throw new Error(`sshd: port ${String(port)} is taken\n${log()}`)
  const child = daemon

  const find = (type?: KeyType): HostKey => {
    const key = hostKeys.find((key) => type === undefined || algorithmOf(key).includes(type))
    if (key === undefined) throw new Error(`this sshd has no host key of type ${String(type)}`)
    return key
  }
  return {
    port,
    address,
    user: username,
    directory,
    hostKeyFiles: hostKeys.map(({ file }) => file),
    hostCertificateFiles,
    authorizedKeysFile,
    fingerprint: (type) => find(type).fingerprint,
    publicKey: (type) => find(type).publicKey,
    knownHosts: () =>
      hostKeys.map((key) => `[${address}]:${String(port)} ${key.publicKey}\n`).join(''),
    log,
    setAuthorizedKeys,
    stop: () =>
      (stopped ??= end(child).then(() => {
        lastLog = log()
        removeDirectory(directory)
      })),
  }
}

/** The keyword of a line of sshd_config. */
function keyword(line: string): string {
  return (line.trim().split(/[\s=]/)[0] ?? '').toLowerCase()
}

function algorithmOf({ publicKey }: HostKey): string {
  return publicKey.split(' ')[0] ?? ''
}

async function hostKey(wanted: string): Promise<HostKey> {
  const file = isKeyType(wanted) ? await newHostKey(wanted) : wanted
  return { file, publicKey: await publicKeyOf(file), fingerprint: await fingerprintOf(file) }
}

function isKeyType(text: string): text is KeyType {
  return KEY_TYPES.includes(text)
}

/** How many RSA host keys this test file has had: no two servers of it share one. */
let rsaTaken = 0

async function newHostKey(type: KeyType): Promise<string> {
  const index = rsaTaken
  if (type === 'rsa') {
    rsaTaken++
    const made = shared.rsaHostKeys[index]
    if (made !== undefined) return made
  }
  const bits = type === 'rsa' ? { bits: 3072 } : {}
  const file = `ssh_host_${type}_key`
  const { privateKeyFile } = await makeKey(makeDirectory('host'), type, { ...bits, file })
  if (type === 'rsa') shared.rsaHostKeys[index] = privateKeyFile
  return privateKeyFile
}

/** Variables for the sessions, as the value of SetEnv. */
function sessionEnv(home: Home | undefined): string {
  const variables = {
    // bash reads ~/.bashrc for commands of sshd if it is no shell in a shell; zsh its own always.
    SHLVL: '1',
    ZDOTDIR: '/nonexistent',
    ...home?.env,
  }
  return Object.entries(variables)
    .map(([name, value]) => `"${name}=${value}"`)
    .join(' ')
}

/**
 * Since 9.8 sshd locks out an address that connects too often without a login, as tests do. Older
 * ones refuse to start when they are told not to.
 */
async function knowsPenalties(): Promise<boolean> {
  // Versions that know no -V complain, and tell theirs too.
  const { stdout, stderr } = await run(program('sshd'), ['-V'])
  const [, major, minor] = /OpenSSH_(\d+)\.(\d+)/.exec(stdout + stderr) ?? []
  return Number(major) > 9 || (Number(major) === 9 && Number(minor) >= 8)
}

/** Starts sshd; returns when it listens. */
async function launch(
  directory: string,
  logFile: string,
  config: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ChildProcess | 'port taken'> {
  const configFile = join(directory, 'sshd_config')
  await writeFile(configFile, config.map((line) => `${line}\n`).join(''))
  const sshd = [program('sshd'), '-D', '-e', '-f', configFile]
  // A file, not a pipe: what sshd has logged can be read at once.
  const logFd = openSync(logFile, 'w', 0o600)
  const child = spawn('/bin/sh', ['-c', TIED_TO_US, 'sh', ...sshd], {
    cwd: '/',
    env,
    stdio: ['pipe', 'ignore', logFd],
  })
  const { stdin } = child
  closeSync(logFd)
  let failure: Error | undefined
  child.on('error', (error) => (failure = error))
  child.on('exit', () => {
    stdin?.end('ended\n')
  })
  stdin?.on('error', () => undefined)
  // It must not keep the process of the tests alive.
  child.unref()

  // Its word is as good as a connection, which would leave traces in the log.
  const deadline = Date.now() + 20_000
  while (Date.now() < deadline) {
    const log = readFileSync(logFile, 'utf8')
    if (/^Server listening on .* port \d+\.\r?$/m.test(log)) return child
    if (log.includes('Address already in use')) {
      await end(child)
      return 'port taken'
    }
    if (failure !== undefined || hasEnded(child)) break
    await sleep(5)
  }
  await end(child)
  throw new Error(
    `sshd does not start: ${failure?.message ?? ''}\n${readFileSync(logFile, 'utf8')}`,
  )
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}

/** Ends a daemon and all its sessions. */
async function end(child: ChildProcess): Promise<void> {
  // Its sessions would stay, and lose the parent that they can be found by.
  const sessions = child.pid === undefined ? [] : descendants(child.pid)
  child.kill('SIGTERM')
  const deadline = Date.now() + 2_000
  while (!hasEnded(child)) {
    if (Date.now() > deadline) child.kill('SIGKILL')
    await sleep(5)
  }
  killProcesses(sessions.map((pid) => ({ pid })))
}
