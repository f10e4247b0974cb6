import type { EventDraft, Settled } from './attempt.ts'
import { raiseEpoch } from './enrolment.ts'
import type { Authenticator, MfaRecord } from './mfa-record.ts'
import { DAY_SECONDS, type Instant } from './time.ts'

/** How long a weak secret or code of another product goes on working, for its owner to set up another. */
export const RENEWAL_SECONDS = 30 * DAY_SECONDS

/**
 * Whether another product's factors may still be taken over. Once, and never beside a factor or after a reset: a
 * second run of an import would bring back what was removed meanwhile.
 */
export function isImportable({ authenticators, history }: MfaRecord): boolean {
  return (
    authenticators.length === 0 &&
    history.importedAt === undefined &&
    history.resetAt === undefined &&
    history.firstEnrolledAt === undefined
  )
}

/**
 * The person has what they had in another product, or nothing: then the first factor needs a proof, for the password
 * has a history that nobody here knows (R10). Sessions of before reach no further than the password; they end (R20).
 *
 * `wasOn`: they were asked for a second factor there. With nothing of it left they must set one up, or whoever has
 * the password would need less here than there.
 */
export function settleImported(
  record: MfaRecord,
  authenticators: readonly Authenticator[],
  wasOn: boolean,
  now: Instant,
): Settled {
  const raised = raiseEpoch(record, 'factor-imported')
  const enrolled = authenticators.length > 0
  return {
    record: {
      ...(enrolled ? raised.record : record),
      authenticators,
      history: {
        ...(enrolled ? { ...raised.record.history, firstEnrolledAt: now } : record.history),
        importedAt: now,
        ...(wasOn && !enrolled ? { mustEnrolSince: now } : {}),
      },
    },
    events: [
      ...authenticators.map(({ factor, id, name, renewBy }): EventDraft => ({
        type: 'factor-imported',
        detail: {
          factor,
          authenticatorId: id,
          authenticatorName: name,
          ...(renewBy === undefined ? {} : { until: renewBy }),
        },
      })),
      ...(enrolled ? raised.events : []),
    ],
  }
}

/**
 * Whether a second factor is asked for: by the application's policy, or because the person had one in another product
 * that did not come along. Where it is optional they would otherwise be let in with the password alone.
 */
export function isFactorRequired({ history }: MfaRecord, byPolicy: boolean): boolean {
  return byPolicy || history.mustEnrolSince !== undefined
}

/** Whether an authenticator is examined at all. */
export function isUsable({ renewBy }: Authenticator, now: Instant): boolean {
  return renewBy === undefined || now < renewBy
}
