/** The audit file: its lines, its bound, its refusal of links; and reading it again. */
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NO_AUDIT, openAudit, parseAudit, STDERR, type AuditEntry } from '../../src/agent/audit'
import { runProgram } from '../local/compiled'
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
    expect(parseAudit(text)).toEqual({ entries: expected, omitted: 0 })
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
    expect(parseAudit(readFileSync(file, 'utf8')).entries.map(({ reason }) => reason)).toEqual([
      'sha1',
      'unbound',
    ])
  })

  describe('its bound', () => {
    const detail = 'x'.repeat(64 * 1024)
    const refused = { ...ENTRY, detail }
    const signed = { ...refused, verdict: 'signed', reason: 'host-pinned' } as const
    const many = <T>(entry: T): T[] => Array<T>(100).fill(entry)

    test('stops all that is written, and counts what is left out', () => {
      const file = auditFile()
      const audit = openAudit(file)
      for (const entry of many(signed)) audit.write(entry)
      const { written, omitted } = audit.counts()
      expect(written + omitted).toBe(100)
      expect(omitted).toBeGreaterThan(0)
      const { size } = statSync(file)
      expect(size).toBeLessThanOrEqual(LIMIT)
      expect(size).toBeGreaterThan(LIMIT - 2 * detail.length)
      const { entries } = parseAudit(readFileSync(file, 'utf8'))
      expect(entries).toHaveLength(written)
      expect(entries.every((entry) => entry.detail === detail)).toBe(true)

      audit.write({ ...signed, detail: 'small' }) // what is small still fits
      expect(audit.counts()).toEqual({ written: written + 1, omitted })
      audit.close()
    })

    test('stops refusals at its half; what is signed and done is told all the same', () => {
      const file = auditFile()
      const audit = openAudit(file)
      for (const entry of many(refused)) audit.write(entry)
      const { written, omitted } = audit.counts()
      expect(omitted).toBeGreaterThan(50)
      const { size } = statSync(file)
      expect(size).toBeLessThanOrEqual(LIMIT / 2)
      expect(size).toBeGreaterThan(LIMIT / 2 - 2 * detail.length)
      audit.write(signed)
      audit.write({ ...refused, request: 'add', verdict: 'done', reason: 'as-asked' })
      audit.write(refused)
      expect(audit.counts()).toEqual({ written: written + 2, omitted: omitted + 1 })
      audit.close()
      const { entries } = parseAudit(readFileSync(file, 'utf8'))
      expect(entries.slice(-2).map(({ verdict }) => verdict)).toEqual(['signed', 'done'])
    })

    test('stops refusals behind what was signed, too', () => {
      const file = auditFile()
      const audit = openAudit(file)
      for (let n = 0; n < 40; n += 1) audit.write(signed)
      audit.write({ ...ENTRY, detail: 'small' })
      expect(audit.counts()).toEqual({ written: 40, omitted: 1 })
      audit.close()
    })

    test('leaves room for a last line, which says how much was left out', () => {
      jest.useFakeTimers({ now: Date.UTC(2026, 0, 2, 3, 4, 5, 6) })
      const file = auditFile()
      const audit = openAudit(file)
      for (const entry of many(signed)) audit.write(entry)
      for (let n = 0; n < 2000; n += 1) audit.write({ ...signed, detail: '' })
      const { written, omitted } = audit.counts()
      audit.close()
      expect(statSync(file).size).toBeLessThanOrEqual(LIMIT)
      const text = readFileSync(file, 'utf8')
      expect(text.trimEnd().split('\n').at(-1)).toBe(
        JSON.stringify({ time: '2026-01-02T03:04:05.006Z', omitted }),
      )
      expect(parseAudit(text)).toMatchObject({ omitted, entries: { length: written } })
    })

    test('is one of bytes, not of characters', () => {
      const file = auditFile()
      const audit = openAudit(file)
      const wide = '\u20ac'.repeat(1000) // three bytes each
      for (let n = 0; n < 1500; n += 1) audit.write({ ...signed, detail: wide })
      const { omitted } = audit.counts()
      expect(omitted).toBeGreaterThan(0)
      audit.close()
      expect(statSync(file).size).toBeLessThanOrEqual(LIMIT)
      expect(parseAudit(readFileSync(file, 'utf8')).omitted).toBe(omitted)
    })

    test('holds for the file, whoever began it', () => {
      const file = auditFile()
      writeFileSync(file, Buffer.alloc(LIMIT, '\n'))
      const audit = openAudit(file)
      audit.write(signed)
      expect(audit.counts()).toEqual({ written: 0, omitted: 1 })
      audit.close()
      expect(statSync(file).size).toBe(LIMIT)
    })
  })

  test('ends without a word where nothing was left out', () => {
    const file = auditFile()
    const audit = openAudit(file)
    audit.write(ENTRY)
    audit.close()
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(2)
  })

  test('that can not be written counts, and does not throw', () => {
    const audit = openAudit(auditFile())
    audit.close() // every write fails from here on
    audit.write(ENTRY)
    expect(audit.counts()).toEqual({ written: 0, omitted: 1 })
    expect(audit.close).not.toThrow()
  })

  test('of stderr goes there, and leaves it open', async () => {
    const program = `const { openAudit, STDERR } = load('agent/audit')
      const audit = openAudit(STDERR)
      audit.write(${JSON.stringify(ENTRY)})
      audit.close()
      process.stderr.write('after\\n')`
    const { code, stderr } = await runProgram(program)
    expect(code).toBe(0)
    expect(stderr).toMatch(/\nafter\n$/)
    expect(parseAudit(stderr).entries).toEqual([{ time: expect.any(String), ...ENTRY }])
    expect(STDERR).toBe('stderr')
  })

  test('that nobody reads counts nothing', () => {
    NO_AUDIT.write(ENTRY)
    expect(NO_AUDIT.counts()).toEqual({ written: 0, omitted: 0 })
    NO_AUDIT.close()
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
    const entries = Array<unknown>(count).fill({ time: 't', ...ENTRY })
    expect(parseAudit(text)).toEqual({ entries, omitted: 0 })
  })

  test.each([
    ['a last line that says so', `${line}\n{"time":"t","omitted":7}\n`, 1, 7],
    ['two agents one after the other', `{"time":"t","omitted":7}\n${line}\n{"omitted":2}\n`, 1, 9],
  ])('what was left out is summed up: %s', (_, text, count, omitted) => {
    const { entries, omitted: told } = parseAudit(text)
    expect(entries).toHaveLength(count)
    expect(told).toBe(omitted)
  })

  test('lines that are JSON but no entries are dropped', () => {
    expect(parseAudit(`7\nnull\n"text"\n[]\n{}\n${line}\n`)).toEqual({
      entries: [{ time: 't', ...ENTRY }],
      omitted: 0,
    })
  })
})
