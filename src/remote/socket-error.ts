/** What is wrong with a connection, from the error of its socket, in words a person can act on. */
import { systemCode, TrustError } from '../errors'

/** @param closed the error of a connection that the server has closed: what was lost by that differs */
export function socketError(error: Error, closed: () => TrustError): TrustError {
  // Happy eyeballs: all the addresses of a name failed; the first reason is as good as any.
  const first: unknown = 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : error
  const code = systemCode(first) ?? 'unknown'
  const cause = error
  switch (code) {
    case 'ENOTFOUND':
      return new TrustError('host-not-found', 'There is no such host name.', {
        hint: 'Check the spelling; a name of a private network needs that network on the runner.',
        cause,
      })
    case 'EAI_AGAIN':
      return new TrustError(
        'host-not-found',
        'The host name could not be looked up: the name server does not answer.',
        {
          hint: 'Try again, or check the name service of the runner.',
          cause,
        },
      )
    case 'ECONNREFUSED':
      return new TrustError('host-refused', 'Nothing listens on that port.', {
        hint: 'Start the SSH server there (package openssh-server), or correct the port.',
        cause,
      })
    case 'ETIMEDOUT':
      return new TrustError('host-timeout', 'The connection timed out.', {
        hint: 'A firewall may be dropping it, or the machine is down or busy.',
        cause,
      })
    case 'ECONNRESET':
    case 'EPIPE':
      return closed()
    default:
      return new TrustError('host-unreachable', `The host can't be reached (${code}).`, {
        hint: 'Check the address and the network of the runner.',
        cause,
      })
  }
}
