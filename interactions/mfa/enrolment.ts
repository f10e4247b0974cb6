import { nameFault } from '../../src/application/authenticator.ts'
import {
  beginFactor,
  confirmFactor,
  describePending,
  type EnrolmentGround,
} from '../../src/application/enrol-factor.ts'
import type { ChallengeGround } from '../../src/application/challenge-factor.ts'
import { tellRefused } from '../../src/application/refused-attempts.ts'
import {
  enrolmentStep,
  hasProved,
  isEnrolled,
  pendingIn,
  ruleNow,
  setUpEndsAt,
} from '../../src/domain/enrolment.ts'
import { isProvedSetUpOpen } from '../../src/domain/factor-change.ts'
import { secondProof } from '../../src/domain/policy/session-proofs.ts'
import { mayBindReplacement } from '../../src/domain/recovery.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import { enrolPageOf } from '../../src/http/factor-views.ts'
import type { CodeError, DeliveryModel } from '../../src/http/pages.ts'
import { proofsOf, writeFirstFactorAgain } from '../result.ts'
import { choices, onlyChoice } from './choice.ts'
import * as later from './later.ts'
import { deliveryModel, pressed, type Pressed } from './delivery.ts'
import { keptEnrolmentChallenge, openEnrolmentChallengeOf } from './kept-challenge.ts'
import { keepShownCodes, readShownCodes } from './shown-codes.ts'
import { hasHardware } from './in-hardware.ts'
import { showClosed } from './locked.ts'
import { finish } from './finish.ts'
import {
  expired,
  groundOf,
  isTooOld,
  passedOrNot,
  pathOf,
  redirect,
  show,
  tokenFor,
  type Visit,
} from './visit.ts'

/**
 * These pages set up a factor within a sign-in: owner proof, choice, set-up, look-up secrets. It is the person's first
 * factor, or one more in an authorization that asks for it (change.ts).
 */

export function stepOf(visit: Visit): ReturnType<typeof enrolmentStep> {
  const { seen, details, place, core } = visit
  const rule = ruleNow(seen.record, details)
  return enrolmentStep(seen.record, rule, place.interaction, core.deps.clock.now())
}

/**
 * Shows the choice of a factor to set up. One factor is no choice: its set-up begins at once, and its page follows. A
 * factor that sends a code waits for its button, since no GET sends anything.
 */
export async function showChoice(visit: Visit): Promise<void> {
  const only = onlyChoice(visit)
  const isOffered = later.isOffered(visit)
  if (only !== undefined && (!isOffered || isOwnerProved(visit))) return begin(visit, only)
  if (isOffered) return later.showLater(visit)
  await show(visit, 'mfa-choose', {
    csrf: tokenFor(visit),
    mode: 'enrol',
    reason: visit.details.reason,
    methods: choices(visit),
    action: pathOf(visit, isEnrolled(visit.seen.record) ? 'change' : 'choose'),
    cancelAction: pathOf(visit, 'cancel'),
  })
}

/** Whether the person has chosen before, and has given the proof for it. */
function isOwnerProved({ core, seen, place }: Visit): boolean {
  return hasProved(seen.record, place.interaction, core.deps.clock.now())
}

/**
 * Begins the set-up that the person has chosen. Where it could have been put off, the choice comes first: the proof for
 * it follows, and in a session that is no longer fresh the first factor does (R10).
 */
export async function choose(visit: Visit, factor: AnyFactor): Promise<void> {
  if (visit.details.later === undefined) return begin(visit, factor)
  if (needsFirstFactor(visit)) return askFirstFactor(visit)
  switch (stepOf(visit)) {
    case 'prove':
      return redirect(visit, pathOf(visit, 'proof'))
    case 'refuse':
      return refuse(visit, 'no-proof')
    default:
      return begin(visit, factor)
  }
}

/**
 * Whether the first factor comes before the set-up: it could be put off when its page was opened, so nobody has looked at
 * the age of the session. A second device is set up with a fresh factor instead.
 */
function needsFirstFactor(visit: Visit): boolean {
  const { details, seen } = visit
  return details.later !== undefined && !isEnrolled(seen.record) && isTooOld(visit)
}

async function askFirstFactor(visit: Visit): Promise<void> {
  redirect(visit, await writeFirstFactorAgain(visit.core, visit.interaction))
}

export async function begin(visit: Visit, factor: AnyFactor): Promise<void> {
  if (needsFirstFactor(visit)) return askFirstFactor(visit)
  const began = await beginFactor(visit.core.deps, factor, visit.place, enrolmentGround(visit))
  if (began === 'stale') throw expired('This factor cannot be set up in this sign-in any more')
  if (began === 'begun') return redirect(visit, pathOf(visit, 'enrol', factor.id))
  return showAfterSending(visit, factor, pressed(began))
}

/**
 * Begins the set-up of a factor that was offered after the sign-in was proved. False: it cannot begin, or its code was not
 * sent, and the sign-in goes on without it.
 */
export async function beginOffered(visit: Visit, factor: AnyFactor): Promise<boolean> {
  const ground = { ...enrolmentGround(visit), adding: true }
  const began = await beginFactor(visit.core.deps, factor, visit.place, ground)
  if (began !== 'begun') return false
  redirect(visit, pathOf(visit, 'enrol', factor.id))
  return true
}

/** Whether a set-up that was offered is in progress in this sign-in: leaving it leads on to the app. */
export function isOffered({ core, details, place, seen, stepUp }: Visit): boolean {
  const now = core.deps.clock.now()
  return (
    !stepUp &&
    details.change === undefined &&
    isProvedSetUpOpen(seen.record, place.interaction, now)
  )
}

/** Leaves a set-up that was offered. If the proof of the sign-in is too old by now, it is asked for again. */
export async function leaveOffered(visit: Visit): Promise<void> {
  const accepted = passedOrNot(visit)
  return accepted === undefined ? redirect(visit, pathOf(visit)) : finish(visit, accepted)
}

/** Answers the button of a set-up page that sends another code, on the page itself. */
export async function send(visit: Visit, factor: AnyFactor): Promise<void> {
  if (factor.delivers !== true) throw expired('This factor sends nothing')
  if (needsFirstFactor(visit)) return askFirstFactor(visit)
  const began = await beginFactor(visit.core.deps, factor, visit.place, enrolmentGround(visit))
  if (began === 'stale') throw expired('This factor cannot be set up in this sign-in any more')
  return showAfterSending(visit, factor, pressed(began === 'begun' ? 'sent' : began))
}

async function showAfterSending(visit: Visit, factor: AnyFactor, press: Pressed): Promise<void> {
  const seen = await visit.core.record(undefined, visit.place.accountId)
  await showEnrolment({ ...visit, seen }, factor, { status: press.status, press })
}

/** The findings of the prompt that decide whether an enrolment may begin. */
function enrolmentGround(visit: Visit): EnrolmentGround & ChallengeGround {
  const { core, details, place, seen } = visit
  const { rule, firstSignIn, change } = details
  const recovering =
    core.recovers && mayBindReplacement(seen.record, place.interaction, core.deps.clock.now())
  const replaces = change?.kind === 'replace' ? change.authenticatorId : undefined
  const adding = change?.kind === 'add' || replaces !== undefined || isOffered(visit)
  const needsHardware = details.needsHardware === true
  return { ...groundOf(visit), rule, firstSignIn, adding, replaces, recovering, needsHardware }
}

/** The reason why the page is shown again after a POST. */
interface Again {
  readonly status: number
  readonly error?: CodeError
  readonly nameError?: 'too-long'
  readonly name?: string
  readonly press?: Pressed
}

export async function showEnrolment(visit: Visit, factor: AnyFactor, again?: Again): Promise<void> {
  const { core, details, place, seen } = visit
  const fresh = again?.error !== undefined
  const enrolment = await describePending(core.deps, factor, seen.record, place.interaction, {
    issuerName: core.issuerName,
    label: details.label,
    ...(details.needsHardware === true ? { needsHardware: true } : {}),
    challengeFor: (pending) => openEnrolmentChallengeOf(visit, factor, { pending, fresh }),
  })
  // No enrolment is pending here (a bookmark, another tab, or its time is over): the person chooses again.
  if (enrolment === undefined) return redirect(visit, pathOf(visit))
  const others = seen.record.authenticators.filter((one) => one.factor === factor.id).length
  const isChosen = onlyChoice(visit) === undefined && !isOffered(visit)
  await show(
    visit,
    enrolPageOf(factor),
    {
      csrf: tokenFor(visit),
      action: pathOf(visit, 'enrol', factor.id),
      cancelAction: pathOf(visit, 'cancel'),
      enrolment,
      name: again?.name ?? replacedName(visit),
      endsInSeconds: endsInSeconds(visit),
      ...(details.needsHardware === true ? { needsHardware: true } : {}),
      ...(isChosen ? { otherWayHref: pathOf(visit) } : {}),
      ...(isOffered(visit) || isReasonTold(visit) ? {} : { reason: details.reason }),
      ...(others === 0 ? {} : { nth: others + 1 }),
      ...(factor.delivers === true ? { delivery: deliveryOn(visit, factor, again?.press) } : {}),
      ...(again?.error === undefined ? {} : { error: again.error }),
      ...(again?.nameError === undefined ? {} : { nameError: again.nameError }),
    },
    again?.status,
  )
}

/** Whether the page of the choice has told why a factor is set up. Both pages tell it of a factor that is replaced. */
function isReasonTold(visit: Visit): boolean {
  return onlyChoice(visit) === undefined && visit.details.reason !== 'replace'
}

/** The name of the authenticator that is replaced: the new one takes it over unless the person types another. */
function replacedName({ details: { change }, seen }: Visit): string {
  if (change?.kind !== 'replace') return ''
  const { authenticatorId } = change
  return seen.record.authenticators.find(({ id }) => id === authenticatorId)?.name ?? ''
}

/** The time that is left for the set-up: until it ends, or the interaction does. */
function endsInSeconds({ core, seen, place, interaction }: Visit): number {
  const now = core.deps.clock.now()
  const end = setUpEndsAt(seen.record, place.interaction, now) ?? now
  return Math.max(0, Math.min(end, interaction.exp) - now)
}

function deliveryOn(visit: Visit, factor: AnyFactor, press: Pressed | undefined): DeliveryModel {
  const { core, seen, place } = visit
  return deliveryModel(visit, {
    record: seen.record,
    sendAction: pathOf(visit, 'enrol', factor.id, 'send'),
    sentTo: pendingIn(seen.record, place.interaction, factor.id, core.deps.clock.now())?.sentTo,
    press,
  })
}

export async function confirm(visit: Visit, factor: AnyFactor, form: Form): Promise<void> {
  const { core, place } = visit
  const name = form.name ?? ''
  const response: unknown = factor.parseResponse(form)
  if (response === undefined)
    return showEnrolment(visit, factor, { error: { code: 'unreadable' }, status: 400, name })
  // The name is checked before the code is spent: a spent code would be refused when it comes again with a shorter
  // name.
  if (nameFault(name) === 'too-long')
    return showEnrolment(visit, factor, { nameError: 'too-long', status: 422, name })
  const outcome = await confirmFactor(core.deps, factor, place, response, {
    ...enrolmentGround(visit),
    name,
    kept: keptEnrolmentChallenge(visit, factor),
    suffices: visit.details.needsHardware === true ? hasHardware : undefined,
  })
  switch (outcome.outcome) {
    case 'refused':
      return showEnrolment(visit, factor, { error: { code: 'refused' }, status: 422, name })
    case 'closed':
      return showClosed(visit, outcome.gate, { retryHref: pathOf(visit, 'enrol', factor.id) })
    case 'stale':
      throw expired('This enrolment is over')
    case 'enrolled':
      if (outcome.shown.length > 0) keepShownCodes(visit, outcome.shown)
      // A second tap that came later, or on another node, has nothing to show: only hashes are left.
      else if (readShownCodes(visit) === undefined)
        return finish(await renewed(visit), outcome.accepted)
      return redirect(visit, pathOf(visit, 'backup-codes'))
  }
}

/** The proof that was given before the set-up which was offered: the sign-in has both. */
function withEarlierProof(visit: Visit): Visit['subject'] {
  const { subject, seen } = visit
  const earlier = isOffered(visit) ? passedOrNot(visit) : undefined
  if (earlier === undefined) return subject
  const proofs = [...proofsOf(subject, seen.record), secondProof(earlier, seen.record)]
  return { ...subject, proofs }
}

/** The visit with the record as it is now: a recovery that has just been completed marks the proof (R9). */
async function renewed(visit: Visit): Promise<Visit> {
  const subject = withEarlierProof(visit)
  return { ...visit, subject, seen: await visit.core.record(undefined, visit.place.accountId) }
}

/** Says that no factor can be set up in this sign-in, and tells the listeners: somebody has the password (R10, R47). */
export async function refuse(visit: Visit, reason: 'no-proof' | 'no-address'): Promise<void> {
  tellRefused(visit.core.deps, visit.place, { type: 'enrolment-refused', detail: { reason } })
  const model = { csrf: tokenFor(visit), cancelAction: pathOf(visit, 'cancel') }
  await show(visit, 'enrolment-refused', model, 403)
}
