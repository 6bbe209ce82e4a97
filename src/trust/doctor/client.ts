/** This machine, as the doctor sees it: the ssh on PATH, and the agent with its keys. */
import { existsSync } from 'node:fs'
import { plainKey } from '../../ssh/certificate'
import { parseAuthorizedKey } from '../../ssh/authorized-keys'
import { displayType, fingerprint, typeOfBlob } from '../../ssh/public-key'
import { fine, told, type Finding, type FindingCode } from './finding'
import { runSsh, type RunOptions } from './ssh'
import { oneLine } from '../report'

/** A key that the agent shows. */
export interface AgentKey {
  /** Wire format; the key inside where it is a certificate. */
  blob: Buffer
  comment: string
}

/** Whether there is an ssh, and which. */
export async function examineClient(
  options: RunOptions,
): Promise<{ findings: Finding[]; hasSsh: boolean }> {
  const ran = await runSsh('ssh', ['-V'], options)
  if (ran === undefined) {
    const hint = 'Install OpenSSH’s client.'
    const steps = INSTALL_CLIENT
    const finding = 'There is no ssh on PATH.'
    return {
      findings: [told('problem', 'ssh', 'ssh-missing', finding, { hint, steps })],
      hasSsh: false,
    }
  }
  return { findings: [judgeVersion(oneLine(ran.stderr.trim()))], hasSsh: true }
}

const INSTALL_CLIENT = [
  'Debian, Ubuntu: apt install openssh-client',
  'Fedora, RHEL: dnf install openssh-clients',
  'Alpine: apk add openssh-client',
  'Arch: pacman -S openssh',
  'openSUSE: zypper install openssh-clients',
]

/** @param version as `ssh -V` prints it */
export function judgeVersion(version: string): Finding {
  const [software, major, minor] =
    /OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)[^\s,]*/.exec(version) ?? []
  if (software === undefined) {
    return told('warning', 'ssh', 'ssh-not-openssh', 'The ssh on PATH is not OpenSSH’s.', {
      evidence: version,
      hint: 'An agent with a policy signs for OpenSSH alone.',
    })
  }
  if (Number(major) * 1000 + Number(minor) >= 8009) return fine('ssh', software, version)
  return told(
    'warning',
    'ssh',
    'ssh-tells-no-host',
    `${software} does not tell agents which host a login is for.`,
    {
      evidence: version,
      hint: 'An agent with a policy refuses it (unbound). OpenSSH does since 8.9.',
    },
  )
}

/** The agent of SSH_AUTH_SOCK, and the keys that it shows. */
export async function examineAgent(
  options: RunOptions,
): Promise<{ findings: Finding[]; keys: AgentKey[] }> {
  const socket = options.env['SSH_AUTH_SOCK'] ?? ''
  const none = (
    code: FindingCode,
    finding: string,
    hint: string,
    evidence = '',
  ): { findings: Finding[]; keys: AgentKey[] } => ({
    findings: [told('problem', 'agent', code, finding, { evidence, hint })],
    keys: [],
  })
  if (socket === '') {
    return none(
      'agent-unset',
      'No agent: SSH_AUTH_SOCK is not set.',
      'sudo and containers drop it. In a job, run after the action; elsewhere: eval "$(ssh-trust agent)" and ssh-add.',
    )
  }
  if (process.platform !== 'win32' && !existsSync(socket)) {
    const gone =
      'That agent has ended, or this is another container. Start one, or run this where it is.'
    const finding = 'No agent: where SSH_AUTH_SOCK points to, there is nothing.'
    return none('agent-gone', finding, gone, `SSH_AUTH_SOCK=${socket}`)
  }
  const ran = await runSsh('ssh-add', ['-L'], options)
  if (ran === undefined) {
    return none('ssh-missing', 'There is no ssh-add on PATH.', 'Install OpenSSH’s client.')
  }
  if (ran.code === 0) {
    const keys = readAgentKeys(ran.stdout)
    const names = keys.map(describeKey).join(', ')
    return { findings: [fine('agent', `The agent holds ${names}.`)], keys }
  }
  if (ran.code === 1) {
    return none(
      'agent-empty',
      'The agent holds no key, or shows none.',
      'Add one with ssh-add. It may also be locked (ssh-add -X), or its lifetime is over.',
      ran.stdout,
    )
  }
  return none(
    'agent-silent',
    `The agent at ${socket} does not answer.`,
    'It has ended or hangs, or belongs to another user. Start another.',
    ran.code === undefined ? 'ssh-add -l takes too long' : ran.stderr,
  )
}

/** The keys that `ssh-add -L` prints, each once. */
export function readAgentKeys(text: string): AgentKey[] {
  const keys: AgentKey[] = []
  for (const line of text.split('\n')) {
    const key = parseAuthorizedKey(Buffer.from(line))
    if (key === undefined) continue
    const blob = withoutCertificate(key.blob)
    if (!keys.some((other) => other.blob.equals(blob))) keys.push({ blob, comment: key.comment })
  }
  return keys
}

/** Agents may hold keys that this project does not know: those stay as they are. */
export function withoutCertificate(blob: Buffer): Buffer {
  try {
    return plainKey(blob)
  } catch {
    return blob
  }
}

/** `ED25519 SHA256:… comment` */
export function describeKey({ blob, comment }: AgentKey): string {
  return oneLine(`${describeBlob(blob)} ${comment}`.trim())
}

/** `ED25519 SHA256:…`, of a key or of the one in a certificate */
export function describeBlob(blob: Buffer): string {
  return `${displayType(typeOfBlob(blob))} ${fingerprint(withoutCertificate(blob))}`
}
