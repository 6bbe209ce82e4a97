/** What `ssh-trust doctor` finds: the type, the closed list of codes, and findings as text. */
import { oneLine } from '../report'

/** In the order in which they are made. */
export const CHECKS = [
  'ssh',
  'agent',
  'client-config',
  'name',
  'connection',
  'server',
  'key-exchange',
  'host-key',
  'known-hosts',
  'login',
  'inspection',
  'clock',
  'account',
  'sshd-config',
  'authorized-keys',
  'key-options',
  'modes',
  'selinux',
  'log',
] as const

export type Check = (typeof CHECKS)[number]

/**
 * What can be amiss. docs/TROUBLESHOOTING.md has a row for each (a test holds the two together). What
 * is well has the name of its check with `-ok`. A code names the reason: the log of a server and its
 * configuration can tell the same one.
 */
export const FINDING_CODES = [
  // this machine
  'ssh-missing',
  'ssh-not-openssh',
  'ssh-tells-no-host',
  'agent-unset',
  'agent-gone',
  'agent-silent',
  'agent-empty',
  'client-config-broken',
  'client-option-gone',
  'client-publickey-off',
  'client-other-key',
  'client-other-agent',
  'client-host-key-unchecked',
  'client-forwards-agent',
  'client-forwards-x11',
  'client-prompts',
  'client-other-address',
  'client-proxy',
  // the way to the host
  'name-not-found',
  'name-server-silent',
  'connection-refused',
  'connection-timeout',
  'connection-unreachable',
  'server-silent',
  'server-not-ssh',
  'server-closed',
  'server-protocol',
  'no-common-algorithm',
  'host-key-unproven',
  'host-key-changed',
  'host-key-revoked',
  'known-hosts-revoked',
  'known-hosts-stale',
  'pin-stale',
  // the login
  'login-without-keys',
  'login-too-many-keys',
  'login-agent-refused',
  'login-wants-more',
  'login-key-not-offered',
  'login-key-refused',
  'login-command-fails',
  'login-failed',
  'rsa-sha1-only',
  // the account, from inside
  'inspection-none',
  'inspection-refused',
  'inspection-no-shell',
  'inspection-failed',
  'clock-unknown',
  'clock-differs',
  'account-absent',
  'account-locked',
  'account-expired',
  'account-no-home',
  'account-no-shell',
  'account-nologin-file',
  'account-denied-by-pam',
  'sshd-config-unknown',
  'publickey-off',
  'allow-users',
  'deny-users',
  'allow-groups',
  'deny-groups',
  'root-login',
  'authentication-methods',
  'algorithm-not-accepted',
  'max-auth-tries',
  'forced-command',
  'authorized-keys-not-looked-for',
  'authorized-keys-unreadable',
  'authorized-keys-missing',
  'authorized-keys-elsewhere',
  'authorized-keys-of-other-account',
  'key-not-authorized',
  'key-revoked',
  'key-expired',
  'key-from',
  'key-is-authority',
  'key-options-invalid',
  'writable-by-others',
  'owned-by-other',
  'selinux-label',
  'log-unreadable',
  'log-unexplained',
] as const

export type FindingCode = (typeof FINDING_CODES)[number] | `${Check}-ok`

export interface Finding {
  /** `unknown`: it could not be found out. */
  status: 'ok' | 'warning' | 'problem' | 'unknown'
  check: Check
  code: FindingCode
  /** What the job calls the host; absent for this machine. */
  host?: string
  /** The reason, in words. */
  finding: string
  /** The raw fact that it is told from: a line, a mode, a message. */
  evidence?: string
  /** What to do. */
  hint?: string
  /** How, where that differs from system to system. */
  steps?: readonly string[]
}

export type Status = Finding['status']

type Rest = Partial<Pick<Finding, 'evidence' | 'hint' | 'steps'>>

/** A key of 16,384 bits has 2,800 characters. */
const MAX_TEXT = 4000
const MAX_EVIDENCE = 500

/** A finding. Its texts become one line each: much of them comes from a server, or from files. */
export function told(
  status: Status,
  check: Check,
  code: FindingCode,
  finding: string,
  { evidence = '', hint = '', steps = [] }: Rest = {},
): Finding {
  const shown = { evidence: bounded(evidence, MAX_EVIDENCE), hint: bounded(hint, MAX_TEXT) }
  return {
    status,
    check,
    code,
    finding: bounded(finding, MAX_TEXT),
    ...(shown.evidence === '' ? {} : { evidence: shown.evidence }),
    ...(shown.hint === '' ? {} : { hint: shown.hint }),
    ...(steps.length === 0 ? {} : { steps }),
  }
}

/** For a check that finds nothing wrong. */
export function fine(check: Check, finding: string, evidence = ''): Finding {
  return told('ok', check, `${check}-ok`, finding, { evidence })
}

function bounded(text: string, length: number): string {
  const line = oneLine(text).trim()
  return line.length > length ? `${line.slice(0, length)}…` : line
}

export function isProblem({ status }: Finding): boolean {
  return status === 'problem'
}

/** For whoever asks whether all is well. */
export function hasProblem(findings: readonly Finding[]): boolean {
  return findings.some(isProblem)
}

const COLOURS: Record<Status, number> = { ok: 32, warning: 33, problem: 31, unknown: 36 }

/** The findings as aligned text; evidence and what to do stand below what they are about. */
export function formatFindings(findings: readonly Finding[], colour: boolean): string {
  const width = (texts: readonly string[]): number =>
    Math.max(0, ...texts.map(({ length }) => length))
  const status = width(Object.keys(COLOURS))
  const host = width(findings.map((finding) => finding.host ?? ''))
  const check = width(findings.map((finding) => finding.check))
  const hosts = host === 0 ? 0 : host + 2
  const indent = ' '.repeat(status + 2 + hosts + check + 2)
  return findings
    .map((one) => {
      const word = one.status.padEnd(status)
      const shown = colour ? `\x1b[${COLOURS[one.status]}m${word}\x1b[0m` : word
      const where = (one.host ?? '').padEnd(hosts)
      const code = one.status === 'ok' ? '' : ` [${one.code}]`
      const below = [
        ...(one.evidence === undefined ? [] : [`· ${one.evidence}`]),
        ...(one.hint === undefined ? [] : [`→ ${one.hint}`]),
        ...(one.steps ?? []).map((step) => `  ${step}`),
      ]
      const lines = [
        `${shown}  ${where}${one.check.padEnd(check)}  ${oneLine(one.finding)}${code}`,
        ...below.map((text) => `${indent}${oneLine(text)}`),
      ]
      return lines.map((line) => `${line}\n`).join('')
    })
    .join('')
}
