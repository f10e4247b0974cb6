import { createHash } from 'node:crypto'
import type { Instant } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { CounterLimit, Counters } from '../../ports/counters.ts'
import type { Clock, PasswordHasher } from '../../ports/services.ts'
import type { Record } from '../audit.ts'
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
  | { readonly outcome: 'accepted'; readonly account: Account }
  /** Wrong, unknown, disabled, without a password, or too many failures of this name: one answer (R33). */
  | { readonly outcome: 'refused' }
  /** Too many failures from this address, whatever the names. */
  | { readonly outcome: 'too-many'; readonly retryAt: Instant }

export type CheckPassword = (attempt: PasswordAttempt) => Promise<PasswordVerdict>

type Reason = 'wrong' | 'unknown' | 'disabled' | 'no-password' | 'name-limit'

/**
 * The first factor. Counters are reserved before the password is looked at and given back when it was
 * right, so that parallel guesses cannot outrun them. Every refusal does the same work: one look-up, the
 * counters, one hash, one line in the trail; so neither text, status nor time tells a name from none (R33).
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
    const account = (await accounts.byName(name ?? NOBODY))?.account
    // Nobody's id is asked about as well: the answer takes the time that a real one takes.
    const known = (await attempt.browserIsKnown(account?.id ?? NOBODY)) && account !== undefined
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
      if (known) return
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
    const about = {
      ...(account === undefined ? {} : { accountId: account.id }),
      detail: {
        browser: known ? ('known' as const) : ('unknown' as const),
        ip: attempt.address,
        ...(attempt.userAgent === undefined ? {} : { userAgent: attempt.userAgent.slice(0, 300) }),
      },
    }
    if ('reason' in judged) {
      if (known && account !== undefined) await attempt.browserFailed(account.id)
      await record('password-refused', {
        ...about,
        detail: { ...about.detail, reason: judged.reason },
      })
      return { outcome: 'refused' }
    }

    await giveBack()
    // Consecutive failures end here; those of strangers do not when it was a known browser.
    if (!known) await counters.reset(nameKey)
    await record('password-accepted', about)
    await rehash(services, judged.account, attempt.password)
    return { outcome: 'accepted', account: judged.account }
  }
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

/** The password is at hand only now. Losing to another change or to a full queue does no harm. */
async function rehash(
  { hasher, accounts, clock }: SignInServices,
  account: Account,
  typed: string,
): Promise<void> {
  const before = account.passwordHash
  if (before === undefined || !hasher.needsRehash(before)) return
  try {
    const passwordHash = await hasher.hash(normalisePassword(typed))
    const updatedAt = clock.now()
    await changeAccount(accounts, account.id, (current) =>
      current.passwordHash === before ? { ...current, passwordHash, updatedAt } : undefined,
    )
  } catch {
    // At the next sign-in then.
  }
}
