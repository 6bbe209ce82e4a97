/**
 * A logged-in connection to a host whose key has been proven, and what runs over it: scripts for the
 * host's `sh`, and SFTP. Secrets go to the host only, and only once it has proven its key again.
 */
import { randomBytes } from 'node:crypto'
import {
  BaseAgent,
  Client,
  utils,
  type AnyAuthMethod,
  type ClientChannel,
  type ParsedKey,
  type Prompt,
  type SFTPWrapper,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2'
import { combine, TrustError } from '../errors'
import { isCertificateType, kindOfKey, plainKey } from '../ssh/certificate'
import { hostKeyAlgorithms } from '../ssh/key-exchange'
import type { PrivateKey } from '../ssh/private-key'
import { typeOfBlob } from '../ssh/public-key'
import { makeSignature } from '../ssh/signature'
import { printable, printableList } from '../ssh/transport'
import { Reader } from '../ssh/wire'
import { withRoomToFail } from './penalties'
import { socketError } from './socket-error'

/** A connection that is logged in. */
export type { Client as Connection } from 'ssh2'

/** Signs a login with one of the caller's keys; the session id is that of the session with the host. */
export type SignLogin = (
  key: Buffer,
  data: Buffer,
  sessionId: Buffer,
  hash: string | undefined,
) => Promise<Buffer>

/** What to log in with. A password is told to `password` or `keyboard-interactive`, once. */
export type Credentials =
  | {
      kind: 'signer'
      /** Public keys to offer, in wire format. */
      keys: readonly Buffer[]
      sign: SignLogin
    }
  | { kind: 'key'; key: PrivateKey }
  | { kind: 'password'; password: string }

export interface ConnectOptions {
  host: string
  port: number
  user: string
  /** Proven, in wire format, plain or a certificate: no other key is spoken to. */
  hostKey: Buffer
  /** Of several, the next is tried in the same connection where one is not accepted. */
  credentials: Credentials | readonly Credentials[]
  /** From the name lookup to the login, in milliseconds. */
  timeout: number
  /** Told which of the credentials come next; with the last that was told the login is made. */
  onTry?: (credentials: Credentials) => void
}

/** How long a server has to close its side once we have closed ours, in milliseconds. */
const GOODBYE = 2000

/** A server that never closes its side would keep this process alive for as long. */
class LeavingClient extends Client {
  override end(): this {
    super.end()
    // Its own destroy() leaves alone what is ended on our side.
    const { _sock: socket } = this as unknown as { _sock?: { destroy: () => void } }
    setTimeout(() => socket?.destroy(), GOODBYE).unref()
    return this
  }
}

/** ssh2 asks an agent for keys and signatures; this one asks the caller. */
class CallerAgent extends BaseAgent<ParsedKey> {
  readonly #keys: readonly Buffer[]
  readonly #sign: SignLogin

  constructor(keys: readonly Buffer[], sign: SignLogin) {
    super()
    this.#keys = keys
    this.#sign = sign
  }

  override getIdentities(callback: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
    const keys = this.#keys.map((blob) => utils.parseKey(blob))
    callback(
      undefined,
      keys.filter((key): key is ParsedKey => !(key instanceof Error)),
    )
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback
    const hash = typeof options === 'function' ? undefined : options.hash
    // RFC 4252 §7: what is signed begins with the session id.
    const sessionId = new Reader(data).string(128)
    this.#sign(key.getPublicSSH(), data, sessionId, hash).then(
      (signature) => {
        // ssh2 wants the bare signature; the algorithm it knows.
        const reader = new Reader(signature)
        reader.string()
        done?.(undefined, reader.string())
      },
      (error: unknown) => done?.(error instanceof Error ? error : new Error(String(error))),
    )
  }
}

function signWith({ type, key }: PrivateKey): SignLogin {
  return async (_, data, __, hash) => {
    if (hash === 'sha1') {
      return Promise.reject(new Error('the server takes RSA signatures with SHA-1 only'))
    }
    return Promise.resolve(makeSignature(type, key, data, hash === 'sha256' ? 'sha256' : 'sha512'))
  }
}

/**
 * A connection that is logged in. The caller ends it.
 *
 * @throws TrustError `host-not-found`, `host-refused`, `host-unreachable`, `host-timeout`,
 *   `host-closed`, `host-protocol`, `host-no-common-algorithm`, `host-key-changed`,
 *   `login-refused`, `login-method-absent`
 */
export async function connectTo(options: ConnectOptions): Promise<Client> {
  const client = new LeavingClient()
  return withRoomToFail(
    options,
    () => serverSoftware(client),
    async () => logIn(client, options),
  )
}

async function logIn(client: Client, options: ConnectOptions): Promise<Client> {
  const { host, port, user, timeout } = options
  const hostKey = plainKey(options.hostKey)
  const login = loginMethods(options)
  let changed = false
  let shaken = false
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const what = shaken ? 'The login did not come to an end' : 'No answer'
      fail(new TrustError('host-timeout', `${what} within ${timeout / 1000} s.`, { hint: SLOW }))
    }, timeout)
    // The first that is told settles it: a method that fails is told once more when all have failed.
    const fail = (error: TrustError): void => {
      clearTimeout(timer)
      client.destroy()
      reject(error)
    }
    client.once('ready', () => {
      clearTimeout(timer)
      resolve(client)
    })
    // Else Nagle's algorithm and delayed acknowledgements make each request wait for 40 ms.
    client.once('connect', () => client.setNoDelay(true))
    client.once('handshake', () => {
      shaken = true
    })
    client.on('change password', () => {
      fail(refused(options, 'the password has expired and has to be changed'))
    })
    // Stays for as long as the connection: an error event without a listener ends the process.
    client.on('error', (cause: SshError) => {
      if (changed) {
        fail(
          new TrustError('host-key-changed', `${host} shows another key than it proved before.`, {
            cause,
          }),
        )
      } else fail(shaken ? login.failure(lateError(options, cause)) : earlyError(options, cause))
    })
    client.once('close', () => {
      fail(
        shaken
          ? refused(options, 'the server closed the connection')
          : new TrustError('host-closed', 'The server closed the connection.', { hint: BUSY }),
      )
    })
    client.connect({
      host,
      port,
      username: user,
      readyTimeout: 0,
      authHandler: login.next,
      algorithms: { serverHostKey: hostKeyAlgorithms(kindOfKey(hostKey).type) },
      hostVerifier: (offered: Buffer) => {
        changed = !offered.equals(hostKey)
        return !changed
      },
    } as Parameters<Client['connect']>[0])
  })
}

const SLOW =
  'A firewall may be dropping the connection, or the machine is down or slow. Check host, port, and the firewall rules for the address that this job comes from.'
const BUSY =
  'Often MaxStartups, PerSourcePenalties, fail2ban or TCP wrappers on the server. Wait, then look at its log.'

/** What ssh2 adds to its errors: where it happened, or the reason of a disconnect. */
interface SshError extends Error {
  level?: string
}

function refused({ user, host }: ConnectOptions, why: string, cause?: unknown): TrustError {
  return new TrustError('login-refused', `No login as ${user} at ${host}: ${why}.`, {
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Before the host has proven its key. */
function earlyError({ hostKey }: ConnectOptions, cause: SshError): TrustError {
  const said = printable(cause.message).replace(/\.$/, '')
  if (cause.level === 'client-socket') return socketError(cause, () => closedBy(cause))
  if (/no matching host key/.test(said) && !isCertificateType(typeOfBlob(hostKey))) {
    const message = 'The server no longer has a key of the type that it proved before.'
    return new TrustError('host-key-changed', message, { cause })
  }
  if (/no matching/.test(said)) {
    return new TrustError('host-no-common-algorithm', `The two sides do not agree: ${said}.`, {
      hint: 'This client takes no host certificates and no post-quantum key exchange; enable another algorithm on the server.',
      cause,
    })
  }
  if (/Connection lost/.test(said)) {
    return closedBy(cause)
  }
  return new TrustError('host-protocol', `The key exchange failed: ${said}.`, { cause })
}

/** After the host has proven its key, before the login is done. */
function lateError(options: ConnectOptions, cause: SshError): TrustError {
  if (cause.level === 'client-socket') return socketError(cause, () => closedBy(cause))
  return refused(options, printable(cause.message).replace(/\.$/, ''), cause)
}

function closedBy(cause: Error): TrustError {
  return new TrustError('host-closed', 'The server closed the connection.', { hint: BUSY, cause })
}

interface LoginMethods {
  /** For ssh2: what to try next, false for nothing more. */
  next: (offered: readonly string[] | null, partial: boolean | null) => AnyAuthMethod | false
  /** Why the login failed, as far as that is known better here than by `last`. */
  failure: (last: TrustError) => TrustError
}

/** Asks which methods there are (RFC 4252 §5.2), then tries what the credentials are for, in order. */
function loginMethods(options: ConnectOptions): LoginMethods {
  const { credentials, user, onTry } = options
  const untried = [credentials].flat()
  const failures: TrustError[] = []
  let asked = false
  /** Tried last, and why it failed, where that is known here. */
  let current: Credentials | undefined
  let told: string | undefined
  const next: LoginMethods['next'] = (offered, partial) => {
    if (!asked) {
      asked = true
      return { type: 'none', username: user }
    }
    if (current !== undefined) failures.push(notAccepted(options, current, told, offered, partial))
    for (current = untried.shift(); current !== undefined; current = untried.shift()) {
      onTry?.(current)
      told = undefined
      const method = methodsOf(current).find((name) => offered?.includes(name))
      if (method !== undefined) {
        return methodFor(method, current, user, (why) => {
          told ??= why
        })
      }
      failures.push(methodAbsent(options, current, offered))
    }
    return false
  }
  return {
    next,
    failure: (last) => {
      if (current === undefined && failures.length > 0) return combine(failures)
      return combine([...failures, told === undefined ? last : refused(options, told)])
    },
  }
}

function methodsOf({ kind }: Credentials): string[] {
  return kind === 'password' ? ['password', 'keyboard-interactive'] : ['publickey']
}

function notAccepted(
  options: ConnectOptions,
  { kind }: Credentials,
  why: string | undefined,
  offered: readonly string[] | null,
  partial: boolean | null,
): TrustError {
  if (partial !== true) {
    const what = kind === 'password' ? 'the password was not accepted' : 'no key was accepted'
    return refused(options, why ?? what)
  }
  const { host, user } = options
  const method = kind === 'password' ? 'password' : 'publickey'
  const more = printableList(offered ?? [])
  return new TrustError(
    'login-method-absent',
    `${host} took the ${method} for ${user}, and wants more: ${more}.`,
    { hint: 'Logins with several methods (AuthenticationMethods) are not supported.' },
  )
}

function methodAbsent(
  { host, user }: ConnectOptions,
  credentials: Credentials,
  offered: readonly string[] | null,
): TrustError {
  const list = offered === null || offered.length === 0 ? 'nothing' : printableList(offered)
  const wanted = methodsOf(credentials).join(' or ')
  return new TrustError(
    'login-method-absent',
    `${host} lets ${user} log in with ${list} only, not with ${wanted}.`,
    {
      hint:
        credentials.kind === 'password'
          ? 'Set PasswordAuthentication yes in sshd_config for the time being, or log in with a key.'
          : 'Set PubkeyAuthentication yes in sshd_config.',
    },
  )
}

function methodFor(
  method: string,
  credentials: Credentials,
  username: string,
  tell: (why: string) => void,
): AnyAuthMethod {
  if (credentials.kind === 'signer') {
    return { type: 'agent', username, agent: new CallerAgent(credentials.keys, credentials.sign) }
  }
  if (credentials.kind === 'key') {
    const { key } = credentials
    return { type: 'agent', username, agent: new CallerAgent([key.publicKey], signWith(key)) }
  }
  const { password } = credentials
  if (method === 'password') return { type: 'password', username, password }
  let told = false
  return {
    type: 'keyboard-interactive',
    username,
    // RFC 4256 §3.2. The password goes to one question, asked without echo. What else is asked for (a
    // code, a new password) is nothing that we have.
    prompt: (_name, _instructions, _language, prompts: Prompt[], answer) => {
      const [prompt] = prompts
      const fits = prompts.length === 1 && prompt?.echo !== true && !told
      if (!fits) {
        const asked = prompts.map((one) => `"${printable(one.prompt.trim())}"`).join(', ')
        tell(`the server asks for ${asked}, and there is only a password`)
      }
      told = true
      answer(prompts.map(() => (fits ? password : '')))
    },
  }
}

/** The software that a server's version line names: `OpenSSH_9.2p1`. A claim, not proven. */
export function serverSoftware(client: Client): string {
  // ssh2 reads it and shows it to nobody.
  const { _remoteVer: software } = client as unknown as { _remoteVer?: unknown }
  return typeof software === 'string' ? software : ''
}

export interface ScriptResult {
  /** Of the script; a script that was killed has 128 and more, as shells count. */
  code: number
  stdout: Buffer
  /** The first part of it, with whatever else the login said. */
  stderr: string
}

export interface ScriptLimits {
  /** From when it has begun, in milliseconds; one minute if left out. */
  timeout?: number
  /** Most bytes that are taken from it. */
  maxOutput?: number
}

const SCRIPT_TIMEOUT = 60_000
/** How long until `sh` has begun: what waits for its input instead is something else. */
const START_TIMEOUT = 20_000
const MAX_OUTPUT = 20 * 1024 * 1024
const MAX_STDERR = 16 * 1024

/**
 * Runs a script with the host's `sh`, whatever the login shell is: the command line is the one word
 * `sh`, which all shells understand alike. The script goes to its standard input. `data` follow once
 * the script runs: some shells read their input in blocks, and would swallow what comes with it.
 * Marks that nobody can guess tell the script's output from that of rc files.
 *
 * @param script constant text for POSIX shells, without here-documents; it runs in a subshell, with
 *   `data` as standard input, and knows the mark as `$mark` (hex digits)
 * @throws TrustError `remote-shell` if it did not run at all, `host-timeout`, `host-closed`
 */
export async function runScript(
  client: Client,
  script: string,
  data: Buffer,
  { timeout = SCRIPT_TIMEOUT, maxOutput = MAX_OUTPUT }: ScriptLimits = {},
): Promise<ScriptResult> {
  const mark = randomBytes(16).toString('hex')
  const channel = await openShell(client, timeout)
  return new Promise((resolve, reject) => {
    const output = new Output(mark)
    let stderr = ''
    let exit: number | undefined
    let over = false
    const settle = (error?: TrustError): void => {
      clearTimeout(timer)
      over = true
      if (error === undefined) return
      channel.close()
      reject(error)
    }
    const late = (): void => {
      const message = `The host did not finish a script within ${timeout / 1000} s.`
      settle(output.begun ? new TrustError('host-timeout', message) : noShell(output, exit, stderr))
    }
    let timer = setTimeout(late, Math.min(timeout, START_TIMEOUT))
    channel.on('data', (chunk: Buffer) => {
      if (over) return
      const begun = output.begun
      output.push(chunk)
      if (output.length > maxOutput) {
        const message = `The host sent more than ${maxOutput} bytes of output.`
        settle(new TrustError('remote-shell', message))
      } else if (!begun && output.begun) {
        clearTimeout(timer)
        timer = setTimeout(late, timeout)
        channel.end(data)
      }
    })
    channel.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < MAX_STDERR) stderr += chunk.toString('utf8').slice(0, MAX_STDERR)
    })
    channel.on('exit', (code: number | null) => {
      exit = code ?? undefined
    })
    channel.on('error', () => undefined) // a write to a channel that is gone; close tells
    channel.once('close', () => {
      if (over) return
      const result = output.result()
      if (result !== undefined) {
        settle()
        resolve({ ...result, stderr })
      } else if (exit === undefined && !isAlive(client)) {
        settle(new TrustError('host-closed', 'The connection was lost.'))
      } else settle(noShell(output, exit, stderr))
    })
    // One compound command: a shell reads all of it before it runs any of it.
    channel.write(
      `{ mark=${mark}; printf '\\n%s\\n' "$mark begin"; (\n${script}\n); ` +
        `printf '\\n%s\\n' "$mark end $?"; exit 0; }\n`,
    )
  })
}

function isAlive(client: Client): boolean {
  const { _sock: socket } = client as unknown as { _sock?: { writable?: boolean } }
  return socket?.writable === true
}

async function openShell(client: Client, timeout: number): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new TrustError('host-timeout', `The host opened no session in ${timeout / 1000} s.`))
    }, timeout)
    const fail = (cause: Error): void => {
      clearTimeout(timer)
      reject(
        isAlive(client)
          ? new TrustError(
              'remote-shell',
              `The host runs no commands: ${printable(cause.message)}.`,
              { hint: NO_SHELL, cause },
            )
          : new TrustError('host-closed', 'The connection was lost.', { cause }),
      )
    }
    try {
      client.exec('sh', (error, channel) => {
        clearTimeout(timer)
        if (error === undefined) resolve(channel)
        else fail(error)
      })
    } catch (error) {
      fail(error as Error)
    }
  })
}

const NO_SHELL =
  'The account may be for SFTP or git alone, or have a shell that refuses (nologin). Add the key by another way.'

function noShell(output: Output, exit: number | undefined, stderr: string): TrustError {
  const words = printable(`${stderr.trim()} ${output.text()}`.trim().slice(0, 300))
  const how = exit === undefined ? '' : ` (exit code ${exit})`
  if (output.begun) {
    const said = words === '' ? '.' : `: ${words}`
    return new TrustError(
      'host-closed',
      `The shell on the host was ended before its script${how}${said}`,
    )
  }
  const said = words === '' ? 'and said nothing' : `and said "${words}"`
  return new TrustError('remote-shell', `The account runs no sh${how} ${said}.`, {
    hint: NO_SHELL,
  })
}

/**
 * Output up to now, and what of it lies between the marks. Kept in one buffer: a server that sends byte
 * by byte would else cost a hundred times what it sends.
 */
class Output {
  #room = Buffer.alloc(64 * 1024)
  readonly #begin: Buffer
  readonly #end: string
  begun = false
  length = 0

  constructor(mark: string) {
    this.#begin = Buffer.from(`\n${mark} begin\n`)
    this.#end = `\n${mark} end `
  }

  push(chunk: Buffer): void {
    const before = this.length
    this.length += chunk.length
    if (this.length > this.#room.length) {
      const larger = Buffer.alloc(Math.max(this.length, 2 * this.#room.length))
      this.#room.copy(larger, 0, 0, before)
      this.#room = larger
    }
    chunk.copy(this.#room, before)
    // It may come in pieces.
    const from = Math.max(0, before - this.#begin.length)
    if (!this.begun) this.begun = this.#all().subarray(from).includes(this.#begin)
  }

  #all(): Buffer {
    return this.#room.subarray(0, this.length)
  }

  text(): string {
    return this.#all().subarray(0, 1024).toString('utf8')
  }

  result(): { code: number; stdout: Buffer } | undefined {
    const all = this.#all()
    const start = all.indexOf(this.#begin)
    const end = all.lastIndexOf(this.#end)
    if (start < 0 || end < 0) return undefined
    const [, code] = /^(\d+)\n/.exec(all.subarray(end + this.#end.length).toString('latin1')) ?? []
    if (code === undefined) return undefined
    return { code: Number(code), stdout: all.subarray(start + this.#begin.length, end) }
  }
}

/** @throws TrustError `remote-shell` if the host has no SFTP, `host-timeout`, `host-closed` */
export async function openSftp(client: Client, timeout = SCRIPT_TIMEOUT): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new TrustError('host-timeout', `No SFTP within ${timeout / 1000} s.`))
    }, timeout)
    const fail = (cause: Error): void => {
      clearTimeout(timer)
      reject(
        isAlive(client)
          ? new TrustError('remote-shell', `The host has no SFTP: ${printable(cause.message)}.`, {
              cause,
            })
          : new TrustError('host-closed', 'The connection was lost.', { cause }),
      )
    }
    try {
      client.sftp((error, sftp) => {
        clearTimeout(timer)
        if (error === undefined) {
          sftp.on('error', () => undefined) // each request tells its own
          resolve(sftp)
        } else fail(error)
      })
    } catch (error) {
      fail(error as Error)
    }
  })
}
