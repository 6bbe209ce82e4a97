/**
 * The one error type of the project. Every failure that a user can meet is a `TrustError` with a
 * code from the closed list below; docs/TROUBLESHOOTING.md has an entry for each (a test holds the
 * two together).
 */
import { isNativeError } from 'node:util/types'

export const ERROR_CODES = [
  // inputs
  'input-invalid',
  // hosts
  'hosts-syntax',
  'hosts-option-unknown',
  'hosts-pin-missing',
  'hosts-pin-invalid',
  'hosts-pin-md5',
  // keys
  'key-empty',
  'key-is-public',
  'key-unreadable',
  'key-encrypted',
  'key-passphrase-wrong',
  'key-type-unsupported',
  'key-too-small',
  'certificate-invalid',
  'malformed',
  // host keys
  'host-not-found',
  'host-refused',
  'host-unreachable',
  'host-timeout',
  'host-closed',
  'host-not-ssh',
  'host-protocol',
  'host-no-common-algorithm',
  'host-key-type-absent',
  'host-key-unproven',
  'login-refused',
  'login-method-absent',
  'host-key-changed',
  'host-key-revoked',
  // files on a host
  'remote-shell',
  'remote-file-unsafe',
  'remote-file-failed',
  'remote-file-locked',
  'remote-file-changed',
  // trust on hosts
  'bootstrap-unproven',
  'trust-unproven',
  'expiry-unsupported',
  'revocation-failed',
  // this machine
  'home-unsafe',
  'file-unsafe',
  'file-locked',
  'temp-unusable',
  'platform-unsupported',
  'agent-start',
  'agent-control',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export interface ErrorDetails {
  /** The input (and line) that the error is about, as the user knows it: `hosts:3`, `ssh-private-key`. */
  input?: string
  /** What to do about it, one or more sentences. */
  hint?: string
  cause?: unknown
}

export class TrustError extends Error {
  readonly code: ErrorCode
  readonly input: string | undefined
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'TrustError'
    this.code = code
    this.input = details.input
    this.hint = details.hint
  }

  /** The same error, said of an input that only the caller knows. An input already named stays. */
  about(input: string): TrustError {
    if (this.input !== undefined) return this
    return new TrustError(this.code, this.message, {
      input,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      cause: this.cause,
    })
  }

  /** The whole story in one paragraph: `input: message hint [code]`. */
  explain(): string {
    const input = this.input === undefined ? '' : `${this.input}: `
    const hint = this.hint === undefined ? '' : ` ${this.hint}`
    return `${input}${this.message}${hint} [${this.code}]`
  }
}

/** `error` in words, whatever was thrown. */
export function explain(error: unknown): string {
  if (error instanceof TrustError) return error.explain()
  return isNativeError(error) ? error.message : String(error)
}

/** One error that tells of them all. */
export function combine(errors: readonly TrustError[]): TrustError {
  const [first] = errors
  if (first === undefined) throw new Error('no error to tell')
  if (errors.length === 1) return first
  const list = errors.map((error) => `\n- ${explain(error)}`).join('')
  return new TrustError(first.code, `${errors.length} things are wrong:${list}`, { cause: first })
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (!isNativeError(error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
