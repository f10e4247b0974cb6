import type { AcrRequest, PolicyInput } from './input.ts'
import {
  highestReached,
  PASSWORD,
  rankOfAcr,
  reaches,
  type Level,
  type Levels,
  type Strength,
} from './levels.ts'
import { isNew, proofsSince } from './goal.ts'
import type { Demand } from './judge.ts'
import { firstFactors, ownOf, showable } from './own.ts'

/** The level to reach, as its place in the order, and how old its proof may be for the request. */
export interface Target {
  readonly rank: number
  readonly maxAgeSeconds: number
}

/**
 * The level to reach: that of the rules or, where the request names levels, the lowest named one above it. An essential
 * request makes a person enrol; a voluntary one is met where the person can (OIDC Core 3.1.2.1). Undefined: an essential
 * request names no level of this provider.
 */
export function targetOf({ rank }: Demand, input: PolicyInput): Target | undefined {
  const { levels, request } = input
  const { acr } = request
  if (acr === undefined) return { rank, maxAgeSeconds: Infinity }
  const { essential, values, maxAgeSeconds = Infinity } = acr
  const named = ranksOf(levels, values)
  if (essential && named.length === 0) return undefined
  if (values.length === 0 || named.some((one) => one <= rank)) return { rank, maxAgeSeconds }
  // A factor that the person has removed since cannot be shown again: its proof counts only beside others that are as new.
  const shown = proofsSince(input).filter(({ time }) => isNew(time, maxAgeSeconds, input))
  const again = [...showable(ownOf(input)), ...firstFactors(input)]
  const canShow = named.find((one) => {
    const level = levels[one] as Level
    return reaches(level, again) || reaches(level, shown)
  })
  if (canShow !== undefined) return { rank: canShow, maxAgeSeconds }
  // A voluntary level that the person cannot reach asks for nothing, and the token says the truth.
  return essential ? { rank: Math.min(...named), maxAgeSeconds } : { rank, maxAgeSeconds: Infinity }
}

function ranksOf(levels: Levels, values: readonly string[]): readonly number[] {
  return levels.flatMap(({ acr }, rank) => (values.includes(acr) ? [rank] : []))
}

/**
 * The `acr` values by which an answer to the request may say its level. A voluntary request for the first level alone
 * asks for nothing, so a higher level that was proved is not hidden by it.
 */
export function namedBy(levels: Levels, acr: AcrRequest | undefined): readonly string[] {
  if (acr === undefined) return []
  return acr.essential
    ? acr.values
    : acr.values.filter((value) => (rankOfAcr(levels, value) ?? 0) > 0)
}

/** Whether an essential request names a level that these factors of the configuration can reach (R24). */
export function isMeetable(
  levels: Levels,
  enrollable: readonly Strength[],
  acr: AcrRequest | undefined,
): boolean {
  if (acr?.essential !== true) return true
  const highest = highestReached(levels, [PASSWORD, ...enrollable])
  return ranksOf(levels, acr.values).some((rank) => rank <= highest)
}
