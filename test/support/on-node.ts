import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { namedNode, nodePackage } from './node-versions.ts'

/**
 * `npm run test:node -- VERSION [suites]` runs suites on another version of Node than the usual one; `oldest` stands
 * for the oldest version that package.json promises. That Node is installed once from the registry into an ignored
 * folder. Without suites the script runs the unit, contract and plugin tests, tries the published package and starts
 * the server.
 */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const SUITES = [
  'test/{adapters,application,config,contracts,domain,factors,host,http,import,interactions,plugin}/**/*.test.ts',
  'test/packaging/package.test.ts',
  'test/server/command-process.test.ts',
  'test/server/start.test.ts',
]
/**
 * These tests of the package say nothing about Node: they compile, and they run an application with Mongoose on the
 * oldest Node whichever Node runs the test. The usual run has them.
 */
const SAY_NOTHING = ['--grep', 'with Mongoose \\d, in an empty project|has types', '--invert']

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  engines: { node: string }
}
const [argument, ...suites] = process.argv.slice(2)
const version = namedNode(argument, manifest.engines.node)
const folder = join(ROOT, '.ci', `node-${version}`)
const binaries = join(folder, 'node_modules', '.bin')
const environment = {
  ...process.env,
  // The programs that the tests start must use this Node too.
  PATH: [binaries, process.env.PATH].join(delimiter),
}

install()
// Tests on another version than the requested one would show nothing about the requested one.
const found = run(join(binaries, 'node'), ['--version'], 'pipe').stdout.trim()
if (!`${found}.`.startsWith(`v${version}.`))
  throw new Error(`${folder} holds Node ${found}, not ${version}: remove it.`)
console.log(`Node ${found}`)
const mocha = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js')
process.exitCode =
  run(
    join(binaries, 'node'),
    [mocha, ...(suites.length === 0 ? [...SUITES, ...SAY_NOTHING] : suites)],
    'inherit',
  ).status ?? 1

function install(): void {
  if (existsSync(join(binaries, 'node'))) return
  mkdirSync(folder, { recursive: true })
  const project = { name: 'another-node', private: true }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(project))
  const { status } = run(
    'npm',
    [
      'install',
      '--no-save',
      '--no-package-lock',
      '--ignore-scripts',
      '--prefix',
      folder,
      `${nodePackage()}@${version}`,
    ],
    'inherit',
  )
  if (status !== 0) throw new Error(`Node ${version} could not be installed.`)
}

function run(command: string, args: readonly string[], stdout: 'inherit' | 'pipe') {
  return spawnSync(command, args, {
    cwd: ROOT,
    env: environment,
    stdio: ['ignore', stdout, 'inherit'],
    encoding: 'utf8',
  })
}
