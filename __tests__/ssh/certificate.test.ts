/** Certificates: those of ssh-keygen -s, what is wrong with one, and damaged ones. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { TrustError } from '../../src/errors'
import {
  certificateType,
  FOREVER,
  hostCertificateDefect,
  isCertificateType,
  parseCertificate,
  plainKey,
} from '../../src/ssh/certificate'
import { KEY_TYPES, parsePublicKey } from '../../src/ssh/public-key'
import { verifySignature } from '../../src/ssh/signature'
import { string } from '../../src/ssh/wire'
import { makeKey, signKey, type CertificateOptions, type Key } from '../support/keys'
import { describeWith } from '../support/programs'
import { makeDirectory } from '../support/scratch'
import {
  damaged,
  errorOf,
  flipped,
  KEYGEN,
  makeCertificate,
  sample,
  samples,
  sha1Signature,
  throwsOnlyTrustErrors,
  truncations,
  type CertificateParts,
} from './samples'

const authority = sample('ssh-ed25519', 'authority')
const NOW = 1500

function defect(parts: CertificateParts, now = NOW, authorities = [authority.blob]): unknown {
  return hostCertificateDefect(
    parseCertificate(makeCertificate(parts)),
    'host.example',
    authorities,
    now,
  )
}

describeWith(['ssh-keygen'], 'what ssh-keygen -s makes', () => {
  const directory = makeDirectory()
  const keys = new Map<string, Key>()
  const cas = new Map<string, Key>()
  const names = KEYGEN.map(([name]) => name)

  beforeAll(async () => {
    for (const [name, type, options] of KEYGEN) {
      keys.set(name, await makeKey(directory, type, { ...options, file: name }))
      cas.set(name, await makeKey(directory, type, { ...options, file: `ca-${name}` }))
    }
  }, 120_000)

  /** The certificate of the key `name` by the authority `ca`, and both keys in wire format. */
  async function certify(
    name: string,
    ca: string,
    options: CertificateOptions,
  ): Promise<{ blob: Buffer; key: Buffer; ca: Buffer }> {
    const key = keys.get(name)
    const by = cas.get(ca)
    if (key === undefined || by === undefined) throw new Error(`no keys for ${name} and ${ca}`)
    const file = await signKey(by.privateKeyFile, key.publicKeyFile, {
      ...options,
      directory: makeDirectory(),
    })
    return {
      blob: Buffer.from(readFileSync(file, 'utf8').split(' ')[1] ?? '', 'base64'),
      key: parsePublicKey(key.publicKey).blob,
      ca: parsePublicKey(by.publicKey).blob,
    }
  }

  test.each(names.flatMap((name) => names.map((ca) => [name, ca])))(
    'a host certificate of %s by %s is read, and holds',
    async (name, ca) => {
      const { blob, ...made } = await certify(name, ca, {
        host: true,
        identity: `${name} by ${ca}`,
        serial: 42,
        principals: ['host.example', '*.lan'],
        validity: '20200101000000Z:20400101000000Z',
      })
      const certificate = parseCertificate(blob)
      expect(certificate).toMatchObject({
        keyType: KEYGEN.find(([known]) => known === name)?.[3],
        key: made.key,
        authority: made.ca,
        role: 'host',
        serial: 42n,
        keyId: `${name} by ${ca}`,
        principals: ['host.example', '*.lan'],
        validAfter: BigInt(Date.UTC(2020, 0) / 1000),
        validBefore: BigInt(Date.UTC(2040, 0) / 1000),
        criticalOptions: [],
        extensions: [],
      })
      expect(plainKey(blob)).toEqual(made.key)
      expect(verifySignature(made.ca, certificate.signature, certificate.signed)).toBe(true)
      const at = Date.UTC(2030, 0) / 1000
      for (const host of ['host.example', 'HOST.example', 'a.lan']) {
        expect(hostCertificateDefect(certificate, host, [made.ca], at)).toBeUndefined()
      }
    },
  )

  test.each(names)('a user certificate of %s is read, and is for no host', async (name) => {
    const { blob, ...made } = await certify(name, 'ed25519', {
      principals: ['git', 'root'],
      options: ['source-address=192.0.2.0/24', 'force-command=date', 'no-x11-forwarding'],
    })
    const certificate = parseCertificate(blob)
    expect(certificate).toMatchObject({
      key: made.key,
      role: 'user',
      principals: ['git', 'root'],
      serial: 0n,
      validAfter: 0n,
      validBefore: FOREVER,
      criticalOptions: ['force-command', 'source-address'],
      extensions: [
        'permit-agent-forwarding',
        'permit-port-forwarding',
        'permit-pty',
        'permit-user-rc',
      ],
    })
    expect(hostCertificateDefect(certificate, 'git', [made.ca], NOW)).toBe(
      'it is a user certificate, not a host certificate',
    )
  })

  test('a host certificate for everybody is for nobody', async () => {
    const { blob, ca } = await certify('ed25519', 'ed25519', { host: true })
    const certificate = parseCertificate(blob)
    expect(certificate.principals).toEqual([])
    expect(hostCertificateDefect(certificate, 'host.example', [ca], NOW)).toBe(
      'it names no principals',
    )
  })
})

describe('a host certificate', () => {
  const rsa = sample('ssh-rsa')

  test.each<[string, CertificateParts, number?, Buffer[]?]>([
    ['as it should be', {}],
    ['by one authority of several', {}, NOW, [rsa.blob, authority.blob]],
    ['in its first second', {}, 1000],
    ['in its last second', {}, 1999.9],
    ['without an end', { validBefore: FOREVER }],
    ['for a wildcard', { principals: ['other', '*.example'] }],
    ['for question marks', { principals: ['h?st.example'] }],
    ['for all', { principals: ['*'] }],
    ['with extensions', { extensions: ['permit-pty', 'x@y'] }],
    ['for 256 names', { principals: [...Array<string>(255).fill('x'), 'host.example'] }],
  ])('%s has no defect', (_, ...args) => {
    expect(defect(...args)).toBeUndefined()
  })

  const unpinned = 'it is signed by an authority that is not pinned'
  const invalid = "the authority's signature is not valid"
  const far = BigInt(8.64e12)
  test.each<[string, string, CertificateParts, number?, Buffer[]?]>([
    ['of an authority that is not pinned', unpinned, {}, NOW, [rsa.blob]],
    ['when none is pinned', unpinned, {}, NOW, []],
    ['that its own key signed', unpinned, { authority: sample() }],
    ['signed by nobody', invalid, { sign: () => Buffer.concat([string('x'), string('')]) }],
    [
      'signed by another key',
      invalid,
      { sign: (data) => sha1Signature(sample('ssh-rsa'), data, 'ssh-ed25519') },
    ],
    [
      'signed with SHA-1',
      invalid,
      { authority: rsa, sign: (data) => sha1Signature(rsa, data) },
      NOW,
      [rsa.blob],
    ],
    ['for a user', 'it is a user certificate, not a host certificate', { role: 1 }],
    ['not yet valid', 'it is valid only from 1970-01-01T00:16:40.000Z', {}, 999],
    ['expired just now', 'it expired at 1970-01-01T00:33:20.000Z', {}, 2000],
    ['expired long ago', 'it expired at 1970-01-01T00:33:20.000Z', {}, 4e9],
    [
      'valid from the last day of ECMAScript',
      'it is valid only from +275760-09-13T00:00:00.000Z',
      { validAfter: far, validBefore: FOREVER },
    ],
    [
      'valid only when time has ended',
      'it is valid only from the far future',
      { validAfter: FOREVER - 1n, validBefore: FOREVER },
    ],
    ['never valid', 'it expired at 1970-01-01T00:16:40.000Z', { validBefore: 1000n }],
    ['of no names', 'it names no principals', { principals: [] }],
    [
      'of other names',
      'it is for a.example, *.b.example, not for host.example',
      { principals: ['a.example', '*.b.example'] },
    ],
    [
      'of a name in capitals',
      'it is for HOST.EXAMPLE, not for host.example',
      { principals: ['HOST.EXAMPLE'] },
    ],
    ['of an empty name', 'it is for , not for host.example', { principals: [''] }],
    [
      'with critical options',
      'it has critical options that are not known: force-command, x@y',
      { criticalOptions: ['force-command', 'x@y'] },
    ],
  ])('%s: %s', (_, words, ...args) => {
    expect(defect(...args)).toBe(words)
  })

  test('by an authority of a pinned name but another key is not taken', () => {
    const blobs = [sample('ssh-ed25519', 'second').blob, sample('ecdsa-sha2-nistp256').blob]
    expect(defect({}, NOW, blobs)).toBe(unpinned)
  })

  test('with any one bit changed is not taken', () => {
    const whole = makeCertificate()
    const taken = Array.from({ length: whole.length * 8 }, (_, bit) => bit).filter((bit) => {
      try {
        const certificate = parseCertificate(flipped(whole, bit >> 3, 1 << (bit & 7)))
        return !hostCertificateDefect(certificate, 'host.example', [authority.blob], NOW)
      } catch (error) {
        if (!(error instanceof TrustError)) throw error
        return false
      }
    })
    expect(taken).toEqual([])
  })

  test('that is damaged is never taken, and throws nothing but a TrustError', () => {
    const all = samples().map((subject) => makeCertificate({ subject }))
    const names = ['host.example', 'other']
    fc.assert(
      fc.property(fc.constantFrom(...all).chain(damaged), (bytes) => {
        fc.pre(!all.some((whole) => whole.equals(bytes)))
        try {
          const certificate = parseCertificate(bytes)
          for (const name of names) {
            expect(
              hostCertificateDefect(certificate, name, [authority.blob], NOW),
            ).not.toBeUndefined()
          }
        } catch (error) {
          if (!(error instanceof TrustError)) throw error
        }
      }),
      { numRuns: 400 },
    )
  })
})

describe('parseCertificate', () => {
  test('finds what is cut short anywhere malformed', () => {
    const whole = makeCertificate({ subject: sample('ssh-rsa'), criticalOptions: ['a'] })
    const codes = truncations(whole).map((short) => errorOf(() => parseCertificate(short)).code)
    expect(new Set(codes)).toEqual(new Set(['malformed']))
  })

  test.each<[string, Buffer, string, string]>([
    [
      'an unknown role',
      makeCertificate({ role: 3 }),
      'malformed',
      'A certificate of the unknown type 3.',
    ],
    ['role 0', makeCertificate({ role: 0 }), 'malformed', 'unknown type 0'],
    [
      '257 names',
      makeCertificate({ principals: Array<string>(257).fill('x') }),
      'malformed',
      'A certificate with 257 principals.',
    ],
    [
      'bytes after its end',
      Buffer.concat([makeCertificate(), Buffer.of(0)]),
      'malformed',
      '1 bytes too many after a certificate',
    ],
    ['a plain key', sample().blob, 'key-type-unsupported', 'ssh-ed25519'],
    [
      'a security key',
      makeCertificate({ type: 'sk-ssh-ed25519-cert-v01@openssh.com' }),
      'key-type-unsupported',
      'sk-ssh-ed25519-cert',
    ],
    [
      'DSA',
      makeCertificate({ type: 'ssh-dss-cert-v01@openssh.com' }),
      'key-type-unsupported',
      'ssh-dss-cert-v01@openssh.com',
    ],
    [
      'the old version 00',
      makeCertificate({ type: 'ssh-rsa-cert-v00@openssh.com' }),
      'key-type-unsupported',
      'cert-v00',
    ],
    ['a key of another type inside', makeCertificate({ type: certificateType('ssh-rsa') }), '', ''],
  ])('refuses %s', (_, blob, code, message) => {
    const error = errorOf(() => parseCertificate(blob))
    expect(error.code).toBe(code || 'malformed')
    expect(error.message).toContain(message)
  })

  test('throws nothing but a TrustError, and so does plainKey', () => {
    const all = samples().map((subject) => makeCertificate({ subject, extensions: ['a', 'b'] }))
    throwsOnlyTrustErrors(all, parseCertificate, 300)
    throwsOnlyTrustErrors([...all, sample().blob], plainKey, 300)
  })
})

test.each(samples())('the plain key of $type is itself, and of its certificate, too', (subject) => {
  expect(plainKey(subject.blob)).toBe(subject.blob)
  expect(plainKey(makeCertificate({ subject }))).toEqual(subject.blob)
})

test('certificate types are told from others', () => {
  for (const type of KEY_TYPES) {
    expect(isCertificateType(type)).toBe(false)
    expect(certificateType(type)).toBe(`${type}-cert-v01@openssh.com`)
    expect(isCertificateType(certificateType(type))).toBe(true)
  }
  expect(isCertificateType('ssh-rsa-cert-v00@openssh.com')).toBe(false)
})
