/** Lines of authorized_keys: read as sshd reads them, added and removed byte for byte. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  addAuthorizedKey,
  expirySupport,
  expiryTime,
  formatAuthorizedKey,
  parseAuthorizedKey,
  parseAuthorizedKeys,
  parseKeyOptions,
  removeAuthorizedKey,
  removeKeys,
  type Addition,
} from '../../src/ssh/authorized-keys'
import { generatePrivateKey } from '../../src/ssh/private-key'
import { fingerprint, formatPublicKey } from '../../src/ssh/public-key'
import { byte, string } from '../../src/ssh/wire'
import { lineOf, newKey, startHost, type Host } from '../remote/fixtures'
import { describeWith } from '../support/programs'

const key = newKey('me@laptop')
const other = newKey('deploy (CI) ä')
const line = lineOf(key)
const otherLine = lineOf(other)
const base64 = key.publicKey.toString('base64')

function bytes(text: string): Buffer {
  return Buffer.from(text)
}

function added(content: Buffer | string, text = line): Extract<Addition, { status: 'added' }> {
  const result = addAuthorizedKey(Buffer.from(content), text)
  if (result.status !== 'added') throw new Error('present')
  return result
}

describe('a line', () => {
  test.each([
    ['plain', line, [], 'me@laptop'],
    ['without comment', `ssh-ed25519 ${base64}`, [], ''],
    ['with blanks before, between and after', `\t ssh-ed25519 \t${base64}  a  b \t`, [], 'a  b'],
    ['with CR at its end', `ssh-ed25519 ${base64}\r`, [], ''],
    ['with CR behind the comment', `${line}\r`, [], 'me@laptop'],
    ['cut by NUL, as in C', `${line}\0 more`, [], 'me@laptop'],
    ['with options', `restrict,pty ${line}`, ['restrict', 'pty'], 'me@laptop'],
    [
      'with blanks, commas and quotes in an option',
      `command="echo \\"a, b\\"",from="10.0.0.0/8,::1" ${line}`,
      ['command="echo \\"a, b\\""', 'from="10.0.0.0/8,::1"'],
      'me@laptop',
    ],
    ['with an option that nobody knows', `frobnicate ${line}`, ['frobnicate'], 'me@laptop'],
    ['with a key type as an option', `ssh-rsa ${line}`, ['ssh-rsa'], 'me@laptop'],
  ])('%s', (_, text, options, comment) => {
    const read = parseAuthorizedKey(bytes(text))
    expect(read).toMatchObject({ options, comment, type: 'ssh-ed25519' })
    expect(read?.blob).toEqual(key.publicKey)
  })

  test.each([
    ['blank', ' \t'],
    ['a lone CR', '\r'],
    ['a comment', `# ${line}`],
    ['no base64', 'ssh-ed25519 !!!'],
    ['base64 cut short', line.slice(0, 40)],
    ['a key without type', base64],
    ['another type than inside', `ssh-rsa ${base64}`],
    ['quotes that do not end', `command="x ${line}`],
    ['options alone', 'restrict'],
    ['UTF-8 BOM and nothing else before it', `\uFEFF${line.slice(12)}`],
    ['the type in the wrong case', `SSH-ED25519 ${base64}`],
  ])('%s is no key', (_, text) => {
    expect(parseAuthorizedKey(bytes(text))).toBeUndefined()
  })

  test('a type that we do not know is a key all the same', () => {
    const blob = Buffer.concat([string('sk-ssh-ed25519@openssh.com'), string(byte(1))])
    const text = formatPublicKey(blob, 'yubikey')
    expect(parseAuthorizedKey(bytes(text))).toMatchObject({ type: 'sk-ssh-ed25519@openssh.com' })
  })

  test('of any bytes never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        parseAuthorizedKeys(Buffer.from(data))
      }),
    )
  })

  test('cut anywhere is never another key', () => {
    for (let length = 0; length < line.length; length += 1) {
      const read = parseAuthorizedKey(bytes(`restrict ${line}`.slice(0, length)))
      if (read !== undefined) expect(read.blob).toEqual(key.publicKey)
    }
  })
})

describe('adding', () => {
  test.each([
    ['to nothing', '', `${line}\n`, false],
    ['behind a line', `${otherLine}\n`, `${otherLine}\n${line}\n`, false],
    ['where the last newline is missing', otherLine, `${otherLine}\n${line}\n`, true],
    ['to a file with CRLF', `${otherLine}\r\n`, `${otherLine}\r\n${line}\r\n`, false],
    [
      'to a file with CRLF whose last newline is missing',
      `# x\r\n${otherLine}`,
      `# x\r\n${otherLine}\r\n${line}\r\n`,
      true,
    ],
    ['to a lone newline', '\n', `\n${line}\n`, false],
  ])('%s', (_, before, after, mended) => {
    const result = added(before)
    expect(result.content.toString()).toBe(after)
    expect(result.newlineMended !== undefined).toBe(mended)
  })

  test.each([
    ['the same line', line],
    ['another comment', `ssh-ed25519 ${base64} somebody`],
    ['options', `restrict,command="x" ${line}`],
    ['no newline', line],
  ])('nothing where the key is there with %s', (_, existing) => {
    const content = bytes(`# mine\n${existing}`)
    const result = addAuthorizedKey(content, line)
    expect(result).toMatchObject({ status: 'present', existing: { text: existing, lineNumber: 2 } })
    expect(result.content).toBe(content)
  })

  test('a comment with the key in it does not count', () => {
    expect(added(`#${line}\n`).content.toString()).toBe(`#${line}\n${line}\n`)
  })

  test('RSA numbers with leading zeros are the same key', () => {
    const rsa = generatePrivateKey({ type: 'ssh-rsa', bits: 2048 }, '')
    const [e, n] = [bytes('\x01\0\x01'), rsa.publicKey.subarray(-257)]
    const padded = Buffer.concat([
      string('ssh-rsa'),
      string(e),
      string(Buffer.concat([byte(0), n])),
    ])
    const content = bytes(`${formatPublicKey(padded)}\n`)
    expect(addAuthorizedKey(content, formatPublicKey(rsa.publicKey))).toHaveProperty(
      'status',
      'present',
    )
    expect(removeKeys(content, [{ kind: 'key', blob: rsa.publicKey }]).content).toHaveLength(0)
  })

  test.each([
    ['a comment', '# x'],
    ['two lines', `${line}\n${otherLine}`],
    ['a CR', `${line}\r`],
    ['NUL', `${line}\0`],
    ['too much', `${line}${'x'.repeat(8192)}`],
  ])('refuses %s', (_, text) => {
    expect(() => addAuthorizedKey(bytes(''), text)).toThrow('not a line for authorized_keys')
  })
})

/** Contents of a file in all their variety, without our key. */
const content = fc
  .array(
    fc.oneof(
      fc.constantFrom(otherLine, `restrict ${otherLine}`, `#${line}`, '', '\r', `${otherLine}\r`),
      fc.uint8Array({ maxLength: 20 }).map((data) => Buffer.from(data).toString('latin1')),
    ),
    { maxLength: 8 },
  )
  .chain((lines) => fc.constantFrom('\n', '\r\n', '').map((end) => lines.join('\n') + end))
  .map((text) => Buffer.from(text, 'latin1'))

describe('removing', () => {
  test('what was added gives what was there, byte for byte', () => {
    fc.assert(
      fc.property(content, (before) => {
        const { content: after, newlineMended } = added(before)
        const result = removeAuthorizedKey(after, line, { newlineMended })
        expect(result.content.equals(before)).toBe(true)
        expect(result.removed).toHaveLength(1)
      }),
      { numRuns: 500 },
    )
  })

  test('keeps the mended newline where something follows', () => {
    const { content: after, newlineMended } = added(otherLine)
    const more = Buffer.concat([after, bytes('# later\n')])
    const result = removeAuthorizedKey(more, line, { newlineMended })
    expect(result.content.toString()).toBe(`${otherLine}\n# later\n`)
  })

  test('keeps the mended newline where what was before it has changed', () => {
    const { content: after, newlineMended } = added(otherLine)
    const changed = bytes(after.toString().replace('deploy', 'DEPLOY'))
    const result = removeAuthorizedKey(changed, line, { newlineMended })
    expect(result.content.toString()).toBe(`${otherLine.replace('deploy', 'DEPLOY')}\n`)
  })

  test('finds the line where somebody has moved it, and put CRLF', () => {
    const result = removeAuthorizedKey(bytes(`# a\r\n${line}\r\n${otherLine}\r\n`), line)
    expect(result.content.toString()).toBe(`# a\r\n${otherLine}\r\n`)
  })

  test('removes every copy of the line', () => {
    const result = removeAuthorizedKey(bytes(`${line}\n# x\n${line}\n`), line)
    expect(result).toMatchObject({ removed: { length: 2 }, left: [] })
    expect(result.content.toString()).toBe('# x\n')
  })

  test('leaves a line that somebody has changed, unless told', () => {
    const changed = `from="10.0.0.1" ${line}`
    const file = bytes(`${changed}\n`)
    expect(removeAuthorizedKey(file, line)).toMatchObject({
      content: file,
      removed: [],
      left: [{ text: changed, options: ['from="10.0.0.1"'] }],
    })
    expect(removeAuthorizedKey(file, line, { changed: true })).toMatchObject({
      content: bytes(''),
      removed: [{ text: changed }],
      left: [],
    })
  })

  test('nothing where the key is not there', () => {
    const file = bytes(`${otherLine}\n`)
    expect(removeAuthorizedKey(file, line)).toEqual({ content: file, removed: [], left: [] })
  })
})

describe('revoking', () => {
  const file = bytes(`# keys\n${line}\nrestrict ${otherLine}\n#${line}\nodd \xff\n${line}`)

  test.each([
    ['the key', { kind: 'key', blob: key.publicKey } as const, [2, 6]],
    [
      'its fingerprint',
      { kind: 'fingerprint', fingerprint: fingerprint(key.publicKey) } as const,
      [2, 6],
    ],
    [
      'a padded one',
      { kind: 'fingerprint', fingerprint: `${fingerprint(key.publicKey)}=` } as const,
      [2, 6],
    ],
    ['a comment', { kind: 'comment', pattern: 'me@laptop' } as const, [2, 6]],
    ['a pattern of comments', { kind: 'comment', pattern: 'deploy (CI) *' } as const, [3]],
    [
      'a pattern that matches a part only',
      { kind: 'comment', pattern: 'deploy' } as const,
      [] as number[],
    ],
  ])('by %s', (_, match, expected) => {
    const result = removeKeys(file, [match])
    expect(result.removed.map(({ lineNumber }) => lineNumber)).toEqual(expected)
    const kept = file
      .toString('latin1')
      .split('\n')
      .filter((__, at) => !expected.includes(at + 1))
    const end = expected.includes(6) ? '\n' : ''
    expect(result.content.toString('latin1')).toBe(kept.join('\n') + end)
  })

  test('of nothing changes nothing', () => {
    expect(removeKeys(file, [])).toEqual({ content: file, removed: [] })
  })
})

/** Options, and whether they are good. */
const OPTIONS: readonly (readonly [text: string, good: boolean])[] = [
  ['restrict', true],
  ['RESTRICT,Pty', true],
  ['no-pty,no-X11-forwarding,no-agent-forwarding,no-port-forwarding,no-user-rc', true],
  ['from="127.0.0.1"', true],
  ['from="127.0.0.0/8,!10.0.0.1"', true],
  ['from="127.0.0.1/8"', false],
  ['from="127.0.0.0/33,127.*"', false],
  ['from="127.*,::ffff:10.0.0.0/104,fe80::/10"', true],
  ['from="fe80::1/10,127.*"', false],
  ['from="127.*,,10.*"', false],
  ['from="127.*",from="127.*"', false],
  ['command="echo \\"hello, you\\""', true],
  ['command="a",command="b"', false],
  ['command', false],
  ['restrict="x"', false],
  ['environment="A_1=b c"', true],
  ['environment="A-B=c"', false],
  ['environment="A"', false],
  ['permitopen="host:22",permitopen="[::1]:*"', true],
  ['permitopen="host"', false],
  ['permitopen="host:0"', false],
  ['permitopen="host:65536"', false],
  ['permitlisten="8080",permitlisten="localhost:8080"', true],
  ['tunnel="0"', true],
  ['tunnel="x"', false],
  ['expiry-time="20991231"', true],
  ['expiry-time="209912312359"', true],
  ['expiry-time="2099123"', false],
  ['frobnicate', false],
  ['no-restrict', false],
  ['principals="x"', false],
]

/** sshd takes these all the same; whoever writes them has made a mistake. */
const STRICTER = ['expiry-time="20990231"', 'restrict,', ',restrict']

describe('options', () => {
  test.each([...OPTIONS, ...STRICTER.map((text) => [text, false] as const)])(
    '%s is good: %s',
    (text, good) => {
      if (good) expect(() => parseKeyOptions(text)).not.toThrow()
      else
        expect(() => parseKeyOptions(text)).toThrow(
          expect.objectContaining({ code: 'input-invalid' }),
        )
    },
  )

  test.each([
    ['', []],
    ['  ', []],
    ['from=10.0.0.0/8', [{ name: 'from', value: '10.0.0.0/8' }]],
    ['command="a \\"b\\", c"', [{ name: 'command', value: 'a "b", c' }]],
    [
      'cert-authority,principals="a,b"',
      [{ name: 'cert-authority' }, { name: 'principals', value: 'a,b' }],
    ],
  ])('of %s', (text, expected) => {
    expect(parseKeyOptions(text)).toEqual(expected)
  })

  test.each([
    ['command="x', 'a quote that does not end'],
    ['restrict pty', 'no blanks between them'],
    ['command="x"y', 'quotes in odd places'],
    ['command=x"y', 'a quote that does not end'],
    ['command="x\ny"', 'control characters'],
    ['command=x\\', 'end with a backslash'],
    ['constructor', 'no option of authorized_keys'],
    ['from="a b"', 'has a blank in a pattern'],
  ])('%j: %s', (text, message) => {
    expect(() => parseKeyOptions(text)).toThrow(message)
  })

  test('come back from a line as they went in', () => {
    const value = fc
      .string({ unit: 'grapheme-ascii', minLength: 1 })
      .filter((text) => !text.endsWith('\\') && text.trim() !== '')
    fc.assert(
      fc.property(value, (command) => {
        const options = [{ name: 'restrict' }, { name: 'command', value: command }]
        const text = formatAuthorizedKey({ options, blob: key.publicKey, comment: 'c' })
        const read = parseAuthorizedKey(bytes(text))
        expect(read?.blob).toEqual(key.publicKey)
        expect(parseKeyOptions(read?.options.join(',') ?? '')).toEqual(options)
      }),
    )
  })

  test.each([
    ['a comment with a newline', { comment: 'a\nb' }, 'no control characters'],
    ['an unknown option', { options: [{ name: 'x' }] }, 'no option of authorized_keys'],
    ['a value with a newline', { options: [{ name: 'command', value: 'a\nb' }] }, 'control'],
    ['a value that is missing', { options: [{ name: 'from' }] }, 'needs a value'],
    [
      'more than a line takes',
      { options: [{ name: 'command', value: 'x'.repeat(9000) }] },
      'longer',
    ],
  ])('%s does not get into a line', (_, more, message) => {
    expect(() => formatAuthorizedKey({ blob: key.publicKey, ...more })).toThrow(message)
  })
})

describe('expiry', () => {
  const date = new Date('2030-01-31T23:30:05.999Z')

  test.each([
    ['utc' as const, '20300131233005Z'],
    [{ offset: 0 }, '20300131233005'],
    [{ offset: 120 }, '20300201013005'],
    [{ offset: -330 }, '20300131180005'],
  ])('as %j', (form, value) => {
    const option = expiryTime(date, form)
    expect(option).toEqual({ name: 'expiry-time', value })
    expect(formatAuthorizedKey({ options: [option], blob: key.publicKey })).toBe(
      `expiry-time="${value}" ssh-ed25519 ${base64}`,
    )
  })

  test.each([new Date(NaN), new Date('1969-01-01'), new Date('+010000-01-01')])('not %p', (bad) => {
    expect(() => expiryTime(bad, 'utc')).toThrow('between the years')
  })

  test.each([
    ['OpenSSH_10.0p2', 'utc'],
    ['OpenSSH_9.1', 'utc'],
    ['OpenSSH_for_Windows_9.5', 'utc'],
    ['OpenSSH_9.0p1 Ubuntu-1', 'server-time'],
    ['OpenSSH_7.7', 'server-time'],
    ['OpenSSH_7.6p1', 'none'],
    ['dropbear_2022.83', 'none'],
    ['AsyncSSH_2.1', 'unknown'],
  ])('of %s: %s', (software, support) => {
    expect(expirySupport(software)).toBe(support)
  })
})

describeWith(['sshd', 'nss_wrapper'], 'sshd', () => {
  let host: Host
  beforeAll(async () => {
    host = await startHost()
  })
  afterAll(async () => {
    await host.stop()
  })

  async function letsIn(file: string): Promise<boolean> {
    await host.sshd.setAuthorizedKeys([file])
    return host.connect({ kind: 'key', key }).then(
      () => true,
      () => false,
    )
  }

  test.each(OPTIONS)('agrees about %s: %s', async (text, good) => {
    // sshd knows `principals` on other keys, and then lets nobody in.
    expect(await letsIn(`${text} ${line}`)).toBe(good)
  })

  test.each([
    ['CRLF and a comment', `# x\r\n\r\n${line}\r\n`],
    ['CRLF and no comment', `ssh-ed25519 ${base64}\r\n`],
    ['CRLF and options', `restrict ${line}\r\n`],
    ['NUL behind the key', `${line}\0rest\n`],
    ['LF behind CRLF', `# x\r\n${otherLine}\r\n${line}\n`],
    ['CRLF behind LF', `# x\n${otherLine}\n${line}\r\n`],
  ])('takes %s', async (_, file) => {
    expect(await letsIn(file)).toBe(true)
  })

  test('goes by our expiry-time in UTC', async () => {
    const lineUntil = (seconds: number): string => {
      const options = [expiryTime(new Date(Date.now() + seconds * 1000), 'utc')]
      return formatAuthorizedKey({ options, blob: key.publicKey })
    }
    expect(await letsIn(lineUntil(60))).toBe(true)
    expect(await letsIn(lineUntil(-60))).toBe(false)
  })
})
