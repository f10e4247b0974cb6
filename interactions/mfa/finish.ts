import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { keepBrowserToken } from '../browser-token.ts'
import { writeLoginRequired, writeMultiFactorLogin, writeNothing } from '../result.ts'
import { providerOf } from '../core.ts'
import { pathOf, redirect, type Visit } from './visit.ts'

/**
 * Everything asked for was proved and saved: the result goes to the host, the browser back to the app. A proof that
 * was asked for to change factors leads to the page of the change first, and back to the app when it is spent on it.
 */
export async function finish(visit: Visit, accepted: AcceptedAttempt): Promise<void> {
  if (visit.details.change !== undefined && accepted.spentOn === undefined)
    return redirect(visit, pathOf(visit, 'change'))
  const { core, ctx, interaction, subject, seen, place, tokens } = visit
  const known = seen.record.browsers.some(({ tokenHash }) => place.tokenHashes.includes(tokenHash))
  if (!known) keepBrowserToken(ctx.res, providerOf(core).issuer, tokens)
  const write = (): Promise<string> => {
    if (!isTooOld(visit)) return writeMultiFactorLogin(core, interaction, subject, accepted)
    return visit.details.change === undefined
      ? writeNothing(core, interaction)
      : writeLoginRequired(core, interaction)
  }
  redirect(visit, await write())
}

/**
 * The session was young enough when the step-up began and is not any more. A login written now would satisfy
 * the host's check of max_age with the old time (R25): without one it asks for the first factor.
 */
function isTooOld({ stepUp, interaction, subject, core }: Visit): boolean {
  const maxAge = interaction.params.max_age
  if (!stepUp || maxAge === undefined || maxAge === null) return false
  return core.deps.clock.now() - subject.ts > Number(maxAge)
}
