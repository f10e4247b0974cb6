import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { misconfigured, type Core } from '../../interactions/core.ts'
import { MfaError } from '../domain/errors.ts'
import { adapterOf } from '../host/interaction.ts'

/**
 * Refuses a provider that was not made from the answer of `configure`. Such a provider has no second factor: the right
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
    adapterOf(provider, 'Interaction')
  } catch {
    // The adapter cannot be made before its database is there. Each authorization still checks for the wrapped policy.
    return
  }
  if (!taken.adapter)
    throw new MfaError(
      'not-configured',
      `The provider does not use the \`adapter\` that mfa.configure() has answered: ${HOW}`,
    )
}

/**
 * Stops an authorization in which the host has not asked the wrapped policy, because the application replaced the
 * policy after `configure`. Throws MfaError `not-configured`; the host answers 500, and Koa's `error` event tells the
 * application.
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
