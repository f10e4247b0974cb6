import type { AccountStatus, KnownBrowserStatus } from '../../index.ts'
import type { Instant } from '../../domain/time.ts'
import type { Accounts } from '../../ports/accounts.ts'
import type { AuditTrail } from '../../ports/audit-trail.ts'
import { allActivity, type OwnEvent } from './activity.ts'
import { chosenLanguage } from './language.ts'
import type { LiveSession } from './live-sessions.ts'

/** Everything that the server knows of a person's security, without a secret and without a hash of one. Times in UTC. */
export interface SecurityData {
  readonly service: string
  readonly exportedAt: string
  readonly account: Readonly<Record<string, unknown>>
  readonly factors: readonly Readonly<Record<string, unknown>>[]
  readonly knownBrowsers: readonly Readonly<Record<string, unknown>>[]
  /** The marks that shut changes of the account for a while. */
  readonly marks: Readonly<Record<string, unknown>>
  readonly sessions: readonly Readonly<Record<string, unknown>>[]
  readonly events: readonly (Omit<OwnEvent, 'at'> & { readonly at: string })[]
}

export interface SecurityDataServices {
  readonly service: string
  readonly accounts: Accounts
  readonly audit: AuditTrail
  readonly statusOf: (accountId: string) => Promise<AccountStatus>
  readonly browsersOf: (accountId: string) => Promise<readonly KnownBrowserStatus[]>
  readonly doorsOf: (accountId: string) => Promise<Readonly<Record<string, unknown>>>
  readonly sessionsOf: (accountId: string) => Promise<readonly LiveSession[]>
}

/** Collects the data. Each member is named here, so that a new field of an account is not given out by accident (R31). */
export async function securityDataOf(
  services: SecurityDataServices,
  accountId: string,
  now: Instant,
): Promise<SecurityData> {
  const { service, accounts, audit } = services
  const account = (await accounts.byId(accountId))?.account
  const status = await services.statusOf(accountId)
  const events = await Array.fromAsync(allActivity(audit, { accountId, now }))
  const browsers = await services.browsersOf(accountId)
  const sessions = await services.sessionsOf(accountId)
  return {
    service,
    exportedAt: inWords(now),
    account: {
      id: accountId,
      username: account?.username,
      email: account?.email,
      emailVerified: account?.emailVerified,
      addresses: account?.addresses?.map(({ address, verifiedAt }) => ({
        address,
        verifiedAt: inWords(verifiedAt),
      })),
      groups: account?.groups,
      claims: account?.claims,
      language: account && chosenLanguage(account),
      lastLanguage: account?.locale,
      createdAt: inWords(account?.createdAt),
      firstSignInAt: inWords(status.firstSignInAt),
    },
    factors: status.factors.map(({ id, factor, name, createdAt, lastUsedAt, remaining }) => ({
      id,
      factor,
      name,
      createdAt: inWords(createdAt),
      lastUsedAt: inWords(lastUsedAt),
      remaining,
    })),
    knownBrowsers: browsers.map(browserInWords),
    marks: {
      lockedUntil: inWords(status.lockedUntil),
      codesDisabled: status.codesDisabled,
      passwordSuspected: status.passwordSuspected,
      lockedByOwnerAt: inWords(status.frozenAt),
      recovery: status.recovery?.state,
      changes: await services.doorsOf(accountId),
    },
    sessions: sessions.map(({ firstAt, lastAt, browser, network, clientIds }) => ({
      firstAt: inWords(firstAt),
      lastAt: inWords(lastAt),
      browser,
      network,
      apps: clientIds,
    })),
    events: events.map(({ at, ...event }) => ({ ...event, at: inWords(at) ?? '' })),
  }
}

function browserInWords({ firstSeenAt, lastSeenAt, name, network }: KnownBrowserStatus) {
  return {
    firstSeenAt: inWords(firstSeenAt),
    lastSeenAt: inWords(lastSeenAt),
    browser: name,
    network,
  }
}

function inWords(at: Instant): string
function inWords(at: Instant | undefined): string | undefined
function inWords(at: Instant | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at * 1000).toISOString()
}
