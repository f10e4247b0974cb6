import type { Instant } from '../../domain/time.ts'

export interface Sweepable {
  /** Deletes at most `limit` expired entries; returns how many. */
  sweep(now: Instant, limit: number): number
}

/** Deletes at most `limit` entries for which `isOver` is true; returns how many. */
export function sweepMap<Key, Value>(
  map: Map<Key, Value>,
  limit: number,
  isOver: (value: Value) => boolean,
): number {
  let swept = 0
  for (const [key, value] of map) {
    if (swept >= limit) break
    if (isOver(value)) {
      map.delete(key)
      swept += 1
    }
  }
  return swept
}
