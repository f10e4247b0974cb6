import type { Context } from 'koa'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { pageHeaders } from '../../src/http/headers.ts'
import type { Core } from '../core.ts'

/**
 * When somebody signs in where another person's session is (two tabs, two people), the host posts a form by a
 * script of its own to end the first session. A strict content security policy stops that script and the page
 * says nothing: ours stands in its place, and asks.
 */
export async function showSwitchAccount(core: Core, ctx: Context): Promise<void> {
  const { oidc } = ctx as unknown as KoaContextWithOIDC
  const { session, provider } = oidc
  const { secret } = (session?.state ?? {}) as { secret?: unknown }
  const next = comingIn(oidc)
  if (session?.accountId === undefined || next === undefined || typeof secret !== 'string') return
  const nameOf = async (accountId: string): Promise<string> => {
    const account = await core.account(ctx as unknown as KoaContextWithOIDC, accountId)
    return account === undefined ? accountId : (await core.describe(account)).label
  }
  ctx.set(pageHeaders({ issuer: provider.issuer }))
  ctx.status = 200
  ctx.type = 'html'
  ctx.body = await core.views.render(
    'switch-account',
    {
      action: provider.pathFor('end_session_confirm'),
      xsrf: secret,
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

/** The host has just answered a resume with its self-posting page: the session in the browser is another person's. */
export function isSwitching(ctx: Context): boolean {
  const { oidc } = ctx as unknown as { oidc?: OIDC & { route?: string } }
  if (oidc?.route !== 'resume' && oidc?.route !== 'device_resume') return false
  const present = oidc.session?.accountId
  const next = comingIn(oidc)
  return ctx.status === 200 && present !== undefined && next !== undefined && next !== present
}

type OIDC = KoaContextWithOIDC['oidc']

function comingIn(oidc: OIDC): string | undefined {
  const { result } = (oidc.entities.Interaction ?? {}) as {
    result?: { login?: { accountId: string } }
  }
  return result?.login?.accountId
}
