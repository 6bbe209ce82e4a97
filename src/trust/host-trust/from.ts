/** The patterns of from= (sshd(8), AUTHORIZED_KEYS FILE FORMAT): read, compared, and held against an address. */
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { TrustError } from '../../errors'
import { matchPattern } from '../../ssh/pattern'

/** Patterns of one from=, and characters of one. */
const MAX_FROM = 64
const MAX_PATTERN = 253

/**
 * The patterns of from=. They end in somebody's authorized_keys between quotes: nothing but what a
 * pattern is made of may pass.
 *
 * @throws TrustError `input-invalid`
 */
export function readFrom(text: string): string[] {
  const patterns = text.split(',')
  if (patterns.length > MAX_FROM) {
    throw new TrustError('input-invalid', `from= takes at most ${MAX_FROM} patterns.`)
  }
  for (const pattern of patterns) {
    const defect = patternDefect(pattern.replace(/^!/, ''))
    if (defect === undefined) continue
    throw new TrustError(
      'input-invalid',
      `${JSON.stringify(pattern.slice(0, MAX_PATTERN))} can't be a pattern of from=: ${defect}.`,
      {
        hint: 'For example: from=192.0.2.7,10.0.0.0/8,*.example.com.',
      },
    )
  }
  if (patterns.every((pattern) => pattern.startsWith('!'))) {
    throw new TrustError('input-invalid', 'from= only excludes, so nobody could log in.', {
      hint: 'Add what it is excluded from: from=10.0.0.0/8,!10.0.0.1.',
    })
  }
  return [...new Set(patterns)]
}

function patternDefect(pattern: string): string | undefined {
  if (pattern === '') return 'it is empty'
  if (pattern.length > MAX_PATTERN) return 'it is too long'
  const [, address, bits] = /^([^/]*)\/(.*)$/.exec(pattern) ?? []
  if (address !== undefined && bits !== undefined) return networkDefect(address, bits)
  if (!/^[A-Za-z0-9._*?:-]+$/.test(pattern)) return 'it has characters that none may have'
  if (/[*?]/.test(pattern)) return undefined
  const looksNumeric = /^[0-9.]+$/.test(pattern) || pattern.includes(':')
  if (looksNumeric && !isIPv4(pattern) && !isIPv6(pattern)) return 'it is no address'
  return undefined
}

/** sshd takes a whole list for wrong, and refuses everybody, where a network has bits beyond its mask. */
function networkDefect(address: string, bits: string): string | undefined {
  const size = addressSize(address)
  if (size === undefined) return 'it is no network'
  if (!/^[0-9]{1,3}$/.test(bits) || Number(bits) > size) {
    return `a network of this kind has 0 to ${size} bits`
  }
  const beyond = 1n << BigInt(size - Number(bits))
  return addressNumber(address) % beyond === 0n
    ? undefined
    : 'the address has bits set beyond the network'
}

function addressSize(address: string): 32 | 128 | undefined {
  if (isIPv4(address)) return 32
  return isIPv6(address) && !address.includes('%') ? 128 : undefined
}

function addressNumber(address: string): bigint {
  return isIPv4(address) ? ipv4Number(address) : ipv6Number(address)
}

function ipv4Number(address: string): bigint {
  return address.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n)
}

function ipv6Number(address: string): bigint {
  // An IPv4 address at the end stands for the last two groups (RFC 4291 §2.2).
  const hex = address.replace(/[0-9]+(\.[0-9]+){3}$/, (ipv4) => {
    const value = ipv4Number(ipv4)
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
  })
  const [head = '', tail] = hex.split('::')
  const left = head.split(':').filter((group) => group !== '')
  const right = (tail ?? '').split(':').filter((group) => group !== '')
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  const groups = [...left, ...zeros, ...right]
  return groups.reduce((value, group) => value * 65536n + BigInt(`0x${group}`), 0n)
}

type From = 'source' | readonly string[] | undefined

/** Whether two from= let in the same: their order means nothing. */
export function sameFrom(a: From, b: From): boolean {
  const text = (from: From): string | undefined =>
    JSON.stringify(Array.isArray(from) ? [...new Set(from)].sort() : from)
  return text(a) === text(b)
}

/**
 * Whether sshd lets a key with this from= in from an address; undefined where that depends on the
 * name that the address has, or on a pattern that is none of ours.
 */
export function admits(patterns: readonly string[], address: string): boolean | undefined {
  let admitted: boolean | undefined = false
  for (const pattern of patterns) {
    const hit = isHit(pattern.replace(/^!/, ''), address)
    if (hit === true && pattern.startsWith('!')) return false
    if (hit === true) admitted = true
    else if (hit === undefined && admitted === false) admitted = undefined
  }
  return admitted
}

function isHit(pattern: string, address: string): boolean | undefined {
  const [network = '', bits] = pattern.split('/', 2)
  if (bits !== undefined) {
    if (networkDefect(network, bits) !== undefined) return undefined
    const size = addressSize(network)
    if (size === undefined || size !== addressSize(address)) return false
    const beyond = 1n << BigInt(size - Number(bits))
    return addressNumber(network) / beyond === addressNumber(address) / beyond
  }
  if (matchPattern(address, pattern.toLowerCase())) return true
  return isIP(pattern) !== 0 || /^[0-9.*?]+$/.test(pattern) ? false : undefined
}
