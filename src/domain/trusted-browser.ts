import { browserName } from './browser-name.ts'
import type { EventDraft, RequestDetail } from './events.ts'
import type { BrowserPlace, MfaRecord, TrustedBrowser } from './mfa-record.ts'
import type { Settled } from './attempt.ts'
import { shownNetwork } from './shown-network.ts'
import { DAY_SECONDS, type Instant } from './time.ts'

/** The longest time for which a browser is trusted (R14). */
export const LONGEST_TRUST_SECONDS = 30 * DAY_SECONDS
/** The oldest is dropped first. */
export const MOST_TRUSTED_BROWSERS = 10
/** The most trusts of one account in one browser, and the most cookies of trusts in it. The oldest is dropped first. */
export const MOST_TRUSTS_IN_A_BROWSER = 5
/** A replaced token is accepted for so long: another tab may have sent it before the new one arrived. */
export const PREVIOUS_SECONDS = 30
/** Most replaced tokens that are kept for one browser. */
export const MOST_PREVIOUS = 8

/** A token as a browser shows it: the id of the trust, and the hash of the whole for this account. */
export interface ShownTrust {
  readonly id: string
  readonly tokenHash: string
  /** The hash of the token by which the present sign-in replaces this one. Absent: it replaces none. */
  readonly nextHash?: string
}

/**
 * The trusts of this account that are in the browser which shows these tokens, the oldest first. A browser has several
 * where its owner has ticked the box again, after another factor or for an app with a shorter time.
 */
export function trustsIn(
  record: MfaRecord,
  shown: readonly ShownTrust[],
  now: Instant,
): readonly TrustedBrowser[] {
  return standing(record, now).filter((browser) =>
    shown.some((one) => isAccepted(browser, one, now)),
  )
}

/**
 * The trusts whose replaced token was shown later than another tab may show it: somebody has copied the token, or the
 * browser has never got the new one. Nothing tells which of the two it was, except in the sign-in that has replaced it.
 */
export function reusedIn(
  record: MfaRecord,
  shown: readonly ShownTrust[],
  now: Instant,
): readonly TrustedBrowser[] {
  return standing(record, now).filter(
    (browser) =>
      shown.some(({ id }) => id === browser.id) &&
      !shown.some((one) => isAccepted(browser, one, now)),
  )
}

/** The trusts of the account whose time is not over. */
export function standing(
  { trustedBrowsers = [], epoch }: Pick<MfaRecord, 'trustedBrowsers' | 'epoch'>,
  now: Instant,
): readonly TrustedBrowser[] {
  return trustedBrowsers.filter(
    (browser) => browser.epoch === epoch && browser.since <= now && now < browser.until,
  )
}

/** Names the browser of a trust: all trusts of one account in one browser have the same name. */
export function browserOf({ id, browser = id }: TrustedBrowser): string {
  return browser
}

/** The trusts whose time is not over, by their browser: the browser that was trusted first is the first. */
export function byBrowser(
  record: Pick<MfaRecord, 'trustedBrowsers' | 'epoch'>,
  now: Instant,
): readonly (readonly TrustedBrowser[])[] {
  return [...Map.groupBy(standing(record, now), browserOf).values()]
}

function isAccepted(browser: TrustedBrowser, shown: ShownTrust, now: Instant): boolean {
  const { id, tokenHash, previous } = browser
  if (shown.id !== id) return false
  return (
    shown.tokenHash === tokenHash ||
    previous.some((old) => old.tokenHash === shown.tokenHash && now < old.at + PREVIOUS_SECONDS) ||
    isSentAgain(browser, shown)
  )
}

/**
 * Whether the form that has replaced this token is sent again, and the new token was never used: the browser did not get
 * the answer. A thief who has only the token cannot send that form, because its sign-in has a cookie of its own.
 */
function isSentAgain({ tokenHash, previous }: TrustedBrowser, shown: ShownTrust): boolean {
  return shown.nextHash === tokenHash && previous.at(-1)?.tokenHash === shown.tokenHash
}

/** The request in which the box was ticked or a trust is used. */
interface Used {
  readonly now: Instant
  readonly detail: RequestDetail
}

/** A ticked box, and the id of the factor that was accepted with it. */
export interface EarnedTrust extends ShownTrust {
  readonly seconds: number
  readonly factor: string
  /** The tokens that the same browser has sent. */
  readonly beside?: readonly ShownTrust[]
}

/**
 * The box was ticked, and a factor was accepted in the same request. Earlier trusts of the account in the same browser
 * stay, except those that the new one makes needless. The eleventh browser drops the oldest.
 */
export function settleTrusted(
  record: MfaRecord,
  { id, tokenHash, seconds, factor, beside = [] }: EarnedTrust,
  { now, detail }: Used,
): Settled {
  const until = now + Math.min(seconds, LONGEST_TRUST_SECONDS)
  const others = standing(record, now).filter((other) => other.id !== id)
  // A browser whose earlier ticks did not know of each other has trusts under several names.
  const names = trustsIn({ ...record, trustedBrowsers: others }, beside, now).map(browserOf)
  const [browser = id] = names
  const fresh: TrustedBrowser = {
    id,
    tokenHash,
    previous: [],
    since: now,
    until,
    lastUsedAt: now,
    factor,
    browser,
    epoch: record.epoch,
    ...placeIn(detail),
  }
  const inIt = others
    .filter((other) => names.includes(browserOf(other)) && !isNeedless(other, fresh))
    .slice(1 - MOST_TRUSTS_IN_A_BROWSER)
    .map((other) => ({ ...other, browser }))
  const elsewhere = others.filter((other) => !names.includes(browserOf(other)))
  const { kept, dropped } = withoutEleventh(elsewhere)
  return {
    record: { ...record, trustedBrowsers: [...kept, ...inIt, fresh] },
    events: [
      { type: 'browser-trusted', detail: { ...detail, until } },
      ...revokedEvents(dropped, 'eleventh', detail),
    ],
  }
}

/** Whether a trust of the same browser stands in nowhere where the fresh one does not. */
function isNeedless({ factor, until }: TrustedBrowser, fresh: TrustedBrowser): boolean {
  return factor === fresh.factor && until <= fresh.until
}

/** The other browsers' trusts that have room beside a fresh one, and how many browsers have none. */
function withoutEleventh(others: readonly TrustedBrowser[]): {
  readonly kept: readonly TrustedBrowser[]
  readonly dropped: number
} {
  const names = [...new Set(others.map(browserOf))]
  const stay = names.slice(1 - MOST_TRUSTED_BROWSERS)
  return {
    kept: others.filter((other) => stay.includes(browserOf(other))),
    dropped: names.length - stay.length,
  }
}

/**
 * The browser stood in for the factor: the token of the trust is replaced, unless another tab has replaced it just now.
 * Undefined: the trust has ended meanwhile.
 */
export function rotate(record: MfaRecord, used: ShownTrust, now: Instant): MfaRecord | undefined {
  const [trust] = trustsIn(record, [used], now)
  if (trust === undefined) return undefined
  const rotated = rotatedBy(trust, used, now)
  if (rotated === undefined) return record
  const trustedBrowsers = standing(record, now).map((one) => (one === trust ? rotated : one))
  return { ...record, trustedBrowsers }
}

function rotatedBy(
  trust: TrustedBrowser,
  used: ShownTrust,
  now: Instant,
): TrustedBrowser | undefined {
  const { tokenHash } = trust
  const { nextHash } = used
  const isPresent = used.tokenHash === tokenHash && nextHash !== tokenHash
  if (!isPresent || nextHash === undefined) return undefined
  const previous = [...trust.previous, { tokenHash, at: now }]
    .filter(({ at }) => now < at + PREVIOUS_SECONDS)
    .slice(-MOST_PREVIOUS)
  return { ...trust, tokenHash: nextHash, previous, lastUsedAt: now }
}

/**
 * Replaced tokens were shown again: the trust in these browsers ends. A thief who has copied one token of a browser may
 * have copied the others as well.
 */
export function settleReused(
  record: MfaRecord,
  reused: readonly TrustedBrowser[],
  detail: RequestDetail,
): Settled {
  const names = reused.map(browserOf)
  const { record: kept, count } = withoutTrusts(record, (trust) => names.includes(browserOf(trust)))
  return {
    record: kept,
    events: [{ type: 'browser-trust-reused', detail }, ...revokedEvents(count, 'reused', detail)],
  }
}

/** Trusts one browser, or all of them, no longer. `which`: empty for all. */
export function revokeTrust(
  record: MfaRecord,
  which: { readonly id?: string | undefined },
  reason: string,
  detail: RequestDetail = {},
): Settled {
  const { record: kept, count } = withoutTrusts(
    record,
    (trust) => which.id === undefined || which.id === browserOf(trust),
  )
  if (count === 0) return { record, events: [] }
  return { record: kept, events: revokedEvents(count, reason, detail) }
}

/** The record without some trusts, and how many browsers these were in. */
function withoutTrusts(
  record: MfaRecord,
  ends: (trust: TrustedBrowser) => boolean,
): { readonly record: MfaRecord; readonly count: number } {
  const { trustedBrowsers = [] } = record
  const kept = trustedBrowsers.filter((trust) => !ends(trust))
  const count = new Set(trustedBrowsers.filter(ends).map(browserOf)).size
  return { record: { ...record, trustedBrowsers: kept }, count }
}

function revokedEvents(
  count: number,
  reason: string,
  detail: RequestDetail,
): readonly EventDraft[] {
  return count === 0
    ? []
    : [{ type: 'browser-trust-revoked', detail: { ...detail, reason, count } }]
}

/** The header of the browser itself is not kept: the person who signs in chooses it. */
function placeIn({ userAgent = '', ip = '' }: RequestDetail): BrowserPlace {
  const name = browserName(userAgent)
  const network = shownNetwork(ip)
  return {
    ...(name === undefined ? {} : { name }),
    ...(network === undefined ? {} : { network }),
  }
}
