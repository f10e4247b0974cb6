import type { Leases } from '../../ports/leases.ts'
import { latestEnd } from '../lease-rules.ts'
import type { SqliteDatabase } from './database.ts'

export function sqliteLeases(database: SqliteDatabase): Leases {
  return {
    // A power failure that undoes the commit has ended the holder as well.
    take: (name, holder, now, until) =>
      database.relaxed(
        (connection) =>
          connection.run(
            `INSERT INTO leases (name, holder, until) VALUES (?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE leases.holder = excluded.holder OR leases.until <= ? OR leases.until > ?`,
            name,
            holder,
            until,
            now,
            latestEnd(now, until),
          ) === 1,
      ),

    give: (name, holder) =>
      database.relaxed((connection) => {
        connection.run('DELETE FROM leases WHERE name = ? AND holder = ?', name, holder)
      }),
  }
}
