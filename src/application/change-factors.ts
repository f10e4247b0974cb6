import {
  isLastFactor,
  repeatOfChange,
  settleRemoved,
  settleRenamed,
  settleRenewed,
  shutDoor,
  unspentProof,
  type FactorChange,
  type ProvedChange,
  type ShutDoor,
} from '../domain/factor-change.ts'
import { putOffRemoved } from '../domain/factor-offer.ts'
import { classify } from '../domain/known-browser.ts'
import type { AcceptedAttempt, Authenticator, MfaRecord } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import {
  bindSet,
  issueSet,
  nameFault,
  nameOf,
  withSuperseded,
  type FreshSet,
  type NameFault,
} from './authenticator.ts'
import { commit, type Decided, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { admit } from './flood.ts'
import { fingerprintOf, type Place } from './place.ts'
import { openState } from './sealed-state.ts'

/** The changes that one request makes. To add or replace a factor, a person goes through the pages of an enrolment. */
export type DirectChange = Exclude<FactorChange, { kind: 'add' | 'replace' | 'prove' }> & {
  /** The new name, as it was typed. */
  readonly name?: string
}

export type ChangeOutcome =
  | {
      readonly outcome: 'changed'
      readonly accepted: AcceptedAttempt
      /** Fresh look-up secrets, to be shown once; empty on a double tap. */
      readonly shown: readonly string[]
    }
  /** No authenticator would be left that lasts and that the settings of its factor accept. */
  | { readonly outcome: 'last-factor' }
  /** The account does not allow the change now. */
  | { readonly outcome: 'shut'; readonly door: ShutDoor }
  /** The name is empty or too long. */
  | { readonly outcome: 'name-unfit'; readonly fault: NameFault }
  /**
   * This interaction has no fresh proof, or its proof was spent; or the epoch has changed; or the authenticator does
   * not exist any more.
   */
  | { readonly outcome: 'stale' }

/** Whether an authenticator lasts: it is no set of look-up secrets, which run out, and it has no end. */
export function lasts({ factors, rules }: Dependencies, authenticator: Authenticator): boolean {
  const isSetUp = factors.get(authenticator.factor)?.enrolment === 'confirmed'
  return isSetUp && rules.endOf(authenticator) === undefined
}

/** Whether it lasts, and the settings of its factor accept it at this time: its owner can go on to sign in with it. */
export function isWayIn(
  deps: Dependencies,
  { accountId }: Pick<MfaRecord, 'accountId'>,
  authenticator: Authenticator,
  now: Instant,
): boolean {
  return lasts(deps, authenticator) && !isRefused(deps, accountId, authenticator, now)
}

/** Whether the settings of its factor refuse it. One that cannot be opened is not known to be refused. */
function isRefused(
  { box, factors }: Dependencies,
  accountId: string,
  authenticator: Authenticator,
  now: Instant,
): boolean {
  const factor = factors.get(authenticator.factor)
  if (factor?.isUsable === undefined) return false
  try {
    const state: unknown = factor.parseState(openState(box, accountId, authenticator))
    return !factor.isUsable(state, now)
  } catch {
    // Its key is missing or its seal is broken. That must not keep people from the removal of another one.
    return false
  }
}

/**
 * Whether a removal would leave no authenticator that is a way in. One that is refused may go as long as another that lasts
 * stays, since its owner loses no way in.
 */
export function isOnlyOne(
  deps: Dependencies,
  record: MfaRecord,
  authenticatorId: string,
  now: Instant,
): boolean {
  const removed = record.authenticators.find(({ id }) => id === authenticatorId)
  const isNoWayIn = removed !== undefined && isRefused(deps, record.accountId, removed, now)
  return isLastFactor(record, { id: authenticatorId }, (one) =>
    isNoWayIn ? lasts(deps, one) : isWayIn(deps, record, one, now),
  )
}

/** Whether another authenticator may take the place of this one. Look-up secrets are made anew instead. */
export function isReplaceable(
  { factors }: Pick<Dependencies, 'factors'>,
  { authenticators }: Pick<MfaRecord, 'authenticators'>,
  authenticatorId: string,
): boolean {
  const found = authenticators.find(({ id }) => id === authenticatorId)
  return found !== undefined && factors.get(found.factor)?.enrolment === 'confirmed'
}

/**
 * Changes a person's own factors. The commit that makes the change requires the fresh proof of this interaction on the
 * record that it saves, and spends it (R11): of two simultaneous changes with one proof, or two removals that would
 * leave no factor, only one is made.
 *
 * Throws MfaError `too-many-attempts`, and what a commit throws.
 */
export async function changeFactors(
  deps: Dependencies,
  place: Place,
  change: DirectChange,
  seen: Loaded,
): Promise<ChangeOutcome> {
  const name = nameOf(change.name ?? '')
  const fault = change.kind === 'rename' ? nameFault(change.name ?? '') : undefined
  if (fault !== undefined) return { outcome: 'name-unfit', fault }
  const target = change.kind === 'renew' ? change.factor : change.authenticatorId
  const canonical = JSON.stringify([change.kind, target, name])
  const fingerprintIn = (record: MfaRecord): string =>
    fingerprintOf(deps, place, 'factor-change', canonical, record)
  let issued: Promise<FreshSet | undefined> | undefined
  const deed: Deed = {
    change,
    name,
    fingerprintIn,
    issue: (factorId) => (issued ??= issueOf(deps, factorId)),
  }
  return admit(deps, place, { fingerprint: fingerprintIn(seen.record), seen }, () =>
    commit(
      deps,
      place.accountId,
      (record, now) => decide(deps, place, deed, { record, now }),
      seen,
    ),
  )
}

interface Deed {
  readonly change: DirectChange
  readonly name: string
  readonly fingerprintIn: (record: MfaRecord) => string
  /** Issues a set once, after the proof was checked: a request without a proof must not cause slow hashing. */
  readonly issue: (factorId: string) => Promise<FreshSet | undefined>
}

const STALE = { outcome: { outcome: 'stale' } } as const

async function decide(
  deps: Dependencies,
  place: Place,
  { change, name, fingerprintIn, issue }: Deed,
  { record, now }: { readonly record: MfaRecord; readonly now: Instant },
): Promise<Decided<ChangeOutcome>> {
  const { accountId, interaction } = place
  const fingerprint = fingerprintIn(record)
  const repeated = repeatOfChange(record, interaction, fingerprint, now)
  if (repeated !== undefined)
    return { outcome: { outcome: 'changed', accepted: repeated, shown: [] } }
  const proof = unspentProof(record, interaction, now)
  if (record.epoch !== place.epoch || proof === undefined) return STALE
  const door = shutDoor(record, change, now, deps.recovery)
  if (door !== undefined) return { outcome: { outcome: 'shut', door } }

  const browser = classify(record, place.tokenHashes)
  const proved: ProvedChange = {
    proof,
    fingerprint,
    browser,
    now,
    detail: place.detail,
    tokenHash: browser.kind === 'known' ? browser.tokenHash : place.newTokenHash,
  }
  if (change.kind === 'renew') {
    const set = await issue(change.factor)
    if (set === undefined) return STALE
    const bound = bindSet(deps, accountId, set, { now, renewed: true })
    return changed(
      settleRenewed(record, bound, withSuperseded(deps, set.factor), proved),
      set.shown,
    )
  }
  const authenticator = record.authenticators.find(({ id }) => id === change.authenticatorId)
  if (authenticator === undefined) return STALE
  if (change.kind === 'rename')
    return changed(settleRenamed(record, { ...authenticator, name }, proved))
  if (isOnlyOne(deps, record, authenticator.id, now)) return { outcome: { outcome: 'last-factor' } }
  const isOffered = deps.factors.get(authenticator.factor)?.pages?.offer === true
  const left = isOffered ? putOffRemoved(record, authenticator.factor, now) : record
  return changed(settleRemoved(left, authenticator, proved))
}

function changed(
  settled: ReturnType<typeof settleRemoved>,
  shown: readonly string[] = [],
): Decided<ChangeOutcome> {
  const { record, events, accepted } = settled
  return { outcome: { outcome: 'changed', accepted, shown }, record, events }
}

async function issueOf(deps: Dependencies, factorId: string): Promise<FreshSet | undefined> {
  const factor = deps.factors.get(factorId)
  return factor === undefined ? undefined : issueSet(deps, factor)
}
