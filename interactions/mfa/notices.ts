import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import type { PageModels, PageName } from '../../src/http/pages.ts'
import { manageUrlOf, type Core } from '../core.ts'
import type { Notice } from '../notice.ts'
import { finish } from './finish.ts'
import { RECOVERY_NOTICE } from './recovery-notice.ts'
import { expired, pathOf, redirect, show, tokenFor, type Visit } from './visit.ts'

/** A person who has this many look-up secrets left, or fewer, is told so right after using one. */
const LOW_REMAINING = 3

/** The pages between an accepted second factor and the app, in their order. */
export function noticesOf(core: Core): readonly Notice[] {
  return [RECOVERY_NOTICE, lowCodes(core), ...core.notices]
}

function lowCodes(core: Core): Notice<'backup-codes-low'> {
  return {
    page: 'backup-codes-low',
    model({ accepted: { remaining } }, form) {
      if (remaining === undefined || remaining > LOW_REMAINING) return undefined
      const manageHref = manageUrlOf(core)
      const manage = manageHref === undefined ? {} : { manageHref }
      return { ...form, remaining, ...manage }
    },
  }
}

/** Leads to the first page after `after` that has something to tell, or else back to the app. */
export async function goOn(visit: Visit, accepted: AcceptedAttempt, after?: Notice): Promise<void> {
  const pages = noticesOf(visit.core)
  const left = pages.slice(pages.findIndex(({ page }) => page === after?.page) + 1)
  const next = left.find((notice) => modelOf(visit, notice, accepted) !== undefined)
  return next === undefined ? finish(visit, accepted) : redirect(visit, pathOf(visit, next.page))
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
  const form = { csrf: tokenFor(visit), action: pathOf(visit, notice.page) }
  return notice.model({ record, accepted, now }, form)
}
