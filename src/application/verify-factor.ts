import {
  isChallengeSpent,
  repeatOf,
  settleAccepted,
  settleRefused,
  type Acceptance,
  type AskedFor,
  type Refusal,
} from '../domain/attempt.ts'
import type { Assurance } from '../domain/assurance.ts'
import { challengeIn } from '../domain/enrolment.ts'
import type { Json } from '../domain/json.ts'
import { classify } from '../domain/known-browser.ts'
import type { AcceptedAttempt, MfaRecord } from '../domain/mfa-record.ts'
import type { Gate } from '../domain/throttle.ts'
import type { Instant } from '../domain/time.ts'
import { settleTrusted, type EarnedTrust } from '../domain/trusted-browser.ts'
import type { AnyFactor, Examined, Owned } from '../factors/factor.ts'
import { wordsOf, wordsOfRefusal } from './authenticator.ts'
import type { KeptChallenge } from './challenge-factor.ts'
import { commit, type Decided, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { factorGate } from './factor-gate.ts'
import { admit } from './flood.ts'
import { authenticatorsOf, usableStates } from './owned-states.ts'
import { fingerprintOf, type Place } from './place.ts'
import { tellRefusedWhileLocked } from './refused-attempts.ts'
import { openState, sealState } from './sealed-state.ts'

export type { Place } from './place.ts'

export type VerifyOutcome =
  | { readonly outcome: 'accepted'; readonly accepted: AcceptedAttempt }
  | { readonly outcome: 'refused'; readonly behindSeconds?: number }
  | { readonly outcome: 'closed'; readonly gate: Gate & { open: false } }
  /** The pending first factor, or the factor itself, is not valid any more. The person has to begin again. */
  | { readonly outcome: 'stale' }

/**
 * One attempt at a second factor. In this order: double tap, throttle, examination, charge or consumption,
 * save, answer. `response` was parsed by the factor.
 *
 * Throws MfaError `too-many-attempts`, `record-contended`, `key-missing`, `seal-broken`, `storage-unavailable`.
 */
export async function verifyFactor(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  response: unknown,
  { seen, kept, suffices, asked, isLast, trust }: Shown,
): Promise<VerifyOutcome> {
  const canonical = factor.canonical(response)
  const fingerprintIn = (record: MfaRecord): string =>
    fingerprintOf(deps, place, factor.id, canonical, record)
  const examine = once(deps, factor, response)
  const admission = { fingerprint: fingerprintIn(seen.record), seen, factor: factor.id }
  const outcome = await admit(deps, place, admission, () =>
    commit(
      deps,
      place.accountId,
      (current, now) =>
        attempt(deps, factor, place, {
          current,
          now,
          examine,
          kept,
          suffices,
          asked,
          isLast,
          trust,
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

/** The other inputs of an attempt, beside the response. */
export interface Shown {
  /** The record as this request has read it before. */
  readonly seen: Loaded
  /** The challenge that the interaction keeps, of a factor whose challenge sends nothing. */
  readonly kept?: KeptChallenge | undefined
  /** Whether a proof with this assurance is accepted. Default: every proof is. */
  readonly suffices?: ((assurance: Assurance) => boolean) | undefined
  /** The change that the factor is shown for. Default: a sign-in. */
  readonly asked?: AskedFor | undefined
  /**
   * False: the sign-in needs another factor after this one, so nothing but the proof is kept. A function is asked once the
   * proof is accepted, before it is saved. Default: true.
   */
  readonly isLast?: boolean | ((accepted: AcceptedAttempt) => Promise<boolean>) | undefined
  /** The box was ticked: the browser is trusted for so long once the factor is accepted (R14). */
  readonly trust?: Omit<EarnedTrust, 'factor'> | undefined
}

interface Attempt {
  readonly current: MfaRecord
  readonly now: Instant
  readonly fingerprint: string
  readonly examine: ReturnType<typeof once>
  readonly kept: KeptChallenge | undefined
  readonly suffices: Shown['suffices']
  readonly asked: AskedFor | undefined
  readonly isLast: Shown['isLast']
  readonly trust: Shown['trust']
}

async function attempt(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  { examine, kept, suffices, ...given }: Attempt,
): Promise<Decided<VerifyOutcome>> {
  const { current, now, fingerprint } = given
  const accepted = repeatOf(current, place.interaction, fingerprint, now)
  if (accepted !== undefined) return { outcome: { outcome: 'accepted', accepted } }
  if (current.epoch !== place.epoch) return { outcome: { outcome: 'stale' } }
  if (authenticatorsOf(current, factor).length === 0) return { outcome: { outcome: 'stale' } }
  const closed = factorGate(deps, current, factor, place, now)
  if (!closed.open) return { outcome: { outcome: 'closed', gate: closed } }

  const states = usableStates(deps, current, factor, now)
  const challenge = openFor(deps, factor, place, { current, kept, now })
  const examined = await examine({ states, challenge, now })
  if (examined.outcome === 'refused')
    return refuse(current, factor, place, { now, behindSeconds: examined.behindSeconds })
  if (suffices?.(factor.assurance(examined.proof)) === false)
    return refuse(current, factor, place, { now })
  const proved = spend(factor, states, examined)
  // A replay gets no hint: it would say that the code was once right.
  if (proved === undefined) {
    const told = refusedWords(current, factor, states, examined)
    return refuse(current, factor, place, { now, replayed: true, told })
  }
  return accept(deps, factor, place, { ...given, proved, challenge })
}

interface Proved {
  readonly authenticatorId: string
  /** The authenticator's state with the proof spent. */
  readonly spent: Json
  readonly proof: unknown
}

/** Undefined: the proof was used before, or its authenticator is gone. */
function spend(
  factor: AnyFactor,
  states: readonly Owned<Json>[],
  { authenticatorId, proof }: Extract<Examined<unknown>, { outcome: 'proved' }>,
): Proved | undefined {
  const answered = states.find((owned) => owned.authenticatorId === authenticatorId)
  const spent =
    answered === undefined ? undefined : (factor.consume(answered.state, proof) as Json | undefined)
  return spent === undefined ? undefined : { authenticatorId, spent, proof }
}

/** The events of the factor about a proof that it has refused to spend, such as: a key seems to have been copied. */
function refusedWords(
  { authenticators }: MfaRecord,
  factor: AnyFactor,
  states: readonly Owned<Json>[],
  { authenticatorId, proof }: Extract<Examined<unknown>, { outcome: 'proved' }>,
): Refusal['told'] {
  const authenticator = authenticators.find(({ id }) => id === authenticatorId)
  const answered = states.find((owned) => owned.authenticatorId === authenticatorId)
  if (authenticator === undefined || answered === undefined) return undefined
  return { authenticator, words: wordsOfRefusal(factor, answered.state, proof) }
}

async function accept(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  given: Omit<Attempt, 'examine' | 'kept' | 'suffices'> & {
    readonly proved: Proved
    readonly challenge: OpenFor
  },
): Promise<Decided<VerifyOutcome>> {
  const { current, now, fingerprint, proved, challenge, asked, trust } = given
  const authenticator = current.authenticators.find(({ id }) => id === proved.authenticatorId)
  if (authenticator === undefined) throw new Error('An authenticator that was read is not there')
  const browser = classify(current, place.tokenHashes)
  const acceptance: Acceptance = {
    interaction: place.interaction,
    fingerprint,
    authenticator: {
      ...authenticator,
      sealed: sealState(deps.box, place.accountId, authenticator, proved.spent),
    },
    assurance: factor.assurance(proved.proof),
    browser,
    tokenHash: browser.kind === 'known' ? browser.tokenHash : place.newTokenHash,
    now,
    detail: place.detail,
    told: wordsOf(factor, { what: 'accepted', proof: proved.proof }),
    ...(asked === undefined ? {} : { asked }),
    ...(challenge.keptId === undefined ? {} : { challenge: challenge.keptId }),
    ...(factor.remaining === undefined ? {} : { remaining: factor.remaining(proved.spent) }),
  }
  const isLast =
    typeof given.isLast === 'function'
      ? await given.isLast(settleAccepted(current, acceptance).accepted)
      : (given.isLast ?? true)
  const { accepted, record, events } = settleAccepted(current, { ...acceptance, isLast })
  const outcome = { outcome: 'accepted', accepted } as const
  if (trust === undefined) return { outcome, record, events }
  const earned = { ...trust, factor: factor.id }
  const trusted = settleTrusted(record, earned, { now, detail: place.detail })
  return { outcome, record: trusted.record, events: [...events, ...trusted.events] }
}

function refuse(
  current: MfaRecord,
  factor: AnyFactor,
  place: Place,
  why: {
    readonly now: Instant
    readonly behindSeconds?: number | undefined
    readonly replayed?: true
    readonly told?: Refusal['told']
  },
): Decided<VerifyOutcome> {
  const { now, behindSeconds, replayed = false, told } = why
  const { record, events } = settleRefused(current, {
    factor: factor.id,
    guessable: factor.guessable,
    reason: replayed ? 'replayed' : behindSeconds === undefined ? 'wrong' : 'late',
    browser: classify(current, place.tokenHashes),
    now,
    detail: place.detail,
    ...(told === undefined ? {} : { told }),
  })
  const hint = behindSeconds === undefined ? {} : { behindSeconds }
  return { outcome: { outcome: 'refused', ...hint }, record, events }
}

/** The challenge with which a response is examined, and its id. */
interface OpenFor {
  readonly id: string | undefined
  /** The id of a kept challenge; an accepted response marks it in the record as spent. */
  readonly keptId: string | undefined
  readonly value: unknown
}

/**
 * The challenge of this interaction: the one that was sent, or the one that the interaction keeps. None if an accepted
 * response has spent it: a second response to it is examined without a challenge.
 */
function openFor(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  { current, kept, now }: Pick<Attempt, 'current' | 'kept' | 'now'>,
): OpenFor {
  if (kept !== undefined)
    return isChallengeSpent(current, place.interaction, kept.id, now)
      ? NOTHING_OPEN
      : { ...kept, keptId: kept.id }
  const sent = challengeIn(current, place.interaction, factor.id, now)
  if (sent === undefined) return NOTHING_OPEN
  return {
    id: sent.sealed,
    keptId: undefined,
    value: factor.parseChallenge(openState(deps.box, place.accountId, sent)),
  }
}

const NOTHING_OPEN: OpenFor = { id: undefined, keptId: undefined, value: undefined }

/**
 * Examines once for each set of authenticators and challenge, even if the commit has to decide again: lost saves must
 * not multiply the hashing. Whether the proof was used is decided on fresh state by `consume`.
 */
function once(deps: Dependencies, factor: AnyFactor, response: unknown) {
  const results = new Map<string, Promise<Examined<unknown>>>()
  return (given: {
    states: readonly Owned<Json>[]
    challenge: OpenFor
    now: Instant
  }): Promise<Examined<unknown>> => {
    const { states, challenge, now } = given
    const key = JSON.stringify([states.map((owned) => owned.authenticatorId), challenge.id])
    const known = results.get(key)
    if (known !== undefined) return known
    const result = factor.examine({
      states,
      challenge: challenge.value,
      response,
      now,
      hasher: deps.hasher,
    })
    results.set(key, result)
    return result
  }
}
