/**
 * Logging in to a proven host with a key of the job's agent. ssh2 sends no session-bind, so the agent
 * is told over its control channel which host it is; its policy decides as for everybody else.
 */
import { signForProvenHost, type AgentAddress } from '../agent/control'
import { SSH_AGENT_RSA_SHA2_256, SSH_AGENT_RSA_SHA2_512 } from '../agent/messages'
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
