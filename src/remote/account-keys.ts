/**
 * The keys of an account: those that it has, one that is made for it, and its removal. Scripts as in
 * account.ts.
 */
import type { Client } from 'ssh2'
import { TrustError } from '../errors'
import type { KeySpec } from '../ssh/private-key'
import { displayType } from '../ssh/public-key'
import { isKeyOfType } from './account-known-hosts'
import { ask, fileName, HOME, valueOf } from './account'

/**
 * The key files that ssh tries by itself (ssh(1), FILES). The public half is told by the private key
 * where that has no passphrase, and else by the file beside it.
 */
const KEYS = String.raw`${HOME}
set -- $SSH_CONNECTION
say "address $3"
for name in ssh ssh-keygen; do
  command -v "$name" >/dev/null 2>&1 || say "lacks $name"
done
say "client $(ssh -V 2>&1 </dev/null)"
for name in id_ed25519 id_ecdsa id_rsa; do
  file=.ssh/$name
  if ! [ -e "$file" ] && ! [ -L "$file" ] && ! [ -e "$file.pub" ]; then continue; fi
  if [ -r "$file" ] && key=$(ssh-keygen -y -P '' -f "$file" </dev/null 2>/dev/null); then
    say "plain $name $key"
  elif [ -e "$file" ] && [ -r "$file.pub" ] && IFS= read -r key <"$file.pub"; then
    say "closed $name $key"
  else
    say "other $name"
  fi
done
say "done"
`

/** A key of the account, as it lies in its files. */
export interface AccountKey {
  /** `~/.ssh/id_ed25519` */
  path: string
  /** Wire format; absent where it can't be read. */
  publicKey?: Buffer
  encrypted?: boolean
}

/** What an account can log in with to other hosts. */
export interface AccountKeys {
  keys: AccountKey[]
  /** Of the host: that at which our own connection came in. */
  address: string | undefined
  /** Why it can't log in anywhere: OpenSSH's client is not there. */
  lacks?: string
}

/** @throws TrustError as `ask` */
export async function listKeys(client: Client): Promise<AccountKeys> {
  const answer = await ask(client, KEYS, [])
  const keys = answer.flatMap((line): AccountKey[] => {
    const [, state, name, key] = /^(plain|closed|other) (\S+)(?: (.*))?$/.exec(line) ?? []
    if (state === undefined || name === undefined) return []
    const path = `~/.ssh/${name}`
    const publicKey = state === 'other' ? undefined : readPublicKey(key ?? '')
    if (publicKey === undefined) return [{ path }]
    return [{ path, publicKey, ...(state === 'closed' ? { encrypted: true } : {}) }]
  })
  const lacks = answer.flatMap((line) => /^lacks (\S+)$/.exec(line)?.[1] ?? [])
  // dbclient is called ssh on small systems; it knows none of the options that a proof needs.
  const isOpenSsh = /OpenSSH/.test(valueOf(answer, 'client') ?? '')
  const why =
    lacks.length > 0
      ? `there is no ${lacks.join(' and no ')}`
      : isOpenSsh
        ? undefined
        : "its ssh is not OpenSSH's"
  return {
    keys,
    address: valueOf(answer, 'address'),
    ...(why === undefined ? {} : { lacks: why }),
  }
}

/** The key of a line `type base64 comment`; undefined for what is none. */
function readPublicKey(line: string): Buffer | undefined {
  const [type, base64 = ''] = line.trim().split(/\s+/)
  const blob = Buffer.from(base64, 'base64')
  return isKeyOfType(blob, type) ? blob : undefined
}

/**
 * Makes a key pair where there is no file. Made aside and then linked: a link never replaces a file.
 * The public half goes first, so that a private key of ours always stands beside its comment.
 */
const GENERATE = String.raw`${HOME}
IFS= read -r name
IFS= read -r type
IFS= read -r bits
IFS= read -r comment
command -v ssh-keygen >/dev/null 2>&1 || fail "There is no ssh-keygen."
made=no
if ! [ -d .ssh ]; then
  trouble=$(mkdir .ssh 2>&1) || fail "$trouble"
  made=yes
fi
file=.ssh/$name
new=.ssh/ssh-trust-$mark
finished=no
cleanup() {
  rm -f "$new" "$new.pub"
  if [ "$finished" = no ] && [ "$made" = yes ]; then rmdir .ssh 2>/dev/null; fi
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM PIPE
for one in "$file" "$file.pub"; do
  if [ -e "$one" ] || [ -L "$one" ]; then fail "$one is there already."; fi
done
trouble=$(ssh-keygen -q -t "$type" -b "$bits" -N '' -C "$comment" -f "$new" </dev/null 2>&1) || fail "$trouble"
# Where the connection is lost meanwhile, this is the end: teardown may have looked already.
say "made"
trouble=$(ln "$new.pub" "$file.pub" 2>&1) || fail "$trouble"
trouble=$(ln "$new" "$file" 2>&1) || { rm -f "$file.pub"; fail "$trouble"; }
finished=yes
say "key $(cat "$file.pub")"
say "done"
`

/**
 * Makes a key without passphrase in a file of the account's ~/.ssh. Never over a file.
 *
 * @param path as `listKeys` tells it
 * @param comment by which `removeGeneratedKey` knows it again: one word that nobody else uses
 * @returns the public half
 * @throws TrustError as `ask`
 */
export async function generateKey(
  client: Client,
  path: string,
  { type, bits }: KeySpec,
  comment: string,
): Promise<Buffer> {
  const name = displayType(type).toLowerCase()
  const curve = /\d+$/.exec(type)?.[0]
  const size = name === 'ecdsa' ? (curve ?? '256') : String(bits ?? (name === 'rsa' ? 3072 : 256))
  const answer = await ask(client, GENERATE, [fileName(path), name, size, comment])
  const publicKey = readPublicKey(valueOf(answer, 'key') ?? '')
  if (publicKey === undefined) {
    throw new TrustError('remote-file-failed', `ssh-keygen on the host made no key in ${path}.`)
  }
  return publicKey
}

/** Removes the pair if it is the one with this comment, and its private half belongs to the public one. */
const REMOVE = String.raw`${HOME}
IFS= read -r name
IFS= read -r comment
IFS= read -r directory
file=.ssh/$name
[ -e "$file" ] || [ -e "$file.pub" ] || { say "gone"; say "done"; exit 0; }
type= key= words=
if [ -f "$file.pub" ]; then read -r type key words <"$file.pub"; fi
if [ "$words" != "$comment" ]; then say "changed"; say "done"; exit 0; fi
if [ -e "$file" ]; then
  held=$(ssh-keygen -y -P '' -f "$file" </dev/null 2>/dev/null)
  case "$held " in
  "$type $key "*) ;;
  *) say "changed"; say "done"; exit 0 ;;
  esac
fi
trouble=$(rm -f "$file" "$file.pub" 2>&1) || fail "$trouble"
if [ "$directory" = yes ]; then rmdir .ssh 2>/dev/null; fi
say "removed"
say "done"
`

/**
 * Takes away what `generateKey` made, unless it is no longer that. Others who came to use the key
 * meanwhile can't be known, as they are on other hosts: who wants to keep it gives it another comment.
 *
 * @param directory whether ~/.ssh is to go with it, if it is empty then
 * @throws TrustError as `ask`
 */
export async function removeGeneratedKey(
  client: Client,
  path: string,
  comment: string,
  directory: boolean,
): Promise<'removed' | 'gone' | 'changed'> {
  const answer = await ask(client, REMOVE, [fileName(path), comment, directory ? 'yes' : 'no'])
  return answer.includes('removed') ? 'removed' : answer.includes('gone') ? 'gone' : 'changed'
}
