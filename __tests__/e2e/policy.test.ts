/**
 * What a workflow sees of the agent's policy: what later steps may have signed, which keys they add and
 * remove, and what post tells of it. With real servers, clients and keys, and the bundles of dist.
 */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { account, loginShell } from '../support/account'
import { makeKey, type Key } from '../support/keys'
import { describeWith, testWith } from '../support/programs'
import type { Finished } from '../support/run'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd, type SshdOptions } from '../support/sshd'
import { MAIN, makeScene, type Scene } from './fixtures'

/** A client that takes any host key, so that nothing but the agent stands between it and a login. */
const CARELESS = [
  ...['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'],
  'BatchMode=yes',
].flatMap((option) => ['-o', option])

/** Another name for the account that runs the tests: whom the servers let in, too. */
const OTHER_USER = 'deploy'

const LOGGED_IN = { code: 0, stdout: 'in\n' }

/** How the tests that wait look again. */
const POLL = 50

let scene: Scene
let servers: Sshd[]
let before: ReturnType<Scene['home']['snapshot']>

async function serve(options: SshdOptions = {}): Promise<Sshd> {
  const authorizedKeys = [scene.key.publicKey]
  const server = await startSshd({ authorizedKeys, home: scene.home, ...options })
  servers.push(server)
  return server
}

/** A line of `hosts`. */
function lineOf(server: Sshd, name = 'web', options = ''): string {
  return `${name}=${server.user}@127.0.0.1:${server.port} ${server.fingerprint()} ${options}`
}

async function exec(program: string, ...args: string[]): Promise<Finished> {
  return scene.job.exec(program, args)
}

/** A login with plain ssh at a host of the job. */
async function logIn(...args: string[]): Promise<Finished> {
  return exec('ssh', ...args, 'echo in')
}

/** A login with a client that takes any host key. */
async function logInAt(server: Sshd, ...args: string[]): Promise<Finished> {
  return logIn(...CARELESS, ...args, '-p', String(server.port), `${server.user}@127.0.0.1`)
}

/** The public half alone, as it is where the private one is in the agent only. */
function publicFile({ publicKey }: Pick<Key, 'publicKey'>, name: string): string {
  const directory = join(scene.directory, 'public')
  mkdirSync(directory, { recursive: true })
  const file = join(directory, `${name}.pub`)
  writeFileSync(file, `${publicKey}\n`)
  return file
}

const USE_COLUMNS = ['Time (UTC)', 'Key', 'Host', 'User', 'Forwarded', 'Verdict', 'Reason']

interface Use {
  key: string
  host: string
  user: string
  forwarded: string
  verdict: string
  reason: string
}

/** The last table of a summary: the uses of keys. */
function usesOf({ summary }: StepResult): Use[] {
  const [header, ...rows] = summary
    .slice(summary.lastIndexOf('<table>'))
    .split('<tr>')
    .slice(1)
    .map((row) => [...row.matchAll(/<t[dh]>(.*?)<\/t[dh]>/g)].map(([, cell = '']) => cell))
  expect(header).toEqual(USE_COLUMNS)
  return rows.map(([, key = '', host = '', user = '', forwarded = '', verdict = '', reason = '']) =>
    Object.fromEntries(Object.entries({ key, host, user, forwarded, verdict, reason })),
  ) as unknown as Use[]
}

/** What post warned of. Every warning of a refusal has the title that the runner shows. */
function warningsOf({ annotations }: StepResult): string[] {
  return annotations.map(({ level, message, properties }) => {
    expect({ level, properties }).toEqual({ level: 'warning', properties: { title: 'SSH trust' } })
    return message
  })
}

/** Post, after which nothing of the job is left. */
async function endJob(main: StepResult): Promise<StepResult> {
  const post = await scene.post(main)
  expect(post.code).toBe(0)
  expect(post.summary).toContain('Everything was taken back.')
  expectNothingLeft()
  return post
}

function expectNothingLeft(): void {
  expect(scene.job.processes()).toEqual([])
  expect(scene.home.snapshot()).toEqual(before)
  expect(jobDirectories()).toEqual([])
}

function jobDirectories(): string[] {
  return readdirSync(scene.job.temp).filter((name) => name.startsWith('ssh-trust'))
}

/** Waits until `condition` holds. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it never came true')
    await sleep(POLL)
  }
}

async function hasNoKeys(): Promise<boolean> {
  const { code, stdout } = await exec('ssh-add', '-l')
  return code === 1 && stdout === 'The agent has no identities.\n'
}

describeWith(['sshd', 'ssh', 'ssh-add', 'ssh-keygen', 'nss_wrapper'], 'a workflow', () => {
  beforeEach(async () => {
    scene = await makeScene()
    servers = []
    const me = account()
    const { uid, gid } = me
    const entry = [OTHER_USER, 'x', uid, gid, '', scene.home.directory, loginShell(me)]
    appendFileSync(scene.home.env['NSS_WRAPPER_PASSWD'] ?? '', `${entry.join(':')}\n`)
    before = scene.home.snapshot()
  })

  afterEach(async () => {
    await Promise.all(servers.map(async (server) => server.stop()))
    await scene.end()
  })

  describe('that signs commits', () => {
    const sign = async (main: StepResult, ...command: string[]): Promise<Finished> => {
      const publicKey = main.outputs['public-key'] ?? ''
      const signers = join(scene.directory, 'allowed_signers')
      writeFileSync(signers, `t@example.org ${publicKey}\n`)
      const settings = [
        ...['user.name=t', 'user.email=t@example.org', 'init.defaultBranch=main'],
        ...['gpg.format=ssh', `user.signingkey=key::${publicKey}`],
        `gpg.ssh.allowedSignersFile=${signers}`,
      ].flatMap((setting) => ['-c', setting])
      return exec('git', ...settings, ...command)
    }
    const signFile = async (namespace: string): Promise<Finished> => {
      const file = join(scene.directory, 'file')
      writeFileSync(file, 'text')
      const key = publicFile(scene.key, 'signer')
      return exec('ssh-keygen', '-Y', 'sign', '-n', namespace, '-f', key, file)
    }

    testWith(
      ['git'],
      'can with signature-namespaces: git, and nothing else is signed',
      async () => {
        const server = await serve()
        const main = await scene.main(lineOf(server), { 'signature-namespaces': 'git' })
        expect(await sign(main, 'init', '-q')).toMatchObject({ code: 0 })
        const commit = await sign(main, 'commit', '-q', '-S', '--allow-empty', '-m', 'signed')
        expect(commit).toMatchObject({ code: 0, stderr: '' })
        expect(await sign(main, 'tag', '-s', '-m', 'signed', 'v1')).toMatchObject({ code: 0 })
        for (const verify of [['verify-commit', 'HEAD'] as const, ['verify-tag', 'v1'] as const]) {
          expect(await sign(main, ...verify)).toMatchObject({
            code: 0,
            stderr: expect.stringContaining(
              `Good "git" signature for t@example.org with ED25519 key ${scene.key.fingerprint}`,
            ),
          })
        }
        expect(await signFile('file')).toMatchObject({
          code: 255,
          stderr: expect.stringContaining('agent refused operation'),
        })
        const post = await endJob(main)
        expect(usesOf(post)).toMatchObject([
          { host: '–', user: '–', verdict: '✓ signed', reason: 'namespace-allowed' },
          { verdict: '✓ signed', reason: 'namespace-allowed' },
          { verdict: '✗ refused', reason: 'namespace-not-allowed' },
        ])
        expect(warningsOf(post)).toEqual([
          expect.stringMatching(/: namespace-not-allowed\. .*Add its namespace to signature-names/),
        ])
      },
    )

    testWith(['git'], 'can not without it, and is told what to set', async () => {
      const server = await serve()
      const main = await scene.main(lineOf(server))
      expect(await sign(main, 'init', '-q')).toMatchObject({ code: 0 })
      const commit = await sign(main, 'commit', '-S', '--allow-empty', '-m', 'signed')
      expect(commit.code).not.toBe(0)
      expect(commit.stderr).toContain('agent refused operation')
      const post = await endJob(main)
      expect(usesOf(post)).toMatchObject([
        { verdict: '✗ refused', reason: 'namespace-not-allowed' },
      ])
      expect(warningsOf(post)).toEqual([
        expect.stringMatching(/: namespace-not-allowed\. .*signature-namespaces; for git that is/),
      ])
    })

    test('and files of several namespaces names them all', async () => {
      const server = await serve()
      const namespaces = 'git, file\nrelease@example.org'
      const main = await scene.main(lineOf(server), { 'signature-namespaces': namespaces })
      for (const namespace of ['file', 'release@example.org']) {
        expect(await signFile(namespace)).toMatchObject({ code: 0 })
        expect(await exec('rm', join(scene.directory, 'file.sig'))).toMatchObject({ code: 0 })
      }
      expect(await signFile('releases@example.org')).toMatchObject({ code: 255 })
      await endJob(main)
    })
  })

  describe('with a CA key, and the host key of a server, in the agent', () => {
    /** The three programs, each with what it said and whether its signature was worth anything. */
    const tryAll = async (
      signOtherData: string,
    ): Promise<{ certified: boolean; served: boolean; tested: boolean; post: StepResult }> => {
      const ca = await makeKey(scene.directory, 'ed25519', { comment: 'ca', file: 'ca' })
      const host = await makeKey(scene.directory, 'ecdsa', { comment: 'host', file: 'host' })
      const user = await makeKey(scene.directory, 'ed25519', { comment: 'user', file: 'user' })
      const web = await serve({
        extraConfig: [`TrustedUserCAKeys ${publicFile(ca, 'ca')}`],
        authorizedKeys: [],
      })
      const main = await scene.job.run(MAIN, {
        'ssh-private-key': [scene.key, ca, host].map(({ privateKey }) => privateKey).join('\n'),
        hosts: lineOf(web),
        'sign-other-data': signOtherData,
      })

      const certify = ['-q', '-U', '-s', publicFile(ca, 'ca'), '-I', 'id', '-n', web.user]
      await exec('ssh-keygen', ...certify, user.publicKeyFile)
      const { code } = await logInAt(web, '-o', 'IdentityAgent=none', '-i', user.privateKeyFile)

      const agent = main.outputs['ssh-auth-sock'] ?? ''
      const served = await serve({
        authorizedKeys: [user.publicKey],
        extraConfig: [`HostKey ${publicFile(host, 'host')}`, `HostKeyAgent ${agent}`],
      })
      const knownHosts = join(scene.directory, 'known_hosts')
      writeFileSync(knownHosts, `[127.0.0.1]:${served.port} ${host.publicKey}\n`)
      const client = [
        ...['-F', '/dev/null', '-o', 'IdentityAgent=none', '-i', user.privateKeyFile],
        ...['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'StrictHostKeyChecking=yes'],
        ...['-o', 'HostKeyAlgorithms=ecdsa-sha2-nistp256'],
      ]
      const login = await logIn(...client, '-p', String(served.port), `${served.user}@127.0.0.1`)

      const tested = await exec('ssh-add', '-T', publicFile(scene.key, 'deploy'))
      const post = await endJob(main)
      return { certified: code === 0, served: login.code === 0, tested: tested.code === 0, post }
    }

    test('uses them with sign-other-data', async () => {
      const { post, ...worked } = await tryAll('true')
      expect(worked).toEqual({ certified: true, served: true, tested: true })
      expect(new Set(usesOf(post).map(({ verdict, reason }) => `${verdict}: ${reason}`))).toEqual(
        new Set(['✓ signed: other-data-allowed']),
      )
      expect(warningsOf(post)).toEqual([])
    })

    test('can not without it, and is told what to set', async () => {
      const { post, ...worked } = await tryAll('false')
      expect(worked).toEqual({ certified: false, served: false, tested: false })
      const reasons = new Set(usesOf(post).map(({ verdict, reason }) => `${verdict}: ${reason}`))
      expect(reasons).toEqual(new Set(['✗ refused: not-userauth']))
      expect(warningsOf(post)).toEqual([
        expect.stringMatching(/\(3 times\): not-userauth\. .*Set sign-other-data to true/),
      ])
    })
  })

  describe('with bounds', () => {
    test('max-signatures: the third login of two is refused', async () => {
      const server = await serve()
      const main = await scene.main(lineOf(server), { 'max-signatures': '2' })
      expect(await logIn('web')).toMatchObject(LOGGED_IN)
      expect(await logIn('web')).toMatchObject(LOGGED_IN)
      expect(await logIn('web')).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('agent refused operation'),
      })
      const post = await endJob(main)
      expect(post.log).toContain('Signatures made: 2. Requests refused: 1.')
      expect(usesOf(post).map(({ reason }) => reason)).toEqual([
        ...['host-pinned', 'host-pinned', 'signatures-used-up'],
      ])
      expect(warningsOf(post)).toEqual([
        expect.stringMatching(/^The agent refused for .*: signatures-used-up\. Raise max-sig/),
      ])
    })

    test('agent-lifetime: after it there are no keys, and none are taken', async () => {
      const server = await serve()
      const main = await scene.main(lineOf(server), { 'agent-lifetime': '1s' })
      expect(main.code).toBe(0)
      await until(hasNoKeys)
      expect(await logIn('web')).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('Permission denied'),
      })
      expect(await exec('ssh-add', scene.key.privateKeyFile)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('agent refused operation'),
      })
      expect(await logIn('web')).toMatchObject({ code: 255 })
      expect(server.log()).not.toContain('Accepted')
      expect(scene.job.processes()).toHaveLength(1)
      const post = await endJob(main)
      const uses = usesOf(post)
      expect(uses).toContainEqual({
        ...{ key: '–', host: '–', user: '–', forwarded: '–' },
        ...{ verdict: '✓ done (expire)', reason: 'lifetime-over' },
      })
      expect(uses).toContainEqual(
        expect.objectContaining({
          ...{ key: scene.key.fingerprint, verdict: '✗ refused (add)' },
          reason: expect.stringMatching(/^lifetime-over/),
        }),
      )
      expect(new Set(uses.map(({ reason }) => reason.split(':')[0]))).toEqual(
        new Set(['lifetime-over']),
      )
      expect(warningsOf(post)).toEqual([
        expect.stringMatching(/: lifetime-over\. Raise agent-lifetime\.$/),
      ])
    })
  })

  describe('with users=', () => {
    const whoAmI = async (...args: string[]): Promise<string> =>
      (await exec('ssh', ...args, 'echo $USER')).stdout.trim()

    test('logs in as these only', async () => {
      const server = await serve()
      const address = `127.0.0.1:${server.port}`
      const main = await scene.main(`web=${address} ${server.fingerprint()} users=${OTHER_USER}`)
      expect(await logIn(`${server.user}@web`)).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('agent refused operation'),
      })
      expect(await whoAmI(`${OTHER_USER}@web`)).toBe(OTHER_USER)
      const post = await endJob(main)
      expect(usesOf(post)).toMatchObject([
        { host: 'web', user: server.user, verdict: '✗ refused', reason: 'user-not-allowed' },
        { host: 'web', user: OTHER_USER, verdict: '✓ signed', reason: 'host-pinned' },
      ])
      expect(warningsOf(post)).toEqual([
        `The agent refused for ${server.user}@web: user-not-allowed. ` +
          `Add ${server.user} to users= of the line of web in hosts.`,
      ])
    })

    test('on two lines of one host: each user with the key of that line', async () => {
      const admin = await makeKey(scene.directory, 'ecdsa', { comment: 'admin', file: 'admin' })
      // The server itself would take either key for either user.
      const server = await serve({ authorizedKeys: [scene.key.publicKey, admin.publicKey] })
      const pinned = `127.0.0.1:${server.port} ${server.fingerprint()}`
      const main = await scene.job.run(MAIN, {
        'ssh-private-key': `${scene.key.privateKey}\n${admin.privateKey}`,
        hosts: [
          `app=${OTHER_USER}@${pinned} key=deploy users=${OTHER_USER}`,
          `top=${server.user}@${pinned} key=admin users=${server.user}`,
        ].join('\n'),
      })
      expect(main.code).toBe(0)
      const only = (key: Key, name: string): string[] => [
        ...['-o', 'IdentitiesOnly=yes', '-i', publicFile(key, name)],
      ]
      expect(await whoAmI('app', ...only(scene.key, 'deploy'))).toBe(OTHER_USER)
      expect(await whoAmI('top', ...only(admin, 'admin'))).toBe(server.user)
      expect(await whoAmI('app', ...only(admin, 'admin'))).toBe('')
      expect(await whoAmI('top', ...only(scene.key, 'deploy'))).toBe('')
      // Left alone ssh finds the right key by itself.
      expect(await whoAmI('app')).toBe(OTHER_USER)
      expect(await whoAmI('top')).toBe(server.user)
      const post = await endJob(main)
      expect(usesOf(post).slice(0, 4)).toMatchObject([
        { host: 'app', user: OTHER_USER, reason: 'host-pinned', key: scene.key.fingerprint },
        { host: 'top', user: server.user, reason: 'host-pinned', key: admin.fingerprint },
        { user: OTHER_USER, reason: 'user-not-allowed', key: admin.fingerprint },
        { user: server.user, reason: 'user-not-allowed', key: scene.key.fingerprint },
      ])
    })
  })

  describe('whose later steps add keys', () => {
    /** Another key, the only one that the servers know. */
    let added: Key
    let web: Sshd
    let stranger: Sshd
    let main: StepResult

    beforeEach(async () => {
      added = await makeKey(scene.directory, 'ecdsa', { comment: 'of a step', file: 'added' })
      web = await serve({ authorizedKeys: [added.publicKey] })
      stranger = await serve({ authorizedKeys: [added.publicKey] })
      main = await scene.main(lineOf(web))
    })

    const add = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await exec('ssh-add', ...args)
      expect({ code, stderr }).toMatchObject({ code: 0 })
    }

    test('can use them at pinned hosts, and at no other; the summary has them', async () => {
      expect(await logIn('web')).toMatchObject({ code: 255 })
      await add(added.privateKeyFile)
      expect(await logIn('web')).toMatchObject(LOGGED_IN)
      expect(await logInAt(stranger)).toMatchObject({ code: 255 })
      expect(stranger.log()).not.toContain('Accepted')
      const post = await endJob(main)
      expect(usesOf(post)).toMatchObject([
        {
          ...{ key: `${added.fingerprint} of a step`, host: '–', user: '–' },
          ...{ verdict: '✓ done (add)', reason: 'as-asked' },
        },
        { key: added.fingerprint, host: 'web', user: web.user, verdict: '✓ signed' },
        { host: stranger.fingerprint(), verdict: '✗ refused (list)', reason: 'host-not-pinned' },
      ])
      expect(warningsOf(post)).toEqual([
        expect.stringContaining(`Add a line with the pin of that host (${stranger.fingerprint()})`),
      ])
    })

    test('-t: for a time', async () => {
      const isListed = async (): Promise<boolean> =>
        (await exec('ssh-add', '-l')).stdout.includes(added.fingerprint)
      await add('-t', '600', added.privateKeyFile)
      expect(await logIn('web')).toMatchObject(LOGGED_IN)
      await add('-t', '1', added.privateKeyFile)
      await until(async () => !(await isListed()))
      expect(await logIn('web')).toMatchObject({ code: 255 })
      const post = await endJob(main)
      expect(usesOf(post).map(({ key, verdict }) => [key.split(' ')[0], verdict])).toEqual([
        [added.fingerprint, '✓ done (add)'],
        [added.fingerprint, '✓ signed'],
        [added.fingerprint, '✓ done (add)'],
        [added.fingerprint, '✓ done (expire)'],
      ])
      expect(warningsOf(post)).toEqual([])
    })

    test('-c: nobody is there to confirm', async () => {
      await add('-c', added.privateKeyFile)
      expect(await logIn('web')).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('agent refused operation'),
      })
      const post = await endJob(main)
      expect(usesOf(post)[1]).toMatchObject({
        ...{ key: added.fingerprint, host: 'web', user: web.user },
        ...{ verdict: '✗ refused', reason: 'confirmation-denied' },
      })
      expect(warningsOf(post)).toEqual([
        expect.stringMatching(/: confirmation-denied\. .*in a job nobody is there to confirm\./),
      ])
    })

    test('-d and -D: take out theirs, and the job’s', async () => {
      await add(added.privateKeyFile)
      await add('-d', added.publicKeyFile)
      expect(await logIn('web')).toMatchObject({ code: 255 })
      expect((await exec('ssh-add', '-l')).stdout).toContain(scene.key.fingerprint)
      expect(await exec('ssh-add', '-d', added.publicKeyFile)).toMatchObject({ code: 1 })
      await web.setAuthorizedKeys([scene.key.publicKey])
      expect(await logIn('web')).toMatchObject(LOGGED_IN)
      await add('-D')
      expect(await hasNoKeys()).toBe(true)
      expect(await logIn('web')).toMatchObject({ code: 255 })
      const post = await endJob(main)
      const verdicts = usesOf(post).map(({ verdict, reason }) => `${verdict} ${reason}`)
      expect(verdicts.slice(0, 4)).toEqual([
        ...['✓ done (add) as-asked', '✓ done (remove) as-asked'],
        ...['✗ refused (remove) key-unknown', '✓ signed host-pinned'],
      ])
      expect(new Set(verdicts.slice(4))).toEqual(new Set(['✓ done (remove-all) as-asked']))
      expect(warningsOf(post)).toEqual([])
    })

    test('-x and -X: nothing while it is locked; post needs no passphrase', async () => {
      const withPassphrase = async (option: string, passphrase: string): Promise<Finished> =>
        scene.job.exec('ssh-add', [option], { input: `${passphrase}\n${passphrase}\n` })
      await web.setAuthorizedKeys([scene.key.publicKey])
      expect(await withPassphrase('-x', 'sesame')).toMatchObject({ code: 0 })
      expect(await hasNoKeys()).toBe(true)
      expect(await logIn('web')).toMatchObject({
        code: 255,
        stderr: expect.stringContaining('Permission denied'),
      })
      expect(await exec('ssh-add', added.privateKeyFile)).toMatchObject({ code: 1 })
      expect(await withPassphrase('-X', 'barley')).toMatchObject({ code: 1 })
      expect(await logIn('web')).toMatchObject({ code: 255 })
      expect(await withPassphrase('-X', 'sesame')).toMatchObject({ code: 0 })
      expect(await logIn('web')).toMatchObject(LOGGED_IN)
      expect(await withPassphrase('-x', 'sesame')).toMatchObject({ code: 0 })
      const post = await endJob(main)
      const verdicts = usesOf(post).map(({ verdict, reason }) => `${verdict} ${reason}`)
      expect(verdicts[0]).toBe('✓ done (lock) as-asked')
      expect(verdicts).toContain('✗ refused (unlock) passphrase-wrong')
      expect(verdicts.slice(-3)).toEqual([
        ...['✓ done (unlock) as-asked', '✓ signed host-pinned', '✓ done (lock) as-asked'],
      ])
      expect(new Set(verdicts.slice(1, -3))).toEqual(
        new Set(['✗ refused (list) locked', '✗ refused (unlock) passphrase-wrong']),
      )
      expect(warningsOf(post)).toEqual([
        expect.stringMatching(/: locked\. A step locked the agent \(ssh-add -x\)/),
      ])
      expect(post.log).not.toContain('sesame')
    })

    test('-h: for their destinations, and pinned ones only', async () => {
      const db = await serve({ authorizedKeys: [added.publicKey] })
      await endJob(main)
      main = await scene.main(`${lineOf(web)}\n${lineOf(db, 'db')}`)
      // The job's own key would be offered at any pinned host.
      await add('-d', publicFile(scene.key, 'deploy'))
      const knownHosts = join(scene.directory, 'known_hosts')
      writeFileSync(knownHosts, [web, db, stranger].map((one) => one.knownHosts()).join(''))
      const to = (server: Sshd, user: string): string => `${user}@[127.0.0.1]:${server.port}`
      await add(
        ...['-H', knownHosts, '-h', to(web, web.user), '-h', to(stranger, web.user)],
        added.privateKeyFile,
      )
      expect(await logIn('web')).toMatchObject(LOGGED_IN)
      expect(await logIn('-l', OTHER_USER, 'web')).toMatchObject({ code: 255 })
      expect(await logIn('db')).toMatchObject({ code: 255 })
      expect(await logInAt(stranger)).toMatchObject({ code: 255 })
      const post = await endJob(main)
      expect(usesOf(post).slice(2)).toMatchObject([
        { host: 'web', user: web.user, verdict: '✓ signed', reason: 'host-pinned' },
        { user: OTHER_USER, verdict: '✗ refused', reason: 'destination-not-permitted' },
        { verdict: '✗ refused (list)', reason: 'destination-not-permitted' },
        { host: stranger.fingerprint(), reason: 'host-not-pinned' },
      ])
      expect(warningsOf(post)).toEqual([
        expect.stringMatching(/\(2 times\): destination-not-permitted\. .*\(ssh-add -h\)/),
        expect.stringMatching(/: host-not-pinned\. /),
      ])
    })
  })

  const manyKeys = async (): Promise<void> => {
    const keys: Key[] = []
    for (let i = 0; i < 10; i += 1) {
      keys.push(await makeKey(scene.directory, 'ed25519', { comment: `key ${i}`, file: `k${i}` }))
    }
    const hosts = await Promise.all(
      keys.map(async ({ publicKey }) =>
        serve({ authorizedKeys: [publicKey], extraConfig: ['MaxAuthTries 2'] }),
      ),
    )
    const main = await scene.job.run(MAIN, {
      'ssh-private-key': keys.map(({ privateKey }) => privateKey).join('\n'),
      hosts: hosts
        .map((host, index) => lineOf(host, `h${index}`, `key=${keys[index]?.fingerprint ?? ''}`))
        .join('\n'),
    })
    expect(main.code).toBe(0)

    for (const name of hosts.map((_, index) => `h${index}`)) {
      expect({ name, ...(await logIn(name)) }).toMatchObject({ name, code: 0, stderr: '' })
    }
    const failures = (host: Sshd | undefined): number =>
      host?.log().match(/Failed publickey/g)?.length ?? 0
    expect(hosts.map(failures)).toEqual(hosts.map(() => 0))

    // The same with the agent of OpenSSH.
    const last = hosts.at(-1)
    // Ended by hand: with a command it would live on until it next looks for its parent.
    const script =
      'eval "$(ssh-agent -s)" >/dev/null; ssh-add -q $KEYS; ssh "$@"; code=$?; kill "$SSH_AGENT_PID"; exit "$code"'
    const login = [...CARELESS, '-p', String(last?.port), `${last?.user ?? ''}@127.0.0.1`, 'true']
    const plain = await scene.job.exec('sh', ['-c', script, 'sh', ...login], {
      env: { KEYS: keys.map(({ privateKeyFile }) => privateKeyFile).join(' ') },
    })
    expect(plain).toMatchObject({
      code: 255,
      stderr: expect.stringContaining('Too many authentication failures'),
    })
    expect(failures(last)).toBe(2)

    const post = await endJob(main)
    expect(usesOf(post).map(({ key, host, verdict }) => [host, key, verdict])).toEqual(
      expect.arrayContaining(keys.map(({ fingerprint }, i) => [`h${i}`, fingerprint, '✓ signed'])),
    )
    expect(usesOf(post)).toHaveLength(10)
    expect(warningsOf(post)).toEqual([])
  }
  // Some hundred programs are started for this one.
  testWith(['ssh-agent'], 'with ten keys and ten hosts needs one try at each', manyKeys, 120_000)

  describe('that forwards the agent', () => {
    /** What is run on the first host: a login from there, with the agent that was forwarded. */
    const onward = (server: Sshd): string =>
      ['ssh', ...CARELESS, '-p', server.port, `${server.user}@127.0.0.1`, "'echo in'"].join(' ')

    test('can go on from a host with forward, to pinned hosts', async () => {
      const [hop, inner, stranger] = [await serve(), await serve(), await serve()]
      const main = await scene.main(`${lineOf(hop, 'hop', 'forward')}\n${lineOf(inner, 'inner')}`)
      expect(await exec('ssh', '-A', 'hop', onward(inner))).toMatchObject(LOGGED_IN)
      // The job's ssh_config forwards it there without being asked to.
      expect(await exec('ssh', 'hop', onward(inner))).toMatchObject(LOGGED_IN)
      expect(await exec('ssh', '-A', 'hop', onward(stranger))).toMatchObject({ code: 255 })
      expect(stranger.log()).not.toContain('Accepted')
      const post = await endJob(main)
      const use = { user: hop.user, verdict: '✓ signed', reason: 'host-pinned' }
      expect(usesOf(post)).toMatchObject([
        { ...use, host: 'hop', forwarded: '–' },
        { ...use, host: 'inner', forwarded: 'forwarded' },
        { ...use, host: 'hop', forwarded: '–' },
        { ...use, host: 'inner', forwarded: 'forwarded' },
        { ...use, host: 'hop', forwarded: '–' },
        { host: stranger.fingerprint(), verdict: '✗ refused (list)', reason: 'host-not-pinned' },
      ])
      expect(warningsOf(post)).toEqual([expect.stringContaining(': host-not-pinned. Add a line')])
    })

    test('can not from one without, and the warning names it', async () => {
      const [hop, inner] = [await serve(), await serve()]
      const main = await scene.main(`${lineOf(hop, 'hop')}\n${lineOf(inner, 'inner')}`)
      expect(await exec('ssh', '-A', 'hop', onward(inner))).toMatchObject({ code: 255 })
      expect(inner.log()).not.toContain('Accepted')
      const post = await endJob(main)
      expect(usesOf(post)).toMatchObject([
        { host: 'hop', verdict: '✓ signed' },
        { host: 'hop', verdict: '✗ refused (list)', reason: 'forward-not-allowed' },
      ])
      expect(warningsOf(post)).toEqual([
        expect.stringMatching(
          /^The agent refused for hop: forward-not-allowed\. .*Add forward to the line of hop in/,
        ),
      ])
    })
  })

  describe('whose runner dies', () => {
    /**
     * A runner: main; a step with the agent, which tells its audit; and the runner's sudden end. (No
     * shell could be one: it drops variables whose names have a dash.)
     */
    const RUNNER = `
      const { spawnSync } = require('node:child_process')
      const [, main, step] = process.argv
      spawnSync(process.execPath, [main], { stdio: 'inherit' })
      const script = 'SSH_AUTH_SOCK=$(echo "$RUNNER_TEMP"/ssh-trust-*/agent.sock); ' +
        'export SSH_AUTH_SOCK; ' + step + '; cat "\${SSH_AUTH_SOCK%/*}/audit.jsonl"'
      spawnSync('/bin/sh', ['-c', script], { stdio: 'inherit' })
      process.kill(process.pid, 'SIGKILL')`

    const dieAfter = async (step: string, inputs: Record<string, string>): Promise<Finished> => {
      const server = await serve()
      const given = { 'ssh-private-key': scene.key.privateKey, hosts: lineOf(server), ...inputs }
      const env = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
      )
      const node = process.env['SSH_TRUST_NODE'] ?? process.execPath
      return scene.job.exec(node, ['-e', RUNNER, MAIN, step], { env })
    }

    test.each<[string, string, Record<string, string>, string]>([
      ['the agent locked', "printf 'open\\nopen\\n' | ssh-add -x", {}, '"request":"lock"'],
      [
        'the agent’s lifetime over',
        'while ssh-add -l; do sleep 0.1; done',
        { 'agent-lifetime': '1s' },
        '"reason":"lifetime-over"',
      ],
    ])('leaves nothing, with %s', async (_, step, inputs, audited) => {
      const { signal, stdout } = await dieAfter(step, inputs)
      expect(signal).toBe('SIGKILL')
      expect(stdout).toContain(audited)
      // The agent ends before the program that it has started is through; the directory goes last.
      await until(() => scene.job.processes().length === 0)
      await until(() => jobDirectories().length === 0).catch(() => undefined)
      expectNothingLeft()
    })
  })

  test('hears of each kind of refusal once', async () => {
    const [web, stranger] = [await serve(), await serve()]
    const line = lineOf(web, 'web', `users=${web.user}`)
    const main = await scene.main(line, { 'max-signatures': '1' })
    for (let i = 0; i < 3; i += 1) {
      expect(await logInAt(stranger)).toMatchObject({ code: 255 })
      expect(await logIn('-l', OTHER_USER, 'web')).toMatchObject({ code: 255 })
    }
    expect(await logIn('web')).toMatchObject(LOGGED_IN)
    expect(await logIn('web')).toMatchObject({ code: 255 })
    const post = await endJob(main)
    expect(warningsOf(post)).toEqual([
      expect.stringMatching(
        new RegExp(`^The agent refused for SHA256:\\S+ \\(3 times\\): host-not-pinned\\. Add a li`),
      ),
      expect.stringMatching(
        new RegExp(`^The agent refused for ${OTHER_USER}@web \\(3 times\\): user-not-allowed\\. A`),
      ),
      expect.stringMatching(/: signatures-used-up\. Raise max-signatures\.$/),
    ])
    expect(post.log.match(/^ {2}refused: /gm)).toHaveLength(7)
    expect(post.log).toContain('Signatures made: 1. Requests refused: 7.')
  })
})
