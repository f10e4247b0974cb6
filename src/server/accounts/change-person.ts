import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '../../domain/json.ts'
import type { Instant } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { Counters } from '../../ports/counters.ts'
import type { Clock } from '../../ports/services.ts'
import type { AccountEvents } from '../notices/account-events.ts'
import { withEmail } from './addresses.ts'
import { forgiveFormerName } from './name-lock.ts'
import { namesOf, unfitPart, type PersonFault } from './people.ts'

/** The changes that an administrator makes to a person. A part that is absent stays as it is. */
export interface PersonChanges {
  readonly username?: string
  /** Another address, or the present one with another `verified`. */
  readonly email?: string
  /** Whether the administrator vouches for the address. Default: as it is; true for another address. */
  readonly emailVerified?: boolean
  /** All groups. */
  readonly groups?: readonly string[]
  /** All claims, checked by `readClaims`. */
  readonly claims?: JsonObject
  /** The claim `name`, after `claims` was applied; '' removes it. */
  readonly displayName?: string
}

const PARTS = ['username', 'email', 'groups', 'claims'] as const
export type ChangedPart = (typeof PARTS)[number]

export type PersonChanged =
  | { readonly ok: true; readonly account: Account; readonly changed: readonly ChangedPart[] }
  | { readonly ok: false; readonly fault: PersonFault | 'gone' | 'no-email' }

export interface ChangePersonServices {
  readonly accounts: Accounts
  readonly counters: Pick<Counters, 'reset'>
  readonly clock: Clock
  /** Changes the account and tells of it. */
  readonly change: AccountEvents['change']
}

/**
 * Changes a person for an administrator. Another address is told to the former and the new verified addresses, as a
 * change on the account page is. It makes void every set-up link, since one may have been mailed to the former address.
 * Another user name ends the lock of the former one.
 */
export async function changePerson(
  services: ChangePersonServices,
  id: string,
  changes: PersonChanges,
): Promise<PersonChanged> {
  const { accounts, clock } = services
  const fault = unfitPart(changes)
  if (fault !== undefined) return { ok: false, fault }
  const stored = await accounts.byId(id)
  if (stored === undefined) return { ok: false, fault: 'gone' }
  const { account } = stored
  if (changes.emailVerified !== undefined && (changes.email ?? account.email) === undefined)
    return { ok: false, fault: 'no-email' }
  const after = withChanges(account, changes, clock.now())
  const changed = changedParts(account, after)
  if (changed.length === 0) return { ok: true, account, changed }
  if (!(await areFree(accounts, after))) return { ok: false, fault: 'taken' }
  try {
    const set = await services.change(
      id,
      (current) => withChanges(current, changes, clock.now()),
      eventsOf(changed),
    )
    if (set === undefined) return { ok: false, fault: 'gone' }
    await forgiveFormerName(services.counters, account, set)
    return { ok: true, account: set, changed }
  } catch (error) {
    // Somebody else got the name or the address between the look and the write.
    if (!(await areFree(accounts, after))) return { ok: false, fault: 'taken' }
    throw error
  }
}

/** Answers the account itself if nothing would be another. */
function withChanges(account: Account, changes: PersonChanges, now: Instant): Account {
  const { username, groups } = changes
  const changed: Account = {
    ...withAddress(account, changes, now),
    ...(username === undefined ? {} : { username: username.trim() }),
    ...(groups === undefined ? {} : { groups: [...new Set(groups)] }),
    claims: claimsOf(account, changes),
  }
  return changedParts(account, changed).length === 0 ? account : { ...changed, updatedAt: now }
}

function withAddress(
  account: Account,
  { email = account.email, emailVerified }: PersonChanges,
  now: Instant,
): Account {
  const isOther = email?.trim() !== account.email
  const verified = emailVerified ?? (isOther || account.emailVerified)
  if (email === undefined || (!isOther && verified === account.emailVerified)) return account
  const { emailVerifiedAt: _, ...anew } = withEmail(account, email.trim(), now)
  return {
    ...anew,
    emailVerified: verified,
    ...(verified ? { emailVerifiedAt: now } : {}),
    setUpSerial: (account.setUpSerial ?? 0) + 1,
  }
}

function claimsOf({ claims: before }: Account, changes: PersonChanges): JsonObject {
  const { claims = before, displayName } = changes
  if (displayName === undefined) return claims
  const { name: _, ...others } = claims
  return displayName === '' ? others : { ...others, name: displayName }
}

function changedParts(before: Account, after: Account): readonly ChangedPart[] {
  const isOther = (part: ChangedPart): boolean =>
    part === 'email' && before.emailVerified !== after.emailVerified
      ? true
      : !isDeepStrictEqual(before[part], after[part])
  return PARTS.filter(isOther)
}

/** `email-changed` is told to the owner. */
function eventsOf(changed: readonly ChangedPart[]) {
  const others = changed.filter((part) => part !== 'email')
  return [
    ...(changed.includes('email')
      ? [{ type: 'email-changed', detail: { reason: 'administrator' } }]
      : []),
    ...(others.length === 0
      ? []
      : [{ type: 'user-changed', detail: { reason: others.join(' ') } }]),
  ]
}

/** Whether nobody else has one of the names of the account. */
async function areFree(accounts: Accounts, account: Account): Promise<boolean> {
  const { username, email } = namesOf(account)
  for (const name of email === undefined ? [username] : [username, email]) {
    const holder = await accounts.byName(name)
    if (holder !== undefined && holder.account.id !== account.id) return false
  }
  return true
}
