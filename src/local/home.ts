/**
 * The ~/.ssh that ssh itself looks at: of the passwd entry, whatever $HOME says. On Windows that is the
 * user's profile for the ssh of Windows; that of Git takes $HOME first.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { explain, TrustError } from '../errors'
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
    if (home.includes('\ufffd')) {
      throw new TrustError('home-unsafe', `The path of the home directory is not UTF-8: ${home}.`, {
        hint: 'Set home: false and use the ssh-config output (ssh -F).',
      })
    }
    if (statSync(home, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new TrustError('home-unsafe', `The home directory ${home} does not exist.`, {
        hint: 'Make it, or set home: false and use the ssh-config output (ssh -F).',
      })
    }
    const directory = join(home, '.ssh')
    requireUsable(directory)
    return directory
  })
}

/** It is there, or it can be made; and what ssh reads in it we can read too. */
function requireUsable(directory: string): void {
  const hint = 'Mend that, or set home: false and use the ssh-config output (ssh -F).'
  const require = (what: string, path: string, mode: number): void => {
    try {
      accessSync(path, mode)
    } catch (cause) {
      throw new TrustError('home-unsafe', `${what}: ${explain(cause)}.`, { hint, cause })
    }
  }
  if (statOf(directory) === undefined) {
    require(`${directory} can't be made`, dirname(directory), constants.W_OK | constants.X_OK)
    return
  }
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new TrustError('home-unsafe', `${directory} is not a directory.`, { hint })
  }
  require(`${directory} can't be entered`, directory, constants.X_OK)
  const config = join(directory, 'config')
  if (statOf(config)?.isFile() === true) {
    require(`${config} can't be read`, config, constants.R_OK)
  }
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
