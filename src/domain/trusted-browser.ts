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
/** A replaced token is accepted for so long: another tab may have sent it before the new one arrived. */
export const PREVIOUS_SECONDS = 30
/** Most replaced tokens that are kept for one browser. */
export const MOST_PREVIOUS = 8

/** A token as a browser shows it: the id of the trust, and the hash of the whole for this account. */
export interface ShownTrust {
  readonly id: string
  readonly tokenHash: string
}

/** The trusted browser of this account that shows one of these tokens. Undefined: there is none, or its time is over. */
export function trustIn(
  record: MfaRecord,
  shown: readonly ShownTrust[],
  now: Instant,
): TrustedBrowser | undefined {
  return standing(record, now).find((browser) =>
    shown.some((one) => one.id === browser.id && isAccepted(browser, one, now)),
  )
}

/**
 * The trusted browser whose replaced token was shown later than another tab may show it: somebody has copied the token.
 * Undefined: there is none.
 */
export function reusedIn(
  record: MfaRecord,
  shown: readonly ShownTrust[],
  now: Instant,
): TrustedBrowser | undefined {
  return standing(record, now).find(
    (browser) =>
      shown.some(({ id }) => id === browser.id) &&
      !shown.some((one) => one.id === browser.id && isAccepted(browser, one, now)),
  )
}

/** The trusted browsers of the account whose time is not over. */
export function standing(
  { trustedBrowsers = [], epoch }: Pick<MfaRecord, 'trustedBrowsers' | 'epoch'>,
  now: Instant,
): readonly TrustedBrowser[] {
  return trustedBrowsers.filter(
    (browser) => browser.epoch === epoch && browser.since <= now && now < browser.until,
  )
}

function isAccepted(
  { tokenHash, previous }: TrustedBrowser,
  shown: ShownTrust,
  now: Instant,
): boolean {
  return (
    shown.tokenHash === tokenHash ||
    previous.some((old) => old.tokenHash === shown.tokenHash && now < old.at + PREVIOUS_SECONDS)
  )
}

/** The request in which the box was ticked or a trust is used. */
interface Used {
  readonly now: Instant
  readonly detail: RequestDetail
}

/** The box was ticked, and a factor was accepted in the same request. The eleventh browser drops the oldest. */
export function settleTrusted(
  record: MfaRecord,
  { id, tokenHash, seconds }: ShownTrust & { readonly seconds: number },
  { now, detail }: Used,
): Settled {
  const until = now + Math.min(seconds, LONGEST_TRUST_SECONDS)
  const browser: TrustedBrowser = {
    id,
    tokenHash,
    previous: [],
    since: now,
    until,
    lastUsedAt: now,
    epoch: record.epoch,
    ...placeIn(detail),
  }
  const others = standing(record, now).filter((other) => other.id !== id)
  const isFull = others.length >= MOST_TRUSTED_BROWSERS
  const kept = isFull ? others.slice(1 - MOST_TRUSTED_BROWSERS) : others
  const dropped = others.length - kept.length
  return {
    record: { ...record, trustedBrowsers: [...kept, browser] },
    events: [
      { type: 'browser-trusted', detail: { ...detail, until } },
      ...revokedEvents(dropped, 'eleventh', detail),
    ],
  }
}

/** A trusted browser stood in for the factor: its token is replaced, unless another tab has replaced it just now. */
export function rotate(
  record: MfaRecord,
  used: readonly ShownTrust[],
  { tokenHash, now }: { readonly tokenHash: string; readonly now: Instant },
): MfaRecord | undefined {
  const trust = trustIn(record, used, now)
  if (trust === undefined) return undefined
  if (!used.some((one) => one.id === trust.id && one.tokenHash === trust.tokenHash)) return record
  const previous = [...trust.previous, { tokenHash: trust.tokenHash, at: now }]
    .filter(({ at }) => now < at + PREVIOUS_SECONDS)
    .slice(-MOST_PREVIOUS)
  const rotated = { ...trust, tokenHash, previous, lastUsedAt: now }
  return {
    ...record,
    trustedBrowsers: standing(record, now).map((one) => (one.id === trust.id ? rotated : one)),
  }
}

/** A replaced token was shown again: the browser is not trusted any more. */
export function settleReused(
  record: MfaRecord,
  { id }: TrustedBrowser,
  detail: RequestDetail,
): Settled {
  const { record: revoked, events } = revokeTrust(record, { id }, 'reused', detail)
  return { record: revoked, events: [{ type: 'browser-trust-reused', detail }, ...events] }
}

/** Trusts one browser, or all of them, no longer. `which`: empty for all. */
export function revokeTrust(
  record: MfaRecord,
  which: { readonly id?: string | undefined },
  reason: string,
  detail: RequestDetail = {},
): Settled {
  const { trustedBrowsers = [] } = record
  const kept = trustedBrowsers.filter(({ id }) => which.id !== undefined && which.id !== id)
  const dropped = trustedBrowsers.length - kept.length
  if (dropped === 0) return { record, events: [] }
  return {
    record: { ...record, trustedBrowsers: kept },
    events: revokedEvents(dropped, reason, detail),
  }
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
