import type { BrowserName } from '../domain/browser-name.ts'
import type { RequestDetail } from '../domain/events.ts'
import type { Instant } from '../domain/time.ts'
import { revokeTrust, standing } from '../domain/trusted-browser.ts'
import { commit, loadRecord } from './commit.ts'
import type { Dependencies } from './dependencies.ts'

/** A trusted browser, as its owner recognises it (R14). */
export interface TrustedBrowserStatus {
  /** Names the browser for `revokeTrustedBrowsers`. It is worth nothing to a person who learns it. */
  readonly id: string
  /** When the person chose it. */
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

/** The trusted browsers of an account whose time is not over: the one that was chosen last first. */
export async function readTrustedBrowsers(
  deps: Dependencies,
  accountId: string,
): Promise<readonly TrustedBrowserStatus[]> {
  const { record } = await loadRecord(deps, accountId)
  return standing(record, deps.clock.now())
    .map(({ id, since, until, lastUsedAt, name, network }) => ({
      id,
      since,
      until,
      lastUsedAt,
      ...(name === undefined ? {} : { name }),
      ...(network === undefined ? {} : { network }),
    }))
    .toSorted((one, other) => other.since - one.since)
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
    const trusted = standing(record, now)
    const count = trusted.filter((one) => id === undefined || one.id === id).length
    if (count === 0 || (epoch !== undefined && epoch !== record.epoch)) return { outcome: 0 }
    const present = { ...record, trustedBrowsers: trusted }
    return { outcome: count, ...revokeTrust(present, { id }, reason, detail) }
  })
}
