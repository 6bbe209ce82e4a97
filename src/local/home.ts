/** The ~/.ssh that ssh itself looks at: of the passwd entry, whatever $HOME says. */
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { TrustError } from '../errors'
import { statOf } from './files'

/**
 * Path of ~/.ssh, which need not exist.
 *
 * @throws TrustError `home-unsafe` where there is none that ssh would use
 */
export function sshDirectory(): string {
  let home: string
  try {
    home = userInfo().homedir
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
  const stat = statOf(home)
  if (stat?.isDirectory() !== true) {
    throw new TrustError('home-unsafe', `The home directory ${home} does not exist.`, {
      hint: 'Make it, or set home: false and use the ssh-config output (ssh -F).',
    })
  }
  return join(home, '.ssh')
}
