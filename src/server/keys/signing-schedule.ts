import type { Instant } from '../../domain/time.ts'

/** The times of a signing key. */
export interface KeyTimes {
  /** When the key was added. Absent: it was added before the server kept such times. */
  readonly addedAt?: Instant
  /** When the key begins to sign; it does so until another of its kind begins. Absent: it signs from the first. */
  readonly signsFrom?: Instant
  /** When the key stops being published. Absent: no other key has taken its place yet. */
  readonly until?: Instant
}

export interface ScheduledKey {
  readonly kid: string
  /** The kind of the key, such as its algorithm. Of the keys of one kind, one signs. */
  readonly kind: string
  readonly times: KeyTimes
}

/**
 * `next`: published, so that relying parties have the key before they need it. `signs`: published, and signs.
 * `published`: only published, for the tokens that it has signed. `over`: those tokens have expired, and the key can
 * be removed.
 */
export type KeyState = 'next' | 'signs' | 'published' | 'over'

/**
 * The state of each key at `now`. Of each kind, the key signs that began last; among equals, the first in the list.
 * One key of each kind always signs, even when the clock has been set back to before all of them began.
 */
export function statesAt(
  keys: readonly ScheduledKey[],
  now: Instant,
): ReadonlyMap<string, KeyState> {
  const signing = new Set(kindsOf(keys).map((ofOneKind) => signerAt(ofOneKind, now)))
  return new Map(keys.map((key) => [key.kid, signing.has(key) ? 'signs' : otherStateOf(key, now)]))
}

/**
 * Sets the end of each key that another key has succeeded: `keptSeconds` after the successor begins to sign, or after
 * `now` if that is later. An end that is already set stays.
 */
export function withEnds<Key extends ScheduledKey>(
  keys: readonly Key[],
  now: Instant,
  keptSeconds: number,
): readonly Key[] {
  const successors = new Map<string, ScheduledKey>()
  for (const ofOneKind of kindsOf(keys)) {
    const order = [...ofOneKind].sort(byStart)
    order.forEach((key, at) => {
      const successor = order[at - 1]
      if (successor !== undefined) successors.set(key.kid, successor)
    })
  }
  return keys.map((key) => {
    const successor = successors.get(key.kid)
    if (successor === undefined || key.times.until !== undefined) return key
    const until = Math.max(now, startOf(successor)) + keptSeconds
    return { ...key, times: { ...key.times, until } }
  })
}

function kindsOf(keys: readonly ScheduledKey[]): readonly (readonly ScheduledKey[])[] {
  return [...Map.groupBy(keys, ({ kind }) => kind).values()]
}

function signerAt(ofOneKind: readonly ScheduledKey[], now: Instant): ScheduledKey | undefined {
  const order = [...ofOneKind].sort(byStart)
  return order.find((key) => startOf(key) <= now) ?? order.at(-1)
}

function otherStateOf({ times }: ScheduledKey, now: Instant): KeyState {
  if ((times.signsFrom ?? 0) > now) return 'next'
  return times.until === undefined || now < times.until ? 'published' : 'over'
}

/** Sorts the key that begins last to the front; the sort keeps the order of equals. */
function byStart(a: ScheduledKey, b: ScheduledKey): number {
  return startOf(b) - startOf(a)
}

function startOf({ times }: ScheduledKey): Instant {
  return times.signsFrom ?? 0
}
