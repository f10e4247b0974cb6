import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { misconfigured, type Core } from '../../interactions/core.ts'
import { MfaError } from '../domain/errors.ts'
import { makeAdapter } from '../host/interaction.ts'

/**
 * Whether a provider was made from what `configure` has answered. Any other provider has no second factor: the right
 * password would lead to the login page again and again, or past the factor.
 *
 * Throws MfaError `not-configured`.
 */
export function refuseUnconfigured({ taken }: Core, provider: Provider): void {
  if (!taken.configured)
    throw new MfaError(
      'not-configured',
      `mfa.configure() was not called before mfa.attach(provider): ${HOW}`,
    )
  try {
    makeAdapter(provider)
  } catch {
    // An adapter that needs its database first. The login prompt and the guards are looked for at each request as well.
    return
  }
  if (!taken.adapter)
    throw new MfaError(
      'not-configured',
      `The provider does not use the \`adapter\` that mfa.configure() has answered: ${HOW}`,
    )
}

/**
 * Stops an authorization in which the host has not asked the wrapped policy: somebody has put another one in its place
 * after `configure`. Throws MfaError `not-configured`; the host answers 500, and the application hears of it.
 */
export function refuseOtherPolicy({ taken }: Core, ctx: KoaContextWithOIDC): void {
  if (taken.policy.has(ctx)) return
  throw misconfigured(
    ctx,
    new MfaError(
      'not-configured',
      `The provider does not use the \`interactions.policy\` that mfa.configure() has answered: ${HOW}`,
    ),
  )
}

const HOW =
  'make it by `new Provider(issuer, mfa.configure(configuration))`, and change nothing of the adapter or the policy after that'
