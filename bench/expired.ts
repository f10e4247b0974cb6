import { DatabaseSync } from 'node:sqlite'

/** The kinds of rows that sign-ins leave behind, each with its part of all and a statement that adds so many. */
const KINDS: readonly (readonly [part: number, sql: string])[] = [
  [
    0.5,
    `INSERT INTO host_records (model, id, payload, grant_id, keep_until)
     SELECT 'AccessToken', 'expired-' || n, hex(randomblob(400)), 'grant-' || (n / 3), 1 FROM numbers`,
  ],
  [
    0.15,
    `INSERT INTO one_time (key, value, expires_at)
     SELECT 'expired-' || n, hex(randomblob(40)), 1 FROM numbers`,
  ],
  [
    0.2,
    `INSERT INTO counters (key, count, ends_at, touched_at)
     SELECT 'expired-' || n, 1, 1, 1 FROM numbers`,
  ],
  [
    0.15,
    `INSERT INTO audit (id, at, type, account_id, detail)
     SELECT 'expired-' || n, 1, 'signed-in', 'person-' || (n % 1000), hex(randomblob(80)) FROM numbers`,
  ],
]

/** Adds expired rows to a SQLite file that a storage has made, while the storage is open. */
export function addExpired(path: string, rows: number): void {
  const database = new DatabaseSync(path, { timeout: 10_000 })
  try {
    for (const [part, sql] of KINDS)
      database.exec(
        `WITH RECURSIVE numbers (n) AS
           (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${Math.round(rows * part)})
         ${sql}`,
      )
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    database.close()
  }
}
