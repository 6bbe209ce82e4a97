/** Trust that was made earlier, taken out of files on real servers; and what can be said to go. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { TrustError } from '../../src/errors'
import type { PrivateKey } from '../../src/ssh/private-key'
import { fingerprint } from '../../src/ssh/public-key'
import { parseHosts, type HostLine } from '../../src/trust/hosts'
import type { RevocationReport } from '../../src/trust/report'
import {
  matchesOfKeys,
  matchOfComment,
  matchOfFingerprint,
  readRevokeKeys,
} from '../../src/trust/key-matches'
import {
  formatRevocations,
  revocationCredentials,
  revokeOnHosts,
  type KeyRevocation,
} from '../../src/trust/revoke-keys'
import { lineOf, newKey, startHost, type Host, type HostOptions } from '../remote/fixtures'
import { describeWith } from '../support/programs'

let closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers) await close()
  closers = []
})

const old = newKey('ssh-trust:org/app/run/1')
const other = newKey('somebody@laptop')

function hostsOf(text: string): HostLine[] {
  const { hosts, errors } = parseHosts(text)
  expect(errors).toEqual([])
  return hosts
}

describe('what is to go', () => {
  test('keys, fingerprints and comments, a line each', () => {
    const text = `# since March\n${lineOf(old)}\n\n  ${fingerprint(other.publicKey)}\ncomment=ssh-trust:org/*\nrestrict ${lineOf(other)}`
    expect(readRevokeKeys(text)).toEqual([
      { kind: 'key', blob: old.publicKey },
      { kind: 'fingerprint', fingerprint: fingerprint(other.publicKey) },
      { kind: 'comment', pattern: 'ssh-trust:org/*' },
      { kind: 'key', blob: other.publicKey },
    ])
  })

  test.each(['', '*', '?*', ' * '])('no pattern that is for every comment: "%s"', (pattern) => {
    expect(() => matchOfComment(pattern)).toThrow('every key would go')
  })

  test.each([
    ['no key', () => matchesOfKeys('not a key')],
    ['half a fingerprint', () => matchOfFingerprint('SHA256:abc')],
    ['a key for a fingerprint', () => matchOfFingerprint(lineOf(old))],
    ['MD5', () => readRevokeKeys('MD5:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff')],
  ])('not %s', (_, read) => {
    expect(read).toThrow(TrustError)
  })

  test('all keys of a file', () => {
    expect(matchesOfKeys(`${lineOf(old)}\n${lineOf(other)}\n`)).toHaveLength(2)
  })
})

describe('what to log in with', () => {
  const FP = fingerprint(old.publicKey)
  const lines = hostsOf(`a@one ${FP} bootstrap password-env=ONE\na@two ${FP}`)
  const given = { kind: 'password', password: 'all' } as const

  test('a line’s own password, else what was given', async () => {
    const found = await revocationCredentials(lines, given, { ONE: 'own' })
    expect([...found.values()]).toEqual([[{ kind: 'password', password: 'own' }], [given]])
  })

  test.each([
    ['no user', `one ${FP}`, {}, 'whose account'],
    ['an unset variable', `a@one ${FP} bootstrap password-env=ONE`, {}, 'ONE is not set'],
    ['no agent', `a@one ${FP}`, {}, 'nothing to log in with'],
    ['a dead agent', `a@one ${FP}`, { SSH_AUTH_SOCK: '/nonexistent' }, "can't be asked"],
  ])('not with %s', async (_, text, env, message) => {
    await expect(revocationCredentials(hostsOf(text), undefined, env)).rejects.toThrow(message)
  })
})

test('lines of others can not write lines of ours', () => {
  const report = { host: 'web', user: 'a', file: '/f', removed: ['key\n✓ all well'], kept: [] }
  expect(formatRevocations([report], false).split('\n')).toHaveLength(3)
})

describeWith(['sshd', 'nss_wrapper'], 'revoking on hosts', () => {
  async function host(content: Buffer | string, options: HostOptions = {}): Promise<Host> {
    const started = await startHost(options)
    closers.push(started.stop)
    mkdirSync(dirname(started.file), { recursive: true, mode: 0o700 })
    writeFileSync(started.file, content, { mode: 0o600 })
    return started
  }

  const lineFor = ({ sshd }: Host, name: string): string =>
    `${name}=${sshd.user}@${sshd.address}:${sshd.port} ${sshd.fingerprint()}`

  async function revoke(
    hosts: readonly Host[],
    text: string,
    more: Partial<KeyRevocation> = {},
    key?: PrivateKey,
  ): Promise<RevocationReport[]> {
    const lines = hosts.map((one, index) => hostsOf(lineFor(one, `h${index}`))[0])
    const all = lines.filter((line) => line !== undefined)
    const credentials = new Map(
      all.map((line, index) => [
        line,
        [{ kind: 'key' as const, key: key ?? hosts[index]?.key ?? newKey() }],
      ]),
    )
    return revokeOnHosts(all, {
      matches: readRevokeKeys(text),
      credentials,
      timeout: 20_000,
      ...more,
    })
  }

  const ODD = Buffer.concat([
    Buffer.from('# caf\xe9 \xff\r\n', 'latin1'),
    Buffer.from('not a key\n'),
  ])

  test.each([
    ['key', lineOf(old)],
    ['fingerprint', fingerprint(old.publicKey)],
    ['comment', 'comment=ssh-trust:org/*'],
  ])('by %s, on several at once; every other byte stays', async (_, text) => {
    const before = [ODD, `${lineOf(other)}\n`, `restrict ${lineOf(old)}\n`, '# no end']
    const after = Buffer.concat([ODD, Buffer.from(`${lineOf(other)}\n# no end`)])
    const content = Buffer.concat(before.map((part) => Buffer.from(part)))
    const hosts = [await host(content), await host(`${lineOf(other)}\n`), await host(content)]
    const reports = await revoke(hosts, text)
    expect(reports.map(({ host: name, removed, error }) => ({ name, removed, error }))).toEqual([
      { name: 'h0', removed: [`restrict ${lineOf(old)}`] },
      { name: 'h1', removed: [] },
      { name: 'h2', removed: [`restrict ${lineOf(old)}`] },
    ])
    const files = hosts.map(({ file }) => readFileSync(file))
    expect(files).toEqual([after, Buffer.from(`${lineOf(other)}\n`), after])
  })

  test('a dry run tells the same, and writes nothing', async () => {
    const one = await host(`${lineOf(old)}\n`)
    const listing = readdirSync(dirname(one.file))
    const [report] = await revoke([one], lineOf(old), { dryRun: true })
    expect(report).toMatchObject({ removed: [lineOf(old)], file: one.file })
    expect(readFileSync(one.file, 'utf8')).toBe(`${lineOf(old)}\n`)
    expect(readdirSync(dirname(one.file))).toEqual(listing)
  })

  test('an account for SFTP alone: a dry run writes nothing, then the key goes', async () => {
    const content = `${lineOf(other)}\n${lineOf(old)}\n`
    const one = await host(content, { config: ['ForceCommand internal-sftp'] })
    const listing = readdirSync(dirname(one.file))
    expect(await revoke([one], lineOf(old), { dryRun: true })).toMatchObject([
      { removed: [lineOf(old)] },
    ])
    expect(readFileSync(one.file, 'utf8')).toBe(content)
    expect(readdirSync(dirname(one.file))).toEqual(listing)
    expect(await revoke([one], lineOf(old))).toMatchObject([{ removed: [lineOf(old)] }])
    expect(readFileSync(one.file, 'utf8')).toBe(`${lineOf(other)}\n`)
  })

  test('where there is no file, none is made', async () => {
    const started = await startHost()
    closers.push(started.stop)
    const reports = await revoke([started], lineOf(old))
    expect(reports).toMatchObject([{ removed: [] }])
    expect(reports[0]).not.toHaveProperty('error')
    expect(existsSync(dirname(started.file))).toBe(false)
  })

  test('the key that logs in stays, unless it was said to go', async () => {
    const mine = newKey('ssh-trust:mine')
    const content = `# a\n${lineOf(mine)}\n${lineOf(old)}\n${lineOf(other)}`
    const one = await host(content)
    const [first] = await revoke([one], 'comment=ssh-trust:*', {}, mine)
    expect(first).toMatchObject({ removed: [lineOf(old)], kept: [lineOf(mine)] })
    expect(readFileSync(one.file, 'utf8')).toBe(`# a\n${lineOf(mine)}\n${lineOf(other)}`)
    const [second] = await revoke([one], 'comment=ssh-trust:*', { includingOwn: true }, mine)
    expect(second).toMatchObject({ removed: [lineOf(mine)], kept: [] })
    expect(readFileSync(one.file, 'utf8')).toBe(`# a\n${lineOf(other)}`)
  })

  test('what fails is told for that host; a host with another key is not logged in to', async () => {
    const good = await host(`${lineOf(old)}\n`)
    const gone = await host(`${lineOf(old)}\n`)
    await gone.sshd.stop()
    const strict = await host(`${lineOf(old)}\n`)
    const wrong = hostsOf(
      `x=${strict.sshd.user}@127.0.0.1:${strict.sshd.port} ${fingerprint(other.publicKey)}`,
    )
    const lines = [...hostsOf(lineFor(gone, 'gone')), ...wrong, ...hostsOf(lineFor(good, 'good'))]
    const reports = await revokeOnHosts(lines, {
      matches: readRevokeKeys(lineOf(old)),
      credentials: new Map(lines.map((line) => [line, [{ kind: 'key' as const, key: good.key }]])),
      timeout: 20_000,
    })
    expect(reports).toMatchObject([
      { host: 'gone', removed: [], error: expect.stringContaining('[host-refused]') as unknown },
      { host: 'x', removed: [], error: expect.stringContaining('[host-key-changed]') as unknown },
      { host: 'good', removed: [lineOf(old)] },
    ])
    expect(readFileSync(strict.file, 'utf8')).toBe(`${lineOf(old)}\n`)
    await strict.sshd.stop()
    expect(strict.sshd.log()).not.toContain('Accepted')
  })
})
