import type { Provider } from 'oidc-provider'

/** The person and the session that an access token was issued for. */
export interface TokenOwner {
  readonly accountId: string
  readonly sessionUid: string
}

/** Undefined: the token is unknown or has expired, or it is bound to no session. */
export async function ownerOfToken(
  provider: Provider,
  value: string,
): Promise<TokenOwner | undefined> {
  const token = (await provider.AccessToken.find(value)) as Partial<TokenOwner> | undefined
  const { accountId, sessionUid } = token ?? {}
  return accountId === undefined || sessionUid === undefined ? undefined : { accountId, sessionUid }
}
