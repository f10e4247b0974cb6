import type { Context, Next } from 'koa'
import { oidcIn, routeOf } from '../../host/context.ts'

/**
 * Adds the scopes of the APIs to `scopes_supported` of the discovery document (RFC 8414 2). The host takes a scope of its
 * configuration for one of user info, so the scopes of APIs are not in it.
 */
export function tellScopesOfApis(scopes: readonly string[]) {
  return async (ctx: Context, next: Next): Promise<void> => {
    await next()
    if (routeOf(oidcIn(ctx)) !== 'discovery' || ctx.status !== 200) return
    const document = ctx.body as { readonly scopes_supported: readonly string[] }
    const all = new Set([...document.scopes_supported, ...scopes])
    ctx.body = { ...document, scopes_supported: [...all] }
  }
}
