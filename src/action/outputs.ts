/** What the main step leaves for later steps: outputs, SSH_AUTH_SOCK, and a readable log. */
import * as core from '@actions/core'
import type { Trust } from '../trust/setup'

export function writeOutputs({ socket, knownHosts, sshConfig, report }: Trust): void {
  core.exportVariable('SSH_AUTH_SOCK', socket)
  core.setOutput('ssh-auth-sock', socket)
  const plain = report.keys.filter(({ certificate }) => !certificate)
  const certificates = report.keys.filter(({ certificate }) => certificate)
  core.setOutput('public-key', plain.map(({ publicKey }) => publicKey).join('\n'))
  core.setOutput('fingerprint', plain.map(({ fingerprint }) => fingerprint).join('\n'))
  core.setOutput('certificate', certificates.map(({ publicKey }) => publicKey).join('\n'))
  core.setOutput('known-hosts', knownHosts)
  core.setOutput('ssh-config', sshConfig)
  core.setOutput('report', JSON.stringify(report))
}

export function logTrust({ report }: Trust): void {
  for (const repair of report.repairs) core.info(`! ssh-private-key was repaired: ${repair}`)
  for (const warning of report.warnings) core.warning(warning)
  for (const { name, keyType, fingerprint, pin, stale } of report.hosts) {
    core.info(`✓ ${name}: host key proven, ${keyType} ${fingerprint}`)
    if (pin.startsWith('CA ')) core.info(`  certified by the pinned ${pin}`)
    for (const key of stale) {
      core.warning(`${name} also holds ${key}, which no pin matches: a pin of that type is stale.`)
    }
  }
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
