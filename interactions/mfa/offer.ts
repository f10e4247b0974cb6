import { signInWithPassword } from '../login/finish.ts'
import { isEnrolled } from '../../src/domain/enrolment.ts'
import type { Form } from '../../src/factors/factor.ts'
import { submissionOf } from '../../src/host/interaction.ts'
import { OFFER, replyIn } from '../step-up-offer.ts'
import { withResult, writeFirstFactorAgain, writeReply } from '../result.ts'
import { expired, isTooOld, pathOf, redirect, show, tokenFor, type Visit } from './visit.ts'

/**
 * The page before an answer of a lower level than the app asked for: it offers to set up a second factor, with
 * "Not now". An app that ignores the level in its token would otherwise ask again without an end.
 */

/**
 * Whether a set-up that is only offered may not go on: the person has not accepted it. Nor may it begin with a session
 * that is too old: a stolen session would set up a factor of the thief (R10).
 */
export function isClosed(visit: Visit, step: 'begin' | 'confirm'): boolean {
  if (!mayRefuse(visit)) return false
  return replyOf(visit) !== 'accepted' || (step === 'begin' && isTooOld(visit))
}

/** Asks for the first factor again where the set-up was accepted in a session that is too old; else offers it. */
export async function askFirst(visit: Visit): Promise<void> {
  if (replyOf(visit) !== 'accepted') return showOffer(visit)
  redirect(
    visit,
    await writeFirstFactorAgain(visit.core, visit.interaction, { [OFFER]: 'accepted' }),
  )
}

function replyOf({ interaction }: Visit): ReturnType<typeof replyIn> {
  return replyIn({ ...submissionOf(interaction), ...interaction.result })
}

export async function showOffer(visit: Visit): Promise<void> {
  const { canSetUp = false, repeated = false } = visit.details.offer ?? {}
  await show(visit, 'mfa-offer', {
    csrf: tokenFor(visit),
    action: pathOf(visit, 'offer'),
    canSetUp,
    repeated,
  })
}

export async function answerOffer(visit: Visit, form: Form): Promise<void> {
  const { core, interaction, details } = visit
  if (!mayRefuse(visit)) return redirect(visit, pathOf(visit))
  if (form['answer'] !== 'set-up') return refuseOffer(visit)
  if (details.offer?.canSetUp !== true) throw expired('No second factor can be set up here')
  if (isTooOld(visit))
    return redirect(visit, await writeFirstFactorAgain(core, interaction, { [OFFER]: 'accepted' }))
  await withResult(interaction, OFFER, 'accepted')
  redirect(visit, pathOf(visit))
}

/** Whether the person may go on to the app without a second factor: the policy requires none, and there is none. */
export function mayRefuse({ details, seen }: Visit): boolean {
  return details.offer !== undefined && !isEnrolled(seen.record)
}

/** "Not now": the answer goes out as it is, and the session remembers it for this app. */
export async function refuseOffer(visit: Visit): Promise<void> {
  const { core, ctx, interaction, subject, stepUp, seen, place, tokens } = visit
  const reply = { [OFFER]: 'refused' }
  const location = stepUp
    ? await writeReply(core, interaction, reply)
    : await signInWithPassword(core, ctx.res, { interaction, subject, seen, place, tokens }, reply)
  redirect(visit, location)
}
