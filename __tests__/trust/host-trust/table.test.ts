/** The table of who can log in where. */
import { describe, expect, test } from '@jest/globals'
import {
  renderTrustTable,
  trustRows,
  type MeasuredLogin,
} from '../../../src/trust/host-trust/table'

describe('the table of measured logins', () => {
  const login = (source: string, target: string, works: boolean): MeasuredLogin => ({
    source: { name: source },
    target: { name: target },
    works,
  })
  const measured = [
    login('web1', 'database1', true),
    login('web1', 'w2', false),
    { source: { name: 'w2', user: 'x' }, target: { name: 'web1' }, works: false },
    { source: { name: 'w2', user: 'x' }, target: { name: 'web1' }, works: true },
  ]

  test('as rows', () => {
    expect(trustRows(measured)).toEqual([
      ['from \\ to', 'database1', 'w2', 'web1'],
      ['web1', '✓', '✗', '–'],
      ['x@w2', '–', '–', '✓'],
    ])
    expect(trustRows([])).toEqual([['from \\ to']])
  })

  test('as text', () => {
    expect(renderTrustTable(measured)).toEqual([
      'from \\ to  database1  w2  web1',
      'web1       ✓          ✗   –',
      'x@w2       –          –   ✓',
    ])
  })

  test('of a mesh of 200 hosts', () => {
    const names = Array.from({ length: 200 }, (_, i) => `host${i}`)
    const mesh = names.flatMap((a) => names.filter((b) => a !== b).map((b) => login(a, b, a < b)))
    const rows = trustRows(mesh)
    expect(rows).toHaveLength(201)
    expect(rows.flat().filter((cell) => cell === '✓')).toHaveLength((200 * 199) / 2)
    expect(rows.flat().filter((cell) => cell === '–')).toHaveLength(200)
    expect(renderTrustTable(mesh)).toHaveLength(201)
  })
})
