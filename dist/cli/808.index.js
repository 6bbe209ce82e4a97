"use strict";
exports.id = 808;
exports.ids = [808];
exports.modules = {

/***/ 808:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   inspectAccount: () => (/* binding */ inspectAccount)
/* harmony export */ });
/* unused harmony export parseFacts */
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9390);
/* harmony import */ var _connect__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(2272);


/** Largest file of keys that is sent over. */
const MAX_FILE = 1024 * 1024;
const MAX_OUTPUT = 8 * 1024 * 1024;
const TIMEOUT = 30_000;
const KEYWORDS = 'authorizedkeysfile|authorizedkeyscommand|pubkeyauthentication|allowusers|denyusers|permitrootlogin|strictmodes|authenticationmethods';
const INSPECT = String.raw `
set -f
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
unset CDPATH
say() { printf '%s\n' "$*"; }
look() {
  seen=$1
  set -- $(ls -lnd "$1" 2>/dev/null)
  if [ -n "$3" ]; then say "mode $1 $3 $seen"; fi
}

user=$(id -un)
home=$(cd 2>/dev/null && pwd -P)
say "user $user"
say "uid $(id -u)"
say "home $home"
say "shell $SHELL"
say "clock $(date -u +%Y%m%d%H%M%S)"
say "zone $(date +%z)"
set -- $SSH_CONNECTION
client=$1
say "client $client"

# The daemon's own command line names its configuration, where that is another than usual.
configuration=/etc/ssh/sshd_config
pid=$$
steps=0
while [ "$pid" -gt 1 ] && [ "$steps" -lt 20 ]; do
  if [ -r "/proc/$pid/cmdline" ]; then
    words=$(tr '\0' ' ' <"/proc/$pid/cmdline")
    parent=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status")
  else
    words=$(ps -o args= -p "$pid" 2>/dev/null)
    parent=$(ps -o ppid= -p "$pid" 2>/dev/null | tr -d ' ')
  fi
  case $words in
  *sshd*\ -f\ *)
    set -- $words
    while [ $# -gt 1 ]; do
      if [ "$1" = -f ]; then configuration=$2; fi
      shift
    done
    break ;;
  esac
  if [ -z "$parent" ]; then break; fi
  pid=$parent
  steps=$((steps + 1))
done
say "config-file $configuration"

settings=$(sshd -T -f "$configuration" -C "user=$user,host=$client,addr=$client" 2>/dev/null |
  grep -iE '^(${KEYWORDS}) ')
if [ -n "$settings" ]; then
  say "config-from sshd"
else
  settings=$(sed '/^[[:space:]]*[Mm][Aa][Tt][Cc][Hh][[:space:]]/,$d' "$configuration" 2>/dev/null |
    sed 's/^[[:space:]]*//; s/[[:space:]]*=[[:space:]]*/ /' | grep -iE '^(${KEYWORDS})[[:space:]]')
  if [ -n "$settings" ]; then say "config-from file"; fi
fi
if [ -n "$settings" ]; then printf '%s\n' "$settings" | sed 's/^/config /'; fi

files=$(printf '%s\n' "$settings" |
  sed -n 's/^[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Ee][Dd][Kk][Ee][Yy][Ss][Ff][Ii][Ll][Ee][[:space:]]*//p' | sed 1q)
if [ -z "$files" ]; then files='.ssh/authorized_keys .ssh/authorized_keys2'; fi
for file in $files; do
  if [ "$file" = none ]; then continue; fi
  path=$(printf '%s\n' "$file" | sed "s|%h|$home|g; s|%u|$user|g; s|%%|%|g")
  case $path in
  /*) ;;
  *) path=$home/$path ;;
  esac
  dir=$(dirname "$path")
  if real=$(cd -P "$dir" 2>/dev/null && pwd -P); then
    dir=$real
    path=$dir/$(basename "$path")
  fi
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
  if [ -f "$path" ] && [ -r "$path" ]; then
    size=$(($(wc -c <"$path")))
    if [ "$size" -le ${MAX_FILE} ]; then
      say "content $size"
      cat "$path"
      say
    fi
  fi
done
`;
/**
 * Looks at the account that `client` is logged in to.
 *
 * @throws TrustError `remote-shell` where the account runs no commands, `host-timeout`, `host-closed`
 */
async function inspectAccount(client) {
    const { stdout } = await (0,_connect__WEBPACK_IMPORTED_MODULE_1__.runScript)(client, INSPECT, Buffer.alloc(0), {
        timeout: TIMEOUT,
        maxOutput: MAX_OUTPUT,
    });
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
    for (let at = 0; at < output.length;) {
        const newline = output.indexOf(0x0a, at);
        const end = newline < 0 ? output.length : newline;
        const line = output.subarray(at, end).toString('utf8');
        at = end + 1;
        const [, word = '', rest = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
        const file = keyFiles.at(-1);
        if (word === 'config') {
            const [, keyword = '', value = ''] = /^(\S+)\s+(.*)$/.exec(rest) ?? [];
            const name = keyword.toLowerCase();
            config.set(name, [...(config.get(name) ?? []), value.trim()]);
        }
        else if (word === 'keys') {
            keyFiles.push({ path: rest, missing: false, chain: [] });
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
        else
            single.set(word, rest);
    }
    const text = (name) => single.get(name) ?? '';
    const uid = text('uid');
    if (!/^\d+$/.test(uid) || text('user') === '') {
        throw new _errors__WEBPACK_IMPORTED_MODULE_0__/* .TrustError */ .Ru('remote-shell', 'The host does not say what the account is.');
    }
    const from = text('config-from');
    const clock = readClock(text('clock'));
    const zone = readZone(text('zone'));
    return {
        user: text('user'),
        uid: Number(uid),
        home: text('home'),
        shell: text('shell'),
        client: text('client'),
        configFrom: from === 'sshd' || from === 'file' ? from : 'nowhere',
        configFile: text('config-file'),
        config,
        keyFiles,
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