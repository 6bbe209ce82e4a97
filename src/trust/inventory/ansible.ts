/**
 * An Ansible inventory, whichever way it was written: groups in groups, hosts in them, variables on
 * both. Variables that are not needed here are never kept: they may be secrets.
 */
import { TrustError } from '../../errors'
import type { HostLine } from '../hosts'
import { firstAndMore, inventoryHost, type InventoryHosts, type Position } from './host'
import { expandHostPattern } from './host-pattern'

/** By name. */
export type Variables = Map<string, string>

interface Group {
  /** The line that names it first. */
  line: number
  variables: Variables
  parents: Set<string>
}

interface Host {
  line: number
  variables: Variables
  groups: Set<string>
}

export interface Inventory {
  groups: Map<string, Group>
  hosts: Map<string, Host>
  /** How often a host was put into a group. */
  entries: number
}

const VARIABLES: ReadonlySet<string> = new Set([
  'ansible_host',
  'ansible_ssh_host',
  'ansible_port',
  'ansible_ssh_port',
  'ansible_user',
  'ansible_ssh_user',
  'ansible_connection',
  'ansible_group_priority',
  'ssh_trust_pins',
  'ssh_trust_options',
])

/** The connection plugins that log in over SSH. */
const OVER_SSH =
  /^(|(ansible\.\w+\.)?(ssh|smart|paramiko|paramiko_ssh|libssh|network_cli|netconf))$/

/** Most hosts, and entries for them: a typing error in a range is not to fill the memory. */
const MAX_HOSTS = 100_000
const MAX_ENTRIES = 1_000_000

/** The line of a group of which only the variables have been seen. */
export const NOWHERE = 0

export function newInventory(): Inventory {
  const all: Group = { line: 1, variables: new Map(), parents: new Set() }
  const ungrouped: Group = { line: 1, variables: new Map(), parents: new Set(['all']) }
  return {
    groups: new Map([
      ['all', all],
      ['ungrouped', ungrouped],
    ]),
    hosts: new Map(),
    entries: 0,
  }
}

/** The group of that name, made if it is not there. */
export function groupNamed({ groups }: Inventory, name: string, line: number): Group {
  const there = groups.get(name)
  if (there?.line === NOWHERE) there.line = line
  if (there !== undefined) return there
  const group: Group = { line, variables: new Map(), parents: new Set(['all']) }
  groups.set(name, group)
  return group
}

/**
 * Puts all hosts that a pattern stands for into a group that is there.
 *
 * @throws TrustError for a wrong pattern, and if there are too many
 */
export function hostsNamed(
  inventory: Inventory,
  pattern: string,
  line: number,
  group: string,
): Host[] {
  requireFewer(inventory.entries < MAX_ENTRIES)
  const { names, port } = expandHostPattern(pattern)
  inventory.entries += names.length
  return names.map((name) => {
    const there = inventory.hosts.get(name)
    requireFewer(there !== undefined || inventory.hosts.size < MAX_HOSTS)
    const host = there ?? { line, variables: new Map<string, string>(), groups: new Set<string>() }
    inventory.hosts.set(name, host)
    host.groups.add(group)
    if (port !== undefined) setVariable(host.variables, 'ansible_port', port)
    return host
  })
}

function requireFewer(few: boolean): void {
  if (!few) throw new TrustError('hosts-syntax', `There are more than ${MAX_HOSTS} hosts.`)
}

/** Whether a variable counts here. The values of others are not even looked at. */
export function isKept(name: string): boolean {
  return VARIABLES.has(name)
}

export function setVariable(variables: Variables, name: string, value: string): void {
  if (isKept(name)) variables.set(name, value)
}

/** The hosts that are reached over SSH, each with what its groups say of it. */
export function hostsOf(inventory: Inventory, position: Position): InventoryHosts {
  const found: InventoryHosts = { hosts: [], errors: [], notes: [] }
  const elsewhere: string[] = []
  try {
    const inherited = inheritVariables(inventory, position)
    for (const [name, host] of inventory.hosts) {
      const variables = variablesOf(host, inherited)
      try {
        if (OVER_SSH.test(plainText(name, variables, 'ansible_connection') ?? '')) {
          found.hosts.push(hostLine(name, variables, position(host.line)))
        } else elsewhere.push(name)
      } catch (error) {
        if (!(error instanceof TrustError)) throw error
        found.errors.push(error.about(position(host.line)))
      }
    }
  } catch (error) {
    if (!(error instanceof TrustError)) throw error
    found.errors.push(error)
  }
  if (elsewhere.length > 0) {
    found.notes.push(
      `left out, as ansible_connection says something else than ssh: ${firstAndMore(elsewhere)}`,
    )
  }
  return found
}

/** A value with what decides between groups: depth, ansible_group_priority, name. The greatest wins. */
interface Ranked {
  text: string
  rank: readonly [number, number, string]
}

function outranks(a: Ranked, b: Ranked | undefined): boolean {
  if (b === undefined) return true
  const [depthA, priorityA, nameA] = a.rank
  const [depthB, priorityB, nameB] = b.rank
  if (depthA !== depthB) return depthA > depthB
  if (priorityA !== priorityB) return priorityA > priorityB
  return nameA >= nameB
}

/** For each group the variables that its hosts have from it and from all groups that it is in. */
function inheritVariables(
  { groups }: Inventory,
  position: Position,
): Map<string, Map<string, Ranked>> {
  const children = new Map<string, string[]>()
  const waiting = new Map<string, number>()
  for (const [name, { parents }] of groups) {
    waiting.set(name, parents.size)
    for (const parent of parents) {
      const list = children.get(parent) ?? []
      list.push(name)
      children.set(parent, list)
    }
  }
  const depths = new Map([['all', 0]])
  const inherited = new Map<string, Map<string, Ranked>>()
  const ready = [...groups.keys()].filter((name) => waiting.get(name) === 0)
  for (const name of ready) {
    const own = inherited.get(name) ?? new Map<string, Ranked>()
    inherited.set(name, own)
    const variables = groups.get(name)?.variables ?? new Map<string, string>()
    const depth = depths.get(name) ?? 0
    const priority = Number(variables.get('ansible_group_priority') ?? 1) || 1
    for (const [variable, text] of variables) {
      if (variable !== 'ansible_group_priority') {
        own.set(variable, { text, rank: [depth, priority, name] })
      }
    }
    for (const child of children.get(name) ?? []) {
      depths.set(child, Math.max(depths.get(child) ?? 0, depth + 1))
      inherited.set(child, merged(inherited.get(child), own))
      const left = (waiting.get(child) ?? 0) - 1
      waiting.set(child, left)
      if (left === 0) ready.push(child)
    }
  }
  for (const [name, { line }] of groups) {
    if ((waiting.get(name) ?? 0) > 0) {
      const message = `The group ${name} is in a circle of groups, or in a group of one.`
      throw new TrustError('hosts-syntax', message, { input: position(line) })
    }
  }
  return inherited
}

function merged(
  into: Map<string, Ranked> = new Map<string, Ranked>(),
  from: ReadonlyMap<string, Ranked>,
): Map<string, Ranked> {
  for (const [variable, value] of from) {
    if (outranks(value, into.get(variable))) into.set(variable, value)
  }
  return into
}

function variablesOf(
  { variables, groups }: Host,
  inherited: ReadonlyMap<string, ReadonlyMap<string, Ranked>>,
): Variables {
  const all = new Map<string, Ranked>()
  for (const group of groups) merged(all, inherited.get(group) ?? new Map<string, Ranked>())
  const texts = [...all].map(([name, { text }]) => [name, text] as const)
  return new Map([...texts, ...variables])
}

function hostLine(name: string, variables: Variables, position: string): HostLine {
  const pins = plainText(name, variables, 'ssh_trust_pins') ?? ''
  const options = plainText(name, variables, 'ssh_trust_options') ?? ''
  return inventoryHost(
    name,
    {
      address: either(name, variables, 'ansible_host', 'ansible_ssh_host'),
      port: either(name, variables, 'ansible_port', 'ansible_ssh_port'),
      user: either(name, variables, 'ansible_user', 'ansible_ssh_user'),
      words: `${pins}\n${options}`,
    },
    position,
    'Give the host, or a group that it is in, the variable ssh_trust_pins="SHA256:…".',
  )
}

/** Which of two names for one thing counts has changed with the releases of Ansible. */
function either(
  host: string,
  variables: Variables,
  name: string,
  oldName: string,
): string | undefined {
  const value = plainText(host, variables, name)
  const old = plainText(host, variables, oldName)
  if (value === undefined || old === undefined || value === old) return value ?? old
  throw new TrustError(
    'hosts-syntax',
    `${host} has both ${name} and ${oldName}, and they differ.`,
    {
      hint: `Keep ${name}.`,
    },
  )
}

/** The value of a variable, if it says what it is without Ansible. An empty one is as good as none. */
function plainText(host: string, variables: Variables, name: string): string | undefined {
  const text = variables.get(name)?.trim() ?? ''
  if (text === '') return undefined
  if (!/\{\{|\{%|^\$ANSIBLE_VAULT/.test(text)) return text
  throw new TrustError('hosts-syntax', `${name} of ${host} is a template or encrypted.`, {
    hint: 'Only Ansible could say what it stands for. Write the value itself.',
  })
}
