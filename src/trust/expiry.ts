/** The option that lets a line of authorized_keys expire, in the form that a server understands. */
import { TrustError } from '../errors'
import type { Connection } from '../remote/connect'
import { expirySupport, expiryTime, type KeyOption } from '../ssh/authorized-keys'

export interface ExpiryWish {
  /** Seconds; absent: no expiry is wanted. */
  lifetime?: number
  /** Whether a server that knows none is an error. */
  expiryRequired: boolean
}

/** `at` is absent where the line is not to expire, or can't; then `notes` say so. */
export interface Expiry {
  option?: KeyOption
  at?: Date
  notes: string[]
}

/**
 * @param name of the host, for messages
 * @throws TrustError `expiry-unsupported`
 */
export async function expiryFor(
  client: Connection,
  name: string,
  { lifetime, expiryRequired }: ExpiryWish,
): Promise<Expiry> {
  if (lifetime === undefined) return { notes: ['the trust is permanent (trust-lifetime: forever)'] }
  const { runScript, serverSoftware } = await import('../remote/connect') // ssh2 takes long to load
  const at = new Date(Math.ceil(Date.now() / 1000 + lifetime) * 1000)
  const software = serverSoftware(client)
  const support = expirySupport(software)
  if (support === 'utc') return { option: expiryTime(at, 'utc'), at, notes: [] }
  if (support === 'server-time') {
    const { stdout } = await runScript(client, 'date +%z', Buffer.alloc(0))
    const [, sign, hours, minutes] = /^([+-])(\d\d)(\d\d)\s*$/.exec(stdout.toString('latin1')) ?? []
    if (sign !== undefined) {
      const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
      return { option: expiryTime(at, { offset }), at, notes: [] }
    }
  }
  const message = `${name} runs ${software}, which knows no expiry of keys in authorized_keys.`
  if (!expiryRequired) return { notes: [`${message} The key is revoked by the post step alone.`] }
  throw new TrustError('expiry-unsupported', message, {
    hint: 'OpenSSH does since 7.7. Set trust-expiry: optional to go without, or trust-lifetime: forever.',
  })
}
