/**
 * Builds dist/: one bundle for each entry, and nothing that is bound to a platform. `--check` builds
 * into a temporary directory instead and fails if dist/ differs from it.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const ENTRIES = ['main', 'post', 'agent', 'cli']
const ncc = createRequire(import.meta.url).resolve('@vercel/ncc/dist/ncc/cli.js')

function build(out) {
  for (const entry of ENTRIES) {
    const dir = join(out, entry)
    rmSync(dir, { recursive: true, force: true })
    execFileSync(
      process.execPath,
      [
        ncc,
        'build',
        `src/${entry}.ts`,
        '-o',
        dir,
        '--transpile-only',
        '--license',
        'licenses.txt',
        '--quiet',
      ],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
    // ssh2 brings a helper program for PuTTY's agent on Windows, which nothing here starts.
    rmSync(join(dir, 'pagent.exe'), { force: true })
  }
  const bound = files(out).filter((name) => /\.(node|exe)$/.test(name))
  if (bound.length > 0) throw new Error(`platform-bound files in dist: ${bound.join(', ')}`)
}

function files(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort()
}

if (process.argv[2] === '--check') {
  const fresh = mkdtempSync(join(tmpdir(), 'dist-'))
  try {
    build(fresh)
    const names = new Set([...files(fresh), ...files('dist')])
    const read = (dir, name) =>
      files(dir).includes(name) ? readFileSync(join(dir, name)) : Buffer.alloc(0)
    const stale = [...names].filter((name) => !read(fresh, name).equals(read('dist', name)))
    if (stale.length > 0) {
      console.error(`dist is not what a fresh build gives: ${stale.join(', ')}\nRun: npm run build`)
      process.exit(1)
    }
    console.log(`dist equals a fresh build (${names.size} files)`)
  } finally {
    rmSync(fresh, { recursive: true })
  }
} else {
  build('dist')
  for (const name of files('dist')) console.log(`dist/${name}`)
}
