/**
 * The server's own log: what sshd says of this user and this client, and which known reason that is.
 * What stands there was written by whoever knocked: it is shown, never believed further.
 */
import type { AccountFacts } from '../../remote/inspect-account'
import { fine, told, type Finding, type FindingCode } from './finding'

/** Older lines are of other logins: milliseconds. */
const WINDOW = 15 * 60_000

/** How many lines are shown that no reason is known for. */
const MAX_UNEXPLAINED = 3

interface Reason {
  pattern: RegExp
  code: FindingCode
  finding: string
  hint: string
}

const CONFIG_HINT = 'Change it in sshd_config on the server, then reload sshd.'

/** The words of OpenSSH's sshd, of PAM, and of TCP wrappers. */
const REASONS: readonly Reason[] = [
  {
    pattern: /bad ownership or modes for (?:file|directory) /,
    code: 'writable-by-others',
    finding: 'sshd ignores the keys: others can write to the file, or to what is above it.',
    hint: 'On the server: chmod go-w what the line names; chown it to the user.',
  },
  {
    pattern: /not allowed because listed in DenyUsers/,
    code: 'deny-users',
    finding: 'DenyUsers names the user.',
    hint: CONFIG_HINT,
  },
  {
    pattern: /not allowed because not listed in AllowUsers/,
    code: 'allow-users',
    finding: 'AllowUsers leaves the user out.',
    hint: CONFIG_HINT,
  },
  {
    pattern: /not allowed because a group is listed in DenyGroups/,
    code: 'deny-groups',
    finding: 'DenyGroups names a group of the user.',
    hint: CONFIG_HINT,
  },
  {
    pattern:
      /not allowed because (?:none of user's groups are listed in AllowGroups|not in any group)/,
    code: 'allow-groups',
    finding: 'AllowGroups has none of the user’s groups.',
    hint: CONFIG_HINT,
  },
  {
    pattern: /not allowed because account is locked/,
    code: 'account-locked',
    finding: 'The account is locked.',
    hint: 'As root on the server: usermod -p "*" USER unlocks it without giving it a password.',
  },
  {
    pattern: /not allowed because shell .* (?:does not exist|is not executable)/,
    code: 'account-no-shell',
    finding: 'The shell of the account is not there, or can’t be run.',
    hint: 'As root on the server: usermod -s /bin/sh USER',
  },
  {
    pattern: /ROOT LOGIN REFUSED/,
    code: 'root-login',
    finding: 'PermitRootLogin keeps root out.',
    hint: CONFIG_HINT,
  },
  {
    pattern: /(?:account|Account) \S+ has expired/,
    code: 'account-expired',
    finding: 'The account has expired.',
    hint: 'As root on the server: chage -E -1 USER',
  },
  {
    pattern:
      /Access denied for user .* by PAM|pam_\w+\(sshd:account\): .*(?:denied|failed|not allowed)/,
    code: 'account-denied-by-pam',
    finding: 'PAM denies the account.',
    hint: 'Look at /etc/pam.d/sshd on the server (pam_access, pam_nologin, pam_time) and its files in /etc/security.',
  },
  {
    pattern: /Invalid user /,
    code: 'account-absent',
    finding: 'The server has no such user.',
    hint: 'Correct the user (user@ on the line of the host), or make the account.',
  },
  {
    pattern: /(?:key type|signature algorithm) ssh-rsa not in PubkeyAccepted/,
    code: 'rsa-sha1-only',
    finding: 'A login with RSA and SHA-1 was tried, which sshd does not take.',
    hint: 'Use a newer client, or an ed25519 key.',
  },
  {
    pattern: /(?:key type|signature algorithm) \S+ not in PubkeyAccepted/,
    code: 'algorithm-not-accepted',
    finding: 'sshd takes no key of this type.',
    hint: CONFIG_HINT,
  },
  {
    pattern: /maximum authentication attempts exceeded|Too many authentication failures/,
    code: 'max-auth-tries',
    finding: 'The client offered more keys than MaxAuthTries.',
    hint: 'Say which key is for this host: key=SHA256:… on its line.',
  },
  {
    pattern: /Could not open (?:user '.*' )?authorized keys /,
    code: 'authorized-keys-unreadable',
    finding: 'sshd can’t read the file of authorized keys.',
    hint: 'Look at the owner and mode of the file and of all directories above it.',
  },
  {
    pattern: /but not from a permitted (?:host|source address)/,
    code: 'key-from',
    finding: 'from= on the key’s line leaves this client out.',
    hint: 'Add this client’s address to it.',
  },
  {
    pattern: /revoked by file|revoked key for/,
    code: 'key-revoked',
    finding: 'RevokedKeys in sshd_config has the key.',
    hint: 'Use another key.',
  },
  {
    pattern: /Unable to negotiate with /,
    code: 'no-common-algorithm',
    finding: 'The two sides have no algorithm in common.',
    hint: 'Update the older of the two.',
  },
  {
    pattern: /MaxStartups|refused connect from|penalty|Not allowed at this time/,
    code: 'server-closed',
    finding: 'The server turned this client away at once.',
    hint: 'MaxStartups or PerSourcePenalties in sshd_config, fail2ban, or /etc/hosts.deny.',
  },
]

/** What a login leaves in any case, or says nothing of the reason. */
const NOISE =
  /Connection (?:from|closed|reset)|Accepted |Postponed |[Dd]isconnect|session (?:opened|closed)|Starting session|Close session|Failed (?:publickey|none|password) |User child|Server listening|Transferred|Closing connection|Bind to|Changed root|subsystem request/

/** What the log has about this user and this client. */
export function judgeLog(facts: AccountFacts): Finding[] {
  const { log } = facts
  if (log === undefined) {
    return [
      told('unknown', 'log', 'log-unreadable', 'The account can’t read the log of sshd.', {
        hint: 'On the server: journalctl -u ssh -u sshd --since -15min, or /var/log/auth.log, /var/log/secure; or look with --as and an administrator.',
      }),
    ]
  }
  const lines = linesAbout(log.lines, facts)
  const findings = new Map<FindingCode, Finding>()
  const unexplained: Finding[] = []
  for (const line of lines) {
    const reason = REASONS.find(({ pattern }) => pattern.test(line))
    if (reason !== undefined) {
      const { code, finding, hint } = reason
      // The latest line stands for all.
      findings.set(code, told('problem', 'log', code, finding, { evidence: line, hint }))
    } else if (!NOISE.test(line)) {
      const finding = 'sshd says this, for which no reason is known here.'
      unexplained.push(told('unknown', 'log', 'log-unexplained', finding, { evidence: line }))
    }
  }
  // sshd calls an expired account locked, too.
  if (findings.has('account-expired')) findings.delete('account-locked')
  const all = [...findings.values(), ...unexplained.slice(-MAX_UNEXPLAINED)]
  if (all.length > 0) return all
  return [fine('log', `${log.source} has no complaint about ${facts.user} or this client.`)]
}

/**
 * The lines that name the user, this client or the home, and what the same process said beside them;
 * not those about other users, nor old ones. Where lines tell no process (sshd -e, sshd -E), a line
 * that names nobody belongs to what was named last.
 */
export function linesAbout(lines: readonly string[], facts: AccountFacts): string[] {
  const recent = lines.filter((line) => {
    const time = timeOf(line, facts)
    return time === undefined || facts.clock === undefined || facts.clock - time <= WINDOW
  })
  const ours = new Set(recent.filter((line) => isAbout(line, facts)))
  const processes = new Set([...ours].flatMap((line) => processOf(line) ?? []))
  let followsOurs = false
  return recent.filter((line) => {
    const process = processOf(line)
    if (ours.has(line)) followsOurs = true
    else if (/ port \d/.test(line)) followsOurs = false
    const belongs = process === undefined ? followsOurs : processes.has(process)
    return belongs && !isAboutOther(line, facts)
  })
}

function processOf(line: string): string | undefined {
  return /\b(?:sshd(?:-session|-auth)?|dropbear)\[(\d+)\]:/.exec(line)?.[1]
}

function isAbout(line: string, { user, client, home }: AccountFacts): boolean {
  return [user, client, home].some((name) => name.length > 1 && hasWord(line, name))
}

/** Whether `word` stands there, and not as a part of a longer name or address. */
function hasWord(line: string, word: string): boolean {
  for (let at = line.indexOf(word); at >= 0; at = line.indexOf(word, at + 1)) {
    const before = line.charAt(at - 1)
    const after = line.slice(at + word.length)
    if (!/[\w.:@-]/.test(before) && !/^(?:[\w@-]|[.:][\w-])/.test(after)) return true
  }
  return false
}

function isAboutOther(line: string, { user }: AccountFacts): boolean {
  const [, name] =
    /\b(?:[Uu]ser|for|account) (?!invalid user)[`']?(\S+?)[`']? (?:from|not|has|by) /.exec(line) ??
    []
  return name !== undefined && name !== user
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/** When a line was written, in milliseconds since 1970: RFC 3339, or the form of RFC 3164. */
export function timeOf(
  line: string,
  { clock = 0, zone = 0 }: Pick<AccountFacts, 'clock' | 'zone'>,
): number | undefined {
  const [, iso, sign = '+00:00'] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)? /.exec(line) ?? []
  if (iso !== undefined) {
    const time = Date.parse(`${iso}${sign.replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2')}`)
    return Number.isNaN(time) ? undefined : time
  }
  const [, month = '', day, hour, minute, second] =
    /^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) /.exec(line) ?? []
  const index = MONTHS.indexOf(month)
  if (index < 0) return undefined
  const year = new Date(clock).getUTCFullYear()
  const at = (of: number): number =>
    Date.UTC(of, index, Number(day), Number(hour), Number(minute), Number(second)) - zone * 60_000
  // It says no year: a line of the future is one of last year.
  return at(year) > clock + 24 * 3_600_000 ? at(year - 1) : at(year)
}
