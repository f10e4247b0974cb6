import type Router from '@koa/router'
import type { Context } from 'koa'
import { ACCOUNT_PATH } from './account.ts'
import type { PasswordError } from '../../http/pages.ts'
import type { Account } from '../../ports/accounts.ts'
import { chosenLanguage } from '../accounts/language.ts'
import { SET_UP_PATH, type SetUpLinks } from '../accounts/set-up-link.ts'
import { keepProof } from './proof-cookie.ts'
import { senderOf, type Refusals } from '../observe/audit.ts'
import type { ShowPage } from './render.ts'
import type { FormGuard } from './context.ts'

export interface SetUpLinkRoutes {
  readonly links: SetUpLinks
  readonly show: ShowPage
  readonly forms: FormGuard
  readonly issuer: string
  readonly refusals: Pick<Refusals, 'record'>
  readonly minimumLength: number
}

const PURPOSE = 'set-up-link'

/** The page of a set-up link, on which a person sets a new password, or begins to set up a factor after a reset. A GET does not spend the link; the POST does. */
export function addSetUpLinkRoutes(router: Router, services: SetUpLinkRoutes): void {
  const { links, forms, show, refusals } = services
  const gone = async (ctx: Context): Promise<void> => {
    await refusals.record('set-up-link-refused', {
      detail: { ...senderOf(ctx), reason: 'gone' },
    })
    await show(ctx, 'set-up-link-expired', { href: ACCOUNT_PATH }, { status: 410 })
  }

  router.get(`${SET_UP_PATH}/:token`, async (ctx) => {
    const { token = '' } = ctx.params
    const account = await links.look(token)
    return account === undefined ? gone(ctx) : showForm(services, ctx, token, account)
  })

  router.post(`${SET_UP_PATH}/:token`, async (ctx) => {
    const { token = '' } = ctx.params
    const { password = '', passwordAgain } = await forms.read(ctx, token, PURPOSE)
    const account = await links.look(token)
    if (account === undefined) return gone(ctx)
    const setsPassword = await links.setsPassword(token)
    if (setsPassword && passwordAgain !== password)
      return showForm(services, ctx, token, account, 'mismatch')
    const use = await links.use(token, password)
    switch (use.outcome) {
      case 'gone':
        return gone(ctx)
      case 'refused':
        return showForm(services, ctx, token, account, use.reason)
      case 'done':
        keepProof(ctx.res, services.issuer, use.proof)
        return show(
          ctx,
          'set-up-link-done',
          { href: ACCOUNT_PATH, isPasswordSet: setsPassword },
          { language: chosenLanguage(account) },
        )
    }
  })
}

async function showForm(
  { show, forms, links, minimumLength }: SetUpLinkRoutes,
  ctx: Context,
  token: string,
  account: Account,
  error?: PasswordError,
): Promise<void> {
  await show(
    ctx,
    'set-up-link',
    {
      action: `${SET_UP_PATH}/${token}`,
      csrf: forms.token(token, PURPOSE),
      username: account.username,
      minimumLength,
      setsPassword: await links.setsPassword(token),
      ...(error === undefined ? {} : { error }),
    },
    { language: chosenLanguage(account), ...(error === undefined ? {} : { status: 422 }) },
  )
}
