/** Values that inputs are made of: booleans, numbers, lists. Each error says what would be right. */
import { TrustError } from '../errors'

/** @throws TrustError `input-invalid` */
export function readBoolean(text: string, whenEmpty: boolean): boolean {
  if (text === '') return whenEmpty
  // The YAML 1.2 core schema's booleans, as @actions/core takes them.
  if (['true', 'True', 'TRUE'].includes(text)) return true
  if (['false', 'False', 'FALSE'].includes(text)) return false
  throw new TrustError('input-invalid', `${JSON.stringify(text)} is neither true nor false.`)
}

/**
 * A number from 1 upwards; undefined for an empty text.
 *
 * @throws TrustError `input-invalid`
 */
export function readCount(text: string): number | undefined {
  if (text === '') return undefined
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text)
  throw new TrustError(
    'input-invalid',
    `${JSON.stringify(text)} is not a number from 1 to 999999999.`,
  )
}

/** Names separated by commas or white space. */
export function readNames(text: string): string[] {
  return text.split(/[\s,]+/).filter((name) => name !== '')
}

/** Lines that are not empty. Blanks within are their own: a passphrase may have them. */
export function readLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '')
}

/**
 * A time to wait for a host.
 *
 * @returns milliseconds
 * @throws TrustError `input-invalid`
 */
export function readTimeout(text: string, whenEmpty: number): number {
  const seconds = text === '' ? whenEmpty : Number(text)
  if (Number.isFinite(seconds) && seconds >= 1 && seconds <= 300) return seconds * 1000
  throw new TrustError(
    'input-invalid',
    `${JSON.stringify(text)} is not a number of seconds from 1 to 300.`,
  )
}

/** Collects what is wrong with several inputs, so that all of it can be told at once. */
export function collectErrors(): {
  errors: TrustError[]
  /** The result of `read`, or undefined where it threw: then the error is about `input`. */
  attempt: <T>(input: string, read: () => T) => T | undefined
} {
  const errors: TrustError[] = []
  return {
    errors,
    attempt: (input, read) => {
      try {
        return read()
      } catch (error) {
        if (!(error instanceof TrustError)) throw error
        errors.push(error.about(input))
        return undefined
      }
    },
  }
}
