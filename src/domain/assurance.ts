/** Authentication method references a proof adds to the token (RFC 8176; `backup_code` is ours). */
export type Amr = 'pwd' | 'otp' | 'hwk' | 'swk' | 'user' | 'mfa' | 'backup_code' | (string & {})

/** Kinds of authentication factor (NIST SP 800-63B-4, 2): two different ones make multi-factor. */
export type FactorKind = 'knowledge' | 'possession' | 'inherence'

/** What a verified factor proved. The proof decides, not the factor: the same key can prove more or less. */
export interface Assurance {
  readonly amr: readonly Amr[]
  readonly kinds: readonly FactorKind[]
  readonly phishingResistant: boolean
}
