import type { Assurance } from './assurance.ts'
import { settleProof } from './doors.ts'
import type {
  AuthenticatorDetail,
  EventDetail,
  EventDraft,
  FactorEventType,
  RequestDetail,
} from './events.ts'
import { PENDING_SECONDS } from './first-factor.ts'
import { remember, type BrowserClass } from './known-browser.ts'
import type { AcceptedAttempt, Authenticator, MfaRecord } from './mfa-record.ts'
import { keepProof, type ProofRequest } from './proof.ts'
import { charge, forgive } from './throttle.ts'
import type { Instant } from './time.ts'

/** The result of an attempt: the record to save, and the events to pass on. */
export interface Settled {
  readonly record: MfaRecord
  readonly events: readonly EventDraft[]
}

/** A proof was accepted, and the interaction has passed. */
export interface Passed extends Settled {
  readonly accepted: AcceptedAttempt
}

/**
 * Most sign-ins of one account that may have passed within PENDING_SECONDS, and as many proofs for changes. They are
 * counted apart, so that sign-ins cannot push out the proof that the owner has shown for a change.
 */
const MOST_ACCEPTED = 32

/** The accepted attempt of this interaction, if the record still has the epoch in which it was accepted. */
export function acceptedIn(
  record: MfaRecord,
  interaction: string,
  now: Instant,
): AcceptedAttempt | undefined {
  return record.accepted.find(
    (accepted) => accepted.interaction === interaction && isFresh(accepted, record.epoch, now),
  )
}

/**
 * The first result of the same response in the same interaction (R38): a double tap. Anywhere else the same
 * code is a replay.
 */
export function repeatOf(
  record: MfaRecord,
  interaction: string,
  fingerprint: string,
  now: Instant,
): AcceptedAttempt | undefined {
  const accepted = acceptedIn(record, interaction, now)
  return accepted?.fingerprint === fingerprint ? accepted : undefined
}

/**
 * Whether an accepted response of this interaction has spent the challenge (R28). The challenge is kept with the
 * interaction; if two nodes receive a response to it at the same time, one is accepted.
 */
export function isChallengeSpent(
  record: MfaRecord,
  interaction: string,
  challenge: string,
  now: Instant,
): boolean {
  return acceptedIn(record, interaction, now)?.challenge === challenge
}

export interface Acceptance {
  readonly interaction: string
  readonly fingerprint: string
  /** The authenticator after the proof was spent. */
  readonly authenticator: Authenticator
  readonly assurance: Assurance
  readonly browser: BrowserClass
  /** The token this browser is known by from now on. */
  readonly tokenHash: string
  /** Recognises the challenge that was answered, where there was one. */
  readonly challenge?: string
  readonly remaining?: number
  /** The interaction was begun for a change, and not for a sign-in alone. */
  readonly asked?: AskedFor
  /** False: the sign-in needs another factor after this one. Default: true. */
  readonly isLast?: boolean
  readonly now: Instant
  readonly detail: RequestDetail
  /** The events of the factor's own types. */
  readonly told: readonly FactorWord[]
}

/** A factor is shown for a change on the pages of this interaction, or as a proof for a page of the application. */
export type AskedFor = 'change' | ProofRequest

/** An event of a factor's own type. The account, the browser and the authenticator are added to it. */
export interface FactorWord {
  readonly type: FactorEventType
  readonly detail?: Pick<EventDetail, 'reason'>
}

/**
 * A proof was spent: its authenticator has a new state, the browser is known, and the interaction has passed. A proof after
 * which the sign-in needs another one makes no browser known and is no first sign-in.
 */
export function settleAccepted(record: MfaRecord, acceptance: Acceptance): Passed {
  const { authenticator, browser, assurance, isLast = true, now, remaining } = acceptance
  const moved: MfaRecord = {
    ...record,
    authenticators: record.authenticators.map((other) =>
      other.id === authenticator.id ? { ...authenticator, lastUsedAt: now } : other,
    ),
    challenges: record.challenges.filter((open) => open.interaction !== acceptance.interaction),
    history: isLast ? { firstSignInAt: now, ...record.history } : record.history,
  }
  const forgiven = forgive(settleProof(moved, now), browser, assurance.phishingResistant)
  const detail = {
    ...acceptance.detail,
    ...describe(authenticator, browser),
    ...(remaining === undefined ? {} : { remaining }),
  }
  const known = isLast ? remember(forgiven, acceptance.tokenHash, acceptance) : forgiven
  return {
    ...passFor(known, acceptance),
    events: [
      { type: 'factor-accepted', detail },
      ...acceptance.told.map((draft) => ({
        type: draft.type,
        detail: { ...detail, ...draft.detail },
      })),
    ],
  }
}

/**
 * A proof for a page of the application is spent there, so no change can be made with it on our own pages. It is kept for
 * that page by the last factor of the sign-in.
 */
function passFor(record: MfaRecord, acceptance: Acceptance): Omit<Passed, 'events'> {
  const { asked, fingerprint, isLast = true, now } = acceptance
  if (asked === undefined || asked === 'change' || !isLast) return pass(record, acceptance)
  return pass(keepProof(record, asked, now), acceptance, fingerprint)
}

/** Marks the interaction as passed under the record's present epoch. `spentOn`: no change may be made with it. */
export function pass(
  record: MfaRecord,
  acceptance: Acceptance,
  spentOn?: string,
): Omit<Passed, 'events'> {
  const { interaction, fingerprint, authenticator, assurance, remaining, now } = acceptance
  const others = record.accepted.filter(
    (other) => other.interaction !== interaction && isFresh(other, record.epoch, now),
  )
  const accepted: AcceptedAttempt = {
    interaction,
    fingerprint,
    factor: authenticator.factor,
    authenticatorId: authenticator.id,
    assurance,
    at: now,
    epoch: record.epoch,
    ...(acceptance.challenge === undefined ? {} : { challenge: acceptance.challenge }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(spentOn === undefined ? {} : { spentOn }),
    ...(acceptance.asked === 'change' ? { isProof: true } : {}),
    ...(acceptance.isLast === false ? { isPart: true } : {}),
  }
  return { record: { ...record, accepted: newestOf([...others, accepted]) }, accepted }
}

/** The attempts without the oldest sign-ins and the oldest proofs, where there are too many of them. */
function newestOf(attempts: readonly AcceptedAttempt[]): readonly AcceptedAttempt[] {
  const isProof = (one: AcceptedAttempt): boolean => one.isProof === true
  const newest = new Set([
    ...attempts.filter((one) => !isProof(one)).slice(-MOST_ACCEPTED),
    ...attempts.filter(isProof).slice(-MOST_ACCEPTED),
  ])
  return attempts.filter((one) => newest.has(one))
}

export interface Refusal {
  readonly factor: string
  /**
   * A factor that cannot be guessed is not charged: otherwise a person who has the password could send wrong responses
   * until the owner's codes are disabled.
   */
  readonly guessable: boolean
  /** For the audit alone: the person gets one answer for all of them. */
  readonly reason: 'wrong' | 'replayed' | 'late'
  readonly browser: BrowserClass
  readonly now: Instant
  readonly detail: RequestDetail
  /** The events of the factor's own types, and the authenticator that they are about. */
  readonly told?: { readonly authenticator: Authenticator; readonly words: readonly FactorWord[] }
}

/** A response was examined and refused: a guess counts, whatever the reason was. */
export function settleRefused(record: MfaRecord, refusal: Refusal): Settled {
  const { factor, guessable, reason, browser, now, told } = refusal
  const detail = { ...refusal.detail, factor, browser: browser.kind }
  const events: EventDraft[] = [{ type: 'factor-refused', detail: { ...detail, reason } }]
  if (told !== undefined) {
    const about = { ...refusal.detail, ...describe(told.authenticator, browser) }
    events.push(
      ...told.words.map(({ type, detail: more }) => ({ type, detail: { ...about, ...more } })),
    )
  }
  if (!guessable) return { record, events }
  const charged = charge(record, browser, now)
  if (charged.lockedUntil !== undefined)
    events.push({ type: 'locked', detail: { ...detail, until: charged.lockedUntil } })
  if (charged.codesDisabled) events.push({ type: 'codes-disabled', detail })
  if (charged.passwordSuspected) events.push({ type: 'password-suspected', detail })
  if (charged.browserForgotten) events.push({ type: 'browser-forgotten', detail })
  return { record: charged.record, events }
}

/** The sign-in is complete without a second factor being asked for: the browser is known from now on. */
export function settleCompleted(
  record: MfaRecord,
  tokenHash: string,
  request: { readonly now: Instant; readonly detail: RequestDetail },
): MfaRecord {
  const known = remember(record, tokenHash, request)
  return { ...known, history: { firstSignInAt: request.now, ...known.history } }
}

function isFresh(accepted: AcceptedAttempt, epoch: number, now: Instant): boolean {
  return accepted.epoch === epoch && now < accepted.at + PENDING_SECONDS
}

function describe(
  authenticator: Authenticator,
  browser: BrowserClass,
): Omit<AuthenticatorDetail, keyof RequestDetail> {
  return {
    factor: authenticator.factor,
    authenticatorId: authenticator.id,
    authenticatorName: authenticator.name,
    browser: browser.kind,
  }
}
