import { fieldsOf, truth, wholeNumber, type Say } from './fields.ts'
import { isFirstLevel, type Level, type Levels } from './levels.ts'

const KEYS = ['name', 'acr', 'kinds', 'phishingResistant', 'hardware'] as const
const MOST_KINDS = 3
const LONGEST_NAME = 100

/**
 * Reads levels: a list from the weakest to the strongest, each at least as strict as the one before it, and the first
 * one reached by a first factor alone. `faults` lists every fault.
 */
export function parseLevels(
  value: unknown,
): { readonly levels: Levels } | { readonly faults: readonly string[] } {
  const faults: string[] = []
  if (!Array.isArray(value) || value.length === 0)
    return { faults: ['must be a list of at least one level: { name, acr, kinds }'] }
  const list: readonly unknown[] = value
  const levels = list.flatMap((one, place) => parseLevel(one, place, faults))
  if (faults.length === 0) faults.push(...orderFaults(levels))
  return faults.length > 0 ? { faults } : { levels: levels as unknown as Levels }
}

function parseLevel(value: unknown, place: number, faults: string[]): readonly Level[] {
  const said: string[] = []
  const say: Say = (fault) => said.push(fault)
  const fields = fieldsOf(value, KEYS, say)
  const name = fields?.get('name')
  const acr = fields?.get('acr')
  if (fields === undefined) say('must be an object: { name, acr, kinds }')
  else {
    if (!isName(name)) say(`name must be 1 to ${LONGEST_NAME} characters without spaces`)
    if (!isName(acr)) say(`acr must be 1 to ${LONGEST_NAME} characters without spaces`)
  }
  const kinds = fields && wholeNumber(fields, 'kinds', { least: 1, most: MOST_KINDS, say })
  if (fields !== undefined && !fields.has('kinds'))
    say(`kinds is missing: 1 to ${MOST_KINDS} kinds of factor`)
  const phishingResistant = (fields && truth(fields, 'phishingResistant', say)) === true
  const hardware = (fields && truth(fields, 'hardware', say)) === true
  const called = isName(name) ? `level "${name}"` : `level #${place + 1}`
  faults.push(...said.map((fault) => `${called}: ${fault}`))
  if (!isName(name) || !isName(acr) || kinds === undefined) return []
  const asked = {
    ...(phishingResistant ? { phishingResistant } : {}),
    ...(hardware ? { hardware } : {}),
  }
  return [{ name, acr, kinds, ...asked }]
}

/** A request names several values in one text, with spaces between them. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && new RegExp(`^\\S{1,${LONGEST_NAME}}$`).test(value)
}

function orderFaults(levels: readonly Level[]): readonly string[] {
  const faults: string[] = []
  const seen = new Set<string>()
  for (const [place, level] of levels.entries()) {
    const say: Say = (fault) => faults.push(`level "${level.name}": ${fault}`)
    for (const called of new Set([level.name, level.acr])) {
      if (seen.has(called)) say(`"${called}" is the name or the acr of another level`)
      seen.add(called)
    }
    const before = levels[place - 1]
    if (before === undefined && (level.kinds !== 1 || !isFirstLevel(level)))
      say(
        'must have kinds 1 and nothing else, because a first factor alone reaches the first level',
      )
    if (before !== undefined && isWeaker(level, before))
      say(`must be at least as strict as "${before.name}", the level before it`)
  }
  return faults
}

function isWeaker(level: Level, than: Level): boolean {
  return (
    level.kinds < than.kinds ||
    (than.phishingResistant === true && level.phishingResistant !== true) ||
    (than.hardware === true && level.hardware !== true)
  )
}
