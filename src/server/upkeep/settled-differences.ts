import type { Difference } from '../../domain/drift.ts'
import type { Instant } from '../../domain/time.ts'

/** Nodes read a changed policy within 5 s, each by itself, and note it at once. */
const SETTLING_SECONDS = 30

interface Look {
  readonly differences: readonly Difference[]
  /** All nodes that are live. */
  readonly live: readonly { readonly id: string }[]
  readonly now: Instant
}

/**
 * Returns the function that leaves out differences in the policy that are younger than 30 s: while the nodes read a
 * changed file they differ for a moment, which is no reason to refuse requests under `cluster.strict`. A difference with
 * which a node starts counts at once.
 */
export function settledDifferences(): (look: Look) => readonly Difference[] {
  let firstSeen = new Map<string, Instant>()
  let known = new Set<string>()
  return ({ differences, live, now }) => {
    const before = firstSeen
    const isRunning = ({ node, earlier }: Difference): boolean =>
      known.has(node.id) && known.has(earlier.id)
    const ofPolicy = differences.filter(({ setting }) => setting.startsWith('policy.'))
    firstSeen = new Map(
      ofPolicy.map((each) => {
        const since = isRunning(each) ? now : -Infinity
        return [keyOf(each), before.get(keyOf(each)) ?? since]
      }),
    )
    known = new Set(live.map(({ id }) => id))
    return differences.filter((each) => {
      const since = firstSeen.get(keyOf(each))
      return since === undefined || now - since >= SETTLING_SECONDS
    })
  }
}

function keyOf({ setting, node, earlier }: Difference): string {
  return JSON.stringify([setting, node.id, earlier.id])
}
