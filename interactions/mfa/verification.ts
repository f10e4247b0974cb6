import { sendChallenge } from '../../src/application/challenge-factor.ts'
import { factorGate } from '../../src/application/factor-gate.ts'
import { authenticatorsOf } from '../../src/application/owned-states.ts'
import { openState } from '../../src/application/sealed-state.ts'
import { verifyFactor } from '../../src/application/verify-factor.ts'
import type { AskedFor } from '../../src/domain/attempt.ts'
import { challengeIn } from '../../src/domain/enrolment.ts'
import type { Authenticator, OpenChallenge } from '../../src/domain/mfa-record.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import { verifyPageOf } from '../../src/http/factor-views.ts'
import type { CodeError, DeliveryModel, Method } from '../../src/http/pages.ts'
import { leadOn, offersBeside } from './factor-offer.ts'
import { deliveryModel, pressed, type Pressed } from './delivery.ts'
import { keptChallenge, openChallengeOf } from './kept-challenge.ts'
import { askedStates, hasHardware, isHardwareAsked } from './in-hardware.ts'
import { showClosed } from './locked.ts'
import { lostLink } from './lost-link.ts'
import { isMoreAsked } from './finish.ts'
import { trustOffer, trustTicked } from './trust.ts'
import { expired, groundOf, pathOf, redirect, show, tokenFor, type Visit } from './visit.ts'

/** These pages verify a second factor that the person has enrolled. */

/** The factor that is asked for first: the one used last, and a look-up secret only if no other factor is usable. */
export function preferredFactor(visit: Visit): AnyFactor {
  const [first] = ownedWays(visit)
  if (first === undefined) throw expired('None of the factors of this account is configured')
  return first.factor
}

/** The reason why the page is shown again after a POST. */
interface Again {
  readonly status: number
  readonly error?: CodeError
  /** The outcome of pressing the button that sends a code. */
  readonly press?: Pressed
}

export async function showVerification(
  visit: Visit,
  factor: AnyFactor,
  again?: Again,
): Promise<void> {
  const { core, seen, place } = visit
  const [latest, second] = owned(visit, factor)
  if (latest === undefined || seen.record.epoch !== place.epoch)
    throw expired('This factor is not one of the account')
  const now = core.deps.clock.now()
  const open = factorGate(core.deps, seen.record, factor, place, now)
  if (!open.open) return showClosed(visit, open, waysOn(visit, factor))

  const states = askedStates(visit, factor, now)
  const challenge = await challengeOn(visit, factor, again?.error !== undefined)
  const verification = (await factor.describeVerification?.(states, challenge)) ?? {}
  await show(
    visit,
    verifyPageOf(factor),
    {
      csrf: tokenFor(visit),
      action: pathOf(visit, 'verify', factor.id),
      cancelAction: pathOf(visit, 'cancel'),
      verification,
      ...(isHardwareAsked(visit, factor, now) ? { needsHardware: true } : {}),
      ...lostLink(visit),
      ...trustOffer(visit, factor),
      ...(ownedWays(visit).length > 1 ? { otherWayHref: pathOf(visit, 'choose') } : {}),
      ...(second === undefined && latest.name !== '' ? { authenticatorName: latest.name } : {}),
      ...(factor.delivers === true ? { delivery: deliveryOn(visit, factor, again?.press) } : {}),
      ...(again?.error === undefined ? {} : { error: again.error }),
    },
    again?.status,
    offersBeside(visit, factor),
  )
}

/** The ways on from the page that stands in place of a factor's form: later, or at once with a factor that is open. */
function waysOn(visit: Visit, factor: AnyFactor): Parameters<typeof showClosed>[2] {
  const { core, seen, place } = visit
  const now = core.deps.clock.now()
  const isOpen = ownedWays(visit).some(
    (way) =>
      way.factor.id !== factor.id &&
      factorGate(core.deps, seen.record, way.factor, place, now).open,
  )
  const retryHref = pathOf(visit, 'verify', factor.id)
  return { retryHref, ...(isOpen ? { otherWayHref: pathOf(visit, 'choose') } : {}) }
}

/** The challenge that the page shows: the one that was sent, or one that is kept with the interaction. */
async function challengeOn(visit: Visit, factor: AnyFactor, fresh: boolean): Promise<unknown> {
  if (factor.delivers !== true) return (await openChallengeOf(visit, factor, fresh))?.value
  const sent = sentIn(visit, factor)
  return sent === undefined
    ? undefined
    : factor.parseChallenge(openState(visit.core.deps.box, visit.place.accountId, sent))
}

function deliveryOn(visit: Visit, factor: AnyFactor, press: Pressed | undefined): DeliveryModel {
  return deliveryModel(visit, {
    record: visit.seen.record,
    sendAction: pathOf(visit, 'verify', factor.id, 'send'),
    sentTo: sentIn(visit, factor)?.sentTo,
    press,
  })
}

function sentIn({ core, seen, place }: Visit, factor: AnyFactor): OpenChallenge | undefined {
  return challengeIn(seen.record, place.interaction, factor.id, core.deps.clock.now())
}

export async function verify(visit: Visit, factor: AnyFactor, form: Form): Promise<void> {
  const { core, place, seen } = visit
  if (owned(visit, factor).length === 0) throw expired('This factor is not one of the account')
  const response: unknown = factor.parseResponse(form)
  if (response === undefined)
    return showVerification(visit, factor, { error: { code: 'unreadable' }, status: 400 })
  const kept = keptChallenge(core, visit.interaction, factor, place)
  const asked = askedFor(visit)
  const trust = trustTicked(visit, factor, form)
  const isLast = !isMoreAsked(visit, { factor: factor.id })
  const isHard = isHardwareAsked(visit, factor, core.deps.clock.now())
  const suffices = isHard ? hasHardware : undefined
  const shown = { seen, kept, asked, isLast, suffices, trust: trust?.settled }
  const outcome = await verifyFactor(core.deps, factor, place, response, shown)
  switch (outcome.outcome) {
    case 'accepted':
      trust?.keep()
      return leadOn(visit, outcome.accepted, { shown: factor, form })
    case 'refused': {
      const { behindSeconds } = outcome
      const error: CodeError = {
        code: 'refused',
        ...(behindSeconds === undefined ? {} : { behindSeconds }),
      }
      // A failure that causes a lock is answered like the first one: by the form, from the record as it was before.
      return showVerification(visit, factor, { error, status: 422 })
    }
    case 'closed':
      return showClosed(visit, outcome.gate, waysOn(visit, factor))
    case 'stale':
      throw expired('The account changed during the sign-in')
  }
}

/** A proof for a page of the application's own is kept for it; every other change is made in this interaction. */
function askedFor({ details: { change } }: Visit): AskedFor | undefined {
  if (change === undefined) return undefined
  if (change.kind !== 'prove') return 'change'
  const { purpose, secretHash } = change
  return { purpose, secretHash }
}

/** Shows the choice of a factor to verify. A person who has one factor goes on to its page. */
export async function showOtherWays(visit: Visit): Promise<void> {
  const [first, second] = ownedWays(visit)
  if (first !== undefined && second === undefined)
    return redirect(visit, pathOf(visit, 'verify', first.factor.id))
  await show(visit, 'mfa-choose', {
    csrf: tokenFor(visit),
    mode: 'verify',
    reason: visit.details.reason,
    methods: ownedMethods(visit),
    action: pathOf(visit, 'choose'),
    cancelAction: pathOf(visit, 'cancel'),
  })
}

/** A factor that delivers sends its code now; the page of any other opens its challenge itself. */
export async function choose(visit: Visit, factor: AnyFactor): Promise<void> {
  if (owned(visit, factor).length === 0) throw expired('This factor is not one of the account')
  if (factor.delivers !== true) return redirect(visit, pathOf(visit, 'verify', factor.id))
  const outcome = await sendChallenge(visit.core.deps, factor, visit.place, groundOf(visit))
  if (outcome === 'stale') throw expired('The account changed during the sign-in')
  // The page that takes the place of the form says why.
  if (outcome === 'sent' || outcome === 'closed')
    return redirect(visit, pathOf(visit, 'verify', factor.id))
  return showAfterSending(visit, factor, pressed(outcome))
}

/** Answers the button that sends another code, on the page itself. */
export async function send(visit: Visit, factor: AnyFactor): Promise<void> {
  if (factor.delivers !== true) throw expired('This factor sends nothing')
  const outcome = await sendChallenge(visit.core.deps, factor, visit.place, groundOf(visit))
  if (outcome === 'stale') throw expired('The account changed during the sign-in')
  // The page that takes the place of the form says why.
  if (outcome === 'closed') return showVerification(visit, factor)
  return showAfterSending(visit, factor, pressed(outcome))
}

async function showAfterSending(visit: Visit, factor: AnyFactor, press: Pressed): Promise<void> {
  const seen = await visit.core.record(undefined, visit.place.accountId)
  await showVerification({ ...visit, seen }, factor, { status: press.status, press })
}

interface Way {
  readonly factor: AnyFactor
  /** The authenticator of the factor that was used last, a usable one if there is any. */
  readonly latest: Authenticator
  readonly single: boolean
}

/**
 * The factors that the person has: usable ones before others, then look-up secrets after other factors, then the last
 * used one first. Opens nothing that is sealed.
 */
function ownedWays(visit: Visit): readonly Way[] {
  const { clock, rules } = visit.core.deps
  const now = clock.now()
  return [...visit.core.deps.factors.values()]
    .flatMap((factor) => {
      const [latest, second] = owned(visit, factor)
      return latest === undefined ? [] : [{ factor, latest, single: second === undefined }]
    })
    .toSorted(
      (one, other) =>
        // An authenticator past its time cannot be used, so usable ones come first.
        Number(rules.isUsable(other.latest, now)) - Number(rules.isUsable(one.latest, now)) ||
        Number(isLasting(other.factor)) - Number(isLasting(one.factor)) ||
        (other.latest.lastUsedAt ?? 0) - (one.latest.lastUsedAt ?? 0),
    )
}

/** Whether the person sets the factor up and confirms it. Every other factor is a supply that runs out. */
function isLasting({ enrolment }: AnyFactor): boolean {
  return enrolment === 'confirmed'
}

/** The ways as the page lists them. Opens their states, because the number of remaining look-up secrets is sealed. */
function ownedMethods(visit: Visit): readonly Method[] {
  const { core, place } = visit
  const ways = ownedWays(visit)
  const lastUsed = Math.max(...ways.map(({ latest }) => latest.lastUsedAt ?? 0))
  return ways.map(({ factor, latest, single }) => {
    const remaining = factor.remaining?.(
      factor.parseState(openState(core.deps.box, place.accountId, latest)),
    )
    return {
      factor: factor.id,
      ...(factor.delivers === true ? { sends: true } : {}),
      ...(single && latest.name !== '' ? { name: latest.name } : {}),
      ...(remaining === undefined ? {} : { remaining }),
      ...(lastUsed > 0 && latest.lastUsedAt === lastUsed ? { lastUsed: true } : {}),
    }
  })
}

/**
 * The account's authenticators of a factor: usable ones before others, and among these the last used one first. None of
 * a factor that does not lead on, because a rule lists others or the level needs more.
 */
function owned(visit: Visit, factor: AnyFactor): readonly Authenticator[] {
  if (visit.details.countingFactors?.includes(factor.id) === false) return []
  const { clock, rules } = visit.core.deps
  const now = clock.now()
  return authenticatorsOf(visit.seen.record, factor).toSorted(
    (one, other) => Number(rules.isUsable(other, now)) - Number(rules.isUsable(one, now)),
  )
}
