import { MfaError } from '../../domain/errors.ts'

export interface QueueLimits {
  readonly maxConcurrent: number
  readonly maxQueued: number
}

/**
 * Runs `maxConcurrent` jobs at a time, in the order they came, and keeps `maxQueued` waiting. One more rejects at
 * once with MfaError `hashing-overloaded`: waiting in an endless line would take the memory and answer nobody.
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
      // The place passes on to whoever waits longest; it is free only when nobody does.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
