import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Provider } from 'oidc-provider'
import type { LoginError } from '../../http/pages.ts'
import { checkOrigin } from '../../http/origin.ts'
import type { CheckPassword } from '../accounts/sign-in.ts'
import type { CheckAlone } from '../accounts/sign-in-alone.ts'
import { senderOf } from '../observe/audit.ts'
import { LONGEST_NAME } from '../accounts/name.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import { choiceOf } from './language.ts'
import type { ShowPage } from './render.ts'
import type { Interaction } from '../../host/interaction.ts'
import type { Form } from '../../http/body.ts'
import { aboutInteraction, interactionOf, type FormGuard } from './context.ts'

export interface LoginServices {
  readonly provider: Provider
  readonly mfa: ServerMfa
  readonly show: ShowPage
  readonly forms: FormGuard
  readonly checkPassword: CheckPassword
  /** The factor by which people sign in alone. Undefined: there is none. */
  readonly signInFactor: string | undefined
  readonly checkAlone: CheckAlone
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
      case 'too-many':
        return showBusy(services, ctx, interaction, verdict.retryAt)
      case 'accepted':
        return mfa.interactionFinished(ctx.req, ctx.res, {
          login: { accountId: verdict.account.id, epoch: verdict.epoch },
        })
    }
  })

  if (services.signInFactor !== undefined) addSignInAlone(router, services, services.signInFactor)

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

/**
 * Takes the form of the page for a credential that names its owner, and answers fresh data for it. The page shows itself
 * again after a refusal.
 */
function addSignInAlone(router: Router, services: LoginServices, factor: string): void {
  const { provider, mfa, forms } = services
  const path = `/interaction/:uid/${factor}`

  router.post(path, async (ctx) => {
    const { uid = '' } = ctx.params
    const interaction = await interactionOf(provider, ctx, uid, 'login')
    const form = await forms.read(ctx, uid, PURPOSE)
    const verdict = await services.checkAlone(senderOf(ctx), () =>
      mfa.identificationResult(ctx.req, ctx.res, factor, form),
    )
    switch (verdict.outcome) {
      case 'refused':
        return showLogin(services, ctx, interaction, { status: 422, refused: form })
      case 'too-many':
        return showBusy(services, ctx, interaction, verdict.retryAt)
      case 'accepted':
        ctx.set('Cache-Control', 'no-store')
        ctx.redirect(verdict.location)
        ctx.status = 303
    }
  })

  router.get(path, async (ctx) => {
    const { uid = '' } = ctx.params
    checkOrigin(ctx.headers, provider.issuer)
    await interactionOf(provider, ctx, uid, 'login')
    ctx.set('Cache-Control', 'no-store')
    ctx.body = await mfa.identification(ctx.req, ctx.res, factor)
  })
}

async function showBusy(
  { provider, show, now }: LoginServices,
  ctx: Context,
  interaction: Interaction,
  retryAt: number,
): Promise<void> {
  const retryAfterSeconds = Math.max(1, retryAt - now())
  await show(
    ctx,
    'busy',
    { retryAfterSeconds, retryHref: `/interaction/${interaction.uid}` },
    {
      status: 429,
      headers: { 'Retry-After': String(retryAfterSeconds) },
      ...(await aboutInteraction(provider, interaction)),
    },
  )
}

/** The reason why the page is shown again: what was typed, or the form of a credential that was refused. */
interface Again {
  readonly status: number
  readonly username?: string
  readonly error?: LoginError
  readonly refused?: Form
}

/** Shows the page with the typed name, or at first with the app's login hint. The hint only fills the field. */
export async function showLogin(
  services: Pick<
    LoginServices,
    'provider' | 'mfa' | 'show' | 'forms' | 'forgottenHref' | 'signInFactor'
  >,
  ctx: Context,
  interaction: Interaction,
  again?: Again,
): Promise<void> {
  const { provider, mfa, show, forms, forgottenHref, signInFactor } = services
  const { uid, params } = interaction
  const { login_hint: hint } = params
  const languages = choiceOf(mfa.views, forms, ctx, interaction)
  const csrf = forms.token(uid, PURPOSE)
  const refused = again?.refused
  const signIn =
    signInFactor === undefined
      ? undefined
      : await mfa.passkeySignIn(ctx.req, ctx.res, {
          csrf,
          ...(refused === undefined ? {} : { refused }),
        })
  const username = again?.username ?? (typeof hint === 'string' ? hint : '')
  await show(
    ctx,
    'login',
    {
      action: `/interaction/${uid}/login`,
      cancelAction: `/interaction/${uid}/cancel`,
      csrf,
      username: username.slice(0, LONGEST_NAME),
      ...(forgottenHref === undefined ? {} : { forgottenHref }),
      ...(languages === undefined ? {} : { languages }),
      ...(signIn === undefined ? {} : { signInForm: signIn.html }),
      ...(refused === undefined ? {} : { refusal: true }),
      ...(again?.error === undefined ? {} : { error: again.error }),
    },
    {
      ...(await aboutInteraction(provider, interaction)),
      status: again?.status ?? 200,
      fetches: signIn !== undefined,
    },
  )
}
