import type { Delay, KnownBrowser, MfaRecord } from './mfa-record.ts'
import type { Instant } from './time.ts'

/** Failures after which a known browser is a stranger again (R4). */
export const FAILURES_TO_FORGET = 10
/** The oldest goes first: a person has few browsers, an attacker must not grow the record. */
export const MOST_KNOWN_BROWSERS = 20

/** Strangers are one class, each known browser is its own (R2). */
export type BrowserClass =
  { readonly kind: 'unknown' } | ({ readonly kind: 'known' } & KnownBrowser)

export const UNKNOWN_BROWSER: BrowserClass = { kind: 'unknown' }

/** The class of a browser that showed these tokens (hashed for this account). */
export function classify(record: MfaRecord, tokenHashes: readonly string[]): BrowserClass {
  const known = record.browsers.find((browser) => tokenHashes.includes(browser.tokenHash))
  return known ? { kind: 'known', ...known } : UNKNOWN_BROWSER
}

/** After a completed sign-in: the browser is known from now on, and its own failures are forgiven. */
export function remember(record: MfaRecord, tokenHash: string, now: Instant): MfaRecord {
  const before = record.browsers.find((browser) => browser.tokenHash === tokenHash)
  const browser: KnownBrowser = {
    tokenHash,
    since: before?.since ?? now,
    lastSeenAt: now,
    delay: { failures: 0 },
    failures: 0,
  }
  const others = record.browsers.filter((other) => other.tokenHash !== tokenHash)
  return { ...record, browsers: [...others, browser].slice(-MOST_KNOWN_BROWSERS) }
}

/**
 * Counts a failure against a known browser. At the tenth it is forgotten, so that a stolen token is no
 * endless exemption from the strangers' limits. `delay`: the wait it has earned; a wrong password earns none.
 */
export function chargeBrowser(
  record: MfaRecord,
  charged: KnownBrowser,
  delay: Delay = charged.delay,
): { record: MfaRecord; forgotten: boolean } {
  const failures = charged.failures + 1
  const forgotten = failures >= FAILURES_TO_FORGET
  const browsers = record.browsers.flatMap((browser) => {
    if (browser.tokenHash !== charged.tokenHash) return [browser]
    return forgotten ? [] : [{ ...browser, delay, failures }]
  })
  return { record: { ...record, browsers }, forgotten }
}
