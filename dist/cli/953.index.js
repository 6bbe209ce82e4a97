"use strict";
exports.id = 953;
exports.ids = [953];
exports.modules = {

/***/ 3953:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   agentCredentials: () => (/* binding */ agentCredentials)
/* harmony export */ });
/* harmony import */ var ssh2__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(5472);
/* harmony import */ var ssh2__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(ssh2__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var _errors__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3916);
/* harmony import */ var _ssh_wire__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3529);
/** Logging in with the keys of an agent that runs already, which SSH_AUTH_SOCK names. */



/**
 * @param address as in SSH_AUTH_SOCK: a socket, or a named pipe of Windows
 * @throws TrustError `agent-control` if nobody answers there, or there are no keys
 */
async function agentCredentials(address) {
    const agent = (0,ssh2__WEBPACK_IMPORTED_MODULE_0__.createAgent)(address);
    const keys = await identities(agent, address);
    if (keys.length === 0) {
        throw new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', `The agent at ${address} has no keys to log in with.`, {
            hint: 'Add one with ssh-add.',
        });
    }
    return {
        kind: 'signer',
        keys: keys.map((key) => key.getPublicSSH()),
        sign: async (blob, data, _, hash) => {
            const key = keys.find((one) => one.getPublicSSH().equals(blob));
            if (key === undefined)
                throw new Error('the agent has no such key');
            return sign(agent, key, data, hash);
        },
    };
}
async function identities(agent, address) {
    return new Promise((resolve, reject) => {
        agent.getIdentities((cause, keys = []) => {
            if (cause === undefined || cause === null)
                resolve(keys.filter(isParsed));
            else {
                const message = `The agent at ${address} can't be asked: ${cause.message}`;
                reject(new _errors__WEBPACK_IMPORTED_MODULE_1__/* .TrustError */ .Ru('agent-control', message, { cause }));
            }
        });
    });
}
function isParsed(key) {
    return typeof key === 'object' && 'getPublicSSH' in key;
}
/** The signature in the SSH format, as `Credentials` have it; ssh2 gives the bare one. */
async function sign(agent, key, data, hash) {
    const options = hash === 'sha256' || hash === 'sha512' ? { hash } : {};
    return new Promise((resolve, reject) => {
        agent.sign(key, data, options, (cause, signature) => {
            if (signature !== undefined) {
                resolve(Buffer.concat([(0,_ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(key.type), (0,_ssh_wire__WEBPACK_IMPORTED_MODULE_2__/* .string */ .Yj)(Buffer.from(signature))]));
            }
            else
                reject(cause ?? new Error('the agent did not sign'));
        });
    });
}


/***/ })

};
;