/** What is observed on the hosts before trust between them is planned. Only looks. */
import { TrustError } from '../../errors'
import type { Connection } from '../../remote/connect'
import type { KnownHostState } from '../../remote/account-known-hosts'
import { plainKey } from '../../ssh/certificate'
import {
  parseAuthorizedKeys,
  parseKeyOptions,
  type AuthorizedKey,
  type KeyOption,
} from '../../ssh/authorized-keys'
import { knownHostsName } from '../../ssh/known-hosts'
import {
  aboutAccount,
  opened,
  pathOf,
  provenLine,
  type OpenAccount,
  type OpenAccounts,
} from './accounts'
import { forAll } from './queue'
import type { Proven } from '../proven-hosts'
import type { AccountFacts, AuthorizedLine, HostKey, RelationFacts } from './plan'
import { formatAccount, type Relation } from './relations'

/** @throws TrustError about the account that can't be looked at */
export async function observe(
  relations: readonly Relation[],
  accounts: OpenAccounts,
  proven: readonly Proven[],
): Promise<RelationFacts> {
  const hostKeys = new Map(
    relations.map(({ target }) => [target.name, hostKeyOf(provenLine(target, proven))]),
  )
  const observed = new Map<string, AccountFacts>()
  await forAll(
    [...accounts.values()],
    async (one) => {
      try {
        observed.set(one.label, await observeAccount(one, relations, hostKeys, accounts))
      } catch (error) {
        throw error instanceof TrustError ? aboutAccount(one.account, 'trust', error) : error
      }
    },
    { failures: accounts.size },
  )
  return { accounts: observed, hostKeys }
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
  accounts: OpenAccounts,
): Promise<AccountFacts> {
  const { serverSoftware } = await import('../../remote/connect') // ssh2 takes long to load
  const isTarget = relations.some(({ target }) => formatAccount(target) === one.label)
  const targets = relations.filter(({ source }) => formatAccount(source) === one.label)
  return {
    keys: [],
    knownHosts: new Map(),
    software: serverSoftware(one.client),
    authorized: isTarget ? await authorizedLines(one) : [],
    ...(targets.length === 0 ? {} : await observeSource(one, targets, hostKeys, accounts)),
  }
}

async function observeSource(
  { client, destination: { user } }: OpenAccount,
  relations: readonly Relation[],
  hostKeys: ReadonlyMap<string, HostKey>,
  accounts: OpenAccounts,
): Promise<Pick<AccountFacts, 'keys' | 'knownHosts' | 'addresses' | 'lacks'>> {
  const { KNOWN_HOSTS, readAccountFile } = await import('../../remote/account')
  const { knownHostState, parseKnownHosts } = await import('../../remote/account-known-hosts')
  const { keys, address, lacks } = await askForKeys(client)
  const lines = parseKnownHosts(await readAccountFile(client, user, KNOWN_HOSTS))
  const knownHosts = new Map<string, KnownHostState>()
  // What is taken away needs no known_hosts: it is proven by a line of its own.
  for (const { target } of relations.filter(({ remove }) => !remove)) {
    const hostKey = hostKeys.get(target.name)
    const { host, port } = opened(accounts, target).line
    const state =
      hostKey === undefined || knownHosts.has(target.name)
        ? undefined
        : knownHostState(lines, knownHostsName(host, port), hostKey)
    if (state !== undefined) knownHosts.set(target.name, state)
  }
  return {
    keys,
    knownHosts,
    ...(address === undefined || address === '' ? {} : { addresses: [address] }),
    ...(lacks === undefined ? {} : { lacks }),
  }
}

/** @throws TrustError `remote-shell` for an account that can be a target only */
async function askForKeys(
  client: Connection,
): ReturnType<typeof import('../../remote/account-keys').listKeys> {
  const { listKeys } = await import('../../remote/account-keys')
  try {
    return await listKeys(client)
  } catch (error) {
    if (!(error instanceof TrustError) || error.code !== 'remote-shell') throw error
    throw new TrustError('remote-shell', `It can't log in to other hosts: ${error.message}`, {
      hint: 'An account without a shell (SFTP only) can be a target of trust, and no source.',
      cause: error,
    })
  }
}

async function authorizedLines(one: OpenAccount): Promise<AuthorizedLine[]> {
  const { readAccountFile } = await import('../../remote/account')
  const content = await readAccountFile(one.client, one.destination.user, pathOf(one))
  const keys = parseAuthorizedKeys(content)
  const isLocal = keys.some(({ options }) =>
    options.some((option) => /^expiry-time="?\d+"?$/i.test(option)),
  )
  const zone = isLocal ? await zoneOf(one.client) : undefined
  return keys.map((key) => authorizedLine(key, new Date(), zone))
}

/** The host's time zone, in minutes east of UTC; undefined where it does not say. */
async function zoneOf(client: Connection): Promise<number | undefined> {
  const { runScript } = await import('../../remote/connect') // ssh2 takes long to load
  try {
    const { stdout } = await runScript(client, 'date +%z', Buffer.alloc(0))
    const [, sign, hours, minutes] = /([+-])(\d\d)(\d\d)\s*$/.exec(stdout.toString('latin1')) ?? []
    if (sign === undefined) return undefined
    return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
  } catch (error) {
    if (error instanceof TrustError && error.code === 'remote-shell') return undefined
    throw error
  }
}

/**
 * What a line of authorized_keys does for a login with its key, as sshd sees it.
 *
 * @param zone of the host, in minutes east of UTC, for an expiry-time that names none; where it is not
 *   known, such a line counts as good
 */
export function authorizedLine(
  { blob, options: texts }: AuthorizedKey,
  now: Date,
  zone: number | undefined,
): AuthorizedLine {
  const line = { publicKey: blob }
  const options = optionsOf(texts)
  if (options === undefined) return { ...line, dead: 'has options that sshd refuses' }
  const valuesOf = (wanted: string): string[] =>
    options.flatMap(({ name, value }) =>
      name.toLowerCase() === wanted && value !== undefined ? [value] : [],
    )
  if (options.some(({ name }) => name.toLowerCase() === 'cert-authority')) {
    return { ...line, dead: 'is for certificates that the key has signed' }
  }
  // Of several the earliest counts: sshauthopt_parse in OpenSSH's auth-options.c.
  const ends = valuesOf('expiry-time')
    .flatMap((value) => timeOf(value, zone) ?? [])
    .sort((a, b) => a.getTime() - b.getTime())[0]
  if (ends !== undefined && ends.getTime() + 999 < now.getTime()) {
    return { ...line, dead: `expired at ${ends.toISOString()}` }
  }
  const [from] = valuesOf('from')
  return {
    ...line,
    ...(from === undefined ? {} : { from: from.split(',') }),
    ...(valuesOf('command').length === 0 ? {} : { command: true }),
    ...(ends === undefined ? {} : { ends }),
  }
}

function optionsOf(texts: readonly string[]): KeyOption[] | undefined {
  try {
    return parseKeyOptions(texts.join(','))
  } catch (error) {
    if (error instanceof TrustError) return undefined
    throw error
  }
}

/** A time as expiry-time has it: `YYYYMMDD[HHMM[SS]]`, with `Z` or `UTC` behind it or in the host's zone. */
function timeOf(text: string, zone: number | undefined): Date | undefined {
  const [, date = '', time = '', utc] = /^(\d{8})(\d{4}(?:\d{2})?)?(Z|UTC)?$/i.exec(text) ?? []
  if (date === '' || (utc === undefined && zone === undefined)) return undefined
  const at = (digits: string, start: number, length = 2): number =>
    Number(digits.slice(start, start + length))
  const day = Date.UTC(at(date, 0, 4), at(date, 4) - 1, at(date, 6))
  const seconds = at(time, 0) * 3600 + at(time, 2) * 60 + at(time, 4)
  return new Date(day + seconds * 1000 - (utc === undefined ? (zone ?? 0) * 60_000 : 0))
}
