"use strict";
exports.id = 229;
exports.ids = [229];
exports.modules = {

/***/ 5229:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  diagnoseAgain: () => (/* binding */ diagnoseAgain),
  diagnoseHosts: () => (/* binding */ diagnoseHosts)
});

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(7030);
// EXTERNAL MODULE: ./src/remote/each-of.ts
var each_of = __webpack_require__(7435);
// EXTERNAL MODULE: ./src/remote/verify-hosts.ts + 1 modules
var verify_hosts = __webpack_require__(6847);
// EXTERNAL MODULE: ./src/errors.ts
var errors = __webpack_require__(3916);
// EXTERNAL MODULE: ./src/ssh/authorized-keys.ts
var authorized_keys = __webpack_require__(8962);
// EXTERNAL MODULE: ./src/ssh/certificate.ts
var certificate = __webpack_require__(5921);
// EXTERNAL MODULE: ./src/ssh/public-key.ts
var public_key = __webpack_require__(6119);
// EXTERNAL MODULE: ./src/trust/doctor/finding.ts
var doctor_finding = __webpack_require__(5525);
// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
// EXTERNAL MODULE: ./src/local/home.ts
var home = __webpack_require__(9668);
;// CONCATENATED MODULE: ./src/trust/doctor/ssh.ts
/** OpenSSH's own programs, as the doctor runs them: with a limit of time, and without any input. */




/** Runs one of OpenSSH's programs; undefined if there is none on PATH. */
async function runSsh(program, args, { env, timeout }) {
    return new Promise((resolve, reject) => {
        const child = (0,external_node_child_process_.execFile)(program, [...args], { env: { ...env, LC_ALL: 'C' }, timeout, maxBuffer: 8 * 1024 * 1024, windowsHide: true }, (error, stdout, stderr) => {
            const code = error === null ? 0 : error.code;
            if ((0,errors/* systemCode */.xU)(error) === 'ENOENT')
                resolve(undefined);
            else if (typeof code === 'number' || error?.killed === true) {
                resolve({ code: typeof code === 'number' ? code : undefined, stdout, stderr });
            }
            else
                reject(error ?? new Error(program));
        });
        child.stdin?.end();
    });
}
/** Largest of ssh's own files that is read. */
const MAX_FILE = 16 * 1024 * 1024;
/** The text of a file; empty where there is none, or it can't be read. */
function readIfThere(path) {
    try {
        const stat = (0,external_node_fs_.statSync)(path);
        return stat.isFile() && stat.size <= MAX_FILE ? (0,external_node_fs_.readFileSync)(path, 'utf8') : '';
    }
    catch {
        return '';
    }
}
/** A path as ssh_config has it, with the home that ssh takes. */
function expandHome(path) {
    return path.replace(/^~\/\.ssh(?=\/)/, (home) => homeSsh()[0] ?? home);
}
function homeSsh() {
    try {
        return (0,home/* sshDirectories */.W)();
    }
    catch {
        return [];
    }
}

// EXTERNAL MODULE: ./src/trust/report.ts
var report = __webpack_require__(7146);
;// CONCATENATED MODULE: ./src/trust/doctor/client.ts
/** This machine, as the doctor sees it: the ssh on PATH, and the agent with its keys. */







/** Whether there is an ssh, and which. */
async function examineClient(options) {
    const ran = await runSsh('ssh', ['-V'], options);
    if (ran === undefined) {
        const hint = 'Install OpenSSH’s client.';
        const steps = INSTALL_CLIENT;
        const finding = 'There is no ssh on PATH.';
        return {
            findings: [(0,doctor_finding/* told */.Ev)('problem', 'ssh', 'ssh-missing', finding, { hint, steps })],
            hasSsh: false,
        };
    }
    return { findings: [judgeVersion((0,report/* oneLine */.T)(ran.stderr.trim()))], hasSsh: true };
}
const INSTALL_CLIENT = [
    'Debian, Ubuntu: apt install openssh-client',
    'Fedora, RHEL: dnf install openssh-clients',
    'Alpine: apk add openssh-client',
    'Arch: pacman -S openssh',
    'openSUSE: zypper install openssh-clients',
];
/** @param version as `ssh -V` prints it */
function judgeVersion(version) {
    const [software, major, minor] = /OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)[^\s,]*/.exec(version) ?? [];
    if (software === undefined) {
        return (0,doctor_finding/* told */.Ev)('warning', 'ssh', 'ssh-not-openssh', 'The ssh on PATH is not OpenSSH’s.', {
            evidence: version,
            hint: 'An agent with a policy signs for OpenSSH alone.',
        });
    }
    if (Number(major) * 1000 + Number(minor) >= 8009)
        return (0,doctor_finding/* fine */.Bs)('ssh', software, version);
    return (0,doctor_finding/* told */.Ev)('warning', 'ssh', 'ssh-tells-no-host', `${software} does not tell agents which host a login is for.`, {
        evidence: version,
        hint: 'An agent with a policy refuses it (unbound). OpenSSH does since 8.9.',
    });
}
/** The agent of SSH_AUTH_SOCK, and the keys that it shows. */
async function examineAgent(options) {
    const socket = options.env['SSH_AUTH_SOCK'] ?? '';
    const none = (code, finding, hint, evidence = '') => ({
        findings: [(0,doctor_finding/* told */.Ev)('problem', 'agent', code, finding, { evidence, hint })],
        keys: [],
    });
    if (socket === '') {
        return none('agent-unset', 'No agent: SSH_AUTH_SOCK is not set.', 'sudo and containers drop it. In a job, run after the action; elsewhere: eval "$(ssh-trust agent)" and ssh-add.');
    }
    if (process.platform !== 'win32' && !(0,external_node_fs_.existsSync)(socket)) {
        const gone = 'That agent has ended, or this is another container. Start one, or run this where it is.';
        const finding = 'No agent: where SSH_AUTH_SOCK points to, there is nothing.';
        return none('agent-gone', finding, gone, `SSH_AUTH_SOCK=${socket}`);
    }
    const ran = await runSsh('ssh-add', ['-L'], options);
    if (ran === undefined) {
        return none('ssh-missing', 'There is no ssh-add on PATH.', 'Install OpenSSH’s client.');
    }
    if (ran.code === 0) {
        const keys = readAgentKeys(ran.stdout);
        const names = keys.map(describeKey).join(', ');
        return { findings: [(0,doctor_finding/* fine */.Bs)('agent', `The agent holds ${names}.`)], keys };
    }
    if (ran.code === 1) {
        return none('agent-empty', 'The agent holds no key, or shows none.', 'Add one with ssh-add. It may also be locked (ssh-add -X), or its lifetime is over.', ran.stdout);
    }
    return none('agent-silent', `The agent at ${socket} does not answer.`, 'It has ended or hangs, or belongs to another user. Start another.', ran.code === undefined ? 'ssh-add -l takes too long' : ran.stderr);
}
/** The keys that `ssh-add -L` prints, each once. */
function readAgentKeys(text) {
    const keys = [];
    for (const line of text.split('\n')) {
        const key = (0,authorized_keys/* parseAuthorizedKey */.au)(Buffer.from(line));
        if (key === undefined)
            continue;
        const blob = withoutCertificate(key.blob);
        if (!keys.some((other) => other.blob.equals(blob)))
            keys.push({ blob, comment: key.comment });
    }
    return keys;
}
/** Agents may hold keys that this project does not know: those stay as they are. */
function withoutCertificate(blob) {
    try {
        return (0,certificate/* plainKey */.y7)(blob);
    }
    catch {
        return blob;
    }
}
/** `ED25519 SHA256:… comment` */
function describeKey({ blob, comment }) {
    return (0,report/* oneLine */.T)(`${describeBlob(blob)} ${comment}`.trim());
}
/** `ED25519 SHA256:…`, of a key or of the one in a certificate */
function describeBlob(blob) {
    return `${(0,public_key/* displayType */.x)((0,public_key/* typeOfBlob */.JX)(blob))} ${(0,public_key/* fingerprint */.Rj)(withoutCertificate(blob))}`;
}

// EXTERNAL MODULE: ./src/ssh/pattern.ts
var ssh_pattern = __webpack_require__(2368);
;// CONCATENATED MODULE: ./src/trust/doctor/key-line.ts
/** Whether sshd takes a key at one line of a file: the line's options, and who else can write to the file. */





/** What the options in front of a key do to a login with it. */
function judgeOptions(line, at, facts, now) {
    if (line.options.length === 0)
        return [];
    try {
        const options = (0,authorized_keys/* parseKeyOptions */.$C)(line.options.join(','));
        return options.flatMap((option) => judgeOption(option, at, facts, now));
    }
    catch (error) {
        if (!(error instanceof errors/* TrustError */.Ru))
            throw error;
        const finding = `sshd may not understand the options at ${at}: ${error.message}`;
        return [
            (0,doctor_finding/* told */.Ev)('problem', 'key-options', 'key-options-invalid', finding, {
                evidence: line.options.join(','),
                hint: 'Correct that line: sshd skips it as it is.',
            }),
        ];
    }
}
function judgeOption({ name, value }, at, { client, zone }, now) {
    const evidence = value === undefined ? name : `${name}="${value}"`;
    const one = (status, code, finding, hint) => [
        (0,doctor_finding/* told */.Ev)(status, 'key-options', code, finding, { evidence, hint }),
    ];
    switch (name.toLowerCase()) {
        case 'expiry-time': {
            if (expiryOf(value ?? '', zone ?? 0) > now)
                return [];
            const hint = 'Replace the line by one without it, or with a later time.';
            return one('problem', 'key-expired', `The key at ${at} has expired.`, hint);
        }
        case 'from': {
            const answer = fromMatches(value ?? '', client);
            if (answer === 'yes')
                return [];
            const hint = `Add ${client} to it, or connect from an address that it has.`;
            if (answer === 'no') {
                const finding = `from= at ${at} leaves this client out, which the server sees as ${client}.`;
                return one('problem', 'key-from', finding, hint);
            }
            const finding = `from= at ${at} goes by host names, and this client is ${client}.`;
            return one('unknown', 'key-from', finding, `Such names count with UseDNS yes only. ${hint}`);
        }
        case 'command': {
            const finding = `The key at ${at} runs one command only.`;
            return one('warning', 'forced-command', finding, 'Use another key for other commands.');
        }
        case 'cert-authority': {
            const finding = `The key at ${at} is there as an authority (cert-authority), not as a key.`;
            const hint = 'Add a line for the key without that option.';
            return one('problem', 'key-is-authority', finding, hint);
        }
        case 'restrict': {
            const finding = `The key at ${at} gets no terminal and no forwarding (restrict).`;
            return [(0,doctor_finding/* fine */.Bs)('key-options', finding)];
        }
        default:
            return [];
    }
}
/**
 * @param offset the server's zone, minutes east of UTC: that is what a time without Z is in
 * @returns milliseconds since 1970
 */
function expiryOf(text, offset) {
    const digits = text.replace(/\D/g, '').padEnd(14, '0');
    const at = (start, length = 2) => Number(digits.slice(start, start + length));
    const utc = Date.UTC(at(0, 4), at(4) - 1, at(6), at(8), at(10), at(12));
    return /(Z|UTC)$/i.test(text) ? utc : utc - offset * 60_000;
}
/**
 * Whether a pattern list of sshd(8), from=, has `address`; `unknown` where that hangs on host names.
 */
function fromMatches(list, address) {
    let answer = 'no';
    for (const item of list.split(',')) {
        const pattern = item.replace(/^!/, '');
        const byAddress = /^[0-9a-fA-F.:*?/]+$/.test(pattern);
        const matches = pattern.includes('/')
            ? inNetwork(pattern, address)
            : (0,ssh_pattern/* matchPattern */.g)(address.toLowerCase(), pattern.toLowerCase());
        if (matches && item.startsWith('!'))
            return 'no';
        if (matches)
            answer = 'yes';
        else if (!byAddress && answer === 'no' && !item.startsWith('!'))
            answer = 'unknown';
    }
    return answer;
}
function inNetwork(network, address) {
    const [base = '', length = ''] = network.split('/', 2);
    const family = (ip) => ((0,external_node_net_.isIP)(ip) === 6 ? 'ipv6' : 'ipv4');
    if ((0,external_node_net_.isIP)(base) === 0 || (0,external_node_net_.isIP)(address) !== (0,external_node_net_.isIP)(base))
        return false;
    try {
        const block = new external_node_net_.BlockList();
        block.addSubnet(base, Number(length), family(base));
        return block.check(address, family(address));
    }
    catch {
        return false;
    }
}
/** StrictModes of sshd_config(5), for the file and all directories up to the home. */
function judgeModes(file, facts) {
    const bad = file.chain.flatMap((path) => judgePath(path, facts));
    if (bad.length === 0) {
        const finding = `Only ${facts.user} and root can write to ${file.path} and what is above it.`;
        return [(0,doctor_finding/* fine */.Bs)('modes', finding)];
    }
    const [strict] = facts.config.get('strictmodes') ?? [];
    if (strict?.toLowerCase() !== 'no')
        return bad;
    return bad.map((one) => ({
        ...one,
        status: 'warning',
        finding: `${one.finding} It does not now, as StrictModes is no.`,
    }));
}
function judgePath({ path, mode, owner }, { uid, user }) {
    const evidence = `${mode} ${owner} ${path}`;
    if (owner !== 0 && owner !== uid) {
        const finding = `${path} belongs to the user with the id ${owner}: sshd ignores the keys.`;
        const hint = `As root on the server: chown ${user} '${path}'`;
        return [(0,doctor_finding/* told */.Ev)('problem', 'modes', 'owned-by-other', finding, { evidence, hint })];
    }
    if (mode.charAt(5) !== 'w' && mode.charAt(8) !== 'w')
        return [];
    const finding = `Others can write to ${path}: sshd ignores the keys.`;
    const hint = `On the server: chmod go-w '${path}'`;
    return [(0,doctor_finding/* told */.Ev)('problem', 'modes', 'writable-by-others', finding, { evidence, hint })];
}
/** Where SELinux is enforced, sshd reads nothing without the label of its keys. */
function judgeLabels({ labels, keyFiles }) {
    if (labels.length === 0)
        return [];
    const ours = keyFiles.map(({ path }) => path);
    const bad = labels.flatMap(({ path, context, expected }) => {
        const type = typeOf(context);
        const wanted = expected === undefined ? undefined : typeOf(expected);
        // Without the policy's word, only the file of keys itself is known to need a label.
        if (type === (wanted ?? 'ssh_home_t') || (wanted === undefined && !ours.includes(path)))
            return [];
        const finding = `SELinux is enforced, and ${path} has the label ${type}: sshd may not read it.`;
        return [
            (0,doctor_finding/* told */.Ev)('problem', 'selinux', 'selinux-label', finding, {
                evidence: `${context} ${path}${expected === undefined ? '' : `, and should be ${expected}`}`,
                hint: `As root on the server: restorecon -Rv '${path}'. For a home elsewhere first: semanage fcontext -a -e /home DIRECTORY`,
            }),
        ];
    });
    return bad.length > 0 ? bad : [(0,doctor_finding/* fine */.Bs)('selinux', 'SELinux is enforced, and the labels are right.')];
}
/** The third part of user:role:type:level. */
function typeOf(context) {
    return context.split(':')[2] ?? '';
}

;// CONCATENATED MODULE: ./src/trust/doctor/log.ts

/** Older lines are of other logins: milliseconds. */
const WINDOW = 15 * 60_000;
/** How many lines are shown that no reason is known for. */
const MAX_UNEXPLAINED = 3;
const CONFIG_HINT = 'Change it in sshd_config on the server, then reload sshd.';
/** The words of OpenSSH's sshd, of PAM, and of TCP wrappers. */
const REASONS = [
    {
        pattern: /bad ownership or modes for (?:file|directory) /,
        code: 'writable-by-others',
        finding: 'sshd ignores the keys: others can write to the file, or to what is above it.',
        hint: 'On the server: chmod go-w what the line names; chown it to the user.',
    },
    {
        pattern: /not allowed because listed in DenyUsers/,
        code: 'deny-users',
        finding: 'DenyUsers names the user.',
        hint: CONFIG_HINT,
    },
    {
        pattern: /not allowed because not listed in AllowUsers/,
        code: 'allow-users',
        finding: 'AllowUsers leaves the user out.',
        hint: CONFIG_HINT,
    },
    {
        pattern: /not allowed because a group is listed in DenyGroups/,
        code: 'deny-groups',
        finding: 'DenyGroups names a group of the user.',
        hint: CONFIG_HINT,
    },
    {
        pattern: /not allowed because (?:none of user's groups are listed in AllowGroups|not in any group)/,
        code: 'allow-groups',
        finding: 'AllowGroups has none of the user’s groups.',
        hint: CONFIG_HINT,
    },
    {
        pattern: /not allowed because account is locked/,
        code: 'account-locked',
        finding: 'The account is locked.',
        hint: 'As root on the server: usermod -p "*" USER unlocks it without giving it a password.',
    },
    {
        pattern: /not allowed because shell .* (?:does not exist|is not executable)/,
        code: 'account-no-shell',
        finding: 'The shell of the account is not there, or can’t be run.',
        hint: 'As root on the server: usermod -s /bin/sh USER',
    },
    {
        pattern: /ROOT LOGIN REFUSED/,
        code: 'root-login',
        finding: 'PermitRootLogin keeps root out.',
        hint: CONFIG_HINT,
    },
    {
        pattern: /(?:account|Account) \S+ has expired/,
        code: 'account-expired',
        finding: 'The account has expired.',
        hint: 'As root on the server: chage -E -1 USER',
    },
    {
        pattern: /Access denied for user .* by PAM|pam_\w+\(sshd:account\): .*(?:denied|failed|not allowed)/,
        code: 'account-denied-by-pam',
        finding: 'PAM denies the account.',
        hint: 'Look at /etc/pam.d/sshd on the server (pam_access, pam_nologin, pam_time) and its files in /etc/security.',
    },
    {
        pattern: /Invalid user /,
        code: 'account-absent',
        finding: 'The server has no such user.',
        hint: 'Correct the user (user@ on the line of the host), or make the account.',
    },
    {
        pattern: /(?:key type|signature algorithm) ssh-rsa not in PubkeyAccepted/,
        code: 'rsa-sha1-only',
        finding: 'A login with RSA and SHA-1 was tried, which sshd does not take.',
        hint: 'Use a newer client, or an ed25519 key.',
    },
    {
        pattern: /(?:key type|signature algorithm) \S+ not in PubkeyAccepted/,
        code: 'algorithm-not-accepted',
        finding: 'sshd takes no key of this type.',
        hint: CONFIG_HINT,
    },
    {
        pattern: /maximum authentication attempts exceeded|Too many authentication failures/,
        code: 'max-auth-tries',
        finding: 'The client offered more keys than MaxAuthTries.',
        hint: 'Say which key is for this host: key=SHA256:… on its line.',
    },
    {
        pattern: /Could not open (?:user '.*' )?authorized keys /,
        code: 'authorized-keys-unreadable',
        finding: 'sshd can’t read the file of authorized keys.',
        hint: 'Look at the owner and mode of the file and of all directories above it.',
    },
    {
        pattern: /but not from a permitted (?:host|source address)/,
        code: 'key-from',
        finding: 'from= on the key’s line leaves this client out.',
        hint: 'Add this client’s address to it.',
    },
    {
        pattern: /revoked by file|revoked key for/,
        code: 'key-revoked',
        finding: 'RevokedKeys in sshd_config has the key.',
        hint: 'Use another key.',
    },
    {
        pattern: /Unable to negotiate with /,
        code: 'no-common-algorithm',
        finding: 'The two sides have no algorithm in common.',
        hint: 'Update the older of the two.',
    },
    {
        pattern: /MaxStartups|refused connect from|penalty|Not allowed at this time/,
        code: 'server-closed',
        finding: 'The server turned this client away at once.',
        hint: 'MaxStartups or PerSourcePenalties in sshd_config, fail2ban, or /etc/hosts.deny.',
    },
];
/** What a login leaves in any case, or says nothing of the reason. */
const NOISE = /Connection (?:from|closed|reset)|Accepted |Postponed |[Dd]isconnect|session (?:opened|closed)|Starting session|Close session|Failed (?:publickey|none|password) |User child|Server listening|Transferred|Closing connection|Bind to|Changed root|subsystem request/;
/** What the log has about this user and this client. */
function judgeLog(facts) {
    const { log } = facts;
    if (log === undefined) {
        return [
            (0,doctor_finding/* told */.Ev)('unknown', 'log', 'log-unreadable', 'The account can’t read the log of sshd.', {
                hint: 'On the server: journalctl -u ssh -u sshd --since -15min, or /var/log/auth.log, /var/log/secure; or look with --as and an administrator.',
            }),
        ];
    }
    const lines = linesAbout(log.lines, facts);
    const findings = new Map();
    const unexplained = [];
    for (const line of lines) {
        const reason = REASONS.find(({ pattern }) => pattern.test(line));
        if (reason !== undefined) {
            const { code, finding, hint } = reason;
            // The latest line stands for all.
            findings.set(code, (0,doctor_finding/* told */.Ev)('problem', 'log', code, finding, { evidence: line, hint }));
        }
        else if (!NOISE.test(line)) {
            const finding = 'sshd says this, for which no reason is known here.';
            unexplained.push((0,doctor_finding/* told */.Ev)('unknown', 'log', 'log-unexplained', finding, { evidence: line }));
        }
    }
    // sshd calls an expired account locked, too.
    if (findings.has('account-expired'))
        findings.delete('account-locked');
    const all = [...findings.values(), ...unexplained.slice(-MAX_UNEXPLAINED)];
    if (all.length > 0)
        return all;
    return [(0,doctor_finding/* fine */.Bs)('log', `${log.source} has no complaint about ${facts.user} or this client.`)];
}
/**
 * The lines that name the user, this client or the home, and what the same process said beside them;
 * not those about other users, nor old ones. Where lines tell no process (sshd -e, sshd -E), a line
 * that names nobody belongs to what was named last.
 */
function linesAbout(lines, facts) {
    const recent = lines.filter((line) => {
        const time = timeOf(line, facts);
        return time === undefined || facts.clock === undefined || facts.clock - time <= WINDOW;
    });
    const ours = new Set(recent.filter((line) => isAbout(line, facts)));
    const processes = new Set([...ours].flatMap((line) => processOf(line) ?? []));
    let followsOurs = false;
    return recent.filter((line) => {
        const process = processOf(line);
        if (ours.has(line))
            followsOurs = true;
        else if (/ port \d/.test(line))
            followsOurs = false;
        const belongs = process === undefined ? followsOurs : processes.has(process);
        return belongs && !isAboutOther(line, facts);
    });
}
function processOf(line) {
    return /\b(?:sshd(?:-session|-auth)?|dropbear)\[(\d+)\]:/.exec(line)?.[1];
}
function isAbout(line, { user, client, home }) {
    return [user, client, home].some((name) => name.length > 1 && hasWord(line, name));
}
/** Whether `word` stands there, and not as a part of a longer name or address. */
function hasWord(line, word) {
    for (let at = line.indexOf(word); at >= 0; at = line.indexOf(word, at + 1)) {
        const before = line.charAt(at - 1);
        const after = line.slice(at + word.length);
        if (!/[\w.:@-]/.test(before) && !/^(?:[\w@-]|[.:][\w-])/.test(after))
            return true;
    }
    return false;
}
function isAboutOther(line, { user }) {
    const [, name] = /\b(?:[Uu]ser|for|account) (?!invalid user)[`']?(\S+?)[`']? (?:from|not|has|by) /.exec(line) ??
        [];
    return name !== undefined && name !== user;
}
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
/** When a line was written, in milliseconds since 1970: RFC 3339, or the form of RFC 3164. */
function timeOf(line, { clock = 0, zone = 0 }) {
    const [, iso, sign = '+00:00'] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)? /.exec(line) ?? [];
    if (iso !== undefined) {
        const time = Date.parse(`${iso}${sign.replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2')}`);
        return Number.isNaN(time) ? undefined : time;
    }
    const [, month = '', day, hour, minute, second] = /^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) /.exec(line) ?? [];
    const index = MONTHS.indexOf(month);
    if (index < 0)
        return undefined;
    const year = new Date(clock).getUTCFullYear();
    const at = (of) => Date.UTC(of, index, Number(day), Number(hour), Number(minute), Number(second)) - zone * 60_000;
    // It says no year: a line of the future is one of last year.
    return at(year) > clock + 24 * 3_600_000 ? at(year - 1) : at(year);
}

;// CONCATENATED MODULE: ./src/trust/doctor/sshd-config.ts





/** The values of a keyword; those of AllowUsers and the like add up. */
function setting({ config }, keyword) {
    return (config.get(keyword) ?? []).flatMap((value) => value.split(/\s+/).filter((word) => word !== ''));
}
/** Who may come in, in the order in which sshd asks; then what it takes. */
function judgeConfig(facts, keys) {
    const { user, configFile: file, configFrom, dropbear } = facts;
    if (dropbear !== undefined)
        return [judgeDropbear(facts, dropbear)];
    const findings = [
        ...judgeUsers(facts),
        ...judgeGroups(facts),
        ...judgeMethods(facts),
        ...judgeAlgorithms(facts, keys),
        ...judgeTries(facts, keys),
    ];
    if (findings.length > 0)
        return findings;
    if (configFrom === 'sshd')
        return [(0,doctor_finding/* fine */.Bs)('sshd-config', `${file} lets ${user} in with keys.`)];
    const part = configFrom === 'file'
        ? 'is known in part only (Match and Include are left out)'
        : 'can not be read';
    return [
        (0,doctor_finding/* told */.Ev)('unknown', 'sshd-config', 'sshd-config-unknown', `${file} ${part}.`, {
            hint: `As root on the server: sshd -T -C user=${user}; or look with --as and an administrator.`,
        }),
    ];
}
/** dropbear(8): what is asked of it stands on its command line. */
function judgeDropbear({ uid }, evidence) {
    if (uid === 0 && /(?:^| )-\w*w/.test(evidence)) {
        const hint = 'Log in as another user, or start dropbear without -w.';
        const finding = 'dropbear runs with -w, which keeps root out.';
        return (0,doctor_finding/* told */.Ev)('problem', 'sshd-config', 'root-login', finding, { evidence, hint });
    }
    return (0,doctor_finding/* fine */.Bs)('sshd-config', 'The server is dropbear, which has no sshd_config.', evidence);
}
function problem(facts, keyword, code, finding, hint) {
    const evidence = `${keyword} ${setting(facts, keyword).join(' ')} (${facts.configFile})`;
    return (0,doctor_finding/* told */.Ev)('problem', 'sshd-config', code, finding, { evidence, hint });
}
const RELOAD = 'then reload sshd';
function judgeUsers(facts) {
    const { user, configFile: file, uid } = facts;
    const findings = [];
    const matches = (pattern) => isUser(pattern, facts);
    if (setting(facts, 'denyusers').some(matches)) {
        const hint = `Take it out in ${file}, ${RELOAD}.`;
        findings.push(problem(facts, 'denyusers', 'deny-users', `DenyUsers names ${user}.`, hint));
    }
    const allowed = setting(facts, 'allowusers');
    if (allowed.length > 0 && !allowed.some(matches)) {
        const hint = `Add ${user} to it in ${file}, ${RELOAD}.`;
        findings.push(problem(facts, 'allowusers', 'allow-users', `AllowUsers leaves out ${user}.`, hint));
    }
    const [root] = setting(facts, 'permitrootlogin');
    if (uid === 0 && (root === 'no' || root === 'forced-commands-only')) {
        const hint = `Log in as another user, or set it to prohibit-password in ${file}, ${RELOAD}.`;
        const finding = `PermitRootLogin is ${root}.`;
        findings.push(problem(facts, 'permitrootlogin', 'root-login', finding, hint));
    }
    return findings;
}
/** USER or USER@HOST, with patterns. */
function isUser(pattern, { user, client }) {
    const [name = '', host] = pattern.split(/@(?=[^@]*$)/, 2);
    return (0,ssh_pattern/* matchPattern */.g)(user, name) && (host === undefined || fromMatches(host, client) === 'yes');
}
function judgeGroups(facts) {
    const { user, configFile: file, groups } = facts;
    if (groups.length === 0)
        return [];
    const findings = [];
    const named = (patterns) => groups.find((group) => patterns.some((pattern) => (0,ssh_pattern/* matchPattern */.g)(group, pattern)));
    const denied = named(setting(facts, 'denygroups'));
    if (denied !== undefined) {
        const hint = `Take it out in ${file}, ${RELOAD}, or ${user} out of the group.`;
        const finding = `DenyGroups names ${denied}, a group of ${user}.`;
        findings.push(problem(facts, 'denygroups', 'deny-groups', finding, hint));
    }
    const allowed = setting(facts, 'allowgroups');
    if (allowed.length > 0 && named(allowed) === undefined) {
        const hint = `As root: usermod -aG ${allowed[0] ?? ''} ${user}; or add a group of ${user} in ${file}, ${RELOAD}.`;
        const finding = `AllowGroups has none of the groups of ${user} (${groups.join(' ')}).`;
        findings.push(problem(facts, 'allowgroups', 'allow-groups', finding, hint));
    }
    return findings;
}
function judgeMethods(facts) {
    const { configFile: file } = facts;
    const findings = [];
    const [pubkey] = setting(facts, 'pubkeyauthentication');
    if (pubkey?.toLowerCase() === 'no') {
        const hint = `Set it to yes in ${file}, ${RELOAD}.`;
        const finding = 'PubkeyAuthentication is no.';
        findings.push(problem(facts, 'pubkeyauthentication', 'publickey-off', finding, hint));
    }
    const methods = setting(facts, 'authenticationmethods');
    if (methods.length > 0 && !methods.some((list) => list === 'any' || list === 'publickey')) {
        const hint = `Add publickey to it in ${file}, ${RELOAD}.`;
        const finding = 'AuthenticationMethods wants more than a key.';
        findings.push(problem(facts, 'authenticationmethods', 'authentication-methods', finding, hint));
    }
    const command = facts.config.get('forcecommand')?.[0] ?? 'none';
    if (command !== 'none') {
        findings.push((0,doctor_finding/* told */.Ev)('warning', 'sshd-config', 'forced-command', 'ForceCommand runs one command only.', {
            evidence: `forcecommand ${command} (${file})`,
            hint: `Log in as another user for other commands, or change it in ${file}.`,
        }));
    }
    return findings;
}
/** By which algorithms a key signs: RSA keys by several (RFC 8332). */
function algorithmsOf(type) {
    return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
}
function judgeAlgorithms(facts, keys) {
    const { configFile: file } = facts;
    // Its name until 8.5.
    const keyword = ['pubkeyacceptedalgorithms', 'pubkeyacceptedkeytypes'].find((name) => facts.config.has(name)) ??
        'pubkeyacceptedalgorithms';
    const [list = ''] = setting(facts, keyword);
    // In the file itself it may be a change of the default, which is not known here.
    if (list === '' || /^[-+^]/.test(list))
        return [];
    const patterns = list.split(',');
    const takes = (algorithm) => patterns.some((pattern) => (0,ssh_pattern/* matchPattern */.g)(algorithm, pattern));
    return keys.flatMap((key) => {
        const type = (0,public_key/* typeOfBlob */.JX)(key.blob);
        if (algorithmsOf(type).some(takes))
            return [];
        const sha1 = type === 'ssh-rsa' && takes('ssh-rsa');
        const finding = sha1
            ? `sshd takes RSA signatures with SHA-1 only, which are not made any more: ${describeKey(key)}.`
            : `sshd takes no key of this type: ${describeKey(key)}.`;
        const hint = `Use a key of another type (ed25519), or add ${algorithmsOf(type).join(',')} to PubkeyAcceptedAlgorithms in ${file}, ${RELOAD}.`;
        const code = sha1 ? 'rsa-sha1-only' : 'algorithm-not-accepted';
        return [problem(facts, keyword, code, finding, hint)];
    });
}
function judgeTries(facts, keys) {
    const [text = ''] = setting(facts, 'maxauthtries');
    const tries = Number(text);
    if (!/^\d{1,6}$/.test(text) || keys.length <= tries)
        return [];
    return [
        problem(facts, 'maxauthtries', 'max-auth-tries', `MaxAuthTries is ${tries}, and the agent shows ${keys.length} keys: some are never tried.`, 'Say which key is for this host (key=SHA256:… on its line), or have fewer keys in the agent.'),
    ];
}

;// CONCATENATED MODULE: ./src/trust/doctor/account.ts
/** An account as sshd sees it, from inside: how to get in and look, and what keeps keys from it. */







/** Longest time for the scripts on the host, in connection timeouts. */
const SCRIPT_TIMES = 3;
/** Logs in by other means, if there are any, and looks at the account from inside. */
async function examineAccount(line, user, hostKey, { credentials, as, keys, timeout }) {
    if (credentials === undefined)
        return [];
    const { connectTo } = await Promise.all(/* import() */[__webpack_require__.e(472), __webpack_require__.e(272)]).then(__webpack_require__.bind(__webpack_require__, 2272)); // ssh2 takes long to load
    const { inspectAccount } = await Promise.all(/* import() */[__webpack_require__.e(472), __webpack_require__.e(16)]).then(__webpack_require__.bind(__webpack_require__, 9016));
    try {
        const { host, port } = line;
        const login = { host, port, user: as ?? user, hostKey, credentials, timeout };
        const client = await connectTo(login);
        try {
            const facts = await inspectAccount(client, {
                ...(as === undefined ? {} : { user }),
                keys: keys.map(({ blob }) => blob),
                timeout: SCRIPT_TIMES * timeout,
            });
            return judgeAccount(facts, keys, Date.now());
        }
        finally {
            client.end();
        }
    }
    catch (error) {
        if (!(error instanceof errors/* TrustError */.Ru))
            throw error;
        return [judgeFailure(error, credentials, as)];
    }
}
function judgeFailure({ code, message, hint = '' }, { kind }, as) {
    if (code === 'remote-shell') {
        return (0,doctor_finding/* told */.Ev)('problem', 'inspection', 'inspection-no-shell', message, { hint });
    }
    const finding = 'The account can’t be looked at.';
    const evidence = message;
    if (code !== 'login-refused') {
        return (0,doctor_finding/* told */.Ev)('unknown', 'inspection', 'inspection-failed', finding, { evidence, hint });
    }
    const other = kind === 'password' ? 'password' : 'key of --key';
    return (0,doctor_finding/* told */.Ev)('unknown', 'inspection', 'inspection-refused', finding, {
        evidence,
        hint: as === undefined
            ? `The ${other} was not accepted either. Then it is often not the key: wrong user, AllowUsers, DenyUsers, AllowGroups or PermitRootLogin in sshd_config, or the account is locked. Look with --as and an administrator, or at the log of sshd on the server.`
            : `The ${other} was not accepted for ${as}.`,
    });
}
/**
 * What keeps sshd from taking one of `keys` for the account.
 *
 * @param now in milliseconds since 1970
 */
function judgeAccount(facts, keys, now) {
    const { user, seenBy, home, shell, groups } = facts;
    const who = seenBy === user ? `Inside as ${user}` : `${user}, seen by ${seenBy}`;
    const evidence = `home ${home === '' ? '(none)' : home}, shell ${shell}, groups ${groups.join(' ')}`;
    const inside = facts.exists
        ? [
            ...judgeEntry(facts, now),
            ...judgeConfig(facts, keys),
            ...judgeKeys(facts, keys, now),
            ...judgeLabels(facts),
        ]
        : [judgeAbsent(facts)];
    return [
        (0,doctor_finding/* fine */.Bs)('inspection', `${who}.`, facts.exists ? evidence : ''),
        judgeClock(facts, now),
        ...inside,
        ...judgeOtherAccounts(facts),
        ...judgeLog(facts),
    ];
}
function judgeAbsent({ user, client }) {
    return (0,doctor_finding/* told */.Ev)('problem', 'account', 'account-absent', `The server has no user ${user}.`, {
        evidence: `id ${user}: no such user (asked from ${client})`,
        hint: `Correct the user (user@ on the line of the host), or make the account: useradd -m ${user}`,
    });
}
/** Seconds that clocks may differ. */
const CLOCK_TOLERANCE = 60;
function judgeClock({ clock }, now) {
    if (clock === undefined) {
        return (0,doctor_finding/* told */.Ev)('unknown', 'clock', 'clock-unknown', 'The server does not tell its time.');
    }
    const off = Math.round((clock - now) / 1000);
    if (Math.abs(off) <= CLOCK_TOLERANCE)
        return (0,doctor_finding/* fine */.Bs)('clock', 'The clocks agree.');
    const finding = `The server’s clock is ${Math.abs(off)} s ${off < 0 ? 'behind' : 'ahead'}.`;
    return (0,doctor_finding/* told */.Ev)('warning', 'clock', 'clock-differs', finding, {
        evidence: new Date(clock).toISOString(),
        hint: 'Keys and certificates expire by the server’s clock: have it set by NTP.',
    });
}
const DAY = 86_400_000;
/** passwd(5), shadow(5), nologin(5). */
function judgeEntry(facts, now) {
    const { user, uid, home, shell, shellRuns, locked, expires, nologinFile, dropbear } = facts;
    const findings = [];
    const problem = (code, finding, evidence, hint) => {
        findings.push((0,doctor_finding/* told */.Ev)('problem', 'account', code, finding, { evidence, hint }));
    };
    // With PAM it is for PAM to say, and a lock of the password keeps no keys out; dropbear does not ask.
    const [pam] = setting(facts, 'usepam');
    if (locked === true && dropbear === undefined && pam?.toLowerCase() !== 'yes') {
        const hint = `As root on the server: usermod -p '*' ${user} unlocks it without giving it a password.`;
        problem('account-locked', `The account ${user} is locked.`, 'a ! before the password', hint);
    }
    if (expires !== undefined && expires * DAY <= now) {
        const hint = `As root on the server: chage -E -1 ${user}`;
        const evidence = `expires ${new Date(expires * DAY).toISOString().slice(0, 10)}`;
        problem('account-expired', `The account ${user} has expired.`, evidence, hint);
    }
    const setShell = `As root on the server: usermod -s /bin/sh ${user}`;
    if (shellRuns === false) {
        const finding = `The shell of ${user} is not there, or can’t be run: sshd lets nobody in.`;
        problem('account-no-shell', finding, shell, setShell);
    }
    else if (/\/(nologin|false)$/.test(shell)) {
        const finding = `The shell of ${user} ends every session: logins work, commands do not.`;
        problem('account-no-shell', finding, shell, setShell);
    }
    if (home === '') {
        const hint = `As root on the server: mkhomedir_helper ${user}, or make the directory and give it to ${user}.`;
        problem('account-no-home', `The home directory of ${user} is not there.`, '', hint);
    }
    if (nologinFile !== undefined && uid !== 0) {
        const hint = `If the machine is up, and this is left over: rm ${nologinFile}`;
        const finding = 'The machine lets only root in for the time being.';
        problem('account-nologin-file', finding, nologinFile, hint);
    }
    if (findings.length > 0)
        return findings;
    return [(0,doctor_finding/* fine */.Bs)('account', `The account ${user} is open.`, `shell ${shell}`)];
}
function findKeys(files, keys) {
    return files.flatMap((file) => (0,authorized_keys/* parseAuthorizedKeys */.Tj)(file.content ?? Buffer.alloc(0)).flatMap((line) => {
        const key = keys.find(({ blob }) => blob.equals(line.blob));
        return key === undefined ? [] : [{ key, file, line }];
    }));
}
function judgeKeys(facts, keys, now) {
    if (keys.length === 0) {
        return [
            (0,doctor_finding/* told */.Ev)('unknown', 'authorized-keys', 'authorized-keys-not-looked-for', 'There is no key to look for.', { hint: 'Have it in the agent.' }),
        ];
    }
    const found = findKeys(facts.keyFiles, keys);
    if (found.length > 0) {
        const reports = found.map((one) => judgeKeyLine(one, facts, now));
        // sshd takes the first line that lets the key in.
        const good = reports.find((findings) => !findings.some(doctor_finding/* isProblem */.AN));
        return good ?? reports.flat();
    }
    const modes = facts.keyFiles.flatMap((file) => judgeModes(file, facts).filter(doctor_finding/* isProblem */.AN));
    return [...judgeNoKey(facts, keys), ...modes];
}
/** None of the keys is where sshd looks. */
function judgeNoKey(facts, keys) {
    const { keyFiles, unusedFiles, home } = facts;
    if (home === '' && keyFiles.length === 0)
        return []; // that there is no home is told already
    const names = (files) => files.map(({ path }) => path).join(' or ');
    const unreadable = keyFiles.filter(({ content, missing }) => content === undefined && !missing);
    if (unreadable.length > 0) {
        const finding = `${names(unreadable)} can’t be read by the account, or is too large.`;
        const code = 'authorized-keys-unreadable';
        const hint = 'Have it belong to the user, with mode 0600; or look with --as and an administrator.';
        return [(0,doctor_finding/* told */.Ev)('unknown', 'authorized-keys', code, finding, { hint })];
    }
    const problem = (code, finding, evidence = '') => {
        const [key] = keys;
        const hint = `Add the public key to it: ${key === undefined ? '' : lineFor(key)}`;
        return [(0,doctor_finding/* told */.Ev)('problem', 'authorized-keys', code, finding, { evidence, hint })];
    };
    const where = keyFiles.length === 0 ? 'any file (AuthorizedKeysFile none)' : names(keyFiles);
    const [elsewhere] = findKeys(unusedFiles, keys);
    if (elsewhere !== undefined) {
        const { file, key, line } = elsewhere;
        return problem('authorized-keys-elsewhere', `${describeKey(key)} is at ${file.path}:${line.lineNumber}, and sshd looks at ${where} only.`, `authorizedkeysfile ${setting(facts, 'authorizedkeysfile').join(' ')} (${facts.configFile})`);
    }
    if (keyFiles.length > 0 && keyFiles.every(({ missing }) => missing)) {
        return problem('authorized-keys-missing', `There is no file ${where}.`);
    }
    return problem('key-not-authorized', `None of the agent’s keys is in ${where}.`);
}
function lineFor({ blob, comment }) {
    return (0,authorized_keys/* formatAuthorizedKey */.AY)({ blob, comment: comment.replace(/\p{Cc}+/gu, ' ') });
}
function judgeKeyLine({ key, file, line }, facts, now) {
    const at = `${file.path}:${line.lineNumber}`;
    const there = (0,doctor_finding/* fine */.Bs)('authorized-keys', `${describeKey(key)} is at ${at}.`, line.text);
    return [there, ...judgeOptions(line, at, facts, now), ...judgeModes(file, facts)];
}
function judgeOtherAccounts({ otherAccounts, user }) {
    const [first] = otherAccounts;
    if (first === undefined)
        return [];
    const names = otherAccounts.map((other) => other.user).join(', ');
    return [
        (0,doctor_finding/* told */.Ev)('warning', 'authorized-keys', 'authorized-keys-of-other-account', `A key of the agent is there for ${names}, which may be the account that is meant, not ${user}.`, {
            evidence: otherAccounts.map(({ path }) => path).join(', '),
            hint: `Log in as ${first.user} (${first.user}@ on the line of the host), or add the key for ${user}.`,
        }),
    ];
}

;// CONCATENATED MODULE: ./src/ssh/client-config.ts
/**
 * ssh_config(5): which line of which file sets what. ssh itself says which files it reads and which
 * blocks are for a host (`ssh -vvv -G`); that is read here, beside the lines of the files. No I/O.
 */
/** Longest line: OpenSSH's own limit is far below. */
const MAX_LINE = 16 * 1024;
/** The lines of one file, those of Host and Match left out. */
function parseClientConfig(file, text) {
    const lines = [];
    let block;
    for (const [index, raw] of text.split('\n').entries()) {
        if (raw.length > MAX_LINE)
            continue;
        const [, word = '', rest = ''] = /^\s*([^\s=#][^\s=]*)(?:\s*=\s*|\s+)(.*?)\s*$/.exec(raw) ?? [];
        if (word === '')
            continue;
        const keyword = word.toLowerCase();
        const value = rest.replace(/^"(.*)"$/, '$1');
        const lineNumber = index + 1;
        if (keyword === 'host' || keyword === 'match')
            block = { keyword, value, lineNumber };
        else {
            const line = { file, lineNumber, keyword, value, text: raw.trim() };
            lines.push(block === undefined ? line : { ...line, block });
        }
    }
    return lines;
}
/** Whether a line is for each host there is, as far as its own file says. */
function isForEveryHost({ block }) {
    if (block === undefined)
        return true;
    const words = block.value.toLowerCase().split(/[\s,]+/);
    const all = block.keyword === 'host' ? '*' : 'all';
    return words.includes(all) && !words.some((word) => word.startsWith('!'));
}
/** Reads the standard error of `ssh -vvv -G`. */
function readConfigTrace(stderr) {
    const trace = { files: [], applied: [], complaints: [] };
    for (const line of stderr.split(/\r?\n/)) {
        const text = line.replace(/^debug\d: /, '');
        const [, file] = /^Reading configuration data (.+)$/.exec(text) ?? [];
        if (file !== undefined && !trace.files.includes(file))
            trace.files.push(file);
        const [, where, number, said = ''] = /^(.+?):? line (\d+): (.*)$/.exec(text) ?? [];
        const at = `${where ?? ''}:${number ?? ''}`;
        if (/^Applying options for /.test(said))
            trace.applied.push(at);
        else if (/^(Deprecated|Unsupported) option /.test(said)) {
            trace.complaints.push({ kind: 'gone', at, text });
        }
        else if (isComplaint(line)) {
            const place = /^(.+?):? line (\d+)\b/.exec(text);
            const [, owner] = /^Bad owner or permissions on (.+)$/.exec(text) ?? [];
            const spot = place === null ? (owner ?? '') : `${place[1] ?? ''}:${place[2] ?? ''}`;
            trace.complaints.push({ kind: 'broken', at: spot, text });
        }
    }
    return trace;
}
/** An error of ssh about its configuration, not one of the lines that are for debugging. */
function isComplaint(line) {
    if (/^debug\d: /.test(line))
        return false;
    return /^Bad owner or permissions on |^.+?:? line \d+\b/.test(line);
}
/**
 * The line that gives `keyword` its value for the host of `trace`: the first that fits, as ssh takes
 * it. A line under Match counts if its value fits, since only ssh can tell whether it is for the host.
 */
function findSetting(lines, { applied }, keyword, fits) {
    return lines.find(({ file, block, ...line }) => line.keyword === keyword &&
        fits(line.value) &&
        (block?.keyword !== 'host' || applied.includes(`${file}:${block.lineNumber}`)));
}

// EXTERNAL MODULE: ./src/trust/hosts.ts + 1 modules
var trust_hosts = __webpack_require__(361);
;// CONCATENATED MODULE: ./src/trust/doctor/client-config.ts
/**
 * ssh_config(5) on this machine, as it counts for one host: options that are gone, and options that
 * undo the trust that was made. ssh itself says what takes effect (`ssh -G`), and which files it reads.
 */







const NO_SETTINGS = {
    values: new Map(),
    trace: { files: [], applied: [], complaints: [] },
    lines: [],
};
/** Asks ssh, by the name that the job has for the host. */
async function readClientSettings(line, options) {
    const args = ['-vvv', '-G', '-p', String(line.port), '--', (0,trust_hosts/* hostName */.Sm)(line)];
    const ran = await runSsh('ssh', args, options);
    const trace = readConfigTrace(ran?.stderr ?? '');
    const values = new Map();
    for (const text of ran?.code === 0 ? ran.stdout.split(/\r?\n/) : []) {
        const [, keyword = '', value = ''] = /^(\S+) (.*)$/.exec(text) ?? [];
        values.set(keyword, [...(values.get(keyword) ?? []), value]);
    }
    const lines = trace.files.flatMap((file) => parseClientConfig(file, readIfThere(file)));
    return { values, trace, lines };
}
const YES = ['yes', 'true'];
const NO = ['no', 'false'];
const HARMS = [
    {
        keyword: 'pubkeyauthentication',
        values: NO,
        status: 'problem',
        code: 'client-publickey-off',
        finding: 'ssh on this machine offers no keys to this host.',
        hint: 'Take the line out, or set PubkeyAuthentication yes for this host above it.',
    },
    {
        keyword: 'stricthostkeychecking',
        values: [...NO, 'off'],
        status: 'warning',
        code: 'client-host-key-unchecked',
        finding: 'ssh takes any key that a host shows for the first time, and changed ones too.',
        hint: 'Take the line out: a pin is of no use to an ssh that asks for none.',
    },
    {
        keyword: 'userknownhostsfile',
        values: ['/dev/null'],
        status: 'warning',
        code: 'client-host-key-unchecked',
        finding: 'ssh forgets each host key.',
        hint: 'Take the line out, or name a file with the pinned keys.',
    },
    {
        keyword: 'forwardagent',
        values: YES,
        everywhere: true,
        status: 'warning',
        code: 'client-forwards-agent',
        finding: 'ssh lends the agent to every host: its administrators can log in with the keys.',
        hint: 'Set ForwardAgent for the one host that needs it, or use ssh -J instead.',
    },
    {
        keyword: 'forwardx11',
        values: YES,
        everywhere: true,
        status: 'warning',
        code: 'client-forwards-x11',
        finding: 'ssh opens the display to every host: its administrators can read what is typed.',
        hint: 'Set ForwardX11 for the one host that needs it.',
    },
];
/** What ssh_config does to logins to this host. */
function judgeClientConfig(line, settings, keys, socket) {
    const { trace } = settings;
    const findings = [
        ...trace.complaints.map(judgeComplaint),
        ...HARMS.flatMap((harm) => judgeHarm(harm, settings)),
        ...judgeIdentities(settings, keys),
        ...judgeAgent(settings, socket),
        ...judgeAddress(line, settings),
    ];
    if (findings.length > 0)
        return findings;
    const files = trace.files.length === 0 ? 'There is none' : trace.files.join(', ');
    return [(0,doctor_finding/* fine */.Bs)('client-config', 'ssh’s own configuration does not get in the way.', files)];
}
function judgeComplaint({ kind, at, text }) {
    if (kind === 'gone') {
        const [, option = ''] = /option "(\S+)"/.exec(text) ?? [];
        return (0,doctor_finding/* told */.Ev)('warning', 'client-config', 'client-option-gone', `${at}: ssh has no option ${option} any more, and passes over it.`, { evidence: text, hint: INSTEAD[option] ?? 'Take the line out.' });
    }
    const unsafe = /^Bad owner/.test(text);
    return (0,doctor_finding/* told */.Ev)('problem', 'client-config', 'client-config-broken', `${at}: ssh refuses its configuration, and logs in nowhere.`, {
        evidence: text,
        hint: unsafe
            ? `chmod go-w '${at}', and have it belong to the user or root.`
            : 'Correct the line, or take it out. IgnoreUnknown above it passes over options of other versions.',
    });
}
/** What came after options that are gone. */
const INSTEAD = {
    rhostsauthentication: 'Take the line out: trust by name and address alone is gone; use keys.',
    rhostsrsaauthentication: 'Take the line out: it was of protocol 1; use keys.',
    rsaauthentication: 'Take the line out: it was of protocol 1; PubkeyAuthentication is for all keys.',
    fallbacktorsh: 'Take the line out: ssh never falls back to rsh.',
    usersh: 'Take the line out: ssh never falls back to rsh.',
    useprivilegedport: 'Take the line out: no server asks for a privileged port.',
    cipher: 'Take the line out: it was of protocol 1; Ciphers is a list.',
    compressionlevel: 'Take the line out: it was of protocol 1.',
};
function judgeHarm(harm, { values, lines, trace }) {
    const { keyword, status, code } = harm;
    const fits = (value) => harm.values.includes(value.toLowerCase());
    if (!(values.get(keyword) ?? []).some(fits))
        return [];
    const origin = findSetting(lines, trace, keyword, fits);
    if (harm.everywhere === true && (origin === undefined || !isForEveryHost(origin)))
        return [];
    return [
        (0,doctor_finding/* told */.Ev)(status, 'client-config', code, `${at(origin, keyword)}: ${harm.finding}`, {
            evidence: origin?.text ?? `${keyword} ${values.get(keyword)?.[0] ?? ''}`,
            hint: harm.hint,
        }),
    ];
}
function at(origin, keyword) {
    return origin === undefined ? keyword : `${origin.file}:${origin.lineNumber}`;
}
/** IdentitiesOnly leaves out what the agent has and no IdentityFile names. */
function judgeIdentities({ values, lines, trace }, keys) {
    const isYes = (value) => YES.includes(value.toLowerCase());
    if (!(values.get('identitiesonly') ?? []).some(isYes) || keys.length === 0)
        return [];
    const files = (values.get('identityfile') ?? []).map(expandHome);
    const held = files.flatMap((file) => publicKeysOf(file));
    if (held.some((blob) => keys.some((key) => key.blob.equals(blob))))
        return [];
    const there = files.filter(isThere);
    // A private key without its public half beside it may be any.
    if (there.some((file) => publicKeysOf(file).length === 0))
        return [];
    const origin = findSetting(lines, trace, 'identitiesonly', isYes);
    const named = there.length === 0 ? 'none that is there' : there.join(', ');
    return [
        (0,doctor_finding/* told */.Ev)(there.length === 0 ? 'problem' : 'warning', 'client-config', 'client-other-key', `${at(origin, 'identitiesonly')}: ssh offers none of the agent’s keys to this host, only those of IdentityFile: ${named}.`, {
            evidence: origin?.text ?? 'identitiesonly yes',
            hint: 'Have IdentityFile name the public key of the agent’s key, or take IdentitiesOnly out.',
        }),
    ];
}
/** ssh takes the key from the .pub beside a private key, or from a public key that is named itself. */
function publicKeysOf(file) {
    return [`${file}.pub`, file].flatMap((path) => {
        const [line = ''] = readIfThere(path).split('\n', 1);
        const key = (0,authorized_keys/* parseAuthorizedKey */.au)(Buffer.from(line));
        return key === undefined ? [] : [withoutCertificate(key.blob)];
    });
}
function isThere(file) {
    return (0,external_node_fs_.statSync)(file, { throwIfNoEntry: false })?.isFile() === true;
}
function judgeAgent({ values, lines, trace }, socket) {
    const [agent] = values.get('identityagent') ?? [];
    if (agent === undefined || [socket, 'SSH_AUTH_SOCK', '$SSH_AUTH_SOCK'].includes(agent))
        return [];
    const origin = findSetting(lines, trace, 'identityagent', () => true);
    const finding = `${at(origin, 'identityagent')}: ssh asks another agent for this host than SSH_AUTH_SOCK names.`;
    return [
        (0,doctor_finding/* told */.Ev)('warning', 'client-config', 'client-other-agent', finding, {
            evidence: origin?.text ?? `identityagent ${agent}`,
            hint: 'Take the line out if the keys of SSH_AUTH_SOCK are meant.',
        }),
    ];
}
/** Where ssh goes elsewhere, or another way, than the doctor did. */
function judgeAddress(line, { values, lines, trace }) {
    const findings = [];
    const [address] = values.get('hostname') ?? [];
    const isSame = (name) => name.toLowerCase() === address?.toLowerCase();
    if (address !== undefined && !isSame(line.host) && !isSame((0,trust_hosts/* hostName */.Sm)(line))) {
        const origin = findSetting(lines, trace, 'hostname', () => true);
        const finding = `${at(origin, 'hostname')}: ssh ${(0,trust_hosts/* hostName */.Sm)(line)} goes to ${address}, and ${line.position} says ${line.host}.`;
        findings.push((0,doctor_finding/* told */.Ev)('warning', 'client-config', 'client-other-address', finding, {
            evidence: origin?.text ?? `hostname ${address}`,
            hint: 'Correct the one that is wrong.',
        }));
    }
    for (const keyword of ['proxyjump', 'proxycommand']) {
        const [way] = values.get(keyword) ?? [];
        if (way === undefined || way === 'none')
            continue;
        const origin = findSetting(lines, trace, keyword, () => true);
        const finding = `${at(origin, keyword)}: ssh goes by another host, and this looked straight at ${line.host}.`;
        findings.push((0,doctor_finding/* told */.Ev)('warning', 'client-config', 'client-proxy', finding, {
            evidence: origin?.text ?? `${keyword} ${way}`,
            hint: 'If the host can be reached that way only, run this on the host in between.',
        }));
    }
    return findings;
}
/** For a login that fails where nobody can answer: ssh would wait for a password, or a word. */
function judgePrompts({ values }, host) {
    const [batch] = values.get('batchmode') ?? [];
    if (batch === undefined || YES.includes(batch))
        return [];
    return [
        (0,doctor_finding/* told */.Ev)('warning', 'client-config', 'client-prompts', 'Nobody is here to answer, and ssh would ask for a password or a confirmation.', {
            evidence: `batchmode ${batch}`,
            hint: `ssh -o BatchMode=yes ${host} fails at once instead.`,
        }),
    ];
}

// EXTERNAL MODULE: external "node:dns/promises"
var promises_ = __webpack_require__(1553);
// EXTERNAL MODULE: ./src/ssh/pin.ts
var pin = __webpack_require__(8933);
;// CONCATENATED MODULE: ./src/trust/doctor/host.ts
/** The way to a host and what answers there: its name, the connection, its host key against the pins. */





/** @param timeout in milliseconds */
async function examineName(host, timeout) {
    const silent = (evidence) => (0,doctor_finding/* told */.Ev)('problem', 'name', 'name-server-silent', `The name server does not answer for ${host}.`, {
        evidence,
        hint: 'Check the network and the resolver (/etc/resolv.conf), then try again.',
    });
    let timer;
    const late = new Promise((resolve) => {
        timer = setTimeout(resolve, timeout, undefined);
    });
    try {
        const addresses = await Promise.race([(0,promises_.lookup)(host, { all: true }), late]);
        if (addresses === undefined)
            return silent(`no answer within ${timeout / 1000} s`);
        return (0,doctor_finding/* fine */.Bs)('name', `${host} is ${addresses.map(({ address }) => address).join(', ')}.`);
    }
    catch (error) {
        const code = (0,errors/* systemCode */.xU)(error) ?? '';
        if (code === 'EAI_AGAIN')
            return silent(code);
        return (0,doctor_finding/* told */.Ev)('problem', 'name', 'name-not-found', `There is no host ${host}.`, {
            evidence: code,
            hint: 'Check the spelling; a name of a private network needs that network here.',
        });
    }
    finally {
        clearTimeout(timer);
    }
}
/** How far the way went where it did not go to the end, and what that is called. */
const STAGES = {
    'host-not-found': ['name', 'name-not-found'],
    'host-refused': ['connection', 'connection-refused'],
    'host-unreachable': ['connection', 'connection-unreachable'],
    'host-timeout': ['connection', 'connection-timeout'],
    'host-closed': ['server', 'server-closed'],
    'host-not-ssh': ['server', 'server-not-ssh'],
    'host-protocol': ['server', 'server-protocol'],
    'host-no-common-algorithm': ['key-exchange', 'no-common-algorithm'],
};
/** What to do about what is found out from outside. */
const ADVICE = {
    'connection-refused': {
        hint: 'The machine is up and no SSH server listens there (or a firewall rejects). Correct the port, or install and start the server, at the machine itself:',
        steps: [
            'Debian, Ubuntu: apt install openssh-server && systemctl enable --now ssh',
            'Fedora, RHEL, Alma, Rocky: dnf install openssh-server && systemctl enable --now sshd',
            'Alpine: apk add openssh-server && rc-update add sshd && rc-service sshd start',
            'Arch: pacman -S openssh && systemctl enable --now sshd',
            'openSUSE: zypper install openssh-server && systemctl enable --now sshd',
            'OpenWrt: opkg install openssh-server && /etc/init.d/sshd enable && /etc/init.d/sshd start (dropbear is there already: /etc/init.d/dropbear start)',
            'macOS: sudo systemsetup -setremotelogin on',
            'Windows (PowerShell, as administrator): Add-WindowsCapability -Online -Name OpenSSH.Server~~~~0.0.1.0; Set-Service sshd -StartupType Automatic; Start-Service sshd',
        ],
    },
    'connection-timeout': {
        hint: 'A firewall drops it (one that rejects would be told at once), or the machine is down. Allow the port for the address that this comes from, on the machine and in front of it (security groups):',
        steps: [
            'ufw: ufw allow ssh',
            'firewalld: firewall-cmd --permanent --add-service=ssh && firewall-cmd --reload',
            'nftables: nft list ruleset shows what is dropped',
        ],
    },
    'connection-unreachable': {
        hint: 'There is no route: check the address, the network here, and whether a VPN is needed.',
    },
    'server-silent': {
        hint: 'The machine is overloaded, a firewall lets only the connection through, or it is not an SSH server.',
    },
    'server-not-ssh': {
        hint: 'Check the host name and the port: sshd -T | grep ^port on the server.',
    },
    'server-closed': {
        hint: 'The server turns this client away. At the machine itself, look for the reason:',
        steps: [
            'MaxStartups (too many at once): journalctl -u ssh -u sshd | grep -i maxstartups',
            'PerSourcePenalties (OpenSSH 9.8 and later): journalctl -u ssh -u sshd | grep -i penalty',
            'fail2ban: fail2ban-client status sshd; fail2ban-client set sshd unbanip ADDRESS',
            'TCP wrappers: grep -i sshd /etc/hosts.deny /etc/hosts.allow',
        ],
    },
    'no-common-algorithm': {
        hint: 'Update the older of the two, or allow one of the algorithms named on the server (KexAlgorithms, HostKeyAlgorithms in sshd_config).',
    },
};
/** What holding the server against its pins says, in findings. */
function judgeServer(line, result) {
    const where = `port ${line.port} of ${line.host}`;
    const reached = (0,doctor_finding/* fine */.Bs)('connection', `Something listens at ${where}.`);
    if (result.status === 'unreachable') {
        const { error } = result;
        const [check, code] = stageOf(result.error);
        const { hint = error.hint ?? '', steps = [] } = ADVICE[code] ?? {};
        const evidence = (0,errors/* systemCode */.xU)(error.cause) ?? wordsOf(error.message);
        const what = `${where}: ${error.message}`;
        const problem = (0,doctor_finding/* told */.Ev)('problem', check, code, what, { evidence, hint, steps });
        if (check === 'connection' || check === 'name')
            return [problem];
        const server = (0,doctor_finding/* fine */.Bs)('server', 'It is an SSH server.');
        return check === 'server' ? [reached, problem] : [reached, server, problem];
    }
    const before = [reached, (0,doctor_finding/* fine */.Bs)('key-exchange', 'It is an SSH server, and has proven a key.')];
    if (result.status === 'ok') {
        const key = describeBlob(result.hostKey);
        return [...before, (0,doctor_finding/* fine */.Bs)('host-key', `${key} is pinned on ${line.position}.`)];
    }
    const offered = result.offered.map(describeBlob).join(', ');
    if (result.status === 'revoked') {
        const finding = `The server holds ${offered}, which ${line.position} marks @revoked.`;
        const hint = 'Somebody else may hold that key. Do not log in; find out who answers there.';
        const evidence = offered;
        return [...before, (0,doctor_finding/* told */.Ev)('problem', 'host-key', 'host-key-revoked', finding, { evidence, hint })];
    }
    const pinned = line.pins.filter(({ kind }) => kind !== 'revoked').map(pin/* pinFingerprint */.CU);
    const defect = result.defect === undefined ? '' : ` Its certificate: ${result.defect}.`;
    return [
        ...before,
        (0,doctor_finding/* told */.Ev)('problem', 'host-key', 'host-key-changed', `The server holds ${offered}, and ${line.position} pins ${pinned.join(', ')}.${defect}`, {
            evidence: offered,
            hint: 'On the server itself, run: for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done. If it prints that key, change the pin. If not, somebody is in between: do not go on.',
        }),
    ];
}
function stageOf({ code, message }) {
    // The same code stands for a connection that never came about, and for one where nothing was said.
    if (code === 'host-timeout' && /accepted the connection/.test(message)) {
        return ['server', 'server-silent'];
    }
    return STAGES[code] ?? ['key-exchange', 'host-key-unproven'];
}
/** What a message quotes of the server. */
function wordsOf(message) {
    return /"(.*)"/.exec(message)?.[1] ?? '';
}

// EXTERNAL MODULE: ./src/ssh/known-hosts.ts
var known_hosts = __webpack_require__(2979);
;// CONCATENATED MODULE: ./src/trust/doctor/known-hosts.ts
/** The known_hosts files that ssh itself would use, held against the keys that a server has proven. */






/** What known_hosts says of a server that was reached. */
function examineKnownHosts(line, result, { values }) {
    if (result.status === 'unreachable')
        return [];
    const files = ['userknownhostsfile', 'globalknownhostsfile'].flatMap((keyword) => (values.get(keyword)?.[0] ?? '').split(' ').filter((file) => file !== ''));
    const name = (0,known_hosts/* knownHostsName */.on)(line.host, line.port);
    const lines = files.flatMap((file) => {
        const path = expandHome(file);
        return findKnownHosts(path, readIfThere(path), name);
    });
    return judgeKnownHosts(line, result, lines);
}
/** The lines for `name` (as `knownHostsName` gives it): plain, with patterns, or hashed. */
function findKnownHosts(file, text, name) {
    return text.split('\n').flatMap((line, index) => {
        const [, marker, names = '', key = ''] = /^\s*(?:@(\S+)\s+)?([^#@\s]\S*)\s+(\S+\s+\S+)/.exec(line) ?? [];
        const parsed = key === '' ? undefined : (0,authorized_keys/* parseAuthorizedKey */.au)(Buffer.from(key));
        if (parsed === undefined || (0,known_hosts/* matchKnownHostsNames */.YJ)(names, name) === undefined)
            return [];
        return [
            {
                file,
                lineNumber: index + 1,
                blob: parsed.blob,
                ...(marker === undefined ? {} : { marker }),
            },
        ];
    });
}
/** Which lines of ssh's own known_hosts files are stale. */
function judgeKnownHosts(line, result, lines) {
    const held = result.status === 'ok' ? [result.hostKey] : result.offered;
    const isHeld = ({ blob }) => held.some((key) => withoutCertificate(key).equals(blob));
    const at = ({ file, lineNumber }) => `${file}:${lineNumber}`;
    const revoked = lines.filter((known) => known.marker === 'revoked' && isHeld(known));
    const plain = lines.filter(({ marker }) => marker === undefined);
    const fresh = plain.find(isHeld) ??
        lines.find(({ marker, blob }) => marker === 'cert-authority' &&
            result.status === 'ok' &&
            result.pin.kind === 'cert-authority' &&
            result.pin.key.blob.equals(blob));
    const findings = revoked.map((known) => (0,doctor_finding/* told */.Ev)('problem', 'known-hosts', 'known-hosts-revoked', `${at(known)} marks the server’s key @revoked.`, {
        evidence: `@revoked ${describeBlob(known.blob)}`,
        hint: result.status === 'ok'
            ? `The pin on ${line.position} says otherwise: find out which is right.`
            : 'Do not log in; find out who answers there.',
    }));
    if (fresh !== undefined && result.status === 'changed') {
        findings.push((0,doctor_finding/* told */.Ev)('warning', 'known-hosts', 'pin-stale', `${at(fresh)} on this machine has the key that the server holds: the pin on ${line.position} is the stale side.`, {
            evidence: describeBlob(fresh.blob),
            hint: 'Confirm the key on the server, then change the pin.',
        }));
    }
    // ssh asks for the types that it knows: a line with the right key is enough for it.
    if (fresh !== undefined)
        return findings;
    const name = (0,known_hosts/* knownHostsName */.on)(line.host, line.port);
    // Of keys of another type nothing is known: the server was not asked to prove them.
    const types = held.map((key) => (0,public_key/* typeOfBlob */.JX)(withoutCertificate(key)));
    const stale = plain.filter(({ blob }) => types.includes((0,public_key/* typeOfBlob */.JX)(blob)));
    const pinToo = result.status === 'changed' ? `, as is the pin on ${line.position}` : '';
    return [
        ...findings,
        ...stale.map((known) => (0,doctor_finding/* told */.Ev)('problem', 'known-hosts', 'known-hosts-stale', `${at(known)} on this machine is stale${pinToo}: the server does not show the key that it has.`, {
            evidence: describeBlob(known.blob),
            hint: result.status === 'ok'
                ? `ssh-keygen -f '${known.file}' -R '${name}'`
                : `Once the new key is confirmed on the server: ssh-keygen -f '${known.file}' -R '${name}'`,
        })),
    ];
}

// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(6760);
// EXTERNAL MODULE: ./src/agent/audit.ts
var agent_audit = __webpack_require__(910);
// EXTERNAL MODULE: ./src/remote/penalties.ts
var penalties = __webpack_require__(6807);
// EXTERNAL MODULE: ./src/ssh/key-exchange.ts
var key_exchange = __webpack_require__(707);
;// CONCATENATED MODULE: ./src/trust/advice.ts
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

;// CONCATENATED MODULE: ./src/trust/doctor/login.ts
/** A login as ssh does it, with the agent's keys alone and the proven host key, and where it ends. */












/** Reads the standard error of `ssh -v`, and what came out of the command. */
function readTrace(stderr, stdout = '') {
    const lines = stderr.split(/\r?\n/);
    const keys = (pattern) => lines.flatMap((line) => {
        const [, key] = pattern.exec(line) ?? [];
        return key === undefined ? [] : [key];
    });
    const list = keys(/^debug1: Authentications that can continue: (.*)$/)[0];
    const plain = lines.filter((line) => line !== '' && !/^(debug\d:|OpenSSH_|Transferred:|Bytes per)/.test(line));
    return {
        authenticated: lines.some((line) => /^(debug1: )?(Authenticated to |Authentication succeeded)/.test(line)),
        offered: keys(/^debug1: Offering public key: .*(SHA256:\S+)/),
        accepted: keys(/^debug1: Server accepts key: .*(SHA256:\S+)/),
        partial: lines.some((line) => /^(debug1: )?Authenticated using "publickey" with partial success/.test(line)),
        agentRefused: lines.some((line) => /signing failed for .*agent refused operation/.test(line)),
        tooMany: lines.some((line) => /Too many authentication failures/.test(line)),
        unsignable: lines.filter((line) => /: no mutual signature algorithm/.test(line)).length,
        software: keys(/^debug1: Remote protocol version \S+, remote software version (.*)$/)[0] ?? '',
        printed: (0,report/* oneLine */.T)(stdout.trimEnd().split('\n').at(-1) ?? ''),
        last: (0,report/* oneLine */.T)(plain.at(-1) ?? ''),
        ...(list === undefined ? {} : { methods: list.split(',') }),
    };
}
/** The audit of the agent that is asked: `auditFile`, or the one beside its socket. */
function auditOf(env, auditFile = (0,external_node_path_.join)((0,external_node_path_.dirname)(env['SSH_AUTH_SOCK'] ?? ''), 'audit.jsonl')) {
    return auditFile;
}
/** Logs in and runs `true`. */
async function tryLogin(line, user, { hostKey, pin }, { env, timeout, auditFile }) {
    const directory = (0,external_node_fs_.mkdtempSync)((0,external_node_path_.join)((0,external_node_os_.tmpdir)(), 'ssh-trust-doctor-'));
    try {
        const name = (0,known_hosts/* knownHostsName */.on)(line.host, line.port);
        const knownHosts = (0,external_node_path_.join)(directory, 'known_hosts');
        (0,external_node_fs_.writeFileSync)(knownHosts, pin.kind === 'cert-authority'
            ? (0,known_hosts/* formatKnownHostsLine */.AA)([name], pin.key.blob, '@cert-authority')
            : (0,known_hosts/* formatKnownHostsLine */.AA)([name], hostKey));
        const { type, certified } = (0,certificate/* kindOfKey */.RI)(hostKey);
        const options = [
            `UserKnownHostsFile="${knownHosts}"`,
            `GlobalKnownHostsFile="${(0,external_node_path_.join)(directory, 'none')}"`,
            'StrictHostKeyChecking=yes',
            'UpdateHostKeys=no',
            `HostKeyAlgorithms=${(0,key_exchange/* hostKeyAlgorithms */.Qb)(type, certified).join(',')}`,
            'BatchMode=yes',
            'PreferredAuthentications=publickey',
            'IdentityFile=none',
            'ForwardAgent=no',
            `ConnectTimeout=${Math.ceil(timeout / 1000)}`,
        ];
        const args = ['-v', '-T', '-F', 'none', '-p', String(line.port), '-l', user];
        const audit = auditOf(env, auditFile);
        const before = readIfThere(audit).length;
        const { trace, code } = await withinPenalties(line, async () => {
            const ran = await runSsh('ssh', [...args, ...options.flatMap((option) => ['-o', option]), '--', line.host, 'true'], { env, timeout: 2 * timeout });
            return { trace: readTrace(ran?.stderr ?? '', ran?.stdout), code: ran?.code };
        });
        const { entries } = (0,agent_audit/* parseAudit */.hh)(readIfThere(audit).slice(before));
        const refusal = entries.findLast(({ verdict }) => verdict === 'refused');
        return judgeLogin(user, line, trace, code, refusal);
    }
    finally {
        (0,external_node_fs_.rmSync)(directory, { recursive: true, force: true });
    }
}
/** A login that fails counts against this address, and what else is to be done there has to go on. */
async function withinPenalties(line, login) {
    let tried;
    const failed = new Error('the login failed');
    try {
        return await (0,penalties/* withRoomToFail */.n)(line, () => tried?.trace.software ?? '', async () => {
            tried = await login();
            if (!tried.trace.authenticated)
                throw failed;
            return tried;
        });
    }
    catch (error) {
        if (error !== failed || tried === undefined)
            throw error;
        return tried;
    }
}
/**
 * @param code of ssh; undefined if it took too long
 * @param refusal what the agent's audit says, where there is one
 */
function judgeLogin(user, line, trace, code, refusal) {
    const as = `${user}@${line.host}`;
    const { methods, offered } = trace;
    const problem = (name, finding, hint = '', evidence = trace.last) => (0,doctor_finding/* told */.Ev)('problem', 'login', name, finding, { hint, evidence });
    if (trace.authenticated)
        return judgeCommand(as, trace, code);
    if (methods !== undefined && !methods.includes('publickey')) {
        return problem('login-without-keys', `The server takes no keys from ${as}, only ${methods.join(', ')}.`, 'Set PubkeyAuthentication yes in sshd_config on the server (and see AuthenticationMethods), then reload sshd.');
    }
    if (trace.tooMany) {
        return problem('login-too-many-keys', `Too many authentication failures: the server stopped after ${offered.length} keys.`, `Say which key is for this host: key=SHA256:… on ${line.position}; or have fewer keys in the agent. MaxAuthTries in sshd_config is the limit.`);
    }
    if (trace.agentRefused) {
        const why = refusal === undefined ? '' : `: ${refusal.reason}${inBrackets(refusal.detail)}`;
        return problem('login-agent-refused', `The server knows the key, and the agent refuses to sign for ${as}${why}.`, refusal === undefined
            ? 'The audit of the agent says why (post step, --audit FILE). It may also ask for a confirmation (ssh-add -c).'
            : adviceFor(refusal), refusal === undefined ? trace.last : JSON.stringify(refusal));
    }
    if (trace.partial) {
        return problem('login-wants-more', `The server took the key for ${as}, and wants more.`, 'AuthenticationMethods in sshd_config names what; in a job only a key can be given.');
    }
    if (methods !== undefined && offered.length === 0) {
        const why = refusal === undefined ? '' : ` (${refusal.reason})`;
        return problem('login-key-not-offered', `The agent shows no key for this host${why}.`, (refusal === undefined ? undefined : adviceFor(refusal)) ??
            'A policy, key= of the host’s line, or destinations (ssh-add -h) keep it back.', refusal === undefined ? trace.last : JSON.stringify(refusal));
    }
    if (trace.unsignable > 0 && trace.unsignable >= offered.length) {
        return problem('rsa-sha1-only', 'The server takes no signature that this ssh makes with an RSA key: SHA-1 only.', 'Use an ed25519 key, or update the server (RSA with SHA-2 is there since OpenSSH 7.2), or its PubkeyAcceptedAlgorithms.', 'no mutual signature algorithm');
    }
    if (methods !== undefined && code !== undefined) {
        return problem('login-key-refused', `The server refuses ${offered.length === 1 ? 'the key' : `all ${offered.length} keys`} for ${as}: ${offered.join(', ')}. It offers ${methods.join(', ')}.`, 'In this order: is it the right user; is the key in its authorized_keys; can others write to the home, ~/.ssh or the file; do options on its line (from=, expiry-time=) or AllowUsers, DenyUsers, AllowGroups, DenyGroups, PermitRootLogin in sshd_config keep it out; is the account locked.');
    }
    const evidence = code === undefined ? 'it takes too long' : trace.last;
    const finding = `ssh can’t log in as ${as}.`;
    return problem('login-failed', finding, 'ssh -vv says more.', evidence);
}
/** The login has come about; `true` should then end with 0. */
function judgeCommand(as, trace, code) {
    const key = trace.accepted.at(-1) ?? 'a key';
    if (code === 0)
        return (0,doctor_finding/* fine */.Bs)('login', `Login as ${as} with ${key}.`);
    const how = code === undefined ? 'does not come to an end' : `exits with ${code}`;
    // 255 is ssh's own: there was no session, or it was torn.
    const said = trace.printed === '' ? trace.last : trace.printed;
    const none = code === 255 || /nologin|not available/i.test(said);
    return (0,doctor_finding/* told */.Ev)(none ? 'problem' : 'warning', 'login', 'login-command-fails', `The login as ${as} works with ${key}, and the command true ${how}.`, {
        evidence: said,
        hint: 'The key may be for one command only (command=, ForceCommand), the account have a shell that refuses (getent passwd USER on the server), or its start-up files (~/.bashrc) end with an error.',
    });
}
function inBrackets(text) {
    return text === undefined ? '' : ` (${(0,report/* oneLine */.T)(text)})`;
}

;// CONCATENATED MODULE: ./src/trust/doctor/doctor.ts
/**
 * Finds out why a login fails, from this side to the other: the client and its agent, the way to the
 * host, its key against the pins, the login itself, and, where one can get in by other means, what
 * sshd sees of the account. Only looks, never mends.
 */













/** Hosts at once. */
const MAX_AT_ONCE = 8;
/** All findings: first this machine, then host by host, in their order. */
async function diagnose({ hosts, ...options }) {
    const client = await examineClient(options);
    const agent = client.hasSsh ? await examineAgent(options) : { findings: [], keys: [] };
    // The audit tells no host apart that is refused before it has proven itself.
    const audited = (0,external_node_fs_.existsSync)(auditOf(options.env, options.auditFile));
    const side = {
        ...options,
        hasSsh: client.hasSsh,
        keys: agent.keys,
        loginInTurn: audited ? inTurn() : async (work) => work(),
    };
    const found = await examineHosts(hosts, side);
    return [...client.findings, ...agent.findings, ...found];
}
/** Runs what it is given one after another. */
function inTurn() {
    let last = Promise.resolve();
    return async (work) => {
        const next = last.then(work);
        last = next.catch(() => undefined);
        return next;
    };
}
/** Several at once, but lines for one host name one after another: sshd counts connections. */
async function examineHosts(hosts, side) {
    const byName = new Map();
    for (const line of hosts) {
        const name = line.host.toLowerCase();
        byName.set(name, [...(byName.get(name) ?? []), line]);
    }
    const results = new Map();
    await (0,each_of/* eachOf */.p)([...byName.values()], MAX_AT_ONCE, async (group) => {
        for (const line of group)
            results.set(line, await examineHost(line, side));
    });
    return hosts.flatMap((line) => (results.get(line) ?? []).map((finding) => ({ ...finding, host: (0,trust_hosts/* hostName */.Sm)(line) })));
}
async function examineHost(line, side) {
    const settings = side.hasSsh ? await readClientSettings(line, side) : NO_SETTINGS;
    const socket = side.env['SSH_AUTH_SOCK'] ?? '';
    const findings = side.hasSsh ? judgeClientConfig(line, settings, side.keys, socket) : [];
    if ((0,external_node_net_.isIP)(line.host) === 0) {
        const name = await examineName(line.host, side.timeout);
        findings.push(name);
        if ((0,doctor_finding/* isProblem */.AN)(name))
            return findings;
    }
    const result = await (0,verify_hosts/* verifyHost */.C)(line, side.timeout);
    findings.push(...judgeServer(line, result));
    findings.push(...examineKnownHosts(line, result, settings));
    if (result.status !== 'ok')
        return findings;
    return [...findings, ...(await examineLogin(line, result, settings, side))];
}
/** The login, and the account from inside. */
async function examineLogin(line, result, settings, side) {
    const user = line.user ?? settings.values.get('user')?.[0] ?? '';
    const tries = side.hasSsh && side.keys.length > 0;
    const login = tries
        ? await side.loginInTurn(async () => tryLogin(line, user, result, side))
        : undefined;
    const inside = await examineAccount(line, user, result.hostKey, side);
    const works = login !== undefined && !(0,doctor_finding/* isProblem */.AN)(login);
    const prompts = side.canPrompt === true ? [] : judgePrompts(settings, (0,trust_hosts/* hostName */.Sm)(line));
    const findings = login === undefined ? [] : [login, ...(works ? [] : prompts)];
    // A login that works outweighs what should prevent it: Debian's sshd lets a user's own group write,
    // keys may come from AuthorizedKeysCommand, and the log has old lines too.
    findings.push(...(works ? inside.map((finding) => asWarning(finding, login)) : inside));
    if (login === undefined || works)
        return findings;
    if (side.credentials === undefined) {
        const hint = 'Where another login as this user works, give it with --key FILE or --password-env NAME; an administrator’s, with --as NAME too.';
        const finding = 'Nothing was looked at on the server.';
        findings.push((0,doctor_finding/* told */.Ev)('unknown', 'inspection', 'inspection-none', finding, { hint }));
    }
    return findings;
}
/** A shell that ends every session stays a problem where a command fails. */
function asWarning(finding, login) {
    const causes = login.code === 'login-command-fails' && finding.code === 'account-no-shell';
    return (0,doctor_finding/* isProblem */.AN)(finding) && !causes ? { ...finding, status: 'warning' } : finding;
}

// EXTERNAL MODULE: ./src/trust/bootstrap.ts
var bootstrap = __webpack_require__(8632);
;// CONCATENATED MODULE: ./src/trust/diagnosis.ts



/** Hosts that are looked at; more would take long, and have the same reason as a rule. */
const MAX_HOSTS = 10;
/** For each step with each host, in milliseconds. */
const TIMEOUT = 5000;
/** Of the environment only what ssh needs: the runner puts the inputs into it, secrets and all. */
const ENVIRONMENT = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TMPDIR|TEMP|TMP|USERPROFILE|SystemRoot|SystemDrive)$/;
function withoutSecrets(env) {
    return Object.fromEntries(Object.entries(env).filter(([name]) => ENVIRONMENT.test(name)));
}
/** What is amiss, or may be, with the hosts; nothing about this machine's agent, which may be gone. */
async function diagnoseHosts({ hosts, message = '', credentials, env, }) {
    const named = hosts.filter((line) => message.includes((0,trust_hosts/* hostName */.Sm)(line)));
    const looked = (named.length > 0 ? named : hosts).slice(0, MAX_HOSTS);
    // A login that was refused would only be refused again, and count there once more.
    const isGiven = (line) => credentials?.has(line) === true && (0,bootstrap/* refusalAt */.yr)(line) === undefined;
    const options = { env: withoutSecrets(env), timeout: TIMEOUT, canPrompt: false };
    const findings = await diagnose({ hosts: looked.filter((line) => !isGiven(line)), ...options });
    for (const line of looked.filter(isGiven)) {
        const [given] = credentials?.get(line) ?? [];
        const more = given === undefined ? {} : { credentials: given };
        findings.push(...(await diagnose({ hosts: [line], ...options, ...more })));
    }
    return findings.filter(({ host, status, check }) => host !== undefined &&
        (status === 'problem' || status === 'warning') &&
        // In the job ssh reads the job's own files, which are gone or not in use here.
        check !== 'known-hosts' &&
        check !== 'client-config');
}
/** The same for post, which has the texts of the inputs alone; lines that are wrong were told by main. */
async function diagnoseAgain(hosts, env) {
    return diagnoseHosts({ hosts: (0,trust_hosts/* parseHosts */.tB)(hosts).hosts, env });
}


/***/ })

};
;