import type { NodeNote, Nodes } from '../../ports/nodes.ts'
import type { SqliteDatabase } from './database.ts'

export function sqliteNodes(database: SqliteDatabase): Nodes {
  return {
    // A power failure that undoes the commit has ended the node as well.
    note: (node) =>
      database.relaxed((connection) => {
        connection.run(
          `INSERT INTO nodes (id, beat_at, note) VALUES (?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at, note = excluded.note`,
          node.id,
          node.beatAt,
          JSON.stringify(node),
        )
      }),

    live: (since) =>
      database.relaxed((connection) =>
        connection
          .all<{ note: string }>('SELECT note FROM nodes WHERE beat_at >= ?', since)
          .map(({ note }) => JSON.parse(note) as NodeNote),
      ),

    forget: (id) =>
      database.relaxed((connection) => {
        connection.run('DELETE FROM nodes WHERE id = ?', id)
      }),
  }
}
