/**
 * The contract of an SSH agent: one suite that the real ssh-agent and ours both pass, message by message
 * and with the real ssh-add and ssh-keygen. Where ours answers otherwise on purpose, DIFFERENCES says
 * so, and nothing else does.
 */
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { createECDH, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { frame, FrameReader, SESSION_BIND } from '../../src/agent/messages'
import { listen } from '../../src/agent/server'
import { parsePrivateKeys } from '../../src/ssh/key-file'
import type { PrivateKey } from '../../src/ssh/private-key'
import { CURVES, fingerprint, isEcdsa, typeOfBlob, type KeyType } from '../../src/ssh/public-key'
import { makeSignature, verifySignature } from '../../src/ssh/signature'
import { boolean, byte, mpint, string, uint32 } from '../../src/ssh/wire'
import * as samples from '../ssh/samples'
import {
  ADD,
  ADD_CARD,
  ADD_CARD_CONSTRAINED,
  ADD_CONSTRAINED,
  connectAgent,
  EXTENSION,
  extensionMessage,
  identitiesIn,
  LIST,
  LOCK,
  message,
  nameOf,
  REMOVE,
  REMOVE_ALL,
  REMOVE_ALL_V1,
  REMOVE_CARD,
  signatureIn,
  signMessage,
  UNLOCK,
  type AgentClient,
} from '../support/agent-client'
import * as keygen from '../support/keys'
import { describeWith, program } from '../support/programs'
import { mustRun, run } from '../support/run'
import { makeDirectory, trackingId } from '../support/scratch'
import {
  bindContents,
  CONFIRM,
  constraintExtension,
  hopTo,
  keyOf,
  lifetime,
  restrict,
  SESSION,
  stateOf,
  step,
  strings,
  userauth,
} from './fixtures'

const LISTS = message(LIST)
const SIGNED = 'SIGNED ssh-ed25519'

interface Difference {
  /** What ssh-agent answers; several where it depends on its version. */
  real: string | readonly string[]
  ours: string
  reason: string
  /** The version of OpenSSH from which on ssh-agent answers as ours; absent: none does. */
  since?: string
}

/** What ssh-agent does and ours refuses. */
function stricter(reason: string, since?: string): Difference {
  return { real: 'SUCCESS', ours: 'FAILURE', reason, ...(since === undefined ? {} : { since }) }
}

function bindsLess(reason: string): Difference {
  return { real: 'SUCCESS', ours: 'EXTENSION_FAILURE', reason }
}

/** Where ours answers otherwise than ssh-agent, and why. Tests name these instead of an answer. */
const DIFFERENCES = {
  'SHA-1': {
    real: 'SIGNED ssh-rsa',
    ours: 'FAILURE',
    reason: 'An RSA key without a flag means SHA-1, with which ours signs nothing.',
  },

  // keys
  'halves that do not fit': stricter(
    'A key that signs what its public half does not verify is a mistake, or an attack.',
  ),
  'small RSA': stricter('RSA under 2,048 bits is refused everywhere in this project.'),
  DSA: stricter('OpenSSH has given it up, too.', '10.0'),
  'security key': stricter('Ours talks to no security token, so it could never sign.'),
  'certificate signed with SHA-1': stricter('Signatures with SHA-1 are taken nowhere here.'),
  'weak ECDSA scalar': {
    real: 'FAILURE',
    ours: 'SUCCESS',
    reason: 'Whoever adds such a key harms nobody else; the platform takes it.',
  },
  'type of a signature': stricter('RFC 8332 §3: the type of an RSA key is ssh-rsa alone.'),
  'type of another curve': stricter('The type that is stated is not that of the certificate.'),
  'long comment': stricter('A bound on what one key costs.'),
  'more keys than clients take': stricter(
    "OpenSSH's clients refuse a longer list (MAX_AGENT_IDENTITIES): no key could be used.",
  ),

  // constraints
  'restriction to nothing': stricter('ssh-agent takes it for no restriction at all.'),
  'overlong constraint': stricter('ssh-agent overlooks what follows, and it may be a restriction.'),
  'long user pattern': stricter('A bound on what a pattern costs.', '10.4'),
  '1,025 destinations': stricter('ssh-agent dropped those beyond 1,024 without a word.', '10.0'),
  'unknown host key': {
    real: 'FAILURE',
    ours: 'SUCCESS',
    reason: 'No host shows it, so it allows nothing; the keys beside it may be good.',
  },
  'hidden after a failed bind': {
    real: 'IDENTITIES 2',
    ours: 'IDENTITIES 1',
    reason: 'Where the connection leads is not known, so no destination fits.',
    since: '9.6',
  },
  'hidden after a later failed bind': {
    real: 'IDENTITIES 2',
    ours: 'IDENTITIES 1',
    reason: 'As after one that was the only one; ssh-agent goes on with those that did not fail.',
  },

  // session-bind, query
  'malformed session-bind': {
    real: 'FAILURE',
    ours: 'EXTENSION_FAILURE',
    reason: 'RFC 9987 §5.8 came after OpenSSH 9.',
    since: '10.3',
  },
  '17th session': {
    real: ['SUCCESS', 'FAILURE'],
    ours: 'EXTENSION_FAILURE',
    reason: 'No agent binds it; ssh-agent did not always say so.',
    since: '10.3',
  },
  'session-bind of a locked agent': {
    real: 'FAILURE',
    ours: 'SUCCESS',
    reason: 'Else a channel that is opened meanwhile would stay unbound after the unlock.',
    since: '10.5',
  },
  'malformed session-bind of a locked agent': {
    real: 'FAILURE',
    ours: 'EXTENSION_FAILURE',
    reason: 'As with an agent that is not locked.',
    since: '10.5',
  },
  'overlong session-bind': bindsLess('As any overlong request.'),
  'session id of a wrong length': bindsLess(
    'Nobody has one. ssh-agent from 10.0 on says SUCCESS to a long one, but does not bind.',
  ),
  'session-bind with SHA-1': bindsLess('Ours verifies nothing with SHA-1.'),
  query: {
    real: 'FAILURE',
    ours: 'RESPONSE query',
    reason: 'RFC 9987 §5.8.1 came after OpenSSH 9.',
    since: '10.3',
  },

  // requests
  'overlong request': stricter(
    'ssh-agent overlooks what follows; ours does nothing that it does not understand whole.',
  ),
  'overlong sign request': { real: SIGNED, ours: 'FAILURE', reason: 'As any overlong request.' },
  'malformed lock request': {
    real: 'HANGS UP',
    ours: 'FAILURE',
    reason: 'ssh-agent ends itself then, with all its keys.',
  },
  'zero byte in a passphrase': {
    real: 'HANGS UP',
    ours: 'SUCCESS',
    reason: 'Malformed for ssh-agent; for ours a byte like others.',
  },
} satisfies Record<string, Difference>

type Answer =
  | 'SUCCESS'
  | 'FAILURE'
  | 'EXTENSION_FAILURE'
  | 'HANGS UP'
  | `IDENTITIES ${number}`
  | `SIGNED ${string}`
  | keyof typeof DIFFERENCES

const FLAVOURS = ['ssh-agent', 'ours'] as const
type Flavour = (typeof FLAVOURS)[number]

/** What an agent of this flavour may answer. */
function allowed(flavour: Flavour, answer: Answer): readonly string[] {
  if (!(answer in DIFFERENCES)) return [answer]
  const { real, ours, since }: Difference = DIFFERENCES[answer as keyof typeof DIFFERENCES]
  if (flavour === 'ours') return [ours]
  return [real, since === undefined ? [] : ours].flat()
}

/** How an agent asks for a confirmation: what its environment says about the askpass program. */
type Askpass = Readonly<Record<string, string>>

/** What tells our agent to ask as ssh-agent does with this environment. */
function confirmedBy(askpass: Askpass): Parameters<typeof stateOf>[0] {
  const { SSH_ASKPASS: file, SSH_ASKPASS_REQUIRE: required, DISPLAY = '' } = askpass
  if (file === undefined || required === 'never' || (required !== 'force' && DISPLAY === '')) {
    return {}
  }
  return {
    confirm: async (question) => {
      const env = { ...process.env, ...askpass, SSH_ASKPASS_PROMPT: 'confirm' }
      const { code, stdout } = await run(file, [question], { env })
      return code === 0 && /^(?:yes)?(?:\r?\n|$)/i.test(stdout)
    },
  }
}

const stops: (() => unknown)[] = []
afterEach(() => {
  for (const stop of stops.splice(0).reverse()) stop()
})

/** Starts an agent without keys; the path of its socket. */
async function start(flavour: Flavour, askpass: Askpass = {}): Promise<string> {
  const socket = join(makeDirectory(), 'agent.sock')
  if (flavour === 'ours') {
    const server = await listen(socket, stateOf(confirmedBy(askpass)))
    stops.push(() => server.close())
    return socket
  }
  const env = { PATH: process.env['PATH'], RUNNER_TRACKING_ID: trackingId('contract'), ...askpass }
  const child = spawn(program('ssh-agent'), ['-D', '-a', socket], { env, stdio: 'pipe' })
  child.stderr.resume()
  stops.push(() => child.kill())
  await once(child.stdout, 'data') // it listens before it says where
  return socket
}

async function dial(socket: string): Promise<AgentClient> {
  const client = await connectAgent(socket)
  stops.push(client.close)
  return client
}

/** A connection to a new agent. */
async function agent(flavour: Flavour, askpass?: Askpass): Promise<AgentClient> {
  return dial(await start(flavour, askpass))
}

/** The name of the answer to a message. */
async function outcome(client: AgentClient, request: Buffer): Promise<string> {
  try {
    return nameOf(await client.ask(request))
  } catch {
    return 'HANGS UP'
  }
}

async function outcomes(client: AgentClient, requests: readonly Buffer[]): Promise<string[]> {
  return Promise.all(requests.map((request) => outcome(client, request)))
}

/** The comments of what is listed. */
async function comments(client: AgentClient): Promise<string[]> {
  return identitiesIn(await client.ask(LISTS)).map(({ comment }) => comment.toString())
}

/** Waits until `condition` holds; the test's own time limit is the deadline. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(50)
}

interface Owner {
  type: KeyType
  key: KeyObject
}

type Fields = Readonly<Record<string, Buffer>>

/** The fields of a private key by name, in the order of RFC 9987 §5.2. */
function fieldsOf({ type, key }: Owner): Fields {
  const jwk = key.export({ format: 'jwk' })
  const part = (name: 'x' | 'y' | 'd' | 'n' | 'e' | 'p' | 'q' | 'qi'): Buffer =>
    Buffer.from(jwk[name] ?? '', 'base64url')
  if (type === 'ssh-ed25519') {
    const [point, seed] = [part('x'), part('d')]
    return { point: string(point), secret: string(Buffer.concat([seed, point])) }
  }
  if (isEcdsa(type)) {
    const point = string(Buffer.concat([byte(4), part('x'), part('y')]))
    return { curve: string(CURVES[type].name), point, scalar: mpint(part('d')) }
  }
  const [n, e, d] = [part('n'), part('e'), part('d')].map(mpint) as [Buffer, Buffer, Buffer]
  const [iqmp, p, q] = [part('qi'), part('p'), part('q')].map(mpint) as [Buffer, Buffer, Buffer]
  return { n, e, d, iqmp, p, q }
}

function field(owner: Owner, name: string): Buffer {
  const value = fieldsOf(owner)[name]
  if (value === undefined) throw new Error(`no field ${name}`)
  return value
}

/** A plain key as it is added, perhaps with other fields than its own. */
function plain(owner: Owner, changes: Fields = {}, type: string = owner.type): Buffer {
  return Buffer.concat([string(type), ...Object.values({ ...fieldsOf(owner), ...changes })])
}

/**
 * A certified key as it is added: what the certificate says is left out, but for the public half of
 * ed25519 (OpenSSH's sshkey_private_serialize).
 */
function certified(
  certificate: Buffer,
  owner: Owner,
  changes: Fields = {},
  type = typeOfBlob(certificate),
): Buffer {
  const stated = owner.type === 'ssh-ed25519' ? [] : ['n', 'e', 'curve', 'point']
  const fields = Object.entries({ ...fieldsOf(owner), ...changes })
  const rest = fields.filter(([name]) => !stated.includes(name)).map(([, field]) => field)
  return Buffer.concat([string(type), string(certificate), ...rest])
}

function add(body: Buffer, comment: string | Buffer = '', ...constraints: Buffer[]): Buffer {
  const type = constraints.length === 0 ? ADD : ADD_CONSTRAINED
  return message(type, body, string(comment), ...constraints)
}

/** For a certificate: its authority has signed something, but not this. */
function signsSomethingElse(_: Buffer, { type, privateKey }: samples.Sample): Buffer {
  return makeSignature(type, privateKey, DATA, 'sha512')
}

/** The integers of a DER structure (X.690 §8), in their order, whatever they stand in. */
function integersIn(der: Buffer): Buffer[] {
  const [tag, first = 0] = der
  if (tag === undefined) return []
  const start = first < 0x80 ? 2 : 2 + (first & 0x7f)
  const length = first < 0x80 ? first : Number(`0x${der.toString('hex', 2, start)}`)
  const contents = der.subarray(start, start + length)
  const inner: Partial<Record<number, () => Buffer[]>> = {
    0x02: () => [contents],
    0x03: () => integersIn(contents.subarray(1)), // after the number of unused bits
    0x04: () => integersIn(contents),
    0x30: () => integersIn(contents),
  }
  return [...(inner[tag]?.() ?? []), ...integersIn(der.subarray(start + length))]
}

/** p, q, g, y, x. */
function dsaKey(): Buffer {
  const { publicKey, privateKey } = generateKeyPairSync('dsa', {
    modulusLength: 1024,
    divisorLength: 160,
  })
  const stated = integersIn(publicKey.export({ type: 'spki', format: 'der' }))
  const [x = EMPTY] = integersIn(privateKey.export({ type: 'pkcs8', format: 'der' })).slice(-1)
  return Buffer.concat([string('ssh-dss'), ...[...stated, x].map(mpint)])
}

/** A key of a token that is not there (OpenSSH's PROTOCOL.u2f). */
function securityKey(): Buffer {
  const parts = [string('ssh:'), byte(1), string('handle'), string('')]
  return Buffer.concat([string('sk-ssh-ed25519@openssh.com'), field(me, 'point'), ...parts])
}

interface AskpassProgram {
  file: string
  /** Each hint and question, with bars behind them. */
  asked: () => string
}

/** A program that asks nobody, but does this. */
function askpassProgram(action: string): AskpassProgram {
  const directory = makeDirectory()
  const [file, log] = [join(directory, 'askpass'), join(directory, 'asked')]
  const lines = ['#!/bin/sh', `printf '%s|%s|' "$SSH_ASKPASS_PROMPT" "$1" >> ${log}`, action, '']
  writeFileSync(file, lines.join('\n'), { mode: 0o755 })
  return { file, asked: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') }
}

const EMPTY = Buffer.alloc(0)
const DATA = Buffer.from('some data')
const me = keyOf('me')
const you = keyOf('you')
const host = keyOf('host')
const other = keyOf('other host')
const ME = plain(me)

/** An SSH_AGENTC_EXTENSION session-bind. */
function bind(...parts: Parameters<typeof bindContents>): Buffer {
  return extensionMessage(SESSION_BIND, bindContents(...parts))
}

/** What is done, by its name, and by the answer that it has to get. */
type Table<Done> = Partial<Record<Answer, Readonly<Record<string, Done>>>>

function rows<Done>(table: Table<Done>): { name: string; done: Done; answer: Answer }[] {
  return (Object.entries(table) as [Answer, Readonly<Record<string, Done>>][]).flatMap(
    ([answer, group]) => Object.entries(group).map(([name, done]) => ({ name, done, answer })),
  )
}

/** All kinds of keys: `-t` and `-b` of ssh-keygen. */
const KINDS = {
  ed25519: ['ed25519', {}],
  'ecdsa-256': ['ecdsa', { bits: 256 }],
  'ecdsa-384': ['ecdsa', { bits: 384 }],
  'ecdsa-521': ['ecdsa', { bits: 521 }],
  'rsa-2048': ['rsa', { bits: 2048 }],
  'rsa-3072': ['rsa', { bits: 3072 }],
} as const satisfies Record<string, readonly [keygen.KeyType, keygen.KeyOptions]>
type Kind = keyof typeof KINDS
const KIND_NAMES = Object.keys(KINDS) as Kind[]

/** A key that ssh-keygen made. */
interface KeyOnDisk {
  privateKey: PrivateKey
  /** In wire format. */
  certificate: Buffer
  /** The private key; beside it stand `.pub` and `-cert.pub`. */
  file: string
}

async function makeOnDisk(directory: string, kind: Kind, ca: keygen.Ca): Promise<KeyOnDisk> {
  const [type, options] = KINDS[kind]
  const key = await keygen.makeKey(directory, type, {
    ...options,
    file: kind,
    comment: `${kind} key`,
  })
  const file = await ca.sign(key.publicKeyFile, { principals: ['me'], identity: `${kind} cert` })
  const [privateKey] = parsePrivateKeys(key.privateKey).keys
  if (privateKey === undefined) throw new Error('no key')
  const certificate = Buffer.from(readFileSync(file, 'utf8').split(' ')[1] ?? '', 'base64')
  return { privateKey, certificate, file: key.privateKeyFile }
}

describeWith(['ssh-agent', 'ssh-add', 'ssh-keygen'], 'the contract', () => {
  const directory = makeDirectory()
  const onDisk = new Map<Kind, KeyOnDisk>()
  let ca: keygen.Ca

  beforeAll(async () => {
    ca = await keygen.makeCa(directory)
    for (const kind of KIND_NAMES) onDisk.set(kind, await makeOnDisk(directory, kind, ca))
  }, 60_000)

  function keyOnDisk(kind: Kind): KeyOnDisk {
    const key = onDisk.get(kind)
    if (key === undefined) throw new Error(`no key ${kind}`)
    return key
  }

  describe.each(FLAVOURS)('of %s', (flavour) => {
    /** Expects `answer` to a message, whatever DIFFERENCES makes of it. */
    async function expectAnswer(
      client: AgentClient,
      request: Buffer,
      answer: Answer,
    ): Promise<void> {
      expect(allowed(flavour, answer)).toContain(await outcome(client, request))
    }

    /** Adds `body` to a new agent, which then has it or has it not. */
    async function expectAdding(request: Buffer, answer: Answer): Promise<void> {
      const client = await agent(flavour)
      const named = await outcome(client, request)
      expect(allowed(flavour, answer)).toContain(named)
      expect(await outcome(client, LISTS)).toBe(`IDENTITIES ${named === 'SUCCESS' ? 1 : 0}`)
    }

    describe('adding and listing', () => {
      test('without keys the list is empty', async () => {
        const client = await agent(flavour)
        expect(await client.ask(LISTS)).toEqual(Buffer.from([12, 0, 0, 0, 0]))
      })

      test('keys of all kinds, plain and certified, in the order of their adding', async () => {
        const client = await agent(flavour)
        const wanted: { blob: Buffer; comment: Buffer }[] = []
        for (const kind of KIND_NAMES) {
          const { privateKey, certificate } = keyOnDisk(kind)
          const requests = [
            add(plain(privateKey), kind),
            add(certified(certificate, privateKey), `${kind} certified`),
          ]
          expect(await outcomes(client, requests)).toEqual(['SUCCESS', 'SUCCESS'])
          wanted.push(
            { blob: privateKey.publicKey, comment: Buffer.from(kind) },
            { blob: certificate, comment: Buffer.from(`${kind} certified`) },
          )
        }
        expect(identitiesIn(await client.ask(LISTS))).toEqual(wanted)
      })

      test('a key that is added again stays where it is, with its new comment', async () => {
        const client = await agent(flavour)
        const requests = [add(ME, 'me'), add(plain(you), 'you'), add(ME, 'me again')]
        expect(await outcomes(client, requests)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS'])
        expect(await comments(client)).toEqual(['me again', 'you'])
      })

      test('a key that was removed and is added again stands last', async () => {
        const client = await agent(flavour)
        await outcomes(client, [
          add(ME, 'me'),
          add(plain(you), 'you'),
          message(REMOVE, string(me.publicKey)),
          add(ME, 'me again'),
        ])
        expect(await comments(client)).toEqual(['you', 'me again'])
      })

      test('what one connection adds all see', async () => {
        const socket = await start(flavour)
        const [first, second] = [await dial(socket), await dial(socket)]
        expect(await outcome(first, add(ME, 'me'))).toBe('SUCCESS')
        expect(await comments(second)).toEqual(['me'])
      })

      test.each([
        ['none', ''],
        ['of blanks and line ends', ' a\tb\r\nc '],
        ['in UTF-8', 'Schlüssel 🔑'],
        ['of 4,096 bytes', 'c'.repeat(4096)],
      ])('a comment %s comes back as it is', async (_, comment) => {
        const client = await agent(flavour)
        expect(await outcome(client, add(ME, comment))).toBe('SUCCESS')
        const listed = identitiesIn(await client.ask(LISTS))
        expect(listed).toEqual([{ blob: me.publicKey, comment: Buffer.from(comment) }])
      })

      test('a comment that is not UTF-8: ours, which knows texts alone, tells what can be read', async () => {
        const client = await agent(flavour)
        expect(await outcome(client, add(ME, Buffer.from('für', 'latin1')))).toBe('SUCCESS')
        const [listed] = identitiesIn(await client.ask(LISTS))
        const expected = flavour === 'ours' ? Buffer.from('f\uFFFDr') : Buffer.from('für', 'latin1')
        expect(listed?.comment).toEqual(expected)
      })

      test('a comment with a zero byte in it is refused', async () => {
        await expectAdding(add(ME, 'a\0b'), 'FAILURE')
      })

      test('a comment of 4,097 bytes', async () => {
        await expectAdding(add(ME, 'c'.repeat(4097)), 'long comment')
      })

      test('an agent holds 2,048 keys, but no more', async () => {
        const client = await agent(flavour)
        const bodies = Array.from({ length: 2049 }, (_, index) => plain(keyOf(`key ${index}`)))
        const named = new Set(
          await outcomes(
            client,
            bodies.slice(1).map((body) => add(body)),
          ),
        )
        expect(named).toEqual(new Set(['SUCCESS']))
        await expectAnswer(client, add(bodies[0] ?? EMPTY), 'more keys than clients take')
        expect(await outcome(client, add(bodies[1] ?? EMPTY))).toBe('SUCCESS')
      })
    })

    describe('which keys', () => {
      const ec = keyOf('ec', 'ecdsa-sha2-nistp256')
      const ec384 = keyOf('ec', 'ecdsa-sha2-nistp384')
      const otherEc = keyOf('other', 'ecdsa-sha2-nistp256')
      const rsa = keyOf('rsa', 'ssh-rsa')
      const otherRsa = keyOf('other', 'ssh-rsa')
      const mySecret = field(me, 'secret').subarray(4)
      const yourSecret = field(you, 'secret').subarray(4)
      const [mySeed, myPoint] = [mySecret.subarray(0, 32), mySecret.subarray(32)]
      const [yourSeed, yourPoint] = [yourSecret.subarray(0, 32), yourSecret.subarray(32)]
      const withSecret = (...parts: Buffer[]): Buffer =>
        plain(me, { secret: string(Buffer.concat(parts)) })
      const withPoint = (...parts: Buffer[]): Buffer =>
        plain(ec, { point: string(Buffer.concat(parts)) })
      const withOther = (name: string): Buffer => plain(rsa, { [name]: field(otherRsa, name) })

      /** SEC 2 §2.4.2: the order of P-256. */
      const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
      const bytesOf = (number: bigint): Buffer =>
        Buffer.from(number.toString(16).padStart(64, '0'), 'hex')
      /** A whole key: this scalar, and the point that belongs to it. */
      const withScalar = (scalar: bigint): Buffer => {
        const exchange = createECDH('prime256v1')
        exchange.setPrivateKey(bytesOf(scalar))
        return plain(ec, { point: string(exchange.getPublicKey()), scalar: mpint(bytesOf(scalar)) })
      }

      type Parts = Parameters<typeof samples.makeCertificate>[0]
      const certify = ({ key }: Owner, parts: Parts = {}): Buffer =>
        samples.makeCertificate({ subject: samples.sampleOf(key), role: 1, ...parts })
      const myCertificate = (parts: Parts = {}): Buffer => certified(certify(me, parts), me)
      const overlong = Buffer.concat([certify(me), byte(0)])
      const certificateType = (owner: Owner): string => `${owner.type}-cert-v01@openssh.com`

      const ofType = (type: string, owner: Owner): Buffer =>
        certified(certify(owner), owner, {}, type)

      const table: Table<Buffer | (() => Buffer)> = {
        SUCCESS: {
          'ed25519 with another point behind its seed': withSecret(mySeed, yourPoint),
          'ECDSA with a scalar of more than half the length': withScalar(2n ** 128n),
          'ECDSA with the greatest scalar but one': withScalar(ORDER - 2n),
          'a user certificate': myCertificate(),
          'a host certificate': myCertificate({ role: 2 }),
          'a certificate that has expired': myCertificate({ validBefore: 1001n }),
        },
        FAILURE: {
          'ed25519 with 63 bytes': withSecret(mySecret.subarray(1)),
          'ed25519 with 65 bytes': withSecret(mySecret, byte(0)),
          'ed25519 with a point of 31 bytes': plain(me, { point: string(Buffer.alloc(31, 1)) }),
          'ECDSA with a point off the curve': withPoint(byte(4), Buffer.alloc(64, 1)),
          'ECDSA with a compressed point': withPoint(byte(2), field(ec, 'point').subarray(5, 37)),
          'ECDSA with the point at infinity': withPoint(byte(0)),
          'ECDSA with the name of another curve': plain(ec, { curve: string('nistp384') }),
          'ECDSA of the type of another curve': plain(ec, {}, ec384.type),
          'ECDSA with the scalar 0': plain(ec, { scalar: mpint(EMPTY) }),
          'ECDSA with the order as scalar': plain(ec, { scalar: mpint(bytesOf(ORDER)) }),
          'ECDSA with a negative scalar': plain(ec, { scalar: string(Buffer.alloc(32, 0xff)) }),
          'RSA with the q 1': plain(rsa, { q: mpint(byte(1)) }),
          'RSA with a negative n': plain(rsa, { n: string(Buffer.alloc(256, 0xff)) }),
          'RSA with an n of 16,399 bits': plain(rsa, { n: mpint(Buffer.alloc(2050, 0x7f)) }),
          'RSA of 768 bits': () => plain({ type: 'ssh-rsa', key: samples.newRsa(768) }),
          'a key of an unknown type': plain(me, {}, 'ssh-unknown'),
          'a key of no type': plain(me, {}, ''),
          'a certificate of another key': certified(certify(you), me),
          'a certificate of another type': ofType(certificateType(me), ec),
          'a plain key as certificate': certified(me.publicKey, me, {}, certificateType(me)),
          'a certificate as plain key': ofType(me.type, me),
          'a certificate with a byte behind it': certified(overlong, me),
          'a certificate that its authority has not signed': myCertificate({
            sign: signsSomethingElse,
          }),
        },
        'certificate signed with SHA-1': {
          'a certificate signed with SHA-1': myCertificate({
            authority: samples.sample('ssh-rsa'),
            sign: (data, authority) => samples.sha1Signature(authority, data),
          }),
        },
        'weak ECDSA scalar': {
          'ECDSA with the scalar 1': withScalar(1n),
          'ECDSA with a scalar of half the length': withScalar(2n ** 127n),
          'ECDSA with the greatest scalar': withScalar(ORDER - 1n),
        },
        'halves that do not fit': {
          'ed25519 with the seed of another key': withSecret(yourSeed, myPoint),
          'ed25519 with another public half': plain(me, { point: field(you, 'point') }),
          'ECDSA with the scalar of another key': plain(ec, { scalar: field(otherEc, 'scalar') }),
          'ECDSA with the point of another key': plain(ec, { point: field(otherEc, 'point') }),
          'RSA with the n of another key': withOther('n'),
          'RSA with the d of another key': withOther('d'),
          'RSA with the p of another key': withOther('p'),
          'RSA with the q of another key': withOther('q'),
          'RSA with the iqmp of another key': withOther('iqmp'),
          'RSA with another e': plain(rsa, { e: mpint(byte(3)) }),
          'RSA with p and q interchanged': plain(rsa, { p: field(rsa, 'q'), q: field(rsa, 'p') }),
          'RSA with the p 0': plain(rsa, { p: mpint(EMPTY) }),
          'an ed25519 certificate with the seed of another key': certified(certify(you), me, {
            point: field(you, 'point'),
          }),
          'an ECDSA certificate with the scalar of another key': certified(certify(otherEc), ec),
          'an RSA certificate with the secrets of another key': certified(certify(otherRsa), rsa),
        },
        'type of a signature': { 'RSA as rsa-sha2-512': plain(rsa, {}, 'rsa-sha2-512') },
        'type of another curve': {
          'a certificate of another curve': ofType(certificateType(ec), ec384),
        },
        'small RSA': {
          'RSA of 1,024 bits': () => plain({ type: 'ssh-rsa', key: samples.newRsa(1024) }),
        },
        DSA: { 'DSA of 1,024 bits': dsaKey },
        'security key': { 'a FIDO key': securityKey() },
      }

      test.each(rows(table))('$name: $answer', async ({ done, answer }) => {
        await expectAdding(add(Buffer.isBuffer(done) ? done : done(), 'a key'), answer)
      })
    })

    describe('signing', () => {
      const ALGORITHMS: Record<number, Answer> = {
        0: 'SHA-1',
        1: 'SHA-1',
        2: 'SIGNED rsa-sha2-256',
        4: 'SIGNED rsa-sha2-512',
        6: 'SIGNED rsa-sha2-256',
        0x80000002: 'SIGNED rsa-sha2-256',
      }
      const cases = KIND_NAMES.flatMap((kind) =>
        ['plain', 'certified'].flatMap((form) =>
          Object.keys(ALGORITHMS).map((flags) => ({ kind, form, flags: Number(flags) })),
        ),
      )

      test.each(cases)('$kind, $form, with the flags $flags', async ({ kind, form, flags }) => {
        const { privateKey, certificate } = keyOnDisk(kind)
        const { type, key, publicKey } = privateKey
        const client = await agent(flavour)
        await outcomes(client, [add(plain(privateKey)), add(certified(certificate, privateKey))])
        const blob = form === 'plain' ? publicKey : certificate
        const answer = await client.ask(signMessage(blob, DATA, flags))
        const wanted = type === 'ssh-rsa' ? ALGORITHMS[flags] : (`SIGNED ${type}` as const)
        expect(allowed(flavour, wanted ?? 'FAILURE')).toContain(nameOf(answer))
        if (wanted === 'SHA-1') return
        const signature = signatureIn(answer)
        expect(verifySignature(publicKey, signature, DATA)).toBe(true)
        if (isEcdsa(type)) return // its signatures are random
        expect(signature).toEqual(makeSignature(type, key, DATA, flags & 2 ? 'sha256' : 'sha512'))
      })

      test.each([0, 1, 200_000, 262_144 - 64])('signs %i bytes', async (size) => {
        const client = await agent(flavour)
        const data = Buffer.alloc(size, 1)
        await client.ask(add(ME))
        const signature = signatureIn(await client.ask(signMessage(me.publicKey, data)))
        expect(verifySignature(me.publicKey, signature, data)).toBe(true)
      })

      test('a key signs under its own name alone: plain, or with this very certificate', async () => {
        const client = await agent(flavour)
        const { privateKey, certificate } = keyOnDisk('ed25519')
        const file = await ca.sign(`${keyOnDisk('ed25519').file}.pub`, {
          directory: makeDirectory(),
          serial: 2,
        })
        const second = Buffer.from(readFileSync(file, 'utf8').split(' ')[1] ?? '', 'base64')
        const ask = (): Promise<string[]> =>
          outcomes(
            client,
            [privateKey.publicKey, certificate, second].map((blob) => signMessage(blob, DATA)),
          )
        expect(await ask()).toEqual(['FAILURE', 'FAILURE', 'FAILURE'])
        await client.ask(add(certified(certificate, privateKey)))
        expect(await ask()).toEqual(['FAILURE', SIGNED, 'FAILURE'])
        await client.ask(add(plain(privateKey)))
        expect(await ask()).toEqual([SIGNED, SIGNED, 'FAILURE'])
        await client.ask(message(REMOVE, string(certificate)))
        expect(await ask()).toEqual([SIGNED, 'FAILURE', 'FAILURE'])
      })

      test.each([
        ['of no bytes', EMPTY],
        ['of an unknown type', string('ssh-unknown')],
        ['with a byte behind it', Buffer.concat([me.publicKey, byte(0)])],
        ['cut short', me.publicKey.subarray(0, -1)],
      ])('a key %s is FAILURE', async (_, blob) => {
        const client = await agent(flavour)
        const requests = [add(ME), signMessage(blob, DATA), message(REMOVE, string(blob)), LISTS]
        const answers = ['SUCCESS', 'FAILURE', 'FAILURE', 'IDENTITIES 1']
        expect(await outcomes(client, requests)).toEqual(answers)
      })
    })

    describe('removing', () => {
      const ALL = [add(ME, 'me'), add(plain(you), 'you'), add(plain(other), 'other')]

      test('one', async () => {
        const client = await agent(flavour)
        await outcomes(client, ALL)
        expect(await outcome(client, message(REMOVE, string(you.publicKey)))).toBe('SUCCESS')
        expect(await comments(client)).toEqual(['me', 'other'])
      })

      test('one that is not there is FAILURE', async () => {
        const client = await agent(flavour)
        await outcomes(client, ALL)
        expect(await outcome(client, message(REMOVE, string(host.publicKey)))).toBe('FAILURE')
        expect(await comments(client)).toEqual(['me', 'you', 'other'])
      })

      test.each([
        ['plain', 'certified'],
        ['certified', 'plain'],
      ])('the %s one leaves the %s one', async (removed, left) => {
        const client = await agent(flavour)
        const { privateKey, certificate } = keyOnDisk('rsa-2048')
        await outcomes(client, [
          add(plain(privateKey), 'plain'),
          add(certified(certificate, privateKey), 'certified'),
        ])
        const blob = removed === 'plain' ? privateKey.publicKey : certificate
        expect(await outcome(client, message(REMOVE, string(blob)))).toBe('SUCCESS')
        expect(await comments(client)).toEqual([left])
      })

      test.each([REMOVE_ALL, REMOVE_ALL_V1])(
        'all, with message %i, with or without keys',
        async (type) => {
          const client = await agent(flavour)
          expect(await outcome(client, message(type))).toBe('SUCCESS')
          await outcomes(client, ALL)
          expect(await outcomes(client, [message(type), LISTS])).toEqual([
            'SUCCESS',
            'IDENTITIES 0',
          ])
        },
      )
    })

    describe('a lifetime', () => {
      /** Waits until no key with this comment is listed any more. */
      const untilGone = (client: AgentClient, name: string): Promise<void> =>
        until(async () => !(await comments(client)).includes(name))

      test('ends', async () => {
        const client = await agent(flavour)
        await outcomes(client, [add(ME, 'me', lifetime(1)), add(plain(you), 'you', lifetime(600))])
        await untilGone(client, 'me')
        expect(await comments(client)).toEqual(['you'])
        const requests = [signMessage(me.publicKey, DATA), message(REMOVE, string(me.publicKey))]
        expect(await outcomes(client, requests)).toEqual(['FAILURE', 'FAILURE'])
      })

      test('does not end while a key has another one, or none', async () => {
        const client = await agent(flavour)
        await outcomes(client, [
          add(ME, 'me', lifetime(1)),
          add(plain(other), 'other', lifetime(1)),
          add(ME, 'me again'),
          add(plain(other), 'other again', lifetime(600)),
          add(plain(host), 'host', lifetime(600)),
          add(plain(host), 'host again', lifetime(1)),
          add(plain(you), 'you', lifetime(2)),
        ])
        await untilGone(client, 'you')
        expect(await comments(client)).toEqual(['me again', 'other again'])
      })

      test('may be the longest', async () => {
        const client = await agent(flavour)
        await outcomes(client, [
          add(ME, 'me', lifetime(0xffff_ffff)),
          add(plain(other), 'other', lifetime(2_147_484)),
          add(plain(you), 'you', lifetime(1)),
        ])
        await untilGone(client, 'you')
        expect(await comments(client)).toEqual(['me', 'other'])
      })

      test('of no seconds is over at once', async () => {
        const client = await agent(flavour)
        expect(await outcome(client, add(ME, 'me', lifetime(0)))).toBe('SUCCESS')
        await untilGone(client, 'me')
        expect(await outcome(client, LISTS)).toBe('IDENTITIES 0')
      })

      test('ends in a locked agent, too', async () => {
        const client = await agent(flavour)
        await outcomes(client, [add(ME, 'me', lifetime(1)), message(LOCK, string('x'))])
        const look = [message(UNLOCK, string('x')), LISTS, message(LOCK, string('x'))]
        await until(async () => (await outcomes(client, look))[1] === 'IDENTITIES 0')
      })

      test('may stand in a message for keys without constraints', async () => {
        const client = await agent(flavour)
        const body = Buffer.concat([ME, string('me'), lifetime(1)])
        expect(await outcomes(client, [message(ADD, body), LISTS])).toEqual([
          'SUCCESS',
          'IDENTITIES 1',
        ])
        await untilGone(client, 'me')
      })
    })

    describe('a confirmation', () => {
      const NEVER = { SSH_ASKPASS_REQUIRE: 'never', DISPLAY: ':0' }

      test.each([
        ['exit 0', SIGNED],
        ['echo', SIGNED],
        ['echo yes', SIGNED],
        ['echo YES', SIGNED],
        ['echo; echo no', SIGNED],
        ['echo no', 'FAILURE'],
        ['echo "yes, please"', 'FAILURE'],
        ['exit 1', 'FAILURE'],
        ['echo yes; exit 1', 'FAILURE'],
        ['kill -9 $$', 'FAILURE'],
      ])('by an askpass program that does "%s" is %s', async (action, answer) => {
        const { file } = askpassProgram(action)
        const client = await agent(flavour, { SSH_ASKPASS: file, SSH_ASKPASS_REQUIRE: 'force' })
        await client.ask(add(ME, 'me', CONFIRM))
        expect(await outcome(client, signMessage(me.publicKey, DATA))).toBe(answer)
      })

      test.each<[string, (file: string) => Askpass, string]>([
        ['with a display', (file) => ({ SSH_ASKPASS: file, DISPLAY: ':0' }), SIGNED],
        ['without a display', (file) => ({ SSH_ASKPASS: file }), 'FAILURE'],
        ['with an empty display', (file) => ({ SSH_ASKPASS: file, DISPLAY: '' }), 'FAILURE'],
        ['where askpass is forbidden', (file) => ({ ...NEVER, SSH_ASKPASS: file }), 'FAILURE'],
        [
          'by a program that is not there',
          (file) => ({ SSH_ASKPASS: `${file}-not`, SSH_ASKPASS_REQUIRE: 'force' }),
          'FAILURE',
        ],
        ['by nobody', () => ({}), 'FAILURE'],
      ])('%s', async (_, askpass, answer) => {
        const { file } = askpassProgram('exit 0')
        const client = await agent(flavour, askpass(file))
        await client.ask(add(ME, 'me', CONFIRM))
        expect(await outcome(client, signMessage(me.publicKey, DATA))).toBe(answer)
      })

      test('is asked for each use, in the words of ssh-agent, and for no other key', async () => {
        const { file, asked } = askpassProgram('exit 0')
        const client = await agent(flavour, { SSH_ASKPASS: file, SSH_ASKPASS_REQUIRE: 'force' })
        const { privateKey, certificate } = keyOnDisk('ed25519')
        const named = fingerprint(privateKey.publicKey)
        const uses = [certificate, privateKey.publicKey, certificate].map((blob) =>
          signMessage(blob, DATA),
        )
        await outcomes(client, [
          add(plain(privateKey), 'plain'),
          add(certified(certificate, privateKey), 'my certificate', CONFIRM),
        ])
        expect(await outcomes(client, uses)).toEqual([SIGNED, SIGNED, SIGNED])
        const question = `confirm|Allow use of key my certificate?\nKey fingerprint ${named}.|`
        expect(asked()).toBe(question.repeat(2))
      })

      test('is not asked for any more once a key is added without it', async () => {
        const { file, asked } = askpassProgram('exit 1')
        const client = await agent(flavour, { SSH_ASKPASS: file, SSH_ASKPASS_REQUIRE: 'force' })
        await outcomes(client, [add(ME, 'me', CONFIRM), add(ME, 'me')])
        expect(await outcome(client, signMessage(me.publicKey, DATA))).toBe(SIGNED)
        expect(asked()).toBe('')
      })

      test('keeps the answers in the order of the requests', async () => {
        const go = join(makeDirectory(), 'go')
        const { file, asked } = askpassProgram(`while [ ! -e ${go} ]; do sleep 0.05; done`)
        const client = await agent(flavour, { SSH_ASKPASS: file, SSH_ASKPASS_REQUIRE: 'force' })
        await outcomes(client, [add(ME, 'me', CONFIRM), add(plain(you), 'you')])
        const answers = outcomes(client, [
          signMessage(me.publicKey, DATA),
          LISTS,
          signMessage(you.publicKey, DATA),
          message(REMOVE_ALL),
        ])
        await until(() => asked() !== '')
        writeFileSync(go, '')
        expect(await answers).toEqual([SIGNED, 'IDENTITIES 2', SIGNED, 'SUCCESS'])
      })
    })

    describe('locking', () => {
      const lock = (passphrase: Buffer | string): Buffer => message(LOCK, string(passphrase))
      const unlock = (passphrase: Buffer | string): Buffer => message(UNLOCK, string(passphrase))

      test('a locked agent lists nothing, and is unlocked with the same passphrase', async () => {
        const client = await agent(flavour)
        await client.ask(add(ME, 'me'))
        expect(await outcomes(client, [lock('secret'), LISTS])).toEqual(['SUCCESS', 'IDENTITIES 0'])
        expect(await outcome(client, unlock('secret'))).toBe('SUCCESS')
        expect(await comments(client)).toEqual(['me'])
        expect(await outcome(client, signMessage(me.publicKey, DATA))).toBe(SIGNED)
      })

      test.each<[string, Buffer]>([
        ['sign', signMessage(me.publicKey, DATA)],
        ['add', add(plain(you), 'you')],
        ['add with constraints', add(plain(you), 'you', lifetime(600))],
        ['remove', message(REMOVE, string(me.publicKey))],
        ['remove all', message(REMOVE_ALL)],
        ['remove all of protocol 1', message(REMOVE_ALL_V1)],
        ['add from a card', message(ADD_CARD, string('/x'), string(''))],
        [
          'add from a card with constraints',
          message(ADD_CARD_CONSTRAINED, string('/x'), string(''), CONFIRM),
        ],
        ['remove a card', message(REMOVE_CARD, string('/x'), string(''))],
        ['lock', lock('secret')],
        ['lock with another passphrase', lock('another')],
        ['lock without a passphrase', message(LOCK)],
        ['query', extensionMessage('query')],
        ['an extension that is not known', extensionMessage('unknown@example.com')],
        ['an extension without a name', message(EXTENSION)],
        ['a message that is not known', message(200)],
      ])('while it is locked, %s is FAILURE and changes nothing', async (_, request) => {
        const client = await agent(flavour)
        await outcomes(client, [add(ME, 'me'), lock('secret')])
        expect(await outcomes(client, [request, LISTS])).toEqual(['FAILURE', 'IDENTITIES 0'])
        expect(await outcome(client, unlock('secret'))).toBe('SUCCESS')
        expect(await comments(client)).toEqual(['me'])
      })

      test('all connections meet the lock, and any may open it', async () => {
        const socket = await start(flavour)
        const [first, second] = [await dial(socket), await dial(socket)]
        expect(await outcomes(first, [add(ME), lock('secret')])).toEqual(['SUCCESS', 'SUCCESS'])
        expect(await outcomes(second, [LISTS, lock('x')])).toEqual(['IDENTITIES 0', 'FAILURE'])
        expect(await outcomes(second, [unlock('secret'), LISTS])).toEqual([
          'SUCCESS',
          'IDENTITIES 1',
        ])
        expect(await outcome(first, LISTS)).toBe('IDENTITIES 1')
      })

      test.each<[string, Buffer | string, Buffer | string]>([
        ['another passphrase', 'secret', 'Secret'],
        ['the beginning of its passphrase', 'secret', 'secre'],
        ['more than its passphrase', 'secret', 'secrets'],
        ['no passphrase', 'secret', ''],
        ['other bytes that are not UTF-8', Buffer.from([0xff]), Buffer.from([0xfe])],
      ])('%s does not unlock it, and its own does thereafter', async (_, right, wrong) => {
        const client = await agent(flavour)
        const requests = [lock(right), unlock(wrong), unlock(right), unlock(right)]
        const answers = ['SUCCESS', 'FAILURE', 'SUCCESS', 'FAILURE']
        expect(await outcomes(client, requests)).toEqual(answers)
      })

      test('an agent that is not locked is not unlocked', async () => {
        const client = await agent(flavour)
        const requests = [add(ME), unlock('secret'), unlock(''), LISTS]
        const answers = ['SUCCESS', 'FAILURE', 'FAILURE', 'IDENTITIES 1']
        expect(await outcomes(client, requests)).toEqual(answers)
      })

      test('an empty passphrase does not lock', async () => {
        const client = await agent(flavour)
        const requests = [add(ME), lock(''), LISTS]
        expect(await outcomes(client, requests)).toEqual(['SUCCESS', 'FAILURE', 'IDENTITIES 1'])
      })

      test('it may be locked again, with another passphrase', async () => {
        const client = await agent(flavour)
        const requests = [lock('one'), unlock('one'), lock('two'), unlock('one'), unlock('two')]
        const answers = ['SUCCESS', 'SUCCESS', 'SUCCESS', 'FAILURE', 'SUCCESS']
        expect(await outcomes(client, requests)).toEqual(answers)
      })

      test('a long passphrase locks', async () => {
        const client = await agent(flavour)
        const passphrase = 'long '.repeat(10_000)
        const requests = [lock(passphrase), unlock('long '), unlock(passphrase)]
        expect(await outcomes(client, requests)).toEqual(['SUCCESS', 'FAILURE', 'SUCCESS'])
      })

      test.each<[string, Buffer]>([
        ['without a passphrase', EMPTY],
        ['with a passphrase cut short', string('secret').subarray(0, -1)],
      ])('a request to lock or unlock %s', async (_, contents) => {
        for (const type of [LOCK, UNLOCK]) {
          const client = await agent(flavour)
          await expectAnswer(client, message(type, contents), 'malformed lock request')
        }
      })

      test('a request to lock with a zero byte in its passphrase', async () => {
        await expectAnswer(await agent(flavour), lock('se\0cret'), 'zero byte in a passphrase')
      })

      test('session-bind while it is locked', async () => {
        const client = await agent(flavour)
        await client.ask(lock('secret'))
        await expectAnswer(client, bind(host), 'session-bind of a locked agent')
        const malformed = extensionMessage(SESSION_BIND, EMPTY)
        await expectAnswer(client, malformed, 'malformed session-bind of a locked agent')
      })
    })

    describe('extensions', () => {
      const table: Table<Buffer> = {
        FAILURE: {
          'one that is not known': extensionMessage('unknown@example.com', DATA),
          'one with an empty name': extensionMessage(''),
          'one with a zero byte in its name': extensionMessage('query\0x'),
          'one with a long name': extensionMessage('x'.repeat(10_000)),
          none: message(EXTENSION),
          'one with its name cut short': message(EXTENSION, string('query').subarray(0, -1)),
        },
        query: { query: extensionMessage('query') },
      }

      test.each(rows(table))('$name: $answer', async ({ done, answer }) => {
        const client = await agent(flavour)
        await expectAnswer(client, done, answer)
        expect(await outcome(client, LISTS)).toBe('IDENTITIES 0')
      })
    })

    describe('session-bind', () => {
      const rsa = keyOf('rsa', 'ssh-rsa')
      const whole = bindContents(host)
      const raw = (contents: Buffer): Buffer => extensionMessage(SESSION_BIND, contents)
      const signedWith = (hostKey: Buffer, signature: Buffer): Buffer =>
        raw(Buffer.concat([...[hostKey, SESSION, signature].map(string), boolean(false)]))
      const sha1 = samples.sha1Signature(samples.sampleOf(rsa.key), SESSION)
      const subject = samples.sampleOf(host.key)
      const certificate = samples.makeCertificate({ subject })
      const unsigned = samples.makeCertificate({ subject, sign: signsSomethingElse })

      const table: Table<Buffer> = {
        SUCCESS: {
          'to an ed25519 host key': bind(host),
          'to an ECDSA host key': bind(keyOf('ec', 'ecdsa-sha2-nistp384')),
          'to an RSA host key': bind(rsa),
          'to a host certificate, even expired': bind(host, { hostKey: certificate }),
          'for forwarding': bind(host, { forwarding: true }),
          'for forwarding, as 2': raw(Buffer.concat([whole.subarray(0, -1), byte(2)])),
          'with the longest session id': bind(host, { sessionId: Buffer.alloc(128, 1) }),
        },
        'malformed session-bind': {
          'with a signature of something else': bind(host, { signed: DATA }),
          'with the signature of another key': bind(host, { hostKey: other.publicKey }),
          'to a host certificate that its authority has not signed': bind(host, {
            hostKey: unsigned,
          }),
          'with an empty signature': signedWith(host.publicKey, EMPTY),
          'to a key of an unknown type': bind(host, { hostKey: string('ssh-unknown') }),
        },
        'session id of a wrong length': {
          'with a longer session id': bind(host, { sessionId: Buffer.alloc(129, 1) }),
          'with an empty session id': bind(host, { sessionId: EMPTY }),
        },
        'session-bind with SHA-1': {
          'with a SHA-1 signature': signedWith(rsa.publicKey, sha1),
        },
        'overlong session-bind': {
          'with a byte behind it': raw(Buffer.concat([whole, byte(0)])),
        },
      }

      test.each(rows(table))('$name: $answer', async ({ done, answer }) => {
        await expectAnswer(await agent(flavour), done, answer)
      })

      test('cut short at any place', async () => {
        const client = await agent(flavour)
        const named = new Set(await outcomes(client, samples.truncations(whole).map(raw)))
        expect(named.size).toBe(1)
        expect(allowed(flavour, 'malformed session-bind')).toContain([...named][0])
      })

      const through = (key: PrivateKey, session: number): Buffer =>
        bind(key, { sessionId: Buffer.alloc(32, session), forwarding: true })

      const sequences: Table<readonly Buffer[]> = {
        SUCCESS: {
          'a login after forwardings': [through(host, 1), through(other, 2), bind(host)],
          'a session twice': [through(host, 1), through(host, 1)],
          'a session after one that came twice': [
            ...[through(host, 1), through(host, 1)],
            through(other, 2),
          ],
          'a key with another session': [through(host, 1), through(host, 2)],
        },
        'malformed session-bind': {
          'a login after a login': [bind(host), bind(host)],
          'forwarding after a login': [bind(host), through(other, 1)],
          'a session with another key': [through(host, 1), through(other, 1)],
        },
        '17th session': {
          'the 17th of a connection': Array.from({ length: 17 }, (_, index) =>
            through(host, index),
          ),
        },
      }

      test.each(rows(sequences))('$name: $answer', async ({ done, answer }) => {
        const client = await agent(flavour)
        const before = done.slice(0, -1)
        expect(await outcomes(client, before)).toEqual(before.map(() => 'SUCCESS'))
        await expectAnswer(client, done.at(-1) ?? EMPTY, answer)
      })

      test('after one that was malformed', async () => {
        const client = await agent(flavour)
        await expectAnswer(client, raw(EMPTY), 'malformed session-bind')
        expect(await outcome(client, bind(host))).toBe('SUCCESS')
      })
    })

    describe('constraints', () => {
      const here = {}
      const there = hopTo(host)
      const good = step(here, there)
      const [fromHere, toThere] = strings(strings(good)[0] ?? EMPTY) as [Buffer, Buffer]
      const list = (length: number): Buffer => restrict(...Array.from({ length }, () => good))
      /** One destination that is made of these parts. */
      const made = (...parts: Buffer[]): Buffer => restrict(string(Buffer.concat(parts)))
      const to = (changes: Parameters<typeof hopTo>[1]): Buffer =>
        restrict(step(here, hopTo(host, changes)))
      const toKey = (...blobs: Buffer[]): Buffer => to({ keys: blobs.map((blob) => ({ blob })) })
      /** With something behind the keys of the target. */
      const toMore = (...parts: Buffer[]): Buffer =>
        made(string(fromHere), string(Buffer.concat([toThere, ...parts])), string(''))
      const from = (changes: Parameters<typeof hopTo>[1]): Buffer =>
        restrict(step(hopTo(other, changes), there))
      const provider = constraintExtension('sk-provider@openssh.com', Buffer.from('internal'))
      const certificates = [boolean(true), string('')]
      const unnamed = { hostname: '', keys: [] }
      const securityBlob = securityKey().subarray(0, 4 + 26 + 4 + 32 + 4 + 4)

      const table: Table<readonly Buffer[]> = {
        SUCCESS: {
          'a lifetime': [lifetime(600)],
          'a confirmation': [CONFIRM],
          'a destination': [restrict(good)],
          'all of them': [CONFIRM, restrict(good), lifetime(600)],
          'a target with a user': [to({ user: 'deploy' })],
          'a target with a pattern of 256 bytes': [to({ user: 'u'.repeat(256) })],
          'a target with several keys': [toKey(host.publicKey, other.publicKey)],
          'a target with a certificate': [toKey(samples.makeCertificate())],
          'a target with a FIDO key': [toKey(securityBlob)],
          'a source': [from({})],
          '1,024 destinations': [list(1024)],
        },
        FAILURE: {
          'the type 0': [byte(0)],
          'the type 3 (maxsign)': [byte(3), uint32(10)],
          'the type 4': [byte(4)],
          'the type 254': [byte(254)],
          'a good one before a bad one': [lifetime(600), byte(4)],
          'two lifetimes': [lifetime(600), lifetime(600)],
          'two lifetimes, the first of no seconds': [lifetime(0), lifetime(600)],
          'a lifetime cut short': [lifetime(600).subarray(0, -1)],
          'a lifetime without a number': [byte(1)],
          'two confirmations': [CONFIRM, CONFIRM],
          'an extension without a name': [byte(255)],
          'an extension that is not known': [constraintExtension('unknown@example.com', EMPTY)],
          'an extension with an empty name': [constraintExtension('', EMPTY)],
          'associated certificates': [
            ...[byte(255), string('associated-certs-v00@openssh.com')],
            ...certificates,
          ],
          'a provider for a key of no token': [provider],
          'a provider cut short': [provider.subarray(0, -1)],
          'two lists of destinations': [restrict(good), restrict(good)],
          'a list of destinations cut short': [restrict(good).subarray(0, -1)],
          'destinations without a list': [
            ...[byte(255), string('restrict-destination-v00@openssh.com')],
          ],
          'a good destination before a bad one': [restrict(good, string(''))],
          'an empty destination': [made()],
          'a destination without a target': [made(string(fromHere))],
          'a destination without its reserved part': [made(string(fromHere), string(toThere))],
          'a destination with something reserved': [restrict(step(here, there, 'x'))],
          'a destination that is nowhere': [restrict(step(here, here))],
          'a target without keys': [to({ keys: [] })],
          'a target without a name': [to({ hostname: '' })],
          'a target with a zero byte in its user': [to({ user: 'a\0b' })],
          'a target with a zero byte in its name': [to({ hostname: 'a\0b' })],
          'a target with something reserved': [to({ extensions: 'x' })],
          'a target with a key cut short': [toKey(host.publicKey.subarray(0, -1))],
          'a target with a key of no bytes': [toKey(EMPTY)],
          'a target with a key that may be an authority': [toMore(string(other.publicKey))],
          'a target with the beginning of a key': [toMore(uint32(51))],
          'a target that ends in its name': [
            made(string(fromHere), string(string('')), string('')),
          ],
          'a source with a user': [from({ user: 'deploy' })],
          'a source with nothing but a user': [from({ ...unnamed, user: 'deploy' })],
          'a source without keys': [from({ keys: [] })],
          'a source without a name': [from({ hostname: '' })],
          'a source with something reserved': [from({ extensions: 'x' })],
          'a source with a key of no bytes': [from({ keys: [{ blob: EMPTY }] })],
          'a source that is empty': [made(string(''), string(toThere), string(''))],
        },
        'restriction to nothing': { 'a list of no destinations': [restrict()] },
        'overlong constraint': {
          'a destination with something behind it': [
            made(string(fromHere), string(toThere), string(''), DATA),
          ],
        },
        'unknown host key': {
          'a target with a key of an unknown type': [toKey(string('ssh-unknown'))],
        },
        'long user pattern': {
          'a target with a pattern of 257 bytes': [to({ user: 'u'.repeat(257) })],
        },
        '1,025 destinations': { '1,025 destinations': [list(1025)] },
      }

      test.each(rows(table))('$name: $answer', async ({ done, answer }) => {
        await expectAdding(add(ME, 'me', ...done), answer)
      })

      test('a message for constraints may have none', async () => {
        await expectAdding(message(ADD_CONSTRAINED, ME, string('me')), 'SUCCESS')
      })

      test('a message without constraints may have some', async () => {
        await expectAdding(message(ADD, ME, string('me'), byte(4)), 'FAILURE')
      })

      test('a key is not added again with constraints that are refused', async () => {
        const client = await agent(flavour)
        const requests = [add(ME, 'me'), add(ME, 'me again', CONFIRM, CONFIRM)]
        expect(await outcomes(client, requests)).toEqual(['SUCCESS', 'FAILURE'])
        expect(await comments(client)).toEqual(['me'])
      })

      test('cut short they are those that are left, or FAILURE', async () => {
        const client = await agent(flavour)
        const request = add(ME, 'me', CONFIRM, restrict(good))
        const unconstrained = request.length - CONFIRM.length - restrict(good).length
        const named = await outcomes(client, samples.truncations(request).slice(unconstrained))
        expect(named).toEqual(named.map((_, length) => (length < 2 ? 'SUCCESS' : 'FAILURE')))
      })
    })

    describe('a key with destinations', () => {
      const CONSTRAINTS = restrict(
        step({}, hopTo(host, { user: 'dep*' })),
        step(hopTo(host), hopTo(other)),
      )
      const AT_HOST = bind(host)
      const AT_OTHER = bind(other)
      const VIA_HOST = bind(host, { forwarding: true, sessionId: Buffer.alloc(32, 1) })
      const VIA_OTHER = bind(other, { forwarding: true, sessionId: Buffer.alloc(32, 2) })
      const login = (changes: Partial<Parameters<typeof userauth>[0]> = {}): Buffer =>
        signMessage(me.publicKey, userauth({ key: me.publicKey, ...changes }))
      const REMOVES = message(REMOVE, string(me.publicKey))
      const SIGNS = signMessage(me.publicKey, DATA)
      const OTHER_SIGNS = signMessage(you.publicKey, DATA)

      /** A connection to an agent that holds `key`, with destinations, and `you`, with none. */
      async function bound(
        binds: readonly Buffer[],
        key = add(ME, 'me', CONSTRAINTS),
      ): Promise<AgentClient> {
        const client = await agent(flavour)
        const requests = [key, add(plain(you), 'you'), ...binds]
        expect(await outcomes(client, requests)).toEqual(requests.map(() => 'SUCCESS'))
        return client
      }

      const table: Table<readonly Buffer[]> = {
        [SIGNED]: {
          'here: the other key': [OTHER_SIGNS],
          'at the host: a login': [AT_HOST, login()],
          'at the host: a login that names it': [AT_HOST, login({ hostKey: host.publicKey })],
          'at the host: the other key, for any data': [AT_HOST, OTHER_SIGNS],
          'beyond the host: a login that names where': [
            ...[VIA_HOST, AT_OTHER],
            login({ hostKey: other.publicKey }),
          ],
        },
        FAILURE: {
          'here: a login': [login()],
          'here: any data': [SIGNS],
          'at the host: any data': [AT_HOST, SIGNS],
          'at the host: a login that names another': [AT_HOST, login({ hostKey: other.publicKey })],
          'at the host: as another user': [AT_HOST, login({ user: 'root' })],
          'at the host: in another session': [AT_HOST, login({ sessionId: Buffer.alloc(32, 8) })],
          'at the host: another message': [AT_HOST, login({ message: 51 })],
          'at the host: another service': [AT_HOST, login({ service: 'ssh-userauth' })],
          'at the host: another method': [AT_HOST, login({ method: 'hostbased' })],
          'at the host: without a signature': [AT_HOST, login({ follows: false })],
          'at the host: with another key': [AT_HOST, login({ key: you.publicKey })],
          'elsewhere: a login': [AT_OTHER, login()],
          'elsewhere: removing it': [AT_OTHER, REMOVES],
          'elsewhere: adding it again': [AT_OTHER, add(ME, 'again')],
          'via the host: a login': [VIA_HOST, login()],
          'beyond the host: a login that names nothing': [VIA_HOST, AT_OTHER, login()],
          'beyond the host: a login that names the host': [
            ...[VIA_HOST, AT_OTHER],
            login({ hostKey: host.publicKey }),
          ],
        },
        SUCCESS: {
          'here: removing it': [REMOVES],
          'here: adding it again': [add(ME, 'again')],
          'at the host: removing it': [AT_HOST, REMOVES],
        },
        'IDENTITIES 2': {
          'here: the list': [LISTS],
          'at the host: the list': [AT_HOST, LISTS],
          'via the host: the list': [VIA_HOST, LISTS],
          'beyond the host: the list': [VIA_HOST, AT_OTHER, LISTS],
        },
        'IDENTITIES 1': {
          'elsewhere: the list': [AT_OTHER, LISTS],
          'via elsewhere: the list': [VIA_OTHER, LISTS],
          'beyond elsewhere: the list': [VIA_OTHER, AT_HOST, LISTS],
          'from the host to itself: the list': [VIA_HOST, AT_HOST, LISTS],
          'via the host and elsewhere: the list': [VIA_HOST, VIA_OTHER, LISTS],
        },
      }

      test.each(rows(table))('$name: $answer', async ({ done, answer }) => {
        const client = await bound(done.slice(0, -1))
        expect(await outcome(client, done.at(-1) ?? EMPTY)).toBe(answer)
      })

      test('is removed with all others where it is not listed', async () => {
        const socket = await start(flavour)
        const [here, there] = [await dial(socket), await dial(socket)]
        await outcomes(here, [add(ME, 'me', CONSTRAINTS), add(plain(you), 'you')])
        const answers = ['SUCCESS', 'IDENTITIES 1', 'SUCCESS']
        expect(await outcomes(there, [AT_OTHER, LISTS, message(REMOVE_ALL)])).toEqual(answers)
        expect(await outcome(here, LISTS)).toBe('IDENTITIES 0')
      })

      test.each<[string, Answer, readonly Buffer[]]>([
        ['the only one', 'hidden after a failed bind', []],
        ['a later one', 'hidden after a later failed bind', [VIA_HOST]],
      ])('is hidden after a session-bind that failed, %s', async (_, answer, before) => {
        const client = await bound(before)
        await client.ask(extensionMessage(SESSION_BIND))
        await expectAnswer(client, LISTS, answer)
      })

      test('may be used anywhere once it is added again without them', async () => {
        const client = await bound([])
        expect(await outcomes(client, [add(ME, 'again'), SIGNS])).toEqual(['SUCCESS', SIGNED])
      })

      test.each([
        ['rsa-sha2-256', 2],
        ['rsa-sha2-512', 4],
      ])('logs in with %s', async (algorithm, flags) => {
        const rsa = keyOf('rsa', 'ssh-rsa')
        const client = await bound([AT_HOST], add(plain(rsa), 'rsa', CONSTRAINTS))
        const names = ['deploy', 'ssh-connection', 'publickey'].map(string)
        const key = [string(algorithm), string(rsa.publicKey)]
        const data = Buffer.concat([string(SESSION), byte(50), ...names, boolean(true), ...key])
        const request = signMessage(rsa.publicKey, data, flags)
        expect(await outcome(client, request)).toBe(`SIGNED ${algorithm}`)
      })

      test('logs in with its certificate', async () => {
        const certificate = samples.makeCertificate({ subject: samples.sampleOf(me.key), role: 1 })
        const client = await bound([AT_HOST], add(certified(certificate, me), 'me', CONSTRAINTS))
        const request = signMessage(certificate, userauth({ key: certificate }))
        expect(await outcome(client, request)).toBe(SIGNED)
      })
    })

    const CARD = [string('/nowhere.so'), string('1234')]

    test.each<[string, Buffer]>([
      ['adding', message(ADD_CARD, ...CARD)],
      ['adding with constraints', message(ADD_CARD_CONSTRAINED, ...CARD, CONFIRM)],
      ['adding with bad constraints', message(ADD_CARD_CONSTRAINED, ...CARD, byte(4))],
      ['removing', message(REMOVE_CARD, ...CARD)],
    ])('%s of a smartcard is FAILURE, whole or cut short', async (_, request) => {
      const client = await agent(flavour)
      const cut = samples.truncations(request).slice(1)
      const named = await outcomes(client, [...cut, request])
      expect(new Set(named)).toEqual(new Set(['FAILURE']))
      expect(await outcome(client, LISTS)).toBe('IDENTITIES 0')
    })

    describe('the stream', () => {
      test.each([0, 1, 2, 3, 7, 10, 12, 24, 28, 200, 255])(
        'a message of type %i is FAILURE, and the stream goes on',
        async (type) => {
          const client = await agent(flavour)
          const requests = [message(type), message(type, DATA), LISTS]
          const answers = ['FAILURE', 'FAILURE', 'IDENTITIES 0']
          expect(await outcomes(client, requests)).toEqual(answers)
        },
      )

      const overlong: Table<Buffer> = {
        'IDENTITIES 1': { list: message(LIST, DATA) },
        SUCCESS: {
          'remove all': message(REMOVE_ALL, DATA),
          lock: message(LOCK, string('secret'), DATA),
        },
        'overlong sign request': {
          sign: Buffer.concat([signMessage(me.publicKey, DATA), DATA]),
        },
        'overlong request': { remove: message(REMOVE, string(me.publicKey), DATA) },
        query: { query: extensionMessage('query', DATA) },
      }

      test.each(rows(overlong))(
        '$name, with bytes behind it: $answer',
        async ({ done, answer }) => {
          const client = await agent(flavour)
          await client.ask(add(ME))
          await expectAnswer(client, done, answer)
        },
      )

      const myCertificate = samples.makeCertificate({ subject: samples.sampleOf(you.key), role: 1 })

      test.each<[string, Buffer]>([
        ['sign', signMessage(me.publicKey, DATA)],
        ['remove', message(REMOVE, string(me.publicKey))],
        ['add an ed25519 key', add(plain(you), 'you')],
        ['add an ECDSA key', add(plain(keyOf('ec', 'ecdsa-sha2-nistp521')), 'ec')],
        ['add an RSA key', add(plain(keyOf('rsa', 'ssh-rsa')), 'rsa')],
        ['add a certificate', add(certified(myCertificate, you), 'you')],
      ])('a request to %s, cut short at any place, is FAILURE', async (_, request) => {
        const client = await agent(flavour)
        await client.ask(add(ME, 'me'))
        const named = await outcomes(client, samples.truncations(request).slice(1))
        expect(new Set(named)).toEqual(new Set(['FAILURE']))
        expect(await comments(client)).toEqual(['me'])
      })

      test('several requests in one write are answered in their order', async () => {
        const client = await agent(flavour)
        const [signs, removes] = [
          signMessage(me.publicKey, DATA),
          message(REMOVE, string(me.publicKey)),
        ]
        const wanted: [Buffer, string][] = [
          [LISTS, 'IDENTITIES 0'],
          [add(ME, 'me'), 'SUCCESS'],
          [LISTS, 'IDENTITIES 1'],
          [message(200), 'FAILURE'],
          [signs, SIGNED],
          [removes, 'SUCCESS'],
          [LISTS, 'IDENTITIES 0'],
          [signs, 'FAILURE'],
        ]
        await client.write(Buffer.concat(wanted.map(([request]) => frame(request))))
        const answers = await Promise.all(wanted.map(() => client.answer()))
        expect(answers.map(nameOf)).toEqual(wanted.map(([, answer]) => answer))
      })

      test('many requests in flight are all answered', async () => {
        const client = await agent(flavour)
        await client.ask(add(ME))
        const data = Array.from({ length: 200 }, (_, index) => uint32(index))
        const answers = await Promise.all(
          data.map((one) => client.ask(signMessage(me.publicKey, one))),
        )
        const good = answers.filter((answer, index) =>
          verifySignature(me.publicKey, signatureIn(answer), uint32(index)),
        )
        expect(good).toHaveLength(data.length)
      })

      test('a request that comes byte by byte is answered', async () => {
        const client = await agent(flavour)
        for (const octet of frame(add(ME, 'me'))) await client.write(byte(octet))
        expect(nameOf(await client.answer())).toBe('SUCCESS')
        expect(await comments(client)).toEqual(['me'])
      })

      test.each([0, 262_145, 0x7fff_ffff, 0xffff_ffff])(
        'a frame of %i bytes ends its connection, and no other',
        async (length) => {
          const socket = await start(flavour)
          const [good, bad] = [await dial(socket), await dial(socket)]
          await bad.write(Buffer.concat([uint32(length), frame(LISTS)]))
          await bad.closed
          expect(await outcome(good, LISTS)).toBe('IDENTITIES 0')
          expect(await outcome(await dial(socket), LISTS)).toBe('IDENTITIES 0')
        },
      )

      test('what stands before such a frame is done', async () => {
        const socket = await start(flavour)
        const [good, bad] = [await dial(socket), await dial(socket)]
        await bad.write(Buffer.concat([frame(add(ME, 'me')), uint32(0), frame(LISTS)]))
        await bad.closed
        expect(await comments(good)).toEqual(['me'])
      })

      test('a frame of 262,144 bytes is taken', async () => {
        const client = await agent(flavour)
        const requests = [message(200, Buffer.alloc(262_143)), LISTS]
        expect(await outcomes(client, requests)).toEqual(['FAILURE', 'IDENTITIES 0'])
      })

      test('a client that goes in the middle of a request harms nobody', async () => {
        const socket = await start(flavour)
        const [good, bad] = [await dial(socket), await dial(socket)]
        await bad.write(frame(add(ME)).subarray(0, 20))
        bad.close()
        expect(await outcome(good, LISTS)).toBe('IDENTITIES 0')
      })
    })
  })

  describe('with programs of OpenSSH', () => {
    interface Step {
      args: readonly string[]
      /** The exit code. */
      code: number
      input?: string
      /** For what asks for a passphrase. */
      passphrase?: string
      /** Repeated until it exits so. */
      repeat?: true
    }

    interface Told {
      command: string
      code: number | null
      stdout: string
      stderr: string
    }

    const readPassphrase = join(directory, 'read-passphrase')
    const knownHosts = join(directory, 'known_hosts')

    beforeAll(() => {
      writeFileSync(readPassphrase, '#!/bin/sh\necho "$PASSPHRASE"\n', { mode: 0o755 })
      const lines = ['ed25519', 'ecdsa-256'].map((kind, index) => {
        const { type, publicKey } = keyOnDisk(kind as Kind).privateKey
        return `host${index}.example ${type} ${publicKey.toString('base64')}\n`
      })
      writeFileSync(knownHosts, lines.join(''))
    })

    function environment(socket: string, passphrase = ''): NodeJS.ProcessEnv {
      return {
        PATH: process.env['PATH'],
        SSH_AUTH_SOCK: socket,
        SSH_ASKPASS: readPassphrase,
        SSH_ASKPASS_REQUIRE: 'force',
        PASSPHRASE: passphrase,
      }
    }

    /** Runs ssh-add, step after step. */
    async function converse(socket: string, steps: readonly Step[]): Promise<Told[]> {
      const told: Told[] = []
      for (const { args, code: wanted, input = '', passphrase, repeat = false } of steps) {
        const runOnce = (): ReturnType<typeof run> =>
          run(program('ssh-add'), args, { env: environment(socket, passphrase), input })
        let finished = await runOnce()
        while (repeat && finished.code !== wanted) finished = await runOnce()
        const { code, stdout, stderr } = finished
        const plainly = (text: string): string => text.replaceAll(socket, 'SOCKET')
        const command = ['ssh-add', ...args].join(' ').replaceAll(directory, '')
        told.push({ command, code, stdout: plainly(stdout), stderr: plainly(stderr) })
      }
      return told
    }

    const file = (kind: Kind): string => join(directory, kind)
    const exits = (code: number, ...args: readonly string[]): Step => ({ args, code })
    const ED25519 = file('ed25519')

    const TO_HOST = ['-H', knownHosts, '-h', 'host0.example']

    const conversations: Record<string, readonly Step[]> = {
      'an empty agent': [
        exits(1, '-l'),
        exits(1, '-L'),
        exits(0, '-D'),
        exits(1, '-d', ED25519),
        exits(1, '-T', `${ED25519}.pub`),
        exits(1, '-X'),
      ],
      ...Object.fromEntries(
        KIND_NAMES.map((kind): [string, Step[]] => [
          `a key and its certificate, ${kind}`,
          [
            exits(0, file(kind)),
            exits(0, '-l'),
            exits(0, '-l', '-E', 'md5'),
            exits(0, '-L'),
            ...(kind.startsWith('rsa') ? [] : [exits(0, '-T', `${file(kind)}.pub`)]),
            ...(kind.startsWith('rsa') ? [] : [exits(0, '-T', `${file(kind)}-cert.pub`)]),
            exits(0, file(kind)),
            exits(0, '-l'),
            exits(0, '-d', file(kind)),
            exits(1, '-d', file(kind)),
            exits(1, '-l'),
          ],
        ]),
      ),
      'all keys at once': [
        exits(0, ...KIND_NAMES.map(file)),
        exits(0, '-l'),
        exits(0, '-L'),
        exits(0, '-d', file('ecdsa-384'), file('rsa-2048')),
        exits(0, '-l'),
        exits(0, '-D'),
        exits(1, '-l'),
        exits(0, '-D'),
      ],
      'keys without their certificates': [
        exits(0, '-k', ...KIND_NAMES.map(file)),
        exits(0, '-l'),
        exits(1, '-T', `${ED25519}-cert.pub`),
        exits(0, '-d', ED25519), // its certificate can't be removed
        exits(0, '-k', '-d', file('ecdsa-256')),
        exits(0, '-q', '-D'),
      ],
      'standard input': [
        { ...exits(0, '-'), input: 'KEY' },
        exits(0, '-l'),
        { ...exits(0, '-d', '-'), input: 'PUBLIC' },
        exits(1, '-l'),
      ],
      'lifetime and confirmation': [
        exits(0, '-t', '1h', '-c', ED25519),
        exits(0, '-l'),
        exits(1, '-T', `${ED25519}.pub`),
        exits(0, ED25519),
        exits(0, '-T', `${ED25519}.pub`),
        exits(0, '-t', '1', ED25519),
        { ...exits(1, '-l'), repeat: true },
        exits(1, '-t', 'later', ED25519),
      ],
      'lock and unlock': [
        exits(0, ED25519),
        { ...exits(0, '-x'), passphrase: 'secret' },
        exits(1, '-l'),
        exits(1, '-L'),
        exits(1, '-D'),
        exits(1, '-T', `${ED25519}.pub`),
        exits(1, file('ecdsa-256')),
        exits(1, '-d', ED25519),
        { ...exits(1, '-x'), passphrase: 'secret' },
        { ...exits(1, '-X'), passphrase: 'wrong' },
        { ...exits(1, '-X'), passphrase: '' },
        { ...exits(0, '-X'), passphrase: 'secret' },
        { ...exits(1, '-X'), passphrase: 'secret' },
        exits(0, '-l'),
        { ...exits(1, '-x'), passphrase: '' },
        exits(0, '-l'),
      ],
      destinations: [
        exits(0, ...TO_HOST, ED25519),
        exits(0, '-l'),
        exits(1, '-T', `${ED25519}.pub`),
        exits(0, '-H', knownHosts, '-h', 'deploy@host1.example', ED25519),
        exits(0, ...TO_HOST, '-h', 'host0.example>host1.example', file('ecdsa-256')),
        exits(0, '-l'),
        exits(255, '-H', knownHosts, '-h', 'unknown.example', ED25519),
        exits(0, '-d', ED25519),
        exits(0, '-D'),
      ],
      smartcards: [
        { ...exits(1, '-s', '/nowhere.so'), passphrase: '1234' },
        { ...exits(1, '-s', '/nowhere.so', '-c', '-t', '60'), passphrase: '1234' },
        exits(1, '-e', '/nowhere.so'),
        exits(1, '-l'),
      ],
    }

    test.each(Object.entries(conversations))('ssh-add: %s', async (_, steps) => {
      const { file: keyFile } = keyOnDisk('ed25519')
      const inputs: Record<string, string> = {
        KEY: readFileSync(keyFile, 'utf8'),
        PUBLIC: readFileSync(`${keyFile}.pub`, 'utf8'),
      }
      const filled = steps.map((step) => ({ ...step, input: inputs[step.input ?? ''] ?? '' }))
      const [real, ours] = await Promise.all(
        FLAVOURS.map(async (flavour) => converse(await start(flavour), filled)),
      )
      expect(ours).toEqual(real)
      expect(real?.map(({ code }) => code)).toEqual(steps.map(({ code }) => code))
    })

    /** The flags that ssh-add -T has in its sign request. */
    async function flagsOfTest(publicKeyFile: string): Promise<number> {
      const socket = join(makeDirectory(), 'agent.sock')
      let flags = -1
      const server = createServer((connection) => {
        const reader = new FrameReader()
        connection.on('data', (chunk) => {
          reader.push(chunk)
          const request = reader.next()
          if (request === undefined) return
          flags = request.readUInt32BE(request.length - 4)
          connection.end(frame(byte(5)))
        })
      }).listen(socket)
      stops.push(() => server.close())
      await once(server, 'listening')
      await run(program('ssh-add'), ['-T', publicKeyFile], { env: environment(socket) })
      return flags
    }

    test.each(['rsa-2048', 'rsa-3072'] as const)(
      'ssh-add -T of %s, which is with SHA-1 before OpenSSH 9.4',
      async (kind) => {
        const publicKeyFile = `${file(kind)}.pub`
        const steps = [
          { args: ['-q', file(kind)], code: 0 },
          { args: ['-T', publicKeyFile], code: 0 },
        ]
        const codes = await Promise.all(
          FLAVOURS.map(
            async (flavour) => (await converse(await start(flavour), steps)).at(-1)?.code,
          ),
        )
        expect(codes).toEqual([0, (await flagsOfTest(publicKeyFile)) === 0 ? 1 : 0])
      },
    )

    describe.each(KIND_NAMES)('ssh-keygen -Y with %s', (kind) => {
      test.each(['plain', 'certified'])('%s', async (form) => {
        const suffix = form === 'plain' ? '.pub' : '-cert.pub'
        const own = makeDirectory()
        const allowedSigners = join(own, 'allowed_signers')
        // Without the private key beside it, which ssh-keygen would take.
        const publicKeyFile = join(own, `key${suffix}`)
        copyFileSync(`${file(kind)}${suffix}`, publicKeyFile)
        const trusted =
          form === 'plain'
            ? readFileSync(publicKeyFile, 'utf8')
            : `cert-authority ${ca.publicKey}\n`
        writeFileSync(allowedSigners, `me ${trusted}`)
        const { privateKey, certificate } = keyOnDisk(kind)
        const body = form === 'plain' ? plain(privateKey) : certified(certificate, privateKey)
        const signatures = await Promise.all(
          FLAVOURS.map(async (flavour) => {
            const socket = await start(flavour)
            await (await dial(socket)).ask(add(body))
            const options = { env: environment(socket), input: DATA }
            const keygen = program('ssh-keygen')
            const sign = ['-Y', 'sign', '-n', 'file', '-f', publicKeyFile]
            const signature = await mustRun(keygen, sign, options)
            const signatureFile = join(own, `${flavour}.sig`)
            writeFileSync(signatureFile, signature)
            const verify = ['-Y', 'verify', '-n', 'file', '-I', 'me', '-s', signatureFile]
            await mustRun(keygen, [...verify, '-f', allowedSigners], options)
            return signature
          }),
        )
        // Those of ECDSA are random.
        if (!kind.startsWith('ecdsa')) expect(signatures[1]).toBe(signatures[0])
      })
    })

    test('ssh-keygen -Y does not sign with a key that no agent has', async () => {
      const own = makeDirectory()
      const publicKeyFile = join(own, 'key.pub')
      copyFileSync(`${file('ed25519')}.pub`, publicKeyFile)
      for (const flavour of FLAVOURS) {
        const options = { env: environment(await start(flavour)), input: DATA }
        const sign = ['-Y', 'sign', '-n', 'file', '-f', publicKeyFile]
        expect((await run(program('ssh-keygen'), sign, options)).code).toBe(255)
      }
    })
  })
})
