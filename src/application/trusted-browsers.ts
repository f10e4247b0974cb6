import type { BrowserName } from '../domain/browser-name.ts'
import type { RequestDetail } from '../domain/events.ts'
import type { Instant } from '../domain/time.ts'
import type { TrustedBrowser } from '../domain/mfa-record.ts'
import {
  browserOf,
  byBrowser,
  revokeTrust,
  standing,
  trustsIn,
  type ShownTrust,
} from '../domain/trusted-browser.ts'
import { commit, loadRecord } from './commit.ts'
import type { Dependencies } from './dependencies.ts'

/** A trusted browser, as its owner recognises it (R14). */
export interface TrustedBrowserStatus {
  /** Names the browser for `revokeTrustedBrowsers`. It is worth nothing to a person who learns it. */
  readonly id: string
  /** When the person chose it; the last time, if they chose it again in the same browser. */
  readonly since: Instant
  /** The browser stands in for the factor until then, at most. */
  readonly until: Instant
  /** When it last stood in for the factor; `since`, if it never did. */
  readonly lastUsedAt: Instant
  /** In our own words; absent: an unknown one. */
  readonly name?: BrowserName
  /** The /24 or /48 of the sign-in in which the person chose it. */
  readonly network?: string
}

/** The trusted browsers of an account whose time is not over, each once: the one that was chosen last first. */
export async function readTrustedBrowsers(
  deps: Dependencies,
  accountId: string,
): Promise<readonly TrustedBrowserStatus[]> {
  return (await readTrusted(deps, accountId, [])).map(({ browser }) => browser)
}

/** A trusted browser, and whether it is the one that has sent a request. */
export interface SeenTrustedBrowser {
  readonly browser: TrustedBrowserStatus
  readonly isCurrent: boolean
}

/** The trusted browsers as one that has sent these tokens sees them. */
export async function readTrusted(
  deps: Dependencies,
  accountId: string,
  shown: readonly ShownTrust[],
): Promise<readonly SeenTrustedBrowser[]> {
  const { record } = await loadRecord(deps, accountId)
  const now = deps.clock.now()
  const names = trustsIn(record, shown, now).map(browserOf)
  return byBrowser(record, now)
    .map(statusOf)
    .map((browser) => ({ browser, isCurrent: names.includes(browser.id) }))
    .toSorted(({ browser: one }, { browser: other }) => other.since - one.since)
}

/** The trusts of one browser, of which the last was chosen last. */
function statusOf(trusts: readonly TrustedBrowser[]): TrustedBrowserStatus {
  const last = trusts.at(-1) as TrustedBrowser
  const { since, name, network } = last
  return {
    id: browserOf(last),
    since,
    until: Math.max(...trusts.map(({ until }) => until)),
    lastUsedAt: Math.max(...trusts.map(({ lastUsedAt }) => lastUsedAt)),
    ...(name === undefined ? {} : { name }),
    ...(network === undefined ? {} : { network }),
  }
}

export interface TrustToRevoke {
  /** The browser; absent: all of them. */
  readonly id?: string
  /** The request that wants it, for the event. */
  readonly detail?: RequestDetail
}

/** Who wants it. */
interface Revoker {
  /** The reason that the event has. */
  readonly reason: string
  /** The epoch of the session that wants it; the account must still have it (R42). Default: any. */
  readonly epoch?: number
}

/** Trusts one browser, or all of them, no longer. Answers how many that were; 0: none, or the account is in another epoch. */
export async function revokeTrustedBrowsers(
  deps: Dependencies,
  accountId: string,
  { id, detail }: TrustToRevoke,
  { reason, epoch }: Revoker,
): Promise<number> {
  return commit(deps, accountId, (record, now) => {
    const names = byBrowser(record, now).map(([trust]) => browserOf(trust as TrustedBrowser))
    const count = names.filter((name) => id === undefined || name === id).length
    if (count === 0 || (epoch !== undefined && epoch !== record.epoch)) return { outcome: 0 }
    const present = { ...record, trustedBrowsers: standing(record, now) }
    return { outcome: count, ...revokeTrust(present, { id }, reason, detail) }
  })
}
