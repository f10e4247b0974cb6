import type { Instant } from '../time.ts'
import type { Proof } from './proofs.ts'
import { firstProof } from './session-proofs.ts'

/**
 * The facts on which a code or token rests. They are those of the authorization that issued it: a refresh keeps them, so
 * that the policy can judge the token again later.
 */
export interface TokenBasis {
  /** The proofs that counted, the newest first. */
  readonly proofs: readonly Proof[]
  /** Every `acr` that the authorization request named. */
  readonly acrs: readonly string[]
  /** The networks that rules named and that the browser was in. Absent: its address was not known. */
  readonly networks?: readonly string[]
  /** Whether the account was new in the browser. */
  readonly isNewBrowser: boolean
  /** When the trust in the browser began that stood in for the factor. */
  readonly trustedSince?: Instant
  /** The id of the factor that earned that trust. Absent: no rule that lists factors is met by it. */
  readonly trustedBy?: string
  /** Whether the person could put an enrolment off. */
  readonly mayPostpone: boolean
  /** Whether the app asked for the claim `authn_factors`. */
  readonly tellsFactors: boolean
}

/**
 * The basis of a code or token that keeps none although it goes back to a sign-in: it was issued before this release, or
 * before the plugin was installed. Nothing says what was proved, so it counts as a password of an unknown time in a new
 * browser.
 */
export const UNKNOWN_BASIS: TokenBasis = {
  proofs: [firstProof(['pwd'], 0)],
  acrs: [],
  isNewBrowser: true,
  mayPostpone: false,
  tellsFactors: false,
}
