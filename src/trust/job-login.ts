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

/**
 * Does `work` over a login to an account of the journal, and again where the host can't be reached.
 *
 * @param awaitKey whether the key may be on its way into the account yet: a refused login is tried
 *   again, once
 * @throws what the last try threw
 */
export async function overRecordedLogin<Result>(
  { host, port, user, hostKey, key }: RecordedAccount,
  agent: AgentAddress,
  work: (client: Connection) => Promise<Result>,
  awaitKey = false,
): Promise<Result> {
  const destination = { host, port, user, hostKey: Buffer.from(hostKey, 'base64') }
  for (let attempt = 0; ; attempt += 1) {
    try {
      const client = await logInWithJobKey(
        { ...destination, timeout: TEARDOWN_TIMEOUT },
        Buffer.from(key, 'base64'),
        agent,
      )
      try {
        return await work(client)
      } finally {
        client.end()
      }
    } catch (error) {
      const wait = BACKOFF[attempt]
      const code = error instanceof TrustError ? error.code : ''
      const again = UNREACHABLE.includes(code) || (awaitKey && attempt === 0 && code === REFUSED)
      if (!again || wait === undefined) throw error
      await sleep(wait)
    }
  }
}
