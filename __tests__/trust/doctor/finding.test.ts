/** Findings as text, their bounds; and that the handbook has a row for every code, and for no other. */
import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  CHECKS,
  fine,
  FINDING_CODES,
  formatFindings,
  hasProblem,
  told,
} from '../../../src/trust/doctor/finding'

describe('formatFindings', () => {
  const good = fine('ssh', 'Good.')
  const bad = {
    ...told('problem', 'login', 'login-failed', 'Bad\x1b[2J.', {
      evidence: 'It said\nthis.',
      hint: 'Do it.',
      steps: ['Debian: apt', 'Alpine: apk'],
    }),
    host: 'web',
  }

  test('aligns, with evidence and what to do below; no control character comes through', () => {
    const below = ' '.repeat(21)
    expect(formatFindings([good, bad], false)).toBe(
      [
        'ok            ssh    Good.',
        'problem  web  login  Bad [2J. [login-failed]',
        `${below}· It said this.`,
        `${below}→ Do it.`,
        `${below}  Debian: apt`,
        `${below}  Alpine: apk`,
        '',
      ].join('\n'),
    )
  })

  test('colours the status alone', () => {
    expect(formatFindings([good], true)).toBe('\x1b[32mok     \x1b[0m  ssh  Good.\n')
  })

  test('only a problem is one', () => {
    const others = (['ok', 'warning', 'unknown'] as const).map((status) => ({ ...good, status }))
    expect(hasProblem(others)).toBe(false)
    expect(hasProblem([...others, bad])).toBe(true)
  })
})

test('whatever a server says becomes one short line', () => {
  const noise = `\x1b]0;title\x07${'x'.repeat(100_000)}\n::set-output name=a::b`
  const finding = told('unknown', 'log', 'log-unexplained', noise, { evidence: noise, hint: noise })
  for (const text of [finding.finding, finding.evidence ?? '', finding.hint ?? '']) {
    expect(text.length).toBeLessThan(4100)
    expect(text).not.toMatch(/\p{Cc}/u)
  }
  expect(finding.evidence?.length).toBeLessThan(510)
})

test('what is empty is left out', () => {
  expect(told('ok', 'ssh', 'ssh-ok', 'Good.', { evidence: '', hint: ' ', steps: [] })).toEqual({
    status: 'ok',
    check: 'ssh',
    code: 'ssh-ok',
    finding: 'Good.',
  })
})

describe('the handbook', () => {
  const text = readFileSync(join(process.cwd(), 'docs', 'TROUBLESHOOTING.md'), 'utf8')
  const [, section = ''] = /^## ssh-trust doctor\n([^]*?)^## /m.exec(text) ?? []
  /** First cells of the tables: names in backticks. */
  const rows = [...section.matchAll(/^\| `([a-z0-9-]+)` +\|(.*)\|$/gm)].map(
    ([, name = '', rest = '']) => ({
      name,
      cells: rest.split(/(?<!\\)\|/).map((cell) => cell.trim()),
    }),
  )
  const names = rows.map(({ name }) => name)

  test('the codes stand there once each', () => {
    expect(new Set(FINDING_CODES).size).toBe(FINDING_CODES.length)
  })

  test.each(FINDING_CODES)('says of %s what it is and what to do', (code) => {
    const found = rows.filter(({ name }) => name === code)
    expect(found).toHaveLength(1)
    expect(found[0]?.cells).toHaveLength(2)
    expect(found[0]?.cells.every((cell) => cell !== '')).toBe(true)
  })

  test.each(CHECKS)('says what the check %s is about', (check) => {
    expect(names).toContain(check)
  })

  test('has no other row', () => {
    const known: readonly string[] = [...FINDING_CODES, ...CHECKS]
    expect(names.filter((name) => !known.includes(name))).toEqual([])
  })
})
