import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'

/** A server that a test has started, and may stop. */
export interface MongoServer {
  readonly url: string
  stop(): Promise<void>
}

/** Fetching a `mongod` on a machine without the internet fails by itself after about seven seconds. */
const FETCH_MS = 120_000
const READY_MS = 20_000

let shared: Promise<string | undefined> | undefined

/**
 * A MongoDB that tests may write to, one for the whole run: MONGODB_URL, a stand-in that is installed (SecantusDB,
 * named by SECANTUSD or on the PATH), or a `mongod` that mongodb-memory-server fetches. Undefined: none of them is
 * available here.
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

/** A stand-in of its own, for tests that stop it or start it with options. `path`: where it keeps its files. */
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
  // Nobody waits for it: a run that has ended ends it.
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

/** Tried once per run; what failed is not tried again. */
async function fetched(): Promise<string | undefined> {
  const { MongoMemoryReplSet } = await import('mongodb-memory-server-core')
  const limit = sleep(FETCH_MS, undefined, { ref: false })
  // It prints pages of what went wrong; the skip says what to do about it.
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
 * A connection to a database that nobody else has, dropped by `close`. Unless `options` say otherwise no index and no
 * collection is made in the background: the stand-in hangs when a database is dropped under that.
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
