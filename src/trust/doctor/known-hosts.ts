/** The known_hosts files that ssh itself would use, held against the keys that a server has proven. */
import { parseAuthorizedKey } from '../../ssh/authorized-keys'
import { knownHostsName, matchKnownHostsNames } from '../../ssh/known-hosts'
import { typeOfBlob } from '../../ssh/public-key'
import type { HostResult } from '../../remote/verify-hosts'
import { describeBlob, withoutCertificate } from './client'
import type { ClientSettings } from './client-config'
import { told, type Finding } from './finding'
import { expandHome, readIfThere } from './ssh'
import type { HostLine } from '../hosts'

/** What known_hosts says of a server that was reached. */
export function examineKnownHosts(
  line: HostLine,
  result: HostResult,
  { values }: ClientSettings,
): Finding[] {
  if (result.status === 'unreachable') return []
  const files = ['userknownhostsfile', 'globalknownhostsfile'].flatMap((keyword) =>
    (values.get(keyword)?.[0] ?? '').split(' ').filter((file) => file !== ''),
  )
  const name = knownHostsName(line.host, line.port)
  const lines = files.flatMap((file) => {
    const path = expandHome(file)
    return findKnownHosts(path, readIfThere(path), name)
  })
  return judgeKnownHosts(line, result, lines)
}

/** A line of a known_hosts file that is about some host. */
export interface KnownHost {
  file: string
  lineNumber: number
  marker?: string
  blob: Buffer
}

/** The lines for `name` (as `knownHostsName` gives it): plain, with patterns, or hashed. */
export function findKnownHosts(file: string, text: string, name: string): KnownHost[] {
  return text.split('\n').flatMap((line, index): KnownHost[] => {
    const [, marker, names = '', key = ''] =
      /^\s*(?:@(\S+)\s+)?([^#@\s]\S*)\s+(\S+\s+\S+)/.exec(line) ?? []
    const parsed = key === '' ? undefined : parseAuthorizedKey(Buffer.from(key))
    if (parsed === undefined || matchKnownHostsNames(names, name) === undefined) return []
    return [
      {
        file,
        lineNumber: index + 1,
        blob: parsed.blob,
        ...(marker === undefined ? {} : { marker }),
      },
    ]
  })
}

/** Which lines of ssh's own known_hosts files are stale. */
export function judgeKnownHosts(
  line: HostLine,
  result: Exclude<HostResult, { status: 'unreachable' }>,
  lines: readonly KnownHost[],
): Finding[] {
  const held = result.status === 'ok' ? [result.hostKey] : result.offered
  const isHeld = ({ blob }: KnownHost): boolean =>
    held.some((key) => withoutCertificate(key).equals(blob))
  const at = ({ file, lineNumber }: KnownHost): string => `${file}:${lineNumber}`
  const revoked = lines.filter((known) => known.marker === 'revoked' && isHeld(known))
  const plain = lines.filter(({ marker }) => marker === undefined)
  const fresh =
    plain.find(isHeld) ??
    lines.find(
      ({ marker, blob }) =>
        marker === 'cert-authority' &&
        result.status === 'ok' &&
        result.pin.kind === 'cert-authority' &&
        result.pin.key.blob.equals(blob),
    )
  const findings = revoked.map((known) =>
    told(
      'problem',
      'known-hosts',
      'known-hosts-revoked',
      `${at(known)} marks the server’s key @revoked.`,
      {
        evidence: `@revoked ${describeBlob(known.blob)}`,
        hint:
          result.status === 'ok'
            ? `The pin on ${line.position} says otherwise: find out which is right.`
            : 'Do not log in; find out who answers there.',
      },
    ),
  )
  if (fresh !== undefined && result.status === 'changed') {
    findings.push(
      told(
        'warning',
        'known-hosts',
        'pin-stale',
        `${at(fresh)} on this machine has the key that the server holds: the pin on ${line.position} is the stale side.`,
        {
          evidence: describeBlob(fresh.blob),
          hint: 'Confirm the key on the server, then change the pin.',
        },
      ),
    )
  }
  // ssh asks for the types that it knows: a line with the right key is enough for it.
  if (fresh !== undefined) return findings
  const name = knownHostsName(line.host, line.port)
  // Of keys of another type nothing is known: the server was not asked to prove them.
  const types = held.map((key) => typeOfBlob(withoutCertificate(key)))
  const stale = plain.filter(({ blob }) => types.includes(typeOfBlob(blob)))
  const pinToo = result.status === 'changed' ? `, as is the pin on ${line.position}` : ''
  return [
    ...findings,
    ...stale.map((known) =>
      told(
        'problem',
        'known-hosts',
        'known-hosts-stale',
        `${at(known)} on this machine is stale${pinToo}: the server does not show the key that it has.`,
        {
          evidence: describeBlob(known.blob),
          hint:
            result.status === 'ok'
              ? `ssh-keygen -f '${known.file}' -R '${name}'`
              : `Once the new key is confirmed on the server: ssh-keygen -f '${known.file}' -R '${name}'`,
        },
      ),
    ),
  ]
}
