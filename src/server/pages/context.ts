import type { Context } from 'koa'
import type { Provider } from 'oidc-provider'
import { MfaError } from '../../domain/errors.ts'
import type { Interaction } from '../../host/interaction.ts'
import { findClient } from '../../host/provider.ts'
import { signedInSession } from '../../host/session.ts'
import { checkCsrf, csrfToken } from '../../http/csrf.ts'
import { readForm, type Form } from '../../http/body.ts'
import { checkOrigin } from '../../http/origin.ts'
import type { SecretBox } from '../../ports/services.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import { aboutClient, type About } from './render.ts'

/**
 * The interaction that this browser's cookie names. The host finds it by the cookie alone: here it must be the one in
 * the URL and ask for the prompt of this page; otherwise a response for one interaction could be used for another.
 */
export async function interactionOf(
  provider: Provider,
  ctx: Context,
  uid: string | undefined,
  prompt?: string,
): Promise<Interaction> {
  const interaction = await provider.interactionDetails(ctx.req, ctx.res)
  if (interaction.uid !== uid)
    throw new MfaError('interaction-expired', 'The address is of another sign-in', { status: 410 })
  if (prompt !== undefined && interaction.prompt.name !== prompt)
    throw new MfaError('wrong-prompt', `This sign-in does not ask for ${prompt}`, { status: 410 })
  return interaction
}

/**
 * Whether the session in which an interaction was begun is still valid: it exists, and its epoch is that of its account
 * (R20). A page that acts for a session asks this before it writes anything.
 */
export async function isOfLiveSession(
  { provider, mfa }: { readonly provider: Provider; readonly mfa: Pick<ServerMfa, 'accounts'> },
  { session }: Interaction,
): Promise<boolean> {
  const present = await signedInSession(provider, session)
  return present !== undefined && present.epoch === (await mfa.accounts.epoch(present.accountId))
}

/** The app, its language and its address, for a page within an interaction. */
export async function aboutInteraction(
  provider: Provider,
  { params }: Interaction,
): Promise<About> {
  const { client_id: clientId, redirect_uri: redirectUri, ui_locales: uiLocales } = params
  const client = typeof clientId === 'string' ? await findClient(provider, clientId) : undefined
  return {
    ...(client === undefined ? {} : aboutClient(client)),
    leadsToApp: redirectUri !== undefined,
    ...(typeof uiLocales === 'string' ? { uiLocales } : {}),
  }
}

/** Binds each of our forms to the place where it was shown and to its purpose (R30). */
export interface FormGuard {
  token(boundTo: string, purpose: string): string
  /** Reads a posted form. Throws MfaError `form-forged` and what readForm throws. */
  read(ctx: Context, boundTo: string, purpose: string): Promise<Form>
}

export function formGuard(box: SecretBox, issuer: string): FormGuard {
  return {
    token: (boundTo, purpose) => csrfToken(box, { boundTo, purpose }),
    async read(ctx, boundTo, purpose) {
      checkOrigin(ctx.req.headers, issuer)
      const form = await readForm(ctx)
      checkCsrf(box, { boundTo, purpose }, form['csrf'])
      return form
    },
  }
}
