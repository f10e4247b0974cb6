import { kindOf, type Amr, type FactorKind } from '../assurance.ts'
import { CLOCK_SKEW_SECONDS, type Instant } from '../time.ts'
import { isFirstLevel, rankOfAcr, type Level, type Levels } from './levels.ts'
import type { PolicyInput } from './input.ts'
import type { Upstream, UpstreamAssurance } from './proofs.ts'
import { matches } from './rules.ts'
import { withoutUpstream } from './session-proofs.ts'

/** The level that each word of one upstream provider reaches. A word that is not listed reaches none. */
export interface UpstreamWords {
  /** By the value of its `acr`. */
  readonly acr: ReadonlyMap<string, Level>
  /** By each entry of its `amr`. */
  readonly amr: ReadonlyMap<string, Level>
}

/** The upstream providers whose words count, by their issuer. */
export type UpstreamTrust = ReadonlyMap<string, UpstreamWords>

/** The statement of an upstream provider, as the login page hands it over. */
export interface UpstreamStatement {
  readonly issuer?: unknown
  readonly acr?: unknown
  readonly amr?: readonly Amr[] | undefined
  /** Its `auth_time`. */
  readonly ts?: Instant | undefined
}

/** The request that the statement answers. */
export interface UpstreamAsked {
  /** When the login page was asked for a first factor. Undefined: not known. */
  readonly askedAt: Instant | undefined
  /** Whether the request asks for a new sign-in: `prompt=login`, the device flow. */
  readonly isNewAsked: boolean
  /** `max_age` of the request; Infinity: it has none. */
  readonly maxAgeSeconds: number
  /** No proof counts for longer than a session. */
  readonly sessionSeconds: number
  readonly now: Instant
}

/**
 * The assurance that the statement of an upstream provider has here. Undefined: the first factor is of one kind, as
 * without a statement. It has one only if the application lists the word for this issuer, and if the time of the sign-in
 * there is known and new enough for the request.
 */
export function upstreamAssurance(
  trust: UpstreamTrust,
  levels: Levels,
  statement: UpstreamStatement,
  asked: UpstreamAsked,
): UpstreamAssurance | undefined {
  const { issuer, ts } = statement
  const words = typeof issuer === 'string' ? trust.get(issuer) : undefined
  if (words === undefined || typeof issuer !== 'string' || ts === undefined) return undefined
  const level = levelSaid(words, levels, statement)
  if (level === undefined || isFirstLevel(level)) return undefined
  const isEarlier = ts < (asked.askedAt ?? Infinity) - CLOCK_SKEW_SECONDS
  const age = asked.now - ts
  if (age >= asked.sessionSeconds) return undefined
  if (isEarlier && (asked.isNewAsked || age > asked.maxAgeSeconds)) return undefined
  return {
    kinds: kindsFor(level, statement.amr ?? []),
    phishingResistant: level.phishingResistant === true,
    ...(level.hardware === true ? { hardware: true as const } : {}),
    upstream: { issuer, isEarlier },
  }
}

/** The highest level that one of the words reaches. */
function levelSaid(
  words: UpstreamWords,
  levels: Levels,
  { acr, amr = [] }: UpstreamStatement,
): Level | undefined {
  const said = [
    ...(typeof acr === 'string' ? [words.acr.get(acr)] : []),
    ...amr.map((one) => words.amr.get(one)),
  ]
  const ranks = said.map((level) => (level && rankOfAcr(levels, level.acr)) ?? -1)
  return levels[Math.max(-1, ...ranks)]
}

/** The first one is the kind of a first factor that names several. */
const NAMED: readonly FactorKind[] = ['knowledge', 'possession', 'inherence']
/** Most factors here prove a possession: assumed kinds begin with it, so that none of them adds a kind to these. */
const ASSUMED: readonly FactorKind[] = ['possession', 'inherence', 'knowledge']

/** As many kinds as the level has: those that `amr` names, and assumed ones where it names fewer. */
function kindsFor({ kinds }: Level, amr: readonly Amr[]): readonly FactorKind[] {
  const said = new Set(amr.map(kindOf))
  const named = NAMED.filter((kind) => said.has(kind))
  const assumed = ASSUMED.filter((kind) => !said.has(kind))
  return [...named, ...assumed].slice(0, kinds)
}

/**
 * The question, with the level of an old sign-in at an upstream provider left out. Such a proof was handed over for this
 * request and not given for it, so its age counts against the ages that rules and the request allow. The first factor stays,
 * so that a factor here can stand beside it: to ask for it again would bring the same answer for ever.
 */
export function withoutOldLevels(input: PolicyInput): PolicyInput {
  const { proofs, request, rules, now } = input
  if (!proofs.some(({ upstream }) => upstream?.isEarlier === true)) return input
  const ages = rules
    .filter((rule) => matches(rule, request))
    .map(({ maxAgeSeconds = Infinity }) => maxAgeSeconds)
  const maxAgeSeconds = Math.min(request.acr?.maxAgeSeconds ?? Infinity, ...ages)
  const { begunAt = Infinity } = request
  const isOld = (time: Instant, { isEarlier }: Upstream): boolean =>
    isEarlier && time >= begunAt && now - time > maxAgeSeconds
  return {
    ...input,
    proofs: proofs.map((proof) => {
      const { upstream } = proof
      if (upstream === undefined || !isOld(proof.time, upstream)) return proof
      // It stays an earlier sign-in: its age counts where a rule asks for no level but for a new proof.
      return { ...withoutUpstream(proof), upstream }
    }),
  }
}
