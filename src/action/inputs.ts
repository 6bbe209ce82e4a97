/** The inputs of the action, all read here, and masked before anything can print them. */
import * as core from '@actions/core'
import type { Inputs } from '../trust/config'

/** Shortest text that is masked: the runner would otherwise blank it out of every other word. */
const MIN_MASKED = 4

export function readInputs(): Inputs {
  const sshPrivateKey = secret('ssh-private-key')
  return {
    sshPrivateKey,
    passphrase: secret('passphrase'),
    sshCertificate: plain('ssh-certificate'),
    certificateAuthorityKey: secret('certificate-authority-key'),
    certificateAuthorityPassphrase: secret('certificate-authority-passphrase'),
    certificatePrincipals: plain('certificate-principals'),
    certificateValidity: plain('certificate-validity'),
    certificateKeyId: plain('certificate-key-id'),
    certificateOptions: plain('certificate-options'),
    generateKey: plain('generate-key'),
    hosts: plain('hosts'),
    hostsFile: plain('hosts-file'),
    shard: plain('shard'),
    agentPolicy: plain('agent-policy'),
    agentLifetime: plain('agent-lifetime'),
    maxSignatures: plain('max-signatures'),
    signatureNamespaces: plain('signature-namespaces'),
    signOtherData: plain('sign-other-data'),
    bootstrapPassword: secret('bootstrap-password'),
    bootstrapKey: secret('bootstrap-key'),
    bootstrapPassphrase: secret('bootstrap-passphrase'),
    authorizedKeysOptions: plain('authorized-keys-options'),
    trustLifetime: plain('trust-lifetime'),
    trustExpiry: plain('trust-expiry'),
    bootstrapFailure: plain('bootstrap-failure'),
    revoke: plain('revoke'),
    revokeKeys: plain('revoke-keys'),
    trust: plain('trust'),
    dryRun: plain('dry-run'),
    secretOf,
    home: plain('home'),
    connectTimeout: plain('connect-timeout'),
    keyComment: keyComment(),
  }
}

/** An input that is to hold no secret. Errors quote it, so a private key that was pasted into it is masked. */
function plain(name: string): string {
  const value = core.getInput(name)
  if (/PRIVATE KEY-----|PuTTY-User-Key-File-/.test(value)) maskLines(value)
  return value
}

/** Not trimmed: what is wrong should be told of the text as it was pasted, and blanks can be meant. */
function secret(name: string): string {
  const value = core.getInput(name, { trimWhitespace: false })
  maskLines(value)
  return value
}

/** A variable of the step's environment that an input names as holding a secret. */
function secretOf(name: string): string | undefined {
  const value = process.env[name]
  if (value !== undefined) maskLines(value)
  return value
}

/** Masks a secret of several lines: the runner compares line by line. Marker lines are no secret. */
function maskLines(secret: string): void {
  for (const line of secret.split(/[\r\n]+/)) {
    const text = line.trim()
    if (text.length >= MIN_MASKED && !text.startsWith('-----')) core.setSecret(text)
  }
}

/** Says which repository, run and job made a key, for whoever finds it in an authorized_keys. */
function keyComment(): string {
  const { GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB } = process.env
  const parts = [GITHUB_REPOSITORY, 'run', GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB]
  const text = parts.filter((part) => part !== undefined && part !== '').join('/')
  return `ssh-trust:${text.replace(/[^A-Za-z0-9._/-]+/g, '_')}`
}
