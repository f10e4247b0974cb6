import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import type { FileValues } from '../../../config/schema.ts'
import type { Accounts } from '../../ports/accounts.ts'

interface AboutTokens {
  readonly accounts: Accounts
  readonly settings: FileValues
}

/**
 * A public client learns only of its own tokens. Where an API names the clients that may ask, no other client learns of a
 * token for it. Of a disabled person's token every client learns only that it is no longer active. The host itself does
 * not look at the account here.
 */
export async function mayIntrospect(
  { accounts, settings }: AboutTokens,
  client: Client,
  token: Introspected,
): Promise<boolean> {
  const isOwn = token.clientId === client.clientId
  if (!isOwn && !isAllowedToAsk(settings, client, token)) return false
  if (typeof token.accountId !== 'string') return true
  const account = (await accounts.byId(token.accountId))?.account
  return account !== undefined && account.disabledAt === undefined
}

interface Introspected {
  readonly clientId?: string | undefined
  readonly accountId?: unknown
  /** The API for which an access token was issued. */
  readonly aud?: unknown
  /** The APIs for which a refresh token can get access tokens. */
  readonly resource?: unknown
}

/** Whether a client may ask about the token of another one: by default it needs a secret, and an API can name who may. */
function isAllowedToAsk(
  { resources }: FileValues,
  { clientId, clientAuthMethod }: Client,
  { aud, resource }: Introspected,
): boolean {
  if (clientAuthMethod === 'none') return false
  return [aud, resource]
    .flat()
    .filter((one) => typeof one === 'string' && Object.hasOwn(resources, one))
    .every((one) => resources[one as string]?.introspectedBy?.includes(clientId) ?? true)
}

/** Only the client to which a token was issued may revoke it, even if another client has learnt the token. */
export function mayRevoke(
  _ctx: KoaContextWithOIDC,
  client: Client,
  token: { readonly clientId?: string | undefined },
): boolean {
  return token.clientId === client.clientId
}
