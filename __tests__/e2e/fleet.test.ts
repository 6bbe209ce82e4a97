/** Hosts from a file, in each of its forms, and a part of them for each job of a matrix. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeWith } from '../support/programs'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { makeScene, type Scene } from './fixtures'

describeWith(['sshd', 'ssh', 'nss_wrapper'], 'a fleet', () => {
  let scene: Scene
  let sshd: Sshd
  beforeAll(async () => {
    scene = await makeScene()
    sshd = await startSshd({ authorizedKeys: [scene.key.publicKey], home: scene.home })
  })
  afterAll(async () => {
    await sshd.stop()
    await scene.end()
  })

  const write = (name: string, text: string): string => {
    writeFileSync(join(scene.job.workspace, name), text)
    return name
  }
  const namesIn = ({ outputs }: StepResult): string[] =>
    (JSON.parse(outputs['report'] ?? '{"hosts":[]}') as { hosts: { name: string }[] }).hosts.map(
      ({ name }) => name,
    )

  const forms: [string, string, () => string][] = [
    [
      'our own lines',
      'hosts.txt',
      () => `web1=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}\n`,
    ],
    [
      'an Ansible inventory, INI',
      'inventory.ini',
      () => `[web]
web[1:2] ansible_host=127.0.0.1 ansible_port=${sshd.port} ansible_user=${sshd.user}
[web:vars]
ssh_trust_pins='${sshd.fingerprint()}'
`,
    ],
    [
      'an Ansible inventory, YAML',
      'inventory.yml',
      () => `all:
  vars:
    ssh_trust_pins: "${sshd.fingerprint()}"
  hosts:
    web1:
      ansible_host: 127.0.0.1
      ansible_port: ${sshd.port}
      ansible_user: ${sshd.user}
`,
    ],
    [
      'an ssh_config',
      'ssh_config',
      () => `Host web1
  # ssh-trust: ${sshd.fingerprint()}
  HostName 127.0.0.1
  Port ${sshd.port}
  User ${sshd.user}
`,
    ],
  ]

  test.each(forms)('%s: a login, and nothing left', async (_, name, text) => {
    const before = scene.home.snapshot()
    const main = await scene.main('', { 'hosts-file': write(name, text()) })
    expect({ code: main.code, annotations: main.annotations }).toEqual({ code: 0, annotations: [] })
    expect(await scene.job.exec('ssh', ['web1', 'echo in'])).toMatchObject({ stdout: 'in\n' })
    await scene.post(main)
    expect(scene.home.snapshot()).toEqual(before)
  })

  test('each host is in one shard', async () => {
    const lines = ['a', 'b', 'c', 'd', 'e'].map(
      (name) => `${name}=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}\n`,
    )
    const file = write('many.txt', lines.join(''))
    const shards: string[][] = []
    for (const shard of ['1/2', '2/2']) {
      const main = await scene.main('', { 'hosts-file': file, shard })
      shards.push(namesIn(main))
      await scene.post(main)
    }
    expect(shards).toEqual([
      ['a', 'c', 'e'],
      ['b', 'd'],
    ])
  })

  test('what is wrong in the file is told with its place', async () => {
    const file = write('wrong.ini', `[web]\nweb1 ansible_host=127.0.0.1\n`)
    const main = await scene.main('', { 'hosts-file': file })
    expect(main.code).toBe(1)
    expect(main.log).toContain('[hosts-pin-missing]')
    expect(main.log).toContain('wrong.ini:2')
    expect(main.log).toContain('ssh_trust_pins')
  })
})
