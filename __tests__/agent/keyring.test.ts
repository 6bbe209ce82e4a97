/** The identities that the agent holds: found, replaced, limited, and signed with. */
import { describe, expect, test } from '@jest/globals'
import {
  certifiedIdentity,
  findIdentity,
  plainIdentity,
  signWith,
  withIdentity,
} from '../../src/agent/keyring'
import { fingerprint, KEY_TYPES } from '../../src/ssh/public-key'
import { signatureAlgorithm, verifySignature } from '../../src/ssh/signature'
import { flipped } from '../ssh/samples'
import { certificateOf, identityOf, keyOf } from './fixtures'

const me = identityOf('me')
const you = identityOf('you')
const data = Buffer.from('data')

test('an identity is found by its blob alone', () => {
  const certificate = certificateOf(me.privateKey)
  const certified = certifiedIdentity(me.privateKey, certificate)
  expect(findIdentity([certified, me, you], me.blob)).toBe(me)
  expect(findIdentity([me, certified], Buffer.from(certificate))).toBe(certified)
  expect(findIdentity([me], you.blob)).toBeUndefined()
  expect(findIdentity([], me.blob)).toBeUndefined()
})

describe.each(KEY_TYPES)('the identity of a key of type %s', (type) => {
  const key = keyOf('key', type)

  test('has its public half for a name; certified, the certificate', () => {
    const plain = plainIdentity(key)
    expect(plain).toEqual({
      blob: key.publicKey,
      comment: 'key',
      fingerprint: fingerprint(key.publicKey),
      privateKey: key,
    })
    const certificate = certificateOf(key)
    expect(certifiedIdentity(key, certificate)).toEqual({ ...plain, blob: certificate })
  })

  test.each([
    ["another key's certificate", certificateOf(keyOf('other', type))],
    [
      'a certificate of another type',
      certificateOf(keyOf('key', type === 'ssh-rsa' ? 'ssh-ed25519' : 'ssh-rsa')),
    ],
    ['no certificate', key.publicKey],
  ])('is not made of %s', (_, certificate) => {
    expect(() => certifiedIdentity(key, certificate)).toThrow(
      expect.objectContaining({ code: 'key-unreadable' }),
    )
  })

  test('is not made of a certificate whose signature is wrong', () => {
    const certificate = certificateOf(key)
    const forged = flipped(certificate, certificate.length - 1)
    expect(() => certifiedIdentity(key, forged)).toThrow(
      expect.objectContaining({
        code: 'key-unreadable',
        message: "The signature of the certificate's authority is wrong.",
      }),
    )
  })

  test.each([0, 1, 2, 4, 6, 0xffff_fff9])(
    'signs with flags %i, never with SHA-1',
    async (flags) => {
      const signature = await signWith(plainIdentity(key), data, flags)
      if (type === 'ssh-rsa' && (flags & 6) === 0) {
        expect(signature).toBeUndefined()
        return
      }
      if (signature === undefined) throw new Error('no signature')
      const rsa = flags & 2 ? 'rsa-sha2-256' : 'rsa-sha2-512'
      expect(signatureAlgorithm(signature)).toBe(type === 'ssh-rsa' ? rsa : type)
      expect(verifySignature(key.publicKey, signature, data)).toBe(true)
    },
  )
})

describe('withIdentity', () => {
  test('puts a new one behind the others, and one that is there where it stands', () => {
    const before = [me]
    expect(withIdentity(before, you)).toEqual([me, you])
    const again = { ...me, comment: 'again' }
    expect(withIdentity([you, me], again)).toEqual([you, again])
    expect(before).toEqual([me])
  })

  test('takes 2,048 and no more', () => {
    const many = Array.from({ length: 2048 }, (_, n) => ({ ...me, blob: Buffer.from(String(n)) }))
    expect(withIdentity(many.slice(1), you)).toHaveLength(2048)
    expect(withIdentity(many, you)).toBeUndefined()
    expect(withIdentity(many, { ...you, blob: Buffer.from('7') })).toHaveLength(2048)
  })
})
