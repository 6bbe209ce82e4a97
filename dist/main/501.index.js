"use strict";
exports.id = 501;
exports.ids = [501];
exports.modules = {

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