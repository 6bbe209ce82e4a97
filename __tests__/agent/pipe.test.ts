/** Names of pipes: what Node listens on, and what may stand in an ssh_config. */
import { expect, test } from '@jest/globals'
import { isPipePath, newPipePath, pipePathForConfig } from '../../src/agent/pipe'

test('a path in the namespace of pipes, another each time, short enough for sun_path', () => {
  const path = newPipePath()
  expect(path).toMatch(/^\\\\\.\\pipe\\ssh-trust-[0-9a-f]{32}$/)
  expect(newPipePath()).not.toBe(path)
  expect(Buffer.byteLength(path)).toBeLessThan(108)
})

test('in an ssh_config it has slashes, which need neither quotes nor escapes', () => {
  expect(pipePathForConfig('\\\\.\\pipe\\ssh-trust-0a')).toBe('//./pipe/ssh-trust-0a')
})

test.each([
  [newPipePath(), true],
  [pipePathForConfig(newPipePath()), true],
  ['\\\\.\\PIPE\\openssh-ssh-agent', true],
  ['/tmp/x/agent.sock', false],
  ['D:/a/pipe/agent.sock', false],
  ['\\\\server\\pipe\\x', false],
  ['//./pipe', false],
])('isPipePath(%j) is %j', (path, expected) => {
  expect(isPipePath(path)).toBe(expected)
})
