import { createHash } from 'node:crypto'
import type { Instant } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { CounterLimit, Counters } from '../../ports/counters.ts'
import type { Clock, PasswordHasher } from '../../ports/services.ts'
import type { Record } from '../observe/audit.ts'
import { normaliseName } from './name.ts'
import { networkOf } from './network.ts'
import { isTooLong, normalisePassword } from './password-policy.ts'
import { changeAccount } from './people.ts'

export interface PasswordLimits {
  /** Consecutive failures per name from unknown browsers (R4). */
  readonly failuresPerName: number
  readonly failuresPerAddress: number
  readonly addressWindowSeconds: number
}

export interface SignInServices {
  readonly accounts: Accounts
  readonly counters: Counters
  readonly hasher: PasswordHasher
  readonly clock: Clock
  readonly record: Record
  readonly limits: PasswordLimits
  /** The account's epoch as it is now; for an id of nobody too. */
  readonly epochOf: (accountId: string) => Promise<number>
}

export interface PasswordAttempt {
  /** As typed: user name or verified address. */
  readonly name: string
  readonly password: string
  /** Of the socket, or what a trusted proxy says. */
  readonly address: string
  readonly userAgent?: string
  /** Whether the owner of this account has completed a sign-in in this browser. */
  readonly browserIsKnown: (accountId: string) => Promise<boolean>
  /** Counts a failure against a known browser, which is a stranger after ten. */
  readonly browserFailed: (accountId: string) => Promise<void>
}

export type PasswordVerdict =
  /** `epoch`: the account's, from before its password was read. Under another one the password counts no more. */
  | { readonly outcome: 'accepted'; readonly account: Account; readonly epoch: number }
  /** Wrong, unknown, disabled, without a password, or too many failures of this name: one answer (R33). */
  | { readonly outcome: 'refused' }
  /** Too many failures from this address, whatever the names. */
  | { readonly outcome: 'too-many'; readonly retryAt: Instant }

export type CheckPassword = (attempt: PasswordAttempt) => Promise<PasswordVerdict>

type Reason = 'wrong' | 'unknown' | 'disabled' | 'no-password' | 'name-limit'

/**
 * The first factor. Counters are reserved before the password is looked at and given back when it was
 * right, so that parallel guesses cannot outrun them. Every refusal does the same work: the same look-ups, the
 * counters, one hash, one line in the trail; so neither text, status nor time tells a name from none (R33).
 *
 * The epoch is read before the password that is compared, and every change of a password raises it after the
 * new one is stored. Otherwise a password that was changed during the hash would sign in as if it were the
 * new one (R18, R20).
 *
 * Throws MfaError `hashing-overloaded` when too many hashes wait; the attempt is then not counted.
 */
export function passwordCheck(services: SignInServices): CheckPassword {
  const { accounts, counters, clock, record, limits } = services
  const addressLimit: CounterLimit = {
    limit: limits.failuresPerAddress,
    windowSeconds: limits.addressWindowSeconds,
  }

  return async (attempt) => {
    const now = clock.now()
    const name = normaliseName(attempt.name)
    // Nobody's id is asked about as well: the answer takes the time that a real one takes.
    const id = (await accounts.byName(name ?? NOBODY))?.account.id ?? NOBODY
    const epoch = await services.epochOf(id)
    const account = (await accounts.byId(id))?.account
    const known = await reserveKnownBrowser(services, attempt, id, now)
    const nameKey = account ? keyOfAccount(account) : keyOfName(name ?? attempt.name)
    const addressKey = `password:address:${networkOf(attempt.address)}`

    if (!known) {
      const reserved = await counters.reserve(addressKey, addressLimit, now)
      if (!reserved.allowed)
        return {
          outcome: 'too-many',
          retryAt: reserved.retryAt ?? now + limits.addressWindowSeconds,
        }
    }
    const nameAllowed = known || (await reserveName(services, nameKey, now))

    const giveBack = async (): Promise<void> => {
      if (known) return counters.release(keyOfKnownBrowsers(id), now)
      await counters.release(addressKey, now)
      if (nameAllowed) await counters.release(nameKey, now)
    }

    let right: boolean
    try {
      right = await matches(services.hasher, account?.passwordHash ?? NO_HASH, attempt.password)
    } catch (error) {
      await giveBack()
      throw error
    }

    const judged = judge(account, right, nameAllowed)
    const about = entryAbout(attempt, account, known)
    if ('reason' in judged) {
      if (known) await chargeKnownBrowser(services, attempt, id)
      await record('password-refused', {
        ...about,
        detail: { ...about.detail, reason: judged.reason },
      })
      return { outcome: 'refused' }
    }

    await giveBack()
    // Consecutive failures end here; those of strangers do not when it was a known browser.
    await counters.reset(keyOfKnownBrowsers(id))
    if (!known) await counters.reset(nameKey)
    await record('password-accepted', about)
    await rehash(services, judged.account, attempt.password)
    return { outcome: 'accepted', account: judged.account, epoch }
  }
}

/** The part of an audit entry that accepted and refused attempts share. */
function entryAbout(attempt: PasswordAttempt, account: Account | undefined, known: boolean) {
  return {
    ...(account === undefined ? {} : { accountId: account.id }),
    detail: {
      browser: known ? ('known' as const) : ('unknown' as const),
      ip: attempt.address,
      ...(attempt.userAgent === undefined ? {} : { userAgent: attempt.userAgent.slice(0, 300) }),
    },
  }
}

/**
 * Whether this attempt counts as one of a known browser. It is reserved before the hash: the failures that the
 * plugin counts come after it, and any number of parallel guesses would pass before the tenth was counted (R4).
 * Beyond ten the browser is a stranger. Asked again once reserved: it may have been forgotten in between, and
 * its reservations given back (`chargeKnownBrowser`).
 */
async function reserveKnownBrowser(
  { counters }: SignInServices,
  attempt: PasswordAttempt,
  accountId: string,
  now: Instant,
): Promise<boolean> {
  if (!(await attempt.browserIsKnown(accountId))) return false
  const key = keyOfKnownBrowsers(accountId)
  const { allowed } = await counters.reserve(key, KNOWN_BROWSER_LIMIT, now)
  if (!allowed) return false
  if (await attempt.browserIsKnown(accountId)) return true
  await counters.release(key, now)
  return false
}

/**
 * The reservation stays, for the failures of a browser are consecutive. Once the plugin has forgotten the
 * browser they are given back: a thief of its token must not make strangers of the owner's other browsers.
 */
async function chargeKnownBrowser(
  { counters }: SignInServices,
  attempt: PasswordAttempt,
  accountId: string,
): Promise<void> {
  await attempt.browserFailed(accountId)
  if (!(await attempt.browserIsKnown(accountId)))
    await counters.reset(keyOfKnownBrowsers(accountId))
}

/** As many failures as a known browser has before it is a stranger. */
const KNOWN_BROWSER_LIMIT: CounterLimit = { limit: 10 }

function keyOfKnownBrowsers(accountId: string): string {
  return `password:known:${accountId}`
}

/** For who has none: the hasher takes as long to find that nothing fits it. */
const NO_HASH = ''

/**
 * A refused reservation writes nothing, and a durable write takes the disk its time: it is made up for, or a
 * locked name would answer sooner than another (R33).
 */
async function reserveName(
  { counters, limits }: SignInServices,
  nameKey: string,
  now: Instant,
): Promise<boolean> {
  const { allowed } = await counters.reserve(nameKey, { limit: limits.failuresPerName }, now)
  if (!allowed) await counters.reserve(`${nameKey}:refused`, NO_LIMIT, now)
  return allowed
}

const NO_LIMIT: CounterLimit = { limit: Number.MAX_SAFE_INTEGER, windowSeconds: 1 }

/** Asked for in place of the account that is not there. No id and no name looks like it. */
const NOBODY = '\u0000nobody'

function judge(
  account: Account | undefined,
  right: boolean,
  nameAllowed: boolean,
): { account: Account } | { reason: Reason } {
  if (account === undefined) return { reason: 'unknown' }
  if (!nameAllowed) return { reason: 'name-limit' }
  if (account.disabledAt !== undefined) return { reason: 'disabled' }
  if (account.passwordHash === undefined) return { reason: 'no-password' }
  return right ? { account } : { reason: 'wrong' }
}

async function matches(hasher: PasswordHasher, hash: string, typed: string): Promise<boolean> {
  const password = normalisePassword(typed)
  // Nothing so long was ever accepted; the same hash is computed all the same.
  const isRight = await hasher.verify(hash, isTooLong(password) ? '' : password)
  return isRight && !isTooLong(password)
}

/** Lets an account's name begin again, after a link was used that only its owner got (R4). */
export async function forgiveName(counters: Counters, account: Account): Promise<void> {
  await counters.reset(keyOfAccount(account))
}

/** An account is counted under its user name, by whichever of its names it was tried. */
function keyOfAccount(account: Account): string {
  return keyOfName(normaliseName(account.username) ?? account.id)
}

/** Not kept as typed: it may be anything, a password in the wrong field among it. */
function keyOfName(name: string): string {
  return `password:name:${createHash('sha256').update(name).digest('base64url')}`
}

const BCRYPT_BYTES = 72

/**
 * Whether the hash says nothing of the end of this password: bcrypt reads 72 bytes. Hashed anew, a mistyped end would
 * be the password from then on, and its owner locked out with the right one.
 */
function isCutOff(hash: string, password: string): boolean {
  return hash.startsWith('$2') && Buffer.byteLength(password) > BCRYPT_BYTES
}

/** The password is at hand only now. Losing to another change or to a full queue does no harm. */
async function rehash(
  { hasher, accounts, clock }: SignInServices,
  account: Account,
  typed: string,
): Promise<void> {
  const before = account.passwordHash
  if (before === undefined || !hasher.needsRehash(before)) return
  const password = normalisePassword(typed)
  if (isCutOff(before, password)) return
  try {
    const passwordHash = await hasher.hash(password)
    const updatedAt = clock.now()
    await changeAccount(accounts, account.id, (current) =>
      current.passwordHash === before ? { ...current, passwordHash, updatedAt } : undefined,
    )
  } catch {
    // At the next sign-in then.
  }
}
