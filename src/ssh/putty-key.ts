/**
 * PuTTY's private key files, PPK versions 2 and 3 (PuTTY manual, appendix C): read, and written as
 * version 3. Nothing of a file is used before its MAC is verified.
 */
import * as crypto from 'node:crypto'
import { TrustError } from '../errors'
import { readPrivateKey, type PrivateKey } from './private-key'
import { isEcdsa, isKeyType, typeOfBlob, unsupportedType, type KeyType } from './public-key'
import { isCertificateType } from './certificate'
import { mpint, Reader, string, uint32 } from './wire'

/** Longest file that is looked at; one with an RSA key of 16384 bits has 10 KB. */
const MAX_TEXT = 64 * 1024

/**
 * Bounds of Argon2: 1 GiB of memory, and 4 GiB written in all passes together, which takes some ten
 * seconds. puttygen writes 8 MiB and as many passes as take 0.1 s.
 */
export const MAX_ARGON2_MEMORY = 1024 * 1024
export const MAX_ARGON2_WORK = 4 * 1024 * 1024
const MAX_ARGON2_PARALLELISM = 64
/** Passes times lanes: OpenSSL starts four threads for each, which costs more than little memory. */
const MAX_ARGON2_LANES = 4 * 1024
const MIN_SALT = 8 // RFC 9106 §3.1
const MAX_SALT = 64

/** RFC 9106 §4, the second recommended option, in one thread: for the files written here. */
const WRITTEN = { memory: 64 * 1024, passes: 3, parallelism: 1 }

/** Appendix C.4: the bytes of cipher key, IV and MAC key for aes256-cbc. */
const KEY_BYTES = 32
const BLOCK_BYTES = 16
const MAC_BYTES = 32

/** Appendix C.2: characters of a line of base64, as puttygen writes it. */
const COLUMNS = 64

const FLAVOURS = { Argon2d: 'argon2d', Argon2i: 'argon2i', Argon2id: 'argon2id' } as const

type Flavour = keyof typeof FLAVOURS

interface Argon2 {
  flavour: Flavour
  /** KiB. */
  memory: number
  passes: number
  parallelism: number
  salt: Buffer
}

/** `crypto.argon2Sync`, which Node has since 24.7. */
type Argon2Sync = (
  algorithm: (typeof FLAVOURS)[Flavour],
  parameters: {
    message: Buffer
    nonce: Buffer
    parallelism: number
    tagLength: number
    memory: number
    passes: number
  },
) => Buffer

interface PuttyFile {
  version: 2 | 3
  algorithm: string
  encrypted: boolean
  comment: string
  publicKey: Buffer
  /** Only in encrypted files of version 3. */
  argon2: Argon2 | undefined
  privatePart: Buffer
  mac: Buffer
}

/** Derived from the passphrase (appendix C.4, and C.5 for version 2). */
interface KeyMaterial {
  key: Buffer
  iv: Buffer
  macKey: Buffer
}

/**
 * The key of a PuTTY private key file. A passphrase is not looked at where none is needed.
 *
 * @throws TrustError `key-encrypted` (a passphrase is needed), `key-passphrase-wrong`,
 *   `key-unreadable`, `key-type-unsupported`, `key-too-small`, `platform-unsupported` (no Argon2)
 */
export function decodePuttyKey(text: string, passphrase?: string | Buffer): PrivateKey {
  try {
    return decode(readFile(text), passphrase)
  } catch (error) {
    if (!(error instanceof TrustError) || error.code !== 'malformed') throw error
    throw unreadable('is damaged', { cause: error })
  }
}

/** Whether a passphrase is needed; false, too, for what is no such file. */
export function isEncryptedPuttyKey(text: string): boolean {
  return /^\s*PuTTY-User-Key-File-.*\s+Encryption:\s*(?!none\b)\S/.test(text)
}

function unreadable(what: string, details: { hint?: string; cause?: unknown } = {}): TrustError {
  return new TrustError('key-unreadable', `The PuTTY key ${what}.`, {
    hint: 'Paste the whole .ppk file again, as it is.',
    ...details,
  })
}

/** Takes the lines of a file one by one. */
interface Lines {
  header: (name: string) => string
  base64: (name: string) => Buffer
  hasMore: () => boolean
}

function linesOf(text: string): Lines {
  const lines = text.trim().split(/\r\n|\r|\n/) // appendix C.2: all three are tolerated
  let next = 0
  const header = (name: string): string => {
    const line = lines[next]
    if (line === undefined) throw unreadable(`is cut short: its line ${name} is missing`)
    if (!line.startsWith(`${name}:`)) throw unreadable(`has no line ${name} where one must be`)
    next += 1
    return line.slice(name.length + 1).replace(/^ /, '')
  }
  return {
    header,
    base64: (name) => {
      const count = decimal(name, header(name), lines.length)
      const body = lines.slice(next, next + count)
      if (body.length < count)
        throw unreadable(`is cut short: it has fewer lines than ${name} says`)
      next += count
      const joined = body.map((line) => line.trim()).join('')
      if (joined.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(joined)) {
        throw unreadable(`has something other than base64 after ${name}`)
      }
      return Buffer.from(joined, 'base64')
    },
    hasMore: () => next < lines.length,
  }
}

function decimal(name: string, digits: string, max: number): number {
  if (!/^[0-9]{1,10}$/.test(digits)) throw unreadable(`has a line ${name} without a number`)
  const number = Number(digits)
  if (number > max) throw unreadable(`says ${name}: ${number}, and ${max} is the most`)
  return number
}

function hexadecimal(name: string, digits: string): Buffer {
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits)) throw unreadable(`has a damaged line ${name}`)
  return Buffer.from(digits, 'hex')
}

/** Appendix C.2. */
function readFile(text: string): PuttyFile {
  if (text.length > MAX_TEXT) throw unreadable('is too long for a key')
  const [, found] = /^\s*PuTTY-User-Key-File-([0-9]{1,4}):/.exec(text) ?? []
  if (found === undefined) throw unreadable('does not begin with PuTTY-User-Key-File')
  const version = Number(found)
  if (version !== 2 && version !== 3) {
    throw unreadable(`is of version ${version}; 2 and 3 are known`, {
      hint: 'Load it into PuTTYgen and save it again.',
    })
  }
  const lines = linesOf(text)
  const algorithm = lines.header(`PuTTY-User-Key-File-${found}`).trim()
  requireType(algorithm)
  const encryption = lines.header('Encryption').trim()
  if (encryption !== 'none' && encryption !== 'aes256-cbc') {
    throw unreadable(`is encrypted with the unknown cipher ${JSON.stringify(encryption)}`, {
      hint: 'PuTTY knows aes256-cbc alone.',
    })
  }
  const encrypted = encryption !== 'none'
  const comment = lines.header('Comment')
  const publicKey = lines.base64('Public-Lines')
  const argon2 = encrypted && version === 3 ? readArgon2(lines) : undefined
  const privatePart = lines.base64('Private-Lines')
  const mac = hexadecimal('Private-MAC', lines.header('Private-MAC').trim())
  if (lines.hasMore()) throw unreadable('has more lines after Private-MAC')
  if (encrypted && (privatePart.length === 0 || privatePart.length % BLOCK_BYTES !== 0)) {
    throw unreadable('has an encrypted part that is no multiple of 16 bytes')
  }
  return { version, algorithm, encrypted, comment, publicKey, argon2, privatePart, mac }
}

function requireType(algorithm: string): asserts algorithm is KeyType {
  if (isCertificateType(algorithm)) {
    throw new TrustError('key-unreadable', 'The PuTTY key has a certificate in it.', {
      hint: 'Take it out (puttygen FILE --remove-certificate -o NEW), and give the certificate by itself.',
    })
  }
  if (!isKeyType(algorithm)) throw unsupportedType(algorithm)
}

function readArgon2(lines: Lines): Argon2 {
  const flavour = lines.header('Key-Derivation').trim()
  if (!isFlavour(flavour)) {
    throw unreadable(`has the unknown key derivation ${JSON.stringify(flavour)}`, {
      hint: 'PuTTY knows Argon2d, Argon2i and Argon2id.',
    })
  }
  const count = (name: string, max: number): number => decimal(name, lines.header(name).trim(), max)
  const memory = count('Argon2-Memory', MAX_ARGON2_MEMORY)
  const passes = count('Argon2-Passes', MAX_ARGON2_WORK)
  const parallelism = count('Argon2-Parallelism', MAX_ARGON2_PARALLELISM)
  const salt = hexadecimal('Argon2-Salt', lines.header('Argon2-Salt').trim())
  const threads = parallelism === 1 ? 0 : passes * parallelism
  if (memory * passes > MAX_ARGON2_WORK || threads > MAX_ARGON2_LANES) {
    throw unreadable(
      `wants ${passes} passes of Argon2 over ${memory} KiB (lanes: ${parallelism}), which would take longer than ten seconds`,
      {
        hint: 'Encrypt a copy with less: puttygen COPY --reencrypt --ppk-param memory=8192,time=100 -o NEW.',
      },
    )
  }
  // RFC 9106 §3.1: at least one pass, and 8 KiB a lane.
  if (passes < 1 || parallelism < 1 || memory < 8 * parallelism) {
    throw unreadable('has settings for Argon2 that are out of bounds')
  }
  if (salt.length < MIN_SALT || salt.length > MAX_SALT) {
    throw unreadable(`has a salt of ${salt.length} bytes`)
  }
  return { flavour, memory, passes, parallelism, salt }
}

function isFlavour(name: string): name is Flavour {
  return Object.hasOwn(FLAVOURS, name)
}

function decode(file: PuttyFile, passphrase: string | Buffer = ''): PrivateKey {
  if (file.encrypted && passphrase.length === 0) {
    throw new TrustError('key-encrypted', 'The PuTTY key is encrypted with a passphrase.', {
      hint: 'Give its passphrase too.',
    })
  }
  const material = deriveKeys(file, file.encrypted ? passphrase : '')
  const plain = file.encrypted ? decrypt(file.privatePart, material) : file.privatePart
  try {
    const comment = verifyMac(file, plain, material.macKey)
    return readParts(file, plain, comment)
  } finally {
    wipe(material)
    plain.fill(0)
  }
}

function wipe({ key, iv, macKey }: KeyMaterial): void {
  for (const buffer of [key, iv, macKey]) buffer.fill(0)
}

function deriveKeys(
  { version, argon2 }: Pick<PuttyFile, 'version' | 'argon2'>,
  passphrase: string | Buffer,
): KeyMaterial {
  const secret = Buffer.from(passphrase)
  try {
    if (version === 2) return deriveSha1(secret)
    // Appendix C.4: nothing is derived for a file that is not encrypted, not even a MAC key.
    if (argon2 === undefined) {
      return { key: Buffer.alloc(0), iv: Buffer.alloc(0), macKey: Buffer.alloc(0) }
    }
    return deriveArgon2(secret, argon2)
  } finally {
    secret.fill(0)
  }
}

/** Appendix C.5.1. */
function deriveSha1(passphrase: Buffer): KeyMaterial {
  const sha1 = (prefix: Buffer | string): Buffer =>
    crypto.createHash('sha1').update(prefix).update(passphrase).digest()
  return {
    key: Buffer.concat([sha1(uint32(0)), sha1(uint32(1))]).subarray(0, KEY_BYTES),
    iv: Buffer.alloc(BLOCK_BYTES),
    macKey: sha1('putty-private-key-file-mac-key'),
  }
}

function deriveArgon2(
  passphrase: Buffer,
  { flavour, memory, passes, parallelism, salt }: Argon2,
): KeyMaterial {
  const { argon2Sync } = crypto as { argon2Sync?: Argon2Sync }
  if (argon2Sync === undefined) {
    throw new TrustError(
      'platform-unsupported',
      `Encrypted PuTTY keys of version 3 need Argon2, which Node has since version 24.7; this is ${process.version}.`,
      {
        hint: 'Use Node 24, or convert the key: puttygen FILE -O private-openssh-new -o NEW.',
      },
    )
  }
  const tagLength = KEY_BYTES + BLOCK_BYTES + MAC_BYTES
  const costs = { parallelism, tagLength, memory, passes }
  const derived = argon2Sync(FLAVOURS[flavour], { message: passphrase, nonce: salt, ...costs })
  return {
    key: derived.subarray(0, KEY_BYTES),
    iv: derived.subarray(KEY_BYTES, KEY_BYTES + BLOCK_BYTES),
    macKey: derived.subarray(KEY_BYTES + BLOCK_BYTES),
  }
}

function decrypt(bytes: Buffer, { key, iv }: KeyMaterial): Buffer {
  // Whole blocks: `final` has nothing to add.
  return crypto.createDecipheriv('aes-256-cbc', key, iv).setAutoPadding(false).update(bytes)
}

/** Appendix C.2: what the MAC covers, the padding of the private part with it. */
function macOf(
  file: Pick<PuttyFile, 'version' | 'algorithm' | 'encrypted' | 'publicKey'>,
  comment: Buffer,
  plain: Buffer,
  macKey: Buffer,
): Buffer {
  const hmac = crypto.createHmac(file.version === 2 ? 'sha1' : 'sha256', macKey)
  const encryption = file.encrypted ? 'aes256-cbc' : 'none'
  for (const part of [file.algorithm, encryption, comment, file.publicKey]) {
    hmac.update(string(part))
  }
  return hmac.update(uint32(plain.length)).update(plain).digest()
}

/**
 * The comment, in the bytes that the MAC holds for. PuTTYgen on Windows wrote the system's own
 * encoding, and a file that was pasted somewhere has become UTF-8 on the way.
 */
function verifyMac(file: PuttyFile, plain: Buffer, macKey: Buffer): string {
  for (const encoding of ['utf8', 'latin1'] as const) {
    const expected = macOf(file, Buffer.from(file.comment, encoding), plain, macKey)
    if (expected.length === file.mac.length && crypto.timingSafeEqual(expected, file.mac)) {
      return file.comment
    }
  }
  if (!file.encrypted) {
    throw unreadable('does not fit its MAC: it is damaged, or was changed', {
      hint: 'Its comment counts too, with every blank. Paste the whole .ppk file again, as it is.',
    })
  }
  throw new TrustError(
    'key-passphrase-wrong',
    'The passphrase of the PuTTY key is wrong, or the file was changed.',
    { hint: 'Try it with: puttygen FILE -O public-openssh.' },
  )
}

/** Appendix C.3: the private parts by type, put together with the public ones. */
function readParts(file: PuttyFile, plain: Buffer, comment: string): PrivateKey {
  const { algorithm, publicKey } = file
  requireType(algorithm)
  if (typeOfBlob(publicKey) !== algorithm) {
    throw unreadable(`says ${algorithm}, and its public key something else`)
  }
  const open = new Reader(publicKey)
  open.string()
  const secret = new Reader(plain)
  let fields: Buffer[]
  if (algorithm === 'ssh-ed25519') {
    const point = open.string(32)
    const seed = Buffer.alloc(32)
    // Little-endian: leading zeros, which older versions of PuTTY leave out, stand at its end.
    secret.string(32).copy(seed)
    fields = [string(point), string(Buffer.concat([seed, point]))]
    seed.fill(0)
  } else if (isEcdsa(algorithm)) {
    fields = [open.rest(), mpint(secret.mpint())]
  } else {
    const [e, n] = [open.mpint(), open.mpint()]
    const [d, p, q, iqmp] = [secret.mpint(), secret.mpint(), secret.mpint(), secret.mpint()]
    fields = [n, e, d, iqmp, p, q].map(mpint)
  }
  open.end('the public key') // the private part is followed by padding
  const wire = Buffer.concat([string(algorithm), ...fields, string(comment)])
  try {
    return readPrivateKey(new Reader(wire))
  } catch (error) {
    if (error instanceof TrustError) throw error
    // Numbers so damaged that node:crypto does not even compare the halves.
    throw unreadable('holds numbers that make no valid key', { cause: error })
  } finally {
    for (const buffer of [wire, ...fields]) buffer.fill(0)
  }
}

/**
 * `key` as the text of a PuTTY private key file of version 3, which PuTTY reads since 0.75;
 * encrypted with Argon2id and aes256-cbc where there is a passphrase.
 *
 * @throws TrustError `platform-unsupported` (a passphrase, and no Argon2)
 */
export function encodePuttyKey(key: PrivateKey, passphrase?: string | Buffer): string {
  const encrypted = passphrase !== undefined && passphrase.length > 0
  const argon2: Argon2 | undefined = encrypted
    ? { flavour: 'Argon2id', ...WRITTEN, salt: crypto.randomBytes(16) }
    : undefined
  const file = { version: 3, algorithm: key.type, encrypted, publicKey: key.publicKey } as const
  const material = deriveKeys({ version: 3, argon2 }, passphrase ?? '')
  const plain = writeParts(key, encrypted)
  const comment = key.comment.replace(/[\r\n]+/g, ' ') // appendix C.2: all bytes but these
  const mac = macOf(file, Buffer.from(comment), plain, material.macKey)
  const privatePart = encrypted ? encrypt(plain, material) : plain
  const text = [
    `PuTTY-User-Key-File-3: ${key.type}`,
    `Encryption: ${encrypted ? 'aes256-cbc' : 'none'}`,
    `Comment: ${comment}`,
    ...base64Lines('Public-Lines', key.publicKey),
    ...(argon2 === undefined ? [] : argon2Lines(argon2)),
    ...base64Lines('Private-Lines', privatePart),
    `Private-MAC: ${mac.toString('hex')}`,
    '',
  ].join('\n')
  wipe(material)
  plain.fill(0)
  return text
}

function encrypt(plain: Buffer, { key, iv }: KeyMaterial): Buffer {
  return crypto.createCipheriv('aes-256-cbc', key, iv).setAutoPadding(false).update(plain)
}

function argon2Lines({ flavour, memory, passes, parallelism, salt }: Argon2): string[] {
  return [
    `Key-Derivation: ${flavour}`,
    `Argon2-Memory: ${memory}`,
    `Argon2-Passes: ${passes}`,
    `Argon2-Parallelism: ${parallelism}`,
    `Argon2-Salt: ${salt.toString('hex')}`,
  ]
}

function base64Lines(name: string, bytes: Buffer): string[] {
  const lines = bytes.toString('base64').match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? []
  return [`${name}: ${lines.length}`, ...lines]
}

/** Appendix C.3, filled up with random bytes to whole blocks where it will be encrypted. */
function writeParts({ type, key }: PrivateKey, encrypted: boolean): Buffer {
  const jwk = key.export({ format: 'jwk' })
  const part = (name: 'd' | 'p' | 'q' | 'qi'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url')
  const fields =
    type === 'ssh-ed25519'
      ? [string(part('d'))]
      : isEcdsa(type)
        ? [mpint(part('d'))]
        : (['d', 'p', 'q', 'qi'] as const).map((name) => mpint(part(name)))
  const length = fields.reduce((sum, field) => sum + field.length, 0)
  const padding = encrypted ? (BLOCK_BYTES - (length % BLOCK_BYTES)) % BLOCK_BYTES : 0
  const parts = Buffer.concat([...fields, crypto.randomBytes(padding)])
  for (const field of fields) field.fill(0)
  return parts
}
