/**
 * The SSH transport protocol before encryption starts: version lines, packets, and the messages that
 * both sides may send at any time (RFC 4253 §4.2, §6, §11).
 */
import { randomBytes } from 'node:crypto'
import { TrustError } from '../errors'
import { byte, Reader, string, uint32 } from './wire'

/** RFC 4253 §12. */
export const SSH_MSG_DISCONNECT = 1
export const SSH_MSG_IGNORE = 2
export const SSH_MSG_DEBUG = 4
export const SSH_MSG_KEXINIT = 20

/** RFC 4253 §11.1: SSH_DISCONNECT_BY_APPLICATION. */
const BY_APPLICATION = 11

/** RFC 4253 §6.1: the longest packet that everyone must take. */
const MAX_PACKET = 35000
/** RFC 4253 §4.2 lets a server say something before its version; OpenSSH reads as many lines, of 8 KiB. */
const MAX_LINES_BEFORE_VERSION = 1024
/** RFC 4253 §4.2: the version line with its CR LF. */
const MAX_VERSION = 255
/** Bytes before the version line after which a server is not taken for an SSH server. */
const MAX_BEFORE_VERSION = 16 * 1024

/** One unencrypted packet (RFC 4253 §6). */
export function encodePacket(payload: Buffer): Buffer {
  let padding = 8 - ((5 + payload.length) % 8)
  if (padding < 4) padding += 8
  return Buffer.concat([
    uint32(1 + payload.length + padding),
    byte(padding),
    payload,
    randomBytes(padding),
  ])
}

export function disconnectMessage(description: string): Buffer {
  return Buffer.concat([
    byte(SSH_MSG_DISCONNECT),
    uint32(BY_APPLICATION),
    string(description),
    string(''),
  ])
}

/** What a server wrote, made fit to stand in a message: printable ASCII, not too much of it. */
export function printable(text: string, longest = 100): string {
  const clean = text.replace(/[^\x20-\x7e]+/g, ' ').trim()
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean
}

/** The same of a list of names; longer than any honest server's. */
export function printableList(names: readonly string[]): string {
  return printable(names.join(', '), 600)
}

/** Takes apart what a server sends, in whatever pieces it arrives. */
export class TransportReader {
  #pending: Buffer = Buffer.alloc(0)
  #lines = 0
  #before = 0
  /** The first line that came before the version, for messages. */
  firstLine: string | undefined

  push(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
  }

  /**
   * The server's version line without CR LF, once it is there.
   *
   * @throws TrustError `host-not-ssh`
   */
  version(): string | undefined {
    for (;;) {
      const end = this.#pending.indexOf(0x0a)
      const line = this.#pending.subarray(0, end < 0 ? undefined : end).toString('latin1')
      if (end < 0) {
        const versionBegun = 'SSH-'.startsWith(line.slice(0, 4))
        const bound = versionBegun ? MAX_VERSION : MAX_BEFORE_VERSION - this.#before
        if (line.length > bound) throw notSsh(this.firstLine ?? line)
        return undefined
      }
      this.#pending = this.#pending.subarray(end + 1)
      const text = line.replace(/\r$/, '')
      if (text.startsWith('SSH-')) {
        // RFC 4253 §5.1: 1.99 is a server that speaks 2.0 and the older protocol.
        if (!/^SSH-(2\.0|1\.99)-/.test(text) || text.length > MAX_VERSION - 2) throw notSsh(text)
        return text
      }
      this.firstLine ??= text
      this.#before += end + 1
      this.#lines += 1
      if (this.#lines > MAX_LINES_BEFORE_VERSION || this.#before > MAX_BEFORE_VERSION) {
        throw notSsh(this.firstLine)
      }
    }
  }

  /**
   * The payload of the next packet, once it is whole.
   *
   * @throws TrustError `host-protocol`
   */
  packet(): Buffer | undefined {
    if (this.#pending.length < 5) return undefined
    const length = this.#pending.readUInt32BE(0)
    const padding = this.#pending.readUInt8(4)
    if (length > MAX_PACKET || length < padding + 2) {
      throw new TrustError(
        'host-protocol',
        `The server sent a packet of impossible length (${length}).`,
      )
    }
    if (this.#pending.length < 4 + length) return undefined
    const payload = Buffer.from(this.#pending.subarray(5, 4 + length - padding))
    this.#pending = this.#pending.subarray(4 + length)
    return payload
  }
}

function notSsh(line: string): TrustError {
  return new TrustError(
    'host-not-ssh',
    `What answers there is not an SSH 2 server: it says "${printable(line)}".`,
    {
      hint: 'Check the host name and the port.',
    },
  )
}

/** Reason of an SSH_MSG_DISCONNECT, for messages. */
export function disconnectReason(payload: Buffer): string {
  const reader = new Reader(payload)
  reader.byte()
  reader.uint32()
  return printable(reader.text(1024))
}
