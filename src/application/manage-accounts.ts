import { MfaError } from '../domain/errors.ts'
import { newRecord } from '../domain/mfa-record.ts'
import { isEnrolled, raiseEpoch, resetFactors, settlePasswordChanged } from '../domain/enrolment.ts'
import { chargeBrowser, classify } from '../domain/known-browser.ts'
import type { Authenticator } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import { commit, loadRecord } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { openState } from './sealed-state.ts'

/** What an administrator and the account's owner may know; holds no secret (R36). */
export interface AccountStatus {
  readonly enrolled: boolean
  readonly factors: readonly FactorStatus[]
  /** Present while codes are refused unseen. */
  readonly lockedUntil?: Instant
  readonly codesDisabled: boolean
  readonly passwordSuspected: boolean
  readonly knownBrowsers: number
  readonly epoch: number
  readonly firstSignInAt?: Instant
  readonly firstEnrolledAt?: Instant
  /** Imported with its second factor on and nothing of it left: the next sign-in sets one up, whatever policy says. */
  readonly mustEnrolSince?: Instant
  /** When another product's factors were taken over, or that there were none. */
  readonly importedAt?: Instant
  /** When the record last came from a backup and was made safe. */
  readonly restoredAt?: Instant
}

export interface FactorStatus {
  readonly id: string
  readonly factor: string
  readonly name: string
  readonly createdAt: Instant
  readonly lastUsedAt?: Instant
  /** Imported, and weaker than what is made here: it ends then, and is to be set up anew before. */
  readonly renewBy?: Instant
  readonly remaining?: number
}

export async function readStatus(deps: Dependencies, accountId: string): Promise<AccountStatus> {
  const { record } = await loadRecord(deps, accountId)
  const { throttle, history } = record
  const until = throttle.unknownBrowsers.until
  return {
    enrolled: isEnrolled(record),
    factors: record.authenticators.map((authenticator) => {
      const { sealed: _, ...shown } = authenticator
      const remaining = remainingOf(deps, accountId, authenticator)
      return remaining === undefined ? shown : { ...shown, remaining }
    }),
    ...(until !== undefined && until > deps.clock.now() ? { lockedUntil: until } : {}),
    codesDisabled: throttle.codesDisabledAt !== undefined,
    passwordSuspected: throttle.passwordSuspectedAt !== undefined,
    knownBrowsers: record.browsers.length,
    epoch: record.epoch,
    ...(history.firstSignInAt === undefined ? {} : { firstSignInAt: history.firstSignInAt }),
    ...(history.firstEnrolledAt === undefined ? {} : { firstEnrolledAt: history.firstEnrolledAt }),
    ...(history.mustEnrolSince === undefined ? {} : { mustEnrolSince: history.mustEnrolSince }),
    ...(history.importedAt === undefined ? {} : { importedAt: history.importedAt }),
    ...(history.restoredAt === undefined ? {} : { restoredAt: history.restoredAt }),
  }
}

/** Removes every factor and ends everything live (R36). The next sign-in enrols anew, with a proof (R10). */
export async function resetAccount(deps: Dependencies, accountId: string): Promise<void> {
  await commit(deps, accountId, (record, now) => ({
    outcome: undefined,
    ...resetFactors(record, now),
  }))
}

/** After every change of the password: ends what was made with the old one, and the suspicion on it (R2, R20). */
export async function passwordChanged(deps: Dependencies, accountId: string): Promise<void> {
  await commit(deps, accountId, (record) => ({
    outcome: undefined,
    ...settlePasswordChanged(record),
  }))
}

/** Ends sessions, grants, refresh tokens and pending sign-ins without touching factors: a disabled account, a theft. */
export async function endEverything(
  deps: Dependencies,
  accountId: string,
  reason: string,
): Promise<void> {
  await commit(deps, accountId, (record) => ({ outcome: undefined, ...raiseEpoch(record, reason) }))
}

/**
 * The account's epoch alone. The rest of the record is not parsed: whoever has factors has a larger one, and the
 * time that takes, before a password is checked, would tell them from the others (R33). Throws MfaError
 * `record-unreadable`.
 */
export async function readEpoch(deps: Dependencies, accountId: string): Promise<number> {
  const stored = await deps.storage.records.load(accountId)
  const epoch = stored?.record === undefined ? newRecord(accountId).epoch : stored.record.epoch
  if (typeof epoch === 'number' && Number.isSafeInteger(epoch))
    return epoch + (stored?.passwordChanged?.times ?? 0)
  throw new MfaError('record-unreadable', 'The MFA record has no epoch')
}

/** Whether the owner has completed a sign-in in the browser that shows one of these tokens (R2, R4). */
export async function knowsBrowser(
  deps: Dependencies,
  accountId: string,
  tokenHashes: readonly string[],
): Promise<boolean> {
  if (tokenHashes.length === 0) return false
  // Asked before a password is checked: not parsed as a whole, as in `readEpoch`.
  const stored = await deps.storage.records.load(accountId)
  const { browsers, authenticators } = stored?.record ?? { browsers: [], authenticators: [] }
  if (!Array.isArray(browsers) || !Array.isArray(authenticators))
    throw new MfaError('record-unreadable', 'The MFA record has no browsers or no authenticators')
  // As `settlePasswordChanged` has it: what the old password alone has made known is known no more.
  if (stored?.passwordChanged !== undefined && authenticators.length === 0) return false
  return (browsers as { tokenHash?: unknown }[]).some(
    (browser) => typeof browser?.tokenHash === 'string' && tokenHashes.includes(browser.tokenHash),
  )
}

/** Counts a wrong password against a known browser; at the tenth failure it is a stranger again (R4). */
export async function browserFailed(
  deps: Dependencies,
  accountId: string,
  tokenHashes: readonly string[],
): Promise<void> {
  if (tokenHashes.length === 0) return
  await commit(deps, accountId, (record) => {
    const browser = classify(record, tokenHashes)
    if (browser.kind === 'unknown') return { outcome: undefined }
    const charged = chargeBrowser(record, browser)
    return {
      outcome: undefined,
      record: charged.record,
      events: charged.forgotten
        ? [{ type: 'browser-forgotten' as const, detail: { reason: 'password' } }]
        : [],
    }
  })
}

/**
 * Uses left of an authenticator; undefined where they are not limited. Opens only what has something to count: a
 * status is read also where a key is missing.
 */
export function remainingOf(
  deps: Dependencies,
  accountId: string,
  authenticator: Authenticator,
): number | undefined {
  const factor = deps.factors.get(authenticator.factor)
  if (factor?.remaining === undefined) return undefined
  const state: unknown = factor.parseState(openState(deps.box, accountId, authenticator))
  return factor.remaining(state)
}
