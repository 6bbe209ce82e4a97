"use strict";
exports.id = 891;
exports.ids = [891,428,272];
exports.modules = {

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
/* harmony import */ var _ssh_signature__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(588);
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