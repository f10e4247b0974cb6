import type { Context } from 'koa'
import type { AccountPage, AccountVisit } from '../../index.ts'
import type { PageModels } from '../../http/pages.ts'
import type { Form } from '../../http/body.ts'
import type { PasswordChange, PasswordChangeOutcome } from '../accounts/change-password.ts'
import { senderOnPage, shutDoor, type AccountServices } from './services.ts'

export interface PasswordPageServices extends AccountServices {
  readonly change: (asked: PasswordChange) => Promise<PasswordChangeOutcome>
  readonly minimumLength: number
}

type Fault = PageModels['account-password']['error']

/** The page on which a person changes the password. The session goes on; every other one ends (R20). */
export function passwordPage(services: PasswordPageServices): AccountPage {
  const { mfa } = services
  return {
    name: 'password',
    group: 'sign-in',
    needs: 'proof',
    show: (visit, ctx) => showForm(services, visit, ctx),
    deeds: {
      'change-password': {
        needs: 'proof',
        async run(visit, form, ctx) {
          if ((await shutDoor(mfa, visit, 'password')) !== undefined)
            return showForm(services, visit, ctx)
          const done = await services.change(await changeOf(services, visit, form, ctx))
          switch (done.outcome) {
            case 'refused':
              return showForm(services, visit, ctx, done.reason)
            case 'stale':
              // The page asks for another proof.
              return undefined
            case 'done':
              await mfa.renewSession(ctx, visit.accountId, done.epochs)
              return 'password-changed'
          }
        },
      },
    },
  }
}

async function changeOf(
  services: PasswordPageServices,
  visit: AccountVisit,
  { currentPassword: current = '', password = '' }: Form,
  ctx: Context,
): Promise<PasswordChange> {
  const { accountId } = visit
  const { enrolled: byFactor } = await services.mfa.accounts.status(accountId)
  const spendProof = (): Promise<boolean> => visit.spendProof()
  return { accountId, current, password, byFactor, spendProof, sender: senderOnPage(services, ctx) }
}

async function showForm(
  services: PasswordPageServices,
  visit: AccountVisit,
  ctx: Context,
  error?: Fault,
): Promise<void> {
  const { mfa, show, minimumLength } = services
  const shut = await shutDoor(mfa, visit, 'password')
  const model: PageModels['account-password'] = {
    csrf: visit.csrf,
    action: `${mfa.account.path}/password`,
    username: visit.name,
    minimumLength,
    href: mfa.account.path,
    ...(error === undefined ? {} : { error }),
    ...(shut === undefined ? {} : { shut }),
  }
  const status = shut !== undefined ? 403 : error === undefined ? 200 : 422
  await show(ctx, 'account-password', model, {
    accountLabel: visit.name,
    language: visit.language,
    status,
  })
}
