/** The account that the tests run as, and whether an sshd lets it in. */
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'

export interface Account {
  username: string
  uid: number
  gid: number
  /** None if it has no passwd entry, as in a container that was started with a bare uid. */
  shell: string | null
}

export function account(): Account {
  try {
    return userInfo()
  } catch {
    const uid = process.getuid?.() ?? 0
    return { username: `user${String(uid)}`, uid, gid: process.getgid?.() ?? 0, shell: null }
  }
}

/** The shell, unless there is none or one that refuses every login, as service accounts have. */
export function loginShell({ shell }: Account): string | undefined {
  return shell === null || shell === '' || /(nologin|false)$/.test(shell) ? undefined : shell
}

/** Whether an sshd that this account starts without PAM lets the account in. */
export function canLogIn(): boolean {
  const me = account()
  return loginShell(me) !== undefined && !isLocked(me.username)
}

/** Only root's sshd can see that, and then it refuses keys too. */
function isLocked(username: string): boolean {
  try {
    const lines = readFileSync('/etc/shadow', 'utf8').split('\n')
    return lines.some((line) => line.startsWith(`${username}:!`))
  } catch {
    return false
  }
}
