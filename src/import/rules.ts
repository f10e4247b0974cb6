import type { AddedRules } from '../application/added-rules.ts'
import type { Settled } from '../domain/attempt.ts'
import type { EventDraft } from '../domain/events.ts'
import { raiseEpoch } from '../domain/enrolment.ts'
import type { Authenticator, MfaRecord } from '../domain/mfa-record.ts'
import { DAY_SECONDS, type Instant } from '../domain/time.ts'

/** How long a weak secret or code of another product still works, so that its owner can set up another. */
export const RENEWAL_SECONDS = 30 * DAY_SECONDS

/**
 * Whether another product's factors may still be imported: once, and only if the account has no factor and was not
 * reset. Otherwise a second run of an import would bring back a factor that was removed meanwhile.
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
 * Gives the person the factors that they had in another product. If they had none, their first factor here needs a
 * proof, because others may have learned the password before (R10). If they had factors, the epoch rises: earlier
 * sessions prove the password alone, so they end (R20).
 *
 * `wasOn`: the other product asked them for a second factor. If no factor could be imported, they must set one up;
 * otherwise the password alone would be enough here, although it was not enough there.
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
 * The rules that `renewBy` and `mustEnrolSince` of a record add to a sign-in. `renewBy`: an imported authenticator that
 * is weaker than those made here is examined until then and no longer (R7, R8). `mustEnrolSince`: the person had a
 * second factor in another product that could not be imported; if a second factor is optional, they could otherwise
 * sign in with the password alone (R10).
 */
export const importRules: AddedRules = {
  isUsable: ({ renewBy }, now) => renewBy === undefined || now < renewBy,
  endOf: ({ renewBy }) => renewBy,
  isFactorRequired: ({ history }, byPolicy) => byPolicy || history.mustEnrolSince !== undefined,
}
