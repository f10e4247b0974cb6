/** Deletes at most `limit` expired rows of one kind; answers how many. */
export type SweepKind = (limit: number) => number | Promise<number>

/**
 * Deletes at most `limit` expired rows of all kinds; answers how many. Each kind has the same share first, and what the
 * others leave goes to the kinds that have more rows: a flood of one kind does not keep the others from being deleted.
 * With a limit below the number of kinds the later kinds wait.
 */
export async function sweepInShares(kinds: readonly SweepKind[], limit: number): Promise<number> {
  const share = Math.max(1, Math.floor(limit / kinds.length))
  const withMore: SweepKind[] = []
  let swept = 0
  for (const kind of kinds) {
    const most = Math.min(share, limit - swept)
    if (most <= 0) return swept
    const deleted = await kind(most)
    swept += deleted
    if (deleted === most) withMore.push(kind)
  }
  for (const kind of withMore) if (swept < limit) swept += await kind(limit - swept)
  return swept
}
