/** The way to a host and what answers there: its name, the connection, its host key against the pins. */
import { lookup } from 'node:dns/promises'
import { systemCode, type ErrorCode } from '../../errors'
import type { HostResult } from '../../remote/verify-hosts'
import { pinFingerprint } from '../../ssh/pin'
import { describeBlob } from './client'
import { fine, told, type Check, type Finding, type FindingCode } from './finding'
import type { HostLine } from '../hosts'

/** @param timeout in milliseconds */
export async function examineName(host: string, timeout: number): Promise<Finding> {
  const silent = (evidence: string): Finding =>
    told('problem', 'name', 'name-server-silent', `The name server does not answer for ${host}.`, {
      evidence,
      hint: 'Check the network and the resolver (/etc/resolv.conf), then try again.',
    })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeout, undefined)
  })
  try {
    const addresses = await Promise.race([lookup(host, { all: true }), late])
    if (addresses === undefined) return silent(`no answer within ${timeout / 1000} s`)
    return fine('name', `${host} is ${addresses.map(({ address }) => address).join(', ')}.`)
  } catch (error) {
    const code = systemCode(error) ?? ''
    if (code === 'EAI_AGAIN') return silent(code)
    return told('problem', 'name', 'name-not-found', `There is no host ${host}.`, {
      evidence: code,
      hint: 'Check the spelling; a name of a private network needs that network here.',
    })
  } finally {
    clearTimeout(timer)
  }
}

/** How far the way went where it did not go to the end, and what that is called. */
const STAGES: Partial<Record<ErrorCode, [Check, FindingCode]>> = {
  'host-not-found': ['name', 'name-not-found'],
  'host-refused': ['connection', 'connection-refused'],
  'host-unreachable': ['connection', 'connection-unreachable'],
  'host-timeout': ['connection', 'connection-timeout'],
  'host-closed': ['server', 'server-closed'],
  'host-not-ssh': ['server', 'server-not-ssh'],
  'host-protocol': ['server', 'server-protocol'],
  'host-no-common-algorithm': ['key-exchange', 'no-common-algorithm'],
}

/** What to do about what is found out from outside. */
const ADVICE: Partial<Record<FindingCode, { hint: string; steps?: readonly string[] }>> = {
  'connection-refused': {
    hint: 'The machine is up and no SSH server listens there (or a firewall rejects). Correct the port, or install and start the server, at the machine itself:',
    steps: [
      'Debian, Ubuntu: apt install openssh-server && systemctl enable --now ssh',
      'Fedora, RHEL, Alma, Rocky: dnf install openssh-server && systemctl enable --now sshd',
      'Alpine: apk add openssh-server && rc-update add sshd && rc-service sshd start',
      'Arch: pacman -S openssh && systemctl enable --now sshd',
      'openSUSE: zypper install openssh-server && systemctl enable --now sshd',
      'OpenWrt: opkg install openssh-server && /etc/init.d/sshd enable && /etc/init.d/sshd start (dropbear is there already: /etc/init.d/dropbear start)',
      'macOS: sudo systemsetup -setremotelogin on',
      'Windows (PowerShell, as administrator): Add-WindowsCapability -Online -Name OpenSSH.Server~~~~0.0.1.0; Set-Service sshd -StartupType Automatic; Start-Service sshd',
    ],
  },
  'connection-timeout': {
    hint: 'A firewall drops it (one that rejects would be told at once), or the machine is down. Allow the port for the address that this comes from, on the machine and in front of it (security groups):',
    steps: [
      'ufw: ufw allow ssh',
      'firewalld: firewall-cmd --permanent --add-service=ssh && firewall-cmd --reload',
      'nftables: nft list ruleset shows what is dropped',
    ],
  },
  'connection-unreachable': {
    hint: 'There is no route: check the address, the network here, and whether a VPN is needed.',
  },
  'server-silent': {
    hint: 'The machine is overloaded, a firewall lets only the connection through, or it is not an SSH server.',
  },
  'server-not-ssh': {
    hint: 'Check the host name and the port: sshd -T | grep ^port on the server.',
  },
  'server-closed': {
    hint: 'The server turns this client away. At the machine itself, look for the reason:',
    steps: [
      'MaxStartups (too many at once): journalctl -u ssh -u sshd | grep -i maxstartups',
      'PerSourcePenalties (OpenSSH 9.8 and later): journalctl -u ssh -u sshd | grep -i penalty',
      'fail2ban: fail2ban-client status sshd; fail2ban-client set sshd unbanip ADDRESS',
      'TCP wrappers: grep -i sshd /etc/hosts.deny /etc/hosts.allow',
    ],
  },
  'no-common-algorithm': {
    hint: 'Update the older of the two, or allow one of the algorithms named on the server (KexAlgorithms, HostKeyAlgorithms in sshd_config).',
  },
}

/** What holding the server against its pins says, in findings. */
export function judgeServer(line: HostLine, result: HostResult): Finding[] {
  const where = `port ${line.port} of ${line.host}`
  const reached = fine('connection', `Something listens at ${where}.`)
  if (result.status === 'unreachable') {
    const { error } = result
    const [check, code] = stageOf(result.error)
    const { hint = error.hint ?? '', steps = [] } = ADVICE[code] ?? {}
    const evidence = systemCode(error.cause) ?? wordsOf(error.message)
    const what = `${where}: ${error.message}`
    const problem = told('problem', check, code, what, { evidence, hint, steps })
    if (check === 'connection' || check === 'name') return [problem]
    const server = fine('server', 'It is an SSH server.')
    return check === 'server' ? [reached, problem] : [reached, server, problem]
  }
  const before = [reached, fine('key-exchange', 'It is an SSH server, and has proven a key.')]
  if (result.status === 'ok') {
    const key = describeBlob(result.hostKey)
    return [...before, fine('host-key', `${key} is pinned on ${line.position}.`)]
  }
  const offered = result.offered.map(describeBlob).join(', ')
  if (result.status === 'revoked') {
    const finding = `The server holds ${offered}, which ${line.position} marks @revoked.`
    const hint = 'Somebody else may hold that key. Do not log in; find out who answers there.'
    const evidence = offered
    return [...before, told('problem', 'host-key', 'host-key-revoked', finding, { evidence, hint })]
  }
  const pinned = line.pins.filter(({ kind }) => kind !== 'revoked').map(pinFingerprint)
  const defect = result.defect === undefined ? '' : ` Its certificate: ${result.defect}.`
  return [
    ...before,
    told(
      'problem',
      'host-key',
      'host-key-changed',
      `The server holds ${offered}, and ${line.position} pins ${pinned.join(', ')}.${defect}`,
      {
        evidence: offered,
        hint: 'On the server itself, run: for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done. If it prints that key, change the pin. If not, somebody is in between: do not go on.',
      },
    ),
  ]
}

function stageOf({ code, message }: { code: ErrorCode; message: string }): [Check, FindingCode] {
  // The same code stands for a connection that never came about, and for one where nothing was said.
  if (code === 'host-timeout' && /accepted the connection/.test(message)) {
    return ['server', 'server-silent']
  }
  return STAGES[code] ?? ['key-exchange', 'host-key-unproven']
}

/** What a message quotes of the server. */
function wordsOf(message: string): string {
  return /"(.*)"/.exec(message)?.[1] ?? ''
}
