/** Holds the test support to its word: other tests build on it. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeHome } from './home'
import { makeCa, makeKey, publicKeyOf } from './keys'
import { descendants } from './processes'
import { describeWith, program, testWith } from './programs'
import { mustRun, run, type Finished } from './run'
import { createJob, parseFileCommand, parseLog, type Job } from './runner'
import { makeDirectory } from './scratch'
import { startSshd, type Sshd, type SshdOptions } from './sshd'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function sshd(options?: SshdOptions): Promise<Sshd> {
  const server = await startSshd(options)
  undo.push(server.stop)
  return server
}

/** A plain ssh that looks at nothing but what it is given. */
async function login(
  server: Sshd,
  options: { key: string; command: readonly string[]; knownHosts?: string; more?: string[] },
): Promise<Finished> {
  const knownHosts = join(makeDirectory(), 'known_hosts')
  writeFileSync(knownHosts, options.knownHosts ?? server.knownHosts())
  return run(program('ssh'), [
    ...['-F', 'none', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes'],
    ...['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'GlobalKnownHostsFile=/dev/null'],
    ...['-o', 'IdentityAgent=none', '-o', 'IdentitiesOnly=yes', '-i', options.key],
    ...(options.more ?? []),
    ...['-p', String(server.port), `${server.user}@${server.address}`, ...options.command],
  ])
}

describeWith(['sshd', 'ssh', 'ssh-keygen'], 'sshd', () => {
  test('lets in the key that it was given, and logs it', async () => {
    const key = await makeKey(makeDirectory(), 'ed25519')
    const server = await sshd({ authorizedKeys: [key.publicKey] })
    const result = await login(server, { key: key.privateKeyFile, command: ['echo', 'in'] })
    expect(result).toMatchObject({ code: 0, stdout: 'in\n', stderr: '', pipesHeld: false })
    expect(server.log()).toContain(`Accepted publickey for ${server.user}`)
    expect(server.log()).toContain(key.fingerprint)
  })

  test('takes other keys while it runs', async () => {
    const key = await makeKey(makeDirectory(), 'ecdsa', { bits: 384, format: 'PEM' })
    const server = await sshd()
    const attempt = { key: key.privateKeyFile, command: ['true'] }
    expect((await login(server, attempt)).stderr).toContain('Permission denied')
    await server.setAuthorizedKeys([key.publicKey])
    expect((await login(server, attempt)).code).toBe(0)
  })

  test('has host keys of several types', async () => {
    const server = await sshd({ hostKeys: ['rsa', 'ecdsa', 'ed25519'] })
    expect(server.publicKey()).toBe(server.publicKey('rsa'))
    expect(server.publicKey('rsa')).toMatch(/^ssh-rsa AAAA\S+$/)
    expect(server.publicKey('ecdsa')).toMatch(/^ecdsa-sha2-nistp256 AAAA\S+$/)
    expect(server.publicKey('ed25519')).toMatch(/^ssh-ed25519 AAAA\S+$/)
    expect(server.fingerprint('rsa')).toMatch(/^SHA256:[\w+/]{43}$/)
    expect(server.knownHosts().split('\n')).toHaveLength(4)
  })

  test('gives no two servers the same key', async () => {
    const one = await sshd({ hostKeys: ['rsa'] })
    const other = await sshd({ hostKeys: ['rsa'] })
    expect(other.fingerprint()).not.toBe(one.fingerprint())
  })

  test('can come back as the same server', async () => {
    const first = await sshd({ hostKeys: ['ed25519', 'ecdsa'] })
    await first.stop()
    expect(first.log()).toContain('terminating')
    const second = await sshd({ hostKeys: first.hostKeyFiles, port: first.port })
    expect(second.knownHosts()).toBe(first.knownHosts())
  })

  test('tells why it does not start', async () => {
    await expect(startSshd({ extraConfig: ['NoSuchOption yes'] })).rejects.toThrow('NoSuchOption')
  })

  test('tells when its port is taken', async () => {
    const { port } = await sshd()
    await expect(startSshd({ port })).rejects.toThrow(`port ${String(port)} is taken`)
  })

  test('shows a host certificate', async () => {
    const directory = makeDirectory()
    const ca = await makeCa(directory)
    const key = await makeKey(directory, 'ed25519')
    const server = await sshd({
      authorizedKeys: [key.publicKey],
      hostCertificate: { caKeyPath: ca.privateKeyFile, principals: ['127.0.0.1'], validity: '+1h' },
    })
    const knownHosts = `@cert-authority * ${ca.publicKey}\n`
    const result = await login(server, { key: key.privateKeyFile, command: ['true'], knownHosts })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(server.hostCertificateFiles).toHaveLength(1)
  })

  test('takes user certificates by extra lines, with a Match block', async () => {
    const directory = makeDirectory()
    const ca = await makeCa(directory)
    const key = await makeKey(directory, 'ed25519')
    const server = await sshd({
      extraConfig: [
        `TrustedUserCAKeys ${ca.publicKeyFile}`,
        'Match all',
        'ForceCommand echo forced',
      ],
    })
    await ca.sign(key.publicKeyFile, { principals: [server.user], validity: '+1h', serial: 7 })
    const result = await login(server, { key: key.privateKeyFile, command: ['true'] })
    expect(result).toMatchObject({ code: 0, stdout: 'forced\n' })
    expect(server.log()).toContain('(serial 7)')
  })

  test('takes its sessions with it', async () => {
    const key = await makeKey(makeDirectory(), 'ed25519')
    const server = await sshd({ authorizedKeys: [key.publicKey] })
    // The line that it prints tells that the session is up; then the server goes.
    const session = run(
      program('ssh'),
      [
        ...['-F', 'none', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no'],
        ...['-o', 'UserKnownHostsFile=/dev/null', '-o', 'IdentityAgent=none'],
        ...['-i', key.privateKeyFile, '-p', String(server.port)],
        ...[`${server.user}@${server.address}`, 'echo up; exec sleep 600'],
      ].flat(),
      {
        onLine: (line) => {
          if (line === 'up') void server.stop()
        },
      },
    )
    expect(await session).toMatchObject({ code: 255, stdout: 'up\n', timedOut: false })
  })

  testWith(['ipv6'], 'listens on IPv6 too', async () => {
    const key = await makeKey(makeDirectory(), 'ed25519')
    const server = await sshd({ address: '::1', authorizedKeys: [key.publicKey] })
    expect((await login(server, { key: key.privateKeyFile, command: ['true'] })).code).toBe(0)
  })

  testWith(['rsync'], 'serves rsync', async () => {
    const directory = makeDirectory()
    const key = await makeKey(directory, 'ed25519')
    const server = await sshd({ authorizedKeys: [key.publicKey] })
    writeFileSync(join(directory, 'known_hosts'), server.knownHosts())
    writeFileSync(join(directory, 'from'), 'content')
    const ssh = [
      ...[program('ssh'), '-F', 'none', '-o', 'BatchMode=yes', '-o', 'IdentityAgent=none'],
      ...['-o', `UserKnownHostsFile=${directory}/known_hosts`],
      ...['-i', key.privateKeyFile, '-p', String(server.port)],
    ].join(' ')
    const target = `${server.user}@${server.address}:${directory}/to`
    await mustRun(program('rsync'), ['-e', ssh, join(directory, 'from'), target])
    expect(readFileSync(join(directory, 'to'), 'utf8')).toBe('content')
  })

  testWith(['nss_wrapper', 'sftp'], 'lets logins land in a home of their own', async () => {
    const home = await makeHome()
    undo.push(home.remove)
    const key = await makeKey(makeDirectory(), 'ed25519')
    mkdirSync(join(home.directory, '.ssh'), { mode: 0o700 })
    writeFileSync(join(home.directory, '.ssh', 'authorized_keys'), key.publicKey)
    writeFileSync(join(home.directory, '.ssh', 'config'), 'Host inner\nHostName seen.example\n')
    writeFileSync(join(home.directory, '.bashrc'), 'echo disturbed\n')
    const server = await sshd({ home })
    const result = await login(server, {
      key: key.privateKeyFile,
      command: ['pwd; echo "$HOME"; ssh -G inner | grep "^hostname "'],
    })
    const { directory } = home
    expect(result.stdout).toBe(`${directory}\n${directory}\nhostname seen.example\n`)
  })
})

describeWith(['nss_wrapper', 'ssh'], 'home', () => {
  test('is what ssh and node see', async () => {
    const home = await makeHome({ hosts: { 'server.test': '127.0.0.1' } })
    undo.push(home.remove)
    mkdirSync(join(home.directory, '.ssh'), { mode: 0o700 })
    writeFileSync(join(home.directory, '.ssh', 'config'), 'Host short\nHostName long.example\n')
    const job = createJob({ home })
    undo.push(job.cleanup)

    const ssh = await job.exec(program('ssh'), ['-G', 'short'])
    expect(ssh.stdout).toContain('hostname long.example\n')
    expect(ssh.stdout).toContain(`userknownhostsfile ${home.directory}/.ssh/known_hosts `)
    const node = await job.exec(process.execPath, [
      '-e',
      `console.log(os.userInfo().homedir, os.homedir(), os.userInfo().uid)
       dns.lookup('server.test', (error, address) => console.log(address))`,
    ])
    const uid = String(process.getuid?.())
    expect(node.stdout).toBe(`${home.directory} ${home.directory} ${uid}\n127.0.0.1\n`)
  })

  test('shows all that is in it', async () => {
    const home = await makeHome()
    undo.push(home.remove)
    expect([...home.snapshot().keys()]).toEqual(['.'])
    mkdirSync(join(home.directory, 'a'))
    chmodSync(join(home.directory, 'a'), 0o711)
    writeFileSync(join(home.directory, 'a', 'b'), 'text')
    chmodSync(join(home.directory, 'a', 'b'), 0o640)
    symlinkSync('a/b', join(home.directory, 'c'))
    const before = home.snapshot()
    expect(Object.fromEntries(before)).toMatchObject({
      '.': { type: 'directory', mode: '700' },
      a: { type: 'directory', mode: '711' },
      'a/b': { type: 'file', mode: '640', content: Buffer.from('text').toString('base64') },
      c: { type: 'symlink', content: 'a/b' },
    })
    chmodSync(join(home.directory, 'a', 'b'), 0o600)
    expect(home.snapshot()).not.toEqual(before)
  })
})

describeWith(['ssh-keygen'], 'keys', () => {
  test('are of the type and format asked for', async () => {
    const directory = makeDirectory()
    const pem = await makeKey(directory, 'rsa', { bits: 2048, format: 'PEM', comment: 'a b' })
    expect(pem.privateKey).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/)
    expect(pem.publicKey).toMatch(/^ssh-rsa \S+ a b$/)
    const pkcs8 = await makeKey(directory, 'ecdsa', { format: 'PKCS8', passphrase: 'secret' })
    expect(pkcs8.privateKey).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
    const own = await makeKey(directory, 'ed25519')
    expect(own.privateKey).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----/)
    expect(await publicKeyOf(own.privateKeyFile)).toBe(own.publicKey)
    await expect(makeKey(directory, 'ed25519', { format: 'PEM' })).rejects.toThrow('no PEM')
  })
})

describe('runner', () => {
  function job(): Job {
    const made = createJob({ env: { EXTRA: 'given' } })
    undo.push(made.cleanup)
    return made
  }

  function script(made: Job, text: string): string {
    const file = join(made.directory, 'script.js')
    writeFileSync(file, text)
    return file
  }

  test('hands over inputs and state, and takes what the step leaves', async () => {
    const made = job()
    const result = await made.run(
      script(
        made,
        `const { appendFileSync } = require('node:fs')
         const { env } = process
         const put = (name, text) => appendFileSync(env[name], text)
         put('GITHUB_STATE', 'token=a=b\\nlong<<END\\none\\ntwo=2\\nEND\\n')
         put('GITHUB_OUTPUT', \`key<<"E"\\n\${env['INPUT_SSH-PRIVATE-KEY']}\\n"E"\\n\`)
         put('GITHUB_OUTPUT', \`extra=\${env.EXTRA}\${env.INPUT_TWO_WORDS}\${env.STATE_pid}\\n\`)
         put('GITHUB_ENV', 'SSH_AUTH_SOCK=/some/where\\n')
         put('GITHUB_PATH', '/first\\n')
         put('GITHUB_STEP_SUMMARY', '# Done')
         console.log('::add-mask::hidden')
         console.log('::error title=A%2C b,file=x::one%0Atwo %25')
         console.error('hidden, on stderr')
         process.exitCode = 3`,
      ),
      { 'ssh-private-key': 'line\nline', 'two words': '+' },
      { state: { pid: '42' } },
    )
    expect(result).toMatchObject({
      code: 3,
      signal: null,
      timedOut: false,
      pipesHeld: false,
      state: { token: 'a=b', long: 'one\ntwo=2' },
      outputs: { key: 'line\nline', extra: 'given+42' },
      env: { SSH_AUTH_SOCK: '/some/where' },
      path: ['/first'],
      summary: '# Done',
      stderr: 'hidden, on stderr\n',
      masks: ['hidden'],
      annotations: [
        { level: 'error', message: 'one\ntwo %', properties: { title: 'A, b', file: 'x' } },
      ],
    })
    expect(result.log).not.toContain('add-mask')
    expect(result.log).toContain('hidden, on stderr\n')

    const later = await made.exec(process.execPath, [
      '-p',
      `[process.env.SSH_AUTH_SOCK, process.env.PATH.split(':')[0], process.env.INPUT_TWO_WORDS]`,
    ])
    expect(later.stdout).toBe(`[ '/some/where', '/first', undefined ]\n`)
  })

  test('reads file commands as strictly as the runner', () => {
    expect(parseFileCommand('a=1<<2\r\n\r\nb<<x=y\r\n1\r\n\r\n2\r\nx=y\r\n')).toEqual({
      a: '1<<2',
      b: '1\n\n2',
    })
    expect(() => parseFileCommand('a<<END\nnever ends\n')).toThrow("no end of 'a<<END'")
    expect(() => parseFileCommand('neither\n')).toThrow('invalid line')
    expect(() => parseFileCommand('=value\n')).toThrow('invalid line')
  })

  test('finds no commands where they are stopped', () => {
    const lines = ['::stop-commands::t0k', '::error::quoted', '::t0k::', '::warning::real%0D%250A']
    expect(parseLog(lines).annotations).toEqual([
      { level: 'warning', message: 'real\r%0A', properties: {} },
    ])
  })

  test('gives a program its input, and kills it when its time is over', async () => {
    const made = job()
    const echo = 'process.stdin.pipe(process.stdout)'
    expect((await made.exec(process.execPath, ['-e', echo], { input: 'in' })).stdout).toBe('in')
    const stuck = ['-e', 'setInterval(() => {}, 1000)']
    expect(await made.exec(process.execPath, stuck, { timeout: 300 })).toMatchObject({
      code: null,
      signal: 'SIGKILL',
      timedOut: true,
    })
    await expect(made.exec('/no/such/program')).rejects.toThrow('ENOENT')
  })

  if (process.platform === 'linux') {
    test('sees what outlives a step, and ends it', async () => {
      const made = job()
      const result = await made.run(
        script(
          made,
          `const stuck = ['-e', 'setInterval(() => {}, 1000)', 'left-behind']
           const options = { detached: true, stdio: 'ignore' }
           const child = require('node:child_process').spawn(process.execPath, stuck, options)
           child.unref()
           console.log(child.pid)`,
        ),
      )
      expect(result).toMatchObject({ code: 0, pipesHeld: false })
      const pid = Number(result.stdout)
      expect(made.processes()).toEqual([
        { pid, command: expect.arrayContaining(['left-behind']) as unknown },
      ])
      await made.cleanup()
      expect(made.processes()).toEqual([])
    })

    test('tells when somebody else holds the streams of a step', async () => {
      const made = job()
      const result = await made.run(
        script(
          made,
          `const stuck = ['-e', 'setInterval(() => {}, 1000)']
           const options = { detached: true, stdio: 'inherit' }
           require('node:child_process').spawn(process.execPath, stuck, options).unref()`,
        ),
      )
      expect(result).toMatchObject({ code: 0, pipesHeld: true })
    }, 30_000)

    test('finds descendants', async () => {
      const pids: number[] = []
      await run('/bin/sh', ['-c', 'sleep 600 & echo ready; wait'], {
        onStart: (child) => {
          child.stdout?.once('data', () => {
            pids.push(...descendants(child.pid ?? 0))
            for (const pid of pids) process.kill(pid)
          })
        },
      })
      expect(pids).toHaveLength(1)
    })
  }
})
