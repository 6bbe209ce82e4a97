/** What `ssh-keygen -Y sign` has signed: a commit, a file (OpenSSH's PROTOCOL.sshsig, section 3). */
import { Reader } from './wire'

/** PROTOCOL.sshsig: MAGIC_PREAMBLE. */
const MAGIC = Buffer.from('SSHSIG')

/** Longest namespace that is compared and told; OpenSSH sets no bound. */
const MAX_NAMESPACE = 1024

/** What a signature is for (`git`, `file`, …), or undefined where `data` is not to be signed so. */
export function sshsigNamespace(data: Buffer): string | undefined {
  try {
    const reader = new Reader(data)
    if (!reader.bytes(MAGIC.length).equals(MAGIC)) return undefined
    const namespace = reader.text(MAX_NAMESPACE)
    reader.string() // reserved
    reader.text(64) // hash algorithm
    reader.string(64) // the hash of the message
    reader.end('an SSHSIG')
    return namespace === '' ? undefined : namespace
  } catch {
    return undefined // short or overlong
  }
}

/** Whether `data` could be taken for something to be signed so, whole or not. */
export function beginsAsSshsig(data: Buffer): boolean {
  return data.subarray(0, MAGIC.length).equals(MAGIC)
}
