import type { Context, Next } from 'koa'
import { postsItself } from '../../host/pages.ts'
import { pageHeaders, withoutFormAction } from '../../http/headers.ts'

const CSP = 'Content-Security-Policy'

/**
 * Sets security headers on the host's own responses, such as the page that posts an authorization response by form,
 * or a sign-out. The policy is set first, because the host adds the hash of its script to a policy that is already
 * there. Responses that are not pages get nosniff and HSTS in addition to that policy and the host's own headers.
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
    letFormLeave(ctx)
  }
}

function wanted(ctx: Context, name: string): boolean {
  return isPage(ctx) || name === 'X-Content-Type-Options' || name === 'Strict-Transport-Security'
}

function isPage(ctx: Context): boolean {
  return ctx.response.is('html') === 'html'
}

/** A page of the host that posts itself leads to an app. The host has already checked the app's address. */
function letFormLeave(ctx: Context): void {
  const policy = ctx.res.getHeader(CSP)
  if (typeof policy === 'string' && postsItself(policy)) ctx.set(CSP, withoutFormAction(policy))
}
