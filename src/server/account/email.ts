import type Router from '@koa/router'
import type { Context } from 'koa'
import type { AccountPage, AccountVisit } from '../../index.ts'
import type { Form } from '../../http/body.ts'
import type { PageModels } from '../../http/pages.ts'
import type { Account } from '../../ports/accounts.ts'
import { CONFIRM_PATH, CONFIRM_SECONDS, type EmailChanges } from '../accounts/change-email.ts'
import { languagesFor } from '../accounts/language.ts'
import { HOUR_SECONDS } from '../../domain/time.ts'
import type { AfterAnswer } from '../pages/after-answer.ts'
import type { FormGuard } from '../pages/context.ts'
import { accountOf, senderOnPage, shutDoor, type AccountServices } from './services.ts'

export interface EmailPageServices extends AccountServices {
  readonly changes: EmailChanges
  readonly after: AfterAnswer
}

type Again = Pick<PageModels['account-email'], 'error' | 'typed'>

/** The page on which a person asks for another address. The link that is mailed there makes the change. */
export function emailPage(services: EmailPageServices): AccountPage {
  return {
    name: 'email',
    group: 'sign-in',
    needs: 'proof',
    show: (visit, ctx) => showForm(services, visit, ctx),
    deeds: {
      'change-email': {
        needs: 'proof',
        run: (visit, form, ctx) => ask(services, visit, form, ctx),
      },
    },
  }
}

async function ask(
  services: EmailPageServices,
  visit: AccountVisit,
  { email: typed = '' }: Form,
  ctx: Context,
): Promise<string | void> {
  const { changes, mfa } = services
  const account = await accountOf(services, visit)
  if (account === undefined || (await shutDoor(mfa, visit, 'email')) !== undefined)
    return showForm(services, visit, ctx)
  const judged = changes.judge(account, typed)
  if (judged.outcome === 'refused')
    return showForm(services, visit, ctx, { error: judged.reason, typed })
  if (!(await visit.spendProof())) return
  await mailLink(services, ctx, account, { address: judged.address, epoch: visit.epoch })
  return 'email-asked'
}

/** The look for somebody who has the address comes after the answer, which is the same for every address (R33). */
async function mailLink(
  services: EmailPageServices,
  ctx: Context,
  account: Account,
  { address, epoch }: { readonly address: string; readonly epoch: number },
): Promise<void> {
  const { changes, after, letters, now } = services
  const sender = senderOnPage(services, ctx)
  const work = async (): Promise<void> => {
    const link = await changes.make(account, address, epoch)
    if (link === undefined) return
    await letters.put([
      {
        // No other mail has this link. Of what a letter is about, the storage has a hash.
        about: link.url,
        accountId: account.id,
        to: address,
        template: 'email-confirm',
        // The mail names no account: the mailbox may be somebody else's.
        values: {
          at: String(now()),
          browser: sender.userAgent,
          confirmUrl: link.url,
          hours: String(CONFIRM_SECONDS / HOUR_SECONDS),
        },
        languages: languagesFor(account, sender.locale),
        until: link.expiresAt,
      },
    ])
  }
  if (!after.add(ctx.res, work, 'kept')) await work()
}

async function showForm(
  services: EmailPageServices,
  visit: AccountVisit,
  ctx: Context,
  again?: Again,
): Promise<void> {
  const { mfa, show } = services
  const shut = await shutDoor(mfa, visit, 'email')
  const email = (await accountOf(services, visit))?.email
  const model: PageModels['account-email'] = {
    csrf: visit.csrf,
    action: `${mfa.account.path}/email`,
    typed: again?.typed ?? '',
    href: mfa.account.path,
    ...(email === undefined ? {} : { email }),
    ...(again?.error === undefined ? {} : { error: again.error }),
    ...(shut === undefined ? {} : { shut }),
  }
  const status = shut !== undefined ? 403 : again === undefined ? 200 : 422
  await show(ctx, 'account-email', model, {
    accountLabel: visit.name,
    language: visit.language,
    status,
  })
}

const CONFIRM = 'email-confirm'

/** The pages of the link that was mailed to a new address. A GET changes nothing. */
export function addEmailLinkRoutes(
  router: Router,
  services: Pick<EmailPageServices, 'mfa' | 'show' | 'changes'> & { readonly forms: FormGuard },
): void {
  const { changes, forms, show, mfa } = services
  const href = mfa.account.path
  const gone = (ctx: Context): Promise<void> =>
    show(ctx, 'email-confirm-expired', { href }, { status: 410 })

  router.get(`${CONFIRM_PATH}/:token`, async (ctx) => {
    const { token = '' } = ctx.params
    const link = await changes.look(token)
    if (link === undefined) return gone(ctx)
    await show(ctx, 'email-confirm', {
      action: `${CONFIRM_PATH}/${token}`,
      csrf: forms.token(token, CONFIRM),
      username: link.account.username,
      email: link.address,
    })
  })

  router.post(`${CONFIRM_PATH}/:token`, async (ctx) => {
    const { token = '' } = ctx.params
    await forms.read(ctx, token, CONFIRM)
    const changed = await changes.use(token, senderOnPage(services, ctx))
    return changed === undefined ? gone(ctx) : show(ctx, 'email-confirm-done', { href })
  })
}
