/** The table of who can log in where, as measured. */
import { formatAccount, type Account } from './relations'

/** Whether a login from `source` to `target` was seen to work. */
export interface MeasuredLogin {
  source: Account
  target: Account
  works: boolean
}

/**
 * Who can log in where: a heading row, then a row for each source, with a column for each target.
 * `✓` it worked, `✗` it did not, `–` it was not tried. Of several tries the last one counts.
 */
export function trustRows(measured: readonly MeasuredLogin[]): string[][] {
  const targets = [...new Set(measured.map(({ target }) => formatAccount(target)))]
  const bySource = new Map<string, Map<string, boolean>>()
  for (const { source, target, works } of measured) {
    const label = formatAccount(source)
    const row = bySource.get(label) ?? new Map<string, boolean>()
    bySource.set(label, row.set(formatAccount(target), works))
  }
  const mark = (works: boolean | undefined): string =>
    works === undefined ? '–' : works ? '✓' : '✗'
  return [
    ['from \\ to', ...targets],
    ...[...bySource].map(([source, row]) => [source, ...targets.map((to) => mark(row.get(to)))]),
  ]
}

/** `trustRows` as lines of text with aligned columns. */
export function renderTrustTable(measured: readonly MeasuredLogin[]): string[] {
  const rows = trustRows(measured)
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
