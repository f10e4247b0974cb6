import type { Amr, Assurance } from '../assurance.ts'
import type { Instant } from '../time.ts'
import { highestReached, reaches, type Level, type Levels } from './levels.ts'

/** One proof that a person has given in a session: of the first factor, or of a second one. */
export interface Proof extends Assurance {
  /** When it was given. */
  readonly time: Instant
  /** The id of the second factor. Absent: the first factor of the login page. */
  readonly factor?: string
  /** When the account was last recovered, if that is at most 7 days before the proof (R9). */
  readonly recoveredAt?: Instant
}

/** The statement of a token about proofs (R45). */
export interface Assertion {
  readonly acr: string
  /** The place of the level in the order. */
  readonly rank: number
  readonly amr: readonly Amr[]
  /** The time of the oldest proof on which the level rests. */
  readonly authTime: Instant
  /** The proofs on which it rests, the newest first. */
  readonly proofs: readonly Proof[]
}

/**
 * The strongest assertion that the proofs carry, by as few and as new proofs as possible. `named`: the levels that the
 * request names; of these, the highest one that is met is said. Undefined: there is no proof.
 */
export function assertionOf(
  levels: Levels,
  proofs: readonly Proof[],
  named: readonly string[] = [],
): Assertion | undefined {
  const newestFirst = [...proofs].sort((one, other) => other.time - one.time)
  const [newest] = newestFirst
  if (newest === undefined) return undefined
  const proved = highestReached(levels, proofs)
  const said = levels.findLastIndex(({ acr }, rank) => rank <= proved && named.includes(acr))
  const rank = said < 0 ? proved : said
  // A request for a lower level changes its name alone: what was really used is said as it is (R26).
  const used = enoughOf(levels[proved] as Level, newestFirst)
  return {
    acr: (levels[rank] as Level).acr,
    rank,
    amr: amrOf(used),
    authTime: (used.at(-1) ?? newest).time,
    proofs: used,
  }
}

/**
 * When the level was last proved: the newest proof that only this level needs. For two kinds of factor that is the
 * second factor, however old the password is. Undefined: the proofs do not reach the level.
 */
export function lastProved(level: Level, proofs: readonly Proof[]): Instant | undefined {
  if (!reaches(level, proofs)) return undefined
  const telling = proofs.filter((proof) => isTelling(level, proof))
  return telling.length === 0 ? undefined : Math.max(...telling.map(({ time }) => time))
}

function isTelling(level: Level, proof: Proof): boolean {
  if (level.phishingResistant === true) return proof.phishingResistant
  return level.kinds < 2 || proof.factor !== undefined || new Set(proof.kinds).size >= level.kinds
}

/** The newest proofs that reach the level together; all, if none do. */
function enoughOf(level: Level, newestFirst: readonly Proof[]): readonly Proof[] {
  const count = newestFirst.findIndex((_, index) => reaches(level, newestFirst.slice(0, index + 1)))
  return count < 0 ? newestFirst : newestFirst.slice(0, count + 1)
}

/** `mfa` is said only of two different kinds of factor (RFC 8176, R26). */
function amrOf(proofs: readonly Proof[]): readonly Amr[] {
  const oldestFirst = proofs.toReversed()
  const said = oldestFirst.flatMap(({ amr }) => amr).filter((amr) => amr !== 'mfa')
  const isMultiFactor = new Set(proofs.flatMap(({ kinds }) => kinds)).size > 1
  return [...new Set([...said, ...(isMultiFactor ? ['mfa'] : [])])]
}
