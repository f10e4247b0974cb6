import { DAY_SECONDS, HOUR_SECONDS, type Instant } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { CounterLimit, Counters } from '../../ports/counters.ts'
import type { OneTime } from '../../ports/one-time.ts'
import type { Clock, Random } from '../../ports/services.ts'
import type { AccountEvents } from '../notices/account-events.ts'
import { isOwnAddress, withAddressesOf, withEmail } from './addresses.ts'
import type { Sender } from './forgotten-password.ts'
import { isAddress, normaliseName } from './name.ts'
import { isToken, keyOfToken, newToken } from './one-time-link.ts'

/** How long the link to a new address is good. */
export const CONFIRM_SECONDS = DAY_SECONDS

/** The path that a link leads to. The rest of the link is a secret and stays out of logs (R31). */
export const CONFIRM_PATH = '/email/confirm'

export interface EmailChangeServices {
  readonly accounts: Accounts
  readonly oneTime: OneTime
  readonly counters: Counters
  readonly clock: Clock
  readonly random: Random
  /** Changes the account and tells of it. */
  readonly change: AccountEvents['change']
  /** The issuer from which links are made, never from a request's host (R12). */
  readonly issuer: string
  readonly epochOf: (accountId: string) => Promise<number>
}

export type EmailJudged =
  | { readonly outcome: 'fit'; readonly address: string }
  | { readonly outcome: 'refused'; readonly reason: 'unfit' | 'own' }

/** A link to a new address, and the account that it will be the address of. */
export interface EmailLink {
  readonly account: Account
  readonly address: string
}

export interface EmailChanges {
  /** Judges an address as typed, before the proof of the change is consumed. */
  judge(account: Account, typed: string): EmailJudged
  /**
   * Makes a link for the new address. `epoch`: that of the session which has asked. Undefined: it is not that of the
   * account any more, the address is somebody's, or the account has asked too often. The page says the same in each
   * case, and this runs after its answer (R33): the owner may have locked the account meanwhile.
   */
  make(
    account: Account,
    address: string,
    epoch: number,
  ): Promise<{ readonly url: string; readonly expiresAt: Instant } | undefined>
  /** The change of a link, without making it: mail scanners fetch the links in a mail. */
  look(token: string): Promise<EmailLink | undefined>
  /** Makes the change. Undefined: the link was used, is late or void, or the address is somebody's now. */
  use(token: string, sender: Sender): Promise<Account | undefined>
}

/** The links that one account may have mailed to others in an hour. */
const MAILS: CounterLimit = { limit: 5, windowSeconds: HOUR_SECONDS }

/**
 * One-time links that give an account another address. The link goes to the new address and shows that the owner reads
 * mail there. It is void once the epoch has changed: an owner who signs out everywhere ends the change that a thief of
 * the session has begun.
 */
export function emailChanges(services: EmailChangeServices): EmailChanges {
  const { accounts, oneTime, counters, clock, epochOf } = services

  const isFree = async (address: string, accountId: string): Promise<boolean> => {
    const name = normaliseName(address)
    const holder = name === undefined ? undefined : await accounts.byName(name)
    return name !== undefined && (holder === undefined || holder.account.id === accountId)
  }
  const follow = async (value: unknown): Promise<(EmailLink & Pick<Link, 'epoch'>) | undefined> => {
    const link = parseLink(value)
    if (link === undefined) return undefined
    const account = (await accounts.byId(link.accountId))?.account
    if (account === undefined || account.disabledAt !== undefined) return undefined
    if ((await epochOf(account.id)) !== link.epoch) return undefined
    return { account, address: link.address, epoch: link.epoch }
  }
  return {
    judge(account, typed) {
      const address = typed.trim()
      if (!isAddress(address) || normaliseName(address) === undefined)
        return { outcome: 'refused', reason: 'unfit' }
      const isPresent =
        account.emailVerified && isOwnAddress({ ...account, addresses: [] }, address)
      return isPresent ? { outcome: 'refused', reason: 'own' } : { outcome: 'fit', address }
    },

    async make(account, address, epoch) {
      if ((await epochOf(account.id)) !== epoch) return undefined
      const { allowed } = await counters.reserve(`email-change:${account.id}`, MAILS, clock.now())
      if (!allowed || !(await isFree(address, account.id))) return undefined
      const token = newToken(services.random)
      const expiresAt = clock.now() + CONFIRM_SECONDS
      const link = { accountId: account.id, address, epoch }
      await oneTime.put(keyOfToken(KIND, token), link, expiresAt)
      return { url: `${services.issuer}${CONFIRM_PATH}/${token}`, expiresAt }
    },

    look: async (token) =>
      isToken(token) ? follow(await oneTime.peek(keyOfToken(KIND, token), clock.now())) : undefined,

    async use(token, sender) {
      if (!isToken(token)) return undefined
      const link = await follow(await oneTime.take(keyOfToken(KIND, token), clock.now()))
      if (link === undefined || !(await isFree(link.address, link.account.id))) return undefined
      try {
        const made = await store(services, link, sender)
        if (made === undefined) return undefined
        // The owner may have locked the account since the epoch was read. The lock wins: the old address comes back (R44).
        if ((await epochOf(link.account.id)) === link.epoch) return made.set
        await undo(services, made, sender)
        return undefined
      } catch (error) {
        // Somebody else got the address between the look and the write.
        if (!(await isFree(link.address, link.account.id))) return undefined
        throw error
      }
    },
  }
}

async function store(
  { change, clock }: EmailChangeServices,
  { account: { id }, address }: EmailLink,
  sender: Sender,
): Promise<Made | undefined> {
  let before: Account | undefined
  const set = await change(
    id,
    (account) => {
      before = account
      return account.disabledAt === undefined ? withEmail(account, address, clock.now()) : undefined
    },
    [{ type: 'email-changed', detail: sender }],
  )
  return set === undefined || before === undefined ? undefined : { set, before }
}

/** Leaves the account alone if it has yet another address by now. */
async function undo(
  { change, clock }: EmailChangeServices,
  { set, before }: Made,
  sender: Sender,
): Promise<void> {
  await change(
    set.id,
    (account) =>
      account.email === set.email ? withAddressesOf(account, before, clock.now()) : undefined,
    [{ type: 'email-changed', detail: sender }],
  )
}

const KIND = 'email-change'

/** The account before and after a change. */
interface Made {
  readonly before: Account
  readonly set: Account
}

interface Link {
  readonly accountId: string
  readonly address: string
  readonly epoch: number
}

function parseLink(value: unknown): Link | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const link = value as { readonly [key in keyof Link]?: unknown }
  return typeof link.accountId === 'string' &&
    typeof link.address === 'string' &&
    typeof link.epoch === 'number'
    ? (link as Link)
    : undefined
}
