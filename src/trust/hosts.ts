/**
 * The `hosts` input: one host a line,
 *
 *     [alias=][user@]host[:port]  PIN…  [key=SHA256:…|comment] [users=NAME,…] [forward]
 *         [bootstrap] [password-env=NAME] [path=FILE]
 *
 * with `#` comments. A PIN is a SHA256 fingerprint, a full public key, or `@cert-authority` or
 * `@revoked` with one. Well-known forges need no pin.
 */
import { TrustError } from '../errors'
import { isKeyType, type KeyType } from '../ssh/public-key'
import { parsePin, type Pin } from '../ssh/pin'
import { forgeKeys } from './forges'

export interface HostLine {
  alias?: string
  user?: string
  host: string
  port: number
  pins: Pin[]
  /** Fingerprints or comments of the only keys for this host; absent: all. */
  keys?: string[]
  /** The only users to log in as there; absent: all. */
  users?: string[]
  /** Whether the agent may be forwarded to this host. */
  forward: boolean
  /** Whether the job's key is to be put into authorized_keys there. */
  bootstrap: boolean
  /** The variable that holds the password to do that with. */
  passwordEnv?: string
  /** AuthorizedKeysFile of that account, where it is not ~/.ssh/authorized_keys. */
  path?: string
  /** Where it stands, for messages: `hosts:3`. */
  position: string
}

const OPTIONS =
  'key=SHA256:…|comment, users=NAME,…, forward, bootstrap, password-env=NAME, path=FILE'

/** Longest `hosts` text: ten thousand hosts with a full RSA key each. */
const MAX_TEXT = 16 * 1024 * 1024

interface Token {
  text: string
  column: number
}

const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$/
const IPV6 = /^[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?$/

/** What a line calls its host. */
export function hostName({ alias, host }: HostLine): string {
  return alias ?? host
}

/** Hosts as they were read, and an error for each line that is wrong. */
export interface ParsedHosts {
  hosts: HostLine[]
  errors: TrustError[]
}

export function parseHosts(text: string): ParsedHosts {
  const { hosts, errors } = parseHostLines(text, 'hosts')
  return { hosts, errors: [...errors, ...nameClashes(hosts)] }
}

/**
 * The lines alone; names that clash are left to the caller, who may have more hosts.
 *
 * @param source what positions begin with
 */
export function parseHostLines(text: string, source: string): ParsedHosts {
  const hosts: HostLine[] = []
  const errors: TrustError[] = []
  if (text.length > MAX_TEXT) {
    errors.push(new TrustError('hosts-syntax', 'The input is too long.', { input: source }))
    return { hosts, errors }
  }
  text.split(/\r\n|\r|\n/).forEach((line, index) => {
    const tokens = tokenize(line)
    if (tokens.length === 0) return
    const position = `${source}:${index + 1}`
    try {
      hosts.push(parseLine(tokens, position))
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      errors.push(error.about(position))
    }
  })
  return { hosts, errors }
}

function tokenize(line: string): Token[] {
  const code = line.replace(/^\uFEFF/, '').replace(/(^|\s)#.*$/, '$1')
  return [...code.matchAll(/\S+/g)].map((match) => ({ text: match[0], column: match.index + 1 }))
}

/**
 * An alias must not be what another line is called. Lines for one host without alias may be many.
 *
 * @param earlier lines whose names are taken already, and which have been compared with each other
 */
export function nameClashes(
  hosts: readonly HostLine[],
  earlier: readonly HostLine[] = [],
): TrustError[] {
  const byName = new Map<string, HostLine>()
  for (const line of earlier) {
    const name = hostName(line).toLowerCase()
    if (!byName.has(name)) byName.set(name, line)
  }
  return hosts.flatMap((line) => {
    const name = hostName(line).toLowerCase()
    const first = byName.get(name)
    if (first === undefined) byName.set(name, line)
    if (first === undefined || (first.alias === undefined && line.alias === undefined)) return []
    const message = `The name ${hostName(line)} is taken by ${first.position}.`
    return [
      new TrustError('hosts-syntax', message, {
        input: line.position,
        hint: 'Give every alias once.',
      }),
    ]
  })
}

function parseLine(tokens: readonly Token[], position: string): HostLine {
  const [first, ...rest] = tokens
  return lineOf(parseName(first?.text ?? ''), rest, position)
}

/** What an inventory says of a host, all of it as text. */
export interface HostEntry {
  alias?: string
  user?: string
  /** A name or an address; IPv6 without brackets. */
  host: string
  port?: string
  /** Pins and options, as they stand behind the host on a line of `hosts`. */
  words: string
}

/**
 * A host of an inventory, by the rules of a line of `hosts`.
 *
 * @throws TrustError about `position`
 */
export function hostOfEntry({ words, ...entry }: HostEntry, position: string): HostLine {
  try {
    const tokens = words.split(/\r\n|\r|\n/).flatMap(tokenize)
    return lineOf(checkName(entry), tokens, position, false)
  } catch (error) {
    throw error instanceof TrustError ? error.about(position) : error
  }
}

function lineOf(
  name: Pick<HostLine, 'alias' | 'user' | 'host' | 'port'>,
  rest: readonly Token[],
  position: string,
  columns = true,
): HostLine {
  const { pins, keys, users, ...options } = parseRest(rest, position, columns)
  if (!pins.some((pin) => pin.kind !== 'revoked')) pins.push(...builtInPins(name.host))
  const { user } = name
  if (user !== undefined && users.length > 0 && !users.includes(user)) {
    throw new TrustError('hosts-syntax', `users= leaves out ${user}, who stands before the host.`, {
      hint: `Write users=${[user, ...users].join(',')}, or another user before the host.`,
    })
  }
  return {
    ...name,
    pins,
    ...options,
    position,
    ...(keys.length === 0 ? {} : { keys }),
    ...(users.length === 0 ? {} : { users }),
  }
}

function parseName(text: string): Pick<HostLine, 'alias' | 'user' | 'host' | 'port'> {
  // IPv6 addresses stand in brackets, as in known_hosts and URLs.
  const match = /^(?:([^=@[\]:]*)=)?(?:(.*)@)?(?:\[([^\]]*)\]|([^:[\]@]*))(?::([0-9]*))?$/.exec(
    text,
  )
  const [, alias, user, ipv6, plain, portText] = match ?? []
  const host = ipv6 ?? plain ?? ''
  if (match === null && (text.match(/:/g) ?? []).length > 1) {
    throw new TrustError(
      'hosts-syntax',
      `${text} looks like an IPv6 address; it has to stand in brackets.`,
      {
        hint: 'Write [2001:db8::1] or [2001:db8::1]:2222.',
      },
    )
  }
  const isHost = (ipv6 === undefined ? HOST_NAME : IPV6).test(host)
  if (match === null || host.length > 253 || !isHost) {
    throw new TrustError(
      'hosts-syntax',
      `${JSON.stringify(text)} is not [alias=][user@]host[:port].`,
    )
  }
  return checkName({
    host,
    ...(alias === undefined ? {} : { alias }),
    ...(user === undefined ? {} : { user }),
    ...(portText === undefined ? {} : { port: portText }),
  })
}

function checkName({
  alias,
  user,
  host,
  port: portText,
}: Omit<HostEntry, 'words'>): Pick<HostLine, 'alias' | 'user' | 'host' | 'port'> {
  if (host.length > 253 || !(HOST_NAME.test(host) || (host.includes(':') && IPV6.test(host)))) {
    throw new TrustError('hosts-syntax', `${JSON.stringify(host)} is not a host.`)
  }
  const port = portText === undefined ? 22 : Number(portText)
  if (!/^[0-9]+$/.test(portText ?? '22') || port < 1 || port > 65535) {
    throw new TrustError(
      'hosts-syntax',
      `${portText === '' ? 'An empty port' : portText} is not a port (1 to 65535).`,
    )
  }
  if (alias !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(alias)) {
    throw new TrustError('hosts-syntax', `${JSON.stringify(alias)} can't be an alias.`, {
      hint: 'Letters, digits, dot, dash and underscore may be in one.',
    })
  }
  if (user !== undefined) requireUserName(user)
  return {
    host,
    port,
    ...(alias === undefined ? {} : { alias }),
    ...(user === undefined ? {} : { user }),
  }
}

function requireUserName(user: string): void {
  if (/^[A-Za-z0-9_.][A-Za-z0-9_.+@\\-]{0,254}\$?$/.test(user)) return
  throw new TrustError('hosts-syntax', `${JSON.stringify(user)} can't be a user name.`)
}

function parseRest(
  tokens: readonly Token[],
  position: string,
  columns: boolean,
): Pick<HostLine, 'pins' | 'forward' | 'bootstrap' | 'passwordEnv' | 'path'> & {
  keys: string[]
  users: string[]
} {
  const pins: Pin[] = []
  const remote: Pick<HostLine, 'passwordEnv' | 'path'> = {}
  const keys: string[] = []
  const users: string[] = []
  let forward = false
  let bootstrap = false
  let i = 0
  const peek = (): string => tokens[i]?.text ?? ''
  while (i < tokens.length) {
    const { text, column } = tokens[i] ?? { text: '', column: 0 }
    const at = columns ? `${position}:${column}` : position
    i += 1
    try {
      if (/^(SHA256:|MD5:)/i.test(text) || /^([0-9a-f]{2}:){15}/i.test(text)) {
        const pin = parsePin(text)
        const { type, length } = fingerprintTrailer(tokens.slice(i))
        i += length
        pins.push(
          type === undefined ? pin : { ...pin, ...(pin.kind === 'fingerprint' ? { type } : {}) },
        )
      } else if (/^[0-9]{3,5}$/.test(text) && /^SHA256:/i.test(peek())) {
        // the length that ssh-keygen -lf prints first
      } else if (text === '@cert-authority' || text === '@revoked') {
        pins.push(parsePin(`${text} ${peek()} ${tokens[i + 1]?.text ?? ''}`))
        i += 2
        while (isComment(peek())) i += 1
      } else if (isKeyType(text) || text === 'ssh-dss' || /^(ssh|ecdsa|sk)-/.test(text)) {
        pins.push(parsePin(`${text} ${peek()}`))
        i += 1
        while (isComment(peek())) i += 1
      } else if (text.startsWith('key=') && text.length > 4) {
        keys.push(text.slice(4))
      } else if (text.startsWith('users=')) {
        const names = text.slice('users='.length).split(',')
        names.forEach(requireUserName)
        users.push(...names)
      } else if (text === 'forward') {
        forward = true
      } else if (text === 'bootstrap') {
        bootstrap = true
      } else if (text.startsWith('password-env=')) {
        remote.passwordEnv = readVariableName(text.slice('password-env='.length))
      } else if (text.startsWith('path=') && text.length > 5) {
        remote.path = text.slice(5)
      } else {
        throw new TrustError(
          'hosts-option-unknown',
          `${JSON.stringify(text)} is neither a pin nor an option.`,
          {
            hint: `Options are: ${OPTIONS}. A pin is SHA256:…, a full public key, or @cert-authority or @revoked with one.`,
          },
        )
      }
    } catch (error) {
      throw error instanceof TrustError ? error.about(at) : error
    }
  }
  const [option] = Object.keys(remote)
  if (option !== undefined && !bootstrap) {
    const name = option === 'path' ? 'path=' : 'password-env='
    throw new TrustError('hosts-syntax', `${name} is for bootstrap, which is not on this line.`)
  }
  return { pins, keys, users, forward, bootstrap, ...remote }
}

function readVariableName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) return name
  throw new TrustError('hosts-syntax', `${JSON.stringify(name)} can't be a variable's name.`, {
    hint: 'password-env= takes the name of a variable that holds the password, never the password.',
  })
}

/** Whether a word behind a full key belongs to the key's comment: it can't be an option or a pin. */
function isComment(text: string): boolean {
  return (
    text !== '' &&
    !['forward', 'bootstrap'].includes(text.toLowerCase()) &&
    !/^(SHA256:|MD5:|@|[0-9]+$)|=/i.test(text) &&
    !isKeyType(text)
  )
}

/** What `ssh-keygen -lf` prints behind a fingerprint: `comment (TYPE)`. ECDSA does not say the curve. */
function fingerprintTrailer(tokens: readonly Token[]): { type?: KeyType; length: number } {
  const end = tokens.findIndex(({ text }) => /^\((ED25519|ECDSA|RSA)\)$/.test(text))
  const between = tokens.slice(0, Math.max(end, 0))
  if (end < 0 || end > 4 || between.some(({ text }) => /^(SHA256:|@)|=|^forward$/.test(text))) {
    return { length: 0 }
  }
  const name = tokens[end]?.text
  const type = name === '(ED25519)' ? 'ssh-ed25519' : name === '(RSA)' ? 'ssh-rsa' : undefined
  return { length: end + 1, ...(type === undefined ? {} : { type }) }
}

function builtInPins(host: string): Pin[] {
  const keys = forgeKeys(host)
  if (keys !== undefined) return keys.map(parsePin)
  throw new TrustError(
    'hosts-pin-missing',
    `${host} has no pin, so nothing says which key is the right one.`,
    {
      hint: 'On the server, run: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, and put the SHA256:… that it prints behind the host.',
    },
  )
}
