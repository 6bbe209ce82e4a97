/** Keys of every kind through the whole action: pasted as people paste them, certified, and converted. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprintOf, makeCa, makeKey, publicKeyOf } from '../support/keys'
import { describeWith, program, testWith } from '../support/programs'
import { mustRun, run } from '../support/run'
import { startSshd, type Sshd } from '../support/sshd'
import { MAIN, makeScene, type Scene } from './fixtures'

const CLI = join(process.cwd(), 'dist', 'cli', 'index.js')
const NODE = process.env['SSH_TRUST_NODE'] ?? process.execPath

describeWith(['sshd', 'ssh', 'ssh-keygen', 'nss_wrapper'], 'keys through the action', () => {
  let scene: Scene
  let sshd: Sshd
  let ca: Awaited<ReturnType<typeof makeCa>>

  beforeAll(async () => {
    scene = await makeScene()
    ca = await makeCa(scene.directory)
    sshd = await startSshd({
      home: scene.home,
      extraConfig: [`TrustedUserCAKeys ${ca.publicKeyFile}`],
    })
  })

  afterAll(async () => {
    await sshd.stop()
    await scene.end()
  })

  const hosts = (): string => `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`
  const login = async (): Promise<void> => {
    const { code, stdout, stderr } = await scene.job.exec('ssh', ['web', 'echo in'])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
  }

  test('an encrypted key with its passphrase, in base64 and with the line ends of Windows', async () => {
    const made = await makeKey(scene.directory, 'ed25519', { passphrase: 'o pen', file: 'enc' })
    await sshd.setAuthorizedKeys([made.publicKey])
    const pasted = Buffer.from(made.privateKey.replaceAll('\n', '\r\n')).toString('base64')
    const inputs = { 'ssh-private-key': pasted, passphrase: 'o pen', hosts: hosts() }
    const main = await scene.job.run(MAIN, inputs)
    expect(main).toMatchObject({ code: 0 })
    expect(main.log).toContain('repaired: the whole was base64')
    expect(main.log).toContain('repaired: line ends of Windows')
    expect(main.masks).toContain('o pen')
    expect(main.log).not.toContain('o pen')
    await login()
    await scene.post(main)
  })

  test('a wrong passphrase fails at once, and says which key', async () => {
    const made = await makeKey(scene.directory, 'ed25519', { passphrase: 'right', file: 'enc2' })
    const text = `${scene.key.privateKey}${made.privateKey}`
    const inputs = { 'ssh-private-key': text, passphrase: 'wrong', hosts: hosts() }
    const main = await scene.job.run(MAIN, inputs)
    expect(main.code).toBe(1)
    expect(main.annotations[0]?.message).toMatch(
      /^ssh-private-key: Key 2 of 2: The passphrase of the OpenSSH key is wrong\..*\[key-passphrase-wrong\]$/,
    )
  })

  testWith(['puttygen'], 'a PuTTY key', async () => {
    const made = await makeKey(scene.directory, 'rsa', { bits: 2048, file: 'forputty' })
    const ppk = join(scene.directory, 'key.ppk')
    await mustRun(program('puttygen'), [made.privateKeyFile, '-O', 'private', '-o', ppk])
    await sshd.setAuthorizedKeys([made.publicKey])
    const inputs = { 'ssh-private-key': readFileSync(ppk, 'utf8'), hosts: hosts() }
    const main = await scene.job.run(MAIN, inputs)
    expect(main.outputs['fingerprint']).toBe(made.fingerprint)
    await login()
    await scene.post(main)
  })

  test('a key with its certificate, on a server that knows only the authority', async () => {
    const made = await makeKey(scene.directory, 'ed25519', { file: 'certified' })
    await sshd.setAuthorizedKeys([])
    const file = await ca.sign(made.publicKeyFile, { principals: [sshd.user], validity: '+30m' })
    const certificate = readFileSync(file, 'utf8')
    const inputs = {
      'ssh-private-key': made.privateKey,
      'ssh-certificate': certificate,
      hosts: hosts(),
    }
    const main = await scene.job.run(MAIN, inputs)
    expect(main.code).toBe(0)
    expect(main.annotations).toMatchObject([
      { level: 'warning', message: expect.stringMatching(/^The certificate .* ends in \d+ min/) },
    ])
    expect(main.outputs['certificate']?.split(' ')[1]).toBe(certificate.split(' ')[1])
    expect(main.outputs['public-key']).toBe(
      made.publicKey.trim().split(' ').slice(0, 2).join(' ') + ' ssh-private-key-1',
    )
    await login()
    await scene.post(main)
  })

  test.each<[string, { principals?: string[]; validity?: string; host?: boolean }, string]>([
    ['expired', { validity: '20200101:20200102' }, 'expired at 2020-01-0'],
    ['not yet valid', { validity: '20900101:20900102' }, 'is valid only from 20'],
    ['for a host', { host: true }, 'is a host certificate'],
  ])('a certificate that is %s', async (_name, options, words) => {
    const file = await ca.sign(scene.key.publicKeyFile, { principals: ['me'], ...options })
    const main = await scene.main(hosts(), { 'ssh-certificate': readFileSync(file, 'utf8') })
    expect(main.code).toBe(1)
    expect(main.annotations[0]?.message).toContain(words)
    expect(main.annotations[0]?.message).toContain('[certificate-invalid]')
  })

  test("a certificate of another's key", async () => {
    const other = await makeKey(scene.directory, 'ed25519', { file: 'stranger' })
    const file = await ca.sign(other.publicKeyFile, { principals: ['me'] })
    const main = await scene.main(hosts(), { 'ssh-certificate': readFileSync(file, 'utf8') })
    expect(main.annotations[0]?.message).toContain(`is for the key ${other.fingerprint}`)
  })

  test.each(['ed25519', 'ecdsa-384', 'rsa-2048'])(
    'a generated %s key, certified by the user’s authority: no authorized_keys at all',
    async (kind) => {
      await sshd.setAuthorizedKeys([])
      const inputs = {
        'generate-key': kind,
        'certificate-authority-key': ca.privateKey,
        'certificate-principals': `${sshd.user}, nobody`,
        'certificate-validity': '10m',
        'certificate-options': 'source-address=127.0.0.0/8,::1/128\npermit-pty',
        hosts: hosts(),
      }
      const main = await scene.job.run(MAIN, inputs)
      expect(main).toMatchObject({ code: 0 })
      await login()
      expect(sshd.log()).toMatch(/ID ssh-trust:octo\/repo\/run\/1234567890\/1\/deploy/)
      const file = join(scene.directory, 'made-cert.pub')
      writeFileSync(file, `${main.outputs['certificate'] ?? ''}\n`)
      const shown = await mustRun(program('ssh-keygen'), ['-L', '-f', file])
      expect(shown).toContain('user certificate')
      expect(shown).toContain(`Signing CA: ED25519 ${ca.fingerprint}`)
      expect(shown).toContain('source-address 127.0.0.0/8,::1/128')
      expect(shown.match(/permit-\S+/g)).toEqual(['permit-pty'])
      expect(shown).toMatch(new RegExp(`Principals: \\n\\s+${sshd.user}\\n\\s+nobody`))
      // The authority's key is nowhere that a later step could look.
      const agent = scene.job.processes()[0]
      expect(readFileSync(`/proc/${agent?.pid ?? 0}/environ`, 'utf8')).not.toContain('PRIVATE KEY')
      const body = ca.privateKey.split('\n')[2] ?? ''
      expect(main.masks).toContain(body)
      await scene.post(main)
    },
  )

  test('an authority without a key to certify, and without principals', async () => {
    const authority = { 'certificate-authority-key': ca.privateKey, hosts: hosts() }
    const noKey = await scene.main(hosts(), { ...authority, 'certificate-principals': 'me' })
    expect(noKey.annotations[0]?.message).toContain('no generated key to certify')
    const nobody = await scene.job.run(MAIN, { ...authority, 'generate-key': 'ed25519' })
    expect(nobody.annotations[0]?.message).toContain('certificate-principals is empty')
  })
})

describeWith(['ssh-keygen'], 'ssh-trust convert and fingerprint', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const directory = (): string => scene.directory
  let scene: Scene

  beforeAll(async () => {
    scene = await makeScene()
  })
  afterAll(async () => {
    await scene.end()
  })

  const convert = async (input: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run(NODE, [CLI, 'convert', ...args], { input })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }

  test('PKCS#8 to an encrypted OpenSSH file that ssh-keygen reads', async () => {
    const secret = join(directory(), 'secret')
    const out = join(directory(), 'converted')
    writeFileSync(secret, 'new one\n')
    await convert(pem, '--to', 'openssh', '--new-passphrase-file', secret, '--out', out)
    expect(statSync(out).mode & 0o777).toBe(0o600)
    const read = ['-y', '-P', 'new one', '-f', out]
    const publicKey = (await mustRun(program('ssh-keygen'), read)).trim()
    expect((await convert(pem, '--to', 'public')).trim()).toBe(publicKey)
  })

  test('a file that exists is not written over', async () => {
    const out = join(directory(), 'there')
    writeFileSync(out, 'mine')
    const args = [CLI, 'convert', '--to', 'openssh', '--out', out]
    const { code, stderr } = await run(NODE, args, { input: pem })
    expect(code).toBe(1)
    expect(stderr).toContain('EEXIST')
    expect(readFileSync(out, 'utf8')).toBe('mine')
  })

  test('the two public key formats that do not go together, both ways', async () => {
    const openssh = await publicKeyOf(scene.key.privateKeyFile)
    const rfc4716 = await convert(`${openssh.trim()} a comment\n`, '--to', 'rfc4716')
    const file = join(directory(), 'rfc4716.pub')
    writeFileSync(file, rfc4716)
    const read = await mustRun(program('ssh-keygen'), ['-i', '-m', 'RFC4716', '-f', file])
    expect(read.trim().split(' ')[1]).toBe(openssh.split(' ')[1])
    expect((await convert(rfc4716, '--to', 'public')).trim()).toBe(
      `${openssh.trim().split(' ').slice(0, 2).join(' ')} a comment`,
    )
    const written = await mustRun(program('ssh-keygen'), [
      '-e',
      '-m',
      'RFC4716',
      '-f',
      scene.key.publicKeyFile,
    ])
    expect((await convert(written, '--to', 'public')).split(' ')[1]).toBe(
      openssh.trim().split(' ')[1],
    )
  })

  testWith(['puttygen'], 'a .ppk that puttygen reads', async () => {
    const out = join(directory(), 'made.ppk')
    await convert(scene.key.privateKey, '--to', 'ppk', '--out', out)
    const line = await mustRun(program('puttygen'), [out, '-L'])
    expect(line.split(' ')[1]).toBe(scene.key.publicKey.split(' ')[1])
  })

  test('fingerprint prints what ssh-keygen -lvf prints', async () => {
    const args = [CLI, 'fingerprint', '--art', scene.key.publicKeyFile]
    const { stdout } = await run(NODE, args)
    expect(stdout).toBe(await mustRun(program('ssh-keygen'), ['-lvf', scene.key.publicKeyFile]))
    expect(stdout).toContain(await fingerprintOf(scene.key.publicKeyFile))
  })

  test('what can not be read is told by its name, and nothing is written', async () => {
    const out = join(directory(), 'nothing')
    const args = [CLI, 'convert', '--to', 'openssh', '--out', out]
    const { code, stderr } = await run(NODE, args, { input: pem.slice(0, 80) })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^ssh-trust: The line -----END PRIVATE KEY----- is missing\./)
    expect(existsSync(out)).toBe(false)
  })
})
