/**
 * Trust that was made earlier, taken out of many hosts: the lines of authorized_keys that hold a key,
 * that have a fingerprint, or whose comment matches a pattern. Everything else stays byte for byte.
 */
import { combine, explain, TrustError } from '../errors'
import type { Connection, Credentials } from '../remote/connect'
import { eachOf } from '../remote/each-of'
import { removeKeys, type AuthorizedKey, type KeyMatch } from '../ssh/authorized-keys'
import { logInWith, refusalAt } from './bootstrap'
import type { Bootstrap } from './bootstrap-config'
import { hostName, type HostLine } from './hosts'
import { collectErrors } from './input-values'
import { proveHosts, type Proven } from './proven-hosts'
import { oneLine, type RevocationReport } from './report'

/** Servers that are worked on at a time. */
const AT_ONCE = 16

export interface KeyRevocation {
  matches: readonly KeyMatch[]
  /** What to log in with, by host; the first that is accepted counts. */
  credentials: ReadonlyMap<HostLine, readonly Credentials[]>
  /** Keys that stay though they match, in wire format. */
  keep?: readonly Buffer[]
  /** Whether the key that logs in may go too. */
  includingOwn?: boolean
  /** Tells what would be removed, and writes nothing. */
  dryRun?: boolean
  /** For each host, in milliseconds. */
  timeout: number
}

/**
 * What the command line logs in with: the password of a line's own variable, else what was given for
 * all hosts, else the running agent.
 *
 * @param given `undefined` for the agent of SSH_AUTH_SOCK
 * @throws TrustError of everything that is wrong
 */
export async function revocationCredentials(
  lines: readonly HostLine[],
  given: Credentials | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Map<HostLine, Credentials[]>> {
  const { errors, attempt } = collectErrors()
  for (const line of lines)
    attempt(line.position, () => {
      requireLogin(line, env)
    })
  if (errors.length > 0) throw combine(errors)
  const own = ({ passwordEnv }: HostLine): Credentials | undefined => {
    const password = passwordEnv === undefined ? undefined : env[passwordEnv]
    return password === undefined ? undefined : { kind: 'password', password }
  }
  const needed = lines.some((line) => own(line) === undefined)
  const forAll = needed ? (given ?? (await agentOf(env))) : undefined
  return new Map(lines.map((line) => [line, [own(line) ?? forAll ?? []].flat()]))
}

function requireLogin(line: HostLine, env: Readonly<Record<string, string | undefined>>): void {
  if (line.user === undefined) {
    throw new TrustError('input-invalid', `${hostName(line)} has to say whose account it is.`, {
      hint: 'Write user@ before the host.',
    })
  }
  if (line.passwordEnv !== undefined && (env[line.passwordEnv] ?? '') === '') {
    throw new TrustError('input-invalid', `The variable ${line.passwordEnv} is not set.`)
  }
}

async function agentOf(env: Readonly<Record<string, string | undefined>>): Promise<Credentials> {
  const address = env['SSH_AUTH_SOCK'] ?? ''
  if (address === '') {
    throw new TrustError('input-invalid', 'There is nothing to log in with.', {
      hint: 'Give --password-env or --key-file, or run an agent: SSH_AUTH_SOCK is not set.',
    })
  }
  const { agentCredentials } = await import('../remote/running-agent') // ssh2 takes long to load
  return agentCredentials(address)
}

/** What was done, for a person. */
export function formatRevocations(reports: readonly RevocationReport[], dryRun: boolean): string {
  const lines = reports.flatMap(({ host, user, file = '', removed, kept, error }) => {
    const account = `${user}@${host}`
    if (error !== undefined) return [`✗ ${account}: ${error}`]
    const done = dryRun ? 'would be removed from' : 'removed from'
    return [
      `✓ ${account}: ${removed.length} ${done} ${file}`,
      ...removed.map((line) => `  - ${line}`),
      ...kept.map((line) => `  kept, since it logs in with it (--including-own): ${line}`),
    ]
  })
  return lines.map((line) => `${oneLine(line)}\n`).join('')
}

/**
 * Revokes on hosts that first have to prove their keys.
 *
 * @returns a report for each line, in their order; what failed is told there
 */
export async function revokeOnHosts(
  lines: readonly HostLine[],
  revocation: KeyRevocation,
): Promise<RevocationReport[]> {
  // All pins of a server hold for each of its lines, and one connection at a time is enough for it.
  const servers = new Map<string, HostLine[]>()
  for (const line of lines) {
    const server = `[${line.host.toLowerCase()}]:${line.port}`
    servers.set(server, [...(servers.get(server) ?? []), line])
  }
  const reports = new Map<HostLine, RevocationReport>()
  await eachOf([...servers.values()], AT_ONCE, async (group) => {
    try {
      for (const host of await proveHosts(group, revocation.timeout)) {
        reports.set(host.line, await revokeOnHost(host, revocation))
      }
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      for (const line of group) reports.set(line, failed(line, error))
    }
  })
  return lines.flatMap((line) => reports.get(line) ?? [])
}

/**
 * Revokes what `revoke-keys` says, on the hosts that were bootstrapped.
 *
 * @throws TrustError where a host failed and that is to fail the job; all hosts have been tried then
 */
export async function revokeEarlierTrust(
  proven: readonly Proven[],
  { revokeKeys, credentials, onFailure }: Bootstrap,
  { keep, timeout }: Required<Pick<KeyRevocation, 'keep' | 'timeout'>>,
): Promise<RevocationReport[]> {
  if (revokeKeys.length === 0) return []
  const hosts = proven.filter(({ line }) => credentials.has(line))
  const revocation = { matches: revokeKeys, credentials, keep, timeout }
  const reports = await eachOf(hosts, AT_ONCE, async (host) => {
    const refusal = refusalAt(host.line)
    return refusal === undefined ? revokeOnHost(host, revocation) : failed(host.line, refusal)
  })
  const errors = reports.flatMap(({ error }) => error ?? [])
  if (errors.length > 0 && onFailure === 'fail') {
    const list = errors.map((error) => `\n- ${error}`).join('')
    throw new TrustError('revocation-failed', `There are hosts without revocation:${list}`, {
      input: 'revoke-keys',
    })
  }
  return reports
}

function failed(line: HostLine, error: TrustError): RevocationReport {
  return { ...identity(line), removed: [], kept: [], error: explain(error) }
}

function identity(line: HostLine): Pick<RevocationReport, 'host' | 'user'> {
  return { host: hostName(line), user: line.user ?? '' }
}

async function revokeOnHost(
  { line, result }: Proven,
  revocation: KeyRevocation,
): Promise<RevocationReport> {
  const { host, port, user = '' } = line
  const destination = { host, port, user, hostKey: result.hostKey, timeout: revocation.timeout }
  const signed: Buffer[] = []
  const credentials = (revocation.credentials.get(line) ?? []).map((one) => noting(one, signed))
  try {
    const { client, used } = await logInWith(destination, credentials)
    try {
      const own = used?.kind === 'key' ? [used.key.publicKey] : signed
      const keep = [...(revocation.keep ?? []), ...(revocation.includingOwn === true ? [] : own)]
      return { ...identity(line), ...(await removeFrom(client, line, revocation, keep)) }
    } finally {
      client.end()
    }
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return failed(line, error.about(line.position))
  }
}

/** The same credentials, which note what they sign with: that key is the one that logs in. */
function noting(credentials: Credentials, signed: Buffer[]): Credentials {
  if (credentials.kind !== 'signer') return credentials
  return {
    ...credentials,
    sign: async (key, ...rest) => {
      signed.push(key)
      return credentials.sign(key, ...rest)
    },
  }
}

async function removeFrom(
  client: Connection,
  { user = '', path }: HostLine,
  { matches, dryRun = false }: KeyRevocation,
  keep: readonly Buffer[],
): Promise<Pick<RevocationReport, 'file' | 'removed' | 'kept'>> {
  const { editAuthorizedKeys } = await import('../remote/authorized-keys') // ssh2 takes long to load
  let removal = removeMatching(Buffer.alloc(0), matches, keep)
  const where = { user, mend: false, ...(path === undefined ? {} : { path }) }
  const edited = await editAuthorizedKeys(client, where, (content) => {
    removal = removeMatching(content, matches, keep)
    return dryRun || removal.removed.length === 0 ? undefined : removal.content
  })
  const texts = (keys: readonly AuthorizedKey[]): string[] => keys.map(({ text }) => text.trim())
  return { file: edited.path, removed: texts(removal.removed), kept: texts(removal.kept) }
}

interface MatchingRemoval {
  content: Buffer
  removed: AuthorizedKey[]
  /** They match, and hold a key that is to be kept. */
  kept: AuthorizedKey[]
}

function removeMatching(
  content: Buffer,
  matches: readonly KeyMatch[],
  keep: readonly Buffer[],
): MatchingRemoval {
  const whole = removeKeys(content, matches)
  const ours = removeKeys(
    content,
    keep.map((blob) => ({ kind: 'key', blob })),
  )
  const isOurs = ({ lineNumber }: AuthorizedKey): boolean =>
    ours.removed.some((key) => key.lineNumber === lineNumber)
  const kept = whole.removed.filter(isOurs)
  const removed = whole.removed.filter((key) => !isOurs(key))
  const rest = kept.length === 0 ? whole.content : withoutLines(content, removed)
  return { content: rest, removed, kept }
}

function withoutLines(content: Buffer, keys: readonly AuthorizedKey[]): Buffer {
  const numbers = new Set(keys.map(({ lineNumber }) => lineNumber))
  // As bytes: what is not UTF-8 stays as it is.
  const lines = content.toString('latin1').split(/(?<=\n)/)
  const rest = lines.filter((_, index) => !numbers.has(index + 1))
  return Buffer.from(rest.join(''), 'latin1')
}
