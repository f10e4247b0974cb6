import type { KoaContextWithOIDC } from 'oidc-provider'

interface Signer {
  sign(data: string): string
  verify(data: string, signature: string): boolean
}

const PROBE = 'oidc-provider-mfa'

/** The Koa application that serves a request: the provider itself, or one that the provider is mounted in. */
export function applicationOf(ctx: KoaContextWithOIDC): object {
  return (ctx as unknown as { app: object }).app
}

/**
 * Whether the provider can read the signed cookies that it sets in this request. It sets them with the keys of the
 * application that serves the request, and reads them with its own.
 */
export function canReadOwnCookies(ctx: KoaContextWithOIDC): boolean {
  const { provider } = ctx.oidc
  if (applicationOf(ctx) === provider) return true
  const reader = keysOf(provider.createContext(ctx.req, ctx.res))
  const writer = keysOf(ctx)
  if (reader === undefined) return true
  return writer !== undefined && reader.verify(PROBE, writer.sign(PROBE))
}

/** The keys by which cookies are signed. Undefined: cookies are not signed. */
function keysOf({ cookies }: { readonly cookies: object }): Signer | undefined {
  return (cookies as { keys?: Signer }).keys
}
