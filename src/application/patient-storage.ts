import { MfaError } from '../domain/errors.ts'
import type { Storage } from '../ports/storage.ts'

/** Longer than the time for which our adapters retry, and shorter than the time for which a person or a proxy waits. */
const PATIENCE_MS = 5_000

/**
 * A storage that does not answer in time counts as unavailable (R32): the call rejects with MfaError
 * `storage-unavailable` (503). Otherwise the browser's connection would hang, and requests to a database that has
 * stopped would pile up until the memory is full. Whether the change was made is unknown then, so the caller answers
 * neither success nor refusal; the next read of the record shows it.
 */
export function patientStorage(storage: Storage, patienceMs: number = PATIENCE_MS): Storage {
  const { records } = storage
  const within = <T>(answer: Promise<T>): Promise<T> => orUnavailable(answer, patienceMs)
  return {
    records: {
      load: (accountId) => within(records.load(accountId)),
      save: (accountId, record, version, durability) =>
        within(records.save(accountId, record, version, durability)),
      findByHandle: (handle) => within(records.findByHandle(handle)),
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
