import type { Context } from 'koa'
import type { AccountPage } from '../../index.ts'
import { MfaError } from '../../domain/errors.ts'
import type { Instant } from '../../domain/time.ts'
import type { PageModels } from '../../http/pages.ts'
import type { AuditTrail } from '../../ports/audit-trail.ts'
import type { Clock } from '../../ports/services.ts'
import { ACTIVITY_DAYS, readActivity, type OwnEvent } from '../accounts/activity.ts'
import type { SecurityData } from '../accounts/security-data.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import type { ShowPage } from '../pages/render.ts'

export interface ActivityPageServices {
  readonly mfa: Pick<ServerMfa, 'account'>
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly show: ShowPage
  /** The name of an app. Undefined: it is gone. */
  readonly nameOfApp: (clientId: string) => Promise<string | undefined>
  readonly dataOf: (accountId: string) => Promise<SecurityData>
}

/** The page with the events of the account, for its owner, and the file of their security data. */
export function activityPage(services: ActivityPageServices): AccountPage {
  const { mfa, audit, clock, show } = services
  const { path } = mfa.account
  const action = `${path}/activity`
  return {
    name: 'activity',
    group: 'access',
    async show({ accountId, name, language, csrf }, ctx) {
      const before = beforeIn(ctx)
      const query = { accountId, now: clock.now(), ...(before === undefined ? {} : { before }) }
      const page = await readActivity(audit, query)
      const model: PageModels['account-activity'] = {
        csrf,
        action,
        days: ACTIVITY_DAYS,
        events: await Promise.all(page.events.map((event) => shown(services, event))),
        lockHref: `${path}/lock`,
        overviewHref: path,
        ...(page.before === undefined ? {} : { nextHref: `${action}?before=${page.before}` }),
      }
      await show(ctx, 'account-activity', model, { accountLabel: name, language })
    },
    deeds: {
      export: {
        needs: 'recent',
        async run({ accountId }, _form, ctx) {
          const data = await services.dataOf(accountId)
          ctx.set('Cache-Control', 'no-store')
          ctx.attachment(
            `security-data-${new Date(clock.now() * 1000).toISOString().slice(0, 10)}.json`,
          )
          ctx.type = 'application/json'
          ctx.body = `${JSON.stringify(data, null, 2)}\n`
        },
      },
    },
  }
}

/** Throws MfaError `form-unreadable` for anything but a number of seconds. */
function beforeIn(ctx: Context): Instant | undefined {
  const { before } = ctx.query
  if (before === undefined) return undefined
  if (typeof before === 'string' && /^\d{1,11}$/.test(before)) return Number(before)
  throw new MfaError('form-unreadable', 'The address of this page is not whole', { status: 400 })
}

async function shown(
  { nameOfApp }: ActivityPageServices,
  { clientId, ...event }: OwnEvent,
): Promise<PageModels['account-activity']['events'][number]> {
  const app = clientId === undefined ? undefined : ((await nameOfApp(clientId)) ?? clientId)
  return { ...event, ...(app === undefined ? {} : { app }) }
}
