import type { MfaRecord } from './mfa-record.ts'

/**
 * How often the access of an app was ended in this epoch. A grant has the number under which it was made, beside the
 * epoch, and is valid only while both are equal: an authorization that was in flight when the access ended stores its
 * grant with the earlier number, so the grant counts nowhere.
 */
export function accessEndings({ accessEnded = [] }: MfaRecord, clientId: string): number {
  return accessEnded.find((ended) => ended.clientId === clientId)?.times ?? 0
}

/** Ends the access of an app. When the epoch rises, every grant ends, and the numbers begin anew. */
export function endAccess(record: MfaRecord, clientId: string): MfaRecord {
  const times = accessEndings(record, clientId) + 1
  const others = (record.accessEnded ?? []).filter((ended) => ended.clientId !== clientId)
  return { ...record, accessEnded: [...others, { clientId, times }] }
}
