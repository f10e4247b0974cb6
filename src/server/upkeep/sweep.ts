import { DAY_SECONDS } from '../../domain/time.ts'
import type { Foundation } from '../boot/foundation.ts'

/** The number of records is so small that no request waits for the deletion. */
const SWEPT_AT_ONCE = 1000

/**
 * Deletes some of the expired records; returns how many. The server calls it repeatedly. The audit trail holds
 * people's addresses, so it is kept for as long as the settings say and no longer.
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
