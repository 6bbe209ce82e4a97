/** The sources as CommonJS, for tests that need them in processes of their own. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { run, type Finished } from '../support/run'
import { makeDirectory } from '../support/scratch'

/** Needs no packages: these layers use Node's own modules only. */
const PARTS = ['errors.ts', 'process-identity.ts', 'ssh', 'agent', 'local/files.ts']

let compiled: string | undefined

function compile(): string {
  const source = join(process.cwd(), 'src')
  const directory = makeDirectory('cjs')
  for (const part of PARTS) {
    const path = join(source, part)
    const files = part.endsWith('.ts') ? [path] : readdirSync(path).map((name) => join(path, name))
    for (const file of files) {
      const target = join(directory, relative(source, file)).replace(/\.ts$/, '.js')
      mkdirSync(dirname(target), { recursive: true })
      const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), {
        compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 },
      })
      writeFileSync(target, outputText)
    }
  }
  return directory
}

/**
 * Runs a program in a process of its own. `load('agent/control')` in it gives a module of the
 * sources, `args` are the arguments.
 */
export async function runProgram(program: string, ...args: string[]): Promise<Finished> {
  compiled ??= compile()
  const file = join(makeDirectory(), 'program.js')
  const head = `const load = (name) => require(${JSON.stringify(compiled)} + '/' + name)
const args = process.argv.slice(2)\n`
  writeFileSync(file, head + program)
  return run(process.execPath, [file, ...args])
}
