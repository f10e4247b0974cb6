import type { Connection } from 'mongoose'
import { mongoCounters } from '../../../src/adapters/mongoose/counters.ts'
import { MongoDatabase } from '../../../src/adapters/mongoose/database.ts'
import { mongoOneTime } from '../../../src/adapters/mongoose/one-time.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'

export type ServerPorts = Pick<ServerStorage, 'records' | 'oneTime' | 'counters'>

/** The server's ports for one-time entries and counters, on a connection that a test has opened. */
export function serverPortsOn(connection: Connection): Omit<ServerPorts, 'records'> {
  const database = new MongoDatabase(connection)
  return { oneTime: mongoOneTime(database), counters: mongoCounters(database) }
}
