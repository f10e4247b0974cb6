import { DAY_SECONDS } from '../../domain/time.ts'
import type { Foundation } from '../boot/foundation.ts'

/** So few that nobody waits for it. */
const SWEPT_AT_ONCE = 1000

/**
 * Deletes what is past its time, a little of it; answers how much. Called again and again. The audit trail has
 * addresses of people in it: it is kept for as long as the settings say and no longer.
 */
export async function sweepStorage({
  storage,
  clock,
  settings,
}: Pick<Foundation, 'storage' | 'clock' | 'settings'>): Promise<number> {
  const { retentionDays } = settings.audit
  return retentionDays === 0
    ? storage.sweep(SWEPT_AT_ONCE)
    : storage.sweep(SWEPT_AT_ONCE, clock.now() - retentionDays * DAY_SECONDS)
}
