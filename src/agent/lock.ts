/**
 * Locking the agent with a passphrase (RFC 9987 §5.7). Wrong passphrases cost time, more each time, as
 * in OpenSSH's process_lock_agent; but here only those who try to unlock wait, one after the other.
 */
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const SALT_BYTES = 16
const HASH_BYTES = 32

/** OpenSSH's: a tenth of a second more for each wrong passphrase, up to ten seconds. */
const DELAY_STEP = 100
const MAX_FAILURES = 100

const scryptAsync = promisify<Buffer, Buffer, number, Buffer>(scrypt)

/** Hashed first: scrypt's HMAC takes a passphrase with zeros behind it for the same one. */
function derive(passphrase: Buffer, salt: Buffer, length: number): Promise<Buffer> {
  return scryptAsync(createHash('sha512').update(passphrase).digest(), salt, length)
}

export interface Lock {
  isLocked: () => boolean
  /** Whether it is locked with this passphrase now; not if it was locked, or the passphrase is empty. */
  lock: (passphrase: Buffer) => Promise<boolean>
  /** Whether that opened it. */
  unlock: (passphrase: Buffer) => Promise<boolean>
}

/** @param wait replaced in tests */
export function openLock(wait: (milliseconds: number) => Promise<unknown> = sleep): Lock {
  let secret: { salt: Buffer; hash: Buffer } | undefined
  let failures = 0
  let queue: Promise<unknown> = Promise.resolve()

  const inTurn = (attempt: () => Promise<boolean>): Promise<boolean> => {
    const result = queue.then(attempt)
    queue = result.catch(() => undefined)
    return result
  }
  return {
    isLocked: () => secret !== undefined,
    lock: (passphrase) =>
      inTurn(async () => {
        if (secret !== undefined || passphrase.length === 0) return false
        const salt = randomBytes(SALT_BYTES)
        secret = { salt, hash: await derive(passphrase, salt, HASH_BYTES) }
        return true
      }),
    unlock: (passphrase) =>
      inTurn(async () => {
        if (secret === undefined || passphrase.length === 0) return false
        const hash = await derive(passphrase, secret.salt, HASH_BYTES)
        if (timingSafeEqual(hash, secret.hash)) {
          secret = undefined
          failures = 0
          return true
        }
        failures = Math.min(failures + 1, MAX_FAILURES)
        await wait(failures * DELAY_STEP)
        return false
      }),
  }
}
