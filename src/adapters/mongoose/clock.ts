import type { mongo } from 'mongoose'

/**
 * The seconds by which this process's clock is ahead of the database's; negative if it is behind. 0 for a database that
 * does not tell its time. `now`: the time of this process, in seconds.
 */
export async function secondsAhead(db: mongo.Db, now: () => number): Promise<number> {
  const asked = now()
  const { localTime } = (await db.admin().command({ hello: 1 })) as { localTime?: Date }
  if (localTime === undefined) return 0
  // The database has answered between `asked` and now.
  return Math.round((asked + now()) / 2 - localTime.getTime() / 1000)
}
