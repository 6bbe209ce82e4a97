/**
 * Others write too: between main and post steps of the job, and people, edit the files that have our
 * lines. What is ours goes, wherever it has come to be; what is not ours stays, to the byte.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeHome, type Home } from '../support/home'
import { makeKey, type Key } from '../support/keys'
import { treeOf } from '../support/mounts'
import { describeWith, program } from '../support/programs'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { MAIN, makeScene, type Scene } from './fixtures'

const CONFIG = 'ServerAliveInterval 77\nHost other\r\n  User s\xf8mebody\nHost last'

/** What stands before the job's block, the block, and what stands after it. */
function split(text: string): [before: string, block: string, after: string] {
  const [block] = /# >>> ssh-trust (\w{6})\b[^]*# <<< ssh-trust \1\n/.exec(text) ?? []
  if (block === undefined) throw new Error(`no block in ${text}`)
  const [before = '', after = ''] = text.split(block)
  return [before, block, after]
}

const lines = (text: string): string[] => text.split(/(?<=\n)/)

describeWith(['sshd', 'ssh', 'nss_wrapper'], '~/.ssh/config, edited by others', () => {
  let scene: Scene
  let remote: Home
  let sshd: Sshd
  let ssh: string
  let config: string

  beforeAll(async () => {
    remote = await makeHome()
    sshd = await startSshd({ home: remote })
  })
  afterAll(async () => {
    await sshd.stop()
    remote.remove()
  })
  beforeEach(async () => {
    scene = await makeScene()
    ssh = join(scene.home.directory, '.ssh')
    config = join(ssh, 'config')
    await sshd.setAuthorizedKeys([scene.key.publicKey])
  })
  afterEach(async () => {
    await scene.end()
  })

  const read = (): string => readFileSync(config, 'latin1')
  const write = (text: string, path = config): void => {
    writeFileSync(path, text, 'latin1')
  }

  async function main(text: string | null = CONFIG): Promise<StepResult> {
    if (text !== null) {
      mkdirSync(ssh, { mode: 0o700 })
      writeFileSync(config, text, { encoding: 'latin1', mode: 0o640 })
    }
    const result = await scene.main(`web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`)
    expect(result.code).toBe(0)
    return result
  }

  /** Post, with nothing to complain of, and no file beside those of others. */
  async function post(step: StepResult): Promise<string> {
    const { code, annotations, log } = await scene.post(step)
    expect({ code, annotations }).toEqual({ code: 0, annotations: [] })
    expect(existsSync(step.state['journal'] ?? '')).toBe(false)
    expect(scene.job.processes()).toEqual([])
    return log
  }

  const OTHERS = 'Host added\n  Port 99\n'

  test.each<[string, (before: string, block: string, after: string) => string, string]>([
    ['lines before ours', (_, block, after) => OTHERS + block + after, OTHERS + CONFIG],
    ['lines after ours', (_, block, after) => block + OTHERS + after, OTHERS + CONFIG],
    [
      'lines at the end',
      (_, block, after) => `${block}${after}\n${OTHERS}`,
      `${CONFIG}\n${OTHERS}`,
    ],
    [
      'a comment between ours',
      (_, block, after) => lines(block).join('# why?\n') + after,
      `${'# why?\n'.repeat(4)}${CONFIG}`,
    ],
    ['our lines twice', (_, block, after) => block + block + after, CONFIG],
    ['our lines at the end', (_, block, after) => `${after}\n${block}`, `${CONFIG}\n`],
    [
      'our lines at the end, without a newline',
      (_, block, after) => `${after}\n${block.trimEnd()}`,
      `${CONFIG}\n`,
    ],
    [
      'our lines without their end',
      (_, block, after) => lines(block).slice(0, -1).join('') + after,
      CONFIG,
    ],
    [
      'all lines turned into CRLF',
      (_, block, after) => (block + after).replace(/\r?\n/g, '\r\n'),
      CONFIG.replace(/\r?\n/g, '\r\n'),
    ],
    ['our lines gone', (_, __, after) => after, CONFIG],
    ['all lines gone', () => '', ''],
  ])('%s: what is not ours stays', async (_, edit, expected) => {
    const step = await main()
    write(edit(...split(read())))
    await post(step)
    expect(read()).toBe(expected)
    expect(Object.keys(treeOf(ssh))).toEqual(['.', 'config'])
  })

  test('our lines without their begin: no mark of us, and no condition stays', async () => {
    const step = await main()
    const [, block, after] = split(read())
    write(lines(block).slice(1).join('') + after)
    await post(step)
    expect(read()).toMatch(/^(Match all\n)?ServerAliveInterval/)
    expect(read().endsWith(CONFIG)).toBe(true)
  })

  test.each<[string, (block: string) => string, RegExp]>([
    [
      'the condition',
      (block) => block.replace(/^Match exec .*/m, '$& user nobody'),
      /^Match exec .*user nobody$/m,
    ],
    ['the path', (block) => block.replace(/^ +Include .*/m, '$&.mine'), /^ +Include .*\.mine$/m],
  ])('%s changed by hand stays, and what follows keeps its meaning', async (_, edit, kept) => {
    const step = await main()
    const [, block, after] = split(read())
    write(edit(block) + after)
    expect(await post(step)).toContain('somebody has edited our lines; what is not ours stays')
    expect(read()).toMatch(kept)
    expect(read().endsWith(CONFIG)).toBe(true)
    const { stdout } = await scene.job.exec(program('ssh'), ['-G', 'any'])
    expect(stdout).toContain('serveraliveinterval 77\n')
  })

  test('another file in its place, with another mode: that mode stays', async () => {
    const step = await main()
    write(read(), `${config}.new`)
    chmodSync(`${config}.new`, 0o604)
    renameSync(`${config}.new`, config)
    await post(step)
    expect(treeOf(ssh)['config']).toMatch(/^100604 /)
    expect(read()).toBe(CONFIG)
  })

  test.each([
    ['with others’ lines', CONFIG],
    ['that we made', null],
  ])(
    'a file %s, moved and linked to: the link stays, and leads to what it did',
    async (_, text) => {
      const step = await main(text)
      const moved = join(scene.home.directory, 'dotfile')
      renameSync(config, moved)
      symlinkSync(moved, config)
      await post(step)
      expect(treeOf(ssh)['config']).toMatch(/-> .*dotfile$/)
      expect(readFileSync(moved, 'latin1')).toBe(text ?? '')
    },
  )

  test.each<[string, () => void]>([
    [
      'the file',
      () => {
        rmSync(config)
      },
    ],
    [
      'its directory',
      () => {
        rmSync(ssh, { recursive: true })
      },
    ],
    [
      'the file, and a directory is there',
      () => {
        rmSync(config)
        mkdirSync(config)
      },
    ],
    [
      'its directory, and a link to nothing is there',
      () => {
        rmSync(ssh, { recursive: true })
        symlinkSync('nowhere', ssh)
      },
    ],
  ])('%s is gone: nothing is made, and nothing is wrong', async (_, remove) => {
    const step = await main()
    remove()
    const before = treeOf(scene.home.directory)
    await post(step)
    expect(treeOf(scene.home.directory)).toEqual(before)
  })

  test('what others put into a file and a directory that we made stays, and post says so', async () => {
    const step = await main(null)
    write(`${read()}${OTHERS}`)
    write('[other]:22 ssh-ed25519 AAAA\n', join(ssh, 'known_hosts'))
    const log = await post(step)
    expect(Object.keys(treeOf(ssh))).toEqual(['.', 'config', 'known_hosts'])
    expect(read()).toBe(OTHERS)
    expect(log).toContain('it stays')
  })
})

describeWith(['sshd', 'ssh', 'nss_wrapper', 'account'], 'authorized_keys, edited by others', () => {
  let scene: Scene
  let remote: Home
  let sshd: Sshd
  let admin: Key
  let file: string

  beforeAll(async () => {
    remote = await makeHome()
    admin = await makeKey(remote.directory, 'ed25519', { comment: 'admin', file: 'admin' })
    sshd = await startSshd({ home: remote, authorizedKeys: [admin.publicKey] })
    file = join(remote.directory, '.ssh', 'authorized_keys')
  })
  afterAll(async () => {
    await sshd.stop()
    remote.remove()
  })
  beforeEach(async () => {
    scene = await makeScene()
    rmSync(join(remote.directory, '.ssh'), { recursive: true, force: true })
    mkdirSync(join(remote.directory, '.ssh'), { mode: 0o700 })
    writeFileSync(file, OTHER, { mode: 0o600 })
  })
  afterEach(async () => {
    await scene.end()
  })

  const OTHER =
    '# mine\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIpoXW6G5sM3mGqgGzXvYyEfzdnfqgpP1fLtwuyRk0b+ a\n'

  const inputs = (): Record<string, string> => ({
    'bootstrap-key': admin.privateKey,
    hosts: `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()} bootstrap`,
  })

  test.each<[string, (ours: string) => string, string]>([
    [
      'lines of others around it',
      (ours) => `# b\n${OTHER}# c\n${ours}# d`,
      `# b\n${OTHER}# c\n# d`,
    ],
    ['its comment changed', (ours) => OTHER + ours.replace(/ \S+\n$/, ' by hand\n'), OTHER],
    ['its options changed', (ours) => `${OTHER}no-pty,${ours}`, OTHER],
    ['its options gone', (ours) => OTHER + ours.replace(/^\S+ /, ''), OTHER],
    ['moved to the top', (ours) => ours + OTHER, OTHER],
    ['there twice', (ours) => ours + OTHER + ours, OTHER],
    ['its newline gone', (ours) => OTHER + ours.trimEnd(), OTHER],
    [
      'all turned into CRLF',
      (ours) => (OTHER + ours).replaceAll('\n', '\r\n'),
      OTHER.replaceAll('\n', '\r\n'),
    ],
  ])('our line, %s: it goes, and nothing else', async (_, edit, expected) => {
    const step = await scene.job.run(MAIN, { 'generate-key': 'ed25519', ...inputs() })
    expect(step.code).toBe(0)
    const added = readFileSync(file, 'utf8')
    expect(added.startsWith(OTHER)).toBe(true)
    writeFileSync(file, edit(added.slice(OTHER.length)))
    chmodSync(file, 0o604)
    const post = await scene.post(step)
    expect({ code: post.code, annotations: post.annotations }).toEqual({ code: 0, annotations: [] })
    expect(readFileSync(file, 'utf8')).toBe(expected)
    expect(treeOf(join(remote.directory, '.ssh'))['authorized_keys']).toMatch(/^100604 /)
  })

  test.each<[string, (ours: string) => string | undefined]>([
    ['gone', () => OTHER],
    ['commented out', (ours) => `${OTHER}#${ours}`],
    ['gone with the file', () => undefined],
  ])('our line, %s: the file stays as it is, and post tells of it', async (_, edit) => {
    const step = await scene.job.run(MAIN, { 'generate-key': 'ed25519', ...inputs() })
    const text = edit(readFileSync(file, 'utf8').slice(OTHER.length))
    if (text === undefined) rmSync(file)
    else writeFileSync(file, text)
    const post = await scene.post(step)
    expect(post.code).toBe(0)
    expect(post.log).toContain(`authorized-key ${sshd.user}@web`)
    expect(existsSync(file) ? readFileSync(file, 'utf8') : undefined).toBe(text)
  })

  test.each<[string, (ours: string) => string]>([
    ['options', (ours) => `no-pty,${ours}`],
    ['comment', (ours) => ours.replace(/ \S+\n$/, ' by hand\n')],
  ])(
    'the line of a key that the user brought, its %s changed: it stays, and post says so',
    async (_, edit) => {
      const step = await scene.main(inputs()['hosts'] ?? '', { ...inputs(), revoke: 'always' })
      expect(step.code).toBe(0)
      const changed = OTHER + edit(readFileSync(file, 'utf8').slice(OTHER.length))
      writeFileSync(file, changed)
      const post = await scene.post(step)
      expect({ code: post.code, annotations: post.annotations }).toEqual({
        code: 0,
        annotations: [],
      })
      expect(post.log).toContain('somebody has changed the line; it stays')
      expect(readFileSync(file, 'utf8')).toBe(changed)
    },
  )

  test('a line with the key that was there before stays', async () => {
    const before = `${OTHER}no-pty ${scene.key.publicKey} of old\n`
    writeFileSync(file, before)
    const step = await scene.main(inputs()['hosts'] ?? '', { ...inputs(), revoke: 'always' })
    expect({ code: step.code, text: readFileSync(file, 'utf8') }).toEqual({ code: 0, text: before })
    const post = await scene.post(step)
    expect(post.annotations).toEqual([])
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})
