import type { AcceptedAttempt, MfaRecord } from '../src/domain/mfa-record.ts'
import type { Instant } from '../src/domain/time.ts'
import type { PageModels, PageName } from '../src/http/pages.ts'

/**
 * A page between an accepted second factor and the app that tells the person one thing. The button of its form leads
 * on. A part of the product that has something to tell provides such a page; the sign-in does not know the reason.
 */
export interface Notice<P extends PageName = PageName> {
  /** The page's name, and the last part of its path. */
  readonly page: P
  /** The model of the page. Undefined: there is nothing to tell, and the page is left out. */
  model(seen: Noticed, form: NoticeForm): PageModels[P] | undefined
}

export interface Noticed {
  readonly record: MfaRecord
  readonly accepted: AcceptedAttempt
  /** Whether the factor was shown for a change of factors, and not only to sign in. */
  readonly isChange: boolean
  readonly now: Instant
}

export interface NoticeForm {
  readonly csrf: string
  readonly action: string
  /** To recovery, where it is offered. */
  readonly lostHref?: string
}
