/**
 * The `hosts-file` input: hosts from a file, in the grammar of `hosts`, as an Ansible inventory (INI or
 * YAML), or as an ssh_config. What it is, is told by its name where that says so (`.ini`, `.yml`,
 * `.yaml`, `.json`, `ssh_config`), and else by its content; errors of the whole file say which it was.
 */
import { readFile, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { systemCode, TrustError } from '../errors'
import { parseHostLines } from './hosts'
import type { InventoryHosts } from './inventory/host'
import { oneLine } from './report'

export type { InventoryHosts } from './inventory/host'

/** Ten thousand hosts with a full RSA key each. */
const MAX_BYTES = 16 * 1024 * 1024

/** Most errors that are told: a wrong pin of a group is one of every host. */
const MAX_ERRORS = 100

export type InventoryFormat = 'hosts' | 'ansible-ini' | 'ansible-yaml' | 'ssh-config'

const FORMAT_NAMES: Record<InventoryFormat, string> = {
  hosts: 'lines as in the hosts input',
  'ansible-ini': 'an Ansible inventory in INI',
  'ansible-yaml': 'an Ansible inventory in YAML',
  'ssh-config': 'an ssh_config',
}

/**
 * Reads the file and checks all of its hosts. Whether their names clash is left to the caller, who has
 * more hosts.
 *
 * @param path as the user gave it
 * @param directory what it is relative to
 * @throws TrustError `input-invalid` for a file that can't be read
 */
export async function readInventory(path: string, directory: string): Promise<InventoryHosts> {
  return parseInventory(path, await readText(resolve(directory, path), path))
}

/** @param path says where errors are, and perhaps the format */
export async function parseInventory(path: string, text: string): Promise<InventoryHosts> {
  const source = `hosts-file ${oneLine(path)}`
  const { format, because } = recognize(path, text)
  const { hosts, errors, notes } = await parseAs(format, text, source)
  const taken = `The file was read as ${FORMAT_NAMES[format]}, because ${because}.`
  if (hosts.length === 0 && errors.length === 0 && notes.length === 0) {
    errors.push(
      new TrustError('input-invalid', 'There are no hosts in it.', { input: source, hint: taken }),
    )
  }
  const told = errors
    .slice(0, MAX_ERRORS)
    .map((error) => (hosts.length > 0 ? error : withHint(error, taken)))
  if (errors.length > told.length) {
    const message = `${errors.length - told.length} more things are wrong.`
    told.push(new TrustError('hosts-syntax', message, { input: source }))
  }
  return { hosts, errors: told, notes: notes.map((note) => `${source}: ${note}`) }
}

async function parseAs(
  format: InventoryFormat,
  text: string,
  source: string,
): Promise<InventoryHosts> {
  const position = (line: number): string => `${source}:${line}`
  if (format === 'hosts') return { ...parseHostLines(text, source), notes: [] }
  if (format === 'ansible-ini') return (await import('./inventory/ini')).parseIni(text, position)
  if (format === 'ssh-config') {
    return (await import('./inventory/ssh-config')).parseSshConfig(text, position)
  }
  return (await import('./inventory/yaml')).parseYaml(text, position) // and the YAML parser with it
}

/** Where no host could be read, the file may be of another format than it looks. */
function withHint(error: TrustError, taken: string): TrustError {
  const { code, message, input, hint } = error
  return new TrustError(code, message, {
    hint: hint === undefined ? taken : `${hint} ${taken}`,
    ...(input === undefined ? {} : { input }),
  })
}

/** @returns the format, and what says so, in words */
export function recognize(
  path: string,
  text: string,
): { format: InventoryFormat; because: string } {
  const name = basename(path.replaceAll('\\', '/')).toLowerCase()
  const [, extension] = /\.(ini|yml|yaml|json)$/.exec(name) ?? []
  if (extension !== undefined) {
    const format = extension === 'ini' ? 'ansible-ini' : 'ansible-yaml'
    return { format, because: `its name ends in .${extension}` }
  }
  if (name.endsWith('ssh_config')) return { format: 'ssh-config', because: 'of its name' }
  return recognizeContent(text)
}

function recognizeContent(text: string): { format: InventoryFormat; because: string } {
  const lines = text.split(/\r\n|\r|\n/)
  let first = true
  for (const [index, line] of lines.entries()) {
    if (/^\s*([#;].*)?$/.test(line)) continue
    const format = formatOfLine(line, first)
    first = false
    if (format !== undefined) return { format, because: `line ${index + 1} looks like that` }
  }
  return { format: 'hosts', because: 'nothing in it looks like another format' }
}

/** Lines that stand in one format alone. None of them is a line of `hosts` that is right. */
function formatOfLine(line: string, first: boolean): InventoryFormat | undefined {
  // A host may be called host: then pins follow.
  if (/^\s*(Host|Match)(\s*=\s*|\s+)(?!SHA256:|@|ssh-|ecdsa-|sk-)\S/i.test(line))
    return 'ssh-config'
  // In brackets can also be an IPv6 address, with pins behind it.
  if (/^\s*\[[^\]\s]+\]\s*([#;].*)?$/.test(line)) return 'ansible-ini'
  if (/\s(ansible_\w+|ssh_trust_\w+)=/.test(line)) return 'ansible-ini'
  if (first && /^(---|%YAML|\{|["']?[\w.-]+["']?:\s*(#.*)?$)/.test(line)) return 'ansible-yaml'
  return undefined
}

async function readText(file: string, path: string): Promise<string> {
  const bytes = await readBytes(file, path)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unreadable(path, 'is not UTF-8', 'Save it as UTF-8.')
  }
  if (text.includes('\0')) throw unreadable(path, 'is not a text')
  // Errors quote lines, which a key should be in none of.
  if (/PRIVATE KEY-----|PuTTY-User-Key-File-/.test(text)) {
    throw unreadable(
      path,
      'has a private key in it',
      'Keys belong into ssh-private-key, from a secret.',
    )
  }
  return text
}

async function readBytes(file: string, path: string): Promise<Buffer> {
  try {
    const status = await stat(file)
    if (status.isDirectory()) throw unreadable(path, 'is a directory')
    if (!status.isFile()) throw unreadable(path, 'is not a regular file')
    if (status.size <= MAX_BYTES) {
      const bytes = await readFile(file)
      if (bytes.length <= MAX_BYTES) return bytes
    }
  } catch (error) {
    if (error instanceof TrustError) throw error
    const code = systemCode(error)
    const hint = 'The path is relative to the workspace: check the repository out before this step.'
    if (code === 'ENOENT' || code === 'ENOTDIR') throw unreadable(path, 'is not there', hint)
    throw unreadable(path, `can't be read (${code ?? String(error)})`)
  }
  throw unreadable(path, 'has more than 16 MiB')
}

function unreadable(path: string, why: string, hint?: string): TrustError {
  return new TrustError('input-invalid', `The file ${oneLine(path)} ${why}.`, {
    input: 'hosts-file',
    ...(hint === undefined ? {} : { hint }),
  })
}
