import {
  beginSilently,
  describeSilently,
  enrolSilently,
  isSilentOpen,
  openSilently,
} from '../../src/application/enrol-silently.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import type { OfferModel } from '../../src/http/pages.ts'
import { keepChallenge, keptSealed } from './kept-challenge.ts'
import { groundOf, type Visit } from './visit.ts'

/**
 * On the page of the offer, a browser that can may make an authenticator without asking the person. The sealed set-up is
 * kept with the interaction and made once: the first response spends it, right or wrong, and no other one follows.
 */
const SPENT = ''

/** Failures of this moment, which say nothing of the sign-in. */
const PASSING: readonly string[] = ['record-contended', 'too-many-attempts']

/** The values of the page for a browser that can make one. None: it may not, or it was tried, or the time is over. */
export async function silentOn(
  visit: Visit,
  factor: AnyFactor,
): Promise<Pick<OfferModel, 'silent'>> {
  const { core, details, interaction, place, seen } = visit
  const at = { record: seen.record, now: core.deps.clock.now() }
  if (!isSilentOpen(core.deps, factor, place, at)) return {}
  const kept = keptSealed(interaction, factor, 'silent')
  const sealed = kept ?? (await beginSilently(core.deps, factor, place, groundOf(visit)))
  const setUp = sealed === undefined ? undefined : openSilently(core.deps, factor, place, sealed)
  if (sealed === undefined || setUp === undefined) return {}
  if (kept === undefined) await keepChallenge(interaction, factor, sealed, 'silent')
  const about = { issuerName: core.issuerName, label: details.label }
  return { silent: await describeSilently(factor, setUp, about) }
}

/** Whether the browser has made one in this sign-in. */
export function isMade({ interaction, seen }: Visit, factor: AnyFactor): boolean {
  return (
    keptSealed(interaction, factor, 'silent') === SPENT &&
    seen.record.authenticators.some((one) => one.factor === factor.id)
  )
}

/**
 * Takes the response of a browser that was not asked by a person. The sign-in does not depend on it: it goes on if the
 * response is refused, and if the account changes too often or has too many attempts at this moment. Returns the visit
 * with the record after it.
 *
 * Throws what a commit throws besides `record-contended`.
 */
export async function takeSilently(visit: Visit, factor: AnyFactor, form: Form): Promise<Visit> {
  const { core, interaction, place, seen } = visit
  const sealed = keptSealed(interaction, factor, 'silent')
  const setUp = sealed === undefined ? undefined : openSilently(core.deps, factor, place, sealed)
  if (setUp === undefined) return visit
  await keepChallenge(interaction, factor, SPENT, 'silent')
  const response: unknown = factor.parseResponse(form)
  if (response === undefined) return visit
  try {
    await enrolSilently(core.deps, factor, place, { response, setUp, seen })
  } catch (error) {
    if (!(error instanceof MfaError && PASSING.includes(error.code))) throw error
  }
  return { ...visit, seen: await core.record(undefined, place.accountId) }
}
