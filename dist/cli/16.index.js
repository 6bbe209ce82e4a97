"use strict";
exports.id = 16;
exports.ids = [16];
exports.modules = {

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