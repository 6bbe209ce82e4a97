/**
 * After a failure in a job: what the doctor finds about its hosts. It makes no login with the job's keys:
 * a login can be an act (a forced command deploys), and nothing is to be done after a failure.
 */
import type { Credentials } from '../remote/connect'
import { diagnose, type Finding } from './doctor/doctor'
import { refusalAt } from './bootstrap'
import { hostName, parseHosts, type HostLine } from './hosts'

/** Hosts that are looked at; more would take long, and have the same reason as a rule. */
const MAX_HOSTS = 10

/** For each step with each host, in milliseconds. */
const TIMEOUT = 5000

export interface Failed {
  hosts: readonly HostLine[]
  /** Where hosts are named in it, only those are looked at. */
  message?: string
  /** What the user gave to log in with, for a look from inside. */
  credentials?: ReadonlyMap<HostLine, readonly Credentials[]>
  env: NodeJS.ProcessEnv
}

/** Of the environment only what ssh needs: the runner puts the inputs into it, secrets and all. */
const ENVIRONMENT =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TMPDIR|TEMP|TMP|USERPROFILE|SystemRoot|SystemDrive)$/

function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => ENVIRONMENT.test(name)))
}

/** What is amiss, or may be, with the hosts; nothing about this machine's agent, which may be gone. */
export async function diagnoseHosts({
  hosts,
  message = '',
  credentials,
  env,
}: Failed): Promise<Finding[]> {
  const named = hosts.filter((line) => message.includes(hostName(line)))
  const looked = (named.length > 0 ? named : hosts).slice(0, MAX_HOSTS)
  // A login that was refused would only be refused again, and count there once more.
  const isGiven = (line: HostLine): boolean =>
    credentials?.has(line) === true && refusalAt(line) === undefined
  const options = { env: withoutSecrets(env), timeout: TIMEOUT, canPrompt: false }
  const findings = await diagnose({ hosts: looked.filter((line) => !isGiven(line)), ...options })
  for (const line of looked.filter(isGiven)) {
    const [given] = credentials?.get(line) ?? []
    const more = given === undefined ? {} : { credentials: given }
    findings.push(...(await diagnose({ hosts: [line], ...options, ...more })))
  }
  return findings.filter(
    ({ host, status, check }) =>
      host !== undefined &&
      (status === 'problem' || status === 'warning') &&
      // In the job ssh reads the job's own files, which are gone or not in use here.
      check !== 'known-hosts' &&
      check !== 'client-config',
  )
}

/** The same for post, which has the texts of the inputs alone; lines that are wrong were told by main. */
export async function diagnoseAgain(hosts: string, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  return diagnoseHosts({ hosts: parseHosts(hosts).hosts, env })
}
