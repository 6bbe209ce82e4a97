/** An account as sshd sees it, from inside: how to get in and look, and what keeps keys from it. */
import { TrustError } from '../../errors'
import type { Credentials } from '../../remote/connect'
import type { AccountFacts, KeyFile } from '../../remote/inspect-account'
import {
  formatAuthorizedKey,
  parseAuthorizedKeys,
  type AuthorizedKey,
} from '../../ssh/authorized-keys'
import { describeKey, type AgentKey } from './client'
import { fine, isProblem, told, type Finding, type FindingCode } from './finding'
import { judgeLabels, judgeModes, judgeOptions } from './key-line'
import { judgeLog } from './log'
import { judgeConfig, setting } from './sshd-config'
import type { HostLine } from '../hosts'

export interface LookInside {
  credentials?: Credentials
  /** Who logs in to look, where that is not the user itself: root, or somebody who may use sudo. */
  as?: string
  /** To be looked for in files of authorized keys. */
  keys: readonly AgentKey[]
  /** In milliseconds. */
  timeout: number
}

/** Longest time for the scripts on the host, in connection timeouts. */
const SCRIPT_TIMES = 3

/** Logs in by other means, if there are any, and looks at the account from inside. */
export async function examineAccount(
  line: HostLine,
  user: string,
  hostKey: Buffer,
  { credentials, as, keys, timeout }: LookInside,
): Promise<Finding[]> {
  if (credentials === undefined) return []
  const { connectTo } = await import('../../remote/connect') // ssh2 takes long to load
  const { inspectAccount } = await import('../../remote/inspect-account')
  try {
    const { host, port } = line
    const login = { host, port, user: as ?? user, hostKey, credentials, timeout }
    const client = await connectTo(login)
    try {
      const facts = await inspectAccount(client, {
        ...(as === undefined ? {} : { user }),
        keys: keys.map(({ blob }) => blob),
        timeout: SCRIPT_TIMES * timeout,
      })
      return judgeAccount(facts, keys, Date.now())
    } finally {
      client.end()
    }
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return [judgeFailure(error, credentials, as)]
  }
}

function judgeFailure(
  { code, message, hint = '' }: TrustError,
  { kind }: Credentials,
  as: string | undefined,
): Finding {
  if (code === 'remote-shell') {
    return told('problem', 'inspection', 'inspection-no-shell', message, { hint })
  }
  const finding = 'The account can’t be looked at.'
  const evidence = message
  if (code !== 'login-refused') {
    return told('unknown', 'inspection', 'inspection-failed', finding, { evidence, hint })
  }
  const other = kind === 'password' ? 'password' : 'key of --key'
  return told('unknown', 'inspection', 'inspection-refused', finding, {
    evidence,
    hint:
      as === undefined
        ? `The ${other} was not accepted either. Then it is often not the key: wrong user, AllowUsers, DenyUsers, AllowGroups or PermitRootLogin in sshd_config, or the account is locked. Look with --as and an administrator, or at the log of sshd on the server.`
        : `The ${other} was not accepted for ${as}.`,
  })
}

/**
 * What keeps sshd from taking one of `keys` for the account.
 *
 * @param now in milliseconds since 1970
 */
export function judgeAccount(
  facts: AccountFacts,
  keys: readonly AgentKey[],
  now: number,
): Finding[] {
  const { user, seenBy, home, shell, groups } = facts
  const who = seenBy === user ? `Inside as ${user}` : `${user}, seen by ${seenBy}`
  const evidence = `home ${home === '' ? '(none)' : home}, shell ${shell}, groups ${groups.join(' ')}`
  const inside = facts.exists
    ? [
        ...judgeEntry(facts, now),
        ...judgeConfig(facts, keys),
        ...judgeKeys(facts, keys, now),
        ...judgeLabels(facts),
      ]
    : [judgeAbsent(facts)]
  return [
    fine('inspection', `${who}.`, facts.exists ? evidence : ''),
    judgeClock(facts, now),
    ...inside,
    ...judgeOtherAccounts(facts),
    ...judgeLog(facts),
  ]
}

function judgeAbsent({ user, client }: AccountFacts): Finding {
  return told('problem', 'account', 'account-absent', `The server has no user ${user}.`, {
    evidence: `id ${user}: no such user (asked from ${client})`,
    hint: `Correct the user (user@ on the line of the host), or make the account: useradd -m ${user}`,
  })
}

/** Seconds that clocks may differ. */
const CLOCK_TOLERANCE = 60

function judgeClock({ clock }: AccountFacts, now: number): Finding {
  if (clock === undefined) {
    return told('unknown', 'clock', 'clock-unknown', 'The server does not tell its time.')
  }
  const off = Math.round((clock - now) / 1000)
  if (Math.abs(off) <= CLOCK_TOLERANCE) return fine('clock', 'The clocks agree.')
  const finding = `The server’s clock is ${Math.abs(off)} s ${off < 0 ? 'behind' : 'ahead'}.`
  return told('warning', 'clock', 'clock-differs', finding, {
    evidence: new Date(clock).toISOString(),
    hint: 'Keys and certificates expire by the server’s clock: have it set by NTP.',
  })
}

const DAY = 86_400_000

/** passwd(5), shadow(5), nologin(5). */
function judgeEntry(facts: AccountFacts, now: number): Finding[] {
  const { user, uid, home, shell, shellRuns, locked, expires, nologinFile, dropbear } = facts
  const findings: Finding[] = []
  const problem = (code: FindingCode, finding: string, evidence: string, hint: string): void => {
    findings.push(told('problem', 'account', code, finding, { evidence, hint }))
  }
  // With PAM it is for PAM to say, and a lock of the password keeps no keys out; dropbear does not ask.
  const [pam] = setting(facts, 'usepam')
  if (locked === true && dropbear === undefined && pam?.toLowerCase() !== 'yes') {
    const hint = `As root on the server: usermod -p '*' ${user} unlocks it without giving it a password.`
    problem('account-locked', `The account ${user} is locked.`, 'a ! before the password', hint)
  }
  if (expires !== undefined && expires * DAY <= now) {
    const hint = `As root on the server: chage -E -1 ${user}`
    const evidence = `expires ${new Date(expires * DAY).toISOString().slice(0, 10)}`
    problem('account-expired', `The account ${user} has expired.`, evidence, hint)
  }
  const setShell = `As root on the server: usermod -s /bin/sh ${user}`
  if (shellRuns === false) {
    const finding = `The shell of ${user} is not there, or can’t be run: sshd lets nobody in.`
    problem('account-no-shell', finding, shell, setShell)
  } else if (/\/(nologin|false)$/.test(shell)) {
    const finding = `The shell of ${user} ends every session: logins work, commands do not.`
    problem('account-no-shell', finding, shell, setShell)
  }
  if (home === '') {
    const hint = `As root on the server: mkhomedir_helper ${user}, or make the directory and give it to ${user}.`
    problem('account-no-home', `The home directory of ${user} is not there.`, '', hint)
  }
  if (nologinFile !== undefined && uid !== 0) {
    const hint = `If the machine is up, and this is left over: rm ${nologinFile}`
    const finding = 'The machine lets only root in for the time being.'
    problem('account-nologin-file', finding, nologinFile, hint)
  }
  if (findings.length > 0) return findings
  return [fine('account', `The account ${user} is open.`, `shell ${shell}`)]
}

interface FoundKey {
  key: AgentKey
  file: KeyFile
  line: AuthorizedKey
}

function findKeys(files: readonly KeyFile[], keys: readonly AgentKey[]): FoundKey[] {
  return files.flatMap((file) =>
    parseAuthorizedKeys(file.content ?? Buffer.alloc(0)).flatMap((line): FoundKey[] => {
      const key = keys.find(({ blob }) => blob.equals(line.blob))
      return key === undefined ? [] : [{ key, file, line }]
    }),
  )
}

function judgeKeys(facts: AccountFacts, keys: readonly AgentKey[], now: number): Finding[] {
  if (keys.length === 0) {
    return [
      told(
        'unknown',
        'authorized-keys',
        'authorized-keys-not-looked-for',
        'There is no key to look for.',
        { hint: 'Have it in the agent.' },
      ),
    ]
  }
  const found = findKeys(facts.keyFiles, keys)
  if (found.length > 0) {
    const reports = found.map((one) => judgeKeyLine(one, facts, now))
    // sshd takes the first line that lets the key in.
    const good = reports.find((findings) => !findings.some(isProblem))
    return good ?? reports.flat()
  }
  const modes = facts.keyFiles.flatMap((file) => judgeModes(file, facts).filter(isProblem))
  return [...judgeNoKey(facts, keys), ...modes]
}

/** None of the keys is where sshd looks. */
function judgeNoKey(facts: AccountFacts, keys: readonly AgentKey[]): Finding[] {
  const { keyFiles, unusedFiles, home } = facts
  if (home === '' && keyFiles.length === 0) return [] // that there is no home is told already
  const names = (files: readonly KeyFile[]): string => files.map(({ path }) => path).join(' or ')
  const unreadable = keyFiles.filter(({ content, missing }) => content === undefined && !missing)
  if (unreadable.length > 0) {
    const finding = `${names(unreadable)} can’t be read by the account, or is too large.`
    const code = 'authorized-keys-unreadable'
    const hint =
      'Have it belong to the user, with mode 0600; or look with --as and an administrator.'
    return [told('unknown', 'authorized-keys', code, finding, { hint })]
  }
  const problem = (code: FindingCode, finding: string, evidence = ''): Finding[] => {
    const [key] = keys
    const hint = `Add the public key to it: ${key === undefined ? '' : lineFor(key)}`
    return [told('problem', 'authorized-keys', code, finding, { evidence, hint })]
  }
  const where = keyFiles.length === 0 ? 'any file (AuthorizedKeysFile none)' : names(keyFiles)
  const [elsewhere] = findKeys(unusedFiles, keys)
  if (elsewhere !== undefined) {
    const { file, key, line } = elsewhere
    return problem(
      'authorized-keys-elsewhere',
      `${describeKey(key)} is at ${file.path}:${line.lineNumber}, and sshd looks at ${where} only.`,
      `authorizedkeysfile ${setting(facts, 'authorizedkeysfile').join(' ')} (${facts.configFile})`,
    )
  }
  if (keyFiles.length > 0 && keyFiles.every(({ missing }) => missing)) {
    return problem('authorized-keys-missing', `There is no file ${where}.`)
  }
  return problem('key-not-authorized', `None of the agent’s keys is in ${where}.`)
}

function lineFor({ blob, comment }: AgentKey): string {
  return formatAuthorizedKey({ blob, comment: comment.replace(/\p{Cc}+/gu, ' ') })
}

function judgeKeyLine({ key, file, line }: FoundKey, facts: AccountFacts, now: number): Finding[] {
  const at = `${file.path}:${line.lineNumber}`
  const there = fine('authorized-keys', `${describeKey(key)} is at ${at}.`, line.text)
  return [there, ...judgeOptions(line, at, facts, now), ...judgeModes(file, facts)]
}

function judgeOtherAccounts({ otherAccounts, user }: AccountFacts): Finding[] {
  const [first] = otherAccounts
  if (first === undefined) return []
  const names = otherAccounts.map((other) => other.user).join(', ')
  return [
    told(
      'warning',
      'authorized-keys',
      'authorized-keys-of-other-account',
      `A key of the agent is there for ${names}, which may be the account that is meant, not ${user}.`,
      {
        evidence: otherAccounts.map(({ path }) => path).join(', '),
        hint: `Log in as ${first.user} (${first.user}@ on the line of the host), or add the key for ${user}.`,
      },
    ),
  ]
}
