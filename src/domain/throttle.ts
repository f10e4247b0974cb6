import { chargeBrowser, type BrowserClass } from './known-browser.ts'
import type { Delay, KnownBrowser, MfaRecord } from './mfa-record.ts'
import { DAY_SECONDS, HOUR_SECONDS, isWaiting, type Instant } from './time.ts'

/** The number of consecutive failures in a browser class at which its first wait begins. */
export const FREE_FAILURES = 5
export const FIRST_DELAY_SECONDS = 30
export const LONGEST_DELAY_SECONDS = HOUR_SECONDS
/** NIST SP 800-63B-4 3.2.2: at most this many failures in any 30 days; a success does not reset the sum (R1). */
export const MOST_FAILURES = 100
const FAILURE_WINDOW_SECONDS = 30 * DAY_SECONDS
/**
 * The number of failures in unknown browsers, each after a right password, from which the password is suspected to be
 * known to somebody else (R2).
 */
export const FAILURES_TO_SUSPECT = 10

export type Gate =
  | { readonly open: true }
  | { readonly open: false; readonly reason: 'code'; readonly until: Instant }
  | { readonly open: false; readonly reason: 'password-suspected' | 'codes-disabled' }
  /** Every authenticator that the account has of this factor has reached its end. */
  | { readonly open: false; readonly reason: 'factor-ended' }

const OPEN: Gate = { open: true }

/**
 * Whether an attempt is examined at all. Asked before anything is examined: while the gate is closed, no code is
 * consumed and no failure is counted. `guessable`: a factor that cannot be guessed never has to wait.
 * `withoutPassword`: no password was typed in this sign-in.
 */
export function gate(
  record: MfaRecord,
  browser: BrowserClass,
  guessable: boolean,
  now: Instant,
  withoutPassword = false,
): Gate {
  if (isSuspected(record, browser) && (guessable || !withoutPassword))
    return { open: false, reason: 'password-suspected' }
  if (!guessable) return OPEN
  if (record.throttle.codesDisabledAt !== undefined)
    return { open: false, reason: 'codes-disabled' }
  return delayGate(delayOf(record, browser), now)
}

/**
 * Whether a right password in this browser may be a stranger's (R2). A sign-in without a password does not rest on it.
 * Otherwise somebody who guesses codes elsewhere could shut out the owner, who signs in with a factor that cannot be
 * guessed.
 */
function isSuspected({ throttle }: MfaRecord, browser: BrowserClass): boolean {
  return browser.kind === 'unknown' && throttle.passwordSuspectedAt !== undefined
}

/** The rule of waiting for one `Delay`. A wait that only a wrong clock can have set is over; its failures still count. */
export function delayGate(delay: Delay, now: Instant): Gate {
  return delay.until !== undefined && isWaiting(delay.until, now, LONGEST_DELAY_SECONDS)
    ? { open: false, reason: 'code', until: delay.until }
    : OPEN
}

/** The delay after one more failure: none for the first four, 30 s from the fifth, doubling to an hour. */
export function grow(delay: Delay, now: Instant): Delay {
  const failures = delay.failures + 1
  if (failures < FREE_FAILURES) return { failures }
  const doubled = FIRST_DELAY_SECONDS * 2 ** (failures - FREE_FAILURES)
  return { failures, until: now + Math.min(doubled, LONGEST_DELAY_SECONDS) }
}

export interface Charged {
  readonly record: MfaRecord
  /** The end of the wait of this browser's class. */
  readonly lockedUntil?: Instant
  /** This failure was the one that disabled the codes (R1). */
  readonly codesDisabled: boolean
  readonly passwordSuspected: boolean
  readonly browserForgotten: boolean
}

/** Counts one refused code on the account and on the class of its browser, in one step. */
export function charge(record: MfaRecord, browser: BrowserClass, now: Instant): Charged {
  const failedAt = [...recentFailures(record, now), now]
  const codesDisabled = failedAt.length >= MOST_FAILURES
  const throttle = {
    ...record.throttle,
    failedAt,
    ...(codesDisabled ? { codesDisabledAt: now } : {}),
  }
  const delay = grow(delayOf(record, browser), now)
  const counted: MfaRecord = { ...record, throttle }
  const charged =
    browser.kind === 'known'
      ? chargeOwners(counted, browser, delay)
      : chargeStrangers(counted, delay, now)
  return { codesDisabled, ...charged }
}

type ClassCharged = Omit<Charged, 'codesDisabled'>

function chargeOwners(record: MfaRecord, browser: KnownBrowser, delay: Delay): ClassCharged {
  const { record: charged, forgotten } = chargeBrowser(record, browser, delay)
  return {
    record: charged,
    passwordSuspected: false,
    browserForgotten: forgotten,
    // A forgotten browser has no wait of its own: it belongs to the unknown browsers now.
    ...(forgotten ? {} : lockedUntil(delay)),
  }
}

function chargeStrangers(record: MfaRecord, delay: Delay, now: Instant): ClassCharged {
  const passwordSuspected = delay.failures >= FAILURES_TO_SUSPECT
  const throttle = {
    ...record.throttle,
    unknownBrowsers: delay,
    ...(passwordSuspected ? { passwordSuspectedAt: now } : {}),
  }
  return {
    record: { ...record, throttle },
    passwordSuspected,
    browserForgotten: false,
    ...lockedUntil(delay),
  }
}

/**
 * After a success the failures of its own browser class are reset; the 30-day sum is not (R1, R2). A proof of a
 * phishing-resistant factor enables codes again as well.
 */
export function forgive(
  record: MfaRecord,
  browser: BrowserClass,
  phishingResistant: boolean,
): MfaRecord {
  const throttle = phishingResistant ? withoutBan(record.throttle) : record.throttle
  if (browser.kind === 'unknown')
    return { ...record, throttle: { ...throttle, unknownBrowsers: { failures: 0 } } }
  const browsers = record.browsers.map((known) =>
    known.tokenHash === browser.tokenHash
      ? { ...known, delay: { failures: 0 }, failures: 0 }
      : known,
  )
  return { ...record, throttle, browsers }
}

/** A changed password ends the suspicion: an attacker does not know the new password. */
export function clearSuspicion(record: MfaRecord): MfaRecord {
  const { passwordSuspectedAt: _, ...throttle } = record.throttle
  return { ...record, throttle: { ...throttle, unknownBrowsers: { failures: 0 } } }
}

/**
 * Ends every wait after wrong codes, for an administrator who knows that the owner is asking. The failures of 30 days
 * stay counted, and so do codes that are turned off and a password that somebody else may know (R1, R2). A failure that
 * was counted under a clock that ran ahead counts from now on, so that it ends as the others do.
 */
export function endWaits(record: MfaRecord, now: Instant): MfaRecord {
  const { failedAt } = record.throttle
  const throttle = {
    ...record.throttle,
    failedAt: failedAt.map((at) => Math.min(at, now)),
    unknownBrowsers: { failures: 0 },
  }
  const browsers = record.browsers.map((known) => ({ ...known, delay: { failures: 0 } }))
  return { ...record, throttle, browsers }
}

/** A recovery that binds new factors begins with a count of zero failures. */
export function clearFailures(record: MfaRecord): MfaRecord {
  const { codesDisabledAt: _, ...throttle } = record.throttle
  return { ...record, throttle: { ...throttle, failedAt: [], unknownBrowsers: { failures: 0 } } }
}

/**
 * The sum is reset only if codes were disabled: an owner who uses a passkey from time to time must not give an attacker
 * more guesses.
 */
function withoutBan(throttle: MfaRecord['throttle']): MfaRecord['throttle'] {
  const { codesDisabledAt, ...rest } = throttle
  return codesDisabledAt === undefined ? throttle : { ...rest, failedAt: [] }
}

/** A failure that a clock ahead of this one has counted is remembered from now on, and not for as long as it was ahead. */
function recentFailures(record: MfaRecord, now: Instant): readonly Instant[] {
  return record.throttle.failedAt
    .map((at) => Math.min(at, now))
    .filter((at) => at > now - FAILURE_WINDOW_SECONDS)
    .slice(-(MOST_FAILURES - 1))
}

function delayOf(record: MfaRecord, browser: BrowserClass): Delay {
  return browser.kind === 'unknown' ? record.throttle.unknownBrowsers : browser.delay
}

function lockedUntil(delay: Delay): { lockedUntil?: Instant } {
  return delay.until === undefined ? {} : { lockedUntil: delay.until }
}
