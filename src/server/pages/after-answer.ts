import type { ServerResponse } from 'node:http'
import type { Logger } from '../observe/log.ts'

/** Work that begins when its request was answered. */
export interface AfterAnswer {
  /**
   * False, without a look at the work: too much of it waits. `kept`: it may take one of the places that strangers do not
   * get (R43).
   */
  add(response: ServerResponse, work: () => Promise<void>, kept?: 'kept'): boolean
  /** Resolves when nothing waits any more. */
  settled(): Promise<void>
}

/** Mails are slow: so many are on their way at once. */
const MOST_AT_ONCE = 8
/** A response that nobody reads does not end. Its work begins all the same, so that it does not keep a place. */
const LONGEST_ANSWER_MS = 5_000
/** The most work of strangers that one node keeps in memory. */
const MOST_WAITING = 1000
/** More places, for people who are signed in and for browsers that an account knows. */
const KEPT_PLACES = 200

interface Bounds {
  readonly longestAnswerMs?: number
  readonly mostWaiting?: number
  readonly keptPlaces?: number
}

/**
 * Runs work after its answer has left, so that the time of the answer says nothing of the work (R33): whether a name
 * exists, or how slow the mail server is. Work that waits is lost when the process is killed; a person asks again.
 */
export function afterAnswers(
  log: Pick<Logger, 'error'>,
  {
    longestAnswerMs = LONGEST_ANSWER_MS,
    mostWaiting = MOST_WAITING,
    keptPlaces = KEPT_PLACES,
  }: Bounds = {},
): AfterAnswer {
  const waiting: (() => Promise<void>)[] = []
  const open = new Set<Promise<void>>()
  let running = 0

  const run = async (): Promise<void> => {
    if (running === MOST_AT_ONCE) return
    running += 1
    for (let work = waiting.shift(); work !== undefined; work = waiting.shift())
      await work().catch((error: unknown) => log.error({ error }, 'work after an answer failed'))
    running -= 1
  }

  return {
    add(response, work, kept) {
      const places = kept === undefined ? mostWaiting : mostWaiting + keptPlaces
      if (open.size >= places) return false
      const done = new Promise<void>((resolve) => {
        let isBegun = false
        const begin = (): void => {
          clearTimeout(timer)
          if (isBegun) return
          isBegun = true
          waiting.push(() => work().finally(resolve))
          void run()
        }
        const timer = setTimeout(begin, longestAnswerMs)
        if (response.closed) begin()
        else response.once('finish', begin).once('close', begin)
      })
      open.add(done)
      void done.then(() => open.delete(done))
      return true
    },
    async settled() {
      while (open.size > 0) await Promise.all(open)
    },
  }
}
