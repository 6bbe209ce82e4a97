/** The documentation against what it documents: tables from action.yml, and YAML that uses real inputs. */
import { describe, expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { parseHosts } from '../../src/trust/hosts'

interface Action {
  inputs: Record<string, { description: string; default?: string }>
  outputs: Record<string, { description: string }>
  runs: { using: string; main: string; post: string; 'post-if': string }
}

const action = parse(readFileSync('action.yml', 'utf8')) as Action
const readme = readFileSync('README.md', 'utf8')

/** The table between two marks of the README, as cells. */
function table(name: string): string[][] {
  const text = new RegExp(`<!-- ${name}.*?-->\n([\\s\\S]*?)<!-- /${name} -->`).exec(readme)?.[1]
  const rows = (text ?? '').trim().split('\n').slice(2)
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

function cell(text: string): string {
  return text.trim().replaceAll('|', '\\|')
}

describe('README', () => {
  test('lists the inputs as action.yml has them', () => {
    const expected = Object.entries(action.inputs).map(
      ([name, { description, default: value }]) => [
        `\`${name}\``,
        cell(description),
        value === undefined ? '' : `\`${value}\``,
      ],
    )
    expect(table('inputs')).toEqual(expected)
  })

  test('lists the outputs as action.yml has them', () => {
    const expected = Object.entries(action.outputs).map(([name, { description }]) => [
      `\`${name}\``,
      cell(description),
    ])
    expect(table('outputs')).toEqual(expected)
  })
})

test('action.yml runs bundles that are there', () => {
  const { using, main, post, 'post-if': postIf } = action.runs
  expect({ using, postIf }).toEqual({ using: 'node24', postIf: 'always()' })
  for (const bundle of [main, post]) expect(readFileSync(bundle).length).toBeGreaterThan(0)
})

interface Step {
  uses?: string
  with?: Record<string, string>
}

/** Every use of this action in a YAML document, however deep. */
function uses(node: unknown): Step[] {
  if (typeof node !== 'object' || node === null) return []
  const step = node as Step
  const own = step.uses?.includes('ssh-trust-action') === true ? [step] : []
  return [...own, ...Object.values(node).flatMap(uses)]
}

const documents = ['README.md', ...readdirSync('docs').map((name) => join('docs', name))]
const blocks = documents.flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/^( *)```ya?ml\n([\s\S]*?)^\1```/gm)].map(
    ([, indent = '', text = ''], index) =>
      [`${file}, block ${index + 1}`, text.replaceAll(new RegExp(`^${indent}`, 'gm'), '')] as const,
  ),
)

describe('YAML in the documentation', () => {
  test('is there', () => {
    expect(blocks.length).toBeGreaterThan(15)
  })

  test.each(blocks)('%s: parses, names inputs that exist, and lists hosts well', (_name, text) => {
    for (const step of uses(parse(text))) {
      const inputs = step.with ?? {}
      expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(Object.keys(inputs)))
      // An ellipsis stands for what cannot be invented: then only the parser's taste is not asked.
      const hosts = inputs['hosts'] ?? ''
      if (!/…|\$\{\{/.test(hosts)) expect(parseHosts(hosts).errors).toEqual([])
    }
  })
})
