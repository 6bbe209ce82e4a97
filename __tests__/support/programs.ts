/**
 * Finds the real programs that tests need, and skips a test by name where they are missing. With
 * SSH_TRUST_REQUIRE=all in the environment a missing program is a failure instead: for the machines
 * that must run everything.
 */
import { describe, test } from '@jest/globals'
import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { delimiter, join } from 'node:path'
import { canLogIn } from './account'

/** Program → Debian package. */
const PACKAGES = {
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  scp: 'openssh-client',
  sftp: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'ssh-add': 'openssh-client',
  'ssh-agent': 'openssh-client',
  'ssh-keyscan': 'openssh-client',
  rsync: 'rsync',
  git: 'git',
  /** Not a program but the library libnss_wrapper.so. */
  nss_wrapper: 'libnss-wrapper',
  dropbear: 'dropbear-bin',
  dropbearkey: 'dropbear-bin',
  dbclient: 'dropbear-bin',
  strace: 'strace',
  puttygen: 'putty-tools',
  openssl: 'openssl',
  plink: 'putty-tools',
  curl: 'curl',
  go: 'golang-go',
  /** Like nss_wrapper, a shared library. */
  libssh: 'libssh-4',
  /** These are Debian's own: /usr/bin/python3, /usr/bin/ruby, and what they can load; Go's sources. */
  python3: 'python3',
  paramiko: 'python3-paramiko',
  asyncssh: 'python3-asyncssh',
  pygit2: 'python3-pygit2',
  'net-ssh': 'ruby-net-ssh',
  'x-crypto': 'golang-golang-x-crypto-dev',
  /** Login shells, and other programs called sh. */
  bash: 'bash',
  dash: 'dash',
  busybox: 'busybox',
  mksh: 'mksh',
  tcsh: 'tcsh',
  fish: 'fish',
  unshare: 'util-linux',
  /** Shared libraries: PAM without the machine's accounts. */
  pam_wrapper: 'libpam-wrapper',
} as const satisfies Record<string, string>

export type Program = keyof typeof PACKAGES

/** What no package gives, and many containers lack. */
const CONDITIONS = {
  ipv6: { met: hasIpv6, remedy: 'an IPv6 loopback address' },
  linux: { met: () => process.platform === 'linux', remedy: 'Linux (/proc, all of 127.0.0.0/8)' },
  root: { met: () => process.geteuid?.() === 0, remedy: 'root' },
  /** Implied by OpenSSH's programs: they refuse to run for a user without passwd entry. */
  account: { met: canLogIn, remedy: 'an account that can log in' },
} as const

/** What a test may need. */
export type Need = Program | keyof typeof CONDITIONS

/** Daemons live in sbin, which is often not on the PATH of users. */
const MORE_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']

const SHARED_LIBRARIES: Partial<Record<Program, string>> = {
  nss_wrapper: 'libnss_wrapper.so',
  libssh: 'libssh.so.4',
  pam_wrapper: 'libpam_wrapper.so',
}

/** Their files are at paths with versions in them; dpkg's list of these files is not. */
const DEBIAN_ONLY: readonly Program[] = [
  'python3',
  'paramiko',
  'asyncssh',
  'pygit2',
  'net-ssh',
  'x-crypto',
]

const LIBRARY_DIRECTORIES = ['/usr/local/lib', '/usr/lib64', '/usr/lib', '/lib64', '/lib']

function isFile(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function subdirectories(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(directory, entry.name))
  } catch {
    return []
  }
}

function find(name: Program): string | undefined {
  if (DEBIAN_ONLY.includes(name)) {
    const list = `/var/lib/dpkg/info/${PACKAGES[name]}.list`
    return isFile(list, constants.R_OK) ? list : undefined
  }
  const library = SHARED_LIBRARIES[name]
  if (library !== undefined) {
    // Debian keeps libraries one level down, by architecture.
    return LIBRARY_DIRECTORIES.flatMap((directory) => [directory, ...subdirectories(directory)])
      .map((directory) => join(directory, library))
      .find((path) => isFile(path, constants.R_OK))
  }
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== '')
  return [...onPath, ...MORE_DIRECTORIES]
    .map((directory) => join(directory, name))
    .find((path) => isFile(path, constants.X_OK))
}

/** The absolute path of a program. Throws if it is not there: see `describeWith`, `testWith`. */
export function program(name: Program): string {
  const path = find(name)
  if (path === undefined) throw new Error(complaint(name))
  return path
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces())
    .flat()
    .some((address) => address?.address === '::1')
}

function isProgram(need: Need): need is Program {
  return need in PACKAGES
}

function isThere(need: Need): boolean {
  return isProgram(need) ? find(need) !== undefined : CONDITIONS[need].met()
}

function complaint(need: Need): string {
  return `needs ${need}: ${isProgram(need) ? `install ${PACKAGES[need]}` : CONDITIONS[need].remedy}`
}

function remedy(need: Need): string {
  return isProgram(need) ? `package ${PACKAGES[need]}` : CONDITIONS[need].remedy
}

/** True if `needs` are met; else the test `name` stands there skipped, or failing. */
function met(needs: readonly Need[], name: string): boolean {
  const isOpenSsh = (need: Need): boolean => remedy(need).startsWith('package openssh')
  const all = new Set(needs.some(isOpenSsh) ? [...needs, 'account' as const] : needs)
  const missing = [...all].filter((need) => !isThere(need))
  if (missing.length === 0) return true
  const told = missing.map((need) => `${need}, ${remedy(need)}`).join('; ')
  if (process.env['SSH_TRUST_REQUIRE'] === 'all') {
    test(name, () => {
      throw new Error(missing.map(complaint).join('\n'))
    })
  } else {
    test.skip(`${name} [skipped: needs ${told}]`, () => undefined)
  }
  return false
}

/** `describe` for tests that need programs. Without them `body` is not even called. */
export function describeWith(needs: readonly Need[], name: string, body: () => void): void {
  if (met(needs, name)) describe(name, body)
}

/** `test` for a test that needs programs. */
export function testWith(
  needs: readonly Need[],
  name: string,
  body: () => void | Promise<void>,
  timeout?: number,
): void {
  if (met(needs, name)) test(name, body, timeout)
}
