/** The agent's policy, from the inputs that say what it may sign. */
import { POLICY_MODES, type Policy, type PolicyMode } from '../agent/policy'
import { TrustError } from '../errors'
import { parseDuration } from './duration'
import { readBoolean, readCount, readNames, type collectErrors } from './input-values'

/** Inputs as texts; empty stands for not given. */
export interface PolicyInputs {
  agentPolicy: string
  agentLifetime: string
  maxSignatures: string
  signatureNamespaces: string
  signOtherData: string
}

/** What the agent is to be, but for its hosts. */
export interface AgentBounds {
  policy: Omit<Policy, 'hosts'>
  /** How long it serves keys, in seconds; absent: as long as it runs. */
  lifetime?: number
}

/**
 * @param pinned whether there are hosts to go by
 * @returns undefined where `attempt` has noted an error
 */
export function readPolicy(
  inputs: PolicyInputs,
  pinned: boolean,
  attempt: ReturnType<typeof collectErrors>['attempt'],
): AgentBounds | undefined {
  const mode = attempt('agent-policy', () => readMode(inputs.agentPolicy, pinned))
  const lifetime =
    inputs.agentLifetime === ''
      ? undefined
      : attempt('agent-lifetime', () => readLifetime(inputs.agentLifetime))
  const maxSignatures = attempt('max-signatures', () => readCount(inputs.maxSignatures))
  const namespaces = readNames(inputs.signatureNamespaces)
  const otherData = attempt('sign-other-data', () => readBoolean(inputs.signOtherData, false))
  if (mode === undefined || otherData === undefined) return undefined
  return {
    policy: {
      mode,
      ...(namespaces.length === 0 ? {} : { namespaces }),
      ...(otherData ? { otherData } : {}),
      ...(maxSignatures === undefined ? {} : { maxSignatures }),
    },
    ...(lifetime === undefined ? {} : { lifetime }),
  }
}

function readMode(text: string, pinned: boolean): PolicyMode {
  if (text === '') return pinned ? 'pinned' : 'any'
  const mode = POLICY_MODES.find((name) => name === text)
  if (mode === undefined) {
    throw new TrustError('input-invalid', `${JSON.stringify(text)} is no policy.`, {
      hint: `Use one of: ${POLICY_MODES.join(', ')}.`,
    })
  }
  if (mode !== 'any' && !pinned) {
    throw new TrustError(
      'input-invalid',
      `The policy ${mode} needs hosts to go by, and hosts is empty.`,
      {
        hint: 'List the hosts of the job, one a line, each with the fingerprint of its key.',
      },
    )
  }
  return mode
}

/** The longest that a timer of Node waits is 24.8 days; a job on a runner of one's own lasts 5 at most. */
const MAX_LIFETIME = 24 * 86_400

function readLifetime(text: string): number {
  const seconds = parseDuration(text)
  if (seconds <= MAX_LIFETIME) return seconds
  throw new TrustError('input-invalid', `${JSON.stringify(text)} is more than 24 days.`)
}
