/** The error type, its words; and that the handbook has an entry for every code. */
import { describe, expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_CODES, explain, systemCode, TrustError } from '../src/errors'
import { REASONS } from './agent/fixtures'

const cause = new Error('deep')

describe('TrustError', () => {
  test('carries what it is given', () => {
    const error = new TrustError('malformed', 'Bad.', { input: 'hosts:3', hint: 'Mend it.', cause })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      ...{ name: 'TrustError', code: 'malformed', message: 'Bad.' },
      ...{ input: 'hosts:3', hint: 'Mend it.', cause },
    })
    expect(new TrustError('malformed', 'Bad.')).not.toHaveProperty('cause')
  })

  test('about() names the input, and keeps all else', () => {
    const error = new TrustError('malformed', 'Bad.', { hint: 'Mend it.', cause })
    const named = error.about('hosts:3')
    expect(named).toBeInstanceOf(TrustError)
    expect(named).toMatchObject({ code: 'malformed', message: 'Bad.', hint: 'Mend it.', cause })
    expect(named.input).toBe('hosts:3')
    expect(error.input).toBeUndefined()
    expect(new TrustError('malformed', 'Bad.').about('x')).not.toHaveProperty('cause')
  })

  test('about() leaves an input that is named already', () => {
    const error = new TrustError('malformed', 'Bad.', { input: 'hosts:3:17' })
    expect(error.about('hosts')).toBe(error)
  })

  test.each([
    [{}, 'Bad. [malformed]'],
    [{ input: 'hosts:3' }, 'hosts:3: Bad. [malformed]'],
    [{ hint: 'Mend it.' }, 'Bad. Mend it. [malformed]'],
    [{ input: 'hosts:3', hint: 'Mend it.', cause }, 'hosts:3: Bad. Mend it. [malformed]'],
  ])('with %j it says: %s', (details, text) => {
    const error = new TrustError('malformed', 'Bad.', details)
    expect(error.explain()).toBe(text)
    expect(explain(error)).toBe(text)
  })
})

test.each([
  [new Error('plain'), 'plain'],
  ['a string', 'a string'],
  [undefined, 'undefined'],
  [42, '42'],
])('explain() has words for whatever was thrown: %p', (thrown, text) => {
  expect(explain(thrown)).toBe(text)
})

test.each([
  [Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'],
  [Object.assign(new Error('x'), { code: 7 }), undefined],
  [new Error('x'), undefined],
  [{ code: 'ENOENT' }, undefined],
  [undefined, undefined],
  ['ENOENT', undefined],
])('systemCode(%p) is %p', (thrown, code) => {
  expect(systemCode(thrown)).toBe(code)
})

test('systemCode() knows the errors of Node itself', () => {
  try {
    readFileSync('/nonexistent/file')
    throw new Error('it is there')
  } catch (error) {
    expect(systemCode(error)).toBe('ENOENT')
  }
})

describe('the codes', () => {
  const file = join(process.cwd(), 'docs', 'TROUBLESHOOTING.md')
  const headings = (): string[] =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => /^#+ /.test(line))
      : []

  test('stand there once each', () => {
    expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length)
  })

  test.each(ERROR_CODES)('docs/TROUBLESHOOTING.md has an entry for %s', (code) => {
    expect(headings().filter((line) => line.includes(`\`${code}\``))).toHaveLength(1)
  })

  test('the handbook’s headings name no other code, and no reason that the audit has not', () => {
    const known: readonly string[] = [...ERROR_CODES, ...Object.keys(REASONS)]
    const named = headings().flatMap((line) => line.match(/(?<=`)[a-z]+-[a-z0-9-]+(?=`)/g) ?? [])
    expect(named.filter((code) => !known.includes(code))).toEqual([])
  })
})
