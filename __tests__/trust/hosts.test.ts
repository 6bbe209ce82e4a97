/** The `hosts` input: its grammar, and each of its errors with code, position and words. */
import { describe, expect, test } from '@jest/globals'
import type { ErrorCode } from '../../src/errors'
import { parsePin } from '../../src/ssh/pin'
import { generatePrivateKey } from '../../src/ssh/private-key'
import { fingerprint, formatPublicKey } from '../../src/ssh/public-key'
import { forgeKeys } from '../../src/trust/forges'
import { hostName, parseHosts, type HostLine } from '../../src/trust/hosts'

const keyText = (type: 'ssh-ed25519' | 'ecdsa-sha2-nistp256'): string =>
  formatPublicKey(generatePrivateKey({ type }, '').publicKey)

const ED = keyText('ssh-ed25519')
const EC = keyText('ecdsa-sha2-nistp256')
const [edPin, ecPin] = [parsePin(ED), parsePin(EC)]
const CA = parsePin(`@cert-authority ${ED}`)
const REVOKED = parsePin(`@revoked ${EC}`)
const FP = fingerprint(Buffer.from(ED.split(' ')[1] ?? '', 'base64'))
const FP2 = fingerprint(Buffer.from(EC.split(' ')[1] ?? '', 'base64'))
const print = (text: string, type?: string): object => ({
  kind: 'fingerprint',
  fingerprint: text,
  ...(type === undefined ? {} : { type }),
})
const forge = (forgeKeys('github.com') ?? []).map(parsePin)

function only(text: string): HostLine {
  const { hosts, errors } = parseHosts(text)
  expect(errors.map((error) => error.explain())).toEqual([])
  const [line, ...more] = hosts
  if (line === undefined || more.length > 0) throw new Error(`${hosts.length} lines`)
  return line
}

describe('what a line calls its host', () => {
  test.each<[string, Partial<HostLine>]>([
    ['web.example', { host: 'web.example', port: 22 }],
    ['web.example:2222', { host: 'web.example', port: 2222 }],
    ['web.example:65535', { host: 'web.example', port: 65535 }],
    ['deploy@web.example', { host: 'web.example', port: 22, user: 'deploy' }],
    ['me@corp.example@web', { host: 'web', port: 22, user: 'me@corp.example' }],
    ['CORP\\me@web', { host: 'web', port: 22, user: 'CORP\\me' }],
    ['runner$@web', { host: 'web', port: 22, user: 'runner$' }],
    ['prod=web.example', { host: 'web.example', port: 22, alias: 'prod' }],
    ['prod=root@web.example:99', { host: 'web.example', port: 99, alias: 'prod', user: 'root' }],
    ['192.0.2.7:22', { host: '192.0.2.7', port: 22 }],
    ['[2001:db8::1]', { host: '2001:db8::1', port: 22 }],
    ['six=root@[2001:db8::1]:99', { host: '2001:db8::1', port: 99, alias: 'six', user: 'root' }],
    ['[fe80::1%eth0]', { host: 'fe80::1%eth0', port: 22 }],
    ['my_host.example.', { host: 'my_host.example.', port: 22 }],
  ])('%s', (name, expected) => {
    const line = only(`${name} ${FP}`)
    const rest = { pins: [print(FP)], forward: false, bootstrap: false, position: 'hosts:1' }
    expect(line).toStrictEqual({ ...expected, ...rest })
    expect(hostName(line)).toBe(expected.alias ?? expected.host)
  })
})

describe('what stands behind a host', () => {
  test.each<[string, string, Partial<HostLine>]>([
    ['a fingerprint', FP, { pins: [print(FP)] as HostLine['pins'] }],
    ['a fingerprint with padding', `${FP}=`, { pins: [print(FP)] as HostLine['pins'] }],
    ['several', `${FP}\t${FP2}`, { pins: [print(FP), print(FP2)] as HostLine['pins'] }],
    ['a full key', ED, { pins: [edPin] }],
    ['a full key with its comment', `${ED} root@web`, { pins: [edPin] }],
    ['a full key with a plain word', `${ED} laptop`, { pins: [edPin] }],
    ['two full keys with comments', `${ED} a@b ${EC} c@d`, { pins: [edPin, ecPin] }],
    ['a key, a fingerprint', `${ED} ${FP2}`, { pins: [edPin, print(FP2)] as HostLine['pins'] }],
    ['a CA', `@cert-authority ${ED}`, { pins: [CA] }],
    ['a CA with a comment', `@cert-authority ${ED} ca@x forward`, { pins: [CA], forward: true }],
    [
      'a revoked key too',
      `${FP} @revoked ${EC} x@y`,
      { pins: [print(FP), REVOKED] as HostLine['pins'] },
    ],
    ['a CA, then a revoked key', `@cert-authority ${ED} @revoked ${EC}`, { pins: [CA, REVOKED] }],
    ['forward', `${FP} forward`, { forward: true }],
    ['forward behind a key', `${ED} forward`, { pins: [edPin], forward: true }],
    ['key= by comment', `${FP} key=deploy`, { keys: ['deploy'] }],
    ['key= by fingerprint', `key=${FP2} ${FP}`, { keys: [FP2] }],
    ['several key=', `${FP} key=a key=b`, { keys: ['a', 'b'] }],
    [
      'key= of a user at a host, behind a key',
      `${ED} key=me@ci`,
      { pins: [edPin], keys: ['me@ci'] },
    ],
    ['key= behind a CA', `@cert-authority ${ED} key=me@ci`, { pins: [CA], keys: ['me@ci'] }],
    ['users=', `${FP} users=deploy`, { users: ['deploy'] }],
    ['users= of several', `${FP} users=deploy,www-data`, { users: ['deploy', 'www-data'] }],
    ['several users=', `users=a ${FP} users=b,c`, { users: ['a', 'b', 'c'] }],
    ['users= behind a key', `${ED} users=me@corp`, { pins: [edPin], users: ['me@corp'] }],
    [
      'users= behind a CA with a comment',
      `@cert-authority ${ED} ca@x users=a`,
      { pins: [CA], users: ['a'] },
    ],
    [
      'all options',
      `key=k users=u forward ${FP}`,
      { keys: ['k'], users: ['u'], forward: true, pins: [print(FP)] as HostLine['pins'] },
    ],
    ['a comment', `${FP} # forward users=a`, { forward: false }],
  ])('%s', (_, rest, expected) => {
    expect(only(`web.example ${rest}`)).toMatchObject(expected)
    const { pins, keys, users } = only(`web.example ${rest}`)
    if (expected.pins !== undefined) expect(pins).toHaveLength(expected.pins.length)
    expect({ keys, users }).toEqual({ keys: expected.keys, users: expected.users })
  })

  test('the user before the host is one of users=', () => {
    expect(only(`deploy@web ${FP} users=root,deploy`)).toMatchObject({
      user: 'deploy',
      users: ['root', 'deploy'],
    })
  })

  test.each([
    [`256 ${FP} root@web (ED25519)`, 'ssh-ed25519'],
    [`256 ${FP} no comment (ED25519)`, 'ssh-ed25519'],
    [`${FP} (ED25519)`, 'ssh-ed25519'],
    [`3072 ${FP} root@web (RSA)`, 'ssh-rsa'],
    [`16384 ${FP} a b c d (RSA)`, 'ssh-rsa'],
    [`256 ${FP} root@web (ECDSA)`, undefined],
  ])('what ssh-keygen -lf prints: %s', (rest, type) => {
    for (const end of ['', ' forward', ' users=a', ' # note']) {
      const line = only(`web.example ${rest}${end}`)
      expect(line.pins).toStrictEqual([print(FP, type)])
      expect(line.forward).toBe(end === ' forward')
      expect(line.users).toEqual(end === ' users=a' ? ['a'] : undefined)
    }
  })

  test('two lines of ssh-keygen -lf behind one host', () => {
    const rest = `256 ${FP} a@b (ED25519) 3072 ${FP2} no comment (RSA)`
    expect(only(`web ${rest}`).pins).toEqual([print(FP, 'ssh-ed25519'), print(FP2, 'ssh-rsa')])
    expect(only(`web ${FP} ${FP2} a@b (RSA)`).pins).toEqual([print(FP), print(FP2, 'ssh-rsa')])
  })

  test('a forge needs no pin, but may have one', () => {
    expect(forge.length).toBeGreaterThan(0)
    expect(only('github.com').pins).toEqual(forge)
    expect(only('gh=git@GitHub.com').pins).toEqual(forge)
    expect(only(`github.com @revoked ${EC}`).pins).toEqual([REVOKED, ...forge])
    expect(only(`github.com ${FP}`).pins).toEqual([print(FP)])
  })
})

describe('the text', () => {
  test('lines, ends, comments, blanks and a byte order mark', () => {
    const text = `\uFEFF# hosts\r\na ${FP}\r\r\n\n  \t\nb\t${FP}  # c ${FP2}\r  c ${FP}#not a comment`
    const { hosts, errors } = parseHosts(text.slice(0, -'#not a comment'.length))
    expect(errors).toEqual([])
    expect(hosts.map(({ host, position }) => [host, position])).toEqual([
      ['a', 'hosts:2'],
      ['b', 'hosts:6'],
      ['c', 'hosts:7'],
    ])
    expect(hosts[1]?.pins).toHaveLength(1)
    expect(parseHosts(text).errors).toMatchObject([{ code: 'hosts-pin-invalid' }])
  })

  test.each(['', '\n\n', '# nothing\n'])('nothing is no error: %j', (text) => {
    expect(parseHosts(text)).toEqual({ hosts: [], errors: [] })
  })

  test('one host may stand there twice, for another user or port', () => {
    expect(parseHosts(`a@web ${FP}\nb@web:23 ${FP}`)).toMatchObject({ hosts: [{}, {}], errors: [] })
  })

  test('each wrong line is told, the others are read', () => {
    const { hosts, errors } = parseHosts(`good ${FP}\n:\nalso ${FP}\nbad ${FP} what`)
    expect(hosts.map(({ host }) => host)).toEqual(['good', 'also'])
    expect(errors.map(({ input }) => input)).toEqual([
      'hosts:2',
      expect.stringMatching(/^hosts:4:/),
    ])
  })
})

describe('errors', () => {
  const MD5 = '16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48'
  const dss = 'ssh-dss AAAAB3NzaC1kc3MAAACBAP'
  const long = `${'a'.repeat(63)}.`.repeat(4)

  test.each<[string, ErrorCode, string, string]>([
    // names
    ['2001:db8::1', 'hosts-syntax', 'hosts:3', 'brackets'],
    ['root@::1', 'hosts-syntax', 'hosts:3', 'brackets'],
    ['web.example:', 'hosts-syntax', 'hosts:3', 'not a port'],
    ['web.example:0', 'hosts-syntax', 'hosts:3', '0 is not a port'],
    ['web.example:65536', 'hosts-syntax', 'hosts:3', '65536 is not a port'],
    ['web.example:ssh', 'hosts-syntax', 'hosts:3', '[alias=][user@]host[:port]'],
    ['web*', 'hosts-syntax', 'hosts:3', '"web*" is not'],
    ['web,192.0.2.7', 'hosts-syntax', 'hosts:3', 'is not'],
    ['|1|abc=|def=', 'hosts-syntax', 'hosts:3', 'is not'],
    ['-oProxyCommand', 'hosts-syntax', 'hosts:3', 'is not'],
    ['web-', 'hosts-syntax', 'hosts:3', 'is not'],
    ['ssh://web', 'hosts-syntax', 'hosts:3', 'is not'],
    ['[web]', 'hosts-syntax', 'hosts:3', 'is not'],
    ['[]', 'hosts-syntax', 'hosts:3', 'is not'],
    ['[::1', 'hosts-syntax', 'hosts:3', 'brackets'],
    [`${long}a`, 'hosts-syntax', 'hosts:3', 'is not'],
    ['=web', 'hosts-syntax', 'hosts:3', '"" can\'t be an alias'],
    ['*=web', 'hosts-syntax', 'hosts:3', "can't be an alias"],
    ['a"b=web', 'hosts-syntax', 'hosts:3', "can't be an alias"],
    [`${'a'.repeat(64)}=web`, 'hosts-syntax', 'hosts:3', "can't be an alias"],
    ['@web', 'hosts-syntax', 'hosts:3', "can't be a user name"],
    ['-l@web', 'hosts-syntax', 'hosts:3', "can't be a user name"],
    ['me:secret@web', 'hosts-syntax', 'hosts:3', "can't be a user name"],
    // pins and options
    ['web.example', 'hosts-pin-missing', 'hosts:3', 'ssh-keygen -lf'],
    ['web.example forward', 'hosts-pin-missing', 'hosts:3', 'no pin'],
    [`web.example @revoked ${ED}`, 'hosts-pin-missing', 'hosts:3', 'no pin'],
    [`web.example    ${MD5}`, 'hosts-pin-md5', 'hosts:3:16', 'SHA256'],
    [`web.example MD5:${MD5}`, 'hosts-pin-md5', 'hosts:3:13', 'two keys with one MD5'],
    ['web.example SHA256:abc', 'hosts-pin-invalid', 'hosts:3:13', '43 characters'],
    [`web.example ${FP}A`, 'hosts-pin-invalid', 'hosts:3:13', '43 characters'],
    [`web.example ${FP.toLowerCase()}`, 'hosts-pin-invalid', 'hosts:3:13', '43 characters'],
    ['web.example ssh-ed25519', 'malformed', 'hosts:3:13', 'not base64'],
    [`web.example ${ED.slice(0, -8)}`, 'malformed', 'hosts:3:13', 'Malformed'],
    [
      `web.example ${ED.replace('ssh-ed25519', 'ssh-rsa')}`,
      'malformed',
      'hosts:3:13',
      'the key itself ssh-ed25519',
    ],
    [`web.example ${dss}`, 'key-type-unsupported', 'hosts:3:13', 'DSA'],
    [
      'web.example sk-ssh-ed25519@openssh.com AAAA',
      'key-type-unsupported',
      'hosts:3:13',
      'sk-ssh-ed25519',
    ],
    ['web.example @cert-authority', 'key-type-unsupported', 'hosts:3:13', 'Supported are'],
    [`web.example ${FP} Forward`, 'hosts-option-unknown', 'hosts:3:64', '"Forward" is neither'],
    [`web.example ${FP} key=`, 'hosts-option-unknown', 'hosts:3:64', 'key='],
    [`web.example ${FP} forward via`, 'hosts-option-unknown', 'hosts:3:72', 'Options are: key='],
    [`web.example ${FP} users=`, 'hosts-syntax', 'hosts:3:64', '"" can\'t be a user name'],
    [`web.example ${FP} users=a,,b`, 'hosts-syntax', 'hosts:3:64', '"" can\'t be a user name'],
    [`web.example ${FP} users=*`, 'hosts-syntax', 'hosts:3:64', '"*" can\'t be a user name'],
    [`web.example ${FP} users=a, b`, 'hosts-syntax', 'hosts:3:64', '"" can\'t be a user name'],
    [`web.example ${FP} Users=a`, 'hosts-option-unknown', 'hosts:3:64', 'users=NAME,…'],
    [`c@web ${FP} users=a,b`, 'hosts-syntax', 'hosts:3', 'Write users=c,a,b'],
    [`web.example 256`, 'hosts-option-unknown', 'hosts:3:13', '"256"'],
    [`web.example 256 ${FP} root@web (DSA)`, 'hosts-option-unknown', 'hosts:3:68', 'root@web'],
  ])('%s', (line, code, input, words) => {
    const { hosts, errors } = parseHosts(`# hosts\n\n${line}`)
    expect(hosts).toEqual([])
    expect(errors).toMatchObject([{ code, input }])
    expect(errors[0]?.explain()).toContain(words)
  })

  test('an alias twice: the second is told, with the place of the first', () => {
    const { errors } = parseHosts(`a=web ${FP}\nb=web ${FP}\na=db ${FP}`)
    expect(errors).toMatchObject([
      { code: 'hosts-syntax', input: 'hosts:3', message: 'The name a is taken by hosts:1.' },
    ])
  })

  test('an input without end is not even taken apart', () => {
    const { hosts, errors } = parseHosts(`web ${FP}\n#${'x'.repeat(16 * 1024 * 1024)}`)
    expect(hosts).toEqual([])
    expect(errors).toMatchObject([{ code: 'hosts-syntax', input: 'hosts' }])
  })

  test('an MD5 fingerprint that is not whole is called one', () => {
    expect(parseHosts('web MD5:16:27:ac').errors).toMatchObject([{ code: 'hosts-pin-md5' }])
  })

  test('an alias that is the name of another line’s host is told', () => {
    expect(parseHosts(`db ${FP}\ndb=192.0.2.7 ${FP}`).errors).toMatchObject([{ input: 'hosts:2' }])
  })
})
