/** OpenSSH's own programs, as the doctor runs them: with a limit of time, and without any input. */
import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { systemCode } from '../../errors'
import { sshDirectories } from '../../local/home'

export interface RunOptions {
  env: NodeJS.ProcessEnv
  /** In milliseconds. */
  timeout: number
}

export interface Ran {
  /** Undefined where it was ended for taking too long. */
  code: number | undefined
  stdout: string
  stderr: string
}

/** Runs one of OpenSSH's programs; undefined if there is none on PATH. */
export async function runSsh(
  program: string,
  args: readonly string[],
  { env, timeout }: RunOptions,
): Promise<Ran | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { env: { ...env, LC_ALL: 'C' }, timeout, maxBuffer: 8 * 1024 * 1024, windowsHide: true },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code
        if (systemCode(error) === 'ENOENT') resolve(undefined)
        else if (typeof code === 'number' || error?.killed === true) {
          resolve({ code: typeof code === 'number' ? code : undefined, stdout, stderr })
        } else reject(error ?? new Error(program))
      },
    )
    child.stdin?.end()
  })
}

/** Largest of ssh's own files that is read. */
const MAX_FILE = 16 * 1024 * 1024

/** The text of a file; empty where there is none, or it can't be read. */
export function readIfThere(path: string): string {
  try {
    const stat = statSync(path)
    return stat.isFile() && stat.size <= MAX_FILE ? readFileSync(path, 'utf8') : ''
  } catch {
    return ''
  }
}

/** A path as ssh_config has it, with the home that ssh takes. */
export function expandHome(path: string): string {
  return path.replace(/^~\/\.ssh(?=\/)/, (home) => homeSsh()[0] ?? home)
}

function homeSsh(): string[] {
  try {
    return sshDirectories()
  } catch {
    return []
  }
}
