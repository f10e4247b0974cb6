import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { misconfigured } from '../../interactions/core.ts'
import { MfaError } from '../domain/errors.ts'
import { applicationOf, canReadOwnCookies } from '../host/cookie-keys.ts'

/** Applications whose keys were found to fit. The keys are fixed at the start, so one check is enough. */
const fitting = new WeakSet<object>()

/**
 * Refuses an interaction whose cookie the host would sign with other keys than it verifies it with, as may happen below
 * another application (koa-mount): no interaction would be found. Call it just before the cookie is set. Throws
 * MfaError `cookie-keys-differ`.
 */
export function refuseForeignKeys(
  ctx: KoaContextWithOIDC,
  cookies: Configuration['cookies'] = {},
): void {
  const app = applicationOf(ctx)
  if (cookies.short?.signed === false || fitting.has(app)) return
  if (!canReadOwnCookies(ctx))
    throw misconfigured(
      ctx,
      new MfaError(
        'cookie-keys-differ',
        'The application that the provider is mounted in signs cookies with other keys, so no interaction would be ' +
          'found: let `app.keys` be the `cookies.keys` of the configuration, both the newest first',
      ),
    )
  fitting.add(app)
}
