import { z } from 'zod'
import { readForeignHash, type HashKind } from '../../adapters/crypto/foreign-hash/index.ts'
import { DAY_SECONDS, HOUR_SECONDS, type Instant } from '../../domain/time.ts'
import type { JsonObject } from '../../domain/json.ts'
import type { Accounts } from '../../ports/accounts.ts'
import type { Clock } from '../../ports/services.ts'
import type { Settings } from '../../ports/settings.ts'
import { changeSetting } from '../upkeep/change-setting.ts'
import { accountBatches } from './batches.ts'

/** The most kinds that are held. Each kind adds one evaluation to every sign-in. */
export const MOST_KINDS = 6

const SETTING = 'password-hash-kinds'
const MADE = 'password-hash-made'
/** A node that was started before an import knows its kinds after this time at the latest. */
const REREAD_SECONDS = 5
/** An import notes a kind again after this time, so that the note of a kind in use is recent. */
const NOTE_AGAIN_SECONDS = HOUR_SECONDS
/** A kind that was noted within this time may belong to a running import whose account is not stored yet. */
const SETTLED_SECONDS = DAY_SECONDS

/** Each kind, and when an import last noted it. */
const format = z.object({ kinds: z.record(z.string().min(1), z.int().min(0)) })
const madeFormat = z.object({ kind: z.string().min(1) })
type Kinds = Readonly<Record<HashKind, Instant>>

export interface HashKinds {
  /**
   * The kinds that the storage holds, in the same order on all nodes. The list may be a few seconds old, unless `anew`
   * is given.
   */
  held(anew?: 'anew'): Promise<readonly HashKind[]>
  /**
   * Notes a kind. Call it before the first account of this kind is stored. False: there are too many kinds, and nothing
   * was noted.
   */
  note(kind: HashKind): Promise<boolean>
  /**
   * New hashes are of this kind from now on. The kind before is held until no account has such a hash: if only the
   * owners' checks computed it, their response times would show whose password is old (R33).
   */
  made(kind: HashKind): Promise<void>
  /** Drops those of `unused` that no running import can be about to store. Returns the dropped kinds. */
  drop(unused: readonly HashKind[]): Promise<readonly HashKind[]>
}

interface HashKindServices {
  readonly settings: Settings
  readonly clock: Clock
}

/** The kinds of password hashes that imports brought into this storage: one list for all nodes. */
export function hashKinds({ settings, clock }: HashKindServices): HashKinds {
  const list = kindList({ settings, clock })

  const note = async (kind: HashKind): Promise<boolean> => {
    let fits = true
    await list.change((kinds) => {
      const notedAt = kinds[kind]
      fits = notedAt !== undefined || Object.keys(kinds).length < MOST_KINDS
      const now = clock.now()
      const isNoted = notedAt !== undefined && now - notedAt < NOTE_AGAIN_SECONDS
      return !fits || isNoted ? undefined : { ...kinds, [kind]: now }
    })
    return fits
  }

  return {
    held: list.held,
    note,

    async made(kind) {
      await changeSetting(settings, MADE, async (stored) => {
        if (stored === undefined) return { kind }
        const { kind: former } = madeFormat.parse(stored)
        if (former === kind) return undefined
        // The former kind is noted first: if the node ends in between, the next start notes it again.
        await note(former)
        return { kind }
      })
    },

    async drop(unused) {
      const isOver = (kind: HashKind, notedAt: Instant): boolean =>
        unused.includes(kind) && clock.now() - notedAt >= SETTLED_SECONDS
      const before = await list.change((kinds) => {
        const left = Object.entries(kinds).filter(([kind, notedAt]) => !isOver(kind, notedAt))
        return left.length === Object.keys(kinds).length ? undefined : Object.fromEntries(left)
      })
      const held = await list.held('anew')
      return Object.keys(before ?? {}).filter((kind) => !held.includes(kind))
    },
  }
}

/** The list as it is stored, with the kinds that this node has read last. */
function kindList({ settings, clock }: HashKindServices) {
  let known: readonly HashKind[] = []
  let readAt: Instant | undefined

  const read = (stored: JsonObject | undefined): Kinds => {
    const kinds: Kinds = stored === undefined ? {} : format.parse(stored).kinds
    known = Object.keys(kinds).sort()
    readAt = clock.now()
    return kinds
  }

  return {
    async held(anew?: 'anew'): Promise<readonly HashKind[]> {
      const isFresh = readAt !== undefined && Math.abs(clock.now() - readAt) < REREAD_SECONDS
      if (anew === 'anew' || !isFresh) read(await settings.get(SETTING))
      return known
    },

    /**
     * Changes the present list, and tries again if another process has changed it meanwhile. Returns the kinds before
     * the change; undefined if nothing changed.
     */
    async change(decide: (kinds: Kinds) => Kinds | undefined): Promise<Kinds | undefined> {
      let before: Kinds | undefined
      await changeSetting(settings, SETTING, (stored) => {
        const kinds = read(stored)
        const next = decide(kinds)
        before = next && kinds
        return next && { kinds: next }
      })
      return before
    },
  }
}

export interface HashKindUse {
  readonly kind: HashKind
  readonly accounts: number
  /**
   * `today`: the kind of new hashes. `held`: it adds one evaluation to every sign-in. `not-held`: our own kind with
   * weaker parameters, or, if it is not argon2id, a kind whose accounts cannot sign in until an import notes it.
   */
  readonly state: 'today' | 'held' | 'not-held'
}

/**
 * The kinds that are held and those that accounts have, with how many accounts have each. Reads every account, a
 * page at a time.
 */
export async function hashKindsInUse(
  kinds: HashKinds,
  accounts: Accounts,
  today: HashKind,
): Promise<readonly HashKindUse[]> {
  const held = await kinds.held('anew')
  const counts = new Map<HashKind, number>(held.map((kind) => [kind, 0]))
  for await (const batch of accountBatches(accounts))
    for (const { passwordHash } of batch) {
      if (passwordHash === undefined) continue
      const reading = readForeignHash(passwordHash)
      const kind = 'kind' in reading ? reading.kind : reading.fault
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
  return [...counts].sort().map(([kind, count]) => ({
    kind,
    accounts: count,
    state: kind === today ? 'today' : held.includes(kind) ? 'held' : 'not-held',
  }))
}
