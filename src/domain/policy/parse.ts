import { fieldsOf, wholeNumber, type Say } from './fields.ts'
import { canMatchTogether } from './overlap.ts'
import { parseRule } from './parse-rule.ts'
import { conflictOf, type PolicyContext } from './reach.ts'
import type { Policy, Rule } from './rules.ts'

export { parseLevels } from './parse-levels.ts'
export type { PolicyContext, PolicyFactor } from './reach.ts'

/** The longest time for which a browser can be trusted (R14). */
const LONGEST_TRUST_SECONDS = 30 * 24 * 60 * 60

const KEYS = ['rules', 'shadow', 'trustedBrowserSeconds'] as const

/**
 * Reads a policy: `{ rules, shadow, trustedBrowserSeconds }`, each of which may be left out. Refuses unknown keys, values
 * of another type, rules that can never match or never be met, and two rules that can match together without a common
 * factor. `faults` lists every fault; each one of a rule has its name in quotes.
 */
export function parsePolicy(
  value: unknown,
  context: PolicyContext,
): { readonly policy: Policy } | { readonly faults: readonly string[] } {
  const faults: string[] = []
  const say: Say = (fault) => faults.push(fault)
  const fields = fieldsOf(value, KEYS, say)
  if (fields === undefined)
    return { faults: ['must be an object: { rules, shadow, trustedBrowserSeconds }'] }
  const trustedBrowserSeconds =
    wholeNumber(fields, 'trustedBrowserSeconds', { least: 0, most: LONGEST_TRUST_SECONDS, say }) ??
    0
  const rules = parseRules(fields.get('rules'), context, say)
  const shadow = parseRules(fields.get('shadow'), context, (fault) => say(`shadow ${fault}`))
  return faults.length > 0 ? { faults } : { policy: { rules, shadow, trustedBrowserSeconds } }
}

function parseRules(value: unknown, context: PolicyContext, say: Say): readonly Rule[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) {
    say('rules must be a list: [{ name, when, require }]')
    return []
  }
  const list: readonly unknown[] = value
  const rules = list.flatMap((one, place) => parseRule(one, place, context, say) ?? [])
  sayTwins(list, say)
  sayConflicts(rules, context, say)
  return rules
}

function sayTwins(list: readonly unknown[], say: Say): void {
  const seen = new Set<unknown>()
  const twins = new Set<string>()
  for (const one of list) {
    const name = (one as { name?: unknown } | null)?.name
    if (typeof name === 'string' && seen.has(name)) twins.add(name)
    seen.add(name)
  }
  for (const name of twins) say(`rule "${name}": another rule has the same name`)
}

/** Where two rules that match together have no common factor, nobody could sign in. */
function sayConflicts(rules: readonly Rule[], context: PolicyContext, say: Say): void {
  for (const [place, one] of rules.entries())
    for (const other of rules.slice(place + 1)) {
      const conflict = conflictOf(one, other, context)
      if (conflict !== undefined && canMatchTogether(one.when, other.when))
        say(`rule "${one.name}": ${conflict}`)
    }
}
