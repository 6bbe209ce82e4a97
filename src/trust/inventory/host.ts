/** A host of an inventory, whatever its format, by the rules of a line of `hosts`. */
import { TrustError } from '../../errors'
import { hostOfEntry, type HostLine } from '../hosts'

/** The hosts of an inventory, all that is wrong, and what to know of what was left out. */
export interface InventoryHosts {
  hosts: HostLine[]
  errors: TrustError[]
  notes: string[]
}

/** Where a line of the file is, for messages. */
export type Position = (line: number) => string

/** What an inventory says of a host, as texts. */
export interface Said {
  address: string | undefined
  port: string | undefined
  user: string | undefined
  /** Pins and options, as they stand on a line of `hosts`. */
  words: string
}

/**
 * @param name what the inventory calls it
 * @param pinHint how a pin is given in this format
 * @throws TrustError about `position`, which names the host
 */
export function inventoryHost(
  name: string,
  { address, port, user, words }: Said,
  position: string,
  pinHint: string,
): HostLine {
  try {
    return hostOfEntry(
      {
        host: address ?? name,
        ...(address === undefined || address === name ? {} : { alias: name }),
        ...(port === undefined ? {} : { port }),
        ...(user === undefined ? {} : { user }),
        words,
      },
      position,
    )
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    const { code, message, hint } = error
    if (code === 'hosts-pin-missing') {
      const missing = `${name} has no pin, so nothing says which key is the right one.`
      throw new TrustError(code, missing, {
        input: position,
        hint: `${pinHint} The SHA256:… is what ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints on the server.`,
      })
    }
    throw new TrustError(code, `${name}: ${message}`, {
      input: position,
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

/** `web and 3 more`. */
export function firstAndMore([first = '', ...more]: readonly string[]): string {
  return more.length === 0 ? first : `${first} and ${more.length} more`
}
