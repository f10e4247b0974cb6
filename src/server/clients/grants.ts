import { createHash } from 'node:crypto'
import type { Grant, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { DAY_SECONDS } from '../../domain/time.ts'

/** Afterwards the person is asked once more. */
const REMEMBERED_SECONDS = 365 * DAY_SECONDS

/**
 * The grant that the host works with. An app of the service's own (`first_party`) gets what it asks for
 * without a consent page; every other app what this person has given it, in this session or before.
 *
 * Nothing is given while nobody is signed in: before the last factor the session has no account.
 */
export async function existingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, session, provider } = ctx.oidc
  const accountId = session?.accountId
  if (client === undefined || session === undefined || accountId === undefined) return undefined

  const consent = ctx.oidc.result?.consent
  const grantId = consent?.grantId ?? session.grantIdFor(client.clientId)
  const found = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const existing = found?.accountId === accountId ? found : undefined
  if (client['first_party'] !== true)
    return existing ?? (await rememberedGrant(provider, accountId, client.clientId))

  const grant = existing ?? new provider.Grant({ clientId: client.clientId, accountId })
  const before = JSON.stringify([grant.openid, grant.rejected])
  grant.addOIDCScope([...ctx.oidc.requestParamOIDCScopes].join(' '))
  grant.addOIDCClaims([...ctx.oidc.requestParamClaims])
  // Written only when the app asks for more than it had: single sign-on stays a read.
  if (existing === undefined || JSON.stringify([grant.openid, grant.rejected]) !== before)
    await grant.save()
  return grant
}

/**
 * Remembers what a person has just allowed an app, so that the next sign-in does not ask again. A record apart
 * from the session's grant, which ends with the session and takes that session's tokens with it; tokens never
 * hang on this one. Like every grant it counts only under the epoch it was made under (R20).
 */
export async function rememberConsent(
  provider: Provider,
  given: Grant,
  { accountId, clientId }: { readonly accountId: string; readonly clientId: string },
): Promise<void> {
  const id = memoryId(accountId, clientId)
  const before = await provider.Grant.find(id)
  const memory = new provider.Grant({ accountId, clientId })
  Object.assign(memory, { jti: id, expiresIn: REMEMBERED_SECONDS })
  if (before !== undefined) give(memory, before)
  give(memory, given)
  await memory.save()
}

/** A grant for this session with what was allowed in an earlier one. */
async function rememberedGrant(
  provider: Provider,
  accountId: string,
  clientId: string,
): Promise<Grant | undefined> {
  const memory = await provider.Grant.find(memoryId(accountId, clientId))
  if (memory === undefined) return undefined
  const grant = new provider.Grant({ accountId, clientId })
  give(grant, memory)
  await grant.save()
  return grant
}

function give(to: Grant, from: Grant): void {
  const scope = from.getOIDCScope()
  if (scope !== '') to.addOIDCScope(scope)
  to.addOIDCClaims(from.getOIDCClaims())
  for (const [indicator, scopes] of Object.entries(from.resources ?? {}))
    to.addResourceScope(indicator, scopes)
}

/** One for each person and app. Nobody but the host names a grant, so it need not be a secret. */
function memoryId(accountId: string, clientId: string): string {
  return createHash('sha256')
    .update(JSON.stringify(['consent', accountId, clientId]))
    .digest('base64url')
}
