/** A login as ssh does it, with the agent's keys alone and the proven host key, and where it ends. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseAudit, type AuditEntry } from '../../agent/audit'
import { withRoomToFail } from '../../remote/penalties'
import type { HostResult } from '../../remote/verify-hosts'
import { kindOfKey } from '../../ssh/certificate'
import { hostKeyAlgorithms } from '../../ssh/key-exchange'
import { formatKnownHostsLine, knownHostsName } from '../../ssh/known-hosts'
import { adviceFor } from '../advice'
import { fine, told, type Finding, type FindingCode } from './finding'
import { readIfThere, runSsh, type RunOptions } from './ssh'
import type { HostLine } from '../hosts'
import { oneLine } from '../report'

/** What `ssh -v` told of a login. */
export interface LoginTrace {
  authenticated: boolean
  /** Fingerprints, in their order. */
  offered: string[]
  /** Those that the server would take. */
  accepted: string[]
  /** Methods that the server offers; absent where it did not come to that. */
  methods?: string[]
  /** Whether a key was taken and the server wants more. */
  partial: boolean
  /** Whether the agent would not sign. */
  agentRefused: boolean
  tooMany: boolean
  /** How many of the offered keys sign by no algorithm that the server takes. */
  unsignable: number
  /** What the server calls itself; empty where it did not come to that. */
  software: string
  /** The last that the command wrote to standard output. */
  printed: string
  /** The last that ssh itself said, without what is for debugging. */
  last: string
}

/** Reads the standard error of `ssh -v`, and what came out of the command. */
export function readTrace(stderr: string, stdout = ''): LoginTrace {
  const lines = stderr.split(/\r?\n/)
  const keys = (pattern: RegExp): string[] =>
    lines.flatMap((line) => {
      const [, key] = pattern.exec(line) ?? []
      return key === undefined ? [] : [key]
    })
  const list = keys(/^debug1: Authentications that can continue: (.*)$/)[0]
  const plain = lines.filter(
    (line) => line !== '' && !/^(debug\d:|OpenSSH_|Transferred:|Bytes per)/.test(line),
  )
  return {
    authenticated: lines.some((line) =>
      /^(debug1: )?(Authenticated to |Authentication succeeded)/.test(line),
    ),
    offered: keys(/^debug1: Offering public key: .*(SHA256:\S+)/),
    accepted: keys(/^debug1: Server accepts key: .*(SHA256:\S+)/),
    partial: lines.some((line) =>
      /^(debug1: )?Authenticated using "publickey" with partial success/.test(line),
    ),
    agentRefused: lines.some((line) => /signing failed for .*agent refused operation/.test(line)),
    tooMany: lines.some((line) => /Too many authentication failures/.test(line)),
    unsignable: lines.filter((line) => /: no mutual signature algorithm/.test(line)).length,
    software: keys(/^debug1: Remote protocol version \S+, remote software version (.*)$/)[0] ?? '',
    printed: oneLine(stdout.trimEnd().split('\n').at(-1) ?? ''),
    last: oneLine(plain.at(-1) ?? ''),
    ...(list === undefined ? {} : { methods: list.split(',') }),
  }
}

/** The audit of the agent that is asked: `auditFile`, or the one beside its socket. */
export function auditOf(
  env: NodeJS.ProcessEnv,
  auditFile = join(dirname(env['SSH_AUTH_SOCK'] ?? ''), 'audit.jsonl'),
): string {
  return auditFile
}

/** Logs in and runs `true`. */
export async function tryLogin(
  line: HostLine,
  user: string,
  { hostKey, pin }: Extract<HostResult, { status: 'ok' }>,
  { env, timeout, auditFile }: RunOptions & { auditFile?: string },
): Promise<Finding> {
  const directory = mkdtempSync(join(tmpdir(), 'ssh-trust-doctor-'))
  try {
    const name = knownHostsName(line.host, line.port)
    const knownHosts = join(directory, 'known_hosts')
    writeFileSync(
      knownHosts,
      pin.kind === 'cert-authority'
        ? formatKnownHostsLine([name], pin.key.blob, '@cert-authority')
        : formatKnownHostsLine([name], hostKey),
    )
    const { type, certified } = kindOfKey(hostKey)
    const options = [
      `UserKnownHostsFile="${knownHosts}"`,
      `GlobalKnownHostsFile="${join(directory, 'none')}"`,
      'StrictHostKeyChecking=yes',
      'UpdateHostKeys=no',
      `HostKeyAlgorithms=${hostKeyAlgorithms(type, certified).join(',')}`,
      'BatchMode=yes',
      'PreferredAuthentications=publickey',
      'IdentityFile=none',
      'ForwardAgent=no',
      `ConnectTimeout=${Math.ceil(timeout / 1000)}`,
    ]
    const args = ['-v', '-T', '-F', 'none', '-p', String(line.port), '-l', user]
    const audit = auditOf(env, auditFile)
    const before = readIfThere(audit).length
    const { trace, code } = await withinPenalties(line, async () => {
      const ran = await runSsh(
        'ssh',
        [...args, ...options.flatMap((option) => ['-o', option]), '--', line.host, 'true'],
        { env, timeout: 2 * timeout },
      )
      return { trace: readTrace(ran?.stderr ?? '', ran?.stdout), code: ran?.code }
    })
    const { entries } = parseAudit(readIfThere(audit).slice(before))
    const refusal = entries.findLast(({ verdict }) => verdict === 'refused')
    return judgeLogin(user, line, trace, code, refusal)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Tried {
  trace: LoginTrace
  /** Of ssh; undefined if it took too long. */
  code: number | undefined
}

/** A login that fails counts against this address, and what else is to be done there has to go on. */
async function withinPenalties(line: HostLine, login: () => Promise<Tried>): Promise<Tried> {
  let tried: Tried | undefined
  const failed = new Error('the login failed')
  try {
    return await withRoomToFail(
      line,
      () => tried?.trace.software ?? '',
      async () => {
        tried = await login()
        if (!tried.trace.authenticated) throw failed
        return tried
      },
    )
  } catch (error) {
    if (error !== failed || tried === undefined) throw error
    return tried
  }
}

/**
 * @param code of ssh; undefined if it took too long
 * @param refusal what the agent's audit says, where there is one
 */
export function judgeLogin(
  user: string,
  line: HostLine,
  trace: LoginTrace,
  code: number | undefined,
  refusal?: AuditEntry,
): Finding {
  const as = `${user}@${line.host}`
  const { methods, offered } = trace
  const problem = (name: FindingCode, finding: string, hint = '', evidence = trace.last): Finding =>
    told('problem', 'login', name, finding, { hint, evidence })
  if (trace.authenticated) return judgeCommand(as, trace, code)
  if (methods !== undefined && !methods.includes('publickey')) {
    return problem(
      'login-without-keys',
      `The server takes no keys from ${as}, only ${methods.join(', ')}.`,
      'Set PubkeyAuthentication yes in sshd_config on the server (and see AuthenticationMethods), then reload sshd.',
    )
  }
  if (trace.tooMany) {
    return problem(
      'login-too-many-keys',
      `Too many authentication failures: the server stopped after ${offered.length} keys.`,
      `Say which key is for this host: key=SHA256:… on ${line.position}; or have fewer keys in the agent. MaxAuthTries in sshd_config is the limit.`,
    )
  }
  if (trace.agentRefused) {
    const why = refusal === undefined ? '' : `: ${refusal.reason}${inBrackets(refusal.detail)}`
    return problem(
      'login-agent-refused',
      `The server knows the key, and the agent refuses to sign for ${as}${why}.`,
      refusal === undefined
        ? 'The audit of the agent says why (post step, --audit FILE). It may also ask for a confirmation (ssh-add -c).'
        : adviceFor(refusal),
      refusal === undefined ? trace.last : JSON.stringify(refusal),
    )
  }
  if (trace.partial) {
    return problem(
      'login-wants-more',
      `The server took the key for ${as}, and wants more.`,
      'AuthenticationMethods in sshd_config names what; in a job only a key can be given.',
    )
  }
  if (methods !== undefined && offered.length === 0) {
    const why = refusal === undefined ? '' : ` (${refusal.reason})`
    return problem(
      'login-key-not-offered',
      `The agent shows no key for this host${why}.`,
      (refusal === undefined ? undefined : adviceFor(refusal)) ??
        'A policy, key= of the host’s line, or destinations (ssh-add -h) keep it back.',
      refusal === undefined ? trace.last : JSON.stringify(refusal),
    )
  }
  if (trace.unsignable > 0 && trace.unsignable >= offered.length) {
    return problem(
      'rsa-sha1-only',
      'The server takes no signature that this ssh makes with an RSA key: SHA-1 only.',
      'Use an ed25519 key, or update the server (RSA with SHA-2 is there since OpenSSH 7.2), or its PubkeyAcceptedAlgorithms.',
      'no mutual signature algorithm',
    )
  }
  if (methods !== undefined && code !== undefined) {
    return problem(
      'login-key-refused',
      `The server refuses ${offered.length === 1 ? 'the key' : `all ${offered.length} keys`} for ${as}: ${offered.join(', ')}. It offers ${methods.join(', ')}.`,
      'In this order: is it the right user; is the key in its authorized_keys; can others write to the home, ~/.ssh or the file; do options on its line (from=, expiry-time=) or AllowUsers, DenyUsers, AllowGroups, DenyGroups, PermitRootLogin in sshd_config keep it out; is the account locked.',
    )
  }
  const evidence = code === undefined ? 'it takes too long' : trace.last
  const finding = `ssh can’t log in as ${as}.`
  return problem('login-failed', finding, 'ssh -vv says more.', evidence)
}

/** The login has come about; `true` should then end with 0. */
function judgeCommand(as: string, trace: LoginTrace, code: number | undefined): Finding {
  const key = trace.accepted.at(-1) ?? 'a key'
  if (code === 0) return fine('login', `Login as ${as} with ${key}.`)
  const how = code === undefined ? 'does not come to an end' : `exits with ${code}`
  // 255 is ssh's own: there was no session, or it was torn.
  const said = trace.printed === '' ? trace.last : trace.printed
  const none = code === 255 || /nologin|not available/i.test(said)
  return told(
    none ? 'problem' : 'warning',
    'login',
    'login-command-fails',
    `The login as ${as} works with ${key}, and the command true ${how}.`,
    {
      evidence: said,
      hint: 'The key may be for one command only (command=, ForceCommand), the account have a shell that refuses (getent passwd USER on the server), or its start-up files (~/.bashrc) end with an error.',
    },
  )
}

function inBrackets(text: string | undefined): string {
  return text === undefined ? '' : ` (${oneLine(text)})`
}
