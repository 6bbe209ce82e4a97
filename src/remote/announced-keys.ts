/**
 * The host keys that a server holds besides the one of the key exchange. OpenSSH's sshd announces them
 * after each login (PROTOCOL, section 2.5, `hostkeys-00@openssh.com`), and proves on request that it
 * holds them (`hostkeys-prove-00@openssh.com`): a signature by each over the session id, which ssh2
 * asks for and verifies. A key that comes with a rotation shows itself so before it is in use.
 */
import type { ParsedKey } from 'ssh2'
import { serverSoftware, type Connection } from './connect'

/** Most keys that are taken from a server. */
const MAX_KEYS = 32

export interface AnnouncedKeys {
  /**
   * The keys that the server has announced and proven, in wire format, each once. None of them is
   * trusted for that: what is pinned is for the user to say.
   *
   * @param patience how long to wait for an announcement that may still come, in milliseconds
   */
  proven: (patience: number) => Promise<Buffer[]>
}

/** Listens for the announcement. To be called as soon as the connection is logged in: it comes once. */
export function listenForAnnouncedKeys(client: Connection): AnnouncedKeys {
  let found: Buffer[] | undefined
  let tell: () => void = () => undefined
  const told = new Promise<void>((resolve) => {
    tell = resolve
  })
  client.once('hostkeys', (keys: ParsedKey[]) => {
    const blobs = new Map<string, Buffer>()
    for (const key of keys.slice(0, MAX_KEYS)) {
      const blob = key.getPublicSSH()
      blobs.set(blob.toString('base64'), blob)
    }
    found = [...blobs.values()]
    tell()
  })
  client.once('close', () => {
    tell()
  })
  return {
    proven: async (patience) => {
      if (found === undefined && announces(serverSoftware(client))) await within(patience, told)
      return found ?? []
    },
  }
}

/** Whether a server of that software announces its keys: OpenSSH does since 6.8 (2015-03-18). */
function announces(software: string): boolean {
  const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/.exec(software) ?? []
  return major !== undefined && Number(major) * 1000 + Number(minor) >= 6008
}

async function within(milliseconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([promise, over])
  clearTimeout(timer)
}
