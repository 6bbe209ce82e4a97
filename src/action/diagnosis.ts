/** What the doctor finds when a step of the job has failed, in the log. */
import * as core from '@actions/core'
import { explain, TrustError } from '../errors'
import type { Config } from '../trust/config'
import { formatFindings, type Finding } from '../trust/doctor/finding'

/** Errors that are about hosts: of others the doctor knows nothing. */
const ABOUT_HOSTS = /^(host|login|remote|bootstrap|trust)-/

/** When main has failed because of hosts. */
export async function explainFailure({ hosts, bootstrap }: Config, error: unknown): Promise<void> {
  if (!(error instanceof TrustError) || !ABOUT_HOSTS.test(error.code) || !isWanted()) return
  const { diagnoseHosts } = await import('../trust/diagnosis') // and all of the doctor with it
  const failed = {
    hosts,
    message: error.message,
    ...(bootstrap === undefined ? {} : { credentials: bootstrap.credentials }),
    env: process.env,
  }
  await tell(async () => diagnoseHosts(failed))
}

/** In post, when a later step of the job has failed. */
export async function explainFailedJob(): Promise<void> {
  const hosts = core.getInput('hosts')
  if (core.getInput('job-status') !== 'failure' || hosts === '' || !isWanted()) return
  const { diagnoseAgain } = await import('../trust/diagnosis')
  await tell(async () => diagnoseAgain(hosts, process.env))
}

function isWanted(): boolean {
  return core.getInput('diagnose').toLowerCase() !== 'false'
}

/** A look that fails must not hide the failure that it was to explain. */
async function tell(look: () => Promise<Finding[]>): Promise<void> {
  try {
    const findings = await look()
    if (findings.length === 0) return
    core.startGroup('What ssh-trust doctor finds')
    for (const line of formatFindings(findings, false).trimEnd().split('\n')) core.info(line)
    core.endGroup()
  } catch (error) {
    core.debug(explain(error))
  }
}
