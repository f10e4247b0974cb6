import {
  isFirstLevel,
  PASSWORD,
  rankOf,
  reachableLevels,
  reaches,
  secondRank,
  type Level,
  type Levels,
  type Strength,
} from './levels.ts'
import type { Rule } from './rules.ts'

/** A factor of the configuration, as rules see it. */
export interface PolicyFactor extends Strength {
  readonly id: string
  /** Whether people set it up themselves. A look-up secret alone meets no rule. */
  readonly isEnrollable: boolean
}

/** The levels, the factors and the scopes that rules may name. */
export interface PolicyContext {
  readonly levels: Levels
  readonly factors: readonly PolicyFactor[]
  /** The scopes that the provider offers. Absent: a rule may name any scope. */
  readonly scopes?: readonly string[]
}

type Demand = Pick<Rule, 'require' | 'factors'>

/** Why no person can ever meet a demand, in words. Undefined: people can. */
export function unmetBecause(demand: Demand, context: PolicyContext): string | undefined {
  const { factors } = demand
  if (factors !== undefined && !hasEnrollable(factors, context))
    return 'can never be met: its factors are backup codes alone, which stand in for another factor'
  if (canBeMet(demand, context)) return undefined
  const level = context.levels[levelIn(demand, context.levels)] as Level
  const which = factors === undefined ? 'no configured factor' : 'none of its factors'
  return `can never be met: ${which} reaches the level "${level.name}"${wayOut(level, context)}`
}

/** The factors that would reach a level or, if none is configured, what the level needs. */
function wayOut(level: Level, { levels, factors }: PolicyContext): string {
  const enrollable = factors.filter(({ isEnrollable }) => isEnrollable)
  const able = enrollable.filter((factor) => reaches(level, [PASSWORD, factor]))
  if (able.length > 0) return `; ${able.map(({ id }) => id).join(', ')} would`
  const kinds = `${level.kinds} different kinds of factor`
  const of = [
    ...(level.phishingResistant === true ? ['phishing-resistant'] : []),
    ...(level.hardware === true ? ['protected by hardware'] : []),
  ]
  const needs = of.length > 0 ? `${kinds}, one of them ${of.join(' and ')}` : kinds
  const within = reachableLevels(levels, enrollable).map(({ name }) => name)
  return `, which needs ${needs}; the levels in reach are ${within.join(', ')}`
}

/** Why two rules that match together cannot be met by one sign-in, in words. Undefined: they can. */
export function conflictOf(one: Rule, other: Rule, context: PolicyContext): string | undefined {
  const factors = [one.factors, other.factors].filter((list) => list !== undefined)
  if (factors.length === 0) return undefined
  const common = factors.reduce((before, list) => before.filter((id) => list.includes(id)))
  const both = 'can match together with'
  if (!hasEnrollable(common, context))
    return `${both} "${other.name}", and the two have no common factor`
  const level = Math.max(levelIn(one, context.levels), levelIn(other, context.levels))
  const { name, acr } = context.levels[level] as Level
  return canBeMet({ require: acr, factors: common }, context)
    ? undefined
    : `${both} "${other.name}", and no common factor reaches the level "${name}"`
}

function hasEnrollable(factors: readonly string[], context: PolicyContext): boolean {
  return context.factors.some(({ id, isEnrollable }) => isEnrollable && factors.includes(id))
}

function canBeMet(demand: Demand, { levels, factors }: PolicyContext): boolean {
  const level = levels[levelIn(demand, levels)] as Level
  if (isFirstLevel(level)) return true
  const fitting = factors.filter(
    ({ id, isEnrollable }) => isEnrollable && (demand.factors?.includes(id) ?? true),
  )
  return reaches(level, [PASSWORD, ...fitting])
}

/** The place of the level that a rule asks for. One that names factors asks for one of them. */
function levelIn({ require, factors }: Demand, levels: Levels): number {
  // A level that is not known was refused before.
  const asked = require === undefined ? 0 : (rankOf(levels, require) as number)
  return factors === undefined ? asked : Math.max(asked, secondRank(levels))
}
