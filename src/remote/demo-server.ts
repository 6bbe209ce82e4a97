/**
 * A small SSH server in this process: takes files over SFTP and keeps them in memory. For the demo,
 * and for tests of what a real server can't be made to do.
 */
import type { KeyObject } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { Server, utils, type Connection, type SFTPWrapper } from 'ssh2'

export interface DemoServer {
  port: number
  /** What clients have written, by path. */
  files: Map<string, Buffer>
  /** How many logins there were. */
  logins: () => number
  close: () => Promise<void>
}

/** Starts the server on 127.0.0.1; everybody who holds `authorizedKey` (wire format) may log in. */
export async function startDemoServer(
  hostKey: KeyObject,
  authorizedKey: Buffer,
  port = 0,
): Promise<DemoServer> {
  const files = new Map<string, Buffer>()
  const clients = new Set<Connection>()
  let logins = 0
  // ssh2 reads no PKCS#8: PKCS#1 it does, so the demo's host keys are RSA.
  const pem = hostKey.export({ format: 'pem', type: 'pkcs1' })
  const server = new Server({ hostKeys: [pem] }, (client) => {
    clients.add(client)
    client.on('error', () => undefined) // a client that just goes away
    client.on('close', () => clients.delete(client))
    client.on('authentication', (context) => {
      const key = utils.parseKey(authorizedKey)
      if (context.method !== 'publickey' || key instanceof Error) {
        context.reject(['publickey'])
      } else if (!context.key.data.equals(authorizedKey)) {
        context.reject(['publickey'])
      } else if (context.signature === undefined || context.blob === undefined) {
        context.accept() // it only asked whether this key would do
      } else {
        // The types say boolean; ssh2 can also return an Error, which must not pass for true.
        const verified: unknown = key.verify(context.blob, context.signature, context.hashAlgo)
        if (verified !== true) {
          context.reject(['publickey'])
          return
        }
        logins += 1
        context.accept()
      }
    })
    client.on('session', (accept) => {
      accept().on('sftp', (acceptSftp) => {
        serveSftp(acceptSftp(), files)
      })
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    files,
    logins: () => logins,
    close: async () => {
      for (const client of clients) client.end()
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
    },
  }
}

/** As much of SFTP as writing a file takes. */
function serveSftp(sftp: SFTPWrapper, files: Map<string, Buffer>): void {
  const { OK, FAILURE, NO_SUCH_FILE } = utils.sftp.STATUS_CODE
  const open = new Map<number, string>()
  let handles = 0
  sftp.on('end', () => {
    sftp.end() // scp waits for the channel to be closed from here
  })
  sftp.on('OPEN', (id, path) => {
    handles += 1
    open.set(handles, path)
    files.set(path, Buffer.alloc(0))
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(handles)
    sftp.handle(id, handle)
  })
  sftp.on('WRITE', (id, handle, offset, data) => {
    const path = open.get(handle.readUInt32BE())
    const content = path === undefined ? undefined : files.get(path)
    if (path === undefined || content === undefined) {
      sftp.status(id, FAILURE)
      return
    }
    const grown = Buffer.alloc(Math.max(content.length, offset + data.length))
    content.copy(grown)
    data.copy(grown, offset)
    files.set(path, grown)
    sftp.status(id, OK)
  })
  sftp.on('CLOSE', (id) => {
    sftp.status(id, OK)
  })
  sftp.on('REALPATH', (id, path) => {
    const name = path === '.' ? '/' : path
    sftp.name(id, [
      {
        filename: name,
        longname: name,
        attrs: { mode: 0o100644, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 },
      },
    ])
  })
  const stat = (id: number, path: string): void => {
    const content = files.get(path)
    if (content === undefined) sftp.status(id, NO_SUCH_FILE)
    else
      sftp.attrs(id, { mode: 0o100644, uid: 0, gid: 0, size: content.length, atime: 0, mtime: 0 })
  }
  sftp.on('STAT', stat)
  sftp.on('LSTAT', stat)
  sftp.on('FSETSTAT', (id) => {
    sftp.status(id, OK)
  })
  sftp.on('SETSTAT', (id) => {
    sftp.status(id, OK)
  })
}
