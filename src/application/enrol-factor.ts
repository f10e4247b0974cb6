import { repeatOf } from '../domain/attempt.ts'
import {
  beginEnrolment,
  enrolmentStep,
  isEnrolled,
  isFull,
  nextDeliveryAt,
  pendingIn,
  settleEnrolled,
  settleUnconfirmed,
  takeBackEnrolment,
  ruleNow,
  type EnrolmentPermission,
} from '../domain/enrolment.ts'
import { hasProofToAdd, shutDoor, type FactorChange } from '../domain/factor-change.ts'
import { MfaError } from '../domain/errors.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import { classify } from '../domain/known-browser.ts'
import type { Assurance } from '../domain/assurance.ts'
import type { AcceptedAttempt, MfaRecord, PendingEnrolment } from '../domain/mfa-record.ts'
import { mayBindReplacement, settleRecovered } from '../domain/recovery.ts'
import { delayGate, type Gate } from '../domain/throttle.ts'
import type { Instant } from '../domain/time.ts'
import type {
  AnyFactor,
  Begun,
  Confirmed,
  ConfirmInput,
  EnrolmentAbout,
} from '../factors/factor.ts'
import type { Delivery } from '../ports/services.ts'
import { commit, loadRecord, type Decided } from './commit.ts'
import type { ChallengeGround, KeptChallenge } from './challenge-factor.ts'
import { browserName } from '../domain/browser-name.ts'
import { maskAddress } from '../domain/masked-address.ts'
import { sendOrTakeBack } from './deliver.ts'
import type { Dependencies } from './dependencies.ts'
import {
  bindAuthenticator,
  bindSet,
  distinctName,
  issueSet,
  nameOf,
  withSuperseded,
  type FreshSet,
} from './authenticator.ts'
import { existingStates } from './owned-states.ts'
import { lasts } from './change-factors.ts'
import { openState, sealState } from './sealed-state.ts'
import { admit } from './flood.ts'
import { tellRefusedWhileLocked } from './refused-attempts.ts'
import { fingerprintOf, type Place } from './place.ts'

/** Why an enrolment may begin: the rule of a first enrolment, or an authorization that asks to add a factor. */
export interface EnrolmentGround extends EnrolmentPermission {
  /** The person asked to add a factor, and the application allows this client to ask for it (R11). */
  readonly adding?: boolean
  /** The id of the authenticator whose place the new one takes, in an authorization that asks to replace it. */
  readonly replaces?: string | undefined
  /** The wait of a recovery is over, and its mailed proof was shown in this interaction (R9). */
  readonly recovering?: boolean
  /** Only an authenticator whose key is in hardware can be set up. */
  readonly needsHardware?: boolean
}

/**
 * `stale`: it did not begin (a factor was enrolled meanwhile, the proof of ownership is missing, the epoch has changed,
 * the factor is not set up on a page, or the account has as many authenticators of it as it may have). `not-sent`: it
 * began, and its code could not be delivered. `notBefore`: it would send a code, but one was sent a moment ago or too
 * often (R3); an enrolment is open, the one that was begun before or one whose code is not sent yet.
 */
export type BeginOutcome = 'begun' | 'not-sent' | 'stale' | { readonly notBefore: Instant }

interface Beginning {
  readonly began: BeginOutcome
  readonly delivery?: Delivery | undefined
  /** The enrolment whose code is sent, when, and the one in whose place it came. */
  readonly sending?: {
    readonly sealed: string
    readonly sentAt: Instant
    readonly before: PendingEnrolment | undefined
  }
}

/**
 * Begins setting up a factor in a sign-in: makes the data that the page will show, and keeps it sealed in the record,
 * bound to the interaction. The same factor chosen again shows the same data: the person may have scanned the key
 * already, and another key would leave a dead entry in the phone. A factor that sends a code sends another one, after
 * the commit; a failed delivery is reported and does not count for the cooldown (R3). Throws what a commit throws.
 */
export async function beginFactor(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  about: EnrolmentGround & ChallengeGround,
): Promise<BeginOutcome> {
  const { accountId } = place
  const { began, delivery, sending } = await commit<Beginning>(deps, accountId, (record, now) =>
    begin(deps, factor, place, { about, record, now }),
  )
  if (delivery === undefined || sending === undefined) return began
  const isSent = await sendOrTakeBack(deps, accountId, delivery, (record) =>
    takeBackEnrolment(record, sending.sealed, sending),
  )
  return isSent ? 'begun' : 'not-sent'
}

const NOT_BEGUN: Decided<Beginning> = { outcome: { began: 'stale' } }

async function begin(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  given: {
    readonly about: EnrolmentGround & ChallengeGround
    readonly record: MfaRecord
    readonly now: Instant
  },
): Promise<Decided<Beginning>> {
  const { about, record, now } = given
  const { accountId, interaction } = place
  if (factor.beginEnrolment === undefined) return NOT_BEGUN
  if (!mayEnrol(deps, factor, place, { ground: about, record, now })) return NOT_BEGUN
  const before = pendingIn(record, interaction, factor.id, now)
  if (before !== undefined && factor.delivers !== true) return { outcome: { began: 'begun' } }
  const notBefore = factor.delivers === true ? nextDeliveryAt(record, now) : undefined
  if (notBefore !== undefined && before !== undefined) return { outcome: { began: { notBefore } } }
  const { value, delivery } = (await factor.beginEnrolment({
    accountId,
    random: deps.random,
    now,
    existing: existingStates(deps, record, factor),
    underway: underway(deps, factor, record, now),
    locale: about.locale,
    issuer: about.issuer,
    ...(about.address === undefined ? {} : { address: about.address }),
    ...(about.needsHardware === true ? { needsHardware: true } : {}),
  })) as Begun<Json>
  const where = { interaction, factor: factor.id }
  const sealed = sealState(deps.box, accountId, where, value)
  // Too early for a code: the enrolment begins without one, so that its page can say so and has the button for it.
  const sent = notBefore === undefined ? delivery : undefined
  const sentTo = sent === undefined ? {} : { sentTo: maskAddress(sent.to) }
  const isProved = hasProofToAdd(record, interaction, now)
  // The reason names the proof: the trail shows a case in which the password was enough (R10).
  const reason = reasonOf(record, about)
  return {
    outcome: {
      began: notBefore === undefined ? 'begun' : { notBefore },
      delivery: sent,
      sending: { sealed, sentAt: now, before },
    },
    record: beginEnrolment(
      record,
      { ...where, ...sentTo, sealed, ...(isProved ? { isProved } : {}) },
      { now, setUpSeconds: deps.setUpSeconds },
    ),
    events: [{ type: 'enrolment-started', detail: { ...place.detail, factor: factor.id, reason } }],
  }
}

/** The set-ups of this factor in progress. The interaction that begins one has none. */
function underway(
  { box }: Dependencies,
  factor: AnyFactor,
  { accountId, pending }: MfaRecord,
  now: Instant,
): readonly unknown[] {
  return pending
    .filter((open) => open.factor === factor.id && open.expiresAt > now)
    .map((open): unknown => factor.parsePending(openState(box, accountId, open)))
}

function reasonOf(record: MfaRecord, { rule, recovering }: EnrolmentGround) {
  if (!isEnrolled(record)) return rule
  return recovering === true ? 'recovery' : 'fresh-factor'
}

/** The label of the set-up page. `challengeFor` opens the challenge of a factor with `enrolmentChallenge`. */
export interface PendingLabel extends EnrolmentAbout {
  readonly challengeFor?: (pending: unknown) => Promise<KeptChallenge | undefined>
}

/** The data of the set-up page; undefined: no enrolment of this factor is open in this interaction. */
export async function describePending(
  deps: Dependencies,
  factor: AnyFactor,
  record: MfaRecord,
  interaction: string,
  { challengeFor, ...about }: PendingLabel,
): Promise<JsonObject | undefined> {
  const pending = pendingIn(record, interaction, factor.id, deps.clock.now())
  if (pending === undefined) return undefined
  const value: unknown = factor.parsePending(openState(deps.box, record.accountId, pending))
  const challenge = await challengeFor?.(value)
  const existing = existingStates(deps, record, factor)
  return (await factor.describeEnrolment?.(value, about, challenge?.value, existing)) ?? {}
}

export type EnrolOutcome =
  | {
      readonly outcome: 'enrolled'
      readonly accepted: AcceptedAttempt
      /** Look-up secrets made with it, to be shown once; empty when the account has some, or on a double tap. */
      readonly shown: readonly string[]
    }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'closed'; readonly gate: Gate & { open: false } }
  | { readonly outcome: 'stale' }

/**
 * Confirms an enrolment with one good response, and makes look-up secrets where the account has none. A double tap
 * while it runs gets the same answer, so that the browser shows the secrets with either response.
 *
 * Throws MfaError `too-many-attempts`, and what a commit throws.
 */
export async function confirmFactor(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  response: unknown,
  about: EnrolmentGround & Pick<Confirmation, 'name' | 'kept' | 'suffices'>,
): Promise<EnrolOutcome> {
  const canonical = factor.canonical(response)
  const fingerprintIn = (record: MfaRecord): string =>
    fingerprintOf(deps, place, factor.id, canonical, record)
  // Hashing ten codes is slow: made once, before the loop, and only if they will be needed.
  const issuing = once(() => issueAll(deps))
  const seen = await loadRecord(deps, place.accountId)
  const confirmation = { response, issuing, ...about }
  const attempt = (): Promise<EnrolOutcome> =>
    commit(
      deps,
      place.accountId,
      (record, now) =>
        confirm(deps, factor, place, {
          ...confirmation,
          record,
          now,
          fingerprint: fingerprintIn(record),
        }),
      seen,
    )
  const admission = {
    fingerprint: fingerprintIn(seen.record),
    seen,
    factor: factor.id,
    step: 'enrolment' as const,
  }
  try {
    const outcome = await admit(deps, place, admission, attempt)
    if (outcome.outcome === 'closed')
      tellRefusedWhileLocked(deps, place, outcome.gate, {
        factor: factor.id,
        browser: classify(seen.record, place.tokenHashes).kind,
      })
    return outcome
  } catch (error) {
    if (error instanceof MfaError && error.code === 'handle-taken')
      return refuseForeign(deps, factor, place)
    throw error
  }
}

/** The credential is another account's (R46). Its owner is not named. The attempt counts like one with a wrong code. */
function refuseForeign(deps: Dependencies, factor: AnyFactor, place: Place): Promise<EnrolOutcome> {
  return commit<EnrolOutcome>(deps, place.accountId, (record, now) => {
    const pending = pendingIn(record, place.interaction, factor.id, now)
    return pending === undefined
      ? { outcome: { outcome: 'refused' } }
      : refused(place, { record, now, pending })
  })
}

function refused(
  { tokenHashes, detail }: Place,
  given: { record: MfaRecord; now: Instant; pending: PendingEnrolment },
): Decided<EnrolOutcome> {
  const { record, now, pending } = given
  const browser = classify(record, tokenHashes)
  const settled = settleUnconfirmed(record, pending, { browser, now, detail })
  return { outcome: { outcome: 'refused' }, ...settled }
}

interface Confirmation extends EnrolmentGround {
  readonly record: MfaRecord
  readonly now: Instant
  readonly response: unknown
  readonly fingerprint: string
  readonly issuing: () => Promise<readonly FreshSet[]>
  readonly name: string
  /** The challenge that the interaction keeps, of a factor with `enrolmentChallenge`. */
  readonly kept?: KeptChallenge | undefined
  /** Whether an authenticator with this assurance may be set up. Default: each one may. */
  readonly suffices?: ((assurance: Assurance) => boolean) | undefined
}

async function confirm(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  { record, now, response, fingerprint, issuing, name, kept, suffices, ...ground }: Confirmation,
): Promise<Decided<EnrolOutcome>> {
  const repeated = repeatOf(record, place.interaction, fingerprint, now)
  if (repeated !== undefined)
    return { outcome: { outcome: 'enrolled', accepted: repeated, shown: [] } }
  if (!mayEnrol(deps, factor, place, { ground, record, now }))
    return { outcome: { outcome: 'stale' } }
  const pending = pendingIn(record, place.interaction, factor.id, now)
  if (pending === undefined) return { outcome: { outcome: 'stale' } }
  const gate = delayGate(pending.delay, now)
  if (!gate.open) return { outcome: { outcome: 'closed', gate } }

  const given = { record, now, response, kept, suffices }
  const confirmed = await confirmedBy(deps, factor, place, pending, given)
  if (confirmed === undefined) return refused(place, { record, now, pending })

  const authenticator = bindAuthenticator(deps, place.accountId, factor, confirmed.state, {
    name: nameOf(name) || givenName(record, factor, confirmed),
    now,
  })
  const settle = ground.recovering === true ? settleRecovered : settleEnrolled
  // A recovery leaves none of the earlier sets.
  const left = ground.recovering === true ? { ...record, authenticators: [] } : record
  const missing = lacksSets(deps, left) ? await issuing() : []
  const issued = missing.filter((set) => !hasSet(deps, left, set.factor))
  const browser = classify(record, place.tokenHashes)
  const settled = settle(
    record,
    {
      interaction: place.interaction,
      fingerprint,
      authenticator,
      assurance: confirmed.assurance,
      browser,
      tokenHash: browser.kind === 'known' ? browser.tokenHash : place.newTokenHash,
      now,
      detail: place.detail,
      told: [],
    },
    issued.map((set) => bindSet(deps, place.accountId, set, { now, renewed: false })),
    {
      replaced: record.authenticators.find(({ id }) => id === ground.replaces),
      onPassword: ground.rule === 'password',
      isBesideOther: record.authenticators.some((one) => lasts(deps, one)),
    },
  )
  return {
    outcome: {
      outcome: 'enrolled',
      accepted: settled.accepted,
      shown: issued.flatMap(({ shown }) => shown),
    },
    record: settled.record,
    events: settled.events,
  }
}

/**
 * Checks R10 and R11 on the record at the time of the commit. Of two simultaneous first enrolments only one succeeds. A
 * further factor needs a fresh proof of an existing one, made in this interaction and spent by the same commit. A set-up
 * in progress keeps the proof with which it was begun until it ends.
 */
function mayEnrol(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  given: {
    readonly ground: EnrolmentGround
    readonly record: MfaRecord
    readonly now: Instant
  },
): boolean {
  const { ground, record, now } = given
  const { replaces, adding } = ground
  if (record.epoch !== place.epoch) return false
  const others = record.authenticators.filter(({ id }) => id !== replaces)
  // A recovery removes every authenticator, so there is always room for its replacement.
  if (ground.recovering !== true && isFull({ authenticators: others }, factor)) return false
  if (!isEnrolled(record))
    return enrolmentStep(record, ruleNow(record, ground), place.interaction, now) === 'choose'
  if (ground.recovering === true) return mayBindReplacement(record, place.interaction, now)
  // The one to be replaced is gone: what was asked for would now add one.
  if (replaces !== undefined && others.length === record.authenticators.length) return false
  const change: FactorChange =
    replaces === undefined ? { kind: 'add' } : { kind: 'replace', authenticatorId: replaces }
  if (shutDoor(record, change, now, deps.recovery) !== undefined) return false
  return adding === true && hasProofToAdd(record, place.interaction, now)
}

type Response = Pick<Confirmation, 'record' | 'now' | 'response' | 'kept' | 'suffices'>

/** Undefined: the factor refuses the response, the account has the key, or the authenticator may not be set up here. */
async function confirmedBy(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  pending: PendingEnrolment,
  { record, now, response, kept, suffices }: Response,
): Promise<Confirmed<Json> | undefined> {
  const value: unknown = factor.parsePending(openState(deps.box, place.accountId, pending))
  const input = confirmInput(deps, factor, place, { record, kept })
  const confirmed = (await factor.confirmEnrolment?.(value, response, now, input)) as
    Confirmed<Json> | undefined
  if (confirmed === undefined || suffices?.(confirmed.assurance) === false) return undefined
  return isRegistered(deps, record, factor, confirmed.state) ? undefined : confirmed
}

/** Whether the account has this key: bound twice, it would accept one code twice (R40). */
function isRegistered(
  deps: Dependencies,
  record: MfaRecord,
  factor: AnyFactor,
  state: Json,
): boolean {
  const key = factor.keyOf?.(state)
  if (key === undefined) return false
  return existingStates(deps, record, factor).some((owned) => factor.keyOf?.(owned.state) === key)
}

/** Whether the account has a set of this issued factor, or an imported one that stands in for it. */
function hasSet(deps: Dependencies, record: MfaRecord, issued: AnyFactor): boolean {
  const ids = withSuperseded(deps, issued)
  return record.authenticators.some(({ factor }) => ids.has(factor))
}

/**
 * Whether the account lacks a set of an issued factor. Without this check, secrets would be hashed for accounts that
 * have a set.
 */
function lacksSets(deps: Dependencies, record: MfaRecord): boolean {
  return [...deps.factors.values()].some(
    (factor) => factor.enrolment === 'issued' && !hasSet(deps, record, factor),
  )
}

async function issueAll(deps: Dependencies): Promise<readonly FreshSet[]> {
  const made: FreshSet[] = []
  for (const factor of deps.factors.values()) {
    const set = await issueSet(deps, factor)
    if (set !== undefined) made.push(set)
  }
  return made
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** The values that a confirming response is checked against. */
export function confirmInput(
  deps: Dependencies,
  factor: AnyFactor,
  { detail }: Place,
  { record, kept }: { readonly record: MfaRecord; readonly kept: KeptChallenge | undefined },
): ConfirmInput<unknown, unknown> {
  const browser = browserName(detail.userAgent ?? '')
  return {
    challenge: kept?.value,
    existing: existingStates(deps, record, factor),
    ...(browser === undefined ? {} : { browser }),
  }
}

/** The name that the factor gives. Two authenticators with one name could not be told apart where one is removed. */
function givenName(record: MfaRecord, { id }: AnyFactor, { name = '' }: Confirmed<Json>): string {
  const others = record.authenticators.filter(({ factor }) => factor === id)
  const given = nameOf(name)
  return given === ''
    ? ''
    : distinctName(
        given,
        others.map((one) => one.name),
      )
}
