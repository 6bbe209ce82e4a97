/** Lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
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
