import { MfaError, type ErrorCode } from '../../domain/errors.ts'
import type { Instant } from '../../domain/time.ts'
import type { AccountStatus } from '../../index.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { AuditTrail } from '../../ports/audit-trail.ts'
import { accountBatches } from './batches.ts'

/**
 * The protection of an account beside its password. `weak`: no authenticator that lasts, only imported ones that end, or
 * ones that run out. `unreadable`: its record cannot be opened, for example because a key is missing.
 */
export type SecondFactor = 'none' | 'weak' | 'lasting' | 'unreadable'

/** A person as a list for administrators has them. */
export interface ListedPerson {
  readonly account: Account
  readonly secondFactor: SecondFactor
  readonly factors: AccountStatus['factors']
  /** Undefined: there was none. */
  readonly lastSignInAt?: Instant
}

export interface PeopleQuery {
  /** `any`: with a second factor, weak or not. */
  readonly mfa?: 'none' | 'weak' | 'any'
  readonly group?: string
  /** Only people whose last sign-in was before this time, or who have never signed in. */
  readonly lastBefore?: Instant
  /** Only accounts whose id comes after this one. */
  readonly after?: string
  /** The most people to return. */
  readonly limit: number
}

export interface PeoplePage {
  /** In order of the accounts' ids. */
  readonly people: readonly ListedPerson[]
  /** The next page has the accounts after this id. Undefined: this is the last page. */
  readonly next?: string
}

export interface FindPeopleServices {
  readonly accounts: Pick<Accounts, 'list'>
  readonly audit: Pick<AuditTrail, 'list'>
  readonly statusOf: (accountId: string) => Promise<AccountStatus>
}

/**
 * One page of people. It reads accounts in batches until the page is full and one person more is found: without filters
 * that is the page itself, with filters it may be all accounts after `after`. No more than a page and a batch is in
 * memory.
 */
export async function findPeople(
  services: FindPeopleServices,
  query: PeopleQuery,
): Promise<PeoplePage> {
  const people: ListedPerson[] = []
  let examined: string | undefined
  for await (const batch of accountBatches(services.accounts, query.after)) {
    const candidates = batch.filter((account) => isInGroup(account, query.group))
    const wanted = needsRecords(query) ? candidates.length : query.limit + 1 - people.length
    const described = await Promise.all(
      candidates.slice(0, wanted).map((account) => describe(services, account)),
    )
    for (const person of described) {
      if (isAskedFor(person, query)) {
        // This person is on the next page, which begins after the one before.
        if (people.length === query.limit)
          return { people, ...(examined === undefined ? {} : { next: examined }) }
        people.push(person)
      }
      examined = person.account.id
    }
  }
  return { people }
}

function isInGroup({ groups }: Account, group: string | undefined): boolean {
  return group === undefined || groups.includes(group)
}

/** Whether the query asks for something that the account alone does not tell. */
function needsRecords({ mfa, lastBefore }: PeopleQuery): boolean {
  return mfa !== undefined || lastBefore !== undefined
}

function isAskedFor(
  { secondFactor, lastSignInAt }: ListedPerson,
  { mfa, lastBefore }: PeopleQuery,
): boolean {
  // A record that cannot be opened tells neither of the two.
  if (secondFactor === 'unreadable') return mfa === undefined && lastBefore === undefined
  const isOfKind =
    mfa === undefined || (mfa === 'any' ? secondFactor !== 'none' : secondFactor === mfa)
  return isOfKind && (lastBefore === undefined || (lastSignInAt ?? -Infinity) < lastBefore)
}

async function describe(services: FindPeopleServices, account: Account): Promise<ListedPerson> {
  try {
    const status = await services.statusOf(account.id)
    const lastSignInAt = await lastSignInOf(services, account, status)
    return {
      account,
      secondFactor: secondFactorOf(status),
      factors: status.factors,
      ...(lastSignInAt === undefined ? {} : { lastSignInAt }),
    }
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return { account, secondFactor: 'unreadable', factors: [] }
  }
}

function secondFactorOf({ factors }: AccountStatus): SecondFactor {
  if (factors.length === 0) return 'none'
  const lasts = factors.some(
    ({ renewBy, remaining }) => renewBy === undefined && remaining === undefined,
  )
  return lasts ? 'lasting' : 'weak'
}

/**
 * The record has each sign-in with a second factor. With the password alone a sign-in in a known browser saves nothing
 * in it, so that the trail has the time: the last accepted password, of an account that has ever signed in.
 */
async function lastSignInOf(
  { audit }: FindPeopleServices,
  { id }: Account,
  { enrolled, firstSignInAt, lastSignInAt = firstSignInAt }: AccountStatus,
): Promise<Instant | undefined> {
  if (enrolled || lastSignInAt === undefined) return lastSignInAt
  const [accepted] = await audit.list({ accountId: id, type: 'password-accepted', limit: 1 })
  return Math.max(lastSignInAt, accepted?.at ?? lastSignInAt)
}

function isUnreadable(error: unknown): boolean {
  const codes: readonly ErrorCode[] = ['key-missing', 'seal-broken', 'record-unreadable']
  return error instanceof MfaError && codes.includes(error.code)
}
