/**
 * Trust from host to host: what the relations of the `trust` input ask for is observed, planned, told,
 * and done, from the job's own logins to the accounts; each relation is proven by a login from its
 * source to its target. What fails half-way is taken back at once, what ends with the job in teardown.
 */
import type { AgentAddress } from '../agent/control'
import { combine, explain, TrustError } from '../errors'
import type { Journal } from '../local/journal'
import type { Connection, Credentials } from '../remote/connect'
import { plainKey } from '../ssh/certificate'
import {
  addAuthorizedKey,
  formatAuthorizedKey,
  parseAuthorizedKeys,
  removeKeys,
  type AuthorizedKey,
} from '../ssh/authorized-keys'
import { formatKnownHostsLine, knownHostsName } from '../ssh/known-hosts'
import { fingerprint } from '../ssh/public-key'
import type { JobKey } from './bootstrap'
import { readTrustLifetime } from './bootstrap-config'
import { expiryFor } from './expiry'
import { hostName, type HostLine } from './hosts'
import { undoOver, type HostTrustEffect } from './host-trust-undo'
import { logInWithJobKey, type Destination } from './job-login'
import type { Proven } from './proven-hosts'
import {
  planRelations,
  renderPlan,
  trustRows,
  type AccountFacts,
  type AuthorizedLine,
  type HostKey,
  type KnownHost,
  type MeasuredLogin,
  type RelationFacts,
  type SourceKey,
  type Step,
} from './relation-plan'
import {
  formatAccount,
  formatRelation,
  parseRelations,
  type Account,
  type Relation,
} from './relations'
import type { GrantReport, HostTrustReport } from './report'
import { removeGranted, type Granted } from './revocation'

/** Accounts that are logged in to at a time. */
const AT_ONCE = 16

/** The inputs that are for it. */
export interface HostTrust {
  relations: readonly Relation[]
  /** Seconds until the lines in authorized_keys expire; absent: never. */
  lifetime?: number
  /** Whether a server that knows no expiry is an error. */
  expiryRequired: boolean
  /** `never`: what is made stays after the job, for as long as it lives. */
  revoke: 'auto' | 'never'
}

/** Inputs as texts; empty or absent stands for not given. */
export interface HostTrustInputs {
  trust?: string
  dryRun?: string
}

/** Relations and how long they last. Those inputs are also bootstrap's, which tells what is wrong with them. */
export function readHostTrust(
  inputs: HostTrustInputs & { trustLifetime: string; trustExpiry: string; revoke: string },
  hosts: readonly HostLine[],
  errors: TrustError[],
): HostTrust | undefined {
  const { trust = '', trustLifetime, trustExpiry, revoke } = inputs
  if (trust.trim() === '') return undefined
  const accounts = hosts.map((line): Account => ({
    name: hostName(line),
    ...(line.user === undefined ? {} : { user: line.user }),
  }))
  const { relations, errors: wrong } = parseRelations(trust, accounts)
  errors.push(...wrong)
  if (errors.length > 0) return undefined
  return {
    relations,
    ...readTrustLifetime(trustLifetime),
    expiryRequired: trustExpiry !== 'optional',
    revoke: revoke === 'never' ? 'never' : 'auto',
  }
}

export interface HostTrustJob {
  keys: readonly JobKey[]
  config: Omit<HostTrust, 'relations'>
  journal: Journal
  agent: AgentAddress
  /** For each login, in milliseconds. */
  timeout: number
  /** Whether to stop at the plan. */
  dryRun: boolean
  /** What else may log in, where the job's key is not there yet: for a dry run, which bootstraps nothing. */
  credentials?: ReadonlyMap<HostLine, readonly Credentials[]>
  /** The plan, a line at a time, before anything is done. */
  say: (line: string) => void
}

/** What was written into authorized_keys goes to the other grants. */
export interface EstablishedTrust extends HostTrustReport {
  grants: GrantReport[]
}

/** An account that we are logged in to. */
interface OpenAccount {
  account: Account
  label: string
  line: HostLine
  destination: Destination
  client: Connection
  /** That logged in; none in a dry run by other means. */
  key: Buffer | undefined
}

/** Latest records of what was done. */
type Made = Granted | HostTrustEffect

interface Work {
  accounts: ReadonlyMap<string, OpenAccount>
  job: HostTrustJob
  made: Made[]
  /** Keys that were made, by account and path. */
  keys: Map<string, Buffer>
  grants: GrantReport[]
  measured: MeasuredLogin[]
}

/**
 * @returns the plan, and where it was carried out the table of measured logins
 * @throws TrustError; what was done until then has been taken back, or is left to teardown
 */
export async function establishTrust(
  relations: readonly Relation[],
  proven: readonly Proven[],
  job: HostTrustJob,
): Promise<EstablishedTrust> {
  const accounts = await openAccounts(relations, proven, job)
  try {
    const facts = await observe(relations, accounts, proven)
    const plan = planRelations(relations, facts)
    if (plan.errors.length > 0) throw combine(plan.errors)
    const lines = [...renderPlan(plan), ending(job)]
    for (const line of lines) job.say(line)
    const report = { plan: lines, dryRun: job.dryRun }
    if (job.dryRun) return { ...report, table: [], grants: [] }

    const work: Work = {
      accounts,
      job,
      made: [],
      keys: new Map(),
      grants: [],
      measured: [],
    }
    try {
      for (const step of plan.steps) await take(step, work)
      for (const { relation, steps } of plan.relations) {
        if (!relation.remove && steps.length === 0) await measureTrusted(relation, facts, work)
      }
    } catch (error) {
      await takeBack(work)
      throw error
    }
    settle(work)
    return { ...report, table: trustRows(work.measured), grants: work.grants }
  } finally {
    for (const { client } of accounts.values()) client.end()
  }
}

/** How long the trust lasts, in so many words. */
function ending({ config: { lifetime, revoke }, dryRun }: HostTrustJob): string {
  if (dryRun) return 'dry-run: nothing was done on the hosts'
  if (lifetime === undefined) {
    return 'this trust is permanent (trust-lifetime: forever): post takes nothing of it back; the same lines with a minus in front take it away'
  }
  if (revoke === 'never') {
    return 'this trust outlives the job (revoke: never): the new lines of authorized_keys expire, keys and known_hosts stay'
  }
  return 'this trust ends with the job: post takes back all that is made here, and the new lines of authorized_keys expire'
}

function opened(accounts: ReadonlyMap<string, OpenAccount>, account: Account): OpenAccount {
  const found = accounts.get(formatAccount(account))
  if (found === undefined) throw new Error(`${formatAccount(account)} was not opened`)
  return found
}

/** Logs in to every source and target, some at a time. */
async function openAccounts(
  relations: readonly Relation[],
  proven: readonly Proven[],
  job: HostTrustJob,
): Promise<Map<string, OpenAccount>> {
  const wanted = new Map<string, { account: Account; position: string }>()
  for (const { source, target, position } of relations) {
    for (const account of [source, target]) {
      const label = formatAccount(account)
      if (!wanted.has(label)) wanted.set(label, { account, position })
    }
  }
  const accounts = new Map<string, OpenAccount>()
  const errors: TrustError[] = []
  const queue = [...wanted.values()].values()
  const worker = async (): Promise<void> => {
    for (const { account, position } of queue) {
      try {
        accounts.set(formatAccount(account), await open(account, proven, job))
      } catch (error) {
        if (!(error instanceof TrustError)) throw error
        errors.push(aboutAccount(account, position, error))
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    if (errors.length > 0) throw combine(errors)
    return accounts
  } catch (error) {
    for (const { client } of accounts.values()) client.end()
    throw error
  }
}

function aboutAccount(account: Account, position: string, error: TrustError): TrustError {
  const { code, message, hint = '' } = error
  const told = `${formatAccount(account)}: ${message}`
  const more =
    code === 'login-refused'
      ? 'The job looks at the hosts of trust with its own key: it has to be in authorized_keys there, or bootstrap has to be on the line in hosts.'
      : ''
  const hints = `${hint} ${more}`.trim()
  return new TrustError(code, told, {
    input: position,
    cause: error,
    ...(hints === '' ? {} : { hint: hints }),
  })
}

async function open(
  account: Account,
  proven: readonly Proven[],
  job: HostTrustJob,
): Promise<OpenAccount> {
  const { user } = account
  const { line, result } = provenLine(account, proven)
  if (user === undefined) {
    throw new TrustError('input-invalid', 'Whose account it is has to be said.', {
      hint: `Write user@ before ${account.name}, here or in hosts.`,
    })
  }
  const { host, port } = line
  const destination = { host, port, user, hostKey: result.hostKey, timeout: job.timeout }
  const base = { account, label: formatAccount(account), line, destination }
  const errors: TrustError[] = []
  for (const { blob } of job.keys.filter((key) => mayBeUsed(line, key))) {
    try {
      return { ...base, client: await logInWithJobKey(destination, blob, job.agent), key: blob }
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      errors.push(error)
      if (error.code !== 'login-refused') throw error
    }
  }
  const others = job.dryRun && line.user === user ? (job.credentials?.get(line) ?? []) : []
  for (const credentials of others) {
    const { connectTo } = await import('../remote/connect') // ssh2 takes long to load
    try {
      return { ...base, client: await connectTo({ ...destination, credentials }), key: undefined }
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      errors.push(error)
    }
  }
  if (errors.length > 0) throw combine(errors)
  throw new TrustError('login-refused', 'The job has no key for it.')
}

function mayBeUsed({ keys }: HostLine, { blob, comment }: JobKey): boolean {
  return keys === undefined || keys.includes(comment) || keys.includes(fingerprint(blob))
}

/** The line of `hosts` for an account: that of its user, or else any of the host's. */
function provenLine({ name, user }: Account, proven: readonly Proven[]): Proven {
  const lines = proven.filter(({ line }) => hostName(line) === name)
  const found = lines.find(({ line }) => line.user === user) ?? lines[0]
  if (found === undefined) throw new Error(`${name} is none of the proven hosts`)
  return found
}

/** AuthorizedKeysFile of the account, where its line says so. */
function pathOf({ line, account }: OpenAccount): string | undefined {
  return line.user === account.user ? line.path : undefined
}

async function observe(
  relations: readonly Relation[],
  accounts: ReadonlyMap<string, OpenAccount>,
  proven: readonly Proven[],
): Promise<RelationFacts> {
  const hostKeys = new Map(
    relations.map(({ target }) => [target.name, hostKeyOf(provenLine(target, proven))]),
  )
  const observed = await Promise.all(
    [...accounts.values()].map(async (one): Promise<[string, AccountFacts]> => {
      try {
        return [one.label, await observeAccount(one, relations, hostKeys, accounts)]
      } catch (error) {
        if (!(error instanceof TrustError)) throw error
        throw aboutAccount(one.account, 'trust', error)
      }
    }),
  )
  return { accounts: new Map(observed), hostKeys }
}

function hostKeyOf({ result: { pin, hostKey } }: Proven): HostKey {
  return pin.kind === 'cert-authority'
    ? { key: pin.key.blob, marker: '@cert-authority' }
    : { key: plainKey(hostKey) }
}

/** A source is asked for its keys and known_hosts, a target for its authorized_keys. */
async function observeAccount(
  one: OpenAccount,
  relations: readonly Relation[],
  hostKeys: ReadonlyMap<string, HostKey>,
  accounts: ReadonlyMap<string, OpenAccount>,
): Promise<AccountFacts> {
  const { KNOWN_HOSTS, knownHostState, listKeys, readAccountFile } =
    await import('../remote/account')
  const { client, destination, label } = one
  const { user } = destination
  const targets = relations.filter(({ source }) => formatAccount(source) === label)
  const isTarget = relations.some(({ target }) => formatAccount(target) === label)
  const authorized = isTarget
    ? parseAuthorizedKeys(await readAccountFile(client, user, pathOf(one))).map(authorizedLine)
    : []
  if (targets.length === 0) return { keys: [], knownHosts: new Map(), authorized }

  const { keys, address } = await listKeys(client)
  const content = await readAccountFile(client, user, KNOWN_HOSTS)
  const knownHosts = new Map<string, KnownHost>()
  for (const { target } of targets) {
    const hostKey = hostKeys.get(target.name)
    const { host, port } = opened(accounts, target).line
    const state =
      hostKey === undefined
        ? undefined
        : knownHostState(content, knownHostsName(host, port), hostKey)
    if (state !== undefined) knownHosts.set(target.name, state)
  }
  return {
    keys,
    knownHosts,
    authorized,
    ...(address === undefined || address === '' ? {} : { addresses: [address] }),
  }
}

function authorizedLine({ blob, options }: AuthorizedKey): AuthorizedLine {
  const from = options
    .map((option) => /^from="(.*)"$/i.exec(option)?.[1])
    .find((patterns) => patterns !== undefined)
  return { publicKey: blob, ...(from === undefined ? {} : { from: from.split(',') }) }
}

async function take(step: Step, work: Work): Promise<void> {
  try {
    switch (step.kind) {
      case 'generate-key':
        await makeKey(step, work)
        return
      case 'authorize':
        await authorize(step, work)
        return
      case 'add-known-host':
        await knowHost(step, [], work)
        return
      case 'replace-known-host':
        await knowHost(step, step.stale, work)
        return
      case 'prove':
        await prove(step, step.key.path, work)
        return
      case 'deauthorize':
        await deauthorize(step, work)
        return
      case 'prove-refused':
        await proveRefused(step, work)
        return
      case 'remove-known-host':
        throw new Error('no line of known_hosts is removed without being asked for')
    }
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    const { code, message, hint } = error
    throw new TrustError(code, `${formatRelation(step)}: ${message}`, {
      input: step.position,
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

/** Until all is proven, all is to be undone, however long it may stay then. */
function inAccount({
  label,
  destination,
  key,
}: OpenAccount): Pick<Made, 'target' | 'host' | 'port' | 'user' | 'hostKey' | 'key' | 'revoke'> {
  if (key === undefined) throw new Error('only a dry run logs in without a key of the job')
  const { host, port, user, hostKey } = destination
  return {
    target: label,
    host,
    port,
    user,
    hostKey: hostKey.toString('base64'),
    key: key.toString('base64'),
    revoke: true,
  }
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>

async function makeKey(step: StepOf<'generate-key'>, work: Work): Promise<void> {
  const { generateKey, missingFiles } = await import('../remote/account')
  const source = opened(work.accounts, step.source)
  const missing = await missingFiles(source.client, 'known_hosts')
  const comment = `ssh-trust:${work.job.journal.id}:${source.label}`
  const effect: HostTrustEffect = {
    ...inAccount(source),
    kind: 'remote-file',
    path: step.path,
    comment,
    madeDirectory: missing.some((one) => one.endsWith('/.ssh')),
  }
  work.job.journal.append(effect)
  work.made.push(effect)
  const publicKey = await generateKey(source.client, step.path, step.keyType, comment)
  work.keys.set(`${source.label} ${step.path}`, publicKey)
}

function publicKeyOf({ path, publicKey }: SourceKey, source: Account, work: Work): Buffer {
  const key = publicKey ?? work.keys.get(`${formatAccount(source)} ${path}`)
  if (key === undefined) throw new Error(`the key ${path} was not made`)
  return key
}

async function authorize(step: StepOf<'authorize'>, work: Work): Promise<void> {
  const { editAuthorizedKeys } = await import('../remote/authorized-keys')
  const { missingFiles } = await import('../remote/account')
  const { job } = work
  const target = opened(work.accounts, step.target)
  const blob = publicKeyOf(step.key, step.source, work)
  const expiry = await expiryFor(target.client, target.account.name, job.config)
  const from = step.from === undefined ? [] : [{ name: 'from', value: step.from.join(',') }]
  const options = [...from, ...(expiry.option === undefined ? [] : [expiry.option])]
  const line = formatAuthorizedKey({ options, blob, comment: formatAccount(step.source) })
  const path = pathOf(target)
  const place = { user: target.destination.user, ...(path === undefined ? {} : { path }) }
  const generated = step.key.publicKey === undefined
  const created = path === undefined ? await missingFiles(target.client, 'authorized_keys') : []
  let effect: Granted | undefined
  const edited = await editAuthorizedKeys(target.client, place, (content) => {
    effect = undefined
    const addition = addAuthorizedKey(content, line)
    if (addition.status === 'present') return undefined
    const { newlineMended } = addition
    effect = {
      ...inAccount(target),
      kind: 'authorized-key',
      line,
      generated,
      created,
      ...(path === undefined ? {} : { path }),
      ...(newlineMended === undefined ? {} : { newlineMended }),
      ...(expiry.at === undefined ? {} : { expires: expiry.at.toISOString() }),
    }
    job.journal.append(effect)
    return addition.content
  })
  if (effect !== undefined) {
    work.made.push(effect)
    effect.created = edited.created
    job.journal.append(effect)
  }
  work.grants.push({
    host: target.account.name,
    user: target.destination.user,
    key: fingerprint(blob),
    status: effect === undefined ? 'present' : 'added',
    file: edited.path,
    ...(effect === undefined ? {} : { expires: effect.expires ?? 'never' }),
    notes: [...edited.mends, ...edited.warnings, ...expiry.notes],
  })
}

async function knowHost(
  step: StepOf<'add-known-host' | 'replace-known-host'>,
  stale: readonly string[],
  work: Work,
): Promise<void> {
  const { addKnownHost, KNOWN_HOSTS, markOf, missingFiles } = await import('../remote/account')
  const { editAuthorizedKeys } = await import('../remote/authorized-keys')
  const { job } = work
  const source = opened(work.accounts, step.source)
  const { host, port } = opened(work.accounts, step.target).line
  const name = knownHostsName(host, port)
  const line = `${knownHostLine(step.hostKey, name)} ${markOf(job.journal.id)}`
  const created = await missingFiles(source.client, 'known_hosts')
  let effect: Extract<HostTrustEffect, { kind: 'known-host' }> | undefined
  const edited = await editAuthorizedKeys(
    source.client,
    { user: source.destination.user, path: KNOWN_HOSTS, mend: false },
    (found) => {
      const { content, ...change } = addKnownHost(found, name, line, stale)
      effect = { ...inAccount(source), kind: 'known-host', line, created, ...change }
      job.journal.append(effect)
      return content
    },
  )
  if (effect === undefined) return
  work.made.push(effect)
  effect.created = edited.created
  job.journal.append(effect)
}

function knownHostLine({ key, marker }: HostKey, name: string): string {
  return formatKnownHostsLine([name], key, marker).trimEnd()
}

async function prove(
  { source, target }: Pick<Relation, 'source' | 'target'>,
  path: string,
  work: Work,
): Promise<void> {
  const { works, words } = await tryLogin(source, target, path, undefined, work)
  work.measured.push({ source, target, works })
  if (works) return
  const message = `The login from ${formatAccount(source)} to ${formatAccount(target)} does not work: ${words}`
  throw new TrustError('bootstrap-unproven', message, {
    hint: 'Can the source reach the target by that name and port? Does from= name the address that the target sees? Is the line in authorized_keys expired, or does sshd read another file? The log of sshd on the target says.',
  })
}

async function tryLogin(
  source: Account,
  target: Account,
  path: string,
  knownHost: string | undefined,
  { accounts, job }: Work,
): Promise<{ works: boolean; refused: boolean; words: string }> {
  const { logInFrom } = await import('../remote/account')
  const { host, port, user } = opened(accounts, target).destination
  const { timeout } = job
  return logInFrom(opened(accounts, source).client, {
    path,
    host,
    port,
    user,
    timeout,
    ...(knownHost === undefined ? {} : { knownHost }),
  })
}

/** Nothing was to be done for it; that it works is measured all the same. */
async function measureTrusted(relation: Relation, facts: RelationFacts, work: Work): Promise<void> {
  const { source, target, keyType, position } = relation
  const listed = facts.accounts.get(formatAccount(target))?.authorized ?? []
  const usable = (facts.accounts.get(formatAccount(source))?.keys ?? []).filter(
    ({ publicKey, encrypted }) =>
      encrypted !== true && publicKey?.subarray(4).toString('latin1').startsWith(keyType.type),
  )
  const key = usable.find(({ publicKey }) =>
    listed.some((line) => publicKey !== undefined && line.publicKey.equals(publicKey)),
  )
  if (key === undefined) throw new Error('an account is trusted by a key that it has')
  try {
    await prove(relation, key.path, work)
  } catch (error) {
    throw error instanceof TrustError ? error.about(position) : error
  }
}

/** What is taken away stays away, also where a later step fails: no record is for putting it back. */
async function deauthorize(step: StepOf<'deauthorize'>, work: Work): Promise<void> {
  const { editAuthorizedKeys } = await import('../remote/authorized-keys')
  const target = opened(work.accounts, step.target)
  const path = pathOf(target)
  const place = {
    user: target.destination.user,
    mend: false,
    ...(path === undefined ? {} : { path }),
  }
  await editAuthorizedKeys(target.client, place, (content) => {
    const { content: rest, removed } = removeKeys(content, [{ kind: 'key', blob: step.publicKey }])
    return removed.length === 0 ? undefined : rest
  })
}

async function proveRefused(step: StepOf<'prove-refused'>, work: Work): Promise<void> {
  const { source, target } = step
  const { host, port } = opened(work.accounts, target).line
  const line = knownHostLine(step.hostKey, knownHostsName(host, port))
  for (const { path } of step.keys) {
    const { works, refused, words } = await tryLogin(source, target, path, line, work)
    work.measured.push({ source, target, works })
    if (!works && refused) continue
    const message = works
      ? `The login from ${formatAccount(source)} to ${formatAccount(target)} still works, though the key was taken out.`
      : `That ${formatAccount(target)} refuses the key could not be proven: ${words}`
    throw new TrustError('bootstrap-unproven', message, {
      hint: 'Does sshd read another file too (AuthorizedKeysFile, AuthorizedKeysCommand)?',
    })
  }
}

/** Undoes what this run did, over the connections that are there; what fails is left to teardown. */
async function takeBack({ made, accounts, job }: Work): Promise<void> {
  for (const effect of made.toReversed()) {
    const client = accounts.get(effect.target)?.client
    if (client === undefined) continue
    try {
      if (effect.kind === 'authorized-key') await removeGranted(client, effect)
      else await undoOver(client, effect)
      job.journal.append({ ...effect, undone: true })
    } catch (error) {
      job.say(`could not take back ${effect.kind} ${effect.target} yet: ${explain(error)}`)
    }
  }
}

/** All is proven: from now on what was made stays as long as it was asked for. */
function settle({ made, job: { config, journal } }: Work): void {
  const revoke = config.lifetime !== undefined && config.revoke !== 'never'
  for (const effect of made) {
    // The rows that gave way were stale: they come back only if the run fails.
    journal.append(
      effect.kind === 'known-host' ? { ...effect, revoke, replaced: [] } : { ...effect, revoke },
    )
  }
}
