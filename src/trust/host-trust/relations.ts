/**
 * The `trust` input: which host may log in to which, one relation a line, with `#` comments,
 *
 *     [-] [USER@]SOURCE ->  [USER@]TARGET          [OPTIONS]    one way
 *     [-] [USER@]HOST   <-> [USER@]HOST            [OPTIONS]    both ways
 *     [-] mesh([USER@]HOST, [USER@]HOST, …)        [OPTIONS]    each to each other
 *
 * where a minus takes the trust away, and OPTIONS are `key=ed25519|ecdsa-256|rsa-3072|…` (the type of
 * the source's key), `from` or `from=PATTERN,…` (from= of authorized_keys), and `replace-stale`.
 * Hosts, their ports and their users are those of the `hosts` input.
 */
import { TrustError } from '../../errors'
import { parseKeySpec, type KeySpec } from '../../ssh/private-key'
import { displayType } from '../../ssh/public-key'
import { readFrom, sameFrom } from './from'
import { collectErrors } from '../input-values'

/** A user at a host of the `hosts` input. */
export interface Account {
  /** What its line calls the host: the alias, or else the host. */
  name: string
  /** Absent: whoever ssh logs in as by itself. */
  user?: string
}

/** One host may log in to another, or may no longer. */
export interface Relation {
  source: Account
  target: Account
  /** Whether the trust is taken away. */
  remove: boolean
  /** The kind of the source's key. */
  keyType: KeySpec
  /** Patterns for from= of the target's line, or the addresses of the source; absent: from anywhere. */
  from?: 'source' | readonly string[]
  /** Whether a key of the target that stands in the source's known_hosts and is not pinned may go. */
  replaceStale: boolean
  /** Where it stands, for messages: `trust:3`. */
  position: string
}

const FORMS = 'web1 -> db1, web1 <-> web2, mesh(a, b, c); a minus in front takes trust away'
const OPTIONS = 'key=ed25519|ecdsa-256|rsa-3072|…, from, from=PATTERN,…, replace-stale'

/** Longest `trust` text: room for MAX_RELATIONS lines of ordinary length. */
const MAX_TEXT = 4 * 1024 * 1024
/** Most relations: a mesh of some three hundred hosts. */
const MAX_RELATIONS = 100_000
/** Wrong lines after which the rest is not read. */
const MAX_WRONG_LINES = 100
/** Hosts that an error lists, and characters that one repeats. */
const MAX_LISTED = 50
const MAX_QUOTED = 80
/** Words behind a relation. */
const MAX_OPTIONS = 8

interface Word {
  text: string
  column: number
}

/** A line taken apart, with nothing looked up yet. */
interface Line {
  remove: boolean
  form: 'one way' | 'both ways' | 'mesh'
  accounts: Word[]
  options: Word[]
}

type Options = Pick<Relation, 'keyType' | 'from' | 'replaceStale'>

/** `user@name`, or the name alone where no user is said. */
export function formatAccount({ name, user }: Account): string {
  return user === undefined ? name : `${user}@${name}`
}

/** `web1 -> db1`, whether it is added or taken away. */
export function formatRelation({ source, target }: Pick<Relation, 'source' | 'target'>): string {
  return `${formatAccount(source)} -> ${formatAccount(target)}`
}

/**
 * @param hosts what the lines of the `hosts` input call their hosts, and their users
 * @returns the relations in the order written, every pair once, and what is wrong
 */
export function parseRelations(
  text: string,
  hosts: readonly Account[],
): { relations: Relation[]; errors: TrustError[] } {
  if (text.length > MAX_TEXT) {
    const error = new TrustError('input-invalid', 'The input is too long.', { input: 'trust' })
    return { relations: [], errors: [error] }
  }
  const { errors, attempt } = collectErrors()
  const list = relationList()
  const find = hostFinder(hosts)
  let wrongLines = 0
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const code = line.replace(/^\uFEFF/, '').replace(/(^|\s)#.*$/s, '$1')
    if (code.trim() === '') continue
    const position = `trust:${index + 1}`
    const before = errors.length
    attempt(position, () => {
      const { meant, wrong } = readLine(code, position, find)
      errors.push(...wrong)
      if (wrong.length === 0) list.add(meant, position)
    })
    if (errors.length > before) wrongLines += 1
    if (wrongLines === MAX_WRONG_LINES) {
      const message = `${MAX_WRONG_LINES} lines are wrong; the rest is not read.`
      errors.push(new TrustError('input-invalid', message, { input: position }))
      break
    }
  }
  return { relations: list.relations, errors }
}

/** What one line means: relations of which only the accounts differ. */
interface Meaning extends Options {
  remove: boolean
  pairs: [source: Account, target: Account][]
}

type FindHost = (word: string) => Account

function readLine(
  code: string,
  position: string,
  find: FindHost,
): { meant: Meaning; wrong: TrustError[] } {
  const line = splitLine(code, position)
  if (line.options.length > MAX_OPTIONS) {
    throw new TrustError('input-invalid', 'There are too many options.', {
      hint: `Options are: ${OPTIONS}.`,
    })
  }
  const { errors: wrong, attempt } = collectErrors()
  const accounts = line.accounts.map((word) => ({
    at: `${position}:${word.column}`,
    account: attempt(`${position}:${word.column}`, () => find(word.text)),
  }))
  const seen = new Set<string>()
  for (const { at, account } of accounts) {
    if (account === undefined) continue
    if (seen.has(account.name)) {
      const message = `${account.name} stands there twice: a host is not trusted with itself.`
      wrong.push(new TrustError('input-invalid', message, { input: at }))
    }
    seen.add(account.name)
  }
  const options = readOptions(line, position, attempt)
  const found = accounts.flatMap(({ account }) => (account === undefined ? [] : [account]))
  const pairs = wrong.length > 0 ? [] : pairsOf(line.form, found)
  return { meant: { ...options, remove: line.remove, pairs }, wrong }
}

function pairsOf(form: Line['form'], accounts: readonly Account[]): Meaning['pairs'] {
  const pairs = accounts.flatMap((source) =>
    accounts
      .filter((target) => target !== source)
      .map((target): [Account, Account] => [source, target]),
  )
  return form === 'one way' ? pairs.slice(0, 1) : pairs
}

function tooMany(): TrustError {
  return new TrustError('input-invalid', `More than ${MAX_RELATIONS} relations are too many.`)
}

/** The words of a line, by its form. */
function splitLine(code: string, position: string): Line {
  const minus = /^\s*(?:-(?!>)\s*)?/.exec(code)?.[0] ?? ''
  const start = minus.length
  try {
    const isMesh = /^mesh\s*\(/.test(code.slice(start))
    const split = isMesh ? splitMesh(code, start) : splitArrow(code, start)
    return { ...split, remove: minus.includes('-') }
  } catch (error) {
    throw error instanceof TrustError ? error.about(`${position}:${start + 1}`) : error
  }
}

function splitMesh(code: string, start: number): Omit<Line, 'remove'> {
  const open = code.indexOf('(', start)
  const close = code.indexOf(')', start)
  if (close < 0) {
    throw new TrustError('input-invalid', 'mesh( has no closing parenthesis on its line.')
  }
  if (/^\S/.test(code.slice(close + 1))) {
    throw new TrustError('input-invalid', 'Behind mesh(…) there must be a blank.')
  }
  if (/[<>]/.test(code.slice(start))) throw noRelation(code.slice(start))
  const names = code.slice(open + 1, close).split(',')
  if (names.length * (names.length - 1) > MAX_RELATIONS) throw tooMany()
  if (names.length < 2 || names.some((name) => !/^\S+$/.test(name.trim()))) {
    throw new TrustError('input-invalid', 'mesh takes two hosts or more, with commas in between.', {
      hint: 'For example: mesh(web1, web2, db1).',
    })
  }
  const accounts = [...code.slice(open + 1, close).matchAll(/[^\s,]+/g)].map((match) => ({
    text: match[0],
    column: open + match.index + 2,
  }))
  return { form: 'mesh', accounts, options: optionWords(code, close + 1) }
}

function splitArrow(code: string, start: number): Omit<Line, 'remove'> {
  const body = code.slice(start)
  const [all = '', beforeTarget = '', source = '', sign = '', target = ''] =
    /^((\S*?)\s*(<->|->)\s*)(\S*)/.exec(body) ?? []
  const isOne =
    source !== '' && target !== '' && !/[<>]/.test(source + body.slice(beforeTarget.length))
  if (!isOne) throw noRelation(body)
  return {
    form: sign === '->' ? 'one way' : 'both ways',
    accounts: [
      { text: source, column: start + 1 },
      { text: target, column: start + beforeTarget.length + 1 },
    ],
    options: optionWords(code, start + all.length),
  }
}

/** The words behind a relation; no more of them than show that there are too many. */
function optionWords(code: string, start: number): Word[] {
  const found: Word[] = []
  for (const match of code.slice(start).matchAll(/\S+/g)) {
    found.push({ text: match[0], column: start + match.index + 1 })
    if (found.length > MAX_OPTIONS) break
  }
  return found
}

function noRelation(body: string): TrustError {
  const hint = body.includes('<-')
    ? 'The arrow goes from the host that logs in: write db1 -> web1, or <-> for both ways.'
    : `A line has one relation: ${FORMS}.`
  const message = `${quote(body.trim())} is no relation.`
  return new TrustError('input-invalid', message, { hint })
}

/** What was written, for a message: on one line, and not endless. */
function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text)
}

/** Looks up `[user@]name`. Names are compared as DNS does; the result has them as `hosts` does. */
function hostFinder(hosts: readonly Account[]): FindHost {
  const byName = new Map<string, Account[]>()
  for (const host of hosts) {
    const same = byName.get(host.name.toLowerCase())
    if (same === undefined) byName.set(host.name.toLowerCase(), [host])
    else same.push(host)
  }
  const known = listHosts(hosts)
  const lookUp = (name: string): Account[] | undefined =>
    byName.get(name.toLowerCase().replace(/^\[(.*)\]$/, '$1'))

  return (word) => {
    const at = word.lastIndexOf('@')
    const user = at < 0 ? undefined : word.slice(0, at)
    const name = word.slice(at + 1)
    const lines = lookUp(name)
    if (lines === undefined) throw unknownHost(name, known, lookUp)
    if (user !== undefined) requireUserName(user)
    // One host may have several lines, for its users: then the user says which is meant.
    const [line, ...more] =
      lines.length === 1 || user === undefined
        ? lines
        : lines.filter((candidate) => candidate.user === user)
    if (line === undefined || more.length > 0) throw ambiguousHost(lines)
    const login = user ?? line.user
    return { name: line.name, ...(login === undefined ? {} : { user: login }) }
  }
}

function unknownHost(
  name: string,
  known: string,
  lookUp: (name: string) => Account[] | undefined,
): TrustError {
  const beforePort = /^(.*):[^:]*$/.exec(name)?.[1]
  const host = beforePort === undefined ? undefined : lookUp(beforePort)?.[0]
  if (host !== undefined) {
    return new TrustError('input-invalid', `${quote(name)} has a port.`, {
      hint: `Ports are said in hosts alone: write ${host.name} here.`,
    })
  }
  const several = name.includes(',') ? ' For several hosts write a line for each, or mesh(…).' : ''
  return new TrustError('input-invalid', `${quote(name)} is none of the hosts.`, {
    hint: `${known}${several}`,
  })
}

/** The hosts that there are, for a message. */
function listHosts(hosts: readonly Account[]): string {
  const names = [...new Set(hosts.map(({ name }) => name))]
  if (names.length === 0) return 'The input hosts is empty.'
  const rest = names.length > MAX_LISTED ? `, and ${names.length - MAX_LISTED} more` : ''
  return `They are: ${names.slice(0, MAX_LISTED).join(', ')}${rest}.`
}

function ambiguousHost(lines: readonly Account[]): TrustError {
  const message = `${lines[0]?.name ?? ''} stands on ${lines.length} lines of hosts.`
  return new TrustError('input-invalid', message, {
    hint: 'Write the user of one of them before it (user@host), or give the lines aliases.',
  })
}

/** The same user names as `hosts` takes. */
function requireUserName(user: string): void {
  if (/^[A-Za-z0-9_.][A-Za-z0-9_.+@\\-]{0,254}\$?$/.test(user)) return
  throw new TrustError('input-invalid', `${quote(user)} can't be a user name.`)
}

function readOptions(
  { options, remove }: Line,
  position: string,
  attempt: <T>(input: string, read: () => T) => T | undefined,
): Options {
  const read: Options = { keyType: { type: 'ssh-ed25519' }, replaceStale: false }
  const seen = new Set<string>()
  for (const { text, column } of options) {
    attempt(`${position}:${column}`, () => {
      const name = text.replace(/=.*$/, '')
      if (text.startsWith('key=')) read.keyType = parseKeySpec(text.slice('key='.length))
      else if (text === 'from') read.from = 'source'
      else if (text.startsWith('from=')) read.from = readFrom(text.slice('from='.length))
      else if (text === 'replace-stale') read.replaceStale = true
      else throw unknownOption(text)
      if (seen.has(name)) throw new TrustError('input-invalid', `${name} stands there twice.`)
      seen.add(name)
      if (remove && name !== 'key') {
        throw new TrustError('input-invalid', `${name} is of no use where trust is taken away.`)
      }
    })
  }
  return read
}

function unknownOption(text: string): TrustError {
  const hint = `Options are: ${OPTIONS}.`
  return new TrustError('input-invalid', `${quote(text)} is no option.`, { hint })
}

/** The relations of all lines, each pair once. */
function relationList(): { relations: Relation[]; add: (line: Meaning, position: string) => void } {
  const relations: Relation[] = []
  const byPair = new Map<string, Relation>()
  const byKeyFile = new Map<string, Relation>()

  const add = ({ pairs, ...rest }: Meaning, position: string): void => {
    const contradictions: TrustError[] = []
    const fresh: Relation[] = []
    for (const [source, target] of pairs) {
      const relation: Relation = { source, target, ...rest, position }
      const earlier = byPair.get(formatRelation(relation))
      if (earlier !== undefined) {
        if (!sameMeaning(earlier, relation)) contradictions.push(contradiction(relation, earlier))
        continue
      }
      const file = `${formatAccount(source)} ${displayType(rest.keyType.type)}`
      const owner = rest.remove ? undefined : byKeyFile.get(file)
      if (owner !== undefined && !sameKind(owner.keyType, rest.keyType)) {
        contradictions.push(twoKeys(relation, owner))
        continue
      }
      if (!rest.remove) byKeyFile.set(file, owner ?? relation)
      byPair.set(formatRelation(relation), relation)
      fresh.push(relation)
    }
    // A mesh can contradict in thousands of pairs, of which one says it all.
    const [first, ...more] = contradictions
    if (first !== undefined) {
      const others = more.length === 0 ? '' : ` The same goes for ${more.length} more of its pairs.`
      throw new TrustError(first.code, `${first.message}${others}`, {
        ...(first.hint === undefined ? {} : { hint: first.hint }),
      })
    }
    if (relations.length + fresh.length > MAX_RELATIONS) throw tooMany()
    for (const relation of fresh) relations.push(relation)
  }
  return { relations, add }
}

function contradiction(relation: Relation, earlier: Relation): TrustError {
  const pair = formatRelation(relation)
  const message =
    earlier.remove === relation.remove
      ? `${pair} has other options in ${earlier.position}.`
      : `${pair} is ${earlier.remove ? 'taken away' : 'added'} in ${earlier.position}, and ${relation.remove ? 'taken away' : 'added'} here.`
  return new TrustError('input-invalid', message, { hint: 'Write every pair once.' })
}

function twoKeys({ source, keyType }: Relation, earlier: Relation): TrustError {
  const wanted = `${formatKeySpec(earlier.keyType)} in ${earlier.position}, ${formatKeySpec(keyType)} here`
  const message = `${formatAccount(source)} would need two ${displayType(keyType.type)} keys: ${wanted}.`
  return new TrustError('input-invalid', message, {
    hint: 'ssh looks for one key of each kind: use one size for all relations of the host.',
  })
}

/** The option's value again: `ed25519`, `ecdsa-256`, `rsa-3072`. */
export function formatKeySpec({ type, bits }: KeySpec): string {
  if (type === 'ssh-ed25519') return 'ed25519'
  if (type === 'ssh-rsa') return `rsa-${bits ?? 3072}`
  return type.replace('sha2-nistp', '')
}

function sameKind(a: KeySpec, b: KeySpec): boolean {
  return formatKeySpec(a) === formatKeySpec(b)
}

function sameMeaning(a: Relation, b: Relation): boolean {
  return (
    a.remove === b.remove &&
    sameKind(a.keyType, b.keyType) &&
    sameFrom(a.from, b.from) &&
    a.replaceStale === b.replaceStale
  )
}
