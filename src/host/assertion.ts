import type { Assertion } from '../domain/policy/proofs.ts'
import { given } from './given.ts'
import type { OIDC } from './context.ts'
import { authenticationOf, type AuthenticationClaims } from './token-basis.ts'

/**
 * Lets the codes and tokens of one accepted authorization carry an assertion of their own. The host takes `acr` and `amr`
 * from the request's context and the time from its session; what the session stores stays as it is.
 */
export function sayOfRequest(oidc: OIDC, { acr, amr, since }: Assertion): void {
  const session = given(oidc.session, 'session')
  Object.defineProperty(oidc, 'acr', { configurable: true, value: acr })
  Object.defineProperty(oidc, 'amr', { configurable: true, value: [...amr] })
  Object.defineProperty(session, 'authTime', { configurable: true, value: () => since })
}

/** The authentication that the codes and tokens of an accepted authorization carry. */
export function saidOfRequest(oidc: OIDC): AuthenticationClaims {
  const { acr, amr } = oidc
  return authenticationOf({ acr, amr, authTime: given(oidc.session, 'session').authTime() })
}
