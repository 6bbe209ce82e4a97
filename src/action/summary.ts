/** The job summary that post writes: hosts, keys, every use of a key, and what was taken back. */
import * as core from '@actions/core'
import type { AuditEntry } from '../agent/audit'
import { explain } from '../errors'
import { adviceFor } from '../trust/advice'
import {
  oneLine,
  type RevocationReport,
  type TeardownReport,
  type TrustReport,
} from '../trust/report'

/** Uses shown; the runner allows a summary of 1 MiB. */
const MAX_USES = 200

/** Lines of authorized_keys that are shown. */
const MAX_REVOKED = 200

/** Refusals that the log lists, and kinds of them that are warned of: the runner annotates ten a step. */
const MAX_LINES = 20
const MAX_WARNINGS = 10

function escapeHtml(text: string): string {
  return oneLine(text).replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`)
}

function row(cells: readonly string[]): string[] {
  return cells.map(escapeHtml)
}

function header(cells: readonly string[]): { data: string; header: true }[] {
  return cells.map((data) => ({ data, header: true }))
}

const VERDICTS = { signed: '✓ signed', done: '✓ done', refused: '✗ refused' } as const

/** One entry of the audit as a table row; also what the log says of refusals. */
function useRow({ time, request, verdict, reason, ...use }: AuditEntry): string[] {
  return [
    time.slice(11, 19),
    use.comment === undefined ? (use.key ?? '–') : `${use.key ?? ''} ${use.comment}`,
    use.host ?? use.hostKey ?? '–',
    use.user ?? '–',
    use.forwarded === true ? 'forwarded' : '–',
    request === 'sign' ? VERDICTS[verdict] : `${VERDICTS[verdict]} (${request})`,
    use.detail === undefined ? reason : `${reason}: ${use.detail}`,
  ]
}

const USE_HEADER = ['Time (UTC)', 'Key', 'Host', 'User', 'Forwarded', 'Verdict', 'Reason']

/** The entries that are shown, where not all can be: refusals must not hide what was done. */
function shownUses(entries: readonly AuditEntry[]): AuditEntry[] {
  if (entries.length <= MAX_USES) return [...entries]
  const isRefusal = ({ verdict }: AuditEntry): boolean => verdict === 'refused'
  const done = entries.filter((entry) => !isRefusal(entry))
  return [...done, ...entries.filter(isRefusal)].slice(0, MAX_USES)
}

/** A row for each line that `revoke-keys` took out, or left since the job uses its key. */
function revocationRows({ host, user, file, removed, kept, error }: RevocationReport): string[][] {
  const about = (what: string, detail: string): string[] => [
    `${user}@${host}`,
    what,
    file ?? '–',
    detail,
  ]
  if (error !== undefined) return [about('✗ failed', error)]
  const rows = [
    ...removed.map((line) => about('✓ removed', shortened(line))),
    ...kept.map((line) => about('kept, since this job uses it', shortened(line))),
  ]
  return rows.length > 0 ? rows : [about('nothing to remove', '–')]
}

/** A line of authorized_keys with the middle of its key left out. */
function shortened(line: string): string {
  return line.replace(/[A-Za-z0-9+/=]{60,}/g, (key) => `${key.slice(0, 24)}…${key.slice(-24)}`)
}

/** What bootstrap found out about hosts, and what `revoke-keys` did there. */
function addFindings({ hosts, grants, revocations = [] }: TrustReport): void {
  const { summary } = core
  const coming = hosts.flatMap(({ name, coming: keys = [] }) =>
    keys.map(({ keyType, fingerprint }) => row([name, keyType, fingerprint])),
  )
  if (coming.length > 0) {
    summary.addTable([header(['Host', 'Also holds, proven, not pinned', 'Fingerprint']), ...coming])
  }
  const warnings = warningsIn(grants)
  if (warnings.length > 0) summary.addList(warnings.map(escapeHtml))
  const rows = revocations.flatMap(revocationRows)
  if (rows.length === 0) return
  const shown = rows.slice(0, MAX_REVOKED)
  summary.addTable([
    header(['Account', 'Earlier trust', 'File', 'Line, or why not']),
    ...shown.map(row),
  ])
  const hidden = rows.length - shown.length
  if (hidden > 0) summary.addRaw(`${hidden} more lines are in the report and not shown.`, true)
}

/** Each once, though it is told of every key of a host. */
function warningsIn(grants: TrustReport['grants']): string[] {
  return [...new Set(grants.flatMap(({ warnings = [] }) => warnings))]
}

export async function writeSummary({ report, audit, effects }: TeardownReport): Promise<void> {
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
    addFindings(report)
    const [heading, ...rows] = report.hostTrust?.table ?? []
    if (heading !== undefined && rows.length > 0) {
      summary.addTable([header(heading.map(escapeHtml)), ...rows.map(row)])
    }
    summary.addTable([
      header(['Key', 'Type', 'Fingerprint', 'Comment']),
      ...report.keys.map(({ origin, type, fingerprint, comment }) =>
        row([origin, type, fingerprint, comment]),
      ),
    ])
  }
  const { entries, omitted } = audit
  if (entries.length === 0) summary.addRaw('No key was used.', true)
  else {
    const uses = shownUses(entries)
    summary.addTable([header(USE_HEADER), ...uses.map((use) => row(useRow(use)))])
    const hidden = entries.length - uses.length
    if (hidden > 0) summary.addRaw(`${hidden} more are in the audit and not shown.`, true)
  }
  if (omitted > 0) summary.addRaw(`${omitted} more had no room in the audit.`, true)
  const failed = effects.filter(({ outcome }) => outcome === 'failed')
  if (failed.length === 0) summary.addRaw('Everything was taken back.', true)
  else {
    summary.addRaw('Not everything could be taken back:', true)
    summary.addList(
      failed.map(({ kind, target, detail }) => escapeHtml(`${kind} ${target}: ${detail ?? ''}`)),
    )
  }
  await summary.write().catch((error: unknown) => {
    core.warning(`The job summary could not be written: ${explain(error)}`)
  })
}

/** What the log of post says; things left behind are warnings, never a failed job. */
export function logTeardown({
  report,
  audit: { entries, omitted },
  effects,
}: TeardownReport): void {
  const count = (verdict: AuditEntry['verdict']): number =>
    entries.filter((entry) => entry.verdict === verdict).length
  core.info(`Signatures made: ${count('signed')}. Requests refused: ${count('refused')}.`)
  if (omitted > 0) core.info(`Not told, for the audit was full: ${omitted} requests.`)
  const refusals = entries.filter(({ verdict }) => verdict === 'refused')
  for (const use of refusals.slice(0, MAX_LINES)) {
    core.info(oneLine(`  refused: ${useRow(use).join('  ')}`))
  }
  for (const { kind, target, outcome, detail } of effects) {
    const words = `${kind} ${target}: ${outcome}${detail === undefined ? '' : ` (${detail})`}`
    if (outcome === 'failed') core.warning(`Could not take back ${words}`)
    else if (outcome === 'undone' || detail !== undefined) core.info(`  ${words}`)
  }
  for (const warning of warningsIn(report?.grants ?? [])) core.warning(oneLine(warning))
  warnOfRefusals(lasting(entries)) // last: the runner annotates ten a step, and those above matter more
}

/**
 * Refusals but those that ssh got over by itself: it tries each key, and a later one was signed for the
 * same user.
 */
function lasting(entries: readonly AuditEntry[]): AuditEntry[] {
  return entries.filter(({ verdict, reason, user }, index) => {
    if (verdict !== 'refused') return false
    if (reason !== 'user-not-allowed' && reason !== 'key-not-for-host') return true
    const next = entries.slice(index + 1).find((entry) => entry.request === 'sign')
    return next?.verdict !== 'signed' || next.user !== user
  })
}

/** One warning for each kind of refusal that the workflow can mend, saying how. */
function warnOfRefusals(refusals: readonly AuditEntry[]): void {
  const alike = new Map<string, AuditEntry[]>()
  for (const refusal of refusals) {
    const advice = adviceFor(refusal)
    if (advice !== undefined) alike.set(advice, [...(alike.get(advice) ?? []), refusal])
  }
  for (const [advice, [first, ...others]] of [...alike].slice(0, MAX_WARNINGS)) {
    if (first === undefined) continue
    const where = first.host ?? first.hostKey
    const who = first.user === undefined || where === undefined ? where : `${first.user}@${where}`
    const target = who === undefined ? '' : ` for ${who}`
    const times = others.length === 0 ? '' : ` (${others.length + 1} times)`
    core.warning(oneLine(`The agent refused${target}${times}: ${first.reason}. ${advice}`), {
      title: 'SSH trust',
    })
  }
}
