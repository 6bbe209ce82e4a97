"use strict";
exports.id = 501;
exports.ids = [501];
exports.modules = {

/***/ 3501:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   KNOWN_HOSTS: () => (/* binding */ KNOWN_HOSTS),
/* harmony export */   removeGeneratedKey: () => (/* binding */ removeGeneratedKey),
/* harmony export */   removeKnownHost: () => (/* binding */ removeKnownHost)
/* harmony export */ });
/* unused harmony exports listKeys, generateKey, logInFrom, readAccountFile, missingFiles, markOf, knownHostState, addKnownHost */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(9390);
/* harmony import */ var _ssh_public_key__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6119);
/* harmony import */ var _authorized_keys__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1737);
/* harmony import */ var _connect__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(2048);
/**
 * What an account on a host is asked, and what is done to it, so that it can log in to another host:
 * its key files, its known_hosts, and a login from there. Over a connection that is logged in to it.
 *
 * The scripts are constant text for POSIX shells. All that varies comes to them on standard input.
 */






/** Relative to the home. */
const KNOWN_HOSTS = '.ssh/known_hosts';
/** Every script begins in the home that `cd` leads to, and takes its lines from standard input. */
const HOME = String.raw `
umask 077
LC_ALL=C
export LC_ALL
unset CDPATH
say() { printf '%s\n' "$*"; }
fail() { say "fail $*"; exit 1; }
cd 2>/dev/null || fail "The home directory of the account is not there."
`;
/**
 * The key files that ssh tries by itself (ssh(1), FILES). The public half is told by the private key
 * where that has no passphrase, and else by the file beside it.
 */
const KEYS = String.raw `${HOME}
set -- $SSH_CONNECTION
say "address $3"
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
`;
/**
 * The account's keys, and the address of the host that our own connection came in at.
 *
 * @throws TrustError `remote-shell`, `remote-file-failed`, `host-timeout`, `host-closed`
 */
async function listKeys(client) {
    const answer = await ask(client, KEYS, []);
    const keys = answer.flatMap((line) => {
        const [, state, name, key] = /^(plain|closed|other) (\S+)(?: (.*))?$/.exec(line) ?? [];
        if (state === undefined || name === undefined)
            return [];
        const path = `~/.ssh/${name}`;
        const publicKey = state === 'other' ? undefined : readPublicKey(key ?? '');
        if (publicKey === undefined)
            return [{ path }];
        return [{ path, publicKey, ...(state === 'closed' ? { encrypted: true } : {}) }];
    });
    return { keys, address: valueOf(answer, 'address') };
}
/** The key of a line `type base64 comment`; undefined for what is none. */
function readPublicKey(line) {
    const [type, base64 = ''] = line.trim().split(/\s+/);
    const blob = Buffer.from(base64, 'base64');
    return isTypeOf(blob, type) ? blob : undefined;
}
function isTypeOf(blob, type) {
    try {
        return typeOfBlob(blob) === type;
    }
    catch {
        return false;
    }
}
/**
 * Makes a key pair where there is no file. Made aside and then linked: a link never replaces a file.
 * The public half goes first, so that a private key of ours always stands beside its comment.
 */
const GENERATE = String.raw `${HOME}
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
trouble=$(ln "$new.pub" "$file.pub" 2>&1) || fail "$trouble"
trouble=$(ln "$new" "$file" 2>&1) || { rm -f "$file.pub"; fail "$trouble"; }
finished=yes
say "key $(cat "$file.pub")"
say "done"
`;
/**
 * Makes a key without passphrase in a file of the account's ~/.ssh. Never over a file.
 *
 * @param path as `listKeys` tells it
 * @param comment by which `removeGeneratedKey` knows it again: one word that nobody else uses
 * @returns the public half
 * @throws TrustError `remote-file-failed`, `remote-shell`, `host-timeout`, `host-closed`
 */
async function generateKey(client, path, { type, bits }, comment) {
    const name = displayType(type).toLowerCase();
    const curve = /\d+$/.exec(type)?.[0];
    const size = name === 'ecdsa' ? (curve ?? '256') : String(bits ?? (name === 'rsa' ? 3072 : 256));
    const answer = await ask(client, GENERATE, [fileName(path), name, size, comment]);
    const publicKey = readPublicKey(valueOf(answer, 'key') ?? '');
    if (publicKey === undefined) {
        throw new TrustError('remote-file-failed', `ssh-keygen on the host made no key in ${path}.`);
    }
    return publicKey;
}
/** Removes the pair if it is the one with this comment, and its private half belongs to the public one. */
const REMOVE = String.raw `${HOME}
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
`;
/**
 * Takes away what `generateKey` made, unless it is no longer that.
 *
 * @param directory whether ~/.ssh is to go with it, if it is empty then
 * @throws TrustError as `generateKey`
 */
async function removeGeneratedKey(client, path, comment, directory) {
    const answer = await ask(client, REMOVE, [fileName(path), comment, directory ? 'yes' : 'no']);
    return answer.includes('removed') ? 'removed' : answer.includes('gone') ? 'gone' : 'changed';
}
/**
 * Logs in from the account. No configuration of the account counts, no agent, and no connection that
 * is shared: what is seen is this key, this host key and this port.
 */
const LOGIN = String.raw `${HOME}
IFS= read -r name
IFS= read -r user
IFS= read -r host
IFS= read -r port
IFS= read -r seconds
IFS= read -r known
command -v ssh >/dev/null 2>&1 || fail "There is no ssh."
hosts=.ssh/known_hosts
if [ -n "$known" ]; then
  hosts=.ssh/ssh-trust-$mark
  trap 'rm -f "$hosts"' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  say "$known" >"$hosts"
fi
set -- ssh -F /dev/null -a -x -T -o BatchMode=yes -o StrictHostKeyChecking=yes \
  -o "UserKnownHostsFile=$hosts" -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no \
  -o IdentitiesOnly=yes -o IdentityAgent=none -o PreferredAuthentications=publickey \
  -o "ConnectTimeout=$seconds" -o ServerAliveInterval=5 -i ".ssh/$name" -p "$port" -l "$user" \
  -- "$host" true
unset SSH_ASKPASS SSH_AUTH_SOCK
if command -v timeout >/dev/null 2>&1; then set -- timeout $((seconds + 10)) "$@"; fi
words=$("$@" 2>&1 </dev/null >/dev/null)
say "code $?"
say "words $(printf '%s' "$words" | tr '\n' ' ')"
say "done"
`;
/**
 * @returns whether the login came about, and what ssh said
 * @throws TrustError as `generateKey`
 */
async function logInFrom(client, { path, user, host, port, timeout, knownHost = '' }) {
    const seconds = Math.max(1, Math.ceil(timeout / 1000));
    const lines = [fileName(path), user, host, String(port), String(seconds), knownHost];
    const answer = await ask(client, LOGIN, lines, (seconds + 20) * 1000);
    const words = (valueOf(answer, 'words') ?? '').trim().slice(0, 500);
    return {
        works: valueOf(answer, 'code') === '0',
        refused: /Permission denied|Too many authentication failures/.test(words),
        words,
    };
}
/** Of a key in ~/.ssh: nothing else goes to the scripts. */
function fileName(path) {
    const name = /^~\/\.ssh\/(id_[a-z0-9]+)$/.exec(path)?.[1];
    if (name === undefined)
        throw new Error(`${path} is no key file of ~/.ssh`);
    return name;
}
/** The lines that a script answers with, the last of them `done`. */
async function ask(client, script, lines, timeout = 60_000) {
    if (lines.some((line) => /[\0\r\n]/.test(line)))
        throw new Error('a line for a script has an end');
    const data = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const { stdout, stderr } = await (0,_connect__WEBPACK_IMPORTED_MODULE_4__/* .runScript */ .j3)(client, script, data, { timeout });
    const answer = stdout.toString('utf8').split('\n');
    const failure = valueOf(answer, 'fail');
    if (failure !== undefined)
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('remote-file-failed', failure.slice(0, 300));
    if (answer.includes('done'))
        return answer;
    const words = stderr.trim().slice(0, 300);
    throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('remote-file-failed', `A script on the host failed: ${words}`);
}
function valueOf(answer, word) {
    const line = answer.find((one) => one.startsWith(`${word} `));
    return line?.slice(word.length + 1);
}
/**
 * What a file of the account holds; empty where there is none.
 *
 * @param path as in `EditOptions`
 * @throws TrustError as `editAuthorizedKeys`
 */
async function readAccountFile(client, user, path) {
    let content = Buffer.alloc(0);
    const place = { user, mend: false, ...(path === undefined ? {} : { path }) };
    await editAuthorizedKeys(client, place, (found) => {
        content = found;
        return undefined;
    });
    return content;
}
/** Which of ~/.ssh and a file in it are not there. */
const MISSING = String.raw `${HOME}
IFS= read -r name
home=$(pwd -P)
for one in "$home/.ssh" "$home/.ssh/$name"; do
  if ! [ -e "$one" ] && ! [ -L "$one" ]; then say "missing $one"; fi
done
say "done"
`;
/**
 * What an edit of a file in ~/.ssh will create, known before it does: as `created` of `EditResult`.
 *
 * @throws TrustError as `generateKey`
 */
async function missingFiles(client, name) {
    const answer = await ask(client, MISSING, [name]);
    return answer.flatMap((line) => /^missing (.*)$/.exec(line)?.[1] ?? []);
}
/** Of a comment that we put behind a key in known_hosts. */
const MARK = 'ssh-trust:';
function markOf(id) {
    return `${MARK}${id}`;
}
function parseKnownLine(row) {
    const [, marker, names = '', type, base64 = '', comment = ''] = /^\s*(?:(@\S+)\s+)?([^\s#@]\S*)\s+(\S+)\s+(\S+)(?:\s+(.*?))?\s*$/.exec(row) ?? [];
    const blob = Buffer.from(base64, 'base64');
    return isTypeOf(blob, type) ? { marker, names, blob, comment } : undefined;
}
/** Whether the names of a line are for a host, and whether that is by its very name. */
function matchNames(names, name) {
    const [, salt, hash] = /^\|1\|([^|]*)\|(.*)$/.exec(names) ?? [];
    if (salt !== undefined && hash !== undefined) {
        const made = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64');
        return made === hash ? 'exact' : undefined;
    }
    const list = names.toLowerCase().split(',');
    const hits = list.filter((pattern) => matchPattern(name, pattern.replace(/^!/, '')));
    if (hits.length === 0 || hits.some((pattern) => pattern.startsWith('!')))
        return undefined;
    return hits.every((pattern) => pattern === name) ? 'exact' : 'pattern';
}
/** Rows are taken byte for byte: each character is one. */
function rowsOf(content) {
    return content.toString('latin1').split('\n');
}
function linesFor(content, name) {
    return rowsOf(content).flatMap((row) => {
        const line = parseKnownLine(row);
        return line !== undefined && matchNames(line.names, name) !== undefined ? [line] : [];
    });
}
/**
 * What known_hosts says of a host.
 *
 * @param name as ssh looks it up: `knownHostsName`
 * @param wanted the key that is to stand there, or the CA with its marker
 * @throws TrustError `host-key-revoked` if that key is revoked there
 */
function knownHostState(content, name, wanted) {
    const lines = linesFor(content, name);
    const same = lines.filter(({ blob }) => blob.equals(wanted.key));
    if (same.some(({ marker }) => marker === '@revoked')) {
        const message = `known_hosts has the pinned key of ${name} (${fingerprint(wanted.key)}) as revoked.`;
        throw new TrustError('host-key-revoked', message);
    }
    const [pinned] = same.filter(({ marker }) => marker === wanted.marker);
    if (pinned !== undefined)
        return { state: 'pinned', ours: pinned.comment.startsWith(MARK) };
    const others = lines.filter(({ marker }) => marker === undefined);
    if (others.length === 0 || wanted.marker !== undefined)
        return undefined;
    return { state: 'other', fingerprints: others.map(({ blob }) => fingerprint(blob)) };
}
/**
 * `line` put at the end, and the rows of the host with a key in `stale` taken out.
 *
 * @param line without newline
 * @throws TrustError `host-key-changed` for a stale row with a pattern that other hosts match too
 */
function addKnownHost(content, name, line, stale = []) {
    const rows = rowsOf(content);
    const newlineMended = content.length > 0 && rows.at(-1) !== '';
    const replaced = rows.flatMap((row, index) => staleRow(row, index, name, stale));
    const changes = new Map(replaced.map((one) => [one.index, one.rest]));
    const kept = rows.flatMap((row, index) => {
        const rest = changes.get(index);
        return !changes.has(index) ? [row] : rest === undefined ? [] : [rest];
    });
    if (kept.at(-1) === '')
        kept.pop();
    const text = `${[...kept, line].join('\n')}\n`;
    return { content: Buffer.from(text, 'latin1'), replaced, newlineMended };
}
function staleRow(row, index, name, stale) {
    const line = parseKnownLine(row);
    if (line === undefined || line.marker !== undefined)
        return [];
    const match = matchNames(line.names, name);
    if (match === undefined || !stale.includes(fingerprint(line.blob)))
        return [];
    if (match === 'pattern') {
        throw new TrustError('host-key-changed', `The stale key of ${name} in known_hosts stands behind a pattern, ${line.names}, that is for other hosts too.`, { hint: `Change that line yourself (line ${index + 1}).` });
    }
    const names = line.names.startsWith('|') ? [] : line.names.split(',');
    const others = names.filter((one) => one.toLowerCase() !== name);
    if (others.length === 0)
        return [{ index, was: row }];
    return [{ index, was: row, rest: row.replace(line.names, () => others.join(',')) }];
}
/**
 * Undoes `addKnownHost`: our line goes, rows that gave way come back; every other byte stays.
 *
 * @returns undefined where our line is not there
 */
function removeKnownHost(content, line, { replaced = [], newlineMended = false }) {
    const rows = rowsOf(content);
    const at = rows.lastIndexOf(line);
    if (at < 0)
        return undefined;
    const wasLast = at === rows.length - 2;
    rows.splice(at, 1);
    for (const { index, was, rest } of replaced) {
        const left = rest === undefined ? -1 : rows.indexOf(rest);
        if (left >= 0)
            rows[left] = was;
        else if (rest === undefined)
            rows.splice(Math.min(index, rows.length - 1), 0, was);
    }
    if (wasLast && newlineMended && rows.at(-1) === '')
        rows.pop();
    return Buffer.from(rows.join('\n'), 'latin1');
}


/***/ })

};
;