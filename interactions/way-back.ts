import type { Provider } from 'oidc-provider'
import { expiredParams } from '../src/host/interaction.ts'
import { findClient, homeOf } from '../src/host/provider.ts'

/**
 * From an interaction whose time is over back to the app that began it: where the app starts a sign-in, else its
 * home page, else the origin that it is answered at. All three are registered by the client. Undefined when
 * nothing is known of the interaction any more; whoever asks knows its unguessable uid.
 */
export async function wayBack(provider: Provider, uid: string): Promise<string | undefined> {
  try {
    return await findWayBack(provider, uid)
  } catch {
    // The page explains without it: a second fault must not take the place of the first.
    return undefined
  }
}

async function findWayBack(provider: Provider, uid: string): Promise<string | undefined> {
  const params = await expiredParams(provider, uid)
  const { client_id: clientId, redirect_uri: redirectUri } = params
  if (typeof clientId !== 'string') return undefined
  const client = await findClient(provider, clientId)
  if (client === undefined) return undefined
  const home = homeOf(client)
  if (home !== undefined) return home
  if (typeof redirectUri !== 'string' || !client.redirectUris?.includes(redirectUri))
    return undefined
  const { protocol, origin } = new URL(redirectUri)
  return protocol === 'https:' || protocol === 'http:' ? `${origin}/` : undefined
}
