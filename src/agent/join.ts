/** The side of a further use of the action, which brings its keys into the agent that the job has. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { TrustError } from '../errors'
import { Reader } from '../ssh/wire'
import { controlMessage, converse, type AgentAddress } from './control'
import { MAX_MESSAGE, SSH_AGENT_EXTENSION_RESPONSE } from './messages'
import { digestOf, wordName } from './parts'
import { encodeKeys, encodePart, type LoadedKey, type PartSettings, type Ready } from './settings'

/** Time for an agent that may be making an RSA key of many bits, in milliseconds. */
const JOIN_TIMEOUT = 900_000

export interface JoinSettings extends PartSettings {
  /** Of the caller's own journal. */
  id: string
  keys: readonly LoadedKey[]
  /** What the program that takes trust back when the runner has died is to find in its environment. */
  orphanedEnv: Record<string, string>
}

/**
 * Brings further keys, with a policy of their own, into an agent that is there. The agent knows the
 * caller for one of this job by a file in the job's directory, which holds no secret and is gone after.
 *
 * @param address with the token that is to be the caller's
 * @param directory of the use of the action that has started the agent
 * @param writeNewFile makes a file for this user alone
 * @throws TrustError `agent-control`
 */
export async function joinAgent(
  { socket, token }: AgentAddress,
  directory: string,
  { id, keys, orphanedEnv, ...part }: JoinSettings,
  writeNewFile: (path: string, text: string) => void,
): Promise<Ready> {
  const message = controlMessage(token, { op: 'join', id, keys: encodeKeys(keys), orphanedEnv })
  if (message.length > MAX_MESSAGE) {
    throw new TrustError('agent-control', 'These are too many keys for an agent at once.', {
      hint: 'Spread them over several uses of the action.',
    })
  }
  const word = join(directory, wordName(id))
  writeNewFile(word, JSON.stringify({ digest: digestOf(token), part: encodePart(part) }))
  try {
    const [answer] = await converse(socket, [message], JOIN_TIMEOUT)
    const reader = new Reader(answer ?? Buffer.alloc(0))
    if (reader.byte() !== SSH_AGENT_EXTENSION_RESPONSE) {
      throw new TrustError('agent-control', 'The agent of this job takes no more keys in.')
    }
    reader.text(256)
    return JSON.parse(reader.text()) as Ready
  } finally {
    rmSync(word, { force: true })
  }
}
