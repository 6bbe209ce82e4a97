/**
 * ssh_config(5) as an inventory: each name of a `Host` line is a host, with HostName, Port and User as
 * ssh would take them, the first value winning. Pins stand in a comment of the block:
 *
 *     Host web
 *         HostName www.example.org
 *         # ssh-trust: SHA256:… bootstrap
 *
 * Include and Match are not followed.
 */
import { TrustError } from '../../errors'
import { matchPattern } from '../../ssh/pattern'
import type { HostLine } from '../hosts'
import { firstAndMore, inventoryHost, type InventoryHosts, type Position } from './host'

interface Block {
  line: number
  patterns: readonly string[]
  settings: Map<string, string>
  pins: string[]
}

const SETTINGS: ReadonlySet<string> = new Set([
  'hostname',
  'port',
  'user',
  'proxyjump',
  'proxycommand',
])

export function parseSshConfig(text: string, position: Position): InventoryHosts {
  const { blocks, errors, notes } = readBlocks(text, position)
  // Names without wildcards are looked up, so that the time grows with the file and not its square.
  const named = new Map<string, number[]>()
  const general: number[] = []
  for (const [index, { patterns }] of blocks.entries()) {
    if (patterns.some((pattern) => !isName(pattern))) general.push(index)
    else {
      for (const name of new Set(patterns)) {
        const list = named.get(name) ?? []
        list.push(index)
        named.set(name, list)
      }
    }
  }
  const hosts: HostLine[] = []
  const behind: string[] = []
  const seen = new Set<string>()
  for (const { patterns, line } of blocks) {
    for (const name of patterns.filter((pattern) => isName(pattern))) {
      if (seen.has(name)) continue
      seen.add(name)
      const matching = [...(named.get(name) ?? []), ...general]
        .sort((a, b) => a - b)
        .flatMap((index) => blocks[index] ?? [])
        .filter((block) => isFor(block, name))
      // A name that its own line takes back: `Host web !web`.
      if (!matching.some((block) => block.line === line)) continue
      if (isProxied(matching)) behind.push(name)
      try {
        hosts.push(hostLine(name, matching, position(line)))
      } catch (error) {
        if (!(error instanceof TrustError)) throw error
        errors.push(error.about(position(line)))
      }
    }
  }
  if (behind.length > 0) {
    notes.push(`ProxyJump and ProxyCommand are not followed; set for ${firstAndMore(behind)}`)
  }
  return { hosts, errors, notes }
}

function isName(pattern: string): boolean {
  return !/[*?!]/.test(pattern)
}

function isFor({ patterns }: Block, name: string): boolean {
  if (patterns.some((one) => one.startsWith('!') && matchPattern(name, one.slice(1)))) return false
  return patterns.some((one) => !one.startsWith('!') && matchPattern(name, one))
}

function isProxied(blocks: readonly Block[]): boolean {
  return ['proxyjump', 'proxycommand'].some((name) => {
    const value = first(blocks, name)
    return value !== undefined && value.toLowerCase() !== 'none'
  })
}

function first(blocks: readonly Block[], setting: string): string | undefined {
  return blocks.find(({ settings }) => settings.has(setting))?.settings.get(setting)
}

function readBlocks(
  text: string,
  position: Position,
): { blocks: Block[]; errors: TrustError[]; notes: string[] } {
  const errors: TrustError[] = []
  const ignored: string[] = []
  const blocks: Block[] = [{ line: 0, patterns: ['*'], settings: new Map(), pins: [] }]
  // What stands under Match may be for any host or none.
  let block = blocks[0]
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = index + 1
    const [, pins] = /^\s*#\s*ssh-trust:(.*)$/.exec(raw) ?? []
    if (pins !== undefined) {
      block?.pins.push(pins)
      continue
    }
    const [, word = '', rest = ''] = /^\s*([^\s=#"][^\s=]*)(?:\s*=\s*|\s+)(.*)$/.exec(raw) ?? []
    const keyword = word.toLowerCase()
    if (keyword === 'host') {
      block = { line, patterns: splitValues(rest), settings: new Map(), pins: [] }
      blocks.push(block)
      if (block.patterns.length === 0) {
        const message = 'This Host names no host.'
        errors.push(new TrustError('hosts-syntax', message, { input: position(line) }))
      }
    } else if (keyword === 'match' || keyword === 'include') {
      ignored.push(`${keyword === 'match' ? 'Match' : 'Include'} on line ${line}`)
      if (keyword === 'match') block = undefined
    } else if (SETTINGS.has(keyword) && block !== undefined) {
      const [value] = splitValues(rest)
      if (value !== undefined && !block.settings.has(keyword)) block.settings.set(keyword, value)
    }
  }
  const notes = ignored.length === 0 ? [] : [`not followed: ${firstAndMore(ignored)}`]
  return { blocks, errors, notes }
}

/** Words, in double quotes where they have spaces, up to a comment. */
function splitValues(rest: string): string[] {
  const words = rest.match(/"[^"]*"|[^\s"]+/g) ?? []
  const end = words.findIndex((word) => word.startsWith('#'))
  return words.slice(0, end < 0 ? undefined : end).map((word) => word.replace(/^"(.*)"$/, '$1'))
}

function hostLine(name: string, blocks: readonly Block[], position: string): HostLine {
  const address = first(blocks, 'hostname')?.replace(/%[h%]/g, (token) =>
    token === '%h' ? name : '%',
  )
  const pins = blocks.find((block) => block.pins.length > 0)?.pins ?? []
  return inventoryHost(
    name,
    {
      address,
      port: first(blocks, 'port'),
      user: first(blocks, 'user'),
      words: pins.join('\n'),
    },
    position,
    'Put a comment into its block, below Host: # ssh-trust: SHA256:….',
  )
}
