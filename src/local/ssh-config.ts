/**
 * The job's ssh_config and known_hosts, and the block in ~/.ssh/config that includes them for this
 * job alone.
 */
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

/**
 * The job's ssh_config: a block for each name under which a host may be called. Everything that
 * decides about trust is said here, so that nothing in other files can loosen it.
 */
export function renderSshConfig(
  hosts: readonly ProvenHost[],
  paths: { knownHosts: string; socket: string },
): string {
  const blocks = new Map<string, { first: ProvenHost; all: ProvenHost[] }>()
  const add = (name: string, host: ProvenHost): void => {
    const block = blocks.get(name)
    if (block === undefined) blocks.set(name, { first: host, all: [host] })
    else block.all.push(host)
  }
  // What a line calls its host comes first; then the real names of hosts that have an alias.
  for (const host of hosts) add(host.alias ?? host.host, host)
  for (const host of hosts) if (host.alias !== undefined) add(host.host, host)

  return [...blocks]
    .map(([name, { first, all }]) => {
      const named = (first.alias ?? first.host) === name
      const algorithms = new Set(all.map(({ hostKey }) => algorithmsFor(hostKey).join(',')))
      const lines = [
        ...(first.host === name ? [] : [`HostName ${first.host.replaceAll('%', '%%')}`]),
        ...(named ? [`Port ${first.port}`] : []),
        ...(named && first.user !== undefined ? [`User ${first.user}`] : []),
        `UserKnownHostsFile ${paths.knownHosts}`,
        'GlobalKnownHostsFile /dev/null',
        'StrictHostKeyChecking yes',
        'CheckHostIP no',
        'UpdateHostKeys no',
        // Where one name stands for servers with keys of different types, ssh itself asks for the
        // type that known_hosts has for the port.
        ...(algorithms.size === 1 ? [`HostKeyAlgorithms ${[...algorithms].join('')}`] : []),
        `IdentityAgent ${paths.socket}`,
        ...(named && first.forward ? [`ForwardAgent ${paths.socket}`] : []),
      ]
      // ssh looks for the name as it is typed, or in lower case.
      const names = [...new Set([name, name.toLowerCase()])].join(' ')
      return `Host ${names}\n${lines.map((line) => `    ${line}\n`).join('')}`
    })
    .join('\n')
}

/** The algorithms under which the server will show this very key again. */
function algorithmsFor(hostKey: Buffer): string[] {
  const { type, certified } = kindOfKey(hostKey)
  return hostKeyAlgorithms(type, certified)
}

/**
 * The lines for ~/.ssh/config. They go first, and `Match all` gives what follows its old meaning. The
 * condition holds only where the job's agent is in use, so jobs side by side don't see each other.
 * (Quotes inside `exec` fail on OpenSSH 9.2: the paths must need none. asyncssh splits Match lines at
 * every `=`, so there is none.)
 */
export function homeBlock(id: string, paths: { socket: string; config: string }): string[] {
  return [
    `# >>> ssh-trust ${id}`,
    `Match exec "printenv SSH_AUTH_SOCK | grep -qxF ${paths.socket}"`,
    `    Include ${paths.config}`,
    'Match all',
    `# <<< ssh-trust ${id}`,
  ]
}

/** `text` with the block in front. */
export function addBlock(text: string | undefined, lines: readonly string[]): string {
  return `${lines.join('\n')}\n${text ?? ''}`
}

/**
 * `text` without the block. Lines that somebody put between ours stay, and so does whatever else is
 * there, to the byte.
 */
export function removeBlock(text: string, lines: readonly string[]): string {
  const [begin, ...rest] = lines
  const end = rest.at(-1)
  const ended = end !== undefined && text.includes(end)
  let inside = false
  // Split after each newline, so that joining gives back every byte.
  return text
    .split(/(?<=\n)/)
    .filter((line) => {
      const bare = line.replace(/\r?\n$/, '')
      if (bare === begin) inside = true
      // `Match all` alone is no mark of ours: it is ours only inside the block.
      const ours = lines.includes(bare) && (inside || bare !== 'Match all')
      // Where the end is gone, the block ends with the first line that is not ours, or `Match all`.
      if (bare === end || (!ended && (!ours || bare === 'Match all'))) inside = false
      return !ours
    })
    .join('')
}
