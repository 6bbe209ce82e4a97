/** The accounts that trust from host to host is about, logged in to: one connection for each. */
import type { AgentAddress } from '../../agent/control'
import { combine, TrustError } from '../../errors'
import type { Journal } from '../../local/journal'
import type { Connection, Credentials } from '../../remote/connect'
import { fingerprint } from '../../ssh/public-key'
import type { JobKey } from '../bootstrap'
import type { HostTrust } from './config'
import { AT_ONCE, forAll } from './queue'
import { hostName, type HostLine } from '../hosts'
import { logInWithJobKey, type Destination } from '../job-login'
import type { Proven } from '../proven-hosts'
import { formatAccount, type Account, type Relation } from './relations'

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

/** An account that we are logged in to. */
export interface OpenAccount {
  account: Account
  label: string
  line: HostLine
  destination: Destination
  client: Connection
  /** That logged in; none in a dry run by other means. */
  key: Buffer | undefined
}

/** By `formatAccount`. */
export type OpenAccounts = ReadonlyMap<string, OpenAccount>

export function opened(accounts: OpenAccounts, account: Account): OpenAccount {
  const found = accounts.get(formatAccount(account))
  if (found === undefined) throw new Error(`${formatAccount(account)} was not opened`)
  return found
}

/**
 * Logs in to every source and target, some at a time. The caller ends the connections.
 *
 * @throws TrustError that tells of every account that can't be logged in to
 */
export async function openAccounts(
  relations: readonly Relation[],
  proven: readonly Proven[],
  job: HostTrustJob,
): Promise<OpenAccounts> {
  const wanted = new Map<string, { account: Account; position: string }>()
  for (const { source, target, position } of relations) {
    for (const account of [source, target]) {
      const label = formatAccount(account)
      if (!wanted.has(label)) wanted.set(label, { account, position })
    }
  }
  const accounts = new Map<string, OpenAccount>()
  try {
    await forAll(
      [...wanted.values()],
      async ({ account, position }) => {
        try {
          accounts.set(formatAccount(account), await open(account, proven, job))
        } catch (error) {
          throw error instanceof TrustError ? aboutAccount(account, position, error) : error
        }
      },
      { atOnce: AT_ONCE, failures: wanted.size },
    )
    return accounts
  } catch (error) {
    endAll(accounts)
    throw error
  }
}

export function endAll(accounts: OpenAccounts): void {
  for (const { client } of accounts.values()) client.end()
}

/** `error`, said of an account, and of where it stands. */
export function aboutAccount(account: Account, position: string, error: TrustError): TrustError {
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
    const { connectTo } = await import('../../remote/connect') // ssh2 takes long to load
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
export function provenLine({ name, user }: Account, proven: readonly Proven[]): Proven {
  const lines = proven.filter(({ line }) => hostName(line) === name)
  const found = lines.find(({ line }) => line.user === user) ?? lines[0]
  if (found === undefined) throw new Error(`${name} is none of the proven hosts`)
  return found
}

/** AuthorizedKeysFile of the account, where its line says so. */
export function pathOf({ line, account }: OpenAccount): string | undefined {
  return line.user === account.user ? line.path : undefined
}
