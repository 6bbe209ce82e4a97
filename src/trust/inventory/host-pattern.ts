/**
 * The names of hosts in Ansible's inventories: `web`, `web:2222`, `[2001:db8::1]:22`, and ranges that
 * stand for many: `web[01:50].example.org`, `db-[a:f]`, `[0:100:10]`.
 */
import { TrustError } from '../../errors'

/** Most hosts that one name may stand for. */
const MAX_RANGE = 10_000

/**
 * @returns the names that a pattern stands for, and their port
 * @throws TrustError for a range that is none, or stands for too many
 */
export function expandHostPattern(pattern: string): { names: string[]; port?: string } {
  const { name, port } = splitPort(pattern)
  const names = isAddress(name) ? [name] : expandRanges(name)
  return { names, ...(port === undefined ? {} : { port }) }
}

/** Whether what stands in brackets is part of a host's name, and not the name of a group. */
export function isOfHost(inBrackets: string): boolean {
  return isAddress(inBrackets) || isRange(inBrackets)
}

/** `host:port` and `[address]:port`; an IPv6 address without brackets has no port. */
function splitPort(pattern: string): { name: string; port?: string } {
  const [, address, , addressPort] = /^\[([^\]]+)\](:(.*))?$/.exec(pattern) ?? []
  if (address !== undefined && isAddress(address) && !isRange(address)) {
    return { name: address, ...(addressPort === undefined ? {} : { port: addressPort }) }
  }
  const outside = pattern.replace(/\[[^\]]*\]/g, '')
  const [, port] = /^[^:]*:([^:]*)$/.exec(outside) ?? []
  if (port === undefined) return { name: pattern }
  return { name: pattern.slice(0, pattern.lastIndexOf(':')), port }
}

function isAddress(text: string): boolean {
  return (text.match(/:/g) ?? []).length > 1 && /^[0-9A-Fa-f:.]+(%.*)?$/.test(text)
}

/** `01:50`, `a:f`, with a step behind them. `1:2:3` could be nothing else. */
function isRange(text: string): boolean {
  return /^([0-9]*:[0-9]+|[A-Za-z]:[A-Za-z])(:[0-9]+)?$/.test(text)
}

function expandRanges(pattern: string): string[] {
  const parts = pattern.split(/\[([^\]]*)\]/)
  let names = ['']
  for (const [index, part] of parts.entries()) {
    const choices = index % 2 === 0 ? [part] : expandRange(part)
    if (names.length * choices.length > MAX_RANGE) {
      throw wrong(`The line stands for more than ${MAX_RANGE} hosts.`)
    }
    names = names.flatMap((name) => choices.map((choice) => name + choice))
  }
  return names
}

function expandRange(range: string): string[] {
  const [first = '', last = '', stepText = '1'] = range.split(':')
  const step = Number(stepText)
  const letters = /^[A-Za-z]$/.test(last)
  const at = (text: string): number => (letters ? letterIndex(text) : Number(text))
  if (!isRange(range) || step < 1 || at(first) > at(last)) {
    throw wrong(`[${range}] is not a range of hosts.`, {
      hint: 'Ranges are [01:50], [a:f], or with a step [0:100:10]; the first is not greater than the last.',
    })
  }
  if ((at(last) - at(first)) / step >= MAX_RANGE) {
    throw wrong(`The line stands for more than ${MAX_RANGE} hosts.`)
  }
  const names: string[] = []
  for (let i = at(first); i <= at(last); i += step) {
    // A first number with leading zeros says how wide all of them are.
    const width = first.startsWith('0') ? first.length : 0
    names.push(letters ? (LETTERS[i] ?? '') : String(i).padStart(width, '0'))
  }
  return names
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

function letterIndex(letter: string): number {
  return LETTERS.indexOf(letter)
}

function wrong(message: string, details: { hint?: string } = {}): TrustError {
  return new TrustError('hosts-syntax', message, details)
}
