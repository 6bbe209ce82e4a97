/** Which lines of authorized_keys are meant: by key, fingerprint or comment. */
import { TrustError } from '../errors'
import { parseAuthorizedKeys, type KeyMatch } from '../ssh/authorized-keys'
import { parsePin } from '../ssh/pin'
import { parsePublicKeyText } from '../ssh/public-key-file'
import { readLines } from './input-values'

/** All keys of a text: lines as in authorized_keys, or one key in another public format. */
export function matchesOfKeys(text: string): KeyMatch[] {
  const lines = parseAuthorizedKeys(Buffer.from(text))
  const blobs = lines.length > 0 ? lines.map(({ blob }) => blob) : [parsePublicKeyText(text).blob]
  return blobs.map((blob) => ({ kind: 'key', blob }))
}

/** @throws TrustError `hosts-pin-invalid`, `hosts-pin-md5` */
export function matchOfFingerprint(text: string): KeyMatch {
  const pin = parsePin(text)
  if (pin.kind === 'fingerprint') return { kind: 'fingerprint', fingerprint: pin.fingerprint }
  throw new TrustError('input-invalid', `${JSON.stringify(text)} is no fingerprint.`, {
    hint: 'ssh-keygen -lf prints it: SHA256:….',
  })
}

/**
 * @param pattern for the whole comment, with `*` and `?`
 * @throws TrustError `input-invalid` for a pattern that any comment would match
 */
export function matchOfComment(pattern: string): KeyMatch {
  if (/[^*?\s]/.test(pattern)) return { kind: 'comment', pattern }
  const message = `The pattern ${JSON.stringify(pattern)} is for no comment in particular: every key would go.`
  throw new TrustError('input-invalid', message, {
    hint: 'Is a variable in it empty? Write some letters of the comment besides * and ?.',
  })
}

/**
 * The input `revoke-keys`: on each line a key as in authorized_keys, `SHA256:…`, or `comment=PATTERN`.
 *
 * @throws TrustError
 */
export function readRevokeKeys(text: string): KeyMatch[] {
  const lines = readLines(text).map((line) => line.trim())
  return lines
    .filter((line) => !line.startsWith('#'))
    .flatMap((line) => {
      if (line.startsWith('comment=')) return [matchOfComment(line.slice('comment='.length))]
      return /^(SHA256|MD5):/i.test(line) ? [matchOfFingerprint(line)] : matchesOfKeys(line)
    })
}
