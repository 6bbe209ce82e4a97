/**
 * Logging in to a host whose key has been proven, with a key that the job's agent holds. The caller
 * brings the signing, so that this layer knows no agent.
 */
import {
  BaseAgent,
  Client,
  utils,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2'
import { TrustError } from '../errors'
import { Reader } from '../ssh/wire'

export interface LoginOptions {
  host: string
  port: number
  user: string
  /** In wire format: no other key is spoken to. */
  hostKey: Buffer
  /** Public keys to offer, in wire format. */
  keys: readonly Buffer[]
  /** Signs a login; the session id is that of the session with `hostKey`. */
  sign: (key: Buffer, data: Buffer, sessionId: Buffer, hash: string | undefined) => Promise<Buffer>
  /** In milliseconds. */
  timeout: number
}

/** ssh2 asks an agent for keys and signatures; this one asks the caller. */
class CallerAgent extends BaseAgent<ParsedKey> {
  readonly #options: LoginOptions

  constructor(options: LoginOptions) {
    super()
    this.#options = options
  }

  override getIdentities(callback: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
    const keys = this.#options.keys.map((blob) => utils.parseKey(blob))
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
    this.#options.sign(key.getPublicSSH(), data, sessionId, hash).then(
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

/**
 * A connection that is logged in. The caller ends it.
 *
 * @throws TrustError `host-key-changed`, `login-refused`
 */
export async function logIn(options: LoginOptions): Promise<Client> {
  const { host, port, user, hostKey, timeout } = options
  return new Promise((resolve, reject) => {
    const client = new Client()
    let changed = false
    client.once('ready', () => {
      resolve(client)
    })
    // Every method that fails is told once more; the first telling settles it.
    client.on('error', (cause) => {
      client.destroy()
      reject(
        changed
          ? new TrustError('host-key-changed', `${host} shows another key than it proved before.`, {
              cause,
            })
          : new TrustError(
              'login-refused',
              `No login as ${user} at ${host}: ${cause.message.replace(/\.$/, '')}.`,
              {
                cause,
              },
            ),
      )
    })
    client.connect({
      host,
      port,
      username: user,
      readyTimeout: timeout,
      agent: new CallerAgent(options),
      hostVerifier: (offered: Buffer) => {
        changed = !offered.equals(hostKey)
        return !changed
      },
    })
  })
}

/** Writes a file over SFTP, made new or replaced. */
export async function uploadFile(client: Client, path: string, content: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.sftp((error, sftp) => {
      if (error !== undefined) {
        reject(error)
        return
      }
      sftp.writeFile(path, content, (failure) => {
        if (failure === null || failure === undefined) resolve()
        else reject(failure)
      })
    })
  })
}
