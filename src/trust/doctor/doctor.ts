/**
 * Finds out why a login fails, from this side to the other: the client and its agent, the way to the
 * host, its key against the pins, the login itself, and, where one can get in by other means, what
 * sshd sees of the account. Only looks, never mends.
 */
import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { eachOf } from '../../remote/each-of'
import { verifyHost, type HostResult } from '../../remote/verify-hosts'
import { examineAccount, type LookInside } from './account'
import { examineAgent, examineClient } from './client'
import {
  judgeClientConfig,
  judgePrompts,
  NO_SETTINGS,
  readClientSettings,
  type ClientSettings,
} from './client-config'
import { isProblem, told, type Finding } from './finding'
import { examineName, judgeServer } from './host'
import { examineKnownHosts } from './known-hosts'
import { auditOf, tryLogin } from './login'
import { hostName, type HostLine } from '../hosts'

export { formatFindings, hasProblem, type Finding } from './finding'

/** Hosts at once. */
const MAX_AT_ONCE = 8

export interface DoctorOptions extends Omit<LookInside, 'keys'> {
  hosts: readonly HostLine[]
  env: NodeJS.ProcessEnv
  /** The agent's audit; the one beside its socket if left out. */
  auditFile?: string
  /** For each step of each host, in milliseconds. */
  timeout: number
  /** Whether somebody is there to answer what ssh may ask; nobody if left out. */
  canPrompt?: boolean
}

/** What is known of this side. */
interface ThisSide extends Omit<DoctorOptions, 'hosts'>, LookInside {
  hasSsh: boolean
  /** Has logins wait for one another where they must. */
  loginInTurn: InTurn
}

type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>

/** All findings: first this machine, then host by host, in their order. */
export async function diagnose({ hosts, ...options }: DoctorOptions): Promise<Finding[]> {
  const client = await examineClient(options)
  const agent = client.hasSsh ? await examineAgent(options) : { findings: [], keys: [] }
  // The audit tells no host apart that is refused before it has proven itself.
  const audited = existsSync(auditOf(options.env, options.auditFile))
  const side: ThisSide = {
    ...options,
    hasSsh: client.hasSsh,
    keys: agent.keys,
    loginInTurn: audited ? inTurn() : async (work) => work(),
  }
  const found = await examineHosts(hosts, side)
  return [...client.findings, ...agent.findings, ...found]
}

/** Runs what it is given one after another. */
function inTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return async (work) => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
}

/** Several at once, but lines for one host name one after another: sshd counts connections. */
async function examineHosts(hosts: readonly HostLine[], side: ThisSide): Promise<Finding[]> {
  const byName = new Map<string, HostLine[]>()
  for (const line of hosts) {
    const name = line.host.toLowerCase()
    byName.set(name, [...(byName.get(name) ?? []), line])
  }
  const results = new Map<HostLine, Finding[]>()
  await eachOf([...byName.values()], MAX_AT_ONCE, async (group) => {
    for (const line of group) results.set(line, await examineHost(line, side))
  })
  return hosts.flatMap((line) =>
    (results.get(line) ?? []).map((finding) => ({ ...finding, host: hostName(line) })),
  )
}

async function examineHost(line: HostLine, side: ThisSide): Promise<Finding[]> {
  const settings = side.hasSsh ? await readClientSettings(line, side) : NO_SETTINGS
  const socket = side.env['SSH_AUTH_SOCK'] ?? ''
  const findings = side.hasSsh ? judgeClientConfig(line, settings, side.keys, socket) : []
  if (isIP(line.host) === 0) {
    const name = await examineName(line.host, side.timeout)
    findings.push(name)
    if (isProblem(name)) return findings
  }
  const result = await verifyHost(line, side.timeout)
  findings.push(...judgeServer(line, result))
  findings.push(...examineKnownHosts(line, result, settings))
  if (result.status !== 'ok') return findings
  return [...findings, ...(await examineLogin(line, result, settings, side))]
}

/** The login, and the account from inside. */
async function examineLogin(
  line: HostLine,
  result: Extract<HostResult, { status: 'ok' }>,
  settings: ClientSettings,
  side: ThisSide,
): Promise<Finding[]> {
  const user = line.user ?? settings.values.get('user')?.[0] ?? ''
  const tries = side.hasSsh && side.keys.length > 0
  const login = tries
    ? await side.loginInTurn(async () => tryLogin(line, user, result, side))
    : undefined
  const inside = await examineAccount(line, user, result.hostKey, side)
  const works = login !== undefined && !isProblem(login)
  const prompts = side.canPrompt === true ? [] : judgePrompts(settings, hostName(line))
  const findings = login === undefined ? [] : [login, ...(works ? [] : prompts)]
  // A login that works outweighs what should prevent it: Debian's sshd lets a user's own group write,
  // keys may come from AuthorizedKeysCommand, and the log has old lines too.
  findings.push(...(works ? inside.map((finding) => asWarning(finding, login)) : inside))
  if (login === undefined || works) return findings
  if (side.credentials === undefined) {
    const hint =
      'Where another login as this user works, give it with --key FILE or --password-env NAME; an administrator’s, with --as NAME too.'
    const finding = 'Nothing was looked at on the server.'
    findings.push(told('unknown', 'inspection', 'inspection-none', finding, { hint }))
  }
  return findings
}

/** A shell that ends every session stays a problem where a command fails. */
function asWarning(finding: Finding, login: Finding): Finding {
  const causes = login.code === 'login-command-fails' && finding.code === 'account-no-shell'
  return isProblem(finding) && !causes ? { ...finding, status: 'warning' } : finding
}
