import type { Acceptance, Passed, Settled } from './attempt.ts'
import {
  doorsOf,
  spentMailbox,
  YOUNG_SECONDS,
  type DoorSettings,
  type ShutReason,
} from './doors.ts'
import { isEnrolled, OWNER_PROOF_SECONDS, settleEnrolled, type IssuedSet } from './enrolment.ts'
import type { CancelReason, EventDraft, RecoveryDetail, RequestDetail } from './events.ts'
import type { BrowserClass } from './known-browser.ts'
import type { MfaRecord, Recovery } from './mfa-record.ts'
import { DAY_SECONDS, HOUR_SECONDS, type Instant } from './time.ts'

/**
 * The way back in for a person who has lost every factor (R9): the password and a mailed code begin a wait; after it,
 * the password and another mailed code bind a replacement. docs/reference/recovery.md shows the states.
 */

const RECOVERY_WAIT_SECONDS = 72 * HOUR_SECONDS
const RECOVERY_BIND_SECONDS = 7 * DAY_SECONDS
/** A younger address is no proof (R9). An attacker who can add an address would otherwise add their own. */
const YOUNG_ADDRESS_SECONDS = 7 * DAY_SECONDS
/** After this many cancellations within the window an administrator decides. */
const MOST_CANCELLATIONS = 2
const CANCELLATION_WINDOW_SECONDS = 30 * DAY_SECONDS
/** Wrong mailed codes of recovery in an hour, over all browsers. */
const MOST_RECOVERY_FAILURES = 5

export interface RecoverySettings extends DoorSettings {
  readonly waitSeconds: number
  readonly bindSeconds: number
}

/** The settings of a deployment that sets none. */
export const RECOVERY_DEFAULTS: RecoverySettings = {
  waitSeconds: RECOVERY_WAIT_SECONDS,
  bindSeconds: RECOVERY_BIND_SECONDS,
  youngSeconds: YOUNG_SECONDS,
}

/** The state of a recovery at a time. `none`: there is none, or its time is over. */
export type RecoveryState =
  | { readonly state: 'none' }
  | { readonly state: 'waiting'; readonly since: Instant; readonly until: Instant }
  | { readonly state: 'open'; readonly since: Instant; readonly until: Instant }

export function recoveryState({ recovery }: MfaRecord, now: Instant): RecoveryState {
  if (recovery === undefined || now >= recovery.endsAt) return { state: 'none' }
  const { startedAt: since, opensAt, endsAt } = recovery
  return now < opensAt
    ? { state: 'waiting', since, until: opensAt }
    : { state: 'open', since, until: endsAt }
}

/** A verified address of the person. */
export interface RecoveryAddress {
  readonly address: string
  /** When it was verified. Absent: nobody knows, so it is no proof. */
  readonly verifiedAt?: Instant
  /** Whether its mailbox is the one that has set the present password (`spentMailbox`). */
  readonly isSpent: boolean
}

/** Why recovery needs an administrator, or a time. */
export type RecoveryRefusal =
  /** There is no factor to replace. */
  | 'not-enrolled'
  /** The first factor of this sign-in was no password: perhaps the mailbox itself. */
  | 'no-password'
  /** Somebody else may know the password, and this browser is unknown (R2). */
  | 'password-suspected'
  | 'cancelled-before'
  | ShutReason
  | 'no-address'
  | 'young-address'
  /** The only mailbox has set the password: it would count twice. */
  | 'same-mailbox'

export type RecoveryStep =
  /** `addresses`: those that prove something, in the order in which they were given. */
  | { readonly step: 'start' | 'bind'; readonly addresses: readonly RecoveryAddress[] }
  | { readonly step: 'wait'; readonly until: Instant }
  | { readonly step: 'refused'; readonly reason: RecoveryRefusal; readonly until?: Instant }

export interface RecoveryQuestion {
  readonly addresses: readonly RecoveryAddress[]
  readonly browser: BrowserClass
  /** Whether the person has typed the password in this sign-in. */
  readonly hasPassword: boolean
  readonly now: Instant
  readonly settings: RecoverySettings
}

/**
 * Answers how a person who has given the password, and no factor, can go on with a recovery. It is asked of the record
 * that is saved, at the start and at the end: a change of the account in the days between counts.
 */
export function recoveryStep(record: MfaRecord, question: RecoveryQuestion): RecoveryStep {
  const { now } = question
  if (!isEnrolled(record)) return { step: 'refused', reason: 'not-enrolled' }
  if (!question.hasPassword) return { step: 'refused', reason: 'no-password' }
  const state = recoveryState(record, now)
  if (state.state === 'waiting') return { step: 'wait', until: state.until }
  return refusalOf(record, question) ?? withAddress(state.state, question)
}

function refusalOf(
  record: MfaRecord,
  { browser, now, settings }: RecoveryQuestion,
): RecoveryStep | undefined {
  if (browser.kind === 'unknown' && record.throttle.passwordSuspectedAt !== undefined)
    return { step: 'refused', reason: 'password-suspected' }
  const door = doorsOf(record, now, settings).recovery
  if (!door.open) {
    const { open: _, ...shut } = door
    return { step: 'refused', ...shut }
  }
  return cancellationsBefore(record, now).length >= MOST_CANCELLATIONS
    ? { step: 'refused', reason: 'cancelled-before' }
    : undefined
}

function withAddress(state: 'none' | 'open', { addresses, now }: RecoveryQuestion): RecoveryStep {
  const old = addresses.filter(
    ({ verifiedAt }) => verifiedAt !== undefined && now >= verifiedAt + YOUNG_ADDRESS_SECONDS,
  )
  const good = old.filter(({ isSpent }) => !isSpent)
  if (good.length > 0) return { step: state === 'open' ? 'bind' : 'start', addresses: good }
  if (old.length > 0) return { step: 'refused', reason: 'same-mailbox' }
  return { step: 'refused', reason: addresses.length > 0 ? 'young-address' : 'no-address' }
}

/** When a mailed code of recovery is examined again; undefined: now. */
export function recoveryCodesFrom(record: MfaRecord, now: Instant): Instant | undefined {
  const failed = failuresOfTheHour(record, now)
  const fifth = failed.at(-MOST_RECOVERY_FAILURES)
  return fifth === undefined ? undefined : fifth + HOUR_SECONDS
}

/**
 * A wrong code of recovery. It does not count with the codes of factors: a person whose codes are disabled needs this
 * way, and its own limit is lower.
 */
export function settleRecoveryRefused(
  record: MfaRecord,
  now: Instant,
  detail: RequestDetail,
): Settled {
  const recoveryFailedAt = [...failuresOfTheHour(record, now), now]
  return {
    record: { ...record, history: { ...record.history, recoveryFailedAt } },
    events: [{ type: 'recovery-refused', detail }],
  }
}

/** The wait begins. Nothing is removed; links for a new password that were asked for before are void (R9). */
export function settleRecoveryStarted(
  record: MfaRecord,
  { settings, now, detail }: StartedRecovery,
): Settled {
  const opensAt = now + settings.waitSeconds
  const recovery = { startedAt: now, opensAt, endsAt: opensAt + settings.bindSeconds }
  return {
    record: { ...record, recovery, history: { ...record.history, resetsVoidUntil: now } },
    events: [{ type: 'recovery-started', detail: about(recovery, detail) }],
  }
}

export interface StartedRecovery {
  readonly settings: RecoverySettings
  readonly now: Instant
  readonly detail: RequestDetail
}

/** When the time alone next brings a notice of the recovery, or its end. */
export function recoveryDueAt({ recovery }: Pick<MfaRecord, 'recovery'>): Instant | undefined {
  if (recovery === undefined) return undefined
  if (recovery.told === 'opened') return recovery.endsAt
  return recovery.told === 'half-way' ? recovery.opensAt : halfWay(recovery)
}

/**
 * Settles the part of a recovery that is due by the time: the notices at half of the wait and at its end, and the end of
 * the recovery. A notice is left out if the next one is due too. Undefined: nothing is due.
 */
export function settleRecoveryDue(record: MfaRecord, now: Instant): Settled | undefined {
  const { recovery, ...without } = record
  const dueAt = recoveryDueAt(record)
  if (recovery === undefined || dueAt === undefined || now < dueAt) return undefined
  if (now >= recovery.endsAt)
    return {
      record: without,
      events: [{ type: 'recovery-ended', detail: { ...about(recovery, {}), reason: 'expired' } }],
    }
  const told = now >= recovery.opensAt ? 'opened' : 'half-way'
  const detail = about(recovery, {})
  return {
    record: { ...record, recovery: { ...recovery, told } },
    events: [
      told === 'opened'
        ? { type: 'recovery-opened', detail: { ...detail, until: recovery.endsAt } }
        : { type: 'recovery-half-way', detail },
    ],
  }
}

/**
 * The owner does not want the recovery. Undefined: none is in progress, perhaps because a replacement was bound a moment
 * before.
 */
export function settleRecoveryCancelled(
  record: MfaRecord,
  reason: CancelReason,
  { now, detail }: Pick<StartedRecovery, 'now' | 'detail'>,
): Settled | undefined {
  const { recovery, ...without } = record
  if (recovery === undefined || now >= recovery.endsAt) return undefined
  const recoveriesCancelledAt = [...cancellationsBefore(record, now), now]
  return {
    record: { ...without, history: { ...record.history, recoveriesCancelledAt } },
    events: [{ type: 'recovery-cancelled', detail: { ...about(recovery, detail), reason } }],
  }
}

/** Remembers the mailed proof after the wait, in the interaction in which it was shown (R41). */
export function proveRecovery(record: MfaRecord, interaction: string, now: Instant): MfaRecord {
  const { recovery } = record
  return {
    ...record,
    challenges: record.challenges.filter((open) => open.interaction !== interaction),
    ...(recovery === undefined
      ? {}
      : { recovery: { ...recovery, proof: { interaction, at: now } } }),
  }
}

/** Whether a replacement may be bound in this interaction: the wait is over, and the mailed proof was shown here. */
export function mayBindReplacement(record: MfaRecord, interaction: string, now: Instant): boolean {
  const proof = record.recovery?.proof
  return (
    recoveryState(record, now).state === 'open' &&
    proof?.interaction === interaction &&
    now < proof.at + OWNER_PROOF_SECONDS
  )
}

/**
 * A replacement is bound, and in the same step every earlier factor goes (R9). As after a first enrolment, the count of
 * failures begins at zero: R1 asks for a factor that recovery binds.
 */
export function settleRecovered(
  record: MfaRecord,
  acceptance: Acceptance,
  issued: readonly IssuedSet[],
): Passed {
  const { recovery: _, ...without } = record
  const { now, detail, authenticator, browser } = acceptance
  const common = { ...detail, browser: browser.kind }
  const removed = record.authenticators.map((old): EventDraft => ({
    type: 'factor-removed',
    detail: {
      ...common,
      factor: old.factor,
      authenticatorId: old.id,
      ...(old.name === '' ? {} : { authenticatorName: old.name }),
      reason: 'recovered',
    },
  }))
  const bound = settleEnrolled({ ...without, authenticators: [] }, acceptance, issued, {
    isRecovered: true,
  })
  return {
    ...bound,
    record: { ...bound.record, history: { ...bound.record.history, recoveredAt: now } },
    events: [
      ...removed,
      ...bound.events,
      {
        type: 'recovery-completed',
        detail: {
          ...common,
          factor: authenticator.factor,
          authenticatorId: authenticator.id,
          ...(authenticator.name === '' ? {} : { authenticatorName: authenticator.name }),
        },
      },
    ],
  }
}

/** Whether the mailbox of an address proves nothing beside the present password. */
export function isSpentMailbox(
  { history }: Pick<MfaRecord, 'history'>,
  matches: (mailbox: string) => boolean,
): boolean {
  const spent = spentMailbox(history)
  return spent !== undefined && matches(spent)
}

function about(
  { startedAt: since, opensAt: until }: Recovery,
  detail: RequestDetail,
): RecoveryDetail {
  return { ...detail, since, until }
}

function halfWay({ startedAt, opensAt }: Recovery): Instant {
  return startedAt + Math.floor((opensAt - startedAt) / 2)
}

function cancellationsBefore({ history }: MfaRecord, now: Instant): readonly Instant[] {
  return (history.recoveriesCancelledAt ?? []).filter(
    (at) => at > now - CANCELLATION_WINDOW_SECONDS,
  )
}

function failuresOfTheHour({ history }: MfaRecord, now: Instant): readonly Instant[] {
  return (history.recoveryFailedAt ?? []).filter((at) => at > now - HOUR_SECONDS)
}
