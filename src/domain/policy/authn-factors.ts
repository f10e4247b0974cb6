import type { Amr, FactorKind } from '../assurance.ts'
import type { Instant } from '../time.ts'
import type { Proof } from './proofs.ts'

/** The claim of a token that names each proof of its sign-in. */
export const AUTHN_FACTORS = 'authn_factors'
/** The scope that asks for the claim. */
export const AUTHN_SCOPE = 'authn'

/** One entry of the claim `authn_factors`. Times are in seconds since the Unix epoch (NumericDate, RFC 7519). */
export interface AuthnFactor {
  /** The methods of this proof (RFC 8176). Empty for a trusted browser. */
  readonly amr: readonly Amr[]
  /** When the proof was given or, for a trusted browser, when the trust in it began. */
  readonly time: Instant
  readonly phishing_resistant: boolean
  readonly kinds: readonly FactorKind[]
  /** When the account was last recovered, if that is at most 7 days before the proof. */
  readonly recovered_at?: Instant
  /** Whether the browser stood in for a factor. It proves nothing. */
  readonly trusted_browser?: true
}

/**
 * The claim `authn_factors`: one entry for each proof, the first factor included, the newest first. A trusted browser that
 * stood in for a factor is an entry that proves nothing (R14).
 */
export function authnFactors(
  proofs: readonly Proof[],
  trustedSince?: Instant,
): readonly AuthnFactor[] {
  const proved = proofs.map(
    ({ amr, time, phishingResistant, kinds, recoveredAt }): AuthnFactor => ({
      amr: [...amr],
      time,
      phishing_resistant: phishingResistant,
      kinds: [...kinds],
      ...(recoveredAt === undefined ? {} : { recovered_at: recoveredAt }),
    }),
  )
  const trusted: readonly AuthnFactor[] =
    trustedSince === undefined
      ? []
      : [
          {
            amr: [],
            time: trustedSince,
            phishing_resistant: false,
            kinds: [],
            trusted_browser: true,
          },
        ]
  return [...proved, ...trusted].sort((one, other) => other.time - one.time)
}
