import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'

/** A server that a test has started and may stop. */
export interface MongoServer {
  readonly url: string
  stop(): Promise<void>
}

/** The limit for the download of a `mongod`. Without the internet it fails by itself after about seven seconds. */
const FETCH_MS = 120_000
const READY_MS = 20_000

let shared: Promise<string | undefined> | undefined

/**
 * The URL of the MongoDB to which all tests of the run may write: MONGODB_URL, an installed stand-in (SecantusDB, named
 * by SECANTUSD or on the PATH), or a `mongod` that mongodb-memory-server fetches. Undefined if none of them is
 * available.
 */
export function sharedMongodb(): Promise<string | undefined> {
  return (shared ??= find())
}

async function find(): Promise<string | undefined> {
  const given = process.env.MONGODB_URL
  if (given !== undefined && given !== '') return given
  if (standIn() !== undefined) return (await startStandIn()).url
  return fetched()
}

/** The path of the stand-in, or undefined. A wrong SECANTUSD counts as missing. */
export function standIn(): string | undefined {
  const given = process.env.SECANTUSD
  if (given !== undefined && given !== '') return existsSync(given) ? given : undefined
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'secantusd-py'))
    .find((path) => existsSync(path))
}

/** Starts a stand-in for tests that stop it or give it options. `path` is the folder of its files. */
export async function startStandIn(
  options: { path?: string; port?: number; args?: readonly string[]; ready?: string } = {},
): Promise<MongoServer> {
  const program = standIn()
  if (program === undefined) throw new Error('secantusd-py is not installed')
  const port = options.port ?? (await freePort())
  const child = spawn(
    program,
    [
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--storage-path',
      options.path ?? ':memory:',
      '--enable-test-commands',
      ...(options.args ?? []),
    ],
    { stdio: 'ignore' },
  )
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  // The test process does not wait for the stand-in. It kills the stand-in when it exits.
  child.unref()
  const url = `mongodb://127.0.0.1:${port}/`
  await untilAnswers(child, options.ready ?? url)
  return {
    url,
    async stop() {
      process.off('exit', kill)
      if (child.exitCode !== null || child.signalCode !== null) return
      child.ref()
      kill()
      await once(child, 'exit')
    },
  }
}

async function untilAnswers(child: ChildProcess, url: string): Promise<void> {
  const until = Date.now() + READY_MS
  for (;;) {
    const connection = mongoose.createConnection(url, { serverSelectionTimeoutMS: 500 })
    try {
      await connection.asPromise()
      await connection.db?.command({ ping: 1 })
      return
    } catch (error) {
      if (child.exitCode !== null || Date.now() > until) throw error
      await sleep(100)
    } finally {
      await connection.close(true).catch(() => undefined)
    }
  }
}

/** The URL of a fetched `mongod`, or undefined. The caller tries this once for each run. */
async function fetched(): Promise<string | undefined> {
  const { MongoMemoryReplSet } = await import('mongodb-memory-server-core')
  const limit = sleep(FETCH_MS, undefined, { ref: false })
  // The package prints long warnings when it fails. The message of the skipped tests tells what to do.
  const { warn } = console
  console.warn = () => undefined
  try {
    const server = MongoMemoryReplSet.create({ replSet: { count: 1 } }).catch(() => undefined)
    return (await Promise.race([server, limit]))?.getUri()
  } finally {
    console.warn = warn
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Opens a connection to a new database, which `close` drops. Unless `options` say otherwise, Mongoose makes no index
 * and no collection in the background, because the stand-in hangs if a database is dropped at the same time.
 */
export async function openDatabase(
  url: string,
  options: mongoose.ConnectOptions = {},
): Promise<{ connection: mongoose.Connection; url: string; close: () => Promise<void> }> {
  const name = `mfa_test_${randomBytes(8).toString('hex')}`
  const own = new URL(url)
  own.pathname = `/${name}`
  const connection = await mongoose
    .createConnection(own.href, { autoIndex: false, autoCreate: false, ...options })
    .asPromise()
  return {
    connection,
    url: own.href,
    async close() {
      await connection.dropDatabase().catch(() => undefined)
      await connection.close(true)
    },
  }
}
