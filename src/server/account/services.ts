import type { Context } from 'koa'
import type { AccountVisit } from '../../index.ts'
import type { ShutDoor } from '../../http/pages.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { Sender } from '../accounts/forgotten-password.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import type { Letters } from '../notices/letters.ts'
import { senderOf } from '../observe/audit.ts'
import type { ShowPage } from '../pages/render.ts'

/** The services of the server's own account pages. */
export interface AccountServices {
  readonly mfa: ServerMfa
  readonly accounts: Accounts
  readonly show: ShowPage
  readonly letters: Letters
  readonly now: () => number
}

/** Why a change of the person is not possible now. Undefined: it is. */
export async function shutDoor(
  mfa: Pick<ServerMfa, 'accounts'>,
  { accountId }: Pick<AccountVisit, 'accountId'>,
  door: 'password' | 'email' | 'recovery',
): Promise<ShutDoor | undefined> {
  const { [door]: state } = await mfa.accounts.doors(accountId)
  if (state.open) return undefined
  const { reason, until } = state
  if (reason === 'frozen' && !(await mfa.accounts.status(accountId)).enrolled)
    return { reason: 'frozen-without-factor' }
  return { reason, ...(until === undefined ? {} : { until }) }
}

export function senderOnPage({ mfa }: Pick<AccountServices, 'mfa'>, ctx: Context): Sender {
  const locale = mfa.views.localeFor({ acceptLanguage: ctx.get('accept-language') })
  return { ...senderOf(ctx), locale }
}

/** The account of a visit. Undefined: it is gone. */
export async function accountOf(
  { accounts }: Pick<AccountServices, 'accounts'>,
  { accountId }: Pick<AccountVisit, 'accountId'>,
): Promise<Account | undefined> {
  return (await accounts.byId(accountId))?.account
}
