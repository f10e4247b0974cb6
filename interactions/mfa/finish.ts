import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { keepBrowserToken } from '../browser-token.ts'
import {
  newBrowser,
  writeLoginRequired,
  writeMultiFactorLogin,
  writeProofs,
  writeReply,
} from '../result.ts'
import { changeIn } from '../request.ts'
import { providerOf } from '../core.ts'
import { pathOf, redirect, type Visit } from './visit.ts'

/**
 * Gives the result to the host and sends the browser back to the app, after everything asked for was proved and saved.
 * A proof for a change of factors leads to the page of the change first, and back to the app once it is spent on the
 * change.
 */
export async function finish(visit: Visit, accepted: AcceptedAttempt): Promise<void> {
  const isForChange = visit.details.change !== undefined && accepted.spentOn === undefined
  if (isForChange && !isMoreAsked(visit, accepted)) return redirect(visit, pathOf(visit, 'change'))
  return finishWith(visit, accepted, {})
}

/** Does the same where the change is not made now. `rest`: the person's answer, which the host gets beside it. */
export async function finishWith(
  visit: Visit,
  accepted: AcceptedAttempt,
  rest: object,
): Promise<void> {
  const { core, ctx, interaction, subject, seen, place, tokens } = visit
  const known = seen.record.browsers.some(({ tokenHash }) => place.tokenHashes.includes(tokenHash))
  const isMore = isMoreAsked(visit, accepted)
  // The browser becomes known by the last factor.
  if (!known && !isMore) keepBrowserToken(ctx.res, providerOf(core).issuer, tokens)
  const write = (): Promise<string> => {
    const { record } = seen
    const more = { ...rest, ...newBrowser(subject.accountId, known) }
    if (isMore) return writeProofs(core, interaction, subject, { accepted, record, rest: more })
    if (!isTooOld(visit))
      return writeMultiFactorLogin(core, interaction, subject, { accepted, record, rest: more })
    return changeIn(interaction.params) === undefined
      ? writeReply(core, interaction, rest)
      : writeLoginRequired(core, interaction)
  }
  redirect(visit, await write())
}

/** Whether the policy asks for one more factor after this one, in a sign-in that has no session yet. */
export function isMoreAsked(
  { stepUp, details }: Pick<Visit, 'stepUp' | 'details'>,
  { factor, spentOn }: Pick<AcceptedAttempt, 'factor' | 'spentOn'>,
): boolean {
  return !stepUp && spentOn === undefined && details.notEnough?.includes(factor) === true
}

/**
 * Whether the session has become too old for max_age since the step-up began. A login written now would pass the host's
 * check of max_age with the old time (R25). Without a login the host asks for the first factor.
 */
function isTooOld({ stepUp, interaction, subject, core }: Visit): boolean {
  const maxAge = interaction.params.max_age
  if (!stepUp || maxAge === undefined || maxAge === null) return false
  return core.deps.clock.now() - subject.ts > Number(maxAge)
}
