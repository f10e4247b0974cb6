import type { RequestDetail } from '../domain/events.ts'
import { reusedIn, settleReused, type ShownTrust } from '../domain/trusted-browser.ts'
import { commit, type Loaded } from './commit.ts'
import type { Dependencies } from './dependencies.ts'

/**
 * Ends the trust in a browser whose replaced token is shown again, later than another tab may show it: somebody has
 * copied it (R14). Answers whether it did; writes nothing otherwise. Throws what a commit throws.
 */
export async function endReusedTrust(
  deps: Dependencies,
  seen: Loaded,
  shown: readonly ShownTrust[],
  detail: RequestDetail,
): Promise<boolean> {
  if (reusedIn(seen.record, shown, deps.clock.now()).length === 0) return false
  return commit(
    deps,
    seen.record.accountId,
    (record, now) => {
      const reused = reusedIn(record, shown, now)
      return reused.length === 0
        ? { outcome: false }
        : { outcome: true, ...settleReused(record, reused, detail) }
    },
    seen,
  )
}
