import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Core } from '../../interactions/core.ts'
import { circumstancesIn } from '../../interactions/circumstances.ts'
import { countingProofsOf } from '../../interactions/proofs.ts'
import { requestTimes } from '../../interactions/request-times.ts'
import { acrRequestOf, acrsNamedBy } from '../../interactions/request.ts'
import { AUTHN_FACTORS, AUTHN_SCOPE } from '../domain/policy/authn-factors.ts'
import { assertionOf } from '../domain/policy/proofs.ts'
import { namedBy } from '../domain/policy/target.ts'
import { saidOfRequest, sayOfRequest } from '../host/assertion.ts'
import { grantIn, type OIDC } from '../host/context.ts'
import { proofsIn } from '../host/session.ts'
import { keepBasis } from '../host/token-basis.ts'

/**
 * Lets the codes and tokens of an accepted request say what its own proofs carry: the level that the request names, by
 * proofs that are new enough for it (R25, R45). They keep the proofs, so that a refresh can judge them again.
 */
export function assertRequest(core: Core, ctx: KoaContextWithOIDC): void {
  const { oidc } = ctx
  const { session } = oidc
  const { accountId } = session ?? {}
  if (session === undefined || accountId === undefined) return
  const times = requestTimes(core, oidc)
  const { provedSince = -Infinity } = times
  const circumstances = circumstancesIn(ctx.req) ?? { isNewBrowser: false, mayPostpone: false }
  // Where a trusted browser stood in for the factor, an earlier one does not raise the level (R14).
  const isTrusted = circumstances.trustedSince !== undefined
  const proofs = countingProofsOf(core, oidc, times).filter(
    ({ time, factor }) => time >= provedSince && !(isTrusted && factor !== undefined),
  )
  const { levels } = core.policy
  const said = assertionOf(levels, proofs, namedBy(levels, acrRequestOf(oidc)))
  if (said === undefined) return
  // A session that keeps no proofs may have a level of the application's own, which stays.
  if (proofsIn(session, accountId)) sayOfRequest(oidc, said)
  const acrs = acrsNamedBy(oidc)
  keepBasis(ctx, {
    basis: { proofs, acrs, ...circumstances, tellsFactors: asksFactors(oidc) },
    claims: saidOfRequest(oidc),
  })
}

/** Whether the app asks for the claim `authn_factors`, by the claim or by its scope, and the person has not refused it. */
function asksFactors(oidc: OIDC): boolean {
  const { claims, requestParamScopes } = oidc
  const { id_token: inIdToken, userinfo } = claims as Readonly<Record<string, object | undefined>>
  const isClaimed = [inIdToken, userinfo].some(
    (asked) => asked !== undefined && Object.hasOwn(asked, AUTHN_FACTORS),
  )
  const grant = grantIn(oidc)
  const isRefused = grant?.getRejectedOIDCClaims().includes(AUTHN_FACTORS) === true
  const isScopeRefused = grant?.getRejectedOIDCScope().split(' ').includes(AUTHN_SCOPE) === true
  return !isRefused && (isClaimed || (requestParamScopes.has(AUTHN_SCOPE) && !isScopeRefused))
}
