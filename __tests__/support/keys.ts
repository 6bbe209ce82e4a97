/** Makes keys and certificates with the real ssh-keygen. */
import { copyFile, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { program } from './programs'
import { mustRun } from './run'

export type KeyType = 'ed25519' | 'ecdsa' | 'rsa'

export interface KeyOptions {
  /** ssh-keygen's default if left out: 256 for ecdsa, 3072 for rsa. */
  bits?: number
  /** None if left out. */
  comment?: string
  /** How the private key is written; OpenSSH's own format if left out. */
  format?: 'OPENSSH' | 'PEM' | 'PKCS8'
  passphrase?: string
  /** Name of the private key's file; one that is not taken if left out. */
  file?: string
}

export interface Key {
  /** The text of the private key's file. */
  privateKey: string
  privateKeyFile: string
  /** One line: type, base64, and the comment if there is one. */
  publicKey: string
  publicKeyFile: string
  /** `SHA256:…` */
  fingerprint: string
}

export interface CertificateOptions {
  /** Users, or host names: a certificate with none is good for all. */
  principals?: readonly string[]
  /** As ssh-keygen's -V takes it (`+1h`, `-2d:-1d`); always valid if left out. */
  validity?: string
  /** A host certificate instead of a user certificate. */
  host?: boolean
  identity?: string
  serial?: number
  /** As ssh-keygen's -O takes them (`source-address=…`). */
  options?: readonly string[]
  /** Where the certificate goes (`…-cert.pub`); next to the public key if left out. */
  directory?: string
}

export interface Ca extends Key {
  /** Signs a public key; returns the path of the certificate. */
  sign: (publicKeyFile: string, options?: CertificateOptions) => Promise<string>
}

let count = 0

/** Makes a new key pair in `directory`. */
export async function makeKey(
  directory: string,
  type: KeyType,
  options: KeyOptions = {},
): Promise<Key> {
  const { bits, comment = '', format = 'OPENSSH', passphrase = '' } = options
  if (type === 'ed25519' && format !== 'OPENSSH') {
    // ssh-keygen would quietly write its own format.
    throw new Error(`ssh-keygen writes no ${format} for ed25519`)
  }
  const privateKeyFile = join(directory, options.file ?? `id_${type}_${String(++count)}`)
  await mustRun(program('ssh-keygen'), [
    '-q',
    ...['-t', type],
    ...(bits === undefined ? [] : ['-b', String(bits)]),
    ...(format === 'OPENSSH' ? [] : ['-m', format]),
    ...['-C', comment, '-N', passphrase, '-f', privateKeyFile],
  ])
  const publicKeyFile = `${privateKeyFile}.pub`
  const publicKey = (await readFile(publicKeyFile, 'utf8')).trim()
  return {
    privateKey: await readFile(privateKeyFile, 'utf8'),
    privateKeyFile,
    publicKey,
    publicKeyFile,
    fingerprint: await fingerprintOf(publicKeyFile),
  }
}

/** The fingerprint (`SHA256:…`) of the key in a file, public or private. */
export async function fingerprintOf(file: string): Promise<string> {
  const line = await mustRun(program('ssh-keygen'), ['-l', '-E', 'sha256', '-f', file])
  return line.split(' ')[1] ?? ''
}

/** The public key (`ssh-ed25519 AAAA…`, no comment) of a private key without passphrase. */
export async function publicKeyOf(privateKeyFile: string): Promise<string> {
  const line = await mustRun(program('ssh-keygen'), ['-y', '-P', '', '-f', privateKeyFile])
  return line.trim().split(' ').slice(0, 2).join(' ')
}

/** A key that signs others. */
export async function makeCa(directory: string, type: KeyType = 'ed25519'): Promise<Ca> {
  const key = await makeKey(directory, type, { comment: 'test CA' })
  return {
    ...key,
    sign: (publicKeyFile, options) => signKey(key.privateKeyFile, publicKeyFile, options),
  }
}

/** Signs a public key with the CA key of the file `caKeyPath`; returns the certificate's path. */
export async function signKey(
  caKeyPath: string,
  publicKeyFile: string,
  options: CertificateOptions = {},
): Promise<string> {
  const { principals = [], validity, host = false, identity = 'test', serial } = options
  const { directory = dirname(publicKeyFile) } = options
  // ssh-keygen writes next to what it signs.
  const copy = join(directory, basename(publicKeyFile))
  if (copy !== publicKeyFile) await copyFile(publicKeyFile, copy)
  await mustRun(program('ssh-keygen'), [
    '-q',
    ...['-s', caKeyPath, '-I', identity],
    ...(host ? ['-h'] : []),
    ...(principals.length === 0 ? [] : ['-n', principals.join(',')]),
    ...(validity === undefined ? [] : ['-V', validity]),
    ...(serial === undefined ? [] : ['-z', String(serial)]),
    ...(options.options ?? []).flatMap((option) => ['-O', option]),
    copy,
  ])
  return copy.replace(/\.pub$/, '-cert.pub')
}
