/** The identities that the agent holds. */
import { certificateType, isSigned, parseCertificate } from '../ssh/certificate'
import { TrustError } from '../errors'
import type { PrivateKey } from '../ssh/private-key'
import { fingerprint, typeOfBlob } from '../ssh/public-key'
import { makeRsaSignature, makeSignature } from '../ssh/signature'
import type { Destination } from './constraints'
import { SSH_AGENT_RSA_SHA2_256, SSH_AGENT_RSA_SHA2_512 } from './messages'

/** Most identities; OpenSSH's MAX_AGENT_IDENTITIES, beyond which its clients take no list. */
const MAX_IDENTITIES = 2048

export interface Identity {
  /** What clients name it by: the public key, or the certificate, in wire format. */
  blob: Buffer
  comment: string
  /** Fingerprint of the plain key. */
  fingerprint: string
  privateKey: PrivateKey
  /** When it goes, on the clock of `performance.now()`; absent: never. */
  expires?: number
  /** Each use is to be confirmed. */
  confirm?: boolean
  /** The only uses that are allowed; absent: all. */
  destinations?: readonly Destination[]
}

/** The identity of a plain key. */
export function plainIdentity(privateKey: PrivateKey): Identity {
  const { publicKey, comment } = privateKey
  return { blob: publicKey, comment, fingerprint: fingerprint(publicKey), privateKey }
}

/**
 * The identity of a key with its certificate (wire format).
 *
 * @throws TrustError `key-unreadable` if the certificate is another key's, or its authority has not
 *   signed it: OpenSSH's clients take no list with such a one in it
 */
export function certifiedIdentity(privateKey: PrivateKey, certificate: Buffer): Identity {
  if (typeOfBlob(certificate) !== certificateType(privateKey.type)) {
    throw new TrustError('key-unreadable', 'This is no certificate for a key of that type.')
  }
  const parsed = parseCertificate(certificate)
  if (!parsed.key.equals(privateKey.publicKey)) {
    throw new TrustError('key-unreadable', 'The certificate is not one for this private key.')
  }
  if (!isSigned(parsed)) {
    throw new TrustError('key-unreadable', "The signature of the certificate's authority is wrong.")
  }
  return { ...plainIdentity(privateKey), blob: certificate }
}

export function findIdentity(identities: readonly Identity[], blob: Buffer): Identity | undefined {
  return identities.find((identity) => identity.blob.equals(blob))
}

/**
 * The identities with one more, behind the others; one with the same blob is replaced where it stands.
 * Returns undefined where there are too many.
 */
export function withIdentity(
  identities: readonly Identity[],
  added: Identity,
): Identity[] | undefined {
  const index = identities.findIndex(({ blob }) => blob.equals(added.blob))
  if (index >= 0) return identities.with(index, added)
  return identities.length < MAX_IDENTITIES ? [...identities, added] : undefined
}

/**
 * Signs with an identity.
 *
 * @returns a promise for RSA, whose signatures would keep the other connections waiting; undefined
 *   where only one with SHA-1 was asked for (RSA without a flag)
 */
export function signWith(
  identity: Identity,
  data: Buffer,
  flags: number,
): Buffer | Promise<Buffer> | undefined {
  const { type, key } = identity.privateKey
  const hash =
    flags & SSH_AGENT_RSA_SHA2_256
      ? 'sha256'
      : flags & SSH_AGENT_RSA_SHA2_512
        ? 'sha512'
        : undefined
  if (type !== 'ssh-rsa') return makeSignature(type, key, data, 'sha512')
  return hash === undefined ? undefined : makeRsaSignature(key, data, hash)
}
