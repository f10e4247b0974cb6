import type { MfaEvent } from '../../index.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import { changeAccount } from './people.ts'

/**
 * Keeps the language in which the owner of an account uses the pages, for mails that no request of theirs causes: a
 * warning that somebody else knows the password, or a reset. Only events count at which the owner was recognised, so
 * that nobody else chooses the language of a warning. A known browser keeps its language, so an ordinary sign-in reads
 * no account here.
 */
export async function rememberLanguage(accounts: Accounts, event: MfaEvent): Promise<void> {
  const { locale } = event.detail
  if (locale === undefined || !isOfOwner(event) || event.detail.browser === 'known') return
  await changeAccount(accounts, event.accountId, (account) =>
    account.locale === locale ? undefined : { ...account, locale },
  )
}

/** The languages for a mail about an event, the best first. A page counts only if its visitor was the owner. */
export function languagesOf(account: Account, event: MfaEvent): string {
  return languagesFor(account, isOfOwner(event) ? event.detail.locale : undefined)
}

/** The languages for a mail, the best first: the person's own claim, the one they use, that of the page. */
export function languagesFor({ claims, locale }: Account, ofPage?: string): string {
  const { locale: claimed } = claims
  const own = typeof claimed === 'string' ? [claimed.replaceAll('_', '-')] : []
  return [...own, locale, ofPage].filter((tag) => tag !== undefined).join(' ')
}

/** Events after a proof of the second factor, and the sign-in that needs none. */
const OF_OWNER: ReadonlySet<string> = new Set([
  'factor-accepted',
  'factor-enrolled',
  'factor-removed',
  'backup-codes-created',
  'backup-code-used',
  'signed-in',
])

function isOfOwner({ type }: MfaEvent): boolean {
  return OF_OWNER.has(type)
}
