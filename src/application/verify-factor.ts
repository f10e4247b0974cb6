import type { Assurance } from '../domain/assurance.ts'
import { acceptedIn, repeatOf, settleAccepted, settleRefused } from '../domain/attempt.ts'
import { challengeIn, nextDeliveryAt, openChallenge } from '../domain/enrolment.ts'
import type { EventDetail } from '../domain/events.ts'
import type { Json } from '../domain/json.ts'
import { classify } from '../domain/known-browser.ts'
import type { AcceptedAttempt, Authenticator, MfaRecord } from '../domain/mfa-record.ts'
import { gate, type Gate } from '../domain/throttle.ts'
import type { Instant } from '../domain/time.ts'
import type { AnyFactor, Examined } from '../factors/factor.ts'
import type { Delivery } from '../ports/services.ts'
import { commit, type Decided, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { deliver } from './deliver.ts'
import { Flood } from './flood.ts'
import { openState, sealState } from './sealed-state.ts'

/** Who is trying, where: the same for every deed of one interaction. */
export interface Place {
  readonly accountId: string
  /** The interaction's uid. */
  readonly interaction: string
  /** The epoch that the pending first factor, or the session, was made under. */
  readonly epoch: number
  /** Hashes of the browser tokens that the browser showed. */
  readonly tokenHashes: readonly string[]
  /** The hash of the token that it will be known by when the sign-in completes. */
  readonly newTokenHash: string
  /** For the audit: client, address, user agent. */
  readonly detail: EventDetail
}

export type VerifyOutcome =
  | { readonly outcome: 'accepted'; readonly accepted: AcceptedAttempt }
  | { readonly outcome: 'refused'; readonly behindSeconds?: number }
  | { readonly outcome: 'closed'; readonly gate: Gate & { open: false } }
  /** The pending first factor, or the factor itself, is not valid any more: begin again. */
  | { readonly outcome: 'stale' }

const floods = new WeakMap<Dependencies, Flood>()

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
  seen: Loaded,
): Promise<VerifyOutcome> {
  const fingerprint = fingerprintOf(deps, place, factor, response)
  const examine = once(deps, factor, response)
  const flood = floods.get(deps) ?? new Flood()
  floods.set(deps, flood)
  const browser = classify(seen.record, place.tokenHashes)
  const accountAndClass = JSON.stringify([
    place.accountId,
    browser.kind === 'known' ? browser.tokenHash : '',
  ])
  return flood.run({ interaction: place.interaction, response: fingerprint, accountAndClass }, () =>
    commit(
      deps,
      place.accountId,
      (current, now) => attempt(deps, factor, place, { current, now, fingerprint, examine }),
      seen,
    ),
  )
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

  const browser = classify(current, place.tokenHashes)
  const open = gate(current, browser, factor.guessable, now)
  if (!open.open) return { outcome: { outcome: 'closed', gate: open } }

  const owned = current.authenticators.filter((candidate) => candidate.factor === factor.id)
  if (owned.length === 0) return { outcome: { outcome: 'stale' } }

  let refused: { behindSeconds?: number; replayed: boolean } = { replayed: false }
  for (const authenticator of owned) {
    const state = factor.parseState(openState(deps.box, place.accountId, authenticator)) as Json
    const challenge = challengeFor(deps, factor, place, current, authenticator, now)
    const examined = await examine(authenticator.id, state, challenge, now)
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
      assurance: factor.assurance(examined.proof) as Assurance,
      browser,
      tokenHash: browser.kind === 'known' ? browser.tokenHash : place.newTokenHash,
      now,
      detail: place.detail,
      ...(factor.remaining === undefined ? {} : { remaining: factor.remaining(spent) }),
    })
    return {
      outcome: {
        outcome: 'accepted',
        accepted: acceptedIn(settled.record, place.interaction, now)!,
      },
      record: settled.record,
      events: settled.events,
    }
  }

  const { behindSeconds, replayed } = refused
  const settled = settleRefused(current, {
    factor: factor.id,
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

export type ChallengeOutcome =
  | 'opened'
  | 'not-needed'
  | 'stale'
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
  if (factor.challenge === undefined) return 'not-needed'
  const begun = await commit<Challenged>(deps, place.accountId, (record, now) => {
    const authenticator = record.authenticators.find(({ factor: id }) => id === factor.id)
    if (authenticator === undefined || record.epoch !== place.epoch)
      return { outcome: { result: 'stale' } }
    const state: unknown = factor.parseState(openState(deps.box, place.accountId, authenticator))
    const made = factor.challenge?.(state, {
      accountId: place.accountId,
      random: deps.random,
      now,
    })
    if (made === undefined) return { outcome: { result: 'not-needed' } }
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
          sealed: sealState(deps.box, place.accountId, where, made.value as Json),
        },
        made.delivery !== undefined,
        now,
      ),
    }
  })
  if (begun.delivery !== undefined) await deliver(deps, begun.delivery)
  return begun.result
}

function challengeFor(
  deps: Dependencies,
  factor: AnyFactor,
  place: Place,
  record: MfaRecord,
  authenticator: Authenticator,
  now: Instant,
): Json | undefined {
  const open = challengeIn(record, place.interaction, factor.id, now)
  if (open === undefined || open.authenticatorId !== authenticator.id) return undefined
  return factor.parseChallenge(openState(deps.box, place.accountId, open)) as Json
}

/**
 * The examination, done once per authenticator however often the commit decides again: hashing must not be
 * multiplied by contention. Whether the proof was used is decided on fresh state by `consume`.
 */
function once(deps: Dependencies, factor: AnyFactor, response: unknown) {
  const results = new Map<string, Promise<Examined<unknown>>>()
  return (id: string, state: Json, challenge: Json | undefined, now: Instant) => {
    const known = results.get(id)
    if (known !== undefined) return known
    const result = factor.examine({ state, challenge, response, now, hasher: deps.hasher })
    results.set(id, result)
    return result
  }
}

/** Keyed, so that a record read by an operator does not give the code away. */
export function fingerprintOf(
  deps: Dependencies,
  place: Place,
  factor: AnyFactor,
  response: unknown,
): string {
  return deps.box.mac(
    'attempt',
    JSON.stringify([place.accountId, place.interaction, factor.id, factor.canonical(response)]),
  )
}

function hint(behindSeconds: number | undefined): { behindSeconds?: number } {
  return behindSeconds === undefined ? {} : { behindSeconds }
}
