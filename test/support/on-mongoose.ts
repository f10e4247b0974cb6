import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MONGOOSE_SUITES } from './mongoose-suites.ts'

/**
 * `npm run test:mongoose -- MAJOR [suites]` runs the suites that use Mongoose on one of the major versions that
 * package.json accepts: 9 is the version in the repository, 8 is the development dependency `mongoose8`. With 8 it
 * first compiles the code that uses Mongoose against the types of Mongoose 8.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const [major = '', ...suites] = process.argv.slice(2)
if (!['8', '9'].includes(major))
  throw new Error('Name a major version of Mongoose: npm run test:mongoose -- 8, or: -- 9')

const preload = pathToFileURL(join(ROOT, 'test', 'support', 'mongoose-8.ts'))
const environment = {
  ...process.env,
  // The programs that the tests start must use Mongoose 8 too.
  ...(major === '8' && {
    NODE_OPTIONS: [process.env.NODE_OPTIONS, `--import=${preload.href}`].join(' ').trim(),
  }),
}

// Tests on another version than the requested one would show nothing about the requested one.
const version = "import { version } from 'mongoose'; console.log(version)"
const found = node(['--input-type=module', '--eval', version], 'pipe').stdout.trim()
if (!found.startsWith(`${major}.`)) throw new Error(`Found Mongoose ${found}, not ${major}.`)
console.log(`Mongoose ${found}`)

// `npm run typecheck` already compiles against the types of Mongoose 9.
const commands = [
  ...(major === '8' ? [['typescript/bin/tsc', '-p', 'tsconfig.mongoose-8.json']] : []),
  // Some of these suites run on SQLite as well, which no version of Mongoose changes.
  [
    'mocha/bin/mocha.js',
    '--grep',
    'SQLite',
    '--invert',
    ...pathsOf(suites.length === 0 ? MONGOOSE_SUITES : suites),
  ],
]
for (const [program = '', ...args] of commands) {
  const { status } = node([join(ROOT, 'node_modules', program), ...args], 'inherit')
  process.exitCode ||= status ?? 1
}

/** The paths of suites. A glob that finds no file is an error, because its suites would be left out. */
function pathsOf(globs: readonly string[]): string[] {
  return globs.flatMap((glob) => {
    const found = globSync(glob, { cwd: ROOT })
    if (found.length === 0) throw new Error(`No suite matches ${glob}.`)
    return found
  })
}

function node(args: readonly string[], stdout: 'inherit' | 'pipe') {
  return spawnSync(process.execPath, args, {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', stdout, 'inherit'],
    encoding: 'utf8',
  })
}
