/**
 * Editing a file of authorized keys with the host's shell: read there, edited here, and written only
 * if it is still what was read.
 *
 * The scripts are constant text for POSIX shells. All that varies comes to them on standard input.
 * While a file is compared and replaced a lock is held, the directory `FILE.ssh-trust-lock` with who
 * holds it in its file `owner`: see also edit-over-sftp.ts, which takes the same lock.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { TrustError } from '../errors'
import { runScript } from './connect'
import {
  changedTooOften,
  MAX_FILE,
  MAX_TRIES,
  mendInWords,
  stillLocked,
  type EditContent,
  type EditOptions,
  type EditResult,
  type Place,
} from './file-edit'

/** The host may wait for a lock for a minute. */
const TIMEOUT = 120_000

/**
 * Finds the file. Gives $home, $path, $dir, and $me, the user's id. What goes wrong is told on a line
 * `fail KIND words`.
 */
const FIND = String.raw`
umask 077
set -f
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
unset CDPATH
say() { printf '%s\n' "$*"; }
fail() { say "fail $*"; exit 1; }

# Mode and owner of $1, as ls tells them.
look() { set -- $(ls -lnd "$1" 2>/dev/null); mode=$1; owner=$3; }

IFS= read -r from
IFS= read -r path
IFS= read -r mend
me=$(id -u) || fail failed "The account has no id."
home=$(cd 2>/dev/null && pwd -P) || fail unsafe "The home directory of the account is not there."
if [ "$from" = dropbear ] && [ "$me" = 0 ] && [ -f /etc/openwrt_release ]; then
  path=/etc/dropbear/authorized_keys
elif [ "$from" != root ]; then
  case $home in
  /) path=/$path ;;
  *) path=$home/$path ;;
  esac
fi
links=0
while [ -L "$path" ]; do
  links=$((links + 1))
  [ "$links" -le 20 ] || fail unsafe "$path is a symbolic link that leads round in a circle."
  target=$(readlink "$path" 2>/dev/null) || target=$(ls -ld "$path" | sed 's/.* -> //')
  case $target in
  /*) path=$target ;;
  *) path=$(dirname "$path")/$target ;;
  esac
done
dir=$(dirname "$path")
name=$(basename "$path")
if [ -d "$dir" ]; then
  dir=$(cd -P "$dir" 2>/dev/null && pwd -P) || fail unsafe "The account may not enter $dir."
  case $dir in
  /) path=/$name ;;
  *) path=$dir/$name ;;
  esac
fi
if [ -e "$path" ]; then
  [ -f "$path" ] || fail unsafe "$path is not a regular file."
  look "$path"
  case $owner in
  "$me" | 0) ;;
  *) fail unsafe "$path belongs to another user, with the id $owner." ;;
  esac
elif [ "$links" -gt 0 ]; then
  fail unsafe "The file is a symbolic link to $path, and there is nothing."
fi

# What StrictModes of sshd_config(5) wants of $1: owned by the user or root, written by nobody else.
# Only what is ours, and in the home, is mended.
strict() {
  look "$1"
  case $owner in
  "$me" | 0) ;;
  *) say "warn $1 belongs to another user, with the id $owner"; return ;;
  esac
  case $mode in
  ?????w* | ????????w*) ;;
  *) return ;;
  esac
  case $1/ in
  "$home"/*)
    if [ "$mend" = look ]; then say "bad $1"; return; fi
    was=$mode
    if [ "$mend" = yes ] && chmod go-w "$1" 2>/dev/null; then
      look "$1"
      say "mended $was $mode $1"
      return
    fi ;;
  esac
  say "warn $1 can be written by other users"
}
strict_all() {
  [ -d "$dir" ] || return 0
  if [ -f "$path" ]; then strict "$path"; fi
  up=$dir
  while :; do
    strict "$up"
    if [ "$up" = "$home" ] || [ "$up" = / ]; then break; fi
    up=$(dirname "$up")
  done
}
`

const READ = String.raw`${FIND}
say "path $path"
mend=look
strict_all
if [ -f "$path" ]; then
  [ -r "$path" ] || fail unsafe "$path can not be read by the account."
  [ "$(wc -c <"$path")" -le ${MAX_FILE} ] || fail unsafe "$path is too large to edit."
  say "content"
  cat "$path" || exit 1
else
  missing() {
    if [ -d "$1" ]; then return 0; fi
    missing "$(dirname "$1")"
    say "missing $1"
  }
  missing "$dir"
  say "missing $path"
  say "absent"
fi
`

const MEND = String.raw`${FIND}
strict_all
say "done"
`

/**
 * Replaces the file, or removes it. Standard input has, after the lines read here, what the file was
 * and what it is to be. The loss of the connection looks like the end of the input: so it is counted.
 */
const WRITE = String.raw`${FIND}
IFS= read -r action
IFS= read -r had
IFS= read -r old
IFS= read -r total
IFS= read -r count
dirs=
newline='
'
while [ "$count" -gt 0 ]; do
  IFS= read -r line
  dirs=$line$newline$dirs
  count=$((count - 1))
done

if [ -f "$path" ]; then
  # Replacing it would make it ours.
  [ "$owner" = "$me" ] || fail unsafe "$path belongs to root."
fi

made=
make() {
  if [ -d "$1" ]; then return 0; fi
  make "$(dirname "$1")"
  if trouble=$(mkdir "$1" 2>&1); then
    made=$1$newline$made
  elif ! [ -d "$1" ]; then
    fail failed "$trouble"
  fi
}
need_dir() {
  if [ -d "$dir" ]; then return 0; fi
  case $dir/ in
  "$home"/*) make "$dir" ;;
  *) fail unsafe "The directory $dir is not there." ;;
  esac
}

lock=$path.ssh-trust-lock
node=$(uname -n)
ours="$node $$ $me $mark"
all=$path.ssh-trust-$mark-data
new=$path.ssh-trust-$mark-new
finished=no
locked=no
holder() {
  held=
  { IFS= read -r held <"$lock/owner"; } 2>/dev/null
}
unlock() {
  if [ "$locked" = no ]; then return 0; fi
  locked=no
  holder
  if [ "$held" = "$ours" ]; then rm -f "$lock/owner"; rmdir "$lock" 2>/dev/null; fi
}
remove_dirs() {
  IFS=$newline
  for one in $1; do
    if rmdir "$one" 2>/dev/null; then say "removed $one"; fi
  done
  unset IFS
}
cleanup() {
  rm -f "$all" "$new"
  unlock
  if [ "$finished" = no ]; then remove_dirs "$made" >/dev/null; fi
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM PIPE

# Whether the holder of the lock is a process on this machine that is no more.
is_dead() {
  set -- $held
  [ $# -eq 4 ] && [ "$1" = "$node" ] && { [ "$3" = "$me" ] || [ "$me" = 0 ]; } &&
    ! kill -0 "$2" 2>/dev/null
}
# Several may come to this together: one of them gets the directory, and looks whether it is the one
# that was meant.
break_lock() {
  meant=$held
  mv "$lock" "$lock-$mark" 2>/dev/null || return 0
  held=
  { IFS= read -r held <"$lock-$mark/owner"; } 2>/dev/null
  if [ "$held" != "$meant" ] && ! [ -e "$lock" ]; then
    mv "$lock-$mark" "$lock" 2>/dev/null && return 0
  fi
  rm -f "$lock-$mark/owner"
  rmdir "$lock-$mark" 2>/dev/null
}
# Time is counted in tenths of a second.
take_lock() {
  waited=0
  same_for=0
  missing=0
  last=
  until trouble=$(mkdir "$lock" 2>&1); do
    if ! [ -d "$lock" ]; then
      # Gone again, or not to be made at all. Another may have removed the empty directory, too.
      missing=$((missing + 1))
      [ "$missing" -le 20 ] || fail failed "$trouble"
      need_dir
      continue
    fi
    holder
    if [ "$held" = "$last" ]; then :; else last=$held; same_for=0; fi
    # A lock is without its owner for a moment only, before and after.
    patience=200
    if [ -z "$held" ]; then patience=50; fi
    if is_dead || [ "$same_for" -ge "$patience" ]; then break_lock; same_for=0; continue; fi
    [ "$waited" -lt 600 ] || fail locked "$lock"
    if sleep 0.1 2>/dev/null; then step=1; else sleep 1; step=10; fi
    waited=$((waited + step))
    same_for=$((same_for + step))
  done
  locked=yes
  if ! { say "$ours" >"$lock/owner"; } 2>/dev/null; then
    rm -f "$lock/owner"
    rmdir "$lock"
    locked=no
    fail failed "$lock/owner can not be written. Is the disk full?"
  fi
}

old_part() { dd if="$all" bs="$old" count=1 2>/dev/null; }
new_part() {
  if [ "$old" -eq 0 ]; then cat "$all"; else dd if="$all" bs="$old" skip=1 2>/dev/null; fi
}
is_same() {
  if [ "$had" = no ]; then ! [ -e "$path" ] && ! [ -L "$path" ]; return; fi
  [ -f "$path" ] && ! [ -L "$path" ] && [ "$(wc -c <"$path")" -eq "$old" ] || return 1
  if [ "$old" -eq 0 ]; then return 0; fi
  if command -v cmp >/dev/null 2>&1; then
    old_part | cmp -s - "$path"
  else
    [ "$(old_part | cksum)" = "$(cksum <"$path")" ]
  fi
}

need_dir
trouble=$( { cat >"$all"; } 2>&1) || fail failed "$trouble"
[ "$(wc -c <"$all")" -eq "$total" ] || fail failed "Not all of the data arrived at $all."
find "$dir" ! -path "$dir" -prune -type f -name "$name.ssh-trust-*" -mtime +0 -exec rm -f {} + 2>/dev/null
take_lock
if ! is_same; then say "changed"; exit 0; fi
# What begins now is brought to its end, though nobody may be listening any more: the login that did it
# may be the last one.
if [ "$action" = remove ]; then
  trap '' HUP INT TERM PIPE
  trouble=$(rm -f "$path" 2>&1) || fail failed "$trouble"
  say "removed $path"
else
  if [ "$had" = yes ]; then
    trouble=$(cp -p "$path" "$new" 2>&1) || fail failed "$trouble"
    look "$path"
    was=$mode
    chmod u+w "$new"
  fi
  trouble=$( { new_part >"$new"; } 2>&1) || fail failed "$new can not be written. $trouble"
  [ "$(wc -c <"$new")" -eq $((total - old)) ] || fail failed "$new was cut short. Is the disk full?"
  if [ "$had" = yes ]; then
    case $was in ??w*) ;; *) chmod u-w "$new" ;; esac
    chcon --reference="$path" "$new" 2>/dev/null
    look "$new"
    [ "$owner" = "$me" ] || fail failed "$new does not belong to the account."
  fi
  dd if=/dev/null of="$new" conv=notrunc,fsync 2>/dev/null
  holder
  [ "$held" = "$ours" ] || { say "changed"; exit 0; }
  trap '' HUP INT TERM PIPE
  trouble=$(mv -f "$new" "$path" 2>&1) || fail failed "$trouble"
  finished=yes
fi
finished=yes
unlock
rm -f "$all"
if [ "$had" = no ] && [ "$action" = write ]; then
  IFS=$newline
  # The list has the newest first.
  reversed=
  for one in $made; do reversed=$one$newline$reversed; done
  for one in $reversed; do say "created $one"; done
  unset IFS
  say "created $path"
  restorecon -F "$dir" "$path" 2>/dev/null
fi
if [ "$action" = remove ]; then remove_dirs "$dirs"; fi
strict_all
say "done"
`

/** @throws TrustError as `editAuthorizedKeys` */
export async function editOverShell(
  client: Client,
  place: Place,
  { mend = true, removeIfEmpty = [] }: EditOptions,
  edit: EditContent,
): Promise<EditResult> {
  const head = (mode: 'look' | 'yes' | 'no'): string[] => [place.from, place.path, mode]
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { path, content, missing, bad, warnings } = await read(client, head('look'))
    const before = content ?? Buffer.alloc(0)
    const after = edit(before, missing)
    const result = { path, via: 'shell' as const, created: [], removed: [], mends: [] }
    if (after === undefined || after.equals(before)) {
      const report = mend && bad ? await run(client, MEND, head('yes')) : []
      const told = mend && bad ? warningsIn(report) : warnings
      const empty = before.length === 0
      return { ...result, changed: false, empty, mends: mendsIn(report), warnings: told }
    }
    const remove = after.length === 0 && removeIfEmpty.includes(path)
    const dirs = remove ? removeIfEmpty.filter((one) => one !== path) : []
    const lines = [
      ...head(mend ? 'yes' : 'no'),
      remove ? 'remove' : 'write',
      content === undefined ? 'no' : 'yes',
      String(before.length),
      String(before.length + after.length),
      String(dirs.length),
      ...dirs,
    ]
    const report = await run(client, WRITE, lines, Buffer.concat([before, after]))
    if (!report.includes('changed')) {
      return {
        ...result,
        changed: true,
        empty: after.length === 0,
        created: valuesOf(report, 'created'),
        removed: valuesOf(report, 'removed'),
        mends: mendsIn(report),
        warnings: warningsIn(report),
      }
    }
    await sleep(Math.random() * 50 * Math.min(tries, 10)) // so that not all come again together
  }
  throw changedTooOften()
}

interface Reading {
  path: string
  /** Undefined if there is no file. */
  content: Buffer | undefined
  /** What an edit will create. */
  missing: string[]
  /** Whether there are modes to mend. */
  bad: boolean
  warnings: string[]
}

async function read(client: Client, lines: readonly string[]): Promise<Reading> {
  const { code, stdout, stderr } = await runScript(client, READ, linesOf(lines), {
    timeout: TIMEOUT,
    maxOutput: MAX_FILE + 1024 * 1024,
  })
  const mark = Buffer.from('\ncontent\n')
  const start = stdout.indexOf(mark)
  const head = (start < 0 ? stdout : stdout.subarray(0, start)).toString('utf8').split('\n')
  requireNoFailure(head, code, stderr)
  const [path] = valuesOf(head, 'path')
  if (path === undefined || (start < 0 && !head.includes('absent'))) throw oddAnswer(stderr)
  return {
    path,
    content: start < 0 ? undefined : stdout.subarray(start + mark.length),
    missing: valuesOf(head, 'missing'),
    bad: valuesOf(head, 'bad').length > 0,
    warnings: warningsIn(head),
  }
}

/** Runs a script that answers in lines, the last of them `done` or `changed`. */
async function run(
  client: Client,
  script: string,
  lines: readonly string[],
  data: Buffer = Buffer.alloc(0),
): Promise<string[]> {
  const input = Buffer.concat([linesOf(lines), data])
  const { code, stdout, stderr } = await runScript(client, script, input, { timeout: TIMEOUT })
  const report = stdout.toString('utf8').split('\n')
  requireNoFailure(report, code, stderr)
  if (!report.includes('done') && !report.includes('changed')) throw oddAnswer(stderr)
  return report
}

function linesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''))
}

function valuesOf(report: readonly string[], word: string): string[] {
  const start = `${word} `
  return report.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length))
}

const FAILURES = {
  unsafe: 'remote-file-unsafe',
  failed: 'remote-file-failed',
  locked: 'remote-file-locked',
} as const

function requireNoFailure(report: readonly string[], code: number, stderr: string): void {
  const [failure] = valuesOf(report, 'fail')
  const [, kind, words = ''] = /^(unsafe|failed|locked) ?(.*)$/.exec(failure ?? '') ?? []
  if (kind === 'locked') throw stillLocked(words)
  if (kind === 'unsafe' || kind === 'failed') throw new TrustError(FAILURES[kind], words)
  if (code !== 0) throw oddAnswer(stderr)
}

function oddAnswer(stderr: string): TrustError {
  const words = stderr.trim().slice(0, 300)
  const said = words === '' ? 'and says nothing' : `and says: ${words}`
  return new TrustError('remote-file-failed', `A script on the host failed ${said}`)
}

function mendsIn(report: readonly string[]): string[] {
  return valuesOf(report, 'mended').map((line) => {
    const [was = '', is = '', ...path] = line.split(' ')
    return mendInWords(path.join(' '), octal(was), octal(is))
  })
}

function warningsIn(report: readonly string[]): string[] {
  return valuesOf(report, 'warn')
}

/** `drwxrwxr-x` as `0775`. */
function octal(mode: string): string {
  const bit = (index: number, letters: string): number =>
    letters.includes(mode.charAt(index)) ? 1 : 0
  const special = bit(3, 'sS') * 4 + bit(6, 'sS') * 2 + bit(9, 'tT')
  const digits = [1, 4, 7].map((at) => bit(at, 'r') * 4 + bit(at + 1, 'w') * 2 + bit(at + 2, 'xst'))
  return [special, ...digits].join('')
}
