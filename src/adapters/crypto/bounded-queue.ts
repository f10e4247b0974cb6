import { MfaError } from '../../domain/errors.ts'

export interface QueueLimits {
  readonly maxConcurrent: number
  readonly maxQueued: number
}

/**
 * Runs `maxConcurrent` jobs at a time, in the order of the calls, and keeps up to `maxQueued` jobs waiting. One more
 * job rejects at once with MfaError `hashing-overloaded`: a queue without a limit would fill the memory, and requests
 * would time out.
 */
export function boundedQueue(limits: QueueLimits): <T>(job: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0

  return async (job) => {
    if (running < limits.maxConcurrent) running += 1
    else if (waiting.length < limits.maxQueued)
      await new Promise<void>((resolve) => waiting.push(resolve))
    else
      throw new MfaError('hashing-overloaded', 'Too many hashes are waiting to be computed', {
        status: 503,
      })
    try {
      return await job()
    } finally {
      // The place of a finished job goes to the job that has waited longest. It becomes free only if no job waits.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
