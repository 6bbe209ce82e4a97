"use strict";
exports.id = 692;
exports.ids = [692];
exports.modules = {

/***/ 8692:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   listenForAnnouncedKeys: () => (/* binding */ listenForAnnouncedKeys)
/* harmony export */ });
/* harmony import */ var _connect__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(2272);

/** Most keys that are taken from a server. */
const MAX_KEYS = 32;
/** Listens for the announcement. To be called as soon as the connection is logged in: it comes once. */
function listenForAnnouncedKeys(client) {
    let found;
    let tell = () => undefined;
    const told = new Promise((resolve) => {
        tell = resolve;
    });
    client.once('hostkeys', (keys) => {
        const blobs = new Map();
        for (const key of keys.slice(0, MAX_KEYS)) {
            const blob = key.getPublicSSH();
            blobs.set(blob.toString('base64'), blob);
        }
        found = [...blobs.values()];
        tell();
    });
    client.once('close', () => {
        tell();
    });
    return {
        proven: async (patience) => {
            if (found === undefined && announces((0,_connect__WEBPACK_IMPORTED_MODULE_0__.serverSoftware)(client)))
                await within(patience, told);
            return found ?? [];
        },
    };
}
/** Whether a server of that software announces its keys: OpenSSH does since 6.8 (2015-03-18). */
function announces(software) {
    const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/.exec(software) ?? [];
    return major !== undefined && Number(major) * 1000 + Number(minor) >= 6008;
}
async function within(milliseconds, promise) {
    let timer;
    const over = new Promise((resolve) => {
        timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([promise, over]);
    clearTimeout(timer);
}


/***/ })

};
;