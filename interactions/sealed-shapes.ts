import type { FactorKind } from '../src/domain/assurance.ts'
import type { Strength } from '../src/domain/policy/levels.ts'
import type { Proof, Upstream, UpstreamAssurance } from '../src/domain/policy/proofs.ts'

/** The shapes of the members of a sealed result, which comes back from a storage. */

const KINDS: readonly unknown[] = [
  'knowledge',
  'possession',
  'inherence',
] satisfies readonly FactorKind[]

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value) as Readonly<Record<string, unknown>>
}

/** Some storages keep `null` for a member that is not there. */
export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

/** Whether the value is a boolean, or not there. */
export function isFlag(value: unknown): boolean {
  return isAbsent(value) || typeof value === 'boolean'
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** Undefined: one of them has another shape. */
export function parseProofs(value: unknown): readonly Proof[] | undefined {
  if (!Array.isArray(value)) return undefined
  const proofs = value.map(parseProof)
  return proofs.includes(undefined) ? undefined : (proofs as readonly Proof[])
}

/** A proof without `null` and without members that we do not know. A factor `null` would count as a second factor. */
function parseProof(value: unknown): Proof | undefined {
  const { amr, time, factor, recoveredAt, upstream } = fieldsOf(value)
  const assurance = parseStrength(value)
  const provider = isAbsent(upstream) ? undefined : parseUpstream(upstream)
  if (
    assurance === undefined ||
    !isTexts(amr) ||
    !Number.isFinite(time) ||
    !(isAbsent(factor) || (typeof factor === 'string' && factor !== '')) ||
    !(isAbsent(recoveredAt) || Number.isFinite(recoveredAt)) ||
    isAbsent(upstream) !== (provider === undefined)
  )
    return undefined
  return {
    ...assurance,
    amr,
    time: time as number,
    ...(isAbsent(factor) ? {} : { factor }),
    ...(isAbsent(recoveredAt) ? {} : { recoveredAt: recoveredAt as number }),
    ...(provider === undefined ? {} : { upstream: provider }),
  }
}

/** Undefined: it has another shape. */
export function parseUpstreamAssurance(value: unknown): UpstreamAssurance | undefined {
  const strength = parseStrength(value)
  const upstream = parseUpstream(fieldsOf(value).upstream)
  return strength === undefined || upstream === undefined ? undefined : { ...strength, upstream }
}

function parseStrength(value: unknown): Strength | undefined {
  const { kinds, phishingResistant, hardware } = fieldsOf(value)
  if (typeof phishingResistant !== 'boolean' || !Array.isArray(kinds)) return undefined
  if (!(isAbsent(hardware) || hardware === true)) return undefined
  return kinds.every((kind) => KINDS.includes(kind))
    ? {
        kinds: kinds as readonly FactorKind[],
        phishingResistant,
        ...(hardware === true ? { hardware } : {}),
      }
    : undefined
}

function parseUpstream(value: unknown): Upstream | undefined {
  const { issuer, isEarlier } = fieldsOf(value)
  return typeof issuer === 'string' && typeof isEarlier === 'boolean'
    ? { issuer, isEarlier }
    : undefined
}
