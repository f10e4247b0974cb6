import { z } from 'zod'
import { DAY_SECONDS, type Instant } from '../domain/time.ts'
import type { SealContext, SecretBox } from '../ports/services.ts'

/** How long the link of a notice works, as often as its owner wants: they may read the mail late, or again. */
const LINK_SECONDS = 30 * DAY_SECONDS

/** The link belongs to no record: the account is in the sealed text, so that the address does not show it. */
const CONTEXT: SealContext = { accountId: '', purpose: 'not-me-link' }

const format = z.strictObject({
  accountId: z.string().min(1),
  until: z.number(),
  language: z.string().optional(),
})

/** The content of a "this was not me" link. It holds for the account alone, whatever happens to it meanwhile. */
export interface NotMeLink {
  readonly accountId: string
  /** The language of the mail, for the page. */
  readonly language?: string | undefined
}

/** The last part of the link's address. It is sealed, so that nobody can make one for another account. */
export function notMeToken(box: SecretBox, link: NotMeLink, now: Instant): string {
  return box.seal(JSON.stringify({ ...link, until: now + LINK_SECONDS }), CONTEXT)
}

/** Undefined for a token that is over, incomplete, forged, or sealed with a key that is gone. */
export function readNotMeToken(box: SecretBox, token: string, now: Instant): NotMeLink | undefined {
  try {
    const { until, ...link } = format.parse(JSON.parse(box.open(token, CONTEXT)))
    return now < until ? link : undefined
  } catch {
    return undefined
  }
}
