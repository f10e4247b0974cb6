import { keepAnswer } from '../../src/application/answer-offer.ts'
import { pendingIn } from '../../src/domain/enrolment.ts'
import { mayBeOffered, type OfferAnswer } from '../../src/domain/factor-offer.ts'
import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import { isForDevice } from '../../src/host/interaction.ts'
import { offerPageOf } from '../../src/http/factor-views.ts'
import type { Beside } from '../../src/http/pages.ts'
import * as enrolment from './enrolment.ts'
import { finish } from './finish.ts'
import { goOn, nextNotice } from './notices.ts'
import { isMade, silentOn, takeSilently } from './silent-offer.ts'
import { expired, pathOf, redirect, show, tokenFor, type Visit } from './visit.ts'

/**
 * The page that offers a factor to a person who has none of it, once everything that the sign-in asks for is proved. The
 * set-up is one more factor, with the proof just given (R11). Whatever the answer is, and if the set-up is cancelled, the
 * sign-in ends at the app.
 */

/** The scripts by which the page of `shown` finds out whether the device can have a factor that is offered after it. */
export function offersBeside(visit: Visit, shown: AnyFactor): readonly Beside[] {
  return offersAfter(visit, shown).map(({ id }) => ({ factor: id, offer: true }))
}

/**
 * Leads on after an accepted response: to a page that has something to tell, or else to the offer that the form names. A
 * forged form shows an offer and opens nothing.
 */
export async function leadOn(
  visit: Visit,
  accepted: AcceptedAttempt,
  { shown, form }: { readonly shown: AnyFactor; readonly form: Form },
): Promise<void> {
  const offered = offersAfter(visit, shown).find(({ id }) => id === form.offer)
  if (offered === undefined || nextNotice(visit, accepted) !== undefined)
    return goOn(visit, accepted)
  redirect(visit, pathOf(visit, 'offer', offered.id))
}

/**
 * A person who has accepted the offer and goes back comes to the set-up again. Throws `interaction-expired` where the
 * factor is not offered: the page was requested out of order.
 */
export async function showFactorOffer(
  visit: Visit,
  accepted: AcceptedAttempt,
  factor: AnyFactor,
): Promise<void> {
  if (isBegun(visit, factor)) return redirect(visit, pathOf(visit, 'enrol', factor.id))
  const form = { csrf: tokenFor(visit), action: pathOf(visit, 'offer', factor.id) }
  if (isMade(visit, factor)) return show(visit, offerPageOf(factor), { ...form, made: true })
  if (!isOfferedNow(visit, accepted, factor)) throw expired('This factor is not offered here')
  await show(visit, offerPageOf(factor), { ...form, ...(await silentOn(visit, factor)) })
}

export async function answerFactorOffer(
  visit: Visit,
  accepted: AcceptedAttempt,
  factor: AnyFactor,
  form: Form,
): Promise<void> {
  if (form.answer === 'silent') return answerSilently(visit, accepted, factor, form)
  const answer = answerIn(form)
  // A double tap gets the same page.
  if (answer === 'set-up' && isBegun(visit, factor))
    return redirect(visit, pathOf(visit, 'enrol', factor.id))
  if (!isOfferedNow(visit, accepted, factor)) return finish(visit, accepted)
  await keep(visit, factor, answer)
  if (answer === 'set-up' && (await enrolment.beginOffered(visit, factor))) return
  return finish(visit, accepted)
}

/** The page that follows tells what the browser has made, or is the offer as it was. */
async function answerSilently(
  visit: Visit,
  accepted: AcceptedAttempt,
  factor: AnyFactor,
  form: Form,
): Promise<void> {
  const after = isOfferedNow(visit, accepted, factor)
    ? await takeSilently(visit, factor, form)
    : visit
  const isShown =
    isMade(after, factor) || isBegun(after, factor) || isOfferedNow(after, accepted, factor)
  if (!isShown) return finish(after, accepted)
  redirect(after, pathOf(after, 'offer', factor.id))
}

function answerIn({ answer }: Form): OfferAnswer {
  return answer === 'set-up' || answer === 'never' ? answer : 'not-now'
}

/** Whether the set-up of this offer is in progress. */
function isBegun(visit: Visit, { id }: AnyFactor): boolean {
  const { core, place, seen } = visit
  const pending = pendingIn(seen.record, place.interaction, id, core.deps.clock.now())
  return pending !== undefined && enrolment.isOffered(visit)
}

/** The sign-in is complete: an account that changes too often at this moment does not hold it up. */
async function keep(visit: Visit, factor: AnyFactor, answer: OfferAnswer): Promise<void> {
  const { core, place, seen } = visit
  try {
    await keepAnswer(core.deps, place, { factor: factor.id, answer }, seen)
  } catch (error) {
    if (!(error instanceof MfaError && error.code === 'record-contended')) throw error
  }
}

function isOfferedNow(visit: Visit, accepted: AcceptedAttempt, factor: AnyFactor): boolean {
  const shown = visit.core.deps.factors.get(accepted.factor)
  return (
    shown !== undefined &&
    accepted.spentOn === undefined &&
    offersAfter(visit, shown).some(({ id }) => id === factor.id)
  )
}

/** The factors that may be offered after a response of `shown`: none, unless it is a code of a factor that people set up. */
function offersAfter(visit: Visit, shown: AnyFactor): readonly AnyFactor[] {
  const { core, seen } = visit
  const isCode = shown.guessable && shown.enrolment === 'confirmed'
  if (!isCode || !isPlainSignIn(visit) || visit.details.notEnough?.includes(shown.id) === true)
    return []
  const { clock, factors } = core.deps
  const now = clock.now()
  return [...factors.values()].filter(
    (factor) => factor.pages?.offer === true && mayBeOffered(seen.record, factor, now),
  )
}

/**
 * Whether the person signs in with a password that was typed for it, and for nothing else: no step-up, no change of
 * factors, no app that asked for a certain prompt, no device elsewhere, no rule that lists factors or whose set-up is due.
 */
function isPlainSignIn({ details, interaction, stepUp, subject }: Visit): boolean {
  return (
    !stepUp &&
    subject.amr.includes('pwd') &&
    subject.upstream === undefined &&
    subject.isEarlier !== true &&
    subject.proofs === undefined &&
    details.change === undefined &&
    details.later === undefined &&
    details.countingFactors === undefined &&
    interaction.params.prompt === undefined &&
    !isForDevice(interaction)
  )
}
