/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
/******/ 	var __webpack_modules__ = ({

/***/ 910:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   hh: () => (/* binding */ parseAudit)
/* harmony export */ });
/* unused harmony exports openAudit, NO_AUDIT, STDERR */
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);
/**
 * The audit: one JSON line for each request that used a key, would have used one, or changed which keys
 * there are. Public facts only.
 * The types are the contract between the agent, which writes, and the report, which reads.
 */

/** Size at which the audit stops growing; some 20,000 lines. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Room for the last line, which says what was left out. */
const OMISSION_BYTES = 128;
/** Refusals stop here: whoever can ask must not be able to fill the file and then go unseen. */
const MAX_REFUSAL_BYTES = MAX_BYTES / 2;
/** Opens the audit file, made new (mode 0600) or appended to; `stderr` is that. */
function openAudit(file) {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
    const descriptor = file === STDERR ? 2 : openSync(file, flags, 0o600);
    let bytes = file === STDERR ? 0 : fstatSync(descriptor).size;
    let written = 0;
    let omitted = 0;
    return {
        write: (entry) => {
            const line = `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`;
            const limit = entry.verdict === 'refused' ? MAX_REFUSAL_BYTES : MAX_BYTES - OMISSION_BYTES;
            if (bytes + Buffer.byteLength(line) > limit) {
                omitted += 1;
                return;
            }
            try {
                bytes += writeSync(descriptor, line);
                written += 1;
            }
            catch {
                omitted += 1; // a full disk must not stop the agent; the count says that lines are missing
            }
        },
        counts: () => ({ written, omitted }),
        close: () => {
            const omission = { time: new Date().toISOString(), omitted };
            const line = `${JSON.stringify(omission)}\n`;
            try {
                if (omitted > 0 && bytes + line.length <= MAX_BYTES)
                    writeSync(descriptor, line);
                if (file !== STDERR)
                    closeSync(descriptor);
            }
            catch {
                // a full disk: nothing more can be told
            }
        },
    };
}
/** For an agent that nobody audits. */
const NO_AUDIT = {
    write: () => undefined,
    counts: () => ({ written: 0, omitted: 0 }),
    close: () => undefined,
};
/** A name for openAudit. */
const STDERR = 'stderr';
/** The entries of an audit file's text, and how many it says were left out. Torn lines are dropped. */
function parseAudit(text) {
    const lines = text.split('\n').flatMap((line) => {
        try {
            const entry = JSON.parse(line);
            return typeof entry === 'object' && entry !== null ? [entry] : [];
        }
        catch {
            return [];
        }
    });
    return {
        entries: lines.filter((line) => 'request' in line),
        omitted: lines.reduce((sum, line) => sum + ('omitted' in line ? line.omitted : 0), 0),
    };
}


/***/ }),

/***/ 2820:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $H: () => (/* binding */ signForProvenHost),
/* harmony export */   eD: () => (/* binding */ stopAgent),
/* harmony export */   o3: () => (/* binding */ agentStatus)
/* harmony export */ });
/* unused harmony exports converse, controlMessage, giveCertificate */
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7030);
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_net__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3916);
/* harmony import */ var _ssh_wire__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3529);
/* harmony import */ var _messages__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(3557);
/**
 * The control channel: our own extension on the agent's socket, for those who hold the job's token.
 * Everybody else speaks the plain agent protocol.
 */




const TIMEOUT = 5000;
/**
 * Sends messages over one connection, each after the answer to the one before; gives the answers.
 *
 * @param timeout in milliseconds, for each answer
 * @throws TrustError `agent-control`
 */
async function converse(path, messages, timeout = TIMEOUT) {
    return new Promise((resolve, reject) => {
        const socket = (0,node_net__WEBPACK_IMPORTED_MODULE_0__.connect)(path);
        const reader = new _messages__WEBPACK_IMPORTED_MODULE_3__/* .FrameReader */ .tS();
        const answers = [];
        const fail = (message, cause) => {
            socket.destroy();
            reject(new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', `The agent at ${path} ${message}.`, { cause }));
        };
        const sendNext = () => {
            const message = messages[answers.length];
            if (message !== undefined)
                socket.write((0,_messages__WEBPACK_IMPORTED_MODULE_3__/* .frame */ .Gt)(message));
            else {
                socket.end();
                resolve(answers);
            }
        };
        socket.setTimeout(timeout, () => {
            fail(`did not answer within ${timeout / 1000} s`);
        });
        socket.once('error', (error) => {
            fail(`can't be reached: ${error.message}`, error);
        });
        socket.once('close', () => {
            fail('closed the connection');
        });
        socket.once('connect', sendNext);
        socket.on('data', (chunk) => {
            reader.push(chunk);
            try {
                for (let answer = reader.next(); answer !== undefined; answer = reader.next()) {
                    answers.push(Buffer.from(answer));
                    sendNext();
                }
            }
            catch (cause) {
                fail('does not speak the agent protocol', cause);
            }
        });
    });
}
function controlMessage(token, request) {
    return (0,_messages__WEBPACK_IMPORTED_MODULE_3__/* .extensionRequest */ .Fz)(_messages__WEBPACK_IMPORTED_MODULE_3__/* .CONTROL */ .W3, Buffer.concat([(0,_ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(token), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(JSON.stringify(request))]));
}
function requireSuccess(answer, what) {
    if (answer?.[0] === _messages__WEBPACK_IMPORTED_MODULE_3__/* .SSH_AGENT_SUCCESS */ .R9)
        return;
    throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', `The agent refused to ${what}.`);
}
/** @throws TrustError `agent-control` */
async function agentStatus({ socket, token }) {
    const [answer] = await converse(socket, [controlMessage(token, { op: 'status' })]);
    const reader = new _ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(answer ?? Buffer.alloc(0));
    if (reader.byte() !== _messages__WEBPACK_IMPORTED_MODULE_3__/* .SSH_AGENT_EXTENSION_RESPONSE */ .An) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', 'The agent refused to tell its status.');
    }
    try {
        reader.text(256);
        return JSON.parse(reader.text());
    }
    catch (cause) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', 'The agent told a status that is none.', { cause });
    }
}
/**
 * Takes the caller's part of the job out of the agent, which ends with the last one.
 *
 * @returns how many parts still need the agent; with none it ends
 * @throws TrustError `agent-control`
 */
async function stopAgent({ socket, token }) {
    const [answer] = await converse(socket, [controlMessage(token, { op: 'stop' })]);
    const reader = new _ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(answer ?? Buffer.alloc(0));
    if (reader.remaining > 0 && reader.byte() === _messages__WEBPACK_IMPORTED_MODULE_3__/* .SSH_AGENT_EXTENSION_RESPONSE */ .An) {
        reader.text(256);
        return Number(reader.text(16));
    }
    requireSuccess(answer, 'stop');
    return 0;
}
/**
 * Gives the agent a certificate (wire format) for a key that it holds.
 *
 * @throws TrustError `agent-control`
 */
async function giveCertificate({ socket, token }, certificate) {
    const request = { op: 'certify', certificate: certificate.toString('base64') };
    const [answer] = await converse(socket, [controlMessage(token, request)]);
    requireSuccess(answer, 'take the certificate');
}
/**
 * A signature for a login at a host that the caller has proven itself: for our own clients, which can
 * send no session-bind because their SSH library does not show them the signature of the exchange.
 * The agent's policy decides as for everybody else.
 *
 * @param hostKey in wire format
 * @param key the identity that is to sign, in wire format
 * @param flags RFC 9987 §5.6.1
 * @returns the signature in the SSH format
 * @throws TrustError `agent-control`
 */
async function signForProvenHost({ socket, token }, host, key, data, flags) {
    const bind = controlMessage(token, {
        op: 'bind',
        hostKey: host.hostKey.toString('base64'),
        sessionId: host.sessionId.toString('base64'),
    });
    const [bound, answer] = await converse(socket, [bind, (0,_messages__WEBPACK_IMPORTED_MODULE_3__/* .signRequest */ .zT)(key, data, flags)]);
    requireSuccess(bound, 'bind the connection');
    const reader = new _ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(answer ?? Buffer.alloc(0));
    if (reader.byte() !== _messages__WEBPACK_IMPORTED_MODULE_3__/* .SSH_AGENT_SIGN_RESPONSE */ .d_) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', 'The agent refused to sign for this host; its audit says why.');
    }
    return Buffer.from(reader.string());
}


/***/ }),

/***/ 3557:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   An: () => (/* binding */ SSH_AGENT_EXTENSION_RESPONSE),
/* harmony export */   Fz: () => (/* binding */ extensionRequest),
/* harmony export */   Gt: () => (/* binding */ frame),
/* harmony export */   R9: () => (/* binding */ SSH_AGENT_SUCCESS),
/* harmony export */   W3: () => (/* binding */ CONTROL),
/* harmony export */   d_: () => (/* binding */ SSH_AGENT_SIGN_RESPONSE),
/* harmony export */   j5: () => (/* binding */ SSH_AGENT_RSA_SHA2_256),
/* harmony export */   tS: () => (/* binding */ FrameReader),
/* harmony export */   uA: () => (/* binding */ SSH_AGENT_RSA_SHA2_512),
/* harmony export */   zT: () => (/* binding */ signRequest)
/* harmony export */ });
/* unused harmony exports SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES, SSH_AGENTC_REQUEST_IDENTITIES, SSH_AGENTC_SIGN_REQUEST, SSH_AGENTC_ADD_IDENTITY, SSH_AGENTC_REMOVE_IDENTITY, SSH_AGENTC_REMOVE_ALL_IDENTITIES, SSH_AGENTC_ADD_SMARTCARD_KEY, SSH_AGENTC_REMOVE_SMARTCARD_KEY, SSH_AGENTC_LOCK, SSH_AGENTC_UNLOCK, SSH_AGENTC_ADD_ID_CONSTRAINED, SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED, SSH_AGENTC_EXTENSION, SSH_AGENT_FAILURE, SSH_AGENT_IDENTITIES_ANSWER, SSH_AGENT_EXTENSION_FAILURE, SSH_AGENT_CONSTRAIN_LIFETIME, SSH_AGENT_CONSTRAIN_CONFIRM, SSH_AGENT_CONSTRAIN_EXTENSION, QUERY, SESSION_BIND, RESTRICT_DESTINATION, MAX_MESSAGE, FAILURE, SUCCESS, EXTENSION_FAILURE, identitiesAnswer, signResponse, extensionResponse */
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/* harmony import */ var _ssh_wire__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3529);
/**
 * The agent protocol on the wire: message numbers, frames, replies (RFC 9987 §5; OpenSSH's
 * PROTOCOL.agent for the extensions).
 */


/** RFC 9987 §5, requests. The first is of protocol 1: OpenSSH's agent still takes it, and so do we. */
const SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES = 9;
const SSH_AGENTC_REQUEST_IDENTITIES = 11;
const SSH_AGENTC_SIGN_REQUEST = 13;
const SSH_AGENTC_ADD_IDENTITY = 17;
const SSH_AGENTC_REMOVE_IDENTITY = 18;
const SSH_AGENTC_REMOVE_ALL_IDENTITIES = 19;
const SSH_AGENTC_ADD_SMARTCARD_KEY = 20;
const SSH_AGENTC_REMOVE_SMARTCARD_KEY = 21;
const SSH_AGENTC_LOCK = 22;
const SSH_AGENTC_UNLOCK = 23;
const SSH_AGENTC_ADD_ID_CONSTRAINED = 25;
const SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED = 26;
const SSH_AGENTC_EXTENSION = 27;
/** RFC 9987 §5, replies. */
const SSH_AGENT_FAILURE = 5;
const SSH_AGENT_SUCCESS = 6;
const SSH_AGENT_IDENTITIES_ANSWER = 12;
const SSH_AGENT_SIGN_RESPONSE = 14;
const SSH_AGENT_EXTENSION_FAILURE = 28;
const SSH_AGENT_EXTENSION_RESPONSE = 29;
/** RFC 9987 §5.6.1, flags of a sign request. */
const SSH_AGENT_RSA_SHA2_256 = 2;
const SSH_AGENT_RSA_SHA2_512 = 4;
/** RFC 9987 §5.2.7, constraints of a key that is added. */
const SSH_AGENT_CONSTRAIN_LIFETIME = 1;
const SSH_AGENT_CONSTRAIN_CONFIRM = 2;
const SSH_AGENT_CONSTRAIN_EXTENSION = 255;
/** Extensions: RFC 9987 §5.8.1, PROTOCOL.agent section 1, and our own. */
const QUERY = 'query';
const SESSION_BIND = 'session-bind@openssh.com';
const CONTROL = 'control@ssh-trust-action';
/** The one constraint extension that is known here: PROTOCOL.agent section 2. */
const RESTRICT_DESTINATION = 'restrict-destination-v00@openssh.com';
/** Longest message; OpenSSH's AGENT_MAX_LEN. */
const MAX_MESSAGE = 256 * 1024;
const FAILURE = (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENT_FAILURE);
const SUCCESS = (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENT_SUCCESS);
const EXTENSION_FAILURE = (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENT_EXTENSION_FAILURE);
/** One message as a frame: its length, then itself (RFC 9987 §5). */
const frame = _ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .string */ .Yj;
/** Pieces below this size are joined: the memory of each is far more than its bytes. */
const SMALL_PIECE = 4096;
/** Takes frames apart, in whatever pieces they arrive. */
class FrameReader {
    #chunks = [];
    #pending = 0;
    /** Bytes that wait for the rest of their message. */
    get pending() {
        return this.#pending;
    }
    push(chunk) {
        this.#pending += chunk.length;
        let last = chunk;
        // As the digits of a binary counter: each byte is copied some twelve times at most.
        for (let before = this.#chunks.at(-1); before !== undefined; before = this.#chunks.at(-1)) {
            if (last.length >= SMALL_PIECE || before.length > last.length)
                break;
            this.#chunks.pop();
            last = Buffer.concat([before, last]);
        }
        this.#chunks.push(last);
    }
    /**
     * The next whole message, or undefined until there is one.
     *
     * @throws TrustError `malformed`: too long or empty. The stream can't be read on after that.
     */
    next() {
        if (this.#pending < 4)
            return undefined;
        const length = this.#length();
        if (length === 0 || length > MAX_MESSAGE) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('malformed', `An agent message of ${length} bytes.`);
        }
        if (this.#pending < 4 + length)
            return undefined;
        const joined = this.#join();
        this.#chunks = joined.length === 4 + length ? [] : [joined.subarray(4 + length)];
        this.#pending -= 4 + length;
        return joined.subarray(4, 4 + length);
    }
    /** The four bytes in front, which may have come in as many pieces. */
    #length() {
        if ((this.#chunks[0]?.length ?? 0) < 4)
            this.#chunks = [this.#join()];
        return this.#chunks[0]?.readUInt32BE(0) ?? 0;
    }
    #join() {
        const [first] = this.#chunks;
        return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    }
}
/** RFC 9987 §5.5. */
function identitiesAnswer(identities) {
    const keys = identities.flatMap(({ blob, comment }) => [string(blob), string(comment)]);
    return Buffer.concat([byte(SSH_AGENT_IDENTITIES_ANSWER), uint32(identities.length), ...keys]);
}
/** RFC 9987 §5.6. */
function signResponse(signature) {
    return Buffer.concat([byte(SSH_AGENT_SIGN_RESPONSE), string(signature)]);
}
/** RFC 9987 §5.8. */
function extensionResponse(name, contents) {
    return Buffer.concat([byte(SSH_AGENT_EXTENSION_RESPONSE), string(name), contents]);
}
/** RFC 9987 §5.6. */
function signRequest(key, data, flags = 0) {
    return Buffer.concat([(0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENTC_SIGN_REQUEST), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .string */ .Yj)(key), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .string */ .Yj)(data), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .uint32 */ .S8)(flags)]);
}
/** RFC 9987 §5.8. */
function extensionRequest(name, contents) {
    return Buffer.concat([(0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .byte */ .PE)(SSH_AGENTC_EXTENSION), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_1__/* .string */ .Yj)(name), contents]);
}


/***/ }),

/***/ 3916:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Ru: () => (/* binding */ TrustError),
/* harmony export */   WE: () => (/* binding */ explain),
/* harmony export */   kg: () => (/* binding */ combine),
/* harmony export */   xU: () => (/* binding */ systemCode)
/* harmony export */ });
/* unused harmony export ERROR_CODES */
/* harmony import */ var node_util_types__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3429);
/* harmony import */ var node_util_types__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_util_types__WEBPACK_IMPORTED_MODULE_0__);
/**
 * The one error type of the project. Every failure that a user can meet is a `TrustError` with a
 * code from the closed list below; docs/TROUBLESHOOTING.md has an entry for each (a test holds the
 * two together).
 */

const ERROR_CODES = (/* unused pure expression or super */ null && ([
    // inputs
    'input-invalid',
    // hosts
    'hosts-syntax',
    'hosts-option-unknown',
    'hosts-pin-missing',
    'hosts-pin-invalid',
    'hosts-pin-md5',
    // keys
    'key-empty',
    'key-is-public',
    'key-unreadable',
    'key-encrypted',
    'key-passphrase-wrong',
    'key-type-unsupported',
    'key-too-small',
    'certificate-invalid',
    'malformed',
    // host keys
    'host-not-found',
    'host-refused',
    'host-unreachable',
    'host-timeout',
    'host-closed',
    'host-not-ssh',
    'host-protocol',
    'host-no-common-algorithm',
    'host-key-type-absent',
    'host-key-unproven',
    'login-refused',
    'login-method-absent',
    'host-key-changed',
    'host-key-revoked',
    // files on a host
    'remote-shell',
    'remote-file-unsafe',
    'remote-file-failed',
    'remote-file-locked',
    'remote-file-changed',
    // trust on hosts
    'bootstrap-unproven',
    'trust-unproven',
    'expiry-unsupported',
    'revocation-failed',
    // this machine
    'home-unsafe',
    'file-unsafe',
    'file-locked',
    'temp-unusable',
    'platform-unsupported',
    'agent-start',
    'agent-control',
]));
class TrustError extends Error {
    code;
    input;
    hint;
    constructor(code, message, details = {}) {
        super(message, details.cause === undefined ? undefined : { cause: details.cause });
        this.name = 'TrustError';
        this.code = code;
        this.input = details.input;
        this.hint = details.hint;
    }
    /** The same error, said of an input that only the caller knows. An input already named stays. */
    about(input) {
        if (this.input !== undefined)
            return this;
        return new TrustError(this.code, this.message, {
            input,
            ...(this.hint === undefined ? {} : { hint: this.hint }),
            cause: this.cause,
        });
    }
    /** The whole story in one paragraph: `input: message hint [code]`. */
    explain() {
        const input = this.input === undefined ? '' : `${this.input}: `;
        const hint = this.hint === undefined ? '' : ` ${this.hint}`;
        return `${input}${this.message}${hint} [${this.code}]`;
    }
}
/** `error` in words, whatever was thrown. */
function explain(error) {
    if (error instanceof TrustError)
        return error.explain();
    return (0,node_util_types__WEBPACK_IMPORTED_MODULE_0__.isNativeError)(error) ? error.message : String(error);
}
/** One error that tells of them all. */
function combine(errors) {
    const [first] = errors;
    if (first === undefined)
        throw new Error('no error to tell');
    if (errors.length === 1)
        return first;
    const list = errors.map((error) => `\n- ${explain(error)}`).join('');
    return new TrustError(first.code, `${errors.length} things are wrong:${list}`, { cause: first });
}
/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`), or undefined. */
function systemCode(error) {
    if (!(0,node_util_types__WEBPACK_IMPORTED_MODULE_0__.isNativeError)(error) || !('code' in error))
        return undefined;
    return typeof error.code === 'string' ? error.code : undefined;
}


/***/ }),

/***/ 1436:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $y: () => (/* binding */ editFile),
/* harmony export */   S0: () => (/* binding */ writeNewFile),
/* harmony export */   V3: () => (/* binding */ removeIfEmpty),
/* harmony export */   _N: () => (/* binding */ statOf),
/* harmony export */   yR: () => (/* binding */ readText)
/* harmony export */ });
/* unused harmony export isHeldOpen */
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8161);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_os__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(6760);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2___default = /*#__PURE__*/__nccwpck_require__.n(node_path__WEBPACK_IMPORTED_MODULE_2__);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(8500);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_3___default = /*#__PURE__*/__nccwpck_require__.n(node_timers_promises__WEBPACK_IMPORTED_MODULE_3__);
/* harmony import */ var node_util_types__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(3429);
/* harmony import */ var node_util_types__WEBPACK_IMPORTED_MODULE_4___default = /*#__PURE__*/__nccwpck_require__.n(node_util_types__WEBPACK_IMPORTED_MODULE_4__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(3916);
/* harmony import */ var _process_identity__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(2837);
/**
 * Writing files that others use too: one writer at a time, replaced whole or not at all, mode and
 * owner kept. And private files of the job's own.
 */







/** How long to wait for another job that is writing the same file. */
const LOCK_TIMEOUT = 20_000;
/**
 * Age at which a lock is stale whose holder can't be asked: it is on another machine or container, or
 * of a platform that does not tell when a process started.
 */
const FOREIGN_LOCK_AGE = 60_000;
/** How long a file may be held open by another program (an ssh that reads it, a virus scanner). */
const HELD_OPEN_TIMEOUT = 2000;
/** Largest file that is edited; an ssh_config or known_hosts is far smaller. */
const MAX_FILE = 16 * 1024 * 1024;
const REMEDY = 'Mend that, or set home: false and use the ssh-config output (ssh -F).';
/**
 * Makes a file that did not exist, mode 0600, and writes it through to the disk.
 *
 * @throws an error with a system's code; where it is thrown there is no file, not even half of one
 */
function writeNewFile(path, content) {
    const flags = node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_WRONLY | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_CREAT | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_EXCL | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.O_NOFOLLOW;
    const descriptor = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.openSync)(path, flags, 0o600);
    const bytes = Buffer.from(content);
    let written = false;
    try {
        for (let done = 0; done < bytes.length;)
            done += (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.writeSync)(descriptor, bytes, done);
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.fsyncSync)(descriptor);
        written = true;
    }
    catch (error) {
        // As those of open() do; a full disk is only met here.
        if ((0,node_util_types__WEBPACK_IMPORTED_MODULE_4__.isNativeError)(error))
            error.message += ` '${path}'`;
        throw error;
    }
    finally {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.closeSync)(descriptor);
        if (!written)
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(path, { force: true });
    }
}
/** What `lstat` says, or undefined where there is nothing. */
function statOf(path) {
    return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.lstatSync)(path, { throwIfNoEntry: false });
}
/**
 * Edits a text file (latin1, so that every byte survives) under a lock that all ssh-trust jobs of
 * this account take. `edit` may be called more than once.
 *
 * @param id of this job: names the temporary file, so that a later undo of the job finds it
 * @throws TrustError `file-locked`, `file-unsafe`; the file is as it was then
 */
async function editFile(path, id, edit) {
    try {
        await editLocked(path, id, edit);
    }
    catch (error) {
        // What can't be edited may need no edit: a disk is full, and what is taken back was never done.
        if (!staysAsItIs(path, edit))
            throw notEdited(path, error);
    }
}
/** Whether the edit would change nothing. A directory, or a link in a circle, has no text. */
function staysAsItIs(path, edit) {
    let text;
    try {
        const stat = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path, { throwIfNoEntry: false });
        if ((stat?.size ?? 0) > MAX_FILE)
            return false;
        if (stat?.isFile() === true)
            text = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(path, 'latin1');
    }
    catch (error) {
        if ((0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error) !== 'ELOOP')
            return false;
    }
    return edit(text) === text;
}
/** What the user can mend if a file can't be edited for it. */
const MENDABLE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'ELOOP', 'EIO'];
/** What the system says of a file (`ENOSPC: …`), as an error that says what to do. */
function notEdited(path, error) {
    const code = (0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error);
    if (!MENDABLE.includes(code ?? '') || isHeldOpen(error))
        return error;
    return new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${path} can't be edited: ${(0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .explain */ .WE)(error)}.`, {
        hint: `It is as it was. ${REMEDY}`,
        cause: error,
    });
}
async function editLocked(path, id, edit) {
    const target = resolveTarget(path);
    const release = await takeLock(`${target}.ssh-trust-lock`);
    const temporary = `${target}.${TEMPORARY}${id}`;
    try {
        removeTemporaries(target);
        const before = (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(target, { throwIfNoEntry: false });
        requireSafe(target, before);
        const text = before === undefined ? undefined : (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(target, 'latin1');
        const edited = edit(text);
        if (edited === text)
            return;
        // A link that stays must not come to lead to nothing.
        if (edited === undefined && !isLink(path)) {
            await whenFree(() => {
                (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(target);
            });
            return;
        }
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(temporary, { force: true });
        writeNewFile(temporary, Buffer.from(edited ?? '', 'latin1'));
        if (before !== undefined)
            keepOwnerAndMode(temporary, before);
        await whenFree(() => {
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.renameSync)(temporary, target);
        });
    }
    finally {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(temporary, { force: true });
        await whenFree(release);
    }
}
/** What a file is called while it is written; the id of the job stands behind. */
const TEMPORARY = 'ssh-trust-new-';
/** Under the lock nobody else is writing: what lies there was left by one that was killed. */
function removeTemporaries(target) {
    const prefix = `${(0,node_path__WEBPACK_IMPORTED_MODULE_2__.basename)(target)}.${TEMPORARY}`;
    for (const name of (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readdirSync)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(target))) {
        const id = name.startsWith(prefix) ? name.slice(prefix.length) : '';
        if (/^[A-Za-z0-9]{6}$/.test(id))
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(target), name), { force: true });
    }
}
/** Does what needs a file to itself; again for a while where another program holds it. */
async function whenFree(action) {
    const start = Date.now();
    for (;;) {
        try {
            action();
            return;
        }
        catch (error) {
            if (!isHeldOpen(error) || Date.now() - start > HELD_OPEN_TIMEOUT)
                throw error;
        }
        await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_3__.setTimeout)(20);
    }
}
/**
 * Whether an error may be over in a moment: Windows denies access to a file that another program has
 * open, or that is removed but still open somewhere. Elsewhere that is no error.
 */
function isHeldOpen(error, platform = process.platform) {
    return platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes((0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error) ?? '');
}
/** The file that a symbolic link stands for: dotfiles are often linked, and the link is to stay. */
function resolveTarget(path) {
    try {
        return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.realpathSync)(path);
    }
    catch (error) {
        if ((0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error) !== 'ENOENT')
            throw error;
        // The system would make a file where the link leads, or say that the file is missing.
        const dangling = [path, (0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(path)].find(isLinkToNothing);
        if (dangling !== undefined) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${dangling} is a symbolic link to nothing.`);
        }
        return path;
    }
}
function isLink(path) {
    return statOf(path)?.isSymbolicLink() === true;
}
function isLinkToNothing(path) {
    return isLink(path) && (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path, { throwIfNoEntry: false }) === undefined;
}
function requireSafe(path, stat) {
    if (stat === undefined)
        return;
    if (!stat.isFile())
        throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${path} is not a regular file.`);
    if (stat.size > MAX_FILE)
        throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${path} is too large to edit.`);
    const user = process.geteuid?.();
    if (user !== undefined && stat.uid !== user) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-unsafe', `${path} belongs to another user.`, {
            hint: `Its owner is uid ${stat.uid}, and you are ${user}. ${REMEDY}`,
        });
    }
}
function keepOwnerAndMode(path, { mode, uid, gid }) {
    if ((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path).gid !== gid || (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path).uid !== uid)
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.chownSync)(path, uid, gid);
    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.chmodSync)(path, mode & 0o7777);
}
/** Takes a lock file; gives the function that lets it go. A lock of a dead process is taken over. */
async function takeLock(path) {
    const content = JSON.stringify(thisHolder());
    const start = Date.now();
    for (;;) {
        try {
            writeNewFile(path, content);
            return () => {
                if (readText(path) === content)
                    (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(path, { force: true });
            };
        }
        catch (error) {
            const passing = isHeldOpen(error) && Date.now() - start < HELD_OPEN_TIMEOUT;
            if ((0,_errors__WEBPACK_IMPORTED_MODULE_5__/* .systemCode */ .xU)(error) !== 'EEXIST' && !passing)
                throw error;
        }
        removeStaleLock(path);
        if (Date.now() - start > LOCK_TIMEOUT) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_5__/* .TrustError */ .Ru('file-locked', `Another job keeps ${path} since ${LOCK_TIMEOUT / 1000} s.`, {
                hint: 'If no other job is running, remove that file.',
            });
        }
        await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_3__.setTimeout)(5 + Math.random() * 20);
    }
}
/**
 * Removes a lock that a dead process left. Whoever does that holds a second lock: else what was looked
 * at may have been removed by another meanwhile, and a third have taken the lock anew.
 */
function removeStaleLock(path) {
    if (!isStaleLock(path))
        return;
    const breaking = `${path}-stale`;
    try {
        writeNewFile(breaking, JSON.stringify(thisHolder()));
    }
    catch {
        // Held for the moment that this takes; so one that is stale is of a process killed just then.
        if (isStaleLock(breaking))
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(breaking, { force: true });
        return;
    }
    try {
        if (isStaleLock(path))
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(path, { force: true });
    }
    finally {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmSync)(breaking, { force: true });
    }
}
function isStaleLock(path) {
    const content = readText(path);
    const stat = statOf(path);
    if (content === undefined || stat === undefined)
        return false;
    return isStale(content, Date.now() - stat.mtimeMs);
}
function thisHolder() {
    return { ...((0,_process_identity__WEBPACK_IMPORTED_MODULE_6__/* .identify */ .l)(process.pid) ?? { pid: process.pid }), host: (0,node_os__WEBPACK_IMPORTED_MODULE_1__.hostname)() };
}
function isStale(content, age) {
    const holder = parseHolder(content);
    if (holder === undefined)
        return age > 2000; // its maker died between making and filling it
    if (holder.host === (0,node_os__WEBPACK_IMPORTED_MODULE_1__.hostname)() && !(0,_process_identity__WEBPACK_IMPORTED_MODULE_6__/* .stillRuns */ .H)(holder))
        return true;
    // Elsewhere, or perhaps another process with the same pid.
    const known = holder.host === (0,node_os__WEBPACK_IMPORTED_MODULE_1__.hostname)() && holder.start !== undefined;
    return !known && age > FOREIGN_LOCK_AGE;
}
function parseHolder(content) {
    try {
        const holder = JSON.parse(content);
        const { pid, host, start } = holder ?? {};
        if (pid === undefined || host === undefined)
            return undefined;
        return { pid, host, ...(start === undefined ? {} : { start }) };
    }
    catch {
        return undefined;
    }
}
/** The text of a file, or undefined where it can't be read. (A pipe could be read for ever.) */
function readText(path) {
    try {
        return (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(path).isFile() ? (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.readFileSync)(path, 'utf8') : undefined;
    }
    catch {
        return undefined;
    }
}
/** Removes a directory that may be gone, or hold what others have put there: then it stays. */
function removeIfEmpty(directory) {
    try {
        (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.rmdirSync)(directory);
    }
    catch {
        // no matter of ours
    }
}


/***/ }),

/***/ 9668:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   W: () => (/* binding */ sshDirectories)
/* harmony export */ });
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8161);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_os__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(6760);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2___default = /*#__PURE__*/__nccwpck_require__.n(node_path__WEBPACK_IMPORTED_MODULE_2__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(3916);
/* harmony import */ var _files__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(1436);
/**
 * The ~/.ssh that ssh itself looks at: of the passwd entry, whatever $HOME says. On Windows that is the
 * user's profile for the ssh of Windows; that of Git takes $HOME first.
 */





/**
 * Paths of ~/.ssh, which need not exist: one, or where two kinds of ssh don't agree both.
 *
 * @throws TrustError `home-unsafe` where there is none that ssh would use
 */
function sshDirectories(platform = process.platform, env = process.env) {
    const homes = [profile()];
    const { HOME = '' } = platform === 'win32' ? env : {};
    // relative() compares as the platform does, on Windows without regard to case.
    if (HOME !== '' && homes.every((home) => (0,node_path__WEBPACK_IMPORTED_MODULE_2__.relative)(home, HOME) !== ''))
        homes.push(HOME);
    return homes.map((home) => {
        if (home.includes('\ufffd')) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', `The path of the home directory is not UTF-8: ${home}.`, {
                hint: 'Set home: false and use the ssh-config output (ssh -F).',
            });
        }
        if ((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(home, { throwIfNoEntry: false })?.isDirectory() !== true) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', `The home directory ${home} does not exist.`, {
                hint: 'Make it, or set home: false and use the ssh-config output (ssh -F).',
            });
        }
        const directory = (0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(home, '.ssh');
        requireUsable(directory);
        return directory;
    });
}
/** It is there, or it can be made; and what ssh reads in it we can read too. */
function requireUsable(directory) {
    const hint = 'Mend that, or set home: false and use the ssh-config output (ssh -F).';
    const require = (what, path, mode) => {
        try {
            (0,node_fs__WEBPACK_IMPORTED_MODULE_0__.accessSync)(path, mode);
        }
        catch (cause) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', `${what}: ${(0,_errors__WEBPACK_IMPORTED_MODULE_3__/* .explain */ .WE)(cause)}.`, { hint, cause });
        }
    };
    if ((0,_files__WEBPACK_IMPORTED_MODULE_4__/* .statOf */ ._N)(directory) === undefined) {
        require(`${directory} can't be made`, (0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(directory), node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.W_OK | node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.X_OK);
        return;
    }
    if ((0,node_fs__WEBPACK_IMPORTED_MODULE_0__.statSync)(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', `${directory} is not a directory.`, { hint });
    }
    require(`${directory} can't be entered`, directory, node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.X_OK);
    const config = (0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(directory, 'config');
    if ((0,_files__WEBPACK_IMPORTED_MODULE_4__/* .statOf */ ._N)(config)?.isFile() === true) {
        require(`${config} can't be read`, config, node_fs__WEBPACK_IMPORTED_MODULE_0__.constants.R_OK);
    }
}
function profile() {
    try {
        return (0,node_os__WEBPACK_IMPORTED_MODULE_1__.userInfo)().homedir;
    }
    catch (cause) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru('home-unsafe', 'This user has no passwd entry, so ssh has no home directory for it.', {
            hint: 'ssh itself refuses to run for such a user. Give the container a user, or set home: false.',
            cause,
        });
    }
}


/***/ }),

/***/ 2837:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   H: () => (/* binding */ stillRuns),
/* harmony export */   l: () => (/* binding */ identify)
/* harmony export */ });
/* harmony import */ var node_child_process__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(1421);
/* harmony import */ var node_child_process__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_child_process__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3024);
/* harmony import */ var node_fs__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_fs__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3916);
/**
 * Tells one process from another that got the same pid later. Below all layers, like errors.ts: the
 * agent's watch and the locks of shared files both need it.
 */



/** The identity of a live process, or undefined if there is none with that pid. */
function identify(pid) {
    if (pid <= 0)
        return undefined; // a parent outside this container, which has no pid in here
    if (!isAlive(pid))
        return undefined;
    const start = startTime(pid);
    return start === undefined ? { pid } : { pid, start };
}
/** Whether that very process still runs. */
function stillRuns({ pid, start }) {
    if (!isAlive(pid))
        return false;
    return start === undefined || startTime(pid) === start;
}
function isAlive(pid) {
    try {
        process.kill(pid, 0);
    }
    catch (error) {
        // EPERM: it lives, and belongs to somebody else.
        return (0,_errors__WEBPACK_IMPORTED_MODULE_2__/* .systemCode */ .xU)(error) === 'EPERM';
    }
    return startTime(pid) !== 'zombie';
}
function startTime(pid) {
    try {
        if (process.platform === 'linux') {
            // proc(5): field 3 is the state, field 22 the start; the name, field 2, may hold anything but
            // ends at the last parenthesis.
            const stat = (0,node_fs__WEBPACK_IMPORTED_MODULE_1__.readFileSync)(`/proc/${pid}/stat`, 'latin1');
            const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
            return fields[0] === 'Z' ? 'zombie' : fields[19];
        }
        if (process.platform === 'darwin') {
            // An environment of its own: the same words whoever asks, and nothing of ours handed on.
            const env = { LC_ALL: 'C', TZ: 'UTC' };
            const args = ['-o', 'lstart=', '-p', String(pid)];
            return (0,node_child_process__WEBPACK_IMPORTED_MODULE_0__.execFileSync)('/bin/ps', args, { encoding: 'utf8', env }).trim();
        }
    }
    catch {
        // gone in between, or not to be told
    }
    return undefined;
}


/***/ }),

/***/ 8962:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   $C: () => (/* binding */ parseKeyOptions),
/* harmony export */   AY: () => (/* binding */ formatAuthorizedKey),
/* harmony export */   Tj: () => (/* binding */ parseAuthorizedKeys),
/* harmony export */   Zj: () => (/* binding */ removeAuthorizedKey),
/* harmony export */   au: () => (/* binding */ parseAuthorizedKey)
/* harmony export */ });
/* unused harmony exports addAuthorizedKey, removeKeys, expiryTime, expirySupport */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(7030);
/* harmony import */ var node_net__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__nccwpck_require__.n(node_net__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3916);
/* harmony import */ var _certificate__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(5921);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(6119);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(3529);
/**
 * The text of an authorized_keys file (sshd(8), AUTHORIZED_KEYS FILE FORMAT): adding a key and taking
 * it out again, byte for byte. Nothing here reads or writes files. What sshd skips (comments, blank
 * lines, lines that it does not understand) is never touched.
 */







/** Longest line, sshd(8): "up to a limit of 8 kilobytes". Newer ones take longer lines. */
const MAX_LINE = 8 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
function splitLines(content) {
    const lines = [];
    for (let start = 0; start < content.length;) {
        const found = content.indexOf(NEWLINE, start);
        const end = found < 0 ? content.length : found;
        const next = found < 0 ? end : end + 1;
        lines.push({ start, end, next });
        start = next;
    }
    return lines;
}
/** Where sshd sees UTF-8 or nothing at all, we see bytes; people see UTF-8. */
function shown(latin1) {
    return Buffer.from(latin1, 'latin1').toString('utf8');
}
/**
 * The key on one line, by sshd's grammar; undefined for a comment, a blank line, and whatever sshd
 * does not take for a key.
 */
function parseAuthorizedKey(line, lineNumber = 1) {
    // sshd reads lines as C strings.
    const [seen = ''] = line.toString('latin1').split('\0', 1);
    const text = seen.replace(/^[ \t]+/, '');
    if (text === '' || text.startsWith('#'))
        return undefined;
    const plain = readKey(text);
    const found = plain === undefined ? readOptionsAndKey(text) : { ...plain, options: [] };
    if (found === undefined)
        return undefined;
    const { options, type, blob, comment } = found;
    return {
        lineNumber,
        options: options.map(shown),
        type,
        blob,
        comment: shown(comment),
        text: shown(seen.replace(/\r$/, '')),
    };
}
/** All keys of a file, in their order. */
function parseAuthorizedKeys(content) {
    return keyLines(content).map(({ key }) => key);
}
function keyLines(content) {
    return splitLines(content).flatMap((line, index) => {
        const key = parseAuthorizedKey(content.subarray(line.start, line.end), index + 1);
        return key === undefined ? [] : [{ ...line, key }];
    });
}
/** `type base64 [comment]`, as OpenSSH's sshkey_read does: the type inside must be the same. */
function readKey(text) {
    const [, type, run, rest = ''] = /^([^ \t]+)[ \t]+([^ \t]+)(?:[ \t]+(.*))?$/s.exec(text) ?? [];
    if (type === undefined || run === undefined)
        return undefined;
    // OpenSSH's decoder passes over white space: in a file with CRLF the run ends with a CR.
    const base64 = run.replace(/[\r\v\f]/g, '');
    if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64))
        return undefined;
    const blob = Buffer.from(base64, 'base64');
    try {
        const reader = new _wire__WEBPACK_IMPORTED_MODULE_5__/* .Reader */ .mP(blob);
        if (reader.text(64) !== type || reader.remaining === 0)
            return undefined;
        // All plain keys are strings to their end; one that was cut short is no key for sshd.
        while (!(0,_certificate__WEBPACK_IMPORTED_MODULE_3__/* .isCertificateType */ .qu)(type) && reader.remaining > 0)
            reader.string();
    }
    catch {
        return undefined;
    }
    return { type, blob, comment: rest.trimEnd() };
}
function readOptionsAndKey(text) {
    const { options, end, balanced } = splitOptions(text);
    if (!balanced)
        return undefined;
    const key = readKey(text.slice(end).replace(/^[ \t]+/, ''));
    return key === undefined ? undefined : { ...key, options };
}
/** As OpenSSH's sshkey_advance_past_options: up to the first blank that is not in quotes. */
function splitOptions(text) {
    const options = [];
    let quoted = false;
    let start = 0;
    let end = 0;
    for (; end < text.length && (quoted || !/[ \t]/.test(text.charAt(end))); end += 1) {
        const char = text.charAt(end);
        if (char === '\\' && text.charAt(end + 1) === '"')
            end += 1;
        else if (char === '"')
            quoted = !quoted;
        else if (char === ',' && !quoted) {
            options.push(text.slice(start, end));
            start = end + 1;
        }
    }
    options.push(text.slice(start, end));
    return { options, end, balanced: !quoted };
}
/** Whether two keys in wire format are the same for sshd: RSA numbers may have leading zeros. */
function isSameKey(a, b) {
    if (a.equals(b))
        return true;
    const [left, right] = [rsaNumbers(a), rsaNumbers(b)];
    return left !== undefined && left === right;
}
function rsaNumbers(blob) {
    try {
        const reader = new _wire__WEBPACK_IMPORTED_MODULE_5__/* .Reader */ .mP(blob);
        if (reader.text(64) !== 'ssh-rsa')
            return undefined;
        return `${reader.mpint().toString('hex')} ${reader.mpint().toString('hex')}`;
    }
    catch {
        return undefined;
    }
}
/**
 * Appends `line` (without newline) unless the same key is there, with whatever options. The new
 * line ends as the last one of the file does, with LF or CRLF; sshd and dropbear take both.
 *
 * @throws TrustError `input-invalid` if `line` is not the line of a key
 */
function addAuthorizedKey(content, line) {
    const { blob } = requireKeyLine(line);
    const existing = parseAuthorizedKeys(content).find((key) => isSameKey(key.blob, blob));
    if (existing !== undefined)
        return { status: 'present', content, existing };
    const newline = lineEnd(content);
    if (content.length === 0 || content.at(-1) === NEWLINE) {
        return { status: 'added', content: Buffer.concat([content, Buffer.from(line + newline)]) };
    }
    const added = Buffer.from(newline + line + newline);
    return {
        status: 'added',
        content: Buffer.concat([content, added]),
        newlineMended: digest(content),
    };
}
function requireKeyLine(line) {
    const key = parseAuthorizedKey(Buffer.from(line));
    if (key === undefined || /[\r\n\0]/.test(line) || Buffer.byteLength(line) > MAX_LINE) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('input-invalid', 'This is not a line for authorized_keys.');
    }
    return key;
}
function lineEnd(content) {
    const last = content.lastIndexOf(NEWLINE);
    return last > 0 && content[last - 1] === RETURN ? '\r\n' : '\n';
}
function digest(content) {
    return (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(content).digest('hex');
}
/**
 * Removes the line that `addAuthorizedKey` has added, wherever it stands now; every other byte stays.
 * The newline that was mended goes too if what was there before is just as it was, and nothing follows.
 *
 * @throws TrustError `input-invalid` if `line` is not the line of a key
 */
function removeAuthorizedKey(content, line, { newlineMended, changed = false } = {}) {
    const { blob } = requireKeyLine(line);
    const ours = Buffer.from(line);
    const same = keyLines(content).filter(({ key }) => isSameKey(key.blob, blob));
    const isExact = ({ start, end }) => withoutReturn(content.subarray(start, end)).equals(ours);
    const removed = changed ? same : same.filter(isExact);
    const rest = withoutLines(content, removed);
    const last = removed.at(-1);
    const wasLast = last?.next === content.length && removed.length === 1;
    return {
        content: wasLast && newlineMended !== undefined ? withoutMend(rest, newlineMended) : rest,
        removed: removed.map(({ key }) => key),
        left: same.filter((one) => !removed.includes(one)).map(({ key }) => key),
    };
}
function withoutReturn(line) {
    return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
}
function withoutLines(content, lines) {
    const kept = [];
    let from = 0;
    for (const { start, next } of lines) {
        kept.push(content.subarray(from, start));
        from = next;
    }
    return Buffer.concat([...kept, content.subarray(from)]);
}
/** `content` without its last newline, if that gives what was there before the newline was mended. */
function withoutMend(content, before) {
    const candidates = [Buffer.from('\n'), Buffer.from('\r\n')]
        .filter((newline) => content.subarray(-newline.length).equals(newline))
        .map((newline) => content.subarray(0, content.length - newline.length));
    return candidates.find((candidate) => digest(candidate) === before) ?? content;
}
/** Removes all keys that match any of `matches`; every other byte stays. */
function removeKeys(content, matches) {
    const removed = keyLines(content).filter(({ key }) => matches.some((match) => isMatch(key, match)));
    return { content: withoutLines(content, removed), removed: removed.map(({ key }) => key) };
}
function isMatch(key, match) {
    if (match.kind === 'key')
        return isSameKey(key.blob, match.blob);
    if (match.kind === 'comment')
        return matchPattern(key.comment, match.pattern);
    return fingerprint(key.blob) === match.fingerprint.replace(/=+$/, '');
}
/**
 * A line for authorized_keys, without newline.
 *
 * @throws TrustError `input-invalid` for options that sshd would refuse, and for a comment or a line
 *   that can't stand there
 */
function formatAuthorizedKey(key) {
    const options = key.options ?? [];
    checkOptions(options);
    const comment = key.comment ?? '';
    if (hasControls(comment))
        throw invalid('The comment of a key can have no control characters.');
    const text = options.map(formatOption).join(',');
    const line = `${text}${text === '' ? '' : ' '}${(0,_public_key__WEBPACK_IMPORTED_MODULE_4__/* .formatPublicKey */ .et)(key.blob, comment.trim())}`;
    if (Buffer.byteLength(line) > MAX_LINE) {
        throw invalid(`A line of authorized_keys can't be longer than ${MAX_LINE} bytes.`);
    }
    return line;
}
function formatOption({ name, value }) {
    return value === undefined ? name : `${name}="${value.replaceAll('"', '\\"')}"`;
}
function invalid(message, hint) {
    return new _errors__WEBPACK_IMPORTED_MODULE_2__/* .TrustError */ .Ru('input-invalid', message, hint === undefined ? {} : { hint });
}
/** Control characters but the tab, which sshd allows between quotes. */
function hasControls(text) {
    return /[\0-\x08\x0a-\x1f\x7f]/.test(text);
}
/** Options without value; those that begin with `no-` mean the contrary. */
const FLAGS = [
    'restrict',
    'cert-authority',
    ...[
        'agent-forwarding',
        'port-forwarding',
        'pty',
        'touch-required',
        'user-rc',
        'verify-required',
        'x11-forwarding',
    ].flatMap((name) => [name, `no-${name}`]),
];
/** Options with a value: what is wrong with one, or undefined. */
const VALUES = {
    command: (value) => (value.trim() === '' ? 'is empty' : undefined),
    environment: (value) => /^[A-Za-z0-9_]+=/.test(value)
        ? undefined
        : 'is not NAME=value with a name of letters, digits, _',
    'expiry-time': (value) => isTime(value) ? undefined : 'is not a time: YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]',
    from: (value) => value.split(',').map(wrongPattern).find(isText),
    permitlisten: (value) => isAddress(value.includes(':') ? value : `*:${value}`) ? undefined : 'is not [host:]port',
    permitopen: (value) => (isAddress(value) ? undefined : 'is not host:port'),
    principals: (value) => value.split(',').every((name) => name !== '') ? undefined : 'has an empty name in its list',
    tunnel: (value) => (/^(?:any|\d+)$/i.test(value) ? undefined : 'is neither a number nor any'),
};
/** OpenSSH refuses a line that has one of these twice. */
const ONCE = ['command', 'from', 'principals'];
/**
 * Options as people write them in front of a key: `restrict,from="10.0.0.0/8"`. Quotes may be left
 * out where the value has neither comma, blank nor quote.
 *
 * @throws TrustError `input-invalid` for what sshd would not understand: it would refuse the line
 */
function parseKeyOptions(text) {
    const trimmed = text.trim();
    if (trimmed === '')
        return [];
    const { options, end, balanced } = splitOptions(trimmed);
    if (!balanced)
        throw invalid('The options for the key have a quote that does not end.');
    if (end < trimmed.length) {
        throw invalid('Options for a key have no blanks between them.', 'Put commas between the options, and double quotes around a value with blanks.');
    }
    const parsed = options.map(parseOption);
    checkOptions(parsed);
    return parsed;
}
function parseOption(text) {
    const equals = text.indexOf('=');
    if (equals < 0)
        return { name: text };
    const name = text.slice(0, equals);
    const value = text.slice(equals + 1);
    if (!value.includes('"'))
        return { name, value };
    if (!/^"(?:\\"|[^"])*"$/.test(value)) {
        throw invalid(`The value of ${name} has quotes in odd places.`, 'Quotes stand around the whole value; one inside it is written as \\".');
    }
    return { name, value: value.slice(1, -1).replaceAll('\\"', '"') };
}
function checkOptions(options) {
    const names = options.map(({ name }) => name.toLowerCase());
    for (const option of options)
        checkOption(option);
    const twice = ONCE.find((name) => names.filter((other) => other === name).length > 1);
    if (twice !== undefined)
        throw invalid(`The option ${twice} stands there twice.`);
    if (names.includes('principals') && !names.includes('cert-authority')) {
        throw invalid('The option principals is for cert-authority keys only.');
    }
}
function checkOption({ name, value }) {
    const lower = name.toLowerCase();
    const isFlag = FLAGS.includes(lower);
    const check = Object.hasOwn(VALUES, lower) ? VALUES[lower] : undefined;
    if (!isFlag && check === undefined) {
        throw invalid(`${JSON.stringify(name)} is no option of authorized_keys.`, `There are ${[...FLAGS, ...Object.keys(VALUES).map((known) => `${known}=`)].sort().join(', ')}.`);
    }
    if (check === undefined) {
        if (value !== undefined)
            throw invalid(`The option ${lower} takes no value.`);
        return;
    }
    if (value === undefined)
        throw invalid(`The option ${lower} needs a value: ${lower}="…".`);
    if (hasControls(value))
        throw invalid(`The value of ${lower} has control characters in it.`);
    // sshd would take the backslash and the closing quote for a quote in the value.
    if (value.endsWith('\\'))
        throw invalid(`The value of ${lower} can't end with a backslash.`);
    const wrong = check(value);
    if (wrong !== undefined)
        throw invalid(`The value of ${lower} ${wrong}: ${JSON.stringify(value)}.`);
}
function isText(value) {
    return value !== undefined;
}
/** `host:port`, `[address]:port`; the port is a number, a service, or `*`. */
function isAddress(text) {
    const [, port] = /^(?:\[[0-9A-Fa-f:.*?]+\]|[^:[\]\s]+):([^:]+)$/.exec(text) ?? [];
    if (port === undefined)
        return false;
    if (/^\d+$/.test(port))
        return Number(port) >= 1 && Number(port) <= 65535;
    return port === '*' || /^[a-z][a-z0-9-]*$/i.test(port);
}
/** What is wrong with one pattern of `from`. sshd lets nobody in where one of them is malformed. */
function wrongPattern(pattern) {
    const text = pattern.replace(/^!/, '');
    if (text === '')
        return 'has an empty pattern in its list';
    if (/\s/.test(text))
        return 'has a blank in a pattern';
    if (!text.includes('/'))
        return undefined;
    const [address = '', length = ''] = text.split('/', 2);
    const bits = addressBits(address);
    if (bits === undefined || !/^\d{1,3}$/.test(length) || Number(length) > bits.length) {
        return 'has a malformed network';
    }
    return bits.slice(Number(length)).includes('1')
        ? 'has a network with bits behind its length'
        : undefined;
}
function addressBits(address) {
    const version = (0,node_net__WEBPACK_IMPORTED_MODULE_1__.isIP)(address);
    if (version === 0 || address.includes('%'))
        return undefined;
    if (version === 4)
        return bitsOf(address.split('.').map(Number), 8);
    const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts) => {
        const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
        return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    });
    const [head = '', tail] = hex.split('::', 2);
    const groups = (text) => text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
    const [left, right] = [groups(head), groups(tail ?? '')];
    const zeros = new Array(Math.max(0, 8 - left.length - right.length)).fill(0);
    return bitsOf([...left, ...zeros, ...right], 16);
}
function bitsOf(numbers, width) {
    return numbers.map((number) => number.toString(2).padStart(width, '0')).join('');
}
/** As OpenSSH's parse_absolute_time. */
function isTime(text) {
    const [, digits] = /^(\d{8}|\d{12}|\d{14})(?:Z|UTC)?$/i.exec(text) ?? [];
    if (digits === undefined)
        return false;
    const at = (start, length = 2) => Number(digits.slice(start, start + length));
    const day = new Date(Date.UTC(at(0, 4), at(4) - 1, at(6)));
    return (at(0, 4) >= 1970 && // Date.UTC takes 0 to 99 for 1900 to 1999
        day.getUTCMonth() === at(4) - 1 &&
        day.getUTCDate() === at(6) &&
        at(8) < 24 &&
        at(10) < 60 &&
        at(12) < 60);
}
/**
 * The option `expiry-time`, whole seconds. With a `Z` it is UTC, for OpenSSH since 9.1 (2022-10-04);
 * without it is in the time zone of the server, since 7.7 (2018-04-02), when the option came.
 *
 * @throws TrustError `input-invalid` if `date` can't be written so
 */
function expiryTime(date, form) {
    const shift = form === 'utc' ? 0 : form.offset * 60_000;
    const time = new Date(date.getTime() + shift);
    if (Number.isNaN(time.getTime()) ||
        time.getUTCFullYear() < 1970 ||
        time.getUTCFullYear() > 9999) {
        throw invalid('A key can expire between the years 1970 and 9999 only.');
    }
    const digits = time.toISOString().slice(0, 19).replace(/\D/g, '');
    return { name: 'expiry-time', value: form === 'utc' ? `${digits}Z` : digits };
}
/**
 * What a server makes of `expiry-time`, by the software that its version line names
 * (`OpenSSH_9.2p1 Debian-2`). `none`: it would refuse the whole line, as it does with an option that
 * it does not know.
 */
function expirySupport(software) {
    if (/^dropbear/i.test(software))
        return 'none';
    const [, major, minor] = /^OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/.exec(software) ?? [];
    if (major === undefined)
        return 'unknown';
    const version = Number(major) * 1000 + Number(minor);
    if (version >= 9001)
        return 'utc';
    return version >= 7007 ? 'server-time' : 'none';
}


/***/ }),

/***/ 5921:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Nv: () => (/* binding */ hostCertificateDefect),
/* harmony export */   RI: () => (/* binding */ kindOfKey),
/* harmony export */   hB: () => (/* binding */ parseCertificate),
/* harmony export */   qu: () => (/* binding */ isCertificateType),
/* harmony export */   y7: () => (/* binding */ plainKey)
/* harmony export */ });
/* unused harmony exports FOREVER, certificateType, certificateOnLine, isSigned, validityDefect, isoTime */
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(6119);
/* harmony import */ var _signature__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(588);
/* harmony import */ var _pattern__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(2368);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(3529);
/**
 * OpenSSH certificates, version 01 (OpenSSH's PROTOCOL.certkeys): reading, and checking a host
 * certificate against a certificate authority. The rules are those of OpenSSH's
 * sshkey_cert_check_host, with its newest reading of an empty principals list: it matches nobody.
 */





/** PROTOCOL.certkeys: SSH_CERT_TYPE_USER, SSH_CERT_TYPE_HOST. */
const ROLES = { 1: 'user', 2: 'host' };
/** OpenSSH's SSHKEY_CERT_MAX_PRINCIPALS. */
const MAX_PRINCIPALS = 256;
/** PROTOCOL.certkeys: all ones in `valid before` means no end. */
const FOREVER = 0xffffffffffffffffn;
function isCertificateType(name) {
    return name.endsWith(_public_key__WEBPACK_IMPORTED_MODULE_1__/* .CERTIFICATE_SUFFIX */ .sF);
}
function certificateType(type) {
    return `${type}${CERTIFICATE_SUFFIX}`;
}
/**
 * The kind of a key, or certificate, in wire format.
 *
 * @throws TrustError `key-type-unsupported`, `malformed`
 */
function kindOfKey(blob) {
    const name = (0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .typeOfBlob */ .JX)(blob);
    const certified = isCertificateType(name);
    const type = certified ? name.slice(0, -_public_key__WEBPACK_IMPORTED_MODULE_1__/* .CERTIFICATE_SUFFIX */ .sF.length) : name;
    if (!(0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .isKeyType */ .Cy)(type))
        throw (0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .unsupportedType */ .iO)(name);
    return { type, certified };
}
/** The certificate (wire format) on a line as `*-cert.pub` files have it; undefined for other lines. */
function certificateOnLine(line) {
    const [type = '', base64 = ''] = line.trim().split(/[ \t]+/);
    return isCertificateType(type) ? Buffer.from(base64, 'base64') : undefined;
}
/** The plain key (wire format) of `blob`: the certified one if it is a certificate, else itself. */
function plainKey(blob) {
    if (!isCertificateType((0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .typeOfBlob */ .JX)(blob)))
        return blob;
    return readCertifiedKey(new _wire__WEBPACK_IMPORTED_MODULE_3__/* .Reader */ .mP(blob), blob).key;
}
function readCertifiedKey(reader, blob) {
    const { type: keyType, certified } = kindOfKey(blob);
    const name = reader.text(64);
    if (!certified)
        throw (0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .unsupportedType */ .iO)(name);
    reader.string(1024); // nonce
    const start = reader.offset;
    (0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .readPublicParts */ .eZ)(keyType, reader);
    return { keyType, key: Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_3__/* .string */ .Yj)(keyType), blob.subarray(start, reader.offset)]) };
}
/** @throws TrustError `malformed`, `key-type-unsupported` */
function parseCertificate(blob) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_3__/* .Reader */ .mP(blob);
    const { keyType, key } = readCertifiedKey(reader, blob);
    const serial = reader.uint64();
    const roleNumber = reader.uint32();
    const role = ROLES[roleNumber];
    if (role === undefined) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('malformed', `A certificate of the unknown type ${roleNumber}.`);
    }
    const keyId = reader.text(4096);
    const principals = strings(reader.string());
    if (principals.length > MAX_PRINCIPALS) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('malformed', `A certificate with ${principals.length} principals.`);
    }
    const validAfter = reader.uint64();
    const validBefore = reader.uint64();
    const criticalOptions = optionNames(reader.string());
    const extensions = optionNames(reader.string());
    reader.string(); // reserved
    const authority = reader.string();
    const signed = blob.subarray(0, reader.offset);
    const signature = reader.string();
    reader.end('a certificate');
    return {
        keyType,
        key,
        role,
        serial,
        keyId,
        principals,
        validAfter,
        validBefore,
        criticalOptions,
        extensions,
        authority,
        signed,
        signature,
    };
}
/**
 * Whether the authority that a certificate names has signed it.
 *
 * @throws TrustError `malformed`, `key-type-unsupported`
 */
function isSigned({ authority, signature, signed }) {
    return (0,_signature__WEBPACK_IMPORTED_MODULE_2__/* .verifySignature */ .Od)(authority, signature, signed);
}
function strings(list) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_3__/* .Reader */ .mP(list);
    const texts = [];
    while (reader.remaining > 0)
        texts.push(reader.text());
    return texts;
}
/** Names of the options of a list of (name, data) pairs. */
function optionNames(list) {
    return strings(list).filter((_, index) => index % 2 === 0);
}
/**
 * Why a host certificate does not stand for `hostname` under one of `authorities` (keys in wire
 * format) at `now` (seconds since 1970), in words; undefined where it does.
 */
function hostCertificateDefect(certificate, hostname, authorities, now) {
    if (!authorities.some((key) => key.equals(certificate.authority))) {
        return 'it is signed by an authority that is not pinned';
    }
    if (!isSigned(certificate))
        return "the authority's signature is not valid";
    if (certificate.role !== 'host')
        return 'it is a user certificate, not a host certificate';
    const outOfTime = validityDefect(certificate, now);
    if (outOfTime !== undefined)
        return `it ${outOfTime}`;
    if (certificate.principals.length === 0)
        return 'it names no principals';
    const name = hostname.toLowerCase();
    if (!certificate.principals.some((pattern) => (0,_pattern__WEBPACK_IMPORTED_MODULE_4__/* .matchPattern */ .g)(name, pattern))) {
        return `it is for ${certificate.principals.join(', ')}, not for ${name}`;
    }
    if (certificate.criticalOptions.length > 0) {
        return `it has critical options that are not known: ${certificate.criticalOptions.join(', ')}`;
    }
    return undefined;
}
/** Why a certificate is not valid at `now` (seconds since 1970), in words; undefined where it is. */
function validityDefect({ validAfter, validBefore }, now) {
    const time = BigInt(Math.floor(now));
    if (time < validAfter)
        return `is valid only from ${isoTime(validAfter)}`;
    return time >= validBefore ? `expired at ${isoTime(validBefore)}` : undefined;
}
/** A certificate's time (seconds since 1970), to be read. */
function isoTime(seconds) {
    // ECMAScript's largest time; a certificate's can lie far beyond it.
    const milliseconds = Number(seconds) * 1000;
    return milliseconds > 8.64e15 ? 'the far future' : new Date(milliseconds).toISOString();
}


/***/ }),

/***/ 707:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Qb: () => (/* binding */ hostKeyAlgorithms),
/* harmony export */   k_: () => (/* binding */ parseKexInit),
/* harmony export */   lJ: () => (/* binding */ SSH_MSG_KEXDH_REPLY),
/* harmony export */   mz: () => (/* binding */ startExchange),
/* harmony export */   p6: () => (/* binding */ kexInit)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3916);
/* harmony import */ var _certificate__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(5921);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(6119);
/* harmony import */ var _signature__WEBPACK_IMPORTED_MODULE_4__ = __nccwpck_require__(588);
/* harmony import */ var _transport__WEBPACK_IMPORTED_MODULE_5__ = __nccwpck_require__(7963);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_6__ = __nccwpck_require__(3529);
/**
 * As much of the SSH key exchange as proves a host key: negotiation (RFC 4253 §7), the exchange and
 * its hash (RFC 4253 §8, RFC 5656 §4, RFC 8268, RFC 8731), and the server's signature over that hash.
 * Until that signature is verified here a host key is nothing but a claim.
 *
 * Why our own: ssh2 can negotiate neither host certificates nor post-quantum methods and hands a key
 * to its verifier before the signature is checked; ssh-keyscan never checks it at all.
 */







/** RFC 4253 §8, RFC 5656 §4: the same numbers for DH and ECDH. */
const SSH_MSG_KEXDH_INIT = 30;
const SSH_MSG_KEXDH_REPLY = 31;
/** The host key algorithms for a key type; RFC 8332 gives RSA two. `certified` for certificates. */
function hostKeyAlgorithms(type, certified = false) {
    const plain = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
    return certified ? plain.map((name) => `${name}${_public_key__WEBPACK_IMPORTED_MODULE_3__/* .CERTIFICATE_SUFFIX */ .sF}`) : plain;
}
/** The key type (wire format name) that a host key algorithm stands for. */
function algorithmKeyType(algorithm) {
    return algorithm.replace(/^rsa-sha2-(256|512)/, 'ssh-rsa');
}
function x25519() {
    const pair = node_crypto__WEBPACK_IMPORTED_MODULE_0__.generateKeyPairSync('x25519');
    const raw = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    return {
        publicKey: raw,
        derive: (server) => {
            const jwk = { kty: 'OKP', crv: 'X25519', x: server.toString('base64url') };
            const publicKey = node_crypto__WEBPACK_IMPORTED_MODULE_0__.createPublicKey({ key: jwk, format: 'jwk' });
            return node_crypto__WEBPACK_IMPORTED_MODULE_0__.diffieHellman({ privateKey: pair.privateKey, publicKey });
        },
    };
}
const curve25519 = {
    hash: 'sha256',
    start: () => {
        const { publicKey, derive } = x25519();
        return { publicValue: (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(publicKey), secret: (server) => (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .mpint */ .lW)(derive(server)) };
    },
    readServerValue: (reader) => reader.string(32),
};
function ecdh(curve, hash) {
    return {
        hash,
        start: () => {
            const exchange = node_crypto__WEBPACK_IMPORTED_MODULE_0__.createECDH(curve);
            const publicValue = (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(exchange.generateKeys());
            return { publicValue, secret: (server) => (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .mpint */ .lW)(exchange.computeSecret(server)) };
        },
        readServerValue: (reader) => reader.string(1 + 2 * 66),
    };
}
function dh(group, hash) {
    return {
        hash,
        start: () => {
            const exchange = node_crypto__WEBPACK_IMPORTED_MODULE_0__.getDiffieHellman(group);
            const publicValue = (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .mpint */ .lW)(exchange.generateKeys());
            return { publicValue, secret: (server) => (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .mpint */ .lW)(exchange.computeSecret(server)) };
        },
        readServerValue: (reader) => reader.mpint(1025),
    };
}
/** `crypto.decapsulate` came with Node 24.7; the types of Node 20 do not know it. */
const decapsulate = node_crypto__WEBPACK_IMPORTED_MODULE_0__.decapsulate;
/** draft-ietf-sshm-mlkem-hybrid-kex: ML-KEM-768's public key and ciphertext, FIPS 203 §8, in bytes. */
const MLKEM_PUBLIC = 1184;
const MLKEM_CIPHERTEXT = 1088;
const mlkem768x25519 = {
    hash: 'sha256',
    start: () => {
        const pair = node_crypto__WEBPACK_IMPORTED_MODULE_0__.generateKeyPairSync('ml-kem-768');
        const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
        const classic = x25519();
        const publicValue = (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(Buffer.concat([spki.subarray(-MLKEM_PUBLIC), classic.publicKey]));
        const secret = (server) => {
            if (decapsulate === undefined || server.length !== MLKEM_CIPHERTEXT + 32) {
                throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', 'The reply is not one of mlkem768x25519-sha256.');
            }
            const quantum = decapsulate(pair.privateKey, server.subarray(0, MLKEM_CIPHERTEXT));
            const both = Buffer.concat([quantum, classic.derive(server.subarray(MLKEM_CIPHERTEXT))]);
            return (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash('sha256').update(both).digest());
        };
        return { publicValue, secret };
    },
    readServerValue: (reader) => reader.string(MLKEM_CIPHERTEXT + 32),
};
/**
 * In the order in which they are asked for. The proof needs no secrecy, only the signature, so the
 * cheap methods come first and the post-quantum one is for servers that offer nothing else.
 */
const METHODS = new Map([
    ['curve25519-sha256', curve25519],
    ['curve25519-sha256@libssh.org', curve25519],
    ['ecdh-sha2-nistp256', ecdh('prime256v1', 'sha256')],
    ['ecdh-sha2-nistp384', ecdh('secp384r1', 'sha384')],
    ['ecdh-sha2-nistp521', ecdh('secp521r1', 'sha512')],
    ['diffie-hellman-group14-sha256', dh('modp14', 'sha256')],
    ['diffie-hellman-group16-sha512', dh('modp16', 'sha512')],
    ['diffie-hellman-group18-sha512', dh('modp18', 'sha512')],
    ...(decapsulate === undefined
        ? []
        : [['mlkem768x25519-sha256', mlkem768x25519]]),
]);
/** What ssh2 and OpenSSH offer; never used, since the connection ends before encryption starts. */
const CIPHERS = [
    'chacha20-poly1305@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-gcm@openssh.com',
    'aes256-ctr',
    'aes128-ctr',
];
const MACS = [
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
];
/** Our SSH_MSG_KEXINIT (RFC 4253 §7.1). */
function kexInit(hostKeys) {
    return Buffer.concat([
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .byte */ .PE)(_transport__WEBPACK_IMPORTED_MODULE_5__/* .SSH_MSG_KEXINIT */ .wU),
        node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes(16),
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .nameList */ .OD)([...METHODS.keys()]),
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .nameList */ .OD)(hostKeys),
        ...[CIPHERS, CIPHERS, MACS, MACS, ['none'], ['none'], [], []].map(_wire__WEBPACK_IMPORTED_MODULE_6__/* .nameList */ .OD),
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .boolean */ .zM)(false),
        (0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .uint32 */ .S8)(0),
    ]);
}
function parseKexInit(payload) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_6__/* .Reader */ .mP(payload);
    reader.byte();
    reader.bytes(16);
    const methods = reader.nameList();
    const hostKeys = reader.nameList();
    for (let list = 0; list < 8; list += 1)
        reader.string();
    const firstPacketFollows = reader.boolean();
    return { methods, hostKeys, firstPacketFollows };
}
/**
 * Negotiates, and makes our half.
 *
 * @param hostKeys what our KEXINIT asked for
 * @throws TrustError `host-no-common-algorithm`, `host-key-type-absent`
 */
function startExchange(versions, ourInit, serverInit, hostKeys) {
    const server = parseKexInit(serverInit);
    const name = [...METHODS.keys()].find((method) => server.methods.includes(method));
    const method = name === undefined ? undefined : METHODS.get(name);
    if (method === undefined) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-no-common-algorithm', `There is no key exchange method in common: the server offers ${(0,_transport__WEBPACK_IMPORTED_MODULE_5__/* .printableList */ .Sk)(server.methods)}.`, {
            hint: `Enable one of these on the server (KexAlgorithms in sshd_config): ${[...METHODS.keys()].join(', ')}.`,
        });
    }
    const hostKeyAlgorithm = hostKeys.find((algorithm) => server.hostKeys.includes(algorithm));
    if (hostKeyAlgorithm === undefined) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-key-type-absent', `The server has no host key of the kind asked for: it offers ${(0,_transport__WEBPACK_IMPORTED_MODULE_5__/* .printableList */ .Sk)(server.hostKeys)}.`, {
            hint: `Asked for were ${hostKeys.join(', ')}.`,
        });
    }
    // RFC 4253 §7: right only if the first choices of both sides agree.
    const [firstMethod] = METHODS.keys();
    const guessRight = server.methods[0] === firstMethod && server.hostKeys[0] === hostKeys[0];
    const half = method.start();
    return {
        init: Buffer.concat([(0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .byte */ .PE)(SSH_MSG_KEXDH_INIT), half.publicValue]),
        ignoreNext: server.firstPacketFollows && !guessRight,
        hostKeyAlgorithm,
        finish: (reply) => {
            const { hostKey, publicValue, serverValue, signature } = readReply(reply, method);
            let secret;
            try {
                secret = half.secret(serverValue);
            }
            catch (cause) {
                throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-protocol', "The server's half of the key exchange is not valid.", { cause });
            }
            const hash = node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash(method.hash);
            for (const text of [versions.client, versions.server]) {
                hash.update((0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(Buffer.from(text, 'latin1'))); // the very bytes, whatever they mean
            }
            for (const payload of [ourInit, serverInit, hostKey])
                hash.update((0,_wire__WEBPACK_IMPORTED_MODULE_6__/* .string */ .Yj)(payload));
            hash.update(half.publicValue).update(publicValue).update(secret);
            requireProof(hostKeyAlgorithm, hostKey, signature, hash.digest());
            return hostKey;
        },
    };
}
function readReply(reply, method) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_6__/* .Reader */ .mP(reply);
    reader.byte();
    const hostKey = Buffer.from(reader.string());
    const start = reader.offset;
    const serverValue = method.readServerValue(reader);
    const publicValue = reply.subarray(start, reader.offset);
    const signature = reader.string(8192);
    reader.end('the key exchange reply');
    return { hostKey, publicValue, serverValue, signature };
}
function requireProof(algorithm, hostKey, signature, hash) {
    const type = (0,_public_key__WEBPACK_IMPORTED_MODULE_3__/* .typeOfBlob */ .JX)(hostKey);
    const expected = algorithm.endsWith(_public_key__WEBPACK_IMPORTED_MODULE_3__/* .CERTIFICATE_SUFFIX */ .sF)
        ? algorithm.slice(0, -_public_key__WEBPACK_IMPORTED_MODULE_3__/* .CERTIFICATE_SUFFIX */ .sF.length)
        : algorithm;
    if (type === algorithmKeyType(algorithm) &&
        (0,_signature__WEBPACK_IMPORTED_MODULE_4__/* .signatureAlgorithm */ .wO)(signature) === expected &&
        (0,_signature__WEBPACK_IMPORTED_MODULE_4__/* .verifySignature */ .Od)((0,_certificate__WEBPACK_IMPORTED_MODULE_2__/* .plainKey */ .y7)(hostKey), signature, hash)) {
        return;
    }
    throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-key-unproven', `The server showed a host key (${(0,_transport__WEBPACK_IMPORTED_MODULE_5__/* .printable */ .g$)((0,_public_key__WEBPACK_IMPORTED_MODULE_3__/* .displayType */ .x)(type))}) but did not prove that it holds it.`, {
        hint: 'Somebody may stand between this machine and the server. Do not go on.',
    });
}


/***/ }),

/***/ 2979:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   AA: () => (/* binding */ formatKnownHostsLine),
/* harmony export */   YJ: () => (/* binding */ matchKnownHostsNames),
/* harmony export */   on: () => (/* binding */ knownHostsName)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _pattern__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(2368);
/* harmony import */ var _public_key__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(6119);
/** Lines of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */



/** The name under which ssh looks a host up: `host`, or `[host]:port` for any port but 22. */
function knownHostsName(host, port) {
    const name = host.toLowerCase();
    return port === 22 ? name : `[${name}]:${port}`;
}
/** One line, with its newline. `marker` as known_hosts has it. */
function formatKnownHostsLine(names, key, marker) {
    const line = `${names.join(',')} ${(0,_public_key__WEBPACK_IMPORTED_MODULE_1__/* .formatPublicKey */ .et)(key)}\n`;
    return marker === undefined ? line : `${marker} ${line}`;
}
/**
 * Whether the names of a line (patterns, or one hashed name: ssh_config(5), HashKnownHosts) are for a
 * host, and whether that is by its very name.
 *
 * @param name as `knownHostsName` gives it
 */
function matchKnownHostsNames(names, name) {
    const [, salt, hash] = /^\|1\|([^|]*)\|(.*)$/.exec(names) ?? [];
    if (salt !== undefined && hash !== undefined) {
        const made = (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHmac)('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64');
        return made === hash ? 'exact' : undefined;
    }
    const list = names.toLowerCase().split(',');
    const hits = list.filter((pattern) => (0,_pattern__WEBPACK_IMPORTED_MODULE_2__/* .matchPattern */ .g)(name, pattern.replace(/^!/, '')));
    if (hits.length === 0 || hits.some((pattern) => pattern.startsWith('!')))
        return undefined;
    return hits.every((pattern) => pattern === name) ? 'exact' : 'pattern';
}


/***/ }),

/***/ 2368:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   g: () => (/* binding */ matchPattern)
/* harmony export */ });
/** Patterns of ssh_config(5): `*` is any run of characters, `?` exactly one. */
/** Whether all of `text` matches `pattern`. Linear in memory, no backtracking beyond the last `*`. */
function matchPattern(text, pattern) {
    let t = 0;
    let p = 0;
    let star = -1;
    let mark = 0;
    while (t < text.length) {
        if (p < pattern.length &&
            (pattern[p] === '?' || (pattern[p] !== '*' && pattern[p] === text[t]))) {
            t += 1;
            p += 1;
        }
        else if (pattern[p] === '*') {
            star = p;
            mark = t;
            p += 1;
        }
        else if (star >= 0) {
            mark += 1;
            t = mark;
            p = star + 1;
        }
        else {
            return false;
        }
    }
    while (pattern[p] === '*')
        p += 1;
    return p === pattern.length;
}


/***/ }),

/***/ 6119:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   Bo: () => (/* binding */ rsaBits),
/* harmony export */   Cy: () => (/* binding */ isKeyType),
/* harmony export */   F2: () => (/* binding */ decodePublicKey),
/* harmony export */   H1: () => (/* binding */ CURVES),
/* harmony export */   JX: () => (/* binding */ typeOfBlob),
/* harmony export */   NT: () => (/* binding */ isEcdsa),
/* harmony export */   Rj: () => (/* binding */ fingerprint),
/* harmony export */   Tm: () => (/* binding */ requireRsaSize),
/* harmony export */   WJ: () => (/* binding */ KEY_TYPES),
/* harmony export */   eZ: () => (/* binding */ readPublicParts),
/* harmony export */   ee: () => (/* binding */ parsePublicKey),
/* harmony export */   et: () => (/* binding */ formatPublicKey),
/* harmony export */   iO: () => (/* binding */ unsupportedType),
/* harmony export */   sF: () => (/* binding */ CERTIFICATE_SUFFIX),
/* harmony export */   x: () => (/* binding */ displayType)
/* harmony export */ });
/* unused harmony exports MIN_RSA_BITS, MAX_RSA_BITS, keyBits, encodePublicKey */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3916);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3529);
/**
 * Public keys: the wire format (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4), the one-line text of
 * authorized_keys and known_hosts, and fingerprints as `ssh-keygen -l` prints them.
 */



/** The key types that are taken, in the order in which a server is asked for them. */
const KEY_TYPES = [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'ssh-rsa',
];
/** What the type of a certificate, and a host key algorithm for one, ends with (PROTOCOL.certkeys). */
const CERTIFICATE_SUFFIX = '-cert-v01@openssh.com';
/** Names of the elliptic curves: RFC 5656 §10.1, JWK, bytes of a coordinate, digest (RFC 5656 §6.2.1). */
const CURVES = {
    'ecdsa-sha2-nistp256': { name: 'nistp256', jwk: 'P-256', bytes: 32, hash: 'sha256' },
    'ecdsa-sha2-nistp384': { name: 'nistp384', jwk: 'P-384', bytes: 48, hash: 'sha384' },
    'ecdsa-sha2-nistp521': { name: 'nistp521', jwk: 'P-521', bytes: 66, hash: 'sha512' },
};
/** Smallest RSA modulus that is accepted, in bits: OpenSSH's RequiredRSASize is 1024, NIST's floor is this. */
const MIN_RSA_BITS = 2048;
/** Largest, as OpenSSH's OPENSSL_RSA_MAX_MODULUS_BITS: bounds the time of one verification. */
const MAX_RSA_BITS = 16384;
function isKeyType(name) {
    return KEY_TYPES.includes(name);
}
function isEcdsa(type) {
    return type in CURVES;
}
/** What a key of type `name` is called by `ssh-keygen -l`: `ED25519`, `ECDSA`, `RSA`; `…-CERT` for certificates. */
function displayType(name) {
    const certified = name.endsWith(CERTIFICATE_SUFFIX);
    const plain = certified ? name.slice(0, -CERTIFICATE_SUFFIX.length) : name;
    const cert = certified ? '-CERT' : '';
    if (plain === 'ssh-ed25519')
        return `ED25519${cert}`;
    if (plain.startsWith('ecdsa-sha2-'))
        return `ECDSA${cert}`;
    if (plain === 'ssh-rsa' || plain.startsWith('rsa-sha2-'))
        return `RSA${cert}`;
    if (plain === 'ssh-dss')
        return `DSA${cert}`;
    return `${plain}${cert}`;
}
/** SHA-256 fingerprint of a key in wire format, as OpenSSH prints it: `SHA256:` and unpadded base64. */
function fingerprint(blob) {
    return `SHA256:${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
/** The type name that a key in wire format begins with. Does not look further. */
function typeOfBlob(blob) {
    return new _wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(blob).text(64);
}
/** The public parts of a key, as JWK names them, read from where `type` has just been read. */
function readPublicParts(type, reader) {
    if (type === 'ssh-ed25519') {
        const x = reader.string(32);
        if (x.length !== 32)
            throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', 'An ed25519 public key has 32 bytes.');
        return { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') };
    }
    if (isEcdsa(type)) {
        const curve = CURVES[type];
        const name = reader.text(32);
        const point = reader.string(1 + 2 * 66);
        if (name !== curve.name) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `A key of type ${type} names the curve ${name}.`);
        }
        // SEC 1 §2.3.3: 04 says that both coordinates follow, uncompressed (RFC 5656 §3.1).
        if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `A key of type ${type} has a malformed point.`);
        }
        return {
            kty: 'EC',
            crv: curve.jwk,
            x: point.subarray(1, 1 + curve.bytes).toString('base64url'),
            y: point.subarray(1 + curve.bytes).toString('base64url'),
        };
    }
    const e = reader.mpint(9);
    const n = reader.mpint(MAX_RSA_BITS / 8 + 1);
    return { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
}
/**
 * A public key from its wire format, for verifying.
 *
 * @throws TrustError `key-type-unsupported`, `malformed`
 */
function decodePublicKey(blob) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(blob);
    const type = reader.text(64);
    if (!isKeyType(type))
        throw unsupportedType(type);
    const parts = readPublicParts(type, reader);
    reader.end('a public key');
    try {
        return { type, key: (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createPublicKey)({ key: parts, format: 'jwk' }) };
    }
    catch (cause) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `A public key of type ${type} that is not valid.`, { cause });
    }
}
function unsupportedType(type) {
    if (type === 'ssh-dss') {
        return new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('key-type-unsupported', 'DSA keys are not accepted.', {
            hint: 'DSA is limited to 1024 bits and SHA-1, and OpenSSH 10 removed it. Make an ed25519 key: ssh-keygen -t ed25519.',
        });
    }
    return new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('key-type-unsupported', `Keys of type ${JSON.stringify(type)} are not supported.`, {
        hint: `Supported are ${KEY_TYPES.join(', ')}.`,
    });
}
/** Modulus length of an RSA key in wire format, in bits. */
function rsaBits(blob) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(blob);
    reader.string(64);
    reader.mpint(9);
    const n = reader.mpint(MAX_RSA_BITS / 8 + 1);
    return n.length === 0 ? 0 : n.length * 8 - (Math.clz32(n[0] ?? 0) - 24);
}
/** Size of a plain key (wire format) as ssh-keygen -l tells it, in bits. */
function keyBits(blob) {
    const { type } = decodePublicKey(blob);
    if (type === 'ssh-rsa')
        return rsaBits(blob);
    // The digits of a curve's name are its size.
    return isEcdsa(type) ? Number(CURVES[type].name.replace('nistp', '')) : 256;
}
/**
 * A key from `type base64 [comment]`. The type of the text and the type inside must agree, and the
 * key must be whole.
 *
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `malformed`
 */
function parsePublicKey(text) {
    const [type = '', base64 = '', ...comment] = text.trim().split(/[ \t]+/);
    if (!isKeyType(type))
        throw unsupportedType(type);
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `The key after ${type} is not base64.`);
    }
    const blob = Buffer.from(base64, 'base64');
    const inner = decodePublicKey(blob).type;
    if (inner !== type) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('malformed', `The line says ${type}, the key itself ${inner}.`);
    }
    if (type === 'ssh-rsa')
        requireRsaSize(blob);
    return { type, blob, comment: comment.join(' ') };
}
/** Throws `key-too-small` for an RSA key under `MIN_RSA_BITS`. */
function requireRsaSize(blob) {
    const bits = rsaBits(blob);
    if (bits >= MIN_RSA_BITS)
        return;
    throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('key-too-small', `An RSA key of ${bits} bits is too small: ${MIN_RSA_BITS} are the least.`, {
        hint: 'Make an ed25519 key: ssh-keygen -t ed25519 (or ssh-keygen -t rsa -b 3072).',
    });
}
/** `type base64[ comment]`, as in authorized_keys and `*.pub` files. Takes certificates too. */
function formatPublicKey(blob, comment = '') {
    const line = `${typeOfBlob(blob)} ${blob.toString('base64')}`;
    return comment === '' ? line : `${line} ${comment}`;
}
/** The wire format of a public key. */
function encodePublicKey(key) {
    const jwk = key.export({ format: 'jwk' });
    const part = (name) => Buffer.from(jwk[name] ?? '', 'base64url');
    if (jwk.crv === 'Ed25519') {
        return { type: 'ssh-ed25519', blob: Buffer.concat([string('ssh-ed25519'), string(part('x'))]) };
    }
    if (jwk.kty === 'RSA') {
        const blob = Buffer.concat([string('ssh-rsa'), mpint(part('e')), mpint(part('n'))]);
        return { type: 'ssh-rsa', blob };
    }
    const type = KEY_TYPES.find((name) => isEcdsa(name) && CURVES[name].jwk === jwk.crv);
    if (type === undefined || !isEcdsa(type)) {
        throw unsupportedType(jwk.crv ?? jwk.kty ?? key.asymmetricKeyType ?? 'unknown');
    }
    const point = Buffer.concat([Buffer.of(4), part('x'), part('y')]);
    return { type, blob: Buffer.concat([string(type), string(CURVES[type].name), string(point)]) };
}


/***/ }),

/***/ 588:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {


// EXPORTS
__nccwpck_require__.d(__webpack_exports__, {
  Bn: () => (/* binding */ makeSignature),
  wO: () => (/* binding */ signatureAlgorithm),
  Od: () => (/* binding */ verifySignature)
});

// UNUSED EXPORTS: makeRsaSignature

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __nccwpck_require__(7598);
;// CONCATENATED MODULE: external "node:util"
const external_node_util_namespaceObject = require("node:util");
// EXTERNAL MODULE: ./src/errors.ts
var errors = __nccwpck_require__(3916);
// EXTERNAL MODULE: ./src/ssh/public-key.ts
var public_key = __nccwpck_require__(6119);
// EXTERNAL MODULE: ./src/ssh/wire.ts
var wire = __nccwpck_require__(3529);
;// CONCATENATED MODULE: ./src/ssh/signature.ts
/**
 * Signatures in the SSH format: `string algorithm, string blob` (RFC 4253 §6.6, RFC 5656 §3.1.2,
 * RFC 8332 §3, RFC 8709 §6). SHA-1 (`ssh-rsa` as a signature algorithm) is neither made nor accepted.
 */





/** RFC 8332 §3. */
const RSA_ALGORITHMS = { sha256: 'rsa-sha2-256', sha512: 'rsa-sha2-512' };
/** Signs `data`; `rsaHash` is looked at for RSA keys alone. */
function makeSignature(type, key, data, rsaHash) {
    if (type === 'ssh-ed25519') {
        return Buffer.concat([(0,wire/* string */.Yj)(type), (0,wire/* string */.Yj)((0,external_node_crypto_.sign)(null, data, key))]);
    }
    if ((0,public_key/* isEcdsa */.NT)(type)) {
        const curve = public_key/* CURVES */.H1[type];
        const raw = (0,external_node_crypto_.sign)(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' });
        const r = (0,wire/* mpint */.lW)(raw.subarray(0, curve.bytes));
        const s = (0,wire/* mpint */.lW)(raw.subarray(curve.bytes));
        return Buffer.concat([(0,wire/* string */.Yj)(type), (0,wire/* string */.Yj)(Buffer.concat([r, s]))]);
    }
    return Buffer.concat([(0,wire/* string */.Yj)(RSA_ALGORITHMS[rsaHash]), (0,wire/* string */.Yj)((0,external_node_crypto_.sign)(rsaHash, data, key))]);
}
/** An RSA signature made by a thread of its own: it takes as long as dozens of the other kinds. */
async function makeRsaSignature(key, data, hash) {
    const blob = await signInThread(hash, data, key);
    return Buffer.concat([string(RSA_ALGORITHMS[hash]), string(blob)]);
}
const signInThread = (0,external_node_util_namespaceObject.promisify)(external_node_crypto_.sign);
/** Name of the algorithm of a signature. */
function signatureAlgorithm(signature) {
    return new wire/* Reader */.mP(signature).text(64);
}
/**
 * Whether `signature` is one over `data` by the plain key `blob`. False, too, for SHA-1 and for an
 * algorithm that is not the key's.
 *
 * @throws TrustError `malformed`, `key-type-unsupported`
 */
function verifySignature(blob, signature, data) {
    const { type, key } = (0,public_key/* decodePublicKey */.F2)(blob);
    const reader = new wire/* Reader */.mP(signature);
    const algorithm = reader.text(64);
    const bytes = reader.string(4096);
    reader.end('a signature');
    if (type === 'ssh-ed25519')
        return algorithm === type && (0,external_node_crypto_.verify)(null, data, key, bytes);
    if ((0,public_key/* isEcdsa */.NT)(type)) {
        if (algorithm !== type)
            return false;
        const curve = public_key/* CURVES */.H1[type];
        const parts = new wire/* Reader */.mP(bytes);
        const raw = Buffer.concat([
            leftPad(parts.mpint(), curve.bytes),
            leftPad(parts.mpint(), curve.bytes),
        ]);
        parts.end('an ECDSA signature');
        return (0,external_node_crypto_.verify)(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, raw);
    }
    const hash = algorithm === 'rsa-sha2-256' ? 'sha256' : algorithm === 'rsa-sha2-512' ? 'sha512' : undefined;
    // RFC 8017 §8.2.2 wants the length of the modulus; some peers strip leading zeros, as OpenSSH allows.
    return hash !== undefined && (0,external_node_crypto_.verify)(hash, data, key, leftPad(bytes, Math.ceil((0,public_key/* rsaBits */.Bo)(blob) / 8)));
}
function leftPad(number, length) {
    if (number.length > length) {
        throw new errors/* TrustError */.Ru('malformed', 'A signature with a number that is too large.');
    }
    return Buffer.concat([Buffer.alloc(length - number.length), number]);
}


/***/ }),

/***/ 7963:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   CV: () => (/* binding */ SSH_MSG_IGNORE),
/* harmony export */   MG: () => (/* binding */ disconnectMessage),
/* harmony export */   OX: () => (/* binding */ SSH_MSG_DISCONNECT),
/* harmony export */   Py: () => (/* binding */ encodePacket),
/* harmony export */   Rk: () => (/* binding */ TransportReader),
/* harmony export */   Sk: () => (/* binding */ printableList),
/* harmony export */   g$: () => (/* binding */ printable),
/* harmony export */   lt: () => (/* binding */ disconnectReason),
/* harmony export */   wU: () => (/* binding */ SSH_MSG_KEXINIT),
/* harmony export */   zA: () => (/* binding */ SSH_MSG_DEBUG)
/* harmony export */ });
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7598);
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_crypto__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(3916);
/* harmony import */ var _wire__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3529);
/**
 * The SSH transport protocol before encryption starts: version lines, packets, and the messages that
 * both sides may send at any time (RFC 4253 §4.2, §6, §11).
 */



/** RFC 4253 §12. */
const SSH_MSG_DISCONNECT = 1;
const SSH_MSG_IGNORE = 2;
const SSH_MSG_DEBUG = 4;
const SSH_MSG_KEXINIT = 20;
/** RFC 4253 §11.1: SSH_DISCONNECT_BY_APPLICATION. */
const BY_APPLICATION = 11;
/** RFC 4253 §6.1: the longest packet that everyone must take. */
const MAX_PACKET = 35000;
/** RFC 4253 §4.2 lets a server say something before its version; OpenSSH reads as many lines, of 8 KiB. */
const MAX_LINES_BEFORE_VERSION = 1024;
/** RFC 4253 §4.2: the version line with its CR LF. */
const MAX_VERSION = 255;
/** Bytes before the version line after which a server is not taken for an SSH server. */
const MAX_BEFORE_VERSION = 16 * 1024;
/** One unencrypted packet (RFC 4253 §6). */
function encodePacket(payload) {
    let padding = 8 - ((5 + payload.length) % 8);
    if (padding < 4)
        padding += 8;
    return Buffer.concat([
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .uint32 */ .S8)(1 + payload.length + padding),
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .byte */ .PE)(padding),
        payload,
        (0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(padding),
    ]);
}
function disconnectMessage(description) {
    return Buffer.concat([
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .byte */ .PE)(SSH_MSG_DISCONNECT),
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .uint32 */ .S8)(BY_APPLICATION),
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(description),
        (0,_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(''),
    ]);
}
/** What a server wrote, made fit to stand in a message: printable ASCII, not too much of it. */
function printable(text, longest = 100) {
    const clean = text.replace(/[^\x20-\x7e]+/g, ' ').trim();
    return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
}
/** The same of a list of names; longer than any honest server's. */
function printableList(names) {
    return printable(names.join(', '), 600);
}
/** Takes apart what a server sends, in whatever pieces it arrives. */
class TransportReader {
    #pending = Buffer.alloc(0);
    #lines = 0;
    #before = 0;
    /** The first line that came before the version, for messages. */
    firstLine;
    push(chunk) {
        this.#pending = Buffer.concat([this.#pending, chunk]);
    }
    /**
     * The server's version line without CR LF, once it is there.
     *
     * @throws TrustError `host-not-ssh`
     */
    version() {
        for (;;) {
            const end = this.#pending.indexOf(0x0a);
            const line = this.#pending.subarray(0, end < 0 ? undefined : end).toString('latin1');
            if (end < 0) {
                const versionBegun = 'SSH-'.startsWith(line.slice(0, 4));
                const bound = versionBegun ? MAX_VERSION : MAX_BEFORE_VERSION - this.#before;
                if (line.length > bound)
                    throw notSsh(this.firstLine ?? line);
                return undefined;
            }
            this.#pending = this.#pending.subarray(end + 1);
            const text = line.replace(/\r$/, '');
            if (text.startsWith('SSH-')) {
                // RFC 4253 §5.1: 1.99 is a server that speaks 2.0 and the older protocol.
                if (!/^SSH-(2\.0|1\.99)-/.test(text) || text.length > MAX_VERSION - 2)
                    throw notSsh(text);
                return text;
            }
            this.firstLine ??= text;
            this.#before += end + 1;
            this.#lines += 1;
            if (this.#lines > MAX_LINES_BEFORE_VERSION || this.#before > MAX_BEFORE_VERSION) {
                throw notSsh(this.firstLine);
            }
        }
    }
    /**
     * The payload of the next packet, once it is whole.
     *
     * @throws TrustError `host-protocol`
     */
    packet() {
        if (this.#pending.length < 5)
            return undefined;
        const length = this.#pending.readUInt32BE(0);
        const padding = this.#pending.readUInt8(4);
        if (length > MAX_PACKET || length < padding + 2) {
            throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-protocol', `The server sent a packet of impossible length (${length}).`);
        }
        if (this.#pending.length < 4 + length)
            return undefined;
        const payload = Buffer.from(this.#pending.subarray(5, 4 + length - padding));
        this.#pending = this.#pending.subarray(4 + length);
        return payload;
    }
}
function notSsh(line) {
    return new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('host-not-ssh', `What answers there is not an SSH 2 server: it says "${printable(line)}".`, {
        hint: 'Check the host name and the port.',
    });
}
/** Reason of an SSH_MSG_DISCONNECT, for messages. */
function disconnectReason(payload) {
    const reader = new _wire__WEBPACK_IMPORTED_MODULE_2__/* .Reader */ .mP(payload);
    reader.byte();
    reader.uint32();
    return printable(reader.text(1024));
}


/***/ }),

/***/ 3529:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   OD: () => (/* binding */ nameList),
/* harmony export */   PE: () => (/* binding */ byte),
/* harmony export */   S8: () => (/* binding */ uint32),
/* harmony export */   Yj: () => (/* binding */ string),
/* harmony export */   lW: () => (/* binding */ mpint),
/* harmony export */   mP: () => (/* binding */ Reader),
/* harmony export */   zM: () => (/* binding */ boolean)
/* harmony export */ });
/* unused harmony exports MAX_STRING, uint64 */
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/**
 * The data types of the SSH protocols (RFC 4251 §5), read and written. Everything that this project
 * reads in binary (keys, certificates, agent messages, key exchange) is read through `Reader`.
 */

/** Longest string that is read unless the caller allows more; OpenSSH's agent has the same bound. */
const MAX_STRING = 256 * 1024;
function malformed(what) {
    return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('malformed', `Malformed SSH data: ${what}.`);
}
/** Reads one buffer from front to back. Whatever is short, long or out of bounds is a `malformed` error. */
class Reader {
    #buffer;
    #offset = 0;
    constructor(buffer) {
        this.#buffer = buffer;
    }
    get remaining() {
        return this.#buffer.length - this.#offset;
    }
    get offset() {
        return this.#offset;
    }
    /** The next `length` bytes, as a view (no copy). */
    bytes(length) {
        if (length > this.remaining) {
            throw malformed(`${length} bytes wanted, ${this.remaining} left`);
        }
        this.#offset += length;
        return this.#buffer.subarray(this.#offset - length, this.#offset);
    }
    byte() {
        return this.bytes(1).readUInt8();
    }
    boolean() {
        return this.byte() !== 0;
    }
    uint32() {
        return this.bytes(4).readUInt32BE();
    }
    uint64() {
        return this.bytes(8).readBigUInt64BE();
    }
    /** A `string`: a view of its bytes. */
    string(max = MAX_STRING) {
        const length = this.uint32();
        if (length > max)
            throw malformed(`a string of ${length} bytes, at most ${max} allowed`);
        return this.bytes(length);
    }
    /** A `string` that holds text (UTF-8). */
    text(max = MAX_STRING) {
        return this.string(max).toString('utf8');
    }
    /** A non-negative `mpint`: its magnitude, big-endian; leading zeros are dropped, as OpenSSH does. */
    mpint(maxBytes = 2049) {
        const bytes = this.string(maxBytes);
        if ((bytes[0] ?? 0) & 0x80)
            throw malformed('a negative number');
        return withoutLeadingZeros(bytes);
    }
    nameList(max = MAX_STRING) {
        const list = this.text(max);
        return list === '' ? [] : list.split(',');
    }
    /** All that is left, as a view. */
    rest() {
        return this.bytes(this.remaining);
    }
    /** Throws unless everything was read. */
    end(what) {
        if (this.remaining !== 0)
            throw malformed(`${this.remaining} bytes too many after ${what}`);
    }
}
function byte(value) {
    return Buffer.of(value);
}
function boolean(value) {
    return Buffer.of(value ? 1 : 0);
}
function uint32(value) {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(value);
    return buffer;
}
function uint64(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64BE(value);
    return buffer;
}
function string(value) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return Buffer.concat([uint32(bytes.length), bytes]);
}
/** `magnitude` (big-endian, unsigned) as an `mpint`. */
function mpint(magnitude) {
    const digits = withoutLeadingZeros(magnitude);
    return (digits[0] ?? 0) & 0x80 ? string(Buffer.concat([byte(0), digits])) : string(digits);
}
function withoutLeadingZeros(number) {
    let start = 0;
    while (number[start] === 0)
        start += 1;
    return number.subarray(start);
}
function nameList(names) {
    return string(names.join(','));
}


/***/ }),

/***/ 2512:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   c: () => (/* binding */ adviceFor)
/* harmony export */ });
/**
 * @returns undefined for refusals that are no matter of the workflow: somebody asked for what nobody
 *   would allow
 */
function adviceFor(entry) {
    const host = entry.host ?? entry.hostKey ?? 'that host';
    switch (entry.reason) {
        case 'unbound':
            return 'The client did not say which host the signature is for. OpenSSH does since version 8.9 (February 2022); PuTTY, libssh, libssh2 (curl, libgit2), paramiko, asyncssh, Go and others do not. Use ssh, scp, sftp, rsync or git with OpenSSH, or set agent-policy to warn.';
        case 'bind-failed':
            return 'The client claimed a host without a valid proof. Update it, or find out what it is.';
        case 'not-userauth':
            return 'It was no login. Set sign-other-data to true if a CA key, a host key or ssh-add -T is meant to be used.';
        case 'namespace-not-allowed':
            return 'It was a signature of a file, a commit or a tag. Add its namespace to signature-namespaces; for git that is git.';
        case 'host-not-pinned':
            return `Add a line with the pin of that host (${host}) to hosts, if the job is to log in there.`;
        case 'host-revoked':
            return `That host showed a key that hosts marks @revoked. Do not log in to ${host}.`;
        case 'key-not-for-host':
            return `The key= of that host's line in hosts names other keys than ${entry.key ?? 'those here'}.`;
        case 'user-not-allowed':
            return `Add ${entry.user ?? 'the user'} to users= of the line of ${host} in hosts.`;
        case 'forward-not-allowed':
            return `The agent was used from another host, forwarded (ssh -A). Add forward to the line of ${entry.host ?? 'each host on the way'} in hosts, and pin every host on the way; or use ssh -J, which needs no forwarding.`;
        case 'forward-not-hostbound':
            return 'The ssh or sshd on the way is too old to say which host a forwarded signature is for: OpenSSH 8.9 or later is needed at both ends.';
        case 'destination-not-permitted':
            return 'The key was added with destinations (ssh-add -h), and this was none of them.';
        case 'signatures-used-up':
            return 'Raise max-signatures.';
        case 'lifetime-over':
            return 'Raise agent-lifetime.';
        case 'confirmation-denied':
            return 'The key was added with ssh-add -c, and in a job nobody is there to confirm.';
        case 'locked':
            return 'A step locked the agent (ssh-add -x) and did not unlock it.';
        case 'sha1':
            return 'The client or server is too old for RSA with SHA-2. Use an ed25519 key.';
        default:
            return undefined;
    }
}


/***/ }),

/***/ 5525:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   AN: () => (/* binding */ isProblem),
/* harmony export */   Bs: () => (/* binding */ fine),
/* harmony export */   Ev: () => (/* binding */ told),
/* harmony export */   eg: () => (/* binding */ formatFindings)
/* harmony export */ });
/* unused harmony exports CHECKS, FINDING_CODES, hasProblem */
/* harmony import */ var _report__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(7146);
/** What `ssh-trust doctor` finds: the type, the closed list of codes, and findings as text. */

/** In the order in which they are made. */
const CHECKS = (/* unused pure expression or super */ null && ([
    'ssh',
    'agent',
    'client-config',
    'name',
    'connection',
    'server',
    'key-exchange',
    'host-key',
    'known-hosts',
    'login',
    'inspection',
    'clock',
    'account',
    'sshd-config',
    'authorized-keys',
    'key-options',
    'modes',
    'selinux',
    'log',
]));
/**
 * What can be amiss. docs/TROUBLESHOOTING.md has a row for each (a test holds the two together). What
 * is well has the name of its check with `-ok`. A code names the reason: the log of a server and its
 * configuration can tell the same one.
 */
const FINDING_CODES = (/* unused pure expression or super */ null && ([
    // this machine
    'ssh-missing',
    'ssh-not-openssh',
    'ssh-tells-no-host',
    'agent-unset',
    'agent-gone',
    'agent-silent',
    'agent-empty',
    'client-config-broken',
    'client-option-gone',
    'client-publickey-off',
    'client-other-key',
    'client-other-agent',
    'client-host-key-unchecked',
    'client-forwards-agent',
    'client-forwards-x11',
    'client-prompts',
    'client-other-address',
    'client-proxy',
    // the way to the host
    'name-not-found',
    'name-server-silent',
    'connection-refused',
    'connection-timeout',
    'connection-unreachable',
    'server-silent',
    'server-not-ssh',
    'server-closed',
    'server-protocol',
    'no-common-algorithm',
    'host-key-unproven',
    'host-key-changed',
    'host-key-revoked',
    'known-hosts-revoked',
    'known-hosts-stale',
    'pin-stale',
    // the login
    'login-without-keys',
    'login-too-many-keys',
    'login-agent-refused',
    'login-wants-more',
    'login-key-not-offered',
    'login-key-refused',
    'login-command-fails',
    'login-failed',
    'rsa-sha1-only',
    // the account, from inside
    'inspection-none',
    'inspection-refused',
    'inspection-no-shell',
    'inspection-failed',
    'clock-unknown',
    'clock-differs',
    'account-absent',
    'account-locked',
    'account-expired',
    'account-no-home',
    'account-no-shell',
    'account-nologin-file',
    'account-denied-by-pam',
    'sshd-config-unknown',
    'publickey-off',
    'allow-users',
    'deny-users',
    'allow-groups',
    'deny-groups',
    'root-login',
    'authentication-methods',
    'algorithm-not-accepted',
    'max-auth-tries',
    'forced-command',
    'authorized-keys-not-looked-for',
    'authorized-keys-unreadable',
    'authorized-keys-missing',
    'authorized-keys-elsewhere',
    'authorized-keys-of-other-account',
    'key-not-authorized',
    'key-revoked',
    'key-expired',
    'key-from',
    'key-is-authority',
    'key-options-invalid',
    'writable-by-others',
    'owned-by-other',
    'selinux-label',
    'log-unreadable',
    'log-unexplained',
]));
/** A key of 16,384 bits has 2,800 characters. */
const MAX_TEXT = 4000;
const MAX_EVIDENCE = 500;
/** A finding. Its texts become one line each: much of them comes from a server, or from files. */
function told(status, check, code, finding, { evidence = '', hint = '', steps = [] } = {}) {
    const shown = { evidence: bounded(evidence, MAX_EVIDENCE), hint: bounded(hint, MAX_TEXT) };
    return {
        status,
        check,
        code,
        finding: bounded(finding, MAX_TEXT),
        ...(shown.evidence === '' ? {} : { evidence: shown.evidence }),
        ...(shown.hint === '' ? {} : { hint: shown.hint }),
        ...(steps.length === 0 ? {} : { steps }),
    };
}
/** For a check that finds nothing wrong. */
function fine(check, finding, evidence = '') {
    return told('ok', check, `${check}-ok`, finding, { evidence });
}
function bounded(text, length) {
    const line = (0,_report__WEBPACK_IMPORTED_MODULE_0__/* .oneLine */ .T)(text).trim();
    return line.length > length ? `${line.slice(0, length)}…` : line;
}
function isProblem({ status }) {
    return status === 'problem';
}
/** For whoever asks whether all is well. */
function hasProblem(findings) {
    return findings.some(isProblem);
}
const COLOURS = { ok: 32, warning: 33, problem: 31, unknown: 36 };
/** The findings as aligned text; evidence and what to do stand below what they are about. */
function formatFindings(findings, colour) {
    const width = (texts) => Math.max(0, ...texts.map(({ length }) => length));
    const status = width(Object.keys(COLOURS));
    const host = width(findings.map((finding) => finding.host ?? ''));
    const check = width(findings.map((finding) => finding.check));
    const hosts = host === 0 ? 0 : host + 2;
    const indent = ' '.repeat(status + 2 + hosts + check + 2);
    return findings
        .map((one) => {
        const word = one.status.padEnd(status);
        const shown = colour ? `\x1b[${COLOURS[one.status]}m${word}\x1b[0m` : word;
        const where = (one.host ?? '').padEnd(hosts);
        const code = one.status === 'ok' ? '' : ` [${one.code}]`;
        const below = [
            ...(one.evidence === undefined ? [] : [`· ${one.evidence}`]),
            ...(one.hint === undefined ? [] : [`→ ${one.hint}`]),
            ...(one.steps ?? []).map((step) => `  ${step}`),
        ];
        const lines = [
            `${shown}  ${where}${one.check.padEnd(check)}  ${(0,_report__WEBPACK_IMPORTED_MODULE_0__/* .oneLine */ .T)(one.finding)}${code}`,
            ...below.map((text) => `${indent}${(0,_report__WEBPACK_IMPORTED_MODULE_0__/* .oneLine */ .T)(text)}`),
        ];
        return lines.map((line) => `${line}\n`).join('');
    })
        .join('');
}


/***/ }),

/***/ 761:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   x: () => (/* binding */ openRecordedLogins)
/* harmony export */ });
/* unused harmony export logInWithJobKey */
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(8500);
/* harmony import */ var node_timers_promises__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__nccwpck_require__.n(node_timers_promises__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _agent_control__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(2820);
/* harmony import */ var _agent_messages__WEBPACK_IMPORTED_MODULE_2__ = __nccwpck_require__(3557);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_3__ = __nccwpck_require__(3916);
/**
 * Logging in to a proven host with a key of the job's agent. ssh2 sends no session-bind, so the agent
 * is told over its control channel which host it is; its policy decides as for everybody else.
 */




/**
 * A connection that is logged in with `key` (wire format). The caller ends it.
 *
 * @throws TrustError as `connectTo`
 */
async function logInWithJobKey(destination, key, agent) {
    const { connectTo } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(891)]).then(__nccwpck_require__.bind(__nccwpck_require__, 2272)); // ssh2 takes long to load
    const { hostKey } = destination;
    return connectTo({
        ...destination,
        credentials: {
            kind: 'signer',
            keys: [key],
            sign: async (blob, data, sessionId, hash) => {
                const flags = hash === 'sha256' ? _agent_messages__WEBPACK_IMPORTED_MODULE_2__/* .SSH_AGENT_RSA_SHA2_256 */ .j5 : _agent_messages__WEBPACK_IMPORTED_MODULE_2__/* .SSH_AGENT_RSA_SHA2_512 */ .uA;
                return (0,_agent_control__WEBPACK_IMPORTED_MODULE_1__/* .signForProvenHost */ .$H)(agent, { hostKey, sessionId }, blob, data, flags);
            },
        },
    });
}
/** Milliseconds for a login in teardown; a cancelled job has little time. */
const TEARDOWN_TIMEOUT = 10_000;
/** Milliseconds before each further try, where the host can't be reached. */
const BACKOFF = [500, 2000];
const UNREACHABLE = ['host-refused', 'host-unreachable', 'host-timeout', 'host-closed'];
const REFUSED = 'login-refused';
function openRecordedLogins(agent) {
    const kept = new Map();
    // A host that is gone is waited for once, not for each thing that was done there.
    const gone = new Map();
    return {
        over: async (account, work, awaitKey = false) => {
            const { host, port, user, key } = account;
            const name = `${user}@${host}:${port} ${key}`;
            const over = async (client) => {
                try {
                    const result = await work(client);
                    const other = kept.get(name);
                    if (other !== client)
                        other?.end();
                    kept.set(name, client);
                    return result;
                }
                catch (error) {
                    kept.delete(name);
                    client.end();
                    throw error;
                }
            };
            const before = kept.get(name);
            if (before !== undefined) {
                try {
                    return await over(before);
                }
                catch {
                    // It may have been closed meanwhile.
                }
            }
            const known = gone.get(name);
            if (known !== undefined)
                throw known;
            try {
                return await withRetries(async () => over(await logInTo(account, agent)), awaitKey);
            }
            catch (error) {
                if (error instanceof _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru && UNREACHABLE.includes(error.code))
                    gone.set(name, error);
                throw error;
            }
        },
        end: () => {
            for (const client of kept.values())
                client.end();
        },
    };
}
async function logInTo({ host, port, user, hostKey, key }, agent) {
    const destination = { host, port, user, hostKey: Buffer.from(hostKey, 'base64') };
    const options = { ...destination, timeout: TEARDOWN_TIMEOUT };
    return logInWithJobKey(options, Buffer.from(key, 'base64'), agent);
}
async function withRetries(work, awaitKey) {
    for (let attempt = 0;; attempt += 1) {
        try {
            return await work();
        }
        catch (error) {
            const wait = BACKOFF[attempt];
            const code = error instanceof _errors__WEBPACK_IMPORTED_MODULE_3__/* .TrustError */ .Ru ? error.code : '';
            const again = UNREACHABLE.includes(code) || (awaitKey && attempt === 0 && code === REFUSED);
            if (!again || wait === undefined)
                throw error;
            await (0,node_timers_promises__WEBPACK_IMPORTED_MODULE_0__.setTimeout)(wait);
        }
    }
}


/***/ }),

/***/ 7146:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   T: () => (/* binding */ oneLine)
/* harmony export */ });
/**
 * `text` without control characters: names and comments come from whoever asked the agent or made a
 * key, and no line of theirs may pass for a line of ours, or for a command to the runner.
 */
function oneLine(text) {
    return text.replace(/\p{Cc}+/gu, ' ');
}


/***/ }),

/***/ 6792:
/***/ ((__unused_webpack_module, __webpack_exports__, __nccwpck_require__) => {

/* harmony export */ __nccwpck_require__.d(__webpack_exports__, {
/* harmony export */   r: () => (/* binding */ revoke)
/* harmony export */ });
/* unused harmony export removeGranted */
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __nccwpck_require__(3916);
/* harmony import */ var _ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__ = __nccwpck_require__(8962);
/**
 * Taking the job's key out of authorized_keys again: by a login with the key itself, through the
 * agent's control channel, so that no password is kept.
 */


/**
 * @param append to the journal: that the line is being taken out
 * @throws TrustError with the line that is left, where it can't be removed
 */
async function revoke(granted, logins, append) {
    if (!granted.revoke) {
        return { outcome: 'nothing to undo', detail: `it stays, as asked; ${endOf(granted)}` };
    }
    if (logins === undefined)
        throw notRevoked(granted, 'the agent is gone');
    // Main has died, or failed, between its record and the host's word. (Of host trust it is another key.)
    const perhaps = granted.written !== true && granted.line.includes(granted.key);
    try {
        return await logins.over(granted, async (client) => {
            append({ ...granted, leaving: true });
            return removeGranted(client, granted);
        }, perhaps);
    }
    catch (error) {
        const refused = error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru && error.code === 'login-refused';
        if (refused && granted.leaving === true) {
            return { outcome: 'nothing to undo', detail: 'it was taken out before' };
        }
        if (refused && perhaps) {
            return { outcome: 'nothing to undo', detail: 'the key does not log in: it was not added yet' };
        }
        throw notRevoked(granted, (0,_errors__WEBPACK_IMPORTED_MODULE_0__/* .explain */ .WE)(error), error);
    }
}
function endOf({ expires }) {
    return expires === undefined ? 'it never expires' : `it expires at ${expires}`;
}
/** A host that refuses the key has perhaps lost the line by somebody else's hand. */
function notRevoked(granted, why, cause) {
    const { user, host, path = '~/.ssh/authorized_keys', line } = granted;
    const refused = cause instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru && cause.code === 'login-refused';
    const still = refused ? 'does not log in any more, and may still be' : 'is still';
    return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('revocation-failed', `The key ${still} in ${path} of ${user} at ${host}; ${endOf(granted)}. ${why}`, { hint: `Remove this line there${refused ? ', if it is there' : ''}: ${line}`, cause });
}
/** Removes the line over a connection that is there, with what was made for it. */
async function removeGranted(client, granted) {
    const { editAuthorizedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(428)]).then(__nccwpck_require__.bind(__nccwpck_require__, 1737)); // ssh2 takes long to load
    const { user, line, newlineMended, generated, created, path } = granted;
    let removed = 0;
    let left = 0;
    await editAuthorizedKeys(client, { user, mend: false, removeIfEmpty: created, ...(path === undefined ? {} : { path }) }, (content) => {
        // Whatever line holds a key that was made for this job is ours.
        const removal = (0,_ssh_authorized_keys__WEBPACK_IMPORTED_MODULE_1__/* .removeAuthorizedKey */ .Zj)(content, line, { newlineMended, changed: generated });
        removed = removal.removed.length;
        left = removal.left.length;
        return removed === 0 ? undefined : removal.content;
    });
    if (removed > 0)
        return { outcome: 'undone' };
    const detail = left > 0 ? 'somebody has changed the line; it stays' : 'the line was gone';
    return { outcome: 'nothing to undo', detail };
}


/***/ }),

/***/ 2613:
/***/ ((module) => {

module.exports = require("assert");

/***/ }),

/***/ 181:
/***/ ((module) => {

module.exports = require("buffer");

/***/ }),

/***/ 5317:
/***/ ((module) => {

module.exports = require("child_process");

/***/ }),

/***/ 6982:
/***/ ((module) => {

module.exports = require("crypto");

/***/ }),

/***/ 2250:
/***/ ((module) => {

module.exports = require("dns");

/***/ }),

/***/ 4434:
/***/ ((module) => {

module.exports = require("events");

/***/ }),

/***/ 9896:
/***/ ((module) => {

module.exports = require("fs");

/***/ }),

/***/ 8611:
/***/ ((module) => {

module.exports = require("http");

/***/ }),

/***/ 5692:
/***/ ((module) => {

module.exports = require("https");

/***/ }),

/***/ 9278:
/***/ ((module) => {

module.exports = require("net");

/***/ }),

/***/ 1421:
/***/ ((module) => {

module.exports = require("node:child_process");

/***/ }),

/***/ 7598:
/***/ ((module) => {

module.exports = require("node:crypto");

/***/ }),

/***/ 1553:
/***/ ((module) => {

module.exports = require("node:dns/promises");

/***/ }),

/***/ 3024:
/***/ ((module) => {

module.exports = require("node:fs");

/***/ }),

/***/ 7030:
/***/ ((module) => {

module.exports = require("node:net");

/***/ }),

/***/ 8161:
/***/ ((module) => {

module.exports = require("node:os");

/***/ }),

/***/ 6760:
/***/ ((module) => {

module.exports = require("node:path");

/***/ }),

/***/ 8500:
/***/ ((module) => {

module.exports = require("node:timers/promises");

/***/ }),

/***/ 3429:
/***/ ((module) => {

module.exports = require("node:util/types");

/***/ }),

/***/ 6928:
/***/ ((module) => {

module.exports = require("path");

/***/ }),

/***/ 2203:
/***/ ((module) => {

module.exports = require("stream");

/***/ }),

/***/ 4756:
/***/ ((module) => {

module.exports = require("tls");

/***/ }),

/***/ 9023:
/***/ ((module) => {

module.exports = require("util");

/***/ }),

/***/ 3106:
/***/ ((module) => {

module.exports = require("zlib");

/***/ })

/******/ 	});
/************************************************************************/
/******/ 	// The module cache
/******/ 	var __webpack_module_cache__ = {};
/******/ 	
/******/ 	// The require function
/******/ 	function __nccwpck_require__(moduleId) {
/******/ 		// Check if module is in cache
/******/ 		var cachedModule = __webpack_module_cache__[moduleId];
/******/ 		if (cachedModule !== undefined) {
/******/ 			return cachedModule.exports;
/******/ 		}
/******/ 		// Create a new module (and put it into the cache)
/******/ 		var module = __webpack_module_cache__[moduleId] = {
/******/ 			// no module.id needed
/******/ 			// no module.loaded needed
/******/ 			exports: {}
/******/ 		};
/******/ 	
/******/ 		// Execute the module function
/******/ 		var threw = true;
/******/ 		try {
/******/ 			__webpack_modules__[moduleId](module, module.exports, __nccwpck_require__);
/******/ 			threw = false;
/******/ 		} finally {
/******/ 			if(threw) delete __webpack_module_cache__[moduleId];
/******/ 		}
/******/ 	
/******/ 		// Return the exports of the module
/******/ 		return module.exports;
/******/ 	}
/******/ 	
/******/ 	// expose the modules object (__webpack_modules__)
/******/ 	__nccwpck_require__.m = __webpack_modules__;
/******/ 	
/************************************************************************/
/******/ 	/* webpack/runtime/asset-relocator-loader */
/******/ 	if (typeof __nccwpck_require__ !== 'undefined') __nccwpck_require__.ab = __dirname + "/";
/******/ 	
/******/ 	/* webpack/runtime/compat get default export */
/******/ 	(() => {
/******/ 		// getDefaultExport function for compatibility with non-harmony modules
/******/ 		__nccwpck_require__.n = (module) => {
/******/ 			var getter = module && module.__esModule ?
/******/ 				() => (module['default']) :
/******/ 				() => (module);
/******/ 			__nccwpck_require__.d(getter, { a: getter });
/******/ 			return getter;
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/define property getters */
/******/ 	(() => {
/******/ 		// define getter functions for harmony exports
/******/ 		__nccwpck_require__.d = (exports, definition) => {
/******/ 			for(var key in definition) {
/******/ 				if(__nccwpck_require__.o(definition, key) && !__nccwpck_require__.o(exports, key)) {
/******/ 					Object.defineProperty(exports, key, { enumerable: true, get: definition[key] });
/******/ 				}
/******/ 			}
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/ensure chunk */
/******/ 	(() => {
/******/ 		__nccwpck_require__.f = {};
/******/ 		// This file contains only the entry chunk.
/******/ 		// The chunk loading function for additional chunks
/******/ 		__nccwpck_require__.e = (chunkId) => {
/******/ 			return Promise.all(Object.keys(__nccwpck_require__.f).reduce((promises, key) => {
/******/ 				__nccwpck_require__.f[key](chunkId, promises);
/******/ 				return promises;
/******/ 			}, []));
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/get javascript chunk filename */
/******/ 	(() => {
/******/ 		// This function allow to reference async chunks
/******/ 		__nccwpck_require__.u = (chunkId) => {
/******/ 			// return url for filenames based on template
/******/ 			return "" + chunkId + ".index.js";
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/hasOwnProperty shorthand */
/******/ 	(() => {
/******/ 		__nccwpck_require__.o = (obj, prop) => (Object.prototype.hasOwnProperty.call(obj, prop))
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/make namespace object */
/******/ 	(() => {
/******/ 		// define __esModule on exports
/******/ 		__nccwpck_require__.r = (exports) => {
/******/ 			if(typeof Symbol !== 'undefined' && Symbol.toStringTag) {
/******/ 				Object.defineProperty(exports, Symbol.toStringTag, { value: 'Module' });
/******/ 			}
/******/ 			Object.defineProperty(exports, '__esModule', { value: true });
/******/ 		};
/******/ 	})();
/******/ 	
/******/ 	/* webpack/runtime/require chunk loading */
/******/ 	(() => {
/******/ 		// no baseURI
/******/ 		
/******/ 		// object to store loaded chunks
/******/ 		// "1" means "loaded", otherwise not loaded yet
/******/ 		var installedChunks = {
/******/ 			792: 1
/******/ 		};
/******/ 		
/******/ 		// no on chunks loaded
/******/ 		
/******/ 		var installChunk = (chunk) => {
/******/ 			var moreModules = chunk.modules, chunkIds = chunk.ids, runtime = chunk.runtime;
/******/ 			for(var moduleId in moreModules) {
/******/ 				if(__nccwpck_require__.o(moreModules, moduleId)) {
/******/ 					__nccwpck_require__.m[moduleId] = moreModules[moduleId];
/******/ 				}
/******/ 			}
/******/ 			if(runtime) runtime(__nccwpck_require__);
/******/ 			for(var i = 0; i < chunkIds.length; i++)
/******/ 				installedChunks[chunkIds[i]] = 1;
/******/ 		
/******/ 		};
/******/ 		
/******/ 		// require() chunk loading for javascript
/******/ 		__nccwpck_require__.f.require = (chunkId, promises) => {
/******/ 			// "1" is the signal for "already loaded"
/******/ 			if(!installedChunks[chunkId]) {
/******/ 				if(true) { // all chunks have JS
/******/ 					installChunk(require("./" + __nccwpck_require__.u(chunkId)));
/******/ 				} else installedChunks[chunkId] = 1;
/******/ 			}
/******/ 		};
/******/ 		
/******/ 		// no external install chunk
/******/ 		
/******/ 		// no HMR
/******/ 		
/******/ 		// no HMR manifest
/******/ 	})();
/******/ 	
/************************************************************************/
var __webpack_exports__ = {};

// NAMESPACE OBJECT: ./node_modules/@actions/core/lib/core.js
var core_namespaceObject = {};
__nccwpck_require__.r(core_namespaceObject);
__nccwpck_require__.d(core_namespaceObject, {
  Yz: () => (core_debug),
  N4: () => (endGroup),
  V4: () => (getInput),
  Gu: () => (getState),
  pq: () => (info),
  C1: () => (setFailed),
  Oh: () => (startGroup),
  z: () => (summary),
  $e: () => (core_warning)
});

;// CONCATENATED MODULE: external "os"
const external_os_namespaceObject = require("os");
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/utils.js
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */
/**
 * Sanitizes an input into a string so it can be passed into issueCommand safely
 * @param input input to sanitize into a string
 */
function utils_toCommandValue(input) {
    if (input === null || input === undefined) {
        return '';
    }
    else if (typeof input === 'string' || input instanceof String) {
        return input;
    }
    return JSON.stringify(input);
}
/**
 *
 * @param annotationProperties
 * @returns The command properties to send with the actual annotation command
 * See IssueCommandProperties: https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionCommandManager.cs#L646
 */
function utils_toCommandProperties(annotationProperties) {
    if (!Object.keys(annotationProperties).length) {
        return {};
    }
    return {
        title: annotationProperties.title,
        file: annotationProperties.file,
        line: annotationProperties.startLine,
        endLine: annotationProperties.endLine,
        col: annotationProperties.startColumn,
        endColumn: annotationProperties.endColumn
    };
}
//# sourceMappingURL=utils.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/command.js


/**
 * Issues a command to the GitHub Actions runner
 *
 * @param command - The command name to issue
 * @param properties - Additional properties for the command (key-value pairs)
 * @param message - The message to include with the command
 * @remarks
 * This function outputs a specially formatted string to stdout that the Actions
 * runner interprets as a command. These commands can control workflow behavior,
 * set outputs, create annotations, mask values, and more.
 *
 * Command Format:
 *   ::name key=value,key=value::message
 *
 * @example
 * ```typescript
 * // Issue a warning annotation
 * issueCommand('warning', {}, 'This is a warning message');
 * // Output: ::warning::This is a warning message
 *
 * // Set an environment variable
 * issueCommand('set-env', { name: 'MY_VAR' }, 'some value');
 * // Output: ::set-env name=MY_VAR::some value
 *
 * // Add a secret mask
 * issueCommand('add-mask', {}, 'secretValue123');
 * // Output: ::add-mask::secretValue123
 * ```
 *
 * @internal
 * This is an internal utility function that powers the public API functions
 * such as setSecret, warning, error, and exportVariable.
 */
function command_issueCommand(command, properties, message) {
    const cmd = new Command(command, properties, message);
    process.stdout.write(cmd.toString() + external_os_namespaceObject.EOL);
}
function command_issue(name, message = '') {
    command_issueCommand(name, {}, message);
}
const CMD_STRING = '::';
class Command {
    constructor(command, properties, message) {
        if (!command) {
            command = 'missing.command';
        }
        this.command = command;
        this.properties = properties;
        this.message = message;
    }
    toString() {
        let cmdStr = CMD_STRING + this.command;
        if (this.properties && Object.keys(this.properties).length > 0) {
            cmdStr += ' ';
            let first = true;
            for (const key in this.properties) {
                if (this.properties.hasOwnProperty(key)) {
                    const val = this.properties[key];
                    if (val) {
                        if (first) {
                            first = false;
                        }
                        else {
                            cmdStr += ',';
                        }
                        cmdStr += `${key}=${escapeProperty(val)}`;
                    }
                }
            }
        }
        cmdStr += `${CMD_STRING}${escapeData(this.message)}`;
        return cmdStr;
    }
}
function escapeData(s) {
    return utils_toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A');
}
function escapeProperty(s) {
    return utils_toCommandValue(s)
        .replace(/%/g, '%25')
        .replace(/\r/g, '%0D')
        .replace(/\n/g, '%0A')
        .replace(/:/g, '%3A')
        .replace(/,/g, '%2C');
}
//# sourceMappingURL=command.js.map
// EXTERNAL MODULE: external "crypto"
var external_crypto_ = __nccwpck_require__(6982);
// EXTERNAL MODULE: external "fs"
var external_fs_ = __nccwpck_require__(9896);
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/file-command.js
// For internal use, subject to change.
// We use any as a valid input type
/* eslint-disable @typescript-eslint/no-explicit-any */




function file_command_issueFileCommand(command, message) {
    const filePath = process.env[`GITHUB_${command}`];
    if (!filePath) {
        throw new Error(`Unable to find environment variable for file command ${command}`);
    }
    if (!fs.existsSync(filePath)) {
        throw new Error(`Missing file at path: ${filePath}`);
    }
    fs.appendFileSync(filePath, `${toCommandValue(message)}${os.EOL}`, {
        encoding: 'utf8'
    });
}
function file_command_prepareKeyValueMessage(key, value) {
    const delimiter = `ghadelimiter_${crypto.randomUUID()}`;
    const convertedValue = toCommandValue(value);
    // These should realistically never happen, but just in case someone finds a
    // way to exploit uuid generation let's not allow keys or values that contain
    // the delimiter.
    if (key.includes(delimiter)) {
        throw new Error(`Unexpected input: name should not contain the delimiter "${delimiter}"`);
    }
    if (convertedValue.includes(delimiter)) {
        throw new Error(`Unexpected input: value should not contain the delimiter "${delimiter}"`);
    }
    return `${key}<<${delimiter}${os.EOL}${convertedValue}${os.EOL}${delimiter}`;
}
//# sourceMappingURL=file-command.js.map
// EXTERNAL MODULE: external "path"
var external_path_ = __nccwpck_require__(6928);
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/oidc-utils.js
var __awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};



class oidc_utils_OidcClient {
    static createHttpClient(allowRetry = true, maxRetry = 10) {
        const requestOptions = {
            allowRetries: allowRetry,
            maxRetries: maxRetry
        };
        return new HttpClient('actions/oidc-client', [new BearerCredentialHandler(oidc_utils_OidcClient.getRequestToken())], requestOptions);
    }
    static getRequestToken() {
        const token = process.env['ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
        if (!token) {
            throw new Error('Unable to get ACTIONS_ID_TOKEN_REQUEST_TOKEN env variable');
        }
        return token;
    }
    static getIDTokenUrl() {
        const runtimeUrl = process.env['ACTIONS_ID_TOKEN_REQUEST_URL'];
        if (!runtimeUrl) {
            throw new Error('Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable');
        }
        return runtimeUrl;
    }
    static getCall(id_token_url) {
        return __awaiter(this, void 0, void 0, function* () {
            var _a;
            const httpclient = oidc_utils_OidcClient.createHttpClient();
            const res = yield httpclient
                .getJson(id_token_url)
                .catch(error => {
                throw new Error(`Failed to get ID Token. \n 
        Error Code : ${error.statusCode}\n 
        Error Message: ${error.message}`);
            });
            const id_token = (_a = res.result) === null || _a === void 0 ? void 0 : _a.value;
            if (!id_token) {
                throw new Error('Response json body do not have ID Token field');
            }
            return id_token;
        });
    }
    static getIDToken(audience) {
        return __awaiter(this, void 0, void 0, function* () {
            try {
                // New ID Token is requested from action service
                let id_token_url = oidc_utils_OidcClient.getIDTokenUrl();
                if (audience) {
                    const encodedAudience = encodeURIComponent(audience);
                    id_token_url = `${id_token_url}&audience=${encodedAudience}`;
                }
                debug(`ID token url is ${id_token_url}`);
                const id_token = yield oidc_utils_OidcClient.getCall(id_token_url);
                setSecret(id_token);
                return id_token;
            }
            catch (error) {
                throw new Error(`Error message: ${error.message}`);
            }
        });
    }
}
//# sourceMappingURL=oidc-utils.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/summary.js
var summary_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


const { access, appendFile, writeFile } = external_fs_.promises;
const SUMMARY_ENV_VAR = 'GITHUB_STEP_SUMMARY';
const SUMMARY_DOCS_URL = 'https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-job-summary';
class Summary {
    constructor() {
        this._buffer = '';
    }
    /**
     * Finds the summary file path from the environment, rejects if env var is not found or file does not exist
     * Also checks r/w permissions.
     *
     * @returns step summary file path
     */
    filePath() {
        return summary_awaiter(this, void 0, void 0, function* () {
            if (this._filePath) {
                return this._filePath;
            }
            const pathFromEnv = process.env[SUMMARY_ENV_VAR];
            if (!pathFromEnv) {
                throw new Error(`Unable to find environment variable for $${SUMMARY_ENV_VAR}. Check if your runtime environment supports job summaries.`);
            }
            try {
                yield access(pathFromEnv, external_fs_.constants.R_OK | external_fs_.constants.W_OK);
            }
            catch (_a) {
                throw new Error(`Unable to access summary file: '${pathFromEnv}'. Check if the file has correct read/write permissions.`);
            }
            this._filePath = pathFromEnv;
            return this._filePath;
        });
    }
    /**
     * Wraps content in an HTML tag, adding any HTML attributes
     *
     * @param {string} tag HTML tag to wrap
     * @param {string | null} content content within the tag
     * @param {[attribute: string]: string} attrs key-value list of HTML attributes to add
     *
     * @returns {string} content wrapped in HTML element
     */
    wrap(tag, content, attrs = {}) {
        const htmlAttrs = Object.entries(attrs)
            .map(([key, value]) => ` ${key}="${value}"`)
            .join('');
        if (!content) {
            return `<${tag}${htmlAttrs}>`;
        }
        return `<${tag}${htmlAttrs}>${content}</${tag}>`;
    }
    /**
     * Writes text in the buffer to the summary buffer file and empties buffer. Will append by default.
     *
     * @param {SummaryWriteOptions} [options] (optional) options for write operation
     *
     * @returns {Promise<Summary>} summary instance
     */
    write(options) {
        return summary_awaiter(this, void 0, void 0, function* () {
            const overwrite = !!(options === null || options === void 0 ? void 0 : options.overwrite);
            const filePath = yield this.filePath();
            const writeFunc = overwrite ? writeFile : appendFile;
            yield writeFunc(filePath, this._buffer, { encoding: 'utf8' });
            return this.emptyBuffer();
        });
    }
    /**
     * Clears the summary buffer and wipes the summary file
     *
     * @returns {Summary} summary instance
     */
    clear() {
        return summary_awaiter(this, void 0, void 0, function* () {
            return this.emptyBuffer().write({ overwrite: true });
        });
    }
    /**
     * Returns the current summary buffer as a string
     *
     * @returns {string} string of summary buffer
     */
    stringify() {
        return this._buffer;
    }
    /**
     * If the summary buffer is empty
     *
     * @returns {boolen} true if the buffer is empty
     */
    isEmptyBuffer() {
        return this._buffer.length === 0;
    }
    /**
     * Resets the summary buffer without writing to summary file
     *
     * @returns {Summary} summary instance
     */
    emptyBuffer() {
        this._buffer = '';
        return this;
    }
    /**
     * Adds raw text to the summary buffer
     *
     * @param {string} text content to add
     * @param {boolean} [addEOL=false] (optional) append an EOL to the raw text (default: false)
     *
     * @returns {Summary} summary instance
     */
    addRaw(text, addEOL = false) {
        this._buffer += text;
        return addEOL ? this.addEOL() : this;
    }
    /**
     * Adds the operating system-specific end-of-line marker to the buffer
     *
     * @returns {Summary} summary instance
     */
    addEOL() {
        return this.addRaw(external_os_namespaceObject.EOL);
    }
    /**
     * Adds an HTML codeblock to the summary buffer
     *
     * @param {string} code content to render within fenced code block
     * @param {string} lang (optional) language to syntax highlight code
     *
     * @returns {Summary} summary instance
     */
    addCodeBlock(code, lang) {
        const attrs = Object.assign({}, (lang && { lang }));
        const element = this.wrap('pre', this.wrap('code', code), attrs);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML list to the summary buffer
     *
     * @param {string[]} items list of items to render
     * @param {boolean} [ordered=false] (optional) if the rendered list should be ordered or not (default: false)
     *
     * @returns {Summary} summary instance
     */
    addList(items, ordered = false) {
        const tag = ordered ? 'ol' : 'ul';
        const listItems = items.map(item => this.wrap('li', item)).join('');
        const element = this.wrap(tag, listItems);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML table to the summary buffer
     *
     * @param {SummaryTableCell[]} rows table rows
     *
     * @returns {Summary} summary instance
     */
    addTable(rows) {
        const tableBody = rows
            .map(row => {
            const cells = row
                .map(cell => {
                if (typeof cell === 'string') {
                    return this.wrap('td', cell);
                }
                const { header, data, colspan, rowspan } = cell;
                const tag = header ? 'th' : 'td';
                const attrs = Object.assign(Object.assign({}, (colspan && { colspan })), (rowspan && { rowspan }));
                return this.wrap(tag, data, attrs);
            })
                .join('');
            return this.wrap('tr', cells);
        })
            .join('');
        const element = this.wrap('table', tableBody);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds a collapsable HTML details element to the summary buffer
     *
     * @param {string} label text for the closed state
     * @param {string} content collapsable content
     *
     * @returns {Summary} summary instance
     */
    addDetails(label, content) {
        const element = this.wrap('details', this.wrap('summary', label) + content);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML image tag to the summary buffer
     *
     * @param {string} src path to the image you to embed
     * @param {string} alt text description of the image
     * @param {SummaryImageOptions} options (optional) addition image attributes
     *
     * @returns {Summary} summary instance
     */
    addImage(src, alt, options) {
        const { width, height } = options || {};
        const attrs = Object.assign(Object.assign({}, (width && { width })), (height && { height }));
        const element = this.wrap('img', null, Object.assign({ src, alt }, attrs));
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML section heading element
     *
     * @param {string} text heading text
     * @param {number | string} [level=1] (optional) the heading level, default: 1
     *
     * @returns {Summary} summary instance
     */
    addHeading(text, level) {
        const tag = `h${level}`;
        const allowedTag = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].includes(tag)
            ? tag
            : 'h1';
        const element = this.wrap(allowedTag, text);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML thematic break (<hr>) to the summary buffer
     *
     * @returns {Summary} summary instance
     */
    addSeparator() {
        const element = this.wrap('hr', null);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML line break (<br>) to the summary buffer
     *
     * @returns {Summary} summary instance
     */
    addBreak() {
        const element = this.wrap('br', null);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML blockquote to the summary buffer
     *
     * @param {string} text quote text
     * @param {string} cite (optional) citation url
     *
     * @returns {Summary} summary instance
     */
    addQuote(text, cite) {
        const attrs = Object.assign({}, (cite && { cite }));
        const element = this.wrap('blockquote', text, attrs);
        return this.addRaw(element).addEOL();
    }
    /**
     * Adds an HTML anchor tag to the summary buffer
     *
     * @param {string} text link text/content
     * @param {string} href hyperlink
     *
     * @returns {Summary} summary instance
     */
    addLink(text, href) {
        const element = this.wrap('a', text, { href });
        return this.addRaw(element).addEOL();
    }
}
const _summary = new Summary();
/**
 * @deprecated use `core.summary`
 */
const markdownSummary = (/* unused pure expression or super */ null && (_summary));
const summary = _summary;
//# sourceMappingURL=summary.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/path-utils.js

/**
 * toPosixPath converts the given path to the posix form. On Windows, \\ will be
 * replaced with /.
 *
 * @param pth. Path to transform.
 * @return string Posix path.
 */
function toPosixPath(pth) {
    return pth.replace(/[\\]/g, '/');
}
/**
 * toWin32Path converts the given path to the win32 form. On Linux, / will be
 * replaced with \\.
 *
 * @param pth. Path to transform.
 * @return string Win32 path.
 */
function toWin32Path(pth) {
    return pth.replace(/[/]/g, '\\');
}
/**
 * toPlatformPath converts the given path to a platform-specific path. It does
 * this by replacing instances of / and \ with the platform-specific path
 * separator.
 *
 * @param pth The path to platformize.
 * @return string The platform-specific path.
 */
function toPlatformPath(pth) {
    return pth.replace(/[/\\]/g, path.sep);
}
//# sourceMappingURL=path-utils.js.map
;// CONCATENATED MODULE: external "string_decoder"
const external_string_decoder_namespaceObject = require("string_decoder");
// EXTERNAL MODULE: external "events"
var external_events_ = __nccwpck_require__(4434);
// EXTERNAL MODULE: external "child_process"
var external_child_process_ = __nccwpck_require__(5317);
// EXTERNAL MODULE: external "assert"
var external_assert_ = __nccwpck_require__(2613);
;// CONCATENATED MODULE: ./node_modules/@actions/io/lib/io-util.js
var io_util_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


const { chmod, copyFile, lstat, mkdir, open: io_util_open, readdir, rename, rm, rmdir, stat, symlink, unlink } = external_fs_.promises;
// export const {open} = 'fs'
const IS_WINDOWS = process.platform === 'win32';
/**
 * Custom implementation of readlink to ensure Windows junctions
 * maintain trailing backslash for backward compatibility with Node.js < 24
 *
 * In Node.js 20, Windows junctions (directory symlinks) always returned paths
 * with trailing backslashes. Node.js 24 removed this behavior, which breaks
 * code that relied on this format for path operations.
 *
 * This implementation restores the Node 20 behavior by adding a trailing
 * backslash to all junction results on Windows.
 */
function readlink(fsPath) {
    return io_util_awaiter(this, void 0, void 0, function* () {
        const result = yield fs.promises.readlink(fsPath);
        // On Windows, restore Node 20 behavior: add trailing backslash to all results
        // since junctions on Windows are always directory links
        if (IS_WINDOWS && !result.endsWith('\\')) {
            return `${result}\\`;
        }
        return result;
    });
}
// See https://github.com/nodejs/node/blob/d0153aee367422d0858105abec186da4dff0a0c5/deps/uv/include/uv/win.h#L691
const UV_FS_O_EXLOCK = 0x10000000;
const READONLY = external_fs_.constants.O_RDONLY;
function exists(fsPath) {
    return io_util_awaiter(this, void 0, void 0, function* () {
        try {
            yield stat(fsPath);
        }
        catch (err) {
            if (err.code === 'ENOENT') {
                return false;
            }
            throw err;
        }
        return true;
    });
}
function isDirectory(fsPath_1) {
    return io_util_awaiter(this, arguments, void 0, function* (fsPath, useStat = false) {
        const stats = useStat ? yield stat(fsPath) : yield lstat(fsPath);
        return stats.isDirectory();
    });
}
/**
 * On OSX/Linux, true if path starts with '/'. On Windows, true for paths like:
 * \, \hello, \\hello\share, C:, and C:\hello (and corresponding alternate separator cases).
 */
function isRooted(p) {
    p = normalizeSeparators(p);
    if (!p) {
        throw new Error('isRooted() parameter "p" cannot be empty');
    }
    if (IS_WINDOWS) {
        return (p.startsWith('\\') || /^[A-Z]:/i.test(p) // e.g. \ or \hello or \\hello
        ); // e.g. C: or C:\hello
    }
    return p.startsWith('/');
}
/**
 * Best effort attempt to determine whether a file exists and is executable.
 * @param filePath    file path to check
 * @param extensions  additional file extensions to try
 * @return if file exists and is executable, returns the file path. otherwise empty string.
 */
function tryGetExecutablePath(filePath, extensions) {
    return io_util_awaiter(this, void 0, void 0, function* () {
        let stats = undefined;
        try {
            // test file exists
            stats = yield stat(filePath);
        }
        catch (err) {
            if (err.code !== 'ENOENT') {
                // eslint-disable-next-line no-console
                console.log(`Unexpected error attempting to determine if executable file exists '${filePath}': ${err}`);
            }
        }
        if (stats && stats.isFile()) {
            if (IS_WINDOWS) {
                // on Windows, test for valid extension
                const upperExt = external_path_.extname(filePath).toUpperCase();
                if (extensions.some(validExt => validExt.toUpperCase() === upperExt)) {
                    return filePath;
                }
            }
            else {
                if (isUnixExecutable(stats)) {
                    return filePath;
                }
            }
        }
        // try each extension
        const originalFilePath = filePath;
        for (const extension of extensions) {
            filePath = originalFilePath + extension;
            stats = undefined;
            try {
                stats = yield stat(filePath);
            }
            catch (err) {
                if (err.code !== 'ENOENT') {
                    // eslint-disable-next-line no-console
                    console.log(`Unexpected error attempting to determine if executable file exists '${filePath}': ${err}`);
                }
            }
            if (stats && stats.isFile()) {
                if (IS_WINDOWS) {
                    // preserve the case of the actual file (since an extension was appended)
                    try {
                        const directory = external_path_.dirname(filePath);
                        const upperName = external_path_.basename(filePath).toUpperCase();
                        for (const actualName of yield readdir(directory)) {
                            if (upperName === actualName.toUpperCase()) {
                                filePath = external_path_.join(directory, actualName);
                                break;
                            }
                        }
                    }
                    catch (err) {
                        // eslint-disable-next-line no-console
                        console.log(`Unexpected error attempting to determine the actual case of the file '${filePath}': ${err}`);
                    }
                    return filePath;
                }
                else {
                    if (isUnixExecutable(stats)) {
                        return filePath;
                    }
                }
            }
        }
        return '';
    });
}
function normalizeSeparators(p) {
    p = p || '';
    if (IS_WINDOWS) {
        // convert slashes on Windows
        p = p.replace(/\//g, '\\');
        // remove redundant slashes
        return p.replace(/\\\\+/g, '\\');
    }
    // remove redundant slashes
    return p.replace(/\/\/+/g, '/');
}
// on Mac/Linux, test the execute bit
//     R   W  X  R  W X R W X
//   256 128 64 32 16 8 4 2 1
function isUnixExecutable(stats) {
    return ((stats.mode & 1) > 0 ||
        ((stats.mode & 8) > 0 &&
            process.getgid !== undefined &&
            stats.gid === process.getgid()) ||
        ((stats.mode & 64) > 0 &&
            process.getuid !== undefined &&
            stats.uid === process.getuid()));
}
// Get the path of cmd.exe in windows
function getCmdPath() {
    var _a;
    return (_a = process.env['COMSPEC']) !== null && _a !== void 0 ? _a : `cmd.exe`;
}
//# sourceMappingURL=io-util.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/io/lib/io.js
var io_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};



/**
 * Copies a file or folder.
 * Based off of shelljs - https://github.com/shelljs/shelljs/blob/9237f66c52e5daa40458f94f9565e18e8132f5a6/src/cp.js
 *
 * @param     source    source path
 * @param     dest      destination path
 * @param     options   optional. See CopyOptions.
 */
function cp(source_1, dest_1) {
    return io_awaiter(this, arguments, void 0, function* (source, dest, options = {}) {
        const { force, recursive, copySourceDirectory } = readCopyOptions(options);
        const destStat = (yield ioUtil.exists(dest)) ? yield ioUtil.stat(dest) : null;
        // Dest is an existing file, but not forcing
        if (destStat && destStat.isFile() && !force) {
            return;
        }
        // If dest is an existing directory, should copy inside.
        const newDest = destStat && destStat.isDirectory() && copySourceDirectory
            ? path.join(dest, path.basename(source))
            : dest;
        if (!(yield ioUtil.exists(source))) {
            throw new Error(`no such file or directory: ${source}`);
        }
        const sourceStat = yield ioUtil.stat(source);
        if (sourceStat.isDirectory()) {
            if (!recursive) {
                throw new Error(`Failed to copy. ${source} is a directory, but tried to copy without recursive flag.`);
            }
            else {
                yield cpDirRecursive(source, newDest, 0, force);
            }
        }
        else {
            if (path.relative(source, newDest) === '') {
                // a file cannot be copied to itself
                throw new Error(`'${newDest}' and '${source}' are the same file`);
            }
            yield io_copyFile(source, newDest, force);
        }
    });
}
/**
 * Moves a path.
 *
 * @param     source    source path
 * @param     dest      destination path
 * @param     options   optional. See MoveOptions.
 */
function mv(source_1, dest_1) {
    return io_awaiter(this, arguments, void 0, function* (source, dest, options = {}) {
        if (yield ioUtil.exists(dest)) {
            let destExists = true;
            if (yield ioUtil.isDirectory(dest)) {
                // If dest is directory copy src into dest
                dest = path.join(dest, path.basename(source));
                destExists = yield ioUtil.exists(dest);
            }
            if (destExists) {
                if (options.force == null || options.force) {
                    yield rmRF(dest);
                }
                else {
                    throw new Error('Destination already exists');
                }
            }
        }
        yield mkdirP(path.dirname(dest));
        yield ioUtil.rename(source, dest);
    });
}
/**
 * Remove a path recursively with force
 *
 * @param inputPath path to remove
 */
function rmRF(inputPath) {
    return io_awaiter(this, void 0, void 0, function* () {
        if (ioUtil.IS_WINDOWS) {
            // Check for invalid characters
            // https://docs.microsoft.com/en-us/windows/win32/fileio/naming-a-file
            if (/[*"<>|]/.test(inputPath)) {
                throw new Error('File path must not contain `*`, `"`, `<`, `>` or `|` on Windows');
            }
        }
        try {
            // note if path does not exist, error is silent
            yield ioUtil.rm(inputPath, {
                force: true,
                maxRetries: 3,
                recursive: true,
                retryDelay: 300
            });
        }
        catch (err) {
            throw new Error(`File was unable to be removed ${err}`);
        }
    });
}
/**
 * Make a directory.  Creates the full path with folders in between
 * Will throw if it fails
 *
 * @param   fsPath        path to create
 * @returns Promise<void>
 */
function mkdirP(fsPath) {
    return io_awaiter(this, void 0, void 0, function* () {
        ok(fsPath, 'a path argument must be provided');
        yield ioUtil.mkdir(fsPath, { recursive: true });
    });
}
/**
 * Returns path of a tool had the tool actually been invoked.  Resolves via paths.
 * If you check and the tool does not exist, it will throw.
 *
 * @param     tool              name of the tool
 * @param     check             whether to check if tool exists
 * @returns   Promise<string>   path to tool
 */
function which(tool, check) {
    return io_awaiter(this, void 0, void 0, function* () {
        if (!tool) {
            throw new Error("parameter 'tool' is required");
        }
        // recursive when check=true
        if (check) {
            const result = yield which(tool, false);
            if (!result) {
                if (IS_WINDOWS) {
                    throw new Error(`Unable to locate executable file: ${tool}. Please verify either the file path exists or the file can be found within a directory specified by the PATH environment variable. Also verify the file has a valid extension for an executable file.`);
                }
                else {
                    throw new Error(`Unable to locate executable file: ${tool}. Please verify either the file path exists or the file can be found within a directory specified by the PATH environment variable. Also check the file mode to verify the file is executable.`);
                }
            }
            return result;
        }
        const matches = yield findInPath(tool);
        if (matches && matches.length > 0) {
            return matches[0];
        }
        return '';
    });
}
/**
 * Returns a list of all occurrences of the given tool on the system path.
 *
 * @returns   Promise<string[]>  the paths of the tool
 */
function findInPath(tool) {
    return io_awaiter(this, void 0, void 0, function* () {
        if (!tool) {
            throw new Error("parameter 'tool' is required");
        }
        // build the list of extensions to try
        const extensions = [];
        if (IS_WINDOWS && process.env['PATHEXT']) {
            for (const extension of process.env['PATHEXT'].split(external_path_.delimiter)) {
                if (extension) {
                    extensions.push(extension);
                }
            }
        }
        // if it's rooted, return it if exists. otherwise return empty.
        if (isRooted(tool)) {
            const filePath = yield tryGetExecutablePath(tool, extensions);
            if (filePath) {
                return [filePath];
            }
            return [];
        }
        // if any path separators, return empty
        if (tool.includes(external_path_.sep)) {
            return [];
        }
        // build the list of directories
        //
        // Note, technically "where" checks the current directory on Windows. From a toolkit perspective,
        // it feels like we should not do this. Checking the current directory seems like more of a use
        // case of a shell, and the which() function exposed by the toolkit should strive for consistency
        // across platforms.
        const directories = [];
        if (process.env.PATH) {
            for (const p of process.env.PATH.split(external_path_.delimiter)) {
                if (p) {
                    directories.push(p);
                }
            }
        }
        // find all matches
        const matches = [];
        for (const directory of directories) {
            const filePath = yield tryGetExecutablePath(external_path_.join(directory, tool), extensions);
            if (filePath) {
                matches.push(filePath);
            }
        }
        return matches;
    });
}
function readCopyOptions(options) {
    const force = options.force == null ? true : options.force;
    const recursive = Boolean(options.recursive);
    const copySourceDirectory = options.copySourceDirectory == null
        ? true
        : Boolean(options.copySourceDirectory);
    return { force, recursive, copySourceDirectory };
}
function cpDirRecursive(sourceDir, destDir, currentDepth, force) {
    return io_awaiter(this, void 0, void 0, function* () {
        // Ensure there is not a run away recursive copy
        if (currentDepth >= 255)
            return;
        currentDepth++;
        yield mkdirP(destDir);
        const files = yield ioUtil.readdir(sourceDir);
        for (const fileName of files) {
            const srcFile = `${sourceDir}/${fileName}`;
            const destFile = `${destDir}/${fileName}`;
            const srcFileStat = yield ioUtil.lstat(srcFile);
            if (srcFileStat.isDirectory()) {
                // Recurse
                yield cpDirRecursive(srcFile, destFile, currentDepth, force);
            }
            else {
                yield io_copyFile(srcFile, destFile, force);
            }
        }
        // Change the mode for the newly created directory
        yield ioUtil.chmod(destDir, (yield ioUtil.stat(sourceDir)).mode);
    });
}
// Buffered file copy
function io_copyFile(srcFile, destFile, force) {
    return io_awaiter(this, void 0, void 0, function* () {
        if ((yield ioUtil.lstat(srcFile)).isSymbolicLink()) {
            // unlink/re-link it
            try {
                yield ioUtil.lstat(destFile);
                yield ioUtil.unlink(destFile);
            }
            catch (e) {
                // Try to override file permission
                if (e.code === 'EPERM') {
                    yield ioUtil.chmod(destFile, '0666');
                    yield ioUtil.unlink(destFile);
                }
                // other errors = it doesn't exist, no work to do
            }
            // Copy over symlink
            const symlinkFull = yield ioUtil.readlink(srcFile);
            yield ioUtil.symlink(symlinkFull, destFile, ioUtil.IS_WINDOWS ? 'junction' : null);
        }
        else if (!(yield ioUtil.exists(destFile)) || force) {
            yield ioUtil.copyFile(srcFile, destFile);
        }
    });
}
//# sourceMappingURL=io.js.map
;// CONCATENATED MODULE: external "timers"
const external_timers_namespaceObject = require("timers");
;// CONCATENATED MODULE: ./node_modules/@actions/exec/lib/toolrunner.js
var toolrunner_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};







/* eslint-disable @typescript-eslint/unbound-method */
const toolrunner_IS_WINDOWS = process.platform === 'win32';
/*
 * Class for running command line tools. Handles quoting and arg parsing in a platform agnostic way.
 */
class ToolRunner extends external_events_.EventEmitter {
    constructor(toolPath, args, options) {
        super();
        if (!toolPath) {
            throw new Error("Parameter 'toolPath' cannot be null or empty.");
        }
        this.toolPath = toolPath;
        this.args = args || [];
        this.options = options || {};
    }
    _debug(message) {
        if (this.options.listeners && this.options.listeners.debug) {
            this.options.listeners.debug(message);
        }
    }
    _getCommandString(options, noPrefix) {
        const toolPath = this._getSpawnFileName();
        const args = this._getSpawnArgs(options);
        let cmd = noPrefix ? '' : '[command]'; // omit prefix when piped to a second tool
        if (toolrunner_IS_WINDOWS) {
            // Windows + cmd file
            if (this._isCmdFile()) {
                cmd += toolPath;
                for (const a of args) {
                    cmd += ` ${a}`;
                }
            }
            // Windows + verbatim
            else if (options.windowsVerbatimArguments) {
                cmd += `"${toolPath}"`;
                for (const a of args) {
                    cmd += ` ${a}`;
                }
            }
            // Windows (regular)
            else {
                cmd += this._windowsQuoteCmdArg(toolPath);
                for (const a of args) {
                    cmd += ` ${this._windowsQuoteCmdArg(a)}`;
                }
            }
        }
        else {
            // OSX/Linux - this can likely be improved with some form of quoting.
            // creating processes on Unix is fundamentally different than Windows.
            // on Unix, execvp() takes an arg array.
            cmd += toolPath;
            for (const a of args) {
                cmd += ` ${a}`;
            }
        }
        return cmd;
    }
    _processLineBuffer(data, strBuffer, onLine) {
        try {
            let s = strBuffer + data.toString();
            let n = s.indexOf(external_os_namespaceObject.EOL);
            while (n > -1) {
                const line = s.substring(0, n);
                onLine(line);
                // the rest of the string ...
                s = s.substring(n + external_os_namespaceObject.EOL.length);
                n = s.indexOf(external_os_namespaceObject.EOL);
            }
            return s;
        }
        catch (err) {
            // streaming lines to console is best effort.  Don't fail a build.
            this._debug(`error processing line. Failed with error ${err}`);
            return '';
        }
    }
    _getSpawnFileName() {
        if (toolrunner_IS_WINDOWS) {
            if (this._isCmdFile()) {
                return process.env['COMSPEC'] || 'cmd.exe';
            }
        }
        return this.toolPath;
    }
    _getSpawnArgs(options) {
        if (toolrunner_IS_WINDOWS) {
            if (this._isCmdFile()) {
                let argline = `/D /S /C "${this._windowsQuoteCmdArg(this.toolPath)}`;
                for (const a of this.args) {
                    argline += ' ';
                    argline += options.windowsVerbatimArguments
                        ? a
                        : this._windowsQuoteCmdArg(a);
                }
                argline += '"';
                return [argline];
            }
        }
        return this.args;
    }
    _endsWith(str, end) {
        return str.endsWith(end);
    }
    _isCmdFile() {
        const upperToolPath = this.toolPath.toUpperCase();
        return (this._endsWith(upperToolPath, '.CMD') ||
            this._endsWith(upperToolPath, '.BAT'));
    }
    _windowsQuoteCmdArg(arg) {
        // for .exe, apply the normal quoting rules that libuv applies
        if (!this._isCmdFile()) {
            return this._uvQuoteCmdArg(arg);
        }
        // otherwise apply quoting rules specific to the cmd.exe command line parser.
        // the libuv rules are generic and are not designed specifically for cmd.exe
        // command line parser.
        //
        // for a detailed description of the cmd.exe command line parser, refer to
        // http://stackoverflow.com/questions/4094699/how-does-the-windows-command-interpreter-cmd-exe-parse-scripts/7970912#7970912
        // need quotes for empty arg
        if (!arg) {
            return '""';
        }
        // determine whether the arg needs to be quoted
        const cmdSpecialChars = [
            ' ',
            '\t',
            '&',
            '(',
            ')',
            '[',
            ']',
            '{',
            '}',
            '^',
            '=',
            ';',
            '!',
            "'",
            '+',
            ',',
            '`',
            '~',
            '|',
            '<',
            '>',
            '"'
        ];
        let needsQuotes = false;
        for (const char of arg) {
            if (cmdSpecialChars.some(x => x === char)) {
                needsQuotes = true;
                break;
            }
        }
        // short-circuit if quotes not needed
        if (!needsQuotes) {
            return arg;
        }
        // the following quoting rules are very similar to the rules that by libuv applies.
        //
        // 1) wrap the string in quotes
        //
        // 2) double-up quotes - i.e. " => ""
        //
        //    this is different from the libuv quoting rules. libuv replaces " with \", which unfortunately
        //    doesn't work well with a cmd.exe command line.
        //
        //    note, replacing " with "" also works well if the arg is passed to a downstream .NET console app.
        //    for example, the command line:
        //          foo.exe "myarg:""my val"""
        //    is parsed by a .NET console app into an arg array:
        //          [ "myarg:\"my val\"" ]
        //    which is the same end result when applying libuv quoting rules. although the actual
        //    command line from libuv quoting rules would look like:
        //          foo.exe "myarg:\"my val\""
        //
        // 3) double-up slashes that precede a quote,
        //    e.g.  hello \world    => "hello \world"
        //          hello\"world    => "hello\\""world"
        //          hello\\"world   => "hello\\\\""world"
        //          hello world\    => "hello world\\"
        //
        //    technically this is not required for a cmd.exe command line, or the batch argument parser.
        //    the reasons for including this as a .cmd quoting rule are:
        //
        //    a) this is optimized for the scenario where the argument is passed from the .cmd file to an
        //       external program. many programs (e.g. .NET console apps) rely on the slash-doubling rule.
        //
        //    b) it's what we've been doing previously (by deferring to node default behavior) and we
        //       haven't heard any complaints about that aspect.
        //
        // note, a weakness of the quoting rules chosen here, is that % is not escaped. in fact, % cannot be
        // escaped when used on the command line directly - even though within a .cmd file % can be escaped
        // by using %%.
        //
        // the saving grace is, on the command line, %var% is left as-is if var is not defined. this contrasts
        // the line parsing rules within a .cmd file, where if var is not defined it is replaced with nothing.
        //
        // one option that was explored was replacing % with ^% - i.e. %var% => ^%var^%. this hack would
        // often work, since it is unlikely that var^ would exist, and the ^ character is removed when the
        // variable is used. the problem, however, is that ^ is not removed when %* is used to pass the args
        // to an external program.
        //
        // an unexplored potential solution for the % escaping problem, is to create a wrapper .cmd file.
        // % can be escaped within a .cmd file.
        let reverse = '"';
        let quoteHit = true;
        for (let i = arg.length; i > 0; i--) {
            // walk the string in reverse
            reverse += arg[i - 1];
            if (quoteHit && arg[i - 1] === '\\') {
                reverse += '\\'; // double the slash
            }
            else if (arg[i - 1] === '"') {
                quoteHit = true;
                reverse += '"'; // double the quote
            }
            else {
                quoteHit = false;
            }
        }
        reverse += '"';
        return reverse.split('').reverse().join('');
    }
    _uvQuoteCmdArg(arg) {
        // Tool runner wraps child_process.spawn() and needs to apply the same quoting as
        // Node in certain cases where the undocumented spawn option windowsVerbatimArguments
        // is used.
        //
        // Since this function is a port of quote_cmd_arg from Node 4.x (technically, lib UV,
        // see https://github.com/nodejs/node/blob/v4.x/deps/uv/src/win/process.c for details),
        // pasting copyright notice from Node within this function:
        //
        //      Copyright Joyent, Inc. and other Node contributors. All rights reserved.
        //
        //      Permission is hereby granted, free of charge, to any person obtaining a copy
        //      of this software and associated documentation files (the "Software"), to
        //      deal in the Software without restriction, including without limitation the
        //      rights to use, copy, modify, merge, publish, distribute, sublicense, and/or
        //      sell copies of the Software, and to permit persons to whom the Software is
        //      furnished to do so, subject to the following conditions:
        //
        //      The above copyright notice and this permission notice shall be included in
        //      all copies or substantial portions of the Software.
        //
        //      THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
        //      IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
        //      FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
        //      AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
        //      LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
        //      FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
        //      IN THE SOFTWARE.
        if (!arg) {
            // Need double quotation for empty argument
            return '""';
        }
        if (!arg.includes(' ') && !arg.includes('\t') && !arg.includes('"')) {
            // No quotation needed
            return arg;
        }
        if (!arg.includes('"') && !arg.includes('\\')) {
            // No embedded double quotes or backslashes, so I can just wrap
            // quote marks around the whole thing.
            return `"${arg}"`;
        }
        // Expected input/output:
        //   input : hello"world
        //   output: "hello\"world"
        //   input : hello""world
        //   output: "hello\"\"world"
        //   input : hello\world
        //   output: hello\world
        //   input : hello\\world
        //   output: hello\\world
        //   input : hello\"world
        //   output: "hello\\\"world"
        //   input : hello\\"world
        //   output: "hello\\\\\"world"
        //   input : hello world\
        //   output: "hello world\\" - note the comment in libuv actually reads "hello world\"
        //                             but it appears the comment is wrong, it should be "hello world\\"
        let reverse = '"';
        let quoteHit = true;
        for (let i = arg.length; i > 0; i--) {
            // walk the string in reverse
            reverse += arg[i - 1];
            if (quoteHit && arg[i - 1] === '\\') {
                reverse += '\\';
            }
            else if (arg[i - 1] === '"') {
                quoteHit = true;
                reverse += '\\';
            }
            else {
                quoteHit = false;
            }
        }
        reverse += '"';
        return reverse.split('').reverse().join('');
    }
    _cloneExecOptions(options) {
        options = options || {};
        const result = {
            cwd: options.cwd || process.cwd(),
            env: options.env || process.env,
            silent: options.silent || false,
            windowsVerbatimArguments: options.windowsVerbatimArguments || false,
            failOnStdErr: options.failOnStdErr || false,
            ignoreReturnCode: options.ignoreReturnCode || false,
            delay: options.delay || 10000
        };
        result.outStream = options.outStream || process.stdout;
        result.errStream = options.errStream || process.stderr;
        return result;
    }
    _getSpawnOptions(options, toolPath) {
        options = options || {};
        const result = {};
        result.cwd = options.cwd;
        result.env = options.env;
        result['windowsVerbatimArguments'] =
            options.windowsVerbatimArguments || this._isCmdFile();
        if (options.windowsVerbatimArguments) {
            result.argv0 = `"${toolPath}"`;
        }
        return result;
    }
    /**
     * Exec a tool.
     * Output will be streamed to the live console.
     * Returns promise with return code
     *
     * @param     tool     path to tool to exec
     * @param     options  optional exec options.  See ExecOptions
     * @returns   number
     */
    exec() {
        return toolrunner_awaiter(this, void 0, void 0, function* () {
            // root the tool path if it is unrooted and contains relative pathing
            if (!isRooted(this.toolPath) &&
                (this.toolPath.includes('/') ||
                    (toolrunner_IS_WINDOWS && this.toolPath.includes('\\')))) {
                // prefer options.cwd if it is specified, however options.cwd may also need to be rooted
                this.toolPath = external_path_.resolve(process.cwd(), this.options.cwd || process.cwd(), this.toolPath);
            }
            // if the tool is only a file name, then resolve it from the PATH
            // otherwise verify it exists (add extension on Windows if necessary)
            this.toolPath = yield which(this.toolPath, true);
            return new Promise((resolve, reject) => toolrunner_awaiter(this, void 0, void 0, function* () {
                this._debug(`exec tool: ${this.toolPath}`);
                this._debug('arguments:');
                for (const arg of this.args) {
                    this._debug(`   ${arg}`);
                }
                const optionsNonNull = this._cloneExecOptions(this.options);
                if (!optionsNonNull.silent && optionsNonNull.outStream) {
                    optionsNonNull.outStream.write(this._getCommandString(optionsNonNull) + external_os_namespaceObject.EOL);
                }
                const state = new ExecState(optionsNonNull, this.toolPath);
                state.on('debug', (message) => {
                    this._debug(message);
                });
                if (this.options.cwd && !(yield exists(this.options.cwd))) {
                    return reject(new Error(`The cwd: ${this.options.cwd} does not exist!`));
                }
                const fileName = this._getSpawnFileName();
                const cp = external_child_process_.spawn(fileName, this._getSpawnArgs(optionsNonNull), this._getSpawnOptions(this.options, fileName));
                let stdbuffer = '';
                if (cp.stdout) {
                    cp.stdout.on('data', (data) => {
                        if (this.options.listeners && this.options.listeners.stdout) {
                            this.options.listeners.stdout(data);
                        }
                        if (!optionsNonNull.silent && optionsNonNull.outStream) {
                            optionsNonNull.outStream.write(data);
                        }
                        stdbuffer = this._processLineBuffer(data, stdbuffer, (line) => {
                            if (this.options.listeners && this.options.listeners.stdline) {
                                this.options.listeners.stdline(line);
                            }
                        });
                    });
                }
                let errbuffer = '';
                if (cp.stderr) {
                    cp.stderr.on('data', (data) => {
                        state.processStderr = true;
                        if (this.options.listeners && this.options.listeners.stderr) {
                            this.options.listeners.stderr(data);
                        }
                        if (!optionsNonNull.silent &&
                            optionsNonNull.errStream &&
                            optionsNonNull.outStream) {
                            const s = optionsNonNull.failOnStdErr
                                ? optionsNonNull.errStream
                                : optionsNonNull.outStream;
                            s.write(data);
                        }
                        errbuffer = this._processLineBuffer(data, errbuffer, (line) => {
                            if (this.options.listeners && this.options.listeners.errline) {
                                this.options.listeners.errline(line);
                            }
                        });
                    });
                }
                cp.on('error', (err) => {
                    state.processError = err.message;
                    state.processExited = true;
                    state.processClosed = true;
                    state.CheckComplete();
                });
                cp.on('exit', (code) => {
                    state.processExitCode = code;
                    state.processExited = true;
                    this._debug(`Exit code ${code} received from tool '${this.toolPath}'`);
                    state.CheckComplete();
                });
                cp.on('close', (code) => {
                    state.processExitCode = code;
                    state.processExited = true;
                    state.processClosed = true;
                    this._debug(`STDIO streams have closed for tool '${this.toolPath}'`);
                    state.CheckComplete();
                });
                state.on('done', (error, exitCode) => {
                    if (stdbuffer.length > 0) {
                        this.emit('stdline', stdbuffer);
                    }
                    if (errbuffer.length > 0) {
                        this.emit('errline', errbuffer);
                    }
                    cp.removeAllListeners();
                    if (error) {
                        reject(error);
                    }
                    else {
                        resolve(exitCode);
                    }
                });
                if (this.options.input) {
                    if (!cp.stdin) {
                        throw new Error('child process missing stdin');
                    }
                    cp.stdin.end(this.options.input);
                }
            }));
        });
    }
}
/**
 * Convert an arg string to an array of args. Handles escaping
 *
 * @param    argString   string of arguments
 * @returns  string[]    array of arguments
 */
function argStringToArray(argString) {
    const args = [];
    let inQuotes = false;
    let escaped = false;
    let arg = '';
    function append(c) {
        // we only escape double quotes.
        if (escaped && c !== '"') {
            arg += '\\';
        }
        arg += c;
        escaped = false;
    }
    for (let i = 0; i < argString.length; i++) {
        const c = argString.charAt(i);
        if (c === '"') {
            if (!escaped) {
                inQuotes = !inQuotes;
            }
            else {
                append(c);
            }
            continue;
        }
        if (c === '\\' && escaped) {
            append(c);
            continue;
        }
        if (c === '\\' && inQuotes) {
            escaped = true;
            continue;
        }
        if (c === ' ' && !inQuotes) {
            if (arg.length > 0) {
                args.push(arg);
                arg = '';
            }
            continue;
        }
        append(c);
    }
    if (arg.length > 0) {
        args.push(arg.trim());
    }
    return args;
}
class ExecState extends external_events_.EventEmitter {
    constructor(options, toolPath) {
        super();
        this.processClosed = false; // tracks whether the process has exited and stdio is closed
        this.processError = '';
        this.processExitCode = 0;
        this.processExited = false; // tracks whether the process has exited
        this.processStderr = false; // tracks whether stderr was written to
        this.delay = 10000; // 10 seconds
        this.done = false;
        this.timeout = null;
        if (!toolPath) {
            throw new Error('toolPath must not be empty');
        }
        this.options = options;
        this.toolPath = toolPath;
        if (options.delay) {
            this.delay = options.delay;
        }
    }
    CheckComplete() {
        if (this.done) {
            return;
        }
        if (this.processClosed) {
            this._setResult();
        }
        else if (this.processExited) {
            this.timeout = (0,external_timers_namespaceObject.setTimeout)(ExecState.HandleTimeout, this.delay, this);
        }
    }
    _debug(message) {
        this.emit('debug', message);
    }
    _setResult() {
        // determine whether there is an error
        let error;
        if (this.processExited) {
            if (this.processError) {
                error = new Error(`There was an error when attempting to execute the process '${this.toolPath}'. This may indicate the process failed to start. Error: ${this.processError}`);
            }
            else if (this.processExitCode !== 0 && !this.options.ignoreReturnCode) {
                error = new Error(`The process '${this.toolPath}' failed with exit code ${this.processExitCode}`);
            }
            else if (this.processStderr && this.options.failOnStdErr) {
                error = new Error(`The process '${this.toolPath}' failed because one or more lines were written to the STDERR stream`);
            }
        }
        // clear the timeout
        if (this.timeout) {
            clearTimeout(this.timeout);
            this.timeout = null;
        }
        this.done = true;
        this.emit('done', error, this.processExitCode);
    }
    static HandleTimeout(state) {
        if (state.done) {
            return;
        }
        if (!state.processClosed && state.processExited) {
            const message = `The STDIO streams did not close within ${state.delay / 1000} seconds of the exit event from process '${state.toolPath}'. This may indicate a child process inherited the STDIO streams and has not yet exited.`;
            state._debug(message);
        }
        state._setResult();
    }
}
//# sourceMappingURL=toolrunner.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/exec/lib/exec.js
var exec_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


/**
 * Exec a command.
 * Output will be streamed to the live console.
 * Returns promise with return code
 *
 * @param     commandLine        command to execute (can include additional args). Must be correctly escaped.
 * @param     args               optional arguments for tool. Escaping is handled by the lib.
 * @param     options            optional exec options.  See ExecOptions
 * @returns   Promise<number>    exit code
 */
function exec_exec(commandLine, args, options) {
    return exec_awaiter(this, void 0, void 0, function* () {
        const commandArgs = tr.argStringToArray(commandLine);
        if (commandArgs.length === 0) {
            throw new Error(`Parameter 'commandLine' cannot be null or empty.`);
        }
        // Path to tool to execute should be first arg
        const toolPath = commandArgs[0];
        args = commandArgs.slice(1).concat(args || []);
        const runner = new tr.ToolRunner(toolPath, args, options);
        return runner.exec();
    });
}
/**
 * Exec a command and get the output.
 * Output will be streamed to the live console.
 * Returns promise with the exit code and collected stdout and stderr
 *
 * @param     commandLine           command to execute (can include additional args). Must be correctly escaped.
 * @param     args                  optional arguments for tool. Escaping is handled by the lib.
 * @param     options               optional exec options.  See ExecOptions
 * @returns   Promise<ExecOutput>   exit code, stdout, and stderr
 */
function getExecOutput(commandLine, args, options) {
    return exec_awaiter(this, void 0, void 0, function* () {
        var _a, _b;
        let stdout = '';
        let stderr = '';
        //Using string decoder covers the case where a mult-byte character is split
        const stdoutDecoder = new StringDecoder('utf8');
        const stderrDecoder = new StringDecoder('utf8');
        const originalStdoutListener = (_a = options === null || options === void 0 ? void 0 : options.listeners) === null || _a === void 0 ? void 0 : _a.stdout;
        const originalStdErrListener = (_b = options === null || options === void 0 ? void 0 : options.listeners) === null || _b === void 0 ? void 0 : _b.stderr;
        const stdErrListener = (data) => {
            stderr += stderrDecoder.write(data);
            if (originalStdErrListener) {
                originalStdErrListener(data);
            }
        };
        const stdOutListener = (data) => {
            stdout += stdoutDecoder.write(data);
            if (originalStdoutListener) {
                originalStdoutListener(data);
            }
        };
        const listeners = Object.assign(Object.assign({}, options === null || options === void 0 ? void 0 : options.listeners), { stdout: stdOutListener, stderr: stdErrListener });
        const exitCode = yield exec_exec(commandLine, args, Object.assign(Object.assign({}, options), { listeners }));
        //flush any remaining characters
        stdout += stdoutDecoder.end();
        stderr += stderrDecoder.end();
        return {
            exitCode,
            stdout,
            stderr
        };
    });
}
//# sourceMappingURL=exec.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/platform.js
var platform_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};


const getWindowsInfo = () => platform_awaiter(void 0, void 0, void 0, function* () {
    const { stdout: version } = yield exec.getExecOutput('powershell -command "(Get-CimInstance -ClassName Win32_OperatingSystem).Version"', undefined, {
        silent: true
    });
    const { stdout: name } = yield exec.getExecOutput('powershell -command "(Get-CimInstance -ClassName Win32_OperatingSystem).Caption"', undefined, {
        silent: true
    });
    return {
        name: name.trim(),
        version: version.trim()
    };
});
const getMacOsInfo = () => platform_awaiter(void 0, void 0, void 0, function* () {
    var _a, _b, _c, _d;
    const { stdout } = yield exec.getExecOutput('sw_vers', undefined, {
        silent: true
    });
    const version = (_b = (_a = stdout.match(/ProductVersion:\s*(.+)/)) === null || _a === void 0 ? void 0 : _a[1]) !== null && _b !== void 0 ? _b : '';
    const name = (_d = (_c = stdout.match(/ProductName:\s*(.+)/)) === null || _c === void 0 ? void 0 : _c[1]) !== null && _d !== void 0 ? _d : '';
    return {
        name,
        version
    };
});
const getLinuxInfo = () => platform_awaiter(void 0, void 0, void 0, function* () {
    const { stdout } = yield exec.getExecOutput('lsb_release', ['-i', '-r', '-s'], {
        silent: true
    });
    const [name, version] = stdout.trim().split('\n');
    return {
        name,
        version
    };
});
const platform = external_os_namespaceObject.platform();
const arch = external_os_namespaceObject.arch();
const isWindows = platform === 'win32';
const isMacOS = platform === 'darwin';
const isLinux = platform === 'linux';
function getDetails() {
    return platform_awaiter(this, void 0, void 0, function* () {
        return Object.assign(Object.assign({}, (yield (isWindows
            ? getWindowsInfo()
            : isMacOS
                ? getMacOsInfo()
                : getLinuxInfo()))), { platform,
            arch,
            isWindows,
            isMacOS,
            isLinux });
    });
}
//# sourceMappingURL=platform.js.map
;// CONCATENATED MODULE: ./node_modules/@actions/core/lib/core.js
var core_awaiter = (undefined && undefined.__awaiter) || function (thisArg, _arguments, P, generator) {
    function adopt(value) { return value instanceof P ? value : new P(function (resolve) { resolve(value); }); }
    return new (P || (P = Promise))(function (resolve, reject) {
        function fulfilled(value) { try { step(generator.next(value)); } catch (e) { reject(e); } }
        function rejected(value) { try { step(generator["throw"](value)); } catch (e) { reject(e); } }
        function step(result) { result.done ? resolve(result.value) : adopt(result.value).then(fulfilled, rejected); }
        step((generator = generator.apply(thisArg, _arguments || [])).next());
    });
};






/**
 * The code to exit an action
 */
var ExitCode;
(function (ExitCode) {
    /**
     * A code indicating that the action was successful
     */
    ExitCode[ExitCode["Success"] = 0] = "Success";
    /**
     * A code indicating that the action was a failure
     */
    ExitCode[ExitCode["Failure"] = 1] = "Failure";
})(ExitCode || (ExitCode = {}));
//-----------------------------------------------------------------------
// Variables
//-----------------------------------------------------------------------
/**
 * Sets env variable for this action and future actions in the job
 * @param name the name of the variable to set
 * @param val the value of the variable. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function exportVariable(name, val) {
    const convertedVal = toCommandValue(val);
    process.env[name] = convertedVal;
    const filePath = process.env['GITHUB_ENV'] || '';
    if (filePath) {
        return issueFileCommand('ENV', prepareKeyValueMessage(name, val));
    }
    issueCommand('set-env', { name }, convertedVal);
}
/**
 * Registers a secret which will get masked from logs
 *
 * @param secret - Value of the secret to be masked
 * @remarks
 * This function instructs the Actions runner to mask the specified value in any
 * logs produced during the workflow run. Once registered, the secret value will
 * be replaced with asterisks (***) whenever it appears in console output, logs,
 * or error messages.
 *
 * This is useful for protecting sensitive information such as:
 * - API keys
 * - Access tokens
 * - Authentication credentials
 * - URL parameters containing signatures (SAS tokens)
 *
 * Note that masking only affects future logs; any previous appearances of the
 * secret in logs before calling this function will remain unmasked.
 *
 * @example
 * ```typescript
 * // Register an API token as a secret
 * const apiToken = "abc123xyz456";
 * setSecret(apiToken);
 *
 * // Now any logs containing this value will show *** instead
 * console.log(`Using token: ${apiToken}`); // Outputs: "Using token: ***"
 * ```
 */
function core_setSecret(secret) {
    issueCommand('add-mask', {}, secret);
}
/**
 * Prepends inputPath to the PATH (for this action and future actions)
 * @param inputPath
 */
function addPath(inputPath) {
    const filePath = process.env['GITHUB_PATH'] || '';
    if (filePath) {
        issueFileCommand('PATH', inputPath);
    }
    else {
        issueCommand('add-path', {}, inputPath);
    }
    process.env['PATH'] = `${inputPath}${path.delimiter}${process.env['PATH']}`;
}
/**
 * Gets the value of an input.
 * Unless trimWhitespace is set to false in InputOptions, the value is also trimmed.
 * Returns an empty string if the value is not defined.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string
 */
function getInput(name, options) {
    const val = process.env[`INPUT_${name.replace(/ /g, '_').toUpperCase()}`] || '';
    if (options && options.required && !val) {
        throw new Error(`Input required and not supplied: ${name}`);
    }
    if (options && options.trimWhitespace === false) {
        return val;
    }
    return val.trim();
}
/**
 * Gets the values of an multiline input.  Each value is also trimmed.
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   string[]
 *
 */
function getMultilineInput(name, options) {
    const inputs = getInput(name, options)
        .split('\n')
        .filter(x => x !== '');
    if (options && options.trimWhitespace === false) {
        return inputs;
    }
    return inputs.map(input => input.trim());
}
/**
 * Gets the input value of the boolean type in the YAML 1.2 "core schema" specification.
 * Support boolean input list: `true | True | TRUE | false | False | FALSE` .
 * The return value is also in boolean type.
 * ref: https://yaml.org/spec/1.2/spec.html#id2804923
 *
 * @param     name     name of the input to get
 * @param     options  optional. See InputOptions.
 * @returns   boolean
 */
function getBooleanInput(name, options) {
    const trueValue = ['true', 'True', 'TRUE'];
    const falseValue = ['false', 'False', 'FALSE'];
    const val = getInput(name, options);
    if (trueValue.includes(val))
        return true;
    if (falseValue.includes(val))
        return false;
    throw new TypeError(`Input does not meet YAML 1.2 "Core Schema" specification: ${name}\n` +
        `Support boolean input list: \`true | True | TRUE | false | False | FALSE\``);
}
/**
 * Sets the value of an output.
 *
 * @param     name     name of the output to set
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function setOutput(name, value) {
    const filePath = process.env['GITHUB_OUTPUT'] || '';
    if (filePath) {
        return issueFileCommand('OUTPUT', prepareKeyValueMessage(name, value));
    }
    process.stdout.write(os.EOL);
    issueCommand('set-output', { name }, toCommandValue(value));
}
/**
 * Enables or disables the echoing of commands into stdout for the rest of the step.
 * Echoing is disabled by default if ACTIONS_STEP_DEBUG is not set.
 *
 */
function setCommandEcho(enabled) {
    issue('echo', enabled ? 'on' : 'off');
}
//-----------------------------------------------------------------------
// Results
//-----------------------------------------------------------------------
/**
 * Sets the action status to failed.
 * When the action exits it will be with an exit code of 1
 * @param message add error issue message
 */
function setFailed(message) {
    process.exitCode = ExitCode.Failure;
    error(message);
}
//-----------------------------------------------------------------------
// Logging Commands
//-----------------------------------------------------------------------
/**
 * Gets whether Actions Step Debug is on or not
 */
function isDebug() {
    return process.env['RUNNER_DEBUG'] === '1';
}
/**
 * Writes debug message to user log
 * @param message debug message
 */
function core_debug(message) {
    command_issueCommand('debug', {}, message);
}
/**
 * Adds an error issue
 * @param message error issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function error(message, properties = {}) {
    command_issueCommand('error', utils_toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a warning issue
 * @param message warning issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function core_warning(message, properties = {}) {
    command_issueCommand('warning', utils_toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Adds a notice issue
 * @param message notice issue message. Errors will be converted to string via toString()
 * @param properties optional properties to add to the annotation.
 */
function notice(message, properties = {}) {
    issueCommand('notice', toCommandProperties(properties), message instanceof Error ? message.toString() : message);
}
/**
 * Writes info to log with console.log.
 * @param message info message
 */
function info(message) {
    process.stdout.write(message + external_os_namespaceObject.EOL);
}
/**
 * Begin an output group.
 *
 * Output until the next `groupEnd` will be foldable in this group
 *
 * @param name The name of the output group
 */
function startGroup(name) {
    command_issue('group', name);
}
/**
 * End an output group.
 */
function endGroup() {
    command_issue('endgroup');
}
/**
 * Wrap an asynchronous function call in a group.
 *
 * Returns the same type as the function itself.
 *
 * @param name The name of the group
 * @param fn The function to wrap in the group
 */
function group(name, fn) {
    return core_awaiter(this, void 0, void 0, function* () {
        startGroup(name);
        let result;
        try {
            result = yield fn();
        }
        finally {
            endGroup();
        }
        return result;
    });
}
//-----------------------------------------------------------------------
// Wrapper action state
//-----------------------------------------------------------------------
/**
 * Saves state for current action, the state can only be retrieved by this action's post job execution.
 *
 * @param     name     name of the state to store
 * @param     value    value to store. Non-string values will be converted to a string via JSON.stringify
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
function saveState(name, value) {
    const filePath = process.env['GITHUB_STATE'] || '';
    if (filePath) {
        return issueFileCommand('STATE', prepareKeyValueMessage(name, value));
    }
    issueCommand('save-state', { name }, toCommandValue(value));
}
/**
 * Gets the value of an state set by this action's main execution.
 *
 * @param     name     name of the state to get
 * @returns   string
 */
function getState(name) {
    return process.env[`STATE_${name}`] || '';
}
function getIDToken(aud) {
    return core_awaiter(this, void 0, void 0, function* () {
        return yield OidcClient.getIDToken(aud);
    });
}
/**
 * Summary exports
 */

/**
 * @deprecated use core.summary
 */

/**
 * Path exports
 */

/**
 * Platform utilities exports
 */

//# sourceMappingURL=core.js.map
// EXTERNAL MODULE: ./src/errors.ts
var errors = __nccwpck_require__(3916);
// EXTERNAL MODULE: ./src/trust/doctor/finding.ts
var finding = __nccwpck_require__(5525);
;// CONCATENATED MODULE: ./src/action/diagnosis.ts
/** What the doctor finds when a step of the job has failed, in the log. */



/** Errors that are about hosts: of others the doctor knows nothing. */
const ABOUT_HOSTS = /^(host|login|remote|bootstrap|trust)-/;
/** When main has failed because of hosts. */
async function explainFailure({ hosts, bootstrap }, error) {
    if (!(error instanceof TrustError) || !ABOUT_HOSTS.test(error.code) || !isWanted())
        return;
    const { diagnoseHosts } = await __nccwpck_require__.e(/* import() */ 242).then(__nccwpck_require__.bind(__nccwpck_require__, 2242)); // and all of the doctor with it
    const failed = {
        hosts,
        message: error.message,
        ...(bootstrap === undefined ? {} : { credentials: bootstrap.credentials }),
        env: process.env,
    };
    await tell(async () => diagnoseHosts(failed));
}
/** In post, when a later step of the job has failed. */
async function explainFailedJob() {
    const hosts = getInput('hosts');
    if (getInput('job-status') !== 'failure' || hosts === '' || !isWanted())
        return;
    const { diagnoseAgain } = await __nccwpck_require__.e(/* import() */ 242).then(__nccwpck_require__.bind(__nccwpck_require__, 2242));
    await tell(async () => diagnoseAgain(hosts, process.env));
}
function isWanted() {
    return getInput('diagnose').toLowerCase() !== 'false';
}
/** A look that fails must not hide the failure that it was to explain. */
async function tell(look) {
    try {
        const findings = await look();
        if (findings.length === 0)
            return;
        startGroup('What ssh-trust doctor finds');
        for (const line of (0,finding/* formatFindings */.eg)(findings, false).trimEnd().split('\n'))
            info(line);
        endGroup();
    }
    catch (error) {
        core_debug((0,errors/* explain */.WE)(error));
    }
}

;// CONCATENATED MODULE: ./src/action/failure.ts
/** How the action fails: one clear error, as an annotation and as the step's result. */


function fail(error) {
    setFailed((0,errors/* explain */.WE)(error));
    if (error instanceof Error)
        core_debug(error.stack ?? '');
}

;// CONCATENATED MODULE: ./src/action/state.ts
/** What main leaves for post. Nothing else is kept; without it post does nothing. */

function state_saveState(journal, token) {
    core.setSecret(token);
    core.saveState('journal', journal);
    core.saveState('token', token);
}
function readState() {
    return { journal: getState('journal'), token: getState('token') };
}
/** The same state as environment, for a post that the agent starts when the runner has died. */
function stateEnv(journal, token) {
    return { STATE_journal: journal, STATE_token: token };
}

// EXTERNAL MODULE: ./src/trust/advice.ts
var trust_advice = __nccwpck_require__(2512);
// EXTERNAL MODULE: ./src/trust/report.ts
var trust_report = __nccwpck_require__(7146);
;// CONCATENATED MODULE: ./src/action/summary.ts
/** The job summary that post writes: hosts, keys, every use of a key, and what was taken back. */




/** Uses shown; the runner allows a summary of 1 MiB. */
const MAX_USES = 200;
/** Lines of authorized_keys that are shown. */
const MAX_REVOKED = 200;
/** Refusals that the log lists, and kinds of them that are warned of: the runner annotates ten a step. */
const MAX_LINES = 20;
const MAX_WARNINGS = 10;
function escapeHtml(text) {
    return (0,trust_report/* oneLine */.T)(text).replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);
}
function row(cells) {
    return cells.map(escapeHtml);
}
function header(cells) {
    return cells.map((data) => ({ data, header: true }));
}
const VERDICTS = { signed: '✓ signed', done: '✓ done', refused: '✗ refused' };
/** One entry of the audit as a table row; also what the log says of refusals. */
function useRow({ time, request, verdict, reason, ...use }) {
    return [
        time.slice(11, 19),
        use.comment === undefined ? (use.key ?? '–') : `${use.key ?? ''} ${use.comment}`,
        use.host ?? use.hostKey ?? '–',
        use.user ?? '–',
        use.forwarded === true ? 'forwarded' : '–',
        request === 'sign' ? VERDICTS[verdict] : `${VERDICTS[verdict]} (${request})`,
        use.detail === undefined ? reason : `${reason}: ${use.detail}`,
    ];
}
const USE_HEADER = ['Time (UTC)', 'Key', 'Host', 'User', 'Forwarded', 'Verdict', 'Reason'];
/** The entries that are shown, where not all can be: refusals must not hide what was done. */
function shownUses(entries) {
    if (entries.length <= MAX_USES)
        return [...entries];
    const isRefusal = ({ verdict }) => verdict === 'refused';
    const done = entries.filter((entry) => !isRefusal(entry));
    return [...done, ...entries.filter(isRefusal)].slice(0, MAX_USES);
}
/** A row for each line that `revoke-keys` took out, or left since the job uses its key. */
function revocationRows({ host, user, file, removed, kept, error }) {
    const about = (what, detail) => [
        `${user}@${host}`,
        what,
        file ?? '–',
        detail,
    ];
    if (error !== undefined)
        return [about('✗ failed', error)];
    const rows = [
        ...removed.map((line) => about('✓ removed', shortened(line))),
        ...kept.map((line) => about('kept, since this job uses it', shortened(line))),
    ];
    return rows.length > 0 ? rows : [about('nothing to remove', '–')];
}
/** A line of authorized_keys with the middle of its key left out. */
function shortened(line) {
    return line.replace(/[A-Za-z0-9+/=]{60,}/g, (key) => `${key.slice(0, 24)}…${key.slice(-24)}`);
}
/** What bootstrap found out about hosts, and what `revoke-keys` did there. */
function addFindings({ hosts, grants, revocations = [] }) {
    const { /* summary */ "z": summary } = core_namespaceObject;
    const coming = hosts.flatMap(({ name, coming: keys = [] }) => keys.map(({ keyType, fingerprint }) => row([name, keyType, fingerprint])));
    if (coming.length > 0) {
        summary.addTable([header(['Host', 'Also holds, proven, not pinned', 'Fingerprint']), ...coming]);
    }
    const warnings = warningsIn(grants);
    if (warnings.length > 0)
        summary.addList(warnings.map(escapeHtml));
    const rows = revocations.flatMap(revocationRows);
    if (rows.length === 0)
        return;
    const shown = rows.slice(0, MAX_REVOKED);
    summary.addTable([
        header(['Account', 'Earlier trust', 'File', 'Line, or why not']),
        ...shown.map(row),
    ]);
    const hidden = rows.length - shown.length;
    if (hidden > 0)
        summary.addRaw(`${hidden} more lines are in the report and not shown.`, true);
}
/** Each once, though it is told of every key of a host. */
function warningsIn(grants) {
    return [...new Set(grants.flatMap(({ warnings = [] }) => warnings))];
}
async function writeSummary({ report, audit, effects }) {
    if ((process.env['GITHUB_STEP_SUMMARY'] ?? '') === '')
        return;
    const { /* summary */ "z": summary } = core_namespaceObject;
    summary.addHeading('SSH trust', 2);
    if (report !== undefined) {
        if (report.hosts.length > 0) {
            summary.addTable([
                header(['Host', 'Address', 'Host key', 'Pin']),
                ...report.hosts.map(({ name, host, port, keyType, fingerprint, pin }) => row([`✓ ${name}`, `${host}:${port}`, `${keyType} ${fingerprint}`, pin])),
            ]);
        }
        addFindings(report);
        const [heading, ...rows] = report.hostTrust?.table ?? [];
        if (heading !== undefined && rows.length > 0) {
            summary.addTable([header(heading.map(escapeHtml)), ...rows.map(row)]);
        }
        summary.addTable([
            header(['Key', 'Type', 'Fingerprint', 'Comment']),
            ...report.keys.map(({ origin, type, fingerprint, comment }) => row([origin, type, fingerprint, comment])),
        ]);
    }
    const { entries, omitted } = audit;
    if (entries.length === 0)
        summary.addRaw('No key was used.', true);
    else {
        const uses = shownUses(entries);
        summary.addTable([header(USE_HEADER), ...uses.map((use) => row(useRow(use)))]);
        const hidden = entries.length - uses.length;
        if (hidden > 0)
            summary.addRaw(`${hidden} more are in the audit and not shown.`, true);
    }
    if (omitted > 0)
        summary.addRaw(`${omitted} more had no room in the audit.`, true);
    const failed = effects.filter(({ outcome }) => outcome === 'failed');
    if (failed.length === 0)
        summary.addRaw('Everything was taken back.', true);
    else {
        summary.addRaw('Not everything could be taken back:', true);
        summary.addList(failed.map(({ kind, target, detail }) => escapeHtml(`${kind} ${target}: ${detail ?? ''}`)));
    }
    await summary.write().catch((error) => {
        core_warning(`The job summary could not be written: ${(0,errors/* explain */.WE)(error)}`);
    });
}
/** What the log of post says; things left behind are warnings, never a failed job. */
function logTeardown({ report, audit: { entries, omitted }, effects, }) {
    const count = (verdict) => entries.filter((entry) => entry.verdict === verdict).length;
    info(`Signatures made: ${count('signed')}. Requests refused: ${count('refused')}.`);
    if (omitted > 0)
        info(`Not told, for the audit was full: ${omitted} requests.`);
    const refusals = entries.filter(({ verdict }) => verdict === 'refused');
    for (const use of refusals.slice(0, MAX_LINES)) {
        info((0,trust_report/* oneLine */.T)(`  refused: ${useRow(use).join('  ')}`));
    }
    for (const { kind, target, outcome, detail } of effects) {
        const words = `${kind} ${target}: ${outcome}${detail === undefined ? '' : ` (${detail})`}`;
        if (outcome === 'failed')
            core_warning(`Could not take back ${words}`);
        else if (outcome === 'undone' || detail !== undefined)
            info(`  ${words}`);
    }
    for (const warning of warningsIn(report?.grants ?? []))
        core_warning((0,trust_report/* oneLine */.T)(warning));
    warnOfRefusals(lasting(entries)); // last: the runner annotates ten a step, and those above matter more
}
/**
 * Refusals but those that ssh got over by itself: it tries each key, and a later one was signed for the
 * same user.
 */
function lasting(entries) {
    return entries.filter(({ verdict, reason, user }, index) => {
        if (verdict !== 'refused')
            return false;
        if (reason !== 'user-not-allowed' && reason !== 'key-not-for-host')
            return true;
        const next = entries.slice(index + 1).find((entry) => entry.request === 'sign');
        return next?.verdict !== 'signed' || next.user !== user;
    });
}
/** One warning for each kind of refusal that the workflow can mend, saying how. */
function warnOfRefusals(refusals) {
    const alike = new Map();
    for (const refusal of refusals) {
        const advice = (0,trust_advice/* adviceFor */.c)(refusal);
        if (advice !== undefined)
            alike.set(advice, [...(alike.get(advice) ?? []), refusal]);
    }
    for (const [advice, [first, ...others]] of [...alike].slice(0, MAX_WARNINGS)) {
        if (first === undefined)
            continue;
        const where = first.host ?? first.hostKey;
        const who = first.user === undefined || where === undefined ? where : `${first.user}@${where}`;
        const target = who === undefined ? '' : ` for ${who}`;
        const times = others.length === 0 ? '' : ` (${others.length + 1} times)`;
        core_warning((0,trust_report/* oneLine */.T)(`The agent refused${target}${times}: ${first.reason}. ${advice}`), {
            title: 'SSH trust',
        });
    }
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __nccwpck_require__(3024);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __nccwpck_require__(6760);
// EXTERNAL MODULE: ./src/agent/audit.ts
var audit = __nccwpck_require__(910);
// EXTERNAL MODULE: ./src/local/files.ts
var files = __nccwpck_require__(1436);
// EXTERNAL MODULE: ./src/process-identity.ts
var process_identity = __nccwpck_require__(2837);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __nccwpck_require__(8161);
// EXTERNAL MODULE: ./src/ssh/certificate.ts
var certificate = __nccwpck_require__(5921);
// EXTERNAL MODULE: ./src/ssh/key-exchange.ts
var key_exchange = __nccwpck_require__(707);
// EXTERNAL MODULE: ./src/ssh/known-hosts.ts
var known_hosts = __nccwpck_require__(2979);
;// CONCATENATED MODULE: ./src/local/ssh-config.ts
/** The job's ssh_config and known_hosts, and the lines that include them for this job alone. */




/** All files that ssh reads, as path and text. The last one is the job's ssh_config. */
function renderSshFiles(hosts, paths) {
    const clients = clientsOf(paths);
    const names = [...blocksOf(hosts).keys()];
    return [
        [paths.knownHosts, renderKnownHosts(hosts)],
        ...clients.flatMap((client) => [
            [client.agentFile, names.map((name) => renderAgentBlock(name, client.agent)).join('\n')],
            [
                client.homeFile,
                `Match exec "${client.condition}"\n    Include ${client.pathOf(paths.config)}\n`,
            ],
        ]),
        [
            paths.config,
            renderSshConfig(hosts, {
                ...paths,
                agentFiles: clients.map(({ agentFile, pathOf }) => pathOf(agentFile)),
            }),
        ],
    ];
}
/**
 * Windows has two kinds of ssh, which read the same files: its own (in pwsh and cmd), which wants a
 * pipe, and that of Git (in bash, and for git everywhere), which wants a Cygwin socket. What is for
 * one of them alone stands in a file of its own. Elsewhere there is one kind, and no such file.
 */
function clientsOf({ config, socket, pipe }) {
    if (pipe === undefined)
        return [];
    const directory = posix.dirname(config);
    return [
        {
            agentFile: `${directory}/agent-win32`,
            homeFile: `${directory}/home-win32`,
            agent: pipe,
            // By cmd.exe. A variable that is not set stays as it is written, and is equal to neither. The
            // x keeps a slash in front from being taken for an option.
            condition: `if x%%SSH_AUTH_SOCK%% NEQ x${socket} if x%%SSH_AUTH_SOCK%% NEQ x${pipe} exit 1`,
            pathOf: (path) => path, // `D:/…` is relative for MSYS, below ~/.ssh
        },
        {
            agentFile: `${directory}/agent-msys`,
            homeFile: `${directory}/home-msys`,
            agent: socket,
            // By a shell that may find no other program.
            condition: `case $SSH_AUTH_SOCK in ${socket}|${pipe}) ;; *) exit 1 ;; esac`,
            pathOf: cygdrive,
        },
    ];
}
/** `D:/…` as only Cygwin and MSYS know it; neither lets its users choose another name for this. */
function cygdrive(path) {
    const { drive = '', rest = '' } = /^(?<drive>[A-Za-z]):(?<rest>\/.*)$/.exec(path)?.groups ?? {};
    return `/proc/cygdrive/${drive.toLowerCase()}${rest}`;
}
function renderAgentBlock(name, agent) {
    return `Host ${patternsOf(name)}\n    IdentityAgent ${agent}\n`;
}
/** known_hosts with proven keys alone; for a host CA the CA's key, which its certificates prove. */
function renderKnownHosts(hosts) {
    const lines = hosts.map(({ host, port, hostKey, pin }) => {
        const names = [knownHostsName(host, port)];
        return pin.kind === 'cert-authority'
            ? formatKnownHostsLine(names, pin.key.blob, '@cert-authority')
            : formatKnownHostsLine(names, hostKey);
    });
    return [...new Set(lines)].join('');
}
/** The hosts by each name under which they may be called. */
function blocksOf(hosts) {
    const blocks = new Map();
    const add = (name, host) => {
        const block = blocks.get(name);
        if (block === undefined)
            blocks.set(name, { first: host, all: [host] });
        else
            block.all.push(host);
    };
    // What a line calls its host comes first; then the real names of hosts that have an alias.
    for (const host of hosts)
        add(host.alias ?? host.host, host);
    for (const host of hosts)
        if (host.alias !== undefined)
            add(host.host, host);
    return blocks;
}
/** What stands behind `Host`: ssh looks for the name as it is typed, or in lower case. */
function patternsOf(name) {
    return [...new Set([name, name.toLowerCase()])].join(' ');
}
/**
 * The job's ssh_config: a block for each name under which a host may be called. Everything that
 * decides about trust is said here, so that nothing in other files can loosen it.
 *
 * @param paths `agentFiles`: where these are given, they say which agent is used
 */
function renderSshConfig(hosts, paths) {
    const { knownHosts, socket, agentFiles = [] } = paths;
    const shared = agentFiles.length === 0;
    const blocks = [...blocksOf(hosts)]
        .map(([name, { first, all }]) => {
        const named = (first.alias ?? first.host) === name;
        const algorithms = new Set(all.map(({ hostKey }) => algorithmsFor(hostKey).join(',')));
        const lines = [
            ...(first.host === name ? [] : [`HostName ${first.host.replaceAll('%', '%%')}`]),
            ...(named ? [`Port ${first.port}`] : []),
            ...(named && first.user !== undefined ? [`User ${first.user}`] : []),
            `UserKnownHostsFile ${knownHosts}`,
            'GlobalKnownHostsFile /dev/null',
            'StrictHostKeyChecking yes',
            'CheckHostIP no',
            'UpdateHostKeys no',
            // Where one name stands for servers with keys of different types, ssh itself asks for the
            // type that known_hosts has for the port.
            ...(algorithms.size === 1 ? [`HostKeyAlgorithms ${[...algorithms].join('')}`] : []),
            ...(shared ? [`IdentityAgent ${socket}`] : []),
            // `yes` is the agent that ssh itself uses.
            ...(named && first.forward ? [`ForwardAgent ${shared ? socket : 'yes'}`] : []),
        ];
        return `Host ${patternsOf(name)}\n${lines.map((line) => `    ${line}\n`).join('')}`;
    })
        .join('\n');
    return [...agentFiles.map((path) => `Include ${path}\n`), blocks].join('');
}
/** The algorithms under which the server will show this very key again. */
function algorithmsFor(hostKey) {
    const { type, certified } = kindOfKey(hostKey);
    return hostKeyAlgorithms(type, certified);
}
/**
 * The lines that include the job's ssh_config where the job's agent is in use, and nowhere else: jobs
 * side by side don't see each other. On Windows each kind of ssh has its own condition, in a file that
 * is for it alone.
 */
function ssh_config_includeLines(paths) {
    const clients = clientsOf(paths);
    return clients.length === 0
        ? conditionalInclude(paths)
        : clients.map(({ homeFile, pathOf }) => `Include ${pathOf(homeFile)}`);
}
/**
 * `Match all` gives what follows its old meaning. (Quotes inside `exec` fail on OpenSSH 9.2: the paths
 * must need none. asyncssh splits Match lines at every `=`, so there is none.)
 */
function conditionalInclude({ socket, config }) {
    return [
        `Match exec "printenv SSH_AUTH_SOCK | grep -qxF ${socket}"`,
        `    Include ${config}`,
        'Match all',
    ];
}

;// CONCATENATED MODULE: ./src/local/home-block.ts
/**
 * The job's block in ~/.ssh/config. It says of itself whose it is, and the file says whether we made it:
 * so whoever comes last can leave things as they were, be the job's own directory gone or not.
 */




/** Names in a file that we made: by the last of these, with its directory. */
const MADE = {
    file: '# ssh-trust made this file',
    directory: '# ssh-trust made this file and .ssh',
};
const BEGIN = /^# >>> ssh-trust (?<id>[A-Za-z0-9]{6}) on (?<host>\S+) since (?<since>\S+)$/;
/** This machine, or container, in one word: pids mean something only within it. */
function home_block_thisMachine() {
    const name = hostname().replace(/[^A-Za-z0-9._-]/g, '_');
    if (process.platform !== 'linux')
        return name;
    try {
        return `${name}/${/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? ''}`;
    }
    catch {
        return name;
    }
}
/** The block of a job. It goes first, and what follows keeps its old meaning. */
function home_block_homeBlock(id, paths, since = new Date()) {
    return [
        `# >>> ssh-trust ${id} on ${home_block_thisMachine()} since ${since.toISOString()}`,
        ...includeLines(paths),
        `# <<< ssh-trust ${id}`,
    ];
}
/**
 * `text` with the block in front.
 *
 * @param text undefined where there is no such file
 * @param made what there was not, either, before the first block
 */
function home_block_addBlock(text, lines, made = 'file') {
    return `${lines.join('\n')}\n${text ?? `${MADE[made]}\n`}`;
}
/**
 * `text` without the block. Lines that somebody put between ours stay, and so does whatever else is
 * there, to the byte. With the last block goes the word that we made the file, and with nothing else in
 * it the file itself.
 *
 * @returns `text` is undefined where the file is to go; `made` says with what else
 */
function removeBlock(text, lines) {
    const rest = withoutLines(text, lines);
    if (rest === text || /^# >>> ssh-trust /m.test(rest))
        return { text: rest };
    for (const made of ['file', 'directory']) {
        // Split after each newline, so that joining gives back every byte.
        const others = linesOf(rest).filter((line) => bare(line) !== MADE[made]);
        const left = others.join('');
        if (left === rest)
            continue;
        return left === '' ? { text: undefined, made } : { text: left, made };
    }
    return { text: rest };
}
function linesOf(text) {
    return text.split(/(?<=\n)/);
}
function bare(line) {
    return line.replace(/\r?\n$/, '');
}
function withoutLines(text, lines) {
    const [begin, ...rest] = lines;
    const end = rest.at(-1);
    const ended = end !== undefined && text.includes(end);
    const kept = [];
    let inside = false;
    let condition = false; // of somebody else, among our lines
    let closing;
    for (const whole of linesOf(text)) {
        const line = bare(whole);
        if (line === begin) {
            inside = true;
            condition = false;
            closing = undefined;
        }
        // `Match all` alone is no mark of ours: it is ours only inside the block.
        const ours = lines.includes(line) && (inside || line !== 'Match all');
        if (inside && !ours && /^\s*(host|match)[\s=]/i.test(line)) {
            condition = true;
            if (closing !== undefined)
                kept.splice(closing, 1);
            closing = undefined;
        }
        // What follows must not come to depend on a condition that stays, such as ours changed by hand.
        const closes = ours && line === 'Match all' && condition;
        if (closes)
            closing = kept.length;
        if (!ours || closes)
            kept.push(whole);
        // Where the end is gone, the block ends with the first line that is not ours, or `Match all`.
        if (line === end || (!ended && (!ours || line === 'Match all')))
            inside = false;
    }
    return kept.join('');
}
const OURS = (/* unused pure expression or super */ null && ([
    /^Match exec "printenv SSH_AUTH_SOCK \| grep -qxF \S+"$/,
    /^    Include \S+\/ssh-trust-[A-Za-z0-9]{6}\/config$/,
    /^Match all$/,
    /^Include \S+\/ssh-trust-[A-Za-z0-9]{6}\/home-(win32|msys)$/,
    /^# <<< ssh-trust [A-Za-z0-9]{6}$/,
]));
/** The whole blocks in `text`: what is not in the form that we write is nobody's. */
function home_block_findBlocks(text) {
    const lines = linesOf(text).map(bare);
    return lines.flatMap((line, index) => {
        const { id, host, since } = BEGIN.exec(line)?.groups ?? {};
        if (id === undefined || host === undefined || since === undefined)
            return [];
        const size = lines.slice(index).indexOf(`# <<< ssh-trust ${id}`) + 1;
        const block = lines.slice(index, index + size);
        const config = block.map((one) => /^ *Include (\S+)$/.exec(one)?.[1]).find(Boolean);
        if (config === undefined)
            return [];
        // Only lines in the very form that we write: what others put between them is theirs.
        const ours = block.filter((one) => one === line || OURS.some((form) => form.test(one)));
        const directory = posix.dirname(config);
        return [{ id, host, since: new Date(since), directory, lines: ours }];
    });
}

;// CONCATENATED MODULE: ./src/local/job-record.ts
/**
 * Who a job is: beside the journal, so that others can tell whether it is still there, and whether they
 * belong to it.
 */





const NAME = 'job.json';
const LEFT = 'left';
function recordJob(directory, runner) {
    const record = {
        host: thisMachine(),
        main: identify(process.pid) ?? { pid: process.pid },
        ...(runner === undefined ? {} : { runner }),
    };
    writeNewFile(posix.join(directory, NAME), `${JSON.stringify(record)}\n`);
}
/** Undefined where there is none that can be read. */
function job_record_readJob(directory) {
    try {
        const record = JSON.parse(readText(posix.join(directory, NAME)) ?? '');
        const { host, main, runner } = record;
        if (host === undefined || main === undefined)
            return undefined;
        return { host, main, ...(runner === undefined ? {} : { runner }) };
    }
    catch {
        return undefined;
    }
}
/** Says that all of the job was taken back but the directory, with the agent that others still use. */
function noteLeft(directory) {
    if (!job_record_hasLeft(directory))
        (0,files/* writeNewFile */.S0)(external_node_path_.posix.join(directory, LEFT), '');
}
function job_record_hasLeft(directory) {
    return (0,external_node_fs_.existsSync)(external_node_path_.posix.join(directory, LEFT));
}

// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __nccwpck_require__(1421);
// EXTERNAL MODULE: external "node:util/types"
var types_ = __nccwpck_require__(3429);
;// CONCATENATED MODULE: ./src/local/journal.ts
/**
 * The journal: before every effect outside the job's directory a line is written and synced; teardown
 * replays the lines in reverse. It holds no secret.
 */







const PREFIX = 'ssh-trust-';
/** How often a removal is tried again, each after 100 ms more: scanners of Windows hold files open. */
const RETRIES = 5;
/** Name of the journal in the job's directory. */
const journal_NAME = 'journal.jsonl';
/** Of the agent's socket, in the job's directory. */
const SOCKET = 'agent.sock';
const RULES = {
    // 107 bytes on Linux, 103 on macOS (sun_path, with its terminating zero).
    posix: { plain: /^\/[A-Za-z0-9/._+-]*$/, longest: 103, last: '/tmp' },
    // On a drive, since Cygwin's name for the path begins with that. Win32-OpenSSH cuts off what is longer.
    win32: { plain: /^[A-Za-z]:\/[A-Za-z0-9/._+~-]*$/, longest: 107, last: undefined },
};
/** Where jobs may have their directories. */
function parents(runnerTemp, platform) {
    const { last } = RULES[platform === 'win32' ? 'win32' : 'posix'];
    const candidates = [runnerTemp, tmpdir(), last];
    return [...new Set(candidates.filter((path) => path !== undefined && path !== ''))];
}
/** The directories of jobs on this machine that belong to this user: their journals' paths. */
function findJournals(runnerTemp) {
    const user = process.geteuid?.();
    return parents(runnerTemp, process.platform).flatMap((parent) => {
        let names;
        try {
            names = readdirSync(parent);
        }
        catch {
            return []; // not there, or not to be read
        }
        return names
            .map((name) => posix.join(parent, name, journal_NAME))
            .filter((path) => {
            if (!journal_isJournalPath(path))
                return false;
            const stat = lstatSync(dirname(path), { throwIfNoEntry: false });
            return stat?.isDirectory() === true && (user === undefined || stat.uid === user);
        });
    });
}
/**
 * Makes the job's directory and opens its journal.
 *
 * The directory is the first of `RUNNER_TEMP`, the system's temporary directory and /tmp in which the
 * agent's socket has a path that is short enough and needs no quoting in an ssh_config.
 *
 * @throws TrustError `temp-unusable`
 */
function openJournal(runnerTemp, platform = process.platform) {
    const directory = makeDirectory(parents(runnerTemp, platform), platform);
    const path = posix.join(directory, journal_NAME);
    return {
        path,
        id: basename(directory).slice(PREFIX.length),
        directory,
        append: (effect) => {
            appendToJournal(path, effect);
        },
    };
}
/** Writes a record through to the disk; whole, or not at all. */
function appendToJournal(path, effect) {
    const descriptor = (0,external_node_fs_.openSync)(path, external_node_fs_.constants.O_WRONLY | external_node_fs_.constants.O_APPEND);
    const line = Buffer.from(`${JSON.stringify(effect)}\n`);
    const { size } = (0,external_node_fs_.fstatSync)(descriptor);
    try {
        for (let done = 0; done < line.length;)
            done += (0,external_node_fs_.writeSync)(descriptor, line, done);
        (0,external_node_fs_.fsyncSync)(descriptor);
    }
    catch (error) {
        (0,external_node_fs_.ftruncateSync)(descriptor, size); // half a line would spoil the next one
        if ((0,types_.isNativeError)(error))
            error.message += ` '${path}'`;
        throw error;
    }
    finally {
        (0,external_node_fs_.closeSync)(descriptor);
    }
}
function makeDirectory(candidates, platform) {
    const windows = platform === 'win32';
    const rules = windows ? RULES.win32 : RULES.posix;
    const problems = [];
    for (const candidate of candidates) {
        const parent = windows ? candidate.replaceAll('\\', '/') : candidate;
        const longest = posix.join(parent, `${PREFIX}XXXXXX`, SOCKET);
        if (!rules.plain.test(parent))
            problems.push(`${parent}: has a space or special character`);
        else if (Buffer.byteLength(longest) > rules.longest)
            problems.push(`${parent}: too long`);
        else {
            try {
                const made = mkdtempSync(posix.join(parent, PREFIX)); // mode 0700
                const directory = posix.join(parent, basename(made));
                if (windows)
                    restrictToUser(directory);
                startJournal(directory);
                return directory;
            }
            catch (error) {
                problems.push(`${parent}: ${systemCode(error) ?? explain(error)}`);
            }
        }
    }
    throw new TrustError('temp-unusable', `There is no usable temporary directory (${problems.join('; ')}).`, {
        hint: 'Set RUNNER_TEMP, or TMPDIR, to a directory that can be written and has a short plain path.',
    });
}
/** On a disk that is full there may be room for the directory alone: then it goes again. */
function startJournal(directory) {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    try {
        closeSync(openSync(posix.join(directory, journal_NAME), flags, 0o600));
    }
    catch (error) {
        rmdirSync(directory);
        throw error;
    }
}
/** A program of Windows itself, whatever is on the PATH. */
function system32(name) {
    return win32.join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', name);
}
/**
 * Windows knows no modes: what lies in a temporary directory may be open to others. The directory,
 * still empty, gets this user as the only one with any access, to all that will be in it too.
 *
 * @throws an error where that fails; the directory is gone then
 */
function restrictToUser(directory) {
    try {
        const options = { encoding: 'latin1', windowsHide: true, stdio: 'pipe' };
        const sid = parseSid(execFileSync(system32('whoami.exe'), WHOAMI_ARGUMENTS, options));
        execFileSync(system32('icacls.exe'), icaclsArguments(directory, sid), options);
    }
    catch (error) {
        rmdirSync(directory);
        throw new Error(`can't be made private: ${explain(error).trim()}`, { cause: error });
    }
}
const WHOAMI_ARGUMENTS = (/* unused pure expression or super */ null && (['/user', '/fo', 'csv', '/nh']));
/** The SID of what whoami prints, `"machine\user","S-1-…"`. Names can be of any language, a SID not. */
function parseSid(line) {
    const sid = /,"(S-1-[0-9-]+)"\s*$/.exec(line)?.[1];
    if (sid === undefined)
        throw new Error('whoami told no SID');
    return sid;
}
/** Nothing is inherited from above; the user has full access, inherited (`OI`, `CI`) by what is below. */
function icaclsArguments(directory, sid) {
    return [win32.resolve(directory), '/inheritance:r', '/grant:r', `*${sid}:(OI)(CI)F`];
}
/**
 * The effects in a journal, in their order. A torn last line is left out: its effect never happened.
 *
 * @returns undefined where there is no journal
 */
function journal_readJournal(path) {
    let text;
    try {
        text = (0,external_node_fs_.readFileSync)(path, 'utf8');
    }
    catch (error) {
        if ((0,errors/* systemCode */.xU)(error) === 'ENOENT')
            return undefined;
        throw error;
    }
    return text.split('\n').flatMap((line) => {
        try {
            const effect = line === '' ? null : JSON.parse(line);
            return typeof effect === 'object' && effect !== null ? [effect] : [];
        }
        catch {
            return [];
        }
    });
}
/** Whether `path` can be a journal of ours: teardown removes the directory around it. */
function journal_isJournalPath(path) {
    return (0,external_node_path_.basename)(path) === journal_NAME && /^ssh-trust-[A-Za-z0-9]{6}$/.test((0,external_node_path_.basename)((0,external_node_path_.dirname)(path)));
}
/** Removes the job's directory; the journal last, so that whoever is killed meanwhile can begin again. */
function removeJobDirectory(journalPath) {
    const directory = (0,external_node_path_.dirname)(journalPath);
    const options = { recursive: true, force: true, maxRetries: RETRIES };
    // First and by itself: on Windows an agent that was killed leaves it read-only.
    try {
        (0,external_node_fs_.unlinkSync)(external_node_path_.posix.join(directory, SOCKET));
    }
    catch {
        // not there; what else there may be is told of the whole
    }
    for (const name of (0,external_node_fs_.existsSync)(directory) ? (0,external_node_fs_.readdirSync)(directory) : []) {
        if (name !== journal_NAME)
            (0,external_node_fs_.rmSync)(external_node_path_.posix.join(directory, name), options);
    }
    (0,external_node_fs_.rmSync)(directory, options);
}
/** Removes what ssh alone needs of the job's directory. */
function freeSpace(journalPath) {
    for (const name of ['known_hosts', 'config']) {
        (0,external_node_fs_.rmSync)(external_node_path_.posix.join((0,external_node_path_.dirname)(journalPath), name), { force: true });
    }
}
/** Removes the job's directory if that is all that is left of it. */
function removeEmptyJobDirectory(journalPath) {
    (0,files/* removeIfEmpty */.V3)((0,external_node_path_.dirname)(journalPath));
}

// EXTERNAL MODULE: ./src/local/home.ts
var home = __nccwpck_require__(9668);
;// CONCATENATED MODULE: ./src/trust/home-config.ts
/** ~/.ssh/config: the job's block put in, taken out, and those of jobs that are no more. */






/** Puts the block into ~/.ssh/config that includes the job's own ssh_config. */
async function includeInHome(journal, paths) {
    const lines = homeBlock(journal.id, paths);
    for (const directory of sshDirectories()) {
        const target = join(directory, 'config');
        for (let attempt = 1;; attempt += 1) {
            try {
                const made = statOf(directory) === undefined ? 'directory' : 'file';
                if (made === 'directory') {
                    journal.append({ kind: 'directory', target: directory });
                    mkdirSync(directory, { mode: 0o700 });
                }
                if (attempt === 1)
                    journal.append({ kind: 'home-block', target, id: journal.id, lines });
                await editFile(target, journal.id, (text) => addBlock(text, lines, made));
                break;
            }
            catch (error) {
                // Another job makes the directory, or removes the one that it had made, at this moment.
                const passing = ['EEXIST', 'ENOENT'].includes(systemCode(error) ?? '');
                if (!passing || attempt === ATTEMPTS)
                    throw error;
            }
        }
    }
}
/** How often the block is tried to be put in. */
const ATTEMPTS = 5;
async function takeOutOfHome({ target, id, lines, }) {
    const directory = (0,external_node_path_.dirname)(target);
    if ((0,files/* statOf */._N)(directory) === undefined)
        return 'nothing';
    const removed = { lines: 'nothing', directory: false };
    await (0,files/* editFile */.$y)(target, id, (text) => {
        if (text === undefined)
            return undefined;
        const without = removeBlock(text, lines);
        const whole = text.replaceAll('\r\n', '\n').includes(lines.join('\n'));
        removed.lines = without.text === text ? 'nothing' : whole ? 'whole' : 'changed';
        removed.directory = without.text === undefined && without.made === 'directory';
        return without.text;
    });
    if (removed.directory)
        (0,files/* removeIfEmpty */.V3)(directory);
    return removed.lines;
}
/** Age, in milliseconds, at which no job can still be running: GitHub ends them after five days. */
const LONGEST_JOB = (/* unused pure expression or super */ null && (7 * 24 * 3600 * 1000));
/**
 * Takes out the blocks of jobs that ended without a teardown, and whose directory is gone: runners
 * empty RUNNER_TEMP. Those whose directory is there are a matter for its journal. A block of another
 * machine, which shares this home, must be older than any job.
 *
 * @param id of this job
 * @returns the ids of those jobs
 */
async function sweepHome(id) {
    const swept = [];
    for (const directory of sshDirectories()) {
        const target = join(directory, 'config');
        for (const block of findBlocks(readText(target) ?? '')) {
            const here = block.host === thisMachine();
            const old = Date.now() - block.since.getTime() > LONGEST_JOB;
            if (here ? existsSync(block.directory) : !old)
                continue;
            const taken = await takeOutOfHome({ target, id, lines: block.lines });
            if (taken !== 'nothing')
                swept.push(block.id);
        }
    }
    return swept;
}

;// CONCATENATED MODULE: ./src/trust/host-trust/undo.ts
/**
 * Taking back what host-to-host trust has made in accounts besides lines of authorized_keys: key pairs
 * and lines of known_hosts. By a login with a key of the job, as in revocation.ts.
 */

/** @throws TrustError with what is left, where it can't be undone */
async function undoHostTrust(effect, logins) {
    if (!effect.revoke)
        return { outcome: 'nothing to undo', detail: 'it stays, as asked' };
    if (logins === undefined)
        throw notUndone(effect, 'The agent is gone.');
    try {
        return await logins.over(effect, async (client) => undoOver(client, effect));
    }
    catch (error) {
        throw notUndone(effect, (0,errors/* explain */.WE)(error), error);
    }
}
/** Undoes it over a connection that is there. */
async function undoOver(client, effect) {
    if (effect.kind === 'remote-file') {
        const { removeGeneratedKey } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(41)]).then(__nccwpck_require__.bind(__nccwpck_require__, 322));
        const { path, comment, madeDirectory } = effect;
        const result = await removeGeneratedKey(client, path, comment, madeDirectory);
        if (result === 'removed')
            return { outcome: 'undone' };
        const detail = result === 'gone' ? 'it was gone' : 'somebody has changed it; it stays';
        return { outcome: 'nothing to undo', detail };
    }
    const { KNOWN_HOSTS } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(56)]).then(__nccwpck_require__.bind(__nccwpck_require__, 3501));
    const { removeKnownHost } = await __nccwpck_require__.e(/* import() */ 165).then(__nccwpck_require__.bind(__nccwpck_require__, 2165));
    const { editAuthorizedKeys } = await Promise.all(/* import() */[__nccwpck_require__.e(472), __nccwpck_require__.e(737), __nccwpck_require__.e(428)]).then(__nccwpck_require__.bind(__nccwpck_require__, 1737));
    const { user, line, created } = effect;
    let found = 0;
    await editAuthorizedKeys(client, { user, path: KNOWN_HOSTS, mend: false, removeIfEmpty: created }, (content) => {
        const rest = removeKnownHost(content, line, effect);
        found = rest === undefined ? 0 : 1;
        return rest;
    });
    return found > 0
        ? { outcome: 'undone' }
        : { outcome: 'nothing to undo', detail: 'the line was gone' };
}
function notUndone(effect, why, cause) {
    const { user, host } = effect;
    const [what, hint] = effect.kind === 'remote-file'
        ? [`The key ${effect.path}`, `Remove ${effect.path} and ${effect.path}.pub there.`]
        : ['A line of known_hosts', `Remove this line there: ${effect.line}`];
    const message = `${what} is still with ${user} at ${host}. ${why}`;
    return new errors/* TrustError */.Ru('revocation-failed', message, { hint, cause });
}

// EXTERNAL MODULE: ./src/trust/job-login.ts
var job_login = __nccwpck_require__(761);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __nccwpck_require__(7030);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __nccwpck_require__(8500);
// EXTERNAL MODULE: ./src/agent/control.ts
var control = __nccwpck_require__(2820);
;// CONCATENATED MODULE: ./src/trust/job-agent.ts
/**
 * The agent of a job: started by the first use of the action in it, joined by further ones, and ended by
 * the last that is taken back.
 */










/**
 * The agent that SSH_AUTH_SOCK names, if it is of this very job: of this user, on this machine, under
 * the same runner, and serving.
 */
async function findJobAgent(authSock, runner) {
    const socket = (authSock ?? '').replaceAll('\\', '/');
    const directory = posix.dirname(socket);
    const journal = posix.join(directory, 'journal.jsonl');
    if (basename(socket) !== 'agent.sock' || !isJournalPath(journal))
        return undefined;
    const stat = lstatSync(directory, { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true || !isOwn(stat.uid) || hasLeft(directory))
        return undefined;
    const job = readJob(directory);
    if (job?.host !== thisMachine() || !isSame(job.runner, runner))
        return undefined;
    const control = readJournal(journal)?.find(({ kind }) => kind === 'agent-process')?.target;
    if (control === undefined || !(await answers(control)))
        return undefined;
    return { socket, control, journal };
}
function isOwn(uid) {
    return process.geteuid === undefined || process.geteuid() === uid;
}
function isSame(one, other) {
    return one?.pid === other?.pid && one?.start === other?.start;
}
async function answers(path) {
    return new Promise((resolve) => {
        const socket = connect(path);
        socket.once('connect', () => {
            socket.destroy();
            resolve(true);
        });
        socket.once('error', () => {
            resolve(false);
        });
    });
}
const UNDONE = { outcome: 'undone' };
const NOTHING = { outcome: 'nothing to undo' };
const SHARED = {
    outcome: 'undone',
    detail: 'the agent stays for others of this job',
    shared: true,
};
/** How long an agent that was told to end may take, in milliseconds. */
const AGENT_END = 2000;
/** An agent that serves but whose process is not in the journal yet: main died in between. */
async function endAgent(address) {
    if (address === undefined)
        return NOTHING;
    try {
        return (await (0,control/* stopAgent */.eD)(address)) > 0 ? SHARED : UNDONE;
    }
    catch (error) {
        if (isNobody(error))
            return NOTHING;
        throw error;
    }
}
/** Nobody listens: an agent that was killed leaves its socket, which goes with the directory. */
function isNobody(error) {
    const cause = error instanceof errors/* TrustError */.Ru ? error.cause : undefined;
    return ['ECONNREFUSED', 'ENOENT'].includes((0,errors/* systemCode */.xU)(cause) ?? '');
}
/** Ends the agent's process, by a signal if it can't be told; unless others of the job still need it. */
async function endAgentProcess(agent, address) {
    if (!(await agentRuns(agent, address)))
        return NOTHING;
    const remaining = address === undefined ? undefined : await (0,control/* stopAgent */.eD)(address).catch(() => undefined);
    if (remaining !== undefined && remaining > 0)
        return SHARED;
    // By pid alone, and perhaps after its end, it may be somebody else's process that a signal ends.
    if (remaining === undefined && agent.start !== undefined)
        process.kill(agent.pid, 'SIGTERM');
    if (await hasEnded(agent))
        return UNDONE;
    if (!(await agentRuns(agent, address)))
        return UNDONE;
    process.kill(agent.pid, 'SIGKILL');
    return { outcome: 'undone', detail: 'it had to be killed' };
}
async function hasEnded(agent) {
    for (let waited = 0; waited < AGENT_END; waited += 5) {
        if (!(0,process_identity/* stillRuns */.H)(agent))
            return true;
        await (0,promises_.setTimeout)(5);
    }
    return false;
}
/**
 * Takes our keys out of an agent that another use of the action has started. If we are the last, and
 * the other was taken back before us, its directory goes with the agent.
 *
 * @param journal of the other
 */
async function leaveAgent(address, journal) {
    const { outcome, detail, shared } = await endAgent(address);
    if (shared === true)
        return detail === undefined ? { outcome } : { outcome, detail };
    if (journal_isJournalPath(journal) && job_record_hasLeft(external_node_path_.posix.dirname(journal))) {
        const agent = journal_readJournal(journal)?.find((effect) => effect.kind === 'agent-process');
        if (agent === undefined || (await hasEnded(agent.process)))
            removeJobDirectory(journal);
    }
    return { outcome };
}
/**
 * Whether the agent's process still runs. Where the platform does not tell when a process started
 * (Windows), that pid is the agent's if the agent itself says so.
 *
 * @throws TrustError `agent-control` where it can't be known
 */
async function agentRuns(agent, address) {
    if (!(0,process_identity/* stillRuns */.H)(agent))
        return false;
    if (agent.start !== undefined)
        return true;
    if (address === undefined) {
        throw new errors/* TrustError */.Ru('agent-control', `Without a token process ${agent.pid} can't be known.`);
    }
    try {
        return (await (0,control/* agentStatus */.o3)(address)).pid === agent.pid;
    }
    catch (error) {
        if (isNobody(error))
            return false;
        throw error;
    }
}

// EXTERNAL MODULE: ./src/trust/revocation.ts
var revocation = __nccwpck_require__(6792);
;// CONCATENATED MODULE: ./src/trust/teardown.ts
/**
 * Taking everything back: the journal replayed in reverse. Each undo is idempotent and stands alone;
 * what fails is told and does not stop the rest.
 */












const teardown_UNDONE = { outcome: 'undone' };
const teardown_NOTHING = { outcome: 'nothing to undo' };
/**
 * Takes back what the job with this journal did.
 *
 * @param journalPath as main saved it in the state
 * @param token of the agent's control channel; without it the agent is ended by a signal
 * @param hostsToo whether what is left on hosts is reason to keep the journal; it is told in any case
 * @returns undefined where there is no journal: nothing was done, or it has been taken back before
 */
async function tearDown(journalPath, token, hostsToo = true) {
    if (!journal_isJournalPath(journalPath))
        return undefined;
    const effects = journal_readJournal(journalPath);
    if (effects === undefined) {
        removeEmptyJobDirectory(journalPath);
        return undefined;
    }
    const directory = (0,external_node_path_.dirname)(journalPath);
    const report = readReport((0,external_node_path_.join)(directory, 'report.json'));
    const agent = agentOf(effects, token);
    const logins = agent === undefined ? undefined : (0,job_login/* openRecordedLogins */.x)(agent);
    const append = (effect) => {
        try {
            appendToJournal(journalPath, effect);
        }
        catch {
            // The disk is full: then a teardown that begins again may tell of what is gone. This one goes on.
        }
    };
    const results = new Map();
    const shared = [];
    const attempt = async (effect) => {
        const { kind, target } = effect;
        try {
            const { shared: stays, ...outcome } = await undo(effect, agent, logins, append);
            // Whoever has to begin again, since this was killed, must not ask hosts for what is gone.
            if (isOnHost(effect))
                append({ ...effect, undone: true });
            if (stays === true)
                shared.push(effect);
            results.set(effect, { kind, target, ...outcome });
        }
        catch (error) {
            results.set(effect, { kind, target, outcome: 'failed', detail: (0,errors/* explain */.WE)(error) });
        }
    };
    const hasFailed = (effect) => results.get(effect)?.outcome === 'failed';
    const granted = latestOf(effects.filter(isOnHost));
    // The agent must still be there, and hosts need not wait for one another.
    await Promise.all([...new Set(granted.map(accountOf))].map(async (account) => {
        for (const effect of granted.filter((one) => accountOf(one) === account)) {
            await attempt(effect);
        }
    }));
    logins?.end();
    const part = effects.find((effect) => effect.kind === 'agent-part');
    const signed = part === undefined ? [] : signedBy((0,external_node_path_.dirname)(part.journal), report);
    const here = effects.toReversed().filter((effect) => !isOnHost(effect));
    for (const effect of here)
        await attempt(effect);
    const audit = part === undefined ? readAudit(directory) : { entries: signed, omitted: 0 };
    const inFiles = here.filter(({ kind }) => kind === 'home-block' || kind === 'directory');
    if (inFiles.some(hasFailed)) {
        // The disk may be full, and our own files, which nobody needs by now, be what fills it.
        freeSpace(journalPath);
        for (const effect of inFiles.filter(hasFailed))
            await attempt(effect);
    }
    // What could not be undone may be later: then the journal is needed again.
    const failed = effects.filter(hasFailed);
    if (shared.length > 0)
        noteLeft(directory);
    else if (!failed.some((effect) => hostsToo || !isOnHost(effect)))
        removeJobDirectory(journalPath);
    return { audit, effects: [...results.values()], ...(report === undefined ? {} : { report }) };
}
function readAudit(directory) {
    return (0,audit/* parseAudit */.hh)((0,files/* readText */.yR)((0,external_node_path_.join)(directory, 'audit.jsonl')) ?? '');
}
/**
 * The signatures with the keys of a call that had joined another's agent. The post of that other call
 * tells of everything, refusals too.
 */
function signedBy(directory, report) {
    const keys = (report?.keys ?? []).map(({ fingerprint }) => fingerprint);
    return readAudit(directory).entries.filter(({ key, verdict }) => verdict === 'signed' && key !== undefined && keys.includes(key));
}
function readReport(path) {
    const text = (0,files/* readText */.yR)(path);
    try {
        return text === undefined ? undefined : JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
const ON_HOST = ['authorized-key', 'remote-file', 'known-host'];
function isOnHost(effect) {
    return ON_HOST.includes(effect.kind);
}
/** The account that something was done in, whatever the job calls its host. */
function accountOf({ user, host, port }) {
    return `${user}@[${host.toLowerCase()}]:${port}`;
}
/** The latest record of each line and file on a host, the latest line first. */
function latestOf(records) {
    const what = (one) => one.kind === 'remote-file'
        ? one.path
        : `${one.kind === 'authorized-key' ? (one.path ?? '') : ''} ${one.line}`;
    const latest = new Map(records.map((one) => [`${one.kind} ${accountOf(one)} ${what(one)}`, one]));
    return [...latest.values()].filter(({ undone }) => undone !== true).toReversed();
}
/** Where the job's agent is to be asked. */
function agentOf(effects, token) {
    const agent = effects.find(({ kind }) => kind === 'agent' || kind === 'agent-part');
    return agent === undefined || token === undefined ? undefined : { socket: agent.target, token };
}
const FOUND = {
    whole: teardown_UNDONE,
    changed: { ...teardown_UNDONE, detail: 'somebody has edited our lines; what is not ours stays' },
    nothing: { ...teardown_NOTHING, detail: 'our lines are not there' },
};
async function undo(effect, agent, logins, append) {
    switch (effect.kind) {
        case 'authorized-key':
            return (0,revocation/* revoke */.r)(effect, logins, append);
        case 'remote-file':
        case 'known-host':
            return undoHostTrust(effect, logins);
        case 'agent':
            return endAgent(agent);
        case 'agent-process':
            return endAgentProcess(effect.process, agent);
        case 'agent-part':
            return leaveAgent(agent, effect.journal);
        case 'directory':
            return removeDirectory(effect.target);
        case 'home-block':
            return FOUND[await takeOutOfHome(effect)];
    }
}
function removeDirectory(path) {
    try {
        (0,external_node_fs_.rmdirSync)(path);
        return teardown_UNDONE;
    }
    catch (error) {
        const code = (0,errors/* systemCode */.xU)(error);
        if (code === 'ENOENT')
            return teardown_NOTHING;
        if (code === 'ENOTEMPTY') {
            return { outcome: 'nothing to undo', detail: 'others have put files there; it stays' };
        }
        throw error;
    }
}

;// CONCATENATED MODULE: ./src/post.ts
/** The action's post step: takes everything back. Without state it does nothing. */





async function post() {
    const { journal, token } = readState();
    const report = await tearDown(journal, token === '' ? undefined : token);
    if (report === undefined)
        return;
    logTeardown(report);
    await writeSummary(report);
    await explainFailedJob(); // last: nothing that it meets may keep anything from being taken back
}
post().catch(fail);

module.exports = __webpack_exports__;
/******/ })()
;