import type { EarnedTrust } from '../../src/domain/trusted-browser.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import type { VerifyModel } from '../../src/http/pages.ts'
import { freshTrustToken, keepTrustToken, readTrustTokens, shownTrusts } from '../browser-trust.ts'
import { providerOf } from '../core.ts'
import type { Visit } from './visit.ts'

/** The box on the page of a factor. A look-up secret never earns trust, nor does a change of factors (R14). */
export function trustOffer(
  { details: { trustSeconds } }: Pick<Visit, 'details'>,
  { enrolment }: Pick<AnyFactor, 'enrolment'>,
): Pick<VerifyModel, 'trust'> {
  const isOffered = trustSeconds !== undefined && enrolment === 'confirmed'
  return isOffered ? { trust: { seconds: trustSeconds } } : {}
}

/** The trust that a form asks for: for the commit, and for the cookie after it. */
export interface Ticked {
  readonly settled: Omit<EarnedTrust, 'factor'>
  readonly keep: () => void
}

/** Undefined: the box was not ticked, or the page had none. */
export function trustTicked(visit: Visit, factor: AnyFactor, form: Form): Ticked | undefined {
  const { trust } = trustOffer(visit, factor)
  if (trust === undefined || form.trust === undefined) return undefined
  const { core, ctx, interaction, subject } = visit
  const { accountId } = subject
  const token = freshTrustToken(core.deps.box, accountId, interaction.uid)
  const [shown] = shownTrusts(core.deps.box, accountId, [token])
  if (shown === undefined) return undefined
  const { issuer } = providerOf(core)
  const beside = shownTrusts(core.deps.box, accountId, readTrustTokens(ctx.req, issuer))
  return {
    settled: { ...shown, seconds: trust.seconds, beside },
    keep: () => keepTrustToken({ request: ctx.req, response: ctx.res }, issuer, token),
  }
}
