import type { Configuration, Grant, KoaContextWithOIDC } from 'oidc-provider'
import { findGrant, give, newGrant } from '../host/grant.ts'
import { ACCOUNT_CLIENT_ID } from './client.ts'

type LoadGrant = NonNullable<Configuration['loadExistingGrant']>

/** Gives the account pages what they ask for, without a consent page: they are no app of somebody else's. */
export function grantingAccountPages(own: LoadGrant | undefined): LoadGrant {
  return async (ctx) => {
    if (ctx.oidc.client?.clientId === ACCOUNT_CLIENT_ID) return grantOfPages(ctx)
    return own === undefined ? givenGrant(ctx) : own(ctx)
  }
}

async function grantOfPages(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { session, provider } = ctx.oidc
  const accountId = session?.accountId
  if (accountId === undefined) return undefined
  const found = await givenGrant(ctx)
  const isTheirs = found?.accountId === accountId
  const grant = isTheirs ? found : newGrant(provider, { accountId, clientId: ACCOUNT_CLIENT_ID })
  const givesMore = give(grant, {
    scopes: [...ctx.oidc.requestParamOIDCScopes],
    claims: [...ctx.oidc.requestParamClaims],
  })
  // Without anything new nothing is saved, so that a sign-in of a live session only reads.
  if (!isTheirs || givesMore) await grant.save()
  return grant
}

/** The grant that the host takes where an application has no function of its own for it. */
async function givenGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, result, session, provider } = ctx.oidc
  const ofSession = client === undefined ? undefined : session?.grantIdFor(client.clientId)
  return findGrant(provider, result?.consent?.grantId ?? ofSession)
}
