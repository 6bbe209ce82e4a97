/**
 * Ansible's inventories in YAML: groups with `hosts`, `vars` and `children`, `all` at the top. Values
 * are never quoted in messages, nor what the YAML parser says, which quotes them: they may be secrets.
 */
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml'
import { TrustError } from '../../errors'
import {
  groupNamed,
  hostsNamed,
  hostsOf,
  isKept,
  newInventory,
  setVariable,
  type Inventory,
  type Variables,
} from './ansible'
import type { InventoryHosts, Position } from './host'

/** Deepest nesting, of groups in groups and of merges in merges. */
const MAX_DEPTH = 50

/** Most entries that are looked at: aliases of aliases would stand for any number of them. */
const MAX_ENTRIES = 1_000_000

interface Reading {
  inventory: Inventory
  /** What each alias stands for. */
  targets: ReadonlyMap<unknown, Node>
  lineOf: (node: unknown) => number
  position: Position
  errors: TrustError[]
  /** Entries looked at. */
  seen: number
}

export function parseYaml(text: string, position: Position): InventoryHosts {
  const counter = new LineCounter()
  const reading: Reading = {
    inventory: newInventory(),
    targets: new Map(),
    lineOf: (node) => lineOf(node, counter),
    position,
    errors: [],
    seen: 0,
  }
  try {
    const document = parseText(text, counter, position)
    reading.targets = findTargets(document, (node) => ({ input: position(reading.lineOf(node)) }))
    for (const entry of entriesOf(document.contents, reading, 'The file', 1)) {
      readGroup(entry.key, entry.value, reading, 1)
    }
  } catch (error) {
    // Only the parser can have run out of stack: what is read here has a depth limit.
    const told = error instanceof TrustError ? error : wrong('The YAML is nested too deep.')
    if (!(error instanceof TrustError || error instanceof RangeError)) throw error
    return { hosts: [], errors: [told.about(position(1))], notes: [] }
  }
  const found = hostsOf(reading.inventory, position)
  return { ...found, errors: [...reading.errors, ...found.errors] }
}

function parseText(text: string, counter: LineCounter, position: Position): Document {
  const document = parseDocument(text, {
    schema: 'failsafe', // all scalars as texts: a port is not a number, nor a name a date
    uniqueKeys: false, // takes the square of the time; duplicates are told below
    prettyErrors: false,
    lineCounter: counter,
    logLevel: 'error',
  })
  const [broken] = document.errors
  if (broken === undefined) return document
  const { line } = counter.linePos(broken.pos[0])
  const reason = broken.code.toLowerCase().replaceAll('_', ' ')
  throw new TrustError('hosts-syntax', `This is not YAML (${reason}).`, { input: position(line) })
}

/** Aliases stand for the last node before them that has the anchor. */
function findTargets(
  document: Document,
  at: (node: Node) => { input: string },
): Map<unknown, Node> {
  const anchors = new Map<string, Node>()
  const targets = new Map<unknown, Node>()
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source)
        if (target === undefined) throw wrong('An alias has no anchor before it.', at(node))
        targets.set(node, target)
      } else if (node.anchor) {
        anchors.set(node.anchor, node)
      }
    },
  })
  return targets
}

function lineOf(node: unknown, counter: LineCounter): number {
  const range = isNode(node) ? node.range : undefined
  return range ? counter.linePos(range[0]).line : 1
}

interface Entry {
  key: string
  value: unknown
  line: number
}

/**
 * The entries of a mapping, those that it merges behind its own; of an empty node none.
 *
 * @throws TrustError for what is no mapping
 */
function entriesOf(given: unknown, reading: Reading, what: string, depth: number): Entry[] {
  if (depth > MAX_DEPTH) throw wrong(`${what} is nested too deep.`)
  const node = targetOf(given, reading)
  if (isEmpty(node)) return []
  const input = reading.position(reading.lineOf(node))
  if (!isMap(node)) {
    throw wrong(`${what} is not a mapping (NAME: …, one a line).`, { input })
  }
  const own: Entry[] = []
  const merges: unknown[] = []
  for (const { key, value } of node.items) {
    reading.seen += 1
    if (reading.seen > MAX_ENTRIES) throw wrong('The file has too many entries.')
    const name = targetOf(key, reading)
    const line = reading.lineOf(key)
    if (!isScalar(name)) {
      throw wrong(`A key of ${what.toLowerCase()} is not a name.`, {
        input: reading.position(line),
      })
    }
    const text = valueOf(name.value)
    if (text === '<<') merges.push(value)
    else own.push({ key: text, value, line })
  }
  const names = new Set<string>()
  for (const { key, line } of own) {
    if (names.has(key)) {
      throw wrong(`${key} stands twice in one mapping.`, { input: reading.position(line) })
    }
    names.add(key)
  }
  for (const merge of merges.map((one) => targetOf(one, reading))) {
    for (const one of isSeq(merge) ? merge.items : [merge]) {
      for (const entry of entriesOf(one, reading, what, depth + 1)) {
        if (!names.has(entry.key)) own.push(entry)
        names.add(entry.key)
      }
    }
  }
  return own
}

function targetOf(node: unknown, { targets }: Reading): unknown {
  return isAlias(node) ? targets.get(node) : node
}

function isEmpty(node: unknown): boolean {
  if (node === null || node === undefined) return true
  return isScalar(node) && ['', '~', 'null', 'Null', 'NULL'].includes(valueOf(node.value))
}

/** By the schema each is a text; an empty one may be null. */
function valueOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function readGroup(name: string, node: unknown, reading: Reading, depth: number): void {
  const { inventory } = reading
  const group = groupNamed(inventory, name, reading.lineOf(node))
  for (const { key, value, line } of entriesOf(node, reading, `The group ${name}`, depth)) {
    if (key === 'hosts') {
      for (const host of entriesOf(value, reading, `hosts of ${name}`, depth)) {
        collect(reading, host.line, () => {
          readHost(host, name, reading, depth)
        })
      }
    } else if (key === 'vars') {
      readVariables(entriesOf(value, reading, `vars of ${name}`, depth), group.variables, reading)
    } else if (key === 'children') {
      for (const child of entriesOf(value, reading, `children of ${name}`, depth)) {
        groupNamed(inventory, child.key, child.line).parents.add(name)
        readGroup(child.key, child.value, reading, depth + 1)
      }
    } else {
      throw wrong(`${JSON.stringify(key)} is none of hosts, vars and children.`, {
        input: reading.position(line),
        hint: 'These are what a group has; the names of its hosts stand below hosts.',
      })
    }
  }
}

function readHost(
  { key, value, line }: Entry,
  group: string,
  reading: Reading,
  depth: number,
): void {
  const variables: Variables = new Map()
  readVariables(entriesOf(value, reading, `The host ${key}`, depth), variables, reading)
  for (const host of hostsNamed(reading.inventory, key, line, group)) {
    for (const [name, text] of variables) setVariable(host.variables, name, text)
  }
}

function readVariables(entries: readonly Entry[], variables: Variables, reading: Reading): void {
  for (const { key, value, line } of entries) {
    if (isKept(key))
      collect(reading, line, () => {
        setVariable(variables, key, textOf(key, value, reading))
      })
  }
}

/** A text; a list of texts counts as all of them. */
function textOf(name: string, given: unknown, reading: Reading): string {
  const node = targetOf(given, reading)
  if (isEmpty(node)) return ''
  if (isScalar(node)) return valueOf(node.value)
  const items = isSeq(node) ? node.items.map((item) => targetOf(item, reading)) : [undefined]
  return items
    .map((item) => {
      if (isScalar(item)) return valueOf(item.value)
      throw wrong(`${name} is neither a text nor a list of texts.`)
    })
    .join('\n')
}

/** Notes an error of one entry, so that the others are read too. */
function collect({ errors, position }: Reading, line: number, read: () => void): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    errors.push(error.about(position(line)))
  }
}

function wrong(message: string, details: { input?: string; hint?: string } = {}): TrustError {
  return new TrustError('hosts-syntax', message, details)
}
