/**
 * Where keys may be used, by the destinations that they were added with (`ssh-add -h`) and by the
 * pinned hosts: with the real ssh-add, ssh and sshd, directly and over forwarded agents. Whatever is
 * no matter of pins is asked of OpenSSH's ssh-agent too: both must give the expected answer.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { Identity } from '../../src/agent/keyring'
import { frame, FrameReader, SSH_AGENTC_REQUEST_IDENTITIES } from '../../src/agent/messages'
import type { Policy } from '../../src/agent/policy'
import { listen } from '../../src/agent/server'
import { parsePin } from '../../src/ssh/pin'
import { formatPublicKey } from '../../src/ssh/public-key'
import { byte } from '../../src/ssh/wire'
import { account } from '../support/account'
import {
  makeCa,
  makeKey,
  type Ca,
  type CertificateOptions,
  type Key,
  type KeyType,
} from '../support/keys'
import { describeWith, program } from '../support/programs'
import { run, type Finished } from '../support/run'
import { makeDirectory, trackingId } from '../support/scratch'
import { startSshd, type Sshd, type SshdOptions } from '../support/sshd'
import { identityOf, stateOf } from './fixtures'

const user = account().username

/**
 * Places to ask at, and the hosts that are asked for there: `a>b` is on b, with the agent forwarded to
 * a and from there to b; the empty one is here.
 */
type Views = Readonly<Record<string, readonly string[]>>

const VIEWS: Views = {
  '': ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
  a: ['a', 'b', 'c', 'd', 'e'],
  'a>a': ['a', 'b'],
  'a>b': ['a', 'b', 'c'],
  b: ['a', 'c'],
  d: ['a', 'd'],
}

/** What is possible with a key in some views. On other ways in them it is not even offered. */
interface Uses {
  /** The views in which `ssh-add -L` shows it. */
  listed: string[]
  /** The ways to log in with it: `a>b` is to b, from a. */
  logins: string[]
  /** The ways on which ssh offers it, and the agent refuses the signature. */
  refused: string[]
}

/**
 * The constraints of a key, as -h takes them (USER is the account of the tests), and its uses in VIEWS:
 * logins, views in which it is listed besides the one here, and refusals.
 */
type Case = readonly [constraints: string, logins: string, listed?: string, refused?: string]

const EVERYWHERE = waysOf(VIEWS)

const CASES: readonly Case[] = [
  ['', EVERYWHERE.join(' '), 'a a>a a>b b d'],

  // one host
  ['a', 'a'],
  ['b', 'b'],
  ['c', 'c'],
  ['a b', 'a b'],
  ['nowhere', ''],
  ['a-alias', 'a'], // what counts is the key that the name stands for
  ['a-or-b', 'a b'],
  ['a-as-authority', ''],

  // users
  ['USER@a', 'a'],
  ['*@a', 'a'],
  ['?*@a', 'a'],
  ['not-USER@a', '', '', 'a'],
  ['not-USER@a b', 'b', '', 'a'],
  ['not-USER@a USER@a', 'a'],
  ['not-USER,USER@a', '', '', 'a'], // one pattern, not a list

  // one hop
  ['a>b', ''],
  ['a>a', ''],
  ['a a>b', 'a a>b', 'a'],
  ['a a>a', 'a a>a a>a>a', 'a a>a'],
  ['a a>b a>c', 'a a>b a>c', 'a'],
  ['a b>c', 'a'],
  ['b b>a', 'b b>a', 'b'],
  ['a a-alias>b', 'a a>b', 'a'],
  ['a b a-or-b>c', 'a b a>c b>c', 'a b'],
  ['a a>USER@b', 'a a>b', 'a'],
  ['a a>*@b', 'a a>b', 'a'],
  ['a a>not-USER@b', 'a', 'a', 'a>b'],
  ['not-USER@a a>b', 'a>b', 'a', 'a'], // who forwards to a need not log in there with this key

  // two hops
  ['a a>b b>c', 'a a>b a>b>c', 'a a>b'],
  ['a>b b>c', ''],
  ['a b b>c', 'a b b>c', 'b'],
  ['a a>b a>c b>not-USER@c', 'a a>b a>c', 'a a>b', 'a>b>c'],
  ['a a>not-USER@b b>USER@c', 'a a>b>c', 'a a>b', 'a>b'],
  ['a a>b b>a', 'a a>b a>b>a', 'a a>b'],
  ['a a>a a>b', 'a a>a a>b a>a>a a>a>b', 'a a>a'],

  // hosts with certificates
  ['d', 'd'],
  ['e', 'e'], // of the same authority
  ['d-by-key', ''], // a plain key is not the certificate that the host shows
  ['d-by-another-name', ''],
  ['f', ''], // its certificate is for another name
  ['g', ''], // its certificate has expired
  ['USER@d', 'd'],
  ['not-USER@d', '', '', 'd'],
  ['a a>d', 'a a>d', 'a'],
  ['a a>e', 'a a>e', 'a'],
  ['d d>a', 'd d>a', 'd'],
  ['d d>d', 'd d>d', 'd'],
  ['d e>a', 'd'],
  ['d d-by-key>a', 'd'],
]

/** The types of the keys that are not Ed25519, by their constraints. */
const TYPES: Readonly<Record<string, KeyType>> = { 'a a>b b>c': 'rsa', 'a b b>c': 'ecdsa' }

function nameOf([constraints, logins]: Case): string {
  if (constraints === '') return 'no constraints logs in everywhere'
  return `${constraints} logs in to ${logins === '' ? 'no host' : logins}`
}

function way(view: string, host: string): string {
  return view === '' ? host : `${view}>${host}`
}

function waysOf(views: Views): string[] {
  return Object.entries(views).flatMap(([view, hosts]) => hosts.map((host) => way(view, host)))
}

function words(text = ''): string[] {
  return text.split(' ').filter((word) => word !== '')
}

const directory = makeDirectory()
const knownHostsFile = join(directory, 'known_hosts')
const configFile = join(directory, 'config')
const stops: (() => unknown)[] = []

const SCRIPTS = {
  /** HOST… -- COMMAND…: runs it over these hosts, each reached from the one before it. */
  visit: ['hop=$1', 'shift', '[ "$hop" = -- ] && exec "$@"', 'exec SSH "$hop" sh "$0" "$@"'],
  /** HOST…: the keys that the agent lists, then a login with all of them at each host. */
  look: ['ADD -L', 'for host; do echo "to $host"; SSH -v "$host-tries" true 2>&1; done', 'exit 0'],
  /** HERE HOST…: over these hosts by the agent's keys alone, and what it lists at each. */
  travel: [
    ...['echo "at $1"', 'ADD -L', 'shift', '[ $# = 0 ] && exit 0'],
    'exec SSH "$1-own" sh "$0" "$@"',
  ],
}

type Script = keyof typeof SCRIPTS

function script(name: Script): string {
  return join(directory, name)
}

async function writeScript(name: Script): Promise<void> {
  const text = SCRIPTS[name]
    .join('\n')
    .replaceAll('SSH ', `${program('ssh')} -F ${configFile} `)
    .replaceAll('ADD', program('ssh-add'))
  await writeFile(script(name), `${text}\n`)
}

/** A host is two servers with the same host key. `tries` lets nobody in: see `outcomes`. */
interface Host {
  hop: Sshd
  tries: Sshd
}

type Hosts = ReadonlyMap<string, Host>

/**
 * Starts the hosts, and writes known_hosts and ssh's configuration for them.
 *
 * @param hopKey for logins that are not with the agent's keys
 * @param userKeys lines of authorized_keys, for the agent's
 * @param ca signs host keys, and keys of users who may log in
 */
async function startHosts(hopKey: Key, userKeys: readonly string[], ca: Ca): Promise<Hosts> {
  const certified = (principals: string[], changes: CertificateOptions = {}): SshdOptions => ({
    hostCertificate: { caKeyPath: ca.privateKeyFile, principals, ...changes },
  })
  const wanted: Record<string, SshdOptions> = {
    a: { hostKeys: ['ed25519'] },
    b: { hostKeys: ['ecdsa'] },
    c: { hostKeys: ['rsa'] },
    d: certified(['d']),
    e: certified(['e', '*.of.e']),
    f: certified(['elsewhere']),
    g: certified(['g'], { validity: '-2d:-1d' }),
  }
  const extraConfig = [`TrustedUserCAKeys ${ca.publicKeyFile}`]
  const moreKeysThanThereAre = Array<string>(userKeys.length + 2).fill('publickey')
  const start = async (options: SshdOptions): Promise<Host> => {
    const authorizedKeys = [hopKey.publicKey, ...userKeys]
    const hop = await startSshd({ ...options, authorizedKeys, extraConfig })
    stops.push(() => hop.stop())
    const tries = await startSshd({
      ...options,
      hostKeys: hop.hostKeyFiles,
      authorizedKeys: userKeys,
      extraConfig: [
        ...extraConfig,
        `AuthenticationMethods ${moreKeysThanThereAre.join(',')}`,
        'MaxAuthTries 1000',
      ],
    })
    stops.push(() => tries.stop())
    return { hop, tries }
  }
  const hosts = new Map(
    await Promise.all(
      Object.entries(wanted).map(async ([name, options]) => [name, await start(options)] as const),
    ),
  )
  await writeFile(configFile, sshConfig(hosts, hopKey).join('\n'))
  const key = (name: string): string => hosts.get(name)?.hop.publicKey() ?? ''
  const knownHosts = [
    // f and g by key too: where its certificate is not valid, ssh goes by the key.
    ...['a', 'b', 'c', 'f', 'g'].map((name) => `${name} ${key(name)}`),
    ...['d', 'e', 'f', 'g', 'd-by-another-name', 'one.of.e'].map(
      (name) => `@cert-authority ${name} ${ca.publicKey}`,
    ),
    ...['a-alias', 'a-or-b', '@cert-authority a-as-authority'].map((name) => `${name} ${key('a')}`),
    `a-or-b ${key('b')}`,
    `d-by-key ${key('d')}`,
    `nowhere ${hopKey.publicKey}`,
  ]
  await writeFile(knownHostsFile, `${knownHosts.join('\n')}\n`)
  return hosts
}

/**
 * Each host by several names: to go on from, to log in by the agent's keys alone, and to try these all,
 * directly or over the jump host a.
 */
function sshConfig(hosts: Hosts, hopKey: Key): string[] {
  const lines = [...hosts].flatMap(([name, { hop, tries }]) => [
    ...[`Host ${name}`, `IdentityFile ${hopKey.privateKeyFile}`, 'IdentitiesOnly yes'],
    ...[`Host ${name} ${name}-own`, `Port ${hop.port}`, 'ForwardAgent yes'],
    ...[`Host ${name}-over-a-tries`, 'ProxyJump a'],
    ...[`Host ${name}-tries ${name}-over-a-tries`, `Port ${tries.port}`],
    ...[`Host ${name} ${name}-*`, `HostKeyAlias ${name}`],
  ])
  return [
    ...lines,
    ...['Host *', 'HostName 127.0.0.1', `User ${user}`, 'IdentityFile none', 'BatchMode yes'],
    ...[`UserKnownHostsFile ${knownHostsFile}`, 'GlobalKnownHostsFile /dev/null'],
    ...['StrictHostKeyChecking yes', 'UpdateHostKeys no'],
    // The default method takes more time than all the rest of a login.
    'KexAlgorithms curve25519-sha256',
    '',
  ]
}

/** Starts our agent; its socket. */
async function startOurs(changes: Parameters<typeof stateOf>[0] = {}): Promise<string> {
  const socket = join(makeDirectory(), 'agent.sock')
  const server = await listen(socket, stateOf(changes))
  stops.push(() => server.close())
  return socket
}

/** Starts OpenSSH's agent; its socket. */
async function startReal(): Promise<string> {
  const socket = join(makeDirectory(), 'agent.sock')
  const env = { ...process.env, RUNNER_TRACKING_ID: trackingId('real-agent') }
  const child = spawn(program('ssh-agent'), ['-D', '-a', socket], { env })
  stops.push(() => child.kill())
  await once(child.stdout, 'data') // it listens before it tells where
  return socket
}

/**
 * Stands before an agent and lists all its keys to everybody, so that ssh asks for signatures with the
 * hidden ones, too; its socket. Everything else is between ssh and the agent.
 */
async function revealAll(agent: string): Promise<string> {
  const list = await listHere(agent)
  const socket = join(makeDirectory(), 'reveal.sock')
  const server = createServer((client) => {
    const behind = connect(agent)
    const reader = new FrameReader()
    client.on('data', (chunk) => {
      reader.push(chunk)
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        if (message[0] === SSH_AGENTC_REQUEST_IDENTITIES) client.write(frame(list))
        else behind.write(frame(message))
      }
    })
    behind.pipe(client)
    client.on('close', () => behind.end())
    for (const end of [client, behind]) end.on('error', () => client.destroy())
  })
  stops.push(() => server.close())
  server.listen(socket)
  await once(server, 'listening')
  return socket
}

/** The list that an agent gives on a connection of this very machine. */
async function listHere(agent: string): Promise<Buffer> {
  const connection = connect(agent)
  const reader = new FrameReader()
  connection.write(frame(byte(SSH_AGENTC_REQUEST_IDENTITIES)))
  for await (const chunk of connection) {
    reader.push(chunk as Buffer)
    const answer = reader.next()
    if (answer !== undefined) return answer
  }
  throw new Error('the agent gives no list')
}

interface SideBySide<T> {
  ours: T
  real: T
}

/** Does the same with a new agent of either kind. */
async function sideBySide<T>(act: (socket: string) => Promise<T>): Promise<SideBySide<T>> {
  const [ours, real] = await Promise.all([startOurs().then(act), startReal().then(act)])
  return { ours, real }
}

function both<T>(outcome: T): SideBySide<T> {
  return { ours: outcome, real: outcome }
}

function runScript(socket: string, name: Script, args: readonly string[]): Promise<Finished> {
  const env = { ...process.env, SSH_AUTH_SOCK: socket }
  return run('/bin/sh', [script(name), ...args], { env, timeout: 60_000 })
}

/** Runs a command in a view. */
async function visit(socket: string, view: string, command: readonly string[]): Promise<Finished> {
  // ssh hands it to a shell there.
  const special = view === '' ? undefined : command.find((word) => !/^[\w@:,./-]+$/.test(word))
  if (special !== undefined) throw new Error(`not a plain word: ${special}`)
  const hops = view === '' ? [] : view.split('>')
  return runScript(socket, 'visit', [...hops, '--', ...command])
}

async function add(socket: string, key: Key, constraints: string): Promise<void> {
  const { code, stderr } = await visit(socket, '', addCommand(key, constraints))
  if (code !== 0) throw new Error(`ssh-add with ${constraints}: ${stderr}`)
}

function addCommand(key: Key, constraints: string): string[] {
  const hosts = words(constraints.replaceAll('USER', user)).flatMap((one) => ['-h', one])
  return [program('ssh-add'), '-q', '-H', knownHostsFile, ...hosts, key.privateKeyFile]
}

/** A file with the public key in a directory of its own: programs find no private key beside it. */
async function publicHalf({ publicKey }: Key): Promise<string> {
  const file = join(makeDirectory(), 'key.pub')
  await writeFile(file, `${publicKey}\n`)
  return file
}

type PublicKey = Pick<Key, 'publicKey' | 'fingerprint'>

function publicKeyOf({ blob, fingerprint }: Identity): PublicKey {
  return { publicKey: formatPublicKey(blob), fingerprint }
}

/** In each view asks for each of its hosts; tells what is possible with a key. */
async function explore(
  socket: string,
  views = VIEWS,
  reach = visit,
): Promise<(key: PublicKey) => Uses> {
  const looks = Object.entries(views).map(async ([view, hosts]) => {
    const { stdout, stderr } = await reach(socket, view, ['/bin/sh', script('look'), ...hosts])
    const [list = '', ...logs] = stdout.split(/^to .*\n/m)
    if (logs.length !== hosts.length) throw new Error(`no look from "${view}": ${stderr}`)
    const tries = hosts.map((host, index) => ({ host, outcome: outcomes(logs[index] ?? '') }))
    return { view, list, tries }
  })
  const seen = await Promise.all(looks)
  return ({ publicKey, fingerprint }) => {
    const ways = (wanted: Outcome): string[] =>
      seen.flatMap(({ view, tries }) =>
        tries
          .filter(({ outcome }) => outcome.get(fingerprint) === wanted)
          .map(({ host }) => way(view, host)),
      )
    const blob = publicKey.split(' ')[1] ?? ''
    return {
      listed: seen.filter(({ list }) => list.includes(blob)).map(({ view }) => view),
      logins: ways('signed'),
      refused: ways('refused'),
    }
  }
}

/** Explores the agent as it shows itself, and as asked for its hidden keys too. */
async function exploreTwice(
  socket: string,
  views = VIEWS,
): Promise<Record<'seen' | 'asked', (key: PublicKey) => Uses>> {
  const [seen, asked] = await Promise.all([
    explore(socket, views),
    revealAll(socket).then((revealed) => explore(revealed, views)),
  ])
  return { seen, asked }
}

type Outcome = 'signed' | 'refused'

/**
 * What `ssh -v` tells of each key that it offered, by fingerprint. The server takes every signature,
 * calls it a part of what it wants, and never has enough: one login tries all keys.
 */
function outcomes(log: string): Map<string, Outcome> {
  const found = new Map<string, Outcome>()
  let accepted = ''
  for (const line of log.split('\n')) {
    accepted = /^debug1: Server accepts key: .* (SHA256:\S+)/.exec(line)?.[1] ?? accepted
    if (/^Authenticated .*with partial success/.test(line)) found.set(accepted, 'signed')
    if (line.includes('agent refused operation')) found.set(accepted, 'refused')
  }
  if (!/Permission denied \(publickey\)/.test(log)) throw new Error(`no login was tried:\n${log}`)
  return found
}

/** `uses` as the tables have it; the order of the views is that of VIEWS in both. */
function usesOf(logins: string, listed = '', refused = ''): Uses {
  return { listed: ['', ...words(listed)], logins: words(logins), refused: words(refused) }
}

/** Those on ways where every key is offered. */
type Decisions = Pick<Uses, 'logins' | 'refused'>

function decisions({ logins, refused }: Uses): Decisions {
  return { logins, refused }
}

function decisionsOf(views: Views, logins: string): Decisions {
  const allowed = words(logins)
  return { logins: allowed, refused: waysOf(views).filter((one) => !allowed.includes(one)) }
}

describeWith(['sshd', 'ssh', 'ssh-add', 'ssh-agent', 'ssh-keygen'], 'by destination', () => {
  const keys = new Map<string, Key>()
  const held = [identityOf('me'), identityOf('you')] as const
  const [me, you] = [publicKeyOf(held[0]), publicKeyOf(held[1])]
  let ca: Ca
  let hosts: Hosts

  /** The key of a case. */
  const keyOf = (constraints: string): Key => {
    const key = keys.get(constraints)
    if (key === undefined) throw new Error(`no case of ${constraints}`)
    return key
  }

  beforeAll(async () => {
    for (const [constraints] of CASES) {
      keys.set(constraints, await makeKey(directory, TYPES[constraints] ?? 'ed25519'))
    }
    ca = await makeCa(directory)
    const lines = [...keys.values(), me, you].map(({ publicKey }) => publicKey)
    hosts = await startHosts(await makeKey(directory, 'ed25519'), lines, ca)
    for (const name of ['visit', 'look', 'travel'] as const) await writeScript(name)
  }, 60_000)

  afterAll(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()))
  })

  /** Adds the keys of these cases to a new agent of either kind; the logins of each. */
  const loginsOf = (
    cases: readonly string[],
    views: Views,
    reach = visit,
  ): Promise<SideBySide<Record<string, string[]>>> =>
    sideBySide(async (socket) => {
      for (const constraints of cases) await add(socket, keyOf(constraints), constraints)
      const uses = await explore(socket, views, reach)
      return Object.fromEntries(cases.map((one) => [one, uses(keyOf(one)).logins]))
    })

  describe('a key with', () => {
    let uses: SideBySide<Awaited<ReturnType<typeof exploreTwice>>>

    beforeAll(async () => {
      uses = await sideBySide(async (socket) => {
        for (const [constraints, key] of keys) await add(socket, key, constraints)
        return exploreTwice(socket)
      })
    }, 60_000)

    test.each(CASES.map((one) => ({ name: nameOf(one), one })))('$name', ({ one }) => {
      const [constraints, ...expected] = one
      const key = keyOf(constraints)
      const { ours, real } = uses
      expect({ ours: ours.seen(key), real: real.seen(key) }).toEqual(both(usesOf(...expected)))
      // A key that is hidden does not sign for those who ask nevertheless.
      const asked = { ours: decisions(ours.asked(key)), real: decisions(real.asked(key)) }
      expect(asked).toEqual(both(decisionsOf(VIEWS, expected[0])))
    })
  })

  test.each([
    ['', ['here', 'a', 'b', 'c']],
    ['a a>b b>c', ['here', 'a', 'b', 'c hidden']],
    ['a a>b a>c', ['here', 'a', 'b hidden']],
    ['a b b>c', ['here', 'a hidden']],
    ['a>b b>c', ['here']],
  ])('alone, a key with "%s" comes on the way to a, b and c by %j', async (constraints, seen) => {
    const outcome = await sideBySide(async (socket) => {
      await add(socket, keyOf(constraints), constraints)
      const { code, stdout } = await runScript(socket, 'travel', ['here', 'a', 'b', 'c'])
      const places = stdout.split(/^at /m).slice(1)
      return {
        seen: places.map((text) => {
          const [place = '', list = ''] = text.split('\n')
          return list.startsWith('The agent has no identities') ? `${place} hidden` : place
        }),
        arrived: code === 0,
      }
    })
    expect(outcome).toEqual(both({ seen, arrived: seen.length === 4 }))
  })

  test('a jump host is no hop: the agent is not forwarded to it', async () => {
    const way = ['b-over-a']
    expect(await loginsOf(['b', 'a b', 'a a>b', 'a'], { '': way })).toEqual(
      both({ b: way, 'a b': way, 'a a>b': [], a: [] }),
    )
  })

  test('a host certificate may name its hosts by a pattern', async () => {
    // OpenSSH's agent since 10.3; those before it took the name of the constraint for the pattern.
    const socket = await startOurs()
    const key = keyOf('')
    await add(socket, key, 'one.of.e')
    expect((await explore(socket, { '': ['d', 'e'] }))(key).logins).toEqual(['e'])
  })

  test('a certified key goes where the plain one goes, with it and without it', async () => {
    const key = await makeKey(directory, 'ed25519')
    await ca.sign(key.publicKeyFile, { principals: [user] })
    const plainOnly = await publicHalf(key)
    const outcome = await sideBySide(async (socket) => {
      await add(socket, key, 'a')
      const listed = (await visit(socket, '', [program('ssh-add'), '-L'])).stdout
      const together = (await explore(socket, { '': ['a', 'b'] }))(key).logins
      await visit(socket, '', [program('ssh-add'), '-q', '-d', plainOnly])
      const alone = (await explore(socket, { '': ['a', 'b'] }))(key).logins
      return { identities: listed.trim().split('\n').length, together, alone }
    })
    // Where both are listed, ssh has the plain key sign for the login with the certificate. OpenSSH's
    // agent does that only for keys without constraints.
    expect(outcome.ours).toEqual({ identities: 2, together: ['a'], alone: ['a'] })
    expect(outcome.real).toMatchObject({ identities: 2, alone: ['a'] })
  })

  describe.each([
    { place: 'here', view: '' },
    { place: 'where it is forwarded', view: 'a' },
  ])('asked $place to sign what is no login', ({ view }) => {
    test.each<[string, (publicKeyFile: string) => string[]]>([
      [
        'ssh-keygen -Y sign',
        (file) => [program('ssh-keygen'), '-Y', 'sign', '-n', 'x', '-f', file],
      ],
      ['ssh-add -T', (file) => [program('ssh-add'), '-T', file]],
    ])('by %s: only with a key without constraints', async (_, command) => {
      const signing = (constraints: string): Promise<SideBySide<string>> =>
        sideBySide(async (socket) => {
          const key = keyOf(constraints)
          await add(socket, key, constraints)
          const { code, stderr } = await visit(socket, view, command(await publicHalf(key)))
          return code === 0 ? 'signed' : stderr
        })
      expect(await signing('')).toEqual(both('signed'))
      const refusal: unknown = expect.stringContaining('agent refused operation')
      expect(await signing('a a>b')).toEqual(both(refusal))
    })
  })

  describeWith(['dbclient'], 'a client that does not bind', () => {
    const args = (host: string): string[] => {
      const { port = 0 } = hosts.get(host)?.hop ?? {}
      return [program('dbclient'), '-A', '-y', '-y', '-T', '-p', String(port), `${user}@127.0.0.1`]
    }

    test.each([
      { from: '', to: 'a', constraints: 'a' },
      { from: '', to: 'b', constraints: 'a b' },
      { from: 'a', to: 'b', constraints: 'a a>b' },
    ])('from "$from" to $to can\'t log in with $constraints', async ({ from, to, constraints }) => {
      // One key at a time: after a refusal it tries no other.
      const login = (given: string): Promise<SideBySide<string>> =>
        sideBySide(async (socket) => {
          await add(socket, keyOf(given), given)
          return (await visit(socket, from, [...args(to), 'echo', 'welcome'])).stdout
        })
      expect(await login('')).toEqual(both('welcome\n'))
      expect(await login(constraints)).toEqual(both(''))
    })

    test('forwards the agent so that it is used as if here', async () => {
      const reach = (socket: string, view: string, command: readonly string[]): Promise<Finished> =>
        visit(socket, '', [...args(view), ...command])
      // The key without constraints is for its own login.
      const cases = ['', 'b', 'a a>b', 'a b b>c']
      expect(await loginsOf(cases, { a: ['a', 'b', 'c'] }, reach)).toEqual(
        both({
          '': ['a>a', 'a>b', 'a>c'],
          b: ['a>b'],
          'a a>b': ['a>a'],
          'a b b>c': ['a>a', 'a>b'],
        }),
      )
    })
  })

  describe('where the agent is forwarded to,', () => {
    const drop = (key: Key): string[] => [program('ssh-add'), '-q', '-d', key.publicKeyFile]
    const dropAll = (): string[] => [program('ssh-add'), '-q', '-D']
    const addAgain =
      (constraints = '') =>
      (key: Key): string[] =>
        addCommand(key, constraints)

    test.each<[string, string, (key: Key) => string[], 'done' | 'refused', string]>([
      ['a hidden key is not removed', 'b', drop, 'refused', 'b'],
      ['a listed one is', 'a a>b', drop, 'done', ''],
      ['all are, hidden ones too', 'b', dropAll, 'done', ''],
      ['a hidden key does not lose its constraints', 'b', addAgain(), 'refused', 'b'],
      ['nor does it get others', 'b', addAgain('a b'), 'refused', 'b'],
      ['a listed one does', 'a a>a', addAgain('b'), 'done', 'b'],
      ['and may lose them', 'a a>a', addAgain(), 'done', 'a b'],
    ])('%s', async (_, constraints, command, result, logins) => {
      const key = keyOf(constraints)
      const outcome = await sideBySide(async (socket) => {
        await add(socket, key, constraints)
        const { code, stderr } = await visit(socket, 'a', command(key))
        const uses = await explore(socket, { '': ['a', 'b'] })
        return { result: code === 0 ? 'done' : stderr.trim(), logins: uses(key).logins }
      })
      const told: unknown =
        result === 'done' ? result : expect.stringContaining('agent refused operation')
      expect(outcome).toEqual(both({ result: told, logins: words(logins) }))
    })

    test('a new key is added, for use from everywhere', async () => {
      const key = keyOf('a')
      const outcome = await sideBySide(async (socket) => {
        const { code } = await visit(socket, 'a', addCommand(key, ''))
        const uses = await explore(socket, { '': ['a'], a: ['b'] })
        return { code, uses: uses(key) }
      })
      expect(outcome).toEqual(both({ code: 0, uses: usesOf('a a>b', 'a') }))
    })
  })

  describe('in mode pinned, with the hosts', () => {
    const views = { '': ['a', 'b', 'c'], a: ['a', 'b', 'c'], 'a>b': ['a', 'c'], b: ['a', 'c'] }

    /** Lines `NAME [key=COMMENT] [forward]`, separated by commas. */
    const policyOf = (lines: string): Policy => ({
      mode: 'pinned',
      hosts: lines.split(', ').flatMap((line) => {
        const [name = '', ...options] = words(line)
        const publicKey = hosts.get(name)?.hop.publicKey()
        if (publicKey === undefined) return []
        const key = options.find((option) => option.startsWith('key='))?.slice('key='.length)
        return {
          name,
          hostname: name,
          pins: [parsePin(publicKey)],
          ...(key === undefined ? {} : { keys: [key] }),
          forward: options.includes('forward'),
        }
      }),
    })

    test.each([
      ['none', ''],
      ['a, b, c', 'a b c'],
      ['a forward, b, c', 'a b c a>a a>b a>c', 'a'],
      ['a, b forward, c', 'a b c b>a b>c', 'b'],
      ['a forward, b forward, c', 'a b c a>a a>b a>c a>b>a a>b>c b>a b>c', 'a a>b b'],
      ['a forward, c', 'a c a>a a>c', 'a'],
      ['b forward, c', 'b c b>c', 'b'],
      ['a forward, b forward', 'a b a>a a>b a>b>a b>a', 'a a>b b'],
      ['a forward, b forward key=you, c', 'a c a>a a>c', 'a'],
      ['a forward key=you, b forward, c key=you', 'b', 'b'],
    ])('%s, logins are: %s', async (lines, logins, listed = '') => {
      const policy = policyOf(lines)
      const socket = await startOurs({ identities: [...held], policy })
      const { seen, asked } = await exploreTwice(socket, views)
      expect(seen(me)).toEqual(usesOf(logins, listed))
      expect(decisions(asked(me))).toEqual(decisionsOf(views, logins))
      // Options for one key are none for another.
      if (lines.includes('key=you')) expect(seen(you)).not.toEqual(seen(me))
    })

    test.each<readonly [string, ...Case]>([
      ['a, b, c', 'a a>b b>c', 'a'],
      ['a forward, b, c', 'a a>b b>c', 'a a>b', 'a'],
      ['a forward, b forward, c', 'a a>b b>c', 'a a>b a>b>c', 'a a>b'],
      ['a forward, b forward, c', 'a a>b', 'a a>b', 'a'],
      ['a forward, b forward, c', 'a a>not-USER@b', 'a', 'a', 'a>b'],
      ['a forward, c', 'a a>b', 'a', 'a'],
      ['b, c', 'a a>b', ''],
    ])('%s, a key with %s logs in to: %s', async (lines, constraints, ...expected) => {
      const socket = await startOurs({ policy: policyOf(lines) })
      const key = keyOf(constraints)
      await add(socket, key, constraints)
      expect((await explore(socket, views))(key)).toEqual(usesOf(...expected))
    })
  })
})
