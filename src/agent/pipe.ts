/**
 * The named pipe by which Win32-OpenSSH (the ssh of Windows itself) reaches the agent. Node makes it
 * with the system's default access: full for its user, for administrators and for SYSTEM; others may
 * connect, but write nothing.
 */
import { randomBytes } from 'node:crypto'

/** Path of a pipe that nobody else has. The name is no secret: all pipes of a machine can be listed. */
export function newPipePath(): string {
  return `\\\\.\\pipe\\ssh-trust-${randomBytes(16).toString('hex')}`
}

/**
 * The same path for an ssh_config. Windows takes either slash, and in an ssh_config backslashes are
 * escapes, in newer versions only.
 */
export function pipePathForConfig(path: string): string {
  return path.replaceAll('\\', '/')
}

/** Whether a path is that of a named pipe: nothing in the file system, so it has no mode and no rest. */
export function isPipePath(path: string): boolean {
  return /^[\\/]{2}\.[\\/]pipe[\\/]/i.test(path)
}
