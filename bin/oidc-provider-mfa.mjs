#!/usr/bin/env node
// Plain JavaScript that any Node from 18 on can run: it finds a Node that runs the product, which is written
// in TypeScript with types that are stripped, and hands over to it.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import * as modules from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const OLDEST = [22, 18]

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'src', 'server', 'cli', 'index.ts')
const built = join(root, 'dist', 'src', 'server', 'cli', 'index.js')
// Node strips no types below node_modules: an installed package runs what was built.
const installed = root.split(sep).includes('node_modules')
const program = !installed && existsSync(source) ? source : built

if (isFit(process.versions.node)) {
  checkPackages()
  const { main } = await import(pathToFileURL(program).href)
  await main()
} else {
  handOver(pinnedNode())
}

/**
 * What the server stands on is left to whoever runs it: an application with the plugin alone needs none of it, and
 * may have other versions for itself. Peers would forbid those to it, optional or not.
 */
function checkPackages() {
  const { peerDependencies, serverDependencies } = manifestOf(join(root, 'package.json'))
  const needed = Object.entries({
    'oidc-provider': peerDependencies['oidc-provider'],
    ...serverDependencies,
  })
  const unfit = needed.flatMap(([name, range]) => {
    const version = versionOf(name)
    const isFit = version === undefined ? isThere(name) : satisfies(version, range)
    return isFit ? [] : [{ name, range, version }]
  })
  if (unfit.length === 0) return
  const wanted = unfit.map(({ name, range }) => `${name}@${/\d+/.exec(range)}`)
  const others = unfit.filter(({ version }) => version !== undefined)
  const lines = [
    `The server needs packages that are not installed: npm install ${wanted.join(' ')}`,
    ...others.map(
      ({ name, range, version }) => `${name} is ${version} here and has to be ${range}`,
    ),
    ...(others.length === 0
      ? []
      : ['An application that needs those: give the server a folder of its own.']),
  ]
  console.error(lines.join('\n'))
  process.exit(1)
}

function versionOf(name) {
  try {
    return manifestOf(modules.findPackageJSON(name, pathToFileURL(program))).version
  } catch {
    return undefined
  }
}

/** Where packages lie in no folders that can be looked at, Node's own resolution still knows of them. */
function isThere(name) {
  try {
    modules.createRequire(program).resolve(name)
    return true
  } catch (error) {
    return error.code !== 'MODULE_NOT_FOUND'
  }
}

function manifestOf(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Of ranges such as `^1.10.7 || ^2.0.0`, which are all that package.json has here. */
function satisfies(version, range) {
  const [major, minor, patch] = numbersOf(version)
  return range.split('||').some((each) => {
    const [sameMajor, leastMinor, leastPatch] = numbersOf(each)
    return (
      major === sameMajor && (minor > leastMinor || (minor === leastMinor && patch >= leastPatch))
    )
  })
}

function numbersOf(text) {
  return text.match(/\d+/g).slice(0, 3).map(Number)
}

function isFit(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

/** The Node that the repository brings as a package: in a clone beside us, elsewhere where npm put it. */
function pinnedNode() {
  const folders = [root, ...ancestors(root)].map((folder) => join(folder, 'node_modules'))
  for (const folder of folders)
    for (const file of [
      join(folder, 'node', 'bin', 'node'),
      join(folder, 'node', 'bin', 'node.exe'),
    ])
      if (existsSync(file)) return file
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
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  // A supervisor signals this process; the one that holds the database has to hear of it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
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
