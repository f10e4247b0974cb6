import type { Context } from 'koa'
import { MfaError } from '../../src/domain/errors.ts'
import { pageHeaders } from '../../src/http/headers.ts'
import {
  asHostContext,
  interactionIn,
  isResume,
  oidcIn,
  type OIDC,
} from '../../src/host/context.ts'
import { findInteraction } from '../../src/host/interaction.ts'
import { pathOfRoute } from '../../src/host/provider.ts'
import { formTokenOf } from '../../src/host/session.ts'
import { checkCsrf, csrfToken } from '../../src/http/csrf.ts'
import { linksOf, localeIn, providerOf, publicPath, type Core } from '../core.ts'
import { writeNothing } from '../result.ts'

/** The last part of the path to which the page posts when the first person stays. */
export const STAY = 'stay'

/** The form is bound to the interaction, whose page nobody else has seen. */
const PURPOSE = 'switch-account'

/**
 * Shows our page in place of the host's when a person signs in while the browser has another person's session (two
 * tabs, two people). The host's page ends the first session by a form that its own script posts. A strict content
 * security policy stops that script and leaves the page empty. Our page has a button for each of the two.
 */
export async function showSwitchAccount(core: Core, ctx: Context): Promise<void> {
  const hostContext = asHostContext(ctx)
  const { session, provider } = hostContext.oidc
  const interaction = interactionIn(hostContext.oidc)
  const next = comingIn(hostContext.oidc)
  if (interaction === undefined || session?.accountId === undefined || next === undefined) return
  const xsrf = formTokenOf(session)
  if (xsrf === undefined) return
  const nameOf = async (accountId: string): Promise<string> => {
    const account = await core.account(hostContext, accountId)
    return account === undefined ? accountId : (await core.describe(account)).label
  }
  const { jti: uid, params } = interaction
  ctx.set(pageHeaders({ issuer: provider.issuer, leadsToApp: params.redirect_uri !== undefined }))
  ctx.status = 200
  ctx.type = 'html'
  ctx.body = await core.views.render(
    'switch-account',
    {
      action: pathOfRoute(provider, 'end_session_confirm'),
      xsrf,
      stayAction: [publicPath(core), uid, STAY].join('/'),
      csrf: csrfToken(core.deps.box, { boundTo: uid, purpose: PURPOSE }),
      from: await nameOf(session.accountId),
      to: await nameOf(next),
    },
    {
      issuerName: core.serviceName,
      locale: localeIn(core, ctx.headers, params),
      links: linksOf(core),
    },
  )
}

/**
 * Drops the second person's proofs, so that the host goes on with the person whose session the browser has. Answers
 * where the browser goes on. Throws MfaError `form-forged`, `interaction-expired`.
 */
export async function stay(core: Core, uid: string, csrf: string | undefined): Promise<string> {
  checkCsrf(core.deps.box, { boundTo: uid, purpose: PURPOSE }, csrf)
  const interaction = await findInteraction(providerOf(core), uid)
  if (interaction === undefined)
    throw new MfaError('interaction-expired', 'This sign-in is over', { status: 410 })
  return writeNothing(core, interaction)
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
