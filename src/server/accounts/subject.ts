import type { AccountClaims, Configuration } from 'oidc-provider'
import type { PersonDescription } from '../../index.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import { verifiedAddresses } from './addresses.ts'
import { chosenLanguage } from './language.ts'

/** The host's account of a person, which is also the argument of `require`. */
export interface Subject {
  readonly accountId: string
  readonly groups: readonly string[]
  readonly disabled: boolean
  /** The label, the mail address and the chosen language of the person. */
  readonly person: PersonDescription
  claims(): AccountClaims
  readonly [key: string]: unknown
}

/**
 * Finds people for the host. A disabled account gets no token and no user info. For a session (no token) the account is
 * still returned, because the host fails on a session without an account; the session ends because disabling has raised
 * the epoch.
 */
export function subjectFinder(accounts: Accounts): NonNullable<Configuration['findAccount']> {
  return async (_ctx, sub, token) => {
    const account = (await accounts.byId(sub))?.account
    if (account === undefined || (token !== undefined && account.disabledAt !== undefined))
      return undefined
    return subjectOf(account)
  }
}

/** An account as the host and the plugin see it. */
export function subjectOf(account: Account): Subject {
  const language = chosenLanguage(account)
  return {
    accountId: account.id,
    groups: account.groups,
    disabled: account.disabledAt !== undefined,
    person: {
      groups: account.groups,
      label: account.username,
      createdAt: account.createdAt,
      ...addressesOf(account),
      ...(language === undefined ? {} : { language }),
    },
    claims: () => claimsOf(account),
  }
}

/** The verified addresses, for codes and recovery, each with the time from which its age counts (R9). */
function addressesOf(account: Account): Pick<PersonDescription, 'address' | 'addresses'> {
  const { email, emailVerified } = account
  const addresses = verifiedAddresses(account)
  return email === undefined || !emailVerified ? { addresses } : { address: email, addresses }
}

/** All standard claims of the account; the host picks those of the scopes and of the claims request. */
function claimsOf(account: Account): AccountClaims {
  return {
    preferred_username: account.username,
    updated_at: account.updatedAt,
    ...account.claims,
    ...(account.email === undefined
      ? {}
      : { email: account.email, email_verified: account.emailVerified }),
    sub: account.id,
  }
}
