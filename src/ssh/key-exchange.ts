/**
 * As much of the SSH key exchange as proves a host key: negotiation (RFC 4253 §7), the exchange and
 * its hash (RFC 4253 §8, RFC 5656 §4, RFC 8268, RFC 8731), and the server's signature over that hash.
 * Until that signature is verified here a host key is nothing but a claim.
 *
 * Why our own: ssh2 can negotiate neither host certificates nor post-quantum methods and hands a key
 * to its verifier before the signature is checked; ssh-keyscan never checks it at all.
 */
import * as crypto from 'node:crypto'
import { TrustError } from '../errors'
import { plainKey } from './certificate'
import { CERTIFICATE_SUFFIX, displayType, typeOfBlob, type KeyType } from './public-key'
import { signatureAlgorithm, verifySignature } from './signature'
import { printable, printableList, SSH_MSG_KEXINIT } from './transport'
import { boolean, byte, mpint, nameList, Reader, string, uint32 } from './wire'

/** RFC 4253 §8, RFC 5656 §4: the same numbers for DH and ECDH. */
const SSH_MSG_KEXDH_INIT = 30
export const SSH_MSG_KEXDH_REPLY = 31

/** The host key algorithms for a key type; RFC 8332 gives RSA two. `certified` for certificates. */
export function hostKeyAlgorithms(type: KeyType, certified = false): string[] {
  const plain: string[] = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]
  return certified ? plain.map((name) => `${name}${CERTIFICATE_SUFFIX}`) : plain
}

/** The key type (wire format name) that a host key algorithm stands for. */
function algorithmKeyType(algorithm: string): string {
  return algorithm.replace(/^rsa-sha2-(256|512)/, 'ssh-rsa')
}

/** One side's half of a key exchange. */
interface Half {
  /** Our public value, encoded as it stands both in the INIT message and in the hash. */
  publicValue: Buffer
  /** The shared secret, encoded as it stands in the hash. */
  secret(serverValue: Buffer): Buffer
}

interface Method {
  hash: 'sha256' | 'sha384' | 'sha512'
  start(): Half
  /** Server's public value as it stands in the reply, re-encoded for the hash. */
  readServerValue(reader: Reader): Buffer
}

function x25519(): { publicKey: Buffer; derive: (server: Buffer) => Buffer } {
  const pair = crypto.generateKeyPairSync('x25519')
  const raw = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  return {
    publicKey: raw,
    derive: (server) => {
      const jwk = { kty: 'OKP', crv: 'X25519', x: server.toString('base64url') }
      const publicKey = crypto.createPublicKey({ key: jwk, format: 'jwk' })
      return crypto.diffieHellman({ privateKey: pair.privateKey, publicKey })
    },
  }
}

const curve25519: Method = {
  hash: 'sha256',
  start: () => {
    const { publicKey, derive } = x25519()
    return { publicValue: string(publicKey), secret: (server) => mpint(derive(server)) }
  },
  readServerValue: (reader) => reader.string(32),
}

function ecdh(curve: string, hash: Method['hash']): Method {
  return {
    hash,
    start: () => {
      const exchange = crypto.createECDH(curve)
      const publicValue = string(exchange.generateKeys())
      return { publicValue, secret: (server) => mpint(exchange.computeSecret(server)) }
    },
    readServerValue: (reader) => reader.string(1 + 2 * 66),
  }
}

function dh(group: string, hash: Method['hash']): Method {
  return {
    hash,
    start: () => {
      const exchange = crypto.getDiffieHellman(group)
      const publicValue = mpint(exchange.generateKeys())
      return { publicValue, secret: (server) => mpint(exchange.computeSecret(server)) }
    },
    readServerValue: (reader) => reader.mpint(1025),
  }
}

/** `crypto.decapsulate` came with Node 24.7; the types of Node 20 do not know it. */
const decapsulate = (crypto as { decapsulate?: (key: crypto.KeyObject, text: Buffer) => Buffer })
  .decapsulate

/** draft-ietf-sshm-mlkem-hybrid-kex: ML-KEM-768's public key and ciphertext, FIPS 203 §8, in bytes. */
const MLKEM_PUBLIC = 1184
const MLKEM_CIPHERTEXT = 1088

const mlkem768x25519: Method = {
  hash: 'sha256',
  start: () => {
    const pair = crypto.generateKeyPairSync('ml-kem-768' as 'x25519')
    const spki = pair.publicKey.export({ format: 'der', type: 'spki' })
    const classic = x25519()
    const publicValue = string(Buffer.concat([spki.subarray(-MLKEM_PUBLIC), classic.publicKey]))
    const secret = (server: Buffer): Buffer => {
      if (decapsulate === undefined || server.length !== MLKEM_CIPHERTEXT + 32) {
        throw new TrustError('malformed', 'The reply is not one of mlkem768x25519-sha256.')
      }
      const quantum = decapsulate(pair.privateKey, server.subarray(0, MLKEM_CIPHERTEXT))
      const both = Buffer.concat([quantum, classic.derive(server.subarray(MLKEM_CIPHERTEXT))])
      return string(crypto.createHash('sha256').update(both).digest())
    }
    return { publicValue, secret }
  },
  readServerValue: (reader) => reader.string(MLKEM_CIPHERTEXT + 32),
}

/**
 * In the order in which they are asked for. The proof needs no secrecy, only the signature, so the
 * cheap methods come first and the post-quantum one is for servers that offer nothing else.
 */
const METHODS: ReadonlyMap<string, Method> = new Map([
  ['curve25519-sha256', curve25519],
  ['curve25519-sha256@libssh.org', curve25519],
  ['ecdh-sha2-nistp256', ecdh('prime256v1', 'sha256')],
  ['ecdh-sha2-nistp384', ecdh('secp384r1', 'sha384')],
  ['ecdh-sha2-nistp521', ecdh('secp521r1', 'sha512')],
  ['diffie-hellman-group14-sha256', dh('modp14', 'sha256')],
  ['diffie-hellman-group16-sha512', dh('modp16', 'sha512')],
  ['diffie-hellman-group18-sha512', dh('modp18', 'sha512')],
  ...(decapsulate === undefined
    ? []
    : [['mlkem768x25519-sha256', mlkem768x25519] satisfies [string, Method]]),
])

/** What ssh2 and OpenSSH offer; never used, since the connection ends before encryption starts. */
const CIPHERS = [
  'chacha20-poly1305@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-gcm@openssh.com',
  'aes256-ctr',
  'aes128-ctr',
]
const MACS = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
]

/** Our SSH_MSG_KEXINIT (RFC 4253 §7.1). */
export function kexInit(hostKeys: readonly string[]): Buffer {
  return Buffer.concat([
    byte(SSH_MSG_KEXINIT),
    crypto.randomBytes(16),
    nameList([...METHODS.keys()]),
    nameList(hostKeys),
    ...[CIPHERS, CIPHERS, MACS, MACS, ['none'], ['none'], [], []].map(nameList),
    boolean(false),
    uint32(0),
  ])
}

export interface ServerKexInit {
  methods: string[]
  hostKeys: string[]
  /** RFC 4253 §7: a guessed packet follows, to be ignored where the guess was wrong. */
  firstPacketFollows: boolean
}

export function parseKexInit(payload: Buffer): ServerKexInit {
  const reader = new Reader(payload)
  reader.byte()
  reader.bytes(16)
  const methods = reader.nameList()
  const hostKeys = reader.nameList()
  for (let list = 0; list < 8; list += 1) reader.string()
  const firstPacketFollows = reader.boolean()
  return { methods, hostKeys, firstPacketFollows }
}

/** The state of an exchange between our KEXINIT and the server's reply. */
export interface Exchange {
  /** Payload to send: SSH_MSG_KEXDH_INIT. */
  init: Buffer
  /** Whether the next packet is a wrong guess, to be ignored. */
  ignoreNext: boolean
  hostKeyAlgorithm: string
  /**
   * The host key (wire format) that the server has proven with its reply.
   *
   * @throws TrustError `host-key-unproven`, `host-protocol`, `malformed`, `key-type-unsupported`
   */
  finish: (reply: Buffer) => Buffer
}

/**
 * Negotiates, and makes our half.
 *
 * @param hostKeys what our KEXINIT asked for
 * @throws TrustError `host-no-common-algorithm`, `host-key-type-absent`
 */
export function startExchange(
  versions: { client: string; server: string },
  ourInit: Buffer,
  serverInit: Buffer,
  hostKeys: readonly string[],
): Exchange {
  const server = parseKexInit(serverInit)
  const name = [...METHODS.keys()].find((method) => server.methods.includes(method))
  const method = name === undefined ? undefined : METHODS.get(name)
  if (method === undefined) {
    throw new TrustError(
      'host-no-common-algorithm',
      `There is no key exchange method in common: the server offers ${printableList(server.methods)}.`,
      {
        hint: `Enable one of these on the server (KexAlgorithms in sshd_config): ${[...METHODS.keys()].join(', ')}.`,
      },
    )
  }
  const hostKeyAlgorithm = hostKeys.find((algorithm) => server.hostKeys.includes(algorithm))
  if (hostKeyAlgorithm === undefined) {
    throw new TrustError(
      'host-key-type-absent',
      `The server has no host key of the kind asked for: it offers ${printableList(server.hostKeys)}.`,
      {
        hint: `Asked for were ${hostKeys.join(', ')}.`,
      },
    )
  }
  // RFC 4253 §7: right only if the first choices of both sides agree.
  const [firstMethod] = METHODS.keys()
  const guessRight = server.methods[0] === firstMethod && server.hostKeys[0] === hostKeys[0]
  const half = method.start()
  return {
    init: Buffer.concat([byte(SSH_MSG_KEXDH_INIT), half.publicValue]),
    ignoreNext: server.firstPacketFollows && !guessRight,
    hostKeyAlgorithm,
    finish: (reply) => {
      const { hostKey, publicValue, serverValue, signature } = readReply(reply, method)
      let secret: Buffer
      try {
        secret = half.secret(serverValue)
      } catch (cause) {
        throw new TrustError(
          'host-protocol',
          "The server's half of the key exchange is not valid.",
          { cause },
        )
      }
      const hash = crypto.createHash(method.hash)
      for (const text of [versions.client, versions.server]) {
        hash.update(string(Buffer.from(text, 'latin1'))) // the very bytes, whatever they mean
      }
      for (const payload of [ourInit, serverInit, hostKey]) hash.update(string(payload))
      hash.update(half.publicValue).update(publicValue).update(secret)
      requireProof(hostKeyAlgorithm, hostKey, signature, hash.digest())
      return hostKey
    },
  }
}

function readReply(
  reply: Buffer,
  method: Method,
): { hostKey: Buffer; publicValue: Buffer; serverValue: Buffer; signature: Buffer } {
  const reader = new Reader(reply)
  reader.byte()
  const hostKey = Buffer.from(reader.string())
  const start = reader.offset
  const serverValue = method.readServerValue(reader)
  const publicValue = reply.subarray(start, reader.offset)
  const signature = reader.string(8192)
  reader.end('the key exchange reply')
  return { hostKey, publicValue, serverValue, signature }
}

function requireProof(algorithm: string, hostKey: Buffer, signature: Buffer, hash: Buffer): void {
  const type = typeOfBlob(hostKey)
  const expected = algorithm.endsWith(CERTIFICATE_SUFFIX)
    ? algorithm.slice(0, -CERTIFICATE_SUFFIX.length)
    : algorithm
  if (
    type === algorithmKeyType(algorithm) &&
    signatureAlgorithm(signature) === expected &&
    verifySignature(plainKey(hostKey), signature, hash)
  ) {
    return
  }
  throw new TrustError(
    'host-key-unproven',
    `The server showed a host key (${printable(displayType(type))}) but did not prove that it holds it.`,
    {
      hint: 'Somebody may stand between this machine and the server. Do not go on.',
    },
  )
}
