/** The block in ~/.ssh/config, which leaves every other byte as it was. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  addBlock,
  findBlocks,
  homeBlock,
  removeBlock,
  thisMachine,
} from '../../src/local/home-block'
import { describeWith, program } from '../support/programs'
import { run } from '../support/run'
import { makeDirectory } from '../support/scratch'

const SINCE = new Date('2026-11-22T10:00:00Z')

describe('the block in ~/.ssh/config', () => {
  const pathsOf = (directory: string): { socket: string; config: string } => ({
    socket: `${directory}/agent.sock`,
    config: `${directory}/config`,
  })
  const LINES = homeBlock('aB3dE6', pathsOf('/t/ssh-trust-aB3dE6'), SINCE)
  const OTHER = homeBlock('zZ9yY8', pathsOf('/u/ssh-trust-zZ9yY8'), SINCE)
  const without = (text: string, lines: readonly string[]): string | undefined =>
    removeBlock(text, lines).text

  test('includes the job’s file where the job’s agent is in use, and ends its scope', () => {
    expect(LINES).toEqual([
      `# >>> ssh-trust aB3dE6 on ${thisMachine()} since 2026-11-22T10:00:00.000Z`,
      'Match exec "printenv SSH_AUTH_SOCK | grep -qxF /t/ssh-trust-aB3dE6/agent.sock"',
      '    Include /t/ssh-trust-aB3dE6/config',
      'Match all',
      '# <<< ssh-trust aB3dE6',
    ])
    expect(addBlock('Host x\n', LINES)).toBe(`${LINES.join('\n')}\nHost x\n`)
  })

  /** Text of lines that are like ours, with all kinds of ends. */
  const common = ['Match all', 'Host x', '    Include /x', '', '# >>> ssh-trust']
  const end = fc.constantFrom('\n', '\r\n', '\r', '')
  const linesOf = (choice: readonly string[]): fc.Arbitrary<string> =>
    fc.array(fc.tuple(fc.constantFrom(...choice), end)).map((pairs) => pairs.flat().join(''))
  const bytes = fc.uint8Array().map((array) => Buffer.from(array).toString('latin1'))

  test('taken out again, every byte is as it was', () => {
    fc.assert(
      fc.property(
        fc.oneof(linesOf([...common, ...OTHER]), bytes, fc.string({ unit: 'binary' })),
        (text) => {
          expect(without(addBlock(text, LINES), LINES)).toBe(text)
          expect(without(text, LINES)).toBe(text)
        },
      ),
    )
  })

  test('blocks of two jobs go in any order, and leave each other', () => {
    fc.assert(
      fc.property(linesOf(common), (text) => {
        const both = addBlock(addBlock(text, LINES), OTHER)
        expect(without(both, OTHER)).toBe(addBlock(text, LINES))
        expect(without(both, LINES)).toBe(addBlock(text, OTHER))
      }),
    )
  })

  const block = LINES.map((line) => `${line}\n`)
  const text = block.join('')

  test.each<[string, string, string]>([
    ['moved down', `Host a\n${text}Host b\n`, 'Host a\nHost b\n'],
    ['moved to the end, its last newline gone', `Host a\n${text.trimEnd()}`, 'Host a\n'],
    ['twice', `${text}Host a\n${text}`, 'Host a\n'],
    ['turned into CRLF', `${text}Host a\n`.replaceAll('\n', '\r\n'), 'Host a\r\n'],
    ['in front of a CRLF file', `${text}Host a\r\n\tPort 1\r\n`, 'Host a\r\n\tPort 1\r\n'],
    ['in front of a last line without newline', `${text}Host a`, 'Host a'],
    ['alone', text, ''],
    ['lines put in between', block.join('Host between\n'), 'Host between\n'.repeat(4)],
    ['its begin gone', block.slice(1).join(''), 'Match all\n'],
    ['a Match all behind it', `${text}Match all\nHost a\n`, 'Match all\nHost a\n'],
    ['a Match all before it', `Match all\n${text}`, 'Match all\n'],
    [
      'a line that only begins as ours',
      `${text}    Include /t/ssh-trust-aB3dE6/config2\n`,
      '    Include /t/ssh-trust-aB3dE6/config2\n',
    ],
  ])('%s', (_, given, expected) => {
    expect(without(given, LINES)).toBe(expected)
  })

  test('its end gone, no Match all of somebody else is taken', () => {
    const given = `${block.slice(0, 4).join('')}Host a\nMatch all\n    Port 1\n`
    expect(without(given, LINES)).toBe('Host a\nMatch all\n    Port 1\n')
  })

  describe('in a file that was made for it', () => {
    const alone = addBlock(undefined, LINES)
    const both = addBlock(alone, OTHER)
    const ownLines = 'Host own\n    Port 1\n'

    test('the file goes with the block', () => {
      expect(removeBlock(alone, LINES)).toEqual({ text: undefined, made: 'file' })
      const directoryToo = addBlock(undefined, LINES, 'directory')
      expect(removeBlock(directoryToo, LINES)).toEqual({ text: undefined, made: 'directory' })
    })

    test.each([
      ['in their order', LINES, OTHER],
      ['in the other order', OTHER, LINES],
    ])('and with the last of several: %s', (_, first, last) => {
      const left = without(both, first)
      expect(left).toBe(addBlock(undefined, last))
      expect(removeBlock(left ?? '', last)).toEqual({ text: undefined, made: 'file' })
    })

    test.each([
      ['in front', `${ownLines}${alone}`, ownLines],
      ['behind', `${alone}${ownLines}`, ownLines],
      [
        'with CRLF throughout',
        `${alone}${ownLines}`.replaceAll('\n', '\r\n'),
        ownLines.replaceAll('\n', '\r\n'),
      ],
    ])('lines that others put there stay alone: %s', (_, text, expected) => {
      expect(without(text, LINES)).toBe(expected)
    })

    test('a second time nothing is found', () => {
      expect(removeBlock('', LINES)).toEqual({ text: '' })
      expect(removeBlock(ownLines, LINES)).toEqual({ text: ownLines })
    })
  })

  describe('found again by what it says of itself', () => {
    const found = {
      id: 'aB3dE6',
      host: thisMachine(),
      since: SINCE,
      directory: '/t/ssh-trust-aB3dE6',
      lines: LINES,
    }

    test.each([
      ['alone', addBlock(undefined, LINES), [found]],
      ['among others', addBlock(addBlock('Host x\n', LINES), OTHER), [expect.anything(), found]],
      ['with CRLF', addBlock('Host x\n', LINES).replaceAll('\n', '\r\n'), [found]],
      ['with lines of others in it', block.join('Host between\n'), [found]],
      ['without its end', block.slice(0, -1).join(''), []],
      ['without its Include', block.toSpliced(2, 1).join(''), []],
      ['in an older form', text.replace(/ on .*/, ''), []],
      ['not at all', 'Host x\n', []],
    ])('%s', (_, given, expected) => {
      expect(findBlocks(given)).toEqual(expected)
    })

    test('the block of Windows', () => {
      const directory = 'D:/a/_temp/ssh-trust-aB3dE6'
      const lines = homeBlock(
        'aB3dE6',
        { ...pathsOf(directory), pipe: '//./pipe/ssh-trust-1' },
        SINCE,
      )
      expect(findBlocks(addBlock('', lines))).toEqual([{ ...found, directory, lines }])
    })
  })

  describeWith(['ssh'], 'as ssh reads it', () => {
    test.each([
      ['the job’s agent', '/t/agent.sock', '2222'],
      ['another agent', '/u/agent.sock', '77'],
      ['no agent', undefined, '77'],
    ])('with %s', async (_, socket, port) => {
      const directory = makeDirectory()
      const [job, home] = [join(directory, 'job'), join(directory, 'config')]
      writeFileSync(job, 'Host web\n    Port 2222\n')
      const paths = { socket: '/t/agent.sock', config: job }
      writeFileSync(
        home,
        addBlock('Port 77\nHost web\n    User late\n', homeBlock('aB3dE6', paths)),
      )
      const env = { ...process.env, SSH_AUTH_SOCK: socket }
      const { stdout } = await run(program('ssh'), ['-G', '-F', home, 'web'], {
        env,
      })
      expect(stdout).toContain(`\nport ${port}\n`)
      expect(stdout).toContain('\nuser late\n')
    })
  })
})
