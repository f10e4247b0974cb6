import { acceptedIn } from '../domain/attempt.ts'
import {
  beginEnrolment,
  enrolmentStep,
  pendingIn,
  settleEnrolled,
  slowEnrolment,
  type FirstEnrolmentRule,
} from '../domain/enrolment.ts'
import type { Json, JsonObject } from '../domain/json.ts'
import { classify } from '../domain/known-browser.ts'
import type { AcceptedAttempt, Authenticator, MfaRecord } from '../domain/mfa-record.ts'
import { delayGate, type Gate } from '../domain/throttle.ts'
import type { Instant } from '../domain/time.ts'
import type { AccountLabel, AnyFactor } from '../factors/factor.ts'
import type { Delivery } from '../ports/services.ts'
import { commit } from './commit.ts'
import { deliver } from './deliver.ts'
import type { Dependencies } from './dependencies.ts'
import { openState, sealState } from './sealed-state.ts'
import { fingerprintOf, type Place } from './verify-factor.ts'

/** Bytes of an authenticator's id. */
const ID_BYTES = 12
/** Characters of the name a person gives it. */
const LONGEST_NAME = 64

/**
 * Begins setting up a factor in a sign-in: makes what the page will show and keeps it sealed with the
 * interaction. False: not now (somebody enrolled meanwhile, no proof of ownership, an older epoch).
 */
export async function beginFactor(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  about: { rule: FirstEnrolmentRule; address?: string },
): Promise<boolean> {
  if (factor.beginEnrolment === undefined) return false
  const begun = await commit<{ began: boolean; delivery?: Delivery | undefined }>(
    deps,
    place.accountId,
    (record, now) => {
      if (!mayEnrol(record, place, about.rule, now)) return { outcome: { began: false } }
      const { value, delivery } = factor.beginEnrolment!({
        accountId: place.accountId,
        random: deps.random,
        now,
        ...(about.address === undefined ? {} : { address: about.address }),
      })
      const where = { interaction: place.interaction, factor: factor.id }
      const sealed = sealState(deps.box, place.accountId, where, value as Json)
      return {
        outcome: { began: true, delivery },
        record: beginEnrolment(record, { ...where, sealed }, now),
        events: [{ type: 'enrolment-started', detail: { ...place.detail, factor: factor.id } }],
      }
    },
  )
  if (begun.delivery !== undefined) await deliver(deps, begun.delivery)
  return begun.began
}

/** What the set-up page shows; undefined: no enrolment of this factor is open in this interaction. */
export async function describePending(
  deps: Dependencies,
  factor: AnyFactor,
  record: MfaRecord,
  interaction: string,
  about: AccountLabel,
): Promise<JsonObject | undefined> {
  const pending = pendingIn(record, interaction, factor.id, deps.clock.now())
  if (pending === undefined) return undefined
  const value: unknown = factor.parsePending(openState(deps.box, record.accountId, pending))
  return await factor.describeEnrolment!(value, about)
}

export type EnrolOutcome =
  | {
      readonly outcome: 'enrolled'
      readonly accepted: AcceptedAttempt
      /** Look-up secrets made with it, to be shown once; empty when the account has some, or on a double tap. */
      readonly shown: readonly string[]
    }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'closed'; readonly gate: Gate & { open: false } }
  | { readonly outcome: 'stale' }

/** Confirms an enrolment with one good response, and makes the look-up secrets that go with a first factor. */
export async function confirmFactor(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  response: unknown,
  about: { rule: FirstEnrolmentRule; name: string },
): Promise<EnrolOutcome> {
  const fingerprint = fingerprintOf(deps, place, factor, response)
  // Hashing ten codes is slow: made once, before the loop, and only if they will be needed.
  const issuing = once(() => issueAll(deps, place.accountId))
  return commit<EnrolOutcome>(deps, place.accountId, async (record, now) => {
    const repeated = acceptedIn(record, place.interaction, now)
    if (repeated?.fingerprint === fingerprint)
      return { outcome: { outcome: 'enrolled', accepted: repeated, shown: [] } }
    if (!mayEnrol(record, place, about.rule, now)) return { outcome: { outcome: 'stale' } }
    const pending = pendingIn(record, place.interaction, factor.id, now)
    if (pending === undefined) return { outcome: { outcome: 'stale' } }
    const gate = delayGate(pending.delay, now)
    if (!gate.open) return { outcome: { outcome: 'closed', gate } }

    const value: unknown = factor.parsePending(openState(deps.box, place.accountId, pending))
    const confirmed = await factor.confirmEnrolment!(value, response, now)
    if (confirmed === undefined)
      return { outcome: { outcome: 'refused' }, record: slowEnrolment(record, pending, now) }

    const authenticator = bind(deps, place.accountId, factor, confirmed.state as Json, {
      name: nameOf(about.name),
      now,
    })
    const issued = await issuing(now)
    const browser = classify(record, place.tokenHashes)
    const settled = settleEnrolled(
      record,
      {
        interaction: place.interaction,
        fingerprint,
        authenticator,
        assurance: confirmed.assurance,
        browser,
        tokenHash: browser.kind === 'known' ? browser.tokenHash : place.newTokenHash,
        now,
        detail: place.detail,
      },
      issued.authenticators,
    )
    return {
      outcome: {
        outcome: 'enrolled',
        accepted: acceptedIn(settled.record, place.interaction, now)!,
        shown: issued.shown,
      },
      record: settled.record,
      events: settled.events,
    }
  })
}

/** The rule of R10 on the record as it is at the commit: of two enrolments at once only the first counts. */
function mayEnrol(
  record: MfaRecord,
  place: Place,
  rule: FirstEnrolmentRule,
  now: Instant,
): boolean {
  return (
    record.epoch === place.epoch && enrolmentStep(record, rule, place.interaction, now) === 'choose'
  )
}

interface Issued {
  readonly authenticators: readonly Authenticator[]
  readonly shown: readonly string[]
}

async function issueAll(deps: Dependencies, accountId: string) {
  const made: { factor: AnyFactor; state: Json; shown: readonly string[] }[] = []
  for (const factor of deps.factors.values()) {
    if (factor.issue === undefined) continue
    const { state, shown } = await factor.issue({ random: deps.random, hasher: deps.hasher })
    made.push({ factor, state: state as Json, shown })
  }
  return (now: Instant): Issued => ({
    authenticators: made.map(({ factor, state }) =>
      bind(deps, accountId, factor, state, { name: '', now }),
    ),
    shown: made.flatMap(({ shown }) => shown),
  })
}

function once(make: () => Promise<(now: Instant) => Issued>): (now: Instant) => Promise<Issued> {
  let made: Promise<(now: Instant) => Issued> | undefined
  return async (now) => (await (made ??= make()))(now)
}

function bind(
  deps: Dependencies,
  accountId: string,
  factor: AnyFactor,
  state: Json,
  about: { name: string; now: Instant },
): Authenticator {
  const id = Buffer.from(deps.random.bytes(ID_BYTES)).toString('base64url')
  return {
    id,
    factor: factor.id,
    name: about.name,
    createdAt: about.now,
    sealed: sealState(deps.box, accountId, { id, factor: factor.id }, state),
  }
}

function nameOf(typed: string): string {
  const plain = typed
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  return Array.from(plain.toWellFormed()).slice(0, LONGEST_NAME).join('')
}
