/** The `hosts-file` input: its formats and how they are told apart, each with its errors. */
import { describe, expect, test } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { explain, TrustError, type ErrorCode } from '../../src/errors'
import { hostName } from '../../src/trust/hosts'
import { parseInventory, readInventory, recognize } from '../../src/trust/inventory'
import { makeDirectory } from '../support/scratch'

const FP = `SHA256:${'A'.repeat(43)}`
const FP2 = `SHA256:${'B'.repeat(42)}A`

/** Hosts as `alias=user@host:port pin`, errors as they are told. */
async function read(
  path: string,
  text: string,
): Promise<{ hosts: string[]; errors: string[]; notes: string[] }> {
  const { hosts, errors, notes } = await parseInventory(path, text)
  return {
    hosts: hosts.map((line) => {
      const { alias, user, host, port, pins } = line
      const prints = pins.map((pin) =>
        pin.kind === 'fingerprint' ? pin.fingerprint.slice(7, 8) : '?',
      )
      return `${alias === undefined ? '' : `${alias}=`}${user === undefined ? '' : `${user}@`}${host}:${port} ${prints.join('')}`
    }),
    errors: errors.map(explain),
    notes,
  }
}

async function hostsIn(path: string, text: string): Promise<string[]> {
  const { hosts, errors } = await read(path, text)
  expect(errors).toEqual([])
  return hosts
}

async function errorIn(path: string, text: string): Promise<TrustError> {
  const { errors } = await parseInventory(path, text)
  const [error] = errors
  if (error === undefined) throw new Error('no error')
  return error
}

describe('which format a file is of', () => {
  test.each([
    ['hosts.ini', '', 'ansible-ini'],
    ['a/hosts.YML', '', 'ansible-yaml'],
    ['hosts.yaml', 'Host web', 'ansible-yaml'],
    ['hosts.json', '', 'ansible-yaml'],
    ['deploy/ssh_config', '', 'ssh-config'],
    ['fleet.ssh_config', '', 'ssh-config'],
    ['hosts', '', 'hosts'],
    ['hosts', `# fleet\n\nweb ${FP}`, 'hosts'],
    ['hosts', `host ${FP}`, 'hosts'],
    ['hosts', `host ssh-ed25519 AAAA`, 'hosts'],
    ['hosts', `[2001:db8::1] ${FP}`, 'hosts'],
    ['hosts', `web ${FP}\n# Host web\n# [web]`, 'hosts'],
    ['hosts', 'Host web', 'ssh-config'],
    ['hosts', 'User me\nhost=web', 'ssh-config'],
    ['hosts', 'Match all', 'ssh-config'],
    ['hosts', '; all\n[web]', 'ansible-ini'],
    ['hosts', 'web\n[all:vars] # these', 'ansible-ini'],
    ['hosts', 'web ansible_host=192.0.2.1', 'ansible-ini'],
    ['hosts', `web ssh_trust_pins=${FP}`, 'ansible-ini'],
    ['hosts', '---\n', 'ansible-yaml'],
    ['hosts', '# fleet\nall:\n  hosts:', 'ansible-yaml'],
    ['hosts', '"web servers":', 'hosts'],
    ['hosts', '{"all": {}}', 'ansible-yaml'],
    ['hosts', `web ${FP}\nall:`, 'hosts'],
  ])('%s with %j', (path, text, format) => {
    expect(recognize(path, text).format).toBe(format)
  })

  test.each([
    ['hosts.ini', `Host web\n  HostName www.example\n`, 'in INI, because its name ends in .ini'],
    ['hosts.yml', `web ${FP}\n`, 'in YAML, because its name ends in .yml'],
    ['ssh_config', `web ${FP}\n`, 'an ssh_config, because of its name'],
    ['hosts', 'all\n  web\n', 'as in the hosts input, because nothing in it looks like another'],
    ['hosts', '[web]\n', 'in INI, because line 1 looks like that'],
  ])(
    '%s with %j is read as what it is taken for, and the error says so',
    async (path, text, said) => {
      expect((await errorIn(path, text)).hint).toContain(said)
    },
  )
})

test('lines as in hosts, with file and line in errors', async () => {
  expect(await hostsIn('fleet.txt', `a=me@web:23 ${FP}\r\n# no\r\nb=db ${FP2}`)).toEqual([
    'a=me@web:23 A',
    'b=db:22 B',
  ])
  expect(await parseInventory('x/fleet', `web ${FP}\ndb ${FP} what`)).toMatchObject({
    hosts: [{ position: 'hosts-file x/fleet:1' }],
    errors: [{ code: 'hosts-option-unknown', input: `hosts-file x/fleet:2:${FP.length + 5}` }],
  })
})

describe('an Ansible inventory in INI', () => {
  const vars = `\n[all:vars]\nssh_trust_pins=${FP}\n`
  test.each<[string, string, string[]]>([
    ['hosts without group', `web\ndb${vars}`, ['web:22 A', 'db:22 A']],
    ['comments', `; no\n# no\n[g] # g\nweb # no\n${vars}`, ['web:22 A']],
    [
      'names of Ansible',
      `web ansible_host=192.0.2.1 ansible_port=23 ansible_user=me${vars}`,
      ['web=me@192.0.2.1:23 A'],
    ],
    [
      'old names',
      `web ansible_ssh_host=192.0.2.1 ansible_ssh_port=23 ansible_ssh_user=me${vars}`,
      ['web=me@192.0.2.1:23 A'],
    ],
    ['a port behind the host', `web:2222${vars}`, ['web:2222 A']],
    [
      'IPv6',
      `[2001:db8::1]:23\n[2001:db8::2]\n2001:db8::3\nsix ansible_host=2001:db8::4${vars}`,
      ['2001:db8::1:23 A', '2001:db8::2:22 A', '2001:db8::3:22 A', 'six=2001:db8::4:22 A'],
    ],
    [
      'a range of numbers',
      `web[08:11].example${vars}`,
      ['web08.example:22 A', 'web09.example:22 A', 'web10.example:22 A', 'web11.example:22 A'],
    ],
    ['a range without zeros', `web[9:10]:23${vars}`, ['web9:23 A', 'web10:23 A']],
    ['a range of letters', `db-[a:c]${vars}`, ['db-a:22 A', 'db-b:22 A', 'db-c:22 A']],
    ['a range with a step', `web[0:10:5]${vars}`, ['web0:22 A', 'web5:22 A', 'web10:22 A']],
    ['two ranges', `[a:b][1:2]${vars}`, ['a1:22 A', 'a2:22 A', 'b1:22 A', 'b2:22 A']],
    ['quotes', `web ssh_trust_pins="${FP} ${FP2}" ansible_user='me'`, ['me@web:22 AB']],
    ['quotes in vars', `web\n[all:vars]\nssh_trust_pins = "${FP} ${FP2}" # two`, ['web:22 AB']],
    [
      'a whole line of ssh-keygen',
      `web ssh_trust_pins="256 ${FP} root@web (ED25519)"`,
      ['web:22 A'],
    ],
    ['the host before its group', `[g]\nweb ssh_trust_pins=${FP2}${vars}`, ['web:22 B']],
    ['a group before all', `[g]\nweb\n[g:vars]\nssh_trust_pins=${FP2}${vars}`, ['web:22 B']],
    [
      'a child before its parent, in any order',
      `[p:vars]\nssh_trust_pins=${FP}\n[p:children]\nc\n[c:vars]\nssh_trust_pins=${FP2}\n[c]\nweb`,
      ['web:22 B'],
    ],
    [
      'a variable of the parent',
      `[p:children]\nc\n[p:vars]\nssh_trust_pins=${FP2}\n[c]\nweb${vars}`,
      ['web:22 B'],
    ],
    [
      'the later by the alphabet of two groups',
      `[a]\nweb\n[b]\nweb\n[b:vars]\nssh_trust_pins=${FP2}\n[a:vars]\nssh_trust_pins=${FP}`,
      ['web:22 B'],
    ],
    [
      'the greater priority',
      `[a]\nweb\n[b]\nweb\n[b:vars]\nssh_trust_pins=${FP}\n[a:vars]\nssh_trust_pins=${FP2}\nansible_group_priority=10`,
      ['web:22 B'],
    ],
    [
      'a host on several lines',
      `[a]\nweb ansible_user=me\n[b]\nweb ansible_port=23${vars}`,
      ['me@web:23 A'],
    ],
    ['built-in pins', 'github.com ansible_user=git', ['git@github.com:22 ???']],
  ])('%s', async (_name, text, expected) => {
    expect(await hostsIn('hosts.ini', text)).toEqual(expected)
  })

  test('options, and more hosts than those over SSH', async () => {
    const text = `web ssh_trust_options="bootstrap forward key=x"\nlocalhost ansible_connection=local\nwin ansible_connection=winrm${vars}`
    const { hosts, notes } = await parseInventory('hosts.ini', text)
    expect(hosts).toMatchObject([{ host: 'web', bootstrap: true, forward: true, keys: ['x'] }])
    expect(notes).toEqual([
      'hosts-file hosts.ini: left out, as ansible_connection says something else than ssh: localhost and 1 more',
    ])
  })

  test.each<[string, ErrorCode, number, RegExp]>([
    ['[web]\nweb1', 'hosts-pin-missing', 2, /^web1 has no pin/],
    [`web ssh_trust_pins=what`, 'hosts-option-unknown', 1, /^web: "what" is neither/],
    [`web ssh_trust_pins=SHA256:abc`, 'hosts-pin-invalid', 1, /^web: /],
    [`web ssh_trust_pins=${FP} ansible_port=ssh`, 'hosts-syntax', 1, /ssh is not a port/],
    [`web ssh_trust_pins=${FP} ansible_port=0x16`, 'hosts-syntax', 1, /is not a port/],
    [
      `web ssh_trust_pins=${FP} ansible_host={{ip}}`,
      'hosts-syntax',
      1,
      /ansible_host of web is a template/,
    ],
    [
      `web ssh_trust_pins=${FP} ansible_host=a ansible_ssh_host=b`,
      'hosts-syntax',
      1,
      /and they differ/,
    ],
    [`web ssh_trust_pins=${FP} ansible_host="a b"`, 'hosts-syntax', 1, /"a b" is not a host/],
    [`web ssh_trust_pins="${FP}`, 'hosts-syntax', 1, /A quote has no end/],
    ['web[5:1]', 'hosts-syntax', 1, /not a range/],
    ['web[1:z]', 'hosts-syntax', 1, /not a range/],
    ['web[1:5:0]', 'hosts-syntax', 1, /not a range/],
    ['web[0:99999999999]', 'hosts-syntax', 1, /more than 10000/],
    ['web[1:999][1:999]', 'hosts-syntax', 1, /more than 10000/],
    ['[web:what]', 'hosts-syntax', 1, /This is not \[GROUP\]/],
    ['[]', 'hosts-syntax', 1, /This is not \[GROUP\]/],
    ['[web:vars]\na=b', 'hosts-syntax', 1, /\[web:vars\] is for a group/],
    ['[a:children]\nb\n[b:children]\na', 'hosts-syntax', 1, /circle/],
    ['[a:children]\na', 'hosts-syntax', 1, /circle/],
    ['[a:children]\nall', 'hosts-syntax', 1, /circle/],
    [`x=y\n`, 'hosts-syntax', 1, /A variable stands where/],
  ])('%j is wrong', async (text, code, line, message) => {
    expect(await errorIn('hosts.ini', text)).toMatchObject({
      code,
      input: `hosts-file hosts.ini:${line}`,
      message: expect.stringMatching(message),
    })
  })

  test('a missing pin is told with the variable to give it in', async () => {
    expect((await errorIn('hosts.ini', '[web]\nweb1')).hint).toContain('ssh_trust_pins="SHA256:…"')
  })

  test.each([
    'web ansible_password=hunter2 hunter3',
    'web ansible_ssh_pass="hunter2',
    '[all:vars]\nhunter2\n',
    'ansible_password=hunter2',
    'ansible_password = hunter2',
    'web password: hunter2',
    '[g]\nweb ansible_become_pass=hunter2',
  ])('what may be a secret is told in no message: %j', async (text) => {
    const { errors } = await read('hosts.ini', text)
    expect(errors.join()).not.toMatch(/hunter/)
    expect(errors).not.toEqual([])
  })
})

describe('an Ansible inventory in YAML', () => {
  const vars = `  vars:\n    ssh_trust_pins: ${FP}\n`
  test.each<[string, string, string[]]>([
    [
      'hosts of all',
      `all:\n  hosts:\n    web:\n    db: {ansible_host: 192.0.2.1, ansible_port: 023, ansible_user: me}\n${vars}`,
      ['web:22 A', 'db=me@192.0.2.1:23 A'],
    ],
    [
      'children',
      `all:\n  children:\n    g:\n      hosts:\n        web:\n      vars: {ssh_trust_pins: [${FP}, ${FP2}]}\n`,
      ['web:22 AB'],
    ],
    ['groups at the top', `g:\n  hosts: {web: , db: null}\nall:\n${vars}`, ['web:22 A', 'db:22 A']],
    [
      'a group named in two places',
      `all:\n  children: {p: {children: {c: {}}}}\nc:\n  hosts: {web: }\np:\n  vars: {ssh_trust_pins: ${FP2}}\n`,
      ['web:22 B'],
    ],
    [
      'a host before its group',
      `all:\n  hosts: {web: {ssh_trust_pins: ${FP2}}}\n${vars}`,
      ['web:22 B'],
    ],
    ['ranges', `all:\n  hosts:\n    web[1:2]:\n${vars}`, ['web1:22 A', 'web2:22 A']],
    [
      'anchors and merges',
      `x-all: {}\nall:\n  hosts:\n    web: &w {ansible_user: me, ansible_port: 24}\n    db: {<<: *w, ansible_port: 25}\n    ci: *w\n${vars}`,
      ['me@web:24 A', 'me@db:25 A', 'me@ci:24 A'],
    ],
    ['JSON', `{"all": {"hosts": {"web": {"ssh_trust_pins": "${FP}"}}}}`, ['web:22 A']],
    [
      'vaults that are not needed',
      `all:\n  hosts: {web: }\n  vars:\n    ssh_trust_pins: ${FP}\n    ansible_password: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      6162\n`,
      ['web:22 A'],
    ],
  ])('%s', async (_name, text, expected) => {
    expect(await hostsIn('hosts.yml', text)).toEqual(expected)
  })

  test.each<[string, ErrorCode, number, RegExp]>([
    [`all:\n  hosts:\n    web:\n`, 'hosts-pin-missing', 3, /^web has no pin/],
    [
      `all:\n  hosts:\n    web: {ssh_trust_pins: {a: b}}\n`,
      'hosts-syntax',
      3,
      /neither a text nor a list/,
    ],
    [`all:\n  hosts:\n    - web\n`, 'hosts-syntax', 3, /hosts of all is not a mapping/],
    [`all:\n  hosts: hunter2\n`, 'hosts-syntax', 2, /hosts of all is not a mapping/],
    [`- web\n`, 'hosts-syntax', 1, /The file is not a mapping/],
    [`hunter2\n`, 'hosts-syntax', 1, /The file is not a mapping/],
    [`all:\n  host: {web: }\n`, 'hosts-syntax', 2, /"host" is none of hosts, vars/],
    [`all:\n  hosts:\n    web:\n    web:\n`, 'hosts-syntax', 4, /web stands twice/],
    [`all:\n  hosts:\n   hunter2: x: y\n`, 'hosts-syntax', 3, /This is not YAML \(/],
    [`all:\n  hosts: {web: "hunter2\n`, 'hosts-syntax', 3, /This is not YAML \(/],
    [`all:\n  hosts: *hunter2\n`, 'hosts-syntax', 2, /has no anchor/],
    [`all: {}\n---\nall: {}\n`, 'hosts-syntax', 2, /This is not YAML \(multiple docs\)/],
    [`all:\n  children: {a: {children: {all: {}}}}\n`, 'hosts-syntax', 1, /circle/],
    [
      `all:\n  hosts:\n    web: {ssh_trust_pins: "{{ pin }}"}\n`,
      'hosts-syntax',
      3,
      /is a template/,
    ],
    [`all:\n  hosts:\n    ? [a]\n    : b\n`, 'hosts-syntax', 3, /is not a name/],
  ])('%j is wrong', async (text, code, line, message) => {
    const error = await errorIn('hosts.yml', text)
    expect(error).toMatchObject({
      code,
      input: `hosts-file hosts.yml:${line}`,
      message: expect.stringMatching(message),
    })
    expect(error.explain()).not.toMatch(/hunter2/)
  })

  test.each([
    [
      'aliases of aliases',
      `a0: &a0 {hosts: {x: }}\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} {children: {l: *a${i}, r: *a${i}}}`).join('\n')}\n`,
    ],
    ['an alias in its own anchor', 'all: &a {children: {b: *a}}\n'],
    ['groups in groups', `${'{children: {g: '.repeat(2000)}${'}}'.repeat(2000)}`],
    ['brackets in brackets', '['.repeat(200_000)],
  ])('%s come to an end', async (_name, text) => {
    const { errors } = await read('hosts.yml', text)
    expect(errors).not.toEqual([])
  })
})

describe('an ssh_config', () => {
  test.each<[string, string, string[]]>([
    [
      'a block',
      `Host web\n  HostName www.example\n  Port 23\n  User me\n  # ssh-trust: ${FP}\n`,
      ['web=me@www.example:23 A'],
    ],
    [
      '=, quotes and case',
      `host=web\nhostname = "www.example"\nUSER\tme # me\n#ssh-trust:${FP}`,
      ['web=me@www.example:22 A'],
    ],
    ['names of one block', `Host a b\n# ssh-trust: ${FP}\n`, ['a:22 A', 'b:22 A']],
    [
      'the first value',
      `Host web\nUser a\nUser b\n# ssh-trust: ${FP}\nHost web *\nUser c\nPort 23\n# ssh-trust: ${FP2}`,
      ['a@web:23 A'],
    ],
    [
      'what stands before the first Host',
      `User a\nHost web\nUser b\n# ssh-trust: ${FP}`,
      ['a@web:22 A'],
    ],
    [
      'patterns',
      `Host web1 db\n# ssh-trust: ${FP}\nHost web? !db\nPort 23\nHost * !web1\nUser u\n`,
      ['web1:23 A', 'u@db:22 A'],
    ],
    ['%h', `Host web\nHostName %h.example\n# ssh-trust: ${FP}`, ['web=web.example:22 A']],
    ['two pins', `Host web\n# ssh-trust: ${FP}\n# ssh-trust: ${FP2}`, ['web:22 AB']],
    ['IPv6', `Host six\nHostName 2001:db8::1\n# ssh-trust: ${FP}`, ['six=2001:db8::1:22 A']],
  ])('%s', async (_name, text, expected) => {
    expect(await hostsIn('ssh_config', text)).toEqual(expected)
  })

  test('what is not followed is told', async () => {
    const text = `Include more\nHost web\nProxyJump bastion\n# ssh-trust: ${FP} bootstrap\nMatch user x\nPort 24\n`
    const { hosts, notes } = await parseInventory('ssh_config', text)
    expect(hosts).toMatchObject([{ host: 'web', port: 22, bootstrap: true }])
    expect(notes).toEqual([
      'hosts-file ssh_config: not followed: Include on line 1 and 1 more',
      'hosts-file ssh_config: ProxyJump and ProxyCommand are not followed; set for web',
    ])
  })

  test.each<[string, ErrorCode, number, RegExp]>([
    ['Host web\n', 'hosts-pin-missing', 1, /^web has no pin/],
    [`\nHost web\n# ssh-trust: what`, 'hosts-option-unknown', 2, /^web: "what"/],
    [`Host web\nPort ssh\n# ssh-trust: ${FP}`, 'hosts-syntax', 1, /^web: ssh is not a port/],
    [`Host web\nHostName %k\n# ssh-trust: ${FP}`, 'hosts-syntax', 1, /"%k" is not a host/],
    ['Host\t#web\n', 'hosts-syntax', 1, /names no host/],
  ])('%j is wrong', async (text, code, line, message) => {
    expect(await errorIn('ssh_config', text)).toMatchObject({
      code,
      input: `hosts-file ssh_config:${line}`,
      message: expect.stringMatching(message),
    })
  })
})

const LARGE = 10_000
const numbers = Array.from({ length: LARGE }, (_, index) => index + 1)
test.each<[string, (good: boolean) => string]>([
  ['hosts', (good) => numbers.map((n) => `web${n}=me@192.0.2.1:${n} ${good ? FP : ''}`).join('\n')],
  [
    'hosts.ini',
    (good) =>
      `[web]\n${numbers.map((n) => `web${n} ansible_host=192.0.2.1 ansible_port=${n} ${good ? `ssh_trust_pins=${FP}` : ''}`).join('\n')}`,
  ],
  [
    'hosts.yml',
    (good) =>
      `all:\n  hosts:\n${numbers.map((n) => `    web${n}:\n      ansible_host: 192.0.2.1\n      ansible_port: ${n}\n${good ? `      ssh_trust_pins: ${FP}\n` : ''}`).join('')}`,
  ],
  [
    'ssh_config',
    (good) =>
      numbers
        .map(
          (n) =>
            `Host web${n}\n  HostName 192.0.2.1\n  Port ${n}\n${good ? `  # ssh-trust: ${FP}\n` : ''}`,
        )
        .join(''),
  ],
])(
  '%s with 10,000 hosts is read; with as many errors it tells of the first 100',
  async (path, text) => {
    const { hosts, errors } = await parseInventory(path, text(true))
    expect(errors).toEqual([])
    expect(hosts).toHaveLength(LARGE)
    expect(hosts[LARGE - 1]).toMatchObject({ alias: 'web10000', host: '192.0.2.1', port: LARGE })
    const wrong = await parseInventory(path, text(false))
    expect(wrong.errors).toHaveLength(101)
    expect(wrong.errors[100]?.message).toBe('9900 more things are wrong.')
  },
)

describe('a text that is cut off, or anything else', () => {
  const whole: [string, string][] = [
    [
      'hosts.ini',
      `[web]\nweb[1:3]:23 ansible_user='me' ssh_trust_pins="${FP} (ED25519)"\n[p:children]\nweb\n[p:vars]\na = "b"`,
    ],
    [
      'hosts.yml',
      `all:\n  vars: &v {ssh_trust_pins: [${FP}]}\n  hosts:\n    web: {<<: *v, ansible_port: "23"}\n  children: {g: {hosts: {db: }}}\n`,
    ],
    [
      'ssh_config',
      `Host web "db"\n  HostName=%h.example\n  # ssh-trust: ${FP} key=x\nMatch all\nHost *\n  Port 23\n`,
    ],
    ['hosts', `a=me@[2001:db8::1]:22 ${FP} (ED25519) key=x forward # no`],
  ]
  test.each(whole)(
    '%s: at every place it is cut, errors are told, not thrown',
    async (path, text) => {
      for (let end = 0; end < text.length; end += 1) {
        const { hosts, errors, notes } = await parseInventory(path, text.slice(0, end))
        expect(hosts.length + errors.length + notes.length).toBeGreaterThan(0)
        expect(errors.every((error) => error instanceof TrustError)).toBe(true)
      }
    },
  )

  const words = fc.constantFrom(
    ...[
      '[',
      ']',
      ':',
      ' ',
      '\n',
      '  ',
      '=',
      '"',
      "'",
      '#',
      '{',
      '}',
      '-',
      ',',
      '&a',
      '*a',
      '<<',
      '|',
      '!vault',
    ],
    ...[
      'web',
      'all',
      'hosts',
      'vars',
      'children',
      'Host',
      'Match',
      '*',
      '?',
      '\\',
      '%h',
      '1:5',
      '\r',
      '\uFEFF',
    ],
    ...[
      'ansible_host',
      'ssh_trust_pins',
      '# ssh-trust:',
      FP,
      'ssh-ed25519',
      '@revoked',
      '{{',
      '__proto__',
    ],
  )
  test.each(whole.map(([path]) => path))('%s: arbitrary words', async (path) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(words, fc.string({ maxLength: 3 })), { maxLength: 40 }),
        async (parts) => {
          const { hosts, errors } = await parseInventory(path, parts.join(''))
          expect(errors.every((error) => error instanceof TrustError)).toBe(true)
          for (const line of hosts) expect(hostName(line)).not.toBe('')
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('the file', () => {
  test('is relative to the directory, in UTF-8, perhaps with a byte order mark', async () => {
    const directory = makeDirectory()
    mkdirSync(join(directory, 'sub'))
    writeFileSync(join(directory, 'sub', 'fleet'), `\uFEFFweb ${FP} # é\n`)
    const { hosts, errors } = await readInventory('sub/fleet', directory)
    expect(errors).toEqual([])
    expect(hosts).toMatchObject([{ host: 'web', position: 'hosts-file sub/fleet:1' }])
  })

  const directory = makeDirectory()
  test.each<[string, (file: string) => void, string]>([
    ['absent', () => undefined, 'is not there'],
    ['directory', mkdirSync, 'is a directory'],
    ['fifo', (file) => execFileSync('mkfifo', [file]), 'is not a regular file'],
    [
      'latin1',
      (file) => {
        writeFileSync(file, Buffer.from('web é', 'latin1'))
      },
      'is not UTF-8',
    ],
    [
      'utf16',
      (file) => {
        writeFileSync(file, Buffer.from('web', 'utf16le'))
      },
      'is not a text',
    ],
    [
      'large',
      (file) => {
        writeFileSync(file, '')
        truncateSync(file, 16 * 1024 * 1024 + 1)
      },
      'has more than 16 MiB',
    ],
    [
      'key',
      (file) => {
        writeFileSync(file, '-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n')
      },
      'has a private key in it',
    ],
  ])('%s', async (name, make, why) => {
    make(join(directory, name))
    await expect(readInventory(name, directory)).rejects.toMatchObject({
      code: 'input-invalid',
      input: 'hosts-file',
      message: `The file ${name} ${why}.`,
    })
  })

  test('without hosts is an error', async () => {
    expect(await errorIn('fleet', '# none yet\n')).toMatchObject({
      code: 'input-invalid',
      input: 'hosts-file fleet',
      message: 'There are no hosts in it.',
    })
  })
})
