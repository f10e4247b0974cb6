import type { EventCause } from '../../domain/events.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { AuditTrail } from '../../ports/audit-trail.ts'
import type { Clock } from '../../ports/services.ts'
import { changeAccount, type NewEvents } from '../accounts/people.ts'
import type { Letters } from './letters.ts'
import { tellAccountEvent } from './notices.ts'

/** Changes of accounts that people and the audit trail are told of. */
export interface AccountEvents {
  /**
   * Changes the account and stores the events in the same write, as `changeAccount` does, and passes them on afterwards:
   * to the audit trail and, by mail, to the addresses for notices. It does not wait for that.
   */
  change(
    accountId: string,
    change: (account: Account) => Account | undefined,
    events: NewEvents['events'],
  ): Promise<Account | undefined>
  /** Passes on the events that the account has, for example those that a crash left. Rejects if the storage fails. */
  passOn(accountId: string): Promise<void>
  /** Resolves when every event of a change so far was passed on, or has failed and waits in its account. */
  settled(): Promise<void>
}

export interface AccountEventServices {
  readonly accounts: Accounts
  readonly audit: AuditTrail
  readonly letters: Letters
  readonly clock: Clock
  /** The request or the operator that causes the present change. */
  readonly cause?: (() => EventCause) | undefined
}

export function accountEvents({
  accounts,
  audit,
  letters,
  clock,
  cause,
}: AccountEventServices): AccountEvents {
  const running = new Set<Promise<void>>()

  async function passOn(accountId: string): Promise<void> {
    const account = (await accounts.byId(accountId))?.account
    const events = account?.events ?? []
    if (account === undefined || events.length === 0) return
    for (const event of events) await tellAccountEvent({ audit, letters }, account, event)
    const told = new Set(events.map(({ id }) => id))
    await changeAccount(accounts, accountId, ({ events: present = [], ...others }) => {
      const left = present.filter(({ id }) => !told.has(id))
      if (left.length === present.length) return undefined
      return left.length === 0 ? others : { ...others, events: left }
    })
  }

  return {
    passOn,

    async change(accountId, change, events) {
      const caused = events.map((event) => ({
        ...event,
        detail: { ...event.detail, ...cause?.() },
      }))
      const told = { at: clock.now(), events: caused }
      const changed = await changeAccount(accounts, accountId, change, told)
      if (changed === undefined) return undefined
      // Events that cannot be passed on now wait in the account; the upkeep of each minute passes them on.
      const run: Promise<void> = passOn(accountId)
        .catch(() => undefined)
        .finally(() => running.delete(run))
      running.add(run)
      return changed
    },

    async settled() {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
