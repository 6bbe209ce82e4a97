/**
 * Certificates of the job's keys: those that the user brings are matched and checked, and a generated
 * key gets one from the user's certificate authority, whose key never leaves this process.
 */
import type { LoadedKey } from '../agent/settings'
import { TrustError } from '../errors'
import {
  FOREVER,
  isoTime,
  parseCertificate,
  validityDefect,
  type Certificate,
} from '../ssh/certificate'
import {
  CRITICAL_OPTIONS,
  EXTENSIONS,
  signCertificate,
  type CriticalOption,
  type Extension,
} from '../ssh/certificate-signing'
import { parsePrivateKeys } from '../ssh/key-file'
import type { PrivateKey } from '../ssh/private-key'
import { fingerprint } from '../ssh/public-key'
import { verifySignature } from '../ssh/signature'
import { parseDuration } from './duration'

/** A certificate that ends sooner than this, in seconds, is warned of: many jobs run as long. */
const SOON = 3600

/** Clocks differ; ssh-keygen begins a certificate's time as much earlier. In seconds. */
const CLOCK_SKEW = 60n

const DEFAULT_VALIDITY = '1h'

export interface CertificationInputs {
  certificateAuthorityKey: string
  certificateAuthorityPassphrase: string
  certificatePrincipals: string
  certificateValidity: string
  certificateKeyId: string
  certificateOptions: string
}

/** How a generated key is to be certified. */
export interface Certification {
  authority: PrivateKey
  principals: string[]
  /** Seconds. */
  validity: number
  keyId: string
  criticalOptions: Partial<Record<CriticalOption, string>>
  extensions: Extension[]
}

/**
 * Puts certificates beside the keys that they are for.
 *
 * @param certificates in wire format
 * @param now seconds since 1970
 * @throws TrustError `certificate-invalid`, `malformed`
 */
export function matchCertificates(
  keys: readonly PrivateKey[],
  certificates: readonly Buffer[],
  now: number,
): { keys: LoadedKey[]; warnings: string[] } {
  const warnings: string[] = []
  const byKey = new Map<PrivateKey, Buffer>()
  for (const blob of certificates) {
    const certificate = parseCertificate(blob)
    const key = keys.find(({ publicKey }) => publicKey.equals(certificate.key))
    if (key === undefined) {
      const subject = fingerprint(certificate.key)
      throw new TrustError(
        'certificate-invalid',
        `The certificate ${name(certificate)} is for the key ${subject}, which is none of those given.`,
        {
          hint: 'Give the private key that belongs to it.',
        },
      )
    }
    requireUsable(certificate, now)
    warnings.push(...doubts(certificate, now))
    byKey.set(key, blob)
  }
  return {
    keys: keys.map((privateKey) => {
      const certificate = byKey.get(privateKey)
      return certificate === undefined ? { privateKey } : { privateKey, certificate }
    }),
    warnings,
  }
}

function name({ keyId, serial }: Certificate): string {
  return `${JSON.stringify(keyId)} (serial ${serial.toString()})`
}

function requireUsable(certificate: Certificate, now: number): void {
  const { role, authority, signature, signed } = certificate
  let defect: string | undefined
  if (role !== 'user') defect = 'is a host certificate, not a user certificate'
  else if (!verifySignature(authority, signature, signed))
    defect = 'has a signature that is not valid'
  else defect = validityDefect(certificate, now)
  if (defect === undefined) return
  throw new TrustError('certificate-invalid', `The certificate ${name(certificate)} ${defect}.`, {
    hint: 'ssh-keygen -L -f FILE shows what is in it.',
  })
}

function doubts(certificate: Certificate, now: number): string[] {
  const { validBefore, principals } = certificate
  const left = validBefore - BigInt(Math.floor(now))
  return [
    ...(validBefore !== FOREVER && left < BigInt(SOON)
      ? [
          `The certificate ${name(certificate)} ends in ${left / 60n} min, at ${isoTime(validBefore)}.`,
        ]
      : []),
    ...(principals.length === 0
      ? [
          `The certificate ${name(certificate)} names no principals; current sshd takes it for nobody.`,
        ]
      : []),
  ]
}

/**
 * @param inputs as the user gave them; undefined is returned where no authority's key is among them
 * @param defaultKeyId for `certificate-key-id` left out
 * @throws TrustError
 */
export function readCertification(
  inputs: CertificationInputs,
  defaultKeyId: string,
): Certification | undefined {
  const { certificateAuthorityKey, certificateAuthorityPassphrase, certificateValidity } = inputs
  if (certificateAuthorityKey.trim() === '') return undefined
  const passphrases = certificateAuthorityPassphrase === '' ? [] : [certificateAuthorityPassphrase]
  const [authority, ...more] = parsePrivateKeys(certificateAuthorityKey, passphrases).keys
  if (authority === undefined || more.length > 0) {
    throw new TrustError('input-invalid', 'One certificate authority key is wanted, not several.')
  }
  const principals = inputs.certificatePrincipals.split(/[\s,]+/).filter((text) => text !== '')
  if (principals.length === 0) {
    throw new TrustError('input-invalid', 'certificate-principals is empty.', {
      hint: 'Name the accounts that the certificate is for, for example: deploy.',
    })
  }
  return {
    authority,
    principals,
    validity: parseDuration(certificateValidity === '' ? DEFAULT_VALIDITY : certificateValidity),
    keyId: inputs.certificateKeyId === '' ? defaultKeyId : inputs.certificateKeyId,
    ...readOptions(inputs.certificateOptions),
  }
}

/** One option a line: `source-address=…`, `force-command=…`, or the name of an extension. */
function readOptions(text: string): Pick<Certification, 'criticalOptions' | 'extensions'> {
  const criticalOptions: Certification['criticalOptions'] = {}
  const extensions: Extension[] = []
  for (const line of text.split(/\r\n|\r|\n/).map((each) => each.trim())) {
    if (line === '' || line.startsWith('#')) continue
    const [key = '', value] = line.split(/=(.*)/s)
    const critical = CRITICAL_OPTIONS.find((option) => option === key)
    const extension = EXTENSIONS.find((option) => option === key)
    if (critical !== undefined && value !== undefined) criticalOptions[critical] = value
    else if (extension !== undefined && value === undefined) extensions.push(extension)
    else {
      throw new TrustError(
        'input-invalid',
        `${JSON.stringify(line)} is no option of a certificate.`,
        {
          hint: `Options are ${CRITICAL_OPTIONS.map((option) => `${option}=…`).join(', ')}, ${EXTENSIONS.join(', ')}.`,
        },
      )
    }
  }
  return { criticalOptions, extensions }
}

/**
 * A certificate (wire format) for a key that was made for this job.
 *
 * @param now seconds since 1970
 * @throws TrustError `input-invalid`
 */
export function certify(key: Buffer, certification: Certification, now: number): Buffer {
  const { validity, ...rest } = certification
  const time = BigInt(Math.floor(now))
  return signCertificate({
    ...rest,
    key,
    validAfter: time - CLOCK_SKEW,
    validBefore: time + BigInt(validity),
  })
}
