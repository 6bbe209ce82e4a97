/** Types strictly checked, and the layers: arrows run down only (docs/ARCHITECTURE.md). */
import prettier from 'eslint-config-prettier'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'

const root = import.meta.dirname
const at = (path) => `${root}/src/${path}`

/** What each layer must not import. Siblings do not import one another. */
const FORBIDDEN = {
  ssh: ['agent', 'local', 'remote', 'trust', 'action'],
  agent: ['local', 'remote', 'trust', 'action'],
  local: ['agent', 'remote', 'trust', 'action'],
  remote: ['agent', 'local', 'trust', 'action'],
  trust: ['action'],
}

const zones = Object.entries(FORBIDDEN).flatMap(([layer, others]) =>
  others.map((other) => ({ target: at(layer), from: at(other) })),
)
/** Entries are imported by nobody. */
zones.push({
  target: at('.'),
  from: ['main', 'post', 'agent', 'cli'].map((name) => at(`${name}.ts`)),
})

const RESERVED = ['@actions/core', 'ssh2', '@actions/exec', '@actions/io']

/** The rule for files that may import no reserved packages but `allowed`. */
const packages = (...allowed) => ({
  'no-restricted-imports': [
    'error',
    ...RESERVED.filter((name) => !allowed.includes(name)).map((name) => ({
      name,
      message:
        'src/action imports @actions/core, src/remote ssh2, src/local exec and io; nobody else.',
    })),
  ],
})

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, prettier],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })] },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': 'error',
      ...packages(),
    },
  },
  // Each of these packages has one layer that may import it.
  { files: ['src/action/**'], rules: packages('@actions/core') },
  { files: ['src/remote/**'], rules: packages('ssh2') },
  { files: ['src/local/**'], rules: packages('@actions/exec', '@actions/io') },
  { files: ['__tests__/**', 'bench/**'], rules: { 'no-restricted-imports': 'off' } },
)
