import type { Demand } from '../application/policy-input.ts'
import { MfaError } from '../domain/errors.ts'
import { faultOfName } from '../domain/policy/built-in.ts'
import { fieldsOf, present, wholeNumber, type Say } from '../domain/policy/fields.ts'
import type { Levels } from '../domain/policy/levels.ts'
import { levelOf } from '../domain/policy/parse-rule.ts'

/** The members of a demand of `require`. */
const DEMAND_KEYS = ['name', 'require', 'maxAgeSeconds', 'trustedBrowserSeconds']

/**
 * The answer of `require`: a truth value, one demand, or several of them. `levels`: those that can be reached. Throws
 * MfaError `options-invalid` for an empty list, which must not pass for no demand, and for a demand that cannot be read or
 * names another level, which must not pass for a lower one.
 */
export function demandsIn(answer: unknown, levels: Levels): readonly Demand[] {
  if (Array.isArray(answer)) {
    if (answer.length === 0)
      throw unreadable(['an empty list says nothing; return false where nothing is asked for'])
    return (answer as readonly unknown[]).map((one) => ownDemand(one, levels))
  }
  if (typeof answer === 'object' && answer !== null) return [ownDemand(answer, levels)]
  return answer ? [{}] : []
}

/**
 * A demand whose name cannot be its own has the default name: the policy knows built-in rules by their names, and one
 * of them would be met by less. The demand itself holds, because a wrong name must not loosen the policy.
 */
function ownDemand(value: unknown, levels: Levels): Demand {
  const faults: string[] = []
  const say: Say = (fault) => faults.push(fault)
  const fields = fieldsOf(value, DEMAND_KEYS, say)
  if (fields === undefined) throw unreadable(['each demand of a list must be an object'])
  const maxAgeSeconds = wholeNumber(fields, 'maxAgeSeconds', { least: 0, say })
  const level = levelOf(fields, { levels }, say)
  const [name, trust] = ['name', 'trustedBrowserSeconds'].map((key) => fields.get(key))
  if (trust !== undefined && trust !== 'never') say('trustedBrowserSeconds must be "never"')
  if (faults.length > 0) throw unreadable(faults)
  return present({
    name: faultOfName(name) === undefined ? name : undefined,
    require: level,
    maxAgeSeconds,
    trustedBrowserSeconds: trust,
  }) as Demand
}

function unreadable(faults: readonly string[]): MfaError {
  return new MfaError(
    'options-invalid',
    `require: the function has answered a demand that cannot be read:\n- ${faults.join('\n- ')}`,
  )
}
