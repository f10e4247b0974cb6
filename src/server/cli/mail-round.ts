import { letterId, type Letter } from '../notices/letters.ts'
import type { Session } from './session.ts'

/**
 * Sends letters, batch by batch, and counts what becomes of them. After a batch of which the mail server has taken and
 * refused nothing, further batches are left to the server: the command would wait ten seconds for each.
 */
export function mailRound({ sendDue }: Pick<Session, 'sendDue'>) {
  const waiting = new Set<string>()
  const failed = new Set<string>()
  const counts = { sent: 0, left: 0 }
  let isTaken = true

  /** Answers whether the mail server has taken or refused one of the letters. */
  const sendOnce = async (): Promise<boolean> => {
    const before = waiting.size
    for (const { id, outcome } of (await sendDue()) ?? []) {
      if (outcome === 'postponed' || !waiting.delete(id)) continue
      if (outcome === 'sent') counts.sent += 1
      else failed.add(id)
    }
    return waiting.size < before
  }

  return {
    counts: () => ({
      sent: counts.sent,
      failed: failed.size,
      waiting: waiting.size + counts.left,
    }),

    /** Whether the mail server has refused the letter for good. */
    hasFailed: (letter: Pick<Letter, 'about' | 'to'>): boolean => failed.has(letterId(letter)),

    /** The letters are in the outbox. */
    async send(letters: readonly Pick<Letter, 'about' | 'to'>[]): Promise<void> {
      if (!isTaken) {
        counts.left += letters.length
        return
      }
      for (const letter of letters) waiting.add(letterId(letter))
      isTaken = await sendOnce()
      for (let goesOn = isTaken; goesOn && waiting.size > 0;) goesOn = await sendOnce()
    },
  }
}
