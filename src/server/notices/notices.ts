import type { Mfa, MfaEvent, Notice } from '../../index.ts'
import type { Account, AccountEvent, Accounts } from '../../ports/accounts.ts'
import type { AuditTrail } from '../../ports/audit-trail.ts'
import { languagesOf } from '../accounts/language.ts'
import { noticeAddresses } from '../accounts/notice-addresses.ts'
import { accountNotice } from './account-notice.ts'
import type { Letter, Letters } from './letters.ts'

export interface NoticeServices {
  readonly mfa: Pick<Mfa, 'on' | 'noticeOf'>
  readonly audit: AuditTrail
  readonly accounts: Accounts
  readonly letters: Letters
}

/**
 * Passes the plugin's events on: to the audit trail and to the outbox, which both recognise an event that comes twice.
 * While one of them is unavailable the events are kept in the record. No sign-in waits for a mail server.
 */
export function passEventsOn({ mfa, audit, accounts, letters }: NoticeServices): void {
  mfa.on('*', async (event) => {
    await audit.add([event])
    // Mailed links are tied to the epoch: one that has not left yet would arrive dead.
    if (event.type === 'epoch-raised') await letters.withdraw(event.accountId)
    const notice = await mfa.noticeOf(event)
    if (notice === undefined) return
    const account = (await accounts.byId(event.accountId))?.account
    if (account === undefined) return
    const languages = languagesOf(account, event)
    await letters.put(lettersOf(account, notice, noticeAddresses(account), languages))
  })
}

/** Passes one event of the server's own on, which was stored with the change of the account. */
export async function tellAccountEvent(
  { audit, letters }: Pick<NoticeServices, 'audit' | 'letters'>,
  account: Account,
  { to, ...event }: AccountEvent,
): Promise<void> {
  const entry = { ...event, accountId: account.id }
  await audit.add([entry])
  const notice = accountNotice(event)
  if (notice === undefined) return
  await letters.put(lettersOf(account, notice, to, languagesOf(account, entry as MfaEvent)))
}

function lettersOf(
  account: Account,
  { id, template, values }: Notice,
  addresses: readonly string[],
  languages: string,
): readonly Letter[] {
  return addresses.map((to) => ({
    about: id,
    accountId: account.id,
    to,
    template,
    values: { account: account.username, ...values },
    languages,
  }))
}
