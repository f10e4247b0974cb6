import { challengeFactor, factorGate, verifyFactor } from '../../src/application/verify-factor.ts'
import { openState } from '../../src/application/sealed-state.ts'
import { challengeIn } from '../../src/domain/enrolment.ts'
import { isUsable } from '../../src/domain/import.ts'
import type { AcceptedAttempt, Authenticator } from '../../src/domain/mfa-record.ts'
import type { Instant } from '../../src/domain/time.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import { verifyPageOf } from '../../src/http/factor-views.ts'
import type { CodeError, Method } from '../../src/http/pages.ts'
import { finish } from './finish.ts'
import { showClosed } from './locked.ts'
import { expired, pathOf, redirect, show, tokenFor, type Visit } from './visit.ts'

/** Proving a second factor that is enrolled. */

/** Few look-up secrets left: the person is told straight after using one. */
export const LOW_REMAINING = 3

/** The factor that is asked for first: the one used last, never a look-up secret while there is another. */
export function preferredFactor(visit: Visit): AnyFactor {
  const [first] = ownedWays(visit)
  if (first === undefined) throw expired('None of the factors of this account is configured')
  return first.factor
}

export async function showVerification(
  visit: Visit,
  factor: AnyFactor,
  wrong?: { error: CodeError; status: number },
): Promise<void> {
  const { core, seen, place, interaction } = visit
  const [latest, second] = authenticatorsOf(visit, factor)
  if (latest === undefined || seen.record.epoch !== place.epoch)
    throw expired('This factor is not one of the account')
  const now = core.deps.clock.now()
  const open = factorGate(seen.record, factor, place, now)
  if (!open.open) return showClosed(visit, open, pathOf(visit, 'verify', factor.id))

  const opened = challengeIn(seen.record, interaction.uid, factor.id, now)
  // A challenge is made, or a code sent, when the person asks for it: a GET does neither.
  if (factor.challenge !== undefined && opened === undefined && wrong === undefined)
    return redirect(visit, pathOf(visit, 'choose'))
  const challenge: unknown =
    opened === undefined
      ? undefined
      : factor.parseChallenge(openState(core.deps.box, place.accountId, opened))
  const state: unknown = factor.parseState(openState(core.deps.box, place.accountId, latest))
  const verification = factor.describeVerification?.(state, challenge) ?? {}
  await show(
    visit,
    verifyPageOf(factor),
    {
      csrf: tokenFor(visit),
      action: pathOf(visit, 'verify', factor.id),
      cancelAction: pathOf(visit, 'cancel'),
      verification,
      ...(ownedWays(visit).length > 1 ? { otherWayHref: pathOf(visit, 'choose') } : {}),
      ...(second === undefined && latest.name !== '' ? { authenticatorName: latest.name } : {}),
      ...(wrong === undefined ? {} : { error: wrong.error }),
    },
    wrong?.status,
  )
}

export async function verify(visit: Visit, factor: AnyFactor, form: Form): Promise<void> {
  const { core, place, seen } = visit
  const response: unknown = factor.parseResponse(form)
  if (response === undefined)
    return showVerification(visit, factor, { error: { code: 'unreadable' }, status: 400 })
  const outcome = await verifyFactor(core.deps, factor, place, response, seen)
  switch (outcome.outcome) {
    case 'accepted': {
      const { remaining } = outcome.accepted
      if (remaining !== undefined && remaining <= LOW_REMAINING)
        return redirect(visit, pathOf(visit, 'backup-codes-low'))
      if (renewalOf(visit, outcome.accepted) !== undefined)
        return redirect(visit, pathOf(visit, 'factor-ends'))
      return finish(visit, outcome.accepted)
    }
    case 'refused': {
      const { behindSeconds } = outcome
      const error: CodeError = {
        code: 'refused',
        ...(behindSeconds === undefined ? {} : { behindSeconds }),
      }
      // The fifth failure is answered like the first: the form as it was read, not the lock it has earned.
      return showVerification(visit, factor, { error, status: 422 })
    }
    case 'closed':
      return showClosed(visit, outcome.gate, pathOf(visit, 'verify', factor.id))
    case 'stale':
      throw expired('The account changed during the sign-in')
  }
}

/** When what was accepted ends: it was imported, and is weak. */
export function renewalOf(
  { seen }: Visit,
  { authenticatorId }: AcceptedAttempt,
): Instant | undefined {
  return seen.record.authenticators.find(({ id }) => id === authenticatorId)?.renewBy
}

export async function showOtherWays(visit: Visit): Promise<void> {
  await show(visit, 'mfa-choose', {
    csrf: tokenFor(visit),
    mode: 'verify',
    reason: visit.details.reason,
    methods: ownedMethods(visit),
    action: pathOf(visit, 'choose'),
    cancelAction: pathOf(visit, 'cancel'),
  })
}

export async function choose(visit: Visit, factor: AnyFactor): Promise<void> {
  if (authenticatorsOf(visit, factor).length === 0)
    throw expired('This factor is not one of the account')
  const outcome = await challengeFactor(visit.core.deps, factor, visit.place)
  if (outcome === 'stale') throw expired('The account changed during the sign-in')
  redirect(visit, pathOf(visit, 'verify', factor.id))
}

interface Way {
  readonly factor: AnyFactor
  /** The authenticator of it that was used last. */
  readonly latest: Authenticator
  readonly single: boolean
}

/** The person's ways, last used first, look-up secrets at the end. Opens nothing that is sealed. */
function ownedWays(visit: Visit): readonly Way[] {
  const now = visit.core.deps.clock.now()
  return [...visit.core.deps.factors.values()]
    .flatMap((factor) => {
      const [latest, second] = authenticatorsOf(visit, factor)
      return latest === undefined ? [] : [{ factor, latest, single: second === undefined }]
    })
    .toSorted(
      (one, other) =>
        // Past its time it leads nowhere; what is left of the ways comes first.
        Number(isUsable(other.latest, now)) - Number(isUsable(one.latest, now)) ||
        Number(isLasting(other.factor)) - Number(isLasting(one.factor)) ||
        (other.latest.lastUsedAt ?? 0) - (one.latest.lastUsedAt ?? 0),
    )
}

/** Set up by the person: every other factor is a supply that runs out. */
function isLasting({ enrolment }: AnyFactor): boolean {
  return enrolment === 'confirmed'
}

/** The ways as the page lists them: how many look-up secrets are left is inside what is sealed. */
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
      ...(single && latest.name !== '' ? { name: latest.name } : {}),
      ...(remaining === undefined ? {} : { remaining }),
      ...(lastUsed > 0 && latest.lastUsedAt === lastUsed ? { lastUsed: true } : {}),
    }
  })
}

/** The account's authenticators of a factor, those that can be used first, of them the last used. */
function authenticatorsOf(visit: Visit, factor: AnyFactor): readonly Authenticator[] {
  const now = visit.core.deps.clock.now()
  return visit.seen.record.authenticators
    .filter((authenticator) => authenticator.factor === factor.id)
    .toSorted(
      (one, other) =>
        Number(isUsable(other, now)) - Number(isUsable(one, now)) ||
        (other.lastUsedAt ?? 0) - (one.lastUsedAt ?? 0),
    )
}
