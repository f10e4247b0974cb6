import type { Configuration } from 'oidc-provider'
import { ACCOUNT_CLIENT_ID } from './client.ts'
import { grantingAccountPages } from './grant.ts'

/** The account pages ask for no consent, and their tokens end with the session. */
export function withAccountPages({
  loadExistingGrant,
  expiresWithSession: own,
  features,
}: Configuration): Pick<Configuration, 'loadExistingGrant' | 'expiresWithSession' | 'features'> {
  return {
    loadExistingGrant: grantingAccountPages(loadExistingGrant),
    ...(features === undefined ? {} : { features: withoutRulesForPages(features) }),
    ...(own === undefined
      ? {}
      : {
          expiresWithSession: (ctx, token) =>
            ctx.oidc.client?.clientId === ACCOUNT_CLIENT_ID || own(ctx, token),
        }),
  }
}

type Answer = (...about: readonly unknown[]) => unknown
type Features = NonNullable<Configuration['features']>

/**
 * The features whose functions decide by client, which answer for the account pages that there is no rule. A FAPI profile
 * asks for responses that are signed for a relying party of somebody else's; a default resource would turn the token for
 * userinfo into one for an API.
 */
function withoutRulesForPages(features: Features): Features {
  const { fapi, resourceIndicators } = features as {
    fapi?: { profile?: string | Answer }
    resourceIndicators?: { defaultResource?: Answer }
  }
  const isPages = (client: unknown): boolean =>
    (client as { clientId?: string } | undefined)?.clientId === ACCOUNT_CLIENT_ID
  const { defaultResource } = resourceIndicators ?? {}
  const profile = fapi?.profile
  return {
    ...features,
    ...(profile === undefined
      ? {}
      : {
          fapi: {
            ...fapi,
            profile: (ctx: unknown, client: unknown): unknown => {
              if (isPages(client)) return undefined
              return typeof profile === 'function' ? profile(ctx, client) : profile
            },
          },
        }),
    ...(defaultResource === undefined
      ? {}
      : {
          resourceIndicators: {
            ...resourceIndicators,
            defaultResource: (ctx: unknown, client: unknown, ...others: unknown[]): unknown =>
              isPages(client) ? undefined : defaultResource(ctx, client, ...others),
          },
        }),
  } as Features
}
