/** From the inputs that say what the agent may sign to its policy. */
import { describe, expect, test } from '@jest/globals'
import { combine } from '../../src/errors'
import { collectErrors } from '../../src/trust/input-values'
import { readPolicy, type AgentBounds, type PolicyInputs } from '../../src/trust/policy'

const EMPTY: PolicyInputs = {
  agentPolicy: '',
  agentLifetime: '',
  maxSignatures: '',
  signatureNamespaces: '',
  signOtherData: '',
}

function read(changes: Partial<PolicyInputs>, pinned = true): AgentBounds {
  const { errors, attempt } = collectErrors()
  const bounds = readPolicy({ ...EMPTY, ...changes }, pinned, attempt)
  if (bounds === undefined || errors.length > 0) throw combine(errors)
  return bounds
}

test('what is not given is not in it', () => {
  expect(read({})).toStrictEqual({ policy: { mode: 'pinned' } })
  expect(read({}, false)).toStrictEqual({ policy: { mode: 'any' } })
})

test.each<[Partial<PolicyInputs>, AgentBounds]>([
  [{ agentPolicy: 'any' }, { policy: { mode: 'any' } }],
  [{ agentPolicy: 'warn' }, { policy: { mode: 'warn' } }],
  [{ agentPolicy: 'pinned' }, { policy: { mode: 'pinned' } }],
  [{ agentLifetime: '1h30m' }, { policy: { mode: 'pinned' }, lifetime: 5400 }],
  [{ agentLifetime: '1' }, { policy: { mode: 'pinned' }, lifetime: 1 }],
  [{ agentLifetime: '24d' }, { policy: { mode: 'pinned' }, lifetime: 2_073_600 }],
  [{ maxSignatures: '1' }, { policy: { mode: 'pinned', maxSignatures: 1 } }],
  [{ signatureNamespaces: 'git' }, { policy: { mode: 'pinned', namespaces: ['git'] } }],
  [
    { signatureNamespaces: 'git, file\nx@example.org' },
    { policy: { mode: 'pinned', namespaces: ['git', 'file', 'x@example.org'] } },
  ],
  [{ signatureNamespaces: ' , ' }, { policy: { mode: 'pinned' } }],
  [{ signOtherData: 'true' }, { policy: { mode: 'pinned', otherData: true } }],
  [{ signOtherData: 'false' }, { policy: { mode: 'pinned' } }],
])('%j', (inputs, expected) => {
  expect(read(inputs)).toStrictEqual(expected)
})

describe('errors', () => {
  test.each<[Partial<PolicyInputs>, string, RegExp]>([
    [{ agentPolicy: 'Pinned' }, 'agent-policy', /"Pinned" is no policy.*pinned, warn, any/],
    [{ agentLifetime: '0' }, 'agent-lifetime', /"0" is no span of time.*1h30m/],
    [{ agentLifetime: 'forever' }, 'agent-lifetime', /"forever"/],
    [{ agentLifetime: '-5m' }, 'agent-lifetime', /"-5m"/],
    // A timer of Node that is to wait longer fires at once.
    [{ agentLifetime: '25d' }, 'agent-lifetime', /"25d" is more than 24 days/],
    [{ agentLifetime: '2073601s' }, 'agent-lifetime', /more than 24 days/],
    [{ maxSignatures: '0' }, 'max-signatures', /"0" is not a number from 1 to 999999999/],
    [{ maxSignatures: 'two' }, 'max-signatures', /"two"/],
    [{ signOtherData: 'yes' }, 'sign-other-data', /"yes" is neither true nor false/],
  ])('%j', (changes, input, words) => {
    const { errors, attempt } = collectErrors()
    readPolicy({ ...EMPTY, ...changes }, true, attempt)
    expect(errors).toMatchObject([{ code: 'input-invalid', input }])
    expect(errors[0]?.explain()).toMatch(words)
  })

  test.each(['pinned', 'warn'])('%s without hosts has nothing to go by', (agentPolicy) => {
    expect(() => read({ agentPolicy }, false)).toThrow(
      expect.objectContaining({
        code: 'input-invalid',
        message: expect.stringContaining(`The policy ${agentPolicy} needs hosts`),
      }),
    )
    expect(read({ agentPolicy: 'any' }, false)).toEqual({ policy: { mode: 'any' } })
  })

  test('of all inputs at once', () => {
    const { errors, attempt } = collectErrors()
    const wrong = { agentPolicy: 'x', agentLifetime: 'x', maxSignatures: 'x', signOtherData: 'x' }
    expect(readPolicy({ ...EMPTY, ...wrong }, true, attempt)).toBeUndefined()
    expect(errors.map(({ input }) => input)).toEqual([
      ...['agent-policy', 'agent-lifetime', 'max-signatures', 'sign-other-data'],
    ])
  })
})
