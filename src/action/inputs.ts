/** The inputs of the action, all read here, and masked before anything can print them. */
import * as core from '@actions/core'
import type { Inputs } from '../trust/config'

export function readInputs(): Inputs {
  // Not trimmed: what is wrong with a key should be told of the text as it was pasted.
  const sshPrivateKey = core.getInput('ssh-private-key', { trimWhitespace: false })
  maskLines(sshPrivateKey)
  return {
    sshPrivateKey,
    generateKey: core.getInput('generate-key'),
    hosts: core.getInput('hosts'),
    agentPolicy: core.getInput('agent-policy'),
    home: core.getInput('home'),
    connectTimeout: core.getInput('connect-timeout'),
    keyComment: keyComment(),
  }
}

/** Masks a secret of several lines: the runner compares line by line. Marker lines are no secret. */
function maskLines(secret: string): void {
  for (const line of secret.split(/[\r\n]+/)) {
    const text = line.trim()
    // A short line (an `=` left over by wrapping) would mask half the log, and tells nothing.
    if (text.length >= 8 && !text.startsWith('-----')) core.setSecret(text)
  }
}

/** Says which repository, run and job made a key, for whoever finds it in an authorized_keys. */
function keyComment(): string {
  const { GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB } = process.env
  const parts = [GITHUB_REPOSITORY, 'run', GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT, GITHUB_JOB]
  const text = parts.filter((part) => part !== undefined && part !== '').join('/')
  return `ssh-trust:${text.replace(/[^A-Za-z0-9._/-]+/g, '_')}`
}
