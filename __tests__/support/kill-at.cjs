/**
 * Loaded into a program before anything else (`--require`): kills it with SIGKILL at one of the calls by
 * which it changes something outside itself. Which one, KILL_AT says: `before:17`, `after:17`, or for the
 * records of a journal alone `journal:3` (just written) and `effect:3` (what comes after it was done,
 * and the next record has not begun). KILL_COUNT names a file that gets the number of both at the end.
 * KILL_PARENT: the parent, which stands for the runner, goes first.
 */
'use strict'
const childProcess = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')

const [when, number] = (process.env.KILL_AT ?? '').split(':')
const countFile = process.env.KILL_COUNT
const parent = process.env.KILL_PARENT === undefined ? undefined : process.ppid
for (const name of ['KILL_AT', 'KILL_COUNT', 'KILL_PARENT', 'NODE_OPTIONS'])
  delete process.env[name]

const counts = { call: 0, record: 0 }
let journal

function die() {
  if (parent !== undefined) process.kill(parent, 'SIGKILL')
  process.kill(process.pid, 'SIGKILL')
  // The signal takes a moment to arrive; nothing may happen in it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

function dieIf(kind, count) {
  if (when === kind && Number(number) === count) die()
}

function watch(object, name) {
  const original = object[name]
  object[name] = function (...args) {
    counts.call += 1
    const { call } = counts
    dieIf('before', call)
    const result = original.apply(this, args)
    dieIf('after', call)
    return result
  }
}

for (const name of [
  ...['mkdtempSync', 'mkdirSync', 'rmdirSync', 'writeSync', 'fsyncSync', 'renameSync', 'rmSync'],
  ...['chmodSync', 'chownSync', 'unlinkSync', 'writeFileSync', 'appendFileSync'],
]) {
  watch(fs, name)
}
watch(childProcess, 'spawn')
watch(net.Socket.prototype, 'connect')

const { openSync, fsyncSync } = fs
fs.openSync = function (path, ...rest) {
  if (String(path).endsWith('/journal.jsonl')) dieIf('effect', counts.record)
  const descriptor = openSync.call(this, path, ...rest)
  if (String(path).endsWith('/journal.jsonl')) journal = descriptor
  return descriptor
}
fs.fsyncSync = function (descriptor) {
  fsyncSync.call(this, descriptor)
  if (descriptor !== journal) return
  journal = undefined
  counts.record += 1
  dieIf('journal', counts.record)
}

if (countFile !== undefined) {
  const { writeFileSync } = fs
  process.on('exit', () => writeFileSync(countFile, JSON.stringify(counts)))
}
