import {
  isSealedRun,
  joined,
  neighbours,
  removableRuns,
  type ChainedEntry,
  type OwnChain,
  type Run,
  type SealedRun,
} from '../../domain/audit-chain.ts'
import type { AuditEntry, AuditRetention } from '../../ports/audit-trail.ts'
import { endOfType } from '../audit-pages.ts'
import { chained, type EntryRow } from './audit-chains.ts'
import type { Connection } from './connection.ts'

interface OldRow extends EntryRow {
  readonly sequence: number
  readonly chain: string | null
  readonly number: number
  readonly hash: string
}

/** Finds audit entries from before a time. The values are that time and the limit. */
export const OLD_AUDIT = `SELECT sequence, id, at, type, account_id, detail, chain, number, hash
     FROM audit WHERE at < ? ORDER BY at LIMIT ?`

/** The same of one type. The values are the type, the time and the limit. */
export const OLD_OF_TYPE = OLD_AUDIT.replace('WHERE', 'WHERE type = ? AND')

/**
 * Deletes at most `limit` old entries; answers how many. Their places in their chains are sealed in the same
 * transaction.
 */
export function sweepAudit(
  connection: Connection,
  retention: AuditRetention,
  limit: number,
): number {
  const { mac } = retention
  return connection.transaction(() => {
    const rows = oldRows(connection, retention, limit)
    if (mac !== undefined)
      for (const name of new Set(rows.map(({ chain }) => chain)))
        if (name !== null) {
          const entries = rows.filter(({ chain }) => chain === name).map(chained)
          for (const part of neighbours(entries)) sealPart(connection, { name, mac }, part)
        }
    for (const { sequence } of rows)
      connection.run('DELETE FROM audit WHERE sequence = ?', sequence)
    return rows.length
  })
}

function oldRows(connection: Connection, retention: AuditRetention, limit: number): OldRow[] {
  const { before, types } = retention
  if (types === undefined)
    return before === undefined ? [] : connection.all<OldRow>(OLD_AUDIT, before, limit)
  const rows: OldRow[] = []
  for (const type of typesOfEntries(connection)) {
    if (rows.length >= limit) break
    const end = endOfType(retention, type)
    if (end !== undefined)
      rows.push(...connection.all<OldRow>(OLD_OF_TYPE, type, end, limit - rows.length))
  }
  return rows
}

/** Jumps from one type to the next in the index, which has many entries of each. */
function* typesOfEntries(connection: Connection): Generator<string> {
  for (let last = ''; ;) {
    const row = connection.get<{ type: string | null }>(
      'SELECT min(type) AS type FROM audit WHERE type > ?',
      last,
    )
    const type = row?.type ?? undefined
    if (type === undefined) return
    last = type
    yield type
  }
}

function sealPart(
  connection: Connection,
  chain: OwnChain,
  part: readonly [ChainedEntry<AuditEntry>, ...ChainedEntry<AuditEntry>[]],
): void {
  const before = hashBefore(connection, chain, part[0].number)
  for (const run of removableRuns(chain, before, part)) storeRun(connection, chain, run)
}

function hashBefore(connection: Connection, chain: OwnChain, number: number): string | undefined {
  if (number === 1) return ''
  const run = runThat(connection, chain.name, 'last', number - 1)
  if (run !== undefined && isSealedRun(chain, run)) return run.hash
  return connection.get<{ hash: string }>(
    'SELECT hash FROM audit WHERE chain = ? AND number = ?',
    chain.name,
    number - 1,
  )?.hash
}

function storeRun(connection: Connection, chain: OwnChain, run: Run): void {
  const earlier = runThat(connection, chain.name, 'last', run.first - 1)
  const later = runThat(connection, chain.name, 'first', run.last + 1)
  const { run: whole, replaced } = joined(chain, run, {
    ...(earlier === undefined ? {} : { earlier }),
    ...(later === undefined ? {} : { later }),
  })
  for (const { first } of replaced)
    connection.run('DELETE FROM audit_removed WHERE chain = ? AND first = ?', chain.name, first)
  connection.run(
    'INSERT OR REPLACE INTO audit_removed (chain, first, last, hash, seal) VALUES (?, ?, ?, ?, ?)',
    chain.name,
    whole.first,
    whole.last,
    whole.hash,
    whole.seal,
  )
}

function runThat(
  connection: Connection,
  chain: string,
  end: 'first' | 'last',
  number: number,
): SealedRun | undefined {
  return connection.get<SealedRun>(
    `SELECT first, last, hash, seal FROM audit_removed WHERE chain = ? AND ${end} = ?`,
    chain,
    number,
  )
}
