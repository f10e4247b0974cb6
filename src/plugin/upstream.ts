import type { PolicyInForce } from '../application/policy-input.ts'
import { parseUpstream } from '../domain/policy/parse-upstream.ts'
import type { UpstreamTrust } from '../domain/policy/upstream.ts'

/** The levels that one identity provider's words reach: the name or `acr` of a level here, by each value of its token. */
export interface UpstreamLevels {
  /** By the value of its `acr`. */
  readonly acr?: Readonly<Record<string, string>>
  /** By each entry of its `amr`. */
  readonly amr?: Readonly<Record<string, string>>
}

/** By the issuer (`iss`) of each identity provider. It is compared character by character. */
export type UpstreamOptions = Readonly<Record<string, UpstreamLevels>>

/** Reads the option `upstream` and adds its faults to `faults`. */
export function upstreamTrustOf(
  value: unknown,
  { levels }: Pick<PolicyInForce, 'levels'>,
  faults: string[],
): UpstreamTrust {
  if (value === undefined) return new Map()
  const parsed = parseUpstream(value, levels)
  if ('upstream' in parsed) return parsed.upstream
  faults.push(...parsed.faults.map((fault) => `upstream: ${fault}`))
  return new Map()
}
