import { MfaError, type ErrorCode } from '../../domain/errors.ts'
import type { Instant } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { CounterLimit, Counters } from '../../ports/counters.ts'
import type { Clock, HashingPlace, PasswordHasher } from '../../ports/services.ts'
import type { Record, Refusals } from '../observe/audit.ts'
import { normaliseName } from './name.ts'
import { keyOfAccount, keyOfKnownBrowsers, keyOfName } from './name-lock.ts'
import { networkOf, networksOf } from './network.ts'
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
  readonly refusals: Pick<Refusals, 'record'>
  readonly limits: PasswordLimits
  /** The account's present epoch; also for an id without an account. */
  readonly epochOf: (accountId: string) => Promise<number>
}

export interface PasswordAttempt {
  /** The user name or verified address, as typed. */
  readonly name: string
  readonly password: string
  /** The client's address: of the socket, or from a trusted proxy. */
  readonly address: string
  readonly userAgent?: string
  /** Whether the owner of this account has completed a sign-in in this browser. */
  readonly browserIsKnown: (accountId: string) => Promise<boolean>
  /** Counts a failure against a known browser, which becomes unknown after ten. */
  readonly browserFailed: (accountId: string) => Promise<void>
}

export type PasswordVerdict =
  /** `epoch`: the account's epoch from before its password was read. In another epoch the result is not valid. */
  | { readonly outcome: 'accepted'; readonly account: Account; readonly epoch: number }
  /**
   * Wrong password, unknown or disabled account, account without a password, or too many failures of this name; the
   * answer is the same (R33).
   */
  | { readonly outcome: 'refused' }
  /** Too many failures from this address, with any names. */
  | { readonly outcome: 'too-many'; readonly retryAt: Instant }

export type CheckPassword = (attempt: PasswordAttempt) => Promise<PasswordVerdict>

type Reason = 'wrong' | 'unknown' | 'disabled' | 'no-password' | 'name-limit'

/**
 * Checks the first factor. Counters are reserved before the password is checked and released if it was right, so that
 * parallel guesses cannot exceed them. Every refusal does the same work: the same look-ups, the counters, one hash, one
 * audit entry. So neither text, status nor time shows whether a name exists (R33).
 *
 * The epoch is read before the password that is compared, and every change of a password raises it after the new one is
 * stored. Otherwise an old password that was changed during the hash would be accepted in the new epoch (R18, R20).
 *
 * Throws MfaError `hashing-overloaded` when too many hashes wait, and `too-many-attempts` when too many of this network
 * wait; the attempt is then not counted as a failure.
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
    // An id without an account is looked up too, so that the answer takes the same time.
    const id = (await accounts.byName(name ?? NOBODY))?.account.id ?? NOBODY
    const epoch = await services.epochOf(id)
    const account = (await accounts.byId(id))?.account
    const known = await reserveKnownBrowser(services, attempt, id, now)
    const nameKey = account ? keyOfAccount(account) : keyOfName(name ?? attempt.name)
    const addressKey = keyOfAddress(attempt.address)

    if (!known) {
      const reserved = await counters.reserve(addressKey, addressLimit, now)
      if (!reserved.allowed) {
        await recordThrottled(services, entryAbout(attempt, account, known))
        return {
          outcome: 'too-many',
          retryAt: reserved.retryAt ?? now + limits.addressWindowSeconds,
        }
      }
    }
    const nameAllowed = known || (await reserveName(services, nameKey, now))

    const giveBack = async (): Promise<void> => {
      if (known) return counters.release(keyOfKnownBrowsers(id), now)
      await counters.release(addressKey, now)
      if (nameAllowed) await counters.release(nameKey, now)
    }

    const about = entryAbout(attempt, account, known)
    const right = await matches(services.hasher, account?.passwordHash ?? NO_HASH, {
      typed: attempt.password,
      place: {
        party: known ? keyOfKnownBrowsers(id) : subscriberOf(attempt.address),
        kept: known,
      },
    }).catch(async (error: unknown) => {
      await giveBack()
      if (isUnexamined(error)) await recordThrottled(services, about)
      throw error
    })

    const judged = judge(account, right, nameAllowed)
    if ('reason' in judged) {
      if (known) await chargeKnownBrowser(services, attempt, id)
      await record('password-refused', {
        ...about,
        detail: { ...about.detail, reason: judged.reason },
      })
      return { outcome: 'refused' }
    }

    await giveBack()
    // The count of consecutive failures is reset; that of unknown browsers is not reset by a known browser.
    await counters.reset(keyOfKnownBrowsers(id))
    if (!known) await counters.reset(nameKey)
    await record('password-accepted', about)
    await rehash(services, judged.account, attempt.password)
    return { outcome: 'accepted', account: judged.account, epoch }
  }
}

/** Failures of an address, with a password or without one, have one counter. */
export function keyOfAddress(address: string): string {
  return `password:address:${networkOf(address)}`
}

/** Whether the hasher has refused to compute the hash, because too many wait. */
function isUnexamined(error: unknown): boolean {
  const refusals: readonly ErrorCode[] = ['hashing-overloaded', 'too-many-attempts']
  return error instanceof MfaError && refusals.includes(error.code)
}

/** The attempt was refused before its password was looked at; such attempts may come by the thousand. */
function recordThrottled(
  { refusals }: SignInServices,
  about: ReturnType<typeof entryAbout>,
): Promise<void> {
  const detail = { ...about.detail, reason: 'throttled' }
  return refusals.record('password-refused', { ...about, detail })
}

/** An attempt takes a share of the queue of hashes for this network: the /56 of an IPv6 address may be one subscriber's (R43). */
function subscriberOf(address: string): string {
  const [network, larger = network] = networksOf(address)
  return larger
}

/** The part of an audit entry that accepted and refused attempts share. */
function entryAbout(attempt: PasswordAttempt, account: Account | undefined, known: boolean) {
  return {
    ...(account === undefined ? {} : { accountId: account.id }),
    detail: {
      browser: known ? ('known' as const) : ('unknown' as const),
      ip: attempt.address,
      ...(attempt.userAgent === undefined ? {} : { userAgent: attempt.userAgent }),
    },
  }
}

/**
 * Whether this attempt counts as one of a known browser. It is reserved before the hash, because the plugin counts
 * failures after the hash, and any number of parallel guesses would pass before the tenth was counted (R4). After ten
 * the browser is unknown. The check is repeated after the reservation, because the browser may have been forgotten in
 * between, and its reservations released (`chargeKnownBrowser`).
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
 * The reservation stays, because the failures of a browser are consecutive. When the plugin has forgotten the browser,
 * the reservations are released: a thief of its token must not make the owner's other browsers unknown.
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

/** The number of failures after which a known browser is unknown. */
const KNOWN_BROWSER_LIMIT: CounterLimit = { limit: 10 }

/** Stands for a missing hash. The hasher takes the same time to find that no password matches it. */
const NO_HASH = ''

/**
 * A refused reservation writes nothing, and a durable write takes time. An equal write is made instead; otherwise a
 * locked name would be answered sooner than another (R33).
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

/** Looked up in place of a missing account. No id and no name is equal to it. */
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

async function matches(
  hasher: PasswordHasher,
  hash: string,
  { typed, place }: { readonly typed: string; readonly place: HashingPlace },
): Promise<boolean> {
  const password = normalisePassword(typed)
  // No password of this length was ever accepted; a hash is computed even so, for its time.
  const isRight = await hasher.verify(hash, isTooLong(password) ? '' : password, place)
  return isRight && !isTooLong(password)
}

const BCRYPT_BYTES = 72

/**
 * Whether the hash ignores the end of this password: bcrypt reads 72 bytes. If the typed password were hashed again, a
 * mistyped end would become part of the password, and the owner's right password would be refused.
 */
function isCutOff(hash: string, password: string): boolean {
  return hash.startsWith('$2') && Buffer.byteLength(password) > BCRYPT_BYTES
}

/**
 * Hashes the password again with the present parameters; it is in clear only now. If another change or a full queue
 * prevents it, no harm is done.
 */
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
    // It is tried again at the next sign-in.
  }
}
