/**
 * Private keys as text, the way they stand in a secret: OpenSSH's format (PROTOCOL.key), and the PEM
 * formats PKCS#1, SEC1 and PKCS#8, which node:crypto reads. What can't be read is named, never guessed.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { TrustError } from '../errors'
import { KEY_TYPES, unsupportedType } from './public-key'
import { privateKeyFrom, readPrivateKey, type PrivateKey } from './private-key'
import { Reader } from './wire'

/** Largest text that is looked at: some sixty RSA-4096 keys; GitHub's own limit for a secret is 48 KB. */
const MAX_TEXT = 256 * 1024

/** PROTOCOL.key, section 1: the magic string with its terminating zero. */
const MAGIC = Buffer.from('openssh-key-v1\0')

interface Block {
  label: string
  /** Base64 without white space; PEM headers (`Proc-Type: …`) taken off. */
  body: string
  encrypted: boolean
}

/**
 * All private keys in `text`, in their order.
 *
 * @throws TrustError `key-empty`, `key-is-public`, `key-unreadable`, `key-encrypted`,
 *   `key-type-unsupported`, `key-too-small`
 */
export function parsePrivateKeys(text: string): PrivateKey[] {
  if (text.length > MAX_TEXT) {
    throw new TrustError(
      'key-unreadable',
      `This is too long for private keys (${text.length} characters).`,
    )
  }
  if (text.trim() === '') {
    throw new TrustError('key-empty', 'There is no key: the value is empty.')
  }
  const blocks = splitBlocks(text)
  // openssl ecparam -genkey writes the curve's name first, in a block of its own.
  const keys = blocks.filter(({ label }) => label !== 'EC PARAMETERS')
  if (keys.length === 0) throw notAKey(text)
  return keys.map(parseBlock)
}

function splitBlocks(text: string): Block[] {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim())
  const blocks: Block[] = []
  for (let i = 0; i < lines.length; i += 1) {
    const label = /^-----BEGIN ([A-Z0-9 ]+)-----$/.exec(lines[i] ?? '')?.[1]
    if (label === undefined) continue
    const end = lines.indexOf(`-----END ${label}-----`, i)
    const next = lines.findIndex((line, index) => index > i && line.startsWith('-----BEGIN '))
    if (end < 0 || (next >= 0 && next < end)) {
      throw new TrustError('key-unreadable', `The line -----END ${label}----- is missing.`, {
        hint: 'The key was cut short when it was copied. Paste the whole file, from BEGIN to END.',
      })
    }
    const content = lines.slice(i + 1, end)
    const headers = content.filter((line) => /^[A-Za-z0-9-]+: /.test(line))
    const body = content.filter((line) => !headers.includes(line)).join('')
    const encrypted =
      label.startsWith('ENCRYPTED') || headers.some((line) => /ENCRYPTED$/.test(line))
    blocks.push({ label, body, encrypted })
    i = end
  }
  return blocks
}

function notAKey(text: string): TrustError {
  const line = text.trimStart()
  if (KEY_TYPES.some((type) => line.startsWith(`${type} `)) || line.startsWith('ssh-dss ')) {
    return publicKeyGiven()
  }
  return new TrustError(
    'key-unreadable',
    'This is not a private key: it has no line -----BEGIN … PRIVATE KEY-----.',
    {
      hint: 'Paste the whole private key file (for example ~/.ssh/id_ed25519), with its BEGIN and END lines.',
    },
  )
}

function publicKeyGiven(): TrustError {
  return new TrustError('key-is-public', 'This is a public key; a private key is needed.', {
    hint: 'The private key is the file without .pub; it begins with -----BEGIN. The public key belongs into authorized_keys on the server.',
  })
}

function parseBlock(block: Block): PrivateKey {
  if (/PUBLIC KEY$/.test(block.label)) throw publicKeyGiven()
  if (block.label === 'DSA PRIVATE KEY') throw unsupportedType('ssh-dss')
  if (!/PRIVATE KEY$/.test(block.label)) {
    throw new TrustError('key-unreadable', `This is no private key: it says BEGIN ${block.label}.`)
  }
  if (block.encrypted) throw encrypted()
  const bytes = Buffer.from(block.body, 'base64')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(block.body)) {
    throw new TrustError(
      'key-unreadable',
      `What stands between BEGIN and END ${block.label} is not base64.`,
      {
        hint: 'Paste the file again as it is; nothing may be added, replaced or left out.',
      },
    )
  }
  return block.label === 'OPENSSH PRIVATE KEY' ? parseOpenSsh(bytes) : parsePem(block)
}

function parsePem({ label, body }: Block): PrivateKey {
  const lines = body.match(/.{1,64}/g) ?? []
  let key: KeyObject
  try {
    key = createPrivateKey(
      `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`,
    )
  } catch (cause) {
    throw new TrustError(
      'key-unreadable',
      `The contents of the ${label} are damaged, or of a kind that is not known.`,
      {
        hint: 'Try it with: ssh-keygen -y -f FILE. If that fails too, the file itself is broken.',
        cause,
      },
    )
  }
  return privateKeyFrom(key)
}

/** PROTOCOL.key, sections 1 to 3, unencrypted. */
function parseOpenSsh(bytes: Buffer): PrivateKey {
  try {
    const reader = new Reader(bytes)
    if (!reader.bytes(MAGIC.length).equals(MAGIC)) {
      throw new TrustError('key-unreadable', 'The OpenSSH key does not begin with openssh-key-v1.')
    }
    const cipher = reader.text(64)
    const kdf = reader.text(64)
    reader.string() // kdf options
    const count = reader.uint32()
    if (count !== 1) {
      throw new TrustError(
        'key-unreadable',
        `The OpenSSH key file says that it holds ${count} keys; one is expected.`,
      )
    }
    reader.string() // the public key, unauthenticated; the private section has it again
    if (cipher !== 'none' || kdf !== 'none') throw encrypted()
    const section = new Reader(reader.string())
    reader.end('the private section of the OpenSSH key')
    if (section.uint32() !== section.uint32()) {
      throw new TrustError(
        'key-unreadable',
        'The check numbers of the OpenSSH key do not match: it is damaged.',
      )
    }
    const key = readPrivateKey(section)
    for (let i = 1; section.remaining > 0; i += 1) {
      if (section.byte() !== (i & 0xff)) {
        throw new TrustError('key-unreadable', 'The OpenSSH key has wrong padding: it is damaged.')
      }
    }
    return key
  } catch (error) {
    if (!(error instanceof TrustError) || error.code !== 'malformed') throw error
    throw new TrustError('key-unreadable', 'The OpenSSH key is cut short or damaged.', {
      hint: 'Paste the whole file again, from BEGIN to END.',
      cause: error,
    })
  }
}

function encrypted(): TrustError {
  return new TrustError('key-encrypted', 'The private key is encrypted with a passphrase.', {
    hint: 'Encrypted keys are not read yet. Take the passphrase off a copy (ssh-keygen -p -N "" -f COPY); the secret store encrypts it.',
  })
}
