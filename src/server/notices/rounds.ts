import type { Logger } from '../observe/log.ts'
import type { LetterSender } from './sender.ts'

/** Rounds of a sender, of which one runs at a time. */
export interface SenderRounds {
  /** Begins a round, or another one after the present round. */
  begin(): void
  /** Waits for the present round, which claims no more letters after ten seconds. */
  stop(): Promise<void>
}

const GRACE_MILLISECONDS = 10_000

export function senderRounds(sender: LetterSender, log?: Pick<Logger, 'warn'>): SenderRounds {
  let running: Promise<void> | undefined
  let isWanted = false
  let isStopped = false
  let endsAt = Infinity
  const begin = (): void => {
    if (isStopped) return
    isWanted = true
    if (running !== undefined) return
    isWanted = false
    running = sender
      .sendDue(() => performance.now() < endsAt)
      .catch((error: unknown) => log?.warn({ error }, 'the outbox was not looked at'))
      .finally(() => {
        running = undefined
        if (isWanted && performance.now() < endsAt) begin()
      })
  }
  return {
    begin,
    async stop() {
      endsAt = performance.now() + GRACE_MILLISECONDS
      while (running !== undefined) await running
      isStopped = true
    },
  }
}
