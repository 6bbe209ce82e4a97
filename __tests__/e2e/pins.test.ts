/** Pins of every kind against real servers: what is taken, what stops the job, and how it is told. */
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { makeCa, makeKey } from '../support/keys'
import { describeWith, testWith } from '../support/programs'
import { startSshd, type Sshd, type SshdOptions } from '../support/sshd'
import { MAIN, makeScene, type Scene } from './fixtures'

describeWith(['sshd', 'ssh', 'ssh-keygen', 'nss_wrapper'], 'pins', () => {
  let scene: Scene
  let servers: Sshd[]

  beforeEach(async () => {
    scene = await makeScene()
    servers = []
  })

  afterEach(async () => {
    await Promise.all(servers.map(async (server) => server.stop()))
    await scene.end()
  })

  const serve = async (options: SshdOptions = {}): Promise<Sshd> => {
    const server = await startSshd({
      authorizedKeys: [scene.key.publicKey],
      home: scene.home,
      ...options,
    })
    servers.push(server)
    return server
  }
  const logsIn = async (name: string): Promise<void> => {
    const { code, stdout, stderr } = await scene.job.exec('ssh', [name, 'echo in'])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
  }
  const at = (server: Sshd, name = 'web'): string =>
    `${name}=${server.user}@127.0.0.1:${server.port}`

  test.each(['ed25519', 'ecdsa', 'rsa'] as const)(
    'a fingerprint of the %s key, on a server that has all three',
    async (type) => {
      const server = await serve({ hostKeys: ['ed25519', 'ecdsa', 'rsa'] })
      const main = await scene.main(`${at(server)} ${server.fingerprint(type)}`)
      expect(main.log).toContain(`proven, ${type.toUpperCase()} ${server.fingerprint(type)}`)
      await logsIn('web')
    },
  )

  test.each(['ed25519', 'ecdsa', 'rsa'] as const)('the full %s key', async (type) => {
    const server = await serve({ hostKeys: ['ed25519', 'ecdsa', 'rsa'] })
    const main = await scene.main(`${at(server)} ${server.publicKey(type)} # full`)
    expect(main).toMatchObject({ code: 0 })
    // A full key says its type: the server was asked once.
    expect(server.log().match(/host key proven/g)).toHaveLength(1)
    await logsIn('web')
  })

  test('what ssh-keygen -lf prints, pasted as it is', async () => {
    const server = await serve({ hostKeys: ['ed25519', 'rsa'] })
    const printed = `3072 ${server.fingerprint('rsa')} root@server (RSA)`
    const main = await scene.main(`${at(server)} ${printed}`)
    expect(main).toMatchObject({ code: 0 })
    expect(server.log().match(/host key proven/g)).toHaveLength(1)
  })

  test.each(['ed25519', 'ecdsa', 'rsa'] as const)('a host CA (%s)', async (type) => {
    const ca = await makeCa(scene.directory, type)
    const hostCertificate = { caKeyPath: ca.privateKeyFile, principals: ['127.0.0.1'] }
    const server = await serve({ hostKeys: ['ed25519', 'rsa'], hostCertificate })
    const main = await scene.main(`${at(server)} @cert-authority ${ca.publicKey}`)
    expect(main.log).toContain('ED25519-CERT')
    expect(main.log).toContain(ca.fingerprint)
    expect(readFileSync(main.outputs['known-hosts'] ?? '', 'utf8')).toMatch(/^@cert-authority /)
    await logsIn('web')
  })

  test('a host certificate for another host is not taken, and the reason is told', async () => {
    const ca = await makeCa(scene.directory)
    const hostCertificate = { caKeyPath: ca.privateKeyFile, principals: ['elsewhere.example'] }
    const server = await serve({ hostCertificate })
    const main = await scene.main(`${at(server)} @cert-authority ${ca.publicKey}`)
    expect(main.code).toBe(1)
    expect(main.annotations[0]?.message).toContain('it is for elsewhere.example, not for 127.0.0.1')
  })

  test('a changed host key stops the job, and names what was pinned and what was offered', async () => {
    const server = await serve({ hostKeys: ['ed25519', 'rsa'] })
    const other = await serve()
    const before = scene.home.snapshot()
    const main = await scene.main(`${at(server)} ${other.fingerprint()}`)
    expect(main).toMatchObject({ code: 1, outputs: {}, env: {} })
    const [error, ...more] = main.annotations
    expect(more).toEqual([])
    expect(error?.level).toBe('error')
    expect(error?.message).toMatch(/^hosts:1: The host key of web .* is not the pinned one\./)
    expect(error?.message).toContain(`Pinned: ${other.fingerprint()}.`)
    expect(error?.message).toContain(`ED25519 ${server.fingerprint('ed25519')}`)
    expect(error?.message).toContain(`RSA ${server.fingerprint('rsa')}`)
    expect(error?.message).toContain('[host-key-changed]')
    expect(scene.home.snapshot()).toEqual(before)
    expect(scene.job.processes()).toEqual([])
  })

  test('a server that has no key of the pinned type is told by type', async () => {
    const server = await serve({ hostKeys: ['rsa'] })
    const { publicKey, fingerprint } = await makeKey(scene.directory, 'ed25519', { file: 'pin' })
    const main = await scene.main(`${at(server)} ${publicKey}`)
    expect(main.code).toBe(1)
    const message = main.annotations[0]?.message
    expect(message).toContain(`Pinned: ED25519 ${fingerprint}.`)
    expect(message).toContain(`Offered: RSA ${server.fingerprint()}.`)
  })

  test('a server whose key is swapped after main is refused by ssh', async () => {
    const server = await serve()
    await scene.main(`${at(server)} ${server.fingerprint()}`)
    await logsIn('web')
    await server.stop()
    const swapped = await serve({ port: server.port })
    const { code, stderr } = await scene.job.exec('ssh', ['web', 'true'])
    expect(code).toBe(255)
    expect(stderr).toContain('Host key verification failed')
    expect(swapped.log()).not.toContain('Accepted')
  })

  test('of two pins one may be stale: that is a warning', async () => {
    const server = await serve({ hostKeys: ['ed25519', 'rsa'] })
    const stale = await makeKey(scene.directory, 'ed25519', { file: 'stale' })
    const main = await scene.main(`${at(server)} ${stale.publicKey} ${server.fingerprint('rsa')}`)
    expect(main.code).toBe(0)
    expect(main.annotations).toMatchObject([
      { level: 'warning', message: expect.stringContaining(server.fingerprint('ed25519')) },
    ])
    await logsIn('web')
  })

  test('a revoked key stops the job even if its fingerprint is pinned too', async () => {
    const server = await serve()
    const main = await scene.main(
      `${at(server)} ${server.fingerprint()} @revoked ${server.publicKey()}`,
    )
    expect(main.code).toBe(1)
    expect(main.annotations[0]?.message).toContain('[host-key-revoked]')
  })

  test('an unpinned host gets no signature, even with StrictHostKeyChecking=no', async () => {
    const server = await serve()
    const stranger = await serve()
    const main = await scene.main(`${at(server)} ${server.fingerprint()}`)
    const careless = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'BatchMode=yes']
    const args = [...careless.flatMap((option) => ['-o', option]), '-p', String(stranger.port)]
    const { code, stderr } = await scene.job.exec('ssh', [...args, 'localhost', 'true'])
    expect(code).toBe(255)
    expect(stderr).toContain('Permission denied')
    expect(stranger.log()).not.toMatch(/Accepted|Postponed publickey/)
    const post = await scene.post(main)
    expect(post.log).toContain('host-not-pinned')
    expect(post.summary).toContain(stranger.fingerprint())
  })

  test('two hosts, each with a key of its own, are offered only that key', async () => {
    const other = await makeKey(scene.directory, 'rsa', {
      bits: 2048,
      comment: 'other',
      file: 'other',
    })
    const one = await serve({ extraConfig: ['MaxAuthTries 1'] })
    const two = await serve({ authorizedKeys: [other.publicKey], extraConfig: ['MaxAuthTries 1'] })
    const main = await scene.job.run(MAIN, {
      'ssh-private-key': `${scene.key.privateKey}\n${other.privateKey}`,
      hosts: [
        `${at(one, 'one')} ${one.fingerprint()} key=deploy`,
        `${at(two, 'two')} ${two.fingerprint()} key=${other.fingerprint}`,
      ].join('\n'),
    })
    expect(main.code).toBe(0)
    await logsIn('one')
    await logsIn('two')
  })

  testWith(['ipv6'], 'IPv6 in brackets', async () => {
    const server = await serve({ address: '::1' })
    const main = await scene.main(`six=${server.user}@[::1]:${server.port} ${server.fingerprint()}`)
    expect(main.code).toBe(0)
    await logsIn('six')
    const args = ['-p', String(server.port), `${server.user}@::1`, 'echo in']
    expect(await scene.job.exec('ssh', args)).toMatchObject({ code: 0 })
  })

  test('several hosts that fail are all told', async () => {
    const server = await serve()
    const main = await scene.main(
      `${at(server)} SHA256:${'A'.repeat(43)}\nnowhere.invalid SHA256:${'A'.repeat(43)}`,
    )
    const message = main.annotations[0]?.message ?? ''
    expect(message).toContain('hosts:1: The host key of web')
    expect(message).toMatch(/hosts:2: nowhere.invalid .*\[host-not-found\]/)
  })
})
