/** What main and the agent tell each other: settings survive the way, certificates too. */
import { describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { certifiedIdentity } from '../../src/agent/keyring'
import {
  decodeSettings,
  encodeSettings,
  identitiesOf,
  type AgentSettings,
} from '../../src/agent/settings'
import { parsePrivateKeys } from '../../src/ssh/key-file'
import { parsePin } from '../../src/ssh/pin'
import { KEY_TYPES } from '../../src/ssh/public-key'
import { makeCa, makeKey } from '../support/keys'
import { describeWith } from '../support/programs'
import { makeDirectory } from '../support/scratch'
import { keyOf, pinOf, policyHost } from './fixtures'

const web = keyOf('web')

const SETTINGS: AgentSettings = {
  socket: '/tmp/x/agent.sock',
  auditFile: '/tmp/x/audit.jsonl',
  token: 'secret',
  policy: { mode: 'pinned', hosts: [] },
  keys: [],
}

describe('settings', () => {
  test('survive the way, all of them', () => {
    const settings: AgentSettings = {
      ...SETTINGS,
      generate: { type: 'ssh-rsa', bits: 2048, comment: 'job' },
      watch: { pid: 12, start: '34' },
      orphaned: { file: '/x/post.js', env: { A: 'b' } },
      lifetime: 3600,
      defaultLifetime: 60,
      askpass: { file: '/usr/bin/ssh-askpass', env: { DISPLAY: ':0' } },
      socketDirectory: '/tmp/x',
      pipe: '\\\\.\\pipe\\x',
      policy: {
        mode: 'warn',
        hosts: [policyHost(web, { users: ['deploy'], keys: ['me'] })],
        namespaces: ['git', 'file'],
        otherData: true,
        maxSignatures: 100,
      },
    }
    expect(decodeSettings(encodeSettings(settings))).toEqual(settings)
    expect(decodeSettings(encodeSettings(SETTINGS))).toStrictEqual(SETTINGS)
  })

  test('without an audit have none after it', () => {
    const { socket, token, policy, keys } = SETTINGS
    const settings = { socket, token, policy, keys }
    expect(decodeSettings(encodeSettings(settings))).toStrictEqual(settings)
  })

  test('pins of every kind mean the same after it', () => {
    const pins = [
      parsePin('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU'),
      ...['', '@revoked', '@cert-authority'].map((marker) => pinOf(web, marker)),
    ]
    const hosts = [policyHost(web, { pins, user: 'git', keys: ['a'], forward: true })]
    const settings: AgentSettings = { ...SETTINGS, policy: { mode: 'warn', hosts } }
    expect(decodeSettings(encodeSettings(settings)).policy).toStrictEqual({ mode: 'warn', hosts })
  })

  test.each(KEY_TYPES)('a private key is the same after it: %s', (type) => {
    const privateKey = keyOf('käy', type)
    const [loaded, ...more] = decodeSettings(
      encodeSettings({ ...SETTINGS, keys: [{ privateKey }] }),
    ).keys
    expect(more).toEqual([])
    expect(loaded).not.toHaveProperty('certificate')
    expect(loaded?.privateKey).toMatchObject({
      type,
      comment: 'käy',
      publicKey: privateKey.publicKey,
    })
    expect(loaded?.privateKey.key.equals(privateKey.key)).toBe(true)
  })

  test('are one line, whatever is in them', () => {
    const line = encodeSettings({ ...SETTINGS, token: 'a\nb\u2028', socket: '/\r\n' })
    expect(line).not.toMatch(/[\r\n]/)
    expect(decodeSettings(line)).toMatchObject({ token: 'a\nb\u2028', socket: '/\r\n' })
  })
})

describeWith(['ssh-keygen'], 'a key with its certificate', () => {
  test.each(['ed25519', 'ecdsa', 'rsa'] as const)('%s: both are served', async (type) => {
    const directory = makeDirectory()
    const [ca, key, other] = await Promise.all([
      makeCa(directory),
      makeKey(directory, type, { comment: 'certified', ...(type === 'rsa' ? { bits: 2048 } : {}) }),
      makeKey(directory, 'ed25519'),
    ])
    const file = await ca.sign(key.publicKeyFile, { principals: ['deploy'] })
    const certificate = Buffer.from(readFileSync(file, 'utf8').split(' ')[1] ?? '', 'base64')
    const [privateKey] = parsePrivateKeys(key.privateKey).keys
    const [stranger] = parsePrivateKeys(other.privateKey).keys
    if (privateKey === undefined || stranger === undefined) throw new Error('no key')

    const { keys } = decodeSettings(
      encodeSettings({
        ...SETTINGS,
        keys: [{ privateKey, certificate }, { privateKey: stranger }],
      }),
    )
    expect(keys[0]?.certificate).toEqual(certificate)
    expect(keys.flatMap(identitiesOf).map(({ blob, comment }) => ({ blob, comment }))).toEqual([
      { blob: certificate, comment: 'certified' },
      { blob: privateKey.publicKey, comment: 'certified' },
      { blob: stranger.publicKey, comment: '' },
    ])
    expect(identitiesOf({ privateKey, certificate }).map((one) => one.fingerprint)).toEqual([
      key.fingerprint,
      key.fingerprint,
    ])

    const wrong = expect.objectContaining({ code: 'key-unreadable' })
    expect(() => certifiedIdentity(stranger, certificate)).toThrow(wrong)
    expect(() => certifiedIdentity(keyOf('x', privateKey.type), certificate)).toThrow(wrong)
    expect(() => certifiedIdentity(privateKey, privateKey.publicKey)).toThrow(wrong)
  })
})
