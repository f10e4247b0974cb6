import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'

/** Grants everything that the app has asked for, when the consent page is submitted. */
export async function grantAll(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<{ grantId: string }> {
  const { grantId, session, params, prompt } = await provider.interactionDetails(request, response)
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const { accountId } = session ?? {}
  const grant =
    known ?? new provider.Grant({ clientId: String(params.client_id), accountId: accountId ?? '' })
  const { missingOIDCScope = [], missingOIDCClaims = [] } = prompt.details as {
    missingOIDCScope?: string[]
    missingOIDCClaims?: string[]
  }
  grant.addOIDCScope(missingOIDCScope.join(' '))
  grant.addOIDCClaims(missingOIDCClaims)
  return { grantId: await grant.save() }
}
