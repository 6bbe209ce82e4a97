/** Spans of time as sshd_config(5), TIME FORMATS, writes them: `90`, `15m`, `1h30m`, `2d`, `1w`. */
import { TrustError } from '../errors'

const SECONDS: Record<string, number> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Longest span that is taken: ten years. */
const MAX_SECONDS = 10 * 365 * 86_400

/**
 * @returns seconds
 * @throws TrustError `input-invalid`
 */
export function parseDuration(text: string): number {
  const compact = text.trim().toLowerCase()
  const parts = [...compact.matchAll(/([0-9]{1,9})([smhdw]?)/g)]
  const whole = parts.map(([part]) => part).join('') === compact
  const seconds = parts.reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (SECONDS[unit] ?? 0),
    0,
  )
  if (whole && seconds > 0 && seconds <= MAX_SECONDS) return seconds
  throw new TrustError('input-invalid', `${JSON.stringify(text)} is no span of time.`, {
    hint: 'Write 15m, 8h, 1h30m, 2d or 1w; a number alone is seconds; ten years are the most.',
  })
}
