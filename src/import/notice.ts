import type { Notice } from '../../interactions/notice.ts'
import { importRules } from './rules.ts'

/**
 * Shown after each sign-in with an imported authenticator that ends. It says when it ends, and that the person has to
 * set up another.
 */
export const endingNotice: Notice<'factor-ends'> = {
  page: 'factor-ends',
  model({ record, accepted, now }, form) {
    const used = record.authenticators.find(({ id }) => id === accepted.authenticatorId)
    const endsAt = used === undefined ? undefined : importRules.endOf(used)
    return endsAt === undefined ? undefined : { ...form, endsInSeconds: Math.max(1, endsAt - now) }
  },
}
