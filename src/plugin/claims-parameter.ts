import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { acrRequestOf } from '../../interactions/request.ts'

type Features = NonNullable<Configuration['features']>

/** The host's feature, as far as the plugin reads it. */
interface ClaimsParameter {
  readonly enabled?: boolean
  readonly assertClaimsParameter?: (
    ctx: KoaContextWithOIDC,
    claims: unknown,
    client: unknown,
  ) => unknown
}

/**
 * Refuses a request for the claim `acr` that cannot be read with `invalid_request`, at the endpoint to which the app sends
 * it. The prompt would refuse it too, but a device and a pushed request would begin, and fail only at the person.
 */
export function checkingClaims(features: Features = {}): Features {
  const parameter = features.claimsParameter as ClaimsParameter | undefined
  if (parameter?.enabled !== true) return features
  const checking: ClaimsParameter = {
    ...parameter,
    async assertClaimsParameter(ctx, claims, client) {
      acrRequestOf(ctx.oidc)
      await parameter.assertClaimsParameter?.(ctx, claims, client)
    },
  }
  return { ...features, claimsParameter: checking } as Features
}
