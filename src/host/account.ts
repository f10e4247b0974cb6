import type { Account } from 'oidc-provider'
import { overlay } from './overlay.ts'

/** The accounts that the host has received, and the application's own ones. */
const own = new WeakMap<object, Account>()

type Claims = Readonly<Record<string, unknown>>

/** An account of the application whose claims `change` completes. */
export function withClaims(account: Account, change: (claims: Claims) => Claims): Account {
  // A proxy of a frozen object cannot replace a member.
  const target = Object.isFrozen(account) ? { ...account } : account
  const changed = overlay(target, {
    claims: async (...asked: Parameters<Account['claims']>) =>
      change((await account.claims(...asked)) as Claims),
  })
  own.set(changed, account)
  return changed
}

/** The account as the application has made it. */
export function ownAccount(account: Account): Account {
  return own.get(account) ?? account
}
