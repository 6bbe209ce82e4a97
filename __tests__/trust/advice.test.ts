/** The advice that refusals come with: one for each that a workflow can mend, naming what to change. */
import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { AuditEntry } from '../../src/agent/audit'
import type { Reason } from '../../src/agent/policy'
import { adviceFor } from '../../src/trust/advice'

const REFUSAL: AuditEntry = {
  time: '2026-11-22T16:17:18.123Z',
  request: 'sign',
  verdict: 'refused',
  reason: 'unbound',
  key: 'SHA256:key',
}

/** Words of each advice; undefined where there is none. A reason that is new has to get its line. */
const WORDS: Record<Reason, RegExp | undefined> = {
  // of refusals that a workflow can mend
  unbound: /OpenSSH does since version 8\.9 .*set agent-policy to warn\.$/,
  'bind-failed': /without a valid proof/,
  'not-userauth': /Set sign-other-data to true/,
  'namespace-not-allowed': /Add its namespace to signature-namespaces; for git that is git\./,
  'host-not-pinned': /Add a line with the pin of that host \(web\) to hosts/,
  'host-revoked': /@revoked\. Do not log in to web\./,
  'key-not-for-host': /key= of that host's line .* other keys than SHA256:key\./,
  'user-not-allowed': /Add deploy to users= of the line of web in hosts\./,
  'forward-not-allowed': /Add forward to the line of web in hosts.*ssh -J/,
  'forward-not-hostbound': /OpenSSH 8\.9 or later is needed at both ends/,
  'destination-not-permitted': /ssh-add -h/,
  'signatures-used-up': /^Raise max-signatures\.$/,
  'lifetime-over': /^Raise agent-lifetime\.$/,
  'confirmation-denied': /ssh-add -c/,
  locked: /ssh-add -x/,
  sha1: /Use an ed25519 key/,
  // what nobody would allow, or what says all itself
  'forwarding-hop': undefined,
  'session-mismatch': undefined,
  'host-key-mismatch': undefined,
  'passphrase-wrong': undefined,
  'key-refused': undefined,
  'key-unknown': undefined,
  // no refusals
  'host-pinned': undefined,
  'unbound-allowed': undefined,
  'any-allowed': undefined,
  'namespace-allowed': undefined,
  'other-data-allowed': undefined,
  'as-asked': undefined,
}
const advised = Object.entries(WORDS).filter(([, words]) => words !== undefined) as [
  Reason,
  RegExp,
][]
const silent = (Object.keys(WORDS) as Reason[]).filter((reason) => WORDS[reason] === undefined)

test.each(advised)('%s is told how to mend', (reason, words) => {
  expect(adviceFor({ ...REFUSAL, reason, host: 'web', user: 'deploy' })).toMatch(words)
})

test.each(silent)('%s has no advice', (reason) => {
  expect(adviceFor({ ...REFUSAL, reason, host: 'web', user: 'deploy' })).toBeUndefined()
})

describe('what the audit does not know', () => {
  test('a host without a name is told by its key, and without that in words', () => {
    const reason = 'host-not-pinned'
    expect(adviceFor({ ...REFUSAL, reason, hostKey: 'SHA256:h' })).toContain('(SHA256:h)')
    expect(adviceFor({ ...REFUSAL, reason, host: 'web', hostKey: 'SHA256:h' })).toContain('(web)')
    expect(adviceFor({ ...REFUSAL, reason })).toContain('(that host)')
  })

  test.each(advised)('%s: nothing undefined is told', (reason) => {
    const { time, request, verdict } = REFUSAL
    expect(adviceFor({ time, request, verdict, reason })).not.toContain('undefined')
  })
})

test('advice names inputs that there are', () => {
  const { inputs } = parse(readFileSync('action.yml', 'utf8')) as { inputs: object }
  const named = advised.flatMap(
    ([reason]) =>
      adviceFor({ ...REFUSAL, reason })?.match(
        /\b(?:agent|max|sign|signature)-[a-z]+(?:-[a-z]+)?\b/g,
      ) ?? [],
  )
  expect(named).toEqual(expect.arrayContaining(['agent-policy', 'max-signatures']))
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(named))
})
