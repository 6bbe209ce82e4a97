/** The text of known_hosts: what it says of a host, a line put in and taken out again to the byte. */
import { describe, expect, test } from '@jest/globals'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import {
  addKnownHost,
  knownHostState,
  markOf,
  parseKnownHosts,
  removeKnownHost,
  type KnownHostState,
} from '../../src/remote/account-known-hosts'
import { fingerprint, formatPublicKey } from '../../src/ssh/public-key'
import { mpint, string } from '../../src/ssh/wire'

const ed25519 = (seed: number): Buffer =>
  Buffer.concat([string('ssh-ed25519'), string(Buffer.alloc(32, seed))])
const RSA = Buffer.concat([
  ...[string('ssh-rsa'), mpint(Buffer.of(1, 0, 1))],
  mpint(Buffer.concat([Buffer.of(0x80), Buffer.alloc(255, 1)])),
])

const [PIN, OLD, CA] = [ed25519(1), ed25519(2), ed25519(3)]
const [pin, old, ca, rsa] = [PIN, OLD, CA, RSA].map((blob) => formatPublicKey(blob)) as [
  string,
  string,
  string,
  string,
]

function hashed(name: string): string {
  const salt = Buffer.alloc(20, 7)
  const hash = createHmac('sha1', salt).update(name).digest('base64')
  return `|1|${salt.toString('base64')}|${hash}`
}

const stateOf = (
  text: string,
  name = 'db1',
  wanted: { key: Buffer; marker?: string } = { key: PIN },
): KnownHostState | undefined => knownHostState(parseKnownHosts(Buffer.from(text)), name, wanted)

const PINNED: KnownHostState = { pinned: true, ours: false, others: [] }
const other = (lineNumber: number, blob: Buffer, sameType = true): KnownHostState => ({
  pinned: false,
  ours: false,
  others: [{ lineNumber, fingerprint: fingerprint(blob), sameType }],
})

describe('what it says of a host', () => {
  test.each<[string, string, KnownHostState | undefined]>([
    ['nothing', '', undefined],
    ['the pinned key', `db1 ${pin}\n`, PINNED],
    ['with our mark', `db1 ${pin} ${markOf('x')}\n`, { ...PINNED, ours: true }],
    ['with another comment', `db1 ${pin} me ssh-trust: too\n`, PINNED],
    ['among names, in any case', `web1,DB1,10.0.0.7 ${pin}\n`, PINNED],
    ['with tabs and blanks', ` \tdb1\t \t${pin.replace(' ', '\t ')}  \n`, PINNED],
    ['with CRLF', `web1 ${old}\r\ndb1 ${pin}\r\n`, PINNED],
    ['without a newline at the end', `db1 ${pin}`, PINNED],
    ['under a hashed name', `${hashed('db1')} ${pin}\n`, PINNED],
    ['under another hashed name', `${hashed('db2')} ${pin}\n`, undefined],
    ['under a hash that is none', `|1|x ${pin}\n|1||| ${pin}\n|2|a|b ${pin}\n`, undefined],
    ['under a pattern', `*,!db2 ${pin}\n`, PINNED],
    ['under ?', `db? ${pin}\n`, PINNED],
    ['but for this host', `db*,!db1 ${pin}\n`, undefined],
    ['but for it, by a pattern', `db1,!db* ${pin}\n`, undefined],
    ['for the same name at another port', `[db1]:2222 ${pin}\n`, undefined],
    ['another key', `# a\n\ndb1 ${old}\n`, other(3, OLD)],
    ['another key of another type', `db1 ${rsa}\n`, other(1, RSA, false)],
    [
      'another key beside it',
      `db1 ${old}\ndb1 ${pin}\n`,
      { ...PINNED, ...other(1, OLD), pinned: true },
    ],
    ['a CA, which vouches for nothing that is pinned', `@cert-authority db1 ${pin}\n`, undefined],
    ['another key that is revoked', `@revoked db1 ${old}\n`, undefined],
    ['the pinned key, revoked for another host', `@revoked db2 ${pin}\n`, undefined],
    ['an unknown marker', `@magic db1 ${pin}\n`, undefined],
    ['a comment', `#db1 ${pin}\n # db1 ${pin}\n`, undefined],
    ['a name without a key', 'db1\ndb1 \ndb1 ssh-ed25519\n', undefined],
    ['a key of another type than it says', `db1 ${pin.replace('ed25519', 'rsa')}\n`, undefined],
    ['what is no base64', 'db1 ssh-ed25519 AAAA!!!!\n', undefined],
    ['the key of SSH 1', 'db1 1024 65537 123456789\n', undefined],
    ['a row of 70,000 bytes', `db1 ${pin} ${'x'.repeat(70_000)}\n`, undefined],
  ])('%s', (_, text, state) => {
    expect(stateOf(text)).toEqual(state)
  })

  test('a port other than 22 is part of the name', () => {
    expect(stateOf(`[db1]:2222 ${pin}\n`, '[db1]:2222')).toEqual(PINNED)
    expect(stateOf(`${hashed('[db1]:2222')} ${pin}\n`, '[db1]:2222')).toEqual(PINNED)
    expect(stateOf(`db1 ${pin}\n`, '[db1]:2222')).toBeUndefined()
    expect(stateOf(`[DB1]:2222 ${old}\n`, '[db1]:2222')).toEqual(other(1, OLD))
  })

  test('a CA that is pinned: its line counts, plain keys do not', () => {
    const wanted = { key: CA, marker: '@cert-authority' }
    expect(stateOf(`@cert-authority *.example,db1 ${ca}\n`, 'db1', wanted)).toEqual(PINNED)
    expect(stateOf(`db1 ${ca}\ndb1 ${old}\n`, 'db1', wanted)).toBeUndefined()
  })

  test.each([
    ['by name', `db1 ${pin}\n@revoked db1 ${pin}\n`, 2],
    ['by a pattern', `@revoked * ${pin}\n`, 1],
    ['by a hashed name', `\n@revoked ${hashed('db1')} ${pin}\n`, 2],
    ['by CRLF', `@revoked db1 ${pin}\r\n`, 1],
  ])('the pinned key, revoked %s, is an error that names the line', (_, text, line) => {
    expect(() => stateOf(text)).toThrow(
      expect.objectContaining({
        code: 'host-key-revoked',
        message: `Line ${line} of ~/.ssh/known_hosts has the pinned key of db1 (${fingerprint(PIN)}) as revoked.`,
      }),
    )
  })

  test('a CA that is pinned and revoked', () => {
    expect(() =>
      stateOf(`@revoked * ${ca}\n`, 'db1', { key: CA, marker: '@cert-authority' }),
    ).toThrow(expect.objectContaining({ code: 'host-key-revoked' }))
  })

  test('cut off anywhere, it says no more than it did, and never fails', () => {
    const text = `web1 ${old}\n${hashed('db1')} ${pin} comment\n@revoked db2 ${pin}\n`
    const at = text.indexOf(pin) + pin.length
    for (let length = 0; length <= text.length; length += 1) {
      expect(stateOf(text.slice(0, length))?.pinned ?? false).toBe(length >= at)
    }
  })

  test('any bytes are read without an error, and quickly', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(parseKnownHosts(Buffer.from(bytes))).toEqual([])
      }),
    )
    // Each would take minutes if a row were matched with backtracking.
    for (const unit of [' ', '\t', '@', ',', '!', 'db1,', '*']) {
      const row = unit.repeat(Math.floor(60_000 / unit.length))
      for (const text of [row, `db1 ${pin} ${row}x`, `${row} ${pin}`]) {
        parseKnownHosts(Buffer.from(`${text}\n`))
      }
    }
  })
})

describe('a line put in and taken out', () => {
  const line = `db1 ${pin} ${markOf('job')}`

  test.each<[string, string, string]>([
    ['into nothing', '', `${line}\n`],
    ['at the end', `web1 ${old}\n`, `web1 ${old}\n${line}\n`],
    ['after a row without its newline', `web1 ${old}`, `web1 ${old}\n${line}\n`],
    ['after blank lines', '\n\n', `\n\n${line}\n`],
    ['after CRLF', `web1 ${old}\r\n`, `web1 ${old}\r\n${line}\n`],
    ['after CRLF without its newline', `# a\r\nweb1 ${old}`, `# a\r\nweb1 ${old}\n${line}\n`],
    ['after what is no line', '\0\xff garbage', `\0\xff garbage\n${line}\n`],
  ])('%s', (_, before, after) => {
    const content = Buffer.from(before, 'latin1')
    const { content: added, ...change } = addKnownHost(content, 'db1', line)
    expect(added.toString('latin1')).toBe(after)
    expect(change.replaced).toEqual([])
    expect(removeKnownHost(added, line, change)).toEqual(content)
  })

  test.each<[string, string, string]>([
    ['a row of its own', `# a\ndb1 ${old}\n# b\n`, `# a\n# b\n${line}\n`],
    ['all of them', `db1 ${old}\n\nDB1 ${old} x\n`, `\n${line}\n`],
    ['the last row, without its newline', `# a\ndb1 ${old}`, `# a\n${line}\n`],
    ['with CRLF', `db1 ${old}\r\n# b\r\n`, `# b\r\n${line}\n`],
    ['under a hashed name', `${hashed('db1')} ${old}\n`, `${line}\n`],
    ['for that name alone', ` a,db1,b ${old} c\n`, ` a,b ${old} c\n${line}\n`],
    ['for it and an exclusion', `db1,!db2 ${old}\n`, `${line}\n`],
    ['but no marker', `@revoked db1 ${old}\n`, `@revoked db1 ${old}\n${line}\n`],
    ['nor other keys', `db1 ${rsa}\n`, `db1 ${rsa}\n${line}\n`],
    ['nor other hosts', `db2 ${old}\n[db1]:22 ${old}\n`, `db2 ${old}\n[db1]:22 ${old}\n${line}\n`],
  ])('a stale key gives way, %s, and comes back', (_, before, after) => {
    const content = Buffer.from(before)
    const { content: added, ...change } = addKnownHost(content, 'db1', line, [fingerprint(OLD)])
    expect(added.toString()).toBe(after)
    expect(removeKnownHost(added, line, change)).toEqual(content)
  })

  test('a stale key behind a pattern is for others to change', () => {
    expect(() =>
      addKnownHost(Buffer.from(`# a\ndb* ${old}\n`), 'db1', line, [fingerprint(OLD)]),
    ).toThrow(
      expect.objectContaining({
        code: 'host-key-changed',
        hint: 'Change that line yourself (line 2 of ~/.ssh/known_hosts).',
      }),
    )
  })

  test('what others did meanwhile stays', () => {
    const { content, ...change } = addKnownHost(Buffer.from('# a'), 'db1', line)
    const later = Buffer.concat([Buffer.from('# first\n'), content, Buffer.from('# last\n')])
    expect(removeKnownHost(later, line, change)?.toString()).toBe('# first\n# a\n# last\n')
    expect(removeKnownHost(Buffer.from('# gone\n'), line, change)).toBeUndefined()
  })

  test('several lines for several hosts, taken out in reverse, leave what was there', () => {
    const row = fc.constantFrom(
      '',
      '# c',
      `db1 ${old}`,
      `a,db2 ${old}`,
      `x ${pin}\r`,
      '\xff\0',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), fc.boolean(), (rows, ends) => {
        const before = Buffer.from(rows.join('\n') + (ends ? '\n' : ''), 'latin1')
        let content: Buffer = before
        const done = ['db1', 'db2', 'db3'].map((name) => {
          const added = `${name} ${pin} ${markOf('job')}`
          const { content: next, ...change } = addKnownHost(content, name, added, [
            fingerprint(OLD),
          ])
          content = next
          return { added, change }
        })
        for (const { added, change } of done.toReversed()) {
          content = removeKnownHost(content, added, change) ?? content
        }
        expect(content.toString('latin1')).toBe(before.toString('latin1'))
      }),
      { numRuns: 2000 },
    )
  })
})
