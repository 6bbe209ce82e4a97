/** The journal: effects in their order, whole lines only; and where the job's directory goes. */
import { afterEach, describe, expect, test } from '@jest/globals'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { runInThisContext } from 'node:vm'
import {
  isJournalPath,
  openJournal,
  readJournal,
  removeJobDirectory,
  type Effect,
  type Journal,
} from '../../src/local/journal'
import { makeDirectory, removeDirectory } from '../support/scratch'

// os.tmpdir() looks at the environment of the real process; Jest gives tests a copy.
const { env } = runInThisContext('process') as NodeJS.Process
const { TMPDIR } = env
const undo: (() => void)[] = []
afterEach(() => {
  for (const step of undo.splice(0)) step()
  if (TMPDIR === undefined) delete env['TMPDIR']
  else env['TMPDIR'] = TMPDIR
})

function open(temporary: string | undefined): Journal {
  const journal = openJournal(temporary)
  undo.push(() => {
    removeDirectory(journal.directory)
  })
  return journal
}

const EFFECTS: readonly Effect[] = [
  { kind: 'agent', target: '/t/agent.sock' },
  { kind: 'agent-process', target: '/t/agent.sock', process: { pid: 5, start: '77' } },
  { kind: 'directory', target: '/home/ü/.ssh' },
  { kind: 'home-block', target: '/h/config', id: 'abc', lines: ['# "a"', '\tb'] },
]

describe('openJournal', () => {
  test('makes a private directory with an empty private journal', () => {
    const temporary = makeDirectory()
    const { path, id, directory } = open(temporary)
    expect(dirname(directory)).toBe(temporary)
    expect(path).toBe(join(directory, 'journal.jsonl'))
    expect(basename(directory)).toBe(`ssh-trust-${id}`)
    expect(id).toMatch(/^[A-Za-z0-9]{6}$/)
    expect(statSync(directory).mode & 0o7777).toBe(0o700)
    expect(statSync(path).mode & 0o7777).toBe(0o600)
    expect(readJournal(path)).toEqual([])
    expect(isJournalPath(path)).toBe(true)
  })

  test('two jobs have two directories', () => {
    const temporary = makeDirectory()
    expect(open(temporary).id).not.toBe(open(temporary).id)
    expect(readdirSync(temporary)).toHaveLength(2)
  })

  /** A directory in `parent` whose path has `length` characters. */
  function ofLength(parent: string, length: number): string {
    const path = join(parent, 'x'.repeat(length - parent.length - 1))
    mkdirSync(path)
    return path
  }

  // "/ssh-trust-XXXXXX/agent.sock" has 28 characters: 103 are the most on macOS.
  test('takes the longest path in which a socket still fits', () => {
    const longest = ofLength(makeDirectory(), 75)
    const { directory } = open(longest)
    expect(dirname(directory)).toBe(longest)
    expect(join(directory, 'agent.sock')).toHaveLength(103)
  })

  test.each<[string, () => string | undefined]>([
    ['is not set', () => undefined],
    ['is empty', () => ''],
    ['is too long for a socket', () => ofLength(makeDirectory(), 76)],
    ['has a space', () => join(makeDirectory(), 'a b')],
    ['has a quote', () => join(makeDirectory(), "a'b")],
    ['has a letter that is not ASCII', () => join(makeDirectory(), 'ä')],
    ['has a percent sign', () => join(makeDirectory(), '%h')],
    ['is relative', () => 'tmp'],
    ['is not there', () => join(makeDirectory(), 'none')],
    [
      'is a file',
      () => {
        const file = join(makeDirectory(), 'file')
        writeFileSync(file, '')
        return file
      },
    ],
  ])('where RUNNER_TEMP %s it takes the system’s directory', (_, temporary) => {
    const fallback = makeDirectory()
    env['TMPDIR'] = fallback
    expect(tmpdir()).toBe(fallback)
    const path = temporary()
    if (path?.startsWith('/') === true && !/none|file/.test(basename(path))) {
      mkdirSync(path, { recursive: true })
    }
    expect(dirname(open(path).directory)).toBe(fallback)
  })

  test('falls back to /tmp at last', () => {
    env['TMPDIR'] = join(makeDirectory(), 'with space')
    expect(dirname(open('/with space').directory)).toBe('/tmp')
  })
})

describe('append and readJournal', () => {
  test('effects come back in their order, each in the file as soon as it is told', () => {
    const { path, append } = open(makeDirectory())
    EFFECTS.forEach((effect, index) => {
      append(effect)
      expect(readJournal(path)).toEqual(EFFECTS.slice(0, index + 1))
    })
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(EFFECTS.length + 1)
  })

  test('a torn last line is left out, wherever it is torn', () => {
    const { path, append } = open(makeDirectory())
    for (const effect of EFFECTS.slice(0, 2)) append(effect)
    const whole = readFileSync(path, 'utf8')
    const line = JSON.stringify(EFFECTS[3])
    for (let length = 1; length < line.length; length += 1) {
      writeFileSync(path, whole + line.slice(0, length))
      expect(readJournal(path)).toEqual(EFFECTS.slice(0, 2))
    }
    writeFileSync(path, whole + line)
    expect(readJournal(path)).toEqual([EFFECTS[0], EFFECTS[1], EFFECTS[3]])
  })

  test('a torn line in the middle hides no other', () => {
    const { path, append } = open(makeDirectory())
    appendFileSync(path, '{"kind":"dir\n')
    append({ kind: 'agent', target: 't' })
    expect(readJournal(path)).toEqual([{ kind: 'agent', target: 't' }])
  })

  test('no journal is undefined; a journal that can’t be read is an error', () => {
    const directory = makeDirectory()
    expect(readJournal(join(directory, 'journal.jsonl'))).toBeUndefined()
    expect(() => readJournal(directory)).toThrow(expect.objectContaining({ code: 'EISDIR' }))
  })

  test('append makes no journal anew that has been taken away', () => {
    const { path, append } = open(makeDirectory())
    removeJobDirectory(path)
    expect(() => {
      append({ kind: 'agent', target: 't' })
    }).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })
})

test('removeJobDirectory takes all of it, and is content with nothing', () => {
  const temporary = makeDirectory()
  const { path, directory } = open(temporary)
  mkdirSync(join(directory, 'deep', 'er'), { recursive: true })
  writeFileSync(join(temporary, 'neighbour'), '')
  removeJobDirectory(path)
  removeJobDirectory(path)
  expect(existsSync(directory)).toBe(false)
  expect(readdirSync(temporary)).toEqual(['neighbour'])
})

test.each([
  ['/tmp/ssh-trust-aB3dE6/journal.jsonl', true],
  ['/tmp/ssh-trust-aB3dE/journal.jsonl', false],
  ['/tmp/ssh-trust-aB3dE67/journal.jsonl', false],
  ['/tmp/ssh-trust-aB_dE6/journal.jsonl', false],
  ['/tmp/my-ssh-trust-aB3dE6/journal.jsonl', false],
  ['/tmp/ssh-trust-aB3dE6/other.jsonl', false],
  ['/tmp/ssh-trust-aB3dE6/../journal.jsonl', false],
  ['/tmp/ssh-trust-aB3dE6', false],
  ['/home/me/journal.jsonl', false],
  ['', false],
])('isJournalPath(%j) is %j', (path, expected) => {
  expect(isJournalPath(path)).toBe(expected)
})
