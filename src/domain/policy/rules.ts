import type { Instant } from '../time.ts'

/**
 * A rule of the policy, in its parsed form. All rules that match a sign-in combine to the strictest: their order never
 * matters, and one more rule only tightens (R45).
 */
export interface Rule {
  /** 1 to 100 characters; no two rules have the same name. */
  readonly name: string
  readonly when: Conditions
  /** The `acr` of the level that it asks for. Absent: it asks for no level of its own. */
  readonly require?: string
  /** The longest time since the level was last proved. */
  readonly maxAgeSeconds?: number
  /** The ids of the factors that count. Absent: every factor does. */
  readonly factors?: readonly string[]
  /** When a person who has no fitting factor must set one up. Default: at once. */
  readonly enrol?: Enrol
  /** How long a trusted browser stands in for the factor, at most. Absent: as long as the policy offers. */
  readonly trustedBrowserSeconds?: number | 'never'
  /** Whether the person needs a second authenticator, on another device. */
  readonly redundancy?: boolean
}

export type Enrol =
  'required' | 'optional' | { readonly until: Instant } | { readonly graceSeconds: number }

/**
 * The conditions of a rule. A rule matches if each condition that it has matches; a list matches if any of its entries
 * does. An entry that begins with `!` excludes: a list of such entries alone matches everything else. A rule without
 * conditions matches every sign-in.
 */
export interface Conditions {
  readonly client?: readonly string[]
  readonly group?: readonly string[]
  readonly scope?: readonly string[]
  readonly acr?: readonly string[]
  /** Networks in CIDR notation, or single addresses. */
  readonly network?: readonly string[]
  readonly newBrowser?: boolean
  readonly firstParty?: boolean
}

/** The facts of a sign-in to which conditions apply. */
export interface Circumstances {
  readonly client: string
  readonly groups: readonly string[]
  readonly scopes: readonly string[]
  /** Every `acr` that the request names, essential or not, and those of the client's defaults. */
  readonly acrs: readonly string[]
  /** Whether the browser's address is in a network that a rule names. Absent: the address is not known. */
  readonly isWithin?: (network: string) => boolean
  /** Whether no sign-in of this account was completed in this browser before this one. */
  readonly isNewBrowser: boolean
  readonly isFirstParty: boolean
}

/**
 * Whether all conditions of a rule match. A fact that is not known, such as the address, counts as a match, so that a
 * missing fact never loosens the policy.
 */
export function matches({ when }: Rule, facts: Circumstances): boolean {
  const { isWithin } = facts
  return (
    isListed(when.client, [facts.client]) &&
    isListed(when.group, facts.groups) &&
    isListed(when.scope, facts.scopes) &&
    isListed(when.acr, facts.acrs) &&
    (isWithin === undefined || isAny(when.network, isWithin)) &&
    isSame(when.newBrowser, facts.isNewBrowser) &&
    isSame(when.firstParty, facts.isFirstParty)
  )
}

function isSame(condition: boolean | undefined, fact: boolean): boolean {
  return condition === undefined || condition === fact
}

function isListed(entries: readonly string[] | undefined, facts: readonly string[]): boolean {
  return isAny(entries, (entry) => facts.includes(entry))
}

/** An entry that excludes outweighs every other entry. */
function isAny(entries: readonly string[] | undefined, holds: (entry: string) => boolean): boolean {
  if (entries === undefined) return true
  let [isNaming, isHeld] = [false, false]
  for (const entry of entries)
    if (entry.startsWith('!')) {
      if (holds(entry.slice(1))) return false
    } else {
      isNaming = true
      isHeld ||= holds(entry)
    }
  return isNaming ? isHeld : entries.length > 0
}

/** The rules in force, beside the built-in ones. */
export interface Policy {
  readonly rules: readonly Rule[]
  /** Rules that decide beside the live ones, without effect: where the two differ, the trail says so. */
  readonly shadow: readonly Rule[]
  /** The time for which a person can trust a browser, in seconds. 0: the box is not offered. */
  readonly trustedBrowserSeconds: number
}

/** The policy of an application that names none. */
export const NO_POLICY: Policy = { rules: [], shadow: [], trustedBrowserSeconds: 0 }
