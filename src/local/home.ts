/**
 * The ~/.ssh that ssh itself looks at: of the passwd entry, whatever $HOME says. On Windows that is the
 * user's profile for the ssh of Windows; that of Git takes $HOME first.
 */
import { userInfo } from 'node:os'
import { join, relative } from 'node:path'
import { TrustError } from '../errors'
import { statOf } from './files'

/**
 * Paths of ~/.ssh, which need not exist: one, or where two kinds of ssh don't agree both.
 *
 * @throws TrustError `home-unsafe` where there is none that ssh would use
 */
export function sshDirectories(platform = process.platform, env = process.env): string[] {
  const homes = [profile()]
  const { HOME = '' } = platform === 'win32' ? env : {}
  // relative() compares as the platform does, on Windows without regard to case.
  if (HOME !== '' && homes.every((home) => relative(home, HOME) !== '')) homes.push(HOME)
  return homes.map((home) => {
    if (statOf(home)?.isDirectory() !== true) {
      throw new TrustError('home-unsafe', `The home directory ${home} does not exist.`, {
        hint: 'Make it, or set home: false and use the ssh-config output (ssh -F).',
      })
    }
    return join(home, '.ssh')
  })
}

function profile(): string {
  try {
    return userInfo().homedir
  } catch (cause) {
    throw new TrustError(
      'home-unsafe',
      'This user has no passwd entry, so ssh has no home directory for it.',
      {
        hint: 'ssh itself refuses to run for such a user. Give the container a user, or set home: false.',
        cause,
      },
    )
  }
}
