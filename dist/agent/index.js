/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
var __webpack_exports__ = {};

;// CONCATENATED MODULE: external "node:inspector"
const external_node_inspector_namespaceObject = require("node:inspector");
;// CONCATENATED MODULE: external "node:fs"
const external_node_fs_namespaceObject = require("node:fs");
;// CONCATENATED MODULE: external "node:child_process"
const external_node_child_process_namespaceObject = require("node:child_process");
;// CONCATENATED MODULE: external "node:util/types"
const types_namespaceObject = require("node:util/types");
;// CONCATENATED MODULE: ./src/errors.ts
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
class errors_TrustError extends Error {
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
        return new errors_TrustError(this.code, this.message, {
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
    if (error instanceof errors_TrustError)
        return error.explain();
    return (0,types_namespaceObject.isNativeError)(error) ? error.message : String(error);
}
/** One error that tells of them all. */
function combine(errors) {
    const [first] = errors;
    if (first === undefined)
        throw new Error('no error to tell');
    if (errors.length === 1)
        return first;
    const list = errors.map((error) => `\n- ${explain(error)}`).join('');
    return new errors_TrustError(first.code, `${errors.length} things are wrong:${list}`, { cause: first });
}
/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`), or undefined. */
function systemCode(error) {
    if (!(0,types_namespaceObject.isNativeError)(error) || !('code' in error))
        return undefined;
    return typeof error.code === 'string' ? error.code : undefined;
}

;// CONCATENATED MODULE: ./src/process-identity.ts
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
        return systemCode(error) === 'EPERM';
    }
    return startTime(pid) !== 'zombie';
}
function startTime(pid) {
    try {
        if (process.platform === 'linux') {
            // proc(5): field 3 is the state, field 22 the start; the name, field 2, may hold anything but
            // ends at the last parenthesis.
            const stat = (0,external_node_fs_namespaceObject.readFileSync)(`/proc/${pid}/stat`, 'latin1');
            const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
            return fields[0] === 'Z' ? 'zombie' : fields[19];
        }
        if (process.platform === 'darwin') {
            // An environment of its own: the same words whoever asks, and nothing of ours handed on.
            const env = { LC_ALL: 'C', TZ: 'UTC' };
            const args = ['-o', 'lstart=', '-p', String(pid)];
            return (0,external_node_child_process_namespaceObject.execFileSync)('/bin/ps', args, { encoding: 'utf8', env }).trim();
        }
    }
    catch {
        // gone in between, or not to be told
    }
    return undefined;
}

;// CONCATENATED MODULE: external "node:crypto"
const external_node_crypto_namespaceObject = require("node:crypto");
;// CONCATENATED MODULE: external "node:util"
const external_node_util_namespaceObject = require("node:util");
;// CONCATENATED MODULE: ./src/ssh/wire.ts
/**
 * The data types of the SSH protocols (RFC 4251 §5), read and written. Everything that this project
 * reads in binary (keys, certificates, agent messages, key exchange) is read through `Reader`.
 */

/** Longest string that is read unless the caller allows more; OpenSSH's agent has the same bound. */
const MAX_STRING = 256 * 1024;
function malformed(what) {
    return new errors_TrustError('malformed', `Malformed SSH data: ${what}.`);
}
/** Reads one buffer from front to back. Whatever is short, long or out of bounds is a `malformed` error. */
class wire_Reader {
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
function wire_byte(value) {
    return Buffer.of(value);
}
function wire_boolean(value) {
    return Buffer.of(value ? 1 : 0);
}
function wire_uint32(value) {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(value);
    return buffer;
}
function uint64(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64BE(value);
    return buffer;
}
function wire_string(value) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return Buffer.concat([wire_uint32(bytes.length), bytes]);
}
/** `magnitude` (big-endian, unsigned) as an `mpint`. */
function wire_mpint(magnitude) {
    const digits = withoutLeadingZeros(magnitude);
    return (digits[0] ?? 0) & 0x80 ? wire_string(Buffer.concat([wire_byte(0), digits])) : wire_string(digits);
}
function withoutLeadingZeros(number) {
    let start = 0;
    while (number[start] === 0)
        start += 1;
    return number.subarray(start);
}
function nameList(names) {
    return wire_string(names.join(','));
}

;// CONCATENATED MODULE: ./src/ssh/public-key.ts
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
const public_key_MIN_RSA_BITS = 2048;
/** Largest, as OpenSSH's OPENSSL_RSA_MAX_MODULUS_BITS: bounds the time of one verification. */
const public_key_MAX_RSA_BITS = 16384;
function public_key_isKeyType(name) {
    return KEY_TYPES.includes(name);
}
function public_key_isEcdsa(type) {
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
function public_key_fingerprint(blob) {
    return `SHA256:${(0,external_node_crypto_namespaceObject.createHash)('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
/** The type name that a key in wire format begins with. Does not look further. */
function typeOfBlob(blob) {
    return new wire_Reader(blob).text(64);
}
/** The public parts of a key, as JWK names them, read from where `type` has just been read. */
function readPublicParts(type, reader) {
    if (type === 'ssh-ed25519') {
        const x = reader.string(32);
        if (x.length !== 32)
            throw new errors_TrustError('malformed', 'An ed25519 public key has 32 bytes.');
        return { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') };
    }
    if (public_key_isEcdsa(type)) {
        const curve = CURVES[type];
        const name = reader.text(32);
        const point = reader.string(1 + 2 * 66);
        if (name !== curve.name) {
            throw new errors_TrustError('malformed', `A key of type ${type} names the curve ${name}.`);
        }
        // SEC 1 §2.3.3: 04 says that both coordinates follow, uncompressed (RFC 5656 §3.1).
        if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4) {
            throw new errors_TrustError('malformed', `A key of type ${type} has a malformed point.`);
        }
        return {
            kty: 'EC',
            crv: curve.jwk,
            x: point.subarray(1, 1 + curve.bytes).toString('base64url'),
            y: point.subarray(1 + curve.bytes).toString('base64url'),
        };
    }
    const e = reader.mpint(9);
    const n = reader.mpint(public_key_MAX_RSA_BITS / 8 + 1);
    return { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
}
/**
 * A public key from its wire format, for verifying.
 *
 * @throws TrustError `key-type-unsupported`, `malformed`
 */
function decodePublicKey(blob) {
    const reader = new wire_Reader(blob);
    const type = reader.text(64);
    if (!public_key_isKeyType(type))
        throw public_key_unsupportedType(type);
    const parts = readPublicParts(type, reader);
    reader.end('a public key');
    try {
        return { type, key: (0,external_node_crypto_namespaceObject.createPublicKey)({ key: parts, format: 'jwk' }) };
    }
    catch (cause) {
        throw new errors_TrustError('malformed', `A public key of type ${type} that is not valid.`, { cause });
    }
}
function public_key_unsupportedType(type) {
    if (type === 'ssh-dss') {
        return new errors_TrustError('key-type-unsupported', 'DSA keys are not accepted.', {
            hint: 'DSA is limited to 1024 bits and SHA-1, and OpenSSH 10 removed it. Make an ed25519 key: ssh-keygen -t ed25519.',
        });
    }
    return new errors_TrustError('key-type-unsupported', `Keys of type ${JSON.stringify(type)} are not supported.`, {
        hint: `Supported are ${KEY_TYPES.join(', ')}.`,
    });
}
/** Modulus length of an RSA key in wire format, in bits. */
function rsaBits(blob) {
    const reader = new wire_Reader(blob);
    reader.string(64);
    reader.mpint(9);
    const n = reader.mpint(public_key_MAX_RSA_BITS / 8 + 1);
    return n.length === 0 ? 0 : n.length * 8 - (Math.clz32(n[0] ?? 0) - 24);
}
/** Size of a plain key (wire format) as ssh-keygen -l tells it, in bits. */
function keyBits(blob) {
    const { type } = decodePublicKey(blob);
    if (type === 'ssh-rsa')
        return rsaBits(blob);
    // The digits of a curve's name are its size.
    return public_key_isEcdsa(type) ? Number(CURVES[type].name.replace('nistp', '')) : 256;
}
/**
 * A key from `type base64 [comment]`. The type of the text and the type inside must agree, and the
 * key must be whole.
 *
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `malformed`
 */
function parsePublicKey(text) {
    const [type = '', base64 = '', ...comment] = text.trim().split(/[ \t]+/);
    if (!public_key_isKeyType(type))
        throw public_key_unsupportedType(type);
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
        throw new errors_TrustError('malformed', `The key after ${type} is not base64.`);
    }
    const blob = Buffer.from(base64, 'base64');
    const inner = decodePublicKey(blob).type;
    if (inner !== type) {
        throw new errors_TrustError('malformed', `The line says ${type}, the key itself ${inner}.`);
    }
    if (type === 'ssh-rsa')
        requireRsaSize(blob);
    return { type, blob, comment: comment.join(' ') };
}
/** Throws `key-too-small` for an RSA key under `MIN_RSA_BITS`. */
function requireRsaSize(blob) {
    const bits = rsaBits(blob);
    if (bits >= public_key_MIN_RSA_BITS)
        return;
    throw new errors_TrustError('key-too-small', `An RSA key of ${bits} bits is too small: ${public_key_MIN_RSA_BITS} are the least.`, {
        hint: 'Make an ed25519 key: ssh-keygen -t ed25519 (or ssh-keygen -t rsa -b 3072).',
    });
}
/** `type base64[ comment]`, as in authorized_keys and `*.pub` files. Takes certificates too. */
function public_key_formatPublicKey(blob, comment = '') {
    const line = `${typeOfBlob(blob)} ${blob.toString('base64')}`;
    return comment === '' ? line : `${line} ${comment}`;
}
/** The wire format of a public key. */
function encodePublicKey(key) {
    const jwk = key.export({ format: 'jwk' });
    const part = (name) => Buffer.from(jwk[name] ?? '', 'base64url');
    if (jwk.crv === 'Ed25519') {
        return { type: 'ssh-ed25519', blob: Buffer.concat([wire_string('ssh-ed25519'), wire_string(part('x'))]) };
    }
    if (jwk.kty === 'RSA') {
        const blob = Buffer.concat([wire_string('ssh-rsa'), wire_mpint(part('e')), wire_mpint(part('n'))]);
        return { type: 'ssh-rsa', blob };
    }
    const type = KEY_TYPES.find((name) => public_key_isEcdsa(name) && CURVES[name].jwk === jwk.crv);
    if (type === undefined || !public_key_isEcdsa(type)) {
        throw public_key_unsupportedType(jwk.crv ?? jwk.kty ?? key.asymmetricKeyType ?? 'unknown');
    }
    const point = Buffer.concat([Buffer.of(4), part('x'), part('y')]);
    return { type, blob: Buffer.concat([wire_string(type), wire_string(CURVES[type].name), wire_string(point)]) };
}

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
        return Buffer.concat([wire_string(type), wire_string((0,external_node_crypto_namespaceObject.sign)(null, data, key))]);
    }
    if (public_key_isEcdsa(type)) {
        const curve = CURVES[type];
        const raw = (0,external_node_crypto_namespaceObject.sign)(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' });
        const r = wire_mpint(raw.subarray(0, curve.bytes));
        const s = wire_mpint(raw.subarray(curve.bytes));
        return Buffer.concat([wire_string(type), wire_string(Buffer.concat([r, s]))]);
    }
    return Buffer.concat([wire_string(RSA_ALGORITHMS[rsaHash]), wire_string((0,external_node_crypto_namespaceObject.sign)(rsaHash, data, key))]);
}
/** An RSA signature made by a thread of its own: it takes as long as dozens of the other kinds. */
async function makeRsaSignature(key, data, hash) {
    const blob = await signInThread(hash, data, key);
    return Buffer.concat([wire_string(RSA_ALGORITHMS[hash]), wire_string(blob)]);
}
const signInThread = (0,external_node_util_namespaceObject.promisify)(external_node_crypto_namespaceObject.sign);
/** Name of the algorithm of a signature. */
function signatureAlgorithm(signature) {
    return new Reader(signature).text(64);
}
/**
 * Whether `signature` is one over `data` by the plain key `blob`. False, too, for SHA-1 and for an
 * algorithm that is not the key's.
 *
 * @throws TrustError `malformed`, `key-type-unsupported`
 */
function verifySignature(blob, signature, data) {
    const { type, key } = decodePublicKey(blob);
    const reader = new wire_Reader(signature);
    const algorithm = reader.text(64);
    const bytes = reader.string(4096);
    reader.end('a signature');
    if (type === 'ssh-ed25519')
        return algorithm === type && (0,external_node_crypto_namespaceObject.verify)(null, data, key, bytes);
    if (public_key_isEcdsa(type)) {
        if (algorithm !== type)
            return false;
        const curve = CURVES[type];
        const parts = new wire_Reader(bytes);
        const raw = Buffer.concat([
            leftPad(parts.mpint(), curve.bytes),
            leftPad(parts.mpint(), curve.bytes),
        ]);
        parts.end('an ECDSA signature');
        return (0,external_node_crypto_namespaceObject.verify)(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, raw);
    }
    const hash = algorithm === 'rsa-sha2-256' ? 'sha256' : algorithm === 'rsa-sha2-512' ? 'sha512' : undefined;
    // RFC 8017 §8.2.2 wants the length of the modulus; some peers strip leading zeros, as OpenSSH allows.
    return hash !== undefined && (0,external_node_crypto_namespaceObject.verify)(hash, data, key, leftPad(bytes, Math.ceil(rsaBits(blob) / 8)));
}
function leftPad(number, length) {
    if (number.length > length) {
        throw new errors_TrustError('malformed', 'A signature with a number that is too large.');
    }
    return Buffer.concat([Buffer.alloc(length - number.length), number]);
}

;// CONCATENATED MODULE: ./src/ssh/pattern.ts
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

;// CONCATENATED MODULE: ./src/ssh/certificate.ts
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
    return name.endsWith(CERTIFICATE_SUFFIX);
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
    const name = typeOfBlob(blob);
    const certified = isCertificateType(name);
    const type = certified ? name.slice(0, -CERTIFICATE_SUFFIX.length) : name;
    if (!public_key_isKeyType(type))
        throw public_key_unsupportedType(name);
    return { type, certified };
}
/** The certificate (wire format) on a line as `*-cert.pub` files have it; undefined for other lines. */
function certificateOnLine(line) {
    const [type = '', base64 = ''] = line.trim().split(/[ \t]+/);
    return isCertificateType(type) ? Buffer.from(base64, 'base64') : undefined;
}
/** The plain key (wire format) of `blob`: the certified one if it is a certificate, else itself. */
function plainKey(blob) {
    if (!isCertificateType(typeOfBlob(blob)))
        return blob;
    return readCertifiedKey(new wire_Reader(blob), blob).key;
}
function readCertifiedKey(reader, blob) {
    const { type: keyType, certified } = kindOfKey(blob);
    const name = reader.text(64);
    if (!certified)
        throw public_key_unsupportedType(name);
    reader.string(1024); // nonce
    const start = reader.offset;
    readPublicParts(keyType, reader);
    return { keyType, key: Buffer.concat([wire_string(keyType), blob.subarray(start, reader.offset)]) };
}
/** @throws TrustError `malformed`, `key-type-unsupported` */
function parseCertificate(blob) {
    const reader = new wire_Reader(blob);
    const { keyType, key } = readCertifiedKey(reader, blob);
    const serial = reader.uint64();
    const roleNumber = reader.uint32();
    const role = ROLES[roleNumber];
    if (role === undefined) {
        throw new errors_TrustError('malformed', `A certificate of the unknown type ${roleNumber}.`);
    }
    const keyId = reader.text(4096);
    const principals = strings(reader.string());
    if (principals.length > MAX_PRINCIPALS) {
        throw new errors_TrustError('malformed', `A certificate with ${principals.length} principals.`);
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
    return verifySignature(authority, signature, signed);
}
function strings(list) {
    const reader = new wire_Reader(list);
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
    if (!certificate.principals.some((pattern) => matchPattern(name, pattern))) {
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

;// CONCATENATED MODULE: ./src/ssh/private-key.ts
/**
 * Private keys: their wire format, which the agent protocol (RFC 9987 §5.2) and OpenSSH's key files
 * (PROTOCOL.key) share, and making new ones. Keys are held as `KeyObject`s, which do not print.
 */






/**
 * A private key from a `KeyObject`.
 *
 * @param stated both halves as its file states them
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `key-unreadable` (halves that do not
 *   belong together)
 */
function privateKeyFrom(key, comment = '', stated) {
    if (key.asymmetricKeyType === 'dsa')
        throw public_key_unsupportedType('ssh-dss');
    if (!['ed25519', 'ec', 'rsa'].includes(key.asymmetricKeyType ?? '')) {
        throw public_key_unsupportedType(key.asymmetricKeyType ?? 'unknown');
    }
    if (key.asymmetricKeyType === 'ec') {
        const curve = key.asymmetricKeyDetails?.namedCurve ?? 'unknown';
        if (!['prime256v1', 'secp384r1', 'secp521r1'].includes(curve))
            throw public_key_unsupportedType(curve);
    }
    const { type, blob } = encodePublicKey((0,external_node_crypto_namespaceObject.createPublicKey)(key));
    if (type === 'ssh-rsa')
        requireRsaSize(blob);
    requireMatchingHalves(type, blob, stated ?? key.export({ format: 'jwk' }));
    return { type, key, publicKey: blob, comment };
}
/** `key-type, key-specific fields, comment`: the contents of SSH_AGENTC_ADD_IDENTITY (RFC 9987 §5.2). */
function private_key_writePrivateKey({ type, key, publicKey, comment }) {
    const jwk = key.export({ format: 'jwk' });
    const part = (name) => Buffer.from(jwk[name] ?? '', 'base64url');
    let fields;
    if (type === 'ssh-ed25519') {
        const reader = new Reader(publicKey);
        reader.string();
        const point = reader.string(32);
        fields = [string(point), string(Buffer.concat([part('d'), point]))]; // RFC 9987 §5.2.3: k || ENC(A)
    }
    else if (isEcdsa(type)) {
        const reader = new Reader(publicKey);
        reader.string();
        fields = [reader.rest(), mpint(part('d'))]; // §5.2.2: curve name, Q, d
    }
    else {
        // §5.2.4: n, e, d, iqmp, p, q
        fields = [part('n'), part('e'), part('d'), part('qi'), part('p'), part('q')].map(mpint);
    }
    return Buffer.concat([string(type), ...fields, string(comment)]);
}
/**
 * Reads what `writePrivateKey` writes, up to and with the comment.
 *
 * @throws TrustError `key-type-unsupported`, `key-too-small`, `key-unreadable` (halves that do not
 *   belong together), `malformed`
 */
function readPrivateKey(reader) {
    const type = reader.text(64);
    if (!public_key_isKeyType(type))
        throw public_key_unsupportedType(type);
    const jwk = type === 'ssh-rsa' ? readRsa(reader) : readCurve(type, reader);
    const comment = reader.text(4096);
    let key;
    try {
        key = (0,external_node_crypto_namespaceObject.createPrivateKey)({ key: jwk, format: 'jwk' });
    }
    catch (cause) {
        throw new errors_TrustError('key-unreadable', 'The numbers of the private key do not make a valid key.', { cause });
    }
    return privateKeyFrom(key, comment, jwk);
}
/**
 * Reads a private key that may be stated as a certificate with the private parts behind it, as ssh-add
 * sends it (OpenSSH's sshkey_private_serialize): what the certificate holds is not said again.
 *
 * @returns the key, its certificate in wire format if there is one, and a reader of what follows
 * @throws TrustError as `readPrivateKey`
 */
function readCertifiedPrivateKey(reader) {
    const message = reader.rest();
    const whole = new wire_Reader(message);
    if (!isCertificateType(typeOfBlob(message))) {
        return { privateKey: readPrivateKey(whole), rest: whole };
    }
    whole.string();
    const certificate = Buffer.from(whole.string());
    if (typeOfBlob(certificate) !== typeOfBlob(message)) {
        throw new errors_TrustError('malformed', 'A certificate of another type than its private key.');
    }
    const { type } = kindOfKey(certificate);
    const rest = new wire_Reader(Buffer.concat([statedParts(type, plainKey(certificate)), whole.rest()]));
    const privateKey = readPrivateKey(rest);
    return { privateKey, certificate, rest };
}
/** What stands before the private parts where no certificate says it. */
function statedParts(type, publicKey) {
    if (type === 'ssh-ed25519')
        return wire_string(type); // its public half is said again all the same
    if (public_key_isEcdsa(type))
        return publicKey;
    const reader = new wire_Reader(publicKey);
    reader.string();
    const e = reader.mpint();
    return Buffer.concat([wire_string(type), wire_mpint(reader.mpint()), wire_mpint(e)]); // n, e: the other way round
}
/** Throws unless the stated public half is the one that the private half gives. */
function requireMatchingHalves(type, publicKey, stated) {
    if (halvesMatch(type, publicKey, stated))
        return;
    const message = 'The private and the public half of the key do not belong together.';
    throw new errors_TrustError('key-unreadable', message);
}
function halvesMatch(type, publicKey, stated) {
    const part = (name) => Buffer.from(stated[name] ?? '', 'base64url');
    // Node derives an ed25519 public half itself; of the others it keeps what it is told.
    if (type === 'ssh-ed25519') {
        return publicKey.equals(Buffer.concat([wire_string(type), wire_string(part('x'))]));
    }
    if (public_key_isEcdsa(type)) {
        const exchange = (0,external_node_crypto_namespaceObject.createECDH)(ECDH_NAMES[type]);
        try {
            exchange.setPrivateKey(part('d'));
        }
        catch {
            return false; // zero, or not below the order of the curve
        }
        const point = wire_string(exchange.getPublicKey());
        return publicKey.subarray(-point.length).equals(point);
    }
    // RFC 8017 §3.2: n = pq, ed = 1 (mod p-1) and (mod q-1), q·qInv = 1 (mod p)
    const [n, e, d, p, q, qi] = ['n', 'e', 'd', 'p', 'q', 'qi'].map((name) => number(part(name)));
    if (p < 3n || q < 3n)
        return false;
    return (p * q === n && (e * d) % (p - 1n) === 1n && (e * d) % (q - 1n) === 1n && (q * qi) % p === 1n);
}
/** OpenSSL's names of the curves, which createECDH wants. */
const ECDH_NAMES = {
    'ecdsa-sha2-nistp256': 'prime256v1',
    'ecdsa-sha2-nistp384': 'secp384r1',
    'ecdsa-sha2-nistp521': 'secp521r1',
};
function readCurve(type, reader) {
    const parts = readPublicParts(type, reader);
    if (!public_key_isEcdsa(type)) {
        const secret = reader.string(64);
        if (secret.length !== 64)
            throw new errors_TrustError('malformed', 'An ed25519 private key has 64 bytes.');
        return { ...parts, d: secret.subarray(0, 32).toString('base64url') };
    }
    const { bytes } = CURVES[type];
    const d = reader.mpint(bytes + 1);
    const padded = Buffer.concat([Buffer.alloc(Math.max(0, bytes - d.length)), d]);
    return { ...parts, d: padded.toString('base64url') };
}
function readRsa(reader) {
    const max = public_key_MAX_RSA_BITS / 8 + 1;
    const n = reader.mpint(max);
    const e = reader.mpint(9);
    const d = reader.mpint(max);
    const qi = reader.mpint(max);
    const p = reader.mpint(max);
    const q = reader.mpint(max);
    const text = (number) => number.toString('base64url');
    return {
        kty: 'RSA',
        n: text(n),
        e: text(e),
        d: text(d),
        p: text(p),
        q: text(q),
        qi: text(qi),
        dp: text(reduce(d, p)),
        dq: text(reduce(d, q)),
    };
}
/** d mod (prime - 1): the exponents of RFC 8017 §3.2, which the wire format leaves out. */
function reduce(d, prime) {
    const modulus = number(prime) - 1n;
    if (modulus <= 1n)
        throw new errors_TrustError('malformed', 'An RSA key without its primes.');
    const hex = (number(d) % modulus).toString(16);
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}
function number(bytes) {
    return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString('hex')}`);
}
/**
 * `ed25519`, `ecdsa` (256), `ecdsa-384`, `ecdsa-521`, `rsa` (3072), `rsa-4096`, …
 *
 * @throws TrustError `input-invalid`, `key-type-unsupported`, `key-too-small`
 */
function parseKeySpec(text) {
    const [, name = '', size] = /^([a-z0-9]+?)(?:-([0-9]{1,5}))?$/.exec(text.trim().toLowerCase()) ?? [];
    if (name === 'dsa')
        throw unsupportedType('ssh-dss');
    if (name === 'ed25519' && size === undefined)
        return { type: 'ssh-ed25519' };
    if (name === 'ecdsa') {
        const type = `ecdsa-sha2-nistp${size ?? '256'}`;
        if (isKeyType(type))
            return { type };
    }
    if (name === 'rsa') {
        const bits = Number(size ?? '3072');
        if (bits < MIN_RSA_BITS) {
            throw new TrustError('key-too-small', `RSA with ${bits} bits is too small: ${MIN_RSA_BITS} are the least.`, {
                hint: 'Use ed25519, or rsa-3072.',
            });
        }
        if (bits <= MAX_RSA_BITS)
            return { type: 'ssh-rsa', bits };
    }
    throw new TrustError('input-invalid', `${JSON.stringify(text)} is no kind of key that can be generated.`, {
        hint: 'Use ed25519, ecdsa-256, ecdsa-384, ecdsa-521, or rsa-2048 to rsa-16384 (rsa alone is rsa-3072).',
    });
}
/** A new key from the platform's random numbers. */
function generatePrivateKey({ type, bits }, comment) {
    if (type === 'ssh-ed25519')
        return privateKeyFrom((0,external_node_crypto_namespaceObject.generateKeyPairSync)('ed25519').privateKey, comment);
    if (public_key_isEcdsa(type)) {
        const { privateKey } = (0,external_node_crypto_namespaceObject.generateKeyPairSync)('ec', { namedCurve: CURVES[type].jwk });
        return privateKeyFrom(privateKey, comment);
    }
    const { privateKey } = (0,external_node_crypto_namespaceObject.generateKeyPairSync)('rsa', { modulusLength: bits ?? 3072 });
    return privateKeyFrom(privateKey, comment);
}
/** The same; an RSA key, which takes seconds or minutes, is made in a thread. */
async function makePrivateKey(spec, comment) {
    if (spec.type !== 'ssh-rsa')
        return generatePrivateKey(spec, comment);
    const make = (0,external_node_util_namespaceObject.promisify)(external_node_crypto_namespaceObject.generateKeyPair);
    const { privateKey } = await make('rsa', { modulusLength: spec.bits ?? 3072 });
    return privateKeyFrom(privateKey, comment);
}

;// CONCATENATED MODULE: ./src/agent/audit.ts
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
    const flags = external_node_fs_namespaceObject.constants.O_WRONLY | external_node_fs_namespaceObject.constants.O_CREAT | external_node_fs_namespaceObject.constants.O_APPEND | external_node_fs_namespaceObject.constants.O_NOFOLLOW;
    const descriptor = file === STDERR ? 2 : (0,external_node_fs_namespaceObject.openSync)(file, flags, 0o600);
    let bytes = file === STDERR ? 0 : (0,external_node_fs_namespaceObject.fstatSync)(descriptor).size;
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
                bytes += (0,external_node_fs_namespaceObject.writeSync)(descriptor, line);
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
                    (0,external_node_fs_namespaceObject.writeSync)(descriptor, line);
                if (file !== STDERR)
                    (0,external_node_fs_namespaceObject.closeSync)(descriptor);
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

;// CONCATENATED MODULE: ./src/agent/messages.ts
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
const FAILURE = wire_byte(SSH_AGENT_FAILURE);
const SUCCESS = wire_byte(SSH_AGENT_SUCCESS);
const EXTENSION_FAILURE = wire_byte(SSH_AGENT_EXTENSION_FAILURE);
/** One message as a frame: its length, then itself (RFC 9987 §5). */
const messages_frame = wire_string;
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
            throw new errors_TrustError('malformed', `An agent message of ${length} bytes.`);
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
    const keys = identities.flatMap(({ blob, comment }) => [wire_string(blob), wire_string(comment)]);
    return Buffer.concat([wire_byte(SSH_AGENT_IDENTITIES_ANSWER), wire_uint32(identities.length), ...keys]);
}
/** RFC 9987 §5.6. */
function signResponse(signature) {
    return Buffer.concat([wire_byte(SSH_AGENT_SIGN_RESPONSE), wire_string(signature)]);
}
/** RFC 9987 §5.8. */
function extensionResponse(name, contents) {
    return Buffer.concat([wire_byte(SSH_AGENT_EXTENSION_RESPONSE), wire_string(name), contents]);
}
/** RFC 9987 §5.6. */
function signRequest(key, data, flags = 0) {
    return Buffer.concat([byte(SSH_AGENTC_SIGN_REQUEST), string(key), string(data), uint32(flags)]);
}
/** RFC 9987 §5.8. */
function extensionRequest(name, contents) {
    return Buffer.concat([byte(SSH_AGENTC_EXTENSION), string(name), contents]);
}

;// CONCATENATED MODULE: ./src/agent/constraints.ts
/**
 * What a key was added with: lifetime, confirmation (RFC 9987 §5.2.7), and the destinations that it
 * may be used for (`restrict-destination-v00@openssh.com`, PROTOCOL.agent section 2). The rules of the
 * latter are those of OpenSSH's identity_permitted.
 */






/** OpenSSH's AGENT_MAX_DEST_CONSTRAINTS and AGENT_USER_CONSTRAINT_MAX_LEN. */
const MAX_DESTINATIONS = 1024;
const MAX_USER_PATTERN = 256;
const MAX_HOSTNAME = 1024;
/**
 * Reads constraints to the end of the message.
 *
 * @throws TrustError `malformed`, also for constraints that are not known: a key must not be added
 *   with less protection than was asked for
 */
function readConstraints(reader) {
    const constraints = {};
    const once = (name) => {
        if (constraints[name] !== undefined)
            throw constraints_malformed(`${name} is given twice`);
    };
    while (reader.remaining > 0) {
        const type = reader.byte();
        switch (type) {
            case SSH_AGENT_CONSTRAIN_LIFETIME:
                once('lifetime');
                constraints.lifetime = reader.uint32();
                break;
            case SSH_AGENT_CONSTRAIN_CONFIRM:
                once('confirm');
                constraints.confirm = true;
                break;
            case SSH_AGENT_CONSTRAIN_EXTENSION: {
                // sk-provider and associated-certs are for hardware, of which there is none here.
                const name = reader.text(256);
                if (name !== RESTRICT_DESTINATION)
                    throw constraints_malformed(`the extension ${name} is not known`);
                once('destinations');
                constraints.destinations = readDestinations(reader.string());
                break;
            }
            default:
                throw constraints_malformed(`the type ${type} is not known`);
        }
    }
    return constraints;
}
function constraints_malformed(what) {
    return new errors_TrustError('malformed', `A constraint can't be kept: ${what}.`);
}
function readDestinations(contents) {
    const reader = new wire_Reader(contents);
    const destinations = [];
    while (reader.remaining > 0) {
        if (destinations.length >= MAX_DESTINATIONS)
            throw constraints_malformed('too many destinations');
        destinations.push(readDestination(new wire_Reader(reader.string())));
    }
    // OpenSSH's agent takes this for no restriction at all.
    if (destinations.length === 0)
        throw constraints_malformed('a restriction to no destination');
    return destinations;
}
function readDestination(reader) {
    const from = readHop(new wire_Reader(reader.string()));
    const to = readHop(new wire_Reader(reader.string()));
    if (reader.string().length > 0)
        throw constraints_malformed('a destination with unknown parts');
    reader.end('a destination');
    const { hop: source, user: sourceUser } = from;
    if (sourceUser !== '')
        throw constraints_malformed('a user at the source');
    if ((source.hostname === '') !== (source.keys.length === 0))
        throw constraints_malformed('half a source');
    if (to.hop.hostname === '' || to.hop.keys.length === 0)
        throw constraints_malformed('half a destination');
    return {
        ...(source.hostname === '' ? {} : { from: source }),
        ...(to.user === '' ? {} : { user: to.user }),
        to: to.hop,
    };
}
function readHop(reader) {
    const user = reader.text(MAX_USER_PATTERN);
    const hostname = reader.text(MAX_HOSTNAME);
    if (/\0/.test(user + hostname))
        throw constraints_malformed('a name with a zero byte');
    if (reader.string().length > 0)
        throw constraints_malformed('a host with unknown parts');
    const keys = [];
    while (reader.remaining > 0) {
        keys.push({ blob: readHostKey(reader), authority: reader.boolean() });
    }
    return { hop: { hostname, keys }, user };
}
/** A host key of any type: one that is not known here (a FIDO key) is kept, and never met. */
function readHostKey(reader) {
    const blob = Buffer.from(reader.string());
    try {
        decodePublicKey(plainKey(blob));
    }
    catch (error) {
        if (!(error instanceof errors_TrustError && error.code === 'key-type-unsupported'))
            throw error;
    }
    return blob;
}
/**
 * Whether a key with these destinations may be used on a connection with these bindings.
 *
 * @param user to log in as; undefined where the key is not to sign but to be listed or removed
 * @param now seconds since 1970, for host certificates
 */
function destinationsPermit(destinations, bindings, user, now) {
    if (bindings.failed)
        return false;
    const path = bindings.list;
    const last = path.at(-1);
    if (last === undefined)
        return user === undefined; // at the agent's own machine: listed, not used
    if (last.forwarding && user !== undefined)
        return false;
    const permitted = path.every((binding, index) => {
        if (index < path.length - 1 && !binding.forwarding)
            return false;
        const asUser = binding === last ? user : undefined;
        return allowsStep(destinations, path[index - 1], binding, asUser, now);
    });
    if (!permitted)
        return false;
    // A key that may be used at this host but not beyond it is not shown to the host.
    return !last.forwarding || allowsStep(destinations, last, undefined, undefined, now);
}
function allowsStep(destinations, from, to, user, now) {
    return destinations.some((destination) => (from === undefined
        ? destination.from === undefined
        : destination.from !== undefined && isHop(destination.from, from.hostKey, now)) &&
        (to === undefined || isHop(destination.to, to.hostKey, now)) &&
        (destination.user === undefined ||
            user === undefined ||
            matchPattern(user, destination.user)));
}
function isHop({ hostname, keys }, hostKey, now) {
    if (!isCertificateType(typeOfBlob(hostKey))) {
        return keys.some(({ blob, authority }) => !authority && blob.equals(hostKey));
    }
    const authorities = keys.filter(({ authority }) => authority).map(({ blob }) => blob);
    try {
        const certificate = parseCertificate(hostKey);
        return hostCertificateDefect(certificate, hostname, authorities, now) === undefined;
    }
    catch {
        return false; // damaged: it can be bound, for its key is whole
    }
}

;// CONCATENATED MODULE: ./src/agent/keyring.ts
/** The identities that the agent holds. */





/** Most identities; OpenSSH's MAX_AGENT_IDENTITIES, beyond which its clients take no list. */
const MAX_IDENTITIES = 2048;
/** The identity of a plain key. */
function plainIdentity(privateKey) {
    const { publicKey, comment } = privateKey;
    return { blob: publicKey, comment, fingerprint: public_key_fingerprint(publicKey), privateKey };
}
/**
 * The identity of a key with its certificate (wire format).
 *
 * @throws TrustError `key-unreadable` if the certificate is another key's, or its authority has not
 *   signed it: OpenSSH's clients take no list with such a one in it
 */
function certifiedIdentity(privateKey, certificate) {
    if (typeOfBlob(certificate) !== certificateType(privateKey.type)) {
        throw new errors_TrustError('key-unreadable', 'This is no certificate for a key of that type.');
    }
    const parsed = parseCertificate(certificate);
    if (!parsed.key.equals(privateKey.publicKey)) {
        throw new errors_TrustError('key-unreadable', 'The certificate is not one for this private key.');
    }
    if (!isSigned(parsed)) {
        throw new errors_TrustError('key-unreadable', "The signature of the certificate's authority is wrong.");
    }
    return { ...plainIdentity(privateKey), blob: certificate };
}
function findIdentity(identities, blob) {
    return identities.find((identity) => identity.blob.equals(blob));
}
/**
 * The identities with one more, behind the others; one with the same blob is replaced where it stands.
 * Returns undefined where there are too many.
 */
function withIdentity(identities, added) {
    const index = identities.findIndex(({ blob }) => blob.equals(added.blob));
    if (index >= 0)
        return identities.with(index, added);
    return identities.length < MAX_IDENTITIES ? [...identities, added] : undefined;
}
/**
 * Signs with an identity.
 *
 * @returns a promise for RSA, whose signatures would keep the other connections waiting; undefined
 *   where only one with SHA-1 was asked for (RSA without a flag)
 */
function signWith(identity, data, flags) {
    const { type, key } = identity.privateKey;
    const hash = flags & SSH_AGENT_RSA_SHA2_256
        ? 'sha256'
        : flags & SSH_AGENT_RSA_SHA2_512
            ? 'sha512'
            : undefined;
    if (type !== 'ssh-rsa')
        return makeSignature(type, key, data, 'sha512');
    return hash === undefined ? undefined : makeRsaSignature(key, data, hash);
}

;// CONCATENATED MODULE: external "node:path"
const external_node_path_namespaceObject = require("node:path");
;// CONCATENATED MODULE: ./src/ssh/pin.ts
/**
 * Pins: what a job says beforehand about a host's key, and the one judgement of a proven host key
 * against them. The setup, the agent and the command line all judge with this function.
 */



/**
 * Judges a host key (wire format; a certificate, too) that `hostname` has proven to hold.
 *
 * @param now seconds since 1970, for the validity of certificates
 * @throws TrustError `malformed` where it does not even begin as a key
 */
function judgeHostKey(pins, hostname, hostKey, now) {
    if (!isCertificateType(typeOfBlob(hostKey)))
        return judgePlainKey(pins, hostKey);
    let certificate;
    try {
        certificate = parseCertificate(hostKey);
    }
    catch (error) {
        return { verdict: 'changed', defect: explain(error) };
    }
    const revoked = pins.find((pin) => pin.kind === 'revoked' &&
        [certificate.key, certificate.authority].some((key) => key.equals(pin.key.blob)));
    if (revoked !== undefined)
        return { verdict: 'revoked', pin: revoked };
    const authorities = pins.filter((pin) => pin.kind === 'cert-authority');
    const keys = authorities.map((pin) => pin.key.blob);
    const defect = hostCertificateDefect(certificate, hostname, keys, now);
    const pin = authorities.find(({ key }) => key.blob.equals(certificate.authority));
    if (defect === undefined && pin !== undefined)
        return { verdict: 'ok', pin };
    // A pin of the plain key holds whatever certificate the key wears.
    const plain = judgePlainKey(pins, certificate.key);
    if (plain.verdict === 'ok' || defect === undefined)
        return plain;
    return { verdict: 'changed', defect };
}
function judgePlainKey(pins, hostKey) {
    const revoked = pins.find((pin) => pin.kind === 'revoked' && pin.key.blob.equals(hostKey));
    if (revoked !== undefined)
        return { verdict: 'revoked', pin: revoked };
    const offered = public_key_fingerprint(hostKey);
    const pin = pins.find((pin) => (pin.kind === 'key' && pin.key.blob.equals(hostKey)) ||
        (pin.kind === 'fingerprint' && pin.fingerprint === offered));
    return pin === undefined ? { verdict: 'changed' } : { verdict: 'ok', pin };
}
/** A pin as the `hosts` input takes it. */
function pin_formatPin(pin) {
    if (pin.kind === 'fingerprint')
        return pin.fingerprint;
    const key = formatPublicKey(pin.key.blob);
    return pin.kind === 'key' ? key : `@${pin.kind} ${key}`;
}
/** The fingerprint by which a pin is told in messages. */
function pinFingerprint(pin) {
    return pin.kind === 'fingerprint' ? pin.fingerprint : fingerprint(pin.key.blob);
}
/**
 * A pin from `SHA256:…`, `ssh-ed25519 AAAA…`, `@cert-authority ssh-ed25519 AAAA…` or
 * `@revoked ssh-ed25519 AAAA…`.
 *
 * @throws TrustError `hosts-pin-invalid`, `hosts-pin-md5`, `key-type-unsupported`, `key-too-small`,
 *   `malformed`
 */
function parsePin(text) {
    if (/^(MD5:|([0-9a-f]{2}:){15})/i.test(text)) {
        throw new errors_TrustError('hosts-pin-md5', `${text} is an MD5 fingerprint, which is no proof: two keys with one MD5 can be made.`, {
            hint: 'Use the SHA256 fingerprint: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the server prints it.',
        });
    }
    if (/^SHA256:/i.test(text)) {
        // A SHA-256 has 32 bytes: 43 base64 characters, the last of which carries four bits.
        const digest = /^SHA256:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])=?$/.exec(text)?.[1];
        if (digest === undefined) {
            throw new errors_TrustError('hosts-pin-invalid', `${text} is not a whole SHA256 fingerprint (43 characters after SHA256:).`, {
                hint: 'Copy it again; ssh-keygen -lf prints it as SHA256:….',
            });
        }
        return { kind: 'fingerprint', fingerprint: `SHA256:${digest}` };
    }
    const [, marker, key = ''] = /^(?:@(cert-authority|revoked)[ \t]+)?(.*)$/.exec(text) ?? [];
    const parsed = parsePublicKey(key);
    return { kind: marker === 'cert-authority' || marker === 'revoked' ? marker : 'key', key: parsed };
}

;// CONCATENATED MODULE: ./src/ssh/sshsig.ts
/** What `ssh-keygen -Y sign` has signed: a commit, a file (OpenSSH's PROTOCOL.sshsig, section 3). */

/** PROTOCOL.sshsig: MAGIC_PREAMBLE. */
const MAGIC = Buffer.from('SSHSIG');
/** Longest namespace that is compared and told; OpenSSH sets no bound. */
const MAX_NAMESPACE = 1024;
/** What a signature is for (`git`, `file`, …), or undefined where `data` is not to be signed so. */
function sshsigNamespace(data) {
    try {
        const reader = new wire_Reader(data);
        if (!reader.bytes(MAGIC.length).equals(MAGIC))
            return undefined;
        const namespace = reader.text(MAX_NAMESPACE);
        reader.string(); // reserved
        reader.text(64); // hash algorithm
        reader.string(64); // the hash of the message
        reader.end('an SSHSIG');
        return namespace === '' ? undefined : namespace;
    }
    catch {
        return undefined; // short or overlong
    }
}
/** Whether `data` could be taken for something to be signed so, whole or not. */
function beginsAsSshsig(data) {
    return data.subarray(0, MAGIC.length).equals(MAGIC);
}

;// CONCATENATED MODULE: ./src/ssh/userauth.ts
/**
 * The data that a client signs to log in: RFC 4252 §7, and OpenSSH's
 * publickey-hostbound-v00@openssh.com (OpenSSH's PROTOCOL, section 3.1), which adds the host key.
 */

/** RFC 4252 §6. */
const SSH_MSG_USERAUTH_REQUEST = 50;
/** Longest user name that is told in the audit and compared; Linux allows 32, others 256. */
const MAX_USER = 1024;
/** What `data` asks for, or undefined where it is anything but a whole request for a signature. */
function parseUserauthRequest(data) {
    try {
        const reader = new wire_Reader(data);
        const sessionId = reader.string(128);
        const message = reader.byte();
        const user = reader.text(MAX_USER);
        const service = reader.text(256);
        const method = reader.text(256);
        const signatureFollows = reader.boolean();
        const algorithm = reader.text(256);
        const key = reader.string();
        const hostbound = method === 'publickey-hostbound-v00@openssh.com';
        const hostKey = hostbound ? reader.string() : undefined;
        reader.end('a userauth request');
        if (sessionId.length === 0 || message !== SSH_MSG_USERAUTH_REQUEST || !signatureFollows) {
            return undefined;
        }
        if (service !== 'ssh-connection' || (method !== 'publickey' && !hostbound))
            return undefined;
        const request = { sessionId, user, service, algorithm, key };
        return hostKey === undefined
            ? { ...request, method: 'publickey' }
            : { ...request, method: 'publickey-hostbound-v00@openssh.com', hostKey };
    }
    catch {
        return undefined; // short or overlong: not a userauth request
    }
}
/** Whether `data` could be taken for a login by some server, whole or not, of any method or service. */
function beginsAsUserauth(data) {
    try {
        const reader = new wire_Reader(data);
        reader.string();
        return reader.byte() === SSH_MSG_USERAUTH_REQUEST;
    }
    catch {
        return false;
    }
}

;// CONCATENATED MODULE: ./src/agent/policy.ts
/**
 * What the agent signs, and for whom. `decide` is a pure function of the policy, the identity, what
 * the connection is bound to, and the data; everything else in the agent only carries its verdict out.
 */





const POLICY_MODES = ['pinned', 'warn', 'any'];
/**
 * Whether the login is with this pair of keys, plain or certified: ssh offers a certificate and then
 * asks for the signature of the plain key, where the agent lists both.
 */
function isFor({ key }, { privateKey }) {
    try {
        return plainKey(key).equals(privateKey.publicKey);
    }
    catch {
        return false; // no key, or none of a type that is held here
    }
}
function allows(host, identity) {
    return (host.keys === undefined ||
        host.keys.includes(identity.fingerprint) ||
        host.keys.includes(identity.comment));
}
/** The hosts whose pins a proven host key satisfies; `revoked` if any host revokes it. */
function hostsWithKey(policy, hostKey, now) {
    const matching = [];
    for (const host of policy.hosts) {
        const { verdict } = judgeHostKey(host.pins, host.hostname, hostKey, now);
        if (verdict === 'revoked')
            return 'revoked';
        if (verdict === 'ok')
            matching.push(host);
    }
    return matching;
}
/**
 * Whether `identity` may sign `data` on a connection with these bindings.
 *
 * @param now seconds since 1970, for host certificates
 * @param signatures that the agent has made so far
 */
function decide(policy, identity, bindings, data, now, signatures = 0) {
    const request = parseUserauthRequest(data);
    const forwarded = bindings.list.length > 1;
    const facts = { forwarded, ...(request === undefined ? {} : { user: request.user }) };
    const allow = (reason) => ({ allowed: true, reason, ...facts });
    const refuse = (reason) => ({ allowed: false, reason, ...facts });
    if (policy.maxSignatures !== undefined && signatures >= policy.maxSignatures) {
        return refuse('signatures-used-up');
    }
    const outside = outsideDestinations(identity, request, bindings, now);
    if (outside !== undefined)
        return refuse(outside);
    if (policy.mode === 'any')
        return allow('any-allowed');
    if (bindings.failed)
        return refuse('bind-failed');
    if (request === undefined) {
        const reason = judgeOtherData(policy, data);
        if (!reason.allowed)
            return refuse(reason.reason);
        const blocked = blockingHop(policy, bindings.list, identity, now) !== undefined;
        return blocked ? refuse('forward-not-allowed') : allow(reason.reason);
    }
    if (!isFor(request, identity))
        return refuse('not-userauth');
    const last = bindings.list.at(-1);
    if (last === undefined) {
        return policy.mode === 'pinned' ? refuse('unbound') : allow('unbound-allowed');
    }
    const mismatch = sessionMismatch(request, last);
    if (mismatch !== undefined)
        return refuse(mismatch);
    const path = bindings.list.slice(0, -1);
    const { reason, host } = judgeLogin(policy, identity, path, last, request, now);
    const verdict = reason === 'host-pinned' ? allow(reason) : refuse(reason);
    return host === undefined ? verdict : { ...verdict, host: host.name };
}
/** What a key's own destinations say, whatever the policy is: the rules of OpenSSH's agent. */
function outsideDestinations(identity, request, bindings, now) {
    if (identity.destinations === undefined)
        return undefined;
    const last = bindings.list.at(-1);
    if (last === undefined ||
        request === undefined ||
        !isFor(request, identity) ||
        !destinationsPermit(identity.destinations, bindings, request.user, now)) {
        return 'destination-not-permitted';
    }
    const mismatch = sessionMismatch(request, last);
    if (mismatch !== undefined)
        return mismatch;
    return bindings.list.length > 1 && request.hostKey === undefined
        ? 'forward-not-hostbound'
        : undefined;
}
/** Data that is no login: signed files and commits, tests, certificates, host keys at work. */
function judgeOtherData(policy, data) {
    const namespace = sshsigNamespace(data);
    if (namespace !== undefined) {
        return policy.namespaces?.includes(namespace) === true
            ? { allowed: true, reason: 'namespace-allowed' }
            : { allowed: false, reason: 'namespace-not-allowed' };
    }
    // A login in a form that is not known here is no other data.
    return policy.otherData === true && !beginsAsUserauth(data) && !beginsAsSshsig(data)
        ? { allowed: true, reason: 'other-data-allowed' }
        : { allowed: false, reason: 'not-userauth' };
}
/** A login on a connection that is bound to the session of the login, over the hops of `path`. */
function judgeLogin(policy, identity, path, last, request, now) {
    const hosts = hostsWithKey(policy, last.hostKey, now);
    if (hosts === 'revoked')
        return { reason: 'host-revoked' };
    // Several lines may pin the same key: the line for this very user speaks first.
    hosts.sort((a, b) => Number(b.user === request.user) - Number(a.user === request.user));
    const [anyHost] = hosts;
    if (anyHost === undefined)
        return { reason: 'host-not-pinned' };
    const [forKey, ...others] = hosts.filter((candidate) => allows(candidate, identity));
    if (forKey === undefined)
        return { reason: 'key-not-for-host', host: anyHost };
    const host = [forKey, ...others].find(({ users }) => users?.includes(request.user) ?? true);
    if (host === undefined)
        return { reason: 'user-not-allowed', host: forKey };
    if (path.length === 0)
        return { reason: 'host-pinned', host };
    // PROTOCOL, publickey-hostbound: without it a forwarded signature could be for any host.
    if (request.hostKey === undefined)
        return { reason: 'forward-not-hostbound', host };
    const blocking = blockingHop(policy, path, identity, now);
    if (blocking === undefined)
        return { reason: 'host-pinned', host };
    const { host: hop } = blocking;
    return { reason: 'forward-not-allowed', ...(hop === undefined ? {} : { host: hop }) };
}
function sessionMismatch(request, last) {
    if (last.forwarding)
        return 'forwarding-hop';
    if (!request.sessionId.equals(last.sessionId))
        return 'session-mismatch';
    if (request.hostKey !== undefined && !request.hostKey.equals(last.hostKey)) {
        return 'host-key-mismatch';
    }
    return undefined;
}
/** The first hop of a path that may not use the agent, with this key, onwards; undefined: all may. */
function blockingHop(policy, path, identity, now) {
    for (const hop of path) {
        const hosts = hostsWithKey(policy, hop.hostKey, now);
        if (hosts === 'revoked')
            return {};
        if (hop.forwarding && hosts.some((host) => host.forward && allows(host, identity)))
            continue;
        return hosts[0] === undefined ? {} : { host: hosts[0] };
    }
    return undefined;
}
/**
 * The identities that a connection gets to see: all on an unbound one (public keys are public), on a
 * bound one those that could be used there, so that a server is offered no useless key.
 */
function visible(policy, identities, bindings, now) {
    const within = identities.filter((identity) => isPermitted(identity, bindings, now));
    const none = (withheld, host) => ({
        identities: [],
        withheld,
        ...(host === undefined ? {} : { host: host.name }),
    });
    if (within.length === 0 && identities.length > 0)
        return none('destination-not-permitted');
    if (policy.mode === 'any')
        return { identities: within };
    if (bindings.failed)
        return none('bind-failed');
    const last = bindings.list.at(-1);
    if (last === undefined)
        return { identities: within };
    const hosts = hostsWithKey(policy, last.hostKey, now);
    if (hosts === 'revoked')
        return none('host-revoked');
    if (hosts.length === 0 && !last.forwarding)
        return none('host-not-pinned');
    const path = last.forwarding ? bindings.list : bindings.list.slice(0, -1);
    const fitting = within.filter((identity) => last.forwarding || hosts.some((host) => allows(host, identity)));
    const shown = fitting.filter((identity) => blockingHop(policy, path, identity, now) === undefined);
    if (shown.length > 0 || within.length === 0)
        return { identities: shown };
    const [blocked] = fitting;
    if (blocked === undefined)
        return none('key-not-for-host', hosts[0]);
    return none('forward-not-allowed', blockingHop(policy, path, blocked, now)?.host);
}
/** Whether a key's own destinations let it be seen, and removed, on a connection. */
function isPermitted({ destinations }, bindings, now) {
    return destinations === undefined || destinationsPermit(destinations, bindings, undefined, now);
}
/**
 * Whether keys may be added, removed or locked over a connection: not from a host that may not use the
 * agent.
 */
function mayChangeKeys(policy, bindings, now) {
    if (policy.mode === 'any')
        return true;
    return (!bindings.failed &&
        bindings.list.every((hop) => hop.forwarding && forwardingHosts(policy, hop, now).length > 0));
}
/** The hosts with `forward` that a hop can be; none if a host revokes its key. */
function forwardingHosts(policy, hop, now) {
    const hosts = hostsWithKey(policy, hop.hostKey, now);
    return hosts === 'revoked' ? [] : hosts.filter(({ forward }) => forward);
}

;// CONCATENATED MODULE: ./src/agent/settings.ts




/** Longest settings line: some hundred RSA keys and ten thousand hosts. */
const MAX_SETTINGS = 16 * 1024 * 1024;
function encodeSettings(settings) {
    const encoded = {
        ...settings,
        policy: encodePolicy(settings.policy),
        keys: encodeKeys(settings.keys),
    };
    return JSON.stringify(encoded);
}
function decodeSettings(line) {
    const encoded = JSON.parse(line);
    return { ...encoded, policy: decodePolicy(encoded.policy), keys: decodeKeys(encoded.keys) };
}
/** Holds no secret. */
function encodePart(part) {
    const encoded = { ...part, policy: encodePolicy(part.policy) };
    return JSON.stringify(encoded);
}
function decodePart(text) {
    const encoded = JSON.parse(text);
    return { ...encoded, policy: decodePolicy(encoded.policy) };
}
function encodePolicy(policy) {
    const encodePins = (pins) => pins.map(formatPin);
    return {
        ...policy,
        hosts: policy.hosts.map((host) => ({ ...host, pins: encodePins(host.pins) })),
    };
}
function decodePolicy(policy) {
    return {
        ...policy,
        hosts: policy.hosts.map((host) => ({ ...host, pins: host.pins.map(parsePin) })),
    };
}
function encodeKeys(keys) {
    return keys.map(({ privateKey, certificate }) => ({
        privateKey: writePrivateKey(privateKey).toString('base64'),
        ...(certificate === undefined ? {} : { certificate: certificate.toString('base64') }),
    }));
}
function decodeKeys(keys) {
    return keys.map(({ privateKey, certificate }) => ({
        privateKey: readPrivateKey(new wire_Reader(Buffer.from(privateKey, 'base64'))),
        ...(certificate === undefined ? {} : { certificate: Buffer.from(certificate, 'base64') }),
    }));
}
/** A key is served with its certificate, where it has one, and plain. */
function identitiesOf({ privateKey, certificate }) {
    const plain = plainIdentity(privateKey);
    return certificate === undefined ? [plain] : [certifiedIdentity(privateKey, certificate), plain];
}
/** @param given how many of the identities, the first ones, were not made here */
function readyWith(identities, given) {
    return {
        pid: process.pid,
        identities: identities.map(({ blob, comment }, index) => ({
            blob: blob.toString('base64'),
            comment,
            generated: index >= given,
        })),
    };
}

;// CONCATENATED MODULE: ./src/agent/state.ts
/** Seconds since 1970, for certificates and the audit. */
function now() {
    return Date.now() / 1000;
}
/** Drops the keys whose lifetime is over. */
function dropExpired(state) {
    const time = performance.now();
    const expired = state.identities.filter(({ expires = Infinity }) => expires <= time);
    if (expired.length === 0)
        return;
    state.identities = state.identities.filter((identity) => !expired.includes(identity));
    for (const { fingerprint } of expired) {
        state.audit.write({
            request: 'expire',
            verdict: 'done',
            reason: 'lifetime-over',
            key: fingerprint,
        });
    }
}

;// CONCATENATED MODULE: ./src/agent/parts.ts
/**
 * Several uses of the action in one job share the agent. Each brings its own keys and its own policy for
 * them: what joins later can loosen nothing for the keys that were there before.
 */









/** Most uses of the action in one job that join the first. */
const MAX_PARTS = 32;
/** Longest word of one that joins: ten thousand hosts. */
const MAX_WORD = 16 * 1024 * 1024;
function blobName(blob) {
    return blob.toString('base64');
}
/** The parts that still need the agent. */
function remaining(state) {
    return [state, ...state.joined].filter(({ left }) => left !== true);
}
/** The parts whose word counts for what no part has brought: the agent's own for as long as it runs. */
function ofJob(state) {
    return [state, ...state.joined.filter(({ left }) => left !== true)];
}
/** The policy for keys that no part has brought: the agent's own, and all hosts of the job. */
function jobPolicy(state) {
    const parts = ofJob(state);
    if (parts.length === 1)
        return state.policy;
    const mode = POLICY_MODES.find((name) => parts.some(({ policy }) => policy.mode === name));
    return {
        ...state.policy,
        mode: mode ?? state.policy.mode, // the strictest, which comes first
        hosts: parts.flatMap(({ policy }) => policy.hosts),
    };
}
/** Whether keys may be added, removed or locked over a connection: no part may have it against it. */
function mayAllChange(bindings, state) {
    return ofJob(state).every(({ policy }) => mayChangeKeys(policy, bindings, now()));
}
/** The parts that have brought an identity, and whose time is not over. */
function bringersOf({ blob }, state) {
    const name = blobName(blob);
    return remaining(state).filter(({ keys, over }) => over !== true && keys.has(name));
}
/**
 * By what an identity may be used: the parts that have brought it, each with its policy. Any of them
 * will do. Signatures of keys that were added later count for the agent's own part.
 *
 * @param by the part that asks, over the control channel: it may use what it has brought, and no more
 */
function partsFor(identity, state, by) {
    const brought = bringersOf(identity, state);
    const own = state;
    const parts = brought.length === 0
        ? [{ part: own, policy: jobPolicy(state) }]
        : brought.map((part) => ({ part, policy: part.policy }));
    return by === undefined ? parts : parts.filter(({ part }) => part === by);
}
/** The identities by the policy that they are shown under; each stands once, in the agent's order. */
function byPolicy(state) {
    const groups = new Map();
    const later = jobPolicy(state);
    for (const identity of state.identities) {
        const brought = bringersOf(identity, state);
        for (const policy of brought.length === 0 ? [later] : brought.map((part) => part.policy)) {
            const group = groups.get(policy);
            if (group === undefined)
                groups.set(policy, [identity]);
            else
                group.push(identity);
        }
    }
    if (groups.size === 0)
        return [{ policy: later, identities: [] }];
    return [...groups].map(([policy, identities]) => ({ policy, identities }));
}
/**
 * Takes another use of the action in. Whoever joins shows that it is a process of this user on this
 * machine, and no host that the agent is forwarded to, by a file in the job's directory, which nobody
 * else may enter. The file holds no secret: a digest of the token, and the policy.
 *
 * @param token that will be the part's own
 * @throws TrustError `agent-control`
 */
async function join({ id, keys, orphanedEnv }, token, state) {
    const word = takeWord(id, state);
    if (word.digest !== digestOf(token))
        throw refused('the word is for another token');
    const { policy, generate, lifetime } = decodePart(word.part);
    const loaded = decodeKeys(keys).flatMap(identitiesOf);
    const env = readOrphanedEnv(orphanedEnv);
    // In a thread: an RSA key takes seconds, and others need not wait.
    const made = generate === undefined ? [] : [plainIdentity(await makePrivateKey(generate, generate.comment))];
    const brought = [...loaded, ...made];
    if (state.joined.length >= MAX_PARTS)
        throw refused('too many have joined');
    let identities = state.identities;
    for (const identity of brought) {
        // One that is here stays as it is: a part must not change the bounds of another's key.
        if (identities.some(({ blob }) => blob.equals(identity.blob)))
            continue;
        const more = withIdentity(identities, identity);
        if (more === undefined)
            throw refused('the agent is full');
        identities = more;
    }
    state.identities = identities;
    const part = {
        token: token.toString('latin1'),
        policy,
        signatures: 0,
        keys: new Set(brought.map(({ blob }) => blobName(blob))),
        orphanedEnv: env,
    };
    state.joined.push(part);
    if (lifetime !== undefined)
        endLater(part, lifetime, state);
    return readyWith(brought, loaded.length);
}
/** Nothing but what the program that takes trust back asks for: the agent runs it with that, unseen. */
function readOrphanedEnv(env) {
    const read = {};
    for (const [name, value] of Object.entries(env)) {
        if (!/^STATE_(journal|token)$/.test(name) ||
            typeof value !== 'string' ||
            value.includes('\0')) {
            throw refused('its environment is not that of a teardown');
        }
        read[name] = value;
    }
    return read;
}
function digestOf(token) {
    return (0,external_node_crypto_namespaceObject.createHash)('sha256').update(token).digest('hex');
}
/** Name of the file in the job's directory that lets one join. */
function wordName(id) {
    return `join-${id}`;
}
function takeWord(id, { directory }) {
    if (directory === undefined)
        throw refused('this agent is for one alone');
    if (!/^[A-Za-z0-9]{6}$/.test(id))
        throw refused('that is no id of a job');
    const path = (0,external_node_path_namespaceObject.join)(directory, wordName(id));
    const text = (0,external_node_fs_namespaceObject.readFileSync)(path, 'utf8');
    (0,external_node_fs_namespaceObject.rmSync)(path, { force: true });
    if (text.length > MAX_WORD)
        throw refused('the word is too long');
    return JSON.parse(text);
}
function refused(why) {
    return new errors_TrustError('agent-control', `The agent takes nobody in: ${why}.`);
}
/**
 * When the time of a part is over the agent drops its keys, but stays: it still watches the runner, and
 * its audit says why nothing is signed any more.
 */
function endLater(part, lifetime, state) {
    const end = () => {
        part.over = true;
        dropKeysOf(part, state);
        state.audit.write({ request: 'expire', verdict: 'done', reason: 'lifetime-over' });
    };
    setTimeout(end, lifetime * 1000).unref();
}
/** Takes a part out, with the keys that it alone has brought; the agent ends with the last. */
function leave(part, state) {
    part.left = true;
    const left = remaining(state).length;
    if (left === 0)
        setImmediate(state.stop); // after the reply has been handed to the socket
    else
        dropKeysOf(part, state);
    return left;
}
/** Drops what no other part has brought; with the agent's own part also what was added later. */
function dropKeysOf(part, state) {
    const others = remaining(state).filter((other) => other !== part && other.over !== true);
    state.identities = state.identities.filter(({ blob }) => {
        const name = blobName(blob);
        if (others.some(({ keys }) => keys.has(name)))
            return true;
        return part !== state && !part.keys.has(name);
    });
}

;// CONCATENATED MODULE: ./src/agent/key-requests.ts
/** Requests that change which keys the agent holds, or lock it: RFC 9987 §5.2, §5.4, §5.7. */









/** Longest time that a timer of Node can wait, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;
/** The same for keys with and without constraints, as in OpenSSH's agent. */
function addIdentity(reader, bindings, state) {
    const refuse = (detail, key) => {
        const about = key === undefined ? {} : { key };
        state.audit.write({
            request: 'add',
            verdict: 'refused',
            reason: state.over === true ? 'lifetime-over' : 'key-refused',
            detail,
            ...about,
        });
        return FAILURE;
    };
    let identity;
    try {
        identity = readIdentity(reader, state.defaultLifetime);
    }
    catch (error) {
        return refuse(explain(error));
    }
    const { fingerprint: key, comment } = identity;
    if (state.over === true)
        return refuse("the agent's lifetime is over", key);
    if (!mayAllChange(bindings, state))
        return refuse('forwarded, unasked for', key);
    // A key that is not seen on this connection must not be replaced over it, and freed so.
    const known = findIdentity(state.identities, identity.blob);
    if (known !== undefined && !isPermitted(known, bindings, now())) {
        return refuse('it is here, for other destinations', key);
    }
    const identities = withIdentity(state.identities, identity);
    if (identities === undefined)
        return refuse('the agent is full', key);
    state.identities = identities;
    expireInTime(state);
    state.audit.write({ request: 'add', verdict: 'done', reason: 'as-asked', key, comment });
    return SUCCESS;
}
/** One timer for the key that goes next: keys can be added any number of times. */
function expireInTime(state) {
    clearTimeout(state.nextExpiry);
    const next = Math.min(...state.identities.map(({ expires = Infinity }) => expires));
    if (next === Infinity)
        return;
    const time = Math.min(Math.max(next - performance.now(), 0) + 1, MAX_TIMER);
    const drop = () => {
        dropExpired(state);
        expireInTime(state);
    };
    state.nextExpiry = setTimeout(drop, time).unref();
}
function readIdentity(reader, defaultLifetime) {
    const { privateKey, certificate, rest } = readCertifiedPrivateKey(reader);
    // OpenSSH's clients take no list with such a comment in it.
    if (privateKey.comment.includes('\0'))
        throw new errors_TrustError('malformed', 'A zero byte in a comment.');
    const { lifetime = defaultLifetime, confirm, destinations } = readConstraints(rest);
    return {
        ...(certificate === undefined
            ? plainIdentity(privateKey)
            : certifiedIdentity(privateKey, certificate)),
        ...(lifetime === undefined ? {} : { expires: performance.now() + lifetime * 1000 }),
        ...(confirm === undefined ? {} : { confirm }),
        ...(destinations === undefined ? {} : { destinations }),
    };
}
function removeIdentity(reader, bindings, state) {
    const blob = reader.string();
    reader.end('a remove request');
    const identity = findIdentity(state.identities, blob);
    const refused = reasonToKeep(identity, bindings, state);
    state.audit.write({
        request: 'remove',
        verdict: refused === undefined ? 'done' : 'refused',
        reason: refused ?? 'as-asked',
        key: identity?.fingerprint ?? public_key_fingerprint(blob),
    });
    if (refused !== undefined)
        return FAILURE;
    state.identities = state.identities.filter((other) => other !== identity);
    return SUCCESS;
}
function reasonToKeep(identity, bindings, state) {
    if (!mayAllChange(bindings, state))
        return 'forward-not-allowed';
    if (identity === undefined)
        return 'key-unknown';
    return isPermitted(identity, bindings, now()) ? undefined : 'destination-not-permitted';
}
function removeAllIdentities(bindings, state) {
    if (!mayAllChange(bindings, state)) {
        state.audit.write({
            request: 'remove-all',
            verdict: 'refused',
            reason: 'forward-not-allowed',
        });
        return FAILURE;
    }
    dropAllKeys(state);
    return SUCCESS;
}
function dropAllKeys(state) {
    state.identities = [];
    state.audit.write({ request: 'remove-all', verdict: 'done', reason: 'as-asked' });
}
async function lockAgent(reader, bindings, state) {
    const allowed = mayAllChange(bindings, state);
    const locked = allowed && (await state.lock.lock(reader.string()));
    if (!locked)
        return FAILURE; // forwarded; empty; or another connection was first
    state.audit.write({ request: 'lock', verdict: 'done', reason: 'as-asked' });
    return SUCCESS;
}
async function unlockAgent(reader, state) {
    if (!state.lock.isLocked())
        return FAILURE;
    const unlocked = await state.lock.unlock(reader.string());
    state.audit.write({
        request: 'unlock',
        verdict: unlocked ? 'done' : 'refused',
        reason: unlocked ? 'as-asked' : 'passphrase-wrong',
    });
    return unlocked ? SUCCESS : FAILURE;
}

;// CONCATENATED MODULE: external "node:timers/promises"
const promises_namespaceObject = require("node:timers/promises");
;// CONCATENATED MODULE: ./src/agent/lock.ts
/**
 * Locking the agent with a passphrase (RFC 9987 §5.7). Wrong passphrases cost time, more each time, as
 * in OpenSSH's process_lock_agent; but here only those who try to unlock wait, one after the other.
 */



const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** OpenSSH's: a tenth of a second more for each wrong passphrase, up to ten seconds. */
const DELAY_STEP = 100;
const MAX_FAILURES = 100;
const scryptAsync = (0,external_node_util_namespaceObject.promisify)(external_node_crypto_namespaceObject.scrypt);
/** Hashed first: scrypt's HMAC takes a passphrase with zeros behind it for the same one. */
function derive(passphrase, salt, length) {
    return scryptAsync((0,external_node_crypto_namespaceObject.createHash)('sha512').update(passphrase).digest(), salt, length);
}
/** @param wait replaced in tests */
function openLock(wait = promises_namespaceObject.setTimeout) {
    let secret;
    let failures = 0;
    let queue = Promise.resolve();
    const inTurn = (attempt) => {
        const result = queue.then(attempt);
        queue = result.catch(() => undefined);
        return result;
    };
    return {
        isLocked: () => secret !== undefined,
        lock: (passphrase) => inTurn(async () => {
            if (secret !== undefined || passphrase.length === 0)
                return false;
            const salt = (0,external_node_crypto_namespaceObject.randomBytes)(SALT_BYTES);
            secret = { salt, hash: await derive(passphrase, salt, HASH_BYTES) };
            return true;
        }),
        unlock: (passphrase) => inTurn(async () => {
            if (secret === undefined || passphrase.length === 0)
                return false;
            const hash = await derive(passphrase, secret.salt, HASH_BYTES);
            if ((0,external_node_crypto_namespaceObject.timingSafeEqual)(hash, secret.hash)) {
                secret = undefined;
                failures = 0;
                return true;
            }
            failures = Math.min(failures + 1, MAX_FAILURES);
            await wait(failures * DELAY_STEP);
            return false;
        }),
    };
}

;// CONCATENATED MODULE: external "node:net"
const external_node_net_namespaceObject = require("node:net");
;// CONCATENATED MODULE: ./src/agent/cygwin-socket.ts
/**
 * A Unix socket as Cygwin and MSYS emulate it, so that the ssh of Git for Windows reaches the agent: a
 * TCP port on 127.0.0.1, and a file that tells the port and a secret. Whoever can read the file can
 * connect, and nothing else guards it: it has to lie where only its user can read.
 *
 * The reference is Cygwin's winsup/cygwin/fhandler/socket_local.cc, which MSYS2 and Git for Windows
 * have unchanged: bind() writes the file, get_inet_addr_local() reads it, af_local_connect() and
 * af_local_accept() are the two sides of the handshake.
 */







const LOOPBACK = '127.0.0.1';
/** Four words; on the wire little-endian, in the file as hexadecimal numbers. */
const SECRET_LENGTH = 16;
/** struct ucred: pid, uid, gid, each a little-endian uint32. */
const CREDENTIALS_LENGTH = 12;
/** Connections that have not shown the secret; one more, and the oldest of them is closed. */
const MAX_STRANGERS = 64;
/** Time for a whole handshake, in milliseconds. A client needs one or two. */
const HANDSHAKE_TIMEOUT = 10_000;
/** What bind() writes: `!<socket >PORT s WORD-WORD-WORD-WORD` and a zero byte. */
function formatSocketFile(port, secret) {
    // Upper case, as Cygwin writes it; the client of npm's ssh2 takes no other.
    const words = [0, 4, 8, 12].map((offset) => secret.readUInt32LE(offset).toString(16).padStart(8, '0').toUpperCase());
    return `!<socket >${port} s ${words.join('-')}\0`;
}
const NOTHING = Buffer.alloc(0);
/**
 * The server's side of a handshake. The function returned takes what the client sends, in whatever
 * pieces, until its verdict is not `incomplete` any more.
 *
 * @param pid of this process, which the client is told
 */
function startHandshake(secret, pid) {
    let pending = NOTHING;
    let proven = false;
    return (chunk) => {
        pending = Buffer.concat([pending, chunk]);
        const replies = [];
        if (!proven) {
            if (pending.length < SECRET_LENGTH)
                return step('incomplete');
            if (!(0,external_node_crypto_namespaceObject.timingSafeEqual)(pending.subarray(0, SECRET_LENGTH), secret))
                return step('refused');
            proven = true;
            pending = pending.subarray(SECRET_LENGTH);
            replies.push(secret);
        }
        if (pending.length < CREDENTIALS_LENGTH)
            return step('incomplete', replies);
        // Node knows no Cygwin ids. Who has the secret is this very user: its uid and gid are ours.
        const credentials = Buffer.from(pending.subarray(0, CREDENTIALS_LENGTH));
        credentials.writeUInt32LE(pid, 0);
        return step('accepted', [...replies, credentials], pending.subarray(CREDENTIALS_LENGTH));
    };
}
function step(verdict, replies = [], surplus = NOTHING) {
    return { verdict, reply: Buffer.concat(replies), surplus };
}
/**
 * Listens on a port of its own and makes the socket file `file` (mode 0600) for it.
 *
 * @param serve gets each connection after its handshake, half-open and flowing: it is to listen at
 *   once, to end its side where the client has, and to bound how many it serves
 * @throws the system's error, `EEXIST` where `file` is there; TrustError `agent-start` where Windows
 *   does not let it be a socket file
 */
async function listenCygwin(file, serve, { timeout = HANDSHAKE_TIMEOUT } = {}) {
    const secret = (0,external_node_crypto_namespaceObject.randomBytes)(SECRET_LENGTH);
    const strangers = new Set();
    // Half-open, as the agent's own socket: a client may send no more, and still wait for answers.
    const server = (0,external_node_net_namespaceObject.createServer)({ allowHalfOpen: true, noDelay: true }, (socket) => {
        const [oldest] = strangers;
        if (oldest !== undefined && strangers.size >= MAX_STRANGERS) {
            strangers.delete(oldest);
            oldest.destroy();
        }
        strangers.add(socket);
        socket.once('close', () => strangers.delete(socket));
        greet(socket, startHandshake(secret, process.pid), timeout, () => {
            strangers.delete(socket);
            serve(socket);
        });
    });
    const port = await listenOnLoopback(server);
    const close = () => {
        server.close();
        for (const stranger of strangers)
            stranger.destroy();
        removeFile(file);
    };
    let descriptor;
    try {
        descriptor = (0,external_node_fs_namespaceObject.openSync)(file, 'wx', 0o600);
    }
    catch (error) {
        server.close(); // and `file`, if it is there, is somebody else's
        throw error;
    }
    try {
        writeAndClose(descriptor, formatSocketFile(port, secret));
        if (process.platform === 'win32')
            await markAsSocket(file);
    }
    catch (error) {
        close();
        throw error;
    }
    return { close };
}
async function listenOnLoopback(server) {
    await new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: LOOPBACK, port: 0 }, () => {
            server.off('error', reject);
            resolve();
        });
    });
    server.on('error', () => undefined); // a connection that could not be taken; the next one may be
    return server.address().port;
}
/** Shakes hands; then `accepted` is called, with nothing lost of what the client has sent since. */
function greet(socket, handshake, timeout, accepted) {
    // Not socket.setTimeout(), which a client that sends a byte now and then would never meet.
    const timer = setTimeout(() => socket.destroy(), timeout);
    socket.once('close', () => {
        clearTimeout(timer);
    });
    socket.on('error', () => socket.destroy());
    const onEnd = () => void socket.destroy();
    const onData = (chunk) => {
        const { verdict, reply, surplus } = handshake(chunk);
        if (verdict === 'refused') {
            socket.destroy();
            return;
        }
        if (reply.length > 0)
            socket.write(reply);
        if (verdict === 'incomplete')
            return;
        clearTimeout(timer);
        socket.off('data', onData);
        socket.off('end', onEnd);
        if (surplus.length > 0)
            socket.unshift(surplus);
        accepted();
    };
    socket.on('data', onData);
    socket.once('end', onEnd);
}
function writeAndClose(descriptor, content) {
    try {
        (0,external_node_fs_namespaceObject.writeSync)(descriptor, content);
    }
    finally {
        (0,external_node_fs_namespaceObject.closeSync)(descriptor);
    }
}
function removeFile(file) {
    try {
        (0,external_node_fs_namespaceObject.unlinkSync)(file); // rmSync can fail on Windows where a file is read-only
    }
    catch (error) {
        if (systemCode(error) !== 'ENOENT')
            throw error;
    }
}
/**
 * The program and arguments that make a file a socket file: Cygwin takes only one with the attribute
 * SYSTEM. And READONLY: Win32-OpenSSH takes the file for its pipe, and would write its request over
 * the port and secret (github.com/dlech/KeeAgent/issues/217).
 */
function attributeCommand(file, systemRoot) {
    // attrib takes what begins with a slash for an option.
    const path = external_node_path_namespaceObject.win32.resolve(file);
    return [external_node_path_namespaceObject.win32.join(systemRoot, 'System32', 'attrib.exe'), ['+R', '+S', path]];
}
async function markAsSocket(file) {
    const [program, args] = attributeCommand(file, process.env['SystemRoot'] ?? 'C:\\Windows');
    let cause;
    try {
        await (0,external_node_util_namespaceObject.promisify)(external_node_child_process_namespaceObject.execFile)(program, args, { windowsHide: true });
    }
    catch (error) {
        cause = error;
    }
    // attrib can fail with exit code 0. Node shows READONLY, and both are set at once.
    if (cause === undefined && ((0,external_node_fs_namespaceObject.statSync)(file).mode & 0o200) === 0)
        return;
    throw new errors_TrustError('agent-start', `${program} could not make ${file} a socket file.`, { cause });
}

;// CONCATENATED MODULE: ./src/agent/pipe.ts
/**
 * The named pipe by which Win32-OpenSSH (the ssh of Windows itself) reaches the agent. Node makes it
 * with the system's default access: full for its user, for administrators and for SYSTEM; others may
 * connect, but write nothing.
 */

/** Path of a pipe that nobody else has. The name is no secret: all pipes of a machine can be listed. */
function newPipePath() {
    return `\\\\.\\pipe\\ssh-trust-${randomBytes(16).toString('hex')}`;
}
/**
 * The same path for an ssh_config. Windows takes either slash, and in an ssh_config backslashes are
 * escapes, in newer versions only.
 */
function pipePathForConfig(path) {
    return path.replaceAll('\\', '/');
}
/** Whether a path is that of a named pipe: nothing in the file system, so it has no mode and no rest. */
function isPipePath(path) {
    return /^[\\/]{2}\.[\\/]pipe[\\/]/i.test(path);
}

;// CONCATENATED MODULE: ./src/agent/session-binding.ts
/**
 * `session-bind@openssh.com` (PROTOCOL.agent section 1): which SSH session, to which host key, a
 * connection to the agent serves. The rules are those of OpenSSH's process_ext_session_bind.
 */




/** OpenSSH's AGENT_MAX_SID_LEN and AGENT_MAX_SESSION_IDS. */
const MAX_SESSION_ID = 128;
const MAX_BINDINGS = 16;
function noBindings() {
    return { list: [], failed: false };
}
/** Handles the contents of a session-bind message. Returns the defect, in words, or undefined. */
function bindSession(bindings, contents) {
    const defect = tryBind(bindings, contents);
    if (defect !== undefined)
        bindings.failed = true;
    return defect;
}
function tryBind(bindings, contents) {
    try {
        const reader = new wire_Reader(contents);
        const hostKey = Buffer.from(reader.string());
        const sessionId = Buffer.from(reader.string());
        const signature = reader.string();
        const forwarding = reader.boolean();
        reader.end('a session-bind message');
        if (sessionId.length === 0 || sessionId.length > MAX_SESSION_ID) {
            return `a session id of ${sessionId.length} bytes`;
        }
        if (isCertificateType(typeOfBlob(hostKey)) && !isSigned(parseCertificate(hostKey))) {
            return "the signature of the host certificate's authority is not valid";
        }
        if (!verifySignature(plainKey(hostKey), signature, sessionId)) {
            return "the host key's signature is not valid";
        }
        return record(bindings, { hostKey, sessionId, forwarding });
    }
    catch (error) {
        return error instanceof Error ? error.message : String(error);
    }
}
/** Records a binding whose host key is proven. Returns the defect, in words, or undefined. */
function record(bindings, binding) {
    for (const known of bindings.list) {
        if (!known.forwarding)
            return 'the connection was bound for a login before';
        if (known.sessionId.equals(binding.sessionId)) {
            return known.hostKey.equals(binding.hostKey)
                ? undefined
                : 'the session was bound to another host key before';
        }
    }
    if (bindings.list.length >= MAX_BINDINGS)
        return `more than ${MAX_BINDINGS} sessions`;
    bindings.list.push(binding);
    return undefined;
}

;// CONCATENATED MODULE: ./src/agent/control-requests.ts
/** The agent's side of the control channel: what the holder of the job's token may ask for. */







/** The answer to the contents of a control message. Throws, or rejects, where they are not right. */
function control(contents, bindings, state) {
    const reader = new wire_Reader(contents);
    const token = reader.string(256);
    const request = JSON.parse(reader.text());
    if (request.op === 'join') {
        return join(request, token, state).then((ready) => extensionResponse(CONTROL, wire_string(JSON.stringify(ready))));
    }
    const part = holderOf(token, state);
    if (part === undefined)
        return EXTENSION_FAILURE;
    switch (request.op) {
        case 'status':
            return extensionResponse(CONTROL, wire_string(JSON.stringify(control_requests_status(state))));
        case 'stop': {
            const remaining = leave(part, state);
            return remaining === 0 ? SUCCESS : extensionResponse(CONTROL, wire_string(String(remaining)));
        }
        case 'bind': {
            const hostKey = Buffer.from(request.hostKey, 'base64');
            const sessionId = Buffer.from(request.sessionId, 'base64');
            const defect = record(bindings, { hostKey, sessionId, forwarding: false });
            if (defect !== undefined)
                return EXTENSION_FAILURE;
            bindings.byControl = part;
            return SUCCESS;
        }
        case 'certify':
            return certify(Buffer.from(request.certificate, 'base64'), part, state)
                ? SUCCESS
                : EXTENSION_FAILURE;
        default:
            return EXTENSION_FAILURE; // the types promise an op; what came over the socket does not
    }
}
function holderOf(token, state) {
    const digest = (text) => (0,external_node_crypto_namespaceObject.createHash)('sha256').update(text).digest();
    const given = digest(token);
    return [state, ...state.joined].find((part) => (0,external_node_crypto_namespaceObject.timingSafeEqual)(given, digest(part.token)));
}
/** Serves a certificate beside its key, and before it: where one is asked for, no other will do. */
function certify(certificate, part, state) {
    const key = plainKey(certificate);
    const index = state.identities.findIndex(({ blob }) => blob.equals(key));
    const identity = state.identities[index];
    // Else the certificate would be a way to use the key of another part under one's own policy.
    if (identity === undefined || partsFor(identity, state, part).length === 0)
        return false;
    // What was asked of the key holds for its certificate, too.
    const { blob } = certifiedIdentity(identity.privateKey, certificate);
    if (findIdentity(state.identities, blob) !== undefined)
        return true; // a second time
    state.identities.splice(index, 0, { ...identity, blob });
    part.keys.add(blobName(blob));
    return true;
}
function control_requests_status(state) {
    const { identities, policy, lock, signatures, audit } = state;
    return {
        pid: process.pid,
        mode: policy.mode,
        locked: lock.isLocked(),
        signatures,
        identities: identities.map(({ fingerprint, comment }) => ({ fingerprint, comment })),
        audit: audit.counts(),
    };
}

;// CONCATENATED MODULE: ./src/agent/requests.ts
/**
 * The answer to each message. Whatever is wrong with a message is its own FAILURE; what is not
 * understood is answered FAILURE too, and the stream goes on.
 */











/** The reply to one message; a promise where somebody has to be asked or to wait. Never throws. */
function answer(message, bindings, state) {
    try {
        const reply = dispatch(new wire_Reader(message), bindings, state);
        return reply instanceof Promise ? reply.catch(() => FAILURE) : reply;
    }
    catch {
        return FAILURE;
    }
}
function dispatch(reader, bindings, state) {
    dropExpired(state);
    const type = reader.byte();
    if (type === SSH_AGENTC_EXTENSION)
        return extension(reader, bindings, state);
    if (type === SSH_AGENTC_UNLOCK)
        return unlockAgent(reader, state);
    // The job revokes its keys by logins with them, whatever a step has done to the agent.
    const byJob = bindings.byControl !== undefined && type === SSH_AGENTC_SIGN_REQUEST;
    if (state.lock.isLocked() && !byJob)
        return refuseLocked(type, state);
    switch (type) {
        case SSH_AGENTC_REQUEST_IDENTITIES:
            return listIdentities(bindings, state);
        case SSH_AGENTC_SIGN_REQUEST:
            return sign(reader, bindings, state);
        case SSH_AGENTC_ADD_IDENTITY:
        case SSH_AGENTC_ADD_ID_CONSTRAINED:
            return addIdentity(reader, bindings, state);
        case SSH_AGENTC_REMOVE_IDENTITY:
            return removeIdentity(reader, bindings, state);
        case SSH_AGENTC_REMOVE_ALL_IDENTITIES:
        case SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES:
            return removeAllIdentities(bindings, state);
        case SSH_AGENTC_LOCK:
            return lockAgent(reader, bindings, state);
        case SSH_AGENTC_ADD_SMARTCARD_KEY:
        case SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED:
        case SSH_AGENTC_REMOVE_SMARTCARD_KEY:
            return FAILURE; // a PKCS#11 library would be code of somebody else's in this process
        default:
            return FAILURE;
    }
}
/** RFC 9987 §5.7: a locked agent tells of no key, and does nothing but be unlocked. */
function refuseLocked(type, { identities, audit }) {
    const listed = type === SSH_AGENTC_REQUEST_IDENTITIES;
    if (listed ? identities.length > 0 : type === SSH_AGENTC_SIGN_REQUEST) {
        audit.write({ request: listed ? 'list' : 'sign', verdict: 'refused', reason: 'locked' });
    }
    return listed ? identitiesAnswer([]) : FAILURE;
}
function listIdentities(bindings, state) {
    const shown = shownTo(bindings, state);
    const withheld = isOver(state) ? 'lifetime-over' : shown.withheld;
    if (withheld !== undefined) {
        state.audit.write({
            request: 'list',
            verdict: 'refused',
            reason: withheld,
            ...(shown.host === undefined ? boundKey(bindings) : { host: shown.host }),
        });
    }
    return identitiesAnswer(shown.identities);
}
/** What each part of the job shows; withheld is only what none of them shows. */
function shownTo(bindings, state) {
    const views = byPolicy(state).map(({ policy, identities }) => visible(policy, identities, bindings, now()));
    const [first] = views;
    const seen = new Set(views.flatMap(({ identities }) => identities));
    const identities = state.identities.filter((identity) => seen.has(identity));
    return identities.length > 0 || first === undefined ? { identities } : first;
}
/** Whether a key, or where none is left any key, is missed since the time of its part is over. */
function isOver(state, blob) {
    const parts = remaining(state);
    if (blob === undefined) {
        return state.identities.length === 0 && parts.some(({ over }) => over === true);
    }
    const brought = parts.filter(({ keys }) => keys.has(blobName(blob)));
    return (brought.length === 0 ? [state] : brought).some(({ over }) => over === true);
}
function boundKey(bindings) {
    const last = bindings.list.at(-1);
    return last === undefined ? {} : { hostKey: public_key_fingerprint(plainKey(last.hostKey)) };
}
function sign(reader, bindings, state) {
    const blob = reader.string();
    const data = reader.string();
    const flags = reader.uint32();
    reader.end('a sign request');
    const identity = findIdentity(state.identities, blob);
    if (identity === undefined) {
        state.audit.write({
            request: 'sign',
            verdict: 'refused',
            reason: isOver(state, blob) ? 'lifetime-over' : 'key-unknown',
            key: public_key_fingerprint(blob),
        });
        return FAILURE;
    }
    const judge = () => judgeByParts(identity, bindings, data, state);
    const reply = ({ allowed, reason, ...facts }, signature) => {
        state.audit.write({
            request: 'sign',
            verdict: signature === undefined ? 'refused' : 'signed',
            reason: allowed && signature === undefined ? 'sha1' : reason,
            key: identity.fingerprint,
            ...(facts.host === undefined ? boundKey(bindings) : {}),
            ...facts,
        });
        return signature === undefined ? FAILURE : signResponse(signature);
    };
    const carryOut = ({ verdict, part }) => {
        const signature = verdict.allowed ? signWith(identity, data, flags) : undefined;
        // Counted before it is made: others may be asked for meanwhile.
        if (signature !== undefined && bindings.byControl === undefined)
            part.signatures += 1;
        return signature instanceof Promise
            ? signature.then((made) => reply(verdict, made))
            : reply(verdict, signature);
    };
    const first = judge();
    const { verdict } = first;
    if (!verdict.allowed || identity.confirm !== true)
        return carryOut(first);
    return requests_confirm(identity, verdict, state).then((confirmed) => {
        // While somebody thought about it, the key may have gone and the last signature been made.
        const held = !state.lock.isLocked() && state.identities.includes(identity);
        if (confirmed && held)
            return carryOut(judge());
        return reply({ ...verdict, allowed: false, reason: 'confirmation-denied' }, undefined);
    });
}
/** The verdict of a part of the job that lets the identity sign, else that of the first. */
function judgeByParts(identity, bindings, data, state) {
    const verdicts = partsFor(identity, state, bindings.byControl).map(({ part, policy }) => {
        const signatures = bindings.byControl === undefined ? part.signatures : 0;
        return { verdict: decide(policy, identity, bindings, data, now(), signatures), part };
    });
    const [first] = verdicts;
    if (first === undefined)
        throw new Error('another part of the job has brought the key');
    return verdicts.find(({ verdict }) => verdict.allowed) ?? first;
}
/** The words of ssh-agent's own question, with the user and host where they are known. */
async function requests_confirm({ comment, fingerprint }, { user, host }, state) {
    const purpose = user === undefined ? '' : `\nLogin as ${user}${host === undefined ? '' : ` at ${host}`}`;
    const question = `Allow use of key ${comment}?\nKey fingerprint ${fingerprint}.${purpose}`;
    return (await state.confirm?.(question)) ?? false;
}
function extension(reader, bindings, state) {
    const name = reader.text(256);
    const contents = reader.rest();
    // The job itself may ask and stop, and a new channel be bound, while the agent is locked.
    if (name === CONTROL)
        return control(contents, bindings, state);
    if (name === SESSION_BIND)
        return bind(contents, bindings, state);
    if (name === QUERY && !state.lock.isLocked()) {
        return extensionResponse(QUERY, wire_string(SESSION_BIND));
    }
    return FAILURE; // RFC 9987 §5.8: an extension that is not known
}
function bind(contents, bindings, state) {
    const defect = bindSession(bindings, contents);
    if (defect === undefined)
        return SUCCESS;
    state.audit.write({ request: 'bind', verdict: 'refused', reason: 'bind-failed', detail: defect });
    return EXTENSION_FAILURE;
}

;// CONCATENATED MODULE: ./src/agent/server.ts
/**
 * The agent's connections: requests of one are answered in their order, and none can stop the others,
 * be it slow, silent, huge, or one of thousands.
 */








const LIMITS = {
    connections: 512,
    pending: 16 * 1024 * 1024,
    fairShare: 16 * 1024,
    stalled: 30_000,
};
/** Answers in a row, before other connections get their turn. */
const ANSWERS_IN_A_ROW = 16;
/**
 * Serves the agent at its address: a Unix socket, or on Windows a pipe and a socket as Cygwin makes
 * them, for its two kinds of ssh. Resolves when connections are taken, to what ends that and removes
 * what it has made.
 */
async function serveAt({ socket, pipe }, state) {
    const serve = connectionServer(state);
    const server = await listenOn(pipe ?? socket, serve);
    if (pipe === undefined) {
        return () => {
            server.close();
            (0,external_node_fs_namespaceObject.rmSync)(socket, { force: true });
        };
    }
    const cygwin = await listenCygwin(socket, serve);
    return () => {
        server.close();
        cygwin.close();
    };
}
/** Listens on `path` (mode 0600 whatever the umask is). Resolves when connections are taken. */
async function listen(path, state, limits = LIMITS) {
    return listenOn(path, connectionServer(state, limits));
}
async function listenOn(path, serve) {
    // A client may say that it asks no more, and still wait for its answers.
    const server = (0,external_node_net_namespaceObject.createServer)({ allowHalfOpen: true }, serve);
    const umask = process.umask(0o177);
    try {
        await new Promise((resolve, reject) => {
            server.once('error', reject);
            server.listen(path, resolve);
        });
    }
    finally {
        process.umask(umask);
    }
    if (!isPipePath(path))
        (0,external_node_fs_namespaceObject.chmodSync)(path, 0o600);
    return server;
}
/** What serves the agent on a connection, whatever it listens on. */
function connectionServer(state, limits = LIMITS) {
    /** The longest idle one comes first. */
    const connections = new Set();
    const shared = { pending: 0 };
    return (socket) => {
        if (connections.size >= limits.connections) {
            const [idle] = connections;
            idle?.destroy();
            if (idle !== undefined)
                connections.delete(idle);
        }
        connections.add(socket);
        socket.once('close', () => connections.delete(socket));
        const onActivity = () => {
            connections.delete(socket);
            connections.add(socket);
        };
        serveConnection(socket, state, limits, shared, onActivity);
    };
}
function serveConnection(socket, state, limits, shared, onActivity) {
    const bindings = noBindings();
    const reader = new FrameReader();
    let counted = 0;
    let answering = false;
    let ended = false;
    let stall;
    const count = () => {
        const held = socket.destroyed ? 0 : reader.pending;
        shared.pending += held - counted;
        counted = held;
    };
    const giveUpLater = () => setTimeout(() => socket.destroy(), limits.stalled).unref();
    /** A client that waits for an answer, or does not read its answers, gets to ask nothing more. */
    const waiting = async (promise) => {
        socket.pause();
        try {
            return await promise;
        }
        finally {
            socket.resume();
        }
    };
    const answerAll = async () => {
        for (let answers = 1; !socket.destroyed; answers += 1) {
            const message = reader.next();
            if (message === undefined)
                return;
            clearTimeout(stall);
            stall = undefined;
            const reply = answer(message, bindings, state);
            const taken = socket.write(messages_frame(reply instanceof Promise ? await waiting(reply) : reply));
            if (!taken)
                await waiting(drained(socket, giveUpLater()));
            if (answers % ANSWERS_IN_A_ROW === 0)
                await waiting((0,promises_namespaceObject.setImmediate)());
        }
    };
    const work = async () => {
        if (answering)
            return;
        answering = true;
        try {
            // More may come in the moment in which it ends: a stream gives all that it has kept at once.
            for (let before = -1; reader.pending !== before && !socket.destroyed;) {
                before = reader.pending;
                await answerAll();
            }
        }
        catch {
            socket.destroy(); // a frame that can't be: nothing after it can be trusted
        }
        answering = false;
        count();
        if (ended)
            socket.end();
        else if (reader.pending > 0)
            stall ??= giveUpLater();
    };
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
        clearTimeout(stall);
        shared.pending -= counted;
        counted = 0;
    });
    socket.once('end', () => {
        ended = true;
        if (!answering)
            socket.end();
    });
    socket.on('data', (chunk) => {
        onActivity();
        reader.push(chunk);
        count();
        if (shared.pending > limits.pending && reader.pending > limits.fairShare)
            socket.destroy();
        else
            void work();
    });
}
/** Waits until a connection takes more, or is gone. */
async function drained(socket, giveUp) {
    await new Promise((resolve) => {
        socket.once('drain', resolve);
        socket.once('close', resolve);
    });
    clearTimeout(giveUp);
}

;// CONCATENATED MODULE: ./src/agent/run.ts
/** The life of the agent process: settings in, keys made, socket served, end. */











/** How often the agent looks whether the runner still lives, in milliseconds. */
const WATCH_INTERVAL = 2000;
/** Exit code of ssh-agent when a signal ends it. */
const ENDED_BY_SIGNAL = 2;
/** Starts serving with the settings of one line. */
async function runAgent(line) {
    const settings = decodeSettings(line);
    const identities = settings.keys.flatMap(identitiesOf);
    const given = identities.length;
    if (settings.generate !== undefined) {
        identities.push(plainIdentity(generatePrivateKey(settings.generate, settings.generate.comment)));
    }
    const { auditFile, askpass, policy, token, defaultLifetime } = settings;
    const audit = auditFile === undefined ? NO_AUDIT : openAudit(auditFile);
    let stopServing = () => {
        (0,external_node_fs_namespaceObject.rmSync)(settings.socket, { force: true });
    };
    const end = (code = 0) => {
        audit.close();
        stopServing();
        if (settings.socketDirectory !== undefined)
            removeIfEmpty(settings.socketDirectory);
        process.exit(code);
    };
    const state = {
        identities,
        policy,
        audit,
        token,
        keys: new Set(identities.map(({ blob }) => blobName(blob))),
        joined: [],
        stop: end,
        signatures: 0,
        ...(settings.directory === undefined ? {} : { directory: settings.directory }),
        lock: openLock(),
        ...(defaultLifetime === undefined ? {} : { defaultLifetime }),
        ...(askpass === undefined ? {} : { confirm: (question) => ask(askpass, question) }),
    };
    // As OpenSSH's agent does. (The entry's own handler stays: without any, the signal ends a process.)
    // On Windows none of these signals comes: only the control channel ends it so that it tidies up.
    process.on('SIGUSR1', () => {
        dropAllKeys(state);
    });
    for (const signal of ['SIGTERM', 'SIGHUP']) {
        process.on(signal, () => end(ENDED_BY_SIGNAL));
    }
    // As ssh-agent: in the background an interrupt is not for it.
    const inForeground = settings.watch !== undefined && settings.orphaned === undefined;
    process.on('SIGINT', () => (inForeground ? end(ENDED_BY_SIGNAL) : undefined));
    stopServing = await serveAt(settings, state);
    if (settings.lifetime !== undefined)
        endLater(state, settings.lifetime, state);
    watchRunner(settings, state, end);
    return readyWith(identities, given);
}
function removeIfEmpty(directory) {
    try {
        (0,external_node_fs_namespaceObject.rmdirSync)(directory);
    }
    catch {
        // somebody else has put something there
    }
}
/** Asks by an ssh-askpass(1): yes is an exit with 0 and an answer that is empty or `yes`. */
async function ask({ file, env }, question) {
    // readpass.c: the hint lets the program show two buttons instead of a field for a passphrase.
    const options = { env: { ...env, SSH_ASKPASS_PROMPT: 'confirm' }, maxBuffer: 1024 };
    return new Promise((resolve) => {
        (0,external_node_child_process_namespaceObject.execFile)(file, [question], options, (error, answer) => {
            resolve(error === null && /^(yes)?$/i.test(answer.split(/[\r\n]/, 1)[0] ?? ''));
        });
    });
}
/**
 * If the runner dies, post never runs: then the agent starts the program that takes the job's trust
 * back, the latest part of it first, and that program stops the agent. Where the runner can't be seen (it is outside the
 * container) there is nothing to watch; the end of the container ends the agent.
 */
function watchRunner({ watch, orphaned }, state, end) {
    if (watch === undefined)
        return;
    const runner = watch;
    const timer = setInterval(() => {
        if (stillRuns(runner))
            return;
        clearInterval(timer);
        if (orphaned === undefined)
            end();
        const parts = [orphaned.env, ...state.joined.map(({ orphanedEnv = {} }) => orphanedEnv)];
        const takeNextBack = () => {
            const env = parts.pop();
            if (env === undefined)
                end(); // what has failed may be: the keys go all the same
            try {
                takeBack(env);
            }
            catch {
                takeNextBack();
            }
        };
        const takeBack = (env) => {
            // Node hands the permission model on to its children, unless it finds that word among their
            // arguments. For the program it means nothing.
            const child = (0,external_node_child_process_namespaceObject.spawn)(process.execPath, [orphaned.file, '--permission'], {
                detached: true,
                env,
                stdio: 'ignore',
                windowsHide: true,
            });
            child.once('error', takeNextBack);
            child.once('exit', takeNextBack);
        };
        takeNextBack();
    }, WATCH_INTERVAL);
}

;// CONCATENATED MODULE: ./src/agent.ts
/** The agent's process. Settings come as one line on standard input; without them it just ends. */





process.title = 'ssh-trust-agent';
// Without a handler SIGUSR1 opens Node's inspector, into the memory of this process. (The flag
// --disable-sigusr1 blocks the signal for good, and the agent wants it: to drop its keys.)
process.on('SIGUSR1', () => undefined);
closeInherited();
let line = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
    line += chunk;
    if (line.length > MAX_SETTINGS)
        process.exit(1);
});
process.stdin.on('end', () => {
    if (line === '')
        process.exit(0);
    // A signal that came before the handler may have opened it: then no key gets in here.
    if ((0,external_node_inspector_namespaceObject.url)() !== undefined)
        process.exit(1);
    runAgent(line).then((ready) => {
        process.stdout.end(`${JSON.stringify(ready)}\n`);
    }, (error) => {
        process.stdout.end(`${JSON.stringify({ error: explain(error) })}\n`, () => process.exit(1));
    });
    line = '';
});
/**
 * Closes what whoever started this has left open (a lock, a pipe), which would stay so with the agent.
 * Node closes the low ones of them; its own are marked as none to be handed on. On Linux alone.
 */
function closeInherited() {
    if (process.platform !== 'linux')
        return;
    const CLOSE_ON_EXEC = 0o2000000; // open(2), O_CLOEXEC
    for (const name of (0,external_node_fs_namespaceObject.readdirSync)('/proc/self/fd')) {
        try {
            const flags = /^flags:\s*([0-7]+)/m.exec((0,external_node_fs_namespaceObject.readFileSync)(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1];
            const inherited = (Number.parseInt(flags ?? '', 8) & CLOSE_ON_EXEC) === 0;
            if (Number(name) > 2 && inherited)
                (0,external_node_fs_namespaceObject.closeSync)(Number(name));
        }
        catch {
            // that of the listing itself, which is closed by now
        }
    }
}

module.exports = __webpack_exports__;
/******/ })()
;