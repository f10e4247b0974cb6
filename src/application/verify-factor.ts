import { repeatOf, settleAccepted, settleRefused } from '../domain/attempt.ts'
import { challengeIn, nextDeliveryAt, openChallenge } from '../domain/enrolment.ts'
import type { Json } from '../domain/json.ts'
import { classify } from '../domain/known-browser.ts'
import type {
  AcceptedAttempt,
  Authenticator,
  MfaRecord,
  OpenChallenge,
} from '../domain/mfa-record.ts'
import { isUsable } from '../domain/import.ts'
import { gate, type Gate } from '../domain/throttle.ts'
import type { Instant } from '../domain/time.ts'
import type { AnyFactor, Begun, Examined } from '../factors/factor.ts'
import type { Delivery } from '../ports/services.ts'
import { commit, type Decided, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { deliver } from './deliver.ts'
import { admit } from './flood.ts'
import { fingerprintOf, type Place } from './place.ts'
import { tellRefusedWhileLocked } from './refused-while-locked.ts'
import { openState, sealState } from './sealed-state.ts'

export type { Place } from './place.ts'

export type VerifyOutcome =
  | { readonly outcome: 'accepted'; readonly accepted: AcceptedAttempt }
  | { readonly outcome: 'refused'; readonly behindSeconds?: number }
  | { readonly outcome: 'closed'; readonly gate: Gate & { open: false } }
  /** The pending first factor, or the factor itself, is not valid any more: begin again. */
  | { readonly outcome: 'stale' }

/**
 * One attempt at a second factor. In this order: double tap, throttle, examination, charge or consumption,
 * save, answer. `response` was parsed by the factor; `seen` is the record as this request has read it.
 *
 * Throws MfaError `too-many-attempts`, `record-contended`, `key-missing`, `seal-broken`, `storage-unavailable`.
 */
export async function verifyFactor(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  response: unknown,
  seen: Loaded,
): Promise<VerifyOutcome> {
  const canonical = factor.canonical(response)
  const fingerprintIn = (record: MfaRecord): string =>
    fingerprintOf(deps, place, factor.id, canonical, record)
  const examine = once(deps, factor, place, response)
  const outcome = await admit(deps, place, { fingerprint: fingerprintIn(seen.record), seen }, () =>
    commit(
      deps,
      place.accountId,
      (current, now) =>
        attempt(deps, factor, place, {
          ...{ current, now, examine },
          fingerprint: fingerprintIn(current),
        }),
      seen,
    ),
  )
  if (outcome.outcome === 'closed')
    tellRefusedWhileLocked(deps, place, outcome.gate, {
      factor: factor.id,
      browser: classify(seen.record, place.tokenHashes).kind,
    })
  return outcome
}

interface Attempt {
  readonly current: MfaRecord
  readonly now: Instant
  readonly fingerprint: string
  readonly examine: ReturnType<typeof once>
}

async function attempt(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  { current, now, fingerprint, examine }: Attempt,
): Promise<Decided<VerifyOutcome>> {
  const accepted = repeatOf(current, place.interaction, fingerprint, now)
  if (accepted !== undefined) return { outcome: { outcome: 'accepted', accepted } }
  if (current.epoch !== place.epoch) return { outcome: { outcome: 'stale' } }

  if (!isOwned(current, factor)) return { outcome: { outcome: 'stale' } }
  const browser = classify(current, place.tokenHashes)
  const closed = factorGate(current, factor, place, now)
  if (!closed.open) return { outcome: { outcome: 'closed', gate: closed } }
  const owned = current.authenticators.filter(
    (candidate) => candidate.factor === factor.id && isUsable(candidate, now),
  )

  let refused: { behindSeconds?: number; replayed: boolean } = { replayed: false }
  for (const authenticator of owned) {
    const state = factor.parseState(openState(deps.box, place.accountId, authenticator)) as Json
    const open = challengeFor(place, factor, current, authenticator, now)
    const examined = await examine({ authenticator, state, open, now })
    if (examined.outcome === 'refused') {
      refused = { ...refused, ...hint(examined.behindSeconds) }
      continue
    }
    const spent = factor.consume(state, examined.proof) as Json | undefined
    if (spent === undefined) {
      refused = { ...refused, replayed: true }
      continue
    }
    const settled = settleAccepted(current, {
      interaction: place.interaction,
      fingerprint,
      authenticator: {
        ...authenticator,
        sealed: sealState(deps.box, place.accountId, authenticator, spent),
      },
      assurance: factor.assurance(examined.proof),
      browser,
      tokenHash: browser.kind === 'known' ? browser.tokenHash : place.newTokenHash,
      now,
      detail: place.detail,
      ...(factor.remaining === undefined ? {} : { remaining: factor.remaining(spent) }),
    })
    return {
      outcome: { outcome: 'accepted', accepted: settled.accepted },
      record: settled.record,
      events: settled.events,
    }
  }

  const { behindSeconds, replayed } = refused
  const settled = settleRefused(current, {
    factor: factor.id,
    guessable: factor.guessable,
    reason: replayed ? 'replayed' : behindSeconds === undefined ? 'wrong' : 'late',
    browser,
    now,
    detail: place.detail,
  })
  return {
    // A replay gets no hint: it would say that the code was once right.
    outcome: { outcome: 'refused', ...(replayed ? {} : hint(behindSeconds)) },
    record: settled.record,
    events: settled.events,
  }
}

/** Whether an attempt at this factor would be examined now. */
export function factorGate(
  record: MfaRecord,
  factor: AnyFactor,
  { tokenHashes }: Pick<Place, 'tokenHashes'>,
  now: Instant,
): Gate {
  const closed = gate(record, classify(record, tokenHashes), factor.guessable, now)
  const owned = record.authenticators.filter((candidate) => candidate.factor === factor.id)
  if (!closed.open || owned.length === 0 || owned.some((one) => isUsable(one, now))) return closed
  return { open: false, reason: 'factor-ended' }
}

function isOwned(record: MfaRecord, factor: AnyFactor): boolean {
  return record.authenticators.some((candidate) => candidate.factor === factor.id)
}

export type ChallengeOutcome =
  | 'opened'
  | 'not-needed'
  | 'stale'
  /** No attempt would be examined now, so nothing is sent that invites one. */
  | 'closed'
  /** Mailed a moment ago, or too often: not before then. */
  | { readonly notBefore: Instant }

interface Challenged {
  readonly result: ChallengeOutcome
  readonly delivery?: Delivery | undefined
}

/** Opens the challenge a factor needs before it can be answered, and sends what is to be sent after the commit. */
export async function challengeFactor(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
): Promise<ChallengeOutcome> {
  // Bound here: what follows asks again after each lost save.
  const challenge = factor.challenge?.bind(factor)
  if (challenge === undefined) return 'not-needed'
  const begun = await commit<Challenged>(deps, place.accountId, (record, now) => {
    const authenticator = lastUsed(record, factor)
    if (authenticator === undefined || record.epoch !== place.epoch)
      return { outcome: { result: 'stale' } }
    if (!factorGate(record, factor, place, now).open) return { outcome: { result: 'closed' } }
    const state: unknown = factor.parseState(openState(deps.box, place.accountId, authenticator))
    const made = challenge(state, {
      accountId: place.accountId,
      random: deps.random,
      now,
    }) as Begun<Json>
    const notBefore = made.delivery === undefined ? undefined : nextDeliveryAt(record, now)
    if (notBefore !== undefined) return { outcome: { result: { notBefore } } }
    const where = { interaction: place.interaction, purpose: factor.id }
    return {
      outcome: { result: 'opened', delivery: made.delivery },
      record: openChallenge(
        record,
        {
          ...where,
          authenticatorId: authenticator.id,
          sealed: sealState(deps.box, place.accountId, where, made.value),
        },
        made.delivery !== undefined,
        now,
      ),
    }
  })
  if (begun.delivery !== undefined) await deliver(deps, begun.delivery)
  return begun.result
}

/** The one that the page shows: what a person used last is at hand. */
function lastUsed(record: MfaRecord, factor: AnyFactor): Authenticator | undefined {
  return record.authenticators
    .filter((authenticator) => authenticator.factor === factor.id)
    .toSorted((one, other) => (other.lastUsedAt ?? 0) - (one.lastUsedAt ?? 0))[0]
}

/** The challenge that this authenticator was given in this interaction. */
function challengeFor(
  place: Place,
  factor: AnyFactor,
  record: MfaRecord,
  authenticator: Authenticator,
  now: Instant,
): OpenChallenge | undefined {
  const open = challengeIn(record, place.interaction, factor.id, now)
  return open?.authenticatorId === authenticator.id ? open : undefined
}

/**
 * The examination, done once per authenticator and challenge however often the commit decides again: hashing must
 * not be multiplied by contention. Whether the proof was used is decided on fresh state by `consume`; a challenge
 * that is gone meanwhile was used, and what answered it is examined without it.
 */
function once(deps: Dependencies, factor: AnyFactor, place: Place, response: unknown) {
  const results = new Map<string, Promise<Examined<unknown>>>()
  return (given: {
    authenticator: Authenticator
    state: Json
    open: OpenChallenge | undefined
    now: Instant
  }): Promise<Examined<unknown>> => {
    const { authenticator, state, open, now } = given
    const key = JSON.stringify([authenticator.id, open?.sealed])
    const known = results.get(key)
    if (known !== undefined) return known
    const challenge: unknown =
      open === undefined
        ? undefined
        : factor.parseChallenge(openState(deps.box, place.accountId, open))
    const result = factor.examine({ state, challenge, response, now, hasher: deps.hasher })
    results.set(key, result)
    return result
  }
}

function hint(behindSeconds: number | undefined): { behindSeconds?: number } {
  return behindSeconds === undefined ? {} : { behindSeconds }
}
