import { ConfigError } from '../../../config/environment.ts'
import type { FileValues } from '../../../config/schema.ts'
import { endOfType } from '../../adapters/audit-pages.ts'
import { suggestion } from '../../domain/nearest-name.ts'
import { DAY_SECONDS, type Instant } from '../../domain/time.ts'
import type { AuditRetention } from '../../ports/audit-trail.ts'
import { AUDITED_TYPES } from './audited-types.ts'

type AuditSettings = FileValues['audit']

/** Throws ConfigError for a type that no entry has: its entries would be deleted, or kept, by mistake. */
export function checkRetention({ retention }: AuditSettings): void {
  const faults = Object.keys(retention)
    .filter((type) => !AUDITED_TYPES.has(type))
    .map((type) => ({
      setting: `audit.retention.${type}`,
      problem: `is no type of an entry${suggestion(type, AUDITED_TYPES)}`,
    }))
  if (faults.length > 0) throw new ConfigError(faults)
}

/** The times before which entries are deleted. Undefined: every entry is kept for ever. */
export function retentionAt(
  { retentionDays, retention }: AuditSettings,
  now: Instant,
): AuditRetention | undefined {
  const before = timeOf(retentionDays, now)
  const types = Object.entries(retention).map(([type, days]) => [type, timeOf(days, now)] as const)
  if (before === undefined && types.every(([, time]) => time === undefined)) return undefined
  return {
    ...(before === undefined ? {} : { before }),
    ...(types.length === 0 ? {} : { types: new Map(types) }),
  }
}

/** Whether a sweep leaves an entry. `retention` undefined: it leaves each of them. */
export function isKeptBy(
  retention: AuditRetention | undefined,
  { type, at }: { readonly type: string; readonly at: Instant },
): boolean {
  const end = retention && endOfType(retention, type)
  return end === undefined || at >= end
}

/** 0 days stand for ever. */
function timeOf(days: number, now: Instant): Instant | undefined {
  return days === 0 ? undefined : now - days * DAY_SECONDS
}
