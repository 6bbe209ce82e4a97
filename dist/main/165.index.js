"use strict";
exports.id = 165;
exports.ids = [165];
exports.modules = {

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


/***/ })

};
;