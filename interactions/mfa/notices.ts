import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import type { PageModels, PageName } from '../../src/http/pages.ts'
import type { Core } from '../core.ts'
import type { Notice } from '../notice.ts'
import { lowCodes, usedCode } from './backup-code-notices.ts'
import { finish } from './finish.ts'
import { lostLink } from './lost-link.ts'
import { RECOVERY_NOTICE } from './recovery-notice.ts'
import { expired, pathOf, redirect, show, tokenFor, type Visit } from './visit.ts'

/** The pages between an accepted second factor and the app, in their order. */
export function noticesOf(core: Core): readonly Notice[] {
  return [RECOVERY_NOTICE, lowCodes(core), usedCode(core), ...core.notices]
}

/** Leads to the first page after `after` that has something to tell, or else back to the app. */
export async function goOn(visit: Visit, accepted: AcceptedAttempt, after?: Notice): Promise<void> {
  const next = nextNotice(visit, accepted, after)
  return next === undefined ? finish(visit, accepted) : redirect(visit, pathOf(visit, next.page))
}

/** The first page after `after` that has something to tell. */
export function nextNotice(
  visit: Visit,
  accepted: AcceptedAttempt,
  after?: Notice,
): Notice | undefined {
  const pages = noticesOf(visit.core)
  const left = pages.slice(pages.findIndex(({ page }) => page === after?.page) + 1)
  return left.find((notice) => modelOf(visit, notice, accepted) !== undefined)
}

/** Throws `interaction-expired` where there is nothing to tell: the page was requested out of order. */
export async function showNotice(
  visit: Visit,
  notice: Notice,
  accepted: AcceptedAttempt,
): Promise<void> {
  const model = modelOf(visit, notice, accepted)
  if (model === undefined) throw expired(`The page ${notice.page} has nothing to tell`)
  return show(visit, notice.page, model)
}

function modelOf<P extends PageName>(
  visit: Visit,
  notice: Notice<P>,
  accepted: AcceptedAttempt,
): PageModels[P] | undefined {
  const { record } = visit.seen
  const now = visit.core.deps.clock.now()
  const isChange = visit.details.change !== undefined
  const form = {
    csrf: tokenFor(visit),
    action: pathOf(visit, notice.page),
    ...lostLink(visit),
  }
  return notice.model({ record, accepted, isChange, now }, form)
}
