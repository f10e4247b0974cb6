import { createHash } from 'node:crypto'
import { HOUR_SECONDS, MINUTE_SECONDS, type Instant } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { CounterLimit, Counters } from '../../ports/counters.ts'
import type { OneTime } from '../../ports/one-time.ts'
import type { Clock, Random, SecretBox } from '../../ports/services.ts'
import type { AccountEvents } from '../notices/account-events.ts'
import { isOwnAddress, MOST_ADDED, withAddress, withoutAddress } from './addresses.ts'
import type { Sender } from './forgotten-password.ts'
import { isAddress, normaliseName } from './name.ts'

/** How long the code for a new address is good (R3). */
export const CODE_SECONDS = 10 * MINUTE_SECONDS

export interface AddedAddressServices {
  readonly accounts: Accounts
  readonly oneTime: OneTime
  readonly counters: Counters
  readonly clock: Clock
  readonly random: Random
  /** Makes the MACs of codes: a copy of the storage does not tell a code of eight digits. */
  readonly macs: Pick<SecretBox, 'mac' | 'verifyMac'>
  /** Changes the account and tells of it. */
  readonly change: AccountEvents['change']
  readonly epochOf: (accountId: string) => Promise<number>
}

export type AddressJudged =
  | { readonly outcome: 'fit'; readonly address: string }
  | { readonly outcome: 'refused'; readonly reason: 'unfit' | 'own' | 'full' }

/** The person in whose session a code was asked for. It is worth nothing in another session (R41). */
export interface CodePlace {
  readonly accountId: string
  readonly sessionUid: string
}

export interface AddedAddresses {
  /** Judges an address as typed, before the proof of the change is consumed. */
  judge(account: Account, typed: string): AddressJudged
  /**
   * Makes the code that is mailed to the address; an earlier one ends. `epoch`: that of the session which has asked.
   * Undefined: it is not that of the account any more, or there were too many in this hour.
   */
  begin(
    place: CodePlace,
    address: string,
    epoch: number,
  ): Promise<{ readonly code: string; readonly expiresAt: Instant } | undefined>
  /** The address that waits for its code in this session. */
  waiting(place: CodePlace): Promise<string | undefined>
  /** `gone`: no code waits any more, because its time or its five tries are over, or it was used. */
  confirm(place: CodePlace, typed: string, sender: Sender): Promise<'added' | 'wrong' | 'gone'>
  /** False: the account has no such address beside its own. */
  remove(accountId: string, address: string, sender: Sender): Promise<boolean>
}

const MAILS: CounterLimit = { limit: 5, windowSeconds: HOUR_SECONDS }
const TRIES: CounterLimit = { limit: 5, windowSeconds: CODE_SECONDS }
const DIGITS = 8
const CODE = 'address-code'

/**
 * Up to two more addresses of an account, for notices and recovery (R44). A mailed code shows that the owner reads mail
 * there. It is good once, for ten minutes and five tries, in the session that has asked for it, and void once the epoch
 * has changed.
 */
export function addedAddresses(services: AddedAddressServices): AddedAddresses {
  const { oneTime, counters, clock, macs, change, epochOf } = services

  const pendingIn = async (place: CodePlace): Promise<Pending | undefined> => {
    const pending = parsePending(await oneTime.peek(keyOf(place), clock.now()))
    return pending !== undefined && (await epochOf(place.accountId)) === pending.epoch
      ? pending
      : undefined
  }

  const remove: AddedAddresses['remove'] = async (accountId, address, sender) => {
    const removed = await change(
      accountId,
      (account) => withoutAddress(account, address, clock.now()),
      [{ type: 'address-removed', detail: sender }],
    )
    return removed !== undefined
  }

  return {
    judge(account, typed) {
      const address = typed.trim()
      const refused = (reason: 'unfit' | 'own' | 'full') =>
        ({ outcome: 'refused', reason }) as const
      if (!isAddress(address) || normaliseName(address) === undefined) return refused('unfit')
      if (isOwnAddress(account, address)) return refused('own')
      if ((account.addresses ?? []).length >= MOST_ADDED) return refused('full')
      return { outcome: 'fit', address }
    },

    async begin(place, address, epoch) {
      if ((await epochOf(place.accountId)) !== epoch) return undefined
      const { allowed } = await counters.reserve(`address:${place.accountId}`, MAILS, clock.now())
      if (!allowed) return undefined
      const code = drawCode(services.random)
      const expiresAt = clock.now() + CODE_SECONDS
      const pending = { address, epoch, mac: macs.mac(CODE, messageOf(place, address, code)) }
      await oneTime.put(keyOf(place), pending, expiresAt)
      return { code, expiresAt }
    },

    waiting: async (place) => (await pendingIn(place))?.address,

    async confirm(place, typed, sender) {
      const pending = await pendingIn(place)
      if (pending === undefined) return 'gone'
      const { address, mac } = pending
      // It is reserved before the comparison, so that parallel guesses are counted.
      const { allowed } = await counters.reserve(`address-code:${mac}`, TRIES, clock.now())
      if (!allowed) return 'gone'
      const message = messageOf(place, address, normaliseCode(typed))
      if (!macs.verifyMac(CODE, message, mac)) return 'wrong'
      const taken = parsePending(await oneTime.take(keyOf(place), clock.now()))
      if (taken?.mac !== mac) return 'gone'
      const added = await change(
        place.accountId,
        (account) => withAddress(account, address, clock.now()),
        [{ type: 'address-added', detail: sender }],
      )
      if (added === undefined) return 'gone'
      // The owner may have locked the account since the epoch was read. The lock wins: the address goes again (R44).
      if ((await epochOf(place.accountId)) === pending.epoch) return 'added'
      await remove(place.accountId, address, sender)
      return 'gone'
    },

    remove,
  }
}

interface Pending {
  readonly address: string
  readonly epoch: number
  readonly mac: string
}

function parsePending(value: unknown): Pending | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const pending = value as { readonly [key in keyof Pending]?: unknown }
  return typeof pending.address === 'string' &&
    typeof pending.epoch === 'number' &&
    typeof pending.mac === 'string'
    ? (pending as Pending)
    : undefined
}

/** One for each session; the storage shows neither the session nor the person. */
function keyOf({ accountId, sessionUid }: CodePlace): string {
  const place = JSON.stringify(['added-address', accountId, sessionUid])
  return `added-address:${createHash('sha256').update(place).digest('base64url')}`
}

function drawCode(random: Random): string {
  const number = Buffer.from(random.bytes(8)).readBigUInt64BE() % 10n ** BigInt(DIGITS)
  return number.toString().padStart(DIGITS, '0')
}

/** People type a code with spaces and hyphens. */
function normaliseCode(typed: string): string {
  return typed.normalize('NFKC').replaceAll(/[\s\p{Pd}]/gu, '')
}

function messageOf({ accountId, sessionUid }: CodePlace, address: string, code: string): string {
  return JSON.stringify([accountId, sessionUid, address, code])
}
