/**
 * The job's key into authorized_keys of the hosts that ask for it (what ssh-copy-id does), with an
 * expiry; proven by a login with that key. Taking it out again is in revocation.ts.
 */
import type { AgentAddress } from '../agent/control'
import { combine, explain, TrustError } from '../errors'
import type { Journal } from '../local/journal'
import type { Connection, Credentials } from '../remote/connect'
import { eachOf } from '../remote/each-of'
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

/** Why lines were not let in. Their credentials are not told again: each failed login counts there. */
const refusals = new WeakMap<HostLine, TrustError>()

/** @returns the error of a bootstrap whose login was refused */
export function refusalAt(line: HostLine): TrustError | undefined {
  return refusals.get(line)
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
      if (error.code === 'login-refused') refusals.set(host.line, about)
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
    const held = await announced.proven(ANNOUNCEMENT)
    const warnings = revokedKeys(line, held)
    for (const report of warnings.length === 0 ? [] : reports) {
      report.notes.push(...warnings)
      report.warnings = warnings
    }
    return { reports, coming: comingKeys({ line, result }, held) }
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

/** Those of `held` that the line says to be revoked, in words: the server may yet come to use them. */
function revokedKeys(line: HostLine, held: readonly Buffer[]): string[] {
  const now = Date.now() / 1000
  return held
    .filter((key) => judgeHostKey(line.pins, line.host, key, now).verdict === 'revoked')
    .map((key) => {
      const name = `${displayType(typeOfBlob(key))} ${fingerprint(key)}`
      return `${hostName(line)} still holds the host key ${name}, which is pinned as revoked. Remove it on the server.`
    })
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
): Promise<{ client: Connection; used: Credentials | undefined }> {
  const { connectTo } = await import('../remote/connect') // ssh2 takes long to load
  const errors: TrustError[] = []
  let untried = [...credentials]
  let used: Credentials | undefined
  const onTry = (one: Credentials): void => {
    used = one
    untried = untried.slice(untried.indexOf(one) + 1)
  }
  for (;;) {
    const before = untried.length
    try {
      const client = await connectTo({ ...destination, credentials: untried, onTry })
      return { client, used }
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      errors.push(error)
      // A server that takes few tries (MaxAuthTries) has not seen all of them in one connection.
      const refused = ['login-refused', 'login-method-absent'].includes(error.code)
      if (!refused || untried.length === 0 || untried.length === before) throw combine(errors)
    }
  }
}

async function grant(
  client: Connection,
  line: HostLine,
  destination: Destination,
  { keys, config, journal }: BootstrapJob,
): Promise<{ reports: GrantReport[]; granted: Granted[] }> {
  const { editAuthorizedKeys } = await import('../remote/authorized-keys')
  const expiry = await expiryFor(client, hostName(line), config)
  const options = [...config.options, ...(expiry.option === undefined ? [] : [expiry.option])]
  const lines = keys.map((key) => ({
    key,
    text: formatAuthorizedKey({ options, blob: key.blob, comment: key.comment }),
  }))
  const present = new Set<JobKey>()
  let granted: Granted[] = []
  const where = {
    user: destination.user,
    ...(line.path === undefined ? {} : { path: line.path }),
  }
  const edited = await editAuthorizedKeys(client, where, (content, missing) => {
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
        // A run that is killed leaves none of it either.
        created: [...missing],
        ...(line.path === undefined ? {} : { path: line.path }),
        ...(newlineMended === undefined ? {} : { newlineMended }),
        ...(expiry.at === undefined ? {} : { expires: expiry.at.toISOString() }),
      })
    }
    for (const effect of granted) journal.append(effect)
    return granted.length === 0 ? undefined : changed
  })
  granted = granted.map((one) => ({ ...one, written: true }))
  for (const effect of granted) journal.append(effect)
  const notes = [...edited.mends, ...edited.warnings, ...expiry.notes]
  const reports = keys.map((key): GrantReport => ({
    ...identity(line, key.blob),
    status: present.has(key) ? 'present' : 'added',
    file: edited.path,
    notes: [...notes],
    ...(present.has(key)
      ? {}
      : { expires: expiry.at === undefined ? 'never' : expiry.at.toISOString() }),
  }))
  return { reports, granted }
}
