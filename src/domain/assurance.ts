/** Authentication method references a proof adds to the token (RFC 8176; `backup_code` is ours). */
export type Amr = 'pwd' | 'otp' | 'hwk' | 'swk' | 'user' | 'mfa' | 'backup_code' | (string & {})

/** Kinds of authentication factor (NIST SP 800-63B-4, 2): two different ones make multi-factor. */
export type FactorKind = 'knowledge' | 'possession' | 'inherence'

/** The assurance of one proof. It depends on the proof and not on the factor: the same key can prove more or less. */
export interface Assurance {
  readonly amr: readonly Amr[]
  readonly kinds: readonly FactorKind[]
  readonly phishingResistant: boolean
  /** The key of the proof cannot leave hardware that protects it, and somebody who is trusted says so. Absent: not known. */
  readonly hardware?: true
}

/** The kind of factor behind a reference; undefined for one that says nothing of it (`mfa`, `user`, unknown). */
const KINDS: ReadonlyMap<string, FactorKind> = new Map([
  ['pwd', 'knowledge'],
  ['pin', 'knowledge'],
  ['kba', 'knowledge'],
  ['otp', 'possession'],
  ['hwk', 'possession'],
  ['swk', 'possession'],
  ['sc', 'possession'],
  ['sms', 'possession'],
  ['tel', 'possession'],
  ['backup_code', 'possession'],
  ['face', 'inherence'],
  ['fpt', 'inherence'],
  ['iris', 'inherence'],
  ['retina', 'inherence'],
  ['vbm', 'inherence'],
])

/** Undefined: the reference says nothing about a kind of factor. */
export function kindOf(amr: Amr): FactorKind | undefined {
  return KINDS.get(amr)
}

/** The combined methods of a first factor and a proof. */
export interface Combined {
  readonly amr: readonly Amr[]
  /** Two different kinds of factor were proved, so the token may contain `mfa` (R26). */
  readonly multiFactor: boolean
}

/** Whether a proof reaches the second level without a first factor: it proved two different kinds by itself (R26). */
export function isMultiFactorAlone(proof: Assurance): boolean {
  return combine([], proof).multiFactor
}

/** Adds a proof to what was proved before. `mfa` is said only of two different kinds of factor (RFC 8176, R26). */
export function combine(before: readonly Amr[], proof: Assurance): Combined {
  const said = [...before, ...proof.amr].filter((amr) => amr !== 'mfa')
  const kinds = new Set([...said.map((amr) => KINDS.get(amr)), ...proof.kinds])
  kinds.delete(undefined)
  const multiFactor = kinds.size > 1
  return { amr: [...new Set([...said, ...(multiFactor ? ['mfa'] : [])])], multiFactor }
}
