import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Dependencies } from './dependencies.ts'

const queues = new WeakMap<Dependencies, Map<string, Promise<void>>>()

/**
 * Runs `tell` after the answer and after whatever is being told of this account already, so that listeners hear
 * of one account in order. `behind`: something was. A `tell` that fails is reported and left at that.
 */
export function inTurn(
  deps: Dependencies,
  accountId: string,
  tell: (behind: boolean) => Promise<void>,
): void {
  const running = queues.get(deps) ?? new Map<string, Promise<void>>()
  queues.set(deps, running)
  const before = running.get(accountId)
  // In the next turn: listeners write to a disk, and the answer must not wait for that.
  const run = (before ?? nextTurn())
    .then(() => tell(before !== undefined))
    .catch((error: unknown) => deps.report(error))
    .finally(() => {
      if (running.get(accountId) === run) running.delete(accountId)
    })
  running.set(accountId, run)
}

/** Resolves when everything that was decided has been passed on, or has failed to be for now. */
export async function settleEvents(deps: Dependencies): Promise<void> {
  const running = queues.get(deps)
  while (running !== undefined && running.size > 0) await Promise.all(running.values())
}
