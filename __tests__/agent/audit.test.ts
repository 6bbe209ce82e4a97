/** The audit file: its lines, its bound, its refusal of links; and reading it again. */
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openAudit, parseAudit, type AuditEntry } from '../../src/agent/audit'
import { makeDirectory } from '../support/scratch'

const ENTRY: Omit<AuditEntry, 'time'> = {
  request: 'sign',
  verdict: 'refused',
  reason: 'unbound',
  user: 'né\n"',
}
const LIMIT = 4 * 1024 * 1024

afterEach(() => {
  jest.useRealTimers()
})

function auditFile(): string {
  return join(makeDirectory(), 'audit.jsonl')
}

describe('openAudit', () => {
  test('writes one line for each entry, with its time, at once', () => {
    jest.useFakeTimers({ now: Date.UTC(2026, 0, 2, 3, 4, 5, 6) })
    const file = auditFile()
    const audit = openAudit(file)
    expect(audit.counts()).toEqual({ written: 0, omitted: 0 })
    audit.write(ENTRY)
    audit.write({ ...ENTRY, reason: 'host-pinned', forwarded: false })
    const time = '2026-01-02T03:04:05.006Z'
    const expected = [
      { time, ...ENTRY },
      { time, ...ENTRY, reason: 'host-pinned', forwarded: false },
    ]
    const text = readFileSync(file, 'utf8')
    expect(text.split('\n')).toHaveLength(3)
    expect(parseAudit(text)).toEqual(expected)
    expect(audit.counts()).toEqual({ written: 2, omitted: 0 })
    audit.close()
  })

  test('makes a file that only its owner reads', () => {
    const file = auditFile()
    openAudit(file).close()
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('adds to a file that is there', () => {
    const file = auditFile()
    for (const reason of ['sha1', 'unbound'] as const) {
      const audit = openAudit(file)
      audit.write({ ...ENTRY, reason })
      audit.close()
    }
    expect(parseAudit(readFileSync(file, 'utf8')).map(({ reason }) => reason)).toEqual([
      'sha1',
      'unbound',
    ])
  })

  test('stops growing at its bound, and counts what it leaves out', () => {
    const file = auditFile()
    const audit = openAudit(file)
    const detail = 'x'.repeat(64 * 1024)
    for (let n = 0; n < 100; n += 1) audit.write({ ...ENTRY, detail })
    const { written, omitted } = audit.counts()
    expect(written + omitted).toBe(100)
    expect(omitted).toBeGreaterThan(0)
    const { size } = statSync(file)
    expect(size).toBeLessThanOrEqual(LIMIT)
    expect(size).toBeGreaterThan(LIMIT - 2 * detail.length)
    const entries = parseAudit(readFileSync(file, 'utf8'))
    expect(entries).toHaveLength(written)
    expect(entries.every((entry) => entry.detail === detail)).toBe(true)

    audit.write(ENTRY) // what is small still fits
    expect(audit.counts()).toEqual({ written: written + 1, omitted })
    audit.close()
  })

  test('its bound holds for the file, whoever began it', () => {
    const file = auditFile()
    writeFileSync(file, Buffer.alloc(LIMIT, '\n'))
    const audit = openAudit(file)
    audit.write(ENTRY)
    audit.close()
    expect(statSync(file).size).toBeLessThanOrEqual(LIMIT)
  })

  test('that can not be written counts, and does not throw', () => {
    const audit = openAudit(auditFile())
    audit.close() // every write fails from here on
    audit.write(ENTRY)
    expect(audit.counts()).toEqual({ written: 0, omitted: 1 })
  })

  test('does not write through a symbolic link', () => {
    const file = auditFile()
    const target = join(makeDirectory(), 'target')
    writeFileSync(target, 'untouched')
    symlinkSync(target, file)
    expect(() => openAudit(file)).toThrow(expect.objectContaining({ code: 'ELOOP' }))
    expect(readFileSync(target, 'utf8')).toBe('untouched')
  })
})

describe('parseAudit', () => {
  const line = JSON.stringify({ time: 't', ...ENTRY })

  test.each([
    ['nothing', '', 0],
    ['lines', `${line}\n${line}\n`, 2],
    ['a last line without newline', `${line}\n${line}`, 2],
    ['a torn last line', `${line}\n${line.slice(0, -5)}`, 1],
    ['a torn line in the middle', `${line}\n${line.slice(0, 9)}\n${line}\n`, 2],
    ['empty lines', `\n\n${line}\n\n`, 1],
  ])('%s', (_, text, count) => {
    expect(parseAudit(text)).toEqual(Array<unknown>(count).fill({ time: 't', ...ENTRY }))
  })
})
