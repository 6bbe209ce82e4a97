/** Writes the tables of inputs and outputs into README.md, from action.yml. A test holds them together. */
import { readFileSync, writeFileSync } from 'node:fs'
import { parse } from 'yaml'

const action = parse(readFileSync('action.yml', 'utf8'))
const cell = (text) => text.trim().replaceAll('|', '\\|')
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')

const inputs = table(
  ['Input', 'What it is', 'Default'],
  Object.entries(action.inputs).map(([name, { description, default: value }]) => [
    `\`${name}\``,
    cell(description),
    value === undefined ? '' : `\`${value}\``,
  ]),
)
const outputs = table(
  ['Output', 'What it is'],
  Object.entries(action.outputs).map(([name, { description }]) => [
    `\`${name}\``,
    cell(description),
  ]),
)

const between = (text, mark, content) =>
  text.replace(
    new RegExp(`(<!-- ${mark}.*?-->\n)[\\s\\S]*?(<!-- /${mark} -->)`),
    (_, start, end) => `${start}\n${content}\n\n${end}`,
  )
const readme = readFileSync('README.md', 'utf8')
writeFileSync('README.md', between(between(readme, 'inputs', inputs), 'outputs', outputs))
