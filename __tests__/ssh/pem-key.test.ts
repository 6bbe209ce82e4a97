/** Private keys in PEM: what openssl and node write, what is wrong with a file, and work without end. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodePemKey, isEncryptedPem, type PemBlock } from '../../src/ssh/pem-key'
import type { PrivateKey } from '../../src/ssh/private-key'
import { CURVES, isEcdsa } from '../../src/ssh/public-key'
import { describeWith, program } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { errorOf, newEc, newRsa, sample, samples, throwsOnlyTrustErrors } from './samples'

const PASSPHRASE = 'corréct horse'

type PemType = 'pkcs8' | 'pkcs1' | 'sec1'

/** The one block of a PEM text. */
function blockOf(text: string): PemBlock {
  const [, label = '', content = ''] = /-----BEGIN (.*)-----\n([^]*)-----END /.exec(text) ?? []
  const lines = content.trim().split('\n')
  const headers = lines.filter((line) => line.includes(': '))
  return { label, headers, body: lines.filter((line) => !line.includes(': ')).join('') }
}

const pem = (key: KeyObject, type: PemType): PemBlock =>
  blockOf(key.export({ format: 'pem', type }).toString())
const locked = (key: KeyObject, type: PemType, cipher = 'aes-256-cbc'): PemBlock =>
  blockOf(key.export({ format: 'pem', type: type, cipher, passphrase: PASSPHRASE }).toString())
const blockWith = (label: string, body: Buffer, headers: string[] = []): PemBlock => ({
  ...{ label, headers },
  body: body.toString('base64'),
})

const typesOf = (type: string): PemType[] =>
  type === 'ssh-ed25519' ? ['pkcs8'] : ['pkcs8', type === 'ssh-rsa' ? 'pkcs1' : 'sec1']
const rows = samples().flatMap((each) => typesOf(each.type).map((format) => ({ ...each, format })))

describe('what node:crypto writes', () => {
  test.each(rows)('$type in $format is read', ({ type, format, privateKey, blob }) => {
    const block = pem(privateKey, format)
    expect(isEncryptedPem(block)).toBe(false)
    for (const passphrase of [undefined, '', 'not needed']) {
      const key = decodePemKey(block, passphrase)
      expect(key).toMatchObject({ type, comment: '' })
      expect(key.publicKey).toEqual(blob)
      expect(key.key.equals(privateKey)).toBe(true)
    }
  })

  test.each(rows)('$type in $format is read with its passphrase', ({ format, privateKey }) => {
    for (const cipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc']) {
      const block = locked(privateKey, format, cipher)
      expect(isEncryptedPem(block)).toBe(true)
      expect(decodePemKey(block, PASSPHRASE).key.equals(privateKey)).toBe(true)
      for (const none of [undefined, '']) {
        expect(errorOf(() => decodePemKey(block, none))).toMatchObject({
          code: 'key-encrypted',
          message: 'The PEM key is encrypted with a passphrase.',
          hint: 'Give its passphrase too.',
        })
      }
    }
  })

  test.each<PemType>(['pkcs8', 'pkcs1'])(
    'in %s is never read with a wrong passphrase, nor called broken',
    (type) => {
      // One wrong passphrase in 256 decrypts to something that is padded well.
      const block = locked(sample('ssh-rsa').privateKey, type, 'aes-128-cbc')
      for (let i = 0; i < 1500; i += 1) {
        expect(errorOf(() => decodePemKey(block, `wrong ${i}`))).toMatchObject({
          code: 'key-passphrase-wrong',
          message: 'The passphrase of the PEM key is wrong.',
        })
      }
    },
  )
})

describeWith(['openssl'], 'what openssl writes', () => {
  const directory = makeDirectory()
  const inDirectory = (name: string): string => join(directory, name)
  const openssl = (...args: string[]): Promise<string> => mustRun(program('openssl'), args)
  const TYPES = samples().map((each) => each.type)

  beforeAll(() => {
    for (const { type, privateKey } of samples()) {
      writeFileSync(inDirectory(type), privateKey.export({ format: 'pem', type: 'pkcs8' }))
      const publicKey = createPublicKey(privateKey)
      writeFileSync(inDirectory(`${type}.spki`), publicKey.export({ format: 'pem', type: 'spki' }))
    }
  })

  /** Has openssl verify a signature by `key` with the public key of `type`. */
  async function expectKey(key: PrivateKey, type: (typeof TYPES)[number]): Promise<void> {
    const data = Buffer.from(`signed as ${type}`)
    // RFC 8032's signs the message itself.
    const hash = type === 'ssh-ed25519' ? null : isEcdsa(type) ? CURVES[type].hash : 'sha512'
    writeFileSync(inDirectory('data'), data)
    writeFileSync(inDirectory('signature'), sign(hash, data, key.key))
    const how = hash === null ? ['-rawin'] : ['-rawin', '-digest', hash]
    const files = ['-in', inDirectory('data'), '-sigfile', inDirectory('signature')]
    const pub = ['-pubin', '-inkey', inDirectory(`${type}.spki`)]
    const told = await openssl('pkeyutl', '-verify', ...pub, ...how, ...files)
    expect(told).toContain('Signature Verified Successfully')
  }

  async function pkcs8(type: string, args: readonly string[]): Promise<PemBlock> {
    const out = ['-out', inDirectory('out'), '-passout', `pass:${PASSPHRASE}`]
    await openssl('pkcs8', '-topk8', '-in', inDirectory(type), ...out, ...args)
    return blockOf(readFileSync(inDirectory('out'), 'utf8'))
  }

  const PKCS8: [string, string[]][] = [
    ...['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc'].map(
      (cipher): [string, string[]] => [cipher, ['-v2', cipher]],
    ),
    ...['hmacWithSHA1', 'hmacWithSHA256', 'hmacWithSHA384', 'hmacWithSHA512'].map(
      (prf): [string, string[]] => [`PBKDF2 with ${prf}`, ['-v2prf', prf, '-iter', '5000']],
    ),
    ['PBKDF2 with 600000 iterations', ['-iter', '600000']],
    ['scrypt', ['-scrypt']],
    ['scrypt with N=2048, r=16, p=2', ['-scrypt_N', '2048', '-scrypt_r', '16', '-scrypt_p', '2']],
    ['PKCS#12’s PBE-SHA1-3DES', ['-v1', 'PBE-SHA1-3DES']],
  ]

  test.each(TYPES)('%s in PKCS#8 is read, and signs', async (type) => {
    for (const [, args] of [['', ['-nocrypt']] as const, ...PKCS8]) {
      await expectKey(decodePemKey(await pkcs8(type, args), PASSPHRASE), type)
    }
  })

  test.each(PKCS8)('PKCS#8 with %s is refused to a wrong passphrase', async (_, args) => {
    const block = await pkcs8('ssh-ed25519', args)
    expect(errorOf(() => decodePemKey(block, 'wrong'))).toMatchObject({
      code: 'key-passphrase-wrong',
    })
  })

  test.each(TYPES.slice(1))('%s in its traditional format is read, and signs', async (type) => {
    const command = isEcdsa(type) ? ['ec'] : ['rsa', '-traditional']
    for (const cipher of ['', '-aes-128-cbc', '-aes-192-cbc', '-aes-256-cbc', '-des-ede3-cbc']) {
      const how = cipher === '' ? [] : [cipher, '-passout', `pass:${PASSPHRASE}`]
      await openssl(...command, '-in', inDirectory(type), '-out', inDirectory('out'), ...how)
      const block = blockOf(readFileSync(inDirectory('out'), 'utf8'))
      expect(block.headers).toHaveLength(cipher === '' ? 0 : 2)
      await expectKey(decodePemKey(block, PASSPHRASE), type)
    }
  })
})

const OIDS = {
  pbes2: '2a864886f70d01050d',
  pbkdf2: '2a864886f70d01050c',
  scrypt: '2b06010401da47040b',
  aes256cbc: '60864801650304012a',
  pbeSha1Des3: '2a864886f70d010c0103',
  pbeMd5Des: '2a864886f70d010503',
}

/** An element in DER (X.690 §8.1): its type, and its contents. */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...contents: Buffer[]): Buffer => der(0x30, ...contents)
const octets = (bytes: Buffer): Buffer => der(0x04, bytes)
const oid = (name: keyof typeof OIDS): Buffer => der(0x06, Buffer.from(OIDS[name], 'hex'))
const integer = (number: number): Buffer => {
  const hex = number.toString(16)
  const whole = hex.length % 2 === 0 ? hex : `0${hex}`
  return der(0x02, Buffer.from(whole < '8' ? whole : `00${whole}`, 'hex'))
}
const SALT = octets(Buffer.alloc(8, 1))

/** RFC 5958's EncryptedPrivateKeyInfo, of nothing that could be decrypted. */
function encryptedInfo(algorithm: Buffer): PemBlock {
  const bytes = sequence(algorithm, octets(Buffer.alloc(64, 3)))
  return blockWith('ENCRYPTED PRIVATE KEY', bytes)
}
function pbes2(name: 'pbkdf2' | 'scrypt', parameters: Buffer): PemBlock {
  const cipher = sequence(oid('aes256cbc'), octets(Buffer.alloc(16)))
  return encryptedInfo(sequence(oid('pbes2'), sequence(sequence(oid(name), parameters), cipher)))
}
const pbkdf2 = (iterations: number): PemBlock =>
  pbes2('pbkdf2', sequence(SALT, integer(iterations)))
const scrypt = (n: number, r: number, p: number): PemBlock =>
  pbes2('scrypt', sequence(SALT, integer(n), integer(r), integer(p)))

const ENDLESS = 'Checking the passphrase of the PEM key would take too long.'
const MEMORY = 'The PEM key wants more memory for scrypt than the 32 MiB that OpenSSL gives it.'
const DAMAGED =
  'The contents of the ENCRYPTED PRIVATE KEY are damaged, or of a kind that is not known.'

describe('work without end is refused at once', () => {
  test('(and work that has an end is not)', () => {
    for (const block of [
      ...[pbkdf2(1), pbkdf2(1000), scrypt(1024, 8, 1), scrypt(16384, 8, 1)],
      encryptedInfo(sequence(oid('pbeSha1Des3'), sequence(SALT, integer(2048)))),
    ]) {
      expect(errorOf(() => decodePemKey(block, 'wrong')).code).toBe('key-passphrase-wrong')
    }
  })

  // BER that OpenSSL would read: lengths to the end, or in more octets than it takes.
  const indefinite = Buffer.from('30800408010101010101010102047fffffff0000', 'hex')
  const pieces = Buffer.from('30122480040801010101010101010000020400ffffff', 'hex')
  const long = Buffer.from('300f0485000000000801010101010101010204', 'hex')
  const forged = sequence(oid('pbkdf2'), sequence(SALT, integer(1)))

  test.each<[string, PemBlock, string]>([
    ['iterations of PBKDF2', pbkdf2(0x7fffffff), ENDLESS],
    ['one iteration too many', pbkdf2(10_000_001), ENDLESS],
    ['more iterations than a number can hold', pbkdf2(2 ** 52), ENDLESS],
    [
      'iterations below zero',
      pbes2('pbkdf2', sequence(SALT, der(0x02, Buffer.from('ffffffff', 'hex')))),
      ENDLESS,
    ],
    [
      'iterations of PKCS#12',
      encryptedInfo(sequence(oid('pbeSha1Des3'), sequence(SALT, integer(0x7fffffff)))),
      ENDLESS,
    ],
    [
      'iterations of PKCS#12 behind a salt that looks like few',
      encryptedInfo(sequence(oid('pbeSha1Des3'), sequence(octets(forged), integer(0x7fffffff)))),
      ENDLESS,
    ],
    ['scrypt’s N', scrypt(2 ** 30, 8, 1), ENDLESS],
    ['scrypt’s r', scrypt(16384, 2 ** 20, 1), ENDLESS],
    ['scrypt’s p', scrypt(16384, 8, 2 ** 20), ENDLESS],
    ['more memory than OpenSSL takes for N', scrypt(32768, 8, 1), MEMORY],
    ['more memory than OpenSSL takes for p', scrypt(2, 2 ** 10, 2 ** 8), MEMORY],
    ['a length without end', pbes2('pbkdf2', indefinite), DAMAGED],
    ['a salt in pieces', pbes2('pbkdf2', pieces), DAMAGED],
    ['a length in five octets', pbes2('pbkdf2', long), DAMAGED],
    ['no numbers', pbes2('scrypt', sequence(SALT)), DAMAGED],
    ['no parameters', pbes2('pbkdf2', Buffer.alloc(0)), DAMAGED],
  ])('%s', (_, block, message) => {
    expect(errorOf(() => decodePemKey(block, PASSPHRASE))).toMatchObject({
      code: 'key-unreadable',
      message,
    })
  })

  test('a real file whose iterations were changed', () => {
    const block = locked(sample().privateKey, 'pkcs8')
    const bytes = Buffer.from(block.body, 'base64')
    const at = bytes.indexOf(Buffer.from('02020800', 'hex')) // INTEGER 2048
    expect(at).toBeGreaterThan(0)
    bytes.write('0204', at, 'hex')
    const more = Buffer.concat([bytes.subarray(0, at), integer(0x7fffffff), bytes.subarray(at + 4)])
    expect(errorOf(() => decodePemKey(blockWith(block.label, more), PASSPHRASE))).toMatchObject({
      code: 'key-unreadable',
      message: ENDLESS,
    })
  })
})

describe('a defect is named', () => {
  const LOST = 'The PEM key is encrypted with a cipher that OpenSSL 3 does not have any more.'
  const WRONG = 'The passphrase of the PEM key is wrong.'
  const rsa = sample('ssh-rsa').privateKey
  const proc = (cipher: string): string[] => [
    'Proc-Type: 4,ENCRYPTED',
    `DEK-Info: ${cipher},0011223344556677`,
  ]
  const rsaDer = rsa.export({ format: 'der', type: 'pkcs1' })
  const traditional = locked(rsa, 'pkcs1')
  const unsupported = (type: string): string => `Keys of type "${type}" are not supported.`
  const damagedIn = (label: string): string =>
    `The contents of the ${label} are damaged, or of a kind that is not known.`
  const make = (type: 'ed448' | 'x25519' | 'x448'): KeyObject =>
    generateKeyPairSync(type as 'ed448').privateKey

  test.each<[string, PemBlock, string, string]>([
    [
      'DES in a header',
      blockWith('RSA PRIVATE KEY', rsaDer, proc('DES-CBC')),
      'key-unreadable',
      LOST,
    ],
    [
      'DES in PKCS#8',
      encryptedInfo(sequence(oid('pbeMd5Des'), sequence(SALT, integer(2048)))),
      'key-unreadable',
      LOST,
    ],
    [
      'a file cut short',
      { ...traditional, body: traditional.body.slice(0, 400) },
      'key-passphrase-wrong',
      WRONG,
    ],
    [
      'an unknown label',
      blockWith('FUNNY PRIVATE KEY', rsaDer),
      'key-unreadable',
      damagedIn('FUNNY PRIVATE KEY'),
    ],
    [
      'the label of another',
      blockWith('EC PRIVATE KEY', rsaDer),
      'key-unreadable',
      damagedIn('EC PRIVATE KEY'),
    ],
    [
      'nothing',
      blockWith('PRIVATE KEY', Buffer.alloc(0)),
      'key-unreadable',
      damagedIn('PRIVATE KEY'),
    ],
    [
      'PKCS#1 cut short',
      blockWith('RSA PRIVATE KEY', rsaDer.subarray(0, -9)),
      'key-unreadable',
      damagedIn('RSA PRIVATE KEY'),
    ],
    [
      'RSA with 1024 bits',
      pem(newRsa(1024), 'pkcs1'),
      'key-too-small',
      'An RSA key of 1024 bits is too small: 2048 are the least.',
    ],
    ...(['ed448', 'x25519', 'x448'] as const).map((type): [string, PemBlock, string, string] => [
      type,
      pem(make(type), 'pkcs8'),
      'key-type-unsupported',
      unsupported(type),
    ]),
    ...['secp256k1', 'secp224r1', 'brainpoolP384r1'].flatMap((curve) =>
      (['pkcs8', 'sec1'] as const).map((type): [string, PemBlock, string, string] => [
        `${curve} in ${type}`,
        pem(newEc(curve), type),
        'key-type-unsupported',
        unsupported(curve),
      ]),
    ),
    [
      'an encrypted key on another curve',
      locked(newEc('secp224r1'), 'pkcs8'),
      'key-type-unsupported',
      unsupported('secp224r1'),
    ],
    [
      'DSA',
      pem(
        generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey,
        'pkcs8',
      ),
      'key-type-unsupported',
      'DSA keys are not accepted.',
    ],
  ])('%s', (_, block, code, message) => {
    expect(errorOf(() => decodePemKey(block, PASSPHRASE))).toMatchObject({ code, message })
  })
})

describe('nothing but a key or a TrustError comes of damaged bytes in', () => {
  const [ed25519, ecdsa, rsa] = [sample(), sample('ecdsa-sha2-nistp256'), sample('ssh-rsa')]
  const bytesOf = ({ body }: PemBlock): Buffer => Buffer.from(body, 'base64')
  const headers = locked(ecdsa.privateKey, 'sec1').headers as string[]

  test.each<[string, Buffer[], string, string[]]>([
    [
      'PKCS#8',
      [ed25519, ecdsa, rsa].map((each) => bytesOf(pem(each.privateKey, 'pkcs8'))),
      'PRIVATE KEY',
      [],
    ],
    ['PKCS#1', [bytesOf(pem(rsa.privateKey, 'pkcs1'))], 'RSA PRIVATE KEY', []],
    ['SEC1', [bytesOf(pem(ecdsa.privateKey, 'sec1'))], 'EC PRIVATE KEY', []],
    [
      'encrypted PKCS#8',
      [ed25519, ecdsa].map((each) => bytesOf(locked(each.privateKey, 'pkcs8'))),
      'ENCRYPTED PRIVATE KEY',
      [],
    ],
    ['encrypted SEC1', [bytesOf(locked(ecdsa.privateKey, 'sec1'))], 'EC PRIVATE KEY', headers],
  ])('%s', (_, wholes, label, lines) => {
    const parse = (bytes: Buffer): unknown =>
      decodePemKey(blockWith(label, bytes, lines), PASSPHRASE)
    throwsOnlyTrustErrors(wholes, parse)
  })
})
