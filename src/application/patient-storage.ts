import { MfaError } from '../domain/errors.ts'
import type { Storage } from '../ports/storage.ts'

/** Longer than our adapters try by themselves, shorter than a person or a proxy waits. */
export const PATIENCE_MS = 5_000

/**
 * A storage that does not answer is away (R32). Whoever waits for it gets MfaError `storage-unavailable` (503)
 * instead of a connection that hangs, and a database that has stopped does not collect requests until the memory
 * is gone. What became of a change is unknown then, so neither a success nor a refusal is answered; whatever it did
 * is in the record when that can be read again.
 */
export function patientStorage(storage: Storage, patienceMs: number = PATIENCE_MS): Storage {
  const { records, oneTime, counters } = storage
  const within = <T>(answer: Promise<T>): Promise<T> => orUnavailable(answer, patienceMs)
  return {
    records: {
      load: (accountId) => within(records.load(accountId)),
      save: (accountId, record, version, durability) =>
        within(records.save(accountId, record, version, durability)),
      findByHandle: (handle) => within(records.findByHandle(handle)),
    },
    oneTime: {
      put: (key, value, expiresAt) => within(oneTime.put(key, value, expiresAt)),
      take: (key, now) => within(oneTime.take(key, now)),
      peek: (key, now) => within(oneTime.peek(key, now)),
    },
    counters: {
      reserve: (key, limit, now) => within(counters.reserve(key, limit, now)),
      release: (key, now) => within(counters.release(key, now)),
      reset: (key) => within(counters.reset(key)),
    },
    duringRequest: (work) =>
      storage.duringRequest === undefined ? work() : storage.duringRequest(work),
  }
}

async function orUnavailable<T>(answer: Promise<T>, patienceMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () =>
      reject(
        new MfaError('storage-unavailable', `The storage did not answer within ${patienceMs} ms`, {
          status: 503,
        }),
      ),
    patienceMs,
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
