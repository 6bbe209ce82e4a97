/** What the main step leaves for later steps: outputs, SSH_AUTH_SOCK, and a readable log. */
import * as core from '@actions/core'
import { oneLine, type GrantReport, type RevocationReport } from '../trust/report'
import type { Trust } from '../trust/setup'

export function writeOutputs({ socket, pipe, knownHosts, sshConfig, report }: Trust): void {
  core.exportVariable('SSH_AUTH_SOCK', socket)
  core.setOutput('ssh-auth-sock', socket)
  core.setOutput('ssh-auth-pipe', pipe ?? '')
  const plain = report.keys.filter(({ certificate }) => !certificate)
  const certificates = report.keys.filter(({ certificate }) => certificate)
  core.setOutput('public-key', plain.map(({ publicKey }) => publicKey).join('\n'))
  core.setOutput('fingerprint', plain.map(({ fingerprint }) => fingerprint).join('\n'))
  core.setOutput('certificate', certificates.map(({ publicKey }) => publicKey).join('\n'))
  core.setOutput('known-hosts', knownHosts)
  core.setOutput('ssh-config', sshConfig)
  core.setOutput('report', JSON.stringify(report))
}

/** A line of the plan of trust between hosts. */
export function logPlan(line: string): void {
  core.info(`trust: ${oneLine(line)}`)
}

export function logTrust({ report }: Trust): void {
  for (const repair of report.repairs) core.info(`! ssh-private-key was repaired: ${repair}`)
  for (const line of report.swept ?? []) core.info(`! ${oneLine(line)}`)
  for (const warning of report.warnings) core.warning(warning)
  for (const { name, keyType, fingerprint, pin, stale, coming = [] } of report.hosts) {
    core.info(`✓ ${name}: host key proven, ${keyType} ${fingerprint}`)
    if (pin.startsWith('CA ')) core.info(`  certified by the pinned ${pin}`)
    for (const key of stale) {
      core.warning(`${name} also holds ${key}, which no pin matches: a pin of that type is stale.`)
    }
    for (const key of coming) {
      core.info(
        `  ${name} also holds ${key.keyType} ${key.fingerprint}; proven. If it is the coming key of a rotation, add it to the line: ${key.fingerprint}`,
      )
    }
  }
  for (const grant of report.grants) logGrant(grant)
  for (const line of alignedRows(report.hostTrust?.table ?? [])) core.info(`  ${line}`)
  for (const revocation of report.revocations ?? []) logRevocation(revocation)
  for (const { origin, type, fingerprint, comment } of report.keys) {
    core.info(`✓ key ${origin}: ${type} ${fingerprint} ${comment}`)
  }
  if (report.policy === 'any') {
    core.warning(
      'The agent signs for every host that asks (agent-policy any). List the hosts of the job in hosts, and it will sign for no other.',
    )
  } else if (report.policy === 'warn') {
    core.info('! agent: signs for these hosts, and for clients that do not say which host (warn)')
  } else {
    core.info(`✓ agent: signs for these hosts only (policy ${report.policy})`)
  }
}

function logRevocation({ host, user, file, removed, kept, error }: RevocationReport): void {
  const account = `${user}@${host}`
  if (error !== undefined) core.warning(`${account}: keys were not revoked: ${error}`)
  else core.info(`✓ ${account}: ${removed.length} keys revoked in ${oneLine(file ?? '')}`)
  for (const line of removed) core.info(`  removed ${oneLine(line)}`)
  for (const line of kept) core.info(`  kept, since this job uses it: ${oneLine(line)}`)
}

/** A table's rows as text, the columns below one another. */
function alignedRows(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(width(column)))
      .join('  ')
      .trimEnd(),
  )
}

function logGrant({ host, user, key, status, file, expires, notes, error }: GrantReport): void {
  const account = `${user}@${host}`
  if (status === 'failed') core.warning(`${account} did not get the key: ${error ?? ''}`)
  else {
    const done =
      status === 'added' ? `added to ${file ?? ''}, expires: ${expires ?? ''}` : 'is there already'
    core.info(`✓ ${account}: key ${key} ${done}; login with it proven`)
  }
  for (const note of notes) core.info(`  ${note}`)
}
