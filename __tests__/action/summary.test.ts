/** The job summary and the log of post: complete, and nothing that others named can break out of it. */
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { logTeardown, writeSummary } from '../../src/action/summary'
import type { AuditEntry } from '../../src/agent/audit'
import type { Reason } from '../../src/agent/policy'
import { adviceFor } from '../../src/trust/advice'
import type { EffectReport, TeardownReport, TrustReport } from '../../src/trust/report'
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

const REPORT: TrustReport = {
  version: 1,
  policy: 'pinned',
  hosts: [],
  keys: [],
  grants: [],
  repairs: [],
  warnings: [],
}

interface Case {
  report?: Partial<TrustReport>
  entries?: AuditEntry[]
  omitted?: number
  effects?: EffectReport[]
}

function reportOf({ report, entries = [], omitted = 0, effects = [] }: Case): TeardownReport {
  const whole = report === undefined ? {} : { report: { ...REPORT, ...report } }
  return { audit: { entries, omitted }, effects, ...whole }
}

async function summaryOf(about: Case): Promise<string> {
  writeFileSync(file, '')
  await writeSummary(reportOf(about))
  return readFileSync(file, 'utf8')
}

/** The cells of the uses, a row each. */
async function usesOf(about: Case): Promise<string[][]> {
  const [, ...rows] = (await summaryOf(about)).split('<tr>')
  return rows.map((row) => [...row.matchAll(/<t[dh]>(.*?)<\/t[dh]>/g)].map(([, cell = '']) => cell))
}

/** What post prints, by lines. */
function logOf(about: Case): string[] {
  const lines: string[] = []
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(...String(text).split('\n'))
    return true
  })
  logTeardown(reportOf(about))
  return lines
}

const warningsOf = (about: Case): string[] =>
  logOf(about).filter((line) => line.startsWith('::warning'))

afterEach(() => {
  jest.restoreAllMocks()
})

describe('what bootstrap and revocation found', () => {
  const KEY = 'A'.repeat(68)
  const account = { host: 'web', user: 'deploy', file: '/home/deploy/.ssh/authorized_keys' }

  test('lines that were taken out, and those that stay, each in a row', async () => {
    const revocations = [
      { ...account, removed: [`ssh-ed25519 ${KEY} old <b>`], kept: [`ssh-ed25519 ${KEY} mine`] },
      { ...account, host: 'db', removed: [], kept: [] },
      { host: 'gone', user: 'deploy', removed: [], kept: [], error: 'Nothing listens.' },
    ]
    const short = `ssh-ed25519 ${'A'.repeat(24)}…${'A'.repeat(24)}`
    const rows = await usesOf({ report: { revocations } })
    expect(rows.filter(([name = '']) => name.includes('@'))).toEqual([
      ['deploy@web', '✓ removed', account.file, `${short} old &#60;b&#62;`],
      ['deploy@web', 'kept, since this job uses it', account.file, `${short} mine`],
      ['deploy@db', 'nothing to remove', account.file, '–'],
      ['deploy@gone', '✗ failed', '–', 'Nothing listens.'],
    ])
  })

  test('no more than 200 of them, and how many more', async () => {
    const removed = Array.from({ length: 250 }, (_, index) => `ssh-ed25519 ${KEY} old-${index}`)
    const summary = await summaryOf({
      report: { revocations: [{ ...account, removed, kept: [] }] },
    })
    expect(summary.match(/✓ removed/g)).toHaveLength(200)
    expect(summary).toContain('50 more lines are in the report')
  })

  test('host keys that are held and not pinned', async () => {
    const host = {
      ...{ name: 'web', host: 'web.example.org', port: 22, status: 'ok' as const },
      ...{ keyType: 'ED25519', fingerprint: 'SHA256:now', pin: 'SHA256:now', stale: [] },
      coming: [{ keyType: 'ECDSA', fingerprint: 'SHA256:coming' }],
    }
    const rows = await usesOf({ report: { hosts: [host, { ...host, coming: [] }] } })
    expect(rows.filter((cells) => cells.includes('SHA256:coming'))).toEqual([
      ['web', 'ECDSA', 'SHA256:coming'],
    ])
  })

  test('a revoked host key that is still held is warned of, once', async () => {
    const warning = 'web still holds a revoked host key.'
    const grant = {
      ...{ host: 'web', user: 'deploy', key: 'SHA256:a', status: 'added' as const },
      ...{ notes: [warning], warnings: [warning] },
    }
    const about = { report: { grants: [grant, { ...grant, key: 'SHA256:b' }] } }
    expect(warningsOf(about)).toEqual([`::warning::${warning}`])
    expect((await summaryOf(about)).split(warning)).toHaveLength(2)
  })

  test('nothing of all that: no tables for it', async () => {
    const summary = await summaryOf({ report: { revocations: [] } })
    expect(summary).not.toMatch(/Earlier trust|Also holds/)
  })
})

describe('the table of uses', () => {
  test('says when, which key, where, as whom, how, what became of it, and why', async () => {
    expect(await usesOf({ entries: [USE, { ...REFUSED, forwarded: true }] })).toEqual([
      ['Time (UTC)', 'Key', 'Host', 'User', 'Forwarded', 'Verdict', 'Reason'],
      ['16:17:18', 'SHA256:key', 'web', 'deploy', '–', '✓ signed', 'host-pinned'],
      ['16:17:18', 'SHA256:key', 'web', 'deploy', 'forwarded', '✗ refused', 'unbound'],
    ])
  })

  const { time } = USE
  test.each<[string, AuditEntry, string[]]>([
    [
      'a key that a step added',
      {
        ...{ time, request: 'add', verdict: 'done', reason: 'as-asked' },
        ...{ key: 'SHA256:k', comment: 'of <mine>' },
      },
      ['SHA256:k of &#60;mine&#62;', '–', '–', '–', '✓ done (add)', 'as-asked'],
    ],
    [
      'a key that was not taken, and why',
      {
        ...{ time, request: 'add', verdict: 'refused', reason: 'key-refused' },
        detail: 'DSA keys are not supported.',
      },
      ['–', '–', '–', '–', '✗ refused (add)', 'key-refused: DSA keys are not supported.'],
    ],
    [
      'a host that is not pinned, by its key',
      {
        ...{ time, request: 'list', verdict: 'refused', reason: 'host-not-pinned' },
        hostKey: 'SHA256:host',
      },
      ['–', 'SHA256:host', '–', '–', '✗ refused (list)', 'host-not-pinned'],
    ],
    [
      'the end of the lifetime',
      { time, request: 'expire', verdict: 'done', reason: 'lifetime-over' },
      ['–', '–', '–', '–', '✓ done (expire)', 'lifetime-over'],
    ],
  ])('%s', async (_, entry, cells) => {
    expect((await usesOf({ entries: [entry] }))[1]).toEqual(['16:17:18', ...cells])
  })

  test('no use is said in so many words', async () => {
    expect(await summaryOf({})).toContain('No key was used.')
    expect(await usesOf({})).toEqual([])
  })

  test('up to 200 are there in the order of time', async () => {
    const entries = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? REFUSED : USE))
    const [, ...rows] = await usesOf({ entries })
    expect(rows.map(([, , , , , verdict]) => verdict)).toEqual(
      entries.map(({ verdict }) => (verdict === 'signed' ? '✓ signed' : '✗ refused')),
    )
  })

  test('of more than 200, what was done comes before what was refused; the rest is counted', async () => {
    const entries = [
      ...Array.from({ length: 150 }, () => REFUSED),
      ...Array.from({ length: 59 }, () => USE),
      { ...USE, request: 'add', verdict: 'done' } as const,
    ]
    const [, ...rows] = await usesOf({ entries })
    const verdicts = rows.map(([, , , , , verdict]) => verdict)
    expect(verdicts).toEqual([
      ...Array.from({ length: 59 }, () => '✓ signed'),
      '✓ done (add)',
      ...Array.from({ length: 140 }, () => '✗ refused'),
    ])
    expect(await summaryOf({ entries })).toContain('10 more are in the audit and not shown.')
  })

  test('what the audit itself had no room for is counted, in summary and log', async () => {
    const about = { entries: [USE], omitted: 7 }
    expect(await summaryOf(about)).toContain('7 more had no room in the audit.')
    expect(logOf(about)).toContain('Not told, for the audit was full: 7 requests.')
    expect(await summaryOf({ entries: [USE] })).not.toContain('had no room')
    expect(logOf({ entries: [USE] }).join()).not.toContain('the audit was full')
  })
})

describe('the log', () => {
  test('counts signatures and refusals, and lists the first twenty refusals', () => {
    const entries = [
      ...Array.from({ length: 3 }, () => USE),
      { ...USE, request: 'add', verdict: 'done' } as const,
      ...Array.from({ length: 25 }, () => REFUSED),
    ]
    const log = logOf({ entries })
    expect(log[0]).toBe('Signatures made: 3. Requests refused: 25.')
    const refusal = '  refused: 16:17:18  SHA256:key  web  deploy  –  ✗ refused  unbound'
    expect(log.filter((line) => line === refusal)).toHaveLength(20)
  })
})

describe('warnings', () => {
  test('say what was refused, to whom, and what to do about it', () => {
    const entry: AuditEntry = { ...REFUSED, reason: 'user-not-allowed' }
    const [warning, ...more] = warningsOf({ entries: [USE, entry] })
    expect(warning).toBe(
      `::warning title=SSH trust::The agent refused for deploy@web: user-not-allowed. ${adviceFor(entry) ?? ''}`,
    )
    expect(more).toEqual([])
  })

  test('name the host alone, its key, or nothing, as far as it is known', () => {
    const { time, request } = USE
    const refusal: AuditEntry = { time, request, verdict: 'refused', reason: 'host-not-pinned' }
    const words = (entry: AuditEntry): string => warningsOf({ entries: [entry] })[0] ?? ''
    expect(words({ ...refusal, host: 'web' })).toContain('refused for web: host-not-pinned.')
    expect(words({ ...refusal, hostKey: 'SHA256:h' })).toContain('refused for SHA256:h: host-')
    expect(words({ ...refusal, hostKey: 'SHA256:h', user: 'x' })).toContain('for x@SHA256:h: ')
    expect(words({ ...refusal, user: 'x' })).toContain('The agent refused: host-not-pinned.')
  })

  test('come once for refusals with the same remedy, with their number', () => {
    const other: AuditEntry = { ...REFUSED, host: 'db', reason: 'host-revoked' }
    const warnings = warningsOf({ entries: [REFUSED, other, REFUSED, { ...REFUSED, user: 'x' }] })
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toContain('refused for deploy@web (3 times): unbound.')
    expect(warnings[1]).toContain('refused for deploy@db: host-revoked.')
  })

  test.each<Reason>(['session-mismatch', 'key-unknown', 'passphrase-wrong'])(
    'do not come for %s, which no workflow can mend',
    (reason) => {
      expect(warningsOf({ entries: [{ ...REFUSED, reason }] })).toEqual([])
    },
  )

  test('are ten at the most', () => {
    const entries = Array.from({ length: 12 }, (_, index): AuditEntry => ({
      ...REFUSED,
      reason: 'host-not-pinned',
      host: `h${index}`,
    }))
    const warnings = warningsOf({ entries })
    expect(warnings).toHaveLength(10)
    expect(warnings.at(-1)).toContain('deploy@h9')
  })
})

test('what could not be taken back is told, in summary and log', async () => {
  const effects: EffectReport[] = [
    { kind: 'home-block', target: '/h/.ssh/config', outcome: 'failed', detail: 'it is <locked>' },
    { kind: 'agent', target: '/t/agent.sock', outcome: 'undone' },
  ]
  const summary = await summaryOf({ effects })
  expect(summary).toContain('Not everything could be taken back:')
  expect(summary).toContain('home-block /h/.ssh/config: it is &#60;locked&#62;')
  expect(summary).not.toContain('Everything was taken back.')
  const log = logOf({ effects })
  expect(log).toContain(
    '::warning::Could not take back home-block /h/.ssh/config: failed (it is <locked>)',
  )
  expect(log).toContain('  agent /t/agent.sock: undone')
})

test.each(['user', 'host', 'comment', 'detail'] as const)(
  'a %s with a line end and a command stays one line, and text',
  async (field) => {
    const text = 'x\r\n::set-output name=a::b\n<img src=x>'
    const entries = [{ ...REFUSED, reason: 'host-not-pinned', [field]: text } as AuditEntry]
    const commands = logOf({ entries }).filter((line) => line.startsWith('::'))
    expect(commands).toEqual([expect.stringMatching(/^::warning title=SSH trust::The agent /)])
    const summary = await summaryOf({ entries })
    expect(summary).toContain('x ::set-output name=a::b &#60;img src=x&#62;')
    expect(summary).not.toContain('<img')
  },
)

test('without a summary file nothing is written, and nothing fails', async () => {
  delete process.env['GITHUB_STEP_SUMMARY']
  await expect(writeSummary(reportOf({ entries: [USE] }))).resolves.toBeUndefined()
})
