import type { KoaContextWithOIDC, Provider } from 'oidc-provider'

/** A client of the host, with its metadata in camel case. */
export type HostClient = NonNullable<KoaContextWithOIDC['oidc']['client']>

/** The data of a client that pages show. */
export interface ClientLook {
  readonly name: string
  readonly logoUri?: string
  /** Colours, from the metadata `accent` and `accent_ink`. */
  readonly accent?: string
  readonly accentInk?: string
}

/** The parts of a client's metadata that pages show; colours that are no text are left out. */
export function lookOf(client: HostClient): ClientLook {
  const { clientId, clientName, logoUri, accent, accent_ink: accentInk } = client
  return {
    name: clientName ?? clientId,
    ...(logoUri === undefined ? {} : { logoUri }),
    ...(typeof accent === 'string' ? { accent } : {}),
    ...(typeof accentInk === 'string' ? { accentInk } : {}),
  }
}

/** Pages of a client's app that it has registered, as far as they are web addresses. */
export function pagesOf({
  clientUri: website,
  policyUri: privacy,
  tosUri: terms,
}: HostClient): Readonly<Partial<Record<'website' | 'privacy' | 'terms', string>>> {
  const pages = Object.entries({ website, privacy, terms })
  return Object.fromEntries(pages.filter(([, address]) => isWebAddress(address)))
}

/** Whether a link to the address is safe: a client that registers itself chooses it. */
function isWebAddress(address: string | undefined): boolean {
  return (
    address !== undefined &&
    URL.canParse(address) &&
    ['http:', 'https:'].includes(new URL(address).protocol)
  )
}

/** The address at which the app of a client begins a sign-in, or else its home page. */
export function homeOf({ initiateLoginUri, clientUri }: HostClient): string | undefined {
  return initiateLoginUri ?? clientUri
}

/** A client by its id. Undefined: there is no such client, or it is no longer valid. */
export async function findClient(
  provider: Provider,
  clientId: string,
): Promise<HostClient | undefined> {
  return provider.Client.find(clientId)
}

/**
 * The path of a route by the host's name for it, below `mountPath`; without one, below the path at which the present
 * request has found the provider. Throws where the feature of the route is off.
 */
export function pathOfRoute(provider: Provider, name: string, mountPath?: string): string {
  return provider.pathFor(name, mountPath === undefined ? {} : { mountPath })
}

/** A route of the host. */
export interface HostRoute {
  /** The host's name for it. */
  readonly name: string
  /** The interaction that it resumes. */
  readonly uid?: string
}

/** The routes that a request without a sign-in can use, and the one below them that resumes an interaction. */
const ROUTES: readonly (readonly [name: string, below?: string])[] = [
  ['authorization', 'resume'],
  ['code_verification', 'device_resume'],
  ['end_session'],
  ['pushed_authorization_request'],
  ['device_authorization'],
]

/**
 * The route that a path leads to, read as the host's router reads it: the case of letters does not matter, and neither
 * does a slash at the end. Otherwise `/AUTH/` would not be counted. Undefined: another route, or none.
 */
export function hostRouteOf(provider: Provider, path: string): HostRoute | undefined {
  const wanted = path.toLowerCase().replace(/(?<=.)\/$/, '')
  const routes = ROUTES.flatMap(([name, below]) => {
    const at = pathIfOn(provider, name, '')
    return at === undefined ? [] : [{ name, below, at: at.toLowerCase() }]
  })
  const exact = routes.find(({ at }) => at === wanted)
  if (exact !== undefined) return { name: exact.name }
  for (const { below, at } of routes) {
    if (below === undefined || !wanted.startsWith(`${at}/`)) continue
    const uid = decoded(path.slice(at.length + 1).replace(/\/$/, ''))
    if (!uid.includes('/')) return { name: below, uid }
  }
  return undefined
}

/** The path as `pathOfRoute` answers it. Undefined: the feature of the route is off. */
export function pathIfOn(provider: Provider, name: string, mountPath?: string): string | undefined {
  try {
    return pathOfRoute(provider, name, mountPath)
  } catch {
    return undefined
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
