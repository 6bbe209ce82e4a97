/** The job summary that post writes: hosts, keys, every use of a key, and what was taken back. */
import * as core from '@actions/core'
import type { AuditEntry } from '../agent/audit'
import { oneLine, type TeardownReport } from '../trust/report'

/** Uses shown; the runner allows a summary of 1 MiB. */
const MAX_USES = 200

function escapeHtml(text: string): string {
  return oneLine(text).replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`)
}

function row(cells: readonly string[]): string[] {
  return cells.map(escapeHtml)
}

function header(cells: readonly string[]): { data: string; header: true }[] {
  return cells.map((data) => ({ data, header: true }))
}

/** One use of a key, told as a table row; also what the log says of refusals. */
function useRow({ time, request, verdict, reason, ...use }: AuditEntry): string[] {
  const where = use.host ?? use.hostKey ?? '–'
  return [
    time.slice(11, 19),
    verdict === 'signed' ? '✓ signed' : `✗ refused (${request})`,
    use.user === undefined ? where : `${use.user}@${where}`,
    use.key ?? '–',
    use.forwarded === true ? `${reason}, forwarded` : reason,
  ]
}

export async function writeSummary({ report, uses, effects }: TeardownReport): Promise<void> {
  if ((process.env['GITHUB_STEP_SUMMARY'] ?? '') === '') return
  const { summary } = core
  summary.addHeading('SSH trust', 2)
  if (report !== undefined) {
    if (report.hosts.length > 0) {
      summary.addTable([
        header(['Host', 'Address', 'Host key', 'Pin']),
        ...report.hosts.map(({ name, host, port, keyType, fingerprint, pin }) =>
          row([`✓ ${name}`, `${host}:${port}`, `${keyType} ${fingerprint}`, pin]),
        ),
      ])
    }
    summary.addTable([
      header(['Key', 'Type', 'Fingerprint', 'Comment']),
      ...report.keys.map(({ origin, type, fingerprint, comment }) =>
        row([origin, type, fingerprint, comment]),
      ),
    ])
  }
  if (uses.length === 0) summary.addRaw('No key was used.', true)
  else {
    const head = header(['Time (UTC)', 'Verdict', 'For', 'Key', 'Reason'])
    summary.addTable([head, ...uses.slice(0, MAX_USES).map((use) => row(useRow(use)))])
    if (uses.length > MAX_USES)
      summary.addRaw(`${uses.length - MAX_USES} more uses are not shown.`, true)
  }
  const failed = effects.filter(({ outcome }) => outcome === 'failed')
  if (failed.length === 0) summary.addRaw('Everything was taken back.', true)
  else {
    summary.addRaw('Not everything could be taken back:', true)
    summary.addList(
      failed.map(({ kind, target, detail }) => escapeHtml(`${kind} ${target}: ${detail ?? ''}`)),
    )
  }
  await summary.write()
}

/** What the log of post says; things left behind are warnings, never a failed job. */
export function logTeardown({ uses, effects }: TeardownReport): void {
  const signed = uses.filter(({ verdict }) => verdict === 'signed').length
  core.info(`Signatures made: ${signed}. Requests refused: ${uses.length - signed}.`)
  for (const use of uses.filter(({ verdict }) => verdict === 'refused').slice(0, 20)) {
    core.info(oneLine(`  refused: ${useRow(use).join('  ')}`))
  }
  for (const { kind, target, outcome, detail } of effects) {
    const words = `${kind} ${target}: ${outcome}${detail === undefined ? '' : ` (${detail})`}`
    if (outcome === 'failed') core.warning(`Could not take back ${words}`)
    else if (outcome === 'undone' || detail !== undefined) core.info(`  ${words}`)
  }
}
