import type { Mfa } from '../../index.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import type { AccountEvents } from './account-events.ts'

/** The most records and accounts of one run; the next run continues. */
const AT_ONCE = 500

export interface WaitingServices {
  readonly storage: Pick<ServerStorage, 'waitingEvents'>
  readonly accountEvents: Pick<AccountEvents, 'passOn'>
}

/**
 * Passes on the events that a crash has left in records and accounts. An event that another node passes on at the same
 * moment is recognised by its id. A record whose events cannot be passed on does not keep those of others: the error of
 * the first one is thrown at the end.
 */
export async function passWaitingEventsOn(
  { storage, accountEvents }: WaitingServices,
  mfa: Pick<Mfa, 'accounts'>,
): Promise<void> {
  const faults: unknown[] = []
  const passOn = async (work: Promise<void>): Promise<void> => {
    await work.catch((error: unknown) => void faults.push(error))
  }
  for (const id of await storage.waitingEvents('records', AT_ONCE))
    await passOn(mfa.accounts.passEventsOn(id))
  for (const id of await storage.waitingEvents('accounts', AT_ONCE))
    await passOn(accountEvents.passOn(id))
  if (faults.length > 0) throw faults[0]
}
