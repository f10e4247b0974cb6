import { postpone as save, type Postponed } from '../../src/application/postpone.ts'
import { isEnrolled } from '../../src/domain/enrolment.ts'
import { mayPostpone } from '../../src/domain/grace.ts'
import { gracesInForce } from '../decide.ts'
import { LATER, type Later } from '../later.ts'
import { signInWithPassword } from '../login/finish.ts'
import { writeReply } from '../result.ts'
import { choices } from './choice.ts'
import { finishWith } from './finish.ts'
import { expired, passedOrNot, pathOf, redirect, show, tokenFor, type Visit } from './visit.ts'

/** The page of a set-up that a rule asks for and that can still be put off, and its button "Later". */

/** Whether the set-up of this sign-in can be put off now, after a factor of the person if one is asked for. */
export function isOffered(visit: Visit): boolean {
  return laterOf(visit) !== undefined && !isOver(visit)
}

/** The set-up that this sign-in may put off. Undefined: there is none, or a factor of the person comes first. */
function laterOf(visit: Visit): Later | undefined {
  const { later } = visit.details
  const accepted = passedOrNot(visit)
  // The set-up is made already.
  if (accepted?.spentOn !== undefined) return undefined
  return later?.afterFactor === true && accepted === undefined ? undefined : later
}

/** Whether its last day is over, or the browser may not put it off any more. */
function isOver({ core, details: { later }, seen: { record }, place }: Visit): boolean {
  const now = core.deps.clock.now()
  const ours = [...place.tokenHashes, place.newTokenHash]
  const isKnownBrowser = record.browsers.some(({ tokenHash }) => ours.includes(tokenHash))
  return (
    later === undefined ||
    now >= later.until ||
    !mayPostpone(record, { isKnownBrowser, createdAt: later.createdAt }, now)
  )
}

export async function showLater(visit: Visit): Promise<void> {
  const { details } = visit
  const { reason, later } = details
  if (later === undefined) throw expired('This sign-in offers nothing to put off')
  await show(visit, 'enrol-later', {
    ...formOf(visit),
    reason: reason === 'redundancy' || reason === 'change' ? reason : 'policy',
    laterAction: pathOf(visit, 'later'),
    lastDay: later.until - 1,
  })
}

/** Answers the button "Later": the sign-in is complete at the level that was proved. */
export async function postpone(visit: Visit): Promise<void> {
  const later = laterOf(visit)
  if (later === undefined) return redirect(visit, pathOf(visit))
  if (isOver(visit)) return showOver(visit)
  const { core, ctx, interaction, subject, stepUp, seen, place, tokens } = visit
  const inForce = gracesInForce(core)
  const postponed: Postponed = { until: later.until, rules: later.rules, inForce }
  const reply = { [LATER]: place.accountId }
  const accepted = passedOrNot(visit)
  if (accepted === undefined && !stepUp) {
    const signIn = { interaction, subject, seen, place, tokens, postponed }
    return redirect(visit, await signInWithPassword(core, ctx.res, signIn, reply))
  }
  if (!(await save(core.deps, place, postponed, seen)))
    throw expired('The account changed during the sign-in')
  if (accepted !== undefined) return finishWith(visit, accepted, reply)
  redirect(visit, await writeReply(core, interaction, reply))
}

/** The last day is over: the choice comes again, without the button. */
async function showOver(visit: Visit): Promise<void> {
  const { reason } = visit.details
  await show(visit, 'mfa-choose', { ...formOf(visit), reason, error: 'over' }, 403)
}

function formOf(visit: Visit) {
  return {
    csrf: tokenFor(visit),
    mode: 'enrol',
    methods: choices(visit),
    action: pathOf(visit, isEnrolled(visit.seen.record) ? 'change' : 'choose'),
    cancelAction: pathOf(visit, 'cancel'),
  } as const
}
