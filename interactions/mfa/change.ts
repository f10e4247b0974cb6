import { withSuperseded, type NameFault } from '../../src/application/authenticator.ts'
import { changeFactors, isOnlyOne } from '../../src/application/change-factors.ts'
import { remainingOf } from '../../src/application/manage-accounts.ts'
import { isEnrolled } from '../../src/domain/enrolment.ts'
import {
  shutDoor,
  unspentProof,
  type FactorChange,
  type ShutDoor,
} from '../../src/domain/factor-change.ts'
import type { Authenticator } from '../../src/domain/mfa-record.ts'
import type { Form } from '../../src/factors/factor.ts'
import * as enrolment from './enrolment.ts'
import { finish } from './finish.ts'
import { keepShownCodes, readShownCodes } from './shown-codes.ts'
import { preferredFactor } from './verification.ts'
import { expired, knownFactor, pathOf, redirect, show, tokenFor, type Visit } from './visit.ts'

/**
 * These pages make the change of a person's factors that an authorization request asks for. Each page comes after a
 * fresh second factor in this interaction, says what will happen, and makes the change when its button is pressed. An
 * attacker who lures a person here by a link can only make them look at the page.
 */

export async function showChange(visit: Visit): Promise<void> {
  const change = changeOf(visit)
  // The page was requested out of order (a bookmark, the back button): the proof comes first.
  if (!mayChange(visit)) return redirect(visit, pathOf(visit))
  if (isRefused(visit)) return showRefusal(visit)
  switch (change.kind) {
    case 'add':
    case 'replace':
      return enrolment.showChoice(visit)
    case 'renew':
      return showRenewal(visit, change.factor)
    case 'remove':
      return showPage(visit, 'factor-remove')
    case 'rename':
      return showPage(visit, 'factor-rename')
    case 'prove':
      throw expired(PROOF_HAS_NO_PAGE)
  }
}

/** The change that a proof is for is made on a page of the application's own. */
const PROOF_HAS_NO_PAGE = 'This sign-in proves a factor and changes none'

export async function makeChange(visit: Visit, form: Form): Promise<void> {
  const change = changeOf(visit)
  const { details } = visit
  if (change.kind === 'add' || change.kind === 'replace') {
    const factor = knownFactor(visit.core, form.factor)
    const named = change.kind === 'add' ? change.factor : undefined
    if (named !== undefined && named !== factor.id)
      throw expired('This sign-in adds another factor')
    // A page that offers the set-up before any proof was shown: the proof comes next.
    if (details.later !== undefined && !mayChange(visit))
      return redirect(visit, pathOf(visit, 'verify', preferredFactor(visit).id))
    return enrolment.begin(visit, factor)
  }
  if (change.kind === 'prove') throw expired(PROOF_HAS_NO_PAGE)
  const { core, place, seen } = visit
  const { name } = form
  const outcome = await changeFactors(
    core.deps,
    place,
    change.kind === 'rename' && name !== undefined ? { ...change, name } : change,
    seen,
  )
  switch (outcome.outcome) {
    case 'stale':
      throw expired('No fresh factor was shown for this change, or it is made already')
    case 'last-factor':
      return showLastFactor(visit)
    case 'shut':
      return showShut(visit, outcome.door)
    case 'name-unfit':
      return showPage(visit, 'factor-rename', { error: outcome.fault, typed: name ?? '' })
    case 'changed':
      if (outcome.shown.length > 0) keepShownCodes(visit, outcome.shown)
      // A second tap that came later, or to another node, has no codes to show: only their hashes are stored.
      else if (readShownCodes(visit) === undefined) return finish(visit, outcome.accepted)
      return redirect(visit, pathOf(visit, 'backup-codes'))
  }
}

/** Whether this interaction has an unspent proof with which its change can be made. */
export function mayChange({ core, details, place, seen }: Visit): boolean {
  const now = core.deps.clock.now()
  return (
    details.change !== undefined && unspentProof(seen.record, place.interaction, now) !== undefined
  )
}

/**
 * Whether the account does not allow the change now, or the change would remove the last factor. Such a change is
 * refused before a code would be spent for nothing.
 */
export function isRefused(visit: Visit): boolean {
  return doorOf(visit) !== undefined || isOfLastFactor(visit)
}

export async function showRefusal(visit: Visit): Promise<void> {
  const door = doorOf(visit)
  return door === undefined ? showLastFactor(visit) : showShut(visit, door)
}

function doorOf({ core: { deps }, details: { change }, seen }: Visit): ShutDoor | undefined {
  if (change === undefined || !isEnrolled(seen.record)) return undefined
  return shutDoor(seen.record, change, deps.clock.now(), deps.recovery)
}

function isOfLastFactor({ core, details: { change }, seen }: Visit): boolean {
  return (
    change?.kind === 'remove' &&
    isOnlyOne(core.deps, seen.record, change.authenticatorId, core.deps.clock.now())
  )
}

async function showShut(visit: Visit, { reason, until }: ShutDoor): Promise<void> {
  await show(
    visit,
    'factor-change-shut',
    {
      csrf: tokenFor(visit),
      cancelAction: pathOf(visit, 'cancel'),
      reason,
      ...(until === undefined ? {} : { until }),
    },
    403,
  )
}

async function showLastFactor(visit: Visit): Promise<void> {
  const { name, factor } = authenticatorOf(visit)
  await show(
    visit,
    'factor-remove-refused',
    { csrf: tokenFor(visit), cancelAction: pathOf(visit, 'cancel'), factor, name },
    403,
  )
}

async function showPage(
  visit: Visit,
  page: 'factor-remove' | 'factor-rename',
  wrong?: { readonly error: NameFault; readonly typed: string },
): Promise<void> {
  const { name, factor } = authenticatorOf(visit)
  await show(
    visit,
    page,
    { ...formOf(visit), factor, name, ...wrong },
    wrong === undefined ? 200 : 422,
  )
}

async function showRenewal(visit: Visit, id: string): Promise<void> {
  const { core, place, seen } = visit
  const replaced = withSuperseded(core.deps, knownFactor(core, id))
  const present = seen.record.authenticators.find(({ factor }) => replaced.has(factor))
  const remaining =
    present === undefined ? undefined : remainingOf(core.deps, place.accountId, present)
  await show(visit, 'factor-renew', {
    ...formOf(visit),
    factor: id,
    ...(remaining === undefined ? {} : { remaining }),
  })
}

function formOf(visit: Visit): { csrf: string; action: string; cancelAction: string } {
  return {
    csrf: tokenFor(visit),
    action: pathOf(visit, 'change'),
    cancelAction: pathOf(visit, 'cancel'),
  }
}

function changeOf({ details: { change } }: Visit): FactorChange {
  if (change === undefined) throw expired('This sign-in changes no factor')
  return change
}

/**
 * The authenticator that the change is about. Throws `interaction-expired` when it is gone, perhaps removed in another
 * tab.
 */
function authenticatorOf(visit: Visit): Authenticator {
  const change = changeOf(visit)
  const found =
    'authenticatorId' in change
      ? visit.seen.record.authenticators.find(({ id }) => id === change.authenticatorId)
      : undefined
  if (found === undefined) throw expired('The authenticator is gone')
  return found
}
