import { createHash } from 'node:crypto'
import { DAY_SECONDS, HOUR_SECONDS, type Instant } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { Counters } from '../../ports/counters.ts'
import type { OneTime } from '../../ports/one-time.ts'
import type { Clock, PasswordHasher, Random } from '../../ports/services.ts'
import type { AccountEvents } from '../notices/account-events.ts'
import type { Record } from '../observe/audit.ts'
import { isToken, keyOfToken, newToken, stampOf } from './one-time-link.ts'
import { contextWordsOf, judgePassword, type PasswordFault } from './password-policy.ts'
import { changeAccount } from './people.ts'
import { forgiveName } from './name-lock.ts'

/**
 * The lifetimes of links. An invitation has to wait until the person reads their mail; a reset is usually done during a
 * phone call (R36).
 */
const LIFE_SECONDS = {
  invitation: 3 * DAY_SECONDS,
  reset: DAY_SECONDS,
  enrolment: DAY_SECONDS,
} as const

export type LinkKind = keyof typeof LIFE_SECONDS

export interface SetUpLinkServices {
  readonly accounts: Accounts
  readonly oneTime: OneTime
  readonly counters: Counters
  readonly hasher: PasswordHasher
  readonly clock: Clock
  readonly random: Random
  readonly record: Record
  /** The issuer from which links are made, never from a request's host (R12). */
  readonly issuer: string
  readonly serviceName: string
  readonly minimumLength: number
  /** Ends sessions and sign-ins that were made with the old password (R20). */
  readonly passwordChanged: (accountId: string) => Promise<unknown>
  readonly epochOf: (accountId: string) => Promise<number>
  readonly change: AccountEvents['change']
}

export interface SetUpLink {
  readonly url: string
  readonly expiresAt: Instant
}

export type LinkUse =
  /** `proof`: the value for the cookie of the browser that used the link. */
  | { readonly outcome: 'done'; readonly account: Account; readonly proof: string }
  | { readonly outcome: 'refused'; readonly reason: PasswordFault }
  /** The link was used, has expired or never existed; the answer is the same. */
  | { readonly outcome: 'gone' }

export interface SetUpLinks {
  make(account: Account, kind: LinkKind): Promise<SetUpLink>
  /** The account of the link, without using it, because mail programs and browsers fetch links in advance. */
  look(token: string): Promise<Account | undefined>
  /** Whether the link sets a password. A link of kind `enrolment` only proves a first enrolment. */
  setsPassword(token: string): Promise<boolean>
  /** Sets the password, if the link sets one. The link is spent only if the password is acceptable. */
  use(token: string, password: string): Promise<LinkUse>
}

/** How long a used link allows a first factor to be set up, in the browser that used it. */
export const PROOF_SECONDS = HOUR_SECONDS

/** The path that a link leads to. The rest of the link is a secret and stays out of logs (R31). */
export const SET_UP_PATH = '/set-up'

const KIND = 'set-up'

/**
 * One-time links that set a password. An administrator sends a link and so never knows a password (R36). The use of a
 * link is the proof that a first enrolment requires (R10). It signs nobody in (R12).
 */
export function setUpLinks(services: SetUpLinkServices): SetUpLinks {
  const { accounts, oneTime, clock, record } = services

  const holder = async (value: unknown): Promise<Account | undefined> => {
    const link = parseLink(value)
    const account = link && (await accounts.byId(link.accountId))?.account
    // A link is void if the password was set after it was made: otherwise, of two links, the second use would undo the
    // first.
    return account?.disabledAt === undefined && account && link.stamp === stampOf(account)
      ? account
      : undefined
  }

  const peek = async (token: string): Promise<unknown> =>
    isToken(token) ? oneTime.peek(keyOfToken(KIND, token), clock.now()) : undefined
  const look = async (token: string): Promise<Account | undefined> => holder(await peek(token))

  /** The password stays; the link proves the first enrolment in this browser, and nothing else. */
  const prove = async (token: string): Promise<LinkUse> => {
    const taken = await oneTime.take(keyOfToken(KIND, token), clock.now())
    const account = await holder(taken)
    if (account?.passwordHash === undefined) return { outcome: 'gone' }
    const proved = await giveProof(services, account)
    return proved === undefined ? { outcome: 'gone' } : { outcome: 'done', ...proved }
  }

  return {
    look,

    async make(account, kind) {
      const token = newToken(services.random)
      const expiresAt = clock.now() + LIFE_SECONDS[kind]
      const value = { accountId: account.id, kind, stamp: stampOf(account), expiresAt }
      await oneTime.put(keyOfToken(KIND, token), value, expiresAt)
      await record('set-up-link-made', { accountId: account.id, detail: { reason: kind } })
      return { url: `${services.issuer}${SET_UP_PATH}/${token}`, expiresAt }
    },

    async setsPassword(token) {
      return parseLink(await peek(token))?.kind !== 'enrolment'
    },

    async use(token, typed) {
      const account = await look(token)
      if (account === undefined) return { outcome: 'gone' }
      if (parseLink(await peek(token))?.kind === 'enrolment') return prove(token)
      const verdict = await judgePassword(typed, {
        minimumLength: services.minimumLength,
        contextWords: contextWordsOf(account, services.serviceName),
      })
      if (!verdict.accepted) return { outcome: 'refused', reason: verdict.reason }
      const passwordHash = await services.hasher.hash(verdict.password)

      const now = clock.now()
      const taken = await oneTime.take(keyOfToken(KIND, token), now)
      const link = parseLink(taken)
      if (link === undefined || (await holder(taken)) === undefined) return { outcome: 'gone' }
      return setPassword(services, link, passwordHash)
    },
  }
}

/** Stores the password, and gives the proof of a first enrolment. */
async function setPassword(
  services: SetUpLinkServices,
  link: Link,
  passwordHash: string,
): Promise<LinkUse> {
  // It is called before the change, so that a crash in between leaves no session of the old password, and after it,
  // for sign-ins that were begun meanwhile.
  await services.passwordChanged(link.accountId)
  const set = await services.change(
    link.accountId,
    ({ enrolmentProof: _, passwordMailedTo: __, ...current }) =>
      stampOf(current) === link.stamp
        ? {
            ...current,
            passwordHash,
            passwordOrigin: link.kind === 'invitation' ? 'set-up-link' : 'reset',
            updatedAt: services.clock.now(),
          }
        : undefined,
    [{ type: 'password-set', detail: { reason: link.kind } }],
  )
  if (set === undefined) return { outcome: 'gone' }
  await services.passwordChanged(set.id)
  // The proof comes last, so that it is bound to the epoch that is valid from now on.
  const proved = await giveProof(services, set)
  if (proved === undefined) return { outcome: 'gone' }
  await forgiveName(services.counters, proved.account)
  return { outcome: 'done', ...proved }
}

/** Makes the proof for a first factor. Returns undefined if a reset has withdrawn the password meanwhile. */
async function giveProof(
  { accounts, clock, random, epochOf }: SetUpLinkServices,
  before: Account,
): Promise<{ readonly account: Account; readonly proof: string } | undefined> {
  const proof = newToken(random)
  const usedAt = clock.now()
  const enrolmentProof = {
    usedAt,
    until: usedAt + PROOF_SECONDS,
    epoch: await epochOf(before.id),
    browser: hashProof(proof),
  }
  const account = await changeAccount(accounts, before.id, (current) =>
    stampOf(current) === stampOf(before) ? { ...current, enrolmentProof } : undefined,
  )
  return account && { account, proof }
}

interface Link {
  readonly accountId: string
  readonly kind: LinkKind
  readonly stamp: string
  readonly expiresAt: Instant
}

function parseLink(value: unknown): Link | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const link = value as { readonly [key in keyof Link]?: unknown }
  return typeof link.accountId === 'string' &&
    Object.hasOwn(LIFE_SECONDS, String(link.kind)) &&
    typeof link.stamp === 'string' &&
    typeof link.expiresAt === 'number'
    ? (link as Link)
    : undefined
}

/** The hash by which an account recognises the cookie of the browser that used a link. */
export function hashProof(proof: string): string {
  return createHash('sha256').update(`enrolment-proof:${proof}`).digest('base64url')
}
