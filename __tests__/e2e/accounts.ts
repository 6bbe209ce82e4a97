/** A real sshd with many accounts, each with a home of its own: hosts by the dozen, for little. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { account } from '../support/account'
import { makeHome, type Home } from '../support/home'
import { program } from '../support/programs'
import { mustRun } from '../support/run'
import { startSshd, type Sshd, type SshdOptions } from '../support/sshd'

export interface Accounts {
  sshd: Sshd
  users: string[]
  /** authorized_keys of one of them. */
  fileOf: (user: string) => string
  /** All of those files that are there, by user. */
  files: () => Map<string, string>
  /** Whether there is a ~/.ssh. */
  hasDirectory: (user: string) => boolean
  /** Puts them back to what was given, and takes away the others. */
  reset: (files: ReadonlyMap<string, string>) => void
  stop: () => Promise<void>
}

/** @param password with which all of them can log in; that takes root */
export async function startAccounts(
  count: number,
  options: SshdOptions & { password?: string } = {},
): Promise<Accounts> {
  const { password, ...sshdOptions } = options
  const home = await makeHome()
  const base = dirname(home.directory)
  const { uid, gid } = account()
  const users = Array.from({ length: count }, (_, index) => `account${index}`)
  const homeOf = (user: string): string => join(base, user)
  const passwdFile = home.env['NSS_WRAPPER_PASSWD'] ?? ''
  const entries = users.map((user) => {
    mkdirSync(homeOf(user), { mode: 0o700 })
    return `${user}:x:${uid}:${gid}::${homeOf(user)}:/bin/sh\n`
  })
  writeFileSync(passwdFile, readFileSync(passwdFile, 'utf8') + entries.join(''))
  const env = { ...home.env }
  if (password !== undefined) env['NSS_WRAPPER_SHADOW'] = await shadow(base, users, password)
  // Each session has the home that its passwd entry says: HOME is not set for all.
  const variables = Object.entries(env)
    .filter(([name]) => name !== 'HOME')
    .map(([name, value]) => `"${name}=${value}"`)
  const sshd = await startSshd({
    ...sshdOptions,
    home: { ...home, env } satisfies Home,
    extraConfig: [`SetEnv "SHLVL=1" ${variables.join(' ')}`, ...(sshdOptions.extraConfig ?? [])],
  })
  const fileOf = (user: string): string => join(homeOf(user), '.ssh', 'authorized_keys')
  return {
    sshd,
    users,
    fileOf,
    files: () =>
      new Map(
        users
          .filter((user) => existsSync(fileOf(user)))
          .map((user) => [user, readFileSync(fileOf(user), 'latin1')]),
      ),
    hasDirectory: (user) => existsSync(dirname(fileOf(user))),
    reset: (files) => {
      for (const user of users) {
        rmSync(dirname(fileOf(user)), { recursive: true, force: true })
        const content = files.get(user)
        if (content === undefined) continue
        mkdirSync(dirname(fileOf(user)), { mode: 0o700 })
        writeFileSync(fileOf(user), content, { encoding: 'latin1', mode: 0o600 })
      }
    },
    stop: async () => {
      await sshd.stop()
      home.remove()
    },
  }
}

/** What makes sshd know the password, without the machine's accounts. */
async function shadow(base: string, users: readonly string[], password: string): Promise<string> {
  const hash = await mustRun(program('openssl'), ['passwd', '-6', '-stdin'], { input: password })
  const file = join(base, 'shadow')
  const lines = users.map((user) => `${user}:${hash.trim()}:19000:0:99999:7:::\n`)
  writeFileSync(file, lines.join(''))
  return file
}
