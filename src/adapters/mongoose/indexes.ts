import type { Connection, mongo } from 'mongoose'
import type { MongoDatabase } from './database.ts'
import { COUNTERS } from './counters.ts'
import { ONE_TIME } from './one-time.ts'

export interface DeclaredIndex {
  readonly collection: string
  readonly name: string
  readonly key: mongo.IndexSpecification
  readonly options?: mongo.CreateIndexesOptions
}

/**
 * How long after its time something is deleted: the server's clock decides that one, and where it is ahead of ours, a
 * counter that was deleted early would give its failures away.
 */
const SLACK_SECONDS = 3600

/** What deletes what is past its time. It never decides anything: the code looks at the time itself. */
export const INDEXES: readonly DeclaredIndex[] = [ONE_TIME, COUNTERS].map((collection) => ({
  collection,
  name: 'mfa_keep_until',
  key: { keepUntil: 1 },
  options: { expireAfterSeconds: SLACK_SECONDS },
}))

/** Makes the indexes that are not there yet. */
export async function ensureIndexes(
  database: MongoDatabase,
  indexes: readonly DeclaredIndex[] = INDEXES,
): Promise<void> {
  for (const { collection, name, key, options } of indexes)
    await database.on(collection, (on) => on.createIndex(key, { ...options, name }))
}

/**
 * Makes them when the connection is there, as Mongoose makes those of its models: unless `autoIndex` is off for the
 * schema of the users (`ofSchema`), the connection or Mongoose. A failure is not told, for nothing depends on them but room.
 */
export function indexAutomatically(
  connection: Connection,
  ensure: () => Promise<void>,
  ofSchema: unknown,
): void {
  const make = (): void => {
    const own = connection.get('autoIndex') as unknown
    const wanted = ofSchema ?? own ?? connection.base.get('autoIndex') ?? true
    if (wanted !== false) ensure().catch(() => undefined)
  }
  if (connection.readyState === connection.base.STATES.connected) make()
  else connection.once('connected', make)
}
