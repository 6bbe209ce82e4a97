/** Logging in to real servers, and to one in this process for what a real one can't be made to do. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { Server as SshServer, type AuthContext, type Client, type Prompt } from 'ssh2'
import {
  connectTo,
  openSftp,
  runScript,
  serverSoftware,
  type ConnectOptions,
  type Credentials,
} from '../../src/remote/connect'
import { generatePrivateKey, type PrivateKey } from '../../src/ssh/private-key'
import { encodePublicKey, formatPublicKey } from '../../src/ssh/public-key'
import { makeSignature } from '../../src/ssh/signature'
import { describeWith, program, testWith } from '../support/programs'
import { mustRun } from '../support/run'
import { makeDirectory } from '../support/scratch'
import { account } from '../support/account'
import { addressOf, makeProgram, newKey, startHost, type Host, type HostOptions } from './fixtures'

let closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers) await close()
  closers = []
})

async function host(options: HostOptions = {}): Promise<Host> {
  const started = await startHost(options)
  closers.push(started.stop)
  return started
}

const PASSWORD = 'correct horse "battery" $taple ä'

describeWith(['sshd', 'nss_wrapper'], 'a login at sshd', () => {
  test.each(['ed25519', 'ecdsa-256', 'ecdsa-521', 'rsa-2048'])('with a key %s', async (name) => {
    const { sshd, connect: log } = await host()
    const [type, bits] = {
      ed25519: ['ssh-ed25519', 256] as const,
      'ecdsa-256': ['ecdsa-sha2-nistp256', 256] as const,
      'ecdsa-521': ['ecdsa-sha2-nistp521', 521] as const,
      'rsa-2048': ['ssh-rsa', 2048] as const,
    }[name] ?? ['ssh-ed25519', 256]
    const key = generatePrivateKey({ type, bits }, '')
    await sshd.setAuthorizedKeys([formatPublicKey(key.publicKey)])
    const client = await log({ kind: 'key', key })
    expect(serverSoftware(client)).toMatch(/^OpenSSH_/)
  })

  test('with a key that the caller signs for, behind one that is not accepted', async () => {
    const { key, connect: log } = await host()
    const signed: Buffer[] = []
    await log({
      kind: 'signer',
      keys: [newKey().publicKey, key.publicKey],
      sign: async (blob, data, sessionId) => {
        signed.push(blob)
        expect(data.includes(sessionId)).toBe(true)
        return Promise.resolve(makeSignature(key.type, key.key, data, 'sha512'))
      },
    })
    expect(signed).toEqual([key.publicKey])
  })

  test('does not come about with a key that is not accepted', async () => {
    const { connect: log } = await host()
    await expect(log({ kind: 'key', key: newKey() })).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringMatching(/: no key was accepted\.$/) as unknown,
    })
  })

  test('goes on to the next of several, in the same connection', async () => {
    const { sshd, key } = await host()
    const credentials: Credentials[] = [
      { kind: 'password', password: PASSWORD }, // not offered there
      { kind: 'key', key: newKey() },
      { kind: 'key', key },
      { kind: 'key', key: newKey() },
    ]
    const tried: Credentials[] = []
    const onTry = (one: Credentials): void => void tried.push(one)
    const client = await connectTo({ ...addressOf(sshd), credentials, timeout: 10_000, onTry })
    client.end()
    expect(tried).toEqual(credentials.slice(0, 3))
    await sshd.stop()
    expect(sshd.log().match(/Connection from/g)).toHaveLength(1)
  })

  test('tells of each of several that is not accepted', async () => {
    const { sshd } = await host()
    const credentials: Credentials[] = [
      { kind: 'key', key: newKey() },
      { kind: 'password', password: PASSWORD },
    ]
    const login = connectTo({ ...addressOf(sshd), credentials, timeout: 10_000 })
    await expect(login).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringMatching(
        /^2 things are wrong:[^]*no key was accepted[^]*publickey only, not with password/,
      ) as unknown,
    })
  })

  test('tells why the caller did not sign', async () => {
    const { key, connect: log } = await host()
    const credentials: Credentials = {
      kind: 'signer',
      keys: [key.publicKey],
      sign: async () => Promise.reject(new Error('the policy forbids it')),
    }
    await expect(log(credentials)).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('the policy forbids it') as unknown,
    })
  })

  test('names the methods that there are where ours is not among them', async () => {
    const { connect: log } = await host()
    await expect(log({ kind: 'password', password: PASSWORD })).rejects.toMatchObject({
      code: 'login-method-absent',
      message: expect.stringContaining('log in with publickey only, not with password') as unknown,
    })
  })

  test('names the method that is wanted besides', async () => {
    const { connect: log } = await host({
      config: ['PasswordAuthentication yes', 'AuthenticationMethods password,publickey'],
      ...(await shadow()),
    })
    await expect(log({ kind: 'password', password: PASSWORD })).rejects.toMatchObject({
      code: 'login-method-absent',
      message: expect.stringMatching(
        /took the password for .*, and wants more: publickey\.$/,
      ) as unknown,
    })
  })

  test('speaks to no other key of the same type, and tells it nothing', async () => {
    const { sshd } = await host()
    const hostKey = newKey().publicKey
    const wrong = connectTo({ ...addressOf(sshd), hostKey, ...withKey(newKey()) })
    await expect(wrong).rejects.toMatchObject({ code: 'host-key-changed' })
    await sshd.stop()
    expect(sshd.log()).not.toMatch(/userauth-request|Failed|Accepted/)
  })

  test('speaks to no key of another type', async () => {
    const { sshd } = await host()
    const hostKey = generatePrivateKey({ type: 'ecdsa-sha2-nistp256', bits: 256 }, '').publicKey
    const wrong = connectTo({ ...addressOf(sshd), hostKey, ...withKey(newKey()) })
    await expect(wrong).rejects.toMatchObject({ code: 'host-key-changed' })
  })
})

function withKey(key: PrivateKey): Pick<ConnectOptions, 'credentials' | 'timeout'> {
  return { credentials: { kind: 'key', key }, timeout: 10_000 }
}

/** What makes sshd know our password, without the machine's accounts. */
async function shadow(): Promise<Pick<HostOptions, 'env'>> {
  const hash = await mustRun(program('openssl'), ['passwd', '-6', '-stdin'], { input: PASSWORD })
  const file = join(makeDirectory('shadow'), 'shadow')
  writeFileSync(file, `${account().username}:${hash.trim()}:19000:0:99999:7:::\n`)
  return { env: { NSS_WRAPPER_SHADOW: file } }
}

describeWith(['sshd', 'nss_wrapper', 'openssl', 'root'], 'a password at sshd', () => {
  const config = ['PasswordAuthentication yes']

  test('logs in', async () => {
    const { connect: log } = await host({ config, ...(await shadow()) })
    const client = await log({ kind: 'password', password: PASSWORD })
    expect((await runScript(client, 'echo in', Buffer.alloc(0))).stdout.toString()).toBe('in\n')
  })

  test('that is wrong is told once', async () => {
    const { sshd, connect: log } = await host({
      config: [...config, 'KbdInteractiveAuthentication yes'],
      ...(await shadow()),
    })
    await expect(log({ kind: 'password', password: 'x' })).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('the password was not accepted') as unknown,
    })
    await sshd.stop()
    expect(sshd.log().match(/Failed password/g)).toHaveLength(1)
  })
})

describeWith(['sshd', 'nss_wrapper', 'pam_wrapper', 'root'], 'keyboard-interactive at sshd', () => {
  function pam(): HostOptions {
    const directory = makeDirectory('pam')
    const library = program('pam_wrapper')
    const module = join(dirname(library), 'pam_wrapper/pam_matrix.so')
    writeFileSync(join(directory, 'passdb'), `${account().username}:${PASSWORD}:sshd\n`)
    mkdirSync(join(directory, 'services'))
    const lines = ['auth', 'account', 'password', 'session'].map(
      (kind) => `${kind} required ${module} passdb=${join(directory, 'passdb')}\n`,
    )
    writeFileSync(join(directory, 'services/sshd'), lines.join(''))
    return {
      config: ['UsePAM yes', 'KbdInteractiveAuthentication yes'],
      env: {
        LD_PRELOAD: library,
        PAM_WRAPPER: '1',
        PAM_WRAPPER_SERVICE_DIR: join(directory, 'services'),
      },
    }
  }

  test('takes the password where there is no other way to tell it', async () => {
    const { connect: log } = await host(pam())
    const client = await log({ kind: 'password', password: PASSWORD })
    expect((await runScript(client, 'echo in', Buffer.alloc(0))).stdout.toString()).toBe('in\n')
  })

  test('does not take another', async () => {
    const { connect: log } = await host(pam())
    await expect(log({ kind: 'password', password: 'x' })).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('the password was not accepted') as unknown,
    })
  })
})

describe('a server in this process', () => {
  /** Starts a server; gives what it takes to log in there. */
  async function serve(authenticate: (context: AuthContext) => void): Promise<ConnectOptions> {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const pem = privateKey.export({ format: 'pem', type: 'pkcs1' })
    const clients = new Set<{ end: () => void }>()
    const server = new SshServer({ hostKeys: [pem] }, (client) => {
      clients.add(client)
      client.on('error', () => undefined)
      client.on('authentication', authenticate)
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    closers.push(async () => {
      for (const client of clients) client.end()
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
    })
    return {
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      user: 'me',
      hostKey: encodePublicKey(publicKey).blob,
      credentials: { kind: 'password', password: PASSWORD },
      timeout: 5000,
    }
  }

  /** Asks these questions, each list in a round of its own, and gathers the answers. */
  function ask(rounds: readonly Prompt[][], answers: string[][]) {
    return (context: AuthContext): void => {
      if (context.method !== 'keyboard-interactive') {
        context.reject(['keyboard-interactive'])
        return
      }
      const next = (round: number): void => {
        const prompts = rounds[round]
        if (prompts === undefined) {
          if (answers.flat().includes(PASSWORD)) context.accept()
          else context.reject(['keyboard-interactive'])
        } else {
          context.prompt(prompts, (given) => {
            answers.push(given)
            next(round + 1)
          })
        }
      }
      next(0)
    }
  }

  const hidden = { prompt: 'Password: ', echo: false }

  test('is told the password when it asks for one thing, without echo', async () => {
    const answers: string[][] = []
    const client = await connectTo(await serve(ask([[hidden], []], answers)))
    client.end()
    expect(answers.slice(0, 1)).toEqual([[PASSWORD]])
  })

  test.each([
    ['a thing that it would show', [[{ prompt: 'User: ', echo: true }]]],
    ['two things at once', [[hidden, { prompt: 'Code: ', echo: false }]]],
  ])('is not told the password when it asks for %s', async (_, rounds) => {
    const answers: string[][] = []
    await expect(connectTo(await serve(ask(rounds, answers)))).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('the server asks for "') as unknown,
    })
    expect(answers.flat()).not.toContain(PASSWORD)
  })

  test('is told the password once', async () => {
    const answers: string[][] = []
    const rounds = [[hidden], [{ prompt: 'New password: ', echo: false }]]
    await connectTo(await serve(ask(rounds, answers))).then((client) => client.end())
    expect(answers).toEqual([[PASSWORD], ['']])
  })

  test('that wants another password is refused', async () => {
    const options = await serve((context) => {
      if (context.method === 'password') context.requestChange('Expired', () => undefined)
      else context.reject(['password'])
    })
    await expect(connectTo(options)).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('has expired') as unknown,
    })
  })

  test('that does not answer the login is given up', async () => {
    const options = await serve(() => undefined)
    await expect(connectTo({ ...options, timeout: 500 })).rejects.toMatchObject({
      code: 'host-timeout',
      message: expect.stringContaining('The login did not come to an end') as unknown,
    })
  })
})

describe('a server that is none', () => {
  async function listen(answer: (socket: Socket) => void): Promise<ConnectOptions> {
    const sockets = new Set<Socket>()
    const server: Server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      answer(socket)
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    closers.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const credentials = { kind: 'password', password: PASSWORD } as const
    return {
      host: '127.0.0.1',
      port,
      user: 'me',
      hostKey: newKey().publicKey,
      credentials,
      timeout: 5000,
    }
  }

  test.each([
    ['says nothing', () => undefined, 'host-timeout', 300],
    ['closes at once', (socket: Socket) => socket.end(), 'host-closed', 5000],
    [
      'closes after its version',
      (socket: Socket) => socket.end('SSH-2.0-x\r\n'),
      'host-closed',
      5000,
    ],
    [
      'speaks another protocol',
      (socket: Socket) => socket.end('SSH-1.5-x\r\n'),
      'host-protocol',
      5000,
    ],
  ] as const)('and %s', async (_, answer, code, timeout) => {
    const options = await listen((socket) => void answer(socket))
    await expect(connectTo({ ...options, timeout })).rejects.toMatchObject({ code })
  })

  test('because nothing listens', async () => {
    const options = await listen(() => undefined)
    closers.forEach((close) => void close())
    closers = []
    await gone(options.port)
    await expect(connectTo(options)).rejects.toMatchObject({ code: 'host-refused' })
  })

  test('because the name is nobody’s', async () => {
    const options = await listen(() => undefined)
    const nobody = connectTo({ ...options, host: 'nobody.invalid' })
    await expect(nobody).rejects.toMatchObject({ code: 'host-not-found' })
  })
})

/** Waits until nothing listens on a port. */
async function gone(port: number): Promise<void> {
  const open = await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
  if (open) await gone(port)
}

const NONE = Buffer.alloc(0)

async function output(client: Client, script: string, data = NONE): Promise<string> {
  return (await runScript(client, script, data)).stdout.toString('latin1')
}

describe('a script', () => {
  for (const shell of ['bash', 'dash', 'busybox', 'mksh', 'tcsh', 'fish'] as const) {
    testWith(['sshd', 'nss_wrapper', shell], `runs under the login shell ${shell}`, async () => {
      const client = await (await host({ shell })).connect()
      const data = Buffer.from([...Array(256).keys()])
      const result = await runScript(client, 'cat; echo oops >&2; exit 3', data)
      expect(result).toEqual({ code: 3, stdout: data, stderr: 'oops\n' })
    })
  }

  for (const sh of ['bash', 'dash', 'busybox', 'mksh'] as const) {
    testWith(['sshd', 'nss_wrapper', 'linux', sh], `runs where sh is ${sh}`, async () => {
      const client = await (await host({ sh })).connect()
      const script = 'readlink /proc/$$/exe; IFS= read -r line; printf "%s\\n" "$line"; cat'
      const [exe, ...rest] = (await output(client, script, Buffer.from('a b \\n\nc\0d'))).split(
        '\n',
      )
      expect(exe).toContain(sh)
      expect(rest).toEqual(['a b \\n', 'c\0d'])
    })
  }

  describeWith(['sshd', 'nss_wrapper'], 'on a host', () => {
    test('of many bytes and with many bytes of output', async () => {
      const client = await (await host()).connect()
      const data = Buffer.alloc(3_000_000, 'abcdefg\n\0')
      const { stdout } = await runScript(client, 'cat', data)
      expect(stdout.equals(data)).toBe(true)
    })

    test('is in nobody’s arguments, and neither are the data', async () => {
      const client = await (await host()).connect()
      const seen = await output(client, 'tr "\\0" " " </proc/$$/cmdline; cat >/dev/null', NONE)
      expect(seen.trim()).toBe('sh')
    })

    test('that exits early does not have its data run', async () => {
      const client = await (await host()).connect()
      const result = await runScript(client, 'exit 4', Buffer.from('echo pwned\n'.repeat(10_000)))
      expect(result).toMatchObject({ code: 4, stdout: NONE })
    })

    test('with more output than allowed is ended', async () => {
      const client = await (await host()).connect()
      const endless = runScript(client, 'while :; do echo xxxxxxxx; done', NONE, {
        maxOutput: 5000,
      })
      await expect(endless).rejects.toMatchObject({ code: 'remote-shell' })
      expect(await output(client, 'echo still')).toBe('still\n')
    })

    test('that does not end is given up', async () => {
      const client = await (await host()).connect()
      const endless = runScript(client, 'sleep 20', NONE, { timeout: 300 })
      await expect(endless).rejects.toMatchObject({ code: 'host-timeout' })
    })

    test('that is killed is told from one that ends', async () => {
      const client = await (await host()).connect()
      const killed = runScript(client, 'kill -9 $$', NONE)
      await expect(killed).rejects.toMatchObject({
        code: 'host-closed',
        message: expect.stringContaining('was ended before its script') as unknown,
      })
    })

    test('learns of the end of the connection', async () => {
      const { connect: log, sshd } = await host()
      const client = await log()
      const lost = runScript(client, 'sleep 20', NONE)
      const told = expect(lost).rejects.toMatchObject({ code: 'host-closed' })
      await runScript(client, 'true', NONE)
      await sshd.stop()
      await told
    })

    test.each([
      ['nologin', '#!/bin/sh\necho This account is currently not available.\nexit 1\n'],
      ['false', '#!/bin/sh\nexit 1\n'],
      ['git-shell', '#!/bin/sh\necho "fatal: unrecognized command \'sh\'" >&2\nexit 128\n'],
    ])('does not run with the login shell %s', async (_, text) => {
      const client = await (await host({ shell: makeProgram(text) })).connect()
      const said = /echo "?(.*?)"?( >&2)?\n/.exec(text)?.[1] ?? 'said nothing'
      await expect(runScript(client, 'true', NONE)).rejects.toMatchObject({
        code: 'remote-shell',
        message: expect.stringContaining(said) as unknown,
        hint: expect.stringContaining('SFTP or git alone') as unknown,
      })
    })

    test('does not run where the key has a command of its own', async () => {
      const client = await (await host({ options: 'command="cat"' })).connect()
      const echoed = runScript(client, 'true', NONE, { timeout: 1000 })
      await expect(echoed).rejects.toMatchObject({ code: 'remote-shell' })
    })

    test('does not run where there are no sessions', async () => {
      const client = await (await host({ config: ['MaxSessions 0'] })).connect()
      await expect(runScript(client, 'true', NONE)).rejects.toMatchObject({ code: 'remote-shell' })
    })

    test('there is no SFTP where the subsystem is missing', async () => {
      const client = await (await host({ config: ['Subsystem sftp /bin/false'] })).connect()
      await expect(openSftp(client)).rejects.toMatchObject({ code: 'remote-shell' })
    })
  })

  const noisy = [
    ['bash', '.bashrc', 'echo noise; printf "no newline"; echo more >&2; touch ~/read\n'],
    ['tcsh', '.cshrc', 'echo noise\necho -n "no newline"\ntouch ~/read\n'],
    ['fish', '.config/fish/config.fish', 'echo noise; echo -n "no newline"; touch ~/read\n'],
  ] as const
  for (const [shell, file, text] of noisy) {
    testWith(['sshd', 'nss_wrapper', shell], `of ${shell} with a noisy ~/${file}`, async () => {
      // bash reads it where it believes to be started by sshd.
      const started = await host({ shell, env: { SHLVL: '0' } })
      const path = join(started.home.directory, file)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
      const client = await started.connect()
      expect(await output(client, 'cat', Buffer.from('x\n'))).toBe('x\n')
      expect(existsSync(join(started.home.directory, 'read'))).toBe(true)
    })
  }
})
