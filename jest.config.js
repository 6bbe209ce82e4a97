/** Jest runs the sources as ES modules (NODE_OPTIONS in `npm test`), typed by ts-jest. */
const { createDefaultEsmPreset } = require('ts-jest')

/** @type {import('jest').Config} */
module.exports = {
  ...createDefaultEsmPreset({ diagnostics: false }), // `npm run types` checks types, once
  roots: ['<rootDir>/__tests__'],
  testMatch: ['**/*.test.ts'],
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/build/skips-reporter.cjs'],
  // The end-to-end tests start real servers; more workers than this make them slow, not fast.
  maxWorkers: 2,
}
