/** The inputs of bootstrap: what is right gives credentials for each host, what is wrong is named. */
import { describe, expect, test } from '@jest/globals'
import {
  readBootstrap,
  type Bootstrap,
  type BootstrapInputs,
} from '../../src/trust/bootstrap-config'
import { parseHosts } from '../../src/trust/hosts'
import { collectErrors } from '../../src/trust/input-values'
import { generatePrivateKey, type PrivateKey } from '../../src/ssh/private-key'

const FP = 'SHA256:i1b96CKoCkCIuzOyJdAFBeiOhecG70I/1vEFZT/RlYs'
const WEB = `web=deploy@web.example ${FP} bootstrap`
const KEY: PrivateKey = generatePrivateKey({ type: 'ssh-ed25519' }, 'admin')
const PEM = KEY.key.export({ format: 'pem', type: 'pkcs8' }).toString()

const EMPTY: BootstrapInputs = {
  bootstrapPassword: '',
  bootstrapKey: '',
  bootstrapPassphrase: '',
  authorizedKeysOptions: '',
  trustLifetime: '',
  trustExpiry: '',
  bootstrapFailure: '',
  revoke: '',
  revokeKeys: '',
  secretOf: (name) => (name === 'WEB_PASSWORD' ? 'tiger' : undefined),
}

function read(
  hosts: string,
  changes: Partial<BootstrapInputs> = {},
): { config: Bootstrap | undefined; errors: string[] } {
  const { errors, attempt } = collectErrors()
  const lines = parseHosts(hosts)
  const config = readBootstrap({ ...EMPTY, ...changes }, lines.hosts, attempt)
  return { config, errors: [...lines.errors, ...errors].map((error) => error.explain()) }
}

/** Kinds of the credentials, by the position of the host's line. */
function kinds(config: Bootstrap | undefined): Record<string, string[]> {
  return Object.fromEntries(
    [...(config?.credentials ?? [])].map(([{ position }, credentials]) => [
      position,
      credentials.map((one) => (one.kind === 'password' ? one.password : one.kind)),
    ]),
  )
}

describe('what is given', () => {
  test('nothing is wanted where no line says bootstrap', () => {
    const { config, errors } = read(`deploy@web.example ${FP}`, { bootstrapPassword: 'x' })
    expect({ config, errors }).toEqual({ config: undefined, errors: [] })
  })

  test('defaults: six hours, an expiry required, a failed job, own keys revoked', () => {
    const { config, errors } = read(WEB, { bootstrapPassword: 'secret' })
    expect(errors).toEqual([])
    expect(config).toMatchObject({
      options: [],
      lifetime: 21_600,
      expiryRequired: true,
      onFailure: 'fail',
      revoke: 'auto',
    })
    expect(kinds(config)).toEqual({ 'hosts:1': ['secret'] })
  })

  test('forever has no lifetime; the others as they are said', () => {
    const { config } = read(WEB, {
      bootstrapPassword: 'secret',
      trustLifetime: 'forever',
      trustExpiry: 'optional',
      bootstrapFailure: 'continue',
      revoke: 'never',
      authorizedKeysOptions: 'restrict,from="10.0.0.0/8"',
    })
    expect(config).not.toHaveProperty('lifetime')
    expect(config).toMatchObject({
      expiryRequired: false,
      onFailure: 'continue',
      revoke: 'never',
      options: [{ name: 'restrict' }, { name: 'from', value: '10.0.0.0/8' }],
    })
  })

  test('a host’s own password alone; else the key, then the password for all', () => {
    const hosts = `${WEB} password-env=WEB_PASSWORD\ndb=deploy@db.example ${FP} bootstrap`
    const { config } = read(hosts, { bootstrapKey: PEM, bootstrapPassword: 'secret' })
    expect(kinds(config)).toEqual({ 'hosts:1': ['tiger'], 'hosts:2': ['key', 'secret'] })
  })
})

describe('errors', () => {
  test.each<[string, string, Partial<BootstrapInputs>, RegExp]>([
    ['no user', `web.example ${FP} bootstrap`, { bootstrapPassword: 'x' }, /^hosts:1: .*user@/],
    ['no credentials', WEB, {}, /^hosts:1: There is nothing to log in to web with/],
    [
      'a variable that is not set',
      `${WEB} password-env=OTHER`,
      {},
      /^hosts:1: The variable OTHER is not set/,
    ],
    ['two keys', WEB, { bootstrapKey: `${PEM}\n${PEM}` }, /^bootstrap-key: /],
    ['no span', WEB, { bootstrapPassword: 'x', trustLifetime: 'soon' }, /^trust-lifetime: /],
    ['no word', WEB, { bootstrapPassword: 'x', revoke: 'yes' }, /^revoke: "yes".*auto, always/],
    ['options', WEB, { bootstrapPassword: 'x', authorizedKeysOptions: 'x=' }, /^authorized-keys-o/],
    ['path= alone', `deploy@web.example ${FP} path=x`, {}, /path= is for bootstrap/],
    ['a password in the line', `${WEB} password-env=hunter!2`, {}, /never the password/],
  ])('%s', (_, hosts, changes, words) => {
    const { config, errors } = read(hosts, changes)
    expect(config).toBeUndefined()
    expect(errors.join('\n')).toMatch(words)
  })
})
