import { HOUR_SECONDS } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { CounterLimit, Counters } from '../../ports/counters.ts'
import type { Clock, PasswordHasher } from '../../ports/services.ts'
import type { AccountEvents } from '../notices/account-events.ts'
import { stampOf } from './one-time-link.ts'
import {
  contextWordsOf,
  isTooLong,
  judgePassword,
  normalisePassword,
  type PasswordFault,
} from './password-policy.ts'
import type { Sender } from './forgotten-password.ts'
import { forgiveName } from './name-lock.ts'

export interface PasswordChangeServices {
  readonly accounts: Accounts
  readonly counters: Counters
  /** Verifies the present password, imported hashes too. */
  readonly passwords: PasswordHasher
  /** Makes the hash of the new one. */
  readonly hasher: PasswordHasher
  readonly clock: Clock
  /** Changes the account and tells of it. */
  readonly change: AccountEvents['change']
  readonly serviceName: string
  readonly minimumLength: number
  /** Ends what the old password opened, and raises the epoch by one (R20). */
  readonly passwordChanged: (accountId: string) => Promise<unknown>
  readonly epochOf: (accountId: string) => Promise<number>
}

export interface PasswordChange {
  readonly accountId: string
  readonly current: string
  readonly password: string
  /** Whether the proof of this change was a second factor; without one it was the password. */
  readonly byFactor: boolean
  /** Consumes the proof of this change. False: there is none any more. */
  readonly spendProof: () => Promise<boolean>
  readonly sender: Sender
}

export type PasswordChangeOutcome =
  /** The epochs before and after, for the session that goes on. */
  | { readonly outcome: 'done'; readonly epochs: { readonly from: number; readonly to: number } }
  | { readonly outcome: 'refused'; readonly reason: PasswordFault | 'wrong' | 'too-many' }
  /** The proof was spent or is too old, or somebody else has changed the account meanwhile. */
  | { readonly outcome: 'stale' }

/** Wrong present passwords of one account, by somebody who holds a session and a proof. */
const WRONG: CounterLimit = { limit: 10, windowSeconds: HOUR_SECONDS }

/**
 * Changes the password of a person who is signed in, and knows the present one. The new one is judged before the proof
 * is consumed, so that a person who has to choose another does not prove a factor again.
 */
export function passwordChanges(services: PasswordChangeServices) {
  const { accounts, counters, clock, epochOf } = services

  return async (asked: PasswordChange): Promise<PasswordChangeOutcome> => {
    const { accountId } = asked
    const from = await epochOf(accountId)
    const account = (await accounts.byId(accountId))?.account
    if (account?.passwordHash === undefined || account.disabledAt !== undefined)
      return { outcome: 'stale' }
    const key = `password-change:${accountId}`
    // It is reserved before the check, so that parallel guesses are counted.
    const { allowed } = await counters.reserve(key, WRONG, clock.now())
    if (!allowed) return { outcome: 'refused', reason: 'too-many' }
    if (!(await isPresent(services.passwords, account.passwordHash, asked.current)))
      return { outcome: 'refused', reason: 'wrong' }
    await counters.reset(key)
    const verdict = await judgePassword(asked.password, {
      minimumLength: services.minimumLength,
      contextWords: contextWordsOf(account, services.serviceName),
    })
    if (!verdict.accepted) return { outcome: 'refused', reason: verdict.reason }
    const passwordHash = await services.hasher.hash(verdict.password)
    if (!(await asked.spendProof())) return { outcome: 'stale' }
    const to = await replace(services, asked, { account, passwordHash, from })
    return to === undefined ? { outcome: 'stale' } : { outcome: 'done', epochs: { from, to } }
  }
}

async function isPresent(hasher: PasswordHasher, hash: string, typed: string): Promise<boolean> {
  const password = normalisePassword(typed)
  return !isTooLong(password) && (await hasher.verify(hash, password))
}

/**
 * The epoch is raised before the change, so that a crash in between leaves no session of the old password, and after it,
 * for sign-ins that were begun meanwhile. It has to be the next one: somebody who has signed out everywhere since the
 * page was opened wins.
 */
async function replace(
  { clock, change, counters, epochOf, passwordChanged }: PasswordChangeServices,
  { accountId, byFactor, sender }: PasswordChange,
  made: { readonly account: Account; readonly passwordHash: string; readonly from: number },
): Promise<number | undefined> {
  await passwordChanged(accountId)
  if ((await epochOf(accountId)) !== made.from + 1) return undefined
  const stamp = stampOf(made.account)
  const set = await change(
    accountId,
    (current) =>
      stampOf(current) === stamp && current.disabledAt === undefined
        ? withOwnPassword(current, made.passwordHash, { byFactor, now: clock.now() })
        : undefined,
    [{ type: 'password-changed', detail: { ...sender, reason: 'owner' } }],
  )
  if (set === undefined) return undefined
  await passwordChanged(accountId)
  await forgiveName(counters, set)
  return made.from + 2
}

/**
 * A password that its owner has chosen. The mark of one that came by mail stays where no second factor was proved for
 * the change: otherwise somebody with the mailbox alone would only have to change the password once more (R9).
 */
function withOwnPassword(
  { enrolmentProof: _, passwordMailedTo, ...account }: Account,
  passwordHash: string,
  { byFactor, now }: { readonly byFactor: boolean; readonly now: number },
): Account {
  const changed = { ...account, passwordHash, updatedAt: now }
  return passwordMailedTo === undefined || byFactor
    ? { ...changed, passwordOrigin: 'owner' }
    : { ...changed, passwordMailedTo }
}
