/** Other programs of this machine. Always an argv array, never a shell. */
import { exec } from '@actions/exec'
import { which } from '@actions/io'

/** Absolute path of a program on PATH, or undefined. */
export async function findProgram(name: string): Promise<string | undefined> {
  const path = await which(name)
  return path === '' ? undefined : path
}

export interface ProgramResult {
  code: number
  stdout: string
  stderr: string
}

/** Runs a program to its end, whatever its exit code, without echoing anything. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: { env: Record<string, string>; cwd?: string },
): Promise<ProgramResult> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  const code = await exec(file, [...args], {
    ...options,
    silent: true,
    ignoreReturnCode: true,
    input: Buffer.alloc(0),
    listeners: {
      stdout: (chunk) => stdout.push(chunk),
      stderr: (chunk) => stderr.push(chunk),
    },
  })
  const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8')
  return { code, stdout: text(stdout), stderr: text(stderr) }
}
