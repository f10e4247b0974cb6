import type { Assurance } from '../assurance.ts'

/** The `acr` of a first factor alone. */
export const PASSWORD_ACR = 'urn:oidc-provider-mfa:password'
/** Two different kinds of factor (OpenID Provider Authentication Policy Extension 1.0). */
export const MULTI_FACTOR_ACR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
/** Phishing-resistant (OpenID Connect EAP ACR Values 1.0). */
export const PHISHING_RESISTANT_ACR = 'phr'
/** Phishing-resistant, with a key that hardware protects (OpenID Connect EAP ACR Values 1.0). */
export const HARDWARE_PROTECTED_ACR = 'phrh'

/** One level of assurance: its names, and what proves it. */
export interface Level {
  /** The name in rules and pages, in kebab-case. */
  readonly name: string
  /** The authentication context class reference in requests and tokens. */
  readonly acr: string
  /** The number of different kinds of factor that have to be proved: 1, 2 or 3. */
  readonly kinds: number
  /** Whether one of the proofs must be phishing-resistant. */
  readonly phishingResistant?: boolean
  /** Whether hardware must protect the key of one of the proofs: of the phishing-resistant one, where this is asked too. */
  readonly hardware?: boolean
}

/** Levels from the weakest to the strongest. The first one is what a first factor alone proves. */
export type Levels = readonly [Level, ...Level[]]

export const DEFAULT_LEVELS: Levels = [
  { name: 'password', acr: PASSWORD_ACR, kinds: 1 },
  { name: 'multi-factor', acr: MULTI_FACTOR_ACR, kinds: 2 },
  { name: 'phishing-resistant', acr: PHISHING_RESISTANT_ACR, kinds: 2, phishingResistant: true },
  {
    name: 'phishing-resistant-hardware',
    acr: HARDWARE_PROTECTED_ACR,
    kinds: 2,
    phishingResistant: true,
    hardware: true,
  },
]

/** The assurance that something can add: a proof, an authenticator of a person, or a factor of the configuration. */
export type Strength = Omit<Assurance, 'amr'>

/** A password, as a first factor of its own. */
export const PASSWORD: Strength = { kinds: ['knowledge'], phishingResistant: false }

/** Whether these together are enough for the level. */
export function reaches(level: Level, given: readonly Strength[]): boolean {
  const kinds = new Set(given.flatMap((one) => one.kinds))
  return kinds.size >= level.kinds && given.some((one) => isFit(level, one))
}

/** Whether one alone has what the level asks of one of them: a token of hardware makes no other proof safer. */
export function isFit(level: Level, one: Strength): boolean {
  return (
    (level.phishingResistant !== true || one.phishingResistant) &&
    (level.hardware !== true || one.hardware === true)
  )
}

/** The place of a level in the order, by its `acr` or its name. Undefined: there is no such level. */
export function rankOf(levels: Levels, acrOrName: string): number | undefined {
  const rank = levels.findIndex(({ acr, name }) => acr === acrOrName || name === acrOrName)
  return rank < 0 ? undefined : rank
}

/** The place of the level with this `acr`. Undefined: there is no such level. */
export function rankOfAcr(levels: Levels, acr: string): number | undefined {
  const rank = levels.findIndex((level) => level.acr === acr)
  return rank < 0 ? undefined : rank
}

/** Whether a first factor alone is enough for the level, whatever its kind is. */
export function isFirstLevel({ kinds, phishingResistant, hardware }: Level): boolean {
  return kinds < 2 && phishingResistant !== true && hardware !== true
}

/** The place of the lowest level that asks for more than a first factor alone; of the highest one, if none does. */
export function secondRank(levels: Levels): number {
  const rank = levels.findIndex((level) => !isFirstLevel(level))
  return rank < 0 ? levels.length - 1 : rank
}

/**
 * The highest level that these reach; 0 where they reach none, since a first factor has the lowest level. A first factor
 * is enough for each level that asks for no more, also where its methods name no kind of factor.
 */
export function highestReached(levels: Levels, given: readonly Strength[]): number {
  const isReached = (level: Level): boolean =>
    isFirstLevel(level) ? given.length > 0 : reaches(level, given)
  return Math.max(0, levels.findLastIndex(isReached))
}

/** The levels that a first factor by password and these factors of the configuration can reach. */
export function reachableLevels(levels: Levels, factors: readonly Strength[]): Levels {
  const all = [PASSWORD, ...factors]
  const [lowest, ...higher] = levels
  return [lowest, ...higher.filter((level) => reaches(level, all))]
}
