import type { RequestDetail } from '../../domain/events.ts'
import { MINUTE_SECONDS, type Instant } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { Counters } from '../../ports/counters.ts'
import type { OneTime } from '../../ports/one-time.ts'
import type { Clock, PasswordHasher, Random } from '../../ports/services.ts'
import type { AccountEvents } from '../notices/account-events.ts'
import { isToken, keyOfToken, newToken, stampOf } from './one-time-link.ts'
import { contextWordsOf, judgePassword, type PasswordFault } from './password-policy.ts'
import { forgiveName } from './name-lock.ts'

/** How long a mailed link is good (R3). */
export const RESET_SECONDS = 10 * MINUTE_SECONDS

/** The path that a link leads to. The rest of the link is a secret and stays out of logs (R31). */
export const RESET_PATH = '/password/reset'

/** A password that came by mail, the address that received the link, and the time at which it was asked for. */
export interface ByMail {
  readonly by: 'mail'
  readonly address: string
  readonly askedAt: Instant
}

export interface ResetLinkServices {
  readonly accounts: Accounts
  readonly oneTime: OneTime
  readonly counters: Counters
  readonly hasher: PasswordHasher
  readonly clock: Clock
  readonly random: Random
  /** The issuer from which links are made, never from a request's host (R12). */
  readonly issuer: string
  readonly serviceName: string
  readonly minimumLength: number
  /**
   * Ends what the old password opened and raises the epoch by one (R20). With `how` it marks the password as mailed
   * (R9), unless the account is locked or a recovery has begun since the link was asked for: the answer is false then.
   */
  readonly passwordChanged: (accountId: string, how?: ByMail) => Promise<boolean>
  readonly epochOf: (accountId: string) => Promise<number>
  readonly change: AccountEvents['change']
}

interface Replacement {
  readonly link: Link
  readonly passwordHash: string
  readonly detail: RequestDetail
}

export interface ResetLink {
  readonly url: string
  readonly expiresAt: Instant
}

export type ResetUse =
  | { readonly outcome: 'done'; readonly account: Account; readonly address: string }
  | { readonly outcome: 'refused'; readonly reason: PasswordFault }
  /** The link was used, has expired, is void or never existed; the answer is the same. */
  | { readonly outcome: 'gone' }

export interface ResetLinks {
  /** Makes a link for the mailbox of this address. */
  make(account: Account, address: string): Promise<ResetLink>
  /** The account of the link, without using it: mail scanners fetch the links in a mail. */
  look(token: string): Promise<Account | undefined>
  /** Sets the password and tells its owner. The link is spent only if the password is acceptable. */
  use(token: string, password: string, detail: RequestDetail): Promise<ResetUse>
}

/**
 * One-time links that replace a forgotten password, each mailed to the account's verified address. A link signs nobody
 * in and is no second factor (R12). It is void once the password, the address or the epoch has changed: somebody who
 * notices the mail of an attacker ends the link with "this was not me".
 */
export function resetLinks(services: ResetLinkServices): ResetLinks {
  const { accounts, oneTime, clock, epochOf } = services

  const holder = async (link: Link | undefined): Promise<Account | undefined> => {
    if (link === undefined) return undefined
    const account = (await accounts.byId(link.accountId))?.account
    if (account === undefined || !isHeldBy(account, link)) return undefined
    return (await epochOf(account.id)) === link.epoch ? account : undefined
  }
  const look = async (token: string): Promise<Account | undefined> =>
    isToken(token)
      ? holder(parseLink(await oneTime.peek(keyOfToken(KIND, token), clock.now())))
      : undefined

  return {
    look,

    async make(account, address) {
      const token = newToken(services.random)
      const askedAt = clock.now()
      const expiresAt = askedAt + RESET_SECONDS
      // The epoch is read first: a change between the two reads makes the link void.
      const epoch = await epochOf(account.id)
      const link = { accountId: account.id, address, epoch, stamp: stampOf(account), askedAt }
      await oneTime.put(keyOfToken(KIND, token), link, expiresAt)
      return { url: `${services.issuer}${RESET_PATH}/${token}`, expiresAt }
    },

    async use(token, typed, detail) {
      const account = await look(token)
      if (account === undefined) return { outcome: 'gone' }
      const verdict = await judgePassword(typed, {
        minimumLength: services.minimumLength,
        contextWords: contextWordsOf(account, services.serviceName),
      })
      if (!verdict.accepted) return { outcome: 'refused', reason: verdict.reason }
      const passwordHash = await services.hasher.hash(verdict.password)
      const link = parseLink(await oneTime.take(keyOfToken(KIND, token), clock.now()))
      if (link === undefined || (await holder(link)) === undefined) return { outcome: 'gone' }
      const set = await replacePassword(services, { link, passwordHash, detail })
      if (set === undefined) return { outcome: 'gone' }
      await forgiveName(services.counters, set)
      return { outcome: 'done', account: set, address: link.address }
    },
  }
}

/**
 * The epoch is raised before the change, so that a crash in between leaves no session of the old password, and after it,
 * for sign-ins that were begun meanwhile. It has to be the next one after the link's: otherwise the owner has signed out
 * everywhere since the link was looked at, and the link is void.
 *
 * A lock by the owner either comes before the first raise, and the link is void, or the reset counts as made before it
 * and leaves the lock as it is. The second raise therefore asks nothing: were it refused, a sign-in that was begun with
 * the old password after the lock would go on (R20).
 */
async function replacePassword(
  { change, clock, epochOf, passwordChanged }: ResetLinkServices,
  { link, passwordHash, detail }: Replacement,
): Promise<Account | undefined> {
  const { accountId, address, askedAt } = link
  const how: ByMail = { by: 'mail', address, askedAt }
  if (!(await passwordChanged(accountId, how))) return undefined
  if ((await epochOf(accountId)) !== link.epoch + 1) return undefined
  const replace = ({ enrolmentProof: _, ...current }: Account): Account | undefined =>
    isHeldBy(current, link)
      ? {
          ...current,
          passwordHash,
          passwordOrigin: 'mail',
          passwordMailedTo: address,
          updatedAt: clock.now(),
        }
      : undefined
  const set = await change(accountId, replace, [
    { type: 'password-reset-used', detail },
    { type: 'password-changed', detail: { ...detail, reason: 'mail' } },
  ])
  if (set !== undefined) await passwordChanged(accountId)
  return set
}

/** Why no link is mailed for an account. `address`: where to mail it. */
export type ResetVerdict =
  { readonly address: string } | { readonly refused: 'disabled' | 'no-password' | 'no-address' }

/**
 * Whether a forgotten password may be replaced by mail. An account without a password waits for the link of an
 * administrator, who may have taken the password away because the mailbox is not its owner's alone.
 */
export function mayReset({
  disabledAt,
  passwordHash,
  email,
  emailVerified,
}: Account): ResetVerdict {
  if (disabledAt !== undefined) return { refused: 'disabled' }
  if (passwordHash === undefined) return { refused: 'no-password' }
  return email === undefined || !emailVerified ? { refused: 'no-address' } : { address: email }
}

const KIND = 'password-reset'

interface Link {
  readonly accountId: string
  readonly address: string
  readonly epoch: number
  readonly stamp: string
  readonly askedAt: Instant
}

function isHeldBy(account: Account, link: Link): boolean {
  const verdict = mayReset(account)
  return 'address' in verdict && verdict.address === link.address && stampOf(account) === link.stamp
}

function parseLink(value: unknown): Link | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const link = value as { readonly [key in keyof Link]?: unknown }
  return typeof link.accountId === 'string' &&
    typeof link.address === 'string' &&
    typeof link.epoch === 'number' &&
    typeof link.stamp === 'string' &&
    typeof link.askedAt === 'number'
    ? (link as Link)
    : undefined
}
