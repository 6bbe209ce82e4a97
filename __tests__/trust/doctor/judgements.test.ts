/** What the doctor makes of facts, as tables; the facts themselves are found in the other doctor tests. */
import { describe, expect, test } from '@jest/globals'
import { TrustError, type ErrorCode } from '../../../src/errors'
import { parseFacts, type AccountFacts } from '../../../src/remote/inspect-account'
import { generatePrivateKey } from '../../../src/ssh/private-key'
import { formatPublicKey } from '../../../src/ssh/public-key'
import { judgeAccount } from '../../../src/trust/doctor/account'
import { judgeVersion, readAgentKeys } from '../../../src/trust/doctor/client'
import type { Check, Finding } from '../../../src/trust/doctor/finding'
import { judgeServer } from '../../../src/trust/doctor/host'
import { expiryOf, fromMatches } from '../../../src/trust/doctor/key-line'
import { findKnownHosts } from '../../../src/trust/doctor/known-hosts'
import { linesAbout, timeOf } from '../../../src/trust/doctor/log'
import { judgeLogin, readTrace } from '../../../src/trust/doctor/login'
import { parseHosts } from '../../../src/trust/hosts'

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIpoXW6G5sM3mGqgGzXvYyEfzdnfqgpP1fLtwuyRk0b+'

describe('judgements', () => {
  test.each([
    ['OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19', 'ok'],
    ['OpenSSH_for_Windows_9.5p1, LibreSSL 3.8.2', 'ok'],
    ['OpenSSH_8.9p1', 'ok'],
    ['OpenSSH_8.8p1', 'warning'],
    ['OpenSSH_10.0p2', 'ok'],
    ['Sun_SSH_1.1', 'warning'],
  ])('version %s: %s', (version, status) => {
    expect(judgeVersion(version).status).toBe(status)
  })

  test.each([
    ['10.0.0.0/8', '10.1.2.3', 'yes'],
    ['10.0.0.0/8', '11.1.2.3', 'no'],
    ['10.0.0.0/8,!10.1.2.3', '10.1.2.3', 'no'],
    ['10.1.?.*', '10.1.2.3', 'yes'],
    ['2001:db8::/32', '2001:DB8::1', 'yes'],
    ['2001:db8::/32', '10.1.2.3', 'no'],
    ['10.0.0.0/99', '10.1.2.3', 'no'],
    ['*.example.org', '10.1.2.3', 'unknown'],
    ['*.example.org,10.1.2.3', '10.1.2.3', 'yes'],
  ])('from="%s" and %s: %s', (list, address, answer) => {
    expect(fromMatches(list, address)).toBe(answer)
  })

  test.each([
    ['20260102', 60, Date.UTC(2026, 0, 1, 23)],
    ['202601020304', -90, Date.UTC(2026, 0, 2, 4, 34)],
    ['20260102030405Z', 60, Date.UTC(2026, 0, 2, 3, 4, 5)],
  ])('expiry-time %s at UTC+%d min', (text, offset, time) => {
    expect(expiryOf(text, offset)).toBe(time)
  })

  test.each([
    ['plain', `[h]:22 ${KEY}`, '[h]:22', true],
    ['one of a list', `a,b ${KEY} c`, 'b', true],
    ['a pattern', `*.example.org ${KEY}`, 'www.example.org', true],
    ['one left out', `*.example.org,!www.* ${KEY}`, 'www.example.org', false],
    ['another port', `h ${KEY}`, '[h]:2222', false],
    ['a comment', `# h ${KEY}`, 'h', false],
    ['no key', 'h ssh-ed25519 AAAA', 'h', false],
    ['a mark', `@revoked h ${KEY}`, 'h', true],
  ])('known_hosts: %s', (_, line, name, found) => {
    expect(findKnownHosts('f', `\n${line}\n`, name).map(({ lineNumber }) => lineNumber)).toEqual(
      found ? [2] : [],
    )
  })

  test('a server that talks between ssh’s own lines adds nothing to the trace', () => {
    const trace = readTrace('debug1: Authentications that can continue: publickey,x\r\nhello\r\n')
    expect(trace).toMatchObject({ methods: ['publickey', 'x'], offered: [], last: 'hello' })
  })

  /** Facts as the script tells them; a user of whom nothing is wrong if nothing is added. */
  const facts = (more: string): AccountFacts =>
    parseFacts(
      Buffer.from(
        `user deploy\nseen-by deploy\nuid 1000\ngroups deploy www-data\nhome /home/deploy\nshell /bin/sh\nclient 10.0.0.1\nclock 20261122120000\nzone +0100\n${more}`,
      ),
    )
  const keyFile = `keys /home/deploy/.ssh/authorized_keys\ncontent ${KEY.length + 1}\n${KEY}\n\n`
  const judge = (more: string): Finding[] =>
    judgeAccount(facts(more), readAgentKeys(KEY), Date.UTC(2026, 10, 22, 12))
  /** Codes of what is wrong. */
  const judged = (more: string): string[] =>
    judge(more)
      .filter(({ status }) => status === 'problem')
      .map(({ code }) => code)

  test.each([
    ['config allowusers root admin@10.*', 'allow-users'],
    ['config allowusers deploy@192.168.*', 'allow-users'],
    ['config DenyUsers dep*', 'deny-users'],
    ['config allowgroups wheel admin', 'allow-groups'],
    ['config denygroups www-*', 'deny-groups'],
    ['config pubkeyauthentication no', 'publickey-off'],
    ['config authenticationmethods publickey,password', 'authentication-methods'],
    ['config pubkeyacceptedalgorithms rsa-sha2-512,ecdsa-*', 'algorithm-not-accepted'],
    ['config pubkeyacceptedkeytypes ssh-rsa', 'algorithm-not-accepted'],
    ['config maxauthtries 0', 'max-auth-tries'],
  ])('%s: %s', (line, code) => {
    expect(judged(`config-from sshd\nconfig-file /f\n${line}\n${keyFile}`)).toEqual([code])
    const found = judge(`config-from sshd\nconfig-file /f\n${line}\n${keyFile}`)
    const [, keyword = ''] = /^config (\S+)/.exec(line) ?? []
    expect(found.find((one) => one.code === code)?.evidence).toBe(
      `${keyword.toLowerCase()} ${line.slice(`config ${keyword} `.length)} (/f)`,
    )
  })

  test.each([
    ['config allowusers deploy@10.0.0.*'],
    ['config allowgroups www-data'],
    ['config authenticationmethods any'],
    ['config permitrootlogin no'],
    ['config pubkeyacceptedalgorithms ssh-ed25519,rsa-sha2-512'],
    ['config pubkeyacceptedalgorithms -ssh-ed25519'],
    ['config maxauthtries 6'],
    ['config forcecommand none'],
    ['locked yes\nconfig usepam yes'],
    ['expires 99999'],
  ])('%s is no problem', (line) => {
    expect(judged(`config-from sshd\n${line}\n${keyFile}`)).toEqual([])
  })

  test.each([
    ['locked yes', 'account-locked'],
    ['locked yes\nconfig usepam no', 'account-locked'],
    ['expires 20000', 'account-expired'],
    ['shell-runs no', 'account-no-shell'],
    ['nologin /run/nologin', 'account-nologin-file'],
  ])('%s: %s', (lines, code) => {
    expect(judged(`${lines}\n${keyFile}`)).toEqual([code])
  })

  test('an RSA key where sshd takes SHA-1 only', () => {
    const { publicKey } = generatePrivateKey({ type: 'ssh-rsa', bits: 2048 }, '')
    const rsa = formatPublicKey(publicKey)
    const found = judgeAccount(
      facts('config-from sshd\nconfig pubkeyacceptedalgorithms ssh-rsa,ssh-ed25519\n'),
      readAgentKeys(rsa),
      0,
    )
    expect(found.find(({ check }) => check === 'sshd-config')?.code).toBe('rsa-sha1-only')
  })

  test.each([
    ['dropbear /usr/sbin/dropbear -F -w -p 22', 'uid 0', ['root-login']],
    ['dropbear /usr/sbin/dropbear -F -p 22\nlocked yes', 'uid 0', []],
    ['dropbear /usr/sbin/dropbear -F -w -p 22', 'uid 1000', []],
  ])('%s for %s', (line, uid, expected) => {
    const text = `user me\n${uid}\nshell /bin/sh\nhome /h\nclient 10.0.0.1\n${line}\n${keyFile}`
    const found = judgeAccount(parseFacts(Buffer.from(text)), readAgentKeys(KEY), 0)
    const wrong = found.filter(({ status }) => status === 'problem').map(({ code }) => code)
    expect(wrong).toEqual(expected)
  })

  test('a file of another user', () => {
    const file = 'keys /f\nmode -rw------- 33 /f\n'
    const found = judge(`${file}content ${KEY.length}\n${KEY}\n`)
    expect(found.find(({ code }) => code === 'owned-by-other')).toMatchObject({
      finding: '/f belongs to the user with the id 33: sshd ignores the keys.',
      evidence: '-rw------- 33 /f',
    })
  })

  test.each([
    ['labels as they should be', 'u:r:ssh_home_t:s0 u:r:ssh_home_t:s0 /k', []],
    ['another label', 'u:r:default_t:s0 u:r:ssh_home_t:s0 /k', ['selinux-label']],
    ['another label, the policy is not known', 'u:r:default_t:s0 - /k', ['selinux-label']],
    ['a right one, the policy is not known', 'u:r:ssh_home_t:s0 - /k', []],
    ['a directory, the policy is not known', 'u:r:user_home_dir_t:s0 - /', []],
  ])('SELinux: %s', (_, label, codes) => {
    expect(judged(`keys /k\nlabel ${label}\ncontent ${KEY.length}\n${KEY}\n`)).toEqual(codes)
    expect(judge(keyFile).filter(({ check }) => check === 'selinux')).toEqual([])
  })

  describe('a server that was not reached', () => {
    const [line] = parseHosts(`deploy@example.org SHA256:${'A'.repeat(43)}`).hosts
    const cause = Object.assign(new Error('x'), { code: 'EHOSTUNREACH' })

    test.each<[ErrorCode, string, Check, string]>([
      ['host-not-found', 'No.', 'name', 'name-not-found'],
      ['host-refused', 'No.', 'connection', 'connection-refused'],
      ['host-unreachable', 'No.', 'connection', 'connection-unreachable'],
      ['host-timeout', 'No answer within 10 s.', 'connection', 'connection-timeout'],
      ['host-timeout', 'The server accepted the connection but …', 'server', 'server-silent'],
      ['host-closed', 'No.', 'server', 'server-closed'],
      ['host-not-ssh', 'No.', 'server', 'server-not-ssh'],
      ['host-protocol', 'No.', 'server', 'server-protocol'],
      ['host-no-common-algorithm', 'No.', 'key-exchange', 'no-common-algorithm'],
      ['host-key-unproven', 'No.', 'key-exchange', 'host-key-unproven'],
      ['key-too-small', 'No.', 'key-exchange', 'host-key-unproven'],
    ])('%s, "%s": %s %s', (code, message, check, expected) => {
      if (line === undefined) throw new Error('no line')
      const error = new TrustError(code, message, { cause, hint: 'Do it.' })
      const found = judgeServer(line, { status: 'unreachable', error })
      expect(found.at(-1)).toMatchObject({
        ...{ status: 'problem', check, code: expected, evidence: 'EHOSTUNREACH' },
        finding: `port 22 of example.org: ${message}`,
      })
      expect(found.at(-1)?.hint).not.toBe('')
      expect(found.slice(0, -1).every(({ status }) => status === 'ok')).toBe(true)
    })

    test('a firewall that drops is told from one that rejects', () => {
      if (line === undefined) throw new Error('no line')
      const hintOf = (code: ErrorCode): string =>
        judgeServer(line, { status: 'unreachable', error: new TrustError(code, 'No.') }).at(-1)
          ?.hint ?? ''
      expect(hintOf('host-timeout')).toMatch(/^A firewall drops it/)
      expect(hintOf('host-refused')).toContain('or a firewall rejects')
    })
  })

  describe('the log', () => {
    const logged = (...lines: string[]): string =>
      `log-from /var/log/auth.log\n${lines.map((line) => `log ${line}\n`).join('')}`
    const found = (...lines: string[]): string[] =>
      judge(`${keyFile}${logged(...lines)}`)
        .filter(({ check }) => check === 'log')
        .map(({ code }) => code)
    /** As rsyslog writes it, at noon by UTC. */
    const at = (time: string, process: number, text: string): string =>
      `Nov 22 ${time} web sshd[${process}]: ${text}`

    test.each([
      ['User deploy from 10.0.0.1 not allowed because not listed in AllowUsers', 'allow-users'],
      ['User deploy from 10.0.0.1 not allowed because listed in DenyUsers', 'deny-users'],
      [
        "User deploy from 10.0.0.1 not allowed because none of user's groups are listed in AllowGroups",
        'allow-groups',
      ],
      [
        'User deploy from 10.0.0.1 not allowed because a group is listed in DenyGroups',
        'deny-groups',
      ],
      ['User deploy not allowed because account is locked', 'account-locked'],
      ['User deploy not allowed because shell /x does not exist', 'account-no-shell'],
      ['User deploy not allowed because shell /x is not executable', 'account-no-shell'],
      ['pam_unix(sshd:account): account deploy has expired (account expired)', 'account-expired'],
      [
        "pam_access(sshd:account): access denied for user `deploy' from `10.0.0.1'",
        'account-denied-by-pam',
      ],
      [
        'fatal: Access denied for user deploy by PAM account configuration [preauth]',
        'account-denied-by-pam',
      ],
      [
        'Authentication refused: bad ownership or modes for directory /home/deploy',
        'writable-by-others',
      ],
      ['ROOT LOGIN REFUSED FROM 10.0.0.1 port 5022', 'root-login'],
      [
        'error: maximum authentication attempts exceeded for deploy from 10.0.0.1 port 5022 ssh2',
        'max-auth-tries',
      ],
      [
        "Could not open user 'deploy' authorized keys '/home/deploy/.ssh/authorized_keys': Permission denied",
        'authorized-keys-unreadable',
      ],
      [
        'Authentication tried for deploy with correct key but not from a permitted host (host=10.0.0.1, ip=10.0.0.1).',
        'key-from',
      ],
      ['error: WARNING: revoked key for deploy attempted authentication', 'key-revoked'],
      [
        'Unable to negotiate with 10.0.0.1 port 5022: no matching host key type found.',
        'no-common-algorithm',
      ],
      ['refused connect from 10.0.0.1 (10.0.0.1)', 'server-closed'],
      [
        'drop connection #10 from [10.0.0.1]:5022 on [10.0.0.2]:22 past MaxStartups',
        'server-closed',
      ],
      [
        'userauth_pubkey: signature algorithm ssh-rsa not in PubkeyAcceptedAlgorithms for deploy',
        'rsa-sha1-only',
      ],
      [
        'userauth_pubkey: key type ssh-dss not in PubkeyAcceptedKeyTypes for deploy',
        'algorithm-not-accepted',
      ],
      ['Invalid user deploy from 10.0.0.1 port 5022', 'account-absent'],
      ['error: something new about deploy', 'log-unexplained'],
      ['Failed publickey for deploy from 10.0.0.1 port 5022 ssh2: ED25519 SHA256:x', 'log-ok'],
      ['Accepted publickey for deploy from 10.0.0.1 port 5022 ssh2: ED25519 SHA256:x', 'log-ok'],
    ])('%s: %s', (text, code) => {
      const line = at('12:55:00', 7, text)
      expect(found(line)).toEqual([code])
      if (code !== 'log-ok') {
        expect(judge(logged(line)).find((one) => one.code === code)?.evidence).toBe(line)
      }
    })

    test.each([
      ['of another user from here', at('12:59:00', 7, 'Invalid user oracle from 10.0.0.1 port 1')],
      ['of another client', at('12:59:00', 7, 'Unable to negotiate with 10.0.0.11 port 1: x')],
      [
        'of a user with a longer name',
        at('12:59:00', 7, 'Invalid user deploy2 from 10.9.9.9 port 1'),
      ],
      ['that is old', at('12:30:00', 7, 'Invalid user deploy from 10.0.0.1 port 1')],
      ['of last year', 'Dec 22 12:59:00 web sshd[7]: Invalid user deploy from 10.0.0.1 port 1'],
    ])('nothing %s', (_, line) => {
      expect(found(line)).toEqual(['log-ok'])
    })

    test('what the same process says beside it counts, and what another says does not', () => {
      const modes = 'Authentication refused: bad ownership or modes for file /srv/keys'
      const named = 'Connection closed by authenticating user deploy 10.0.0.1 port 5022 [preauth]'
      expect(found(at('12:59:00', 7, modes), at('12:59:01', 7, named))).toEqual([
        'writable-by-others',
      ])
      expect(found(at('12:59:00', 8, modes), at('12:59:01', 7, named))).toEqual(['log-ok'])
    })

    test('no more than three lines that nobody can explain, and the latest', () => {
      const lines = Array.from({ length: 9 }, (_, index) => at('12:59:00', 7, `deploy: ${index}`))
      expect(found(...lines)).toEqual(['log-unexplained', 'log-unexplained', 'log-unexplained'])
      const last = judge(logged(...lines)).at(-1)
      expect(last?.evidence).toContain('deploy: 8')
    })

    test('none that can be read', () => {
      const last = judge(keyFile).at(-1)
      expect(last).toMatchObject({ check: 'log', code: 'log-unreadable', status: 'unknown' })
    })

    test.each([
      ['2026-11-22T12:59:00+01:00 web sshd[1]: x', Date.UTC(2026, 10, 22, 11, 59)],
      ['2026-11-22T12:59:00.123456+0100 web sshd[1]: x', Date.UTC(2026, 10, 22, 11, 59)],
      ['2026-11-22T11:59:00Z web sshd[1]: x', Date.UTC(2026, 10, 22, 11, 59)],
      ['Nov 22 12:59:00 web sshd[1]: x', Date.UTC(2026, 10, 22, 11, 59)],
      ['Nov  2 12:59:00 web sshd[1]: x', Date.UTC(2026, 10, 2, 11, 59)],
      ['Dec 31 12:59:00 web sshd[1]: x', Date.UTC(2025, 11, 31, 11, 59)],
      ['Connection from 10.0.0.1 port 5022', undefined],
      ['Foo 22 12:59:00 web sshd[1]: x', undefined],
    ])('the time of %s', (line, time) => {
      expect(timeOf(line, { clock: Date.UTC(2026, 10, 22, 12), zone: 60 })).toBe(time)
    })

    test('lines without a process belong to what was named last', () => {
      const lines = [
        'Connection from 10.9.9.9 port 1 on 10.0.0.2 port 22',
        'error: theirs',
        'Connection from 10.0.0.1 port 2 on 10.0.0.2 port 22',
        'error: ours',
      ]
      expect(linesAbout(lines, facts(''))).toEqual(lines.slice(2))
    })
  })

  describe('the trace of a login', () => {
    const [line] = parseHosts(`deploy@example.org SHA256:${'A'.repeat(43)}`).hosts
    const offer = 'debug1: Offering public key: x RSA SHA256:abc agent'
    const list = 'debug1: Authentications that can continue: publickey'

    test.each([
      [
        'a key that signs by nothing the server takes',
        [list, offer, 'debug1: send_pubkey_test: no mutual signature algorithm'],
        'rsa-sha1-only',
      ],
      [
        'one of two keys does',
        [list, offer, offer, 'debug1: send_pubkey_test: no mutual signature algorithm'],
        'login-key-refused',
      ],
      [
        'a session that is not given',
        ['Authenticated to x', 'exec request failed on channel 0'],
        'login-command-fails',
      ],
      ['a connection that ends early', ['Connection closed by 10.0.0.1 port 22'], 'login-failed'],
      [
        'a server that wants more',
        [list, 'Authenticated using "publickey" with partial success.'],
        'login-wants-more',
      ],
    ])('%s', (_, lines, code) => {
      if (line === undefined) throw new Error('no line')
      const finding = judgeLogin('deploy', line, readTrace(lines.join('\n')), 255)
      expect(finding).toMatchObject({ status: 'problem', code })
    })

    test('one that takes too long', () => {
      if (line === undefined) throw new Error('no line')
      expect(judgeLogin('deploy', line, readTrace(''), undefined)).toMatchObject({
        code: 'login-failed',
        evidence: 'it takes too long',
      })
    })
  })

  test('facts that are cut off anywhere are read as far as they go', () => {
    const whole = Buffer.from(
      `user deploy\nuid 1000\nclient 10.0.0.1\nconfig-from sshd\n${keyFile}label a:b:c:d - /f\nalso x /y\nlog-from /l\nlog x\n`,
    )
    for (let length = 0; length < whole.length; length += 1) {
      const cut = whole.subarray(0, length)
      if (/^user .+\nuid \d+/.test(cut.toString())) expect(parseFacts(cut).user).toBe('deploy')
      else expect(() => parseFacts(cut)).toThrow('does not say what the account is')
    }
  })
})
