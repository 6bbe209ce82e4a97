/**
 * An account on a host, over a connection that is logged in to it: its files, and scripts that answer
 * in lines. Its keys are account-keys.ts's, logins from it account-login.ts's, and the text of its
 * known_hosts account-known-hosts.ts's.
 *
 * The scripts are constant text for POSIX shells. All that varies comes to them on standard input.
 */
import type { Client, SFTPWrapper } from 'ssh2'
import { TrustError } from '../errors'
import { editAuthorizedKeys } from './authorized-keys'
import { openSftp, runScript } from './connect'

/** Relative to the home. */
export const KNOWN_HOSTS = '.ssh/known_hosts'

/** Every script begins in the home that `cd` leads to, and takes its lines from standard input. */
export const HOME = String.raw`
umask 077
LC_ALL=C
export LC_ALL
unset CDPATH
say() { printf '%s\n' "$*"; }
fail() { say "fail $*"; exit 1; }
cd 2>/dev/null || fail "The home directory of the account is not there."
`

/** Of a key in ~/.ssh: nothing else goes to the scripts. */
export function fileName(path: string): string {
  const name = /^~\/\.ssh\/(id_[a-z0-9]+)$/.exec(path)?.[1]
  if (name === undefined) throw new Error(`${path} is no key file of ~/.ssh`)
  return name
}

/**
 * The lines that a script answers with, the last of them `done`.
 *
 * @param lines for its standard input
 * @param timeout in milliseconds
 * @throws TrustError `remote-file-failed` with what it said behind `fail`; `remote-shell`,
 *   `host-timeout`, `host-closed`
 */
export async function ask(
  client: Client,
  script: string,
  lines: readonly string[],
  timeout = 60_000,
): Promise<string[]> {
  if (lines.some((line) => /[\0\r\n]/.test(line))) throw new Error('a line for a script has an end')
  const data = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  const { stdout, stderr } = await runScript(client, script, data, { timeout })
  const answer = stdout.toString('utf8').split('\n')
  const failure = valueOf(answer, 'fail')
  if (failure !== undefined) throw new TrustError('remote-file-failed', failure.slice(0, 300))
  if (answer.includes('done')) return answer
  const words = stderr.trim().slice(0, 300)
  throw new TrustError('remote-file-failed', `A script on the host failed: ${words}`)
}

/** What stands behind `word` on the first line of an answer that begins with it. */
export function valueOf(answer: readonly string[], word: string): string | undefined {
  const line = answer.find((one) => one.startsWith(`${word} `))
  return line?.slice(word.length + 1)
}

/**
 * What a file of the account holds; empty where there is none.
 *
 * @param path as in `EditOptions`
 * @throws TrustError as `editAuthorizedKeys`
 */
export async function readAccountFile(
  client: Client,
  user: string,
  path: string | undefined,
): Promise<Buffer> {
  let content: Buffer = Buffer.alloc(0)
  const place = { user, mend: false, ...(path === undefined ? {} : { path }) }
  await editAuthorizedKeys(client, place, (found) => {
    content = found
    return undefined
  })
  return content
}

/** Which of ~/.ssh and a file in it are not there. */
const MISSING = String.raw`${HOME}
IFS= read -r name
home=$(pwd -P)
for one in "$home/.ssh" "$home/.ssh/$name"; do
  if ! [ -e "$one" ] && ! [ -L "$one" ]; then say "missing $one"; fi
done
say "done"
`

/**
 * What an edit of a file in ~/.ssh will create, known before it does: as `created` of `EditResult`.
 * Over SFTP where the account has no shell, as the edit itself.
 *
 * @throws TrustError as `ask`
 */
export async function missingFiles(
  client: Client,
  name: 'authorized_keys' | 'known_hosts',
): Promise<string[]> {
  try {
    const answer = await ask(client, MISSING, [name])
    return answer.flatMap((line) => /^missing (.*)$/.exec(line)?.[1] ?? [])
  } catch (error) {
    if (!(error instanceof TrustError) || error.code !== 'remote-shell') throw error
    const sftp = await openSftp(client).catch(() => {
      throw error
    })
    try {
      return await missingOverSftp(sftp, name)
    } finally {
      sftp.end()
    }
  }
}

async function missingOverSftp(sftp: SFTPWrapper, name: string): Promise<string[]> {
  const home = await new Promise<string>((resolve, reject) => {
    sftp.realpath('.', (error, path) => {
      if (error === undefined) resolve(path)
      else reject(new TrustError('remote-file-failed', `The home has no path: ${error.message}.`))
    })
  })
  const directory = `${home === '/' ? '' : home}/.ssh`
  const missing: string[] = []
  for (const path of [directory, `${directory}/${name}`]) {
    if (await isAbsent(sftp, path)) missing.push(path)
  }
  return missing
}

async function isAbsent(sftp: SFTPWrapper, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    sftp.lstat(path, (error) => {
      resolve(error !== undefined)
    })
  })
}
