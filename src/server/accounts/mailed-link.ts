import { DAY_SECONDS } from '../../domain/time.ts'
import type { Account } from '../../ports/accounts.ts'
import type { OneTime } from '../../ports/one-time.ts'
import type { Clock } from '../../ports/services.ts'
import { keyOfToken, stampOf } from './one-time-link.ts'

/** How long a mailed link counts as fresh. */
const FRESH_SECONDS = DAY_SECONDS

const KIND = 'set-up-mailed'

/** Notes to which people a set-up link was mailed, so that a repeated command does not mail everybody again. */
export interface MailedLinks {
  note(account: Account): Promise<void>
  /** The mail server has refused the mail for good. */
  forget(account: Account): Promise<void>
  /** Whether a link was mailed to the person in the last day and is not void. */
  isFresh(account: Account): Promise<boolean>
}

export function mailedLinks({
  oneTime,
  clock,
}: {
  readonly oneTime: OneTime
  readonly clock: Clock
}): MailedLinks {
  const keyOf = ({ id }: Account): string => keyOfToken(KIND, id)
  return {
    note: (account) =>
      oneTime.put(keyOf(account), { stamp: stampOf(account) }, clock.now() + FRESH_SECONDS),

    async forget(account) {
      await oneTime.take(keyOf(account), clock.now())
    },

    async isFresh(account) {
      const noted = await oneTime.peek(keyOf(account), clock.now())
      // A reset or another address makes the link void, and changes the stamp.
      return noted?.['stamp'] === stampOf(account)
    },
  }
}
