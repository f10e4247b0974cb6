import { createHash } from 'node:crypto'
import type { Instant } from '../../domain/time.ts'
import type { Account } from '../../ports/accounts.ts'
import type { Counters } from '../../ports/counters.ts'
import { normaliseName } from './name.ts'

/** The lock of a name after too many wrong passwords in a row. */
export interface NameLock {
  /** When the lock ends at the latest: 90 days after the last failure that was counted. */
  readonly endsAt: Instant
}

export interface NameLockServices {
  readonly counters: Pick<Counters, 'read'>
  /** `passwords.failuresPerName`. */
  readonly failuresPerName: number
}

/** The lock of an account's name, under which no password is accepted from an unknown browser. Undefined: there is none. */
export async function nameLockOf(
  { counters, failuresPerName }: NameLockServices,
  account: Account,
  now: Instant,
): Promise<NameLock | undefined> {
  const counter = await counters.read(keyOfAccount(account), now)
  return counter === undefined || counter.count < failuresPerName
    ? undefined
    : { endsAt: counter.endsAt }
}

/** Ends the lock of an account's name, after a link was used that only its owner got (R4), or for an administrator. */
export async function forgiveName(
  counters: Pick<Counters, 'reset'>,
  account: Account,
): Promise<void> {
  await counters.reset(keyOfAccount(account))
}

/** Ends the lock of a name that an account has given up, because another account may get this name. */
export async function forgiveFormerName(
  counters: Pick<Counters, 'reset'>,
  before: Account,
  after: Account,
): Promise<void> {
  if (keyOfAccount(before) !== keyOfAccount(after)) await forgiveName(counters, before)
}

/** Ends every lock of an account after wrong passwords, in unknown and in known browsers. */
export async function endPasswordLocks(
  counters: Pick<Counters, 'reset'>,
  account: Account,
): Promise<void> {
  await forgiveName(counters, account)
  await counters.reset(keyOfKnownBrowsers(account.id))
}

export function keyOfKnownBrowsers(accountId: string): string {
  return `password:known:${accountId}`
}

/** An account is counted under its user name, for attempts with any of its names. */
export function keyOfAccount(account: Account): string {
  return keyOfName(normaliseName(account.username) ?? account.id)
}

/** The typed text is hashed, because it may be anything, such as a password in the wrong field. */
export function keyOfName(name: string): string {
  return `password:name:${createHash('sha256').update(name).digest('base64url')}`
}
