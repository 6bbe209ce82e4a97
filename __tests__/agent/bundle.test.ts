/** The agent's bundle holds the agent and nothing else: start-up, memory and attack surface. */
import { expect, test } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'

/** Words that stand in each package's code, and so in a bundle that has it. */
const MARKS = {
  '@actions/core': 'add-path',
  ssh2: 'keepalive@openssh.com',
  'bcrypt-pbkdf': 'OxychromaticBlowfishSwatDynamite',
  commander: 'addHelpCommand',
}

const bundle = (name: string): string => readFileSync(`dist/${name}/index.js`, 'utf8')

test('the marks are found where their packages are', () => {
  expect(bundle('main')).toContain(MARKS['@actions/core'])
  for (const mark of [MARKS.ssh2, MARKS.commander, MARKS['bcrypt-pbkdf']]) {
    expect(bundle('cli')).toContain(mark)
  }
})

test('no package is in the agent', () => {
  const found = Object.entries(MARKS).filter(([, mark]) => bundle('agent').includes(mark))
  expect(found).toEqual([])
  expect(bundle('agent')).not.toContain('node_modules/')
})

test('nothing in dist is bound to a platform', () => {
  const names = readdirSync('dist', { recursive: true }).map(String)
  expect(names).toContain('agent/index.js')
  expect(names.filter((name) => /\.(node|exe|wasm)$/.test(name))).toEqual([])
})
