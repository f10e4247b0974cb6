import { createGuardrails, generateSync } from 'otplib'
import { SHORTEST_SECRET_BYTES, type TotpAlgorithm, type TotpParameters } from './parameters.ts'
import type { CodeAt } from './window.ts'

/** `parseParameters` decides which secrets are long enough; here codes are only computed. */
const GUARDRAILS = createGuardrails({ MIN_SECRET_BYTES: SHORTEST_SECRET_BYTES })

/** The codes of one authenticator (RFC 6238 4). */
export function codesOf(parameters: TotpParameters): CodeAt {
  return (timeStep) =>
    generateSync({
      strategy: 'totp',
      secret: parameters.secret,
      algorithm: hashName(parameters.algorithm),
      digits: parameters.digits,
      guardrails: GUARDRAILS,
      period: parameters.periodSeconds,
      epoch: timeStep * parameters.periodSeconds,
    })
}

/** otplib's name of an algorithm. */
export function hashName(algorithm: TotpAlgorithm): Lowercase<TotpAlgorithm> {
  return algorithm.toLowerCase() as Lowercase<TotpAlgorithm>
}
