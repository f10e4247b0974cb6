import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { keepBrowserToken } from '../browser-token.ts'
import { writeMultiFactorLogin } from '../result.ts'
import { providerOf } from '../core.ts'
import { redirect, type Visit } from './visit.ts'

/** Everything asked for was proved and saved: the result goes to the host, the browser back to the app. */
export async function finish(visit: Visit, accepted: AcceptedAttempt): Promise<void> {
  const { core, ctx, interaction, subject, seen, place, tokens } = visit
  const known = seen.record.browsers.some(({ tokenHash }) => place.tokenHashes.includes(tokenHash))
  if (!known) keepBrowserToken(ctx.res, providerOf(core).issuer, tokens)
  redirect(visit, await writeMultiFactorLogin(core, interaction, subject, accepted))
}
