/**
 * The built-in keys of the forges against the fingerprints that the forges publish. The table is
 * copied from their pages, not computed from the keys.
 */
import { describe, expect, test } from '@jest/globals'
import { fingerprint, isKeyType, KEY_TYPES, parsePublicKey } from '../../src/ssh/public-key'
import { FORGES, forgeKeys } from '../../src/trust/forges'

const ED25519 = 'ssh-ed25519'
const ECDSA = 'ecdsa-sha2-nistp256'
const RSA = 'ssh-rsa'

const PUBLISHED: readonly { hosts: readonly string[]; keys: Readonly<Record<string, string>> }[] = [
  {
    // https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
    hosts: ['github.com', 'ssh.github.com'],
    keys: {
      [ED25519]: 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
      [ECDSA]: 'SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM',
      [RSA]: 'SHA256:uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s',
    },
  },
  {
    // https://docs.gitlab.com/user/gitlab_com/#ssh-host-keys-fingerprints
    hosts: ['gitlab.com', 'altssh.gitlab.com'],
    keys: {
      [ED25519]: 'SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8',
      [ECDSA]: 'SHA256:HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw',
      [RSA]: 'SHA256:ROQFvPThGrW4RuWLoL9tq9I9zJ42fK4XywyRtbOz/EQ',
    },
  },
  {
    // https://support.atlassian.com/bitbucket-cloud/docs/configure-ssh-and-two-step-verification/
    hosts: ['bitbucket.org', 'ssh.bitbucket.org', 'altssh.bitbucket.org'],
    keys: {
      [ED25519]: 'SHA256:ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM',
      [ECDSA]: 'SHA256:FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0',
      [RSA]: 'SHA256:46OSHA1Rmj8E8ERTC6xkNcmGOw9oFxYr0WF6zWW8l1E',
    },
  },
  {
    // https://docs.codeberg.org/security/ssh-fingerprint/
    hosts: ['codeberg.org'],
    keys: {
      [ED25519]: 'SHA256:mIlxA9k46MmM6qdJOdMnAQpzGxF4WIVVL+fj+wZbw0g',
      [ECDSA]: 'SHA256:T9FYDEHELhVkulEKKwge5aVhVTbqCW0MIRwAfpARs/E',
      [RSA]: 'SHA256:6QQmYi4ppFS4/+zSZ5S4IU+4sa6rwvQ4PbhCtPEBekQ',
    },
  },
  {
    // https://learn.microsoft.com/azure/devops/repos/git/use-ssh-keys-to-authenticate
    hosts: ['ssh.dev.azure.com', 'vs-ssh.visualstudio.com'],
    keys: { [RSA]: 'SHA256:ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og' },
  },
  {
    // https://man.sr.ht/git.sr.ht/#ssh-host-keys gives keys only; these are from a third party's
    // ssh-keyscan of 2025-07-06.
    hosts: ['git.sr.ht'],
    keys: {
      [ED25519]: 'SHA256:WXXNZu0YyoE3KBl5qh4GsnF1vR0NeEPYJAiPME+P09g',
      [ECDSA]: 'SHA256:1nUUjsHH0qwfjI3dYFWlXTjPUP/Un1oo6wfu9YL8tCQ',
      [RSA]: 'SHA256:rvz/I0S1T/9If9+/CU0HDTF8AV4MPu5Gkkxsb7vUTH4',
    },
  },
  {
    // https://documentation.ubuntu.com/launchpad/user/reference/ssh-fingerprints
    hosts: ['git.launchpad.net'],
    keys: { [RSA]: 'SHA256:UNOzlP66WpDuEo34Wgs8mewypV0UzqHLsIFoqwe8dYo' },
  },
  {
    // https://aur.archlinux.org/
    hosts: ['aur.archlinux.org'],
    keys: {
      [ED25519]: 'SHA256:RFzBCUItH9LZS0cKB5UE6ceAYhBD5C8GeOBip8Z11+4',
      [ECDSA]: 'SHA256:uTa/0PndEgPZTf76e1DFqXKJEXKsn7m9ivhLQtzGOCI',
      [RSA]: 'SHA256:5s5cIyReIfNNVGRFdDbe3hdYiI5OelHGpw2rOUud3Q8',
    },
  },
  {
    // https://sourceforge.net/p/forge/documentation/SSH%20Key%20Fingerprints/, *.code.sf.net
    hosts: ['git.code.sf.net', 'svn.code.sf.net', 'hg.code.sf.net'],
    keys: {
      [ED25519]: 'SHA256:vDwNztsrZFViJXWpUTSKGo8cF6n79iKAURNiK68n/yE',
      [ECDSA]: 'SHA256:FeVkoYYBjuQzb5QVAgm3BkmeN5TTgL2qfmqz9tCPRL4',
      [RSA]: 'SHA256:3WhEqJaBPKb69eT5dfgYcPJTgqc9rq1Y9saZlXqkbWg',
    },
  },
  {
    // The same page.
    hosts: ['frs.sourceforge.net', 'frs.sf.net', 'web.sourceforge.net', 'web.sf.net'],
    keys: {
      [ED25519]: 'SHA256:209BDmH3jsRyO9UeGPPgLWPSegKmYCBIya0nR/AWWCY',
      [ECDSA]: 'SHA256:QAAxYkf0iI/tc9oGa0xSsVOAzJBZstcO8HqGKfjpxcY',
      [RSA]: 'SHA256:xB2rnn0NUjZ/E0IXQp4gyPqc7U7gjcw7G26RhkDyk90',
    },
  },
  {
    // https://huggingface.co/docs/hub/security-git-ssh
    hosts: ['hf.co'],
    keys: {
      [ED25519]: 'SHA256:dVjzGIdV7d6cwKIeZiCoRMa2gMvSKfGZAvHf4gMiMao',
      [ECDSA]: 'SHA256:aBG5R7IomF4BSsx/h6tNAUVLhEkkaNGB8Sluyh/Q/qY',
      [RSA]: 'SHA256:uqjYymysBGCXXiMVebB8L8RIuWbPSKGBxQQNhcT5a3Q',
    },
  },
]

/** Keys that were in use once and that others may hold by now. */
const WITHDRAWN = [
  // github.com's RSA key until 2023-03-24: its private half was public.
  'SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8',
  // bitbucket.org's RSA key until 2023-06-20.
  'SHA256:zzXQOXSRBEiUtuE8AikJYKwbHaxvSc0ojez9YXaGp1A',
]

describe('forgeKeys', () => {
  for (const { hosts, keys } of PUBLISHED) {
    test.each(hosts)('has exactly the published keys of %s', (host) => {
      const parsed = (forgeKeys(host) ?? []).map((line) => parsePublicKey(line))
      expect(Object.fromEntries(parsed.map(({ type, blob }) => [type, fingerprint(blob)]))).toEqual(
        keys,
      )
      expect(parsed).toHaveLength(Object.keys(keys).length)
    })
  }

  test('does not heed case', () => {
    expect(forgeKeys('GitHub.COM')).toBe(forgeKeys('github.com'))
    expect(forgeKeys('GitHub.COM')).toBeDefined()
  })

  test.each([
    '',
    'example.com',
    'gitlab.example.com',
    'notgithub.com',
    'github.com.example.com',
    'evil.github.com',
    'github.com:22',
    'github.com.',
    'gitea.com',
    'constructor',
  ])('has nothing for %j', (host) => {
    expect(forgeKeys(host)).toBeUndefined()
  })
})

describe('FORGES', () => {
  const lines = FORGES.flatMap(({ keys }) => keys)
  const hosts = FORGES.flatMap((forge) => forge.hosts)

  test('has a row in the table of this test for every host', () => {
    expect([...hosts].sort()).toEqual(PUBLISHED.flatMap((forge) => forge.hosts).sort())
  })

  test('has no host and no key twice', () => {
    expect(new Set(hosts).size).toBe(hosts.length)
    expect(new Set(lines).size).toBe(lines.length)
  })

  test('spells hosts in lower case', () => {
    expect(hosts.map((host) => host.toLowerCase())).toEqual(hosts)
  })

  test('has keys as known_hosts has them, the type asked for first in front', () => {
    for (const { keys } of FORGES) {
      const types = keys.map((line) => line.split(' ')[0] ?? '')
      const ranks = types.map((type) => (isKeyType(type) ? KEY_TYPES.indexOf(type) : -1))
      expect(ranks).toEqual([...ranks].sort((a, b) => a - b))
    }
    for (const line of lines) expect(line).toMatch(/^[a-z0-9-]+ [A-Za-z0-9+/]+={0,2}$/)
  })

  test('has no key that was withdrawn', () => {
    const fingerprints = lines.map((line) => fingerprint(parsePublicKey(line).blob))
    expect(fingerprints.filter((value) => WITHDRAWN.includes(value))).toEqual([])
  })

  test('says where the keys are from and when they were compared', () => {
    for (const { source, checked } of FORGES) {
      expect(source).toMatch(/^https:\/\//)
      expect(new Date(checked).toISOString().slice(0, 10)).toBe(checked)
    }
  })
})
