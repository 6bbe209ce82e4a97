"use strict";
exports.id = 16;
exports.ids = [16,272];
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


/***/ }),

/***/ 9016:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  inspectAccount: () => (/* binding */ inspectAccount)
});

// UNUSED EXPORTS: parseFacts

// EXTERNAL MODULE: ./src/errors.ts
var errors = __webpack_require__(3916);
// EXTERNAL MODULE: ./src/ssh/transport.ts
var transport = __webpack_require__(7963);
// EXTERNAL MODULE: ./src/remote/connect.ts
var connect = __webpack_require__(2272);
;// CONCATENATED MODULE: ./src/remote/inspect-script.ts
/**
 * The script by which an account is looked at: constant text for POSIX shells. It only looks, and ends
 * with what it knows, so a tool that is missing leaves a gap and nothing more. inspect-account.ts runs
 * it and reads what it prints: a line for each fact, its name first.
 */
/** Largest file of keys that is sent over. */
const MAX_FILE = 1024 * 1024;
/** Lines of the log that are sent over, and what of each. */
const LOG_LINES = 400;
const LOG_COLUMNS = 600;
/** Accounts that root's look goes through. */
const MAX_ACCOUNTS = 500;
/** What is told of sshd's configuration. */
const KEYWORDS = [
    ...['authorizedkeysfile', 'authorizedkeyscommand', 'pubkeyauthentication', 'strictmodes'],
    ...['pubkeyacceptedalgorithms', 'pubkeyacceptedkeytypes', 'authenticationmethods', 'usepam'],
    ...['allowusers', 'denyusers', 'allowgroups', 'denygroups', 'permitrootlogin'],
    ...['maxauthtries', 'forcecommand'],
].join('|');
/**
 * Standard input: the user, or an empty line for oneself; then keys in base64, one a line. The first
 * word after the script is SSH_CONNECTION.
 */
const INSPECT = String.raw `
set -f
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
unset CDPATH
say() { printf '%s\n' "$*"; }

set -- $1
client=$1
server=$3
port=$4
me=$(id -un)
IFS= read -r user
wanted=
while IFS= read -r key; do wanted="$wanted $key"; done
if [ -z "$user" ]; then user=$me; fi
say "user $user"
say "seen-by $me"
say "client $client"
say "clock $(date -u +%Y%m%d%H%M%S)"
say "zone $(date +%z)"

# The line of the user in a file like /etc/passwd, whose name is given.
line_of() {
  getent "$1" "$user" 2>/dev/null && return
  if [ -r "/etc/$1" ]; then
    while IFS= read -r line; do
      case $line in "$user":*) say "$line"; return ;; esac
    done <"/etc/$1"
  fi
}
field() { printf '%s\n' "$1" | cut -d: -f"$2"; }
entry=$(line_of passwd | sed 1q)

if uid=$(id -u "$user" 2>/dev/null); then
  say "uid $uid"
  say "groups $(id -Gn "$user" 2>/dev/null)"
else
  say "absent"
fi
if [ "$user" = "$me" ]; then
  home=$(cd 2>/dev/null && pwd -P)
else
  place=$(field "$entry" 6)
  home=$([ -n "$place" ] && cd -P "$place" 2>/dev/null && pwd -P)
fi
say "home $home"
shell=$(field "$entry" 7)
if [ -z "$entry" ]; then shell=$SHELL; fi
say "shell $shell"
if [ -n "$shell" ]; then
  if [ -f "$shell" ] && [ -x "$shell" ]; then say "shell-runs yes"; else say "shell-runs no"; fi
fi
shadow=$(line_of shadow 2>/dev/null | sed 1q)
if [ -n "$shadow" ]; then
  case $(field "$shadow" 2) in '!'*) say "locked yes" ;; *) say "locked no" ;; esac
  say "expires $(field "$shadow" 8)"
fi
for file in /etc/nologin /run/nologin; do
  if [ -e "$file" ]; then say "nologin $file"; break; fi
done

# The daemon's own command line names its configuration and its log, where these are others than usual.
configuration=/etc/ssh/sshd_config
log=
pid=$$
steps=0
while [ "$pid" -gt 1 ] && [ "$steps" -lt 20 ]; do
  if [ -r "/proc/$pid/cmdline" ]; then
    words=$(tr '\0' ' ' <"/proc/$pid/cmdline")
    parent=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status")
  else
    words="$(ps -o args= -p "$pid" 2>/dev/null) "
    parent=$(ps -o ppid= -p "$pid" 2>/dev/null | tr -d ' ')
  fi
  case $words in
  sshd\ -* | */sshd\ -* | sshd:\ *sshd\ -*)
    set -- $words
    while [ $# -gt 0 ]; do
      case $1 in
      -f) configuration=$2 ;;
      -E) log=$2 ;;
      -e | -De) log=/proc/$pid/fd/2 ;;
      esac
      shift
    done
    break ;;
  dropbear\ * | */dropbear\ *)
    say "dropbear $words"
    configuration=
    break ;;
  esac
  if [ -z "$parent" ]; then break; fi
  pid=$parent
  steps=$((steps + 1))
done
say "config-file $configuration"

settings=
if [ -n "$configuration" ]; then
  settings=$(sshd -T -f "$configuration" \
    -C "user=$user,host=$client,addr=$client,laddr=$server,lport=$port" 2>/dev/null |
    grep -iE '^(${KEYWORDS}) ')
  if [ -n "$settings" ]; then
    say "config-from sshd"
  else
    settings=$(sed '/^[[:space:]]*[Mm][Aa][Tt][Cc][Hh][[:space:]]/,$d' "$configuration" 2>/dev/null |
      sed 's/^[[:space:]]*//; s/[[:space:]]*=[[:space:]]*/ /' | grep -iE '^(${KEYWORDS})[[:space:]]')
    if [ -n "$settings" ]; then say "config-from file"; fi
  fi
  if [ -n "$settings" ]; then printf '%s\n' "$settings" | sed 's/^/config /'; fi
fi

selinux=$(getenforce 2>/dev/null)
look() {
  seen=$1
  set -- $(ls -lnd "$1" 2>/dev/null)
  if [ -z "$3" ]; then return; fi
  say "mode $1 $3 $seen"
  if [ "$selinux" != Enforcing ]; then return; fi
  for word in $(ls -Zd "$seen" 2>/dev/null); do
    case $word in
    *:*:*)
      right=$(matchpathcon -n "$seen" 2>/dev/null)
      case $right in *:*:*) ;; *) right=- ;; esac
      say "label $word $right $seen"
      break ;;
    esac
  done
}
content() {
  if [ -f "$1" ] && [ -r "$1" ]; then
    size=$(($(wc -c <"$1")))
    if [ "$size" -le ${MAX_FILE} ]; then
      say "content $size"
      cat "$1"
      say
    fi
  fi
}

files=$(printf '%s\n' "$settings" |
  sed -n 's/^[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Ee][Dd][Kk][Ee][Yy][Ss][Ff][Ii][Ll][Ee][[:space:]]*//p' | sed 1q)
if [ -z "$configuration" ]; then
  # dropbear; that of OpenWrt has a place of its own for root.
  files=.ssh/authorized_keys
  if [ "$uid" = 0 ] && [ -f /etc/openwrt_release ]; then files=/etc/dropbear/authorized_keys; fi
elif [ -z "$files" ]; then
  files='.ssh/authorized_keys .ssh/authorized_keys2'
fi
# For the right side of sed's s|…|…|.
quoted() { printf '%s\n' "$1" | sed 's/[&|\\]/\\&/g'; }
used=
for file in $files; do
  if [ "$file" = none ]; then continue; fi
  if [ -z "$home" ]; then
    case $file in *%h* | [!/]*) continue ;; esac
  fi
  path=$(printf '%s\n' "$file" |
    sed "s|%h|$(quoted "$home")|g; s|%u|$(quoted "$user")|g; s|%U|$uid|g; s|%%|%|g")
  case $path in
  /*) ;;
  *) path=$home/$path ;;
  esac
  dir=$(dirname "$path")
  if real=$(cd -P "$dir" 2>/dev/null && pwd -P); then
    dir=$real
    path=$dir/$(basename "$path")
  fi
  used="$used $path "
  if [ -L "$path" ]; then
    real=$(readlink -f "$path" 2>/dev/null) && [ -n "$real" ] && path=$real && dir=$(dirname "$path")
  fi
  say "keys $path"
  if [ -e "$path" ]; then look "$path"; else say "missing"; fi
  while :; do
    look "$dir"
    if [ "$dir" = "$home" ] || [ "$dir" = / ] || [ "$dir" = . ]; then break; fi
    dir=$(dirname "$dir")
  done
  content "$path"
done
usual=$home/.ssh/authorized_keys
case $used in
*" $usual "*) ;;
*) if [ -n "$home" ] && [ -e "$usual" ]; then say "unused $usual"; content "$usual"; fi ;;
esac

# Only root can look at what others have. Not for nothing: a look may mount a home.
if [ "$(id -u)" = 0 ]; then
  set --
  for key in $wanted; do set -- "$@" -e "$key"; done
  if [ $# -gt 0 ] && ! grep -qsF "$@" $used </dev/null; then
    { getent passwd 2>/dev/null || cat /etc/passwd; } | sed ${MAX_ACCOUNTS}q |
      while IFS=: read -r name _ _ _ _ place _; do
        file=$place/.ssh/authorized_keys
        if [ "$name" != "$user" ] && [ "$place" != "$home" ] && [ -f "$file" ] &&
          grep -qF "$@" -- "$file" 2>/dev/null </dev/null; then
          say "also $name $file"
        fi
      done
  fi
fi

tell_log() {
  if [ -z "$2" ]; then return 1; fi
  say "log-from $1"
  printf '%s\n' "$2" | sed 's/^/log /'
}
of_sshd() { grep -aE 'sshd|dropbear' | tail -n ${LOG_LINES} | cut -c 1-${LOG_COLUMNS}; }
end_of() { tail -c 262144 "$1" 2>/dev/null; }
find_log() {
  if [ -f "$log" ] && [ -r "$log" ]; then
    name=$(readlink "$log" 2>/dev/null)
    if [ -z "$name" ]; then name=$log; fi
    tell_log "$name" "$(end_of "$log" | tail -n ${LOG_LINES} | cut -c 1-${LOG_COLUMNS})" && return
  fi
  tell_log journal "$(journalctl -q --no-pager -o short-iso -n ${LOG_LINES} --since=-15min \
    -t sshd -t sshd-session -t sshd-auth -t dropbear 2>/dev/null </dev/null |
    cut -c 1-${LOG_COLUMNS})" && return
  for file in /var/log/auth.log /var/log/secure /var/log/messages; do
    if [ -f "$file" ] && [ -r "$file" ]; then
      tell_log "$file" "$(end_of "$file" | of_sshd)" && return
    fi
  done
  tell_log logread "$(logread 2>/dev/null </dev/null | of_sshd)"
}
find_log
`;
/** Has the script run by root where it is about somebody else. Standard input: the user, then as above. */
const INSPECT_ACCOUNT = String.raw `
say() { printf '%s\n' "$*"; }
IFS= read -r wanted
set -- sh -c '${INSPECT.replaceAll("'", String.raw `'\''`)}' sh "$SSH_CONNECTION"
if [ -n "$wanted" ] && [ "$wanted" != "$(id -un)" ] && [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then say "fail there is no sudo"; exit; fi
  if ! words=$(sudo -n true 2>&1); then say "fail $(printf '%s' "$words" | tr '\n' ' ')"; exit; fi
  set -- sudo -n "$@"
fi
"$@"
`;

;// CONCATENATED MODULE: ./src/remote/inspect-account.ts




const MAX_OUTPUT = 8 * 1024 * 1024;
const TIMEOUT = 30_000;
/** Keys that are looked for in other accounts. */
const MAX_KEYS = 64;
/**
 * Looks at the account that `client` is logged in to, or at another one as an administrator.
 *
 * @throws TrustError `remote-shell` where the account runs no commands, `remote-file-failed` where it
 *   may not look at others, `host-timeout`, `host-closed`
 */
async function inspectAccount(client, { user = '', keys = [], timeout = TIMEOUT } = {}) {
    if (/[\0\r\n]/.test(user))
        throw new Error('a name for a script has an end');
    const lines = [user, user, ...keys.slice(0, MAX_KEYS).map((key) => key.toString('base64'))];
    const { stdout } = await (0,connect.runScript)(client, INSPECT_ACCOUNT, Buffer.from(lines.map((line) => `${line}\n`).join('')), { timeout, maxOutput: MAX_OUTPUT });
    const [, failure] = /^fail (.*)/.exec(stdout.subarray(0, 1024).toString('utf8')) ?? [];
    if (failure !== undefined) {
        const message = `This login may not look at the account ${user}: ${(0,transport/* printable */.g$)(failure)}.`;
        const hint = 'Log in as root, or as somebody who may use sudo without a password.';
        throw new errors/* TrustError */.Ru('remote-file-failed', message, { hint });
    }
    return parseFacts(stdout);
}
/**
 * Reads what the script prints.
 *
 * @throws TrustError `remote-shell` where that does not even say who the user is
 */
function parseFacts(output) {
    const single = new Map();
    const config = new Map();
    const keyFiles = [];
    const unusedFiles = [];
    const otherAccounts = [];
    const labels = [];
    const logLines = [];
    let file;
    for (let at = 0; at < output.length;) {
        const newline = output.indexOf(0x0a, at);
        const end = newline < 0 ? output.length : newline;
        const line = output.subarray(at, end).toString('utf8');
        at = end + 1;
        const [, word = '', rest = ''] = /^(\S+) ?(.*?)\r?$/s.exec(line) ?? [];
        if (word === 'config') {
            const [, keyword = '', value = ''] = /^(\S+)\s+(.*)$/.exec(rest) ?? [];
            const name = keyword.toLowerCase();
            config.set(name, [...(config.get(name) ?? []), value.trim()]);
        }
        else if (word === 'keys' || word === 'unused') {
            file = { path: rest, missing: false, chain: [] };
            const files = word === 'keys' ? keyFiles : unusedFiles;
            files.push(file);
        }
        else if (word === 'missing' && file !== undefined) {
            file.missing = true;
        }
        else if (word === 'mode' && file !== undefined) {
            const [, mode, owner, path] = /^(\S{10,12}) (\d{1,10}) (.+)$/.exec(rest) ?? [];
            if (mode === undefined || path === undefined)
                continue;
            file.chain.push({ mode, owner: Number(owner), path });
        }
        else if (word === 'content' && file !== undefined) {
            const size = /^\d{1,7}$/.test(rest) ? Number(rest) : 0;
            file.content = output.subarray(at, at + size);
            at += size + 1;
        }
        else if (word === 'label') {
            const [, context = '', expected = '-', path = ''] = /^(\S+) (\S+) (.+)$/.exec(rest) ?? [];
            if (path === '' || labels.some((other) => other.path === path))
                continue;
            labels.push({ path, context, ...(expected === '-' ? {} : { expected }) });
        }
        else if (word === 'also') {
            const [, user, path] = /^(\S+) (.+)$/.exec(rest) ?? [];
            if (user !== undefined && path !== undefined)
                otherAccounts.push({ user, path });
        }
        else if (word === 'log')
            logLines.push(rest);
        else if (!single.has(word))
            single.set(word, rest);
    }
    const text = (name) => single.get(name) ?? '';
    const exists = !single.has('absent');
    const uid = text('uid');
    if ((exists && !/^\d+$/.test(uid)) || text('user') === '') {
        throw new errors/* TrustError */.Ru('remote-shell', 'The host does not say what the account is.');
    }
    const from = text('config-from');
    const clock = readClock(text('clock'));
    const zone = readZone(text('zone'));
    const expires = /^\d{1,6}$/.test(text('expires')) ? Number(text('expires')) : undefined;
    return {
        user: text('user'),
        seenBy: text('seen-by'),
        exists,
        uid: exists ? Number(uid) : -1,
        groups: text('groups')
            .split(' ')
            .filter((group) => group !== ''),
        home: text('home'),
        shell: text('shell'),
        client: text('client'),
        configFrom: from === 'sshd' || from === 'file' ? from : 'nowhere',
        configFile: text('config-file'),
        config,
        keyFiles,
        unusedFiles,
        otherAccounts,
        labels,
        ...(single.has('shell-runs') ? { shellRuns: text('shell-runs') === 'yes' } : {}),
        ...(single.has('locked') ? { locked: text('locked') === 'yes' } : {}),
        ...(expires === undefined ? {} : { expires }),
        ...(single.has('dropbear') ? { dropbear: text('dropbear').trim() } : {}),
        ...(single.has('nologin') ? { nologinFile: text('nologin') } : {}),
        ...(single.has('log-from') ? { log: { source: text('log-from'), lines: logLines } } : {}),
        ...(clock === undefined ? {} : { clock }),
        ...(zone === undefined ? {} : { zone }),
    };
}
function readClock(text) {
    if (!/^\d{14}$/.test(text))
        return undefined;
    const at = (start, length = 2) => Number(text.slice(start, start + length));
    return Date.UTC(at(0, 4), at(4) - 1, at(6), at(8), at(10), at(12));
}
function readZone(text) {
    const [, sign, hours, minutes] = /^([+-])(\d\d)(\d\d)$/.exec(text) ?? [];
    if (sign === undefined)
        return undefined;
    return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
}


/***/ })

};
;