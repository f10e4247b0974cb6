import type { PasswordHasher } from '../../ports/services.ts'

/**
 * A hasher that lets its callers wait, in the order of their calls, while `atOnce` hashes are computed. The queue of a
 * server refuses a hash beyond its limit, because people wait for the answers; an import waits instead. The number of
 * its callers bounds the waiting hashes.
 */
export function patientHasher<Hasher extends PasswordHasher>(
  hasher: Hasher,
  atOnce: number,
): Hasher {
  const waiting: (() => void)[] = []
  let running = 0
  const hash = async (secret: string): Promise<string> => {
    if (running < atOnce) running += 1
    else await new Promise<void>((begin) => waiting.push(begin))
    try {
      return await hasher.hash(secret)
    } finally {
      // The place goes to the hash that has waited longest.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
  return { ...hasher, hash }
}
