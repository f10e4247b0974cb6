import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { presentContext, routeOf, type OIDC } from './context.ts'

/** A refresh token that another one replaces. */
export interface ReplacedToken {
  /** The token itself, as the client presents it. */
  readonly value: string
  readonly grantId: string | undefined
}

/** The refresh token that a request presents to get new tokens. Undefined: it is another kind of request. */
export function presentedRefreshToken(oidc: OIDC | undefined): string | undefined {
  if (oidc === undefined || routeOf(oidc) !== 'token') return undefined
  const { grant_type: grantType, refresh_token: token } = oidc.params as Params
  return grantType === 'refresh_token' && typeof token === 'string' ? token : undefined
}

/**
 * Chooses the refresh tokens that replace others. `valueOf` gives the new token for the one that it replaces; at least
 * 128 bits of it must be unknown to everybody. Where it gives none, and for every other refresh token, the host chooses
 * at random.
 */
export function chooseSuccessors(
  { RefreshToken }: Provider,
  valueOf: (replaced: ReplacedToken, ctx: KoaContextWithOIDC) => string | undefined,
): void {
  const model = RefreshToken.prototype as unknown as { generateTokenId: () => string }
  const atRandom = model.generateTokenId
  Object.defineProperty(model, 'generateTokenId', {
    configurable: true,
    writable: true,
    value(this: unknown): string {
      const ctx = presentContext()
      const replaced = ctx?.oidc.entities.RotatedRefreshToken
      if (ctx === undefined || replaced === undefined) return atRandom.call(this)
      return valueOf({ value: replaced.jti, grantId: replaced.grantId }, ctx) ?? atRandom.call(this)
    },
  })
}

type Params = Readonly<Record<string, unknown>>
