import { setTimeout as sleep } from 'node:timers/promises'
import type { FileValues } from '../../../config/schema.ts'
import type { Logger } from '../observe/log.ts'
import type { Listener } from './listener.ts'
import { undo, type Started } from './started.ts'

/** How long the steps after the last request may take beyond the grace period: closing the storage, the last events. */
const END_MILLISECONDS = 3000

export interface Stop {
  readonly listener: Listener
  /** The steps that are undone after the last request. */
  readonly started: Started
  readonly settings: FileValues['stop']
  readonly log: Logger
}

/**
 * Returns the function that stops the server, in four steps: `ready` answers 503; the listener stays open for
 * `drainSeconds`, until every proxy has seen that; it closes, and the requests in hand finish within `graceSeconds`; the
 * last events are passed on and the storage is closed. A step that hangs, such as a storage that does not answer, ends
 * with the grace period. A second call waits for the first.
 */
export function stopOf({ listener, started, settings, log }: Stop): () => Promise<void> {
  let stopped: Promise<void> | undefined
  return () => (stopped ??= stop())

  async function stop(): Promise<void> {
    const { drainSeconds, graceSeconds } = settings
    listener.drain()
    log.info({ drainSeconds, graceSeconds }, 'stopping: a second signal ends the server at once')
    if (drainSeconds > 0) await sleep(drainSeconds * 1000)
    const late = new AbortController()
    const isLate = sleep(graceSeconds * 1000 + END_MILLISECONDS, true, { signal: late.signal })
    const end = async (): Promise<false> => {
      const cut = await listener.close(graceSeconds)
      if (cut > 0) log.warn({ requests: cut }, 'the grace period is over: requests were cut off')
      await undo(started)
      return false
    }
    try {
      if (await Promise.race([end(), isLate])) log.warn('stopped without waiting any longer')
    } finally {
      late.abort()
      await isLate.catch(() => undefined)
    }
  }
}
