import type { Context, Next } from 'koa'
import { oidcIn } from '../../host/context.ts'
import { postsItself } from '../../host/pages.ts'
import { pageHeaders, redirectSources } from '../../http/headers.ts'

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
    if (ctx.headerSent) return
    for (const [name, value] of Object.entries(headers))
      if (!ctx.res.hasHeader(name) && wanted(ctx, name)) ctx.set(name, value)
    const returnsTo = destinationOf(ctx)
    if (returnsTo !== undefined) letFormGoTo(ctx, returnsTo)
  }
}

function wanted(ctx: Context, name: string): boolean {
  return isPage(ctx) || name === 'X-Content-Type-Options' || name === 'Strict-Transport-Security'
}

function isPage(ctx: Context): boolean {
  return ctx.response.is('html') === 'html'
}

function destinationOf(ctx: Context): string | undefined {
  const params = oidcIn(ctx)?.params
  const uri = params?.['redirect_uri'] ?? params?.['post_logout_redirect_uri']
  return typeof uri === 'string' ? uri : undefined
}

/** Only where the host has a form that posts itself: it has checked the address by then. */
function letFormGoTo(ctx: Context, uri: string): void {
  const policy = ctx.res.getHeader(CSP)
  if (typeof policy !== 'string' || !postsItself(policy)) return
  const sources = ["'self'", ...redirectSources(uri)].join(' ')
  ctx.set(CSP, policy.replace(/form-action [^;]*/, `form-action ${sources}`))
}
