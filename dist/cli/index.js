/******/ (() => { // webpackBootstrap
/******/ 	"use strict";
var __webpack_exports__ = {};

/** The command line, `ssh-trust`. */

module.exports = __webpack_exports__;
/******/ })()
;