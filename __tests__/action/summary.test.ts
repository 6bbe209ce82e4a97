/** The job summary and the log of post: complete, and nothing that others named can break out of it. */
import { afterEach, expect, jest, test } from '@jest/globals'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logTeardown, writeSummary } from '../../src/action/summary'
import type { AuditEntry } from '../../src/agent/audit'
import type { TeardownReport } from '../../src/trust/report'
import { makeDirectory } from '../support/scratch'

const file = join(makeDirectory(), 'summary')
process.env['GITHUB_STEP_SUMMARY'] = file

const USE: AuditEntry = {
  time: '2026-11-22T16:17:18.123Z',
  request: 'sign',
  verdict: 'signed',
  reason: 'host-pinned',
  key: 'SHA256:key',
  host: 'web',
  user: 'deploy',
  forwarded: false,
}
const REFUSED: AuditEntry = { ...USE, verdict: 'refused', reason: 'unbound' }

async function summaryOf(report: Partial<TeardownReport>): Promise<string> {
  writeFileSync(file, '')
  await writeSummary({ uses: [], effects: [], ...report })
  return readFileSync(file, 'utf8')
}

/** What post prints, by lines. */
function logOf(report: Partial<TeardownReport>): string[] {
  const lines: string[] = []
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(...String(text).split('\n'))
    return true
  })
  logTeardown({ uses: [], effects: [], ...report })
  return lines
}

afterEach(() => {
  jest.restoreAllMocks()
})

test('every use of a key is a row', async () => {
  const summary = await summaryOf({ uses: [USE, { ...REFUSED, forwarded: true }] })
  expect(summary).toContain(
    '<td>16:17:18</td><td>✓ signed</td><td>deploy@web</td><td>SHA256:key</td><td>host-pinned</td>',
  )
  expect(summary).toContain('<td>✗ refused (sign)</td>')
  expect(summary).toContain('<td>unbound, forwarded</td>')
})

test('no use is said in so many words', async () => {
  expect(await summaryOf({})).toContain('No key was used.')
})

test('uses beyond 200 are counted', async () => {
  const summary = await summaryOf({ uses: Array.from({ length: 203 }, () => USE) })
  expect(summary.match(/✓ signed/g)).toHaveLength(200)
  expect(summary).toContain('3 more uses are not shown.')
})

test('what could not be taken back is told, in summary and log', async () => {
  const effects = [
    { kind: 'home-block', target: '/h/.ssh/config', outcome: 'failed', detail: 'it is <locked>' },
    { kind: 'agent', target: '/t/agent.sock', outcome: 'undone' },
  ] as const
  const summary = await summaryOf({ effects: [...effects] })
  expect(summary).toContain('Not everything could be taken back:')
  expect(summary).toContain('home-block /h/.ssh/config: it is &#60;locked&#62;')
  expect(summary).not.toContain('Everything was taken back.')
  const log = logOf({ effects: [...effects] })
  expect(log).toContain(
    '::warning::Could not take back home-block /h/.ssh/config: failed (it is <locked>)',
  )
  expect(log).toContain('  agent /t/agent.sock: undone')
})

test('a user name with a line end and a command stays one line, and text', async () => {
  const user = 'x\r\n::set-output name=a::b\n<img src=x>'
  const log = logOf({ uses: [{ ...REFUSED, user }] })
  expect(log.filter((line) => line.startsWith('::'))).toEqual([])
  const summary = await summaryOf({ uses: [{ ...REFUSED, user }] })
  expect(summary).toContain('&#60;img src=x&#62;@web')
  expect(summary).not.toContain('<img')
})

test('without a summary file nothing is written, and nothing fails', async () => {
  delete process.env['GITHUB_STEP_SUMMARY']
  await expect(writeSummary({ uses: [USE], effects: [] })).resolves.toBeUndefined()
})
