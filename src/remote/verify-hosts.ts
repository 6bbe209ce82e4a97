/**
 * Holds servers against their pins: asks each for the kinds of key that are pinned, one connection
 * where that is possible, all servers at once within bounds.
 */
import { TrustError } from '../errors'
import { kindOfKey, plainKey, type KeyKind } from '../ssh/certificate'
import { hostKeyAlgorithms } from '../ssh/key-exchange'
import { judgeHostKey, type Pin } from '../ssh/pin'
import { KEY_TYPES } from '../ssh/public-key'
import { eachOf } from './each-of'
import { proveHostKey, type Address, type Proof } from './prove'

/** Servers at once: far from the usual limit of 1,024 open files, and enough to hide latency. */
const MAX_AT_ONCE = 64

export interface Target extends Address {
  pins: readonly Pin[]
}

export type HostResult =
  | {
      status: 'ok'
      /** Proven, in wire format: the certificate where a CA is pinned, else the plain key. */
      hostKey: Buffer
      pin: Pin
      /** Keys that the server holds, of a type that some pin names and none matches: that pin is stale. */
      stale: Buffer[]
    }
  | {
      status: 'changed' | 'revoked'
      /** Every key that the server has proven, in wire format. */
      offered: Buffer[]
      /** Why a certificate was not taken. */
      defect?: string
    }
  | { status: 'unreachable'; error: TrustError }

function sameKind(a: KeyKind, b: KeyKind): boolean {
  return a.type === b.type && a.certified === b.certified
}

function algorithmsOf(kind: KeyKind): string[] {
  return hostKeyAlgorithms(kind.type, kind.certified)
}

/** Whether a pin says that it is for this kind of key; a bare fingerprint says nothing. */
function namesKind(pins: readonly Pin[], { type, certified }: KeyKind): boolean {
  return pins.some(
    (pin) =>
      (pin.kind === 'cert-authority' && certified) ||
      (pin.kind === 'key' && !certified && pin.key.type === type) ||
      (pin.kind === 'fingerprint' && !certified && pin.type === type),
  )
}

/** The kinds that could satisfy `pins`: those that are named by a pin first. */
function wantedKinds(pins: readonly Pin[]): KeyKind[] {
  const all = KEY_TYPES.map((type) => ({ type, certified: false }))
  const kinds: KeyKind[] = []
  const add = (more: readonly KeyKind[]): void => {
    kinds.push(...more.filter((kind) => !kinds.some((known) => sameKind(known, kind))))
  }
  for (const pin of pins) {
    if (pin.kind === 'key') add([{ type: pin.key.type, certified: false }])
    if (pin.kind === 'fingerprint' && pin.type) add([{ type: pin.type, certified: false }])
    if (pin.kind === 'cert-authority') add(KEY_TYPES.map((type) => ({ type, certified: true })))
  }
  if (pins.some((pin) => pin.kind === 'fingerprint' && pin.type === undefined)) add(all)
  return kinds
}

/**
 * Verifies one server. Sequential, and never more connections than there are kinds of key: sshd's
 * PerSourcePenalties count connections without a login.
 *
 * @param timeout for the host, all its connections together, in milliseconds
 */
export async function verifyHost(target: Target, timeout: number): Promise<HostResult> {
  const deadline = Date.now() + timeout
  const left = (): number => Math.max(1, deadline - Date.now())
  const offered: Buffer[] = []
  let defect: string | undefined
  let untried = wantedKinds(target.pins)
  try {
    while (untried.length > 0) {
      const proof = await proveOne(target, untried, left())
      if (proof === undefined) break
      const { hostKey } = proof
      const judgement = judgeHostKey(target.pins, target.host, hostKey, Date.now() / 1000)
      if (judgement.verdict === 'ok') {
        const { pin } = judgement
        const trusted = pin.kind === 'cert-authority' ? hostKey : plainKey(hostKey)
        const stale = offered.filter((key) => namesKind(target.pins, kindOfKey(key)))
        return { status: 'ok', hostKey: trusted, pin, stale }
      }
      offered.push(hostKey)
      if (judgement.verdict === 'revoked') return { status: 'revoked', offered }
      defect = judgement.defect ?? defect
      const tried = kindOfKey(hostKey)
      untried = untried.filter(
        (kind) =>
          !sameKind(kind, tried) &&
          algorithmsOf(kind).some((algorithm) => proof.algorithms.includes(algorithm)),
      )
    }
    if (offered.length === 0) {
      // The server has no key of a pinned kind: find out what it has, for the message.
      const everything = KEY_TYPES.map((type) => ({ type, certified: false }))
      const { hostKey } = await proveHostKey(target, everything.flatMap(algorithmsOf), left())
      offered.push(hostKey)
    }
    return { status: 'changed', offered, ...(defect === undefined ? {} : { defect }) }
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    return { status: 'unreachable', error }
  }
}

/** A proof for the first of `kinds` that the server has; undefined where it has none of them. */
async function proveOne(
  target: Target,
  kinds: readonly KeyKind[],
  timeout: number,
): Promise<Proof | undefined> {
  try {
    return await proveHostKey(target, kinds.flatMap(algorithmsOf), timeout)
  } catch (error) {
    if (error instanceof TrustError && error.code === 'host-key-type-absent') return undefined
    throw error
  }
}

/**
 * Verifies all targets. Results stand in the order of `targets`. Targets on the same host name are
 * taken one after another, so that no server sees many connections of ours at once.
 */
export async function verifyHosts(
  targets: readonly Target[],
  timeout: number,
): Promise<HostResult[]> {
  const byHost = new Map<string, number[]>()
  targets.forEach(({ host }, index) => {
    const name = host.toLowerCase()
    byHost.set(name, [...(byHost.get(name) ?? []), index])
  })
  const results = new Array<HostResult>(targets.length)
  await eachOf([...byHost.values()], MAX_AT_ONCE, async (group) => {
    for (const index of group) {
      const target = targets[index]
      if (target !== undefined) results[index] = await verifyHost(target, timeout)
    }
  })
  return results
}
