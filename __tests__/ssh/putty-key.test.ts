/** PuTTY's private key files: against the real puttygen in every version and kind, and every defect. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import * as crypto from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { TrustError } from '../../src/errors'
import { generatePrivateKey, privateKeyFrom, type PrivateKey } from '../../src/ssh/private-key'
import { formatPublicKey, KEY_TYPES, parsePublicKey } from '../../src/ssh/public-key'
import { decodePuttyKey, encodePuttyKey } from '../../src/ssh/putty-key'
import { makeSignature, verifySignature } from '../../src/ssh/signature'
import { string } from '../../src/ssh/wire'
import { makeKey, type Key } from '../support/keys'
import { describeWith, program } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { damaged, errorOf, KEYGEN, sample, throwsOnlyTrustErrors } from './samples'

const PASSPHRASE = 'corréct horse'

/** Node has it since 24.7. */
const HAS_ARGON2 = 'argon2Sync' in crypto

/** Has puttygen turn `file` into another; `args` say what into. */
async function puttygen(
  file: string,
  args: readonly string[],
  passphrases: { old?: string; new?: string } = {},
): Promise<string> {
  const directory = makeDirectory()
  const out = join(directory, 'out')
  const option = (name: 'old' | 'new'): string[] => {
    const path = join(directory, name)
    writeFileSync(path, passphrases[name] ?? '')
    return [`--${name}-passphrase`, path]
  }
  const old = passphrases.old === undefined ? [] : option('old')
  // It asks for a new passphrase, if none is given, wherever it writes a private key.
  const more = args.some((arg) => arg.startsWith('private')) ? option('new') : []
  await mustRun(program('puttygen'), [file, '-q', '-o', out, ...args, ...old, ...more])
  return readFileSync(out, 'utf8')
}

function toPpk(key: Key, param: string, passphrase?: string): Promise<string> {
  const passphrases = passphrase === undefined ? {} : { new: passphrase }
  return puttygen(
    key.privateKeyFile,
    ['-O', 'private', '--ppk-param', param, '-C', 'me @ hömé'],
    passphrases,
  )
}

function fileWith(text: string): string {
  const file = join(makeDirectory(), 'key')
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

/** Holds what was read to the public key, also with a signature. */
function expectKey(key: PrivateKey, publicKey: string): void {
  const { type, blob } = parsePublicKey(publicKey)
  expect(key).toMatchObject({ type, comment: 'me @ hömé' })
  expect(key.publicKey.equals(blob)).toBe(true)
  const data = Buffer.from('signed')
  expect(verifySignature(blob, makeSignature(type, key.key, data, 'sha512'), data)).toBe(true)
}

/** The key of an encrypted file of version 3, or the message that Argon2 is not there. */
function expectEncrypted3(text: string, publicKey: string): void {
  if (HAS_ARGON2) {
    expectKey(decodePuttyKey(text, PASSPHRASE), publicKey)
    expect(errorOf(() => decodePuttyKey(text, 'wrong'))).toMatchObject({
      code: 'key-passphrase-wrong',
      message: 'The passphrase of the PuTTY key is wrong, or the file was changed.',
    })
  } else {
    expect(errorOf(() => decodePuttyKey(text, PASSPHRASE))).toMatchObject({
      code: 'platform-unsupported',
      message: `Encrypted PuTTY keys of version 3 need Argon2, which Node has since version 24.7; this is ${process.version}.`,
    })
  }
  expect(errorOf(() => decodePuttyKey(text))).toMatchObject({ code: 'key-encrypted' })
}

describeWith(['ssh-keygen', 'puttygen'], 'a key that puttygen writes', () => {
  describe.each(KEYGEN)('%s', (_, keygenType, options) => {
    let key: Key
    beforeAll(async () => {
      key = await makeKey(makeDirectory(), keygenType, options)
    })

    test.each([2, 3])('in version %i without a passphrase is read', async (version) => {
      const text = await toPpk(key, `version=${String(version)}`)
      expect(text).toContain(`PuTTY-User-Key-File-${String(version)}: `)
      expectKey(decodePuttyKey(text), key.publicKey)
      expectKey(decodePuttyKey(text, 'not needed'), key.publicKey)
      // Appendix C.2: CR+LF and CR are tolerated.
      expectKey(decodePuttyKey(text.replaceAll('\n', '\r\n')), key.publicKey)
      expectKey(decodePuttyKey(`\uFEFF\n${text.trim().replaceAll('\n', '\r')}`), key.publicKey)
    })

    test('in version 2 with a passphrase is read with it alone', async () => {
      const text = await toPpk(key, 'version=2', PASSPHRASE)
      expectKey(decodePuttyKey(text, PASSPHRASE), key.publicKey)
      expectKey(decodePuttyKey(text, Buffer.from(PASSPHRASE)), key.publicKey)
      const wrong = errorOf(() => decodePuttyKey(text, 'wrong'))
      expect(wrong).toMatchObject({ code: 'key-passphrase-wrong' })
      expect(errorOf(() => decodePuttyKey(text, ''))).toMatchObject({ code: 'key-encrypted' })
    })

    test.each(['argon2id', 'argon2i', 'argon2d'])('in version 3 with %s is read', async (kdf) => {
      const text = await toPpk(key, `version=3,kdf=${kdf},memory=512,passes=2`, PASSPHRASE)
      expect(text.toLowerCase()).toContain(`key-derivation: ${kdf}\n`)
      expectEncrypted3(text, key.publicKey)
    })

    test('is read by puttygen when it was written here', async () => {
      const blob = parsePublicKey(key.publicKey).blob
      const read = { ...decodePuttyKey(await toPpk(key, 'version=3')), comment: 'a – b' }
      const text = encodePuttyKey(read)
      const told = formatPublicKey(blob, 'a – b')
      expect(decodePuttyKey(text)).toMatchObject({ comment: 'a – b', publicKey: blob })
      expect((await puttygen(fileWith(text), ['-L'])).trim()).toBe(told)
      expect(await puttygenToSsh(text)).toBe(told)
      if (!HAS_ARGON2) return
      const locked = encodePuttyKey(read, PASSPHRASE)
      expect(decodePuttyKey(locked, PASSPHRASE).key.equals(read.key)).toBe(true)
      expect(await puttygenToSsh(locked, PASSPHRASE)).toBe(told)
      await expect(puttygenToSsh(locked, 'wrong')).rejects.toThrow('wrong passphrase')
    })
  })

  /** The public key that ssh-keygen sees in what puttygen makes of the private part of `text`. */
  async function puttygenToSsh(text: string, passphrase?: string): Promise<string> {
    const passphrases = passphrase === undefined ? {} : { old: passphrase }
    const ssh = await puttygen(fileWith(text), ['-O', 'private-openssh-new'], passphrases)
    return (await mustRun(program('ssh-keygen'), ['-y', '-P', '', '-f', fileWith(ssh)])).trim()
  }

  test('with what puttygen takes for Argon2 by itself, and in several lanes, is read', async () => {
    const key = await makeKey(makeDirectory(), 'ed25519')
    for (const param of ['version=3', 'version=3,memory=1024,passes=3,parallelism=4']) {
      expectEncrypted3(await toPpk(key, param, PASSPHRASE), key.publicKey)
    }
  })

  test('whose ed25519 seed ends in a zero, which older versions left out, is read', async () => {
    let seed = Buffer.of(1)
    let key = generatePrivateKey({ type: 'ssh-ed25519' }, 'short')
    while (seed.at(-1) !== 0) {
      key = generatePrivateKey({ type: 'ssh-ed25519' }, 'short')
      seed = Buffer.from(key.key.export({ format: 'jwk' }).d ?? '', 'base64url')
    }
    const full = encodePuttyKey(key)
    const short = withMac(
      full.replace(/(Lines: 1\n).*/, `$1${string(seed.subarray(0, -1)).toString('base64')}`),
    )
    expect(short).not.toBe(full)
    for (const text of [full, short]) {
      expect(decodePuttyKey(text).key.equals(key.key)).toBe(true)
      expect(await puttygenToSsh(text)).toBe(formatPublicKey(key.publicKey, 'short'))
    }
  })

  test('of a type that is not taken is refused for its type', async () => {
    const make = (type: string): Promise<string> => {
      const out = join(makeDirectory(), 'key')
      const bits = type === 'dsa' ? ['-b', '1024'] : []
      const empty = fileWith('')
      const args = ['-t', type, ...bits, '-q', '-o', out, '--new-passphrase', empty]
      return mustRun(program('puttygen'), args).then(() => readFileSync(out, 'utf8'))
    }
    const dsa = await make('dsa')
    expect(errorOf(() => decodePuttyKey(dsa))).toMatchObject({
      code: 'key-type-unsupported',
      message: 'DSA keys are not accepted.',
    })
    const ed448 = await make('ed448')
    expect(errorOf(() => decodePuttyKey(ed448))).toMatchObject({
      code: 'key-type-unsupported',
      message: 'Keys of type "ssh-ed448" are not supported.',
    })
  })
})

const key = privateKeyFrom(sample().privateKey, 'a comment')
const PLAIN = encodePuttyKey(key)

/** An encrypted file of version 3: nothing in it fits, but all of it is in form. */
const LOCKED = PLAIN.replace('none', 'aes256-cbc')
  .replace(
    'Private-Lines',
    [
      ...['Key-Derivation: Argon2id', 'Argon2-Memory: 8192', 'Argon2-Passes: 13'],
      ...['Argon2-Parallelism: 1', `Argon2-Salt: ${'ab'.repeat(16)}`, 'Private-Lines'],
    ].join('\n'),
  )
  .replace(/(Private-Lines: 1\n).*/, `$1${Buffer.alloc(48).toString('base64')}`)

/** `text`, which is not encrypted and of version 3, with the MAC that it should have. */
function withMac(text: string, encoding: BufferEncoding = 'utf8'): string {
  const header = (name: string): Buffer =>
    Buffer.from(new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? '', encoding)
  const body = (name: string): Buffer => {
    const [, count = '', rest = ''] =
      new RegExp(`^${name}-Lines: (.*)\n([^]*)`, 'm').exec(text) ?? []
    return Buffer.from(rest.split('\n').slice(0, Number(count)).join(''), 'base64')
  }
  const mac = crypto.createHmac('sha256', '')
  for (const part of [
    header('PuTTY-User-Key-File-3'),
    ...[header('Encryption'), header('Comment'), body('Public'), body('Private')],
  ]) {
    mac.update(string(part))
  }
  return text.replace(/Private-MAC: .*/, `Private-MAC: ${mac.digest('hex')}`)
}

test('the files of the defects below are well but for them', () => {
  expect(withMac(PLAIN)).toBe(PLAIN)
  expect(decodePuttyKey(PLAIN).publicKey).toEqual(key.publicKey)
  expect(errorOf(() => decodePuttyKey(LOCKED))).toMatchObject({ code: 'key-encrypted' })
  expect(errorOf(() => decodePuttyKey(LOCKED, 'pass'))).toMatchObject({
    code: HAS_ARGON2 ? 'key-passphrase-wrong' : 'platform-unsupported',
  })
})

test.each<[string, string, string]>([
  ['nothing', '', 'The PuTTY key does not begin with PuTTY-User-Key-File.'],
  ['other text', 'hello', 'The PuTTY key does not begin with PuTTY-User-Key-File.'],
  ['too much', `${PLAIN}${'x'.repeat(65536)}`, 'The PuTTY key is too long for a key.'],
  [
    'version 1',
    PLAIN.replace('File-3', 'File-1'),
    'The PuTTY key is of version 1; 2 and 3 are known.',
  ],
  [
    'version 4',
    PLAIN.replace('File-3', 'File-4'),
    'The PuTTY key is of version 4; 2 and 3 are known.',
  ],
  [
    'a certificate in it',
    PLAIN.replace('ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com'),
    'The PuTTY key has a certificate in it.',
  ],
  [
    'an unknown cipher',
    PLAIN.replace('none', 'rot13'),
    'The PuTTY key is encrypted with the unknown cipher "rot13".',
  ],
  [
    'a line missing',
    PLAIN.replace(/^Comment.*\n/m, ''),
    'The PuTTY key has no line Comment where one must be.',
  ],
  [
    'its end missing',
    PLAIN.replace(/^Private-MAC.*\n/m, ''),
    'The PuTTY key is cut short: its line Private-MAC is missing.',
  ],
  [
    'half of it missing',
    PLAIN.replace(/\n[^\n]*\nPrivate-Lines[^]*/, ''),
    'The PuTTY key is cut short: it has fewer lines than Public-Lines says.',
  ],
  [
    'a number that is none',
    PLAIN.replace('Private-Lines: 1', 'Private-Lines: one'),
    'The PuTTY key has a line Private-Lines without a number.',
  ],
  [
    'more lines than there are',
    PLAIN.replace('Private-Lines: 1', 'Private-Lines: 4000000000'),
    'The PuTTY key says Private-Lines: 4000000000, and 9 is the most.',
  ],
  [
    'no base64',
    PLAIN.replace(/(Private-Lines: 1\n)..../, '$1****'),
    'The PuTTY key has something other than base64 after Private-Lines.',
  ],
  ['text after the end', `${PLAIN}more\n`, 'The PuTTY key has more lines after Private-MAC.'],
  [
    'a MAC that is no hexadecimal',
    PLAIN.replace(/(Private-MAC: ).*/, '$1zz'),
    'The PuTTY key has a damaged line Private-MAC.',
  ],
  [
    'a MAC cut short',
    PLAIN.replace(/(Private-MAC: ..).*/, '$1'),
    'The PuTTY key does not fit its MAC: it is damaged, or was changed.',
  ],
  [
    'another comment',
    PLAIN.replace('a comment', 'b comment'),
    'The PuTTY key does not fit its MAC: it is damaged, or was changed.',
  ],
  [
    'half a block',
    LOCKED.replace(/(Private-Lines: 1\n).*/, `$1${Buffer.alloc(40).toString('base64')}`),
    'The PuTTY key has an encrypted part that is no multiple of 16 bytes.',
  ],
  [
    'another type than its key',
    withMac(PLAIN.replace('File-3: ssh-ed25519', 'File-3: ecdsa-sha2-nistp256')),
    'The PuTTY key says ecdsa-sha2-nistp256, and its public key something else.',
  ],
  [
    'the private part of another',
    withMac(PLAIN.replace(/(Private-Lines: 1\nAAAAI)...../, '$1AAAAA')),
    'The private and the public half of the key do not belong together.',
  ],
  [
    'a private part that is too short',
    withMac(PLAIN.replace(/(Private-Lines: 1\nAAAAI...).*/, '$1')),
    'The PuTTY key is damaged.',
  ],
  [
    'an unknown key derivation',
    LOCKED.replace('Argon2id', 'toString'),
    'The PuTTY key has the unknown key derivation "toString".',
  ],
  [
    'memory without end',
    LOCKED.replace('Memory: 8192', 'Memory: 4194304'),
    'The PuTTY key says Argon2-Memory: 4194304, and 1048576 is the most.',
  ],
  [
    'passes without end',
    LOCKED.replace('Passes: 13', 'Passes: 4194305'),
    'The PuTTY key says Argon2-Passes: 4194305, and 4194304 is the most.',
  ],
  [
    'too many passes over too much memory',
    LOCKED.replace('Memory: 8192', 'Memory: 1048576'),
    'The PuTTY key wants 13 passes of Argon2 over 1048576 KiB (lanes: 1), which would take longer than ten seconds.',
  ],
  [
    'too many passes in many lanes',
    LOCKED.replace('8192', '512')
      .replace('Passes: 13', 'Passes: 8192')
      .replace('lism: 1', 'lism: 64'),
    'The PuTTY key wants 8192 passes of Argon2 over 512 KiB (lanes: 64), which would take longer than ten seconds.',
  ],
  [
    'too many lanes',
    LOCKED.replace('Parallelism: 1', 'Parallelism: 65'),
    'The PuTTY key says Argon2-Parallelism: 65, and 64 is the most.',
  ],
  [
    'no passes',
    LOCKED.replace('Passes: 13', 'Passes: 0'),
    'The PuTTY key has settings for Argon2 that are out of bounds.',
  ],
  [
    'less memory than lanes need',
    LOCKED.replace('Memory: 8192', 'Memory: 8').replace('Parallelism: 1', 'Parallelism: 2'),
    'The PuTTY key has settings for Argon2 that are out of bounds.',
  ],
  [
    'a short salt',
    LOCKED.replace('ab'.repeat(16), 'ab'.repeat(7)),
    'The PuTTY key has a salt of 7 bytes.',
  ],
  [
    'a long salt',
    LOCKED.replace('ab'.repeat(16), 'ab'.repeat(65)),
    'The PuTTY key has a salt of 65 bytes.',
  ],
])('%s: the defect is named', (_, text, message) => {
  const started = Date.now()
  const error = errorOf(() => decodePuttyKey(text, PASSPHRASE))
  expect(error).toMatchObject({ code: 'key-unreadable', message })
  expect(Date.now() - started).toBeLessThan(1000)
})

describe('a comment', () => {
  test.each(['', '  blanks around  ', 'a: b', '"quoted"', 'ümläut 鍵'])('%j is kept', (comment) => {
    expect(decodePuttyKey(encodePuttyKey({ ...key, comment })).comment).toBe(comment)
  })

  test('cannot break the file', () => {
    const text = encodePuttyKey({ ...key, comment: 'a\r\nPublic-Lines: 9' })
    expect(decodePuttyKey(text).comment).toBe('a Public-Lines: 9')
  })

  test('that Windows wrote in its own encoding, and that has become UTF-8, still fits', () => {
    const text = withMac(PLAIN.replace('a comment', 'clé'), 'latin1')
    expect(text).not.toBe(withMac(text))
    expect(decodePuttyKey(text).comment).toBe('clé')
  })
})

test('a passphrase with no Argon2 to use it is told before anything is written', () => {
  if (HAS_ARGON2) {
    expect(encodePuttyKey(key, 'a')).not.toBe(encodePuttyKey(key, 'a'))
  } else {
    const error = errorOf(() => encodePuttyKey(key, 'a'))
    expect(error).toMatchObject({ code: 'platform-unsupported' })
  }
})

describe('damage', () => {
  const files = KEY_TYPES.map((type) => {
    return Buffer.from(encodePuttyKey(privateKeyFrom(sample(type).privateKey, 'me')))
  })

  test('makes nothing but TrustErrors', () => {
    const whole = [...files, Buffer.from(LOCKED)]
    throwsOnlyTrustErrors(whole, (bytes) => decodePuttyKey(bytes.toString('latin1')))
  })

  test('is always noticed, for the MAC holds all together', () => {
    for (const file of files) {
      const whole = decodePuttyKey(file.toString())
      const attempt = (bytes: Buffer): void => {
        let read: PrivateKey
        try {
          read = decodePuttyKey(bytes.toString('latin1'))
        } catch (error) {
          expect(error).toBeInstanceOf(TrustError)
          return
        }
        // Blanks and line ends may change.
        expect(read.key.equals(whole.key)).toBe(true)
        expect(read.comment).toBe(whole.comment)
      }
      fc.assert(fc.property(damaged(file), attempt), { numRuns: 100 })
    }
  })

  test('of the private part, with a MAC that fits, makes nothing but TrustErrors', () => {
    for (const file of files) {
      const text = file.toString()
      const [, before = '', count = '', after = ''] =
        /^([^]*)Private-Lines: (\d+)\n([^]*)$/.exec(text) ?? []
      const lines = after.split('\n')
      const part = Buffer.from(lines.slice(0, Number(count)).join(''), 'base64')
      throwsOnlyTrustErrors(
        [part],
        (bytes) => {
          const forged = `Private-Lines: 1\n${bytes.toString('base64')}\nPrivate-MAC: 00\n`
          return decodePuttyKey(withMac(before + forged))
        },
        60,
      )
    }
  })
})
