/** Public keys in every format: against ssh-keygen, puttygen and openssl, and every defect. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { encodeOpenSshKey } from '../../src/ssh/openssh-key'
import { privateKeyFrom } from '../../src/ssh/private-key'
import { formatPublicKey, KEY_TYPES, parsePublicKey } from '../../src/ssh/public-key'
import {
  formatPkcs1,
  formatRfc4716,
  formatSpki,
  parsePublicKeyText,
} from '../../src/ssh/public-key-file'
import { encodePuttyKey } from '../../src/ssh/putty-key'
import { makeKey, type Key } from '../support/keys'
import { describeWith, program, testWith } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import {
  errorOf,
  KEYGEN,
  makeCertificate,
  newEc,
  sample,
  samples,
  sampleOf,
  newRsa,
  throwsOnlyTrustErrors,
} from './samples'

function fileWith(text: string): string {
  const file = join(makeDirectory(), 'key')
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

async function keygen(...args: readonly string[]): Promise<string> {
  return mustRun(program('ssh-keygen'), args)
}

describeWith(['ssh-keygen', 'puttygen', 'openssl'], 'between the tools', () => {
  describe.each(KEYGEN)('%s', (_, keygenType, options, type) => {
    let key: Key
    let blob: Buffer
    beforeAll(async () => {
      key = await makeKey(makeDirectory(), keygenType, { ...options, comment: 'me @ home' })
      blob = parsePublicKey(key.publicKey).blob
    })

    test('the line of ssh-keygen is read', () => {
      const read = parsePublicKeyText(`${key.publicKey}\n`)
      expect(read).toMatchObject({ format: 'openssh', type, comment: 'me @ home', options: [] })
      expect(read.blob).toEqual(blob)
    })

    test('RFC 4716 of ssh-keygen is read', async () => {
      const read = parsePublicKeyText(await keygen('-e', '-f', key.publicKeyFile))
      expect(read).toMatchObject({ format: 'rfc4716', type })
      expect(read.comment).toMatch(/^\d+-bit [A-Z0-9]+, converted by .* from OpenSSH$/)
      expect(read.blob).toEqual(blob)
    })

    test('RFC 4716 of puttygen is read', async () => {
      const args = [key.privateKeyFile, '-q', '-C', 'a "b": \\c', '-O', 'public', '-o']
      const out = join(makeDirectory(), 'out')
      await mustRun(program('puttygen'), [...args, out])
      const read = parsePublicKeyText(await mustRun('cat', [out]))
      expect(read).toMatchObject({ format: 'rfc4716', type, comment: 'a "b": \\c', blob })
    })

    test('RFC 4716 of ours is read by ssh-keygen and puttygen', async () => {
      const file = fileWith(formatRfc4716(blob, 'me "a": b'))
      expect((await keygen('-i', '-f', file)).trim()).toBe(formatPublicKey(blob))
      const line = await mustRun(program('puttygen'), [file, '-L'])
      expect(line.trim()).toBe(formatPublicKey(blob, 'me "a": b'))
    })

    test('PEM of ssh-keygen and openssl is read', async () => {
      const texts = [await mustRun(program('openssl'), ['pkey', '-pubin', '-in', fileWith(spki())])]
      if (type !== 'ssh-ed25519') {
        texts.push(await keygen('-e', '-m', 'PKCS8', '-f', key.publicKeyFile))
      }
      for (const text of texts) {
        expect(text).toContain('-----BEGIN PUBLIC KEY-----')
        expect(parsePublicKeyText(text)).toMatchObject({ format: 'spki', type, comment: '', blob })
      }
      if (type !== 'ssh-rsa') return
      const rsa = ['rsa', '-pubin', '-RSAPublicKey_out', '-in', fileWith(spki())]
      for (const text of [
        await keygen('-e', '-m', 'PEM', '-f', key.publicKeyFile),
        await mustRun(program('openssl'), rsa),
      ]) {
        expect(text).toContain('-----BEGIN RSA PUBLIC KEY-----')
        expect(parsePublicKeyText(text)).toMatchObject({ format: 'pkcs1', type, blob })
      }
    })

    test('PEM of ours is as openssl writes it, and read by ssh-keygen', async () => {
      const file = fileWith(spki())
      expect(await mustRun(program('openssl'), ['pkey', '-pubin', '-in', file])).toBe(spki())
      if (type === 'ssh-ed25519') return // OpenSSH 9 reads none of it in PEM
      expect((await keygen('-i', '-m', 'PKCS8', '-f', file)).trim()).toBe(formatPublicKey(blob))
      if (type !== 'ssh-rsa') return
      const pkcs1 = fileWith(formatPkcs1(blob))
      expect((await keygen('-i', '-m', 'PEM', '-f', pkcs1)).trim()).toBe(formatPublicKey(blob))
    })

    const spki = (): string => formatSpki(blob)
  })

  test('a long comment is cut to its line, and the file still read by both', async () => {
    const { blob } = sample()
    for (const comment of ['word '.repeat(40), '鍵'.repeat(60), 'a\r\nb', '"']) {
      const text = formatRfc4716(blob, comment)
      for (const line of text.split('\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(72)
      const read = parsePublicKeyText(text)
      expect(comment.replace('\r\n', ' ').startsWith(read.comment)).toBe(true)
      const file = fileWith(text)
      expect((await keygen('-i', '-f', file)).trim()).toBe(formatPublicKey(blob))
      const line = await mustRun(program('puttygen'), [file, '-L'])
      expect(line.trim()).toBe(formatPublicKey(blob, read.comment).trim())
    }
  })
})

test.each(samples())('$type comes back from every format that holds it', ({ type, blob }) => {
  for (const text of [formatPublicKey(blob), formatRfc4716(blob), formatSpki(blob)]) {
    for (const lineEnd of ['\n', '\r\n', '\r']) {
      const read = parsePublicKeyText(`\uFEFF${lineEnd}${text.replaceAll('\n', lineEnd)}`)
      expect(read).toMatchObject({ type, blob, comment: '' })
    }
  }
  if (type === 'ssh-rsa') expect(parsePublicKeyText(formatPkcs1(blob)).blob).toEqual(blob)
  else {
    expect(errorOf(() => formatPkcs1(blob))).toMatchObject({
      code: 'key-type-unsupported',
      message: `PKCS#1 holds RSA keys only, not ${type}.`,
    })
  }
})

const { blob } = sample()
const LINE = formatPublicKey(blob)
const RFC = formatRfc4716(blob, 'a comment')
const PEM = formatSpki(blob)

describe('an OpenSSH line', () => {
  test.each<[string, string[], string]>([
    ['', [], ''],
    ['restrict ', ['restrict'], ''],
    ['restrict,pty\t', ['restrict', 'pty'], ''],
    [
      'from="10.0.0.0/8,192.0.2.1",command="echo \\"a b\\", c" ',
      ['from="10.0.0.0/8,192.0.2.1"', 'command="echo \\"a b\\", c"'],
      '',
    ],
    [
      'environment="A=ssh-ed25519 AAAA",no-pty  ',
      ['environment="A=ssh-ed25519 AAAA"', 'no-pty'],
      '',
    ],
    ['permitopen="[::1]:80" ', ['permitopen="[::1]:80"'], 'with a comment'],
  ])('with the options %j', (before, options, comment) => {
    const read = parsePublicKeyText(`# our key\n\n  ${before}${LINE} ${comment}\n`)
    expect(read).toMatchObject({ format: 'openssh', options, comment, blob })
  })
})

describe('RFC 4716', () => {
  const withHeaders = (headers: string): ReturnType<typeof parsePublicKeyText> =>
    parsePublicKeyText(RFC.replace(/^Comment.*\n/m, headers))

  test('needs no header', () => {
    expect(withHeaders('')).toMatchObject({ comment: '', blob })
  })

  test('has headers in any case, continued lines, quoted comments', () => {
    const read = withHeaders(
      [
        ...['COMMENT: "This is \\', 'a long \\', ' comment"', 'Subject: me', 'x-Own: a: \\', 'b'],
        '',
      ].join('\n'),
    )
    expect(read.comment).toBe('This is a long  comment')
    expect([...read.headers]).toEqual([
      ['comment', '"This is a long  comment"'],
      ['subject', 'me'],
      ['x-own', 'a: b'],
    ])
  })

  test('has comments without quotes, or with one', () => {
    expect(withHeaders('Comment: plain\n').comment).toBe('plain')
    expect(withHeaders('Comment: "half\n').comment).toBe('"half')
    expect(withHeaders('Comment: "\n').comment).toBe('"')
    expect(withHeaders('Comment:\n').comment).toBe('')
  })

  test('may have its body on one line, or indented', () => {
    const body = blob.toString('base64')
    const lines = ['---- BEGIN SSH2 PUBLIC KEY ----', body, '---- END SSH2 PUBLIC KEY ----']
    expect(parsePublicKeyText(lines.join('\n')).blob).toEqual(blob)
    expect(parsePublicKeyText(RFC.replace(/^/gm, '    ')).comment).toBe('a comment')
  })

  // The example of RFC 4716 §3.6 with a header that is continued; its key, of 1024 bits, is too small.
  test('of the RFC itself', () => {
    const error = errorOf(() =>
      parsePublicKeyText(`---- BEGIN SSH2 PUBLIC KEY ----
Comment: "1024-bit RSA, converted from OpenSSH by me@example.com"
x-command: /home/me/bin/lock-in-guest.sh
AAAAB3NzaC1yc2EAAAABIwAAAIEA1on8gxCGJJWSRT4uOrR13mUaUk0hRf4RzxSZ1zRb
YYFw8pfGesIFoEuVth4HKyF8k1y4mRUnYHP1XNMNMJl1JcEArC2asV8sHf6zSPVffozZ
5TT4SfsUu/iKy9lUcCfXzwre4WWZSXXcPff+EHtWshahu3WzBdnGxm5Xoi89zcE=
---- END SSH2 PUBLIC KEY ----
`),
    )
    expect(error).toMatchObject({ code: 'key-too-small' })
  })
})

function pem(label: string, bytes: Buffer): string {
  return `-----BEGIN ${label}-----\n${bytes.toString('base64')}\n-----END ${label}-----\n`
}

function der(text: string): Buffer {
  return Buffer.from(text.replace(/-----.*-----|\s/g, ''), 'base64')
}

function spkiOf(make: () => { publicKey: KeyObject }): string {
  return make().publicKey.export({ format: 'pem', type: 'spki' }).toString()
}

const MANY = 'There are 2 lines where one public key is expected.'
const PRIVATE = 'This is a private key; a public key is needed.'
const CERTIFICATE = 'This is a certificate; a plain public key is needed.'
const DAMAGED = 'The public key is cut short or damaged.'
const NO_KEY = 'This is not a public key: it begins with no key type that is known.'

test.each<[string, string, string, string]>([
  ['nothing', ' \n# only a remark\n', 'key-empty', 'There is no public key.'],
  ['too much', 'x'.repeat(65537), 'key-unreadable', 'This is too long for a public key.'],
  ['two keys', `${LINE}\n${LINE}\n`, 'key-unreadable', MANY],
  ['a key broken in two', LINE.replace('AAAA', 'AA\nAA'), 'key-unreadable', MANY],
  ['a word', 'hello', 'key-unreadable', NO_KEY],
  ['base64 alone', blob.toString('base64'), 'key-unreadable', NO_KEY],
  ['a known_hosts line', `host.example ${LINE}`, 'key-unreadable', NO_KEY],
  ['an option without quotes', `from=10.0.0.1 ${LINE}`, 'key-unreadable', NO_KEY],
  [
    'a quote without end',
    `command="a ${LINE}`,
    'key-unreadable',
    'The options before the key have a quote that does not end.',
  ],
  ['a type alone', 'ssh-ed25519', 'key-unreadable', 'There is no key after ssh-ed25519.'],
  ['a key cut short', LINE.slice(0, -8), 'key-unreadable', DAMAGED],
  ['something else than base64', 'ssh-ed25519 ****', 'key-unreadable', DAMAGED],
  ['a DSA line', 'ssh-dss AAAA', 'key-type-unsupported', 'DSA keys are not accepted.'],
  [
    'an option and no key type',
    'restrict hello AAAA',
    'key-type-unsupported',
    'Keys of type "hello" are not supported.',
  ],
  [
    'a small RSA key',
    formatPublicKey(sampleOf(newRsa(1024)).blob),
    'key-too-small',
    'An RSA key of 1024 bits is too small: 2048 are the least.',
  ],
  ['a certificate', formatPublicKey(makeCertificate()), 'key-unreadable', CERTIFICATE],
  ['RFC 4716 of a certificate', formatRfc4716(makeCertificate()), 'key-unreadable', CERTIFICATE],
  [
    'an OpenSSH private key',
    encodeOpenSshKey(privateKeyFrom(sample().privateKey)),
    'key-unreadable',
    PRIVATE,
  ],
  [
    'a PuTTY private key',
    encodePuttyKey(privateKeyFrom(sample().privateKey)),
    'key-unreadable',
    PRIVATE,
  ],
  [
    'a private key of SSH Communications',
    '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n',
    'key-unreadable',
    PRIVATE,
  ],
  [
    'another begin',
    RFC.replace('BEGIN SSH2', 'BEGIN SSH3'),
    'key-unreadable',
    'This does not begin with ---- BEGIN SSH2 PUBLIC KEY ----.',
  ],
  [
    'RFC 4716 without end',
    RFC.replace(/---- END.*\n/, ''),
    'key-unreadable',
    'The line ---- END SSH2 PUBLIC KEY ---- is missing.',
  ],
  [
    'two keys in RFC 4716',
    RFC + RFC,
    'key-unreadable',
    'There is more after the END line; one public key is expected.',
  ],
  [
    'RFC 4716 without a body',
    RFC.replace(/^AAAA[^-]*/m, ''),
    'key-unreadable',
    'What stands between BEGIN and END is not base64.',
  ],
  ['RFC 4716 cut short', RFC.replace(/AAAA/, ''), 'key-unreadable', DAMAGED],
  [
    'a long tag',
    RFC.replace('Comment', 'x'.repeat(65)),
    'key-unreadable',
    'A header of the key has a tag of more than 64 or a value of more than 1024 bytes.',
  ],
  [
    'a long value',
    RFC.replace('a comment', 'x'.repeat(1023)),
    'key-unreadable',
    'A header of the key has a tag of more than 64 or a value of more than 1024 bytes.',
  ],
  [
    'a damaged BEGIN',
    PEM.replace('KEY-----', 'KEY--'),
    'key-unreadable',
    'The line -----BEGIN …----- is damaged.',
  ],
  [
    'PEM without end',
    PEM.replace(/-----END.*\n/, ''),
    'key-unreadable',
    'The line -----END PUBLIC KEY----- is missing.',
  ],
  [
    'two keys in PEM',
    PEM + PEM,
    'key-unreadable',
    'There is more after the END line; one public key is expected.',
  ],
  [
    'an X.509 certificate',
    pem('CERTIFICATE', Buffer.of(1)),
    'key-unreadable',
    'This is a certificate, not a public key of SSH.',
  ],
  [
    'a PGP key',
    pem('PGP PUBLIC KEY BLOCK', Buffer.of(1)),
    'key-unreadable',
    'This is a pgp public key block, not a public key of SSH.',
  ],
  [
    'PEM that is damaged',
    pem('PUBLIC KEY', Buffer.of(48, 1, 2)),
    'key-unreadable',
    'The public key is cut short or damaged, or of a kind that is not known.',
  ],
  [
    'bytes after the key in PEM',
    pem('PUBLIC KEY', Buffer.concat([der(PEM), Buffer.of(0)])),
    'key-unreadable',
    'There are bytes too many after the key.',
  ],
  [
    'DSA in PEM',
    spkiOf(() => generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })),
    'key-type-unsupported',
    'DSA keys are not accepted.',
  ],
  [
    'X25519 in PEM',
    spkiOf(() => generateKeyPairSync('x25519')),
    'key-type-unsupported',
    'Keys of type "x25519" are not supported.',
  ],
  [
    'another curve in PEM',
    spkiOf(() => generateKeyPairSync('ec', { namedCurve: 'secp256k1' })),
    'key-type-unsupported',
    'Keys of type "secp256k1" are not supported.',
  ],
  [
    'RSA-PSS in PEM',
    spkiOf(() => generateKeyPairSync('rsa-pss', { modulusLength: 2048 })),
    'key-type-unsupported',
    'Keys of type "rsa-pss" are not supported.',
  ],
  [
    'a small RSA key in PEM',
    formatSpki(sampleOf(newRsa(1024)).blob),
    'key-too-small',
    'An RSA key of 1024 bits is too small: 2048 are the least.',
  ],
])('%s: the defect is named', (_, text, code, message) => {
  expect(errorOf(() => parsePublicKeyText(text))).toMatchObject({ code, message })
})

testWith(
  ['openssl'],
  'an EC key with a compressed point, or with its curve spelled out, is read',
  async () => {
    const file = fileWith(newEc('P-256').export({ format: 'pem', type: 'pkcs8' }).toString())
    const plain = await mustRun(program('openssl'), ['pkey', '-pubout', '-in', file])
    const convert = (...args: string[]): Promise<string> =>
      mustRun(program('openssl'), ['ec', '-pubout', '-in', file, ...args])
    const compressed = await convert('-conv_form', 'compressed')
    expect(compressed).not.toBe(plain)
    expect(parsePublicKeyText(compressed).blob).toEqual(parsePublicKeyText(plain).blob)
    const explicit = await convert('-param_enc', 'explicit')
    expect(explicit).not.toBe(plain)
    expect(parsePublicKeyText(explicit).blob).toEqual(parsePublicKeyText(plain).blob)
  },
)

describe('damage', () => {
  test('makes nothing but TrustErrors', () => {
    const wholes = KEY_TYPES.flatMap((type) => {
      const { blob } = sample(type)
      return [
        `from="a b",pty ${formatPublicKey(blob, 'me')}`,
        formatRfc4716(blob, 'me'),
        formatSpki(blob),
      ]
    })
    wholes.push(formatPkcs1(sample('ssh-rsa').blob))
    throwsOnlyTrustErrors(
      wholes.map((text) => Buffer.from(text)),
      (bytes) => parsePublicKeyText(bytes.toString('latin1')),
    )
  })

  test('of the DER makes nothing but TrustErrors', () => {
    throwsOnlyTrustErrors(
      KEY_TYPES.map((type) => der(formatSpki(sample(type).blob))),
      (bytes) => parsePublicKeyText(pem('PUBLIC KEY', bytes)),
    )
    throwsOnlyTrustErrors([der(formatPkcs1(sample('ssh-rsa').blob))], (bytes) =>
      parsePublicKeyText(pem('RSA PUBLIC KEY', bytes)),
    )
  })

  test('never comes of a comment that is written and read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 90 }), (comment) => {
        const text = formatRfc4716(blob, comment)
        expect(parsePublicKeyText(text).blob).toEqual(blob)
        for (const line of text.split('\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(72)
      }),
    )
  })
})
