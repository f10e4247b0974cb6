import { HOUR_SECONDS, type Instant } from '../../domain/time.ts'
import type { Account } from '../../ports/accounts.ts'
import type { Letter } from '../notices/letters.ts'
import { languagesFor } from './language.ts'
import type { LinkKind, SetUpLink } from './set-up-link.ts'

/** The address to which an account's set-up link may be mailed: its own, if it is verified. */
export function setUpAddress({
  email,
  emailVerified,
}: Pick<Account, 'email' | 'emailVerified'>): string | undefined {
  return emailVerified ? email : undefined
}

/** The mail of an administrator with a set-up link. */
export function setUpLetter(
  account: Account,
  to: string,
  { link, kind, now }: { readonly link: SetUpLink; readonly kind: LinkKind; readonly now: Instant },
): Letter {
  return {
    // No other mail has this link. Of what a letter is about, the storage has a hash.
    about: link.url,
    accountId: account.id,
    to,
    template: `set-up-${kind}`,
    values: {
      account: account.username,
      at: String(now),
      setUpUrl: link.url,
      hours: String(Math.round((link.expiresAt - now) / HOUR_SECONDS)),
    },
    languages: languagesFor(account),
    until: link.expiresAt,
  }
}
