/** Deletes at most `limit` expired rows of one kind; answers how many. */
export type SweepKind = (limit: number) => number | Promise<number>

/**
 * Deletes at most `limit` expired rows of all kinds; answers how many. Each kind has the same share first, and what the
 * others leave goes to the kinds that have more rows: a flood of one kind does not keep the others from being deleted.
 * With a limit below the number of kinds the later kinds wait.
 *
 * A kind that fails does not keep the others from being deleted either: its error is thrown only if no row of any kind
 * was deleted. A caller that calls until nothing is left gets the first error of its last call.
 */
export async function sweepInShares(kinds: readonly SweepKind[], limit: number): Promise<number> {
  const share = Math.max(1, Math.floor(limit / kinds.length))
  const withMore: SweepKind[] = []
  const errors: unknown[] = []
  let swept = 0
  const take = async (kind: SweepKind, most: number): Promise<boolean> => {
    try {
      const deleted = await kind(most)
      swept += deleted
      return deleted === most
    } catch (error) {
      errors.push(error)
      return false
    }
  }
  for (const kind of kinds) {
    const most = Math.min(share, limit - swept)
    if (most <= 0) return swept
    if (await take(kind, most)) withMore.push(kind)
  }
  for (const kind of withMore) if (swept < limit) await take(kind, limit - swept)
  if (swept === 0 && errors.length > 0) throw errors[0]
  return swept
}
