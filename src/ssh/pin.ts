/**
 * Pins: what a job says beforehand about a host's key, and the one judgement of a proven host key
 * against them. The setup, the agent and the command line all judge with this function.
 */
import { explain, TrustError } from '../errors'
import {
  hostCertificateDefect,
  isCertificateType,
  parseCertificate,
  type Certificate,
} from './certificate'
import {
  fingerprint,
  formatPublicKey,
  parsePublicKey,
  typeOfBlob,
  type KeyType,
  type PublicKey,
} from './public-key'

export type Pin =
  /** `SHA256:…`; `type` where the user gave it (`ssh-keygen -lf` prints it). */
  | { kind: 'fingerprint'; fingerprint: string; type?: KeyType }
  | { kind: 'key'; key: PublicKey }
  | { kind: 'cert-authority'; key: PublicKey }
  | { kind: 'revoked'; key: PublicKey }

export type Judgement =
  | { verdict: 'ok'; pin: Pin }
  | { verdict: 'revoked'; pin: Pin }
  /** No pin matches. `defect` says why a certificate of a pinned kind was not taken. */
  | { verdict: 'changed'; defect?: string }

/**
 * Judges a host key (wire format; a certificate, too) that `hostname` has proven to hold.
 *
 * @param now seconds since 1970, for the validity of certificates
 * @throws TrustError `malformed` where it does not even begin as a key
 */
export function judgeHostKey(
  pins: readonly Pin[],
  hostname: string,
  hostKey: Buffer,
  now: number,
): Judgement {
  if (!isCertificateType(typeOfBlob(hostKey))) return judgePlainKey(pins, hostKey)

  let certificate: Certificate
  try {
    certificate = parseCertificate(hostKey)
  } catch (error) {
    return { verdict: 'changed', defect: explain(error) }
  }
  const revoked = pins.find(
    (pin) =>
      pin.kind === 'revoked' &&
      [certificate.key, certificate.authority].some((key) => key.equals(pin.key.blob)),
  )
  if (revoked !== undefined) return { verdict: 'revoked', pin: revoked }
  const authorities = pins.filter((pin) => pin.kind === 'cert-authority')
  const keys = authorities.map((pin) => pin.key.blob)
  const defect = hostCertificateDefect(certificate, hostname, keys, now)
  const pin = authorities.find(({ key }) => key.blob.equals(certificate.authority))
  if (defect === undefined && pin !== undefined) return { verdict: 'ok', pin }
  // A pin of the plain key holds whatever certificate the key wears.
  const plain = judgePlainKey(pins, certificate.key)
  if (plain.verdict === 'ok' || defect === undefined) return plain
  return { verdict: 'changed', defect }
}

function judgePlainKey(pins: readonly Pin[], hostKey: Buffer): Judgement {
  const revoked = pins.find((pin) => pin.kind === 'revoked' && pin.key.blob.equals(hostKey))
  if (revoked !== undefined) return { verdict: 'revoked', pin: revoked }
  const offered = fingerprint(hostKey)
  const pin = pins.find(
    (pin) =>
      (pin.kind === 'key' && pin.key.blob.equals(hostKey)) ||
      (pin.kind === 'fingerprint' && pin.fingerprint === offered),
  )
  return pin === undefined ? { verdict: 'changed' } : { verdict: 'ok', pin }
}

/** A pin as the `hosts` input takes it. */
export function formatPin(pin: Pin): string {
  if (pin.kind === 'fingerprint') return pin.fingerprint
  const key = formatPublicKey(pin.key.blob)
  return pin.kind === 'key' ? key : `@${pin.kind} ${key}`
}

/** The fingerprint by which a pin is told in messages. */
export function pinFingerprint(pin: Pin): string {
  return pin.kind === 'fingerprint' ? pin.fingerprint : fingerprint(pin.key.blob)
}

/**
 * A pin from `SHA256:…`, `ssh-ed25519 AAAA…`, `@cert-authority ssh-ed25519 AAAA…` or
 * `@revoked ssh-ed25519 AAAA…`.
 *
 * @throws TrustError `hosts-pin-invalid`, `hosts-pin-md5`, `key-type-unsupported`, `key-too-small`,
 *   `malformed`
 */
export function parsePin(text: string): Pin {
  if (/^(MD5:|([0-9a-f]{2}:){15})/i.test(text)) {
    throw new TrustError(
      'hosts-pin-md5',
      `${text} is an MD5 fingerprint, which is no proof: two keys with one MD5 can be made.`,
      {
        hint: 'Use the SHA256 fingerprint: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the server prints it.',
      },
    )
  }
  if (/^SHA256:/i.test(text)) {
    // A SHA-256 has 32 bytes: 43 base64 characters, the last of which carries four bits.
    const digest = /^SHA256:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])=?$/.exec(text)?.[1]
    if (digest === undefined) {
      throw new TrustError(
        'hosts-pin-invalid',
        `${text} is not a whole SHA256 fingerprint (43 characters after SHA256:).`,
        {
          hint: 'Copy it again; ssh-keygen -lf prints it as SHA256:….',
        },
      )
    }
    return { kind: 'fingerprint', fingerprint: `SHA256:${digest}` }
  }
  const [, marker, key = ''] = /^(?:@(cert-authority|revoked)[ \t]+)?(.*)$/.exec(text) ?? []
  const parsed = parsePublicKey(key)
  return { kind: marker === 'cert-authority' || marker === 'revoked' ? marker : 'key', key: parsed }
}
