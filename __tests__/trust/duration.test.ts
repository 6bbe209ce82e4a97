/** Spans of time as sshd_config(5) writes them. */
import { describe, expect, test } from '@jest/globals'
import { parseDuration } from '../../src/trust/duration'

describe('a span of time', () => {
  test.each([
    ['90', 90],
    ['90s', 90],
    ['15m', 900],
    ['1h', 3600],
    ['1h30m', 5400],
    [' 2D ', 172_800],
    ['1w', 604_800],
    ['3650d', 315_360_000],
  ])('%s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds)
  })

  test.each(['', '0', '0h', '-1h', '1.5h', '1 h', 'h', '1y', 'forever', '3651d', '9999999999999'])(
    '%j is none',
    (text) => {
      expect(() => parseDuration(text)).toThrow(
        expect.objectContaining({ code: 'input-invalid', hint: expect.stringContaining('1h30m') }),
      )
    },
  )
})
