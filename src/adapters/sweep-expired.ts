import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditRetention } from '../ports/audit-trail.ts'
import type { ServerStorage } from '../ports/server-storage.ts'

/** The part of its time that a sweep works. In the rest the process, or the database, serves sign-ins alone. */
const WORKING_PART = 0.25
const FIRST_LIMIT = 32
/** Each kind of row has a share of the limit (sweep-shares.ts). */
const LEAST_LIMIT = 16
const HIGHEST_LIMIT = 5000

export interface SweepOptions {
  /** The audit entries that are deleted as well. Absent: none. */
  readonly audit?: AuditRetention
  /** Asked before each batch: false ends the sweep, with rows left. */
  readonly mayGoOn?: () => boolean | Promise<boolean>
  /** For tests: measures milliseconds, and waits. */
  readonly timer?: SweepTimer
}

export interface SweepTimer {
  now(): number
  wait(milliseconds: number): Promise<unknown>
}

const REAL_TIMER: SweepTimer = {
  now: () => performance.now(),
  wait: (milliseconds) => sleep(milliseconds),
}

/**
 * Deletes expired rows until none is left, in small batches with pauses, and then gives free space back; answers how
 * many rows it deleted. It works a quarter of the time at most, so sign-ins beside it hardly wait. Rejects with the
 * storage's error; the next call goes on where this one ended. Two calls on one storage must not overlap.
 */
export async function sweepExpired(
  storage: Pick<ServerStorage, 'sweep' | 'sweepMilliseconds' | 'giveBackSpace'>,
  options: SweepOptions = {},
): Promise<number> {
  const { audit } = options
  const swept = await inBatches(storage.sweepMilliseconds, options, (limit) =>
    audit === undefined ? storage.sweep(limit) : storage.sweep(limit, audit),
  )
  await inBatches(
    storage.sweepMilliseconds,
    options,
    async (limit) => (await storage.giveBackSpace?.(limit)) ?? 0,
  )
  return swept
}

/** Calls `work` until it answers 0, with a limit for which it takes about the wanted time; answers the sum. */
async function inBatches(
  wantedMilliseconds: number,
  { mayGoOn = () => true, timer = REAL_TIMER }: SweepOptions,
  work: (limit: number) => Promise<number>,
): Promise<number> {
  let limit = FIRST_LIMIT
  let sum = 0
  while (await mayGoOn()) {
    const began = timer.now()
    const done = await work(limit)
    const tookMilliseconds = timer.now() - began
    if (done === 0) break
    sum += done
    limit = nextLimit(limit, tookMilliseconds / wantedMilliseconds)
    await timer.wait(tookMilliseconds * (1 / WORKING_PART - 1))
  }
  return sum
}

/** `timesWanted`: how much longer the batch took than it should. The limit at most doubles, and at most halves. */
function nextLimit(limit: number, timesWanted: number): number {
  const change = Math.min(2, Math.max(0.5, 1 / timesWanted))
  return Math.min(HIGHEST_LIMIT, Math.max(LEAST_LIMIT, Math.round(limit * change)))
}
