/** A login from an account to another host, by the account's own ssh, and what came of it. */
import type { Client } from 'ssh2'
import { ask, fileName, HOME, valueOf } from './account'

/**
 * Logs in from the account. No configuration of the account counts, no agent, and no connection that
 * is shared: what is seen is this key, this host key and this port.
 */
const LOGIN = String.raw`${HOME}
IFS= read -r name
IFS= read -r user
IFS= read -r host
IFS= read -r port
IFS= read -r seconds
IFS= read -r known
command -v ssh >/dev/null 2>&1 || fail "There is no ssh."
hosts=.ssh/known_hosts
if [ -n "$known" ]; then
  hosts=.ssh/ssh-trust-$mark
  trap 'rm -f "$hosts"' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  say "$known" >"$hosts"
fi
set -- ssh -F /dev/null -a -x -T -o BatchMode=yes -o StrictHostKeyChecking=yes \
  -o "UserKnownHostsFile=$hosts" -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no \
  -o IdentitiesOnly=yes -o IdentityAgent=none -o PreferredAuthentications=publickey \
  -o LogLevel=VERBOSE -o "ConnectTimeout=$seconds" -o ServerAliveInterval=5 \
  -i ".ssh/$name" -p "$port" -l "$user" -- "$host" true
unset SSH_ASKPASS SSH_AUTH_SOCK
if command -v timeout >/dev/null 2>&1; then set -- timeout $((seconds + 10)) "$@"; fi
words=$("$@" 2>&1 </dev/null >/dev/null)
say "code $?"
printf '%s\n' "$words" | while IFS= read -r line; do say "words $line"; done
say "done"
`

export interface LoginFrom {
  /** Of the key, as `listKeys` tells it. */
  path: string
  user: string
  host: string
  port: number
  /** In milliseconds. */
  timeout: number
  /** A line to know the host by, instead of the account's known_hosts. */
  knownHost?: string
}

/** What came of a login, and what ssh said. */
export interface LoginOutcome {
  /**
   * - `works`: the target took the key. What it lets the key do is its own affair: an account for SFTP
   *   alone, or a key with a command of its own, runs no `true`.
   * - `refused`: it did not.
   * - `host-key`: the target showed another host key than known_hosts has for it, or a revoked one.
   * - `failed`: none of these was found out.
   */
  outcome: 'works' | 'refused' | 'host-key' | 'failed'
  words: string
}

/** Longest `words`. */
const MAX_WORDS = 500

/** @throws TrustError as `ask` */
export async function logInFrom(
  client: Client,
  { path, user, host, port, timeout, knownHost = '' }: LoginFrom,
): Promise<LoginOutcome> {
  const seconds = Math.max(1, Math.ceil(timeout / 1000))
  const lines = [fileName(path), user, host, String(port), String(seconds), knownHost]
  const answer = await ask(client, LOGIN, lines, (seconds + 20) * 1000)
  const said = answer.flatMap((line) => /^words (.*?)\r?$/.exec(line)?.[1] ?? [])
  return readLogin(valueOf(answer, 'code'), said)
}

/**
 * @param code that ssh ended with
 * @param said its lines on standard error, at the level VERBOSE
 */
export function readLogin(code: string | undefined, said: readonly string[]): LoginOutcome {
  const told = said.filter(
    (line) => !/^(@+$|Authenticated to |Transferred: |Bytes per )/.test(line),
  )
  const words = told.join(' ').trim().slice(0, MAX_WORDS)
  const has = (pattern: RegExp): boolean => said.some((line) => pattern.test(line))
  // ssh's own exit code is 255; any other is that of `true`, or of what ran in its place.
  if (code === '0' || has(/^Authenticated to /)) return { outcome: 'works', words }
  if (has(/Host key verification failed|HOST IDENTIFICATION HAS CHANGED|REVOKED HOST KEY/)) {
    return { outcome: 'host-key', words: offendingLine(said) ?? words }
  }
  if (has(/Permission denied|Too many authentication failures/)) {
    return { outcome: 'refused', words }
  }
  return { outcome: 'failed', words }
}

/** `line 3 of ~/.ssh/known_hosts has another ED25519 key`, from ssh's many words. */
function offendingLine(said: readonly string[]): string | undefined {
  const offending = said
    .map((line) => /^Offending (?:key|(\S+) key) in \.ssh\/known_hosts:(\d+)/.exec(line))
    .find((match) => match !== null)
  if (offending === undefined) return undefined
  const [, type, line = ''] = offending
  return `line ${line} of ~/.ssh/known_hosts has another ${type === undefined ? '' : `${type} `}key`
}
