import type { KoaContextWithOIDC } from 'oidc-provider'
import { cancelRecoveryUrl } from '../account/cancel-recovery.ts'
import { notMeUrl } from '../account/not-me.ts'
import { manageUrlOf, type Core, type HostAccount } from '../../interactions/core.ts'
import type { Subscribe } from './events.ts'
import { firstSignInAt, noticeOf, type Notice } from './notices.ts'

/** The application's own function. Events belong to no request, so it gets none. */
export type FindAccount = (
  ctx: KoaContextWithOIDC,
  accountId: string,
) => Promise<HostAccount | null | undefined> | HostAccount | null | undefined

/** The mails that this process remembers. An older one is sent again if its event is told again, which is rare. */
const REMEMBERED = 10_000

/**
 * Mails each notice to the verified addresses of the account, with `sendMail`. A mail that is refused is reported and
 * not repeated: it must hold back neither the events of the account nor the other listeners. An event that is told
 * again, because another listener has rejected, is not mailed again, and the lockouts of one day are one mail; the
 * process remembers its newest mails for that.
 */
export function mailNotices(core: Core, on: Subscribe, findAccount: () => FindAccount): void {
  const sent = new Set<string>()
  on('*', async (event) => {
    try {
      const { accountId } = event
      const { factors } = core.deps
      const firstAt = () => firstSignInAt(core.deps, accountId)
      const notice = await noticeOf(event, firstAt, factors.values())
      if (notice === undefined) return
      const account = await findAccount()(NO_REQUEST, accountId)
      if (account !== undefined && account !== null) await mail(core, account, notice, sent)
    } catch (error) {
      core.deps.report(error)
    }
  })
}

const NO_REQUEST = undefined as unknown as KoaContextWithOIDC

async function mail(
  core: Core,
  account: HostAccount,
  notice: Notice,
  sent: Set<string>,
): Promise<void> {
  const { label, address, addresses, language } = await core.describe(account)
  const verified = addresses?.map((each) => each.address) ?? [address]
  const languages = [language, notice.locale].filter((tag) => tag !== undefined)
  const locale = core.views.localeFor({ uiLocales: languages.join(' ') })
  const values = {
    account: label,
    ...linksOf(core, account.accountId, notice, locale),
    ...notice.values,
  }
  const { template } = notice
  for (const to of verified) {
    const key = JSON.stringify([notice.id, to])
    if (to === undefined || sent.has(key)) continue
    await core.deps.mailer?.send({ channel: 'mail', to, template, locale, values })
    remember(sent, key)
  }
}

function remember(sent: Set<string>, key: string): void {
  sent.add(key)
  const [oldest] = sent
  if (sent.size > REMEMBERED && oldest !== undefined) sent.delete(oldest)
}

/** The links of a notice. Before `attach` nobody can open a page. */
function linksOf(
  core: Core,
  accountId: string,
  { values: { since } }: Notice,
  language: string,
): Readonly<Record<string, string>> {
  const manageUrl = manageUrlOf(core)
  return {
    ...(manageUrl === undefined ? {} : { manageUrl }),
    ...(core.provider === undefined ? {} : { notMeUrl: notMeUrl(core, accountId, { language }) }),
    ...(core.provider === undefined || since === undefined
      ? {}
      : { cancelUrl: cancelRecoveryUrl(core, accountId, { since: Number(since), language }) }),
  }
}
