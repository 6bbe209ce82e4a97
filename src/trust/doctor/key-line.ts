/** Whether sshd takes a key at one line of a file: the line's options, and who else can write to the file. */
import { BlockList, isIP } from 'node:net'
import { TrustError } from '../../errors'
import type { AccountFacts, KeyFile, PathFacts } from '../../remote/inspect-account'
import { parseKeyOptions, type AuthorizedKey, type KeyOption } from '../../ssh/authorized-keys'
import { matchPattern } from '../../ssh/pattern'
import { fine, told, type Finding, type FindingCode, type Status } from './finding'

/** What the options in front of a key do to a login with it. */
export function judgeOptions(
  line: AuthorizedKey,
  at: string,
  facts: AccountFacts,
  now: number,
): Finding[] {
  if (line.options.length === 0) return []
  try {
    const options = parseKeyOptions(line.options.join(','))
    return options.flatMap((option) => judgeOption(option, at, facts, now))
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    const finding = `sshd may not understand the options at ${at}: ${error.message}`
    return [
      told('problem', 'key-options', 'key-options-invalid', finding, {
        evidence: line.options.join(','),
        hint: 'Correct that line: sshd skips it as it is.',
      }),
    ]
  }
}

function judgeOption(
  { name, value }: KeyOption,
  at: string,
  { client, zone }: AccountFacts,
  now: number,
): Finding[] {
  const evidence = value === undefined ? name : `${name}="${value}"`
  const one = (status: Status, code: FindingCode, finding: string, hint: string): Finding[] => [
    told(status, 'key-options', code, finding, { evidence, hint }),
  ]
  switch (name.toLowerCase()) {
    case 'expiry-time': {
      if (expiryOf(value ?? '', zone ?? 0) > now) return []
      const hint = 'Replace the line by one without it, or with a later time.'
      return one('problem', 'key-expired', `The key at ${at} has expired.`, hint)
    }
    case 'from': {
      const answer = fromMatches(value ?? '', client)
      if (answer === 'yes') return []
      const hint = `Add ${client} to it, or connect from an address that it has.`
      if (answer === 'no') {
        const finding = `from= at ${at} leaves this client out, which the server sees as ${client}.`
        return one('problem', 'key-from', finding, hint)
      }
      const finding = `from= at ${at} goes by host names, and this client is ${client}.`
      return one('unknown', 'key-from', finding, `Such names count with UseDNS yes only. ${hint}`)
    }
    case 'command': {
      const finding = `The key at ${at} runs one command only.`
      return one('warning', 'forced-command', finding, 'Use another key for other commands.')
    }
    case 'cert-authority': {
      const finding = `The key at ${at} is there as an authority (cert-authority), not as a key.`
      const hint = 'Add a line for the key without that option.'
      return one('problem', 'key-is-authority', finding, hint)
    }
    case 'restrict': {
      const finding = `The key at ${at} gets no terminal and no forwarding (restrict).`
      return [fine('key-options', finding)]
    }
    default:
      return []
  }
}

/**
 * @param offset the server's zone, minutes east of UTC: that is what a time without Z is in
 * @returns milliseconds since 1970
 */
export function expiryOf(text: string, offset: number): number {
  const digits = text.replace(/\D/g, '').padEnd(14, '0')
  const at = (start: number, length = 2): number => Number(digits.slice(start, start + length))
  const utc = Date.UTC(at(0, 4), at(4) - 1, at(6), at(8), at(10), at(12))
  return /(Z|UTC)$/i.test(text) ? utc : utc - offset * 60_000
}

/**
 * Whether a pattern list of sshd(8), from=, has `address`; `unknown` where that hangs on host names.
 */
export function fromMatches(list: string, address: string): 'yes' | 'no' | 'unknown' {
  let answer: 'yes' | 'no' | 'unknown' = 'no'
  for (const item of list.split(',')) {
    const pattern = item.replace(/^!/, '')
    const byAddress = /^[0-9a-fA-F.:*?/]+$/.test(pattern)
    const matches = pattern.includes('/')
      ? inNetwork(pattern, address)
      : matchPattern(address.toLowerCase(), pattern.toLowerCase())
    if (matches && item.startsWith('!')) return 'no'
    if (matches) answer = 'yes'
    else if (!byAddress && answer === 'no' && !item.startsWith('!')) answer = 'unknown'
  }
  return answer
}

function inNetwork(network: string, address: string): boolean {
  const [base = '', length = ''] = network.split('/', 2)
  const family = (ip: string): 'ipv4' | 'ipv6' => (isIP(ip) === 6 ? 'ipv6' : 'ipv4')
  if (isIP(base) === 0 || isIP(address) !== isIP(base)) return false
  try {
    const block = new BlockList()
    block.addSubnet(base, Number(length), family(base))
    return block.check(address, family(address))
  } catch {
    return false
  }
}

/** StrictModes of sshd_config(5), for the file and all directories up to the home. */
export function judgeModes(file: KeyFile, facts: AccountFacts): Finding[] {
  const bad = file.chain.flatMap((path) => judgePath(path, facts))
  if (bad.length === 0) {
    const finding = `Only ${facts.user} and root can write to ${file.path} and what is above it.`
    return [fine('modes', finding)]
  }
  const [strict] = facts.config.get('strictmodes') ?? []
  if (strict?.toLowerCase() !== 'no') return bad
  return bad.map((one) => ({
    ...one,
    status: 'warning',
    finding: `${one.finding} It does not now, as StrictModes is no.`,
  }))
}

function judgePath({ path, mode, owner }: PathFacts, { uid, user }: AccountFacts): Finding[] {
  const evidence = `${mode} ${owner} ${path}`
  if (owner !== 0 && owner !== uid) {
    const finding = `${path} belongs to the user with the id ${owner}: sshd ignores the keys.`
    const hint = `As root on the server: chown ${user} '${path}'`
    return [told('problem', 'modes', 'owned-by-other', finding, { evidence, hint })]
  }
  if (mode.charAt(5) !== 'w' && mode.charAt(8) !== 'w') return []
  const finding = `Others can write to ${path}: sshd ignores the keys.`
  const hint = `On the server: chmod go-w '${path}'`
  return [told('problem', 'modes', 'writable-by-others', finding, { evidence, hint })]
}

/** Where SELinux is enforced, sshd reads nothing without the label of its keys. */
export function judgeLabels({ labels, keyFiles }: AccountFacts): Finding[] {
  if (labels.length === 0) return []
  const ours = keyFiles.map(({ path }) => path)
  const bad = labels.flatMap(({ path, context, expected }): Finding[] => {
    const type = typeOf(context)
    const wanted = expected === undefined ? undefined : typeOf(expected)
    // Without the policy's word, only the file of keys itself is known to need a label.
    if (type === (wanted ?? 'ssh_home_t') || (wanted === undefined && !ours.includes(path)))
      return []
    const finding = `SELinux is enforced, and ${path} has the label ${type}: sshd may not read it.`
    return [
      told('problem', 'selinux', 'selinux-label', finding, {
        evidence: `${context} ${path}${expected === undefined ? '' : `, and should be ${expected}`}`,
        hint: `As root on the server: restorecon -Rv '${path}'. For a home elsewhere first: semanage fcontext -a -e /home DIRECTORY`,
      }),
    ]
  })
  return bad.length > 0 ? bad : [fine('selinux', 'SELinux is enforced, and the labels are right.')]
}

/** The third part of user:role:type:level. */
function typeOf(context: string): string {
  return context.split(':')[2] ?? ''
}
