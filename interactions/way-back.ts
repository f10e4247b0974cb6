import type { Provider } from 'oidc-provider'
import { endedInteraction } from '../src/host/interaction.ts'
import { findClient, homeOf } from '../src/host/provider.ts'

/** What a page can say of an interaction that is over. */
export interface WayBack {
  /** Its page was answered already, and the sign-in went on: the person has pressed the back button. */
  readonly answered: boolean
  /** Back to the app that began it, where that is known. */
  readonly href?: string
}

/**
 * From an interaction that is over back to the app that began it: where the app starts a sign-in, else its
 * home page, else the origin that it is answered at. All three are registered by the client. The caller knows the
 * interaction's unguessable uid.
 */
export async function wayBack(provider: Provider, uid: string): Promise<WayBack> {
  try {
    const { params, answered } = await endedInteraction(provider, uid)
    const href = await addressOf(provider, params)
    return { answered, ...(href === undefined ? {} : { href }) }
  } catch {
    // The page explains without it: a second fault must not take the place of the first.
    return { answered: false }
  }
}

/**
 * How a request for a page of an interaction that is over is answered. A form of an answered page stays refused, and a
 * download (the text of the backup codes) fails: the browser would save the page under the file's name.
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
