"use strict";
exports.id = 322;
exports.ids = [322,501,165];
exports.modules = {

/***/ 322:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   generateKey: () => (/* binding */ generateKey),
/* harmony export */   listKeys: () => (/* binding */ listKeys),
/* harmony export */   removeGeneratedKey: () => (/* binding */ removeGeneratedKey)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/* harmony import */ var _ssh_public_key__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6119);
/* harmony import */ var _account_known_hosts__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(2165);
/* harmony import */ var _account__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(3501);




/**
 * The key files that ssh tries by itself (ssh(1), FILES). The public half is told by the private key
 * where that has no passphrase, and else by the file beside it.
 */
const KEYS = String.raw `${_account__WEBPACK_IMPORTED_MODULE_3__/* .HOME */ .yZ}
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
`;
/** @throws TrustError as `ask` */
async function listKeys(client) {
    const answer = await (0,_account__WEBPACK_IMPORTED_MODULE_3__/* .ask */ .kA)(client, KEYS, []);
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
    const lacks = answer.flatMap((line) => /^lacks (\S+)$/.exec(line)?.[1] ?? []);
    // dbclient is called ssh on small systems; it knows none of the options that a proof needs.
    const isOpenSsh = /OpenSSH/.test((0,_account__WEBPACK_IMPORTED_MODULE_3__/* .valueOf */ .RP)(answer, 'client') ?? '');
    const why = lacks.length > 0
        ? `there is no ${lacks.join(' and no ')}`
        : isOpenSsh
            ? undefined
            : "its ssh is not OpenSSH's";
    return {
        keys,
        address: (0,_account__WEBPACK_IMPORTED_MODULE_3__/* .valueOf */ .RP)(answer, 'address'),
        ...(why === undefined ? {} : { lacks: why }),
    };
}
/** The key of a line `type base64 comment`; undefined for what is none. */
function readPublicKey(line) {
    const [type, base64 = ''] = line.trim().split(/\s+/);
    const blob = Buffer.from(base64, 'base64');
    return (0,_account_known_hosts__WEBPACK_IMPORTED_MODULE_2__/* .isKeyOfType */ .j)(blob, type) ? blob : undefined;
}
/**
 * Makes a key pair where there is no file. Made aside and then linked: a link never replaces a file.
 * The public half goes first, so that a private key of ours always stands beside its comment.
 */
const GENERATE = String.raw `${_account__WEBPACK_IMPORTED_MODULE_3__/* .HOME */ .yZ}
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
`;
/**
 * Makes a key without passphrase in a file of the account's ~/.ssh. Never over a file.
 *
 * @param path as `listKeys` tells it
 * @param comment by which `removeGeneratedKey` knows it again: one word that nobody else uses
 * @returns the public half
 * @throws TrustError as `ask`
 */
async function generateKey(client, path, { type, bits }, comment) {
    const name = (0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_1__/* .displayType */ .x)(type).toLowerCase();
    const curve = /\d+$/.exec(type)?.[0];
    const size = name === 'ecdsa' ? (curve ?? '256') : String(bits ?? (name === 'rsa' ? 3072 : 256));
    const answer = await (0,_account__WEBPACK_IMPORTED_MODULE_3__/* .ask */ .kA)(client, GENERATE, [(0,_account__WEBPACK_IMPORTED_MODULE_3__/* .fileName */ .Md)(path), name, size, comment]);
    const publicKey = readPublicKey((0,_account__WEBPACK_IMPORTED_MODULE_3__/* .valueOf */ .RP)(answer, 'key') ?? '');
    if (publicKey === undefined) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('remote-file-failed', `ssh-keygen on the host made no key in ${path}.`);
    }
    return publicKey;
}
/** Removes the pair if it is the one with this comment, and its private half belongs to the public one. */
const REMOVE = String.raw `${_account__WEBPACK_IMPORTED_MODULE_3__/* .HOME */ .yZ}
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
 * Takes away what `generateKey` made, unless it is no longer that. Others who came to use the key
 * meanwhile can't be known, as they are on other hosts: who wants to keep it gives it another comment.
 *
 * @param directory whether ~/.ssh is to go with it, if it is empty then
 * @throws TrustError as `ask`
 */
async function removeGeneratedKey(client, path, comment, directory) {
    const answer = await (0,_account__WEBPACK_IMPORTED_MODULE_3__/* .ask */ .kA)(client, REMOVE, [(0,_account__WEBPACK_IMPORTED_MODULE_3__/* .fileName */ .Md)(path), comment, directory ? 'yes' : 'no']);
    return answer.includes('removed') ? 'removed' : answer.includes('gone') ? 'gone' : 'changed';
}


/***/ }),

/***/ 2165:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   addKnownHost: () => (/* binding */ addKnownHost),
/* harmony export */   j: () => (/* binding */ isKeyOfType),
/* harmony export */   knownHostState: () => (/* binding */ knownHostState),
/* harmony export */   markOf: () => (/* binding */ markOf),
/* harmony export */   parseKnownHosts: () => (/* binding */ parseKnownHosts),
/* harmony export */   removeKnownHost: () => (/* binding */ removeKnownHost)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/* harmony import */ var _ssh_known_hosts__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(2979);
/* harmony import */ var _ssh_public_key__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6119);
/**
 * The text of an account's known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): what it says of a host,
 * a line put in and taken out again. Nothing here reads or writes files. What ssh skips (comments,
 * lines that it does not understand) is never touched; every other byte stays.
 */



/** Longest row that is understood, in bytes: far beyond any key. */
const MAX_ROW = 64 * 1024;
/** Of a comment that we put behind a key in known_hosts. */
const MARK = 'ssh-trust:';
function markOf(id) {
    return `${MARK}${id}`;
}
/** Whether `blob` is a key in wire format, of the type with that name. */
function isKeyOfType(blob, type) {
    try {
        return (0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_2__/* .typeOfBlob */ .JX)(blob) === type;
    }
    catch {
        return false;
    }
}
function parseRow(row, lineNumber) {
    if (row.length > MAX_ROW)
        return undefined;
    const words = row.split(/[ \t\r]+/).filter((word, index) => word !== '' || index > 0);
    const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined;
    const [names = '', type, base64 = '', ...comment] = words;
    if (names === '' || names.startsWith('#') || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
        return undefined;
    }
    const blob = Buffer.from(base64, 'base64');
    if (!isKeyOfType(blob, type))
        return undefined;
    return { lineNumber, marker, names, blob, comment: comment.join(' ').trim() };
}
/** Rows are taken byte for byte: each character is one. */
function rowsOf(content) {
    return content.toString('latin1').split('\n');
}
/** The lines that ssh understands, for `knownHostState`. */
function parseKnownHosts(content) {
    return rowsOf(content).flatMap((row, index) => parseRow(row, index + 1) ?? []);
}
/**
 * What known_hosts says of a host.
 *
 * @param lines as `parseKnownHosts` gives them
 * @param name as ssh looks it up: `knownHostsName`
 * @param wanted the key that is to stand there, or the CA with its marker
 * @returns undefined where it says nothing that counts beside the wanted key
 * @throws TrustError `host-key-revoked` if that key is revoked there
 */
function knownHostState(lines, name, wanted) {
    const forHost = lines.filter(({ names }) => (0,_ssh_known_hosts__WEBPACK_IMPORTED_MODULE_1__/* .matchKnownHostsNames */ .YJ)(names, name) !== undefined);
    const same = forHost.filter(({ blob }) => blob.equals(wanted.key));
    const revoked = same.find(({ marker }) => marker === '@revoked');
    if (revoked !== undefined) {
        const message = `Line ${revoked.lineNumber} of ~/.ssh/known_hosts has the pinned key of ${name} (${(0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_2__/* .fingerprint */ .Rj)(wanted.key)}) as revoked.`;
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-key-revoked', message, {
            hint: 'Find out who revoked it, and why. If the key is good, take that line out; if not, the host needs another key, and the pin too.',
        });
    }
    const pinned = same.filter(({ marker }) => marker === wanted.marker);
    // A host whose CA is known may show a certificate, whatever plain keys stand there.
    const others = wanted.marker === undefined
        ? forHost.filter(({ marker, blob }) => marker === undefined && !blob.equals(wanted.key))
        : [];
    if (pinned.length === 0 && others.length === 0)
        return undefined;
    const type = (0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_2__/* .typeOfBlob */ .JX)(wanted.key);
    return {
        pinned: pinned.length > 0,
        ours: pinned.some(({ comment }) => comment.startsWith(MARK)),
        others: others.map(({ blob, lineNumber }) => ({
            lineNumber,
            fingerprint: (0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_2__/* .fingerprint */ .Rj)(blob),
            sameType: (0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_2__/* .typeOfBlob */ .JX)(blob) === type,
        })),
    };
}
/**
 * `line` put at the end, and the rows of the host with a key in `stale` taken out.
 *
 * @param line without newline
 * @param stale fingerprints
 * @throws TrustError `host-key-changed` for a stale row with a pattern that other hosts match too
 */
function addKnownHost(content, name, line, stale = []) {
    const rows = rowsOf(content);
    const newlineMended = content.length > 0 && rows.at(-1) !== '';
    if (!newlineMended)
        rows.pop(); // what is behind the last newline
    const replaced = stale.length === 0 ? [] : rows.flatMap((row, index) => staleRow(row, index, name, stale));
    const changes = new Map(replaced.map((one) => [one.index, one.rest]));
    const kept = rows.flatMap((row, index) => {
        const rest = changes.get(index);
        return !changes.has(index) ? [row] : rest === undefined ? [] : [rest];
    });
    const text = `${[...kept, line].join('\n')}\n`;
    return { content: Buffer.from(text, 'latin1'), replaced, newlineMended };
}
function staleRow(row, index, name, stale) {
    const line = parseRow(row, index + 1);
    if (line === undefined || line.marker !== undefined)
        return [];
    const match = (0,_ssh_known_hosts__WEBPACK_IMPORTED_MODULE_1__/* .matchKnownHostsNames */ .YJ)(line.names, name);
    if (match === undefined || !stale.includes((0,_ssh_public_key__WEBPACK_IMPORTED_MODULE_2__/* .fingerprint */ .Rj)(line.blob)))
        return [];
    if (match === 'pattern') {
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-key-changed', `The stale key of ${name} in known_hosts stands behind a pattern, ${line.names}, that is for other hosts too.`, { hint: `Change that line yourself (line ${index + 1} of ~/.ssh/known_hosts).` });
    }
    const names = line.names.startsWith('|') ? [] : line.names.split(',');
    const others = names.filter((one) => one.toLowerCase() !== name);
    // Names that are only excluded match nothing.
    if (others.every((one) => one.startsWith('!')))
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


/***/ }),

/***/ 3501:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   KNOWN_HOSTS: () => (/* binding */ KNOWN_HOSTS),
/* harmony export */   Md: () => (/* binding */ fileName),
/* harmony export */   RP: () => (/* binding */ valueOf),
/* harmony export */   kA: () => (/* binding */ ask),
/* harmony export */   missingFiles: () => (/* binding */ missingFiles),
/* harmony export */   readAccountFile: () => (/* binding */ readAccountFile),
/* harmony export */   yZ: () => (/* binding */ HOME)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/* harmony import */ var _authorized_keys__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(1737);
/* harmony import */ var _connect__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(2272);



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
/** Of a key in ~/.ssh: nothing else goes to the scripts. */
function fileName(path) {
    const name = /^~\/\.ssh\/(id_[a-z0-9]+)$/.exec(path)?.[1];
    if (name === undefined)
        throw new Error(`${path} is no key file of ~/.ssh`);
    return name;
}
/**
 * The lines that a script answers with, the last of them `done`.
 *
 * @param lines for its standard input
 * @param timeout in milliseconds
 * @throws TrustError `remote-file-failed` with what it said behind `fail`; `remote-shell`,
 *   `host-timeout`, `host-closed`
 */
async function ask(client, script, lines, timeout = 60_000) {
    if (lines.some((line) => /[\0\r\n]/.test(line)))
        throw new Error('a line for a script has an end');
    const data = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const { stdout, stderr } = await (0,_connect__WEBPACK_IMPORTED_MODULE_2__.runScript)(client, script, data, { timeout });
    const answer = stdout.toString('utf8').split('\n');
    const failure = valueOf(answer, 'fail');
    if (failure !== undefined)
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('remote-file-failed', failure.slice(0, 300));
    if (answer.includes('done'))
        return answer;
    const words = stderr.trim().slice(0, 300);
    throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('remote-file-failed', `A script on the host failed: ${words}`);
}
/** What stands behind `word` on the first line of an answer that begins with it. */
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
    await (0,_authorized_keys__WEBPACK_IMPORTED_MODULE_1__.editAuthorizedKeys)(client, place, (found) => {
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
 * Over SFTP where the account has no shell, as the edit itself.
 *
 * @throws TrustError as `ask`
 */
async function missingFiles(client, name) {
    try {
        const answer = await ask(client, MISSING, [name]);
        return answer.flatMap((line) => /^missing (.*)$/.exec(line)?.[1] ?? []);
    }
    catch (error) {
        if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru) || error.code !== 'remote-shell')
            throw error;
        const sftp = await (0,_connect__WEBPACK_IMPORTED_MODULE_2__/* .openSftp */ .O)(client).catch(() => {
            throw error;
        });
        try {
            return await missingOverSftp(sftp, name);
        }
        finally {
            sftp.end();
        }
    }
}
async function missingOverSftp(sftp, name) {
    const home = await new Promise((resolve, reject) => {
        sftp.realpath('.', (error, path) => {
            if (error === undefined)
                resolve(path);
            else
                reject(new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('remote-file-failed', `The home has no path: ${error.message}.`));
        });
    });
    const directory = `${home === '/' ? '' : home}/.ssh`;
    const missing = [];
    for (const path of [directory, `${directory}/${name}`]) {
        if (await isAbsent(sftp, path))
            missing.push(path);
    }
    return missing;
}
async function isAbsent(sftp, path) {
    return new Promise((resolve) => {
        sftp.lstat(path, (error) => {
            resolve(error !== undefined);
        });
    });
}


/***/ })

};
;