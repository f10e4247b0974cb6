import type { Context, Next } from 'koa'
import type { OIDCContext } from 'oidc-provider'
import { pageHeaders, redirectSources } from '../http/headers.ts'

const CSP = 'Content-Security-Policy'

/**
 * Security headers for what the host writes itself: the page that posts an authorization response by form, or
 * a sign-out. The host adds the hash of its script to a policy that is there; where the form may go is known
 * only afterwards. Answers to programs keep no more than nosniff, HSTS and what the host says.
 */
export function hostHeaders(issuer: string) {
  const headers = pageHeaders({ issuer })
  return async (ctx: Context, next: Next): Promise<void> => {
    const policy = headers[CSP]
    if (policy !== undefined) ctx.set(CSP, policy)
    await next()
    for (const [name, value] of Object.entries(headers)) {
      if (ctx.response.get(name) !== '' || !wanted(ctx, name)) continue
      if (!ctx.headerSent) ctx.set(name, value)
    }
    if (ctx.headerSent || !isPage(ctx)) return
    const returnsTo = destinationOf(ctx)
    if (returnsTo !== undefined) letFormsGoTo(ctx, returnsTo)
  }
}

function wanted(ctx: Context, name: string): boolean {
  return isPage(ctx) || name === 'X-Content-Type-Options' || name === 'Strict-Transport-Security'
}

function isPage(ctx: Context): boolean {
  return ctx.response.is('html') === 'html'
}

function destinationOf(ctx: Context): string | undefined {
  const params = (ctx as { oidc?: OIDCContext }).oidc?.params
  const uri = params?.['redirect_uri'] ?? params?.['post_logout_redirect_uri']
  return typeof uri === 'string' ? uri : undefined
}

function letFormsGoTo(ctx: Context, uri: string): void {
  const sources = ["'self'", ...redirectSources(uri)].join(' ')
  const policy = ctx.response.get(CSP).replace(/form-action [^;]*/, `form-action ${sources}`)
  ctx.set(CSP, policy)
}
