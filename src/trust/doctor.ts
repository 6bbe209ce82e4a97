/**
 * Finds out why a login fails, from this side to the other: the client and its agent, the way to the
 * host, its key against the pins, the login itself, and, where one can get in by other means, what
 * sshd sees of the account. Only looks, never mends.
 */
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseAudit, type AuditEntry } from '../agent/audit'
import { systemCode, TrustError, type ErrorCode } from '../errors'
import { sshDirectories } from '../local/home'
import type { Credentials } from '../remote/connect'
import type { AccountFacts, KeyFile, PathFacts } from '../remote/inspect-account'
import { verifyHost, type HostResult } from '../remote/verify-hosts'
import {
  formatAuthorizedKey,
  parseAuthorizedKey,
  parseAuthorizedKeys,
  parseKeyOptions,
  type AuthorizedKey,
  type KeyOption,
} from '../ssh/authorized-keys'
import { kindOfKey, plainKey } from '../ssh/certificate'
import { hostKeyAlgorithms } from '../ssh/key-exchange'
import { formatKnownHostsLine, knownHostsName } from '../ssh/known-hosts'
import { matchPattern } from '../ssh/pattern'
import { pinFingerprint } from '../ssh/pin'
import { displayType, fingerprint, typeOfBlob } from '../ssh/public-key'
import { adviceFor } from './advice'
import { hostName, type HostLine } from './hosts'
import { oneLine } from './report'

export type Check =
  | 'ssh'
  | 'agent'
  | 'name'
  | 'connection'
  | 'server'
  | 'key-exchange'
  | 'host-key'
  | 'known-hosts'
  | 'login'
  | 'inspection'
  | 'clock'
  | 'sshd-config'
  | 'authorized-keys'
  | 'key-options'
  | 'modes'

export interface Finding {
  /** `unknown`: it could not be found out. */
  status: 'ok' | 'warning' | 'problem' | 'unknown'
  check: Check
  /** What the job calls the host; absent for this machine. */
  host?: string
  finding: string
  /** What to do. */
  hint?: string
}

type Status = Finding['status']

export interface DoctorOptions {
  hosts: readonly HostLine[]
  env: NodeJS.ProcessEnv
  /** To look at accounts with, besides the agent's keys. */
  credentials?: Credentials
  /** The agent's audit; the one beside its socket if left out. */
  auditFile?: string
  /** For each step of each host, in milliseconds. */
  timeout: number
}

interface AgentKey {
  /** Wire format; the key inside where it is a certificate. */
  blob: Buffer
  comment: string
}

/** What is known of this side. */
interface ThisSide extends Omit<DoctorOptions, 'hosts'> {
  hasSsh: boolean
  keys: readonly AgentKey[]
}

function told(status: Status, check: Check, finding: string, hint?: string): Finding {
  return { status, check, finding, ...(hint === undefined ? {} : { hint }) }
}

/** All findings, in the order in which they were made: first this machine, then host by host. */
export async function diagnose({ hosts, ...options }: DoctorOptions): Promise<Finding[]> {
  const client = await examineClient(options)
  const agent = client.hasSsh ? await examineAgent(options) : { findings: [], keys: [] }
  const findings = [...client.findings, ...agent.findings]
  const side: ThisSide = { ...options, hasSsh: client.hasSsh, keys: agent.keys }
  // One after another: the audit tells no host apart that is refused before it has proven itself.
  for (const line of hosts) {
    const found = await examineHost(line, side)
    findings.push(...found.map((finding) => ({ ...finding, host: hostName(line) })))
  }
  return findings
}

interface Ran {
  /** Undefined where it was ended for taking too long. */
  code: number | undefined
  stdout: string
  stderr: string
}

/** Runs one of OpenSSH's programs, without anything on standard input; undefined if there is none. */
async function runSsh(
  program: string,
  args: readonly string[],
  { env, timeout }: Pick<DoctorOptions, 'env' | 'timeout'>,
): Promise<Ran | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { env: { ...env, LC_ALL: 'C' }, timeout, maxBuffer: 8 * 1024 * 1024, windowsHide: true },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code
        if (systemCode(error) === 'ENOENT') resolve(undefined)
        else if (typeof code === 'number' || error?.killed === true) {
          resolve({ code: typeof code === 'number' ? code : undefined, stdout, stderr })
        } else reject(error ?? new Error(program))
      },
    )
    child.stdin?.end()
  })
}

async function examineClient(
  options: Omit<DoctorOptions, 'hosts'>,
): Promise<{ findings: Finding[]; hasSsh: boolean }> {
  const ran = await runSsh('ssh', ['-V'], options)
  if (ran === undefined) {
    const hint = 'Install OpenSSH’s client (package openssh-client or openssh-clients).'
    return { findings: [told('problem', 'ssh', 'There is no ssh on PATH.', hint)], hasSsh: false }
  }
  return { findings: [judgeVersion(oneLine(ran.stderr.trim()))], hasSsh: true }
}

/** @param version as `ssh -V` prints it */
export function judgeVersion(version: string): Finding {
  const [software, major, minor] =
    /OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)[^\s,]*/.exec(version) ?? []
  if (software === undefined) {
    const what = `The ssh on PATH is not OpenSSH’s: ${version}.`
    return told('warning', 'ssh', what, 'An agent with a policy signs for OpenSSH alone.')
  }
  if (Number(major) * 1000 + Number(minor) >= 8009) return told('ok', 'ssh', software)
  return told(
    'warning',
    'ssh',
    `${software} does not tell agents which host a login is for.`,
    'An agent with a policy refuses it (unbound). OpenSSH does since 8.9.',
  )
}

async function examineAgent(
  options: Omit<DoctorOptions, 'hosts'>,
): Promise<{ findings: Finding[]; keys: AgentKey[] }> {
  const socket = options.env['SSH_AUTH_SOCK'] ?? ''
  const none = (finding: string, hint: string): { findings: Finding[]; keys: AgentKey[] } => ({
    findings: [told('problem', 'agent', finding, hint)],
    keys: [],
  })
  if (socket === '') {
    return none(
      'No agent: SSH_AUTH_SOCK is not set.',
      'sudo and containers drop it. In a job, run after the action; elsewhere: eval "$(ssh-trust agent)" and ssh-add.',
    )
  }
  if (process.platform !== 'win32' && !existsSync(socket)) {
    const gone =
      'That agent has ended, or this is another container. Start one, or run this where it is.'
    return none(`No agent: SSH_AUTH_SOCK names ${oneLine(socket)}, and there is nothing.`, gone)
  }
  const ran = await runSsh('ssh-add', ['-L'], options)
  if (ran === undefined) return none('There is no ssh-add on PATH.', 'Install openssh-client.')
  if (ran.code === 0) {
    const keys = readAgentKeys(ran.stdout)
    const names = keys.map(describe).join(', ')
    return { findings: [told('ok', 'agent', `The agent holds ${names}.`)], keys }
  }
  if (ran.code === 1) {
    return none(
      'The agent holds no key, or shows none.',
      'Add one with ssh-add. It may also be locked (ssh-add -X), or its lifetime is over.',
    )
  }
  const said = ran.code === undefined ? 'it takes too long' : oneLine(ran.stderr.trim())
  return none(
    `The agent at ${oneLine(socket)} does not answer: ${said}.`,
    'It has ended or hangs, or belongs to another user. Start another.',
  )
}

/** The keys that `ssh-add -L` prints, each once. */
export function readAgentKeys(text: string): AgentKey[] {
  const keys: AgentKey[] = []
  for (const line of text.split('\n')) {
    const key = parseAuthorizedKey(Buffer.from(line))
    if (key === undefined) continue
    const blob = withoutCertificate(key.blob)
    if (!keys.some((other) => other.blob.equals(blob))) keys.push({ blob, comment: key.comment })
  }
  return keys
}

/** Agents may hold keys that this project does not know: those stay as they are. */
function withoutCertificate(blob: Buffer): Buffer {
  try {
    return plainKey(blob)
  } catch {
    return blob
  }
}

function describe({ blob, comment }: AgentKey): string {
  return oneLine(`${describeBlob(blob)} ${comment}`.trim())
}

function describeBlob(blob: Buffer): string {
  return `${displayType(typeOfBlob(blob))} ${fingerprint(plainKey(blob))}`
}

async function examineHost(line: HostLine, side: ThisSide): Promise<Finding[]> {
  const findings: Finding[] = []
  if (isIP(line.host) === 0) {
    const name = await examineName(line.host)
    findings.push(name)
    if (name.status === 'problem') return findings
  }
  const result = await verifyHost(line, side.timeout)
  findings.push(...judgeServer(line, result))
  findings.push(...(await examineKnownHosts(line, result, side)))
  if (result.status !== 'ok') return findings
  const user = line.user ?? (await settingsOf(line, side)).get('user') ?? ''
  const { hostKey } = result
  const login = side.hasSsh && side.keys.length > 0 ? await tryLogin(line, user, result, side) : []
  findings.push(...login)
  const inside = await examineAccount(line, user, hostKey, side)
  // A login that works outweighs what should prevent it: Debian's sshd lets a user's own group write,
  // and keys may come from AuthorizedKeysCommand.
  const works = login.some(({ status }) => status !== 'problem')
  findings.push(...(works ? inside.map(asWarning) : inside))
  if (side.credentials === undefined && login.some(({ status }) => status === 'problem')) {
    findings.push(
      told(
        'unknown',
        'inspection',
        'Nothing was looked at on the server.',
        'Where another login as this user works, give it with --key FILE or --password-env NAME.',
      ),
    )
  }
  return findings
}

function asWarning(finding: Finding): Finding {
  return finding.status === 'problem' ? { ...finding, status: 'warning' } : finding
}

async function examineName(host: string): Promise<Finding> {
  try {
    const addresses = await lookup(host, { all: true })
    return told('ok', 'name', `${host} is ${addresses.map(({ address }) => address).join(', ')}.`)
  } catch (error) {
    return systemCode(error) === 'EAI_AGAIN'
      ? told(
          'problem',
          'name',
          `The name server does not answer for ${host}.`,
          'Check the network, then try again.',
        )
      : told(
          'problem',
          'name',
          `There is no host ${host}.`,
          'Check the spelling; a name of a private network needs that network here.',
        )
  }
}

/** How far the way went, where it did not go to the end. */
const STAGES: Partial<Record<ErrorCode, Check>> = {
  'host-not-found': 'name',
  'host-refused': 'connection',
  'host-unreachable': 'connection',
  'host-timeout': 'connection',
  'host-closed': 'server',
  'host-not-ssh': 'server',
  'host-protocol': 'server',
}

/** What holding the server against its pins says, in findings. */
export function judgeServer(line: HostLine, result: HostResult): Finding[] {
  const where = `port ${line.port} of ${line.host}`
  const reached = told('ok', 'connection', `Something listens at ${where}.`)
  if (result.status === 'unreachable') {
    const { code, message, hint } = result.error
    const check = STAGES[code] ?? 'key-exchange'
    const problem = told('problem', check, `${where}: ${message}`, hint)
    if (check === 'connection' || check === 'name') return [problem]
    const server = told('ok', 'server', 'It is an SSH server.')
    return check === 'server' ? [reached, problem] : [reached, server, problem]
  }
  const before = [reached, told('ok', 'key-exchange', 'It is an SSH server, and has proven a key.')]
  if (result.status === 'ok') {
    const key = describeBlob(result.hostKey)
    return [...before, told('ok', 'host-key', `${key} is pinned on ${line.position}.`)]
  }
  const offered = result.offered.map(describeBlob).join(', ')
  if (result.status === 'revoked') {
    const finding = `The server holds ${offered}, which ${line.position} marks @revoked.`
    const hint = 'Somebody else may hold that key. Do not log in; find out who answers there.'
    return [...before, told('problem', 'host-key', finding, hint)]
  }
  const pinned = line.pins.filter(({ kind }) => kind !== 'revoked').map(pinFingerprint)
  const defect = result.defect === undefined ? '' : ` Its certificate: ${result.defect}.`
  return [
    ...before,
    told(
      'problem',
      'host-key',
      `The server holds ${offered}, and ${line.position} pins ${pinned.join(', ')}.${defect}`,
      'On the server itself, run: for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done. If it prints that key, change the pin. If not, somebody is in between: do not go on.',
    ),
  ]
}

/** A line of a known_hosts file that is about some host. */
export interface KnownHost {
  file: string
  lineNumber: number
  marker?: string
  blob: Buffer
}

/** The lines for `name` (as `knownHostsName` gives it): plain, with patterns, or hashed. */
export function findKnownHosts(file: string, text: string, name: string): KnownHost[] {
  return text.split('\n').flatMap((line, index): KnownHost[] => {
    const [, marker, names = '', key = ''] =
      /^\s*(?:@(\S+)\s+)?([^#@\s]\S*)\s+(\S+\s+\S+)/.exec(line) ?? []
    const parsed = key === '' ? undefined : parseAuthorizedKey(Buffer.from(key))
    if (parsed === undefined || !isNamed(names, name)) return []
    return [
      {
        file,
        lineNumber: index + 1,
        blob: parsed.blob,
        ...(marker === undefined ? {} : { marker }),
      },
    ]
  })
}

function isNamed(names: string, name: string): boolean {
  // HashKnownHosts: |1|salt|HMAC-SHA1 of the name, both in base64.
  const [, salt, hash] = /^\|1\|([^|]+)\|([^|]+)$/.exec(names) ?? []
  if (salt !== undefined && hash !== undefined) {
    const ours = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
    return ours.equals(Buffer.from(hash, 'base64'))
  }
  const patterns = names.toLowerCase().split(',')
  const matches = (pattern: string): boolean => matchPattern(name, pattern)
  if (patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))) return false
  return patterns.some(matches)
}

/** What ssh makes of its own configuration for this host (`ssh -G`). */
async function settingsOf(line: HostLine, side: ThisSide): Promise<Map<string, string>> {
  const args = ['-G', '-p', String(line.port), '--', hostName(line)]
  const ran = side.hasSsh ? await runSsh('ssh', args, side) : undefined
  const lines = ran?.code === 0 ? ran.stdout.split('\n') : []
  return new Map(
    lines.map((text) => {
      const [, keyword = '', value = ''] = /^(\S+) (.*?)\r?$/.exec(text) ?? []
      return [keyword, value]
    }),
  )
}

async function examineKnownHosts(
  line: HostLine,
  result: HostResult,
  side: ThisSide,
): Promise<Finding[]> {
  if (result.status === 'unreachable') return []
  const settings = await settingsOf(line, side)
  const [ssh = ''] = homeSsh()
  const files = ['userknownhostsfile', 'globalknownhostsfile'].flatMap((keyword) =>
    (settings.get(keyword) ?? '').split(' ').filter((file) => file !== ''),
  )
  const name = knownHostsName(line.host, line.port)
  const lines = files.flatMap((file) => {
    const path = file.replace(/^~\/\.ssh(?=\/)/, () => ssh)
    return findKnownHosts(path, readIfThere(path), name)
  })
  return judgeKnownHosts(line, result, lines)
}

function homeSsh(): string[] {
  try {
    return sshDirectories()
  } catch {
    return []
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Which lines of ssh's own known_hosts files are stale. */
export function judgeKnownHosts(
  line: HostLine,
  result: Exclude<HostResult, { status: 'unreachable' }>,
  lines: readonly KnownHost[],
): Finding[] {
  const held = result.status === 'ok' ? [result.hostKey] : result.offered
  const isHeld = ({ blob }: KnownHost): boolean =>
    held.some((key) => withoutCertificate(key).equals(blob))
  const at = ({ file, lineNumber }: KnownHost): string => `${file}:${lineNumber}`
  const revoked = lines.filter((known) => known.marker === 'revoked' && isHeld(known))
  const plain = lines.filter(({ marker }) => marker === undefined)
  const fresh =
    plain.find(isHeld) ??
    lines.find(
      ({ marker, blob }) =>
        marker === 'cert-authority' &&
        result.status === 'ok' &&
        result.pin.kind === 'cert-authority' &&
        result.pin.key.blob.equals(blob),
    )
  const findings = revoked.map((known) =>
    told(
      'problem',
      'known-hosts',
      `${at(known)} marks the server’s key @revoked.`,
      result.status === 'ok'
        ? `The pin on ${line.position} says otherwise: find out which is right.`
        : 'Do not log in; find out who answers there.',
    ),
  )
  if (fresh !== undefined && result.status === 'changed') {
    findings.push(
      told(
        'warning',
        'known-hosts',
        `${at(fresh)} on this machine has the key that the server holds: the pin on ${line.position} is the stale side.`,
        'Confirm the key on the server, then change the pin.',
      ),
    )
  }
  // ssh asks for the types that it knows: a line with the right key is enough for it.
  if (fresh !== undefined) return findings
  const name = knownHostsName(line.host, line.port)
  // Of keys of another type nothing is known: the server was not asked to prove them.
  const types = held.map((key) => typeOfBlob(withoutCertificate(key)))
  const stale = plain.filter(({ blob }) => types.includes(typeOfBlob(blob)))
  const pinToo = result.status === 'changed' ? `, as is the pin on ${line.position}` : ''
  return [
    ...findings,
    ...stale.map((known) =>
      told(
        'problem',
        'known-hosts',
        `${at(known)} on this machine is stale${pinToo}: it has ${describeOther(known.blob)}, which the server does not show.`,
        result.status === 'ok'
          ? `ssh-keygen -f '${known.file}' -R '${name}'`
          : `Once the new key is confirmed on the server: ssh-keygen -f '${known.file}' -R '${name}'`,
      ),
    ),
  ]
}

function describeOther(blob: Buffer): string {
  return `${displayType(typeOfBlob(blob))} ${fingerprint(blob)}`
}

/** What `ssh -v` told of a login. */
export interface LoginTrace {
  authenticated: boolean
  /** Fingerprints, in their order. */
  offered: string[]
  /** Those that the server would take. */
  accepted: string[]
  /** Methods that the server offers; absent where it did not come to that. */
  methods?: string[]
  /** Whether a key was taken and the server wants more. */
  partial: boolean
  /** Whether the agent would not sign. */
  agentRefused: boolean
  tooMany: boolean
  /** The last that ssh itself said, without what is for debugging. */
  last: string
}

/** Reads the standard error of `ssh -v`. */
export function readTrace(stderr: string): LoginTrace {
  const lines = stderr.split(/\r?\n/)
  const keys = (pattern: RegExp): string[] =>
    lines.flatMap((line) => {
      const [, key] = pattern.exec(line) ?? []
      return key === undefined ? [] : [key]
    })
  const list = keys(/^debug1: Authentications that can continue: (.*)$/)[0]
  const plain = lines.filter(
    (line) => line !== '' && !/^(debug\d:|OpenSSH_|Transferred:|Bytes per)/.test(line),
  )
  return {
    authenticated: lines.some((line) =>
      /^(debug1: )?(Authenticated to |Authentication succeeded)/.test(line),
    ),
    offered: keys(/^debug1: Offering public key: .*(SHA256:\S+)/),
    accepted: keys(/^debug1: Server accepts key: .*(SHA256:\S+)/),
    partial: lines.some((line) =>
      /^(debug1: )?Authenticated using "publickey" with partial success/.test(line),
    ),
    agentRefused: lines.some((line) => /signing failed for .*agent refused operation/.test(line)),
    tooMany: lines.some((line) => /Too many authentication failures/.test(line)),
    last: oneLine(plain.at(-1) ?? ''),
    ...(list === undefined ? {} : { methods: list.split(',') }),
  }
}

/** Logs in as ssh does, with the agent's keys alone and the proven host key, and runs `true`. */
async function tryLogin(
  line: HostLine,
  user: string,
  { hostKey, pin }: Extract<HostResult, { status: 'ok' }>,
  side: ThisSide,
): Promise<Finding[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ssh-trust-doctor-'))
  try {
    const name = knownHostsName(line.host, line.port)
    const knownHosts = join(directory, 'known_hosts')
    writeFileSync(
      knownHosts,
      pin.kind === 'cert-authority'
        ? formatKnownHostsLine([name], pin.key.blob, '@cert-authority')
        : formatKnownHostsLine([name], hostKey),
    )
    const { type, certified } = kindOfKey(hostKey)
    const options = [
      `UserKnownHostsFile="${knownHosts}"`,
      `GlobalKnownHostsFile="${join(directory, 'none')}"`,
      'StrictHostKeyChecking=yes',
      'UpdateHostKeys=no',
      `HostKeyAlgorithms=${hostKeyAlgorithms(type, certified).join(',')}`,
      'BatchMode=yes',
      'PreferredAuthentications=publickey',
      'IdentityFile=none',
      'ForwardAgent=no',
      `ConnectTimeout=${Math.ceil(side.timeout / 1000)}`,
    ]
    const args = ['-v', '-T', '-F', 'none', '-p', String(line.port), '-l', user]
    const audit = side.auditFile ?? join(dirname(side.env['SSH_AUTH_SOCK'] ?? ''), 'audit.jsonl')
    const before = readIfThere(audit).length
    const ran = await runSsh(
      'ssh',
      [...args, ...options.flatMap((option) => ['-o', option]), '--', line.host, 'true'],
      { env: side.env, timeout: 2 * side.timeout },
    )
    const { entries } = parseAudit(readIfThere(audit).slice(before))
    const refusal = entries.findLast(({ verdict }) => verdict === 'refused')
    return [judgeLogin(user, line, readTrace(ran?.stderr ?? ''), ran?.code, refusal)]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/**
 * @param code of ssh; undefined if it took too long
 * @param refusal what the agent's audit says, where there is one
 */
export function judgeLogin(
  user: string,
  line: HostLine,
  trace: LoginTrace,
  code: number | undefined,
  refusal?: AuditEntry,
): Finding {
  const as = `${user}@${line.host}`
  const problem = (finding: string, hint?: string): Finding =>
    told('problem', 'login', finding, hint)
  if (trace.authenticated) {
    const key = trace.accepted.at(-1) ?? 'a key'
    if (code === 0) return told('ok', 'login', `Login as ${as} with ${key}.`)
    const how = code === undefined ? 'does not come to an end' : `exits with ${code}`
    const finding = `The login as ${as} works with ${key}, and the command true ${how}: ${trace.last}`
    const hint =
      'The key may be for one command only (command=), or the account have a shell that refuses: getent passwd USER on the server.'
    return told(
      /nologin|not available/i.test(trace.last) ? 'problem' : 'warning',
      'login',
      finding,
      hint,
    )
  }
  const { methods } = trace
  if (methods !== undefined && !methods.includes('publickey')) {
    return problem(
      `The server takes no keys from ${as}, only ${oneLine(methods.join(', '))}.`,
      'Set PubkeyAuthentication yes in sshd_config on the server (and see AuthenticationMethods), then reload sshd.',
    )
  }
  if (trace.tooMany) {
    return problem(
      `Too many authentication failures: the server stopped after ${trace.offered.length} keys.`,
      `Say which key is for this host: key=SHA256:… on ${line.position}; or have fewer keys in the agent.`,
    )
  }
  if (trace.agentRefused) {
    const why = refusal === undefined ? '' : `: ${refusal.reason}${inBrackets(refusal.detail)}`
    const hint =
      refusal === undefined
        ? 'The audit of the agent says why (post step, --audit FILE). It may also ask for a confirmation (ssh-add -c).'
        : adviceFor(refusal)
    return problem(`The server knows the key, and the agent refuses to sign for ${as}${why}.`, hint)
  }
  if (trace.partial) {
    return problem(
      `The server took the key for ${as}, and wants more.`,
      'AuthenticationMethods in sshd_config names what; in a job only a key can be given.',
    )
  }
  if (methods !== undefined && trace.offered.length === 0) {
    const why = refusal === undefined ? '' : ` (${refusal.reason})`
    return problem(
      `The agent shows no key for this host${why}.`,
      (refusal === undefined ? undefined : adviceFor(refusal)) ??
        'A policy, key= of the host’s line, or destinations (ssh-add -h) keep it back.',
    )
  }
  if (methods !== undefined && code !== undefined) {
    return problem(
      `The server refuses ${trace.offered.length === 1 ? 'the key' : `all ${trace.offered.length} keys`} for ${as}: ${trace.offered.join(', ')}. It offers ${oneLine(methods.join(', '))}.`,
      'In this order: is it the right user; is the key in its authorized_keys; can others write to the home, ~/.ssh or the file; do options on its line (from=, expiry-time=) or AllowUsers, DenyUsers, PermitRootLogin in sshd_config keep it out; is the account locked.',
    )
  }
  const why = code === undefined ? 'it takes too long' : trace.last
  return told('problem', 'login', `ssh can’t log in as ${as}: ${why}`, 'ssh -vv says more.')
}

function inBrackets(text: string | undefined): string {
  return text === undefined ? '' : ` (${oneLine(text)})`
}

/** Logs in by other means, if there are any, and looks at the account from inside. */
async function examineAccount(
  line: HostLine,
  user: string,
  hostKey: Buffer,
  { credentials, keys, timeout }: ThisSide,
): Promise<Finding[]> {
  if (credentials === undefined) return []
  const { connectTo } = await import('../remote/connect') // ssh2 takes long to load
  const { inspectAccount } = await import('../remote/inspect-account')
  try {
    const { host, port } = line
    const client = await connectTo({ host, port, user, hostKey, credentials, timeout })
    try {
      return judgeAccount(await inspectAccount(client), keys, Date.now())
    } finally {
      client.end()
    }
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    const { code, message, hint } = error
    if (code === 'remote-shell') return [told('problem', 'inspection', message, hint)]
    const other = credentials.kind === 'password' ? 'password' : 'key of --key'
    const refused = `The ${other} was not accepted either. Then it is often not the key: wrong user, AllowUsers, DenyUsers or PermitRootLogin in sshd_config, or the account is locked. The log of sshd on the server says which.`
    return [
      told(
        'unknown',
        'inspection',
        `The account can’t be looked at: ${message}`,
        code === 'login-refused' ? refused : hint,
      ),
    ]
  }
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
  const { user, home, shell } = facts
  return [
    told('ok', 'inspection', `Inside as ${user}: home ${home}, shell ${shell}.`),
    judgeClock(facts, now),
    ...judgeConfig(facts),
    ...judgeKeys(facts, keys, now),
  ]
}

/** Seconds that clocks may differ. */
const CLOCK_TOLERANCE = 60

function judgeClock({ clock }: AccountFacts, now: number): Finding {
  if (clock === undefined) return told('unknown', 'clock', 'The server does not tell its time.')
  const off = Math.round((clock - now) / 1000)
  if (Math.abs(off) <= CLOCK_TOLERANCE) return told('ok', 'clock', 'The clocks agree.')
  return told(
    'warning',
    'clock',
    `The server’s clock is ${Math.abs(off)} s ${off < 0 ? 'behind' : 'ahead'}.`,
    'Keys and certificates expire by the server’s clock: have it set by NTP.',
  )
}

/** The values of a keyword; those of AllowUsers and the like add up. */
function setting({ config }: AccountFacts, keyword: string): string[] {
  return (config.get(keyword) ?? []).flatMap((value) => value.split(/\s+/))
}

function judgeConfig(facts: AccountFacts): Finding[] {
  const { user, configFile: file, configFrom } = facts
  const findings: Finding[] = []
  const problem = (finding: string, hint: string): void => {
    findings.push(told('problem', 'sshd-config', finding, `${hint} Then reload sshd.`))
  }
  const [pubkey] = setting(facts, 'pubkeyauthentication')
  if (pubkey?.toLowerCase() === 'no') {
    problem('PubkeyAuthentication is no.', `Set it to yes in ${file}.`)
  }
  const allowed = setting(facts, 'allowusers')
  if (allowed.length > 0 && !allowed.some((pattern) => isUser(pattern, facts))) {
    problem(`AllowUsers leaves out ${user}: ${allowed.join(' ')}.`, `Add ${user} to it in ${file}.`)
  }
  if (setting(facts, 'denyusers').some((pattern) => isUser(pattern, facts))) {
    problem(`DenyUsers names ${user}.`, `Take it out in ${file}.`)
  }
  const [root] = setting(facts, 'permitrootlogin')
  if (facts.uid === 0 && (root === 'no' || root === 'forced-commands-only')) {
    problem(
      `PermitRootLogin is ${root}.`,
      `Log in as another user, or set it to prohibit-password in ${file}.`,
    )
  }
  const methods = setting(facts, 'authenticationmethods')
  if (methods.length > 0 && !methods.some((list) => list === 'any' || list === 'publickey')) {
    problem(
      `AuthenticationMethods wants more than a key: ${methods.join(' ')}.`,
      `Add publickey to it in ${file}.`,
    )
  }
  if (findings.length > 0) return findings
  if (configFrom === 'sshd')
    return [told('ok', 'sshd-config', `${file} lets ${user} in with keys.`)]
  const part =
    configFrom === 'file'
      ? 'is known in part only (Match and Include are left out)'
      : 'can not be read'
  return [
    told(
      'unknown',
      'sshd-config',
      `${file} ${part}.`,
      `As root on the server: sshd -T -C user=${user}`,
    ),
  ]
}

/** USER or USER@HOST, with patterns. */
function isUser(pattern: string, { user, client }: AccountFacts): boolean {
  const [name = '', host] = pattern.split(/@(?=[^@]*$)/, 2)
  return matchPattern(user, name) && (host === undefined || fromMatches(host, client) === 'yes')
}

interface FoundKey {
  key: AgentKey
  file: KeyFile
  line: AuthorizedKey
}

function judgeKeys(facts: AccountFacts, keys: readonly AgentKey[], now: number): Finding[] {
  const paths = facts.keyFiles.map(({ path }) => path).join(' or ')
  const found = facts.keyFiles.flatMap((file) =>
    parseAuthorizedKeys(file.content ?? Buffer.alloc(0)).flatMap((line): FoundKey[] => {
      const key = keys.find(({ blob }) => blob.equals(line.blob))
      return key === undefined ? [] : [{ key, file, line }]
    }),
  )
  if (keys.length === 0) {
    return [
      told('unknown', 'authorized-keys', 'There is no key to look for.', 'Have it in the agent.'),
    ]
  }
  if (found.length > 0) {
    const reports = found.map((one) => judgeKeyLine(one, facts, now))
    // sshd takes the first line that lets the key in.
    const good = reports.find((findings) => findings.every(({ status }) => status !== 'problem'))
    return good ?? reports.flat()
  }
  const unreadable = facts.keyFiles.filter(
    ({ content, missing }) => content === undefined && !missing,
  )
  if (unreadable.length > 0) {
    const names = unreadable.map(({ path }) => path).join(', ')
    return [
      told('unknown', 'authorized-keys', `${names} can’t be read by the account, or is too large.`),
    ]
  }
  const [key] = keys
  const add = key === undefined ? '' : lineFor(key)
  const missing = facts.keyFiles.every((file) => file.missing) ? ' There is no such file.' : ''
  return [
    told(
      'problem',
      'authorized-keys',
      `None of the agent’s keys is in ${paths === '' ? 'any file (AuthorizedKeysFile none)' : paths}.${missing}`,
      `Add the public key to it: ${add}`,
    ),
    ...facts.keyFiles.flatMap((file) => judgeModes(file, facts).filter(isProblem)),
  ]
}

function isProblem({ status }: Finding): boolean {
  return status === 'problem'
}

function lineFor({ blob, comment }: AgentKey): string {
  return formatAuthorizedKey({ blob, comment: oneLine(comment) })
}

function judgeKeyLine({ key, file, line }: FoundKey, facts: AccountFacts, now: number): Finding[] {
  const at = `${file.path}:${line.lineNumber}`
  const there = told('ok', 'authorized-keys', `${describe(key)} is at ${at}.`)
  return [there, ...judgeOptions(line, at, facts, now), ...judgeModes(file, facts)]
}

function judgeOptions(
  line: AuthorizedKey,
  at: string,
  { client, zone }: AccountFacts,
  now: number,
): Finding[] {
  if (line.options.length === 0) return []
  const problem = (finding: string, hint: string): Finding =>
    told('problem', 'key-options', finding, hint)
  let options: KeyOption[]
  try {
    options = parseKeyOptions(line.options.join(','))
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return [
      problem(
        `sshd may not understand the options at ${at}: ${oneLine(error.message)}`,
        'Correct that line: sshd skips it as it is.',
      ),
    ]
  }
  const findings = options.flatMap(({ name, value = '' }): Finding[] => {
    switch (name.toLowerCase()) {
      case 'expiry-time': {
        const end = expiryOf(value, zone ?? 0)
        if (end > now) return []
        return [
          problem(
            `The key at ${at} has expired: expiry-time="${value}".`,
            'Replace the line by one without it, or with a later time.',
          ),
        ]
      }
      case 'from': {
        const answer = fromMatches(value, client)
        if (answer === 'yes') return []
        const finding = `from="${oneLine(value)}" at ${at} leaves this client out, which the server sees as ${client}.`
        const hint = `Add ${client} to it, or connect from an address that it has.`
        return answer === 'no'
          ? [problem(finding, hint)]
          : [
              told(
                'unknown',
                'key-options',
                `from="${oneLine(value)}" at ${at} goes by host names, and this client is ${client}.`,
                `Such names count with UseDNS yes only. ${hint}`,
              ),
            ]
      }
      case 'command':
        return [
          told(
            'warning',
            'key-options',
            `The key at ${at} runs one command only: ${oneLine(value)}`,
            'Use another key for other commands.',
          ),
        ]
      case 'cert-authority':
        return [
          problem(
            `The key at ${at} is there as an authority (cert-authority), not as a key.`,
            'Add a line for the key without that option.',
          ),
        ]
      case 'restrict':
        return [
          told(
            'ok',
            'key-options',
            `The key at ${at} gets no terminal and no forwarding (restrict).`,
          ),
        ]
      default:
        return []
    }
  })
  return findings
}

/**
 * @param offset the server's zone, minutes east of UTC: that is what a time without Z is in
 * @returns milliseconds since 1970
 */
export function expiryOf(text: string, offset: number): number {
  const digits = text.replace(/\D/g, '').padEnd(14, '0')
  const at = (start: number, length = 2): number => Number(digits.slice(start, start + length))
  const utc = Date.UTC(at(0, 4), at(4) - 1, at(6), at(8), at(10), at(12))
  return /(Z|UTC)$/i.test(text) ? utc : utc - offset * 60_000
}

/**
 * Whether a pattern list of sshd(8), from=, has `address`; `unknown` where that hangs on host names.
 */
export function fromMatches(list: string, address: string): 'yes' | 'no' | 'unknown' {
  let answer: 'yes' | 'no' | 'unknown' = 'no'
  for (const item of list.split(',')) {
    const pattern = item.replace(/^!/, '')
    const byAddress = /^[0-9a-fA-F.:*?/]+$/.test(pattern)
    const matches = pattern.includes('/')
      ? inNetwork(pattern, address)
      : matchPattern(address.toLowerCase(), pattern.toLowerCase())
    if (matches && item.startsWith('!')) return 'no'
    if (matches) answer = 'yes'
    else if (!byAddress && answer === 'no' && !item.startsWith('!')) answer = 'unknown'
  }
  return answer
}

function inNetwork(network: string, address: string): boolean {
  const [base = '', length = ''] = network.split('/', 2)
  const family = (ip: string): 'ipv4' | 'ipv6' => (isIP(ip) === 6 ? 'ipv6' : 'ipv4')
  if (isIP(base) === 0 || isIP(address) !== isIP(base)) return false
  try {
    const block = new BlockList()
    block.addSubnet(base, Number(length), family(base))
    return block.check(address, family(address))
  } catch {
    return false
  }
}

/** StrictModes of sshd_config(5), for the file and all directories up to the home. */
function judgeModes(file: KeyFile, facts: AccountFacts): Finding[] {
  const [strict] = setting(facts, 'strictmodes')
  const bad = file.chain.flatMap((path) => judgePath(path, facts))
  if (bad.length === 0) {
    return [
      told(
        'ok',
        'modes',
        `Only ${facts.user} and root can write to ${file.path} and what is above it.`,
      ),
    ]
  }
  if (strict?.toLowerCase() !== 'no') return bad
  return bad.map(({ finding, hint }) =>
    told('warning', 'modes', `${finding} sshd does not mind, as StrictModes is no.`, hint),
  )
}

function judgePath({ path, mode, owner }: PathFacts, { uid, user }: AccountFacts): Finding[] {
  if (owner !== 0 && owner !== uid) {
    const finding = `${path} belongs to the user with the id ${owner}: sshd ignores the keys.`
    return [told('problem', 'modes', finding, `As root on the server: chown ${user} '${path}'`)]
  }
  if (mode.charAt(5) !== 'w' && mode.charAt(8) !== 'w') return []
  const finding = `Others can write to ${path} (${mode}): sshd ignores the keys.`
  return [told('problem', 'modes', finding, `On the server: chmod go-w '${path}'`)]
}

const COLOURS: Record<Status, number> = { ok: 32, warning: 33, problem: 31, unknown: 36 }

/** The findings as aligned text; hints stand below what they are about. */
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
      const hint = one.hint === undefined ? '' : `${indent}→ ${oneLine(one.hint)}\n`
      return `${shown}  ${where}${one.check.padEnd(check)}  ${oneLine(one.finding)}\n${hint}`
    })
    .join('')
}

/** For whoever asks whether all is well. */
export function hasProblem(findings: readonly Finding[]): boolean {
  return findings.some(isProblem)
}
