/** Logging in with the keys of an agent that runs already, which SSH_AUTH_SOCK names. */
import { createAgent, type ParsedKey, type SigningRequestOptions } from 'ssh2'
import { TrustError } from '../errors'
import { string } from '../ssh/wire'
import type { Credentials } from './connect'

type Agent = ReturnType<typeof createAgent>

/**
 * @param address as in SSH_AUTH_SOCK: a socket, or a named pipe of Windows
 * @throws TrustError `agent-control` if nobody answers there, or there are no keys
 */
export async function agentCredentials(address: string): Promise<Credentials> {
  const agent = createAgent(address)
  const keys = await identities(agent, address)
  if (keys.length === 0) {
    throw new TrustError('agent-control', `The agent at ${address} has no keys to log in with.`, {
      hint: 'Add one with ssh-add.',
    })
  }
  return {
    kind: 'signer',
    keys: keys.map((key) => key.getPublicSSH()),
    sign: async (blob, data, _, hash) => {
      const key = keys.find((one) => one.getPublicSSH().equals(blob))
      if (key === undefined) throw new Error('the agent has no such key')
      return sign(agent, key, data, hash)
    },
  }
}

async function identities(agent: Agent, address: string): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    agent.getIdentities((cause, keys = []) => {
      if (cause === undefined || cause === null) resolve(keys.filter(isParsed))
      else {
        const message = `The agent at ${address} can't be asked: ${cause.message}`
        reject(new TrustError('agent-control', message, { cause }))
      }
    })
  })
}

function isParsed(key: object | string): key is ParsedKey {
  return typeof key === 'object' && 'getPublicSSH' in key
}

/** The signature in the SSH format, as `Credentials` have it; ssh2 gives the bare one. */
async function sign(
  agent: Agent,
  key: ParsedKey,
  data: Buffer,
  hash: string | undefined,
): Promise<Buffer> {
  const options: SigningRequestOptions = hash === 'sha256' || hash === 'sha512' ? { hash } : {}
  return new Promise((resolve, reject) => {
    agent.sign(key, data, options, (cause, signature) => {
      if (signature !== undefined) {
        resolve(Buffer.concat([string(key.type), string(Buffer.from(signature))]))
      } else reject(cause ?? new Error('the agent did not sign'))
    })
  })
}
