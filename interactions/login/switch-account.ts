import type { Context } from 'koa'
import { pageHeaders } from '../../src/http/headers.ts'
import {
  asHostContext,
  interactionIn,
  isResume,
  oidcIn,
  type OIDC,
} from '../../src/host/context.ts'
import { pathOfRoute } from '../../src/host/provider.ts'
import { formTokenOf } from '../../src/host/session.ts'
import type { Core } from '../core.ts'

/**
 * Shows our page in place of the host's when a person signs in while the browser has another person's session (two
 * tabs, two people). The host's page ends the first session by a form that its own script posts. A strict content
 * security policy stops that script and leaves the page empty. Our page has a button instead.
 */
export async function showSwitchAccount(core: Core, ctx: Context): Promise<void> {
  const hostContext = asHostContext(ctx)
  const { session, provider } = hostContext.oidc
  const next = comingIn(hostContext.oidc)
  if (session?.accountId === undefined || next === undefined) return
  const xsrf = formTokenOf(session)
  if (xsrf === undefined) return
  const nameOf = async (accountId: string): Promise<string> => {
    const account = await core.account(hostContext, accountId)
    return account === undefined ? accountId : (await core.describe(account)).label
  }
  const leadsToApp = interactionIn(hostContext.oidc)?.params.redirect_uri !== undefined
  ctx.set(pageHeaders({ issuer: provider.issuer, leadsToApp }))
  ctx.status = 200
  ctx.type = 'html'
  ctx.body = await core.views.render(
    'switch-account',
    {
      action: pathOfRoute(provider, 'end_session_confirm'),
      xsrf,
      from: await nameOf(session.accountId),
      to: await nameOf(next),
    },
    {
      issuerName: core.issuerName,
      locale: core.views.localeFor({ acceptLanguage: ctx.get('Accept-Language') }),
      links: core.links,
    },
  )
}

/**
 * Whether the host has just answered a resume with its self-posting page: the session in the browser is another
 * person's.
 */
export function isSwitching(ctx: Context): boolean {
  const oidc = oidcIn(ctx)
  if (oidc === undefined || !isResume(oidc)) return false
  const present = oidc.session?.accountId
  const next = comingIn(oidc)
  return ctx.status === 200 && present !== undefined && next !== undefined && next !== present
}

function comingIn(oidc: OIDC): string | undefined {
  const { login } = (interactionIn(oidc)?.result ?? {}) as { login?: { accountId: string } }
  return login?.accountId
}
