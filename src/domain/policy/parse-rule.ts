import { suggestion } from '../nearest-name.ts'
import { faultOfName, isName } from './built-in.ts'
import { fieldsOf, present, texts, truth, wholeNumber, type Fields, type Say } from './fields.ts'
import { rankOf, type Level, type Levels } from './levels.ts'
import { parseNetwork } from './network.ts'
import { isNeverMatched } from './overlap.ts'
import { enrolOf } from './parse-enrol.ts'
import { unmetBecause, type PolicyContext } from './reach.ts'
import type { Conditions, Rule } from './rules.ts'

const RULE_KEYS = [
  'name',
  'when',
  'require',
  'maxAgeSeconds',
  'factors',
  'enrol',
  'trustedBrowserSeconds',
  'redundancy',
] as const
const LISTS = ['client', 'group', 'scope', 'acr', 'network'] as const
const TRUTHS = ['newBrowser', 'firstParty'] as const

/** Reads one rule and says its faults, each with the name of the rule in quotes. */
export function parseRule(
  value: unknown,
  place: number,
  context: PolicyContext,
  tell: Say,
): Rule | undefined {
  const said: string[] = []
  const say: Say = (fault) => said.push(fault)
  const fields = fieldsOf(value, RULE_KEYS, say)
  const name = fields?.get('name')
  const rule = fields && ruleOf(fields, context, say)
  const fault =
    fields === undefined ? 'must be an object: { name, when, require }' : faultOfName(name)
  if (fault !== undefined) say(fault)
  const called = isName(name) ? `rule "${name}"` : `rule #${place + 1}`
  for (const fault of said) tell(`${called}: ${fault}`)
  return said.length === 0 ? rule : undefined
}

/** Empty where it is none: the rule is refused then. */
function nameIn(fields: Fields): string {
  const name = fields.get('name')
  return isName(name) ? name : ''
}

function ruleOf(fields: Fields, context: PolicyContext, say: Say): Rule {
  const demand = present({
    require: levelOf(fields, context, say),
    factors: factorsOf(fields, context, say),
  })
  const unmet = unmetBecause(demand, context)
  if (unmet !== undefined) say(unmet)
  return {
    name: nameIn(fields),
    when: conditionsOf(fields.get('when'), context, say),
    ...demand,
    ...present({
      maxAgeSeconds: wholeNumber(fields, 'maxAgeSeconds', { least: 0, say }),
      enrol: enrolOf(fields, say),
      trustedBrowserSeconds: trustOf(fields, say),
      redundancy: truth(fields, 'redundancy', say),
    }),
  }
}

/** The `acr` of the level that a rule asks for by its `acr` or its name. Undefined: it names none, or a wrong one. */
export function levelOf(
  fields: Fields,
  { levels }: Pick<PolicyContext, 'levels'>,
  say: Say,
): string | undefined {
  const value = fields.get('require')
  if (value === undefined) return undefined
  const rank = typeof value === 'string' ? rankOf(levels, value) : undefined
  if (rank !== undefined) return levels[rank]?.acr
  const names = levels.map(({ name }) => name)
  say(
    typeof value === 'string'
      ? `require names no level: "${value}"${suggestion(value, [...names, ...levels.map(({ acr }) => acr)])}; there are ${names.join(', ')}`
      : `require must be the name or the acr of a level: ${names.join(', ')}`,
  )
  return undefined
}

function factorsOf(
  fields: Fields,
  { factors }: PolicyContext,
  say: Say,
): readonly string[] | undefined {
  const named = texts(fields, 'factors', say)
  const ids = factors.map(({ id }) => id)
  const unknown = named?.filter((id) => !ids.includes(id)) ?? []
  for (const id of unknown)
    say(`factors names no factor: "${id}"${suggestion(id, ids)}; there are ${ids.join(', ')}`)
  return unknown.length > 0 ? undefined : named
}

function trustOf(fields: Fields, say: Say): number | 'never' | undefined {
  const value = fields.get('trustedBrowserSeconds')
  if (value === undefined || value === 'never') return value
  if (Number.isSafeInteger(value) && Number(value) >= 1) return Number(value)
  say('trustedBrowserSeconds must be a whole number of at least 1, or "never"')
  return undefined
}

function conditionsOf(value: unknown, context: PolicyContext, say: Say): Conditions {
  if (value === undefined) return {}
  const fields = fieldsOf(value, [...LISTS, ...TRUTHS], (fault) => say(`when: ${fault}`))
  if (fields === undefined) {
    say('when must be an object of conditions, such as { group: ["staff"] }')
    return {}
  }
  const within: Say = (fault) => say(`when.${fault}`)
  const when: Conditions = present({
    client: texts(fields, 'client', within),
    group: texts(fields, 'group', within),
    scope: scopesOf(fields, context, within),
    acr: texts(fields, 'acr', within)?.map((entry) => asAcr(entry, context.levels)),
    network: networksOf(fields, within),
    newBrowser: truth(fields, 'newBrowser', within),
    firstParty: truth(fields, 'firstParty', within),
  })
  for (const name of LISTS)
    if (isNeverMatched(name, when))
      within(`${name} excludes all that it names, so it never matches`)
  return when
}

/** The name of a level stands for its `acr`, which is what requests name. */
function asAcr(entry: string, levels: Levels): string {
  const [mark, name] = entry.startsWith('!') ? ['!', entry.slice(1)] : ['', entry]
  const rank = rankOf(levels, name)
  return rank === undefined ? entry : mark + (levels[rank] as Level).acr
}

function scopesOf(
  fields: Fields,
  { scopes }: PolicyContext,
  say: Say,
): readonly string[] | undefined {
  const named = texts(fields, 'scope', say)
  if (named === undefined || scopes === undefined) return named
  const unknown = named.map(unmarked).filter((scope) => !scopes.includes(scope))
  for (const scope of unknown)
    say(`scope names a scope that is not offered: "${scope}"${suggestion(scope, scopes)}`)
  return unknown.length > 0 ? undefined : named
}

function networksOf(fields: Fields, say: Say): readonly string[] | undefined {
  const named = texts(fields, 'network', say)
  const unfit = named?.filter((network) => parseNetwork(unmarked(network)) === undefined) ?? []
  for (const network of unfit)
    say(`network is neither an address nor a network such as 10.0.0.0/8: "${network}"`)
  return unfit.length > 0 ? undefined : named
}

function unmarked(entry: string): string {
  return entry.startsWith('!') ? entry.slice(1) : entry
}
