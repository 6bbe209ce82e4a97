/** What a server's sshd_config(5) says of an account: who may come in at all, and with which keys. */
import type { AccountFacts } from '../../remote/inspect-account'
import { matchPattern } from '../../ssh/pattern'
import { typeOfBlob } from '../../ssh/public-key'
import { describeKey, type AgentKey } from './client'
import { fine, told, type Finding, type FindingCode } from './finding'
import { fromMatches } from './key-line'

/** The values of a keyword; those of AllowUsers and the like add up. */
export function setting({ config }: AccountFacts, keyword: string): string[] {
  return (config.get(keyword) ?? []).flatMap((value) =>
    value.split(/\s+/).filter((word) => word !== ''),
  )
}

/** Who may come in, in the order in which sshd asks; then what it takes. */
export function judgeConfig(facts: AccountFacts, keys: readonly AgentKey[]): Finding[] {
  const { user, configFile: file, configFrom, dropbear } = facts
  if (dropbear !== undefined) return [judgeDropbear(facts, dropbear)]
  const findings = [
    ...judgeUsers(facts),
    ...judgeGroups(facts),
    ...judgeMethods(facts),
    ...judgeAlgorithms(facts, keys),
    ...judgeTries(facts, keys),
  ]
  if (findings.length > 0) return findings
  if (configFrom === 'sshd') return [fine('sshd-config', `${file} lets ${user} in with keys.`)]
  const part =
    configFrom === 'file'
      ? 'is known in part only (Match and Include are left out)'
      : 'can not be read'
  return [
    told('unknown', 'sshd-config', 'sshd-config-unknown', `${file} ${part}.`, {
      hint: `As root on the server: sshd -T -C user=${user}; or look with --as and an administrator.`,
    }),
  ]
}

/** dropbear(8): what is asked of it stands on its command line. */
function judgeDropbear({ uid }: AccountFacts, evidence: string): Finding {
  if (uid === 0 && /(?:^| )-\w*w/.test(evidence)) {
    const hint = 'Log in as another user, or start dropbear without -w.'
    const finding = 'dropbear runs with -w, which keeps root out.'
    return told('problem', 'sshd-config', 'root-login', finding, { evidence, hint })
  }
  return fine('sshd-config', 'The server is dropbear, which has no sshd_config.', evidence)
}

function problem(
  facts: AccountFacts,
  keyword: string,
  code: FindingCode,
  finding: string,
  hint: string,
): Finding {
  const evidence = `${keyword} ${setting(facts, keyword).join(' ')} (${facts.configFile})`
  return told('problem', 'sshd-config', code, finding, { evidence, hint })
}

const RELOAD = 'then reload sshd'

function judgeUsers(facts: AccountFacts): Finding[] {
  const { user, configFile: file, uid } = facts
  const findings: Finding[] = []
  const matches = (pattern: string): boolean => isUser(pattern, facts)
  if (setting(facts, 'denyusers').some(matches)) {
    const hint = `Take it out in ${file}, ${RELOAD}.`
    findings.push(problem(facts, 'denyusers', 'deny-users', `DenyUsers names ${user}.`, hint))
  }
  const allowed = setting(facts, 'allowusers')
  if (allowed.length > 0 && !allowed.some(matches)) {
    const hint = `Add ${user} to it in ${file}, ${RELOAD}.`
    findings.push(
      problem(facts, 'allowusers', 'allow-users', `AllowUsers leaves out ${user}.`, hint),
    )
  }
  const [root] = setting(facts, 'permitrootlogin')
  if (uid === 0 && (root === 'no' || root === 'forced-commands-only')) {
    const hint = `Log in as another user, or set it to prohibit-password in ${file}, ${RELOAD}.`
    const finding = `PermitRootLogin is ${root}.`
    findings.push(problem(facts, 'permitrootlogin', 'root-login', finding, hint))
  }
  return findings
}

/** USER or USER@HOST, with patterns. */
function isUser(pattern: string, { user, client }: AccountFacts): boolean {
  const [name = '', host] = pattern.split(/@(?=[^@]*$)/, 2)
  return matchPattern(user, name) && (host === undefined || fromMatches(host, client) === 'yes')
}

function judgeGroups(facts: AccountFacts): Finding[] {
  const { user, configFile: file, groups } = facts
  if (groups.length === 0) return []
  const findings: Finding[] = []
  const named = (patterns: readonly string[]): string | undefined =>
    groups.find((group) => patterns.some((pattern) => matchPattern(group, pattern)))
  const denied = named(setting(facts, 'denygroups'))
  if (denied !== undefined) {
    const hint = `Take it out in ${file}, ${RELOAD}, or ${user} out of the group.`
    const finding = `DenyGroups names ${denied}, a group of ${user}.`
    findings.push(problem(facts, 'denygroups', 'deny-groups', finding, hint))
  }
  const allowed = setting(facts, 'allowgroups')
  if (allowed.length > 0 && named(allowed) === undefined) {
    const hint = `As root: usermod -aG ${allowed[0] ?? ''} ${user}; or add a group of ${user} in ${file}, ${RELOAD}.`
    const finding = `AllowGroups has none of the groups of ${user} (${groups.join(' ')}).`
    findings.push(problem(facts, 'allowgroups', 'allow-groups', finding, hint))
  }
  return findings
}

function judgeMethods(facts: AccountFacts): Finding[] {
  const { configFile: file } = facts
  const findings: Finding[] = []
  const [pubkey] = setting(facts, 'pubkeyauthentication')
  if (pubkey?.toLowerCase() === 'no') {
    const hint = `Set it to yes in ${file}, ${RELOAD}.`
    const finding = 'PubkeyAuthentication is no.'
    findings.push(problem(facts, 'pubkeyauthentication', 'publickey-off', finding, hint))
  }
  const methods = setting(facts, 'authenticationmethods')
  if (methods.length > 0 && !methods.some((list) => list === 'any' || list === 'publickey')) {
    const hint = `Add publickey to it in ${file}, ${RELOAD}.`
    const finding = 'AuthenticationMethods wants more than a key.'
    findings.push(problem(facts, 'authenticationmethods', 'authentication-methods', finding, hint))
  }
  const command = facts.config.get('forcecommand')?.[0] ?? 'none'
  if (command !== 'none') {
    findings.push(
      told('warning', 'sshd-config', 'forced-command', 'ForceCommand runs one command only.', {
        evidence: `forcecommand ${command} (${file})`,
        hint: `Log in as another user for other commands, or change it in ${file}.`,
      }),
    )
  }
  return findings
}

/** By which algorithms a key signs: RSA keys by several (RFC 8332). */
function algorithmsOf(type: string): string[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]
}

function judgeAlgorithms(facts: AccountFacts, keys: readonly AgentKey[]): Finding[] {
  const { configFile: file } = facts
  // Its name until 8.5.
  const keyword =
    ['pubkeyacceptedalgorithms', 'pubkeyacceptedkeytypes'].find((name) => facts.config.has(name)) ??
    'pubkeyacceptedalgorithms'
  const [list = ''] = setting(facts, keyword)
  // In the file itself it may be a change of the default, which is not known here.
  if (list === '' || /^[-+^]/.test(list)) return []
  const patterns = list.split(',')
  const takes = (algorithm: string): boolean =>
    patterns.some((pattern) => matchPattern(algorithm, pattern))
  return keys.flatMap((key) => {
    const type = typeOfBlob(key.blob)
    if (algorithmsOf(type).some(takes)) return []
    const sha1 = type === 'ssh-rsa' && takes('ssh-rsa')
    const finding = sha1
      ? `sshd takes RSA signatures with SHA-1 only, which are not made any more: ${describeKey(key)}.`
      : `sshd takes no key of this type: ${describeKey(key)}.`
    const hint = `Use a key of another type (ed25519), or add ${algorithmsOf(type).join(',')} to PubkeyAcceptedAlgorithms in ${file}, ${RELOAD}.`
    const code = sha1 ? 'rsa-sha1-only' : 'algorithm-not-accepted'
    return [problem(facts, keyword, code, finding, hint)]
  })
}

function judgeTries(facts: AccountFacts, keys: readonly AgentKey[]): Finding[] {
  const [text = ''] = setting(facts, 'maxauthtries')
  const tries = Number(text)
  if (!/^\d{1,6}$/.test(text) || keys.length <= tries) return []
  return [
    problem(
      facts,
      'maxauthtries',
      'max-auth-tries',
      `MaxAuthTries is ${tries}, and the agent shows ${keys.length} keys: some are never tried.`,
      'Say which key is for this host (key=SHA256:… on its line), or have fewer keys in the agent.',
    ),
  ]
}
