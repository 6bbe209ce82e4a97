/** What to do about a refusal of the agent: the sentence that its warning ends with. */
import type { AuditEntry } from '../agent/audit'

/**
 * @returns undefined for refusals that are no matter of the workflow: somebody asked for what nobody
 *   would allow
 */
export function adviceFor(entry: AuditEntry): string | undefined {
  const host = entry.host ?? entry.hostKey ?? 'that host'
  switch (entry.reason) {
    case 'unbound':
      return 'The client did not say which host the signature is for. OpenSSH does since version 8.9 (February 2022); PuTTY, libssh, libssh2 (curl, libgit2), paramiko, asyncssh, Go and others do not. Use ssh, scp, sftp, rsync or git with OpenSSH, or set agent-policy to warn.'
    case 'bind-failed':
      return 'The client claimed a host without a valid proof. Update it, or find out what it is.'
    case 'not-userauth':
      return 'It was no login. Set sign-other-data to true if a CA key, a host key or ssh-add -T is meant to be used.'
    case 'namespace-not-allowed':
      return 'It was a signature of a file, a commit or a tag. Add its namespace to signature-namespaces; for git that is git.'
    case 'host-not-pinned':
      return `Add a line with the pin of that host (${host}) to hosts, if the job is to log in there.`
    case 'host-revoked':
      return `That host showed a key that hosts marks @revoked. Do not log in to ${host}.`
    case 'key-not-for-host':
      return `The key= of that host's line in hosts names other keys than ${entry.key ?? 'those here'}.`
    case 'user-not-allowed':
      return `Add ${entry.user ?? 'the user'} to users= of the line of ${host} in hosts.`
    case 'forward-not-allowed':
      return `The agent was used from another host, forwarded (ssh -A). Add forward to the line of ${entry.host ?? 'each host on the way'} in hosts, and pin every host on the way; or use ssh -J, which needs no forwarding.`
    case 'forward-not-hostbound':
      return 'The ssh or sshd on the way is too old to say which host a forwarded signature is for: OpenSSH 8.9 or later is needed at both ends.'
    case 'destination-not-permitted':
      return 'The key was added with destinations (ssh-add -h), and this was none of them.'
    case 'signatures-used-up':
      return 'Raise max-signatures.'
    case 'lifetime-over':
      return 'Raise agent-lifetime.'
    case 'confirmation-denied':
      return 'The key was added with ssh-add -c, and in a job nobody is there to confirm.'
    case 'locked':
      return 'A step locked the agent (ssh-add -x) and did not unlock it.'
    case 'sha1':
      return 'The client or server is too old for RSA with SHA-2. Use an ed25519 key.'
    default:
      return undefined
  }
}
