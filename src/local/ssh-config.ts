/** The job's ssh_config and known_hosts, and the lines that include them for this job alone. */
import { posix } from 'node:path'
import { kindOfKey } from '../ssh/certificate'
import { hostKeyAlgorithms } from '../ssh/key-exchange'
import { formatKnownHostsLine, knownHostsName } from '../ssh/known-hosts'
import type { Pin } from '../ssh/pin'

/** A host whose key has been proven and found pinned. */
export interface ProvenHost {
  alias?: string
  user?: string
  host: string
  port: number
  forward: boolean
  /** The proven key, or certificate, in wire format. */
  hostKey: Buffer
  /** The pin that it satisfies. */
  pin: Pin
}

/** Paths of the job, with slashes, and none in need of quotes. */
export interface SshPaths {
  knownHosts: string
  /** The job's ssh_config; other files that ssh reads come beside it. */
  config: string
  /** Where the agent is reached. */
  socket: string
  /** On Windows: its named pipe, since the ssh of Windows itself takes no socket. */
  pipe?: string
}

/** All files that ssh reads, as path and text. The last one is the job's ssh_config. */
export function renderSshFiles(
  hosts: readonly ProvenHost[],
  paths: SshPaths,
): [path: string, text: string][] {
  const clients = clientsOf(paths)
  const names = [...blocksOf(hosts).keys()]
  return [
    [paths.knownHosts, renderKnownHosts(hosts)],
    ...clients.flatMap((client): [string, string][] => [
      [client.agentFile, names.map((name) => renderAgentBlock(name, client.agent)).join('\n')],
      [
        client.homeFile,
        `Match exec "${client.condition}"\n    Include ${client.pathOf(paths.config)}\n`,
      ],
    ]),
    [
      paths.config,
      renderSshConfig(hosts, {
        ...paths,
        agentFiles: clients.map(({ agentFile, pathOf }) => pathOf(agentFile)),
      }),
    ],
  ]
}

/** One of the two kinds of ssh that a Windows machine has. */
interface WindowsClient {
  /** Holds the address of the agent that this client can use. */
  agentFile: string
  /** Includes the job's ssh_config where the job's agent is in use. */
  homeFile: string
  agent: string
  condition: string
  /** A path in the form that this client takes for absolute, and the other one passes over. */
  pathOf: (path: string) => string
}

/**
 * Windows has two kinds of ssh, which read the same files: its own (in pwsh and cmd), which wants a
 * pipe, and that of Git (in bash, and for git everywhere), which wants a Cygwin socket. What is for
 * one of them alone stands in a file of its own. Elsewhere there is one kind, and no such file.
 */
function clientsOf({ config, socket, pipe }: Omit<SshPaths, 'knownHosts'>): WindowsClient[] {
  if (pipe === undefined) return []
  const directory = posix.dirname(config)
  return [
    {
      agentFile: `${directory}/agent-win32`,
      homeFile: `${directory}/home-win32`,
      agent: pipe,
      // By cmd.exe. A variable that is not set stays as it is written, and is equal to neither. The
      // x keeps a slash in front from being taken for an option.
      condition: `if x%%SSH_AUTH_SOCK%% NEQ x${socket} if x%%SSH_AUTH_SOCK%% NEQ x${pipe} exit 1`,
      pathOf: (path) => path, // `D:/…` is relative for MSYS, below ~/.ssh
    },
    {
      agentFile: `${directory}/agent-msys`,
      homeFile: `${directory}/home-msys`,
      agent: socket,
      // By a shell that may find no other program.
      condition: `case $SSH_AUTH_SOCK in ${socket}|${pipe}) ;; *) exit 1 ;; esac`,
      pathOf: cygdrive,
    },
  ]
}

/** `D:/…` as only Cygwin and MSYS know it; neither lets its users choose another name for this. */
function cygdrive(path: string): string {
  const { drive = '', rest = '' } = /^(?<drive>[A-Za-z]):(?<rest>\/.*)$/.exec(path)?.groups ?? {}
  return `/proc/cygdrive/${drive.toLowerCase()}${rest}`
}

function renderAgentBlock(name: string, agent: string): string {
  return `Host ${patternsOf(name)}\n    IdentityAgent ${agent}\n`
}

/** known_hosts with proven keys alone; for a host CA the CA's key, which its certificates prove. */
export function renderKnownHosts(hosts: readonly ProvenHost[]): string {
  const lines = hosts.map(({ host, port, hostKey, pin }) => {
    const names = [knownHostsName(host, port)]
    return pin.kind === 'cert-authority'
      ? formatKnownHostsLine(names, pin.key.blob, '@cert-authority')
      : formatKnownHostsLine(names, hostKey)
  })
  return [...new Set(lines)].join('')
}

interface Block {
  first: ProvenHost
  all: ProvenHost[]
}

/** The hosts by each name under which they may be called. */
function blocksOf(hosts: readonly ProvenHost[]): Map<string, Block> {
  const blocks = new Map<string, Block>()
  const add = (name: string, host: ProvenHost): void => {
    const block = blocks.get(name)
    if (block === undefined) blocks.set(name, { first: host, all: [host] })
    else block.all.push(host)
  }
  // What a line calls its host comes first; then the real names of hosts that have an alias.
  for (const host of hosts) add(host.alias ?? host.host, host)
  for (const host of hosts) if (host.alias !== undefined) add(host.host, host)
  return blocks
}

/** What stands behind `Host`: ssh looks for the name as it is typed, or in lower case. */
function patternsOf(name: string): string {
  return [...new Set([name, name.toLowerCase()])].join(' ')
}

/**
 * The job's ssh_config: a block for each name under which a host may be called. Everything that
 * decides about trust is said here, so that nothing in other files can loosen it.
 *
 * @param paths `agentFiles`: where these are given, they say which agent is used
 */
export function renderSshConfig(
  hosts: readonly ProvenHost[],
  paths: { knownHosts: string; socket: string; agentFiles?: readonly string[] },
): string {
  const { knownHosts, socket, agentFiles = [] } = paths
  const shared = agentFiles.length === 0
  const blocks = [...blocksOf(hosts)]
    .map(([name, { first, all }]) => {
      const named = (first.alias ?? first.host) === name
      const algorithms = new Set(all.map(({ hostKey }) => algorithmsFor(hostKey).join(',')))
      const lines = [
        ...(first.host === name ? [] : [`HostName ${first.host.replaceAll('%', '%%')}`]),
        ...(named ? [`Port ${first.port}`] : []),
        ...(named && first.user !== undefined ? [`User ${first.user}`] : []),
        `UserKnownHostsFile ${knownHosts}`,
        'GlobalKnownHostsFile /dev/null',
        'StrictHostKeyChecking yes',
        'CheckHostIP no',
        'UpdateHostKeys no',
        // Where one name stands for servers with keys of different types, ssh itself asks for the
        // type that known_hosts has for the port.
        ...(algorithms.size === 1 ? [`HostKeyAlgorithms ${[...algorithms].join('')}`] : []),
        ...(shared ? [`IdentityAgent ${socket}`] : []),
        // `yes` is the agent that ssh itself uses.
        ...(named && first.forward ? [`ForwardAgent ${shared ? socket : 'yes'}`] : []),
      ]
      return `Host ${patternsOf(name)}\n${lines.map((line) => `    ${line}\n`).join('')}`
    })
    .join('\n')
  return [...agentFiles.map((path) => `Include ${path}\n`), blocks].join('')
}

/** The algorithms under which the server will show this very key again. */
function algorithmsFor(hostKey: Buffer): string[] {
  const { type, certified } = kindOfKey(hostKey)
  return hostKeyAlgorithms(type, certified)
}

/**
 * The lines that include the job's ssh_config where the job's agent is in use, and nowhere else: jobs
 * side by side don't see each other. On Windows each kind of ssh has its own condition, in a file that
 * is for it alone.
 */
export function includeLines(paths: Omit<SshPaths, 'knownHosts'>): string[] {
  const clients = clientsOf(paths)
  return clients.length === 0
    ? conditionalInclude(paths)
    : clients.map(({ homeFile, pathOf }) => `Include ${pathOf(homeFile)}`)
}

/**
 * `Match all` gives what follows its old meaning. (Quotes inside `exec` fail on OpenSSH 9.2: the paths
 * must need none. asyncssh splits Match lines at every `=`, so there is none.)
 */
function conditionalInclude({ socket, config }: { socket: string; config: string }): string[] {
  return [
    `Match exec "printenv SSH_AUTH_SOCK | grep -qxF ${socket}"`,
    `    Include ${config}`,
    'Match all',
  ]
}
