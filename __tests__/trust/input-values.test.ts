/** Values that inputs are made of: what is taken, and what is told where something is not. */
import { describe, expect, test } from '@jest/globals'
import { TrustError } from '../../src/errors'
import {
  collectErrors,
  readBoolean,
  readCount,
  readLines,
  readNames,
  readTimeout,
} from '../../src/trust/input-values'

const invalid = (text: string): object =>
  expect.objectContaining({
    code: 'input-invalid',
    message: expect.stringContaining(JSON.stringify(text)),
  })

describe('readBoolean', () => {
  test.each([
    ['true', true],
    ['True', true],
    ['TRUE', true],
    ['false', false],
    ['False', false],
    ['FALSE', false],
  ])('%s', (text, value) => {
    expect([readBoolean(text, true), readBoolean(text, false)]).toEqual([value, value])
  })

  test('nothing is the default', () => {
    expect([readBoolean('', true), readBoolean('', false)]).toEqual([true, false])
  })

  test.each(['yes', 'no', '1', '0', 'tRUE', ' true', 'on'])('%j is neither', (text) => {
    expect(() => readBoolean(text, true)).toThrow(invalid(text))
  })
})

describe('readCount', () => {
  test.each([
    ['', undefined],
    ['1', 1],
    ['20', 20],
    ['999999999', 999_999_999],
  ])('%j', (text, value) => {
    expect(readCount(text)).toBe(value)
  })

  test.each(['0', '-1', '+1', '01', '1.5', '1e3', '0x10', ' 1', '1000000000', 'many'])(
    '%j is none',
    (text) => {
      expect(() => readCount(text)).toThrow(invalid(text))
    },
  )
})

test.each([
  ['', []],
  [' , \n', []],
  ['git', ['git']],
  ['git,file', ['git', 'file']],
  ['git, file\r\n\tmail@example.org ,', ['git', 'file', 'mail@example.org']],
])('readNames: %j', (text, names) => {
  expect(readNames(text)).toEqual(names)
})

test('readLines: every line end, no empty lines, and blanks kept', () => {
  expect(readLines('\n a b \r\nc\r \t\nd')).toEqual([' a b ', 'c', 'd'])
})

describe('readTimeout', () => {
  test.each([
    ['', 10_000],
    ['1', 1000],
    ['2.5', 2500],
    ['300', 300_000],
  ])('%j', (text, milliseconds) => {
    expect(readTimeout(text, 10)).toBe(milliseconds)
  })

  test.each(['0', '0.9', '301', '-5', '5s', ' ', 'Infinity', 'NaN'])('%j is none', (text) => {
    expect(() => readTimeout(text, 10)).toThrow(invalid(text))
  })
})

describe('collectErrors', () => {
  test('gives what was read, and gathers what failed, each with its input', () => {
    const { errors, attempt } = collectErrors()
    expect(attempt('home', () => readBoolean('true', false))).toBe(true)
    expect(attempt('home', () => readBoolean('x', false))).toBeUndefined()
    expect(attempt('max-signatures', () => readCount('y'))).toBeUndefined()
    expect(errors).toMatchObject([{ input: 'home' }, { input: 'max-signatures' }])
  })

  test('an error that names its input keeps it', () => {
    const { errors, attempt } = collectErrors()
    attempt('keys', () => {
      throw new TrustError('malformed', 'Bad.', { input: 'line 7' })
    })
    expect(errors).toMatchObject([{ input: 'line 7' }])
  })

  test('what is no matter of the user is thrown on', () => {
    const { errors, attempt } = collectErrors()
    expect(() => attempt('home', () => JSON.parse('{') as unknown)).toThrow(/JSON/)
    expect(errors).toEqual([])
  })
})
