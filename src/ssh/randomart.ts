/**
 * The picture of a key that `ssh-keygen -lv` prints, for people who compare by eye: the "drunken
 * bishop" of OpenSSH, walking over a field as the bits of the SHA-256 fingerprint say.
 */
import { createHash } from 'node:crypto'
import { plainKey } from './certificate'
import { displayType, keyBits, typeOfBlob } from './public-key'

/** OpenSSH's FLDSIZE_X, FLDSIZE_Y. */
const WIDTH = 17
const HEIGHT = 9

/** What a square shows by the number of visits to it; more than there are look like the last. */
const VISITS = ' .o+=*BOX@%&#/^'
const START = 'S'
const END = 'E'

/**
 * The lines of the picture, joined, without a line end after the last.
 *
 * @param blob A key, or a certificate, in wire format
 * @throws TrustError `malformed`, `key-type-unsupported`
 */
export function randomart(blob: Buffer): string {
  const key = plainKey(blob)
  const name = displayType(typeOfBlob(blob))
  const title = `[${name} ${keyBits(key)}]`
  return [
    // A title that is too long leaves the size out: certificates of ed25519.
    border(title.length > WIDTH ? `[${name}]` : title),
    ...walk(createHash('sha256').update(key).digest()).map((row) => `|${row}|`),
    border('[SHA256]'),
  ].join('\n')
}

function border(text: string): string {
  const left = '-'.repeat(Math.floor((WIDTH - text.length) / 2))
  return `+${(left + text).padEnd(WIDTH, '-')}+`
}

function walk(digest: Buffer): string[] {
  const visits = Array.from({ length: HEIGHT }, () => new Array<number>(WIDTH).fill(0))
  const start = { x: Math.floor(WIDTH / 2), y: Math.floor(HEIGHT / 2) }
  let { x, y } = start
  for (const byte of digest) {
    // Four steps a byte, its lowest bits first: one bit says left or right, the next up or down.
    for (let bits = byte, step = 0; step < 4; step += 1, bits >>= 2) {
      x = Math.min(Math.max(x + ((bits & 1) === 1 ? 1 : -1), 0), WIDTH - 1)
      y = Math.min(Math.max(y + ((bits & 2) === 2 ? 1 : -1), 0), HEIGHT - 1)
      const row = visits[y]
      if (row !== undefined) row[x] = (row[x] ?? 0) + 1
    }
  }
  return visits.map((row, rowIndex) =>
    row
      .map((count, column) => {
        // Where the bishop falls asleep counts for more than where it set out.
        if (column === x && rowIndex === y) return END
        if (column === start.x && rowIndex === start.y) return START
        return VISITS.charAt(Math.min(count, VISITS.length - 1))
      })
      .join(''),
  )
}
