/** The `trust` input: its grammar, and each of its errors with code, position and words. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { ErrorCode } from '../../../src/errors'
import type { KeySpec } from '../../../src/ssh/private-key'
import {
  formatAccount,
  formatKeySpec,
  formatRelation,
  parseRelations,
  type Account,
  type Relation,
} from '../../../src/trust/host-trust/relations'

const HOSTS: Account[] = [
  { name: 'web1' },
  { name: 'web2' },
  { name: 'db1', user: 'root' },
  { name: 'mesh' },
  { name: 'a-' },
  { name: 'Six.Example' },
  { name: '2001:db8::1' },
  { name: 'two', user: 'ann' },
  { name: 'two', user: 'bob' },
  { name: 'twin' },
  { name: 'twin' },
]

function relationsOf(text: string): Relation[] {
  const { relations, errors } = parseRelations(text, HOSTS)
  expect(errors.map((error) => error.explain())).toEqual([])
  return relations
}

/** Relations in short: `- web1 -> root@db1`. */
function pairsOf(text: string): string[] {
  return relationsOf(text).map(
    (relation) => `${relation.remove ? '- ' : ''}${formatRelation(relation)}`,
  )
}

describe('who may log in to whom', () => {
  test.each<[string, string[]]>([
    ['web1 -> web2', ['web1 -> web2']],
    ['web1->web2', ['web1 -> web2']],
    ['\t web1\t->  web2 \t', ['web1 -> web2']],
    ['web1 <-> web2', ['web1 -> web2', 'web2 -> web1']],
    ['web1<->web2', ['web1 -> web2', 'web2 -> web1']],
    ['web1 -> db1', ['web1 -> root@db1']],
    ['deploy@web1 -> postgres@db1', ['deploy@web1 -> postgres@db1']],
    ['me@corp.example@web1 -> web2', ['me@corp.example@web1 -> web2']],
    ['CORP\\me@web1 -> runner$@web2', ['CORP\\me@web1 -> runner$@web2']],
    ['- web1 -> web2', ['- web1 -> web2']],
    ['-web1 -> web2', ['- web1 -> web2']],
    ['-l@web1 -> web2', ['- l@web1 -> web2']],
    ['  -  web1 <-> web2', ['- web1 -> web2', '- web2 -> web1']],
    ['mesh(web1, web2)', ['web1 -> web2', 'web2 -> web1']],
    ['mesh (web1 ,web2)', ['web1 -> web2', 'web2 -> web1']],
    ['- mesh(web1,web2)', ['- web1 -> web2', '- web2 -> web1']],
    [
      'mesh(web1, x@web2, db1)',
      [
        ...['web1 -> x@web2', 'web1 -> root@db1', 'x@web2 -> web1'],
        ...['x@web2 -> root@db1', 'root@db1 -> web1', 'root@db1 -> x@web2'],
      ],
    ],
    ['mesh -> web1', ['mesh -> web1']],
    ['mesh(mesh, web1)', ['mesh -> web1', 'web1 -> mesh']],
    ['a--> web1', ['a- -> web1']],
    ['- a- -> web1', ['- a- -> web1']],
    ['WEB1 -> six.example', ['web1 -> Six.Example']],
    ['2001:db8::1 -> [2001:DB8::1]', []],
    ['web1 -> [2001:DB8::1]', ['web1 -> 2001:db8::1']],
    ['web1 -> root@2001:db8::1', ['web1 -> root@2001:db8::1']],
    ['ann@two -> web1', ['ann@two -> web1']],
  ])('%s', (line, expected) => {
    if (expected.length === 0) expect(parseRelations(line, HOSTS).errors).toHaveLength(1)
    else expect(pairsOf(line)).toEqual(expected)
  })

  test('the shape of a relation', () => {
    expect(relationsOf('# trust\n\nweb1 -> db1')).toStrictEqual([
      {
        source: { name: 'web1' },
        target: { name: 'db1', user: 'root' },
        remove: false,
        keyType: { type: 'ssh-ed25519' },
        replaceStale: false,
        position: 'trust:3',
      },
    ])
  })
})

describe('options', () => {
  test.each<[string, Partial<Relation>]>([
    ['', { keyType: { type: 'ssh-ed25519' }, replaceStale: false }],
    ['key=ed25519', { keyType: { type: 'ssh-ed25519' } }],
    ['key=ecdsa-256', { keyType: { type: 'ecdsa-sha2-nistp256' } }],
    ['key=ecdsa-521', { keyType: { type: 'ecdsa-sha2-nistp521' } }],
    ['key=rsa', { keyType: { type: 'ssh-rsa', bits: 3072 } }],
    ['key=rsa-4096', { keyType: { type: 'ssh-rsa', bits: 4096 } }],
    ['from', { from: 'source' }],
    ['from=10.0.0.0/8,192.0.2.7', { from: ['10.0.0.0/8', '192.0.2.7'] }],
    ['from=*.example.com,!bad.example.com', { from: ['*.example.com', '!bad.example.com'] }],
    [
      'from=2001:db8::/32,::ffff:192.0.2.0/120',
      { from: ['2001:db8::/32', '::ffff:192.0.2.0/120'] },
    ],
    ['from=0.0.0.0/0,::/0', { from: ['0.0.0.0/0', '::/0'] }],
    ['from=10.0.?.*,fe80::*', { from: ['10.0.?.*', 'fe80::*'] }],
    ['from=a.b,a.b', { from: ['a.b'] }],
    ['replace-stale', { replaceStale: true }],
    [
      'replace-stale from key=rsa # and so on',
      { replaceStale: true, from: 'source', keyType: { type: 'ssh-rsa', bits: 3072 } },
    ],
  ])('%j', (options, expected) => {
    const relations = relationsOf(`web1 -> web2 ${options}\nmesh(web1, db1) ${options}`)
    expect(relations).toHaveLength(3)
    for (const relation of relations) {
      expect(relation).toMatchObject(expected)
      expect(relation.from).toEqual(expected.from)
    }
  })

  test('trust is taken away from the key of a kind', () => {
    expect(relationsOf('- web1 -> web2 key=rsa-4096')).toMatchObject([
      { remove: true, keyType: { type: 'ssh-rsa', bits: 4096 } },
    ])
  })
})

describe('the text', () => {
  test('lines, ends, comments, blanks and a byte order mark', () => {
    const text = '\uFEFF# a\u2028b\r\nweb1 -> web2 # -> db1\r\r\n \t\n#\nweb2 -> web1\rdb1 -> web1'
    expect(relationsOf(text).map(({ position }) => position)).toEqual([
      'trust:2',
      'trust:6',
      'trust:7',
    ])
  })

  test.each(['', '\n\n', '# nothing'])('nothing is no error: %j', (text) => {
    expect(parseRelations(text, [])).toEqual({ relations: [], errors: [] })
  })

  test('a pair that is written twice in one meaning is one relation, at its first place', () => {
    const text = [
      'web1 -> web2 from=10.0.0.1,10.0.0.2 key=rsa',
      'web1->web2 key=rsa-3072 from=10.0.0.2,10.0.0.1',
      '- db1 -> web1',
      '- mesh(root@db1, web1)',
    ].join('\n')
    expect(pairsOf(text)).toEqual(['web1 -> web2', '- root@db1 -> web1', '- web1 -> root@db1'])
    expect(relationsOf(text).map(({ position }) => position)).toEqual([
      'trust:1',
      'trust:3',
      'trust:4',
    ])
  })

  test('users of one host are accounts of their own', () => {
    expect(pairsOf('a@web1 -> db1\n- b@web1 -> db1')).toHaveLength(2)
    expect(pairsOf('web1 -> a@db1\n- web1 -> b@db1')).toHaveLength(2)
  })

  test('each wrong line is told with all that is wrong in it, the others are read', () => {
    const text = 'web1 -> web2\nweb9 -> web8 fast key=dsa\n\nmesh(web1, x1, x2)\nweb2 -> web1'
    const { relations, errors } = parseRelations(text, HOSTS)
    expect(relations.map(formatRelation)).toEqual(['web1 -> web2', 'web2 -> web1'])
    expect(errors.map(({ code, input }) => [code, input])).toEqual([
      ['input-invalid', 'trust:2:1'],
      ['input-invalid', 'trust:2:9'],
      ['input-invalid', 'trust:2:14'],
      ['key-type-unsupported', 'trust:2:19'],
      ['input-invalid', 'trust:4:12'],
      ['input-invalid', 'trust:4:16'],
    ])
  })
})

describe('errors', () => {
  const one = 'input-invalid'

  test.each<[string, ErrorCode, string, string]>([
    // forms
    ['web1', one, 'trust:3:1', '"web1" is no relation'],
    ['web1 web2', one, 'trust:3:1', 'mesh(a, b, c)'],
    ['web1 ->', one, 'trust:3:1', 'is no relation'],
    ['-> web1', one, 'trust:3:1', 'is no relation'],
    ['  - -> web1', one, 'trust:3:5', 'is no relation'],
    ['-', one, 'trust:3:2', 'is no relation'],
    ['<-> web1', one, 'trust:3:1', 'is no relation'],
    ['web1 <- web2', one, 'trust:3:1', 'write db1 -> web1'],
    ['web1 <--> web2', one, 'trust:3:1', 'is no relation'],
    ['web1 => web2', one, 'trust:3:1', 'is no relation'],
    ['web1 → web2', one, 'trust:3:1', 'is no relation'],
    ['mesh(web1, web2) -> db1', one, 'trust:3:1', 'A line has one relation'],
    ['web1 -> web2 -> db1', one, 'trust:3:1', 'A line has one relation'],
    ['web1->web2->db1', one, 'trust:3:1', 'A line has one relation'],
    ['web1 web2 -> db1', one, 'trust:3:1', 'is no relation'],
    ['mesh(web1, web2', one, 'trust:3:1', 'no closing parenthesis'],
    ['mesh()', one, 'trust:3:1', 'two hosts or more'],
    ['mesh(web1)', one, 'trust:3:1', 'two hosts or more'],
    ['mesh(web1, web2,)', one, 'trust:3:1', 'two hosts or more'],
    ['mesh(web1 web2, db1)', one, 'trust:3:1', 'with commas'],
    ['mesh(web1, web2)from', one, 'trust:3:1', 'must be a blank'],
    ['mesh((web1), web2)', one, 'trust:3:1', 'must be a blank'],
    ['Mesh(web1, web2)', one, 'trust:3:1', 'is no relation'],
    // hosts
    ['web1 -> nope', one, 'trust:3:9', '"nope" is none of the hosts. They are: web1, web2, db1'],
    ['-  nope -> web1', one, 'trust:3:4', '"nope" is none'],
    ['web1 -> web2,db1', one, 'trust:3:9', 'a line for each'],
    ['web1 -> web2:22', one, 'trust:3:9', 'Ports are said in hosts alone: write web2 here.'],
    ['x@WEB1: -> web2', one, 'trust:3:1', '"WEB1:" has a port'],
    ['web1 -> [2001:db8::1]:22', one, 'trust:3:9', 'has a port'],
    ['web1 -> 2001:db8::2', one, 'trust:3:9', 'is none of the hosts'],
    ['web1 -> ssh://web2', one, 'trust:3:9', 'is none of the hosts'],
    ['web1 -> *', one, 'trust:3:9', 'is none of the hosts'],
    ['@web1 -> web2', one, 'trust:3:1', '"" can\'t be a user name'],
    ['web1 -> -l@web2', one, 'trust:3:9', '"-l" can\'t be a user name'],
    ['web1 -> a;b@web2', one, 'trust:3:9', "can't be a user name"],
    ['two -> web1', one, 'trust:3:1', 'two stands on 2 lines of hosts'],
    ['eve@two -> web1', one, 'trust:3:1', 'two stands on 2 lines of hosts'],
    ['twin -> web1', one, 'trust:3:1', 'aliases'],
    ['x@twin -> web1', one, 'trust:3:1', 'aliases'],
    ['web1 -> web1', one, 'trust:3:9', 'not trusted with itself'],
    ['web1 <-> WEB1', one, 'trust:3:10', 'not trusted with itself'],
    ['a@web1 -> b@web1', one, 'trust:3:11', 'not trusted with itself'],
    ['mesh(web1, db1, x@web1)', one, 'trust:3:17', 'not trusted with itself'],
    // options
    ['web1 -> web2 via=db1', one, 'trust:3:14', 'Options are: key='],
    ['web1 -> web2 From', one, 'trust:3:14', '"From" is no option'],
    ['web1 -> web2 from from=10.0.0.1', one, 'trust:3:19', 'from stands there twice'],
    ['web1 -> web2 key=rsa key=rsa', one, 'trust:3:22', 'key stands there twice'],
    ['web1 -> web2 key=', one, 'trust:3:14', 'no kind of key'],
    ['web1 -> web2 key=dsa', 'key-type-unsupported', 'trust:3:14', 'DSA'],
    ['web1 -> web2 key=rsa-1024', 'key-too-small', 'trust:3:14', '1024'],
    ['- web1 -> web2 from', one, 'trust:3:16', 'taken away'],
    ['- web1 -> web2 replace-stale', one, 'trust:3:16', 'taken away'],
    ['web1 -> web2 a b c d e f g h i', one, 'trust:3', 'too many options'],
    // from=
    ['web1 -> web2 from=', one, 'trust:3:14', 'it is empty'],
    ['web1 -> web2 from=10.0.0.1,', one, 'trust:3:14', 'it is empty'],
    ['web1 -> web2 from=!', one, 'trust:3:14', 'it is empty'],
    ['web1 -> web2 from=10.0.0.1",command="x', one, 'trust:3:14', 'characters that none'],
    ['web1 -> web2 from=a\\b', one, 'trust:3:14', 'characters that none'],
    ['web1 -> web2 from=10.0.0.256', one, 'trust:3:14', 'no address'],
    ['web1 -> web2 from=10.0.0', one, 'trust:3:14', 'no address'],
    ['web1 -> web2 from=2001:db8:::1', one, 'trust:3:14', 'no address'],
    ['web1 -> web2 from=10.0.0.1/8', one, 'trust:3:14', 'bits set beyond'],
    ['web1 -> web2 from=10.0.0.0/33', one, 'trust:3:14', '0 to 32 bits'],
    ['web1 -> web2 from=10.0.0.0/', one, 'trust:3:14', '0 to 32 bits'],
    ['web1 -> web2 from=2001:db8::1/64', one, 'trust:3:14', 'bits set beyond'],
    ['web1 -> web2 from=::ffff:192.0.2.1/120', one, 'trust:3:14', 'bits set beyond'],
    ['web1 -> web2 from=::/129', one, 'trust:3:14', '0 to 128 bits'],
    ['web1 -> web2 from=example.com/8', one, 'trust:3:14', 'no network'],
    ['web1 -> web2 from=fe80::%eth0/64', one, 'trust:3:14', 'no network'],
    ['web1 -> web2 from=!10.0.0.1,!a.b', one, 'trust:3:14', 'only excludes'],
    [`web1 -> web2 from=${'a'.repeat(254)}`, one, 'trust:3:14', 'too long'],
    [`web1 -> web2 from=${Array<string>(65).fill('a').join()}`, one, 'trust:3:14', 'at most 64'],
  ])('%s', (line, code, input, words) => {
    const { relations, errors } = parseRelations(`# trust\n\n${line}`, HOSTS)
    expect(relations).toEqual([])
    expect(errors).toMatchObject([{ code, input }])
    expect(errors[0]?.explain()).toContain(words)
  })

  test.each<[string, string, string]>([
    ['web1 -> web2', '- web1 -> web2', 'web1 -> web2 is added in trust:1, and taken away here.'],
    ['- mesh(web1, web2)', 'web2 -> web1', 'is taken away in trust:1, and added here.'],
    ['web1 -> web2', 'web1 -> web2 from', 'web1 -> web2 has other options in trust:1.'],
    ['web1 -> web2 from', 'web1 -> web2 from=10.0.0.1', 'has other options'],
    ['web1 -> web2', 'web1 -> web2 replace-stale', 'has other options'],
    ['web1 -> web2', 'web1 -> web2 key=rsa', 'has other options'],
    ['- web1 -> web2 key=rsa', '- web1 -> web2', 'has other options'],
    [
      'mesh(web1, web2, db1)',
      '- mesh(web2, db1, web1)',
      'web2 -> root@db1 is added in trust:1, and taken away here. The same goes for 5 more of its pairs.',
    ],
    [
      'web1 -> web2 key=rsa-4096',
      'web1 -> db1 key=rsa',
      'web1 would need two RSA keys: rsa-4096 in trust:1, rsa-3072 here.',
    ],
    ['web1 -> web2 key=ecdsa-256', 'web1 -> db1 key=ecdsa-384', 'two ECDSA keys'],
  ])('contradictory: %s, and %s', (first, second, words) => {
    const { relations, errors } = parseRelations(`${first}\n${second}`, HOSTS)
    expect(errors).toMatchObject([{ code: 'input-invalid', input: 'trust:2' }])
    expect(errors[0]?.message).toContain(words)
    expect(new Set(relations.map(({ position }) => position))).toEqual(new Set(['trust:1']))
  })

  test('two kinds of key, two accounts, or one size twice are no contradiction', () => {
    const text = [
      'web1 -> web2 key=rsa-4096',
      'web1 -> db1 key=ecdsa-384',
      'web1 -> mesh key=rsa-4096',
      'x@web1 -> db1 key=rsa-2048',
      '- web1 -> a- key=rsa',
    ].join('\n')
    expect(relationsOf(text)).toHaveLength(5)
  })

  test('without hosts nothing can be named', () => {
    const { errors } = parseRelations('a -> b', [])
    expect(errors.map(({ hint }) => hint)).toEqual(Array(2).fill('The input hosts is empty.'))
  })

  test('of very many hosts an error lists some, and of a long word its beginning', () => {
    const hosts = Array.from({ length: 300 }, (_, i) => ({ name: `host-${i}` }))
    const [error] = parseRelations(`${'x'.repeat(100_000)} -> host-1`, hosts).errors
    expect(error?.explain()).toContain('host-49, and 250 more.')
    expect(error?.explain().length).toBeLessThan(1000)
  })
})

describe('limits', () => {
  const hosts = Array.from({ length: 400 }, (_, i) => ({ name: `host${i}`, user: 'deploy' }))
  const meshOf = (count: number): string =>
    `mesh(${hosts
      .slice(0, count)
      .map(({ name }) => name)
      .join(', ')})`

  test('a mesh of 200 hosts', () => {
    const { relations, errors } = parseRelations(`${meshOf(200)} from key=rsa`, hosts)
    expect(errors).toEqual([])
    expect(relations).toHaveLength(200 * 199)
    expect(new Set(relations.map(formatRelation)).size).toBe(200 * 199)
  })

  test('a mesh that is too large is not even looked up', () => {
    const { relations, errors } = parseRelations(meshOf(400), hosts)
    expect(relations).toEqual([])
    expect(errors).toMatchObject([
      { input: 'trust:1:1', message: expect.stringContaining('100000') },
    ])
  })

  test('nor are many that are too large together: the line that goes beyond is told', () => {
    const others = `mesh(${hosts
      .slice(200)
      .map(({ name }) => name)
      .join(', ')})`
    const third = `mesh(${hosts
      .slice(0, 300)
      .map(({ name }) => `x@${name}`)
      .join(', ')})`
    const { relations, errors } = parseRelations(`${meshOf(200)}\n${others}\n${third}`, hosts)
    expect(relations).toHaveLength(2 * 200 * 199)
    expect(errors).toMatchObject([{ input: 'trust:3' }])
  })

  test('an input without end is not even taken apart', () => {
    const text = `web1 -> web2\n#${'x'.repeat(4 * 1024 * 1024)}`
    expect(parseRelations(text, HOSTS)).toMatchObject({
      relations: [],
      errors: [{ code: 'input-invalid', input: 'trust' }],
    })
  })

  test('after a hundred wrong lines the rest is not read', () => {
    const { relations, errors } = parseRelations(`${'wrong\n'.repeat(1000)}web1 -> web2`, HOSTS)
    expect(relations).toEqual([])
    expect(errors).toHaveLength(101)
    expect(errors.at(-1)).toMatchObject({ input: 'trust:100' })
  })

  test.each([
    ['blanks', ' '.repeat(4_000_000)],
    ['blanks behind a minus', `-${' '.repeat(3_999_999)}x`],
    ['blanks behind a host', `web1${' '.repeat(3_999_000)}x`],
    ['one word', 'x'.repeat(4_000_000)],
    ['an open mesh', `mesh(${','.repeat(3_999_000)}`],
    ['a mesh of commas', `mesh(${','.repeat(3_999_000)})`],
    ['a mesh of strangers', `mesh(${'x,'.repeat(1_999_000)}x)`],
    ['options', `web1 -> web2${' x'.repeat(1_999_000)}`],
    ['arrows', '->'.repeat(1_999_000)],
    ['minuses', '-'.repeat(3_999_000)],
  ])('a line made to be slow ends: %s', (_, line) => {
    const { relations, errors } = parseRelations(line, HOSTS)
    expect(relations).toEqual([])
    expect(errors.length).toBeLessThan(3)
    for (const error of errors) expect(error.explain().length).toBeLessThan(1000)
  })
})

test.each<[string, KeySpec]>([
  ['ed25519', { type: 'ssh-ed25519' }],
  ['ecdsa-256', { type: 'ecdsa-sha2-nistp256' }],
  ['ecdsa-521', { type: 'ecdsa-sha2-nistp521' }],
  ['rsa-3072', { type: 'ssh-rsa' }],
  ['rsa-4096', { type: 'ssh-rsa', bits: 4096 }],
])('formatKeySpec: %s', (text, spec) => {
  expect(formatKeySpec(spec)).toBe(text)
})

/** A line as it is meant, from which its text is made in one of many ways. */
interface Meant {
  remove: boolean
  form: '->' | '<->' | 'mesh'
  accounts: Account[]
  key: 'ed25519' | 'ecdsa-384' | 'rsa-4096'
  from: Relation['from']
  replaceStale: boolean
}

describe('any list of valid relations is read as it was meant', () => {
  const NAMES = ['web1', 'web2', 'db1', 'cache', '10.0.0.7', 'x.example', 'fe80::1', 'n-1']
  const hosts = NAMES.map((name, i) => (i % 3 === 0 ? { name, user: 'root' } : { name }))
  const account = (name: string): fc.Arbitrary<Account> =>
    fc
      .option(fc.constantFrom('deploy', 'me@corp.example', 'svc$', 'CORP\\a-b'))
      .map((user) => (user === null ? { name } : { name, user }))
  const accounts = (min: number, max: number): fc.Arbitrary<Account[]> =>
    fc
      .shuffledSubarray(NAMES, { minLength: min, maxLength: max })
      .chain((names) => fc.tuple(...names.map(account)))
  const from = fc.constantFrom<Relation['from'][]>(undefined, 'source', ['10.0.0.0/8', '!10.0.0.1'])
  const meant: fc.Arbitrary<Meant> = fc
    .record({
      remove: fc.boolean(),
      form: fc.constantFrom<Meant['form'][]>('->', '<->', 'mesh'),
      key: fc.constantFrom<Meant['key'][]>('ed25519', 'ecdsa-384', 'rsa-4096'),
      from,
      replaceStale: fc.boolean(),
    })
    .chain((line) =>
      accounts(2, line.form === 'mesh' ? 5 : 2).map((list) => ({
        ...line,
        accounts: list,
        ...(line.remove ? { from: undefined, replaceStale: false } : {}),
      })),
    )
  const SPECS: Record<Meant['key'], KeySpec> = {
    ed25519: { type: 'ssh-ed25519' },
    'ecdsa-384': { type: 'ecdsa-sha2-nistp384' },
    'rsa-4096': { type: 'ssh-rsa', bits: 4096 },
  }

  /** How a line may look: one draw a question. */
  const spelling = fc.record({
    tight: fc.boolean(),
    upper: fc.boolean(),
    brackets: fc.boolean(),
    sayKey: fc.boolean(),
    reverse: fc.boolean(),
    comment: fc.constantFrom('', ' # web1 -> db1', '\t#', '   '),
    before: fc.constantFrom('', '\n', '# x\n', '  \n', '\t'),
    end: fc.constantFrom('\n', '\r\n', '\r'),
  })
  type Spelling = typeof spelling extends fc.Arbitrary<infer S> ? S : never

  function spell(line: Meant, how: Spelling): string {
    const gap = how.tight ? '' : ' '
    const word = ({ name, user }: Account): string => {
      const cased = how.upper ? name.toUpperCase() : name
      const host = how.brackets && name.includes(':') ? `[${cased}]` : cased
      return user === undefined ? host : `${user}@${host}`
    }
    const names = line.accounts.map(word)
    const relation =
      line.form === 'mesh'
        ? `mesh${gap}(${names.join(`,${gap}`)})`
        : names.join(`${gap}${line.form}${gap}`)
    const options = [
      ...(line.key !== 'ed25519' || how.sayKey ? [`key=${line.key}`] : []),
      ...(line.from === undefined
        ? []
        : [line.from === 'source' ? 'from' : `from=${line.from.join()}`]),
      ...(line.replaceStale ? ['replace-stale'] : []),
    ]
    if (how.reverse) options.reverse()
    const minus = line.remove ? `-${gap}` : ''
    return `${how.before}${minus}${[relation, ...options].join(' ')}${how.comment}${how.end}`
  }

  function expand(line: Meant): Omit<Relation, 'position'>[] {
    const withUser = (from: Account): Account => {
      const user = from.user ?? hosts.find(({ name }) => name === from.name)?.user
      return { name: from.name, ...(user === undefined ? {} : { user }) }
    }
    const list: Omit<Relation, 'position'>[] = []
    for (const [i, source] of line.accounts.entries()) {
      for (const [j, target] of line.accounts.entries()) {
        if (i === j || (line.form === '->' && i > j)) continue
        list.push({
          source: withUser(source),
          target: withUser(target),
          remove: line.remove,
          keyType: SPECS[line.key],
          ...(line.from === undefined ? {} : { from: line.from }),
          replaceStale: line.replaceStale,
        })
      }
    }
    return list
  }

  test('with any spelling', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(meant, spelling), { maxLength: 12 }), (drawn) => {
        const expected = new Map<string, Omit<Relation, 'position'>>()
        let text = ''
        for (const [line, how] of drawn) {
          const relations = expand(line)
          const fits = relations.every((relation) => {
            const earlier = expected.get(formatRelation(relation))
            return earlier === undefined || JSON.stringify(earlier) === JSON.stringify(relation)
          })
          if (!fits) continue
          text += spell(line, how)
          for (const relation of relations) {
            if (!expected.has(formatRelation(relation))) {
              expected.set(formatRelation(relation), relation)
            }
          }
        }
        const { relations, errors } = parseRelations(text, hosts)
        expect(errors.map((error) => error.explain())).toEqual([])
        expect(relations.map((relation) => ({ ...relation, position: '' }))).toStrictEqual(
          [...expected.values()].map((relation) => ({ ...relation, position: '' })),
        )
      }),
      { numRuns: 200 },
    )
  })

  test('and whatever else the text is, nothing but errors comes of it', () => {
    const noise = fc.array(
      fc.constantFrom(
        ...[
          'web1',
          'db1',
          '->',
          '<->',
          '-',
          'mesh(',
          ')',
          ',',
          ' ',
          '\n',
          '@',
          'x',
          'from',
          'from=',
        ],
        ...['key=', 'rsa', '#', '10.0.0.0/8', '"', '[', ']', ':', '22', '\u0000', '=', 'fe80::1'],
      ),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(noise, (parts) => {
        const text = parts.join('')
        const lines = text.split('\n').length
        const { relations, errors } = parseRelations(text, hosts)
        for (const { source, target, position } of relations) {
          expect(source.name).not.toBe(target.name)
          expect(NAMES).toContain(source.name)
          expect(formatAccount(target)).toMatch(/^[A-Za-z0-9@.:_-]+$/)
          expect(Number(position.replace('trust:', ''))).toBeLessThanOrEqual(lines)
        }
        for (const error of errors) expect(error.input).toMatch(/^trust:[0-9]+(:[0-9]+)?$/)
      }),
      { numRuns: 1000 },
    )
  })
})
