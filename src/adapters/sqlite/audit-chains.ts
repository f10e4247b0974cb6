import {
  headToContinue,
  linkAll,
  sealHead,
  type ChainedEntry,
  type ChainHead,
  type OwnChain,
  type SealedHead,
  type SealedRun,
} from '../../domain/audit-chain.ts'
import type { EventDetail } from '../../domain/events.ts'
import type { AuditEntry, StoredChain } from '../../ports/audit-trail.ts'
import type { Connection } from './connection.ts'

export interface EntryRow {
  readonly id: string
  readonly at: number
  readonly type: string
  readonly account_id: string | null
  readonly detail: string
}

interface ChainedRow extends EntryRow, ChainHead {}

/** Changes nothing where an entry has the id. */
export function insertEntry(
  connection: Connection,
  { id, at, type, accountId, detail }: AuditEntry,
  place?: ChainHead & { readonly chain: string },
): void {
  connection.run(
    `INSERT INTO audit (id, at, type, account_id, detail, chain, number, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    id,
    at,
    type,
    accountId ?? null,
    JSON.stringify(detail),
    place?.chain ?? null,
    place?.number ?? null,
    place?.hash ?? null,
  )
}

/** In one transaction, which has the write lock: no other process adds to the chain in between. */
export function addToChain(
  connection: Connection,
  events: readonly AuditEntry[],
  chain: OwnChain,
): void {
  const fresh = new Map<string, AuditEntry>()
  for (const event of events)
    if (!fresh.has(event.id) && !isThere(connection, event.id)) fresh.set(event.id, event)
  if (fresh.size === 0) return
  const stored = connection.get<SealedHead>(
    'SELECT number, hash, seal FROM audit_heads WHERE chain = ?',
    chain.name,
  )
  const head = headToContinue(chain, stored, () => newestNumber(connection, chain.name))
  const linked = linkAll(chain, head, [...fresh.values()])
  for (const { entry, number, hash } of linked)
    insertEntry(connection, entry, { chain: chain.name, number, hash })
  const { number, hash, seal } = sealHead(chain, linked.at(-1) ?? head)
  connection.run(
    `INSERT INTO audit_heads (chain, number, hash, seal) VALUES (?, ?, ?, ?)
     ON CONFLICT (chain) DO UPDATE SET number = excluded.number, hash = excluded.hash, seal = excluded.seal`,
    chain.name,
    number,
    hash,
    seal,
  )
}

function isThere(connection: Connection, id: string): boolean {
  return connection.get('SELECT 1 FROM audit WHERE id = ?', id) !== undefined
}

function newestNumber(connection: Connection, chain: string): number {
  const row = connection.get<{ newest: number | null }>(
    `SELECT max(
       coalesce((SELECT max(number) FROM audit WHERE chain = ?), 0),
       coalesce((SELECT max(last) FROM audit_removed WHERE chain = ?), 0)
     ) AS newest`,
    chain,
    chain,
  )
  return row?.newest ?? 0
}

export function readChains(connection: Connection): readonly StoredChain[] {
  const heads = connection.all<SealedHead & { chain: string }>(
    'SELECT chain, number, hash, seal FROM audit_heads',
  )
  const names = new Set([
    ...heads.map(({ chain }) => chain),
    ...connection
      .all<{ chain: string }>('SELECT DISTINCT chain FROM audit_removed')
      .map(({ chain }) => chain),
    ...chainsOfEntries(connection),
  ])
  return [...names].sort().map((name) => {
    const row = heads.find(({ chain }) => chain === name)
    if (row === undefined) return { name }
    const { number, hash, seal } = row
    return { name, head: { number, hash, seal } }
  })
}

/** Jumps from one chain to the next in the index, which has many entries of each. */
function* chainsOfEntries(connection: Connection): Generator<string> {
  let last = ''
  for (;;) {
    const row = connection.get<{ chain: string | null }>(
      'SELECT min(chain) AS chain FROM audit WHERE chain > ?',
      last,
    )
    const chain = row?.chain ?? undefined
    if (chain === undefined) return
    last = chain
    yield last
  }
}

export function readChainPage(
  connection: Connection,
  name: string,
  after: number,
  limit: number,
): { readonly entries: readonly ChainedEntry<AuditEntry>[]; readonly removed: SealedRun[] } {
  const entries = connection
    .all<ChainedRow>(
      `SELECT id, at, type, account_id, detail, number, hash FROM audit
       WHERE chain = ? AND number > ? ORDER BY number LIMIT ?`,
      name,
      after,
      limit,
    )
    .map(chained)
  const isWhole = entries.length < limit
  const upTo = isWhole ? Number.MAX_SAFE_INTEGER : (entries.at(-1)?.number ?? 0)
  const removed = connection.all<SealedRun>(
    `SELECT first, last, hash, seal FROM audit_removed
     WHERE chain = ? AND last > ? AND first <= ? ORDER BY last LIMIT ?`,
    name,
    after,
    upTo,
    isWhole ? entries.length + limit : -1,
  )
  return { entries, removed }
}

export function chained(row: ChainedRow): ChainedEntry<AuditEntry> {
  return { number: row.number, hash: row.hash, entry: entryOf(row) }
}

export function entryOf(row: EntryRow): AuditEntry {
  return {
    id: row.id,
    type: row.type,
    ...(row.account_id === null ? {} : { accountId: row.account_id }),
    at: row.at,
    detail: JSON.parse(row.detail) as EventDetail,
  }
}
