/** Lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
import { createHmac } from 'node:crypto'
import { matchPattern } from './pattern'
import { formatPublicKey } from './public-key'

/** The name under which ssh looks a host up: `host`, or `[host]:port` for any port but 22. */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase()
  return port === 22 ? name : `[${name}]:${port}`
}

/** One line, with its newline. `marker` as known_hosts has it. */
export function formatKnownHostsLine(
  names: readonly string[],
  key: Buffer,
  marker?: '@cert-authority' | '@revoked',
): string {
  const line = `${names.join(',')} ${formatPublicKey(key)}\n`
  return marker === undefined ? line : `${marker} ${line}`
}

/**
 * Whether the names of a line (patterns, or one hashed name: ssh_config(5), HashKnownHosts) are for a
 * host, and whether that is by its very name.
 *
 * @param name as `knownHostsName` gives it
 */
export function matchKnownHostsNames(names: string, name: string): 'exact' | 'pattern' | undefined {
  const [, salt, hash] = /^\|1\|([^|]*)\|(.*)$/.exec(names) ?? []
  if (salt !== undefined && hash !== undefined) {
    const made = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64')
    return made === hash ? 'exact' : undefined
  }
  const list = names.toLowerCase().split(',')
  const hits = list.filter((pattern) => matchPattern(name, pattern.replace(/^!/, '')))
  if (hits.length === 0 || hits.some((pattern) => pattern.startsWith('!'))) return undefined
  return hits.every((pattern) => pattern === name) ? 'exact' : 'pattern'
}
