"use strict";
exports.id = 48;
exports.ids = [48];
exports.modules = {

/***/ 2048:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  connectTo: () => (/* binding */ connectTo),
  Ok: () => (/* binding */ openSftp),
  j3: () => (/* binding */ runScript),
  $6: () => (/* binding */ serverSoftware)
});

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: ./node_modules/ssh2/lib/index.js
var lib = __webpack_require__(5472);
// EXTERNAL MODULE: ./src/errors.ts + 1 modules
var errors = __webpack_require__(9390);
// EXTERNAL MODULE: ./src/ssh/certificate.ts
var certificate = __webpack_require__(5921);
// EXTERNAL MODULE: ./src/ssh/key-exchange.ts
var key_exchange = __webpack_require__(707);
// EXTERNAL MODULE: ./src/ssh/public-key.ts
var public_key = __webpack_require__(6119);
// EXTERNAL MODULE: ./src/ssh/signature.ts + 1 modules
var signature = __webpack_require__(588);
// EXTERNAL MODULE: ./src/ssh/transport.ts
var transport = __webpack_require__(7963);
// EXTERNAL MODULE: ./src/ssh/wire.ts
var wire = __webpack_require__(3529);
;// CONCATENATED MODULE: ./src/remote/socket-error.ts
/** What is wrong with a connection, from the error of its socket, in words a person can act on. */

/** @param closed the error of a connection that the server has closed: what was lost by that differs */
function socketError(error, closed) {
    // Happy eyeballs: all the addresses of a name failed; the first reason is as good as any.
    const first = 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : error;
    const code = (0,errors/* systemCode */.xU)(first) ?? 'unknown';
    const cause = error;
    switch (code) {
        case 'ENOTFOUND':
            return new errors/* TrustError */.Ru('host-not-found', 'There is no such host name.', {
                hint: 'Check the spelling; a name of a private network needs that network on the runner.',
                cause,
            });
        case 'EAI_AGAIN':
            return new errors/* TrustError */.Ru('host-not-found', 'The host name could not be looked up: the name server does not answer.', {
                hint: 'Try again, or check the name service of the runner.',
                cause,
            });
        case 'ECONNREFUSED':
            return new errors/* TrustError */.Ru('host-refused', 'Nothing listens on that port.', {
                hint: 'Start the SSH server there (package openssh-server), or correct the port.',
                cause,
            });
        case 'ETIMEDOUT':
            return new errors/* TrustError */.Ru('host-timeout', 'The connection timed out.', {
                hint: 'A firewall may be dropping it, or the machine is down or busy.',
                cause,
            });
        case 'ECONNRESET':
        case 'EPIPE':
            return closed();
        default:
            return new errors/* TrustError */.Ru('host-unreachable', `The host can't be reached (${code}).`, {
                hint: 'Check the address and the network of the runner.',
                cause,
            });
    }
}

;// CONCATENATED MODULE: ./src/remote/connect.ts
/**
 * A logged-in connection to a host whose key has been proven, and what runs over it: scripts for the
 * host's `sh`, and SFTP. Secrets go to the host only, and only once it has proven its key again.
 */










/** ssh2 asks an agent for keys and signatures; this one asks the caller. */
class CallerAgent extends lib.BaseAgent {
    #keys;
    #sign;
    constructor(keys, sign) {
        super();
        this.#keys = keys;
        this.#sign = sign;
    }
    getIdentities(callback) {
        const keys = this.#keys.map((blob) => lib.utils.parseKey(blob));
        callback(undefined, keys.filter((key) => !(key instanceof Error)));
    }
    sign(key, data, options, callback) {
        const done = typeof options === 'function' ? options : callback;
        const hash = typeof options === 'function' ? undefined : options.hash;
        // RFC 4252 §7: what is signed begins with the session id.
        const sessionId = new wire/* Reader */.mP(data).string(128);
        this.#sign(key.getPublicSSH(), data, sessionId, hash).then((signature) => {
            // ssh2 wants the bare signature; the algorithm it knows.
            const reader = new wire/* Reader */.mP(signature);
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
        return Promise.resolve((0,signature/* makeSignature */.Bn)(type, key, data, hash === 'sha256' ? 'sha256' : 'sha512'));
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
    const { host, port, user, timeout } = options;
    const hostKey = (0,certificate/* plainKey */.y7)(options.hostKey);
    const client = new lib.Client();
    const login = loginMethods(options);
    let changed = false;
    let shaken = false;
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
            const what = shaken ? 'The login did not come to an end' : 'No answer';
            fail(new errors/* TrustError */.Ru('host-timeout', `${what} within ${timeout / 1000} s.`, { hint: SLOW }));
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
                fail(new errors/* TrustError */.Ru('host-key-changed', `${host} shows another key than it proved before.`, {
                    cause,
                }));
            }
            else
                fail(shaken ? (login.failure() ?? lateError(options, cause)) : earlyError(options, cause));
        });
        client.once('close', () => {
            fail(shaken
                ? refused(options, 'the server closed the connection')
                : new errors/* TrustError */.Ru('host-closed', 'The server closed the connection.', { hint: BUSY }));
        });
        client.connect({
            host,
            port,
            username: user,
            readyTimeout: 0,
            authHandler: login.next,
            algorithms: { serverHostKey: (0,key_exchange/* hostKeyAlgorithms */.Qb)((0,certificate/* kindOfKey */.RI)(hostKey).type) },
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
    return new errors/* TrustError */.Ru('login-refused', `No login as ${user} at ${host}: ${why}.`, {
        ...(cause === undefined ? {} : { cause }),
    });
}
/** Before the host has proven its key. */
function earlyError({ hostKey }, cause) {
    const said = (0,transport/* printable */.g$)(cause.message).replace(/\.$/, '');
    if (cause.level === 'client-socket')
        return socketError(cause, () => closedBy(cause));
    if (/no matching host key/.test(said) && !(0,certificate/* isCertificateType */.qu)((0,public_key/* typeOfBlob */.JX)(hostKey))) {
        const message = 'The server no longer has a key of the type that it proved before.';
        return new errors/* TrustError */.Ru('host-key-changed', message, { cause });
    }
    if (/no matching/.test(said)) {
        return new errors/* TrustError */.Ru('host-no-common-algorithm', `The two sides do not agree: ${said}.`, {
            hint: 'This client takes no host certificates and no post-quantum key exchange; enable another algorithm on the server.',
            cause,
        });
    }
    if (/Connection lost/.test(said)) {
        return closedBy(cause);
    }
    return new errors/* TrustError */.Ru('host-protocol', `The key exchange failed: ${said}.`, { cause });
}
/** After the host has proven its key, before the login is done. */
function lateError(options, cause) {
    if (cause.level === 'client-socket')
        return socketError(cause, () => closedBy(cause));
    return refused(options, (0,transport/* printable */.g$)(cause.message).replace(/\.$/, ''), cause);
}
function closedBy(cause) {
    return new errors/* TrustError */.Ru('host-closed', 'The server closed the connection.', { hint: BUSY, cause });
}
/** Asks which methods there are (RFC 4252 §5.2), then tries the one that our credentials are for. */
function loginMethods(options) {
    const { credentials, user, host } = options;
    const wanted = credentials.kind === 'password' ? ['password', 'keyboard-interactive'] : ['publickey'];
    let failure;
    let step = 'none';
    const next = (offered, partial) => {
        if (step === 'none') {
            step = 'try';
            return { type: 'none', username: user };
        }
        const list = offered?.join(', ') ?? '';
        if (step === 'over') {
            failure ??= partial
                ? new errors/* TrustError */.Ru('login-method-absent', `${host} took the ${wanted[0] ?? ''} for ${user}, and wants more: ${list}.`, { hint: 'Logins with several methods (AuthenticationMethods) are not supported.' })
                : refused(options, credentials.kind === 'password'
                    ? 'the password was not accepted'
                    : 'no key was accepted');
            return false;
        }
        step = 'over';
        const method = wanted.find((name) => offered?.includes(name));
        if (method === undefined) {
            failure = new errors/* TrustError */.Ru('login-method-absent', `${host} lets ${user} log in with ${list === '' ? 'nothing' : list} only, not with ${wanted.join(' or ')}.`, {
                hint: credentials.kind === 'password'
                    ? 'Set PasswordAuthentication yes in sshd_config for the time being, or log in with a key.'
                    : 'Set PubkeyAuthentication yes in sshd_config.',
            });
            return false;
        }
        return methodFor(method, options, (why) => {
            failure ??= refused(options, why);
        });
    };
    return { next, failure: () => failure };
}
function methodFor(method, { credentials, user: username }, tell) {
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
                const asked = prompts.map((one) => `"${(0,transport/* printable */.g$)(one.prompt.trim())}"`).join(', ');
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
    const mark = (0,external_node_crypto_.randomBytes)(16).toString('hex');
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
            settle(output.begun ? new errors/* TrustError */.Ru('host-timeout', message) : noShell(output, exit, stderr));
        };
        let timer = setTimeout(late, Math.min(timeout, START_TIMEOUT));
        channel.on('data', (chunk) => {
            if (over)
                return;
            const begun = output.begun;
            output.push(chunk);
            if (output.length > maxOutput) {
                const message = `The host sent more than ${maxOutput} bytes of output.`;
                settle(new errors/* TrustError */.Ru('remote-shell', message));
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
                settle(new errors/* TrustError */.Ru('host-closed', 'The connection was lost.'));
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
            reject(new errors/* TrustError */.Ru('host-timeout', `The host opened no session in ${timeout / 1000} s.`));
        }, timeout);
        const fail = (cause) => {
            clearTimeout(timer);
            reject(isAlive(client)
                ? new errors/* TrustError */.Ru('remote-shell', `The host runs no commands: ${(0,transport/* printable */.g$)(cause.message)}.`, { hint: NO_SHELL, cause })
                : new errors/* TrustError */.Ru('host-closed', 'The connection was lost.', { cause }));
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
    const words = (0,transport/* printable */.g$)(`${stderr.trim()} ${output.text()}`.trim().slice(0, 300));
    const how = exit === undefined ? '' : ` (exit code ${exit})`;
    if (output.begun) {
        const said = words === '' ? '.' : `: ${words}`;
        return new errors/* TrustError */.Ru('host-closed', `The shell on the host was ended before its script${how}${said}`);
    }
    const said = words === '' ? 'and said nothing' : `and said "${words}"`;
    return new errors/* TrustError */.Ru('remote-shell', `The account runs no sh${how} ${said}.`, {
        hint: NO_SHELL,
    });
}
/** Output up to now, and what of it lies between the marks. */
class Output {
    #chunks = [];
    #begin;
    #end;
    begun = false;
    length = 0;
    constructor(mark) {
        this.#begin = Buffer.from(`\n${mark} begin\n`);
        this.#end = `\n${mark} end `;
    }
    push(chunk) {
        this.#chunks.push(chunk);
        this.length += chunk.length;
        // Looked for in all of it until it is there: it may come in pieces.
        if (!this.begun)
            this.begun = this.#all().includes(this.#begin);
    }
    #all() {
        const all = Buffer.concat(this.#chunks);
        this.#chunks.splice(0, this.#chunks.length, all);
        return all;
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
            reject(new errors/* TrustError */.Ru('host-timeout', `No SFTP within ${timeout / 1000} s.`));
        }, timeout);
        const fail = (cause) => {
            clearTimeout(timer);
            reject(isAlive(client)
                ? new errors/* TrustError */.Ru('remote-shell', `The host has no SFTP: ${(0,transport/* printable */.g$)(cause.message)}.`, {
                    cause,
                })
                : new errors/* TrustError */.Ru('host-closed', 'The connection was lost.', { cause }));
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