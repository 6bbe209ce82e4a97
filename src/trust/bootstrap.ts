/**
 * The job's key into authorized_keys of the hosts that ask for it (what ssh-copy-id does), with an
 * expiry; proven by a login with that key. Taking it out again is in revocation.ts.
 */
import type { AgentAddress } from '../agent/control'
import { combine, explain, TrustError } from '../errors'
import type { Journal } from '../local/journal'
import type { Connection, Credentials } from '../remote/connect'
import { addAuthorizedKey, formatAuthorizedKey } from '../ssh/authorized-keys'
import { plainKey } from '../ssh/certificate'
import { judgeHostKey } from '../ssh/pin'
import { displayType, fingerprint, typeOfBlob } from '../ssh/public-key'
import type { Bootstrap } from './bootstrap-config'
import { expiryFor } from './expiry'
import { hostName, type HostLine } from './hosts'
import { logInWithJobKey, type Destination } from './job-login'
import type { Proven } from './proven-hosts'
import type { ComingKey, GrantReport } from './report'
import { removeGranted, type Granted } from './revocation'

/** Hosts that are worked on at a time. */
const AT_ONCE = 16

/** Milliseconds for the announcement of host keys, which comes while the key is added if at all. */
const ANNOUNCEMENT = 500

/** A key of the job that hosts are to take. */
export interface JobKey {
  /** Wire format, plain. */
  blob: Buffer
  comment: string
  generated: boolean
}

export interface BootstrapJob {
  keys: readonly JobKey[]
  config: Bootstrap
  journal: Journal
  agent: AgentAddress
  /** For each login, in milliseconds. */
  timeout: number
}

export interface Bootstrapped {
  /** For each host and key. */
  grants: GrantReport[]
  /** Host keys that were proven after the login and are not pinned on the line. */
  coming: ReadonlyMap<HostLine, readonly ComingKey[]>
}

/** @throws TrustError where a host failed and that is to fail the job; all hosts have been tried then */
export async function bootstrapHosts(
  proven: readonly Proven[],
  job: BootstrapJob,
): Promise<Bootstrapped> {
  const hosts = proven.filter(({ line }) => job.config.credentials.has(line))
  const errors: TrustError[] = []
  const coming = new Map<HostLine, ComingKey[]>()
  const reports = await eachOf(hosts, AT_ONCE, async (host) => {
    try {
      const done = await bootstrapHost(host, job)
      coming.set(host.line, done.coming)
      return done.reports
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      const about = error.about(host.line.position)
      errors.push(about)
      return failures(host.line, keysFor(host.line, job.keys), about)
    }
  })
  if (errors.length > 0 && job.config.onFailure === 'fail') throw combine(errors)
  return { grants: reports.flat(), coming }
}

function failures(line: HostLine, keys: readonly JobKey[], error: TrustError): GrantReport[] {
  return keys.map(({ blob }) => ({
    ...identity(line, blob),
    status: 'failed',
    notes: [],
    error: explain(error),
  }))
}

/** Those that may be used there: `key=` of the line. */
function keysFor({ keys: wanted }: HostLine, keys: readonly JobKey[]): JobKey[] {
  return keys.filter(
    ({ blob, comment }) =>
      wanted === undefined || wanted.includes(comment) || wanted.includes(fingerprint(blob)),
  )
}

function identity(line: HostLine, key: Buffer): Pick<GrantReport, 'host' | 'user' | 'key'> {
  return { host: hostName(line), user: line.user ?? '', key: fingerprint(key) }
}

async function bootstrapHost(
  { line, result }: Proven,
  job: BootstrapJob,
): Promise<{ reports: GrantReport[]; coming: ComingKey[] }> {
  const { listenForAnnouncedKeys } = await import('../remote/announced-keys') // ssh2 takes long to load
  const { config, timeout } = job
  const keys = keysFor(line, job.keys)
  const destination = {
    host: line.host,
    port: line.port,
    user: line.user ?? '',
    hostKey: result.hostKey,
    timeout,
  }
  const { client } = await logInWith(destination, config.credentials.get(line) ?? [])
  const announced = listenForAnnouncedKeys(client)
  try {
    const { reports, granted } = await grant(client, line, destination, { ...job, keys })
    try {
      for (const key of keys) await prove(destination, key, job.agent)
    } catch (error) {
      // What no login proves, no login could take out later.
      for (const one of granted.toReversed()) {
        await removeGranted(client, one)
        job.journal.append({ ...one, undone: true })
      }
      throw error
    }
    return { reports, coming: comingKeys({ line, result }, await announced.proven(ANNOUNCEMENT)) }
  } finally {
    client.end()
  }
}

/** Those of `announced` that say something new: neither pinned, nor told as stale already. */
function comingKeys({ line, result }: Proven, announced: readonly Buffer[]): ComingKey[] {
  // A certified host shows a new key with a certificate, and needs no new pin for it.
  if (result.pin.kind === 'cert-authority') return []
  const told = result.stale.map((key) => fingerprint(plainKey(key)))
  const now = Date.now() / 1000
  return announced
    .filter((key) => judgeHostKey(line.pins, line.host, key, now).verdict === 'changed')
    .map((key) => ({ keyType: displayType(typeOfBlob(key)), fingerprint: fingerprint(key) }))
    .filter((key) => !told.includes(key.fingerprint))
}

async function prove(
  destination: Destination,
  { blob }: JobKey,
  agent: AgentAddress,
): Promise<void> {
  try {
    const proof = await logInWithJobKey(destination, blob, agent)
    proof.end()
  } catch (cause) {
    throw notTaken(destination, cause)
  }
}

function notTaken({ user, host }: Destination, cause: unknown): TrustError {
  const message = `${host} does not let ${user} in with the key that it was just given: ${explain(cause)}`
  return new TrustError('bootstrap-unproven', message, {
    hint: 'Does sshd read another file (AuthorizedKeysFile in sshd_config)? Name it with path= on the line. Does the account, or a Match block, forbid keys? The log of sshd says.',
    cause,
  })
}

/**
 * Logs in with the first of the credentials that is accepted. The caller ends the connection.
 *
 * @throws TrustError as `connectTo`
 */
export async function logInWith(
  destination: Destination,
  credentials: readonly Credentials[],
): Promise<{ client: Connection; used: Credentials }> {
  const { connectTo } = await import('../remote/connect') // ssh2 takes long to load
  const errors: TrustError[] = []
  for (const one of credentials) {
    try {
      return { client: await connectTo({ ...destination, credentials: one }), used: one }
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      errors.push(error)
      if (!['login-refused', 'login-method-absent'].includes(error.code)) break
    }
  }
  throw combine(errors)
}

async function grant(
  client: Connection,
  line: HostLine,
  destination: Destination,
  { keys, config, journal }: BootstrapJob,
): Promise<{ reports: GrantReport[]; granted: Granted[] }> {
  const { editAuthorizedKeys } = await import('../remote/authorized-keys')
  const { missingFiles } = await import('../remote/account')
  const expiry = await expiryFor(client, hostName(line), config)
  const options = [...config.options, ...(expiry.option === undefined ? [] : [expiry.option])]
  const lines = keys.map((key) => ({
    key,
    text: formatAuthorizedKey({ options, blob: key.blob, comment: key.comment }),
  }))
  const present = new Set<JobKey>()
  // What will be made on the way, so that a run that is killed leaves none of it.
  const missing =
    line.path === undefined ? await missingFiles(client, 'authorized_keys').catch(() => []) : []
  let granted: Granted[] = []
  const where = {
    user: destination.user,
    ...(line.path === undefined ? {} : { path: line.path }),
  }
  const edited = await editAuthorizedKeys(client, where, (content) => {
    granted = []
    let changed = content
    for (const { key, text } of lines) {
      const addition = addAuthorizedKey(changed, text)
      if (addition.status === 'present') {
        present.add(key)
        continue
      }
      changed = addition.content
      const { newlineMended } = addition
      granted.push({
        kind: 'authorized-key',
        target: `${destination.user}@${hostName(line)}`,
        host: destination.host,
        port: destination.port,
        user: destination.user,
        hostKey: destination.hostKey.toString('base64'),
        key: key.blob.toString('base64'),
        line: text,
        revoke: config.revoke === 'always' || (config.revoke === 'auto' && key.generated),
        generated: key.generated,
        created: missing,
        ...(line.path === undefined ? {} : { path: line.path }),
        ...(newlineMended === undefined ? {} : { newlineMended }),
        ...(expiry.at === undefined ? {} : { expires: expiry.at.toISOString() }),
      })
    }
    for (const effect of granted) journal.append(effect)
    return granted.length === 0 ? undefined : changed
  })
  // With path=, and over SFTP, it is known only now: the line that goes last takes it away with it.
  const [first] = granted
  if (first !== undefined && edited.created.some((path) => !missing.includes(path))) {
    first.created = edited.created
    journal.append(first)
  }
  const notes = [...edited.mends, ...edited.warnings, ...expiry.notes]
  const reports = keys.map((key): GrantReport => ({
    ...identity(line, key.blob),
    status: present.has(key) ? 'present' : 'added',
    file: edited.path,
    notes,
    ...(present.has(key)
      ? {}
      : { expires: expiry.at === undefined ? 'never' : expiry.at.toISOString() }),
  }))
  return { reports, granted }
}

/** Runs `work` for each, some at a time; the results in the order of `items`. */
export async function eachOf<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const entries = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  return results
}
