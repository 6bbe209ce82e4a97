/** A host to log in to, with a home, a login shell and an `sh` of its own. */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from 'ssh2'
import { connectTo, type Credentials } from '../../src/remote/connect'
import { generatePrivateKey, type PrivateKey } from '../../src/ssh/private-key'
import { formatPublicKey, parsePublicKey } from '../../src/ssh/public-key'
import { makeHome, type Home } from '../support/home'
import { program } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { startSshd, type Sshd } from '../support/sshd'

export type Shell = 'bash' | 'dash' | 'busybox' | 'mksh' | 'tcsh' | 'fish'

export interface HostOptions {
  /** The login shell: a program by name, or a path. The account's own if left out. */
  shell?: Shell | `/${string}`
  /** What is called `sh`. With busybox all the tools are its own too. */
  sh?: 'bash' | 'dash' | 'busybox' | 'mksh'
  /** As the fixture's sshd has it: lines of sshd_config. */
  config?: readonly string[]
  /** Stands in front of the key that logs in. */
  options?: string
  /** More variables for sshd and what it starts; LD_PRELOAD is added to. */
  env?: Readonly<Record<string, string>>
}

export interface Host {
  home: Home
  sshd: Sshd
  /** Accepted by the host, from a file that is not in the home. */
  key: PrivateKey
  /** Logs in, with that key if nothing else is said. */
  connect: (credentials?: Credentials) => Promise<Client>
  /** `~/.ssh/authorized_keys` */
  file: string
  stop: () => Promise<void>
}

export async function startHost(options: HostOptions = {}): Promise<Host> {
  const made = await makeHome()
  const { LD_PRELOAD: preload = '', ...more } = options.env ?? {}
  const env = { ...made.env, ...more }
  if (preload !== '') env['LD_PRELOAD'] = `${made.env['LD_PRELOAD'] ?? ''}:${preload}`
  if (options.sh !== undefined) env['PATH'] = await pathWith(options.sh)
  const home = { ...made, env }
  if (options.shell !== undefined) {
    setShell(home, await shellPath(options.shell))
  }
  const key = newKey('who edits')
  const line = `${options.options ?? ''} ${formatPublicKey(key.publicKey)}`.trim()
  const sshd = await startSshd({
    home,
    authorizedKeys: [line],
    extraConfig: options.config ?? [],
  })
  const connections: Client[] = []
  return {
    home,
    sshd,
    key,
    file: join(home.directory, '.ssh/authorized_keys'),
    connect: async (credentials = { kind: 'key', key }) => {
      const client = await connectTo({ ...addressOf(sshd), credentials, timeout: 20_000 })
      connections.push(client)
      return client
    },
    stop: async () => {
      for (const client of connections) client.end()
      await sshd.stop()
      home.remove()
    },
  }
}

export function addressOf(sshd: Sshd): {
  host: string
  port: number
  user: string
  hostKey: Buffer
} {
  const { address: host, port, user } = sshd
  return { host, port, user, hostKey: parsePublicKey(sshd.publicKey()).blob }
}

export function newKey(comment = ''): PrivateKey {
  return generatePrivateKey({ type: 'ssh-ed25519', bits: 256 }, comment)
}

export function lineOf(key: PrivateKey): string {
  return formatPublicKey(key.publicKey, key.comment)
}

function setShell(home: Home, shell: string): void {
  const file = home.env['NSS_WRAPPER_PASSWD'] ?? ''
  const [first = '', ...others] = readFileSync(file, 'utf8').split('\n')
  const fields = first.split(':')
  fields[6] = shell
  writeFileSync(file, [fields.join(':'), ...others].join('\n'))
}

function isPath(shell: Shell | `/${string}`): shell is `/${string}` {
  return shell.startsWith('/')
}

/** Busybox knows from the name of a program what it is to be. */
async function shellPath(shell: Shell | `/${string}`): Promise<string> {
  if (shell === 'busybox') return join(await pathWith('busybox'), 'sh')
  return isPath(shell) ? shell : program(shell)
}

/** A directory with a program `sh`, and the usual PATH behind it if that is not busybox. */
async function pathWith(sh: 'bash' | 'dash' | 'busybox' | 'mksh'): Promise<string> {
  const directory = makeDirectory('bin')
  if (sh === 'busybox') {
    await mustRun(program('busybox'), ['--install', '-s', directory])
    return directory
  }
  symlinkSync(program(sh), join(directory, 'sh'))
  return `${directory}:/usr/local/bin:/usr/bin:/bin`
}

/** A program of the test's own, to be a login shell or in the PATH. */
export function makeProgram(text: string): `/${string}` {
  const directory = join(makeDirectory('program'), 'bin')
  mkdirSync(directory)
  const path = join(directory, 'program')
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path as `/${string}`
}
