/**
 * From what the `trust` input asks for and what was observed on the hosts to the steps between the
 * two, in words before anything is done; and the table of who can log in where, as measured. Pure:
 * observing and doing are the caller's.
 */
import { isIP } from 'node:net'
import { TrustError } from '../../errors'
import type { KnownHostState, OtherKey } from '../../remote/account-known-hosts'
import type { KeySpec } from '../../ssh/private-key'
import { displayType, fingerprint, rsaBits, typeOfBlob } from '../../ssh/public-key'
import { collectErrors } from '../input-values'
import { admits, sameFrom } from './from'
import {
  formatAccount,
  formatKeySpec,
  formatRelation,
  type Account,
  type Relation,
} from './relations'
import { oneLine } from '../report'

/** A private key file of an account, one that ssh tries by itself. */
export interface KeyFile {
  /** As the account's owner would write it: `~/.ssh/id_ed25519`. */
  path: string
  /** Wire format; absent where it can't be read: then the file only stands in the way. */
  publicKey?: Buffer
  /** Whether it has a passphrase, so that no host can log in with it by itself. */
  encrypted?: boolean
}

/** A line of authorized_keys. */
export interface AuthorizedLine {
  /** Wire format. */
  publicKey: Buffer
  /** The patterns of its from=. */
  from?: readonly string[]
  /** Whether it has a command= of its own, which runs whatever is asked for. */
  command?: boolean
  /** Its expiry-time, where that is still to come. */
  ends?: Date
  /** Why sshd lets nobody in by it, in words that follow `the line`: `expired at …`. */
  dead?: string
}

export interface AccountFacts {
  keys: readonly KeyFile[]
  /** By the name of the host; a host that is not there has no line. */
  knownHosts: ReadonlyMap<string, KnownHostState>
  authorized: readonly AuthorizedLine[]
  /** Addresses that the host logs in from. */
  addresses?: readonly string[]
  /** Why nobody can log in from there: `there is no ssh`. */
  lacks?: string
  /** What its server calls itself: `OpenSSH_9.2p1`. */
  software?: string
}

/** What known_hosts is to say of a host: its pinned and proven key, or the CA that vouches for it. */
export interface HostKey {
  /** Wire format. */
  key: Buffer
  marker?: '@cert-authority'
}

/** What was observed. */
export interface RelationFacts {
  /** By `formatAccount`: every source and every target. */
  accounts: ReadonlyMap<string, AccountFacts>
  /** By the name of the host: every target. */
  hostKeys: ReadonlyMap<string, HostKey>
}

interface StepBase {
  source: Account
  target: Account
  /** One sentence for the printed plan, without the full stop. */
  description: string
  /** Of the relation that it is for: `trust:3`. */
  position: string
}

/** What a source logs in with. `publicKey` is absent where a step before makes the key. */
export interface SourceKey {
  path: string
  publicKey?: Buffer
}

export type Step =
  /** On the source: never over a file. */
  | (StepBase & { kind: 'generate-key'; keyType: KeySpec; path: string })
  /**
   * On the target: one line for the key, with from= where patterns are given; `beside` lines that have
   * the key and don't do, for the reason given.
   */
  | (StepBase & {
      kind: 'authorize'
      key: SourceKey
      from?: readonly string[]
      beside?: string
    })
  /** On the source, for the target. */
  | (StepBase & { kind: 'add-known-host'; hostKey: HostKey })
  /** On the source: the lines for the target go that have one of the `stale` keys. */
  | (StepBase & { kind: 'replace-known-host'; hostKey: HostKey; stale: readonly OtherKey[] })
  /** The source logs in to the target. */
  | (StepBase & { kind: 'prove'; key: SourceKey; hostKey: HostKey })
  /** On the target: the lines of this key. */
  | (StepBase & { kind: 'deauthorize'; publicKey: Buffer })
  /**
   * The target refuses the source's keys. It proves nothing if it fails at the host key: `hostKey` is
   * to be known for it, whatever known_hosts says.
   */
  | (StepBase & { kind: 'prove-refused'; keys: readonly SourceKey[]; hostKey: HostKey })
  /** On the source: our own line for the target. */
  | (StepBase & { kind: 'remove-known-host'; hostKey: HostKey })

/** What is to be done for one relation. */
export interface RelationPlan {
  relation: Relation
  steps: Step[]
  /** Why nothing is to be done, where that is so; or what else to know. */
  note?: string
}

export interface Plan {
  /** In the order written; those with an error are left out. */
  relations: RelationPlan[]
  /** All steps in the order to do them; none while there is an error. */
  steps: Step[]
  /** What must not be done, or can't. */
  errors: TrustError[]
}

export interface PlanOptions {
  /**
   * Whether our own line for the target leaves the source's known_hosts, where no relation needs it.
   * Others on the source may have come to rely on it: hence only when asked for.
   */
  forgetHosts?: boolean
  /** Whether the trust is to be permanent: a line that expires then does not do. */
  permanent?: boolean
}

/** Files that ssh tries by itself, and where new keys go: ssh(1), FILES. */
const KEY_FILES: Record<string, string> = {
  ED25519: '~/.ssh/id_ed25519',
  ECDSA: '~/.ssh/id_ecdsa',
  RSA: '~/.ssh/id_rsa',
}

/** A step as it is thought of for one relation; accounts, position and words are added. */
type NewStep = Step extends infer S ? (S extends Step ? Omit<S, keyof StepBase> : never) : never

/** What the relations before have already seen to. */
interface Progress {
  facts: RelationFacts
  /** Keys to be made, by account and kind. */
  made: Map<string, SourceKey>
  /** Lines of known_hosts to be written or deleted: source and host. */
  knownHosts: Set<string>
  /** Lines of known_hosts that an added relation needs: source and host. */
  neededHosts: Set<string>
  /** The first relation for a key on a target, by account and key. */
  lines: Map<string, Relation>
  /** The lines of authorized_keys by key, of each account that was asked for. */
  authorized: Map<string, Map<string, AuthorizedLine[]>>
  forgetHosts: boolean
  permanent: boolean
}

/**
 * The steps from what was observed to what is asked for. For an added relation: `generate-key`,
 * `authorize`, `add-known-host` or `replace-known-host`, `prove`; for one that is taken away:
 * `deauthorize`, `prove-refused`, `remove-known-host` (last: without it the login would fail at the
 * host key, and prove nothing).
 *
 * @param relations as `parseRelations` gives them: each pair once
 */
export function planRelations(
  relations: readonly Relation[],
  facts: RelationFacts,
  { forgetHosts = false, permanent = false }: PlanOptions = {},
): Plan {
  const added = relations.filter(({ remove }) => !remove)
  const progress: Progress = {
    facts,
    made: new Map(),
    knownHosts: new Set(),
    neededHosts: new Set(added.map(knownHostId)),
    lines: new Map(),
    authorized: new Map(),
    forgetHosts,
    permanent,
  }
  const { errors, attempt } = collectErrors()
  const plans: RelationPlan[] = []
  for (const relation of relations) {
    const plan = attempt(relation.position, () =>
      relation.remove ? planRemoval(relation, progress) : planAddition(relation, progress),
    )
    if (plan !== undefined) plans.push(plan)
  }
  // What is wrong with a source is wrong with each of its relations on the line, and told once.
  const told = [...new Map(errors.map((error) => [error.explain(), error])).values()]
  const steps = told.length > 0 ? [] : plans.flatMap((plan) => plan.steps)
  return { relations: plans, steps, errors: told }
}

function planAddition(relation: Relation, progress: Progress): RelationPlan {
  const hostKey = hostKeyOf(relation, progress)
  requireClient(relation, progress)
  const from = wantedFrom(relation, progress)
  const { key, toMake } = keyToUse(relation, progress)
  const { lines, claimed } = linesFor(relation, key, progress)
  const good = lines.filter((line) => isGood(line, progress))
  const ours = `the key of ${formatAccount(relation.source)}`
  if (from !== undefined && good.some((line) => !sameFrom(line.from, from))) {
    throw new TrustError(
      'input-invalid',
      `${formatAccount(relation.target)} lists ${ours} (${shown(key)}) already, ${tellFrom(good)}; asked for is from=${from.join()}.`,
      { hint: 'Take that trust away first (the same line with a minus), or leave out from.' },
    )
  }
  const changes: NewStep[] = []
  if (toMake) {
    changes.push({ kind: 'generate-key', keyType: relation.keyType, path: key.path })
  }
  if (good.length === 0 && !claimed) {
    changes.push({
      kind: 'authorize',
      key,
      ...(from === undefined ? {} : { from }),
      ...(lines.length === 0 ? {} : { beside: tellUseless(lines) }),
    })
  }
  changes.push(...knownHostSteps(relation, hostKey, progress))
  const limits = good.length === 0 ? '' : tellLimits(relation, good, progress)
  if (changes.length === 0 && good.length > 0 && !willKnowHost(relation, progress)) {
    return { relation, steps: [], note: `already trusted${limits}` }
  }
  changes.push({ kind: 'prove', key, hostKey })
  const steps = changes.map((step) => withWords(step, relation))
  return { relation, steps, ...(limits === '' ? {} : { note: `its key is listed${limits}` }) }
}

/** Nothing can be proven by a login from a host that has no ssh: that is known before anything is done. */
function requireClient({ source }: Relation, progress: Progress): void {
  const { lacks } = factsOf(source, progress)
  if (lacks === undefined) return
  throw new TrustError(
    'input-invalid',
    `${formatAccount(source)} can't log in to any host: ${lacks}.`,
    {
      hint: "Install OpenSSH's client there (openssh-client), or let it be a target only.",
    },
  )
}

/** Whether a line of authorized_keys does what is asked for. */
function isGood({ dead, ends }: AuthorizedLine, { permanent }: Progress): boolean {
  return dead === undefined && !(permanent && ends !== undefined)
}

/** Why lines with the key don't do. */
function tellUseless(lines: readonly AuthorizedLine[]): string {
  const reasons = lines.map(
    ({ dead, ends }) => dead ?? `expires at ${ends === undefined ? '?' : ends.toISOString()}`,
  )
  return oneLine([...new Set(reasons)].join(' and '))
}

/** What limits a login by lines that are there; empty where nothing does. */
function tellLimits(
  relation: Relation,
  lines: readonly AuthorizedLine[],
  progress: Progress,
): string {
  const limits: string[] = []
  if (lines.every(({ from }) => from !== undefined)) {
    if (relation.from === undefined) limits.push(tellFrom(lines))
    const [address] = factsOf(relation.source, progress).addresses ?? []
    const keepsOut = (line: AuthorizedLine): boolean =>
      address !== undefined && admits(line.from ?? [], address) === false
    if (lines.every(keepsOut)) {
      limits.push(
        `which keeps out ${oneLine(address ?? '')}, the address of ${formatAccount(relation.source)}`,
      )
    }
  }
  if (lines.every(({ command }) => command === true)) {
    limits.push('for the command= of its line alone')
  }
  const ends = lines.map((line) => line.ends?.getTime() ?? Infinity)
  const last = Math.max(...ends)
  if (last !== Infinity) limits.push(`until ${new Date(last).toISOString()}`)
  return limits.map((limit) => `, ${limit}`).join('')
}

function planRemoval(relation: Relation, progress: Progress): RelationPlan {
  const hostKey = hostKeyOf(relation, progress)
  const keys = keysOfType(relation, progress)
  const listed = keys.flatMap((key) => {
    const { lines, claimed } = linesFor(relation, key, progress)
    return lines.length === 0 ? [] : [{ key, claimed }]
  })
  const changes: NewStep[] = []
  for (const { key, claimed } of listed) {
    if (!claimed) changes.push({ kind: 'deauthorize', publicKey: key.publicKey })
  }
  if (listed.length > 0) {
    changes.push({ kind: 'prove-refused', keys: listed.map(({ key }) => key), hostKey })
  }
  if (mayForget(relation, progress)) {
    progress.knownHosts.add(knownHostId(relation))
    changes.push({ kind: 'remove-known-host', hostKey })
  }
  const steps = changes.map((step) => withWords(step, relation))
  if (steps.length > 0) return { relation, steps }
  const why =
    keys.length === 0
      ? ` (${formatAccount(relation.source)} has no ${formatKeySpec(relation.keyType).replace(/^rsa-.*/, 'rsa')} key)`
      : ''
  return { relation, steps, note: `not trusted, nothing to take away${why}` }
}

function factsOf(account: Account, { facts }: Progress): AccountFacts {
  const found = facts.accounts.get(formatAccount(account))
  if (found === undefined) throw new Error(`nothing was observed of ${formatAccount(account)}`)
  return found
}

function hostKeyOf({ target }: Relation, { facts }: Progress): HostKey {
  const hostKey = facts.hostKeys.get(target.name)
  if (hostKey === undefined) throw new Error(`there is no host key of ${target.name}`)
  return hostKey
}

/** The patterns for the target's line. */
function wantedFrom(
  { from, source, target }: Relation,
  progress: Progress,
): readonly string[] | undefined {
  if (from !== undefined && /^dropbear/i.test(factsOf(target, progress).software ?? '')) {
    throw new TrustError(
      'input-invalid',
      `${formatAccount(target)} is served by dropbear, which refuses a line with from=.`,
      { hint: 'Leave out from for this host.' },
    )
  }
  if (from !== 'source') return from
  const addresses = factsOf(source, progress).addresses ?? []
  // They come from another machine, and go between quotes into authorized_keys.
  if (addresses.length > 0 && addresses.every((address) => isIP(address) !== 0)) return addresses
  const found = addresses.length === 0 ? 'none was found' : oneLine(addresses.join())
  throw new TrustError(
    'input-invalid',
    `The addresses of ${formatAccount(source)} are not known (${found}), so from can't be written.`,
    { hint: 'Give them: from=192.0.2.7,10.0.0.0/8.' },
  )
}

/** Keys of the wanted type that can be read, the first first. Sizes of RSA keys are not looked at. */
function keysOfType(
  { source, keyType }: Relation,
  progress: Progress,
): (KeyFile & { publicKey: Buffer })[] {
  return factsOf(source, progress).keys.flatMap(({ publicKey, ...file }) =>
    publicKey !== undefined && typeOfBlob(publicKey) === keyType.type
      ? [{ ...file, publicKey }]
      : [],
  )
}

/** The key that the source is to log in with, and whether this relation is the one that makes it. */
function keyToUse(relation: Relation, progress: Progress): { key: SourceKey; toMake: boolean } {
  const { source, target, keyType } = relation
  const candidates = keysOfType(relation, progress)
  const usable = candidates.filter(
    ({ publicKey, encrypted }) => encrypted !== true && isLongEnough(publicKey, keyType),
  )
  const listed = authorizedBy(target, progress)
  const linesOf = ({ publicKey }: { publicKey: Buffer }): AuthorizedLine[] =>
    listed.get(publicKey.toString('base64')) ?? []
  const best =
    usable.find((file) => linesOf(file).some((line) => isGood(line, progress))) ??
    usable.find((file) => linesOf(file).length > 0) ??
    usable[0]
  if (best !== undefined) {
    return { key: { path: best.path, publicKey: best.publicKey }, toMake: false }
  }
  const [unusable] = candidates
  if (unusable !== undefined) throw unusableKey(relation, unusable)

  const kind = displayType(keyType.type)
  const id = `${formatAccount(source)} ${kind}`
  const planned = progress.made.get(id)
  if (planned !== undefined) return { key: planned, toMake: false }
  const path = KEY_FILES[kind] ?? `~/.ssh/id_${kind.toLowerCase()}`
  if (factsOf(source, progress).keys.some((file) => file.path === path)) {
    throw new TrustError(
      'input-invalid',
      `On ${formatAccount(source)} ${path} is no ${formatKeySpec(keyType)} key, and it is not overwritten.`,
      { hint: 'Use key= with the type of that key, or with another type, or move the file away.' },
    )
  }
  const key = { path }
  progress.made.set(id, key)
  return { key, toMake: true }
}

function isLongEnough(publicKey: Buffer, { type, bits = 0 }: KeySpec): boolean {
  return type !== 'ssh-rsa' || rsaBits(publicKey) >= bits
}

function unusableKey(
  { source, keyType }: Relation,
  { path, publicKey, encrypted }: KeyFile & { publicKey: Buffer },
): TrustError {
  const file = `On ${formatAccount(source)} ${oneLine(path)}`
  if (encrypted === true) {
    return new TrustError(
      'key-encrypted',
      `${file} has a passphrase, which nobody there can type.`,
      {
        hint: 'Use key= with another type: a key of its own is then made for this trust.',
      },
    )
  }
  const bits = rsaBits(publicKey)
  return new TrustError(
    'key-too-small',
    `${file} has ${bits} bits; asked for is ${formatKeySpec(keyType)}.`,
    { hint: `It is not overwritten: use key=ed25519, or key=rsa-${bits} to take it as it is.` },
  )
}

function authorizedBy(account: Account, progress: Progress): Map<string, AuthorizedLine[]> {
  const label = formatAccount(account)
  const known = progress.authorized.get(label)
  if (known !== undefined) return known
  const byKey = new Map<string, AuthorizedLine[]>()
  for (const line of factsOf(account, progress).authorized) {
    const id = line.publicKey.toString('base64')
    byKey.set(id, [...(byKey.get(id) ?? []), line])
  }
  progress.authorized.set(label, byKey)
  return byKey
}

/**
 * The target's lines for a key, and whether a relation before sees to them already: two sources can
 * hold one key (homes on a file server, cloned machines), and then one line is for both.
 */
function linesFor(
  relation: Relation,
  { publicKey }: SourceKey,
  progress: Progress,
): { lines: readonly AuthorizedLine[]; claimed: boolean } {
  if (publicKey === undefined) return { lines: [], claimed: false }
  const key = publicKey.toString('base64')
  const id = `${formatAccount(relation.target)} ${key}`
  const other = progress.lines.get(id)
  if (other === undefined) progress.lines.set(id, relation)
  const wanted = (asked: Relation): Relation['from'] =>
    asked.remove ? undefined : wantedFrom(asked, progress)
  if (
    other !== undefined &&
    (other.remove !== relation.remove || !sameFrom(wanted(other), wanted(relation)))
  ) {
    throw new TrustError(
      'input-invalid',
      `${formatAccount(relation.source)} and ${formatAccount(other.source)} (${other.position}) hold the same key ${fingerprint(publicKey)}, so ${formatAccount(relation.target)} can't tell them apart.`,
      { hint: 'Ask for the same for both, or give one of them a key of another type with key=.' },
    )
  }
  const lines = authorizedBy(relation.target, progress).get(key) ?? []
  return { lines, claimed: other !== undefined }
}

function knownHostId({ source, target }: Relation): string {
  return `${formatAccount(source)} ${target.name}`
}

/** Whether a known_hosts line that this relation needs is only written in this run: that is to be proven. */
function willKnowHost(relation: Relation, { knownHosts }: Progress): boolean {
  return knownHosts.has(knownHostId(relation))
}

function knownHostSteps(relation: Relation, hostKey: HostKey, progress: Progress): NewStep[] {
  const { source, target, replaceStale } = relation
  const id = knownHostId(relation)
  const known = factsOf(source, progress).knownHosts.get(target.name)
  if (progress.knownHosts.has(id)) return []
  // A key of another type may be good too: it goes on request alone, and does no harm but to a proof.
  const stale = known?.others.filter(({ sameType }) => sameType || replaceStale) ?? []
  if (known?.pinned === true && !(replaceStale && stale.length > 0)) return []
  if (stale.length > 0 && !replaceStale) {
    const [on, host] = [formatAccount(source), target.name]
    const more = stale.length > 1
    throw new TrustError(
      'host-key-changed',
      `On ${on} ${more ? 'lines' : 'line'} ${stale.map(({ lineNumber }) => lineNumber).join(', ')} of ~/.ssh/known_hosts ${more ? 'have other keys' : 'has another key'} for ${host}: ${tellKeys(stale)}. Pinned is ${fingerprint(hostKey.key)}.`,
      {
        hint: `If ${host} was reinstalled or its key was rotated, add replace-stale to the line. If not, somebody may have stood between ${on} and ${host}: do not go on.`,
      },
    )
  }
  progress.knownHosts.add(id)
  return stale.length === 0
    ? [{ kind: 'add-known-host', hostKey }]
    : [{ kind: 'replace-known-host', hostKey, stale }]
}

function mayForget(relation: Relation, progress: Progress): boolean {
  const id = knownHostId(relation)
  if (!progress.forgetHosts || progress.neededHosts.has(id) || progress.knownHosts.has(id)) {
    return false
  }
  const known = factsOf(relation.source, progress).knownHosts.get(relation.target.name)
  return known?.pinned === true && known.ours
}

function withWords(step: NewStep, relation: Relation): Step {
  const { source, target, position } = relation
  return { ...step, source, target, position, description: describe(step, relation) }
}

function describe(step: NewStep, relation: Relation): string {
  const [source, target] = [formatAccount(relation.source), formatAccount(relation.target)]
  const host = relation.target.name
  switch (step.kind) {
    case 'generate-key':
      return `on ${source}: make ${step.path} (there is no key of that type)`
    case 'authorize': {
      const from = step.from === undefined ? '' : `, from ${step.from.join()} only`
      return `on ${target}: add the key of ${source} (${shown(step.key)}) to authorized_keys${from}${step.beside === undefined ? '' : ` (the line there ${step.beside}, and stays)`}`
    }
    case 'add-known-host':
      return `on ${source}: add ${tellHostKey(step.hostKey, host)} to known_hosts`
    case 'replace-known-host':
      return `on ${source}: replace the stale key of ${host} (${tellKeys(step.stale)}) in known_hosts by ${tellHostKey(step.hostKey, host)}`
    case 'prove':
      return `prove that ${source} can log in to ${target}`
    case 'deauthorize':
      return `on ${target}: take the key of ${source} (${fingerprint(step.publicKey)}) out of authorized_keys`
    case 'prove-refused':
      return `prove that ${source} can no longer log in to ${target}`
    case 'remove-known-host':
      return `on ${source}: take ${tellHostKey(step.hostKey, host)} out of known_hosts`
  }
}

function shown({ path, publicKey }: SourceKey): string {
  return publicKey === undefined ? `the new ${path}` : fingerprint(publicKey)
}

function tellHostKey({ key, marker }: HostKey, host: string): string {
  return `the pinned ${marker === undefined ? 'key' : 'CA'} of ${host} (${fingerprint(key)})`
}

function tellKeys(keys: readonly OtherKey[]): string {
  return keys.map((key) => key.fingerprint).join(', ')
}

function tellFrom(lines: readonly AuthorizedLine[]): string {
  const limits = lines.map(({ from }) =>
    from === undefined ? 'from anywhere' : `from ${from.join()} only`,
  )
  return oneLine([...new Set(limits)].join(' and '))
}

/** The plan for people: a heading for each relation with its steps below, or that there is nothing to do. */
export function renderPlan(plan: Plan): string[] {
  return plan.relations.flatMap(({ relation, steps, note }) => {
    const heading = `${relation.remove ? '- ' : ''}${formatRelation(relation)}`
    if (steps.length === 0) return [`${heading}: ${note ?? 'nothing to do'}`]
    const told = note === undefined ? heading : `${heading}: ${note}`
    return [told, ...steps.map(({ description }) => `  ${description}`)]
  })
}
