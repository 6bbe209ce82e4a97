/**
 * The data types of the SSH protocols (RFC 4251 §5), read and written. Everything that this project
 * reads in binary (keys, certificates, agent messages, key exchange) is read through `Reader`.
 */
import { TrustError } from '../errors'

/** Longest string that is read unless the caller allows more; OpenSSH's agent has the same bound. */
export const MAX_STRING = 256 * 1024

function malformed(what: string): TrustError {
  return new TrustError('malformed', `Malformed SSH data: ${what}.`)
}

/** Reads one buffer from front to back. Whatever is short, long or out of bounds is a `malformed` error. */
export class Reader {
  readonly #buffer: Buffer
  #offset = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  get remaining(): number {
    return this.#buffer.length - this.#offset
  }

  get offset(): number {
    return this.#offset
  }

  /** The next `length` bytes, as a view (no copy). */
  bytes(length: number): Buffer {
    if (length > this.remaining) {
      throw malformed(`${length} bytes wanted, ${this.remaining} left`)
    }
    this.#offset += length
    return this.#buffer.subarray(this.#offset - length, this.#offset)
  }

  byte(): number {
    return this.bytes(1).readUInt8()
  }

  boolean(): boolean {
    return this.byte() !== 0
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE()
  }

  uint64(): bigint {
    return this.bytes(8).readBigUInt64BE()
  }

  /** A `string`: a view of its bytes. */
  string(max = MAX_STRING): Buffer {
    const length = this.uint32()
    if (length > max) throw malformed(`a string of ${length} bytes, at most ${max} allowed`)
    return this.bytes(length)
  }

  /** A `string` that holds text (UTF-8). */
  text(max = MAX_STRING): string {
    return this.string(max).toString('utf8')
  }

  /** A non-negative `mpint`: its magnitude, big-endian; leading zeros are dropped, as OpenSSH does. */
  mpint(maxBytes = 2049): Buffer {
    const bytes = this.string(maxBytes)
    if ((bytes[0] ?? 0) & 0x80) throw malformed('a negative number')
    return withoutLeadingZeros(bytes)
  }

  nameList(max = MAX_STRING): string[] {
    const list = this.text(max)
    return list === '' ? [] : list.split(',')
  }

  /** All that is left, as a view. */
  rest(): Buffer {
    return this.bytes(this.remaining)
  }

  /** Throws unless everything was read. */
  end(what: string): void {
    if (this.remaining !== 0) throw malformed(`${this.remaining} bytes too many after ${what}`)
  }
}

export function byte(value: number): Buffer {
  return Buffer.of(value)
}

export function boolean(value: boolean): Buffer {
  return Buffer.of(value ? 1 : 0)
}

export function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(value)
  return buffer
}

export function uint64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(value)
  return buffer
}

export function string(value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

/** `magnitude` (big-endian, unsigned) as an `mpint`. */
export function mpint(magnitude: Buffer): Buffer {
  const digits = withoutLeadingZeros(magnitude)
  return (digits[0] ?? 0) & 0x80 ? string(Buffer.concat([byte(0), digits])) : string(digits)
}

function withoutLeadingZeros(number: Buffer): Buffer {
  let start = 0
  while (number[start] === 0) start += 1
  return number.subarray(start)
}

export function nameList(names: readonly string[]): Buffer {
  return string(names.join(','))
}
