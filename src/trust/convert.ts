/** `ssh-trust convert` and `fingerprint`: keys from any format that is read into any that is written. */
import { TrustError } from '../errors'
import { plainKey } from '../ssh/certificate'
import { parsePrivateKeys } from '../ssh/key-file'
import { encodeOpenSshKey } from '../ssh/openssh-key'
import type { PrivateKey } from '../ssh/private-key'
import { displayType, fingerprint, formatPublicKey, keyBits, typeOfBlob } from '../ssh/public-key'
import { formatPkcs1, formatRfc4716, formatSpki, parsePublicKeyText } from '../ssh/public-key-file'
import { encodePuttyKey } from '../ssh/putty-key'
import { randomart } from '../ssh/randomart'

export const PRIVATE_FORMATS = ['openssh', 'pkcs8', 'ppk'] as const
export const PUBLIC_FORMATS = ['public', 'rfc4716', 'spki', 'pkcs1'] as const

export type PrivateFormat = (typeof PRIVATE_FORMATS)[number]
export type PublicFormat = (typeof PUBLIC_FORMATS)[number]

/** Texts that hold a private key of some kind; everything else is read as a public key. */
const PRIVATE = /PRIVATE KEY|PuTTY-User-Key-File-/

interface PublicHalf {
  blob: Buffer
  comment: string
}

function onePrivateKey(text: string, passphrase: string | undefined): PrivateKey {
  const { keys } = parsePrivateKeys(text, passphrase === undefined ? [] : [passphrase])
  const [key] = keys
  if (key === undefined || keys.length > 1) {
    throw new TrustError(
      'input-invalid',
      `There are ${keys.length} keys; one at a time can be converted.`,
    )
  }
  return key
}

function publicHalf(text: string, passphrase: string | undefined): PublicHalf {
  if (!PRIVATE.test(text)) return parsePublicKeyText(text)
  const { publicKey, comment } = onePrivateKey(text, passphrase)
  return { blob: publicKey, comment }
}

/**
 * The private key in `text`, in another format.
 *
 * @param newPassphrase encrypts the result; without it the result is not encrypted
 * @throws TrustError
 */
export function convertPrivateKey(
  text: string,
  format: PrivateFormat,
  passphrase: string | undefined,
  newPassphrase: string | undefined,
): string {
  const key = onePrivateKey(text, passphrase)
  switch (format) {
    case 'openssh':
      return encodeOpenSshKey(key, newPassphrase)
    case 'ppk':
      return encodePuttyKey(key, newPassphrase)
    case 'pkcs8': {
      const encryption =
        newPassphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase: newPassphrase }
      return key.key.export({ format: 'pem', type: 'pkcs8', ...encryption }).toString()
    }
  }
}

/**
 * The public key in `text`, or of the private key in it, in another format.
 *
 * @throws TrustError
 */
export function convertPublicKey(
  text: string,
  format: PublicFormat,
  passphrase: string | undefined,
): string {
  const { blob, comment } = publicHalf(text, passphrase)
  switch (format) {
    case 'public':
      return `${formatPublicKey(blob, comment)}\n`
    case 'rfc4716':
      return formatRfc4716(blob, comment)
    case 'spki':
      return formatSpki(blob)
    case 'pkcs1':
      return formatPkcs1(blob)
  }
}

/** What `ssh-keygen -lf` (`-lvf` with `art`) prints of the key in `text`. */
export function describeKey(text: string, passphrase: string | undefined, art: boolean): string {
  const { blob, comment } = publicHalf(text, passphrase)
  const type = displayType(typeOfBlob(blob))
  const line = `${keyBits(plainKey(blob))} ${fingerprint(plainKey(blob))} ${comment === '' ? 'no comment' : comment} (${type})\n`
  return art ? `${line}${randomart(blob)}\n` : line
}
