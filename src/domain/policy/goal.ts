import { CLOCK_SKEW_SECONDS, type Instant } from '../time.ts'
import type { Authenticator, PolicyInput } from './input.ts'
import { isFirstLevel, reaches, type Level, type Strength } from './levels.ts'
import type { Demand } from './judge.ts'
import { firstOf, isUsable, ownOf } from './own.ts'
import { lastProved, type Proof } from './proofs.ts'

/** A level that proofs have to reach, and the factors that count for it. */
export interface Goal {
  readonly level: Level
  /** Undefined: every factor counts. */
  readonly factors: readonly string[] | undefined
  /** The authenticators that count. None, where only backup codes would. */
  readonly own: readonly Authenticator[]
  /** Whether a second factor has to be shown although a first one may have the level by itself. */
  readonly needsFactor: boolean
}

/** The goal of all rules together. */
export function goalOfRules(demand: Demand, input: PolicyInput): Goal {
  const { levels, request } = input
  const level = levels[demand.rank] as Level
  const { factors, asksFactor, isChosen } = demand
  return {
    level,
    factors,
    own: usableOf(ownOf(input, factors), demand),
    // A person who has set up a factor here is asked for it, whatever another provider says.
    needsFactor:
      factors !== undefined || request.fresh || isChosen || (asksFactor && isFirstLevel(level)),
  }
}

/** The goal of the request: its level may be proved by factors that the rules do not list. */
export function goalOfRequest(rank: number, demand: Demand, input: PolicyInput): Goal {
  const level = input.levels[rank] as Level
  return { level, factors: undefined, own: usableOf(ownOf(input), demand), needsFactor: false }
}

/** Where a rule asks for a factor, backup codes alone do not count. The person's own choice is met by them. */
function usableOf(own: readonly Authenticator[], { isAsked }: Demand): readonly Authenticator[] {
  return isAsked && !isUsable(own) ? [] : own
}

/** Whether these reach the level of the goal. */
export function isEnough({ level }: Goal, given: readonly Strength[]): boolean {
  return isFirstLevel(level) || reaches(level, given)
}

/** The proofs that are new enough for this request. */
export function proofsSince({ proofs, request }: PolicyInput): readonly Proof[] {
  const { provedSince = -Infinity } = request
  return proofs.filter(({ time }) => time >= provedSince)
}

/** The question without proofs from the future: the clock was set back since, and they would stay new for that time. */
export function withoutFuture(input: PolicyInput): PolicyInput {
  return { ...input, proofs: input.proofs.filter(({ time }) => !isAhead(time, input.now)) }
}

/** The first factors among the proofs that are new enough. */
export function firstSince(input: PolicyInput): readonly Proof[] {
  return firstOf(proofsSince(input))
}

/**
 * Whether the proofs meet the goal. `maxAgeSeconds`: how old the proof of the level may be. `earlierSeconds`: how old it
 * may be if it is a sign-in at another provider from before the request.
 */
export function isMet(
  goal: Goal,
  maxAgeSeconds: number,
  input: PolicyInput,
  earlierSeconds = maxAgeSeconds,
): boolean {
  const { level, needsFactor } = goal
  const shown = proofsSince(input).filter((proof) => counts(goal, proof, input))
  const proofs = [...firstSince(input), ...shown]
  if (needsFactor && shown.length === 0) return false
  const at = lastProved(level, proofs)
  if (at === undefined) return false
  const shownAt = needsFactor ? Math.max(...shown.map(({ time }) => time)) : at
  const since = Math.min(at, shownAt)
  return isEarlierSignIn(since, proofs)
    ? input.now - since <= earlierSeconds
    : isNew(since, maxAgeSeconds, input)
}

/** Whether the proof of a time is a sign-in at another provider from before the request that it was handed over for. */
function isEarlierSignIn(at: Instant, proofs: readonly Proof[]): boolean {
  return proofs.every(({ time, upstream }) => time !== at || upstream?.isEarlier === true)
}

/** Whether a proof is one of a second factor that counts for the goal. */
function counts({ factors, own }: Goal, { factor }: Proof, { person }: PolicyInput): boolean {
  if (factor === undefined) return false
  if (factors !== undefined && !factors.includes(factor)) return false
  const isBackup = person.authenticators.some((one) => one.factor === factor && one.isBackup)
  return own.length > 0 || !isBackup
}

/** Whether a proof is at most so old. One that was given for this very request is, however long its pages took. */
export function isNew(at: Instant, maxAgeSeconds: number, { request, now }: PolicyInput): boolean {
  return now - at <= maxAgeSeconds || at >= (request.begunAt ?? Infinity)
}

/** Whether a time is further in the future than clocks differ. */
export function isAhead(time: Instant, now: Instant): boolean {
  return time > now + CLOCK_SKEW_SECONDS
}
