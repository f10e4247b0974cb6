import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject } from '../../domain/json.ts'

/** The change of one member of a client's metadata. The values of a hidden member are absent (R31). */
export interface MemberChange {
  readonly member: string
  readonly change: 'added' | 'changed' | 'removed'
  readonly from?: Json
  readonly to?: Json
  /** The default that a removed member now has. Absent: it has none. */
  readonly means?: Json
}

/** A member that stays although the new metadata lacks it. The value of a hidden member is absent. */
export interface KeptMember {
  readonly member: string
  readonly value?: Json
}

/** How members are shown. */
export interface Shown {
  /** Whether the value of the member may be a secret. */
  readonly isHidden: (member: string) => boolean
  /** The metadata with the default of each missing member. */
  readonly takenAs: (metadata: JsonObject) => JsonObject
}

/** The members that differ, in the order of the metadata. */
export function changesOf(
  before: JsonObject,
  after: JsonObject,
  { isHidden, takenAs }: Shown,
): readonly MemberChange[] {
  const members = new Set([...Object.keys(before), ...Object.keys(after)])
  const changed = [...members].filter(
    (member) => member !== 'client_id' && !isDeepStrictEqual(before[member], after[member]),
  )
  let defaults: JsonObject | undefined
  return changed.map((member): MemberChange => {
    const [from, to] = [before[member], after[member]]
    const change = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed'
    if (isHidden(member)) return { member, change }
    const means = change === 'removed' ? (defaults ??= takenAs(after))[member] : undefined
    return {
      member,
      change,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(means === undefined ? {} : { means }),
    }
  })
}

/** The members of the result that the given metadata does not have. */
export function keptOf(
  given: JsonObject,
  after: JsonObject,
  { isHidden }: Pick<Shown, 'isHidden'>,
): readonly KeptMember[] {
  return Object.entries(after)
    .filter(([member, value]) => value !== undefined && given[member] === undefined)
    .map(([member, value]) => (isHidden(member) ? { member } : { member, value: value as Json }))
}
