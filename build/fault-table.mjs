/**
 * Writes the table of faults into docs/SECURITY.md, from what the tests tell that try them
 * (`npm run faults` runs those tests first).
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const TESTS = ['killed', 'side-by-side', 'full-disk']
const BEGIN = '<!-- faults: by npm run faults -->'
const END = '<!-- end of faults -->'

const directory = mkdtempSync(join(tmpdir(), 'faults-'))
const told = join(directory, 'faults.jsonl')
writeFileSync(told, '')
try {
  execFileSync('npm', ['test', '--', `__tests__/e2e/(${TESTS.join('|')})`], {
    stdio: 'inherit',
    env: { ...process.env, SSH_TRUST_FAULTS: told, SSH_TRUST_REQUIRE: 'all' },
  })
  const rows = readFileSync(told, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  rows.sort((a, b) => (a.recovery + a.fault < b.recovery + b.fault ? -1 : 1))
  const table = [
    '| Fault | Who takes back | Tried | Nothing left |',
    '| --- | --- | --- | --- |',
    ...rows.map(
      ({ fault, recovery, tried, survived }) =>
        `| ${fault} | ${recovery} | ${tried} | ${survived} |`,
    ),
  ].join('\n')
  const path = 'docs/SECURITY.md'
  const text = readFileSync(path, 'utf8')
  const [before, rest] = text.split(BEGIN)
  const [, after] = (rest ?? '').split(END)
  if (after === undefined) throw new Error(`${path} has no ${BEGIN} … ${END}`)
  writeFileSync(path, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`)
} finally {
  rmSync(directory, { recursive: true })
}
