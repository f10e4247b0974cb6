import { generateSync } from 'otplib'
import type { TotpAlgorithm, TotpParameters } from './parameters.ts'
import type { CodeAt } from './window.ts'

/** The codes of one authenticator (RFC 6238 4). */
export function codesOf(parameters: TotpParameters): CodeAt {
  return (timeStep) =>
    generateSync({
      strategy: 'totp',
      secret: parameters.secret,
      algorithm: hashName(parameters.algorithm),
      digits: parameters.digits,
      period: parameters.periodSeconds,
      epoch: timeStep * parameters.periodSeconds,
    })
}

/** otplib's name of an algorithm. */
export function hashName(algorithm: TotpAlgorithm): Lowercase<TotpAlgorithm> {
  return algorithm.toLowerCase() as Lowercase<TotpAlgorithm>
}
