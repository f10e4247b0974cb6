import type { Delay, KnownBrowser, MfaRecord } from './mfa-record.ts'
import type { Instant } from './time.ts'

/** The number of failures after which a known browser is unknown again (R4). */
export const FAILURES_TO_FORGET = 10
/** The oldest is removed first. A person has few browsers, and an attacker must not be able to make the record grow. */
export const MOST_KNOWN_BROWSERS = 20

/** All unknown browsers together are one class; each known browser is a class of its own (R2). */
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
 * Counts a failure against a known browser. At the tenth failure the browser is forgotten, so that a stolen token does
 * not exempt an attacker from the limits of unknown browsers for ever. `delay`: the new wait of the browser; a wrong
 * password causes none.
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
