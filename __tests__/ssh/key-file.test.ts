/** Private keys as text: every format that the real tools write, every repair, every defect by its name. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import * as crypto from 'node:crypto'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { TrustError } from '../../src/errors'
import { parsePrivateKeys, type KeyText } from '../../src/ssh/key-file'
import { encodeOpenSshKey } from '../../src/ssh/openssh-key'
import { privateKeyFrom, type PrivateKey } from '../../src/ssh/private-key'
import { formatPublicKey, parsePublicKey } from '../../src/ssh/public-key'
import { encodePuttyKey } from '../../src/ssh/putty-key'
import { makeSignature } from '../../src/ssh/signature'
import { string, uint32 } from '../../src/ssh/wire'
import { describeWith, program, testWith } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import {
  damaged,
  errorOf,
  flipped,
  KEYGEN,
  makeCertificate,
  newEc,
  newRsa,
  sample,
  sampleOf,
  samples,
} from './samples'

const PASSPHRASE = 'fixture'

/** Node has it since 24.7. */
const HAS_ARGON2 = 'argon2Sync' in crypto

type PemType = 'pkcs8' | 'pkcs1' | 'sec1'

const pem = (key: KeyObject, type: PemType = 'pkcs8'): string =>
  key.export({ format: 'pem', type }).toString()
const locked = (
  key: KeyObject,
  type: PemType,
  passphrase: string,
  cipher = 'aes-256-cbc',
): string => key.export({ format: 'pem', type: type, cipher, passphrase }).toString()
const block = (label: string, body: Buffer): string =>
  `-----BEGIN ${label}-----\n${body.toString('base64').replace(/.{70}/g, '$&\n')}\n-----END ${label}-----\n`
const spki = (key: KeyObject, type: 'spki' | 'pkcs1' = 'spki'): string =>
  crypto.createPublicKey(key).export({ format: 'pem', type: type }).toString()

const keyOf = (type?: Parameters<typeof sample>[0], which?: string): PrivateKey =>
  privateKeyFrom(sample(type, which).privateKey, 'a comment')
const ed25519 = keyOf()
const ecdsa = keyOf('ecdsa-sha2-nistp256')
const rsa = keyOf('ssh-rsa')
const other = keyOf('ssh-ed25519', 'other')

const publicKeys = ({ keys }: KeyText): Buffer[] => keys.map(({ publicKey }) => publicKey)

/** SSHSIG (OpenSSH's PROTOCOL.sshsig) by `key`, which says that it is `publicKey`. */
function sshSignature({ type, key }: PrivateKey, publicKey: Buffer, message: Buffer): string {
  const head = [string('file'), string(''), string('sha512')]
  const hash = crypto.createHash('sha512').update(message).digest()
  const signed = Buffer.concat([Buffer.from('SSHSIG'), ...head, string(hash)])
  const signature = makeSignature(type, key, signed, 'sha512')
  return block(
    'SSH SIGNATURE',
    Buffer.concat([
      ...[Buffer.from('SSHSIG'), uint32(1), string(publicKey), ...head],
      string(signature),
    ]),
  )
}

describeWith(['ssh-keygen'], 'the files of make-keys.sh', () => {
  const directory = makeDirectory()
  let files: string[] = []
  beforeAll(async () => {
    // Key derivations without end, and other tests beside them.
    await mustRun('__tests__/fixtures/make-keys.sh', [directory], { timeout: 120_000 })
    files = readdirSync(directory).filter((name) => !name.endsWith('.pub'))
  }, 120_000)
  const read = (file: string): string => readFileSync(join(directory, file), 'utf8')
  const isLocked = (file: string): boolean => /-cbc|-ctr|-gcm|poly1305|passphrase|3des/.test(file)
  const needsArgon2 = (file: string): boolean => file.includes('argon2')

  /** Whether ssh-keygen finds the signature of the key in `file` good for the public key of `type`. */
  async function signsAs(type: string, file: string): Promise<string> {
    const { keys, repairs } = parsePrivateKeys(read(file), [PASSPHRASE])
    const [key] = keys
    if (key === undefined || keys.length > 1 || repairs.length > 0) return 'not one clean key'
    const { blob } = parsePublicKey(read(`${type}.pub`))
    const message = Buffer.from(`signed with ${file}`)
    const paths = makeDirectory()
    writeFileSync(join(paths, 'allowed'), `me ${formatPublicKey(blob)}\n`)
    writeFileSync(join(paths, 'signature'), sshSignature(key, blob, message))
    const args = ['-Y', 'verify', '-I', 'me', '-n', 'file', '-f', join(paths, 'allowed')]
    const more = ['-s', join(paths, 'signature')]
    const told = await mustRun(program('ssh-keygen'), [...args, ...more], { input: message })
    return told.startsWith('Good "file" signature for me') ? 'signs' : told
  }

  const outcome = (action: () => unknown): string => {
    const { code, message } = errorOf(action)
    return `${code}: ${message}`
  }

  test.each(KEYGEN.map(([type]) => type))('of %s are all read, and sign', async (type) => {
    const own = files.filter((file) => file.startsWith(`${type}.`))
    expect(own.length).toBeGreaterThan(10)
    const told: [string, string][] = []
    for (const file of own) {
      const missing = needsArgon2(file) && !HAS_ARGON2
      told.push([file, missing ? 'signs' : await signsAs(type, file)])
    }
    expect(told).toEqual(own.map((file) => [file, 'signs']))
  })

  test('ask for their passphrase, and say that it is wrong, by their format', () => {
    const name = (file: string): string =>
      file.includes('openssh') ? 'OpenSSH' : file.includes('ppk') ? 'PuTTY' : 'PEM'
    const secret = files.filter(isLocked)
    expect(secret.length).toBeGreaterThan(40)
    const asked = secret.map((file) => [file, outcome(() => parsePrivateKeys(read(file)))])
    expect(asked).toEqual(
      secret.map((file) => [
        file,
        `key-encrypted: The ${name(file)} key is encrypted with a passphrase.`,
      ]),
    )
    const tried = secret.filter((file) => HAS_ARGON2 || !needsArgon2(file))
    const denied = tried.map((file) => [file, outcome(() => parsePrivateKeys(read(file), ['no']))])
    expect(denied).toEqual(
      tried.map((file) => [
        file,
        `key-passphrase-wrong: The passphrase of the ${name(file)} key is wrong${name(file) === 'PuTTY' ? ', or the file was changed' : ''}.`,
      ]),
    )
  })

  testWith(['puttygen'], 'of PuTTY, version 3 with a passphrase, need Argon2', () => {
    for (const file of files.filter(needsArgon2)) {
      if (HAS_ARGON2) {
        expect(parsePrivateKeys(read(file), [PASSPHRASE]).keys).toHaveLength(1)
      } else {
        expect(errorOf(() => parsePrivateKeys(read(file), [PASSPHRASE]))).toMatchObject({
          code: 'platform-unsupported',
          message: `Encrypted PuTTY keys of version 3 need Argon2, which Node has since version 24.7; this is ${process.version}.`,
        })
      }
    }
  })

  testWith(['puttygen', 'openssl'], 'of all formats are read from one text', () => {
    const mixed = [
      'ed25519.ppk2.aes256-cbc',
      ...['rsa-2048.traditional.des-ede3-cbc', 'ecdsa-256.openssh', 'ecdsa-384.ppk3'],
      ...['ed25519.openssh.aes256-gcm@openssh.com', 'ecdsa-521.pkcs8.aes-256-cbc.scrypt'],
    ]
    const text = mixed.map(read).join('\n')
    const expected = mixed.map(
      (file) => parsePublicKey(read(`${file.split('.')[0] ?? ''}.pub`)).blob,
    )
    for (const passphrases of [[PASSPHRASE], Array.from({ length: 4 }, () => PASSPHRASE)]) {
      const parsed = parsePrivateKeys(text, passphrases)
      expect(publicKeys(parsed)).toEqual(expected)
      expect(parsed.repairs).toEqual([])
    }
    const third = [PASSPHRASE, PASSPHRASE, 'wrong', PASSPHRASE]
    expect(errorOf(() => parsePrivateKeys(text, third)).message).toBe(
      'Key 5 of 6: The passphrase of the OpenSSH key is wrong.',
    )
  })
})

test.each(samples())('$type is read from each format that is written here', (made) => {
  const key = privateKeyFrom(made.privateKey, 'ünï @ c')
  const own = made.type === 'ssh-rsa' ? 'pkcs1' : 'sec1'
  const texts = [encodeOpenSshKey(key), encodePuttyKey(key)]
  const pems = made.type === 'ssh-ed25519' ? [pem(key.key)] : [pem(key.key), pem(key.key, own)]
  for (const text of [...texts, ...pems]) {
    const { keys, certificates, repairs } = parsePrivateKeys(text, ['not needed'])
    const comment = pems.includes(text) ? '' : 'ünï @ c'
    expect(keys).toHaveLength(1)
    expect(keys[0]).toMatchObject({ type: made.type, publicKey: made.blob, comment })
    expect(keys[0]?.key.equals(made.privateKey)).toBe(true)
    expect({ certificates, repairs }).toEqual({ certificates: [], repairs: [] })
  }
})

describe('passphrases', () => {
  const first = encodeOpenSshKey(ed25519, 'one', 1)
  const second = locked(ecdsa.key, 'pkcs8', 'two')
  const third = locked(rsa.key, 'pkcs1', 'three', 'aes-128-cbc')
  const open = encodePuttyKey(other)
  const all = first + open + second + third
  const expected = [ed25519, other, ecdsa, rsa].map(({ publicKey }) => publicKey)

  test('one a line go to the keys that need one, in their order', () => {
    expect(publicKeys(parsePrivateKeys(all, ['one', 'two', 'three']))).toEqual(expected)
  })

  test('one goes to all', () => {
    const text = first + open + locked(ecdsa.key, 'sec1', 'one', 'des-ede3-cbc')
    expect(publicKeys(parsePrivateKeys(text, ['one']))).toEqual(expected.slice(0, 3))
  })

  test.each<[string, string, string[], string, string]>([
    [
      'the first of several',
      all,
      ['no', 'two', 'three'],
      'key-passphrase-wrong',
      'Key 1 of 4: The passphrase of the OpenSSH key is wrong.',
    ],
    [
      'one after an open one',
      all,
      ['one', 'no', 'three'],
      'key-passphrase-wrong',
      'Key 3 of 4: The passphrase of the PEM key is wrong.',
    ],
    [
      'two exchanged',
      all,
      ['one', 'three', 'two'],
      'key-passphrase-wrong',
      'Key 3 of 4: The passphrase of the PEM key is wrong.',
    ],
    [
      'one for all that is not for all',
      all,
      ['one'],
      'key-passphrase-wrong',
      'Key 3 of 4: The passphrase of the PEM key is wrong.',
    ],
    [
      'of a key alone',
      first,
      ['no'],
      'key-passphrase-wrong',
      'The passphrase of the OpenSSH key is wrong.',
    ],
    [
      'none',
      all,
      [],
      'key-encrypted',
      'Key 1 of 4: The OpenSSH key is encrypted with a passphrase.',
    ],
    [
      'an empty one',
      open + second,
      [''],
      'key-encrypted',
      'Key 2 of 2: The PEM key is encrypted with a passphrase.',
    ],
    [
      'too few',
      all,
      ['one', 'two'],
      'input-invalid',
      'There are 2 passphrases, and 3 encrypted keys.',
    ],
    [
      'too many',
      all,
      ['one', 'two', 'three', 'four'],
      'input-invalid',
      'There are 4 passphrases, and 3 encrypted keys.',
    ],
    [
      'two, and nothing to open',
      open,
      ['one', 'two'],
      'input-invalid',
      'There are 2 passphrases, and 0 encrypted keys.',
    ],
  ])('that do not fit are told: %s', (_, text, passphrases, code, message) => {
    const error = errorOf(() => parsePrivateKeys(text, passphrases))
    expect(error).toMatchObject({ code, message })
    expect(error.input).toBe(code === 'input-invalid' ? 'passphrase' : undefined)
  })
})

const MARK = 'a byte order mark was taken off'
const QUOTES = 'quotes around it were taken off'
const BASE64 = 'the whole was base64, and was decoded once'
const NEWLINES = 'literal \\n were turned into line ends'
const LINE_ENDS = 'line ends of Windows or old Macs were changed'
const BEGIN_END = 'line ends around BEGIN and END were put back'
const LAST = 'the last line end was put back'
const INDENT = 'indentation was taken off'
const BLANKS = 'blanks inside of a key were taken out'
const OUTSIDE = 'text outside of the keys was left out'
const PUBLIC = 'a public key beside the private one was left out'

describe('what copying did is repaired, and told', () => {
  const FORMATS: [string, string, PrivateKey][] = [
    ['OpenSSH', encodeOpenSshKey(ed25519), ed25519],
    ['OpenSSH with a passphrase', encodeOpenSshKey(ed25519, PASSPHRASE, 1), ed25519],
    ['PKCS#8', pem(ecdsa.key), ecdsa],
    ['PKCS#8 with a passphrase', locked(ecdsa.key, 'pkcs8', PASSPHRASE), ecdsa],
    ['SEC1', pem(ecdsa.key, 'sec1'), ecdsa],
    ['PKCS#1', pem(rsa.key, 'pkcs1'), rsa],
    ['PKCS#1 with a passphrase', locked(rsa.key, 'pkcs1', PASSPHRASE, 'aes-128-cbc'), rsa],
    ['PPK', encodePuttyKey({ ...rsa, comment: ' blanks ' }), rsa],
  ]
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const wrapped = (text: string): string => text.replace(/.{76}/g, '$&\n')
  const indented = (text: string, by: string): string => text.replace(/^(?=.)/gm, by)
  const certificate = makeCertificate({ role: 1 })
  const rfc4716 = `---- BEGIN SSH2 PUBLIC KEY ----\nComment: "x"\n${base64('key')}\n---- END SSH2 PUBLIC KEY ----\n`

  const REPAIRS: [string, (text: string) => string, string[]][] = [
    ['nothing', (text) => text, []],
    ['blank lines around it', (text) => `\n \n${text}\n\t\n`, []],
    ['CR LF', (text) => text.replaceAll('\n', '\r\n'), [LINE_ENDS]],
    ['CR', (text) => text.replaceAll('\n', '\r'), [LINE_ENDS]],
    ['no last line end', (text) => text.trimEnd(), [LAST]],
    ['literal \\n', (text) => text.replaceAll('\n', '\\n'), [NEWLINES]],
    ['literal \\r\\n', (text) => text.replaceAll('\n', '\\r\\n'), [NEWLINES]],
    ['literal \\n and a line end', (text) => `${text.replaceAll('\n', '\\n')}\n`, [NEWLINES]],
    ['indentation', (text) => indented(text, '          '), [INDENT]],
    ['tabs', (text) => indented(text, '\t'), [INDENT]],
    ['indentation, trimmed', (text) => indented(text, '    ').trim(), [LAST, INDENT]],
    ['a byte order mark', (text) => `\uFEFF${text}`, [MARK]],
    ['double quotes', (text) => `"${text}"`, [QUOTES]],
    ['single quotes', (text) => ` '${text}'\n`, [QUOTES]],
    ['base64', base64, [BASE64]],
    ['base64 with a line end', (text) => `${base64(text)}\n`, [BASE64]],
    ['base64, wrapped', (text) => wrapped(base64(text)), [BASE64]],
    ['base64, wrapped, CR LF', (text) => wrapped(base64(text)).replaceAll('\n', '\r\n'), [BASE64]],
    ['base64 without padding', (text) => base64(text).replace(/=+$/, ''), [BASE64]],
    ['text before it', (text) => `my key:\n${text}`, [OUTSIDE]],
    ['text after it', (text) => `${text}that was it\n`, [OUTSIDE]],
    [
      'a public key after it',
      (text) => `${text}${formatPublicKey(rsa.publicKey, 'me')}\n`,
      [PUBLIC],
    ],
    ['a public key before it', (text) => `${formatPublicKey(rsa.publicKey)}\n${text}`, [PUBLIC]],
    ['a line of known_hosts', (text) => `h ${formatPublicKey(rsa.publicKey)}\n${text}`, [PUBLIC]],
    ['an RFC 4716 key before it', (text) => rfc4716 + text, [PUBLIC]],
    ['an RFC 4716 key, indented', (text) => indented(rfc4716 + text, '  '), [INDENT, PUBLIC]],
    ['an RFC 4716 key, cut', (text) => rfc4716.slice(0, 50) + '\n' + text, [PUBLIC]],
    ['a public key in PEM after it', (text) => text + spki(ecdsa.key), [PUBLIC]],
    // several
    [
      'base64 of CR LF with a byte order mark',
      (text) => base64(`\uFEFF${text.replaceAll('\n', '\r\n')}`),
      [BASE64, MARK, LINE_ENDS],
    ],
    ['base64 in quotes', (text) => `"${base64(text)}"`, [QUOTES, BASE64]],
    ['quotes in base64', (text) => base64(`"${text.trim()}"`), [BASE64, QUOTES, LAST]],
    [
      'a JSON string',
      (text) => JSON.stringify(text.trim().replaceAll('\n', '\r\n')),
      [QUOTES, NEWLINES, LAST],
    ],
    ['indented base64', (text) => indented(wrapped(base64(text)), '  '), [BASE64]],
    [
      'indented CR LF with a byte order mark, no last line end, and text',
      (text) => `\uFEFF${indented(text, '  ').replaceAll('\n', '\r\n')}  the end`,
      [MARK, LINE_ENDS, LAST, INDENT, OUTSIDE],
    ],
  ]
  const PEM_REPAIRS: typeof REPAIRS = [
    ['blank lines in it', (text) => text.replaceAll('\n', '\n\n'), []],
    ['one line', (text) => text.trim().replaceAll('\n', ' '), [BEGIN_END, LAST, BLANKS]],
    [
      'one line in quotes',
      (text) => `"${text.replaceAll('\n', ' ')}"`,
      [QUOTES, BEGIN_END, LAST, BLANKS],
    ],
    [
      'BEGIN, a line and END',
      (text) => text.replace(/(?<=[\w+/])\n(?=[\w+/=])(?!DEK)/g, ' '),
      [BLANKS],
    ],
    ['no line end before END', (text) => text.replace('\n-----END', '-----END'), [BEGIN_END]],
    ['text on the lines of BEGIN and END', (text) => `A=${text.trim()};\n`, [BEGIN_END, OUTSIDE]],
  ]

  const rows = FORMATS.flatMap((format) => {
    const more = format[0] === 'PPK' ? [] : PEM_REPAIRS
    return [...REPAIRS, ...more].map((repair) => [...format, ...repair] as const)
  })

  test.each(
    rows.map(([format, text, key, name, change, notes]) => ({
      format,
      text,
      key,
      name,
      change,
      notes,
    })),
  )('$format: $name', ({ text, key, change, notes }) => {
    const parsed = parsePrivateKeys(change(text), [PASSPHRASE])
    expect(parsed.repairs).toEqual(notes)
    expect(publicKeys(parsed)).toEqual([key.publicKey])
    expect(parsed.certificates).toEqual([])
  })

  test.each(FORMATS)('%s: a certificate beside it is handed over', (_, text, key) => {
    const line = formatPublicKey(certificate, 'me')
    for (const both of [`${text}${line}\n`, `${line}\n${text}`]) {
      const parsed = parsePrivateKeys(both, [PASSPHRASE])
      expect(publicKeys(parsed)).toEqual([key.publicKey])
      expect(parsed.certificates).toEqual([certificate])
      expect(parsed.repairs).toEqual([])
    }
  })

  test('Proc-Type and DEK-Info on one line', () => {
    const text = locked(rsa.key, 'pkcs1', PASSPHRASE, 'aes-128-cbc')
    for (const [from, to] of [
      ['ENCRYPTED\n', 'ENCRYPTED '],
      ['\n\n', ' '],
    ] as const) {
      const parsed = parsePrivateKeys(text.replace(from, to), [PASSPHRASE])
      expect(publicKeys(parsed)).toEqual([rsa.publicKey])
      expect(parsed.repairs).toEqual([BEGIN_END])
    }
  })

  test('files put together without a line end between them', () => {
    const text = FORMATS.map(([, each]) => each.trimEnd()).join('')
    const parsed = parsePrivateKeys(text, [PASSPHRASE])
    expect(publicKeys(parsed)).toEqual(FORMATS.map(([, , { publicKey }]) => publicKey))
    expect(parsed.repairs).toEqual([BEGIN_END, LAST])
  })

  test('a PPK without a line end before a PEM key', () => {
    const parsed = parsePrivateKeys(`${encodePuttyKey(rsa).trimEnd()}${pem(ecdsa.key)}`)
    expect(publicKeys(parsed)).toEqual([rsa.publicKey, ecdsa.publicKey])
    expect(parsed.repairs).toEqual([BEGIN_END])
  })

  test('the parameters that openssl ecparam writes are nothing to tell of', () => {
    const parameters = block('EC PARAMETERS', Buffer.from('06082a8648ce3d030107', 'hex'))
    const parsed = parsePrivateKeys(parameters + pem(ecdsa.key, 'sec1'))
    expect(publicKeys(parsed)).toEqual([ecdsa.publicKey])
    expect(parsed.repairs).toEqual([])
  })

  test('PEM headers that say nothing', () => {
    const text = pem(ecdsa.key, 'sec1').replace('KEY-----\n', 'KEY-----\nComment: mine\n\n')
    expect(publicKeys(parsePrivateKeys(text))).toEqual([ecdsa.publicKey])
  })
})

describe('a defect is named', () => {
  const whole = encodeOpenSshKey(ed25519)
  const lines = whole.trim().split('\n')
  const [header = '', footer = ''] = [lines[0], lines.at(-1)]
  const body = lines.slice(1, -1)
  const bytes = Buffer.from(body.join(''), 'base64')
  const openSsh = (changed: Buffer): string => block('OPENSSH PRIVATE KEY', changed)
  /** An OpenSSH file that says it holds a key of `type`. */
  const openSshOf = (type: string): string => {
    const head = bytes.subarray(0, 39)
    return openSsh(Buffer.concat([head, string(string(type)), string(Buffer.alloc(8))]))
  }
  const ppk = encodePuttyKey(ed25519)
  const ppkOf = (type: string): string => ppk.replace('ssh-ed25519', type)
  const small = newRsa(1024)
  const smallKey: PrivateKey = {
    ...{ type: 'ssh-rsa', key: small, comment: '' },
    publicKey: sampleOf(small).blob,
  }
  const dsa = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey
  const ed448 = generateKeyPairSync('ed448').privateKey
  const x25519 = generateKeyPairSync('x25519').privateKey
  const rsaPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey
  /** SEC1 with the public half of another key. */
  const strangeHalf = (): Buffer => {
    const [own, foreign] = [ecdsa, keyOf('ecdsa-sha2-nistp256', 'other')].map(({ key }) =>
      key.export({ format: 'der', type: 'sec1' }),
    ) as [Buffer, Buffer]
    return Buffer.concat([own.subarray(0, -64), foreign.subarray(-64)])
  }
  const mixed = { ...ed25519, publicKey: other.publicKey }
  const sshCom = (name: string): string =>
    `---- BEGIN SSH2 ${name} KEY ----\nComment: "x"\nP2/56wAAAgIAAAAm\n---- END SSH2 ${name} KEY ----\n`

  const UNMARKED = 'This is not a private key: it has no line -----BEGIN … PRIVATE KEY-----.'
  const INSIDE = 'This looks like the inside of a key without its BEGIN and END lines.'
  const PUBLIC_KEY = 'This is a public key; a private key is needed.'
  const NOT_TOGETHER = 'The private and the public half of the key do not belong together.'
  const SSH2 = 'This is a private key of SSH Communications’ own format, which is not read.'
  const PGP = 'This is a PGP key; SSH has keys of its own.'
  const SMALL = 'An RSA key of 1024 bits is too small: 2048 are the least.'
  const DSA = 'DSA keys are not accepted.'
  const unsupported = (type: string): string => `Keys of type "${type}" are not supported.`
  const missing = (what: string): string => `The line -----END ${what}----- is missing.`
  const isDamaged = (label: string): string =>
    `The contents of the ${label} are damaged, or of a kind that is not known.`

  const ROWS: [string, string, string, string][] = [
    // nothing
    ['empty', '', 'key-empty', 'There is no key: the value is empty.'],
    ['white space', ' \r\n\t\n', 'key-empty', 'There is no key: the value is empty.'],
    ['a byte order mark', '\uFEFF\n', 'key-empty', 'There is no key: the value is empty.'],
    // no key
    ['garbage', 'hunter2', 'key-unreadable', UNMARKED],
    ['a path', '/root/.ssh/id_ed25519', 'key-unreadable', UNMARKED],
    ['quotes around nothing', '""', 'key-unreadable', UNMARKED],
    ['the inside of a key', body.join('\n'), 'key-unreadable', INSIDE],
    ['the inside of a key, on one line', body.join(''), 'key-unreadable', INSIDE],
    [
      'too long',
      'x'.repeat(256 * 1024 + 1),
      'key-unreadable',
      'This is too long for private keys (262145 characters).',
    ],
    [
      'base64 of base64',
      Buffer.from(Buffer.from(whole).toString('base64')).toString('base64'),
      'key-unreadable',
      'This is base64 of base64; only one is undone.',
    ],
    // something else
    ...samples().map(({ type, blob }): [string, string, string, string] => [
      `a public key of type ${type}`,
      `\n${formatPublicKey(blob, 'me')}\n`,
      'key-is-public',
      PUBLIC_KEY,
    ]),
    ['a public key of DSA', 'ssh-dss AAAAB3NzaC1kc3M= me', 'key-is-public', PUBLIC_KEY],
    ['a public key in quotes', `"${formatPublicKey(rsa.publicKey)}"`, 'key-is-public', PUBLIC_KEY],
    [
      'a line of authorized_keys',
      `restrict,command="a b" ${formatPublicKey(rsa.publicKey)}`,
      'key-is-public',
      PUBLIC_KEY,
    ],
    ['a public key in RFC 4716', sshCom('PUBLIC'), 'key-is-public', PUBLIC_KEY],
    ['a public key in PEM', spki(rsa.key), 'key-is-public', PUBLIC_KEY],
    [
      'a public key in PEM, cut',
      spki(rsa.key).slice(0, 200),
      'key-unreadable',
      missing('PUBLIC KEY'),
    ],
    ['a public key in PKCS#1', spki(rsa.key, 'pkcs1'), 'key-is-public', PUBLIC_KEY],
    [
      'a certificate alone',
      formatPublicKey(makeCertificate({ role: 1 })),
      'key-is-public',
      'This is a certificate; its private key is needed beside it.',
    ],
    [
      'an X.509 certificate',
      block('CERTIFICATE', Buffer.from('x')),
      'key-unreadable',
      'This is no private key: it says BEGIN CERTIFICATE.',
    ],
    [
      'a signature',
      block('SSH SIGNATURE', Buffer.from('x')),
      'key-unreadable',
      'This is no private key: it says BEGIN SSH SIGNATURE.',
    ],
    ['a private PGP key', block('PGP PRIVATE KEY BLOCK', Buffer.from('x')), 'key-unreadable', PGP],
    ['a public PGP key', block('PGP PUBLIC KEY BLOCK', Buffer.from('x')), 'key-unreadable', PGP],
    ['a key of ssh.com', sshCom('ENCRYPTED PRIVATE'), 'key-unreadable', SSH2],
    ['a key of ssh.com, indented', `  ${sshCom('PRIVATE')}`, 'key-unreadable', SSH2],
    // cut or changed text
    ['END missing', whole.replace(footer, ''), 'key-unreadable', missing('OPENSSH PRIVATE KEY')],
    ['END cut short', whole.slice(0, -4), 'key-unreadable', missing('OPENSSH PRIVATE KEY')],
    ['the end missing', whole.slice(0, 200), 'key-unreadable', missing('OPENSSH PRIVATE KEY')],
    ['BEGIN alone', header, 'key-unreadable', missing('OPENSSH PRIVATE KEY')],
    [
      'END of another kind',
      whole.replace('END OPENSSH', 'END RSA'),
      'key-unreadable',
      missing('OPENSSH PRIVATE KEY'),
    ],
    [
      'END missing before another key',
      whole.replace(footer, '') + pem(rsa.key),
      'key-unreadable',
      missing('OPENSSH PRIVATE KEY'),
    ],
    [
      'END missing of the second',
      pem(rsa.key) + whole.replace(footer, ''),
      'key-unreadable',
      missing('OPENSSH PRIVATE KEY'),
    ],
    [
      'BEGIN missing',
      whole.replace(header, ''),
      'key-unreadable',
      `There is a line ${footer} without its BEGIN line.`,
    ],
    [
      'BEGIN missing, and END damaged',
      `${body.join('')}\n-----END OPENSSH PRIVATE KEY---${body.join('')}`,
      'key-unreadable',
      'There is a line -----END … without its BEGIN line.',
    ],
    [
      'nothing within',
      `${header}\n${footer}\n`,
      'key-unreadable',
      'What stands between BEGIN and END OPENSSH PRIVATE KEY is not base64.',
    ],
    [
      'stars within',
      whole.replace(/\n.{9}/, '\n***'),
      'key-unreadable',
      'What stands between BEGIN and END OPENSSH PRIVATE KEY is not base64.',
    ],
    [
      'dots within',
      pem(rsa.key, 'pkcs1').replace(/\n.{64}\n/, '\n...\n'),
      'key-unreadable',
      'What stands between BEGIN and END RSA PRIVATE KEY is not base64.',
    ],
    [
      'the first line missing',
      [header, ...body.slice(1), footer].join('\n'),
      'key-unreadable',
      'The OpenSSH key does not begin with openssh-key-v1.',
    ],
    [
      'the last line missing',
      [header, ...body.slice(0, -1), footer].join('\n'),
      'key-unreadable',
      'The OpenSSH key is cut short or damaged.',
    ],
    [
      'PKCS#8 with a line missing',
      pem(rsa.key).replace(/\n.{64}\n/, '\n'),
      'key-unreadable',
      isDamaged('PRIVATE KEY'),
    ],
    [
      'PKCS#1 with a line missing',
      pem(rsa.key, 'pkcs1').replace(/\n.{64}\n/, '\n'),
      'key-unreadable',
      isDamaged('RSA PRIVATE KEY'),
    ],
    [
      'SEC1 with a line missing',
      pem(ecdsa.key, 'sec1').replace(/\n.{64}\n/, '\n'),
      'key-unreadable',
      isDamaged('EC PRIVATE KEY'),
    ],
    [
      'a PPK without its last line',
      ppk.replace(/Private-MAC.*\n/, ''),
      'key-unreadable',
      'The PuTTY key is cut short: its line Private-MAC is missing.',
    ],
    [
      'a PPK cut in its body',
      ppk.slice(0, ppk.indexOf('Private-Lines')),
      'key-unreadable',
      'The PuTTY key is cut short: its line Private-Lines is missing.',
    ],
    [
      'a PPK with blanks taken from its comment',
      encodePuttyKey({ ...rsa, comment: 'a ' }).replace('a \n', 'a\n'),
      'key-unreadable',
      'The PuTTY key does not fit its MAC: it is damaged, or was changed.',
    ],
    [
      'an unknown label',
      whole.replaceAll('OPENSSH', 'FUNNY'),
      'key-unreadable',
      isDamaged('FUNNY PRIVATE KEY'),
    ],
    // encrypted
    [
      'OpenSSH with a passphrase',
      encodeOpenSshKey(ed25519, PASSPHRASE, 1),
      'key-encrypted',
      'The OpenSSH key is encrypted with a passphrase.',
    ],
    ...(['pkcs8', 'pkcs1'] as const).map((type): [string, string, string, string] => [
      `${type} with a passphrase`,
      locked(rsa.key, type, PASSPHRASE),
      'key-encrypted',
      'The PEM key is encrypted with a passphrase.',
    ]),
    [
      'a PPK with a passphrase',
      ppk
        .replace('none', 'aes256-cbc')
        .replace('File-3', 'File-2')
        .replace(/(Private-Lines: 1\n).*/, `$1${Buffer.alloc(48).toString('base64')}`),
      'key-encrypted',
      'The PuTTY key is encrypted with a passphrase.',
    ],
    // the OpenSSH format within
    [
      'check numbers that differ',
      openSsh(flipped(bytes, 98)),
      'key-unreadable',
      'The OpenSSH key has two check numbers that differ: it is damaged.',
    ],
    [
      'bytes at the end',
      openSsh(Buffer.concat([bytes, Buffer.alloc(3)])),
      'key-unreadable',
      'The OpenSSH key has 3 bytes too many at its end.',
    ],
    [
      'wrong padding',
      openSsh(flipped(bytes, bytes.length - 1)),
      'key-unreadable',
      'The OpenSSH key has wrong padding: it is damaged.',
    ],
    [
      'another public key outside',
      openSsh(flipped(bytes, 60)),
      'key-unreadable',
      'The OpenSSH key names another public key than that of its private key.',
    ],
    // halves
    ['halves of two keys in OpenSSH', encodeOpenSshKey(mixed), 'key-unreadable', NOT_TOGETHER],
    ['halves of two keys in PPK', encodePuttyKey(mixed), 'key-unreadable', NOT_TOGETHER],
    [
      'halves of two keys in SEC1',
      block('EC PRIVATE KEY', strangeHalf()),
      'key-unreadable',
      NOT_TOGETHER,
    ],
    // kinds
    ...['secp256k1', 'secp224r1', 'brainpoolP256r1'].flatMap((curve) =>
      (['sec1', 'pkcs8'] as const).map((type): [string, string, string, string] => [
        `${curve} in ${type}`,
        pem(newEc(curve), type),
        'key-type-unsupported',
        unsupported(curve),
      ]),
    ),
    ['ed448 in PKCS#8', pem(ed448), 'key-type-unsupported', unsupported('ed448')],
    ['x25519 in PKCS#8', pem(x25519), 'key-type-unsupported', unsupported('x25519')],
    ['RSA-PSS in PKCS#8', pem(rsaPss), 'key-type-unsupported', unsupported('rsa-pss')],
    ['DSA in PKCS#8', pem(dsa), 'key-type-unsupported', DSA],
    ['DSA in PEM', block('DSA PRIVATE KEY', Buffer.from('x')), 'key-type-unsupported', DSA],
    ['DSA in OpenSSH', openSshOf('ssh-dss'), 'key-type-unsupported', DSA],
    ['DSA in PPK', ppkOf('ssh-dss'), 'key-type-unsupported', DSA],
    ...['ssh-ed448', 'sk-ssh-ed25519@openssh.com', 'ecdsa-sha2-1.3.132.0.10'].flatMap(
      (type): [string, string, string, string][] => [
        [`${type} in OpenSSH`, openSshOf(type), 'key-type-unsupported', unsupported(type)],
        [`${type} in PPK`, ppkOf(type), 'key-type-unsupported', unsupported(type)],
      ],
    ),
    // sizes
    ['RSA-1024 in PKCS#1', pem(small, 'pkcs1'), 'key-too-small', SMALL],
    ['RSA-1024 in PKCS#8', pem(small), 'key-too-small', SMALL],
    ['RSA-1024 in OpenSSH', encodeOpenSshKey(smallKey), 'key-too-small', SMALL],
    ['RSA-1024 in PPK', encodePuttyKey(smallKey), 'key-too-small', SMALL],
    // several
    ['the second of two', whole + pem(small), 'key-too-small', `Key 2 of 2: ${SMALL}`],
    [
      'an X.509 certificate beside a key',
      whole + block('CERTIFICATE', Buffer.from('x')),
      'key-unreadable',
      'Key 2 of 2: This is no private key: it says BEGIN CERTIFICATE.',
    ],
    [
      'a PPK after a public key',
      `${formatPublicKey(rsa.publicKey)}\n${ppkOf('ssh-dss')}`,
      'key-type-unsupported',
      DSA,
    ],
  ]

  test('(the files of these are well but for it)', () => {
    const texts = [whole, openSsh(bytes), ppk]
    for (const text of texts) {
      expect(publicKeys(parsePrivateKeys(text))).toEqual([ed25519.publicKey])
    }
  })

  test.each(ROWS)('%s', (_, text, code, message) => {
    expect(errorOf(() => parsePrivateKeys(text))).toMatchObject({ code, message })
  })
})

describe('work without end is refused at once', () => {
  const salted = (rounds: number): Buffer =>
    Buffer.concat([string(Buffer.alloc(16, 1)), uint32(rounds)])
  const bcrypt = (rounds: number): string =>
    block(
      'OPENSSH PRIVATE KEY',
      Buffer.concat([
        Buffer.from('openssh-key-v1\0'),
        ...[string('aes256-ctr'), string('bcrypt'), string(salted(rounds)), uint32(1)],
        ...[string(ed25519.publicKey), string(Buffer.alloc(160))],
      ]),
    )
  const argon2 = (memory: number, passes: number, lanes = 1): string =>
    encodePuttyKey(ed25519)
      .replace('none', 'aes256-cbc')
      .replace(/(Private-Lines: 1\n).*/, `$1${Buffer.alloc(48).toString('base64')}`)
      .replace(
        'Private-Lines',
        [
          ...['Key-Derivation: Argon2id', `Argon2-Memory: ${memory}`, `Argon2-Passes: ${passes}`],
          ...[`Argon2-Parallelism: ${lanes}`, `Argon2-Salt: ${'ab'.repeat(16)}`, 'Private-Lines'],
        ].join('\n'),
      )

  test.each<[string, string, string]>([
    [
      'rounds of bcrypt',
      bcrypt(0xffffffff),
      'The OpenSSH key wants 4294967295 rounds of bcrypt; 512 are the most that are worked off.',
    ],
    [
      'one round of bcrypt too many',
      bcrypt(513),
      'The OpenSSH key wants 513 rounds of bcrypt; 512 are the most that are worked off.',
    ],
    [
      'memory of Argon2',
      argon2(4194304, 1),
      'The PuTTY key says Argon2-Memory: 4194304, and 1048576 is the most.',
    ],
    [
      'passes of Argon2',
      argon2(8192, 4000000000),
      'The PuTTY key says Argon2-Passes: 4000000000, and 4194304 is the most.',
    ],
    [
      'memory and passes of Argon2',
      argon2(1048576, 5),
      'The PuTTY key wants 5 passes of Argon2 over 1048576 KiB (lanes: 1), which would take longer than ten seconds.',
    ],
    [
      'lanes of Argon2',
      argon2(8192, 1, 4000),
      'The PuTTY key says Argon2-Parallelism: 4000, and 64 is the most.',
    ],
  ])('%s', (_, text, message) => {
    for (const bomb of [text, Buffer.from(text).toString('base64')]) {
      expect(errorOf(() => parsePrivateKeys(bomb, [PASSPHRASE]))).toMatchObject({
        code: 'key-unreadable',
        message,
      })
    }
  })
})

describe('nothing but a key or a TrustError without the secret comes of', () => {
  const TEXTS = [
    ...[ed25519, ecdsa].map((key) => encodeOpenSshKey(key)),
    encodeOpenSshKey(ed25519, 'not given', 1),
    ...[pem(ed25519.key), pem(rsa.key, 'pkcs1'), pem(ecdsa.key, 'sec1')],
    ...[locked(ed25519.key, 'pkcs8', PASSPHRASE), locked(ecdsa.key, 'sec1', PASSPHRASE)],
    ...[encodePuttyKey(ed25519), encodePuttyKey(ecdsa)],
  ]

  const WINDOW = 16
  const windows = (text: string): string[] =>
    Array.from({ length: Math.max(0, text.length - WINDOW + 1) }, (_, at) =>
      text.slice(at, at + WINDOW),
    )
  /** All of the base64 of the private parts. */
  const SECRETS = new Set(
    TEXTS.map((text) => text.replace(/[^]*Private-Lines: .*\n|\nPrivate-MAC[^]*/g, ''))
      .map((text) => text.replace(/-----.*-----|^.*: .*$/gm, '').replace(/\s/g, ''))
      .flatMap(windows),
  )

  /** The code of the error; undefined for a key. */
  const attempt = (text: string): string | undefined => {
    try {
      // A wrong passphrase for OpenSSH's would be worked off, with as many rounds as were forged.
      const passphrases = /OPENSSH/.test(text) ? [] : [PASSPHRASE]
      parsePrivateKeys(text, passphrases)
      return undefined
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      const leak = windows(error.explain()).find((window) => SECRETS.has(window))
      if (leak !== undefined) throw new Error('an error shows the secret', { cause: error })
      return error.code
    }
  }

  test('the files as they are', () => {
    expect(SECRETS.size).toBeGreaterThan(2000)
    expect(TEXTS.map(attempt)).toEqual(
      TEXTS.map((_, index) => (index === 2 ? 'key-encrypted' : undefined)),
    )
  })

  test.each(TEXTS.map((text) => [/(\S+ )?PRIVATE KEY|PuTTY\S+/.exec(text)?.[0] ?? '', text]))(
    'cutting a file anywhere: %s',
    (_, text) => {
      const told = windows(text).map((__, at) => attempt(text.slice(0, at)))
      const codes = ['key-empty', 'key-unreadable', 'key-type-unsupported'] // cut in a PPK's type
      expect(codes).toEqual(expect.arrayContaining([...new Set(told)]))
      windows(text).forEach((__, at) => attempt(text.slice(at)))
      expect(attempt(text.trimEnd())).toBe(attempt(text))
    },
  )

  const mutated = fc
    .constantFrom(...TEXTS)
    .chain((text) => damaged(Buffer.from(text)))
    .map((bytes) => bytes.toString('latin1'))
  const spliced = fc
    .tuple(fc.constantFrom(...TEXTS), fc.constantFrom(...TEXTS), fc.nat(400), fc.nat(400))
    .map(([a, b, from, to]) => a.slice(0, from) + b.slice(to))
  const MARKS = [
    ...['-----BEGIN ', '-----END ', '-----', ' ', '\t', '\r', '\n', '\\n', '"', '\uFEFF', '\0'],
    ...[
      'OPENSSH PRIVATE KEY',
      'PuTTY-User-Key-File-2: ',
      'Private-MAC: ',
      'Proc-Type: 4,ENCRYPTED',
    ],
    ...['---- BEGIN SSH2 ', 'ssh-ed25519-cert-v01@openssh.com AAAA', 'ssh-rsa AAAA', 'é'],
  ]
  const inserted = fc
    .tuple(fc.constantFrom(...TEXTS), fc.array(fc.tuple(fc.nat(800), fc.constantFrom(...MARKS))))
    .map(([text, marks]) =>
      marks.reduce((now, [at, mark]) => now.slice(0, at) + mark + now.slice(at), text),
    )
  const any = fc.oneof(mutated, spliced, inserted, fc.string())

  test.each([
    ['damaging bytes', mutated],
    ['putting the beginning of one before the end of another', spliced],
    ['putting in what looks like a mark', inserted],
    ['putting several together', fc.array(any, { maxLength: 4 }).map((texts) => texts.join(''))],
    ['the base64 of any', any.map((text) => Buffer.from(text).toString('base64'))],
    ['any other text', fc.string({ unit: fc.constantFrom(...MARKS, 'A', '/', '=') })],
  ])('%s', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => void attempt(text)),
      { numRuns: 400 },
    )
  })

  test('a text that is as long as can be', () => {
    const most = 256 * 1024
    for (const part of [
      '-----BEGIN A-----\n',
      'a: b\n',
      '"',
      "' ",
      '\\n',
      ' ',
      'PuTTY-User-Key-File-2: \n',
      '-----END ',
      'A',
    ]) {
      const text = part.repeat(most / part.length)
      expect(attempt(text)).toMatch(/^key-/)
      expect(attempt(`-----BEGIN RSA PRIVATE KEY-----\n${text}`.slice(0, most))).toMatch(/^key-/)
    }
  })
})
