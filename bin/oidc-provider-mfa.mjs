#!/usr/bin/env node
// Plain JavaScript that any Node from 18 on can run: it finds a Node that can run the product, which is TypeScript
// whose types Node strips, and starts that Node.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { HANDED_OVER, starterOf } from './starter.mjs'

const OLDEST = [22, 18]

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'src', 'server', 'cli', 'index.ts')
const built = join(root, 'dist', 'src', 'server', 'cli', 'index.js')
// Node strips no types below node_modules: an installed package runs the built files.
const installed = root.split(sep).includes('node_modules')
const program = !installed && existsSync(source) ? source : built

if (isFit(process.versions.node)) {
  silenceExperiments()
  const { main } = await import(pathToFileURL(program).href)
  await main(starterOf(process.env))
} else {
  handOver(pinnedNode())
}

function isFit(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

/**
 * Node 22 and 24 warn that SQLite and the stripping of types are experiments. The warnings are silenced: the product is
 * tested on these versions, and with `--json` a program parses the whole output of a command.
 */
function silenceExperiments() {
  const { emitWarning } = process
  process.emitWarning = (warning, ...rest) => {
    const isKnown = /^(SQLite|Type Stripping) is an experimental feature/.test(String(warning))
    if (!isKnown) emitWarning.call(process, warning, ...rest)
  }
}

/**
 * The path of a Node that was installed as a package. In a clone it is in our node_modules, from the package for this
 * platform (.ci/node/package.json); otherwise in a folder above, where npm has put it.
 */
function pinnedNode() {
  const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const folders = [root, ...ancestors(root)].map((folder) => join(folder, 'node_modules'))
  for (const folder of folders)
    for (const name of [`node-${platform}`, `node-bin-${platform}`, 'node'])
      for (const program of ['node', 'node.exe']) {
        const file = join(folder, name, 'bin', program)
        if (existsSync(file)) return file
      }
  console.error(
    `oidc-provider-mfa needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node}. ` +
      'Run npm ci, which brings one, or install a newer Node.',
  )
  process.exit(1)
}

function* ancestors(folder) {
  for (let parent = dirname(folder); parent !== folder; parent = dirname((folder = parent)))
    yield parent
}

function handOver(node) {
  const args = process.argv.slice(2)
  const limits = process.execArgv.filter((flag) => flag.startsWith('--max-'))
  const child = spawn(node, [...limits, fileURLToPath(import.meta.url), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [HANDED_OVER]: '1' },
  })
  // A supervisor sends signals to this process, not to the one that has the database open. The server gets them as
  // messages: Ctrl-C in a terminal signals both processes, and the server must not take that for two requests to stop.
  const passOn = (signal) => {
    if (args[0] === 'serve' && signal !== 'SIGHUP' && child.connected) child.send({ signal })
    else child.kill(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, passOn)
  starterOf(process.env)?.(() => child.disconnect())
  child.on('error', (error) => {
    console.error(`Node could not be started: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const caught of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(caught)
    process.kill(process.pid, signal)
  })
}
