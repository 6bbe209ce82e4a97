"use strict";
exports.id = 56;
exports.ids = [56,428];
exports.modules = {

/***/ 3501:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   KNOWN_HOSTS: () => (/* binding */ KNOWN_HOSTS),
/* harmony export */   Md: () => (/* binding */ fileName),
/* harmony export */   kA: () => (/* binding */ ask),
/* harmony export */   yZ: () => (/* binding */ HOME)
/* harmony export */ });
/* unused harmony exports valueOf, readAccountFile, missingFiles */
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
        if (!(error instanceof TrustError) || error.code !== 'remote-shell')
            throw error;
        const sftp = await openSftp(client).catch(() => {
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
                reject(new TrustError('remote-file-failed', `The home has no path: ${error.message}.`));
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


/***/ }),

/***/ 6807:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   h: () => (/* binding */ noteNoLogin),
/* harmony export */   n: () => (/* binding */ withRoomToFail)
/* harmony export */ });
/**
 * How many connections without a login a server may see from us. sshd counts them against the address
 * that they come from (sshd_config(5), PerSourcePenalties, since OpenSSH 9.8) and then refuses it
 * altogether: the runner, with all that it is still to do there, and to take back.
 */
/** Milliseconds of penalty: a login that failed, and a connection that tried none. */
const FAILED_LOGIN = 5000;
const NO_LOGIN = 1000;
/**
 * Sum of penalties up to which a login is tried; proofs, one for a server as a rule, don't wait. sshd
 * refuses above 15 s; it counts each from when its own process has ended, which is a little later than
 * we know of it.
 */
const MOST = 14_000;
/** Most logins under way at one server: MaxStartups counts them, too. */
const LOGINS_AT_ONCE = 2;
const standings = new Map();
function standingOf({ host, port }) {
    const server = `[${host.toLowerCase()}]:${port}`;
    const known = standings.get(server);
    if (known !== undefined)
        return known;
    const standing = { until: 0, underWay: 0, waiting: [] };
    standings.set(server, standing);
    return standing;
}
/** Whether a server of that software penalises: `OpenSSH_9.8p1`, with or without `SSH-2.0-` before it. */
function penalises(software) {
    const [, major, minor] = /^(?:SSH-[\d.]+-)?OpenSSH_(\d+)\.(\d+)/.exec(software) ?? [];
    return major !== undefined && Number(major) * 1000 + Number(minor) >= 9008;
}
function add(standing, penalty) {
    standing.until = Math.max(standing.until, Date.now()) + penalty;
}
/** Notes a connection that ended without a login being tried. */
function noteNoLogin(server, software) {
    if (penalises(software))
        add(standingOf(server), NO_LOGIN);
}
/**
 * Does `login` when there is room for it to fail; the others wait their turn.
 *
 * @param software what the server calls itself, asked when the login has failed
 * @throws what `login` throws
 */
async function withRoomToFail(server, software, login) {
    const standing = standingOf(server);
    await room(standing);
    try {
        return await login();
    }
    catch (error) {
        if (penalises(software()))
            add(standing, FAILED_LOGIN);
        throw error;
    }
    finally {
        standing.underWay -= 1;
        standing.waiting.shift()?.();
    }
}
/** Waits for a place among the logins that are under way, and takes it. */
async function room(standing) {
    for (;;) {
        if (standing.underWay >= LOGINS_AT_ONCE) {
            await new Promise((resolve) => standing.waiting.push(resolve));
            continue;
        }
        const reserved = (standing.underWay + 1) * FAILED_LOGIN;
        const excess = Math.max(0, standing.until - Date.now()) + reserved - MOST;
        if (excess <= 0)
            break;
        await new Promise((resolve) => setTimeout(resolve, excess));
    }
    standing.underWay += 1;
}


/***/ }),

/***/ 8450:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   m: () => (/* binding */ socketError)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/** What is wrong with a connection, from the error of its socket, in words a person can act on. */

/** @param closed the error of a connection that the server has closed: what was lost by that differs */
function socketError(error, closed) {
    // Happy eyeballs: all the addresses of a name failed; the first reason is as good as any.
    const first = 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : error;
    const code = (0,_errors__WEBPACK_IMPORTED_MODULE_0__/* .systemCode */ .xU)(first) ?? 'unknown';
    const cause = error;
    switch (code) {
        case 'ENOTFOUND':
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-not-found', 'There is no such host name.', {
                hint: 'Check the spelling; a name of a private network needs that network on the runner.',
                cause,
            });
        case 'EAI_AGAIN':
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-not-found', 'The host name could not be looked up: the name server does not answer.', {
                hint: 'Try again, or check the name service of the runner.',
                cause,
            });
        case 'ECONNREFUSED':
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-refused', 'Nothing listens on that port.', {
                hint: 'Start the SSH server there (package openssh-server), or correct the port.',
                cause,
            });
        case 'ETIMEDOUT':
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-timeout', 'The connection timed out.', {
                hint: 'A firewall may be dropping it, or the machine is down or busy.',
                cause,
            });
        case 'ECONNRESET':
        case 'EPIPE':
            return closed();
        default:
            return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('host-unreachable', `The host can't be reached (${code}).`, {
                hint: 'Check the address and the network of the runner.',
                cause,
            });
    }
}


/***/ })

};
;