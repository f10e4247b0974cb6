import { shownNetwork } from '../../domain/shown-network.ts'
import { DAY_SECONDS, type Instant } from '../../domain/time.ts'
import { browserName, type BrowserName } from '../../domain/browser-name.ts'
import type { AuditEntry, AuditTrail } from '../../ports/audit-trail.ts'

/** How far back a person sees the events of the account. */
export const ACTIVITY_DAYS = 90
const PAGE = 25

/** An event as the person of the account sees it. */
export interface OwnEvent {
  readonly type: string
  readonly at: Instant
  readonly factor?: string
  /** The person's own name for the authenticator. */
  readonly name?: string
  readonly clientId?: string
  readonly browser?: BrowserName
  /** The network that the request came from. */
  readonly place?: string
  /** The attempts that it stands for. Absent: one. */
  readonly count?: number
}

export interface ActivityPage {
  /** The newest first. */
  readonly events: readonly OwnEvent[]
  /** The next page has the events before this time. Absent: this is the last page. */
  readonly before?: Instant
}

export interface ActivityQuery {
  readonly accountId: string
  readonly now: Instant
  /** Absent: from now on. */
  readonly before?: Instant
}

/**
 * The events of an account in the last 90 days, a page of them. The trail is read by time, so a page ends between two
 * seconds: it holds more where more happened in one second.
 */
export async function readActivity(
  audit: Pick<AuditTrail, 'list'>,
  { accountId, now, before }: ActivityQuery,
): Promise<ActivityPage> {
  const since = now - ACTIVITY_DAYS * DAY_SECONDS
  for (let limit = PAGE + 1; ; limit *= 2) {
    const read = await audit.list({ accountId, limit, ...(before === undefined ? {} : { before }) })
    const recent = read.filter(({ at }) => at >= since)
    const [first] = recent
    const last = recent.at(-1)
    if (first === undefined || last === undefined || recent.length < limit)
      return { events: recent.map(shown) }
    if (first.at > last.at) {
      const whole = recent.filter(({ at }) => at > last.at)
      return { events: whole.map(shown), before: last.at + 1 }
    }
  }
}

/** All events of the last 90 days, page by page, the newest first. */
export async function* allActivity(
  audit: Pick<AuditTrail, 'list'>,
  query: Omit<ActivityQuery, 'before'>,
): AsyncGenerator<OwnEvent> {
  let before: Instant | undefined
  do {
    const page: ActivityPage = await readActivity(audit, {
      ...query,
      ...(before === undefined ? {} : { before }),
    })
    yield* page.events
    ;({ before } = page)
  } while (before !== undefined)
}

/** Only what a person can read: an address as its network, and a browser by its name, which its sender cannot choose. */
function shown({ type, at, detail }: AuditEntry): OwnEvent {
  const { factor, authenticatorName: name, clientId, userAgent, ip, count } = detail
  const browser = userAgent === undefined ? undefined : browserName(userAgent)
  const place = ip === undefined ? undefined : shownNetwork(ip)
  return {
    type,
    at,
    ...(factor === undefined ? {} : { factor }),
    ...(name === undefined || name === '' ? {} : { name }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(browser === undefined ? {} : { browser }),
    ...(place === undefined ? {} : { place }),
    ...(count === undefined ? {} : { count }),
  }
}
