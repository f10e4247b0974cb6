import type { Instant } from '../../domain/time.ts'
import type { ClaimedRow, Outbox, OutboxRow, WaitingRow } from '../../ports/outbox.ts'
import { sweepMap, type Sweepable } from './sweep-map.ts'

interface Kept {
  readonly row: OutboxRow
  readonly dueAt: Instant
  readonly claims: number
  readonly firstClaimedAt?: Instant
  readonly fault?: string
}

/** A finished row keeps its id alone, until the given time. */
interface Finished {
  readonly knownUntil: Instant
}

type Stored = Map<string, Kept | Finished>

const waitingRowOf = ({ row, claims, dueAt, fault }: Kept): WaitingRow => ({
  ...row,
  claims,
  dueAt,
  ...(fault === undefined ? {} : { fault }),
})

const waitingIn = (stored: Stored): Kept[] => [...stored.values()].filter((entry) => 'row' in entry)

export function memoryOutbox(): Outbox & Sweepable {
  const stored: Stored = new Map()
  return {
    ...contents(stored),
    ...claims(stored),
    ...changes(stored),

    sweep: (now, limit) =>
      sweepMap(
        stored,
        limit,
        (entry) => ('row' in entry ? (entry.row.until ?? Infinity) : entry.knownUntil) <= now,
      ),
  }
}

function contents(
  stored: Stored,
): Pick<Outbox, 'add' | 'withdraw' | 'find' | 'list' | 'waiting' | 'replaceValue'> {
  return {
    async add(rows, now) {
      for (const row of rows)
        if (!stored.has(row.id)) stored.set(row.id, { row: { ...row }, dueAt: now, claims: 0 })
    },

    async withdraw(accountId) {
      const own = waitingIn(stored).filter(
        ({ row }) => row.accountId === accountId && row.until !== undefined,
      )
      for (const { row } of own) stored.delete(row.id)
      return own.length
    },

    async find(id) {
      const entry = stored.get(id)
      return entry !== undefined && 'row' in entry ? waitingRowOf(entry) : undefined
    },

    async list({ after, limit }) {
      return waitingIn(stored)
        .map(waitingRowOf)
        .filter(({ id }) => after === undefined || id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
    },

    waiting: async () => waitingIn(stored).length,

    async replaceValue(id, value, expected) {
      const entry = stored.get(id)
      if (entry === undefined || !('row' in entry) || entry.row.value !== expected) return false
      stored.set(id, { ...entry, row: { ...entry.row, value } })
      return true
    },
  }
}

/** The steps of a sender. */
function claims(stored: Stored): Pick<Outbox, 'claim' | 'postpone' | 'finish'> {
  const claimed = ({ id, claims }: ClaimedRow): Kept | undefined => {
    const entry = stored.get(id)
    return entry !== undefined && 'row' in entry && entry.claims === claims ? entry : undefined
  }
  return {
    async claim(now, claimedUntil, latest = Infinity) {
      const due = waitingIn(stored)
        .filter(({ row, dueAt }) => {
          const isDue = dueAt <= now || dueAt > latest
          return isDue && (row.until ?? Infinity) > now
        })
        .reduce<Kept | undefined>(
          (first, entry) => (first === undefined || entry.dueAt < first.dueAt ? entry : first),
          undefined,
        )
      if (due === undefined) return undefined
      const claim = { claims: due.claims + 1, firstClaimedAt: due.firstClaimedAt ?? now }
      stored.set(due.row.id, { row: due.row, dueAt: claimedUntil, ...claim })
      return { ...due.row, ...claim }
    },

    async postpone(row, dueAt, fault) {
      const entry = claimed(row)
      if (entry !== undefined) stored.set(row.id, { ...entry, dueAt, fault })
      return entry !== undefined
    },

    async finish(row, knownUntil) {
      if (claimed(row) === undefined) return false
      stored.set(row.id, { knownUntil })
      return true
    },
  }
}

/** The changes that an operator makes. */
function changes(stored: Stored): Pick<Outbox, 'hasten' | 'drop'> {
  return {
    async hasten(id, now) {
      const entry = stored.get(id)
      if (entry === undefined || !('row' in entry)) return false
      if (entry.claims > 0 && entry.fault === undefined) return false
      stored.set(id, { ...entry, dueAt: now })
      return true
    },

    async drop(id, knownUntil) {
      const entry = stored.get(id)
      if (entry === undefined || !('row' in entry)) return false
      stored.set(id, { knownUntil })
      return true
    },
  }
}
