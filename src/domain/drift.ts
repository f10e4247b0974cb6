/**
 * Whether the nodes of one deployment agree in the settings that all of them must share. Of two nodes that disagree, the
 * later starter is the one that differs: the earlier one was right until the other came.
 */
import type { Instant } from './time.ts'

/** A node without a heartbeat for this long is gone. */
export const NODE_LAPSES_SECONDS = 60

/** The names of the two settings that nodes must not disagree in, as an operator knows them. */
const ISSUER_SETTING = 'ISSUER'
export const COOKIE_KEYS_SETTING = 'COOKIE_KEYS'

/** The part of a node's note that is compared. */
export interface ComparedNode {
  readonly id: string
  readonly name: string
  readonly startedAt: Instant
  readonly issuer: string
  /** Fingerprints of the cookie keys; the first one is that of the key that signs. */
  readonly cookieKeys: readonly string[]
  /** A fingerprint or a small plain value by the setting's name. */
  readonly settings: Readonly<Record<string, string>>
}

/** `refuse`: sign-ins break between the two nodes. `error`: they are served by different rules. */
export type Severity = 'refuse' | 'error'

export interface Difference {
  readonly setting: string
  readonly severity: Severity
  /** The later starter, which is the one that differs. */
  readonly node: Named
  readonly value: string
  /** The first of the nodes that started earlier and have another value. */
  readonly earlier: Named
  readonly earlierValue: string
}

/** How much of an id tells two nodes of one name apart. */
const SHOWN_OF_ID = 6

export interface Named {
  readonly id: string
  readonly name: string
}

/** A cookie key of the live nodes, by its fingerprint. The lists are names of nodes. */
export interface CookieKeyUse {
  readonly key: string
  readonly signsOn: readonly string[]
  readonly missingOn: readonly string[]
}

/**
 * Whether a note counts at `now`. A heartbeat from the future was written under a wrong clock, and would otherwise keep
 * the note of a dead node until the clocks reach it.
 */
export function isLive({ beatAt }: { readonly beatAt: Instant }, now: Instant): boolean {
  return Math.abs(now - beatAt) <= NODE_LAPSES_SECONDS
}

/**
 * The time of a start, which decides who is the later one: it lies after that of each node that is live, also of one
 * whose clock is ahead.
 */
export function startAfter(
  live: readonly Pick<ComparedNode, 'startedAt'>[],
  now: Instant,
): Instant {
  return live.reduce((latest, { startedAt }) => Math.max(latest, startedAt + 1), now)
}

/**
 * The differences among live nodes, ordered by the later node and its setting. Each setting of a node is named once,
 * against the earliest node with another value.
 *
 * A setting that one of two notes lacks is not compared: another version of the package has other settings.
 */
export function differencesAmong(live: readonly ComparedNode[]): readonly Difference[] {
  const nodes = withOwnNames(live)
  return nodes.flatMap((node, at) => {
    const found = new Map<string, Difference>()
    for (const earlier of nodes.slice(0, at))
      for (const difference of differencesOf(node, earlier))
        if (!found.has(difference.setting)) found.set(difference.setting, difference)
    return [...found.values()]
  })
}

/** Each cookie key of the live nodes, in the order in which the nodes list them. */
export function cookieKeyUses(live: readonly ComparedNode[]): readonly CookieKeyUse[] {
  const nodes = withOwnNames(live)
  const keys = new Set(nodes.flatMap(({ cookieKeys }) => cookieKeys))
  const named = (isMeant: (node: ComparedNode) => boolean): string[] =>
    nodes.filter(isMeant).map(({ name }) => name)
  return [...keys].map((key) => ({
    key,
    signsOn: named(({ cookieKeys }) => cookieKeys[0] === key),
    missingOn: named(({ cookieKeys }) => !cookieKeys.includes(key)),
  }))
}

/** The nodes in the order of their starts. Names that several nodes have are told apart by the beginnings of the ids. */
function withOwnNames(live: readonly ComparedNode[]): ComparedNode[] {
  const isShared = ({ id, name }: ComparedNode): boolean =>
    live.some((other) => other.name === name && other.id !== id)
  const named = live.map((node) =>
    isShared(node) ? { ...node, name: `${node.name} (${node.id.slice(0, SHOWN_OF_ID)})` } : node,
  )
  return named.sort(byStart)
}

/** Two nodes that started in the same second are ordered by their ids: each of them decides the same. */
function byStart(one: ComparedNode, other: ComparedNode): number {
  return one.startedAt - other.startedAt || (one.id < other.id ? -1 : 1)
}

function differencesOf(node: ComparedNode, earlier: ComparedNode): Difference[] {
  const differs = (
    setting: string,
    severity: Severity,
    value: string,
    earlierValue: string,
  ): Difference => ({
    setting,
    severity,
    node: { id: node.id, name: node.name },
    value,
    earlier: { id: earlier.id, name: earlier.name },
    earlierValue,
  })
  const found: Difference[] = []
  if (node.issuer !== earlier.issuer)
    found.push(differs(ISSUER_SETTING, 'refuse', node.issuer, earlier.issuer))
  if (!haveCompatibleKeys(node, earlier))
    found.push(
      differs(COOKIE_KEYS_SETTING, 'refuse', node.cookieKeys.join(), earlier.cookieKeys.join()),
    )
  for (const [setting, value] of Object.entries(node.settings)) {
    if (!Object.hasOwn(earlier.settings, setting)) continue
    const earlierValue = earlier.settings[setting] as string
    if (value !== earlierValue) found.push(differs(setting, 'error', value, earlierValue))
  }
  return found
}

/**
 * Each node reads the cookies that the other one signs. Other keys may differ, so that a key is changed in a rolling
 * restart.
 */
function haveCompatibleKeys(one: ComparedNode, other: ComparedNode): boolean {
  const reads = (reader: ComparedNode, [signing]: readonly string[]): boolean =>
    signing === undefined || reader.cookieKeys.includes(signing)
  return reads(one, other.cookieKeys) && reads(other, one.cookieKeys)
}
