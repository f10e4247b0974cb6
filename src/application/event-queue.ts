import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Dependencies } from './dependencies.ts'

const queues = new WeakMap<Dependencies, Map<string, Promise<void>>>()

/**
 * Runs `tell` after the response and after earlier runs for the same account, so that listeners get the events of one
 * account in order. `behind`: an earlier run came first. If `tell` fails, the error is reported and nothing else
 * happens.
 */
export function inTurn(
  deps: Dependencies,
  accountId: string,
  tell: (behind: boolean) => Promise<void>,
): void {
  afterOthers(deps, accountId, tell).catch((error: unknown) => deps.report(error))
}

/** The same for a caller that waits. Rejects if `tell` fails. */
export function afterOthers(
  deps: Dependencies,
  accountId: string,
  tell: (behind: boolean) => Promise<void>,
): Promise<void> {
  const running = queues.get(deps) ?? new Map<string, Promise<void>>()
  queues.set(deps, running)
  const before = running.get(accountId)
  // It runs in the next turn of the event loop: listeners write to a disk, and the response must not wait for that.
  const told = (before ?? nextTurn()).then(() => tell(before !== undefined))
  const run: Promise<void> = told
    .catch(() => undefined)
    .finally(() => {
      if (running.get(accountId) === run) running.delete(accountId)
    })
  running.set(accountId, run)
  return told
}

/** Resolves when every waiting event was passed on, or its listener has failed. */
export async function settleEvents(deps: Dependencies): Promise<void> {
  const running = queues.get(deps)
  while (running !== undefined && running.size > 0) await Promise.all(running.values())
}
