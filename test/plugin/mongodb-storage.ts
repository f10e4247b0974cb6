import { openMongoStorage } from '../../src/adapters/mongoose/server-storage.ts'
import type { Clock } from '../../src/ports/services.ts'
import { openDatabase } from '../support/mongodb.ts'
import type { OpenStorage } from './recorded-storage.ts'

/** Opens a database of MongoDB for one host, whose clock is known only when the host is made. */
export async function onMongodb(url: string): Promise<OpenStorage> {
  const database = await openDatabase(url)
  const clock: { now: Clock['now'] } = { now: () => 0 }
  const encryptionKeys = [Buffer.alloc(32, 1)]
  const storage = await openMongoStorage({ url: database.url, clock, encryptionKeys })
  return (ofHost) => {
    clock.now = () => ofHost.now()
    const close = async (): Promise<void> => {
      await storage.close()
      await database.close()
    }
    return { ...storage, close }
  }
}
