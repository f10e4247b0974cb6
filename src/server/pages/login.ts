import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Provider } from 'oidc-provider'
import type { LoginError } from '../../http/pages.ts'
import type { CheckPassword } from '../accounts/sign-in.ts'
import { senderOf } from '../observe/audit.ts'
import { LONGEST_NAME } from '../accounts/name.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import { choiceOf } from './language.ts'
import type { ShowPage } from './render.ts'
import type { Interaction } from '../../host/interaction.ts'
import { aboutInteraction, interactionOf, type FormGuard } from './context.ts'

export interface LoginServices {
  readonly provider: Provider
  readonly mfa: ServerMfa
  readonly show: ShowPage
  readonly forms: FormGuard
  readonly checkPassword: CheckPassword
  readonly now: () => number
  /** The page for a forgotten password, if mail can be sent. */
  readonly forgottenHref?: string
}

const PURPOSE = 'login'

/**
 * The login page: the first factor. The second factor needs only one change here, `mfa.interactionFinished` in place of
 * the host's function: a right password alone signs nobody in.
 */
export function addLoginRoutes(router: Router, services: LoginServices): void {
  const { provider, mfa, forms } = services

  router.post('/interaction/:uid/login', async (ctx) => {
    const { uid = '' } = ctx.params
    const interaction = await interactionOf(provider, ctx, uid, 'login')
    const { username = '', password = '' } = await forms.read(ctx, uid, PURPOSE)
    if (username.trim() === '' || password === '')
      return showLogin(services, ctx, interaction, { status: 400, username, error: 'missing' })

    const verdict = await services.checkPassword({
      name: username,
      password,
      address: ctx.ip,
      userAgent: senderOf(ctx).userAgent,
      browserIsKnown: (accountId) => mfa.browsers.isKnown(ctx.req, accountId),
      browserFailed: (accountId) => mfa.browsers.failed(ctx.req, accountId),
    })
    switch (verdict.outcome) {
      case 'refused':
        return showLogin(services, ctx, interaction, {
          status: 422,
          username,
          error: 'credentials',
        })
      case 'too-many': {
        const retryAfterSeconds = Math.max(1, verdict.retryAt - services.now())
        return services.show(
          ctx,
          'busy',
          { retryAfterSeconds, retryHref: `/interaction/${uid}` },
          {
            status: 429,
            headers: { 'Retry-After': String(retryAfterSeconds) },
            ...(await aboutInteraction(provider, interaction)),
          },
        )
      }
      case 'accepted':
        return mfa.interactionFinished(ctx.req, ctx.res, {
          login: { accountId: verdict.account.id, epoch: verdict.epoch },
        })
    }
  })

  router.post('/interaction/:uid/cancel', async (ctx) => {
    const { uid = '' } = ctx.params
    await interactionOf(provider, ctx, uid, 'login')
    await forms.read(ctx, uid, PURPOSE)
    await provider.interactionFinished(
      ctx.req,
      ctx.res,
      { error: 'access_denied', error_description: 'the person left the sign-in' },
      { mergeWithLastSubmission: false },
    )
  })
}

/** Shows the page with the typed name, or at first with the app's login hint. The hint only fills the field. */
export async function showLogin(
  services: Pick<LoginServices, 'provider' | 'mfa' | 'show' | 'forms' | 'forgottenHref'>,
  ctx: Context,
  interaction: Interaction,
  again?: { status: number; username: string; error: LoginError },
): Promise<void> {
  const { provider, mfa, show, forms, forgottenHref } = services
  const { uid, params } = interaction
  const { login_hint: hint } = params
  const languages = choiceOf(mfa.views, forms, ctx, interaction)
  const username = again?.username ?? (typeof hint === 'string' ? hint : '')
  await show(
    ctx,
    'login',
    {
      action: `/interaction/${uid}/login`,
      cancelAction: `/interaction/${uid}/cancel`,
      csrf: forms.token(uid, PURPOSE),
      username: username.slice(0, LONGEST_NAME),
      ...(forgottenHref === undefined ? {} : { forgottenHref }),
      ...(languages === undefined ? {} : { languages }),
      ...(again === undefined ? {} : { error: again.error }),
    },
    { ...(await aboutInteraction(provider, interaction)), status: again?.status ?? 200 },
  )
}
