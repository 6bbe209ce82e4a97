/**
 * OpenSSH's private key files (OpenSSH's PROTOCOL.key): read with every cipher that ssh-keygen can
 * write (`ssh-keygen -Z`), and written as ssh-keygen writes them. What is wrong with a file is named.
 */
import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto'
import bcrypt from 'bcrypt-pbkdf'
import { TrustError } from '../errors'
import { readPrivateKey, writePrivateKey, type PrivateKey } from './private-key'
import { isKeyType, typeOfBlob, unsupportedType } from './public-key'
import { Reader, string, uint32 } from './wire'

/** PROTOCOL.key, section 1: AUTH_MAGIC with its terminating zero. */
const MAGIC = Buffer.from('openssh-key-v1\0')

/**
 * Most rounds of bcrypt that are worked off. A round takes about 20 ms (13 ms in ssh-keygen itself),
 * so this is some ten seconds. ssh-keygen's default was 16 and is 24; guides say 100.
 */
export const MAX_ROUNDS = 512

/** ssh-keygen's DEFAULT_ROUNDS since OpenSSH 9.4. */
const DEFAULT_ROUNDS = 24

/** ssh-keygen's SALT_LEN. */
const SALT_BYTES = 16
const MAX_SALT = 64

interface Cipher {
  mode: 'cbc or ctr' | 'gcm' | 'chachapoly'
  /** Its name in OpenSSL. */
  name: string
  /** Bytes; the table of OpenSSH's cipher.c. */
  block: number
  key: number
  iv: number
  tag: number
}

function plainCipher(name: string, block: number, key: number): Cipher {
  return { mode: 'cbc or ctr', name, block, key, iv: block, tag: 0 }
}

function gcmCipher(name: string, key: number): Cipher {
  return { mode: 'gcm', name, block: 16, key, iv: 12, tag: 16 }
}

const AES256_CTR = plainCipher('aes-256-ctr', 16, 32)

/** Every cipher that `ssh-keygen -Z` takes. */
const CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  ['3des-cbc', plainCipher('des-ede3-cbc', 8, 24)],
  ['aes128-cbc', plainCipher('aes-128-cbc', 16, 16)],
  ['aes192-cbc', plainCipher('aes-192-cbc', 16, 24)],
  ['aes256-cbc', plainCipher('aes-256-cbc', 16, 32)],
  ['aes128-ctr', plainCipher('aes-128-ctr', 16, 16)],
  ['aes192-ctr', plainCipher('aes-192-ctr', 16, 24)],
  ['aes256-ctr', AES256_CTR],
  ['aes128-gcm@openssh.com', gcmCipher('aes-128-gcm', 16)],
  ['aes256-gcm@openssh.com', gcmCipher('aes-256-gcm', 32)],
  [
    'chacha20-poly1305@openssh.com',
    // Two keys of 32 bytes: the second is for packet lengths, of which a file has none.
    { mode: 'chachapoly', name: 'chacha20', block: 8, key: 64, iv: 0, tag: 16 },
  ],
])

/** OpenSSH's block size of the cipher `none`. */
const NONE_BLOCK = 8

/** What stands in the file: all of it read and bounded, nothing decrypted. */
interface Container {
  /** undefined: not encrypted. */
  encryption: { cipher: Cipher; salt: Buffer; rounds: number } | undefined
  publicKey: Buffer
  section: Buffer
  tag: Buffer
}

/**
 * The key of an OpenSSH private key file, from the bytes between its BEGIN and END lines. A
 * passphrase is not looked at where none is needed.
 *
 * @throws TrustError `key-encrypted` (a passphrase is needed), `key-passphrase-wrong`,
 *   `key-unreadable`, `key-type-unsupported`, `key-too-small`
 */
export function decodeOpenSshKey(bytes: Buffer, passphrase?: string | Buffer): PrivateKey {
  try {
    const container = readContainer(bytes)
    if (container.encryption === undefined) return readSection(container.section, container, false)
    if (passphrase === undefined || passphrase.length === 0) {
      throw new TrustError('key-encrypted', 'The OpenSSH key is encrypted with a passphrase.', {
        hint: 'Give its passphrase too.',
      })
    }
    const section = decrypt(container, container.encryption, passphrase)
    try {
      return readSection(section, container, true)
    } finally {
      section.fill(0)
    }
  } catch (error) {
    if (!(error instanceof TrustError) || error.code !== 'malformed') throw error
    throw unreadable('is cut short or damaged', { cause: error })
  }
}

/** Whether a passphrase is needed; false, too, for what is no such file. */
export function isEncryptedOpenSshKey(bytes: Buffer): boolean {
  try {
    const reader = new Reader(bytes)
    return reader.bytes(MAGIC.length).equals(MAGIC) && reader.text(64) !== 'none'
  } catch {
    return false
  }
}

function unreadable(what: string, details: { hint?: string; cause?: unknown } = {}): TrustError {
  return new TrustError('key-unreadable', `The OpenSSH key ${what}.`, {
    hint: 'Paste the whole file again, from BEGIN to END.',
    ...details,
  })
}

/** PROTOCOL.key, sections 1 and 2. */
function readContainer(bytes: Buffer): Container {
  const reader = new Reader(bytes)
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw unreadable('does not begin with openssh-key-v1')
  }
  reader.bytes(MAGIC.length)
  const cipherName = reader.text(64)
  const kdfName = reader.text(64)
  const kdfOptions = reader.string(4096)
  const count = reader.uint32()
  if (count !== 1) {
    throw unreadable(`file says that it holds ${count} keys; one is expected`, {
      hint: 'OpenSSH itself reads files with one key only.',
    })
  }
  const publicKey = reader.string()
  const type = typeOfBlob(publicKey)
  // Said before a passphrase is asked for: none would help.
  if (!isKeyType(type)) throw unsupportedType(type)
  const encryption = readEncryption(cipherName, kdfName, kdfOptions)
  const { block, tag } = encryption?.cipher ?? { block: NONE_BLOCK, tag: 0 }
  const section = reader.string()
  const container = { encryption, publicKey, section, tag: reader.bytes(tag) }
  if (reader.remaining > 0) throw unreadable(`has ${reader.remaining} bytes too many at its end`)
  if (section.length === 0 || section.length % block !== 0) {
    throw unreadable(
      `has a private section of ${section.length} bytes, which is no multiple of ${block}`,
    )
  }
  return container
}

function readEncryption(cipherName: string, kdf: string, options: Buffer): Container['encryption'] {
  if (kdf !== 'none' && kdf !== 'bcrypt') {
    throw unreadable(`is encrypted with the unknown key derivation ${JSON.stringify(kdf)}`, {
      hint: 'OpenSSH knows bcrypt alone.',
    })
  }
  if (cipherName === 'none' && kdf === 'none') return undefined
  const cipher = CIPHERS.get(cipherName)
  if (cipher === undefined && cipherName !== 'none') {
    throw unreadable(`is encrypted with the unknown cipher ${JSON.stringify(cipherName)}`, {
      hint: `Known are ${[...CIPHERS.keys()].join(', ')}. Encrypt it anew: ssh-keygen -p -f FILE.`,
    })
  }
  if (cipher === undefined || kdf === 'none') {
    throw unreadable(`names the cipher ${cipherName} with the key derivation ${kdf}`)
  }
  const reader = new Reader(options)
  const salt = reader.string(MAX_SALT)
  const rounds = reader.uint32()
  reader.end('the options of bcrypt')
  if (salt.length === 0 || rounds === 0) throw unreadable('has no salt, or no rounds, for bcrypt')
  if (rounds > MAX_ROUNDS) {
    throw unreadable(
      `wants ${rounds} rounds of bcrypt; ${MAX_ROUNDS} are the most that are worked off`,
      {
        hint: `More would take longer than ten seconds. Encrypt a copy with fewer: ssh-keygen -p -a ${DEFAULT_ROUNDS} -f COPY.`,
      },
    )
  }
  return { cipher, salt, rounds }
}

/** PROTOCOL.key, section 4: cipher key and IV from a passphrase. */
function deriveKey(
  cipher: Cipher,
  passphrase: string | Buffer,
  salt: Buffer,
  rounds: number,
): { key: Buffer; iv: Buffer; wipe: () => void } {
  const secret = Buffer.from(passphrase)
  const derived = Buffer.alloc(cipher.key + cipher.iv)
  const { pbkdf } = bcrypt
  const code = pbkdf(secret, secret.length, salt, salt.length, derived, derived.length, rounds)
  secret.fill(0)
  if (code !== 0) throw unreadable('has settings for bcrypt that are out of bounds')
  return {
    key: derived.subarray(0, cipher.key),
    iv: derived.subarray(cipher.key),
    wipe: () => void derived.fill(0),
  }
}

function decrypt(
  { section, tag }: Container,
  { cipher, salt, rounds }: NonNullable<Container['encryption']>,
  passphrase: string | Buffer,
): Buffer {
  const { key, iv, wipe } = deriveKey(cipher, passphrase, salt, rounds)
  try {
    if (cipher.mode === 'chachapoly') return decryptChachaPoly(key, section, tag)
    if (cipher.mode === 'gcm') return decryptGcm(cipher, key, iv, section, tag)
    // Whole blocks: `final` has nothing to add, nor to copy.
    return createDecipheriv(cipher.name, key, iv).setAutoPadding(false).update(section)
  } finally {
    wipe()
  }
}

function decryptGcm(cipher: Cipher, key: Buffer, iv: Buffer, section: Buffer, tag: Buffer): Buffer {
  const name = cipher.key === 16 ? 'aes-128-gcm' : 'aes-256-gcm'
  const decipher = createDecipheriv(name, key, iv, { authTagLength: cipher.tag }).setAuthTag(tag)
  const plain = decipher.update(section)
  try {
    decipher.final()
  } catch (cause) {
    plain.fill(0)
    throw wrongPassphrase(cause)
  }
  return plain
}

/**
 * OpenSSH's chacha20-poly1305 (PROTOCOL.chacha20poly1305) as its key files use it: sequence number
 * 0, no length, no further data. It is older than RFC 8439's, and tags differently.
 */
function decryptChachaPoly(key: Buffer, section: Buffer, tag: Buffer): Buffer {
  const main = key.subarray(0, 32)
  const macKey = chacha20(main, 0, Buffer.alloc(32))
  const expected = poly1305(macKey, section)
  macKey.fill(0)
  if (!timingSafeEqual(expected, tag)) throw wrongPassphrase()
  return chacha20(main, 1, section)
}

/** ChaCha20 from block `counter` on, with a nonce of zeros. */
function chacha20(key: Buffer, counter: number, data: Buffer): Buffer {
  const iv = Buffer.alloc(16) // as OpenSSL has it: counter, little-endian, then the nonce
  iv.writeUInt32LE(counter)
  return createCipheriv('chacha20', key, iv).update(data)
}

/** RFC 8439 §2.5, which node:crypto does not offer by itself. */
function poly1305(key: Buffer, message: Buffer): Buffer {
  const r = littleEndian(key.subarray(0, 16)) & 0x0ffffffc_0ffffffc_0ffffffc_0fffffffn
  const s = littleEndian(key.subarray(16))
  let sum = 0n
  for (let i = 0; i < message.length; i += 16) {
    const block = message.subarray(i, i + 16)
    sum = ((sum + littleEndian(block) + (1n << BigInt(8 * block.length))) * r) % ((1n << 130n) - 5n)
  }
  const hex = ((sum + s) & ((1n << 128n) - 1n)).toString(16).padStart(32, '0')
  return Buffer.from(hex, 'hex').reverse()
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

function wrongPassphrase(cause?: unknown): TrustError {
  return new TrustError('key-passphrase-wrong', 'The passphrase of the OpenSSH key is wrong.', {
    hint: 'Try it with: ssh-keygen -y -f FILE.',
    cause,
  })
}

/** PROTOCOL.key, section 3. */
function readSection(section: Buffer, { publicKey }: Container, encrypted: boolean): PrivateKey {
  const reader = new Reader(section)
  if (reader.uint32() !== reader.uint32()) {
    // The numbers are there to tell this.
    if (encrypted) throw wrongPassphrase()
    throw unreadable('has two check numbers that differ: it is damaged')
  }
  const key = readKey(reader)
  for (let i = 1; reader.remaining > 0; i += 1) {
    if (reader.byte() !== (i & 0xff)) throw unreadable('has wrong padding: it is damaged')
  }
  if (!key.publicKey.equals(publicKey)) {
    throw unreadable('names another public key than that of its private key')
  }
  return key
}

function readKey(reader: Reader): PrivateKey {
  try {
    return readPrivateKey(reader)
  } catch (error) {
    if (error instanceof TrustError) throw error
    // Numbers so damaged that node:crypto does not even compare the halves.
    throw unreadable('holds numbers that make no valid key', { cause: error })
  }
}

/**
 * `key` as the text of an OpenSSH private key file; encrypted, as ssh-keygen does it, with
 * aes256-ctr and `rounds` of bcrypt where there is a passphrase.
 *
 * @throws TrustError `input-invalid` (rounds out of bounds)
 */
export function encodeOpenSshKey(
  key: PrivateKey,
  passphrase?: string | Buffer,
  rounds = DEFAULT_ROUNDS,
): string {
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MAX_ROUNDS) {
    throw new TrustError('input-invalid', `Rounds of bcrypt are 1 to ${MAX_ROUNDS}.`)
  }
  const encrypted = passphrase !== undefined && passphrase.length > 0
  const plain = writeSection(key, encrypted ? AES256_CTR.block : NONE_BLOCK)
  let head: Buffer
  let section = plain
  if (encrypted) {
    const salt = randomBytes(SALT_BYTES)
    const { key: cipherKey, iv, wipe } = deriveKey(AES256_CTR, passphrase, salt, rounds)
    const cipher = createCipheriv(AES256_CTR.name, cipherKey, iv)
    section = Buffer.concat([cipher.update(plain), cipher.final()])
    wipe()
    const options = Buffer.concat([string(salt), uint32(rounds)])
    head = Buffer.concat([string('aes256-ctr'), string('bcrypt'), string(options)])
  } else {
    head = Buffer.concat([string('none'), string('none'), string('')])
  }
  const file = Buffer.concat([MAGIC, head, uint32(1), string(key.publicKey), string(section)])
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [] // as many columns as ssh-keygen
  plain.fill(0)
  file.fill(0)
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`
}

/** PROTOCOL.key, section 3, filled up to a multiple of `block`. */
function writeSection(key: PrivateKey, block: number): Buffer {
  const check = randomBytes(4)
  const fields = writePrivateKey(key)
  const padding = (block - ((2 * check.length + fields.length) % block)) % block
  const section = Buffer.concat([
    check,
    check,
    fields,
    Buffer.from(Array.from({ length: padding }, (_, i) => i + 1)),
  ])
  fields.fill(0)
  return section
}
