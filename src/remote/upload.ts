/** A file over SFTP. */
import { openSftp, type Connection } from './connect'

/** Writes a file on the host, made new or replaced. */
export async function uploadFile(client: Connection, path: string, content: Buffer): Promise<void> {
  const sftp = await openSftp(client)
  return new Promise((resolve, reject) => {
    sftp.writeFile(path, content, (failure) => {
      if (failure === null || failure === undefined) resolve()
      else reject(failure)
    })
  })
}
