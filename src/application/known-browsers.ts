import type { BrowserName } from '../domain/browser-name.ts'
import { MfaError } from '../domain/errors.ts'
import type { RequestDetail } from '../domain/events.ts'
import { chargeBrowser, classify, forget } from '../domain/known-browser.ts'
import type { Instant } from '../domain/time.ts'
import { commit, loadRecord } from './commit.ts'
import { revokeTrust } from '../domain/trusted-browser.ts'
import type { Dependencies } from './dependencies.ts'

/** A known browser, as its owner recognises it. */
export interface KnownBrowserStatus {
  /** Names the browser for `forget`. It is worth nothing to a person who learns it. */
  readonly id: string
  /** The first sign-in that was completed in it. */
  readonly firstSeenAt: Instant
  /**
   * The last sign-in in it that was stored. A sign-in with the password alone, in a browser that has no failures, stores
   * nothing.
   */
  readonly lastSeenAt: Instant
  /** In our own words; absent: an unknown one. */
  readonly name?: BrowserName
  /** The /24 or /48 of that sign-in. */
  readonly network?: string
  /** Whether it is the browser that shows these tokens. */
  readonly current: boolean
}

/** The browsers that the account knows: the one that shows these tokens first, then the one that was seen last. */
export async function readBrowsers(
  deps: Dependencies,
  accountId: string,
  tokenHashes: readonly string[] = [],
): Promise<readonly KnownBrowserStatus[]> {
  const { record } = await loadRecord(deps, accountId)
  const browsers = record.browsers.map((browser): KnownBrowserStatus => {
    const { tokenHash: id, since: firstSeenAt, lastSeenAt, name, network } = browser
    return {
      id,
      firstSeenAt,
      lastSeenAt,
      ...(name === undefined ? {} : { name }),
      ...(network === undefined ? {} : { network }),
      current: tokenHashes.includes(id),
    }
  })
  return browsers.toSorted(
    (one, other) =>
      Number(other.current) - Number(one.current) || other.lastSeenAt - one.lastSeenAt,
  )
}

export interface BrowserToForget {
  readonly id: string
  /** The epoch of the session that wants it; the account must still have it (R42). Default: any. */
  readonly epoch?: number
}

/** Forgets a browser for the owner. False: the account does not know it, or is in another epoch. */
export async function forgetBrowser(
  deps: Dependencies,
  accountId: string,
  { id, epoch }: BrowserToForget,
  detail: RequestDetail = {},
): Promise<boolean> {
  return commit(deps, accountId, (record) => {
    const forgotten = forget(record, id)
    if (forgotten === undefined || (epoch !== undefined && epoch !== record.epoch))
      return { outcome: false }
    // A browser that the owner does not want any more must not stand in for a factor either. A trust does not say in
    // which of the known browsers it is, so all of them end.
    const untrusted = revokeTrust(forgotten, {}, 'forgotten', detail)
    return {
      outcome: true,
      record: untrusted.record,
      events: [
        { type: 'browser-forgotten', detail: { ...detail, reason: 'owner' } },
        ...untrusted.events,
      ],
    }
  })
}

/** Whether the owner has completed a sign-in in the browser that shows one of these tokens (R2, R4). */
export async function knowsBrowser(
  deps: Dependencies,
  accountId: string,
  tokenHashes: readonly string[],
): Promise<boolean> {
  if (tokenHashes.length === 0) return false
  // This runs before a password is checked, so the record is not parsed as a whole (see `readEpoch`).
  const stored = await deps.storage.records.load(accountId)
  const { browsers, authenticators } = stored?.record ?? { browsers: [], authenticators: [] }
  if (!Array.isArray(browsers) || !Array.isArray(authenticators))
    throw new MfaError('record-unreadable', 'The MFA record has no browsers or no authenticators')
  // As in `settlePasswordChanged`: a browser that became known with the old password alone is unknown now.
  if (stored?.passwordChanged !== undefined && authenticators.length === 0) return false
  return (browsers as { tokenHash?: unknown }[]).some(
    (browser) => typeof browser?.tokenHash === 'string' && tokenHashes.includes(browser.tokenHash),
  )
}

/** Counts a wrong password against a known browser; at the tenth failure the browser is unknown again (R4). */
export async function browserFailed(
  deps: Dependencies,
  accountId: string,
  tokenHashes: readonly string[],
): Promise<void> {
  if (tokenHashes.length === 0) return
  await commit(deps, accountId, (record) => {
    const browser = classify(record, tokenHashes)
    if (browser.kind === 'unknown') return { outcome: undefined }
    const charged = chargeBrowser(record, browser)
    return {
      outcome: undefined,
      record: charged.record,
      events: charged.forgotten
        ? [{ type: 'browser-forgotten' as const, detail: { reason: 'password' } }]
        : [],
    }
  })
}
