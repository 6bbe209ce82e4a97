/**
 * Logging in to a proven host with a key of the job's agent. ssh2 sends no session-bind, so the agent
 * is told over its control channel which host it is; its policy decides as for everybody else.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { signForProvenHost, type AgentAddress } from '../agent/control'
import { SSH_AGENT_RSA_SHA2_256, SSH_AGENT_RSA_SHA2_512 } from '../agent/messages'
import { TrustError } from '../errors'
import type { Connection, ConnectOptions } from '../remote/connect'

/** Where to log in, and as whom. */
export type Destination = Omit<ConnectOptions, 'credentials'>

/**
 * A connection that is logged in with `key` (wire format). The caller ends it.
 *
 * @throws TrustError as `connectTo`
 */
export async function logInWithJobKey(
  destination: Destination,
  key: Buffer,
  agent: AgentAddress,
): Promise<Connection> {
  const { connectTo } = await import('../remote/connect') // ssh2 takes long to load
  const { hostKey } = destination
  return connectTo({
    ...destination,
    credentials: {
      kind: 'signer',
      keys: [key],
      sign: async (blob, data, sessionId, hash) => {
        const flags = hash === 'sha256' ? SSH_AGENT_RSA_SHA2_256 : SSH_AGENT_RSA_SHA2_512
        return signForProvenHost(agent, { hostKey, sessionId }, blob, data, flags)
      },
    },
  })
}

/** Milliseconds for a login in teardown; a cancelled job has little time. */
const TEARDOWN_TIMEOUT = 10_000

/** Milliseconds before each further try, where the host can't be reached. */
const BACKOFF = [500, 2000]

const UNREACHABLE = ['host-refused', 'host-unreachable', 'host-timeout', 'host-closed']

const REFUSED = 'login-refused'

/** An account as the journal has it: its host's proven key, and the key to log in with, in base64. */
interface RecordedAccount {
  host: string
  port: number
  user: string
  hostKey: string
  key: string
}

/** Logins to accounts of a journal, which are kept for what else is to be done there. */
export interface RecordedLogins {
  /**
   * Does `work` over a login to an account, and again where the host can't be reached.
   *
   * @param awaitKey whether the key may be on its way into the account yet: a refused login is tried
   *   again, once
   * @throws what the last try threw
   */
  over: <Result>(
    account: RecordedAccount,
    work: (client: Connection) => Promise<Result>,
    awaitKey?: boolean,
  ) => Promise<Result>
  end: () => void
}

export function openRecordedLogins(agent: AgentAddress): RecordedLogins {
  const kept = new Map<string, Connection>()
  // A host that is gone is waited for once, not for each thing that was done there.
  const gone = new Map<string, TrustError>()
  return {
    over: async (account, work, awaitKey = false) => {
      const { host, port, user, key } = account
      const name = `${user}@${host}:${port} ${key}`
      const over = async (client: Connection): ReturnType<typeof work> => {
        try {
          const result = await work(client)
          const other = kept.get(name)
          if (other !== client) other?.end()
          kept.set(name, client)
          return result
        } catch (error) {
          kept.delete(name)
          client.end()
          throw error
        }
      }
      const before = kept.get(name)
      if (before !== undefined) {
        try {
          return await over(before)
        } catch {
          // It may have been closed meanwhile.
        }
      }
      const known = gone.get(name)
      if (known !== undefined) throw known
      try {
        return await withRetries(async () => over(await logInTo(account, agent)), awaitKey)
      } catch (error) {
        if (error instanceof TrustError && UNREACHABLE.includes(error.code)) gone.set(name, error)
        throw error
      }
    },
    end: () => {
      for (const client of kept.values()) client.end()
    },
  }
}

async function logInTo(
  { host, port, user, hostKey, key }: RecordedAccount,
  agent: AgentAddress,
): Promise<Connection> {
  const destination = { host, port, user, hostKey: Buffer.from(hostKey, 'base64') }
  const options = { ...destination, timeout: TEARDOWN_TIMEOUT }
  return logInWithJobKey(options, Buffer.from(key, 'base64'), agent)
}

async function withRetries<Result>(
  work: () => Promise<Result>,
  awaitKey: boolean,
): Promise<Result> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      const wait = BACKOFF[attempt]
      const code = error instanceof TrustError ? error.code : ''
      const again = UNREACHABLE.includes(code) || (awaitKey && attempt === 0 && code === REFUSED)
      if (!again || wait === undefined) throw error
      await sleep(wait)
    }
  }
}
