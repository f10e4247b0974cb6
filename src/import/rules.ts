import type { AddedRules } from '../application/added-rules.ts'
import type { EventDraft, Settled } from '../domain/attempt.ts'
import { raiseEpoch } from '../domain/enrolment.ts'
import type { Authenticator, MfaRecord } from '../domain/mfa-record.ts'
import { DAY_SECONDS, type Instant } from '../domain/time.ts'

/** How long a weak secret or code of another product still works, so that its owner can set up another. */
export const RENEWAL_SECONDS = 30 * DAY_SECONDS

/**
 * Whether another product's factors may still be taken over: once, and never beside a factor or after a reset. Otherwise
 * a second run of an import would bring back a factor that was removed meanwhile.
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
 * Gives the person the factors that they had in another product. Where they had none, their first factor here needs a
 * proof, since the password may have been known to others before (R10). With factors, the epoch rises: sessions of
 * before prove the password alone, so they end (R20).
 *
 * `wasOn`: the other product asked them for a second factor. If none of it could be taken over, they must set one up;
 * otherwise the password alone would be enough here, and it was not enough there.
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
 * What the record's `renewBy` and `mustEnrolSince` mean in a sign-in. `renewBy`: an imported authenticator that is
 * weaker than those made here is examined until then and no longer (R7, R8). `mustEnrolSince`: the person had a second
 * factor in another product and nothing of it came along; where a second factor is optional, they would otherwise be
 * let in with the password alone (R10).
 */
export const importRules: AddedRules = {
  isUsable: ({ renewBy }, now) => renewBy === undefined || now < renewBy,
  endOf: ({ renewBy }) => renewBy,
  isFactorRequired: ({ history }, byPolicy) => byPolicy || history.mustEnrolSince !== undefined,
}
