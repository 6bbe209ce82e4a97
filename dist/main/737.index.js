"use strict";
exports.id = 737;
exports.ids = [737,272];
exports.modules = {

/***/ 1737:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  editAuthorizedKeys: () => (/* binding */ editAuthorizedKeys)
});

// EXTERNAL MODULE: ./src/errors.ts
var errors = __webpack_require__(3916);
// EXTERNAL MODULE: ./src/remote/connect.ts
var connect = __webpack_require__(2272);
// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./node_modules/ssh2/lib/index.js
var lib = __webpack_require__(5472);
;// CONCATENATED MODULE: ./src/remote/file-edit.ts
/** What edits of a file of authorized keys have in common, whatever they go over. */

/** Largest file that is edited. */
const MAX_FILE = 16 * 1024 * 1024;
/** How often an edit is made anew because the file was changed meanwhile. */
const MAX_TRIES = 30;
function changedTooOften() {
    return new errors/* TrustError */.Ru('remote-file-changed', `The file was changed by others ${MAX_TRIES} times while it was being edited.`, { hint: 'Find out what writes it all the time, or try again later.' });
}
function stillLocked(lock) {
    return new errors/* TrustError */.Ru('remote-file-locked', `Another job keeps ${lock} on the host.`, {
        hint: 'If no other job is running, remove that directory.',
    });
}
function mendInWords(path, was, is) {
    return `made ${path} ${is}, was ${was}`;
}

;// CONCATENATED MODULE: ./src/remote/edit-over-sftp.ts
/**
 * Editing a file of authorized keys over SFTP, for accounts that have no shell: the same rules as in
 * edit-over-shell.ts, and the same lock.
 */







/** How long a lock is waited for, and when one counts as left behind, in milliseconds. */
const LOCK_WAIT = 60_000;
const LOCK_STALE = 20_000;
/** The same for one that does not say whose it is: that is so for a moment only. */
const LOCK_NAMELESS = 5_000;
const LOCK_POLL = 100;
/** One answer of the server, in milliseconds. */
const ANSWER = 30_000;
const { NO_SUCH_FILE, PERMISSION_DENIED, OP_UNSUPPORTED } = lib.utils.sftp.STATUS_CODE;
const WRITTEN_BY_OTHERS = 0o022;
/** One request, answered in time. */
async function ask(send) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
            reject(new errors/* TrustError */.Ru('host-timeout', `SFTP did not answer within ${ANSWER / 1000} s.`));
        }, ANSWER);
        const done = (error, value) => {
            clearTimeout(timer);
            if (error === null || error === undefined)
                resolve(value);
            else
                reject(error);
        };
        try {
            send(done);
        }
        catch (error) {
            done(error, undefined);
        }
    });
}
function statusOf(error) {
    return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
/** Undefined where the server says that there is no such file. */
async function orAbsent(work) {
    try {
        return await work;
    }
    catch (error) {
        if (statusOf(error) === NO_SUCH_FILE)
            return undefined;
        throw error;
    }
}
async function done(work) {
    return work.then(() => true, () => false);
}
/** Whatever the server refuses becomes `remote-file-failed`. */
function failed(error, path) {
    if (error instanceof errors/* TrustError */.Ru)
        return error;
    const why = statusOf(error) === PERMISSION_DENIED
        ? 'permission denied'
        : error instanceof Error
            ? error.message
            : String(error);
    return new errors/* TrustError */.Ru('remote-file-failed', `${path} can't be edited over SFTP: ${why}.`, {
        hint: 'The account may be confined to a directory that is not its own, or the disk full.',
        cause: error,
    });
}
/** @throws TrustError as `editAuthorizedKeys` */
async function editOverSftp(sftp, place, { mend = true, removeIfEmpty = [] }, edit) {
    const created = [];
    try {
        for (let tries = 0; tries < MAX_TRIES; tries += 1) {
            const found = await find(sftp, place);
            const before = await readFile(sftp, found.path);
            const content = before ?? Buffer.alloc(0);
            const missing = before === undefined ? await missingOf(sftp, found) : [];
            const after = edit(content, missing);
            const result = { path: found.path, via: 'sftp', created, removed: [] };
            if (after === undefined || after.equals(content)) {
                const empty = content.length === 0;
                return { ...result, changed: false, empty, ...(await strict(sftp, found, mend)) };
            }
            created.push(...(await makeDirectories(sftp, found)));
            const remove = after.length === 0 && removeIfEmpty.includes(found.path);
            if (await replace(sftp, found.path, before, remove ? undefined : after)) {
                if (remove)
                    result.removed.push(found.path, ...(await removeAll(sftp, found, removeIfEmpty)));
                else if (before === undefined)
                    created.push(found.path);
                const empty = after.length === 0;
                return { ...result, changed: true, empty, ...(await strict(sftp, found, mend)) };
            }
        }
        throw changedTooOften();
    }
    catch (error) {
        for (const directory of created.toReversed())
            await done(removeDirectory(sftp, directory));
        throw failed(error, place.path);
    }
}
/** The directories that are not there, the one above first, and the file. */
async function missingOf(sftp, { path, directory }) {
    const missing = [path];
    let above = directory;
    while (above !== external_node_path_.posix.dirname(above) && (await lstat(sftp, above)) === undefined) {
        missing.unshift(above);
        above = external_node_path_.posix.dirname(above);
    }
    return missing;
}
async function realpath(sftp, path) {
    return ask((done) => {
        sftp.realpath(path, done);
    });
}
async function lstat(sftp, path) {
    return orAbsent(ask((done) => {
        sftp.lstat(path, done);
    }));
}
async function find(sftp, place) {
    const home = await realpath(sftp, '.');
    let path = place.from === 'root' ? place.path : external_node_path_.posix.join(home, place.path);
    let stats = await lstat(sftp, path);
    let links = 0;
    while (stats?.isSymbolicLink() === true) {
        links += 1;
        if (links > 20)
            throw unsafe(`${path} is a symbolic link that leads round in a circle`);
        const link = path;
        const target = await ask((done) => {
            sftp.readlink(link, done);
        });
        path = external_node_path_.posix.resolve(external_node_path_.posix.dirname(path), target);
        stats = await lstat(sftp, path);
    }
    if (stats === undefined && links > 0) {
        throw unsafe(`The file is a symbolic link to ${path}, and there is nothing`);
    }
    if (stats !== undefined && !stats.isFile())
        throw unsafe(`${path} is not a regular file`);
    if ((stats?.size ?? 0) > MAX_FILE)
        throw unsafe(`${path} is too large to edit`);
    const directory = await orAbsent(realpath(sftp, external_node_path_.posix.dirname(path)));
    // OpenSSH's realpath fails where a directory is missing; other servers just tidy up the path.
    const real = directory ?? external_node_path_.posix.dirname(path);
    return { home, path: external_node_path_.posix.join(real, external_node_path_.posix.basename(path)), directory: real };
}
function unsafe(words) {
    return new errors/* TrustError */.Ru('remote-file-unsafe', `${words}.`);
}
async function readFile(sftp, path) {
    return orAbsent(ask((done) => {
        sftp.readFile(path, (error, content) => {
            done(error, content);
        });
    }));
}
/** Makes what is missing of the directory, if it is in the home. */
async function makeDirectories(sftp, { home, directory }) {
    if ((await lstat(sftp, directory)) !== undefined)
        return [];
    if (!`${directory}/`.startsWith(home === '/' ? '/' : `${home}/`) || directory === home) {
        throw unsafe(`The directory ${directory} is not there`);
    }
    const above = await makeDirectories(sftp, { home, path: '', directory: external_node_path_.posix.dirname(directory) });
    const made = await done(ask((callback) => {
        sftp.mkdir(directory, { mode: 0o700 }, (error) => {
            callback(error, undefined);
        });
    }));
    if (!made && (await lstat(sftp, directory)) === undefined) {
        throw new errors/* TrustError */.Ru('remote-file-failed', `The directory ${directory} can't be made.`);
    }
    return made ? [...above, directory] : above;
}
/** Replaces the file (removes it) if it still is `before`; false if it is not. */
async function replace(sftp, path, before, after) {
    const mark = (0,external_node_crypto_.randomBytes)(16).toString('hex');
    const lock = await takeLock(sftp, `${path}.ssh-trust-lock`, `sftp 0 0 ${mark}`);
    const temporary = `${path}.ssh-trust-${mark}-new`;
    try {
        const stats = await lstat(sftp, path);
        const now = stats === undefined ? undefined : await readFile(sftp, path);
        const same = now === undefined ? before === undefined : before?.equals(now) === true;
        if (!same || stats?.isSymbolicLink() === true)
            return false;
        if (stats !== undefined && stats.uid !== lock.uid) {
            throw unsafe(`${path} belongs to another user, with the id ${stats.uid}`);
        }
        if (after === undefined) {
            await remove(sftp, path);
            return true;
        }
        await writeTemporary(sftp, temporary, after, stats);
        if (!(await lock.isHeld()))
            return false;
        await renameOver(sftp, temporary, path);
        return true;
    }
    finally {
        await done(remove(sftp, temporary));
        await lock.release();
    }
}
async function remove(sftp, path) {
    return ask((callback) => {
        sftp.unlink(path, (error) => {
            callback(error, undefined);
        });
    });
}
async function writeTemporary(sftp, path, content, like) {
    const handle = await ask((callback) => {
        sftp.open(path, 'wx', 0o600, callback);
    });
    const set = async (attributes) => ask((callback) => {
        sftp.fsetstat(handle, attributes, (error) => {
            callback(error, undefined);
        });
    });
    try {
        const size = 32 * 1024;
        for (let start = 0; start < content.length; start += size) {
            const length = Math.min(size, content.length - start);
            await ask((callback) => {
                sftp.write(handle, content, start, length, start, (error) => {
                    callback(error, undefined);
                });
            });
        }
        // Without order: the server's umask may have changed what open was told.
        if (like !== undefined)
            await done(set({ uid: like.uid, gid: like.gid }));
        await set({ mode: like === undefined ? 0o600 : like.mode & 0o7777 });
        await done(ask((callback) => {
            sftp.ext_openssh_fsync(handle, (error) => {
                callback(error, undefined);
            });
        }));
    }
    finally {
        await ask((callback) => {
            sftp.close(handle, (error) => {
                callback(error, undefined);
            });
        });
    }
}
/** PROTOCOL of OpenSSH §4.3: the plain rename of SFTP replaces nothing. */
async function renameOver(sftp, from, to) {
    try {
        await ask((callback) => {
            sftp.ext_openssh_rename(from, to, (error) => {
                callback(error, undefined);
            });
        });
    }
    catch (error) {
        const words = error instanceof Error ? error.message : '';
        if (statusOf(error) !== OP_UNSUPPORTED && !/not support/i.test(words))
            throw error;
        throw new errors/* TrustError */.Ru('remote-file-failed', 'The SFTP server can not replace a file in one step (posix-rename@openssh.com).', { cause: error });
    }
}
async function takeLock(sftp, path, ours) {
    const owner = `${path}/owner`;
    const holder = async () => (await readFile(sftp, owner).catch(() => undefined))?.toString('utf8').trim() ?? '';
    const deadline = Date.now() + LOCK_WAIT;
    let last = '';
    let since = Date.now();
    for (let missing = 0;;) {
        const made = ask((callback) => {
            sftp.mkdir(path, { mode: 0o700 }, (error) => {
                callback(error, undefined);
            });
        });
        if (await done(made))
            break;
        if ((await lstat(sftp, path)) === undefined) {
            missing += 1;
            if (missing > 5)
                await made;
            continue;
        }
        const held = await holder();
        if (held !== last)
            [last, since] = [held, Date.now()];
        if (Date.now() - since > (held === '' ? LOCK_NAMELESS : LOCK_STALE)) {
            await breakLock(sftp, path, held);
            since = Date.now();
        }
        else if (Date.now() > deadline)
            throw stillLocked(path);
        else
            await (0,promises_.setTimeout)(LOCK_POLL);
    }
    const release = async () => {
        if ((await holder()) !== ours)
            return;
        await done(remove(sftp, owner));
        await done(removeDirectory(sftp, path));
    };
    try {
        await ask((callback) => {
            sftp.writeFile(owner, `${ours}\n`, { mode: 0o600 }, (error) => {
                callback(error, undefined);
            });
        });
        const stats = await lstat(sftp, path);
        return { uid: stats?.uid ?? 0, isHeld: async () => (await holder()) === ours, release };
    }
    catch (error) {
        await done(remove(sftp, owner));
        await done(removeDirectory(sftp, path));
        throw error;
    }
}
/** As break_lock in edit-over-shell.ts. */
async function breakLock(sftp, path, meant) {
    const aside = `${path}-${(0,external_node_crypto_.randomBytes)(16).toString('hex')}`;
    const rename = async (from, to) => done(ask((callback) => {
        sftp.rename(from, to, (error) => {
            callback(error, undefined);
        });
    }));
    if (!(await rename(path, aside)))
        return;
    const held = await readFile(sftp, `${aside}/owner`).catch(() => undefined);
    const isMeant = (held?.toString('utf8').trim() ?? '') === meant;
    if (!isMeant && (await rename(aside, path)))
        return;
    await done(remove(sftp, `${aside}/owner`));
    await done(removeDirectory(sftp, aside));
}
async function removeDirectory(sftp, path) {
    return ask((callback) => {
        sftp.rmdir(path, (error) => {
            callback(error, undefined);
        });
    });
}
/** Removes directories that are empty, the innermost first; tells which. */
async function removeAll(sftp, { path }, made) {
    const removed = [];
    for (const one of made.filter((other) => other !== path).reverse()) {
        if (await done(removeDirectory(sftp, one)))
            removed.push(one);
    }
    return removed;
}
/** Looks after what StrictModes wants, from the file up to the home. */
async function strict(sftp, { home, path, directory }, mend) {
    const mends = [];
    const warnings = [];
    const user = (await lstat(sftp, home))?.uid ?? 0;
    const parts = [path];
    for (let up = directory;; up = external_node_path_.posix.dirname(up)) {
        parts.push(up);
        if (up === home || up === '/')
            break;
    }
    for (const part of parts) {
        const stats = await lstat(sftp, part);
        if (stats === undefined)
            continue;
        if (stats.uid !== user && stats.uid !== 0) {
            warnings.push(`${part} belongs to another user, with the id ${stats.uid}`);
            continue;
        }
        if ((stats.mode & WRITTEN_BY_OTHERS) === 0)
            continue;
        const mode = stats.mode & 0o7777 & ~WRITTEN_BY_OTHERS;
        const inHome = `${part}/`.startsWith(home === '/' ? '/' : `${home}/`);
        const mended = mend &&
            inHome &&
            (await done(ask((callback) => {
                sftp.chmod(part, mode, (error) => {
                    callback(error, undefined);
                });
            })));
        if (mended)
            mends.push(mendInWords(part, octal(stats.mode), octal(mode)));
        else
            warnings.push(`${part} can be written by other users`);
    }
    return { mends, warnings };
}
function octal(mode) {
    return (mode & 0o7777 & ~external_node_fs_.constants.S_IFMT).toString(8).padStart(4, '0');
}

;// CONCATENATED MODULE: ./src/remote/edit-over-shell.ts
/**
 * Editing a file of authorized keys with the host's shell: read there, edited here, and written only
 * if it is still what was read.
 *
 * The scripts are constant text for POSIX shells. All that varies comes to them on standard input.
 * While a file is compared and replaced a lock is held, the directory `FILE.ssh-trust-lock` with who
 * holds it in its file `owner`: see also edit-over-sftp.ts, which takes the same lock.
 */




/** The host may wait for a lock for a minute. */
const TIMEOUT = 120_000;
/**
 * Finds the file. Gives $home, $path, $dir, and $me, the user's id. What goes wrong is told on a line
 * `fail KIND words`.
 */
const FIND = String.raw `
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
`;
const READ = String.raw `${FIND}
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
`;
const MEND = String.raw `${FIND}
strict_all
say "done"
`;
/**
 * Replaces the file, or removes it. Standard input has, after the lines read here, what the file was
 * and what it is to be. The loss of the connection looks like the end of the input: so it is counted.
 */
const WRITE = String.raw `${FIND}
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
`;
/** @throws TrustError as `editAuthorizedKeys` */
async function editOverShell(client, place, { mend = true, removeIfEmpty = [] }, edit) {
    const head = (mode) => [place.from, place.path, mode];
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const { path, content, missing, bad, warnings } = await read(client, head('look'));
        const before = content ?? Buffer.alloc(0);
        const after = edit(before, missing);
        const result = { path, via: 'shell', created: [], removed: [], mends: [] };
        if (after === undefined || after.equals(before)) {
            const report = mend && bad ? await run(client, MEND, head('yes')) : [];
            const told = mend && bad ? warningsIn(report) : warnings;
            const empty = before.length === 0;
            return { ...result, changed: false, empty, mends: mendsIn(report), warnings: told };
        }
        const remove = after.length === 0 && removeIfEmpty.includes(path);
        const dirs = remove ? removeIfEmpty.filter((one) => one !== path) : [];
        const lines = [
            ...head(mend ? 'yes' : 'no'),
            remove ? 'remove' : 'write',
            content === undefined ? 'no' : 'yes',
            String(before.length),
            String(before.length + after.length),
            String(dirs.length),
            ...dirs,
        ];
        const report = await run(client, WRITE, lines, Buffer.concat([before, after]));
        if (!report.includes('changed')) {
            return {
                ...result,
                changed: true,
                empty: after.length === 0,
                created: valuesOf(report, 'created'),
                removed: valuesOf(report, 'removed'),
                mends: mendsIn(report),
                warnings: warningsIn(report),
            };
        }
        await (0,promises_.setTimeout)(Math.random() * 50 * Math.min(tries, 10)); // so that not all come again together
    }
    throw changedTooOften();
}
async function read(client, lines) {
    const { code, stdout, stderr } = await (0,connect.runScript)(client, READ, linesOf(lines), {
        timeout: TIMEOUT,
        maxOutput: MAX_FILE + 1024 * 1024,
    });
    const mark = Buffer.from('\ncontent\n');
    const start = stdout.indexOf(mark);
    const head = (start < 0 ? stdout : stdout.subarray(0, start)).toString('utf8').split('\n');
    requireNoFailure(head, code, stderr);
    const [path] = valuesOf(head, 'path');
    if (path === undefined || (start < 0 && !head.includes('absent')))
        throw oddAnswer(stderr);
    return {
        path,
        content: start < 0 ? undefined : stdout.subarray(start + mark.length),
        missing: valuesOf(head, 'missing'),
        bad: valuesOf(head, 'bad').length > 0,
        warnings: warningsIn(head),
    };
}
/** Runs a script that answers in lines, the last of them `done` or `changed`. */
async function run(client, script, lines, data = Buffer.alloc(0)) {
    const input = Buffer.concat([linesOf(lines), data]);
    const { code, stdout, stderr } = await (0,connect.runScript)(client, script, input, { timeout: TIMEOUT });
    const report = stdout.toString('utf8').split('\n');
    requireNoFailure(report, code, stderr);
    if (!report.includes('done') && !report.includes('changed'))
        throw oddAnswer(stderr);
    return report;
}
function linesOf(lines) {
    return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}
function valuesOf(report, word) {
    const start = `${word} `;
    return report.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
}
const FAILURES = {
    unsafe: 'remote-file-unsafe',
    failed: 'remote-file-failed',
    locked: 'remote-file-locked',
};
function requireNoFailure(report, code, stderr) {
    const [failure] = valuesOf(report, 'fail');
    const [, kind, words = ''] = /^(unsafe|failed|locked) ?(.*)$/.exec(failure ?? '') ?? [];
    if (kind === 'locked')
        throw stillLocked(words);
    if (kind === 'unsafe' || kind === 'failed')
        throw new errors/* TrustError */.Ru(FAILURES[kind], words);
    if (code !== 0)
        throw oddAnswer(stderr);
}
function oddAnswer(stderr) {
    const words = stderr.trim().slice(0, 300);
    const said = words === '' ? 'and says nothing' : `and says: ${words}`;
    return new errors/* TrustError */.Ru('remote-file-failed', `A script on the host failed ${said}`);
}
function mendsIn(report) {
    return valuesOf(report, 'mended').map((line) => {
        const [was = '', is = '', ...path] = line.split(' ');
        return mendInWords(path.join(' '), edit_over_shell_octal(was), edit_over_shell_octal(is));
    });
}
function warningsIn(report) {
    return valuesOf(report, 'warn');
}
/** `drwxrwxr-x` as `0775`. */
function edit_over_shell_octal(mode) {
    const bit = (index, letters) => letters.includes(mode.charAt(index)) ? 1 : 0;
    const special = bit(3, 'sS') * 4 + bit(6, 'sS') * 2 + bit(9, 'tT');
    const digits = [1, 4, 7].map((at) => bit(at, 'r') * 4 + bit(at + 1, 'w') * 2 + bit(at + 2, 'xst'));
    return [special, ...digits].join('');
}

;// CONCATENATED MODULE: ./src/remote/authorized-keys.ts




/**
 * Edits the file. `edit` may be called several times, each time with what the file then is.
 *
 * @throws TrustError `input-invalid` (the path), `remote-shell` (neither a shell nor SFTP),
 *   `remote-file-unsafe`, `remote-file-failed`, `remote-file-locked`, `remote-file-changed`,
 *   `host-timeout`, `host-closed`; and what `edit` throws
 */
async function editAuthorizedKeys(client, options, edit) {
    const place = placeOf(options, /^dropbear/i.test((0,connect.serverSoftware)(client)));
    try {
        return await editOverShell(client, place, options, edit);
    }
    catch (error) {
        if (!(error instanceof errors/* TrustError */.Ru) || error.code !== 'remote-shell')
            throw error;
        const sftp = await (0,connect/* openSftp */.O)(client).catch(() => {
            throw error;
        });
        try {
            return await editOverSftp(sftp, place, options, edit);
        }
        finally {
            sftp.end();
        }
    }
}
function placeOf({ path, user }, dropbear) {
    if (path === undefined) {
        return { from: dropbear ? 'dropbear' : 'home', path: '.ssh/authorized_keys' };
    }
    const bad = (why) => new errors/* TrustError */.Ru('input-invalid', `${JSON.stringify(path)} is no path for authorized keys: ${why}.`, {
        hint: 'Write it as AuthorizedKeysFile in sshd_config, as one absolute path or one relative to the home.',
    });
    const inHome = path.replace(/^(?:%h|~)(?=\/)/, '.');
    const tokens = inHome.match(/%./g) ?? [];
    if (tokens.some((token) => token !== '%u' && token !== '%%')) {
        throw bad('only %h at its start, %u and %% can stand in it');
    }
    const full = inHome.replace(/%[u%]/g, (token) => (token === '%u' ? user : '%'));
    // A newline would be the end of it for the scripts.
    if (full.length > 4000 || /[\0-\x1f\x7f]/.test(full))
        throw bad('it is too long or unprintable');
    const parts = full.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.length === 0 || parts.includes('..') || full.endsWith('/')) {
        throw bad('it has to name a file, without ..');
    }
    return full.startsWith('/')
        ? { from: 'root', path: `/${parts.join('/')}` }
        : { from: 'home', path: parts.join('/') };
}


/***/ }),

/***/ 2272:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   O: () => (/* binding */ openSftp),
/* harmony export */   connectTo: () => (/* binding */ connectTo),
/* harmony export */   runScript: () => (/* binding */ runScript),
/* harmony export */   serverSoftware: () => (/* binding */ serverSoftware)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var ssh2__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5472);
/* harmony import */ var ssh2__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__webpack_require__.n(ssh2__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3916);
/* harmony import */ var _ssh_certificate__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(5921);
/* harmony import */ var _ssh_key_exchange__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(707);
/* harmony import */ var _ssh_public_key__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(6119);
/* harmony import */ var _ssh_signature__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(5636);
/* harmony import */ var _ssh_transport__WEBPACK_IMPORTED_MODULE_7__ = __webpack_require__(7963);
/* harmony import */ var _ssh_wire__WEBPACK_IMPORTED_MODULE_8__ = __webpack_require__(3529);
/* harmony import */ var _penalties__WEBPACK_IMPORTED_MODULE_9__ = __webpack_require__(6807);
/* harmony import */ var _socket_error__WEBPACK_IMPORTED_MODULE_10__ = __webpack_require__(8450);
/**
 * A logged-in connection to a host whose key has been proven, and what runs over it: scripts for the
 * host's `sh`, and SFTP. Secrets go to the host only, and only once it has proven its key again.
 */











/** How long a server has to close its side once we have closed ours, in milliseconds. */
const GOODBYE = 2000;
/** A server that never closes its side would keep this process alive for as long. */
class LeavingClient extends ssh2__WEBPACK_IMPORTED_MODULE_1__.Client {
    end() {
        super.end();
        // Its own destroy() leaves alone what is ended on our side.
        const { _sock: socket } = this;
        setTimeout(() => socket?.destroy(), GOODBYE).unref();
        return this;
    }
}
/** ssh2 asks an agent for keys and signatures; this one asks the caller. */
class CallerAgent extends ssh2__WEBPACK_IMPORTED_MODULE_1__.BaseAgent {
    #keys;
    #sign;
    constructor(keys, sign) {
        super();
        this.#keys = keys;
        this.#sign = sign;
    }
    getIdentities(callback) {
        const keys = this.#keys.map((blob) => ssh2__WEBPACK_IMPORTED_MODULE_1__.utils.parseKey(blob));
        callback(undefined, keys.filter((key) => !(key instanceof Error)));
    }
    sign(key, data, options, callback) {
        const done = typeof options === 'function' ? options : callback;
        const hash = typeof options === 'function' ? undefined : options.hash;
        // RFC 4252 §7: what is signed begins with the session id.
        const sessionId = new _ssh_wire__WEBPACK_IMPORTED_MODULE_8__/* .Reader */ .mP(data).string(128);
        this.#sign(key.getPublicSSH(), data, sessionId, hash).then((signature) => {
            // ssh2 wants the bare signature; the algorithm it knows.
            const reader = new _ssh_wire__WEBPACK_IMPORTED_MODULE_8__/* .Reader */ .mP(signature);
            reader.string();
            done?.(undefined, reader.string());
        }, (error) => done?.(error instanceof Error ? error : new Error(String(error))));
    }
}
function signWith({ type, key }) {
    return async (_, data, __, hash) => {
        if (hash === 'sha1') {
            return Promise.reject(new Error('the server takes RSA signatures with SHA-1 only'));
        }
        return Promise.resolve((0,_ssh_signature__WEBPACK_IMPORTED_MODULE_6__/* .makeSignature */ .Bn)(type, key, data, hash === 'sha256' ? 'sha256' : 'sha512'));
    };
}
/**
 * A connection that is logged in. The caller ends it.
 *
 * @throws TrustError `host-not-found`, `host-refused`, `host-unreachable`, `host-timeout`,
 *   `host-closed`, `host-protocol`, `host-no-common-algorithm`, `host-key-changed`,
 *   `login-refused`, `login-method-absent`
 */
async function connectTo(options) {
    const client = new LeavingClient();
    return (0,_penalties__WEBPACK_IMPORTED_MODULE_9__/* .withRoomToFail */ .n)(options, () => serverSoftware(client), async () => logIn(client, options));
}
async function logIn(client, options) {
    const { host, port, user, timeout } = options;
    const hostKey = (0,_ssh_certificate__WEBPACK_IMPORTED_MODULE_3__/* .plainKey */ .y7)(options.hostKey);
    const login = loginMethods(options);
    let changed = false;
    let shaken = false;
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
            const what = shaken ? 'The login did not come to an end' : 'No answer';
            fail(new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-timeout', `${what} within ${timeout / 1000} s.`, { hint: SLOW }));
        }, timeout);
        // The first that is told settles it: a method that fails is told once more when all have failed.
        const fail = (error) => {
            clearTimeout(timer);
            client.destroy();
            reject(error);
        };
        client.once('ready', () => {
            clearTimeout(timer);
            resolve(client);
        });
        // Else Nagle's algorithm and delayed acknowledgements make each request wait for 40 ms.
        client.once('connect', () => client.setNoDelay(true));
        client.once('handshake', () => {
            shaken = true;
        });
        client.on('change password', () => {
            fail(refused(options, 'the password has expired and has to be changed'));
        });
        // Stays for as long as the connection: an error event without a listener ends the process.
        client.on('error', (cause) => {
            if (changed) {
                fail(new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-key-changed', `${host} shows another key than it proved before.`, {
                    cause,
                }));
            }
            else
                fail(shaken ? login.failure(lateError(options, cause)) : earlyError(options, cause));
        });
        client.once('close', () => {
            fail(shaken
                ? refused(options, 'the server closed the connection')
                : new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-closed', 'The server closed the connection.', { hint: BUSY }));
        });
        client.connect({
            host,
            port,
            username: user,
            readyTimeout: 0,
            authHandler: login.next,
            algorithms: { serverHostKey: (0,_ssh_key_exchange__WEBPACK_IMPORTED_MODULE_4__/* .hostKeyAlgorithms */ .Qb)((0,_ssh_certificate__WEBPACK_IMPORTED_MODULE_3__/* .kindOfKey */ .RI)(hostKey).type) },
            hostVerifier: (offered) => {
                changed = !offered.equals(hostKey);
                return !changed;
            },
        });
    });
}
const SLOW = 'A firewall may be dropping the connection, or the machine is down or slow. Check host, port, and the firewall rules for the address that this job comes from.';
const BUSY = 'Often MaxStartups, PerSourcePenalties, fail2ban or TCP wrappers on the server. Wait, then look at its log.';
function refused({ user, host }, why, cause) {
    return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('login-refused', `No login as ${user} at ${host}: ${why}.`, {
        ...(cause === undefined ? {} : { cause }),
    });
}
/** Before the host has proven its key. */
function earlyError({ hostKey }, cause) {
    const said = (0,_ssh_transport__WEBPACK_IMPORTED_MODULE_7__/* .printable */ .g$)(cause.message).replace(/\.$/, '');
    if (cause.level === 'client-socket')
        return (0,_socket_error__WEBPACK_IMPORTED_MODULE_10__/* .socketError */ .m)(cause, () => closedBy(cause));
    if (/no matching host key/.test(said) && !(0,_ssh_certificate__WEBPACK_IMPORTED_MODULE_3__/* .isCertificateType */ .qu)((0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_5__/* .typeOfBlob */ .JX)(hostKey))) {
        const message = 'The server no longer has a key of the type that it proved before.';
        return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-key-changed', message, { cause });
    }
    if (/no matching/.test(said)) {
        return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-no-common-algorithm', `The two sides do not agree: ${said}.`, {
            hint: 'This client takes no host certificates and no post-quantum key exchange; enable another algorithm on the server.',
            cause,
        });
    }
    if (/Connection lost/.test(said)) {
        return closedBy(cause);
    }
    return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-protocol', `The key exchange failed: ${said}.`, { cause });
}
/** After the host has proven its key, before the login is done. */
function lateError(options, cause) {
    if (cause.level === 'client-socket')
        return (0,_socket_error__WEBPACK_IMPORTED_MODULE_10__/* .socketError */ .m)(cause, () => closedBy(cause));
    return refused(options, (0,_ssh_transport__WEBPACK_IMPORTED_MODULE_7__/* .printable */ .g$)(cause.message).replace(/\.$/, ''), cause);
}
function closedBy(cause) {
    return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-closed', 'The server closed the connection.', { hint: BUSY, cause });
}
/** Asks which methods there are (RFC 4252 §5.2), then tries what the credentials are for, in order. */
function loginMethods(options) {
    const { credentials, user, onTry } = options;
    const untried = [credentials].flat();
    const failures = [];
    let asked = false;
    /** Tried last, and why it failed, where that is known here. */
    let current;
    let told;
    const next = (offered, partial) => {
        if (!asked) {
            asked = true;
            return { type: 'none', username: user };
        }
        if (current !== undefined)
            failures.push(notAccepted(options, current, told, offered, partial));
        for (current = untried.shift(); current !== undefined; current = untried.shift()) {
            onTry?.(current);
            told = undefined;
            const method = methodsOf(current).find((name) => offered?.includes(name));
            if (method !== undefined) {
                return methodFor(method, current, user, (why) => {
                    told ??= why;
                });
            }
            failures.push(methodAbsent(options, current, offered));
        }
        return false;
    };
    return {
        next,
        failure: (last) => {
            if (current === undefined && failures.length > 0)
                return (0,_errors__WEBPACK_IMPORTED_MODULE_2__/* .combine */ .kg)(failures);
            return (0,_errors__WEBPACK_IMPORTED_MODULE_2__/* .combine */ .kg)([...failures, told === undefined ? last : refused(options, told)]);
        },
    };
}
function methodsOf({ kind }) {
    return kind === 'password' ? ['password', 'keyboard-interactive'] : ['publickey'];
}
function notAccepted(options, { kind }, why, offered, partial) {
    if (partial !== true) {
        const what = kind === 'password' ? 'the password was not accepted' : 'no key was accepted';
        return refused(options, why ?? what);
    }
    const { host, user } = options;
    const method = kind === 'password' ? 'password' : 'publickey';
    const more = (0,_ssh_transport__WEBPACK_IMPORTED_MODULE_7__/* .printableList */ .Sk)(offered ?? []);
    return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('login-method-absent', `${host} took the ${method} for ${user}, and wants more: ${more}.`, { hint: 'Logins with several methods (AuthenticationMethods) are not supported.' });
}
function methodAbsent({ host, user }, credentials, offered) {
    const list = offered === null || offered.length === 0 ? 'nothing' : (0,_ssh_transport__WEBPACK_IMPORTED_MODULE_7__/* .printableList */ .Sk)(offered);
    const wanted = methodsOf(credentials).join(' or ');
    return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('login-method-absent', `${host} lets ${user} log in with ${list} only, not with ${wanted}.`, {
        hint: credentials.kind === 'password'
            ? 'Set PasswordAuthentication yes in sshd_config for the time being, or log in with a key.'
            : 'Set PubkeyAuthentication yes in sshd_config.',
    });
}
function methodFor(method, credentials, username, tell) {
    if (credentials.kind === 'signer') {
        return { type: 'agent', username, agent: new CallerAgent(credentials.keys, credentials.sign) };
    }
    if (credentials.kind === 'key') {
        const { key } = credentials;
        return { type: 'agent', username, agent: new CallerAgent([key.publicKey], signWith(key)) };
    }
    const { password } = credentials;
    if (method === 'password')
        return { type: 'password', username, password };
    let told = false;
    return {
        type: 'keyboard-interactive',
        username,
        // RFC 4256 §3.2. The password goes to one question, asked without echo. What else is asked for (a
        // code, a new password) is nothing that we have.
        prompt: (_name, _instructions, _language, prompts, answer) => {
            const [prompt] = prompts;
            const fits = prompts.length === 1 && prompt?.echo !== true && !told;
            if (!fits) {
                const asked = prompts.map((one) => `"${(0,_ssh_transport__WEBPACK_IMPORTED_MODULE_7__/* .printable */ .g$)(one.prompt.trim())}"`).join(', ');
                tell(`the server asks for ${asked}, and there is only a password`);
            }
            told = true;
            answer(prompts.map(() => (fits ? password : '')));
        },
    };
}
/** The software that a server's version line names: `OpenSSH_9.2p1`. A claim, not proven. */
function serverSoftware(client) {
    // ssh2 reads it and shows it to nobody.
    const { _remoteVer: software } = client;
    return typeof software === 'string' ? software : '';
}
const SCRIPT_TIMEOUT = 60_000;
/** How long until `sh` has begun: what waits for its input instead is something else. */
const START_TIMEOUT = 20_000;
const MAX_OUTPUT = 20 * 1024 * 1024;
const MAX_STDERR = 16 * 1024;
/**
 * Runs a script with the host's `sh`, whatever the login shell is: the command line is the one word
 * `sh`, which all shells understand alike. The script goes to its standard input. `data` follow once
 * the script runs: some shells read their input in blocks, and would swallow what comes with it.
 * Marks that nobody can guess tell the script's output from that of rc files.
 *
 * @param script constant text for POSIX shells, without here-documents; it runs in a subshell, with
 *   `data` as standard input, and knows the mark as `$mark` (hex digits)
 * @throws TrustError `remote-shell` if it did not run at all, `host-timeout`, `host-closed`
 */
async function runScript(client, script, data, { timeout = SCRIPT_TIMEOUT, maxOutput = MAX_OUTPUT } = {}) {
    const mark = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(16).toString('hex');
    const channel = await openShell(client, timeout);
    return new Promise((resolve, reject) => {
        const output = new Output(mark);
        let stderr = '';
        let exit;
        let over = false;
        const settle = (error) => {
            clearTimeout(timer);
            over = true;
            if (error === undefined)
                return;
            channel.close();
            reject(error);
        };
        const late = () => {
            const message = `The host did not finish a script within ${timeout / 1000} s.`;
            settle(output.begun ? new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-timeout', message) : noShell(output, exit, stderr));
        };
        let timer = setTimeout(late, Math.min(timeout, START_TIMEOUT));
        channel.on('data', (chunk) => {
            if (over)
                return;
            const begun = output.begun;
            output.push(chunk);
            if (output.length > maxOutput) {
                const message = `The host sent more than ${maxOutput} bytes of output.`;
                settle(new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('remote-shell', message));
            }
            else if (!begun && output.begun) {
                clearTimeout(timer);
                timer = setTimeout(late, timeout);
                channel.end(data);
            }
        });
        channel.stderr.on('data', (chunk) => {
            if (stderr.length < MAX_STDERR)
                stderr += chunk.toString('utf8').slice(0, MAX_STDERR);
        });
        channel.on('exit', (code) => {
            exit = code ?? undefined;
        });
        channel.on('error', () => undefined); // a write to a channel that is gone; close tells
        channel.once('close', () => {
            if (over)
                return;
            const result = output.result();
            if (result !== undefined) {
                settle();
                resolve({ ...result, stderr });
            }
            else if (exit === undefined && !isAlive(client)) {
                settle(new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-closed', 'The connection was lost.'));
            }
            else
                settle(noShell(output, exit, stderr));
        });
        // One compound command: a shell reads all of it before it runs any of it.
        channel.write(`{ mark=${mark}; printf '\\n%s\\n' "$mark begin"; (\n${script}\n); ` +
            `printf '\\n%s\\n' "$mark end $?"; exit 0; }\n`);
    });
}
function isAlive(client) {
    const { _sock: socket } = client;
    return socket?.writable === true;
}
async function openShell(client, timeout) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
            reject(new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-timeout', `The host opened no session in ${timeout / 1000} s.`));
        }, timeout);
        const fail = (cause) => {
            clearTimeout(timer);
            reject(isAlive(client)
                ? new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('remote-shell', `The host runs no commands: ${(0,_ssh_transport__WEBPACK_IMPORTED_MODULE_7__/* .printable */ .g$)(cause.message)}.`, { hint: NO_SHELL, cause })
                : new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-closed', 'The connection was lost.', { cause }));
        };
        try {
            client.exec('sh', (error, channel) => {
                clearTimeout(timer);
                if (error === undefined)
                    resolve(channel);
                else
                    fail(error);
            });
        }
        catch (error) {
            fail(error);
        }
    });
}
const NO_SHELL = 'The account may be for SFTP or git alone, or have a shell that refuses (nologin). Add the key by another way.';
function noShell(output, exit, stderr) {
    const words = (0,_ssh_transport__WEBPACK_IMPORTED_MODULE_7__/* .printable */ .g$)(`${stderr.trim()} ${output.text()}`.trim().slice(0, 300));
    const how = exit === undefined ? '' : ` (exit code ${exit})`;
    if (output.begun) {
        const said = words === '' ? '.' : `: ${words}`;
        return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-closed', `The shell on the host was ended before its script${how}${said}`);
    }
    const said = words === '' ? 'and said nothing' : `and said "${words}"`;
    return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('remote-shell', `The account runs no sh${how} ${said}.`, {
        hint: NO_SHELL,
    });
}
/**
 * Output up to now, and what of it lies between the marks. Kept in one buffer: a server that sends byte
 * by byte would else cost a hundred times what it sends.
 */
class Output {
    #room = Buffer.alloc(64 * 1024);
    #begin;
    #end;
    begun = false;
    length = 0;
    constructor(mark) {
        this.#begin = Buffer.from(`\n${mark} begin\n`);
        this.#end = `\n${mark} end `;
    }
    push(chunk) {
        const before = this.length;
        this.length += chunk.length;
        if (this.length > this.#room.length) {
            const larger = Buffer.alloc(Math.max(this.length, 2 * this.#room.length));
            this.#room.copy(larger, 0, 0, before);
            this.#room = larger;
        }
        chunk.copy(this.#room, before);
        // It may come in pieces.
        const from = Math.max(0, before - this.#begin.length);
        if (!this.begun)
            this.begun = this.#all().subarray(from).includes(this.#begin);
    }
    #all() {
        return this.#room.subarray(0, this.length);
    }
    text() {
        return this.#all().subarray(0, 1024).toString('utf8');
    }
    result() {
        const all = this.#all();
        const start = all.indexOf(this.#begin);
        const end = all.lastIndexOf(this.#end);
        if (start < 0 || end < 0)
            return undefined;
        const [, code] = /^(\d+)\n/.exec(all.subarray(end + this.#end.length).toString('latin1')) ?? [];
        if (code === undefined)
            return undefined;
        return { code: Number(code), stdout: all.subarray(start + this.#begin.length, end) };
    }
}
/** @throws TrustError `remote-shell` if the host has no SFTP, `host-timeout`, `host-closed` */
async function openSftp(client, timeout = SCRIPT_TIMEOUT) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
            reject(new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-timeout', `No SFTP within ${timeout / 1000} s.`));
        }, timeout);
        const fail = (cause) => {
            clearTimeout(timer);
            reject(isAlive(client)
                ? new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('remote-shell', `The host has no SFTP: ${(0,_ssh_transport__WEBPACK_IMPORTED_MODULE_7__/* .printable */ .g$)(cause.message)}.`, {
                    cause,
                })
                : new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('host-closed', 'The connection was lost.', { cause }));
        };
        try {
            client.sftp((error, sftp) => {
                clearTimeout(timer);
                if (error === undefined) {
                    sftp.on('error', () => undefined); // each request tells its own
                    resolve(sftp);
                }
                else
                    fail(error);
            });
        }
        catch (error) {
            fail(error);
        }
    });
}


/***/ })

};
;