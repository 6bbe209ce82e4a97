/**
 * What a host's sshd sees when a key knocks at an account: the account itself, its files, their modes
 * and owners, sshd's configuration, and what sshd wrote into its log. Only looks.
 */
import type { Client } from 'ssh2'
import { TrustError } from '../errors'
import { printable } from '../ssh/transport'
import { runScript } from './connect'
import { INSPECT_ACCOUNT } from './inspect-script'

const MAX_OUTPUT = 8 * 1024 * 1024
const TIMEOUT = 30_000
/** Keys that are looked for in other accounts. */
const MAX_KEYS = 64

/** A file or directory that StrictModes looks at. */
export interface PathFacts {
  path: string
  /** As ls tells it: `drwx------`. */
  mode: string
  /** User id. */
  owner: number
}

export interface KeyFile {
  path: string
  /** Absent where there is no such file, or it can't be read. */
  content?: Buffer
  missing: boolean
  /** The file, its directory and so on up to the home, as sshd goes. */
  chain: PathFacts[]
}

/** The label of a file, where SELinux is enforced. */
export interface SelinuxLabel {
  path: string
  context: string
  /** What the policy says that it should be, where that is known. */
  expected?: string
}

export interface ServerLog {
  /** A file, or `journal`. */
  source: string
  /** The latest ones of sshd, about whomever. */
  lines: string[]
}

export interface AccountFacts {
  user: string
  /** Who looks: `user`, or an administrator. */
  seenBy: string
  /** Whether there is such an account; if not, nothing else is told of it. */
  exists: boolean
  uid: number
  groups: string[]
  /** Empty where there is no such directory. */
  home: string
  shell: string
  /** Whether the shell is a program that can be run. */
  shellRuns?: boolean
  /** Whether the password is locked with `!` in shadow(5); absent where that can't be read. */
  locked?: boolean
  /** The day that the account expires, counted from 1970, where there is one. */
  expires?: number
  /** A file that keeps all users but root out: nologin(5). */
  nologinFile?: string
  /** The address that this client has for the server. */
  client: string
  /** The server's clock, in milliseconds since 1970. */
  clock?: number
  /** The server's zone, minutes east of UTC. */
  zone?: number
  /** Where `config` is from: `sshd -T` for this account, the file without Match and Include, or nowhere. */
  configFrom: 'sshd' | 'file' | 'nowhere'
  configFile: string
  /** Where the server is dropbear, which has no configuration: its command line. */
  dropbear?: string
  /** Keyword in lower case to its values, one for each line. */
  config: ReadonlyMap<string, readonly string[]>
  keyFiles: KeyFile[]
  /** Usual places of keys that sshd does not look at, as AuthorizedKeysFile is another. */
  unusedFiles: KeyFile[]
  /** Other accounts that have one of the keys; only an administrator can know. */
  otherAccounts: { user: string; path: string }[]
  /** Empty where SELinux is not enforced. */
  labels: SelinuxLabel[]
  /** Absent where there is none that can be read. */
  log?: ServerLog
}

export interface InspectOptions {
  /** Another account than the one that is logged in, which then has to be root, or may use sudo. */
  user?: string
  /** Keys in wire format, to be looked for in other accounts. */
  keys?: readonly Buffer[]
  /** In milliseconds. */
  timeout?: number
}

/**
 * Looks at the account that `client` is logged in to, or at another one as an administrator.
 *
 * @throws TrustError `remote-shell` where the account runs no commands, `remote-file-failed` where it
 *   may not look at others, `host-timeout`, `host-closed`
 */
export async function inspectAccount(
  client: Client,
  { user = '', keys = [], timeout = TIMEOUT }: InspectOptions = {},
): Promise<AccountFacts> {
  if (/[\0\r\n]/.test(user)) throw new Error('a name for a script has an end')
  const lines = [user, user, ...keys.slice(0, MAX_KEYS).map((key) => key.toString('base64'))]
  const { stdout } = await runScript(
    client,
    INSPECT_ACCOUNT,
    Buffer.from(lines.map((line) => `${line}\n`).join('')),
    { timeout, maxOutput: MAX_OUTPUT },
  )
  const [, failure] = /^fail (.*)/.exec(stdout.subarray(0, 1024).toString('utf8')) ?? []
  if (failure !== undefined) {
    const message = `This login may not look at the account ${user}: ${printable(failure)}.`
    const hint = 'Log in as root, or as somebody who may use sudo without a password.'
    throw new TrustError('remote-file-failed', message, { hint })
  }
  return parseFacts(stdout)
}

/**
 * Reads what the script prints.
 *
 * @throws TrustError `remote-shell` where that does not even say who the user is
 */
export function parseFacts(output: Buffer): AccountFacts {
  const single = new Map<string, string>()
  const config = new Map<string, string[]>()
  const keyFiles: KeyFile[] = []
  const unusedFiles: KeyFile[] = []
  const otherAccounts: AccountFacts['otherAccounts'] = []
  const labels: SelinuxLabel[] = []
  const logLines: string[] = []
  let file: KeyFile | undefined
  for (let at = 0; at < output.length;) {
    const newline = output.indexOf(0x0a, at)
    const end = newline < 0 ? output.length : newline
    const line = output.subarray(at, end).toString('utf8')
    at = end + 1
    const [, word = '', rest = ''] = /^(\S+) ?(.*?)\r?$/s.exec(line) ?? []
    if (word === 'config') {
      const [, keyword = '', value = ''] = /^(\S+)\s+(.*)$/.exec(rest) ?? []
      const name = keyword.toLowerCase()
      config.set(name, [...(config.get(name) ?? []), value.trim()])
    } else if (word === 'keys' || word === 'unused') {
      file = { path: rest, missing: false, chain: [] }
      const files = word === 'keys' ? keyFiles : unusedFiles
      files.push(file)
    } else if (word === 'missing' && file !== undefined) {
      file.missing = true
    } else if (word === 'mode' && file !== undefined) {
      const [, mode, owner, path] = /^(\S{10,12}) (\d{1,10}) (.+)$/.exec(rest) ?? []
      if (mode === undefined || path === undefined) continue
      file.chain.push({ mode, owner: Number(owner), path })
    } else if (word === 'content' && file !== undefined) {
      const size = /^\d{1,7}$/.test(rest) ? Number(rest) : 0
      file.content = output.subarray(at, at + size)
      at += size + 1
    } else if (word === 'label') {
      const [, context = '', expected = '-', path = ''] = /^(\S+) (\S+) (.+)$/.exec(rest) ?? []
      if (path === '' || labels.some((other) => other.path === path)) continue
      labels.push({ path, context, ...(expected === '-' ? {} : { expected }) })
    } else if (word === 'also') {
      const [, user, path] = /^(\S+) (.+)$/.exec(rest) ?? []
      if (user !== undefined && path !== undefined) otherAccounts.push({ user, path })
    } else if (word === 'log') logLines.push(rest)
    else if (!single.has(word)) single.set(word, rest)
  }
  const text = (name: string): string => single.get(name) ?? ''
  const exists = !single.has('absent')
  const uid = text('uid')
  if ((exists && !/^\d+$/.test(uid)) || text('user') === '') {
    throw new TrustError('remote-shell', 'The host does not say what the account is.')
  }
  const from = text('config-from')
  const clock = readClock(text('clock'))
  const zone = readZone(text('zone'))
  const expires = /^\d{1,6}$/.test(text('expires')) ? Number(text('expires')) : undefined
  return {
    user: text('user'),
    seenBy: text('seen-by'),
    exists,
    uid: exists ? Number(uid) : -1,
    groups: text('groups')
      .split(' ')
      .filter((group) => group !== ''),
    home: text('home'),
    shell: text('shell'),
    client: text('client'),
    configFrom: from === 'sshd' || from === 'file' ? from : 'nowhere',
    configFile: text('config-file'),
    config,
    keyFiles,
    unusedFiles,
    otherAccounts,
    labels,
    ...(single.has('shell-runs') ? { shellRuns: text('shell-runs') === 'yes' } : {}),
    ...(single.has('locked') ? { locked: text('locked') === 'yes' } : {}),
    ...(expires === undefined ? {} : { expires }),
    ...(single.has('dropbear') ? { dropbear: text('dropbear').trim() } : {}),
    ...(single.has('nologin') ? { nologinFile: text('nologin') } : {}),
    ...(single.has('log-from') ? { log: { source: text('log-from'), lines: logLines } } : {}),
    ...(clock === undefined ? {} : { clock }),
    ...(zone === undefined ? {} : { zone }),
  }
}

function readClock(text: string): number | undefined {
  if (!/^\d{14}$/.test(text)) return undefined
  const at = (start: number, length = 2): number => Number(text.slice(start, start + length))
  return Date.UTC(at(0, 4), at(4) - 1, at(6), at(8), at(10), at(12))
}

function readZone(text: string): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d\d)(\d\d)$/.exec(text) ?? []
  if (sign === undefined) return undefined
  return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
}
