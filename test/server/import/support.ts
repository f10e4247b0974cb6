import { createHash } from 'node:crypto'
import type { Connection, mongo } from 'mongoose'
import mongoose from 'mongoose'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { mfaFields, mongooseStorage } from '../../../src/adapters/mongoose/index.ts'
import { run } from '../../../src/server/cli/index.ts'
import { startHost, type Host, type HostOptions } from '../../plugin/host.ts'
import { openDatabase } from '../../support/mongodb.ts'

export const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
export const KEY = Buffer.alloc(32, 7)
export const sha256 = (code: string): string => createHash('sha256').update(code).digest('hex')

export type Document = Readonly<Record<string, unknown>> & { readonly _id: unknown }

export interface Ran {
  readonly code: number
  readonly err: string
  readonly out: string
  json<T = Report>(): T
}

export interface Report {
  readonly documents: number
  readonly enrolled: number
  readonly must_enrol: number
  readonly not_enrolled: number
  readonly unchanged: number
  readonly set_up_here: number
  readonly without_fields: number
  readonly bad: number
  readonly warnings: Readonly<Record<string, number>>
  readonly warning_examples: Readonly<Record<string, readonly string[]>>
  readonly renew_by?: number
  readonly set_up_here_ids: readonly string[]
  readonly bad_documents: readonly { id: string; faults: { field: string; code: string }[] }[]
}

/** An application whose users are older than the plugin, and the command line that takes them over. */
export interface Application {
  readonly connection: Connection
  readonly environment: Readonly<Record<string, string>>
  readonly users: mongo.Collection<Document>
  /** All documents in the database as JSON, read without the adapter. */
  dump(): Promise<string>
  /** Runs `migrate legacy --json`. */
  migrate(...options: string[]): Promise<Ran>
  /** Starts the application with the plugin in it, on the same database. */
  host(options?: HostOptions['mfa'], idType?: string): Promise<Host>
  close(): Promise<void>
}

export async function openApplication(
  server: string,
  documents: readonly Document[],
): Promise<Application> {
  const { connection, url, close } = await openDatabase(server)
  const users = connection.db!.collection<Document>('users')
  if (documents.length > 0) await users.insertMany(documents)
  const environment = {
    APPLICATION_MONGODB_URL: url,
    ENCRYPTION_KEYS: KEY.toString('base64'),
  }
  const hosts: Host[] = []
  return {
    connection,
    environment,
    users,
    async dump() {
      const collections = await connection.db!.listCollections().toArray()
      const names = collections.map(({ name }) => name).sort()
      const contents = await Promise.all(
        names.map((name) => connection.db!.collection(name).find().sort({ _id: 1 }).toArray()),
      )
      return JSON.stringify(names.map((name, nth) => [name, contents[nth]]))
    },
    migrate: (...options) => command(environment, ...options),
    async host(options = {}, idType = 'ObjectId') {
      const schema = new mongoose.Schema({ _id: idType }, { collection: 'users' })
      mfaFields(schema as never, { passwordPath: false })
      connection.deleteModel(/^User$/)
      const User = connection.model('User', schema)
      const host = await startHost({
        storage: (clock) => ({ ...memoryStorage({ clock }), ...mongooseStorage(User) }),
        mfa: { encryptionKeys: [KEY], ...options },
      })
      hosts.push(host)
      return host
    },
    async close() {
      for (const host of hosts) await host.close()
      await close()
    },
  }
}

export async function command(
  environment: Readonly<Record<string, string>>,
  ...options: string[]
): Promise<Ran> {
  let [out, err] = ['', '']
  const code = await run(['migrate', 'legacy', '--json', ...options], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readLine: async () => '',
    readFile: async () => '',
    environment,
  })
  return { code, out, err, json: <T>() => JSON.parse(out) as T }
}

export function objectId(nth: number): mongo.ObjectId {
  return new mongoose.mongo.ObjectId(nth.toString(16).padStart(24, '0'))
}
