import type { Provider } from 'oidc-provider'

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
  // Past the model, which knows no expired interactions; a storage keeps them for a while.
  const stored = (await provider.Interaction.adapter.find(uid)) as
    { params?: Record<string, unknown> } | undefined
  const { client_id: clientId, redirect_uri: redirectUri } = stored?.params ?? {}
  if (typeof clientId !== 'string') return undefined
  const client = await provider.Client.find(clientId)
  if (client === undefined) return undefined
  const { initiateLoginUri, clientUri } = client
  const home = initiateLoginUri ?? clientUri
  if (home !== undefined) return home
  if (typeof redirectUri !== 'string' || !client.redirectUris?.includes(redirectUri))
    return undefined
  const { protocol, origin } = new URL(redirectUri)
  return protocol === 'https:' || protocol === 'http:' ? `${origin}/` : undefined
}
