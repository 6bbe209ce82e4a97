/**
 * ssh_config(5) on this machine, as it counts for one host: options that are gone, and options that
 * undo the trust that was made. ssh itself says what takes effect (`ssh -G`), and which files it reads.
 */
import { statSync } from 'node:fs'
import { parseAuthorizedKey } from '../../ssh/authorized-keys'
import {
  findSetting,
  isForEveryHost,
  parseClientConfig,
  readConfigTrace,
  type ConfigComplaint,
  type ConfigLine,
  type ConfigTrace,
} from '../../ssh/client-config'
import { withoutCertificate, type AgentKey } from './client'
import { fine, told, type Finding, type FindingCode } from './finding'
import { expandHome, readIfThere, runSsh, type RunOptions } from './ssh'
import { hostName, type HostLine } from '../hosts'

/** What ssh makes of its configuration for a host. */
export interface ClientSettings {
  /** Keyword in lower case to its values, one for each line of `ssh -G`; empty where ssh fails. */
  values: ReadonlyMap<string, readonly string[]>
  trace: ConfigTrace
  /** All lines of the files that ssh read. */
  lines: readonly ConfigLine[]
}

export const NO_SETTINGS: ClientSettings = {
  values: new Map(),
  trace: { files: [], applied: [], complaints: [] },
  lines: [],
}

/** Asks ssh, by the name that the job has for the host. */
export async function readClientSettings(
  line: HostLine,
  options: RunOptions,
): Promise<ClientSettings> {
  const args = ['-vvv', '-G', '-p', String(line.port), '--', hostName(line)]
  const ran = await runSsh('ssh', args, options)
  const trace = readConfigTrace(ran?.stderr ?? '')
  const values = new Map<string, string[]>()
  for (const text of ran?.code === 0 ? ran.stdout.split(/\r?\n/) : []) {
    const [, keyword = '', value = ''] = /^(\S+) (.*)$/.exec(text) ?? []
    values.set(keyword, [...(values.get(keyword) ?? []), value])
  }
  const lines = trace.files.flatMap((file) => parseClientConfig(file, readIfThere(file)))
  return { values, trace, lines }
}

const YES = ['yes', 'true']
const NO = ['no', 'false']

/** What an option that takes effect does to the trust. */
interface Harm {
  keyword: string
  /** Values that do it, in lower case. */
  values: readonly string[]
  /** Only where it is for every host. */
  everywhere?: true
  status: 'problem' | 'warning'
  code: FindingCode
  finding: string
  hint: string
}

const HARMS: readonly Harm[] = [
  {
    keyword: 'pubkeyauthentication',
    values: NO,
    status: 'problem',
    code: 'client-publickey-off',
    finding: 'ssh on this machine offers no keys to this host.',
    hint: 'Take the line out, or set PubkeyAuthentication yes for this host above it.',
  },
  {
    keyword: 'stricthostkeychecking',
    values: [...NO, 'off'],
    status: 'warning',
    code: 'client-host-key-unchecked',
    finding: 'ssh takes any key that a host shows for the first time, and changed ones too.',
    hint: 'Take the line out: a pin is of no use to an ssh that asks for none.',
  },
  {
    keyword: 'userknownhostsfile',
    values: ['/dev/null'],
    status: 'warning',
    code: 'client-host-key-unchecked',
    finding: 'ssh forgets each host key.',
    hint: 'Take the line out, or name a file with the pinned keys.',
  },
  {
    keyword: 'forwardagent',
    values: YES,
    everywhere: true,
    status: 'warning',
    code: 'client-forwards-agent',
    finding: 'ssh lends the agent to every host: its administrators can log in with the keys.',
    hint: 'Set ForwardAgent for the one host that needs it, or use ssh -J instead.',
  },
  {
    keyword: 'forwardx11',
    values: YES,
    everywhere: true,
    status: 'warning',
    code: 'client-forwards-x11',
    finding: 'ssh opens the display to every host: its administrators can read what is typed.',
    hint: 'Set ForwardX11 for the one host that needs it.',
  },
]

/** What ssh_config does to logins to this host. */
export function judgeClientConfig(
  line: HostLine,
  settings: ClientSettings,
  keys: readonly AgentKey[],
  socket: string,
): Finding[] {
  const { trace } = settings
  const findings = [
    ...trace.complaints.map(judgeComplaint),
    ...HARMS.flatMap((harm) => judgeHarm(harm, settings)),
    ...judgeIdentities(settings, keys),
    ...judgeAgent(settings, socket),
    ...judgeAddress(line, settings),
  ]
  if (findings.length > 0) return findings
  const files = trace.files.length === 0 ? 'There is none' : trace.files.join(', ')
  return [fine('client-config', 'ssh’s own configuration does not get in the way.', files)]
}

function judgeComplaint({ kind, at, text }: ConfigComplaint): Finding {
  if (kind === 'gone') {
    const [, option = ''] = /option "(\S+)"/.exec(text) ?? []
    return told(
      'warning',
      'client-config',
      'client-option-gone',
      `${at}: ssh has no option ${option} any more, and passes over it.`,
      { evidence: text, hint: INSTEAD[option] ?? 'Take the line out.' },
    )
  }
  const unsafe = /^Bad owner/.test(text)
  return told(
    'problem',
    'client-config',
    'client-config-broken',
    `${at}: ssh refuses its configuration, and logs in nowhere.`,
    {
      evidence: text,
      hint: unsafe
        ? `chmod go-w '${at}', and have it belong to the user or root.`
        : 'Correct the line, or take it out. IgnoreUnknown above it passes over options of other versions.',
    },
  )
}

/** What came after options that are gone. */
const INSTEAD: Readonly<Record<string, string>> = {
  rhostsauthentication: 'Take the line out: trust by name and address alone is gone; use keys.',
  rhostsrsaauthentication: 'Take the line out: it was of protocol 1; use keys.',
  rsaauthentication:
    'Take the line out: it was of protocol 1; PubkeyAuthentication is for all keys.',
  fallbacktorsh: 'Take the line out: ssh never falls back to rsh.',
  usersh: 'Take the line out: ssh never falls back to rsh.',
  useprivilegedport: 'Take the line out: no server asks for a privileged port.',
  cipher: 'Take the line out: it was of protocol 1; Ciphers is a list.',
  compressionlevel: 'Take the line out: it was of protocol 1.',
}

function judgeHarm(harm: Harm, { values, lines, trace }: ClientSettings): Finding[] {
  const { keyword, status, code } = harm
  const fits = (value: string): boolean => harm.values.includes(value.toLowerCase())
  if (!(values.get(keyword) ?? []).some(fits)) return []
  const origin = findSetting(lines, trace, keyword, fits)
  if (harm.everywhere === true && (origin === undefined || !isForEveryHost(origin))) return []
  return [
    told(status, 'client-config', code, `${at(origin, keyword)}: ${harm.finding}`, {
      evidence: origin?.text ?? `${keyword} ${values.get(keyword)?.[0] ?? ''}`,
      hint: harm.hint,
    }),
  ]
}

function at(origin: ConfigLine | undefined, keyword: string): string {
  return origin === undefined ? keyword : `${origin.file}:${origin.lineNumber}`
}

/** IdentitiesOnly leaves out what the agent has and no IdentityFile names. */
function judgeIdentities(
  { values, lines, trace }: ClientSettings,
  keys: readonly AgentKey[],
): Finding[] {
  const isYes = (value: string): boolean => YES.includes(value.toLowerCase())
  if (!(values.get('identitiesonly') ?? []).some(isYes) || keys.length === 0) return []
  const files = (values.get('identityfile') ?? []).map(expandHome)
  const held = files.flatMap((file) => publicKeysOf(file))
  if (held.some((blob) => keys.some((key) => key.blob.equals(blob)))) return []
  const there = files.filter(isThere)
  // A private key without its public half beside it may be any.
  if (there.some((file) => publicKeysOf(file).length === 0)) return []
  const origin = findSetting(lines, trace, 'identitiesonly', isYes)
  const named = there.length === 0 ? 'none that is there' : there.join(', ')
  return [
    told(
      there.length === 0 ? 'problem' : 'warning',
      'client-config',
      'client-other-key',
      `${at(origin, 'identitiesonly')}: ssh offers none of the agent’s keys to this host, only those of IdentityFile: ${named}.`,
      {
        evidence: origin?.text ?? 'identitiesonly yes',
        hint: 'Have IdentityFile name the public key of the agent’s key, or take IdentitiesOnly out.',
      },
    ),
  ]
}

/** ssh takes the key from the .pub beside a private key, or from a public key that is named itself. */
function publicKeysOf(file: string): Buffer[] {
  return [`${file}.pub`, file].flatMap((path) => {
    const [line = ''] = readIfThere(path).split('\n', 1)
    const key = parseAuthorizedKey(Buffer.from(line))
    return key === undefined ? [] : [withoutCertificate(key.blob)]
  })
}

function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true
}

function judgeAgent({ values, lines, trace }: ClientSettings, socket: string): Finding[] {
  const [agent] = values.get('identityagent') ?? []
  if (agent === undefined || [socket, 'SSH_AUTH_SOCK', '$SSH_AUTH_SOCK'].includes(agent)) return []
  const origin = findSetting(lines, trace, 'identityagent', () => true)
  const finding = `${at(origin, 'identityagent')}: ssh asks another agent for this host than SSH_AUTH_SOCK names.`
  return [
    told('warning', 'client-config', 'client-other-agent', finding, {
      evidence: origin?.text ?? `identityagent ${agent}`,
      hint: 'Take the line out if the keys of SSH_AUTH_SOCK are meant.',
    }),
  ]
}

/** Where ssh goes elsewhere, or another way, than the doctor did. */
function judgeAddress(line: HostLine, { values, lines, trace }: ClientSettings): Finding[] {
  const findings: Finding[] = []
  const [address] = values.get('hostname') ?? []
  const isSame = (name: string): boolean => name.toLowerCase() === address?.toLowerCase()
  if (address !== undefined && !isSame(line.host) && !isSame(hostName(line))) {
    const origin = findSetting(lines, trace, 'hostname', () => true)
    const finding = `${at(origin, 'hostname')}: ssh ${hostName(line)} goes to ${address}, and ${line.position} says ${line.host}.`
    findings.push(
      told('warning', 'client-config', 'client-other-address', finding, {
        evidence: origin?.text ?? `hostname ${address}`,
        hint: 'Correct the one that is wrong.',
      }),
    )
  }
  for (const keyword of ['proxyjump', 'proxycommand']) {
    const [way] = values.get(keyword) ?? []
    if (way === undefined || way === 'none') continue
    const origin = findSetting(lines, trace, keyword, () => true)
    const finding = `${at(origin, keyword)}: ssh goes by another host, and this looked straight at ${line.host}.`
    findings.push(
      told('warning', 'client-config', 'client-proxy', finding, {
        evidence: origin?.text ?? `${keyword} ${way}`,
        hint: 'If the host can be reached that way only, run this on the host in between.',
      }),
    )
  }
  return findings
}

/** For a login that fails where nobody can answer: ssh would wait for a password, or a word. */
export function judgePrompts({ values }: ClientSettings, host: string): Finding[] {
  const [batch] = values.get('batchmode') ?? []
  if (batch === undefined || YES.includes(batch)) return []
  return [
    told(
      'warning',
      'client-config',
      'client-prompts',
      'Nobody is here to answer, and ssh would ask for a password or a confirmation.',
      {
        evidence: `batchmode ${batch}`,
        hint: `ssh -o BatchMode=yes ${host} fails at once instead.`,
      },
    ),
  ]
}
