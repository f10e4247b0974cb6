import { accessEndings, endAccess } from '../domain/app-access.ts'
import { doorsOf, type Doors } from '../domain/doors.ts'
import { MfaError } from '../domain/errors.ts'
import type { RequestDetail } from '../domain/events.ts'
import { settleLocked } from '../domain/lock.ts'
import { settleMailedReset } from '../domain/mailed-reset.ts'
import { newRecord } from '../domain/mfa-record.ts'
import { isEnrolled, raiseEpoch, resetFactors, settlePasswordChanged } from '../domain/enrolment.ts'
import type { Authenticator } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import { recoveryState, type RecoveryState } from '../domain/recovery.ts'
import { delayGate, endWaits } from '../domain/throttle.ts'
import { isWayIn } from './change-factors.ts'
import { commit, loadRecord } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { markOfMailbox } from './mailbox.ts'
import { openState } from './sealed-state.ts'

/** The status that an administrator and the account's owner may see; it holds no secret (R36). */
export interface AccountStatus {
  readonly enrolled: boolean
  readonly factors: readonly FactorStatus[]
  /** Present while codes are refused without being examined. */
  readonly lockedUntil?: Instant
  readonly codesDisabled: boolean
  readonly passwordSuspected: boolean
  readonly knownBrowsers: number
  readonly epoch: number
  readonly firstSignInAt?: Instant
  /**
   * The last sign-in, or proof of a factor for a change, that was saved. A sign-in with the password alone in a known
   * browser saves nothing.
   */
  readonly lastSignInAt?: Instant
  readonly firstEnrolledAt?: Instant
  /**
   * Set if the account was imported with its second factor on and the factor could not be taken over: the next sign-in
   * sets one up, even if the policy requires none.
   */
  readonly mustEnrolSince?: Instant
  /** When another product's factors were taken over, or that there were none. */
  readonly importedAt?: Instant
  /** When the record last came from a backup and was made safe. */
  readonly restoredAt?: Instant
  /** Present while a recovery waits, or a replacement can be bound. */
  readonly recovery?: Exclude<RecoveryState, { state: 'none' }>
  /** When the owner locked the account, at the first press; absent: it is not locked, or a second factor was proved since. */
  readonly frozenAt?: Instant
}

export interface FactorStatus {
  readonly id: string
  readonly factor: string
  readonly name: string
  readonly createdAt: Instant
  readonly lastUsedAt?: Instant
  /**
   * Set if it was imported and is weaker than one that is set up here. It ends at this time; its owner has to set up
   * another before.
   */
  readonly renewBy?: Instant
  readonly remaining?: number
}

export async function readStatus(deps: Dependencies, accountId: string): Promise<AccountStatus> {
  const { record } = await loadRecord(deps, accountId)
  const { throttle, history } = record
  const gate = delayGate(throttle.unknownBrowsers, deps.clock.now())
  const recovery = recoveryState(record, deps.clock.now())
  return {
    enrolled: isEnrolled(record),
    factors: record.authenticators.map((authenticator) => {
      const { sealed: _, ...shown } = authenticator
      const remaining = remainingOf(deps, accountId, authenticator)
      return remaining === undefined ? shown : { ...shown, remaining }
    }),
    ...(!gate.open && gate.reason === 'code' ? { lockedUntil: gate.until } : {}),
    codesDisabled: throttle.codesDisabledAt !== undefined,
    passwordSuspected: throttle.passwordSuspectedAt !== undefined,
    knownBrowsers: record.browsers.length,
    epoch: record.epoch,
    ...(history.firstSignInAt === undefined ? {} : { firstSignInAt: history.firstSignInAt }),
    ...(history.lastSignInAt === undefined ? {} : { lastSignInAt: history.lastSignInAt }),
    ...(history.firstEnrolledAt === undefined ? {} : { firstEnrolledAt: history.firstEnrolledAt }),
    ...(history.mustEnrolSince === undefined ? {} : { mustEnrolSince: history.mustEnrolSince }),
    ...(history.importedAt === undefined ? {} : { importedAt: history.importedAt }),
    ...(history.restoredAt === undefined ? {} : { restoredAt: history.restoredAt }),
    ...(recovery.state === 'none' ? {} : { recovery }),
    ...(record.frozenAt === undefined ? {} : { frozenAt: record.frozenAt }),
  }
}

/**
 * Which changes the account allows now. A page may ask it to explain itself; a change asks it again on the record that
 * it saves.
 */
export async function readDoors(deps: Dependencies, accountId: string): Promise<Doors> {
  const { record } = await loadRecord(deps, accountId)
  return doorsOf(record, deps.clock.now(), deps.recovery)
}

/**
 * Removes every factor and ends sessions, grants and pending sign-ins (R36). The next sign-in enrols a factor again,
 * with a proof (R10). `factor`: only the authenticators of this factor go, unless only ones would be left that run out,
 * that end, or that the settings of their factor refuse.
 */
export async function resetAccount(
  deps: Dependencies,
  accountId: string,
  { factor }: { readonly factor?: string } = {},
): Promise<void> {
  await commit(deps, accountId, (record, now) => {
    const others =
      factor === undefined ? [] : record.authenticators.filter((one) => one.factor !== factor)
    const kept = others.some((one) => isWayIn(deps, record, one, now)) ? others : []
    return { outcome: undefined, ...resetFactors(record, now, kept) }
  })
}

/** How a password was changed. Without it: by its owner, or by an administrator. */
export interface ChangedByMail {
  readonly by: 'mail'
  /** The address to which the link was mailed. */
  readonly address: string
  /** When the link was asked for, in seconds since the Unix epoch. Default: now. */
  readonly askedAt?: Instant
}

/**
 * For every change of the password: ends the sessions and grants that were made with the old one, and the suspicion that
 * it is known to others (R2, R20). A password that was set by mail marks its mailbox (R9). False: the password must not
 * be set by mail now, because the account is locked, or a recovery has begun since the link was asked for.
 */
export async function passwordChanged(
  deps: Dependencies,
  accountId: string,
  how?: ChangedByMail,
): Promise<boolean> {
  return commit(deps, accountId, (record, now) => {
    if (how === undefined) return { outcome: true, ...settlePasswordChanged(record) }
    const { address, askedAt = now } = how
    const mailbox = markOfMailbox(deps, accountId, address)
    const settled = settleMailedReset(record, { mailbox, askedAt, now, settings: deps.recovery })
    return settled === undefined ? { outcome: false } : { outcome: true, ...settled }
  })
}

/**
 * Locks the account for its owner ("this was not me", R44): ends everything live and a running recovery, and shuts the
 * ways in by mail until a second factor is proved.
 */
export async function freezeAccount(
  deps: Dependencies,
  accountId: string,
  detail: RequestDetail = {},
): Promise<void> {
  await commit(deps, accountId, (record, now) => ({
    outcome: undefined,
    ...settleLocked(record, { now, detail }),
  }))
}

/**
 * Ends sessions, grants, refresh tokens and pending sign-ins without changing factors: for a disabled account, or after
 * a theft.
 */
export async function endEverything(
  deps: Dependencies,
  accountId: string,
  reason: string,
): Promise<void> {
  await commit(deps, accountId, (record) => ({ outcome: undefined, ...raiseEpoch(record, reason) }))
}

/**
 * The same for the owner, in a session of `epoch` that is to go on: the epochs are for `mfa.renewSession`. Undefined: the
 * account has another epoch now, so the session has ended (R42).
 */
export async function signOutElsewhere(
  deps: Dependencies,
  accountId: string,
  epoch: number,
): Promise<{ readonly from: number; readonly to: number } | undefined> {
  return commit<{ readonly from: number; readonly to: number } | undefined>(
    deps,
    accountId,
    (record) => {
      if (record.epoch !== epoch) return { outcome: undefined }
      const raised = raiseEpoch(record, 'signed-out-elsewhere')
      return { outcome: { from: epoch, to: raised.record.epoch }, ...raised }
    },
  )
}

/**
 * Ends every wait after wrong codes. The lock of the owner, codes that are turned off and a suspected password stay;
 * `reset` and `passwordChanged` end them.
 */
export async function unlockAccount(deps: Dependencies, accountId: string): Promise<void> {
  await commit(deps, accountId, (record, now) => ({
    outcome: undefined,
    record: endWaits(record, now),
  }))
}

/** Ends the access of an app to the account: every grant that was made before counts nowhere. */
export async function endAppAccess(
  deps: Dependencies,
  accountId: string,
  clientId: string,
): Promise<void> {
  await commit(deps, accountId, (record) => ({
    outcome: undefined,
    record: endAccess(record, clientId),
  }))
}

/** How often the access of an app was ended in the present epoch. */
export async function readAccessEndings(
  deps: Dependencies,
  accountId: string,
  clientId: string,
): Promise<number> {
  const { record } = await loadRecord(deps, accountId)
  return accessEndings(record, clientId)
}

/**
 * The account's epoch alone. The rest of the record is not parsed: an account with factors has a larger record, and the
 * time to parse it, before the password is checked, would show that the account has factors (R33). Throws MfaError
 * `record-unreadable`.
 */
export async function readEpoch(deps: Dependencies, accountId: string): Promise<number> {
  const stored = await deps.storage.records.load(accountId)
  const epoch = stored?.record === undefined ? newRecord(accountId).epoch : stored.record.epoch
  if (typeof epoch === 'number' && Number.isSafeInteger(epoch))
    return epoch + (stored?.passwordChanged?.times ?? 0)
  throw new MfaError('record-unreadable', 'The MFA record has no epoch')
}

/**
 * Uses left of an authenticator; undefined where they are not limited. Opens only states that have uses to count, so
 * that a status can be read although a key is missing.
 */
export function remainingOf(
  deps: Dependencies,
  accountId: string,
  authenticator: Authenticator,
): number | undefined {
  const factor = deps.factors.get(authenticator.factor)
  if (factor?.remaining === undefined) return undefined
  const state: unknown = factor.parseState(openState(deps.box, accountId, authenticator))
  return factor.remaining(state)
}
