import type { Context } from 'koa'
import { isFactorRequired } from '../../interactions/factor-required.ts'
import { publicAccountPath, type AccountSite, type Core } from '../../interactions/core.ts'
import { renewSession } from '../../interactions/session.ts'
import { turnOffProved } from '../application/turn-off.ts'
import { doorsOf } from '../domain/doors.ts'
import { isEnrolled } from '../domain/enrolment.ts'
import type { PageModels } from '../http/pages.ts'
import { ACCOUNT_CLIENT_ID } from './client.ts'
import type { AccountPage, AccountVisit } from './page.ts'
import { visitDetail } from './request-detail.ts'
import { show } from './show.ts'

/** The name of the page and of its deed. */
export const TURN_OFF = 'turn-off'

/**
 * The page that turns the second factor off. It tells the consequences before a factor is proved, or why it cannot be
 * turned off; where it cannot, it has no button.
 */
export function turnOffPage(core: Core, site: AccountSite): AccountPage {
  return {
    name: TURN_OFF,
    // The overview leads to it from the factors.
    listed: false,
    async show(visit, ctx) {
      await showPage(core, site, visit, ctx)
    },
    deeds: {
      [TURN_OFF]: {
        needs: 'proof',
        leadsTo: 'overview',
        run: (visit, _form, ctx) => turnOff(core, site, visit, ctx),
      },
    },
  }
}

type Refusal = Pick<PageModels['account-turn-off'], 'refusal' | 'until'>

async function showPage(
  core: Core,
  site: AccountSite,
  visit: AccountVisit,
  ctx: Context,
  refusal?: Refusal,
): Promise<void> {
  const path = publicAccountPath(core, site)
  const { name: label, language, csrf } = visit
  const model = {
    csrf,
    action: `${path}/${TURN_OFF}`,
    backHref: path,
    ...(refusal ?? (await refusalOf(core, visit, ctx))),
  }
  await show(core, ctx, 'account-turn-off', model, {
    label,
    ...(language === undefined ? {} : { language }),
  })
}

/** The policy is asked again, for it may have changed while the person was asked for the factor. */
async function turnOff(
  core: Core,
  site: AccountSite,
  visit: AccountVisit,
  ctx: Context,
): Promise<string | undefined> {
  const refusal = await refusalOf(core, visit, ctx)
  if (refusal !== undefined) {
    await showPage(core, site, visit, ctx, refusal)
    return undefined
  }
  if (!(await visit.spendProof())) return undefined
  const { accountId, epoch } = visit
  const epochs = await turnOffProved(core.deps, accountId, epoch, visitDetail(core, visit, ctx))
  if (epochs === undefined) return undefined
  // The session that made the change goes on, and every other one has ended (R20).
  await renewSession(core, ctx, accountId, epochs)
  return 'turned-off'
}

async function refusalOf(
  core: Core,
  { accountId }: AccountVisit,
  ctx: Context,
): Promise<Refusal | undefined> {
  const { record } = await core.record(undefined, accountId)
  if (!isEnrolled(record)) return { refusal: 'nothing' }
  if (await isFactorRequired(core, ctx, accountId, ACCOUNT_CLIENT_ID)) return { refusal: 'policy' }
  const door = doorsOf(record, core.deps.clock.now(), core.deps.recovery)['turn-off']
  if (door.open) return undefined
  const { reason, until } = door
  return { refusal: reason, ...(until === undefined ? {} : { until }) }
}
