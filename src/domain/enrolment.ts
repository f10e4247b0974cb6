import {
  acceptedIn,
  pass,
  type Acceptance,
  type FactorWord,
  type Passed,
  type Settled,
} from './attempt.ts'
import type { AuthenticatorDetail, EventDraft, RequestDetail } from './events.ts'
import { PENDING_SECONDS } from './first-factor.ts'
import { remember, type BrowserClass } from './known-browser.ts'
import type { Authenticator, MfaRecord, OpenChallenge, PendingEnrolment } from './mfa-record.ts'
import { clearFailures, clearSuspicion, grow } from './throttle.ts'
import { HOUR_SECONDS, isWaiting, MINUTE_SECONDS, type Instant } from './time.ts'
import { revokeTrust } from './trusted-browser.ts'

/** How long a set-up in progress lives unless the application says otherwise: some people need half an hour. */
export const SET_UP_SECONDS = 30 * MINUTE_SECONDS
/** How long the owner's proof of an address counts, in the interaction in which it was given (R41). */
export const OWNER_PROOF_SECONDS = HOUR_SECONDS
/**
 * Most set-ups in progress of one account. Each begins with a right password; a person with many tabs does not reach it,
 * so that no tab ends the set-up of another one.
 */
const MOST_SET_UPS = 32
const MOST_CHALLENGES = 4
/**
 * Most proofs of ownership that wait. R3 allows five mailed codes an hour, and a proof lives for an hour, so that none
 * pushes another one out.
 */
const MOST_PROOFS = 8
/** R3: a new code at most once a minute and five times an hour. */
const DELIVERY_COOLDOWN_SECONDS = MINUTE_SECONDS
const DELIVERIES_PER_HOUR = 5
/** A challenge or delivered code waits at most this long (R3). */
export const CHALLENGE_SECONDS = 10 * MINUTE_SECONDS

/** The account has a second factor it can be asked for. */
export function isEnrolled(record: MfaRecord): boolean {
  return record.authenticators.length > 0
}

/**
 * Most authenticators of one guessable factor: each is a further chance for a guess, and the guess limits of
 * docs/threat-model.md are computed for this number (R1, R40).
 */
export const MOST_OF_A_FACTOR = 10

/**
 * Whether the account has as many authenticators of this factor as it may have. `most`: the factor's own limit. It
 * lowers that of a guessable one and never raises it.
 */
export function isFull(
  { authenticators }: Pick<MfaRecord, 'authenticators'>,
  {
    id,
    guessable,
    most = Infinity,
  }: { readonly id: string; readonly guessable: boolean; readonly most?: number },
): boolean {
  const limit = guessable ? Math.min(most, MOST_OF_A_FACTOR) : most
  return authenticators.filter(({ factor }) => factor === id).length >= limit
}

/**
 * What the application answered to "may this person enrol a first factor now, and on what proof?" (R10). `allowed`: it
 * has another proof than the password. `password`: the password alone is enough, and the factor is young for a time.
 */
export type FirstEnrolmentRule = 'allowed' | 'password' | 'mailed-code' | 'refused'

/**
 * Whether a factor can be set up in this sign-in. Once the account has a factor, only a proof of that factor leads on:
 * otherwise a person who has the password could add a factor beside the owner's (R10).
 */
export function enrolmentStep(
  record: MfaRecord,
  rule: FirstEnrolmentRule,
  interaction: string,
  now: Instant,
): 'choose' | 'prove' | 'refuse' | 'verify' {
  if (isEnrolled(record)) return 'verify'
  if (rule === 'allowed' || rule === 'password') return 'choose'
  if (rule === 'refused') return 'refuse'
  return hasProved(record, interaction, now) ? 'choose' : 'prove'
}

/** The rule as it was given when the interaction began, and whether it was given for a first sign-in. */
export interface EnrolmentPermission {
  readonly rule: FirstEnrolmentRule
  readonly firstSignIn?: boolean
}

/**
 * The rule that holds now. A permission that was given because nobody had signed in to the account ends with the first
 * completed sign-in, also in interactions that were begun before it (R10). While the owner has locked the account, the
 * password alone sets up no factor: a factor ends the lock, and somebody else may know the password (R44).
 */
export function ruleNow(
  record: MfaRecord,
  { rule, firstSignIn = false }: EnrolmentPermission,
): FirstEnrolmentRule {
  if (rule === 'password' && record.frozenAt !== undefined) return 'refused'
  const isPermission = rule === 'allowed' || rule === 'password'
  return isPermission && firstSignIn && !isFirstSignIn(record) ? 'refused' : rule
}

/** Whether the owner has proved the address in this interaction. */
export function hasProved(record: MfaRecord, interaction: string, now: Instant): boolean {
  return record.history.ownerProofs.some(
    (proof) => proof.interaction === interaction && now < proof.at + OWNER_PROOF_SECONDS,
  )
}

/** Remembers that the owner proved the address in this interaction, and spends the mailed code. */
export function proveOwner(record: MfaRecord, interaction: string, now: Instant): MfaRecord {
  const { history } = record
  const ownerProofs = [...history.ownerProofs, { interaction, at: now }].slice(-MOST_PROOFS)
  return {
    ...record,
    challenges: record.challenges.filter((open) => open.interaction !== interaction),
    history: { ...history, ownerProofs },
  }
}

/** When the next code may be mailed; undefined: now. */
export function nextDeliveryAt(record: MfaRecord, now: Instant): Instant | undefined {
  const recent = deliveriesOfTheHour(record, now)
  const ends = [
    { at: recent.at(-1), seconds: DELIVERY_COOLDOWN_SECONDS },
    { at: recent.at(-DELIVERIES_PER_HOUR), seconds: HOUR_SECONDS },
  ].flatMap(({ at, seconds }) =>
    at !== undefined && isWaiting(at + seconds, now, seconds) ? [at + seconds] : [],
  )
  return ends.length === 0 ? undefined : Math.max(...ends)
}

/** A record with a code that was just sent, and the challenge whose place it took. */
export interface ChallengeOpened {
  readonly record: MfaRecord
  readonly opened: OpenChallenge
  readonly before: OpenChallenge | undefined
}

/** A newly sent code replaces the code before it, and resets no count (R3). */
export function openChallenge(
  record: MfaRecord,
  challenge: Omit<OpenChallenge, 'expiresAt'>,
  now: Instant,
): ChallengeOpened {
  const { interaction, purpose } = challenge
  const before = challengeIn(record, interaction, purpose, now)
  const others = record.challenges.filter(
    (open) =>
      open.expiresAt > now && !(open.interaction === interaction && open.purpose === purpose),
  )
  const opened = { ...challenge, expiresAt: now + CHALLENGE_SECONDS }
  return {
    record: {
      ...record,
      challenges: [...others, opened].slice(-MOST_CHALLENGES),
      history: withDelivery(record, now),
    },
    opened,
    before,
  }
}

/**
 * The code of `opened` could not be handed over: the one before it is open again, and the attempt to send counts
 * nowhere. A challenge that was opened meanwhile stays.
 */
export function takeBackChallenge(
  record: MfaRecord,
  opened: OpenChallenge,
  before: OpenChallenge | undefined,
): MfaRecord {
  if (!record.challenges.some(({ sealed }) => sealed === opened.sealed)) return record
  const challenges = record.challenges.flatMap((open) => {
    if (open.sealed !== opened.sealed) return [open]
    return before === undefined ? [] : [before]
  })
  const sentAt = opened.expiresAt - CHALLENGE_SECONDS
  return { ...record, challenges, history: withoutDelivery(record, sentAt) }
}

export function challengeIn(
  record: MfaRecord,
  interaction: string,
  purpose: string,
  now: Instant,
): OpenChallenge | undefined {
  return record.challenges.find(
    (open) => open.interaction === interaction && open.purpose === purpose && open.expiresAt > now,
  )
}

/**
 * When the set-up of an interaction ends; undefined: none is in progress. All factors of the interaction share the end
 * of the one that was chosen first.
 */
export function setUpEndsAt(
  { pending }: Pick<MfaRecord, 'pending'>,
  interaction: string,
  now: Instant,
): Instant | undefined {
  return pending.find((open) => open.interaction === interaction && open.expiresAt > now)?.expiresAt
}

/**
 * Until when the first factor of an interaction counts after its own ten minutes: while a set-up is in progress that
 * was begun within them, and until a person whose second factor was accepted has seen the pages after it. Undefined: no
 * longer than its ten minutes.
 */
export function firstFactorHeldUntil(
  record: MfaRecord,
  interaction: string,
  now: Instant,
): Instant | undefined {
  const accepted = acceptedIn(record, interaction, now)
  return accepted === undefined
    ? setUpEndsAt(record, interaction, now)
    : accepted.at + PENDING_SECONDS
}

/**
 * Keeps an enrolment that was begun, one per interaction and factor. It lives `setUpSeconds`. Another factor, or
 * another code, in the same interaction prolongs nothing: otherwise a password that was typed once would count for ever.
 * A code that it mailed counts like any other delivery (R3).
 */
export function beginEnrolment(
  record: MfaRecord,
  begun: Pick<PendingEnrolment, 'interaction' | 'factor' | 'sealed' | 'sentTo' | 'isProved'>,
  { now, setUpSeconds }: { readonly now: Instant; readonly setUpSeconds: number },
): MfaRecord {
  const others = record.pending.filter(
    (pending) =>
      pending.expiresAt > now &&
      !(pending.interaction === begun.interaction && pending.factor === begun.factor),
  )
  const pending: PendingEnrolment = {
    ...begun,
    expiresAt: setUpEndsAt(record, begun.interaction, now) ?? now + setUpSeconds,
    delay: { failures: 0 },
  }
  return {
    ...record,
    pending: [...others, pending].slice(-MOST_SET_UPS),
    history: begun.sentTo === undefined ? record.history : withDelivery(record, now),
  }
}

/**
 * The code of an enrolment could not be handed over: the one that was sent before is open again. Without one the
 * enrolment stays and says that nothing was sent. The attempt to send at `sentAt` counts nowhere.
 */
export function takeBackEnrolment(
  record: MfaRecord,
  sealed: string,
  { sentAt, before }: { readonly sentAt: Instant; readonly before: PendingEnrolment | undefined },
): MfaRecord {
  const unsent = record.pending.find((pending) => pending.sealed === sealed)
  if (unsent === undefined) return record
  const { sentTo: _, ...unsaid } = unsent
  const kept = before?.sentTo === undefined ? unsaid : before
  return {
    ...record,
    pending: record.pending.map((pending) => (pending === unsent ? kept : pending)),
    history: withoutDelivery(record, sentAt),
  }
}

export function pendingIn(
  record: MfaRecord,
  interaction: string,
  factor: string,
  now: Instant,
): PendingEnrolment | undefined {
  return record.pending.find(
    (pending) =>
      pending.interaction === interaction && pending.factor === factor && pending.expiresAt > now,
  )
}

/** A confirmation that was refused, with the browser it came from. */
export interface RefusedConfirmation {
  readonly browser: BrowserClass
  readonly now: Instant
  readonly detail: RequestDetail
}

/** A confirmation was refused: only this enrolment waits. It guards nothing yet, so the account is not charged. */
export function settleUnconfirmed(
  record: MfaRecord,
  slowed: PendingEnrolment,
  { browser, now, detail }: RefusedConfirmation,
): Settled {
  const about = { ...detail, factor: slowed.factor, browser: browser.kind }
  return {
    record: {
      ...record,
      pending: record.pending.map((pending) =>
        pending === slowed ? { ...pending, delay: grow(pending.delay, now) } : pending,
      ),
    },
    events: [{ type: 'factor-refused', detail: { ...about, reason: 'wrong-confirmation' } }],
  }
}

/** How a factor is bound, where it is not just added. */
export interface Binding {
  /**
   * The authenticator whose place it takes. It goes in this step and not before, so that a person whose new phone does
   * not work still has the old one.
   */
  readonly replaced?: Authenticator | undefined
  /** It is the first factor, and nothing but the password was proved: for a time it opens fewer doors (R10). */
  readonly onPassword?: boolean
  /** A recovery binds it: `recovery-completed` tells of the whole. */
  readonly isRecovered?: boolean
  /** The account has a factor that lasts, and one of its factors was shown for this enrolment. */
  readonly isBesideOther?: boolean
}

/**
 * A factor is bound, and with it look-up secrets where there were none. The epoch rises, which ends sessions and
 * pending sign-ins that were begun without this factor. It stays where the factor is added beside another one that
 * lasts: nothing that the other factor has opened is less safe than before (R20). The trust in browsers ends in both
 * cases (R14). The interaction has passed: the confirming response proved the new factor, and no change of factors can
 * be made with it.
 *
 * A lock by the owner ends: `ruleNow` lets no first factor be bound on the password alone while there is one, and any
 * other factor is bound after a proof.
 *
 * A first factor begins with a count of zero failures. An added factor does not: the sum of R1 goes on although other
 * attempts succeed.
 */
export function settleEnrolled(
  record: MfaRecord,
  acceptance: Acceptance,
  issued: readonly IssuedSet[],
  { replaced, onPassword = false, isRecovered = false, isBesideOther = false }: Binding = {},
): Passed {
  const { authenticator, now, browser, interaction } = acceptance
  const isAdded = isBesideOther && isEnrolled(record) && replaced === undefined
  const ended = endRecovery(record, 'factor-enrolled')
  const reason = replaced === undefined ? 'factor-enrolled' : 'factor-replaced'
  const dropped = revokeTrust(ended.record, {}, reason)
  const { mustEnrolSince: _, ...history } = record.history
  const { frozenAt: __, ...unlocked } = isEnrolled(record)
    ? dropped.record
    : clearFailures(dropped.record)
  const young = onPassword && !isEnrolled(record) ? { boundOnPasswordAt: now } : {}
  const bound: MfaRecord = {
    ...(isAdded ? withoutSetUp(unlocked, interaction) : endEarlier(unlocked)),
    authenticators: [
      ...record.authenticators.filter(({ id }) => id !== replaced?.id),
      { ...authenticator, lastUsedAt: now },
      ...issued.map((set) => set.authenticator),
    ],
    history: { firstSignInAt: now, firstEnrolledAt: now, ...history, ...young, ownerProofs: [] },
  }
  const detail: AuthenticatorDetail = {
    ...acceptance.detail,
    factor: authenticator.factor,
    authenticatorId: authenticator.id,
    ...(authenticator.name === '' ? {} : { authenticatorName: authenticator.name }),
    browser: browser.kind,
  }
  const events: EventDraft[] = [
    boundEvent(detail, replaced, isRecovered),
    ...issued.flatMap((set) => wordsOfSet(set, acceptance.detail)),
    ...ended.events,
    ...dropped.events,
  ]
  if (!isAdded) events.push({ type: 'epoch-raised', detail: { epoch: bound.epoch, reason } })
  const known = remember(bound, acceptance.tokenHash, acceptance)
  return { ...pass(known, acceptance, acceptance.fingerprint), events }
}

/** The set-up of this interaction is over. Sign-ins and set-ups of other interactions go on. */
function withoutSetUp(record: MfaRecord, interaction: string): MfaRecord {
  return {
    ...record,
    pending: record.pending.filter((open) => open.interaction !== interaction),
    challenges: record.challenges.filter((open) => open.interaction !== interaction),
  }
}

/** Ends everything that was begun before the factor was bound. */
function endEarlier(record: MfaRecord): MfaRecord {
  return {
    ...record,
    epoch: record.epoch + 1,
    accessEnded: [],
    pending: [],
    challenges: [],
    accepted: [],
    proofs: [],
    // A browser may be known without this factor, and may be a stranger's: no browser stays known.
    browsers: [],
  }
}

function boundEvent(
  detail: AuthenticatorDetail,
  replaced: Authenticator | undefined,
  isRecovered: boolean,
): EventDraft {
  if (replaced === undefined)
    return {
      type: 'factor-enrolled',
      detail: { ...detail, ...(isRecovered ? { reason: 'recovered' } : {}) },
    }
  const { id, name } = replaced
  return {
    type: 'factor-replaced',
    detail: { ...detail, replacedId: id, ...(name === '' ? {} : { replacedName: name }) },
  }
}

/** A set that an issued factor has made, and the factor's own events of it. */
export interface IssuedSet {
  readonly authenticator: Authenticator
  readonly told: readonly FactorWord[]
}

export function wordsOfSet(
  { authenticator: { factor, id }, told }: IssuedSet,
  detail: RequestDetail & Partial<AuthenticatorDetail>,
): readonly EventDraft[] {
  return told.map((word) => ({
    type: word.type,
    detail: { ...detail, factor, authenticatorId: id, ...word.detail },
  }))
}

/**
 * Ends everything that was made in an earlier epoch: sessions, grants, refresh tokens, pending sign-ins (R20). A
 * recovery ends too: its password, or the factor that it would replace, may not be the same any more (R9).
 */
export function raiseEpoch(record: MfaRecord, reason: string, by = 1): Settled {
  const epoch = record.epoch + by
  const ended = endRecovery(record, reason)
  const dropped = revokeTrust(ended.record, {}, reason)
  return {
    record: {
      ...dropped.record,
      epoch,
      accessEnded: [],
      pending: [],
      challenges: [],
      accepted: [],
      proofs: [],
      history: { ...record.history, ownerProofs: [] },
    },
    events: [
      ...ended.events,
      ...dropped.events,
      { type: 'epoch-raised', detail: { epoch, reason } },
    ],
  }
}

/** Ends a recovery that is in progress. It is no cancellation: nobody has said that they did not want it. */
function endRecovery(record: MfaRecord, reason: string): Settled {
  const { recovery, ...without } = record
  if (recovery === undefined) return { record, events: [] }
  const { startedAt: since, opensAt: until } = recovery
  return { record: without, events: [{ type: 'recovery-ended', detail: { since, until, reason } }] }
}

/**
 * A first factor that was proved with the old password is void, and so is a browser that became known with the password
 * alone (R2, R20). `times`: how often the password has changed since the record was last loaded; sign-ins that were
 * begun between two changes end as well.
 */
export function settlePasswordChanged(record: MfaRecord, times = 1): Settled {
  const cleared = clearSuspicion(record)
  return raiseEpoch(
    isEnrolled(record) ? cleared : { ...cleared, browsers: [] },
    'password-changed',
    times,
  )
}

/**
 * A reset by an administrator: it leaves no factor but those of `kept`, no known browser and no failures. The history
 * stays and holds the time of the reset, so that R10 requires a proof even for an account that had never signed in.
 */
export function resetFactors(
  record: MfaRecord,
  now: Instant,
  kept: readonly Authenticator[] = [],
): Settled {
  const raised = raiseEpoch(record, 'reset')
  const { passwordSuspectedAt: _, ...throttle } = clearFailures(raised.record).throttle
  const { frozenAt: __, ...unlocked } = raised.record
  // The marks of what was reset go with it; those of the password and of an earlier recovery stay.
  const {
    mustEnrolSince: _must,
    boundOnPasswordAt: _bound,
    recoveriesCancelledAt: _cancelled,
    recoveryFailedAt: _failed,
    ...history
  } = unlocked.history
  return {
    record: {
      ...unlocked,
      throttle,
      authenticators: kept,
      browsers: [],
      history: { ...history, deliveredAt: [], resetAt: now },
    },
    events: [{ type: 'reset', detail: {} }, ...raised.events],
  }
}

/** Whether this is the first sign-in ever, the one in which a password alone may enrol (R10). */
export function isFirstSignIn({ history }: MfaRecord): boolean {
  const { firstSignInAt, firstEnrolledAt, resetAt, importedAt, restoredAt } = history
  return [firstSignInAt, firstEnrolledAt, resetAt, importedAt, restoredAt].every(
    (at) => at === undefined,
  )
}

function withDelivery(record: MfaRecord, now: Instant): MfaRecord['history'] {
  return { ...record.history, deliveredAt: [...deliveriesOfTheHour(record, now), now] }
}

/** The history without one delivery of that time. */
function withoutDelivery({ history }: MfaRecord, at: Instant): MfaRecord['history'] {
  const index = history.deliveredAt.lastIndexOf(at)
  return index === -1
    ? history
    : { ...history, deliveredAt: history.deliveredAt.toSpliced(index, 1) }
}

function deliveriesOfTheHour(record: MfaRecord, now: Instant): readonly Instant[] {
  return record.history.deliveredAt.filter((at) => at > now - HOUR_SECONDS)
}
