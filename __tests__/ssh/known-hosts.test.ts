/** Lines of known_hosts: the names, the text, and that ssh-keygen finds them. */
import { expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatKnownHostsLine, knownHostsName } from '../../src/ssh/known-hosts'
import { fingerprint, formatPublicKey } from '../../src/ssh/public-key'
import { describeWith, program } from '../support/programs'
import { mustRun, run } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { makeCertificate, sample, samples } from './samples'

const NAMES: [string, number, string][] = [
  ['host.example', 22, 'host.example'],
  ['Host.EXAMPLE', 22, 'host.example'],
  ['host.example', 2222, '[host.example]:2222'],
  ['Host', 222, '[host]:222'],
  ['192.0.2.1', 22, '192.0.2.1'],
  ['2001:DB8::1', 22, '2001:db8::1'],
  ['2001:db8::1', 2222, '[2001:db8::1]:2222'],
]

test.each(NAMES)('%s, port %d, is %s', (host, port, name) => {
  expect(knownHostsName(host, port)).toBe(name)
})

test('a line has the names, the type and the key', () => {
  const { blob } = sample()
  const key = `ssh-ed25519 ${blob.toString('base64')}`
  expect(formatKnownHostsLine(['a', '[b]:23'], blob)).toBe(`a,[b]:23 ${key}\n`)
  expect(formatKnownHostsLine(['*.a'], blob, '@cert-authority')).toBe(
    `@cert-authority *.a ${key}\n`,
  )
  expect(formatKnownHostsLine(['*'], blob, '@revoked')).toBe(`@revoked * ${key}\n`)
})

test('the key of a certificate line is the certificate', () => {
  const certificate = makeCertificate()
  expect(formatKnownHostsLine(['a'], certificate)).toBe(`a ${formatPublicKey(certificate)}\n`)
})

describeWith(['ssh-keygen'], 'ssh-keygen', () => {
  test.each(NAMES)('finds %s, port %d, and the right key', async (host, port, name) => {
    const file = join(makeDirectory(), 'known_hosts')
    const lines = samples().map(({ blob }, index) =>
      formatKnownHostsLine([index === 0 ? name : `other${index}`], blob),
    )
    writeFileSync(file, lines.join(''))
    const asked = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
    const found = await mustRun(program('ssh-keygen'), ['-l', '-F', asked, '-f', file])
    expect(found).toContain(fingerprint(sample().blob))
    expect(found.split('\n').filter((line) => line.includes('SHA256:'))).toHaveLength(1)
  })

  test('tells markers', async () => {
    const file = join(makeDirectory(), 'known_hosts')
    const [authority, revoked] = samples().map(({ blob }) => blob)
    if (authority === undefined || revoked === undefined) throw new Error('no samples')
    writeFileSync(
      file,
      formatKnownHostsLine(['*.example'], authority, '@cert-authority') +
        formatKnownHostsLine(['*'], revoked, '@revoked'),
    )
    const { stdout } = await run(program('ssh-keygen'), ['-F', 'a.example', '-f', file])
    expect(stdout).toContain(`line 1 CA`)
    expect(stdout).toContain(`line 2 REVOKED`)
  })
})
