import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { misconfigured } from '../../interactions/core.ts'
import { MfaError } from '../domain/errors.ts'

interface Signer {
  sign(data: string): string
  verify(data: string, signature: string): boolean
}

/** Applications whose keys were found to fit: they are fixed at the start. */
const fitting = new WeakSet<object>()

/**
 * The host sets the interaction's cookie with the keys of the application that serves the request, and reads it
 * with its own. Below another application (koa-mount) the two may differ: every sign-in would then end as one that
 * cannot be found. Asked just before the cookie is set. Throws MfaError `cookie-keys-differ`.
 */
export function refuseForeignKeys(
  ctx: KoaContextWithOIDC,
  cookies: Configuration['cookies'] = {},
): void {
  const { provider } = ctx.oidc
  const { app } = ctx as unknown as { app: object }
  if (app === provider || cookies.short?.signed === false || fitting.has(app)) return
  const reader = keysOf(provider.createContext(ctx.req, ctx.res))
  const writer = keysOf(ctx)
  if (reader !== undefined && !(writer && reader.verify(PROBE, writer.sign(PROBE))))
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

const PROBE = 'oidc-provider-mfa'

/** Undefined: without keys cookies are not signed. */
function keysOf({ cookies }: { readonly cookies: object }): Signer | undefined {
  return (cookies as { keys?: Signer }).keys
}
