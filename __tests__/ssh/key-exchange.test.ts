/**
 * The proof of a host key. The server's side is computed here, by other means than the client's:
 * KeyObjects where the client has ECDH objects, plain powers of big integers for Diffie-Hellman.
 */
import { describe, expect, test } from '@jest/globals'
import * as crypto from 'node:crypto'
import { certificateType } from '../../src/ssh/certificate'
import {
  hostKeyAlgorithms,
  kexInit,
  parseKexInit,
  startExchange,
  type Exchange,
} from '../../src/ssh/key-exchange'
import { isEcdsa, KEY_TYPES } from '../../src/ssh/public-key'
import { makeSignature } from '../../src/ssh/signature'
import { TransportReader } from '../../src/ssh/transport'
import { boolean, byte, mpint, nameList, Reader, string, uint32 } from '../../src/ssh/wire'
import {
  errorOf,
  flipped,
  makeCertificate,
  sample,
  sha1Signature,
  throwsOnlyTrustErrors,
  truncations,
  type Sample,
} from './samples'

/** The server's half: its public value and the shared secret, as they stand in the hash. */
interface Half {
  value: Buffer
  secret: Buffer
}
interface Method {
  hash: string
  answer: (clientValue: Buffer) => Half
}

const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex')

function x25519(clientPoint: Buffer): { point: Buffer; shared: Buffer } {
  const pair = crypto.generateKeyPairSync('x25519')
  const publicKey = crypto.createPublicKey({
    key: Buffer.concat([X25519_SPKI, clientPoint]),
    ...{ format: 'der', type: 'spki' },
  })
  const point = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  return { point, shared: crypto.diffieHellman({ privateKey: pair.privateKey, publicKey }) }
}

const curve25519: Method = {
  hash: 'sha256',
  answer: (clientValue) => {
    const { point, shared } = x25519(new Reader(clientValue).string())
    return { value: string(point), secret: mpint(shared) }
  },
}

function ecdh(crv: string, hash: string): Method {
  const answer = (clientValue: Buffer): Half => {
    const pair = crypto.generateKeyPairSync('ec', { namedCurve: crv })
    const half = (new Reader(clientValue).string().length - 1) / 2
    const theirs = new Reader(clientValue).string()
    const jwk = {
      ...{ kty: 'EC', crv },
      x: theirs.subarray(1, 1 + half).toString('base64url'),
      y: theirs.subarray(1 + half).toString('base64url'),
    }
    const publicKey = crypto.createPublicKey({ key: jwk, format: 'jwk' })
    const ours = pair.publicKey.export({ format: 'jwk' })
    const coordinates = [ours.x, ours.y].map((text) => Buffer.from(text ?? '', 'base64url'))
    const shared = crypto.diffieHellman({ privateKey: pair.privateKey, publicKey })
    const point = Buffer.concat([Buffer.of(4), ...coordinates])
    return { value: string(point), secret: mpint(shared) }
  }
  return { hash, answer }
}

const integer = (bytes: Buffer): bigint => BigInt(`0x0${bytes.toString('hex')}`)
function magnitude(value: bigint): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = base % modulus
  for (let bits = exponent; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}
const primeOf = (group: string): bigint => integer(crypto.getDiffieHellman(group).getPrime())

function dh(group: string, hash: string): Method {
  const answer = (clientValue: Buffer): Half => {
    const prime = primeOf(group)
    const secret = integer(crypto.randomBytes(32)) + 2n
    const theirs = integer(new Reader(clientValue).mpint())
    return {
      value: mpint(magnitude(power(2n, secret, prime))),
      secret: mpint(magnitude(power(theirs, secret, prime))),
    }
  }
  return { hash, answer }
}

/** Node 24 has it; the types of Node 20 do not know it. */
const { encapsulate } = crypto as {
  encapsulate?: (key: crypto.KeyObject) => { sharedKey: Buffer; ciphertext: Buffer }
}
const MLKEM = 'mlkem768x25519-sha256'

function mlkem(): Method {
  const answer = (clientValue: Buffer): Half => {
    if (encapsulate === undefined) throw new Error('no ML-KEM here')
    const theirs = new Reader(clientValue).string()
    expect(theirs).toHaveLength(1184 + 32)
    // The SPKI of ML-KEM-768 (RFC 9935): a header, then the raw key.
    const header = crypto
      .generateKeyPairSync('ml-kem-768' as 'x25519')
      .publicKey.export({ format: 'der', type: 'spki' })
      .subarray(0, -1184)
    const publicKey = crypto.createPublicKey({
      key: Buffer.concat([header, theirs.subarray(0, 1184)]),
      ...{ format: 'der', type: 'spki' },
    })
    const { sharedKey, ciphertext } = encapsulate(publicKey)
    const { point, shared } = x25519(theirs.subarray(1184))
    const secret = crypto.createHash('sha256').update(sharedKey).update(shared).digest()
    return { value: string(Buffer.concat([ciphertext, point])), secret: string(secret) }
  }
  return { hash: 'sha256', answer }
}

const METHODS: [string, Method][] = [
  ['curve25519-sha256', curve25519],
  ['curve25519-sha256@libssh.org', curve25519],
  ['ecdh-sha2-nistp256', ecdh('P-256', 'sha256')],
  ['ecdh-sha2-nistp384', ecdh('P-384', 'sha384')],
  ['ecdh-sha2-nistp521', ecdh('P-521', 'sha512')],
  ['diffie-hellman-group14-sha256', dh('modp14', 'sha256')],
  ['diffie-hellman-group16-sha512', dh('modp16', 'sha512')],
  ['diffie-hellman-group18-sha512', dh('modp18', 'sha512')],
  ...(typeof encapsulate === 'function' ? [[MLKEM, mlkem()] satisfies [string, Method]] : []),
]
const [FIRST_METHOD = ''] = METHODS.map(([name]) => name)

function serverKexInit(
  methods: readonly string[],
  hostKeys: readonly string[],
  firstPacketFollows = false,
): Buffer {
  const others = ['c', 'c', 'm', 'm', 'none', 'none', '', ''].map((name) => nameList([name]))
  return Buffer.concat([
    ...[byte(20), crypto.randomBytes(16), nameList(methods), nameList(hostKeys), ...others],
    ...[boolean(firstPacketFollows), uint32(0)],
  ])
}

type Spoil = (reply: Buffer, half: Half) => Buffer

/** What a server does; honest with an ed25519 key by curve25519 where nothing else is said. */
interface Script {
  method?: string
  algorithm?: string
  /** What it shows; its own key if left out. */
  hostKey?: Buffer
  key?: Sample
  /** Makes the signature over the hash. */
  sign?: (hash: Buffer) => Buffer
  /** What the server, not the client, takes to have been said. */
  heard?: { client?: string; server?: string; ourInit?: Buffer; serverInit?: Buffer }
  /** Only a half that this takes is used. */
  accept?: (half: Half) => boolean
  versions?: { client: string; server: string }
  /** The last change to the reply. */
  spoil?: Spoil
}

const honest = (algorithm: string, key: Sample) => (hash: Buffer) =>
  makeSignature(key.type, key.privateKey, hash, algorithm.includes('256') ? 'sha256' : 'sha512')

/** The client's exchange, and the reply of a server that keeps to `script`. */
function play(script: Script = {}): { exchange: Exchange; reply: Buffer; hostKey: Buffer } {
  const { method = FIRST_METHOD, algorithm = 'ssh-ed25519', key = sample() } = script
  const { hostKey = key.blob, heard = {}, sign = honest(algorithm, key) } = script
  const versions = script.versions ?? { client: 'SSH-2.0-me', server: 'SSH-2.0-it' }
  const ourInit = kexInit([algorithm])
  const serverInit = serverKexInit([method], [algorithm])
  const exchange = startExchange(versions, ourInit, serverInit, [algorithm])
  const side = METHODS.find(([name]) => name === method)?.[1]
  if (side === undefined) throw new Error(`no server side of ${method}`)

  expect(exchange.init[0]).toBe(30)
  const clientValue = exchange.init.subarray(1)
  let half = side.answer(clientValue)
  while (script.accept?.(half) === false) half = side.answer(clientValue)
  const all = { ...versions, ourInit, serverInit, ...heard }
  const hashed = [all.client, all.server, all.ourInit, all.serverInit, hostKey].map(string)
  const hash = crypto
    .createHash(side.hash)
    .update(Buffer.concat([...hashed, clientValue, half.value, half.secret]))
    .digest()
  const reply = Buffer.concat([byte(31), string(hostKey), half.value, string(sign(hash))])
  return { exchange, reply: script.spoil?.(reply, half) ?? reply, hostKey }
}

function outcome(script: Script): string {
  const { exchange, reply } = play(script)
  return errorOf(() => exchange.finish(reply)).code
}

describe('an honest server proves its key', () => {
  test.each(METHODS)('by %s', (method) => {
    const { exchange, reply, hostKey } = play({ method })
    expect(exchange.finish(reply)).toEqual(hostKey)
    expect(exchange).toMatchObject({ ignoreNext: false, hostKeyAlgorithm: 'ssh-ed25519' })
  })

  const ALGORITHMS = KEY_TYPES.flatMap((type) =>
    [false, true].flatMap((certified) =>
      hostKeyAlgorithms(type, certified).map((algorithm) => ({ algorithm, type, certified })),
    ),
  )
  test.each(ALGORITHMS)('of $algorithm', ({ algorithm, type, certified }) => {
    const key = sample(type)
    const shown = certified ? makeCertificate({ subject: key }) : key.blob
    const sign = (hash: Buffer): Buffer => {
      const rsaHash = algorithm.startsWith('rsa-sha2-256') ? 'sha256' : 'sha512'
      return makeSignature(type, key.privateKey, hash, rsaHash)
    }
    const { exchange, reply } = play({ algorithm, key, hostKey: shown, sign })
    expect(exchange.hostKeyAlgorithm).toBe(algorithm)
    expect(exchange.finish(reply)).toEqual(shown)
  })

  const secret = ({ secret: encoded }: Half): Buffer => encoded.subarray(4)
  test.each<[string, string, (half: Half) => boolean]>([
    ['is short', 'curve25519-sha256', (half) => secret(half).length < 32],
    ['has its high bit set', 'curve25519-sha256', (half) => secret(half).length === 33],
    ['is short', 'ecdh-sha2-nistp256', (half) => secret(half).length < 32],
    ['has its high bit set', 'ecdh-sha2-nistp256', (half) => secret(half).length === 33],
  ])('when the shared secret %s in %s', (_, method, accept) => {
    const { exchange, reply, hostKey } = play({ method, accept })
    expect(exchange.finish(reply)).toEqual(hostKey)
  })

  test('whose version has a byte beyond ASCII', () => {
    const raw = Buffer.from('SSH-2.0-it caf\xe9', 'latin1')
    const reader = new TransportReader()
    reader.push(Buffer.concat([raw, Buffer.from('\r\n')]))
    const server = reader.version() ?? ''
    const ourInit = kexInit(['ssh-ed25519'])
    const serverInit = serverKexInit([FIRST_METHOD], ['ssh-ed25519'])
    const versions = { client: 'SSH-2.0-me', server }
    const exchange = startExchange(versions, ourInit, serverInit, ['ssh-ed25519'])
    const clientValue = exchange.init.subarray(1)
    const { value, secret: shared } = curve25519.answer(clientValue)
    const hashed = [Buffer.from(versions.client), raw, ourInit, serverInit, sample().blob]
    const hash = crypto
      .createHash('sha256')
      .update(Buffer.concat([...hashed.map(string), clientValue, value, shared]))
      .digest()
    const signature = honest('ssh-ed25519', sample())(hash)
    const reply = Buffer.concat([byte(31), string(sample().blob), value, string(signature)])
    expect(exchange.finish(reply)).toEqual(sample().blob)
  })
})

describe('a server proves nothing', () => {
  const rsa = sample('ssh-rsa')
  const other = sample('ssh-ed25519', 'second')
  const certificate = makeCertificate()
  const certified = certificateType('ssh-ed25519')

  test.each<[string, Script]>([
    ['that shows the key of another', { hostKey: other.blob }],
    ['that signs with another key', { sign: honest('ssh-ed25519', other) }],
    [
      'that signs another hash',
      { sign: (hash) => honest('ssh-ed25519', sample())(flipped(hash, 0)) },
    ],
    ['that signs nothing', { sign: () => honest('ssh-ed25519', sample())(Buffer.alloc(0)) }],
    ['that heard another client version', { heard: { client: 'SSH-2.0-You' } }],
    ['that said another version', { heard: { server: 'SSH-2.0-other' } }],
    ['that heard other proposals', { heard: { ourInit: kexInit(['ssh-ed25519']) } }],
    ['that proposed otherwise', { heard: { serverInit: serverKexInit(['x'], ['y']) } }],
    ['that shows a certificate for a plain algorithm', { hostKey: certificate }],
    ['that shows a plain key for a certificate algorithm', { algorithm: certified }],
    [
      'that shows a certificate of another key',
      { algorithm: certified, hostKey: makeCertificate({ subject: other }) },
    ],
    ['that shows a key of another type', { key: rsa }],
    [
      'that shows a certificate of another type',
      { algorithm: certified, key: rsa, hostKey: makeCertificate({ subject: rsa }) },
    ],
    [
      'that signs with SHA-1',
      { algorithm: 'rsa-sha2-512', key: rsa, sign: (hash) => sha1Signature(rsa, hash) },
    ],
    [
      'that signs with SHA-1 called SHA-512',
      {
        algorithm: 'rsa-sha2-512',
        key: rsa,
        sign: (hash) => sha1Signature(rsa, hash, 'rsa-sha2-512'),
      },
    ],
    [
      'that signs with another RSA algorithm than agreed',
      { algorithm: 'rsa-sha2-512', key: rsa, sign: honest('256', rsa) },
    ],
    [
      'that names the certificate algorithm in its signature',
      {
        algorithm: certified,
        hostKey: certificate,
        sign: (hash) => {
          const reader = new Reader(honest('ssh-ed25519', sample())(hash))
          reader.string()
          return Buffer.concat([string(certified), reader.rest()])
        },
      },
    ],
    [
      'whose signature is of another length',
      { sign: () => Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(63))]) },
    ],
  ])('%s', (_, script) => {
    const { exchange, reply } = play(script)
    const error = errorOf(() => exchange.finish(reply))
    expect(error.code).toBe('host-key-unproven')
    expect(error.message).toMatch(
      /^The server showed a host key \((ED25519|RSA)(-CERT)?\) but did not prove that it holds it\.$/,
    )
    expect(error.hint).toContain('Do not go on')
  })

  test.each(METHODS)('whose reply by %s is for another connection', (method) => {
    const { reply } = play({ method })
    const code = errorOf(() => play({ method }).exchange.finish(reply)).code
    expect(['host-key-unproven', 'host-protocol']).toContain(code)
  })
})

describe('a half that is not valid is told', () => {
  /** The reply with another public value. */
  const withValue =
    (value: Buffer): Spoil =>
    (reply, half) => {
      const at = reply.indexOf(half.value)
      return Buffer.concat([reply.subarray(0, at), value, reply.subarray(at + half.value.length)])
    }
  const prime = primeOf('modp14')
  const P256 = 'ecdh-sha2-nistp256'
  const DH = 'diffie-hellman-group14-sha256'
  const off = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])

  test.each<[string, string, Buffer]>([
    // RFC 8731 §3: a shared secret of zeros must end the exchange.
    ['a point of order one', 'curve25519-sha256', string(Buffer.alloc(32))],
    [
      'a point of small order',
      'curve25519-sha256',
      string(Buffer.from([1, ...Array<number>(31).fill(0)])),
    ],
    ['31 bytes', 'curve25519-sha256', string(Buffer.alloc(31, 9))],
    ['no bytes', 'curve25519-sha256', string('')],
    ['a point off the curve', P256, string(off)],
    ['the point at infinity', P256, string(Buffer.of(0))],
    ['a point of another curve', P256, string(crypto.createECDH('secp384r1').generateKeys())],
    ['no bytes', P256, string('')],
    ['0', DH, mpint(Buffer.alloc(0))],
    ['1', DH, mpint(Buffer.of(1))],
    ['p - 1', DH, mpint(magnitude(prime - 1n))],
    ['p', DH, mpint(magnitude(prime))],
  ])('%s by %s', (_, method, value) => {
    expect(outcome({ method, spoil: withValue(value) })).toBe('host-protocol')
  })

  test('p + 2 by Diffie-Hellman, by newer OpenSSL; older reduces it, to no avail', () => {
    const code = outcome({ method: DH, spoil: withValue(mpint(magnitude(prime + 2n))) })
    expect(['host-protocol', 'host-key-unproven']).toContain(code)
  })

  test.each<[string, string, Buffer]>([
    ['33 bytes', 'curve25519-sha256', string(Buffer.alloc(33, 9))],
    ['a negative number', DH, string(Buffer.alloc(256, 0xff))],
  ])('%s by %s, as malformed', (_, method, value) => {
    expect(outcome({ method, spoil: withValue(value) })).toBe('malformed')
  })

  // Node has ML-KEM since 24.7; without it the method is not asked for, which the negotiation tests.
  if (typeof encapsulate === 'function') {
    test.each([0, 32, 1088, 1119])('%d bytes by ML-KEM', (length) => {
      const spoil = withValue(string(Buffer.alloc(length, 9)))
      expect(outcome({ method: MLKEM, spoil })).toBe('host-protocol')
    })
    test('a ciphertext that was changed by ML-KEM', () => {
      const spoil: Spoil = (reply, half) => flipped(reply, reply.indexOf(half.value) + 100)
      expect(outcome({ method: MLKEM, spoil })).toBe('host-key-unproven')
    })
  }
})

describe('a damaged reply', () => {
  test.each(['curve25519-sha256', 'ecdh-sha2-nistp256'])('by %s proves nothing', (method) => {
    const { exchange, reply } = play({ method })
    for (const short of truncations(reply)) {
      expect(errorOf(() => exchange.finish(short)).code).toBe('malformed')
    }
    const long = Buffer.concat([reply, byte(0)])
    expect(errorOf(() => exchange.finish(long)).code).toBe('malformed')
    for (let at = 1; at < reply.length; at += 1) {
      const { code } = errorOf(() => exchange.finish(flipped(reply, at)))
      expect(['host-key-unproven', 'host-protocol', 'malformed', 'key-type-unsupported']).toContain(
        code,
      )
    }
  })

  test('throws nothing but a TrustError', () => {
    for (const method of ['curve25519-sha256', 'ecdh-sha2-nistp384']) {
      const { exchange, reply } = play({ method })
      throwsOnlyTrustErrors([reply], exchange.finish, 150)
    }
    const algorithm = certificateType('ssh-ed25519')
    const { exchange, reply } = play({ algorithm, hostKey: makeCertificate() })
    throwsOnlyTrustErrors([reply], exchange.finish, 150)
  })
})

describe('negotiation', () => {
  const start = (methods: string[], theirs: string[], ours: string[], follows = false): Exchange =>
    startExchange(
      { client: 'SSH-2.0-me', server: 'SSH-2.0-it' },
      kexInit(ours),
      serverKexInit(methods, theirs, follows),
      ours,
    )
  const [C, P, G] = ['curve25519-sha256', 'ecdh-sha2-nistp256', 'diffie-hellman-group14-sha256']
  const [ED, EC] = ['ssh-ed25519', 'ecdsa-sha2-nistp256']

  test('asks for the host keys that it is told to, and for every method', () => {
    const asked = parseKexInit(kexInit(['a', 'b']))
    expect(asked).toEqual({
      methods: METHODS.map(([name]) => name),
      hostKeys: ['a', 'b'],
      firstPacketFollows: false,
    })
    expect(kexInit(['a']).subarray(1, 17)).not.toEqual(kexInit(['a']).subarray(1, 17))
  })

  test('reads what a server proposes', () => {
    expect(parseKexInit(serverKexInit(['a', 'b'], ['c'], true))).toEqual({
      methods: ['a', 'b'],
      hostKeys: ['c'],
      firstPacketFollows: true,
    })
  })

  test("takes the client's first choice of methods and host keys", () => {
    // A curve25519 value has 32 bytes, one of P-256 has 65.
    const value = (exchange: Exchange): number => exchange.init.readUInt32BE(1)
    expect(value(start([G, P, C], [ED], [ED]))).toBe(32)
    expect(value(start([G, P], [ED], [ED]))).toBe(65)
    expect(start([C], [ED, EC], [EC, ED]).hostKeyAlgorithm).toBe(EC)
    expect(start([C], [ED], [EC, ED]).hostKeyAlgorithm).toBe(ED)
  })

  test('no method in common: both sides are told', () => {
    const error = errorOf(() => start(['diffie-hellman-group1-sha1', 'x'], [ED], [ED]))
    expect(error.code).toBe('host-no-common-algorithm')
    expect(error.message).toBe(
      'There is no key exchange method in common: the server offers diffie-hellman-group1-sha1, x.',
    )
    expect(error.hint).toContain(METHODS.map(([name]) => name).join(', '))
  })

  test('no method at all', () => {
    expect(errorOf(() => start([], [ED], [ED])).code).toBe('host-no-common-algorithm')
  })

  test('no host key in common: both sides are told', () => {
    const error = errorOf(() => start([C], ['ssh-rsa', 'ssh-dss'], [ED, EC]))
    expect(error).toMatchObject({
      code: 'host-key-type-absent',
      message: 'The server has no host key of the kind asked for: it offers ssh-rsa, ssh-dss.',
      hint: `Asked for were ${ED}, ${EC}.`,
    })
  })

  test.each([
    ['no guess', [C], [ED], false, false],
    ['no guess, other choices', [G, C], [EC, ED], false, false],
    ['a right guess', [C, G], [ED, EC], true, false],
    ['a wrong guess of the method', [G, C], [ED], true, true],
    ['a wrong guess of the host key', [C], [EC, ED], true, true],
    ['a wrong guess of both', [G, C], [EC, ED], true, true],
  ])('%s', (_, methods, theirs, follows, ignored) => {
    expect(start(methods, theirs, [ED], follows).ignoreNext).toBe(ignored)
  })

  test("a guess is wrong where it is not the client's first choice", () => {
    expect(start([P], [ED], [ED], true).ignoreNext).toBe(true)
  })

  test('a proposal that is cut short or damaged throws nothing but a TrustError', () => {
    const whole = serverKexInit([C], [ED])
    // The last four bytes are reserved, and not looked at.
    for (const short of truncations(whole.subarray(0, -4))) {
      expect(errorOf(() => parseKexInit(short)).code).toBe('malformed')
    }
    const versions = { client: '', server: '' }
    throwsOnlyTrustErrors([whole], (bytes) => startExchange(versions, whole, bytes, [ED]), 200)
  })
})

test.each(KEY_TYPES)('the host key algorithms of %s', (type) => {
  const plain = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]
  expect(hostKeyAlgorithms(type)).toEqual(plain)
  expect(hostKeyAlgorithms(type, true)).toEqual(plain.map((name) => `${name}-cert-v01@openssh.com`))
  expect(isEcdsa(type) || type === 'ssh-ed25519' || plain.length === 2).toBe(true)
})
