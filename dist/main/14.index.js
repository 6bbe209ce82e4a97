"use strict";
exports.id = 14;
exports.ids = [14];
exports.modules = {

/***/ 99:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   f: () => (/* binding */ firstAndMore),
/* harmony export */   j: () => (/* binding */ inventoryHost)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/* harmony import */ var _hosts__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(361);
/** A host of an inventory, whatever its format, by the rules of a line of `hosts`. */


/**
 * @param name what the inventory calls it
 * @param pinHint how a pin is given in this format
 * @throws TrustError about `position`, which names the host
 */
function inventoryHost(name, { address, port, user, words }, position, pinHint) {
    try {
        return (0,_hosts__WEBPACK_IMPORTED_MODULE_1__/* .hostOfEntry */ .Mu)({
            host: address ?? name,
            ...(address === undefined || address === name ? {} : { alias: name }),
            ...(port === undefined ? {} : { port }),
            ...(user === undefined ? {} : { user }),
            words,
        }, position);
    }
    catch (error) {
        if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru))
            throw error;
        const { code, message, hint } = error;
        if (code === 'hosts-pin-missing') {
            const missing = `${name} has no pin, so nothing says which key is the right one.`;
            throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru(code, missing, {
                input: position,
                hint: `${pinHint} The SHA256:… is what ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints on the server.`,
            });
        }
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru(code, `${name}: ${message}`, {
            input: position,
            ...(hint === undefined ? {} : { hint }),
        });
    }
}
/** `web and 3 more`. */
function firstAndMore([first = '', ...more]) {
    return more.length === 0 ? first : `${first} and ${more.length} more`;
}


/***/ }),

/***/ 14:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   parseSshConfig: () => (/* binding */ parseSshConfig)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/* harmony import */ var _ssh_pattern__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(2368);
/* harmony import */ var _host__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(99);
/**
 * ssh_config(5) as an inventory: each name of a `Host` line is a host, with HostName, Port and User as
 * ssh would take them, the first value winning. Pins stand in a comment of the block:
 *
 *     Host web
 *         HostName www.example.org
 *         # ssh-trust: SHA256:… bootstrap
 *
 * Include and Match are not followed.
 */



const SETTINGS = new Set([
    'hostname',
    'port',
    'user',
    'proxyjump',
    'proxycommand',
]);
function parseSshConfig(text, position) {
    const { blocks, errors, notes } = readBlocks(text, position);
    // Names without wildcards are looked up, so that the time grows with the file and not its square.
    const named = new Map();
    const general = [];
    for (const [index, { patterns }] of blocks.entries()) {
        if (patterns.some((pattern) => !isName(pattern)))
            general.push(index);
        else {
            for (const name of new Set(patterns)) {
                const list = named.get(name) ?? [];
                list.push(index);
                named.set(name, list);
            }
        }
    }
    const hosts = [];
    const behind = [];
    const seen = new Set();
    for (const { patterns, line } of blocks) {
        for (const name of patterns.filter((pattern) => isName(pattern))) {
            if (seen.has(name))
                continue;
            seen.add(name);
            const matching = [...(named.get(name) ?? []), ...general]
                .sort((a, b) => a - b)
                .flatMap((index) => blocks[index] ?? [])
                .filter((block) => isFor(block, name));
            // A name that its own line takes back: `Host web !web`.
            if (!matching.some((block) => block.line === line))
                continue;
            if (isProxied(matching))
                behind.push(name);
            try {
                hosts.push(hostLine(name, matching, position(line)));
            }
            catch (error) {
                if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru))
                    throw error;
                errors.push(error.about(position(line)));
            }
        }
    }
    if (behind.length > 0) {
        notes.push(`ProxyJump and ProxyCommand are not followed; set for ${(0,_host__WEBPACK_IMPORTED_MODULE_1__/* .firstAndMore */ .f)(behind)}`);
    }
    return { hosts, errors, notes };
}
function isName(pattern) {
    return !/[*?!]/.test(pattern);
}
function isFor({ patterns }, name) {
    if (patterns.some((one) => one.startsWith('!') && (0,_ssh_pattern__WEBPACK_IMPORTED_MODULE_2__/* .matchPattern */ .g)(name, one.slice(1))))
        return false;
    return patterns.some((one) => !one.startsWith('!') && (0,_ssh_pattern__WEBPACK_IMPORTED_MODULE_2__/* .matchPattern */ .g)(name, one));
}
function isProxied(blocks) {
    return ['proxyjump', 'proxycommand'].some((name) => {
        const value = first(blocks, name);
        return value !== undefined && value.toLowerCase() !== 'none';
    });
}
function first(blocks, setting) {
    return blocks.find(({ settings }) => settings.has(setting))?.settings.get(setting);
}
function readBlocks(text, position) {
    const errors = [];
    const ignored = [];
    const blocks = [{ line: 0, patterns: ['*'], settings: new Map(), pins: [] }];
    // What stands under Match may be for any host or none.
    let block = blocks[0];
    for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
        const line = index + 1;
        const [, pins] = /^\s*#\s*ssh-trust:(.*)$/.exec(raw) ?? [];
        if (pins !== undefined) {
            block?.pins.push(pins);
            continue;
        }
        const [, word = '', rest = ''] = /^\s*([^\s=#"][^\s=]*)(?:\s*=\s*|\s+)(.*)$/.exec(raw) ?? [];
        const keyword = word.toLowerCase();
        if (keyword === 'host') {
            block = { line, patterns: splitValues(rest), settings: new Map(), pins: [] };
            blocks.push(block);
            if (block.patterns.length === 0) {
                const message = 'This Host names no host.';
                errors.push(new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-syntax', message, { input: position(line) }));
            }
        }
        else if (keyword === 'match' || keyword === 'include') {
            ignored.push(`${keyword === 'match' ? 'Match' : 'Include'} on line ${line}`);
            if (keyword === 'match')
                block = undefined;
        }
        else if (SETTINGS.has(keyword) && block !== undefined) {
            const [value] = splitValues(rest);
            if (value !== undefined && !block.settings.has(keyword))
                block.settings.set(keyword, value);
        }
    }
    const notes = ignored.length === 0 ? [] : [`not followed: ${(0,_host__WEBPACK_IMPORTED_MODULE_1__/* .firstAndMore */ .f)(ignored)}`];
    return { blocks, errors, notes };
}
/** Words, in double quotes where they have spaces, up to a comment. */
function splitValues(rest) {
    const words = rest.match(/"[^"]*"|[^\s"]+/g) ?? [];
    const end = words.findIndex((word) => word.startsWith('#'));
    return words.slice(0, end < 0 ? undefined : end).map((word) => word.replace(/^"(.*)"$/, '$1'));
}
function hostLine(name, blocks, position) {
    const address = first(blocks, 'hostname')?.replace(/%[h%]/g, (token) => token === '%h' ? name : '%');
    const pins = blocks.find((block) => block.pins.length > 0)?.pins ?? [];
    return (0,_host__WEBPACK_IMPORTED_MODULE_1__/* .inventoryHost */ .j)(name, {
        address,
        port: first(blocks, 'port'),
        user: first(blocks, 'user'),
        words: pins.join('\n'),
    }, position, 'Put a comment into its block, below Host: # ssh-trust: SHA256:….');
}


/***/ })

};
;