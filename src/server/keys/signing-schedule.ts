import type { Instant } from '../../domain/time.ts'

/** When a signing key does what. */
export interface KeyTimes {
  /** Absent: before the server kept such times. */
  readonly addedAt?: Instant
  /** It signs from then on, until another of its kind does. Absent: from the first. */
  readonly signsFrom?: Instant
  /** Published until then. Absent: no other has taken its place yet. */
  readonly until?: Instant
}

export interface ScheduledKey {
  readonly kid: string
  /** Of the keys of one kind, one signs. */
  readonly kind: string
  readonly times: KeyTimes
}

/**
 * `next`: published, so that relying parties have it before they need it. `signs`: published too. `published`: for
 * the tokens it has signed. `over`: they are over, and it can go.
 */
export type KeyState = 'next' | 'signs' | 'published' | 'over'

/**
 * What each key does at a moment. Of each kind the one that began last signs, the first in the list among equals.
 * One signs at any time, also when the clock has been set back to before all of them began.
 */
export function statesAt(
  keys: readonly ScheduledKey[],
  now: Instant,
): ReadonlyMap<string, KeyState> {
  const signing = new Set(kindsOf(keys).map((ofOneKind) => signerAt(ofOneKind, now)))
  return new Map(keys.map((key) => [key.kid, signing.has(key) ? 'signs' : otherStateOf(key, now)]))
}

/**
 * Says how long each key stays that another has taken over from: `keptSeconds` after that one begins to sign, or
 * from now where nobody has noted when that was. What is said already stays.
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

/** Who begins last comes first; the sort keeps the order of equals. */
function byStart(a: ScheduledKey, b: ScheduledKey): number {
  return startOf(b) - startOf(a)
}

function startOf({ times }: ScheduledKey): Instant {
  return times.signsFrom ?? 0
}
