import type { Provider } from 'oidc-provider'
import { endedInteraction } from '../src/host/interaction.ts'
import { findClient, homeOf } from '../src/host/provider.ts'

/** The facts that a page can tell about an interaction that is over. */
export interface WayBack {
  /** True if its page was answered and the sign-in went on: the person has then pressed the back button. */
  readonly answered: boolean
  /** The address of the app that began it, where that is known. */
  readonly href?: string
}

/**
 * Finds the way from an interaction that is over back to the app that began it: the address at which the app starts a
 * sign-in, else its home page, else the origin of its redirect URI. All three are registered with the client. The
 * caller knows the interaction's unguessable uid.
 */
export async function wayBack(provider: Provider, uid: string): Promise<WayBack> {
  try {
    const { params, answered } = await endedInteraction(provider, uid)
    const href = await addressOf(provider, params)
    return { answered, ...(href === undefined ? {} : { href }) }
  } catch {
    // The page explains the first fault without a link: a second fault must not take its place.
    return { answered: false }
  }
}

/**
 * Decides what the page tells about an interaction that is over. The form of an answered page stays refused, and so
 * does a download (the text of the backup codes), because the browser would save the page under the file's name.
 */
export function aboutEnd(
  { method, path }: { readonly method: string; readonly path: string },
  end: WayBack | undefined,
): { wayBack?: string; answered: boolean } {
  const isPage = ['GET', 'HEAD'].includes(method) && !path.endsWith('.txt')
  return {
    ...(end?.href === undefined ? {} : { wayBack: end.href }),
    answered: end?.answered === true && isPage,
  }
}

async function addressOf(
  provider: Provider,
  params: Readonly<Record<string, unknown>>,
): Promise<string | undefined> {
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
