import type { Logger } from '../observe/log.ts'

/**
 * Tells a listener what happens to the process that started this one: it passes a signal on, or it has gone. npm passes
 * no signal on to what it has started, and leaves it behind.
 */
export type Starter = (listener: (event: NodeJS.Signals | 'gone') => void) => void

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

export interface StopRequests {
  /** Calls `stop` at the first request, and ends the process after it. */
  answerWith(stop: () => Promise<void>): void
  /** No longer listens to signals: the start has failed. */
  forget(): void
}

/**
 * Listens to requests to stop. The first one stops the server, and the process ends with 0, also if something in it
 * still hangs. The second one from the same place ends the process at once. Ctrl-C in a terminal reaches this process
 * and also the one that started it, which passes it on: these two are one request, and so are a signal to a whole group
 * of processes and the end of the starter.
 *
 * A request during the start ends the process: nothing has been answered yet.
 */
export function listenForStop(log: Logger, starter?: Starter): StopRequests {
  const asked = { signal: 0, passedOn: 0, gone: 0 }
  let stop: (() => Promise<void>) | undefined
  let isOver = false

  const ask = (from: keyof typeof asked, what: string): void => {
    if (isOver) return
    asked[from] += 1
    log.info({ signal: what }, 'told to stop')
    if (asked[from] > 1 || stop === undefined) process.exit(0)
    if (asked.signal + asked.passedOn + asked.gone > 1) return
    stop()
      .catch((error: unknown) => log.error({ error }, 'not stopped cleanly'))
      .finally(() => process.exit(0))
  }
  const listeners = SIGNALS.map((signal) => [signal, () => ask('signal', signal)] as const)
  for (const [signal, listener] of listeners) process.on(signal, listener)
  starter?.((event) => ask(event === 'gone' ? 'gone' : 'passedOn', event))
  return {
    answerWith(given) {
      stop = given
    },
    forget() {
      isOver = true
      for (const [signal, listener] of listeners) process.off(signal, listener)
    },
  }
}
