/** What the log says of the hosts when a step of the job has failed. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { describeWith } from '../support/programs'
import type { StepResult } from '../support/runner'
import { startSshd, type Sshd } from '../support/sshd'
import { makeScene, MAIN, POST, type Scene } from './fixtures'

const HEADING = '::group::What ssh-trust doctor finds'

describeWith(['sshd', 'ssh', 'nss_wrapper'], 'after a failure', () => {
  let scene: Scene
  let sshd: Sshd
  beforeEach(async () => {
    scene = await makeScene()
    sshd = await startSshd({ authorizedKeys: [scene.key.publicKey], home: scene.home })
  })
  afterEach(async () => {
    await sshd.stop()
    await scene.end()
  })

  const hosts = (): string => `web=${sshd.user}@127.0.0.1:${sshd.port} ${sshd.fingerprint()}`

  describe('of main', () => {
    test('because nothing listens: how to install and start a server', async () => {
      await sshd.stop()
      const main = await scene.main(hosts())
      expect(main.code).toBe(1)
      expect(main.log).toContain(HEADING)
      expect(main.log).toMatch(/problem +web +connection .*\[connection-refused\]/)
      expect(main.log).toContain('apt install openssh-server')
    })

    test('only the hosts that the error names are looked at', async () => {
      const main = await scene.main(`${hosts()}\ngone=nobody@127.0.0.1:1 ${sshd.fingerprint()}`)
      expect(main.log).toMatch(/problem +gone +connection/)
      expect(main.log).not.toMatch(/ web +connection/)
    })

    test('with a password that is wrong', async () => {
      const main = await scene.main(`${hosts()} bootstrap`, {
        'bootstrap-password': 'not this one',
        revoke: 'always',
      })
      expect(main.code).toBe(1)
      expect(main.log).toContain('[login-method-absent]')
      expect(main.log.replaceAll('::add-mask::not this one', '')).not.toContain('not this one')
    })

    test('that is no matter of hosts, or where it is not wanted: nothing', async () => {
      const wrong = await scene.main(hosts(), { 'agent-policy': 'strict' })
      expect(wrong.log).not.toContain(HEADING)
      await sshd.stop()
      const unwanted = await scene.main(hosts(), { diagnose: 'false' })
      expect(unwanted.code).toBe(1)
      expect(unwanted.log).not.toContain(HEADING)
    })
  })

  describe('of a later step', () => {
    const post = async (main: StepResult, inputs: Record<string, string>): Promise<StepResult> =>
      scene.job.run(POST, { hosts: hosts(), ...inputs }, { state: main.state })

    test('post says what is amiss', async () => {
      const main = await scene.job.run(MAIN, {
        'ssh-private-key': scene.key.privateKey,
        hosts: hosts(),
      })
      await sshd.stop()
      const after = await post(main, { 'job-status': 'failure' })
      expect(after.code).toBe(0)
      expect(after.log).toMatch(/problem +web +connection .*\[connection-refused\]/)
    })

    test('where nothing is amiss post says nothing, and has logged in nowhere', async () => {
      const main = await scene.main(hosts())
      const after = await post(main, { 'job-status': 'failure' })
      expect(after.log).not.toContain(HEADING)
      await sshd.stop()
      expect(sshd.log()).not.toMatch(/Accepted|Failed publickey/)
    })

    test.each([
      ['the job has not failed', { 'job-status': 'success' }],
      ['it is not wanted', { 'job-status': 'failure', diagnose: 'false' }],
      ['there are no hosts', { 'job-status': 'failure', hosts: '' }],
    ])('nothing where %s', async (_, inputs) => {
      const main = await scene.main(hosts())
      await sshd.stop()
      expect((await post(main, inputs)).log).not.toContain(HEADING)
    })
  })
})
