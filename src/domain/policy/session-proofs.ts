import { kindOf, type Amr, type FactorKind } from '../assurance.ts'
import { DAY_SECONDS, type Instant } from '../time.ts'
import type { AcceptedAttempt, MfaRecord } from '../mfa-record.ts'
import { highestReached, rankOf, type Levels } from './levels.ts'
import { isAhead } from './goal.ts'
import type { Proof, UpstreamAssurance } from './proofs.ts'

/** For this long after a recovery, proofs are marked with it (R9) and no browser is trusted (R14). */
const RECOVERED_SECONDS = 7 * DAY_SECONDS
const NO_HISTORY: MfaRecord['history'] = { ownerProofs: [], deliveredAt: [] }
/** The proofs that a session keeps. A person has few factors; the bound keeps the session small. */
const MOST_PROOFS = 12

/**
 * The proof of a login page. A first factor is of one kind, whatever methods the page names: a page cannot reach a
 * higher level by a list of words (R26). It has more only by the word of an upstream provider that the application trusts
 * for it (`assurance`). It has the mark of a recovery that came at most 7 days before it (R9).
 */
export function firstProof(
  amr: readonly Amr[],
  time: Instant,
  record: Pick<MfaRecord, 'history'> = { history: NO_HISTORY },
  assurance: UpstreamAssurance | undefined = undefined,
): Proof {
  const said = amr.filter((one) => one !== 'mfa')
  const recoveredAt = recoveredBefore(record, time)
  return {
    amr: said,
    ...(assurance ?? { kinds: firstKind(said), phishingResistant: false }),
    time,
    // A password that was typed before the recovery, in the same sign-in, is older than the mark.
    ...(recoveredAt === undefined || time < recoveredAt ? {} : { recoveredAt }),
  }
}

function firstKind(amr: readonly Amr[]): readonly FactorKind[] {
  const kinds = amr.map(kindOf).filter((kind): kind is FactorKind => kind !== undefined)
  return kinds.includes('knowledge') ? ['knowledge'] : kinds.slice(0, 1)
}

/** A first factor without the level that it has on the word of an upstream provider. */
export function withoutUpstream({ upstream: _, hardware: __, ...proof }: Proof): Proof {
  return { ...proof, kinds: firstKind(proof.amr), phishingResistant: false }
}

/** When the account was last recovered, if that is less than 7 days before `at`. */
export function recoveredBefore(
  { history: { recoveredAt } }: Pick<MfaRecord, 'history'>,
  at: Instant,
): Instant | undefined {
  const isRecent = recoveredAt !== undefined && at - recoveredAt < RECOVERED_SECONDS
  return isRecent ? recoveredAt : undefined
}

/** The proof of a second factor that was accepted. */
export function secondProof(
  { assurance, factor, at }: Pick<AcceptedAttempt, 'assurance' | 'factor' | 'at'>,
  record: Pick<MfaRecord, 'history'>,
): Proof {
  const recoveredAt = recoveredBefore(record, at)
  const { amr, kinds, phishingResistant, hardware } = assurance
  return {
    amr,
    kinds,
    phishingResistant,
    ...(hardware === true ? { hardware } : {}),
    time: at,
    factor,
    ...(recoveredAt === undefined ? {} : { recoveredAt }),
  }
}

/**
 * The proofs of a session after new ones: of each factor, and of the first factor, the newest one. Proofs that are older
 * than a session may be are left out. A first factor with a level of its own stays beside a later one without it, and a
 * proof by a key in hardware beside a later one of the same factor.
 */
export function mergedProofs(
  before: readonly Proof[],
  fresh: readonly Proof[],
  { now, sessionSeconds }: { readonly now: Instant; readonly sessionSeconds: number },
): readonly Proof[] {
  // A proof from the future makes room for a new one: the clock was set back, and it would stay the newest.
  const present = before.filter(
    (proof) => !isAhead(proof.time, now) || fresh.every((one) => placeOf(one) !== placeOf(proof)),
  )
  const seen = new Set<string>()
  const kept = newestFirst([...fresh, ...present]).filter((proof) => {
    const place = placeOf(proof)
    if (seen.has(place) || now - proof.time >= sessionSeconds) return false
    seen.add(place)
    return true
  })
  return kept.slice(0, MOST_PROOFS)
}

/** Of the proofs with the same place a session keeps the newest. */
function placeOf({ factor, upstream, kinds, phishingResistant, hardware }: Proof): string {
  // The key of one authenticator is in hardware, and that of another one of the factor is not.
  if (factor !== undefined) return hardware === true ? JSON.stringify([factor]) : factor
  if (upstream === undefined) return ''
  return JSON.stringify([upstream.issuer, kinds, phishingResistant, hardware === true])
}

function newestFirst(proofs: readonly Proof[]): readonly Proof[] {
  return proofs.toSorted((one, other) => other.time - one.time)
}

/** A session that keeps no proofs: a release that did not know them has made it, or a host without the plugin. */
export interface SessionWithoutProofs {
  readonly acr: string | undefined
  readonly amr: readonly Amr[] | undefined
  readonly signedInAt: Instant
  /** When a second factor was last shown in it. */
  readonly provedAt: Instant | undefined
}

/** The id that a second factor has whose factor is not known. */
const UNKNOWN_FACTOR = 'unknown'

/** The proofs that such a session shows by its level. */
export function proofsByLevel(
  levels: Levels,
  { acr, amr = ['pwd'], signedInAt, provedAt }: SessionWithoutProofs,
): readonly Proof[] {
  const first = firstProof(amr.includes('pwd') ? ['pwd'] : amr.slice(0, 1), signedInAt)
  const rank = acr === undefined ? 0 : (rankOf(levels, acr) ?? 0)
  if (rank === 0) return [first]
  const others = amr.filter((one) => one !== 'mfa' && !first.amr.includes(one))
  // Whether hardware protected the key is not known: no release that knew such a level kept no proofs.
  const second: Proof = {
    amr: others,
    kinds: first.kinds.includes('possession') ? ['knowledge'] : ['possession'],
    phishingResistant: levels[rank]?.phishingResistant === true,
    time: provedAt ?? signedInAt,
    factor: UNKNOWN_FACTOR,
  }
  return highestReached(levels, [first, second]) > 0 ? [second, first] : [first]
}
