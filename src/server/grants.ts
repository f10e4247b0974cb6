import type { Grant, KoaContextWithOIDC } from 'oidc-provider'

/**
 * The grant that the host works with. An app of the service's own (`first_party`) gets what it asks for
 * without a consent page; every other app what this person gave it in this session.
 *
 * Nothing is given while nobody is signed in: before the last factor the session has no account.
 */
export async function firstPartyGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, session, provider } = ctx.oidc
  const accountId = session?.accountId
  if (client === undefined || session === undefined || accountId === undefined) return undefined

  const consent = ctx.oidc.result?.consent
  const grantId = consent?.grantId ?? session.grantIdFor(client.clientId)
  const found = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const existing = found?.accountId === accountId ? found : undefined
  if (client['first_party'] !== true) return existing

  const grant = existing ?? new provider.Grant({ clientId: client.clientId, accountId })
  const before = JSON.stringify([grant.openid, grant.rejected])
  grant.addOIDCScope([...ctx.oidc.requestParamOIDCScopes].join(' '))
  grant.addOIDCClaims([...ctx.oidc.requestParamClaims])
  // Written only when the app asks for more than it had: single sign-on stays a read.
  if (existing === undefined || JSON.stringify([grant.openid, grant.rejected]) !== before)
    await grant.save()
  return grant
}
