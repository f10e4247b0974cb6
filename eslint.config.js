import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import ts from 'typescript-eslint'

/** Access to the environment, which only config/ reads and parses. */
const environment = {
  object: 'process',
  property: 'env',
  message: 'Settings are read and parsed in config/ only.',
}

/** Functions that would make the domain or a factor return different results for the same arguments. */
const unpredictable = [
  { object: 'Date', property: 'now', message: 'Take the time as an argument.' },
  { object: 'Math', property: 'random', message: 'Take randomness as an argument.' },
  { object: 'crypto', property: 'getRandomValues', message: 'Take randomness as an argument.' },
  { object: 'crypto', property: 'randomUUID', message: 'Take randomness as an argument.' },
  { object: 'performance', property: 'now', message: 'Take the time as an argument.' },
]

/** A spread of a literal spreads nothing: it only keeps the formatter from giving each member its own line. */
const packedLines = {
  selector: [
    'SpreadElement > :matches(ArrayExpression, ObjectExpression)',
    'SpreadElement > :matches(TSAsExpression, TSSatisfiesExpression) > :matches(ArrayExpression, ObjectExpression)',
  ].join(', '),
  message: 'Write the members of the literal in place of the spread.',
}

const readsEnvironment = [
  'config/**',
  'test/**',
  'bench/**',
  'bin/**',
  'examples/**',
  '.ci/release/**',
]

export default defineConfig(
  globalIgnores([
    '.ci/secantus/',
    '.stryker-tmp/',
    'coverage/',
    'data/',
    'dist/',
    'reports/',
    'screenshots/',
  ]),
  {
    // A rule that is wrong somewhere is changed here, with its reason, not switched off in a comment.
    linterOptions: { noInlineConfig: true },
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [ts.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // Ports and factors are objects of plain functions: none of their methods looks at `this`.
      '@typescript-eslint/unbound-method': 'off',
      // A port's adapter is asynchronous by contract, also where it keeps everything in memory.
      '@typescript-eslint/require-await': 'off',
      // `() => void answer()` says that a promise is left alone on purpose.
      '@typescript-eslint/no-confusing-void-expression': 'off',
    },
  },
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-restricted-properties': ['error', environment],
      'no-restricted-syntax': ['error', packedLines],
      'object-shorthand': 'error',
      'prefer-template': 'error',
      'no-control-regex': 'off',
    },
  },
  {
    files: ['src/domain/**', 'src/factors/**'],
    rules: {
      'no-restricted-properties': ['error', environment, ...unpredictable],
      'no-restricted-syntax': [
        'error',
        packedLines,
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'Take the time as an argument.',
        },
      ],
    },
  },
  {
    // A long function is a list of steps, each with a name. Tests are left out, and so are the suites that an adapter or
    // a factor has to pass: a `describe` is as long as the list of sentences in it, and each `it` is a step already.
    files: [
      'src/**',
      'interactions/**',
      'views/**',
      'config/**',
      'bin/**',
      'bench/**',
      'examples/**',
    ],
    ignores: ['src/testing/*-suite.ts'],
    rules: {
      'max-lines-per-function': [
        'error',
        { max: 60, skipBlankLines: true, skipComments: true, IIFEs: true },
      ],
    },
  },
  {
    // `AnyFactor` is what the application holds: factors whose state, challenge and proof are each their own.
    files: ['src/factors/factor.ts'],
    rules: { '@typescript-eslint/no-explicit-any': 'off' },
  },
  {
    files: readsEnvironment,
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    files: [
      'test/**',
      'bench/**',
      'bin/**',
      'examples/**',
      'src/server/**',
      // Filters a warning of the host.
      'src/host/runtime.ts',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // chai: `expect(x).to.be.undefined`
      '@typescript-eslint/no-unused-expressions': 'off',
      // A test that prints `[object Object]` fails where it matters.
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      // Tests check the responses of servers at run time: a wrong type assertion fails the test.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // `createServer(async ...)`: a rejection fails the run.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      'no-restricted-syntax': [
        'error',
        packedLines,
        {
          selector:
            'MemberExpression[object.name=/^(it|describe|specify)$/][property.name=/^(only|skip)$/]',
          message: 'A test runs, or says through test/support/requirements.ts what it misses.',
        },
      ],
    },
  },
  {
    files: ['*.js', 'bin/**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['views/**/*.js', 'test/plugin/browser-key/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['document', 'navigator', 'window', 'location', 'fetch', 'print', 'FormData']
          .concat(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'])
          .concat(['atob', 'btoa', 'crypto', 'indexedDB', 'TextEncoder', 'AbortController'])
          .map((name) => [name, 'readonly']),
      ),
    },
  },
)
