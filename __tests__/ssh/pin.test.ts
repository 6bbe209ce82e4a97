/** Pins: how they are read and written, and the judgement of a host key against them. */
import { describe, expect, test } from '@jest/globals'
import {
  formatPin,
  judgeHostKey,
  parsePin,
  pinFingerprint,
  type Judgement,
  type Pin,
} from '../../src/ssh/pin'
import { fingerprint, formatPublicKey } from '../../src/ssh/public-key'
import { string } from '../../src/ssh/wire'
import {
  errorOf,
  makeCertificate,
  newRsa,
  sample,
  sampleOf,
  samples,
  throwsOnlyTrustErrors,
  type CertificateParts,
  type Sample,
} from './samples'

const key = sample()
const other = sample('ecdsa-sha2-nistp256')
const authority = sample('ssh-ed25519', 'authority')
const print = fingerprint(key.blob)

const byPrint = (of: Sample): Pin => ({ kind: 'fingerprint', fingerprint: fingerprint(of.blob) })
const byKey = (kind: 'key' | 'cert-authority' | 'revoked', { type, blob }: Sample): Pin => ({
  kind,
  key: { type, blob, comment: '' },
})

describe('parsePin', () => {
  test.each<[string, string, Pin]>([
    ['a fingerprint', print, byPrint(key)],
    ['a padded fingerprint', `${print}=`, byPrint(key)],
    ...samples().map((one): [string, string, Pin] => [
      `a key of type ${one.type}`,
      formatPublicKey(one.blob),
      byKey('key', one),
    ]),
    ['an authority', `@cert-authority ${formatPublicKey(key.blob)}`, byKey('cert-authority', key)],
    ['a revoked key', `@revoked\t ${formatPublicKey(other.blob)}`, byKey('revoked', other)],
  ])('reads %s', (_, text, pin) => {
    expect(parsePin(text)).toEqual(pin)
    expect(parsePin(formatPin(pin))).toEqual(pin)
  })

  test('keeps the comment of a key', () => {
    const pin = parsePin(`${formatPublicKey(key.blob)} root@host 1`)
    expect(pin).toMatchObject({ kind: 'key', key: { comment: 'root@host 1' } })
    expect(formatPin(pin)).toBe(formatPublicKey(key.blob))
  })

  const small = sampleOf(newRsa(1024)).blob
  const md5 = '16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48'
  // The last character of 43 carries four bits of the hash and two that must be zero.
  const unclean = `SHA256:${'A'.repeat(42)}B`
  test.each([
    ['MD5', md5, 'hosts-pin-md5', `${md5} is an MD5 fingerprint`],
    ['MD5 with its name', `MD5:${md5}`, 'hosts-pin-md5', `MD5:${md5} is an MD5 fingerprint`],
    ['MD5 in capitals', `md5:${md5.toUpperCase()}`, 'hosts-pin-md5', 'is an MD5 fingerprint'],
    ['a short fingerprint', print.slice(0, -1), 'hosts-pin-invalid', 'not a whole SHA256'],
    ['a long fingerprint', `${print}A`, 'hosts-pin-invalid', 'not a whole SHA256'],
    ['an empty fingerprint', 'SHA256:', 'hosts-pin-invalid', 'not a whole SHA256'],
    ['a fingerprint in small letters', print.toLowerCase(), 'hosts-pin-invalid', 'not a whole'],
    ['two padding signs', `${print}==`, 'hosts-pin-invalid', 'not a whole SHA256'],
    ['padding instead of the end', `${print.slice(0, -1)}=`, 'hosts-pin-invalid', 'not a whole'],
    ['bits that no hash has', unclean, 'hosts-pin-invalid', 'not a whole SHA256'],
    ['words after it', `${print} host`, 'hosts-pin-invalid', 'not a whole SHA256'],
    ['a line after it', `${print}\n`, 'hosts-pin-invalid', 'not a whole SHA256'],
    ['DSA', 'ssh-dss AAAAB3NzaC1kc3M=', 'key-type-unsupported', 'DSA'],
    ['RSA-1024', formatPublicKey(small), 'key-too-small', '1024 bits'],
    [
      'an authority of RSA-1024',
      `@cert-authority ${formatPublicKey(small)}`,
      'key-too-small',
      '1024 bits',
    ],
    ['a cut key', formatPublicKey(key.blob).slice(0, -8), 'malformed', 'bytes wanted'],
    ['no base64', 'ssh-ed25519 !', 'malformed', 'not base64'],
    ['a revoked fingerprint', `@revoked ${print}`, 'key-type-unsupported', print],
    ['another marker', `@trusted ${formatPublicKey(key.blob)}`, 'key-type-unsupported', '@trusted'],
    ['nothing', '', 'key-type-unsupported', '""'],
    ['a certificate', formatPublicKey(makeCertificate()), 'key-type-unsupported', 'cert-v01'],
  ])('refuses %s', (_, text, code, message) => {
    const error = errorOf(() => parsePin(text))
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
  })

  test.each([
    ['MD5', md5],
    ['a short fingerprint', 'SHA256:abc'],
  ])('says what to do about %s', (_, text) => {
    expect(errorOf(() => parsePin(text)).hint).toContain('ssh-keygen -lf')
  })
})

test.each<[string, Pin, string]>([
  ['a fingerprint', byPrint(key), print],
  ['a key', byKey('key', key), print],
  ['an authority', byKey('cert-authority', authority), fingerprint(authority.blob)],
  ['a revoked key', byKey('revoked', other), fingerprint(other.blob)],
])('%s is told by its fingerprint', (_, pin, told) => {
  expect(pinFingerprint(pin)).toBe(told)
})

describe('judgeHostKey', () => {
  const judge = (pins: Pin[], hostKey: Buffer, now = 1500): Judgement =>
    judgeHostKey(pins, 'host.example', hostKey, now)
  const certified = (parts: CertificateParts = {}): Buffer => makeCertificate(parts)
  const changed: Judgement = { verdict: 'changed' }
  const CA = byKey('cert-authority', authority)
  const unpinned = 'it is signed by an authority that is not pinned'

  test.each<[string, Pin[], Buffer, Judgement]>([
    // plain keys
    ['fingerprint', [byPrint(key)], key.blob, { verdict: 'ok', pin: byPrint(key) }],
    ['key', [byKey('key', key)], key.blob, { verdict: 'ok', pin: byKey('key', key) }],
    [
      'one of several',
      [byPrint(other), byKey('key', other), byPrint(key)],
      key.blob,
      { verdict: 'ok', pin: byPrint(key) },
    ],
    ['no pins', [], key.blob, changed],
    ['another fingerprint', [byPrint(other)], key.blob, changed],
    ['another key', [byKey('key', other)], key.blob, changed],
    ['another key of the same type', [byKey('key', authority)], key.blob, changed],
    ['a plain key that is an authority', [CA], authority.blob, changed],
    [
      'revoked',
      [byKey('revoked', key)],
      key.blob,
      { verdict: 'revoked', pin: byKey('revoked', key) },
    ],
    [
      'revoked, and pinned before',
      [byPrint(key), byKey('key', key), byKey('revoked', key)],
      key.blob,
      { verdict: 'revoked', pin: byKey('revoked', key) },
    ],
    ['another one revoked', [byKey('revoked', other)], key.blob, changed],
    [
      'another one revoked, this one pinned',
      [byKey('revoked', other), byPrint(key)],
      key.blob,
      { verdict: 'ok', pin: byPrint(key) },
    ],
    // certificates
    ['a certificate of the authority', [CA], certified(), { verdict: 'ok', pin: CA }],
    [
      'the authority before the plain key',
      [byKey('key', key), CA],
      certified(),
      { verdict: 'ok', pin: CA },
    ],
    ...[byPrint(key), byKey('key', key)].map((pin): [string, Pin[], Buffer, Judgement] => [
      `a certificate whose plain key is pinned by ${pin.kind}`,
      [pin],
      certified(),
      { verdict: 'ok', pin },
    ]),
    [
      'a plain key pinned, its certificate defective',
      [CA, byPrint(key)],
      certified({ validBefore: 1200n }),
      { verdict: 'ok', pin: byPrint(key) },
    ],
    [
      'a certificate of another authority',
      [byKey('cert-authority', other)],
      certified(),
      { verdict: 'changed', defect: unpinned },
    ],
    [
      'a certificate, its authority pinned as a key',
      [byKey('key', authority), byPrint(authority)],
      certified(),
      { verdict: 'changed', defect: unpinned },
    ],
    ['a certificate, no pins', [], certified(), { verdict: 'changed', defect: unpinned }],
    [
      'an expired certificate',
      [CA],
      certified({ validBefore: 1200n }),
      { verdict: 'changed', defect: 'it expired at 1970-01-01T00:20:00.000Z' },
    ],
    [
      "another host's certificate",
      [CA, byPrint(other)],
      certified({ principals: ['evil.example'] }),
      { verdict: 'changed', defect: 'it is for evil.example, not for host.example' },
    ],
    [
      'a certificate of a revoked key',
      [CA, byKey('revoked', key)],
      certified(),
      { verdict: 'revoked', pin: byKey('revoked', key) },
    ],
    [
      'a certificate of a revoked authority',
      [CA, byKey('revoked', authority)],
      certified(),
      { verdict: 'revoked', pin: byKey('revoked', authority) },
    ],
    [
      'a certificate of a revoked authority, its plain key pinned',
      [byPrint(key), byKey('revoked', authority)],
      certified(),
      { verdict: 'revoked', pin: byKey('revoked', authority) },
    ],
    [
      'a defective certificate of a revoked key',
      [byKey('revoked', key)],
      certified({ role: 1 }),
      { verdict: 'revoked', pin: byKey('revoked', key) },
    ],
  ])('%s', (_, pins, hostKey, judgement) => {
    expect(judge(pins, hostKey)).toEqual(judgement)
  })

  test('looks a name up in small letters', () => {
    expect(judgeHostKey([CA], 'Host.Example', certified(), 1500)).toEqual({
      verdict: 'ok',
      pin: CA,
    })
  })

  test('judges a certificate by the time given', () => {
    expect(judge([CA], certified(), 1999).verdict).toBe('ok')
    expect(judge([CA], certified(), 2000).verdict).toBe('changed')
  })

  test.each([
    ['an unsupported certificate', string('sk-ssh-ed25519-cert-v01@openssh.com'), 'not supported'],
    ['a cut certificate', certified().subarray(0, -1), 'bytes wanted'],
  ])('%s matches no pin, and says why', (_, hostKey, words) => {
    expect(judge([CA], hostKey)).toEqual({
      verdict: 'changed',
      defect: expect.stringContaining(words),
    })
  })

  test('of what is no key at all is an error', () => {
    expect(errorOf(() => judge([CA], Buffer.alloc(0))).code).toBe('malformed')
  })

  test('throws nothing but a TrustError', () => {
    const pins = [CA, byPrint(key), byKey('revoked', other)]
    throwsOnlyTrustErrors([certified(), key.blob], (bytes) => judge(pins, bytes))
  })
})
