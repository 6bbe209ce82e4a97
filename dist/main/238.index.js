"use strict";
exports.id = 238;
exports.ids = [238];
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

/***/ 8238:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   parseYaml: () => (/* binding */ parseYaml)
/* harmony export */ });
/* harmony import */ var yaml__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8815);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3916);
/* harmony import */ var _ansible__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(5941);
/**
 * Ansible's inventories in YAML: groups with `hosts`, `vars` and `children`, `all` at the top. Values
 * are never quoted in messages, nor what the YAML parser says, which quotes them: they may be secrets.
 */



/** Deepest nesting, of groups in groups and of merges in merges. */
const MAX_DEPTH = 50;
/** Most entries that are looked at: aliases of aliases would stand for any number of them. */
const MAX_ENTRIES = 1_000_000;
function parseYaml(text, position) {
    const counter = new yaml__WEBPACK_IMPORTED_MODULE_0__/* .LineCounter */ .HN();
    const reading = {
        inventory: (0,_ansible__WEBPACK_IMPORTED_MODULE_2__/* .newInventory */ .LE)(),
        targets: new Map(),
        lineOf: (node) => lineOf(node, counter),
        position,
        errors: [],
        seen: 0,
    };
    try {
        const document = parseText(text, counter, position);
        reading.targets = findTargets(document, (node) => ({ input: position(reading.lineOf(node)) }));
        for (const entry of entriesOf(document.contents, reading, 'The file', 1)) {
            readGroup(entry.key, entry.value, reading, 1);
        }
    }
    catch (error) {
        // Only the parser can have run out of stack: what is read here has a depth limit.
        const told = error instanceof _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru ? error : wrong('The YAML is nested too deep.');
        if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru || error instanceof RangeError))
            throw error;
        return { hosts: [], errors: [told.about(position(1))], notes: [] };
    }
    const found = (0,_ansible__WEBPACK_IMPORTED_MODULE_2__/* .hostsOf */ .PP)(reading.inventory, position);
    return { ...found, errors: [...reading.errors, ...found.errors] };
}
function parseText(text, counter, position) {
    const document = (0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .parseDocument */ .Tp)(text, {
        schema: 'failsafe', // all scalars as texts: a port is not a number, nor a name a date
        uniqueKeys: false, // takes the square of the time; duplicates are told below
        prettyErrors: false,
        lineCounter: counter,
        logLevel: 'error',
    });
    const [broken] = document.errors;
    if (broken === undefined)
        return document;
    const { line } = counter.linePos(broken.pos[0]);
    const reason = broken.code.toLowerCase().replaceAll('_', ' ');
    throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('hosts-syntax', `This is not YAML (${reason}).`, { input: position(line) });
}
/** Aliases stand for the last node before them that has the anchor. */
function findTargets(document, at) {
    const anchors = new Map();
    const targets = new Map();
    (0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .visit */ .YR)(document, {
        Node: (_key, node) => {
            if ((0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isAlias */ .Vj)(node)) {
                const target = anchors.get(node.source);
                if (target === undefined)
                    throw wrong('An alias has no anchor before it.', at(node));
                targets.set(node, target);
            }
            else if (node.anchor) {
                anchors.set(node.anchor, node);
            }
        },
    });
    return targets;
}
function lineOf(node, counter) {
    const range = (0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isNode */ .Ll)(node) ? node.range : undefined;
    return range ? counter.linePos(range[0]).line : 1;
}
/**
 * The entries of a mapping, those that it merges behind its own; of an empty node none.
 *
 * @throws TrustError for what is no mapping
 */
function entriesOf(given, reading, what, depth) {
    if (depth > MAX_DEPTH)
        throw wrong(`${what} is nested too deep.`);
    const node = targetOf(given, reading);
    if (isEmpty(node))
        return [];
    const input = reading.position(reading.lineOf(node));
    if (!(0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isMap */ .jh)(node)) {
        throw wrong(`${what} is not a mapping (NAME: …, one a line).`, { input });
    }
    const own = [];
    const merges = [];
    for (const { key, value } of node.items) {
        reading.seen += 1;
        if (reading.seen > MAX_ENTRIES)
            throw wrong('The file has too many entries.');
        const name = targetOf(key, reading);
        const line = reading.lineOf(key);
        if (!(0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isScalar */ .jn)(name)) {
            throw wrong(`A key of ${what.toLowerCase()} is not a name.`, {
                input: reading.position(line),
            });
        }
        const text = valueOf(name.value);
        if (text === '<<')
            merges.push(value);
        else
            own.push({ key: text, value, line });
    }
    const names = new Set();
    for (const { key, line } of own) {
        if (names.has(key)) {
            throw wrong(`${key} stands twice in one mapping.`, { input: reading.position(line) });
        }
        names.add(key);
    }
    for (const merge of merges.map((one) => targetOf(one, reading))) {
        for (const one of (0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isSeq */ .oP)(merge) ? merge.items : [merge]) {
            for (const entry of entriesOf(one, reading, what, depth + 1)) {
                if (!names.has(entry.key))
                    own.push(entry);
                names.add(entry.key);
            }
        }
    }
    return own;
}
function targetOf(node, { targets }) {
    return (0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isAlias */ .Vj)(node) ? targets.get(node) : node;
}
function isEmpty(node) {
    if (node === null || node === undefined)
        return true;
    return (0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isScalar */ .jn)(node) && ['', '~', 'null', 'Null', 'NULL'].includes(valueOf(node.value));
}
/** By the schema each is a text; an empty one may be null. */
function valueOf(value) {
    return typeof value === 'string' ? value : '';
}
function readGroup(name, node, reading, depth) {
    const { inventory } = reading;
    const group = (0,_ansible__WEBPACK_IMPORTED_MODULE_2__/* .groupNamed */ .Z0)(inventory, name, reading.lineOf(node));
    for (const { key, value, line } of entriesOf(node, reading, `The group ${name}`, depth)) {
        if (key === 'hosts') {
            for (const host of entriesOf(value, reading, `hosts of ${name}`, depth)) {
                collect(reading, host.line, () => {
                    readHost(host, name, reading, depth);
                });
            }
        }
        else if (key === 'vars') {
            readVariables(entriesOf(value, reading, `vars of ${name}`, depth), group.variables, reading);
        }
        else if (key === 'children') {
            for (const child of entriesOf(value, reading, `children of ${name}`, depth)) {
                (0,_ansible__WEBPACK_IMPORTED_MODULE_2__/* .groupNamed */ .Z0)(inventory, child.key, child.line).parents.add(name);
                readGroup(child.key, child.value, reading, depth + 1);
            }
        }
        else {
            throw wrong(`${JSON.stringify(key)} is none of hosts, vars and children.`, {
                input: reading.position(line),
                hint: 'These are what a group has; the names of its hosts stand below hosts.',
            });
        }
    }
}
function readHost({ key, value, line }, group, reading, depth) {
    const variables = new Map();
    readVariables(entriesOf(value, reading, `The host ${key}`, depth), variables, reading);
    for (const host of (0,_ansible__WEBPACK_IMPORTED_MODULE_2__/* .hostsNamed */ .p2)(reading.inventory, key, line, group)) {
        for (const [name, text] of variables)
            (0,_ansible__WEBPACK_IMPORTED_MODULE_2__/* .setVariable */ .BB)(host.variables, name, text);
    }
}
function readVariables(entries, variables, reading) {
    for (const { key, value, line } of entries) {
        if ((0,_ansible__WEBPACK_IMPORTED_MODULE_2__/* .isKept */ .t8)(key))
            collect(reading, line, () => {
                (0,_ansible__WEBPACK_IMPORTED_MODULE_2__/* .setVariable */ .BB)(variables, key, textOf(key, value, reading));
            });
    }
}
/** A text; a list of texts counts as all of them. */
function textOf(name, given, reading) {
    const node = targetOf(given, reading);
    if (isEmpty(node))
        return '';
    if ((0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isScalar */ .jn)(node))
        return valueOf(node.value);
    const items = (0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isSeq */ .oP)(node) ? node.items.map((item) => targetOf(item, reading)) : [undefined];
    return items
        .map((item) => {
        if ((0,yaml__WEBPACK_IMPORTED_MODULE_0__/* .isScalar */ .jn)(item))
            return valueOf(item.value);
        throw wrong(`${name} is neither a text nor a list of texts.`);
    })
        .join('\n');
}
/** Notes an error of one entry, so that the others are read too. */
function collect({ errors, position }, line, read) {
    try {
        read();
    }
    catch (error) {
        if (!(error instanceof _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru))
            throw error;
        errors.push(error.about(position(line)));
    }
}
function wrong(message, details = {}) {
    return new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('hosts-syntax', message, details);
}


/***/ })

};
;