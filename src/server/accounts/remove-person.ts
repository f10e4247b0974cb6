import type { Provider } from 'oidc-provider'
import { endGrant } from '../../host/grant.ts'
import type { Mfa } from '../../index.ts'
import type { Account } from '../../ports/accounts.ts'
import type { ServerStorage } from '../../ports/server-storage.ts'
import type { Clock } from '../../ports/services.ts'
import type { AccountEvents } from '../notices/account-events.ts'
import { waitingRows } from '../notices/letters.ts'
import { KNOWN_SECONDS } from '../notices/sender.ts'
import type { Record } from '../observe/audit.ts'
import type { LiveSessions } from './live-sessions.ts'
import { endPasswordLocks } from './name-lock.ts'
import { changeAccount } from './people.ts'

export interface RemovePersonServices {
  readonly storage: ServerStorage
  readonly mfa: Pick<Mfa, 'accounts' | 'settled'>
  readonly accountEvents: Pick<AccountEvents, 'passOn' | 'settled'>
  readonly provider: Provider
  readonly sessions: LiveSessions
  readonly clock: Clock
  readonly record: Record
}

/**
 * Removes a person and all that the server holds about them, except the audit trail. Everything live ends first, so that
 * nothing of the person counts while the rest goes. The account goes last: a run that breaks off is repeated by its name.
 */
export async function removePerson(
  services: RemovePersonServices,
  account: Account,
): Promise<void> {
  const { storage, mfa, clock, record } = services
  const { id } = account
  const now = clock.now()
  await changeAccount(storage.accounts, id, (current) =>
    current.disabledAt === undefined ? { ...current, disabledAt: now, updatedAt: now } : undefined,
  )
  // The sessions before the epoch: apps are told of the end of a session that still counts.
  await services.sessions.endOthers(id, undefined, { reason: 'administrator' })
  await mfa.accounts.endEverything(id, 'removed')
  await destroyRecords(services, id)
  await passEventsOn(services, id)
  await dropMails(services, id)
  await endPasswordLocks(storage.counters, account)
  await record('user-removed', { accountId: id })
  await storage.removeAccount(id)
}

/** Sessions of earlier epochs, and grants without a session, such as those of a device. */
async function destroyRecords(
  { storage, provider }: RemovePersonServices,
  id: string,
): Promise<void> {
  const { accountRecords } = storage
  for (const { uid } of await accountRecords.list('Session', id))
    if (uid !== undefined) await accountRecords.endSession(uid)
  for (const { jti } of await accountRecords.list('Grant', id))
    if (jti !== undefined) await endGrant(provider, jti)
}

/** The trail keeps what happened, also what a crash has left in the account and its record. */
async function passEventsOn(
  { mfa, accountEvents }: RemovePersonServices,
  id: string,
): Promise<void> {
  await mfa.settled()
  await accountEvents.settled()
  await mfa.accounts.passEventsOn(id)
  await accountEvents.passOn(id)
}

async function dropMails({ storage, clock }: RemovePersonServices, id: string): Promise<void> {
  for await (const row of waitingRows(storage.outbox))
    if (row.accountId === id) await storage.outbox.drop(row.id, clock.now() + KNOWN_SECONDS)
}
