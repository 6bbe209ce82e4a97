/** The main job on dist: pinned, passwordless ssh, scp, sftp, rsync and git; then nothing left. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describeWith, testWith } from '../support/programs'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { makeScene, MAIN, POST, type Scene } from './fixtures'

describeWith(['sshd', 'ssh', 'nss_wrapper'], 'a job with a deploy key and a pinned host', () => {
  let scene: Scene
  let sshd: Sshd
  let before: ReturnType<Scene['home']['snapshot']>
  let main: StepResult

  beforeAll(async () => {
    scene = await makeScene()
    mkdirSync(join(scene.home.directory, '.ssh'), { mode: 0o700 })
    // Somebody's own config without a newline at its end, and with a mode of its own.
    const config = join(scene.home.directory, '.ssh', 'config')
    writeFileSync(config, 'Host other\r\n  User somebody\nHost last', { mode: 0o640 })
    sshd = await startSshd({ authorizedKeys: [scene.key.publicKey], home: scene.home })
    before = scene.home.snapshot()
    main = await scene.main(`web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`)
  })

  afterAll(async () => {
    await sshd.stop()
    await scene.end()
  })

  test('main succeeds, says what it did, and leaves no pipe open', () => {
    expect(main.log).toContain(`web: host key proven, ED25519 ${sshd.fingerprint()}`)
    expect({ code: main.code, pipesHeld: main.pipesHeld }).toEqual({ code: 0, pipesHeld: false })
    expect(main.annotations).toEqual([])
  })

  test('outputs are set, and SSH_AUTH_SOCK is exported', () => {
    const { outputs, env } = main
    expect(env).toEqual({ SSH_AUTH_SOCK: outputs['ssh-auth-sock'] })
    expect(outputs['public-key']).toBe(scene.key.publicKey)
    expect(outputs['fingerprint']).toBe(scene.key.fingerprint)
    const line = `[127.0.0.1]:${sshd.port} ${sshd.publicKey().split(' ', 2).join(' ')}\n`
    expect(readFileSync(outputs['known-hosts'] ?? '', 'utf8')).toBe(line)
    expect(JSON.parse(outputs['report'] ?? '')).toMatchObject({
      version: 1,
      policy: 'pinned',
      hosts: [{ name: 'web', port: sshd.port, fingerprint: sshd.fingerprint() }],
      keys: [{ origin: 'loaded', fingerprint: scene.key.fingerprint }],
    })
  })

  test('plain ssh logs in by the alias', async () => {
    const { code, stdout, stderr } = await scene.job.exec('ssh', ['web', 'echo in'])
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'in\n', stderr: '' })
  })

  test('plain ssh logs in by the real name and port', async () => {
    const args = ['-p', String(sshd.port), `${sshd.user}@127.0.0.1`, 'echo in']
    expect(await scene.job.exec('ssh', args)).toMatchObject({ code: 0, stdout: 'in\n' })
  })

  testWith(['ssh-add'], 'ssh-add -l lists the key', async () => {
    const { stdout } = await scene.job.exec('ssh-add', ['-l'])
    expect(stdout).toBe(`256 ${scene.key.fingerprint} deploy (ED25519)\n`)
  })

  const copies: [string, (from: string, to: string) => [string, string[]]][] = [
    ['scp over SFTP', (from, to) => ['scp', ['-q', from, `web:${to}`]]],
    ['scp -O', (from, to) => ['scp', ['-q', '-O', from, `web:${to}`]]],
    ['sftp', (from, to) => ['sftp', ['-q', '-b', `${from}.batch`, `web`, to]]],
  ]
  testWith(['scp', 'sftp'], 'scp, scp -O and sftp copy a file', async () => {
    for (const [name, command] of copies) {
      const from = join(scene.directory, 'from')
      const to = join(scene.directory, `to-${name.replaceAll(' ', '-')}`)
      writeFileSync(from, name)
      writeFileSync(`${from}.batch`, `put ${from} ${to}\n`)
      const [program, args] = command(from, to)
      const copied = await scene.job.exec(program, name === 'sftp' ? args.slice(0, -1) : args)
      expect({ name, code: copied.code, stderr: copied.stderr }).toEqual({
        name,
        code: 0,
        stderr: '',
      })
      expect(readFileSync(to, 'utf8')).toBe(name)
    }
  })

  testWith(['rsync'], 'rsync copies a tree', async () => {
    const tree = join(scene.directory, 'tree')
    mkdirSync(join(tree, 'sub'), { recursive: true })
    writeFileSync(join(tree, 'sub', 'file'), 'content')
    const target = join(scene.directory, 'rsynced')
    const result = await scene.job.exec('rsync', ['-a', `${tree}/`, `web:${target}/`])
    expect({ code: result.code, stderr: result.stderr }).toEqual({ code: 0, stderr: '' })
    expect(readFileSync(join(target, 'sub', 'file'), 'utf8')).toBe('content')
  })

  testWith(['git'], 'git clones and pushes', async () => {
    const bare = join(scene.directory, 'bare.git')
    const clone = join(scene.directory, 'clone')
    const git = async (...args: string[]): Promise<string> => {
      const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org']
      const result = await scene.job.exec('git', [...identity, ...args])
      expect({ args, code: result.code, stderr: result.code === 0 ? '' : result.stderr }).toEqual({
        args,
        code: 0,
        stderr: '',
      })
      return result.stdout
    }
    await git('init', '-q', '--bare', '-b', 'main', bare)
    await git('clone', '-q', `web:${bare}`, clone)
    await git('-C', clone, 'checkout', '-q', '-b', 'main')
    await git('-C', clone, 'commit', '-q', '--allow-empty', '-m', 'over ssh')
    const url = `ssh://${sshd.user}@127.0.0.1:${sshd.port}${bare}`
    await git('-C', clone, 'push', '-q', url, 'main')
    expect(await git('-C', bare, 'log', '--format=%s')).toBe('over ssh\n')
  })

  test('the agent holds what later steps need, with nothing of the environment in it', () => {
    const [agent, ...others] = scene.job.processes()
    expect(others).toEqual([])
    const environment = readFileSync(`/proc/${agent?.pid ?? 0}/environ`, 'utf8').split('\0')
    expect(environment.filter((line) => line !== '')).toEqual([
      `RUNNER_TRACKING_ID=${scene.job.trackingId}`,
    ])
  })

  test('post tells every use of the key, and takes everything back to the byte', async () => {
    const directory = dirname(main.outputs['ssh-config'] ?? '')
    expect(scene.home.snapshot()).not.toEqual(before)
    const post = await scene.post(main)
    expect({ code: post.code, annotations: post.annotations }).toEqual({ code: 0, annotations: [] })
    expect(post.summary).toContain('✓ signed')
    expect(post.summary).toContain(`<td>web</td><td>${sshd.user}</td>`)
    expect(post.summary).toContain(sshd.fingerprint())
    expect(post.summary).toContain(scene.key.fingerprint)
    expect(post.summary).toContain('Everything was taken back.')
    expect(existsSync(directory)).toBe(false)
    expect(scene.home.snapshot()).toEqual(before)
    expect(scene.job.processes()).toEqual([])
    expect(readdirSync(scene.job.temp).filter((name) => name.startsWith('ssh-trust'))).toEqual([])
  })

  test('post a second time, and post without state, do nothing', async () => {
    const runs = [await scene.post(main), await scene.job.run(POST)]
    for (const { code, log, summary } of runs) {
      expect({ code, log, summary }).toEqual({ code: 0, log: '', summary: '' })
    }
  })
})

describeWith(['sshd', 'ssh', 'nss_wrapper'], 'a home without ~/.ssh', () => {
  test('gets one for the job, and has none afterwards', async () => {
    const scene = await makeScene()
    const sshd = await startSshd({ authorizedKeys: [scene.key.publicKey], home: scene.home })
    try {
      const before = scene.home.snapshot()
      const main = await scene.main(`${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`)
      expect(await scene.job.exec('ssh', ['127.0.0.1', 'echo in'])).toMatchObject({ code: 0 })
      expect(scene.home.snapshot().get('.ssh')?.mode).toBe('700')
      await scene.post(main)
      expect(scene.home.snapshot()).toEqual(before)
    } finally {
      await sshd.stop()
      await scene.end()
    }
  })

  test('is not touched with home: false; ssh -F and the ssh-config output do the same', async () => {
    const scene = await makeScene()
    const sshd = await startSshd({ authorizedKeys: [scene.key.publicKey], home: scene.home })
    try {
      const before = scene.home.snapshot()
      const hosts = `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`
      const main = await scene.main(hosts, { home: 'false' })
      expect(scene.home.snapshot()).toEqual(before)
      const config = main.outputs['ssh-config'] ?? ''
      const result = await scene.job.exec('ssh', ['-F', config, 'web', 'echo in'])
      expect(result).toMatchObject({ code: 0, stdout: 'in\n' })
      await scene.post(main)
    } finally {
      await sshd.stop()
      await scene.end()
    }
  })
})

describeWith(['sshd', 'ssh', 'nss_wrapper'], 'generate-key', () => {
  test.each(['ed25519', 'ecdsa', 'ecdsa-384', 'ecdsa-521', 'rsa-2048'])(
    '%s: made in the agent, logs in once the server knows its public half',
    async (kind) => {
      const scene = await makeScene()
      const sshd = await startSshd({ home: scene.home })
      try {
        const inputs = {
          'generate-key': kind,
          hosts: `${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`,
        }
        const main = await scene.job.run(MAIN, inputs)
        expect(main).toMatchObject({ code: 0 })
        const publicKey = main.outputs['public-key'] ?? ''
        expect(publicKey).toMatch(/ ssh-trust:octo\/repo\/run\/1234567890\/1\/deploy$/)
        expect((await scene.job.exec('ssh', ['127.0.0.1', 'true'])).code).toBe(255)
        await sshd.setAuthorizedKeys([publicKey])
        expect(await scene.job.exec('ssh', ['127.0.0.1', 'echo in'])).toMatchObject({
          stdout: 'in\n',
        })
        await scene.post(main)
        expect(scene.job.processes()).toEqual([])
      } finally {
        await sshd.stop()
        await scene.end()
      }
    },
  )
})

describeWith(['sshd', 'ssh', 'nss_wrapper'], 'when the runner dies', () => {
  test('the agent takes everything back and ends', async () => {
    const scene = await makeScene()
    const sshd = await startSshd({ authorizedKeys: [scene.key.publicKey], home: scene.home })
    try {
      const before = scene.home.snapshot()
      // A runner that dies as soon as main is done. (A shell would drop variables with a dash.)
      const script = `require('node:child_process')
        .spawnSync(process.execPath, [process.argv[1]], { stdio: 'inherit' })
        process.kill(process.pid, 'SIGKILL')`
      const node = process.env['SSH_TRUST_NODE'] ?? process.execPath
      const hosts = `${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`
      const runner = await scene.job.exec(node, ['-e', script, MAIN], {
        env: { 'INPUT_SSH-PRIVATE-KEY': scene.key.privateKey, INPUT_HOSTS: hosts },
      })
      expect(runner.signal).toBe('SIGKILL')
      expect(runner.stdout).toContain('✓ agent: signs for these hosts only')
      // The agent ends before the program that it has started is through; the directory goes last.
      const directories = (): string[] =>
        readdirSync(scene.job.temp).filter((name) => name.startsWith('ssh-trust'))
      const deadline = Date.now() + 10_000
      while (scene.job.processes().length + directories().length > 0 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expect(scene.job.processes()).toEqual([])
      expect(scene.home.snapshot()).toEqual(before)
      expect(directories()).toEqual([])
    } finally {
      await sshd.stop()
      await scene.end()
    }
  })
})
