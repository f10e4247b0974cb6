import type { Amr, Assurance } from '../assurance.ts'
import type { Instant } from '../time.ts'
import {
  highestReached,
  isFirstLevel,
  isFit,
  reaches,
  type Level,
  type Levels,
  type Strength,
} from './levels.ts'

/** One proof that a person has given in a session: of the first factor, or of a second one. */
export interface Proof extends Assurance {
  /** When it was given. */
  readonly time: Instant
  /** The id of the second factor. Absent: the first factor of the login page. */
  readonly factor?: string
  /** When the account was last recovered, if that is at most 7 days before the proof (R9). */
  readonly recoveredAt?: Instant
  /** The provider on whose word a first factor has its level. Absent: it is of one kind. */
  readonly upstream?: Upstream
}

/** Another identity provider, which has signed the person in for a first factor here. */
export interface Upstream {
  readonly issuer: string
  /** Whether the person signed in there before the login page here was asked for a first factor. */
  readonly isEarlier: boolean
}

/** The assurance of a first factor on the word of an upstream provider (`upstreamAssurance`). */
export type UpstreamAssurance = Strength & {
  readonly upstream: Upstream
}

/** The statement of a token about proofs (R45). */
export interface Assertion {
  readonly acr: string
  /** The place of the level in the order. */
  readonly rank: number
  readonly amr: readonly Amr[]
  /** The time of the oldest proof on which the level rests. */
  readonly since: Instant
  /** All proofs that were given, the newest first. */
  readonly proofs: readonly Proof[]
}

/**
 * The strongest assertion that the proofs carry. Its time is that of the newest proofs that are enough for the level; its
 * methods are those of all proofs, because all of them were used. `named`: the levels by whose
 * name the answer may be said (`namedBy`); of these, the highest one that is met is said. Undefined: there is no proof.
 */
export function assertionOf(
  levels: Levels,
  proofs: readonly Proof[],
  named: readonly string[] = [],
): Assertion | undefined {
  const newestFirst = proofs.toSorted((one, other) => other.time - one.time)
  if (newestFirst.length === 0) return undefined
  const proved = highestReached(levels, proofs)
  const rank = rankSaid(levels, proved, named)
  // A request for a lower level changes its name alone: what was really used is said as it is (R26).
  const used = enoughOf(levels[proved] as Level, newestFirst)
  return {
    acr: (levels[rank] as Level).acr,
    rank,
    amr: amrOf(newestFirst),
    since: Math.min(...used.map(({ time }) => time)),
    proofs: newestFirst,
  }
}

/** The level that an answer says: the highest named one that was proved or, where none was, the proved one. */
export function rankSaid(levels: Levels, proved: number, named: readonly string[]): number {
  const said = levels.findLastIndex(({ acr }, rank) => rank <= proved && named.includes(acr))
  return said < 0 ? proved : said
}

/**
 * When the level was last proved: the newest proof that only this level needs. For two kinds of factor that is the
 * second factor, however old the password is. Undefined: the proofs do not reach the level.
 */
export function lastProved(level: Level, proofs: readonly Proof[]): Instant | undefined {
  if (proofs.length === 0) return undefined
  // A first factor has the first level also where its methods name no kind of factor.
  if (isFirstLevel(level)) return newestOf(proofs)
  if (!reaches(level, proofs)) return undefined
  const byKinds = newestOf(proofs.filter((proof) => isTelling(level, proof)))
  return Math.min(byKinds, newestOf(proofs.filter((proof) => isFit(level, proof))))
}

function newestOf(proofs: readonly Proof[]): Instant {
  return Math.max(...proofs.map(({ time }) => time))
}

function isTelling({ kinds }: Level, proof: Proof): boolean {
  return proof.factor !== undefined || new Set(proof.kinds).size >= kinds
}

/** The newest proofs that reach the level together; all of them for the first level, which each one reaches. */
function enoughOf(level: Level, newestFirst: readonly Proof[]): readonly Proof[] {
  if (isFirstLevel(level)) return newestFirst
  const last = newestFirst.findIndex((_, index) => reaches(level, newestFirst.slice(0, index + 1)))
  return newestFirst.slice(0, last + 1)
}

/** `mfa` is said only of two different kinds of factor (RFC 8176, R26). */
function amrOf(proofs: readonly Proof[]): readonly Amr[] {
  const oldestFirst = proofs.toReversed()
  const said = oldestFirst.flatMap(({ amr }) => amr).filter((amr) => amr !== 'mfa')
  const isMultiFactor = new Set(proofs.flatMap(({ kinds }) => kinds)).size > 1
  return [...new Set([...said, ...(isMultiFactor ? ['mfa'] : [])])]
}
