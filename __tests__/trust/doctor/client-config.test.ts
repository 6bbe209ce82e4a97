/** ssh_config of this machine as the doctor judges it, with the real ssh and real files. */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readAgentKeys, type AgentKey } from '../../../src/trust/doctor/client'
import {
  judgeClientConfig,
  judgePrompts,
  readClientSettings,
} from '../../../src/trust/doctor/client-config'
import type { Finding } from '../../../src/trust/doctor/finding'
import { parseHosts, type HostLine } from '../../../src/trust/hosts'
import { makeHome, type Home } from '../../support/home'
import { describeWith } from '../../support/programs'

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIpoXW6G5sM3mGqgGzXvYyEfzdnfqgpP1fLtwuyRk0b+'
const OTHER = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHFkf7sFNkcUGJTtEkJ1xcyVYwVS3jD2VIbzF7YGVVSN'

describeWith(['ssh', 'nss_wrapper'], 'ssh_config', () => {
  let home: Home
  let ssh: string
  const keys: AgentKey[] = readAgentKeys(KEY)

  beforeEach(async () => {
    home = await makeHome()
    ssh = join(home.directory, '.ssh')
    mkdirSync(ssh, { mode: 0o700 })
  })
  afterEach(() => {
    home.remove()
  })

  function hostLine(text = 'web=deploy@www.example.org'): HostLine {
    const [line] = parseHosts(`${text} SHA256:${'A'.repeat(43)}`).hosts
    if (line === undefined) throw new Error('no line')
    return line
  }

  /** What is found of a config, where `$D` stands for ~/.ssh. */
  async function judge(config: string, line = hostLine()): Promise<Finding[]> {
    writeFileSync(join(ssh, 'config'), config.replaceAll('$D', ssh), { mode: 0o600 })
    const before = home.snapshot()
    const env = { PATH: process.env['PATH'], ...home.env, SSH_AUTH_SOCK: '/tmp/agent' }
    const settings = await readClientSettings(line, { env, timeout: 10_000 })
    expect(home.snapshot()).toEqual(before)
    return judgeClientConfig(line, settings, keys, '/tmp/agent')
  }

  const shown = ({ status, code }: Finding): string => `${status} ${code}`

  test.each([
    ['nothing', '', []],
    ['what is for trust', 'Host *\nStrictHostKeyChecking yes\nBatchMode yes\n', []],
    ['an option of rsh', 'FallBackToRsh yes\n', ['warning client-option-gone']],
    [
      'options of protocol 1',
      'Host *\n  RhostsAuthentication no\n  RSAAuthentication yes\n',
      ['warning client-option-gone', 'warning client-option-gone'],
    ],
    ['an option that never was', 'Foo bar\n', ['problem client-config-broken']],
    ['a value that is none', 'Port abc\n', ['problem client-config-broken']],
    ['no keys', 'PubkeyAuthentication no\n', ['problem client-publickey-off']],
    ['no keys, for another host', 'Host db\nPubkeyAuthentication no\n', []],
    ['any host key', 'StrictHostKeyChecking no\n', ['warning client-host-key-unchecked']],
    [
      'any host key, by its newer name',
      'StrictHostKeyChecking off\n',
      ['warning client-host-key-unchecked'],
    ],
    ['no known hosts', 'UserKnownHostsFile /dev/null\n', ['warning client-host-key-unchecked']],
    ['the agent for all', 'Host *\nForwardAgent yes\n', ['warning client-forwards-agent']],
    ['the agent for this host', 'Host web\nForwardAgent yes\n', []],
    ['the agent, and not above', 'Host web\nForwardAgent no\nHost *\nForwardAgent yes\n', []],
    ['the display for all', 'ForwardX11 yes\n', ['warning client-forwards-x11']],
    ['another agent', 'IdentityAgent /tmp/other\n', ['warning client-other-agent']],
    ['the same agent', 'IdentityAgent /tmp/agent\n', []],
    ['the same agent by its variable', 'IdentityAgent SSH_AUTH_SOCK\n', []],
    ['another address', 'Host web\nHostName db.example.org\n', ['warning client-other-address']],
    ['the same address', 'Host web\nHostName WWW.example.org\n', []],
    ['a jump host', 'Host web\nProxyJump gate\n', ['warning client-proxy']],
    ['a proxy', 'ProxyCommand nc %h %p\n', ['warning client-proxy']],
    ['only keys that are not there', 'IdentitiesOnly yes\n', ['problem client-other-key']],
    [
      'only another key',
      'IdentitiesOnly yes\nIdentityFile $D/other\n',
      ['warning client-other-key'],
    ],
    ['only the agent’s key', 'IdentitiesOnly yes\nIdentityFile $D/mine.pub\n', []],
    ['only a key that nobody can tell', 'IdentitiesOnly yes\nIdentityFile $D/closed\n', []],
  ])('%s', async (_, config, expected) => {
    writeFileSync(join(ssh, 'other'), 'private\n')
    writeFileSync(join(ssh, 'other.pub'), `${OTHER} other\n`)
    writeFileSync(join(ssh, 'mine.pub'), `${KEY} mine\n`)
    writeFileSync(join(ssh, 'closed'), 'private\n')
    const found = await judge(config)
    expect(found.filter(({ status }) => status !== 'ok').map(shown)).toEqual(expected)
  })

  test('says file and line, also of an included file, and shows the line', async () => {
    writeFileSync(join(ssh, 'more'), '# mine\nHost web\n  StrictHostKeyChecking=no\n')
    const [finding] = await judge('Include $D/more\n')
    expect(finding?.finding).toMatch(`${join(ssh, 'more')}:3: `)
    expect(finding?.evidence).toBe('StrictHostKeyChecking=no')
  })

  test('a file that others can write to', async () => {
    writeFileSync(join(ssh, 'config'), '', { mode: 0o666 })
    chmodSync(join(ssh, 'config'), 0o666)
    const found = await judge('')
    expect(found.map(shown)).toEqual(['problem client-config-broken'])
    expect(found[0]?.hint).toContain(`chmod go-w '${join(ssh, 'config')}'`)
  })

  test.each([
    ['', ['warning client-prompts']],
    ['BatchMode yes\n', []],
  ])('prompts, with %j', async (config, expected) => {
    writeFileSync(join(ssh, 'config'), config, { mode: 0o600 })
    const env = { PATH: process.env['PATH'], ...home.env }
    const settings = await readClientSettings(hostLine(), { env, timeout: 10_000 })
    expect(judgePrompts(settings, 'web').map(shown)).toEqual(expected)
  })
})
