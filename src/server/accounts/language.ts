import { isOfOwner } from '../../domain/events.ts'
import type { MfaEvent } from '../../index.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import { changeAccount } from './people.ts'

/** The claim that holds the person's choice (OpenID Connect Core 5.1): apps learn of it with the scope `profile`. */
const CHOICE = 'locale'

/**
 * Keeps the language in which the owner of an account has last signed in, for mails that no request of theirs causes: a
 * warning that somebody else knows the password, or a reset. Only events count at which the owner was recognised, so
 * that nobody else chooses the language of a warning.
 */
export async function rememberLanguage(accounts: Accounts, event: MfaEvent): Promise<void> {
  const { locale } = event.detail
  if (locale === undefined || !isOfOwner(event)) return
  await changeAccount(accounts, event.accountId, (account) =>
    account.locale === locale ? undefined : { ...account, locale },
  )
}

/** The language that the person has chosen, or that an administrator or an import has given them (BCP 47). */
export function chosenLanguage({ claims }: Pick<Account, 'claims'>): string | undefined {
  const { [CHOICE]: claimed } = claims
  return typeof claimed === 'string' ? claimed.replaceAll('_', '-') : undefined
}

/** The account with the person's choice of a language. Undefined: the person leaves it to the browser. */
export function withLanguage(account: Account, language: string | undefined): Account {
  const { [CHOICE]: _former, ...claims } = account.claims
  return { ...account, claims: language === undefined ? claims : { ...claims, [CHOICE]: language } }
}

/** The languages for a mail about an event, the best first. A page counts only if its visitor was the owner. */
export function languagesOf(account: Account, event: MfaEvent): string {
  return languagesFor(account, isOfOwner(event) ? event.detail.locale : undefined)
}

/** The languages for a mail, the best first: the person's choice, that of the last sign-in, that of the page. */
export function languagesFor(account: Account, ofPage?: string): string {
  return [chosenLanguage(account), account.locale, ofPage]
    .filter((tag) => tag !== undefined)
    .join(' ')
}
