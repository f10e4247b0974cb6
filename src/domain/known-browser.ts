import { browserName } from './browser-name.ts'
import type { RequestDetail } from './events.ts'
import type { BrowserPlace, Delay, KnownBrowser, MfaRecord } from './mfa-record.ts'
import { shownNetwork } from './shown-network.ts'
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

/**
 * After a completed sign-in: the browser is known from now on, its own failures are forgiven, and the time is kept. `detail`: the request
 * of the sign-in.
 */
export function remember(
  record: MfaRecord,
  tokenHash: string,
  { now, detail }: { readonly now: Instant; readonly detail: RequestDetail },
): MfaRecord {
  const before = record.browsers.find((browser) => browser.tokenHash === tokenHash)
  const browser: KnownBrowser = {
    tokenHash,
    since: before?.since ?? now,
    lastSeenAt: now,
    delay: { failures: 0 },
    failures: 0,
    ...placeIn(detail),
  }
  const others = record.browsers.filter((other) => other.tokenHash !== tokenHash)
  return {
    ...record,
    browsers: [...others, browser].slice(-MOST_KNOWN_BROWSERS),
    history: { ...record.history, lastSignInAt: now },
  }
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

/**
 * The owner wants a browser to be known no longer: the limits of unknown browsers apply to it, and the next sign-in in it
 * is told to the owner. Undefined: the account does not know it.
 */
export function forget(record: MfaRecord, tokenHash: string): MfaRecord | undefined {
  const browsers = record.browsers.filter((browser) => browser.tokenHash !== tokenHash)
  return browsers.length === record.browsers.length ? undefined : { ...record, browsers }
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
