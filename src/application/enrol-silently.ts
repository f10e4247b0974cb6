import { shutDoor } from '../domain/factor-change.ts'
import { mayBeMadeSilently, settleSilent } from '../domain/factor-offer.ts'
import { MfaError } from '../domain/errors.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import { classify } from '../domain/known-browser.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import type { AccountLabel, AnyFactor, Confirmed } from '../factors/factor.ts'
import { bindAuthenticator, nameOf } from './authenticator.ts'
import {
  inputOf,
  openKept,
  sealKept,
  type ChallengeGround,
  type ChallengePlace,
} from './challenge-factor.ts'
import { lasts } from './change-factors.ts'
import { commit, type Decided, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { confirmInput } from './enrol-factor.ts'
import { admit } from './flood.ts'
import { fingerprintOf, type Place } from './place.ts'
import { tellRefused } from './refused-attempts.ts'

/**
 * A browser makes an authenticator without asking the person, straight after a sign-in was proved (`pages.silent`). The
 * data of the set-up and its challenge are sealed together and kept with the interaction: nothing is in the account's
 * record before the browser has answered.
 */
export interface SilentSetUp {
  readonly pending: unknown
  readonly challenge: unknown
}

const placeFor = (place: ChallengePlace): ChallengePlace => ({ ...place, ceremony: 'silent' })

/** Whether a browser may make one now, on this record. */
export function isSilentOpen(
  deps: Dependencies,
  factor: AnyFactor,
  { interaction, epoch }: Place,
  { record, now }: { readonly record: MfaRecord; readonly now: Instant },
): boolean {
  const isOffered = factor.pages?.offer === true && factor.pages.silent === true
  const isAddOpen = shutDoor(record, { kind: 'add' }, now, deps.recovery) === undefined
  const isBesideOther = record.authenticators.some((one) => lasts(deps, one))
  const place = { interaction, epoch, isAddOpen, isBesideOther }
  return isOffered && mayBeMadeSilently(record, factor, place, now)
}

/** Makes the sealed set-up. The caller keeps it with the interaction. Undefined: the factor has none to give. */
export async function beginSilently(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  ground: ChallengeGround,
): Promise<string | undefined> {
  if (factor.enrolmentChallenge === undefined) return undefined
  const input = inputOf(deps, place, ground)
  const begun = await factor.beginEnrolment?.({ ...input, existing: [] })
  const pending: unknown = begun?.value
  const made = await factor.enrolmentChallenge(pending, { ...input, silent: true })
  const value = { pending, challenge: made.value as unknown }
  return sealKept(deps, factor, placeFor(place), { value })
}

/** Opens a sealed set-up. Undefined: it was made for another account, factor or interaction, or its time is over. */
export function openSilently(
  deps: Dependencies,
  factor: AnyFactor,
  place: ChallengePlace,
  sealed: string,
): SilentSetUp | undefined {
  const kept = openKept(deps, factor, placeFor(place), sealed) as
    { readonly pending: Json; readonly challenge: Json } | undefined
  if (kept === undefined) return undefined
  const { pending, challenge } = kept
  return { pending: factor.parsePending(pending), challenge: factor.parseChallenge(challenge) }
}

/** The values of the page for a set-up. */
export async function describeSilently(
  factor: AnyFactor,
  { pending, challenge }: SilentSetUp,
  about: AccountLabel,
): Promise<JsonObject> {
  return (await factor.describeEnrolment?.(pending, about, challenge)) ?? {}
}

/**
 * Binds the authenticator of a response. It proves nothing for this sign-in. False: it may not be made on the record as it
 * is now, or the response is refused, of which listeners are told.
 *
 * Throws MfaError `too-many-attempts`, and what a commit throws.
 */
export async function enrolSilently(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  given: { readonly response: unknown; readonly setUp: SilentSetUp; readonly seen: Loaded },
): Promise<boolean> {
  const { response, setUp, seen } = given
  const canonical = factor.canonical(response)
  const fingerprint = fingerprintOf(deps, place, factor.id, canonical, seen.record)
  const admission = { fingerprint, seen, factor: factor.id, step: 'enrolment' as const }
  const outcome = await admit(deps, place, admission, () =>
    commit(
      deps,
      place.accountId,
      (record, now) => decide(deps, factor, place, { response, setUp, record, now }),
      seen,
    ).catch((error: unknown) => {
      // Another account has the credential, whose owner is not named (R46).
      if (error instanceof MfaError && error.code === 'handle-taken') return 'refused' as const
      throw error
    }),
  )
  if (outcome === 'refused') {
    const browser = classify(seen.record, place.tokenHashes).kind
    const detail = { factor: factor.id, browser, reason: 'wrong-confirmation' as const }
    tellRefused(deps, place, { type: 'factor-refused', detail })
  }
  return outcome === 'made'
}

type SilentOutcome = 'made' | 'refused' | 'closed'

async function decide(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  given: {
    readonly response: unknown
    readonly setUp: SilentSetUp
    readonly record: MfaRecord
    readonly now: Instant
  },
): Promise<Decided<SilentOutcome>> {
  const { response, setUp, record, now } = given
  if (!isSilentOpen(deps, factor, place, { record, now })) return { outcome: 'closed' }
  const kept = { id: '', value: setUp.challenge }
  const input = confirmInput(deps, factor, place, { record, kept })
  const confirmed = (await factor.confirmEnrolment?.(setUp.pending, response, now, input)) as
    Confirmed<Json> | undefined
  if (confirmed === undefined) return { outcome: 'refused' }
  // The account has no other one of this factor.
  const name = nameOf(confirmed.name ?? '')
  const bound = bindAuthenticator(deps, place.accountId, factor, confirmed.state, { name, now })
  const browser = classify(record, place.tokenHashes)
  const settled = settleSilent(record, bound, { browser, now, detail: place.detail })
  return { outcome: 'made', ...settled }
}
