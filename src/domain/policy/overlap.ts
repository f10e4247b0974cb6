import { commonOf, contains, EVERYWHERE, parseNetwork, type Network } from './network.ts'
import type { Conditions } from './rules.ts'

type Listed = 'client' | 'group' | 'scope' | 'acr' | 'network'

/** The entries of a condition: those that it names, and those that it excludes. */
interface Entries<T> {
  /** Empty: everything that is not excluded. */
  readonly named: readonly T[]
  readonly excluded: readonly T[]
}

/** Whether a condition excludes all that it names, so that no sign-in matches it. */
export function isNeverMatched(name: Listed, when: Conditions): boolean {
  const list = when[name]
  if (list === undefined) return false
  if (name === 'network') return !areNetworksCommon(list, undefined)
  const { named, excluded } = entriesOf(list)
  return named.length > 0 && named.every((entry) => excluded.includes(entry))
}

/**
 * Whether one sign-in can match both. They are apart only where one of the conditions shows it: two rules for different
 * groups can match one person, who is in both.
 */
export function canMatchTogether(one: Conditions, other: Conditions): boolean {
  return (
    isClientCommon(one.client, other.client) &&
    areFactsPossible(one.group, other.group) &&
    areFactsPossible(one.scope, other.scope) &&
    areFactsPossible(one.acr, other.acr) &&
    areNetworksCommon(one.network, other.network) &&
    isSameOrFree(one.newBrowser, other.newBrowser) &&
    isSameOrFree(one.firstParty, other.firstParty)
  )
}

function isSameOrFree(one: boolean | undefined, other: boolean | undefined): boolean {
  return one === undefined || other === undefined || one === other
}

function entriesOf(list: readonly string[] | undefined): Entries<string> {
  const isExcluding = (entry: string): boolean => entry.startsWith('!')
  return {
    named: (list ?? []).filter((entry) => !isExcluding(entry)),
    excluded: (list ?? []).filter(isExcluding).map((entry) => entry.slice(1)),
  }
}

/** A sign-in has one client. */
function isClientCommon(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): boolean {
  const [first, second] = [entriesOf(one), entriesOf(other)]
  const excluded = [...first.excluded, ...second.excluded]
  const lists = [first.named, second.named].filter(({ length }) => length > 0)
  if (lists.length === 0) return true
  const common = lists.reduce((before, list) => before.filter((id) => list.includes(id)))
  return common.some((id) => !excluded.includes(id))
}

/** A person can be in several groups, and a request can name several scopes and levels. */
function areFactsPossible(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): boolean {
  const [first, second] = [entriesOf(one), entriesOf(other)]
  const excluded = [...first.excluded, ...second.excluded]
  return [first, second].every(
    ({ named }) => named.length === 0 || named.some((entry) => !excluded.includes(entry)),
  )
}

/** A sign-in has one address. */
function areNetworksCommon(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): boolean {
  const [first, second] = [networksOf(one), networksOf(other)]
  const excluded = [...first.excluded, ...second.excluded]
  return first.named.some((network) =>
    second.named.some((otherNetwork) => {
      const common = commonOf(network, otherNetwork)
      return common !== undefined && !excluded.some((outer) => contains(outer, common))
    }),
  )
}

function networksOf(list: readonly string[] | undefined): Entries<Network> {
  const { named, excluded } = entriesOf(list)
  const parsed = (texts: readonly string[]): readonly Network[] =>
    texts.map(parseNetwork).filter((one) => one !== undefined)
  return { named: named.length === 0 ? EVERYWHERE : parsed(named), excluded: parsed(excluded) }
}
