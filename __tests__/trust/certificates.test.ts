/** Certificates beside keys: matched, checked, warned of; and certifying a generated key. */
import { describe, expect, test } from '@jest/globals'
import { TrustError } from '../../src/errors'
import { parseCertificate } from '../../src/ssh/certificate'
import { signCertificate, type CertificateOptions } from '../../src/ssh/certificate-signing'
import { generatePrivateKey, type PrivateKey } from '../../src/ssh/private-key'
import { verifySignature } from '../../src/ssh/signature'
import {
  certify,
  matchCertificates,
  readCertification,
  type CertificationInputs,
} from '../../src/trust/certificates'

const NOW = 1_800_000_000
const ed25519 = (comment: string): PrivateKey =>
  generatePrivateKey({ type: 'ssh-ed25519' }, comment)
const authority = ed25519('ca')
const me = ed25519('me')
const you = ed25519('you')

function certificate(changes: Partial<CertificateOptions> = {}): Buffer {
  return signCertificate({
    key: me.publicKey,
    authority,
    keyId: 'id',
    principals: ['deploy'],
    validAfter: BigInt(NOW - 60),
    validBefore: BigInt(NOW + 86_400),
    ...changes,
  })
}

function failure(work: () => unknown): TrustError {
  try {
    work()
  } catch (error) {
    if (error instanceof TrustError) return error
    throw error
  }
  throw new Error('nothing failed')
}

describe('certificates that are given', () => {
  test('stand beside the key that they are for', () => {
    const blob = certificate()
    const { keys, warnings } = matchCertificates([you, me], [blob], NOW)
    expect(keys).toEqual([{ privateKey: you }, { privateKey: me, certificate: blob }])
    expect(warnings).toEqual([])
  })

  test.each<[string, Buffer, string]>([
    ['of another key', certificate({ key: ed25519('x').publicKey }), 'none of those given'],
    ['that has expired', certificate({ validBefore: BigInt(NOW) }), 'expired at 2027-01-15'],
    ['not valid yet', certificate({ validAfter: BigInt(NOW + 1) }), 'valid only from 2027-01-15'],
    ['whose end is cut off', certificate().subarray(0, -4), ''],
  ])('%s is refused', (_name, blob, words) => {
    const error = failure(() => matchCertificates([me], [blob], NOW))
    expect(['certificate-invalid', 'malformed']).toContain(error.code)
    expect(error.message).toContain(words)
  })

  test('with a changed byte is refused by its signature', () => {
    const blob = certificate()
    const changed = Buffer.from(blob)
    const at = blob.indexOf('deploy')
    changed.write('root!!', at)
    const error = failure(() => matchCertificates([me], [changed], NOW))
    expect(error.message).toContain('a signature that is not valid')
  })

  test('that end within the hour are warned of', () => {
    const { warnings } = matchCertificates(
      [me],
      [certificate({ validBefore: BigInt(NOW + 600) })],
      NOW,
    )
    expect(warnings).toEqual([expect.stringMatching(/"id" \(serial 0\) ends in 10 min, at 2027-/)])
  })
})

const INPUTS: CertificationInputs = {
  certificateAuthorityKey: authority.key.export({ format: 'pem', type: 'pkcs8' }).toString(),
  certificateAuthorityPassphrase: '',
  certificatePrincipals: 'deploy',
  certificateValidity: '',
  certificateKeyId: '',
  certificateOptions: '',
}

describe('certifying a generated key', () => {
  test('no authority: nothing to do', () => {
    expect(readCertification({ ...INPUTS, certificateAuthorityKey: ' \n' }, 'job')).toBeUndefined()
  })

  test('gives a certificate for what was asked, and no more', () => {
    const inputs = {
      ...INPUTS,
      certificatePrincipals: 'deploy, backup\nroot',
      certificateValidity: '2h',
      certificateOptions: '# from here only\nsource-address=192.0.2.0/24\nforce-command=echo a=b\n',
    }
    const certification = readCertification(inputs, 'job 7')
    if (certification === undefined) throw new Error('no certification')
    const read = parseCertificate(certify(me.publicKey, certification, NOW))
    expect(read).toMatchObject({
      key: me.publicKey,
      authority: authority.publicKey,
      role: 'user',
      keyId: 'job 7',
      principals: ['deploy', 'backup', 'root'],
      validAfter: BigInt(NOW - 60),
      validBefore: BigInt(NOW + 7200),
      criticalOptions: ['force-command', 'source-address'],
      extensions: [],
    })
    expect(verifySignature(read.authority, read.signature, read.signed)).toBe(true)
  })

  test.each<[string, Partial<CertificationInputs>, string]>([
    ['no principals', { certificatePrincipals: ' , ' }, 'certificate-principals is empty'],
    ['a span that is none', { certificateValidity: 'long' }, '"long" is no span of time'],
    ['an unknown option', { certificateOptions: 'permit-all' }, '"permit-all" is no option'],
    ['a value too many', { certificateOptions: 'permit-pty=yes' }, '"permit-pty=yes" is no option'],
    ['a value too few', { certificateOptions: 'force-command' }, '"force-command" is no option'],
    [
      'two authorities',
      { certificateAuthorityKey: INPUTS.certificateAuthorityKey.repeat(2) },
      'One certificate authority key',
    ],
  ])('%s is refused', (_name, changes, words) => {
    const error = failure(() => readCertification({ ...INPUTS, ...changes }, 'job'))
    expect(error).toMatchObject({ code: 'input-invalid', message: expect.stringContaining(words) })
  })
})
