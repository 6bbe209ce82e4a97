/**
 * Ansible's inventories in INI: `[group]` with a host and its variables on each line, `[group:vars]`,
 * `[group:children]`.
 * Values are never quoted in messages: they may be secrets.
 */
import { TrustError } from '../../errors'
import {
  groupNamed,
  NOWHERE,
  hostsNamed,
  hostsOf,
  newInventory,
  setVariable,
  type Inventory,
} from './ansible'
import type { InventoryHosts, Position } from './host'
import { isOfHost } from './host-pattern'

/** Longest line: some full keys and options fit. */
const MAX_LINE = 64 * 1024

interface Section {
  group: string
  kind: 'hosts' | 'vars' | 'children'
}

export function parseIni(text: string, position: Position): InventoryHosts {
  const inventory = newInventory()
  const errors: TrustError[] = []
  const variableSections: { group: string; line: number }[] = []
  let section: Section = { group: 'ungrouped', kind: 'hosts' }
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = index + 1
    const code = raw.trim()
    if (code === '' || /^[#;]/.test(code)) continue
    try {
      if (code.length > MAX_LINE) throw wrong('The line is too long.')
      const header = readHeader(code)
      if (header !== undefined) {
        section = header
        if (header.kind === 'vars') variableSections.push({ group: header.group, line })
        else groupNamed(inventory, header.group, line)
      } else readEntry(code, section, inventory, line)
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      errors.push(error.about(position(line)))
    }
  }
  const { groups } = inventory
  for (const { group, line } of variableSections) {
    if (!groups.has(group) || groups.get(group)?.line === NOWHERE) {
      const message = `[${group}:vars] is for a group that is not there.`
      errors.push(new TrustError('hosts-syntax', message, { input: position(line) }))
    }
  }
  const found = hostsOf(inventory, position)
  return { ...found, errors: [...errors, ...found.errors] }
}

/** `[group]`, `[group:vars]`, `[group:children]`; undefined for what is no header. */
function readHeader(code: string): Section | undefined {
  const [, name] = /^\[([^\]]*)\]\s*([#;].*)?$/.exec(code) ?? []
  if (name === undefined || isOfHost(name)) return undefined
  const [group = '', kind = 'hosts', ...more] = name.split(':')
  if (/^[^\s=]{1,255}$/.test(group) && more.length === 0) {
    if (kind === 'hosts' || kind === 'vars' || kind === 'children') return { group, kind }
  }
  throw wrong('This is not [GROUP], [GROUP:vars] or [GROUP:children].')
}

function readEntry(
  code: string,
  { group, kind }: Section,
  inventory: Inventory,
  line: number,
): void {
  if (kind === 'vars') {
    const [, name, value] = /^([^=\s]+)\s*=\s*(.*)$/.exec(code) ?? []
    if (name === undefined || value === undefined) throw wrong('This is not VARIABLE=VALUE.')
    const { variables } = groupNamed(inventory, group, NOWHERE)
    setVariable(variables, name, unquote(value))
  } else if (kind === 'children') {
    const [name = '', ...more] = splitWords(code)
    if (more.length > 0 || name.includes('=')) throw wrong('A line here is the name of a group.')
    groupNamed(inventory, group, line)
    groupNamed(inventory, name, line).parents.add(group)
  } else readHost(code, group, inventory, line)
}

function readHost(code: string, group: string, inventory: Inventory, line: number): void {
  const [pattern, ...words] = splitWords(code)
  if (pattern === undefined) return
  if (pattern.includes('=')) {
    throw wrong('A variable stands where the name of a host is expected.', {
      hint: 'Variables of a group stand in [GROUP:vars].',
    })
  }
  const variables = words.map((word, index): readonly [string, string] => {
    const equals = word.indexOf('=')
    if (equals > 0) return [word.slice(0, equals), unquote(word.slice(equals + 1))]
    throw wrong(`Word ${index + 2} of the line is not VARIABLE=VALUE.`, {
      hint: 'A value with spaces stands in quotes: ssh_trust_pins="SHA256:… SHA256:…".',
    })
  })
  for (const host of hostsNamed(inventory, pattern, line, group)) {
    for (const [variable, value] of variables) setVariable(host.variables, variable, value)
  }
}

/**
 * Words as a POSIX shell has them, up to a `#` outside quotes, as Ansible reads the line of a host.
 *
 * @throws TrustError for a quote without end
 */
function splitWords(code: string): string[] {
  const words: string[] = []
  let word: string | undefined
  for (let i = 0; i < code.length; i += 1) {
    const char = code[i] ?? ''
    if (/\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (char === '#') {
      break
    } else if (char === '"' || char === "'") {
      word ??= ''
      for (i += 1; code[i] !== char; i += 1) {
        if (char === '"' && /["\\]/.test(code[i] === '\\' ? (code[i + 1] ?? '') : '')) i += 1
        if (i >= code.length) throw wrong('A quote has no end.')
        word += code[i] ?? ''
      }
    } else {
      if (char === '\\') i += 1
      word = (word ?? '') + (code[i] ?? '')
    }
  }
  if (word !== undefined) words.push(word)
  return words
}

/** A value without the quotes around it, and what stands behind those. */
function unquote(value: string): string {
  const [, , inner] = /^(["'])(.*?)\1\s*(#.*)?$/.exec(value) ?? []
  return inner ?? value
}

function wrong(message: string, details: { hint?: string } = {}): TrustError {
  return new TrustError('hosts-syntax', message, details)
}
