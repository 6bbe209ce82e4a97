"use strict";
exports.id = 243;
exports.ids = [243];
exports.modules = {

/***/ 5941:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   BB: () => (/* binding */ setVariable),
/* harmony export */   JW: () => (/* binding */ NOWHERE),
/* harmony export */   LE: () => (/* binding */ newInventory),
/* harmony export */   PP: () => (/* binding */ hostsOf),
/* harmony export */   Z0: () => (/* binding */ groupNamed),
/* harmony export */   p2: () => (/* binding */ hostsNamed),
/* harmony export */   t8: () => (/* binding */ isKept)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/* harmony import */ var _host__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(99);
/* harmony import */ var _host_pattern__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9680);
/**
 * An Ansible inventory, whichever way it was written: groups in groups, hosts in them, variables on
 * both. Variables that are not needed here are never kept: they may be secrets.
 */



const VARIABLES = new Set([
    'ansible_host',
    'ansible_ssh_host',
    'ansible_port',
    'ansible_ssh_port',
    'ansible_user',
    'ansible_ssh_user',
    'ansible_connection',
    'ansible_group_priority',
    'ssh_trust_pins',
    'ssh_trust_options',
]);
/** The connection plugins that log in over SSH. */
const OVER_SSH = /^(|(ansible\.\w+\.)?(ssh|smart|paramiko|paramiko_ssh|libssh|network_cli|netconf))$/;
/** Most hosts, and entries for them: a typing error in a range is not to fill the memory. */
const MAX_HOSTS = 100_000;
const MAX_ENTRIES = 1_000_000;
/** The line of a group of which only the variables have been seen. */
const NOWHERE = 0;
function newInventory() {
    const all = { line: 1, variables: new Map(), parents: new Set() };
    const ungrouped = { line: 1, variables: new Map(), parents: new Set(['all']) };
    return {
        groups: new Map([
            ['all', all],
            ['ungrouped', ungrouped],
        ]),
        hosts: new Map(),
        entries: 0,
    };
}
/** The group of that name, made if it is not there. */
function groupNamed({ groups }, name, line) {
    const there = groups.get(name);
    if (there?.line === NOWHERE)
        there.line = line;
    if (there !== undefined)
        return there;
    const group = { line, variables: new Map(), parents: new Set(['all']) };
    groups.set(name, group);
    return group;
}
/**
 * Puts all hosts that a pattern stands for into a group that is there.
 *
 * @throws TrustError for a wrong pattern, and if there are too many
 */
function hostsNamed(inventory, pattern, line, group) {
    requireFewer(inventory.entries < MAX_ENTRIES);
    const { names, port } = (0,_host_pattern__WEBPACK_IMPORTED_MODULE_2__/* .expandHostPattern */ .L)(pattern);
    inventory.entries += names.length;
    return names.map((name) => {
        const there = inventory.hosts.get(name);
        requireFewer(there !== undefined || inventory.hosts.size < MAX_HOSTS);
        const host = there ?? { line, variables: new Map(), groups: new Set() };
        inventory.hosts.set(name, host);
        host.groups.add(group);
        if (port !== undefined)
            setVariable(host.variables, 'ansible_port', port);
        return host;
    });
}
function requireFewer(few) {
    if (!few)
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-syntax', `There are more than ${MAX_HOSTS} hosts.`);
}
/** Whether a variable counts here. The values of others are not even looked at. */
function isKept(name) {
    return VARIABLES.has(name);
}
function setVariable(variables, name, value) {
    if (isKept(name))
        variables.set(name, value);
}
/** The hosts that are reached over SSH, each with what its groups say of it. */
function hostsOf(inventory, position) {
    const found = { hosts: [], errors: [], notes: [] };
    const elsewhere = [];
    try {
        const inherited = inheritVariables(inventory, position);
        for (const [name, host] of inventory.hosts) {
            const variables = variablesOf(host, inherited);
            try {
                if (OVER_SSH.test(plainText(name, variables, 'ansible_connection') ?? '')) {
                    found.hosts.push(hostLine(name, variables, position(host.line)));
                }
                else
                    elsewhere.push(name);
            }
            catch (error) {
                if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru))
                    throw error;
                found.errors.push(error.about(position(host.line)));
            }
        }
    }
    catch (error) {
        if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru))
            throw error;
        found.errors.push(error);
    }
    if (elsewhere.length > 0) {
        found.notes.push(`left out, as ansible_connection says something else than ssh: ${(0,_host__WEBPACK_IMPORTED_MODULE_1__/* .firstAndMore */ .f)(elsewhere)}`);
    }
    return found;
}
function outranks(a, b) {
    if (b === undefined)
        return true;
    const [depthA, priorityA, nameA] = a.rank;
    const [depthB, priorityB, nameB] = b.rank;
    if (depthA !== depthB)
        return depthA > depthB;
    if (priorityA !== priorityB)
        return priorityA > priorityB;
    return nameA >= nameB;
}
/** For each group the variables that its hosts have from it and from all groups that it is in. */
function inheritVariables({ groups }, position) {
    const children = new Map();
    const waiting = new Map();
    for (const [name, { parents }] of groups) {
        waiting.set(name, parents.size);
        for (const parent of parents) {
            const list = children.get(parent) ?? [];
            list.push(name);
            children.set(parent, list);
        }
    }
    const depths = new Map([['all', 0]]);
    const inherited = new Map();
    const ready = [...groups.keys()].filter((name) => waiting.get(name) === 0);
    for (const name of ready) {
        const own = inherited.get(name) ?? new Map();
        inherited.set(name, own);
        const variables = groups.get(name)?.variables ?? new Map();
        const depth = depths.get(name) ?? 0;
        const priority = Number(variables.get('ansible_group_priority') ?? 1) || 1;
        for (const [variable, text] of variables) {
            if (variable !== 'ansible_group_priority') {
                own.set(variable, { text, rank: [depth, priority, name] });
            }
        }
        for (const child of children.get(name) ?? []) {
            depths.set(child, Math.max(depths.get(child) ?? 0, depth + 1));
            inherited.set(child, merged(inherited.get(child), own));
            const left = (waiting.get(child) ?? 0) - 1;
            waiting.set(child, left);
            if (left === 0)
                ready.push(child);
        }
    }
    for (const [name, { line }] of groups) {
        if ((waiting.get(name) ?? 0) > 0) {
            const message = `The group ${name} is in a circle of groups, or in a group of one.`;
            throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-syntax', message, { input: position(line) });
        }
    }
    return inherited;
}
function merged(into = new Map(), from) {
    for (const [variable, value] of from) {
        if (outranks(value, into.get(variable)))
            into.set(variable, value);
    }
    return into;
}
function variablesOf({ variables, groups }, inherited) {
    const all = new Map();
    for (const group of groups)
        merged(all, inherited.get(group) ?? new Map());
    const texts = [...all].map(([name, { text }]) => [name, text]);
    return new Map([...texts, ...variables]);
}
function hostLine(name, variables, position) {
    const pins = plainText(name, variables, 'ssh_trust_pins') ?? '';
    const options = plainText(name, variables, 'ssh_trust_options') ?? '';
    return (0,_host__WEBPACK_IMPORTED_MODULE_1__/* .inventoryHost */ .j)(name, {
        address: either(name, variables, 'ansible_host', 'ansible_ssh_host'),
        port: either(name, variables, 'ansible_port', 'ansible_ssh_port'),
        user: either(name, variables, 'ansible_user', 'ansible_ssh_user'),
        words: `${pins}\n${options}`,
    }, position, 'Give the host, or a group that it is in, the variable ssh_trust_pins="SHA256:…".');
}
/** Which of two names for one thing counts has changed with the releases of Ansible. */
function either(host, variables, name, oldName) {
    const value = plainText(host, variables, name);
    const old = plainText(host, variables, oldName);
    if (value === undefined || old === undefined || value === old)
        return value ?? old;
    throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-syntax', `${host} has both ${name} and ${oldName}, and they differ.`, {
        hint: `Keep ${name}.`,
    });
}
/** The value of a variable, if it says what it is without Ansible. An empty one is as good as none. */
function plainText(host, variables, name) {
    const text = variables.get(name)?.trim() ?? '';
    if (text === '')
        return undefined;
    if (!/\{\{|\{%|^\$ANSIBLE_VAULT/.test(text))
        return text;
    throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-syntax', `${name} of ${host} is a template or encrypted.`, {
        hint: 'Only Ansible could say what it stands for. Write the value itself.',
    });
}


/***/ }),

/***/ 9680:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   L: () => (/* binding */ expandHostPattern),
/* harmony export */   s: () => (/* binding */ isOfHost)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/**
 * The names of hosts in Ansible's inventories: `web`, `web:2222`, `[2001:db8::1]:22`, and ranges that
 * stand for many: `web[01:50].example.org`, `db-[a:f]`, `[0:100:10]`.
 */

/** Most hosts that one name may stand for. */
const MAX_RANGE = 10_000;
/**
 * @returns the names that a pattern stands for, and their port
 * @throws TrustError for a range that is none, or stands for too many
 */
function expandHostPattern(pattern) {
    const { name, port } = splitPort(pattern);
    const names = isAddress(name) ? [name] : expandRanges(name);
    return { names, ...(port === undefined ? {} : { port }) };
}
/** Whether what stands in brackets is part of a host's name, and not the name of a group. */
function isOfHost(inBrackets) {
    return isAddress(inBrackets) || isRange(inBrackets);
}
/** `host:port` and `[address]:port`; an IPv6 address without brackets has no port. */
function splitPort(pattern) {
    const [, address, , addressPort] = /^\[([^\]]+)\](:(.*))?$/.exec(pattern) ?? [];
    if (address !== undefined && isAddress(address) && !isRange(address)) {
        return { name: address, ...(addressPort === undefined ? {} : { port: addressPort }) };
    }
    const outside = pattern.replace(/\[[^\]]*\]/g, '');
    const [, port] = /^[^:]*:([^:]*)$/.exec(outside) ?? [];
    if (port === undefined)
        return { name: pattern };
    return { name: pattern.slice(0, pattern.lastIndexOf(':')), port };
}
function isAddress(text) {
    return (text.match(/:/g) ?? []).length > 1 && /^[0-9A-Fa-f:.]+(%.*)?$/.test(text);
}
/** `01:50`, `a:f`, with a step behind them. `1:2:3` could be nothing else. */
function isRange(text) {
    return /^([0-9]*:[0-9]+|[A-Za-z]:[A-Za-z])(:[0-9]+)?$/.test(text);
}
function expandRanges(pattern) {
    const parts = pattern.split(/\[([^\]]*)\]/);
    let names = [''];
    for (const [index, part] of parts.entries()) {
        const choices = index % 2 === 0 ? [part] : expandRange(part);
        if (names.length * choices.length > MAX_RANGE) {
            throw wrong(`The line stands for more than ${MAX_RANGE} hosts.`);
        }
        names = names.flatMap((name) => choices.map((choice) => name + choice));
    }
    return names;
}
function expandRange(range) {
    const [first = '', last = '', stepText = '1'] = range.split(':');
    const step = Number(stepText);
    const letters = /^[A-Za-z]$/.test(last);
    const at = (text) => (letters ? letterIndex(text) : Number(text));
    if (!isRange(range) || step < 1 || at(first) > at(last)) {
        throw wrong(`[${range}] is not a range of hosts.`, {
            hint: 'Ranges are [01:50], [a:f], or with a step [0:100:10]; the first is not greater than the last.',
        });
    }
    if ((at(last) - at(first)) / step >= MAX_RANGE) {
        throw wrong(`The line stands for more than ${MAX_RANGE} hosts.`);
    }
    const names = [];
    for (let i = at(first); i <= at(last); i += step) {
        // A first number with leading zeros says how wide all of them are.
        const width = first.startsWith('0') ? first.length : 0;
        names.push(letters ? (LETTERS[i] ?? '') : String(i).padStart(width, '0'));
    }
    return names;
}
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
function letterIndex(letter) {
    return LETTERS.indexOf(letter);
}
function wrong(message, details = {}) {
    return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-syntax', message, details);
}


/***/ }),

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

/***/ 8243:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   parseIni: () => (/* binding */ parseIni)
/* harmony export */ });
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(3916);
/* harmony import */ var _ansible__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5941);
/* harmony import */ var _host_pattern__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9680);
/**
 * Ansible's inventories in INI: `[group]` with a host and its variables on each line, `[group:vars]`,
 * `[group:children]`.
 * Values are never quoted in messages: they may be secrets.
 */



/** Longest line: some full keys and options fit. */
const MAX_LINE = 64 * 1024;
function parseIni(text, position) {
    const inventory = (0,_ansible__WEBPACK_IMPORTED_MODULE_1__/* .newInventory */ .LE)();
    const errors = [];
    const variableSections = [];
    let section = { group: 'ungrouped', kind: 'hosts' };
    for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
        const line = index + 1;
        const code = raw.trim();
        if (code === '' || /^[#;]/.test(code))
            continue;
        try {
            if (code.length > MAX_LINE)
                throw wrong('The line is too long.');
            const header = readHeader(code);
            if (header !== undefined) {
                section = header;
                if (header.kind === 'vars')
                    variableSections.push({ group: header.group, line });
                else
                    (0,_ansible__WEBPACK_IMPORTED_MODULE_1__/* .groupNamed */ .Z0)(inventory, header.group, line);
            }
            else
                readEntry(code, section, inventory, line);
        }
        catch (error) {
            if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru))
                throw error;
            errors.push(error.about(position(line)));
        }
    }
    const { groups } = inventory;
    for (const { group, line } of variableSections) {
        if (!groups.has(group) || groups.get(group)?.line === _ansible__WEBPACK_IMPORTED_MODULE_1__/* .NOWHERE */ .JW) {
            const message = `[${group}:vars] is for a group that is not there.`;
            errors.push(new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-syntax', message, { input: position(line) }));
        }
    }
    const found = (0,_ansible__WEBPACK_IMPORTED_MODULE_1__/* .hostsOf */ .PP)(inventory, position);
    return { ...found, errors: [...errors, ...found.errors] };
}
/** `[group]`, `[group:vars]`, `[group:children]`; undefined for what is no header. */
function readHeader(code) {
    const [, name] = /^\[([^\]]*)\]\s*([#;].*)?$/.exec(code) ?? [];
    if (name === undefined || (0,_host_pattern__WEBPACK_IMPORTED_MODULE_2__/* .isOfHost */ .s)(name))
        return undefined;
    const [group = '', kind = 'hosts', ...more] = name.split(':');
    if (/^[^\s=]{1,255}$/.test(group) && more.length === 0) {
        if (kind === 'hosts' || kind === 'vars' || kind === 'children')
            return { group, kind };
    }
    throw wrong('This is not [GROUP], [GROUP:vars] or [GROUP:children].');
}
function readEntry(code, { group, kind }, inventory, line) {
    if (kind === 'vars') {
        const [, name, value] = /^([^=\s]+)\s*=\s*(.*)$/.exec(code) ?? [];
        if (name === undefined || value === undefined)
            throw wrong('This is not VARIABLE=VALUE.');
        const { variables } = (0,_ansible__WEBPACK_IMPORTED_MODULE_1__/* .groupNamed */ .Z0)(inventory, group, _ansible__WEBPACK_IMPORTED_MODULE_1__/* .NOWHERE */ .JW);
        (0,_ansible__WEBPACK_IMPORTED_MODULE_1__/* .setVariable */ .BB)(variables, name, unquote(value));
    }
    else if (kind === 'children') {
        const [name = '', ...more] = splitWords(code);
        if (more.length > 0 || name.includes('='))
            throw wrong('A line here is the name of a group.');
        (0,_ansible__WEBPACK_IMPORTED_MODULE_1__/* .groupNamed */ .Z0)(inventory, group, line);
        (0,_ansible__WEBPACK_IMPORTED_MODULE_1__/* .groupNamed */ .Z0)(inventory, name, line).parents.add(group);
    }
    else
        readHost(code, group, inventory, line);
}
function readHost(code, group, inventory, line) {
    const [pattern, ...words] = splitWords(code);
    if (pattern === undefined)
        return;
    if (pattern.includes('=')) {
        throw wrong('A variable stands where the name of a host is expected.', {
            hint: 'Variables of a group stand in [GROUP:vars].',
        });
    }
    const variables = words.map((word, index) => {
        const equals = word.indexOf('=');
        if (equals > 0)
            return [word.slice(0, equals), unquote(word.slice(equals + 1))];
        throw wrong(`Word ${index + 2} of the line is not VARIABLE=VALUE.`, {
            hint: 'A value with spaces stands in quotes: ssh_trust_pins="SHA256:… SHA256:…".',
        });
    });
    for (const host of (0,_ansible__WEBPACK_IMPORTED_MODULE_1__/* .hostsNamed */ .p2)(inventory, pattern, line, group)) {
        for (const [variable, value] of variables)
            (0,_ansible__WEBPACK_IMPORTED_MODULE_1__/* .setVariable */ .BB)(host.variables, variable, value);
    }
}
/**
 * Words as a POSIX shell has them, up to a `#` outside quotes, as Ansible reads the line of a host.
 *
 * @throws TrustError for a quote without end
 */
function splitWords(code) {
    const words = [];
    let word;
    for (let i = 0; i < code.length; i += 1) {
        const char = code[i] ?? '';
        if (/\s/.test(char)) {
            if (word !== undefined)
                words.push(word);
            word = undefined;
        }
        else if (char === '#') {
            break;
        }
        else if (char === '"' || char === "'") {
            word ??= '';
            for (i += 1; code[i] !== char; i += 1) {
                if (char === '"' && /["\\]/.test(code[i] === '\\' ? (code[i + 1] ?? '') : ''))
                    i += 1;
                if (i >= code.length)
                    throw wrong('A quote has no end.');
                word += code[i] ?? '';
            }
        }
        else {
            if (char === '\\')
                i += 1;
            word = (word ?? '') + (code[i] ?? '');
        }
    }
    if (word !== undefined)
        words.push(word);
    return words;
}
/** A value without the quotes around it, and what stands behind those. */
function unquote(value) {
    const [, , inner] = /^(["'])(.*?)\1\s*(#.*)?$/.exec(value) ?? [];
    return inner ?? value;
}
function wrong(message, details = {}) {
    return new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('hosts-syntax', message, details);
}


/***/ })

};
;