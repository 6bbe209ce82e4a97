/**
 * Files of the job, and files that others use too: whole or not at all, mode and bytes kept, one
 * writer at a time, stale locks taken over.
 */
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { editFile, statOf, writeNewFile } from '../../src/local/files'
import { identify } from '../../src/process-identity'
import { run } from '../support/run'
import { testWith } from '../support/programs'
import { makeDirectory } from '../support/scratch'
import { runProgram } from './compiled'

afterEach(() => {
  jest.restoreAllMocks()
})

const inDirectory = (name = 'config'): string => join(makeDirectory(), name)
const append = (line: string) => (text: string | undefined) => `${text ?? ''}${line}\n`
const lock = (path: string): string => `${path}.ssh-trust-lock`
const unsafe = { code: 'file-unsafe' }

/** Nothing but the file itself lies in its directory. */
function expectAlone(path: string): void {
  expect(readdirSync(dirname(path))).toEqual([basename(path)])
}

describe('writeNewFile', () => {
  test.each([0o000, 0o077])('makes a file of mode 0600, with umask %o', (mask) => {
    const path = inDirectory()
    const umask = process.umask(mask)
    try {
      writeNewFile(path, 'té')
    } finally {
      process.umask(umask)
    }
    expect(statSync(path).mode & 0o7777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toBe('té')
  })

  test('writes bytes as they are', () => {
    const path = inDirectory()
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
    writeNewFile(path, bytes)
    expect(readFileSync(path)).toEqual(bytes)
  })

  test('never writes over what is there, nor through a link', () => {
    const path = inDirectory()
    writeFileSync(path, 'mine')
    const link = `${path}-link`
    const dangling = `${path}-dangling`
    symlinkSync(path, link)
    symlinkSync(`${path}-none`, dangling)
    for (const taken of [path, link, dangling]) {
      expect(() => {
        writeNewFile(taken, 'other')
      }).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    }
    expect(readFileSync(path, 'utf8')).toBe('mine')
    expect(existsSync(`${path}-none`)).toBe(false)
  })
})

test('statOf tells of the link itself, and of nothing by undefined', () => {
  const path = inDirectory()
  expect(statOf(path)).toBeUndefined()
  symlinkSync('nowhere', path)
  expect(statOf(path)?.isSymbolicLink()).toBe(true)
})

describe('editFile', () => {
  test('makes a file that was not there, mode 0600', async () => {
    const path = inDirectory()
    await editFile(path, 'id', (text) => {
      expect(text).toBeUndefined()
      return 'new'
    })
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(statSync(path).mode & 0o7777).toBe(0o600)
    expectAlone(path)
  })

  test.each([0o600, 0o644, 0o640, 0o400])('keeps the mode %o', async (mode) => {
    const path = inDirectory()
    writeFileSync(path, '')
    chmodSync(path, mode)
    await editFile(path, 'id', append('line'))
    expect(readFileSync(path, 'utf8')).toBe('line\n')
    expect(statSync(path).mode & 0o7777).toBe(mode)
    expectAlone(path)
  })

  test('keeps every byte', async () => {
    const path = inDirectory()
    const bytes = Buffer.from(Array.from({ length: 1024 }, (_, n) => (n * 7) % 256))
    writeFileSync(path, bytes)
    await editFile(path, 'id', (text) => `# block\n${text ?? ''}`)
    expect(readFileSync(path)).toEqual(Buffer.concat([Buffer.from('# block\n'), bytes]))
  })

  test('replaces the file: who reads the old one reads on', async () => {
    const path = inDirectory()
    writeFileSync(path, 'old')
    const { ino } = statSync(path)
    await editFile(path, 'id', append('new'))
    expect(statSync(path).ino).not.toBe(ino)
  })

  test('removes it where the edit says so', async () => {
    const path = inDirectory()
    writeFileSync(path, 'text')
    await editFile(path, 'id', () => undefined)
    expect(readdirSync(dirname(path))).toEqual([])
    await editFile(path, 'id', () => undefined) // and again: nothing to remove
    expect(readdirSync(dirname(path))).toEqual([])
  })

  test('does not touch a file whose text stays', async () => {
    const path = inDirectory()
    writeFileSync(path, 'text')
    utimesSync(path, 1000, 1000)
    const before = statSync(path)
    await editFile(path, 'id', (text) => text)
    expect(statSync(path)).toMatchObject({
      mtimeMs: 1_000_000,
      ino: before.ino,
      ctimeMs: before.ctimeMs,
    })
    expectAlone(path)
  })

  test('an edit that throws changes nothing, and lets the lock go', async () => {
    const path = inDirectory()
    writeFileSync(path, 'text')
    const boom = (): string => {
      throw new Error('boom')
    }
    await expect(editFile(path, 'id', boom)).rejects.toThrow('boom')
    expect(readFileSync(path, 'utf8')).toBe('text')
    expectAlone(path)
  })

  test('takes over the temporary file that a killed editor of the same job left', async () => {
    const path = inDirectory()
    writeFileSync(`${path}.ssh-trust-new-id`, 'torn')
    await editFile(path, 'id', append('line'))
    expect(readFileSync(path, 'utf8')).toBe('line\n')
    expectAlone(path)
  })

  test.each(['absolute', 'relative'])(
    'edits behind a symbolic link, which stays: %s',
    async (kind) => {
      const target = inDirectory('target')
      const path = inDirectory()
      writeFileSync(target, 'a\n', { mode: 0o640 })
      const to = kind === 'absolute' ? target : join('..', basename(dirname(target)), 'target')
      symlinkSync(to, path)
      await editFile(path, 'id', append('b'))
      expect(readFileSync(target, 'utf8')).toBe('a\nb\n')
      expect(lstatSync(path).isSymbolicLink()).toBe(true)
      expect(readlinkSync(path)).toBe(to)
      expectAlone(path)
      expectAlone(target)
    },
  )

  test('refuses a link to nothing, and makes nothing', async () => {
    const path = inDirectory()
    symlinkSync('nowhere', path)
    await expect(editFile(path, 'id', append('x'))).rejects.toMatchObject(unsafe)
    expectAlone(path)
  })

  test('refuses a directory', async () => {
    const path = inDirectory()
    mkdirSync(path)
    await expect(editFile(path, 'id', append('x'))).rejects.toMatchObject(unsafe)
    expectAlone(path)
  })

  test('refuses a file beyond all reason', async () => {
    const path = inDirectory()
    writeFileSync(path, '')
    truncateSync(path, 16 * 1024 * 1024 + 1)
    await expect(editFile(path, 'id', append('x'))).rejects.toMatchObject(unsafe)
    truncateSync(path, 16)
    await editFile(path, 'id', append('x'))
    expect(statSync(path).size).toBe(18)
  })

  testWith(['root'], "refuses another user's file, keeps the group of its own", async () => {
    const path = inDirectory()
    writeFileSync(path, '')
    chownSync(path, 1, 0)
    await expect(editFile(path, 'id', append('x'))).rejects.toMatchObject({
      ...unsafe,
      hint: expect.stringContaining('home: false'),
    })
    chownSync(path, 0, 1)
    await editFile(path, 'id', append('x'))
    expect(statSync(path)).toMatchObject({ uid: 0, gid: 1 })
  })

  test('says so where the directory is not there', async () => {
    const path = join(makeDirectory(), 'none', 'config')
    await expect(editFile(path, 'id', append('x'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('many editors of one file', () => {
  test('20 in one process lose no line', async () => {
    const path = inDirectory()
    const names = Array.from({ length: 20 }, (_, n) => `line-${n}`)
    await Promise.all(names.map((name) => editFile(path, name, append(name))))
    expect(readFileSync(path, 'utf8').trimEnd().split('\n').sort()).toEqual(names.sort())
    expectAlone(path)
  })

  test('8 processes, ten edits each, lose no line, though a dead one left its lock', async () => {
    const path = inDirectory()
    writeFileSync(lock(path), JSON.stringify({ ...(await deadProcess()), host: hostname() }))
    const program = `const [path, name] = args
      const { editFile } = load('local/files')
      ;(async () => {
        for (let n = 0; n < 10; n += 1) {
          await editFile(path, name + n, (text) => (text ?? '') + name + n + '\\n')
        }
      })()`
    const names = Array.from({ length: 8 }, (_, n) => `process-${n}-`)
    const ends = await Promise.all(names.map((name) => runProgram(program, path, name)))
    expect(ends.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      names.map(() => ({ code: 0, stderr: '' })),
    )
    const wanted = names.flatMap((name) => Array.from({ length: 10 }, (_, n) => `${name}${n}`))
    expect(readFileSync(path, 'utf8').trimEnd().split('\n').sort()).toEqual(wanted.sort())
    expectAlone(path)
  })
})

/** The identity of a process that has ended. */
async function deadProcess(): Promise<object> {
  let identity: object | undefined
  await run(process.execPath, ['-e', 'process.stdin.resume()'], {
    onStart: (child) => {
      identity = identify(child.pid ?? 0)
    },
  })
  if (identity === undefined) throw new Error('no process')
  return identity
}

describe('a lock that is there already', () => {
  const me = { ...identify(process.pid), host: hostname() }
  const foreign = { pid: process.pid, host: `${hostname()}-elsewhere` }

  /** A file with a lock of that age beside it. */
  function locked(content: string, age = 0): string {
    const path = inDirectory()
    writeFileSync(path, '')
    writeFileSync(lock(path), content)
    const time = (Date.now() - age) / 1000
    utimesSync(lock(path), time, time)
    return path
  }

  async function expectTakenOver(path: string): Promise<void> {
    await editFile(path, 'id', append('line'))
    expect(readFileSync(path, 'utf8')).toBe('line\n')
    expectAlone(path)
  }

  test('of a process that is dead is taken over', async () => {
    const dead = await deadProcess()
    await expectTakenOver(locked(JSON.stringify({ ...dead, host: hostname() })))
  })

  test('of a pid that another process has by now is taken over', async () => {
    await expectTakenOver(locked(JSON.stringify({ ...me, start: '1' })))
  })

  test.each([
    ['without content', ''],
    ['with garbage', '{"pid":'],
    ['without pid', JSON.stringify({ host: hostname() })],
  ])('%s, and old, is taken over', async (_, content) => {
    await expectTakenOver(locked(content, 10_000))
  })

  test('that says null, and is old, is taken over', async () => {
    await expectTakenOver(locked('null', 100_000))
  })

  test('of another machine, and old, is taken over', async () => {
    await expectTakenOver(locked(JSON.stringify(foreign), 61_000))
  })

  test('of a live pid that may be another process by now, and old, is taken over', async () => {
    const { pid, host } = { pid: process.pid, host: hostname() }
    await expectTakenOver(locked(JSON.stringify({ pid, host }), 61_000))
  })

  test.each([
    ['of a live process', JSON.stringify(me), 1_000_000],
    ['of a live pid, not old', JSON.stringify({ pid: process.pid, host: hostname() }), 30_000],
    ['of another machine, not old', JSON.stringify(foreign), 30_000],
    ['that is just being made', '', 0],
  ])('%s is respected until it goes', async (_, content, age) => {
    const path = locked(content, age)
    let edited = false
    const editing = editFile(path, 'id', (text) => {
      edited = true
      expect(existsSync(lock(path))).toBe(true)
      return append('line')(text)
    })
    await sleep(300)
    expect(edited).toBe(false)
    expect(readFileSync(lock(path), 'utf8')).toBe(content)
    const time = Date.now() / 1000 - 1000
    writeFileSync(lock(path), JSON.stringify(foreign))
    utimesSync(lock(path), time, time)
    await editing
    expect(readFileSync(path, 'utf8')).toBe('line\n')
    expectAlone(path)
  })

  test('that does not go is an error in the end, and stays', async () => {
    const path = locked(JSON.stringify(me))
    const start = Date.now()
    // Every look at the clock takes a second: the lock's time runs out after twenty looks.
    let looks = 0
    jest.spyOn(Date, 'now').mockImplementation(() => start + 1000 * looks++)
    await expect(editFile(path, 'id', append('line'))).rejects.toMatchObject({
      code: 'file-locked',
      message: expect.stringContaining(lock(path)),
      hint: expect.stringContaining('remove that file'),
    })
    expect(readFileSync(lock(path), 'utf8')).toBe(JSON.stringify(me))
    expect(readFileSync(path, 'utf8')).toBe('')
  })
})
