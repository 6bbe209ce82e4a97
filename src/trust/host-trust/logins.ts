/** Logins from host to host, which prove that trust is there, or that it is gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TrustError } from '../../errors'
import type { LoginOutcome } from '../../remote/account-login'
import { opened } from './accounts'
import type { Work } from './work'
import type { RelationFacts, Step } from './plan'
import { formatAccount, type Account, type Relation } from './relations'

type Pair = Pick<Relation, 'source' | 'target'>

/** Milliseconds before a login that got no answer is tried again: a server that is busy drops some. */
const AGAIN = [300, 1500]

/** @throws TrustError `trust-unproven`; `host-key-changed` where known_hosts has another key */
export async function prove(pair: Pair, path: string, work: Work): Promise<void> {
  const { source, target } = pair
  const { outcome, words } = await tryLogin(source, target, path, undefined, work)
  work.measured.push({ source, target, works: outcome === 'works' })
  if (outcome === 'works') return
  const [from, to] = [formatAccount(source), formatAccount(target)]
  if (outcome === 'host-key') {
    const message = `On ${from} known_hosts keeps the login to ${to} from working: ${words}`
    throw new TrustError('host-key-changed', message, {
      hint: `The pinned key of ${target.name} is proven, so that line on ${from} is stale: take it out, or add replace-stale to the line of trust.`,
    })
  }
  throw new TrustError(
    'trust-unproven',
    `The login from ${from} to ${to} does not work: ${words}`,
    {
      hint: 'Can the source reach the target by that name and port? Does from= name the address that the target sees? Is the line in authorized_keys expired, or does sshd read another file? The log of sshd on the target says.',
    },
  )
}

async function tryLogin(
  source: Account,
  target: Account,
  path: string,
  knownHost: string | undefined,
  { accounts, job }: Work,
): Promise<LoginOutcome> {
  const { logInFrom } = await import('../../remote/account-login')
  const { host, port, user } = opened(accounts, target).destination
  const { timeout } = job
  const login = {
    path,
    host,
    port,
    user,
    timeout,
    ...(knownHost === undefined ? {} : { knownHost }),
  }
  for (let attempt = 0; ; attempt += 1) {
    const result = await logInFrom(opened(accounts, source).client, login)
    const wait = AGAIN[attempt]
    const isDropped =
      result.outcome === 'failed' && /kex_exchange_identification|reset by peer/.test(result.words)
    if (!isDropped || wait === undefined) return result
    await sleep(wait)
  }
}

/**
 * Nothing was to be done for it; that it works is measured all the same.
 *
 * @throws TrustError as `prove`
 */
export async function measureTrusted(
  relation: Relation,
  facts: RelationFacts,
  work: Work,
): Promise<void> {
  const { source, target, keyType } = relation
  const listed = facts.accounts.get(formatAccount(target))?.authorized ?? []
  const usable = (facts.accounts.get(formatAccount(source))?.keys ?? []).filter(
    ({ publicKey, encrypted }) =>
      encrypted !== true && publicKey?.subarray(4).toString('latin1').startsWith(keyType.type),
  )
  const key = usable.find(({ publicKey }) =>
    listed.some(
      (line) =>
        line.dead === undefined && publicKey !== undefined && line.publicKey.equals(publicKey),
    ),
  )
  if (key === undefined) throw new Error('an account is trusted by a key that it has')
  await prove(relation, key.path, work)
}

/**
 * @param knownHost a line to know the target by
 * @throws TrustError `trust-unproven` where the login still works, or it can't be told
 */
export async function proveRefused(
  { source, target, keys }: Extract<Step, { kind: 'prove-refused' }>,
  knownHost: string,
  work: Work,
): Promise<void> {
  for (const { path } of keys) {
    const { outcome, words } = await tryLogin(source, target, path, knownHost, work)
    work.measured.push({ source, target, works: outcome === 'works' })
    if (outcome === 'refused') continue
    const message =
      outcome === 'works'
        ? `The login from ${formatAccount(source)} to ${formatAccount(target)} still works, though the key was taken out.`
        : `That ${formatAccount(target)} refuses the key could not be proven: ${words}`
    throw new TrustError('trust-unproven', message, {
      hint: 'Does sshd read another file too (AuthorizedKeysFile, AuthorizedKeysCommand)?',
    })
  }
}
