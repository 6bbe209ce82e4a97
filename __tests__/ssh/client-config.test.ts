/** Lines of ssh_config files, and what ssh itself says of them. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  findSetting,
  isForEveryHost,
  parseClientConfig,
  readConfigTrace,
} from '../../src/ssh/client-config'

describe('parseClientConfig', () => {
  test.each([
    ['ForwardAgent yes', 'forwardagent', 'yes'],
    ['  ForwardAgent=yes  ', 'forwardagent', 'yes'],
    ['ForwardAgent = yes', 'forwardagent', 'yes'],
    ['\tFORWARDAGENT\tyes\r', 'forwardagent', 'yes'],
    ['UserKnownHostsFile "/a b/c"', 'userknownhostsfile', '/a b/c'],
    ['SendEnv A B', 'sendenv', 'A B'],
  ])('%j', (text, keyword, value) => {
    expect(parseClientConfig('/f', `# mine\n${text}\n`)).toEqual([
      { file: '/f', lineNumber: 2, keyword, value, text: text.trim() },
    ])
  })

  test.each(['', '# ForwardAgent yes', '   ', '=', 'ForwardAgent'])('%j sets nothing', (text) => {
    expect(parseClientConfig('/f', text)).toEqual([])
  })

  test('a line knows the block that it stands under', () => {
    const lines = parseClientConfig('/f', 'A 1\nHost web *.org\nB 2\nMatch user x\nC 3\n')
    expect(lines.map(({ block }) => block)).toEqual([
      undefined,
      { keyword: 'host', value: 'web *.org', lineNumber: 2 },
      { keyword: 'match', value: 'user x', lineNumber: 4 },
    ])
  })

  test('a line of any length, and any text, is no harm', () => {
    expect(parseClientConfig('/f', `A ${'x'.repeat(100_000)}\nB 2`)).toHaveLength(1)
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const line of parseClientConfig('/f', text)) expect(line.keyword).not.toBe('')
      }),
    )
  })
})

test.each([
  ['A 1', true],
  ['Host *\nA 1', true],
  ['Host web *\nA 1', true],
  ['Host * !web\nA 1', false],
  ['Host *.org\nA 1', false],
  ['Match all\nA 1', true],
  ['Match user x\nA 1', false],
])('%j is for every host: %s', (text, expected) => {
  expect(parseClientConfig('/f', text).map(isForEveryHost)).toEqual([expected])
})

/** As OpenSSH 9.2 and 9.9 write it. */
const TRACE = [
  'OpenSSH_9.2p1 Debian-2',
  'debug1: Reading configuration data /home/me/.ssh/config',
  'debug1: /home/me/.ssh/config line 1: Applying options for web',
  'debug1: /home/me/.ssh/config line 3: Deprecated option "fallbacktorsh"',
  'debug3: /home/me/.ssh/config line 5: Including file /home/me/.ssh/more depth 0',
  'debug1: Reading configuration data /home/me/.ssh/more',
  "debug2: checking match for 'host web' host web originally web",
  'debug3: /home/me/.ssh/config line 6: matched \'host "web"\' ',
  '/etc/ssh/ssh_config line 14: Unsupported option "rsaauthentication"',
  '/home/me/.ssh/config: line 16: Bad configuration option: foo',
  "/home/me/.ssh/config line 17: Bad port 'abc'.",
  '/home/me/.ssh/config: terminating, 2 bad configuration options',
  'Bad owner or permissions on /home/me/.ssh/more',
  'Pseudo-terminal will not be allocated because stdin is not a terminal.',
].join('\r\n')

describe('readConfigTrace', () => {
  test('reads files, blocks and complaints', () => {
    const { files, applied, complaints } = readConfigTrace(TRACE)
    expect(files).toEqual(['/home/me/.ssh/config', '/home/me/.ssh/more'])
    expect(applied).toEqual(['/home/me/.ssh/config:1'])
    expect(complaints.map(({ kind, at }) => [kind, at])).toEqual([
      ['gone', '/home/me/.ssh/config:3'],
      ['gone', '/etc/ssh/ssh_config:14'],
      ['broken', '/home/me/.ssh/config:16'],
      ['broken', '/home/me/.ssh/config:17'],
      ['broken', '/home/me/.ssh/more'],
    ])
  })

  test('a trace that is cut off anywhere is read as far as it goes', () => {
    const whole = readConfigTrace(TRACE).complaints.length
    for (let length = 0; length < TRACE.length; length += 1) {
      expect(readConfigTrace(TRACE.slice(0, length)).complaints.length).toBeLessThanOrEqual(whole)
    }
  })
})

describe('findSetting', () => {
  const lines = parseClientConfig(
    '/f',
    'Host other\nForwardAgent yes\nHost web\nForwardAgent yes\nMatch user x\nForwardAgent no\n',
  )
  const find = (value: string): number | undefined =>
    findSetting(lines, { applied: ['/f:3'] }, 'forwardagent', (is) => is === value)?.lineNumber

  test('passes over the blocks of other hosts', () => {
    expect(find('yes')).toBe(4)
  })

  test('takes a Match block if its value fits', () => {
    expect(find('no')).toBe(6)
    expect(find('ask')).toBeUndefined()
  })
})
